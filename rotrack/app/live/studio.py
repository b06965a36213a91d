"""The one camera and the session on it: runs beside the pages, which all show the same.

A thread reads the camera, checks the set-up, and then measures with the same parts as the command line. A second thread turns
the newest picture into a JPEG with the legs drawn in, as long as somebody looks. Nothing here waits for a page, and no picture
waits for another: who is slow sees fewer of them.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from rotrack.app.live.coach import Coach, Say
from rotrack.calibration import choice
from rotrack.core.drills import Drill
from rotrack.core.errors import RotrackError
from rotrack.core.model import Direction, Frame, Pose, Rep, Side, Step
from rotrack.draw.overlay import live_picture
from rotrack.measure import run
from rotrack.placement.check import SetupCheck
from rotrack.placement.finding import SetupFinding, State
from rotrack.records.session import Session
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.legnet import LegNet, description
from rotrack.sensing.reader import read_live
from rotrack.sensing.sources import REOPEN_EVERY_S, Camera, PatientCamera, Source
from rotrack.system.clock import SYSTEM, Clock
from rotrack.tracking.scoreboard import Scoreboard

START_STILL_S = 2.0
"""How long to hold still for the neutral pose on the page, where a count-down leads to it: long enough to be meant, short enough
to be kept. What a neutral pose needs at least is `tracking.neutral.NEUTRAL_S`."""
ALL_GOOD_S = 1.5
"""When the set-up has been good for this long, the start begins by itself."""
TRACE_S = 20.0
"""Length of the live trace."""
LEFT_ALONE_S = {"check": 30.0, "measure": 600.0}
"""When no page has looked for this long, the camera is closed; a session is ended and kept."""
RATE_OVER_S = 2.0
SAID_KEPT = 20


class Phase(StrEnum):
    """Where the session is."""

    IDLE = "idle"
    """No camera is open."""
    CHECK = "check"
    """The camera is open and the set-up is checked; nothing is logged."""
    MEASURE = "measure"
    """Measuring and logging."""
    DONE = "done"
    """The session is over; the camera is closed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the person wants to do.

    Parameters
    ----------
    drill : Drill
        The drill.
    sides : tuple of Side
        The legs.
    person : str
        Name for the log; may be empty.
    reps : int
        Repetitions per leg after which it ends by itself; 0: when somebody says so.
    model : str
        Pose model.
    keep_video : bool
        Whether the video is stored with the session.
    note, band : str
        For the log.
    load_kg : float
        For the log; NaN without a load.
    """

    drill: Drill
    sides: tuple[Side, ...]
    person: str = ""
    reps: int = 5
    model: str = "heavy"
    keep_video: bool = False
    note: str = ""
    band: str = ""
    load_kg: float = math.nan


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture and what was found in it.

    Parameters
    ----------
    frame : Frame
        The picture.
    pose : Pose
        The landmarks.
    grabbed_s : float
        Monotonic time of the grab, s.
    findings : tuple of SetupFinding
        What the set-up check says; empty while measuring.
    legs : dict of Side to dict
        What the gauges show; empty while the set-up is checked.
    cue : str
        What to say about the form now.
    turn : Side, optional
        The leg whose turn it is.
    ready : bool
        Whether it was said that the movement may begin.
    """

    frame: Frame
    pose: Pose
    grabbed_s: float
    findings: tuple[SetupFinding, ...] = ()
    legs: dict[Side, dict[str, Any]] | None = None
    cue: str = ""
    turn: Side | None = None
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """What pages show: a shot as a JPEG."""

    number: int
    shot: Shot
    jpeg: bytes
    size_px: tuple[int, int]


