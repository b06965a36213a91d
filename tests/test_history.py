"""Sessions set beside each other, compared with like ones, changed and deleted without harm to the others."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from helpers import FOUR, a_rep, cut_off_session, everything, log_session
from test_log import documented

from rotrack.core.errors import InputError, RecordError
from rotrack.core.model import MEASURE_VERSION, WITHOUT_LEGNET, Direction, Side
from rotrack.records import folders
from rotrack.records.changes import date_session, delete_session, describe_session, drop_rep
from rotrack.records.folders import locked
from rotrack.records.history import (
    HISTORY_COLUMNS,
    earlier_sessions,
    history_csv,
    history_table,
    newest,
    people,
    rep_table,
    table_bytes,
    wrongly_dated,
)
from rotrack.records.record import Status, read_record
from rotrack.records.repetitions import REPETITIONS
from rotrack.records.rules import USUAL
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.session import INTERRUPTED, Session, load_session
from rotrack.records.store import read_sessions
from rotrack.system import files
from rotrack.system.files import write_for_person
from rotrack.system.inputs import read_table

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")


def sessions_of(data: Path) -> list[Session]:
    return read_sessions(data)[0]


def files_of(data: Path) -> dict[str, bytes]:
    """Return all files but those that rotrack makes again when it looks."""
    return {path: content for path, content in everything(data).items() if not path.startswith(("index.", "reps.csv.checksum"))}


# ---------------------------------------------------------------------- tables
def test_an_empty_folder_has_no_history(tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "nowhere"):
        assert read_sessions(data) == ([], [])
        assert people(data) == []
        assert len(history_table(data)) == 0
    assert not (tmp_path / "nowhere").exists()
    assert list(history_table(tmp_path).columns) == HISTORY_COLUMNS
    assert list(rep_table([]).columns) == list(REP_COLUMNS)


def test_people_are_listed_once_however_they_were_typed_the_latest_first(tmp_path: Path) -> None:
    for day, name in enumerate(["Ana", "Ben", "", "ana", " Ana ", "Jörg"], start=1):
        log_session(tmp_path, day, person=name)
    assert people(tmp_path) == ["Jörg", "Ana", "Ben"]
    assert [len(history_table(tmp_path, name)) for name in ("Ana", "ana ", "", "Nobody")] == [3, 3, 1, 0]
    assert len(history_table(tmp_path)) == 6


def test_the_table_has_one_row_per_session_side_and_direction(tmp_path: Path) -> None:
    reps = (
        a_rep(1, 30.0, faults=("O",)),
        a_rep(2, 90.0, faults=("T", "P"), valid=False, reason="thigh moved"),
        a_rep(3, 80.0, faults=("K",), dropped=True),
        a_rep(1, -20.0, RIGHT),
    )
    first = log_session(tmp_path, 1, reps, drill="seated-combined", band="red", load_kg=2.5, note="slow")
    log_session(tmp_path, 2, ())
    log_session(tmp_path, 3, tuple(a_rep(i, NAN, direction=INTERNAL) for i in (1, 2)), tier="D", drill="zst-confidence")
    (first / "annotated.mp4").touch()
    table = history_table(tmp_path)
    assert list(table.columns) == HISTORY_COLUMNS
    assert [*zip(table.side, table.direction, strict=True)] == [("left", "internal"), ("right", "external"), ("left", "internal")]
    row = table.iloc[0]
    assert (row.session_id, row.person, row.drill, row.tier) == (first.name, "Ana", "seated-combined", "A")
    assert (row.value_deg, row.uncertainty_deg) == (30.0, 4.0)
    assert (row.reps_used, row.reps_valid, row.reps_total) == (1, 1, 3)
    assert row.faults == "O P T", "not those of what was dropped"
    assert (row.band, row.load_kg, row.note) == ("red", 2.5, "slow")
    assert (row.calibration, row.zero, row.convention_version, row.status) == ("none", "neutral pose", "2", "finished")
    assert list(table.has_video) == [True, True, False]
    assert table.value_deg[1] == -20.0
    assert np.isnan([table.value_deg[2], table.load_kg[2]]).all()
    assert len(history_table(tmp_path, drill="zst-confidence")) == 1


def test_columns_are_those_of_the_data_dictionary() -> None:
    assert documented("The history table") == set(HISTORY_COLUMNS)


def test_the_table_as_a_file_opens_without_a_question_and_computes_nothing(tmp_path: Path) -> None:
    log_session(tmp_path, 1, person="Müller, Jörg", note="=1+1")
    table = history_table(tmp_path)
    write_for_person(tmp_path / "table.csv", history_csv(table))
    again = pd.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert (again.person[0], again.value_deg[0], again.note[0]) == ("Müller, Jörg", round(table.value_deg[0], 2), "'=1+1")
    assert read_table(tmp_path / "table.csv").rows[0][1]["note"] == "=1+1"


def test_any_table_goes_out_with_truths_and_missing_numbers_as_spreadsheets_know_them() -> None:
    table = pd.DataFrame({"a": [1.23456, NAN], "b": [True, False], "c": ["@x", None], "d": [1, 2]})
    assert table_bytes(table, 2).decode("utf-8-sig").splitlines() == ["a,b,c,d", "1.23,true,'@x,1", ",false,,2"]
    assert table_bytes(table).decode("utf-8-sig").splitlines()[1].startswith("1.23456,")


# ---------------------------------------------------------------------- comparing
def before(data: Path, folder: Path) -> list[str]:
    """Return what a session may be compared with, the latest first."""
    sessions = sessions_of(data)
    (this,) = [session for session in sessions if session.folder == folder]
    return [session.id for session in earlier_sessions(this, sessions)]


@pytest.mark.parametrize(
    "unlike",
    [
        {"person": "Ben"},
        {"drill": "seated-combined"},
        {"zero": "gravity"},
        {"convention_version": "1"},
        {"measure_version": MEASURE_VERSION + WITHOUT_LEGNET},
        {"calibration": "camera"},
    ],
    ids=str,
)
def test_only_like_is_compared_with_like(tmp_path: Path, unlike: dict[str, Any]) -> None:
    like = log_session(tmp_path, 1)
    log_session(tmp_path, 2, **unlike)
    now = log_session(tmp_path, 3)
    log_session(tmp_path, 4)
    assert before(tmp_path, now) == [like.name]


@pytest.mark.parametrize("nobody", ["", "  "])
def test_sessions_without_a_name_are_not_those_of_one_person(tmp_path: Path, nobody: str) -> None:
    log_session(tmp_path, 1, person=nobody)
    assert before(tmp_path, log_session(tmp_path, 2, person=nobody)) == []


def test_a_session_is_not_compared_with_itself_measured_again(tmp_path: Path) -> None:
    first = log_session(tmp_path, 1)
    original = log_session(tmp_path, 2)
    again = log_session(tmp_path, 3, remeasured_from=original.name, started_at=datetime(2026, 1, 2, 8, tzinfo=UTC))
    for folder in (original, again):
        assert before(tmp_path, folder) == [first.name]


def test_of_a_movement_that_was_measured_again_the_latest_whole_reading_counts(tmp_path: Path) -> None:
    original = log_session(tmp_path, 1)
    again = log_session(tmp_path, 2, remeasured_from=original.name)
    log_session(tmp_path, 3, (), remeasured_from=original.name, status=Status.NOT_MEASURED)
    cut_off_session(tmp_path, 4, FOUR[:1], remeasured_from=original.name)
    assert [session.folder for session in newest(sessions_of(tmp_path))] == [again]


@pytest.mark.parametrize("dated_first", [True, False])
def test_a_movement_dated_anew_keeps_the_reading_that_counts(tmp_path: Path, dated_first: bool) -> None:
    """An earlier date gives a later reading an id before that of the first one."""
    original, at = log_session(tmp_path, 28), datetime(2025, 6, 1, 8, tzinfo=UTC)
    if dated_first:
        date_session(tmp_path, original.name, at)
    again = log_session(
        tmp_path,
        29,
        session_id="20250601-080000-seated-internal-r20260201080000-0001",
        started_at=read_record(original).started_at,
        remeasured_from=original.name,
        remeasured_at=datetime(2026, 2, 1, 8, tzinfo=UTC),
    )
    if not dated_first:
        date_session(tmp_path, again.name, at)
    assert [session.folder for session in newest(sessions_of(tmp_path))] == [again]
    assert {session.started_at for session in sessions_of(tmp_path)} == {at}


def test_a_wrong_date_stays_known_when_only_a_later_reading_is_left(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        log_session(tmp_path, day, number=day)
    wrong = {"number": 4, "started_at": datetime(2025, 6, 1, 8, tzinfo=UTC)}
    original = log_session(tmp_path, 4, **wrong)
    again = log_session(tmp_path, 5, remeasured_from=original.name, **wrong)
    assert wrongly_dated(sessions_of(tmp_path)) == {original.name, again.name}
    delete_session(tmp_path, original.name)
    assert wrongly_dated(sessions_of(tmp_path)) == {again.name}


def test_nothing_was_measured_tomorrow(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    with pytest.raises(InputError, match="2199-01-01 is in the future"):
        date_session(tmp_path, folder.name, datetime(2199, 1, 1, tzinfo=UTC))
    assert read_record(folder).started_at.year == 2026


# ---------------------------------------------------------------------- dropping
def test_a_dropped_repetition_stays_in_the_log_and_can_come_back(tmp_path: Path) -> None:
    log_session(tmp_path, 1)
    folder = log_session(tmp_path, 2)
    at_first = files_of(tmp_path)
    session = drop_rep(tmp_path, folder.name, LEFT, INTERNAL, 4)
    (value,) = session.values
    assert (value.value_deg, value.reps_valid, value.reps_total) == (32.0, 3, 4)
    assert [rep.dropped for rep in load_session(folder).rep_list] == [False, False, False, True]
    changed = {path for path, content in files_of(tmp_path).items() if at_first[path] != content}
    assert changed == {"reps.csv", f"sessions/{folder.name}/{REPETITIONS}"}
    again = drop_rep(tmp_path, folder.name, LEFT, INTERNAL, [4], dropped=False)
    assert again.values[0].value_deg == pytest.approx((50 + 34 + 32) / 3)
    assert files_of(tmp_path) == at_first, "undone to the byte"


def test_a_curve_drawn_with_the_old_values_goes_away(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / "plot.html").write_text("left 39")
    drop_rep(tmp_path, folder.name, LEFT, INTERNAL, 4)
    assert not (folder / "plot.html").exists()


def test_only_the_excursion_that_was_meant_is_dropped(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, (a_rep(1, -20.0), a_rep(1, 30.0), a_rep(1, 33.0, RIGHT), a_rep(2, 31.0)))
    drop_rep(tmp_path, folder.name, LEFT, INTERNAL, (1, 2))
    assert [rep.dropped for rep in load_session(folder).rep_list] == [False, True, False, True]


def test_dropping_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    at_first = files_of(tmp_path)
    with pytest.raises(InputError, match="no repetition 7 of left internal; it has 1, 2, 3, 4"):
        drop_rep(tmp_path, folder.name, LEFT, INTERNAL, (1, 7))
    with pytest.raises(InputError, match="it has none of these"):
        drop_rep(tmp_path, folder.name, RIGHT, INTERNAL, 1)
    for name in ("nothing", "..", "", ".", f"../sessions/{folder.name}"):
        for change in (
            lambda name=name: drop_rep(tmp_path, name, LEFT, INTERNAL, 1),
            lambda name=name: delete_session(tmp_path, name),
        ):
            with pytest.raises(InputError, match="There is no session"):
                change()
    assert files_of(tmp_path) == at_first


def test_damaged_rows_are_kept_beside_when_others_are_changed(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    path = folder / REPETITIONS
    path.write_bytes(damaged := path.read_bytes().replace(b"34.0", b"34.x", 1))
    drop_rep(tmp_path, folder.name, LEFT, INTERNAL, 1)
    assert (folder / f"{REPETITIONS}.damaged").read_bytes() == damaged


# ---------------------------------------------------------------------- describing
def test_note_band_and_load_can_be_told_later_and_taken_back(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, note="old")
    other = log_session(tmp_path, 2)
    others = everything(other)
    describe_session(tmp_path, folder.name, note='knee, "tight"', band="red", load_kg=2.5)
    session = describe_session(tmp_path, folder.name, load_kg=0.0)
    for record in (session.record, read_record(folder)):
        assert (record.note, record.band, record.load_kg) == ('knee, "tight"', "red", 0.0)
    describe_session(tmp_path, folder.name, value_rule="single")
    describe_session(tmp_path, folder.name, note="", band="", load_kg=NAN, value_rule="")
    record = read_record(folder)
    assert (record.note, record.band, record.value_rule) == ("", "", USUAL)
    assert history_table(tmp_path).load_kg.isna().all()
    assert everything(other) == others


@pytest.mark.parametrize(
    "wrong",
    [{"band": "two\nlines"}, {"note": "x" * 2001}, {"load_kg": -1.0}, {"load_kg": 9e9}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_cannot_be_noted_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    folder = log_session(tmp_path, 1)
    at_first = files_of(tmp_path)
    with pytest.raises(InputError):
        describe_session(tmp_path, folder.name, **wrong)
    assert files_of(tmp_path) == at_first


def test_a_session_that_was_cut_off_is_settled_by_a_note(tmp_path: Path) -> None:
    folder = cut_off_session(tmp_path, 1)
    describe_session(tmp_path, folder.name, note="slow")
    record = read_record(folder)
    assert (record.status, record.warnings, record.note) == (Status.INTERRUPTED, (INTERRUPTED,), "slow")
    assert sessions_of(tmp_path)[0].record.warnings == (INTERRUPTED,)


# ---------------------------------------------------------------------- deleting
def test_deleting_a_session_leaves_all_others(tmp_path: Path) -> None:
    folders = [log_session(tmp_path, day) for day in (1, 2, 3)]
    (folders[1] / "extra").mkdir()
    (folders[1] / "extra" / "more").touch()
    others = [everything(folders[0]), everything(folders[2])]
    delete_session(tmp_path, folders[1].name)
    assert [session.folder for session in sessions_of(tmp_path)] == [folders[0], folders[2]]
    assert [everything(folders[0]), everything(folders[2])] == others
    assert folders[1].name.encode() not in (tmp_path / "reps.csv").read_bytes()


def test_a_session_without_a_record_can_be_deleted(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / "session.json").unlink()
    delete_session(tmp_path, folder.name)
    assert not folder.exists()


def test_what_cannot_be_deleted_stays_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = log_session(tmp_path, 1)
    unlink = Path.unlink

    def held(self: Path, missing_ok: bool = False) -> None:
        if self.parent == folder:
            assert (folder / "session.json").exists(), "it goes last"
        if self.name == "landmarks.csv.gz":
            raise PermissionError(errno.EACCES, "held by another program", str(self))
        unlink(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", held)
        with pytest.raises(RecordError, match=r"landmarks.csv.gz cannot be deleted .*; close what shows it and try again\."):
            delete_session(tmp_path, folder.name)
    assert [session.folder for session in sessions_of(tmp_path)] == [folder]
    delete_session(tmp_path, folder.name)
    assert sessions_of(tmp_path) == []


def test_a_linked_session_folder_is_unlinked_not_emptied(tmp_path: Path) -> None:
    folder, real = log_session(tmp_path, 1), tmp_path / "real"
    folder.rename(real)
    try:
        folder.symlink_to(real)
    except OSError:
        pytest.skip("links are not allowed here")
    delete_session(tmp_path, folder.name)
    assert not folder.exists()
    assert (real / "session.json").exists()


# ---------------------------------------------------------------------- when something breaks
CHANGES: dict[str, Callable[[Path, str], Any]] = {
    "drop": lambda data, session_id: drop_rep(data, session_id, LEFT, INTERNAL, 2),
    "describe": lambda data, session_id: describe_session(data, session_id, note="new"),
    "delete": delete_session,
}


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("change", ["drop", "describe"])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    folder = log_session(tmp_path, 1)
    at_first = files_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(RecordError, match="the disk is full"):
            CHANGES[change](tmp_path, folder.name)
    assert files_of(tmp_path) == at_first, "no draft is left either"
    CHANGES[change](tmp_path, folder.name)
    assert files_of(tmp_path) != at_first


def test_a_full_disk_can_be_freed_by_deleting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = log_session(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        delete_session(tmp_path, folder.name)
    assert not folder.exists()
    assert sessions_of(tmp_path) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_that_another_program_holds_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    folder = log_session(tmp_path, 1)
    at_first = files_of(tmp_path)
    monkeypatch.setattr(locked.__wrapped__, "__defaults__", (0.1,))
    with FileLock(tmp_path / folders.LOG_LOCK), pytest.raises(RecordError, match="Another program holds"):
        CHANGES[change](tmp_path, folder.name)
    assert files_of(tmp_path) == at_first
