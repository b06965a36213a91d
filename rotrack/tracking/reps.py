"""From the angle of one leg to repetitions: excursions from neutral found live, then measured on the zero-lag curve.

`ExcursionFinder` sees the live angle and says when an excursion is over; `measure_excursion` takes its peak, range and hold from
the settled curve; `RepNumbers` numbers repetitions and joins the two excursions of a combined one. Thresholds are in seconds
and degrees only.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rotrack.model import Direction

ENTRY_SHARE = 0.4
"""An excursion counts from this share of the usual peak."""
MIN_REP_S = 0.4
REFRACTORY_S = 0.3
"""After an excursion the same direction starts again only after this time."""
LOST_S = 0.5
"""An excursion that is out of sight for longer is given up."""
PLATEAU_S = 0.2
"""Length of the best stretch of which the peak is the median."""
HOLD_SHARE = 0.9
"""A hold is the time around the peak at more than this share of it."""
PAIR_GAP_S = 1.5
"""Longest rest between the two excursions of a combined repetition."""
_GRID_S = 1 / 60
_USUAL_OF = 5


class Ending(StrEnum):
    """Why an excursion is over."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Excursion:
    """An excursion as the live angle showed it."""

    direction: Direction
    from_s: float
    to_s: float
    live_peak_deg: float
    leave_deg: float
    ending: Ending


