"""Recorded sessions and synthetic people that the tests share.

The synthetic people are built from anatomy alone (a thigh that turns about its own axis) and seen by a pinhole camera that is
written here anew, so that they can serve as an oracle for the package.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from rotrack.core.drills import load_table
from rotrack.core.errors import LibraryError
from rotrack.core.model import LEGS, N_LANDMARKS, SWAPPED, Apart, NeutralTaken, Pose, Rep, Side, Step
from rotrack.core.postures import Posture
from rotrack.kinematics.legmodel import KNEE_FOLLOWS
from rotrack.kinematics.rotation import NeutralPose
from rotrack.records.landmarks import read_poses
from rotrack.system.imports import load
from rotrack.tracking.pipeline import RotationTracker
from rotrack.tracking.settings import TrackerSettings

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FIXTURES = Path(__file__).parent / "fixtures"
BOTH = (Side.LEFT, Side.RIGHT)
STANCES = {posture: posture.record.stance for posture in Posture if posture.record.stance}
"""What the leg model assumes, of every posture that it measures."""


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Spare the tests that are not about it the waiting for the disk."""
    if not getattr(request.module, "DURABLE", False):
        monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def pytest_configure(config: pytest.Config) -> None:
    """Say in one sentence what a bare system lacks: nearly all tests make or look at pictures."""
    try:
        load("cv2")
    except LibraryError as error:
        pytest.exit(str(error), returncode=LibraryError.exit_code)
    if hasattr(config.option, "numprocesses") and not hasattr(config, "workerinput"):
        room = tempfile.TemporaryDirectory(prefix="rotrack-room-")
        config.add_cleanup(room.cleanup)
        os.environ[ROOM] = room.name  # the workers inherit it


ROOM = "ROTRACK_TESTS_ROOM"
"""Names the folder with the locks that the workers of one run share."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that is marked `alone` run while no other worker runs one: it plays a camera in real time.

    Whoever waits for the room stands in its door, so that the others cannot keep it full.
    """
    if not hasattr(item.config, "workerinput") or fcntl is None:
        return (yield)
    folder = Path(os.environ[ROOM])
    with (folder / "room").open("w") as room:
        with (folder / "door").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)


settings.register_profile("rotrack", deadline=None, derandomize=True, database=None)
settings.load_profile("rotrack")


