"""The log on disk: one `reps.csv` for all sessions, one folder per session, written so that little can be lost.

    DATA/reps.csv                      one row per excursion, append-only, all sessions
    DATA/sessions/ID/session.json      how it was measured
    DATA/sessions/ID/angles.csv        the angle curve
    DATA/sessions/ID/landmarks.csv.gz  the landmarks, from which the session can be measured again
    DATA/sessions/ID/legs.csv.gz       what the leg network said, if it was asked
    DATA/sessions/ID/writing.lock      held by the program that measures the session, gone afterwards

A repetition is on disk as soon as it is complete, curve and landmarks about two seconds later. Appending to `reps.csv` is one
write under a lock, so several programs can log at once; a row torn by a crash is closed off by the next one that appends.
Changes are written beside and then moved in place, under the same lock: at any moment the log is the old or the new one.
`docs/data.md` is the dictionary of every column.
"""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import math
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from platformdirs import user_data_path

from rotrack.errors import InputError, RecordError
from rotrack.model import (
    LANDMARK_NAMES,
    LEG_CROP_SHAPES,
    REP_DECIMALS,
    CurvePoint,
    Direction,
    LegCrop,
    Pose,
    Rep,
    Side,
    Step,
    empty_pose,
)

REP_COLUMNS = (
    "session_id started_at person drill side direction rep valid peak_deg live_peak_deg range_deg start_s peak_s end_s hold_s "
    "faults reason tier calibration zero visibility model convention_version rotrack_version note uncertainty_deg gravity_deg "
    "dropped band load_kg measure_version remeasured_from"
).split()
SINCE_2 = ("uncertainty_deg", "gravity_deg")
"""Columns that a log of convention version 1 lacks."""
_HEADERS = {",".join(REP_COLUMNS[:count]): count for count in (25, 27, 30, len(REP_COLUMNS))}
"""First lines with their number of columns, earlier ones first: new columns stand at the end, so that a log can be brought up
to date."""
_SESSION_COLUMNS = (
    "session_id started_at person drill tier calibration zero model convention_version rotrack_version note measure_version "
    "remeasured_from"
).split()
CURVE_COLUMNS = tuple(CurvePoint.__dataclass_fields__)
_LANDMARK_PARTS = ("x_px", "y_px", "visibility", "world_x_m", "world_y_m", "world_z_m")
LANDMARK_COLUMNS = (
    "time_s",
    "width_px",
    "height_px",
    "people",
    "reason",
    *(f"{name}_{part}" for name in LANDMARK_NAMES for part in _LANDMARK_PARTS),
)
LEG_COLUMNS = (
    "time_s",
    "side",
    *("_".join([name, *map(str, place)]) for name, shape in LEG_CROP_SHAPES.items() for place in np.ndindex(shape)),
)
LANDMARKS, LEGS_READ = "landmarks.csv.gz", "legs.csv.gz"
"""What a session can be measured again from."""
FIRST_MEASURE = "1"
"""The measure version of rows and sessions from before there was one."""
_KNOWN = {"valid": ("true", "false"), "dropped": ("true", "false", ""), "side": tuple(Side), "direction": tuple(Direction)}
MOST_REPS = 1_000_000
"""A repetition with a higher number is damaged."""
LOCK_TIMEOUT_S = 30.0
MAX_LOAD_KG = 500.0
FLUSH_EVERY_S = 1.0
_BOM = "\ufeff"  # spreadsheets read the names of people right with it


