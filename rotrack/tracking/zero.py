"""Where the zero of a leg is: the neutral pose, unless the rests between repetitions contradict it by more than their errors.

People do not always begin where their leg rests, and some slide on the seat while they go on. Between repetitions the leg comes
back to where it rests: that says more than one held moment. A leg that comes back only in part does not rest there: gravity, the
length of the rests and the last of them tell the one from the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rotrack.core.messages import Message, say, sided
from rotrack.core.model import Side, ZeroCourse
from rotrack.tracking.excursions import Excursion
from rotrack.tracking.rests import Rest

RESTS_NEEDED, RESTS_NEEDED_AT_END = 3, 2
MOVES_FROM_DEG, MOVES_FROM_SD = 3.0, 2.0
"""The zero moves where the rests are further from it than an angle and than so many standard errors."""
REST_SD_DEG = 0.7
"""Rests of one leg have at least this standard error in common: nobody comes back to the same place exactly."""
CREEPS_FROM_DEG, CREEPS_SHARE = 3.0, 0.75
"""The rest creeps if it moves by more than this during the session, and so many pairs of rests agree which way."""
CREPT_SHARE = 0.6
"""A rest that creeps from the neutral pose is at first nearer to it than this share of where it ends."""
RESTED_S = 0.6
"""A leg that stays in one place for this time rests there: no turn-round takes so long."""
GRAVITY_SD_DEG = 3.0
"""Gravity tells two places apart if they differ by more than this."""
SAME_DEG = 2.5
SAID_FROM_DEG = 3.5
"""The person is told if the zero moved by more than this."""


def zero_course(
    rests: Sequence[Rest],
    excursions: Sequence[Excursion],
    side: Side,
    span_s: tuple[float, float],
    gravity_deg: float = math.nan,
    ended: bool = False,
) -> ZeroCourse | None:
    """Return where the zero is since a neutral pose, None where it stays there.

    Parameters
    ----------
    rests : sequence of Rest
        Where the leg rested since the neutral pose, in order; levels against it, deg.
    excursions : sequence of Excursion
        The repetitions since then.
    side : Side
        The leg.
    span_s : tuple of float
        When the neutral pose was taken, and until when it held.
    gravity_deg : float
        What a goniometer held against gravity reads in the neutral pose; NaN where gravity shows no rotation.
    ended : bool
        Whether this is all that will be known.
    """
    if not excursions:
        return None
    later = [rest for rest in rests if rest.from_s > excursions[0].top_s]
    if len(later) < (RESTS_NEEDED_AT_END if ended else RESTS_NEEDED):
        return None
    times = np.array([(rest.from_s + rest.to_s) / 2 for rest in later])
    levels = np.array([rest.level_deg for rest in later])
    middle_deg = float(np.median(levels))
    slope = float(np.median([(b - a) / max(t - s, 1e-6) for s, a, t, b in _pairs(times, levels)]))
    onwards = float(np.mean([np.sign(b - a) == np.sign(slope) for _, a, _, b in _pairs(times, levels)]))
    creeps = len(later) > RESTS_NEEDED and abs(slope) * (times[-1] - times[0]) > CREEPS_FROM_DEG and onwards >= CREEPS_SHARE
    fitted = middle_deg + (slope * (times - np.median(times)) if creeps else 0.0)
    spread_deg = 1.4826 * float(np.median(np.abs(levels - fitted)))
    sd_deg = math.hypot(spread_deg / math.sqrt(len(later)), REST_SD_DEG)
    furthest_deg = float(np.max(np.abs(fitted))) if creeps else abs(middle_deg)
    if furthest_deg <= max(MOVES_FROM_DEG, MOVES_FROM_SD * sd_deg):
        return None
    if spread_deg > furthest_deg / 2 or not _rests_there(later, excursions, middle_deg, gravity_deg, ended):
        return None
    if not creeps:
        return ZeroCourse(side, *span_s, (span_s[0],), (middle_deg,), sd_deg)
    smooth = np.array([np.median(levels[max(0, k - 1) : k + 2]) for k in range(len(levels))])
    if abs(smooth[0]) < CREPT_SHARE * abs(smooth[-1]):
        times, smooth = np.r_[span_s[0], times], np.r_[0.0, smooth]
    return ZeroCourse(side, *span_s, tuple(times.round(3).tolist()), tuple(smooth.round(2).tolist()), sd_deg)


def _pairs(times: np.ndarray, levels: np.ndarray) -> list[tuple[float, float, float, float]]:
    last = len(times) - 1
    return [(times[i], levels[i], times[k], levels[k]) for i in range(last) for k in range(i + 1, last + 1)]


def _rests_there(
    rests: Sequence[Rest], excursions: Sequence[Excursion], middle_deg: float, gravity_deg: float, ended: bool
) -> bool:
    """Return whether the leg rests where it pauses, and does not only come back in part."""
    towards = sum(excursion.direction.sign for excursion in excursions) * middle_deg
    if towards <= 0:  # on the other side of the neutral pose than the repetitions
        return True
    if ended and rests[-1].from_s > excursions[-1].top_s:
        return abs(rests[-1].level_deg - middle_deg) < SAME_DEG or abs(rests[-1].level_deg) > abs(middle_deg)
    nearer_deg = abs(gravity_deg) - abs(gravity_deg + middle_deg)
    if abs(nearer_deg) > GRAVITY_SD_DEG:
        return nearer_deg > 0
    return float(np.median([rest.seconds for rest in rests])) >= RESTED_S


def zero_moved(zero: ZeroCourse) -> Message | None:
    """Return what to say of a zero that moved; None if it moved by so little that nobody need know."""
    levels = zero.levels_deg
    if abs(levels[-1] - levels[0]) > CREEPS_FROM_DEG:
        moved_deg = levels[-1] - levels[0]
        return say("note.rest_moved", side=sided(zero.side), way=_way(moved_deg), degrees=round(abs(moved_deg)))
    if abs(levels[0]) < SAID_FROM_DEG:
        return None
    return say("note.start_turned", side=sided(zero.side), way=_way(-levels[0]), degrees=round(abs(levels[0])))


def _way(turned_deg: float) -> Message:
    return say("note.inwards" if turned_deg > 0 else "note.outwards")
