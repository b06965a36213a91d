"""What the leg network said, as measurements of the leg model: in camera axes, with errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rotrack.core.model import LEGS, LegCrop, Pose
from rotrack.kinematics.camera import Lens
from rotrack.kinematics.legmodel import NETWORK_PARTS

READABLE_FROM = 0.5
"""A crop counts if the network is at least so sure that it shows this leg and can be read."""
NEUTRAL_SHARE, NEUTRAL_LEAST = 0.6, 2
"""Share and number of the pictures of the neutral pose in which the leg must be readable, of those that were read at all."""
LEAST_SD_DEG, LEAST_SD_PX = 1.0, 0.5
"""The error of a direction or point is never taken to be smaller than this, whatever the network states."""
_MARKS = {side: [leg.heel, leg.toe, leg.ankle, leg.knee] for side, leg in LEGS.items()}
_ORDER = [("heel", "toe", "ankle", "knee").index(part) for part in NETWORK_PARTS]


def readable(crop: LegCrop | None) -> bool:
    """Whether a crop shows the leg that it is for and can be read."""
    return crop is not None and crop.readable >= READABLE_FROM


def typical(crops: Sequence[LegCrop | None]) -> LegCrop | None:
    """Return the median of the readable crops of a still time; None if there are too few."""
    good = [crop for crop in crops if crop is not None and readable(crop)]
    if len(good) < max(NEUTRAL_LEAST, NEUTRAL_SHARE * len(crops)):
        return None
    return LegCrop.of(np.median([crop.numbers() for crop in good], axis=0))


def completed(pose: Pose) -> Pose:
    """Return the pose with the leg network's landmarks where the pose model has none and the network can read the leg."""
    marks = pose.image_px.copy()
    for side, crop in pose.legs.items():
        if readable(crop):
            rows = _MARKS[side]
            marks[rows] = np.where(np.isfinite(marks[rows]), marks[rows], crop.points_px)
    if np.isfinite(marks).sum() == np.isfinite(pose.image_px).sum():
        return pose
    marks.setflags(write=False)
    return replace(pose, image_px=marks)


def slopes(crop: LegCrop, lens: Lens) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of the rays through `NETWORK_PARTS`, shape (4, 2), and their errors, shape (4,)."""
    foot, knee = np.maximum(crop.points_sd_px, LEAST_SD_PX) / float(lens.matrix[0, 0])
    return lens.slopes(crop.points_px[_ORDER]), np.array([knee, foot, foot, foot])


def directions(crop: LegCrop, lens: Lens, foot_slack_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions knee to ankle and heel to toe in camera axes, and what makes their errors one.

    Parameters
    ----------
    crop : LegCrop
        What the network said.
    lens : Lens
        The camera.
    foot_slack_deg : float
        How far the foot may turn against the shank, deg: a foot that hangs from a bent knee says little of the hip.

    Returns
    -------
    directions : numpy.ndarray, shape (2, 3)
        Unit vectors.
    precision : numpy.ndarray, shape (2, 3, 3)
        As in `legmodel.Measurements`.
    """
    turn = lens.turn_to(crop.middle_px)
    told = np.stack([-crop.shank, crop.foot])
    told = told / np.linalg.norm(told, axis=1, keepdims=True) @ turn.T
    foot_across, foot_along, shank_across, shank_along = np.maximum(crop.direction_sd_deg, LEAST_SD_DEG)
    foot_across, foot_along = np.hypot([foot_across, foot_along], foot_slack_deg)
    sd = np.radians([[shank_across, shank_across, shank_along], [foot_across, foot_across, foot_along]])
    return told, turn.T / sd[:, :, None]
