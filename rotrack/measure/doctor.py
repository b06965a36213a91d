"""What `rotrack doctor` looks at: whether everything is here that a session needs, and how fast it is."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Literal

from rotrack.core.errors import LibraryError, ModelError, RotrackError
from rotrack.core.rates import LEAST_HZ, rate_words
from rotrack.sensing.landmarker import MODELS, Landmarker, find_model, speed_advice
from rotrack.sensing.legnet import description
from rotrack.sensing.sources import Camera, VideoFile, list_cameras
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import make_folder
from rotrack.system.imports import TO_SHOW, advice_for, load, missing_libraries
from rotrack.texts import Texts

PACKAGES = ("mediapipe", "opencv-python", "numpy", "pandas", "scipy", "plotly")
FRAMES_TO_TIME = 60
WARM_UP_FRAMES = 10
CAMERA_LOOK_S = 2.0
LITTLE_SPACE_BYTES = 500e6


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check-up: what was looked at, what was found, and what to do about it."""

    grade: Literal["ok", "note", "problem"]
    what: str
    found: str
    advice: str = ""


def checkup(data: Path, open_cameras: bool, clock: Clock = SYSTEM) -> Iterator[Finding]:
    """Yield the findings one by one; nothing is changed and nothing leaves the computer. The clock times the models."""
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    yield Finding("ok", "system", system)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("rotrack", *PACKAGES))
    yield Finding("ok", "versions", versions)
    yield _folder(data)
    yield _leg_network()
    opencv = _opencv()
    yield opencv
    if opencv.grade == "problem":  # without it there is nothing more to look at
        return
    yield _screen()
    for model in MODELS:
        yield from _model(model, clock)
    yield from _cameras(open_cameras)


def _folder(data: Path) -> Finding:
    try:
        make_folder(data)
        with tempfile.TemporaryFile(dir=data):
            pass
        free = shutil.disk_usage(data).free
    except OSError as error:
        advice = "Choose another folder with --out or ROTRACK_HOME."
        return Finding("problem", "data folder", f"{data}: {error.strerror}", advice)
    found = f"{data}, {free / 1e9:.1f} GB free"
    if free < LITTLE_SPACE_BYTES:
        return Finding("note", "data folder", found, "Free some space: a session with video takes about 10 MB a minute.")
    return Finding("ok", "data folder", found)


def _opencv() -> Finding:
    try:
        load("cv2")
    except LibraryError as error:
        return Finding(
            "problem", "OpenCV", str(error), "What needs no picture works all the same: history, progress, report, export."
        )
    return Finding("ok", "OpenCV", "can be loaded")


def _screen() -> Finding:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Finding("note", "screen", "none", "`rotrack live` needs one; the page and `rotrack analyze` do not.")
    missing = missing_libraries(TO_SHOW)
    if missing:
        return Finding("note", "screen", f"found, but a window needs {', '.join(missing)}", f"{advice_for(missing)}.")
    return Finding("ok", "screen", "found")


def _model(name: str, clock: Clock) -> Iterator[Finding]:
    try:
        model = find_model(name)
        yield Finding("ok", f"model {name}", f"checksum right ({model.sha256[:12]}...)")
        with Landmarker(model, watch_people=False) as landmarker:
            clip = VideoFile(Path(str(resources.files("rotrack").joinpath("media/demo.mp4"))))
            start_s = 0.0
            for frame in clip:
                landmarker.detect(frame)
                if frame.index == WARM_UP_FRAMES:
                    start_s = clock.monotonic_s()
                if frame.index == WARM_UP_FRAMES + FRAMES_TO_TIME:
                    break
            rate_hz = FRAMES_TO_TIME / (clock.monotonic_s() - start_s)
            clip.close()
    except RotrackError as error:
        yield Finding("problem", f"model {name}", str(error), "Install rotrack again.")
        return
    slow = rate_hz < LEAST_HZ
    faster = speed_advice(name, rate_hz)
    advice = Texts().said(faster) if faster else "Close other programs; record videos and use `rotrack analyze`."
    yield Finding("note" if slow else "ok", f"speed {name}", rate_words(rate_hz), advice if slow else "")


def _leg_network() -> Finding:
    try:
        card = description()
    except ModelError as error:
        return Finding("problem", "leg network", str(error))
    return Finding("ok", "leg network", f"version {card['version']}, checksum right ({card['sha256'][:12]}...)")


def _cameras(open_them: bool) -> Iterator[Finding]:
    cameras = list_cameras()
    if not cameras:
        advice = "Plug one in and allow this program to use it; videos can be measured with `rotrack analyze`."
        yield Finding("note", "cameras", "none found", advice)
    for found in cameras:
        what = f"camera {found.index}"
        if not open_them:
            yield Finding("ok", what, found.name)
            continue
        try:
            camera = Camera(str(found.index))
        except RotrackError as error:
            yield Finding("problem", what, f"{found.name}: does not open", str(error))
            continue
        first_s = last_s = 0.0
        frames = 0
        try:
            for frame in camera:
                first_s = frame.time_s if frames == 0 else first_s
                last_s, frames = frame.time_s, frames + 1
                if last_s - first_s > CAMERA_LOOK_S:
                    break
        except RotrackError as error:
            yield Finding("problem", what, f"{found.name}: stopped", str(error))
            continue
        finally:
            camera.close()
        rate_hz = (frames - 1) / max(last_s - first_s, 1e-6)
        width, height = camera.info.size_px
        slow = rate_hz < LEAST_HZ
        advice = "Turn on more light (cameras slow down in the dark) or close other programs." if slow else ""
        found_text = f"{found.name}: {width}x{height}, {rate_words(rate_hz)}"
        yield Finding("note" if slow else "ok", what, found_text, advice)
