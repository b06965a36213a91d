"""Data folders that earlier versions of rotrack wrote: taken over without loss at the first start, whatever happens meanwhile."""

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from helpers import FIXTURES, everything

from rotrack.core.model import Rep
from rotrack.records import repetitions, schema, table
from rotrack.records.earlier_words import reason_of, record_of_today
from rotrack.records.people import read_people
from rotrack.records.record import SESSION_FILE, Status
from rotrack.records.schema import REP_COLUMNS, VERSIONS
from rotrack.records.session import INTERRUPTED, Session
from rotrack.records.store import read_sessions
from rotrack.records.table import CHANGED, refresh_table
from rotrack.records.takeover import KEPT_TABLE
from rotrack.system import files
from rotrack.system.inputs import csv_line, header_of, read_table

LOGS = FIXTURES / "logs"
EXPECTED = json.loads((LOGS / "expected.json").read_text("utf-8"))
every_log = pytest.mark.parametrize("name", EXPECTED)


def a_copy(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(LOGS / name, tmp_path / "data"))


def logged(sessions: list[Session]) -> dict[str, list[list[Any]]]:
    """Return sessions as expected.json has them."""
    return {
        s.id: [
            [
                rep.side, rep.direction, rep.rep, rep.valid, rep.dropped, round(rep.peak_deg, 2), s.person, s.record.note,
                s.record.band, None if math.isnan(s.record.load_kg) else s.record.load_kg,
            ]
            for rep in s.rep_list
        ]
        for s in sessions
    }  # fmt: skip


@every_log
def test_an_old_folder_is_read_before_anything_is_written(tmp_path: Path, name: str) -> None:
    data = a_copy(name, tmp_path)
    before = everything(data)
    sessions, problems = read_sessions(data)
    assert (logged(sessions), problems) == (EXPECTED[name], [])
    assert {path: content for path, content in everything(data).items() if not path.startswith("index.")} == before


@every_log
def test_an_old_folder_is_taken_over_whole(tmp_path: Path, name: str) -> None:
    data = a_copy(name, tmp_path)
    assert refresh_table(data, ManualClock()) == (), "nothing was lost, so there is nothing to say"
    sessions, problems = read_sessions(data)
    assert (logged(sessions), problems) == (EXPECTED[name], [])
    for session in sessions:
        assert (session.folder / "repetitions.csv").exists()
        assert json.loads((session.folder / "session.json").read_text("utf-8"))["format"] == 2
        assert bool(session.record.person_id) == bool(session.person)
    assert sorted(person.name for person in read_people(data)[0]) == ["Ana Base", "Jürgen Ö"]
    assert not list(data.glob(f"{CHANGED}*"))
    assert not (data / KEPT_TABLE).exists()


@every_log
def test_a_second_start_changes_no_byte(tmp_path: Path, name: str) -> None:
    data = a_copy(name, tmp_path)
    refresh_table(data)
    read_sessions(data)
    before = everything(data)
    assert refresh_table(data) == ()
    read_sessions(data)
    assert everything(data) == before


@pytest.mark.parametrize("columns", [25, 27, 30, 32])
def test_the_table_of_an_old_folder_gets_the_columns_of_today_and_no_other_numbers(tmp_path: Path, columns: int) -> None:
    data = a_copy(f"{columns}_columns", tmp_path)
    old = read_table(data / "reps.csv", may_lack=("note",))
    refresh_table(data)
    new = read_table(data / "reps.csv")
    assert new.columns == REP_COLUMNS
    key = ("session_id", "side", "direction", "rep")
    rows = {tuple(row[column] for column in key): row for _, row in new.rows}
    assert len(rows) == len(new.rows) == len(old.rows)
    for _, row in old.rows:
        again = rows[tuple(row[column] for column in key)]
        now = row | {"reason": reason_of(row["reason"])}
        assert {column: again[column] for column in row if row[column]} == {c: cell for c, cell in now.items() if cell}


