"""Readings of other instruments (goniometer, inclinometer, phone) that somebody typed: read, checked line by line, kept, deleted.

They stand in `readings.csv` of the data folder, apart from what rotrack measured. A line in which a number, a side or a date
could be read in two ways is not taken; it is named with its number and the reason.
"""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rotrack.clock import SYSTEM, Clock
from rotrack.drills import load_table
from rotrack.errors import InputError, RecordError
from rotrack.files import explained, make_folder, replace, write_for_person
from rotrack.imports import when_used
from rotrack.inputs import Table, UnreadableError, csv_line, header_of, name_key, plain_cell, read_bytes, table_of, time_of
from rotrack.model import Direction, Side
from rotrack.records.folders import locked
from rotrack.records.people import find_person, read_people
from rotrack.records.text import check_text
from rotrack.ui.words import is_counted, is_index

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

FILE = "readings.csv"
READING_COLUMNS = "taken_at person drill side direction value_deg instrument rater note".split()
MAX_DEG = 120.0
EXAMPLE = "EXAMPLE"
"""The person of the line in the template that shows how to fill it in; such lines are not imported."""
MOST_BYTES = 20_000_000
"""A longer table of readings is not read: that is 200,000 readings."""
MOST_READINGS = 120_000
"""A table with more readings is not read, since that takes too long: thirty a day in ten years."""
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
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")
_FIRST_YEAR = 2000
_TORN = "its quotation marks do not match, or it has not as many cells as the first line"


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
        Columns `READING_COLUMNS`, oldest first: `taken_at` as aware datetime (UTC), `value_deg` as float, deg, without sign,
        `person` as the person is called in the records, whatever the spelling. Besides `date` (str), the day where it was taken,
        and `whole_day` (bool): no time is known, `taken_at` is noon of the day.
    problems : list of str
        One sentence per damaged line, with its number; such lines are left out.

    Raises
    ------
    RecordError
        If the file cannot be read or its columns are others.
    """
    table = _kept(data).table
    names = {key: person.name for person in read_people(data)[0] for key in person.keys}
    rows, problems = [], dict.fromkeys(table.damaged, _TORN)
    for number, cells in table.rows:
        try:
            row = _plain(cells)
        except ValueError as error:
            problems[number] = str(error)
            continue
        rows.append(row | {"person": names.get(name_key(row["person"]), row["person"])})
    said = [f"Line {number} of {FILE} is damaged and was left out: {why}." for number, why in sorted(problems.items())]
    return _frame(rows), said


def no_readings() -> pd.DataFrame:
    """Return what `read_readings` returns where there are none."""
    return _frame([])


def _frame(rows: list[dict[str, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=READING_COLUMNS, dtype="str")
    times = pd.Series([_moment(text) for text in table.taken_at], index=table.index, dtype="object")
    table = table.assign(
        date=table.taken_at.str[: len(_DAY)],
        whole_day=table.taken_at.str.len() == len(_DAY),
        taken_at=pd.to_datetime(times, utc=True),
        value_deg=table.value_deg.astype("float64"),
    )
    return table.sort_values("taken_at", kind="stable", ignore_index=True)


def count_readings_of(data: Path, person: str) -> int:
    """Return how many readings are stored of a person, in any spelling of the name, damaged ones among them.

    Raises
    ------
    RecordError
        If the file cannot be read.
    """
    return sum(_lines_of(data, person).values())


def delete_readings_of(data: Path, person: str) -> int:
    """Delete the readings of a person, in any spelling of the name, damaged ones among them. Return how many there were.

    Raises
    ------
    RecordError
        If the file cannot be read or written; nothing has changed then.
    """
    if not count_readings_of(data, person):
        return 0
    with locked(data):
        lines = _lines_of(data, person)
        replace({data / FILE: _kept(data).of_lines(line for (_, line), theirs in lines.items() if not theirs)})
    return sum(lines.values())


def rename_readings_of(data: Path, person: str, name: str) -> int:
    """Write another name into the readings of a person. Return how many lines changed; damaged ones stay as they are.

    To be called with the log `locked`.

    Raises
    ------
    RecordError
        If the file cannot be read or written; nothing has changed then.
    """
    kept, keys = _kept(data), _keys_of(data, person)
    changed = {
        number: cells | {"person": name}
        for number, cells in kept.table.rows
        if name_key(cells["person"]) in keys and cells["person"] != name
    }
    if changed:
        with explained(data / FILE):
            replace({data / FILE: kept.with_changes(changed)})
    return len(changed)


def _keys_of(data: Path, person: str) -> frozenset[str]:
    known = find_person(read_people(data)[0], person)
    return frozenset({name_key(person)}) | (known.keys if known else frozenset())


def _lines_of(data: Path, person: str) -> dict[tuple[int, str], bool]:
    """Return the lines of `readings.csv` with their numbers and ends, and whether they are of a person."""
    kept, keys = _kept(data), _keys_of(data, person)
    names = {number: [cells["person"]] for number, cells in kept.table.rows}
    damaged, separator = set(kept.table.damaged), kept.table.separator

    def is_theirs(number: int, line: str) -> bool:
        words = [cell.strip(' "') for cell in line.split(separator)] if number in damaged else names.get(number, [])
        return any(name_key(plain_cell(word)) in keys for word in words)

    return {(number, line): is_theirs(number, line) for number, line in kept.lines}


@dataclass(frozen=True)
class _Kept:
    """What is in `readings.csv`, as it is and as a table."""

    path: Path
    content: bytes
    table: Table

    @property
    def lines(self) -> list[tuple[int, str]]:
        """All its lines with their numbers and ends."""
        return list(enumerate(_LINE.findall(self.content.decode(self.table.encoding, self._odd)), start=1))

    @property
    def _odd(self) -> str:
        """What to do with odd bytes: where it can be done, they stay as they are."""
        return "replace" if self.table.encoding == "utf-16" else "surrogateescape"

    @property
    def columns(self) -> Sequence[str]:
        """Those that it has, or will have."""
        return self.table.columns or READING_COLUMNS

    @property
    def _is_ours(self) -> bool:
        """Whether it is written as rotrack does it, and not as a spreadsheet saved it."""
        return (self.table.separator, self.table.encoding) == (",", "utf-8")

    def of_lines(self, lines: Iterable[str]) -> bytes:
        """Return the contents with these lines alone."""
        return "".join(lines).encode(self.table.encoding, self._odd)

    def with_rows(self, rows: Iterable[dict[str, str]]) -> bytes:
        """Return the contents with more rows; nothing is lost of what there is."""
        if not self.table.columns:
            return header_of(READING_COLUMNS) + self._text(rows)
        if self._is_ours:
            return self.content + (b"" if self.content.endswith((b"\n", b"\r")) else b"\r\n") + self._text(rows)
        return self._anew(dict(self.table.rows)) + self._text(rows)

    def with_changes(self, changed: dict[int, dict[str, str]]) -> bytes:
        """Return the contents with other cells in some lines; nothing is lost of what there is."""
        if self._is_ours:
            return self.of_lines(self._text([changed[n]]).decode() if n in changed else line for n, line in self.lines)
        return self._anew(dict(self.table.rows) | changed)

    def _anew(self, rows: dict[int, dict[str, str]]) -> bytes:
        if self.table.damaged:
            numbers = ", ".join(map(str, self.table.damaged[:6]))
            raise RecordError(f"{self.path} has damaged lines ({numbers}); put them right or take them out, then try again.")
        return header_of(self.columns) + self._text(rows.values())

    def _text(self, rows: Iterable[dict[str, str]]) -> bytes:
        return "".join(csv_line(row.get(name, "") for name in self.columns) for row in rows).encode("utf-8", "replace")


def _kept(data: Path) -> _Kept:
    """Return what is kept; nothing if there is no such file."""
    path = data / FILE
    try:
        content = read_bytes(path, MOST_BYTES)
        table = table_of(content, _ALSO, _MAY_LACK, most_rows=MOST_READINGS)
    except UnreadableError as error:
        if not error.missing:
            raise RecordError(f"{path} cannot be read ({error}); check the file.") from error
        content, table = b"", Table((), ())
    if table.columns and (_missing(table) or _twice(table)):
        raise RecordError(f"{path} is no table of readings: its first line must hold the column names. Rename or move it.")
    return _Kept(path, content, table)


def _missing(table: Table) -> list[str]:
    return [column for column in READING_COLUMNS if column not in (*table.columns, *_MAY_LACK)]


def _twice(table: Table) -> list[str]:
    return [column for column in READING_COLUMNS if table.columns.count(column) > 1]


# ---------------------------------------------------------------------- importing


def import_readings(data: Path, path: Path, follow: bool = True, clock: Clock = SYSTEM) -> Merged:
    """Take readings from a table that somebody typed.

    Columns `READING_COLUMNS` in any order, `rater` and `note` may lack; separated by comma, semicolon or tab. A reading is there
    already if all its columns are equal.

    Parameters
    ----------
    data : Path
        The data folder.
    path : Path
        The table.
    follow : bool
        Whether it may be a link; not in a folder that comes from somebody else.
    clock : Clock
        Says what day it is: nothing is read tomorrow.

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
    table, notes = _typed(path, follow)
    hint = "; between commas, write 34.5 or quote the number" if table.separator == "," else ""
    rows, problems, examples = [], dict.fromkeys(table.damaged, _TORN + hint), 0
    for number, cells in table.rows:
        try:
            if name_key(cells["person"]) == name_key(EXAMPLE):
                examples += 1
                continue
            rows.append(_sensible(_plain(cells), clock.now()))
        except ValueError as error:
            problems[number] = str(error)
    if examples:
        notes.append("The example line was not imported.")
    if not (rows or problems or examples):
        notes.append(f"{path.name} holds no reading.")
    added = _append(data, rows) if rows else 0
    said = tuple(f"Line {number} was left out: {why}." for number, why in sorted(problems.items()))
    return Merged(added, len(rows) - added, said, tuple(notes))


