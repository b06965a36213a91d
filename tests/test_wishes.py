"""What is chosen for a session stands in the address of a drill's page, and comes back from there."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from rotrack.app.live.studio import Plan
from rotrack.app.live.wishes import MOST_REPS, REPS, Wishes, again
from rotrack.core.drills import load_table
from rotrack.core.model import Side
from rotrack.measure.request import Request

SEATED, ONE_LEG = (load_table().drill(drill_id) for drill_id in ("seated-combined", "standing-combined"))
ALL = Wishes(
    Plan(
        Request(
            drill=SEATED.id, person="Ana & Co", side="left", model="full", annotate=True, band="red, thick", load_kg=2.5,
        ),
        reps=7,
    )
)  # fmt: skip


def asked(address: str, person: str = "", drill=SEATED) -> Wishes:
    query = dict(parse_qsl(urlsplit(address).query))
    return Wishes.asked(query, drill, query.get("person", person))


def test_all_that_was_chosen_comes_back_from_the_address():
    assert asked(ALL.address) == ALL
    assert ALL.unusual


@pytest.mark.parametrize("drill", [SEATED, ONE_LEG], ids=lambda drill: drill.id)
def test_the_usual_choice_needs_no_words(drill):
    usual = asked("/", drill=drill)
    assert usual.address == f"/drill/{drill.id}"
    assert usual.plan.reps == REPS
    assert not usual.unusual
    for side in ("both", *Side):
        usual.take(side=side)
        assert asked(usual.address, drill=drill).plan.request.side == side


def test_none_may_be_chosen():
    """0 repetitions: until the person ends it; it must not become the usual number."""
    none = asked("/")
    none.take(reps=0)
    assert asked(none.address).plan.reps == 0


@pytest.mark.parametrize(
    "query", ["side=both&side=x", "side=x", "reps=x", "reps=", "reps=nan", "model=../x", "annotate=on", "load_kg=x"]
)
def test_what_makes_no_sense_is_as_if_it_were_not_said(query):
    found, usual = asked(f"/?{query}"), asked("/")
    assert (found.address, found.plan.reps) == (usual.address, REPS)


def test_too_much_is_as_much_as_can_be():
    found = asked(f"/?reps=1e99&load_kg=1e99&band={'x' * 999}").plan
    assert (found.reps, found.request.load_kg, len(found.request.band)) == (MOST_REPS, 500.0, 60)


def test_a_drill_is_done_again_with_the_same_legs():
    assert again(SEATED, "Ana", (Side.RIGHT,)) == "/drill/seated-combined?person=Ana&side=right"
    assert again(SEATED, "Ana", tuple(Side)) == "/drill/seated-combined?person=Ana"
