"""The log: what is in it, and that nothing of it is lost when something breaks."""

import csv
import errno
import functools
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import FIXTURES, PATIENT_S, ROOT, a_crop, assert_one_sentence, environment, run_main, stop, wait_until

import rotrack
from rotrack.errors import RecordError
from rotrack.model import LEG_CROP_SHAPES, CurvePoint, Direction, LegCrop, Pose, Rep, Side, Step, empty_pose
from rotrack.records import log
from rotrack.records.log import (
    CURVE_COLUMNS,
    LANDMARK_COLUMNS,
    LEG_COLUMNS,
    LEGS_READ,
    REP_COLUMNS,
    SessionWriter,
    append_reps,
    being_written,
    data_folder,
    read_curve,
    read_info,
    read_poses,
    read_reps,
)
from rotrack.records.session import load_session

BOM = b"\xef\xbb\xbf"
NAN = float("nan")
REP = Rep(
    side=Side.LEFT,
    direction=Direction.EXTERNAL,
    rep=3,
    valid=False,
    peak_deg=-21.456,
    uncertainty_deg=4.567,
    gravity_deg=-19.876,
    fit_sd_deg=1.5,
    live_peak_deg=-20.5,
    range_deg=21.499,
    start_s=1.2345,
    peak_s=2.0,
    end_s=3.25,
    hold_s=0.75,
    faults=("T", "O"),
    reason="thigh moved",
    visibility=0.98765,
)


def info(**changes: Any) -> dict[str, Any]:
    return {
        "session_id": "20260101-080000-seated-combined-0001",
        "started_at": "2026-01-01T08:00:00+01:00",
        "person": "",
        "drill": "seated-combined",
        "tier": "A",
        "calibration": "none",
        "zero": "neutral pose",
        "model": "heavy",
        "convention_version": "2",
        "measure_version": "1",
        "remeasured_from": "",
        "rotrack_version": "0.1.0",
        "note": "",
        **changes,
    }


def row(person: str = "Ana", note: str = "", **changes: Any) -> dict[str, str]:
    return log.rep_row(info(person=person, note=note), replace(REP, **changes))


def step(time_s: float = 1.0, reps: tuple[Rep, ...] = (), curve: tuple[CurvePoint, ...] = ()) -> Step:
    return Step(empty_pose(time_s, (640, 480), "nobody is seen in the picture"), {}, curve, reps)


def point(time_s: float, angle_deg: float = 1.23456, reason: str = "") -> CurvePoint:
    return CurvePoint(time_s, Side.RIGHT, angle_deg, 1.0, 2.0, 2.1, 2.2, 0.1, 3.0, 4.0, 0.5, 5.0, reason)


# ---------------------------------------------------------------------- columns
def documented(heading: str) -> set[str]:
    """Return the column names in the table under a heading of the data dictionary."""
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    part = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("|")][2:]
    return {name.strip() for cell in cells for name in cell.split(",")}


def test_columns_are_those_of_the_data_dictionary() -> None:
    assert documented("reps.csv") == set(REP_COLUMNS)
    assert documented("angles.csv") == set(CURVE_COLUMNS)
    assert documented("legs.csv.gz") == {"time_s", "side", *LEG_CROP_SHAPES}


def test_entries_of_session_json_are_those_of_the_data_dictionary(tmp_path: Path) -> None:
    session = rotrack.remeasure(FIXTURES / "internal_right", tmp_path)
    entries = documented("session.json") - {"key", "---"}
    views = {key for neutral in session.info["neutrals"] for key in neutral["view"]}
    assert entries == set(session.info) | views
    assert views == {"turn_deg", "camera_pitch_deg", "camera_roll_deg", "misfit"}
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    for name in {*asdict(REP), *session.info["neutrals"][0], *session.info["values"][0]}:
        assert name in text, name


def test_columns_keep_their_order(tmp_path: Path) -> None:
    """A spreadsheet or script that was made for the log must still fit the next version."""
    with SessionWriter(tmp_path, info()) as writer:
        writer.append(step(reps=(REP,), curve=(point(0.5),)))
    assert (tmp_path / "reps.csv").read_text("utf-8-sig").splitlines()[0] == (
        "session_id,started_at,person,drill,side,direction,rep,valid,peak_deg,live_peak_deg,range_deg,start_s,peak_s,end_s,"
        "hold_s,faults,reason,tier,calibration,zero,visibility,model,convention_version,rotrack_version,note,"
        "uncertainty_deg,gravity_deg,dropped,band,load_kg,measure_version,remeasured_from"
    )
    curve = (writer.folder / "angles.csv").read_text("utf-8")
    assert curve.splitlines()[0] == (
        "time_s,side,angle_deg,live_deg,uncorrected_deg,mediapipe_deg,legnet_deg,legnet_sd_deg,raw_deg,gravity_deg,pelvis_deg,"
        "uncertainty_deg,reason"
    )
    assert curve.splitlines()[1] == "0.500000,right,1.235,1.000,2.000,2.100,2.200,0.100,3.000,4.000,0.500,5.000,"
    assert len(LANDMARK_COLUMNS) == 5 + 33 * 6
    assert LANDMARK_COLUMNS[5:8] == ("nose_x_px", "nose_y_px", "nose_visibility")
    assert len(LEG_COLUMNS) == 2 + 25
    assert LEG_COLUMNS[:6] == ("time_s", "side", "middle_px_0", "middle_px_1", "points_px_0_0", "points_px_0_1")
    assert LEG_COLUMNS[-3:] == ("foot_px", "readable", "other_leg")


