"""Renders clips with their truth from specs: NAME.mp4, NAME.gt.csv and NAME.gt.json each.

python -m training.render.clip SPECS.json OUT                       # every clip that OUT lacks, on all cores
python -m training.render.clip SPECS.json OUT --only lunge --stills # pictures of neutral and peaks: look at these first

The same spec always gives the same clip. README.md describes specs and truth. The environment variable ROTRACK_RENDER_ASSETS
names the folder of the assets.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from training.movement import Feed

from . import assets, people
from .company import Bystander
from .posing import Rig
from .raster import Raster
from .scene import ROOMS
from .sensor import Exposure
from .stage import ClipSpec, Stage, read_specs

TICKS = 90000
"""Time stamps of the video are whole numbers of this share of a second."""


class Film:
    """Draws the pictures of a stage.

    Parameters
    ----------
    stage : Stage
        What is seen.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage, spec = stage, stage.spec
        self._raster = Raster(stage.cameras[0].drawn_px)
        for surface in stage.scene.surfaces:
            self._raster.add(surface)
        self._person = self._raster.person(stage.body)
        place = stage.posture.neutral.pelvis_m
        self._focus_m = np.array([place[0], 0.8, place[2] + 0.1])
        self._other, self._other_poses = None, []
        if spec.bystander is not None:
            bystander = Bystander(**spec.bystander)
            self._other_rig = Rig(people.load(bystander.person))
            self._other = self._raster.person(self._other_rig.body)
            self._other_poses = bystander.poses(self._other_rig, stage.moments_s, spec.seed)

    def close(self) -> None:
        """Give the graphics context back."""
        self._raster.close()

    def sharp(self, moment: int) -> np.ndarray:
        """Return the picture at a moment, BGR, before the webcam takes it."""
        stage, pose = self.stage, self.stage.pose(moment)
        if pose is not None:
            self._person.pose(stage.posture.rig.transforms(pose))
        if self._other is not None:
            self._other.pose(self._other_rig.transforms(self._other_poses[moment]))
        camera, spec = stage.cameras[moment], stage.spec
        room = ROOMS[spec.room].lit(spec.light_from, spec.key, spec.ambient)
        hidden = frozenset() if pose is not None else self._person.items
        return camera.bent(self._raster.draw(camera, room, self._focus_m, hidden))

    def pictures(self, numbers: Sequence[int]) -> Iterator[np.ndarray]:
        """Yield the pictures of some frames as the webcam delivers them; a frozen camera delivers the last one again."""
        stage, sensor = self.stage, self.stage.sensor
        exposure, light = Exposure(sensor), sensor.light(stage.frames.seen_s)
        shown_s, shown = None, None
        for number in numbers:
            seen_s = float(stage.frames.seen_s[number])
            if shown is None or seen_s != shown_s:
                exposed = sensor.expose(lambda later_s, at_s=seen_s: self.sharp(stage.at(at_s + later_s)))
                gain = exposure.gain(exposed, float(light[number]), seen_s)
                shown = sensor.take(exposed, gain, np.random.default_rng([stage.spec.seed, 5, number]))
                shown_s = seen_s
            yield shown


def write_video(path: Path, pictures: Iterator[np.ndarray], t_s: np.ndarray, fps: float, crf: int) -> None:
    """Write H.264 whose frames carry their own time stamps."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.pix_fmt = "yuv420p"
        # mbtree makes x264 write other bytes in every process
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
        stream.codec_context.time_base = Fraction(1, TICKS)
        for t, picture in zip(t_s, pictures, strict=True):
            stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(float(t) * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def render(name: str, spec: ClipSpec, out: Path) -> str:
    """Render a clip, and return a line about it. The truth comes last: a clip without it is not complete."""
    started, stage = time.monotonic(), Stage(name, spec)
    numbers = range(len(stage.frames))
    rows = [stage.row(number) for number in numbers]
    film = Film(stage)
    video = out / f"{name}.mp4"
    part = video.with_suffix(".part.mp4")
    write_video(part, film.pictures(numbers), stage.frames.t_s, Feed(**spec.feed).fps, spec.crf)
    film.close()
    part.replace(video)
    with (out / f"{name}.gt.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    text = json.dumps(stage.truth(len(rows)), indent=1, default=_plain)
    part = out / f"{name}.gt.json.part"
    part.write_text(text + "\n", "utf-8")
    part.replace(out / f"{name}.gt.json")
    return f"{name}: {len(rows)} frames, {(time.monotonic() - started) / len(rows):.2f} s each"


def render_stills(name: str, spec: ClipSpec, out: Path) -> str:
    """Write pictures of neutral and peaks, and return a line about them."""
    stage = Stage(name, spec)
    film, numbers = Film(stage), stage.still_frames()
    for number, picture in zip(numbers, film.pictures(numbers), strict=True):
        cv2.imwrite(str(out / f"{name}_{number:04d}.png"), picture)
    film.close()
    return f"{name}: frames {', '.join(map(str, numbers))}"


def _plain(value: np.generic) -> Any:
    return value.item()


def main(arguments: Sequence[str] | None = None) -> int:
    """Render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", type=Path, help="JSON: name of a clip to its spec")
    parser.add_argument("out", type=Path, help="folder for the clips")
    parser.add_argument("--only", nargs="*", default=[""], metavar="START", help="clips whose names start so")
    parser.add_argument("--stills", action="store_true", help="pictures instead of clips")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (default: %(default)s)")
    asked = parser.parse_args(arguments)
    assets.require()
    asked.out.mkdir(parents=True, exist_ok=True)
    specs = {name: spec for name, spec in read_specs(asked.specs).items() if name.startswith(tuple(asked.only))}
    if not asked.stills:
        specs = {name: spec for name, spec in specs.items() if not (asked.out / f"{name}.gt.json").is_file()}
    work = render_stills if asked.stills else render
    failed = 0
    with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(work, name, spec, asked.out): name for name, spec in specs.items()}
        for done in as_completed(running):
            problem = done.exception()
            failed += problem is not None
            print(done.result() if problem is None else f"{running[done]}: {problem!r}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
