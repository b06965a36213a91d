"""Of the frames that a camera gives, how many are measured live: run `python tests/benchmarks/live.py [CLIP] [--seconds 30]`.

A clip plays over and over as a camera does, at its own pace, in 640x480 and in 1280x720, and is measured with `heavy` and with
`full` as the page does it: camera, both networks, both legs, the log, and the picture for a browser, but without a browser.
Prints, from one run, how many frames a second the camera gave, which share of them was measured and in which share the legs were
read, how old a frame was when it was measured, the processor time that it took, and how busy the machine was with other things.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
from helpers import SAMPLES, wait_until, write_video
from page_helpers import pictures, plan

from rotrack.app.live.studio import Phase, Studio
from rotrack.core.model import Frame, Side, Step

SIZES_PX = ((640, 480), (1280, 720))
MODELS = ("heavy", "full")
WARM_UP_S = 4.0
"""Left out: networks are slow at first, and legs are read in every picture until it is known how long they take."""
PATIENCE_S = 120.0


class Watched(Studio):
    """A studio that takes note of what it measures."""

    def __init__(self, camera: Path, data: Path) -> None:
        super().__init__(str(camera), data)
        self.numbers: list[int] = []
        """Of the frames that were measured, as the camera gave them."""
        self.times_s: list[float] = []
        self.ages_s: list[float] = []
        self.with_legs: list[bool] = []
        self.watch(lambda: None)  # as a browser does, so that pictures are drawn

    def _measured(self, frame: Frame, step: Step, *rest: Any) -> Any:
        ask = super()._measured(frame, step, *rest)
        if frame.time_s > WARM_UP_S:
            self.with_legs.append(bool(step.pose.legs))
            self.ages_s.append(self.clock.monotonic_s() - self._grabbed_s)
            self.times_s.append(frame.time_s)
            self.numbers.append(frame.index)  # last: whoever counts these finds the others
        return ask


def as_camera(clip: Path, size_px: tuple[int, int], path: Path) -> Path:
    """Write a clip in another size, with borders where its shape is another one."""
    found, fps = pictures(clip)
    width, height = size_px
    wide = round(found[0].shape[1] * height / found[0].shape[0])
    left = (width - wide) // 2
    borders = (0, 0, left, width - wide - left, cv2.BORDER_REPLICATE)
    return write_video(path, (cv2.copyMakeBorder(cv2.resize(rgb, (wide, height)), *borders) for rgb in found), fps)


def run(film: Path, model: str, seconds: float, data: Path) -> str:
    """Measure a film for so long, and return what came of it."""
    studio = Watched(film, data)
    studio.prepare(plan(sides=tuple(Side), model=model))
    studio.begin()  # whatever the set-up check says
    assert wait_until(lambda: bool(studio.numbers or studio.problem), PATIENCE_S), studio.phase
    others_s, own_s = processor_s()
    time.sleep(seconds)
    others_s, own_s = (after - before for after, before in zip(processor_s(), (others_s, own_s), strict=True))
    measured = len(studio.numbers)
    studio.end()
    assert wait_until(lambda: studio.phase in (Phase.DONE, Phase.IDLE), PATIENCE_S), studio.phase
    studio.close()
    assert measured, studio.problem
    numbers, times_s, ages_s = studio.numbers[:measured], studio.times_s[:measured], studio.ages_s[:measured]
    given, over_s, with_legs = numbers[-1] - numbers[0] + 1, times_s[-1] - times_s[0], sum(studio.with_legs[:measured])
    return (
        f"{given / over_s:5.1f} given a second  {measured / given:6.1%} measured  {with_legs / measured:6.1%} with legs  "
        f"age {statistics.median(ages_s) * 1000:4.0f} ms  {own_s / measured * 1000:4.0f} ms of processor a frame  "
        f"others: {others_s / seconds:.1f} of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def processor_s() -> tuple[float, float]:
    """Return the processor time that other programs and this one have taken so far, s."""
    values = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, interrupts, soft = map(int, values[:7])
    own_s = sum(os.times()[:2])
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK") - own_s, own_s


def main() -> None:
    """Print a line for each model and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, default=SAMPLES / "both_internal.mp4")
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    print(f"{asked.clip.name}, {asked.seconds:.0f} s each, load average at the beginning {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES_PX:
            film = as_camera(asked.clip, (width, height), Path(folder) / f"{height}.mp4")
            for model in MODELS:
                told = run(film, model, asked.seconds, Path(folder) / f"{model}{height}")
                print(f"{model:5} {width:4}x{height}  {told}", flush=True)


if __name__ == "__main__":
    main()
