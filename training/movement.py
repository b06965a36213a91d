"""How people turn their hips: rotation over time with its truth, at random within published ranges; one seed, one movement.

    movement = draw("tune", 17, "seated")        # the ranges and shares are in movement.toml
    course = perform(movement)
    course.angle_deg("right", times_s)           # internal rotation is positive, for both legs
    course.reps                                  # what is to be counted

Needs numpy only and nothing of rotrack, so that renderer, tests and simulations share it.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

RANGES = Path(__file__).with_name("movement.toml")
SIDES = ("right", "left")
PARTS = {"tune": 1, "test": 2}
"""Parts and what sets their seeds apart: on `tune` things may be tuned and calibrated, on `test` nothing ever is."""
SETTLED = 0.35
"""Share of the slow irregular turning at rest that stays during a repetition."""
FASTEST_S = 0.25
"""Shortest time of one turn: nobody swings a shank faster."""


@dataclass(frozen=True)
class Movement:
    """How somebody moves in one clip; all of it scales what one seed draws.

    Parameters
    ----------
    seed : int
        Chooses every variation below.
    side : str
        The leg that moves, right or left; the one that begins if both do.
    legs : str
        one, both (at once) or alternating.
    directions : tuple of str
        What one cycle consists of, in order: internal, external, or both of them for a combined drill.
    cycles : int
        How often. 0: somebody who does not exercise.
    internal_deg, external_deg : float
        Typical size of a turn, both positive.
    speed_deg_s : float
        Typical mean speed of a turn.
    return_speed : float
        Speed of returns against that of turns.
    skew, skew_sd : float
        Share of a turn's time at which it is fastest, and its spread.
    amplitude_sd, speed_sd, hold_sd : float
        Spread between repetitions: share of the size, and of the logarithm of speed and hold.
    hold_s, rest_s, between_s : float
        Typical time at the peak, at rest between cycles, and at rest between the halves of a combined cycle (0: swings through).
    left_over : float
        Share of a turn that is not returned before the next one starts.
    overshoot, peak_overshoot : float
        Share of a turn by which a return swings past the rest, and by which a held peak is passed at first.
    hesitation_chance, hesitation_s : float
        Chance that a turn stops half-way, and for how long.
    push_chance, push_share : float
        Chance of a second push at the end of a turn, and the share of the turn that it adds.
    fatigue, slowing : float
        Share of the size and of the speed that is lost from the first to the last cycle.
    first, last : float
        Factors on the first and the last turn.
    tremor_deg, tremor_hz : float
        Amplitude and frequency of a tremor of the moving legs.
    drift_deg : float
        How far the rest moves over the clip.
    wander_deg : float
        Slow irregular turning of every leg at rest.
    fidget_deg : float
        Size of the aimless turns before, after and instead of repetitions.
    start_s, end_s : float
        Time before the first and after the last repetition.
    start_off_deg : float
        Angle at which the moving leg is at the start; the rest is at 0 all the same.
    leave_after : int
        Number of the cycle after which the person walks off; 0: never.
    leave_s : float
        Time out of the picture.
    lag_s, other_gain : float
        Both legs: how much later the other leg moves, and the share of the turn that it makes.
    thigh_deg, knee_deg, ankle_deg, pelvis_deg, trunk_deg, other_deg : float
        What moves along, per 30 deg of rotation: thigh (aside), knee, ankle, pelvis (rolls), trunk (leans), other leg (turns).
    """

    seed: int = 0
    side: str = "right"
    legs: str = "one"
    directions: tuple[str, ...] = ("internal",)
    cycles: int = 4
    internal_deg: float = 30.0
    external_deg: float = 35.0
    speed_deg_s: float = 35.0
    return_speed: float = 1.0
    skew: float = 0.5
    skew_sd: float = 0.0
    amplitude_sd: float = 0.0
    speed_sd: float = 0.0
    hold_sd: float = 0.0
    hold_s: float = 0.5
    rest_s: float = 0.6
    between_s: float = 0.0
    left_over: float = 0.0
    overshoot: float = 0.0
    peak_overshoot: float = 0.0
    hesitation_chance: float = 0.0
    hesitation_s: float = 0.3
    push_chance: float = 0.0
    push_share: float = 0.15
    fatigue: float = 0.0
    slowing: float = 0.0
    first: float = 1.0
    last: float = 1.0
    tremor_deg: float = 0.0
    tremor_hz: float = 9.0
    drift_deg: float = 0.0
    wander_deg: float = 0.0
    fidget_deg: float = 0.0
    start_s: float = 1.5
    end_s: float = 1.0
    start_off_deg: float = 0.0
    leave_after: int = 0
    leave_s: float = 8.0
    lag_s: float = 0.0
    other_gain: float = 1.0
    thigh_deg: float = 0.0
    knee_deg: float = 0.0
    ankle_deg: float = 0.0
    pelvis_deg: float = 0.0
    trunk_deg: float = 0.0
    other_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.side not in SIDES or self.legs not in ("one", "both", "alternating"):
            raise ValueError(f"no such side or legs: {self.side}, {self.legs}")
        if not self.directions or set(self.directions) - {"internal", "external"} or len(self.directions) > 2:
            raise ValueError(f"directions are internal, external or both in order, not {self.directions}")
        if not 0 <= self.left_over < 0.5:
            raise ValueError("a turn of which half or more is left over is no repetition")
        if not 0.2 <= self.skew <= 0.8 or self.speed_deg_s <= 0 or self.return_speed <= 0:
            raise ValueError("skew is a share from 0.2 to 0.8, speeds are above zero")


@dataclass(frozen=True)
class Turn:
    """One smooth turn of a leg.

    Parameters
    ----------
    start_s, seconds : float
        When it starts and how long it takes.
    from_deg, to_deg : float
        Where from and where to.
    skew : float
        Share of the time at which half of it is done.
    """

    start_s: float
    seconds: float
    from_deg: float
    to_deg: float
    skew: float = 0.5

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.start_s + self.seconds

    def done(self, t_s: np.ndarray) -> np.ndarray:
        """Return the share that is done at some times."""
        share = np.clip((t_s - self.start_s) / self.seconds, 0, 1)
        return smooth_step(share if self.skew == 0.5 else share ** (np.log(0.5) / np.log(self.skew)))


@dataclass(frozen=True)
class Rep:
    """One repetition as it is to be counted.

    Parameters
    ----------
    side, direction : str
        Which leg turns which way.
    cycle : int
        Number of the cycle it belongs to, from 0; the halves of a combined cycle share it.
    start_s, peak_from_s, peak_to_s, end_s : float
        When it leaves the rest, is at its peak, and is back or turns on to the other direction.
    peak_deg : float
        Mean of the curve while it is at its peak.
    from_deg : float
        Angle that it starts from.
    """

    side: str
    direction: str
    cycle: int
    start_s: float
    peak_from_s: float
    peak_to_s: float
    end_s: float
    peak_deg: float
    from_deg: float

    @property
    def held_s(self) -> float:
        """Time at the peak."""
        return self.peak_to_s - self.peak_from_s


@dataclass(frozen=True)
class Course:
    """A performed movement.

    Parameters
    ----------
    movement : Movement
        What was asked for.
    duration_s : float
        Length of the clip.
    turns : mapping of str to tuple of Turn
        Turns per side, in order of time.
    reps : tuple of Rep
        The repetitions in order of their starts.
    absent_s : tuple of (float, float)
        When the person is out of the picture; the curves mean nothing then.
    resting_deg : mapping of str to float
        Angle of either leg before its first turn.
    """

    movement: Movement
    duration_s: float
    turns: Mapping[str, tuple[Turn, ...]]
    reps: tuple[Rep, ...] = ()
    absent_s: tuple[tuple[float, float], ...] = ()
    resting_deg: Mapping[str, float] = field(default_factory=lambda: {"right": 0.0, "left": 0.0})

    @property
    def moving(self) -> tuple[str, ...]:
        """The sides that are asked to move."""
        m = self.movement
        return (m.side,) if m.legs == "one" else (m.side, other(m.side))

    def angle_deg(self, side: str, t_s: np.ndarray) -> np.ndarray:
        """Return the true internal rotation of a leg relative to the pelvis at some times."""
        m, t = self.movement, np.asarray(t_s, float)
        angle = self._turned(side, t)
        if side in self.moving:
            angle += m.drift_deg * np.clip(t / self.duration_s, 0, 1)
            angle += m.tremor_deg * np.sin(2 * np.pi * m.tremor_hz * t + 0.6) * (0.75 + 0.25 * np.sin(0.9 * t))
        elif m.other_deg:
            angle += m.other_deg * self._turned(other(side), t) / 30
        if m.wander_deg:
            calm = 1 - (1 - SETTLED) * self._busy(side, t)
            angle += calm * wander(t, [m.seed, 3, SIDES.index(side)], m.wander_deg)
        return angle

    def along_deg(self, part: str, side: str, t_s: np.ndarray) -> np.ndarray:
        """Return how far thigh, knee, ankle, pelvis or trunk move along with a leg at some times, deg."""
        per_30_deg = getattr(self.movement, f"{part}_deg")
        lag_s = 0.06 if part in ("pelvis", "trunk") else 0.0  # the trunk follows the leg
        turned = self._turned(side, np.asarray(t_s, float) - lag_s)
        return per_30_deg * (turned if part in ("pelvis", "trunk") else np.abs(turned)) / 30

    def held_s(self, rep: Rep, band: float = 0.1) -> float:
        """Return how long a repetition is held, with the stops on the way to its peak within this share of the way, s.

        The hold begins with the end of the turn that brings the leg so near, whether it is pushed on a little or settles there.
        """
        turns = [turn for turn in self.turns[rep.side] if turn.end_s <= rep.peak_from_s + 1e-6]
        near_deg = band * abs(rep.peak_deg - rep.from_deg)
        first = len(turns) - 1
        while first > 0 and abs(turns[first].from_deg - turns[-1].to_deg) <= near_deg:
            first -= 1
        return rep.peak_to_s - (turns[first].end_s if turns else rep.peak_from_s)

    def present(self, t_s: np.ndarray) -> np.ndarray:
        """Return whether the person is in the picture at some times."""
        t = np.asarray(t_s, float)
        return ~np.any([np.zeros(t.shape, bool), *((t >= a) & (t < b) for a, b in self.absent_s)], axis=0)

    def _turned(self, side: str, t: np.ndarray) -> np.ndarray:
        angle = np.full(t.shape, float(self.resting_deg[side]))
        for turn in self.turns[side]:
            angle += (turn.to_deg - turn.from_deg) * turn.done(t)
        return angle

    def _busy(self, side: str, t: np.ndarray) -> np.ndarray:
        """Return 0 to 1: how much a leg is in a repetition."""
        near = np.zeros(t.shape)
        for rep in self.reps:
            if rep.side == side:
                near = np.maximum(near, smooth_step((t - rep.start_s) / 0.3) - smooth_step((t - rep.end_s + 0.3) / 0.3))
        return near


def smooth_step(share: np.ndarray | float) -> np.ndarray:
    """Return the minimum-jerk step from 0 to 1 (Flash and Hogan 1985)."""
    u = np.clip(share, 0, 1)
    return u**3 * (10 - 15 * u + 6 * u * u)


def wander(t_s: np.ndarray, seed: Any, size: float, hz: float = 0.25) -> np.ndarray:
    """Return a slow irregular movement: three sines whose periods share no multiple, with phases from a seed."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 3)
    waves = zip((0.6, 0.3, 0.15), (hz, hz * 2.1, hz * 4.3), phases, strict=True)
    return np.sum([size * part * np.sin(2 * np.pi * rate * t_s + phase) for part, rate, phase in waves], axis=0)


