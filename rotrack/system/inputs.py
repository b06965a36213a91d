"""The one reader: every file that rotrack reads goes through here, with limits, types and rules for text.

A file can come from anywhere: another computer, a spreadsheet, a disk that failed. So its size is limited before it is read and
while it is unpacked, links and devices are refused where the folder is somebody else's, every field has a type, and text is made
harmless as it is read: no terminal escapes, no marks that turn the direction of writing, one line. Formula signs are made
harmless in `csv_line`, through which every table goes out, and taken back by `plain_cell` when such a table comes in.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import math
import os
import re
import stat
import tomllib
import unicodedata
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from rotrack.core.messages import Sentence, listed

T = TypeVar("T")

MOST_JSON_BYTES = 4_000_000
"""A longer session.json is not read: an hour of measuring makes less than a tenth of it, and 4 MB are read in a second."""
MOST_PERSON_BYTES = 200_000
"""A longer person.json is not read: a name, notes and goals have a few kB."""
MOST_TABLE_BYTES = 400_000_000
"""A longer table is not read or copied as a whole: the curve of ten hours has half of it."""
MOST_ROW_TABLE_BYTES = 60_000_000
"""A longer table is not taken apart into cells, which can take four times as much memory: a clinic of ten years has 25 MB."""
MOST_SESSION_TABLE_BYTES = 10_000_000
"""A longer repetitions.csv of one session is not read: 5,000 repetitions have 1 MB."""
MOST_TOML_BYTES = 1_000_000
MOST_ROWS = 250_000
"""A table with more rows is not read, since that takes too long: the curve of an hour has 216,000."""
MOST_REPETITIONS = 120_000
"""A table with more repetitions is not read, for the same reason: a clinic of ten years has 100,000."""
MOST_CELLS = 3_500_000
"""A table with more cells is not read, since they take too much memory: 100,000 repetitions have 3,200,000."""
LONGEST_LINE = 20_000
"""Most bytes of a line of a table. Landmarks of one frame have about 2,000."""
MOST_UNPACKED_BYTES = 1_000_000_000
"""More is not unpacked from one file: ten hours of landmarks."""
MOST_SHRUNK, _ALWAYS_BYTES = 250, 1_000_000
"""No table of rotrack's shrinks more than this: rows in which nobody is seen are a 67th when they are packed."""
LARGEST = 2**53
"""A larger whole number is none that anybody measured or counted."""
FIRST_YEAR, LAST_YEAR = 1970, 2200
"""A time outside these years is damaged."""
_BLOCK = 1 << 16
_HIDDEN = dict.fromkeys(
    [*range(0x20), 0x7F, *range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]
) | dict.fromkeys([9, 10, 11, 12, 13, 0x85, 0x2028, 0x2029], " ")
"""Characters that text does not keep: control characters and marks of direction go, line breaks and tabs become blanks."""
_HIDDEN_IN_LINES = {sign: other for sign, other in _HIDDEN.items() if sign not in (0, 9, 0xFEFF)}
"""Those that a line of a table loses before it is taken apart: not tabs, which may part cells, and what shows damage."""
MOST_MARKS = 30
"""Most accents on one letter, as in the stream-safe form of Unicode; no language has more than a few."""
_OF_MARKS = {"\u0344": 2, "\u0f73": 2, "\u0f75": 2, "\u0f81": 2, "\uff9e": 1, "\uff9f": 1}
"""Signs that are written apart as so many accents."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_EMPTY, _END = re.compile(rb"[ ,;\t\r\n\0]*"), re.compile(rb"[\r\n]")
_SIGN = r"'*[=+\-@\uff1d\uff0b\uff0d\uff20]"
"""What a formula begins with; the last four are the wide letters of East Asia, which spreadsheets there take for the same."""
_FORMULA = re.compile(rf"(^|[;,\t])(\s*)({_SIGN})")
_MADE_PLAIN = re.compile(rf"(^|[;,\t])(\s*)'(?={_SIGN})")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_WRITTEN = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
GUESSED = "cp1252"
"""How letters are taken to be kept where nothing says so: as Windows does in western countries."""
_READ_WRONG = codecs.BOM_UTF8.decode("cp1252")
_TRUE = {"true", "wahr", "vrai", "verdadero", "vero", "waar", "1", "yes", "ja", "oui"}
_FALSE = {"false", "falsch", "faux", "falso", "onwaar", "0", "no", "nein", "non", ""}
"""How spreadsheets of several languages write truths."""


class UnreadableError(ValueError):
    """A file that cannot be used; the message says why, as the second half of a sentence.

    Parameters
    ----------
    why : str
        What is wrong.
    missing : bool
        Whether there is no such file.
    """

    def __init__(self, why: str, missing: bool = False) -> None:
        super().__init__(why)
        self.missing = missing


# ---------------------------------------------------------------------- text
def clean_text(text: str) -> str:
    """Return text that is harmless to print: one line without terminal escapes and marks of direction, in Unicode form C."""
    if not text.isprintable():
        text = text.translate(_HIDDEN).encode("utf-8", "replace").decode("utf-8")
    return text if text.isascii() else unicodedata.normalize("NFC", _few_marks(text))


def _few_marks(text: str) -> str:
    """Return text without endless runs of accents on one letter, which would take minutes to bring into a form."""
    if not any(map(_marks_in, text[::MOST_MARKS])):
        return text
    kept, marks = [], 0
    for sign in text:
        more = _marks_in(sign)
        marks = marks + more if more else 0
        if marks <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)


def _marks_in(sign: str) -> int:
    return _OF_MARKS.get(sign, 0) or bool(unicodedata.combining(sign))


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common, whatever their Unicode form, case, blanks and invisible signs."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean_text(name)).casefold())
        name = _INVISIBLE.sub("", name)
    return " ".join(clean_text(name).casefold().split())


def plain_cell(text: str) -> str:
    """Return the text of a cell of a table: clean, and without the apostrophes that `csv_line` puts before formula signs."""
    return clean_text(_MADE_PLAIN.sub(r"\1\2", text) if "'" in text else text)


def csv_line(cells: Iterable[str], separator: str = ",") -> str:
    """Return a row of a table that no spreadsheet computes.

    A cell in which a spreadsheet would see a formula, also behind a semicolon or tab that it may take for the end of a cell, gets
    an apostrophe before the sign; numbers stay as they are.
    """
    return separator.join(_cell(text, separator) for text in cells) + "\r\n"


def _cell(text: str, separator: str) -> str:
    if text.isalnum() or not text or _WRITTEN.fullmatch(text):
        return text
    if separator != "," and _NUMBER.fullmatch(text):
        return text
    text = _FORMULA.sub(r"\1\2'\3", text)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in f'{separator}"\t\r\n') else text


# ---------------------------------------------------------------------- bytes
def read_bytes(path: Path, most: int, follow: bool = True) -> bytes:
    """Return the contents of a file.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Most bytes that it may have.
    follow : bool
        Whether the file may be a link; not in a folder that comes from somebody else.

    Raises
    ------
    UnreadableError
        If it is missing, too large, no plain file, or cannot be read.
    """
    with _opened(path, follow) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise UnreadableError(
                Sentence("it has {n:.1f} MB, more than the {m:g} MB that such a file can have", n=size / 1e6, m=most / 1e6)
            )
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error
    if len(content) > most:
        raise UnreadableError(Sentence("it has more than the {m:g} MB that such a file can have", m=most / 1e6))
    return content


def read_blocks(path: Path, most: int, follow: bool = True) -> Iterator[bytes]:
    """Yield the contents of a file in parts, for what is too large for the memory; else as `read_bytes`."""
    done = 0
    with _opened(path, follow) as file:
        try:
            while block := file.read(_BLOCK):
                done += len(block)
                if done > most:
                    raise UnreadableError(Sentence("it has more than the {m:g} MB that such a file can have", m=most / 1e6))
                yield block
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error


def _opened(path: Path, follow: bool = True) -> io.BufferedReader:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    flags |= 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    try:
        if not follow and path.is_symlink():
            raise UnreadableError("it is a link, and links out of a folder are not followed")
        file = os.fdopen(os.open(path, flags), "rb")
    except FileNotFoundError as error:
        raise UnreadableError("there is no such file", missing=True) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            why = "it is a link, and links out of a folder are not followed"
        raise UnreadableError(why) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UnreadableError("it is no plain file")
    return file


def read_packed_lines(path: Path, longest: int = LONGEST_LINE, most: int = MOST_UNPACKED_BYTES) -> Iterator[str]:
    """Yield the lines of a gzip file without their ends, as far as it can be read; an empty one at the end if that is not all.

    Raises
    ------
    UnreadableError
        If there is no such file, a line is too long, or it unpacks to too much.
    """
    rest, unpacked, packed = b"", 0, 0
    with _opened(path) as file:
        unzip = zlib.decompressobj(wbits=31)
        whole = False
        try:
            while not whole and (block := file.read(_BLOCK)):
                packed += len(block)
                while block and not whole:
                    part = unzip.decompress(block, _BLOCK)
                    block, whole = unzip.unconsumed_tail, unzip.eof
                    unpacked += len(part)
                    if unpacked > min(most, MOST_SHRUNK * (packed - len(block)) + _ALWAYS_BYTES):
                        raise UnreadableError(Sentence("it unpacks to far more than a table of {n:.1f} MB holds", n=packed / 1e6))
                    *lines, rest = (rest + part).split(b"\n")
                    if len(rest) > longest or any(len(line) > longest for line in lines):
                        raise UnreadableError(Sentence("a line of it has more than {n} characters", n=longest))
                    for line in lines:
                        yield line.decode().removesuffix("\r")
        except (OSError, zlib.error, UnicodeDecodeError):
            whole = False
        if not whole:
            yield ""


# ---------------------------------------------------------------------- records
def read_json(path: Path, most: int = MOST_JSON_BYTES, follow: bool = True) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    UnreadableError
        If the file is missing, too large or damaged.
    """
    content = read_bytes(path, most, follow)
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UnreadableError(Sentence("it is not complete JSON text: {why}", why=error)) from error
    if not isinstance(found, dict):
        raise UnreadableError("it holds no record")
    return found


