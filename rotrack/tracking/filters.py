"""Filters over real timestamps: one that never looks ahead (live), one a moment late (counting), one without lag (log).

Thresholds are in hertz and seconds, never in frames, so that 5 and 240 frames per second behave alike.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from rotrack.system.imports import when_used

if TYPE_CHECKING:
    from scipy import ndimage, signal
else:
    ndimage, signal = when_used("scipy.ndimage"), when_used("scipy.signal")


class OneEuro:
    """Causal low-pass filter whose cut-off rises with speed (Casiez, Roussel and Vogel 2012).

    Parameters
    ----------
    min_cutoff_hz : float
        Cut-off at rest; 1.0 keeps a still leg still.
    beta : float
        Rise of the cut-off per deg/s; 0.05 loses about half a degree of a peak.
    speed_cutoff_hz : float
        Cut-off of the speed estimate.
    """

    def __init__(self, min_cutoff_hz: float = 1.0, beta: float = 0.05, speed_cutoff_hz: float = 1.0) -> None:
        self._min_cutoff_hz, self._beta, self._speed_cutoff_hz = min_cutoff_hz, beta, speed_cutoff_hz
        self._time_s: float | None = None
        self._value = self._speed = 0.0

    def update(self, time_s: float, value: float) -> float:
        """Return the filtered value; NaN gives NaN and starts the filter again."""
        if not math.isfinite(value):
            self._time_s = None
            return math.nan
        if self._time_s is None:
            self._value, self._speed = value, 0.0
        else:
            step_s = time_s - self._time_s
            if step_s <= 0:
                return self._value
            speed = (value - self._value) / step_s
            self._speed += _smoothing(self._speed_cutoff_hz, step_s) * (speed - self._speed)
            cutoff_hz = self._min_cutoff_hz + self._beta * abs(self._speed)
            self._value += _smoothing(cutoff_hz, step_s) * (value - self._value)
        self._time_s = time_s
        return self._value


def _smoothing(cutoff_hz: float, step_s: float) -> float:
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff_hz * step_s))


CUTOFF_HZ = 6.0
LONGEST_GAP_S = 0.2
"""Longest gap that is bridged; a longer one stays a gap."""
_RATE_HZ = 60.0
_HAMPEL_HALF_S = 0.25
_HAMPEL_SIGMAS = 4.0
_HAMPEL_FLOOR_DEG = 2.0


@cache
def _sections() -> np.ndarray:
    # Two passes of a 2nd-order filter make the zero-lag 4th-order one; 0.802 keeps its -3 dB point at the cut-off (Winter 2009).
    return signal.butter(2, CUTOFF_HZ / 0.802, fs=_RATE_HZ, output="sos")


def zero_lag(time_s: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the zero-lag filtered curve at the same times.

    Outliers are removed by a Hampel filter, gaps up to 0.2 s are bridged, the rest is low-passed at 6 Hz on a uniform time
    base (zero-lag 4th-order Butterworth).

    Parameters
    ----------
    time_s : numpy.ndarray, shape (n,), s
        Increasing times, not necessarily uniform.
    value : numpy.ndarray, shape (n,), deg
        NaN where missing.

    Returns
    -------
    numpy.ndarray, shape (n,), deg
        NaN inside gaps longer than 0.2 s.
    """
    result = np.full(len(value), np.nan)
    known = np.flatnonzero(np.isfinite(value))
    if len(known) == 0:
        return result
    # Slow videos have no gap as long as every frame is there, however far frames are apart.
    longest_s = max(LONGEST_GAP_S, 1.5 * float(np.median(np.diff(time_s)))) if len(time_s) > 1 else LONGEST_GAP_S
    for part in np.split(known, np.flatnonzero(np.diff(time_s[known]) > longest_s + 1e-3) + 1):
        times, values = time_s[part], _without_outliers(time_s[part], value[part])
        inside = (time_s >= times[0]) & (time_s <= times[-1])
        grid = np.arange(np.floor(times[0] * _RATE_HZ), np.ceil(times[-1] * _RATE_HZ) + 1) / _RATE_HZ
        if len(grid) > 16 and len(part) > 4:
            values = signal.sosfiltfilt(_sections(), np.interp(grid, times, values), padlen=min(30, len(grid) - 2))
            times = grid
        result[inside] = np.interp(time_s[inside], times, values)
    return result


def _without_outliers(time_s: np.ndarray, value: np.ndarray) -> np.ndarray:
    if len(value) < 5:
        return value
    size = 2 * max(2, round(_HAMPEL_HALF_S / float(np.median(np.diff(time_s))))) + 1
    middle = ndimage.median_filter(value, size, mode="nearest")
    spread = 1.4826 * ndimage.median_filter(np.abs(value - middle), size, mode="nearest")
    out = np.abs(value - middle) > np.maximum(_HAMPEL_SIGMAS * spread, _HAMPEL_FLOOR_DEG)
    # A fast swing leaves the median behind without being wrong: an outlier also stands away from both its neighbours.
    before, after = np.r_[value[0], value[:-1]], np.r_[value[1:], value[-1]]
    low, high = np.minimum(before, after), np.maximum(before, after)
    further = np.minimum(np.abs(before - np.r_[before[0], before[:-1]]), np.abs(after - np.r_[after[1:], after[-1]]))
    room = np.maximum(_HAMPEL_FLOOR_DEG, further)
    out &= (value < low - room) | (value > high + room)
    return np.where(out, np.interp(time_s, time_s[~out], value[~out]), value) if out.any() else value