def other(side: str) -> str:
    """Return the other side."""
    return "left" if side == "right" else "right"


# ---------------------------------------------------------------------- performing


class _Clock:
    """Writes down the turns of both legs while time goes on."""

    def __init__(self, movement: Movement) -> None:
        self.m = movement
        self.rng = np.random.default_rng([movement.seed, 1])
        self.now_s = 0.0
        self.turns: dict[str, list[Turn]] = {side: [] for side in SIDES}
        self.level_deg = dict.fromkeys(SIDES, 0.0)
        self.reps: list[Rep] = []
        self.absent_s: list[tuple[float, float]] = []
        self.worn = 0.0
        """How much of the clip is over, as a share of its cycles."""

    def vary(self, spread: float) -> float:
        """Return a factor around 1, log-normal, cut at two and a half spreads."""
        return float(np.exp(spread * np.clip(self.rng.normal(), -2.5, 2.5)))

    def turn(self, side: str, to_deg: float, speed: float = 1.0) -> None:
        """Turn a leg; half-way it may hesitate."""
        m, travel = self.m, to_deg - self.level_deg[side]
        if abs(travel) < 1e-9:
            return
        rate = m.speed_deg_s * speed * self.vary(m.speed_sd) * (1 - m.slowing * self.worn)
        seconds = max(FASTEST_S, abs(travel) / rate)
        stops = m.hesitation_chance > 0 and self.rng.random() < m.hesitation_chance
        parts = [self.rng.uniform(0.4, 0.75)] if stops else []
        for share, pause in [*((p, m.hesitation_s * self.vary(0.3)) for p in parts), (1 - sum(parts), 0.0)]:
            skew = float(np.clip(self.rng.normal(m.skew, m.skew_sd), 0.3, 0.7))
            self._move(side, self.level_deg[side] + share * travel, max(FASTEST_S, share * seconds), skew)
            self.now_s += pause

    def _move(self, side: str, to_deg: float, seconds: float, skew: float = 0.5) -> None:
        self.turns[side].append(Turn(self.now_s, seconds, self.level_deg[side], to_deg, skew))
        self.level_deg[side] = to_deg
        self.now_s += seconds

    def fidget(self, seconds: float) -> None:
        """Let time pass with aimless turns that end where they began."""
        m, until, at = self.m, self.now_s + seconds, dict(self.level_deg)
        if m.fidget_deg:
            while self.now_s + 2.5 < until:
                side = SIDES[int(self.rng.integers(2))]
                self._move(side, at[side] + m.fidget_deg * float(self.rng.uniform(-1, 1)), float(self.rng.uniform(0.5, 1.5)))
                self.now_s += float(self.rng.uniform(0.2, 1.5))
            for side in SIDES:
                if self.level_deg[side] != at[side]:
                    self._move(side, at[side], 0.5)
        self.now_s = max(until, self.now_s)

    def size_deg(self, direction: str, factor: float) -> float:
        """Return the signed size of the next turn."""
        m = self.m
        typical = m.internal_deg if direction == "internal" else -m.external_deg
        spread = 1 + m.amplitude_sd * float(np.clip(self.rng.normal(), -2, 2))
        return typical * spread * factor * (1 - m.fatigue * self.worn)

    def cycle(self, side: str, number: int, last: bool) -> None:
        """Do one cycle: out, hold, and back or on to the other direction."""
        m = self.m
        factor = m.first if number == 0 else m.last if last else 1.0
        for k, direction in enumerate(m.directions):
            begin_s, begin_deg, size = self.now_s, self.level_deg[side], self.size_deg(direction, factor)
            swings_on = k + 1 < len(m.directions) and m.between_s == 0
            self._go_out(side, size)
            from_s, to_s = self._hold()
            self.reps.append(Rep(side, direction, number, begin_s, from_s, to_s, to_s, size, begin_deg))
            if swings_on:
                continue
            done = last and k + 1 == len(m.directions)
            self._come_back(side, size, complete=done or k + 1 < len(m.directions))
            self.reps[-1] = dataclasses.replace(self.reps[-1], end_s=self.now_s)
            if k + 1 < len(m.directions):
                self.now_s += m.between_s * self.vary(0.3)

    def _go_out(self, side: str, size: float) -> None:
        m = self.m
        if m.push_chance > 0 and self.rng.random() < m.push_chance:
            self.turn(side, size * (1 - m.push_share))
            self.now_s += float(self.rng.uniform(0.15, 0.5))
        elif m.peak_overshoot and m.hold_s >= 1:
            self.turn(side, size * (1 + m.peak_overshoot * self.vary(0.3)))
            self._move(side, size, 0.4)
            return
        self.turn(side, size)

    def _hold(self) -> tuple[float, float]:
        start_s = self.now_s
        self.now_s += self.m.hold_s * self.vary(self.m.hold_sd)
        return start_s, self.now_s

    def _come_back(self, side: str, size: float, complete: bool) -> None:
        m = self.m
        if m.left_over and not complete:
            self.turn(side, size * min(0.48, m.left_over * self.vary(0.15)), m.return_speed)
            return
        if m.overshoot:
            self.turn(side, -size * m.overshoot * self.vary(0.2), m.return_speed)
        self.turn(side, 0.0, m.return_speed)


