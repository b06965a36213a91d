"""First stage: frames in, each with its real time, from a video file or a camera.

`VideoFile` gives every frame with its presentation time, decoding ahead in a thread. `Camera` stamps frames at the grab and
keeps only the newest, so that a slow consumer sees the present, not a backlog; a file given as a camera plays in real time.
Both are iterables of `Frame`; an error in their thread is raised in the loop that reads them.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rotrack.core.errors import SourceError
from rotrack.core.messages import Message, Sentence
from rotrack.core.model import Frame
from rotrack.sensing.prefetch import ahead
from rotrack.sensing.shown import mirrored_turn_deg, shown_length_s
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.imports import when_used
from rotrack.system.inputs import masked

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

DECODE_AHEAD = 8
"""Frames decoded ahead of the consumer."""
OPEN_TIMEOUT_S = 5.0
"""How long a camera may take to open."""
LOST_AFTER_S = 3.0
"""A camera that gives no frame for this long is lost."""
ASK_AGAIN_S = 0.02
"""A camera that has no picture yet is asked again after this long."""
REOPEN_EVERY_S = 1.0
"""How long to wait before a camera that went away is tried again."""
WIDEST_PIXEL = 4.0
"""A file that tells of pixels wider or higher than this is not believed."""
_FOREIGN_CODECS = {b"AV01": "AV1", b"av01": "AV1", b"VVC1": "H.266", b"vvc1": "H.266"}
"""What new phones and screen recorders write and OpenCV's decoder may lack, by the four letters of the codec."""
CAMERA_SIZE_PX = (1280, 720)
"""Picture size asked of a camera; it answers with the nearest that it has."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its frames are read.

    Parameters
    ----------
    kind : str
        "video" or "camera".
    name : str
        File name, camera number or address.
    size_px : tuple of int
        Width and height of the picture as it will be delivered.
    fps : float
        Nominal frames per second; NaN when the source does not say.
    frames : int
        Number of frames announced; 0 when unknown.
    mirrored : bool
        Whether the file asks to be shown mirrored; the pictures are given as they are without that.
    pixel_aspect : float
        Width of a pixel of the file over its height; the pictures are given with square pixels.
    from_s, to_s : float
        Part of the file that is given, s; to its end where `to_s` is NaN.
    speed : float
        So many times slower than life the file plays; rate and times of the frames are those of life.
    """

    kind: str
    name: str
    size_px: tuple[int, int]
    fps: float
    frames: int
    mirrored: bool = False
    pixel_aspect: float = 1.0
    from_s: float = 0.0
    to_s: float = math.nan
    speed: float = 1.0

    @property
    def duration_s(self) -> float:
        """Announced length in seconds, NaN when unknown."""
        return self.frames / self.fps if self.frames and self.fps > 0 else float("nan")

    def part(self, from_s: float = math.nan, to_s: float = math.nan, speed: float = 1.0) -> SourceInfo:
        """Return it of a part only, s of its own time, NaN for its beginning and end; of a video that plays slower than life."""
        begin_s = 0.0 if math.isnan(from_s) else from_s
        length_s = min(self.duration_s, math.inf if math.isnan(to_s) else to_s) - begin_s
        frames = 0 if math.isnan(length_s) else round(max(length_s, 0.0) * self.fps)
        return replace(self, fps=self.fps * speed, frames=frames, from_s=begin_s, to_s=to_s, speed=speed)


class Source(Protocol):
    """What the rest of rotrack needs from a source of frames."""

    @property
    def info(self) -> SourceInfo:
        """What is known of it."""
        ...

    @property
    def warning(self) -> Message | str:
        """What went wrong without ending it; empty if nothing did."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order of time."""
        ...

    def close(self) -> None:
        """Release file or camera; safe to call twice."""
        ...


def _capture(target: str | int, backend: int) -> cv2.VideoCapture:
    if isinstance(target, str) and (name := target.encode("utf-8", "replace").decode()) != target:  # OpenCV would crash
        raise SourceError(
            "The name of {name} is not valid UTF-8 text, so the video cannot be opened; rename it.", name=Path(name).name
        )
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # problems are explained in our own words instead
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2.VideoCapture(target, backend)


