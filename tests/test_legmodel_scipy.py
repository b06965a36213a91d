"""The leg model's own Gauss-Newton finds what `scipy.optimize.least_squares` finds on the same sum."""

import numpy as np
import pytest
from conftest import STANCES
from scipy.optimize import least_squares

from rotrack.core.model import LEGS, N_LANDMARKS, Side
from rotrack.core.postures import Posture
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.legmodel import _STEPS, OUTLIER_FROM, LegModel, Measurements, NeutralLeg, leg_points

SIZE_PX = (640, 480)


def picture(model: LegModel, rotation_deg: float, noise_px: np.ndarray) -> np.ndarray:
    """Return landmarks of the leg, turned from its neutral pose, as the model's own lens shows them."""
    neutral = model.neutral
    joints = neutral.joints + np.array([0, 0, rotation_deg, 0, 0])
    points, _ = leg_points(neutral.axes, model.side, joints, neutral.lengths)
    points = points + neutral.origin
    image = np.full((N_LANDMARKS, 2), np.nan)
    seen = points[:, :2] / points[:, 2:] * neutral.lens.matrix[0, 0] + neutral.lens.matrix[:2, 2]
    image[list(LEGS[model.side][1:])] = seen + noise_px
    return image


def by_scipy(model: LegModel, image_px: np.ndarray) -> float:
    """Return the rotation that scipy finds for one frame, starting from the neutral pose."""
    seen, axes, depth = model.neutral.measurements(image_px), model.neutral.axes, model.neutral.origin[2]
    held = np.sqrt(np.diag(model._held))

    def residuals(state: np.ndarray) -> np.ndarray:
        shown = model._shown(state[None], axes)[0].reshape(9, 2)[:5]  # without the leg network
        miss = (shown - seen.slopes[:5]) * (depth / seen.sd[:5])[:, None]
        size = np.hypot(*miss.T)[:, None]  # the loss is on points, not on coordinates: rho(s) with the model's own weight
        return np.concatenate([(miss / (1 + (size / OUTLIER_FROM) ** 2) ** 0.25).ravel(), (state - model._start) * held])

    return float(least_squares(residuals, model._start, x_scale=_STEPS).x[4])


@pytest.mark.parametrize("posture", [Posture.SEATED, Posture.STANDING, Posture.LONG_SITTING, Posture.SUPINE_BENT])
@pytest.mark.parametrize("side", Side)
def test_own_fit_agrees_with_scipy(posture, side):
    rng = np.random.default_rng(1)
    stance = STANCES[posture]
    start = np.full((N_LANDMARKS, 2), np.nan)
    axes = stance.facings[0].axes
    joints = np.array([stance.flexion_deg, stance.abduction_deg, stance.rotation_deg, stance.knee_deg, stance.ankle_deg], float)
    lengths = {"hip_width": 0.47, "femur": 0.9, "heel_behind": 0.13, "heel_below": 0.11, "toe_ahead": 0.46, "toe_below": 0.17}
    tilt = np.radians(stance.pitches_deg[0][0])
    down = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    for leg in Side:
        points, _ = leg_points(down @ axes, leg, joints, {k: np.array([v]) for k, v in lengths.items()})
        points = points + np.array([0.0, 0.0, 6.0])
        start[list(LEGS[leg][1:])] = points[:, :2] / points[:, 2:] * 554.0 + [319.5, 239.5]
    model = LegModel(NeutralLeg(start, SIZE_PX, side, stance, Calibration()))
    for time_s, rotation_deg in enumerate((-25.0, -10.0, 8.0, 30.0)):  # a second apart: every fit starts cold
        image = picture(model, rotation_deg, rng.normal(0, 0.4, (5, 2)))
        own = model.read(float(time_s), model.neutral.measurements(image)).rotation_deg
        assert own == pytest.approx(by_scipy(model, image), abs=0.2)


@pytest.mark.parametrize("side", Side)
def test_a_measured_direction_enters_the_fit_by_its_own_error(side):
    """A sure direction of the foot outweighs landmarks that do not show the turn; an unsure one does not."""
    stance = STANCES[Posture.STANDING]
    joints = np.array([stance.flexion_deg, stance.abduction_deg, stance.rotation_deg, stance.knee_deg, stance.ankle_deg], float)
    lengths = {"hip_width": 0.47, "femur": 0.9, "heel_behind": 0.13, "heel_below": 0.11, "toe_ahead": 0.46, "toe_below": 0.17}
    start = np.full((N_LANDMARKS, 2), np.nan)
    for leg in Side:
        points, _ = leg_points(stance.facings[0].axes, leg, joints, {k: np.array([v]) for k, v in lengths.items()})
        points = points + np.array([0.0, 0.0, 6.0])
        start[list(LEGS[leg][1:])] = points[:, :2] / points[:, 2:] * 554.0 + [319.5, 239.5]
    model = LegModel(NeutralLeg(start, SIZE_PX, side, stance, Calibration()))
    seen = model.neutral.measurements(start)
    neutral = model.read(0.0, seen)
    _, foot = leg_points(model.neutral.axes, side, model.neutral.joints + np.array([0, 0, 20.0, 0, 0]), model.neutral.lengths)
    told = np.array([[np.nan] * 3, foot[:, 0]])
    found = [
        model.read(10.0 * k, Measurements(seen.slopes, 3 * seen.sd, told, np.tile(np.eye(3) / np.radians(sd_deg), (2, 1, 1))))
        for k, sd_deg in enumerate((0.5, 60.0), start=1)
    ]
    sure, unsure = (reading.rotation_deg - neutral.rotation_deg for reading in found)
    assert sure > 15 > 5 > unsure > -1
    assert found[0].sd_deg < neutral.sd_deg < found[1].sd_deg
