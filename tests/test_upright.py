"""Videos that lie on their side, stand on their head or are mirrored are put right: by themselves, or as somebody says."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from conftest import run_tracker
from helpers import FIXTURES, ReplayLandmarker, demo_frames, replay, write_video
from repository import ROOT

import rotrack
from rotrack.core.errors import NotMeasuredError
from rotrack.core.model import Frame, Pose
from rotrack.core.reasons import values_of
from rotrack.records.landmarks import read_poses
from rotrack.records.session import Measurement
from rotrack.sensing import sources
from rotrack.sensing.upright import turn_of
from rotrack.texts import Texts


def words_of(session: Measurement) -> list[str]:
    return [*map(Texts().said, session.remarks)]


def video_of(frames: list[np.ndarray], path: Path, quarters: int = 0) -> Path:
    return write_video(path, [np.ascontiguousarray(np.rot90(rgb, quarters)) for rgb in frames])


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_who_sits_in_a_video_tells_which_way_up_it_is(quarters: int, tmp_path: Path) -> None:
    path = video_of(demo_frames(last=60, step=6), tmp_path / "turned.mp4", quarters)
    assert turn_of(path) == 90 * quarters


def test_a_video_without_anybody_stays_as_it_is(tmp_path: Path) -> None:
    assert turn_of(video_of([np.full((240, 320, 3), 128, np.uint8)] * 3, tmp_path / "empty.mp4")) == 0


# ---------------------------------------------------------------------- what is measured
class Watching(ReplayLandmarker):
    """Keeps the first picture that it is asked about."""

    first: np.ndarray

    def detect(self, frame: Frame) -> Pose:
        """Return the recorded pose."""
        if frame.index == 0:
            type(self).first = frame.rgb
        return super().detect(frame)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return what comes of a video whose left half is white, None if nothing, and the first picture that the pose model gets."""

    def measure(turn_deg: int = 0, file_says: int | None = None, drill: str = "seated-internal", **wishes) -> tuple:
        replay(monkeypatch, Watching)
        monkeypatch.setattr("rotrack.measure.run.turn_of", lambda video: turn_deg)
        monkeypatch.setattr(sources, "mirrored_turn_deg", lambda video: file_says)
        rgb = np.zeros((48, 64, 3), np.uint8)
        rgb[:, :32] = 255
        path = video_of([rgb] * 300, tmp_path / "half.mp4")
        session = None
        with suppress(NotMeasuredError):
            session = rotrack.analyze(path, drill, log=False, **wishes)
        return session, Watching.first

    return measure


def white(rgb: np.ndarray) -> str:
    halves = {"left": rgb[:, :10], "right": rgb[:, -10:], "above": rgb[:10], "below": rgb[-10:]}
    return max(halves, key=lambda half: halves[half].mean())


@pytest.mark.parametrize(
    ("turn_deg", "wishes", "side", "told"),
    [
        (90, {}, "above", "turned clockwise by 90 degrees"),
        (90, {"rotate": 0}, "left", ""),
        (0, {"rotate": 180}, "right", "by 180"),
    ],
    ids=["by itself", "not if somebody says so", "as somebody says"],
)
def test_a_video_on_its_side_is_turned(measured, turn_deg: int, wishes: dict, side: str, told: str) -> None:
    session, first = measured(turn_deg, **wishes)
    assert white(first) == side
    assert told in " ".join(words_of(session))


def test_of_who_lies_nothing_is_turned_unasked(measured) -> None:
    assert white(measured(90, drill="supine-bent-internal")[1]) == "left"
    assert white(measured(0, drill="supine-bent-internal", rotate=90)[1]) == "above"


