"""The one reader: files from anywhere, with limits, types and harmless text."""

import gzip
import json
import math
import os
import sys
import tracemalloc
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.errors import RecordError
from rotrack.records.people import read_people
from rotrack.records.record import read_raw
from rotrack.records.repetitions import read_repetitions
from rotrack.records.takeover import KEPT_TABLE, keep_original
from rotrack.system import inputs
from rotrack.system.inputs import (
    LONGEST_LINE,
    UnreadableError,
    clean_text,
    csv_line,
    header_of,
    json_bytes,
    masked,
    name_key,
    number_of,
    plain_cell,
    read_bytes,
    read_json,
    read_packed_lines,
    read_toml,
    record_of,
    table_of,
    time_of,
    truth_of,
    whole_of,
)

NAN = float("nan")
posix = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")


# ---------------------------------------------------------------------- bytes
def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(UnreadableError, match="more than the"):
        read_bytes(path, 4)


def test_a_missing_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError) as told:
        read_bytes(tmp_path / "nowhere", 10)
    assert told.value.missing
    with pytest.raises(UnreadableError) as told:
        read_bytes(tmp_path, 10)
    assert not told.value.missing


@posix
def test_a_link_is_followed_only_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "secret")
    assert read_bytes(link, 10) == b"secret"
    with pytest.raises(UnreadableError, match="it is a link"):
        read_bytes(link, 10, follow=False)


@posix
@pytest.mark.parametrize("kind", ["fifo", "device", "endless link"])
def test_what_is_no_file_is_refused_and_does_not_hang(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "odd"
    if kind == "fifo":
        os.mkfifo(path)
    if kind == "endless link":
        path.symlink_to(path)
    with pytest.raises(UnreadableError):
        read_bytes(path, 10)


# ---------------------------------------------------------------------- packed
def packed(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content, 1, mtime=0))
    return path


