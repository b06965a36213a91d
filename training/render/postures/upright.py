"""On the feet: turning on the heel, turning on the toes, lunge (movements 1 to 5, 17, 18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ..camera import View
from ..posing import PELVIS, Arm, Leg, Pose, arms, mirrored, turn_x, turn_y, turn_z
from .base import Posture, Scenario

HANGING = arms(Arm((0.30, -1, -0.02), (0.16, -1, 0.25)))
ON_HIPS = arms(Arm((0.85, -0.75, -0.25), (-0.62, -0.62, 0.42), 40))
_HEEL_CLEARANCE_M, _BALL_CLEARANCE_M = 0.004, 0.003


class Standing(Posture):
    """Turning on the heel: weight on the other leg, the moving leg straight, its heel on the spot, toes lifted.

    Options: toe_lift_deg, hands_on_hips; faults per 30 deg: slide_m and lift_m (how far the pivot slides outward and lifts),
    other_slide_m (how far the other foot slides outward), sink_deg (how far the knee bends because the body sinks).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "toe_lift_deg": 16.0,
        "hands_on_hips": False,
        "slide_m": 0.0,
        "lift_m": 0.0,
        "other_slide_m": 0.0,
        "sink_deg": 0.0,
    }
    camera = View((0, 1.05, 3.0), (0, 0.86, 0), 58)
    pointer = "foot"
    both_legs = False
    toe_out_deg = 8.0
    """Direction of a foot at rest."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        posed = ON_HIPS if self.options["hands_on_hips"] else HANGING
        self.neutral = Pose(spine_deg=(2, 0, 0), neck_deg=(3, 0, 0), arms=posed, hand_curl_deg=30)
        self._last: dict[str, tuple[float, ...] | None] = {"R": None, "L": None}
        self.stance_m = self._plant_stance_leg()
        self.pivot_m = self._place_moving_leg()

    def _plant_stance_leg(self) -> np.ndarray:
        """Let the stance leg carry the body, and return where its ankle is."""
        pose = self.neutral.with_leg(self.still, Leg(flexion=5, adduction=-3, knee=8, ankle=3))
        ankle = self.rig.leg_frames(pose, self.still)["ankle"]
        height_m = self.rig.rest[self.still]["ankle"][1] - self.sole_m() - ankle[1]
        self.neutral = pose.moved(np.array([0, height_m, 0]))
        return self.rig.leg_frames(self.neutral, self.still)["ankle"]

    def _place_moving_leg(self) -> np.ndarray:
        """Put the heel as far forward as leaves the moving knee nearly straight (8 deg); return where it is."""
        heel_m = self.rig.rest[self.side]["heel"][1] - self.sole_m() + _HEEL_CLEARANCE_M
        tried = [Leg(flexion=f, adduction=-8, knee=8, ankle=self.options["toe_lift_deg"]) for f in np.arange(2, 45, 0.25)]
        heels = [self.rig.leg_frames(self.neutral, self.side, leg)["heel"] for leg in tried]
        best = int(np.argmin([abs(heel[1] - heel_m) for heel in heels]))
        self.neutral = self.neutral.with_leg(self.side, tried[best])
        return np.array([heels[best][0], heel_m, heels[best][2]])

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place; the pelvis turns along as the leg does."""
        sways, follow = self.sways, self.mirrored_sum("pelvis", i)
        return replace(
            self.neutral,
            pelvis_m=self.neutral.pelvis_m + np.array([0.006 * sways["px"][i], -self.sunk_m(i), 0.005 * sways["pz"][i]]),
            pelvis_turn=turn_y(0.8 * sways["twist"][i] + follow) @ turn_z(0.4 * sways["side"][i]),
            spine_deg=(
                2 + 0.8 * sways["lean"][i],
                0.6 * sways["side"][i] + self.mirrored_sum("trunk", i),
                0.5 * sways["twist"][i] - follow,
            ),
            neck_deg=(6 + 1.5 * sways["head"][i], 0, 2 * sways["headtw"][i]),
        )

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        pose, stance_miss_m = self.on_stance_leg(pose, i)
        angle = float(self.rotation_deg[self.side][i])
        pose, miss_m = self.tied(pose, self.side, self.pivot_m + self.pivot_fault_m(i), "heel", angle)
        self.missed_m = (stance_miss_m, miss_m)
        return pose

    def share(self, i: int) -> float:
        """Return how far the leg has turned in frame i, in 30 degrees: faults grow with it."""
        return abs(float(self.rotation_deg[self.side][i])) / 30

    def pivot_fault_m(self, i: int) -> np.ndarray:
        """Return how far the pivot has slid and lifted in frame i."""
        return self.share(i) * np.array([-mirrored(self.side) * self.options["slide_m"], self.options["lift_m"], 0])

    def sunk_m(self, i: int) -> float:
        """Return how far the body has sunk in frame i."""
        thigh_m, shank_m = (self.rig.rest[self.side].length_m(*ends) for ends in (("hip", "knee"), ("knee", "ankle")))
        bent = np.radians(self.neutral.legs[self.side].knee + np.array([0, self.share(i) * self.options["sink_deg"]]))
        long_m = np.sqrt(thigh_m**2 + shank_m**2 + 2 * thigh_m * shank_m * np.cos(bent))
        return float(long_m[0] - long_m[1])

    def on_stance_leg(self, pose: Pose, i: int = 0) -> tuple[Pose, float]:
        """Return the pose with the stance foot flat on its spot, or as far off it as in frame i."""
        flat = turn_y(-mirrored(self.still) * self.toe_out_deg) @ PELVIS
        pose = pose.with_leg(self.still, replace(self.neutral.legs[self.still], foot_axes=flat))
        aside_m = -mirrored(self.still) * self.share(i) * self.options["other_slide_m"]
        return self.tied(pose, self.still, self.stance_m + np.array([aside_m, 0, 0]), "ankle")

    def tied(
        self, pose: Pose, side: str, goal_m: np.ndarray, point: str, rotation_deg: float | None = None, most_knee_deg: float = 40
    ) -> tuple[Pose, float]:
        """Return the pose with a point of a leg on its spot, and how far it misses."""
        bounds = [(-20, 60), (-30, 25), (0, most_knee_deg)]
        start = self._last[side]
        leg, miss_m = self.rig.solve(pose, side, goal_m, point, rotation_deg=rotation_deg, start=start, bounds=bounds)
        self._last[side] = (leg.flexion, leg.adduction, leg.knee)
        return pose.with_leg(side, leg), miss_m


