"""Programmes, which are drills in an order, and courses: a programme that a person goes through, and how far they have come.

Whatever is measured on the page is a course; a single drill is one with a single step. A course is one file:
`people/ID/courses/COURSE.json` beside the record of the person, or `courses/COURSE.json` where nobody is named. It is written
when it begins and after every drill: opening its address continues it, also after the program has been restarted.
"""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RotrackError
from rotrack.core.messages import Sentence
from rotrack.core.model import Side
from rotrack.records.folders import locked
from rotrack.records.people import MAX_GOAL_DEG, find_person, known_or_new, people_folder, person_folder, read_people
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import explained, make_folder, replace
from rotrack.system.inputs import UnreadableError, json_bytes, masked, read_json, record_of

FORMAT = 1
MOST_STEPS = 50
MOST_REPS = 50
LONGEST_REST_S, LONGEST_HOLD_S = 600.0, 600.0
MOST_DAYS = 366
LONGEST_TITLE = 80
MOST_BYTES = 200_000
BOTH = "both"
_ID = re.compile(r"[a-z0-9-]{1,60}")


class ProgrammeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One drill of a programme.

    Parameters
    ----------
    drill : str
        Its id.
    sides : str
        A side, or both.
    reps : int
        Repetitions per leg; 0: until somebody ends it.
    rest_s : float
        Rest before it, s; the first one has none.
    target_deg : float
        How far each repetition is to go, deg; 0: no target.
    hold_s : float
        How long each is to be held, s; 0: no target.
    chosen : dict of str to str
        What else is chosen, as it stands in the address of the drill's page.
    """

    drill: str
    sides: str = BOTH
    reps: int = 5
    rest_s: float = 30.0
    target_deg: float = 0.0
    hold_s: float = 0.0
    chosen: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.drill not in load_table().drills:
            raise ValueError(Sentence("there is no drill called '{what}'", what=self.drill[:40]))
        if self.sides not in (BOTH, *Side):
            raise ValueError(Sentence("the leg must be left, right or both, not '{what}'", what=self.sides[:40]))
        if not 0 <= self.reps <= MOST_REPS:
            raise ValueError(Sentence("repetitions must be from 0 to {n}", n=MOST_REPS))
        if not 0 <= self.rest_s <= LONGEST_REST_S:
            raise ValueError(Sentence("a rest must be from 0 to {n:.0f} seconds", n=LONGEST_REST_S))
        if not 0 <= self.target_deg <= MAX_GOAL_DEG:
            raise ValueError(Sentence("a target must be from 0 to {n:.0f} degrees", n=MAX_GOAL_DEG))
        if not 0 <= self.hold_s <= LONGEST_HOLD_S:
            raise ValueError(Sentence("a hold must be from 0 to {n:.0f} seconds", n=LONGEST_HOLD_S))

    @property
    def legs(self) -> tuple[Side, ...]:
        """The legs of the step, in order."""
        return tuple(Side) if self.sides == BOTH else (Side(self.sides),)


class Programme(msgspec.Struct, frozen=True, kw_only=True):
    """Drills in an order, to be done every so many days (0: whenever)."""

    id: str
    title: str
    steps: tuple[ProgrammeStep, ...]
    every_days: int = 0
    format: int = FORMAT

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(Sentence("'{what}' is no id of a programme", what=self.id[:40]))
        if not 0 < len(self.title.strip()) <= LONGEST_TITLE:
            raise ValueError(Sentence("a title must have 1 to {n} letters", n=LONGEST_TITLE))
        if not 0 < len(self.steps) <= MOST_STEPS:
            raise ValueError(Sentence("a programme must have 1 to {n} drills", n=MOST_STEPS))
        if not 0 <= self.every_days <= MOST_DAYS:
            raise ValueError(Sentence("a programme must be due every 0 to {n} days", n=MOST_DAYS))
        if self.format > FORMAT:
            raise ValueError("it was written by a newer version of rotrack; update rotrack to read it")


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How a step of a course ended: with which session; without one it was skipped."""

    step: int
    session_id: str = ""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A programme that somebody goes through.

    Parameters
    ----------
    id : str
        Part of its address and name of its file.
    programme : Programme
        As it was when the course began, with a step for each position that has to be taken.
    person_id : str
        Whose it is; empty for nobody in particular.
    model : str
        Pose model.
    keep_video : bool
        Whether videos are kept.
    camera : str
        What opens the camera; empty where that holds a password, which is not written down.
    language : str
        What is spoken and written where a browser has chosen no language of its own; empty for none in particular.
    single : bool
        Whether it is one drill that was chosen by itself, whose end is its result.
    done : tuple of Done
        The steps that are over, the latest of each.
    begun_at : datetime, optional
        When it began.
    """

    id: str
    programme: Programme
    person_id: str = ""
    model: str = ""
    keep_video: bool = False
    camera: str = ""
    language: str = ""
    single: bool = False
    done: tuple[Done, ...] = ()
    begun_at: datetime | None = None
    format: int = FORMAT

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(Sentence("'{what}' is no id of a course", what=self.id[:40]))
        if any(not 0 <= done.step < len(self.programme.steps) for done in self.done):
            raise ValueError("it marks a drill as done that does not belong to it")
        if self.format > FORMAT:
            raise ValueError("it was written by a newer version of rotrack; update rotrack to read it")

    @property
    def next_step(self) -> int | None:
        """Number of the first step that is not over, from 0; None if all are."""
        over = {done.step for done in self.done}
        return next((step for step in range(len(self.programme.steps)) if step not in over), None)

    def session_of(self, step: int) -> str:
        """Return the id of the session of a step; empty if it has none."""
        return next((done.session_id for done in self.done if done.step == step), "")


# ---------------------------------------------------------------------- programmes
@cache
def ready_programmes() -> tuple[Programme, ...]:
    """Return the programmes that come with rotrack."""
    table = tomllib.loads(resources.files(__package__).joinpath("programmes.toml").read_text("utf-8"))
    return tuple(msgspec.convert({"id": key, **entry}, Programme) for key, entry in table.items())


def programmes_folder(data: Path) -> Path:
    """Return where programmes of one's own are."""
    return data / "programmes"


