"""All sessions of a data folder: read, compared with like ones, described, with repetitions taken out, deleted.

What changes here changes `reps.csv` and `session.json` together, under the lock of the log. The files are written beside and then
moved in place, so that a crash or a full disk leaves what was there. A session that is being measured is left alone.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from rotrack.errors import InputError, RecordError
from rotrack.model import CONVENTION_VERSION, MEASURE_VERSION, Direction, Rep, Side
from rotrack.records.log import (
    REP_COLUMNS,
    being_written,
    check_load,
    check_text,
    described,
    edited_reps,
    info_bytes,
    load_of,
    locked,
    logged_reps,
    read_info,
    replace_files,
    yes_or_no,
)
from rotrack.records.session import Session, SessionValue, load_session, person_of, session_values

HISTORY_COLUMNS = (
    "session_id started_at person drill side direction value_deg uncertainty_deg reps_used reps_valid reps_total faults band "
    "load_kg note tier calibration zero convention_version measure_version status has_video"
).split()
PLOT = "plot.html"
"""Name of the drawn curve in a session's folder."""
ALIKE = ("zero", "convention_version", "measure_version", "calibration")
"""What must be equal for two values to be compared, besides person, drill, side and direction."""
_TEXTS = ("started_at", "status", "person", "drill", "note", "tier", *ALIKE)
_AT = {column: place for place, column in enumerate(REP_COLUMNS)}


# ---------------------------------------------------------------------- reading
def read_sessions(data: Path) -> tuple[list[Session], list[str]]:
    """Read all sessions of a data folder but those that are being measured now.

    Parameters
    ----------
    data : Path
        The data folder; it need not exist.

    Returns
    -------
    sessions : list of Session
        Oldest first. One that was cut off has the status "interrupted" and the repetitions of reps.csv.
    problems : list of str
        One sentence per session that cannot be used; such sessions are left out.
    """
    log = cache(partial(logged_reps, data))
    sessions, problems = [], []
    for folder in _folders(data):
        try:
            session = load_session(folder, log)
            _check(session)
        except RecordError as error:
            problems.append(str(error))
            continue
        if session.info["status"] != "running":
            sessions.append(session)
    return sorted(sessions, key=lambda session: _order(session.info)), problems


def _folders(data: Path) -> list[Path]:
    return sorted(path.parent for path in (data / "sessions").glob("*/session.json"))


def _check(session: Session) -> None:
    """Raise RecordError for a session in which something is missing that all have."""
    info = session.info
    wrong = [key for key in _TEXTS if not isinstance(info.get(key), str)]
    if not wrong:
        try:
            datetime.fromisoformat(info["started_at"])
            load_of(info)
        except (TypeError, ValueError):
            wrong = ["proper started_at or load_kg"]
    if wrong:
        raise RecordError(f"{session.folder / 'session.json'} is damaged (no {wrong[0]}); the session is left out.")
    if session.folder.name != session.id:
        raise RecordError(f"{session.folder} holds the session {session.id}; give the folder that name, or delete it if a copy.")


def _order(info: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(info["started_at"]).astimezone(), info["session_id"]


def people(data: Path) -> list[str]:
    """Return the names of all who were measured, the most recent first; sessions without a name have none."""
    sessions, _ = read_sessions(data)
    return [name for name in dict.fromkeys(s.person for s in reversed(sessions)) if name]


def find_session(data: Path, name: str) -> Path:
    """Return the folder of a session.

    Parameters
    ----------
    data : Path
        The data folder.
    name : str
        Its id, the beginning of its id if no other session has it, its folder, or "last".

    Raises
    ------
    InputError
        If there is none, or several.
    """
    with suppress(OSError):  # too long for the name of a file
        if (Path(name) / "session.json").is_file():
            return Path(name)
    if name == "last":
        sessions, _ = read_sessions(data)
        if sessions:
            return sessions[-1].folder
        raise InputError(f"There is no session in {data} yet; measure something first, or choose the folder with --out.")
    found = [folder for folder in _folders(data) if name and folder.name.startswith(name)]
    found = [folder for folder in found if folder.name == name] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"'{name}' may be {', '.join(f.name for f in found[:6])}; give more of the id.")
    raise InputError(f"There is no session '{name}' in {data}; `rotrack history` lists them.")


