"""What is known of the camera and of the person before the first frame: lens, floor, gains; each assumed or calibrated.

Camera axes: x right, y down, z away from the camera, as OpenCV has them. Every figure comes with its error, so that the error
of an angle can be built from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from rotrack.core.model import Side
from rotrack.core.postures import Posture
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG, focal_px, turn_to_ray

ASSUMED_FOCAL_SD = 0.15
"""Relative error of the focal length when the field of view is assumed (webcams: 50 to 80 deg along the longer side)."""
UNDISTORT_STEPS = 6


class Level(StrEnum):
    """How much of the measuring is calibrated; logged with every repetition."""

    NONE = "none"
    CAMERA = "camera"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Lens:
    """A pinhole camera with distortion.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the picture that it is for.
    matrix : numpy.ndarray, shape (3, 3), px
        Camera matrix.
    distortion : numpy.ndarray, shape (5,)
        k1, k2, p1, p2, k3 of OpenCV's model.
    focal_sd : float
        Relative standard error of the focal length.
    """

    size_px: tuple[int, int]
    matrix: np.ndarray
    distortion: np.ndarray
    focal_sd: float

    @staticmethod
    def assumed(size_px: tuple[int, int], field_of_view_deg: float = ASSUMED_FIELD_OF_VIEW_DEG) -> Lens:
        """Return a lens without distortion and with an assumed field of view along the longer side of the picture."""
        focal = focal_px(size_px, field_of_view_deg)
        matrix = np.array([[focal, 0, (size_px[0] - 1) / 2], [0, focal, (size_px[1] - 1) / 2], [0, 0, 1.0]])
        return Lens(size_px, matrix, np.zeros(5), ASSUMED_FOCAL_SD)

    def slopes(self, image_px: np.ndarray) -> np.ndarray:
        """Return pixels, shape (..., 2), as undistorted slopes of the ray through them: (x/z, y/z), shape (..., 2).

        The distortion is inverted by fixed-point iteration, as OpenCV does it.
        """
        seen = (image_px - self.matrix[:2, 2]) / self.matrix.diagonal()[:2]
        if not self.distortion.any():
            return seen
        slopes = seen
        for _ in range(UNDISTORT_STEPS):
            radial, shift = self._distorted(slopes)
            slopes = (seen - shift) / radial
        return slopes

    def pixels(self, slopes: np.ndarray) -> np.ndarray:
        """Return where rays with these slopes, shape (..., 2), are seen, px, shape (..., 2): the inverse of `slopes`."""
        radial, shift = self._distorted(slopes)
        return (slopes * radial + shift) * self.matrix.diagonal()[:2] + self.matrix[:2, 2]

    def turn_to(self, pixel: np.ndarray) -> np.ndarray:
        """Return the rotation by the shortest way from the frame of the ray through a pixel into camera axes, shape (3, 3)."""
        ray = np.append(self.slopes(pixel), 1.0)
        return turn_to_ray(ray / np.linalg.norm(ray))

    def _distorted(self, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the radial factor and the tangential shift of rays, as OpenCV models them."""
        k1, k2, p1, p2, k3 = self.distortion
        x, y = slopes[..., 0], slopes[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        shift = np.stack([2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1)
        return radial[..., None], shift


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor as seen by a camera that stands still.

    Parameters
    ----------
    down : numpy.ndarray, shape (3,)
        Unit vector of gravity in camera axes.
    height_m : float
        Height of the camera above the floor, m.
    tilt_sd_deg : float
        Standard error of `down`, deg.
    """

    down: np.ndarray
    height_m: float
    tilt_sd_deg: float

    @property
    def pitch_deg(self) -> float:
        """How far the camera looks down, deg."""
        return float(np.degrees(np.arcsin(np.clip(self.down[2], -1, 1))))

    @property
    def roll_deg(self) -> float:
        """How far the camera is turned about its line of sight, deg; positive: the picture's content leans clockwise."""
        return float(np.degrees(np.arctan2(-self.down[0], self.down[1])))


@dataclass(frozen=True, slots=True)
class Gain:
    """How much further one person's foot turns than an average person's that reads alike; standing drills.

    Parameters
    ----------
    gain : float
        What the corrected angle is multiplied by.
    zero_deg : float
        Direction of the foot at the person's neutral pose against the sheet's middle line, internal positive.
    residual_deg : float
        Standard deviation of what one gain leaves over on the rays, deg.
    """

    gain: float
    zero_deg: float
    residual_deg: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration that is known before measuring; without arguments, nothing is calibrated.

    Parameters
    ----------
    lens : Lens or None
        None: the field of view is assumed.
    floor : Floor or None
        None: the tilt of the camera is found from the person.
    gains : dict of Side to Gain
        Per leg, for standing drills; empty without a personal calibration.
    names : dict of str to str
        Which profiles these come from (`camera`, `floor`, `personal`), for the log.
    """

    lens: Lens | None = None
    floor: Floor | None = None
    gains: dict[Side, Gain] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """The highest level that is there."""
        if self.gains:
            return Level.PERSONAL
        return Level.CAMERA if self.lens or self.floor else Level.NONE

    def used_for(self, posture: Posture) -> Calibration:
        """Return what of this counts in a posture: a person's gains are for standing on the heel only."""
        if posture.record.personal_gain or not self.gains:
            return self
        return replace(self, gains={}, names={kind: name for kind, name in self.names.items() if kind != "personal"})

    def lens_for(self, size_px: tuple[int, int]) -> Lens:
        """Return the calibrated lens, or an assumed one for this size of picture."""
        return self.lens or Lens.assumed(size_px)