def test_packed_lines_come_back(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.gz", "eins\r\nzwei\nüber\n".encode())
    assert list(read_packed_lines(path)) == ["eins", "zwei", "über"]


@pytest.mark.parametrize("end", [1, 4, 8, 20])
def test_of_a_packed_file_without_its_end_the_lines_before_are_read(tmp_path: Path, end: int) -> None:
    path = packed(tmp_path / "x.gz", b"".join(b"line %d\r\n" % i for i in range(2000)))
    path.write_bytes(path.read_bytes()[:-end])
    *lines, last = read_packed_lines(path)
    assert last == "", "it is told that this is not all"
    assert lines == [f"line {i}" for i in range(len(lines))]
    assert len(lines) > 1000


@pytest.mark.parametrize("line", [b"", b"0" * 199 + b"\n"], ids=["one line", "many lines"])
def test_what_unpacks_to_far_too_much_is_refused_early(tmp_path: Path, line: bytes) -> None:
    """Zeros of 60 MB in a small file: refused without the memory that they would take."""
    pack = zlib.compressobj(9, wbits=31)
    block = (line or b"0") * (1_000_000 // (len(line) or 1))
    (tmp_path / "bomb.gz").write_bytes(b"".join(pack.compress(block) for _ in range(60)) + pack.flush())
    tracemalloc.start()
    with pytest.raises(UnreadableError, match="a line of it has more than" if not line else "unpacks to far more"):
        for _ in read_packed_lines(tmp_path / "bomb.gz", most=10_000_000):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_line_may_be_as_long_as_it_may_be(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.gz", b"x" * LONGEST_LINE + b"\n" + b"y\n")
    assert [len(line) for line in read_packed_lines(path)] == [LONGEST_LINE, 1]


# ---------------------------------------------------------------------- text
@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("\x1b]0;title\x07\x1b[2Jname", "]0;title[2Jname"),
        ("\x9b2Jname", "2Jname"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("two\r\nlines\u2028more\x85", "two  lines more "),
        ("tab\there", "tab here"),
        ("\ud800 alone", "? alone"),
        ("\ufeffmark", "mark"),
        ("\0nul\x7f", "nul"),
        ("Ju\u0308rgen", "Jürgen"),
        ("山田 太郎, ½ 🙂", "山田 太郎, ½ 🙂"),
    ],
)
def test_text_is_harmless_to_print(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@pytest.mark.parametrize("mark", ["\u0301", "\u0345\u0301", "\u0344", "\u0f73"])
def test_endless_accents_on_a_letter_end(mark: str) -> None:
    clean = clean_text("e" + mark * 100_000 + "x")
    assert len(clean) < 100
    assert clean.endswith("x")
    assert clean_text(clean) == clean
    assert clean_text("e\u0301" * 100) == "é" * 100, "each letter may have some"


@given(st.text(st.characters(), max_size=30))
def test_clean_text_is_clean(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) < 0xE000 for sign in clean)


@pytest.mark.parametrize(
    "spelling",
    [
        "Jürgen Ö",
        "Ju\u0308rgen O\u0308",
        "JÜRGEN Ö",
        "  jürgen   ö ",
        "Jürgen\u00a0Ö",
        "Jürgen\tÖ",
        "\u200bJürgen\u200d Ö\u00ad",
        "\u202eJürgen Ö",
    ],
)
def test_spellings_of_a_name_that_look_the_same_are_the_same(spelling: str) -> None:
    assert name_key(spelling) == name_key("Jürgen Ö")


@pytest.mark.parametrize("other", ["Jurgen O", "Jürgen", "JürgenÖ", "Jürgen Ö.", "Jörgen Ö"])
def test_other_names_are_others(other: str) -> None:
    assert name_key(other) != name_key("Jürgen Ö")


@given(st.text(st.characters(), max_size=30))
def test_the_key_of_a_name_is_its_own_key(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text) == name_key(clean_text(text))


# ---------------------------------------------------------------------- cells out and back
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+cmd|x",
    "@SUM(A1)",
    " =1",
    "a;=1",
    "a,=1",
    "a\t=1",
    "'=1",
    "''=1",
    "'quoted'",
    "-",
    "=",
    "a;\uff1d1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_computes_a_cell_and_rotrack_reads_it_back(text: str) -> None:
    line = csv_line([text, "next"]).removesuffix("\r\n")
    for separator in ",;\t":
        for cell in line.replace('"', "").split(separator):
            assert not cell.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))
    table = table_of(header_of(["a", "b"]) + csv_line([text, "next"]).encode())
    assert table.rows == ((2, {"a": clean_text(text), "b": "next"}),)


@pytest.mark.parametrize("text", ["-21.46", "12", "-0.5e-3", "true", "Ana", ""])
def test_numbers_stay_as_they_are(text: str) -> None:
    assert csv_line([text]) == f"{text}\r\n"


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=2, max_size=5))
def test_every_row_comes_back_as_clean_text(cells: list[str]) -> None:
    cells = [clean_text(cell) for cell in cells]
    names = [f"c{number}" for number in range(len(cells))]
    table = table_of(header_of(names) + csv_line([*cells]).encode())
    if any(cell.strip(" ,;\t\r\n\0") for cell in cells):
        assert [list(row.values()) for _, row in table.rows] == [cells]


def test_only_the_apostrophe_that_was_added_is_taken_away() -> None:
    assert [plain_cell(cell) for cell in ("'=1", "''=1", "'twas", "it's -5")] == ["=1", "'=1", "'twas", "it's -5"]


# ---------------------------------------------------------------------- tables
def rows(content: bytes, **more: Any) -> list[dict[str, str]]:
    return [row for _, row in table_of(content, **more).rows]


WANTED = [{"name": "müde", "peak_deg": "-1,5"}, {"name": "b", "peak_deg": "2"}]