def _append(data: Path, rows: list[dict[str, str]]) -> int:
    """Add the readings that are not there yet; return how many."""
    with explained(data / FILE):
        make_folder(data)
    with locked(data):
        kept = _kept(data)
        there = {_key(cells) for _, cells in kept.table.rows}
        new: dict[tuple[str, ...], dict[str, str]] = {}
        for row in rows:
            if (key := _key(row)) not in there:
                new.setdefault(key, row)
        if new:
            replace({data / FILE: kept.with_rows(list(new.values()))})
    return len(new)


def _key(cells: dict[str, str]) -> tuple[str, ...]:
    """Return what is the same for the same reading, however a spreadsheet has written it since."""
    with suppress(ValueError):
        cells = _plain(cells)
    return tuple(name_key(cells["person"]) if column == "person" else cells.get(column, "") for column in READING_COLUMNS)


def write_template(path: Path, overwrite: bool = False) -> None:
    """Write an empty table for readings, with a line that shows how to fill it in and is not imported.

    Raises
    ------
    InputError
        If there is such a file already and it may not be replaced.
    RecordError
        If it cannot be written.
    """
    example = f"{_DAY} 17:30,{EXAMPLE},seated-combined,left,internal,34.5,goniometer,AB,shows how; not imported"
    write_for_person(path, header_of(READING_COLUMNS) + csv_line(example.split(",")).encode(), overwrite)


