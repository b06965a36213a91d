"""The manifest of an archive: which videos there are, whose, of what; read and checked row by row before anything is measured."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from rotrack.core.errors import InputError, RotrackError
from rotrack.measure.batch import Job
from rotrack.measure.request import Request
from rotrack.records.options import options_of
from rotrack.system.inputs import Table, UnreadableError, read_bytes, sane_time, table_of
from rotrack.texts.numbers import times

MANIFEST = "manifest.csv"
OPTIONS = {name: option for name, option in options_of(Request).items() if not option.whole_run}
COLUMNS = ("file", *OPTIONS)
"""What a manifest may tell of a video; `file` must be there."""
MOST_BYTES = 20_000_000
"""A longer manifest is not read: that is 200,000 videos."""
MOST_NAMED = 20
"""If more lines than this ask for the same, only the first are named."""
_ALSO = {name.replace("_", " "): name for name in COLUMNS}
_DAMAGED = (
    'It is damaged or has more cells than there are columns: put quotes ("...") around a text with a comma in it, and save the '
    "table as 'CSV UTF-8'."
)
VIDEOS = frozenset((".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".3gp"))
"""Files that look like videos, for the hint that the manifest does not list them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the manifest that can be measured.

    Parameters
    ----------
    line : int
        Its line in the manifest.
    file : str
        The video's path from the archive's folder on, with forward slashes.
    job : Job
        What to measure.
    size_bytes : int
        Size of the video.
    recorded_at : str
        What the manifest says of when it was recorded; empty if nothing. In the job it is when the file was last changed, then.
    """

    line: int
    file: str
    job: Job
    size_bytes: int
    recorded_at: str


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A row of the manifest that cannot be measured, and why, in a sentence."""

    line: int
    file: str
    problem: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest asks for.

    Parameters
    ----------
    path : Path
        The file.
    entries : tuple of Entry
        The rows that can be measured, in their order.
    wrong : tuple of WrongRow
        The others.
    notes : tuple of str
        What else to know, a sentence each.
    """

    path: Path
    entries: tuple[Entry, ...]
    wrong: tuple[WrongRow, ...]
    notes: tuple[str, ...]


def read_manifest(folder: Path, defaults: Request, path: Path | None = None) -> Manifest:
    """Read the manifest of an archive; no video is opened.

    Parameters
    ----------
    folder : Path
        The archive.
    defaults : Request
        Values for empty cells, and those that hold for all videos: data folder, model, calibration.
    path : Path, optional
        The manifest; `manifest.csv` in the folder without it.

    Raises
    ------
    InputError
        If there is no manifest, or it is no table with the right columns.
    """
    path = path or folder / MANIFEST
    table = _table(path, bool(defaults.drill))
    entries: list[Entry] = []
    wrong = [WrongRow(line, "", _DAMAGED) for line in table.damaged]
    for line, cells in table.rows:
        found = _entry(folder, defaults, line, {column: cell.strip() for column, cell in cells.items()})
        if isinstance(found, Entry):
            entries.append(found)
        else:
            wrong.append(found)
    twice = _twice(entries)
    wrong += [WrongRow(e.line, e.file, twice[e.line]) for e in entries if e.line in twice]
    notes = []
    unknown = [column for column in table.columns if column and column not in COLUMNS]
    if unknown:
        notes.append(f"Columns of {path.name} that rotrack does not use: {', '.join(unknown)}.")
    listed = {entry.file for entry in entries} | {row.file for row in wrong}
    forgotten = _forgotten(folder, defaults.data, listed)
    if forgotten:
        notes.append(f"{times(len(forgotten), 'video')} in {folder.name} that {path.name} does not list: {some(forgotten)}.")
    kept = tuple(entry for entry in entries if entry.line not in twice)
    return Manifest(path, kept, tuple(sorted(wrong, key=lambda row: row.line)), tuple(notes))


def _table(path: Path, has_drill: bool) -> Table:
    shape = f"It must be a CSV file whose first line is file,person,drill,side; docs/archives.md has an example ({path.name})."
    try:
        content = read_bytes(path, MOST_BYTES)
        table = table_of(content, _ALSO)
    except UnreadableError as error:
        if error.missing:
            raise InputError(f"There is no manifest {path}, which says what the videos are. {shape}") from error
        raise InputError(f"{path} cannot be read ({error}); check the file.") from error
    missing = [name for name in ("file", "drill") if name not in table.columns and not (name == "drill" and has_drill)]
    double = [name for name in COLUMNS if table.columns.count(name) > 1]
    if missing or double:
        what = f"has no column {' and no column '.join(missing)}" if missing else f"has the column {double[0]} twice"
        raise InputError(f"{path} {what}. {shape}")
    if not table.rows and not table.damaged:
        raise InputError(f"{path} lists no video; write one line per video below the names of the columns.")
    return table_of(content, _ALSO, may_lack=table.columns, exact=True)


def _entry(folder: Path, defaults: Request, line: int, row: dict[str, str]) -> Entry | WrongRow:
    """Return what a row asks for, or all that is wrong with it."""
    problems: list[str] = []

    def tried(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except RotrackError as error:
            problems.append(str(error))
            return None

    cells = {name: row.get(name, "") for name in COLUMNS}
    cells |= {name: cells[name].lower() for name in ("drill", "side")}
    said = {name: tried(partial(option.read, cells[name])) for name, option in OPTIONS.items() if cells[name]}
    request = defaults.but(**said)
    located = tried(lambda: _located(folder, cells["file"]))
    if request.drill:
        tried(lambda: request.drill_record)
    else:
        problems.append("It names no drill; `rotrack drills` lists them.")
    tried(lambda: request.sides)
    if not problems:
        tried(request.checked)
    if problems:
        return WrongRow(line, located[0] if located else cells["file"], " ".join(problems))
    name, video, stat = located
    try:
        recorded_at = request.recorded_at or sane_time(datetime.fromtimestamp(int(stat.st_mtime)))
    except (ValueError, OverflowError, OSError):
        return WrongRow(line, name, "When it was recorded cannot be told from the file; write it under recorded_at.")
    return Entry(line, name, Job(video, request.but(recorded_at=recorded_at)), stat.st_size, cells["recorded_at"])


def _located(folder: Path, file: str) -> tuple[str, Path, os.stat_result]:
    """Return a video's path from the archive's folder on, where it is, and what the system knows of it."""
    if not file:
        raise InputError("It names no file.")
    names = [posixpath.normpath(name) for name in (file, file.replace("\\", "/"))]
    names += [unicodedata.normalize("NFD", name) for name in names]  # as some systems write names, which look the same
    name = next((name for name in names if _stat(folder / name)), names[1])
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.split("/")[0] == "..":
        raise InputError(f"The file lies outside {folder}; give its path from there on.")
    video = folder / name
    stat = _stat(video)
    if stat is None:
        raise InputError(f"There is no such file in {folder}.")
    if not video.is_file():
        raise InputError("That is a folder; name a video.")
    return name, video, stat


def _stat(path: Path) -> os.stat_result | None:
    """Return what the system knows of a file; None if there is none, or can be none of that name."""
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _twice(entries: Iterable[Entry]) -> dict[int, str]:
    """Return by line what is wrong with rows that ask for the same leg of the same person in the same part of a video."""
    legs: dict[tuple[object, ...], list[int]] = {}
    for entry in entries:
        request = entry.job.request
        same = (os.path.realpath(entry.job.video), request.drill_record.id, request.follow_px, *map(str, request.part))
        for side in request.sides:
            legs.setdefault((*same, side), []).append(entry.line)
    found: dict[int, set[int]] = {}
    for lines in legs.values():
        for line in lines if len(lines) > 1 else ():
            found.setdefault(line, set()).update(other for other in lines[: MOST_NAMED + 1] if other != line)
    named = {line: ", ".join(map(str, sorted(others)[:MOST_NAMED])) for line, others in found.items()}
    return {line: f"Line {others} asks for the same leg in the same video; keep one of them." for line, others in named.items()}


def _forgotten(folder: Path, data: Path, listed: set[str]) -> list[str]:
    """Return the videos of a tree that are not listed, but those of a data folder in it."""
    videos = [p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and data not in p.parents]
    names = (p.relative_to(folder).as_posix() for p in videos if not p.name.startswith("."))
    return sorted(name for name in names if name not in listed)


def some(names: Sequence[str], at_most: int = 5) -> str:
    """Return the first of some names, and how many more there are."""
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")
