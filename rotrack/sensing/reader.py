"""Frames to poses with what the leg network says of the legs: the pose model first, then the network on its landmarks.

A frame that only repeats an earlier one carries no pose.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import closing
from statistics import median

from rotrack.core.model import Frame, Pose, empty_pose
from rotrack.core.reasons import Reason
from rotrack.sensing.frozen import Repeats
from rotrack.sensing.landmarker import Landmarker
from rotrack.sensing.legnet import LegNet
from rotrack.sensing.prefetch import ahead
from rotrack.system.clock import SYSTEM, Clock

POSES_AHEAD = 4
GIVE_WAY_S = 0.001
"""A recorded pose waits so long before it is used. Python runs one thread at a time, and the thread of the pose model must first
hand the next frame to the model, which then works beside Python. To use a pose at once holds up the pose model, the slowest
stage, by a twentieth of its time (`tests/benchmarks/pipeline.py` on two cores)."""
WANTED_HZ = 24.0
"""Live, legs are left out of pictures before fewer pictures than this are read in a second: somewhat more than are enough ..."""
SELDOM = 4
"""... but every fourth is read at least."""
LEAST_SHARE = 0.1
"""This share of the time of the pose model is theirs in any case: where that alone is too slow, leaving them out saves little."""
OVER_FRAMES = 48
"""How many of the latest pictures tell how long they take."""


def read_recorded(frames: Iterable[Frame], landmarker: Landmarker, legnet: LegNet | None) -> Generator[tuple[Frame, Pose]]:
    """Yield every frame with its pose; the pose model works ahead, so that network and caller run beside it."""
    repeats = Repeats()
    poses = ahead(((frame, _pose_of(frame, landmarker, repeats)) for frame in frames), POSES_AHEAD)
    with closing(poses):
        for frame, pose in poses:
            time.sleep(GIVE_WAY_S)
            yield frame, legnet.read(frame.rgb, pose) if legnet else pose


def read_live(
    frames: Iterable[Frame],
    landmarker: Landmarker,
    legnet: LegNet | None,
    always: bool = False,
    clock: Clock = SYSTEM,
) -> Generator[tuple[Frame, Pose]]:
    """Yield frames with their poses, one by one, so that nothing is late; legs in as many pictures as there is time for.

    Parameters
    ----------
    frames : iterable of Frame
        What a camera gives, numbered as it gives them: a gap is what nobody had time for.
    landmarker, legnet : Landmarker, LegNet or None
        The models; without the network no leg is read.
    always : bool
        Whether the legs are read in every picture all the same, for what cannot be measured without.
    clock : Clock
        Tells how long it all takes.
    """
    pace, repeats = _Pace(), Repeats()
    for frame in frames:
        began_s = clock.monotonic_s()
        pose = _pose_of(frame, landmarker, repeats)
        found_s = clock.monotonic_s()
        if legnet and (always or pace.due(frame)):
            pose = legnet.read(frame.rgb, pose)
        read_s = clock.monotonic_s()
        yield frame, pose
        pace.took(clock.monotonic_s() - read_s + found_s - began_s, read_s - found_s if pose.legs else math.nan)


def _pose_of(frame: Frame, landmarker: Landmarker, repeats: Repeats) -> Pose:
    if repeats.is_copy(frame):
        return empty_pose(frame.time_s, (frame.rgb.shape[1], frame.rgb.shape[0]), Reason.FROZEN)
    return landmarker.detect(frame)


class _Pace:
    """In which pictures of a camera the legs are read: in every n-th, the smallest n that leaves time for the pictures."""

    def __init__(self) -> None:
        self._given: deque[tuple[int, float]] = deque(maxlen=OVER_FRAMES)
        self._rest_s: deque[float] = deque(maxlen=OVER_FRAMES)
        self._legs_s: deque[float] = deque(maxlen=OVER_FRAMES // SELDOM)
        self._waited = SELDOM

    def took(self, rest_s: float, legs_s: float) -> None:
        """Take how long a picture took without the legs, and how long its legs; NaN if they were not read."""
        self._rest_s.append(rest_s)
        if math.isfinite(legs_s):
            self._legs_s.append(legs_s)

    def due(self, frame: Frame) -> bool:
        """Return whether the legs of the next picture are to be read."""
        self._given.append((frame.index, frame.time_s))
        self._waited += 1
        if self._waited < self._every():
            return False
        self._waited = 0
        return True

    def _every(self) -> int:
        if len(self._given) < OVER_FRAMES // 2 or not self._legs_s:  # too few to tell: the first ones are slow
            return 1
        (first, from_s), (last, to_s) = self._given[0], self._given[-1]
        given_s = (to_s - from_s) / (last - first)
        rest_s, legs_s = median(self._rest_s), median(self._legs_s)
        left_s = max(max(given_s, 1 / WANTED_HZ) - rest_s, LEAST_SHARE * rest_s)
        return math.ceil(legs_s / left_s) if legs_s < SELDOM * left_s else SELDOM