class FirstPosition(Standing):
    """Both legs turn on their heels at once, weight on both, knees straight, soles flat: dancers' first position is external.

    Options: hands_on_hips, toes_out_deg (where the feet point before they turn), heel_aside_m (from the middle to each heel);
    faults per 30 deg: sink_deg (how far both knees bend because the body sinks), turn_deg and lean_deg (how far the pelvis turns
    and the trunk leans, as with the leg named first in the movement; what goes along with both legs cancels out).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "hands_on_hips": False,
        "toes_out_deg": 3.0,
        "heel_aside_m": 0.045,
        "sink_deg": 0.0,
        "turn_deg": 0.0,
        "lean_deg": 0.0,
    }
    both_legs = True

    def _plant_stance_leg(self) -> np.ndarray:
        leg = Leg(flexion=4, adduction=4, knee=7, foot_axes=PELVIS)
        self.neutral = replace(self.neutral, legs={"R": leg, "L": leg})
        ankle = self.rig.leg_frames(self.neutral, self.still)["ankle"]
        self.neutral = self.neutral.moved(np.array([0, self.rig.rest[self.still]["ankle"][1] - self.sole_m() - ankle[1], 0]))
        return self.rig.leg_frames(self.neutral, self.still)["ankle"]

    def _place_moving_leg(self) -> np.ndarray:
        heel_m = self.rig.leg_frames(self.neutral, self.side)["heel"]
        self.heels_m = {s: np.array([-mirrored(s) * self.options["heel_aside_m"], heel_m[1], heel_m[2]]) for s in "RL"}
        for side in "RL":
            self.neutral = self.turned_out(self.neutral, side, 0.0)[0]
        return self.heels_m[self.side]

    def turned_out(self, pose: Pose, side: str, angle: float) -> tuple[Pose, float]:
        """Return the pose with a leg turned on its heel, and how far the heel misses its spot."""
        flat = turn_y(-mirrored(side) * (self.options["toes_out_deg"] - angle)) @ PELVIS
        pose = pose.with_leg(side, replace(self.neutral.legs[side], foot_axes=flat))
        return self.tied(pose, side, self.heels_m[side], "heel", angle)

    def mirrored_sum(self, part: str, i: int) -> float:
        """Return how far pelvis or trunk go along in frame i."""
        fault = {"pelvis": "turn_deg", "trunk": "lean_deg"}[part]
        along = mirrored(self.side) * self.options[fault] * float(self.rotation_deg[self.side][i]) / 30
        return super().mirrored_sum(part, i) + along

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        missed = []
        for side in "RL":
            pose, miss_m = self.turned_out(pose, side, float(self.rotation_deg[side][i]))
            missed.append(miss_m)
        self.missed_m = tuple(missed)
        return pose


class StandingToePivot(Standing):
    """Heel raised, the ball of the foot on its spot: heel forward and in is external, heel out internal.

    Options: as Standing, and heel_pitch_deg (how far the sole is raised at the heel), heel_drop_m (how far the heel sinks per 30
    deg: a fault).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {**Standing.OPTIONS, "heel_pitch_deg": 30.0, "heel_drop_m": 0.0}
    camera = View((0, 1.25, 2.9), (0, 0.78, 0), 56)

    def _place_moving_leg(self) -> np.ndarray:
        pivot_m = self.stance_m * [-1, 0, 1] + [-mirrored(self.side) * 0.03, 0, 0.10]
        pivot_m[1] = self.rig.rest[self.side]["ball"][1] - self.sole_m() + _BALL_CLEARANCE_M
        leg = Leg(flexion=20, adduction=-5, knee=25, toes=self.options["heel_pitch_deg"])
        self.neutral = self.neutral.with_leg(self.side, leg)
        return pivot_m

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        pose, stance_miss_m = self.on_stance_leg(pose, i)
        angle = float(self.rotation_deg[self.side][i])
        heading = turn_y(mirrored(self.side) * (angle - self.toe_out_deg))
        rest = self.rig.rest[self.side]
        raised_m = rest.length_m("heel", "ball") * np.sin(np.radians(self.options["heel_pitch_deg"]))
        raised_m -= self.share(i) * self.options["heel_drop_m"]
        pitch_deg = float(np.degrees(np.arcsin(np.clip(raised_m / rest.length_m("heel", "ball"), 0, 1))))
        foot = heading @ PELVIS @ turn_z(-pitch_deg)
        pose = pose.with_leg(self.side, replace(self.neutral.legs[self.side], foot_axes=foot))
        pivot_m = self.pivot_m + self.pivot_fault_m(i)
        pose, miss_m = self.tied(pose, self.side, pivot_m, "ball", angle, most_knee_deg=70)
        self.missed_m = (stance_miss_m, miss_m)
        return pose


