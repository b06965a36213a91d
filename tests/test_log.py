"""The long tables of a session, the data dictionary, and measuring onto disks that fail."""

import functools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import FIXTURES, ROOT, a_crop, a_record, a_rep, a_step, assert_one_sentence, environment, log_session, run_main, stop

import rotrack
from rotrack.core.errors import RecordError
from rotrack.core.model import LEG_CROP_SHAPES, CurvePoint, LegCrop, NeutralTaken, Pose, Rep, Side, Step, empty_pose
from rotrack.core.tiers import Tier
from rotrack.records.folders import being_written
from rotrack.records.landmarks import CURVE_COLUMNS, LANDMARK_COLUMNS, LANDMARKS, LEG_COLUMNS, LEGS_READ, read_curve, read_poses
from rotrack.records.record import Network, Status, read_record
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.store import read_sessions
from rotrack.records.writer import SessionWriter

NAN = float("nan")
NETWORK = Network(version="1", sha256="0")


def point(time_s: float, angle_deg: float = 1.23456, reason: str = "") -> CurvePoint:
    return CurvePoint(
        time_s=time_s, side=Side.RIGHT, angle_deg=angle_deg, reason=reason, live_deg=1.0, uncorrected_deg=2.0, mediapipe_deg=2.1,
        legnet_deg=2.2, legnet_sd_deg=0.1, raw_deg=3.0, gravity_deg=4.0, pelvis_deg=0.5, uncertainty_deg=5.0,
    )  # fmt: skip


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
    written = json.loads((session.folder / "session.json").read_text("utf-8"))
    views = {key for neutral in session.record.neutrals for key in neutral.view}
    sometimes = {"archive_file", "setup"}  # told below the table
    assert entries | sometimes == set(written) | views
    assert views == {"turn_deg", "camera_pitch_deg", "camera_roll_deg", "misfit"}
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    for name in {*Rep.__dataclass_fields__, *sometimes, *NeutralTaken.__dataclass_fields__}:
        assert name in text, name


def test_columns_keep_their_order(tmp_path: Path) -> None:
    """A spreadsheet or script that was made for the log must still fit the next version."""
    with SessionWriter(tmp_path, a_record()) as writer:
        writer.append(a_step((a_rep(1, 30.0),), (point(0.5),)))
    earlier = {
        tmp_path / "reps.csv": (
            "session_id,started_at,person,drill,side,direction,rep,valid,peak_deg,live_peak_deg,range_deg,start_s,peak_s,end_s,"
            "hold_s,faults,reason,tier,calibration,zero,visibility,model,convention_version,rotrack_version,note,"
            "uncertainty_deg,gravity_deg,dropped,band,load_kg,measure_version,remeasured_from,speed_deg_s"
        ),
        writer.folder / "repetitions.csv": (
            "side,direction,rep,valid,peak_deg,uncertainty_deg,gravity_deg,fit_sd_deg,live_peak_deg,range_deg,start_s,peak_s,end_s,"
            "hold_s,faults,reason,visibility,dropped,speed_deg_s"
        ),
    }
    for path, columns in earlier.items():
        assert path.read_text("utf-8-sig").splitlines()[0].startswith(columns), "new columns stand at the end"
    curve = (writer.folder / "angles.csv").read_text("utf-8")
    header, row = (line.split(",") for line in curve.splitlines()[:2])
    assert (header[:3], header[-2:]) == (["time_s", "side", "angle_deg"], ["zero_deg", "reason"])
    assert dict(zip(header, row, strict=True)).items() >= {
        "time_s": "0.500000", "side": "right", "angle_deg": "1.235", "live_deg": "1.000", "uncorrected_deg": "2.000",
        "mediapipe_deg": "2.100", "legnet_deg": "2.200", "legnet_sd_deg": "0.100", "raw_deg": "3.000", "gravity_deg": "4.000",
        "pelvis_deg": "0.500", "uncertainty_deg": "5.000", "zero_deg": "0.000", "reason": "",
    }.items()  # fmt: skip
    assert len(LANDMARK_COLUMNS) == 5 + 33 * 6
    assert LANDMARK_COLUMNS[5:8] == ("nose_x_px", "nose_y_px", "nose_visibility")
    assert len(LEG_COLUMNS) == 2 + 25
    assert LEG_COLUMNS[:6] == ("time_s", "side", "middle_px_0", "middle_px_1", "points_px_0_0", "points_px_0_1")
    assert LEG_COLUMNS[-3:] == ("foot_px", "readable", "other_leg")


