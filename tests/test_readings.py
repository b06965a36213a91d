"""Readings of other instruments: what is taken, what is not and why, kept without duplicates, deleted with their person."""

import csv
import errno
import io
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from helpers import ROOT, Ended, assert_one_sentence, run_main
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import everything, write

from rotrack.core.errors import InputError, RecordError
from rotrack.exchange import typed
from rotrack.exchange.typed import import_readings, write_template
from rotrack.people.erasure import delete_person, stored_of
from rotrack.records.people import new_person, write_person
from rotrack.records.readings import (
    READING_COLUMNS,
    Merged,
    count_readings_of,
    delete_readings_of,
    no_readings,
    read_readings,
    rename_readings_of,
)
from rotrack.records.schema import REP_COLUMNS
from rotrack.system import files

Run = Callable[..., Ended]
HEADER = ",".join(READING_COLUMNS)
USUAL = {
    "taken_at": "2026-01-05 17:30", "person": "Ana", "drill": "seated-internal", "side": "left", "direction": "internal",
    "value_deg": "34.5", "instrument": "goniometer", "rater": "BK", "note": "", "rep": "",
}  # fmt: skip


def line(separator: str = ",", **changes: Any) -> str:
    return separator.join(str(cell) for cell in (USUAL | changes).values())


def table_of(folder: Path, *lines: str, header: str = HEADER, encoding: str = "utf-8", end: str = "\n") -> Path:
    path = folder / "typed.csv"
    path.write_bytes("".join(text + end for text in (header, *lines)).encode(encoding))
    return path


def imported(folder: Path, *lines: str, **how: Any) -> tuple[pd.DataFrame, Merged]:
    merged = import_readings(folder / "data", table_of(folder, *lines, **how))
    table, problems = read_readings(folder / "data")
    assert problems == []
    return table, merged


# ---------------------------------------------------------------------- what is taken
def test_a_reading_is_kept_with_all_that_was_typed(tmp_path: Path) -> None:
    table, merged = imported(tmp_path, line(note='"slow, sore"', taken_at="2026-01-05T17:30:00+01:00"))
    assert merged == Merged(1, 0)
    (row,) = table.to_dict("records")
    assert row.pop("taken_at") == pd.Timestamp("2026-01-05T16:30:00Z")
    assert row == {
        "person": "Ana", "drill": "seated-internal", "side": "left", "direction": "internal", "value_deg": 34.5,
        "instrument": "goniometer", "rater": "BK", "note": "slow, sore", "rep": "", "whole_day": False, "date": "2026-01-05",
    }  # fmt: skip


def test_an_empty_folder_has_no_readings(tmp_path: Path) -> None:
    table, problems = read_readings(tmp_path / "nowhere")
    assert (len(table), problems) == (0, [])
    assert set(READING_COLUMNS) <= set(table.columns)
    assert str(table.taken_at.dtype).startswith("datetime64[")
    assert table.value_deg.dtype == float
    pd.testing.assert_frame_equal(table, no_readings())


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tables_of_every_spreadsheet_are_read(tmp_path: Path, separator: str, encoding: str, end: str) -> None:
    value = "34,5" if separator != "," else '"34,5"'
    rows = [line(separator, person="Zoë", value_deg=value), "", separator * 8]
    table, merged = imported(tmp_path, *rows, header=separator.join(READING_COLUMNS), encoding=encoding, end=end)
    assert (merged.added, merged.problems) == (1, ())
    assert (table.person[0], table.value_deg[0]) == ("Zoë", 34.5)
    assert ("letters" in " ".join(merged.notes)) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("column", "typed", "kept"),
    [
        *(("side", typed, "left") for typed in ("left", "Left", "L", " l ")),
        *(("side", typed, "right") for typed in ("RIGHT", "r")),
        *(("direction", typed, "internal") for typed in ("Internal", "IR", "in")),
        *(("drill", typed, "seated-internal") for typed in ("Seated-Internal", " seated-internal")),
        *(
            ("value_deg", typed, number)
            for typed, number in (("34", 34), ("34.5°", 34.5), ("34.5 deg", 34.5), ("0", 0), ("120", 120))
        ),
        ("value_deg", "034.25", 34.25),
        ("instrument", "Goniometer ", "goniometer"),
        ("person", "  Ana   Maria ", "Ana Maria"),
        ("rater", "", ""),
    ],
)
def test_what_is_safe_is_understood(tmp_path: Path, column: str, typed: str, kept: object) -> None:
    table, merged = imported(tmp_path, line(**{column: typed}))
    assert merged.problems == ()
    assert table[column][0] == kept