@pytest.mark.parametrize(
    "content",
    [
        'name,peak_deg\nmüde,"-1,5"\nb,2\n'.encode(),
        "\ufeffname;peak_deg\r\nmüde;-1,5\r\nb;2\r\n".encode(),
        "Name\tPEAK_DEG\nmüde\t-1,5\nb\t2\n".encode("utf-16"),
        "name;peak_deg\nmüde;-1,5\nb;2".encode("cp1252"),
        "\ufeffsep=;\nname;peak_deg\nmüde;-1,5\nb;2\n".encode(),
        "\n\n;;\nname;peak_deg\n\nmüde;-1,5\n;\nb;2\n".encode(),
        "name;peak_deg\rmüde;-1,5\rb;2\r".encode(),
        '"name;peak_deg"\n"müde;-1,5"\n"b;2"\n'.encode(),
        "name;peak_deg;;\nmüde;-1,5;;\nb;2;;\n".encode(),
    ],
    ids=["quoted", "bom", "utf-16", "cp1252", "sep=", "blank lines", "mac", "one column", "empty cells behind"],
)
def test_a_table_is_read_however_it_was_saved(content: bytes) -> None:
    assert [{c: row[c] for c in ("name", "peak_deg")} for row in rows(content)] == WANTED


def test_damaged_lines_are_named_and_cannot_swallow_the_next() -> None:
    table = table_of(b'\xef\xbb\xbfa,b\n1,2\n"open,3\n4,5\n6\n7,8,9\n\xff\xfe,1\n\0\0,2\n10,11\n')
    assert [tuple(row.values()) for _, row in table.rows] == [("1", "2"), ("4", "5"), ("10", "11")]
    assert table.damaged == (3, 5, 6, 7, 8)


def test_a_last_line_without_its_end_is_told() -> None:
    assert table_of(b"a,b\n1,2\n3,4").cut_off == 3
    assert table_of(b"a,b\n1,2\n3,4\n").cut_off == 0


def test_an_endless_line_is_one_damaged_line() -> None:
    table = table_of(b"a,b\n1,2\n" + b"x" * (LONGEST_LINE + 1) + b",3\n4,5\n")
    assert (len(table.rows), table.damaged) == (2, (3,))


def test_a_first_line_that_is_too_long_is_refused() -> None:
    for before in (b"", b"\n;;\n", b"sep=,\n"):
        with pytest.raises(UnreadableError, match="its first line has more than"):
            table_of(before + b"a," * LONGEST_LINE + b"\n1,2\n")


