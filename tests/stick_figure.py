"""A body of bones and dots, made on the spot: the renderer's geometry can be tested without its assets."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from training.render.dress import Body, with_twist
from training.render.mesh import SkinnedMesh
from training.render.shape import Shape, Skeleton

HIP, KNEE, ANKLE = (0.09, 0.90, 0.0), (0.10, 0.48, 0.01), (0.11, 0.08, -0.02)
TRUNK = {
    "root": (None, (0, 0.95, 0), (0, 0.98, 0)),
    "spine05": ("root", (0, 0.98, 0), (0, 1.05, 0)),
    "spine04": ("spine05", (0, 1.05, 0), (0, 1.15, 0)),
    "spine03": ("spine04", (0, 1.15, 0), (0, 1.25, 0)),
    "spine02": ("spine03", (0, 1.25, 0), (0, 1.35, 0)),
    "spine01": ("spine02", (0, 1.35, 0), (0, 1.45, 0)),
    "neck01": ("spine01", (0, 1.45, 0), (0, 1.48, 0)),
    "neck02": ("neck01", (0, 1.48, 0), (0, 1.51, 0)),
    "neck03": ("neck02", (0, 1.51, 0), (0, 1.55, 0)),
    "head": ("neck03", (0, 1.55, 0), (0, 1.75, 0)),
}
LIMBS = {
    "upperarm01": ("spine01", (0.18, 1.4, 0), (0.22, 1.28, 0)),
    "upperarm02": ("upperarm01", (0.22, 1.28, 0), (0.26, 1.15, 0)),
    "lowerarm01": ("upperarm02", (0.26, 1.15, 0), (0.28, 1.02, 0.02)),
    "lowerarm02": ("lowerarm01", (0.28, 1.02, 0.02), (0.3, 0.9, 0.04)),
    "wrist": ("lowerarm02", (0.3, 0.9, 0.04), (0.3, 0.85, 0.04)),
    "upperleg01": ("root", HIP, (0.095, 0.69, 0.005)),
    "upperleg02": ("upperleg01", (0.095, 0.69, 0.005), KNEE),
    "lowerleg01": ("upperleg02", KNEE, (0.105, 0.28, -0.005)),
    "lowerleg02": ("lowerleg01", (0.105, 0.28, -0.005), ANKLE),
    "foot": ("lowerleg02", ANKLE, (0.12, 0.02, 0.12)),
}
_SOLE = [
    (0.08, 0.0, -0.07),
    (0.10, 0.0, -0.08),
    (0.12, 0.0, -0.07),
    (0.10, 0.02, -0.08),
    (0.11, 0.01, -0.075),
    (0.09, 0.01, -0.075),
]


def _bones() -> dict[str, tuple[str | None, np.ndarray, np.ndarray]]:
    bones = {name: (parent, np.array(a, float), np.array(b, float)) for name, (parent, a, b) in TRUNK.items()}
    for side, sign in (("L", 1), ("R", -1)):
        flip = np.array([sign, 1, 1])
        for name, (parent, a, b) in LIMBS.items():
            above = parent if parent in TRUNK else f"{parent}.{side}"
            bones[f"{name}.{side}"] = (above, flip * a, flip * b)
        for finger in range(2, 6):
            at = flip * [0.3, 0.85, 0.10 - 0.02 * finger]
            for joint in (1, 2, 3):
                above = f"wrist.{side}" if joint == 1 else f"finger{finger}-{joint - 1}.{side}"
                bones[f"finger{finger}-{joint}.{side}"] = (above, at - [0, 0.02 * joint, 0], at - [0, 0.02 * joint + 0.02, 0])
        for toe, x, joints in ((1, 0.09, 2), (2, 0.11, 3), (3, 0.125, 3)):
            for joint in range(1, joints + 1):
                above = f"foot.{side}" if joint == 1 else f"toe{toe}-{joint - 1}.{side}"
                z = 0.12 + 0.06 * (joint - 1) / (joints - 1)
                bones[f"toe{toe}-{joint}.{side}"] = (above, flip * [x, 0.02, z], flip * [x, 0.015, z + 0.06 / (joints - 1)])
    return bones


def stick_figure() -> Body:
    """Return a body whose skin is a few dots around every bone."""
    bones = _bones()
    labels = tuple(bones)
    dots, owners = [], []
    for number, (_, a, b) in enumerate(bones.values()):
        thick = 0.06 if np.linalg.norm(b - a) > 0.1 else 0.015
        for share in np.linspace(0, 1, 6):
            for around in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                dots.append(a + share * (b - a) + thick * np.array([around[0], 0, around[1]]))
                owners.append(number)
    for sign, side in ((1, "L"), (-1, "R")):
        for dot in _SOLE:
            dots.append(np.array(dot) * [sign, 1, 1])
            owners.append(labels.index(f"foot.{side}"))
    vertices = np.array(dots)
    vertices[:, 1] = np.maximum(vertices[:, 1], 0)
    count = len(vertices)
    weights = sp.csr_array((np.ones(count), (np.arange(count), owners)), shape=(count, len(labels)))
    parents = tuple(-1 if parent is None else labels.index(parent) for parent, _, _ in bones.values())
    heads, tails = (np.array([bone[k] for bone in bones.values()]) for k in (1, 2))
    shape = Shape(vertices, heads, tails, Skeleton(labels, parents, weights, (), ()))
    twisted = with_twist(shape)
    triangles = np.arange(count - count % 3).reshape(-1, 3)
    mesh = SkinnedMesh("skin", "body", vertices, twisted, triangles, np.arange(count), np.zeros((count, 2)))
    return Body(shape, (mesh,), twisted)
