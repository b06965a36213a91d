"""What several test modules share: clips made on the spot, the command line in and out of process, a virtual screen."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from rotrack.cli.terminal import ERR, OUT
from rotrack.core.model import (
    LEG_CROP_SHAPES,
    MEASURE_VERSION,
    CurvePoint,
    Direction,
    Frame,
    LegCrop,
    Pose,
    Rep,
    Side,
    Step,
    empty_pose,
)
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.core.tiers import Tier
from rotrack.records.landmarks import read_poses
from rotrack.records.record import SessionRecord, SourceRecord, Status
from rotrack.records.writer import SessionWriter
from rotrack.sensing.sources import SourceInfo

# Read once per process, and the tests write videos before rotrack reads one; a fresh process shows whether rotrack sets it.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Some CI systems ask for colours, which brings progress bars along; that too is read once.
for _wish in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
    os.environ.pop(_wish, None)

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
SAMPLES = ROOT / "sample_videos"
DEMO = Path(str(resources.files("rotrack").joinpath("media/demo.mp4")))
PATIENT_S = 180.0
"""Generous limit for one command on a busy computer."""
RED, BLUE = (255, 0, 0), (0, 0, 255)
_BITS = 10


def needs(*tools: str) -> pytest.MarkDecorator:
    """Skip where a tool is missing, except in CI, which has to have all of them."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=f"needs {', '.join(missing)}")


# ---------------------------------------------------------------------- clips
def write_video(path: Path, frames: Iterable[np.ndarray], fps: float = 30.0, fourcc: str = "mp4v") -> Path:
    """Write RGB frames as a video."""
    writer = None
    for rgb in frames:
        if writer is None:
            height, width = rgb.shape[:2]
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), fps, (width, height))
            assert writer.isOpened()
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert writer is not None
    writer.release()
    return path


