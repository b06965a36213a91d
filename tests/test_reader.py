"""Frames become poses with legs: beside each other from a file, and from a camera in as many pictures as there is time for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from clocks import ManualClock
from helpers import BothLegs

from rotrack.core.model import Frame, Pose, Side, empty_pose
from rotrack.core.reasons import Reason
from rotrack.sensing.reader import SELDOM, read_live, read_recorded

PICTURE = np.zeros((4, 4, 3), np.uint8)


def frames(count: int) -> list[Frame]:
    return [Frame(n, n / 30, PICTURE) for n in range(count)]


class Somebody:
    """A pose model that sees somebody in every picture."""

    def detect(self, frame: Frame) -> Pose:
        return replace(empty_pose(frame.time_s, (4, 4), ""), people=frame.index)


# ---------------------------------------------------------------------- from a file
@pytest.mark.parametrize("read", [read_recorded, read_live])
@pytest.mark.parametrize("legnet", [BothLegs(), None])
def test_every_frame_comes_with_its_pose_in_order(read, legnet):
    given = frames(20)
    found = list(read(given, Somebody(), legnet))
    assert [frame for frame, _ in found] == given
    assert [pose.people for _, pose in found] == list(range(20))
    assert all(set(pose.legs) == (set(Side) if legnet else set()) for _, pose in found)


def test_the_pose_model_works_ahead_of_the_leg_network():
    """While the legs of one picture are read, the landmarks of the next ones are found."""
    ahead = threading.Event()

    class Ahead(Somebody):
        def detect(self, frame: Frame) -> Pose:
            if frame.index == 2:
                ahead.set()
            return super().detect(frame)

    class Patient(BothLegs):
        def read(self, rgb: np.ndarray, pose: Pose) -> Pose:
            assert ahead.wait(10)
            return super().read(rgb, pose)

    found = read_recorded(frames(6), Ahead(), Patient())
    assert next(found)[0].index == 0
    found.close()
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("read", [read_recorded, read_live])
def test_what_goes_wrong_comes_in_its_place(read):
    class Torn(BothLegs):
        def read(self, rgb: np.ndarray, pose: Pose) -> Pose:
            if pose.people == 3:
                raise ValueError("torn")
            return super().read(rgb, pose)

    found = []
    with pytest.raises(ValueError, match="torn"):
        found.extend(frame.index for frame, _ in read(frames(6), Somebody(), Torn()))
    assert found == [0, 1, 2]


# ---------------------------------------------------------------------- from a camera, with a clock of its own
class Room:
    """A camera, both models and somebody who looks on, each of which takes its time, ms."""

    def __init__(self, given_hz: float, pose_ms: float, legs_ms: float, look_ms: float = 0.0) -> None:
        self.given_hz, self.pose_ms, self.legs_ms, self.look_ms = given_hz, pose_ms, legs_ms, look_ms
        self.clock = ManualClock()
        self.somebody, self.always = True, False

    def camera(self) -> Iterator[Frame]:
        """Yield the newest picture, as a camera does: those that nobody had time for are left out."""
        index = 0
        while True:
            self.clock.advance_to(index / self.given_hz)
            index = int(self.clock.monotonic_s() * self.given_hz + 1e-6)
            yield Frame(index, index / self.given_hz, PICTURE)
            index += 1

    def detect(self, frame: Frame) -> Pose:
        self.clock.advance(self.pose_ms / 1000)
        return empty_pose(frame.time_s, (4, 4), "" if self.somebody else Reason.NOBODY)

    def read(self, rgb: np.ndarray, pose: Pose) -> Pose:
        if pose.reason:
            return pose
        self.clock.advance(self.legs_ms / 1000)
        return replace(pose, legs=BothLegs.says)

    def seconds(self) -> Iterator[tuple[float, float]]:
        """Yield how many pictures and how many of them with legs were read in each second."""
        until_s, pictures, legs = self.clock.monotonic_s() + 1.0, 0, 0
        for _, pose in read_live(self.camera(), self, self, self.always, self.clock):
            self.clock.advance(self.look_ms / 1000)
            pictures, legs = pictures + 1, legs + bool(pose.legs)
            if self.clock.monotonic_s() >= until_s:
                yield pictures, legs
                until_s, pictures, legs = self.clock.monotonic_s() + 1.0, 0, 0

    def settled(self) -> tuple[float, float]:
        """Return both after some seconds."""
        return [second for second, _ in zip(self.seconds(), range(8), strict=False)][-1]


@pytest.mark.parametrize(
    ("room", "wanted_hz", "wanted_share"),
    [
        (Room(30, pose_ms=15, legs_ms=10), 30, 1),
        (Room(30, pose_ms=25, legs_ms=14), 25, 1),  # 24 are enough
        (Room(30, pose_ms=28, legs_ms=20), 26, 1 / 2),
        (Room(30, pose_ms=20, legs_ms=20, look_ms=10), 25, 1 / 2),  # what looks on takes time, too
        (Room(30, pose_ms=30, legs_ms=30), 25, 1 / 3),
        (Room(60, pose_ms=30, legs_ms=5), 28, 1),
        (Room(15, pose_ms=30, legs_ms=30), 15, 1),  # the camera gives no more
        (Room(30, pose_ms=60, legs_ms=20), 15, 1 / SELDOM),  # there is no time for 24
    ],
)
def test_legs_are_left_out_before_pictures(room, wanted_hz, wanted_share):
    pictures, legs = room.settled()
    assert pictures >= wanted_hz - 1.5
    assert legs / pictures == pytest.approx(wanted_share, abs=0.05)


def test_what_cannot_be_measured_without_legs_has_them_in_every_picture():
    room = Room(30, pose_ms=30, legs_ms=30)
    room.always = True
    pictures, legs = room.settled()
    assert pictures == legs == pytest.approx(16, abs=1)


def test_when_there_is_time_again_all_legs_are_read_again():
    room = Room(30, pose_ms=30, legs_ms=30)
    seconds = room.seconds()
    assert [next(seconds) for _ in range(6)][-1][1] < 10
    room.pose_ms = room.legs_ms = 10
    assert [next(seconds) for _ in range(8)][-1] == (30, 30)


def test_nobody_in_the_picture_takes_no_time_for_legs():
    room = Room(30, pose_ms=30, legs_ms=30)
    seconds = room.seconds()
    before = [next(seconds) for _ in range(6)][-1]
    room.somebody = False
    assert [next(seconds) for _ in range(4)][-1] == (30, 0)
    room.somebody = True
    assert [next(seconds) for _ in range(4)][-1] == pytest.approx(before, abs=2)
