"""How well rotrack and another instrument agree: bias, limits of agreement, ICC(2,1), and the pairs that they are computed from.

Every confidence interval is of the kind that holds what it claims in simulation with 5 to 50 pairs; `docs/agreement.md` has the
formulas, their sources and the coverage. Differences are rotrack minus the other instrument, of sizes without sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.errors import InputError
from rotrack.core.model import UNCORRECTED, WITHOUT_LEGNET
from rotrack.kinematics.correction import NORMAL_95
from rotrack.progress.statistics import mdc, sem_of_differences
from rotrack.system.imports import when_used
from rotrack.system.inputs import name_key
from rotrack.texts.numbers import is_counted, is_index, times

if TYPE_CHECKING:
    import pandas as pd
    from scipy import stats
else:
    pd = when_used("pandas")
    stats = when_used("scipy.stats")

WITHIN_H = 24.0
"""A reading is compared with a session at most this far away, unless asked otherwise."""
LEAST_PAIRS = 3
ENOUGH_PAIRS = 10
"""With fewer pairs the intervals are so wide that the limits say little."""
LIMIT_SD = NORMAL_95
"""The limits of agreement stand so many standard deviations from the bias: 95 % of normal differences lie between them."""
PAIR_COLUMNS = (
    "person drill side direction instrument rater taken_at date whole_day reading_deg session_id time apart_h rotrack_deg "
    "uncertainty_deg mean_deg difference_deg calibration zero convention_version measure_version"
).split()
_LIKE = ["who", "drill", "side", "direction"]
"""What a reading and a session must have in common; `who` is the person, however the name is spelled."""
_VERSION = ["convention_version", "measure_version"]
_OF_SESSION = ["person", "session_id", "time", "uncertainty_deg", "calibration", "zero", *_VERSION]
NO_RATER = "not said"
"""What is shown for the rater of readings that name none."""
FAR_DF = 1e9
"""Degrees of freedom that are as good as infinite."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval, in the unit of what it belongs to."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Icc:
    """Intraclass correlation for absolute agreement of single measurements, ICC(2,1) or ICC(A,1).

    Parameters
    ----------
    value : float
        The share of the variance that is between the subjects; NaN if nothing varies.
    interval : Interval
        For exactly these instruments.
    any_instruments : Interval
        For instruments drawn at random from many (McGraw and Wong 1996), as other programs print it. Between two instruments it
        is too wide or too narrow, unless their bias is small.
    """

    value: float
    interval: Interval
    any_instruments: Interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is known of the agreement of two instruments; all in deg but the ICC and the trend.

    Parameters
    ----------
    pairs : int
        How many pairs it is computed from.
    bias_deg : float
        Mean difference, rotrack minus the other; `bias` is its interval.
    sd_deg : float
        Standard deviation of the differences.
    lower_deg, upper_deg : float
        95 % limits of agreement; `lower` and `upper` are their intervals.
    icc : Icc
        ICC(2,1).
    sem_deg : float
        Standard error of measurement, SD of the differences / sqrt 2. The bias is not in it.
    mdc95_deg : float
        1.96 sqrt 2 SEM: 95 % of the differences are smaller, once the bias is taken off.
    trend : float
        Change of the difference per degree of size (slope on the mean of both), `trend_interval` its interval; NaN if all have
        the same size.
    """

    pairs: int
    bias_deg: float
    bias: Interval
    sd_deg: float
    lower_deg: float
    lower: Interval
    upper_deg: float
    upper: Interval
    icc: Icc
    sem_deg: float
    mdc95_deg: float
    trend: float
    trend_interval: Interval

    @property
    def grows(self) -> bool:
        """Whether the difference changes with the size, as far as can be told (95 %)."""
        return isfinite(self.trend_interval.low) and not self.trend_interval.low <= 0 <= self.trend_interval.high


# ---------------------------------------------------------------------- statistics
def agreement_of(rotrack_deg: Any, other_deg: Any) -> Agreement:
    """Compare paired measurements of two instruments.

    Parameters
    ----------
    rotrack_deg, other_deg : array_like, shape (n,), deg
        What each said, without sign.

    Raises
    ------
    InputError
        With fewer than three pairs.
    """
    pairs = np.column_stack([np.asarray(rotrack_deg, float), np.asarray(other_deg, float)])
    if len(pairs) < LEAST_PAIRS:
        raise InputError(
            f"{times(len(pairs), 'pair')} cannot show how well two instruments agree; at least {LEAST_PAIRS} are needed."
        )
    differences = pairs[:, 0] - pairs[:, 1]
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    lower, upper = limit_intervals(bias, sd, len(pairs))
    trend, trend_interval = _trend(pairs.mean(axis=1), differences)
    sem_deg = sem_of_differences(differences)
    return Agreement(
        len(pairs), bias, bias_interval(bias, sd, len(pairs)), sd, bias - LIMIT_SD * sd, lower, bias + LIMIT_SD * sd, upper,
        icc_of(pairs), sem_deg, mdc(sem_deg), trend, trend_interval,
    )  # fmt: skip


def bias_interval(bias: Any, sd: Any, pairs: int) -> Interval:
    """Return the interval of a mean difference (Student's t); computes arrays element by element."""
    half = stats.t.ppf(0.975, pairs - 1) * sd / sqrt(pairs)
    return Interval(bias - half, bias + half)


def limit_intervals(
    bias: Any, sd: Any, pairs: int, limit_sd: float = LIMIT_SD, approximate: bool = False
) -> tuple[Interval, Interval]:
    """Return the intervals of the lower and the upper limit of agreement; computes arrays element by element.

    Parameters
    ----------
    bias, sd : float
        Mean and standard deviation of the differences.
    pairs : int
        How many differences there are.
    limit_sd : float
        The limits stand so many standard deviations from the bias.
    approximate : bool
        Bland and Altman's approximation of 1986, standard error sd sqrt(3 / n), instead of the exact interval from the noncentral
        t distribution (Carkeet 2015, Shieh 2018). With 10 pairs the approximation holds the limit in only 92 of 100 samples.
    """
    if approximate:
        half = stats.t.ppf(0.975, pairs - 1) * sd * sqrt(3 / pairs)
        below, above = limit_sd * sd - half, limit_sd * sd + half
    else:
        near, far = stats.nct.ppf([0.025, 0.975], pairs - 1, limit_sd * sqrt(pairs)) / sqrt(pairs)
        below, above = near * sd, far * sd
    return Interval(bias - above, bias - below), Interval(bias + below, bias + above)


def icc_of(table: Any) -> Icc:
    """Return ICC(2,1) of measurements; computes stacked tables one by one.

    Both intervals are of McGraw and Wong (1996, table 7) with Satterthwaite's degrees of freedom. For given instruments the mean
    square between them varies as a noncentral chi square does, not as a chi square: that alone is different.

    Parameters
    ----------
    table : array_like, shape (..., n, k)
        Subjects in rows, instruments in columns, nothing missing.
    """
    x = np.asarray(table, float)
    n, k = x.shape[-2:]
    grand, rows, columns = x.mean((-2, -1), keepdims=True), x.mean(-1, keepdims=True), x.mean(-2, keepdims=True)
    msr = k * ((rows - grand) ** 2).sum((-2, -1)) / (n - 1)
    msc = n * ((columns - grand) ** 2).sum((-2, -1)) / (k - 1)
    mse = ((x - rows - columns + grand) ** 2).sum((-2, -1)) / ((n - 1) * (k - 1))
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing varies, or nothing differs
        icc = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
        share = np.minimum(icc, 1 - 1e-12)
        share = k * share / (n * (1 - share))
        a, b = share * msc, (1 + share * (n - 1)) * mse
        error = k * msc + (k * n - k - n) * mse
        given = share**2 * mse * (mse + 2 * np.maximum(msc - mse, 0)) / (k - 1)
        intervals = []
        for between in (given, a**2 / (k - 1)):
            spread = between + b**2 / ((n - 1) * (k - 1))
            df = np.where(spread > 0, np.clip((a + b) ** 2 / spread, 1 / FAR_DF, FAR_DF), FAR_DF)
            up, down = stats.f.ppf(0.975, n - 1, df), stats.f.ppf(0.975, df, n - 1)
            low = n * (msr - up * mse) / (up * error + n * msr)
            high = n * (down * msr - mse) / (error + n * down * msr)
            intervals.append(Interval(low[()], high[()]))
    return Icc(icc[()], *intervals)


def _trend(sizes: np.ndarray, differences: np.ndarray) -> tuple[float, Interval]:
    if np.ptp(sizes) < 1e-9:
        return nan, Interval(nan, nan)
    line = stats.linregress(sizes, differences)
    half = stats.t.ppf(0.975, len(sizes) - 2) * line.stderr
    return float(line.slope), Interval(float(line.slope - half), float(line.slope + half))


# ---------------------------------------------------------------------- pairs
@dataclass(frozen=True, slots=True)
class Unpaired:
    """Readings that are compared with nothing, and why, in words."""

    reason: str
    readings: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Readings with the session values that they are compared with.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `PAIR_COLUMNS`, one row per pair in the order of `taken_at`: `reading_deg` and `rotrack_deg` are sizes without
        sign, `difference_deg` is rotrack minus reading, `apart_h` the time between them, 0 on the same day if only that is known.
    unpaired : tuple of Unpaired
        What was left out.
    """

    table: pd.DataFrame
    unpaired: tuple[Unpaired, ...]


def pair_readings(readings: pd.DataFrame, sessions: pd.DataFrame, within_h: float = WITHIN_H) -> Pairs:
    """Pair each reading with the session value nearest in time.

    Only the same person, drill, side and direction are compared, and only sessions of one convention and measure version: the
    newest that has a pair. A session value is used once per instrument and rater, by the reading that is nearest to it: two
    raters who read in the same session have a pair each.

    Parameters
    ----------
    readings : pandas.DataFrame
        As `read_readings` returns them.
    sessions : pandas.DataFrame
        As `session_table` returns them. An index, a count and what has no value are left out.
    within_h : float
        How far apart reading and session may be, h.
    """
    measured = ~sessions.tier.map(lambda tier: is_index(tier) or is_counted(tier)).astype(bool)
    known = _with_key(sessions[measured & sessions.size_deg.notna() & sessions.time.notna()])
    readings = _with_key(readings)
    found = _near(readings, known, within_h)
    taken = found.groupby("reading").gap_h.min()
    versions = known.loc[found.session, _VERSION].drop_duplicates().itertuples(index=False, name=None)
    newest = max(versions, key=_version_order, default=("", ""))
    found = found[(known.loc[found.session, _VERSION] == list(newest)).all(axis=1).to_numpy()]
    pairs = _nearest_first(found, readings.instrument + "\n" + readings.rater.map(name_key))
    one, other = readings.loc[pairs.reading].reset_index(drop=True), known.loc[pairs.session].reset_index(drop=True)
    table = one.rename(columns={"value_deg": "reading_deg"}).assign(
        **{column: other[column] for column in _OF_SESSION},
        apart_h=pairs.gap_h.to_numpy(),
        rotrack_deg=other.size_deg,
        mean_deg=(one.value_deg + other.size_deg) / 2,
        difference_deg=other.size_deg - one.value_deg,
    )
    alike = set(known[_LIKE].itertuples(index=False, name=None))
    reasons: dict[str, int] = {}
    for number, *key in readings[_LIKE].drop(pairs.reading).itertuples(name=None):
        if tuple(key) not in alike:
            reason = "no session of the same person, drill, side and direction"
        elif number not in taken.index:
            reason = f"no such session within {within_h:g} hours"
        elif number not in set(found.reading):
            reason = f"only sessions of another version are near, and convention {newest[0]}, measure {newest[1]} is compared"
        else:
            reason = "another reading of the same instrument and rater is as near to the session or nearer"
        reasons[reason] = reasons.get(reason, 0) + 1
    return Pairs(table[PAIR_COLUMNS], tuple(Unpaired(reason, count) for reason, count in reasons.items()))


def _with_key(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(who=table.person.map(name_key).astype("str")).reset_index(drop=True)


def _near(readings: pd.DataFrame, sessions: pd.DataFrame, within_h: float) -> pd.DataFrame:
    """Return which reading (its place) is how far (h) from which session (its place), for all that are near enough."""
    both = readings.assign(reading=readings.index)[[*_LIKE, "reading", "taken_at", "whole_day", "date"]].merge(
        sessions.assign(session=sessions.index)[[*_LIKE, "session", "time", "started_at"]], on=_LIKE
    )
    gap = (both.time - both.taken_at).abs()
    noon = pd.to_datetime(both.date) + pd.Timedelta(hours=12)
    by_the_clock = pd.to_datetime(both.started_at.str[: len("2026-01-31T17:30:00")], errors="coerce")
    to_the_day = ((by_the_clock - noon).abs() - pd.Timedelta(hours=12)).clip(lower=pd.Timedelta(0))
    both["gap_h"] = gap.mask(both.whole_day, to_the_day) / pd.Timedelta(hours=1)
    return both.loc[both.gap_h <= within_h, ["reading", "session", "gap_h"]].astype({"reading": "int64", "session": "int64"})


def _nearest_first(found: pd.DataFrame, readers: pd.Series) -> pd.DataFrame:
    """Return each reading once, and each session once per reader (instrument and rater); the smallest gaps come first."""
    taken: set[tuple[str, int]] = set()
    paired: set[int] = set()
    rows = []
    for row in found.sort_values(["gap_h", "reading", "session"]).itertuples():
        use = (readers[row.reading], row.session)
        if row.reading not in paired and use not in taken:
            paired.add(row.reading)
            taken.add(use)
            rows.append(row.Index)
    return found.loc[rows].sort_values("reading")


def _version_order(version: tuple[str, str]) -> tuple[float, float, bool, bool]:
    """Return what sorts versions, the newest last; of several the corrected one, and that with the leg network."""
    convention, measure = (pd.to_numeric(text.split(" ")[0] or "0", errors="coerce") for text in version)
    return convention, measure, UNCORRECTED not in version[1], WITHOUT_LEGNET not in version[1]


def cautions(agreement: Agreement, table: pd.DataFrame) -> tuple[str, ...]:
    """Return what to know before believing an agreement, in sentences.

    Parameters
    ----------
    agreement : Agreement
        What was computed.
    table : pandas.DataFrame
        The pairs that it was computed from.
    """
    said = []
    if agreement.pairs < ENOUGH_PAIRS:
        said.append(
            f"Only {agreement.pairs} pairs: the limits may be far off, as their intervals show; "
            f"{ENOUGH_PAIRS} pairs are little, 50 are good."
        )
    people = table.person.map(name_key).nunique()
    if people < len(table):
        of = "one person" if people == 1 else f"{people} people"
        said.append(
            f"The {len(table)} pairs are of {of}: several pairs of one person are not independent, so the intervals are too "
            "narrow for people in general."
        )
    if agreement.grows:
        slope, low, high = (10 * x for x in (agreement.trend, agreement.trend_interval.low, agreement.trend_interval.high))
        said.append(
            f"The difference changes with the size, by {slope:+.1f}\u00b0 per 10\u00b0 (95 % interval {low:+.1f} to "
            f"{high:+.1f}): bias and limits hold for a middling angle, not for small and large ones."
        )
    for column, what in (
        ("rater", "raters"),
        ("drill", "drills"),
        ("direction", "directions"),
        ("calibration", "levels of calibration"),
        ("zero", "zeros"),
    ):
        kinds = sorted(set(table[column]))
        if len(kinds) > 1:
            advice = f"; --{column} chooses one" if column in ("rater", "drill", "direction") else ""
            said.append(f"Several {what} are together here: {', '.join(kind or NO_RATER for kind in kinds)}{advice}.")
    return tuple(said)
