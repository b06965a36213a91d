"""Has a range really changed? Per person, drill, side and direction: baseline, latest value, change with its error, verdict.

Only like is compared with like; what was left out is said. `docs/progress.md` is the explanation for people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.errors import RecordError
from rotrack.core.messages import Sentence, listed
from rotrack.core.model import Direction, Side
from rotrack.core.tiers import Tier
from rotrack.progress.rule import BASELINE_DAYS, NOW_DAYS, ONE_LOOK, half_width, looks
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, STATED_SHARE, Slope, Spread, mdc
from rotrack.progress.values import session_table
from rotrack.records.history import newest, only, rep_table, wrongly_dated
from rotrack.records.readings import no_readings, read_readings
from rotrack.records.record import Status
from rotrack.records.rules import RULES, USUAL, ValueRule
from rotrack.records.session import ALIKE, Session, differences
from rotrack.records.store import read_all
from rotrack.system.imports import when_used
from rotrack.system.inputs import name_key
from rotrack.texts.numbers import times

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

FLAGGED_DEG = 10.0
"""A clear difference of left and right above this is pointed out (Ellison 1990 and others)."""
SAME_TIME_DAYS = 30
"""Left and right are compared if they were measured within so many days."""
DAYS_PER_MONTH = 365.25 / 12
OF_ONE = ("person", "drill", "side", "direction")
"""What one comparison is of."""


@cache
def _z95() -> float:
    return float(mdc(1.0) / np.sqrt(2))


class Verdict(StrEnum):
    """What may be said of a change, see `rule.looks`."""

    REAL = "real change"
    UNCONFIRMED = "to be confirmed"
    WITHIN = "within measurement error"
    NOT_ENOUGH = "not enough sessions"


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one session.

    Parameters
    ----------
    session_id : str
        Its id.
    started_at : datetime
        When it began, with the offset from UTC.
    size_deg : float
        The value without its sign: more range is a larger number.
    uncertainty_deg : float
        The 95 % half width that is stated with it; NaN in logs of convention version 1.
    reps_used : int
        Repetitions behind it.
    """

    session_id: str
    started_at: datetime
    size_deg: float
    uncertainty_deg: float
    reps_used: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Sessions that may not be compared with the latest.

    Parameters
    ----------
    reasons : tuple of str
        In what they differ from it, in words.
    points : tuple of Point
        Their values, oldest first.
    """

    reasons: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def reason(self) -> str:
        """All that differs, in words."""
        return listed(", ", *self.reasons)

    @property
    def sessions(self) -> int:
        """How many they are."""
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Change:
    """How one range of one person has changed.

    Parameters
    ----------
    person, drill, tier : str
        Whose, and of what.
    side, direction : Side, Direction
        Which leg, which way.
    points : tuple of Point
        The sessions that are alike, oldest first.
    baseline_deg : float
        Mean of the first days, three to eight of them and none of the latest three; NaN with fewer than three.
    now_deg : float
        What the range is now: mean of the latest days, up to three.
    now_from : datetime
        When the first session began that is behind `now_deg`.
    latest_deg : float
        Value of the last session.
    change_deg : float
        Now minus baseline, positive if the range has grown; NaN with three days or fewer.
    error_deg : float
        Half width of its 95 % confidence interval; NaN without a change.
    real_from_deg : float
        From which size on a change is real, once it rests on three days; NaN without a change.
    spread : Spread
        The measurement error that is behind it.
    verdict : Verdict
        What may be said.
    way : int
        What it is said of: 1 is a gain, -1 a loss, 0 neither.
    confirmed : date, optional
        On which day a real change was first real, by the clock of its sessions.
    slope : Slope
        How fast it grows; NaN below six sessions.
    left_out : tuple of LeftOut
        Sessions of the same movement that are not alike.
    kind : dict of str to str
        What the compared sessions have in common, by the names in `records.session.ALIKE`.
    """

    person: str
    drill: str
    tier: Tier
    side: Side
    direction: Direction
    points: tuple[Point, ...]
    baseline_deg: float
    now_deg: float
    now_from: datetime
    latest_deg: float
    change_deg: float
    error_deg: float
    real_from_deg: float
    spread: Spread
    verdict: Verdict
    way: int
    confirmed: date | None
    slope: Slope
    left_out: tuple[LeftOut, ...] = ()
    kind: dict[str, str] = field(default_factory=dict)

    @property
    def rule(self) -> ValueRule:
        """Which repetitions make the values."""
        return RULES[self.kind.get("value_rule", USUAL)]

    @property
    def days(self) -> int:
        """On how many days it was measured, by the clock of the sessions."""
        return len({point.started_at.date() for point in self.points})


@dataclass(frozen=True, slots=True)
class Sides:
    """Left against right of one person, drill and direction.

    From the latest sessions that have both, up to three, or from the last of each if those are not more than a month apart.

    Parameters
    ----------
    left_deg, right_deg : float
        Sizes: means of those sessions.
    difference_deg : float
        Left less right.
    error_deg : float
        95 % half width: the larger of what the spread of the days and what the stated errors of the values give.
    real_from_deg : float
        From which size on a difference is clear, once it rests on `NOW_DAYS`; never below what the stated errors give.
    sessions : int
        Sessions behind it.
    """

    person: str
    drill: str
    tier: Tier
    direction: Direction
    left_deg: float
    right_deg: float
    difference_deg: float
    error_deg: float
    real_from_deg: float
    sessions: int

    @property
    def clear(self) -> bool:
        """Whether the legs differ, by the rule of change."""
        return self.sessions == NOW_DAYS and abs(self.difference_deg) > self.real_from_deg

    @property
    def unconfirmed(self) -> bool:
        """Whether the difference is larger than its error, but not yet clear."""
        return not self.clear and abs(self.difference_deg) > self.error_deg

    @property
    def flagged(self) -> bool:
        """Whether it is clear and above 10 degrees; an index is never flagged."""
        return self.clear and abs(self.difference_deg) > FLAGGED_DEG and not self.tier.is_index


@dataclass(frozen=True)
class Progress:
    """All that was asked for.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per person, drill, side and direction, see `change_table`.
    sessions : tuple of Session
        Those behind it, oldest first.
    side : Side or None
        The leg that was asked for; None is both.
    readings : pandas.DataFrame
        What other instruments read, with the same filters, see `progress.readings`; never mixed with the sessions.
    notes : tuple of str
        What was left out altogether, in words.
    problems : tuple of str
        What cannot be used, a sentence each.
    """

    table: pd.DataFrame
    sessions: tuple[Session, ...]
    side: Side | None
    readings: pd.DataFrame
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    _values: pd.DataFrame

    @cached_property
    def reps(self) -> pd.DataFrame:
        """The repetitions behind it, as `records.history.rep_table` returns them."""
        reps = rep_table(self.sessions)
        return reps[reps.side == self.side] if self.side else reps

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Each row of the table with its sessions; internal before external, left beside right."""
        return changes_of(self.table, self._values)

    @cached_property
    def sides(self) -> tuple[Sides, ...]:
        """Left against right wherever both were measured alike."""
        return sides_of(self.changes, self.table)

    @property
    def people(self) -> list[str]:
        """Whose sessions these are."""
        return list(dict.fromkeys(self.table.person))


