"""Whether the person is in the position of the drill, and how the pelvis rolls.

`position_problem` answers the first question from one frame; `BodyForm` compares a frame with the neutral pose and gives the
roll of the pelvis that is subtracted from the angle of a person who sits. Faults are read in `compensation`.
"""

from __future__ import annotations

import numpy as np

from rotrack.core.messages import Message, say
from rotrack.core.model import LANDMARK_NAMES, LEGS, Leg, Pose, Side
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.kinematics.rotation import NeutralPose, wrong_way_up

SEATED_KNEE_FLEXION_DEG = 50.0
SEATED_THIGH_SHOWN = 0.75
"""Sitting bends the knee by more than the first, and seen from the front the thigh hangs down less than the second, in shanks;
who stands or walks fails both. One alone is no proof: the knee's angle comes from world landmarks, which err with fast swings,
and a high camera sees the thigh of a sitting person too."""
TRUNK_CONFIRMS = 5.0
"""The hip line's tilt counts up to this many times the lean of the trunk beyond the next figure: a pelvis that rolls takes the
trunk along (2 to 3 deg of lean for 6 of roll), while the pose model lets the hip line follow a moving leg by 1 to 3 deg
without any roll."""
TRUNK_SWAY_DEG = 0.5
HIP_LINE_SHOWS = 0.9
"""Share of a pelvic roll that the hip line shows (0.7 to 1.1 on rendered people of four builds)."""


HEAD_SHANKS, TRUNK_SHANKS = 0.5, 1.3
"""From the shoulders to the nose, and from the hips to the shoulders, in shanks."""
NOSE = LANDMARK_NAMES.index("nose")


def position_problem(posture: Posture, pose: Pose, side: Side) -> str:
    """Return what is wrong with the position for this drill, empty if nothing is or if it cannot be seen.

    Sitting with hanging legs and standing can be distinguished from other positions in one frame; elsewhere the misfit of the
    leg model tells.
    """
    record = posture.record
    if not record.shank_hangs and np.isnan(record.standing_knee_at_most_deg):
        return ""
    if turn_deg := turn_to_upright_deg(pose):
        return wrong_way_up(turn_deg)
    leg = LEGS[side]
    flexion_deg = knee_flexion_deg(pose.world_m, leg)
    hip, knee, ankle = (pose.image_px[i] for i in leg[1:4])
    if record.shank_hangs:
        hangs = float(knee[1] - hip[1]) / max(float(np.hypot(*(ankle - knee))), 1.0)
        if flexion_deg < SEATED_KNEE_FLEXION_DEG and hangs > SEATED_THIGH_SHOWN:
            return Reason.NOT_SITTING
        return Reason.ANKLE_HIGH if ankle[1] <= knee[1] else ""
    return Reason.NOT_STANDING if flexion_deg > record.standing_knee_at_most_deg else ""


def turn_to_upright_deg(pose: Pose) -> int:
    """Return by how much a picture of somebody upright must be turned clockwise to show them so: 0, 90, 180 or 270, deg.

    It is told by where the ankles are seen from the shoulders, or if these are not seen, from the hips.
    """
    legs = LEGS.values()
    tops = [pose.image_px[[getattr(leg, part) for leg in legs]].mean(axis=0) for part in ("shoulder", "hip")]
    ankles = pose.image_px[[leg.ankle for leg in legs]]
    ankles = ankles[np.isfinite(ankles[:, 0])]
    top = tops[0] if np.isfinite(tops[0]).all() else tops[1]
    if not len(ankles) or not np.isfinite(top).all():
        return 0
    x, y = ankles.mean(axis=0) - top
    return round(float(np.degrees(np.arctan2(x, y))) / 90) * 90 % 360