def test_external_has_its_short_words_too(tmp_path: Path) -> None:
    rows = [line(drill="seated-combined", direction=word, value_deg=20 + n) for n, word in enumerate(("external", "ER", "out"))]
    assert list(imported(tmp_path, *rows)[0].direction) == ["external"] * 3


def test_columns_may_stand_in_any_order_and_two_may_lack(tmp_path: Path) -> None:
    header = "Instrument;Value;direction;SIDE;drill;person;date;weather"
    table, merged = imported(tmp_path, "phone;33;in;r;seated-internal;Bo;2026-01-05;rain", header=header)
    assert (merged.added, merged.problems) == (1, ())
    assert "weather" in merged.notes[0]
    assert (table.instrument[0], table.value_deg[0], table.side[0], table.rater[0]) == ("phone", 33, "right", "")


def test_the_line_that_excel_puts_before_the_table_is_skipped(tmp_path: Path) -> None:
    table, merged = imported(tmp_path, ";".join(READING_COLUMNS), line(";"), header="sep=;")
    assert (len(table), merged.problems) == (1, ())


def test_a_time_without_offset_is_that_of_this_computer_and_a_day_is_a_day(tmp_path: Path) -> None:
    table, _ = imported(tmp_path, line(), line(taken_at="2026-01-06"))
    here = datetime(2026, 1, 5, 17, 30).astimezone()
    assert (table.taken_at[0], table.whole_day[0]) == (pd.Timestamp(here), False)
    assert (table.taken_at[1], table.whole_day[1]) == (pd.Timestamp(datetime(2026, 1, 6, 12).astimezone()), True)
    kept = (tmp_path / "data" / "readings.csv").read_text("utf-8-sig").splitlines()
    assert kept[1].startswith(here.isoformat())
    assert kept[2].startswith("2026-01-06,")


