"""From the landmarks of a frame to the rotation of one leg: one class per `Measure`, made from a neutral pose.

Every measure answers with two numbers in degrees, internal rotation positive on both sides and zero at neutral: `raw_deg`, the
plain angle in the picture, and `angle_deg`, with what geometry can correct. "Lateral" is the direction from mid-hip to the hip
of the measured side, taken in the neutral pose; defined so, it survives mirrored pictures and rear views. A bent knee points
with the shank (foot moves lateral: internal), a straight one with the foot (toe moves lateral: external).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from rotrack.drills import Measure
from rotrack.kinematics.geometry import focal_px, normalise, signed_angle_deg
from rotrack.model import LEGS, Side

KNEE_FOLLOWS = 0.05
"""Share of the ankle's way by which the pose model drags a resting knee along (2 to 8 % on rendered people)."""
TOE_WEIGHT = 0.4
"""Weight of the toe beside the ankle: it is seen as well, but the foot can move by itself."""
TOE_AHEAD = 0.35
"""How far the toe landmark lies ahead of the shank, in shank lengths (foot 0.152, shank 0.246 of body height: Winter 2009)."""
TOE_DOUBT_DEG = 8.0
"""A toe that disagrees with the ankle by this much has half its weight: the foot is then turning by itself."""
THIGH_PER_SHANK = 1.0
"""Length of the thigh in shank lengths (0.245 and 0.246 of body height: Winter 2009)."""
TOE_REACH_PER_SHANK = 0.46
"""Ankle-to-toe length along the floor in shank lengths (0.114 and 0.246 of body height: Winter 2009)."""
TURNED_FROM_DEG = 15.0
"""A thigh further off the line of sight asks for another camera place."""
HIGH_FROM_DEG = 15.0
"""A camera that looks down more steeply asks for another place."""
HIPS_STACKED = "the hips are one above the other in the picture: face the camera"
SHORTEST_POINTER = 0.12
"""A pointer shorter than this, in shank lengths, points at the camera and has no direction in the picture."""


class Reading(NamedTuple):
    """The rotation of one leg in one frame, degrees; NaN with a reason."""

    raw_deg: float
    angle_deg: float
    reason: str = ""


NEEDS = {
    Measure.SHANK_SWING: ("hip", "knee", "ankle"),
    Measure.SHANK_IMAGE: ("hip", "knee", "ankle"),
    Measure.FOOT_IMAGE: ("hip", "ankle", "toe"),
    Measure.FOOT_FLOOR: ("hip", "knee", "ankle", "toe"),
    Measure.NONE: (),
}
"""Parts of the leg without which a measure has no number."""


@dataclass(frozen=True, slots=True)
class NeutralPose:
    """The landmarks of the still time that defines zero: medians over it.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the picture.
    image_px : numpy.ndarray, shape (33, 2), px
        Landmarks in the picture.
    world_m : numpy.ndarray, shape (33, 3), m
        The pose model's world landmarks.
    """

    size_px: tuple[int, int]
    image_px: np.ndarray
    world_m: np.ndarray

    def lateral(self, side: Side) -> np.ndarray:
        """Return the direction in the picture from mid-hip to this side's hip, shape (2,), px."""
        return self.image_px[LEGS[side].hip] - self.image_px[LEGS[side.other].hip]


class RotationMeasure(Protocol):
    """What every measure can do, once it has its neutral pose."""

    neutral_angle_deg: float
    """The pointer's angle at neutral against the measure's own reference, deg."""
    view: dict[str, float]
    """What it found out about the camera, deg."""
    advice: str
    """What to change about the camera; empty when it stands well."""

    def read(self, image_px: np.ndarray) -> Reading:
        """Return the rotation shown by landmarks, shape (33, 2), px."""
        ...


