"""reps.csv, the people's table: made again whenever it is gone, damaged or changed; the sessions stay as they are."""

import errno
import math
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from filelock import FileLock
from helpers import FIXTURES, FOUR, a_record, a_rep, a_step, cut_off_session, everything, log_session

from rotrack.core.model import REP_DECIMALS, Rep
from rotrack.records import table
from rotrack.records.changes import describe_session, drop_rep
from rotrack.records.earlier_words import reason_of
from rotrack.records.history import rep_table
from rotrack.records.repair import repair
from rotrack.records.repetitions import REPETITIONS
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.store import CHECKSUM, read_all, read_sessions
from rotrack.records.table import CHANGED, HEADER, refresh_table
from rotrack.records.takeover import KEPT_TABLE
from rotrack.records.writer import SessionWriter
from rotrack.system.inputs import read_table

SHEETS = FIXTURES / "spreadsheets"
ORIGINAL = SHEETS / "original.csv"
SAVED = sorted(path.name for path in SHEETS.glob("*.csv"))
ACCIDENTS: dict[str, Callable[[bytes], bytes]] = {
    "empty.csv": lambda table: b"",
    "only_header.csv": lambda table: table[: table.index(b"\n") + 1],
    "torn_last_row.csv": lambda table: table[:-40],
    "nul_bytes.csv": lambda table: table[:-700] + bytes(700),
    "nul_bytes_between.csv": lambda table: table[:4096] + bytes(4096) + table[8192:],
}
"""What no person makes of the table, but a program or computer that stops; of the table as it is today."""
every_sheet = pytest.mark.parametrize("name", SAVED)


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    """Return a data folder of this version with the sessions of the spreadsheets' original."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(ORIGINAL, data / "reps.csv")
    assert refresh_table(data) == ()
    return data


def numbers(data: Path) -> list[tuple[str, tuple[Rep, ...]]]:
    """Return the repetitions by session, with 0 for numbers that are missing: NaN is not equal to itself."""

    def whole(rep: Rep) -> Rep:
        return replace(rep, **{c: 0.0 for c in (*REP_DECIMALS, "fit_sd_deg") if math.isnan(getattr(rep, c))})

    return [(session.id, tuple(map(whole, session.rep_list))) for session in read_sessions(data)[0]]


def kept(data: Path) -> list[Path]:
    return sorted(path for path in data.iterdir() if path.name.startswith((CHANGED, Path(KEPT_TABLE).stem)))


def checksum_ok(data: Path) -> bool:
    """Return whether the next start finds nothing to do."""
    before = everything(data)
    return refresh_table(data) == () and everything(data) == before


# ---------------------------------------------------------------------- what a spreadsheet made of the table of today
def test_the_table_that_is_made_holds_all_that_was_in_the_old_one(sheets: Path) -> None:
    old, new = read_table(ORIGINAL), read_table(sheets / "reps.csv")
    assert new.columns == REP_COLUMNS
    was = [row | {"reason": reason_of(row["reason"])} for _, row in old.rows]
    assert [{column: row[column] for column in old.columns} for _, row in new.rows] == was


@every_sheet
def test_a_table_that_a_spreadsheet_saved_is_kept_beside_and_made_again(sheets: Path, name: str) -> None:
    right, before = (sheets / "reps.csv").read_bytes(), numbers(sheets)
    saved = ACCIDENTS[name](right) if name in ACCIDENTS else (SHEETS / name).read_bytes()
    (sheets / "reps.csv").write_bytes(saved)
    assert numbers(sheets) == before, "no number is read from the table"
    notes = refresh_table(sheets, ManualClock())
    assert (sheets / "reps.csv").read_bytes() == right
    assert numbers(sheets) == before
    if name in ACCIDENTS or saved == right:
        assert (notes, kept(sheets)) == ((), [])
    else:
        assert [path.read_bytes() for path in kept(sheets)] == [saved]
        assert [kept(sheets)[0].name in note for note in notes] == [True]
    assert checksum_ok(sheets)


def test_the_same_change_is_kept_once_and_another_one_beside_it(sheets: Path) -> None:
    clock = ManualClock()
    changes = [(SHEETS / name).read_bytes() for name in ("excel_us.csv", "excel_de.csv", "excel_us.csv")]
    for change in changes:
        (sheets / "reps.csv").write_bytes(change)
        assert refresh_table(sheets, clock)
    assert sorted(path.read_bytes() for path in kept(sheets)) == sorted(changes[:2])


def test_a_row_that_somebody_deleted_is_said_and_comes_back(sheets: Path) -> None:
    """As short as a table that was cut off, but cut where no accident cuts."""
    right = (sheets / "reps.csv").read_bytes()
    lines = right.split(b"\r\n")
    (sheets / "reps.csv").write_bytes(b"\r\n".join(lines[:5] + lines[6:]))
    assert len(refresh_table(sheets)) == len(kept(sheets)) == 1
    assert (sheets / "reps.csv").read_bytes() == right


def test_a_change_of_the_same_size_is_seen(sheets: Path) -> None:
    right = (sheets / "reps.csv").read_bytes()
    (sheets / "reps.csv").write_bytes(right.replace(b"-39.48", b"-93.48", 1))
    assert len(refresh_table(sheets)) == len(kept(sheets)) == 1
    assert (sheets / "reps.csv").read_bytes() == right


def test_a_missing_table_is_made_again_without_a_word(sheets: Path) -> None:
    right = (sheets / "reps.csv").read_bytes()
    (sheets / "reps.csv").unlink()
    assert refresh_table(sheets) == ()
    assert (sheets / "reps.csv").read_bytes() == right


@pytest.mark.parametrize("checksum", [None, b"", b"{", b"[]", b'{"written": [], "of": ""}', b'{"written": 5}', b"\0" * 60])
def test_without_its_checksum_a_right_table_stays_and_a_changed_one_is_kept(sheets: Path, checksum: bytes | None) -> None:
    def lose() -> None:
        (sheets / CHECKSUM).unlink()
        if checksum is not None:
            (sheets / CHECKSUM).write_bytes(checksum)

    right, before = (sheets / "reps.csv").read_bytes(), numbers(sheets)
    lose()
    assert refresh_table(sheets) == ()
    assert ((sheets / "reps.csv").read_bytes(), numbers(sheets)) == (right, before)
    for peak in (b"-93.48", b"-94.48"):
        (sheets / "reps.csv").write_bytes(right.replace(b"-39.48", peak))
        lose()
        assert refresh_table(sheets)
        assert ((sheets / "reps.csv").read_bytes(), numbers(sheets)) == (right, before)
    assert sorted(path.read_bytes() for path in kept(sheets)) == [right.replace(b"-39.48", p) for p in (b"-93.48", b"-94.48")]


def test_a_table_that_was_cut_off_while_its_checksum_was_lost_is_no_change_by_hand(sheets: Path) -> None:
    right = (sheets / "reps.csv").read_bytes()
    (sheets / "reps.csv").write_bytes(right[:-100])
    (sheets / CHECKSUM).write_bytes(b"")
    assert refresh_table(sheets) == ()
    assert (kept(sheets), (sheets / "reps.csv").read_bytes()) == ([], right)


# ------------------------------------------------------------ what a spreadsheet made of an old table, which is all there is
def test_an_old_table_alone_is_taken_over(tmp_path: Path) -> None:
    found = _taken_over(tmp_path, "original.csv")
    assert sum(len(reps) for _, reps in found) == 40


WHOLE = [
    name for name in SAVED
    if name not in ACCIDENTS and not name.startswith(("libreoffice_de_read_as", "excel_de_read_as", "renamed", "removed"))
]  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_an_old_table_that_a_spreadsheet_saved_is_read_to_the_last_number(tmp_path: Path, name: str) -> None:
    assert _taken_over(tmp_path / "saved", name) == _taken_over(tmp_path / "original", "original.csv")


@pytest.mark.parametrize("name", sorted(set(SAVED) - set(WHOLE)))
def test_of_a_damaged_old_table_no_wrong_number_is_taken(tmp_path: Path, name: str) -> None:
    whole = {(s, r.side, r.direction, r.rep): r for s, reps in _taken_over(tmp_path / "whole", "original.csv") for r in reps}
    found = {(s, r.side, r.direction, r.rep): r for s, reps in _taken_over(tmp_path / "found", name) for r in reps}
    lost = {"hold_s"} if name == "removed_column.csv" else set()
    for key, rep in found.items():
        assert {c: getattr(rep, c) for c in {*REP_DECIMALS, "valid"} - lost} == pytest.approx(
            {c: getattr(whole[key], c) for c in {*REP_DECIMALS, "valid"} - lost}, nan_ok=True
        )
    least = {"removed_column.csv": 40, "torn_last_row.csv": 39, "nul_bytes.csv": 20, "nul_bytes_between.csv": 20}
    assert len(found) >= least.get(name, 0)


@pytest.mark.parametrize(
    "name", ["libreoffice_de_read_as_german.csv", "excel_de_read_as_german.csv", "renamed_column.csv", "torn_last_row.csv"]
)
def test_an_old_table_of_which_something_was_not_taken_is_kept(tmp_path: Path, name: str) -> None:
    _taken_over(tmp_path, name)
    assert [path.read_bytes() for path in kept(tmp_path)] == [(SHEETS / name).read_bytes()]


@pytest.mark.parametrize("name", ["added_column.csv", "excel_mac.csv"])
def test_an_old_table_with_more_than_numbers_is_kept(tmp_path: Path, name: str) -> None:
    """A remark of one's own, and letters of which nobody knows for sure how they were kept."""
    _taken_over(tmp_path, name)
    assert [path.read_bytes() for path in kept(tmp_path)] == [(SHEETS / name).read_bytes()]


