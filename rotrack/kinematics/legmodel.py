"""One leg model for every drill: pelvis, femur, shank and foot as rigid segments, fitted to the landmarks of a frame.

`NeutralLeg` is fitted once to the neutral pose: the camera's tilt and turn, the place of the pelvis, the joint angles of the leg
and the lengths of its segments, each held near what the posture and anatomy let expect. `LegModel` then follows the leg frame
by frame. Both minimise the same sum: squared distances between seen and modelled landmarks, each over its own error and with
outliers held down, plus squared deviations from the prior. The hip rotation is the third rotation of the hip joint
coordinate system (flexion, abduction, rotation: Wu et al. 2002; Grood and Suntay 1983), so it is relative to the pelvis for
bent and for straight knees alike; the inverse of the fit's normal matrix is its variance.

Lengths are in shanks: how large the person is does not matter, and the picture cannot tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rotrack.core.model import LEGS, Side
from rotrack.core.postures import Facing, Stance
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.geometry import rotation_of_axis, shortest_rotation, turn_about
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    from scipy import optimize
else:
    optimize = when_used("scipy.optimize")

PARTS = ("hip", "knee", "ankle", "heel", "toe")
"""The landmarks of one leg that the model explains, in this order everywhere below."""
LANDMARK_SD = np.array([0.05, 0.03, 0.025, 0.15, 0.04])
"""Error of the pose model's landmarks in shanks (rendered people: the heel is seen worst, it hardly follows a turning foot)."""
NETWORK_PARTS = ("knee", "ankle", "heel", "toe")
"""The landmarks that the leg network finds, in this order behind `PARTS`."""
BESIDE_NETWORK = np.array([2.0, 3.0, 3.0, 3.0, 3.0])
"""Where the leg network can read the leg, the pose model's landmarks count as erring by so many times more: a crop shows them,
and what is known of the leg then says more of the hip."""
WANDER_SHARE = 0.6
"""Share of that error which changes from frame to frame; the rest stays and is taken up by the neutral pose."""
OUTLIER_FROM = 2.0
"""Landmarks further off than this many errors lose weight."""
KNEE_FOLLOWS = 0.05
"""Share of the ankle's way by which the pose model drags a resting knee along (2 to 8 % on rendered people)."""
LEAN_SD_DEG = 8.0
"""How far the camera's tilt according to the world landmarks may be off."""
LENGTHS = {
    "hip_width": (0.47, 0.07),
    "femur": (0.90, 0.05),
    "heel_behind": (0.13, 0.04),
    "heel_below": (0.11, 0.03),
    "toe_ahead": (0.46, 0.06),
    "toe_below": (0.17, 0.03),
}
"""Segment lengths between joint centres with their spread between people, in shanks (five body shapes; the toe is the base of
the second toe)."""
ROWS = [0, 1, 2, 3, 4, 1, 2, 3, 4]
_FOOT_ROWS, _ANKLE_OF = [3, 4, 7, 8], [2, 2, 6, 6]
_OVER_ROWS = [0, 1, 2, 2, 2, 5, 6, 6, 6]
_JOINT_SD = np.array([12.0, 6.0, 8.0, 8.0, 10.0])
_SHIFT_SD, _ROTATION_SD, _FOOT_SD = 0.08, 60.0, 0.25
_ROLL_SD, _TILT_SD = 4.0, 8.0
_STEPS = np.array([1e-3, 1e-3, 0.05, 0.05, 0.05, 0.05, 0.05, 1e-3])
_FIT_STEP, _FIT_ROUNDS = 1e-4, 40
_FIRST_ROUNDS, _ROUNDS, _LARGEST_STEP_DEG = 8, 3, 25.0
_WARM_S = 0.3


