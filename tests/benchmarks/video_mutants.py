"""Damages videos and reads them as measuring does: pictures or a sentence, never a crash, a hang or all of the memory.

    python tests/benchmarks/video_mutants.py --times 5000 [--seed 1] [--keep FOLDER]

Small videos in several containers and codecs are made first (ffmpeg). Each mutant is read in a process of its own, since what
breaks there is native code. Wrong are tracebacks, processes that die, times that do not rise, more than 5 s of processor time and
more than 1.5 GB of memory.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from rotrack.core.errors import RotrackError
from rotrack.sensing.cuts import UntilCut
from rotrack.sensing.recorded import when_recorded
from rotrack.sensing.sources import VideoFile

SLOW_S, MOST_MB = 5.0, 1500.0
HANGS_S = 120
"""A process that is not over after this long waits for something."""
MOST_FRAMES = 300
SEEDS = {
    "h264.mp4": ("-c:v", "libx264", "-g", "10"),
    "fragments.mp4": ("-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"),
    "h265.mov": ("-c:v", "libx265", "-x265-params", "log-level=none"),
    "mjpeg.avi": ("-c:v", "mjpeg"),
    "vp9.webm": ("-c:v", "libvpx-vp9"),
    "vp8.mkv": ("-c:v", "libvpx"),
    "mpeg4.3gp": ("-c:v", "mpeg4"),
    "mpeg2.mts": ("-c:v", "mpeg2video", "-f", "mpegts"),
}
"""Name of each video and how ffmpeg makes it."""


def make_seeds(folder: Path) -> list[Path]:
    """Make two seconds of video in every container, with a date and a turned picture where they can say so."""
    made = []
    for name, how in SEEDS.items():
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=96x64:rate=15:duration=2"]
        command += ["-metadata", "creation_time=2026-11-01T10:00:00Z", "-pix_fmt", "yuv420p", *how, str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        made.append(folder / name)
    return made


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a video with some of its bytes damaged, in its index more often than in its pictures."""
    changed = bytearray(content)
    index = max(changed.find(b"moov"), 0)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not changed:
            break
        at = rng.choice((rng.randrange(len(changed)), rng.randrange(min(len(changed), 200)), index + rng.randrange(1200)))
        at = min(at, len(changed) - 1)
        ways: list[Callable[[], bytes]] = [
            lambda at=at: bytes([changed[at] ^ 1 << rng.randrange(8)]),
            lambda: struct.pack(">I", rng.choice((0, 1, 7, 65_535, 100_000, 2**31 - 1, 2**32 - 1))),
            lambda: struct.pack(">H", rng.choice((0, 1, 16_384, 32_767, 65_535))),
            lambda: bytes(8),
            lambda: rng.randbytes(rng.choice((1, 8, 200))),
        ]
        what = rng.randrange(len(ways) + 3)
        if what < len(ways):
            new = ways[what]()
            changed[at : at + len(new)] = new
        elif what == len(ways):
            del changed[at:]
        elif what == len(ways) + 1:
            del changed[at : at + rng.choice((1, 4, 100))]
        else:
            changed[at:at] = rng.randbytes(rng.choice((1, 8, 200)))
    return bytes(changed)


def read(video: Path) -> None:
    """Read a video as measuring does; raises AssertionError if its times do not rise."""
    when_recorded(video)
    file = UntilCut(VideoFile(video))
    last_s = -1.0
    for frame in file:
        assert frame.time_s > last_s, f"{frame.time_s} after {last_s}"
        last_s = frame.time_s
        if frame.index >= MOST_FRAMES:
            break
    file.close()


def outcome_of(video: Path) -> str:
    """Read a video in a process of its own and return what became of it: "read", "told", or what is wrong."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        signal.alarm(HANGS_S)
        said = "read"
        try:
            read(video)
        except RotrackError:
            said = "told"
        except BaseException:  # noqa: BLE001  that is what is looked for
            said = traceback.format_exc(limit=-3)
        os.write(into, said.encode()[:4000])
        os._exit(0)
    os.close(into)
    said = b"".join(iter(lambda: os.read(out, 4096), b"")).decode()
    os.close(out)
    _, status, used = os.wait4(child, 0)
    took_s, most_mb = used.ru_utime + used.ru_stime, used.ru_maxrss / 1000
    if os.WIFSIGNALED(status):
        return "hangs" if os.WTERMSIG(status) == signal.SIGALRM else f"died by signal {os.WTERMSIG(status)}"
    if took_s > SLOW_S:
        return f"took {took_s:.1f} s"
    return f"took {most_mb:.0f} MB" if most_mb > MOST_MB else said


def run(place: Path, times: int, seed: int, tell: Callable[[str], object], keep: Path | None = None) -> int:
    """Return how many mutants were wrong."""
    rng, counts, wrong = random.Random(seed), Counter[str](), 0
    seeds = make_seeds(place)
    assert [outcome_of(video) for video in seeds] == ["read"] * len(seeds)
    for number in range(times):
        original = seeds[number % len(seeds)]
        mutant = place / f"mutant{original.suffix}"
        mutant.write_bytes(damaged(original.read_bytes(), rng))
        outcome = outcome_of(mutant)
        if outcome not in ("read", "told"):
            wrong += 1
            tell(f"--- {original.name}, mutant {number}: {outcome}")
            if keep:
                keep.mkdir(exist_ok=True)
                mutant.rename(keep / f"{number}-{original.name}")
        else:
            counts[outcome] += 1
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    what = f"{counts['read']} read, {counts['told']} told, {wrong} wrong"
    tell(f"{times} mutants of {len(seeds)} videos: {what}; peak memory {peak_mb:.0f} MB")
    return wrong


def main() -> None:
    """Run as many mutants as asked, in turns over the videos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = run(Path(folder), asked.times, asked.seed, print, asked.keep)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