@pytest.mark.parametrize(
    "name", ["original.csv", "libreoffice_de.csv", "capital_header.csv", "sorted_other.csv", "excel_us_utf8.csv"]
)
def test_an_old_table_that_was_taken_whole_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    _taken_over(tmp_path, name)
    assert kept(tmp_path) == []


def _taken_over(data: Path, name: str) -> list[tuple[str, tuple[Rep, ...]]]:
    data.mkdir(exist_ok=True)
    shutil.copy(SHEETS / name, data / "reps.csv")
    refresh_table(data)
    return numbers(data)


@every_sheet
def test_where_sessions_are_there_an_old_table_decides_nothing(tmp_path: Path, name: str) -> None:
    """Each session.json of an earlier version holds its repetitions; whatever a spreadsheet did to the table."""
    data = Path(shutil.copytree(FIXTURES / "logs" / "32_columns", tmp_path / "data"))
    whole = Path(shutil.copytree(data, tmp_path / "whole"))
    finished = {path.parent.name for path in data.glob("sessions/*/session.json")} - {"20251027-180512-seated-external-c032"}
    shutil.copy(SHEETS / name, data / "reps.csv")
    refresh_table(data)
    refresh_table(whole)
    found, right = dict(numbers(data)), dict(numbers(whole))
    assert {name: found[name] for name in finished} == {name: right[name] for name in finished}