class LegReading(NamedTuple):
    """What the leg model says of one frame, degrees."""

    rotation_deg: float
    """Hip rotation relative to the pelvis, internal positive, from anatomical zero."""
    sd_deg: float
    """Standard error of it, from the fit alone."""
    gravity_deg: float
    """What a goniometer held against gravity would read; NaN where gravity shows no rotation."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """What is known of one leg in one frame, whoever measured it.

    Parameters
    ----------
    slopes : numpy.ndarray, shape (9, 2)
        Undistorted slopes of the rays through `PARTS` as the pose model sees them, and through `NETWORK_PARTS` as the leg network
        does; NaN where not seen.
    sd : numpy.ndarray, shape (9,)
        Their errors, in shanks at the person's distance.
    directions : numpy.ndarray, shape (2, 3)
        Unit vectors in camera axes, knee to ankle and heel to toe; NaN where nobody measured them.
    precision : numpy.ndarray, shape (2, 3, 3)
        What the difference of a direction is multiplied by to have errors of 1.
    """

    slopes: np.ndarray
    sd: np.ndarray
    directions: np.ndarray = field(default_factory=lambda: np.full((2, 3), np.nan))
    precision: np.ndarray = field(default_factory=lambda: np.zeros((2, 3, 3)))


def leg_points(axes: np.ndarray, side: Side, state: np.ndarray, lengths: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return where the parts of a leg are for given joint angles.

    Parameters
    ----------
    axes : numpy.ndarray, shape (..., 3, 3)
        Pelvis axes in camera axes; columns anterior, superior, right.
    side : Side
        The leg.
    state : numpy.ndarray, shape (..., 5), deg
        Flexion, abduction, internal rotation, knee flexion, dorsiflexion.
    lengths : dict of str to numpy.ndarray, shape (..., 1)
        As `LENGTHS`, in shanks.

    Returns
    -------
    points : numpy.ndarray, shape (..., 5, 3)
        `PARTS` relative to the middle of the hips, camera axes, in shanks.
    foot : numpy.ndarray, shape (..., 3, 3)
        Axes of the foot in camera axes; columns forward, up, right.
    """
    sign = 1.0 if side is Side.RIGHT else -1.0
    angles = np.radians(np.moveaxis(state, -1, 0) * np.array([1, -sign, sign, 1, 1]).reshape(-1, *[1] * (state.ndim - 1)))
    (cf, ca, cr, ck, cd), (sf, sa, sr, sk, sd) = np.cos(angles)[..., None], np.sin(angles)[..., None]
    zero = np.zeros_like(cf)
    forward = np.concatenate([cf, sf, zero], -1)
    up = np.concatenate([-sf * ca, cf * ca, sa], -1)
    right = np.concatenate([sf * sa, -cf * sa, ca], -1)
    femur_x, right = forward * cr - right * sr, forward * sr + right * cr
    shank_x, shank_y = femur_x * ck - up * sk, femur_x * sk + up * ck
    foot_x, foot_y = shank_x * cd + shank_y * sd, shank_y * cd - shank_x * sd
    hip = sign / 2 * lengths["hip_width"] * np.array([0.0, 0.0, 1.0]) + np.zeros_like(up)
    knee = hip - lengths["femur"] * up
    ankle = knee - shank_y
    heel = ankle - lengths["heel_behind"] * foot_x - lengths["heel_below"] * foot_y
    toe = ankle + lengths["toe_ahead"] * foot_x - lengths["toe_below"] * foot_y
    points = np.stack([hip, knee, ankle, heel, toe], -2) @ np.swapaxes(axes, -1, -2)
    return points, axes @ np.stack([foot_x, foot_y, right], -1)


def _project(points: np.ndarray) -> np.ndarray:
    return points[..., :2] / points[..., 2:]