def _unmirrored(capture: cv2.VideoCapture, path: Path) -> int | None:
    """Let a file that asks to be shown mirrored be read as it is; return its quarter turns clockwise, None if it does not ask."""
    turn_deg = mirrored_turn_deg(path)
    if turn_deg is None:
        return None
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return turn_deg // 90


def _rgb(bgr: np.ndarray, quarters: int | None, aspect: float) -> np.ndarray:
    """Return a picture as it was read in RGB order with square pixels, after quarter turns clockwise."""
    return _turned(cv2.cvtColor(_squared(bgr, aspect), cv2.COLOR_BGR2RGB), quarters or 0)


def _squared(picture: np.ndarray, aspect: float) -> np.ndarray:
    """Return a picture whose pixels are wider than high by a factor with square ones; it becomes larger, never smaller."""
    if aspect == 1:
        return picture
    height, width = picture.shape[:2]
    return cv2.resize(picture, (round(width * max(aspect, 1.0)), round(height * max(1 / aspect, 1.0))))


def _pixel_aspect(capture: cv2.VideoCapture) -> float:
    """Return width over height of a pixel as pictures are read; 1 if the file does not say, or says what no camera makes."""
    wide, high = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if not (wide > 0 and high > 0 and 1 / WIDEST_PIXEL <= wide / high <= WIDEST_PIXEL):
        return 1.0
    on_its_side = capture.get(cv2.CAP_PROP_ORIENTATION_AUTO) and capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180
    return float(high / wide if on_its_side else wide / high)


def _turned(rgb: np.ndarray, quarters: int) -> np.ndarray:
    """Return a picture, shape (H, W, 3), after quarter turns clockwise."""
    return np.ascontiguousarray(np.rot90(rgb, -quarters))


def _nominal_fps(capture: cv2.VideoCapture) -> float:
    fps = capture.get(cv2.CAP_PROP_FPS)
    return float(fps) if 0 < fps <= 1000 else float("nan")


class VideoFile:
    """Every frame of a video file with its presentation time.

    Rotation metadata is applied by the decoder, variable frame rates come out as their real times, and pixels that are not square
    are stretched until they are.

    Parameters
    ----------
    path : Path
        The video.

    Raises
    ------
    SourceError
        If the file is missing, unreadable or holds no picture.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SourceError("There is no video at {path}; check the path.", path=path)
        if path.stat().st_size == 0:
            raise SourceError("{name} is empty (0 bytes); record or copy it again.", name=path.name)
        self._capture = _capture(str(path), cv2.CAP_FFMPEG)
        opened = self._capture.isOpened()
        self._quarters = _unmirrored(self._capture, path)
        self._aspect = _pixel_aspect(self._capture)
        self._first = self._read(0, -1.0) if opened else None
        if self._first is None:
            codec = _FOREIGN_CODECS.get(int(self._capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little")) if opened else None
            self._capture.release()
            if codec:
                raise SourceError(
                    "{name} is a video in {codec}, which cannot be read here; convert it to MP4 (H.264), for instance "
                    "with HandBrake.",
                    name=path.name,
                    codec=codec,
                )
            raise SourceError(
                "{name} cannot be read as a video (damaged, cut off or not a video); convert it to MP4 (H.264) or "
                "record it again.",
                name=path.name,
            )
        height, width = self._first.rgb.shape[:2]
        fps = _nominal_fps(self._capture)
        frames = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        shown_s = shown_length_s(path)
        if shown_s < frames / fps:  # the file was trimmed without being coded anew: it holds more than it shows
            frames = round(shown_s * fps)
        mirrored = self._quarters is not None
        self.info = SourceInfo("video", path.name, (width, height), fps, frames, mirrored, self._aspect)
        self.warning = ""
        self._decoding: Generator[Frame] | None = None

    @classmethod
    def probe(cls, path: Path) -> SourceInfo:
        """Return what is known of a video without reading all of it; same errors as opening it."""
        video = cls(path)
        video.close()
        return video.info

    def _read(self, index: int, previous_s: float) -> Frame | None:
        ok, bgr = self._capture.read()
        if not ok or bgr is None:
            return None
        time_s = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0, 6)
        if not time_s > previous_s:  # containers without times repeat or reset them
            fps = _nominal_fps(self._capture)
            time_s = round(previous_s + 1.0 / (fps if np.isfinite(fps) else 30.0), 6) if index else 0.0
        return Frame(index, time_s, _rgb(bgr, self._quarters, self._aspect))

    def glances(self, shares: Iterable[float]) -> Iterator[Frame]:
        """Yield single pictures from these shares of the video, as far as they can be read; not to be mixed with iterating."""
        for share in shares:
            number = int(share * self.info.frames)
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            frame = self._read(number, -1.0)
            if frame is not None:
                yield frame

    def _frames(self) -> Generator[Frame]:
        frame, self._first = self._first, None
        while frame is not None:
            yield frame
            frame = self._read(frame.index + 1, frame.time_s)

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame once; a second iteration yields nothing."""
        last_s = 0.0
        with contextlib.closing(ahead(self._frames(), DECODE_AHEAD)) as frames:
            self._decoding = frames
            for frame in frames:
                last_s = frame.time_s
                yield frame
        self._capture.release()
        announced_s = self.info.duration_s
        if last_s < 0.95 * announced_s - 0.5:
            self.warning = Sentence(
                "{name} ends after {n:.1f} s of {m:.1f} s: it is cut off or damaged. What could be read was "
                "measured; copy the video again for the rest.",
                name=self.info.name,
                n=last_s,
                m=announced_s,
            )

    def close(self) -> None:
        """Stop decoding and release the file."""
        if self._decoding is not None:
            self._decoding.close()
        self._capture.release()