# ---------------------------------------------------------------------- reps.csv: what goes in comes out
@pytest.mark.parametrize(
    "text", ["Ana", "Müller, Jörg", 'Ann "Speedy" O\'Neil', "Łukasz Żółć", "山田 太郎", " spaces ", "a;b\tc", "'quoted'", ""]
)
def test_names_and_notes_come_back_as_they_were(tmp_path: Path, text: str) -> None:
    append_reps(tmp_path, [row(person=text, note=text), row(person="next")])
    table, problems = read_reps(tmp_path / "reps.csv")
    assert problems == []
    assert list(table.person) == [text, "next"]
    assert table.note[0] == text
    with (tmp_path / "reps.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [r["person"] for r in csv.DictReader(file)] == [text, "next"]
    assert list(pd.read_csv(tmp_path / "reps.csv", keep_default_na=False).person) == [text, "next"]


def test_numbers_come_back_rounded_to_what_they_are_worth(tmp_path: Path) -> None:
    append_reps(tmp_path, [row(), row(valid=True, faults=(), visibility=NAN, hold_s=NAN, gravity_deg=NAN)])
    table, problems = read_reps(tmp_path / "reps.csv")
    assert problems == []
    assert list(table.columns) == list(REP_COLUMNS)
    first, second = table.iloc[0], table.iloc[1]
    assert (first.peak_deg, first.range_deg, first.visibility) == (-21.46, 21.5, 0.988)
    assert (first.uncertainty_deg, first.gravity_deg) == (4.57, -19.88)
    assert first.start_s == pytest.approx(1.2345, abs=5e-4)
    assert (first.side, first.direction, first.rep, first.faults) == ("left", "external", 3, "T O")
    assert first.reason == "thigh moved"
    assert (bool(first.valid), bool(second.valid)) == (False, True)
    assert np.isnan([second.visibility, second.hold_s, second.gravity_deg]).all()


@pytest.mark.parametrize("load_kg", [2.5, 0.0, NAN, None])
def test_band_and_load_come_back(tmp_path: Path, load_kg: float | None) -> None:
    with SessionWriter(tmp_path, info(band='red, "long"', load_kg=load_kg)) as writer:
        writer.append(step(reps=(REP, replace(REP, dropped=True))))
        written = read_info(writer.folder)
    table, problems = read_reps(tmp_path / "reps.csv")
    assert problems == []
    assert list(table.dropped) == [False, True]
    assert list(table.band) == ['red, "long"'] * 2
    assert table.load_kg[0] == load_kg if load_kg in (2.5, 0.0) else np.isnan(table.load_kg[0])
    assert (written["band"], written["load_kg"]) == ('red, "long"', load_kg if load_kg in (2.5, 0.0) else None)


def test_the_log_opens_without_a_question(tmp_path: Path) -> None:
    append_reps(tmp_path, [row(), row(valid=True)])
    table = pd.read_csv(tmp_path / "reps.csv")
    assert table.columns[0] == "session_id", "the mark at the start is no part of the name"
    assert table.valid.dtype == bool
    assert pd.to_datetime(table.started_at)[0].hour == 8
    assert table.peak_deg.dtype == float


def test_the_byte_order_mark_comes_once(tmp_path: Path) -> None:
    for _ in range(3):
        append_reps(tmp_path, [row()])
    data = (tmp_path / "reps.csv").read_bytes()
    assert data.startswith(BOM)
    assert data.count(BOM) == 1
    assert data.count(b"session_id") == 1
    assert len(read_reps(tmp_path / "reps.csv")[0]) == 3


def append_many(folder: str, name: str, count: int) -> None:
    """Append rows one by one; runs in a process of its own."""
    for i in range(count):
        append_reps(Path(folder), [row(person=name, rep=i, note="x" * (i % 50))])


@pytest.mark.slow
def test_two_programs_that_log_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(str(tmp_path), name, 200)) for name in ("Ana", "Ben")]
    for process in writers:
        process.start()
    for process in writers:
        process.join(PATIENT_S)
    assert [process.exitcode for process in writers] == [0, 0]
    table, problems = read_reps(tmp_path / "reps.csv")
    assert problems == []
    assert (tmp_path / "reps.csv").read_bytes().count(BOM) == 1
    for name in ("Ana", "Ben"):
        assert list(table[table.person == name].rep) == list(range(200))


def test_a_log_that_another_program_holds_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LOCK_TIMEOUT_S", 0.1)
    with log.FileLock(tmp_path / "reps.csv.lock"), pytest.raises(RecordError, match=r"Another program holds reps\.csv"):
        append_reps(tmp_path, [row()])


# ---------------------------------------------------------------------- reps.csv: damage
def test_wherever_a_crash_tore_the_last_row_the_others_survive(tmp_path: Path) -> None:
    path = tmp_path / "reps.csv"
    append_reps(tmp_path, [row("first")])
    start = path.stat().st_size
    append_reps(tmp_path, [row('Jörg "J", Müller', note="ünd, so")])
    whole = path.read_bytes()
    for cut in range(start + 1, len(whole)):
        path.write_bytes(whole[:cut])
        append_reps(tmp_path, [row("later")])
        table, problems = read_reps(path)
        persons = list(table.person)
        assert (persons[0], persons[-1]) == ("first", "later"), whole[start:cut]
        assert len(persons) + len(problems) == 3, whole[start:cut]
        assert len(persons) == 3 or cut < len(whole) - 1, "a whole row that lacks only its line end is a whole row"
        if b"heavy" not in whole[start:cut]:  # surely incomplete
            assert len(problems) == 1
            assert "Line 3 of reps.csv" in problems[0]


