"""What is said to the person: in the set-up one thing at a time; then count-down, count, one cue at a time, the other leg."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotrack.core.drills import Drill
from rotrack.core.messages import Message
from rotrack.core.model import Direction, Side, Step
from rotrack.core.rates import ENOUGH_HZ
from rotrack.core.reasons import Reason, because
from rotrack.placement.again import CHECK as AGAIN
from rotrack.placement.finding import SetupFinding, State
from rotrack.tracking.holding import HoldClock
from rotrack.tracking.limit import passed_deg
from rotrack.tracking.scoreboard import Scoreboard

CUE_EVERY_S = 5.0
"""Cues and reasons follow one another no faster than this."""
STILL_FROM_S = 0.5
"""The count-down begins after this much stillness, not at every short rest."""
REASON_AFTER_S = 2.5
"""No angle for this long is worth saying why."""
OTHER_LEG_AFTER_S = 1.0
"""How long after one leg has its neutral pose it is said what the other one lacks."""
GO_WITH_ONE_S = 6.0
"""How long after that measuring begins with one leg, in drills in which the other is out of sight until its turn."""
SETUP_FROM_S = 3.0
"""What is wrong with the set-up is said from here on; before that the drill is named and much is not known yet."""
SETUP_EVERY_S, SETUP_AGAIN_S = 4.0, 12.0
"""Another thing to change is said no sooner after the last, the same one again after this time."""
SETUP_ORDER = ("people", "light", "legs", "distance", "camera", AGAIN)
"""What is put right first: without a person nothing can be said of the legs, without legs nothing of the camera. Few pictures
keep nobody from measuring."""
HOLD_TOLD_EVERY_S = 5
"""The seconds of a hold are said this often."""
TOO_FAR_EVERY_S = 2.0
"""A person who stays beyond a range that must not be exceeded is warned again after this time."""
REFUSED_SHOWN_S = 5.0
"""How long it is shown why a repetition does not count."""


@dataclass(frozen=True, slots=True)
class Say:
    """Something to say.

    Parameters
    ----------
    key : str
        Key of a text of the page; empty if `sentence` alone is said.
    values : dict
        What fills its placeholders.
    sentence : Message or str
        What the core says; with a key it fills the placeholder `sentence` of that text.
    beep : bool
        Whether a tone comes before it.
    cut : bool
        Whether it cuts off what is still being said.
    """

    key: str = ""
    values: dict[str, str | int] = field(default_factory=dict)
    sentence: Message | str = ""
    beep: bool = False
    cut: bool = False


def next_step(findings: Sequence[SetupFinding]) -> SetupFinding | None:
    """Return the one thing to do now: the first problem in `SETUP_ORDER`, else what is waited for; None if all is good."""
    by_check = {finding.check: finding for finding in findings}
    ordered = [by_check[check] for check in SETUP_ORDER if check in by_check]
    waiting = (finding for finding in ordered if finding.state is State.WAITING)
    return next((finding for finding in ordered if finding.state is State.PROBLEM), next(waiting, None))


class Usher:
    """Decides what is said while the set-up is checked, from the first picture on.

    Parameters
    ----------
    drill : Drill
        The drill.
    care : sequence of Message or str
        What this person is to take care of.
    """

    def __init__(self, drill: Drill, care: Sequence[Message | str] = ()) -> None:
        self._drill, self._care = drill, tuple(care)
        self._began_s = math.nan
        self._told: Message | str = ""
        self._told_s = -math.inf
        self._elsewhere = False
        """Whether the camera was told to stand elsewhere than last time."""

    def update(self, findings: Sequence[SetupFinding], now_s: float) -> list[Say]:
        """Return what is to be said after a picture."""
        if math.isnan(self._began_s):
            self._began_s = now_s
            care = [Say("say.care", sentence=told) for told in self._care]
            return [Say(sentence=self._drill.title), *care, Say(sentence=self._drill.steps[0])]
        again = next((finding for finding in findings if finding.check == AGAIN), None)
        if self._elsewhere and again is not None and again.state is State.GOOD:
            self._elsewhere, self._told = False, ""
            return [Say(sentence=again.text, cut=True)]
        step = next_step(findings)
        if (step is not None and step.state is not State.PROBLEM) or now_s - self._began_s < SETUP_FROM_S:
            return []
        told: Message | str = step.text if step else ""
        if now_s - self._told_s < (SETUP_AGAIN_S if told == self._told else SETUP_EVERY_S):
            return []
        self._told, self._told_s = told, now_s
        self._elsewhere = self._elsewhere or (step is not None and step.check == AGAIN)
        return [Say(sentence=told, cut=True)] if told else []


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
    drill : Drill
        Its directions make a repetition. Where its position shows both legs, nobody says that it begins before every leg has its
        zero.
    most_deg : dict of (Side, Direction) to float, optional
        How far the person may turn, deg; passing it is warned of before all else.
    target_hold_s : float
        How long each repetition is to be held, s, which is said; 0: no target.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        reps: int,
        neutral_s: float,
        drill: Drill,
        most_deg: Mapping[tuple[Side, Direction], float] | None = None,
        target_hold_s: float = 0.0,
    ) -> None:
        self._target_hold_s, self._long_enough = target_hold_s, dict.fromkeys(sides, False)
        self._most_deg, self._warned_s = most_deg or {}, -math.inf
        self.too_far = math.nan
        """The limit that is passed now, deg; NaN while none is."""
        self._drill, self._one_leg, self._directions = drill, drill.posture.record.one_leg, drill.directions
        self._sides, self._reps, self._neutral_s = tuple(sides), reps, neutral_s
        self._countdown = 0
        self.ready = False
        """Whether it was said that it begins."""
        self._first: Side | None = None
        """The leg with which it was said to begin."""
        self._partly_s = math.nan
        """Since when one leg is ready and the other is not."""
        self._counts = dict.fromkeys(self._sides, 0)
        self._done: set[Side] = set()
        self._refused: set[tuple[Side, int]] = set()
        """The repetitions of which it was said that they do not count."""
        self._refusal, self._refusal_s = "", -math.inf
        self._holds = {side: HoldClock() for side in self._sides}
        self.hold_s = dict.fromkeys(self._sides, 0.0)
        """For how long each leg has been held where it is now, s."""
        self._held_told = dict.fromkeys(self._sides, 0)
        self._cue_s = -math.inf
        self._measured_s = math.nan
        self._changed = False

    def leg(self, board: Scoreboard) -> Side | None:
        """Return the leg whose turn it is: the one that moved last, until it has done its number; None when all have."""
        left = [side for side in self._sides if not self._reps or self._complete(board, side) < self._reps]
        last = board.reps[-1].side if board.reps else None
        for side in (last, self._first, *left):
            if side in left:
                return side
        return None

    def update(self, step: Step, board: Scoreboard) -> list[Say]:
        """Return what is to be said after a step, in order."""
        now_s = step.pose.time_s
        if warned := self._warn(step, now_s):
            return warned
        said = self._count_down(step, now_s, board)
        said += self._count(step, board)
        said += self._hold(step, now_s)
        if not said:
            said += self._cue(step, now_s)
        return said

    def _warn(self, step: Step, now_s: float) -> list[Say]:
        """Return the warning of a range that is not to be passed, as soon as an angle is beyond it."""
        self.too_far = passed_deg(step, self._most_deg)
        if math.isnan(self.too_far) or now_s - self._warned_s < TOO_FAR_EVERY_S:
            return []
        self._warned_s = now_s
        return [Say("say.too_far", {"degrees": round(self.too_far)}, beep=True, cut=True)]

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
        in_the_way = next((s.reason for s in step.samples.values() if s.reason not in ("", Reason.WAITING)), "")
        return [Say(sentence=because(in_the_way)) if in_the_way else Say("say.still")]

    def _go(self, step: Step, board: Scoreboard) -> list[Say]:
        """Return the word to begin, when the last leg has its neutral pose."""
        self._countdown, self._partly_s = 0, math.nan
        if self.ready or not step.neutrals:
            return []
        said = self._begin(self.leg(board) if len(self._sides) > 1 and not board.reps else None)
        errors = [sample.uncertainty_deg for sample in step.samples.values() if math.isfinite(sample.uncertainty_deg)]
        few = 0 < round(board.fps) < ENOUGH_HZ and errors and not self._drill.tier.is_counted
        return [*said, Say("say.wide", {"error": math.ceil(max(errors))})] if few else said

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
        reason = sample.reason if sample and sample.reason != Reason.WAITING else ""
        return [Say(f"say.not_yet_{side}"), Say(sentence=because(reason)) if reason else Say("say.still")]

    def refusal(self, now_s: float) -> str:
        """Return why the last repetition does not count, as long as that is to be read."""
        return self._refusal if now_s - self._refusal_s < REFUSED_SHOWN_S else ""

    def _hold(self, step: Step, now_s: float) -> list[Say]:
        """Return the seconds of a hold that are full."""
        said = []
        for side, sample in step.samples.items():
            self.hold_s[side] = self._holds[side].update(now_s, sample.live_deg, side in step.moving)
            full = int(self.hold_s[side] // HOLD_TOLD_EVERY_S) * HOLD_TOLD_EVERY_S
            if full > self._held_told[side]:
                said.append(Say("say.held", {"seconds": full}))
            self._held_told[side] = full
            enough = 0 < self._target_hold_s <= self.hold_s[side]
            if enough and not self._long_enough[side]:
                said.append(Say("say.held_enough", beep=True))
            self._long_enough[side] = enough
        return said

    def _complete(self, board: Scoreboard, side: Side) -> int:
        return board.complete(side, self._directions)

    def _count(self, step: Step, board: Scoreboard) -> list[Say]:
        said = []
        for side in self._sides:
            before, self._counts[side] = self._counts[side], board.counted(side, self._directions)
            if self._counts[side] > before:
                said.append(Say("say.number", {"number": self._counts[side]}))
        said += self._refusals(step)
        done = {side for side in self._sides if 0 < self._reps <= self._complete(board, side)}
        before_done, self._done = self._done, done
        if done - before_done:
            if len(done) == len(self._sides):
                said.append(Say("say.done", beep=True))
            elif not self._changed:
                self._changed = True
                (other,) = set(self._sides) - done
                said.append(Say(f"say.other_{other}", beep=True))
        return said

    def _refusals(self, step: Step) -> list[Say]:
        """Return why repetitions do not count, each once: whoever does not hear it does the same again."""
        said = []
        for rep in (*step.reps, *step.revised):
            if rep.reason and (rep.side, rep.rep) not in self._refused:
                self._refused.add((rep.side, rep.rep))
                self._refusal, self._refusal_s = rep.reason, step.pose.time_s
                said.append(Say("say.not_counted", sentence=because(rep.reason)))
        return said

    def _cue(self, step: Step, now_s: float) -> list[Say]:
        if math.isnan(self._measured_s) or any(not sample.reason for sample in step.samples.values()):
            self._measured_s = now_s
        if now_s - self._cue_s < CUE_EVERY_S:
            return []
        sentence: Message | str = next(iter((step.cues or {}).values()), "")
        if not sentence and self.ready and now_s - self._measured_s > REASON_AFTER_S:
            sentence = next((because(sample.reason) for sample in step.samples.values() if sample.reason), "")
        if not sentence:
            return []
        self._cue_s = now_s
        return [Say(sentence=sentence)]
