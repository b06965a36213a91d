"""How the camera stands, found out from the person before anything counts.

`ViewFinder` fits the leg model now and then to legs that are still in the starting position. The camera's angles that the model
finds are drawn towards what it expects, by a share that depends on the posture; here that is undone, with the error that
remains. Where a posture does not show an angle, none is given.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np

from rotrack.core.drills import Drill, Posture
from rotrack.core.model import LEGS, Pose, Side
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.crops import readable
from rotrack.kinematics.posture import position_problem
from rotrack.kinematics.rotation import NEEDS, REASON_NOT_READ, RotationMeasure, make_measure
from rotrack.tracking.neutral import NeutralFinder
from rotrack.tracking.settings import NEUTRAL_S

FIT_REST_S, FIT_AGAIN_S, FIT_APART_S = 4.0, 1.0, 0.5
"""A leg is fitted again after the first, or after the second if it was out of position, and never two at once: a fit takes 10 ms,
with a floor profile 30."""
AWAY_S = 2.0
"""Who is away or out of position for longer may have moved the camera: what was known of it is forgotten."""
ABOUT_CAMERA = "the camera"
"""Beginning of what a measure says of the camera instead of the position."""


class Angle(NamedTuple):
    """An angle of the camera with its standard error, deg."""

    deg: float
    sd_deg: float


class _Shown(NamedTuple):
    """How a true angle follows from what the leg model finds: slope times found plus offset, right to the standard error."""

    slope: float
    offset_deg: float
    sd_deg: float


TURNS = {
    Posture.SEATED: _Shown(1.17, 0.0, 1.5),
    Posture.STANDING: _Shown(1.55, 0.0, 4.7),
    Posture.STANDING_TOES: _Shown(1.4, 0.0, 6.2),
    Posture.LONG_SITTING: _Shown(1.42, 0.0, 2.0),
    Posture.SUPINE_BENT: _Shown(1.16, 0.0, 2.5),
    Posture.SUPINE_90_90: _Shown(0.85, 0.0, 4.7),
}
"""Turn from the mean over both legs: least squares on rendered people before known cameras (17 to 90 views a posture, up to 25
degrees aside). The lunge and lying on the side do not show it."""
PITCHES = {
    Posture.SEATED: _Shown(1.15, -3.0, 2.9),
    Posture.STANDING: _Shown(2.7, -26.1, 3.8),
    Posture.STANDING_TOES: _Shown(2.85, -19.8, 5.6),
    Posture.LONG_SITTING: _Shown(3.8, -16.4, 3.3),
    Posture.SUPINE_BENT: _Shown(2.46, -34.4, 3.4),
}
"""Pitch, likewise."""
ROLL_SDS_DEG = {
    Posture.SEATED: 2.0,
    Posture.STANDING: 2.0,
    Posture.STANDING_TOES: 2.0,
    Posture.LONG_SITTING: 4.0,
    Posture.LUNGE: 2.0,
}
"""Roll comes from the trunk, which is upright in these. On rendered people it errs by 0.5 to 1.3 degrees, long sitting by 3; real
ones lean a little."""


def one_leg_at_a_time(drill: Drill) -> bool:
    """Whether a drill measures only one leg in the position that the person is in."""
    return drill.posture.value.startswith("side") or drill.posture in (Posture.LUNGE, Posture.STRETCH)


class ViewFinder:
    """Looks at the camera through the person; poses come in order of time.

    Parameters
    ----------
    drill : Drill
        The drill that is to be measured.
    sides : tuple of Side
        The legs that are to be measured; where both are in the same position, the other one helps to find the angles.
    calibration : Calibration
        What is known of the camera.
    """

    def __init__(self, drill: Drill, sides: tuple[Side, ...], calibration: Calibration) -> None:
        self._drill, self._sides, self._calibration = drill, sides, calibration
        self._enough = 1 if one_leg_at_a_time(drill) else len(sides)
        self._needed = {side: [getattr(LEGS[side], part) for part in NEEDS[drill.measure]] for side in Side}
        self._hips = [LEGS[side].hip for side in Side]
        followed = sides if one_leg_at_a_time(drill) else tuple(Side)
        self._finders = {side: NeutralFinder(self._needed[side], side=side) for side in followed}
        self._due_s = dict.fromkeys(self._finders, -math.inf)
        self._fits: dict[Side, RotationMeasure] = {}
        self._views: dict[Side, dict[str, float]] = {}
        self._rolls_deg: deque[float] = deque(maxlen=9)
        self._in_place_s = -math.inf

    @property
    def fits(self) -> tuple[RotationMeasure, ...]:
        """The latest measure of each leg that is to be measured; empty until there are enough of them."""
        found = tuple(self._fits[side] for side in self._sides if side in self._fits)
        return found if len(found) >= self._enough else ()

    @property
    def problem(self) -> str:
        """Why the latest neutral poses cannot be measured from; empty if they can, or if there are none yet."""
        problems = [fit.problem for fit in self.fits if fit.problem]
        return problems[0] if problems and len(self.fits) - len(problems) < self._enough else ""

    def angles(self) -> dict[str, Angle]:
        """Return what is known of `turn_deg`, `pitch_deg` and `roll_deg`, with their errors.

        Turn: how far the camera has walked round the person towards its own right. Pitch: how far it looks down. Roll: how far
        the picture leans clockwise.
        """
        posture, floor = self._drill.posture, self._calibration.floor
        known: dict[str, Angle] = {}
        for name, found, table in (("turn_deg", "turn_deg", TURNS), ("pitch_deg", "camera_pitch_deg", PITCHES)):
            if self._views and posture in table:
                slope, offset_deg, sd_deg = table[posture]
                mean_deg = float(np.mean([view[found] for view in self._views.values()]))
                known[name] = Angle(slope * mean_deg + offset_deg, sd_deg)
        if floor:
            known["pitch_deg"] = Angle(floor.pitch_deg, floor.tilt_sd_deg)
            known["roll_deg"] = Angle(floor.roll_deg, floor.tilt_sd_deg)
        elif posture in ROLL_SDS_DEG and self._rolls_deg:
            known["roll_deg"] = Angle(float(np.median(self._rolls_deg)), ROLL_SDS_DEG[posture])
        return known

    def update(self, pose: Pose) -> str:
        """Take the next pose; return why it shows no starting position, in words, empty if it may be one."""
        reason = self._out_of_position(pose)
        if not reason:
            self._in_place_s = pose.time_s
            self._look(pose)
        elif pose.time_s - self._in_place_s > AWAY_S:
            self._forget()
        return reason

    def _out_of_position(self, pose: Pose) -> str:
        if pose.reason:
            return pose.reason
        seen = [side for side in self._sides if np.isfinite(pose.image_px[self._needed[side] + self._hips]).all()]
        if len(seen) < self._enough:
            return "waits until all that is needed is seen"
        if self._drill.without_legnet:
            seen = [side for side in seen if readable(pose.legs.get(side))]
            if len(seen) < self._enough:
                return REASON_NOT_READ
        return next(filter(None, (position_problem(self._drill.posture, pose, side) for side in seen)), "")

    def _look(self, pose: Pose) -> None:
        """Fit the leg model to a leg that has been still, if it is its turn."""
        for side, finder in self._finders.items():
            due_s = self._due_s[side]
            if pose.time_s < due_s - NEUTRAL_S or not np.isfinite(pose.image_px[self._needed[side]]).all():
                continue
            found = finder.update(pose)
            if found is None or pose.time_s < due_s:
                continue
            neutral, _ = found
            finder.clear()
            fit = self._fits[side] = make_measure(neutral, side, self._drill, self._calibration)
            in_position = not fit.problem or fit.problem.startswith(ABOUT_CAMERA)
            if in_position:
                self._views[side] = fit.view
                self._rolls_deg.append(_lean_deg(neutral.image_px))
            self._due_s = {other: max(s, pose.time_s + FIT_APART_S) for other, s in self._due_s.items()}
            self._due_s[side] = pose.time_s + (FIT_REST_S if in_position else FIT_AGAIN_S)
            return

    def _forget(self) -> None:
        self._fits.clear()
        self._views.clear()
        self._rolls_deg.clear()
        self._due_s = dict.fromkeys(self._finders, -math.inf)
        for finder in self._finders.values():
            finder.clear()


def _lean_deg(image_px: np.ndarray) -> float:
    """Return how far the trunk leans clockwise in the picture, landmarks of shape (33, 2), px; NaN if it is not seen."""
    shoulders, hips = (np.mean([image_px[getattr(leg, part)] for leg in LEGS.values()], axis=0) for part in ("shoulder", "hip"))
    return float(np.degrees(np.arctan2(shoulders[0] - hips[0], hips[1] - shoulders[1])))
