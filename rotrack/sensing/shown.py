"""How a video wants to be shown, as the file itself says it: mirrored, and for how long; MP4 and QuickTime.

The header of the pictures' track holds a matrix that a player applies (ISO 14496-12, 8.3.2). A turn in it is OpenCV's affair. One
that mirrors is written by cameras that show people as a mirror does: the pictures in the file are the right way round, and the
matrix tells the player to mirror them. OpenCV takes that for a turn.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from rotrack.sensing.recorded import boxes

_MATRIX_AT = {0: 40, 1: 52}
"""Where the matrix stands in the header of a track, by the header's version."""


def mirrored_turn_deg(video: Path) -> int | None:
    """Return how a video that wants to be shown mirrored is shown without that: turned clockwise by 0, 90, 180 or 270, deg.

    None if the file does not ask for a mirror, or does not say.
    """
    with suppress(OSError, struct.error, IndexError), video.open("rb") as file:
        for movie in _inside(file, b"moov", (0, file.seek(0, io.SEEK_END))):
            for track in _inside(file, b"trak", movie):
                for header in _inside(file, b"tkhd", track):
                    file.seek(header[0])
                    told = file.read(min(header[1] - header[0], 100))
                    at = _MATRIX_AT[min(told[0], 1)]
                    # A point (x, y) of the picture is shown at (a x + c y, b x + d y).
                    a, b, _, c, d = struct.unpack(">5i", told[at : at + 20])
                    if any(told[at + 36 : at + 44]):  # width and height: a track of pictures
                        return round(math.degrees(math.atan2(b, -a)) / 90) * 90 % 360 if a * d - b * c < 0 else None
    return None


def shown_length_s(video: Path) -> float:
    """Return how long a video is when it is shown, s: of what was trimmed, nothing; NaN if the file does not say.

    It stands in the header of the movie (ISO 14496-12, 8.2.2). A trim without coding anew leaves all pictures in the file and
    says in an edit list which of them are shown; the number of pictures in the file then tells too much.
    """
    with suppress(OSError, struct.error, IndexError), video.open("rb") as file:
        for movie in _inside(file, b"moov", (0, file.seek(0, io.SEEK_END))):
            for header in _inside(file, b"mvhd", movie):
                file.seek(header[0])
                told = file.read(32)
                scale, length = struct.unpack(">IQ" if told[0] else ">II", told[20:32] if told[0] else told[12:20])
                return length / scale if scale and length else math.nan
    return math.nan


def _inside(file: BinaryIO, kind: bytes, place: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield start and end of what boxes of a kind hold, of those between two places of a file."""
    return ((start, stop) for found, start, stop in boxes(file, *place) if found == kind)