# ---------------------------------------------------------------------- what is not
TOMORROW = f"{datetime.now() + timedelta(days=3):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taken_at": "13/13/2026"}, ("no date 13/13/2026",)),
        ({"taken_at": "26-01-31"}, ("two digits", "2026-01-31")),
        ({"taken_at": "5 Jan 2026"}, ("5 Jan 2026", "2026-01-31")),
        ({"taken_at": "2026-01-05 9"}, ("the time of",)),
        ({"taken_at": ""}, ("the date ''",)),
        ({"taken_at": "2026-02-30"}, ("no date 2026-02-30",)),
        ({"taken_at": "2026-01-05 25:00"}, ("no date",)),
        ({"taken_at": "1926-01-05"}, ("check the year",)),
        ({"taken_at": "1990-01-05"}, ("check the year",)),
        ({"taken_at": TOMORROW}, ("check the year",)),
        ({"person": ""}, ("whose it is",)),
        ({"note": "x" * 2001}, ("at most 2000",)),
        ({"drill": "seated-interal"}, ("no drill 'seated-interal'", "is it seated-internal?")),
        ({"drill": "xyz"}, ("`rotrack drills`",)),
        ({"drill": "lunge-internal"}, ("an index",)),
        ({"drill": "zst-confidence"}, ("counted",)),
        ({"direction": "external"}, ("seated-internal has no external",)),
        ({"direction": "e"}, ("neither internal nor external",)),
        ({"side": "both"}, ("neither left nor right",)),
        ({"side": "gauche"}, ("neither left nor right",)),
        ({"value_deg": "-34.5"}, ("sign of the other direction",)),
        ({"value_deg": "\u221234"}, ("sign of the other direction",)),
        ({"drill": "seated-external", "direction": "external", "value_deg": "+34"}, ("sign of the other direction",)),
        ({"rep": "0"}, ("the repetition '0'",)),
        ({"rep": "x"}, ("the repetition 'x'",)),
        ({"value_deg": "3O"}, ("no number",)),
        ({"value_deg": ""}, ("no number",)),
        ({"value_deg": "30-35"}, ("no number",)),
        ({"value_deg": "1.034.5"}, ("no number",)),
        ({"value_deg": "345"}, ("more than a hip can turn",)),
        ({"value_deg": "120.1"}, ("more than a hip can turn",)),
        ({"value_deg": "nan"}, ("no number",)),
        ({"value_deg": "3e1"}, ("no number",)),
        ({"value_deg": "\u0663\u0664"}, ("no number",)),
        ({"instrument": ""}, ("the instrument",)),
        ({"value_deg": "34,5"}, ("the instrument '5' is a number", "34.5")),
        ({"value_deg": "34,5", "rep": "1"}, ("as many cells", "34.5")),
        ({"note": '"sore'}, ("quotation marks",)),
    ],
)
def test_what_could_be_misread_is_named_and_the_rest_imported(
    tmp_path: Path, changes: dict[str, str], words: tuple[str, ...]
) -> None:
    table, merged = imported(tmp_path, line(value_deg=20), line(**changes), line(value_deg=30))
    assert list(table.value_deg) == [20, 30]
    (problem,) = merged.problems
    assert problem.startswith("Line 3 was left out: ")
    assert problem.endswith(".")
    for word in words:
        assert word in problem


def test_a_decimal_comma_between_commas_is_not_taken_for_two_cells(tmp_path: Path) -> None:
    header = ",".join(READING_COLUMNS)
    shifted = "2026-01-05,Ana,seated-internal,left,internal,34,5,goniometer,BK"  # note and repetition are not there
    _, merged = imported(tmp_path, shifted, header=header)
    assert (merged.added, len(merged.problems)) == (0, 1)
    assert "the instrument '5'" in merged.problems[0]


@given(st.text("0123456789.,-+ eE°x", max_size=7))
def test_a_value_is_read_as_it_stands_or_not_at_all(tmp_path_factory: pytest.TempPathFactory, typed: str) -> None:
    folder = tmp_path_factory.mktemp("typed")
    path = table_of(folder, line("\t", value_deg=typed), header="\t".join(READING_COLUMNS))
    merged = import_readings(folder / "data", path)
    if merged.added:
        (value,) = read_readings(folder / "data")[0].value_deg
        assert 0 <= value <= 120
        assert value == pytest.approx(float(typed.strip().rstrip("°").strip().replace(",", ".")), abs=0.005)
    else:
        assert len(merged.problems) == 1


@given(st.binary(max_size=200))
def test_no_file_whatsoever_ends_in_anything_but_a_sentence(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("raw")
    (folder / "typed.csv").write_bytes(raw)
    with pytest.raises(InputError):
        import_readings(folder / "data", folder / "typed.csv")
    (folder / "typed.csv").write_bytes(HEADER.encode() + b"\n" + raw)
    try:
        import_readings(folder / "data", folder / "typed.csv")
    except InputError as error:
        assert "CSV" in str(error) or "column" in str(error)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", ("is empty", "--template")),
        (b"\n\n", ("is empty",)),
        (b"person,value\nAna,3\n", ("has no column taken_at, drill, side, direction, instrument", "--template")),
        (b"a" + HEADER.encode(), ("has no column taken_at",)),
        (HEADER.encode() + b",value_deg\n", ("column value_deg twice",)),
        (b"PK\x03\x04\0\0", ("no .xlsx", "spreadsheet")),
        (b"\xd0\xcf\x11\xe0\0", ("old or protected Excel file", ".xlsx")),
        (b"a\0b", ("no CSV table", "spreadsheet")),
        (",".join(REP_COLUMNS).encode() + b"\n", ("a log of rotrack", "import the folder")),
    ],
)
def test_what_is_no_table_of_readings_is_refused_in_one_sentence(tmp_path: Path, contents: bytes, words: tuple[str, ...]) -> None:
    path = tmp_path / "typed.csv"
    path.write_bytes(contents)
    with pytest.raises(InputError) as caught:
        import_readings(tmp_path / "data", path)
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / "data").exists()


