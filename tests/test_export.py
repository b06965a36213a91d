"""Sessions for other programs: every file is read back by something that rotrack did not write."""

import gzip
import json
import platform
import re
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from conftest import FRONT, SEATED, seated_pose
from helpers import FIXTURES, PATIENT_S, ROOT, Ended, a_record, assert_one_sentence, environment, run_main
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import (
    FOUR,
    INTERNAL,
    LEFT,
    NAN,
    RIGHT,
    append,
    begun,
    cut_off,
    everything,
    repetition,
    write,
)

import rotrack
from rotrack.core.errors import InputError, NotMeasuredError, RecordError
from rotrack.core.model import LANDMARK_NAMES, LEGS, MEASURE_VERSION, N_LANDMARKS, Pose, Rep, Side, Step
from rotrack.exchange.export import (
    COORDINATES,
    REDCAP_COLUMNS,
    TIDY_COLUMNS,
    VISIT_COLUMNS,
    WIDE_COLUMNS,
    marker_name,
    markers_over_time,
    mot,
    rotation_over_time,
    tidy_table,
    trc,
    visits_table,
    wide_table,
)
from rotrack.exchange.sheets import xlsx_bytes
from rotrack.exchange.typed import Form, import_readings
from rotrack.records.changes import drop_rep
from rotrack.records.history import table_bytes
from rotrack.records.landmarks import CURVE_COLUMNS, LANDMARK_COLUMNS, LEG_COLUMNS, read_poses
from rotrack.records.readings import read_readings
from rotrack.records.record import Network, Status
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.session import Session, load_session
from rotrack.records.store import read_sessions