DAMAGES: dict[str, Callable[[str], str]] = {
    "no number": lambda line: line.replace("-21.46", "-21.x6"),
    "no error": lambda line: line.replace("4.57", "4.x7"),
    "no load": lambda line: line.replace(",,1,", ",heavy,1,"),
    "neither dropped nor not": lambda line: line.replace(",false,,", ",maybe,,"),
    "no count": lambda line: line.replace(",3,false,", ",three,false,"),
    "neither true nor false": lambda line: line.replace(",false,", ",perhaps,"),
    "a cell too many": lambda line: line + ",one more",
    "cells missing": lambda line: line.rsplit(",", 4)[0],
    "zeros from a power failure": lambda line: "\0" * 300,
    "leftover of a merge": lambda line: "<<<<<<< HEAD",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_rows_are_named_by_line_and_left_out(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "reps.csv"
    append_reps(tmp_path, [row("one"), row("two"), row("three"), row("four")])
    lines = path.read_bytes().decode("utf-8-sig").split("\r\n")
    lines[3] = DAMAGES[damage](lines[3])
    path.write_bytes(BOM + "\r\n".join(lines).encode())
    table, problems = read_reps(path)
    assert list(table.person) == ["one", "two", "four"]
    assert len(problems) == 1
    assert "Line 4 of reps.csv" in problems[0]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("not text", BOM + b"\xff\xfe\x00\x9f" * 100),
        ("other columns", b"date,weight\r\n2026-01-01,80\r\n"),
        ("a part of the columns", BOM + ",".join(REP_COLUMNS[:-1]).encode() + b"\r\n"),
        ("columns in another order", BOM + ",".join(REP_COLUMNS[::-1]).encode() + b"\r\n"),
        ("an endless cell", BOM + ",".join(REP_COLUMNS).encode() + b'\r\n"' + b"x" * 200_000),
    ],
)
def test_a_foreign_or_broken_file_is_refused_with_a_sentence(tmp_path: Path, kind: str, data: bytes) -> None:
    path = tmp_path / "reps.csv"
    path.write_bytes(data)
    if kind == "an endless cell":  # the columns are right, so it may be read as a log of which no row can be used
        try:
            table, problems = read_reps(path)
        except RecordError as error:
            problems, table = [str(error)], []
        assert len(table) == 0
        assert len(problems) == 1
        return
    with pytest.raises(RecordError, match=r"reps\.csv.*\.$"):
        read_reps(path)


def test_a_missing_log_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"There is no log at .*; measure something first"):
        read_reps(tmp_path / "reps.csv")


