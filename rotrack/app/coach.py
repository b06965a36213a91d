"""What is said to the person while they move: the count-down, the count, one cue at a time, and when the leg changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rotrack.model import Side, Step
from rotrack.tracking.neutral import REASON_WAITING
from rotrack.tracking.scoreboard import Scoreboard

CUE_EVERY_S = 5.0
"""Cues and reasons follow one another no faster than this."""
STILL_FROM_S = 0.5
"""The count-down begins after this much stillness, not at every short rest."""
REASON_AFTER_S = 2.5
"""No angle for this long is worth saying why."""


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
    """

    def __init__(self, sides: Sequence[Side], reps: int, neutral_s: float) -> None:
        self._sides, self._reps, self._neutral_s = tuple(sides), reps, neutral_s
        self._countdown = 0
        self._ready = False
        self._counts = dict.fromkeys(self._sides, 0)
        self._told: Side | None = None
        self._cue_s = -math.inf
        self._measured_s = math.nan
        self._changed = False

    def leg(self, board: Scoreboard) -> Side | None:
        """Return the leg whose turn it is: the one that moved last, until it has done its number; None when all have."""
        left = [side for side in self._sides if not self._reps or board.count(side) < self._reps]
        last = board.reps[-1].side if board.reps else None
        return last if last in left else left[0] if left else None

    def update(self, step: Step, board: Scoreboard) -> list[Say]:
        """Return what is to be said after a step, in order."""
        now_s = step.pose.time_s
        said = self._count_down(step, now_s)
        said += self._count(board)
        if not said:
            said += self._cue(step, now_s)
        return said

    def _count_down(self, step: Step, now_s: float) -> list[Say]:
        waiting = [s for s in self._sides if not math.isnan(step.still_s.get(s, 0.0))]
        if len(waiting) < len(self._sides):  # one leg is enough to begin with
            self._countdown = 0
            if not self._ready and step.neutrals:
                self._ready = True
                return [Say("say.go", beep=True)]
            return []
        self._ready = False
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
        if not sentence and self._ready and now_s - self._measured_s > REASON_AFTER_S:
            sentence = next((sample.reason for sample in step.samples.values() if sample.reason), "")
        if not sentence:
            return []
        self._cue_s = now_s
        return [Say(sentence=sentence)]
