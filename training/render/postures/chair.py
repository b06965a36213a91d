"""On a chair (movements 9 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from training.movement import smooth_step

from ..camera import View
from ..posing import Arm, Leg, Pose, arms, turn_x, turn_y, turn_z
from ..scene import Scene
from .base import Posture, Scenario


class Seated(Posture):
    """Hips and knees at 90 deg, feet just off the floor, the shank swings: foot out is internal, foot in external.

    Options: foot_down (the foot rests on the floor between repetitions), pelvis_tilt_deg, foot_clearance_m.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {"foot_down": False, "pelvis_tilt_deg": -8.0, "foot_clearance_m": 0.05}
    camera = View((0, 0.95, 2.45), (0, 0.72, 0.15), 60)

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.tilt_deg, clearance_m = self.options["pelvis_tilt_deg"], self.options["foot_clearance_m"]
        leg = Leg(flexion=90 + self.tilt_deg, knee=90, adduction=-7, ankle=-4)
        pose = Pose(
            pelvis_m=np.array([0, 0.6, 0]),
            pelvis_turn=turn_x(self.tilt_deg),
            legs={"R": leg, "L": leg},
            spine_deg=(6, 0, 0),
            neck_deg=(4, 0, 0),
            arms=arms(Arm((0.22, -1, 0.12), (0.02, -1, 0.42), 10)),
            hand_curl_deg=35,
        )
        self.neutral = pose.moved(np.array([0, clearance_m - self.lowest_m(pose), 0]))
        self.seed = scenario.seed
        self.drop_deg = 0.0  # how far the thigh is lowered when the foot rests on the floor
        self.lifted = {s: np.ones(len(self)) for s in "RL"}
        if self.options["foot_down"]:
            thigh_m = self.rig.rest["R"].length_m("hip", "knee")
            self.drop_deg = float(np.degrees(np.arcsin(clearance_m / thigh_m)))
            self.lifted = {s: self._lifted(s) for s in "RL"}
        self.seat_m = self._seat_height_m()

    def _lifted(self, side: str) -> np.ndarray:
        """Return how far the foot is off the floor, 0 to 1, per frame."""
        up = np.zeros(len(self))
        for rep in self.course.reps:
            if rep.side[0].upper() == side:
                rise = smooth_step((self.t_s - rep.start_s + 0.55) / 0.5)
                up = np.maximum(up, rise - smooth_step((self.t_s - rep.end_s - 0.05) / 0.5))
        return up

    def _lowered(self, leg: Leg, lifted: float) -> Leg:
        drop = self.drop_deg * (1 - lifted)
        return replace(leg, flexion=leg.flexion - drop, knee=leg.knee - drop)

    def _seat_height_m(self) -> float:
        """Return the height of the underside of the resting thighs."""
        legs = {s: self._lowered(self.neutral.legs[s], float(self.lifted[s].min())) for s in "RL"}
        points = self.surface(replace(self.neutral, legs=legs), barefoot=True)
        hip_m = self.neutral.pelvis_m[1]
        x, y, z = points.T
        under = (z < 0.28) & (z > -0.15) & (np.abs(x) < 0.3) & (y < hip_m + 0.02) & (y > hip_m - 0.2)
        return float(np.percentile(y[under], 1.5))

    def trunk(self, i: int) -> Pose:
        """Return frame i with pelvis, trunk and arms in place."""
        sways, hike, lean = self.sways, self.mirrored_sum("pelvis", i), self.mirrored_sum("trunk", i)
        tilted = turn_x(self.tilt_deg + 0.3 * sways["lean"][i]) @ turn_y(0.5 * sways["twist"][i])
        return replace(
            self.neutral,
            pelvis_turn=turn_z(-hike) @ tilted,
            spine_deg=(6 + sways["lean"][i], 0.7 * sways["side"][i] + 0.8 * hike + lean, 0.6 * sways["twist"][i]),
            neck_deg=(5 + 1.5 * sways["head"][i], 0, 2 * sways["headtw"][i]),
        )

    def legs(self, pose: Pose, i: int) -> Pose:
        """Return the pose with the legs of frame i."""
        for side in "RL":
            leg = self.turned(side, i)
            if side in self.moving:
                leg = replace(
                    leg, flexion=leg.flexion + 0.6 * self.sways["leg" + side][i], knee=leg.knee + 0.8 * self.sways["px"][i]
                )
            pose = pose.with_leg(side, self._lowered(leg, float(self.lifted[side][i])))
        return pose

    def furnish(self, scene: Scene) -> None:
        """Put a chair into the scene."""
        scene.chair(self.seat_m, 0.03, seed=self.seed)
