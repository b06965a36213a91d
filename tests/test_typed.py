"""Tables of readings as spreadsheets make them: .csv and .xlsx, a row per reading or per visit, dates in every order."""

import io
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from helpers import ROOT, Ended, assert_one_sentence, run_main
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.errors import InputError
from rotrack.exchange import sheets
from rotrack.exchange.typed import AS_IT_IS, Form, UndecidedDatesError, import_readings
from rotrack.records.days import Order, iso_of, order_of
from rotrack.records.readings import Merged, read_readings

Run = Callable[..., Ended]
TYPED = ROOT / "tests" / "fixtures" / "typed"
COUNTRIES = ("german", "french", "us", "uk")
SAME = {"drill": "seated-combined", "instrument": "goniometer"}
READINGS = [
    ("2026-02-03", "right", "internal", 31.5, "1"),
    ("2026-02-03", "right", "internal", 31.5, "2"),
    ("2026-02-03", "right", "external", 38.25, "1"),
    ("2026-03-31", "left", "external", 3.5, "1"),
]
VISITS = [
    ("2026-02-03", "left", "internal", 31.5, ""),
    ("2026-02-03", "right", "internal", 33.0, ""),
    ("2026-02-03", "right", "external", 38.25, ""),
    ("2026-03-31", "left", "internal", 34.0, ""),
    ("2026-03-31", "left", "external", 3.5, ""),
    ("2026-03-31", "right", "external", 40.75, ""),
]


def taken(folder: Path, path: Path, form: Form = AS_IT_IS) -> tuple[list[tuple[object, ...]], Merged]:
    """Return what came in of a table: day, side, direction, value and repetition."""
    merged = import_readings(folder / "data", path, form)
    table, problems = read_readings(folder / "data")
    assert problems == []
    return list(table[["date", "side", "direction", "value_deg", "rep"]].itertuples(index=False, name=None)), merged


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "typed.csv"
    path.write_bytes(text.encode(encoding))
    return path


def workbook(folder: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet(f"more {number}")
        for row in rows:
            sheet.append(row)
    book.save(folder / "typed.xlsx")
    return folder / "typed.xlsx"


# ---------------------------------------------------------------------- what spreadsheets of four countries save
@pytest.mark.parametrize("name", ["original_readings.xlsx", *(f"{country}_readings.csv" for country in COUNTRIES)])
def test_a_row_per_reading_reads_back_the_same(tmp_path: Path, name: str) -> None:
    found, merged = taken(tmp_path, TYPED / name)
    assert found == READINGS
    assert merged.problems == ()
    table, _ = read_readings(tmp_path / "data")
    assert set(table.person) == {"Zoë Müller"}
    assert [str(time)[11:16] for time in (moment.to_pydatetime().astimezone() for moment in table.taken_at)] == [
        "09:15",
        "09:15",
        "09:20",
        "17:05",
    ]
    assert list(table.note) == ["warm; after a run", "", "", '"sore", slow']


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("country", COUNTRIES)
def test_a_row_per_visit_reads_back_the_same(tmp_path: Path, country: str, ending: str) -> None:
    found, merged = taken(tmp_path, TYPED / f"{country}_visits.{ending}", Form(same=SAME))
    assert found == VISITS
    assert merged.problems == ()
    assert any("remark" in note for note in merged.notes)
    table, _ = read_readings(tmp_path / "data")
    assert set(table.person) == {"Zoë Müller"}
    assert table.whole_day.all()


def test_what_one_country_saved_is_there_already_for_another(tmp_path: Path) -> None:
    taken(tmp_path, TYPED / "german_readings.csv")
    for name in ("us_readings.csv", "original_readings.xlsx"):
        assert taken(tmp_path, TYPED / name)[1] == Merged(0, 4, notes=taken(tmp_path, TYPED / name)[1].notes)


# ---------------------------------------------------------------------- dates
@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("2026-1-5", None, "2026-01-05"),
        ("2026/01/31", None, "2026-01-31"),
        ("31.01.2026", None, "2026-01-31"),
        ("31. 1. 2026", None, "2026-01-31"),
        ("1/31/26", None, "2026-01-31"),
        ("03.03.2026", None, "2026-03-03"),
        ("03.04.2026", Order.DAY_FIRST, "2026-04-03"),
        ("03.04.2026", Order.MONTH_FIRST, "2026-03-04"),
        ("03-04-2026 9:05", Order.DAY_FIRST, "2026-04-03 09:05"),
        ("1/31/2026 5:30 PM", None, "2026-01-31 17:30"),
        ("1/31/2026 12:05 a.m.", None, "2026-01-31 00:05"),
        ("31/01/2026 09h15", None, "2026-01-31 09:15"),
        ("31.01.2026, 09:15 Uhr", None, "2026-01-31 09:15"),
        ("2026-01-31T17:30:00+0100", None, "2026-01-31 17:30:00+01:00"),
    ],
)
def test_dates_are_read_as_they_were_meant(text: str, order: Order | None, iso: str) -> None:
    assert iso_of(text, order) == iso