def numbered_frame(number: int, size_px: tuple[int, int] = (320, 240)) -> np.ndarray:
    """Return an RGB picture with a red top left, a blue top right and its number as black and white blocks below."""
    width, height = size_px
    rgb = np.full((height, width, 3), 110, np.uint8)
    rgb[: height // 4, : width // 4] = RED
    rgb[: height // 4, -(width // 4) :] = BLUE
    for bit in range(_BITS):
        x0, x1 = bit * width // _BITS, (bit + 1) * width // _BITS
        rgb[height // 2 :, x0:x1] = 255 if number >> bit & 1 else 0
    return rgb


def frame_number(rgb: np.ndarray) -> int:
    """Read the number of a `numbered_frame` back."""
    height, width = rgb.shape[:2]
    centres = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(1 << bit for bit, x in enumerate(centres) if rgb[height * 3 // 4, x].mean() > 127)


def numbered_clip(path: Path, frames: int, fps: float = 30.0, fourcc: str = "mp4v") -> Path:
    """Write a clip of `numbered_frame`s."""
    return write_video(path, (numbered_frame(i) for i in range(frames)), fps, fourcc)


def is_colour(rgb: np.ndarray, wanted: tuple[int, int, int]) -> bool:
    """Return whether a pixel is near a colour, compression aside."""
    return bool(np.abs(rgb.astype(int) - wanted).max() < 60)


def demo_frames(first: int = 0, last: int | None = None, step: int = 1) -> list[np.ndarray]:
    """Return RGB frames of the demo clip."""
    capture = cv2.VideoCapture(str(DEMO), cv2.CAP_FFMPEG)
    frames = []
    while last is None or len(frames) < last:
        ok, bgr = capture.read()
        if not ok:
            break
        frames.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    capture.release()
    return frames[first:last:step]


# ---------------------------------------------------------------------- recorded poses instead of camera and model
class ReplayLandmarker:
    """Stands in for the pose model: gives the recorded poses of a fixture, frame by frame."""

    fixture = "internal_right"
    people = 1
    pointed_at_nobody = False

    def __init__(self, model: object, watch_people: bool = True, follow: object = None, lying: bool = False) -> None:
        self._poses = list(read_poses(FIXTURES / self.fixture))

    def detect(self, frame: Frame) -> Pose:
        """Return the recorded pose."""
        return replace(self._poses[frame.index], people=self.people)

    def __enter__(self) -> ReplayLandmarker:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def a_crop(seed: int = 0) -> LegCrop:
    """Return what the leg network could say of a leg, with as many digits as it has."""
    return LegCrop.of(np.round(np.random.default_rng(seed).uniform(-1, 400, sum(map(math.prod, LEG_CROP_SHAPES.values()))), 4))


class FakeLegNet:
    """Stands in for the leg network: says nothing, or the same of every picture with somebody in it."""

    says: ClassVar[dict[Side, LegCrop]] = {}

    def __init__(self, posture: Posture | None = None) -> None:
        pass

    def read(self, rgb: np.ndarray, pose: Pose) -> Pose:
        """Return the pose with what it says."""
        return pose if pose.reason else replace(pose, legs=self.says)


class BothLegs(FakeLegNet):
    """Says of both legs that they cannot be read."""

    says: ClassVar[dict[Side, LegCrop]] = {side: replace(a_crop(side is Side.LEFT), readable=0.0) for side in Side}


def replay(monkeypatch: pytest.MonkeyPatch, landmarker: type = ReplayLandmarker, legnet: type[FakeLegNet] = FakeLegNet) -> None:
    """Let recorded poses take the place of the models wherever something is measured and logged."""
    monkeypatch.setattr("rotrack.measure.run.Landmarker", landmarker)
    monkeypatch.setattr("rotrack.measure.run.LegNet", legnet)
    monkeypatch.setattr("rotrack.measure.run.turn_of", lambda video: 0)  # what is replayed is upright, whatever the pictures show


class ReplaySource:
    """Blank frames with the times of a fixture; `at` maps a frame number to an error that is raised there."""

    def __init__(self, fixture: str = "internal_right", at: dict[int, BaseException] | None = None) -> None:
        self.info = SourceInfo("camera", "replay", (640, 480), 30.0, 0)
        self.warning = ""
        self.closed = False
        self._at = at or {}
        self._times = [pose.time_s for pose in read_poses(FIXTURES / fixture)]

    def __iter__(self) -> Iterator[Frame]:
        picture = np.zeros((480, 640, 3), np.uint8)
        for index, time_s in enumerate(self._times):
            if index in self._at:
                raise self._at[index]
            yield Frame(index, time_s, picture)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


# ---------------------------------------------------------------------- sessions without a camera
def a_rep(number: int, peak_deg: float, side: Side = Side.LEFT, **changes: Any) -> Rep:
    """Return a valid repetition with this peak."""
    one = Rep(
        side, Direction.of(peak_deg), number, True, peak_deg, 4.0, math.nan, 1.0, peak_deg, abs(peak_deg),
        float(number), number + 0.5, number + 1.0, 0.4, (), "", 0.9,
    )  # fmt: skip
    return replace(one, **changes)


FOUR = tuple(a_rep(number, peak_deg) for number, peak_deg in enumerate((30.0, 34.0, 32.0, 50.0), start=1))
"""The best three of them are 50, 34 and 32 degrees, of the left leg inwards."""


def a_record(day: int = 1, **changes: Any) -> SessionRecord:
    """Return the record of a session of that day of January 2026, which is being measured."""
    drill = changes.get("drill", "seated-internal")
    known = {
        "session_id": f"202601{day:02}-080000-{drill}-{day:04x}",
        "started_at": datetime(2026, 1, day, 8, tzinfo=UTC),
        "status": Status.RUNNING,
        "person": "Ana",
        "drill": drill,
        "tier": Tier.A,
        "sides": (Side.LEFT, Side.RIGHT),
        "source": SourceRecord(kind="video", name="clip.mp4", size_px=(640, 480), fps=30.0),
        "calibration": "none",
        "zero": "neutral pose",
        "convention_version": "2",
        "measure_version": MEASURE_VERSION,
    }
    known |= changes
    return SessionRecord(**known | {"tier": Tier(known["tier"])})


def a_step(reps: tuple[Rep, ...] = (), curve: tuple[CurvePoint, ...] = (), time_s: float = 1.0) -> Step:
    """Return what a frame without anybody in it produced."""
    return Step(empty_pose(time_s, (640, 480), Reason.NOBODY), {}, curve, reps)


def log_session(data: Path, day: int = 1, reps: tuple[Rep, ...] = FOUR, **changes: Any) -> Path:
    """Log a session as measuring does; return its folder."""
    status = changes.pop("status", Status.FINISHED)
    with SessionWriter(data, a_record(day, **changes)) as writer:
        for rep in reps:
            writer.append(a_step((rep,), time_s=rep.end_s))
        writer.update(status=status)
    return writer.folder


def cut_off_session(data: Path, day: int = 1, reps: tuple[Rep, ...] = FOUR, **changes: Any) -> Path:
    """Log a session as a program leaves it that is killed: its lock lies there, and nobody holds it."""
    folder = log_session(data, day, reps, status=Status.RUNNING, **changes)
    (folder / "writing.lock").touch(0o600)
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """Return the contents of all files below a folder but locks, by their paths."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# ---------------------------------------------------------------------- the command line
@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def run_main(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *args: object, columns: int = 200) -> Ended:
    """Run the command line in this process, as the entry point does, in a terminal of so many columns."""
    from rotrack import cli

    monkeypatch.setattr(sys, "argv", ["rotrack", *map(str, args)])
    monkeypatch.setenv("COLUMNS", str(columns))
    for terminal in (OUT, ERR):
        monkeypatch.setattr(terminal, "width", columns)  # it was read when the terminal was first used
    capfd.readouterr()
    code = 0
    try:
        cli.run()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    said = capfd.readouterr()
    return Ended(code, *(re.sub(r"\x1b\[[\d;]*m", "", text) for text in said))


def environment(data: Path, **changes: str) -> dict[str, str]:
    """Return the environment for a command that must not touch the person's own data."""
    unwanted = ("DISPLAY", "WAYLAND_DISPLAY", "OPENCV_FFMPEG_LOGLEVEL")
    env = {k: v for k, v in os.environ.items() if k not in unwanted}
    return {**env, "ROTRACK_HOME": str(data), "COLUMNS": "200", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **changes}


def run_rotrack(data: Path, *args: object, **changes: str) -> Ended:
    """Run the command line in a process of its own, in the data folder's parent."""
    command = [sys.executable, "-m", "rotrack", *map(str, args)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENT_S,
        env=environment(data, **changes),
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def assert_one_sentence(ended: Ended, code: int, *words: str, guided: bool = False) -> None:
    """Check the house rule for bad input: its exit code, no traceback, one line that explains and ends as a sentence.

    `guided` allows the lines before it with which `rotrack live` says how to sit.
    """
    assert "Traceback" not in ended.err + ended.out, ended.err
    assert ended.code == code, (ended.code, ended.err)
    lines = [line for line in ended.err.splitlines() if line.strip()]
    assert len(lines) == 1 or guided, lines
    assert [line for line in lines if line.startswith("rotrack:")] == lines[-1:], lines
    assert re.match(r"rotrack: .{20,}[.)]$", lines[-1]), lines[-1]
    for word in words:
        assert word in lines[-1], (word, lines[-1])


# ---------------------------------------------------------------------- a virtual screen
def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0, every_s: float = 0.05) -> bool:
    """Wait patiently; return whether it came true."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        if condition():
            return True
        time.sleep(every_s)
    return condition()


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Start Xvfb on a free display and yield its name."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with os.fdopen(reader) as said:
            number = said.readline().strip()  # comes when the server is ready
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(30)


def screenshot(display: str, path: Path, size_px: tuple[int, int] = (1280, 900)) -> np.ndarray:
    """Return the screen as RGB and keep it as PNG."""
    size = f"{size_px[0]}x{size_px[1]}"
    grab = ["ffmpeg", "-v", "error", "-y", "-f", "x11grab", "-video_size", size, "-draw_mouse", "0", "-i", display]
    subprocess.run([*grab, "-frames:v", "1", str(path)], check=True, timeout=PATIENT_S, stdin=subprocess.DEVNULL)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def xdotool(display: str, *args: object) -> str:
    """Run xdotool and return what it says; it may fail, for instance when there is no such window yet."""
    env = {**os.environ, "DISPLAY": display}
    done = subprocess.run(["xdotool", *map(str, args)], env=env, capture_output=True, text=True, timeout=PATIENT_S)
    return done.stdout.strip()


def ask_window_to_close(display: str, window: int) -> None:
    """Do what the close button of a window manager does: send WM_DELETE_WINDOW."""

    class ClientMessage(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("rest", ctypes.c_long * 24),
        )

    x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    x11.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = x11.XOpenDisplay(display.encode())
    assert connection
    protocols = x11.XInternAtom(connection, b"WM_PROTOCOLS", 0)
    message = ClientMessage(type=33, window=window, message_type=protocols, format=32)
    message.data[0] = x11.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
    x11.XSendEvent(connection, window, 0, 0, ctypes.byref(message))
    x11.XCloseDisplay(connection)


def obey_control_c() -> None:
    """Undo, in a new process, that shells let their background jobs ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(process: subprocess.Popen[str]) -> None:
    """End a process that a test started, if it still runs."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        process.wait(30)
