"""A stretch of time of a history: a day, a week, a month, a year or all of it; where sessions are dense, means of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from rotrack.records.session import ALIKE
from rotrack.records.text import load_column
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

DENSE = 31
"""With more values of one leg and direction they are drawn as means, of periods of which there are no more than twice as many."""


class Span(StrEnum):
    """How much of a history is shown."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


_DAYS = {Span.DAY: 1, Span.WEEK: 7, Span.MONTH: 31, Span.YEAR: 366}
_PERIODS = ("D", "W", "M", "Y")
"""Of what means are made, as pandas names it: the first that is not too fine is taken."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown: from its first moment to its last, by the clock on the wall."""

    from_: datetime
    to: datetime

    def days(self) -> tuple[date, date]:
        """Return the first and the last day."""
        return self.from_.date(), self.to.date()


def wall(started_at: str) -> datetime:
    """Return when a session began by the clock on the wall."""
    return datetime.fromisoformat(started_at).replace(tzinfo=None)


def window_of(table: pd.DataFrame, span: Span, back: int = 0) -> Window:
    """Return the stretch of time that ends with the day of the latest session, or is so many of its lengths earlier.

    Parameters
    ----------
    table : pandas.DataFrame
        A `history_table` that is not empty.
    span : Span
        How long it is.
    back : int
        How many of its lengths it is earlier.
    """
    times = [wall(text) for text in table.started_at]
    first, last = min(times).date(), max(times).date()
    if span is Span.ALL:
        return Window(datetime.combine(first, time.min), datetime.combine(last, time.max))
    to = last - back * timedelta(days=_DAYS[span])
    return Window(datetime.combine(to - timedelta(days=_DAYS[span] - 1), time.min), datetime.combine(to, time.max))


def within(table: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return the rows of the sessions in a stretch of time."""
    return table[[window.from_ <= wall(text) <= window.to for text in table.started_at]]


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return means where sessions are dense, the table itself where they are not.

    Parameters
    ----------
    table : pandas.DataFrame
        A `history_table` of one person and one drill.

    Returns
    -------
    pandas.DataFrame
        One row per leg, direction and period, only of what was measured alike: the mean of `value_deg` and of the moments, the
        number of sessions in `sessions`, the smallest and the largest size of the angle in `low_deg` and `high_deg`. The id is
        that of the latest session.
    """
    table = table[table.value_deg.notna()]
    if not len(table) or table.groupby(["side", "direction"]).size().max() <= DENSE:
        return table
    times = pd.Series([wall(text) for text in table.started_at], index=table.index)
    period = next((p for p in _PERIODS if times.dt.to_period(p).nunique() <= 2 * DENSE), _PERIODS[-1])
    table = table.assign(load=load_column(table), time=times, period=times.dt.to_period(period), size=table.value_deg.abs())
    found = table.groupby(["side", "direction", "person", *ALIKE, "period"], sort=False, as_index=False, dropna=False).agg(
        time=("time", "mean"),
        value_deg=("value_deg", "mean"),
        low_deg=("size", "min"),
        high_deg=("size", "max"),
        sessions=("size", "size"),
        session_id=("session_id", "last"),
        band=("band", "last"),
        load_kg=("load_kg", "last"),
    )
    return found.assign(started_at=[moment.isoformat() for moment in found.time], uncertainty_deg=float("nan"))