def read_toml(path: Path, most: int = MOST_TOML_BYTES) -> dict[str, Any]:
    """Return the table in a TOML file.

    Raises
    ------
    UnreadableError
        If the file is missing, too large or damaged.
    """
    content = read_bytes(path, most)
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(Sentence("it is no TOML text: {why}", why=error)) from error


def record_of(raw: Any, kind: type[T]) -> T:
    """Return a typed record of what a file holds.

    Missing numbers (null) become NaN, text is made harmless, and fields that the record does not know are left out.

    Parameters
    ----------
    raw : object
        What was read.
    kind : type
        A `msgspec.Struct` or dataclass.

    Raises
    ------
    UnreadableError
        If a field is missing or of another type; the message names it.
    """
    try:
        return msgspec.convert(_prepared(raw, _type_of(kind)), kind)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise UnreadableError(_explained(error)) from error


_TYPES: dict[Any, inspect.Type] = {}


def _type_of(kind: Any) -> inspect.Type:
    if kind not in _TYPES:
        _TYPES[kind] = inspect.type_info(kind)
    return _TYPES[kind]


def _prepared(raw: Any, kind: inspect.Type) -> Any:
    """Return raw data in which a missing number is NaN where a number belongs, and every text is harmless."""
    if raw is None and isinstance(kind, inspect.FloatType):
        return math.nan
    if isinstance(raw, str):
        return clean_text(raw)
    if isinstance(raw, dict):
        return _prepared_table(raw, kind)
    if isinstance(raw, list):
        types = kind.item_types if isinstance(kind, inspect.TupleType) else ()
        inner = kind.item_type if isinstance(kind, inspect.ListType | inspect.VarTupleType) else _ANY
        types = types if len(types) == len(raw) else (inner,) * len(raw)
        return [_prepared(value, one) for value, one in zip(raw, types, strict=True)]
    if isinstance(raw, int) and abs(raw) > LARGEST:
        raise UnreadableError(Sentence("a number in it is too large ({number}...)", number=str(raw)[:20]))
    return raw