BOM = b"\xef\xbb\xbf"
Run = Callable[..., Ended]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path) -> Run:
    """Run `rotrack export` in this process."""
    monkeypatch.setenv("ROTRACK_HOME", str(data))
    return partial(run_main, monkeypatch, capfd, "export")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder in which a left and a right leg were measured; it is only read."""
    data = tmp_path_factory.mktemp("measured")
    for fixture in ("combined_left", "internal_right"):
        rotrack.remeasure(FIXTURES / fixture, data)
    return data


def measured_session(data: Path, drill: str) -> Session:
    (session,) = (s for s in read_sessions(data)[0] if s.record.drill == drill)
    return session


def csv_of(path: Path, sep: str = ",") -> pd.DataFrame:
    payload = path.read_bytes()
    assert payload.startswith(BOM)
    assert payload.count(b"\n") == payload.count(b"\r\n") > 0
    return pd.read_csv(path, keep_default_na=False, dtype=str, sep=sep)


def read_mot(contents: bytes) -> tuple[list[str], pd.DataFrame]:
    """Read a motion file by its definition: a header that ends with endheader, names, numbers."""
    lines = contents.decode("ascii").split("\n")
    end = lines.index("endheader")
    assert lines.pop() == ""
    rows = [[float(cell) for cell in line.split("\t")] for line in lines[end + 2 :]]
    return lines[:end], pd.DataFrame(rows, columns=lines[end + 1].split("\t"))


def read_trc(contents: bytes) -> tuple[dict[str, str], pd.DataFrame]:
    """Read a marker file by its definition; columns are (marker, axis)."""
    lines = [line.split("\t") for line in contents.decode("ascii").split("\n")]
    assert lines[0][:3] == ["PathFileType", "4", "(X/Y/Z)"]
    names, axes = lines[3], lines[4]
    markers = names[2::3]
    assert names[:2] == ["Frame#", "Time"]
    assert axes == ["", "", *(f"{axis}{n}" for n in range(1, len(markers) + 1) for axis in "XYZ")]
    assert lines[5] == [""]
    assert lines[-1] == [""]
    rows = np.array(lines[6:-1], float)
    assert rows[:, 0].tolist() == list(range(1, len(rows) + 1))
    columns = pd.MultiIndex.from_product([markers, list("XYZ")])
    return dict(zip(lines[1], lines[2], strict=True)), pd.DataFrame(rows[:, 2:], index=rows[:, 1], columns=columns)


def curve_session(folder: Path, time_s: Any, left: Any = None, right: Any = None, **changes: Any) -> Session:
    """Return a session that has nothing but a curve."""
    about = a_record(1, status=Status.FINISHED, measured="hip rotation", **changes)
    empty = dict.fromkeys(CURVE_COLUMNS, "")
    angles = {"left": left, "right": right}
    rows = [
        {**empty, "time_s": f"{t:.6f}", "side": side, "angle_deg": "" if np.isnan(angle[i]) else f"{angle[i]:.3f}"}
        for i, t in enumerate(time_s)
        for side, angle in angles.items()
        if angle is not None
    ]
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=CURVE_COLUMNS).to_csv(folder / "angles.csv", index=False)
    return Session(folder, about, ())


def posed(data: Path, number: int, poses: list[Pose], reps: tuple[Rep, ...] = (), **changes: Any) -> str:
    """Log a session that has landmarks, and a curve without rows."""
    with begun(data, number, **changes) as writer:
        for pose in poses:
            writer.append(Step(pose, {}))
        append(writer, reps)
        writer.update(status=Status.FINISHED)
    return writer.record.session_id


# ---------------------------------------------------------------------- tidy
def test_tidy_says_of_every_repetition_what_the_log_says(measured: Path, run: Run, tmp_path: Path) -> None:
    ended = run("--to", tmp_path / "tidy.csv", "--out", measured)
    assert (ended.code, ended.out) == (0, "")
    assert "8 rows written to" in ended.err
    table, log = csv_of(tmp_path / "tidy.csv"), csv_of(measured / "reps.csv")
    log = log.sort_values("started_at", kind="stable")
    assert list(table.columns) == list(TIDY_COLUMNS)
    assert len(table) == len(log) == 8
    for column in REP_COLUMNS:
        if column.endswith(("_deg", "_s")) or column == "visibility":
            theirs = pd.to_numeric(log[column])
            assert pd.to_numeric(table[column]).to_numpy() == pytest.approx(theirs.to_numpy(), abs=1e-9, nan_ok=True), column
        else:
            assert table[column].tolist() == log[column].tolist(), column
    assert set(zip(table.side, table.direction, pd.to_numeric(table.peak_deg) > 0, strict=True)) == {
        ("left", "external", False),
        ("left", "internal", True),
        ("right", "internal", True),
    }
    assert table.used[table.side == "right"].tolist() == ["false", "true", "true", "true"], "the best three of four"
    assert (pd.to_numeric(table.fit_sd_deg) > 0).all()


def test_tidy_has_what_was_dropped_and_what_was_cut_off(data: Path) -> None:
    first = write(
        data, 1, (*FOUR, repetition(5, -20.0, RIGHT, faults=("T", "O"), valid=False, reason="thigh moved")), load_kg=2.5
    )
    drop_rep(data, first, LEFT, INTERNAL, 4)
    second = cut_off(data, 2, FOUR[:1], band="red")
    write(data, 3, (repetition(1, NAN, direction=INTERNAL),), tier="D", drill="zst-confidence")
    table = tidy_table(read_sessions(data)[0])
    assert table.session_id.tolist()[:6] == [first] * 5 + [second]
    assert table.dropped.tolist() == [False, False, False, True, False, False, False]
    assert table.used.tolist() == [True, True, True, False, False, True, False]
    assert table.faults[4] == "T O"
    assert table.status.tolist() == ["finished"] * 5 + ["interrupted", "finished"]
    assert (table.load_kg[0], table.band[5], table.measure_version[0]) == (2.5, "red", MEASURE_VERSION)
    assert np.isnan(table.load_kg[5])
    assert np.isnan(table.peak_deg[6])
    only_right = tidy_table(read_sessions(data)[0], RIGHT)
    assert (len(only_right), only_right.peak_deg[0]) == (1, -20.0)


@pytest.mark.parametrize("evil", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", " =1", "a\r\n=1"])
def test_no_text_of_a_log_from_elsewhere_is_computed_by_a_spreadsheet(data: Path, tmp_path: Path, evil: str) -> None:
    write(data, 1, note=evil, person=evil.strip())
    sessions, _ = read_sessions(data)
    for table in (tidy_table(sessions), wide_table(sessions)):
        (tmp_path / "table.csv").write_bytes(table_bytes(table))
        read = csv_of(tmp_path / "table.csv")
        assert len(read) == len(table)
        for text in (read.note[0], read.person[0]):
            assert text.lstrip()[0] not in "=+-@"
            assert re.fullmatch(r"[^\x00-\x1f]+", text)
            assert text.replace("'", "").split() == evil.split()
    assert "-34" not in table_bytes(wide_table(sessions)).decode()


def test_negative_numbers_stay_numbers(data: Path, tmp_path: Path) -> None:
    write(data, 1, (repetition(1, -34.25),))
    (tmp_path / "table.csv").write_bytes(table_bytes(tidy_table(read_sessions(data)[0])))
    assert pd.read_csv(tmp_path / "table.csv").peak_deg[0] == -34.25


@pytest.mark.parametrize("evil", ["=1+1", "+cmd", "@SUM(A1)", " =1"])
def test_a_workbook_holds_no_formula_and_keeps_numbers_truths_and_days(data: Path, tmp_path: Path, evil: str) -> None:
    write(data, 1, (repetition(1, -34.25),), note=evil, person=evil.strip())
    sessions, _ = read_sessions(data)
    for table in (tidy_table(sessions), wide_table(sessions), visits_table(sessions)):
        (tmp_path / "table.xlsx").write_bytes(xlsx_bytes(table))
        heads, row = openpyxl.load_workbook(tmp_path / "table.xlsx").active.iter_rows()
        cells = dict(zip((cell.value for cell in heads), row, strict=True))
        assert list(cells) == list(table.columns)
        assert not [cell for cell in row if cell.data_type == "f"]
        assert (cells["note"].value, cells["note"].quotePrefix) == (table.note[0], True)
        if "peak_deg" in cells:
            assert (cells["peak_deg"].value, cells["valid"].value, cells["load_kg"].value) == (-34.25, True, None)
        else:
            assert cells["date"].is_date


def test_a_table_with_decimal_commas_has_numbers_and_texts_unharmed(run: Run, data: Path, tmp_path: Path) -> None:
    write(data, 1, (repetition(1, -34.25),), note="a;b, =1.5", person="=1.5")
    assert run("--decimal-comma", "--to", tmp_path / "de.csv").code == 0
    table = csv_of(tmp_path / "de.csv", sep=";")
    assert (table.peak_deg[0], table.note[0], table.person[0]) == ("-34,25", "a;b, '=1.5", "'=1.5")
    assert "," not in table.rotrack_version[0], "only numbers have a comma"
    read = pd.read_csv(tmp_path / "de.csv", sep=";", decimal=",")
    assert read.peak_deg[0] == -34.25
    assert_one_sentence(run("--decimal-comma", "--to", tmp_path / "de.xlsx"), 2, "leave it out")
    assert_one_sentence(run("--decimal-comma", "-f", "mot", "--to", tmp_path / "x.mot"), 2, "leave it out")


# ---------------------------------------------------------------------- visits
def test_a_visit_has_both_legs_of_a_day_side_by_side(run: Run, data: Path, tmp_path: Path) -> None:
    both = {"drill": "seated-combined", "person": "Bo"}
    first = write(data, 1, (repetition(1, 30.0), repetition(1, -20.0, faults=("T",))), **both)
    later = repetition(1, 40.0, RIGHT, start_s=5.0, peak_s=5.5, end_s=6.0)
    second = write(data, 2, (repetition(1, 32.5), later), started_at="2026-01-01T09:00:00+01:00", **both)
    write(data, 3, (repetition(1, 50.0),), started_at="2026-01-01T10:00:00+01:00", load_kg=2.0, **both)
    write(data, 4, (repetition(1, 25.0),), started_at="2026-01-02T10:00:00+01:00", **both)
    stretched = (repetition(1, NAN, direction=INTERNAL, hold_s=5.0, uncertainty_deg=NAN),)
    write(data, 5, stretched, tier="D", drill="zst-confidence")
    assert run("-f", "visits", "--to", tmp_path / "visits.xlsx").code == 0
    table = pd.read_excel(tmp_path / "visits.xlsx")
    assert list(table.columns) == list(VISIT_COLUMNS)
    assert list(table.date.astype(str)) == ["2026-01-01", "2026-01-01", "2026-01-02"]
    visit = table.iloc[0]
    assert (visit.left_internal_deg, visit.left_external_deg, visit.right_internal_deg) == (32.5, 20, 40), (
        "the later of two counts"
    )
    assert np.isnan(visit.right_external_deg)
    assert (visit.left_arc_deg, visit.left_ratio) == (52.5, 1.62), "of the values beside it, not of one session"
    assert np.isnan(visit.right_arc_deg)
    assert (visit.sessions, visit.faults) == (f"{first} {second}", "T")
    assert (table.load_kg[1], table.left_internal_deg[1]) == (2, 50), "a loaded session is a visit of its own"
    assert list(visits_table([]).columns) == list(VISIT_COLUMNS)


def test_another_variant_of_a_drill_is_a_visit_of_its_own(data: Path) -> None:
    write(data, 1, (repetition(1, -30.0),), drill="longsit-external", variant="together")
    write(data, 2, (repetition(1, -40.0),), started_at="2026-01-01T09:00:00+01:00", drill="longsit-external")
    table = visits_table(read_sessions(data)[0])
    assert dict(zip(table.variant, table.left_external_deg, strict=True)) == {"together": 30.0, "": 40.0}


def test_what_one_leg_of_a_visit_says_is_not_lost_by_the_other(data: Path) -> None:
    """Who says nothing moved the leg by themselves, as in comparisons."""
    write(data, 1, (repetition(1, 30.0),), performed="active", pain_end=3.0)
    write(data, 2, (repetition(1, 40.0, RIGHT),), started_at="2026-01-01T09:00:00+01:00")
    write(data, 3, (repetition(1, 50.0),), started_at="2026-01-01T10:00:00+01:00", performed="passive")
    table = visits_table(read_sessions(data)[0])
    assert list(table.performed) == ["active", "passive"]
    visit = table.iloc[0]
    assert (visit.left_internal_deg, visit.right_internal_deg, visit.pain_end) == (30, 40, 3)
    assert np.isnan(table.pain_end[1])


def test_visits_come_in_again_as_readings(data: Path, tmp_path: Path) -> None:
    write(data, 1, (repetition(1, 30.0), repetition(1, -20.5, RIGHT)), drill="seated-combined", person="Bo")
    (tmp_path / "visits.xlsx").write_bytes(xlsx_bytes(visits_table(read_sessions(data)[0])))
    assert import_readings(tmp_path / "other", tmp_path / "visits.xlsx", Form(same={"instrument": "rotrack"})).added == 2
    table, _ = read_readings(tmp_path / "other")
    assert list(table.value_deg) == [30.0, 20.5]


def test_the_redcap_dictionary_has_every_field_of_the_table_but_redcaps_own(run: Run, tmp_path: Path) -> None:
    assert run("-f", "redcap-dictionary", "--to", tmp_path / "dictionary.csv").code == 0
    made = pd.read_csv(tmp_path / "dictionary.csv", dtype=str, keep_default_na=False)
    assert list(made["Variable / Field Name"]) == [name for name in REDCAP_COLUMNS if not name.startswith("redcap_")]
    assert set(made["Form Name"]) == {"hip_rotation"}
    assert (made["Field Label"] != "").all()
    pain = made[made["Variable / Field Name"] == "hip_pain_end"].iloc[0]
    kinds = ["Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max"]
    assert list(pain[kinds]) == ["number", "0", "10"]


def test_redcap_counts_the_visits_of_a_record_from_one(run: Run, data: Path, tmp_path: Path) -> None:
    for day, person in ((3, "P01"), (1, "P02"), (2, "P01")):
        write(data, day, (repetition(1, 20.0 + day),), person=person)
    assert run("-f", "redcap", "--to", tmp_path / "redcap.csv").code == 0
    assert (tmp_path / "redcap.csv").read_bytes().startswith(b"record_id,redcap_repeat_instrument,redcap_repeat_instance,")
    table = pd.read_csv(tmp_path / "redcap.csv")
    assert list(table.columns) == list(REDCAP_COLUMNS)
    rows = table[["record_id", "redcap_repeat_instance", "hip_date", "hip_left_internal_deg"]]
    assert list(rows.itertuples(index=False, name=None)) == [
        ("P01", 1, "2026-01-02", 22), ("P01", 2, "2026-01-03", 23), ("P02", 1, "2026-01-01", 21),
    ]  # fmt: skip
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name) for name in REDCAP_COLUMNS if not name.startswith("redcap_"))


# ---------------------------------------------------------------------- wide
def test_wide_has_a_row_per_session_and_leg(run: Run, data: Path, tmp_path: Path) -> None:
    reps = (
        *(replace(rep, faults=("O",)) for rep in FOUR),
        repetition(1, -20.0, gravity_deg=5.0),
        repetition(2, -30.5, uncertainty_deg=5.0, valid=False, faults=("T",)),
        repetition(1, -41.0, RIGHT, uncertainty_deg=6.0),
    )
    first = write(data, 1, reps, drill="seated-combined", note="slow", band="red", load_kg=2.0, person="Müller, Jörg")
    write(data, 2, ())
    stretched = tuple(repetition(i, NAN, direction=INTERNAL, hold_s=float(i), uncertainty_deg=NAN) for i in (1, 2))
    write(data, 3, stretched, tier="D", drill="zst-confidence")
    assert run("--format", "wide", "--to", tmp_path / "wide.csv").code == 0
    table = csv_of(tmp_path / "wide.csv")
    assert list(table.columns) == list(WIDE_COLUMNS)
    assert table.side.tolist() == ["left", "right", "left"]
    left, right, stretch = (row for _, row in table.iterrows())
    assert (left.session_id, left.person, left.date, left.drill) == (first, "Müller, Jörg", "2026-01-01", "seated-combined")
    assert (left.internal_deg, left.internal_uncertainty_deg) == ("38.67", "4.0"), "34, 32 and 50"
    assert (left.internal_reps_used, left.internal_reps_valid, left.internal_reps_total) == ("3", "4", "4")
    assert (left.external_deg, left.external_reps_used, left.external_reps_total) == ("20.0", "1", "2"), "without sign"
    assert (left.arc_deg, left.arc_uncertainty_deg, left.ratio) == ("58.67", "5.66", "1.93")
    assert (right.arc_deg, stretch.arc_deg) == ("", "")
    assert (left.faults, left.note, left.band, left.load_kg, left.status) == ("O T", "slow", "red", "2.0", "finished")
    assert (left.calibration, left.convention_version, left.measure_version) == ("none", "2", MEASURE_VERSION)
    assert (right.internal_deg, right.internal_reps_total, right.external_deg) == ("", "", "41.0")
    assert (right.external_uncertainty_deg, right.faults) == ("6.0", "")
    assert (stretch.internal_deg, stretch.internal_reps_total) == ("", "")
    assert (stretch.cycles, stretch.longest_hold_s, stretch.total_hold_s) == ("2", "2.0", "3.0")
    assert (left.cycles, left.total_hold_s) == ("", "")
    assert "nan" not in (tmp_path / "wide.csv").read_text("utf-8").lower()
    assert len(wide_table(read_sessions(data)[0], RIGHT)) == 1


def test_no_session_is_an_empty_table_with_all_columns() -> None:
    assert list(tidy_table([]).columns) == list(TIDY_COLUMNS)
    assert list(wide_table([]).columns) == list(WIDE_COLUMNS)


def test_columns_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs" / "export.md").read_text("utf-8")
    tables = {"Wide": WIDE_COLUMNS, "Visits": VISIT_COLUMNS, "REDCap": REDCAP_COLUMNS}
    tables = {heading: set(columns) for heading, columns in tables.items()}
    for heading, columns in ({"Tidy": set(TIDY_COLUMNS) - set(REP_COLUMNS)} | tables).items():
        part = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
        cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("|")][2:]
        assert {name.strip() for cell in cells for name in cell.split(",")} == columns, heading


# ---------------------------------------------------------------------- .mot
@pytest.mark.parametrize(("drill", "side"), [("seated-combined", LEFT), ("seated-internal", RIGHT)])
def test_mot_has_the_curve_of_each_leg_with_its_sign(measured: Path, drill: str, side: Side) -> None:
    session = measured_session(measured, drill)
    header, table = read_mot(mot(session).contents)
    assert header[0] == session.id
    assert {"version=1", "inDegrees=yes", f"nRows={len(table)}", "nColumns=3"} <= set(header)
    assert list(table.columns) == ["time", "hip_rotation_r", "hip_rotation_l"]
    curve = pd.read_csv(session.folder / "angles.csv")
    for leg, name in (("right", "hip_rotation_r"), ("left", "hip_rotation_l")):
        known = curve[(curve.side == leg) & curve.angle_deg.notna()]
        expected = np.interp(table.time, known.time_s, known.angle_deg)
        assert table[name].to_numpy() == pytest.approx(expected, abs=1e-3), leg
    moving = table[COORDINATES[side]]
    assert len(session.rep_list) == 4
    for rep in session.rep_list:
        at_peak = float(np.interp(rep.peak_s, table.time, moving))
        assert at_peak == pytest.approx(rep.peak_deg, abs=1.0)
        assert (at_peak > 0) == (rep.direction is INTERNAL)
    assert abs(table[COORDINATES[side.other]]).max() < 6, "the other leg was at rest"
    assert np.diff(table.time) == pytest.approx(1 / session.record.measured_fps, abs=2e-6)


def test_mot_of_one_leg_has_one_column(measured: Path) -> None:
    session = measured_session(measured, "seated-internal")
    header, table = read_mot(mot(session, LEFT).contents)
    assert list(table.columns) == ["time", "hip_rotation_l"]
    assert "nColumns=2" in header


def test_short_gaps_are_bridged_and_long_ones_left_out(tmp_path: Path) -> None:
    time_s = np.arange(91) / 30
    right = 10 * time_s
    right[10:15] = np.nan  # 0.2 s between the neighbours
    right[40:46] = np.nan
    left = -right
    left[:7] = np.nan
    session = curve_session(tmp_path / "both", time_s, left, right)
    table = rotation_over_time(session)
    missing = table.isna()
    assert list(np.flatnonzero(missing.hip_rotation_r)) == [40, 41, 42, 43, 44, 45]
    assert list(np.flatnonzero(missing.hip_rotation_l)) == [0, 1, 2, 3, 4, 5, 6, 40, 41, 42, 43, 44, 45]
    assert table.hip_rotation_r[10:15].to_numpy() == pytest.approx(10 * time_s[10:15], abs=1e-3)
    made = mot(session)
    _, written = read_mot(made.contents)
    assert written.time.to_numpy() == pytest.approx(np.delete(time_s, [*range(7), *range(40, 46)]), abs=1e-6)
    assert made.note == "13 of 91 moments are left out, since an angle is missing, 6 of them between others: look at the times."
    assert len(read_mot(mot(session, RIGHT).contents)[1]) == 85
    assert written.notna().all(axis=None)
    assert mot(curve_session(tmp_path / "one", time_s, right=10 * time_s)).note == ""


@given(
    st.lists(st.one_of(st.just(NAN), st.floats(-70, 70).map(lambda v: round(v, 3))), min_size=2, max_size=60).filter(
        lambda angles: np.isfinite(angles).any()
    ),
    st.sampled_from([6.0, 15.0, 29.97, 30.0, 60.0]),
    st.floats(0, 100).map(lambda t: round(t, 3)),
)
def test_every_angle_is_where_it_was_and_nothing_is_made_up(
    tmp_path_factory: pytest.TempPathFactory, angles: list[float], rate_hz: float, from_s: float
) -> None:
    time_s = from_s + np.arange(len(angles)) / rate_hz
    table = rotation_over_time(curve_session(tmp_path_factory.mktemp("curve"), time_s, left=np.array(angles)))
    assert list(table.columns) == ["hip_rotation_l"]
    assert table.index.to_numpy() == pytest.approx(time_s, abs=1e-3)
    found = table.hip_rotation_l.to_numpy()
    known = np.flatnonzero(np.isfinite(angles))
    # The grid's rate is rounded: beside its own picture, a moment is a little on the way to the next one.
    assert found[known] == pytest.approx(np.array(angles)[known], abs=140 * rate_hz * 1e-3)
    for i in np.flatnonzero(np.isnan(angles)):
        before, after = known[known < i], known[known > i]
        bridged = len(before) and len(after) and (after[0] - before[-1]) / rate_hz <= 0.2 + 1e-3
        assert np.isfinite(found[i]) == bool(bridged), (i, angles)
        if bridged:
            assert found[i] == pytest.approx(
                np.interp(i, [before[-1], after[0]], np.array(angles)[[before[-1], after[0]]]), abs=9
            )


def test_uneven_pictures_come_out_even(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    time_s = np.sort(np.arange(300) / 25 + rng.uniform(-0.01, 0.01, 300))
    time_s = np.delete(time_s, [50, 51, 52, *range(100, 140)])
    table = rotation_over_time(curve_session(tmp_path / "uneven", time_s, right=30 * np.sin(time_s)))
    steps = np.diff(table.index)
    assert steps == pytest.approx(steps[0])
    assert 1 / steps[0] == pytest.approx(25, abs=0.5)
    assert table.index[0] == pytest.approx(time_s[0], abs=1e-6)
    assert 0 <= time_s[-1] - table.index[-1] < steps[0]
    known = table.hip_rotation_r.dropna()
    assert known.to_numpy() == pytest.approx(30 * np.sin(known.index), abs=0.2)
    gap = table.hip_rotation_r[table.hip_rotation_r.isna()].index
    assert time_s[96] < gap[0] < gap[-1] < time_s[97], "the long one alone"
    assert len(gap) == pytest.approx(39, abs=2)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"tier": "C", "drill": "lunge-internal"}, InputError, "has an index and no degrees of hip rotation"),
        ({"tier": "D", "drill": "zst-confidence"}, InputError, "has count and hold time and no angle"),
        ({"right": np.array([NAN, NAN])}, NotMeasuredError, "has no angle of the legs"),
        ({"left": np.array([NAN, 2.0]), "right": np.array([2.0, NAN])}, NotMeasuredError, "export one leg at a time"),
        ({"time_s": [1.0], "right": np.array([2.0])}, NotMeasuredError, "a single picture"),
        ({"time_s": [0.0, 0.03, 0.06, 1e9], "right": np.ones(4)}, RecordError, "are not those of a recording"),
    ],
    ids=["index", "count", "no angle", "never both", "one picture", "odd times"],
)
def test_what_is_no_motion_is_explained(tmp_path: Path, changes: dict[str, Any], kind: type[Exception], words: str) -> None:
    given = {"time_s": [0.0, 0.033], **changes}
    with pytest.raises(kind, match=words):
        mot(curve_session(tmp_path / "session", **({"right": np.array([1.0, 2.0])} if "left" not in changes else {}) | given))


@pytest.mark.parametrize("cut", range(1, 45))
def test_a_row_that_was_torn_is_no_measurement(tmp_path: Path, cut: int) -> None:
    session = curve_session(tmp_path / "torn", np.arange(40) / 30, right=np.full(40, 30.0))
    path = session.folder / "angles.csv"
    whole = path.read_text("utf-8").rstrip("\n").replace(",,,,,,,", ",29.5,28.1,33.25,30.0,0.0,4.25,")
    path.write_text(whole[:-cut], "utf-8")
    assert rotation_over_time(session).hip_rotation_r.dropna().to_numpy() == pytest.approx(30.0)
    assert len(rotation_over_time(session)) == 39


@pytest.mark.parametrize("text", ["", "time_s\n", ",".join(CURVE_COLUMNS) + "\nnoon,right,3,,,,,,,\n", "\x00\x01"])
def test_a_damaged_curve_is_explained(tmp_path: Path, text: str) -> None:
    session = curve_session(tmp_path / "session", [0.0, 0.03], right=np.ones(2))
    (session.folder / "angles.csv").write_text(text, "utf-8")
    with pytest.raises(RecordError, match=r"angles\.csv is (missing or )?damaged"):
        mot(session)
    (session.folder / "angles.csv").unlink()
    with pytest.raises(RecordError, match="has no curve"):
        mot(session)


# ---------------------------------------------------------------------- .trc
def test_marker_names_are_those_of_pose2sim() -> None:
    names = [marker_name(name) for name in LANDMARK_NAMES]
    assert names[:1] + names[7:13] == ["Nose", "LEar", "REar", "LMouth", "RMouth", "LShoulder", "RShoulder"]
    assert names[1:7] == ["LEyeInner", "LEye", "LEyeOuter", "REyeInner", "REye", "REyeOuter"]
    assert names[-6:] == ["LAnkle", "RAnkle", "LHeel", "RHeel", "LBigToe", "RBigToe"]
    assert len(set(names)) == N_LANDMARKS


def test_trc_stands_in_the_axes_of_opensim(data: Path) -> None:
    """A synthetic person on a chair faces the camera: forward is x, up is y, the subject's right is z."""
    posed(data, 1, [seated_pose(i / 30, replace(FRONT, place=(0, 0, -2.8), target=(0, 0, 0))) for i in range(10)])
    (session,), _ = read_sessions(data)
    about, table = read_trc(trc(session).contents)
    assert about["Units"] == "m"
    first = table.iloc[0]
    assert first.RHip.Z == pytest.approx(-first.LHip.Z) == pytest.approx(SEATED.hips_m / 2, abs=1e-4)
    for side in "LR":
        assert pytest.approx(SEATED.thigh_m, abs=1e-4) == first[f"{side}Knee"].X - first[f"{side}Hip"].X, "forward"
        assert pytest.approx(-SEATED.shank_m, abs=1e-4) == first[f"{side}Ankle"].Y - first[f"{side}Knee"].Y, "down"
        assert first[f"{side}BigToe"].X > first[f"{side}Heel"].X
        assert first[f"{side}Shoulder"].Y > 0.3
    forward, up, right = first.RKnee - first.RHip, first.RShoulder - first.RHip, first.RHip - first.LHip
    assert np.cross(forward, up) @ right > 0, "right-handed"