def test_the_speed_that_the_sessions_know_comes_into_the_table(tmp_path: Path) -> None:
    data = a_copy("32_columns_own_tables", tmp_path)
    assert "speed_deg_s" not in read_table(data / "reps.csv").columns
    refresh_table(data)
    speeds = [row["speed_deg_s"] for _, row in read_table(data / "reps.csv").rows]
    assert speeds == ["38.1", "41.7", "40.0", "33.3", "35.2", "44.0", "51.9", "38.1", "41.7"]


def test_the_variants_that_the_sessions_know_come_into_the_table(tmp_path: Path) -> None:
    data = a_copy("41_columns", tmp_path)
    assert "variant" not in read_table(data / "reps.csv").columns
    refresh_table(data)
    variants = [row["variant"] for _, row in read_table(data / "reps.csv").rows]
    assert variants == ["together"] * 4 + [""] * 2 + ["foot-apart"] * 2


@pytest.mark.parametrize("columns", [25, 27, 30, 32])
def test_a_session_that_was_cut_off_stays_so(tmp_path: Path, columns: int) -> None:
    data = a_copy(f"{columns}_columns", tmp_path)
    refresh_table(data)
    (cut,) = [s for s in read_sessions(data)[0] if s.id.rpartition("-")[2].startswith("c0")]
    assert (cut.record.status, len(cut.rep_list)) == (Status.INTERRUPTED, 2)
    assert INTERRUPTED in cut.record.warnings
    assert not cut.curve.empty


def test_what_was_known_of_a_session_is_still_known(tmp_path: Path) -> None:
    """Entries of session.json that no table has."""
    data = a_copy("32_columns", tmp_path)
    old = {path.parent.name: json.loads(path.read_text("utf-8")) for path in data.glob("sessions/*/session.json")}
    old = {name: record_of_today(before) for name, before in old.items()}
    refresh_table(data)
    gone = {"reps", "values"}
    for name, before in old.items():
        after = json.loads((data / "sessions" / name / "session.json").read_text("utf-8"))
        assert set(before) - set(after) == gone & set(before)
        after["source"] = {key: after["source"][key] for key in before["source"]}  # later versions know more of it
        assert {key: after[key] for key in before if key not in gone} == {k: v for k, v in before.items() if k not in gone}


def test_numbers_that_were_not_rounded_are_not_rounded_now(tmp_path: Path) -> None:
    data = a_copy("25_columns", tmp_path)
    path = data / "sessions" / "20250110-180000-seated-internal-ab12" / "session.json"
    peaks = [rep["peak_deg"] for rep in json.loads(path.read_text("utf-8"))["reps"]]
    refresh_table(data)
    (session,) = [s for s in read_sessions(data)[0] if s.id == path.parent.name]
    assert [rep.peak_deg for rep in session.rep_list] == peaks


# ---------------------------------------------------------------------- ended in the midst of it
class Killed(BaseException):
    """Stands for the end of the program: nothing catches it."""


