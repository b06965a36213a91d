"""Takes over what earlier versions of rotrack wrote into a data folder, without loss, at the first start.

Each session gets its own table of repetitions and, if it has a name, a person; sessions of which only rows of reps.csv are left
get a folder. What was there and could not be understood is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from rotrack.core.errors import InputError, RecordError
from rotrack.core.messages import Sentence
from rotrack.records.earlier_words import reason_of
from rotrack.records.folders import being_written, session_folders, sessions_folder
from rotrack.records.legacy import MAY_LACK, TABLE, EarlierTable, earlier_repetitions, earlier_table, session_of_rows
from rotrack.records.people import Person, find_person, known_or_new, read_people
from rotrack.records.record import FORMAT, SESSION_FILE, SessionRecord, read_raw, read_record, record_bytes, record_from
from rotrack.records.repetitions import REPETITIONS, table_bytes
from rotrack.records.session import Session
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import make_folder, replace, set_aside, sync_folder
from rotrack.system.inputs import (
    GUESSED,
    MOST_TABLE_BYTES,
    Table,
    UnreadableError,
    name_key,
    number_of,
    read_bytes,
    read_table,
    table_of,
    time_of,
    truth_of,
)

KEPT_TABLE = "reps of an earlier version.csv"


def take_over(data: Path, first: bool, clock: Clock = SYSTEM) -> tuple[str, ...]:
    """Bring the sessions of a data folder into the form of this version; the log is locked.

    Parameters
    ----------
    data : Path
        The data folder.
    first : bool
        Whether this version has not written into it yet: then the rows of reps.csv count, too.
    clock : Clock
        Dates the records of people.

    Returns
    -------
    tuple of str
        What to say.

    Raises
    ------
    RecordError, OSError
        If something cannot be written; what was taken over until then stays, and the next start goes on.
    """
    people = _People(data, clock)
    taken, notes = 0, []
    table = earlier_table(data) if first else EarlierTable({})
    for folder in session_folders(data):
        if (folder / REPETITIONS).exists() or being_written(folder):
            continue
        if not (folder / SESSION_FILE).exists():
            continue
        try:
            taken += _taken(folder, people)
        except RecordError as error:
            if folder.name in table.rows:
                notes.append(_from_rows(data, folder.name, table, people, keep=True) or str(error))
                taken += 1
    for name in table.rows:
        if not (sessions_folder(data) / name / SESSION_FILE).exists():
            problem = _from_rows(data, name, table, people)
            taken += not problem
            notes += [problem] if problem else []
    return tuple(notes)


def name_people(data: Path, sessions: Iterable[Session], clock: Clock = SYSTEM) -> bool:
    """Give sessions that have a name but nobody's id their person, since taking over was ended in between; the log is locked.

    Returns
    -------
    bool
        Whether there were any.
    """
    people, changed = _People(data, clock), False
    for session in sessions:
        if not session.person or session.record.person_id or being_written(session.folder):
            continue
        record = read_record(session.folder)
        named = people.named(record)
        if named.person_id:
            replace({session.folder / SESSION_FILE: record_bytes(named)})
            changed = True
    return changed


def _taken(folder: Path, people: _People) -> bool:
    """Give a session of an earlier version its own table; return whether it was one."""
    raw = read_raw(folder)
    if "format" in raw:  # of this version, and its table is lost: not a thing to pass over
        return False
    record = record_from(folder, raw)
    reps, _ = earlier_repetitions(folder, raw)
    record = people.named(msgspec.structs.replace(record, format=FORMAT))
    # The table comes first: a session that has one is of this version, and its session.json is read in either form.
    replace({folder / REPETITIONS: table_bytes(reps), folder / SESSION_FILE: record_bytes(record)})
    return True


def _from_rows(data: Path, name: str, table: EarlierTable, people: _People, keep: bool = False) -> str:
    """Make the folder of a session from the rows of a table; return what is wrong with them, if anything is."""
    try:
        record, reps = session_of_rows(name, table)
    except RecordError as error:
        return str(error)
    folder = sessions_folder(data) / name
    make_folder(folder)
    kept = set_aside(folder / SESSION_FILE).name if keep and (folder / SESSION_FILE).exists() else ""
    replace({folder / REPETITIONS: table_bytes(reps), folder / SESSION_FILE: record_bytes(people.named(record))})
    sync_folder(folder.parent)
    return (
        Sentence(
            "{path} was damaged and is kept as {name}; the session was made again from {table}.",
            path=folder / SESSION_FILE,
            name=kept,
            table=TABLE,
        )
        if kept
        else ""
    )


def _holds_more(there: Table, now: Table) -> bool:
    """Return whether something stands in an earlier table that the one of today does not hold."""
    columns = [column for column in there.columns if column in now.columns]
    known: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for _, row in now.rows:
        known.setdefault(_key(row), []).append(row)
    guessed = there.encoding == GUESSED  # so a letter may be another one
    lost = guessed or there.damaged or set(there.columns) - set(now.columns)
    return bool(lost) or any(not _stands(row, known.get(_key(row), ()), columns) for _, row in there.rows)


def keep_original(data: Path, wanted: bytes) -> tuple[str, ...]:
    """Keep a `reps.csv` of an earlier version if something stands in it that the sessions do not hold; return what to say.

    Parameters
    ----------
    data : Path
        The data folder.
    wanted : bytes
        The table of today.
    """
    try:
        there = read_table(data / TABLE, may_lack=MAY_LACK)
        now = table_of(wanted)
        if not _holds_more(there, now):
            return ()
    except UnreadableError as error:
        if error.missing:
            return ()
    content = read_bytes(data / TABLE, MOST_TABLE_BYTES)
    place, number = data / KEPT_TABLE, 1
    while place.exists() and place.read_bytes() != content:
        number += 1
        place = data / f"{Path(KEPT_TABLE).stem} {number}.csv"
    if not place.exists():
        replace({place: content})
    return (
        Sentence(
            "{table} holds something that the sessions do not; it is kept as {name} in {path}, and {file} was made anew.",
            table=TABLE,
            name=place.name,
            path=data,
            file=TABLE,
        ),
    )


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row.get(column, "") for column in ("session_id", "side", "direction", "rep"))


def _stands(row: dict[str, str], known: Iterable[dict[str, str]], columns: Iterable[str]) -> bool:
    """Return whether a row says nothing else than one of some others, however a spreadsheet wrote it."""
    row = row | {"reason": reason_of(row.get("reason", ""))}
    return any(all(not row[column] or _same(row[column], other[column]) for column in columns) for other in known)


def _same(one: str, other: str) -> bool:
    if one == other or name_key(one) == name_key(other):
        return True
    for reading in (number_of, truth_of, time_of):
        with suppress(ValueError, OverflowError):
            return bool(reading(one) == reading(other))
    return False


class _People:
    """The people of a data folder while their sessions are taken over."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self._data, self._clock = data, clock
        self._known: list[Person] | None = None

    def named(self, record: SessionRecord) -> SessionRecord:
        """Return a record with the id of its person, who is made known if need be."""
        name = record.person.strip()
        if not name or record.person_id:
            return record
        if self._known is None:
            self._known = read_people(self._data)[0]
        person = find_person(self._known, name)
        if person is None:
            try:
                person = known_or_new(self._data, name, self._clock)
            except InputError:  # a name that nobody can have: the session keeps it, and is nobody's
                return record
            if person is None:
                return record
            self._known.append(person)
        return msgspec.structs.replace(record, person=person.name, person_id=person.id)
