"""Readings of other instruments (goniometer, inclinometer, phone) that somebody typed: read, checked line by line, kept, deleted.

They stand in `readings.csv` of the data folder, apart from what rotrack measured. A line in which a number, a side or a date
could be read in two ways is not taken; it is named with its number and the reason.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from rotrack.drills import load_table
from rotrack.errors import InputError, RecordError
from rotrack.model import Direction, Side
from rotrack.records.log import check_text, explained, locked, replace_files
from rotrack.ui.words import is_counted, is_index

FILE = "readings.csv"
READING_COLUMNS = "taken_at person drill side direction value_deg instrument rater note".split()
MAX_DEG = 120.0
EXAMPLE = "EXAMPLE"
"""The person of the line in the template that shows how to fill it in; such lines are not imported."""
_MAY_LACK = ("rater", "note")
_ALSO = {"date": "taken_at", "value": "value_deg"}
_SIDES = {"left": Side.LEFT, "l": Side.LEFT, "right": Side.RIGHT, "r": Side.RIGHT}
_DIRECTIONS = {
    **dict.fromkeys(("internal", "ir", "in"), Direction.INTERNAL),
    **dict.fromkeys(("external", "er", "out"), Direction.EXTERNAL),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_DAY = "2026-01-31"
_NUMBER = re.compile(r"(\d{1,3}(?:[.,]\d+)?) ?(?:\u00b0|deg)?", re.ASCII)
_FIRST_YEAR = 2000
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Merged:
    """What an import did.

    Parameters
    ----------
    added, already_there : int
        Sessions or readings that came in; that were there before.
    problems : tuple of str
        One sentence for each that was left out.
    notes : tuple of str
        What to know besides.
    readings : Merged, optional
        Of a folder of sessions: what became of its readings.
    """

    added: int
    already_there: int
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    readings: Merged | None = None


# ---------------------------------------------------------------------- what is kept
def read_readings(data: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read the readings of a data folder.

    Parameters
    ----------
    data : Path
        The data folder.

    Returns
    -------
    readings : pandas.DataFrame
        Columns `READING_COLUMNS`, oldest first: `taken_at` as aware datetime (UTC), `value_deg` as float, deg, without sign.
        Besides `date` (str), the day where it was taken, and `whole_day` (bool): no time is known, `taken_at` is noon of the day.
    problems : list of str
        One sentence per damaged line, with its number; such lines are left out.

    Raises
    ------
    RecordError
        If the file cannot be read or its columns are others.
    """
    rows, problems = [], []
    for number, cells in _kept(data / FILE):
        try:
            rows.append(_plain(cells))
        except ValueError as error:
            problems.append(f"Line {number} of {FILE} is damaged and was left out: {error}.")
    table = pd.DataFrame(rows, columns=READING_COLUMNS, dtype="str")
    times = pd.Series([_moment(text) for text in table.taken_at], index=table.index, dtype="object")
    table = table.assign(
        date=table.taken_at.str[: len(_DAY)],
        whole_day=table.taken_at.str.len() == len(_DAY),
        taken_at=pd.to_datetime(times, utc=True),
        value_deg=table.value_deg.astype("float64"),
    )
    return table.sort_values("taken_at", kind="stable", ignore_index=True), problems


def count_readings_of(data: Path, person: str) -> int:
    """Return how many readings are stored of a person, damaged ones among them; the name must be exact."""
    return sum(_is_of(person, line) for line in _bytes_of(data / FILE).splitlines())


def delete_readings_of(data: Path, person: str) -> int:
    """Delete the readings of a person, damaged ones among them; the name must be exact. Return how many there were.

    Raises
    ------
    RecordError
        If the file cannot be written; nothing has changed then.
    """
    if not count_readings_of(data, person):
        return 0
    with locked(data):
        path = data / FILE
        lines = _bytes_of(path).splitlines(keepends=True)
        kept = [line for line in lines if not _is_of(person, line)]
        replace_files({path: b"".join(kept)})
    return len(lines) - len(kept)


def _is_of(person: str, line: bytes) -> bool:
    try:
        cells = next(csv.reader([line.decode("utf-8", "replace")]), [])
    except csv.Error:
        return False
    place = READING_COLUMNS.index("person")
    return len(cells) > place and cells[place].strip() == person.strip()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise RecordError(f"{path} cannot be read ({error.strerror or error}); check the file.") from error


