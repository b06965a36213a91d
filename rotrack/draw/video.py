"""Writes the annotated video beside the measuring, in a thread behind a bounded queue."""

from __future__ import annotations

import copy
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from rotrack.core.errors import RecordError
from rotrack.core.model import Frame, Step
from rotrack.draw.overlay import Overlay
from rotrack.system.files import FILE_MODE, explained
from rotrack.system.imports import when_used
from rotrack.tracking.scoreboard import Scoreboard

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

QUEUE_LENGTH = 8
LONGEST_FILL_S = 10.0
"""Of a longer time without a picture the video leaves out the rest, or measuring would wait until it is filled."""
HIGHEST_FPS = 60.0


class VideoWriter:
    """Draws and encodes frames as they come; a context manager.

    The file is for its owner only. It has a constant rate near the source's (60 at most); frames are repeated or left out so that
    its time is the time of the source.

    Parameters
    ----------
    path : Path
        The file, Matroska: what was written can be played even if the program is killed.
    overlay : Overlay
        What draws on the frames.
    size_px : tuple of int
        Width and height.
    fps : float
        Nominal rate of the source; NaN means unknown.

    Raises
    ------
    RecordError
        If the file cannot be made.
    """

    def __init__(self, path: Path, overlay: Overlay, size_px: tuple[int, int], fps: float) -> None:
        self._path, self._overlay, self._written = path, overlay, 0
        self._fps = min(fps, HIGHEST_FPS) if fps > 0 else 30.0
        with explained(path):
            path.touch(FILE_MODE)  # the encoder would let others read it
            path.chmod(FILE_MODE)
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it would say of every frame, `close` says once
        self._writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), self._fps, size_px)
        if not self._writer.isOpened():
            raise RecordError(f"The video {path} cannot be written; choose another folder with --out, or use --no-video.")
        self._queue: queue.Queue[tuple[Frame, Step, Scoreboard] | None] = queue.Queue(QUEUE_LENGTH)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)
        self._thread.start()

    def append(self, frame: Frame, step: Step, board: Scoreboard) -> None:
        """Add a frame; waits while the encoder is behind."""
        shown = copy.copy(board)  # the board goes on counting while this frame waits
        shown.reps, shown.best, shown.held_s = list(board.reps[-20:]), dict(board.best), dict(board.held_s)
        self._queue.put((frame, step, shown))

    def _run(self) -> None:
        start_s = None
        while (item := self._queue.get()) is not None:
            if self._error:
                continue
            try:
                frame, step, board = item
                start_s = frame.time_s if start_s is None else start_s
                due = round((frame.time_s - start_s) * self._fps) + 1
                if due - self._written > LONGEST_FILL_S * self._fps:
                    start_s += (due - self._written) / self._fps - LONGEST_FILL_S
                    due = self._written + round(LONGEST_FILL_S * self._fps)
                if due > self._written:
                    picture = self._overlay.draw(frame.rgb, step, board)
                    for _ in range(due - self._written):
                        self._writer.write(picture)
                    self._written = due
            except BaseException as error:  # noqa: BLE001  raised again in close
                self._error = error

    def close(self) -> None:
        """Finish the file; raises what went wrong in the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
            self._writer.release()
            if self._error:
                raise self._error
            if not _whole(self._path, self._written):
                raise RecordError(
                    f"The video {self._path} could not be written whole; make room on the disk. What was measured is kept."
                )

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _whole(path: Path, frames: int) -> bool:
    """Return whether a finished video can be opened and holds so many frames; the encoder does not tell that a disk was full."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return frames == 0 or (bool(capture.read()[0]) and capture.get(cv2.CAP_PROP_FRAME_COUNT) >= 0.98 * frames - 1)
    finally:
        capture.release()
