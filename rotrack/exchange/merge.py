"""Sessions, people and readings of another computer's data folder, taken in without duplicates.

What is here stays as it is. Nothing in the other folder is trusted: of a session its record and repetitions are read and written
anew, its other files are copied only if rotrack writes such files, and links are not followed. A session's folder is made beside
and then moved in place; what breaks off in between is made good by importing again.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rotrack.core.errors import InputError, RecordError
from rotrack.exchange.typed import import_readings
from rotrack.records.changes import PLOT
from rotrack.records.folders import IMPORT_LOCK, PART, WRITING_LOCK, being_written, locked, sessions_folder
from rotrack.records.history import wrongly_dated
from rotrack.records.landmarks import CURVE, LANDMARKS, LEGS_READ
from rotrack.records.legacy import TABLE, earlier_table, session_of_rows
from rotrack.records.people import (
    PERSON_FILE,
    Person,
    Unread,
    known_or_new,
    look_through,
    mend_person,
    merged,
    people_folder,
    read_people,
    stand_ins,
    write_person,
)
from rotrack.records.readings import FILE, Merged
from rotrack.records.record import FORMAT, SESSION_FILE, TABLE_ONLY, SessionRecord, Status, record_bytes
from rotrack.records.repetitions import REPETITIONS, table_bytes
from rotrack.records.session import EARLIER_VIDEO, VIDEO, Session
from rotrack.records.store import CHECKSUM, read_all
from rotrack.records.table import refresh_table
from rotrack.system.files import DRAFT, FILE_MODE, Appender, explained, make_folder, replace, sync_folder
from rotrack.system.imports import when_used
from rotrack.system.inputs import MOST_TABLE_BYTES, UnreadableError, name_key, read_blocks

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

COPIED = {
    CURVE: MOST_TABLE_BYTES,
    LANDMARKS: MOST_TABLE_BYTES,
    LEGS_READ: MOST_TABLE_BYTES,
    PLOT: 200_000_000,
    VIDEO: 50_000_000_000,
    EARLIER_VIDEO: 50_000_000_000,
}
"""Files of a session that are copied as they are, and the most bytes that each may have."""
_MADE_ANEW = (SESSION_FILE, REPETITIONS, WRITING_LOCK)
_LINK = "is a link, and links out of a folder are not followed"
_IMPORT_AGAIN = "Import again to go on from there."


def merge_sessions(
    data: Path,
    other: Path,
    on_total: Callable[[int], object] | None = None,
    on_session: Callable[[], object] | None = None,
    person: str = "",
) -> Merged:
    """Take in the sessions, people and readings of another data folder.

    A session is known by its id. If it is here with the same content, it is there already; with other content, that of here is
    kept and the session named. A folder here without session.json is completed. Sessions that are being measured there are left
    out. Of people, what the records here do not say is taken over.

    Parameters
    ----------
    data : Path
        The data folder that gets them.
    other : Path
        The other data folder, its parent, or its `sessions` folder; those of earlier versions are read as they are.
    on_total, on_session : callable, optional
        Told how many sessions there are, and when one is done.
    person : str
        Who it is here, if all sessions there are of one person, or of nobody in particular; without it they keep their names.

    Returns
    -------
    Merged
        Of the sessions; `readings` holds what became of the readings of other instruments.

    Raises
    ------
    InputError
        If there are no sessions, it is the same folder, or they are of several people and one is named.
    RecordError
        If something cannot be read or written; what came in so far stays, and importing again goes on from there.
    """
    other = find_data(other)
    if other.resolve() == data.resolve():
        raise InputError(f"{other} is your own data folder; give the folder of another computer.")
    for folder in (sessions_folder(other), people_folder(other)):
        if folder.is_symlink():
            raise InputError(f"{folder} {_LINK}; give the data folder that it leads to.")
    with explained(data):
        make_folder(data)
        lock = filelock.FileLock(data / IMPORT_LOCK, timeout=0, mode=FILE_MODE)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RecordError(f"Another import into {data} is going on; wait for its end.") from error
    try:
        return _merge(data, other, on_total or _nothing, on_session or _nothing, person)
    except RecordError as error:
        raise RecordError(f"{error} {_IMPORT_AGAIN}") from error
    finally:
        shutil.rmtree(data / PART, ignore_errors=True)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def find_data(folder: Path) -> Path:
    """Return the data folder that is meant by itself, by its parent or by its `sessions`.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    try:
        if not folder.is_dir():
            raise InputError(
                f"There is no folder {folder}; give the data folder of the other computer, or a CSV table of readings."
            )
        if folder.name == "sessions" and any(folder.glob(f"*/{SESSION_FILE}")):
            return folder.parent
        if _is_data(folder):
            return folder
        inside = sorted(path for path in folder.iterdir() if path.is_dir() and _is_data(path))
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror or error}); check who may read it.") from error
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise InputError(f"{folder} holds several data folders: {', '.join(path.name for path in inside[:6])}; give one of them.")
    raise InputError(f"{folder} holds no sessions of rotrack (no reps.csv, no sessions); `rotrack doctor` says where they are.")


