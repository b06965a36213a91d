"""Computes clothes from the helpers of MakeHuman's base mesh: trousers of any width, skirts, socks, shoes, weights, bands.

The helper (tights from neck to sole) follows every body. A cover is a part of it, moved out; skirts are made of rings (skirt.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from . import skirt
from .mesh import Look, SkinnedMesh, triangulate
from .shape import SKIN_VERTICES, Shape, base_mesh
from .textures import cloth

FLOOR, ANKLE, KNEE, HIP = 0.0, 1.0, 2.0, 3.0
"""Heights along a leg in which covers begin and end; above the hip one is as long as below it, hip to knee."""
_SKIN_M = 0.004
_HIDDEN_WITHIN = 0.12
_ARM_SHARE = 0.3
_SOLE_M = 0.022


@dataclass(frozen=True)
class Cover:
    """One computed garment.

    Parameters
    ----------
    kind : str
        trousers, skirt, sock, shoe, weight or band.
    low, high : float
        Where it ends and begins, as a height along the leg: floor 0, ankle 1, knee 2, hip 3.
    loose_m : float
        How far it stands off at its end; trousers and skirts are tight where they begin.
    sole_m, toe_m : float
        Shoes: thickness of the sole, and how much longer than the foot they are in front.
    side : str
        R or L alone, or both.
    colour : tuple of float
        RGB, from 0 to 255.
    pattern : str
        plain, stripes, checks or dots.
    seed : int
        Chooses the weave.
    """

    kind: str
    low: float = ANKLE
    high: float = 3.5
    loose_m: float = 0.0
    sole_m: float = 0.0
    toe_m: float = 0.0
    side: str = "RL"
    colour: tuple[float, float, float] = (60, 70, 90)
    pattern: str = "plain"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("trousers", "skirt", "sock", "shoe", "weight", "band") or self.low >= self.high:
            raise ValueError(f"no such cover: {self}")


def make(shape: Shape, weights: sp.csr_array, cover: Cover) -> SkinnedMesh:
    """Return a cover on a body.

    Parameters
    ----------
    shape : Shape
        The body.
    weights : scipy.sparse.csr_array
        Of its vertices, with twist bones.
    cover : Cover
        What to make.
    """
    picture = cloth(cover.seed, cover.colour, cover.pattern)
    look = Look(shine=0.08 if cover.kind == "shoe" else 0.02, gloss=12.0, two_sided=True)
    if cover.kind == "skirt":
        heights = along_leg(shape, shape.vertices_m)
        return skirt.make(shape, weights, heights, cover.low, cover.high, cover.loose_m, texture=picture, look=look)
    base = base_mesh()
    faces, uvs = base.faces["helper-tights"], base.face_uvs["helper-tights"]
    middle_m = shape.vertices_m[faces].mean(1)
    height = along_leg(shape, middle_m)
    kept = (height > cover.low) & (height < cover.high) & ~_arms(shape)[faces].any(1)
    if cover.side in ("R", "L"):
        kept &= (middle_m[:, 0] < 0) == (cover.side == "R")
    triangles, corner_vertex, uv = triangulate(faces[kept], uvs[kept], base.uvs)
    name = f"shoes-{cover.seed}" if cover.kind == "shoe" else cover.kind
    flat = SkinnedMesh("clothes", name, shape.vertices_m, weights, triangles, corner_vertex, 6 * uv, picture, look)
    rest = shape.vertices_m + _SKIN_M * flat.normals(shape.vertices_m)
    rest = _shod(shape, rest, flat, cover) if cover.kind == "shoe" else _loosened(shape, rest, flat, cover)
    return SkinnedMesh("clothes", name, rest, weights, triangles, corner_vertex, flat.uv, picture, look)


def hides(shape: Shape, cover: Cover) -> np.ndarray:
    """Return which vertices of a body need not be drawn under a cover."""
    points = shape.vertices_m
    hidden = np.zeros(len(points), bool)
    if cover.kind in ("skirt", "band", "weight"):
        return hidden
    skin = points[:SKIN_VERTICES]
    height = along_leg(shape, skin)
    low = cover.low - 1 if cover.low <= FLOOR else cover.low + _HIDDEN_WITHIN
    hidden[:SKIN_VERTICES] = (height > low) & (height < cover.high - _HIDDEN_WITHIN) & ~_arms(shape)[:SKIN_VERTICES]
    if cover.side in ("R", "L"):
        hidden &= (points[:, 0] < 0) == (cover.side == "R")
    return hidden


def along_leg(shape: Shape, points_m: np.ndarray) -> np.ndarray:
    """Return heights along the legs: floor 0, ankle 1, knee 2, hip 3."""
    bones = shape.skeleton
    ankle, knee, hip = (shape.heads_m[bones[f"{bone}.R"], 1] for bone in ("foot", "lowerleg01", "upperleg01"))
    marks_m = [0.0, ankle, knee, hip, 2 * hip - knee]
    height = np.interp(points_m[:, 1], marks_m, [FLOOR, ANKLE, KNEE, HIP, HIP + 1])
    return np.where(points_m[:, 1] < 0.005, points_m[:, 1], height)


def _arms(shape: Shape) -> np.ndarray:
    """Return which vertices belong to the arms."""
    labels = shape.skeleton.labels
    arm = [k for k, label in enumerate(labels) if label.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal"))]
    return np.asarray(shape.skeleton.weights[:, arm].sum(1)).ravel() > _ARM_SHARE


def _loosened(shape: Shape, rest: np.ndarray, mesh: SkinnedMesh, cover: Cover) -> np.ndarray:
    """Return vertices moved away from the axis of the leg, more towards the lower end of trousers."""
    if not cover.loose_m:
        return rest
    if cover.kind in ("sock", "weight", "band"):
        return rest + cover.loose_m * mesh.normals(shape.vertices_m)
    height = along_leg(shape, shape.vertices_m)
    share = np.clip((HIP + 0.2 - height) / max(0.3, HIP + 0.2 - cover.low), 0, 1)
    out = rest[:, [0, 2]] - _leg_axis(shape)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    inward = out[:, 0] * np.sign(rest[:, 0]) < 0  # keeps trouser legs apart where the thighs meet
    far = cover.loose_m * share * np.where(inward, 0.35 + 0.65 * share, 1.0)
    moved = rest.copy()
    moved[:, [0, 2]] += far[:, None] * out
    return moved


def _leg_axis(shape: Shape) -> np.ndarray:
    """Return, for every vertex, x and z of the axis of its leg at its height."""
    bones, axis = shape.skeleton, np.zeros((len(shape.vertices_m), 2))
    for side in "RL":
        joints = np.array([shape.heads_m[bones[f"{bone}.{side}"]] for bone in ("foot", "lowerleg01", "upperleg01")])
        mine = (shape.vertices_m[:, 0] < 0) == (side == "R")
        for column, k in enumerate((0, 2)):
            axis[mine, column] = np.interp(shape.vertices_m[mine, 1], joints[:, 1], joints[:, k])
    return axis


def _shod(shape: Shape, rest: np.ndarray, mesh: SkinnedMesh, cover: Cover) -> np.ndarray:
    """Return the vertices of a shoe: off the foot by its upper, longer in front, flat on its sole."""
    bones, moved = shape.skeleton, rest + cover.loose_m * mesh.normals(shape.vertices_m)
    ball_z, toe_z = shape.heads_m[bones["toe1-1.R"], 2], shape.tails_m[bones["toe1-2.R"], 2]
    ahead = np.clip((rest[:, 2] - ball_z) / (toe_z - ball_z), 0, 1.2)
    moved[:, 2] += cover.toe_m * ahead
    low = moved[:, 1] < _SOLE_M
    moved[low, 1] = -cover.sole_m
    edge = (moved[:, 1] >= _SOLE_M) & (moved[:, 1] < 2 * _SOLE_M)
    moved[edge, 1] -= cover.sole_m * (2 - moved[edge, 1] / _SOLE_M)
    return moved
