"""Puts the parts together: one loop from frames to the log, for video, camera and landmarks alike.

`analyze`, `remeasure` and `steps` are the public functions; the command line and the live window use `measure` directly.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar, overload

from rotrack.calibration import choice
from rotrack.calibration.profiles import Known, from_log, logged
from rotrack.core.drills import Drill, DrillTable, load_table, parse_sides
from rotrack.core.errors import InputError, NotMeasuredError, RecordError, RotrackError
from rotrack.core.model import (
    CONVENTION_VERSION,
    MEASURE_VERSION,
    UNCORRECTED,
    WITHOUT_LEGNET,
    Frame,
    Pose,
    Rep,
    Side,
    Step,
    ZeroCourse,
)
from rotrack.core.rates import LEAST_HZ
from rotrack.draw.overlay import Overlay
from rotrack.draw.video import VideoWriter
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.correction import load_corrections
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG
from rotrack.kinematics.posture import legs_are_enough
from rotrack.placement.finding import SetupFinding
from rotrack.records.folders import data_folder, locked
from rotrack.records.landmarks import LEGS_READ, read_poses
from rotrack.records.people import Person, known_or_new, tidy
from rotrack.records.record import Network, SessionRecord, SourceRecord, Status, read_record
from rotrack.records.session import VIDEO, Measured, Measurement, Session
from rotrack.records.table import refresh_table
from rotrack.records.text import check_load, check_text
from rotrack.records.unlogged import MemoryWriter
from rotrack.records.writer import SessionWriter
from rotrack.sensing.landmarker import Landmarker, ModelFile, find_model, settings, speed_advice
from rotrack.sensing.legnet import LegNet, description
from rotrack.sensing.reader import read_live, read_recorded
from rotrack.sensing.recorded import when_recorded
from rotrack.sensing.sources import Source, SourceInfo, Turned, VideoFile
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.inputs import clean_text, sane_time
from rotrack.tracking.pipeline import RotationTracker
from rotrack.tracking.scoreboard import Scoreboard
from rotrack.tracking.settings import TrackerSettings
from rotrack.tracking.zero import zero_moved

TURNS_DEG = (0, 90, 180, 270)


NOTHING_TO_MEASURE = "There was no picture to measure."


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


@dataclass(frozen=True, slots=True)
class Origin:
    """What a session from an archive is called, so that whoever measures the same video gets the same session.

    Parameters
    ----------
    session_id : str
        Its name in the log.
    started_at : datetime
        When it was recorded, with the offset from UTC.
    file : str
        The video's path in the archive.
    """

    session_id: str
    started_at: datetime
    file: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure and where to keep it.

    Parameters
    ----------
    drill : Drill
        The drill.
    sides : tuple of Side
        The legs.
    data : Path
        The data folder.
    person, note : str
        Written into the log.
    tracker : TrackerSettings
        Filters and corrections.
    calibration : tuple of str
        Names, files or folders of calibration profiles, or "none"; empty leaves the choice to rotrack.
    band : str
        Resistance band in words, written into the log; empty without one.
    load_kg : float
        Weight on the measured leg, written into the log; NaN if not said.
    origin : Origin, optional
        For a video of an archive; without it the session is named by the time of measuring.
    legnet : bool
        Whether the leg network reads the legs, too.
    rotate : int
        By how much the pictures of a video are turned clockwise, deg: 0, 90, 180 or 270.
    mirrored : bool
        Whether the video shows everything mirrored, so that its pictures are mirrored back.
    recorded_at : datetime, optional
        When it was recorded, with the offset from UTC; without it, now.
    """

    drill: Drill
    sides: tuple[Side, ...]
    data: Path
    person: str = ""
    note: str = ""
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    calibration: tuple[str, ...] = ()
    band: str = ""
    load_kg: float = math.nan
    origin: Origin | None = None
    legnet: bool = True
    rotate: int = 0
    mirrored: bool = False
    recorded_at: datetime | None = None


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