@pytest.mark.parametrize("foreign", [b"date,weight\r\n2026-01-01,80\r\n", b"\x89PNG\r\n\x1a\n", b"my diary"])
def test_a_foreign_file_of_that_name_is_never_touched(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "reps.csv"
    path.write_bytes(foreign)
    with pytest.raises(RecordError, match=r"not a repetition log .* Rename or move it"):
        append_reps(tmp_path, [row()])
    with pytest.raises(RecordError, match=r"not a repetition log .* Rename or move it"):
        SessionWriter(tmp_path, info())
    assert path.read_bytes() == foreign


# ---------------------------------------------------------------------- a log that an earlier version began
HEADER_1 = (
    "session_id,started_at,person,drill,side,direction,rep,valid,peak_deg,live_peak_deg,range_deg,start_s,peak_s,end_s,hold_s,"
    "faults,reason,tier,calibration,zero,visibility,model,convention_version,rotrack_version,note"
)
ROWS_1 = (
    '20251201-080000-seated-combined-0001,2025-12-01T08:00:00+01:00,"Müller, Jörg",seated-combined,left,external,1,true,-31.20,'
    "-30.10,31.00,4.100,4.900,5.800,0.40,,,A,none,neutral pose,0.991,heavy,1,0.1.0,",
    "20251201-080000-seated-combined-0001,2025-12-01T08:00:00+01:00,Ana,seated-combined,left,internal,1,false,28.70,"
    '28.00,28.90,6.000,6.900,7.700,0.50,T O,thigh moved,A,none,neutral pose,,heavy,1,0.1.0,"2 kg, ""slow"""',
)


@dataclass(frozen=True)
class Earlier:
    """A log as an earlier version of rotrack began it; `lacks` are the columns that came later."""

    header: str
    rows: tuple[str, ...]
    lacks: tuple[str, ...]

    def write(self, folder: Path, *rows: str, newline: str = "\r\n", end: bool = True) -> Path:
        """Write it by hand."""
        path = folder / "reps.csv"
        path.write_bytes(BOM + newline.join([self.header, *(rows or self.rows)]).encode() + (newline.encode() if end else b""))
        return path


SINCE_LAST = ("measure_version", "remeasured_from")
EARLIER = [
    Earlier(HEADER_1, ROWS_1, ("uncertainty_deg", "gravity_deg", "dropped", "band", "load_kg", *SINCE_LAST)),
    Earlier(
        HEADER_1 + ",uncertainty_deg,gravity_deg",
        (ROWS_1[0] + ",4.20,-30.10", ROWS_1[1] + ",5.00,"),
        ("dropped", "band", "load_kg", *SINCE_LAST),
    ),
    Earlier(
        HEADER_1 + ",uncertainty_deg,gravity_deg,dropped,band,load_kg",
        (ROWS_1[0] + ",4.20,-30.10,,,", ROWS_1[1] + ",5.00,,false,,"),
        SINCE_LAST,
    ),
]
earlier_logs = pytest.mark.parametrize("earlier", EARLIER, ids=["version 1", "version 2", "version 3"])


@earlier_logs
def test_an_earlier_log_is_read_without_being_touched(tmp_path: Path, earlier: Earlier) -> None:
    path = earlier.write(tmp_path)
    before = path.read_bytes()
    table, problems = read_reps(path)
    assert problems == []
    assert list(table.columns) == list(REP_COLUMNS)
    assert list(table.peak_deg) == [-31.2, 28.7]
    assert list(table.person) == ["Müller, Jörg", "Ana"]
    assert list(table.note) == ["", '2 kg, "slow"']
    assert list(table.convention_version) == ["1", "1"]
    assert list(table.uncertainty_deg.isna()) == ["uncertainty_deg" in earlier.lacks] * 2
    assert list(table.dropped) == [False, False]
    assert list(table.band) == ["", ""]
    assert table.load_kg.isna().all()
    assert list(table.measure_version) == ["1", "1"]
    assert list(table.remeasured_from) == ["", ""]
    assert path.read_bytes() == before


@earlier_logs
@pytest.mark.parametrize("newline", ["\r\n", "\n"], ids=["as written", "saved by an editor"])
def test_appending_brings_an_earlier_log_up_to_date(tmp_path: Path, earlier: Earlier, newline: str) -> None:
    path = earlier.write(tmp_path, newline=newline)
    append_reps(tmp_path, [row("new")])
    data = path.read_bytes()
    assert data.startswith(BOM)
    assert data.count(BOM) == 1
    lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    assert lines[0] == ",".join(REP_COLUMNS) == f"{earlier.header},{','.join(earlier.lacks)}"
    commas = "," * len(earlier.lacks)
    assert lines[1:3] == [old + commas for old in earlier.rows], "what was there stays as it was, with the new cells empty"
    assert lines[4:] == [""]
    table, problems = read_reps(path)
    assert problems == []
    assert list(table.person) == ["Müller, Jörg", "Ana", "new"]
    assert list(table.convention_version) == ["1", "1", "2"]
    assert list(table.uncertainty_deg)[2] == 4.57
    assert [p.name for p in tmp_path.iterdir() if "tmp" in p.name] == []
    spreadsheet = pd.read_csv(path, keep_default_na=False)
    assert list(spreadsheet.note) == ["", '2 kg, "slow"', ""]


@earlier_logs
def test_a_log_is_brought_up_to_date_once(tmp_path: Path, earlier: Earlier) -> None:
    path = earlier.write(tmp_path)
    append_reps(tmp_path, [row("one")])
    once = path.read_bytes()
    append_reps(tmp_path, [row("two")])
    assert path.read_bytes().startswith(once)
    assert len(read_reps(path)[0]) == 4


@earlier_logs
def test_a_session_begins_beside_an_earlier_log(tmp_path: Path, earlier: Earlier) -> None:
    earlier.write(tmp_path)
    with SessionWriter(tmp_path, info(band="red", load_kg=2.5)) as writer:
        writer.append(step(reps=(REP,)))
    table = read_reps(tmp_path / "reps.csv")[0]
    assert list(table.convention_version) == ["1", "1", "2"]
    assert (list(table.band), list(table.load_kg)[2]) == (["", "", "red"], 2.5)


@earlier_logs
@pytest.mark.parametrize("end", [True, False])
def test_an_empty_earlier_log_is_brought_up_to_date(tmp_path: Path, earlier: Earlier, end: bool) -> None:
    path = tmp_path / "reps.csv"
    path.write_bytes(BOM + earlier.header.encode() + b"\r\n" * end)
    append_reps(tmp_path, [row("first")])
    table, problems = read_reps(path)
    assert (problems, list(table.person)) == ([], ["first"])
    assert path.read_bytes().decode("utf-8-sig").splitlines()[0] == ",".join(REP_COLUMNS)


@earlier_logs
def test_wherever_a_crash_tore_an_earlier_log_the_others_survive(tmp_path: Path, earlier: Earlier) -> None:
    whole = earlier.rows[1].encode()
    for cut in range(1, len(whole)):
        path = earlier.write(tmp_path, earlier.rows[0])
        path.write_bytes(path.read_bytes() + whole[:cut])
        append_reps(tmp_path, [row("later")])
        table, problems = read_reps(path)
        persons = list(table.person)
        assert (persons[0], persons[-1]) == ("Müller, Jörg", "later"), whole[:cut]
        assert len(persons) + len(problems) == 3, whole[:cut]


@earlier_logs
def test_a_row_of_an_earlier_log_that_lost_only_its_line_end_is_kept(tmp_path: Path, earlier: Earlier) -> None:
    """Whole rows survive the change even if the crash came between the last cell and the end of the line."""
    path = earlier.write(tmp_path, end=False)
    assert len(read_reps(path)[0]) == 2
    append_reps(tmp_path, [row("later")])
    table, problems = read_reps(path)
    assert (problems, list(table.person)) == ([], ["Müller, Jörg", "Ana", "later"])


@earlier_logs
def test_a_full_disk_leaves_an_earlier_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: Earlier) -> None:
    path = earlier.write(tmp_path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(log.os, "fsync", full)
    with pytest.raises(RecordError, match="the disk is full"):
        append_reps(tmp_path, [row("lost")])
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert len(read_reps(path)[0]) == 2
    assert {p.name for p in tmp_path.iterdir()} <= {"reps.csv", "reps.csv.lock"}, "the draft is gone"


def test_a_session_file_of_version_1_is_loaded_without_the_later_numbers(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, info()) as writer:
        old = {k: v for k, v in asdict(REP).items() if k not in ("uncertainty_deg", "gravity_deg", "fit_sd_deg", "dropped")}
        writer.update(reps=[old], warnings=[], apart=[])
    session = load_session(writer.folder)
    (again,) = session.rep_list
    assert np.isnan([again.uncertainty_deg, again.gravity_deg, again.fit_sd_deg]).all()
    assert replace(again, uncertainty_deg=0, gravity_deg=0, fit_sd_deg=0) == replace(
        REP, uncertainty_deg=0, gravity_deg=0, fit_sd_deg=0
    )


# ---------------------------------------------------------------------- a session's own files
def test_the_curve_comes_back(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, info()) as writer:
        writer.append(step(curve=(point(0.0333333), point(0.066667, NAN, "the left knee, or so, is not seen"))))
    curve = read_curve(writer.folder)
    assert list(curve.columns) == list(CURVE_COLUMNS)
    assert list(curve.time_s) == pytest.approx([0.033333, 0.066667])
    assert curve.angle_deg[0] == 1.235
    assert np.isnan(curve.angle_deg[1])
    assert list(curve.reason) == ["", "the left knee, or so, is not seen"]
    assert list(curve.side) == ["right", "right"]


def test_a_curve_of_version_1_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = ["time_s,side,angle_deg,live_deg,raw_deg,pelvis_deg,reason", "0.1,left,,,,,hidden", "0.2,left,1.5,1.2,1.6,0,"]
    (tmp_path / "angles.csv").write_text("\r\n".join(lines) + "\r\n", "utf-8")
    curve = read_curve(tmp_path)
    assert np.isnan(curve.angle_deg[0])
    assert curve.angle_deg[1] == 1.5
    assert list(curve.reason) == ["hidden", ""]


def test_session_json_is_strict_json_and_missing_numbers_stay_missing(tmp_path: Path) -> None:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    rep = replace(REP, visibility=NAN, hold_s=float("inf"))
    numbers = {"fps": NAN, "count": np.int64(3), "share": np.float64(0.5), "list": (1.0, NAN)}
    with SessionWriter(tmp_path, info(person="Jörg", source=numbers)) as writer:
        writer.update(reps=[asdict(rep)], warnings=[], apart=[])
    text = (writer.folder / "session.json").read_text("utf-8")
    stored = json.loads(text, parse_constant=refuse)
    assert "Jörg" in text
    assert stored["source"] == {"fps": None, "count": 3, "share": 0.5, "list": [1.0, None]}
    assert stored["reps"][0]["visibility"] is None
    json.loads(log.to_json({"a": NAN}), parse_constant=refuse)
    again = load_session(writer.folder).rep_list[0]
    assert again.faults == ("T", "O")
    assert np.isnan(again.visibility), "a missing number is NaN in Python"


def test_a_loaded_session_is_the_measured_one(tmp_path: Path) -> None:
    session = rotrack.remeasure(FIXTURES / "combined_left", tmp_path)
    again = rotrack.load_session(session.folder)
    assert again.rep_list == session.rep_list
    assert again.values == session.values
    assert again.apart_list == session.apart_list
    table, problems = read_reps(tmp_path / "reps.csv")
    assert problems == []
    assert list(table.peak_deg) == pytest.approx([round(r.peak_deg, 2) for r in session.rep_list])
    assert set(table.session_id) == {session.id}


def test_two_sessions_have_two_folders(tmp_path: Path) -> None:
    sessions = [rotrack.remeasure(FIXTURES / "idle", tmp_path) for _ in range(2)]
    assert len({s.folder for s in sessions}) == 2
    assert sorted(p.name for p in (tmp_path / "sessions").iterdir()) == sorted(s.id for s in sessions)


def test_the_data_folder_is_the_given_one_else_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "home"))
    assert data_folder(tmp_path / "given") == tmp_path / "given"
    assert data_folder() == tmp_path / "home"
    monkeypatch.delenv("ROTRACK_HOME")
    assert data_folder().name == "rotrack"


