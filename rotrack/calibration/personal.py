"""How much of a turn the leg model reads on one person's feet: holds found in the readings, and the gain that follows.

Pure: readings in, holds and gain out. The person stands with the foot along the 0 degree ray (that is the neutral pose), then
lays it flat along 30 and 45 degrees outward, two seconds each.

The share of the turn that is read depends on how long the foot is against the shank, which both feet have in common, and on the
pictures, which differ between the feet without meaning anything for a drill. So the gain is one for both feet, relative to the
share of an average person, and the surer the more feet were measured.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from rotrack.core.errors import CalibrationError
from rotrack.core.model import Side
from rotrack.kinematics.camera import Gain

RAYS_DEG = (-30.0, -45.0)
"""Where the foot is laid after 0, internal positive."""
HOLD_S = 2.0
"""How long a hold must last."""
WANDER_DEG = 2.0
"""A hold whose readings drift further than this is no hold."""
WITHIN_DEG, WITHIN_SHARE = 4.0, 0.9
"""Nor is one unless this share of the readings lies within so many degrees of their median."""
APART_DEG = 8.0
"""A new hold is at least so far from the one before."""
KNOWN_SHARE = 0.8
"""Share of the time in which there must be a reading."""
SHARE_WITHIN = (0.4, 1.6)
LARGEST_RESIDUAL_DEG = 6.0
AVERAGE_SHARE = 0.76
"""What the leg model reads of a flat foot's turn on an average person (rendered people, docs/calibration.md)."""
PERSON_SD, FOOT_SD = 0.08, 0.08
"""How much that share differs between people, and by how much one foot's is off by chance; relative."""
FEET_DIFFER_SD = 3.0


@dataclass(frozen=True, slots=True)
class Hold:
    """A foot that lay still.

    Parameters
    ----------
    target_deg : float
        The ray that it lay on, internal positive.
    read_deg : float
        Median of the readings.
    from_s, to_s : float
        When.
    """

    target_deg: float
    read_deg: float
    from_s: float
    to_s: float