def _prepared_table(raw: dict[Any, Any], kind: inspect.Type) -> dict[str, Any]:
    if isinstance(kind, inspect.StructType | inspect.DataclassType):
        types = _fields(kind)
        return {key: _prepared(value, types[key]) for key, value in raw.items() if key in types}
    inner = kind.value_type if isinstance(kind, inspect.DictType) else _ANY
    return {clean_text(str(key)): _prepared(value, inner) for key, value in raw.items()}


_ANY = inspect.AnyType()
_KNOWN_FIELDS: dict[type, dict[str, inspect.Type]] = {}


def _fields(kind: inspect.StructType | inspect.DataclassType) -> dict[str, inspect.Type]:
    if kind.cls not in _KNOWN_FIELDS:
        _KNOWN_FIELDS[kind.cls] = {field.encode_name: _inner(field.type) for field in kind.fields}
    return _KNOWN_FIELDS[kind.cls]


def _inner(kind: inspect.Type) -> inspect.Type:
    """Return the type behind an optional record; a number that may be missing keeps its null."""
    if isinstance(kind, inspect.UnionType):
        rest = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        return rest[0] if len(rest) == 1 and not isinstance(rest[0], inspect.FloatType) else _ANY
    return kind


_KINDS = {
    "float": "a number", "int": "a whole number", "str": "a text", "array": "a list", "object": "a table",
    "bool": "true or false", "null": "nothing", "datetime": "a date with time",
}  # fmt: skip


