"""Skirts: a tube round both legs that lies on them in every posture, where skinned cloth would stand off like a tutu.

A skirt is made of rings. At the waist they move with the skin; from the middle of the thighs on, every ring is the hull of both
legs, as far along both of them as it was at rest. Cloth does not stretch much: where the legs are wide apart or point up, the
hem slides towards the hips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from .mesh import SkinnedMesh, triangulate
from .shape import SKIN_VERTICES, Shape

RINGS, AROUND = 40, 48
_NEAREST = 12
"""Points of the skin that move a point of the skirt at the waist."""
_OFF_SKIN_M, _FLARE_M = 0.012, 0.03
_TUBE_BELOW, _SKIN_ABOVE = 2.3, 2.95
"""Heights along the leg (knee 2, hip 3) below which a ring is a tube and above which it moves with the skin."""
_SLICE_M, _CORNER_M = 0.02, 0.07
_OUTERMOST_M = 0.04
_WIDEST_M = 0.24
"""Half the distance of the legs at which the hem begins to slide up."""
_LEG = ("upperleg", "lowerleg")


@dataclass(frozen=True, kw_only=True)
class Skirt(SkinnedMesh):
    """A skirt; its vertices are ring after ring, from the waist down.

    Parameters
    ----------
    along_m : numpy.ndarray, shape (rings,)
        How far along the legs each ring is, from the hips.
    radius_m : numpy.ndarray, shape (rings, around)
        How far the skin of the legs is from their axes in each direction.
    loose_m : numpy.ndarray, shape (rings,)
        How far each ring stands off when the legs hang down.
    tube : numpy.ndarray, shape (rings,)
        0 where a ring moves with the skin, 1 where it is a tube.
    joints : tuple
        Per leg, right first: for hip, knee and ankle the bone and the place at rest.
    """

    along_m: np.ndarray
    radius_m: np.ndarray
    loose_m: np.ndarray
    tube: np.ndarray
    joints: tuple[tuple[tuple[int, np.ndarray], ...], ...]

    def posed(self, bones: np.ndarray) -> np.ndarray:
        """Return the vertices under rest-to-posed transforms of the bones."""
        skinned = super().posed(bones).reshape(RINGS, AROUND, 3)
        legs = [np.array([bones[bone, :3, :3] @ rest + bones[bone, :3, 3] for bone, rest in leg]) for leg in self.joints]
        tube, middle = self._tube(legs)
        farther_m = np.linalg.norm(tube - middle, axis=-1) - np.linalg.norm(skinned - middle, axis=-1)
        share = self.tube[:, None]
        share = share + 4 * share * (1 - share) * np.clip(farther_m / _OUTERMOST_M, -1, 1)  # cloth lies on what is outermost
        return (skinned + np.clip(share, 0, 1)[..., None] * (tube - skinned)).reshape(-1, 3)

    def _tube(self, legs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the vertices of the tube round both legs, shape (rings, around, 3), and the middle of every ring."""
        along_m = self._slid(legs)
        right, left = (_on(leg, along_m) for leg in legs)
        half, middle = 0.5 * (left - right), 0.5 * (left + right)
        down = sum(_on(leg, along_m + _CORNER_M) - _on(leg, along_m - _CORNER_M) for leg in legs)
        down = _unit(down)
        sideways = legs[1][0] - legs[0][0]
        sideways = _unit(sideways - (down @ sideways)[:, None] * down)
        ahead = np.cross(down, sideways)
        angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
        outward = np.cos(angle)[None, :, None] * sideways[:, None] + np.sin(angle)[None, :, None] * ahead[:, None]
        towards = (outward * _unit(half)[:, None]).sum(-1, keepdims=True)
        hangs = np.clip(-down[:, 1], 0.15, 1.0)
        far_m = self.radius_m + (self.loose_m * hangs)[:, None]
        tube = middle[:, None] + np.clip(towards / 0.35, -1, 1) * half[:, None] + far_m[..., None] * outward
        return tube, middle[:, None]

    def _slid(self, legs: list[np.ndarray]) -> np.ndarray:
        """Return how far along the legs the rings are: nearer to the hips if legs point up or are wide apart."""
        hips, knees, ankles = (0.5 * (legs[0][k] + legs[1][k]) for k in range(3))
        thigh_m = float(np.linalg.norm(legs[0][1] - legs[0][0]))
        thigh_up, shank_up = (_smooth(_unit(b - a)[1], 0.2, 0.9) for a, b in ((hips, knees), (knees, ankles)))
        past = np.maximum(self.along_m - thigh_m, 0)
        along_m = (self.along_m - past * shank_up) * (1 - 0.6 * thigh_up)
        hem = along_m[-1:]
        apart_m = 0.5 * float(np.linalg.norm(_on(legs[1], hem) - _on(legs[0], hem)))
        return along_m * max(0.35, min(1.0, (_WIDEST_M + float(self.loose_m[-1])) / apart_m))


