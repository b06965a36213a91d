"""Faults: what else moved besides the hip's rotation, and by how much, read from all that is seen of both legs and the shoulders.

A thigh that leaves its place, a pelvis that rolls, a knee that bends: each moves many landmarks a little, in each posture in its
own way. How, and how much the landmarks move by themselves, was learned from made people who do each drill with faults of known
sizes and are seen with the measured errors of the models (training/compensation.py). `compensation.npz` keeps what was learned,
per posture, and apart where both legs turn on the feet: the second moments of what is seen and of the sizes. The size of a fault
follows from whatever is seen in a frame by the best linear reading of that; where too little is seen for it, there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from rotrack.core.drills import Drill
from rotrack.core.model import LEGS, LegCrop, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics.crops import readable
from rotrack.kinematics.rotation import NeutralPose

FILE = "compensation.npz"
PARTS = ("shoulder", "hip", "knee", "ankle", "heel", "toe")
"""Landmarks of either side, the measured one first."""
RIDGE = 1e-3
"""Keeps a reading from leaning on tiny differences; shares of the variance of what is seen."""
SHOWN_SHARE = 0.8
"""A reading from what is seen now is none if it shows a smaller share of a fault's variance than this of what all of it shows."""
AT_PEAK_S = 0.5
"""A fault of a repetition is as large as around its peak, for that is where the angle is read: the median over this time."""
LONG = (((0, 1), 1.05), ((1, 7), 0.47), ((1, 2), 0.9), ((2, 3), 1.0), ((7, 8), 0.9), ((8, 9), 1.0))
"""Segments that may show the length of a shank in the picture, whichever is foreshortened least: places in the list of landmarks
(trunk, hips, thighs and shanks), and lengths in shanks."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of one posture.

    Parameters
    ----------
    names : tuple of str
        What the columns of `cross` are: the letter of a fault, with a plus behind it where only what goes that way is one.
    scale : numpy.ndarray, shape (f,)
        Standard deviations of what is seen.
    seen : numpy.ndarray, shape (f, f)
        Second moments of what is seen, in these.
    cross : numpy.ndarray, shape (f, k)
        Second moments with the sizes, in their units.
    """

    names: tuple[str, ...]
    scale: np.ndarray
    seen: np.ndarray
    cross: np.ndarray

    @property
    def letters(self) -> frozenset[str]:
        """The faults."""
        return frozenset(name[0] for name in self.names)

    def weights(self, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how to read the sizes from what is known, (f, k), and how much of their variance that shows, (k,)."""
        weights = np.zeros_like(self.cross)
        if not known.any():
            return weights, np.zeros(len(self.names))
        some, cross = self.seen[np.ix_(known, known)], self.cross[known]
        solved = np.linalg.solve(some + RIDGE * np.eye(len(some)), cross)
        weights[known] = solved / self.scale[known, None]
        return weights, np.einsum("fk,fk->k", solved, cross)


def kept_as(drill: Drill) -> str:
    """Return the name under which `FILE` keeps what was learned for a drill: its posture, and whether both legs turn standing."""
    both = drill.posture is Posture.STANDING and drill.legs == ("both",)
    return f"{drill.posture}_both" if both else str(drill.posture)


def learned_for(drill: Drill) -> Learned | None:
    """Return what was learned for a drill; None where no fault is seen."""
    return _all_learned().get(kept_as(drill))


@cache
def _all_learned() -> dict[str, Learned]:
    with resources.files(__package__).joinpath(FILE).open("rb") as file, np.load(file) as data:
        kept = [name.removesuffix(".names") for name in data.files if name.endswith(".names")]
        return {
            name: Learned(
                tuple(str(fault) for fault in data[f"{name}.names"]),
                *(data[f"{name}.{part}"].astype(float) for part in ("scale", "seen", "cross")),
            )
            for name in kept
        }


class Moved:
    """How far everything has moved since the neutral pose, as numbers without a unit; for a left leg it is mirrored.

    Parameters
    ----------
    neutral : NeutralPose
        The zero.
    side : Side
        The leg that is measured.
    """

    def __init__(self, neutral: NeutralPose, side: Side) -> None:
        self._legs = (side, side.other)
        self._points = [getattr(LEGS[leg], part) for leg in self._legs for part in PARTS]
        self._mirror = np.array([1.0 if side is Side.RIGHT else -1.0, 1.0, 1.0])
        self._zero_px, self._pointing = neutral.image_px[self._points], self._directions(neutral.legs)
        lengths = [float(np.hypot(*(self._zero_px[a] - self._zero_px[b]))) / shanks for (a, b), shanks in LONG]
        self._shank_px = max((length for length in lengths if math.isfinite(length)), default=math.nan)

    def _directions(self, crops: Mapping[Side, LegCrop]) -> np.ndarray:
        """Return foot and shank of both legs as the leg network sees them, shape (12,); NaN where it does not."""
        told = np.full((4, 3), np.nan)
        for k, leg in enumerate(self._legs):
            crop = crops.get(leg)
            if crop is not None and readable(crop):
                told[2 * k : 2 * k + 2] = crop.foot, crop.shank
        return (told * self._mirror).ravel()

    def numbers(self, pose: Pose) -> np.ndarray:
        """Return them for a pose, shape (48,): landmarks, directions, and the squares of what turns; NaN where not seen."""
        moved = (pose.image_px[self._points] - self._zero_px) * self._mirror[:2] / self._shank_px
        turned = self._directions(pose.legs) - self._pointing
        foot, shank = moved[5] - moved[3], moved[3] - moved[2]
        squares = [x for way in (foot, shank) for x in (way[0] ** 2, way[0] * way[1], way[1] ** 2)]
        return np.concatenate([moved.ravel(), turned, squares, turned[:6] ** 2])


class Compensation:
    """The size of every fault that is seen in a drill, frame by frame.

    Parameters
    ----------
    neutral : NeutralPose
        The zero.
    side : Side
        The leg that is measured.
    drill : Drill
        What is done.
    """

    def __init__(self, neutral: NeutralPose, side: Side, drill: Drill) -> None:
        self._moved, self._learned = Moved(neutral, side), learned_for(drill)
        self._readings: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
        self._least = SHOWN_SHARE * self._learned.weights(np.ones(len(self._learned.scale), bool))[1] if self._learned else 0.0

    def sizes(self, pose: Pose) -> dict[str, float]:
        """Return how far each fault has gone, by its letter, in its unit and with its sign; NaN where too little is seen."""
        if self._learned is None:
            return {}
        numbers = self._moved.numbers(pose)
        known = np.isfinite(numbers)
        pattern = known.tobytes()
        if pattern not in self._readings:
            weights, shown = self._learned.weights(known)
            self._readings[pattern] = weights, np.where(shown >= self._least, 1.0, np.nan)
        weights, enough = self._readings[pattern]
        found = (np.where(known, numbers, 0.0) @ weights) * enough
        return {
            name[0]: max(size, 0.0) if name.endswith("+") else size for name, size in zip(self._learned.names, found, strict=True)
        }


def size_at_peak(sizes: Sequence[tuple[float, Mapping[str, float]]], letter: str, peak_s: float) -> float:
    """Return how large a fault is around a peak, without sign; NaN where it is not seen there.

    Parameters
    ----------
    sizes : sequence of (float, mapping of str to float)
        Times and what `Compensation.sizes` said then.
    letter : str
        The fault.
    peak_s : float
        When the peak is.
    """
    near = [found.get(letter, math.nan) for t, found in sizes if abs(t - peak_s) <= AT_PEAK_S / 2]
    known = [size for size in near if math.isfinite(size)]
    return abs(float(np.median(known))) if known else math.nan