def data_folder(out: Path | None = None) -> Path:
    """Return where the log lives: the given folder, else ROTRACK_HOME, else the platform's own place for data."""
    home = os.environ.get("ROTRACK_HOME")
    return out or (Path(home) if home else user_data_path("rotrack", appauthor=False))


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what can go wrong while writing into one sentence.

    Raises
    ------
    RecordError
        Instead of OSError and Timeout.
    """
    try:
        yield
    except Timeout as error:
        raise RecordError(f"Another program holds {path.name} in {path.parent}; close it and try again.") from error
    except OSError as error:
        known = {
            errno.ENOSPC: "the disk is full: free some space",
            errno.EDQUOT: "your disk quota is used up: free some space",
            errno.EROFS: "the folder is read-only: choose another one with --out",
            errno.EACCES: "writing there is not allowed: choose another folder with --out",
            errno.EPERM: "writing there is not allowed: choose another folder with --out",
            errno.ENOTDIR: "a part of that path is a file: choose another folder with --out",
            errno.EEXIST: "a part of that path is a file: choose another folder with --out",
        }
        why = known.get(error.errno or 0, f"{error.strerror or error}: choose another folder with --out")
        raise RecordError(f"The log in {path} cannot be written, {why}. What was logged before is kept.") from error


def check_text(**texts: str) -> None:
    """Check texts for the log, given by what they are (`name=`, `note=`).

    Raises
    ------
    InputError
        For one that would not be plain text of one line in a spreadsheet.
    """
    for what, text in texts.items():
        if text[:1] in ("=", "+", "-", "@") or any(ord(c) < 32 for c in text):
            raise InputError(f"The {what} '{text}' must be one line and not begin with = + - or @ (spreadsheets).")


def check_load(load_kg: float) -> None:
    """Check a load in kg; NaN is one that was not said.

    Raises
    ------
    InputError
        For an impossible one.
    """
    if not (math.isnan(load_kg) or 0 <= load_kg <= MAX_LOAD_KG):
        raise InputError(f"The load must be from 0 to {MAX_LOAD_KG:.0f} kg, not {load_kg:g}.")


def load_of(info: dict[str, Any]) -> float:
    """Return the load of a session in kg; NaN if there is none."""
    load_kg = info.get("load_kg")
    return math.nan if load_kg is None else float(load_kg)


def being_written(folder: Path) -> bool:
    """Return whether a program is measuring the session in this folder now.

    It holds the folder's lock, which the system takes from it when it ends, however it ends.
    """
    path = folder / "writing.lock"
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0.1, poll_interval=0.02):  # patient enough for another program that looks too
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written
        return False


class SessionWriter:
    """Writes one session as it happens; a context manager. While it is open, `being_written` is true for the folder.

    Parameters
    ----------
    data : Path
        The data folder.
    info : dict
        The provenance, see docs/data.md; `session_id` names the folder, and with `legnet` what the leg network says is kept.

    Raises
    ------
    RecordError
        Here and in every method, if the folder cannot be written.
    """

    def __init__(self, data: Path, info: dict[str, Any]) -> None:
        self.data, self.info = data, info
        self.folder = data / "sessions" / info["session_id"]
        self._flushed_s = -math.inf
        with explained(self.folder):
            _check_header(data / "reps.csv")
            self.folder.mkdir(parents=True, exist_ok=False)
            self._open = ExitStack()
            lock = FileLock(self.folder / "writing.lock", timeout=0, thread_local=False)
            lock.acquire()
            self._open.callback(Path(lock.lock_file).unlink, missing_ok=True)
            self._open.callback(lock.release)
            self._write_info()
            self._angles = self._open.enter_context((self.folder / "angles.csv").open("w", encoding="utf-8", newline=""))
            self._curve = csv.writer(self._angles)
            self._curve.writerow(CURVE_COLUMNS)
            self._landmarks = self._packed(LANDMARKS, LANDMARK_COLUMNS)
            self._legs = self._packed(LEGS_READ, LEG_COLUMNS) if info.get("legnet") else None

    def _packed(self, name: str, columns: Iterable[str]) -> io.TextIOWrapper:
        packed = gzip.GzipFile(self.folder / name, "wb", 1, mtime=0)  # the same session is the same bytes
        file = self._open.enter_context(io.TextIOWrapper(packed, "utf-8", newline=""))
        file.write(",".join(columns) + "\r\n")
        return file

    def append(self, step: Step, with_pose: bool = True, found: Pose | None = None) -> None:
        """Log all that one frame produced; without the pose for what comes after the last frame.

        `found` is the pose as the models gave it, before the measuring named and completed its legs: that is what can be measured
        again. Without it the step's own pose is logged.
        """
        found = found or step.pose
        if step.reps:  # first what matters most
            append_reps(self.data, [rep_row(self.info, rep) for rep in step.reps])
        with explained(self.folder):
            if with_pose:
                self._landmarks.write(_landmark_row(found))
                if self._legs:
                    self._legs.writelines(_leg_row(found.time_s, *said) for said in found.legs.items())
            for point in step.curve:
                self._curve.writerow(_curve_row(point))
            if step.pose.time_s - self._flushed_s > FLUSH_EVERY_S:
                self._angles.flush()
                self._landmarks.flush()
                if self._legs:
                    self._legs.flush()
                self._flushed_s = step.pose.time_s

    def update(self, **changes: Any) -> None:
        """Change entries of session.json."""
        self.info.update(changes)
        with explained(self.folder):
            self._write_info()

    def _write_info(self) -> None:
        replace_files({self.folder / "session.json": info_bytes(self.info)})

    def close(self) -> None:
        """Close the files; safe to call twice."""
        with explained(self.folder):
            self._open.close()

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except RecordError:
            if failed is None:  # else the first problem is the one to tell
                raise


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: NaN becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def info_bytes(info: dict[str, Any]) -> bytes:
    """Return the contents of session.json."""
    return (json.dumps(_plain(info), indent=2, ensure_ascii=False) + "\n").encode()


def to_json(value: Any) -> str:
    """Return JSON text that survives every terminal; missing numbers become null."""
    return json.dumps(_plain(value), indent=2)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""


def _curve_row(point: CurvePoint) -> list[str]:
    angles = (_number(getattr(point, column), 3) for column in CURVE_COLUMNS if column.endswith("_deg"))
    return [_number(point.time_s, 6), point.side, *angles, point.reason]


def rep_row(info: dict[str, Any], rep: Rep) -> dict[str, str]:
    """Return a repetition of a session, given by its session.json, as the cells of reps.csv."""
    row = {column: str(info[column]) for column in _SESSION_COLUMNS}
    row |= {column: _number(getattr(rep, column), digits) for column, digits in REP_DECIMALS.items()}
    row |= {"side": rep.side, "direction": rep.direction, "rep": str(rep.rep), "reason": rep.reason}
    row |= {"valid": yes_or_no(rep.valid), "faults": " ".join(rep.faults), "dropped": yes_or_no(rep.dropped)}
    return row | described(info)


def described(info: dict[str, Any]) -> dict[str, str]:
    """Return the cells of reps.csv that can be described afterwards: note, band and load."""
    return {"note": str(info["note"]), "band": str(info.get("band") or ""), "load_kg": _number(load_of(info), 2)}


def yes_or_no(value: bool) -> str:
    """Return a truth as the log writes it."""
    return "true" if value else "false"


# ---------------------------------------------------------------------- reps.csv
def append_reps(data: Path, rows: list[dict[str, str]]) -> None:
    """Append rows to reps.csv in one write, safely beside other programs.

    Raises
    ------
    RecordError
        If the file cannot be written or is no log of this kind; nothing is left half written.
    """
    with locked(data) as path:
        _check_header(path)
        if _header_of(path) in tuple(_HEADERS)[:-1]:
            replace_files({path: _up_to_date(path.read_bytes())})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, REP_COLUMNS)
        size = path.stat().st_size if path.exists() else 0
        if size == 0:
            text.write(_BOM)
            writer.writeheader()
        else:
            text.write(_missing_end(path))  # if a crash cut the last row off
        writer.writerows(rows)
        payload = text.getvalue().encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            if os.write(descriptor, payload) != len(payload):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        finally:
            os.close(descriptor)


def _missing_end(path: Path) -> str:
    """Return what the last row lacks of its end, if a crash left it so."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return {b"\n": "", b"\r": "\n"}.get(file.read(), "\r\n")


