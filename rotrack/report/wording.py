"""Days, drills, legs and numbers as the report writes and orders them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rotrack.charts.progress import MONTHS
from rotrack.core.drills import load_table
from rotrack.core.messages import Sentence, listed
from rotrack.core.model import Direction, Side
from rotrack.core.tiers import Tier
from rotrack.progress.change import Change
from rotrack.report.document import NONE


@dataclass(frozen=True, slots=True)
class Only:
    """To what a report was narrowed down: one drill, the sessions from a day on, or neither."""

    drill: str | None = None
    since: date | None = None

    @property
    def words(self) -> str:
        """All of it: `only sessions since 1 March 2026, only the drill ...`; empty if nothing was narrowed down."""
        parts = [Sentence("only sessions since {day}", day=day(self.since))] if self.since else []
        parts += [Sentence("only the drill \u201c{title}\u201d", title=title_of(self.drill))] if self.drill else []
        return listed(", ", *parts)


EVERYTHING = Only()


def day(when: date, year: bool = True) -> Sentence:
    """Return a day as it is written in the report: 3 March 2026."""
    return Sentence(f"{{d}} {MONTHS[when.month - 1]}{' {y}' * year}", d=when.day, y=when.year)


def short_day(when: date) -> Sentence:
    """Return a day as it is written in tables: 3 Mar 2026."""
    return Sentence(f"{{d}} {MONTHS[when.month - 1][:3]} {{y}}", d=when.day, y=when.year)


def title_of(drill: str) -> str:
    """Return the title of a drill without what stands in brackets; its id if no such drill is known."""
    known = load_table().drills.get(drill)
    return known.title.partition(" (everyday")[0] if known else drill


def drills_of(changes: Iterable[Change]) -> list[str]:
    """Return the drills, those with the most sessions first."""
    most: dict[str, int] = {}
    for change in changes:
        most[change.drill] = max(most.get(change.drill, 0), len(change.points))
    return sorted(most, key=lambda drill: (-most[drill], drill))


def of_drill(changes: Iterable[Change], drill: str) -> list[Change]:
    """Return the changes of a drill with left and right of a direction beside each other, internal rotation first."""
    found = [change for change in changes if change.drill == drill]
    return sorted(found, key=lambda change: (list(Direction).index(change.direction), list(Side).index(change.side)))


def leg(change: Change) -> Sentence:
    """Return of what a change is: `left, internal`."""
    return of_leg(change.side, change.direction)


def of_leg(side: str, direction: str) -> Sentence:
    """Return a leg and a direction in one: `left, internal`."""
    return Sentence("left, {direction}" if side == Side.LEFT else "right, {direction}", direction=direction)


def plain(value: float, tier: Tier) -> str:
    """Return a number without an error: `34.7°`, or a dash where there is none."""
    return Sentence(f"{{n:.1f}}{tier.unit}", n=value) if math.isfinite(value) else NONE


def signed(value: float, plus: str = "+") -> Sentence:
    """Return a number with its sign: `+7.6`; with `plus` empty only the minus is written."""
    size = round(value, 1) + 0.0  # no -0.0
    return Sentence("{sign}{n:.1f}", sign="\u2212" if size < 0 else plus, n=abs(size))
