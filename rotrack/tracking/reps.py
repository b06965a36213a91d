"""When a turn of a leg is a repetition, by the shape of the movement.

`RepFinder` sees the angle of one leg as it comes and says when an excursion is over, and whether it is a repetition. A repetition
is a turn away from where the leg rests and at least half of the way back, found by its prominence against the noise of this very
signal. No fixed level, smallest angle or longest time decides, and there is one code for live and recorded.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from itertools import pairwise

import numpy as np

from rotrack.core.model import Direction
from rotrack.core.reasons import Reason
from rotrack.tracking.excursions import BACK_SHARE, HOLD_SHARE, PLATEAU_S, Ending, Excursion, measure_excursion
from rotrack.tracking.filters import SMOOTH_S, Smoother
from rotrack.tracking.numbering import USUAL_AFTER, USUAL_OF
from rotrack.tracking.rests import GAP_S, STILL_DEG, STILL_NOISE, STILLS_KEPT, Rest, Stills

LEAST_DEG = 3.0
"""No turn smaller than this counts, however quiet the signal is."""
NOISE_TIMES = 4.0
"""A turn stands out of the noise if it is this many standard deviations large."""
NOTED_TIMES, NOTED_MOST = 2.0, 200
"""A small turn that is no repetition is noted apart if it is so many times the smallest that can count; not more than so many."""
SURE_DEG = 9.0
"""A turn of this size counts by itself; people who fidget turn by less. A smaller one counts when it leaves a rest, comes back to
the same rest, the other leg is quiet or does the same, and others like it follow or were counted."""
BEYOND_SHARE = 0.9
"""It also ends beyond the neutral pose and the last rests by this share of that."""
RESTLESS_S, STRAY_SHARE = 30.0, 0.4
"""A turn of either leg that is no repetition is a stray. Two small turns alike, one after the other, are repetitions; for every
stray of so large a share of them within this time it takes one more."""
STRAYS_BELOW, RESTLESS_MOST = 0.8, 1.5
"""While somebody fidgets, a turn counts by itself only if the second largest stray is less than this share of it. That asks for
no more than so many times the size from which a turn counts by itself."""
SAME_REST_SHARE, SAME_REST_DEG = 0.35, 1.2
"""A small turn ends at the rest that it left when the two differ by less than the larger of these (share of the turn)."""
RESTS_SEEN, RESTS_SHARE = 5, 0.7
"""A small turn leaves the place where the leg rests: so large a share of the last rests was there, of so many."""
PAUSE_SHARE = 0.25, 0.7
"""It does not pause on its way, between these shares of it."""
ALIKE = 1.7
"""Small turns are alike when one is at most so many times as large as the other ..."""
ALIKE_WITHIN_S = 20.0
"""... and they follow each other within this time."""
OTHER_QUIET_SHARE, OTHER_QUIET_DEG = 0.4, 3.5
"""The other leg is quiet when it moves by less than the larger of these (share of the turn)."""
FAR_BELOW = 0.25
"""A turn of less than this share of the usual one is no repetition."""
SWING_SHARE, SURELY_HELD_S = 0.45, 0.3
"""In a combined drill, what swings through from the other direction, is smaller than this share of it and is not held for this
time may be an overshoot. What follows tells."""
SWUNG_BACK_S = 0.08
"""The hold that is measured where a leg swings straight back."""
SWING_WAITS_S = 2.0
"""How long it is waited for what follows a swing."""
OPEN_SHARE = 0.5
"""What the end cuts off is a repetition from this share of the usual one on."""
REST_WITHIN_DEG, REST_STEP_DEG = 16.0, 5.0
"""A leg rests within so much of its neutral pose, or this near to where it rested before."""
WIDEST_S = 300.0
"""An excursion longer than this is given up: nobody holds a leg for so long, but a camera may be left running."""


class RepFinder:
    """Finds the excursions of one leg while its angle comes in.

    Parameters
    ----------
    directions : tuple of Direction
        What is asked for.
    least_deg : float
        Smallest turn that can count, in the unit of the angle.
    sure_deg : float
        A turn of this size counts by itself.

    Attributes
    ----------
    other : RepFinder or None
        The one of the other leg.
    with_other : bool
        Whether the other leg may do the same at the same time.
    zero_from_s : float
        From when on its zero is known. What was before counts only if it left the zero: people arrange their legs.
    """

    def __init__(self, directions: tuple[Direction, ...], least_deg: float = LEAST_DEG, sure_deg: float = SURE_DEG) -> None:
        self._asked = frozenset(directions)
        self._combined = len(directions) > 1
        self._least_deg, self.sure_deg = least_deg, sure_deg
        self.other: RepFinder | None = None
        self.with_other = False
        self.zero_from_s = -math.inf
        self._smoother = Smoother()
        self._ways = {direction: deque[float](maxlen=USUAL_OF) for direction in Direction}
        self._small: dict[Direction, list[Excursion]] = {direction: [] for direction in Direction}
        self._queue: list[Excursion] = []
        self._swings_s = {direction: deque[float](maxlen=USUAL_OF) for direction in Direction}
        """How long the latest swings through the middle were held, by the direction that they went to."""
        self._beyond_doubt: set[Direction] = set()
        """Directions with a repetition that was no such swing: the person does turn that way."""
        self._noted = 0
        self._astray = deque[Excursion](maxlen=STILLS_KEPT)
        self._begin()

    def _begin(self) -> None:
        self._smoother.clear()
        self._stills = Stills()
        self._course: deque[tuple[float, float]] = deque()
        self._sign = 1
        self._base = self._top = (math.nan, -math.inf)
        self._rest_deg = self._middle_deg = 0.0
        self._tops = deque[Excursion](maxlen=STILLS_KEPT)
        self._pending: Excursion | None = None
        self._swing: Excursion | None = None
        self._last: Excursion | None = None
        self._gaps: list[tuple[float, float]] = []
        self._seen_s = -math.inf

    # ------------------------------------------------------------------ what others may ask
    @property
    def noise_deg(self) -> float:
        """Standard deviation of the angle from sample to sample."""
        return self._smoother.noise_deg

    @property
    def smallest_deg(self) -> float:
        """The smallest turn that can count now: it follows the noise of the signal."""
        return max(self._least_deg, NOISE_TIMES * self.noise_deg)

    @property
    def away(self) -> bool:
        """Whether the leg is out in an asked direction by enough to count."""
        direction = Direction.of(self._sign)
        return direction in self._asked and self._way_deg() >= max(self.smallest_deg, FAR_BELOW * self._usual_deg(direction))

    @property
    def needed_from_s(self) -> float:
        """From when on the curve is still needed."""
        base_s = self._base[1] if math.isfinite(self._base[0]) else math.inf
        return min([base_s, *(excursion.from_s for excursion in self._undecided())])

    def _undecided(self) -> list[Excursion]:
        small = [excursion for waiting in self._small.values() for excursion in waiting]
        return [*self._queue, *small, *(waiting for waiting in (self._pending, self._swing) if waiting)]

    @property
    def stills(self) -> int:
        """How many still times have ended since the last neutral pose."""
        return self._stills.ended

    def rests(self) -> list[Rest]:
        """Return where the leg rested since the last neutral pose, not at the top of a repetition, in order."""
        return self._rests_before(math.inf)

    def range_deg(self, from_s: float, to_s: float) -> float:
        """Return how far the leg moved in a span of the last 40 seconds."""
        values = [value for time_s, value in self._course if from_s <= time_s <= to_s]
        return max(values) - min(values) if values else 0.0

    # ------------------------------------------------------------------ one sample
    def update(self, time_s: float, angle_deg: float) -> list[Excursion]:
        """Take the next angle, NaN where there is none; return the excursions that it completes, repetitions or not."""
        if not math.isfinite(angle_deg):
            return []
        found: list[Excursion] = []
        if time_s - self._seen_s > GAP_S and math.isfinite(self._seen_s):  # what lies on both sides of a gap is not averaged
            found += self._flush()
            self._gaps.append((self._seen_s, time_s))
        self._seen_s = time_s
        for at_s, value in self._smoother.add(time_s, angle_deg):
            found += self._move(at_s, value)
        return found

    def _flush(self) -> list[Excursion]:
        found = [excursion for at_s, value in self._smoother.flush() for excursion in self._move(at_s, value)]
        self._smoother.clear()
        return found

    def finish(self, leaving: bool = False) -> list[Excursion]:
        """Return what the end completes or cuts off; what comes after it has another neutral pose.

        `leaving` says that the person left the position: then only what is as large as the usual repetitions is one.
        """
        found = self._flush()
        if self._pending:
            found += self._settle(self._course[-1][1])
        cut_off, usual_deg = self._excursion(self._seen_s, Ending.EARLY), self._usual_deg(Direction.of(self._sign))
        enough = max(self.sure_deg, OPEN_SHARE * usual_deg) if usual_deg or not leaving else math.inf
        sure = cut_off.direction in self._asked and self._is_sure(cut_off)
        if sure and (not self._swings_through(cut_off) or self._hold_s(cut_off) >= SURELY_HELD_S):
            found += self._settle_swing(cut_off)
            found += self._count(cut_off) if cut_off.way_deg >= enough else [replace(cut_off, problem=Reason.CUT_OFF)]
        found += self._settle_swing()
        for direction in Direction:
            found += self._give_up_small(direction)
        self._begin()
        return found

    def _move(self, time_s: float, value: float) -> list[Excursion]:
        self._course.append((time_s, value))
        while self._course[0][0] < time_s - 40.0:
            self._course.popleft()
        self._stills.add(time_s, value, max(STILL_DEG * self._least_deg / LEAST_DEG, STILL_NOISE * self.noise_deg))
        if math.isnan(self._base[0]):
            self._base = self._top = (value, time_s)
            return []
        found: list[Excursion] = []
        if self._pending:
            still, moved_on = self._stills.now(), self._sign == self._pending.direction.sign
            if moved_on or (still and still.from_s > self._pending.top_s):
                found += self._settle(self._base[0] if moved_on or still is None else still.level_deg)
        if self._swing and not (self._pending or self.away) and time_s > self._swing.to_s + SWING_WAITS_S:
            found += self._settle_swing()
        if time_s - self._base[1] > WIDEST_S:
            self._base = self._top = (value, time_s)
        if self._sign * value >= self._sign * self._top[0]:
            self._top = (value, time_s)
        elif self._sign * (self._top[0] - value) >= max(self.smallest_deg, BACK_SHARE * self._way_deg()):
            found += self._turned(time_s)
            self._sign, self._base, self._top = -self._sign, self._top, (value, time_s)
            rests = self._rests_before(self._base[1])
            self._rest_deg = self._middle_deg = float(np.median([0.0, *(rest.level_deg for rest in rests)][-3:]))
            if rests and rests[-1].to_s > self._base[1] - SMOOTH_S:  # it turned from a rest, wherever that is
                self._rest_deg = rests[-1].level_deg
        return found

    # ------------------------------------------------------------------ turning points
    def _rests_before(self, before_s: float) -> list[Rest]:
        """Return the rests that began before a time."""
        rests: list[Rest] = []
        tops = [*self._tops, *self._undecided()]
        for rest in self._stills.all():
            near_deg = rests[-1].level_deg if rests else 0.0
            if rest.from_s > before_s:
                break
            if abs(rest.level_deg) > REST_WITHIN_DEG and abs(rest.level_deg - near_deg) > REST_STEP_DEG:
                continue
            if not any(top.holds(rest) for top in tops):
                rests.append(rest)
        return rests

    def _way_deg(self) -> float:
        """Return how far the leg is out: from its turning point, or from the rest that it passed."""
        return max(0.0, self._sign * (self._top[0] - self._start_deg())) if math.isfinite(self._top[0]) else 0.0

    def _start_deg(self) -> float:
        return self._sign * max(self._sign * self._base[0], self._sign * self._rest_deg)

    def _usual_deg(self, direction: Direction) -> float:
        """Return the usual size of a repetition, 0 as long as there is none."""
        ways = self._ways[direction]
        return float(np.median(ways)) if len(ways) >= USUAL_AFTER else 0.0

    def _excursion(self, to_s: float, ending: Ending) -> Excursion:
        start_deg = self._start_deg()
        top_deg = start_deg + self._sign * self._way_deg()
        return Excursion(Direction.of(self._sign), self._base[1], self._top[1], to_s, start_deg, top_deg, ending)

    def _turned(self, time_s: float) -> list[Excursion]:
        """Judge the turn whose top is passed by half of its way."""
        excursion = self._excursion(time_s, Ending.COMPLETE)
        if not self._is_sure(excursion):
            excursion = self._from_pause(excursion)
        direction, way_deg = excursion.direction, excursion.way_deg
        if way_deg < self.smallest_deg:
            return []
        if self._top_unseen(excursion):
            excursion = replace(excursion, ending=Ending.PEAK_UNSEEN)
        if direction not in self._asked:
            self._astray.append(excursion)
            said = Reason.OTHER_WAY.of(direction=direction)
            return [replace(excursion, problem=said)] if way_deg >= self.sure_deg else []
        excursion = replace(excursion, beyond_deg=self._beyond_deg(excursion))
        swings_s = self._hold_s(excursion) if self._swings_through(excursion) else math.nan
        may_overshoot = swings_s < SURELY_HELD_S
        if not may_overshoot and (problem := self._problem(excursion)):
            return [replace(excursion, problem=problem)]
        found = self._settle(self._top[0]) if self._pending else []
        found += self._settle_swing(excursion)
        if math.isfinite(swings_s):
            self._swings_s[direction].append(swings_s)
        if may_overshoot:
            self._swing = excursion
            return found
        if not self._is_sure(excursion):
            self._pending = excursion
            return found
        small, before = self._small[direction], Direction.of(-direction.sign)
        first_half = self._small[before]
        straight_on = bool(first_half) and first_half[-1].top_s == excursion.from_s
        if straight_on and (len(first_half) > 1 or self._from_rest(first_half[-1])):
            found += self._count_small(before)
        alike = bool(small) and _follows(small[-1], excursion)
        found += self._count_small(direction) if alike else self._give_up_small(direction)
        self._beyond_doubt.add(direction)
        return [*found, *self._count(excursion)]

    def _problem(self, excursion: Excursion) -> str:
        """Return why a turn in an asked direction is no repetition, whatever follows it; empty if it may be one."""
        if excursion.way_deg < FAR_BELOW * self._usual_deg(excursion.direction):
            self._tops.append(excursion)
            return Reason.FAR_TOO_SMALL
        before_zero = excursion.top_s < self.zero_from_s and not self._from_rest(excursion)
        return Reason.BEFORE_ZERO if before_zero else ""

    def _beyond_deg(self, excursion: Excursion) -> float:
        return min(excursion.direction.sign * (excursion.top_deg - deg) for deg in (0.0, self._middle_deg))

    def _is_sure(self, excursion: Excursion) -> bool:
        """Return whether a turn is too large for fidgeting."""
        strays = sorted(stray.way_deg for stray in self._strays(excursion.from_s, excursion.to_s))
        restless_deg = strays[-2] / STRAYS_BELOW if len(strays) > 1 else 0.0
        enough_deg = max(self.sure_deg, min(restless_deg, RESTLESS_MOST * self.sure_deg))
        return excursion.way_deg >= enough_deg and self._beyond_deg(excursion) >= BEYOND_SHARE * enough_deg

    def _strays(self, from_s: float, to_s: float) -> list[Excursion]:
        """Return what either leg did in a span, or shortly before it, that was no repetition."""
        legs = [self, self.other] if self.other else [self]
        return [stray for leg in legs for stray in leg._astray if from_s - RESTLESS_S < stray.to_s <= to_s]

    def _top_unseen(self, excursion: Excursion) -> bool:
        """Return whether the top may lie in a gap: it is beside one, and the leg was not seen to stay there."""
        return (
            any(
                excursion.from_s < to_s
                and from_s < excursion.to_s
                and min(abs(excursion.top_s - from_s), abs(excursion.top_s - to_s)) < 0.15
                for from_s, to_s in self._gaps
            )
            and self._held_s(excursion) < PLATEAU_S
        )

    def _held_s(self, excursion: Excursion) -> float:
        """Return for how long the leg was seen near the top, from the smoothed live angle."""
        near_deg = max(HOLD_SHARE * excursion.way_deg, 0.3 * self._least_deg)
        sign, from_s, to_s = excursion.direction.sign, excursion.from_s, excursion.to_s
        times = [t for t, v in self._course if from_s <= t <= to_s and sign * (excursion.top_deg - v) <= near_deg]
        return sum(b - a for a, b in pairwise(times) if b - a < GAP_S)

    def _hold_s(self, excursion: Excursion) -> float:
        """Return the hold of an excursion as the smoothed live angle tells it."""
        times, values = np.array(self._course).T
        measured = measure_excursion(times, values, excursion)
        return measured.hold_s if measured else 0.0

    def _swings_through(self, excursion: Excursion) -> bool:
        """Return whether a turn swung through from the other direction without a rest between, and is small against it."""
        last = self._last
        if not self._combined or last is None or last.direction is excursion.direction:
            return False
        if excursion.way_deg >= SWING_SHARE * last.way_deg:
            return False
        near_deg = max(SAME_REST_DEG, SAME_REST_SHARE * excursion.way_deg)
        between = [
            rest for rest in self._rests_before(excursion.top_s) if rest.from_s >= last.to_s and rest.to_s <= excursion.top_s
        ]
        return not any(abs(rest.level_deg - excursion.base_deg) <= near_deg for rest in between)

    def _settle_swing(self, following: Excursion | None = None) -> list[Excursion]:
        """Judge the swing through the middle that waited for what follows.

        The directions of a combined drill take turns. If a repetition in the direction of the swing follows, the swing was an
        overshoot. If one in the other direction follows, and there were repetitions in that of the swing, it was the other half,
        unless it was not held at all. Else the mean hold of all such swings tells, with those of the other leg if both exercise.
        """
        swing, self._swing = self._swing, None
        if swing is None:
            return []
        legs = [self, self.other] if self.other and self.with_other else [self]
        held_s = [held for leg in legs for held in leg._swings_s[swing.direction]]
        is_rep = float(np.mean(held_s)) >= SURELY_HELD_S
        if following and following.direction is swing.direction:
            is_rep = False
        elif following and swing.direction in self._beyond_doubt:
            is_rep |= self._swings_s[swing.direction][-1] >= SWUNG_BACK_S
        if not is_rep:
            return [replace(swing, problem=Reason.OVERSHOOT), *self._release()]
        if self._is_sure(swing):
            return self._count(swing)
        self._pending = swing
        return self._settle(swing.base_deg)

    def _count(self, excursion: Excursion) -> list[Excursion]:
        """Take an excursion as a repetition; in a combined drill it waits for what comes before it."""
        self._ways[excursion.direction].append(excursion.way_deg)
        self._tops.append(excursion)
        self._last = excursion
        self._queue.append(excursion)
        return self._release()

    def _release(self) -> list[Excursion]:
        """Return the repetitions before which nothing is undecided, in the order of time."""
        waiting = [*(small[0] for small in self._small.values() if small), self._pending, self._swing]
        undecided_s = min((excursion.from_s for excursion in waiting if excursion), default=math.inf)
        self._queue.sort(key=lambda excursion: excursion.from_s)
        released = [excursion for excursion in self._queue if excursion.from_s < undecided_s]
        self._queue = self._queue[len(released) :]
        return released

    # ------------------------------------------------------------------ small turns, which might be fidgeting
    def _settle(self, back_deg: float) -> list[Excursion]:
        """Judge the small turn that waited for the rest after it, which is at `back_deg`."""
        excursion, self._pending = self._pending, None
        assert excursion is not None
        way_deg, direction = excursion.way_deg, excursion.direction
        small = self._small[direction]
        beside_deg = direction.sign * (back_deg - excursion.base_deg)
        if self._combined and beside_deg < 0:  # it goes on to the other direction
            beside_deg = 0.0
        same_rest = abs(beside_deg) <= max(SAME_REST_DEG, SAME_REST_SHARE * way_deg)
        if self._begins_off(excursion, back_deg):
            small.append(replace(excursion, base_deg=back_deg))
            return []
        from_rest = self._from_rest(excursion) or self._paused_before(excursion) or self._from_where_others(excursion)
        plain = same_rest and from_rest and not self._pauses(excursion)
        if not (plain and self._other_fits(excursion)):
            return [*self._give_up_small(direction), *self._note_small(excursion)]
        usual = any(
            excursion.from_s - top.to_s <= ALIKE_WITHIN_S and way_deg / ALIKE <= top.way_deg <= ALIKE * way_deg
            for top in list(self._tops)[-3:]
            if top.direction is direction
        )
        found = self._give_up_small(direction) if small and not _follows(small[-1], excursion) else []
        small.append(excursion)
        typical_deg = float(np.median([min(turn.way_deg, turn.beyond_deg + SAME_REST_DEG) for turn in small]))
        strays = [stray for stray in self._strays(small[0].from_s, excursion.to_s) if stray.way_deg >= STRAY_SHARE * typical_deg]
        if usual or len(small) >= 2 + len(strays):
            found += self._count_small(direction)
        return found

    def _from_rest(self, excursion: Excursion) -> bool:
        """Return whether the leg left the place where it mostly rests, and had stayed there."""
        near_deg = max(SAME_REST_DEG, SAME_REST_SHARE * excursion.way_deg)
        rests = self._rests_before(excursion.from_s)
        lately = sum(rest.to_s > excursion.from_s - RESTLESS_S for rest in rests)
        levels = [0.0, *(rest.level_deg for rest in rests)][-max(RESTS_SEEN, lately) :]
        near = sum(abs(level - excursion.base_deg) <= near_deg for level in levels)
        return abs(excursion.base_deg - float(np.median(levels))) <= near_deg and near >= RESTS_SHARE * len(levels)

    def _from_where_others(self, excursion: Excursion) -> bool:
        """Return whether the turns just before it began in the same place, which need not be that of the neutral pose."""
        near_deg = max(SAME_REST_DEG, SAME_REST_SHARE * excursion.way_deg)
        before = [*list(self._tops)[-3:], *self._small[excursion.direction][-1:]]
        return any(_follows(turn, excursion) and abs(turn.base_deg - excursion.base_deg) <= near_deg for turn in before)

    def _pauses_before(self, excursion: Excursion) -> list[Rest]:
        """Return where the leg stayed after the repetition in the other direction and before a turn, most of the way back."""
        last = self._last
        if not self._combined or last is None or last.direction is excursion.direction:
            return []
        stills = (rest for rest in self._stills.all() if rest.from_s > last.top_s and rest.to_s < excursion.top_s)
        return [rest for rest in stills if last.direction.sign * (rest.level_deg - last.base_deg) < BACK_SHARE * last.way_deg]

    def _from_pause(self, excursion: Excursion) -> Excursion:
        """Return a turn from where the leg stayed before it, if that makes it larger.

        The neutral pose may have been taken elsewhere. A small turn one way and a large one the other, again and again, begin
        where the leg comes back to, and not at the far end of the small one.
        """
        top_deg, _ = self._top
        for rest in self._pauses_before(excursion)[::-1]:
            if excursion.direction.sign * (top_deg - rest.level_deg) >= max(self.smallest_deg, excursion.way_deg):
                return replace(excursion, base_deg=rest.level_deg, top_deg=top_deg)
        return excursion

    def _paused_before(self, excursion: Excursion) -> bool:
        """Return whether the leg had stayed where a turn of a combined drill begins, wherever that is."""
        near_deg = max(SAME_REST_DEG, SAME_REST_SHARE * excursion.way_deg)
        return any(abs(rest.level_deg - excursion.base_deg) <= near_deg for rest in self._pauses_before(excursion))

    def _begins_off(self, excursion: Excursion, back_deg: float) -> bool:
        """Return whether the first turn of all came back to another rest, by so much that it is no small turn from there."""
        beside_deg = excursion.direction.sign * (back_deg - excursion.base_deg)
        way_deg = excursion.way_deg - beside_deg
        return not (self._combined or self._tops) and beside_deg < -SAME_REST_DEG and way_deg >= self.sure_deg

    def _pauses(self, excursion: Excursion) -> bool:
        """Return whether the leg paused on its way out or back."""
        low, high = PAUSE_SHARE
        inside = [rest for rest in self._stills.all() if excursion.from_s < rest.from_s and rest.to_s < excursion.to_s]
        return any(
            low < (rest.level_deg - excursion.base_deg) * excursion.direction.sign / excursion.way_deg < high for rest in inside
        )

    def _count_small(self, direction: Direction) -> list[Excursion]:
        small, self._small[direction] = self._small[direction], []
        return [counted for excursion in small for counted in self._count(excursion)]

    def _give_up_small(self, direction: Direction) -> list[Excursion]:
        given_up, self._small[direction] = self._small[direction], []
        return [*(noted for excursion in given_up for noted in self._note_small(excursion)), *self._release()]

    def _note_small(self, excursion: Excursion) -> list[Excursion]:
        """Note a small turn apart, unless it is hardly larger than the noise or one of very many."""
        self._noted += 1
        self._astray.append(excursion)
        enough = excursion.way_deg >= NOTED_TIMES * self.smallest_deg and self._noted <= NOTED_MOST
        return [replace(excursion, problem=Reason.TOO_SMALL)] if enough else []

    def _other_fits(self, excursion: Excursion) -> bool:
        """Return whether the other leg is quiet while this one turns, or does the same where it may, or repeats on its own."""
        other, from_s, to_s = self.other, excursion.from_s, excursion.to_s
        if other is None:
            return True
        quiet_deg = max(OTHER_QUIET_DEG, OTHER_QUIET_SHARE * excursion.way_deg, 0.7 * other.smallest_deg)
        if other.range_deg(from_s, to_s) <= quiet_deg:
            return True
        if not self.with_other:
            return False
        if other._last is not None and to_s - other._last.to_s < ALIKE_WITHIN_S:
            return True
        theirs = dict(other._course)
        pairs = np.array([(v, theirs[t]) for t, v in self._course if from_s <= t <= to_s and t in theirs])
        return len(pairs) > 4 and float(np.corrcoef(pairs.T)[0, 1]) > 0.6


def _follows(one: Excursion, other: Excursion) -> bool:
    """Return whether a small turn is like the one before it."""
    low, high = sorted((one.way_deg, other.way_deg))
    return one.direction is other.direction and high <= ALIKE * low and other.from_s - one.to_s <= ALIKE_WITHIN_S