def _up_to_date(log: bytes) -> bytes:
    """Return a log with all columns of today: those that came later are empty in the rows that were there."""
    header, *lines = io.BytesIO(log).readlines() or [b""]
    count = _HEADERS.get(_text_of(header), len(REP_COLUMNS))
    if count == len(REP_COLUMNS):
        return log
    more = b"," * (len(REP_COLUMNS) - count)
    rows = [(_BOM + ",".join(REP_COLUMNS)).encode() + _end_of(header)]
    for line in lines:
        end = _end_of(line)
        row = line.removesuffix(end)
        rows.append(row + more + end if row else line)
    return b"".join(rows)


def _text_of(line: bytes) -> str:
    return line.decode("utf-8-sig", "replace").strip()


def _end_of(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]


def _header_of(path: Path) -> str | None:
    """Return the first line of a log; None if there is nothing in it."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        return _text_of(file.readline())


def _check_header(path: Path) -> None:
    header = _header_of(path)
    if header is not None and header not in _HEADERS:
        raise RecordError(
            f"{path} is not a repetition log of this version of rotrack (its first line differs). "
            "Rename or move it, or choose another folder with --out."
        )


# ---------------------------------------------------------------------- changing what was logged
@contextmanager
def locked(data: Path) -> Iterator[Path]:
    """Hold the log of a data folder against other programs, and yield its `reps.csv`.

    Raises
    ------
    RecordError
        If another program holds it for long, or for what goes wrong with files inside.
    """
    path = data / "reps.csv"
    with explained(path), FileLock(path.with_name("reps.csv.lock"), timeout=LOCK_TIMEOUT_S):
        yield path


def edited_reps(path: Path, change: Callable[[list[str]], list[str] | None], upgrade: bool = True) -> bytes:
    """Return what reps.csv is after a change; to be called with the log `locked`.

    Parameters
    ----------
    path : Path
        The `reps.csv`; there may be none.
    change : callable
        Given the cells of a row in the order of `REP_COLUMNS`, returns those that replace them; the same ones leave the row as
        it is to the byte, None takes it out. Of a damaged row it gets what can be made out.
    upgrade : bool
        Whether the log gets all columns of today; else a log of an earlier version keeps its own.

    Raises
    ------
    RecordError
        If the file is no log of this kind.
    """
    _check_header(path)
    log = path.read_bytes() if path.exists() else b""
    header, *lines = io.BytesIO(_up_to_date(log) if upgrade else log).readlines() or [b""]
    kept = [header]
    for line in lines:
        cells = _readable_cells(line)
        after = change(cells)
        if after is not None:
            kept.append(line if after == cells else _line_of(after))
    return b"".join(kept)


def _readable_cells(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")]), [])
    except csv.Error:
        return []


def _line_of(cells: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """Give files new contents: all are written beside and onto the disk before the first one is moved in place."""
    drafts = {path: path.with_name(path.name + ".tmp") for path in contents}
    try:
        for path, draft in drafts.items():
            with draft.open("wb") as file:
                file.write(contents[path])
                file.flush()
                os.fsync(file.fileno())
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        raise


# ---------------------------------------------------------------------- reading reps.csv
def read_reps(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a repetition log.

    Parameters
    ----------
    path : Path
        A `reps.csv`.

    Returns
    -------
    reps : pandas.DataFrame
        Columns `REP_COLUMNS`; numbers as float, `rep` as int, `valid` and `dropped` as bool.
    problems : list of str
        One sentence per damaged row, with its line number; such rows are left out.

    Raises
    ------
    RecordError
        If there is no such file or its columns are others.
    """
    try:
        log = path.read_bytes()
    except FileNotFoundError as error:
        raise RecordError(f"There is no log at {path}; measure something first or check the folder.") from error
    except OSError as error:
        raise RecordError(f"{path} cannot be read ({error}); check the file.") from error
    header, _, body = log.partition(b"\n")
    if _text_of(header) not in _HEADERS:
        raise RecordError(f"{path} is not a repetition log of rotrack: its first line must hold the column names.")
    reps, damaged = _reps_of(body, _HEADERS[_text_of(header)])
    return reps, [f"Line {n + 2} of {path.name} is damaged and was left out." for n in damaged]