@pytest.mark.parametrize(
    "text", ["03.04.2026", "31.31.2026", "26-01-31", "1/31", "2026-31-01", "31.01.2026 25 PM", "31.01.2026 9", ""]
)
def test_dates_that_could_mean_two_days_or_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|time"):
        iso_of(text)


def test_an_order_that_was_said_is_kept_to() -> None:
    with pytest.raises(ValueError, match="if it is month-first"):
        iso_of("31.01.2026", Order.MONTH_FIRST)


def test_one_date_decides_for_its_column_and_two_that_contradict_do_not() -> None:
    assert order_of(["03.04.2026", "13.04.2026", "2026-01-31"]) is Order.DAY_FIRST
    assert order_of(["03/04/2026", "04/13/2026"]) is Order.MONTH_FIRST
    assert order_of(["03/04/2026", "04/13/2026", "13/04/2026"]) is None


def test_where_no_date_decides_it_must_be_said(tmp_path: Path) -> None:
    path = written(
        tmp_path, "date;person;drill;side;direction;value;instrument\n03.04.2026;Ana;seated-internal;l;ir;31,5;phone\n"
    )
    with pytest.raises(UndecidedDatesError, match=r"03\.04\.2026.*--dates day-first"):
        import_readings(tmp_path / "data", path)
    assert not (tmp_path / "data").exists()
    assert taken(tmp_path, path, Form(Order.DAY_FIRST))[0] == [("2026-04-03", "left", "internal", 31.5, "")]


def test_readings_that_a_spreadsheet_saved_with_its_dates_are_still_ours(tmp_path: Path) -> None:
    taken(tmp_path, TYPED / "us_visits.csv", Form(same=SAME))
    kept = tmp_path / "data" / "readings.csv"
    text = kept.read_text("utf-8-sig").replace("2026-02-03", "03.02.2026").replace("2026-03-31", "31.03.2026").replace(",", ";")
    kept.write_text(text, "cp1252")
    found, merged = taken(tmp_path, TYPED / "german_visits.xlsx", Form(same=SAME))
    assert (found, merged.added, merged.already_there) == (VISITS, 0, 6)


# ---------------------------------------------------------------------- columns
def test_columns_of_other_names_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "Termin;Wer;IRO li;IRO re;Beuger\n31.01.2026;Ana;31,5;33;90\n")
    form = Form(columns={"Termin": "date", "Wer": "person", "iro li": "left internal", "IRO re": "right internal 2"}, same=SAME)
    found, merged = taken(tmp_path, path, form)
    assert found == [("2026-01-31", "left", "internal", 31.5, ""), ("2026-01-31", "right", "internal", 33, "2")]
    assert merged.notes == ("Not imported, since rotrack has no such column: beuger.",)


def test_a_column_may_say_the_drill_and_repetitions_too(tmp_path: Path) -> None:
    path = written(
        tmp_path, "date,person,instrument,left ir 1,left ir 2,seated-external left er\n2026-01-31,Ana,phone,32,32,40\n"
    )
    taken(tmp_path, path, Form(same={"drill": "seated-internal"}))
    table, _ = read_readings(tmp_path / "data")
    assert list(zip(table.drill, table.rep, table.value_deg, strict=True)) == [
        ("seated-internal", "1", 32), ("seated-internal", "2", 32), ("seated-external", "", 40),
    ]  # fmt: skip


def test_the_row_may_say_the_leg_and_the_column_the_direction(tmp_path: Path) -> None:
    path = written(
        tmp_path, "date,time,person,side,internal_deg,external_deg\n2026-01-31,17:30,Ana,left,32,\n2026-02-01,9:00,Ana,r,,41\n"
    )
    found, _ = taken(tmp_path, path, Form(same=SAME))
    assert found == [("2026-01-31", "left", "internal", 32, ""), ("2026-02-01", "right", "external", 41, "")]
    assert not read_readings(tmp_path / "data")[0].whole_day.any()


