"""From the landmarks of a frame to the rotation of one leg: made from a neutral pose, then asked frame by frame.

Angles are degrees, internal rotation positive on both sides and zero at neutral. "Lateral" is the direction from mid-hip to the
hip of the measured side, taken in the neutral pose; defined so, it survives mirrored pictures and rear views. A bent knee
points with the shank (foot moves lateral: internal), a straight one with the foot (toe moves lateral: external).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Protocol

import numpy as np

from rotrack.core.drills import Drill, Measure
from rotrack.core.model import LEGS, Angles, LegCrop, Pose, Side
from rotrack.core.postures import Facing
from rotrack.core.reasons import Reason, joined
from rotrack.kinematics import crops
from rotrack.kinematics.camera import Calibration, Floor, Level
from rotrack.kinematics.correction import NORMAL_95, load_corrections
from rotrack.kinematics.geometry import signed_angle_deg
from rotrack.kinematics.legmodel import (
    BESIDE_NETWORK,
    ROWS,
    LegModel,
    Measurements,
    NeutralLeg,
)

TURNED_FROM_DEG, TURNED_TOO_FAR_DEG = 15.0, 55.0
"""A camera further to the side asks for another place; one still further is refused."""
ROLLED_FROM_DEG = 6.0
"""A picture that leans more asks for a straight camera."""
HIGH_FROM_DEG = 30.0
"""Sitting, a camera that looks down more steeply asks for a lower one."""
WIDER_PER_DEG = 0.1
"""A view beyond these limits, or a zero beyond the usual ones, adds so many degrees of standard error per degree beyond."""
WIDER_PER_MISFIT = 0.12
"""A neutral pose that fits badly adds so many degrees of standard error to MediaPipe's reading per unit of misfit beyond."""
PERSON_ROLL_SD_DEG, ANY_PITCH_SD_DEG = 2.0, 30.0
MOVED_SD = 3.0
"""A floor further off than so many errors does not belong to this camera place any more."""
TURNS_DEG = (90, 180, 270)
"""By how much a picture that is the wrong way up must be turned clockwise."""
TURNED_FITS_BETTER = 3.0
"""Of somebody who lies, the picture is said to be the wrong way up if they misfit so many times less in a turned one, and less
than the posture allows."""
NEUTRAL_WITHIN_DEG = 15.0
"""Seated or face down, a shank further off the vertical is not a neutral pose."""

FOOT_SLACK_DEG = 12.0
"""How far a foot that hangs from a bent knee turns by itself."""
FOOT_SLACK_FROM_BELOW_DEG = 180.0
"""Seen from the soles, the leg network takes a foot that points to the camera for one that points away: it says nothing there."""
NETWORK_MISFIT = 1.5
"""A fit that explains what the leg network saw besides may misfit by so many times more."""
AGREE_SD = 2.0
"""Readings that differ by more than so many of their errors: MediaPipe's counts as erring by as much more. It has gross mistakes,
while the network says when it cannot read a leg."""
UNHEARD_SD_DEG_PER_S = 4.0
UNHEARD_DOUBT_S, UNHEARD_SHARE = 1.0, 0.5
"""How fast the last word of a network that cannot read the leg any more loses its worth: with time, and by this share of how far
the leg has turned since, as MediaPipe shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Angles):
    """The rotation of one leg that one pose shows, degrees; NaN with a reason.

    Parameters
    ----------
    angle_deg : float
        The rotation that counts: corrected, by both readings.
    error_deg : float
        95 % half width of `angle_deg`.
    sd_deg : float
        Standard error of the leg model's fit.
    reason : str
        Why there is no angle, a code of which `rotrack.words` makes words; empty when there is one.
    """

    angle_deg: float = math.nan
    error_deg: float = math.nan
    sd_deg: float = math.nan
    reason: str = ""


NEEDS = {
    Measure.SHANK: ("hip", "knee", "ankle"),
    Measure.FOOT: ("hip", "knee", "ankle", "toe"),
    Measure.ROLL: ("shoulder", "hip"),
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
    legs : dict of Side to LegCrop
        What the leg network says, of the legs that it can read.
    """

    size_px: tuple[int, int]
    image_px: np.ndarray
    world_m: np.ndarray
    legs: dict[Side, LegCrop] = field(default_factory=dict)

    def lateral(self, side: Side) -> np.ndarray:
        """Return the direction in the picture from mid-hip to this side's hip, shape (2,), px."""
        return self.image_px[LEGS[side].hip] - self.image_px[LEGS[side.other].hip]


