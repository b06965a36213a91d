"""One turn away from a rest and back: what the finder saw of it, and what is measured of it on the settled curve."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from rotrack.core.model import Direction
from rotrack.tracking.rests import GAP_S, Rest

BACK_SHARE = 0.45
"""A repetition is counted when the leg has come back by half of the way out; smoothing takes some of that away."""
PLATEAU_S = 0.2
"""Length of the best stretch of which the peak is the median."""
HOLD_SHARE, HOLD_SHARE_MOST, HOLD_NEAR_DEG = 0.1, 0.3, 1.5
"""A hold is the time within a tenth of the way to the top, or within this angle if that is more, up to the second share."""
_GRID_S = 1 / 60

_STEP_AT = np.linspace(0.0, 1.0, 1001)
_STEP = _STEP_AT**3 * (10 - 15 * _STEP_AT + 6 * _STEP_AT**2)
SLOPE_SHARE = 0.25


class Ending(StrEnum):
    """How an excursion ended."""

    COMPLETE = "complete"
    EARLY = "early"
    PEAK_UNSEEN = "peak"


@dataclass(frozen=True, slots=True)
class Excursion:
    """A turn away from a rest and back.

    Parameters
    ----------
    direction : Direction
        Which way.
    from_s, top_s, to_s : float
        The turning point before it, its top, and when the leg had come back by half of the way out.
    base_deg, top_deg : float
        Where it came from and how far it went, on the smoothed live angle.
    ending : Ending
        How it ended.
    problem : str
        Why it is no repetition; empty if it is one.
    beyond_deg : float
        How far its top lies beyond the neutral pose and beyond the last rests, the lesser of both.
    """

    direction: Direction
    from_s: float
    top_s: float
    to_s: float
    base_deg: float
    top_deg: float
    ending: Ending = Ending.COMPLETE
    problem: str = ""
    beyond_deg: float = math.inf

    @property
    def way_deg(self) -> float:
        """How far it went."""
        return abs(self.top_deg - self.base_deg)

    def holds(self, still: Rest) -> bool:
        """Return whether a still time is one at the top of it."""
        beyond = self.direction.sign * (still.level_deg - (self.base_deg + self.top_deg) / 2)
        return beyond > 0 and still.to_s > self.from_s and still.from_s < self.to_s


@dataclass(frozen=True, slots=True)
class Measured:
    """An excursion measured on the zero-lag curve; degrees signed, seconds. Its fields are fields of `Rep`, by the same names."""

    peak_deg: float
    range_deg: float
    start_s: float
    peak_s: float
    end_s: float
    hold_s: float
    speed_deg_s: float

    def of_rep(self, counted_only: bool = False) -> dict[str, Any]:
        """Return the fields for a `Rep`, without angles and speeds where it is only counted."""
        return {name: math.nan if counted_only and "_deg" in name else value for name, value in asdict(self).items()}


def measure_excursion(time_s: np.ndarray, angle_deg: np.ndarray, excursion: Excursion) -> Measured | None:
    """Measure an excursion on the zero-lag curve.

    Parameters
    ----------
    time_s, angle_deg : numpy.ndarray, shape (n,)
        The zero-lag curve from before the excursion to its end; NaN where missing.
    excursion : Excursion
        What the finder saw.

    Returns
    -------
    Measured or None
        None if the curve holds nothing of it.
    """
    known = np.isfinite(angle_deg) & (time_s >= excursion.from_s - 2 * PLATEAU_S)
    if known.sum() < 2:
        return None
    seen_s = time_s[known]
    times = np.arange(seen_s[0], seen_s[-1] + _GRID_S / 2, _GRID_S)
    sign = excursion.direction.sign
    moved = sign * np.interp(times, seen_s, angle_deg[known])
    inside = np.flatnonzero((times >= excursion.from_s) & (times <= excursion.to_s))
    if not len(inside):
        return None
    width = max(1, round(PLATEAU_S / _GRID_S))
    around = np.convolve(moved, np.ones(width) / width, mode="same")
    peak = int(inside[np.argmax(around[inside])])
    peak_deg = float(np.median(moved[max(0, peak - width // 2) : peak + width // 2 + 1]))
    base_deg = sign * excursion.base_deg
    way_deg = max(peak_deg - base_deg, 1e-6)
    first, last = inside[0], inside[-1] + 1
    share = (moved - base_deg) / way_deg
    start = first + _last(share[first:peak] < HOLD_SHARE) + 1
    end = peak + _first(share[peak:last] < BACK_SHARE)
    low, high = (start + _first(share[start : peak + 1] >= part) for part in (0.2, 0.8))
    speed_deg_s = 0.6 * way_deg / (max(high - low, 1) * _GRID_S)
    return Measured(
        peak_deg=sign * peak_deg,
        range_deg=peak_deg - base_deg,
        start_s=float(times[min(start, peak)]),
        peak_s=float(times[peak]),
        end_s=float(times[min(end, len(times) - 1)]),
        hold_s=_held_s(times, share, first, peak, last, seen_s, way_deg),
        speed_deg_s=float(speed_deg_s),
    )


def _held_s(times: np.ndarray, share: np.ndarray, first: int, peak: int, last: int, seen_s: np.ndarray, way_deg: float) -> float:
    """Return for how long the leg stayed at the top, s.

    That is the time near the top, less the slow ends of the turns to it and from it: people turn as smoothly as they can
    (minimum jerk; Flash and Hogan 1985), so how long the end of a turn takes follows from how long the part before it takes. Gaps
    do not count.
    """
    near = float(np.clip(HOLD_NEAR_DEG / way_deg, HOLD_SHARE, HOLD_SHARE_MOST))
    level = float(np.median(share[first:last][share[first:last] > 1 - 1.5 * near]))
    below = share < level - near - SLOPE_SHARE
    before, after = first + _last(below[first:peak]) + 1, peak + _first(below[peak:last])
    high = np.flatnonzero(share[before:after] >= level - near) + before
    if not len(high):
        return 0.0
    from_, to = int(high[0]), int(high[-1]) + 1
    gaps = np.flatnonzero(np.diff(seen_s) > GAP_S)
    unseen_s = sum(max(0.0, min(seen_s[k + 1], times[to - 1]) - max(seen_s[k], times[from_])) for k in gaps)
    ends_s = _slow_end_s(share[before : from_ + 1], level, near) + _slow_end_s(share[to - 1 : after][::-1], level, near)
    return float(max(0.0, (to - from_) * _GRID_S - unseen_s - ends_s))


def _slow_end_s(rise: np.ndarray, level: float, near: float) -> float:
    """Return how long a turn takes for its last part, s, by the part before it; by half of that if people stop in the other."""
    taken, parts = [], []
    for half in (0.5, 1.0):
        from_, to = level - near - half * SLOPE_SHARE, level - near - (half - 0.5) * SLOPE_SHARE
        high, low = (float(np.interp(x + 1 - level, _STEP, _STEP_AT)) for x in (to, from_))
        taken.append(max(_first(rise >= to) - _first(rise >= from_), 0.25))
        parts.append(high - low)
    ratio = taken[0] / parts[0], taken[1] / parts[1]
    pace = sum(taken) / sum(parts) if max(ratio) < 1.8 * min(ratio) else min(ratio)
    return pace * (1 - float(np.interp(1 - near, _STEP, _STEP_AT))) * _GRID_S


def _last(flags: np.ndarray) -> int:
    """Return the index of the last true flag, -1 if there is none."""
    found = np.flatnonzero(flags)
    return int(found[-1]) if len(found) else -1


def _first(flags: np.ndarray) -> int:
    """Return the index of the first true flag, the length if there is none."""
    found = np.flatnonzero(flags)
    return int(found[0]) if len(found) else len(flags)