def _is_data(folder: Path) -> bool:
    tables = any((folder / name).exists() for name in (TABLE, FILE))
    return tables or any(folder.glob(f"sessions/*/{SESSION_FILE}")) or any(folder.glob(f"people/*/{PERSON_FILE}"))


def _merge(data: Path, other: Path, on_total: Callable[[int], object], on_session: Callable[[], object], person: str) -> Merged:
    notes = list(refresh_table(data))  # takes over what an earlier version wrote here
    theirs, problems = _sessions_of(other)
    ours = {session.id: session for session in read_all(data)[0]}
    on_total(len(theirs))
    _check_one_person(theirs, person)
    coming = _Coming(data, other, problems, notes, _in_their_order(ours.values(), theirs), person)
    coming.take_people()
    wrong = set() if coming.in_their_order else wrongly_dated(theirs)
    added = there = 0
    for session in theirs:
        folder = sessions_folder(data) / session.id
        if being_written(folder):
            problems.append(f"The session {session.id} is being measured here right now; import it when it has ended.")
        elif not (folder / SESSION_FILE).exists():
            taken = coming.take(session)
            added += taken
            if taken and session.id in wrong:
                problems.append(
                    f"The date of {session.id} contradicts the order in which it was measured there; "
                    f"`rotrack note {session.id} --dated DATE` puts it right here."
                )
        elif session.id in ours and coming.content_of(session) == _content(ours[session.id]):
            there += 1
        else:
            problems.append(
                f"The session {session.id} is here with other content (a note, a repetition taken out); what is here was kept."
            )
        on_session()
    readings = Merged(0, 0)
    if (other / FILE).exists():
        try:
            readings = import_readings(data, other / FILE, follow=False)
        except InputError as error:
            problems.append(str(error))
    notes += refresh_table(data)
    return Merged(added, there, tuple(problems), tuple(notes), readings)


def _check_one_person(theirs: Iterable[Session], person: str) -> None:
    names = sorted({session.person for session in theirs if session.person})
    if person and len({name_key(name) for name in names}) > 1:
        raise InputError(
            "These are sessions of several people ({names}), so they are not all of {person}.",
            names=", ".join(names[:6]),
            person=person,
        )


def _in_their_order(ours: Iterable[Session], theirs: Iterable[Session]) -> bool:
    """Return whether no camera measured anything here that is not there, too: their running numbers hold here, then."""
    numbers = {session.id: session.record.number for session in theirs}
    return all(session.record.number in (0, numbers.get(session.id)) for session in ours)


def _sessions_of(other: Path) -> tuple[list[Session], list[str]]:
    """Return the sessions of the other folder that can be taken in, and sentences about the others."""
    found, problems = read_all(other, follow=False)
    running = sorted(session.id for session in found if session.record.status is Status.RUNNING)
    problems += [f"The session {name} is being measured there right now; import it when it has ended." for name in running]
    sessions = [session for session in found if session.id not in running]
    sessions += _of_damaged(other, {session.id for session in found})
    return sessions, problems


