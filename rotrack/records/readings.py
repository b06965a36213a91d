"""Readings of other instruments (goniometer, inclinometer, phone): checked one by one, kept, read, deleted.

They stand in `readings.csv` of the data folder, apart from what rotrack measured. How they come out of a table that somebody
typed is in `rotrack.exchange.typed`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RecordError
from rotrack.core.messages import Sentence
from rotrack.core.model import Direction, Side
from rotrack.records.days import EXAMPLE_DAY, Order, iso_of, order_of
from rotrack.records.folders import locked
from rotrack.records.people import find_person, read_people
from rotrack.records.text import check_text
from rotrack.system.files import explained, make_folder, replace
from rotrack.system.imports import when_used
from rotrack.system.inputs import Table, UnreadableError, csv_line, header_of, name_key, plain_cell, read_bytes, table_of, time_of

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

FILE = "readings.csv"
READING_COLUMNS = "taken_at person drill side direction value_deg instrument rater note rep".split()
MAX_DEG = 120.0
MOST_REPS = 999
MOST_BYTES = 20_000_000
"""A longer table of readings is not read: that is 200,000 readings."""
MOST_READINGS = 120_000
"""A table with more readings is not read, since that takes too long: thirty a day in ten years."""
OPTIONAL_COLUMNS = ("rater", "note", "rep")
_ALSO = {"date": "taken_at", "value": "value_deg"}
SIDES = MappingProxyType(
    {
        **dict.fromkeys(("left", "l", "li", "links", "linkes"), Side.LEFT),
        **dict.fromkeys(("right", "r", "re", "rechts", "rechtes"), Side.RIGHT),
    }
)
DIRECTIONS = MappingProxyType(
    {
        **dict.fromkeys(("internal", "ir", "in", "medial", "innen", "iro", "innenrotation"), Direction.INTERNAL),
        **dict.fromkeys(("external", "er", "out", "lateral", "aussen", "aro", "aussenrotation"), Direction.EXTERNAL),
    }
)
_NUMBER = re.compile(r"([+\-\u2212]?)(\d{1,3}(?:[.,]\d+)?) ?(?:\u00b0|deg)?", re.ASCII)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")
_FIRST_YEAR = 2000
TORN = "its quotation marks do not match, or it has not as many cells as the first line"


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
    rows, problems = [], dict.fromkeys(table.damaged, TORN)
    for number, cells in table.rows:
        try:
            row = plain_reading(cells)
        except ValueError as error:
            problems[number] = str(error)
            continue
        rows.append(row | {"person": names.get(name_key(row["person"]), row["person"])})
    said: list[str] = [
        Sentence("Line {n} of {name} is damaged and was left out: {why}.", n=number, name=FILE, why=why)
        for number, why in sorted(problems.items())
    ]
    return _frame(rows), said


def no_readings() -> pd.DataFrame:
    """Return what `read_readings` returns where there are none."""
    return _frame([])


def _frame(rows: list[dict[str, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=READING_COLUMNS, dtype="str")
    times = pd.Series([_moment(text) for text in table.taken_at], index=table.index, dtype="object")
    table = table.assign(
        date=table.taken_at.str[: len(EXAMPLE_DAY)],
        whole_day=table.taken_at.str.len() == len(EXAMPLE_DAY),
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
        rows = list(rows)
        if not self.table.columns:
            return header_of(READING_COLUMNS) + self._text(rows)
        lacking = [name for name in OPTIONAL_COLUMNS if name not in self.columns and any(row.get(name) for row in rows)]
        if lacking:
            wider = replace_fields(self, table=replace_fields(self.table, columns=(*self.table.columns, *lacking)))
            return wider._anew(dict(self.table.rows)) + wider._text(rows)
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
        table = table_of(content, _ALSO, OPTIONAL_COLUMNS, most_rows=MOST_READINGS)
    except UnreadableError as error:
        if not error.missing:
            raise RecordError("{path} cannot be read ({why}); check the file.", path=path, why=error) from error
        content, table = b"", Table((), ())
    if table.columns and (_missing(table) or _twice(table)):
        raise RecordError(f"{path} is no table of readings: its first line must hold the column names. Rename or move it.")
    order = order_of(cells["taken_at"].strip() for _, cells in table.rows)
    return _Kept(path, content, replace_fields(table, rows=tuple((number, _dated(cells, order)) for number, cells in table.rows)))


def _dated(cells: dict[str, str], order: Order | None) -> dict[str, str]:
    """Return a line with its date year first, if a spreadsheet has turned it and it can be read in one way."""
    text = cells["taken_at"].strip()
    with suppress(ValueError):
        return cells if text[4:5] == "-" else cells | {"taken_at": iso_of(text, order)}
    return cells


def _missing(table: Table) -> list[str]:
    return [column for column in READING_COLUMNS if column not in (*table.columns, *OPTIONAL_COLUMNS)]


def _twice(table: Table) -> list[str]:
    return [column for column in READING_COLUMNS if table.columns.count(column) > 1]


# ---------------------------------------------------------------------- adding
def add_readings(data: Path, rows: Iterable[dict[str, str]]) -> int:
    """Add readings, each as `plain_reading` returns it, that are not there yet; return how many.

    Raises
    ------
    RecordError
        If `readings.csv` cannot be read or written; nothing has changed then.
    """
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
        cells = plain_reading(cells)
    return tuple(name_key(cells["person"]) if column == "person" else cells.get(column, "") for column in READING_COLUMNS)


# ---------------------------------------------------------------------- one reading
def plain_reading(cells: dict[str, str]) -> dict[str, str]:
    """Return a reading as it is kept; raise ValueError with the reason if something in it could be misread."""
    row = {column: " ".join(cells.get(column, "").split()) for column in READING_COLUMNS}
    side, direction = SIDES.get(row["side"].casefold()), DIRECTIONS.get(row["direction"].casefold())
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
        "value_deg": _kept_value(row["value_deg"], direction),
        "instrument": row["instrument"].casefold(),
        "rep": _kept_rep(row["rep"]),
    }


def _kept_value(text: str, direction: Direction) -> str:
    """Return a size; a sign may stand before it if it is that of the direction: external rotation is negative."""
    found = _NUMBER.fullmatch(text)
    if not found:
        raise ValueError(f"the value '{text}' is no number of degrees such as 34.5")
    if found[1] and (found[1] == "+") != (direction is Direction.INTERNAL):
        raise ValueError(
            f"the value {text} has the sign of the other direction; write the size alone, since the direction says it"
        )
    value_deg = float(found[2].replace(",", "."))
    if value_deg > MAX_DEG:
        raise ValueError(f"{text} degrees are more than a hip can turn (at most {MAX_DEG:.0f} are taken)")
    return f"{value_deg:.2f}".rstrip("0").rstrip(".")


def _kept_rep(text: str) -> str:
    if text and not (text.isdecimal() and text.isascii() and 1 <= int(text) <= MOST_REPS):
        raise ValueError(f"the repetition '{text}' is no whole number from 1 to {MOST_REPS}")
    return text and str(int(text))


def _kept_time(text: str) -> str:
    """Return a date as it is, and a time with its offset from UTC; without one it is what the clock of this computer shows."""
    text = iso_of(text)
    try:
        time = time_of(text)
        return text if len(text) == len(EXAMPLE_DAY) else time.isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"there is no date {text} on which it can have been taken; check the year, month and day") from error


def _moment(text: str) -> datetime:
    """Return the aware time of a reading; noon where only the day is known."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(hour=12).astimezone()


def sensible_reading(row: dict[str, str], now: datetime) -> dict[str, str]:
    """Return a reading that may stand beside what rotrack measures; raise ValueError with the reason if it may not."""
    drills = load_table().drills
    drill = drills.get(row["drill"])
    if drill is None:
        near = difflib.get_close_matches(row["drill"], drills, 1)
        raise ValueError(
            f"there is no drill '{row['drill']}'; " + (f"is it {near[0]}?" if near else "`rotrack drills` lists them")
        )
    if not drill.tier.in_degrees:
        what = "an index" if drill.tier.is_index else "counted"
        raise ValueError(f"the drill {drill.id} is {what} and not measured in degrees of hip rotation")
    if row["direction"] not in drill.directions:
        raise ValueError(f"the drill {drill.id} has no {row['direction']} rotation")
    time = _moment(row["taken_at"])
    if not time.year >= _FIRST_YEAR or time > now + timedelta(days=1):
        raise ValueError(f"{row['taken_at'][: len(EXAMPLE_DAY)]} is not a day on which it can have been taken; check the year")
    return row
