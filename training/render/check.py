"""Checks the truth of specs in two ways that know nothing of how poses are made.

python -m training.render.check SPECS.json [--only START]

mesh: the rotation of the femur recovered from the skinned vertices of the lower thigh.
joints: the rotation by the formula that rotrack measures by, from hip, knee, ankle, heel and toe alone. It differs from the truth
by a constant (how foot and shank are turned against the femur) and by the play of knee and ankle; that is not an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from . import assets
from .posing import PELVIS, hip_angles_deg, mirrored
from .stage import ClipSpec, Stage, read_specs

MESH_DEG = 1.0
"""The mesh must bear out the truth to this; near the knee, skin goes a little with the shank."""
_EVERY_S = 0.3
_FULLY_TURNED = 0.97
"""Weight of the last twist bone above which a vertex turns with the femur; the rest of it goes with the shank. Over a knee that
is bent far, vertices from 0.9 on are up to 1.4 deg off, from 0.97 on 0.6, from 0.999 on 0.0."""


def from_joints_deg(points_m: Mapping[str, np.ndarray], right: np.ndarray, side: str, pointer: str) -> float:
    """Return internal rotation from joint positions: the pointer's angle about the femur's long axis.

    Parameters
    ----------
    points_m : mapping of str to numpy.ndarray
        hip, knee, ankle, heel, toe.
    right : numpy.ndarray, shape (3,)
        From the left hip to the right one.
    side, pointer : str
        R or L; shank or foot.
    """
    y = points_m["hip"] - points_m["knee"]
    y = y / np.linalg.norm(y)
    forward = np.cross(y, right / np.linalg.norm(right))
    forward /= np.linalg.norm(forward)
    ends = ("knee", "ankle") if pointer == "shank" else ("heel", "toe")
    reference = -forward if pointer == "shank" else forward
    along = points_m[ends[1]] - points_m[ends[0]]
    along = along - (along @ y) * y
    return float(mirrored(side) * np.degrees(np.arctan2(y @ np.cross(reference, along), reference @ along)))


def rotation_between(rest: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """Return the rotation that takes points best onto others (Kabsch)."""
    u, _, vt = np.linalg.svd((rest - rest.mean(0)).T @ (posed - posed.mean(0)))
    flip = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
    return vt.T @ flip @ u.T


def errors_deg(spec: ClipSpec) -> dict[str, tuple[float, float]]:
    """Return, per moving side, the largest error of the mesh and the spread of the difference of the joints."""
    stage = Stage("check", spec)
    posture, rig, body = stage.posture, stage.posture.rig, stage.body
    moments = [
        k for k in range(0, len(stage.moments_s), max(1, int(_EVERY_S / np.diff(stage.moments_s).mean()))) if stage.exercises(k)
    ]
    weights, found = body.weights.toarray(), {}
    for side in posture.moving:
        distal = np.flatnonzero(weights[:, body.twist_bones(side)[-1]] > _FULLY_TURNED)
        mesh, joints = [], []
        for k in moments:
            pose, truth = posture.pose(k), posture.rotation_deg[side][k]
            skin = body.meshes[0].posed(rig.transforms(pose))
            femur = rotation_between(body.shape.vertices_m[distal], skin[distal]) @ rig.rest[side].femur
            mesh.append(hip_angles_deg(pose.pelvis_turn @ PELVIS, femur, side)[2] - truth)
            hips = rig.leg_frames(pose, "R")["hip"] - rig.leg_frames(pose, "L")["hip"]
            joints.append(from_joints_deg(rig.leg_frames(pose, side).points_m, hips, side, posture.pointer) - truth)
        found[side] = (float(np.abs(mesh).max()), float(np.abs(joints - np.median(joints)).max()))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", type=Path)
    parser.add_argument("--only", nargs="*", default=[""], metavar="START")
    asked = parser.parse_args(arguments)
    assets.require()
    worst = 0.0
    for name, spec in read_specs(asked.specs).items():
        if name.startswith(tuple(asked.only)):
            for side, (mesh, joints) in errors_deg(spec).items():
                worst = max(worst, mesh)
                print(f"{name:40} {side}  mesh {mesh:.3f} deg  joints, without their constant, {joints:.1f} deg", flush=True)
    return 0 if worst <= MESH_DEG else 1


if __name__ == "__main__":
    sys.exit(main())