# ---------------------------------------------------------------------- broken sessions
def session_copy(folder: Path, name: str = "internal_right") -> Path:
    return Path(shutil.copytree(FIXTURES / name, folder / name))


@functools.cache
def whole_internal_right(out: str) -> tuple[Rep, ...]:
    return rotrack.remeasure(FIXTURES / "internal_right", out).rep_list


@pytest.mark.parametrize("share", [0.999, 0.6, 0.4])
def test_cut_off_landmarks_are_measured_as_far_as_they_go(tmp_path: Path, share: float) -> None:
    folder = session_copy(tmp_path)
    path = folder / "landmarks.csv.gz"
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    whole = list(read_poses(FIXTURES / "internal_right"))
    poses = list(read_poses(folder))
    assert 0.9 * share < len(poses) / len(whole) <= 1
    assert [p.time_s for p in poses] == [p.time_s for p in whole[: len(poses)]]
    session = rotrack.remeasure(folder, tmp_path / "out")
    known = [r for r in whole_internal_right(str(tmp_path / "whole")) if r.end_s < poses[-1].time_s - 1.5]
    assert len(known) >= 1
    assert list(session.rep_list[: len(known)]) == known, "what came before the cut is measured the same"


def test_damaged_landmarks_never_end_in_a_traceback(tmp_path: Path) -> None:
    folder = session_copy(tmp_path)
    path = folder / "landmarks.csv.gz"
    data = path.read_bytes()
    times = {p.time_s for p in read_poses(folder)}
    rng = np.random.default_rng(5)
    for _ in range(40):
        broken = bytearray(data)
        for place in rng.integers(20, len(data), 3):
            broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            read = list(read_poses(folder))
        except RecordError:
            continue
        assert len(read) < len(times), "a damaged file is never taken for a whole one"