def make(
    shape: Shape, weights: sp.csr_array, heights: np.ndarray, low: float, high: float, loose_m: float, **looks: Any
) -> Skirt:
    """Return a skirt on a body.

    Parameters
    ----------
    shape : Shape
        The body.
    weights : scipy.sparse.csr_array
        Of its vertices, with twist bones.
    heights : numpy.ndarray
        Of its vertices, along the legs.
    low, high, loose_m : float
        Where the skirt ends and begins, as a height along the leg, and how far it stands off at its end.
    **looks
        Texture and look.
    """
    ring = np.linspace(high, low, RINGS)
    hip_m, knee_m, ankle_m = (shape.heads_m[shape.skeleton[f"{bone}.R"]] for bone in ("upperleg01", "lowerleg01", "foot"))
    at_y = np.interp(ring, [1, 2, 3, 4], [ankle_m[1], knee_m[1], hip_m[1], 2 * hip_m[1] - knee_m[1]])
    thigh_m, shank_m = np.linalg.norm(hip_m - knee_m), np.linalg.norm(knee_m - ankle_m)
    along_m = np.interp(ring, [1, 2, 3, 4], [thigh_m + shank_m, thigh_m, 0, -thigh_m])
    flare = np.clip((3.2 - ring) / max(0.3, 3.2 - low), 0, 1)
    loose = (loose_m + _FLARE_M) * flare
    limbs = _limbs(shape)
    rest = _contours(shape, limbs["arm"], at_y)
    angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    outward = np.stack([np.cos(angle), np.zeros(AROUND), np.sin(angle)], 1)
    rest = rest + loose[:, None, None] * outward[None]
    worn_on = np.flatnonzero(~limbs["arm"])
    far, near = cKDTree(shape.vertices_m[worn_on]).query(rest.reshape(-1, 3), _NEAREST)
    share = 1 / (far + 0.005)
    share /= share.sum(1, keepdims=True)
    moved = sp.csr_array(sum(sp.diags_array(share[:, k]) @ weights[worn_on[near[:, k]]] for k in range(_NEAREST)))
    faces, texels = _faces()
    uv = np.stack(np.meshgrid(np.linspace(0, 3, AROUND + 1), 1.5 * (high - ring)), -1).reshape(-1, 2)
    triangles, corner_vertex, uv = triangulate(faces, texels, uv)
    return Skirt(
        "clothes",
        "skirt",
        rest.reshape(-1, 3),
        moved,
        triangles,
        corner_vertex,
        uv,
        along_m=along_m,
        radius_m=_radii(shape, limbs["leg"], heights, ring) + _OFF_SKIN_M,
        loose_m=loose,
        tube=np.array([_smooth(-h, -_SKIN_ABOVE, -_TUBE_BELOW) for h in ring]),
        joints=tuple(_joints(shape, side) for side in "RL"),
        **looks,
    )


def _joints(shape: Shape, side: str) -> tuple[tuple[int, np.ndarray], ...]:
    """Return what moves hip, knee and ankle: every bone that begins there takes that place along."""
    bones = shape.skeleton
    names = ("upperleg01", "lowerleg01", "foot")
    return tuple((bones[f"{name}.{side}"], shape.heads_m[bones[f"{name}.{side}"]]) for name in names)