def make_request(
    drill: str | Drill,
    side: str = "both",
    out: Path | None = None,
    person: str = "",
    note: str = "",
    correct: bool = True,
    calibration: Sequence[str] = (),
    band: str = "",
    load_kg: float = math.nan,
    legnet: bool = True,
    rotate: int = 0,
    mirrored: bool = False,
) -> Request:
    """Return a checked request.

    Raises
    ------
    DrillError
        For an unknown drill or side.
    InputError
        For a name, note or band that would not be plain text in a spreadsheet, an impossible load, or another turn than those.
    NotMeasuredError
        For a drill that needs the leg network, without it: said before anything is read.
    """
    check_text(name=person, note=note, band=band)
    check_load(load_kg)
    if rotate not in TURNS_DEG:
        raise InputError(f"A video can be turned by 90, 180 or 270 degrees, not by {rotate}.")
    wanted = drill if isinstance(drill, Drill) else load_table().drill(drill)
    if wanted.without_legnet and not legnet:
        raise NotMeasuredError(f"{wanted.id} is not measured without the leg network: {wanted.without_legnet}.")
    tracker = TrackerSettings(correct=correct)
    profiles, data = tuple(calibration), data_folder(out)
    return Request(
        wanted, parse_sides(side), data, person, note, tracker, profiles, band, load_kg, None, legnet, rotate, mirrored
    )


def measure_version(correct: bool = True, legnet: bool = True) -> str:
    """Return the version of what reads the angle, with what is left out of it."""
    return MEASURE_VERSION + ("" if correct else UNCORRECTED) + ("" if legnet else WITHOUT_LEGNET)


@overload
def analyze(
    video: str | Path | PoseSource,
    drill: str | Drill,
    side: str = "both",
    out: str | Path | None = None,
    person: str = "",
    model: str = "heavy",
    annotate: bool = False,
    note: str = "",
    correct: bool = True,
    on_step: OnStep | None = None,
    calibration: str | Path | Sequence[str | Path] = (),
    band: str = "",
    load_kg: float = math.nan,
    legnet: bool = True,
    rotate: int = 0,
    mirrored: bool = False,
    *,
    recorded_at: datetime | None = None,
    log: Literal[True] = True,
) -> Session: ...


@overload
def analyze(
    video: str | Path | PoseSource,
    drill: str | Drill,
    side: str = "both",
    out: str | Path | None = None,
    person: str = "",
    model: str = "heavy",
    annotate: bool = False,
    note: str = "",
    correct: bool = True,
    on_step: OnStep | None = None,
    calibration: str | Path | Sequence[str | Path] = (),
    band: str = "",
    load_kg: float = math.nan,
    legnet: bool = True,
    rotate: int = 0,
    mirrored: bool = False,
    *,
    recorded_at: datetime | None = None,
    log: Literal[False],
) -> Measurement: ...