def test_a_wrong_cell_of_a_visit_is_named_and_the_others_come_in(tmp_path: Path) -> None:
    path = written(tmp_path, "date,person,left ir,right ir\n2026-01-31,Ana,32,oops\n2026-02-07,Ana,,\n")
    found, merged = taken(tmp_path, path, Form(same=SAME))
    assert len(found) == 1
    assert merged.problems == ("Line 2, right ir, was left out: the value 'oops' is no number of degrees such as 34.5.",)
    assert merged.notes == ("1 row holds no value.",)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Form(columns={"weather": "note"}, same=SAME), ("no column weather", "left ir")),
        (Form(columns={"left ir": "left knee"}, same=SAME), ("'left knee' says neither",)),
        (Form(same=SAME | {"colour": "red"}), ("no column colour",)),
        (Form(), ("no column drill, instrument", "--same")),
        (Form(same=SAME, sheet="x"), ("has no sheets",)),
    ],
)
def test_a_form_that_does_not_fit_is_explained(tmp_path: Path, form: Form, words: tuple[str, ...]) -> None:
    path = written(tmp_path, "date,person,left ir\n2026-01-31,Ana,32\n")
    with pytest.raises(InputError) as caught:
        import_readings(tmp_path / "data", path, form)
    for word in words:
        assert word in str(caught.value)


# ---------------------------------------------------------------------- .xlsx
HEAD = "date person drill side direction value instrument".split()


def test_the_sheet_is_chosen_and_the_others_are_told(tmp_path: Path) -> None:
    row = ["2026-01-31", "Ana", "seated-internal", "l", "ir", 31.5, "phone"]
    path = workbook(tmp_path, [], [HEAD, row], [HEAD, [*row[:5], 20, "phone"]])
    found, merged = taken(tmp_path, path)
    assert [value for *_, value, _ in found] == [31.5]
    assert merged.notes == ("Only the sheet 'more 1' was read, not Sheet, more 2; --sheet chooses one.",)
    assert taken(tmp_path, path, Form(sheet="more 2"))[1].added == 1
    with pytest.raises(InputError, match="no sheet 'x', but Sheet, more 1, more 2"):
        import_readings(tmp_path / "data", path, Form(sheet="x"))


def test_what_is_computed_or_stands_above_is_no_reading(tmp_path: Path) -> None:
    row = ["2026-01-31", "Ana", "seated-internal", "l", "ir", "=30+1", "phone"]  # nobody has computed it yet
    _, merged = taken(tmp_path, workbook(tmp_path, [[], HEAD, [], row]))
    assert merged.problems == ("Line 4 was left out: the value '' is no number of degrees such as 34.5.",)


def test_dates_of_two_kinds_in_one_column_are_told(tmp_path: Path) -> None:
    import datetime

    rows = [[day, "Ana", "seated-internal", "l", "ir", 31.5, "phone"] for day in (datetime.date(2026, 2, 3), "13/02/2026")]
    _, merged = taken(tmp_path, workbook(tmp_path, [HEAD, *rows]))
    assert any("Some dates begin with the year" in note for note in merged.notes)


def test_a_bomb_a_password_or_damage_end_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "typed.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(InputError, match=r"is no \.xlsx"):
        import_readings(tmp_path / "data", path)
    monkeypatch.setattr(sheets, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(InputError, match="unpacks to more"):
        import_readings(tmp_path / "data", TYPED / "us_visits.xlsx")


@given(st.data())
def test_no_damage_to_a_workbook_ends_in_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    parts = {}
    with zipfile.ZipFile(TYPED / "us_visits.xlsx") as packed:
        parts = {name: bytearray(packed.read(name)) for name in packed.namelist()}
    part = parts[data.draw(st.sampled_from([name for name in parts if name.endswith((".xml", ".rels"))]))]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(part) - 1))
        part[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, body in parts.items():
            packed.writestr(name, bytes(body))
    (folder / "typed.xlsx").write_bytes(content.getvalue())
    try:
        import_readings(folder / "data", folder / "typed.xlsx", Form(same=SAME))
    except InputError as error:
        assert str(error).endswith(".")


# ---------------------------------------------------------------------- the command
@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "data"))
    return partial(run_main, monkeypatch, capfd)


def test_the_command_takes_a_clinics_table(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, "Visit;Patient;IRO li;ARO li\n03.04.2026;Ana;31,5;40\n")
    how = ("--same", "drill=seated-combined", "--same", "instrument=goniometer", "--column", "Visit=date")
    assert_one_sentence(run("import", path, *how), 2, "03.04.2026", "--dates day-first")
    assert_one_sentence(run("import", path, "--same", "goniometer"), 2, "NAME=MEANING")
    assert_one_sentence(run("import", tmp_path, *how), 2, "for a table of readings")
    ended = run("import", path, *how, "--dates", "day-first")
    assert (ended.code, ended.out.strip()) == (0, "2 readings added, 0 already there.")


def test_on_a_terminal_the_order_of_dates_is_asked(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "date,person,left ir\n03/04/2026,Ana,31.5\n")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    ended = run("import", path, "--same", "drill=seated-internal", "--same", "instrument=phone")
    assert ended.code == 0
    assert "begin with the day" in ended.err
    assert list(read_readings(tmp_path / "data")[0].date) == ["2026-03-04"]