class NeutralLeg:
    """One leg in the neutral pose: camera, pelvis, joint angles and lengths.

    Parameters
    ----------
    image_px : numpy.ndarray, shape (33, 2), px
        Landmarks of the neutral pose; of the other leg, only the hip counts.
    size_px : tuple of int
        Width and height of the picture.
    side : Side
        The leg.
    stance : Stance
        What the posture lets expect.
    calibration : Calibration
        Lens and floor, as far as they are known.
    lean_deg : float
        How far the camera looks down according to the world landmarks, a weak prior; NaN if they do not say.
    seen : Measurements, optional
        What the leg network says; the errors of its points are slopes here, as no distance is known yet.
    """

    def __init__(
        self,
        image_px: np.ndarray,
        size_px: tuple[int, int],
        side: Side,
        stance: Stance,
        calibration: Calibration,
        lean_deg: float = float("nan"),
        seen: Measurements | None = None,
    ) -> None:
        self._seen = seen or Measurements(np.full((4, 2), np.nan), np.ones(4))
        self.lens, self.floor = calibration.lens_for(size_px), calibration.floor
        self.side, self.stance, self._lean_deg = side, stance, lean_deg
        self.slopes = self.lens.slopes(image_px[list(LEGS[side][1:])])
        self._other_hip = self.lens.slopes(image_px[LEGS[side.other].hip])
        hip, knee, ankle = self.slopes[:3]
        shown = [
            float(np.hypot(*(hip - self._other_hip))) / LENGTHS["hip_width"][0],
            float(np.hypot(*(knee - hip))) / LENGTHS["femur"][0],
            float(np.hypot(*(ankle - knee))),
        ]
        self._unit = float(np.nanmax(shown))  # a shank, in slopes
        pitches = ((self.floor.pitch_deg, self.floor.tilt_sd_deg),) if self.floor else stance.pitches_deg
        self.misfit = float("inf")
        for facing, pitch, abduction_deg in product(stance.facings, pitches, (stance.abduction_deg, *stance.raised_deg)):
            self._try(facing, pitch, abduction_deg)

    def _try(self, facing: Facing, pitch: tuple[float, float], abduction_deg: float) -> None:
        """Fit one way to stand or lie before one camera place, and keep it if it is the best so far."""
        stance = self.stance
        joints = [stance.flexion_deg, abduction_deg, stance.rotation_deg, stance.knee_deg, stance.ankle_deg]
        roll = (self.floor.roll_deg, self.floor.tilt_sd_deg) if self.floor else (0.0, _ROLL_SD)
        names = list(LENGTHS)
        means, sds = zip(*LENGTHS.values(), strict=True)
        prior = np.array([pitch[0], 0, roll[0], stance.tilt_deg, *joints, *means])
        spread = np.array([pitch[1], stance.turn_sd_deg, roll[1], _TILT_SD, *_JOINT_SD, *sds])
        told = self._seen
        observed = np.vstack([self.slopes, told.slopes, self._other_hip])
        landmark_sd = LANDMARK_SD * np.where(np.isfinite(told.slopes).all(), BESIDE_NETWORK, 1.0)
        weight = 1 / np.concatenate([self._unit * landmark_sd, told.sd, self._unit * landmark_sd[:1]])[:, None]
        directions, precision = np.nan_to_num(told.directions), told.precision
        across = -1.0 if self.side is Side.RIGHT else 1.0  # from the middle of the hips to the other one

        def unpack(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
            turns = rotation_of_axis(0, x[..., 3]) @ rotation_of_axis(2, x[..., 5]) @ rotation_of_axis(1, x[..., 4])
            origin = np.concatenate([x[..., :2], np.exp(x[..., 2:3])], -1)
            return (
                turns @ facing.axes @ rotation_of_axis(2, -x[..., 6]),
                origin,
                {n: x[..., 12 + i, None] for i, n in enumerate(names)},
            )

        def residuals(x: np.ndarray) -> np.ndarray:
            axes, origin, lengths = unpack(x)
            points, foot = leg_points(axes, self.side, x[..., 7:12], lengths)
            pointing = np.stack([points[..., 2, :] - points[..., 1, :], foot[..., :, 0]], -2)
            turned = np.einsum("kij,...kj->...ki", precision, pointing - directions).reshape(*x.shape[:-1], -1)
            other = across * lengths["hip_width"] / 2 * axes[..., :, 2]
            shown = _project(np.concatenate([points[..., ROWS, :], other[..., None, :]], -2) + origin[..., None, :])
            misses = np.nan_to_num((shown - observed) * weight).reshape(*x.shape[:-1], -1)
            world = np.nan_to_num((x[..., 3:4] - self._lean_deg) / LEAN_SD_DEG)
            return np.concatenate([misses, (x[..., 3:] - prior) / spread, world, turned], -1)

        def jacobian(x: np.ndarray) -> np.ndarray:
            values = residuals(x + np.vstack([np.zeros(x.size), _FIT_STEP * np.eye(x.size)]))
            return ((values[1:] - values[0]) / _FIT_STEP).T

        depth = 1 / self._unit
        start = np.concatenate([(self.slopes[0] + self._other_hip) / 2 * depth, [np.log(depth)], prior])
        found = optimize.least_squares(
            residuals, start, jac=jacobian, loss="soft_l1", f_scale=2.0, max_nfev=_FIT_ROUNDS, xtol=1e-5
        )
        if found.cost < self.misfit:
            self.misfit = float(found.cost)
            self.axes, self.origin, self.lengths = unpack(found.x)
            self.joints = found.x[7:12]
            self.pitch_deg, self.turn_deg, self.roll_deg = (float(v) for v in found.x[3:6])

    def measurements(self, image_px: np.ndarray) -> Measurements:
        """Return the pose model's landmarks, shape (33, 2), px, as measurements of this leg."""
        slopes = np.full((9, 2), np.nan)
        slopes[:5] = self.lens.slopes(image_px[list(LEGS[self.side][1:])])
        slopes[1] -= KNEE_FOLLOWS * (slopes[2] - self.slopes[2])
        return Measurements(slopes, WANDER_SHARE * LANDMARK_SD[ROWS])

    @property
    def down(self) -> np.ndarray:
        """Unit vector of gravity in camera axes, shape (3,): calibrated, or as the posture shows it."""
        if self.floor:
            return self.floor.down
        return rotation_of_axis(0, self.pitch_deg) @ rotation_of_axis(2, self.roll_deg) @ np.array([0.0, 1.0, 0.0])


class LegModel:
    """Follows one leg from frame to frame.

    Parameters
    ----------
    neutral : NeutralLeg
        The leg in the fitted neutral pose.
    seen : Measurements, optional
        What was measured there; without it the pose model's landmarks.
    """

    def __init__(self, neutral: NeutralLeg, seen: Measurements | None = None) -> None:
        self.neutral, self.side = neutral, neutral.side
        at_neutral = seen.slopes if seen else np.vstack([neutral.slopes, np.full((4, 2), np.nan)])
        pointed = seen.directions if seen else np.full((2, 3), np.nan)
        joints = neutral.joints
        self._start = np.concatenate([[0.0, 0.0], joints, [0.0]])
        moves = neutral.stance.moves_deg
        spread = [_SHIFT_SD, _SHIFT_SD, *moves[:2], _ROTATION_SD, *moves[2:], _FOOT_SD]
        self._held = np.diag(1 / np.square(spread))
        # What the neutral pose leaves over belongs to who saw it: on the foot it turns along with the foot.
        points, foot = leg_points(neutral.axes, self.side, joints, neutral.lengths)
        depth = (points + neutral.origin)[ROWS]
        over = np.zeros((9, 3))
        over[:, :2] = np.nan_to_num((at_neutral - _project(depth)) * depth[:, 2:])
        self._over = over
        self._on_foot = (over[_FOOT_ROWS] - over[_ANKLE_OF]) @ foot
        shank = points[2] - points[1]
        told = np.where(np.isfinite(pointed), pointed, np.stack([shank, foot[:, 0]]))
        self._shank_turn = shortest_rotation(shank / np.linalg.norm(shank), told[0])
        self._pointing = told[1] @ foot
        self._state, self._time_s = self._start, -np.inf

    def _shown(self, state: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what states, shape (n, 8), would show: slopes of the parts, shape (n, 18), and directions, shape (n, 6).

        A state is shift (2), joint angles (5) and the logarithm of the foot's length.
        """
        points, foot = leg_points(axes, self.side, state[:, 2:7], self.neutral.lengths)
        shank = points[:, 2] - points[:, 1]
        directions = np.concatenate([shank @ self._shank_turn.T, foot @ self._pointing], 1)
        ankle = points[:, 2:3]
        ends = points[:, [3, 4, 3, 4]] - ankle + self._on_foot @ np.swapaxes(foot, 1, 2)
        ends = ankle + np.exp(state[:, 7])[:, None, None] * ends
        points = np.concatenate([points[:, :3], ends[:, :2], points[:, 1:3], ends[:, 2:]], 1)
        points = points + self._over[_OVER_ROWS] + self.neutral.origin
        points[..., :2] += state[:, None, :2]
        return _project(points).reshape(len(state), 18), directions

    def read(self, time_s: float, seen: Measurements, pelvis_deg: float = 0.0) -> LegReading:
        """Return the rotation of the leg in a frame.

        Parameters
        ----------
        time_s : float
            Time of the frame, s; the fit starts from the frame before if that is recent.
        seen : Measurements
            What was measured of the leg.
        pelvis_deg : float
            Roll of the pelvis since neutral, in the sense in which it adds to internal rotation of a bent leg.

        Returns
        -------
        LegReading
            NaN if too little was seen to fit anything.
        """
        sign = 1.0 if self.side is Side.RIGHT else -1.0
        axes = self.neutral.axes @ rotation_of_axis(0, -sign * pelvis_deg)
        warm = 0 <= time_s - self._time_s < _WARM_S
        state = self._state if warm else self._start
        depth = self.neutral.origin[2]
        known, told = np.isfinite(seen.slopes).all(axis=1), np.isfinite(seen.directions).all(axis=1)
        if not known.any():
            return LegReading(float("nan"), float("nan"), float("nan"))
        sharpness = np.where(known, depth / seen.sd, 0.0)
        precision = np.where(told[:, None, None], seen.precision, 0.0)
        wanted, pointed = np.nan_to_num(seen.slopes).ravel(), np.nan_to_num(seen.directions)
        steps = np.vstack([np.zeros(8), np.diag(_STEPS)])
        for _ in range(_ROUNDS if warm else _FIRST_ROUNDS):
            slopes, directions = self._shown(state + steps, axes)
            errors = np.hypot(*(wanted - slopes[0]).reshape(9, 2).T) * sharpness
            weight = np.repeat(sharpness / (1 + (errors / OUTLIER_FROM) ** 2) ** 0.25, 2)
            whitened = np.einsum("kij,nkj->nki", precision, directions.reshape(-1, 2, 3)).reshape(-1, 6)
            shown = np.hstack([slopes * weight, whitened])
            miss = np.concatenate([wanted * weight, np.einsum("kij,kj->ki", precision, pointed).ravel()]) - shown[0]
            jacobian = ((shown[1:] - shown[0]) / _STEPS[:, None]).T
            normal = jacobian.T @ jacobian + self._held
            gradient = jacobian.T @ miss - self._held @ (state - self._start)
            step = np.linalg.solve(normal, gradient)
            step[2:7] = np.clip(step[2:7], -_LARGEST_STEP_DEG, _LARGEST_STEP_DEG)
            state = state + step
        self._state, self._time_s = state, time_s
        variance = float(np.linalg.inv(normal)[4, 4])
        sd_deg = math.sqrt(variance) if variance > 0 else math.nan  # of what ran away
        return LegReading(float(state[4]), sd_deg, self._against_gravity(state, axes))

    def _against_gravity(self, state: np.ndarray, axes: np.ndarray) -> float:
        kind = self.neutral.stance.gravity
        if not kind:
            return float("nan")
        points, _ = leg_points(axes, self.side, state[2:7], self.neutral.lengths)
        femur = points[0] - points[1]
        bent = self.neutral.stance.knee_deg > 45
        pointer = points[2] - points[1] if bent else points[4] - points[2]
        plumb = self.neutral.down if kind == "down" else -self.neutral.down
        return (1.0 if self.side is Side.RIGHT else -1.0) * turn_about(femur, plumb, pointer)
