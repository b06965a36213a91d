"""Lying on the side (movements 15, 16, 19, 20, and coarse versions of the two stretches Z1 and Z2)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from training.movement import smooth_step

from ..camera import View
from ..posing import PELVIS, Arm, Leg, Pose, hip_angles_deg, mirrored, other, turn_x, turn_y, turn_z
from ..scene import Scene
from .base import MAT_TOP_M, Posture, Scenario

_HEAD_SINKS_M = 0.02


class OnTheSide(Posture):
    """On one side on a mat, head away from the camera; `top` and `bottom` are the two legs.

    Options: leg (top or bottom: which one moves), roll_back_deg (how far the pelvis is rolled backward).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {"leg": "top", "roll_back_deg": 0.0}
    on_floor = True
    both_legs = False

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.top = self.side if self.options["leg"] == "top" else self.still
        self.bottom = other(self.top)
        self.up_sign = mirrored(self.bottom)  # 1: lying on the right side, facing the viewer's left
        self.side_bend_deg = -7.0 * self.up_sign  # keeps the bottom shoulder on the mat instead of in it
        self.roll_back_deg = self.options["roll_back_deg"]

    def pelvis(self, roll_back_deg: float) -> np.ndarray:
        """Return the turn of the pelvis: head away from the camera, bottom side down, its front rolled back to the ceiling."""
        return turn_z(self.up_sign * (90 - roll_back_deg)) @ turn_x(-90)

    def lie_down(self, top_leg: Leg, bottom_leg: Leg) -> None:
        """Set the neutral pose."""
        down = -self.up_sign  # direction along the trunk's x to the floor
        pose = Pose(
            pelvis_m=np.array([0, 1.0, 0]),
            pelvis_turn=self.pelvis(self.roll_back_deg),
            legs={self.top: top_leg, self.bottom: bottom_leg},
            spine_deg=(3, self.side_bend_deg, 0),
            neck_deg=(4, -0.7 * self.side_bend_deg, 0),
            arms={
                self.bottom: Arm((down * 0.10, 0.75, 1.0), (down * 0.16, 1.0, -0.25)),
                self.top: Arm((down * 0.30, -0.75, 0.75), (down * 0.85, 0.45, 0.35)),
            },
            hand_curl_deg=15,
        )
        self.neutral = self.laid_on(pose, MAT_TOP_M, (-0.25, 0.25, -0.25, 0.12), percentile=0.3)
        self._lay_down_bottom_leg()

    def _lay_down_bottom_leg(self) -> None:
        """Abduct or adduct the bottom leg until its lowest point touches the mat."""
        low, high = -25.0, 25.0
        leg = self.neutral.legs[self.bottom]
        for _ in range(12):
            middle = 0.5 * (low + high)
            trial = self.neutral.with_leg(self.bottom, replace(leg, adduction=middle))
            frames, points = self.rig.leg_frames(trial, self.bottom), self.surface(trial)
            near = np.zeros(len(points), bool)
            for joint in ("knee", "ankle", "ball"):
                near |= np.linalg.norm(points - frames[joint], axis=1) < 0.13
            if points[near, 1].min() < MAT_TOP_M:
                low = middle  # too deep: towards the top leg
            else:
                high = middle
        self.neutral = self.neutral.with_leg(self.bottom, replace(leg, adduction=0.5 * (low + high)))

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place; the pelvis rolls back as the leg turns out, the usual cheat."""
        sways, roll_back = self.sways, -float(self.along["pelvis", self.side][i])
        lean = self.mirrored_sum("trunk", i)
        return replace(
            self.neutral,
            pelvis_turn=self.pelvis(self.roll_back_deg + roll_back + 0.5 * sways["twist"][i]),
            spine_deg=(
                3 + 0.5 * sways["lean"][i],
                self.side_bend_deg + 0.4 * sways["side"][i] + lean,
                -self.up_sign * 0.6 * roll_back,
            ),
            neck_deg=(4 + 0.8 * sways["head"][i], self.neutral.neck_deg[1], sways["headtw"][i]),
        )

    def furnish(self, scene: Scene) -> None:
        """Put a mat and a pillow into the scene."""
        scene.mat(-0.2, 2.2, 0.9)
        body = self.rig.body
        bone = body.shape.skeleton["head"]
        place = self.rig.transforms(self.neutral)[bone]
        head = place[:3, :3] @ body.shape.heads_m[bone] + place[:3, 3]
        points = self.surface(self.neutral)
        near = np.linalg.norm(points - (head - [0, 0, 0.08]), axis=1) < 0.12
        height_m = max(0.03, points[near, 1].min() - MAT_TOP_M + _HEAD_SINKS_M)
        scene.pillow((head[0], MAT_TOP_M + height_m / 2, head[2] - 0.08), height_m)


class SidelyingAbducted(OnTheSide):
    """Top leg raised and straight: toes turn up to the head side (external) or to the floor (internal).

    Options: as all on the side, and raise_deg, view (oblique: foot end, raised, 30 deg round to the belly; foot_end; belly: 70
    deg round). Seen from just the foot end, the legs hide the trunk.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {**OnTheSide.OPTIONS, "raise_deg": 40.0, "view": "oblique"}
    VIEWS_DEG: ClassVar[Mapping[str, float]] = {"oblique": 30, "foot_end": 0, "belly": 70}
    pointer = "foot"

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        orbit_deg = -self.up_sign * self.VIEWS_DEG[self.options["view"]]
        self.camera = View((0, 1.75, 2.8), (0, 0.40, 0.05), 44, orbit_deg)
        raised = Leg(adduction=-self.options["raise_deg"], knee=3, ankle=2)
        self.lie_down(raised, Leg(flexion=22, knee=35, ankle=-8))

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        leg = self.turned(self.side, i)
        flexion, adduction = leg.flexion + 0.8 * self.sways["leg" + self.side][i], leg.adduction + self.sways["px"][i]
        return pose.with_leg(self.side, replace(leg, flexion=flexion, adduction=adduction))