# ---------------------------------------------------------------------- comparing
def history_table(data: Path, person: str | None = None, drill: str | None = None) -> pd.DataFrame:
    """Return what was measured so far, for plots and tables.

    Parameters
    ----------
    data : Path
        The data folder.
    person, drill : str, optional
        Only this person (the exact name; "" for sessions without one) or drill.

    Returns
    -------
    pandas.DataFrame
        Columns `HISTORY_COLUMNS`, one row per session, side and direction with repetitions, oldest session first. `value_deg` is
        signed, NaN without a valid repetition; `faults` are the letters of those that occurred in what was not dropped.
    """
    return table_of(only(read_sessions(data)[0], person, drill))


def only(sessions: Iterable[Session], person: str | None = None, drill: str | None = None) -> list[Session]:
    """Return the sessions of a person and a drill; None is any."""
    return [s for s in sessions if (person is None or s.person == person.strip()) and (drill is None or s.info["drill"] == drill)]


def table_of(sessions: Iterable[Session]) -> pd.DataFrame:
    """Return sessions as `history_table` does."""
    rows = []
    for session in sessions:
        info = session.info
        about = {column: info.get(column, "") for column in HISTORY_COLUMNS}
        about |= {"person": session.person, "band": info.get("band") or "", "load_kg": load_of(info)}
        about["has_video"] = session.video is not None
        for value in session.values:
            kept = [r for r in session.rep_list if (r.side, r.direction, r.dropped) == (value.side, value.direction, False)]
            faults = " ".join(sorted({letter for rep in kept for letter in rep.faults}))
            numbers = {k: str(v) if isinstance(v, Side | Direction) else v for k, v in asdict(value).items()}
            rows.append({**about, **numbers, "faults": faults})
    return pd.DataFrame(rows, columns=HISTORY_COLUMNS)


def history_csv(table: pd.DataFrame) -> bytes:
    """Return a `history_table` as CSV that spreadsheets open without a question."""
    return table.to_csv(index=False, float_format="%.2f", lineterminator="\r\n").encode("utf-8-sig")


def write_history(table: pd.DataFrame, path: Path) -> None:
    """Write a `history_table` as `history_csv` has it.

    Raises
    ------
    RecordError
        If the file cannot be written.
    """
    try:
        path.write_bytes(history_csv(table))
    except OSError as error:
        raise RecordError(f"The table {path} cannot be written ({error.strerror or error}); choose another file.") from error


def earlier_value(
    data: Path, person: str, drill: str, side: Side, direction: Direction, before: str | None = None
) -> SessionValue | None:
    """Return the latest value that a new one may be compared with.

    Like is compared with like: same person, drill, side and direction, same zero, convention version and level of calibration. A
    session is not compared with itself measured again, and one without a name with none: whose the others are is not known.

    Parameters
    ----------
    data : Path
        The data folder.
    person, drill : str
        Whose, and of what.
    side, direction : Side, Direction
        For which leg and way.
    before : str, optional
        Id of the session that is to be compared, which may be running; only earlier ones count. Without it, the latest of today's
        convention version.

    Raises
    ------
    RecordError, InputError
        If there is no session `before`.
    """
    this: dict[str, Any] = {"convention_version": CONVENTION_VERSION, "measure_version": MEASURE_VERSION}
    if before:
        session = load_session(session_folder(data, before))
        _check(session)
        this = session.info
    for session in earlier_sessions(this | {"person": person, "drill": drill}, read_sessions(data)[0]):
        for value in session.values:
            if (value.side, value.direction) == (side, direction) and value.reps_used:
                return value
    return None


