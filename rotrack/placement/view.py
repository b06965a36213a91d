"""How the camera stands, found out from the person before anything counts.

`ViewFinder` fits the leg model now and then to legs that are still in the starting position. The camera's angles that the model
finds are drawn towards what it expects, by a share that depends on the posture; here that is undone, with the error that
remains. Where a posture does not show an angle, none is given.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rotrack.core.drills import Drill
from rotrack.core.model import LEGS, Pose, Side
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.crops import readable
from rotrack.kinematics.posture import position_problem
from rotrack.kinematics.rotation import NEEDS, RotationMeasure, make_measure
from rotrack.tracking.neutral import NeutralFinder
from rotrack.tracking.settings import NEUTRAL_S

FIT_REST_S, FIT_AGAIN_S, FIT_APART_S = 4.0, 1.0, 0.5
"""A leg is fitted again after the first, or after the second if it was out of position, and never two at once: a fit takes 10 ms,
with a floor profile 30."""
AWAY_S = 2.0
"""Who is away or out of position for longer may have moved the camera: what was known of it is forgotten."""


class Angle(NamedTuple):
    """An angle of the camera with its standard error, deg."""

    deg: float
    sd_deg: float


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
        self._enough = 1 if drill.posture.record.one_leg else len(sides)
        self._needed = {side: [getattr(LEGS[side], part) for part in NEEDS[drill.measure]] for side in Side}
        self._hips = [LEGS[side].hip for side in Side]
        followed = sides if drill.posture.record.one_leg else tuple(Side)
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
    def refused(self) -> RotationMeasure | None:
        """The measure whose problem stops the measuring; None if enough legs can be measured, or none was seen yet."""
        refused = [fit for fit in self.fits if fit.problem]
        return refused[0] if refused and len(self.fits) - len(refused) < self._enough else None

    def angles(self) -> dict[str, Angle]:
        """Return what is known of `turn_deg`, `pitch_deg` and `roll_deg`, with their errors.

        Turn: how far the camera has walked round the person towards its own right. Pitch: how far it looks down. Roll: how far
        the picture leans clockwise.
        """
        return angles_of(self._drill.posture, self._calibration, list(self._views.values()), list(self._rolls_deg))

    def update(self, pose: Pose) -> str:
        """Take the next pose; return why it shows no starting position, empty if it may be one."""
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
            return Reason.NOT_ALL_SEEN
        if self._drill.without_legnet:
            seen = [side for side in seen if readable(pose.legs.get(side))]
            if len(seen) < self._enough:
                return Reason.FOOT_UNREAD
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
            in_position = not fit.problem or fit.about.camera
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


def angles_of(
    posture: Posture, calibration: Calibration, views: Sequence[Mapping[str, float]], rolls_deg: Sequence[float] = ()
) -> dict[str, Angle]:
    """Return the angles of the camera as `ViewFinder.angles` does.

    Parameters
    ----------
    posture : Posture
        The position of the person.
    calibration : Calibration
        What is known of the camera.
    views : sequence of dict of str to float
        What the measure of each leg found out about the camera, see `rotrack.core.model.NeutralTaken`.
    rolls_deg : sequence of float
        How far the trunk leaned clockwise in the picture.
    """
    record, floor = posture.record, calibration.floor
    known: dict[str, Angle] = {}
    for name, found, shown in (
        ("turn_deg", "turn_deg", record.turn_shown),
        ("pitch_deg", "camera_pitch_deg", record.pitch_shown),
    ):
        if views and shown:
            mean_deg = float(np.mean([view[found] for view in views]))
            known[name] = Angle(shown.slope * mean_deg + shown.offset_deg, shown.sd_deg)
    if floor:
        known["pitch_deg"] = Angle(floor.pitch_deg, floor.tilt_sd_deg)
        known["roll_deg"] = Angle(floor.roll_deg, floor.tilt_sd_deg)
    elif rolls_deg and math.isfinite(record.roll_sd_deg):
        known["roll_deg"] = Angle(float(np.median(rolls_deg)), record.roll_sd_deg)
    return known


def _lean_deg(image_px: np.ndarray) -> float:
    """Return how far the trunk leans clockwise in the picture, landmarks of shape (33, 2), px; NaN if it is not seen."""
    shoulders, hips = (np.mean([image_px[getattr(leg, part)] for leg in LEGS.values()], axis=0) for part in ("shoulder", "hip"))
    return float(np.degrees(np.arctan2(shoulders[0] - hips[0], hips[1] - shoulders[1])))
