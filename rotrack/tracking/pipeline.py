"""The one measuring path, for camera, video and recorded landmarks alike: poses in, angles and repetitions out.

`RotationTracker.update` takes one pose and returns all that it produced; `finish` flushes what the end of the recording leaves
open. Per leg the states are: waiting for the position of the drill, waiting for stillness (neutral pose), measuring. A repetition
that was given out may be revised later: its zero moves to where the leg rests, or the others tell that it is partial.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rotrack.core.drills import Drill, DrillTable, Measure, load_table
from rotrack.core.model import (
    LEGS,
    REP_DECIMALS,
    Apart,
    CurvePoint,
    Direction,
    NeutralTaken,
    Pose,
    Rep,
    RotationSample,
    Side,
    Step,
    ZeroCourse,
)
from rotrack.core.reasons import Reason, joined
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.compensation import Compensation, size_at_peak
from rotrack.kinematics.correction import NORMAL_95
from rotrack.kinematics.crops import readable
from rotrack.kinematics.identity import LegNames
from rotrack.kinematics.posture import BodyForm, position_problem
from rotrack.kinematics.rotation import NEEDS, NeutralPose, Reading, RotationMeasure, make_measure
from rotrack.system.imports import load
from rotrack.tracking.excursions import PLATEAU_S, Ending, Excursion, measure_excursion
from rotrack.tracking.filters import OneEuro, SettledCurve
from rotrack.tracking.neutral import LATE_S, NeutralFinder, middle
from rotrack.tracking.numbering import Pairing, judged
from rotrack.tracking.reps import WIDEST_S, RepFinder
from rotrack.tracking.rests import GAP_S, Rest
from rotrack.tracking.settings import TrackerSettings
from rotrack.tracking.zero import zero_course

POSITION_LOST_S = 1.0
"""Out of position for longer, the neutral pose is taken anew."""
SIGHT_LOST_S = 3.0
"""Out of sight for longer, the neutral pose is taken anew."""
MOVED_AWAY = 0.6
"""Hips further from their neutral place than this, in shank lengths, are out of position."""
CUE_SMOOTHING_S = 0.3
KEEP_S = 12.0
"""How long the curve is kept; it is also kept as long as a repetition lasts."""
BACKLOG_S = 60.0
"""A leg that has no neutral pose yet, while the other one has, is measured from so long before it; one that never had any, at the
end."""
ROUGH_POSES = 60
"""How many of the poses that waited are looked at to see whether the leg repeated before its neutral pose was taken."""
OUT_SHARE = 0.7
"""A leg was held out when its neutral pose was taken if, before, it rested further back by this share of a turn that surely
counts."""
SAME_PLACE_SHARE = 0.14
"""There it stayed within this share of that turn."""
LONGEST_S = WIDEST_S
REVISED_OF = 150
"""Repetitions of a leg that may be revised: the last ones."""
TOGETHER_S = 0.3
"""The errors of the pose model within this time are one and the same error."""
IMPLAUSIBLE_SHARE = 1.5
IMPLAUSIBLE_FROM_DEG = 75.0
"""An angle beyond both this and 1.5 times the drill's plausible range is a mistake of the pose model, not a hip."""
NOT_READ = Reading()


def load_libraries() -> None:
    """Load what measuring needs and what takes a second to load, before a live measurement would have to wait for it."""
    load("scipy.ndimage", "scipy.optimize", "scipy.signal")


