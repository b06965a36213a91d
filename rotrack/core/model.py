"""The data types that travel between the stages, and the names of the landmarks.

All types are frozen; arrays in them are read-only. Missing numbers are NaN, with a reason (see `reasons`). Hip rotation is
in degrees, internal rotation positive, external negative, for both legs; a side is always the subject's own side. Times are
seconds from the start of the recording. Pixels follow OpenCV: x right, y down, the centre of the first pixel is (0, 0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from rotrack.core.errors import InputError
from rotrack.core.messages import Sentence

CONVENTION_VERSION = "2"
"""Version of signs, zero and measures; a number is comparable only with numbers of the same convention version.

1: image angles per drill. 2: the leg model for all drills, detector correction, error of every number."""

MEASURE_VERSION = "3"
"""Version of what reads the angle within a convention: pose model's landmarks, leg network, leg model, detector correction. It
changes when the numbers do, although signs and zero stay."""
UNCORRECTED = " uncorrected"
"""Stands behind the measure version of what was measured without the detector correction."""
WITHOUT_LEGNET = " without leg network"
"""Stands behind it, and last, where the leg network was not asked."""


def version_said(version: str) -> Sentence:
    """Return a measure version in words, what stands behind its number as it is logged."""
    number = version.removesuffix(WITHOUT_LEGNET)
    bare = number.removesuffix(UNCORRECTED)
    template = "{n}" + (UNCORRECTED if bare != number else "") + (WITHOUT_LEGNET if number != version else "")
    return Sentence(template, n=bare)


LANDMARK_NAMES = (
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear right_ear mouth_left "
    "mouth_right left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_pinky right_pinky left_index "
    "right_index left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle left_heel right_heel "
    "left_toe right_toe"
).split()
"""The 33 landmarks in the order of the pose model (its "foot index" is called toe here)."""

N_LANDMARKS = len(LANDMARK_NAMES)


class Side(StrEnum):
    """The subject's own side."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Direction(StrEnum):
    """Direction of an excursion from neutral."""

    INTERNAL = "internal"
    EXTERNAL = "external"

    @property
    def sign(self) -> int:
        """+1 for internal, -1 for external rotation."""
        return 1 if self is Direction.INTERNAL else -1

    @staticmethod
    def of(angle_deg: float) -> Direction:
        """Direction of a signed angle in degrees."""
        return Direction.INTERNAL if angle_deg > 0 else Direction.EXTERNAL


class Leg(NamedTuple):
    """Landmark indices of one leg; `shoulder` is the shoulder above it."""

    shoulder: int
    hip: int
    knee: int
    ankle: int
    heel: int
    toe: int


LEGS = {side: Leg(*(LANDMARK_NAMES.index(f"{side}_{part}") for part in Leg._fields)) for side in Side}
"""Landmark indices per side; left and right pairs, drawing and mirroring all derive from the names."""