# ---------------------------------------------------------------------- while measuring
def one_more(writer: SessionWriter, number: int, peak_deg: float = 20.0) -> None:
    writer.append(a_step((a_rep(number, peak_deg),)))


def peaks(data: Path) -> list[str]:
    return [row["peak_deg"] for _, row in read_table(data / "reps.csv").rows]


def test_a_repetition_is_in_the_table_as_soon_as_it_is_logged(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        for number in range(1, 4):
            one_more(writer, number, 20.0 + number)
            assert peaks(tmp_path) == ["21.00", "22.00", "23.00"][:number]


Meddle = Callable[[Path], Any]
MEDDLED: dict[str, Meddle] = {
    "edited": lambda path: path.write_bytes(path.read_bytes().replace(b"20.00", b"99.00")),
    "saved by a spreadsheet": lambda path: path.write_bytes(path.read_bytes().replace(b",", b";")),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "moved away": lambda path: path.rename(path.with_name("mine.csv")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("what", MEDDLED)
def test_whatever_happens_to_the_table_while_measuring_nothing_is_lost(tmp_path: Path, what: str) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        one_more(writer, 1)
        MEDDLED[what](tmp_path / "reps.csv")
        one_more(writer, 2)
        one_more(writer, 3)
    ((_, reps),) = [(s.id, s.rep_list) for s in read_all(tmp_path)[0]]
    assert [rep.rep for rep in reps] == [1, 2, 3]
    if what == "a folder":
        (tmp_path / "reps.csv").rmdir()
        refresh_table(tmp_path)
    assert peaks(tmp_path) == ["20.00"] * 3
    assert len(kept(tmp_path)) == (what in ("edited", "saved by a spreadsheet"))


def test_what_was_changed_by_hand_while_measuring_is_said_afterwards(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        one_more(writer, 1)
        MEDDLED["edited"](tmp_path / "reps.csv")
        one_more(writer, 2)
    assert [kept(tmp_path)[0].name in note for note in writer.notes] == [True]


def held_open(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let the table be as on Windows while a spreadsheet shows it: it can be read, not written, moved or replaced."""
    real_open, real_replace = os.open, Path.replace

    def opened(name: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if Path(os.fsdecode(name)) == path and flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real_open(name, flags, *args, **kwargs)

    def replaced(self: Path, target: Any) -> Path:
        if path in (self, Path(target)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real_replace(self, target)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(Path, "replace", replaced)


def test_measuring_goes_on_while_a_spreadsheet_holds_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_session(tmp_path, 1)
    before = (tmp_path / "reps.csv").read_bytes()
    with monkeypatch.context() as patch:
        held_open(patch, tmp_path / "reps.csv")
        folder = log_session(tmp_path, 2)
        drop_rep(tmp_path, folder.name, FOUR[0].side, FOUR[0].direction, 1)
        (note,) = refresh_table(tmp_path)
    assert "brought up to date later" in note
    assert "--out" not in note, "another folder is no remedy"
    assert (tmp_path / "reps.csv").read_bytes() == before
    assert not list(tmp_path.glob("*.tmp"))
    assert [len(session.rep_list) for session in read_sessions(tmp_path)[0]] == [4, 4]
    assert refresh_table(tmp_path) == (), "nobody changed it by hand"
    assert len(peaks(tmp_path)) == 8
    assert kept(tmp_path) == []


def test_measuring_does_not_wait_for_a_log_that_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_WAIT_S", 0.01)
    with SessionWriter(tmp_path, a_record()) as writer:
        one_more(writer, 1)
        with FileLock(tmp_path / "reps.csv.lock"):
            one_more(writer, 2)
        assert peaks(tmp_path) == ["20.00"]
    assert peaks(tmp_path) == ["20.00"] * 2


def test_two_sessions_at_once_share_the_table(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record(1)) as one, SessionWriter(tmp_path, a_record(2)) as other:
        for number in range(1, 4):
            one_more(one, number, 10.0 + number)
            one_more(other, number, 20.0 + number)
        assert sorted(peaks(tmp_path)) == ["11.00", "12.00", "13.00", "21.00", "22.00", "23.00"]
    assert peaks(tmp_path) == ["11.00", "12.00", "13.00", "21.00", "22.00", "23.00"], "in the order of time, when all has ended"
    assert kept(tmp_path) == []


def test_what_a_power_failure_leaves_of_a_table_in_growth_is_no_change_by_hand(tmp_path: Path) -> None:
    """Rows that were added since the table was last made are not yet on the disk for sure."""
    log_session(tmp_path, 1)
    base = (tmp_path / "reps.csv").stat().st_size
    with SessionWriter(tmp_path, a_record(2)) as writer:
        for number in range(1, 5):
            one_more(writer, number)
        grown, checksum = (tmp_path / "reps.csv").read_bytes(), (tmp_path / CHECKSUM).read_bytes()
    right = (tmp_path / "reps.csv").read_bytes()
    for left in (grown[: base + 100], grown[:base], grown[: base + 60] + b"\0" * (len(grown) - base - 60), grown):
        (tmp_path / "reps.csv").write_bytes(left)
        (tmp_path / CHECKSUM).write_bytes(checksum)
        assert refresh_table(tmp_path) == ()
        assert ((tmp_path / "reps.csv").read_bytes(), kept(tmp_path)) == (right, [])


# ---------------------------------------------------------------------- it follows the sessions
def test_the_table_follows_every_change(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    log_session(tmp_path, 2)
    describe_session(tmp_path, folder.name, note='=1+1; a "note", ünd', band="red", load_kg=2.5)
    drop_rep(tmp_path, folder.name, FOUR[0].side, FOUR[0].direction, 2)
    rows = [row for _, row in read_table(tmp_path / "reps.csv").rows]
    assert [row["note"] for row in rows] == ['=1+1; a "note", ünd'] * 4 + [""] * 4
    assert [row["dropped"] for row in rows] == ["false", "true", *["false"] * 6]
    assert {(row["band"], row["load_kg"]) for row in rows} == {("red", "2.50"), ("", "")}


def test_no_cell_of_the_table_is_a_formula(tmp_path: Path) -> None:
    log_session(tmp_path, 1, person="=HYPERLINK(1)", note="a;=cmd|x", band="@here")
    content = (tmp_path / "reps.csv").read_text("utf-8-sig")
    assert not any(
        cell.lstrip().startswith(("=", "@")) for line in content.splitlines() for cell in line.replace(";", ",").split(",")
    )


def test_a_session_that_was_cut_off_has_its_rows(tmp_path: Path) -> None:
    cut_off_session(tmp_path, 1)
    refresh_table(tmp_path)
    assert peaks(tmp_path) == ["30.00", "34.00", "32.00", "50.00"]


def test_a_folder_copied_in_by_hand_comes_into_the_table(tmp_path: Path) -> None:
    folder = log_session(tmp_path / "there", 1)
    log_session(tmp_path / "here", 2)
    shutil.copytree(folder, tmp_path / "here" / "sessions" / folder.name)
    refresh_table(tmp_path / "here")
    assert len(peaks(tmp_path / "here")) == 8


def test_the_table_in_memory_says_the_same_as_the_file(tmp_path: Path) -> None:
    log_session(
        tmp_path, 1, (*FOUR, a_rep(5, -21.4567, valid=False, reason="thigh moved", faults=("T", "O"), visibility=0.98765))
    )
    found = rep_table(read_sessions(tmp_path)[0])
    rows = [row for _, row in read_table(tmp_path / "reps.csv").rows]
    assert list(found.columns) == list(REP_COLUMNS)
    for column, digits in ((column, digits) for column, digits in REP_DECIMALS.items() if column in REP_COLUMNS):
        assert [f"{value:.{digits}f}" if value == value else "" for value in found[column]] == [row[column] for row in rows]
    assert list(found.faults) == [row["faults"] for row in rows]
    assert (found.valid.dtype, found.dropped.dtype, found.rep.dtype) == (bool, bool, "int64")


@pytest.mark.parametrize("lost", ["session.json", "repetitions.csv"])
def test_rows_of_a_session_that_cannot_be_read_stay(tmp_path: Path, lost: str) -> None:
    """They may be all that is left of it; with the session's folder they go."""
    folder = log_session(tmp_path, 1)
    log_session(tmp_path, 2, FOUR[:1])
    (folder / lost).unlink()
    for _ in range(2):
        assert refresh_table(tmp_path) == ()
        assert sorted(peaks(tmp_path)) == ["30.00", "30.00", "32.00", "34.00", "50.00"]
    shutil.rmtree(folder)
    assert refresh_table(tmp_path) == ()
    assert peaks(tmp_path) == ["30.00"]


def test_rows_that_somebody_made_up_do_not_stay(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / "session.json").unlink()
    (tmp_path / "reps.csv").write_bytes((tmp_path / "reps.csv").read_bytes().replace(b"50.00", b"90.00"))
    assert len(refresh_table(tmp_path)) == len(kept(tmp_path)) == 1
    assert peaks(tmp_path) == []


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    assert refresh_table(tmp_path / "nowhere") == ()
    assert refresh_table(tmp_path) == ()
    assert everything(tmp_path) == {}
    assert not (tmp_path / "nowhere").exists()


def test_the_mark_at_the_start_comes_once(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        log_session(tmp_path, day)
    content = (tmp_path / "reps.csv").read_bytes()
    assert content.startswith(HEADER)
    assert content.count(b"\xef\xbb\xbf") == content.count(b"session_id") == 1


# ---------------------------------------------------------------------- damaged repetitions
def test_rows_that_cannot_be_read_stay_in_the_table_and_repair_brings_them_back(tmp_path: Path) -> None:
    session_id = log_session(tmp_path, 1)
    path = tmp_path / "sessions" / session_id / REPETITIONS
    whole, table = path.read_bytes(), (tmp_path / "reps.csv").read_bytes()
    lines = whole.split(b"\r\n")
    lines[2] = lines[2].replace(b",true,", b",maybe,", 1)
    path.write_bytes(b"\r\n".join(lines))
    refresh_table(tmp_path)
    assert sorted((tmp_path / "reps.csv").read_bytes().split(b"\r\n")) == sorted(table.split(b"\r\n"))
    done, _ = repair(tmp_path)
    assert [one.mended for one in done] == [True]
    (session,), problems = read_sessions(tmp_path)
    assert problems == []
    assert len(session.rep_list) == len(FOUR)
    assert (path.parent / f"{REPETITIONS}.damaged").read_bytes() == b"\r\n".join(lines)


def test_no_number_of_the_sessions_own_table_looks_like_one_of_thousands(tmp_path: Path) -> None:
    """A spreadsheet in a language that groups digits by points makes 2967 of 2.967, but leaves 2.9670 alone."""
    session_id = log_session(tmp_path, 1)
    text = (tmp_path / "sessions" / session_id / REPETITIONS).read_text("utf-8-sig")
    assert re.findall(r"\d\.\d{4}", text)
    assert not re.findall(r"(?<![\d.])\d{1,3}\.\d{3}(?!\d)", text)
