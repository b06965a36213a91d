"""The people who are measured: one record each, `people/ID/person.json` in the data folder.

Sessions refer to a person by id. Spellings that mean the same (Unicode form, case, blanks) are one person. Programmes and plans
have their place in the person's folder, beside the record.
"""

from __future__ import annotations

import difflib
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from rotrack.core.drills import Drill, load_table
from rotrack.core.errors import InputError, RecordError
from rotrack.core.messages import Message, Sentence, say
from rotrack.core.model import Direction, Side
from rotrack.records.folders import session_folders
from rotrack.records.record import is_person_id, read_record
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import explained, make_folder, replace, set_aside
from rotrack.system.inputs import (
    MOST_PERSON_BYTES,
    UnreadableError,
    clean_text,
    json_bytes,
    name_key,
    read_json,
    record_of,
    sane_time,
)

PERSON_FILE = "person.json"
PERSON_FORMAT = 1
LONGEST_NAME = 200
OLDEST = 120
MAX_GOAL_DEG = 120.0
_ALIKE = 0.75
"""From this similarity on, a name may be a typing mistake."""


class AffectedSide(StrEnum):
    """Which hip a person has trouble with."""

    NOT_SAID = ""
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    NONE = "none"


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """How far a person wants to turn in a movement: drill, direction, leg (both without it), size of the angle in deg."""

    drill: str
    direction: Direction
    goal_deg: float
    side: Side | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.goal_deg) and 0 < self.goal_deg <= MAX_GOAL_DEG):
            raise ValueError(Sentence("a goal must be from 0 to {n:.0f} degrees, not {m:g}", n=MAX_GOAL_DEG, m=self.goal_deg))

    def __str__(self) -> str:
        return " ".join(filter(None, (self.drill, self.direction, self.side, f"{self.goal_deg:g}")))


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How far a person may turn at most: direction, size of the angle in deg; leg (both without it), drill (all without it)."""

    direction: Direction
    most_deg: float
    side: Side | None = None
    drill: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.most_deg) and 0 < self.most_deg <= MAX_GOAL_DEG):
            raise ValueError(Sentence("a limit must be from 0 to {n:.0f} degrees, not {m:g}", n=MAX_GOAL_DEG, m=self.most_deg))

    def __str__(self) -> str:
        return " ".join(filter(None, (self.drill, self.direction, self.side, f"{self.most_deg:g}")))


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a person; all but id and name may be left out."""

    format: int = PERSON_FORMAT
    id: str
    name: str
    spellings: tuple[str, ...] = ()
    affected_side: AffectedSide = AffectedSide.NOT_SAID
    birth_year: int | None = None
    notes: str = ""
    goals: tuple[Goal, ...] = ()
    precautions: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    avoided: tuple[str, ...] = ()
    archived: bool = False
    added_at: datetime | None = None

    def __post_init__(self) -> None:
        if not name_key(self.name) or len(self.name) > LONGEST_NAME:
            raise ValueError(Sentence("a name must have 1 to {n} letters", n=LONGEST_NAME))
        if not is_person_id(self.id):
            raise ValueError(Sentence("'{id}' is no id of a person", id=self.id))
        if self.birth_year is not None and not 0 <= date.today().year - self.birth_year <= OLDEST:
            raise ValueError(Sentence("{n} is no year of birth", n=self.birth_year))
        if self.added_at is not None:
            sane_time(self.added_at)
        if self.format > PERSON_FORMAT:
            raise ValueError("it was written by a newer version of rotrack; update rotrack to read it")

    @property
    def keys(self) -> frozenset[str]:
        """What all spellings of the name have in common with those that somebody may type."""
        return frozenset(name_key(spelling) for spelling in (self.name, *self.spellings))


def people_folder(data: Path) -> Path:
    """Return where the records of people are."""
    return data / "people"


def person_folder(data: Path, person: Person) -> Path:
    """Return the folder of a person, in which there is room for what belongs to them."""
    return people_folder(data) / person.id