# ---------------------------------------------------------------------- keeping
def test_importing_again_changes_not_a_byte(tmp_path: Path) -> None:
    rows = [line(value_deg=value) for value in (20, 30, 20)]
    _, merged = imported(tmp_path, *rows)
    assert (merged.added, merged.already_there) == (2, 1)
    before = everything(tmp_path)
    _, merged = imported(tmp_path, *rows)
    assert (merged.added, merged.already_there) == (0, 3)
    assert everything(tmp_path) == before
    _, merged = imported(tmp_path, *rows, line(value_deg=20, rater="CD"))
    assert (merged.added, merged.already_there) == (1, 3), "another rater's is another reading"


def test_readings_typed_in_two_ways_are_the_same(tmp_path: Path) -> None:
    imported(tmp_path, line(taken_at="2026-01-05"))
    other = line(";", taken_at="2026-01-05", side="L", direction="IR", value_deg="34,50°", instrument="Goniometer")
    _, merged = imported(tmp_path, other, header=";".join(READING_COLUMNS))
    assert (merged.added, merged.already_there) == (0, 1)


def test_what_is_kept_opens_in_a_spreadsheet_and_comes_in_again(tmp_path: Path) -> None:
    imported(tmp_path, line(), line(note='"a ""b"", c"', person="Zoë"))
    kept = tmp_path / "data" / "readings.csv"
    raw = kept.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n")
    assert import_readings(tmp_path / "other", kept) == Merged(2, 0)
    assert (tmp_path / "other" / "readings.csv").read_bytes() == raw


def test_a_note_that_a_spreadsheet_would_compute_is_kept_harmless(tmp_path: Path) -> None:
    table, _ = imported(tmp_path, line(person="=1+1", note='"@home; +1"', rater="\x1b[2Jx\u202e"))
    assert (table.person[0], table.note[0], table.rater[0]) == ("=1+1", "@home; +1", "[2Jx")
    kept = (tmp_path / "data" / "readings.csv").read_text("utf-8-sig")
    assert "'=1+1" in kept
    assert "'@home; '+1" in kept


def test_damaged_lines_of_the_kept_file_are_named_and_stay(tmp_path: Path) -> None:
    imported(tmp_path, line(value_deg=20), line(value_deg=30))
    path = tmp_path / "data" / "readings.csv"
    first, second, third = path.read_bytes().splitlines()
    path.write_bytes(b"\r\n".join((first, second.replace(b"left", b"both"), third)))
    table, problems = read_readings(tmp_path / "data")
    assert list(table.value_deg) == [30]
    assert len(problems) == 1
    assert problems[0].startswith("Line 2 of readings.csv is damaged and was left out")
    assert import_readings(tmp_path / "data", table_of(tmp_path, line(value_deg=40))).added == 1
    assert list(read_readings(tmp_path / "data")[0].value_deg) == [30, 40]
    assert b"both" in path.read_bytes()