class Studio:
    """The camera and the session; every method may be called from any thread.

    Parameters
    ----------
    camera : str
        What to open, as for `rotrack live`; a video plays over and over.
    data : Path
        The data folder.
    calibration, legnet
        As for `run.make_request`.
    clock : Clock
        The time that camera, session and pages go by.
    """

    def __init__(
        self, camera: str, data: Path, calibration: tuple[str, ...] = (), legnet: bool = True, clock: Clock = SYSTEM
    ) -> None:
        self.camera, self.data, self.legnet, self.clock, self._calibration = camera, data, legnet, clock, calibration
        self.plan: Plan | None = None
        self.prepared = 0
        """How often a session was prepared; a page of an earlier one has to load anew."""
        self.phase = Phase.IDLE
        self.problem = ""
        """What is in the way now, in words; empty if nothing is."""
        self.session_id = ""
        """The session that was measured last."""
        self.rate_hz = 0.0
        """Measured frames per second."""
        self.trace: deque[tuple[float, dict[Side, float]]] = deque()
        self.said: deque[tuple[int, Say]] = deque(maxlen=SAID_KEPT)
        self.picture: Picture | None = None
        self._says = 0
        self._grabbed_s = 0.0
        self._looked_s = 0.0
        self._source: PatientCamera | None = None
        self._thread: threading.Thread | None = None
        self._begin, self._stop, self._retake = threading.Event(), threading.Event(), threading.Event()
        self._person_at: tuple[float, float] | None = None
        self._shots = threading.Condition()
        self._shot: Shot | None = None
        self._viewers: set[Callable[[], object]] = set()
        self._one_at_a_time, self._lock = threading.Lock(), threading.Lock()
        self._closed = self._another = False
        self._drawer = threading.Thread(target=self._draw, name="draw", daemon=True)
        self._drawer.start()

    # ------------------------------------------------------------------ what pages ask for
    def prepare(self, plan: Plan) -> None:
        """Open the camera and check the set-up for a plan; a session that runs is ended and kept.

        Raises
        ------
        RotrackError
            If the plan cannot be carried out.
        """
        request = self._request(plan)
        find_model(plan.model)
        if self.legnet:
            description()
        with self._one_at_a_time:
            self._another = True
            self.end()
            self.join()
            self._another = False
            self._begin.clear()
            self._stop.clear()
            self._retake.clear()
            self._person_at = None
            self._looked_s = self.clock.monotonic_s()
            self.plan, self.problem, self.session_id, self.rate_hz, self.picture = plan, "", "", 0.0, None
            self.prepared += 1
            self.trace.clear()
            self.said.clear()
            self._change(Phase.CHECK)
            self._thread = threading.Thread(target=self._run, args=(plan, request), name="studio", daemon=True)
            self._thread.start()

    def begin(self) -> None:
        """Begin to measure, whatever the set-up check says."""
        self._begin.set()

    def retake(self) -> None:
        """Take the neutral pose again."""
        self._retake.set()

    def choose_person(self, at: tuple[float, float]) -> None:
        """Measure the person at a point of the picture, given as shares of its width and height."""
        self._person_at = at

    def end(self) -> None:
        """End the session; what was measured is kept. A camera that hangs takes some seconds."""
        self._stop.set()
        source = self._source
        if source is not None:  # no further picture may ever come
            source.close()

    def join(self) -> None:
        """Wait until the session is over and the camera is closed."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def close(self) -> None:
        """End everything."""
        self.end()
        self.join()
        with self._shots:
            self._closed = True
            self._shots.notify_all()

    def watch(self, changed: Callable[[], object]) -> Callable[[], None]:
        """Call `changed` from now on after every new picture or other change; return what ends that."""
        with self._lock:
            self._viewers.add(changed)

        def leave() -> None:
            with self._lock:
                self._viewers.discard(changed)

        return leave

    # ------------------------------------------------------------------ the session
    def _request(self, plan: Plan) -> run.Request:
        side = "both" if len(plan.sides) > 1 else plan.sides[0]
        request = run.make_request(
            plan.drill.id, side, self.data, plan.person, plan.note,
            calibration=self._calibration, band=plan.band, load_kg=plan.load_kg, legnet=self.legnet,
        )  # fmt: skip
        return replace(request, tracker=replace(request.tracker, neutral_s=START_STILL_S))

    def _run(self, plan: Plan, request: run.Request) -> None:
        try:
            session = self._session(plan, request)
            if session is not None:
                self.session_id = session.id
        except RotrackError as error:
            self.problem = str(error)
        except BaseException:
            self.problem = "An error of rotrack's own ended the session; what was measured is kept. The terminal shows the error."
            raise
        finally:
            with self._shots:  # no picture of it may be drawn later
                self._source = self._shot = self.picture = None
            done = bool(self.session_id or self.problem) and self.phase is Phase.MEASURE
            if not self._another:  # pages of this one follow to the next and must not go home or to the result before it is there
                self._change(Phase.DONE if done else Phase.IDLE)

    def _session(self, plan: Plan, request: run.Request) -> Session | None:
        camera = self._opened()
        if camera is None:
            return None
        model = find_model(plan.model)
        with contextlib.closing(camera), Landmarker(model, lying=plan.drill.posture.record.lying) as landmarker:
            known, source = choice.for_camera(camera, self.camera, request.calibration, self.data, plan.person, self.clock)
            check = SetupCheck(plan.drill, plan.sides, known.calibration)
            frames, legnet = self._frames(source, landmarker, check), (LegNet(plan.drill.posture) if self.legnet else None)
            poses = self._watched(read_live(frames, landmarker, legnet, always=bool(plan.drill.without_legnet), clock=self.clock))
            findings = self._checked(poses, check)
            if findings is None:
                return None
            self._change(Phase.MEASURE)
            coach = Coach(plan.sides, plan.reps, START_STILL_S, plan.drill.posture.record.one_leg)

            def on_step(frame: Frame | None, step: Step, board: Scoreboard) -> run.Ask | None:
                assert frame is not None
                return self._measured(frame, step, board, coach)

            return run.measure_on(poses, source, model, request, plan.keep_video, on_step, known, findings, clock=self.clock)

    def _opened(self) -> PatientCamera | None:
        """Open the camera; while it cannot be opened, say why and try again, until somebody ends it."""
        while not self._stop.is_set():
            try:
                self._source = PatientCamera(self._open, self._left_alone, self.clock)
            except RotrackError as error:
                self._say_problem(str(error))
                if self._left_alone():
                    self._stop.set()
                self.clock.wait(self._stop, REOPEN_EVERY_S)
                continue
            self._say_problem("")
            return self._source
        return None

    def _open(self) -> Camera:
        return Camera(self.camera, loop=True, clock=self.clock)

    def _frames(self, source: Source, landmarker: Landmarker, check: SetupCheck) -> Generator[Frame]:
        for frame in source:
            at, self._person_at = self._person_at, None
            if at is not None:
                height, width = frame.rgb.shape[:2]
                landmarker.choose((at[0] * width, at[1] * height))
                check.person_chosen()
            yield frame

    def _watched(self, poses: Generator[tuple[Frame, Pose]]) -> Generator[tuple[Frame, Pose]]:
        times: deque[float] = deque()
        for frame, pose in poses:
            times.append(self.clock.monotonic_s())
            while times[-1] - times[0] > RATE_OVER_S:
                times.popleft()
            if len(times) > 2:
                self.rate_hz = (len(times) - 1) / (times[-1] - times[0])
            if self._left_alone():
                self._stop.set()
            if self._source is not None:
                self._grabbed_s = self._source.started_s + frame.time_s
            yield frame, pose

    def _left_alone(self) -> bool:
        """Return whether no page has looked for so long that nobody will."""
        now_s = self.clock.monotonic_s()
        if self._viewers:
            self._looked_s = now_s
        return now_s - self._looked_s > LEFT_ALONE_S[self.phase]

    def _checked(self, poses: Iterable[tuple[Frame, Pose]], check: SetupCheck) -> tuple[SetupFinding, ...] | None:
        """Check the set-up until all is good or somebody begins; return the findings, or None if it was given up."""
        good_since_s = math.nan
        for frame, pose in poses:
            findings = check.update(frame, pose)
            self._show(Shot(frame, pose, self._grabbed_s, findings))
            if self._stop.is_set():
                return None
            good = all(finding.state == State.GOOD or _is_hint(finding) for finding in findings)
            good_since_s = (frame.time_s if math.isnan(good_since_s) else good_since_s) if good else math.nan
            if self._begin.is_set() or frame.time_s - good_since_s >= ALL_GOOD_S:
                return findings
        return None

    def _measured(self, frame: Frame, step: Step, board: Scoreboard, coach: Coach) -> run.Ask | None:
        assert self.plan is not None
        for say in coach.update(step, board):
            self._says += 1
            self.said.append((self._says, say))
        now_s = step.pose.time_s
        self.trace.append((now_s, {side: sample.live_deg for side, sample in step.samples.items()}))
        while self.trace[0][0] < now_s - TRACE_S:
            self.trace.popleft()
        turn = coach.leg(board)
        legs = {side: _leg(side, step, board, self.plan.drill) for side in self.plan.sides}
        cue = next(iter((step.cues or {}).values()), "")
        self._show(Shot(frame, step.pose, self._grabbed_s, (), legs, cue, turn, coach.ready))
        if self._stop.is_set() or (self.plan.reps and turn is None):
            return run.Ask.STOP
        if self._retake.is_set():
            self._retake.clear()
            return run.Ask.NEUTRAL
        return None

    # ------------------------------------------------------------------ pictures
    def _show(self, shot: Shot) -> None:
        with self._shots:
            self._shot = shot
            self._shots.notify_all()

    def _draw(self) -> None:
        number = 0
        while True:
            with self._shots:
                self._shots.wait_for(lambda: self._closed or self._shot is not None)
                if self._closed:
                    return
                shot, self._shot = self._shot, None
            if shot is None or not self._viewers:
                self.picture = None  # who looks later must not see an old one
                continue
            number += 1
            sides = self.plan.sides if self.plan else ()
            jpeg, size_px = live_picture(shot.frame.rgb, shot.pose, sides)
            with self._shots:
                self.picture = Picture(number, shot, jpeg, size_px) if self._source else None
            self._tell()

    # ------------------------------------------------------------------ changes
    def _say_problem(self, text: str) -> None:
        if text != self.problem:
            self.problem = text
            self._change(self.phase)

    def _change(self, phase: Phase) -> None:
        self.phase = phase
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            viewers = tuple(self._viewers)
        for changed in viewers:
            changed()

    @property
    def lost(self) -> str:
        """Why the camera gives no picture now; empty while it does."""
        source = self._source
        return source.lost if source is not None else ""


def _is_hint(finding: SetupFinding) -> bool:
    """Return whether a problem keeps nobody from measuring: few frames per second make the error wider, not the angle wrong."""
    return finding.check == "rate" and finding.state == State.PROBLEM


def _leg(side: Side, step: Step, board: Scoreboard, drill: Drill) -> dict[str, Any]:
    """Return what the gauge of a leg shows; angles in degrees, internal positive, NaN where there is none."""
    sample, last = step.samples.get(side), board.last(side)
    return {
        "angle_deg": sample.live_deg if sample else math.nan,
        "error_deg": sample.uncertainty_deg if sample else math.nan,
        "reason": sample.reason if sample else "",
        "still_s": step.still_s.get(side, math.nan),
        "moving": side in step.moving,
        "count": board.count(side),
        "best_deg": {direction: board.best.get((side, direction), math.nan) for direction in Direction},
        "held_s": board.held_s.get(side, 0.0),
        "last": _last(last),
    }


def _last(rep: Rep | None) -> dict[str, Any] | None:
    if rep is None:
        return None
    return {
        "direction": rep.direction, "peak_deg": rep.peak_deg, "error_deg": rep.uncertainty_deg,
        "faults": list(rep.faults), "hold_s": rep.hold_s, "rep": rep.rep,
    }  # fmt: skip