@pytest.mark.parametrize("line", [b"1,2\n", b"torn\n", b"\xff,2\n"], ids=["rows", "damaged", "letters"])
def test_too_many_rows_are_one_sentence(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_CELLS", 2 * 10)
    table = table_of(b"a,b\n" + b"\n" * 100 + line * 10)
    assert len(table.rows) + len(table.damaged) == 10
    with pytest.raises(UnreadableError, match="it has more than 10 rows"):
        table_of(b"a,b\n" + line * 11)
    with pytest.raises(UnreadableError, match="it has more than 5 rows"):
        table_of(b"a,b\n" + line * 10, most_rows=5)


@pytest.mark.parametrize("line", [b"x\n" * 25 + b"\xff\n", b"\xff\n"], ids=["a few damaged", "Windows"])
def test_rows_beyond_the_most_are_not_even_looked_at(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_ROWS", 50)
    with pytest.raises(UnreadableError, match="it has more than 50 rows"):
        table_of(b"a\n" + line * 100, most_rows=50)


def test_a_file_of_a_session_or_person_has_a_limit_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "people" / "p-1"
    folder.mkdir(parents=True)
    for name, most in (
        ("session.json", inputs.MOST_JSON_BYTES),
        ("person.json", inputs.MOST_PERSON_BYTES),
        ("repetitions.csv", inputs.MOST_SESSION_TABLE_BYTES),
    ):
        with (folder / name).open("wb") as file:
            file.truncate(most + 1)
    with pytest.raises(RecordError, match="more than the 4 MB"):
        read_raw(folder)
    with pytest.raises(RecordError, match="more than the 10 MB"):
        read_repetitions(folder)
    assert "more than the 0.2 MB" in read_people(tmp_path)[1][0]


def test_an_earlier_table_that_is_too_long_to_be_compared_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"session_id,peak_deg\n" + b"x,1\n" * 20
    (tmp_path / "reps.csv").write_bytes(content)
    monkeypatch.setattr(inputs, "MOST_CELLS", 20)
    assert "is kept as" in keep_original(tmp_path, b"session_id,peak_deg\n")[0]
    assert (tmp_path / KEPT_TABLE).read_bytes() == content


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_lines_keep_their_numbers_whatever_stands_between_them(end: str, encoding: str) -> None:
    text = end.join(["", ";;", "a;b", "", " ", "é;2", ";x", "", "", "torn", "5;6", ""])
    table = table_of(text.encode(encoding))
    assert [(number, *row.values()) for number, row in table.rows] == [(6, "é", "2"), (7, "", "x"), (11, "5", "6")]
    assert (table.damaged, table.cut_off) == ((10,), 0)


@pytest.mark.parametrize("content", [b"\n" * 3_000_000, b";;\r\n" * 1_000_000], ids=["lines", "cells"])
def test_empty_lines_take_neither_memory_nor_time(content: bytes) -> None:
    content = b"a;b\n" + content + b"1;2\n"
    tracemalloc.start()
    table = table_of(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.rows == ((content.count(b"\n"), {"a": "1", "b": "2"}),)
    assert peak < 100_000


def test_only_what_may_lack_may_lack() -> None:
    content = b"a,b,note\n1,2\n3\n"
    assert rows(content, may_lack=("note",)) == [{"a": "1", "b": "2", "note": ""}]


def test_a_column_may_have_other_names() -> None:
    assert rows(b"Date,x\n1,2\n", also={"date": "taken_at"}) == [{"taken_at": "1", "x": "2"}]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_of_some_kind(content: bytes) -> None:
    table = table_of(content)
    assert all(set(row) == set(table.columns) for _, row in table.rows)


# ---------------------------------------------------------------------- cells
@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("1,5", 1.5), (" -2 ", -2.0), ("\u22123", -3.0), ("+4", 4.0), (".5", 0.5), ("1e3", 1000.0), ("1,5E-2", 0.015)],
)
def test_numbers_of_any_country(text: str, number: float) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize(
    "text", ["1.234,5", "1,234.5", "1 000", "nan", "inf", "1e999", "0x10", "١", "06. Jul", "1_0", "--1", "true"]
)
def test_what_could_be_another_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        number_of(text)


def test_an_empty_number_is_missing() -> None:
    assert math.isnan(number_of(" "))


@pytest.mark.parametrize("text", ["1.5", "", "nan"])
def test_what_is_not_whole_is_refused(text: str) -> None:
    assert whole_of("3,0") == 3
    with pytest.raises(ValueError, match="number"):
        whole_of(text)


def test_truths_of_any_country() -> None:
    assert [truth_of(text) for text in ("true", "TRUE", " Wahr ", "1", "VRAI")] == [True] * 5
    assert [truth_of(text) for text in ("false", "FALSCH", "0", "", "Faux")] == [False] * 5
    for text in ("perhaps", "2", "tru"):
        with pytest.raises(ValueError, match="neither true nor false"):
            truth_of(text)


def test_times_have_an_offset_and_a_year_in_which_somebody_measured() -> None:
    assert time_of("2026-01-01T08:00:00+05:00").utcoffset() == timedelta(hours=5)
    assert time_of("2026-01-01T08:00:00").tzinfo is not None
    for text in ("yesterday", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00", "2026-13-01"):
        with pytest.raises(ValueError, match=r"year|Invalid|month"):
            time_of(text)


# ---------------------------------------------------------------------- records
class Inner(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    size_px: tuple[int, int]
    fps: float = NAN


@dataclass(frozen=True)
class Plain:
    at_s: float
    words: tuple[str, ...] = ()


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    inner: Inner
    at: datetime
    plain: tuple[Plain, ...] = ()
    views: dict[str, float] = {}
    maybe_deg: float | None = 1.0


RAW: dict[str, Any] = {
    "inner": {"name": "a\x1b[2Jb", "size_px": [640, 480], "fps": None, "unknown": {"deep": 1}},
    "at": "2026-01-01T08:00:00+01:00",
    "plain": [{"at_s": None, "words": ["x\u202e", "y"]}],
    "views": {"turn\x07": None},
    "maybe_deg": None,
    "unknown": [1, 2],
}


def test_a_record_has_types_harmless_text_and_nan_where_a_number_is_missing() -> None:
    found = record_of(RAW, Outer)
    assert found.inner.name == "a[2Jb"
    assert math.isnan(found.inner.fps)
    assert math.isnan(found.plain[0].at_s)
    assert found.plain[0].words == ("x", "y")
    assert list(found.views) == ["turn"]
    assert math.isnan(found.views["turn"])
    assert found.maybe_deg is None, "where nothing is an answer of its own, it stays"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"inner": 5}, "'inner' must be a table, not a whole number"),
        ({"inner": {"name": 5, "size_px": [1, 2]}}, "'inner.name' must be a text, not a whole number"),
        ({"inner": {"size_px": [1, 2]}}, "'inner' has no 'name'"),
        ({"inner": {"name": "x", "size_px": [1]}}, "inner.size_px"),
        ({"at": "yesterday"}, "'at'"),
        ({"at": None}, "'at'"),
        ({"plain": [{"at_s": "12"}]}, "plain[0].at_s' must be a number, not a text"),
        ({"plain": {"0": 1}}, "'plain' must be a list, not a table"),
        ({"views": {"x": "1"}}, "must be a number, not a text"),
        ({"inner": None}, "'inner'"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UnreadableError) as told:
        record_of(RAW | changes, Outer)
    assert says in str(told.value), str(told.value)


@pytest.mark.parametrize("raw", [None, 5, "text", [], [RAW]])
def test_what_is_no_table_is_no_record(raw: object) -> None:
    with pytest.raises(UnreadableError, match="must be a table"):
        record_of(raw, Outer)


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = Outer(
        inner=Inner(name="Jörg \x1b\ud800", size_px=(1, 2)), at=datetime(2026, 1, 1, tzinfo=UTC), plain=(Plain(NAN, ("a",)),)
    )
    path.write_bytes(json_bytes(record))

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    assert json.loads(path.read_text("utf-8"), parse_constant=refuse)["inner"] == {
        "name": "Jörg ?",
        "size_px": [1, 2],
        "fps": None,
    }
    again = record_of(read_json(path), Outer)
    assert (again.inner.name, again.at, math.isnan(again.plain[0].at_s)) == ("Jörg ?", record.at, True)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"{}{}", b'{"a": NaN}', b'{"a": 1e999}', b"\xff\xfe{", b"\0" * 50,
        b'{"a": ' + b"[" * 100_000, b'{"a":' * 5000,
    ],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_what_is_no_json_record_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(UnreadableError) as told:
        read_json(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "content", [b"[a", b"\xff", b"a = " + b"[" * 100_000, b"a = 9999999999999-01-01"], ids=["open", "letters", "deep", "date"]
)
def test_what_is_no_toml_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(UnreadableError):
        read_toml(path)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("rtsp://ana:s3cret@cam.local:554/live", "rtsp://ana:***@cam.local:554/live"),
        ("rtsp://ana:p@ss/w:rd@cam/live", "rtsp://ana:***@cam/live"),
        ("http://cam/video?user=ana&pwd=s3cret#x", "http://cam/video?user=***&pwd=***#x"),
        ("rtsp://cam/user=ana&password=s3cret/stream", "rtsp://cam/user=ana&password=***/stream"),
        ("http://cam:8080/video", "http://cam:8080/video"),
        ("USB Camera: front", "USB Camera: front"),
    ],
)
def test_what_is_secret_in_an_address_is_masked(address: str, told: str) -> None:
    assert masked(address) == told
