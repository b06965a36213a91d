"""Readings out of a table that somebody typed: .csv or .xlsx, one row per reading or one per visit.

What a spreadsheet makes of dates, decimal signs and letters is understood; what could be read in two ways is not taken. Each line
that is left out is named with its number and the reason.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from rotrack.core.drills import load_table
from rotrack.core.errors import InputError
from rotrack.exchange.sheets import XLSX, is_zip, read_xlsx
from rotrack.records.days import EXAMPLE_DAY, Order, is_undecided, iso_of, order_of
from rotrack.records.readings import (
    DIRECTIONS,
    MOST_BYTES,
    MOST_READINGS,
    OPTIONAL_COLUMNS,
    READING_COLUMNS,
    SIDES,
    TORN,
    Merged,
    add_readings,
    plain_reading,
    sensible_reading,
)
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import check_csv, write_for_person
from rotrack.system.inputs import Table, UnreadableError, csv_line, header_of, name_key, read_bytes, table_of

EXAMPLE = "EXAMPLE"
"""The person of the line in the template that shows how to fill it in; such lines are not imported."""
TIME = "time"
"""A column with the time of day, where the day has its own."""
_OTHER_NAMES = MappingProxyType(
    {
        **dict.fromkeys(("date", "day", "datum"), "taken_at"),
        **dict.fromkeys(("uhrzeit", "clock"), "time"),
        **dict.fromkeys(("patient", "name", "client", "subject", "patientin", "proband"), "person"),
        **dict.fromkeys(("value", "angle", "degrees", "deg", "wert", "winkel", "grad"), "value_deg"),
        **dict.fromkeys(("leg", "seite", "bein"), "side"),
        **dict.fromkeys(("richtung",), "direction"),
        **dict.fromkeys(("device", "ger\u00e4t", "instrument / device"), "instrument"),
        **dict.fromkeys(("examiner", "therapist", "untersucher", "untersucherin", "therapeut", "therapeutin"), "rater"),
        **dict.fromkeys(("notes", "comment", "bemerkung", "notiz"), "note"),
        **dict.fromkeys(("repetition", "wiederholung"), "rep"),
    }
)
"""What else a column may be called."""
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_LIKE_OTHERS = ("deg", "degrees", "grad", "value", "hip", "rotation", "rom")
"""Words in the name of a column of values that say nothing."""
_HINT = "`rotrack import --template FILE` writes a table with the right first line"


class UndecidedDatesError(InputError):
    """Dates whose day and month could be either way round."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a table is to be read, where it does not say so itself.

    Parameters
    ----------
    dates : Order, optional
        Whether 03.04.2026 begins with the day or the month; without it, the column decides.
    columns : mapping of str to str
        What columns of other names hold: a column of readings (`{"Visit": "taken_at"}`), or values of a side, a direction, a
        drill and a repetition, as far as the row does not say them: `{"IRO li": "left internal"}`.
    same : mapping of str to str
        What is the same in every row that does not say it: `{"instrument": "goniometer"}`.
    sheet : str
        Of an .xlsx; without it, the first that holds anything.
    """

    dates: Order | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    same: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class _Values:
    """A column of values: what its name says of them, and what its row must say is missing in `says`."""

    name: str
    says: Mapping[str, str]


AS_IT_IS = Form()


def import_readings(data: Path, path: Path, form: Form = AS_IT_IS, follow: bool = True, clock: Clock = SYSTEM) -> Merged:
    """Take readings from a table that somebody typed.

    A .csv (comma, semicolon or tab; point or comma; UTF-8, UTF-16 or Windows letters) or an .xlsx, columns in any order. Either
    one row per reading, columns `READING_COLUMNS`; or one row per visit with a column for each value, whose name says side and
    direction. A reading is there already if all its columns are equal.

    Parameters
    ----------
    data : Path
        The data folder.
    path : Path
        The table.
    form : Form
        How to read it, where it does not say so itself.
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
    UndecidedDatesError
        If it takes `form.dates` to read its dates; nothing has changed then.
    InputError
        If the file cannot be read or is no such table.
    RecordError
        If `readings.csv` cannot be read or written; nothing has changed then.
    """
    table, notes = _table(path, form, follow)
    table, values = _understood(path, table, form)
    unknown = [name for name in table.columns if name and name not in (*READING_COLUMNS, TIME, *(one.name for one in values))]
    if unknown:
        notes.append(f"Not imported, since rotrack has no such column: {', '.join(unknown)}.")
    hint = "; between commas, write 34.5 or quote the number" if table.separator == "," else ""
    problems = dict.fromkeys(((number, "") for number in table.damaged), TORN + hint)
    one_each = [one.name for one in values] == ["value_deg"]
    typed, examples, empty = [], 0, 0
    for number, cells in table.rows:
        if name_key(cells.get("person", "")) == name_key(EXAMPLE):
            examples += 1
            continue
        found = list(_readings_in(cells, values, form.same, one_each))
        empty += not found
        typed += [(number, "" if one_each else one.name, row) for one, row in found]
    dates = [row["taken_at"] for _, _, row in typed if row["taken_at"]]
    order = form.dates or _order_of(path, dates)
    if 0 < sum(text[4:5] == "-" for text in dates) < len(dates):
        notes.append("Some dates begin with the year and others do not; look whether days and months came out right.")
    rows = []
    for number, where, row in typed:
        try:
            row["taken_at"] = iso_of(row["taken_at"], order)
            rows.append(sensible_reading(plain_reading(row), clock.now()))
        except ValueError as error:
            problems[number, where] = str(error)
    if examples:
        notes.append("The example line was not imported.")
    if empty:
        notes.append(f"{empty} {'row holds' if empty == 1 else 'rows hold'} no value.")
    if not (typed or problems or examples):
        notes.append(f"{path.name} holds no reading.")
    added = add_readings(data, rows) if rows else 0
    said = tuple(
        f"Line {number}{f', {where},' if where else ''} was left out: {why}." for (number, where), why in sorted(problems.items())
    )
    return Merged(added, len(rows) - added, said, tuple(notes))


def write_template(path: Path, overwrite: bool = False) -> None:
    """Write an empty table for readings, with a line that shows how to fill it in and is not imported.

    Raises
    ------
    InputError
        If there is such a file already and it may not be replaced, or its name says that it is no CSV.
    RecordError
        If it cannot be written.
    """
    check_csv(path)
    example = f"{EXAMPLE_DAY} 17:30,{EXAMPLE},seated-combined,left,internal,34.5,goniometer,AB,shows how; not imported,1"
    write_for_person(path, header_of(READING_COLUMNS) + csv_line(example.split(",")).encode(), overwrite)


# ---------------------------------------------------------------------- the file
def _table(path: Path, form: Form, follow: bool) -> tuple[Table, list[str]]:
    """Return what a file holds, and what to know about it."""
    try:
        content = read_bytes(path, MOST_BYTES, follow)
    except UnreadableError as error:
        raise InputError(f"{path} cannot be read ({error}); give a folder of sessions, or a table as CSV or {XLSX}.") from error
    if is_zip(content):
        return _sheet(path, content, form.sheet)
    if content.startswith(_OLD_EXCEL):
        raise InputError(f"{path} is an old or protected Excel file; save it as {XLSX} without a password, or as CSV.")
    if form.sheet:
        raise InputError(f"{path} has no sheets; leave out --sheet.")
    notes = []
    if content[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if b"\0" in content:
            raise InputError(f"{path} is no CSV table; save it as CSV or {XLSX} in your spreadsheet, then import that.")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            content = content.decode("cp1252", "replace").encode()
            notes.append(f"{path.name} is not UTF-8; look whether the letters of the names came out right.")
    try:
        return table_of(content, may_lack=None, most_rows=MOST_READINGS), notes
    except UnreadableError as error:
        raise InputError(f"{path} cannot be read ({error}); give it in parts.") from error


def _sheet(path: Path, content: bytes, sheet: str) -> tuple[Table, list[str]]:
    try:
        table, read, others = read_xlsx(content, sheet, MOST_READINGS)
    except UnreadableError as error:
        raise InputError(f"{path} cannot be read ({error}); save it as {XLSX} or CSV in your spreadsheet.") from error
    told = bool(others) and not sheet
    return table, [f"Only the sheet '{read}' was read, not {', '.join(others)}; --sheet chooses one."] if told else []


# ---------------------------------------------------------------------- its columns
def _understood(path: Path, table: Table, form: Form) -> tuple[Table, tuple[_Values, ...]]:
    """Return a table with the names of readings for its columns, and its columns of values."""
    if not table.columns:
        raise InputError(f"{path} is empty; `rotrack import --template FILE` writes a table to fill in.")
    if {"session_id", "peak_deg"} <= set(table.columns):
        raise InputError(f"{path} is a log of rotrack; import the folder that it lies in: `rotrack import {path.parent}`.")
    meant = {name.strip().casefold(): meaning.strip().casefold() for name, meaning in form.columns.items()}
    lost = [name for name in meant if name not in table.columns]
    if lost:
        raise InputError(f"{path.name} has no column {', '.join(lost)}, but {', '.join(filter(None, table.columns))}.")
    names, values = [], []
    for name in table.columns:
        other = _OTHER_NAMES.get(name, name)
        meaning = _OTHER_NAMES.get(meant.get(name, ""), meant.get(name)) or (name if other in table.columns else other)
        says = None if meaning in (*READING_COLUMNS, TIME) else _said_by(meaning)
        if says is None and name in meant and meaning not in (*READING_COLUMNS, TIME):
            raise InputError(
                f"'{meaning}' says neither a column ({', '.join(READING_COLUMNS)}) nor a side or direction, such as left "
                "internal."
            )
        if says is not None or meaning == "value_deg":
            values.append(_Values(name if says else meaning, says or {}))
        names.append(name if says else meaning)
    wrong = [name for name in form.same if name not in READING_COLUMNS]
    if wrong:
        raise InputError(f"There is no column {wrong[0]} of readings; there are {', '.join(READING_COLUMNS)}.")
    twice = [name for name in READING_COLUMNS if names.count(name) > 1]
    if twice:
        raise InputError(f"{path.name} has the column {twice[0]} twice; {_HINT}.")
    given = {*names, *form.same, *OPTIONAL_COLUMNS, "value_deg"}
    for one in values:
        given |= set.intersection(*(set(other.says) for other in values)) if one.says else set()
    missing = [name for name in READING_COLUMNS if name not in given] + ([] if values else ["value_deg"])
    if missing:
        missing.sort(key=READING_COLUMNS.index)
        raise InputError(f"{path.name} has no column {', '.join(missing)}; {_HINT}, and --column and --same say what it lacks.")
    renamed = dict(zip(table.columns, names, strict=True))
    rows = tuple((number, {renamed[name]: cell for name, cell in cells.items()}) for number, cells in table.rows)
    return Table(tuple(names), rows, table.damaged, table.separator), tuple(values)


def _said_by(name: str) -> dict[str, str] | None:
    """Return the side, direction, drill and repetition that the name of a column of values says; None if it is no such name."""
    said: dict[str, str] = {}
    drills = load_table().drills
    for word in name.replace("(", " ").replace(")", " ").split():
        parts = [word] if word in drills else re.findall(r"[^\W\d_]+|\d+", word)
        for part in parts:
            if part in SIDES:
                column, value = "side", str(SIDES[part])
            elif part in DIRECTIONS:
                column, value = "direction", str(DIRECTIONS[part])
            elif part in drills:
                column, value = "drill", part
            elif part.isdecimal():
                column, value = "rep", part
            elif part in _LIKE_OTHERS:
                continue
            else:
                return None
            if said.setdefault(column, value) != value:
                return None
    return said if {"side", "direction"} & set(said) else None


def _readings_in(
    cells: Mapping[str, str], values: tuple[_Values, ...], same: Mapping[str, str], one_each: bool
) -> Iterator[tuple[_Values, dict[str, str]]]:
    """Yield the readings of a row; in a row per visit, an empty cell is none."""
    about: dict[str, str] = {name: cells.get(name, "").strip() or same.get(name, "") for name in READING_COLUMNS}
    clock = cells.get(TIME, "").strip()
    about["taken_at"] = " ".join(filter(None, (" ".join(about["taken_at"].split()), clock)))
    for one in values:
        value = cells.get(one.name, "").strip()
        if value or one_each:
            yield one, {**about, **one.says, "value_deg": value}


def _order_of(path: Path, dates: list[str]) -> Order | None:
    """Return the order of day and month in a table, or say that it must be asked."""
    order = order_of(dates)
    unclear = next((text for text in dates if is_undecided(text)), "")
    if unclear and order is None:
        raise UndecidedDatesError(
            f"The dates of {path.name}, such as {unclear}, can begin with the day or the month; say which with "
            f"--dates {Order.DAY_FIRST} or --dates {Order.MONTH_FIRST}."
        )
    return order