@dataclass(frozen=True, slots=True)
class Unread:
    """A record of a person that cannot be used.

    Parameters
    ----------
    id : str
        Name of its folder.
    path : Path
        The record.
    problem : str
        What is wrong with it, in a sentence.
    mendable : bool
        Whether it may be made again; not if a newer version wrote it, or if it may not be read.
    name : str
        Whom it names all the same; empty if nobody can be made out.
    """

    id: str
    path: Path
    problem: str
    mendable: bool
    name: str = ""


def read_people(data: Path, follow: bool = True) -> tuple[list[Person], list[str]]:
    """Return the people of a data folder by name, and a sentence for each record that cannot be used.

    Parameters
    ----------
    data : Path
        The data folder.
    follow : bool
        Whether its files may be links.

    Raises
    ------
    RecordError
        If the folder cannot be listed.
    """
    people, unread = look_through(data, follow)
    return people, [one.problem for one in unread]


def look_through(data: Path, follow: bool = True) -> tuple[list[Person], list[Unread]]:
    """Return the people of a data folder by name, and the records that cannot be used; as `read_people`."""
    people, unread = [], []
    folder = people_folder(data)
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and (follow or not entry.is_symlink()))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise RecordError(
            "{path} cannot be read ({why}); check who may read it.", path=folder, why=error.strerror or error
        ) from error
    for name in names:
        path = folder / name / PERSON_FILE
        raw: dict[str, Any] = {}
        try:
            raw = read_json(path, MOST_PERSON_BYTES, follow)
            person = record_of(raw, Person)
            if person.id != name:
                raise UnreadableError(Sentence("it is of the person {id}", id=person.id))
            people.append(person)
        except (UnreadableError, ValueError) as error:
            if isinstance(error, UnreadableError) and error.missing:  # a program was ended before it wrote the record
                continue
            unread.append(_unread(path, raw, str(error)))
    return sorted(people, key=lambda person: (name_key(person.name), person.id)), unread


def _unread(path: Path, raw: dict[str, Any], why: str) -> Unread:
    number, name, person_id = raw.get("format"), raw.get("name"), path.parent.name
    named = tidy(name) if isinstance(name, str) and raw.get("id") == person_id and len(name) <= LONGEST_NAME else ""
    if isinstance(number, int) and number > PERSON_FORMAT:
        problem = Sentence("{path} was written by a newer version of rotrack; update rotrack to read it.", path=path)
        return Unread(person_id, path, problem, mendable=False, name=named)
    problem = Sentence(
        "{path} is damaged ({why}); the sessions keep the name. `rotrack doctor --repair` may mend it.", path=path, why=why
    )
    return Unread(person_id, path, problem, mendable=os.access(path, os.R_OK), name=named)


def stand_ins(data: Path, unread: Iterable[Unread]) -> dict[str, Person]:
    """Return whose the records are that cannot be used, by the keys of the names.

    Sessions refer to a person by id and say the name; so may the record itself.
    """
    by_id = {one.id: one for one in unread if is_person_id(one.id)}
    found = {name_key(one.name): Person(id=one.id, name=one.name) for one in by_id.values() if name_key(one.name)}
    for folder in session_folders(data) if by_id else ():
        with suppress(RecordError):
            record = read_record(folder)
            if record.person_id in by_id and 0 < len(tidy(record.person)) <= LONGEST_NAME and name_key(record.person):
                found.setdefault(name_key(record.person), Person(id=record.person_id, name=tidy(record.person)))
    return found


def mend_person(data: Path, person: Person) -> Person:
    """Make the record of a person again, and keep what is there under another name.

    Raises
    ------
    RecordError
        If that fails; the record is as it was then.
    """
    path = person_folder(data, person) / PERSON_FILE
    with explained(path):
        if path.exists():
            set_aside(path)
    return write_person(data, person)


def write_person(data: Path, person: Person) -> Person:
    """Write the record of a person; raises RecordError if that fails."""
    path = person_folder(data, person) / PERSON_FILE
    with explained(path):
        make_folder(path.parent)
        replace({path: json_bytes(person)})
    return person


