"""From the angle of one leg to repetitions, by the shape of the movement.

`RepFinder` sees the angle as it comes and says when an excursion is over; `measure_excursion` takes its peak, range, speed and
hold from the settled curve; `Pairing` numbers repetitions and joins the two excursions of a combined one; `judged` says which of
them are valid. A repetition is a turn away from where the leg rests and at least half of the way back, found by its prominence
against the noise of this very signal. No fixed level, smallest angle or longest time decides, and there is one code for live and
recorded.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np

from rotrack.core.model import Direction, Rep

SMOOTH_S = 0.12
"""The finder sees the mean of the middle half of the samples this far to both sides: it is late by this time."""
LEAST_DEG = 3.0
"""No turn smaller than this counts, however quiet the signal is."""
NOISE_TIMES = 4.0
"""A turn stands out of the noise when it is so many standard deviations large."""
NOISE_OVER_S = 12.0
NOTED_TIMES, NOTED_MOST = 2.0, 200
"""A small turn that is no repetition is noted apart if it is so many times the smallest that can count; not more than so many."""
BACK_SHARE = 0.45
"""A repetition is counted when the leg has come back by half of the way out; smoothing takes some of that away."""
SURE_DEG = 9.0
"""A turn of this size counts by itself; people who fidget turn by less. A smaller one counts when it leaves a rest, comes back to
the same rest, the other leg is quiet or does the same, and others like it follow or were counted."""
BEYOND_SHARE = 0.8
"""It also ends beyond the neutral pose and the last rests by so much of that."""
SMALL_DEG = (7.5, 6.0)
"""Two small turns alike, one after the other, are repetitions; below each of these sizes it takes one more."""
SAME_REST_SHARE, SAME_REST_DEG = 0.35, 1.2
"""A small turn ends at the rest that it left when the two differ by less than the larger of these (share of the turn)."""
RESTS_SEEN, RESTS_SHARE = 5, 0.7
"""A small turn leaves the place where the leg rests: so large a share of the last rests was there, of so many."""
ALIKE = 1.7
"""Small turns are alike when one is at most so many times as large as the other ..."""
ALIKE_WITHIN_S = 20.0
"""... and they follow each other within this time."""
OTHER_QUIET_SHARE, OTHER_QUIET_DEG = 0.4, 2.5
USUAL_AFTER, USUAL_OF = 3, 50
"""From so many repetitions on there is a usual one: the median of them, of the last ones if there are more."""
FAR_BELOW = 0.25
"""A turn of less than this share of the usual one is no repetition."""
PARTIAL_SHARE = 0.4
"""A repetition of less than this share of the usual one is partial."""
OUTLIER_TIMES = 2.0
"""A repetition of more than so many times the median of the others is told apart."""
OVERSHOOT_SHARE, OVERSHOOT_HELD_S, USUAL_SHARE = 0.45, 0.3, 0.65
"""In a combined drill, what swings through from the other direction, is smaller than this share of it and is not held for this
time is an overshoot, unless it is at least so large a share of the usual repetitions in its direction."""
OPEN_SHARE = 0.5
"""What the end cuts off is a repetition from this share of the usual one on."""
STILL_OVER_S, STILL_DEG, STILL_NOISE = 0.3, 1.2, 2.5
"""The leg rests where it stays within the larger of an angle and so many standard deviations of noise for so long."""
REST_WITHIN_DEG, REST_STEP_DEG = 16.0, 5.0
"""A leg rests within so much of its neutral pose, or this near to where it rested before."""
STILLS_KEPT = 100
GAP_S = 0.4
"""A peak may be hidden in a gap that is longer."""
PLATEAU_S = 0.2
"""Length of the best stretch of which the peak is the median."""
HOLD_SHARE, HOLD_SHARE_MOST, HOLD_NEAR_DEG = 0.1, 0.3, 1.5
"""A hold is the time within a tenth of the way to the top, or within this angle if that is more, up to the second share."""
PAIR_GAP_S = 5.0
"""Longest rest between the two excursions of a combined repetition."""
WIDEST_S = 300.0
"""An excursion longer than this is given up: nobody holds a leg for so long, but a camera may be left running."""
_GRID_S = 1 / 60

PARTIAL = "partial: far below the usual peak"
OUTLIER = "told apart: more than twice the others"
ENDED_EARLY = "cut off before the leg was back"
PEAK_UNSEEN = "its peak was not seen"
OVERSHOOT = "swung past the middle without a hold"
TOO_SMALL = "too small to be told from fidgeting"
FAR_TOO_SMALL = "far below the usual size"


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which the leg stayed where it was, and not at the top of a repetition."""

    from_s: float
    to_s: float
    level_deg: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.to_s - self.from_s