def perform(movement: Movement) -> Course:
    """Return a movement as curves with their truth; the same movement always gives the same course."""
    clock, m = _Clock(movement), movement
    moving = (m.side,) if m.legs != "alternating" else (m.side, other(m.side))
    for side in moving:
        clock.level_deg[side] = m.start_off_deg
    resting = dict(clock.level_deg)
    clock.fidget(m.start_s)
    for number in range(m.cycles):
        clock.worn = number / max(1, m.cycles - 1)
        clock.cycle(moving[number % len(moving)], number, last=number + len(moving) >= m.cycles)
        if number + 1 == m.leave_after < m.cycles:
            for side in moving:
                clock.turn(side, 0.0)
            clock.absent_s.append((clock.now_s + 0.5, clock.now_s + 0.5 + m.leave_s))
            clock.now_s += 1.0 + m.leave_s
        elif number + 1 < m.cycles:
            clock.now_s += m.rest_s * clock.vary(0.25)
    clock.fidget(m.end_s)
    if m.legs == "both":
        resting[other(m.side)] = m.start_off_deg * m.other_gain
        _follow(clock)
    course = Course(
        m, clock.now_s, {s: tuple(clock.turns[s]) for s in SIDES}, absent_s=tuple(clock.absent_s), resting_deg=resting
    )
    course = dataclasses.replace(course, reps=tuple(sorted(clock.reps, key=lambda rep: (rep.start_s, rep.side))))
    return dataclasses.replace(course, reps=tuple(_true_peaks(course)))


