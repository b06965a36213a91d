"""The one measuring path, for camera, video and recorded landmarks alike: poses in, angles and repetitions out.

`RotationTracker.update` takes one pose and returns all that it produced; `finish` flushes what the end of the recording leaves
open. Per leg the states are: waiting for the position of the drill, waiting for stillness (neutral pose), measuring.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from rotrack.drills import Drill, DrillTable, Measure, Posture, load_table
from rotrack.imports import load
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.crops import readable
from rotrack.kinematics.identity import LegNames
from rotrack.kinematics.posture import BodyForm, position_problem
from rotrack.kinematics.rotation import NEEDS, REASON_NOT_READ, Reading, RotationMeasure, make_measure
from rotrack.model import (
    LANDMARK_NAMES,
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
)
from rotrack.tracking.filters import OneEuro, SettledCurve
from rotrack.tracking.neutral import NEUTRAL_S, NeutralFinder
from rotrack.tracking.reps import (
    MIN_REP_S,
    PLATEAU_S,
    Ending,
    Excursion,
    ExcursionFinder,
    RepNumbers,
    measure_excursion,
)

POSITION_LOST_S = 1.0
"""Out of position for longer, the neutral pose is taken anew."""
SIGHT_LOST_S = 3.0
"""Out of sight for longer, the neutral pose is taken anew."""
MOVED_AWAY = 0.6
"""Hips further from their neutral place than this, in shank lengths, are out of position."""
CUE_SMOOTHING_S = 0.3
IMPLAUSIBLE_SHARE = 1.5
IMPLAUSIBLE_FROM_DEG = 75.0
"""An angle beyond both this and 1.5 times the drill's plausible range is a mistake of the pose model, not a hip."""
NOT_READ = Reading.missing("")
REASON_WAITING = "waiting for the neutral pose: hold still"


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """What can be chosen about the measuring, beside the drill.

    Parameters
    ----------
    min_cutoff_hz, beta : float
        One-Euro filter of the live angle.
    correct : bool
        Whether the learned correction of the pose model's errors is applied; without it `angle_deg` is the leg model's own.
    neutral_s : float
        How long the person must be still for the neutral pose.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.05
    correct: bool = True
    neutral_s: float = NEUTRAL_S


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
        load("scipy.ndimage", "scipy.optimize", "scipy.signal")  # now, so that a live measurement never waits for them
        self.drill, self.sides = drill, sides
        settings = settings or TrackerSettings()
        table = table or load_table()
        calibration = calibration or Calibration()
        self._names = LegNames(drill.posture)
        # The other leg is followed too, to see whether it moves; only the chosen sides are reported.
        self._legs = {side: _LegTracker(side, drill, settings, table, calibration) for side in Side}

    def update(self, pose: Pose) -> Step:
        """Take the next pose, in order of time, and return all that it produced."""
        pose, refused = self._names.update(pose)
        if self._names.renamed:
            self.retake_neutral()
        for side, leg in self._legs.items():
            other = self._legs[side.other] if side.other not in self.sides else None
            leg.update(pose, abs(other.live_deg) if other else math.nan, refused.get(side, ""))
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

    def _step(self, pose: Pose) -> Step:
        legs = [self._legs[side] for side in self.sides]
        return Step(
            pose,
            {leg.side: leg.sample for leg in legs if leg.sample is not None},
            tuple(sorted((p for leg in legs for p in leg.out.curve), key=lambda p: p.time_s)),
            tuple(r for leg in legs for r in leg.out.reps),
            tuple(a for leg in legs for a in leg.out.apart),
            tuple(n for leg in legs for n in leg.out.neutrals),
            frozenset(leg.side for leg in legs if leg.away),
            {leg.side: cue for leg in legs if (cue := leg.cue())},
            {leg.side: leg.still_s for leg in legs},
        )


class _Output:
    """What one leg produced in one step."""

    def __init__(self) -> None:
        self.curve: list[CurvePoint] = []
        self.reps: list[Rep] = []
        self.apart: list[Apart] = []
        self.neutrals: list[NeutralTaken] = []


class _LegTracker:
    """State of one leg; `out` and `sample` hold what the latest update produced."""

    def __init__(self, side: Side, drill: Drill, settings: TrackerSettings, table: DrillTable, calibration: Calibration) -> None:
        self.side, self._drill, self._settings, self._calibration = side, drill, settings, calibration
        self._faults = {k: f for k, f in table.faults.items() if drill.watches(f)}
        self._leg = LEGS[side]
        self._needed = [getattr(self._leg, part) for part in NEEDS[drill.measure]]
        self._hips = [LEGS[s].hip for s in Side]
        widest_deg = max((high for _, high in drill.range_deg.values()), default=0.0)
        self._implausible_deg = max(IMPLAUSIBLE_FROM_DEG, IMPLAUSIBLE_SHARE * widest_deg)
        self._neutral_finder = NeutralFinder(self._needed, settings.neutral_s, side)
        self._measure: RotationMeasure | None = None
        self._problem = ""
        self._looking = False
        self._form: BodyForm | None = None
        self._hip_zero = np.full(2, np.nan)
        self._shank_px = math.nan
        self._good_position_s = self._good_sight_s = -math.inf
        self._smooth = OneEuro(settings.min_cutoff_hz, settings.beta)
        self._finder = ExcursionFinder(drill.min_entry_deg)
        self._numbers = RepNumbers(drill.directions)
        self._pending: Rep | None = None
        keep_s = drill.max_rep_s + 4.0
        self._curve = SettledCurve(keep_s)
        self._waiting: deque[RotationSample] = deque()
        self._history: deque[tuple[float, float, dict[str, float]]] = deque()
        self._errors: deque[tuple[float, float, float, float]] = deque()
        self._keep_s = keep_s
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
        return self._finder.away

    @property
    def still_s(self) -> float:
        """For how long the leg has been still towards its neutral pose; NaN once that is taken."""
        return math.nan if self._measure else self._neutral_finder.still_s() if self._looking else 0.0

    def cue(self) -> str:
        """Return what to say about the form now; empty if all is well."""
        over = [(self._now.get(k, 0) / f.limit, f.cue) for k, f in self._faults.items()]
        worst = max(over, default=(0.0, ""))
        return worst[1] if worst[0] > 1 and self.away else ""

    # ------------------------------------------------------------------ one pose
    def update(self, pose: Pose, other_leg_deg: float, refused: str) -> None:
        """Take the next pose.

        `other_leg_deg` is how far the leg that is not measured has moved, NaN if both are; `refused` says why the legs cannot
        be told apart, empty when they can.
        """
        self.out = _Output()
        if self.retake:
            self.drop_neutral()
            self.retake = False
        step_s = pose.time_s - self._time_s
        self._time_s = pose.time_s
        if step_s > SIGHT_LOST_S and self._measure is not None:  # the camera was away, and who knows where it stands now
            self.drop_neutral()
        self._looking = False
        seen = NOT_READ
        pelvis_deg = math.nan
        reason = self._unseen(pose) or refused
        in_sight = not reason
        reason = reason or self._out_of_position(pose)
        self._keep_or_drop_neutral(pose.time_s, in_sight, in_position=not reason)
        if not reason and self._measure is None:
            reason = self._find_neutral(pose)
        if not reason:
            assert self._measure is not None and self._form is not None
            pelvis_deg = self._form.pelvis_deg(pose.image_px) if self._drill.posture is Posture.SEATED else 0.0
            seen = self._measure.read(pose, pelvis_deg)
            reason = seen.reason
            if abs(seen.angle_deg) > self._implausible_deg:
                seen = seen._replace(angle_deg=math.nan, error_deg=math.nan)
                reason = "more than a hip can turn: heel and toe or the legs are mixed up"
            self._watch_form(pose, step_s, other_leg_deg)
        live_deg = self._smooth.update(pose.time_s, seen.angle_deg)
        self.sample = RotationSample(
            time_s=pose.time_s,
            side=self.side,
            live_deg=live_deg,
            corrected_deg=seen.angle_deg,
            uncorrected_deg=seen.uncorrected_deg,
            mediapipe_deg=seen.mediapipe_deg,
            legnet_deg=seen.legnet_deg,
            legnet_sd_deg=seen.legnet_sd_deg,
            raw_deg=seen.raw_deg,
            gravity_deg=seen.gravity_deg,
            pelvis_deg=pelvis_deg if not reason else math.nan,
            uncertainty_deg=seen.error_deg,
            reason=reason,
        )
        self._errors.append((pose.time_s, seen.sd_deg, seen.gravity_deg, seen.error_deg))
        while self._errors[0][0] < pose.time_s - self._keep_s:
            self._errors.popleft()
        self._waiting.append(self.sample)
        self._emit_curve(self._curve.add(pose.time_s, seen.angle_deg))
        self._take(self._finder.update(pose.time_s, live_deg))
        if self._numbers.expired(pose.time_s) and not self.away:
            self._release_pending()
            self._numbers.close()

    def finish(self) -> None:
        """Flush what the end of the recording leaves open."""
        self.out = _Output()
        self._take(self._finder.finish())
        self._release_pending()
        self._emit_curve(self._curve.finish())

    # ------------------------------------------------------------------ position and neutral pose
    def _unseen(self, pose: Pose) -> str:
        """Return what is not seen of what the measure needs; empty if all is."""
        if pose.reason:
            return pose.reason
        for index in self._needed + self._hips:
            if not np.isfinite(pose.image_px[index]).all():
                return f"the {LANDMARK_NAMES[index].replace('_', ' ')} is not seen: the whole leg must be in the picture"
        return REASON_NOT_READ if self._drill.without_legnet and not readable(pose.legs.get(self.side)) else ""

    def _out_of_position(self, pose: Pose) -> str:
        """Return why a pose that is seen is not in the position of the drill; empty if it is."""
        problem = position_problem(self._drill.posture, pose, self.side)
        if problem or self._measure is None:
            return problem
        moved = pose.image_px[self._hips].mean(axis=0) - self._hip_zero
        if np.hypot(*moved) > MOVED_AWAY * self._shank_px:
            return "moved away from the place of the neutral pose, or somebody else is measured"
        return ""

    def _keep_or_drop_neutral(self, time_s: float, in_sight: bool, in_position: bool) -> None:
        if in_position:
            self._good_sight_s = time_s
        if in_position or not in_sight:  # out of sight is not out of position
            self._good_position_s = time_s
        lost = time_s - self._good_position_s > POSITION_LOST_S or time_s - self._good_sight_s > SIGHT_LOST_S
        if lost and self._measure is not None:
            self.drop_neutral()

    def drop_neutral(self) -> None:
        """Forget the neutral pose; an excursion in progress is given up."""
        self._take(self._finder.finish())
        self._measure = self._form = None
        self._now = {}
        self._neutral_finder.clear()

    def _find_neutral(self, pose: Pose) -> str:
        """Look for stillness; return what is in the way, empty when the neutral pose was taken."""
        self._looking = True
        found = self._neutral_finder.update(pose)
        if found is None:
            return self._problem or REASON_WAITING
        neutral, from_s = found
        measure = make_measure(neutral, self.side, self._drill, self._calibration, self._settings.correct)
        if measure.problem:
            self._neutral_finder.clear()  # a fit takes time: look at a new still time, not at every frame
            self._problem = measure.problem
            return self._problem
        self._problem = ""
        self._measure, self._form = measure, BodyForm(neutral, self.side)
        self._hip_zero = neutral.image_px[self._hips].mean(axis=0)
        self._shank_px = float(np.hypot(*(neutral.image_px[self._leg.ankle] - neutral.image_px[self._leg.knee])))
        self.out.neutrals.append(
            NeutralTaken(self.side, from_s, pose.time_s, measure.neutral_angle_deg, measure.view, measure.advice)
        )
        return ""

    # ------------------------------------------------------------------ form
    def _watch_form(self, pose: Pose, step_s: float, other_leg_deg: float) -> None:
        assert self._form is not None
        faults = self._form.faults(pose.image_px, pose.world_m)
        faults["O"] = other_leg_deg
        visibility = float(min(pose.visibility[i] for i in self._needed))
        self._history.append((pose.time_s, visibility, {k: faults[k] for k in self._faults if k in faults}))
        while self._history[0][0] < pose.time_s - self._keep_s:
            self._history.popleft()
        share = 1 - math.exp(-max(step_s, 0) / CUE_SMOOTHING_S)
        for letter, size in self._history[-1][2].items():
            before = self._now.get(letter, size)
            self._now[letter] = before + share * (size - before) if math.isfinite(size) else before

    def _form_during(self, start_s: float, end_s: float) -> tuple[tuple[str, ...], float]:
        """Return the faults of a span and the mean visibility in it."""
        during = [(v, sizes) for t, v, sizes in self._history if start_s <= t <= end_s]
        found = []
        for letter, fault in self._faults.items():
            sizes = [s[letter] for _, s in during if math.isfinite(s.get(letter, math.nan))]
            if sizes and np.quantile(sizes, 0.9) > fault.limit:
                found.append(letter)
        return tuple(found), float(np.mean([v for v, _ in during])) if during else math.nan

    # ------------------------------------------------------------------ curve and repetitions
    def _emit_curve(self, settled: list[tuple[float, float]]) -> None:
        for time_s, angle_deg in settled:
            while self._waiting and self._waiting[0].time_s <= time_s:
                sample = self._waiting.popleft()
                known = sample.time_s == time_s and math.isfinite(angle_deg)
                self.out.curve.append(
                    CurvePoint(
                        time_s=sample.time_s,
                        side=self.side,
                        angle_deg=angle_deg if known else math.nan,
                        live_deg=sample.live_deg,
                        uncorrected_deg=sample.uncorrected_deg,
                        mediapipe_deg=sample.mediapipe_deg,
                        legnet_deg=sample.legnet_deg,
                        legnet_sd_deg=sample.legnet_sd_deg,
                        raw_deg=sample.raw_deg,
                        gravity_deg=sample.gravity_deg,
                        pelvis_deg=sample.pelvis_deg,
                        uncertainty_deg=sample.uncertainty_deg if known else math.nan,
                        reason="" if known else sample.reason or "not settled",
                    )
                )

    def _take(self, excursion: Excursion | None) -> None:
        if excursion is None:
            return
        times, angles = self._curve.window(excursion.from_s - self._keep_s, excursion.to_s)
        measured = measure_excursion(times, angles, excursion)
        if measured is None:
            return
        direction = excursion.direction
        problem = self._not_a_rep(excursion, measured.end_s - measured.start_s)
        if problem:
            self.out.apart.append(Apart(self.side, direction, measured.start_s, measured.end_s, measured.peak_deg, problem))
            return
        self._finder.accept(direction, measured.peak_deg)
        faults, visibility = self._form_during(measured.start_s, measured.end_s)
        invalid = [self._faults[k].title.lower() for k in faults if self._faults[k].invalidates]
        sd_deg, gravity_deg, error_deg = self._at_peak(measured.peak_s)
        counted_only = self._drill.measure is Measure.ROLL
        number, completes = self._numbers.next(direction, measured.start_s, measured.end_s)
        rep = Rep(
            side=self.side,
            direction=direction,
            rep=number,
            valid=not invalid,
            peak_deg=math.nan if counted_only else measured.peak_deg,
            uncertainty_deg=error_deg,
            gravity_deg=gravity_deg,
            fit_sd_deg=sd_deg,
            live_peak_deg=math.nan if counted_only else excursion.live_peak_deg,
            range_deg=math.nan if counted_only else measured.range_deg,
            start_s=measured.start_s,
            peak_s=measured.peak_s,
            end_s=measured.end_s,
            hold_s=measured.hold_s,
            faults=faults,
            reason="; ".join(invalid),
            visibility=visibility,
        )
        rep = replace(rep, **{name: round(getattr(rep, name), digits) for name, digits in REP_DECIMALS.items()})
        if completes and self._pending:
            self.out.reps += [self._pending, rep]
            self._pending = None
            return
        self._release_pending()
        if self._numbers.waiting:  # for its partner
            self._pending = rep
        else:
            self.out.reps.append(self._half(rep) if self._drill.combined else rep)

    def _at_peak(self, peak_s: float) -> tuple[float, float, float]:
        """Return standard error of the fit, gravity angle and 95 % half width around a peak: medians, NaN where there is none."""
        near = np.array([told for t, *told in self._errors if abs(t - peak_s) <= PLATEAU_S / 2])
        with np.errstate(all="ignore"):
            found = [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else math.nan for column in near.T]
        return (float(found[0]), float(found[1]), float(found[2])) if found else (math.nan, math.nan, math.nan)

    def _not_a_rep(self, excursion: Excursion, duration_s: float) -> str:
        """Return why an excursion is not a repetition; empty if it is."""
        if excursion.ending is Ending.LOST:
            return "lost from view or cut off by the end"
        if excursion.direction not in self._drill.directions:
            return f"{excursion.direction}, the other direction than this drill"
        if excursion.ending is Ending.PARTIAL:
            return "partial: far below the usual peak"
        if duration_s < MIN_REP_S:
            return f"shorter than {MIN_REP_S} s"
        if duration_s > self._drill.max_rep_s:
            return f"longer than {self._drill.max_rep_s:.0f} s"
        return ""

    def _release_pending(self) -> None:
        if self._pending is not None:
            self.out.reps.append(self._half(self._pending))
            self._pending = None

    def _half(self, rep: Rep) -> Rep:
        missing = next(d for d in Direction if d is not rep.direction)
        note = f"half repetition: no {missing} excursion with it"
        return replace(rep, reason="; ".join(filter(None, [rep.reason, note])))