class Turned:
    """Another source with every picture turned clockwise, and mirrored after that.

    Parameters
    ----------
    source : Source
        What gives the pictures.
    rotate_deg : int
        0, 90, 180 or 270.
    mirrored : bool
        Whether the turned pictures are mirrored left to right.
    """

    def __init__(self, source: Source, rotate_deg: int = 0, mirrored: bool = False) -> None:
        self._source, self._quarters, self._mirrored = source, rotate_deg // 90, mirrored
        size_px = source.info.size_px
        self.info = replace(source.info, size_px=size_px[::-1] if self._quarters % 2 else size_px)

    @property
    def warning(self) -> Message | str:
        """Warning of the source."""
        return self._source.warning

    def __iter__(self) -> Iterator[Frame]:
        """Yield the turned frames."""
        for frame in self._source:
            rgb = _turned(frame.rgb, self._quarters)
            yield replace(frame, rgb=np.ascontiguousarray(rgb[:, ::-1] if self._mirrored else rgb))

    def close(self) -> None:
        """Release the source."""
        self._source.close()


class Part:
    """A part of a video at the speed of life.

    Parameters
    ----------
    source : Source
        What gives the frames.
    from_s, to_s : float
        Where the part begins and ends, s of the video's own time; NaN for its beginning and its end.
    speed : float
        So many times slower than life the video plays.
    """

    def __init__(self, source: Source, from_s: float = math.nan, to_s: float = math.nan, speed: float = 1.0) -> None:
        self._source = source
        self.info = source.info.part(from_s, to_s, speed)

    @property
    def warning(self) -> Message | str:
        """Warning of the source."""
        return self._source.warning

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames of the part, numbered and timed from its beginning; raises SourceError if there is none."""
        part, index, last_s = self.info, 0, 0.0
        for frame in self._source:
            last_s = frame.time_s
            if frame.time_s > part.to_s:
                return
            if frame.time_s >= part.from_s:
                yield Frame(index, round((frame.time_s - part.from_s) / part.speed, 6), frame.rgb)
                index += 1
        if not index:
            raise SourceError(
                "{name} ends at {n:.1f} s; nothing is left from {m:g} s on.", name=part.name, n=last_s, m=part.from_s
            )

    def close(self) -> None:
        """Release the source."""
        self._source.close()


class Camera:
    """The newest frame of a camera, stamped at the grab.

    Parameters
    ----------
    spec : str
        Number of the camera ("0"), part of its name, an address (rtsp://, http://), or a video file, which then plays as
        a camera would, in real time.
    open_timeout_s : float
        How long to wait for it to open and to give its first picture.
    loop : bool
        Whether a video file starts again at its end, because a camera has no end.
    clock : Clock
        What stamps the pictures, paces a file, and tells how long nothing came.

    Raises
    ------
    SourceError
        If it does not open in time, is busy, or does not exist.
    """

    def __init__(self, spec: str, open_timeout_s: float = OPEN_TIMEOUT_S, loop: bool = False, clock: Clock = SYSTEM) -> None:
        self._named, self._clock = masked(spec), clock
        self._is_file = Path(spec).is_file()
        self._loop = loop and self._is_file
        self.started_s = math.nan
        self._target, self._backend = _camera_target(spec, self._is_file)
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._fps = float("nan")
        self._quarters: int | None = None
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self.warning = ""
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()
        with self._changed:
            clock.wait_for(self._changed, lambda: self._newest or self._error or self._ended, open_timeout_s)
        if self._error or self._newest is None:
            self.close()
        if self._error:
            raise self._error
        if self._newest is None:
            raise SourceError(
                "Camera '{camera}' gave no picture within {n:.0f} s. Close other programs that use it, check its "
                "plug and its permission, or choose another one; `rotrack doctor` lists the cameras found.",
                camera=self._named,
                n=open_timeout_s,
            )
        height, width = self._newest.rgb.shape[:2]
        self.info: SourceInfo = SourceInfo(
            "camera",
            Path(spec).name if self._is_file else self._named,
            (width, height),
            self._fps,
            0,
            self._quarters is not None,
        )

    def _run(self) -> None:
        capture = None
        try:
            capture = _capture(self._target, self._backend)
            if not capture.isOpened():
                raise SourceError(
                    "Camera '{camera}' cannot be opened: it does not exist, is in use by another program, or access is "
                    "not allowed. Close other programs that use it; `rotrack doctor` lists the cameras found.",
                    camera=self._named,
                )
            if not self._is_file:
                capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
                capture.set(cv2.CAP_PROP_FRAME_WIDTH, CAMERA_SIZE_PX[0])
                capture.set(cv2.CAP_PROP_FRAME_HEIGHT, CAMERA_SIZE_PX[1])
            self._fps = _nominal_fps(capture)
            self._quarters = _unmirrored(capture, Path(self._target)) if isinstance(self._target, str) and self._is_file else None
            self._aspect = _pixel_aspect(capture) if self._is_file else 1.0
            self._grab(capture)
        except BaseException as error:  # noqa: BLE001  raised again in the reading thread
            with self._changed:
                self._error = error
                self._changed.notify_all()
        finally:
            if capture is not None:
                capture.release()

    def _grab(self, capture: cv2.VideoCapture) -> None:
        start_s: float | None = None
        index, last_s, played_s = 0, self._clock.monotonic_s(), 0.0
        while not self._stop.is_set():
            grabbed = capture.grab()
            now_s = self._clock.monotonic_s()
            if not grabbed:
                if self._loop and index > 1:
                    capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                    played_s = now_s - (start_s or now_s) + (1.0 / self._fps if self._fps > 0 else 0.0)
                    continue
                if self._is_file and index:
                    break
                if now_s - last_s > LOST_AFTER_S:
                    raise SourceError(self._lost())
                self._clock.sleep(ASK_AGAIN_S)
                continue
            last_s = now_s
            start_s = now_s if start_s is None else start_s
            self.started_s = start_s
            if self._is_file:  # play at the recorded pace
                if index == 1:  # the second picture waits until somebody looks
                    self._wanted.wait()
                    self.started_s = start_s = now_s = self._clock.monotonic_s()
                wait_s = start_s + played_s + capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0 - now_s
                if self._clock.wait(self._stop, wait_s):
                    break
                now_s = max(now_s, now_s + wait_s)
            ok, bgr = capture.retrieve()
            if not ok:
                continue
            frame = Frame(index, round(now_s - start_s, 6), _rgb(bgr, self._quarters, self._aspect))
            index += 1
            with self._changed:
                self._newest = frame
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _lost(self) -> str:
        return Sentence(
            "Camera '{camera}' stopped giving pictures; plug it in again and start a new session. What was "
            "measured until then is kept.",
            camera=self._named,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame whenever there is one that was not yielded yet."""
        seen = -1
        self._wanted.set()
        try:
            while True:
                with self._changed:
                    fresh = self._clock.wait_for(
                        self._changed,
                        lambda: self._error or self._ended or (self._newest and self._newest.index > seen),  # noqa: B023
                        2 * LOST_AFTER_S,
                    )
                    frame = self._newest
                    if frame is None or frame.index <= seen:
                        if self._error:
                            raise self._error
                        if self._ended:
                            return
                        if not fresh:
                            raise SourceError(self._lost())
                        continue
                seen = frame.index
                yield frame
        finally:
            self.close()

    def close(self) -> None:
        """Stop grabbing and release the camera; its thread is waited for, since it must not outlive the program."""
        self._stop.set()
        self._wanted.set()
        self._thread.join(timeout=LOST_AFTER_S)


class PatientCamera:
    """A camera that may be unplugged: waits for it to come back and goes on, in the same time.

    Parameters
    ----------
    open_camera : callable
        Opens the camera; called again every second while it is away.
    give_up : callable
        Asked every second while it is away whether to stop waiting.
    clock : Clock
        Tells when a second is over.

    Raises
    ------
    SourceError
        If it does not open the first time.
    """

    def __init__(
        self, open_camera: Callable[[], Camera], give_up: Callable[[], bool] = lambda: False, clock: Clock = SYSTEM
    ) -> None:
        self._open, self._give_up, self._clock = open_camera, give_up, clock
        self._camera = open_camera()
        self.info: SourceInfo = self._camera.info
        self.warning = ""
        self.lost = ""
        """Why there is no picture now; empty while there is one."""
        self._closed = threading.Event()
        self._shift_s = 0.0

    @property
    def started_s(self) -> float:
        """Monotonic time of the first picture, s; the times of the frames count from there."""
        return self._camera.started_s - self._shift_s

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frames; while the camera is away there is none."""
        index = 0
        while not self._closed.is_set():
            try:
                first = index
                for frame in self._camera:
                    self.lost = ""
                    index = first + frame.index + 1
                    yield Frame(index - 1, frame.time_s + self._shift_s, frame.rgb)
                return
            except SourceError:
                self.lost = self.warning = Sentence(
                    "Camera '{camera}' stopped giving pictures; plug it in again, then it goes on by itself. What was "
                    "measured until then is kept.",
                    camera=self.info.name,
                )
            self._wait_for_it()

    def _wait_for_it(self) -> None:
        started_s = self.started_s
        while not self._clock.wait(self._closed, REOPEN_EVERY_S):
            with contextlib.suppress(SourceError):
                self._camera = self._open()
                self._shift_s = self._camera.started_s - started_s
                self.warning = "The camera was away for a while and came back; the neutral pose was taken anew after it."
                return
            if self._give_up():
                self._closed.set()

    def close(self) -> None:
        """Stop waiting and release the camera."""
        self._closed.set()
        self._camera.close()


def _camera_target(spec: str, is_file: bool) -> tuple[str | int, int]:
    if is_file:
        return spec, cv2.CAP_FFMPEG
    if "://" in spec:
        return spec, cv2.CAP_ANY
    if spec.isdigit():
        return int(spec), camera_backend()
    matches = [c for c in list_cameras() if spec.lower() in c.name.lower()]
    if len(matches) != 1:
        found = ", ".join(f"{c.index} ({c.name})" for c in list_cameras()) or "none"
        if matches:
            raise SourceError(
                "More than one camera has '{camera}' in its name. Cameras found: {found}. Give a number or a longer name.",
                camera=spec,
                found=found,
            )
        raise SourceError(
            "No camera or file has '{camera}' in its name. Cameras found: {found}. Give a number or a longer name.",
            camera=spec,
            found=found,
        )
    return matches[0].index, matches[0].backend


def camera_backend() -> int:
    """Return OpenCV's number of the camera interface that opens fastest and surest on this system."""
    return {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}.get(sys.platform, cv2.CAP_ANY)


@dataclass(frozen=True, slots=True)
class CameraFound:
    """A camera that the system knows of."""

    index: int
    name: str
    backend: int


def list_cameras() -> list[CameraFound]:
    """Return the cameras that the system lists, without opening them."""
    from cv2_enumerate_cameras import enumerate_cameras

    found: list[Any] = list(enumerate_cameras(camera_backend()))
    return [CameraFound(int(c.index) % 100, str(c.name), camera_backend()) for c in found]