# ---------------------------------------------------------------------- a session's own files
def test_the_curve_comes_back(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        writer.append(a_step(curve=(point(0.0333333), point(0.066667, NAN, "the left knee, or so, is not seen"))))
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


def test_a_loaded_session_is_the_measured_one(tmp_path: Path) -> None:
    session = rotrack.remeasure(FIXTURES / "combined_left", tmp_path)
    again = rotrack.load_session(session.folder)
    assert repr(again.rep_list) == repr(session.rep_list)
    assert again.values == session.values
    assert again.apart_list == session.apart_list
    assert again.record == session.record


def test_two_sessions_have_two_folders(tmp_path: Path) -> None:
    sessions = [rotrack.remeasure(FIXTURES / "idle", tmp_path) for _ in range(2)]
    assert len({s.folder for s in sessions}) == 2
    assert sorted(p.name for p in (tmp_path / "sessions").iterdir()) == sorted(s.id for s in sessions)


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
    with SessionWriter(folder, a_record(legnet=NETWORK)) as writer:
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
    with SessionWriter(tmp_path, a_record(2, legnet=NETWORK)) as writer:
        writer.append(Step(replace(poses[0], legs={Side.LEFT: missing}), {}))
    (pose,) = read_poses(writer.folder)
    assert np.isnan(pose.legs[Side.LEFT].numbers()).all()


def test_without_the_leg_network_there_is_no_file_of_it(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record(legnet=None)) as writer:
        writer.append(a_step())
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
    path = folder / LANDMARKS
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = list(read_poses(folder))
    assert 10 < len(again) < len(poses)
    assert [numbers(pose) for pose in again] == [numbers(pose) for pose in poses[: len(again)]]


@pytest.mark.parametrize("broken", ["missing", "empty", "text", "other columns"])
def test_a_damaged_file_of_the_leg_network_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], broken: str
) -> None:
    folder = session_copy(tmp_path)
    stored = json.loads((folder / "session.json").read_text("utf-8"))
    (folder / "session.json").write_text(json.dumps(stored | {"legnet": {"version": "1", "sha256": "0"}}), "utf-8")
    path = folder / LEGS_READ
    if broken != "missing":
        path.write_bytes({"empty": b"", "text": b"time_s\n"}.get(broken, (folder / LANDMARKS).read_bytes()))
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


def test_a_torn_curve_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        writer.append(a_step(curve=tuple(point(i / 30) for i in range(5))))
    path = writer.folder / "angles.csv"
    whole = path.read_bytes()
    last = whole[:-2].rindex(b"\r\n") + 2
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        curve = read_curve(writer.folder)
        assert list(curve.time_s[:4]) == pytest.approx([0, 1 / 30, 2 / 30, 0.1], abs=1e-6)
        assert list(curve.angle_deg[:4]) == [1.235] * 4


# ---------------------------------------------------------------------- the disk
def test_a_data_folder_that_is_a_file_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "idle", "--out", taken)
    assert_one_sentence(ended, 3, "is no folder; say with --out")
    assert taken.read_text() == "mine"


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


@pytest.mark.parametrize("kilobytes", [4, 48, 80, 160])
def test_a_disk_that_fills_up_keeps_what_was_written(
    mount: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], kilobytes: int
) -> None:
    disk = mount(f"size={kilobytes}k")
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "combined_left", "--out", disk)
    assert_one_sentence(ended, 3, "the disk is full: free some space", "What was logged before is kept")
    folders = list((disk / "sessions").iterdir()) if (disk / "sessions").exists() else []
    for folder in folders:
        assert read_record(folder).drill == "seated-combined"
        if kilobytes > 20:
            assert len(list(read_poses(folder))) > 10
            assert len(read_curve(folder)) > 10
    for session in read_sessions(disk)[0]:
        assert [rep.rep for rep in session.rep_list] == [1, 1, 2, 2][: len(session.rep_list)]
    if kilobytes == 160:
        assert session.rep_list, "the first repetition was finished long before the disk was full"


def test_a_read_only_disk_is_explained(mount: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    disk = mount("size=1m,ro")
    ended = run_main(monkeypatch, capfd, "remeasure", FIXTURES / "idle", "--out", disk)
    assert_one_sentence(ended, 3, "the folder is read-only: choose another one with --out")


# ---------------------------------------------------------------------- killed
FEEDER = """
import msgspec, sys, time
from pathlib import Path
from rotrack.core.drills import load_table
from rotrack.core.model import Side
from rotrack.records.landmarks import read_poses
from rotrack.records.record import Status, read_record
from rotrack.records.writer import SessionWriter
from rotrack.tracking.pipeline import RotationTracker

fixture, data = Path(sys.argv[1]), Path(sys.argv[2])
record = msgspec.structs.replace(read_record(fixture), session_id="killed", status=Status.RUNNING)
tracker = RotationTracker(load_table().drill(record.drill), tuple(Side))
with SessionWriter(data, record) as writer:
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
    folder = tmp_path / "sessions" / "killed"
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "rep\n"
        assert being_written(folder)
        time.sleep(0.8)  # into the next repetition
    finally:
        stop(process)
    assert process.returncode == -9
    assert read_record(folder).status is Status.RUNNING
    (session,) = read_sessions(tmp_path)[0]
    assert [rep.rep for rep in session.rep_list] == list(range(1, len(session.rep_list) + 1))
    assert session.rep_list
    poses, whole = list(read_poses(folder)), list(read_poses(FIXTURES / "internal_right"))
    assert len(poses) < len(whole), "it was killed in the middle"
    for a, b in zip(whole, poses, strict=False):
        np.testing.assert_array_equal(a.image_px, b.image_px)
    assert len(session.curve) > 0
    again = rotrack.remeasure(folder, tmp_path / "again")
    assert again.rep_list[0].peak_deg == pytest.approx(session.rep_list[0].peak_deg, abs=0.01)


def test_a_session_of_a_tier_that_nobody_knows_is_read_and_claims_nothing(tmp_path):
    folder = log_session(tmp_path)
    path = folder / "session.json"
    path.write_text(path.read_text("utf-8").replace('"tier": "A"', '"tier": "Z"'), "utf-8")
    tier = read_record(folder).tier
    assert (tier, tier.meaning, tier.caption, tier.unit, tier.is_counted) == (Tier.UNKNOWN, "", "", "\u00b0", False)