def read_programmes(data: Path) -> tuple[list[Programme], list[str]]:
    """Return the programmes of a data folder by title, those of one's own after the ready ones, and what is wrong with others."""
    own: list[Programme] = []
    problems: list[str] = []
    folder = programmes_folder(data)
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            own.append(parse_programme(read_json(path, MOST_BYTES)))
        except (UnreadableError, InputError) as error:
            problems.append(Sentence("{name}: {problem}", name=path.name, problem=error))
    return [*ready_programmes(), *sorted(own, key=lambda programme: programme.title.lower())], problems


def parse_programme(raw: object) -> Programme:
    """Return the programme that a file holds.

    Raises
    ------
    InputError
        If it is none; the message says why.
    """
    try:
        return record_of(raw, Programme)
    except (UnreadableError, ValueError) as error:
        raise InputError("This is no programme that rotrack can read: {reason}.", reason=error) from error


def write_programme(data: Path, programme: Programme) -> None:
    """Keep a programme of one's own; raises RecordError if that fails."""
    path = programmes_folder(data) / f"{programme.id}.json"
    with explained(path):
        make_folder(path.parent)
        replace({path: json_bytes(programme)})


def remove_programme(data: Path, programme_id: str) -> None:
    """Take away a programme of one's own; courses that have begun keep theirs."""
    if _ID.fullmatch(programme_id):
        path = programmes_folder(data) / f"{programme_id}.json"
        with explained(path):
            path.unlink(missing_ok=True)


