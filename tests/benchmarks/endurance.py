"""A session of many hours, at speed: does memory grow, are threads and files left behind, and is every repetition counted?

    python tests/benchmarks/endurance.py [--hours 8]

Recorded landmarks of somebody who sits and turns the right leg inwards four times are played again and again through the live
path of the page, from the camera's place to the log; the clock goes as fast as they are read. A line per hour, and exit 1 where
the count differs from what was done, or where threads or open files grow, or memory grows by more than 50 MB from the first
hour to the last.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import overload

sys.path.insert(0, str(Path(__file__).parents[1]))
import pytest
from page_helpers import FILM, Film, plan, seated, still, wait_for_phase

from rotrack.app.live.studio import LEFT_ALONE_S, Phase, Studio
from rotrack.core.model import Pose
from rotrack.records.store import read_sessions

FPS, PER_LOOP = 15.0, 4
MOST_MB = 50.0
BEFORE_S = 4.0


class Looped(Sequence[Pose]):
    """Poses at the beginning, and others that come again and again after them."""

    def __init__(self, first: list[Pose], again: list[Pose], times: int) -> None:
        self._first, self._again, self._length = first, again, len(first) + times * len(again)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Pose: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Pose]: ...
    def __getitem__(self, index: int | slice) -> Pose | Sequence[Pose]:
        """Return a pose; slices are not needed."""
        assert isinstance(index, int)
        return self._first[index] if index < len(self._first) else self._again[(index - len(self._first)) % len(self._again)]


def used() -> tuple[float, int, int]:
    """Return memory in MB, the number of threads and that of open files."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, threading.active_count(), len(os.listdir("/proc/self/fd"))


def main() -> None:
    """Play, and look once an hour."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    hours = parser.parse_args().hours
    loop = seated(0.0)[:: round(30 / FPS)]
    times = round(hours * 3600 * FPS / len(loop))
    film = Film(Looped(still(loop[0], BEFORE_S, FPS), loop, times), fps=FPS)
    seen = []
    with tempfile.TemporaryDirectory() as data, pytest.MonkeyPatch.context() as patch:
        film.play(patch)
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setitem(LEFT_ALONE_S, "measure", math.inf)  # no page looks
        studio = Studio(FILM, Path(data), clock=film.clock)
        studio.prepare(plan())
        begun_s, hour = time.monotonic(), 0.0
        while not film.over.wait(0.5):
            if studio.problem or studio.phase is Phase.DONE:
                sys.exit(f"The session ended after {film.shown / FPS:.0f} s: {studio.problem or 'it was done'}")
            at_h = film.shown / FPS / 3600
            if at_h >= hour:
                seen.append(used())
                memory_mb, threads, files = seen[-1]
                took_s = time.monotonic() - begun_s
                print(f"{at_h:5.2f} h: {memory_mb:.0f} MB, {threads} threads, {files} files; {took_s:.0f} s", flush=True)
                hour = at_h + hours / 8
        studio.end()
        wait_for_phase(studio, Phase.DONE)
        studio.close()
        (session,), _ = read_sessions(Path(data))
        counted = len(session.rep_list)
    done = PER_LOOP * times
    grown = [last - first for first, last in zip(seen[1], seen[-1], strict=True)]
    print(f"{done} repetitions done, {counted} in the log; grown by {grown[0]:.0f} MB, {grown[1]} threads, {grown[2]} files")
    sys.exit(counted != done or grown[0] > MOST_MB or max(grown[1:]) > 0)


if __name__ == "__main__":
    main()
