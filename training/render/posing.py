"""Poses a body by the angles of its joints; the truth follows from the same angles.

Pelvis and femur have the axes that the International Society of Biomechanics recommends (x forward, y up, z to the person's
right), and the hip is the sequence of Grood and Suntay: flexion about z, adduction about x, rotation about the long axis y,

    femur = pelvis * Rz(flexion) * Rx(adduction) * Ry(internal rotation)        (the last two mirrored for the left leg).

The long axis runs from the centre of the hip to that of the knee; rotation is zero when the knee bends about the pelvis' sideways
axis. Sides are "R" and "L", the person's own; left legs mirror formulas written for right ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .dress import TWIST_BONES, Body
from .shape import SKIN_VERTICES

SIDES = ("R", "L")
PELVIS = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])
"""Axes of the pelvis at rest: columns forward (+z), up (+y), right (-x)."""
FIRST_TWIST = 0.15
"""Share of the rotation that the skin at the hip already makes."""
_SPINE = (("spine05", 0.2), ("spine04", 0.25), ("spine03", 0.2), ("spine02", 0.2), ("spine01", 0.15))
_NECK = (("neck01", 0.25), ("neck02", 0.25), ("neck03", 0.2), ("head", 0.3))
_UPPER_ARM_ROLL = 0.4
_SOLE_BELOW_M = 0.045

Vector = tuple[float, float, float]


# ---------------------------------------------------------------------- turning


def turn_x(deg: float) -> np.ndarray:
    """Return the rotation about x."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(deg: float) -> np.ndarray:
    """Return the rotation about y."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(deg: float) -> np.ndarray:
    """Return the rotation about z."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def turn_about(axis: Sequence[float] | np.ndarray, deg: float) -> np.ndarray:
    """Return the rotation about an axis of any length."""
    k = _cross(np.asarray(axis, float) / np.linalg.norm(axis))
    return np.eye(3) + np.sin(np.radians(deg)) * k + (1 - np.cos(np.radians(deg))) * k @ k


