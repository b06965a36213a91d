"""Sitting or lying on a mat, back or belly down (movements 6 to 8, 11 to 14, and the clinic's). Feet point to the camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from training.movement import smooth_step

from ..camera import View
from ..posing import PELVIS, Arm, Leg, Pose, arms, mirrored, other, turn_x, turn_y, turn_z
from ..scene import Scene
from .base import MAT_TOP_M, Posture, Scenario

FACE_UP = turn_x(-90)
"""Turn of the pelvis: on the back, head away from the camera."""
FACE_DOWN = np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
"""Turn of the pelvis: on the belly, head away from the camera."""
_HEEL_PAD_M = 0.018


class LongSit(Posture):
    """Sitting on the floor, legs straight to the camera: toes turn outward (external) or inward (internal).

    Options: heels_apart_deg (abduction of each leg), pelvis_tilt_deg, heel_stays (whether the heel stays on the mat while the
    knee bends).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {"heels_apart_deg": 8.0, "pelvis_tilt_deg": -20.0, "heel_stays": False}
    camera = View((0, 0.95, 2.75), (0, 0.38, 0.35), 58)
    pointer = "foot"
    on_floor = True
    idle_rotation_deg = -8.0

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.tilt_deg = self.options["pelvis_tilt_deg"]
        leg = Leg(flexion=90 + self.tilt_deg, adduction=-self.options["heels_apart_deg"], knee=4, ankle=-8, torsion=4)
        pose = Pose(
            pelvis_m=np.array([0, 1.0, 0]),
            pelvis_turn=turn_x(self.tilt_deg),
            legs={"R": leg, "L": leg},
            spine_deg=(4, 0, 0),
            neck_deg=(14, 0, 0),
            arms=arms(Arm((0.30, -1, -0.42), (0.16, -1, -0.30), -20)),
            hand_curl_deg=15,
        )
        self.neutral = self.laid_on(pose, MAT_TOP_M, (-0.25, 0.25, -0.2, 0.12))
        for side in "RL":
            self.neutral = self.neutral.with_leg(side, self._heel_on_mat(side))

    def _heel_on_mat(self, side: str) -> Leg:
        leg = self.neutral.legs[side]
        for _ in range(40):
            too_high_m = self.rig.leg_frames(self.neutral, side, leg)["heel"][1] - (MAT_TOP_M + _HEEL_PAD_M)
            leg = replace(leg, flexion=leg.flexion - 0.9 * float(np.degrees(too_high_m)))
        return leg

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place."""
        sways, turn, lean = self.sways, self.mirrored_sum("pelvis", i), self.mirrored_sum("trunk", i)
        return replace(
            self.neutral,
            pelvis_turn=turn_x(self.tilt_deg + 0.4 * sways["lean"][i]) @ turn_y(0.4 * sways["twist"][i] + turn),
            spine_deg=(4 + 0.8 * sways["lean"][i], 0.6 * sways["side"][i] + lean, -turn),
            neck_deg=(14 + 1.5 * sways["head"][i], 0, 2 * sways["headtw"][i]),
        )

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        for side in "RL":
            leg = self.turned(side, i)
            wobble = self.sways["leg" + side][i] if side in self.moving else 0.0
            raised_deg = 0.5 * float(self.along["knee", side][i]) if self.options["heel_stays"] else 0.0
            pose = pose.with_leg(side, replace(leg, flexion=leg.flexion + raised_deg, ankle=leg.ankle + wobble))
        return pose

    def furnish(self, scene: Scene) -> None:
        """Put a mat into the scene."""
        scene.mat(0.35, 2.0, 0.8)


class OnTheBack(Posture):
    """Face up on a mat, head away from the camera, arms beside the body."""

    on_floor = True

    def lie_down(self, right: Leg, left: Leg) -> None:
        """Set the neutral pose."""
        pose = Pose(
            pelvis_m=np.array([0, 1.0, 0]),
            pelvis_turn=FACE_UP,
            legs={"R": right, "L": left},
            spine_deg=(3, 0, 0),
            neck_deg=(8, 0, 0),
            arms=arms(Arm((0.5, -1, -0.10), (0.35, -1, -0.02), 0)),
            hand_curl_deg=15,
        )
        self.neutral = self.laid_on(pose, MAT_TOP_M, (-0.2, 0.2, -0.6, 0.1), percentile=1)

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place."""
        faulty_deg = self.options.get("roll_deg", 0.0) * mirrored(self.side) * float(self.rotation_deg[self.side][i]) / 30
        roll = turn_z(self.mirrored_sum("pelvis", i) + faulty_deg)
        return replace(
            self.neutral,
            neck_deg=(8 + self.sways["head"][i], 0, 3 * self.sways["headtw"][i]),
            pelvis_turn=roll @ turn_y(0.3 * self.sways["twist"][i]) @ self.neutral.pelvis_turn,
        )

    def furnish(self, scene: Scene) -> None:
        """Put a mat into the scene."""
        scene.mat(-0.35, 2.2, 0.8)


