"""Published norms: the figures as they were published, and only for the position that they are of."""

import math
import re
import tomllib
from pathlib import Path

import pytest

import rotrack.records
from rotrack.core.drills import load_table
from rotrack.core.model import Direction
from rotrack.core.postures import Posture
from rotrack.records.norms import Norm, norms_for

INTERNAL, EXTERNAL = Direction
KOUYOUMDJIAN, GRADOZ = "Kouyoumdjian and others 2012", "Gradoz and others 2018"


def figures(drill: str) -> dict[tuple[str, Direction], float]:
    norms = norms_for(drill)
    found = {(n.source, n.direction): n.value_deg for n in norms}
    assert len(found) == len(norms)
    return found


@pytest.mark.parametrize(
    ("drill", "expected"),
    [
        ("seated-internal", {(KOUYOUMDJIAN, INTERNAL): 37.9, (GRADOZ, INTERNAL): 44.5}),
        ("seated-external", {(KOUYOUMDJIAN, EXTERNAL): 40.6, (GRADOZ, EXTERNAL): 44.2}),
        (
            "seated-combined",
            {
                (KOUYOUMDJIAN, INTERNAL): 37.9,
                (KOUYOUMDJIAN, EXTERNAL): 40.6,
                (GRADOZ, INTERNAL): 44.5,
                (GRADOZ, EXTERNAL): 44.2,
            },
        ),
        ("supine-90-90-external", {(GRADOZ, EXTERNAL): 53.0}),
    ],
)
def test_the_figures_are_those_that_were_published(drill: str, expected: dict[tuple[str, Direction], float]) -> None:
    assert figures(drill) == expected


def test_only_drills_in_the_position_of_a_study_have_norms() -> None:
    with_norms = {drill.id for drill in load_table().drills.values() if norms_for(drill.id)}
    assert with_norms == {"seated-internal", "seated-external", "seated-combined", "supine-90-90-external"}
    assert norms_for("no-such-drill") == ()


@pytest.mark.parametrize("drill", ["seated-combined", "supine-90-90-external"])
def test_position_and_origin_are_said(drill: str) -> None:
    posture = load_table().drill(drill).posture
    for norm in norms_for(drill):
        assert isinstance(norm, Norm)
        assert ("seated" in norm.position) == (posture is Posture.SEATED)
        assert re.search(r" (19|20)\d\d$", norm.source), "authors and year"
        assert re.search(r"\d", norm.population)
        assert math.isnan(norm.sd_deg), "none was published in what was read"
        assert norm.motion == ("passive" if norm.source == GRADOZ else "")


def test_every_entry_of_the_file_is_used() -> None:
    text = (Path(rotrack.records.__file__).parent / "norms.toml").read_text("utf-8")
    for study in tomllib.loads(text)["study"]:
        for drill in study["drills"]:
            found = [n for n in norms_for(drill) if (n.source, n.position) == (study["source"], study["position"])]
            assert {n.direction for n in found} == set(load_table().drill(drill).directions)
        assert set(study) == {"source", "title", "population", "position", "motion", "drills", "internal", "external"}