class RotationTracker:
    """Measures one drill on one or both legs.

    Parameters
    ----------
    drill : Drill
        The drill.
    sides : tuple of Side
        The legs to measure.
    settings : TrackerSettings
        Filters and corrections.
    table : DrillTable
        Where the limits of the faults come from.
    calibration : Calibration
        What is known of camera and person; without it nothing is.
    """

    def __init__(
        self,
        drill: Drill,
        sides: tuple[Side, ...],
        settings: TrackerSettings | None = None,
        table: DrillTable | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        load_libraries()
        self.drill, self.sides = drill, sides
        settings = settings or TrackerSettings()
        table = table or load_table()
        calibration = calibration or Calibration()
        self._names = LegNames(drill.posture, sides)
        # The other leg is followed too, to see whether it moves; only the chosen sides are reported.
        self._legs = {side: _LegTracker(side, drill, settings, table, calibration, side.other not in sides) for side in Side}
        for side, leg in self._legs.items():
            leg.finder.other, leg.finder.with_other = self._legs[side.other].finder, len(sides) > 1

    def update(self, pose: Pose) -> Step:
        """Take the next pose, in order of time, and return all that it produced."""
        pose, refused = self._names.update(pose)
        if self._names.renamed:
            self.retake_neutral()
        begun = any(self._legs[side].begun for side in self.sides)
        for side, leg in self._legs.items():
            leg.update(pose, refused.get(side, ""), begun)
        return self._step(pose)

    def finish(self, pose: Pose) -> Step:
        """Return what the end of the recording completes; `pose` is the last one."""
        for leg in self._legs.values():
            leg.finish()
        return self._step(pose)

    def retake_neutral(self) -> None:
        """Forget the neutral poses; new ones are taken from the next still time."""
        for leg in self._legs.values():
            leg.retake = True

    @property
    def smallest_deg(self) -> dict[Side, float]:
        """The smallest turn of each leg that could count, by the noise of its angle."""
        return {side: round(self._legs[side].finder.smallest_deg, 1) for side in self.sides}

    def _step(self, pose: Pose) -> Step:
        legs = [self._legs[side] for side in self.sides]
        return Step(
            pose,
            {leg.side: leg.sample for leg in legs if leg.sample is not None},
            curve=tuple(sorted((p for leg in legs for p in leg.out.curve), key=lambda p: p.time_s)),
            reps=tuple(r for leg in legs for r in leg.out.reps),
            revised=tuple(r for leg in legs for r in leg.out.revised),
            zeros=tuple(z for leg in legs for z in leg.out.zeros),
            apart=tuple(a for leg in legs for a in leg.out.apart),
            neutrals=tuple(n for leg in legs for n in leg.out.neutrals),
            moving=frozenset(leg.side for leg in legs if leg.away),
            cues={leg.side: cue for leg in legs if (cue := leg.cue())},
            still_s={leg.side: leg.still_s for leg in legs},
        )


class _Output:
    """What one leg produced in one step."""

    def __init__(self) -> None:
        self.curve: list[CurvePoint] = []
        self.reps: list[Rep] = []
        self.revised: list[Rep] = []
        self.zeros: list[ZeroCourse] = []
        self.apart: list[Apart] = []
        self.neutrals: list[NeutralTaken] = []


class _LegTracker:
    """State of one leg; `out` and `sample` hold what the latest update produced."""

    def __init__(
        self, side: Side, drill: Drill, settings: TrackerSettings, table: DrillTable, calibration: Calibration, alone: bool
    ) -> None:
        self.side, self._drill, self._settings, self._calibration = side, drill, settings, calibration
        watched = {k: f for k, f in table.faults.items() if drill.watches(f)}
        self._faults = {k: f for k, f in watched.items() if alone or not f.of_other_leg}
        self._leg = LEGS[side]
        self._needed = [getattr(self._leg, part) for part in NEEDS[drill.measure]]
        self._hips = [LEGS[s].hip for s in Side]
        self._must_be_seen = [*((side, part) for part in NEEDS[drill.measure]), *((s, "hip") for s in Side)]
        widest_deg = max((high for _, high in drill.range_deg.values()), default=0.0)
        self._implausible_deg = max(IMPLAUSIBLE_FROM_DEG, IMPLAUSIBLE_SHARE * widest_deg)
        self._neutral_finder = NeutralFinder(self._needed, settings.neutral_s, side)
        self._measure: RotationMeasure | None = None
        self._problem = ""
        self._looking = False
        self._form: BodyForm | None = None
        self._compensation: Compensation | None = None
        self._hip_zero = np.full(2, np.nan)
        self._shank_px = math.nan
        self._good_position_s = self._good_sight_s = -math.inf
        self._smooth = OneEuro(settings.min_cutoff_hz, settings.beta)
        counted_only = drill.measure is Measure.ROLL
        self.finder = RepFinder(drill.directions, drill.min_entry_deg, (1 if counted_only else 3) * drill.min_entry_deg)
        self._numbers = Pairing(drill.directions)
        self._pending: _Found | None = None
        self._found = deque[_Found](maxlen=REVISED_OF)
        self._given: dict[tuple[Direction, int], Rep] = {}
        self._new = False
        self._zeros: list[ZeroCourse] = []
        self._span = _Span(0.0)
        self._backlog: deque[_Waiting] = deque()
        self._curve = SettledCurve(KEEP_S)
        self._waiting: deque[RotationSample] = deque()
        self._seen: deque[tuple[float, float]] = deque()
        self._moved: deque[tuple[float, dict[str, float]]] = deque()
        self._errors: deque[tuple[float, float, float, float]] = deque()
        self._now: dict[str, float] = {}
        self._time_s = 0.0
        self.sample: RotationSample | None = None
        self.out = _Output()
        self.retake = False

    # ------------------------------------------------------------------ what others may ask
    @property
    def live_deg(self) -> float:
        """The live angle of the latest pose, NaN if there is none."""
        return self.sample.live_deg if self.sample else math.nan

    @property
    def away(self) -> bool:
        """Whether the leg is in an excursion that can count."""
        return self.finder.away

    @property
    def begun(self) -> bool:
        """Whether the leg has its neutral pose."""
        return self._measure is not None

    @property
    def still_s(self) -> float:
        """For how long the leg has been still towards its neutral pose; NaN once that is taken."""
        return math.nan if self._measure else self._neutral_finder.still_s() if self._looking else 0.0

    def cue(self) -> str:
        """Return what to say about the form now; empty if all is well."""
        over = [(abs(self._now.get(k, 0.0)) / f.limits[self._drill.posture], f.cue) for k, f in self._faults.items()]
        worst = max(over, default=(0.0, ""))
        return worst[1] if worst[0] > 1 and self.away else ""

    # ------------------------------------------------------------------ one pose
    def update(self, pose: Pose, refused: str, begun: bool) -> None:
        """Take the next pose.

        `refused` says why the legs cannot be told apart, empty when they can; `begun` says whether a leg that is to be measured
        has its neutral pose.
        """
        self.out = _Output()
        if self.retake:
            self.drop_neutral(leaving=False)
            self.retake = False
        step_s = pose.time_s - self._time_s
        self._time_s = pose.time_s
        if step_s > SIGHT_LOST_S and self._measure is not None:  # the camera was away, and who knows where it stands now
            self.drop_neutral(leaving=False)
        self._looking = False
        reason = self._unseen(pose) or refused
        in_sight = not reason
        reason = reason or self._out_of_position(pose)
        self._keep_or_drop_neutral(pose.time_s, in_sight, in_position=not reason, frozen=pose.reason == Reason.FROZEN)
        if not reason and self._measure is None:
            reason = self._find_neutral(pose)
        if self._measure is None and (self._backlog or not reason or self._looking):
            self._backlog.append(_Waiting(pose, "" if self._looking else reason, begun))
            self._take_sample(self._sample(pose, NOT_READ, math.nan, reason))
            if pose.time_s - self._backlog[0].pose.time_s > BACKLOG_S:
                self._pass_by(self._backlog.popleft())
            return
        self._measure_pose(pose, step_s, reason)

    def _measure_pose(self, pose: Pose, step_s: float, reason: str) -> None:
        """Read a pose with the measure, unless a reason says why not, and follow what the leg does."""
        seen, pelvis_deg = NOT_READ, math.nan
        if not reason:
            assert self._measure is not None and self._form is not None
            pelvis_deg = self._form.pelvis_deg(pose.image_px) if self._drill.posture.record.shank_hangs else 0.0
            seen = self._measure.read(pose, pelvis_deg)
            reason = seen.reason
            if abs(seen.angle_deg) > self._implausible_deg:
                seen = replace(seen, angle_deg=math.nan, error_deg=math.nan)
                reason = Reason.BEYOND_HIP
            self._watch_form(pose, step_s)
        self._take_sample(self._sample(pose, seen, pelvis_deg, reason))
        self._errors.append((pose.time_s, seen.sd_deg, seen.gravity_deg, self._with_zero(seen.error_deg)))
        keep_s = max(min(pose.time_s - KEEP_S, self.finder.needed_from_s - 2), pose.time_s - LONGEST_S)
        while self._errors[0][0] < keep_s:
            self._errors.popleft()
        for kept in (self._seen, self._moved):
            while kept and kept[0][0] < keep_s:
                kept.popleft()
        self._emit_curve(self._curve.add(pose.time_s, seen.angle_deg, keep_s))
        self._follow(pose.time_s, seen.angle_deg)

    def _follow(self, time_s: float, angle_deg: float) -> None:
        """Count, and let the zero follow the rests."""
        stills = self.finder.stills
        for excursion in self.finder.update(time_s, angle_deg):
            self._take(excursion)
        if self.finder.stills != stills:
            self._move_zero(time_s)
        if self._numbers.expired(time_s) and not self.away:
            self._release_pending()
            self._numbers.close()
        self._give()

    def _sample(self, pose: Pose, seen: Reading, pelvis_deg: float, reason: str) -> RotationSample:
        zero_deg = self._span.zero_deg(pose.time_s)
        return RotationSample(
            time_s=pose.time_s,
            side=self.side,
            corrected_deg=seen.angle_deg - zero_deg,
            reason=reason,
            **seen.angles(
                live_deg=self._smooth.update(pose.time_s, seen.angle_deg) - zero_deg,
                pelvis_deg=pelvis_deg if not reason else math.nan,
                uncertainty_deg=self._with_zero(seen.error_deg),
            ),
        )

    def _take_sample(self, sample: RotationSample) -> None:
        self.sample = sample
        if not self._waiting or self._waiting[-1].time_s < sample.time_s:
            self._waiting.append(sample)
            return
        place = next(k for k, given in enumerate(self._waiting) if given.time_s >= sample.time_s)
        self._waiting[place] = sample  # it waited for the neutral pose, which is known now

    def _pass_by(self, waiting: _Waiting) -> None:
        """Let a pose that waited for the neutral pose go unmeasured."""
        time_s = waiting.pose.time_s
        self._emit_curve(self._curve.add(time_s, math.nan, time_s - KEEP_S))

    def _with_zero(self, error_deg: float) -> float:
        """Return a 95 % half width with the error of the zero."""
        return math.hypot(error_deg, NORMAL_95 * self._span.sd_deg)

    def finish(self) -> None:
        """Flush what the end of the recording leaves open."""
        self.out = _Output()
        if self._measure is None and self._backlog:
            self._find_late_neutral()
        self._close_span(leaving=False)
        self._release_pending()
        self._give()
        while self._backlog:
            self._pass_by(self._backlog.popleft())
        self._emit_curve(self._curve.finish())
        self.out.zeros = list(self._zeros)

    # ------------------------------------------------------------------ position and neutral pose
    def _unseen(self, pose: Pose) -> str:
        """Return what is not seen of what the measure needs; empty if all is."""
        if pose.reason:
            return pose.reason
        for side, part in self._must_be_seen:
            if not np.isfinite(pose.image_px[getattr(LEGS[side], part)]).all():
                return _UNSEEN[part].of(side=side)
        return Reason.FOOT_UNREAD if self._drill.without_legnet and not readable(pose.legs.get(self.side)) else ""

    def _out_of_position(self, pose: Pose) -> str:
        """Return why a pose that is seen is not in the position of the drill; empty if it is."""
        problem = position_problem(self._drill.posture, pose, self.side)
        if problem or self._measure is None:
            return problem
        moved = pose.image_px[self._hips].mean(axis=0) - self._hip_zero
        if np.hypot(*moved) > MOVED_AWAY * self._shank_px:
            return Reason.MOVED_AWAY
        return ""

    def _keep_or_drop_neutral(self, time_s: float, in_sight: bool, in_position: bool, frozen: bool) -> None:
        if in_position or frozen:  # a camera that hangs stands where it stood
            self._good_sight_s = time_s
        if in_position or not in_sight:  # out of sight is not out of position
            self._good_position_s = time_s
        left, hidden = time_s - self._good_position_s > POSITION_LOST_S, time_s - self._good_sight_s > SIGHT_LOST_S
        if (left or hidden) and self._measure is not None:
            self.drop_neutral(leaving=left)

    def drop_neutral(self, leaving: bool) -> None:
        """Forget the neutral pose; an excursion in progress ends."""
        self._close_span(leaving)
        self._give()
        self._measure = self._form = self._compensation = None
        self._now = {}
        self._neutral_finder.clear()

    def _find_neutral(self, pose: Pose) -> str:
        """Look for stillness; return what is in the way, empty when the neutral pose was taken."""
        self._looking = True
        found = self._neutral_finder.update(pose)
        if found is None:
            return self._problem or self._neutral_finder.waiting
        return self._take_neutral(*found, pose.time_s)

    def _take_neutral(self, neutral: NeutralPose, poses: Sequence[Pose], to_s: float, late: bool = False) -> str:
        """Make the measure of a neutral pose; return what is in the way, empty if nothing is.

        What waited since a leg had its neutral pose is measured now; `late` means all that waited.
        """
        measure = make_measure(neutral, self.side, self._drill, self._calibration, self._settings.correct)
        if measure.problem:
            self._neutral_finder.clear()  # a fit takes time: look at a new still time, not at every frame
            self._problem = measure.problem
            return self._problem
        self._problem = ""
        rough_s, rough_deg = self._rough(measure)
        rest = [] if late else self._earlier_rest(rough_s, rough_deg)
        if rest:
            poses, to_s = rest, rest[-1].time_s
            neutral = middle(poses)
            measure = make_measure(neutral, self.side, self._drill, self._calibration, self._settings.correct)
            rough_s, rough_deg = self._rough(measure)
        self._measure, self._form = measure, BodyForm(neutral, self.side)
        self._compensation = Compensation(neutral, self.side, self._drill)
        self._hip_zero = neutral.image_px[self._hips].mean(axis=0)
        self._shank_px = float(np.hypot(*(neutral.image_px[self._leg.ankle] - neutral.image_px[self._leg.knee])))
        from_s = poses[0].time_s
        self._span = _Span(from_s, *_spread([measure.read(pose, 0.0) for pose in poses], poses))
        self.out.neutrals.append(NeutralTaken(self.side, from_s, to_s, measure.neutral_angle_deg, measure.view, measure.advice))
        ways_deg = [direction.sign * rough_deg[rough_s < from_s] for direction in self._drill.directions]
        moved = any((way_deg >= self.finder.sure_deg).any() for way_deg in ways_deg)
        self.finder.zero_from_s = from_s if moved and not late else -math.inf
        backlog, self._backlog = self._backlog, deque()
        before_s = math.nan
        for waiting in backlog:
            after_rest = bool(rest) and waiting.pose.time_s >= from_s
            if not (waiting.begun or late or moved or after_rest):
                self._pass_by(waiting)
                continue
            pose = waiting.pose
            step_s = 0.0 if math.isnan(before_s) else pose.time_s - before_s
            self._measure_pose(pose, step_s, waiting.reason or self._out_of_position(pose))
            before_s = pose.time_s
        return ""

    def _rough(self, measure: RotationMeasure) -> tuple[np.ndarray, np.ndarray]:
        """Return times and angles of some of the poses that waited, by a measure."""
        waiting = [waiting.pose for waiting in self._backlog if not waiting.reason]
        some = waiting[:: -(-len(waiting) // ROUGH_POSES) or 1]
        read = np.array([(pose.time_s, measure.read(pose, 0.0).angle_deg) for pose in some]).reshape(-1, 2)
        return tuple(read[np.isfinite(read[:, 1])].T)

    def _earlier_rest(self, times_s: np.ndarray, angles_deg: np.ndarray) -> list[Pose]:
        """Return the poses of an earlier rest, if the neutral pose was taken while the leg was held out; else none.

        A leg that turns in one direction only rests at the other end of its way.
        """
        if self._drill.combined or not len(times_s):
            return []
        out_deg = self._drill.directions[0].sign * angles_deg
        lowest_deg = float(np.quantile(out_deg, 0.1))
        if lowest_deg > -OUT_SHARE * self.finder.sure_deg:
            return []
        low = np.flatnonzero(out_deg <= lowest_deg + SAME_PLACE_SHARE * self.finder.sure_deg)
        for run in np.split(low, np.flatnonzero(np.diff(low) > 2) + 1):
            if times_s[run[-1]] - times_s[run[0]] >= LATE_S:
                from_s, to_s = times_s[run[0]], times_s[run[-1]]
                return [w.pose for w in self._backlog if from_s <= w.pose.time_s <= to_s and not w.reason]
        return []

    def _find_late_neutral(self) -> None:
        """Take the stillest moment of a leg that never held still for long enough."""
        still = self._neutral_finder.stillest([waiting.pose for waiting in self._backlog if not waiting.reason])
        if still is not None:
            self._take_neutral(*still, still[1][-1].time_s, late=True)

    # ------------------------------------------------------------------ zero
    def _close_span(self, leaving: bool) -> None:
        """End the time of a neutral pose: take what is open, and let the zero move to the rests of all of it."""
        rests = self.finder.rests()
        for excursion in self.finder.finish(leaving):
            self._take(excursion)
        self._move_zero(self._time_s, rests)
        if self._span.course:
            self._zeros.append(self._span.course)
        self._span = _Span(self._time_s)

    def _move_zero(self, time_s: float, rests: Sequence[Rest] | None = None) -> None:
        span = self._span
        if self._drill.measure is Measure.ROLL:
            return
        own = [found.excursion for found in self._found if found.span is span]
        ended = rests is not None
        before = span.course
        known = self.finder.rests() if rests is None else rests
        span.course = zero_course(known, own, self.side, (span.from_s, time_s), span.gravity_deg, ended)
        if span.course and (before is None or before.levels_deg != span.course.levels_deg):
            self.out.zeros.append(span.course)

    # ------------------------------------------------------------------ form
    def _watch_form(self, pose: Pose, step_s: float) -> None:
        assert self._compensation is not None
        self._seen.append((pose.time_s, float(min(pose.visibility[i] for i in self._needed))))
        sizes = self._compensation.sizes(pose)
        self._moved.append((pose.time_s, sizes))
        share = 1 - math.exp(-max(step_s, 0) / CUE_SMOOTHING_S)
        for letter, size in sizes.items():
            before = self._now.get(letter, size)
            self._now[letter] = before + share * (size - before) if math.isfinite(size) else before

    def _form_during(self, start_s: float, peak_s: float, end_s: float) -> tuple[tuple[str, ...], float]:
        """Return the faults of a repetition and the mean visibility in it."""
        visible = [share for t, share in self._seen if start_s <= t <= end_s]
        sizes = {letter: size_at_peak(self._moved, letter, peak_s) for letter in self._faults}
        found = tuple(letter for letter, fault in self._faults.items() if sizes[letter] > fault.limits[self._drill.posture])
        return found, float(np.mean(visible)) if visible else math.nan

    # ------------------------------------------------------------------ curve and repetitions
    def _emit_curve(self, settled: list[tuple[float, float]]) -> None:
        for time_s, angle_deg in settled:
            while self._waiting and self._waiting[0].time_s <= time_s:
                sample = self._waiting.popleft()
                known = sample.time_s == time_s and math.isfinite(angle_deg)
                zero_deg = self._span.zero_deg(time_s)
                self.out.curve.append(
                    CurvePoint(
                        time_s=sample.time_s,
                        side=self.side,
                        angle_deg=angle_deg - zero_deg if known else math.nan,
                        zero_deg=zero_deg,
                        reason="" if known else sample.reason or Reason.NOT_SETTLED,
                        **sample.angles(uncertainty_deg=sample.uncertainty_deg if known else math.nan),
                    )
                )

    def _take(self, excursion: Excursion) -> None:
        """Log an excursion: as a repetition, or apart with the reason."""
        times, angles = self._curve.window(excursion.from_s - 2 * PLATEAU_S, excursion.to_s + PLATEAU_S)
        measured = measure_excursion(times, angles, excursion)
        if measured is None:
            return
        direction = excursion.direction
        if excursion.problem:
            peak_deg = measured.peak_deg - self._span.zero_deg(measured.peak_s)
            self.out.apart.append(Apart(self.side, direction, measured.start_s, measured.end_s, peak_deg, excursion.problem))
            return
        faults, visibility = self._form_during(measured.start_s, measured.peak_s, measured.end_s)
        invalid = [Reason.FAULT.of(letter=k) for k in faults if self._faults[k].invalidates]
        invalid += [ended] if (ended := _ENDINGS.get(excursion.ending)) else []
        sd_deg, gravity_deg, error_deg = self._at_peak(measured.peak_s)
        counted_only = self._drill.measure is Measure.ROLL
        number, completes = self._numbers.next(direction, measured.start_s, measured.end_s)
        rep = Rep(
            side=self.side,
            direction=direction,
            rep=number,
            valid=not invalid,
            uncertainty_deg=error_deg,
            gravity_deg=gravity_deg,
            fit_sd_deg=sd_deg,
            live_peak_deg=math.nan if counted_only else excursion.top_deg - self._span.zero_deg(measured.peak_s),
            faults=faults,
            reason=joined(*invalid),
            visibility=visibility,
            **measured.of_rep(counted_only),
        )
        found = _Found(rep, excursion, self._span)
        if completes and self._pending:
            self._add(self._pending, found)
            self._pending = None
            return
        self._release_pending()
        if self._numbers.waiting:  # for its partner
            self._pending = found
        else:
            self._add(self._half(found) if self._drill.combined else found)

    def _add(self, *found: _Found) -> None:
        self._found += found
        self._new = True

    def _give(self) -> None:
        """Give out the repetitions that are new, and those that are known better now."""
        if not self._new and not self.out.zeros:
            return
        self._new = False
        reps = judged([found.against_zero() for found in self._found])
        for exact in reps:
            rep = replace(exact, **{name: round(getattr(exact, name), digits) for name, digits in REP_DECIMALS.items()})
            before = self._given.get((rep.direction, rep.rep))
            if before is None:
                self.out.reps.append(rep)
            elif repr(before) != repr(rep):  # NaN is NaN here
                self.out.revised.append(rep)
            self._given[rep.direction, rep.rep] = rep
        self._given = {(rep.direction, rep.rep): self._given[rep.direction, rep.rep] for rep in reps}

    def _at_peak(self, peak_s: float) -> tuple[float, float, float]:
        """Return standard error of the fit, gravity angle and 95 % half width around a peak: medians, NaN where there is none.

        With so few frames per second that none lies within the plateau, those of the nearest frame.
        """
        nearest_s = min((abs(t - peak_s) for t, *_ in self._errors), default=0.0)
        within_s = max(PLATEAU_S / 2, min(nearest_s, GAP_S))
        near = np.array([told for t, *told in self._errors if abs(t - peak_s) <= within_s])
        with np.errstate(all="ignore"):
            found = [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else math.nan for column in near.T]
        return (float(found[0]), float(found[1]), float(found[2])) if found else (math.nan, math.nan, math.nan)

    def _release_pending(self) -> None:
        if self._pending is not None:
            self._add(self._half(self._pending))
            self._pending = None

    def _half(self, found: _Found) -> _Found:
        missing = next(d for d in Direction if d is not found.rep.direction)
        reason = joined(found.rep.reason, Reason.HALF.of(direction=missing))
        return replace(found, rep=replace(found.rep, reason=reason))


_ENDINGS = {Ending.EARLY: Reason.CUT_OFF, Ending.PEAK_UNSEEN: Reason.PEAK_UNSEEN}
_UNSEEN = {
    "hip": Reason.NO_HIP,
    "knee": Reason.NO_KNEE,
    "ankle": Reason.NO_ANKLE,
    "toe": Reason.NO_TOE,
    "shoulder": Reason.NO_SHOULDER,
}
"""What to say of a part of the leg that must be seen and is not."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A pose from before the neutral pose of its leg, why it is not in position, and whether another leg was measured by then."""

    pose: Pose
    reason: str
    begun: bool


class _Span:
    """The time of one neutral pose, and where its zero lies.

    Parameters
    ----------
    from_s : float
        When the neutral pose was taken.
    sd_deg : float
        Standard error of the neutral pose.
    gravity_deg : float
        What a goniometer held against gravity reads there; NaN where gravity shows no rotation.
    """

    def __init__(self, from_s: float, sd_deg: float = 0.0, gravity_deg: float = math.nan) -> None:
        self.from_s, self._sd_deg, self.gravity_deg = from_s, sd_deg, gravity_deg
        self.course: ZeroCourse | None = None

    def zero_deg(self, time_s: float) -> float:
        """Return where the zero lies at a time, against the neutral pose, deg."""
        return self.course.at(time_s) if self.course else 0.0

    @property
    def sd_deg(self) -> float:
        """Standard error of the zero, deg."""
        return self.course.sd_deg if self.course else self._sd_deg


@dataclass(frozen=True, slots=True)
class _Found:
    """A repetition with its angles against the neutral pose of its span."""

    rep: Rep
    excursion: Excursion
    span: _Span

    def against_zero(self) -> Rep:
        """Return the repetition against the zero as it is known now."""
        zero_deg = self.span.zero_deg(self.rep.peak_s)
        return replace(self.rep, peak_deg=self.rep.peak_deg - zero_deg)


def _spread(readings: Sequence[Reading], poses: Sequence[Pose]) -> tuple[float, float]:
    """Return the standard error of the zero by how a still leg reads, and its gravity angle, deg."""
    angles = np.array([seen.angle_deg for seen in readings])
    gravity = np.array([seen.gravity_deg for seen in readings])
    angles, gravity = angles[np.isfinite(angles)], gravity[np.isfinite(gravity)]
    if len(angles) < 2:
        return 0.0, math.nan
    spread_deg = 1.4826 * float(np.median(np.abs(angles - np.median(angles))))
    independent = max(1.0, (poses[-1].time_s - poses[0].time_s) / TOGETHER_S)
    return spread_deg / math.sqrt(independent), float(np.median(gravity)) if len(gravity) else math.nan