def _limbs(shape: Shape) -> dict[str, np.ndarray]:
    """Return which vertices of the skin belong to arms, and which to legs."""
    labels, weights = shape.skeleton.labels, shape.skeleton.weights[:SKIN_VERTICES]
    groups = {"arm": ("upperarm", "lowerarm", "wrist", "finger", "metacarpal"), "leg": _LEG}
    bones = {group: [k for k, label in enumerate(labels) if label.startswith(starts)] for group, starts in groups.items()}
    return {group: np.asarray(weights[:, columns].sum(1)).ravel() > 0.3 for group, columns in bones.items()}


def _contours(shape: Shape, arm: np.ndarray, at_y: np.ndarray) -> np.ndarray:
    """Return rings round the body at rest, shape (rings, around, 3): as far out as skin is in each direction."""
    skin = shape.vertices_m[:SKIN_VERTICES][~arm]
    angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    outward = np.stack([np.cos(angle), np.sin(angle)])
    rings = []
    for y in at_y:
        flat = skin[np.abs(skin[:, 1] - y) < _SLICE_M][:, [0, 2]]
        middle = 0.5 * (flat.min(0) + flat.max(0))
        far = ((flat - middle) @ outward).max(0) + _OFF_SKIN_M
        rings.append(np.stack([middle[0] + far * outward[0], np.full(AROUND, y), middle[1] + far * outward[1]], 1))
    return np.array(rings)


def _radii(shape: Shape, leg: np.ndarray, heights: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Return how far skin reaches from the axis of its leg, shape (rings, around); the left leg is to the left."""
    skin, bones = shape.vertices_m[:SKIN_VERTICES], shape.skeleton
    angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    outward = np.stack([np.cos(angle), np.sin(angle)])
    at, far = np.clip(ring, 1.1, 2.8), {}
    for side, sign in (("R", -1), ("L", 1)):
        joints = np.array([shape.heads_m[bones[f"{bone}.{side}"]] for bone in ("foot", "lowerleg01", "upperleg01")])
        axis = np.stack([np.interp(skin[:, 1], joints[:, 1], joints[:, k]) for k in (0, 2)], 1)
        off, mine = skin[:, [0, 2]] - axis, leg & (sign * skin[:, 0] > 0)
        far[side] = np.array([(off[mine & (np.abs(heights[:SKIN_VERTICES] - h) < 0.06)] @ outward).max(0) for h in at])
    return np.where(outward[0] < 0, far["R"], far["L"])


def _faces() -> tuple[np.ndarray, np.ndarray]:
    """Return the quads between the rings, as vertices and as texture points, of which a ring has one more."""
    row, column = (x.ravel() for x in np.meshgrid(np.arange(RINGS - 1), np.arange(AROUND), indexing="ij"))
    after = (column + 1) % AROUND
    corners = np.stack([row * AROUND + column, row * AROUND + after, (row + 1) * AROUND + after, (row + 1) * AROUND + column], 1)
    wide = AROUND + 1
    texels = np.stack([row * wide + column, row * wide + column + 1, (row + 1) * wide + column + 1, (row + 1) * wide + column], 1)
    return corners, texels


def _on(leg: np.ndarray, along_m: np.ndarray) -> np.ndarray:
    """Return points on the line hip, knee, ankle of a leg, which goes on straight at both ends."""
    thigh, shank = leg[1] - leg[0], leg[2] - leg[1]
    thigh_m, shank_m = np.linalg.norm(thigh), np.linalg.norm(shank)
    upper, lower = np.minimum(along_m, thigh_m) / thigh_m, np.maximum(along_m - thigh_m, 0) / shank_m
    return np.asarray(leg[0] + upper[:, None] * thigh + lower[:, None] * shank)


def _unit(v: np.ndarray) -> np.ndarray:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def _smooth(x: float, start: float, end: float) -> float:
    """Return 0 before `start`, 1 after `end`, and a smooth way between."""
    t = float(np.clip((x - start) / (end - start), 0, 1))
    return t * t * (3 - 2 * t)
