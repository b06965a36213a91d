"""Surfaces that move with bones, and how they take the light."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Look:
    """How a surface takes the light.

    Parameters
    ----------
    tint : tuple of float
        Factors of red, green, blue.
    shine, gloss : float
        Strength and sharpness of highlights.
    alpha_test : float
        Parts of the texture more transparent than this are not there.
    two_sided : bool
        Whether the inside is seen as well.
    wrap : float
        How far light reaches round the edge.
    """

    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shine: float = 0.15
    gloss: float = 24.0
    alpha_test: float = 0.0
    two_sided: bool = False
    wrap: float = 0.1


@dataclass(frozen=True)
class SkinnedMesh:
    """A surface that moves with the bones.

    Parameters
    ----------
    kind, name : str
        skin, clothes, hair, eyes or eyebrows; folder of the garment.
    rest_m : numpy.ndarray, shape (v, 3)
        Vertices at rest.
    weights : scipy.sparse.csr_array, shape (v, b)
        How much each bone moves each vertex.
    triangles : numpy.ndarray, shape (t, 3)
        Corners, as numbers of `corner_vertex`.
    corner_vertex : numpy.ndarray, shape (c,)
        Vertex of each corner; a vertex has one for every point of the texture that it bears.
    uv : numpy.ndarray, shape (c, 2)
        Texture point of each corner.
    texture : pathlib.Path or numpy.ndarray or None
        A picture file, a picture, or plain white.
    look : Look
        How it takes the light.
    """

    kind: str
    name: str
    rest_m: np.ndarray
    weights: sp.csr_array
    triangles: np.ndarray
    corner_vertex: np.ndarray
    uv: np.ndarray
    texture: Path | np.ndarray | None = None
    look: Look = field(default_factory=Look)

    @cached_property
    def used(self) -> np.ndarray:
        """Vertices that a triangle touches."""
        return np.unique(self.corner_vertex)

    @cached_property
    def _faces(self) -> np.ndarray:
        return self.corner_vertex[self.triangles]

    @cached_property
    def _faces_of(self) -> sp.csr_array:
        count = len(self._faces)
        where = (self._faces.ravel(), np.repeat(np.arange(count), 3))
        return sp.csr_array((np.ones(3 * count), where), shape=(len(self.rest_m), count))

    def posed(self, bones: np.ndarray) -> np.ndarray:
        """Return the vertices under rest-to-posed transforms of the bones, shape (b, 4, 4): linear blend skinning."""
        blended = np.asarray(self.weights @ bones.reshape(len(bones), 16)).reshape(-1, 4, 4)
        return np.einsum("vij,vj->vi", blended[:, :3, :3], self.rest_m) + blended[:, :3, 3]

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Return the directions out of the surface at some posed vertices."""
        a, b, c = (vertices[self._faces[:, k]] for k in range(3))
        summed = self._faces_of @ np.cross(b - a, c - a)
        return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)


def triangulate(faces: np.ndarray, face_uvs: np.ndarray, uvs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return triangles over pairs of vertex and texture point, the vertex of each pair, and its texture point."""
    halves = ([0, 1, 2], [0, 2, 3])
    vertices, textures = (np.concatenate([table[:, half] for half in halves]) for table in (faces, face_uvs))
    flat = (vertices == np.roll(vertices, 1, axis=1)).any(1)
    pairs = np.stack([vertices[~flat].ravel(), textures[~flat].ravel()], 1)
    unique, corner = np.unique(pairs, axis=0, return_inverse=True)
    return corner.reshape(-1, 3), unique[:, 0], uvs[unique[:, 1]]
