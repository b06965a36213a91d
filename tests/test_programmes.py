"""Programmes and courses: what may be in them, and that a course goes on where it was."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from clocks import ManualClock

from rotrack.app.live.courses import begin_drill, go_on, plan_of, take_wishes, under_way, wishes_of
from rotrack.app.live.studio import Plan, Studio
from rotrack.app.live.wishes import Wishes
from rotrack.app.pages.programmes import how_much
from rotrack.core.errors import InputError
from rotrack.core.model import Side
from rotrack.measure.request import Request
from rotrack.people.changes import merge_people, rename_person
from rotrack.records.folders import locked
from rotrack.records.people import find_person, known_or_new, read_people
from rotrack.records.programmes import (
    Course,
    Done,
    Programme,
    ProgrammeStep,
    begin_course,
    due,
    find_course,
    new_id,
    open_courses,
    parse_programme,
    person_of,
    read_programmes,
    ready_programmes,
    remove_programme,
    step_over,
    write_programme,
)
from rotrack.system.inputs import json_bytes
from rotrack.texts import LANGUAGES, Texts


def programme(*drills: str, **step: object) -> Programme:
    steps = tuple(ProgrammeStep(drill=drill, **step) for drill in drills or ("seated-internal", "seated-external"))
    return Programme(id="mine", title="Mine", steps=steps)


def test_the_everyday_test_comes_first_and_titles_have_words_in_every_language():
    first, *others = ready_programmes()
    assert [step.drill for step in first.steps] == ["seated-combined"]
    assert all(step.legs == tuple(Side) for one in (first, *others) for step in one.steps)
    for language in LANGUAGES:
        assert len({Texts(language).said(one.title) for one in (first, *others)}) == len(others) + 1


def test_a_course_goes_on_where_it_was(tmp_path):
    begun = begin_course(tmp_path, programme(), "Ada", "full")
    assert begun.next_step == 0
    step_over(tmp_path, begun.id, 0, "s1")
    course = find_course(tmp_path, begun.id)
    assert (course.next_step, course.session_of(0), course.model, person_of(tmp_path, course)) == (1, "s1", "full", "Ada")
    assert [found.id for found in open_courses(tmp_path)] == [begun.id]
    step_over(tmp_path, begun.id, 0, "s2")  # done again
    assert find_course(tmp_path, begun.id).session_of(0) == "s2"
    assert step_over(tmp_path, begun.id, 1).next_step is None  # skipped
    assert open_courses(tmp_path) == []


def test_a_course_follows_its_person(tmp_path):
    course = begin_course(tmp_path, programme(), "Ada")
    begin_course(tmp_path, programme(), "Bo")
    people = {person.name: person for person in read_people(tmp_path)[0]}
    rename_person(tmp_path, people["Ada"], "Ada Lovelace")
    assert person_of(tmp_path, find_course(tmp_path, course.id)) == "Ada Lovelace"
    merge_people(tmp_path, find_person(read_people(tmp_path)[0], "Ada Lovelace"), people["Bo"])
    assert person_of(tmp_path, find_course(tmp_path, course.id)) == "Bo"
    assert person_of(tmp_path, begin_course(tmp_path, programme())) == ""


def test_who_has_to_turn_round_for_the_other_leg_does_one_leg_after_the_other(tmp_path):
    course = begin_course(tmp_path, programme("sidelying-strength-internal", "seated-internal"))
    assert [(step.drill, step.sides) for step in course.programme.steps] == [
        ("sidelying-strength-internal", "left"),
        ("sidelying-strength-internal", "right"),
        ("seated-internal", "both"),
    ]


def test_a_step_is_measured_as_it_was_chosen(tmp_path):
    wanted = programme("seated-internal", sides="left", reps=3, chosen={"band": "red", "load_kg": "2.5"})
    plan = plan_of(begin_course(tmp_path, wanted, "Ada", "full", keep_video=True), 0, "Ada")
    request = plan.request
    assert (plan.drill.id, plan.sides, plan.reps, plan.person) == ("seated-internal", (Side.LEFT,), 3, "Ada")
    assert (request.band, request.load_kg, request.model, request.annotate) == ("red", 2.5, "full", True)
    assert (plan.step, bool(plan.course)) == (0, True)


# ---------------------------------------------------------------------- a single drill
LEFT_LEG = Request(drill="seated-internal", side="left", person="Ada", model="full", band="red", load_kg=2.5, annotate=True)


@pytest.fixture
def studio(tmp_path):
    opened = Studio("front door", tmp_path)
    yield opened
    opened.close()


def test_a_single_drill_is_stored_as_a_course_with_one_step(tmp_path, studio):
    begun = begin_drill(studio, Wishes(Plan(LEFT_LEG, reps=7)), "de")
    course = find_course(tmp_path, begun.id)
    plan = plan_of(course, 0, person_of(tmp_path, course))
    assert (plan.request, plan.reps, plan.language) == (LEFT_LEG, 7, "de")
    assert (course.single, course.camera) == (True, "front door")
    changed = wishes_of(course, 0, "Ada")
    changed.take(side="both", reps=3)
    take_wishes(studio, course, changed)
    course = find_course(tmp_path, begun.id)
    assert plan_of(course, 0, "Ada").sides == tuple(Side)
    assert (course.programme.steps[0].reps, course.camera, course.language) == (3, "front door", "de")


def test_who_turns_round_for_the_other_leg_has_a_course_of_two_steps(studio):
    course = begin_drill(studio, Wishes(Plan(Request(drill="sidelying-strength-internal", side="both"))), "en")
    assert [step.sides for step in course.programme.steps] == ["left", "right"]
    assert not course.single


def test_a_password_of_a_camera_is_not_written_down(tmp_path):
    secret = Studio("rtsp://me:secret@192.168.1.20/stream", tmp_path)
    try:
        begun = begin_drill(secret, Wishes(Plan(LEFT_LEG)), "en")
    finally:
        secret.close()
    assert begun.camera == find_course(tmp_path, begun.id).camera == ""


@pytest.mark.parametrize(("camera", "chosen", "opened"), [("0", "", "front door"), ("1", "", "1"), ("0", "2", "2")])
def test_a_course_goes_on_with_its_camera_unless_another_was_chosen_since(tmp_path, monkeypatch, studio, camera, chosen, opened):
    begun = begin_drill(studio, Wishes(Plan(LEFT_LEG)), "en")
    anew, prepared = Studio(camera, tmp_path), []
    monkeypatch.setattr(anew, "prepare", prepared.append)
    try:
        if chosen:
            anew.choose_camera(chosen)
        go_on(anew, begun)
        assert anew.camera == opened
        assert [(plan.course, plan.step, plan.person) for plan in prepared] == [(begun.id, 0, "Ada")]
    finally:
        anew.close()


def test_what_was_begun_last_is_gone_on_with_and_what_was_left_for_it_is_not(tmp_path, studio):
    assert under_way(studio) == []
    left = begin_drill(studio, Wishes(Plan(LEFT_LEG)), "en")
    assert [course.id for course, _ in under_way(studio)] == [left.id]
    half = begin_course(tmp_path, programme(), "Bo")
    step_over(tmp_path, half.id, 0)
    last = begin_drill(studio, Wishes(Plan(LEFT_LEG)), "en")
    assert [(course.id, person) for course, person in under_way(studio)] == [(last.id, "Ada"), (half.id, "Bo")]
    step_over(tmp_path, last.id, 0, "s1")
    assert [course.id for course, _ in under_way(studio)] == [half.id]


def test_a_programme_survives_its_file(tmp_path):
    own = Programme(id=new_id("Hüfte, täglich"), title="Hüfte, täglich", steps=programme(rest_s=10, reps=3).steps)
    write_programme(tmp_path, own)
    assert read_programmes(tmp_path) == ([*ready_programmes(), own], [])
    assert parse_programme(json.loads(json_bytes(own))) == own
    remove_programme(tmp_path, own.id)
    assert read_programmes(tmp_path) == (list(ready_programmes()), [])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"id": "../other"}, "no id"),
        ({"title": " "}, "title"),
        ({"steps": []}, "drills"),
        ({"steps": [{"drill": "no-such"}]}, "no drill called"),
        ({"steps": [{"drill": "seated-internal", "sides": "middle"}]}, "left, right or both"),
        ({"steps": [{"drill": "seated-internal", "reps": 51}]}, "repetitions"),
        ({"steps": [{"drill": "seated-internal", "rest_s": -1}]}, "rest"),
        ({"format": 99}, "newer version"),
    ],
)
def test_a_foreign_file_is_refused_in_words(change, word):
    with pytest.raises(InputError, match=word):
        parse_programme(json.loads(json_bytes(programme())) | change)


def test_a_damaged_file_hides_no_other(tmp_path):
    write_programme(tmp_path, programme())
    (tmp_path / "programmes" / "other.json").write_text("{", "utf-8")
    found, problems = read_programmes(tmp_path)
    assert found[-1] == programme() and len(problems) == 1


@pytest.mark.parametrize("course_id", ["", "..", "no-such", "a/b"])
def test_a_course_that_is_not_there_is_said(tmp_path, course_id):
    with pytest.raises(InputError, match="no course"):
        find_course(tmp_path, course_id)


def test_a_course_names_only_steps_that_it_has():
    with pytest.raises(ValueError, match="does not belong to it"):
        Course(id="a", programme=programme(), done=(Done(step=2),))


# ---------------------------------------------------------------------- targets, and what is due
def test_what_is_due_is_what_was_not_done_for_so_many_days(tmp_path):
    step = ProgrammeStep(drill="seated-internal")
    often, seldom, whenever = (
        Programme(id=name, title=name, steps=(step,), every_days=days) for name, days in (("often", 1), ("seldom", 7), ("any", 0))
    )
    programmes = (often, seldom, whenever)
    clock = ManualClock()
    today = clock.now().date()
    with locked(tmp_path):
        known_or_new(tmp_path, "Ana")
    assert due(tmp_path, programmes, "Ana", today) == ["often", "seldom"], "never done"
    for programme in programmes:
        course = begin_course(tmp_path, programme, "Ana", clock=clock)
        assert programme.id in due(tmp_path, (programme,), "Ana", today) or not programme.every_days, "begun is not done"
        step_over(tmp_path, course.id, 0, "a-session")
    assert due(tmp_path, programmes, "Ana", today) == []
    assert due(tmp_path, programmes, "Ana", today + timedelta(days=1)) == ["often"]
    assert due(tmp_path, programmes, "ana", today + timedelta(days=7)) == ["often", "seldom"]
    assert due(tmp_path, programmes, "", today) == due(tmp_path, programmes, "Nobody", today) == []


def test_targets_of_a_step_reach_its_session(tmp_path):
    step = ProgrammeStep(drill="seated-internal", target_deg=40.0, hold_s=30.0)
    course = begin_course(tmp_path, Programme(id="mine", title="Mine", steps=(step,)))
    plan = plan_of(find_course(tmp_path, course.id), 0, "")
    assert (plan.target_deg, plan.hold_s) == (40.0, 30.0)
    assert how_much(step, Texts()) == "both legs, 5 times, to 40\u00b0, each held for 30 s"
    for wrong in ({"target_deg": 121.0}, {"target_deg": -1.0}, {"hold_s": 601.0}):
        with pytest.raises(ValueError, match="must be from 0"):
            ProgrammeStep(drill="seated-internal", **wrong)