class HoldFinder:
    """Finds the holds of one leg, in order, in its readings.

    Parameters
    ----------
    side : Side
        The leg, for messages.
    targets_deg : tuple of float
        The rays after 0, deg, internal positive.
    """

    def __init__(self, side: Side, targets_deg: tuple[float, ...] = RAYS_DEG) -> None:
        self.side, self.targets_deg = side, targets_deg
        self.holds: list[Hold] = []
        self._window: deque[tuple[float, float]] = deque()
        self.now_deg = float("nan")
        self.steady_s = 0.0

    @property
    def done(self) -> bool:
        """Whether all holds were found."""
        return len(self.holds) == len(self.targets_deg)

    @property
    def next_deg(self) -> float | None:
        """The ray that the foot is to be laid on now; None when done."""
        return None if self.done else self.targets_deg[len(self.holds)]

    def update(self, time_s: float, reading_deg: float) -> Hold | None:
        """Take a reading (NaN if there is none), in order of time; return a hold when one is complete.

        Raises
        ------
        CalibrationError
            When a hold is in the wrong direction or reads less than the one before.
        """
        if self.done:
            return None
        self._window.append((time_s, reading_deg))
        while len(self._window) > 1 and time_s - self._window[1][0] >= HOLD_S - 1e-6:
            self._window.popleft()
        self.now_deg = reading_deg
        times, readings = np.array(self._window).T
        self.steady_s = self._steady_s(times, readings)
        if self.steady_s < HOLD_S - 1e-6:
            return None
        read = float(np.nanmedian(readings))
        before = self.holds[-1].read_deg if self.holds else 0.0
        if abs(read - before) < APART_DEG or abs(read) < APART_DEG:  # still on the ray before, or back at 0
            return None
        self._refuse_wrong_way(read, before)
        hold = Hold(self.targets_deg[len(self.holds)], read, float(times[0]), float(time_s))
        self.holds.append(hold)
        self._window.clear()
        self.steady_s = 0.0
        return hold

    def _refuse_wrong_way(self, read: float, before: float) -> None:
        if read > 0:
            raise CalibrationError(
                f"The {self.side} foot was held {read:.0f} degrees turned in, but the rays go outwards: check that the page of "
                f"the {self.side} foot lies under the {self.side} foot, and begin again."
            )
        if read > before:
            raise CalibrationError(
                f"The {self.side} foot reads {-read:.0f} degrees out after {-before:.0f}: lay it along 0, then 30, then 45 "
                "degrees, in this order, and begin again."
            )

    @staticmethod
    def _steady_s(times: np.ndarray, readings: np.ndarray) -> float:
        """Return for how long, up to now, the readings have been steady, s; at most the length of the window."""
        for start in np.flatnonzero(times <= times[-1] - 0.3)[:: max(1, len(times) // 8)]:
            part = readings[start:]
            known = np.isfinite(part)
            if len(part) < 5 or known.mean() < KNOWN_SHARE:
                continue
            thirds = [np.median(p) for p in np.array_split(part[known], 3)]
            near = np.abs(part[known] - np.median(part[known])) < WITHIN_DEG
            if max(thirds) - min(thirds) < WANDER_DEG and near.mean() >= WITHIN_SHARE:
                return float(times[-1] - times[start])
        return 0.0


@dataclass(frozen=True, slots=True)
class Foot:
    """What the holds of one foot say.

    Parameters
    ----------
    share : float
        Degrees read per true degree.
    residual_deg : float
        What one share leaves over, true degrees.
    """

    share: float
    residual_deg: float


def fit_foot(holds: list[Hold], side: Side) -> Foot:
    """Return the share that fits the holds of a foot best, through zero, by least squares.

    Raises
    ------
    CalibrationError
        If there is no hold, or the share is implausible.
    """
    if not holds:
        raise CalibrationError(
            f"No hold of the {side} foot was found: lay it flat along each ray and keep it there for two seconds."
        )
    true, read = (np.array([getattr(hold, name) for hold in holds]) for name in ("target_deg", "read_deg"))
    share = float(true @ read / (true @ true))
    low, high = SHARE_WITHIN
    if not low <= share <= high:
        raise CalibrationError(
            f"The {side} foot read {', '.join(f'{-r:.0f}' for r in read)} degrees on the rays of "
            f"{', '.join(f'{-t:.0f}' for t in true)}, which is implausible; place the camera in front, with the feet well in "
            "view, and begin again."
        )
    residual = float(np.sqrt(((true - read / share) ** 2).sum() / max(len(holds) - 1, 1)))
    if residual > LARGEST_RESIDUAL_DEG:
        raise CalibrationError(
            f"The readings of the {side} foot do not fit one gain (they miss by {residual:.0f} degrees): keep heel and toes on "
            "the floor and the foot on its ray, and begin again."
        )
    return Foot(share, residual)


def gain_of(feet: dict[Side, Foot]) -> dict[Side, Gain]:
    """Return the gain of a person, the same for both legs, from one foot or both.

    It is moved towards 1 to allow for the chance error of the share, which depends on the number of feet.

    Raises
    ------
    CalibrationError
        If the feet differ by more than chance.
    """
    shares = np.log([foot.share for foot in feet.values()])
    if np.ptp(shares) > FEET_DIFFER_SD * np.sqrt(2) * FOOT_SD:
        read = " and ".join(f"{foot.share:.0%} of the turn of the {side} foot" for side, foot in feet.items())
        raise CalibrationError(
            f"The two feet read too differently ({read}): stand straight before the camera, lay each foot on its own page, and "
            "begin again."
        )
    sure = PERSON_SD**2 / (PERSON_SD**2 + FOOT_SD**2 / len(feet))
    gain = float(np.exp(sure * (np.log(AVERAGE_SHARE) - shares.mean())))
    worst_deg = max(foot.residual_deg for foot in feet.values())
    return {side: Gain(gain, 0.0, feet[side].residual_deg if side in feet else worst_deg) for side in Side}