class Supine(OnTheBack):
    """Knees bent, feet planted on the mat: the knee drops in (internal) or out (external).

    Options: abduction_deg, foot_out_m (how much wider than the hip the foot stands).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {"abduction_deg": 5.0, "foot_out_m": 0.05}
    camera = View((0, 1.2, 2.35), (0, 0.24, 0), 48)

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        leg = Leg(flexion=52, adduction=-self.options["abduction_deg"], knee=95)
        self.lie_down(leg, leg)
        self.planted_m = {s: self._planted_m(s) for s in "RL"}
        self._last: dict[str, tuple[float, ...] | None] = {"R": None, "L": None}

    def _planted_m(self, side: str) -> np.ndarray:
        ankle = self.rig.leg_frames(self.neutral, side)["ankle"].copy()
        ankle[1] = self.rig.rest[side]["ankle"][1] - self.sole_m() + MAT_TOP_M
        ankle[0] -= mirrored(side) * self.options["foot_out_m"]
        return ankle

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        missed = []
        for side in "RL":
            sign, angle = mirrored(side), float(self.rotation_deg[side][i])
            roll = 0.25 * angle if side in self.moving else 0.0  # the sole rolls a little with the shin
            foot = turn_y(-sign * 8) @ PELVIS @ turn_x(sign * roll)
            pose = pose.with_leg(side, replace(self.neutral.legs[side], foot_axes=foot))
            leg, miss_m = self.rig.solve(
                pose,
                side,
                self.planted_m[side],
                "ankle",
                rotation_deg=angle,
                start=self._last[side],
                bounds=[(5, 100), (-60, 50), (30, 130)],
            )
            pose = pose.with_leg(side, leg)
            self._last[side] = (leg.flexion, leg.adduction, leg.knee)
            missed.append(miss_m)
        self.missed_m = tuple(missed)
        return pose


class SupineStraight(OnTheBack):
    """Legs to the ceiling, hips 90, knees straight: toes turn out (external) or in (internal).

    Options: view (raised: at the foot end, looking down about 45 deg; overhead), hip_flexion_deg, knee_deg (short of straight),
    heels_apart_deg (abduction), ankle_deg.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "view": "raised",
        "hip_flexion_deg": 88.0,
        "knee_deg": 4.0,
        "heels_apart_deg": 0.0,
        "ankle_deg": 4.0,
    }
    VIEWS: ClassVar[Mapping[str, View]] = {
        "raised": View((0, 2.45, 2.2), (0, 0.5, -0.1), 42),
        "overhead": View((0, 2.95, 0.1), (0, 0.5, -0.12), 56),
    }
    pointer = "foot"

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        o = self.options
        self.camera = self.VIEWS[o["view"]]
        leg = Leg(
            flexion=o["hip_flexion_deg"], adduction=-o["heels_apart_deg"], knee=o["knee_deg"], ankle=o["ankle_deg"], torsion=4
        )
        self.lie_down(leg, leg)

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        for side in "RL":
            leg = self.turned(side, i)
            leg = replace(
                leg,
                flexion=leg.flexion + 1.2 * self.sways["leg" + side][i],
                adduction=leg.adduction + 0.6 * self.sways["side"][i],
                ankle=leg.ankle + self.sways["leg" + other(side)][i],
            )
            pose = pose.with_leg(side, leg)
        return pose


