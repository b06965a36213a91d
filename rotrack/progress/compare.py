"""Values set side by side: left against right, now against earlier; with the one rule for the error of a difference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rotrack.core.model import Direction, Side
from rotrack.progress.change import change_table, error_of_difference
from rotrack.progress.statistics import Spread
from rotrack.progress.values import session_table
from rotrack.records.history import ALIKE, earlier_sessions, newest
from rotrack.records.session import Session, SessionValue
from rotrack.records.store import in_time
from rotrack.system.inputs import name_key

Spreads = dict[tuple[Side, Direction], Spread]
"""How much the values of each leg and direction differ from session to session although nothing has changed."""


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
        95 % half width of the difference, see `progress.change.error_of_difference`.
    """

    direction: Direction
    difference_deg: float
    uncertainty_deg: float

    @property
    def clear(self) -> bool:
        """Whether it is larger than its error."""
        return abs(self.difference_deg) > self.uncertainty_deg


def spreads_of(session: Session, sessions: Sequence[Session]) -> Spreads:
    """Return the spread that a session's values are judged by: that of all sessions of the person that are like it.

    Parameters
    ----------
    session : Session
        The session; one without a name stands for itself.
    sessions : sequence of Session
        All sessions, oldest first; the session itself need not be among them.
    """
    alike = [other for other in newest(sessions) if _alike(session, other)]
    values = session_table(sorted([*alike, session], key=in_time))  # the session itself, even if another reading of it counts
    values = values[values.reps_used > 0]
    if values.empty:
        return {}
    table = change_table(values.assign(alike=True, person=session.person))
    return {
        (Side(row["side"]), Direction(row["direction"])): Spread(
            row["sem_deg"], row["df"], row["own_deg"], row["own_df"], row["default_deg"]
        )
        for row in table.to_dict("records")
    }


def _alike(one: Session, other: Session) -> bool:
    """Return whether another session is of the same named person and kind, and not of the same movement."""
    if not name_key(one.person) or name_key(one.person) != name_key(other.person) or one.record.movement == other.record.movement:
        return False
    return one.record.drill == other.record.drill and all(getattr(one.record, key) == getattr(other.record, key) for key in ALIKE)


def difference(one: SessionValue, other: SessionValue, spreads: Spreads) -> Difference:
    """Return how much larger one value is than another of the same direction; both must have a spread."""
    return Difference(
        one.direction,
        one.size_deg - other.size_deg,
        error_of_difference(
            (one.uncertainty_deg, other.uncertainty_deg),
            (spreads[one.side, one.direction], spreads[other.side, other.direction]),
        ),
    )


def left_against_right(values: Iterable[SessionValue], spreads: Spreads) -> tuple[Difference, ...]:
    """Return how much larger the left value is than the right one, per direction that has both."""
    known = {(v.side, v.direction): v for v in values if v.reps_used and math.isfinite(v.value_deg)}
    return tuple(
        difference(known[Side.LEFT, direction], known[Side.RIGHT, direction], spreads)
        for direction in Direction
        if {(Side.LEFT, direction), (Side.RIGHT, direction)} <= set(known)
    )


@dataclass(frozen=True, slots=True)
class Earlier:
    """A value of an earlier session that may be compared with a new one."""

    session_id: str
    started_at: datetime
    value: SessionValue


def earlier_values(
    session: Session, sessions: Sequence[Session], side: Side, direction: Direction, most: int
) -> tuple[Earlier, ...]:
    """Return the values of a person before a session that may be compared with it, see `records.history.earlier_sessions`.

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
    for earlier in earlier_sessions(session, sessions):
        for value in earlier.values:
            if (value.side, value.direction) == (side, direction) and value.reps_used and len(found) < most:
                found.append(Earlier(earlier.id, earlier.started_at, value))
    return tuple(reversed(found))
