"""Which number a repetition has, and what only the others tell of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rotrack.core.model import Direction, Rep
from rotrack.core.reasons import Reason, joined

PAIR_GAP_S = 5.0
"""Longest rest between the two excursions of a combined repetition."""
USUAL_AFTER, USUAL_OF = 3, 50
"""From so many repetitions on there is a usual one: the median of them, of the last ones if there are more."""
PARTIAL_SHARE = 0.4
"""A repetition of less than this share of the usual one is partial."""
OUTLIER_TIMES = 2.0
"""A repetition of more than this many times the median of the others is too large."""


class Pairing:
    """Numbers the repetitions of one side and joins the two excursions of a combined one, in the order of the first.

    Parameters
    ----------
    directions : tuple of Direction
        The excursions that make one repetition.
    """

    def __init__(self, directions: tuple[Direction, ...]) -> None:
        self._combined = len(directions) > 1
        self._order: tuple[Direction, Direction] | None = None
        self._count = 0
        self._open: tuple[Direction, float] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a first excursion still waits for its partner."""
        return self._open is not None

    def expired(self, time_s: float) -> bool:
        """Return whether the partner of an open repetition did not come in time."""
        return self._open is not None and time_s > self._open[1] + PAIR_GAP_S

    def close(self) -> None:
        """Stop waiting for a partner."""
        self._open = None

    def next(self, direction: Direction, start_s: float, end_s: float) -> tuple[int, bool]:
        """Return the number for the next excursion and whether it completes an open repetition."""
        if self._combined and self._open and direction is not self._open[0] and start_s <= self._open[1] + PAIR_GAP_S:
            self._order = self._order or (self._open[0], direction)
            self._open = None
            return self._count, True
        self._count += 1
        self._open = None
        if self._combined and (self._order is None or direction is self._order[0]):
            self._open = (direction, end_s)
        return self._count, False


def judged(reps: Sequence[Rep]) -> list[Rep]:
    """Return repetitions of one side, given as measured, with what only the others tell: partial ones and outliers do not count.

    Those of a direction are judged by the median of the others, once there are three of these.
    """
    told: list[Rep] = []
    for rep in reps:
        others = [abs(r.range_deg) for r in reps if r is not rep and r.direction is rep.direction and math.isfinite(r.range_deg)]
        more = ""
        if len(others) >= USUAL_AFTER and math.isfinite(rep.range_deg):
            usual_deg = float(np.median(others))
            more = Reason.PARTIAL if abs(rep.range_deg) < PARTIAL_SHARE * usual_deg else ""
            more = Reason.OUTLIER if abs(rep.range_deg) > OUTLIER_TIMES * usual_deg else more
        told.append(replace(rep, valid=rep.valid and not more, reason=joined(rep.reason, more)))
    return told