# ---------------------------------------------------------------------- saved by a spreadsheet
def resaved(text: str, how: str) -> bytes:
    """Return a table of readings as a spreadsheet saves it."""
    rows = list(csv.reader(io.StringIO(text)))
    if how == "moved":
        rows = [[*row[3:], *row[:3], "mine"] for row in rows]
    separator = "," if how == "moved" else "\t" if how == "utf-16" else ";"
    if separator == ";":
        rows = [[*row[:5], row[5].replace(".", ","), *row[6:]] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue().encode({"cp1252": "cp1252", "utf-16": "utf-16"}.get(how, "utf-8"))


@pytest.mark.parametrize("how", ["semicolons", "cp1252", "utf-16", "moved"])
def test_readings_that_a_spreadsheet_saved_are_read_added_to_renamed_and_deleted(tmp_path: Path, how: str) -> None:
    data = tmp_path / "data"
    lines = [line(), line(person="Zoë", value_deg=20), line(value_deg=30, note='"a, ""b"""')]
    before, _ = imported(tmp_path, *lines)
    path = data / "readings.csv"
    path.write_bytes(resaved(path.read_text("utf-8-sig"), how))
    pd.testing.assert_frame_equal(read_readings(data)[0], before)
    merged = import_readings(data, table_of(tmp_path, *lines, line(value_deg=40)))
    assert (merged.added, merged.already_there) == (1, 3)
    assert list(read_readings(data)[0].value_deg) == [34.5, 20, 30, 40]
    path.write_bytes(resaved(path.read_text("utf-8-sig"), how) if how != "moved" else path.read_bytes())
    assert rename_readings_of(data, "ANA", "Bo") == 3
    table, problems = read_readings(data)
    assert (list(table.person), problems) == (["Bo", "Zoë", "Bo", "Bo"], [])
    path.write_bytes(resaved(path.read_text("utf-8-sig"), how) if how != "moved" else path.read_bytes())
    assert count_readings_of(data, "zoe\u0308") == 1
    assert delete_readings_of(data, " ZOË") == 1
    assert list(read_readings(data)[0].value_deg) == [34.5, 30, 40]
    assert ("mine" in path.read_text("latin-1")) == (how == "moved"), "a column of the person's own stays"


def test_nothing_is_added_where_damaged_lines_would_be_lost(tmp_path: Path) -> None:
    imported(tmp_path, line(), line(value_deg=20))
    path = tmp_path / "data" / "readings.csv"
    path.write_bytes(path.read_bytes().replace(b",", b";") + b"2026-01-05;Ana;torn\r\n")
    before = path.read_bytes()
    with pytest.raises(RecordError, match=r"damaged lines \(4\)"):
        import_readings(tmp_path / "data", table_of(tmp_path, line(value_deg=50)))
    assert path.read_bytes() == before


def test_other_spellings_of_a_known_person_are_that_person(tmp_path: Path) -> None:
    person = msgspec.structs.replace(new_person("Ana Base"), spellings=("Ana",))
    write_person(tmp_path / "data", person)
    table, _ = imported(tmp_path, line(), line(person="ana  BASE", value_deg=20), line(person="Anabel", value_deg=21))
    assert list(table.person) == ["Ana Base", "Ana Base", "Anabel"]
    assert count_readings_of(tmp_path / "data", "Ana Base") == 2
    _, merged = imported(tmp_path, line(person="ANA"))
    assert merged.already_there == 1


def test_a_table_that_is_too_large_or_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, merged = imported(tmp_path, line(), line(note="x" * 100_000))
    assert (len(table), len(merged.problems)) == (1, 1)
    monkeypatch.setattr(typed, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="cannot be read"):
        import_readings(tmp_path / "other", table_of(tmp_path, line()))


def test_a_link_is_not_followed_where_that_is_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(table_of(tmp_path, line()))
    with pytest.raises(InputError, match="it is a link"):
        import_readings(tmp_path / "data", tmp_path / "link.csv", follow=False)
    assert import_readings(tmp_path / "data", tmp_path / "link.csv").added == 1


def test_a_file_that_is_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "readings.csv"
    path.write_text("my own list\n", "utf-8")
    for doing in (partial(read_readings, tmp_path / "data"), partial(imported, tmp_path, line())):
        with pytest.raises(RecordError, match="no table of readings"):
            doing()
    assert path.read_text("utf-8") == "my own list\n"


def test_a_full_disk_leaves_the_readings_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(tmp_path, line())
    before = everything(tmp_path / "data")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(RecordError, match="disk is full"):
        import_readings(tmp_path / "data", table_of(tmp_path, line(value_deg=50)))
    assert everything(tmp_path / "data") == before


def test_a_person_is_deleted_with_their_readings(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data, 5)
    imported(tmp_path, line(), line(person="Anabel"), line(person='"Ana "', value_deg=20), line(person="Bo"))
    path = data / "readings.csv"
    path.write_bytes(path.read_bytes() + b"2026-01-05,Ana,torn\r\n2026-01-05,Bo,torn")
    others = [row for row in path.read_bytes().splitlines() if b"Anabel" in row or b"Bo" in row]
    assert stored_of(data, "ana").readings == 3
    assert delete_person(data, " ANA ").sessions == 1
    assert path.read_bytes().splitlines() == [b"\xef\xbb\xbf" + HEADER.encode(), *others]
    assert not stored_of(data, "Ana").anything
    before = path.read_bytes()
    delete_person(data, "Cleo")
    assert path.read_bytes() == before


# ---------------------------------------------------------------------- the command
@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "data"))
    return partial(run_main, monkeypatch, capfd)


