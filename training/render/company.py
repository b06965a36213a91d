"""Who else is there, and how people come and go: a second person standing by, walking in, walking off and coming back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from training.movement import smooth_step, wander

from .posing import Arm, Leg, Pose, Rig, arms, mirrored, turn_y
from .postures import Posture

ARMS: Mapping[str, Arm] = {
    "side": Arm((0.22, -1, 0.02), (0.14, -1, 0.25), 0),
    "hips": Arm((0.85, -0.75, -0.25), (-0.62, -0.62, 0.42), 40),
    "folded": Arm((0.15, -1, 0.30), (-0.95, 0.10, 0.55), 20),
}
STRIDE_HZ = 0.9
SETTLE_S = 1.3
"""Time for turning and taking the starting position."""
_HIP_M, _CHAIR_M = 1.0, 0.5


@dataclass(frozen=True)
class Bystander:
    """A second person who stands by and sways a little; the feet stay.

    Parameters
    ----------
    person : str
        Who, a name of people.toml.
    x_m, z_m : float
        Where.
    facing_deg : float
        0: to the camera.
    arms : str
        side, hips or folded.
    sway : float
        Scale of the sway.
    """

    person: str = "man_heavy_jeans"
    x_m: float = 1.0
    z_m: float = -0.5
    facing_deg: float = 0.0
    arms: str = "folded"
    sway: float = 1.0

    def poses(self, rig: Rig, t_s: np.ndarray, seed: int) -> list[Pose]:
        """Return the pose of every frame."""
        lean, aside, twist, head = (wander(t_s, 900 + 10 * seed + k, self.sway) for k in range(4))
        stands = Pose(
            pelvis_m=np.array([self.x_m, rig.middle_m[1] - rig.sole_m, self.z_m]),
            pelvis_turn=turn_y(self.facing_deg),
            legs=dict.fromkeys("RL", Leg(adduction=-2, torsion=8)),
            arms=arms(ARMS[self.arms]),
        )
        return [
            replace(
                stands, spine_deg=(3 + 2 * lean[i], 1.5 * aside[i], 3 * twist[i]), neck_deg=(8 + 3 * head[i], 0, 8 * twist[i])
            )
            for i in range(len(t_s))
        ]


@dataclass(frozen=True)
class Walk:
    """Walking to the place of the exercise and taking the starting position, or back.

    Parameters
    ----------
    start_s, seconds : float
        When it begins, and how long it takes in all.
    from_m : tuple of float
        x and z out of the picture.
    leaves : bool
        Walks off instead of in.
    """

    start_s: float = 0.0
    seconds: float = 3.5
    from_m: tuple[float, float] = (-1.9, 0.5)
    leaves: bool = False

    def __post_init__(self) -> None:
        if self.seconds < SETTLE_S + 1:
            raise ValueError(f"nobody walks there and takes the position in {self.seconds} s")

    def covers(self, t_s: float) -> bool:
        """Return whether somebody walks at a moment."""
        return self.start_s <= t_s < self.start_s + self.seconds

    def pose(self, posture: Posture, i: int) -> Pose:
        """Return the pose of frame i, which lies in the walk."""
        into_s = posture.t_s[i] - self.start_s
        into_s = self.seconds - into_s if self.leaves else into_s
        walk_s, goal = self.seconds - SETTLE_S, posture.pose(i)
        pose = self._step(posture, goal, into_s, walk_s)
        weight = float(smooth_step((into_s - walk_s) / SETTLE_S))
        if weight > 0:
            pose = blended(posture.rig, pose, goal, weight)
            below_m = posture.lowest_m(pose)
            if below_m < 0:
                pose = pose.moved(np.array([0, -below_m * (1 - weight), 0]))
        return pose

    def _step(self, posture: Posture, goal: Pose, into_s: float, walk_s: float) -> Pose:
        place = np.array([goal.pelvis_m[0], goal.pelvis_m[2] + (_CHAIR_M if hasattr(posture, "seat_m") else 0.0)])
        start = np.array(self.from_m, float)
        share = min(into_s / walk_s, 1.0)
        share -= 0.12 * np.sin(np.pi * share) * share  # slows down at the end
        fade = 1 - float(smooth_step((into_s - walk_s + 0.4) / 0.5))
        heading = np.degrees(np.arctan2(*(place - start))) + (180 if self.leaves else 0)
        facing = np.degrees(np.arctan2(goal.pelvis_turn[0, 2], goal.pelvis_turn[2, 2]))
        turned = heading + float(smooth_step((into_s - walk_s + 0.3) / 0.8)) * ((facing - heading + 180) % 360 - 180)
        x, z = start + share * (place - start)
        stride, swing = (wave(2 * np.pi * STRIDE_HZ * into_s) for wave in (np.sin, np.cos))
        legs, arm = {}, {}
        for side in "RL":
            ahead, lift = mirrored(side) * stride * fade, max(0.0, mirrored(side) * swing) * fade
            legs[side] = Leg(flexion=4 + 22 * ahead + 14 * lift, adduction=-1, knee=6 + 46 * lift)
            out = -mirrored(side)
            arm[side] = Arm((0.18 * out, -1, 0.02 - 0.35 * ahead), (0.14 * out, -1, 0.25 - 0.35 * ahead))
        pose = Pose(np.array([x, _HIP_M, z]), turn_y(turned), legs, (3, 0, 4 * stride * fade), (5, 0, 0), arm)
        return pose.moved(np.array([0, -posture.lowest_m(pose), 0]))


def blended(rig: Rig, a: Pose, b: Pose, weight: float) -> Pose:
    """Return the pose between a (weight 0) and b (weight 1)."""

    def mix(x: np.ndarray | tuple[float, ...], y: np.ndarray | tuple[float, ...]) -> np.ndarray:
        return (1 - weight) * np.asarray(x, float) + weight * np.asarray(y, float)

    def turn(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return Slerp([0, 1], Rotation.from_matrix(np.stack([x, y])))(weight).as_matrix()

    legs, arm = {}, {}
    for side in "RL":
        la, lb = a.legs[side], b.legs[side]
        angles = {
            name: float((1 - weight) * getattr(la, name) + weight * getattr(lb, name))
            for name in ("flexion", "adduction", "rotation", "knee", "toes")
        }
        legs[side] = Leg(**angles, foot_axes=turn(rig.leg_frames(a, side).foot, rig.leg_frames(b, side).foot))
        ua, ub = a.arms[side], b.arms[side]
        arm[side] = Arm(tuple(mix(ua.upper, ub.upper)), tuple(mix(ua.fore, ub.fore)), float(mix((ua.roll,), (ub.roll,))[0]))
    return Pose(
        mix(a.pelvis_m, b.pelvis_m),
        turn(a.pelvis_turn, b.pelvis_turn),
        legs,
        tuple(mix(a.spine_deg, b.spine_deg)),
        tuple(mix(a.neck_deg, b.neck_deg)),
        arm,
        float(mix((a.hand_curl_deg,), (b.hand_curl_deg,))[0]),
    )