def analyze(
    video: str | Path | PoseSource,
    drill: str | Drill,
    side: str = "both",
    out: str | Path | None = None,
    person: str = "",
    model: str = "heavy",
    annotate: bool = False,
    note: str = "",
    correct: bool = True,
    on_step: OnStep | None = None,
    calibration: str | Path | Sequence[str | Path] = (),
    band: str = "",
    load_kg: float = math.nan,
    legnet: bool = True,
    rotate: int = 0,
    mirrored: bool = False,
    *,
    recorded_at: datetime | None = None,
    log: bool = True,
) -> Session | Measurement:
    """Measure a video, or the landmarks that somebody else found, and log it or not.

    Parameters
    ----------
    video : str or Path or PoseSource
        The video file, or poses. What is said of pictures below (`model`, `annotate`, `legnet`, `rotate`, `mirrored`) does not
        concern poses: what a leg network or another reader says of the legs stands in them.
    drill : str or Drill
        Id of the drill, see `rotrack drills`; or a drill of your own, see `parse_table`, which can be measured but not logged.
    side : str
        The subject's "left" or "right" leg, or "both".
    out : str or Path, optional
        Data folder; without it ROTRACK_HOME or the platform's own.
    person, note : str
        Written into the log.
    model : str
        "heavy", "full", or the path of a pose model bundle.
    annotate : bool
        Whether to write the video with legs and angles drawn in (`annotated.mp4` in the session's folder).
    correct : bool
        Whether to correct geometry and pelvis.
    on_step : callable, optional
        Called after every frame, see `OnStep`.
    calibration : str or Path, or several
        Names, files or folders of calibration profiles. Without it, only a floor sheet that lies in the picture is used; "none"
        ignores that too.
    band : str
        Resistance band in words, written into the log.
    load_kg : float
        Weight on the measured leg, written into the log; NaN if not said.
    legnet : bool
        Whether the leg network reads the legs, too; without it MediaPipe's landmarks alone are measured.
    rotate : int
        By how much the pictures must be turned clockwise to be upright, deg: 0, 90, 180 or 270.
    mirrored : bool
        Whether the video shows everything mirrored, as many front cameras record it: left and right are put right.
    recorded_at : datetime, optional
        When it was recorded; one without an offset is by this computer's clock. By default as the file of a video says, else when
        it was last changed, see `rotrack.sensing.recorded`; of poses now.
    log : bool
        Whether the session is logged. Without it nothing is written anywhere.

    Returns
    -------
    Session, or Measurement if it is not logged
        `reps` and `curve` are pandas tables; `values` holds the session value per side and direction.

    Raises
    ------
    RotrackError
        With a sentence that says what to do. What was measured until then is in the log, if there is one.
    """
    wanted = [calibration] if isinstance(calibration, str | Path) else calibration
    profiles = [str(w) for w in wanted if str(w)]
    if log and isinstance(drill, Drill) and load_table().drills.get(drill.id) != drill:
        raise InputError(f"{drill.id} is no drill of this rotrack, so its sessions cannot be logged: measure it with log=False.")
    if isinstance(video, str | Path):
        poses, first = None, None
    else:
        poses, first = _begun(video)
        legnet = bool(first.legs)
    request = make_request(
        drill, side, Path(out) if out else None, person, note, correct, profiles, band, load_kg, legnet, rotate, mirrored
    )
    if annotate and not (log and first is None):
        raise InputError("An annotated video needs a video, and a session in the log.")
    if recorded_at:
        request = replace(request, recorded_at=sane_time(recorded_at))
    if isinstance(video, str | Path):
        request = request if recorded_at else replace(request, recorded_at=when_recorded(Path(video)).at)
        found = find_model(model)
        if log:
            return measure_video(Path(video), found, request, annotate, on_step)
        return _measure_video(Path(video), found, request, False, on_step, False, _in_memory)
    assert poses is not None and first is not None
    source = SourceInfo("poses", type(video).__name__, first.size_px, math.nan, 0)
    if log:
        return _measure_poses(poses, source, request, on_step, _open_log)
    return _measure_poses(poses, source, request, on_step, _in_memory)


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


def _begun(source: PoseSource) -> tuple[Iterator[Pose], Pose]:
    """Return the poses of a source, and the first of them that has landmarks, or the first of all."""
    rest = iter(source)
    before = []
    for pose in rest:
        before.append(pose)
        if not pose.reason:
            break
    if not before:
        raise NotMeasuredError(NOTHING_TO_MEASURE)
    return chain(before, rest), before[-1]


def _measure_poses(poses: Iterator[Pose], source: SourceInfo, request: Request, on_step: OnStep | None, open_: _Open[M]) -> M:
    """Measure poses that come from elsewhere."""
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
            f"{folder} has no {LEGS_READ}, so what the leg network said then is not there. Measure the video again, or without "
            "the leg network (--no-legnet)."
        )
    request = make_request(
        record.drill,
        sides[0] if len(sides) == 1 else "both",
        Path(out) if out else None,
        record.person,
        record.note,
        record.settings.correct if correct is None else correct,
        band=record.band,
        load_kg=record.load_kg,
        legnet=legnet,
        rotate=record.rotated_deg,
        mirrored=record.mirrored,
    )
    request = replace(request, tracker=replace(request.tracker, neutral_s=record.settings.neutral_s))
    source = SourceInfo("landmarks", record.source.name, record.source.size_px, record.source.fps, 0)
    provenance = {
        "model": record.model,
        "model_sha256": record.model_sha256,
        "landmarker": record.landmarker,
        "legnet": record.legnet if legnet else None,
        "remeasured_from": record.movement,
        "remeasured_at": clock.now().replace(microsecond=0),
    }
    recorded = read_poses(folder, legnet)
    first = next(recorded, None)  # a session without landmarks is refused before a new one is begun
    poses = ((None, pose) for pose in chain([first] if first else [], recorded))
    known = Known(from_log(record.calibration_used), record.calibration_notes)
    # The movement's own time, not that of the new reading.
    with _open_log(request, source, provenance, known, clock, record.moment) as writer:
        reps = _run(poses, request, writer, on_step, None, known=known)
    return writer.result(reps)


def measure_video(
    video: Path,
    model: ModelFile,
    request: Request,
    annotate: bool = False,
    on_step: OnStep | None = None,
    mirror: bool = False,
) -> Session:
    """Measure a video and log it, as `measure` does; `mirror` plays it mirrored, for validation only."""
    return _measure_video(video, model, request, annotate, on_step, mirror, _open_log)


