"""What every posture shares: the legs' rotation at each frame, small natural sway, laying a body on the floor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from training.movement import Course, wander

from ..camera import View
from ..posing import Arm, Leg, Pose, Rig, mirrored, other
from ..scene import Scene

MAT_TOP_M = 0.012
"""Height of the upper face of the exercise mat."""
_CHANNELS = ("lean", "side", "twist", "px", "pz", "head", "headtw", "legL", "legR")
_NAMES = {"R": "right", "L": "left"}


@dataclass(frozen=True)
class Scenario:
    """What a posture is made of.

    Parameters
    ----------
    rig : Rig
        Who does it.
    course : Course
        How the legs turn.
    t_s : numpy.ndarray, shape (n,)
        Moments of the frames.
    options : mapping
        Options of the posture that differ from its own `OPTIONS`.
    seed : int
        Chooses the sway.
    sway : float
        Scale of the sway of the body.
    """

    rig: Rig
    course: Course
    t_s: np.ndarray
    options: Mapping[str, Any]
    seed: int = 0
    sway: float = 1.0


class Posture(ABC):
    """One way to sit, lie or stand while the legs turn.

    Subclasses set `neutral` when they are made, and give the `trunk` and the `legs` of every frame. After `pose`, `missed_m` says
    how far points that are tied to the floor are from where they should be.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {}
    camera: View = View((0, 1.0, 2.6), (0, 0.75, 0), 62)
    pointer = "shank"
    """What shows the rotation on screen: shank (knee bent) or foot (knee straight)."""
    on_floor = False
    both_legs = True
    """Whether both legs can move in one clip."""
    idle_rotation_deg = 0.0
    """Resting angle of a leg that does not move."""
    peaks_are = "hip rotation"
    neutral: Pose

    def __init__(self, scenario: Scenario) -> None:
        unknown = set(scenario.options) - set(self.OPTIONS)
        if unknown:
            raise ValueError(f"{type(self).__name__} has no options {sorted(unknown)}, only {sorted(self.OPTIONS)}")
        self.rig, self.course, self.t_s = scenario.rig, scenario.course, scenario.t_s
        self.options = {**self.OPTIONS, **scenario.options}
        self.moving = tuple(name[0].upper() for name in self.course.moving)
        self.side, self.still = self.moving[0], other(self.moving[0])
        if len(self.moving) > 1 and not self.both_legs:
            raise ValueError(f"in {type(self).__name__} one leg moves")
        self.missed_m: tuple[float, ...] = ()
        self.sways = {c: wander(self.t_s, scenario.seed * 10 + k, scenario.sway) for k, c in enumerate(_CHANNELS)}
        restless = self.course.movement.fidget_deg
        arms = {s: wander(self.t_s, scenario.seed * 10 + 60 + (s == "R"), min(1.0, restless / 3), 0.21) for s in "RL"}
        self._restless_arms = arms if restless else {}
        self.rotation_deg = {s: self.course.angle_deg(_NAMES[s], self.t_s) for s in "RL"}
        if len(self.moving) == 1:
            self.rotation_deg[self.still] += self.idle_rotation_deg + 0.6 * self.sways["leg" + self.still]
        self.along = {
            (part, s): self.course.along_deg(part, _NAMES[s], self.t_s)
            for part in ("thigh", "knee", "ankle", "pelvis", "trunk")
            for s in "RL"
        }

    def __len__(self) -> int:
        return len(self.t_s)

    def pose(self, i: int) -> Pose:
        """Return the pose of frame i."""
        pose = self.legs(self.trunk(i), i)
        if self._restless_arms:
            pose = replace(pose, arms={s: _restless(pose.arms[s], self._restless_arms[s][i]) for s in "RL"})
        return pose

    @abstractmethod
    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place."""

    @abstractmethod
    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""

    def furnish(self, scene: Scene) -> None:  # noqa: B027  (most stand on the bare floor)
        """Put chair, mat and pillow into the scene."""

    # ------------------------------------------------------------------ for subclasses
    def turned(self, side: str, i: int, leg: Leg | None = None) -> Leg:
        """Return the neutral leg, turned, with what moves along with it."""
        leg = leg or self.neutral.legs[side]
        return replace(
            leg,
            rotation=float(self.rotation_deg[side][i]),
            adduction=leg.adduction - float(self.along["thigh", side][i]),
            knee=leg.knee + float(self.along["knee", side][i]),
            ankle=leg.ankle + float(self.along["ankle", side][i]),
        )

    def mirrored_sum(self, part: str, i: int) -> float:
        """Return how far pelvis or trunk go along with both legs in frame i; to the same side for a right leg turning in."""
        return float(sum(mirrored(s) * self.along[part, s][i] for s in "RL"))

    def sole_m(self) -> float:
        """Height of the sole of the body at rest."""
        return self.rig.sole_m

    def surface(self, pose: Pose, *, barefoot: bool = False) -> np.ndarray:
        """Return the vertices of the posed person without hair, and without shoes if barefoot."""
        return self.rig.surface(pose, barefoot=barefoot)

    def lowest_m(self, pose: Pose) -> float:
        """Return the height of the lowest point of a pose."""
        return float(self.surface(pose)[:, 1].min())

    def laid_on(self, pose: Pose, height_m: float, box_m: tuple[float, float, float, float], percentile: float = 0.5) -> Pose:
        """Return the pose raised or lowered so that its underside within a box (x from, to, z from, to) lies at a height."""
        points = self.surface(pose, barefoot=True)
        x0, x1, z0, z1 = box_m
        inside = (points[:, 0] > x0) & (points[:, 0] < x1) & (points[:, 2] > z0) & (points[:, 2] < z1)
        return pose.moved(np.array([0, height_m - np.percentile(points[inside, 1], percentile), 0]))


def _restless(arm: Arm, much: float) -> Arm:
    """Return an arm whose forearm wanders a little."""
    x, y, z = arm.fore
    return replace(arm, fore=(x + 0.12 * much, y + 0.25 * max(much, 0), z + 0.3 * much))