def _follow(clock: _Clock) -> None:
    """Let the other leg do what the first one does, later and to another size."""
    m = clock.m
    follower = other(m.side)
    clock.turns[follower] = [
        dataclasses.replace(_scaled(turn, m.other_gain), start_s=turn.start_s + m.lag_s) for turn in clock.turns[m.side]
    ]
    for rep in list(clock.reps):
        times = {name: getattr(rep, name) + m.lag_s for name in ("start_s", "peak_from_s", "peak_to_s", "end_s")}
        clock.reps.append(dataclasses.replace(rep, side=follower, from_deg=m.other_gain * rep.from_deg, **times))
    clock.now_s += m.lag_s


def _scaled(turn: Turn, gain: float) -> Turn:
    return dataclasses.replace(turn, from_deg=gain * turn.from_deg, to_deg=gain * turn.to_deg)


def _true_peaks(course: Course) -> Iterator[Rep]:
    """Yield the repetitions with the peaks that the curve has, tremor, drift and all."""
    for rep in course.reps:
        moments = np.linspace(rep.peak_from_s, rep.peak_to_s, max(2, int(240 * rep.held_s)))
        yield dataclasses.replace(rep, peak_deg=float(course.angle_deg(rep.side, moments).mean()))


# ---------------------------------------------------------------------- tidy repetitions


