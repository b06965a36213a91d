"""How well rotrack and another instrument agree: bias, limits of agreement, ICC(2,1), and the pairs that they are computed from.

People measure several times: pairs of one person are alike, so the spread between people and the spread within them are
separated (Bland and Altman 2007), and intervals count people. Every confidence interval holds what it claims in simulation;
`docs/agreement.md` has the formulas, their sources and the coverage. Differences are rotrack minus the other instrument, of
sizes without sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.errors import InputError
from rotrack.core.model import UNCORRECTED, WITHOUT_LEGNET
from rotrack.core.tiers import Tier
from rotrack.kinematics.correction import NORMAL_95
from rotrack.progress.statistics import mdc
from rotrack.records.session import Session, best_of, by_leg, counts
from rotrack.system.imports import when_used
from rotrack.system.inputs import name_key
from rotrack.texts.numbers import times

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
    "person drill side direction instrument rater taken_at date whole_day reading_deg readings rep session_id time apart_h "
    "rotrack_deg uncertainty_deg mean_deg difference_deg calibration zero convention_version measure_version"
).split()
REP_PAIR_COLUMNS = "session_id side direction rep size_deg gravity_size_deg hold_s counts best".split()
LEAST_PEOPLE = 3
"""With fewer people their spread cannot be told; then each leg and direction of a session stands for one."""
HELD_S = 1.0
"""A repetition whose end position lasts so long was held."""
GRAVITY = "gravity"
"""The zero of an angle that is read against gravity, as a phone reads it."""
READ_AGAINST_GRAVITY = ("phone", "inclinometer", "digital inclinometer", "level")
"""Instruments that are compared with rotrack's angle against gravity, unless asked otherwise."""
_LIKE = ["who", "drill", "side", "direction"]
"""What a reading and a session must have in common; `who` is the person, however the name is spelled."""
_VERSION = ["convention_version", "measure_version"]
_OF_SESSION = ["person", "session_id", "time", "uncertainty_deg", "calibration", "zero", *_VERSION]
NO_RATER = "not said"
"""What is shown for the rater of readings that name none."""
FAR_DF = 1e9
"""Degrees of freedom that are as good as infinite."""