def turn_onto(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return the shortest rotation that takes one direction onto another."""
    a, b = start / np.linalg.norm(start), goal / np.linalg.norm(goal)
    cosine = float(a @ b)
    if cosine < -0.999999:
        square = np.cross(a, [1, 0, 0.1])
        square /= np.linalg.norm(square)
        return 2 * np.outer(square, square) - np.eye(3)
    k = _cross(np.cross(a, b))
    return np.eye(3) + k + k @ k / (1 + cosine)


def _cross(v: np.ndarray) -> np.ndarray:
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def rigid(turn: np.ndarray, rest_m: np.ndarray, posed_m: np.ndarray) -> np.ndarray:
    """Return the rigid map, shape (4, 4), that turns and takes one point to another."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = posed_m - turn @ rest_m
    return matrix


def mirrored(side: str) -> int:
    """Return 1 for the right leg and -1 for the left: mirrors a formula written for the right leg."""
    return 1 if side == "R" else -1


def other(side: str) -> str:
    """Return the other side."""
    return "L" if side == "R" else "R"


# ---------------------------------------------------------------------- poses


@dataclass(frozen=True)
class Leg:
    """The angles of one leg, deg.

    Parameters
    ----------
    flexion, adduction, rotation : float
        Of the hip; internal rotation is positive.
    knee : float
        Flexion.
    ankle : float
        Dorsiflexion, positive up.
    torsion : float
        How far the foot points outward from the shank.
    inversion : float
        Inner border of the foot up.
    toes : float
        Toes bent up against the foot, as when the heel is raised.
    foot_axes : numpy.ndarray, shape (3, 3), optional
        World axes of the foot (forward, up, right) instead of ankle, torsion and inversion.
    """

    flexion: float = 0.0
    adduction: float = 0.0
    rotation: float = 0.0
    knee: float = 0.0
    ankle: float = 0.0
    torsion: float = 6.0
    inversion: float = 0.0
    toes: float = 0.0
    foot_axes: np.ndarray | None = None


@dataclass(frozen=True)
class Arm:
    """One arm.

    Parameters
    ----------
    upper, fore : tuple of float
        Directions of upper arm and forearm in the axes of the trunk (left, up, forward).
    roll : float
        Turn about the upper arm, deg.
    """

    upper: Vector = (0.15, -1.0, 0.05)
    fore: Vector = (0.1, -1.0, 0.15)
    roll: float = 0.0

    def mirrored(self) -> Arm:
        """Return the same for the other arm."""
        flip = [(-d[0], d[1], d[2]) for d in (self.upper, self.fore)]
        return Arm(flip[0], flip[1], self.roll)


def arms(left: Arm) -> dict[str, Arm]:
    """Return two arms that mirror each other, from the left one."""
    return {"R": left.mirrored(), "L": left}


@dataclass(frozen=True)
class Pose:
    """A pose of the whole body.

    Parameters
    ----------
    pelvis_m : numpy.ndarray, shape (3,)
        Middle between the centres of the hips.
    pelvis_turn : numpy.ndarray, shape (3, 3)
        Rotation of the pelvis from rest.
    legs : mapping of str to Leg
        R and L.
    spine_deg, neck_deg : tuple of float
        Forward, sideways and axial bend.
    arms : mapping of str to Arm
        R and L.
    hand_curl_deg : float
        Bend of the finger joints.
    """

    pelvis_m: np.ndarray = field(default_factory=lambda: np.zeros(3))
    pelvis_turn: np.ndarray = field(default_factory=lambda: np.eye(3))
    legs: Mapping[str, Leg] = field(default_factory=lambda: {"R": Leg(), "L": Leg()})
    spine_deg: Vector = (0.0, 0.0, 0.0)
    neck_deg: Vector = (0.0, 0.0, 0.0)
    arms: Mapping[str, Arm] = field(default_factory=lambda: arms(Arm()))
    hand_curl_deg: float = 25.0

    def with_leg(self, side: str, leg: Leg) -> Pose:
        """Return the pose with another leg."""
        return replace(self, legs={**self.legs, side: leg})

    def moved(self, by_m: np.ndarray) -> Pose:
        """Return the pose somewhere else."""
        return replace(self, pelvis_m=self.pelvis_m + by_m)


@dataclass(frozen=True)
class LegFrames:
    """Where a posed leg is in the world: axes as columns (forward, up, right), points in metres.

    Parameters
    ----------
    pelvis, before_rotation, femur, shank, foot, toes : numpy.ndarray, shape (3, 3)
        Axes; `before_rotation` are those of the femur without its rotation, `toes` is the turn of the toes from rest.
    points_m : mapping of str to numpy.ndarray
        hip, knee, ankle, heel, ball, toe.
    """

    pelvis: np.ndarray
    before_rotation: np.ndarray
    femur: np.ndarray
    shank: np.ndarray
    foot: np.ndarray
    toes: np.ndarray
    points_m: Mapping[str, np.ndarray]

    def __getitem__(self, point: str) -> np.ndarray:
        return self.points_m[point]

    def hip_angles_deg(self, side: str) -> tuple[float, float, float]:
        """Return flexion, adduction and internal rotation of the hip."""
        return hip_angles_deg(self.pelvis, self.femur, side)


def hip_angles_deg(pelvis: np.ndarray, femur: np.ndarray, side: str) -> tuple[float, float, float]:
    """Return flexion, adduction and internal rotation of a femur in a pelvis (Grood and Suntay)."""
    relative, sign = pelvis.T @ femur, mirrored(side)
    adduction = np.degrees(np.arcsin(np.clip(relative[2, 1], -1, 1)))
    flexion = np.degrees(np.arctan2(-relative[0, 1], relative[1, 1]))
    rotation = np.degrees(np.arctan2(-relative[2, 0], relative[2, 2]))
    return float(flexion), float(sign * adduction), float(sign * rotation)


# ---------------------------------------------------------------------- a body's joints


@dataclass(frozen=True)
class RestLeg:
    """A leg of the body at rest: points, m, and axes of femur, shank and foot."""

    points_m: Mapping[str, np.ndarray]
    femur: np.ndarray
    shank: np.ndarray
    foot: np.ndarray

    def __getitem__(self, point: str) -> np.ndarray:
        return self.points_m[point]

    def length_m(self, a: str, b: str) -> float:
        """Return the distance of two points."""
        return float(np.linalg.norm(self.points_m[a] - self.points_m[b]))


class Rig:
    """Poses one body.

    Parameters
    ----------
    body : Body
        Whom.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.rest = {side: _rest_leg(body, side) for side in SIDES}
        self.middle_m = 0.5 * (self.rest["R"]["hip"] + self.rest["L"]["hip"])
        self.sole_m = body.sole_m
        self._order = _breadth_first(body.shape.skeleton.parents)
        self._below_hip = {side: self._descendants(f"upperleg01.{side}") for side in SIDES}

    def _descendants(self, label: str) -> list[int]:
        bones = self.body.shape.skeleton
        found = [bones[label]]
        for bone in self._order:
            if bones.parents[bone] in found:
                found.append(bone)
        return found

    def leg_frames(self, pose: Pose, side: str, leg: Leg | None = None) -> LegFrames:
        """Return where a leg of a pose is, or where another leg would be in its place."""
        rest, leg, sign = self.rest[side], leg or pose.legs[side], mirrored(side)
        pelvis = pose.pelvis_turn @ PELVIS
        hip = pose.pelvis_m + pose.pelvis_turn @ (rest["hip"] - self.middle_m)
        base = pelvis @ turn_z(leg.flexion) @ turn_x(sign * leg.adduction)
        femur = base @ turn_y(sign * leg.rotation)
        knee = hip - femur[:, 1] * rest.length_m("hip", "knee")
        shank = femur @ turn_z(-leg.knee)
        ankle = knee - shank[:, 1] * rest.length_m("knee", "ankle")
        foot = leg.foot_axes
        if foot is None:
            foot = shank @ turn_y(-sign * leg.torsion) @ turn_x(-sign * leg.inversion) @ turn_z(leg.ankle)
        turned = foot @ rest.foot.T
        heel, ball = (ankle + turned @ (rest[point] - rest["ankle"]) for point in ("heel", "ball"))
        toes = foot @ turn_z(leg.toes) @ rest.foot.T
        toe = ball + toes @ (rest["toe"] - rest["ball"])
        points = {"hip": hip, "knee": knee, "ankle": ankle, "heel": heel, "ball": ball, "toe": toe}
        return LegFrames(pelvis, base, femur, shank, foot, toes, points)

    def transforms(self, pose: Pose) -> np.ndarray:
        """Return the rest-to-posed transforms of all bones, shape (b, 4, 4)."""
        bones, heads = self.body.shape.skeleton, self.body.shape.heads_m
        posed = np.tile(np.eye(4), (self.body.bones, 1, 1))
        bends, arm_bones = self._bends(pose), self._arm_bones(pose)
        root = rigid(pose.pelvis_turn, self.middle_m, pose.pelvis_m)
        for bone in self._order:
            parent = root if bones.parents[bone] < 0 else posed[bones.parents[bone]]
            if bone in arm_bones:
                trunk = posed[bones.parents[bones[f"upperarm01.{bones.labels[bone][-1]}"]]]
                joint = parent[:3, :3] @ heads[bone] + parent[:3, 3]
                posed[bone] = rigid(trunk[:3, :3] @ arm_bones[bone], heads[bone], joint)
            elif bone in bends:
                posed[bone] = parent @ rigid(bends[bone], heads[bone], heads[bone])
            else:
                posed[bone] = parent
        for side in SIDES:
            self._pose_leg(posed, pose, side)
        return posed

    def surface(self, pose: Pose, *, barefoot: bool = False) -> np.ndarray:
        """Return the posed vertices of skin and clothes without hair, and without shoes if barefoot."""
        bones = self.transforms(pose)
        meshes = [m for m in self.body.meshes if m.kind != "hair" and not (barefoot and m.name.startswith("shoes"))]
        return np.concatenate([m.posed(bones)[m.used] for m in meshes])

    def _bends(self, pose: Pose) -> dict[int, np.ndarray]:
        """Return the turns of bones against their parents: spine, neck, fingers, shoulders."""
        bones, heads = self.body.shape.skeleton, self.body.shape.heads_m
        bends = {}
        for angles, chain in ((pose.spine_deg, _SPINE), (pose.neck_deg, _NECK)):
            for label, share in chain:
                forward, aside, axial = (share * angle for angle in angles)
                bends[bones[label]] = turn_x(forward) @ turn_z(aside) @ turn_y(axial)
        for side in SIDES:
            knuckles = heads[bones[f"finger5-1.{side}"]] - heads[bones[f"finger2-1.{side}"]]
            for finger in range(2, 6):
                for joint, share in ((1, 0.6), (2, 1.0), (3, 1.0)):
                    bends[bones[f"finger{finger}-{joint}.{side}"]] = turn_about(knuckles, -share * pose.hand_curl_deg)
            arm, shoulder = pose.arms[side], bones[f"upperarm01.{side}"]
            upper = np.asarray(arm.upper, float)
            lifted = turn_onto(heads[bones[f"lowerarm01.{side}"]] - heads[shoulder], upper)
            bends[shoulder] = turn_about(upper, _UPPER_ARM_ROLL * arm.roll * mirrored(side)) @ lifted
        return bends

    def _arm_bones(self, pose: Pose) -> dict[int, np.ndarray]:
        """Return the turns of the other arm bones against the trunk."""
        bones, heads = self.body.shape.skeleton, self.body.shape.heads_m
        turns = {}
        for side in SIDES:
            arm = pose.arms[side]
            shoulder, elbow, wrist = (heads[bones[f"{b}.{side}"]] for b in ("upperarm01", "lowerarm01", "wrist"))
            upper = np.asarray(arm.upper, float)
            rolled = turn_about(upper, arm.roll * mirrored(side)) @ turn_onto(elbow - shoulder, upper)
            fore = turn_onto(rolled @ (wrist - elbow), np.asarray(arm.fore, float)) @ rolled
            turns[bones[f"upperarm02.{side}"]] = rolled
            turns[bones[f"lowerarm01.{side}"]] = turns[bones[f"lowerarm02.{side}"]] = fore
        return turns

    def _pose_leg(self, posed: np.ndarray, pose: Pose, side: str) -> None:
        frames, rest = self.leg_frames(pose, side), self.rest[side]
        rotation = mirrored(side) * pose.legs[side].rotation
        for k, bone in enumerate(self.body.twist_bones(side)):
            share = FIRST_TWIST + (1 - FIRST_TWIST) * k / (TWIST_BONES - 1)
            posed[bone] = rigid(frames.before_rotation @ turn_y(rotation * share) @ rest.femur.T, rest["hip"], frames["hip"])
        parts = {
            "upperleg": rigid(frames.femur @ rest.femur.T, rest["hip"], frames["hip"]),
            "lowerleg": rigid(frames.shank @ rest.shank.T, rest["knee"], frames["knee"]),
            "foot": rigid(frames.foot @ rest.foot.T, rest["ankle"], frames["ankle"]),
            "toe": rigid(frames.toes, rest["ball"], frames["ball"]),
        }
        labels = self.body.shape.skeleton.labels
        for bone in self._below_hip[side]:
            part = next((part for part in parts if labels[bone].startswith(part)), None)
            if part is not None:
                posed[bone] = parts[part]

    def solve(
        self,
        pose: Pose,
        side: str,
        goal_m: np.ndarray,
        point: str,
        *,
        rotation_deg: float | None = None,
        start: Sequence[float] | None = None,
        free: Sequence[str] = ("flexion", "adduction", "knee"),
        bounds: Sequence[tuple[float, float]] | None = None,
    ) -> tuple[Leg, float]:
        """Return the leg whose point lies at a goal, by Gauss-Newton, and how far it misses, m.

        Parameters
        ----------
        pose : Pose
            Pelvis, and the leg that is changed.
        side, goal_m, point
            Which point of which leg is to lie where.
        rotation_deg : float, optional
            Rotation of the hip, kept; by default that of the pose.
        start : sequence of float, optional
            Where the search begins; by default at the pose.
        free, bounds
            The angles that may change, and within which limits.
        """
        leg = pose.legs[side] if rotation_deg is None else replace(pose.legs[side], rotation=rotation_deg)
        angles = np.array([getattr(leg, name) for name in free] if start is None else start, float)

        def bent(values: np.ndarray) -> Leg:
            changed: dict[str, Any] = {name: float(value) for name, value in zip(free, values, strict=True)}
            return replace(leg, **changed)

        def miss(values: np.ndarray) -> np.ndarray:
            return self.leg_frames(pose, side, bent(values))[point] - goal_m

        angles = _gauss_newton(miss, angles, bounds)
        return bent(angles), float(np.linalg.norm(miss(angles)))


def _gauss_newton(
    miss: Callable[[np.ndarray], np.ndarray], start: np.ndarray, bounds: Sequence[tuple[float, float]] | None
) -> np.ndarray:
    """Return angles, deg, at which a miss is least; no step is longer than 5 deg."""
    x, small = start, 0.01
    for _ in range(30):
        off = miss(x)
        if np.linalg.norm(off) < 1e-6:
            break
        slopes = np.stack([(miss(x + step) - off) / small for step in small * np.eye(len(x))], 1)
        step = np.linalg.solve(slopes.T @ slopes + 1e-9 * np.eye(len(x)), -slopes.T @ off)
        x = x + np.clip(step, -5, 5)
        if bounds:
            x = np.clip(x, *zip(*bounds, strict=True))
    return x


def _breadth_first(parents: Sequence[int]) -> list[int]:
    order = [bone for bone, parent in enumerate(parents) if parent < 0]
    for bone in order:
        order += [child for child, parent in enumerate(parents) if parent == bone]
    return order


def _rest_leg(body: Body, side: str) -> RestLeg:
    bones, heads, tails = body.shape.skeleton, body.shape.heads_m, body.shape.tails_m
    vertices = body.shape.vertices_m[:SKIN_VERTICES]
    hip, knee, ankle = (heads[bones[f"{b}.{side}"]] for b in ("upperleg01", "lowerleg01", "foot"))
    second, third = (tails[bones[f"toe{t}-3.{side}"]] for t in (2, 3))
    toe = 0.5 * (tails[bones[f"toe1-2.{side}"]] + second)
    ball = 0.5 * (heads[bones[f"toe1-1.{side}"]] + heads[bones[f"toe2-1.{side}"]])
    sole = vertices[(vertices[:, 1] < _SOLE_BELOW_M) & ((vertices[:, 0] < 0) == (side == "R"))]
    heel = sole[np.argsort(sole[:, 2])[:6]].mean(0)
    forward = 0.5 * second + 0.5 * third - heel
    forward[1] = 0
    forward /= np.linalg.norm(forward)
    up = np.array([0, 1.0, 0])
    foot = np.stack([forward, up, np.cross(forward, up)], 1)
    points = {"hip": hip, "knee": knee, "ankle": ankle, "heel": heel, "ball": ball, "toe": toe}
    return RestLeg(points, _upright_axes(hip - knee), _upright_axes(knee - ankle), foot)


def _upright_axes(up: np.ndarray) -> np.ndarray:
    """Return axes whose y is `up` and whose z is as far to the right as that allows."""
    y = up / np.linalg.norm(up)
    z = PELVIS[:, 2] - (PELVIS[:, 2] @ y) * y
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], 1)
