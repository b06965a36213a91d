"""The outline of a person as an SVG drawing that is laid over a picture: where somebody was in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rotrack.core.model import LANDMARK_NAMES, LEGS, Side

EARS = [LANDMARK_NAMES.index(name) for name in ("left_ear", "right_ear")]
HEAD, TRUNK, THIGH, SHANK, FOOT = 0.62, 0.22, 0.36, 0.26, 0.18
"""How thick the parts are, in lengths of the shank."""
LINE = 0.012
"""How thick the line is, as a share of the picture's height."""


def outline_svg(outline: np.ndarray, size_px: tuple[int, int]) -> str:
    """Return the outline of a person.

    Parameters
    ----------
    outline : numpy.ndarray, shape (33, 2)
        Landmarks as shares of the picture's width and height; NaN where none was seen.
    size_px : tuple of int
        Width and height of the picture.

    Returns
    -------
    str
        An SVG drawing as large as the picture; the line has the colour of the text around it.
    """
    width, height = size_px
    points = outline * size_px
    line = LINE * height
    parts = list(_parts(points))
    body = "".join(_drawn(path, thick, filled) for path, thick, filled in parts)
    inside = "".join(_drawn(path, max(thick - 2 * line, 0.1), filled) for path, thick, filled in parts)
    around = 'stroke-linecap="round" stroke-linejoin="round"'
    return (
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true" {around}><mask id="within" maskUnits="userSpaceOnUse" x="0" '
        f'y="0" width="{width}" height="{height}"><rect width="{width}" height="{height}" fill="#fff"/>'
        f'<g color="#000">{inside}</g></mask><g mask="url(#within)">{body}</g></svg>'
    )


def _parts(points: np.ndarray) -> Iterator[tuple[str, float, bool]]:
    """Yield the path of each part that was seen, how thick it is, px, and whether it is filled."""
    legs = [LEGS[side] for side in Side]
    lengths = np.array([*(_length(points, leg.knee, leg.ankle) for leg in legs), *_of_trunk(points)])
    if not np.isfinite(lengths).any():
        return
    shank_px = np.nanmax(lengths)
    ears = points[EARS]
    if np.isfinite(ears).all():
        middle = ears.mean(axis=0)
        yield _path([middle, middle + np.array([0.1, 0.0])]), HEAD * shank_px, False
    trunk = [legs[0].shoulder, legs[1].shoulder, legs[1].hip, legs[0].hip]
    if np.isfinite(points[trunk]).all():
        yield _path(points[trunk]) + "Z", TRUNK * shank_px, True
    for leg in legs:
        for a, b, thick in ((leg.hip, leg.knee, THIGH), (leg.knee, leg.ankle, SHANK), (leg.ankle, leg.toe, FOOT)):
            if np.isfinite(points[[a, b]]).all():
                yield _path(points[[a, b]]), thick * shank_px, False


def _of_trunk(points: np.ndarray) -> Iterator[float]:
    """Yield how long a shank is by the trunk, px: legs that point at the camera are short in the picture."""
    for side in Side:
        yield _length(points, LEGS[side].shoulder, LEGS[side].hip) / 1.3


def _length(points: np.ndarray, a: int, b: int) -> float:
    return float(np.hypot(*(points[a] - points[b])))


def _path(points: np.ndarray | list[np.ndarray]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _drawn(path: str, thick: float, filled: bool) -> str:
    fill = "currentColor" if filled else "none"
    return f'<path d="{path}" fill="{fill}" stroke="currentColor" stroke-width="{thick:.1f}"/>'
