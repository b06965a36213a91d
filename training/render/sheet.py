"""The printed floor sheet: an A4 page with four ArUco markers (DICT_4X4_50, ids 0 to 3), in the scene and in the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from .camera import Camera
from .mesh import Look
from .posing import turn_y
from .scene import Mesh, Scene

WIDTH_M, LENGTH_M, MARKER_M, MARGIN_M = 0.210, 0.297, 0.060, 0.010
_PX_PER_MM = 4
_INK, _PAPER, _GREY = 18, 238, 90
_FLAT = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
"""Columns: page x, y and z in the world while the top edge points away from the camera."""


@dataclass(frozen=True)
class FloorSheet:
    """Where the sheet lies. Page axes: x to the right and y to the top edge as printed, z up.

    Parameters
    ----------
    x_m, z_m : float
        Middle of the page.
    yaw_deg : float
        Turn, counterclockwise seen from above.
    landscape : bool
        A further 90 deg.
    height_m : float
        Above the floor.
    """

    x_m: float = 0.0
    z_m: float = 0.75
    yaw_deg: float = 0.0
    landscape: bool = False
    height_m: float = 0.002

    @property
    def axes(self) -> np.ndarray:
        """Page axes in the world, as columns."""
        return turn_y(self.yaw_deg + (90 if self.landscape else 0)) @ _FLAT

    def to_world(self, page_m: np.ndarray) -> np.ndarray:
        """Return points of the page in the world."""
        return np.asarray(page_m, float) @ self.axes.T + [self.x_m, self.height_m, self.z_m]

    def put_into(self, scene: Scene) -> None:
        """Add the sheet to a scene."""
        corners, normals = self.to_world(page_corners_m()), np.tile(self.axes[:, 2], (4, 1))
        mesh = Mesh(corners, normals, np.array([[0, 1.0], [1, 1], [1, 0], [0, 0]]), np.array([[0, 1, 2], [0, 2, 3]]))
        scene.add(mesh, print_page(), Look(shine=0.02, gloss=20.0, wrap=0.0), casts_shadow=False, taps=4)

    def truth(self, camera: Camera) -> dict[str, Any]:
        """Return pose and corners, in the world and in the picture."""

        def pixels(points: np.ndarray) -> list[list[float]]:
            return np.round(camera.project(self.to_world(points)), 2).tolist()

        return {
            "dictionary": "DICT_4X4_50",
            "marker_side_m": MARKER_M,
            "page_size_m": [WIDTH_M, LENGTH_M],
            "R_page_to_world": self.axes.tolist(),
            "t_page_to_world": [self.x_m, self.height_m, self.z_m],
            "page_corners_world": self.to_world(page_corners_m()).tolist(),
            "page_corners_uv": pixels(page_corners_m()),
            "markers": {
                k: {"corners_world": self.to_world(c).tolist(), "corners_uv": pixels(c)} for k, c in marker_corners_m().items()
            },
        }


def page_corners_m() -> np.ndarray:
    """Return top left, top right, bottom right, bottom left of the page."""
    w, h = WIDTH_M / 2, LENGTH_M / 2
    return np.array([[-w, h, 0], [w, h, 0], [w, -h, 0], [-w, -h, 0]])


def marker_corners_m() -> dict[int, np.ndarray]:
    """Return the corners of each marker on the page, in OpenCV's order."""
    half = MARKER_M / 2
    x, y = WIDTH_M / 2 - MARGIN_M - half, LENGTH_M / 2 - MARGIN_M - half
    square = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])
    return {k: square + np.array([cx, cy, 0]) for k, (cx, cy) in enumerate(((-x, y), (x, y), (x, -y), (-x, -y)))}


def print_page() -> np.ndarray:
    """Return the page as a picture, RGB."""
    height, width = (int(mm * _PX_PER_MM) for mm in (297, 210))
    side, edge = (int(1000 * m * _PX_PER_MM) for m in (MARKER_M, MARGIN_M))
    page = np.full((height, width), _PAPER, np.uint8)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    low, right = height - edge - side, width - edge - side
    for number, (row, column) in enumerate(((edge, edge), (edge, right), (low, right), (low, edge))):
        marker = cv2.aruco.generateImageMarker(dictionary, number, side)
        page[row : row + side, column : column + side] = np.clip(marker, _INK, _PAPER)
    at = (width // 2 - 68 * _PX_PER_MM, height // 2)
    cv2.putText(page, "rotrack floor sheet", at, cv2.FONT_HERSHEY_SIMPLEX, 0.42 * _PX_PER_MM, _GREY, _PX_PER_MM)
    return cv2.cvtColor(page, cv2.COLOR_GRAY2RGB)