def out_of_picture(image_px: np.ndarray) -> str:
    """Return what of somebody upright lies above the picture: "head", "chest" with the head, or nothing.

    Parameters
    ----------
    image_px : numpy.ndarray, shape (33, 2), px
        The landmarks. A person seen from behind shows no face either: what is missing counts only where there is no room for
        it.
    """
    legs = LEGS.values()
    bones = [(leg.hip, leg.knee) for leg in legs] + [(leg.knee, leg.ankle) for leg in legs]
    lengths = [length for a, b in bones if np.isfinite(length := float(np.hypot(*(image_px[a] - image_px[b]))))]
    if not lengths:
        return ""

    def highest(part: str) -> float:
        return float(min(image_px[getattr(leg, part), 1] for leg in legs))

    if np.isfinite(highest("shoulder")):
        no_room = highest("shoulder") < HEAD_SHANKS * max(lengths)
        return "head" if no_room and not np.isfinite(image_px[NOSE, 0]) else ""
    return "chest" if highest("hip") < TRUNK_SHANKS * max(lengths) else ""


def legs_are_enough(missing: str) -> Message:
    """Return what to say of somebody of whom something is out of the picture, as `out_of_picture` names it."""
    return say("note.head_out" if missing == "head" else "note.chest_out")


def knee_flexion_deg(world_m: np.ndarray, leg: Leg) -> float:
    """Return the angle between thigh and shank of world landmarks, shape (33, 3); 0 for a straight knee, deg."""
    thigh, shank = world_m[leg.knee] - world_m[leg.hip], world_m[leg.ankle] - world_m[leg.knee]
    cosine = float(thigh @ shank) / float(np.linalg.norm(thigh) * np.linalg.norm(shank))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


class BodyForm:
    """How the pelvis rolls while one leg rotates, against the neutral pose.

    Parameters
    ----------
    neutral : NeutralPose
        The zero.
    side : Side
        The leg that is measured.
    """

    def __init__(self, neutral: NeutralPose, side: Side) -> None:
        self._neutral = neutral.image_px
        shank = self._neutral[LEGS[side].ankle] - self._neutral[LEGS[side].knee]
        self._trunk = self._shoulders(self._neutral) - self._hips(self._neutral)
        # Turning clockwise on screen adds to internal rotation (+1) or takes from it (-1), for a bent knee.
        self._sense = float(np.sign(_cross(shank, neutral.lateral(side))))

    @staticmethod
    def _shoulders(pixels: np.ndarray) -> np.ndarray:
        return (pixels[LEGS[Side.LEFT].shoulder] + pixels[LEGS[Side.RIGHT].shoulder]) / 2

    @staticmethod
    def _hips(pixels: np.ndarray) -> np.ndarray:
        return (pixels[LEGS[Side.LEFT].hip] + pixels[LEGS[Side.RIGHT].hip]) / 2

    @staticmethod
    def _hip_line(pixels: np.ndarray) -> np.ndarray:
        return pixels[LEGS[Side.LEFT].hip] - pixels[LEGS[Side.RIGHT].hip]

    def lean_deg(self, image_px: np.ndarray) -> float:
        """Return how far the trunk leans, clockwise on screen positive; NaN if the shoulders are not seen."""
        moved = self._shoulders(image_px) - self._shoulders(self._neutral)
        return _turn_deg(self._trunk, self._trunk + moved)

    def pelvis_deg(self, image_px: np.ndarray) -> float:
        """Return the roll of the pelvis in the sense of this leg's angle, as far as the trunk confirms it; else 0."""
        lean_deg = self.lean_deg(image_px)
        tilt_deg = _turn_deg(self._hip_line(self._neutral), self._hip_line(image_px))
        confirmed = TRUNK_CONFIRMS * max(abs(lean_deg) - TRUNK_SWAY_DEG, 0.0)
        if not np.isfinite(confirmed * tilt_deg) or lean_deg * tilt_deg <= 0:
            return 0.0
        return self._sense * float(np.sign(tilt_deg)) * min(abs(tilt_deg), confirmed) / HIP_LINE_SHOWS


def _cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _turn_deg(start: np.ndarray, end: np.ndarray) -> float:
    """Return the turn from one direction to another, clockwise on screen positive, deg in (-180, 180]."""
    return float(np.degrees(np.arctan2(_cross(start, end), float(start @ end))))