# ---------------------------------------------------------------------- reading
def read_progress(
    data: Path, person: str | None = None, drill: str | None = None, side: Side | None = None, since: date | None = None
) -> Progress:
    """Return what has changed, from the log of a data folder.

    Parameters
    ----------
    data : Path
        The data folder.
    person, drill : str, optional
        Only this person (the exact name) or drill.
    side : Side, optional
        Only this leg.
    since : date, optional
        Only sessions from this day on, by their own clock; the first of these are the baseline.

    Raises
    ------
    RecordError
        If there is no log, or it cannot be read.
    """
    sessions, problems = read_all(data)
    if not sessions and not problems:
        raise RecordError(
            "There is no log in {folder} yet; measure something first, or choose the folder with --out.", folder=data
        )
    readings, doubtful = read_readings(data)
    return progress_of(sessions, person, drill, side, since, (*problems, *doubtful), readings)


def progress_of(
    sessions: Sequence[Session],
    person: str | None = None,
    drill: str | None = None,
    side: Side | None = None,
    since: date | None = None,
    problems: tuple[str, ...] = (),
    readings: pd.DataFrame | None = None,
) -> Progress:
    """Return what has changed in sessions, oldest first, as `read_progress` does."""
    values, notes = _usable(sessions, person, drill, side, since)
    values = values.assign(alike=alike(values))
    table = change_table(values)
    behind = set(values.session_id)
    notes += tuple(_warnings(table, values[values.alike]))
    kept = _readings(no_readings() if readings is None else readings, person, drill, side, since)
    return Progress(table, tuple(s for s in sessions if s.id in behind), side, kept, notes, problems, values)


