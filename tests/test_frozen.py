"""A camera or a recording that repeats its last frame is told from somebody who holds still, and lengthens no hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import recording, run_tracker

from rotrack.core.model import Frame, Pose, empty_pose
from rotrack.core.reasons import Reason
from rotrack.sensing.frozen import SINCE_S, Repeats
from rotrack.sensing.reader import read_live, read_recorded
from rotrack.tracking.scoreboard import Scoreboard

FPS = 30.0
FROZEN_S = 3.0


class Room:
    """A drawn room with a leg that swings for two seconds and is then held; noise in grey levels, sway in px."""

    def __init__(self, noise: float, sway_px: float = 0.4) -> None:
        self._rng, self._noise, self._sway_px = np.random.default_rng(5), noise, sway_px
        shade = np.linspace(60, 170, 320)[None] + 30 * (np.indices((240, 320)).sum(0) // 40 % 2)
        self._wall = np.repeat(shade[..., None], 3, axis=2)

    def picture(self, time_s: float) -> np.ndarray:
        angle = 0.6 * np.sin(min(time_s, 2.0) * np.pi / 4)
        foot = 160 + 90 * np.sin(angle) + self._sway_px * np.sin(7.1 * time_s), 100 + 90 * np.cos(angle)
        wall = self._wall.copy()
        ends = [tuple(round(8 * value) for value in end) for end in ((160, 100), foot)]  # to an eighth of a pixel
        cv2.line(wall, *ends, (35.0, 35.0, 35.0), 24, cv2.LINE_8 if self._sway_px == 0 else cv2.LINE_AA, shift=3)
        return np.clip(wall + self._noise * self._rng.normal(size=wall.shape), 0, 255).astype(np.uint8)

    def frames(self, seconds: float) -> list[Frame]:
        return [Frame(k, k / FPS, self.picture(k / FPS)) for k in range(round(seconds * FPS))]


def frozen_after(frames: list[Frame], at: int) -> tuple[list[Frame], set[int]]:
    """Return frames of which one is repeated for a while, and the indices of its copies."""
    copies = round(FROZEN_S * FPS)
    shown = [*frames[: at + 1], *[frames[at]] * copies, *frames[at + 1 :]]
    return [Frame(k, k / FPS, frame.rgb) for k, frame in enumerate(shown)], set(range(at + 1, at + 1 + copies))


def found(frames: list[Frame]) -> set[int]:
    repeats = Repeats()
    return {frame.index for frame in frames if repeats.is_copy(frame)}


def compressed(frames: list[Frame], tmp_path) -> list[Frame]:
    """Return frames as a video file keeps them: each copy is compressed anew."""
    path = tmp_path / "clip.mp4"
    height, width = frames[0].rgb.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame.rgb[..., ::-1]))
    writer.release()
    capture = cv2.VideoCapture(str(path))
    read = [replace(frame, rgb=np.ascontiguousarray(capture.read()[1][..., ::-1])) for frame in frames]
    capture.release()
    return read


@pytest.mark.parametrize("anew", [False, True], ids=["identical", "compressed anew"])
def test_copies_are_known_soon_and_nothing_else_is(anew, tmp_path):
    frames, copies = frozen_after(Room(noise=3.0).frames(6.0), at=75)
    told = found(compressed(frames, tmp_path) if anew else frames)
    assert told <= copies
    assert min(told) <= min(copies) + (SINCE_S + 0.2) * FPS
    assert len(told) > 0.75 * len(copies)


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_a_leg_that_holds_still_before_a_camera_with_noise_is_not_frozen(noise):
    assert found(Room(noise, sway_px=0.0).frames(8.0)) == set()


def test_a_drawn_leg_that_holds_still_to_the_bit_is_not_frozen():
    frames = Room(noise=0.0, sway_px=0.0).frames(8.0)
    assert np.array_equal(frames[-1].rgb, frames[-60].rgb)
    assert found(frames) == set()


def test_darkness_is_not_frozen():
    frames = Room(noise=3.0).frames(3.0)
    dark = [Frame(k, k / FPS, np.full_like(frames[0].rgb, 8)) for k in range(90, 180)]
    assert found([*frames, *dark]) == set()


def test_a_camera_that_gives_every_picture_twice_is_not_frozen():
    frames = Room(noise=3.0).frames(3.0)
    twice = [Frame(2 * k + n, (2 * k + n) / (2 * FPS), frame.rgb) for k, frame in enumerate(frames) for n in (0, 1)]
    assert found(twice) == set()


@pytest.mark.parametrize("read", [read_recorded, read_live])
def test_the_pose_model_is_not_asked_about_copies(read):
    class Somebody:
        asked: list[int]

        def detect(self, frame: Frame) -> Pose:
            self.asked.append(frame.index)
            return empty_pose(frame.time_s, (320, 240), "")

    somebody = Somebody()
    somebody.asked = []
    frames, copies = frozen_after(Room(noise=3.0).frames(4.0), at=60)
    poses = [pose for _, pose in read(frames, somebody, None)]
    told = {frame.index for frame, pose in zip(frames, poses, strict=True) if pose.reason == Reason.FROZEN}
    assert told
    assert told <= copies
    assert somebody.asked == [frame.index for frame in frames if frame.index not in told]


# ---------------------------------------------------------------------- what is measured
def with_frozen(poses: tuple[Pose, ...], at_s: float) -> Iterator[Pose]:
    """Yield recorded poses as they come when the camera hangs from a moment on; what is left comes later."""
    step_s = poses[1].time_s - poses[0].time_s
    yield from (pose for pose in poses if pose.time_s <= at_s)
    yield from (empty_pose(at_s + k * step_s, poses[0].size_px, Reason.FROZEN) for k in range(1, round(FROZEN_S / step_s) + 1))
    yield from (replace(pose, time_s=pose.time_s + FROZEN_S + step_s) for pose in poses if pose.time_s > at_s)


def test_a_hold_is_not_longer_for_a_camera_that_hangs_and_the_zero_stays():
    recorded = recording("internal_right")
    tidy = recorded.run()
    first = tidy.reps[0]
    run = run_tracker(recorded.drill, list(with_frozen(recorded.poses, first.peak_s)))
    assert len(run.neutrals) == len(tidy.neutrals)
    assert [(rep.side, rep.direction, rep.rep) for rep in run.reps] == [(r.side, r.direction, r.rep) for r in tidy.reps]
    hung = run.reps[0]
    assert hung.start_s < first.peak_s < first.peak_s + FROZEN_S < hung.end_s
    assert hung.hold_s == pytest.approx(first.hold_s, abs=0.3)
    assert hung.peak_deg == pytest.approx(first.peak_deg, abs=1.0)


def test_how_long_the_camera_hung_is_known():
    recorded = recording("internal_right")
    board = Scoreboard()
    for step in run_tracker(recorded.drill, list(with_frozen(recorded.poses, 2.0))).steps[:-1]:
        board.add(step)
    assert board.frozen_s == pytest.approx(FROZEN_S, abs=0.1)
    assert Reason.FROZEN in board.reasons
