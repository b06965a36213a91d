"""`reps.csv`, the people's table of all repetitions: always there, appended live, made again from the sessions.

It is a view: rotrack writes it and never reads numbers from it. What rotrack last wrote is known by a checksum beside it. What a
person or a spreadsheet changed is kept beside under another name, and said. Where another program holds the table open, it is
brought up to date later.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rotrack.core.errors import RecordError
from rotrack.core.messages import Sentence
from rotrack.core.model import REP_DECIMALS, Rep
from rotrack.records.folders import being_written, locked, session_folders
from rotrack.records.legacy import TABLE
from rotrack.records.options import Noted, options_of
from rotrack.records.record import SessionRecord
from rotrack.records.repetitions import REPETITIONS, yes_or_no
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.session import Session
from rotrack.records.store import CHECKSUM, read_all, stamp_of
from rotrack.records.takeover import keep_original, name_people, take_over
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import Appender, replace, why_of
from rotrack.system.inputs import MOST_TABLE_BYTES, UnreadableError, csv_line, header_of, read_bytes

HEADER = header_of(REP_COLUMNS)
CHANGED = "reps changed by hand"
"""How the name of a table begins that somebody changed and that is kept."""
_FROM_RECORD = (
    "session_id person drill tier calibration zero model convention_version rotrack_version measure_version remeasured_from"
).split()
_WAIT_S, _WAIT_LIVE_S = 5.0, 1.0
"""How long to wait for the table while another program holds the log; measuring is not held up for longer than the second."""


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value - value == 0 else ""


def rows_of(record: SessionRecord, reps: Iterable[Rep]) -> bytes:
    """Return the rows of the repetitions of a session."""
    about: dict[str, str] = {column: getattr(record, column) for column in _FROM_RECORD}
    about |= {name: option.written(getattr(record, name)) for name, option in options_of(Noted).items()}
    about |= {"started_at": record.started, "load_kg": _number(record.load_kg, 2)}
    text = io.StringIO()
    for rep in reps:
        row: dict[str, str] = {column: _number(getattr(rep, column), digits) for column, digits in REP_DECIMALS.items()}
        row |= {"side": rep.side, "direction": rep.direction, "rep": str(rep.rep), "reason": rep.reason}
        row |= {"valid": yes_or_no(rep.valid), "faults": " ".join(rep.faults), "dropped": yes_or_no(rep.dropped)} | about
        text.write(csv_line(row[column] for column in REP_COLUMNS))
    return text.getvalue().encode("utf-8", "replace")


def table_of(sessions: Iterable[Session]) -> bytes:
    """Return the whole table."""
    return HEADER + b"".join(rows_of(session.record, session.rep_list) for session in sessions)


# ---------------------------------------------------------------------- keeping it up to date
def add_rows(data: Path, record: SessionRecord, reps: Sequence[Rep]) -> tuple[str, ...]:
    """Add repetitions to the table while they are measured; return what to say, as `refresh_table` does.

    Where that fails, `refresh_table` brings them in later.
    """
    with suppress(RecordError, OSError), locked(data, _WAIT_LIVE_S):
        path, state = data / TABLE, _State.read(data)
        if state is None or not path.exists() or path.stat().st_size != state.written[-1][0]:
            return _refresh(data, SYSTEM)
        rows = rows_of(record, reps)
        size, crc = state.written[-1]
        now = (size + len(rows), zlib.crc32(rows, crc))
        _State([state.written[0], (size, crc), now], state.of).write(data)  # the first is on the disk for sure
        with Appender(path) as file:
            file.append(rows, durable=False)  # the session's own table is on the disk already
    return ()


def is_current(data: Path) -> bool:
    """Return whether the table is what rotrack wrote last, and the sessions are those that it was made of."""
    state = _State.read(data)
    return not data.is_dir() or (state is None and not session_folders(data)) or (state is not None and _is_current(data, state))


def made_of(data: Path) -> str:
    """Return what changes when a session does that the table was last made of; empty if it never was."""
    state = _State.read(data)
    return state.of if state else ""


def refresh_table(data: Path, clock: Clock = SYSTEM) -> tuple[str, ...]:
    """Bring the table up to date with the sessions, and take over what an earlier version of rotrack wrote.

    Parameters
    ----------
    data : Path
        The data folder; nothing is done if there is none.
    clock : Clock
        Dates a table that is kept.

    Returns
    -------
    tuple of str
        What to say: what was changed by hand and where it is kept, what was taken over, what could not be written.
    """
    if not data.is_dir():
        return ()
    state = _State.read(data)
    try:
        if state is not None and _is_current(data, state):
            return ()
        if state is None and not (data / TABLE).exists() and not session_folders(data):
            return ()  # nothing was ever measured
        with locked(data, _WAIT_S):
            return _refresh(data, clock)
    except RecordError as error:
        return (Sentence("The table {path} is brought up to date later: {why}", path=data / TABLE, why=error),)
    except OSError as error:
        return (Sentence("The table {path} is brought up to date later: {why}.", path=data / TABLE, why=why_of(error)),)


def _refresh(data: Path, clock: Clock) -> tuple[str, ...]:
    """Make the table what it should be; the log is locked."""
    first = not (data / CHECKSUM).exists()
    notes = take_over(data, first, clock)
    state, path = _State.read(data), data / TABLE
    of = _digest(data)  # before the sessions are read: what changes meanwhile is seen next time
    sessions, _ = read_all(data)
    if name_people(data, sessions, clock):
        of = _digest(data)
        sessions, _ = read_all(data)
    if not sessions and not path.exists() and state is None:
        return notes
    there = _there(path)
    known = state.written if state else []
    wanted = table_of(sessions) + _rows_of_damaged(data, sessions, there or b"", known)
    if there is not None and state is None:
        known = [_sum_of(there)]
        notes += keep_original(data, wanted) if first or not _is_torn(there, wanted) else ()
    elif there is not None and not _is_ours(there, known, wanted):
        notes += _kept(data, there, clock)
    if there != wanted:
        _State([*known, _sum_of(wanted)], of).write(data, durable=True)  # right whether or not the next line is reached
        try:
            replace({path: wanted})
        except PermissionError as error:
            raise RecordError("another program holds it open; close it there.") from error
    _State([_sum_of(wanted)], of).write(data, durable=True)
    return notes


def _rows_of_damaged(data: Path, sessions: Iterable[Session], there: bytes, written: Iterable[tuple[int, int]]) -> bytes:
    """Return the rows, as rotrack wrote them, of repetitions whose own files cannot be read now: often all that is left."""
    known = {session.id: session for session in sessions if (session.folder / REPETITIONS).exists()}
    damaged = {folder.name for folder in session_folders(data) if folder.name not in known}
    damaged |= {name for name, session in known.items() if session.problems}
    ours = max((size for size, crc in written if _sum_of(there[:size]) == (size, crc)), default=0) if damaged else 0
    kept = []
    for line in there[:ours].splitlines(keepends=True):
        name = line.partition(b",")[0].decode("utf-8", "replace")
        if name in damaged and not _is_read(line, known.get(name)):
            kept.append(line)
    return b"".join(kept)


def _is_read(line: bytes, session: Session | None) -> bool:
    """Return whether the repetition of a row is among those that can be read of its session."""
    if session is None:
        return False
    row = dict(zip(REP_COLUMNS, next(csv.reader([line.decode("utf-8", "replace")]), []), strict=False))
    place = (row.get("side"), row.get("direction"), row.get("rep"))
    return any((rep.side, rep.direction, str(rep.rep)) == place for rep in session.rep_list)


def _sum_of(table: bytes) -> tuple[int, int]:
    return len(table), zlib.crc32(table)


def _there(path: Path) -> bytes | None:
    try:
        return read_bytes(path, MOST_TABLE_BYTES)
    except UnreadableError as error:
        if error.missing:
            return None
        raise RecordError("{path} cannot be read: {why}.", path=path, why=error) from error


def _is_ours(there: bytes, written: Iterable[tuple[int, int]], wanted: bytes) -> bool:
    """Return whether nobody but rotrack wrote what is in the table.

    A program that was killed, or the power that failed, may leave more rows than the checksum says, or less, the last one cut
    off, or blocks that never reached the disk.
    """
    if _is_torn(there, wanted):
        return True
    for size, crc in reversed([*written]):
        if len(there) >= size and zlib.crc32(there[:size]) == crc:
            return _is_part(there[size:].rstrip(b"\0"), wanted)
    return False


def _is_torn(there: bytes, wanted: bytes) -> bool:
    """Return whether a table is what it should be as far as it goes, but for blocks of zeros."""
    parts = re.split(b"\0+", there)
    return wanted.startswith(parts[0]) and all(part in wanted for part in parts)


def _is_part(rows: bytes, wanted: bytes) -> bool:
    """Return whether all rows are rows of the table, the last one perhaps cut off."""
    *whole, last = rows.split(b"\r\n")
    known = set(wanted.split(b"\r\n")) if rows else set()
    return all(row in known for row in whole) and (not last or b"\r\n" + last in wanted)


def _kept(data: Path, there: bytes, clock: Clock) -> tuple[str, ...]:
    """Keep a table that somebody changed beside under another name; return what to say."""
    same = [
        path for path in sorted(data.glob(f"{CHANGED}*.csv")) if path.stat().st_size == len(there) and path.read_bytes() == there
    ]
    place = same[0] if same else data / f"{CHANGED} {clock.now():%Y-%m-%d %H%M%S}.csv"
    number = 1
    while not same and place.exists():
        number += 1
        place = place.with_name(f"{CHANGED} {clock.now():%Y-%m-%d %H%M%S} {number}.csv")
    if not same:
        replace({place: there})
    return (
        Sentence(
            "{file} was changed by hand or by a spreadsheet. That version is kept as {name} in {path}; {table} "
            "was made anew from the sessions. To change what counts, use `rotrack drop` and `rotrack note`.",
            file=TABLE,
            name=place.name,
            path=data,
            table=TABLE,
        ),
    )


class _State:
    """What rotrack last wrote into the table: sizes and checksums that it may have, and of which sessions it was made."""

    def __init__(self, written: list[tuple[int, int]], of: str) -> None:
        self.written, self.of = written, of

    @staticmethod
    def read(data: Path) -> _State | None:
        try:
            raw: Any = json.loads(read_bytes(data / CHECKSUM, 10_000))
            written = [(int(size), int(crc)) for size, crc in raw["written"]]
            return _State(written, str(raw["of"])) if written else None
        except (UnreadableError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self, data: Path, durable: bool = False) -> None:
        content = json.dumps({"written": self.written, "of": self.of}) + "\n"
        replace({data / CHECKSUM: content.encode()}, durable=durable)


def _is_current(data: Path, state: _State) -> bool:
    """Return whether the table is what rotrack wrote last, and the sessions are those that it was made of."""
    there = _there(data / TABLE)
    return there is not None and _sum_of(there) == state.written[-1] and state.of == _digest(data)


def _digest(data: Path) -> str:
    """Return what changes when a session does that is not being measured now, or a person's name."""
    crc = 0
    for folder in session_folders(data):
        if not being_written(folder):
            crc = zlib.crc32(repr((folder.name, stamp_of(folder))).encode(), crc)
    for path in sorted((data / "people").glob("*/person.json")):
        found = path.stat()
        crc = zlib.crc32(repr((path.parent.name, found.st_mtime_ns, found.st_size)).encode(), crc)
    return f"{crc:08x}"