def _typed(path: Path, follow: bool) -> tuple[Table, list[str]]:
    """Return a table that somebody typed, and what to know about it."""
    notes = []
    try:
        content = read_bytes(path, MOST_BYTES, follow)
    except UnreadableError as error:
        raise InputError(f"{path} cannot be read ({error}); give a folder of sessions or a CSV table.") from error
    if content[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if b"\0" in content:
            raise InputError(f"{path} is no CSV table; save it as CSV in your spreadsheet, then import that.")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            content = content.decode("cp1252", "replace").encode()
            notes.append(f"{path.name} is not UTF-8; look whether the letters of the names came out right.")
    try:
        table = table_of(content, _ALSO, READING_COLUMNS, most_rows=MOST_READINGS)
    except UnreadableError as error:
        raise InputError(f"{path} cannot be read ({error}); give it in parts.") from error
    if not table.columns:
        raise InputError(f"{path} is empty; `rotrack import --template FILE` writes a table to fill in.")
    if {"session_id", "peak_deg"} <= set(table.columns):
        raise InputError(f"{path} is a log of rotrack; import the folder that it lies in: `rotrack import {path.parent}`.")
    missing, twice = _missing(table), _twice(table)
    if missing or twice:
        what = f"has no column {', '.join(missing)}" if missing else f"has the column {twice[0]} twice"
        raise InputError(f"{path.name} {what}; `rotrack import --template FILE` writes a table with the right first line.")
    unknown = [name for name in table.columns if name and name not in READING_COLUMNS]
    if unknown:
        notes.append(f"Not imported, since rotrack has no such column: {', '.join(unknown)}.")
    return table, notes


# ---------------------------------------------------------------------- one reading
def _plain(cells: dict[str, str]) -> dict[str, str]:
    """Return a reading as it is kept; raise ValueError with the reason if something in it could be misread."""
    row = {column: " ".join(cells.get(column, "").split()) for column in READING_COLUMNS}
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
        time = time_of(text)
        return text if len(text) == len(_DAY) else time.isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"there is no date {text} on which it can have been taken; check the year, month and day") from error


def _moment(text: str) -> datetime:
    """Return the aware time of a reading; noon where only the day is known."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(hour=12).astimezone()


def _sensible(row: dict[str, str], now: datetime) -> dict[str, str]:
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
    if not time.year >= _FIRST_YEAR or time > now + timedelta(days=1):
        raise ValueError(f"{row['taken_at'][: len(_DAY)]} is not a day on which it can have been taken; check the year")
    return row
