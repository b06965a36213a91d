"""The live window: shows annotated pictures and returns key presses. The only module that opens a window."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.errors import InputError
from rotrack.system.imports import TO_SHOW, advice_for, missing_libraries, when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

TITLE = "rotrack"
ROOM_PX = (1200, 640)
"""Width and height that the picture fills at first: what a small laptop (1366 x 768) leaves between its bars."""
PROBE_S = 30.0
KEYS = "q end   f full screen   m mirror   n new neutral"


class Key(Enum):
    """What a key press, or closing the window, asks for."""

    NONE = 0
    END = 1
    MIRROR = 2
    NEUTRAL = 3


_FULL_SCREEN = ord("f")
_KEYS = {ord("q"): Key.END, 27: Key.END, ord("m"): Key.MIRROR, ord("n"): Key.NEUTRAL}


class Window:
    """A resizable window, which the key f spreads over the whole screen and back; a context manager.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the pictures, px.
    instead : str
        What to do where no window can be opened, for the sentence that says so.

    Raises
    ------
    InputError
        If there is no screen to open it on.
    """

    def __init__(self, size_px: tuple[int, int], instead: str = "record a video and use `rotrack analyze` instead") -> None:
        if not _screen_found():
            missing = missing_libraries(TO_SHOW)
            if missing:
                raise InputError(f"A window needs {', '.join(missing)}, which this computer lacks: {advice_for(missing)}.")
            raise InputError(f"There is no screen to open a window on; {instead}.")
        os.environ.setdefault("QT_LOGGING_RULES", "*=false")
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            scale = min(room / size for room, size in zip(ROOM_PX, size_px, strict=True))
            cv2.resizeWindow(TITLE, *(round(size * scale) for size in size_px))
        except cv2.error as error:
            raise InputError(f"The window cannot be opened ({error.err}); {instead}.") from error
        self._shown = False

    def show(self, bgr: np.ndarray) -> Key:
        """Show a picture, shape (H, W, 3), uint8, BGR, and return what was pressed since the last one."""
        try:
            if self._shown and cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                return Key.END
        except cv2.error:  # the last window is gone, and with it whom to ask
            return Key.END
        cv2.imshow(TITLE, bgr)
        self._shown = True
        pressed = cv2.waitKey(1) & 0xFF
        if pressed == _FULL_SCREEN:
            full = cv2.getWindowProperty(TITLE, cv2.WND_PROP_FULLSCREEN) == cv2.WINDOW_FULLSCREEN
            cv2.setWindowProperty(TITLE, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_NORMAL if full else cv2.WINDOW_FULLSCREEN)
        return _KEYS.get(pressed, Key.NONE)

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _screen_found() -> bool:
    """Return whether a window can be opened; tried in a process of its own, since without a screen the library ends it."""
    if not sys.platform.startswith("linux"):
        return True
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    code = f"import cv2; cv2.namedWindow({TITLE!r})"
    try:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PROBE_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
