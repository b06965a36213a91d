"""Sessions of another computer's data folder, taken in without duplicates.

What is here stays as it is. A session's folder is copied beside and then moved in place, and its rows are appended right away, as
measuring does; what breaks off in between is made good by importing again.
"""

from __future__ import annotations

import math
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from rotrack.errors import InputError, RecordError
from rotrack.model import REP_DECIMALS
from rotrack.progress.readings import FILE, Merged, import_readings
from rotrack.records.history import read_sessions
from rotrack.records.log import REP_COLUMNS, append_reps, being_written, explained, read_info, read_reps, yes_or_no

IMPORT_LOCK, PART = "import.lock", "import.part"
"""In a data folder: held by an import, and where it copies a session before it is moved in place, which a kill leaves behind."""
ROWS_AT_ONCE = 1000
"""Rows of sessions without a folder are appended in batches of at least so many."""
_DECIMALS = REP_DECIMALS | {"load_kg": 2}
_NOT_COPIED = ("writing.lock", "session.json.tmp")
_Rows = list[tuple[str, ...]]


def merge_sessions(
    data: Path, other: Path, on_total: Callable[[int], object] | None = None, on_session: Callable[[], object] | None = None
) -> Merged:
    """Take in the sessions and readings of another data folder.

    A session is known by its id. If it is here with the same content, it is there already; with other content, that of here is
    kept and the session named. What is here of a session only in part (rows, or a folder without session.json) is completed.
    Sessions that are being measured there are left out; of damaged ones the rows are taken.

    Parameters
    ----------
    data : Path
        The data folder that gets them.
    other : Path
        The other data folder, its parent, or its `sessions` folder; logs of earlier versions are read as they are.
    on_total, on_session : callable, optional
        Told how many sessions there are, and when one is done.

    Returns
    -------
    Merged
        Of the sessions; `readings` holds what became of the readings of other instruments.

    Raises
    ------
    InputError
        If there are no sessions, or it is the same folder.
    RecordError
        If something cannot be read or written; what came in so far stays, and importing again goes on from there.
    """
    other = find_data(other)
    if other.resolve() == data.resolve():
        raise InputError(f"{other} is your own data folder; give the folder of another computer.")
    with explained(data):
        data.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data / IMPORT_LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise RecordError(f"Another import into {data} is going on; wait for its end.") from error
    try:
        return _merge(data, other, on_total or _nothing, on_session or _nothing)
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
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; give the data folder of the other computer, or a CSV table of readings.")
    if folder.name == "sessions" and any(folder.glob("*/session.json")):
        return folder.parent
    if _is_data(folder):
        return folder
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and _is_data(path))
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise InputError(f"{folder} holds several data folders: {', '.join(path.name for path in inside[:6])}; give one of them.")
    raise InputError(f"{folder} holds no sessions of rotrack (no reps.csv, no sessions); `rotrack doctor` says where they are.")


def _is_data(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("reps.csv", FILE)) or any(folder.glob("sessions/*/session.json"))


def _merge(data: Path, other: Path, on_total: Callable[[int], object], on_session: Callable[[], object]) -> Merged:
    theirs, torn_rows = _rows(other)
    ours, _ = _rows(data, set(theirs))
    running = {folder.name for folder in (other / "sessions").glob("*") if being_written(folder)}
    sessions, problems = read_sessions(other)
    folders = {session.id: session.folder for session in sessions if session.id not in running}
    problems += [
        f"The session {name} is being measured there right now; import it when it has ended." for name in sorted(running)
    ]
    ids = [name for name in dict.fromkeys((*folders, *theirs)) if name not in running]
    on_total(len(ids))
    added, kept = 0, 0
    pending: _Rows = []
    try:
        for name in ids:
            here, there = data / "sessions" / name, folders.get(name)
            rows, known = theirs.get(name, []), ours.get(name, [])
            missing = list((Counter(rows) - Counter(known)).elements())
            whole = (here / "session.json").exists() or being_written(here)
            torn = bool(known and missing)
            same = _same(here, there) if whole and there else not (whole and torn)
            if not same or (rows and Counter(known) - Counter(rows)):
                problems.append(
                    f"The session {name} is here with other content (a note, a repetition taken out); what is here was kept."
                )
                kept += 1
            else:
                copied = there is not None and not whole and _copy(there, here, data / PART, problems)
                pending += missing
                added += copied or bool(missing)
                if copied or len(pending) >= ROWS_AT_ONCE:
                    _append(data, pending)
            on_session()
        _append(data, pending)
        readings = import_readings(data, other / FILE) if (other / FILE).exists() else Merged(0, 0)
    except RecordError as error:
        raise RecordError(f"{error} Import again to go on from there.") from error
    return Merged(added, len(ids) - added - kept, (*problems, *torn_rows), readings=readings)


def _append(data: Path, pending: _Rows) -> None:
    """Append the rows that wait for it, and empty the list."""
    if pending:
        append_reps(data, [dict(zip(REP_COLUMNS, row, strict=True)) for row in pending])
        pending.clear()


def _rows(data: Path, wanted: set[str] | None = None) -> tuple[dict[str, _Rows], list[str]]:
    """Return the rows of a log by session, their cells as text in the columns of today, and a sentence for each damaged one."""
    if not (data / "reps.csv").exists():
        return {}, []
    reps, problems = read_reps(data / "reps.csv")
    reps = reps if wanted is None else reps[reps.session_id.isin(wanted)]
    texts: dict[str, list[str]] = {column: reps[column].astype(str).tolist() for column in REP_COLUMNS}
    for column, decimals in _DECIMALS.items():
        texts[column] = [f"{number:.{decimals}f}" if math.isfinite(number) else "" for number in reps[column].tolist()]
    for column in ("valid", "dropped"):
        texts[column] = [yes_or_no(value) for value in reps[column].tolist()]
    rows: dict[str, _Rows] = {}
    for row in zip(*texts.values(), strict=True):
        rows.setdefault(row[0], []).append(row)
    return rows, problems


def _same(here: Path, there: Path) -> bool:
    """Return whether two session folders hold the same session; one that cannot be read is another."""
    try:
        return read_info(here) == read_info(there)
    except RecordError:
        return False


def _copy(source: Path, target: Path, part: Path, problems: list[str]) -> bool:
    """Copy a session's folder beside, onto the disk, and move it in place; one that cannot be read is named.

    session.json is copied first, so that it is known whose the part is. Of a wreck in its place the files stay that the source
    lacks.
    """
    with explained(target):
        shutil.rmtree(part, ignore_errors=True)
        files = {path.relative_to(folder): path for folder in (target, source) for path in folder.rglob("*") if path.is_file()}
        if Path("session.json") not in files:
            problems.append(f"The session {source.name} was left out: {source} cannot be read any more; import it again.")
            return False
        for place in sorted(files, key=lambda place: (place.name != "session.json", place)):
            path, copy = files[place], part / place
            if path.name in _NOT_COPIED:
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                original = path.open("rb")
            except OSError as error:
                problems.append(f"The session {source.name} was left out: {path} cannot be read ({error.strerror or error}).")
                return False
            with original, copy.open("wb") as file:
                shutil.copyfileobj(original, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.rename(target)
    return True


def _nothing(*_: object) -> None:
    pass
