"""Small exact geometry in the picture and in camera axes; degenerate input gives NaN, never a made-up number.

Camera axes: x right, y down, z away from the camera, as OpenCV has them.
"""

from __future__ import annotations

import math

import numpy as np

ASSUMED_FIELD_OF_VIEW_DEG = 60.0
"""Field of view along the longer side of the picture that is assumed without a calibration (webcams: 55 to 78)."""


def focal_px(size_px: tuple[int, int], field_of_view_deg: float = ASSUMED_FIELD_OF_VIEW_DEG) -> float:
    """Return the focal length of a pinhole camera.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the picture, px.
    field_of_view_deg : float
        Field of view along the longer side, deg.

    Returns
    -------
    float
        Focal length, px.
    """
    return max(size_px) / 2 / float(np.tan(np.radians(field_of_view_deg / 2)))


def signed_angle_deg(reference: np.ndarray, vector: np.ndarray, positive: np.ndarray) -> float:
    """Return the angle from one 2D direction to another, signed by the side that counts as positive.

    Parameters
    ----------
    reference, vector : numpy.ndarray, shape (2,)
        Directions; their lengths do not matter.
    positive : numpy.ndarray, shape (2,)
        Turning from `reference` towards this direction is positive; it need not be at a right angle to it.

    Returns
    -------
    float
        Degrees in (-180, 180]; NaN if a direction is missing or has no length, or if `positive` lies along `reference`.
    """
    across = _cross(reference, positive)
    turn = _cross(reference, vector)
    along = float(reference @ vector)
    if not np.isfinite(across * turn * along) or across == 0 or (turn == 0 and along == 0):
        return float("nan")
    return float(np.degrees(np.arctan2(np.sign(across) * turn, along)))


def turn_about(axis: np.ndarray, reference: np.ndarray, pointer: np.ndarray) -> float:
    """Return the right-handed turn about an axis from one direction to another, both seen along the axis.

    Parameters
    ----------
    axis, reference, pointer : numpy.ndarray, shape (3,)
        Directions; their lengths do not matter.

    Returns
    -------
    float
        Degrees in (-180, 180]; NaN where a direction is missing or lies along the axis.
    """
    length = float(np.linalg.norm(axis))
    if not length > 0:
        return float("nan")
    unit = axis / length
    across, along = float(unit @ np.cross(reference, pointer)), float(reference @ pointer - (unit @ reference) * (unit @ pointer))
    return float(np.degrees(np.arctan2(across, along))) if across or along else float("nan")


def rotation_of_axis(axis: int, angle_deg: np.ndarray | float) -> np.ndarray:
    """Return right-handed rotations about a coordinate axis (0, 1 or 2), shape (..., 3, 3)."""
    angle = np.radians(np.asarray(angle_deg, float))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., axis, axis] = 1
    matrix[..., i, i] = matrix[..., j, j] = np.cos(angle)
    matrix[..., j, i] = np.sin(angle)
    matrix[..., i, j] = -matrix[..., j, i]
    return matrix


def rotation_about(axis: np.ndarray, angle_deg: float) -> np.ndarray:
    """Return the right-handed rotation about any axis, whose length does not matter, shape (3, 3)."""
    x, y, z = axis / np.linalg.norm(axis)
    sine, cosine = math.sin(math.radians(angle_deg)), math.cos(math.radians(angle_deg))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + sine * cross + (1 - cosine) * cross @ cross


def shortest_rotation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rotation that turns one unit vector onto another by the shortest way, shape (3, 3)."""
    axis, cosine = np.cross(a, b), float(a @ b)
    if cosine < -0.999:
        return -np.eye(3)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def turn_to_ray(ray: np.ndarray) -> np.ndarray:
    """Return the rotation that turns the z axis onto a unit vector that points away from the camera, shape (3, 3)."""
    x, y, z = ray
    k = 1 / (1 + z)
    return np.array([[1 - k * x * x, -k * x * y, x], [-k * x * y, 1 - k * y * y, y], [-x, -y, z]])


def _cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])