def _reps_of(body: bytes, count: int) -> tuple[pd.DataFrame, list[int]]:
    """Return the rows of a log without its first line, of `count` columns each, and the places of damaged lines.

    Every line is looked at by itself, since no cell holds a line break: so a row torn inside its quotes cannot swallow the next.
    What is whole then goes through the parser of pandas at once.
    """
    body = body if body.endswith(b"\n") else body + b"\n"
    signs = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    closed = signs[np.maximum(ends - 1, 0)] == ord("\r")
    there = ends - starts > closed
    commas = np.flatnonzero(signs == ord(","))
    separators = _in_lines(commas, ends)
    whole = there.copy()
    quoted = b'"' in body
    if quoted:  # a comma between quotes is text
        quotes = np.flatnonzero(signs == ord('"'))
        count_of = _in_lines(quotes, ends)
        line = np.repeat(np.arange(len(ends)), count_of)
        place = np.arange(len(quotes)) - np.searchsorted(quotes, starts)[line]
        before = np.searchsorted(commas, quotes) * np.where(place % 2, 1, -1)
        separators = separators - np.bincount(line, before, len(ends)).astype(int)
        whole &= count_of % 2 == 0
    whole &= separators == count - 1
    if np.count_nonzero(signs == ord("\r")) > np.count_nonzero(closed):
        whole &= _in_lines(np.flatnonzero(signs == ord("\r")), ends) == closed
    if b"\0" in body:
        whole &= _in_lines(np.flatnonzero(signs == 0), ends) == 0
    if not body.isascii() and not _is_text(body):
        odd = np.flatnonzero(whole & (_in_lines(np.flatnonzero(signs > 127), ends) > 0))
        whole[[n for n in odd if not _is_text(body[starts[n] : ends[n]])]] = False
    places = np.flatnonzero(whole)
    text = body if whole.all() else b"".join(body[starts[n] : ends[n] + 1] for n in places)
    try:
        reps = _frame_of(text, places, count, quoted)
    except (ValueError, OverflowError):  # quotes where they do not belong: line by line
        rows = {int(n): _cells(body[starts[n] : ends[n]]) for n in places}
        rows = {n: cells for n, cells in rows.items() if len(cells) == count}
        again = io.StringIO(newline="")
        csv.writer(again).writerows(rows.values())
        reps = _frame_of(again.getvalue().encode(), np.array(list(rows), int), count, True)
    there[reps.index.to_numpy()] = False
    return reps.reset_index(drop=True), np.flatnonzero(there).tolist()


