"""What is wrong with a data folder, and putting it right: `rotrack doctor --repair`.

Nothing that was measured is thrown away: what cannot be read is kept beside under another name before it is made again.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rotrack.core.drills import load_table
from rotrack.core.errors import RecordError
from rotrack.core.messages import Sentence
from rotrack.core.model import CONVENTION_VERSION, Rep, Side
from rotrack.records.folders import HALVES, WRITING_LOCK, being_written, locked, session_folders
from rotrack.records.landmarks import CURVE, CURVE_COLUMNS, LANDMARKS, LEGS_READ
from rotrack.records.legacy import TABLE, earlier_table, session_of_rows
from rotrack.records.people import PERSON_FILE, Person, look_through, mend_person, people_folder, stand_ins
from rotrack.records.readings import FILE as READINGS
from rotrack.records.record import FIRST_MEASURE, FORMAT, SESSION_FILE, SessionRecord, Status, read_raw, record_bytes, record_from
from rotrack.records.repetitions import HEADER, REPETITIONS, read_repetitions, reps_of, table_bytes
from rotrack.records.session import INTERRUPTED, load_session
from rotrack.records.store import INDEX, read_all, stamp_of
from rotrack.records.table import CHANGED, refresh_table
from rotrack.records.takeover import KEPT_TABLE
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import ASKED_FOR, DRAFT, OWN_FILES, explained, replace, set_aside
from rotrack.system.imports import when_used
from rotrack.system.inputs import (
    MOST_TABLE_BYTES,
    UnreadableError,
    name_key,
    read_bytes,
    read_json,
    read_packed_lines,
    read_table,
    record_of,
    table_of,
)

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

_OWN = (TABLE, READINGS, INDEX, CHANGED, Path(KEPT_TABLE).stem)
"""What the draft of a file is called that a person asked for."""
_ID = re.compile(r"(\d{8}-\d{6})-(.+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a data folder.

    Parameters
    ----------
    path : Path
        Where.
    what : str
        What is wrong, in a sentence.
    mend : callable or None
        Puts it right and returns what it did, in a sentence; None if nobody can.
    """

    path: Path
    what: str
    mend: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a fault: the fault, and what was done, or why nothing could be."""

    fault: Fault
    done: str
    mended: bool


def examine(data: Path, clock: Clock = SYSTEM) -> Iterator[Fault]:
    """Yield what is wrong with a data folder; nothing is changed.

    Raises
    ------
    RecordError
        If it cannot be looked into.
    """
    if not data.is_dir():
        return
    yield from _drafts(data)
    for folder in session_folders(data):
        if not being_written(folder):
            yield from _looked_into(data, folder)
    yield from _of_people(data, clock)
    yield from _open_to_others(data)


def repair(data: Path, clock: Clock = SYSTEM) -> tuple[list[Repair], tuple[str, ...]]:
    """Mend what can be mended; return what became of each fault, and what is to be said of the people's table.

    Raises
    ------
    RecordError
        If the folder cannot be looked into, or another program holds it.
    """
    if not data.is_dir():
        return [], ()
    done = []
    notes = refresh_table(data, clock)  # first what an earlier version left
    with locked(data):
        for fault in list(examine(data, clock)):
            done.append(_mended(fault))
    return done, (*notes, *refresh_table(data, clock))


def _mended(fault: Fault) -> Repair:
    if fault.mend is None:
        return Repair(fault, "This cannot be mended.", mended=False)
    try:
        return Repair(fault, fault.mend(), mended=True)
    except RecordError as error:
        return Repair(fault, str(error), mended=False)
    except OSError as error:
        return Repair(fault, f"This could not be mended: {error.strerror or error}.", mended=False)


# ---------------------------------------------------------------------- drafts
def _drafts(data: Path) -> Iterator[Fault]:
    places = [data, data / "calibration", *_folders(people_folder(data)), *_folders(data / "sessions")]
    for place in places:
        for path in _files(place):
            if _is_draft(path, top=place == data) and not being_written(place):
                if path.name == SESSION_FILE + DRAFT and not (place / SESSION_FILE).exists():
                    continue  # all that there is of a session's record
                yield Fault(path, f"{path} is a draft that a program left when it was ended.", partial(_removed, path))
    for lock, half in HALVES:
        if (data / half).is_dir() and not _is_held(data / lock):
            yield Fault(data / half, f"{data / half} was left by a program that was ended.", partial(_removed, data / half))


def _is_draft(path: Path, top: bool) -> bool:
    """Return whether a file is a draft of rotrack's own; at the top of a data folder people may have files of theirs."""
    if not path.name.endswith((DRAFT, ".part")):
        return False
    return not top or path.name.startswith(_OWN) or bool(ASKED_FOR.fullmatch(path.name))