class Supine9090(OnTheBack):
    """Hips and knees at 90 deg, shins level: the shins cross (external) or part (internal; movement 13 with lifted feet).

    While crossing, one shin is raised a little and the other lowered so that they pass; they take turns. If one leg moves, the
    other lies flat. Options: view (raised, overhead), hip_flexion_deg, knee_deg, cross_lift_deg (how far the shins part in
    height), heels_apart_deg (abduction), roll_deg (how far the pelvis rolls per 30 deg of the first leg: a fault; what legs that
    move alike take along cancels out).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "view": "raised",
        "hip_flexion_deg": 90.0,
        "knee_deg": 90.0,
        "cross_lift_deg": 9.0,
        "heels_apart_deg": 1.0,
        "roll_deg": 0.0,
    }
    VIEWS: ClassVar[Mapping[str, View]] = {
        "raised": View((0, 2.15, 2.35), (0, 0.4, -0.1), 48),
        "overhead": View((0, 2.95, 0.1), (0, 0.4, -0.12), 56),
    }

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        o = self.options
        self.camera = self.VIEWS[o["view"]]
        bent = Leg(flexion=o["hip_flexion_deg"], adduction=-o["heels_apart_deg"], knee=o["knee_deg"], ankle=-6)
        flat = Leg(flexion=-2, adduction=-5, knee=3, ankle=-12)
        legs = {s: bent if s in self.moving else flat for s in "RL"}
        self.lie_down(legs["R"], legs["L"])
        self.right_above = np.ones(len(self))  # -1: the left shin passes above the right one
        for rep in self.course.reps:
            if rep.cycle % 2:
                self.right_above[(self.t_s >= rep.start_s - 0.1) & (self.t_s <= rep.end_s + 0.1)] = -1

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        for side in "RL":
            leg = self.turned(side, i)
            if side in self.moving:
                raised = 0.0
                if len(self.moving) > 1:
                    crossing = float(smooth_step(-leg.rotation / 20)) * mirrored(side) * self.right_above[i]
                    raised = self.options["cross_lift_deg"] * crossing
                flexion = leg.flexion + 0.8 * self.sways["leg" + side][i] + 0.3 * raised
                leg = replace(leg, flexion=flexion, knee=leg.knee - raised)
            pose = pose.with_leg(side, leg)
        return pose


class Prone(OnTheBack):
    """On the belly, one knee (or both) at 90 deg, shank upright: foot out is internal, foot in external.

    Options: knee_deg.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {"knee_deg": 90.0}
    camera = View((0, 0.75, 3.0), (0, 0.32, 0), 40)

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        bent = Leg(flexion=-2, adduction=-3, knee=self.options["knee_deg"], ankle=-8)
        flat = Leg(flexion=-2, adduction=-5, knee=6, ankle=-32)
        pose = Pose(
            pelvis_m=np.array([0, 1.0, 0]),
            pelvis_turn=FACE_DOWN,
            legs={s: bent if s in self.moving else flat for s in "RL"},
            spine_deg=(2, 0, 0),
            neck_deg=(-14, 0, 25),
            arms=arms(Arm((0.35, -1, 0.02), (0.22, -1, 0.02), 0)),
            hand_curl_deg=15,
        )
        self.neutral = self.laid_on(pose, MAT_TOP_M, (-0.25, 0.25, -0.7, 0.45), percentile=1)

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place."""
        return replace(
            self.neutral,
            neck_deg=(-14 + self.sways["head"][i], 0, 25 + 2 * self.sways["headtw"][i]),
            pelvis_turn=turn_z(self.mirrored_sum("pelvis", i)) @ self.neutral.pelvis_turn,
        )

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        for side in "RL":
            leg = self.turned(side, i)
            if side in self.moving:
                knee = leg.knee + 1.2 * self.sways["px"][i]
                leg = replace(leg, knee=knee, adduction=leg.adduction + 0.5 * self.sways["leg" + side][i])
            pose = pose.with_leg(side, leg)
        return pose