class Ending(StrEnum):
    """How an excursion ended."""

    COMPLETE = "complete"
    EARLY = "early"
    PEAK_UNSEEN = "peak"


@dataclass(frozen=True, slots=True)
class Excursion:
    """A turn away from a rest and back.

    Parameters
    ----------
    direction : Direction
        Which way.
    from_s, top_s, to_s : float
        The turning point before it, its top, and when the leg had come back by half of the way out.
    base_deg, top_deg : float
        Where it came from and how far it went, on the smoothed live angle.
    ending : Ending
        How it ended.
    problem : str
        Why it is no repetition; empty if it is one.
    beyond_deg : float
        How far its top lies beyond the neutral pose and beyond the last rests, the lesser of both.
    """

    direction: Direction
    from_s: float
    top_s: float
    to_s: float
    base_deg: float
    top_deg: float
    ending: Ending = Ending.COMPLETE
    problem: str = ""
    beyond_deg: float = math.inf

    @property
    def way_deg(self) -> float:
        """How far it went."""
        return abs(self.top_deg - self.base_deg)

    def holds(self, still: Rest) -> bool:
        """Return whether a still time is one at the top of it."""
        beyond = self.direction.sign * (still.level_deg - (self.base_deg + self.top_deg) / 2)
        return beyond > 0 and still.to_s > self.from_s and still.from_s < self.to_s


