"""Whether the camera stands where it stood in the person's last session: how far from there, and when it is near enough.

Everything is found from the person in the starting position: the turn and the tilt of the camera by the leg model, the distance
by how large the legs are, the height by the tilt and by how far below the middle of the picture the hips are. What is assumed
wrongly of a person's proportions is so in both sessions and cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rotrack.core.messages import Message, say, sided
from rotrack.core.model import LEGS, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics.camera import Calibration
from rotrack.placement.check import Held, Said, Smooth, shank_px
from rotrack.placement.finding import Move, SetupFinding, State
from rotrack.placement.view import Angle, angles_of

CHECK = "again"
"""Name of the finding, which follows those of `rotrack.placement.check.CHECKS`."""
SHANK_M, THIGH_M = 0.41, 0.38
"""Lengths of an ordinary leg: they turn shares of the picture into metres."""
SIZES = tuple(
    pair
    for pair in (
        (LEGS[Side.LEFT].shoulder, LEGS[Side.RIGHT].shoulder),
        (LEGS[Side.LEFT].hip, LEGS[Side.RIGHT].hip),
        *((leg.shoulder, leg.hip) for leg in LEGS.values()),
        *((leg.knee, leg.ankle) for leg in LEGS.values()),
    )
)
"""What is compared to tell whether somebody is larger than before. Not the thighs: seen from the front, sitting, a camera that
goes up sees them longer."""
NEAR_M, NEAR_HEIGHT_M, NEAR_DEG = 0.2, 0.2, 6.0
"""Near enough. Only what is further off by more than its error is a problem; once that was said, it is one until it is near
enough, so that the words do not go to and fro."""
DISTANCE_SD = 0.04
"""Standard error of a distance, as a share of it: of people before known cameras (`tests/test_again.py`)."""
SAME_SHAPE = 0.02
"""Pictures whose width over height differs by more than this share are of different cameras."""


@dataclass(frozen=True, slots=True)
class Placed:
    """How the camera stood when somebody was in the starting position.

    Parameters
    ----------
    outline : numpy.ndarray, shape (33, 2)
        Landmarks as shares of the picture's width and height; NaN where none was seen.
    size_px : tuple of int
        Width and height of the picture.
    far_m : float
        From the camera to the middle of the hips, for a leg of ordinary length.
    below_deg : float
        How far the line from the camera to the hips goes down; NaN where the posture does not show the tilt.
    turn_deg : float
        How far the camera has walked round the person towards its own right; NaN where the posture does not show it.
    """

    outline: np.ndarray
    size_px: tuple[int, int]
    far_m: float
    below_deg: float
    turn_deg: float

    @property
    def height_m(self) -> float:
        """Height of the camera above the hips."""
        return self.far_m * math.sin(math.radians(self.below_deg))

    @property
    def distance_m(self) -> float:
        """Distance along the floor, or straight where the tilt is not known."""
        return self.far_m * math.cos(math.radians(np.nan_to_num(self.below_deg)))


@dataclass(frozen=True, slots=True)
class Against:
    """How the camera stands against then: further away, higher, further round to its own right; NaN where that is not known."""

    distance_m: float
    height_m: float
    turn_deg: float


def placed(
    image_px: np.ndarray, size_px: tuple[int, int], posture: Posture, angles: Mapping[str, Angle], calibration: Calibration
) -> Placed:
    """Return how the camera stands.

    Parameters
    ----------
    image_px : numpy.ndarray, shape (33, 2), px
        Landmarks of the starting position.
    size_px : tuple of int
        Width and height of the picture.
    posture : Posture
        The position of the person.
    angles : dict of str to Angle
        What is known of the camera, see `rotrack.placement.view.angles_of`.
    calibration : Calibration
        What else is known of it.
    """
    lens = calibration.lens_for(size_px)
    far_m = SHANK_M * float(lens.matrix[0, 0]) / shank_px(image_px) + THIGH_M * posture.record.shank_hangs
    hips_px = np.mean([image_px[leg.hip] for leg in LEGS.values()], axis=0)
    unknown = Angle(math.nan, math.nan)
    below_deg = math.degrees(math.atan(float(lens.slopes(hips_px)[1]))) + angles.get("pitch_deg", unknown).deg
    return Placed(image_px / size_px, size_px, far_m, below_deg, angles.get("turn_deg", unknown).deg)


def _larger(then: Placed, now: Placed) -> float:
    """Return how much larger the person is in the picture than then; NaN if nothing can be compared."""
    one, other = (
        np.array([np.hypot(*((place.outline[a] - place.outline[b]) * place.size_px)) for a, b in SIZES]) / place.size_px[0]
        for place in (then, now)
    )
    known = np.isfinite(one + other)
    return float(other[known].sum() / one[known].sum()) if known.any() else math.nan


def placed_by(
    poses: Sequence[Pose], posture: Posture, views: Sequence[Mapping[str, float]], calibration: Calibration
) -> Placed | None:
    """Return how the camera stood in poses of the starting position; None if nothing was seen of the legs."""
    seen = [pose for pose in poses if not pose.reason]
    if not seen:
        return None
    image_px = np.median([pose.image_px for pose in seen], axis=0)
    found = placed(image_px, seen[0].size_px, posture, angles_of(posture, calibration, views), calibration)
    return found if math.isfinite(found.far_m) else None


def same_shape(one_px: tuple[int, int], other_px: tuple[int, int]) -> bool:
    """Return whether two pictures have the same width over height, as those of one camera have."""
    return abs(one_px[0] * other_px[1] / (one_px[1] * other_px[0]) - 1) < SAME_SHAPE


class AgainCheck:
    """Compares how the camera stands with how it stood; poses come in order of time.

    Parameters
    ----------
    then : Placed
        How it stood.
    posture : Posture
        The position of the person.
    calibration : Calibration
        What is known of the camera now.
    """

    def __init__(self, then: Placed, posture: Posture, calibration: Calibration) -> None:
        self._then, self._posture, self._calibration = then, posture, calibration
        self._shown = {"turn_deg": posture.record.turn_shown, "pitch_deg": posture.record.pitch_shown or calibration.floor}
        self._smooth, self._held, self._told = Smooth(), Held(CHECK), Move.NONE
        self.against = Against(math.nan, math.nan, math.nan)
        """How it stands now, as far as that is known."""

    def update(self, pose: Pose, angles: Mapping[str, Angle]) -> SetupFinding:
        """Take the next pose and what is known of the camera; return the finding."""
        return self._held.update(pose.time_s, self._look(pose, angles))

    def _look(self, pose: Pose, angles: Mapping[str, Angle]) -> Said:
        then = self._then
        level = {**angles, "pitch_deg": Angle(0.0, 0.0)}  # the tilt comes from the fits, which are steady by themselves
        now = placed(pose.image_px, pose.size_px, self._posture, level, self._calibration)
        larger = _larger(then, now) if math.isfinite(now.far_m) else math.nan
        if math.isnan(larger) or not np.isfinite(pose.image_px[[leg.hip for leg in LEGS.values()]]).all():
            self.against = Against(math.nan, math.nan, math.nan)
            return Said(State.WAITING, say("setup.again_wait"))
        # The person is the same: what was said of the distance then holds, and only how much larger they are is new.
        far_m, look_deg = self._smooth.update(pose.time_s, np.array([then.far_m / larger, now.below_deg]))
        pitch = angles.get("pitch_deg", Angle(math.nan, math.nan))
        now = replace(now, far_m=float(far_m), below_deg=float(look_deg) + pitch.deg)
        self.against = Against(now.distance_m - then.distance_m, now.height_m - then.height_m, now.turn_deg - then.turn_deg)
        if any(shown and name not in angles for name, shown in self._shown.items()):
            return Said(State.WAITING, say("setup.again_wait"))
        found = self.against
        errors = {name: angle.sd_deg for name, angle in angles.items()}
        height_sd_m = then.far_m * math.radians(errors.get("pitch_deg", 0.0))
        ways = (
            (found.distance_m, NEAR_M, DISTANCE_SD * then.far_m, Move.CLOSER, Move.AWAY),
            (found.height_m, NEAR_HEIGHT_M, height_sd_m, Move.DOWN, Move.UP),
            (found.turn_deg, NEAR_DEG, errors.get("turn_deg", 0.0), Move.RIGHT, Move.LEFT),
        )
        beyond = {}
        for off, near, error, back, on in ways:
            move = back if off > 0 else on
            beyond[move] = abs(off) / (near if move is self._told else near + error) if math.isfinite(off) else 0.0
        move = max(beyond, key=beyond.__getitem__)
        self._told = move if beyond[move] > 1 else Move.NONE
        return Said(State.PROBLEM, self._advice(move), move) if self._told else Said(State.GOOD, say("setup.again_good"))

    def _advice(self, move: Move) -> Message:
        against = self.against
        if move in (Move.LEFT, Move.RIGHT):
            side = sided(Side.LEFT if move is Move.LEFT else Side.RIGHT)
            return say("setup.again_turned", degrees=round(abs(against.turn_deg)), side=side)
        off_m = against.distance_m if move in (Move.CLOSER, Move.AWAY) else against.height_m
        return say(f"setup.again_{move}", amount=5 * round(abs(off_m) * 20))