def _removed(path: Path) -> str:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return "It was taken away."


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with filelock.FileLock(lock, timeout=0):
            return False
    except filelock.Timeout:
        return True


# ---------------------------------------------------------------------- sessions
def _looked_into(data: Path, folder: Path) -> Iterator[Fault]:
    if folder.is_symlink() and not folder.exists():
        yield Fault(folder, f"{folder} is a link to nothing.", partial(_removed, folder))
        return
    try:
        yield from list(_of_session(data, folder))
    except OSError as error:
        yield Fault(
            folder,
            Sentence("{path} cannot be looked into ({why}); check who may read it.", path=folder, why=error.strerror or error),
        )


def _of_session(data: Path, folder: Path) -> Iterator[Fault]:
    path = folder / SESSION_FILE
    if not stamp_of(folder):
        yield from _orphan(data, folder)
        return
    if not os.access(path, os.R_OK):
        yield Fault(path, f"{path} may not be read; check who may.")
        return
    try:
        raw = read_raw(folder)
        if isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
            yield Fault(path, Sentence("{path} was written by a newer version of rotrack; update rotrack to read it.", path=path))
            return
        record = record_from(folder, raw)
        if record.session_id != folder.name:
            yield Fault(
                folder,
                f"{folder} holds the session {record.session_id}: it is a copy, or was renamed. Rename or delete it.",
                None,
            )
            return
    except RecordError as error:
        problem = Sentence("{path} is damaged ({why}).", path=path, why=error.__cause__ or error)
        yield Fault(path, problem, partial(_record_anew, data, folder))
        return
    if (folder / WRITING_LOCK).exists():
        yield Fault(
            folder / WRITING_LOCK, f"{folder / WRITING_LOCK} is held by nobody.", partial(_removed, folder / WRITING_LOCK)
        )
    if "format" in raw and not (folder / REPETITIONS).exists():
        yield Fault(folder, f"{folder.name} has lost its {REPETITIONS}.", partial(_repetitions_from_table, data, folder))
        return
    if record.status is Status.RUNNING:
        yield Fault(folder, f"{folder.name} was cut off: its program was ended while it measured.", partial(_finished, folder))
    try:
        session = load_session(folder)
        if session.problems:
            missing = _missing(data, folder, session.rep_list)
            mend = partial(_repetitions_completed, folder, (*session.rep_list, *missing)) if missing else None
            yield Fault(folder / REPETITIONS, " ".join(session.problems), mend)
    except RecordError as error:
        yield Fault(folder / REPETITIONS, str(error), partial(_repetitions_from_table, data, folder))


def _orphan(data: Path, folder: Path) -> Iterator[Fault]:
    what = f"{folder} holds no {SESSION_FILE}: its program was ended while it began."
    draft = folder / (SESSION_FILE + DRAFT)
    if _has_rows(folder) or draft.exists() or folder.name in earlier_table(data).rows:
        yield Fault(folder, what, partial(_record_anew, data, folder))
    elif any(path.name != WRITING_LOCK and not _is_header(path) for path in folder.iterdir()):
        yield Fault(folder, f"{what} rotrack does not know what is in it; look, then delete it.", None)
    else:
        yield Fault(folder, f"{what} Nothing was measured in it.", partial(_removed, folder))


def _has_rows(folder: Path) -> bool:
    """Return whether something was measured in a folder, as far as its tables can be read."""
    with suppress(RecordError):
        if read_repetitions(folder)[0]:
            return True
    with suppress(UnreadableError):
        if len(read_table(folder / CURVE).rows):
            return True
    return any(len(_first_lines(folder / name)) == 2 for name in (LANDMARKS, LEGS_READ))


def _first_lines(path: Path) -> list[str]:
    """Return the first two lines of a packed table, as far as there are any."""
    with suppress(UnreadableError):
        return [line for line in islice(read_packed_lines(path), 2) if line]
    return []


def _is_header(path: Path) -> bool:
    """Return whether a file is one of the tables of a session without a row, perhaps not even with its whole first line."""
    with suppress(UnreadableError):
        if path.name in (REPETITIONS, CURVE):
            head = HEADER if path.name == REPETITIONS else ",".join(CURVE_COLUMNS).encode() + b"\r\n"
            return head.startswith(read_bytes(path, MOST_TABLE_BYTES).rstrip(b"\0"))
        if path.name in (LANDMARKS, LEGS_READ):
            return len(_first_lines(path)) < 2
    return False


