"""Printed pages as a camera sees them, for the tests of the calibration: the PDF is rasterised, and looked at through a lens.

Every pixel is followed through the lens (distortion included) to the plane of the page; the picture is rendered twice as large
and shrunk. Nothing of the package is used but the PDF itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pypdfium2

PX_PER_MM = 8.0


@cache
def page_image(pdf: Path, page: int = 0) -> np.ndarray:
    """Return a page of a PDF in shades of gray, shape (H, W), uint8, with 8 pixels per mm."""
    document = pypdfium2.PdfDocument(str(pdf))
    picture = document[page].render(scale=PX_PER_MM * 25.4 / 72, grayscale=True).to_numpy()
    document.close()
    return picture.reshape(picture.shape[:2]).copy()


@dataclass(frozen=True)
class Optics:
    """A camera matrix (px), distortion k1 k2 p1 p2 k3, and the size of the picture."""

    matrix: np.ndarray
    distortion: np.ndarray
    size_px: tuple[int, int]

    @staticmethod
    def of(
        size_px: tuple[int, int], focal: float, centre: tuple[float, float] | None = None, distortion=(0, 0, 0, 0, 0)
    ) -> Optics:
        cx, cy = centre or ((size_px[0] - 1) / 2, (size_px[1] - 1) / 2)
        return Optics(np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1.0]]), np.array(distortion, float), size_px)

    def rays(self, scale: int) -> np.ndarray:
        """Return the ray through every pixel of a picture that is `scale` times as large, shape (H, W, 3)."""
        width, height = self.size_px
        u, v = np.meshgrid((np.arange(width * scale) + 0.5) / scale - 0.5, (np.arange(height * scale) + 0.5) / scale - 0.5)
        points = np.column_stack([u.ravel(), v.ravel()]).astype(np.float64)
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-8)
        slopes = cv2.undistortPoints(points[:, None], self.matrix, self.distortion, None, None, None, criteria)
        return np.dstack([slopes.reshape(*u.shape, 2), np.ones(u.shape)])


@cache
def _rays(key: tuple, scale: int) -> np.ndarray:
    focal, cx, cy, distortion, size_px = key
    return Optics.of(size_px, focal, (cx, cy), distortion).rays(scale)


def render(
    page: np.ndarray, optics: Optics, axes: np.ndarray, place_m: np.ndarray, noise: float = 2.0, seed: int = 0, scale: int = 2
):
    """Return the RGB picture of a page.

    `axes` are right, down and into the page as columns in camera axes; `place_m` is its top left corner.
    """
    m = optics.matrix
    key = (float(m[0, 0]), float(m[0, 2]), float(m[1, 2]), tuple(map(float, optics.distortion)), optics.size_px)
    rays = _rays(key, scale)
    normal = axes[:, 2]
    depth = (normal @ place_m) / np.where(np.abs(rays @ normal) < 1e-9, 1e-9, rays @ normal)
    on_page = (rays * depth[..., None] - place_m) @ axes[:, :2] * 1000 * PX_PER_MM - 0.5
    on_page[depth <= 0] = -1e4
    near = cv2.GaussianBlur(page, (0, 0), max(0.3, 0.35 * float(np.median(np.abs(depth))) * 1000 * PX_PER_MM / m[0, 0] / scale))
    picture = cv2.remap(near, on_page.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=120)
    picture = cv2.resize(picture, optics.size_px, interpolation=cv2.INTER_AREA).astype(float) * 0.8 + 20
    picture += np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.repeat(picture.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def turn(axis: str, angle_deg: float) -> np.ndarray:
    """Return a right-handed turn about a camera axis, shape (3, 3)."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]),
    }[axis]


def board_pose(middle_m, tilt_x_deg: float, tilt_y_deg: float, spin_deg: float = 0.0, page_m=(0.210, 0.297)):
    """Return axes and place of a page that is held up: its middle, and how it is tilted."""
    axes = turn("x", tilt_x_deg) @ turn("y", tilt_y_deg) @ turn("z", spin_deg)
    return axes, np.array(middle_m, float) - axes @ [page_m[0] / 2, page_m[1] / 2, 0]


VIEWS = [
    ((x, y, z), tx, ty, spin)
    for x, y, z, tx, ty, spin in [
        (0.0, 0.0, 0.50, 0, 0, 90), (-0.14, -0.05, 0.46, 0, 30, 90), (0.14, -0.05, 0.46, 0, -30, 90),
        (-0.14, 0.06, 0.46, 30, 0, 90), (0.14, 0.06, 0.46, -30, 0, 90), (0.0, 0.0, 0.36, 25, 20, 90),
        (0.0, 0.0, 0.62, -35, -15, 0), (-0.17, 0.0, 0.52, 20, 35, 0), (0.17, 0.0, 0.52, 20, -35, 0),
        (0.0, -0.06, 0.40, -25, 20, 90), (0.0, 0.07, 0.40, 38, -10, 90), (-0.13, -0.07, 0.40, 15, -25, 90),
        (0.13, 0.07, 0.40, -15, 25, 90), (0.13, -0.07, 0.40, 30, 10, 90), (-0.13, 0.07, 0.40, -30, -10, 90),
        (0.0, 0.0, 0.45, 10, 40, 45), (0.1, 0.0, 0.55, -40, 5, 30), (-0.1, 0.0, 0.55, 5, -40, 120),
    ]
]  # fmt: skip
"""Where the board is held, and how: middle (m), tilts and spin (deg)."""


def floor_pose(pitch_deg: float, roll_deg: float, height_m: float, ahead_m: float, aside_m: float = 0.0, spin_deg: float = 0.0):
    """Return axes, place (m) of a page on the floor and gravity, all in camera axes.

    The camera looks down by `pitch_deg`, the content of its picture leans clockwise by `roll_deg`; the page's middle lies
    `ahead_m` in front of the foot of the camera, its top away from the camera.
    """
    # Upright camera: x right, y down, z ahead. The page: right, towards the camera, down.
    page = np.column_stack([(1, 0, 0), (0, 0, -1), (0, 1, 0)]).astype(float) @ turn("z", spin_deg)
    to_camera = turn("z", roll_deg) @ turn("x", pitch_deg)
    middle = np.array([aside_m, height_m, ahead_m])
    corner = middle - page @ [0.105, 0.1485, 0]
    return to_camera @ page, to_camera @ corner, to_camera @ [0, 1, 0]
