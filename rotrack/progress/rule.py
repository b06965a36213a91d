"""The rule of change: what may be said of a range after each day it was measured on, so that asking again does not make it wrong.

Every day is judged by itself and those before it alone: a later day never changes the verdict of an earlier one. All arrays are
flat, the days of one range after the other, so that thousands of people are judged at once. `docs/progress.md` explains the
rule to people; `tests/benchmarks/verdicts.py` measures how often it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rotrack.system.imports import when_used

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = when_used("scipy.stats")

BASELINE_DAYS = 3
"""Fewest days of a baseline; from the next day on there is a change."""
MOST_BASELINE_DAYS = 8
"""Most days of a baseline; from then on it stays as it is."""
NOW_DAYS = 3
"""The mean of so many days, the latest, is what a range has now. A change is real only once it rests on all of them."""
VERDICT_DAYS = BASELINE_DAYS + NOW_DAYS
"""From this many days on, a change can be real."""
TREND_DAYS = 6
"""From this many days on, there is a trend."""
ONE_LOOK, ONE_LOOK_TREND = 4e-4, 1e-4
"""At one look at one range a change is called real if chance alone made it, or a trend, as large four times or once in ten
thousand. Chosen by simulation, so that of people who are measured up to 52 times a year, at four ranges, and in whom nothing
changes, at most 5 % are ever told a real change."""
PRIOR_DF = 6.0
"""For so many degrees of freedom the default SEM counts beside the person's own spread. With 6 and a default of 3.0 degrees the
SEM of 95 of 100 people may lie between 1.9 and 6.6 degrees."""
LIKENESS = 0.15
"""Correlation of neighbouring days: the middle of 0 to 0.3, which the guarantee covers."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What can be said after each day. All arrays have the shape (days,); deg where not said otherwise.

    Parameters
    ----------
    baseline_days, now_days : numpy.ndarray of int
        Days behind the baseline, and behind what the range is now; 0 without a change.
    baseline_deg : numpy.ndarray
        Mean of the first days, `BASELINE_DAYS` to `MOST_BASELINE_DAYS`, never of those that are behind `now_deg`; NaN with fewer.
    now_deg : numpy.ndarray
        Mean of the latest days, up to `NOW_DAYS`; NaN as long as all days are needed for the baseline.
    sem_deg, df : numpy.ndarray
        Standard error of measurement of one day's value, and the degrees of freedom behind it: own spread and default pooled.
    own_deg, own_df : numpy.ndarray
        The own spread alone, and its degrees of freedom; NaN and 0 with one day.
    change_deg, error_deg, real_from_deg : numpy.ndarray
        `now_deg` less `baseline_deg`; the half width of its 95 % interval; from which size on it is real. NaN without a change.
    slope, slope_error : numpy.ndarray
        Growth by least squares over all days, deg a day, and the half width of its 95 % interval; NaN below `TREND_DAYS`.
    doubtful : numpy.ndarray of int
        1 or -1 where the change, or else the latest day alone, lies outside its 95 % interval, up or down; else 0.
    way : numpy.ndarray of int
        1 while a gain is confirmed, -1 while a loss is, else 0.
    confirmed : numpy.ndarray of int
        On which day, as a place in the arrays, what `way` tells was first confirmed; -1 if nothing is.
    """

    baseline_days: np.ndarray
    now_days: np.ndarray
    baseline_deg: np.ndarray
    now_deg: np.ndarray
    sem_deg: np.ndarray
    df: np.ndarray
    own_deg: np.ndarray
    own_df: np.ndarray
    change_deg: np.ndarray
    error_deg: np.ndarray
    real_from_deg: np.ndarray
    slope: np.ndarray
    slope_error: np.ndarray
    doubtful: np.ndarray
    way: np.ndarray
    confirmed: np.ndarray


def looks(time_days: np.ndarray, value_deg: np.ndarray, start: np.ndarray, default_deg: np.ndarray) -> Looks:
    """Judge ranges after each of their days.

    Parameters
    ----------
    time_days : numpy.ndarray, shape (days,)
        When each day's sessions were, days from any moment.
    value_deg : numpy.ndarray, shape (days,)
        Mean of the session values of each day: the days of the first range, oldest first, then those of the next.
    start : numpy.ndarray of int, shape (days,)
        Where in the arrays the range of each day begins.
    default_deg : numpy.ndarray, shape (days,)
        The SEM that stands for what the person's own days cannot tell yet, see `PRIOR_DF`.
    """
    here = np.arange(len(value_deg))
    days = here - start + 1
    now_days = np.clip(days - BASELINE_DAYS, 0, NOW_DAYS)
    baseline_days = np.minimum(days - now_days, MOST_BASELINE_DAYS)
    value = value_deg - value_deg[start]  # near zero, so that differences of sums stay exact
    sums, squares = (np.concatenate([[0.0], np.cumsum(numbers)]) for numbers in (value, value**2))
    baseline, spread = _mean_and_spread(sums, squares, start, baseline_days)
    now, spread_now = _mean_and_spread(sums, squares, here + 1 - now_days, now_days)
    own_df = baseline_days - 1 + np.maximum(now_days - 1, 0)
    own = np.where(own_df > 0, spread + spread_now, 0.0)
    df = PRIOR_DF + own_df
    sem = np.sqrt((PRIOR_DF * default_deg**2 + own) / df)
    judged = now_days > 0
    change = np.where(judged, now - baseline, np.nan)
    error = half_width(sem, df, (now_days, baseline_days))
    real_from = half_width(sem, df, (now_days, baseline_days), ONE_LOOK)
    outside = _beyond(change, error)
    alone = _beyond(np.where(judged, value - baseline, np.nan), half_width(sem, df, (np.minimum(now_days, 1), baseline_days)))
    slope, slope_error, slope_real = _trend(time_days - time_days[start], value, start, default_deg)
    begins = np.where(now_days == NOW_DAYS, _beyond(change, real_from), 0)
    way, confirmed = _standing(
        np.where(begins != 0, begins, _beyond(slope, slope_real)), (outside, _beyond(slope, slope_error)), start
    )
    return Looks(
        baseline_days, now_days,
        np.where(days >= BASELINE_DAYS, baseline + value_deg[start], np.nan), np.where(judged, now + value_deg[start], np.nan),
        sem, df, np.sqrt(np.divide(own, own_df, out=np.full(len(own), np.nan), where=own_df > 0)), own_df,
        change, error, real_from, slope, slope_error, np.where(outside != 0, outside, alone), way, confirmed,
    )  # fmt: skip


def half_width(
    sem_deg: ArrayLike, df: ArrayLike, days: Sequence[ArrayLike], chance: float = 0.05, likeness: float = LIKENESS
) -> np.ndarray:
    """Return how far two means may lie apart by chance, deg, or a mean from its true value.

    That is t sqrt(v(days) + v(other days)) SEM, with t for how well the SEM is known, and v the variance of a mean of days that
    resemble each other (`variance_of_mean`).

    Parameters
    ----------
    sem_deg, df : array-like
        SEM of one day's value and the degrees of freedom behind it.
    days : sequence of array-like
        Days behind each mean; NaN comes back where one has none.
    chance : float
        Of both directions together.
    likeness : float
        Correlation of neighbouring days.
    """
    counts = [np.asarray(count) for count in days]
    variance = sum(variance_of_mean(count, likeness) for count in counts)
    return quantile(df, chance) * np.sqrt(variance) * np.asarray(sem_deg, float)


def variance_of_mean(days: ArrayLike, likeness: float = LIKENESS) -> np.ndarray:
    """Return the variance of the mean of days in a row, of values with variance 1; NaN of no day.

    Neighbours correlate by `likeness`, days k apart by its k-th power (an autoregression of first order).
    """
    counts = np.asarray(days)
    known = np.full(int(counts.max(initial=0)) + 1, np.nan)
    for count in range(1, len(known)):
        apart = np.arange(1, count)
        known[count] = (1 + 2 * ((1 - apart / count) * likeness**apart).sum()) / count
    return known[counts]


def _mean_and_spread(sums: np.ndarray, squares: np.ndarray, first: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean, and sum of squares about it, of so many values from one on; NaN and 0 of none."""
    count = np.where(days > 0, days, np.nan)
    total, square = sums[first + days] - sums[first], squares[first + days] - squares[first]
    return total / count, np.where(days > 0, np.maximum(square - total**2 / count, 0.0), 0.0)