class SidelyingStrength(OnTheSide):
    """Straight on the side, one knee bent 90 deg backward: the foot lifts. Top leg is internal, bottom leg external."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        bent = Leg(knee=90)
        if self.side == self.top:
            self.camera = View((0, 1.35, 2.9), (0, 0.26, 0), 40)
            self.lie_down(replace(bent, adduction=4), Leg(flexion=4, knee=4, ankle=-10))
        else:
            self.camera = View((0, 1.75, 2.8), (0, 0.26, 0), 40)
            self.lie_down(Leg(flexion=58, adduction=16, knee=70, ankle=-6, rotation=4), bent)

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        leg = self.turned(self.side, i)
        flexion, knee = leg.flexion + 0.8 * self.sways["leg" + self.side][i], leg.knee + 1.5 * self.sways["px"][i]
        return pose.with_leg(self.side, replace(leg, flexion=flexion, knee=knee))


class PelvisRollOnFixedLeg(OnTheSide):
    """Common to the two stretches, coarse: the bottom leg stays on the floor, the pelvis rolls forward over it.

    Here the course is the roll of the pelvis (top hip to the floor is positive); the angles of the bottom hip follow from pelvis
    and femur. Options: belly_view_deg (how far round to the belly the camera stands).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {**OnTheSide.OPTIONS, "leg": "bottom", "belly_view_deg": 55.0}
    peaks_are = "pelvis roll"
    view = View((0, 1.5, 2.7), (0, 0.25, 0.05), 46)
    heel_lift_deg = 0.0
    """How far the bottom shin turns up once the pelvis has rolled by 10 deg."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.camera = replace(self.view, orbit_deg=-self.up_sign * self.options["belly_view_deg"])
        self.lie_down(*self.top_and_bottom())
        frames = self.rig.leg_frames(self.neutral, self.bottom)
        self.femur, self.hip_m = frames.femur, frames["hip"]
        self.roll_deg = self.course.angle_deg(self.course.moving[0], self.t_s)
        self.rotation_deg[self.bottom] = np.array([self._bottom_hip_deg(float(roll))[2] for roll in self.roll_deg])

    @abstractmethod
    def top_and_bottom(self) -> tuple[Leg, Leg]:
        """Return both legs at the start."""

    def _bottom_hip_deg(self, roll_deg: float) -> tuple[float, float, float]:
        lift_deg = self.heel_lift_deg * float(smooth_step(roll_deg / 10))
        femur = self.femur @ turn_y(-mirrored(self.bottom) * lift_deg)
        return hip_angles_deg(self.pelvis(self.roll_back_deg - roll_deg) @ PELVIS, femur, self.bottom)

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the pelvis rolled over the fixed leg."""
        roll_deg = float(self.roll_deg[i])
        turn = self.pelvis(self.roll_back_deg - roll_deg)
        hip = self.rig.rest[self.bottom]["hip"] - self.rig.middle_m
        pose = replace(pose, pelvis_turn=turn, pelvis_m=self.hip_m - turn @ hip)
        flexion, adduction, rotation = self._bottom_hip_deg(roll_deg)
        bottom = replace(self.neutral.legs[self.bottom], flexion=flexion, adduction=adduction, rotation=rotation)
        top = self.neutral.legs[self.top]
        top = replace(top, flexion=top.flexion - 0.3 * roll_deg, adduction=top.adduction - 0.4 * roll_deg)
        return pose.with_leg(self.bottom, bottom).with_leg(self.top, top)


class ZstConfidence(PelvisRollOnFixedLeg):
    """Hip flexed, the top foot presses the bottom heel down; then the top hip rolls to the floor, the heel comes up a little."""

    heel_lift_deg = 6.0

    def top_and_bottom(self) -> tuple[Leg, Leg]:
        """Return both legs at the start."""
        return Leg(flexion=52, adduction=16, knee=72, ankle=-8, rotation=-4), Leg(flexion=62, knee=84)


class ZstFulfillment(PelvisRollOnFixedLeg):
    """Bottom hip turned out, knee 90; the straight top leg on its shin presses it forward; the top hip rolls down."""

    view = View((0, 1.5, 2.8), (0, 0.25, 0.1), 46)
    heel_lift_deg = 3.0

    def top_and_bottom(self) -> tuple[Leg, Leg]:
        """Return both legs at the start."""
        return Leg(flexion=20, adduction=9, knee=3, ankle=-12), Leg(flexion=68, knee=90, rotation=-8)