class About(Enum):
    """What the problem of a neutral pose is about."""

    POSITION = auto()
    """How the person sits, stands or lies."""
    CAMERA_LOW = auto()
    CAMERA_HIGH = auto()
    CAMERA_ASIDE = auto()

    @property
    def camera(self) -> bool:
        """Whether it is the camera's place; then the person may be in the right position."""
        return self is not About.POSITION


class RotationMeasure(Protocol):
    """What every measure can do, once it has its neutral pose."""

    neutral_angle_deg: float
    """The pointer's angle in the picture at neutral, against the vertical."""
    view: dict[str, float]
    """What it found out about the camera and the pose, deg."""
    advice: str
    """What to change about the camera; empty when it stands well."""
    problem: str
    """Why nothing can be measured from this neutral pose; empty when it can."""
    about: About
    """What the problem is about, if there is one."""
    floor_moved: str
    """The part of the advice that says that the floor profile no longer fits; empty when it does, or there is none."""

    def read(self, pose: Pose, pelvis_deg: float) -> Reading:
        """Return the rotation shown by a pose while the pelvis has rolled by so much."""
        ...


class LegMeasure:
    """The leg model for drills that show hip rotation with the shank or with the foot.

    Parameters
    ----------
    neutral : NeutralPose
        The zero.
    side : Side
        The leg.
    drill : Drill
        Which posture, and which pointer.
    calibration : Calibration
        What is known of camera and person.
    correct : bool
        Whether to take out what is known of the pose model's errors.
    """

    def __init__(
        self, neutral: NeutralPose, side: Side, drill: Drill, calibration: Calibration | None = None, correct: bool = True
    ) -> None:
        calibration = (calibration or Calibration()).used_for(drill.posture)
        leg = LEGS[side]
        self._pointer, sign = ((leg.knee, leg.ankle), 1) if drill.measure is Measure.SHANK else ((leg.ankle, leg.toe), -1)
        self._sign, self._lateral = sign, neutral.lateral(side)
        self._needed = [getattr(leg, part) for part in NEEDS[drill.measure]]
        self._raw_zero = self._in_picture(neutral.image_px)
        posture = drill.posture.record
        upright = -1.0 if posture.face_down else 1.0  # then the shank points up
        self.neutral_angle_deg = signed_angle_deg(np.array([0.0, upright]), self._raw_zero, self._lateral)
        assert posture.stance is not None, drill.id
        self._posture, self._stance = posture, posture.stance
        lean_deg = _lean_deg(neutral) if posture.shank_hangs else float("nan")
        self._leg = NeutralLeg(neutral.image_px, neutral.size_px, side, self._stance, calibration, lean_deg)
        self.side = side
        self._needs_network = bool(drill.without_legnet)
        hanging_deg = FOOT_SLACK_FROM_BELOW_DEG if posture.face_down else FOOT_SLACK_DEG
        self._foot_slack_deg = hanging_deg if drill.measure is Measure.SHANK else 0.0
        self._model = LegModel(self._leg)
        self._weighed = Weighed()
        gain = calibration.gains.get(side)
        self._gain = gain.gain if gain else 1.0
        self._of_network = load_corrections().network(drill.posture, correct)
        self._correction = load_corrections().of(drill.posture, Level.PERSONAL if gain else Level.NONE, correct)
        self._shown_pitch_deg, self.floor_moved = self._leg.pitch_deg, ""
        if calibration.floor:
            # The correction was learned against the tilt that the person shows, so it goes on with that.
            seen = (neutral.image_px, neutral.size_px, side)
            by_person = replace(calibration, floor=None)
            self._shown_pitch_deg = NeutralLeg(*seen, self._stance, by_person, lean_deg).pitch_deg
            if posture.person_pitch_deg:
                any_pitch = replace(self._stance, pitches_deg=tuple((p, ANY_PITCH_SD_DEG) for p, _ in self._stance.pitches_deg))
                found = NeutralLeg(*seen, any_pitch, by_person, lean_deg)
                too_far, sd_deg = posture.person_pitch_deg
                self.floor_moved = floor_misfit(calibration.floor, found.pitch_deg - too_far, sd_deg, found.roll_deg)
        self._zero_deg = _zero_deg(self._model, self._leg.measurements(neutral.image_px))
        self._network = self._fit_of_network(neutral, calibration, lean_deg)
        # Who stands there and how the camera looks is judged by the fit that counts.
        self._judged = self._network[0].neutral if self._network and self._needs_network else self._leg
        self.view = {
            "turn_deg": round(self._judged.turn_deg, 1),
            "camera_pitch_deg": round(self._judged.pitch_deg, 1),
            "camera_roll_deg": round(self._judged.roll_deg, 1),
            "misfit": round(self._judged.misfit, 1),
        }
        self.problem, self.about = self._why_not(drill)
        beyond, self.advice = self._view_advice(drill)
        self._view_sd_deg = WIDER_PER_DEG * beyond
        self._misfit_sd_deg = WIDER_PER_MISFIT * max(self._leg.misfit - self._stance.misfit_at_most, 0.0)

    def _fit_of_network(self, neutral: NeutralPose, calibration: Calibration, lean_deg: float) -> tuple[LegModel, float] | None:
        """Return the leg fitted anew with what the leg network saw of it, and its zero, deg; None if it saw none that fits."""
        crop = neutral.legs.get(self.side)
        if crop is None:
            return None
        told = Measurements(*crops.slopes(crop, self._leg.lens), *self._directions(crop))
        leg = NeutralLeg(neutral.image_px, neutral.size_px, self.side, self._stance, calibration, lean_deg, told)
        by_both = self._by_both(leg, neutral.image_px, crop)
        model = LegModel(leg, by_both)
        zero_deg = _zero_deg(model, by_both)
        if not math.isfinite(zero_deg) or leg.misfit > NETWORK_MISFIT * self._stance.misfit_at_most:
            return None
        return model, zero_deg

    def _in_picture(self, image_px: np.ndarray) -> np.ndarray:
        start, end = self._pointer
        return image_px[end] - image_px[start]

    def _why_not(self, drill: Drill) -> tuple[str, About]:
        if self._needs_network and self._network is None:
            return Reason.NOT_THE_POSITION, About.POSITION
        leg, stance = self._judged, self._stance
        # What the leg network sees as well may be measured from further away than what MediaPipe says alone.
        low, high = stance.pitch_refused_deg if self._network else stance.pitch_limits_deg
        zero_deg, (outwards_deg, inwards_deg) = self._judged_zero_deg, stance.zero_limits_deg
        turned_away, aside = zero_deg < outwards_deg or zero_deg > inwards_deg, self._aside()
        upright = self._leg.slopes[2, 1] > self._leg.slopes[0, 1]
        from_behind = (
            upright and stance.facings == (Facing.UPRIGHT,) and self._lateral[0] * (1 if self.side is Side.LEFT else -1) < 0
        )
        checks = (
            (from_behind, Reason.FROM_BEHIND, About.POSITION),
            (not np.isfinite(self.neutral_angle_deg) and not self._posture.hips_stacked, Reason.HIPS_STACKED, About.POSITION),
            (
                self._posture.shank_hangs and abs(self.neutral_angle_deg) > NEUTRAL_WITHIN_DEG,
                Reason.HANG_STRAIGHT,
                About.POSITION,
            ),
            (self._posture.face_down and abs(self.neutral_angle_deg) > NEUTRAL_WITHIN_DEG, Reason.SHINS_UP, About.POSITION),
            (turned_away and bool(aside), aside, About.CAMERA_ASIDE),
            (turned_away, Reason.POINT_FORWARDS, About.POSITION),
            (leg.pitch_deg < low, Reason.CAMERA_LOW.of(drill=drill.id), About.CAMERA_LOW),
            (leg.pitch_deg > high, Reason.CAMERA_HIGH.of(drill=drill.id), About.CAMERA_HIGH),
            (
                abs(leg.turn_deg) > TURNED_TOO_FAR_DEG,
                Reason.CAMERA_FAR_ASIDE.of(degrees=f"{abs(leg.turn_deg):.0f}", drill=drill.id),
                About.CAMERA_ASIDE,
            ),
            (
                (leg.misfit > stance.misfit_refused and not self._network) or not np.isfinite([zero_deg, self._zero_deg]).all(),
                self.floor_moved or Reason.NOT_THE_POSITION,
                About.POSITION,
            ),
        )
        return next(((problem, about) for wrong, problem, about in checks if wrong), ("", About.POSITION))

    @property
    def _judged_zero_deg(self) -> float:
        """How far the leg is turned in the neutral pose by the fit that counts, deg."""
        return self._network[1] if self._network and self._judged is not self._leg else self._zero_deg

    def _aside(self) -> str:
        """Return that the camera stands aside; empty if it does not."""
        turn_deg = abs(self._judged.turn_deg)
        return Reason.CAMERA_ASIDE.of(degrees=f"{turn_deg:.0f}") if turn_deg > TURNED_FROM_DEG else ""

    def _view_advice(self, drill: Drill) -> tuple[float, str]:
        """Return how far the view is beyond its limits, deg, and what to change about the camera."""
        leg, turn_deg = self._judged, abs(self._judged.turn_deg)
        high_deg = leg.pitch_deg - HIGH_FROM_DEG if self._posture.shank_hangs else 0.0
        (low, high), (out_deg, in_deg) = self._stance.pitch_limits_deg, self._stance.zero_usual_deg
        zero_deg, turned = self._judged_zero_deg, turn_deg > TURNED_FROM_DEG / 2
        limits = (
            (0.0 if self._posture.turned_freely else turn_deg - TURNED_FROM_DEG, self._aside()),
            (high_deg, Reason.CAMERA_DOWN.of(degrees=f"{leg.pitch_deg:.0f}")),
            (low - leg.pitch_deg, Reason.CAMERA_LOW.of(drill=drill.id)),
            (leg.pitch_deg - high, Reason.CAMERA_HIGH.of(drill=drill.id)),
            (0.0 if turned else out_deg - zero_deg, Reason.TOES_OUT),
            (0.0 if turned else zero_deg - in_deg, Reason.TOES_IN),
            (abs(leg.roll_deg) - ROLLED_FROM_DEG, Reason.CAMERA_LEANS.of(degrees=f"{abs(leg.roll_deg):.0f}")),
        )
        advice = [told for beyond, told in limits if beyond > 0] + [self.floor_moved]
        if leg.misfit > self._stance.misfit_at_most * (1.0 if leg is self._leg else NETWORK_MISFIT):
            advice.append(Reason.FITS_BADLY)
        return sum(max(beyond, 0.0) for beyond, _ in limits), joined(*advice)

    def read(self, pose: Pose, pelvis_deg: float = 0.0) -> Reading:
        """Return the rotation of the leg; `pelvis_deg` is the roll of the pelvis in the sense of the angle."""
        raw_deg = self._sign * signed_angle_deg(self._raw_zero, self._in_picture(pose.image_px), self._lateral)
        if not np.isfinite(pose.image_px[self._needed]).all():
            return Reading(raw_deg=raw_deg, reason=Reason.NO_LEG)
        found = self._model.read(pose.time_s, self._leg.measurements(pose.image_px), pelvis_deg)
        uncorrected_deg = _wrap(found.rotation_deg - self._zero_deg)
        mediapipe_deg = self._gain * self._correction.apply(uncorrected_deg, self._shown_pitch_deg)
        legnet_deg, legnet_sd_deg = self._by_network(pose, pelvis_deg)
        if self._needs_network:
            angle_deg, sd_deg = legnet_deg, legnet_sd_deg
            if not math.isfinite(legnet_deg):
                return Reading(raw_deg=raw_deg, reason=Reason.FOOT_UNREAD)
        else:
            # Its error grows with the turn, also where it shows none of it: the larger reading says how far that may be.
            turned_deg = max(abs(mediapipe_deg), abs(self._weighed.expected_deg(mediapipe_deg, legnet_deg)))
            mediapipe_sd_deg = self._mediapipe_sd_deg(turned_deg, found.sd_deg)
            angle_deg, sd_deg = self._weighed.update(pose.time_s, (mediapipe_deg, mediapipe_sd_deg), (legnet_deg, legnet_sd_deg))
        return Reading(
            angle_deg=angle_deg,
            error_deg=NORMAL_95 * sd_deg,
            sd_deg=found.sd_deg,
            raw_deg=raw_deg,
            uncorrected_deg=uncorrected_deg,
            mediapipe_deg=mediapipe_deg,
            legnet_deg=legnet_deg,
            legnet_sd_deg=legnet_sd_deg,
            gravity_deg=found.gravity_deg + angle_deg - uncorrected_deg,
        )

    def _by_both(self, leg: NeutralLeg, image_px: np.ndarray, crop: LegCrop) -> Measurements:
        """Return landmarks and what the network says of the leg as measurements, the former with what they err by on a leg."""
        marks = leg.measurements(image_px)
        slopes, sd = marks.slopes, marks.sd * BESIDE_NETWORK[ROWS]
        slopes[5:], errors = crops.slopes(crop, leg.lens)
        sd[5:] = errors * leg.origin[2]
        return Measurements(slopes, sd, *self._directions(crop))

    def _directions(self, crop: LegCrop) -> tuple[np.ndarray, np.ndarray]:
        return crops.directions(crop, self._leg.lens, self._foot_slack_deg)

    def _by_network(self, pose: Pose, pelvis_deg: float) -> tuple[float, float]:
        """Return rotation and standard error by the leg network, deg; NaN where it cannot read the leg."""
        crop = pose.legs.get(self.side)
        if self._network is None or crop is None or not crops.readable(crop):
            return float("nan"), float("nan")
        model, zero_deg = self._network
        found = model.read(pose.time_s, self._by_both(model.neutral, pose.image_px, crop), pelvis_deg)
        angle_deg = self._of_network.apply(_wrap(found.rotation_deg - zero_deg), 0.0)
        return angle_deg, self._of_network.error_deg(angle_deg, found.sd_deg) / NORMAL_95

    def _mediapipe_sd_deg(self, angle_deg: float, sd_deg: float) -> float:
        learned_deg = self._correction.error_deg(angle_deg, sd_deg) / NORMAL_95
        return float(np.sqrt(learned_deg**2 + self._view_sd_deg**2 + self._misfit_sd_deg**2))


