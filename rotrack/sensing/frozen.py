"""Whether a camera or a recording repeats its last picture, and whether a picture is too dark to show anything.

A camera that hangs gives the same picture again and again; in a recording of it, the copies were compressed again and differ a
little. Either way the noise of the sensor is gone, which no living picture is without: what hardly changes anywhere is a copy
where the same source has trembled before. A source that shows no noise at all (drawn, or compressed until none is left) cannot
be judged, and never is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.model import Frame
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

SINCE_S = 0.2
"""A frame is compared with the newest one that is older than this. Copies that come between two fresh frames do no harm."""
ALONG, CELLS = 160, 32
"""Pixels that are looked at along the longer side of the picture, and cells over which they are averaged."""
QUIET_SHARE = 0.9
"""The share of the cells that shows the noise: those that change least. A moving person covers the others."""
NOISE_SHARE = 0.3
"""A copy changes by less than this share of the noise, in the cells that show it."""
STILL_MOST = 0.55
"""No cell of a copy changes by more, in grey levels. The sway of somebody who holds still changes one by 0.56 at the least (in
44 clips of rendered and real people), 0.7 to 2 in most."""
ONCE_FROZEN = 2.0
"""The copies after the first one may change by so many times as much: the parts of a picture that are compressed anew."""
NOISE_QUANTILE, NOISE_OVER, NOISE_FROM = 0.1, 300, 10
"""The noise is this quantile over so many of the latest fresh frames, from so many on."""
NOISE_LEAST, NOISE_MOST = 0.005, 0.2
"""Less noise than this, in grey levels, is none; more is movement of the camera."""
DARK = 50
"""Nine tenths of a picture in which nobody can be seen for lack of light are darker than this, of 255."""


class Repeats:
    """Tells copies from fresh frames; frames come in order of time."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, np.ndarray]] = deque()
        self._changes: deque[float] = deque(maxlen=NOISE_OVER)
        self._frozen = False

    def is_copy(self, frame: Frame) -> bool:
        """Take the next frame; return whether it repeats an earlier one. Dark pictures are no copies, whatever they are."""
        now, before = cells(frame.rgb), self._before(frame.time_s)
        self._seen.append((frame.time_s, now))
        if before is None or before.shape != now.shape:
            return False
        change = np.abs(now - before).ravel()
        quiet = float(np.partition(change, part := round(QUIET_SHARE * len(change)))[:part].mean())
        times = ONCE_FROZEN if self._frozen else 1.0
        still = bool(change.max() < times * STILL_MOST)
        self._frozen = still and quiet < times * NOISE_SHARE * self._noise() and not is_dark(frame.rgb)
        if not self._frozen:
            self._changes.append(quiet)
        return self._frozen

    def _before(self, time_s: float) -> np.ndarray | None:
        """Return the newest picture that is old enough, and forget the older ones."""
        while len(self._seen) > 1 and time_s - self._seen[1][0] >= SINCE_S:
            self._seen.popleft()
        return self._seen[0][1] if self._seen and time_s - self._seen[0][0] >= SINCE_S else None

    def _noise(self) -> float:
        """Return how much the noise of this source changes a cell, in grey levels; 0 if it shows none, or too little was seen."""
        if len(self._changes) < NOISE_FROM:
            return 0.0
        noise = min(float(np.quantile(self._changes, NOISE_QUANTILE)), NOISE_MOST)
        return noise if noise >= NOISE_LEAST else 0.0


def is_dark(rgb: np.ndarray) -> bool:
    """Return whether a picture, shape (H, W, 3), is too dark to show anybody."""
    step = max(rgb.shape[0] // 48, 1)
    return bool(np.percentile(rgb[::step, ::step].max(axis=2), 90) < DARK)


def cells(rgb: np.ndarray) -> np.ndarray:
    """Return the mean brightness of cells of a picture, shape (rows, columns)."""
    step = max(max(rgb.shape[:2]) // ALONG, 1)
    green = rgb[::step, ::step, 1].astype(np.float32)
    shrink = max(max(green.shape) / CELLS, 1.0)
    return cv2.resize(green, tuple(max(round(n / shrink), 1) for n in green.shape[::-1]), interpolation=cv2.INTER_AREA)
