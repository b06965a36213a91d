"""What the leg network costs: run `python tests/benchmarks/legnet_cost.py CLIP [--frames N] [--rounds N] [--seconds S]`.

CLIP should be 1280x720 and show both legs. Prints, from one run:

- the time of reading both legs of a picture on one core, crops included (4 ms wanted), and of the network alone, against what the
  pose model `heavy` takes for the same picture on all cores: ratios first, then milliseconds;
- the frames per second that the live reader gets with `heavy` from the clip, played as by a camera, in turns of some seconds:
  without the network, with it where there is time (`read_live` leaves legs out where they would cost pictures), and always with
  it, as drills need that cannot do without; the share of pictures with legs, and the processor time of a picture (the camera's
  decoding included). Ratios first. Tracking and drawing are not in it.

Times depend on the machine and on what else it does, which the load shows; processor time depends on it less than the clock does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from rotrack.core.model import Frame, Pose, Side
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.legnet import INPUT_PX, LegNet
from rotrack.sensing.reader import OVER_FRAMES, read_live
from rotrack.sensing.sources import Camera, VideoFile

T = TypeVar("T")
WANTED_MS = 4.0
SLOW = 5
"""So many first calls are slow: memory is fetched, models warm up."""
LEARNS = OVER_FRAMES
"""So many first pictures does the live reader take to learn how long they take; not counted."""
AGAIN = 3
"""So many pictures after the other's turn are not counted either: the person is found anew."""


@dataclass
class Watch:
    """What calls of one kind took, by the clock and of all processors, ms."""

    clock_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)

    def __call__(self, function: Callable[..., T], *arguments: object) -> T:
        clock_s, processor_s = time.perf_counter(), time.process_time()
        result = function(*arguments)
        self.clock_ms.append(1000 * (time.perf_counter() - clock_s))
        self.processor_ms.append(1000 * (time.process_time() - processor_s))
        return result

    def over(self, other: Watch) -> str:
        clock, processor = (
            statistics.median(mine[SLOW:]) / statistics.median(theirs[SLOW:])
            for mine, theirs in ((self.clock_ms, other.clock_ms), (self.processor_ms, other.processor_ms))
        )
        return f"x {clock:.3f} by the clock, x {processor:.3f} of processor time"

    def __str__(self) -> str:
        (middle, worst), (own, own_worst) = (np.percentile(ms[SLOW:], [50, 95]) for ms in (self.clock_ms, self.processor_ms))
        return f"median {middle:6.2f} ms, p95 {worst:6.2f} ms; processor time median {own:6.2f} ms, p95 {own_worst:6.2f} ms"


def print_reading(clip: Path, wanted: int) -> None:
    """Print what both legs of a picture cost on one core."""
    poses: list[tuple[Frame, Pose]] = []
    heavy, both, alone = Watch(), Watch(), Watch()
    net = LegNet()
    with Landmarker(find_model("heavy"), watch_people=False) as landmarker, closing(VideoFile(clip)) as video:
        for frame in video:
            poses.append((frame, heavy(landmarker.detect, frame)))
            if len(poses) == wanted + SLOW:
                break
    cores = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        read = 0
        for frame, pose in poses:
            watch = Watch()
            if len(watch(net.read, frame.rgb, pose).legs) == len(Side):
                both.clock_ms += watch.clock_ms
                both.processor_ms += watch.processor_ms
                read += 1
        blob = np.zeros((len(Side), 3, INPUT_PX, INPUT_PX), np.float32)
        net._net.setInput(blob)
        for _ in range(read):
            alone(net._net.forward)
    finally:
        cv2.setNumThreads(cores)
    if read <= SLOW:
        raise SystemExit(f"both legs are seen in {read} pictures of {clip.name}: too few")
    print(f"both legs / heavy:              {both.over(heavy)}")
    print(f"network alone / both legs:      {alone.over(both)}")
    print(f"heavy, {cores} cores:           {heavy}")
    print(f"both legs, 1 core (wanted {WANTED_MS:g}): {both}  ({read} of {len(poses)} pictures)")
    print(f"network alone, 1 core:          {alone}")


@dataclass(frozen=True)
class Turn:
    """Frames per second, processor time of a picture, ms, and the share of pictures with legs, of some seconds."""

    hz: float
    processor_ms: float
    legs: float


def take_turn(reader: Iterator[tuple[Frame, Pose]], seconds: float) -> Turn:
    """Read for some seconds after the first pictures."""
    for _ in range(AGAIN):
        next(reader)
    read = legs = 0
    clock_s, processor_s = time.perf_counter(), time.process_time()
    while (took_s := time.perf_counter() - clock_s) < seconds:
        _, pose = next(reader)
        read, legs = read + 1, legs + bool(pose.legs)
    return Turn(read / took_s, 1000 * (time.process_time() - processor_s) / read, legs / read)


def print_live(clip: Path, rounds: int, seconds: float) -> None:
    """Print the picture rate without and with the network, in turns."""
    model = find_model("heavy")
    with closing(Camera(str(clip), loop=True)) as camera, ExitStack() as stack:
        one, other, third = (stack.enter_context(Landmarker(model)) for _ in range(3))
        readers = {
            "without": read_live(camera, one, None),
            "with": read_live(camera, other, LegNet()),
            "always": read_live(camera, third, LegNet(), always=True),
        }
        turns: dict[str, list[Turn]] = {name: [] for name in readers}
        for reader in readers.values():
            for _ in range(LEARNS):
                next(reader)
        for number in range(rounds):
            for name in list(readers)[:: 1 if number % 2 == 0 else -1]:
                turns[name].append(take_turn(readers[name], seconds))
    print(f"\nlive, {rounds} rounds of turns of {seconds:g} s: without the network, with it where there is time, always with it")
    for title, part in (("frames per second", "hz"), ("processor time of a picture", "processor_ms")):
        for name in ("with", "always"):
            ratios = [getattr(a, part) / getattr(b, part) for a, b in zip(turns[name], turns["without"], strict=True)]
            low, middle, high = np.percentile(ratios, [25, 50, 75])
            print(f"{title}, {name} / without: x {middle:.3f}  (middle half of the rounds: {low:.2f} to {high:.2f})")
    for name, own in turns.items():
        hz, own_ms, legs = (statistics.median(getattr(turn, part) for turn in own) for part in ("hz", "processor_ms", "legs"))
        print(f"{name:8} {hz:5.1f} frames per second, processor time {own_ms:6.1f} ms a picture, legs read in {legs:.0%}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=12, help="of live turns")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn")
    options = parser.parse_args()
    info = VideoFile.probe(options.clip)
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(
        f"{options.clip.name}, {info.size_px[0]}x{info.size_px[1]}, {info.fps:.0f} a second; {os.cpu_count()} cores, load {load}"
    )
    print_reading(options.clip, options.frames)
    print_live(options.clip, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