def _of_damaged(other: Path, known: set[str]) -> Iterator[Session]:
    """Yield the sessions of an earlier version whose session.json cannot be read: their rows in reps.csv count."""
    table = earlier_table(other, follow=False)
    for name in () if (other / CHECKSUM).exists() else table.rows:
        folder = sessions_folder(other) / name
        if name not in known and not being_written(folder):
            with suppress(RecordError):
                yield Session(folder, *session_of_rows(name, table))


def _content(session: Session, name: str | None = None) -> tuple[bytes, bytes]:
    """Return what is the same for the same session on two computers, where a person has another id, and perhaps spelling."""
    key = name_key(session.person if name is None else name)
    return record_bytes(_with(session.record, key, "")), table_bytes(session.rep_list)


def _with(record: SessionRecord, name: str, person_id: str) -> SessionRecord:
    return msgspec.structs.replace(record, format=FORMAT, person=name, person_id=person_id, number=0)


@dataclass
class _Coming:
    """Takes in what comes from one other folder.

    Parameters
    ----------
    data, other : Path
        The data folder that gets it; the other one.
    problems, notes : list of str
        What was left out, and what to know besides; added to.
    in_their_order : bool
        Whether sessions keep their running numbers.
    person : str
        Who it is here, whatever they are called there; empty if they keep their names.
    """

    data: Path
    other: Path
    problems: list[str]
    notes: list[str]
    in_their_order: bool = False
    person: str = ""
    _known: dict[str, Person] = field(default_factory=dict)
    _whose: dict[str, Person | None] = field(default_factory=dict)

    # ------------------------------------------------------------------ people
    def take_people(self) -> None:
        """Take in the records of people; what those here do not say is taken from them."""
        coming, _ = read_people(self.other, follow=False)
        links = [path for path in sorted(people_folder(self.other).glob("*")) if path.is_symlink()]
        self.problems += [f"{path} was left out: it {_LINK}." for path in links]
        with locked(self.data):
            people, unread = look_through(self.data)
            by_id = {person.id: person for person in people}
            self._known = {key: person for person in reversed(people) for key in person.keys}
            stopped, lost = {one.id: one for one in unread}, stand_ins(self.data, unread)
            for found in coming:
                theirs = msgspec.structs.replace(found, name=self.person) if self.person else found
                key = name_key(theirs.name)
                ours = self._known.get(key) or by_id.get(theirs.id) or lost.get(key)
                if ours is None and theirs.id in stopped:
                    ours = theirs
                if ours is not None and ours.id in stopped:
                    ours = self._in_place_of(stopped, ours, theirs)
                elif ours is None or (whole := merged(ours, _besides(ours, theirs))) != ours:
                    ours = write_person(self.data, theirs if ours is None else whole)
                by_id[ours.id] = ours
                self._known |= {key: ours for key in ours.keys if self._known.get(key, ours).id == ours.id}

    def _in_place_of(self, stopped: dict[str, Unread], ours: Person, theirs: Person) -> Person:
        """Return who has a record here that cannot be used: made again with what is known there, if that may be."""
        unread = stopped[ours.id]
        whole = merged(Person(id=ours.id, name=ours.name, added_at=theirs.added_at), theirs)
        if not unread.mendable:
            self.problems.append(f"What is known there of {theirs.name} was left out. {unread.problem}")
            return whole
        del stopped[ours.id]
        self.notes.append(f"{unread.path} was damaged; it was made again with what is known there, and the old one kept beside.")
        return mend_person(self.data, whole)

    def _person(self, name: str, new: bool = False) -> Person | None:
        """Return who has a name here; somebody new gets a record if that is wanted."""
        name = self.person or name
        key = name_key(name)
        if self._whose.get(key) is None:
            self._whose[key] = self._known.get(key)
        if new and key and self._whose[key] is None:
            with locked(self.data):
                self._whose[key] = known_or_new(self.data, name)
        return self._whose[key]

    def content_of(self, session: Session) -> tuple[bytes, bytes]:
        """Return what is compared of a session of theirs, under the name that its person has here."""
        person = self._person(session.person)
        return _content(session, person.name if person else None)

    # ------------------------------------------------------------------ sessions
    def take(self, session: Session) -> bool:
        """Take in a session that is not here yet; return whether that could be done."""
        try:
            person = self._person(session.person, new=True)
        except InputError as error:
            self.problems.append(f"The session {session.id} was left out: {error}")
            return False
        record = _with(session.record, person.name if person else "", person.id if person else "")
        if self.in_their_order:
            record = msgspec.structs.replace(record, number=session.record.number)
        part, target = self.data / PART, sessions_folder(self.data) / session.id
        with explained(target):
            shutil.rmtree(part, ignore_errors=True)
            make_folder(part)
            replace({part / SESSION_FILE: record_bytes(record)})  # at once, so that it is known whose the part is
            replace({part / REPETITIONS: table_bytes(session.rep_list)})
            try:
                self._copy(session, part)
            except UnreadableError as error:
                self.problems.append(f"The session {session.id} was left out: {error}.")
                return False
            sync_folder(part)
            _move(part, target)
        return True

    def _copy(self, session: Session, part: Path) -> None:
        """Copy the files that are kept as they are; raises UnreadableError if one of them cannot be read now."""
        try:
            there = sorted(session.folder.iterdir())
        except OSError as error:
            if session.record.source.kind == TABLE_ONLY and isinstance(error, FileNotFoundError):
                return
            raise UnreadableError(f"{session.folder} cannot be read ({error.strerror or error})") from error
        for path in there:
            if path.name in _MADE_ANEW or path.name.endswith(DRAFT):
                continue
            why = _unwanted(path)
            if why:
                self.notes.append(f"{path.name} of the session {session.id} was not imported: {why}.")
                continue
            try:
                with Appender(part / path.name) as copy:
                    for block in read_blocks(path, COPIED[path.name], follow=False):
                        copy.append(block, durable=False)
                    copy.append(b"")
            except UnreadableError as error:
                raise UnreadableError(f"{path} cannot be read ({error})") from error


