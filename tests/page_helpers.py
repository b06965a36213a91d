"""What the tests of the page share: a film instead of camera and pose model, the real program in a process, a real browser."""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from clocks import DEAD_AFTER_S, ManualClock
from conftest import recording
from helpers import PATIENT_S, FakeLegNet, environment, obey_control_c, stop, wait_until, write_video

from rotrack.app.live import studio as studio_module
from rotrack.app.live.studio import Phase, Plan, Studio
from rotrack.core.errors import SourceError
from rotrack.core.messages import Sentence, say
from rotrack.core.model import Frame, Pose, Side
from rotrack.measure.request import Request
from rotrack.placement.check import CHECKS
from rotrack.placement.finding import Move, SetupFinding, State
from rotrack.placement.view import Angle
from rotrack.sensing.sources import SourceInfo

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
"""The browser of the tests; they fail in CI and are skipped elsewhere if there is none."""
SIZE_PX = (640, 480)
FILM = "http://film"
TOO_DARK = SetupFinding("light", State.PROBLEM, say("setup.light_dark"))
LOST = Sentence(
    "Camera '{camera}' stopped giving pictures; plug it in again, then it goes on by itself. What was measured until then "
    "is kept.",
    camera=FILM,
)


def still(pose: Pose, seconds: float, fps: float = 30.0) -> list[Pose]:
    """Return somebody who does not move."""
    return [pose] * round(seconds * fps)


def seated(seconds_before: float = 4.0, times: int = 1) -> list[Pose]:
    """Return somebody who sits still and then turns the right leg inwards four times, or several times four times."""
    poses = list(recording("internal_right").poses)
    return still(poses[0], seconds_before) + poses * times