def _record_anew(data: Path, folder: Path) -> str:
    """Write the record of a session again from all that is left of it."""
    path, draft = folder / SESSION_FILE, folder / (SESSION_FILE + DRAFT)
    kept = ""
    raw: dict[str, Any] = {}
    for source in (path, draft):
        with suppress(UnreadableError):
            raw = raw or read_json(source)
    record = _salvaged(folder, raw, _guess(data, folder))
    if record.status is Status.RUNNING:
        record = _ended(record)
    if path.exists():
        kept = f" The damaged one is kept as {set_aside(path).name}."
    if not (folder / REPETITIONS).exists():
        replace({folder / REPETITIONS: table_bytes(_rows(data, folder))})
    replace({path: record_bytes(record)})
    draft.unlink(missing_ok=True)
    return f"Its record was made again from what is left.{kept}"


def _guess(data: Path, folder: Path) -> SessionRecord:
    """Return what the rows of the people's table or the name of the folder say of a session."""
    table = earlier_table(data)
    if folder.name in table.rows:
        record, _ = session_of_rows(folder.name, table)
        return msgspec.structs.replace(record, status=Status.RUNNING, warnings=())
    found = _ID.fullmatch(folder.name)
    drills = sorted(load_table().drills.values(), key=lambda drill: len(drill.id), reverse=True)
    drill = next((drill for drill in drills if found and found[2].startswith(f"{drill.id}-")), None)
    if not found or drill is None:
        raise RecordError(f"What {folder} is of cannot be found out; look into it, then delete it.")
    return record_of(
        {
            "session_id": folder.name, "started_at": datetime.strptime(found[1], "%Y%m%d-%H%M%S").astimezone().isoformat(),
            "status": "running", "drill": drill.id, "measure": drill.measure, "measured": drill.measured, "tier": drill.tier,
            "sides": list(Side), "source": {"kind": "", "name": "", "size_px": [0, 0], "fps": None}, "calibration": "none",
            "zero": "neutral pose", "convention_version": CONVENTION_VERSION, "measure_version": FIRST_MEASURE,
        },
        SessionRecord,
    )  # fmt: skip


def _salvaged(folder: Path, raw: dict[str, Any], guess: SessionRecord) -> SessionRecord:
    """Return a record with each field of a damaged one that can be read, and the others as they are guessed."""
    known: dict[str, Any] = msgspec.to_builtins(guess, str_keys=True) | {"session_id": folder.name}
    for key, value in raw.items():
        if key in known and key not in ("session_id", "format"):
            with suppress(UnreadableError, ValueError, OverflowError):
                record_of(known | {key: value}, SessionRecord)
                known[key] = value
    return record_of(known | {"format": FORMAT}, SessionRecord)


def _rows(data: Path, folder: Path) -> tuple[Rep, ...]:
    table = earlier_table(data)
    return session_of_rows(folder.name, table)[1] if folder.name in table.rows else ()


def _repetitions_from_table(data: Path, folder: Path) -> str:
    path = folder / REPETITIONS
    reps = _rows(data, folder)
    if not reps:
        raise RecordError(f"{TABLE} has no rows of it; `rotrack remeasure {folder.name}` measures it again from its landmarks.")
    if path.exists():
        set_aside(path)
    replace({path: table_bytes(reps)})
    return f"Its repetitions were taken from {TABLE}: {len(reps)} of them."


def _missing(data: Path, folder: Path, reps: tuple[Rep, ...]) -> tuple[Rep, ...]:
    """Return the repetitions of a session that the people's table has and its own table does not."""
    known = {(rep.side, rep.direction, rep.rep) for rep in reps}
    return tuple(rep for rep in _rows(data, folder) if (rep.side, rep.direction, rep.rep) not in known)


def _repetitions_completed(folder: Path, reps: tuple[Rep, ...]) -> str:
    path = folder / REPETITIONS
    kept = set_aside(path).name
    replace({path: table_bytes(sorted(reps, key=lambda rep: (rep.end_s, rep.rep)))})
    return f"The rows that could not be read were taken from {TABLE}. The damaged table is kept as {kept}."