def _unwanted(path: Path) -> str:
    """Return why a file is not copied; empty if it is."""
    try:
        found = path.lstat()
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read ({error.strerror or error})") from error
    if stat.S_ISLNK(found.st_mode):
        return f"it {_LINK}"
    if path.name not in COPIED:
        return "rotrack writes no such file"
    if not stat.S_ISREG(found.st_mode):
        return "it is no plain file"
    if found.st_size > COPIED[path.name]:
        return f"it has {found.st_size / 1e6:.0f} MB, and {COPIED[path.name] / 1e6:.0f} MB are the most that is taken"
    return ""


def _besides(ours: Person, theirs: Person) -> Person:
    """Return their record without what ours says already in other words."""
    said = {(goal.drill, goal.direction, goal.side) for goal in ours.goals}
    return msgspec.structs.replace(
        theirs,
        notes="" if theirs.notes in ours.notes else theirs.notes,
        goals=tuple(goal for goal in theirs.goals if (goal.drill, goal.direction, goal.side) not in said),
    )


def _move(part: Path, target: Path) -> None:
    """Move a whole session in place; a wreck there keeps the files that the session lacks, and is a session at last."""
    make_folder(target.parent)
    if target.is_dir() and not target.is_symlink():
        for path in sorted(part.iterdir(), key=lambda path: path.name == SESSION_FILE):
            path.replace(target / path.name)
        for draft in target.glob(f"*{DRAFT}"):
            draft.unlink(missing_ok=True)
        sync_folder(target)
    else:
        part.rename(target)
    sync_folder(target.parent)


def _nothing(*_: object) -> None:
    pass