@dataclass
class Film:
    """Stands in for camera, pose model and set-up check; its pictures come at their time by its clock.

    It plays as fast as it is read and moves the clock on with every picture, to its end, where it stops. From a picture on it
    can be paced instead: then every further one comes when a test moves the clock on to it (`next_picture`), and the last one
    stays.

    Parameters
    ----------
    poses : list of Pose
        One per picture; their times do not matter.
    fps : float
        Frames per second.
    paced_from : int, optional
        The first picture that waits for the clock.
    unplugged : set of int
        Before which pictures the camera is unplugged; it comes back by `plug_in`.
    noticed_after_s : float
        How long the program does not notice that.
    bad : range
        Pictures in which the set-up is not good.
    problem : SetupFinding
        What is not good about it then.
    broken : dict of int to BaseException
        What the pose model raises at which pictures.
    legnet : FakeLegNet
        The leg network.
    """

    poses: list[Pose]
    fps: float = 30.0
    paced_from: int | None = None
    unplugged: Collection[int] = ()
    noticed_after_s: float = 0.0
    bad: Iterable[int] = ()
    problem: SetupFinding = TOO_DARK
    broken: dict[int, BaseException] = field(default_factory=dict)
    legnet: FakeLegNet = field(default_factory=FakeLegNet)
    angles: dict[str, Angle] = field(default_factory=dict)
    """What the set-up check knows of the camera."""
    plugged: threading.Event = field(default_factory=threading.Event)
    """Whether the camera can be opened."""
    chosen: list[tuple[float, float]] = field(default_factory=list)
    shown: int = 0
    """Number of the picture that was given last."""
    next_s: float = 0.0
    """When the next one is due, by the clock."""
    over: threading.Event = field(default_factory=threading.Event)
    """Whether the program is done with its last picture."""
    closed: threading.Event = field(default_factory=threading.Event)
    """Whether the program has closed a camera."""
    clock: ManualClock = field(default_factory=ManualClock)
    _holds: dict[int, tuple[threading.Event, threading.Event]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plugged.set()

    def hold(self, index: int) -> None:
        """Stop before a picture until `go_on`."""
        self._holds[index] = (threading.Event(), threading.Event())

    def wait_for(self, index: int) -> None:
        """Wait until the film stops before a picture."""
        assert self._holds[index][0].wait(DEAD_AFTER_S), f"picture {index} never came; the last one was {self.shown}"

    def go_on(self, index: int) -> None:
        """Let the film go on from there."""
        self._holds[index][1].set()

    def go_on_everywhere(self) -> None:
        """Let the film go on wherever it stops, now and later."""
        for index in self._holds:
            self.go_on(index)

    def at(self, index: int) -> None:
        """Be told that a picture is next."""
        if index in self._holds:
            reached, on = self._holds[index]
            reached.set()
            on.wait(DEAD_AFTER_S)
        self.shown = index

    def again(self) -> None:
        """Be played from the beginning when the camera is opened next."""
        self.shown = 0
        self.over.clear()

    def next_picture(self) -> None:
        """Let a paced film give one more picture."""
        self.clock.advance_to(self.next_s)

    def plug_in(self, after_s: float) -> None:
        """Wait until the program waits for the camera to come back, and let it do so after some time."""
        self.clock.until_awaited()
        self.plugged.set()
        self.clock.advance(after_s)

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of camera, pose model and check in the studio."""
        monkeypatch.setattr(studio_module, "Camera", lambda spec, loop, clock: _FilmCamera(self, spec))
        monkeypatch.setattr(studio_module, "Landmarker", lambda model, lying=False: _FilmLandmarker(self))
        monkeypatch.setattr(studio_module, "LegNet", lambda posture: self.legnet)
        monkeypatch.setattr(studio_module, "SetupCheck", lambda drill, sides, calibration=None: _FilmCheck(self))


class _FilmCamera:
    """One plugging in of the film's camera."""

    def __init__(self, film: Film, spec: str) -> None:
        if not film.plugged.is_set():
            raise SourceError(f"Camera '{spec}' cannot be opened.")
        self._film, self._closed = film, threading.Event()
        self._first = film.shown + 1 if film.shown else 0
        self.started_s = film.clock.monotonic_s()
        self.info = SourceInfo("camera", spec, SIZE_PX, film.fps, 0)
        self.warning = ""

    def __iter__(self) -> Iterator[Frame]:
        picture = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
        film = self._film
        for count in itertools.count():
            index = self._first + count
            due_s = self.started_s + count / film.fps
            paced = film.paced_from is not None and index >= film.paced_from
            if index == len(film.poses):
                film.over.set()
                if not paced:
                    self._closed.wait()
            if paced:
                film.clock.wait_until(self._closed, due_s)
            if count and index in film.unplugged:
                if film.clock.wait(self._closed, film.noticed_after_s):
                    return
                raise SourceError("gone")
            film.clock.advance_to(due_s)
            film.at(index)
            if self._closed.is_set():
                return
            film.next_s = self.started_s + (count + 1) / film.fps  # before anybody sees this one
            yield Frame(count, round(count / film.fps, 6), picture)

    def close(self) -> None:
        self._closed.set()
        self._film.closed.set()


class _FilmLandmarker:
    def __init__(self, film: Film) -> None:
        self._film = film

    def choose(self, point_px: tuple[float, float]) -> None:
        self._film.chosen.append(point_px)

    def detect(self, frame: Frame) -> Pose:
        if frame.index in self._film.broken:
            raise self._film.broken[frame.index]
        return replace(self._film.poses[min(frame.index, len(self._film.poses) - 1)], time_s=frame.time_s)

    def __enter__(self) -> _FilmLandmarker:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _FilmCheck:
    def __init__(self, film: Film) -> None:
        self._film, self.chosen = film, False

    def update(self, frame: Frame, pose: Pose) -> tuple[SetupFinding, ...]:
        good = [SetupFinding(check, State.GOOD, "All is well.", Move.NONE) for check in CHECKS]
        if frame.index in self._film.bad:
            good[CHECKS.index(self._film.problem.check)] = self._film.problem
        return tuple(good)

    @property
    def angles(self) -> dict[str, Angle]:
        return self._film.angles

    def person_chosen(self) -> None:
        self.chosen = True


def plan(drill: str = "seated-internal", sides: tuple[Side, ...] = (Side.RIGHT,), **changes: object) -> Plan:
    """Return a plan for the film."""
    side, reps = "both" if len(sides) > 1 else sides[0], changes.pop("reps", 0)
    return Plan(Request(drill=drill, side=side, **{"model": "full", **changes}), reps)


def wait_for_phase(studio: Studio, phase: Phase) -> None:
    """Wait until the studio is in a phase; say what it says if it never gets there."""
    assert wait_until(lambda: studio.phase is phase, DEAD_AFTER_S, 0.001), (studio.phase, studio.problem, studio.lost)


def logged(data: Path) -> list[dict]:
    """Return session.json of every session."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(data.glob("sessions/*/session.json"))]


# ---------------------------------------------------------------------- the real program
class Program:
    """A running `rotrack app`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))
            self._lines.put(self.said[-1])

    def hear(self, pattern: str) -> re.Match[str]:
        """Wait until it says something new that has a pattern in it."""
        end_s = time.monotonic() + PATIENT_S
        while True:
            try:
                found = re.search(pattern, self._lines.get(timeout=max(end_s - time.monotonic(), 0)))
            except queue.Empty:
                pytest.fail(f"never said {pattern}: {self.said}")
            if found:
                return found

    @property
    def url(self) -> str:
        """Its address on this computer, without the token."""
        return self._printed.split("?")[0]

    def at(self, path: str = "") -> str:
        """Return the address of one of its pages that lets a browser in."""
        return f"{self.url}{path}{'&' if '?' in path else '?'}{self._printed.split('?')[1]}"

    def for_a_phone(self) -> str:
        """Return the address that lets a phone in, as it was printed last."""
        return [found[1] for line in self.said if (found := re.search(r"(https://\S+/phone\?\S+)", line))][-1]

    @property
    def _printed(self) -> str:
        return next(found[1] for line in self.said if (found := re.search(r"rotrack is at (http\S+)", line)))

    def ended(self) -> int:
        """Wait until it has ended by itself and return its exit code."""
        return self.process.wait(PATIENT_S)