def test_trc_turns_the_foot_as_the_leg_turns(data: Path) -> None:
    """Internal rotation on a chair takes the foot away from the other leg, on both sides."""
    posed(data, 1, [seated_pose(0.0), seated_pose(1 / 30, left=30.0, right=30.0)])
    _, table = read_trc(trc(read_sessions(data)[0][0]).contents)
    rest, turned = table.RAnkle.Z - table.RKnee.Z, table.LAnkle.Z - table.LKnee.Z
    assert rest.iloc[1] - rest.iloc[0] > 0.1
    assert turned.iloc[1] - turned.iloc[0] < -0.1


def test_trc_has_the_landmarks_as_they_were_logged(measured: Path) -> None:
    session = measured_session(measured, "seated-internal")
    made = trc(session)
    about, table = read_trc(made.contents)
    with gzip.open(session.folder / "landmarks.csv.gz", "rt") as file:
        logged = pd.read_csv(file)
    assert [about[k] for k in ("DataRate", "NumFrames", "NumMarkers")] == ["30.00", str(len(logged)), str(table.shape[1] // 3)]
    assert table.index.to_numpy() == pytest.approx(logged.time_s, abs=2e-3)
    seen = [name for name in LANDMARK_NAMES if logged[f"{name}_world_x_m"].notna().any()]
    assert list(table.columns.get_level_values(0)[::3]) == [marker_name(name) for name in seen]
    assert made.note == f"{N_LANDMARKS - len(seen)} of 33 landmarks were never seen and are left out."
    for name in seen:
        for axis, theirs in (("X", "z"), ("Y", "y"), ("Z", "x")):
            expected = -logged[f"{name}_world_{theirs}_m"]
            known = expected.notna().to_numpy()
            assert table[marker_name(name), axis].to_numpy()[known] == pytest.approx(expected[known], abs=2e-4), name


def test_trc_keeps_long_gaps(data: Path) -> None:
    poses = [seated_pose(i / 20) for i in range(40)]
    for i in (*range(10, 13), *range(20, 26)):
        world_m = poses[i].world_m.copy()
        world_m[LEGS[RIGHT].heel] = np.nan
        poses[i] = replace(poses[i], world_m=world_m)
    posed(data, 1, poses)
    session = read_sessions(data)[0][0]
    table = markers_over_time(session)
    assert list(np.flatnonzero(table.RHeel_x.isna())) == list(range(20, 26))
    assert table.LHeel_x.notna().all()
    contents = trc(session).contents.decode()
    assert contents.count("NaN") == 18
    assert "\t\t" not in contents.split("\n\n", 1)[1], "no empty cell, which OpenSim takes for the end of a row"


def test_trc_of_what_has_no_landmarks_is_explained(data: Path) -> None:
    (empty,) = read_sessions(data / "a" if write(data / "a", 1) else data)[0]
    with pytest.raises(NotMeasuredError, match="nobody was seen"):
        trc(empty)
    (empty.folder / "landmarks.csv.gz").unlink()
    with pytest.raises(RecordError, match="has no landmarks"):
        trc(empty)


# ---------------------------------------------------------------------- the command
def test_one_session_goes_into_a_file_and_several_into_a_folder(measured: Path, run: Run, tmp_path: Path) -> None:
    ids = [session.id for session in read_sessions(measured)[0]]
    one = run(ids[0], "-f", "mot", "--to", tmp_path / "one.mot", "--out", measured)
    assert (one.code, (tmp_path / "one.mot").exists()) == (0, True)
    for kind in ("mot", "trc"):
        ended = run("-f", kind, "--to", tmp_path / "all", "--out", measured)
        assert (ended.code, ended.out) == (0, "")
        assert f"2 files written to {tmp_path / 'all'}" in ended.err
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == sorted(f"{i}.{kind}" for i in ids for kind in ("mot", "trc"))
    assert (tmp_path / "all" / f"{ids[0]}.mot").read_bytes() == (tmp_path / "one.mot").read_bytes()
    assert run("--to", tmp_path / "all", "--out", measured).code == 0
    assert len(csv_of(tmp_path / "all" / "tidy.csv")) == 8
    several = run("-f", "trc", "--to", tmp_path / "all.trc", "--out", measured)
    assert_one_sentence(several, 2, "is one file, and these are 2 sessions; give a folder")


def test_nothing_is_replaced_without_being_told(run: Run, data: Path, tmp_path: Path) -> None:
    write(data, 1)
    there = tmp_path / "table.csv"
    there.write_text("mine")
    assert_one_sentence(run("--to", there), 2, "there already", "--overwrite")
    assert there.read_text() == "mine"
    assert run("--to", there, "--overwrite").code == 0
    assert len(csv_of(there)) == 4
    before = everything(data)
    assert_one_sentence(run("--to", data / "reps.csv", "--overwrite"), 2, "rotrack's own log")
    (folder,) = data.glob("sessions/*")
    assert_one_sentence(run("-f", "trc", "--to", folder / "mine.trc"), 2, "rotrack's own log")
    assert everything(data) == before


@pytest.mark.parametrize(
    ("to", "kind", "words"),
    [
        ("table.xls", "wide", "must end with .csv or .xlsx"),
        ("table.xlsx", "redcap", "must end with .csv"),
        ("motion.sto", "mot", "must end with .mot"),
        ("taken", "trc", "is a file; give a folder"),
        ("taken/table.csv", "tidy", "cannot be written"),
    ],
)
def test_places_that_do_not_fit_are_explained(run: Run, data: Path, tmp_path: Path, to: str, kind: str, words: str) -> None:
    write(data, 1)
    (tmp_path / "taken").touch()
    assert_one_sentence(run("-f", kind, "--to", tmp_path / to), 3 if "taken/" in to else 2, words)


def test_only_what_was_asked_for(run: Run, data: Path, tmp_path: Path) -> None:
    first = write(data, 1)
    write(data, 2, (repetition(1, 20.0), repetition(1, 21.0, RIGHT)), person="Ben")
    third = write(data, 3, (repetition(1, -20.0),), drill="seated-external")

    def ids(*args: object) -> list[str]:
        ended = run(*args, "--to", tmp_path / "table.csv", "--overwrite")
        assert ended.code == 0, ended.err
        return csv_of(tmp_path / "table.csv").session_id.unique().tolist()

    assert ids("--person", "Ana") == ids("--person", " ANA") == [first, third]
    assert ids("--person", "Ana", "--drill", "seated-external") == [third]
    assert ids(third, "20260101", first) == [third, first], "in the order in which they were named, each once"
    assert ids("last") == [third]
    assert ids(data / "sessions" / first) == [first]
    assert ids("--side", "right", "-f", "wide") == [f"20260102-080000-seated-internal-{2:04x}"]
    to = ("--to", tmp_path / "none.csv")
    assert_one_sentence(run("--person", "Cid", *to), 2, "Nothing of 'Cid' is logged in", "rotrack history")
    assert_one_sentence(run(first, "--person", "Ben", *to), 2, "Nothing of 'Ben' is logged in the sessions that you named")
    assert_one_sentence(run("--drill", "seated-intrnal", *to), 2, "Did you mean seated-internal")
    assert_one_sentence(run(third, "--side", "right", *to), 2, "No repetition of the right leg")
    assert_one_sentence(run("nothing", *to), 2, "no session 'nothing'")
    assert_one_sentence(run("-f", "trc", "--side", "left", "--to", tmp_path), 2, "--side means nothing")
    assert not (tmp_path / "none.csv").exists()
    (data / "sessions" / first).rename(tmp_path / "stick")
    assert_one_sentence(run(tmp_path / "stick", *to), 2, "lies in no data folder")


def test_of_what_was_measured_again_the_latest_reading_counts(run: Run, data: Path, tmp_path: Path) -> None:
    first = write(data, 1)
    again = write(data, 2, remeasured_from=first, remeasured_at="2026-02-01T08:00:00+01:00")
    assert run("--to", tmp_path / "table.csv").code == 0
    assert set(csv_of(tmp_path / "table.csv").session_id) == {again}
    assert set(csv_of(tmp_path / "table.csv").remeasured_from) == {first}
    assert run(first, "--to", tmp_path / "old.csv").code == 0
    assert set(csv_of(tmp_path / "old.csv").session_id) == {first}


def test_sessions_that_cannot_be_exported_are_named_and_the_others_written(run: Run, data: Path, tmp_path: Path) -> None:
    good = posed(data, 1, [seated_pose(i / 30) for i in range(4)])
    broken = posed(data, 2, [seated_pose(0.0), seated_pose(0.1)])
    (data / "sessions" / broken / "landmarks.csv.gz").write_bytes(b"no")
    nobody = write(data, 3)
    damaged = write(data, 4)
    (data / "sessions" / damaged / "session.json").write_text("{")
    ended = run("-f", "trc", "--to", tmp_path / "markers")
    assert ended.code == 4
    assert [p.name for p in (tmp_path / "markers").iterdir()] == [f"{good}.trc"]
    assert "Traceback" not in ended.err
    said = [line for line in ended.err.splitlines() if line.startswith("rotrack:")]
    assert len(said) == 2
    assert f"The session {broken} has no landmarks" in said[0]
    assert f"The session {nobody} has no landmarks, since nobody was seen" in said[1]
    assert "Note:" in ended.err
    assert damaged in ended.err
    assert_one_sentence(run(damaged, "-f", "trc", "--to", tmp_path / "one.trc"), 3, "session.json is damaged")
    assert_one_sentence(run(broken, "-f", "trc", "--to", tmp_path / "one.trc"), 3, "has no landmarks")
    assert not (tmp_path / "one.trc").exists()


def test_mot_of_everything_leaves_out_what_has_no_degrees(run: Run, data: Path, measured: Path, tmp_path: Path) -> None:
    lunge = write(data, 1, drill="lunge-internal", tier="C")
    assert_one_sentence(run("-f", "mot", "--to", tmp_path / "all"), 2, "None of these sessions measures degrees")
    assert_one_sentence(run(lunge, "-f", "mot", "--to", tmp_path / "all"), 2, f"The session {lunge} has an index")
    good = rotrack.remeasure(FIXTURES / "idle", data)
    ended = run("-f", "mot", "--to", tmp_path / "all")
    assert "1 session of tier C or D left out" in ended.err
    assert (ended.code, [p.stem for p in (tmp_path / "all").iterdir()]) == (0, [good.id])


def test_a_session_that_is_being_measured_is_left_alone(run: Run, data: Path, tmp_path: Path) -> None:
    done = write(data, 1)
    with begun(data, 2) as writer:
        append(writer, FOUR[:2])
        assert run("--to", tmp_path / "table.csv").code == 0
        assert set(csv_of(tmp_path / "table.csv").session_id) == {done}
        ended = run(writer.record.session_id, "--to", tmp_path / "running.csv")
        assert_one_sentence(ended, 3, "is being measured right now")


# ---------------------------------------------------------------------- files that unpack to more than fits
def bomb(path: Path, begins: str, repeated: bytes, size: int = 3_000_000_000) -> None:
    """Write a gzip file of some megabytes that unpacks to three gigabytes."""
    pack = zlib.compressobj(9, wbits=31)
    first = pack.compress(begins.encode()) + pack.flush(zlib.Z_FULL_FLUSH)
    block = pack.compress(repeated * (10_000_000 // len(repeated))) + pack.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(first + block * (size // 10_000_000) + pack.flush())
    assert path.stat().st_size < 20_000_000


@pytest.mark.parametrize("repeated", [b"\0", b"0", b"0\n", b"\n"], ids=["NUL", "zeros", "lines", "empty lines"])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("name", ["landmarks.csv.gz", "legs.csv.gz"])
def test_a_file_that_unpacks_to_gigabytes_is_refused_in_a_moment(
    run: Run, monkeypatch: pytest.MonkeyPatch, capfd: Any, data: Path, tmp_path: Path, name: str, header: bool, repeated: bytes
) -> None:
    session_id = posed(data, 1, [seated_pose(i / 30) for i in range(5)], legnet=Network(version=1, sha256="0"))
    columns = LANDMARK_COLUMNS if name == "landmarks.csv.gz" else LEG_COLUMNS
    bomb(data / "sessions" / session_id / name, ",".join(columns) + "\r\n" if header else "", repeated)
    before = everything(data)
    for command in (
        ("export", session_id, "-f", "trc", "--to", tmp_path / "markers.trc"),
        ("remeasure", session_id),
    ):
        began_s = time.monotonic()
        ended = run_main(monkeypatch, capfd, *command)
        assert time.monotonic() - began_s < 10, "seconds, where unpacking all takes minutes"
        assert "Traceback" not in ended.err
        if repeated in (b"\0", b"0") or not header:
            assert_one_sentence(ended, 3, session_id)
        else:
            assert ended.code in (3, 4), ended.err
    assert everything(data).keys() >= before.keys()
    assert not (tmp_path / "markers.trc").exists()


# ---------------------------------------------------------------------- what OpenSim reads
OPENSIM = """
import json, sys
import opensim

motion, markers = sys.argv[1:]
opensim.Logger.setLevelString("Error")
table, storage = opensim.TimeSeriesTable(motion), opensim.Storage(motion)
vectors, frames = opensim.TimeSeriesTableVec3(markers), opensim.MarkerData(markers)
flat = vectors.flatten()  # must outlive its matrix
states = [storage.getStateVector(i) for i in range(storage.getSize())]
labels, names = storage.getColumnLabels(), frames.getMarkerNames()
found = {
    "table": [table.getMatrix().to_numpy().tolist(), list(table.getIndependentColumn()), list(table.getColumnLabels())],
    "degrees": [table.getTableMetaDataAsString("inDegrees"), storage.isInDegrees(), storage.getName()],
    "storage": [[s.getData().get(i) for i in range(s.getData().getSize())] for s in states],
    "storage_times": [s.getTime() for s in states],
    "storage_labels": [labels.get(i) for i in range(labels.getSize())],
    "vectors": flat.getMatrix().to_numpy().tolist(),
    "vector_times": list(vectors.getIndependentColumn()),
    "vector_labels": list(vectors.getColumnLabels()),
    "frames": [
        [frames.getFrame(i).getMarker(j).get(k) for j in range(frames.getNumMarkers()) for k in range(3)]
        for i in range(frames.getNumFrames())
    ],
    "frame_labels": [names.get(i) for i in range(names.getSize())],
    "units": [frames.getUnits().getLabel(), frames.getDataRate(), vectors.getTableMetaDataAsString("Units")],
}
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the opensim package is for Linux on x86-64"
)
def test_opensim_reads_the_same_numbers(measured: Path, tmp_path: Path) -> None:
    """All four readers of OpenSim, in a process of their own, since it writes a log where it runs."""
    session = measured_session(measured, "seated-combined")
    copy = shutil.copytree(session.folder, tmp_path / session.id)
    curve = pd.read_csv(copy / "angles.csv", keep_default_na=False)
    curve.loc[curve.time_s.between(3.0, 3.9), "angle_deg"] = ""
    curve.to_csv(copy / "angles.csv", index=False)
    (tmp_path / "a.mot").write_bytes(mot(load_session(copy)).contents)
    poses = [seated_pose(i / 30, left=float(i)) for i in range(40)]
    poses[10:20] = [replace(p, world_m=np.where(np.arange(33)[:, None] < 30, np.nan, p.world_m)) for p in poses[10:20]]
    posed(tmp_path / "data", 1, poses)
    (tmp_path / "a.trc").write_bytes(trc(read_sessions(tmp_path / "data")[0][0]).contents)
    command = [sys.executable, "-c", OPENSIM, str(tmp_path / "a.mot"), str(tmp_path / "a.trc")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENT_S, env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    _, table = read_mot((tmp_path / "a.mot").read_bytes())
    angles = table.to_numpy()
    assert np.diff(table.time).max() > 0.9, "there is a gap"
    assert found["degrees"] == ["yes", True, session.id]
    assert found["table"][2] == ["hip_rotation_r", "hip_rotation_l"]
    assert found["storage_labels"] == ["time", "hip_rotation_r", "hip_rotation_l"]
    for times, values in ((found["table"][1], found["table"][0]), (found["storage_times"], found["storage"])):
        assert np.array(times) == pytest.approx(angles[:, 0], abs=1e-9)
        assert np.array(values) == pytest.approx(angles[:, 1:], abs=1e-9)

    _, places = read_trc((tmp_path / "a.trc").read_bytes())
    assert places.isna().any(axis=None)
    for label, values in (("vector_labels", "vectors"), ("frame_labels", "frames")):
        assert found[label] == list(places.columns.get_level_values(0)[::3])
        assert np.array(found[values]) == pytest.approx(places.to_numpy(), abs=1e-9, nan_ok=True), values
    assert found["vector_times"] == pytest.approx(places.index.to_list(), abs=1e-9)
    assert found["units"] == ["meters", 30.0, "m"]


def test_landmarks_that_are_infinite_are_damage(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FIXTURES / "logs" / "32_columns", tmp_path / "data") / "sessions")
    session = next(folder.glob("*-b132"))
    lines = gzip.decompress((session / "landmarks.csv.gz").read_bytes()).decode().split("\r\n")
    cells = lines[2].split(",")
    cells[8] = "inf"
    (session / "landmarks.csv.gz").write_bytes(
        gzip.compress("\r\n".join([lines[0], lines[1], ",".join(cells), *lines[3:]]).encode())
    )
    assert len(list(read_poses(session, legs=False))) == 1