def earlier_sessions(this: dict[str, Any], sessions: Sequence[Session]) -> Iterator[Session]:
    """Yield the sessions that one may be compared with, see `earlier_value`, the latest first.

    Parameters
    ----------
    this : dict
        The `info` of the session that is to be compared. Without a `session_id`, all are earlier; what is missing of zero,
        convention version and calibration may be any.
    sessions : sequence of Session
        All sessions, oldest first.
    """
    person = person_of(this)
    if not person:
        return
    for session in reversed(newest(sessions)):
        info = session.info
        if "session_id" in this and (_same_movement(this, info) or _order(info) >= _order(this)):
            continue
        same = (session.person, info["drill"]) == (person, this["drill"])
        if same and all(info[k] == this[k] for k in ALIKE if k in this):
            yield session


def newest(sessions: Sequence[Session]) -> list[Session]:
    """Return sessions without those that were measured again: of each movement only the latest whole reading.

    A reading that was cut off or found nothing does not take the place of one that did.

    Parameters
    ----------
    sessions : sequence of Session
        In any order, which is kept.
    """
    readings: dict[str, list[Session]] = {}
    for session in sessions:
        readings.setdefault(str(session.info.get("remeasured_from") or session.id), []).append(session)
    kept = {max(group, key=lambda s: (is_whole(s.info) and bool(s.rep_list), s.id)).id for group in readings.values()}
    return [session for session in sessions if session.id in kept]


def is_whole(info: dict[str, Any]) -> bool:
    """Return whether a session was measured to its end, or to where the person ended it."""
    return info.get("status") in ("finished", "stopped")


