"""What is said to the person while they move: the count-down, the count, one cue at a time, and when the leg changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rotrack.core.model import Side, Step
from rotrack.tracking.neutral import REASON_WAITING
from rotrack.tracking.scoreboard import Scoreboard

CUE_EVERY_S = 5.0
"""Cues and reasons follow one another no faster than this."""
STILL_FROM_S = 0.5
"""The count-down begins after this much stillness, not at every short rest."""
REASON_AFTER_S = 2.5
"""No angle for this long is worth saying why."""
OTHER_LEG_AFTER_S = 1.0
"""So long after one leg has its neutral pose it is said what the other one lacks."""
GO_WITH_ONE_S = 6.0
"""So long after that it begins with the one, in drills in which the other is out of sight until it is its turn."""


@dataclass(frozen=True, slots=True)
class Say:
    """Something to say.

    Parameters
    ----------
    key : str
        Key of a text of the page; empty if `sentence` is said.
    values : dict
        What fills its placeholders.
    sentence : str
        A sentence of the core.
    beep : bool
        Whether a tone comes before it.
    """

    key: str = ""
    values: dict[str, str | int] = field(default_factory=dict)
    sentence: str = ""
    beep: bool = False


class Coach:
    """Decides what is said in one session.

    Parameters
    ----------
    sides : tuple of Side
        The measured legs.
    reps : int
        How many repetitions each is to do; 0 means until the person ends it.
    neutral_s : float
        How long the neutral pose takes.
    one_leg : bool
        Whether the position of the drill shows one leg only. Else nobody says that it begins before every leg has its zero.
    """

    def __init__(self, sides: Sequence[Side], reps: int, neutral_s: float, one_leg: bool = False) -> None:
        self._one_leg = one_leg
        self._sides, self._reps, self._neutral_s = tuple(sides), reps, neutral_s
        self._countdown = 0
        self.ready = False
        """Whether it was said that it begins."""
        self._first: Side | None = None
        """The leg with which it was said to begin."""
        self._partly_s = math.nan
        """Since when one leg is ready and the other is not."""
        self._counts = dict.fromkeys(self._sides, 0)
        self._told: Side | None = None
        self._cue_s = -math.inf
        self._measured_s = math.nan
        self._changed = False

    def leg(self, board: Scoreboard) -> Side | None:
        """Return the leg whose turn it is: the one that moved last, until it has done its number; None when all have."""
        left = [side for side in self._sides if not self._reps or board.count(side) < self._reps]
        last = board.reps[-1].side if board.reps else None
        for side in (last, self._first, *left):
            if side in left:
                return side
        return None

    def update(self, step: Step, board: Scoreboard) -> list[Say]:
        """Return what is to be said after a step, in order."""
        now_s = step.pose.time_s
        said = self._count_down(step, now_s, board)
        said += self._count(board)
        if not said:
            said += self._cue(step, now_s)
        return said

    def _count_down(self, step: Step, now_s: float, board: Scoreboard) -> list[Say]:
        waiting = [s for s in self._sides if not math.isnan(step.still_s.get(s, 0.0))]
        if not waiting:
            return self._go(step, board)
        if len(waiting) < len(self._sides):
            self._countdown = 0
            other_at_work = bool(self.ready or step.moving or board.reps) and self.leg(board) not in waiting
            return [] if other_at_work else self._other_leg(waiting, step, now_s)
        self.ready, self._partly_s = False, math.nan
        still_s = max((step.still_s.get(side, 0.0) for side in waiting), default=0.0)
        left = math.ceil(self._neutral_s - still_s) if still_s >= STILL_FROM_S else 0
        if left == self._countdown:
            return []
        before, self._countdown = self._countdown, left
        if left:
            return [Say("say.number", {"number": left})]
        if before != 1 or now_s - self._cue_s < CUE_EVERY_S:  # only who had nearly made it is told
            return []
        self._cue_s = now_s
        in_the_way = next((s.reason for s in step.samples.values() if s.reason not in ("", REASON_WAITING)), "")
        return [Say(sentence=in_the_way) if in_the_way else Say("say.still")]

    def _go(self, step: Step, board: Scoreboard) -> list[Say]:
        """Return the word to begin, when the last leg has its neutral pose."""
        self._countdown, self._partly_s = 0, math.nan
        if self.ready or not step.neutrals:
            return []
        return self._begin(self.leg(board) if len(self._sides) > 1 and not board.reps else None)

    def _begin(self, first: Side | None) -> list[Say]:
        self.ready, self._first = True, first
        return [Say("say.go", beep=True), *([Say(f"say.first_{first}")] if first else [])]

    def _other_leg(self, waiting: Sequence[Side], step: Step, now_s: float) -> list[Say]:
        """Return what to say when one leg is ready and the other is not: to move now would be in vain for that one."""
        if math.isnan(self._partly_s):
            self._partly_s = now_s
        if self._one_leg and not self.ready and now_s - self._partly_s >= GO_WITH_ONE_S:
            return self._begin(next(side for side in self._sides if side not in waiting))
        if now_s - self._partly_s < OTHER_LEG_AFTER_S or now_s - self._cue_s < CUE_EVERY_S:
            return []
        self._cue_s = now_s
        (side,) = waiting
        sample = step.samples.get(side)
        reason = sample.reason if sample and sample.reason != REASON_WAITING else ""
        return [Say(f"say.not_yet_{side}"), Say(sentence=reason) if reason else Say("say.still")]

    def _count(self, board: Scoreboard) -> list[Say]:
        said = []
        for side in self._sides:
            count = board.count(side)
            if count > self._counts[side]:
                self._counts[side] = count
                said.append(Say("say.number", {"number": count}))
        if said and self._reps:
            done = {side for side in self._sides if self._counts[side] >= self._reps}
            if len(done) == len(self._sides):
                said.append(Say("say.done", beep=True))
            elif done and not self._changed:
                self._changed = True
                (other,) = set(self._sides) - done
                said.append(Say(f"say.other_{other}", beep=True))
        return said

    def _cue(self, step: Step, now_s: float) -> list[Say]:
        if math.isnan(self._measured_s) or any(not sample.reason for sample in step.samples.values()):
            self._measured_s = now_s
        if now_s - self._cue_s < CUE_EVERY_S:
            return []
        sentence = next(iter((step.cues or {}).values()), "")
        if not sentence and self.ready and now_s - self._measured_s > REASON_AFTER_S:
            sentence = next((sample.reason for sample in step.samples.values() if sample.reason), "")
        if not sentence:
            return []
        self._cue_s = now_s
        return [Say(sentence=sentence)]
