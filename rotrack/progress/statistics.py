"""Measurement error and change: SEM, minimal detectable change, pooling with a published default, slope.

Every function takes arrays and works on many people at once. `docs/progress.md` explains the formulas and why they were chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rotrack.system.imports import when_used

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = when_used("scipy.stats")

PUBLISHED_SEM_DEG = 3.0
"""SEM of one session value until a person's own is known, deg. Published clinical tools have a MDC95 of 5.4 (digital
inclinometer, the best) to 8.6 deg, that is a SEM of 1.9 to 3.1 deg: this is the careful end."""
STATED_SHARE = 0.7
"""So much of the error that a session states of itself differs from session to session; the rest is the same for one person every
time and cancels in a change. Between cameras, rendered people have 0.2 to 0.7 (docs/progress.md)."""
PUBLISHED_DF = 6.0
"""How many degrees of freedom the default counts for: with 6, the SEM of 95 of 100 people may lie between 1.9 and 6.6 deg."""
ENOUGH_DF = 10.0
"""With so many degrees of freedom of their own a person's spread stands alone; until then the default fades steadily."""
LEAST_SEM_DEG = 0.5
"""No webcam at home repeats better than this, however alike a few sessions are, deg."""
BASELINE_SESSIONS = 3
"""The first sessions, whose mean is what later ones are compared with."""
SLOPE_SESSIONS = 6
"""From so many sessions on, each on a day of its own, a slope is told."""
DAYS_PER_MONTH = 365.25 / 12


def sem_of_differences(differences: ArrayLike) -> float:
    """Return the standard error of measurement from repeated measurements.

    Parameters
    ----------
    differences : array-like, shape (n,)
        Second less first measurement of each subject.

    Returns
    -------
    float
        SD of the differences / sqrt 2 (Weir 2005), in their unit; NaN for fewer than two.
    """
    differences = np.asarray(differences, float)
    return float(np.std(differences, ddof=1) / np.sqrt(2)) if len(differences) > 1 else float("nan")


def mdc(sem: float, confidence: float = 0.95) -> float:
    """Return the minimal detectable change between two single measurements: z sqrt 2 SEM (Weir 2005), in the unit of `sem`."""
    return float(stats.norm.ppf(0.5 + confidence / 2) * np.sqrt(2) * sem)


@dataclass(frozen=True, slots=True)
class Spread:
    """How much session values of one person differ although nothing has changed.

    Parameters
    ----------
    sem_deg : float
        Standard error of measurement of one session value: own and default pooled, deg.
    df : float
        Degrees of freedom behind it.
    own_deg, own_df : float
        The person's own between-session standard deviation and its degrees of freedom; NaN and 0 without any.
    default_deg : float
        The default that it is pooled with until `own_df` reaches `ENOUGH_DF`.
    """

    sem_deg: float
    df: float
    own_deg: float
    own_df: float
    default_deg: float

    @property
    def mdc90_deg(self) -> float:
        """Minimal detectable change at 90 %, deg."""
        return mdc(self.sem_deg, 0.90)

    @property
    def mdc95_deg(self) -> float:
        """Minimal detectable change at 95 %, deg."""
        return mdc(self.sem_deg, 0.95)


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast values grow, by least squares over all sessions.

    Parameters
    ----------
    per_month_deg : float
        Growth, deg per month of 30.4 days; NaN where there are too few sessions or all at one time.
    low_deg, high_deg : float
        Its 95 % confidence interval, deg per month.
    """

    per_month_deg: float
    low_deg: float
    high_deg: float


def own_spread(time_days: np.ndarray, values_deg: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how much values scatter about their straight line over time, per group; up to three about their mean.

    The line takes out what has really changed steadily; a jump stays in, which makes the answer larger, never smaller.

    Parameters
    ----------
    time_days, values_deg : numpy.ndarray, shape (n,)
        When, and what.
    group : numpy.ndarray of int, shape (n,)
        Number of the group of each, from 0 and without gaps.

    Returns
    -------
    sum_of_squares_deg2 : numpy.ndarray, shape (groups,)
        About line or mean, deg squared.
    df : numpy.ndarray, shape (groups,)
        Their degrees of freedom.
    """
    count, along, across, both = _sums(time_days, values_deg, group)
    lined = count > BASELINE_SESSIONS
    explained = np.divide(both**2, along, out=np.zeros_like(both), where=lined & (along > 0))
    df = np.where(lined, count - 2, np.maximum(count - 1, 0))
    return np.maximum(across - explained, 0.0), df