@pytest.mark.parametrize(
    ("file_says", "wishes", "side", "mirrored"),
    [
        (None, {}, "left", False),
        (None, {"mirrored": True}, "right", True),
        (0, {}, "left", True),
        (0, {"mirrored": True}, "left", True),
        (0, {"mirrored": False}, "right", False),
    ],
    ids=["not mirrored", "somebody says so", "the file says so", "both say so", "somebody says that the file is wrong"],
)
def test_a_mirrored_recording_is_put_right_once(measured, file_says, wishes, side, mirrored) -> None:
    session, first = measured(file_says=file_says, **wishes)
    assert white(first) == side
    assert session.record.mirrored == mirrored
    assert ("The recording is mirrored: left and right were swapped back." in words_of(session)) == mirrored


def test_which_part_was_measured_and_how_slow_it_plays_is_said(measured) -> None:
    session, _ = measured(from_s=1, speed=1.25)
    assert "Only a part of the video was measured: from 1 s to its end." in words_of(session)
    assert "The video plays 1.25 times slower than real life. All times here are real times." in words_of(session)


class Timed(ReplayLandmarker):
    """Gives the recorded poses the times of the video."""

    def detect(self, frame: Frame) -> Pose:
        """Return the recorded pose."""
        return replace(super().detect(frame), time_s=frame.time_s)


@pytest.mark.parametrize("slower", [4, 8])
def test_slow_motion_gives_the_numbers_of_life(slower: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever does not know that it is slow motion gets the angles all the same, at other times."""
    replay(monkeypatch, Timed)
    poses = [*read_poses(FIXTURES / Timed.fixture)]
    video = write_video(tmp_path / "slow.mp4", [np.zeros((48, 64, 3), np.uint8)] * len(poses), 30 / slower)

    def reps(**wishes: float) -> list[tuple[float, float, float]]:
        session = rotrack.analyze(video, "seated-internal", side="right", log=False, **wishes)
        return [(rep.peak_deg, rep.peak_s, rep.hold_s) for rep in session.rep_list]

    life = rotrack.analyze(poses, "seated-internal", side="right", log=False).rep_list
    assert reps(speed=slower) == [(rep.peak_deg, rep.peak_s, rep.hold_s) for rep in life]
    assert [peak_deg for peak_deg, _, _ in reps()] == pytest.approx([rep.peak_deg for rep in life], abs=1)


# ---------------------------------------------------------------------- who lies
def anticlockwise(pose: Pose) -> Pose:
    """Return a pose as it is in the picture turned by a quarter; the leg network is not asked."""
    image_px, world_m = pose.image_px, pose.world_m
    image_px = np.stack([image_px[:, 1], pose.size_px[0] - 1 - image_px[:, 0]], axis=1)
    world_m = np.stack([world_m[:, 1], -world_m[:, 0], world_m[:, 2]], axis=1)
    return replace(pose, size_px=pose.size_px[::-1], image_px=image_px, world_m=world_m, legs={})


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_of_who_lies_it_is_asked_how_to_turn_the_picture(quarters: int) -> None:
    """What the models said of a rendered person, see training/recordings.py."""
    (folder,) = (ROOT / "training" / "recordings" / "sessions" / "tune_bent_0").glob("sessions/*")
    poses = list(islice(read_poses(folder), 60))
    for _ in range(quarters):
        poses = [anticlockwise(pose) for pose in poses]
    reasons = {sample.reason for step in run_tracker("supine-bent-internal", poses).steps for sample in step.samples.values()}
    told = {turn for reason in reasons if (turn := values_of(reason).get("turn"))}
    assert told == ({str(90 * quarters)} if quarters else set())


def test_measuring_again_keeps_which_part_it_was_and_how_slow(tmp_path: Path) -> None:
    source = shutil.copytree(FIXTURES / "internal_right", tmp_path / "before")
    info = json.loads((source / "session.json").read_text("utf-8"))
    changed = info["source"] | {"from_s": 2.0, "to_s": 9.5, "speed": 4.0, "pixel_aspect": 1.5}
    (source / "session.json").write_text(json.dumps(info | {"source": changed}), "utf-8")
    again = rotrack.remeasure(source, tmp_path / "out").record.source
    assert (again.from_s, again.to_s, again.speed, again.pixel_aspect) == (2.0, 9.5, 4.0, 1.5)