def _finished(folder: Path) -> str:
    """Give a session that was cut off its end: rows that are not whole go, and its record says what happened."""
    reps, _ = read_repetitions(folder) if (folder / REPETITIONS).exists() else ((), ())
    path = folder / REPETITIONS
    if path.exists() and not _ends_whole(path):
        content = read_bytes(path, MOST_TABLE_BYTES)
        rows = content[: content.rfind(b"\n") + 1]
        only_end_lacks = len(reps_of(table_of(rows), path.name)[0]) < len(reps)
        replace({path: content + b"\r\n" if only_end_lacks else rows or HEADER})
    curve = folder / CURVE
    if curve.exists() and not _ends_whole(curve):
        content = read_bytes(curve, MOST_TABLE_BYTES)
        replace({curve: content[: content.rfind(b"\n") + 1]})
    for name in (LANDMARKS, LEGS_READ):
        _packed_whole(folder / name)
    record = record_from(folder, read_raw(folder))
    replace({folder / SESSION_FILE: record_bytes(_ended(record))})
    return "It is marked as interrupted; every repetition that was finished is kept."


def _ended(record: SessionRecord) -> SessionRecord:
    return msgspec.structs.replace(record, status=Status.INTERRUPTED, warnings=(*record.warnings, INTERRUPTED))


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        return not size or file.read() == b"\n"


def _packed_whole(path: Path) -> None:
    """Give a gzip file that was cut off its end."""
    if not path.exists():
        return
    try:
        lines = list(read_packed_lines(path))
    except UnreadableError:
        return
    if lines and lines[-1] == "":
        text = "".join(f"{line}\r\n" for line in lines[:-1])
        replace({path: gzip.compress(text.encode(), 1, mtime=0)})


# ---------------------------------------------------------------------- people
def _of_people(data: Path, clock: Clock) -> Iterator[Fault]:
    people, unread = look_through(data)
    kept = {person.id for person in people} | {one.id for one in unread if not one.mendable}
    names = {person.id: person.name for person in stand_ins(data, unread).values()}
    for session in read_all(data)[0]:
        if session.record.person_id and session.record.person_id not in kept:
            names.setdefault(session.record.person_id, session.person)
    for one in unread:
        if not one.mendable:
            yield Fault(one.path, one.problem)
        elif one.id not in names:
            what = f"{one.path} is damaged, and no session says whose it is."
            yield Fault(one.path, what, partial(_put_aside, one.path))
    for person_id in sorted(names.keys() - kept):
        path, name = people_folder(data) / person_id / PERSON_FILE, names[person_id]
        yield Fault(
            path, f"The record of {name or person_id} is missing or damaged.", partial(_person_anew, data, person_id, name, clock)
        )
    keys: dict[str, Person] = {}
    for person in people:
        for key in person.keys:
            if keys.setdefault(key, person) is not person:
                yield Fault(
                    people_folder(data),
                    f"Two people are called {person.name}. If they are one, `rotrack people merge {person.id} {keys[key].id}`.",
                )


def _put_aside(path: Path) -> str:
    place = set_aside(path)
    path.unlink(missing_ok=True)
    return f"Nobody has this record any more; what it held is in {place.name}."


def _person_anew(data: Path, person_id: str, name: str, clock: Clock) -> str:
    if not name_key(name):
        raise RecordError(f"Nothing says who {person_id} is.")
    mend_person(data, Person(id=person_id, name=name, added_at=clock.now().replace(microsecond=0)))
    return "It was made again with the name that was left."


# ---------------------------------------------------------------------- who may read
def _open_to_others(data: Path) -> Iterator[Fault]:
    if os.name == "nt":
        return
    found = [path for path in (data, *_own(data)) if _others_may(path)]
    if found:
        yield Fault(
            data,
            f"Other users of this computer may read what is in {data} (files and folders: {len(found)}).",
            partial(_closed, found),
        )


def _others_may(path: Path) -> bool:
    with suppress(OSError):
        mode = path.lstat().st_mode
        return not stat.S_ISLNK(mode) and bool(mode & stat.S_IRWXO)
    return False


def _closed(paths: list[Path]) -> str:
    for path in paths:
        with explained(path):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~stat.S_IRWXO)
    return "Only you, and the group that the folder belongs to, may read it now."


def _own(data: Path) -> Iterator[Path]:
    """Yield what rotrack keeps in a data folder; people may have files of theirs beside it."""
    yield from (path for path in _files(data) if path.name.startswith(OWN_FILES))
    for name in ("sessions", "people", "calibration"):
        if (data / name).is_dir():
            yield data / name
        for place, folders, names in os.walk(data / name):
            yield from (Path(place) / name for name in (*folders, *names))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