class SettledCurve:
    """The zero-lag curve of a growing recording, in bounded memory.

    A value settles `SETTLE_S` after it was added, when later samples no longer change it; what is kept for repetitions
    reaches `keep_s` into the past, or further where `add` says so.

    Parameters
    ----------
    keep_s : float
        How far back `window` can look.
    """

    SETTLE_S = 1.0
    EVERY_S = 0.5

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._samples: deque[tuple[float, float]] = deque()
        self._settled_s = -math.inf

    def add(self, time_s: float, value_deg: float, keep_from_s: float = math.inf) -> list[tuple[float, float]]:
        """Add a sample and return the samples that settled by it, in order; what lies before `keep_from_s` is forgotten."""
        self._samples.append((time_s, value_deg))
        while self._samples[0][0] < min(time_s - self._keep_s, keep_from_s):
            self._samples.popleft()
        waiting_from_s = max(self._settled_s, self._samples[0][0])
        if time_s - waiting_from_s < self.SETTLE_S + self.EVERY_S:
            return []
        return self._settle(time_s - self.SETTLE_S)

    def finish(self) -> list[tuple[float, float]]:
        """Return all samples that had not settled yet."""
        return self._settle(math.inf)

    def _settle(self, until_s: float) -> list[tuple[float, float]]:
        times, values = self.window(self._settled_s - self.SETTLE_S, math.inf)
        due = (times > self._settled_s) & (times <= until_s)
        if not due.any():
            return []
        self._settled_s = float(times[due][-1])
        return list(zip(times[due].tolist(), values[due].tolist(), strict=True))

    def window(self, from_s: float, to_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Return times and zero-lag values in a span, filtered with a second of context before it."""
        known = np.array(list(takewhile(lambda sample: sample[0] >= from_s - self.SETTLE_S, reversed(self._samples)))[::-1])
        if not len(known):
            return np.empty(0), np.empty(0)
        values = zero_lag(known[:, 0], known[:, 1])
        inside = (known[:, 0] >= from_s) & (known[:, 0] <= to_s)
        return known[inside, 0], values[inside]


SMOOTH_S = 0.12
"""The finder sees the mean of the middle half of the samples this far to both sides: it is late by this time."""
NOISE_OVER_S = 12.0


class Smoother:
    """The angle without single outliers and with less noise, a moment late; gaps stay gaps."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._values: list[float] = []
        self._next = 0
        self._residuals: deque[tuple[float, float]] = deque()
        self._noise_s, self._noise_deg = -math.inf, 0.0

    def clear(self) -> None:
        """Begin anew; the noise stays known."""
        self._times, self._values, self._next = [], [], 0

    @property
    def noise_deg(self) -> float:
        """Standard deviation of the samples about the smoothed angle."""
        return self._noise_deg

    def add(self, time_s: float, value_deg: float) -> list[tuple[float, float]]:
        """Take a sample; return the times and smoothed values that are known by now."""
        self._times.append(time_s)
        self._values.append(value_deg)
        return self._until(time_s - SMOOTH_S)

    def flush(self) -> list[tuple[float, float]]:
        """Return what waits, with what there is."""
        return self._until(math.inf)

    def _until(self, until_s: float) -> list[tuple[float, float]]:
        found = []
        times, values = self._times, self._values
        while self._next < len(times) and times[self._next] <= until_s:
            at_s = times[self._next]
            near = sorted(values[bisect_left(times, at_s - SMOOTH_S) : bisect_left(times, at_s + SMOOTH_S + 1e-9)])
            cut = len(near) // 4 if len(near) > 3 else (len(near) - 1) // 2
            middle = near[cut : len(near) - cut]
            smooth = sum(middle) / len(middle)
            found.append((at_s, smooth))
            self._learn(at_s, values[self._next] - smooth)
            self._next += 1
        old = bisect_left(times, (times[self._next] if self._next < len(times) else times[-1]) - SMOOTH_S) if times else 0
        if old > 64:
            del times[:old], values[:old]
            self._next -= old
        return found

    def _learn(self, time_s: float, residual_deg: float) -> None:
        self._residuals.append((time_s, abs(residual_deg)))
        while self._residuals[0][0] < time_s - NOISE_OVER_S:
            self._residuals.popleft()
        if time_s - self._noise_s >= 0.5 and len(self._residuals) > 8:
            self._noise_s = time_s
            self._noise_deg = 1.4826 * float(np.median([size for _, size in self._residuals]))