def _measure_video(
    video: Path,
    model: ModelFile,
    request: Request,
    annotate: bool,
    on_step: OnStep | None,
    mirror: bool,
    open_: _Open[M],
) -> M:
    with closing(VideoFile(video)) as file:
        flip = mirror != request.mirrored
        source = Turned(file, request.rotate, flip) if request.rotate or flip else file
        as_it_is = source is file
        known = choice.for_video(video, source.info.size_px, request.calibration, request.data, request.person, look=as_it_is)
        return _measure(source, model, request, annotate, on_step, False, known, None, SYSTEM, open_)


def measure(
    source: Source,
    model: ModelFile,
    request: Request,
    annotate: bool = False,
    on_step: OnStep | None = None,
    live: bool = False,
    known: Known | None = None,
    follow: tuple[float, float] | None = None,
    clock: Clock = SYSTEM,
) -> Session:
    """Measure a source of frames and log it; closes the source.

    `known` is what is known of camera, floor and person before the first frame; nothing without it. `follow` is a point on the
    person to measure in the first picture, px. `clock` dates the session and tells how long reading takes.

    Raises
    ------
    RotrackError
        After the log was closed with what was measured until then.
    """
    return _measure(source, model, request, annotate, on_step, live, known or Known(), follow, clock, _open_log)


def _measure(
    source: Source,
    model: ModelFile,
    request: Request,
    annotate: bool,
    on_step: OnStep | None,
    live: bool,
    known: Known,
    follow: tuple[float, float] | None,
    clock: Clock,
    open_: _Open[M],
) -> M:
    try:
        legnet = LegNet(request.drill.posture) if request.legnet else None
        provenance = _provenance(model, request)
        with (
            Landmarker(model, follow=follow, lying=request.drill.posture.record.lying) as landmarker,
            open_(request, source.info, provenance, known, clock) as writer,
        ):
            poses = (
                read_live(source, landmarker, legnet, always=bool(request.drill.without_legnet), clock=clock)
                if live
                else read_recorded(source, landmarker, legnet)
            )
            with closing(poses), _video(writer, request, source.info, annotate) as video:
                reps = _run(poses, request, writer, on_step, video, source, live, known)
        return writer.result(reps)
    finally:
        source.close()


def measure_on(
    poses: Generator[tuple[Frame, Pose]],
    source: Source,
    model: ModelFile,
    request: Request,
    annotate: bool = False,
    on_step: OnStep | None = None,
    known: Known | None = None,
    setup: Sequence[SetupFinding] = (),
    clock: Clock = SYSTEM,
) -> Session:
    """Measure a camera whose landmarks are being read already, as `measure` does, and log it; times count from here.

    Parameters
    ----------
    poses : generator of (Frame, Pose)
        What the camera gives from now on, with legs if the request wants them; closed at the end.
    source, model, request, annotate, on_step, known
        As for `measure`; the source is left open.
    setup : sequence of SetupFinding
        What the set-up check found at the start, for the log.
    clock : Clock
        Dates the session.

    Raises
    ------
    RotrackError
        After the log was closed with what was measured until then.
    """
    provenance = _provenance(model, request) | {"setup": tuple(setup)}
    known = known or Known()
    with (
        _open_log(request, source.info, provenance, known, clock) as writer,
        closing(_from_now(poses)) as rest,
        _video(writer, request, source.info, annotate) as video,
    ):
        reps = _run(rest, request, writer, on_step, video, source, live=True, known=known)
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


def _video(
    writer: _Writer[Measured], request: Request, source: SourceInfo, annotate: bool
) -> AbstractContextManager[VideoWriter | None]:
    if not annotate or not isinstance(writer, SessionWriter):
        return nullcontext()
    overlay = Overlay(request.drill, request.sides)
    return VideoWriter(writer.folder / VIDEO, overlay, source.size_px, source.fps)


def _open_log(
    request: Request,
    source: SourceInfo,
    provenance: dict[str, Any],
    known: Known,
    clock: Clock,
    started: datetime | None = None,
) -> SessionWriter:
    notes = refresh_table(request.data, clock)  # takes over what an earlier version wrote
    person = None
    if tidy(request.person):
        with locked(request.data):
            person = known_or_new(request.data, request.person, clock)
    writer = SessionWriter(request.data, _record(request, source, provenance, known, clock, started, person), clock)
    writer.notes = notes
    return writer