class Weighed:
    """The angle by both readings, each weighed by its error; the network's share fades when it cannot read the leg."""

    def __init__(self) -> None:
        self._time_s = -math.inf
        self._offset_deg, self._offset_sd_deg, self._at_deg, self._doubt = 0.0, math.inf, 0.0, 1.0

    def expected_deg(self, mediapipe_deg: float, legnet_deg: float) -> float:
        """Return what the network says, or would by what it said last, deg."""
        return legnet_deg if math.isfinite(legnet_deg) else mediapipe_deg + self._offset_deg

    def update(self, time_s: float, mediapipe: tuple[float, float], legnet: tuple[float, float]) -> tuple[float, float]:
        """Return angle and standard error, deg, from those of both readings; without a network the pose model's own.

        What the network had to say against the pose model holds for a while after it was last heard, so that the angle does
        not jump; how far it may be off by then grows with the time.
        """
        step_s, self._time_s = max(time_s - self._time_s, 0.0), time_s
        angle_deg, sd_deg = mediapipe
        if math.isfinite(legnet[0]) and math.isfinite(angle_deg):
            self._offset_deg, self._offset_sd_deg, self._at_deg = legnet[0] - angle_deg, legnet[1], angle_deg
            self._doubt = max(1.0, abs(self._offset_deg) / (AGREE_SD * math.hypot(sd_deg, legnet[1])))
        elif math.isfinite(self._offset_sd_deg):
            self._offset_sd_deg += UNHEARD_SD_DEG_PER_S * min(step_s, 10.0)
            self._doubt = 1 + (self._doubt - 1) * math.exp(-step_s / UNHEARD_DOUBT_S)
        if not math.isfinite(self._offset_sd_deg) or not math.isfinite(angle_deg):
            return angle_deg, sd_deg
        sd_deg *= self._doubt
        legnet_sd_deg = math.hypot(self._offset_sd_deg, UNHEARD_SHARE * (angle_deg - self._at_deg))
        share = sd_deg**2 / (sd_deg**2 + legnet_sd_deg**2)
        return angle_deg + share * self._offset_deg, sd_deg * legnet_sd_deg / math.hypot(sd_deg, legnet_sd_deg)