class ExcursionFinder:
    """Adaptive hysteresis on the live angle of one leg.

    An excursion counts from max(min_entry, 40 % of the usual peak) and is over below half of that; the usual peak is the
    median of the last five in that direction, or the present one while it is larger.

    Parameters
    ----------
    min_entry_deg : float
        Smallest excursion that counts.
    """

    def __init__(self, min_entry_deg: float) -> None:
        self._min_entry_deg = min_entry_deg
        self._peaks = {d: deque[float](maxlen=_USUAL_OF) for d in Direction}
        self._ended_s = dict.fromkeys(Direction, -math.inf)
        self._seen_s = -math.inf
        self._direction: Direction | None = None
        self._lost: Direction | None = None
        self._from_s = self._peak_deg = 0.0

    @property
    def away(self) -> bool:
        """Whether the leg is in an excursion that is large enough to count."""
        return self._direction is not None and self._peak_deg >= self._entry_deg(self._direction)

    def _entry_deg(self, direction: Direction, present_deg: float = 0.0) -> float:
        peaks = self._peaks[direction]
        usual_deg = max(float(np.median(peaks)) if peaks else 0.0, present_deg)
        return max(self._min_entry_deg, ENTRY_SHARE * usual_deg)

    def update(self, time_s: float, live_deg: float) -> Excursion | None:
        """Take the next live angle; NaN means out of sight. Return the excursion that ended, if one did."""
        if not math.isfinite(live_deg):
            lost = self._direction is not None and time_s - self._seen_s > LOST_S
            return self._end(time_s, Ending.LOST) if lost else None
        ended = None
        if self._direction is not None:
            if time_s - self._seen_s > LOST_S:
                ended = self._end(self._seen_s, Ending.LOST)
            else:
                moved_deg = live_deg * self._direction.sign
                self._peak_deg = max(self._peak_deg, moved_deg)
                if moved_deg < self._entry_deg(self._direction, self._peak_deg) / 2:
                    ended = self._end(time_s)
        self._seen_s = time_s
        if self._direction is None:
            direction = Direction.of(live_deg)
            if abs(live_deg) < self._entry_deg(direction) / 2 or direction is not self._lost:
                self._lost = None
            rested = self._lost is None and time_s - self._ended_s[direction] >= REFRACTORY_S
            if rested and abs(live_deg) >= self._entry_deg(direction) / 2:
                self._direction, self._from_s, self._peak_deg = direction, time_s, abs(live_deg)
        return ended

    def finish(self) -> Excursion | None:
        """Return the excursion that the end of the recording cut off, if it was large enough to count."""
        return self._end(self._seen_s, Ending.LOST) if self._direction is not None else None

    def accept(self, direction: Direction, peak_deg: float) -> None:
        """Learn the usual peak from a repetition that counted."""
        self._peaks[direction].append(abs(peak_deg))

    def _end(self, time_s: float, ending: Ending | None = None) -> Excursion | None:
        direction, self._direction = self._direction, None
        assert direction is not None
        self._lost = direction if ending is Ending.LOST else None
        if self._peak_deg < self._min_entry_deg:
            return None
        self._ended_s[direction] = time_s
        complete = self._peak_deg >= self._entry_deg(direction)
        return Excursion(
            direction,
            self._from_s,
            time_s,
            direction.sign * self._peak_deg,
            self._entry_deg(direction, self._peak_deg) / 2,
            ending or (Ending.COMPLETE if complete else Ending.PARTIAL),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """An excursion measured on the zero-lag curve; degrees signed, seconds."""

    peak_deg: float
    range_deg: float
    start_s: float
    peak_s: float
    end_s: float
    hold_s: float


def measure_excursion(time_s: np.ndarray, angle_deg: np.ndarray, excursion: Excursion) -> Measured | None:
    """Measure an excursion on the zero-lag curve.

    Parameters
    ----------
    time_s, angle_deg : numpy.ndarray, shape (n,)
        The zero-lag curve from before the excursion to its end; NaN where missing.
    excursion : Excursion
        What the live angle showed.

    Returns
    -------
    Measured or None
        None if the curve holds nothing of it.
    """
    known = np.isfinite(angle_deg)
    if known.sum() < 2:
        return None
    times = np.arange(time_s[known][0], time_s[known][-1] + _GRID_S / 2, _GRID_S)
    moved = excursion.direction.sign * np.interp(times, time_s[known], angle_deg[known])
    inside = np.flatnonzero((times >= excursion.from_s - PLATEAU_S) & (times <= excursion.to_s))
    if not len(inside):
        return None
    width = max(1, round(PLATEAU_S / _GRID_S))
    around = np.convolve(moved, np.ones(width) / width, mode="same")
    peak = int(inside[np.argmax(around[inside])])
    plateau = moved[max(0, peak - width // 2) : peak + width // 2 + 1]
    peak_deg = float(np.median(plateau))
    start = _last(moved[:peak] < excursion.leave_deg)
    end = peak + _first(moved[peak:] < excursion.leave_deg)
    high = moved >= HOLD_SHARE * peak_deg
    hold_from, hold_to = _last(~high[:peak]) + 1, peak + _first(~high[peak:])
    before = moved[max(0, start - round(0.3 / _GRID_S)) : start + 1]
    rest_deg = float(before[np.argmin(np.abs(before))]) if len(before) else 0.0
    return Measured(
        excursion.direction.sign * peak_deg,
        peak_deg - rest_deg,
        float(times[max(start, 0)]),
        float(times[peak]),
        float(times[min(end, len(times) - 1)]),
        max(0.0, (hold_to - hold_from) * _GRID_S),
    )


def _last(flags: np.ndarray) -> int:
    """Return the index of the last true flag, -1 if there is none."""
    found = np.flatnonzero(flags)
    return int(found[-1]) if len(found) else -1


def _first(flags: np.ndarray) -> int:
    """Return the index of the first true flag, the length if there is none."""
    found = np.flatnonzero(flags)
    return int(found[0]) if len(found) else len(flags)


class RepNumbers:
    """Numbers the repetitions of one side and joins the two excursions of a combined repetition.

    Parameters
    ----------
    directions : tuple of Direction
        The excursions that make one repetition, in order.
    """

    def __init__(self, directions: tuple[Direction, ...]) -> None:
        self._directions = directions
        self._count = 0
        self._open_until_s: float | None = None

    @property
    def waiting(self) -> bool:
        """Whether a first excursion still waits for its partner."""
        return self._open_until_s is not None

    def expired(self, time_s: float) -> bool:
        """Return whether the partner of an open repetition did not come in time."""
        return self._open_until_s is not None and time_s > self._open_until_s

    def close(self) -> None:
        """Stop waiting for a partner."""
        self._open_until_s = None

    def next(self, direction: Direction, start_s: float, end_s: float) -> tuple[int, bool]:
        """Return the number for the next excursion and whether it completes an open repetition."""
        if len(self._directions) == 1:
            self._count += 1
            return self._count, False
        completes = self._open_until_s is not None and direction is self._directions[1] and start_s <= self._open_until_s
        if completes:
            self._open_until_s = None
            return self._count, True
        self._count += 1
        self._open_until_s = end_s + PAIR_GAP_S if direction is self._directions[0] else None
        return self._count, False
