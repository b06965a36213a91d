"""Tables as spreadsheets keep them: .xlsx read and written.

An .xlsx comes in as the same `Table` of texts as a .csv: dates year first, numbers with a point. No formula is ever computed or
written: what a spreadsheet computed last is read, and texts go out as texts.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np

from rotrack.system.imports import when_used
from rotrack.system.inputs import MOST_CELLS, Table, UnreadableError, clean_text, plain_cell

if TYPE_CHECKING:
    import openpyxl
    import pandas as pd
else:
    pd = when_used("pandas")
    openpyxl = when_used("openpyxl")

XLSX = ".xlsx"
MOST_UNPACKED_BYTES = 200_000_000
"""More is not unpacked from one .xlsx: 120,000 readings have 60 MB."""
MOST_COLUMNS = 1000
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, ParseError, KeyError, IndexError, ValueError, TypeError,
    AttributeError, NotImplementedError, OverflowError, RuntimeError, RecursionError, OSError,
)  # fmt: skip
"""What openpyxl raises over files that are damaged, encrypted or something else."""


# ---------------------------------------------------------------------- reading
def is_zip(content: bytes) -> bool:
    """Return whether contents are packed as an .xlsx is."""
    return content.startswith(b"PK\x03\x04")


def read_xlsx(content: bytes, sheet: str = "", most_rows: int = 120_000) -> tuple[Table, str, tuple[str, ...]]:
    """Read a sheet of an .xlsx file.

    The first row in which anything stands has the names of the columns; empty rows are passed over. Days are `2026-01-31`, times
    `2026-01-31 17:30:00`, numbers have a point.

    Parameters
    ----------
    content : bytes
        The file.
    sheet : str
        Name of the sheet; without one, the first that holds anything.
    most_rows : int
        Most rows that it may have.

    Returns
    -------
    table : Table
        Its cells as texts.
    name : str
        Of the sheet that was read.
    others : tuple of str
        Names of the sheets that were not.

    Raises
    ------
    UnreadableError
        If it is no such file, is too large, or has no such sheet.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED_BYTES:
                raise UnreadableError("it unpacks to more than such a table can have")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        names = list(book.sheetnames)
        if sheet and sheet not in names:
            raise UnreadableError(f"it has no sheet '{sheet}', but {', '.join(names)}")
        found = ((name, _table_of(book[name], most_rows)) for name in ([sheet] if sheet else names))
        name, table = next((one for one in found if one[1].columns), ("", Table((), ())))
        return table, name, tuple(other for other in names if other != name)
    except UnreadableError:
        raise
    except _BROKEN as error:
        raise UnreadableError("it is damaged, has a password, or is no .xlsx") from error


def _table_of(sheet: Any, most_rows: int) -> Table:
    if not hasattr(sheet, "reset_dimensions"):
        return Table((), ())  # a chart
    sheet.reset_dimensions()  # what the file says of its size is not to be trusted
    rows = _filled(sheet.iter_rows())
    _, heads = next(rows, (0, []))
    columns = tuple(head.lower() for head in heads)
    kept: list[tuple[int, dict[str, str]]] = []
    for number, cells in rows:
        if len(kept) >= min(most_rows, MOST_CELLS // len(columns)):
            raise UnreadableError(f"it has more than {len(kept):,} rows, more than such a table can have")
        row = dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))
        if any(row.values()):
            kept.append((number, row))
    return Table(columns, tuple(kept))


def _filled(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows in which anything stands, by number, without the empty cells at their ends."""
    for number, row in enumerate(rows, start=1):
        cells = [plain_cell(_text_of(cell)).strip() for cell in row[:MOST_COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _text_of(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        has_clock = value.time() != time() or "h" in (cell.number_format or "").lower()
        return value.isoformat(" ", "seconds") if has_clock else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time | timedelta):
        return str(value).partition(".")[0]
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


# ---------------------------------------------------------------------- writing
def xlsx_bytes(table: pd.DataFrame, name: str = "rotrack") -> bytes:
    """Return a table as an .xlsx with one sheet: numbers are numbers, days are days, every text is a text and no formula."""
    book = openpyxl.Workbook(write_only=True)
    book.properties.creator = "rotrack"
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    days = {number for number, column in enumerate(table.columns) if column == "date"}
    text = _texts_for(sheet)
    sheet.append([text(str(column)) for column in table.columns])
    for row in zip(*(table[column].tolist() for column in table.columns), strict=True):
        sheet.append([_day(value) if number in days else text(value) for number, value in enumerate(row)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _texts_for(sheet: Any) -> Callable[[Any], Any]:
    """Return what makes a cell of a value: texts in which a spreadsheet would see a formula are marked as texts."""
    from openpyxl.cell import WriteOnlyCell

    def cell(value: Any) -> Any:
        if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, clean_text(value))
        made.data_type = "s"
        if value.lstrip()[:1] in set("=+-@"):
            made.quotePrefix = True
        return made

    return cell


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text