_ACROSS = [[getattr(LEGS[side], part) for side in Side] for part in ("hip", "shoulder")]


class RollMeasure:
    """Stretches: an index of how far the trunk has rolled, good for counting and timing only.

    It is how far the lines between the hips and between the shoulders have moved in the picture since neutral, both together, in
    hundredths of a trunk: the pelvis takes the shoulders along, and their line is seen to move two to three times as far and
    without jumps, where the pose model's hips are covered by the thighs. Which way it goes depends on the camera place, so it
    takes its sign from the drill. The leg that lies below is the one stretched.
    """

    def __init__(self, neutral: NeutralPose, side: Side, drill: Drill) -> None:
        self._sign = drill.directions[0].sign
        self._zero = self._lines(neutral.image_px)
        points = neutral.image_px
        trunk = sum(points[leg.shoulder] - points[leg.hip] for leg in LEGS.values()) / 2
        self._length = float(np.hypot(*trunk))
        self.neutral_angle_deg = 0.0
        self.view: dict[str, float] = {}
        self.advice = self.problem = self.floor_moved = ""
        self.about = About.POSITION
        if not self._length > 0:
            self.problem = Reason.NO_TRUNK
        elif points[LEGS[side].hip][1] < points[LEGS[side.other].hip][1]:
            self.problem = Reason.LEG_ON_TOP.of(side=side)

    @staticmethod
    def _lines(image_px: np.ndarray) -> np.ndarray:
        return np.concatenate([image_px[ends[0]] - image_px[ends[1]] for ends in _ACROSS])

    def read(self, pose: Pose, pelvis_deg: float = 0.0) -> Reading:
        """Return the index; only `angle_deg` is there, and an index has no error in degrees."""
        moved = float(np.linalg.norm(self._lines(pose.image_px) - self._zero)) / self._length
        index_deg = self._sign * 100 * moved
        return Reading(angle_deg=index_deg, reason="" if np.isfinite(index_deg) else Reason.NO_TRUNK)


