"""Values set side by side: left against right, now against earlier. A difference has an error of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rotrack.model import Direction, Rep, Side
from rotrack.records.history import earlier_sessions
from rotrack.records.session import Session, SessionValue


@dataclass(frozen=True, slots=True)
class Difference:
    """How much larger one value is than another of the same direction, without their sign.

    Parameters
    ----------
    direction : Direction
        What both are of.
    difference_deg : float
        Size of the first less size of the second; negative if the second is larger.
    uncertainty_deg : float
        95 % half width of the difference: root of the sum of the squares of both.
    """

    direction: Direction
    difference_deg: float
    uncertainty_deg: float

    @property
    def clear(self) -> bool:
        """Whether it is larger than its error."""
        return abs(self.difference_deg) > self.uncertainty_deg


def difference(one: SessionValue, other: SessionValue) -> Difference:
    """Return how much larger one value is than another of the same direction."""
    sign = one.direction.sign
    return Difference(
        one.direction,
        sign * one.value_deg - sign * other.value_deg,
        math.hypot(one.uncertainty_deg, other.uncertainty_deg),
    )


def left_against_right(values: Iterable[SessionValue]) -> tuple[Difference, ...]:
    """Return how much larger the left value is than the right one, per direction that has both."""
    known = {(v.side, v.direction): v for v in values if v.reps_used and math.isfinite(v.value_deg)}
    return tuple(
        difference(known[Side.LEFT, direction], known[Side.RIGHT, direction])
        for direction in Direction
        if {(Side.LEFT, direction), (Side.RIGHT, direction)} <= set(known)
    )


def legs_of(session: Session, directions: Iterable[Direction]) -> set[tuple[Side, Direction]]:
    """Return what of a session has repetitions, and what its drill asks, with its `directions`, of the measured legs."""
    found = {(rep.side, rep.direction) for rep in session.rep_list}
    return found | {(Side(side), direction) for side in session.info.get("sides", ()) for direction in directions}


@dataclass(frozen=True, slots=True)
class Earlier:
    """A value of an earlier session that may be compared with a new one."""

    session_id: str
    started_at: datetime
    value: SessionValue


def earlier_values(
    session: Session, sessions: Sequence[Session], side: Side, direction: Direction, most: int
) -> tuple[Earlier, ...]:
    """Return the values of a person before a session that may be compared with it, see `history.earlier_value`.

    Parameters
    ----------
    session : Session
        The session.
    sessions : sequence of Session
        All sessions, oldest first.
    side, direction : Side, Direction
        For which leg and way.
    most : int
        So many of them, the latest.

    Returns
    -------
    tuple of Earlier
        Oldest first.
    """
    found: list[Earlier] = []
    for earlier in earlier_sessions(session.info, sessions):
        for value in earlier.values:
            if (value.side, value.direction) == (side, direction) and value.reps_used and len(found) < most:
                found.append(Earlier(earlier.id, datetime.fromisoformat(earlier.info["started_at"]), value))
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Held:
    """What there is of a stretch: cycles that were not dropped, and how long they were held.

    Parameters
    ----------
    side : Side
        The leg.
    cycles : int
        How many.
    longest_s, total_s : float
        The longest hold and all of them together, s; NaN without a cycle.
    """

    side: Side
    cycles: int
    longest_s: float
    total_s: float


def held(reps: Iterable[Rep]) -> tuple[Held, ...]:
    """Return what there is of a stretch per side that has cycles."""
    groups: dict[Side, list[Rep]] = {}
    for rep in reps:
        groups.setdefault(rep.side, []).append(rep)
    found = []
    for side, group in sorted(groups.items()):
        holds_s = [rep.hold_s for rep in group if not rep.dropped]
        longest_s, total_s = (max(holds_s), sum(holds_s)) if holds_s else (math.nan, math.nan)
        found.append(Held(side, len(holds_s), longest_s, total_s))
    return tuple(found)
