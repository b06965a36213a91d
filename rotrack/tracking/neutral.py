"""The neutral pose: the first stretch of stillness, of which the medians become the zero."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from rotrack.kinematics.crops import NEUTRAL_LEAST, readable, typical
from rotrack.kinematics.rotation import NeutralPose
from rotrack.model import Pose, Side

NEUTRAL_S = 0.7
"""How long the person must be still for the neutral pose, unless told otherwise."""
COUNTED_IN = 8
"""The stillness so far is known to this part of what is needed."""
STILL_POINTER = 0.07
"""Still means that the pointer wanders by less than this share of its length (4 deg) ..."""
SHORT_POINTER = 0.25
"""... where a pointer that looks at the camera counts as at least this share of the leg ..."""
STILL_PLACE = 0.15
"""... and the leg by less than this share of its size in the picture."""

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

    def clear(self) -> None:
        """Forget what was seen."""
        self._poses.clear()

    def update(self, pose: Pose) -> tuple[NeutralPose, float] | None:
        """Take a pose; return the neutral pose and the start of the still stretch once there is one."""
        if self._poses and pose.time_s - self._poses[-1].time_s > NEUTRAL_S / 2:
            self._poses.clear()
        self._poses.append(pose)
        while len(self._poses) > 1 and pose.time_s - self._poses[1].time_s >= self._needed_s - 1e-6:
            self._poses.popleft()
        if pose.time_s - self._poses[0].time_s < self._needed_s - 1e-6 or len(self._poses) < 4:
            return None
        if not self._still(list(self._poses)):
            return None
        pixels = np.array([p.image_px for p in self._poses])
        world = np.median([p.world_m for p in self._poses], axis=0)
        legs = {side: crop for side in Side if (crop := typical([p.legs.get(side) for p in self._poses if p.legs])) is not None}
        return NeutralPose(pose.size_px, np.median(pixels, axis=0), world, legs), self._poses[0].time_s

    def still_s(self) -> float:
        """Return for how long the leg has been still by now, at most what is needed; looks at the poses once more."""
        if len(self._poses) < 4:
            return 0.0
        times = np.array([p.time_s for p in self._poses])
        for part in range(COUNTED_IN, 0, -1):
            from_s = times[-1] - self._needed_s * part / COUNTED_IN
            since = [pose for pose in self._poses if pose.time_s >= from_s - 1e-6]
            if times[0] <= from_s + 1e-6 and len(since) >= 4 and self._still(since):
                return self._needed_s * part / COUNTED_IN
        return 0.0

    def _still(self, poses: Sequence[Pose]) -> bool:
        """Return whether the leg is still, according to the pose model or to the leg network: either may tremble."""
        return self._marks_still(np.array([pose.image_px for pose in poses])) or self._crops_still(poses)

    def _crops_still(self, poses: Sequence[Pose]) -> bool:
        asked = [pose.legs.get(self._side) for pose in poses if pose.legs] if self._side else []
        found = [crop for crop in asked if crop and readable(crop)]
        if len(found) < max(NEUTRAL_LEAST, len(asked)):
            return False
        places = np.array([crop.points_px[:3] for crop in found]) / np.median([crop.foot_px for crop in found])
        turns = np.array([np.concatenate([crop.foot, crop.shank]) for crop in found])
        return _wander(places) < STILL_PLACE and _wander(turns) < STILL_TURN

    def _marks_still(self, pixels: np.ndarray) -> bool:
        """Return whether the leg is still in pixels, shape (n, 33, 2)."""
        chain = pixels[:, self._needed]
        pointer = chain[:, -1] - chain[:, -2]
        length = float(np.median(np.hypot(*pointer.T)))
        reach = float(np.median(np.hypot(*(chain[:, -1] - chain[:, 0]).T)))
        return _wander(pointer) < STILL_POINTER * max(length, SHORT_POINTER * reach) and _wander(chain) < STILL_PLACE * max(
            length, reach
        )


def _wander(values: np.ndarray) -> float:
    """Return how far values, shape (n, ...), wander: the larger of spread and twice the drift from first to second half."""
    spread = np.quantile(values, 0.9, axis=0) - np.quantile(values, 0.1, axis=0)
    half = len(values) // 2
    drift = np.abs(np.median(values[half:], axis=0) - np.median(values[:half], axis=0))
    return float(max(spread.max(), 2 * drift.max()))
