"""The one camera and the session on it: runs beside the pages, which all show the same.

A thread reads the camera, checks the set-up, and then measures with the same parts as the command line. A second thread turns
the newest picture into a JPEG with the legs drawn in, as long as somebody looks. Nothing here waits for a page, and no picture
waits for another: a slow viewer sees fewer of them.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rotrack.app.live.coach import Coach, Say, Usher
from rotrack.calibration import choice
from rotrack.core.drills import Drill
from rotrack.core.errors import InputError, RecordError, RotrackError
from rotrack.core.model import Direction, Frame, Pose, Side, Step
from rotrack.draw.overlay import live_picture
from rotrack.kinematics.camera import Calibration
from rotrack.measure import film, run
from rotrack.measure.before import Before, last_place
from rotrack.measure.request import Request
from rotrack.placement.again import AgainCheck, Against, same_shape
from rotrack.placement.check import SetupCheck
from rotrack.placement.finding import SetupFinding, State
from rotrack.records.history import clock_doubt
from rotrack.records.people import care_of
from rotrack.records.programmes import step_over
from rotrack.records.session import Session
from rotrack.records.store import read_sessions
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.legnet import LegNet, description
from rotrack.sensing.reader import read_live
from rotrack.sensing.sent import NAMES, Post, SentPictures
from rotrack.sensing.sources import REOPEN_EVERY_S, Camera, PatientCamera, Source
from rotrack.system.clock import SYSTEM, Clock
from rotrack.tracking.pipeline import load_libraries
from rotrack.tracking.scoreboard import Scoreboard

START_STILL_S = 2.0
"""How long to hold still for the neutral pose on the page, where a count-down leads to it: long enough to be meant, short enough
to be kept. What a neutral pose needs at least is `tracking.neutral.NEUTRAL_S`."""
ALL_GOOD_S = 1.5
"""When the set-up has been good for this long, the start begins by itself."""
TRACE_S = 20.0
"""Length of the live trace."""
AGAIN_WITHIN_S = 15.0
"""While all else is good, the start waits so long in all for the camera to be put where it stood last time; then it begins. Who
walks to the camera and moves it takes nothing away from that time."""
LEFT_ALONE_S = {"check": 30.0, "measure": 600.0}
"""When no page has looked for this long, the camera is closed; a session is ended and kept."""
RATE_OVER_S = 2.0
FIRST_CAMERA = "0"
"""What is opened where nobody says which camera."""
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
    request : Request
        What to measure and what to note; data folder, calibration and leg network are the studio's.
    reps : int
        Repetitions per leg after which it ends by itself; 0: when somebody says so.
    course, step
        The course that it is a step of, and which one; empty if of none.
    target_deg, hold_s
        How far each repetition is to go, and how long it is to be held; 0 where there is no target.
    language : str
        What is spoken and written where a browser has chosen no language of its own; empty for none in particular.
    """

    request: Request
    reps: int = 5
    course: str = ""
    step: int = 0
    target_deg: float = 0.0
    hold_s: float = 0.0
    language: str = ""

    @property
    def drill(self) -> Drill:
        """The drill."""
        return self.request.drill_record

    @property
    def sides(self) -> tuple[Side, ...]:
        """The legs."""
        return self.request.sides

    @property
    def person(self) -> str:
        """Name for the log; may be empty."""
        return self.request.person


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
    refusal : str
        Why the last repetition does not count, as long as that is to be read.
    against : Against, optional
        How the camera stands against the person's last session, while the set-up is checked.
    too_far_deg : float
        The range that is not to be passed and is, deg; NaN while none is.
    """

    frame: Frame
    pose: Pose
    grabbed_s: float
    findings: tuple[SetupFinding, ...] = ()
    legs: dict[Side, dict[str, Any]] | None = None
    cue: str = ""
    turn: Side | None = None
    ready: bool = False
    refusal: str = ""
    against: Against | None = None
    too_far_deg: float = math.nan


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
        What to open, as for `rotrack live`; a video plays over and over. Or `PHONE` or `BROWSER`, which send their pictures.
    data : Path
        The data folder.
    calibration, legnet
        As in a `Request`.
    clock : Clock
        The time that camera, session and pages go by.
    """

    def __init__(
        self, camera: str, data: Path, calibration: tuple[str, ...] = (), legnet: bool = True, clock: Clock = SYSTEM
    ) -> None:
        self.camera, self.data, self.legnet, self.clock, self._calibration = camera, data, legnet, clock, calibration
        self.camera_chosen = camera != FIRST_CAMERA
        """Whether somebody has said which camera to open since the program was started."""
        self.plan: Plan | None = None
        self.before: Before | None = None
        """Where the camera stood in the person's last session of this drill, if that is known."""
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
        self.heard = 0
        """The number of the last of these that any page has got."""
        self.picture: Picture | None = None
        self._says = 0
        self._doubted = ""
        self._grabbed_s = 0.0
        self._looked_s = 0.0
        self.post = Post(clock)
        """Where the pictures arrive when a phone or the browser is the camera."""
        self._source: PatientCamera | SentPictures | None = None
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
    def ask_about_clock(self) -> None:
        """Ask whether the clock is right, if a session in the log is later than now; whoever goes on after that says that it is.

        Raises
        ------
        InputError
            The question, once for the same latest session.
        """
        with contextlib.suppress(RecordError):  # the history page says it
            sessions = read_sessions(self.data)[0]
            said = clock_doubt(sessions, self.clock.now())
            if said and sessions[-1].id != self._doubted:
                self._doubted = sessions[-1].id
                raise InputError(
                    "{doubt} Is the clock right? Then press the button again. If it is wrong, set it first: a session with a "
                    "wrong date is compared with no other.",
                    doubt=said,
                )

    def choose_camera(self, camera: str) -> None:
        """Open another camera from the next session on."""
        self.camera, self.camera_chosen = camera, True

    def prepare(self, plan: Plan) -> None:
        """Open the camera and check the set-up for a plan; a session that runs is ended and kept.

        Raises
        ------
        RotrackError
            If the plan cannot be carried out, or if the clock may be wrong and nobody was asked about it yet.
        """
        request = self._request(plan)
        self.ask_about_clock()
        find_model(plan.request.model)
        if self.legnet:
            description()
        before = None
        with contextlib.suppress(RotrackError):  # the history page says it
            before = last_place(self.data, plan.person, plan.drill, plan.sides)
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
            self.before = before
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
    def _request(self, plan: Plan) -> Request:
        return plan.request.but(
            out=self.data, calibration=self._calibration, legnet=self.legnet, neutral_s=START_STILL_S
        ).checked()

    def _run(self, plan: Plan, request: Request) -> None:
        try:
            session = self._session(plan, request)
            if session is not None:
                self.session_id = session.id
                if plan.course:
                    step_over(self.data, plan.course, plan.step, session.id)
        except RotrackError as error:
            self.problem = str(error)
        except BaseException:
            self.problem = "An error of rotrack's own ended the session; what was measured is kept. The terminal shows the error."
            raise
        finally:
            self.post.close()
            with self._shots:  # no picture of it may be drawn later
                self._source = self._shot = self.picture = None
            done = bool(self.session_id or self.problem) and self.phase is Phase.MEASURE
            if not self._another:  # pages of this one follow to the next and must not go home or to the result before it is there
                self._change(Phase.DONE if done else Phase.IDLE)

    def _session(self, plan: Plan, request: Request) -> Session | None:
        load_libraries()
        camera = self._opened()
        if camera is None:
            return None
        model = find_model(plan.request.model)
        with contextlib.closing(camera), Landmarker(model, lying=plan.drill.posture.record.lying) as landmarker:
            known, source = choice.for_camera(camera, self.camera, request.profiles, self.data, plan.person, self.clock)
            check = SetupCheck(plan.drill, plan.sides, known.calibration)
            frames, legnet = self._frames(source, landmarker, check), (LegNet(plan.drill.posture) if self.legnet else None)
            poses = self._watched(read_live(frames, landmarker, legnet, always=bool(plan.drill.without_legnet), clock=self.clock))
            care = care_of(self.data, plan.person, plan.drill)
            again = self._again(plan, source.info.size_px, known.calibration)
            findings = self._checked(poses, check, again, Usher(plan.drill, care.told))
            if findings is None:
                return None
            self._change(Phase.MEASURE)
            coach = Coach(plan.sides, plan.reps, START_STILL_S, plan.drill, care.most_deg, plan.hold_s)

            def on_step(frame: Frame | None, step: Step, board: Scoreboard) -> run.Ask | None:
                assert frame is not None
                return self._measured(frame, step, board, coach)

            return run.measure_on(poses, source, model, request, on_step, known, findings, self.clock, film.annotated(request))

    def _opened(self) -> PatientCamera | SentPictures | None:
        """Open the camera; while it cannot be opened, say why and try again, until somebody ends it."""
        while not self._stop.is_set():
            try:
                if self.camera in NAMES:
                    self._source = SentPictures(self.post, self.camera, self._left_alone, self.clock)
                else:
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

    def _again(self, plan: Plan, size_px: tuple[int, int], calibration: Calibration) -> AgainCheck | None:
        """Return what compares the camera with where it stood; None if that is not known, or was another camera's."""
        if self.before is None or not same_shape(self.before.placed.size_px, size_px):
            self.before = None
            return None
        return AgainCheck(self.before.placed, plan.drill.posture, calibration)

    def _checked(
        self, poses: Iterable[tuple[Frame, Pose]], check: SetupCheck, again: AgainCheck | None, usher: Usher
    ) -> tuple[SetupFinding, ...] | None:
        """Check the set-up until all is good or somebody begins; return the findings, or None if it was given up.

        A camera that stands elsewhere than last time is waited for, but not without an end.
        """
        good_since_s, before_s, waited_s = math.nan, math.nan, 0.0
        for frame, pose in poses:
            findings = check.update(frame, pose)
            there = (again.update(pose, check.angles),) if again else ()
            self._say(usher.update((*findings, *there), frame.time_s))
            against = again.against if again else None
            self._show(Shot(frame, pose, self._grabbed_s, (*findings, *there), against=against))
            if self._stop.is_set():
                return None
            good = all(finding.state == State.GOOD or _is_hint(finding) for finding in findings)
            good_since_s = (frame.time_s if math.isnan(good_since_s) else good_since_s) if good else math.nan
            waited_s += (frame.time_s - before_s) if good and math.isfinite(before_s) else 0.0
            before_s = frame.time_s
            as_then = all(finding.state is State.GOOD for finding in there) or waited_s >= AGAIN_WITHIN_S
            if self._begin.is_set() or (as_then and frame.time_s - good_since_s >= ALL_GOOD_S):
                return (*findings, *there)
        return None

    def _measured(self, frame: Frame, step: Step, board: Scoreboard, coach: Coach) -> run.Ask | None:
        assert self.plan is not None
        self._say(coach.update(step, board))
        now_s = step.pose.time_s
        self.trace.append((now_s, {side: sample.live_deg for side, sample in step.samples.items()}))
        while self.trace[0][0] < now_s - TRACE_S:
            self.trace.popleft()
        turn = coach.leg(board)
        legs = {side: _leg(side, step, board, self.plan.drill, coach.hold_s[side]) for side in self.plan.sides}
        cue = next(iter((step.cues or {}).values()), "")
        told: dict[str, Any] = {"ready": coach.ready, "refusal": coach.refusal(now_s), "too_far_deg": coach.too_far}
        self._show(Shot(frame, step.pose, self._grabbed_s, (), legs, cue, turn, **told))
        if self._stop.is_set() or (self.plan.reps and turn is None):
            return run.Ask.STOP
        if self._retake.is_set():
            self._retake.clear()
            return run.Ask.NEUTRAL
        return None

    def _say(self, said: Iterable[Say]) -> None:
        for say in said:
            self._says += 1
            self.said.append((self._says, say))

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


def _leg(side: Side, step: Step, board: Scoreboard, drill: Drill, hold_s: float) -> dict[str, Any]:
    """Return what the gauge of a leg shows; angles in degrees, internal positive, NaN where there is none."""
    sample = step.samples.get(side)
    return {
        "angle_deg": sample.live_deg if sample else math.nan,
        "error_deg": sample.uncertainty_deg if sample else math.nan,
        "reason": sample.reason if sample else "",
        "still_s": step.still_s.get(side, math.nan),
        "moving": side in step.moving,
        "count": board.counted(side, drill.directions),
        "valid": board.complete(side, drill.directions),
        "begun": board.last(side) is not None,
        "best_deg": {direction: board.best.get((side, direction), math.nan) for direction in Direction},
        "hold_s": hold_s,
    }
