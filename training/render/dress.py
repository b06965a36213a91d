"""Puts skin, clothes and hair on a body: meshes bound to the skeleton, so that they move with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from . import assets, shape, tailor
from .mesh import Look, SkinnedMesh, triangulate
from .shape import Shape
from .tailor import Cover

TWIST_BONES = 5
"""Bones per thigh that share its axis and turn more and more from hip to knee, as skin does."""
_TWIST_FROM, _TWIST_LENGTH = 0.05, 0.72
"""Where on the thigh the turn begins, and over which share of it it grows."""
_KEPT_UNDER_CUT_M = 0.03
_NOT_COLOUR = ("normal", "nrm", "_ao")


@dataclass(frozen=True)
class Body:
    """A dressed body.

    Parameters
    ----------
    shape : Shape
        Its naked shape.
    meshes : tuple of SkinnedMesh
        Skin first, then clothes, hair, eyes.
    weights : scipy.sparse.csr_array
        Of the skin; the twist bones of the thighs come after the bones of the skeleton.
    """

    shape: Shape
    meshes: tuple[SkinnedMesh, ...]
    weights: sp.csr_array

    @property
    def bones(self) -> int:
        """How many bones there are with the twist bones."""
        return self.weights.shape[1]

    def twist_bones(self, side: str) -> range:
        """Return the numbers of the twist bones of a thigh, from hip to knee."""
        first = len(self.shape.skeleton.labels) + (0 if side == "R" else TWIST_BONES)
        return range(first, first + TWIST_BONES)

    @cached_property
    def sole_m(self) -> float:
        """Height of the lowest point at rest; below zero with shoes."""
        return float(min(mesh.rest_m[mesh.used, 1].min() for mesh in self.meshes))


@dataclass(frozen=True)
class Garment:
    """Something to put on.

    Parameters
    ----------
    kind, name : str
        Folders of the assets: clothes, hair, eyes or eyebrows, and which.
    texture : str
        File of its textures; by default the first one that holds colours.
    cut : float
        Keeps only what is above this share of the thigh, from knee 0 to hip 1; below 0: all of it.
    inflate_m : float
        Moves it out, against skin that shows through.
    hides_skin : bool
        Whether skin under it is left away.
    look : Look
        How it takes the light.
    """

    kind: str
    name: str
    texture: str = ""
    cut: float = -9.0
    inflate_m: float = 0.0
    hides_skin: bool = True
    look: Look = field(default_factory=Look)


def dress(
    body_shape: Shape,
    skin: str,
    skin_look: Look,
    garments: Sequence[Garment],
    scales: Mapping[str, Any],
    covers: Sequence[Cover] = (),
) -> Body:
    """Return a dressed body.

    Parameters
    ----------
    body_shape : Shape
        Naked.
    skin : str
        Picture of the skin, below skins/ of the assets.
    skin_look : Look
        How skin takes the light.
    garments : sequence of Garment
        What it wears.
    scales : mapping
        Per garment and axis: two vertices, and how far apart they were on the body it was made for, dm.
    covers : sequence of Cover
        Computed clothes, over the garments.
    """
    weights = with_twist(body_shape)
    hidden = np.zeros(len(body_shape.vertices_m), bool)
    meshes = []
    for garment in garments:
        mesh, under = _bind(body_shape, weights, garment, scales)
        meshes.append(mesh)
        hidden[: len(under)] |= under
    for cover in covers:
        meshes.append(tailor.make(body_shape, weights, cover))
        hidden |= tailor.hides(body_shape, cover)
    base = shape.base_mesh()
    seen = ~hidden[base.faces["body"]].all(1)
    triangles, corner_vertex, uv = triangulate(base.faces["body"][seen], base.face_uvs["body"][seen], base.uvs)
    picture = _garments() / "skins" / skin
    body = SkinnedMesh("skin", "body", body_shape.vertices_m, weights, triangles, corner_vertex, uv, picture, skin_look)
    return Body(body_shape, (body, *meshes), weights)


def _garments() -> Path:
    return assets.folder() / assets.GARMENTS


def with_twist(body_shape: Shape) -> sp.csr_array:
    """Return the weights with the two bones of each thigh replaced by twist bones."""
    bones = body_shape.skeleton
    weights = bones.weights.toarray()
    extra = []
    for side in "RL":
        hip, knee = (body_shape.heads_m[bones[f"{bone}.{side}"]] for bone in ("upperleg01", "lowerleg01"))
        length = np.linalg.norm(knee - hip)
        along = (body_shape.vertices_m - hip) @ ((knee - hip) / length) / length
        place = np.clip((along - _TWIST_FROM) / _TWIST_LENGTH, 0, 1) * (TWIST_BONES - 1)
        thigh = [bones[f"upperleg01.{side}"], bones[f"upperleg02.{side}"]]
        lower = np.minimum(place.astype(int), TWIST_BONES - 2)
        rows, share = np.arange(len(weights)), weights[:, thigh].sum(1)
        table = np.zeros((len(weights), TWIST_BONES))
        table[rows, lower] = share * (1 - (place - lower))
        table[rows, lower + 1] += share * (place - lower)
        weights[:, thigh] = 0
        extra.append(table)
    return sp.csr_array(np.hstack([weights, *extra]))


def _bind(
    body_shape: Shape, weights: sp.csr_array, garment: Garment, scales: Mapping[str, Any]
) -> tuple[SkinnedMesh, np.ndarray]:
    """Return a garment on a body, and which vertices of the body it covers."""
    place = _garments() / "proxies" / garment.kind / garment.name
    data = json.loads(next(iter(sorted(place.glob("*.json")))).read_text("utf-8"))
    near, share = np.array(data["ref_vIdxs"]), np.array(data["weights"])
    body = body_shape.vertices_m
    rest = np.einsum("vk,vkx->vx", share, body[near]) + np.array(data["offsets"]) * _scale_m(body, scales.get(garment.name))
    moved = sum(sp.diags_array(share[:, k]) @ weights[near[:, k]] for k in range(3)).tocsr()
    moved.data = np.maximum(moved.data, 0)
    moved = sp.csr_array(sp.diags_array(1 / np.maximum(np.asarray(moved.sum(1)).ravel(), 1e-9)) @ moved)
    faces, face_uvs = _quads(data["faces"])
    covers = np.array(data["metadata"].get("deleteVerts", []), bool) if garment.hides_skin else np.zeros(0, bool)
    above = _above(body_shape, garment.cut)
    kept = above(rest[faces].mean(1), 0.0)
    covers = covers & above(body[: len(covers)], _KEPT_UNDER_CUT_M)
    triangles, corner_vertex, uv = triangulate(faces[kept], face_uvs[kept], np.array(data["uvs"][0]).reshape(-1, 2))
    mesh = SkinnedMesh(
        garment.kind, garment.name, rest, moved, triangles, corner_vertex, uv, _colours(place, garment), garment.look
    )
    if garment.inflate_m:
        wider = rest + garment.inflate_m * mesh.normals(rest)
        mesh = SkinnedMesh(garment.kind, garment.name, wider, moved, triangles, corner_vertex, uv, mesh.texture, garment.look)
    return mesh, covers


def _above(body_shape: Shape, cut: float) -> Callable[[np.ndarray, float], np.ndarray]:
    """Return a test for points above a share of the thigh: makes shorts of trousers."""
    bones = body_shape.skeleton
    hip_m, knee_m = (body_shape.heads_m[bones[f"{bone}.R"], 1] for bone in ("upperleg01", "lowerleg01"))
    return lambda points, margin_m: points[:, 1] > knee_m + cut * (hip_m - knee_m) + margin_m


def _scale_m(body: np.ndarray, scale: Mapping[str, Sequence[float]] | None) -> np.ndarray:
    """Return metres per unit of a garment's offsets along x, y, z."""
    if scale is None:
        return np.full(3, shape.DECIMETRE_M)
    return np.array([abs(body[int(a), k] - body[int(b), k]) / apart for k, (a, b, apart) in enumerate(scale[x] for x in "xyz")])


def _colours(place: Path, garment: Garment) -> Path | None:
    if garment.texture:
        return place / "textures" / garment.texture
    files = [f for f in sorted((place / "textures").iterdir()) if not any(word in f.name.lower() for word in _NOT_COLOUR)]
    return files[0] if files else None


def _quads(numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the faces of a three.js model (format 3): vertices and texture points, triangles with their last corner twice."""
    faces, face_uvs = [], []
    for corners, texture in _faces_of(numbers):
        faces.append(corners + corners[-1:] * (4 - len(corners)))
        face_uvs.append(texture + texture[-1:] * (4 - len(texture)))
    return np.array(faces), np.array(face_uvs)


def _faces_of(numbers: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    at = 0
    while at < len(numbers):
        kind = numbers[at]
        count = 4 if kind & 1 else 3
        corners = list(numbers[at + 1 : at + 1 + count])
        at += 1 + count + bool(kind & 2) + bool(kind & 4)
        texture = list(numbers[at : at + count]) if kind & 8 else [0] * count
        at += count * bool(kind & 8) + bool(kind & 16) + count * bool(kind & 32) + bool(kind & 64) + count * bool(kind & 128)
        yield corners, texture