def remove_person(data: Path, person: Person) -> None:
    """Take away the record of a person and what lies beside it; raises RecordError if that fails."""
    folder = person_folder(data, person)
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
    except OSError as error:
        raise RecordError(
            "{path} cannot be deleted ({why}); close what shows it and try again.",
            path=error.filename or folder,
            why=error.strerror or error,
        ) from error


def new_person(name: str, clock: Clock = SYSTEM) -> Person:
    """Return the record of somebody new; raises InputError for a name that is none."""
    try:
        return Person(id=f"p-{secrets.token_hex(4)}", name=tidy(name), added_at=clock.now().replace(microsecond=0))
    except ValueError as error:
        raise InputError("The name '{name}' cannot be used: {why}.", name=clean_text(name)[:60], why=error) from error


def tidy(name: str) -> str:
    """Return a name as it is kept: clean, with single blanks."""
    return " ".join(clean_text(name).split())


def find_person(people: Iterable[Person], name: str) -> Person | None:
    """Return the person of a name in any spelling that means the same, or of an id; None if there is none."""
    key = name_key(name)
    known = list(people)
    by_id = next((person for person in known if person.id == name), None)
    return by_id or next((person for person in known if key in person.keys), None)


def similar(people: Iterable[Person], name: str) -> Person | None:
    """Return the person whose name is most like one that nobody has, if any is."""
    keys = {key: person for person in people for key in person.keys}
    near = difflib.get_close_matches(name_key(name), keys, 1, _ALIKE)
    return keys[near[0]] if near else None


@dataclass(frozen=True, slots=True)
class Care:
    """What somebody is to take care of in a drill.

    Parameters
    ----------
    avoided : bool
        Whether they are not to do it.
    most_deg : dict of (Side, Direction) to float
        How far they may turn, deg; nothing for what has no limit.
    told : tuple of Message or str
        All of it in sentences, and what else was noted.
    """

    avoided: bool = False
    most_deg: Mapping[tuple[Side, Direction], float] = field(default_factory=dict)
    told: tuple[Message | str, ...] = ()


def care_of(data: Path, name: str, drill: Drill | None = None) -> Care:
    """Return what somebody is to take care of in a drill, or in any; nothing for a person who is not known.

    Raises
    ------
    RecordError
        If people cannot be listed.
    """
    person = _named(data, name)
    if person is None:
        return Care()
    if drill is None:
        return Care(told=person.precautions)
    most_deg: dict[tuple[Side, Direction], float] = {}
    for limit in person.limits:
        if limit.drill in ("", drill.id) and limit.direction in drill.directions and drill.tier.in_degrees:
            for side in (limit.side,) if limit.side else tuple(Side):
                key = (side, limit.direction)
                most_deg[key] = min(limit.most_deg, most_deg.get(key, math.inf))
    avoided = drill.id in person.avoided
    told = [say("care.avoided")] if avoided else []
    told += [
        say("care.limit", leg=say(f"leg.{side}"), direction=say(f"direction.full.{direction}"), degrees=limit_deg)
        for (side, direction), limit_deg in most_deg.items()
    ]
    return Care(avoided, most_deg, (*told, *person.precautions))


def goals(data: Path, name: str) -> tuple[Goal, ...]:
    """Return how far somebody wants to turn; nothing for a person who is not known.

    Raises
    ------
    RecordError
        If people cannot be listed.
    """
    person = _named(data, name)
    return person.goals if person else ()


def _named(data: Path, name: str) -> Person | None:
    return find_person(read_people(data)[0], name) if name_key(name) else None


