"""The neutral pose: the first stretch of stillness, of which the medians become the zero.

A leg that trembles, or whose landmarks do, is still when what is left after smoothing is: more time makes up for the noise, and
the error of the zero says how well that went.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from rotrack.core.model import Pose, Side
from rotrack.core.reasons import Reason
from rotrack.kinematics.crops import NEUTRAL_LEAST, readable, typical
from rotrack.kinematics.rotation import NeutralPose
from rotrack.tracking.settings import NEUTRAL_S

COUNTED_IN = 8
"""The stillness so far is known to this part of what is needed."""
STILL_POINTER = 0.07
"""Still means that the pointer wanders by less than this share of its length (4 deg) ..."""
SHORT_POINTER = 0.25
"""... where a pointer that looks at the camera counts as at least this share of the leg ..."""
STILL_PLACE = 0.15
"""... and the leg by less than this share of its size in the picture."""

TREMBLING_TIMES, TREMBLING_MOST = 2.0, 3.5
"""A leg that trembles must be still for so many times as long, and tremble by no more than so many times these limits."""
TREMBLING_S = 0.4
"""Smoothing over this time takes a tremor away, and leaves a movement."""
LONGEST_STEP_S = 0.6
"""Frames further apart do not tell whether somebody holds still."""
LEAST_FRAMES = 4
LATE_S = 0.3
"""A leg that never holds still is taken from a stretch as long as this."""

STILL_TURN = 0.12
"""By the leg network: directions wander by less than this (7 deg), and heel, toe and ankle by less than `STILL_PLACE` feet."""


class NeutralFinder:
    """Looks for a stretch in which a leg is still.

    Parameters
    ----------
    needed : list of int
        Landmarks of the measure from hip to foot; the last two are the pointer.
    needed_s : float
        How long the leg must be still.
    side : Side, optional
        Whose crops of the leg network count, too.
    """

    def __init__(self, needed: list[int], needed_s: float = NEUTRAL_S, side: Side | None = None) -> None:
        self._needed, self._needed_s, self._side = needed, needed_s, side
        self._poses: deque[Pose] = deque()
        self._too_few = False

    def clear(self) -> None:
        """Forget what was seen."""
        self._poses.clear()

    @property
    def waiting(self) -> str:
        """Why there is no neutral pose yet."""
        seen_s = self._poses[-1].time_s - self._poses[0].time_s if self._poses else 0.0
        slow = (LEAST_FRAMES - 1) * seen_s > self._needed_s * (len(self._poses) - 1)
        return Reason.FEW_FRAMES if self._too_few or slow else Reason.WAITING

    def update(self, pose: Pose) -> tuple[NeutralPose, list[Pose]] | None:
        """Take a pose; return the neutral pose and the poses that it was taken from once there is one."""
        if self._poses:
            step_s = pose.time_s - self._poses[-1].time_s
            self._too_few = step_s > LONGEST_STEP_S
            if self._too_few:
                self._poses.clear()
        self._poses.append(pose)
        longest_s = max(TREMBLING_TIMES * self._needed_s, (LEAST_FRAMES - 1) * LONGEST_STEP_S)
        while pose.time_s - self._poses[0].time_s > longest_s + 1e-6:
            self._poses.popleft()
        for needed_s, trembling in ((self._needed_s, False), (TREMBLING_TIMES * self._needed_s, True)):
            poses = self._since(needed_s)
            if poses and self._still(poses, trembling):
                return middle(poses), poses
        return None

    def stillest(self, poses: Sequence[Pose]) -> tuple[NeutralPose, list[Pose]] | None:
        """Return the neutral pose from the earliest short stretch in which a leg is still at all, None if there is none."""
        kept, self._poses = self._poses, deque()
        found = None
        for pose in poses:
            self._poses.append(pose)
            while len(self._poses) > LEAST_FRAMES and pose.time_s - self._poses[1].time_s >= LATE_S - 1e-6:
                self._poses.popleft()
            near = list(self._poses)
            if len(near) >= LEAST_FRAMES and near[-1].time_s - near[0].time_s >= LATE_S - 1e-6 and self._still(near):
                found = middle(near), near
                break
        self._poses = kept
        return found

    def _since(self, needed_s: float) -> list[Pose]:
        """Return the latest poses that reach back so far, no more than needed; none if they do not."""
        poses = list(self._poses)
        first = len(poses) - LEAST_FRAMES
        while first > 0 and poses[-1].time_s - poses[first].time_s < needed_s - 1e-6:
            first -= 1
        return poses[first:] if first >= 0 and poses[-1].time_s - poses[first].time_s >= needed_s - 1e-6 else []

    def still_s(self) -> float:
        """Return for how long the leg has been still by now, at most what is needed; looks at the poses once more."""
        if len(self._poses) < LEAST_FRAMES:
            return 0.0
        for part in range(COUNTED_IN, 0, -1):
            since = self._since(self._needed_s * part / COUNTED_IN)
            if since and self._still(since):
                return self._needed_s * part / COUNTED_IN
        return 0.0

    def _still(self, poses: Sequence[Pose], trembling: bool = False) -> bool:
        """Return whether the leg is still, according to the pose model or to the leg network: either may tremble."""
        pixels = np.array([pose.image_px for pose in poses])
        if not trembling:
            return self._marks_still(pixels) or self._crops_still(poses)
        times = np.array([pose.time_s for pose in poses])
        return self._marks_still(pixels, TREMBLING_MOST) and self._marks_still(_smoothed(times, pixels))

    def _crops_still(self, poses: Sequence[Pose]) -> bool:
        asked = [pose.legs.get(self._side) for pose in poses if pose.legs] if self._side else []
        found = [crop for crop in asked if crop and readable(crop)]
        if len(found) < max(NEUTRAL_LEAST, len(asked)):
            return False
        places = np.array([crop.points_px[:3] for crop in found]) / np.median([crop.foot_px for crop in found])
        turns = np.array([np.concatenate([crop.foot, crop.shank]) for crop in found])
        return _wander(places) < STILL_PLACE and _wander(turns) < STILL_TURN

    def _marks_still(self, pixels: np.ndarray, times: float = 1.0) -> bool:
        """Return whether the leg is still in pixels, shape (n, 33, 2), by so many times the limits."""
        chain = pixels[:, self._needed]
        pointer = chain[:, -1] - chain[:, -2]
        length = float(np.median(np.hypot(*pointer.T)))
        reach = float(np.median(np.hypot(*(chain[:, -1] - chain[:, 0]).T)))
        near = times * STILL_POINTER * max(length, SHORT_POINTER * reach)
        return _wander(pointer) < near and _wander(chain) < times * STILL_PLACE * max(length, reach)


def middle(poses: Sequence[Pose]) -> NeutralPose:
    """Return the medians of poses."""
    pixels = np.array([p.image_px for p in poses])
    world = np.median([p.world_m for p in poses], axis=0)
    legs = {side: crop for side in Side if (crop := typical([p.legs.get(side) for p in poses if p.legs])) is not None}
    return NeutralPose(poses[-1].size_px, np.median(pixels, axis=0), world, legs)


def _smoothed(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return running means over `TREMBLING_S` of values, shape (n, ...)."""
    near = np.abs(times[:, None] - times) <= TREMBLING_S / 2
    inside = (times - times[0] >= TREMBLING_S / 2 - 1e-6) & (times[-1] - times >= TREMBLING_S / 2 - 1e-6)
    weights = (near / near.sum(axis=1, keepdims=True))[inside]
    return np.tensordot(weights, values, axes=1)


def _wander(values: np.ndarray) -> float:
    """Return how far values, shape (n, ...), wander: the larger of spread and twice the drift from first to second half."""
    spread = np.quantile(values, 0.9, axis=0) - np.quantile(values, 0.1, axis=0)
    half = len(values) // 2
    drift = np.abs(np.median(values[half:], axis=0) - np.median(values[:half], axis=0))
    return float(max(spread.max(), 2 * drift.max()))
