"""Small exact geometry in the picture and in camera axes; degenerate input gives NaN, never a made-up number.

Camera axes: x right, y down, z away from the camera, as OpenCV has them.
"""

from __future__ import annotations

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


def _cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])