def _usable(
    sessions: Sequence[Session], person: str | None, drill: str | None, side: Side | None, since: date | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the values that may be compared with anything, and what was left out."""
    notes = []
    values = session_table(only(sessions, person, drill))

    def leave_out(unwanted: Any, why: str) -> None:
        nonlocal values
        count = values.session_id[unwanted].nunique()
        if count:
            notes.append(Sentence("{sessions} left out: {why}.", sessions=times(count, "session"), why=why))
            values = values[~unwanted]

    running = {session.id for session in sessions if session.record.status is Status.RUNNING}
    ended = [session for session in sessions if session.id not in running]
    counting = {session.id for session in newest(ended)} | running
    if side is not None:
        values = values[values.side == side]
    if since is not None:
        values = values[values.started_at.str[:10] >= since.isoformat()]
    leave_out(values.session_id.isin(running), "still being measured")
    leave_out(values.person == "", "without a name nobody knows whose they are")
    leave_out(values.tier.map(lambda tier: Tier(tier).is_counted).astype(bool), "stretches are counted and timed, not measured")
    leave_out(~values.session_id.isin(counting), "they were measured again, and another reading counts")
    wrong = wrongly_dated(sessions)
    why = "their dates contradict the order in which they were measured; `rotrack note SESSION --dated DATE` puts a date right"
    leave_out(values.session_id.isin(wrong), why)
    empty = values.reps_used == 0
    if empty.any():
        whole = len(set(values.session_id[empty]) - set(values.session_id[~empty]))
        legs = ", ".join(
            sorted(
                {
                    Sentence("{drill} {side} {direction}", drill=v.drill, side=v.side, direction=v.direction)
                    for v in values[empty].itertuples()
                }
            )
        )
        notes.append(
            Sentence(
                "Without a valid repetition: {legs} in {sessions}.",
                legs=legs,
                sessions=times(values.session_id[empty].nunique(), "session"),
            )
        )
        if whole:
            notes.append(Sentence("{sessions} left out: not a single valid repetition.", sessions=times(whole, "session")))
        values = values[~empty]
    return values, tuple(notes)


def _warnings(table: pd.DataFrame, compared: pd.DataFrame) -> Iterator[str]:
    """Yield what to know before believing a change."""
    if (table.sessions > table.days).any():
        yield "Sessions of one day count as one day: only sessions on other days show how much days differ."
    if ((table.days > BASELINE_DAYS) & (table.latest_reps < table.value_rule.map(lambda name: RULES[name].best))).any():
        yield "A latest value rests on fewer valid repetitions than its rule asks for, so it tends to be too small."
    if compared.model.nunique() > 1 and (compared.groupby(list(OF_ONE)).model.nunique() > 1).any():
        models = " and ".join(sorted(compared.model.unique()))
        yield Sentence(
            "Sessions were read with different pose models ({models}): a part of a change may be theirs.", models=models
        )


def _readings(
    readings: pd.DataFrame, person: str | None, drill: str | None, side: Side | None, since: date | None
) -> pd.DataFrame:
    if person is not None:
        readings = readings[readings.person.map(name_key) == name_key(person)]
    for column, wanted in (("drill", drill), ("side", side)):
        if wanted is not None:
            readings = readings[readings[column] == wanted]
    return readings if since is None else readings[readings.date >= since.isoformat()]


# ---------------------------------------------------------------------- computing
def change_table(values: pd.DataFrame) -> pd.DataFrame:
    """Return what has changed, one row per person, drill, side and direction.

    Parameters
    ----------
    values : pandas.DataFrame
        A `session_table` of sessions that have a name, a time and a value, oldest first, with the column `alike`.

    Returns
    -------
    pandas.DataFrame
        Columns person, drill, side, direction, tier; the columns `ALIKE` of the latest session, which are those of all that are
        compared; sessions and days (compared) and left_out (not alike); first_at, last_at; baseline_deg, baseline_days, now_deg,
        now_days, now_from (when its first session began), latest_deg, latest_reps (repetitions behind it), change_deg, error_deg,
        real_from_deg, sem_deg, df, own_deg, own_df, default_deg, mdc95_deg, verdict, way, confirmed (the day, or empty),
        slope_deg, slope_low_deg, slope_high_deg (per month). Ordered by person, drill, side and direction.
    """
    group = values.groupby(list(OF_ONE), sort=True).ngroup().to_numpy()
    everything = np.bincount(group)
    values, group = values[values.alike], group[values.alike.to_numpy()]
    order = np.argsort(group, kind="stable")
    values, group = values.iloc[order], group[order]
    count = np.bincount(group)
    ends = np.cumsum(count)
    days = _days(values, group)
    day_count = np.bincount(days.group)
    day_ends = np.cumsum(day_count)
    default = _default_sem(values, group, count, ends)[days.last]
    found = looks(days.time_days, days.size_deg, (day_ends - day_count)[days.group], default)
    at = day_ends - 1
    first, started = np.flatnonzero(days.first), values.started_at.to_numpy()
    judged = found.now_days[at] > 0
    way = np.where(found.way[at] != 0, found.way[at], np.where(judged, found.doubtful[at], 0))
    verdict = np.select(
        [~judged, found.way[at] != 0, found.doubtful[at] != 0],
        [Verdict.NOT_ENOUGH, Verdict.REAL, Verdict.UNCONFIRMED],
        str(Verdict.WITHIN),
    )
    now = np.where(judged, found.now_deg[at], np.bincount(days.group, days.size_deg) / day_count)
    now_days = np.where(judged, found.now_days[at], day_count)
    slope, half = DAYS_PER_MONTH * found.slope[at], DAYS_PER_MONTH * found.slope_error[at]
    table = values.iloc[ends - 1][[*OF_ONE, "tier", *ALIKE]].reset_index(drop=True)
    return table.assign(
        sessions=count, days=day_count, left_out=everything - count,
        first_at=started[ends - count], last_at=started[ends - 1],
        baseline_deg=found.baseline_deg[at], baseline_days=found.baseline_days[at],
        now_deg=now, now_days=now_days, now_from=started[first[day_ends - now_days]],
        latest_deg=values.size_deg.to_numpy()[ends - 1], latest_reps=values.reps_used.to_numpy()[ends - 1],
        change_deg=found.change_deg[at], error_deg=found.error_deg[at], real_from_deg=found.real_from_deg[at],
        sem_deg=found.sem_deg[at], df=found.df[at], own_deg=found.own_deg[at], own_df=found.own_df[at], default_deg=default[at],
        mdc95_deg=mdc(1.0) * found.sem_deg[at], verdict=verdict, way=way,
        confirmed=[started[first[day]][:10] if day >= 0 else "" for day in found.confirmed[at]],
        slope_deg=slope, slope_low_deg=slope - half, slope_high_deg=slope + half,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Days:
    """The days of sessions: mean time and mean value of those of one group and day, in order of groups and days.

    `first` says of every session whether it is the first of its day, shape (sessions,), and `last` where the last one of each day
    is; the rest has a place per day.
    """

    first: np.ndarray
    last: np.ndarray
    group: np.ndarray
    time_days: np.ndarray
    size_deg: np.ndarray


def _days(values: pd.DataFrame, group: np.ndarray) -> _Days:
    """Return the days of values that are in the order of their groups and times; a day is that of the session's own clock."""
    date = pd.factorize(values.started_at.str[:10])[0]
    first = np.ones(len(group), bool)
    first[1:] = (np.diff(group) != 0) | (np.diff(date) != 0)
    day = np.cumsum(first) - 1
    count = np.bincount(day)
    seconds = (values.time - values.time.min()).dt.total_seconds().to_numpy()
    time_days, size_deg = (np.bincount(day, number) / count for number in (seconds / 86_400, values.size_deg.to_numpy()))
    return _Days(first, np.cumsum(count) - 1, group[first], time_days, size_deg)


def alike(values: pd.DataFrame) -> np.ndarray:
    """Return which values may be compared with the latest of their person, drill, side and direction, bool, shape (n,)."""
    kind = values.groupby(list(ALIKE), sort=False).ngroup()
    latest = kind.groupby([values[column] for column in OF_ONE]).transform("last")
    return (kind == latest).to_numpy()


def _default_sem(values: pd.DataFrame, group: np.ndarray, count: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the default of the SEM as it was after each session: what is published, or what follows from the stated errors.

    The larger of both counts; of an index nothing is published. A later session does not change what stood after an earlier one.
    """
    stated = STATED_SHARE * values.uncertainty_deg.to_numpy() / _z95()
    known = np.isfinite(stated)
    before = (ends - count)[group]
    squares, counted = (np.concatenate([[0.0], np.cumsum(n)]) for n in (np.where(known, stated, 0.0) ** 2, known))
    here = np.arange(1, len(group) + 1)
    counted = counted[here] - counted[before]
    own = np.sqrt(np.divide(squares[here] - squares[before], counted, out=np.zeros(len(group)), where=counted > 0))
    index = values.tier.map(lambda tier: Tier(tier).is_index).to_numpy()
    return np.where(index & (own > 0), own, np.maximum(own, PUBLISHED_SEM_DEG))


# ---------------------------------------------------------------------- the table as objects
def changes_of(table: pd.DataFrame, values: pd.DataFrame) -> tuple[Change, ...]:
    """Return each row of a `change_table` with the values that it is of; internal before external, left beside right."""
    groups = {key: rows for key, rows in values.groupby(list(OF_ONE), sort=False)}
    found = [_change(row, groups[tuple(row[key] for key in OF_ONE)]) for row in table.to_dict("records")]
    return tuple(sorted(found, key=lambda c: (c.person, c.drill, [*Direction].index(c.direction), [*Side].index(c.side))))


def _change(row: Mapping[str, Any], values: pd.DataFrame) -> Change:
    same = values.alike.to_numpy()
    return Change(
        row["person"], row["drill"], Tier(row["tier"]), Side(row["side"]), Direction(row["direction"]), _points(values[same]),
        row["baseline_deg"], row["now_deg"], aware(row["now_from"]), row["latest_deg"],
        row["change_deg"], row["error_deg"], row["real_from_deg"],
        Spread(row["sem_deg"], row["df"], row["own_deg"], row["own_df"], row["default_deg"]),
        Verdict(row["verdict"]), row["way"], date.fromisoformat(row["confirmed"]) if row["confirmed"] else None,
        Slope(row["slope_deg"], row["slope_low_deg"], row["slope_high_deg"]), _left_out(row, values[~same]),
        {key: row[key] for key in ALIKE},
    )  # fmt: skip


def _points(values: pd.DataFrame) -> tuple[Point, ...]:
    wanted = ("session_id", "started_at", "size_deg", "uncertainty_deg", "reps_used")
    columns = (values[column].tolist() for column in wanted)
    return tuple(Point(name, aware(started), *numbers) for name, started, *numbers in zip(*columns, strict=True))


def aware(started_at: str) -> datetime:
    """Return when a session began with its offset; without one it is by this computer's clock."""
    time = datetime.fromisoformat(started_at)
    return time if time.tzinfo else time.astimezone()


def _left_out(row: Mapping[str, Any], values: pd.DataFrame) -> tuple[LeftOut, ...]:
    """Return the values that were not compared, by what differs from the latest."""
    found: dict[tuple[str, ...], list[Point]] = {}
    for point, kind in zip(_points(values), values[list(ALIKE)].to_dict("records"), strict=True):
        found.setdefault(differences(kind, row), []).append(point)
    return tuple(LeftOut(reasons, tuple(points)) for reasons, points in found.items())


def sides_of(changes: Sequence[Change], table: pd.DataFrame) -> tuple[Sides, ...]:
    """Return left against right wherever both were measured alike; `table` is that of the changes."""
    known = {(c.person, c.drill, c.direction, c.side): c for c in changes}
    kinds = {(r.person, r.drill, r.direction, r.side): tuple(getattr(r, k) for k in ALIKE) for r in table.itertuples()}
    found = []
    for person, drill, direction in dict.fromkeys(key[:3] for key in known):
        both = [(person, drill, direction, side) for side in Side]
        if all(key in known for key in both) and len({kinds[key] for key in both}) == 1:
            found += _sides(*(known[key] for key in both))
    return tuple(found)


def _sides(left: Change, right: Change) -> list[Sides]:
    """Return left against right; nothing if both were measured at quite different times."""
    theirs = {point.session_id: point for point in right.points}
    days: dict[date, tuple[Point, Point]] = {}
    for point in left.points:
        if point.session_id in theirs:
            days[point.started_at.date()] = (point, theirs[point.session_id])
    pairs = list(days.values())[-NOW_DAYS:] or [(left.points[-1], right.points[-1])]
    one, other = pairs[-1]
    if abs(one.started_at - other.started_at) > timedelta(days=SAME_TIME_DAYS):
        return []
    left_deg, right_deg = (float(np.mean([pair[leg].size_deg for pair in pairs])) for leg in (0, 1))
    stated = [float(np.mean([pair[leg].uncertainty_deg for pair in pairs])) for leg in (0, 1)]
    error_deg, real_from_deg = errors_of_difference(stated, (left.spread, right.spread), len(pairs))
    return [Sides(
        left.person, left.drill, left.tier, left.direction, left_deg, right_deg, left_deg - right_deg,
        error_deg, real_from_deg, len(pairs),
    )]  # fmt: skip


def errors_of_difference(stated_deg: Sequence[float], spreads: tuple[Spread, Spread], days: int) -> tuple[float, float]:
    """Return the 95 % half width of a difference of the legs, and from which size on it is clear, deg.

    Neither is below the root of the squares of the stated errors: a difference of legs also has the part of the error that is the
    same every time.

    Parameters
    ----------
    stated_deg : sequence of float
        The stated error of each leg, 95 % half width, deg; NaN if not known.
    spreads : tuple of Spread
        How much the values of each leg differ although nothing has changed.
    days : int
        Of how many days the difference is the mean.
    """
    sem_deg, df = math.hypot(*(s.sem_deg for s in spreads)), min(s.df for s in spreads)
    widths = (float(half_width(sem_deg, df, (days,), chance)) for chance in (0.05, ONE_LOOK))
    error_deg, real_from_deg = (float(np.nanmax([width, math.hypot(*stated_deg)])) for width in widths)
    return error_deg, real_from_deg


def to_dict(progress: Progress) -> dict[str, Any]:
    """Return what `rotrack progress --json` prints; missing numbers are NaN."""
    changes = []
    for change in progress.changes:
        entry = asdict(change) | {"points": _plain_points(change.points)}
        entry["left_out"] = [
            {"reason": left.reason, "sessions": left.sessions, "points": _plain_points(left.points)} for left in change.left_out
        ]
        entry["now_from"], entry["confirmed"] = change.now_from.isoformat(), change.confirmed and change.confirmed.isoformat()
        entry["spread"] |= {"mdc95_deg": change.spread.mdc95_deg}
        entry["measured"] = _meaning(change.drill)
        changes.append(entry)
    sides = [{**asdict(s), "clear": s.clear, "unconfirmed": s.unconfirmed, "flagged": s.flagged} for s in progress.sides]
    readings = progress.readings.assign(taken_at=progress.readings.taken_at.map(lambda t: t.isoformat()))
    return {
        "changes": changes, "sides": sides, "readings": readings.to_dict("records"),
        "notes": list(progress.notes), "problems": list(progress.problems),
    }  # fmt: skip


def _plain_points(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [{**asdict(point), "started_at": point.started_at.isoformat()} for point in points]


def _meaning(drill: str) -> str:
    known = load_table().drills.get(drill)
    return known.measured if known else ""