def test_the_template_shows_how_and_its_example_is_never_imported(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "readings to type.csv"
    ended = run("import", "--template", path)
    assert (ended.code, ended.out) == (0, "")
    header, example = path.read_text("utf-8-sig").splitlines()
    assert header == HEADER
    assert "EXAMPLE" in example
    ended = run("import", path)
    assert ended.code == 0
    assert "0 readings added" in ended.out
    assert "The example line was not imported" in ended.err
    assert not (tmp_path / "data" / "readings.csv").exists()
    filled = example.replace("EXAMPLE", "Ana")
    path.write_text(f"{header}\n{example}\n{filled}\n", "utf-8")
    assert "1 reading added, 0 already there" in run("import", path).out
    assert_one_sentence(run("import", "--template", path), 2, "there already", "another name", "--overwrite")
    assert run("import", "--template", path, "--overwrite").code == 0
    assert path.read_text("utf-8-sig").splitlines() == [header, example]
    (tmp_path / "data" / "sessions").mkdir(exist_ok=True)
    own = tmp_path / "data" / "readings.csv"
    assert_one_sentence(run("import", "--template", own, "--overwrite"), 2, "rotrack's own log")
    assert_one_sentence(run("import", "--template", tmp_path / "no" / "t.csv"), 3, "cannot be written")
    assert_one_sentence(run("import", "--template", tmp_path / "typed.ods"), 2, "typed.ods would hold CSV", "end in .csv")


def test_import_names_lines_that_were_left_out_and_ends_with_5(run: Run, tmp_path: Path) -> None:
    path = table_of(tmp_path, line(), line(side="[both]"), line(value_deg=50))
    ended = run("import", path)
    assert (ended.code, ended.out.strip()) == (5, "2 readings added, 0 already there.")
    assert "rotrack: Line 3 was left out: the side '[both]' is neither left nor right." in ended.err
    ended = run("import", path, "--json")
    assert ended.code == 5
    assert '"already_there": 2' in ended.out
    assert "[both]" in ended.out


def test_import_without_anything_says_what_it_wants(run: Run, tmp_path: Path) -> None:
    assert_one_sentence(run("import"), 2, "Say what to import", "--template")
    assert_one_sentence(run("import", tmp_path / "nowhere.csv"), 2, "cannot be read", "CSV")


def test_delete_tells_of_readings_before_it_asks(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(tmp_path, line(), line(value_deg=20))
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    ended = run("delete", "--person", "Ana")
    assert "2 readings of other instruments" in ended.out
    assert "Nothing was deleted" in ended.out
    assert len(read_readings(tmp_path / "data")[0]) == 2
    assert run("delete", "--person", "Ana", "--yes").code == 0
    assert len(read_readings(tmp_path / "data")[0]) == 0


def test_every_column_is_in_the_dictionary() -> None:
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    section = text.split("## readings.csv")[1].split("\n## ")[0]
    for column in READING_COLUMNS:
        assert f"| {column} |" in section, column


def test_write_template_does_not_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("mine", "utf-8")
    with pytest.raises(InputError):
        write_template(path)
    assert path.read_text("utf-8") == "mine"