class ShankSwing:
    """Seated: shank and foot are one rigid body that swings about the femur, which points at the camera.

    The camera is a pinhole with an assumed field of view. Its pitch comes from the lean of the hanging shanks in the world
    landmarks (right to about 4 deg on rendered people), the direction of the thigh from the place of the hip beside the
    knee and the lengths of thigh and shank. Each of ankle and toe then obeys, with the swing t, the knee K in 3D, the axes d
    (along the neutral shank), n (along the femur) and e = lateral:

        P(t) = K + b n + (a cos t - c sin t) d + (a sin t + c cos t) e

    with a, b, c from the neutral pose, and its place in the picture gives two equations that are linear in cos t and sin t.
    All points together are solved by weighted least squares, t = atan2(sin t, cos t): no iteration, no starting value.
    """

    def __init__(self, neutral: NeutralPose, side: Side) -> None:
        leg = LEGS[side]
        self._leg = leg
        self._size_px = neutral.size_px
        self._focal = focal_px(neutral.size_px)
        self._lateral = neutral.lateral(side)
        pixels = neutral.image_px
        self._raw_zero = self._image_angle(pixels)
        self.neutral_angle_deg = self._raw_zero

        points = normalise(pixels, neutral.size_px, self._focal)
        hip, knee, ankle = points[leg.hip], points[leg.knee], points[leg.ankle]
        self._knee, self._ankle = knee, ankle
        pitch = _pitch_rad(neutral)
        down = np.array([0.0, np.cos(pitch), np.sin(pitch)])
        ahead = np.array([0.0, np.sin(pitch), -np.cos(pitch)])
        right = np.array([1.0, 0.0, 0.0])
        # Lengths are in shanks. How large the shank appears gives the knee's distance, the hip beside it the thigh's turn.
        shown = np.hypot(*(down[:2] - knee * down[2]))
        depth = float(shown / np.hypot(*(ankle - knee))) - float(down[2])
        yaw = 0.0
        for _ in range(20):
            hip_depth = depth + THIGH_PER_SHANK * np.cos(yaw) * np.cos(pitch)
            sine = (knee[0] * depth - hip[0] * hip_depth) / THIGH_PER_SHANK
            yaw = float(np.arcsin(np.clip(sine, -0.75, 0.75)))
        femur = np.sin(yaw) * right + np.cos(yaw) * ahead
        lateral = np.cross(femur, down)
        lateral *= np.sign(lateral[0] * self._lateral[0])
        self._down, self._side = down, lateral
        knee_3d = np.array([knee[0] * depth, knee[1] * depth, depth])
        self._bodies = [
            (leg.ankle, 1.0, *self._attach(points[leg.ankle], knee_3d)),
            (leg.toe, TOE_WEIGHT, *self._attach(points[leg.toe], knee_3d + TOE_AHEAD * femur)),
        ]
        off_axis_deg = float(np.degrees(yaw))
        self.view = {"thigh_yaw_deg": round(off_axis_deg, 1), "camera_pitch_deg": round(float(np.degrees(pitch)), 1)}
        self.advice = _seated_advice(off_axis_deg, float(np.degrees(pitch)))

    def _attach(self, point: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Return the base on the femur axis and the coefficients a, c of a point whose place in the picture is known."""
        down, side = self._shown(self._down, point), self._shown(self._side, point)
        if not (np.isfinite(point).all() and self._side.any()):
            return base, float("nan"), float("nan")
        a, c = np.linalg.solve(np.column_stack([down, side]), -self._shown(base, point))
        return base, float(a), float(c)

    @staticmethod
    def _shown(vector: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Return how a 3D vector moves a point at this place of the picture, up to its depth, shape (2,)."""
        return vector[:2] - point * vector[2]

    def _image_angle(self, image_px: np.ndarray) -> float:
        shank = image_px[self._leg.ankle] - image_px[self._leg.knee]
        return signed_angle_deg(np.array([0.0, 1.0]), shank, self._lateral)

    def read(self, image_px: np.ndarray) -> Reading:
        """Return the swing of the shank, see the class."""
        raw_deg = _wrap(self._image_angle(image_px) - self._raw_zero)
        points = normalise(image_px, self._size_px, self._focal)
        ankle, knee = points[self._leg.ankle], points[self._leg.knee]
        if not np.isfinite(raw_deg):
            seen = np.isfinite(ankle).all() and np.isfinite(knee).all()
            return Reading(raw_deg, float("nan"), HIPS_STACKED if seen else "knee or ankle is not seen")
        knee_moved = knee - KNEE_FOLLOWS * (ankle - self._ankle) - self._knee
        rows, values, swings = [], [], []
        for index, weight, base, a, c in self._bodies:
            point = points[index] - knee_moved
            down, side = self._shown(self._down, point), self._shown(self._side, point)
            block = np.column_stack([a * down + c * side, a * side - c * down])
            value = -self._shown(base, point)
            if not (np.isfinite(block).all() and np.isfinite(value).all()):
                continue
            cosine, sine = np.linalg.solve(block, value)
            swings.append(np.degrees(np.arctan2(sine, cosine)))
            doubt = (swings[-1] - swings[0]) / TOE_DOUBT_DEG
            rows.append(block * np.sqrt(weight / (1 + doubt * doubt)))
            values.append(value * np.sqrt(weight / (1 + doubt * doubt)))
        cosine, sine = np.linalg.lstsq(np.vstack(rows), np.concatenate(values), rcond=None)[0]
        return Reading(raw_deg, float(np.degrees(np.arctan2(sine, cosine))))


class ImagePointer:
    """The pointer's turn in the picture since neutral, for a pointer that moves in the plane of the picture.

    Parameters
    ----------
    neutral : NeutralPose
        The zero.
    side : Side
        The leg.
    start, end : str
        Parts of the leg between which the pointer runs: knee to ankle, or ankle to toe.
    sign : int
        +1 if moving lateral is internal rotation (shank), -1 if it is external (foot).
    """

    def __init__(self, neutral: NeutralPose, side: Side, start: str, end: str, sign: int) -> None:
        leg = LEGS[side]
        self._start, self._end, self._sign = getattr(leg, start), getattr(leg, end), sign
        self._lateral = neutral.lateral(side)
        self._zero = self._pointer(neutral.image_px)
        shank = neutral.image_px[leg.ankle] - neutral.image_px[leg.knee]
        length = np.hypot(*shank) if np.isfinite(shank).all() else np.hypot(*self._zero)
        self._shortest = SHORTEST_POINTER * length
        self._what = "foot" if end == "toe" else "shank"
        self.neutral_angle_deg = signed_angle_deg(np.array([0.0, 1.0]), self._zero, self._lateral)
        self.view: dict[str, float] = {}
        self.advice = ""

    def _pointer(self, image_px: np.ndarray) -> np.ndarray:
        return image_px[self._end] - image_px[self._start]

    def read(self, image_px: np.ndarray) -> Reading:
        """Return the turn of the pointer since neutral."""
        pointer = self._pointer(image_px)
        if not np.isfinite(pointer).all():
            return Reading(float("nan"), float("nan"), f"the {self._what} is not seen")
        if np.hypot(*pointer) < self._shortest:
            return Reading(float("nan"), float("nan"), f"the {self._what} points at the camera")
        angle_deg = self._sign * signed_angle_deg(self._zero, pointer, self._lateral)
        return Reading(angle_deg, angle_deg, "" if np.isfinite(angle_deg) else HIPS_STACKED)


class FloorFoot:
    """Standing: how far the toe reaches to the side of the ankle, against an assumed length of the foot.

    sin t = sideways reach / (0.46 shank lengths). A person's own foot, shoe and toe lift change that length, so the angle is
    right in time and sign but may be wrong by a constant factor; it becomes exact only with a calibration.
    """

    def __init__(self, neutral: NeutralPose, side: Side) -> None:
        self._leg = LEGS[side]
        lateral = neutral.lateral(side)
        self._sign = np.sign(lateral[0]) or np.nan
        shank = neutral.image_px[self._leg.ankle] - neutral.image_px[self._leg.knee]
        self._reach_px = TOE_REACH_PER_SHANK * float(np.hypot(*shank))
        self.neutral_angle_deg = self._turn(neutral.image_px)
        self.view: dict[str, float] = {}
        self.advice = ""

    def _turn(self, image_px: np.ndarray) -> float:
        toe = image_px[self._leg.toe] - image_px[self._leg.ankle]
        lateral = self._sign * toe[0] / self._reach_px
        return float(-np.degrees(np.arcsin(np.clip(lateral, -1, 1))))

    def read(self, image_px: np.ndarray) -> Reading:
        """Return the turn of the foot since neutral."""
        turn_deg = self._turn(image_px) - self.neutral_angle_deg
        return Reading(turn_deg, turn_deg, "" if np.isfinite(turn_deg) else "ankle or toe is not seen")


MAKERS: dict[Measure, Callable[[NeutralPose, Side], RotationMeasure]] = {
    Measure.SHANK_SWING: ShankSwing,
    Measure.SHANK_IMAGE: lambda neutral, side: ImagePointer(neutral, side, "knee", "ankle", +1),
    Measure.FOOT_IMAGE: lambda neutral, side: ImagePointer(neutral, side, "ankle", "toe", -1),
    Measure.FOOT_FLOOR: FloorFoot,
}
"""How each measure is made from its neutral pose."""


def _pitch_rad(neutral: NeutralPose) -> float:
    """Return how far the camera looks down, from the lean of the hanging shanks in the world landmarks, rad."""
    shanks = [neutral.world_m[leg.ankle] - neutral.world_m[leg.knee] for leg in LEGS.values()]
    leans = [np.arctan2(shank[2], shank[1]) for shank in shanks if np.isfinite(shank).all()]
    return float(np.clip(np.mean(leans), -0.7, 0.7)) if leans else 0.0


def _seated_advice(thigh_yaw_deg: float, pitch_deg: float) -> str:
    advice = []
    if abs(thigh_yaw_deg) > TURNED_FROM_DEG:
        advice.append(
            f"the thigh points {abs(thigh_yaw_deg):.0f} degrees past the camera: put the camera straight in front of the knee"
        )
    if pitch_deg > HIGH_FROM_DEG:
        advice.append(f"the camera looks down by {pitch_deg:.0f} degrees: put it lower, at knee height")
    return "; ".join(advice)


def _wrap(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0
