"""Labels of a crop of a leg, in the format of training/README.md: where the leg is for the crop's camera, and who can read it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training import crops as store

from .camera import Camera
from .placing_errors import Misplaced, middle
from .posing import LegFrames

NEAREST_M = 0.8
"""Nearer than this to a camera there are no legs."""
HIDDEN_SHARE, SURE_SHARE = 0.06, 0.12
"""Visible share of the surface of a foot below which nobody can read it, and above which everybody can."""
REAR_DEG, SURE_REAR_DEG, EDGE_ON_DEG = 45.0, 53.0, 6.0


def along(eye: np.ndarray, middle: np.ndarray, roll_deg: float, width_m: float) -> Camera:
    """Return the camera that looks along the ray to the middle and sees a width there."""
    hfov_deg = 2 * np.degrees(np.arctan(width_m / 2 / np.linalg.norm(middle - eye)))
    return Camera(eye, middle, float(hfov_deg), (store.SIZE_PX, store.SIZE_PX), np.array([roll_deg, 0, 0]))


def placed(eye: np.ndarray, roll_deg: float, frames: LegFrames, off: Misplaced) -> Camera:
    """Return the camera of a crop of a leg that is off."""
    at, width_m = middle(frames.points_m), store.WIDTH_FEET * foot_m(frames)
    axes = along(eye, at, roll_deg, width_m).rotation
    at = at + width_m * (off.right * axes[0] + off.down * axes[1])
    return along(eye, at, roll_deg, store.MARGIN * width_m * float(np.exp(off.wider)))


def foot_m(frames: LegFrames) -> float:
    """Return the length of a foot, heel to toe."""
    return float(np.linalg.norm(frames["toe"] - frames["heel"]))


def labels(camera: Camera, frames: LegFrames, seen_share: float, no_leg: bool) -> dict[str, object]:
    """Return the numbers of a crop's line, and why it is not readable."""
    points = {name: camera.project(frames[name]) / store.SIZE_PX - 0.5 for name in store.POINTS}
    turned = {
        "foot": frames["toe"] - frames["heel"],
        "shank": frames["knee"] - frames["ankle"],
        "normal": frames.foot[:, 1],
    }
    directions = {name: camera.rotation @ v / np.linalg.norm(v) for name, v in turned.items()}
    inside = all(np.abs(points[name]).max() < 0.5 for name in ("heel", "toe", "ankle"))
    readable, why = verdict(directions, seen_share, no_leg, inside)
    distance_m = camera.seen_m(0.5 * (frames["heel"] + frames["toe"]))[2]
    row: dict[str, object] = {"why": why, "readable": readable}
    if readable == 0 and distance_m < NEAREST_M:  # behind the camera or beside it: labels mean nothing
        return row
    focal = camera.matrix[0, 0] / store.SIZE_PX
    row |= {"focal": round(float(focal), 4), "foot": round(float(np.linalg.norm(turned["foot"]) * focal / distance_m), 4)}
    row |= {f"{name}_{axis}": round(float(x), 5) for name, v in directions.items() for axis, x in zip("xyz", v, strict=True)}
    row |= {f"{name}_{axis}": round(float(x), 4) for name, p in points.items() for axis, x in zip("uv", p, strict=True)}
    return row


def verdict(directions: Mapping[str, np.ndarray], seen_share: float, no_leg: bool, inside: bool) -> tuple[int | str, str]:
    """Return readable (1, 0 or undecided) and why not, by the rules of training/README.md."""
    if no_leg:
        return ("", "") if inside and seen_share > SURE_SHARE else (0, "no leg")
    if seen_share < HIDDEN_SHARE:
        return 0, "hidden"
    off_ray_deg = np.degrees(np.arccos(np.clip(directions["foot"][2], -1, 1)))
    sole_away_deg = np.degrees(np.arcsin(np.clip(-directions["normal"][2], -1, 1)))
    if off_ray_deg < REAR_DEG and sole_away_deg >= EDGE_ON_DEG:
        return 0, "rear"
    rear_perhaps = off_ray_deg < SURE_REAR_DEG and sole_away_deg > -EDGE_ON_DEG
    if rear_perhaps or seen_share < SURE_SHARE or not inside:
        return "", ""
    return 1, ""