def goal_of_words(text: str) -> Goal:
    """Return the goal that words mean: `seated-combined internal left 40`, as `str` of it gives them.

    Raises
    ------
    InputError
        If they mean none, or the drill is not known.
    """
    words = text.split()
    how = Sentence(
        "The goal '{text}' must be like 'seated-combined internal 40' or 'seated-combined internal left 40'",
        text=clean_text(text)[:60],
    )
    if len(words) not in (3, 4):
        raise InputError("{how}.", how=how)
    drill = load_table().drill(words[0])
    try:
        side = Side(words[2]) if len(words) == 4 else None
        return Goal(drill=drill.id, direction=Direction(words[1]), side=side, goal_deg=float(words[-1]))
    except ValueError as error:
        raise InputError("{how}: {reason}.", how=how, reason=error) from error


def limit_of_words(text: str) -> Limit:
    """Return the limit that words mean: `internal left 30`, or of one drill, as `str` of it gives them.

    Raises
    ------
    InputError
        If they mean none, or the drill is not known.
    """
    words = text.split()
    how = Sentence(
        "The limit '{text}' must be like 'internal 30', 'internal left 30' or 'seated-combined internal 30'",
        text=clean_text(text)[:60],
    )
    drill = load_table().drill(words.pop(0)).id if words and words[0] not in tuple(Direction) else ""
    if len(words) not in (2, 3):
        raise InputError("{how}.", how=how)
    try:
        side = Side(words[1]) if len(words) == 3 else None
        return Limit(drill=drill, direction=Direction(words[0]), side=side, most_deg=float(words[-1]))
    except ValueError as error:
        raise InputError("{how}: {reason}.", how=how, reason=error) from error


def goal_deg(goals: Iterable[Goal], drill: str, side: Side, direction: Direction) -> float:
    """Return the goal of a leg and direction, that of the leg alone before one of both legs, deg; NaN without one."""
    meant = {goal.side: goal.goal_deg for goal in goals if (goal.drill, goal.direction) == (drill, direction)}
    return meant.get(side, meant.get(None, math.nan))


def aims_of(goals: Iterable[Goal], drill: Drill, sides: Iterable[Side] = Side) -> dict[tuple[Side, Direction], float]:
    """Return the goals of a drill by leg and direction, deg; a leg without one is not in it, and nothing of an index."""
    if not drill.tier.in_degrees:
        return {}
    kept = tuple(goals)
    found = {(side, way): goal_deg(kept, drill.id, side, way) for side in sides for way in drill.directions}
    return {key: aim_deg for key, aim_deg in found.items() if math.isfinite(aim_deg)}


def known_or_new(data: Path, name: str, clock: Clock = SYSTEM) -> Person | None:
    """Return the person of a name, who gets a record if there is none yet; None for an empty name.

    Whoever has a record that cannot be used stays the same person: it is made again, and the damaged one kept beside. A record
    of a newer version stays as it is. To be called with the log `locked`, or by the only program that writes.

    Raises
    ------
    InputError
        For a name that is none.
    RecordError
        If the record cannot be written.
    """
    if not name_key(name):
        return None
    people, unread = look_through(data)
    person = find_person(people, name)
    if person is not None:
        return person
    known = stand_ins(data, unread).get(name_key(name))
    if known is None:
        return write_person(data, new_person(name, clock))
    if not all(one.mendable for one in unread if one.id == known.id):
        return known
    return mend_person(data, msgspec.structs.replace(known, added_at=clock.now().replace(microsecond=0)))


def merged(into: Person, other: Person) -> Person:
    """Return the record of two that are one person: what the first does not say is taken from the second."""

    def both(one: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*one, *more)))

    spellings = [
        spelling for spelling in both(into.spellings, (other.name, *other.spellings)) if name_key(spelling) != name_key(into.name)
    ]
    return msgspec.structs.replace(
        into,
        spellings=tuple(spellings),
        affected_side=into.affected_side or other.affected_side,
        birth_year=into.birth_year or other.birth_year,
        notes="; ".join(both(*([text] if text else [] for text in (into.notes, other.notes)))),
        goals=tuple(dict.fromkeys((*into.goals, *other.goals))),
        precautions=both(into.precautions, other.precautions),
        limits=tuple(dict.fromkeys((*into.limits, *other.limits))),
        avoided=both(into.avoided, other.avoided),
    )
