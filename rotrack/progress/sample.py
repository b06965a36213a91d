"""Made-up sessions, to try history, progress and report with: twelve weeks of a person who does not exist.

Nobody was measured. What the numbers are made of is stated, so that what rotrack says of them can be judged:

- The everyday test (seated-combined), once a week, twelve times, both legs, five repetitions each. The true range of the left leg
  inwards grows by 18 degrees over these weeks; the right leg, and both outwards, stay as they are (`TRUE_DEG`).
- A session reads each leg and direction with an error of its own, standard deviation 2.0 degrees, and each repetition with
  another one, 1.5 degrees; all normal and independent. The best three of five repetitions count, which lifts every session value
  by 0.8 degrees on average, early and late alike.
- The session of the seventh week was measured with a calibrated lens, the others without: it may not be compared with them.
- In the first week three excursions in ten have a fault that is only marked, in the last one in twenty. One of the second week
  is not valid, since the thigh drifted; one of the fifth was dropped.
- Standing (standing-combined) was measured in the last three weeks only, with the same errors: too few sessions to say anything.
- In four of the weeks somebody also measured with a goniometer (the everyday test, whole degrees): 2 degrees less than the true
  range, with an error of standard deviation 2.5.

The repetitions are found in the made-up curve as in a measured one. There are no landmarks and no video. The draw of the noise
was chosen as a typical one: of thirty draws, all show the growth of the left leg as a real change, and none another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.drills import Drill, load_table
from rotrack.core.errors import InputError
from rotrack.core.messages import say
from rotrack.core.model import (
    CONVENTION_VERSION,
    MEASURE_VERSION,
    REP_DECIMALS,
    WITHOUT_LEGNET,
    CurvePoint,
    Direction,
    Rep,
    Side,
    Step,
    empty_pose,
)
from rotrack.core.reasons import Reason
from rotrack.kinematics.camera import Level
from rotrack.kinematics.correction import load_corrections
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG
from rotrack.progress.rule import MOST_BASELINE_DAYS, NOW_DAYS
from rotrack.records.changes import delete_session
from rotrack.records.folders import locked, session_folders
from rotrack.records.landmarks import LANDMARKS
from rotrack.records.people import Person, find_person, read_people, write_person
from rotrack.records.readings import add_readings, plain_reading, read_readings
from rotrack.records.record import SessionRecord, SourceRecord, Status
from rotrack.records.store import read_all
from rotrack.records.table import refresh_table
from rotrack.records.writer import SessionWriter
from rotrack.system.imports import when_used
from rotrack.tracking.excursions import Excursion, measure_excursion
from rotrack.tracking.filters import OneEuro
from rotrack.tracking.numbering import Pairing
from rotrack.tracking.reps import RepFinder

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

PERSON = "Alex Sample (made up)"
NOTE = "made up: nobody was measured"
WARNING = say("note.made_up")
MADE_UP = "made up"
"""What stands for source and pose model of a session."""
WEEKS = 12
REPS = 5
TRUE_DEG = {
    ("seated-combined", Side.LEFT, Direction.INTERNAL): (20.0, 38.0),
    ("seated-combined", Side.LEFT, Direction.EXTERNAL): (38.0, 38.0),
    ("seated-combined", Side.RIGHT, Direction.INTERNAL): (36.0, 36.0),
    ("seated-combined", Side.RIGHT, Direction.EXTERNAL): (40.0, 40.0),
    ("standing-combined", Side.LEFT, Direction.INTERNAL): (27.0, 27.0),
    ("standing-combined", Side.LEFT, Direction.EXTERNAL): (33.0, 33.0),
    ("standing-combined", Side.RIGHT, Direction.INTERNAL): (29.0, 29.0),
    ("standing-combined", Side.RIGHT, Direction.EXTERNAL): (35.0, 35.0),
}
"""True range in the first and in the last week, without sign, deg; it grows evenly in between."""
SESSION_SD_DEG, REP_SD_DEG = 2.0, 1.5
FAULT_SHARE = (0.3, 0.05)
"""Share of the repetitions with a fault that is marked only, in the first and in the last week."""
CALIBRATED_WEEK, STANDING_WEEKS = 6, (9, 10, 11)
NOT_VALID = (1, Side.LEFT, Direction.EXTERNAL, 2)
"""Week, side, direction and number of the repetition in which the thigh drifted."""
DROPPED = (4, Side.RIGHT, Direction.INTERNAL, 4)
GONIOMETER_WEEKS = (0, 3, 8, 11)
GONIOMETER_BIAS_DEG, GONIOMETER_SD_DEG = -2.0, 2.5
_SEED = 23
_PERSON_ID = "p-made-up"
_FIRST = datetime(2026, 1, 5, 18, 0, tzinfo=timezone(timedelta(hours=1)))
_SIZE_PX, _RATE_HZ = (640, 480), 20.0
_FIT_SD_DEG, _TREMOR_DEG = 1.0, 0.1
_STILL_S, _RISE_S, _HOLD_S, _REST_S = 2.0, 1.0, 0.6, 1.2


@dataclass(frozen=True, slots=True)
class _Plan:
    """A session that is to be made up."""

    number: int
    week: int
    drill: Drill

    @property
    def started_at(self) -> datetime:
        return _FIRST + timedelta(weeks=self.week, minutes=15 * (self.number >= WEEKS) + 3 * (self.week % 4))

    @property
    def id(self) -> str:
        return f"{self.started_at:%Y%m%d-%H%M%S}-{self.drill.id}-made-up"

    @property
    def level(self) -> Level:
        return Level.CAMERA if self.week == CALIBRATED_WEEK else Level.NONE

    def true_deg(self, side: Side, direction: Direction) -> float:
        """Return the true range in this week, without sign."""
        first, last = TRUE_DEG[self.drill.id, side, direction]
        return first + (last - first) * self.week / (WEEKS - 1)


def write_sample(data: Path) -> list[str]:
    """Write the made-up sessions and readings; what is there already stays as it is.

    Parameters
    ----------
    data : Path
        A data folder that holds nothing else; it need not exist.

    Returns
    -------
    list of str
        Ids of all made-up sessions, oldest first.

    Raises
    ------
    InputError
        If the folder holds other sessions or readings: nothing is made up beside what was measured.
    RecordError
        If it cannot be written.
    """
    plans = sorted(_plans(), key=lambda plan: plan.started_at)
    ids = [plan.id for plan in plans]
    whole = {session.id: session.record.status is Status.FINISHED for session in read_all(data)[0]}
    there = {folder.name for folder in session_folders(data)} | whole.keys()
    if there - set(ids) or set(read_readings(data)[0].person) - {PERSON}:
        raise InputError(f"{data} holds other sessions, and made-up ones do not belong beside them; choose another folder.")
    person = _person(data)
    for plan in plans:
        if plan.id in there and not whole.get(plan.id):
            delete_session(data, plan.id)
        if not whole.get(plan.id):
            _write(data, plan, person)
    refresh_table(data)
    _write_readings(data, plans)
    return ids


def true_change_deg(drill: str, side: Side, direction: Direction) -> float:
    """Return how far the made-up range really changed, from the mean of the baseline to that of the latest days, deg."""
    weeks = [week for week in range(WEEKS) if week != CALIBRATED_WEEK]
    grown = np.mean(weeks[-NOW_DAYS:]) - np.mean(weeks[:MOST_BASELINE_DAYS])
    first, last = TRUE_DEG[drill, side, direction]
    return float((last - first) * grown / (WEEKS - 1))


def _person(data: Path) -> Person:
    """Return the person of the made-up sessions, the same everywhere."""
    with locked(data):
        known = find_person(read_people(data)[0], PERSON)
        return known or write_person(data, Person(id=_PERSON_ID, name=PERSON, added_at=_FIRST))


def _plans() -> list[_Plan]:
    table = load_table()
    seated = [_Plan(week, week, table.drill("seated-combined")) for week in range(WEEKS)]
    standing = [_Plan(WEEKS + n, week, table.drill("standing-combined")) for n, week in enumerate(STANDING_WEEKS)]
    return seated + standing


def _write(data: Path, plan: _Plan, person: Person) -> None:
    rng = np.random.default_rng([_SEED, plan.number])
    takes = [_movement(plan, side, rng, number) for number, side in enumerate(Side)]
    end_s = max(curve[-1].time_s for curve, _ in takes)
    curve = sorted((point for points, _ in takes for point in points), key=lambda point: point.time_s)
    reps = tuple(rep for _, found in takes for rep in found)
    with SessionWriter(data, _record(plan, person.id)) as writer:
        step = Step(empty_pose(end_s, _SIZE_PX, MADE_UP), {}, tuple(curve), reps)
        writer.append(step, with_pose=False)
        frames = len(takes[0][0])
        writer.update(
            status=Status.FINISHED,
            frames=frames,
            duration_s=round(end_s, 3),
            measured_fps=_RATE_HZ,
            measured_share=dict.fromkeys(Side, 1.0),
        )
    (writer.folder / LANDMARKS).unlink()  # there are none


def _record(plan: _Plan, person_id: str) -> SessionRecord:
    """Return what is known of a session at its beginning."""
    drill, calibrated = plan.drill, plan.level is Level.CAMERA
    return SessionRecord(
        session_id=plan.id,
        started_at=plan.started_at,
        status=Status.RUNNING,
        person=PERSON,
        person_id=person_id,
        drill=drill.id,
        measure=str(drill.measure),
        measured=drill.measured,
        tier=drill.tier,
        sides=tuple(Side),
        note=NOTE,
        source=SourceRecord(kind=MADE_UP, name=MADE_UP, size_px=_SIZE_PX, fps=_RATE_HZ),
        model=MADE_UP,
        calibration=str(plan.level),
        calibration_profiles={"camera": MADE_UP} if calibrated else {},
        assumed_field_of_view_deg=None if calibrated else ASSUMED_FIELD_OF_VIEW_DEG,
        zero="neutral pose",
        convention_version=CONVENTION_VERSION,
        measure_version=MEASURE_VERSION + WITHOUT_LEGNET,
        rotrack_version=metadata.version("rotrack"),
        correction_version=load_corrections().version,
        warnings=(WARNING,),
    )


def _write_readings(data: Path, plans: list[_Plan]) -> None:
    """Write what somebody read off a goniometer after some of the sessions."""
    rng = np.random.default_rng([_SEED, 99])
    rows = []
    for plan in plans:
        if plan.number in GONIOMETER_WEEKS:
            about = {"taken_at": (plan.started_at + timedelta(minutes=10)).isoformat(), "person": PERSON, "drill": plan.drill.id}
            about |= {"instrument": "goniometer", "rater": MADE_UP, "note": NOTE}
            for side in Side:
                for direction in plan.drill.directions:
                    value_deg = round(plan.true_deg(side, direction) + rng.normal(GONIOMETER_BIAS_DEG, GONIOMETER_SD_DEG))
                    rows.append({**about, "side": side, "direction": direction, "value_deg": value_deg})
    add_readings(data, [plain_reading({column: str(value) for column, value in row.items()}) for row in rows])


# ---------------------------------------------------------------------- one leg
def _movement(plan: _Plan, side: Side, rng: np.random.Generator, turn: int) -> tuple[list[CurvePoint], list[Rep]]:
    """Return curve and repetitions of one leg; the legs take turns, and `turn` says which is first."""
    drill = plan.drill
    correction = load_corrections().of(drill.posture, plan.level)
    peaks_deg = np.array(
        [
            direction.sign * (plan.true_deg(side, direction) + rng.normal(0, SESSION_SD_DEG) + rng.normal(0, REP_SD_DEG, REPS))
            for direction in drill.directions
        ]
    )
    one_s = 2 * _RISE_S + _HOLD_S
    series_s = REPS * (2 * one_s + _REST_S)
    time_s = np.arange(round((_STILL_S + 2 * series_s + _REST_S) * _RATE_HZ)) / _RATE_HZ
    angle_deg = rng.normal(0, _TREMOR_DEG, len(time_s))
    for number in range(REPS):
        for part, peak_deg in enumerate(peaks_deg[:, number]):
            start_s = _STILL_S + turn * series_s + number * (2 * one_s + _REST_S) + part * one_s
            angle_deg += peak_deg * _bump(time_s - start_s)
    live, numbers = OneEuro(), Pairing(drill.directions)
    finder = RepFinder(drill.directions, drill.min_entry_deg, 3 * drill.min_entry_deg)
    curve, reps = [], []
    for at_s, deg in zip(time_s.tolist(), angle_deg.tolist(), strict=True):
        live_deg = live.update(at_s, deg)
        gravity_deg = deg if drill.posture.record.shank_hangs else math.nan
        error_deg = correction.error_deg(deg, _FIT_SD_DEG)
        point = CurvePoint(
            time_s=at_s,
            side=side,
            angle_deg=deg,
            live_deg=live_deg,
            uncorrected_deg=deg,
            gravity_deg=gravity_deg,
            pelvis_deg=0.0,
            uncertainty_deg=error_deg,
        )
        curve.append(point)
        reps += [
            _rep(excursion, plan, side, numbers, time_s[time_s <= at_s], angle_deg[time_s <= at_s], rng)
            for excursion in finder.update(at_s, deg)
        ]
    return curve, reps


def _rep(
    excursion: Excursion,
    plan: _Plan,
    side: Side,
    numbers: Pairing,
    time_s: np.ndarray,
    angle_deg: np.ndarray,
    rng: np.random.Generator,
) -> Rep:
    drill = plan.drill
    correction = load_corrections().of(drill.posture, plan.level)
    found = measure_excursion(time_s, angle_deg, excursion)
    assert found is not None
    number, _ = numbers.next(excursion.direction, found.start_s, found.end_s)
    rep = Rep(
        side=side,
        direction=excursion.direction,
        rep=number,
        valid=True,
        uncertainty_deg=correction.error_deg(found.peak_deg, _FIT_SD_DEG),
        gravity_deg=found.peak_deg if drill.posture.record.shank_hangs else math.nan,
        fit_sd_deg=_FIT_SD_DEG,
        live_peak_deg=excursion.top_deg,
        faults=(),
        reason="",
        visibility=0.98,
        **found.of_rep(),
    )
    rep = replace(rep, **{name: round(getattr(rep, name), digits) for name, digits in REP_DECIMALS.items()})
    return _judged(rep, plan, rng)


def _bump(time_s: np.ndarray) -> np.ndarray:
    """Return a smooth movement that begins at 0 s: up to 1, a hold, and back."""
    up = np.clip(time_s / _RISE_S, 0, 1)
    down = np.clip((time_s - _RISE_S - _HOLD_S) / _RISE_S, 0, 1)
    return (np.sin(np.pi / 2 * up) * np.cos(np.pi / 2 * down)) ** 2


def _judged(rep: Rep, plan: _Plan, rng: np.random.Generator) -> Rep:
    """Return a repetition with its faults, and left out where the plan says so."""
    faults = load_table().faults
    which = (plan.week, rep.side, rep.direction, rep.rep)
    seated = plan.number < WEEKS
    first, last = FAULT_SHARE
    marked = rng.random() < first + (last - first) * plan.week / (WEEKS - 1)
    letters = [k for k in plan.drill.faults if plan.drill.watches(faults[k]) and not faults[k].invalidates and k != "O"]
    letter = letters[rng.integers(len(letters))]
    if seated and which == NOT_VALID:
        return replace(rep, valid=False, faults=("T",), reason=Reason.FAULT.of(letter="T"))
    return replace(rep, faults=(letter,) if marked else (), dropped=seated and which == DROPPED)