class Lunge(Posture):
    """Lunge facing away from the camera, back leg straight: the foot rolls to its inner (external) or outer border (internal).

    The foot is fixed on the floor, so what is seen is the foot, not the range of the hip. Options: hip_extension_deg,
    pelvis_tilt_deg (forward); faults: slide_m (how far the ball slides outward per 30 deg), bends (whether the back knee bends by
    the movement's knee_deg).
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {"hip_extension_deg": 22.0, "pelvis_tilt_deg": 20.0, "slide_m": 0.0, "bends": False}
    camera = View((0, 1.15, 3.1), (0, 0.62, 0), 53)
    pointer = "foot"
    both_legs = False
    facing = turn_y(180)
    _TOES_DEG = 34.0

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.tilt_deg = self.options["pelvis_tilt_deg"]
        back = Leg(flexion=-self.options["hip_extension_deg"], adduction=-3, knee=3, ankle=4, toes=self._TOES_DEG)
        pose = Pose(
            pelvis_turn=self.facing @ turn_x(self.tilt_deg),
            legs={self.side: back, self.still: Leg(flexion=70, knee=70)},
            spine_deg=(-4, 0, 0),
            neck_deg=(2, 0, 0),
            arms=arms(Arm((0.75, -0.75, -0.15), (-0.6, -0.62, 0.35), 40)),
            hand_curl_deg=30,
        )
        self.ball_m = self.rig.rest[self.side]["ball"][1] - self.sole_m() + _BALL_CLEARANCE_M
        self.neutral = pose.moved(np.array([0, self.ball_m - self.rig.leg_frames(pose, self.side)["ball"][1], 0]))
        self.front_m = self._front_ankle_m()
        self.pivot_m = self.rig.leg_frames(self.neutral, self.side)["ball"]
        self._last: dict[str, tuple[float, ...] | None] = {self.side: None, self.still: (70.0, 0.0, 70.0)}
        self._rolled_deg = np.arange(-90, 91, 15.0)
        self._rolled_m = np.array([self._height_when_rolled_m(float(angle)) for angle in self._rolled_deg])

    def _front_ankle_m(self) -> np.ndarray:
        """Return the front ankle under the knee, as far forward as the thigh reaches at this height of the hip."""
        rest = self.rig.rest[self.still]
        thigh_m, shank_m = rest.length_m("hip", "knee"), rest.length_m("knee", "ankle")
        ankle_m = rest["ankle"][1] - self.sole_m()
        hip = self.rig.leg_frames(self.neutral, self.still)["hip"]
        drop_m = np.clip(hip[1] - ankle_m - shank_m, 0, 0.98 * thigh_m)
        forward = self.facing @ np.array([0, 0, np.sqrt(thigh_m**2 - drop_m**2)])
        return np.array([hip[0], ankle_m, hip[2]]) + forward

    def _height_when_rolled_m(self, angle_deg: float) -> float:
        """Return the height of the ball at which the rolled foot just touches the floor."""
        self._last[self.side] = None
        pose, _ = self._on_back_leg(self.neutral, angle_deg, self.ball_m)
        self._last[self.side] = None
        points = self.surface(pose)
        near = np.linalg.norm(points - self.rig.leg_frames(pose, self.side)["ankle"], axis=1) < 0.28
        return self.ball_m - points[near, 1].min() + 0.002

    def _on_back_leg(self, pose: Pose, angle_deg: float, ball_m: float, knee_deg: float = 0.0) -> tuple[Pose, float]:
        bend = self._TOES_DEG * (1 - 0.5 * min(1.0, abs(angle_deg) / 60))
        neutral = self.neutral.legs[self.side]
        pose = pose.with_leg(self.side, replace(neutral, toes=bend, knee=neutral.knee + knee_deg))
        aside_m = -mirrored(self.side) * self.options["slide_m"] * abs(angle_deg) / 30 * self.facing[0, 0]
        leg, miss_m = self.rig.solve(
            pose,
            self.side,
            np.array([self.pivot_m[0] + aside_m, ball_m, self.pivot_m[2]]),
            "ball",
            rotation_deg=angle_deg,
            start=self._last[self.side],
            free=("flexion", "adduction", "ankle"),
            bounds=[(-50, 20), (-30, 25), (-40, 40)],
        )
        self._last[self.side] = (leg.flexion, leg.adduction, leg.ankle)
        return pose.with_leg(self.side, leg), miss_m

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place."""
        sways, follow = self.sways, self.mirrored_sum("pelvis", i)
        tilted = turn_x(self.tilt_deg + 0.4 * sways["lean"][i]) @ turn_y(0.6 * sways["twist"][i] + follow)
        return replace(
            self.neutral,
            pelvis_m=self.neutral.pelvis_m + np.array([0.005 * sways["px"][i], -0.012, 0.005 * sways["pz"][i]]),
            pelvis_turn=self.facing @ tilted,
            spine_deg=(
                -4 + 0.8 * sways["lean"][i],
                0.6 * sways["side"][i] + self.mirrored_sum("trunk", i),
                0.5 * sways["twist"][i] - follow,
            ),
            neck_deg=(2 + 1.5 * sways["head"][i], 0, 2 * sways["headtw"][i]),
        )

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        flat = self.facing @ turn_y(-mirrored(self.still) * 4) @ PELVIS
        front, front_miss_m = self.rig.solve(
            pose.with_leg(self.still, Leg(foot_axes=flat)),
            self.still,
            self.front_m,
            "ankle",
            rotation_deg=float(self.rotation_deg[self.still][i]),
            start=self._last[self.still],
            bounds=[(20, 120), (-20, 20), (20, 130)],
        )
        self._last[self.still] = (front.flexion, front.adduction, front.knee)
        angle = float(self.rotation_deg[self.side][i])
        height_m = float(np.interp(angle, self._rolled_deg, self._rolled_m))
        bent_deg = max(0.0, float(self.along["knee", self.side][i])) if self.options["bends"] else 0.0
        pose, miss_m = self._on_back_leg(pose.with_leg(self.still, front), angle, height_m, bent_deg)
        self.missed_m = (front_miss_m, miss_m)
        return pose
