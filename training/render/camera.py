"""Pinhole cameras, where they stand, and how they shake. Axes of a camera are OpenCV's: x right, y down, z forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from training.movement import wander

from .posing import Vector, turn_x, turn_y, turn_z

NEAR_M, FAR_M = 0.1, 30.0
_TO_OPENCV = np.diag([1.0, -1, -1])


@dataclass(frozen=True)
class View:
    """Where a camera stands.

    Parameters
    ----------
    eye_m, target_m : tuple of float
        Its place, and what is in the middle of its picture before it turns on the spot.
    hfov_deg : float
        Angle of view from left to right.
    orbit_deg : float
        Turn of its place about the vertical through the target.
    raise_m : float
        How much higher it stands; the target remains.
    pitch_deg, pan_deg, roll_deg : float
        Turn on the spot: further down, to its right, clockwise.
    shake_deg, shake_m, shake_hz : float
        How much and how fast it trembles.
    bend : tuple of float
        Distortion of the lens, k1 and k2 of OpenCV's model; below zero: barrel.
    """

    eye_m: Vector
    target_m: Vector
    hfov_deg: float
    orbit_deg: float = 0.0
    raise_m: float = 0.0
    pitch_deg: float = 0.0
    pan_deg: float = 0.0
    roll_deg: float = 0.0
    shake_deg: float = 0.0
    shake_m: float = 0.0
    shake_hz: float = 0.8
    bend: tuple[float, float] = (0.0, 0.0)

    def changed(self, changes: Mapping[str, Any]) -> View:
        """Return the view with some fields replaced.

        Raises
        ------
        ValueError
            If there is no such field.
        """
        unknown = set(changes) - {f.name for f in fields(self)}
        if unknown:
            raise ValueError(f"a camera has no {sorted(unknown)}")
        return replace(self, **{k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()})

    def cameras(self, size_px: tuple[int, int], t_s: np.ndarray, seed: int = 0) -> list[Camera]:
        """Return one camera per frame, the same one if nothing shakes."""
        target = np.array(self.target_m, float)
        eye = target + turn_y(self.orbit_deg) @ (np.array(self.eye_m, float) - target) + [0, self.raise_m, 0]
        turns = np.array([self.roll_deg, self.pitch_deg, self.pan_deg])
        if not (self.shake_deg or self.shake_m):
            return [Camera(eye, target, self.hfov_deg, size_px, turns, self.bend)] * len(t_s)
        trembles = [wander(t_s, seed * 7 + 700 + k, self.shake_deg, self.shake_hz) for k in range(3)]
        moves = [wander(t_s, seed * 7 + 710 + k, self.shake_m, self.shake_hz) for k in range(3)]
        steps = zip(np.stack(moves, 1), np.stack(trembles, 1), strict=True)
        return [Camera(eye + m, target + m, self.hfov_deg, size_px, turns + tremble, self.bend) for m, tremble in steps]


WIDER = 1.3
"""How much wider than the picture is drawn if the lens bends it."""


class Camera:
    """A pinhole camera, X_camera = R X_world + t, pixels = K X_camera, perhaps with a lens that bends.

    Parameters
    ----------
    eye_m, target_m : numpy.ndarray, shape (3,)
        Its place and what it looks at.
    hfov_deg : float
        Angle of view from left to right.
    size_px : tuple of int
        Width and height of the picture.
    turns_deg : numpy.ndarray, shape (3,)
        Roll, pitch and pan on the spot.
    bend : tuple of float
        Distortion of the lens, k1 and k2.
    """

    def __init__(
        self,
        eye_m: np.ndarray,
        target_m: np.ndarray,
        hfov_deg: float,
        size_px: tuple[int, int],
        turns_deg: np.ndarray,
        bend: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.eye_m, self.target_m = np.asarray(eye_m, float), np.asarray(target_m, float)
        self.size_px, self.bend = size_px, bend
        roll, pitch, pan = turns_deg
        self.view = look_at(self.eye_m, self.target_m)
        offset = np.eye(4)
        offset[:3, :3] = turn_z(roll) @ turn_x(pitch) @ turn_y(pan)
        self.view = offset @ self.view
        width, height = size_px
        focal = width / 2 / np.tan(np.radians(hfov_deg) / 2)
        self.matrix = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        self.rotation, self.translation_m = _TO_OPENCV @ self.view[:3, :3], _TO_OPENCV @ self.view[:3, 3]

    @property
    def drawn_px(self) -> tuple[int, int]:
        """Width and height that are drawn: more than the picture if the lens bends."""
        wider = WIDER if any(self.bend) else 1.0
        return round(self.size_px[0] * wider), round(self.size_px[1] * wider)

    @property
    def projection(self) -> np.ndarray:
        """The OpenGL projection of what is drawn, shape (4, 4)."""
        (width, height), focal, depth = self.drawn_px, self.matrix[0, 0], FAR_M - NEAR_M
        return np.array(
            [
                [2 * focal / width, 0, 0, 0],
                [0, 2 * focal / height, 0, 0],
                [0, 0, -(FAR_M + NEAR_M) / depth, -2 * FAR_M * NEAR_M / depth],
                [0, 0, -1, 0],
            ]
        )

    def seen_m(self, points_m: np.ndarray) -> np.ndarray:
        """Return points in the camera's axes."""
        return np.asarray(points_m) @ self.rotation.T + self.translation_m

    def project(self, points_m: np.ndarray) -> np.ndarray:
        """Return pixels; the origin is the outer corner of the first pixel."""
        seen = self.seen_m(points_m)
        flat = seen[..., :2] / seen[..., 2:]
        square = (flat**2).sum(-1, keepdims=True)
        flat = flat * (1 + self.bend[0] * square + self.bend[1] * square**2)
        return flat * self.matrix[0, 0] + self.matrix[:2, 2]

    def bent(self, drawn: np.ndarray) -> np.ndarray:
        """Return the picture that the lens makes of what was drawn."""
        if not any(self.bend):
            return drawn
        at = _lens_map(self.size_px, self.drawn_px, float(self.matrix[0, 0]), self.bend)
        return cv2.remap(drawn, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=2)
def _lens_map(size_px: tuple[int, int], drawn_px: tuple[int, int], focal_px: float, bend: tuple[float, float]) -> np.ndarray:
    """Return where each pixel that the lens makes lies in what was drawn: slow to make, and the same for all frames of a clip."""
    width, height = size_px
    matrix = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])
    corners = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1).reshape(-1, 1, 2)
    straight = cv2.undistortPoints(corners, matrix, np.array([*bend, 0, 0])).reshape(height, width, 2)
    return (straight * focal_px + np.array(drawn_px) / 2 - 0.5).astype(np.float32)


def look_at(eye_m: np.ndarray, target_m: np.ndarray, up: Vector = (0, 1, 0)) -> np.ndarray:
    """Return the OpenGL view matrix, shape (4, 4), of an eye that looks at a target."""
    forward = (target_m - eye_m) / np.linalg.norm(target_m - eye_m)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = right, np.cross(right, forward), -forward
    matrix[:3, 3] = -matrix[:3, :3] @ eye_m
    return matrix