def with_legs(folder: Path, count: int = 300) -> tuple[Path, list[Pose]]:
    """Log poses with what the leg network could say: of both legs, of one, or of none."""
    poses = []
    with SessionWriter(folder, info(legnet={"version": "1", "sha256": "0"})) as writer:
        for n in range(count):
            sides = ((), (Side.LEFT,), tuple(Side))[n % 7 % 3]
            legs = {side: a_crop(2 * n + (side is Side.LEFT)) for side in sides}
            poses.append(replace(empty_pose(n / 30, (640, 480), "hidden"), legs=legs))
            writer.append(Step(poses[-1], {}))
    return writer.folder, poses


def numbers(pose: Pose) -> dict[Side, list[float]]:
    return {side: leg.numbers().tolist() for side, leg in pose.legs.items()}


def test_what_the_leg_network_said_comes_back(tmp_path: Path) -> None:
    folder, poses = with_legs(tmp_path)
    again = list(read_poses(folder))
    assert [numbers(pose) for pose in again] == [numbers(pose) for pose in poses]
    assert isinstance(again[-1].legs.get(Side.LEFT, a_crop()).readable, float)
    assert {frozenset(pose.legs) for pose in read_poses(folder, legs=False)} == {frozenset()}
    missing = LegCrop.of(np.full(25, NAN))
    with SessionWriter(tmp_path, info(session_id="b", legnet={"version": "1"})) as writer:
        writer.append(Step(replace(poses[0], legs={Side.LEFT: missing}), {}))
    (pose,) = read_poses(writer.folder)
    assert np.isnan(pose.legs[Side.LEFT].numbers()).all()


def test_without_the_leg_network_there_is_no_file_of_it(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, info(legnet=None)) as writer:
        writer.append(step())
    assert not (writer.folder / LEGS_READ).exists()
    assert [pose.legs for pose in read_poses(writer.folder)] == [{}]


@pytest.mark.parametrize("share", [0.999, 0.6, 0.1])
def test_where_the_leg_network_is_cut_off_the_landmarks_end_too(tmp_path: Path, share: float) -> None:
    folder, poses = with_legs(tmp_path)
    path = folder / LEGS_READ
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    again = list(read_poses(folder))
    assert 0.6 * share < len(again) / len(poses) < 1
    assert [numbers(pose) for pose in again] == [numbers(pose) for pose in poses[: len(again)]], "none has lost its legs"


def test_legs_that_are_ahead_of_the_landmarks_are_left_out(tmp_path: Path) -> None:
    folder, poses = with_legs(tmp_path)
    path = folder / log.LANDMARKS
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = list(read_poses(folder))
    assert 10 < len(again) < len(poses)
    assert [numbers(pose) for pose in again] == [numbers(pose) for pose in poses[: len(again)]]


@pytest.mark.parametrize("broken", ["missing", "empty", "text", "folder", "other columns"])
def test_a_damaged_file_of_the_leg_network_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], broken: str
) -> None:
    folder = session_copy(tmp_path)
    stored = read_info(folder)
    (folder / "session.json").write_text(json.dumps(stored | {"legnet": {"version": "1", "sha256": "0"}}), "utf-8")
    path = folder / LEGS_READ
    if broken == "folder":
        path.mkdir()
    elif broken != "missing":
        path.write_bytes({"empty": b"", "text": b"time_s\n"}.get(broken, (folder / log.LANDMARKS).read_bytes()))
    ended = run_main(monkeypatch, capfd, "remeasure", folder, "--out", tmp_path / "out")
    assert_one_sentence(ended, 3, "has no legs.csv.gz" if broken == "missing" else "legs.csv.gz is damaged", "--no-legnet")
    assert not (tmp_path / "out").exists()
    ended = run_main(monkeypatch, capfd, "remeasure", folder, "--out", tmp_path / "out", "--no-legnet")
    assert ended.code == 0


