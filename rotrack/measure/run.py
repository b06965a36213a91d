"""Puts the parts together: one loop from frames to the log, for video, camera and landmarks alike.

`remeasure` and `steps` are public, as is `analyze` in `measure.analysis`; the command line and the live page use the others.
Nothing is drawn here: who wants an annotated video hands in an `Observe`.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import msgspec

from rotrack.calibration import choice
from rotrack.calibration.profiles import Known, from_log, logged
from rotrack.core.drills import Drill, DrillTable, load_table, parse_sides
from rotrack.core.errors import InputError, NotMeasuredError, RecordError, RotrackError
from rotrack.core.messages import Message, Sentence, kept, say
from rotrack.core.model import (
    CONVENTION_VERSION,
    Frame,
    Pose,
    Rep,
    Step,
    ZeroCourse,
)
from rotrack.core.rates import ENOUGH_HZ, LEAST_HZ
from rotrack.core.reasons import Reason, because, kind_of
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.correction import load_corrections
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG
from rotrack.kinematics.posture import legs_are_enough
from rotrack.measure.request import Request
from rotrack.placement.finding import SetupFinding
from rotrack.records.folders import locked
from rotrack.records.history import CAMERA, next_number
from rotrack.records.landmarks import LEGS_READ, read_poses
from rotrack.records.options import noted_in
from rotrack.records.people import Person, known_or_new, tidy
from rotrack.records.record import Network, SessionRecord, SourceRecord, Status, read_record
from rotrack.records.session import Measured, Session
from rotrack.records.table import refresh_table
from rotrack.records.unlogged import MemoryWriter
from rotrack.records.writer import SessionWriter
from rotrack.sensing.cuts import UntilCut
from rotrack.sensing.landmarker import Landmarker, ModelFile, find_model, settings, speed_advice
from rotrack.sensing.legnet import LegNet, description
from rotrack.sensing.reader import read_live, read_recorded
from rotrack.sensing.sources import Part, Source, SourceInfo, Turned, VideoFile
from rotrack.sensing.upright import turn_of
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.inputs import clean_text
from rotrack.texts import english
from rotrack.tracking.pipeline import RotationTracker
from rotrack.tracking.scoreboard import Scoreboard
from rotrack.tracking.settings import TrackerSettings
from rotrack.tracking.zero import zero_moved

NOTHING_TO_MEASURE = "There was no picture to measure."

_OF_SOURCE = tuple(field.name for field in msgspec.structs.fields(SourceRecord))
"""What a session keeps of its source: fields of `SourceInfo` and `SourceRecord` alike."""


class Ask(Enum):
    """What a caller that looks on may ask of the measuring."""

    STOP = "stop"
    NEUTRAL = "take the neutral pose again"


class PoseSource(Protocol):
    """Whatever gives the landmarks of one person, frame by frame, in order of time: recorded, from another pose model, captured.

    A list of `Pose` is one. `make_pose` makes a pose of named landmarks.
    """

    def __iter__(self) -> Iterator[Pose]:
        """Yield the poses in order of time."""
        ...


OnStep = Callable[[Frame | None, Step, Scoreboard], Ask | None]
"""Called after every frame with the frame (None when measured from landmarks), what it produced, and the totals."""


class Observer(Protocol):
    """Looks on while a session is measured from pictures; it is closed when that ends, however it ends."""

    def append(self, frame: Frame, step: Step, board: Scoreboard) -> None:
        """Take a frame with what it produced and the totals until then, which go on counting."""
        ...


Observe = Callable[[Path, SourceInfo], AbstractContextManager[Observer]]
"""Opens an observer, given the folder of the session and what is measured."""


M = TypeVar("M", bound=Measured)
M_co = TypeVar("M_co", bound=Measured, covariant=True)


class _Writer(Protocol[M_co]):
    """What keeps a measurement while it goes on: in the log, or in memory."""

    record: SessionRecord
    notes: tuple[str, ...]

    def append(self, step: Step, with_pose: bool = True, found: Pose | None = None) -> None: ...

    def move_zeros(self, zeros: Sequence[ZeroCourse]) -> None: ...

    def update(self, **changes: Any) -> None: ...

    def result(self, reps: Iterable[Rep]) -> M_co: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None: ...


_Open = Callable[[Request, SourceInfo, dict[str, Any], Known, Clock], _Writer[M]]


def steps(
    poses: PoseSource,
    drill: str | Drill,
    side: str = "both",
    correct: bool = True,
    calibration: Calibration | None = None,
    table: DrillTable | None = None,
) -> Iterator[Step]:
    """Yield what every pose produced, as it comes: angles, repetitions that are finished, cues; nothing is logged.

    Parameters
    ----------
    poses : PoseSource
        The landmarks of one person in order of time.
    drill : str or Drill
        Id of the drill, or a drill of your own.
    side, correct
        As for `analyze`.
    calibration : Calibration, optional
        What is known of camera and person.
    table : DrillTable, optional
        Where the limits of the faults come from.

    Yields
    ------
    Step
        One per pose, and one more that holds what the end completes.

    Raises
    ------
    DrillError
        For an unknown drill or side.
    """
    wanted = drill if isinstance(drill, Drill) else load_table().drill(drill)
    tracker = RotationTracker(wanted, parse_sides(side), TrackerSettings(correct=correct), table, calibration)
    return _tracked(poses, tracker)


def _tracked(poses: PoseSource, tracker: RotationTracker) -> Iterator[Step]:
    step = None
    for pose in poses:
        step = tracker.update(pose)
        yield step
    if step is not None:
        yield tracker.finish(step.pose)


def poses_into(open_: _Open[M], poses: Iterator[Pose], source: SourceInfo, request: Request, on_step: OnStep | None) -> M:
    """Measure poses that come from elsewhere, into what `open_` opens: `in_log` or `in_memory`."""
    network = Network(version="", sha256="") if request.legnet else None
    provenance: dict[str, Any] = {"model": "", "model_sha256": "", "landmarker": {}, "legnet": network}
    with open_(request, source, provenance, Known(), SYSTEM) as writer:
        reps = _run(((None, pose) for pose in poses), request, writer, on_step, None)
    return writer.result(reps)


def remeasure(
    folder: str | Path,
    out: str | Path | None = None,
    on_step: OnStep | None = None,
    correct: bool | None = None,
    legnet: bool | None = None,
    clock: Clock = SYSTEM,
) -> Session:
    """Measure a logged session again from its landmarks, with this version of rotrack; a new session is logged.

    Parameters
    ----------
    folder : str or Path
        Folder of the session.
    out : str or Path, optional
        Data folder for the new session; without it ROTRACK_HOME or the platform's own.
    on_step : callable, optional
        As for `analyze`; there are no frames.
    correct, legnet : bool, optional
        As for `analyze`; without it, as the session was measured. What the leg network did not read then, it cannot read now.
    clock : Clock
        Dates the new session.

    Raises
    ------
    RotrackError
        If the session is damaged or nothing in it can be measured.
    """
    folder = Path(folder)
    record = read_record(folder)
    sides = record.sides
    legnet = record.legnet is not None if legnet is None else legnet
    if legnet and not (record.legnet and (folder / LEGS_READ).exists()):
        raise RecordError(
            "{folder} has no {file}, so what the leg network said then is not there. Measure the video again, or "
            "without the leg network (--no-legnet).",
            folder=folder,
            file=LEGS_READ,
        )
    request = Request(
        drill=record.drill,
        side=sides[0] if len(sides) == 1 else "both",
        out=out,
        person=record.person,
        correct=record.settings.correct if correct is None else correct,
        legnet=legnet,
        rotate=record.rotated_deg,
        mirrored=record.mirrored,
        neutral_s=record.settings.neutral_s,
        **noted_in(record),
    ).checked()
    source = SourceInfo(**msgspec.structs.asdict(record.source) | {"kind": "landmarks"}, frames=0)
    provenance = {
        "model": record.model,
        "model_sha256": record.model_sha256,
        "landmarker": record.landmarker,
        "legnet": record.legnet if legnet else None,
        "number": record.number,
        "remeasured_from": record.movement,
        "remeasured_at": clock.now().replace(microsecond=0),
    }
    recorded = read_poses(folder, legnet)
    first = next(recorded, None)  # a session without landmarks is refused before a new one is begun
    poses = ((None, pose) for pose in chain([first] if first else [], recorded))
    known = Known(from_log(record.calibration_used), record.calibration_notes)
    # The movement's own time, not that of the new reading.
    with in_log(request, source, provenance, known, clock, record.moment) as writer:
        reps = _run(poses, request, writer, on_step, None, known=known)
    return writer.result(reps)


def measure_video(
    video: Path, request: Request, on_step: OnStep | None = None, mirror: bool = False, observe: Observe | None = None
) -> Session:
    """Measure a video and log it, as `measure` does; `mirror` plays it mirrored, for validation only."""
    return video_into(in_log, video, request, on_step, mirror, observe)


def video_into(
    open_: _Open[M],
    video: Path,
    request: Request,
    on_step: OnStep | None,
    mirror: bool = False,
    observe: Observe | None = None,
) -> M:
    """Measure a video into what `open_` opens: `in_log` or `in_memory`."""
    model = find_model(request.model)
    with closing(VideoFile(video)) as file:
        as_said = file.info.mirrored
        mirrored = as_said if request.mirrored is None else request.mirrored
        rotate = request.rotate
        if rotate is None:
            rotate = 0 if request.drill_record.posture.record.lying else turn_of(video)
        request = request.but(rotate=rotate, mirrored=mirrored)
        flip = mirror != (mirrored != as_said)
        source = Turned(file, rotate, flip) if rotate or flip else file
        as_it_is = source is file
        known = choice.for_video(video, source.info.size_px, request.profiles, request.data, request.person, look=as_it_is)
        if request.recorded_at and request.from_s > 0:
            request = request.but(recorded_at=request.recorded_at + timedelta(seconds=request.from_s))
        return _measure(UntilCut(Part(source, *request.part)), model, request, on_step, False, known, SYSTEM, observe, open_)


def measure(
    source: Source,
    model: ModelFile,
    request: Request,
    on_step: OnStep | None = None,
    live: bool = False,
    known: Known | None = None,
    clock: Clock = SYSTEM,
    observe: Observe | None = None,
) -> Session:
    """Measure a source of frames and log it; closes the source.

    `known` is what is known of camera, floor and person before the first frame; nothing without it. `clock` dates the session and
    tells how long reading takes. `observe` opens who looks on.

    Raises
    ------
    RotrackError
        After the log was closed with what was measured until then.
    """
    return _measure(source, model, request, on_step, live, known or Known(), clock, observe, in_log)


def _measure(
    source: Source,
    model: ModelFile,
    request: Request,
    on_step: OnStep | None,
    live: bool,
    known: Known,
    clock: Clock,
    observe: Observe | None,
    open_: _Open[M],
) -> M:
    try:
        _check_point(request.follow_px, source.info.size_px)
        legnet = LegNet(request.drill_record.posture) if request.legnet else None
        provenance = _provenance(model, request)
        with (
            Landmarker(model, follow=request.follow_px, lying=request.drill_record.posture.record.lying) as landmarker,
            open_(request, source.info, provenance, known, clock) as writer,
        ):
            poses = (
                read_live(source, landmarker, legnet, always=bool(request.drill_record.without_legnet), clock=clock)
                if live
                else read_recorded(source, landmarker, legnet)
            )
            with closing(poses), _observed(writer, source.info, observe) as observer:
                reps = _run(poses, request, writer, on_step, observer, source, live, known, landmarker)
        return writer.result(reps)
    finally:
        source.close()


def _check_point(point_px: tuple[float, float] | None, size_px: tuple[int, int]) -> None:
    if point_px and not (point_px[0] < size_px[0] and point_px[1] < size_px[1]):
        width, height = size_px
        raise InputError(
            "The point {n:g},{m:g} is not in the picture of {width} x {height} pixels.",
            n=point_px[0],
            m=point_px[1],
            width=width,
            height=height,
        )


def measure_on(
    poses: Generator[tuple[Frame, Pose]],
    source: Source,
    model: ModelFile,
    request: Request,
    on_step: OnStep | None = None,
    known: Known | None = None,
    setup: Sequence[SetupFinding] = (),
    clock: Clock = SYSTEM,
    observe: Observe | None = None,
) -> Session:
    """Measure a camera whose landmarks are being read already, as `measure` does, and log it; times count from here.

    Parameters
    ----------
    poses : generator of (Frame, Pose)
        What the camera gives from now on, with legs if the request wants them; closed at the end.
    source, model, request, on_step, known
        As for `measure`; the source is left open.
    setup : sequence of SetupFinding
        What the set-up check found at the start, for the log.
    clock : Clock
        Dates the session.
    observe : callable, optional
        Opens the observers, see `Observe`.

    Raises
    ------
    RotrackError
        After the log was closed with what was measured until then.
    """
    provenance = _provenance(model, request) | {"setup": tuple(setup)}
    known = known or Known()
    with (
        in_log(request, source.info, provenance, known, clock) as writer,
        closing(_from_now(poses)) as rest,
        _observed(writer, source.info, observe) as observer,
    ):
        reps = _run(rest, request, writer, on_step, observer, source, live=True, known=known)
    return writer.result(reps)


def _provenance(model: ModelFile, request: Request) -> dict[str, Any]:
    card = description() if request.legnet else None
    network = Network(version=card["version"], sha256=card["sha256"]) if card else None
    return {"model": model.name, "model_sha256": model.sha256, "landmarker": settings(), "legnet": network}


def _from_now(poses: Generator[tuple[Frame, Pose]]) -> Generator[tuple[Frame, Pose]]:
    """Yield frames and poses with times that count from the first one."""
    from_s = math.nan
    with closing(poses):
        for frame, pose in poses:
            from_s = frame.time_s if math.isnan(from_s) else from_s
            time_s = round(frame.time_s - from_s, 6)
            yield replace(frame, time_s=time_s), replace(pose, time_s=time_s)


def _observed(writer: _Writer[Measured], source: SourceInfo, observe: Observe | None) -> AbstractContextManager[Observer | None]:
    return observe(writer.folder, source) if observe and isinstance(writer, SessionWriter) else nullcontext()


def in_log(
    request: Request,
    source: SourceInfo,
    provenance: dict[str, Any],
    known: Known,
    clock: Clock,
    started: datetime | None = None,
) -> SessionWriter:
    """Open the log for a session; what an earlier version wrote is taken over first."""
    notes = refresh_table(request.data, clock)
    person = None
    if tidy(request.person):
        with locked(request.data):
            person = known_or_new(request.data, request.person, clock)
    record = _record(request, source, provenance, known, clock, started, person)
    if source.kind == CAMERA:
        record = msgspec.structs.replace(record, number=next_number(request.data))
    writer = SessionWriter(request.data, record, clock)
    writer.notes = notes
    return writer


def in_memory(request: Request, source: SourceInfo, provenance: dict[str, Any], known: Known, clock: Clock) -> MemoryWriter:
    """Return what keeps a measurement in memory only."""
    return MemoryWriter(_record(request, source, provenance, known, clock))


def _record(
    request: Request,
    source: SourceInfo,
    provenance: dict[str, Any],
    known: Known,
    clock: Clock,
    started: datetime | None = None,
    person: Person | None = None,
) -> SessionRecord:
    """Return what is known of a session at its beginning."""
    drill, origin = request.drill_record, request.origin
    started = started or request.recorded_at or clock.now()
    # The ids of later readings of a movement sort behind the first one's, by their time: see `records.history.newest`.
    reading = f"r{clock.now().astimezone(UTC):%Y%m%d%H%M%S}-" if provenance.get("remeasured_from") else ""
    own_id = f"{started:%Y%m%d-%H%M%S}-{drill.id}-{reading}{secrets.token_hex(4)}"
    return SessionRecord(
        session_id=origin.session_id if origin else own_id,
        started_at=started.replace(microsecond=0),
        status=Status.RUNNING,
        person=person.name if person else tidy(request.person),
        person_id=person.id if person else "",
        drill=drill.id,
        measure=drill.measure,
        measured=drill.measured,
        tier=drill.tier,
        sides=tuple(request.sides),
        rotated_deg=request.rotate or 0,
        mirrored=bool(request.mirrored),
        source=SourceRecord(**{name: getattr(source, name) for name in _OF_SOURCE} | {"name": clean_text(source.name)}),
        archive_file=origin.file if origin else "",
        calibration=str(known.calibration.used_for(drill.posture).level),
        calibration_profiles=dict(known.calibration.names),
        calibration_used=logged(known.calibration),
        calibration_notes=tuple(known.notes),
        assumed_field_of_view_deg=None if known.calibration.lens else ASSUMED_FIELD_OF_VIEW_DEG,
        zero="neutral pose",
        convention_version=CONVENTION_VERSION,
        measure_version=request.measure_version,
        rotrack_version=metadata.version("rotrack"),
        settings=request.tracker,
        correction_version=load_corrections().version if request.correct else "",
        **noted_in(request),
        **provenance,
    )


def _run(
    poses: Iterable[tuple[Frame | None, Pose]],
    request: Request,
    writer: _Writer[Measured],
    on_step: OnStep | None,
    observer: Observer | None,
    source: Source | None = None,
    live: bool = False,
    known: Known | None = None,
    landmarker: Landmarker | None = None,
) -> tuple[Rep, ...]:
    """Measure poses to the end, or until `on_step` says stop or something fails; the log is complete in every case."""
    tracker = RotationTracker(request.drill_record, request.sides, request.tracker, calibration=(known or Known()).calibration)
    board = Scoreboard()
    doubt: Message | str = ""
    status, interrupted = Status.STOPPED, False
    try:
        with closing(_steps(poses, tracker, board, writer)) as steps:
            for frame, step in steps:
                if observer and frame is not None:
                    observer.append(frame, step, board)
                ask = on_step(frame, step, board) if on_step else None
                if ask is Ask.STOP:
                    break
                if ask is Ask.NEUTRAL:
                    tracker.retake_neutral()
        status = Status.FINISHED
        doubt = source.warning if source else ""
    except KeyboardInterrupt:  # the person ends it; what was measured is the session
        interrupted = True
    except RotrackError as error:
        doubt = str(error)
        raise
    finally:
        doubts: list[Message | str] = [*(known.warnings if known else ()), *([doubt] if doubt else [])]
        doubts += [say("note.nobody_there")] if landmarker and landmarker.pointed_at_nobody else []
        _finish(tracker, board, writer, status if board.measured or interrupted else Status.NOT_MEASURED, doubts, live)
    if interrupted:
        if not board.frames:
            raise KeyboardInterrupt  # there is nothing to keep
        return tuple(board.reps)
    if not board.frames:
        raise NotMeasuredError(NOTHING_TO_MEASURE)
    if not board.measured:
        raise NotMeasuredError(_why_nothing(board, request.drill_record), main_reason=board.main_reason)
    return tuple(board.reps)


def _steps(
    poses: Iterable[tuple[Frame | None, Pose]], tracker: RotationTracker, board: Scoreboard, writer: _Writer[Measured]
) -> Generator[tuple[Frame | None, Step]]:
    step = None
    try:
        for frame, pose in poses:
            step = tracker.update(pose)
            board.add(step)
            writer.append(step, found=pose)
            yield frame, step
    finally:
        if step is not None:
            step = tracker.finish(step.pose)
            board.add(step, with_frame=False)
            writer.append(step, with_pose=False)
            if step.zeros:
                writer.move_zeros(step.zeros)
            writer.update(smallest_deg=tracker.smallest_deg, zeros=step.zeros)


def _finish(
    tracker: RotationTracker,
    board: Scoreboard,
    writer: _Writer[Measured],
    status: Status,
    doubts: list[Message | str],
    live: bool,
) -> None:
    warnings = [*doubts]
    warnings += [said for zero in writer.record.zeros if (said := zero_moved(zero))]
    upright = not tracker.drill.posture.record.lying
    missing = board.cut_off.most_common(1)[0][0] if board.cut_off and upright else ""
    if board.frozen:
        warnings.append(say("note.frozen", seconds=round(board.frozen_s, 1)))
    if board.several_people:
        warnings.append(say("note.several"))
    writer.update(
        status=status,
        frames=board.frames,
        duration_s=round(board.duration_s, 3),
        measured_fps=round(board.fps, 2),
        measured_share={side: round(share, 3) for side, share in board.measured_share.items()},
        reasons=dict(board.reasons.most_common()),
        neutrals=tuple(board.neutrals),
        camera_advice={n.side: n.advice for n in board.neutrals if n.advice},
        speed_advice=(speed_advice(writer.record.model, board.fps) if live and board.fps < LEAST_HZ else None) or "",
        cut_off=legs_are_enough(missing) if missing else "",
        apart=tuple(board.apart),
        warnings=tuple(map(kept, warnings)),
    )


def _why_nothing(board: Scoreboard, drill: Drill) -> str:
    kind, reason = kind_of(board.main_reason), english(because(board.main_reason))
    if kind is Reason.FEW_FRAMES:
        return Sentence(
            "Nothing could be measured: {reason}. At least {n:.0f} are needed: turn on more light, close other "
            "programs, or record the video again.",
            reason=reason,
            n=ENOUGH_HZ,
        )
    if kind in (Reason.ON_ITS_SIDE, Reason.UPSIDE_DOWN):
        return Sentence("Nothing could be measured, since {reason}.", reason=reason)
    if kind is Reason.TOO_DARK:
        return Sentence("Nothing could be measured: {reason}. Turn on more light.", reason=reason)
    return Sentence(
        "Nothing could be measured: {reason}. Put the camera as {where} says, with both "
        "legs in the picture from hip to toes, and hold still for a second before you begin.",
        reason=reason,
        where=english(say("drill.described", drill=drill.id)),
    )