def make_measure(
    neutral: NeutralPose, side: Side, drill: Drill, calibration: Calibration | None = None, correct: bool = True
) -> RotationMeasure:
    """Return the measure of a drill, made from its neutral pose."""
    if drill.measure is Measure.ROLL:
        return RollMeasure(neutral, side, drill)
    measure = LegMeasure(neutral, side, drill, calibration, correct)
    if measure.problem and drill.posture.record.lying and (turn := _wrong_way_up(measure, neutral, drill)):
        measure.problem, measure.about = turn, About.POSITION
    return measure


def wrong_way_up(turn_deg: int) -> str:
    """Return what to say of a picture that must be turned clockwise by so many degrees."""
    return (Reason.UPSIDE_DOWN if turn_deg == 180 else Reason.ON_ITS_SIDE).of(turn=turn_deg)


def _wrong_way_up(measure: LegMeasure, neutral: NeutralPose, drill: Drill) -> str:
    """Return how the picture must be turned if the legs of somebody who lies fit only then; empty if they never do."""
    stance = drill.posture.record.stance
    assert stance is not None
    misfits: dict[int, float] = {}
    image_px, size_px = neutral.image_px, neutral.size_px
    for turn_deg in TURNS_DEG:
        image_px = np.stack([size_px[1] - 1 - image_px[:, 1], image_px[:, 0]], axis=1)
        size_px = size_px[::-1]
        fit = NeutralLeg(image_px, size_px, measure.side, stance, Calibration())
        low, high = stance.pitch_limits_deg
        if low <= fit.pitch_deg <= high and abs(fit.turn_deg) <= TURNED_TOO_FAR_DEG:
            misfits[turn_deg] = fit.misfit
    best = min(misfits, key=lambda turn_deg: misfits[turn_deg], default=0)
    most = min(stance.misfit_at_most, measure.view["misfit"] / TURNED_FITS_BETTER)
    return wrong_way_up(best) if best and misfits[best] <= most else ""