def new_id(title: str) -> str:
    """Return an id for something with a title."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40]
    return f"{slug}-{secrets.token_hex(3)}".lstrip("-")


# ---------------------------------------------------------------------- courses
def begin_course(
    data: Path,
    programme: Programme,
    person: str = "",
    model: str = "",
    keep_video: bool = False,
    camera: str = "",
    language: str = "",
    single: bool = False,
    clock: Clock = SYSTEM,
) -> Course:
    """Begin to go through a programme.

    Parameters
    ----------
    data : Path
        The data folder.
    programme : Programme
        What to go through.
    person : str
        Whose it is, who gets a record if they have none; empty for nobody in particular.
    model, keep_video
        As for a session.
    camera, language
        As for a course.
    single : bool
        Whether it is one drill that was chosen by itself; with two positions to take, it is a course as any other.
    clock : Clock
        Where the time comes from.

    Raises
    ------
    InputError
        For a name that is none.
    RecordError
        If it cannot be written.
    """
    with locked(data):
        known = known_or_new(data, person, clock)
    steps = tuple(part for step in programme.steps for part in _positions(step))
    course = Course(
        id=new_id(programme.id), programme=msgspec.structs.replace(programme, steps=steps), person_id=known.id if known else "",
        model=model, keep_video=keep_video, camera=camera if masked(camera) == camera else "", language=language,
        single=single and len(steps) == 1, begun_at=clock.now(),
    )  # fmt: skip
    _write(data, course)
    return course


def _positions(step: ProgrammeStep) -> Sequence[ProgrammeStep]:
    """Return a step once, or once a leg where the person has to turn round for the other."""
    if len(step.legs) == 1 or not load_table().drill(step.drill).posture.record.one_leg:
        return (step,)
    return [msgspec.structs.replace(step, sides=str(side)) for side in step.legs]


def find_course(data: Path, course_id: str) -> Course:
    """Return a course.

    Raises
    ------
    InputError
        If there is none with this id, or it cannot be read.
    """
    for path in _paths(data, course_id):
        try:
            return _read(data, path)
        except (UnreadableError, ValueError) as error:
            raise InputError("The course {name} cannot be read: {reason}.", name=course_id, reason=error) from error
    raise InputError("There is no course {name}.", name=course_id[:60])


def change_course(data: Path, course_id: str, **changes: Any) -> Course:
    """Change fields of a course as it is by now, and return it.

    Raises
    ------
    InputError
        If there is no such course.
    RecordError
        If it cannot be written.
    """
    return _changed(data, course_id, lambda course: msgspec.structs.replace(course, **changes))


def step_over(data: Path, course_id: str, step: int, session_id: str = "") -> Course:
    """Take note that a step is over: measured in a session, or skipped; what was noted of it before is replaced.

    Raises
    ------
    InputError
        If there is no such course.
    RecordError
        If it cannot be written.
    """

    def note(course: Course) -> Course:
        others = tuple(done for done in course.done if done.step != step)
        return msgspec.structs.replace(course, done=(*others, Done(step=step, session_id=session_id)))

    return _changed(data, course_id, note)


def _changed(data: Path, course_id: str, change: Callable[[Course], Course]) -> Course:
    """Change a course as it is by now, under the lock of the log, and return it."""
    with locked(data):
        course = change(find_course(data, course_id))
        _write(data, course)
    return course


def person_of(data: Path, course: Course) -> str:
    """Return the name of the person of a course, as it is now; empty for nobody in particular."""
    return next((person.name for person in read_people(data)[0] if person.id == course.person_id), "")


def open_courses(data: Path, since: datetime | None = None) -> list[Course]:
    """Return the courses that are not finished, the latest first.

    Parameters
    ----------
    data : Path
        The data folder.
    since : datetime, optional
        Those that began earlier are left out, and their files, of which there are many after a year, are not read.
    """
    courses = []
    for path in (*data.glob("courses/*.json"), *people_folder(data).glob("*/courses/*.json")):
        with suppress(RotrackError, UnreadableError, ValueError, OSError):
            if since is not None and path.stat().st_mtime < since.timestamp():
                continue
            course = _read(data, path)
            if course.next_step is not None and (since is None or (course.begun_at is not None and course.begun_at >= since)):
                courses.append(course)
    return sorted(courses, key=lambda course: str(course.begun_at), reverse=True)


def due(data: Path, programmes: Sequence[Programme], person: str, today: date) -> list[str]:
    """Return the ids of the programmes that are due for a person: never done, or last begun so many days ago.

    Parameters
    ----------
    data : Path
        The data folder.
    programmes : sequence of Programme
        Which.
    person : str
        Whose; empty for nobody in particular, for whom nothing is due.
    today : date
        The day.
    """
    known = find_person(read_people(data)[0], person) if person else None
    if known is None:
        return []
    last: dict[str, date] = {}
    for path in person_folder(data, known).glob("courses/*.json"):
        with suppress(RotrackError, UnreadableError, ValueError):
            course = _read(data, path)
            if course.begun_at is not None and course.next_step is None:
                day = course.begun_at.date()
                last[course.programme.id] = max(day, last.get(course.programme.id, day))
    return [
        one.id
        for one in programmes
        if one.every_days and (one.id not in last or today - last[one.id] >= timedelta(days=one.every_days))
    ]


def _read(data: Path, path: Path) -> Course:
    """Return a course; whose it is, its folder says, which follows when people are merged."""
    owner = path.parent.parent
    person_id = owner.name if owner.parent == people_folder(data) else ""
    return msgspec.structs.replace(record_of(read_json(path, MOST_BYTES), Course), person_id=person_id)


def _paths(data: Path, course_id: str) -> list[Path]:
    if not _ID.fullmatch(course_id):
        return []
    name = f"{course_id}.json"
    return [path for path in (data / "courses" / name, *people_folder(data).glob(f"*/courses/{name}")) if path.is_file()]


def _write(data: Path, course: Course) -> None:
    known = next((person for person in read_people(data)[0] if person.id == course.person_id), None)
    folder = person_folder(data, known) if known else data
    path = folder / "courses" / f"{course.id}.json"
    with explained(path):
        make_folder(path.parent)
        replace({path: json_bytes(course)})