class Smoother:
    """The angle without single outliers and with less noise, a moment late; gaps stay gaps."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._values: list[float] = []
        self._next = 0
        self._residuals: deque[tuple[float, float]] = deque()
        self._noise_s, self._noise_deg = -math.inf, 0.0

    def clear(self) -> None:
        """Begin anew; the noise stays known."""
        self._times, self._values, self._next = [], [], 0

    @property
    def noise_deg(self) -> float:
        """Standard deviation of the samples about the smoothed angle."""
        return self._noise_deg

    def add(self, time_s: float, value_deg: float) -> list[tuple[float, float]]:
        """Take a sample; return the times and smoothed values that are known by now."""
        self._times.append(time_s)
        self._values.append(value_deg)
        return self._until(time_s - SMOOTH_S)

    def flush(self) -> list[tuple[float, float]]:
        """Return what waits, with what there is."""
        return self._until(math.inf)

    def _until(self, until_s: float) -> list[tuple[float, float]]:
        found = []
        times, values = self._times, self._values
        while self._next < len(times) and times[self._next] <= until_s:
            at_s = times[self._next]
            near = sorted(values[bisect_left(times, at_s - SMOOTH_S) : bisect_left(times, at_s + SMOOTH_S + 1e-9)])
            cut = len(near) // 4 if len(near) > 3 else (len(near) - 1) // 2
            middle = near[cut : len(near) - cut]
            smooth = sum(middle) / len(middle)
            found.append((at_s, smooth))
            self._learn(at_s, values[self._next] - smooth)
            self._next += 1
        old = bisect_left(times, (times[self._next] if self._next < len(times) else times[-1]) - SMOOTH_S) if times else 0
        if old > 64:
            del times[:old], values[:old]
            self._next -= old
        return found

    def _learn(self, time_s: float, residual_deg: float) -> None:
        self._residuals.append((time_s, abs(residual_deg)))
        while self._residuals[0][0] < time_s - NOISE_OVER_S:
            self._residuals.popleft()
        if time_s - self._noise_s >= 0.5 and len(self._residuals) > 8:
            self._noise_s = time_s
            self._noise_deg = 1.4826 * float(np.median([size for _, size in self._residuals]))


class _Stills:
    """Where and when the leg stays where it is."""

    def __init__(self) -> None:
        self._window: deque[tuple[float, float]] = deque()
        self._open: list[float] = []
        self._from_s = self._to_s = 0.0
        self.found: deque[Rest] = deque(maxlen=STILLS_KEPT)
        self.ended = 0

    def add(self, time_s: float, value_deg: float, band_deg: float) -> None:
        window = self._window
        if window and time_s - window[-1][0] > GAP_S:
            self.close()
        window.append((time_s, value_deg))
        while len(window) > 1 and time_s - window[1][0] >= STILL_OVER_S - 1e-6:
            window.popleft()
        if time_s - window[0][0] < STILL_OVER_S - 1e-6 and not self._open:
            return
        values = [value for _, value in window]
        if max(values) - min(values) <= band_deg and abs(value_deg - (self._level() if self._open else value_deg)) <= band_deg:
            if not self._open:
                self._from_s, self._open = window[0][0], values
            else:
                self._open.append(value_deg)
            self._to_s = time_s
        elif self._open:
            self._end()

    def _level(self) -> float:
        recent = self._open[-200:]
        return sorted(recent)[len(recent) // 2]

    def _end(self) -> None:
        self.found.append(Rest(self._from_s, self._to_s, float(np.median(self._open))))
        self.ended += 1
        self._open = []

    def close(self) -> None:
        """End what is open."""
        if self._open:
            self._end()
        self._window.clear()

    def now(self) -> Rest | None:
        """Return the still time that lasts, if one does."""
        return Rest(self._from_s, self._to_s, self._level()) if self._open else None

    def all(self) -> list[Rest]:
        """Return the still times so far, in order, with the one that lasts."""
        now = self.now()
        return [*self.found, *([now] if now else [])]


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
    """

    def __init__(self, directions: tuple[Direction, ...], least_deg: float = LEAST_DEG, sure_deg: float = SURE_DEG) -> None:
        self._asked = frozenset(directions)
        self._combined = len(directions) > 1
        self._least_deg, self._sure_deg = least_deg, sure_deg
        self.other: RepFinder | None = None
        self.with_other = False
        self._smoother = Smoother()
        self._ways = {direction: deque[float](maxlen=USUAL_OF) for direction in Direction}
        self._small: dict[Direction, list[Excursion]] = {direction: [] for direction in Direction}
        self._queue: list[Excursion] = []
        self._noted = 0
        self._begin()

    def _begin(self) -> None:
        self._smoother.clear()
        self._stills = _Stills()
        self._course: deque[tuple[float, float]] = deque()
        self._sign = 1
        self._base = self._top = (math.nan, -math.inf)
        self._rest_deg = self._middle_deg = 0.0
        self._tops = deque[Excursion](maxlen=STILLS_KEPT)
        self._pending: Excursion | None = None
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
        return [*self._queue, *small, *([self._pending] if self._pending else [])]

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
        enough = max(self._sure_deg, OPEN_SHARE * usual_deg) if usual_deg or not leaving else math.inf
        if cut_off.direction in self._asked and self._is_sure(cut_off) and not self._is_overshoot(cut_off):
            found += self._count(cut_off) if cut_off.way_deg >= enough else [replace(cut_off, problem=ENDED_EARLY)]
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
        direction, way_deg = excursion.direction, excursion.way_deg
        if way_deg < self.smallest_deg:
            return []
        if self._top_unseen(excursion):
            excursion = replace(excursion, ending=Ending.PEAK_UNSEEN)
        if direction not in self._asked:
            said = f"{direction}, the other direction than this drill"
            return [replace(excursion, problem=said)] if way_deg >= self._sure_deg else []
        if self._is_overshoot(excursion):
            return [replace(excursion, problem=OVERSHOOT)]
        if way_deg < FAR_BELOW * self._usual_deg(direction):
            self._tops.append(excursion)
            return [replace(excursion, problem=FAR_TOO_SMALL)]
        excursion = replace(excursion, beyond_deg=self._beyond_deg(excursion))
        if not self._is_sure(excursion):
            self._pending = excursion
            return []
        small = self._small[direction]
        alike = bool(small) and _follows(small[-1], excursion)
        return [*(self._count_small(direction) if alike else self._give_up_small(direction)), *self._count(excursion)]

    def _beyond_deg(self, excursion: Excursion) -> float:
        return min(excursion.direction.sign * (excursion.top_deg - deg) for deg in (0.0, self._middle_deg))

    def _is_sure(self, excursion: Excursion) -> bool:
        """Return whether a turn is too large for fidgeting."""
        far = self._beyond_deg(excursion) >= BEYOND_SHARE * self._sure_deg
        return excursion.way_deg >= self._sure_deg and far

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

    def _is_overshoot(self, excursion: Excursion) -> bool:
        last = self._last
        if not self._combined or last is None or last.direction is excursion.direction:
            return False
        near_deg = max(SAME_REST_DEG, SAME_REST_SHARE * excursion.way_deg)
        between = [
            rest for rest in self._rests_before(excursion.top_s) if rest.from_s >= last.to_s and rest.to_s <= excursion.top_s
        ]
        rested = any(abs(rest.level_deg - excursion.base_deg) <= near_deg for rest in between)
        ways = self._ways[excursion.direction]
        usual = bool(ways) and excursion.way_deg >= USUAL_SHARE * float(np.median(ways))
        small = excursion.way_deg < OVERSHOOT_SHARE * last.way_deg
        if not small or rested or usual:
            return False
        times, values = np.array(self._course).T
        measured = measure_excursion(times, values, excursion)
        return measured is None or measured.hold_s < OVERSHOOT_HELD_S

    def _count(self, excursion: Excursion) -> list[Excursion]:
        """Take an excursion as a repetition; in a combined drill it waits for what comes before it."""
        self._ways[excursion.direction].append(excursion.way_deg)
        self._tops.append(excursion)
        self._last = excursion
        self._queue.append(excursion)
        return self._release()

    def _release(self) -> list[Excursion]:
        """Return the repetitions before which nothing is undecided, in the order of time."""
        waiting = [*(small[0] for small in self._small.values() if small), *([self._pending] if self._pending else [])]
        undecided_s = min((excursion.from_s for excursion in waiting), default=math.inf)
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
        if not (same_rest and self._from_rest(excursion) and self._other_fits(excursion)):
            return [*self._give_up_small(direction), *self._note_small(excursion)]
        usual = any(
            excursion.from_s - top.to_s <= ALIKE_WITHIN_S and way_deg / ALIKE <= top.way_deg <= ALIKE * way_deg
            for top in list(self._tops)[-3:]
            if top.direction is direction
        )
        found = self._give_up_small(direction) if small and not _follows(small[-1], excursion) else []
        small.append(excursion)
        typical_deg = float(np.median([min(turn.way_deg, turn.beyond_deg + SAME_REST_DEG) for turn in small]))
        if usual or len(small) >= 2 + sum(typical_deg < limit_deg for limit_deg in SMALL_DEG):
            found += self._count_small(direction)
        return found

    def _from_rest(self, excursion: Excursion) -> bool:
        """Return whether the leg left the place where it mostly rests, and had stayed there."""
        near_deg = max(SAME_REST_DEG, SAME_REST_SHARE * excursion.way_deg)
        levels = [0.0, *(rest.level_deg for rest in self._rests_before(excursion.from_s))][-RESTS_SEEN:]
        near = sum(abs(level - excursion.base_deg) <= near_deg for level in levels)
        return abs(excursion.base_deg - float(np.median(levels))) <= near_deg and near >= RESTS_SHARE * len(levels)

    def _count_small(self, direction: Direction) -> list[Excursion]:
        small, self._small[direction] = self._small[direction], []
        return [counted for excursion in small for counted in self._count(excursion)]

    def _give_up_small(self, direction: Direction) -> list[Excursion]:
        given_up, self._small[direction] = self._small[direction], []
        return [*(noted for excursion in given_up for noted in self._note_small(excursion)), *self._release()]

    def _note_small(self, excursion: Excursion) -> list[Excursion]:
        """Note a small turn apart, unless it is hardly larger than the noise or one of very many."""
        self._noted += 1
        enough = excursion.way_deg >= NOTED_TIMES * self.smallest_deg and self._noted <= NOTED_MOST
        return [replace(excursion, problem=TOO_SMALL)] if enough else []

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