def _kept(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and cells of every line of `readings.csv`; of a damaged one what can be made out."""
    header, *lines = _bytes_of(path).decode("utf-8-sig", "replace").split("\n")
    if header.strip() not in ("", ",".join(READING_COLUMNS)):
        raise RecordError(f"{path} is no table of readings: its first line must hold the column names. Rename or move it.")
    for number, line in enumerate(lines, start=2):
        if line.strip():
            try:
                cells = next(csv.reader([line.rstrip("\r")], strict=True))
            except csv.Error:
                cells = []
            yield number, dict(zip(READING_COLUMNS, cells, strict=False))


# ---------------------------------------------------------------------- importing
def import_readings(data: Path, path: Path) -> Merged:
    """Take readings from a table that somebody typed.

    Columns `READING_COLUMNS` in any order, `rater` and `note` may lack; separated by comma, semicolon or tab. A reading is there
    already if all its columns are equal.

    Parameters
    ----------
    data : Path
        The data folder.
    path : Path
        The table.

    Returns
    -------
    Merged
        With a sentence for every line that was left out, and why.

    Raises
    ------
    InputError
        If the file cannot be read or is no such table.
    RecordError
        If `readings.csv` cannot be read or written; nothing has changed then.
    """
    table = _Typed.read(path)
    rows, problems, examples = [], [], 0
    for number, line in table.lines:
        try:
            cells = table.cells(line)
            if cells["person"].casefold() == EXAMPLE.casefold():
                examples += 1
                continue
            rows.append(_sensible(_plain(cells)))
        except ValueError as error:
            problems.append(f"Line {number} was left out: {error}.")
    notes = [*table.notes, *(["The example line was not imported."] if examples else [])]
    if not (rows or problems or examples):
        notes.append(f"{path.name} holds no reading.")
    added = _append(data, rows) if rows else 0
    return Merged(added, len(rows) - added, tuple(problems), tuple(notes))


def _append(data: Path, rows: list[dict[str, str]]) -> int:
    """Add the readings that are not there yet; return how many."""
    path = data / FILE
    with explained(path):
        data.mkdir(parents=True, exist_ok=True)
    with locked(data):
        there = {tuple(cells.get(column, "") for column in READING_COLUMNS) for _, cells in _kept(path)}
        new = [key for key in dict.fromkeys(tuple(row[c] for c in READING_COLUMNS) for row in rows) if key not in there]
        if new:
            text = io.StringIO(newline="")
            csv.writer(text).writerows(new)
            before = _bytes_of(path) or (_BOM + ",".join(READING_COLUMNS) + "\r\n").encode()
            replace_files({path: before + (b"" if before.endswith(b"\n") else b"\r\n") + text.getvalue().encode()})
    return len(new)


def write_template(path: Path) -> None:
    """Write an empty table for readings, with a line that shows how to fill it in and is not imported.

    Raises
    ------
    InputError
        If there is such a file already.
    RecordError
        If it cannot be written.
    """
    example = (
        _DAY + " 17:30",
        EXAMPLE,
        "seated-combined",
        "left",
        "internal",
        "34.5",
        "goniometer",
        "AB",
        "shows how; not imported",
    )
    text = io.StringIO(newline="")
    csv.writer(text).writerows([READING_COLUMNS, example])
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            file.write(text.getvalue())
    except FileExistsError as error:
        raise InputError(f"{path} is there already; choose another name for the template.") from error
    except OSError as error:
        raise RecordError(f"{path} cannot be written ({error.strerror or error}); choose another file.") from error


@dataclass(frozen=True, slots=True)
class _Typed:
    """A table as it was typed: its columns, its separator, its lines with their numbers."""

    columns: tuple[str, ...]
    separator: str
    lines: tuple[tuple[int, str], ...]
    notes: tuple[str, ...]

    @staticmethod
    def read(path: Path) -> _Typed:
        text, notes = _text_of(path)
        lines = [(n, line) for n, line in enumerate(re.split("\r\n|\n|\r", text), start=1) if line.strip(" ,;\t")]
        if lines and lines[0][1].lower().startswith("sep="):
            del lines[0]
        if not lines:
            raise InputError(f"{path} is empty; `rotrack import --template FILE` writes a table to fill in.")
        header = lines.pop(0)[1]
        separator = max(",;\t", key=header.count)
        names = [cell.strip().lower() for cell in next(csv.reader([header], delimiter=separator), [])]
        columns = tuple(_ALSO.get(name, name) for name in names)
        if {"session_id", "peak_deg"} <= set(columns):
            raise InputError(f"{path} is a log of rotrack; import the folder that it lies in: `rotrack import {path.parent}`.")
        missing = [column for column in READING_COLUMNS if column not in (*columns, *_MAY_LACK)]
        twice = [column for column in READING_COLUMNS if columns.count(column) > 1]
        if missing or twice:
            what = f"has no column {', '.join(missing)}" if missing else f"has the column {twice[0]} twice"
            raise InputError(f"{path.name} {what}; `rotrack import --template FILE` writes a table with the right first line.")
        unknown = [name for name in columns if name and name not in READING_COLUMNS]
        if unknown:
            notes = (*notes, f"Not imported, since rotrack has no such column: {', '.join(unknown)}.")
        return _Typed(columns, separator, tuple(lines), notes)

    def cells(self, line: str) -> dict[str, str]:
        try:
            cells = [" ".join(cell.split()) for cell in next(csv.reader([line], delimiter=self.separator, strict=True))]
        except csv.Error as error:
            raise ValueError("its quotation marks do not match") from error
        while len(cells) > len(self.columns) and not cells[-1]:
            del cells[-1]
        if len(cells) > len(self.columns):
            hint = ", so write 34.5 or quote the number" if self.separator == "," else ""
            raise ValueError(f"it has {len(cells)} cells and the first line has {len(self.columns)}{hint}")
        cells += [""] * (len(self.columns) - len(cells))
        return dict.fromkeys(READING_COLUMNS, "") | dict(zip(self.columns, cells, strict=True))


def _text_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a table that some spreadsheet wrote, and what to know about its letters."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}); give a folder of sessions or a CSV table."
        ) from error
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return raw.decode("utf-16", "replace"), ()
    if b"\0" in raw:
        raise InputError(f"{path} is no CSV table; save it as CSV in your spreadsheet, then import that.")
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace"), (
            f"{path.name} is not UTF-8; look whether the letters of the names came out right.",
        )


# ---------------------------------------------------------------------- one reading
def _plain(cells: dict[str, str]) -> dict[str, str]:
    """Return a reading as it is kept; raise ValueError with the reason if something in it could be misread."""
    row = {column: cells.get(column, "").strip() for column in READING_COLUMNS}
    side, direction = _SIDES.get(row["side"].casefold()), _DIRECTIONS.get(row["direction"].casefold())
    if not row["person"]:
        raise ValueError("it does not say whose it is (person)")
    if side is None:
        raise ValueError(f"the side '{row['side']}' is neither left nor right")
    if direction is None:
        raise ValueError(f"the direction '{row['direction']}' is neither internal nor external")
    if not any(letter.isalpha() for letter in row["instrument"]):
        what = (
            "is a number; between commas, 34.5 needs its point"
            if row["instrument"].isdigit()
            else "is no name, such as goniometer"
        )
        raise ValueError(f"the instrument '{row['instrument']}' {what}")
    try:
        check_text(**{what: row[what] for what in ("person", "instrument", "rater", "note")})
    except InputError as error:
        raise ValueError(str(error).rstrip(".")) from error
    return row | {
        "taken_at": _kept_time(row["taken_at"]),
        "drill": row["drill"].casefold(),
        "side": str(side),
        "direction": str(direction),
        "value_deg": _kept_value(row["value_deg"]),
        "instrument": row["instrument"].casefold(),
    }


def _kept_value(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if text.startswith(("-", "\u2212")):
        raise ValueError(f"the value {text} has a sign; write the size alone, since the direction says which way")
    if not found:
        raise ValueError(f"the value '{text}' is no number of degrees such as 34.5")
    value_deg = float(found[1].replace(",", "."))
    if value_deg > MAX_DEG:
        raise ValueError(f"{text} degrees are more than a hip can turn (at most {MAX_DEG:.0f} are taken)")
    return f"{value_deg:.2f}".rstrip("0").rstrip(".")


def _kept_time(text: str) -> str:
    """Return a date as it is, and a time with its offset from UTC; without one it is what the clock of this computer shows."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"the date '{text}' is not written as {_DAY} or {_DAY} 17:30 (year-month-day; 03.04. has two meanings)")
    try:
        time = datetime.fromisoformat(text)
        return text if len(text) == len(_DAY) else (time if time.tzinfo else time.astimezone()).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"there is no date {text}") from error


def _moment(text: str) -> datetime:
    """Return the aware time of a reading; noon where only the day is known."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(hour=12).astimezone()


def _sensible(row: dict[str, str]) -> dict[str, str]:
    """Return a reading that may stand beside what rotrack measures; raise ValueError with the reason if it may not."""
    drills = load_table().drills
    drill = drills.get(row["drill"])
    if drill is None:
        near = difflib.get_close_matches(row["drill"], drills, 1)
        raise ValueError(
            f"there is no drill '{row['drill']}'; " + (f"is it {near[0]}?" if near else "`rotrack drills` lists them")
        )
    if is_counted(drill.tier) or is_index(drill.tier):
        what = "an index" if is_index(drill.tier) else "counted"
        raise ValueError(f"the drill {drill.id} is {what} and not measured in degrees of hip rotation")
    if row["direction"] not in drill.directions:
        raise ValueError(f"the drill {drill.id} has no {row['direction']} rotation")
    time = _moment(row["taken_at"])
    if not time.year >= _FIRST_YEAR or time > datetime.now().astimezone() + timedelta(days=1):
        raise ValueError(f"{row['taken_at'][: len(_DAY)]} is not a day on which it can have been taken; check the year")
    return row