def _explained(error: Exception) -> str:
    """Return what msgspec, or the record itself, says of a wrong field, in words."""
    what, _, where = str(error).partition(" - at `")
    place = where.rstrip("`").removeprefix("$").removeprefix(".") or "the whole"
    found = re.fullmatch(r"Expected `(.*?)`, got `(.*?)`", what)
    if found:
        wanted = listed(" or ", *(_KINDS.get(kind.strip(), kind.strip()) for kind in found[1].split("|")))
        return Sentence(
            "'{place}' must be {wanted}, not {there}", place=place, wanted=wanted, there=_KINDS.get(found[2], found[2])
        )
    lacking = re.search(r"missing required field `(.*?)`", what)
    if lacking:
        if not where:
            return Sentence("it has no '{name}'", name=lacking[1])
        return Sentence("'{place}' has no '{name}'", place=place, name=lacking[1])
    own = str(error.__cause__ or what)
    return Sentence("'{place}' cannot be read: {why}", place=place, why=own if error.__cause__ else f"{own[:1].lower()}{own[1:]}")


def json_bytes(record: Any) -> bytes:
    """Return a record as JSON text with a line per entry; missing numbers are null, text is harmless."""
    plain = msgspec.to_builtins(record, str_keys=True)
    return msgspec.json.format(msgspec.json.encode(_harmless(plain)), indent=2) + b"\n"


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): _harmless(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(inner) for inner in value]
    return value


def time_of(text: str) -> datetime:
    """Return an aware time of an ISO 8601 text; one without an offset is by this computer's clock.

    Raises
    ------
    ValueError
        If it is none, or in a year that nobody measured in.
    """
    return sane_time(datetime.fromisoformat(text))


def sane_time(time: datetime) -> datetime:
    """Return a time with its offset; raises ValueError for one in a year that nobody measured in."""
    if not FIRST_YEAR < time.year < LAST_YEAR:
        raise ValueError(Sentence("the year {year} is none that anybody measured in", year=time.year))
    return time if time.tzinfo else time.astimezone()


