"""What is measured on the page is a step of a course, which is stored: how one begins, and how it goes on, also elsewhere."""

from __future__ import annotations

from datetime import timedelta

from rotrack.app.live.studio import Phase, Plan, Studio
from rotrack.app.live.wishes import Wishes
from rotrack.core.drills import load_table
from rotrack.records.programmes import Course, Programme, ProgrammeStep, begin_course, change_course, open_courses, person_of
from rotrack.sensing.landmarker import MODELS

GO_ON_WITHIN = timedelta(hours=12)
"""A course that was begun longer ago is not offered any more; its address still opens it."""
_OF_THE_COURSE = ("person", "model", "annotate", "side", "reps")
"""What of the wishes is no detail of its step."""


def begin_drill(studio: Studio, wishes: Wishes, language: str) -> Course:
    """Begin a course of a single drill as it is wished for.

    Raises
    ------
    RotrackError
        If it cannot be written, or the name is none.
    """
    studio.ask_about_clock()  # before there is a course
    drill, request = wishes.plan.drill, wishes.plan.request
    return begin_course(
        studio.data, Programme(id=drill.id, title=drill.title, steps=(step_of(wishes),)), request.person, request.model,
        request.annotate, studio.camera, language, single=True, clock=studio.clock,
    )  # fmt: skip


def take_wishes(studio: Studio, course: Course, wishes: Wishes) -> Course:
    """Let a course of a single drill be as it is wished for now, and return it; raises RotrackError if that fails."""
    request, programme = wishes.plan.request, course.programme
    return change_course(
        studio.data,
        course.id,
        programme=Programme(id=programme.id, title=programme.title, steps=(step_of(wishes),)),
        model=request.model,
        keep_video=request.annotate,
    )


def take_camera(studio: Studio, course_id: str) -> None:
    """Let a course go on with the camera that is chosen now; raises RotrackError if that fails."""
    change_course(studio.data, course_id, camera=studio.camera)


def step_of(wishes: Wishes) -> ProgrammeStep:
    """Return what is wished for as a step."""
    plan = wishes.plan
    chosen = {name: text for name, text in wishes.query.items() if name not in _OF_THE_COURSE}
    return ProgrammeStep(drill=plan.drill.id, sides=plan.request.side, reps=plan.reps, chosen=chosen)


def wishes_of(course: Course, step: int, person: str) -> Wishes:
    """Return the plan of a step of a course, which may be changed."""
    wanted = course.programme.steps[step]
    keep = {"annotate": "yes"} if course.keep_video else {}
    query = {**wanted.chosen, **keep, "side": wanted.sides, "reps": str(wanted.reps), "model": course.model or MODELS[0]}
    return Wishes.asked(query, load_table().drill(wanted.drill), person)


def plan_of(course: Course, step: int, person: str) -> Plan:
    """Return the plan of a step of a course."""
    asked, wanted = wishes_of(course, step, person).plan, course.programme.steps[step]
    return Plan(asked.request, asked.reps, course.id, step, wanted.target_deg, wanted.hold_s, course.language)


def go_on(studio: Studio, course: Course, step: int | None = None) -> None:
    """Begin with a step of a course, the next one if none is named, unless that is under way: two pages may ask for it.

    A camera that was chosen since the program was started is used; without one, that of the course.

    Raises
    ------
    RotrackError
        If it cannot be begun.
    """
    now, wanted = studio.plan, course.next_step if step is None else step
    running = studio.phase in (Phase.CHECK, Phase.MEASURE)
    if wanted is None or (step is None and running and now is not None and (now.course, now.step) == (course.id, wanted)):
        return
    if course.camera and not studio.camera_chosen:
        studio.camera = course.camera
    studio.prepare(plan_of(course, wanted, person_of(studio.data, course)))


def under_way(studio: Studio) -> list[tuple[Course, str]]:
    """Return the courses that somebody may want to go on with, the latest first, each with the name of its person.

    Of those that have just begun, that is the last one alone: whoever begins another has left it.
    """
    recent = open_courses(studio.data, studio.clock.now() - GO_ON_WITHIN)
    return [(course, person_of(studio.data, course)) for course in recent if course.done or course is recent[0]]
