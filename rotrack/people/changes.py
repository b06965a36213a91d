"""Changes of people's records, which their sessions follow: renamed, merged, archived; and of whose a session is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec

from rotrack.calibration.choice import profiles_folder
from rotrack.calibration.profiles import PersonalProfile, new_name, read_folder, write_profile
from rotrack.core.errors import InputError, RecordError
from rotrack.records.folders import locked, session_folders
from rotrack.records.people import (
    PERSON_FILE,
    Person,
    find_person,
    known_or_new,
    merged,
    person_folder,
    read_people,
    remove_person,
    tidy,
    write_person,
)
from rotrack.records.readings import rename_readings_of
from rotrack.records.record import SESSION_FILE, record_bytes
from rotrack.records.session import Session, load_session
from rotrack.records.store import forget_index, read_all, refuse_running, session_folder
from rotrack.records.table import refresh_table
from rotrack.records.text import check_text
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import DAMAGED, DRAFT, explained, replace
from rotrack.system.inputs import name_key


def change_person(data: Path, person: Person, **changes: Any) -> Person:
    """Change fields of a person's record; what another program wrote in the others meanwhile stays.

    Raises
    ------
    InputError
        For a value that cannot be.
    RecordError
        If it cannot be written, or the record is gone.
    """
    texts = [value for value in changes.values() if isinstance(value, str)]
    for text in (*texts, *changes.get("precautions", ())):
        check_text(text=text)
    with locked(data):
        person, _ = _as_it_is(data, person)
        try:
            changed = msgspec.structs.replace(person, **changes)
        except ValueError as error:
            raise InputError("{Problem}.", problem=error) from error
        return write_person(data, changed)


def archive_person(data: Path, person: Person, archived: bool = True) -> Person:
    """Take a person out of the lists, or back in."""
    return change_person(data, person, archived=archived)


def rename_person(data: Path, person: Person, name: str) -> Person:
    """Give a person another name, in all that is kept of them.

    The new name is a spelling of the person at first, and stands in the old one's place when all has followed. So both lead to
    the person if that breaks off, and renaming again goes on from there.

    Raises
    ------
    InputError
        If it is no name, or somebody else's.
    RecordError
        If a session of the person is being measured, or something cannot be written.
    """
    check_text(name=name)
    with locked(data):
        person, others = _as_it_is(data, person)
        other = find_person(others, name)
        if other is not None:
            raise InputError(
                "Somebody is called {name} already; `rotrack people merge` makes one person of two.", name=other.name
            )
        try:
            changed = msgspec.structs.replace(
                person, name=tidy(name), spellings=tuple(s for s in person.spellings if name_key(s) != name_key(name))
            )
        except ValueError as error:
            raise InputError("The new name cannot be used: {why}.", why=error) from error
        sessions = _sessions_of(data, person)
        refuse_running(session.folder for session in sessions)
        if name_key(name) not in person.keys:
            person = write_person(data, msgspec.structs.replace(person, spellings=(*person.spellings, changed.name)))
        _follow(data, sessions, changed)
        _rename_beside(data, person, changed.name)
        write_person(data, changed)
    refresh_table(data)
    return changed


def merge_people(data: Path, person: Person, into: Person) -> int:
    """Make one person of two; return how many sessions changed hands. Merging again goes on from where it broke off.

    Raises
    ------
    InputError
        If both are one already.
    RecordError
        If a session of the first is being measured, or something cannot be written, or a record is gone.
    """
    if person.id == into.id:
        raise InputError("{person} and {other} are one person already.", person=person.name, other=into.name)
    with locked(data):
        person, _ = _as_it_is(data, person)
        into, _ = _as_it_is(data, into)
        sessions = _sessions_of(data, person)
        refuse_running(session.folder for session in sessions)
        joined = write_person(data, merged(into, person))
        _follow(data, sessions, joined)
        _move_beside(data, person, joined)
        _rename_beside(data, person, joined.name)
        remove_person(data, person)
    refresh_table(data)
    return len(sessions)


def give_session(data: Path, session_id: str, name: str, clock: Clock = SYSTEM) -> int:
    """Make a session somebody else's, and with it all readings of the same movement; return how many changed hands.

    Parameters
    ----------
    data : Path
        The data folder.
    session_id : str
        The session.
    name : str
        Whose it is, in any spelling, or the id of a person; whoever is new gets a record. Empty: nobody's in particular.
    clock : Clock
        Dates a new record.

    Raises
    ------
    InputError
        If there is no such session, or for a name that is none.
    RecordError
        If one of the readings is being measured, or something cannot be written.
    """
    check_text(name=name)
    folder = session_folder(data, session_id)
    refresh_table(data)  # takes over what an earlier version wrote
    with locked(data):
        movement = load_session(folder).record.movement
        there = {folder.name for folder in session_folders(data)}
        readings = [s for s in read_all(data)[0] if s.record.movement == movement and s.id in there]
        refuse_running(session.folder for session in readings)
        person = known_or_new(data, name, clock)
        _follow(data, readings, person)
    refresh_table(data)
    return len(readings)


def _as_it_is(data: Path, person: Person) -> tuple[Person, list[Person]]:
    """Return the record of a person as it is now, and everybody else; to be called with the log `locked`."""
    known, _ = read_people(data)
    found = next((one for one in known if one.id == person.id), None)
    if found is None:
        raise RecordError(
            "There is no record of {person} ({id}) any more; `rotrack people` lists who is known.",
            person=person.name,
            id=person.id,
        )
    return found, [one for one in known if one is not found]


def _move_beside(data: Path, person: Person, into: Person) -> None:
    """Move what lies beside a person's record to another's; raises RecordError if both have something of one name."""
    _move_into(person_folder(data, person), person_folder(data, into), person)


def _move_into(source: Path, target: Path, person: Person) -> None:
    for path in sorted(source.iterdir()):
        if path.name == PERSON_FILE or path.name.endswith(DRAFT):
            continue
        place = target / (f"{person.id}-{path.name}" if path.name.endswith(DAMAGED) else path.name)
        with explained(place):
            if place.is_dir() and path.is_dir():  # both have courses
                _move_into(path, place, person)
                path.rmdir()
                continue
            if place.exists():
                raise FileExistsError(path)
            path.rename(place)


def _rename_beside(data: Path, person: Person, name: str) -> None:
    """Write another name into the readings and personal calibrations of a person."""
    for spelling in (person.name, *person.spellings):
        rename_readings_of(data, spelling, name)
    folder = profiles_folder(data)
    for profile in read_folder(folder)[0] if folder.is_dir() else ():
        if isinstance(profile, PersonalProfile) and name_key(profile.person) in person.keys and profile.person != name:
            renamed = dataclasses.replace(profile, name=new_name("personal", name, profile.made), person=name)
            write_profile(renamed, folder)
            if renamed.name != profile.name:
                (folder / f"{profile.name}.toml").unlink(missing_ok=True)


def _sessions_of(data: Path, person: Person) -> list[Session]:
    there = {folder.name for folder in session_folders(data)}
    return [session for session in read_all(data)[0] if session.record.person_id == person.id and session.id in there]


def _follow(data: Path, sessions: list[Session], person: Person | None) -> None:
    """Write the person into the records of sessions; None is nobody in particular."""
    name, person_id = (person.name, person.id) if person else ("", "")
    for session in sessions:
        record = msgspec.structs.replace(session.record, person=name, person_id=person_id)
        replace({session.folder / SESSION_FILE: record_bytes(record)})
    forget_index(data)