# ---------------------------------------------------------------------- tables
@dataclass(frozen=True, slots=True)
class Table:
    """A table as some program wrote it.

    Parameters
    ----------
    columns : tuple of str
        Names in its first line, in small letters.
    rows : tuple of (int, dict of str to str)
        Number of the line, and the cells by column; text is plain.
    damaged : tuple of int
        Numbers of the lines that are damaged and left out.
    separator : str
        What stands between its cells.
    encoding : str
        Of its letters.
    cut_off : int
        Number of the last line if it has no end, since the program that wrote it was stopped; else 0.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    damaged: tuple[int, ...] = ()
    separator: str = ","
    encoding: str = "utf-8"
    cut_off: int = 0


def read_table(
    path: Path,
    also: Mapping[str, str] | None = None,
    most: int = MOST_ROW_TABLE_BYTES,
    follow: bool = True,
    may_lack: Collection[str] = (),
    most_rows: int = MOST_ROWS,
) -> Table:
    """Read a table as spreadsheets and rotrack write it.

    Separated by comma, semicolon or tab; UTF-8, UTF-16 or Windows letters; empty lines and a line `sep=` before the names are
    passed over; names are taken in any order and case. Every line is looked at by itself, so that one torn inside its quotes
    cannot swallow the next.

    Parameters
    ----------
    path : Path
        The file.
    also : mapping, optional
        Other names of columns and what they stand for.
    most : int
        Most bytes that it may have.
    follow : bool
        Whether it may be a link.
    may_lack : collection of str
        Columns that a row may lack at its end: some spreadsheets leave out the separators of empty cells.
    most_rows : int
        Most rows that it may have.

    Raises
    ------
    UnreadableError
        If it is missing or too large, or has a first line that is too long, or too many rows.
    """
    return table_of(read_bytes(path, most, follow), also, may_lack, most_rows=most_rows)


def table_of(
    content: bytes,
    also: Mapping[str, str] | None = None,
    may_lack: Collection[str] | None = (),
    exact: bool = False,
    most_rows: int = MOST_ROWS,
) -> Table:
    """Return the table in the contents of a file, see `read_table`; without `may_lack` every cell at the end of a row may lack.

    With `exact`, a row that has more cells than there are columns is damaged even if those are empty: a comma in an unquoted text
    may have moved the others.

    Raises
    ------
    UnreadableError
        If its first line is too long, or it has too many rows: more than can be read in a few seconds.
    """
    text, encoding = _utf8_of(content)
    lines = _lines(text, encoding)
    _, header = next(lines, (0, ""))
    if header is not None and header.lower().lstrip('"').startswith("sep="):
        _, header = next(lines, (0, ""))
    if header is None:
        raise UnreadableError(Sentence("its first line has more than {n} characters", n=LONGEST_LINE))
    if not header:
        return Table((), (), encoding=encoding)
    separator = max(",;\t", key=header.count)
    heads = _cells(header.removeprefix(_READ_WRONG), separator) or [header]
    heads = heads[0].split(separator) if len(heads) == 1 else heads  # a spreadsheet took the row for one text
    names = [plain_cell(head).strip().lower() for head in heads]
    columns = tuple((also or {}).get(column, column) for column in names)
    most = min(most_rows, MOST_CELLS // len(columns))
    rows: list[tuple[int, dict[str, str]]] = []
    damaged: list[int] = []
    last, before = 0, [""] * len(columns)
    for last, line in lines:
        if len(rows) + len(damaged) >= most:
            raise UnreadableError(Sentence("it has more than {n:,} rows, more than such a table can have", n=most))
        cells = None if line is None or "\0" in line else _cells(line, separator)
        if cells is not None and len(cells) == 1 < len(columns):  # a spreadsheet took the row for one text
            cells = _cells(cells[0], separator)
        if not exact and cells is not None and len(cells) > len(columns) and not any(cells[len(columns) :]):
            cells = cells[: len(columns)]
        lacks = set(columns[len(cells) :]) if cells is not None else set()
        if cells is not None and lacks and (may_lack is None or lacks <= set(may_lack)):
            cells = [*cells, *[""] * (len(columns) - len(cells))]
        if cells is None or line is None or len(cells) != len(columns):
            damaged.append(last)
            continue
        if "'" in line or clean_text(line) != line:
            cells = [plain_cell(cell) for cell in cells]
        before = [old if old == cell else cell for old, cell in zip(before, cells, strict=True)]  # one text in memory, not two
        rows.append((last, dict(zip(columns, before, strict=True))))
    cut_off = 0 if text.endswith((b"\n", b"\r")) else last
    return Table(columns, tuple(rows), tuple(damaged), separator, encoding, cut_off)


def _utf8_of(content: bytes) -> tuple[bytes | bytearray, str]:
    """Return the contents of a text file without a mark before them, and how their letters are kept; UTF-16 as UTF-8."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = bytearray()
        parts = (content[start : start + _BLOCK] for start in range(0, len(content), _BLOCK))
        for part in codecs.iterdecode(parts, "utf-16", "replace"):
            text += part.encode()
        return text, "utf-16"
    if content.startswith(codecs.BOM_UTF8):
        return content.removeprefix(codecs.BOM_UTF8), "utf-8"
    if content.isascii() or _all_utf8(content):
        return content, "utf-8"
    damaged = sum(not _is_utf8(content[start:end]) for _, start, end in _places(content))
    few = damaged * 20 < content.count(b"\n") + 1  # a few damaged lines, not another way of writing
    return content, "utf-8" if few else GUESSED


