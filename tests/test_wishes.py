"""What is chosen for a session stands in the address of a drill's page, and comes back from there."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from rotrack.app.live.wishes import MOST_REPS, REPS, Wishes, again
from rotrack.core.drills import load_table
from rotrack.core.model import Side

SEATED, ONE_LEG = (load_table().drill(drill_id) for drill_id in ("seated-combined", "standing-combined"))
ALL = Wishes("Ana & Co", "left", 7, "full", True, "red, thick", 2.5)


def asked(address: str, person: str = "", drill=SEATED) -> Wishes:
    query = dict(parse_qsl(urlsplit(address).query))
    return Wishes.asked(query, drill, query.get("person", person))


def test_all_that_was_chosen_comes_back_from_the_address_and_from_the_plan():
    assert asked(ALL.address(SEATED)) == ALL
    assert Wishes.of(ALL.plan(SEATED)) == ALL
    assert asked(Wishes.of(ALL.plan(SEATED)).address(SEATED)) == ALL


@pytest.mark.parametrize("drill", [SEATED, ONE_LEG], ids=lambda drill: drill.id)
def test_the_usual_choice_needs_no_words(drill):
    usual = asked("/", drill=drill)
    assert usual.address(drill) == f"/drill/{drill.id}"
    assert usual.reps == REPS
    for sides in ("both", *Side):
        assert asked(replace(usual, sides=sides).address(drill), drill=drill).sides == sides


def test_none_may_be_chosen():
    """0 repetitions: until the person ends it; it must not become the usual number."""
    assert asked(Wishes(reps=0).address(SEATED)).reps == 0


@pytest.mark.parametrize("query", ["leg=both&leg=x", "leg=x", "reps=x", "reps=", "reps=nan", "model=../x", "video=yes", "load=x"])
def test_what_makes_no_sense_is_as_if_it_were_not_said(query):
    found, usual = asked(f"/?{query}"), asked("/")
    assert (found.address(SEATED), found.plan(SEATED).reps) == (usual.address(SEATED), REPS)


def test_too_much_is_as_much_as_can_be():
    found = asked(f"/?reps=1e99&load=1e99&band={'x' * 999}")
    assert (found.reps, found.load_kg, len(found.band)) == (MOST_REPS, 500.0, 60)


def test_a_drill_is_done_again_with_the_same_legs():
    assert again(SEATED, "Ana", (Side.RIGHT,)) == "/drill/seated-combined?person=Ana&leg=right"
    assert again(SEATED, "Ana", tuple(Side)) == "/drill/seated-combined?person=Ana"