def killed_after(monkeypatch: pytest.MonkeyPatch, calls: int) -> list[str]:
    """End the program after so many files were moved into place; return what was."""
    moved: list[str] = []
    real = Path.replace

    def move(self: Path, target: Path) -> Path:
        if len(moved) == calls:
            raise Killed
        moved.append(Path(target).name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", move)
    return moved


@pytest.mark.parametrize("name", ["30_columns", "32_columns_table_only"])
def test_wherever_taking_over_is_ended_nothing_is_lost_and_the_next_start_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = a_copy(name, tmp_path)
    with monkeypatch.context() as patch:
        moves = killed_after(patch, 10_000)
        refresh_table(whole, ManualClock())
    for calls in range(len(moves)):
        data = Path(shutil.copytree(LOGS / name, tmp_path / str(calls)))
        with monkeypatch.context() as patch:
            killed_after(patch, calls)
            with pytest.raises(Killed):
                refresh_table(data, ManualClock())
        assert logged(read_sessions(data)[0]) == EXPECTED[name], (calls, moves[:calls])
        assert refresh_table(data, ManualClock()) == (), (calls, moves[:calls])
        sessions, problems = read_sessions(data)
        assert (logged(sessions), problems) == (EXPECTED[name], [])
        assert sorted(person.name for person in read_people(data)[0]) == ["Ana Base", "Jürgen Ö"], "each person once"
        assert all(bool(s.record.person_id) == bool(s.person) for s in sessions), moves[:calls]
        assert (data / "reps.csv").read_bytes() == (whole / "reps.csv").read_bytes()
        assert not list(data.glob("reps*by*")) + list(data.glob(KEPT_TABLE)), "nothing looks as if a person had changed it"


def test_a_full_disk_while_taking_over_is_said_and_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = a_copy("32_columns", tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        (note,) = refresh_table(data)
    assert "the disk is full" in note
    assert logged(read_sessions(data)[0]) == EXPECTED["32_columns"]
    assert not list(data.rglob("*.tmp"))
    assert refresh_table(data) == ()
    assert logged(read_sessions(data)[0]) == EXPECTED["32_columns"]


# ---------------------------------------------------------------------- damage in an old folder
def test_a_damaged_session_is_made_again_from_its_rows_and_the_damaged_file_is_kept(tmp_path: Path) -> None:
    data = a_copy("32_columns", tmp_path)
    folder = data / "sessions" / "20251018-183000-seated-internal-b132"
    torn = (folder / "session.json").read_bytes()[:900]
    (folder / "session.json").write_bytes(torn)
    (note,) = refresh_table(data)
    assert "session.json.damaged" in note
    assert (folder / "session.json.damaged").read_bytes() == torn
    sessions, problems = read_sessions(data)
    assert (logged(sessions), problems) == (EXPECTED["32_columns"], [])


def test_a_damaged_session_without_rows_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    data = a_copy("32_columns", tmp_path)
    folder = data / "sessions" / "20251021-091500-seated-internal-1d32"
    (folder / "session.json").write_bytes(b"{")
    refresh_table(data)
    sessions, problems = read_sessions(data)
    assert {s.id: rows for s, rows in zip(sessions, logged(sessions).values(), strict=True)} == {
        name: rows for name, rows in EXPECTED["32_columns"].items() if name != folder.name
    }
    assert [folder.name in problem for problem in problems] == [True]
    assert (folder / "session.json").read_bytes() == b"{"


def test_rows_with_a_name_that_is_no_folder_are_left_out_and_kept(tmp_path: Path) -> None:
    data = a_copy("32_columns_table_only", tmp_path)
    path = data / "reps.csv"
    rows = path.read_bytes()
    row = rows.split(b"\r\n")[1].partition(b",")[2]
    odd = b"".join(name + b"," + row + b"\r\n" for name in (b"../outside", b"..", b"x" * 300))
    path.write_bytes(rows + odd)
    notes = refresh_table(data)
    assert logged(read_sessions(data)[0]) == EXPECTED["32_columns_table_only"]
    assert (data / KEPT_TABLE).read_bytes() == rows + odd
    assert any(KEPT_TABLE in note for note in notes)
    assert not (tmp_path / "outside").exists()


def test_a_foreign_file_in_place_of_the_table_is_kept(tmp_path: Path) -> None:
    data = a_copy("32_columns", tmp_path)
    (data / "reps.csv").write_bytes(b"date,weight\r\n2026-01-01,80\r\n")
    notes = refresh_table(data)
    assert any(KEPT_TABLE in note for note in notes)
    assert (data / KEPT_TABLE).read_bytes() == b"date,weight\r\n2026-01-01,80\r\n"


def test_a_session_with_an_impossible_repetition_is_taken_from_its_rows(tmp_path: Path) -> None:
    """The session's own table could not hold such a repetition: it would vanish without a word."""
    data = a_copy("32_columns", tmp_path)
    path = data / "sessions" / "20251018-183000-seated-internal-b132" / "session.json"
    known = json.loads(path.read_text("utf-8"))
    known["reps"][1]["peak_deg"] = 1e6
    path.write_text(json.dumps(known), "utf-8")
    (note,) = refresh_table(data)
    assert path.parent.name in note
    assert logged(read_sessions(data)[0]) == EXPECTED["32_columns"]


# ---------------------------------------------------------------------- columns by name
def test_a_column_that_comes_later_leaves_the_log_of_today_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the next version will be: one column more at the end, and a field more in each repetition."""
    data = a_copy("32_columns", tmp_path)
    refresh_table(data)
    monkeypatch.setattr(repetitions, "REPETITION_COLUMNS", (*repetitions.REPETITION_COLUMNS, "later"))
    monkeypatch.setattr(schema, "REP_COLUMNS", (*REP_COLUMNS, "later"))
    later = (*REP_COLUMNS, "person_id")
    monkeypatch.setattr(table, "REP_COLUMNS", later)
    monkeypatch.setattr(table, "HEADER", header_of(later))
    monkeypatch.setattr(table, "_FROM_RECORD", [*table._FROM_RECORD, "person_id"])
    (data / "index.msgpack").unlink(missing_ok=True)
    sessions, problems = read_sessions(data)
    assert (logged(sessions), problems) == (EXPECTED["32_columns"], [])
    (data / "sessions" / sessions[0].id / "session.json").touch()
    assert refresh_table(data) == (), "an update of rotrack is no change by hand"
    rewritten = read_table(data / "reps.csv")
    assert rewritten.columns == later
    assert len(rewritten.rows) == sum(map(len, EXPECTED["32_columns"].values()))


def test_repetitions_with_a_column_more_or_in_another_order_are_read(tmp_path: Path) -> None:
    data = a_copy("32_columns", tmp_path)
    refresh_table(data)
    path = data / "sessions" / "20251018-183000-seated-internal-b132" / "repetitions.csv"
    known = read_table(path)
    columns = [column.upper() for column in reversed(known.columns)]
    rows = [[row[column.lower()] for column in columns] for _, row in known.rows]
    path.write_bytes(header_of([*columns, "later"]) + "".join(csv_line([*row, "x"]) for row in rows).encode())
    sessions, problems = read_sessions(data)
    assert (logged(sessions), problems) == (EXPECTED["32_columns"], [])


@pytest.mark.parametrize("columns", [25, 27, 30, 32, 41])
def test_each_version_is_known_by_its_columns(columns: int) -> None:
    there = read_table(LOGS / f"{columns}_columns" / "reps.csv").columns
    assert there in VERSIONS.values()
    assert schema.version_of(reversed(there)) == next(name for name, known in VERSIONS.items() if known == there)


def test_versions_are_each_others_beginning() -> None:
    """What a script does with the columns of one version holds for the next."""
    known: Mapping[str, tuple[str, ...]] = VERSIONS
    for earlier, later in zip(list(known.values())[:-1], list(known.values())[1:], strict=True):
        assert later[: len(earlier)] == earlier
    assert {field for field in Rep.__dataclass_fields__ if field in REP_COLUMNS} >= {"peak_deg", "dropped", "reason"}


def test_a_name_that_nobody_can_have_stands_in_nobodys_way(tmp_path: Path) -> None:
    data = a_copy("32_columns", tmp_path)
    folder = next((data / "sessions").glob("*-b132"))
    info = json.loads((folder / SESSION_FILE).read_text("utf-8"))
    (folder / SESSION_FILE).write_text(json.dumps(info | {"person": "x" * 5000}), "utf-8")
    refresh_table(data)
    stamp = (folder / SESSION_FILE).stat().st_mtime_ns
    assert refresh_table(data) == ()
    assert (folder / SESSION_FILE).stat().st_mtime_ns == stamp, "it is not written again at every start"
    sessions, problems = read_sessions(data)
    assert len(sessions) == 6 and not problems