def floor_misfit(floor: Floor, pitch_deg: float, pitch_sd_deg: float, roll_deg: float) -> str:
    """Return a reason if a floor profile does not fit the tilt that the person shows, beyond both errors; empty if it does.

    Parameters
    ----------
    floor : Floor
        As calibrated.
    pitch_deg, pitch_sd_deg : float
        How far the camera looks down according to the person, with its standard error.
    roll_deg : float
        How far the picture leans according to the person.
    """
    known = (
        (Reason.FLOOR_PITCH, floor.pitch_deg, pitch_deg, pitch_sd_deg),
        (Reason.FLOOR_ROLL, floor.roll_deg, roll_deg, PERSON_ROLL_SD_DEG),
    )
    for reason, then_deg, now_deg, sd_deg in known:
        if abs(now_deg - then_deg) > MOVED_SD * float(np.hypot(floor.tilt_sd_deg, sd_deg)):
            return reason.of(then=f"{then_deg:.0f}", now=f"{now_deg:.0f}")
    return ""


def _zero_deg(model: LegModel, neutral: Measurements) -> float:
    """Return how far the leg is turned in the neutral pose; NaN if its fit ran away, as it may for what is no leg."""
    try:
        return model.read(0.0, neutral).rotation_deg
    except np.linalg.LinAlgError:
        return float("nan")


def _lean_deg(neutral: NeutralPose) -> float:
    """Return how far the camera looks down according to the hanging shanks in the world landmarks, deg (right to about 4)."""
    shanks = [neutral.world_m[leg.ankle] - neutral.world_m[leg.knee] for leg in LEGS.values()]
    leans = [np.degrees(np.arctan2(shank[2], shank[1])) for shank in shanks if np.isfinite(shank).all()]
    return float(np.clip(np.mean(leans), -40, 40)) if leans else float("nan")


def _wrap(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0