def _all_utf8(content: bytes) -> bool:
    """Return whether all of a file is UTF-8, without the memory for its text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _BLOCK):
            decoder.decode(content[start : start + _BLOCK], start + _BLOCK >= len(content))
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(line: bytes | bytearray) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines(content: bytes | bytearray, encoding: str) -> Iterator[tuple[int, str | None]]:
    """Yield the lines of a table that are not empty, by number; None for one that is too long or damaged."""
    for number, start, end in _places(content):
        line = content[start:end] if end - start <= LONGEST_LINE else None
        if line is None:
            yield number, None
            continue
        guessed = encoding == GUESSED
        text = line.decode(GUESSED, "replace") if guessed else line.decode() if _is_utf8(line) else "\0 damaged"
        yield number, text if text.isprintable() else text.translate(_HIDDEN_IN_LINES)  # once for all its cells


def _places(content: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of each line of a table in which there is more than empty cells.

    A run of empty lines is one step, however long it is. At most one line more than `MOST_ROWS` and the first two is yielded.
    """
    number, end, found = 1, 0, 0
    while found <= MOST_ROWS + 2:
        filled = _EMPTY.match(content, end)
        after = filled.end() if filled else end
        if after >= len(content):
            return
        start = max(content.rfind(b"\n", end, after) + 1, content.rfind(b"\r", end, after) + 1, end)
        breaks = (content.count(sign, end, start) for sign in (b"\n", b"\r", b"\r\n"))
        number += next(breaks) + next(breaks) - next(breaks)
        close = _END.search(content, after)
        end = close.start() if close else len(content)
        found += 1
        yield number, start, end


def _cells(line: str, separator: str) -> list[str] | None:
    """Return the cells of a line; None if it is damaged."""
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return None


def number_of(text: str) -> float:
    """Return the number in a cell, with a point or a comma; NaN for an empty one.

    Raises
    ------
    ValueError
        If it is no finite number.
    """
    text = text.strip().replace("\u2212", "-")
    if not text:
        return math.nan
    if not _NUMBER.fullmatch(text):
        raise ValueError(Sentence("'{text}' is no number", text=text[:40]))
    number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(Sentence("'{text}' is no finite number", text=text[:40]))
    return number


def whole_of(text: str) -> int:
    """Return the whole number in a cell; raises ValueError if it is none."""
    number = number_of(text)
    if not number.is_integer():
        raise ValueError(Sentence("'{text}' is no whole number", text=text[:40]))
    return int(number)


def truth_of(text: str) -> bool:
    """Return the truth in a cell, as spreadsheets of several languages write it; an empty one is false.

    Raises
    ------
    ValueError
        If it is none.
    """
    word = text.strip().casefold()
    if word not in _TRUE | _FALSE:
        raise ValueError(Sentence("'{text}' is neither true nor false", text=text[:40]))
    return word in _TRUE


def header_of(columns: Sequence[str], separator: str = ",") -> bytes:
    """Return the first line of a table that rotrack writes, with the mark by which spreadsheets read letters right."""
    return codecs.BOM_UTF8 + csv_line(columns, separator).encode()


def masked(address: str) -> str:
    """Return the address of a camera without what is secret in it: its password, and the values of its query."""
    parts = re.fullmatch(r"([a-z][a-z0-9+.-]*://)(?:([^/:@]*)(:.*)?@)?([^?#]*)(.*)", address, re.IGNORECASE | re.DOTALL)
    if not parts:
        return address
    scheme, user, password, place, query = parts.groups("")
    who = f"{user}{':***' if password else ''}@" if user or password else ""
    place = re.sub(r"((?:pass\w*|pwd|token|secret)=)[^&/]*", r"\1***", place, flags=re.IGNORECASE)
    return f"{scheme}{who}{place}{re.sub(r'=[^&#]*', '=***', query)}"