def _same_movement(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two sessions were measured from the same pictures."""
    names = [{info["session_id"], info.get("remeasured_from") or info["session_id"]} for info in (one, other)]
    return bool(names[0] & names[1])


# ---------------------------------------------------------------------- changing
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

    def change(cells: dict[str, str]) -> dict[str, str]:
        this = (cells["side"], cells["direction"]) == (side, direction) and cells["rep"] in {str(n) for n in numbers}
        return {"dropped": yes_or_no(dropped)} if this else {}

    with _changing(data, session_id) as (path, session):
        missing = numbers - {r.rep for r in session.rep_list if meant(r)}
        if missing:
            there = sorted({r.rep for r in session.rep_list if (r.side, r.direction) == (side, direction)})
            raise InputError(
                f"The session {session_id} has no repetition {min(missing)} of {side} {direction}; "
                f"it has {', '.join(map(str, there)) or 'none of these'}."
            )
        reps = tuple(replace(r, dropped=dropped) if meant(r) else r for r in session.rep_list)
        changed = _keep(path, replace(session, rep_list=reps), change)
        with suppress(OSError):  # it shows the values before; whoever wants one draws it anew
            (session.folder / PLOT).unlink(missing_ok=True)
        return changed


def describe_session(
    data: Path, session_id: str, note: str | None = None, band: str | None = None, load_kg: float | None = None
) -> Session:
    """Change what is noted of a session; None leaves it as it is, an empty text and NaN take it away.

    Raises
    ------
    InputError
        If there is no such session, or for what would not be plain text in a spreadsheet or no possible load.
    RecordError
        If it is being measured, or the log cannot be written; nothing has changed then.
    """
    check_text(note=note or "", band=band or "")
    check_load(math.nan if load_kg is None else load_kg)
    given = {k: v for k, v in {"note": note, "band": band, "load_kg": load_kg}.items() if v is not None}
    with _changing(data, session_id) as (path, session):
        info = {**session.info, **given}
        return _keep(path, replace(session, info=info), lambda cells: described(info))


@contextmanager
def _changing(data: Path, session_id: str) -> Iterator[tuple[Path, Session]]:
    """Hold the log for a change of a session; yield its reps.csv and the session as it is now."""
    folder = session_folder(data, session_id)
    with locked(data) as path:
        _refuse_running(folder)
        yield path, load_session(folder)


def _keep(path: Path, session: Session, change: Callable[[dict[str, str]], dict[str, str]]) -> Session:
    """Write a changed session; `change` returns the new cells of each of its rows in reps.csv."""

    def edit(cells: list[str]) -> list[str]:
        if len(cells) != len(REP_COLUMNS) or cells[_AT["session_id"]] != session.id:
            return cells
        row = dict(zip(REP_COLUMNS, cells, strict=True))
        return list((row | change(row)).values())

    results = {"reps": [asdict(r) for r in session.rep_list], "values": [asdict(v) for v in session_values(session.rep_list)]}
    session = replace(session, info=session.info | results)
    contents = {session.folder / "session.json": info_bytes(session.info)}
    if path.exists():
        contents[path] = edited_reps(path, edit)
    replace_files(contents)
    return session


def session_folder(data: Path, session_id: str) -> Path:
    """Return the folder of the session with this very id; `find_session` is for what people type.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = data / "sessions" / session_id
    found = False
    with suppress(OSError):  # too long for the name of a file
        found = Path(session_id).name == session_id and session_id not in ("", "..") and folder.is_dir()
    if not found:
        raise InputError(f"There is no session '{session_id}' in {data}; `rotrack history` lists them.")
    return folder


def _refuse_running(folder: Path) -> None:
    if being_written(folder):
        raise RecordError(f"The session {folder.name} is being measured right now; end it first.")


# ---------------------------------------------------------------------- deleting
def delete_session(data: Path, session_id: str) -> None:
    """Delete a session: its folder and its rows in reps.csv.

    Raises
    ------
    InputError
        If there is no such session.
    RecordError
        If it is being measured, or something cannot be deleted.
    """
    _delete(data, [session_folder(data, session_id)], lambda cells: cells[0] == session_id)


def sessions_of(data: Path, person: str) -> list[Path]:
    """Return the folders of all sessions of a person, also of damaged ones that reps.csv knows, and of those being measured."""
    rows, name = logged_reps(data), person.strip()
    logged = set(rows.session_id[rows.person.str.strip() == name])
    folders = []
    for folder in sorted((data / "sessions").glob("*")):
        try:
            theirs = person_of(read_info(folder)) == name
        except RecordError:
            theirs = folder.name in logged
        if theirs:
            folders.append(folder)
    return folders


def delete_sessions_of(data: Path, person: str) -> int:
    """Delete all sessions of a person, their rows and folders; return how many sessions there were.

    Their personal calibration is apart: `rotrack.housekeeping.delete_person` deletes that too.

    Raises
    ------
    RecordError
        If one of them is being measured, or something cannot be deleted.
    """
    folders, name = sessions_of(data, person), person.strip()
    gone = {folder.name for folder in folders}
    ids: set[str] = set()

    def theirs(cells: list[str]) -> bool:
        if cells[0] in gone | ids or (len(cells) > _AT["person"] and cells[_AT["person"]].strip() == name):
            ids.add(cells[0])
            return True
        return False

    _delete(data, folders, theirs)
    return len(gone | ids)


def _delete(data: Path, folders: list[Path], theirs: Callable[[list[str]], bool]) -> None:
    """Delete rows, then folders; if it breaks off in between, what is left is still listed and can be deleted again."""
    if not data.is_dir():
        return
    with locked(data) as path:
        for folder in folders:
            _refuse_running(folder)
        if path.exists():
            after = edited_reps(path, lambda cells: None if cells and theirs(cells) else cells, upgrade=False)
            if after != path.read_bytes():
                replace_files({path: after})
        for folder in folders:
            try:
                _remove(folder)
            except OSError as error:
                why = error.strerror or error
                raise RecordError(
                    f"{error.filename or folder} cannot be deleted ({why}); close what shows it and try again."
                ) from error


def _remove(folder: Path) -> None:
    """Remove a session's folder, session.json last: until all is gone, the session is listed."""
    if folder.is_symlink():
        folder.unlink()
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != "session.json":
            entry.unlink()
    (folder / "session.json").unlink(missing_ok=True)
    folder.rmdir()