def _in_lines(places: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return how many of some places in a text are in each of its lines, int, shape (lines,)."""
    return np.diff(np.searchsorted(places, ends), prepend=0)


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cells(line: bytes) -> list[str]:
    """Return the cells of a line, none if it is damaged."""
    try:
        return next(csv.reader([line.decode().removesuffix("\r")], strict=True), [])
    except csv.Error:
        return []


def _frame_of(text: bytes, places: np.ndarray, count: int, quoted: bool) -> pd.DataFrame:
    """Return lines as `read_reps` does, with their places as index; those are left out whose cells the log does not write.

    Raises
    ------
    ValueError, OverflowError
        If the lines do not fall into as many rows of `count` cells.
    """
    columns = REP_COLUMNS[:count]
    figures = [*(column for column in (*REP_DECIMALS, "load_kg") if column in columns), "rep"]

    def read(kind: str) -> pd.DataFrame:
        return pd.read_csv(
            io.BytesIO(text), names=columns, dtype=dict.fromkeys(columns, "str") | dict.fromkeys(figures, kind), index_col=False,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, keep_default_na=False,
            na_values={column: [""] for column in figures}, skip_blank_lines=False, on_bad_lines="error",
        )  # fmt: skip

    good = np.ones(len(places), bool)
    try:
        reps = read("float64")
    except pd.errors.ParserError:
        raise
    except (ValueError, OverflowError):  # a cell that is no number: find it
        reps = read("str")
        for column in figures:
            numeric = pd.to_numeric(reps[column], errors="coerce").astype("float64")
            good &= (numeric.notna() | reps[column].isna()).to_numpy()
            reps[column] = numeric
    if len(reps) != len(places):
        raise ValueError("rows and lines differ")
    rep = reps.rep.to_numpy()
    good &= (rep >= 0) & (rep < MOST_REPS) & (rep == np.floor(rep))
    for column in figures:
        good &= ~np.isinf(reps[column].to_numpy())
    for column in REP_COLUMNS[count:]:
        reps[column] = math.nan if column in (*REP_DECIMALS, "load_kg") else ""
    for column, known in _KNOWN.items():
        good &= reps[column].isin(known).to_numpy()
    reps.index = pd.Index(places)
    reps = reps if good.all() else reps[good]
    reps["measure_version"] = reps.measure_version.replace("", FIRST_MEASURE)
    return reps.assign(rep=reps.rep.astype("int64"), valid=reps.valid == "true", dropped=reps.dropped == "true")


def logged_reps(data: Path) -> pd.DataFrame:
    """Return the repetitions in the log of a data folder as `read_reps` does; none if there is no log yet."""
    path = data / "reps.csv"
    return read_reps(path)[0] if path.exists() else pd.DataFrame(columns=REP_COLUMNS)


# ---------------------------------------------------------------------- one session's files
def read_info(folder: Path) -> dict[str, Any]:
    """Read session.json of a session folder.

    Raises
    ------
    RecordError
        If it is missing or damaged.
    """
    path = folder / "session.json"
    try:
        info = json.loads(path.read_text("utf-8"))
        if not isinstance(info, dict) or "session_id" not in info:
            raise ValueError("no session_id")
        return info
    except FileNotFoundError as error:
        raise RecordError(f"{folder} is not a session: it holds no session.json. Give a folder under sessions/.") from error
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} is damaged ({error}); the session cannot be used.") from error


def read_request(folder: Path) -> dict[str, Any]:
    """Read session.json for measuring again: as `read_info`, and what was asked for must all be there."""
    info = read_info(folder)
    kinds = {"drill": str, "person": str, "note": str, "started_at": str, "sides": list, "source": dict, "settings": dict}
    wrong = [key for key, kind in kinds.items() if not isinstance(info.get(key), kind)]
    later: dict[str, Any] = {"band": str, "load_kg": int | float}
    wrong += [key for key, kind in later.items() if info.get(key) is not None and not isinstance(info[key], kind)]
    if not wrong and not (info["sides"] and set(info["sides"]) <= set(Side)):
        wrong = ["sides"]
    if not wrong and not ("name" in info["source"] and len(info["source"].get("size_px") or ()) == 2):
        wrong = ["source"]
    if not wrong:
        try:
            datetime.fromisoformat(info["started_at"])
        except ValueError:
            wrong = ["started_at"]
    if wrong:
        raise RecordError(f"{folder / 'session.json'} is damaged (no {wrong[0]}); the session cannot be measured again.")
    return info


def read_curve(folder: Path) -> pd.DataFrame:
    """Read angles.csv of a session folder: columns `CURVE_COLUMNS`, times in s, angles in deg, NaN where missing."""
    path = folder / "angles.csv"
    try:
        return pd.read_csv(
            path,
            dtype={"side": str, "reason": str},
            keep_default_na=False,
            na_values={c: [""] for c in CURVE_COLUMNS if c.endswith("_deg")},
        )
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} is missing or damaged ({error}).") from error


def _landmark_row(pose: Pose) -> str:
    table = np.column_stack([pose.image_px, pose.visibility, pose.world_m])
    reason = pose.reason.replace(",", ";")
    return f"{pose.time_s:.6f},{pose.size_px[0]},{pose.size_px[1]},{pose.people},{reason},{_row_of(table)}\r\n"


def _leg_row(time_s: float, side: Side, leg: LegCrop) -> str:
    return f"{time_s:.6f},{side},{_row_of(leg.numbers())}\r\n"


def _row_of(numbers: np.ndarray) -> str:
    return ",".join(f"{v:.4f}".rstrip("0").rstrip(".") if math.isfinite(v) else "" for v in numbers.ravel().tolist())


def _numbers(cells: list[str]) -> np.ndarray:
    return np.array([float(c) if c else np.nan for c in cells])


def read_poses(folder: Path, legs: bool = True) -> Iterator[Pose]:
    """Yield the recorded poses of a session, as far as the files go if they were cut off.

    Parameters
    ----------
    folder : Path
        The session's folder.
    legs : bool
        Whether what the leg network said is put back, if it was asked.

    Raises
    ------
    RecordError
        If there are none, or what the leg network said cannot be read.
    """
    poses, path = _read_landmarks(folder / LANDMARKS), folder / LEGS_READ
    return _with_legs(poses, path) if legs and path.exists() else poses


def _read_landmarks(path: Path) -> Iterator[Pose]:
    lines = _lines(path)
    if next(lines, "") != ",".join(LANDMARK_COLUMNS):
        raise RecordError(f"{path} is missing or holds no landmarks; the session cannot be measured again.")
    for line in lines:
        try:
            yield _parsed_pose(line.split(","))
        except ValueError:
            return  # cut off or damaged from here on


def _with_legs(poses: Iterator[Pose], path: Path) -> Iterator[Pose]:
    lines = _lines(path)
    if next(lines, "") != ",".join(LEG_COLUMNS):
        raise RecordError(f"{path} is damaged; measure the session again without the leg network (--no-legnet).")
    rows = (_parsed_leg(line.split(",")) for line in lines)
    try:
        row = next(rows, None)
        for pose in poses:
            legs = {}
            while row is not None and row[0] <= pose.time_s:
                legs[row[1]] = row[2]
                row = next(rows, None)
            yield replace(pose, legs=legs)
    except ValueError:
        return  # cut off or damaged from here on


def _parsed_pose(cells: list[str]) -> Pose:
    if len(cells) != len(LANDMARK_COLUMNS):
        raise ValueError
    time_s, width, height, people, reason = cells[:5]
    size_px = (int(width), int(height))
    if reason:
        return empty_pose(float(time_s), size_px, reason, int(people))
    table = _numbers(cells[5:]).reshape(len(LANDMARK_NAMES), -1)
    return Pose(float(time_s), size_px, table[:, :2], table[:, 3:], table[:, 2], int(people))


def _parsed_leg(cells: list[str]) -> tuple[float, Side, LegCrop]:
    if len(cells) != len(LEG_COLUMNS):
        raise ValueError
    return float(cells[0]), Side(cells[1]), LegCrop.of(_numbers(cells[2:]))


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a gzip file, as far as it can be read; an empty one at the end if that is not all."""
    rest = b""
    unzip = zlib.decompressobj(wbits=31)
    with suppress(OSError, zlib.error, UnicodeDecodeError), path.open("rb") as file:
        while block := file.read(1 << 16):
            *lines, rest = (rest + unzip.decompress(block)).split(b"\r\n")
            yield from (line.decode() for line in lines)
        if unzip.eof:
            return
    yield ""