# ---------------------------------------------------------------------- what is logged of a repetition
@dataclass(frozen=True, slots=True)
class Measured:
    """An excursion measured on the zero-lag curve; degrees signed, seconds. Its fields are fields of `Rep`, by the same names."""

    peak_deg: float
    range_deg: float
    start_s: float
    peak_s: float
    end_s: float
    hold_s: float
    speed_deg_s: float

    def of_rep(self, counted_only: bool = False) -> dict[str, Any]:
        """Return the fields for a `Rep`, without angles and speeds where it is only counted."""
        return {name: math.nan if counted_only and "_deg" in name else value for name, value in asdict(self).items()}


def measure_excursion(time_s: np.ndarray, angle_deg: np.ndarray, excursion: Excursion) -> Measured | None:
    """Measure an excursion on the zero-lag curve.

    Parameters
    ----------
    time_s, angle_deg : numpy.ndarray, shape (n,)
        The zero-lag curve from before the excursion to its end; NaN where missing.
    excursion : Excursion
        What the finder saw.

    Returns
    -------
    Measured or None
        None if the curve holds nothing of it.
    """
    known = np.isfinite(angle_deg) & (time_s >= excursion.from_s - 2 * PLATEAU_S)
    if known.sum() < 2:
        return None
    seen_s = time_s[known]
    times = np.arange(seen_s[0], seen_s[-1] + _GRID_S / 2, _GRID_S)
    sign = excursion.direction.sign
    moved = sign * np.interp(times, seen_s, angle_deg[known])
    inside = np.flatnonzero((times >= excursion.from_s) & (times <= excursion.to_s))
    if not len(inside):
        return None
    width = max(1, round(PLATEAU_S / _GRID_S))
    around = np.convolve(moved, np.ones(width) / width, mode="same")
    peak = int(inside[np.argmax(around[inside])])
    peak_deg = float(np.median(moved[max(0, peak - width // 2) : peak + width // 2 + 1]))
    base_deg = sign * excursion.base_deg
    way_deg = max(peak_deg - base_deg, 1e-6)
    first, last = inside[0], inside[-1] + 1
    share = (moved - base_deg) / way_deg
    start = first + _last(share[first:peak] < HOLD_SHARE) + 1
    end = peak + _first(share[peak:last] < BACK_SHARE)
    low, high = (start + _first(share[start : peak + 1] >= part) for part in (0.2, 0.8))
    speed_deg_s = 0.6 * way_deg / (max(high - low, 1) * _GRID_S)
    return Measured(
        peak_deg=sign * peak_deg,
        range_deg=peak_deg - base_deg,
        start_s=float(times[min(start, peak)]),
        peak_s=float(times[peak]),
        end_s=float(times[min(end, len(times) - 1)]),
        hold_s=_held_s(times, share, first, peak, last, seen_s, way_deg),
        speed_deg_s=float(speed_deg_s),
    )


_STEP_AT = np.linspace(0.0, 1.0, 1001)
_STEP = _STEP_AT**3 * (10 - 15 * _STEP_AT + 6 * _STEP_AT**2)
SLOPE_SHARE = 0.25


def _held_s(times: np.ndarray, share: np.ndarray, first: int, peak: int, last: int, seen_s: np.ndarray, way_deg: float) -> float:
    """Return for how long the leg stayed at the top, s.

    That is the time near the top, less the slow ends of the turns to it and from it: people turn with least jerk (Flash and Hogan
    1985), and how long such a turn takes for its end follows from how long it takes for the part before. Gaps count nothing.
    """
    near = float(np.clip(HOLD_NEAR_DEG / way_deg, HOLD_SHARE, HOLD_SHARE_MOST))
    level = float(np.median(share[first:last][share[first:last] > 1 - 1.5 * near]))
    below = share < level - near - SLOPE_SHARE
    before, after = first + _last(below[first:peak]) + 1, peak + _first(below[peak:last])
    high = np.flatnonzero(share[before:after] >= level - near) + before
    if not len(high):
        return 0.0
    from_, to = int(high[0]), int(high[-1]) + 1
    gaps = np.flatnonzero(np.diff(seen_s) > GAP_S)
    unseen_s = sum(max(0.0, min(seen_s[k + 1], times[to - 1]) - max(seen_s[k], times[from_])) for k in gaps)
    ends_s = _slow_end_s(share[before : from_ + 1], level, near) + _slow_end_s(share[to - 1 : after][::-1], level, near)
    return float(max(0.0, (to - from_) * _GRID_S - unseen_s - ends_s))


def _slow_end_s(rise: np.ndarray, level: float, near: float) -> float:
    """Return how long a turn takes for its last part, s, by the part before it; by half of that if people stop in the other."""
    taken, parts = [], []
    for half in (0.5, 1.0):
        from_, to = level - near - half * SLOPE_SHARE, level - near - (half - 0.5) * SLOPE_SHARE
        high, low = (float(np.interp(x + 1 - level, _STEP, _STEP_AT)) for x in (to, from_))
        taken.append(max(_first(rise >= to) - _first(rise >= from_), 0.25))
        parts.append(high - low)
    ratio = taken[0] / parts[0], taken[1] / parts[1]
    pace = sum(taken) / sum(parts) if max(ratio) < 1.8 * min(ratio) else min(ratio)
    return pace * (1 - float(np.interp(1 - near, _STEP, _STEP_AT))) * _GRID_S


def _last(flags: np.ndarray) -> int:
    """Return the index of the last true flag, -1 if there is none."""
    found = np.flatnonzero(flags)
    return int(found[-1]) if len(found) else -1


def _first(flags: np.ndarray) -> int:
    """Return the index of the first true flag, the length if there is none."""
    found = np.flatnonzero(flags)
    return int(found[0]) if len(found) else len(flags)


class Pairing:
    """Numbers the repetitions of one side and joins the two excursions of a combined one, in the order of the first.

    Parameters
    ----------
    directions : tuple of Direction
        The excursions that make one repetition.
    """

    def __init__(self, directions: tuple[Direction, ...]) -> None:
        self._combined = len(directions) > 1
        self._order: tuple[Direction, Direction] | None = None
        self._count = 0
        self._open: tuple[Direction, float] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a first excursion still waits for its partner."""
        return self._open is not None

    def expired(self, time_s: float) -> bool:
        """Return whether the partner of an open repetition did not come in time."""
        return self._open is not None and time_s > self._open[1] + PAIR_GAP_S

    def close(self) -> None:
        """Stop waiting for a partner."""
        self._open = None

    def next(self, direction: Direction, start_s: float, end_s: float) -> tuple[int, bool]:
        """Return the number for the next excursion and whether it completes an open repetition."""
        if self._combined and self._open and direction is not self._open[0] and start_s <= self._open[1] + PAIR_GAP_S:
            self._order = self._order or (self._open[0], direction)
            self._open = None
            return self._count, True
        self._count += 1
        self._open = None
        if self._combined and (self._order is None or direction is self._order[0]):
            self._open = (direction, end_s)
        return self._count, False


def judged(reps: Sequence[Rep]) -> list[Rep]:
    """Return repetitions of one side with what only the others tell of each: partial ones and outliers are not valid.

    Those of a direction are judged by the median of the others, once there are three of these.
    """
    told: list[Rep] = []
    for rep in reps:
        others = [abs(r.range_deg) for r in reps if r is not rep and r.direction is rep.direction and math.isfinite(r.range_deg)]
        own = [part for part in rep.reason.split("; ") if part and part not in (PARTIAL, OUTLIER)]
        was_only_this = not rep.valid and rep.reason in (PARTIAL, OUTLIER)
        more = ""
        if len(others) >= USUAL_AFTER and math.isfinite(rep.range_deg):
            usual_deg = float(np.median(others))
            more = PARTIAL if abs(rep.range_deg) < PARTIAL_SHARE * usual_deg else ""
            more = OUTLIER if abs(rep.range_deg) > OUTLIER_TIMES * usual_deg else more
        valid = (rep.valid or was_only_this) and not more
        told.append(replace(rep, valid=valid, reason="; ".join([*own, *([more] if more else [])])))
    return told
