"""Where a video is cut: what comes after is another scene, perhaps another person, with a zero of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from rotrack.core.messages import Message, say
from rotrack.core.model import Frame
from rotrack.sensing.frozen import cells
from rotrack.sensing.sources import Source, SourceInfo

CHANGED = 12.0
"""A cell that changes by more grey levels than this from one picture to the next has changed."""
CUT_SHARE, CUT_UNLIKE = 0.15, 0.08
"""At a cut, at least this share of the cells changes, and the pictures correlate by less than 1 minus this.

Another person before the same wall changes 0.22 and 0.11. In 60 clips without a cut, people who do a drill change 0.04 at most,
and those who walk in 0.10; those who wave their arms change 0.20, but then in the pictures before and after, too.
"""
STANDS_OUT = 3.0
"""A cut changes so many times as much as the pictures around it do."""
AROUND = 5
"""Pictures before and after that a cut is compared with."""
SOON_S = 0.12
"""Pictures further apart than this tell nothing: whoever moves may be anywhere by then."""


class UntilCut:
    """Another source up to where it is cut.

    A picture may also be damaged for a moment, or the light go out. A cut is where the picture changes at once, is calm before
    and after, and does not come back. A change of the frame size is one as well: OpenCV squashes the pictures from there on.

    Parameters
    ----------
    source : Source
        What gives the frames; a recording, since a camera has no cuts.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.info: SourceInfo = source.info
        self._cut: Message | None = None

    @property
    def warning(self) -> Message | str:
        """Where the source is cut, else its own warning."""
        return self._cut or self._source.warning

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames before the first cut."""
        waiting: deque[Frame] = deque()
        looks: deque[np.ndarray] = deque(maxlen=2 * AROUND + 2)
        for frame in self._source:
            waiting.append(frame)
            looks.append(cells(frame.rgb))
            if len(waiting) < AROUND + 2:
                continue
            yield (last := waiting.popleft())
            if _is_cut(list(looks), len(looks) - 1 - AROUND, waiting[0].time_s - last.time_s):
                at_s = self.info.from_s + waiting[0].time_s * self.info.speed
                self._cut = say("note.cut", name=self.info.name, at=round(at_s, 2))
                return
        yield from waiting

    def close(self) -> None:
        """Release the source."""
        self._source.close()


def _is_cut(pictures: list[np.ndarray], at: int, apart_s: float) -> bool:
    """Return whether another scene begins with one of these pictures, each of shape (rows, columns)."""
    before = pictures[at - 1]
    share = _changed(before, pictures[at])
    if share < CUT_SHARE or apart_s > SOON_S or _unlike(before, pictures[at]) < CUT_UNLIKE:
        return False
    steps = [_changed(*pair) for n, pair in enumerate(pairwise(pictures)) if n != at - 1]
    return max(steps) * STANDS_OUT <= share and all(_changed(before, later) >= CUT_SHARE for later in pictures[at:])


def _changed(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of cells that differ between two pictures, after the brighter light of one is taken out."""
    contrast = min(one.std(), other.std())
    return float((contrast * np.abs(_standard(one) - _standard(other)) > CHANGED).mean())


def _unlike(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 minus the correlation of two pictures."""
    return 1.0 - float((_standard(one) * _standard(other)).mean())


def _standard(picture: np.ndarray) -> np.ndarray:
    """Return a picture with mean 0 and standard deviation 1."""
    return (picture - picture.mean()) / max(picture.std(), 1e-6)
