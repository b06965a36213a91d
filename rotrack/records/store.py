"""All sessions of a data folder: the one reader of the store.

The folders of the sessions are the truth. `index.msgpack` keeps what was read of them, so that a long history opens in a moment;
it holds nothing of its own, counts only as long as the files are the same, and is made again when it is gone or damaged.
"""

from __future__ import annotations

import gc
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from rotrack.core.errors import InputError, RecordError
from rotrack.core.messages import Message, Sentence, kept
from rotrack.core.model import Rep
from rotrack.records.folders import being_written, session_folders, sessions_folder
from rotrack.records.legacy import TABLE, earlier_table, session_of_rows
from rotrack.records.people import Person, read_people
from rotrack.records.record import SESSION_FILE, SessionRecord, Status
from rotrack.records.repetitions import REPETITIONS
from rotrack.records.session import Session, SessionValue, counting, load_session, readings_of
from rotrack.system.files import replace as replace_files
from rotrack.system.inputs import UnreadableError, read_bytes

INDEX = "index.msgpack"
INDEX_VERSION = 6
"""Changes with what the index keeps: the fields of record, repetition and session value, and the rule of the latter."""
_MOST_INDEX_BYTES = 2_000_000_000
CHECKSUM = "reps.csv.checksum"
"""Beside the people's table: what rotrack last wrote into it. A folder without one was written by an earlier version."""

NAMED = 6
"""Most sessions that are named when several may be meant."""
_BROKEN_OFF = (Status.STOPPED, Status.INTERRUPTED)

Stamp = tuple[int, ...]


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """What the index keeps of a session; times as text besides, since MessagePack keeps no offset from UTC."""

    stamp: Stamp
    record: SessionRecord
    started_at: str
    remeasured_at: str
    reps: tuple[Rep, ...]
    problems: tuple[tuple[str, Message], ...]
    values: tuple[SessionValue, ...]

    @staticmethod
    def of(stamp: Stamp, session: Session) -> _Known:
        record = session.record
        again = record.remeasured_at.isoformat() if record.remeasured_at else ""
        started = record.started_at.isoformat()
        problems = tuple((str.__str__(problem), kept(problem)) for problem in session.problems)
        return _Known(stamp, record, started, again, session.rep_list, problems, tuple(session.values))

    def session(self, folder: Path) -> Session:
        again = datetime.fromisoformat(self.remeasured_at) if self.remeasured_at else None
        started = datetime.fromisoformat(self.started_at)
        record = msgspec.structs.replace(self.record, started_at=started, remeasured_at=again)
        session = Session(folder, record, self.reps, tuple(Sentence.of(*problem) for problem in self.problems))
        session.__dict__["values"] = [*self.values]  # where `Session.values` keeps them once they are asked for
        return session


class _Index(msgspec.Struct, frozen=True, array_like=True):
    version: int
    sessions: dict[str, _Known]


_decoder = msgspec.msgpack.Decoder(_Index)
_encoder = msgspec.msgpack.Encoder()


def read_sessions(data: Path, follow: bool = True) -> tuple[list[Session], list[str]]:
    """Read all sessions of a data folder but those that are being measured now.

    Parameters
    ----------
    data : Path
        The data folder, of this or an earlier version; it need not exist. Nothing but the index is written.
    follow : bool
        Whether its files may be links, and an index may be kept; not in a folder that comes from somebody else.

    Returns
    -------
    sessions : list of Session
        Oldest first. One that was cut off has the status "interrupted" and the repetitions that were finished by then.
    problems : list of str
        One sentence per session that cannot be used, or of which something is damaged.

    Raises
    ------
    RecordError
        If the sessions cannot be listed.
    """
    sessions, problems = read_all(data, follow)
    return [session for session in sessions if session.record.status is not Status.RUNNING], problems


def read_all(data: Path, follow: bool = True) -> tuple[list[Session], list[str]]:
    """Read all sessions as `read_sessions` does, with those that are being measured now: their status is "running"."""
    index = _read_index(data) if follow else {}
    kept: dict[str, _Known] = {}
    sessions: list[Session] = []
    problems: list[str] = []
    fresh = False
    people = _names(data, problems, follow)
    for folder in session_folders(data):
        if not follow and folder.is_symlink():
            problems.append(
                Sentence("{path} was left out: it is a link, and links out of a folder are not followed.", path=folder)
            )
            continue
        stamp = stamp_of(folder)
        if not stamp and being_written(folder):  # it begins just now
            continue
        if not stamp:
            problems.append(
                Sentence(
                    "{path} holds no session.json: the program was ended while it began. `rotrack doctor --repair` takes "
                    "it away.",
                    path=folder,
                )
            )
            continue
        known = index.get(folder.name)
        if known is not None and known.stamp == stamp:
            session = known.session(folder)
        else:
            try:
                session = _loaded(folder, follow)
            except RecordError as error:
                problems.append(str(error))
                continue
            fresh = fresh or session.record.status is not Status.RUNNING
            known = _Known.of(stamp, session)
        if session.record.status is not Status.RUNNING:
            kept[folder.name] = known
        problems += session.problems
        sessions.append(_named(session, people))
    if follow and (fresh or len(kept) != len(index)):
        _write_index(data, kept)
    sessions += _of_rows(data, {session.id for session in sessions}, problems, follow)
    return sorted(sessions, key=in_time), problems


def _loaded(folder: Path, follow: bool) -> Session:
    session = load_session(folder, follow)
    if folder.name != session.id:
        raise RecordError(
            "{folder} holds the session {name}; give the folder that name, or delete it if it is a copy.",
            folder=folder,
            name=session.id,
        )
    return session


def in_time(session: Session) -> tuple[float, str]:
    """Return what sessions are sorted by: when they began, then their id."""
    return session.started_at.timestamp(), session.id


