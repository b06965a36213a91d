"""Single pictures of a stored video by their time, for looking at a session afterwards."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from rotrack.core.errors import SourceError
from rotrack.sensing.sources import VideoFile
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

IDLE_S = 30.0
"""A video that nobody looks at is closed after this long."""
READ_ON = 60
"""Up to this many frames ahead, reading on is faster than looking the place up."""
WIDEST_PX = 1280
JPEG_QUALITY = 80


class VideoPictures:
    """The pictures of a video with a constant rate, any of them at any time.

    The file is opened when a picture is asked for, and closed when none has been for a while. Reading in order is as fast as
    decoding; every method may be called from any thread.

    Parameters
    ----------
    path : Path
        The video.
    idle_s : float
        After how long without being asked the file is closed, s.
    clock : Clock
        Tells when that is.

    Raises
    ------
    SourceError
        If the file is missing or cannot be read as a video.
    """

    def __init__(self, path: Path, idle_s: float = IDLE_S, clock: Clock = SYSTEM) -> None:
        self.path = path
        """The video."""
        self._idle_s, self._clock = idle_s, clock
        info = VideoFile.probe(path)
        self._frames = max(info.frames, 1)
        self.fps = info.fps if math.isfinite(info.fps) else 30.0
        """Frames per second."""
        self._lock = threading.Lock()
        self._capture: cv2.VideoCapture | None = None
        self._released = threading.Event()
        self._used_s = 0.0
        self._next = 0
        self._number, self._jpeg = -1, b""

    @property
    def duration_s(self) -> float:
        """Length of the video, s."""
        return self._frames / self.fps

    def at(self, time_s: float) -> bytes:
        """Return the picture nearest to a time as a JPEG; before the first and after the last one, those, and for NaN the first.

        Parameters
        ----------
        time_s : float
            Time from the start of the video, s.

        Raises
        ------
        SourceError
            If the video is damaged or gone.
        """
        number = 0 if math.isnan(time_s) else round(min(max(time_s * self.fps, 0.0), self._frames - 1.0))
        with self._lock:
            self._used_s = self._clock.monotonic_s()
            if number != self._number:
                self._jpeg = self._read(number)
                self._number = number
            return self._jpeg

    def close(self) -> None:
        """Release the file; safe to call twice, and the next `at` opens it again."""
        with self._lock:
            self._release()

    def _read(self, number: int) -> bytes:
        capture = self._opened()
        if 0 <= number - self._next <= READ_ON:
            for _ in range(number - self._next):
                capture.grab()
        else:
            capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        found, bgr = capture.read()
        self._next = number + 1
        if not found or bgr is None:
            self._release()
            raise SourceError("{name} is damaged: there is no picture at {n:.1f} s.", name=self.path.name, n=number / self.fps)
        height, width = bgr.shape[:2]
        if width > WIDEST_PX:
            bgr = cv2.resize(bgr, (WIDEST_PX, round(height * WIDEST_PX / width)), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1].tobytes()

    def _opened(self) -> cv2.VideoCapture:
        if self._capture is None:
            capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
            if not capture.isOpened():
                raise SourceError("{name} cannot be opened; it was moved or deleted.", name=self.path.name)
            self._capture, self._next = capture, 0
            self._released = threading.Event()
            threading.Thread(target=self._close_when_idle, args=(self._released,), name="idle", daemon=True).start()
        return self._capture

    def _close_when_idle(self, released: threading.Event) -> None:
        left_s = self._idle_s
        while not self._clock.wait(released, left_s):
            with self._lock:
                left_s = self._used_s + self._idle_s - self._clock.monotonic_s()
                if left_s <= 0 and not released.is_set():
                    self._release()

    def _release(self) -> None:
        self._released.set()
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        self._number, self._jpeg = -1, b""
