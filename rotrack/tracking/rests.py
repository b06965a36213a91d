"""Where and when a leg stays where it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

GAP_S = 0.4
"""A peak may be hidden in a gap that is longer."""
STILL_OVER_S, STILL_DEG, STILL_NOISE = 0.3, 1.2, 2.5
"""The leg rests where it stays within the larger of an angle and so many standard deviations of noise for so long."""
STILLS_KEPT = 100


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which the leg stayed where it was, and not at the top of a repetition."""

    from_s: float
    to_s: float
    level_deg: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.to_s - self.from_s


class Stills:
    """Where and when the leg stays where it is."""

    def __init__(self) -> None:
        self._window: deque[tuple[float, float]] = deque()
        self._open: list[float] = []
        self._from_s = self._to_s = 0.0
        self.found: deque[Rest] = deque(maxlen=STILLS_KEPT)
        self.ended = 0

    def add(self, time_s: float, value_deg: float, band_deg: float) -> None:
        """Take a value; within the band the leg is still."""
        window = self._window
        if window and time_s - window[-1][0] > GAP_S:
            self.close()
        window.append((time_s, value_deg))
        while len(window) > 1 and time_s - window[1][0] >= STILL_OVER_S - 1e-6:
            window.popleft()
        if time_s - window[0][0] < STILL_OVER_S - 1e-6 and not self._open:
            return
        values = [value for _, value in window]
        if max(values) - min(values) <= band_deg and abs(value_deg - (self._level() if self._open else value_deg)) <= band_deg:
            if not self._open:
                self._from_s, self._open = window[0][0], values
            else:
                self._open.append(value_deg)
            self._to_s = time_s
        elif self._open:
            self._end()

    def _level(self) -> float:
        recent = self._open[-200:]
        return sorted(recent)[len(recent) // 2]

    def _end(self) -> None:
        self.found.append(Rest(self._from_s, self._to_s, float(np.median(self._open))))
        self.ended += 1
        self._open = []

    def close(self) -> None:
        """End what is open."""
        if self._open:
            self._end()
        self._window.clear()

    def now(self) -> Rest | None:
        """Return the still time that lasts, if one does."""
        return Rest(self._from_s, self._to_s, self._level()) if self._open else None

    def all(self) -> list[Rest]:
        """Return the still times so far, in order, with the one that lasts."""
        now = self.now()
        return [*self.found, *([now] if now else [])]