def tidy(
    peaks_deg: list[float | list[float]],
    *,
    side: str = "right",
    both: bool = False,
    other_gain: float = 1.0,
    base_deg: float = 0.0,
    seed: int = 0,
    timing_s: Mapping[str, float] | None = None,
    seconds: float | None = None,
) -> Course:
    """Return smooth repetitions of given peaks, for checks of geometry; one entry [-30, 25] is a combined cycle.

    Parameters
    ----------
    peaks_deg : list
        Signed peaks, internal positive.
    side, both, other_gain
        Which leg moves, whether the other one does, too, and its share.
    base_deg : float
        Angle at rest.
    seed : int
        Varies the times by some per cent.
    timing_s : mapping, optional
        start, up, hold, down, rest.
    seconds : float, optional
        Length of the clip, if it is not to end with the last repetition.
    """
    times = {"start": 1.0, "up": 1.0, "hold": 0.5, "down": 1.0, "rest": 0.4, **(timing_s or {})}
    rng, now, turns, reps = np.random.default_rng(seed), times["start"], [], []
    for number, entry in enumerate(peaks_deg):
        targets = [float(peak) for peak in np.atleast_1d(entry)]
        rise, plateau = times["up"] * rng.uniform(0.85, 1.2), times["hold"] * rng.uniform(0.7, 1.4)
        fall, pause = times["down"] * rng.uniform(0.85, 1.2), times["rest"] * rng.uniform(0.7, 1.5)
        level = base_deg
        for k, peak in enumerate(targets):
            turns.append(Turn(now, rise if k == 0 else 1.5 * rise, level, peak))
            ends = turns[-1].end_s
            reps.append(Rep(side, "internal" if peak > 0 else "external", number, now, ends, ends + plateau, ends, peak, level))
            now, level = ends + plateau, peak
        turns.append(Turn(now, fall, level, base_deg))
        now += fall
        reps = [dataclasses.replace(rep, end_s=now) if rep.cycle == number else rep for rep in reps]
        now += pause
    movement = Movement(seed=seed, side=side, legs="both" if both else "one", cycles=len(peaks_deg), other_gain=other_gain)
    gains = {side: 1.0, other(side): other_gain if both else 0.0}
    scaled = {s: tuple(_scaled(turn, g) for turn in turns if g) for s, g in gains.items()}
    resting = {s: g * base_deg for s, g in gains.items()}
    if both:
        reps += [dataclasses.replace(r, side=other(side), peak_deg=other_gain * r.peak_deg) for r in reps]
    return Course(movement, seconds or now + 0.6, scaled, tuple(reps), (), resting)


