"""What there is of a session: its legs, and what of a stretch was held."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rotrack.core.model import Direction, Rep, Side
from rotrack.records.session import Session


def legs_of(session: Session, directions: Iterable[Direction]) -> set[tuple[Side, Direction]]:
    """Return what of a session has repetitions, and what its drill asks, with its `directions`, of the measured legs."""
    found = {(rep.side, rep.direction) for rep in session.rep_list}
    return found | {(side, direction) for side in session.record.sides for direction in directions}


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
