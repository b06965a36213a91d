"""Changes of sessions that were measured before: repetitions taken out, notes, deletion.

A change replaces one file of the session's folder; the people's table follows. A session that is being measured is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RecordError
from rotrack.core.model import Direction, Rep, Side
from rotrack.records.days import check_past
from rotrack.records.folders import locked
from rotrack.records.options import Noted, check_options, options_of
from rotrack.records.record import SESSION_FILE, record_bytes
from rotrack.records.repetitions import REPETITIONS, table_bytes
from rotrack.records.session import Session, load_session, readings_of
from rotrack.records.store import forget_index, read_sessions, refuse_running, session_folder
from rotrack.records.table import refresh_table
from rotrack.system.files import replace as replace_files
from rotrack.system.files import set_aside

PLOT = "plot.html"
"""Name of the drawn curve in a session's folder."""


def drop_rep(
    data: Path, session_id: str, side: Side, direction: Direction, rep: int | Collection[int], dropped: bool = True
) -> Session:
    """Take repetitions out of a session, or back in; they stay in the log.

    Parameters
    ----------
    data : Path
        The data folder.
    session_id : str
        The session.
    side, direction : Side, Direction
        The leg and the excursion.
    rep : int, or several
        The number of the repetition.
    dropped : bool
        False undoes it.

    Returns
    -------
    Session
        The session with its values recomputed.

    Raises
    ------
    InputError
        If there is no such session or repetition.
    RecordError
        If it is being measured, or the log cannot be written; nothing has changed then.
    """
    numbers = {rep} if isinstance(rep, int) else set(rep)

    def meant(r: Rep) -> bool:
        return (r.side, r.direction) == (side, direction) and r.rep in numbers

    with _changing(data, session_id) as session:
        missing = numbers - {r.rep for r in session.rep_list if meant(r)}
        if missing:
            there = sorted({r.rep for r in session.rep_list if (r.side, r.direction) == (side, direction)})
            raise InputError(
                "The session {name} has no repetition {n} of {side} {direction}; it has {numbers}.",
                name=session_id,
                n=min(missing),
                side=side,
                direction=direction,
                numbers=", ".join(map(str, there)) or "none of these",
            )
        reps = tuple(replace(r, dropped=dropped) if meant(r) else r for r in session.rep_list)
        path = session.folder / REPETITIONS
        if session.problems:  # its damaged rows may still be worth something to somebody
            set_aside(path)
        replace_files({path: table_bytes(reps)})
        with suppress(OSError):  # it shows the values before; whoever wants one draws it anew
            (session.folder / PLOT).unlink(missing_ok=True)
    refresh_table(data)
    return replace(session, rep_list=reps)


def describe_session(data: Path, session_id: str, **noted: Any) -> Session:
    """Change what is noted of a session: fields of `Noted`; an empty text and NaN take one away, the others stay.

    Raises
    ------
    InputError
        If there is no such session, or for what would not be plain text in a spreadsheet or is out of its range.
    DrillError
        For a variant that its drill does not have.
    RecordError
        If it is being measured, or the log cannot be written; nothing has changed then.
    """
    noted = {name: options_of(Noted)[name].default if value == "" else value for name, value in noted.items()}
    check_options(Noted(**noted))
    with _changing(data, session_id) as session:
        if noted.get("variant"):
            load_table().drill(session.record.drill).check_variant(noted["variant"])
        record = msgspec.structs.replace(session.record, **noted)
        replace_files({session.folder / SESSION_FILE: record_bytes(record)})
    refresh_table(data)
    return replace(session, record=record)


def date_session(data: Path, session_id: str, at: datetime) -> Session:
    """Say when a session really began, where the clock was wrong; what was noted of its order is forgotten with that.

    All readings of its movement get that date.

    Raises
    ------
    InputError
        If there is no such session, or the date is to come.
    RecordError
        If it is being measured, or the log cannot be written; nothing has changed then.
    """
    check_past(at)
    with _changing(data, session_id) as session:
        others = readings_of(read_sessions(data)[0]).get(session.record.movement, [])
        readings = {session.folder: session.record} | {other.folder: other.record for other in others}
        refuse_running(readings)
        records = {folder: msgspec.structs.replace(record, started_at=at, number=0) for folder, record in readings.items()}
        replace_files({folder / SESSION_FILE: record_bytes(record) for folder, record in records.items()})
    refresh_table(data)
    return replace(session, record=records[session.folder])


@contextmanager
def _changing(data: Path, session_id: str) -> Iterator[Session]:
    """Hold the log for a change of a session; yield the session as it is now."""
    folder = session_folder(data, session_id)
    refresh_table(data)  # takes over what an earlier version wrote
    with locked(data):
        refuse_running([folder])
        yield load_session(folder)


# ---------------------------------------------------------------------- deleting
def delete_session(data: Path, session_id: str) -> None:
    """Delete a session: its folder, and with it its rows in the people's table.

    Raises
    ------
    InputError
        If there is no such session.
    RecordError
        If it is being measured, or something cannot be deleted.
    """
    delete_folders(data, [session_folder(data, session_id)])


def delete_folders(data: Path, folders: Collection[Path]) -> None:
    """Delete the folders of sessions; if it breaks off in between, what is left can be deleted again.

    Raises
    ------
    RecordError
        If one is being measured (nothing is deleted then), or something cannot be deleted.
    """
    if not data.is_dir():
        return
    refresh_table(data)  # so that rows that an earlier version left are taken over, and gone with their session
    with locked(data):
        refuse_running(folders)
        _remove_all(folders)
        forget_index(data)
    refresh_table(data)


def _remove_all(folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            _remove(folder)
        except OSError as error:
            why = error.strerror or error
            raise RecordError(
                "{path} cannot be deleted ({why}); close what shows it and try again.", path=error.filename or folder, why=why
            ) from error


def _remove(folder: Path) -> None:
    """Remove a session's folder, session.json last: until all is gone, the session is listed."""
    if folder.is_symlink():
        folder.unlink()
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != SESSION_FILE:
            entry.unlink()
    (folder / SESSION_FILE).unlink(missing_ok=True)
    folder.rmdir()