@contextmanager
def case(*what: Any) -> Iterator[None]:
    """Say in which case of a loop a test failed."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {', '.join(map(str, what))}")
        raise


# ---------------------------------------------------------------------- synthetic people
def unit(vector: Iterable[float]) -> np.ndarray:
    vector = np.asarray(vector, float)
    return vector / np.linalg.norm(vector)


def turned(vector: np.ndarray, axis: np.ndarray, angle_deg: float) -> np.ndarray:
    """Turn a 3D vector about an axis, right-handed."""
    axis, angle = unit(axis), np.radians(angle_deg)
    along = axis * (axis @ vector)
    return along + (vector - along) * np.cos(angle) + np.cross(axis, vector) * np.sin(angle)


@dataclass(frozen=True)
class Stance:
    """A synthetic person at neutral; lengths in m.

    `front` and `up` (towards the head) place the body in the scene, whose axes are those of a camera in front: x right, y down,
    z away. `thigh`, `shank` and `foot` are the distal directions of a leg in body axes (front, up, lateral). The build is an
    ordinary one; tests of other builds change it.
    """

    thigh: tuple[float, float, float]
    shank: tuple[float, float, float]
    foot: tuple[float, float, float]
    front: tuple[float, float, float] = (0, 0, -1)
    up: tuple[float, float, float] = (0, -1, 0)
    shank_m: float = 0.42
    thigh_m: float = 0.38
    hips_m: float = 0.2
    toe_m: float = 0.193
    toe_below_m: float = 0.071
    heel_m: float = 0.055
    heel_below_m: float = 0.046
    knees_follow: bool = False

    def points(self, **rotation_deg: float) -> np.ndarray:
        """Return the landmarks, shape (33, 3), m, with the hips turned by so many degrees (`left=`, `right=`)."""
        front, up = unit(self.front), unit(self.up)
        right = np.cross(front, up)
        points = np.full((N_LANDMARKS, 3), np.nan)
        for side, leg in LEGS.items():
            lateral = right if side is Side.RIGHT else -right
            axes = np.column_stack([front, up, lateral])
            thigh, shank, foot = (axes @ unit(d) for d in (self.thigh, self.shank, self.foot))
            # Internal rotation turns the front of the thigh towards the other leg.
            turn_deg = rotation_deg.get(side, 0.0) * (1 if side is Side.RIGHT else -1)
            shank, foot = turned(shank, -thigh, turn_deg), turned(foot, -thigh, turn_deg)
            points[leg.hip] = self.hips_m / 2 * lateral
            points[leg.shoulder] = 0.18 * lateral + 0.5 * up
            points[leg.knee] = points[leg.hip] + self.thigh_m * thigh
            points[leg.ankle] = points[leg.knee] + self.shank_m * shank
            below = unit(shank - (shank @ foot) * foot)
            points[leg.heel] = points[leg.ankle] + self.heel_below_m * below - self.heel_m * foot
            points[leg.toe] = points[leg.ankle] + self.toe_below_m * below + self.toe_m * foot
        return points


SEATED = Stance(thigh=(1, 0, 0), shank=(0, -1, 0), foot=(1, 0, 0), knees_follow=True)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with a field of view of 60 degrees along the longer side; `up` is up in its picture."""

    place: tuple[float, float, float]
    target: tuple[float, float, float]
    up: tuple[float, float, float] = (0, -1, 0)
    size_px: tuple[int, int] = (640, 480)

    @staticmethod
    def around(target: tuple[float, float, float], distance_m: float, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> Camera:
        """Return a camera that has walked round the target by `yaw_deg` and looks down on it by `pitch_deg`."""
        yaw, pitch = np.radians([yaw_deg, pitch_deg])
        away = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)])
        return Camera(tuple(np.asarray(target) + distance_m * away), target)

    def axes(self) -> np.ndarray:
        """Return right, down and ahead of the camera as rows."""
        ahead = unit(np.subtract(self.target, self.place))
        right = unit(np.cross(ahead, self.up))
        return np.vstack([right, np.cross(ahead, right), ahead])

    def see(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return landmarks in the picture, shape (33, 2), px, and in camera axes from mid-hip, shape (33, 3), m."""
        axes = self.axes()
        seen = (points - np.asarray(self.place)) @ axes.T
        focal = max(self.size_px) / 2 / np.tan(np.radians(30))
        middle = (points[LEGS[Side.LEFT].hip] + points[LEGS[Side.RIGHT].hip]) / 2
        return seen[:, :2] / seen[:, 2:] * focal + (np.array(self.size_px) - 1) / 2, (points - middle) @ axes.T


@cache
def _at_rest(stance: Stance, camera: Camera) -> np.ndarray:
    return camera.see(stance.points())[0]


def landmarks_of(stance: Stance, camera: Camera, **rotation_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the landmarks in the picture and in camera axes; seated, knees follow their ankles a little in the picture."""
    now, world_m = camera.see(stance.points(**rotation_deg))
    if stance.knees_follow:
        rest = _at_rest(stance, camera)
        for leg in LEGS.values():
            now[leg.knee] += KNEE_FOLLOWS * (now[leg.ankle] - rest[leg.ankle])
    return now, world_m


def image_of(stance: Stance, camera: Camera, **rotation_deg: float) -> np.ndarray:
    return landmarks_of(stance, camera, **rotation_deg)[0]


def neutral_of(stance: Stance, camera: Camera) -> NeutralPose:
    return NeutralPose(camera.size_px, *landmarks_of(stance, camera))


def mirrored(size_px: tuple[int, int], image_px: np.ndarray, world_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the pose model says of the flipped picture: everything on the other side, with the other side's name."""
    flipped = np.column_stack([size_px[0] - 1 - image_px[:, 0], image_px[:, 1]])
    return flipped[SWAPPED], (world_m * [-1, 1, 1])[SWAPPED]


def pose_at(time_s: float, image_px: np.ndarray, size_px: tuple[int, int] = (640, 480)) -> Pose:
    """Return a pose with these landmarks, shape (33, 2), px, and nothing else."""
    return Pose(time_s, size_px, image_px, np.zeros((N_LANDMARKS, 3)), np.ones(N_LANDMARKS))


def mirrored_pose(pose: Pose) -> Pose:
    image_px, world_m = mirrored(pose.size_px, pose.image_px, pose.world_m)
    return replace(pose, image_px=image_px, world_m=world_m, visibility=pose.visibility[SWAPPED])


FRONT = Camera((0, 0.2, -2.8), (0, 0.2, 0))


def seated_pose(time_s: float, camera: Camera = FRONT, **rotation_deg: float) -> Pose:
    """Return a synthetic person on a chair in front of the camera."""
    return Pose(time_s, camera.size_px, *landmarks_of(SEATED, camera, **rotation_deg), np.ones(N_LANDMARKS))


def lying_on_the_side(seconds: float, roll: Callable[[float], float], below: Side = Side.RIGHT, fps: float = 30.0) -> list[Pose]:
    """Return somebody who lies on the side, seen from the belly, and rolls the top hip towards the camera, deg."""
    poses = []
    for t in np.arange(round(seconds * fps)) / fps:
        angle = np.radians(roll(float(t)))
        pixels = np.full((N_LANDMARKS, 2), np.nan)
        for side, leg in LEGS.items():
            up = 0.0 if side is below else 60.0
            hip = np.array([330.0 - 0.3 * up * np.sin(angle), 300.0 - up * np.cos(angle)])
            pixels[list(leg)] = [hip + d for d in ((-140, -8), (0, 0), (60, 40), (150, 60), (165, 62), (170, 40))]
        poses.append(Pose(float(t), (640, 480), pixels, np.full((N_LANDMARKS, 3), np.nan), np.ones(N_LANDMARKS)))
    return poses


def swing(time_s: np.ndarray | float, start_s: float, peak_deg: float, rise_s: float = 0.8, hold_s: float = 0.4):
    """Return a smooth movement from 0 to a peak that is held, and back, deg."""
    up = np.clip((time_s - start_s) / rise_s, 0, 1)
    down = np.clip((time_s - start_s - rise_s - hold_s) / rise_s, 0, 1)
    return peak_deg * np.sin(np.pi / 2 * up) ** 2 * np.cos(np.pi / 2 * down) ** 2


# ---------------------------------------------------------------------- runs through the tracker
@dataclass(frozen=True)
class Run:
    """All that a tracker said of a recording."""

    steps: list[Step]

    @property
    def reps(self) -> list[Rep]:
        return [rep for step in self.steps for rep in step.reps]

    @property
    def apart(self) -> list[Apart]:
        return [apart for step in self.steps for apart in step.apart]

    @property
    def neutrals(self) -> list[NeutralTaken]:
        return [neutral for step in self.steps for neutral in step.neutrals]

    def samples(self, side: Side):
        """Return the live samples of a side, one per pose (not the step that `finish` adds)."""
        return [step.samples[side] for step in self.steps[:-1]]

    def curve(self, side: Side):
        return [point for step in self.steps for point in step.curve if point.side is side]

    def angles(self, side: Side) -> np.ndarray:
        """Return times and angles of the curve, shape (n, 2)."""
        return np.array([(p.time_s, p.angle_deg) for p in self.curve(side)])


PLAIN = TrackerSettings(correct=False)
"""The leg model's own angles: what is learned of the pose model's errors may change without these tests."""


def run_tracker(drill: str, poses: Iterable[Pose], sides: tuple[Side, ...] = BOTH, settings: TrackerSettings = PLAIN) -> Run:
    tracker = RotationTracker(load_table().drill(drill), sides, settings)
    steps = [tracker.update(pose) for pose in poses]
    return Run([*steps, tracker.finish(steps[-1].pose)])


@dataclass(frozen=True)
class Recording:
    """A recorded session of a rendered person, with the truth of the rendering."""

    name: str
    drill: str
    poses: tuple[Pose, ...]
    side: str
    peaks_deg: tuple[float, ...]
    peaks_s: tuple[float, ...]
    truth: pd.DataFrame

    def run(self) -> Run:
        return _run_recording(self.name)


@cache
def recording(name: str) -> Recording:
    folder = FIXTURES / name
    info, truth = (json.loads((folder / file).read_text("utf-8")) for file in ("session.json", "truth.json"))
    peaks = [peak for rep in truth["reps"] for peak in rep.get("phases", [rep])]
    return Recording(
        name,
        info["drill"],
        tuple(read_poses(folder)),
        truth["side"],
        tuple(float(p["peak_deg"]) for p in peaks),
        tuple((p["peak_from"] + p["peak_to"]) / 2 for p in peaks),
        pd.read_csv(folder / "truth.csv"),
    )


@cache
def _run_recording(name: str) -> Run:
    recorded = recording(name)
    return run_tracker(recorded.drill, recorded.poses)
