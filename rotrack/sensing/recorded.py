"""When a video was recorded, as the file itself says it: MP4, QuickTime and Matroska (WebM).

Phones and cameras write the moment of recording into the file, mostly in UTC; Apple's devices write the offset of the place, too.
A file that was cut or sent by a messenger has often lost it. Then there is only the moment at which it was last changed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from rotrack.system.clock import SYSTEM, Clock

FIRST_YEAR = 2000
"""A file that claims to be older has a camera whose clock was never set."""
_SINCE_1904 = datetime(1904, 1, 1, tzinfo=UTC)
_SINCE_2001 = datetime(2001, 1, 1, tzinfo=UTC)
_APPLE = b"com.apple.quicktime.creationdate"
_DATE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_MOST_BOXES, _MOST_META_BYTES = 10_000, 1_000_000
_EBML, _SEGMENT, _INFO, _CLUSTER, _DATE_UTC = (
    b"\x1a\x45\xdf\xa3",
    b"\x18\x53\x80\x67",
    b"\x15\x49\xa9\x66",
    b"\x1f\x43\xb6\x75",
    b"\x44\x61",
)


class Told(StrEnum):
    """What tells when a video was recorded."""

    SAID = "said"
    IN_FILE = "in-file"
    LAST_CHANGED = "last-changed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Recorded:
    """When a video was recorded, with the offset from UTC, and what tells it."""

    at: datetime
    told: Told


def when_recorded(video: Path, clock: Clock = SYSTEM) -> Recorded:
    """Return when a video was recorded: as the file says, else when it was last changed, else now.

    A moment that cannot be right (before 2000, or in the future) is passed over. One without an offset of its own has that of
    this computer.
    """
    now = clock.now().astimezone()
    with suppress(OSError):
        with video.open("rb") as file:
            said = _in_file(file)
        changed = datetime.fromtimestamp(int(video.stat().st_mtime)).astimezone()
        for at, told in ((said, Told.IN_FILE), (changed, Told.LAST_CHANGED)):
            if at and at.year >= FIRST_YEAR and at <= now + timedelta(days=1):
                return Recorded(at.astimezone() if at.tzinfo is UTC else at, told)
    return Recorded(now, Told.NOTHING)


def _in_file(file: BinaryIO) -> datetime | None:
    with suppress(ValueError, OverflowError):
        return _matroska(file) if file.read(4) == _EBML else _mp4(file)
    return None


# ---------------------------------------------------------------------- MP4, QuickTime
def _mp4(file: BinaryIO) -> datetime | None:
    """Return the time of Apple's devices, which has an offset, else that of the movie header (ISO 14496-12, 8.2.2)."""
    end = file.seek(0, io.SEEK_END)
    header = None
    for kind, start, stop in boxes(file, 0, end):
        if kind != b"moov":
            continue
        for inner, inner_start, inner_stop in boxes(file, start, stop):
            content = b""
            if inner in (b"mvhd", b"meta", b"udta") and inner_stop - inner_start <= _MOST_META_BYTES:
                file.seek(inner_start)
                content = file.read(inner_stop - inner_start)
            if inner == b"mvhd":
                header = _movie_time(content)
            elif _APPLE in content and (found := _apple_time(content)):
                return found
    return header


def _apple_time(content: bytes) -> datetime | None:
    """Return the time of creation in QuickTime's metadata: the value that has the number of its key."""
    file, keys, values = io.BytesIO(content), content.index(b"keys"), content.index(b"ilst")
    names = [content[start:stop] for _, start, stop in boxes(file, keys + 12, values)]
    number = names.index(_APPLE) + 1
    for key, start, stop in boxes(file, values + 4, values - 4 + int.from_bytes(content[values - 4 : values])):
        if int.from_bytes(key) == number and (found := _DATE.search(content, start, stop)):
            return datetime.fromisoformat(found[0].decode())
    return None


def _movie_time(content: bytes) -> datetime | None:
    seconds = int.from_bytes(content[4:12] if content[:1] == b"\x01" else content[4:8])
    return _SINCE_1904 + timedelta(seconds=seconds) if seconds else None


def boxes(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the contents of each box between two places of a file."""
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(16)
        if start + 8 > stop or len(head) < 8:
            return
        size, kind, inside = int.from_bytes(head[:4]), head[4:8], start + 8
        if size == 1:
            size, inside = int.from_bytes(head[8:16]), start + 16
        end = stop if size == 0 else start + size
        if end < inside or end > stop:
            return
        yield kind, inside, end
        start = end


# ---------------------------------------------------------------------- Matroska
def _matroska(file: BinaryIO) -> datetime | None:
    """Return DateUTC of the segment's information (RFC 9559, 5.1.2.9): nanoseconds since 2001."""
    end = file.seek(0, io.SEEK_END)
    for kind, start, stop in _elements(file, 0, end):
        if kind != _SEGMENT:
            continue
        for inner, inner_start, inner_stop in _elements(file, start, stop):
            if inner == _CLUSTER:
                return None
            if inner == _INFO:
                for last, last_start, last_stop in _elements(file, inner_start, inner_stop):
                    if last == _DATE_UTC and last_stop - last_start == 8:
                        file.seek(last_start)
                        return _SINCE_2001 + timedelta(microseconds=int.from_bytes(file.read(8), signed=True) // 1000)
    return None


def _elements(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield id, start and end of the contents of each element; one of unknown length reaches to the end."""
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(12)
        if start + 2 > stop or len(head) < 2:
            return
        long = 9 - head[0].bit_length()
        if long > 4 or len(head) <= long:
            return
        wide = 9 - head[long].bit_length()
        if wide > 8 or len(head) < long + wide:
            return
        size = int.from_bytes(head[long : long + wide]) - (1 << 7 * wide)
        inside = start + long + wide
        end = stop if size == (1 << 7 * wide) - 1 else inside + size
        if end > stop:
            return
        yield head[:long], inside, end
        start = end