def _trend(
    time_days: np.ndarray, value_deg: np.ndarray, start: np.ndarray, default_deg: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return growth a day after each day, the half width of its 95 % interval, and from which size on it is real.

    Ordinary least squares. The scatter about the line is pooled with the default as the spread is, and the interval is wider by
    the root of (1 + r) / (1 - r), r being `LIKENESS`: days in a row that resemble each other are worth less than days apart.
    """
    here = np.arange(len(value_deg))
    days = here - start + 1

    def total(numbers: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0.0], np.cumsum(numbers)])
        return sums[here + 1] - sums[start]

    time, value = total(time_days), total(value_deg)
    along = total(time_days**2) - time**2 / days
    across, both = total(value_deg**2) - value**2 / days, total(time_days * value_deg) - time * value / days
    along = np.where((days >= TREND_DAYS) & (along > 0), along, np.nan)
    slope = both / along
    df = PRIOR_DF + days - 2
    variance = (PRIOR_DF * default_deg**2 + np.maximum(across - both * slope, 0.0)) / df
    error = np.sqrt(variance / along * (1 + LIKENESS) / (1 - LIKENESS))
    return slope, quantile(df, 0.05) * error, quantile(df, ONE_LOOK_TREND) * error


def _beyond(size: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return 1 or -1 where something is larger than its limit, up or down; 0 where it is not, or where there is nothing."""
    return np.where(np.abs(size) > limit, np.sign(np.nan_to_num(size)), 0).astype(int)


def _standing(begins: np.ndarray, holds: Sequence[np.ndarray], start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is confirmed on each day, and since which: it begins where it is real, and holds while anything shows it.

    Parameters
    ----------
    begins : numpy.ndarray of int, shape (days,)
        1 or -1 where a gain or loss is real; else 0.
    holds : sequence of numpy.ndarray of int, shape (days,)
        1 or -1 where change and trend are outside their 95 % intervals; else 0.
    start : numpy.ndarray of int, shape (days,)
        Where the range of each day begins.
    """
    here = np.arange(len(begins))
    way, confirmed = np.zeros(len(begins), int), np.full(len(begins), -1)
    for sign in (1, -1):
        shown = np.any([hold == sign for hold in holds], axis=0)
        ended = np.maximum(np.maximum.accumulate(np.where(shown, -1, here)), start - 1)
        real = begins == sign
        count = np.concatenate([[0], np.cumsum(real)])
        stands = count[here + 1] > count[ended + 1]
        way[stands], confirmed[stands] = sign, np.flatnonzero(real)[count[ended + 1][stands]]
    return way, confirmed


def quantile(df: ArrayLike, chance: float) -> np.ndarray:
    """Return beyond what Student's t lies with so much chance, both ends together; each number of degrees is looked up once."""
    found, where = np.unique(np.asarray(df, float), return_inverse=True)
    return np.asarray(stats.t.isf(chance / 2, found))[where].reshape(np.shape(df))