def stamp_of(folder: Path) -> Stamp:
    """Return what changes when the files of a session do; nothing if there is no record, -1 for a file that cannot be seen."""
    stamp: list[int] = []
    for name in (SESSION_FILE, REPETITIONS):
        try:
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116  asked a thousand times, and twice as fast
        except (FileNotFoundError, NotADirectoryError):
            if name == SESSION_FILE:
                return ()
            stamp.append(0)
            continue
        except OSError:
            stamp.append(-1)
            continue
        stamp += [found.st_mtime_ns, found.st_size, found.st_ino]
    return tuple(stamp)


def _of_rows(data: Path, there: set[str], problems: list[str], follow: bool) -> Iterator[Session]:
    """Yield the sessions of which a folder of an earlier version has only rows in its reps.csv."""
    if (data / CHECKSUM).exists() or not (data / TABLE).exists():
        return
    table = earlier_table(data, follow)
    problems += table.problems
    for name in table.rows:
        if name in there or (sessions_folder(data) / name / SESSION_FILE).exists():
            continue
        try:
            record, reps = session_of_rows(name, table)
        except RecordError as error:
            problems.append(str(error))
            continue
        yield Session(sessions_folder(data) / name, record, reps)


# ---------------------------------------------------------------------- people
def _names(data: Path, problems: list[str], follow: bool) -> dict[str, Person]:
    people, damaged = read_people(data, follow)
    problems += damaged
    return {person.id: person for person in people}


def _named(session: Session, people: dict[str, Person]) -> Session:
    """Return a session under the name that its person has now."""
    person = people.get(session.record.person_id)
    if person is None or person.name == session.record.person:
        return session
    return replace(session, record=msgspec.structs.replace(session.record, person=person.name))


# ---------------------------------------------------------------------- index
def _read_index(data: Path) -> dict[str, _Known]:
    try:
        content = read_bytes(data / INDEX, _MOST_INDEX_BYTES)
        with _no_collection():
            index = _decoder.decode(content[4:])
        whole = content[:4] == zlib.crc32(content[4:]).to_bytes(4, "big") and index.version == INDEX_VERSION
    except (UnreadableError, msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return index.sessions if whole else {}


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of cycles from looking through ten thousand new records again and again: there are none in them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _write_index(data: Path, sessions: dict[str, _Known]) -> None:
    """Keep what was read; where that cannot be written, it is read again next time."""
    content = _encoder.encode(_Index(INDEX_VERSION, sessions))
    with suppress(OSError):
        replace_files({data / INDEX: zlib.crc32(content).to_bytes(4, "big") + content}, durable=False)


def index_texts(content: bytes) -> Iterator[str]:
    """Yield the texts that an index holds: between them stand bytes of numbers that can look like letters."""
    try:
        found = [msgspec.msgpack.decode(content[4:])]
    except (msgspec.DecodeError, ValueError, RecursionError):
        yield content.decode("utf-8", "replace")
        return
    while found:
        value = found.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            found += [*value, *value.values()]
        elif isinstance(value, list):
            found += value


def forget_index(data: Path) -> None:
    """Take the index away, since names stand in it; raises OSError if that fails."""
    for path in data.glob(f"{INDEX}*"):
        path.unlink(missing_ok=True)


# ---------------------------------------------------------------------- one session
def find_session(data: Path, name: str) -> Path:
    """Return the folder of a session.

    Parameters
    ----------
    data : Path
        The data folder.
    name : str
        Its id, the beginning of its id if no other movement has it, its folder, or "last". Of a movement that was measured again,
        the beginning means the reading that counts.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    with suppress(OSError, ValueError):  # too long for the name of a file
        if name and (Path(name) / SESSION_FILE).is_file():
            return Path(name)
    if name == "last":
        sessions, _ = read_sessions(data)
        # What was broken off before the first repetition is not what anybody means, unless there is nothing else.
        meant = [session for session in sessions if session.rep_list or session.record.status not in _BROKEN_OFF] or sessions
        if meant:
            return counting(readings_of(sessions)[meant[-1].record.movement]).folder
        raise InputError(
            "There is no session in {folder} yet; measure something first, or choose the folder with --out.", folder=data
        )
    found = [folder for folder in session_folders(data) if name and folder.name.startswith(name)]
    found = [folder for folder in found if folder.name == name] or found
    if len(found) == 1:
        return found[0]
    readings = [session for session in read_sessions(data)[0] if session.folder in found] if found else []
    if len(readings) == len(found) and len(readings_of(readings)) == 1:
        return counting(readings).folder
    if found:
        names = ", ".join(f.name for f in found[:NAMED])
        if len(found) > NAMED:
            raise InputError(
                "'{name}' may be {names} or {n} more; give more of the id.", name=name, names=names, n=len(found) - NAMED
            )
        raise InputError("'{name}' may be {names}; give more of the id.", name=name, names=names)
    raise InputError("There is no session '{name}' in {folder}; `rotrack history` lists them.", name=name, folder=data)


def session_folder(data: Path, session_id: str) -> Path:
    """Return the folder of the session with this very id; `find_session` is for what people type.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = sessions_folder(data) / session_id
    found = False
    with suppress(OSError, ValueError):  # too long for the name of a file
        found = Path(session_id).name == session_id and session_id not in ("", ".", "..") and folder.is_dir()
    if not found:
        raise InputError("There is no session '{name}' in {folder}; `rotrack history` lists them.", name=session_id, folder=data)
    return folder


def refuse_running(folders: Iterable[Path]) -> None:
    """Raise RecordError if one of some sessions is being measured right now."""
    for folder in folders:
        if being_written(folder):
            raise RecordError("The session {name} is being measured right now; end it first.", name=folder.name)
