"""Measurement error: SEM, minimal detectable change, and what is published of them. `docs/progress.md` explains the formulas."""

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
        Standard error of measurement of the value of one day: own and default pooled, deg.
    df : float
        Degrees of freedom behind it.
    own_deg, own_df : float
        The person's own standard deviation between days and its degrees of freedom; NaN and 0 without any.
    default_deg : float
        The default that it is pooled with, see `rule.PRIOR_DF`.
    """

    sem_deg: float
    df: float
    own_deg: float
    own_df: float
    default_deg: float

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
