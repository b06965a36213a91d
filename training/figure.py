"""A made person: rigid segments of random lengths, without skin, that takes the postures of the renderer without its assets.

    rig = MadeRig(draw_build(np.random.default_rng(1)))     # in place of the rig of a body that is drawn
    landmarks(rig, poses)                                    # the 33 landmarks of every pose, m

Joints and sizes are those of an ordinary adult or child; clothes, faces and soft tissue are not there, so nothing can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.render.posing import PELVIS, SIDES, Pose, RestLeg, Rig, mirrored, turn_x, turn_y, turn_z

SIDE_NAMES = {"R": "right", "L": "left"}
LENGTHS = {
    "hips": (0.51, 0.035),
    "thigh": (0.90, 0.06),
    "heel_behind": (0.13, 0.015),
    "heel_below": (0.11, 0.015),
    "ball_ahead": (0.33, 0.02),
    "toe_ahead": (0.455, 0.025),
    "toe_below": (0.165, 0.015),
    "shoulders": (0.80, 0.06),
    "trunk": (1.05, 0.04),
    "upper_arm": (0.68, 0.03),
    "forearm": (0.57, 0.03),
}
"""Lengths in shanks, mean and standard deviation over the renderer's people; hips and shoulders are widths between the joints."""
SHANK_M = (0.34, 0.48)
"""Length of a shank: a child's to a tall man's."""
THICKNESS = {"trunk": (0.38, 0.25), "thigh": (0.20, 0.12), "shank": (0.12, 0.08)}
"""Half width and half depth of the trunk, and radius of thigh and shank at their upper and lower ends, in shanks."""
_SOLE_BELOW = 0.19
_NECK, _HEAD = 0.2, 0.42
_FACE = {
    "nose": (0.0, 0.0, 0.28),
    "eye_inner": (0.04, 0.08, 0.25),
    "eye": (0.08, 0.08, 0.24),
    "eye_outer": (0.11, 0.08, 0.22),
    "ear": (0.18, 0.05, 0.04),
    "mouth": (0.06, -0.10, 0.25),
}
"""Parts of the face from the middle of the head, in shanks: to the side, up, forward."""


@dataclass(frozen=True)
class Build:
    """The lengths of somebody, m."""

    shank_m: float
    lengths_m: dict[str, float]


def draw_build(rng: np.random.Generator) -> Build:
    """Return somebody at random."""
    shank_m = float(rng.uniform(*SHANK_M))
    return Build(shank_m, {name: shank_m * float(rng.normal(mean, sd)) for name, (mean, sd) in LENGTHS.items()})


class MadeRig(Rig):
    """Poses a made person.

    Parameters
    ----------
    build : Build
        The person's lengths.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self.rest = {side: self._rest_leg(side) for side in SIDES}
        self.middle_m = 0.5 * (self.rest["R"]["hip"] + self.rest["L"]["hip"])
        self.sole_m = 0.0

    def _rest_leg(self, side: str) -> RestLeg:
        """Return a leg that stands straight, the sole on the floor; the person faces z, the right is at negative x."""
        m, shank_m, x = self.build.lengths_m, self.build.shank_m, -mirrored(side) * self.build.lengths_m["hips"] / 2
        ankle_m = _SOLE_BELOW * shank_m
        heights_and_depths = {
            "hip": (ankle_m + shank_m + m["thigh"], 0.0),
            "knee": (ankle_m + shank_m, 0.0),
            "ankle": (ankle_m, 0.0),
            "heel": (ankle_m - m["heel_below"], -m["heel_behind"]),
            "ball": (0.0, m["ball_ahead"]),
            "toe": (ankle_m - m["toe_below"], m["toe_ahead"]),
        }
        return RestLeg({part: np.array([x, y, z]) for part, (y, z) in heights_and_depths.items()}, PELVIS, PELVIS, PELVIS)

    def surface(self, pose: Pose, *, barefoot: bool = False) -> np.ndarray:
        """Return rings round trunk, thighs and shanks, and the soles: enough to lay somebody down."""
        around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        s = self.build.shank_m
        half_width, half_depth = (s * share for share in THICKNESS["trunk"])
        heights = np.linspace(-0.1, 1.0, 9) * self.build.lengths_m["trunk"]
        rings = np.array([[half_width * np.cos(a), y, half_depth * np.sin(a)] for y in heights for a in around])
        points = [pose.pelvis_m + rings @ pose.pelvis_turn.T]
        for side in SIDES:
            frames = self.leg_frames(pose, side)
            for part, (a, b), axes in (("thigh", ("hip", "knee"), frames.femur), ("shank", ("knee", "ankle"), frames.shank)):
                for share in np.linspace(0, 1, 6):
                    radius_m = s * float(np.interp(share, [0, 1], THICKNESS[part]))
                    circle = np.outer(np.cos(around), axes[:, 0]) + np.outer(np.sin(around), axes[:, 2])
                    points.append(frames[a] + share * (frames[b] - frames[a]) + radius_m * circle)
            down = -frames.foot[:, 1] * 0.02 * s
            points.append(np.array([frames["heel"] + 4 * down, frames["ball"], frames["toe"] + down]))
        return np.concatenate(points)


def landmarks(rig: MadeRig, poses: Sequence[Pose]) -> dict[str, np.ndarray]:
    """Return the pose model's landmarks by name, shape (n, 3) each, m, and `{side}_ball`."""
    m, s = rig.build.lengths_m, rig.build.shank_m
    found: dict[str, np.ndarray] = {}
    for side in SIDES:
        frames = [rig.leg_frames(pose, side) for pose in poses]
        for point in ("hip", "knee", "ankle", "heel", "ball", "toe"):
            found[f"{SIDE_NAMES[side]}_{point}"] = np.array([f[point] for f in frames])
    trunk = np.array([pose.pelvis_turn @ _bent(pose.spine_deg) for pose in poses])
    head = np.array([turn @ _bent(pose.neck_deg) for turn, pose in zip(trunk, poses, strict=True)])
    middle = np.array([pose.pelvis_m for pose in poses])
    neck = middle + trunk[:, :, 1] * (m["trunk"] + _NECK * s)
    face = neck + head[:, :, 1] * _HEAD * s
    for side in SIDES:
        name, out = SIDE_NAMES[side], -mirrored(side)
        shoulder = middle + trunk @ np.array([out * m["shoulders"] / 2, m["trunk"], 0.0])
        upper, fore = (
            np.einsum("nij,nj->ni", trunk, [_unit(getattr(pose.arms[side], part)) for pose in poses])
            for part in ("upper", "fore")
        )
        elbow = shoulder + m["upper_arm"] * upper
        wrist = elbow + m["forearm"] * fore
        found |= {f"{name}_shoulder": shoulder, f"{name}_elbow": elbow, f"{name}_wrist": wrist}
        for finger, reach in (("pinky", 0.17), ("index", 0.2), ("thumb", 0.1)):
            found[f"{name}_{finger}"] = wrist + reach * s * fore
        for part, (aside, up, ahead) in _FACE.items():
            place = face + s * head @ np.array([out * aside, up, ahead])
            key = {"nose": "nose", "mouth": f"mouth_{name}"}.get(part) or f"{name}_{part}"
            found[key] = place
    return found


def _bent(angles_deg: Sequence[float]) -> np.ndarray:
    forward, aside, axial = angles_deg
    return turn_x(forward) @ turn_z(aside) @ turn_y(axial)


def _unit(vector: Sequence[float]) -> np.ndarray:
    return np.asarray(vector, float) / np.linalg.norm(vector)