# ---------------------------------------------------------------------- what the camera delivers


@dataclass(frozen=True)
class Feed:
    """The frames of a camera.

    Parameters
    ----------
    fps : float
        Nominal rate, 5 to 240.
    jitter : float
        Spread of the time between frames, as a share of it.
    dropped : float
        Share of the frames that never arrive, lost one by one.
    frozen, frozen_s : float
        Share of the time in which the same picture is delivered again, and how long that lasts each time.
    gaps, gap_s : int, float
        How often nothing arrives for a while, and for how long.
    seed : int
        Chooses which.
    """

    fps: float = 30.0
    jitter: float = 0.0
    dropped: float = 0.0
    frozen: float = 0.0
    frozen_s: float = 0.5
    gaps: int = 0
    gap_s: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 5 <= self.fps <= 240 or not 0 <= self.dropped < 1 or not 0 <= self.frozen < 1:
            raise ValueError("frames a second are 5 to 240, shares are below 1")

    def frames(self, duration_s: float) -> Frames:
        """Return the frames of a clip of some length; the first is always there."""
        rng, count = np.random.default_rng([self.seed, 4]), max(1, int(duration_s * self.fps))
        t = np.arange(count) / self.fps
        late = np.clip(self.jitter * rng.normal(size=count), -0.45, 0.45) / self.fps
        t = t + np.where(np.arange(count) == 0, 0.0, late)
        arrives = rng.random(count) >= self.dropped
        for start in rng.uniform(0.1, 0.9, self.gaps) * duration_s:
            arrives &= (t < start) | (t >= start + self.gap_s)
        arrives[0] = True
        seen = t.copy()
        stops = round(self.frozen * duration_s / self.frozen_s) if self.frozen else 0
        for start in rng.uniform(0, max(1e-9, duration_s - self.frozen_s), stops):
            stuck = (t >= start) & (t < start + self.frozen_s)
            if stuck.any():
                seen[stuck] = seen[stuck].min()
        return Frames(t[arrives], seen[arrives])


