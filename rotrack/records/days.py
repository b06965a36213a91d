"""Dates as people and spreadsheets write them: day, month and year in any order, with or without a time of day.

`03.04.2026` is the third of April or the fourth of March. A date whose first or second number is above 12 decides the order for
its whole column; where none does, whoever typed it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from rotrack.core.errors import InputError
from rotrack.system.clock import SYSTEM

EXAMPLE_DAY = "2026-01-31"
_DATE = re.compile(r"(\d{1,4})([./-]) ?(\d{1,2})\2 ?(\d{1,4})\.?(?:,?[T ]+(.+))?", re.ASCII)
_TIME = re.compile(
    r"(\d{1,2})(?:[:.h](\d\d)(?:[:.](\d\d)(?:[.,]0+)?)?)? ?(?:([ap])\.?m\.?|Uhr)? ?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)


class Order(StrEnum):
    """What stands before the year or behind it."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


def order_of(texts: Iterable[str]) -> Order | None:
    """Return the order of day and month that the dates of a column decide; None if none does, or they contradict each other."""
    decided = {order for text in texts if (order := _decides(text)) is not None}
    return decided.pop() if len(decided) == 1 else None


def is_undecided(text: str) -> bool:
    """Return whether a date by itself could be read in two ways."""
    first, second = _day_and_month(text)
    return 1 <= first <= 12 and 1 <= second <= 12 and first != second


def iso_of(text: str, order: Order | None = None) -> str:
    """Return a date as year-month-day, with its time of day if it has one.

    Parameters
    ----------
    text : str
        As somebody wrote it: 2026-01-31, 31.01.2026, 1/31/26, with 17:30 or 5:30 PM behind it.
    order : Order, optional
        Whether the day or the month comes first; without it, only a date that can be read in one way is taken.

    Raises
    ------
    ValueError
        With the reason, as the second half of a sentence.
    """
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError(f"the date '{text}' is not written as {EXAMPLE_DAY} or 31.01.2026, with or without a time such as 17:30")
    first, sign, second, third, clock = found.groups()
    if len(first) > 2:
        year, month, day = first, second, third
    elif len(third) == 4 or sign != "-":  # 26-01-31 could be 1931 or 2026, and begin with either
        if order is None and is_undecided(text):
            raise ValueError(f"the date {text} has two meanings; write {EXAMPLE_DAY}")
        day, month = (first, second) if (order or _decides(text)) is not Order.MONTH_FIRST else (second, first)
        year = third if len(third) == 4 else f"20{third}"
    else:
        raise ValueError(f"the date '{text}' has a year of two digits; write {EXAMPLE_DAY}")
    if (len(year), len(day) <= 2) != (4, True) or not 1 <= int(month) <= 12:
        other = f" if it is {order}" if order else ""
        raise ValueError(f"there is no date {text} on which it can have been taken{other}; check the year, month and day")
    return f"{year}-{int(month):02d}-{int(day):02d}" + (f" {_clock(clock, text)}" if clock else "")


def check_past(time: datetime) -> None:
    """Raise InputError for a time at which nothing can have been measured yet; clocks may differ by a day."""
    if time > SYSTEM.now() + timedelta(days=1):
        raise InputError(f"{time:%Y-%m-%d} is in the future; check the date.")


def _clock(clock: str, text: str) -> str:
    found = _TIME.fullmatch(clock.strip())
    if not found or not (found[2] or found[4]):
        raise ValueError(f"the time of '{text}' is not written as 17:30")
    hour = int(found[1])
    if found[4]:
        if not 1 <= hour <= 12:
            raise ValueError(f"the time of '{text}' is not written as 17:30 or 5:30 PM")
        hour = hour % 12 + (12 if found[4].lower() == "p" else 0)
    zone = found[5] or ""
    zone = zone if ":" in zone or len(zone) < 2 else f"{zone[:3]}:{zone[3:]}"
    return f"{hour:02d}:{found[2] or '00'}" + (f":{found[3]}" if found[3] else "") + zone


def _day_and_month(text: str) -> tuple[int, int]:
    """Return the first two numbers of a date that does not begin with the year; else zeros."""
    found = _DATE.fullmatch(text)
    return (int(found[1]), int(found[3])) if found and len(found[1]) <= 2 else (0, 0)


def _decides(text: str) -> Order | None:
    first, second = _day_and_month(text)
    if 12 < first <= 31 and 1 <= second <= 12:
        return Order.DAY_FIRST
    return Order.MONTH_FIRST if 12 < second <= 31 and 1 <= first <= 12 else None