SWAPPED = np.array(
    [
        LANDMARK_NAMES.index(name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right"))
        for name in LANDMARK_NAMES
    ]
)
"""Index of each landmark's partner on the other side, int, shape (33,)."""
SWAPPED.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture with its time.

    Parameters
    ----------
    index : int
        Number of the frame in its source, from 0.
    time_s : float
        Presentation time (file) or time of the grab (camera), s from the start.
    rgb : numpy.ndarray, shape (H, W, 3), uint8
        The picture in RGB order, never mirrored.
    """

    index: int
    time_s: float
    rgb: np.ndarray


@dataclass(frozen=True, slots=True)
class LegCrop:
    """What the leg network says of one leg in one frame.

    Its directions are in the frame of the ray through the middle of the crop: z along the ray, x and y as near to the picture's
    right and down as that allows. Left legs are already mirrored back.

    Parameters
    ----------
    middle_px : numpy.ndarray, shape (2,), px
        The middle of the crop.
    points_px : numpy.ndarray, shape (4, 2), px
        Heel, toe, ankle and knee in the picture.
    points_sd_px : numpy.ndarray, shape (2,), px
        Standard error of heel, toe and ankle, and of the knee.
    foot, shank : numpy.ndarray, shape (3,)
        Unit vectors from heel to toe and from ankle to knee.
    direction_sd_deg : numpy.ndarray, shape (4,), deg
        Standard errors: foot across the ray and along it, shank across and along.
    foot_px : float
        How long the foot would be in the picture, heel to toe, if it lay across the ray.
    readable, other_leg : float
        How likely the crop shows this leg and can be read, and that it shows the person's other leg; the rest is neither.
    """

    middle_px: np.ndarray
    points_px: np.ndarray
    points_sd_px: np.ndarray
    foot: np.ndarray
    shank: np.ndarray
    direction_sd_deg: np.ndarray
    foot_px: float
    readable: float
    other_leg: float

    def numbers(self) -> np.ndarray:
        """Return all of it as one row, shape (25,), in the order of the fields."""
        return np.concatenate([np.ravel(getattr(self, name)) for name in LEG_CROP_SHAPES])

    @staticmethod
    def of(numbers: np.ndarray) -> LegCrop:
        """Return the crop of a row, shape (25,)."""
        parts: dict[str, Any] = {}
        at = 0
        for name, shape in LEG_CROP_SHAPES.items():
            size = int(np.prod(shape))
            part = np.array(numbers[at : at + size], float).reshape(shape)
            part.setflags(write=False)
            parts[name] = part if shape else float(part)
            at += size
        return LegCrop(**parts)


LEG_CROP_SHAPES: dict[str, tuple[int, ...]] = {
    "middle_px": (2,),
    "points_px": (4, 2),
    "points_sd_px": (2,),
    "foot": (3,),
    "shank": (3,),
    "direction_sd_deg": (4,),
    "foot_px": (),
    "readable": (),
    "other_leg": (),
}
"""Shapes of the fields of `LegCrop`, in the order of a row."""


@dataclass(frozen=True, slots=True)
class Pose:
    """The landmarks of one person in one frame.

    Parameters
    ----------
    time_s : float
        Time of the frame, s.
    size_px : tuple of int
        Width and height of the picture.
    image_px : numpy.ndarray, shape (33, 2), px
        Landmarks in the picture; NaN where out of the picture or barely visible.
    world_m : numpy.ndarray, shape (33, 3), m
        The model's own estimate in camera-like axes (x right, y down, z away), origin between the hips; a weak prior only.
    visibility : numpy.ndarray, shape (33,)
        What the model says of each landmark's visibility, 0 to 1.
    people : int
        People seen in both of the last two searches for several; 0 before them.
    reason : str
        Why there are no landmarks, as `rotrack.core.reasons` has it; empty when there are.
    legs : dict of Side to LegCrop
        What the leg network says about each leg; empty if it was not asked.
    """

    time_s: float
    size_px: tuple[int, int]
    image_px: np.ndarray
    world_m: np.ndarray
    visibility: np.ndarray
    people: int = 0
    reason: str = ""
    legs: dict[Side, LegCrop] = field(default_factory=dict)


def make_pose(
    time_s: float,
    size_px: tuple[int, int],
    image_px: Mapping[str, tuple[float, float]],
    world_m: Mapping[str, tuple[float, float, float]] | None = None,
) -> Pose:
    """Return a pose made of landmarks from elsewhere: another pose model, motion capture.

    Parameters
    ----------
    time_s : float
        Time of the frame, s.
    size_px : tuple of int
        Width and height of the picture.
    image_px : mapping of str to (float, float), px
        Landmarks in the picture by name, see `LANDMARK_NAMES`. Measuring needs hips, knees, ankles, heels, toes and
        shoulders. A landmark that is not given counts as not seen.
    world_m : mapping of str to (float, float, float), m, optional
        The same in space, x right, y down, z away from the camera, from the middle of the hips.

    Raises
    ------
    InputError
        For a landmark of another name.
    """
    pose = empty_pose(time_s, size_px, "")
    for given, found in ((image_px, pose.image_px), (world_m or {}, pose.world_m)):
        for name, point in given.items():
            if name not in LANDMARK_NAMES:
                raise InputError(f"There is no landmark '{name}'. There are {', '.join(LANDMARK_NAMES)}.")
            found[LANDMARK_NAMES.index(name)] = point
    pose.visibility[np.isfinite(pose.image_px[:, 0])] = 1.0
    return pose


def empty_pose(time_s: float, size_px: tuple[int, int], reason: str, people: int = 0) -> Pose:
    """Return a pose without landmarks, with the reason why."""
    return Pose(
        time_s,
        size_px,
        np.full((N_LANDMARKS, 2), np.nan),
        np.full((N_LANDMARKS, 3), np.nan),
        np.zeros(N_LANDMARKS),
        people,
        reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Angles:
    """What is known of the rotation of one leg in one frame besides the angle that counts, deg; NaN where it is missing.

    Each is a column of `angles.csv`. A field that is added here, last, and filled where it is measured reaches the live sample
    and the log by itself.

    Parameters
    ----------
    live_deg : float
        The angle that is shown: corrected and smoothed without looking ahead.
    uncorrected_deg : float
        The leg model's rotation from neutral before the detector correction, unsmoothed.
    mediapipe_deg : float
        The rotation according to the pose model's landmarks, corrected, unsmoothed; the leg network's stand in for missing ones.
    legnet_deg : float
        The rotation according to the leg network, unsmoothed; NaN where it was not asked or could not read the leg.
    legnet_sd_deg : float
        Standard error of `legnet_deg`.
    raw_deg : float
        What the picture shows: the pointer's angle in the image from neutral, uncorrected and unsmoothed.
    gravity_deg : float
        What a goniometer held against gravity would read, unsmoothed; NaN where gravity shows no rotation.
    pelvis_deg : float
        Pelvic roll that was taken out of the angle, in the sense of the angle (+ adds to internal rotation).
    uncertainty_deg : float
        95 % half width of the angle that counts.
    """

    live_deg: float = math.nan
    uncorrected_deg: float = math.nan
    mediapipe_deg: float = math.nan
    legnet_deg: float = math.nan
    legnet_sd_deg: float = math.nan
    raw_deg: float = math.nan
    gravity_deg: float = math.nan
    pelvis_deg: float = math.nan
    uncertainty_deg: float = math.nan

    def angles(self, **known_deg: float) -> dict[str, float]:
        """Return them by name, to hand them on, with those that are known by now."""
        return {name: getattr(self, name) for name in ANGLES} | known_deg


ANGLES = tuple(f.name for f in fields(Angles))
"""Names of the fields of `Angles`, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSample(Angles):
    """The rotation of one leg in one frame, as shown live; `live_deg` is what is shown.

    Parameters
    ----------
    time_s : float
        Time of the frame, s.
    side : Side
        The leg.
    corrected_deg : float
        `live_deg` before smoothing; NaN with a reason.
    reason : str
        Why there is no angle, a code of which `rotrack.words` makes words; empty when there is one.
    """

    time_s: float
    side: Side
    corrected_deg: float = math.nan
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint(Angles):
    """One row of the angle curve, settled a second after the live sample.

    Parameters
    ----------
    time_s : float
        Time of the frame, s.
    side : Side
        The leg.
    angle_deg : float
        Corrected angle after the zero-lag filter; NaN with a reason.
    zero_deg : float
        Position of the zero of `angle_deg` relative to the neutral pose, deg.
    reason : str
        Why `angle_deg` is missing, a code of which `rotrack.words` makes words.
    """

    time_s: float
    side: Side
    angle_deg: float = math.nan
    zero_deg: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rep:
    """One excursion from neutral in one direction.

    Parameters
    ----------
    side : Side
        The leg.
    direction : Direction
        Internal or external.
    rep : int
        Number of the repetition on this side; the two excursions of a combined repetition share it.
    valid : bool
        Whether it may enter the session value.
    peak_deg : float
        Signed peak of the zero-lag curve: median of the best 0.2 s.
    uncertainty_deg : float
        95 % half width of `peak_deg`.
    gravity_deg : float
        What a goniometer held against gravity would read at the peak; NaN where gravity shows no rotation.
    fit_sd_deg : float
        Standard error of the leg model's fit to the pose model's landmarks at the peak, a part of that reading's error.
    live_peak_deg : float
        Signed peak as it was shown live.
    range_deg : float
        Distance from the rest before it to the peak.
    start_s, peak_s, end_s : float
        Times at which the leg left the rest, was in the middle of the peak plateau, and was half of the way back, s.
    hold_s : float
        How long the peak was held, s: the time near the peak, without the slow ends of the turns to it and from it.
    faults : tuple of str
        Letters of the faults that exceeded their limit.
    reason : str
        Why it is not valid, or what to know about it, codes of which `rotrack.words` makes words; may be empty.
    visibility : float
        Lowest visibility of the landmarks that were needed, averaged over the repetition.
    dropped : bool
        Whether the person excluded it afterwards. It stays in the log but does not enter the session value.
    speed_deg_s : float
        Mean speed of the way out, from a fifth of it to four fifths.
    """

    side: Side
    direction: Direction
    rep: int
    valid: bool
    peak_deg: float
    uncertainty_deg: float
    gravity_deg: float
    fit_sd_deg: float
    live_peak_deg: float
    range_deg: float
    start_s: float
    peak_s: float
    end_s: float
    hold_s: float
    faults: tuple[str, ...]
    reason: str
    visibility: float
    dropped: bool = False
    speed_deg_s: float = math.nan


REP_DECIMALS = {
    "peak_deg": 2,
    "live_peak_deg": 2,
    "range_deg": 2,
    "start_s": 3,
    "peak_s": 3,
    "end_s": 3,
    "hold_s": 2,
    "visibility": 3,
    "uncertainty_deg": 2,
    "gravity_deg": 2,
    "speed_deg_s": 1,
}
"""How exact a repetition is, from its beginning: so that window, page and log round the same numbers further."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A movement that was seen but is not a repetition, with the reason: too small, other direction, lost from view."""

    side: Side
    direction: Direction
    start_s: float
    end_s: float
    peak_deg: float
    reason: str


@dataclass(frozen=True, slots=True)
class NeutralTaken:
    """The neutral pose of one leg, which is the zero of its angle.

    Parameters
    ----------
    side : Side
        The leg.
    from_s, to_s : float
        The still time that it was taken from.
    image_angle_deg : float
        The pointer's angle in the picture at neutral, against the measure's own reference.
    view : dict of str to float
        What the measure found out about the camera (`turn_deg`, `camera_pitch_deg`, `camera_roll_deg`, `misfit`); may be empty.
    advice : str
        What to change about the camera, as `rotrack.core.reasons` has it; empty when it stands well.
    """

    side: Side
    from_s: float
    to_s: float
    image_angle_deg: float
    view: dict[str, float]
    advice: str


@dataclass(frozen=True, slots=True)
class ZeroCourse:
    """Where the zero of one leg lies against its neutral pose, because it rested elsewhere.

    Parameters
    ----------
    side : Side
        The leg.
    from_s, to_s : float
        The time of the neutral pose.
    times_s, levels_deg : tuple of float
        Where the zero was when, straight in between; one pair if it stayed.
    sd_deg : float
        Standard error of the levels.
    """

    side: Side
    from_s: float
    to_s: float
    times_s: tuple[float, ...]
    levels_deg: tuple[float, ...]
    sd_deg: float

    def at(self, time_s: float) -> float:
        """Return where the zero was at a time, deg."""
        return float(np.interp(time_s, self.times_s, self.levels_deg))


@dataclass(frozen=True, slots=True)
class Step:
    """All that one frame produced.

    Parameters
    ----------
    pose : Pose
        The landmarks.
    samples : dict of Side to RotationSample
        The live angle per measured side.
    curve : tuple of CurvePoint
        Rows of the curve that have settled.
    reps : tuple of Rep
        Repetitions that are complete.
    revised : tuple of Rep
        Repetitions of earlier steps that have changed: their zero moved, or later ones show that they are partial or do not
        count.
    zeros : tuple of ZeroCourse
        New positions of zeros that moved in this step.
    apart : tuple of Apart
        Movements that ended and are not repetitions.
    neutrals : tuple of NeutralTaken
        Neutral poses taken in this frame.
    moving : frozenset of Side
        Sides that are away from neutral now.
    cues : dict of Side to str
        The cue about the most important fault of each side; only for sides with a fault.
    still_s : dict of Side to float
        For how long each measured side has been still while its neutral pose is being taken, s; NaN once it is taken.
    """

    pose: Pose
    samples: dict[Side, RotationSample]
    curve: tuple[CurvePoint, ...] = ()
    reps: tuple[Rep, ...] = ()
    revised: tuple[Rep, ...] = ()
    zeros: tuple[ZeroCourse, ...] = ()
    apart: tuple[Apart, ...] = ()
    neutrals: tuple[NeutralTaken, ...] = ()
    moving: frozenset[Side] = frozenset()
    cues: dict[Side, str] | None = None
    still_s: dict[Side, float] = field(default_factory=dict)