def pooled_sem(sum_of_squares: ArrayLike, own_df: ArrayLike, default_deg: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return SEM and degrees of freedom: own spread and default pooled as variances, each weighted by its degrees of freedom.

    That is the posterior of a variance with a scaled inverse chi-squared prior (Gelman and others, Bayesian Data Analysis, 2.6).
    """
    own_df = np.asarray(own_df, float)
    prior_df = PUBLISHED_DF * np.clip(1 - own_df / ENOUGH_DF, 0.0, 1.0)
    df = prior_df + own_df
    variance = (prior_df * np.asarray(default_deg, float) ** 2 + np.asarray(sum_of_squares, float)) / df
    return np.maximum(np.sqrt(variance), LEAST_SEM_DEG), df


def change_error(sem_deg: ArrayLike, df: ArrayLike, baseline_days: ArrayLike, confidence: float = 0.95) -> np.ndarray:
    """Return the half width of the confidence interval of one session value less the mean of the baseline, deg.

    It is t sqrt(1 + 1/days) SEM, with t for how well the SEM is known, and the days of the baseline's sessions: those of one day
    do not vary as days do.
    """
    sems, days = np.asarray(sem_deg, float), np.asarray(baseline_days, float)
    return _t(df, confidence) * np.sqrt(1 + 1 / days) * sems


def difference_error(sems_deg: ArrayLike, df: ArrayLike, confidence: float = 0.95) -> np.ndarray:
    """Return the half width of the confidence interval of the difference of single session values, deg.

    Parameters
    ----------
    sems_deg : array-like, shape (..., 2)
        SEM of both.
    df : array-like, shape (..., 2)
        Their degrees of freedom; the fewer count.
    """
    sems = np.asarray(sems_deg, float)
    return _t(np.min(np.asarray(df, float), axis=-1), confidence) * np.sqrt((sems**2).sum(axis=-1))


def slopes(time_days: np.ndarray, values_deg: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and the half width of its 95 % confidence interval per group, in deg per month.

    Ordinary least squares, as `scipy.stats.linregress` does for one group. NaN for fewer than `SLOPE_SESSIONS` values.

    Parameters
    ----------
    time_days, values_deg, group
        As for `own_spread`.
    """
    count, along, across, both = _sums(time_days, values_deg, group)
    known = (count >= SLOPE_SESSIONS) & (along > 0)
    along, df = np.where(known, along, np.nan), np.where(known, count - 2, np.nan)
    slope = both / along
    residual = np.maximum(across - both * slope, 0.0)
    half = _t(df, 0.95) * np.sqrt(residual / df / along)
    return slope * DAYS_PER_MONTH, half * DAYS_PER_MONTH


def _t(df: ArrayLike, confidence: float) -> np.ndarray:
    """Return quantiles of Student's t; each number of degrees of freedom is looked up once."""
    found, where = np.unique(np.asarray(df, float), return_inverse=True)
    quantiles = np.asarray(stats.t.ppf(0.5 + confidence / 2, found))
    return quantiles[where].reshape(np.shape(df))


def _sums(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return per group the count, the sums of squares of x and y about their means and of their product."""
    count = np.bincount(group).astype(float)
    means = [np.bincount(group, values) / count for values in (x, y)]
    dx, dy = x - means[0][group], y - means[1][group]
    return count, *(np.bincount(group, product).astype(float) for product in (dx * dx, dy * dy, dx * dy))