@dataclass(frozen=True)
class Frames:
    """What was delivered.

    Parameters
    ----------
    t_s : numpy.ndarray, shape (n,)
        Time stamps, rising.
    seen_s : numpy.ndarray, shape (n,)
        The moment that each picture shows; earlier than its stamp where the camera froze.
    """

    t_s: np.ndarray
    seen_s: np.ndarray

    def __len__(self) -> int:
        return len(self.t_s)


# ---------------------------------------------------------------------- at random, within published ranges


@dataclass(frozen=True)
class Drawn:
    """A movement drawn at random.

    Parameters
    ----------
    kind : str
        Its kind, a table of movement.toml.
    movement : Movement
        How the person moves.
    feed : Feed
        How the camera delivers it.
    """

    kind: str
    movement: Movement
    feed: Feed


@cache
def ranges() -> dict[str, Any]:
    """Return the published ranges and shares."""
    return tomllib.loads(RANGES.read_text("utf-8"))


def draw(part: str, number: int, posture: str, kind: str | None = None) -> Drawn:
    """Return movement `number` of a part for a posture; the same numbers always give the same one.

    Parameters
    ----------
    part : str
        tune or test. They never share a seed, and test has the wider ranges.
    number : int
        From 0.
    posture : str
        A posture of movement.toml: its sizes, directions and legs.
    kind : str, optional
        A kind of movement.toml; by default drawn by the kinds' shares.
    """
    data = ranges()
    place = data["postures"][posture]
    possible = {name: table for name, table in data["kinds"].items() if _fits(table, place)}
    rng = np.random.default_rng([PARTS[part], number, list(data["postures"]).index(posture)])
    shares = np.array([table["share"] for table in possible.values()], float)
    by_share = str(rng.choice(list(possible), p=shares / shares.sum()))
    chosen = kind or by_share
    if chosen not in possible:
        raise ValueError(f"nobody does {chosen} in {posture}")
    sizes = {name: place[name] for name in ("internal_deg", "external_deg")}
    where = {**data["fields"], **sizes, **possible[chosen].get("fields", {})}
    values = {name: _value(rng, where[name], part) for name in sorted(where)}
    by_chance = str(rng.choice(place["legs"]))
    legs = possible[chosen].get("legs", by_chance)
    directions = tuple(place["directions"][int(rng.integers(len(place["directions"])))])
    if legs == "both":
        values["external_deg"] *= place.get("both_external_share", 1.0)
    values["drift_deg"] *= float(rng.choice([-1, 1]))
    values["start_off_deg"] *= float(rng.choice([-1, 1]))
    seed = int(rng.integers(2**31)) * 2 + (part == "test")
    feed_names = {f.name for f in dataclasses.fields(Feed)} - {"seed"}
    feed = Feed(**{name: values.pop(name) for name in feed_names}, seed=seed)
    side = str(rng.choice(SIDES))
    return Drawn(chosen, Movement(seed=seed, side=side, legs=legs, directions=directions, **values), feed)


def _fits(kind: Mapping[str, Any], posture: Mapping[str, Any]) -> bool:
    """Return whether the legs of a posture can move as a kind wants it."""
    return kind.get("legs") in (None, *posture["legs"], *posture.get("also", ()))


def _value(rng: np.random.Generator, entry: Mapping[str, Any], part: str) -> Any:
    """Return a value of a range: uniform, over its logarithm, or from a list."""
    if "choose" in entry:
        return entry["choose"][part][int(rng.integers(len(entry["choose"][part])))]
    low, high = entry[part]
    if isinstance(low, int) and isinstance(high, int):
        return int(rng.integers(low, high + 1))
    if entry.get("scale") == "log":
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return float(rng.uniform(low, high))