@pytest.mark.parametrize("broken", ["missing", "empty", "text", "folder", "no rows"])
def test_a_session_without_landmarks_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], broken: str
) -> None:
    folder = session_copy(tmp_path)
    path = folder / "landmarks.csv.gz"
    data = path.read_bytes()
    path.unlink()
    if broken == "empty":
        path.touch()
    if broken == "text":
        path.write_text("time_s\n")
    if broken == "folder":
        path.mkdir()
    if broken == "no rows":
        path.write_bytes(data[:300])
    ended = run_main(monkeypatch, capfd, "remeasure", folder, "--out", tmp_path / "out")
    assert_one_sentence(ended, 3, "landmarks.csv.gz", "cannot be measured again")
    assert not (tmp_path / "out" / "reps.csv").exists()


def session_json(**changes: Any) -> str:
    stored = json.loads((FIXTURES / "internal_right" / "session.json").read_text("utf-8"))
    return json.dumps({k: v for k, v in {**stored, **changes}.items() if v != "gone"})


BROKEN_SESSIONS = {
    "empty": "",
    "cut off": "{",
    "a list": "[]",
    "null": "null",
    "a text": '"text"',
    "nothing in it": "{}",
    "only a name": '{"session_id": "x"}',
    "no name": session_json(session_id="gone"),
    "no sides": session_json(sides="gone"),
    "no drill": session_json(drill="gone"),
    "no source": session_json(source="gone"),
    "no settings": session_json(settings="gone"),
    "a band that is no text": session_json(band=5),
    "a load that is no number": session_json(load_kg="heavy"),
    "half a source": session_json(source={"name": "x"}),
    "settings are null": session_json(settings=None),
    "no UTF-8": "\ufffe\ufffe",
}


@pytest.mark.parametrize("broken", BROKEN_SESSIONS)
def test_a_broken_session_file_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], broken: str
) -> None:
    folder, text = session_copy(tmp_path), BROKEN_SESSIONS[broken]
    (folder / "session.json").write_bytes(text.encode("utf-16" if "\ufffe" in text else "utf-8"))
    ended = run_main(monkeypatch, capfd, "remeasure", folder, "--out", tmp_path / "out")
    assert_one_sentence(ended, 3, "session.json")


BROKEN_REPS = {
    "cells missing": [{"side": "left"}],
    "unknown cell": [{**asdict(REP), "surprise": 1}],
    "no list": "none",
    "no table": [None],
    "unknown side": [{**asdict(REP), "side": "middle"}],
}


@pytest.mark.parametrize("broken", BROKEN_REPS)
def test_broken_repetitions_in_a_session_file_are_explained(tmp_path: Path, broken: str) -> None:
    folder = session_copy(tmp_path)
    (folder / "session.json").write_text(session_json(reps=BROKEN_REPS[broken]), "utf-8")
    with pytest.raises(RecordError, match=r"session\.json"):
        load_session(folder)


def test_a_folder_that_is_no_session_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not a session"):
        read_info(tmp_path)
    with pytest.raises(RecordError, match=r"angles\.csv is missing or damaged"):
        read_curve(tmp_path)


def test_a_torn_curve_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, info()) as writer:
        writer.append(step(curve=tuple(point(i / 30) for i in range(5))))
    path = writer.folder / "angles.csv"
    whole = path.read_bytes()
    last = whole[:-2].rindex(b"\r\n") + 2
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        curve = read_curve(writer.folder)
        assert list(curve.time_s[:4]) == pytest.approx([0, 1 / 30, 2 / 30, 0.1], abs=1e-6)
        assert list(curve.angle_deg[:4]) == [1.235] * 4


# ---------------------------------------------------------------------- the disk
@pytest.mark.parametrize("problem", ["refused", "half written"])
def test_a_full_disk_leaves_only_whole_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str) -> None:
    append_reps(tmp_path, [row("before")])
    path = tmp_path / "reps.csv"
    before = path.read_bytes()
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if problem == "half written":
            return write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(log.os, "write", full)
        with pytest.raises(RecordError, match="the disk is full: free some space") as told:
            append_reps(tmp_path, [row("lost"), row("lost")])
    assert "\n" not in str(told.value)
    assert path.read_bytes() == before
    append_reps(tmp_path, [row("after")])
    assert list(read_reps(path)[0].person) == ["before", "after"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "read-only: choose another"),
        (errno.EACCES, "not allowed: choose another"),
        (errno.EPERM, "not allowed: choose another"),
        (errno.ENOTDIR, "choose another folder with --out"),
        (errno.EIO, "choose another folder with --out"),
    ],
)
def test_a_folder_that_cannot_be_written_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: int, advice: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "idle", "--out", tmp_path / "out")
    assert_one_sentence(ended, 3, "cannot be written", advice, "What was logged before is kept")


def test_a_data_folder_that_is_a_file_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "idle", "--out", taken)
    assert_one_sentence(ended, 3, "a part of that path is a file", "--out")
    assert taken.read_text() == "mine"


