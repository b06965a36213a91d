"""A session beside those before it: what may be said of its values by then, left against right, and earlier values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rotrack.core.model import Direction, Side
from rotrack.progress.change import Change, Sides, change_table, changes_of, sides_of
from rotrack.progress.values import session_table
from rotrack.records.history import earlier_sessions, newest, wrongly_dated
from rotrack.records.session import Session, SessionValue
from rotrack.records.store import in_time
from rotrack.system.inputs import name_key


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be said of the values of a session, by that session and those before it.

    Parameters
    ----------
    changes : dict
        What has become of each leg and direction that the session has a value of.
    sides : dict
        Left against right, of each direction that the session has both values of.
    """

    changes: dict[tuple[Side, Direction], Change]
    sides: dict[Direction, Sides]


def standing(session: Session, sessions: Sequence[Session]) -> Standing:
    """Return the verdicts of a session: those of `rotrack progress` when it was the latest session.

    Parameters
    ----------
    session : Session
        The session; one without a name stands for itself, and one that was measured again for its own values. One whose date
        contradicts the order of measuring has no changes: it is not known which sessions were before it.
    sessions : sequence of Session
        All sessions, oldest first; the session itself need not be among them.
    """
    wrong = wrongly_dated(sessions)
    alone = session.id in wrong
    before = [
        other
        for other in newest(sessions)
        if not alone and other.id not in wrong and in_time(other) < in_time(session) and _alike(session, other)
    ]
    values = session_table([*before, session])
    values = values[values.reps_used > 0].assign(alike=True, person=session.person)
    if values.empty:
        return Standing({}, {})
    table = change_table(values)
    changes = changes_of(table, values)
    own = {(change.side, change.direction): change for change in changes if change.points[-1].session_id == session.id}
    both = {sides.direction: sides for sides in sides_of(changes, table)}
    return Standing({} if alone else own, {way: sides for way, sides in both.items() if all((side, way) in own for side in Side)})


def _alike(one: Session, other: Session) -> bool:
    """Return whether another session is of the same named person and kind, and not of the same movement."""
    if not name_key(one.person) or name_key(one.person) != name_key(other.person) or one.record.movement == other.record.movement:
        return False
    return one.record.drill == other.record.drill and one.likeness == other.likeness


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
