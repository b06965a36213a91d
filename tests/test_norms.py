"""Published norms: the figures as they were published, and only for the position that they are of."""

import math
import re
import tomllib
from pathlib import Path

import pytest
from made_sessions import session_of, write

import rotrack.records
from rotrack.cli.printing import print_compared
from rotrack.cli.terminal import OUT
from rotrack.core.drills import load_table
from rotrack.core.model import Direction
from rotrack.core.postures import Posture
from rotrack.core.tiers import Tier
from rotrack.progress.wording import norm_words
from rotrack.records.norms import Norm, norms_for
from rotrack.texts import Texts

INTERNAL, EXTERNAL = Direction
KOUYOUMDJIAN, GRADOZ = "Kouyoumdjian and others 2012", "Gradoz and others 2018"
SIMONEAU, NASHIK = "Simoneau and others 1998", "College of Physiotherapy Nashik"


def figures(drill: str, motion: str | None) -> dict[tuple[str, Direction], float]:
    norms = norms_for(drill, motion)
    found = {(n.source, n.direction): n.value_deg for n in norms}
    assert len(found) == len(norms)
    return found


@pytest.mark.parametrize(
    ("drill", "motion", "expected"),
    [
        ("seated-internal", "active", {(SIMONEAU, INTERNAL): 35, (NASHIK, INTERNAL): 27.85}),
        ("seated-external", "active", {(SIMONEAU, EXTERNAL): 35, (NASHIK, EXTERNAL): 34.61}),
        ("seated-combined", "passive", {(GRADOZ, INTERNAL): 44.5, (GRADOZ, EXTERNAL): 44.2}),
        ("seated-combined", "", {(KOUYOUMDJIAN, INTERNAL): 37.9, (KOUYOUMDJIAN, EXTERNAL): 40.6}),
        ("supine-90-90-external", "passive", {(GRADOZ, EXTERNAL): 53.0}),
        ("supine-90-90-external", "active", {}),
    ],
)
def test_the_figures_are_those_that_were_published(
    drill: str, motion: str | None, expected: dict[tuple[str, Direction], float]
) -> None:
    assert figures(drill, motion) == expected


def test_a_session_is_only_set_beside_rows_of_its_own_position_and_kind() -> None:
    drills = load_table().drills.values()
    assert {drill.id for drill in drills if norms_for(drill.id)} == {"seated-internal", "seated-external", "seated-combined"}
    assert {norm.motion for drill in drills for norm in norms_for(drill.id)} == {"active"}
    assert len(norms_for("seated-combined", None)) == 8
    assert norms_for("no-such-drill") == ()


@pytest.mark.parametrize("drill", ["seated-combined", "supine-90-90-external"])
def test_who_was_measured_how_and_where_it_stands_is_said_of_every_row(drill: str) -> None:
    posture = load_table().drill(drill).posture
    for norm in norms_for(drill, None):
        assert isinstance(norm, Norm)
        assert ("seated" in norm.position) == (posture is Posture.SEATED)
        assert re.search(r" (19|20)\d\d$", norm.source) or norm.source == NASHIK, "the abstract that was read has no year"
        assert norm.journal
        assert norm.age
        assert norm.people in (norm.women + norm.men, 60)
        assert math.isnan(norm.sd_deg), "none stood in what was read"
        assert norm.second_hand == (norm.source in (GRADOZ, SIMONEAU))


def test_a_missing_spread_and_figures_that_others_cite_are_said() -> None:
    (norm, *_) = norms_for("seated-internal")
    said = norm_words(norm, Tier.A, Texts("en"))
    assert (said["mean"], said["source"]) == (
        "35.0°, spread not known",
        "Simoneau and others 1998, J Orthop Sports Phys Ther 28:158-164, as cited by others",
    )


@pytest.mark.parametrize(("performed", "moved"), [("", "by themselves"), ("passive", "by an examiner")])
def test_beside_a_session_stand_people_whose_legs_were_moved_in_the_same_way(tmp_path: Path, performed: str, moved: str) -> None:
    session = session_of(tmp_path, write(tmp_path, 1, drill="seated-internal", performed=performed))
    with OUT.capture() as printed:
        print_compared(session, [session])
    said = re.findall(r"moved (by \w+(?: examiner)?)", " ".join(printed.get().split()))
    assert set(said) == {moved}


def test_every_entry_of_the_file_is_used() -> None:
    text = (Path(rotrack.records.__file__).parent / "norms.toml").read_text("utf-8")
    for study in tomllib.loads(text)["study"]:
        for drill in study["drills"]:
            found = [n for n in norms_for(drill, None) if (n.source, n.position) == (study["source"], study["position"])]
            assert {n.direction for n in found} == set(load_table().drill(drill).directions)
        assert study["read"]
