"""Does it count as people really move? Run `python tests/benchmarks/counting.py [--sessions N] [--seed S]`.

Simulated sessions (training/simulate.py) of the untouched part, whose ranges are wider than those that anything was tuned on, go
through the whole live path. Prints what failed by kind of movement and by posture, then one line of figures, and ends with 1 when
one of them falls short. Besides: hours of fidgeting in which nothing may be counted, and sessions that begin off neutral.

    --part tune            sessions to develop on; --kind partial-return, --posture seated: only these
    --one NUMBER           what was true and what was found of one session
    --quick                the leg model's angle is the true one with noise: ten times faster, and only about counting
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from rotrack.core.model import Direction, Pose, Rep, Side
from rotrack.kinematics.rotation import NeutralPose, Reading
from rotrack.records.rules import RULES, USUAL
from rotrack.records.session import best_of, by_leg, session_values
from rotrack.tracking import pipeline
from rotrack.tracking.scoreboard import Scoreboard
from rotrack.tracking.zero import zero_moved
from training import movement, simulate

RIGHT_COUNT = 0.99
HOLD_WITHIN_S = 0.3
HELD_FROM_S = 1.0
"""A peak that is passed in less time is not held."""
SEEDS_APART = 1_000_000
HOLD_BANDS = (0.07, 0.13)
"""A hold begins with the end of the turn that brings the leg within a tenth of its peak, as docs/conventions.md says. Where it
stops for a moment just about a tenth away, the error of the angle decides: either is right."""
MAY_BE_MISSED_DEG = 4.0
"""The smallest turn that can count and its error: what is smaller may be counted or not. Feet that meet leave some of them."""
NEAR_S = 0.5
"""A repetition that was found is a true one of its leg and direction if its peak is not further from it in time."""
FIDGET_SESSION_S, FIDGET_DEG = 300.0, 4.0
OFF_DEG, NEARLY_DEG, OFF_WITHOUT_WARNING_DEG = 14.0, 3.0, 5.0
COVERED, WARNED_AT_MOST = 0.93, 0.05


@dataclass(frozen=True)
class Outcome:
    """What became of one session.

    Parameters
    ----------
    number : int
        Of the session.
    kind, drill, posture : str
        What was done.
    frames : int
        Poses that were measured.
    cpu_s : float
        Time that measuring took.
    true, found : tuple of str
        What was to be counted and what was logged: side, direction, peak.
    problems : tuple of str
        What went wrong; empty if all is well.
    holds_off_s : tuple of float
        Errors of the holds.
    values : tuple of (float, float, bool)
        Error and stated half width of the session's values, and whether there was a warning of the zero.
    off_deg : float
        How far off neutral it began.
    reason : str
        Why there was no angle, most often.
    """

    number: int
    kind: str
    drill: str
    posture: str
    frames: int
    cpu_s: float
    true: tuple[str, ...]
    found: tuple[str, ...]
    problems: tuple[str, ...]
    holds_off_s: tuple[float, ...] = ()
    values: tuple[tuple[float, float, bool], ...] = ()
    off_deg: float = 0.0
    reason: str = ""


@dataclass
class Run:
    """A session through the tracker: what was said live, and what the log holds in the end."""

    board: Scoreboard
    live: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    went_back: bool = False

    @property
    def logged(self) -> dict[Side, int]:
        """Repetitions of either side by the log."""
        return {side: len({rep.rep for rep in self.board.reps if rep.side is side}) for side in Side}


def measured(session: simulate.Session, quick: bool = False) -> Run:
    """Return what the live path makes of a session; quickly, the leg model is left out."""
    if quick:
        session = quickened(session)
    with patch.object(pipeline, "make_measure", QuickMeasure) if quick else nullcontext():
        tracker, run = pipeline.RotationTracker(session.drill, session.sides), Run(Scoreboard())
        for pose in session.poses:
            _note(run, tracker.update(pose))
        _note(run, tracker.finish(session.poses[-1]), last=True)
    return run


def _note(run: Run, step: pipeline.Step, last: bool = False) -> None:
    run.board.add(step, with_frame=not last)
    for side in Side:
        count = run.board.count(side)
        run.went_back |= count < run.live[side]
        run.live[side] = count


# ---------------------------------------------------------------------- comparing with the truth


def outcome(session: simulate.Session, number: int, quick: bool = False) -> Outcome:
    """Measure a session and return how it went."""
    start_s = time.process_time()
    run = measured(session, quick)
    cpu_s = time.process_time() - start_s
    reps, true = run.board.reps, session.counted
    found = Counter((str(rep.side), str(rep.direction)) for rep in reps)
    wanted = Counter((rep.side, rep.direction) for rep in true if _size_deg(rep) >= MAY_BE_MISSED_DEG)
    allowed = Counter((rep.side, rep.direction) for rep in true)
    problems = [f"missed {wanted[key] - found[key]}" for key in wanted if wanted[key] > found[key]]
    for key in found:
        if key not in allowed:
            problems.append(f"wrong side or direction {found[key]}" if true else f"invented {found[key]}")
        elif found[key] > allowed[key]:
            problems.append(f"invented {found[key] - allowed[key]}")
    if run.went_back or run.live != run.logged:
        problems.append("live is not the log")
    pairs = [(rep, match) for rep in reps if (match := _true_of(rep, true)) is not None]
    holds = tuple(_hold_off_s(session.course, rep, match) for rep, match in pairs if match.held_s >= HELD_FROM_S)
    moved = session.course.movement
    return Outcome(
        number=number,
        kind=session.spec.kind,
        drill=session.spec.drill,
        posture=str(session.drill.posture),
        frames=len(session.poses),
        cpu_s=cpu_s,
        true=tuple(f"{r.side[0]}{'+' if r.direction == 'internal' else ''}{r.peak_deg:.0f}" for r in true),
        found=tuple(f"{r.side[0]}{'+' if r.direction is Direction.INTERNAL else ''}{r.peak_deg:.0f}" for r in reps),
        problems=tuple(problems),
        holds_off_s=holds,
        values=tuple(_values(reps, pairs, warned(run.board))),
        off_deg=abs(moved.start_off_deg),
        reason=run.board.main_reason,
    )


def warned(board: Scoreboard) -> bool:
    """Return whether it was said that a zero moved."""
    return any(zero_moved(zero) for zero in board.zeros.values())


def _size_deg(rep: movement.Rep) -> float:
    """Return how large a true repetition is, from where it comes and from the rest."""
    return min(abs(rep.peak_deg - rep.from_deg), abs(rep.peak_deg))


def _hold_off_s(course: movement.Course, rep: Rep, match: movement.Rep) -> float:
    return min((rep.hold_s - course.held_s(match, band) for band in HOLD_BANDS), key=abs)


def _true_of(rep: Rep, true: Sequence[movement.Rep]) -> movement.Rep | None:
    mine = [t for t in true if t.side == rep.side and t.direction == rep.direction]
    near = [t for t in mine if t.peak_from_s - NEAR_S <= rep.peak_s <= t.peak_to_s + NEAR_S]
    return min(near, key=lambda t: abs(0.5 * (t.peak_from_s + t.peak_to_s) - rep.peak_s), default=None)


def _values(reps: Sequence[Rep], pairs: Sequence[tuple[Rep, movement.Rep]], warned: bool) -> Iterator[tuple[float, float, bool]]:
    """Yield error and stated half width of every value of the session."""
    true_deg = {id(rep): match.peak_deg for rep, match in pairs}
    groups = by_leg(reps)
    for value in session_values(reps):
        used = [true_deg[id(rep)] for rep in best_of(groups[value.side, value.direction], RULES[USUAL]) if id(rep) in true_deg]
        if used:
            yield value.value_deg - float(np.mean(used)), value.uncertainty_deg, warned


# ---------------------------------------------------------------------- what is run


@dataclass(frozen=True)
class Asked:
    """Which sessions."""

    part: str = "test"
    kind: str | None = None
    posture: str | None = None
    quick: bool = False

    def variants(self) -> list[simulate.Variant]:
        """Return the variants that take part."""
        return [v for v in simulate.variants() if self.posture in (None, v.posture, v.name)]


def counted(asked: Asked, number: int) -> Outcome:
    """Return how a session of any kind goes."""
    able = asked.variants()
    kind = None if asked.kind in (None, "all") else asked.kind
    able = [v for v in able if kind is None or kind in kinds_of(v)]
    session = simulate.draw(asked.part, number, able[number % len(able)], kind)
    return outcome(session, number, asked.quick)


def kinds_of(variant: simulate.Variant) -> list[str]:
    """Return the kinds of movement that can be done in a variant."""
    data = movement.ranges()
    place = data["postures"][variant.moves_as]
    return [name for name, kind in data["kinds"].items() if kind.get("legs") in (None, *place["legs"], *place.get("also", ()))]


def fidgeted(asked: Asked, number: int) -> Outcome:
    """Return whether anything is counted while somebody shifts about."""
    session = simulate.fidgeting(asked.part, number, FIDGET_SESSION_S, FIDGET_DEG)
    return outcome(session, number, asked.quick)


def begun_off(asked: Asked, number: int) -> Outcome:
    """Return how good the values of a session are that begins somewhere up to 14 deg off."""
    able = asked.variants()
    variant = able[number % len(able)]
    drawn = movement.draw(asked.part, number, variant.moves_as, "off-neutral")
    off_deg = float(np.random.default_rng([number, 81]).uniform(-OFF_DEG, OFF_DEG))
    drawn = replace(drawn, movement=replace(drawn.movement, start_off_deg=off_deg))
    session = simulate.perform(asked.part, number, variant, simulate.suited(drawn, variant, number))
    return outcome(session, number, asked.quick)


def in_all(work: Callable[[int], Outcome], numbers: Sequence[int], jobs: int, what: str) -> list[Outcome]:
    """Do the work for all numbers on some cores, with a line of progress."""
    done: list[Outcome] = []
    start_s = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        for result in pool.map(work, numbers, chunksize=2):
            done.append(result)
            if not sys.stderr.isatty() and len(done) % -(-len(numbers) // 10) and len(done) < len(numbers):
                continue
            left_s = (time.monotonic() - start_s) / len(done) * (len(numbers) - len(done))
            failed = sum(bool(o.problems) for o in done)
            line = f"{what}: {len(done)} of {len(numbers)}, {failed} not right, {left_s / 60:.0f} min left"
            print(f"\r{line}   " if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr,
                  flush=True)  # fmt: skip
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return done


# ---------------------------------------------------------------------- without the leg model


class QuickMeasure:
    """The angle that `quickened` wrote into a landmark that nothing is measured by."""

    neutral_angle_deg = 0.0
    advice = problem = ""

    def __init__(self, neutral: NeutralPose, side: Side, *_: object) -> None:
        self.view: dict[str, float] = {"misfit": 1.0}
        self._column = list(Side).index(side)
        self._zero_deg = float(neutral.world_m[0, self._column])

    def read(self, pose: Pose, pelvis_deg: float = 0.0) -> Reading:
        """Return the angle since neutral."""
        angle = float(pose.world_m[0, self._column]) - self._zero_deg
        error = 2.0 + 0.14 * abs(angle)
        return Reading(
            angle_deg=angle, error_deg=error, sd_deg=1.0, raw_deg=angle, uncorrected_deg=angle, mediapipe_deg=angle,
            legnet_deg=angle, legnet_sd_deg=1.0,
        )  # fmt: skip


def quickened(session: simulate.Session) -> simulate.Session:
    """Return the session with the true angle and an ordinary error in the place of the nose."""
    rng = np.random.default_rng([session.spec.seed, 82])
    errors = simulate.Errors(bias=0.0, slow=0.5, slow_s=0.7, fast=0.4, gain=0.0, gain_sd=0.06)
    shown = {}
    for side in Side:
        true = session.course.angle_deg(str(side), session.seen_s)
        noise = errors.draw(rng, np.maximum.accumulate(session.seen_s), 1)[:, 0]
        shown[side] = (1 + errors.draw_gain(rng)) * true + noise
    poses = []
    for k, pose in enumerate(session.poses):
        world = pose.world_m.copy()
        world[0, :2] = [shown[side][k] for side in Side]
        poses.append(replace(pose, world_m=world))
    return replace(session, poses=tuple(poses))


# ---------------------------------------------------------------------- telling


def tell(outcomes: Sequence[Outcome], most: int) -> None:
    """Print what failed by kind and posture, and the first failures."""
    for what in ("kind", "posture"):
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for o in outcomes:
            groups[getattr(o, what)].append(o)
        print(f"\n{what:16} {'sessions':>8} {'right':>6} {'missed':>7} {'invented':>9} {'wrong':>6} {'live':>5}  hold > 0.3 s")
        for name, group in sorted(groups.items(), key=lambda item: share(not o.problems for o in item[1])):
            tags = [
                sum(any(p.startswith(start) for p in o.problems) for o in group) for start in ("missed", "inv", "wrong", "live")
            ]
            late = [abs(h) > HOLD_WITHIN_S for o in group for h in o.holds_off_s]
            print(f"{name:16} {len(group):8} {share(not o.problems for o in group):6.1%} {tags[0]:7} {tags[1]:9} {tags[2]:6} "
                  f"{tags[3]:5}  {sum(late)} of {len(late)}")  # fmt: skip
    failed = [o for o in outcomes if o.problems]
    if failed:
        print("\nnot right:")
    for o in failed[:most]:
        print(f"  {o.number} {o.kind}, {o.drill}: {'; '.join(o.problems)}; true {' '.join(o.true)}; found {' '.join(o.found)}"
              + (f"; {o.reason}" if not o.found and o.reason else ""))  # fmt: skip
    if len(failed) > most:
        print(f"  and {len(failed) - most} more")


def share(flags: Iterable[bool]) -> float:
    """Return the share of true flags; 1 of none."""
    listed = list(flags)
    return sum(listed) / len(listed) if listed else 1.0


def figures(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, bool]]:
    """Yield what counting has to show, in words, and whether it does."""
    tags = [p for o in outcomes for p in o.problems]
    right = share(not any(p.startswith(("missed", "invented", "wrong")) for p in o.problems) for o in outcomes)
    yield f"right count {right:.2%}", right >= RIGHT_COUNT
    wrong = sum(p.startswith("wrong") for p in tags)
    yield f"wrong side or direction {wrong}", wrong == 0
    holds = [abs(h) for o in outcomes for h in o.holds_off_s]
    late = sum(h > HOLD_WITHIN_S for h in holds)
    yield f"holds off by more than {HOLD_WITHIN_S} s {late} of {len(holds)}", late == 0
    live = sum(p.startswith("live") for p in tags)
    yield f"live is not the log {live}", live == 0


def figures_of_fidgeting(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, bool]]:
    """Yield what fidgeting has to show."""
    found = sum(len(o.found) for o in outcomes)
    yield f"counted while fidgeting {found} in {len(outcomes) * FIDGET_SESSION_S / 3600:.1f} h", found == 0


def figures_of_zero(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, bool]]:
    """Yield what sessions that begin off neutral have to show."""
    values = [value for o in outcomes for value in o.values]
    held = share(abs(error) <= half for error, half, _ in values)
    yield f"value in its interval {held:.1%} of {len(values)}", held >= COVERED
    off = sum(abs(error) > OFF_WITHOUT_WARNING_DEG and not said for error, _, said in values)
    yield f"off by more than {OFF_WITHOUT_WARNING_DEG:.0f} deg without a warning {off}", off == 0
    near = [o for o in outcomes if o.off_deg <= NEARLY_DEG and o.values]
    said = share(any(value[2] for value in o.values) for o in near) if near else 0.0
    yield f"warned though begun within {NEARLY_DEG:.0f} deg {said:.1%} of {len(near)}", said <= WARNED_AT_MOST
    halves = [half for o in near for _, half, _ in o.values]
    yield f"median half width of these {np.median(halves) if halves else np.nan:.2f} deg", True


def tell_one(asked: Asked, number: int) -> None:
    """Print what was true and what was found of one session."""
    able = [v for v in asked.variants() if asked.kind in (None, "all") or asked.kind in kinds_of(v)]
    session = simulate.draw(asked.part, number, able[number % len(able)], asked.kind)
    run = measured(session, asked.quick)
    print(f"{session.name}: {session.spec.kind}, {session.spec.drill}, {len(session.poses)} frames, {session.spec.size_px}")
    print(session.course.movement, Counter(run.board.reasons).most_common(3), sep="\n")
    for neutral in run.board.neutrals:
        print(f"neutral {neutral.side} {neutral.from_s:.2f} to {neutral.to_s:.2f} s, {neutral.view} {neutral.advice}")
    for rep in session.counted:
        print(f"true    {rep.side:5} {rep.direction:8} {rep.start_s:6.2f} to {rep.end_s:6.2f} s, peak {rep.peak_deg:6.1f}, "
              f"from {rep.from_deg:5.1f}, hold {rep.held_s:.2f}")  # fmt: skip
    for rep in run.board.reps:
        print(f"found   {rep.side:5} {rep.direction:8} {rep.start_s:6.2f} to {rep.end_s:6.2f} s, peak {rep.peak_deg:6.1f}, "
              f"range {rep.range_deg:5.1f}, hold {rep.hold_s:.2f}, number {rep.rep} {rep.reason}")  # fmt: skip
    for it in run.board.apart:
        print(
            f"apart   {it.side:5} {it.direction:8} {it.start_s:6.2f} to {it.end_s:6.2f} s, peak {it.peak_deg:6.1f}: {it.reason}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2000, help="sessions of all kinds")
    parser.add_argument("--fidget-hours", type=float, default=0.0, help="hours of fidgeting (the issue asks for 10)")
    parser.add_argument("--zero", type=int, default=0, help="sessions that begin up to 14 deg off (the issue asks for 500)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=list(movement.PARTS), default="test")
    parser.add_argument("--kind", choices=list(movement.ranges()["kinds"]))
    parser.add_argument("--posture", help="posture or variant of the renderer")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", type=int, default=40, metavar="N", help="list so many failures")
    parser.add_argument("--one", type=int, metavar="NUMBER")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    asked = Asked(given.part, given.kind, given.posture, given.quick)
    if not asked.variants():
        parser.error(f"there is no posture {given.posture}")
    if given.one is not None:
        tell_one(asked, given.one)
        return 0
    first = given.seed * SEEDS_APART
    parts = (
        ("sessions", counted, given.sessions, figures),
        ("fidgeting", fidgeted, round(given.fidget_hours * 3600 / FIDGET_SESSION_S), figures_of_fidgeting),
        ("zero", begun_off, given.zero, figures_of_zero),
    )
    told: list[tuple[str, bool]] = []
    everything: list[Outcome] = []
    for what, work, count, shown in parts:
        if count:
            outcomes = in_all(partial(work, asked), range(first, first + count), given.jobs, what)
            everything += outcomes
            print(f"\n== {what}")
            tell(outcomes, given.show)
            told += shown(outcomes)
    frames, cpu_s = sum(o.frames for o in everything), sum(o.cpu_s for o in everything)
    print(f"\n{frames} frames, {1e3 * cpu_s / max(frames, 1):.2f} ms of tracking each")
    print("; ".join(f"{words}{'' if good else ' (falls short)'}" for words, good in told))
    return 0 if all(good for _, good in told) else 1


if __name__ == "__main__":
    sys.exit(main())