@contextmanager
def program(data: Path, *args: object, first: str = "") -> Iterator[Program]:
    """Start the program as a person would, but without a browser; yields when it has told its address.

    `first` is code that runs before it.
    """
    with started(data, *args, first=first) as running:
        running.hear("rotrack is at http")
        yield running


@contextmanager
def started(data: Path, *args: object, first: str = "") -> Iterator[Program]:
    """Start the program and do not wait for what it says."""
    how = ["-c", f"{first}\nfrom rotrack.__main__ import main\nmain()"] if first else ["-m", "rotrack"]
    command = [sys.executable, *how, "app", "--no-open", "--out", str(data), *map(str, args)]
    env = environment(data.parent / "home", COLUMNS="1000")
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=env,
        preexec_fn=obey_control_c,
    )
    try:
        yield Program(process)
    finally:
        stop(process)


# ---------------------------------------------------------------------- cameras
def pictures(clip: Path) -> tuple[list[np.ndarray], float]:
    """Return the RGB pictures of a clip and how many there are a second."""
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG)
    found = []
    while (read := capture.read())[0]:
        found.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    fps = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return found, fps


def held_still(clip: Path, path: Path, seconds: float) -> Path:
    """Write a clip that begins with so much time of stillness."""
    found, fps = pictures(clip)
    return write_video(path, found[:1] * round(seconds * fps) + found, fps)


def as_film(clip: Path, path: Path, still_s: float = 0.0, size_px: tuple[int, int] | None = None) -> Path:
    """Write a clip as Chromium's fake camera plays it: pictures one behind the other, 30 a second, over and over.

    It begins with so much time of stillness.
    """
    found, _ = pictures(clip)
    with path.open("wb") as film:
        for rgb in found[:1] * round(30 * still_s) + found:
            bgr = cv2.cvtColor(cv2.resize(rgb, size_px) if size_px else rgb, cv2.COLOR_RGB2BGR)
            film.write(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    return path


def with_camera(film: Path) -> list[str]:
    """Return how Chromium is started with a film as its camera, which pages may use without asking."""
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]


class NetworkCamera:
    """A camera in the network that plays a clip over and over and can be unplugged."""

    def __init__(self, clip: Path) -> None:
        found, self._fps = pictures(clip)
        self._jpegs = [cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes() for rgb in found]
        self._port = 0
        self.plug_in()

    @property
    def address(self) -> str:
        """What to give as the camera."""
        return f"http://127.0.0.1:{self._port}/camera.mjpg"

    def plug_in(self) -> None:
        """Be there again, at the same address, with the first picture."""
        self._gone, self._shown = threading.Event(), 0
        camera, gone = self, self._gone

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                next_s = time.monotonic()
                while not gone.is_set():
                    jpeg = camera._jpegs[camera._shown % len(camera._jpegs)]
                    camera._shown += 1
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
                    try:
                        self.wfile.write(head + jpeg + b"\r\n")
                    except OSError:  # nobody looks any more
                        return
                    next_s += 1 / camera._fps
                    time.sleep(max(next_s - time.monotonic(), 0))

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), Answer)
        self._http.daemon_threads = True
        self._port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def unplug(self) -> None:
        """Be gone, for who looks now, too."""
        self._gone.set()
        self._http.shutdown()
        self._http.server_close()