def _in_memory(request: Request, source: SourceInfo, provenance: dict[str, Any], known: Known, clock: Clock) -> MemoryWriter:
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
    drill, origin = request.drill, request.origin
    started = origin.started_at if origin else started or request.recorded_at or clock.now()
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
        note=clean_text(request.note),
        band=clean_text(request.band),
        load_kg=request.load_kg,
        rotated_deg=request.rotate,
        mirrored=request.mirrored,
        source=SourceRecord(kind=source.kind, name=clean_text(source.name), size_px=source.size_px, fps=source.fps),
        archive_file=origin.file if origin else "",
        calibration=str(known.calibration.used_for(drill.posture).level),
        calibration_profiles=dict(known.calibration.names),
        calibration_used=logged(known.calibration),
        calibration_notes=tuple(known.notes),
        assumed_field_of_view_deg=None if known.calibration.lens else ASSUMED_FIELD_OF_VIEW_DEG,
        zero="neutral pose",
        convention_version=CONVENTION_VERSION,
        measure_version=measure_version(request.tracker.correct, request.legnet),
        rotrack_version=metadata.version("rotrack"),
        settings=request.tracker,
        correction_version=load_corrections().version if request.tracker.correct else "",
        **provenance,
    )


def _run(
    poses: Iterable[tuple[Frame | None, Pose]],
    request: Request,
    writer: _Writer[Measured],
    on_step: OnStep | None,
    video: VideoWriter | None,
    source: Source | None = None,
    live: bool = False,
    known: Known | None = None,
) -> tuple[Rep, ...]:
    """Measure poses to the end, or until `on_step` says stop or something fails; the log is complete in every case."""
    tracker = RotationTracker(request.drill, request.sides, request.tracker, calibration=(known or Known()).calibration)
    board = Scoreboard()
    status, doubt, interrupted = Status.STOPPED, "", False
    try:
        with closing(_steps(poses, tracker, board, writer)) as steps:
            for frame, step in steps:
                if video and frame is not None:
                    video.append(frame, step, board)
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
        doubts = (*(known.warnings if known else ()), doubt)
        _finish(tracker, board, writer, status if board.measured or interrupted else Status.NOT_MEASURED, doubts, live)
    if interrupted:
        if not board.frames:
            raise KeyboardInterrupt  # there is nothing to keep
        return tuple(board.reps)
    if not board.frames:
        raise NotMeasuredError(NOTHING_TO_MEASURE)
    if not board.measured:
        raise NotMeasuredError(_why_nothing(board, request.drill))
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
    tracker: RotationTracker, board: Scoreboard, writer: _Writer[Measured], status: Status, doubts: tuple[str, ...], live: bool
) -> None:
    warnings = [doubt for doubt in doubts if doubt]
    warnings += [said for zero in writer.record.zeros if (said := zero_moved(zero))]
    upright = not tracker.drill.posture.record.lying
    missing = board.cut_off.most_common(1)[0][0] if board.cut_off and upright else ""
    if board.frozen:
        warnings.append(
            f"The camera repeated the same frame for {board.frozen_s:.1f} s: nothing is measured there, and no hold lasts longer "
            "for it."
        )
    if board.several_people:
        warnings.append(
            "Several people were in the picture: check in the annotated video that the legs are drawn on the right person, "
            "or measure again with one person in view."
        )
    writer.update(
        status=status,
        frames=board.frames,
        duration_s=round(board.duration_s, 3),
        measured_fps=round(board.fps, 2),
        measured_share={side: round(share, 3) for side, share in board.measured_share.items()},
        reasons=dict(board.reasons.most_common()),
        neutrals=tuple(board.neutrals),
        camera_advice={n.side: n.advice for n in board.neutrals if n.advice},
        speed_advice=speed_advice(writer.record.model, board.fps) if live and board.fps < LEAST_HZ else "",
        cut_off=legs_are_enough(missing) if missing else "",
        apart=tuple(board.apart),
        warnings=tuple(warnings),
    )


def _why_nothing(board: Scoreboard, drill: Drill) -> str:
    reason = board.main_reason
    return (
        f"Nothing could be measured: {reason}. Put the camera as `rotrack drills {drill.id}` says, with both legs in the "
        "picture from hip to toes, and hold still for a second before you begin."
    )