def test_a_repetition_is_logged_even_when_its_landmarks_no_longer_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(RecordError, match="disk is full"), SessionWriter(tmp_path, info()) as writer:
        monkeypatch.setattr(writer._landmarks, "write", full)
        writer.append(step(reps=(REP,)))
    assert list(read_reps(tmp_path / "reps.csv")[0].rep) == [3], "it was measured before the disk was full"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Any]:
    """Mount small disks where this is allowed; the tests above stand in where it is not."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: list[Path] = []

    def make(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("kilobytes", [4, 24, 60, 120])
def test_a_disk_that_fills_up_keeps_what_was_written(
    mount: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], kilobytes: int
) -> None:
    disk = mount(f"size={kilobytes}k")
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "combined_left", "--out", disk)
    assert_one_sentence(ended, 3, "the disk is full: free some space", "What was logged before is kept")
    folders = list((disk / "sessions").iterdir()) if (disk / "sessions").exists() else []
    for folder in folders:
        assert read_info(folder)["drill"] == "seated-combined"
        if kilobytes > 20:
            assert len(list(read_poses(folder))) > 10
            assert len(read_curve(folder)) > 10
    path = disk / "reps.csv"
    if path.exists() and path.stat().st_size:
        table, problems = read_reps(path)
        assert problems == []
        assert list(table.rep) == [1, 1, 2, 2][: len(table)]
    if kilobytes == 120:
        assert path.stat().st_size > 0, "the first repetition was finished long before the disk was full"


def test_an_existing_log_survives_a_full_disk(mount: Any) -> None:
    disk = mount("size=16k")
    append_reps(disk, [row("before")])
    before = (disk / "reps.csv").read_bytes()
    with pytest.raises(OSError, match="No space"), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 1024)
    with pytest.raises(RecordError, match="the disk is full"):
        append_reps(disk, [row("lost", note="n" * 200)] * 40)
    assert (disk / "reps.csv").read_bytes() == before
    (disk / "filler").unlink()
    append_reps(disk, [row("after")])
    assert list(read_reps(disk / "reps.csv")[0].person) == ["before", "after"]


def test_a_read_only_disk_is_explained(mount: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    disk = mount("size=1m,ro")
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "idle", "--out", disk)
    assert_one_sentence(ended, 3, "the folder is read-only: choose another one with --out")


# ---------------------------------------------------------------------- killed
FEEDER = """
import sys, time
from pathlib import Path
from rotrack.drills import load_table
from rotrack.model import Side
from rotrack.records.log import SessionWriter, read_info, read_poses
from rotrack.tracking.pipeline import RotationTracker

fixture, data = Path(sys.argv[1]), Path(sys.argv[2])
info = read_info(fixture) | {"session_id": "killed", "status": "running", "measure_version": "1", "remeasured_from": ""}
tracker = RotationTracker(load_table().drill(info["drill"]), tuple(Side))
with SessionWriter(data, info) as writer:
    for pose in read_poses(fixture):
        step = tracker.update(pose)
        writer.append(step)
        time.sleep(0.01)
        if step.reps:
            print("rep", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="no SIGKILL here")
def test_a_killed_program_leaves_its_repetitions_curve_and_landmarks(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FEEDER, str(FIXTURES / "internal_right"), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(tmp_path))
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "rep\n"
        assert being_written(tmp_path / "sessions" / "killed")
        time.sleep(0.8)  # into the next repetition
    finally:
        stop(process)
    assert process.returncode == -9
    table, problems = read_reps(tmp_path / "reps.csv")
    assert problems == []
    assert len(table) >= 1
    assert list(table.rep) == list(range(1, len(table) + 1))
    folder = tmp_path / "sessions" / "killed"
    assert read_info(folder)["status"] == "running"
    assert not being_written(folder), "the system took the lock from the dead program"
    poses, curve = list(read_poses(folder)), read_curve(folder)
    whole = list(read_poses(FIXTURES / "internal_right"))
    assert len(poses) < len(whole), "it was killed in the middle"
    end_s = table.end_s.iloc[0]
    assert poses[-1].time_s > end_s - 1, "landmarks are at most a second behind"
    assert curve.time_s.max() > end_s - 2.2, "the curve settles a second later"
    for a, b in zip(whole, poses, strict=False):
        np.testing.assert_array_equal(a.image_px, b.image_px)
    append_reps(tmp_path, [row("next session")])
    assert list(read_reps(tmp_path / "reps.csv")[0].person)[-1] == "next session"
    again = rotrack.remeasure(folder, tmp_path / "again")
    assert again.rep_list[0].peak_deg == pytest.approx(table.peak_deg.iloc[0], abs=0.01)


def test_a_repetition_is_on_disk_as_soon_as_it_is_complete(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, info()) as writer:
        writer.append(step(1.0))
        assert not (tmp_path / "reps.csv").exists()
        writer.append(step(1.1, (REP,)))
        assert len(read_reps(tmp_path / "reps.csv")[0]) == 1
        for i in range(40):
            writer.append(step(1.2 + i / 30, curve=(point(i / 30),)))
        assert len(read_curve(writer.folder)) >= 20, "the curve is at most a second behind"
        assert len(list(read_poses(writer.folder))) >= 20
    writer.close()


def test_a_session_is_known_to_be_written_as_long_as_it_is(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, info()) as writer:
        assert being_written(writer.folder)
    assert not being_written(writer.folder)
    assert sorted(p.name for p in writer.folder.iterdir()) == ["angles.csv", "landmarks.csv.gz", "session.json"]


def test_session_json_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A crash while writing it must leave the old one: it is written beside and then moved."""
    with SessionWriter(tmp_path, info()) as writer:
        before = (writer.folder / "session.json").stat().st_ino
        writer.update(status="finished")
        assert (writer.folder / "session.json").stat().st_ino != before
        assert [p.name for p in writer.folder.iterdir() if re.search("tmp", p.name)] == []
    assert wait_until(lambda: read_info(writer.folder)["status"] == "finished", 1)