class Pairing(StrEnum):
    """What is compared with what."""

    SESSION = "session"
    REPETITION = "repetition"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval, in the unit of what it belongs to."""

    low: float
    high: float


LEAST_SUBJECTS = 3
"""Fewer subjects with several pairs each say nothing of the next one."""
FAR_ICC = 1 - 1e-12
"""So near to 1 an ICC is taken for the transformation of Fisher, which has no value at 1."""


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
    pairs, subjects : int
        How many pairs it is computed from, and of how many people (or legs and directions, see `subjects_of`).
    bias_deg : float
        Mean difference, rotrack minus the other; `bias` is its interval.
    sd_deg : float
        Standard deviation of the differences, between and within the subjects together.
    between_deg, within_deg : float
        Its two parts, deg; NaN with one pair a subject. `between_deg` is 0 where the subjects differ no more than by chance.
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
    subjects: int
    bias_deg: float
    bias: Interval
    sd_deg: float
    between_deg: float
    within_deg: float
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
def agreement_of(rotrack_deg: Any, other_deg: Any, subjects: Any = None) -> Agreement:
    """Compare paired measurements of two instruments.

    Parameters
    ----------
    rotrack_deg, other_deg : array_like, shape (n,), deg
        What each said, without sign.
    subjects : array_like, shape (n,), optional
        The person of each pair. Without it, every pair counts as another person's.

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
    own = np.arange(len(pairs)) if subjects is None else np.unique(np.asarray(subjects), return_inverse=True)[1]
    count = int(own.max()) + 1
    bias, between, within = float(differences.mean()), nan, nan
    icc = icc_of(pairs, count if count > 1 else None)
    if count in (1, len(pairs)):
        sd = float(differences.std(ddof=1))
        of_bias, (lower, upper) = bias_interval(bias, sd, len(pairs)), limit_intervals(bias, sd, len(pairs))
    else:
        parts = spread_of(differences, own)
        sd, between, within = parts.sd, sqrt(max(parts.between, 0)), sqrt(parts.within)
        of_bias, lower, upper = parts.intervals(bias)
        icc = repeated_icc(pairs, own, icc)
    trend, trend_interval = _trend(pairs.mean(axis=1), differences)
    sem_deg = sd / sqrt(2)
    return Agreement(
        len(pairs), count, bias, of_bias, sd, between, within, bias - LIMIT_SD * sd, lower, bias + LIMIT_SD * sd, upper,
        icc, sem_deg, mdc(sem_deg), trend, trend_interval,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of differences, by subject: an analysis of variance with one factor (Bland and Altman 2007).

    Parameters
    ----------
    between, within : float
        Variance between the subjects (below 0 where they differ less than by chance), and within them.
    of_subjects, of_rest : float
        The two mean squares, weighted so that their sum is the variance of a difference of a new subject.
    of_bias : float
        Variance of the mean difference.
    subjects, pairs : int
        How many there are.
    """

    between: float
    within: float
    of_subjects: float
    of_rest: float
    of_bias: float
    subjects: int
    pairs: int

    @property
    def sd(self) -> float:
        """Standard deviation of a difference of a new subject."""
        return sqrt(self.of_subjects + self.of_rest)

    def intervals(self, bias: float) -> tuple[Interval, Interval, Interval]:
        """Return the intervals of the bias and of the lower and the upper limit of agreement.

        Those of the limits join the interval of the bias and that of the standard deviation by the method of variance estimates
        recovery (Zou 2013).
        """
        half = stats.t.ppf(0.975, self.subjects - 1) * sqrt(self.of_bias)
        far = near = 0.0
        for part, df in ((self.of_subjects, self.subjects - 1), (self.of_rest, self.pairs - self.subjects)):
            high, low = df / stats.chi2.ppf([0.025, 0.975], df)
            far, near = far + (part * (high - 1)) ** 2, near + (part * (1 - low)) ** 2
        variance = self.sd**2
        outer = sqrt(half**2 + LIMIT_SD**2 * (sqrt(variance + sqrt(far)) - self.sd) ** 2)
        inner = sqrt(half**2 + LIMIT_SD**2 * (self.sd - sqrt(max(variance - sqrt(near), 0))) ** 2)
        lower, upper = bias - LIMIT_SD * self.sd, bias + LIMIT_SD * self.sd
        return Interval(bias - half, bias + half), Interval(lower - outer, lower + inner), Interval(upper - inner, upper + outer)


def spread_of(differences: np.ndarray, subjects: np.ndarray) -> Spread:
    """Return the variance of differences between and within subjects, which are numbered from 0."""
    sizes = np.bincount(subjects)
    means = np.bincount(subjects, differences) / sizes
    pairs, count = len(differences), len(sizes)
    within = float(((differences - means[subjects]) ** 2).sum() / (pairs - count))
    of_means = float((sizes * (means - differences.mean()) ** 2).sum() / (count - 1))
    each = (pairs**2 - (sizes**2).sum()) / ((count - 1) * pairs)
    between = (of_means - within) / each
    of_bias = (max(between, 0) * (sizes**2).sum() / pairs + within) / pairs
    return Spread(between, within, of_means / each, (1 - 1 / each) * within, of_bias, count, pairs)


def limit_precision(people: int, sd_deg: float) -> float:
    """Return how well the limits of agreement will be known, deg: half the width of their interval, with a pair a person.

    Parameters
    ----------
    people : int
        How many will be measured.
    sd_deg : float
        By how much the differences scatter, deg; three is usual between two clinical instruments.
    """
    _, upper = limit_intervals(0.0, sd_deg, people)
    return float(upper.high - upper.low) / 2


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


def icc_of(table: Any, subjects: int | None = None) -> Icc:
    """Return ICC(2,1) of measurements; computes stacked tables one by one.

    Both intervals are of McGraw and Wong (1996, table 7) with Satterthwaite's degrees of freedom. For given instruments the mean
    square between them varies as a noncentral chi square does, not as a chi square: that alone is different.

    Parameters
    ----------
    table : array_like, shape (..., n, k)
        Subjects in rows, instruments in columns, nothing missing.
    subjects : int, optional
        Of how many people the rows are, if of fewer: the intervals are then those of a row a person, which is on the safe side.
    """
    x = np.asarray(table, float)
    n, k = x.shape[-2:]
    grand, rows, columns = x.mean((-2, -1), keepdims=True), x.mean(-1, keepdims=True), x.mean(-2, keepdims=True)
    msr = k * ((rows - grand) ** 2).sum((-2, -1)) / (n - 1)
    msc = n * ((columns - grand) ** 2).sum((-2, -1)) / (k - 1)
    mse = ((x - rows - columns + grand) ** 2).sum((-2, -1)) / ((n - 1) * (k - 1))
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing varies, or nothing differs
        icc = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
        if subjects is not None:
            msc, n = mse + (msc - mse) * subjects / n, subjects
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


def repeated_icc(pairs: np.ndarray, subjects: np.ndarray, otherwise: Icc) -> Icc:
    """Return the ICC of a single pair of a new subject, from several pairs of each; with one pair each it is ICC(2,1).

    The true angle differs from pair to pair, too. So sum and difference of the two instruments each have a variance between and
    within the subjects, and what they share of all that varies is the ICC: (Vs - Vd) / (Vs + Vd + 2 bias squared), the square of
    the bias freed of its own error. The interval leaves out one subject after the other (jackknife of Fisher's z).

    Parameters
    ----------
    pairs : numpy.ndarray, shape (n, 2), deg
        What each instrument said.
    subjects : numpy.ndarray, shape (n,)
        Whose each pair is, numbered from 0.
    otherwise : Icc
        The ICC of all pairs as if each was of another subject: its `any_instruments` is kept, and all of it where subjects are
        too few for more.
    """
    count = int(subjects.max()) + 1
    extra = np.bincount(subjects) - 1
    if count < LEAST_SUBJECTS or (extra.sum() == extra).any():  # without one of them nobody would have a second pair
        return otherwise
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _icc_of_one(pairs, subjects)
        z = np.arctanh(np.clip(value, -FAR_ICC, FAR_ICC))
        rest = ((pairs[kept], subjects[kept]) for kept in (subjects != one for one in range(count)))
        without = [_icc_of_one(some, np.unique(whose, return_inverse=True)[1]) for some, whose in rest]
        each = count * z - (count - 1) * np.arctanh(np.clip(without, -FAR_ICC, FAR_ICC))
    half = stats.t.ppf(0.975, count - 1) * each.std(ddof=1) / sqrt(count)
    return Icc(value, Interval(float(np.tanh(z - half)), float(np.tanh(z + half))), otherwise.any_instruments)


def _icc_of_one(pairs: np.ndarray, subjects: np.ndarray) -> float:
    differences = pairs[:, 0] - pairs[:, 1]
    apart, together = spread_of(differences, subjects), spread_of(pairs.sum(axis=1), subjects)
    apart_2, together_2 = apart.sd**2, together.sd**2
    bias_2 = differences.mean() ** 2 - apart.of_bias
    return float((together_2 - apart_2) / (together_2 + apart_2 + 2 * bias_2))


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


def repetition_table(sessions: Iterable[Session]) -> pd.DataFrame:
    """Return the repetitions of sessions, columns `REP_PAIR_COLUMNS`.

    `size_deg` and `gravity_size_deg` are the peak from the session's zero and against gravity, in the sense of its direction;
    `counts` says whether it is valid and was kept, `best` whether it entered the session value.
    """
    rows = []
    for session in sessions:
        for (side, direction), group in by_leg(session.rep_list).items():
            best = {id(rep) for rep in best_of(group, session.record.rule)}
            for rep in group:
                sizes = (direction.sign * rep.peak_deg, direction.sign * rep.gravity_deg)
                rows.append((session.id, str(side), str(direction), rep.rep, *sizes, rep.hold_s, counts(rep), id(rep) in best))
    return pd.DataFrame(rows, columns=REP_PAIR_COLUMNS)


_PAIR_KINDS = {"reading_deg": "float64", "rotrack_deg": "float64", "mean_deg": "float64", "difference_deg": "float64"}


def pair_readings(
    readings: pd.DataFrame,
    sessions: pd.DataFrame,
    within_h: float = WITHIN_H,
    pairing: Pairing = Pairing.SESSION,
    reps: pd.DataFrame | None = None,
    gravity: bool | None = None,
) -> Pairs:
    """Pair readings with what rotrack measured in the session nearest in time.

    Only the same person, drill, side and direction are compared, and only sessions of one convention and measure version: the
    newest that has a pair. Each instrument and rater has pairs of its own.

    Parameters
    ----------
    readings : pandas.DataFrame
        As `read_readings` returns them.
    sessions : pandas.DataFrame
        As `session_table` returns them. An index, a count and what has no value are left out.
    within_h : float
        The longest time between reading and session, h.
    pairing : Pairing
        By session: a single reading is compared with the session value; several of one rater are averaged and compared with the
        mean of all repetitions that count. By repetition: a reading with its repetition, known by its number, or by the order
        where there are as many readings as repetitions. By hold: the same among the repetitions that were held.
    reps : pandas.DataFrame, optional
        As `repetition_table` returns it. Without it there are only session values, from the session's zero.
    gravity : bool, optional
        Whether rotrack's angle against gravity is compared; without it, for `READ_AGAINST_GRAVITY`.
    """
    measured = sessions.tier.map(lambda tier: Tier(tier).in_degrees).astype(bool)
    known = _with_key(sessions[measured & sessions.size_deg.notna() & sessions.time.notna()])
    readings = _with_key(readings)
    found = _near(readings, known, within_h)
    near = set(found.reading)
    versions = known.loc[found.session, _VERSION].drop_duplicates().itertuples(index=False, name=None)
    newest = max(versions, key=_version_order, default=("", ""))
    found = found[(known.loc[found.session, _VERSION] == list(newest)).all(axis=1).to_numpy()]
    found = found.sort_values(["gap_h", "session"]).drop_duplicates("reading").sort_values("reading")
    reasons = _Reasons()
    alike = set(known[_LIKE].itertuples(index=False, name=None))
    for number, *key in readings[_LIKE].drop(found.reading).itertuples(name=None):
        if tuple(key) not in alike:
            reasons.add("no session of the same person, drill, side and direction")
        elif number not in near:
            reasons.add(f"no such session within {within_h:g} hours")
        else:
            reasons.add(f"only sessions of another version are near, and convention {newest[0]}, measure {newest[1]} is compared")
    rows = []
    reader = readings.instrument + "\n" + readings.rater.map(name_key)
    for (_, place), group in found.groupby([found.reading.map(reader), "session"], sort=False):
        session, theirs = known.loc[place], readings.loc[group.reading].assign(apart_h=group.gap_h.to_numpy())
        by_gravity = theirs.instrument.iloc[0] in READ_AGAINST_GRAVITY and reps is not None if gravity is None else gravity
        own = None
        if reps is not None:
            own = reps[(reps.session_id == session.session_id) & (reps.side == session.side) & reps.counts]
            own = own[own.direction == session.direction]
        rows += _pairs_in(theirs, session, own, pairing, by_gravity, reasons)
    table = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    table = table.sort_values(["taken_at", "rep"], kind="stable", ignore_index=True).astype(_PAIR_KINDS)
    return Pairs(table, reasons.told())


class _Reasons:
    """Why readings are compared with nothing, and how many."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}

    def add(self, reason: str, readings: int = 1) -> None:
        self._count[reason] = self._count.get(reason, 0) + readings

    def told(self) -> tuple[Unpaired, ...]:
        return tuple(Unpaired(reason, count) for reason, count in self._count.items())


def _pairs_in(
    readings: pd.DataFrame, session: Any, reps: pd.DataFrame | None, pairing: Pairing, gravity: bool, reasons: _Reasons
) -> list[dict[str, Any]]:
    """Return the pairs of the readings of one rater with one leg and direction of a session."""
    column, nothing = (
        "gravity_size_deg" if gravity else "size_deg",
        "rotrack has no angle against gravity there; --zero neutral compares the other",
    )
    if pairing is Pairing.SESSION:
        value_deg = session.size_deg
        if reps is not None and (gravity or len(readings) > 1):
            value_deg = reps[reps.best if len(readings) == 1 else reps.counts][column].mean()
        if not isfinite(value_deg):
            reasons.add(nothing, len(readings))
            return []
        return [_pair(readings.iloc[0], readings.value_deg.mean(), readings, session, value_deg, gravity, 0)]
    own = reps if reps is not None else pd.DataFrame(columns=REP_PAIR_COLUMNS)
    own = own[own.hold_s >= HELD_S] if pairing is Pairing.HOLD else own
    numbers = readings.rep.where(readings.rep != "", None)
    if numbers.notna().all():
        wanted = own.rep.tolist() if pairing is Pairing.REPETITION else list(range(1, len(own) + 1))
        places = {number: place for place, number in enumerate(wanted)}
        at = [places.get(int(number), -1) for number in numbers]
    elif len(readings) == len(own):
        readings = readings.sort_values("taken_at", kind="stable")
        at = list(range(len(own)))
    else:
        what = "held repetitions" if pairing is Pairing.HOLD else "repetitions"
        reasons.add(f"there are not as many readings as {what}; number them in the column rep", len(readings))
        return []
    made = []
    for (_, reading), place in zip(readings.iterrows(), at, strict=True):
        if place < 0:
            reasons.add("rotrack counted no repetition of that number" + (" that was held" if pairing is Pairing.HOLD else ""))
        elif not isfinite(own[column].iloc[place]):
            reasons.add(nothing)
        else:
            one = readings.loc[[reading.name]]
            made.append(
                _pair(reading, reading.value_deg, one, session, own[column].iloc[place], gravity, int(own.rep.iloc[place]))
            )
    return made


def _pair(
    reading: Any, reading_deg: float, readings: pd.DataFrame, session: Any, rotrack_deg: float, gravity: bool, rep: int
) -> dict[str, Any]:
    row = {column: reading[column] for column in ("drill", "side", "direction", "instrument", "rater", "date", "taken_at")}
    row |= {column: session[column] for column in _OF_SESSION} | ({"zero": GRAVITY} if gravity else {})
    return row | {
        "whole_day": reading.whole_day, "apart_h": readings.apart_h.min(), "readings": len(readings), "rep": rep,
        "reading_deg": reading_deg, "rotrack_deg": rotrack_deg, "mean_deg": (reading_deg + rotrack_deg) / 2,
        "difference_deg": rotrack_deg - reading_deg,
    }  # fmt: skip


def subjects_of(table: pd.DataFrame) -> pd.Series:
    """Return whose each pair is: the person; with fewer than three people, each leg and direction of a session by itself."""
    people = table.person.map(name_key)
    if people.nunique() >= LEAST_PEOPLE:
        return people
    return people + "\n" + table.session_id + "\n" + table.side + "\n" + table.direction


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
    if people < LEAST_PEOPLE and people < len(table):
        of = "one person" if people == 1 else f"{people} people"
        said.append(f"The {len(table)} pairs are of {of}: what is found holds for them, and says nothing of people in general.")
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
