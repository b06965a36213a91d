"""Running totals over the steps of a session: what window, video and terminal show, and what the session file sums up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rotrack.core.model import Apart, Direction, NeutralTaken, Rep, Side, Step, ZeroCourse
from rotrack.core.reasons import Reason
from rotrack.kinematics.posture import out_of_picture


@dataclass
class Scoreboard:
    """Totals of a session so far; `add` takes every step in order.

    `best` holds the largest peak per side and direction, deg, and `held_s` how long all holds of a side were together, s; drills
    that are only counted have no peak.
    """

    frames: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    measured: Counter[Side] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    reps: list[Rep] = field(default_factory=list)
    zeros: dict[tuple[Side, float], ZeroCourse] = field(default_factory=dict)
    apart: list[Apart] = field(default_factory=list)
    neutrals: list[NeutralTaken] = field(default_factory=list)
    best: dict[tuple[Side, Direction], float] = field(default_factory=dict)
    held_s: dict[Side, float] = field(default_factory=dict)
    several_people: bool = False
    frozen: int = 0
    cut_off: Counter[str] = field(default_factory=Counter)
    _counted: set[tuple[Side, Direction, int]] = field(default_factory=set)

    def add(self, step: Step, with_frame: bool = True) -> None:
        """Add a step; without a frame for what comes after the last one."""
        self.reps += step.reps
        for zero in step.zeros:
            self.zeros[zero.side, zero.from_s] = zero
        if step.revised:
            self._revise(step.revised)
        self._counted |= {(rep.side, rep.direction, rep.rep) for rep in (*step.reps, *step.revised) if rep.valid}
        self.apart += step.apart
        self.neutrals += step.neutrals
        for rep in step.reps:
            key = (rep.side, rep.direction)
            if math.isfinite(rep.peak_deg):
                self.best[key] = max(self.best.get(key, 0.0), abs(rep.peak_deg))
            if math.isfinite(rep.hold_s):
                self.held_s[rep.side] = self.held_s.get(rep.side, 0.0) + rep.hold_s
        if not with_frame:
            return
        self.frozen += step.pose.reason == Reason.FROZEN
        if self.frames == 0:
            self.first_s = step.pose.time_s
        self.frames += 1
        self.last_s = step.pose.time_s
        if any(not sample.reason for sample in step.samples.values()):
            self.cut_off[out_of_picture(step.pose.image_px)] += 1
        for side, sample in step.samples.items():
            if sample.reason:
                self.reasons[sample.reason] += 1
            else:
                self.measured[side] += 1
        self.several_people |= step.pose.people > 1

    def _revise(self, revised: Sequence[Rep]) -> None:
        """Take repetitions as they are known now, in the places of what they were."""
        known = {(rep.side, rep.direction, rep.rep): rep for rep in revised}
        self.reps = [known.get((rep.side, rep.direction, rep.rep), rep) for rep in self.reps]
        self.best = {}
        for rep in self.reps:
            if math.isfinite(rep.peak_deg):
                key = (rep.side, rep.direction)
                self.best[key] = max(self.best.get(key, 0.0), abs(rep.peak_deg))

    def count(self, side: Side) -> int:
        """Return the number of the latest repetition of a side."""
        return max((rep.rep for rep in self.reps if rep.side is side), default=0)

    def complete(self, side: Side, directions: Sequence[Direction] = ()) -> int:
        """Return how many repetitions of a side are valid: so many there are in each direction of its drill.

        Without `directions` those of the direction that has most. It ends a set. It may fall, because later repetitions can tell
        that an earlier one was partial.
        """
        return _whole((rep.direction for rep in self.reps if rep.side is side and rep.valid), directions)

    def counted(self, side: Side, directions: Sequence[Direction] = ()) -> int:
        """Return the number that is shown and spoken: how many repetitions of a side were valid at some time. It never falls."""
        return _whole((direction for one, direction, _ in self._counted if one is side), directions)

    def last(self, side: Side) -> Rep | None:
        """Return the latest repetition of a side."""
        return next((rep for rep in reversed(self.reps) if rep.side is side), None)

    @property
    def duration_s(self) -> float:
        """Time from the first to the last frame, s."""
        return self.last_s - self.first_s

    @property
    def fps(self) -> float:
        """Measured frames per second; 0 before the second frame."""
        return (self.frames - 1) / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def frozen_s(self) -> float:
        """For how long the camera repeated the same frame, s."""
        return self.frozen / self.fps if self.frozen else 0.0

    @property
    def measured_share(self) -> dict[Side, float]:
        """Share of the frames in which each side had an angle."""
        return {side: n / self.frames for side, n in self.measured.items()} if self.frames else {}

    @property
    def main_reason(self) -> str:
        """The most frequent reason for no angle."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""


def _whole(excursions: Iterable[Direction], directions: Sequence[Direction]) -> int:
    """Return how many repetitions excursions make, of which each has all of the directions."""
    each = Counter(excursions)
    return min((each[direction] for direction in directions), default=max(each.values(), default=0))
