"""What measuring costs beside the pose model: run `python tests/benchmarks/pipeline.py [CLIP] [--rounds N]`.

Prints, from one run, the time per frame of the bare landmarker on decoded frames, of measuring both legs from its landmarks
(leg model, filters, repetitions), and of the whole `analyze` without the leg network, with it, and with the annotated video
besides, each with its processor time, as medians over interleaved rounds; then how much memory measuring a clip of four times
the length takes in addition. Times depend on the machine and what else it does; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

import rotrack
from rotrack.core.drills import load_table
from rotrack.core.model import Pose, Side
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.sources import VideoFile
from rotrack.tracking.pipeline import RotationTracker

ROOT = Path(__file__).parents[2]
LIMITS = {"analyze --no-legnet": 1.10, "measuring alone": 0.08}
poses: list[Pose] = []


def clocks() -> np.ndarray:
    """Return the time and the processor time of this process, s."""
    return np.array([time.perf_counter(), time.process_time()])


def bare(clip: Path) -> tuple[np.ndarray, int]:
    """Return time and processor time that the landmarker alone takes for the frames of a clip, s, and their number."""
    frames = list(VideoFile(clip))
    with Landmarker(find_model("heavy"), watch_people=False) as landmarker:
        poses[:] = [landmarker.detect(frames[0])]
        start = clocks()
        poses.extend(landmarker.detect(frame) for frame in frames[1:])
        return clocks() - start, len(frames) - 1


def measuring() -> tuple[np.ndarray, int]:
    """Return the times that leg model, filters and repetitions of both legs take for the poses of the last `bare`."""
    tracker = RotationTracker(load_table().drill("seated-combined"), tuple(Side))
    start = clocks()
    for pose in poses:
        tracker.update(pose)
    return clocks() - start, len(poses)


def whole(clip: Path, annotate: bool = False, legnet: bool = True) -> tuple[np.ndarray, int]:
    """Return the times from the first to the last measured frame of `analyze`, the closing of all files, and the frames."""
    times: list[np.ndarray] = []

    def note(*_: object) -> None:
        if not times:
            times.append(clocks())

    with tempfile.TemporaryDirectory() as out:
        session = rotrack.analyze(clip, "seated-combined", out=out, annotate=annotate, legnet=legnet, on_step=note)
        return clocks() - times[0], session.record.frames - 1


def peak_memory_mb(clip: Path, times: int) -> float:
    """Return the largest memory of a process that measures a clip repeated some times."""
    with tempfile.TemporaryDirectory() as folder:
        longer = Path(folder) / "longer.mp4"
        source = cv2.VideoCapture(str(clip))
        size = (int(source.get(cv2.CAP_PROP_FRAME_WIDTH)), int(source.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        writer = cv2.VideoWriter(str(longer), cv2.VideoWriter.fourcc(*"mp4v"), source.get(cv2.CAP_PROP_FPS), size)
        for _ in range(times):
            source = cv2.VideoCapture(str(clip))
            while (picture := source.read()[1]) is not None:
                writer.write(picture)
        writer.release()
        code = f"import rotrack; rotrack.analyze({str(longer)!r}, 'seated-combined', out={folder!r}, model='full')"
        code += "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unit = 1 / 1e6 if sys.platform == "darwin" else 1 / 1e3
    return int(done.stdout.split()[-1]) * unit


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="?", type=Path, default=ROOT / "rotrack" / "media" / "demo.mp4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also measure memory on clips of two lengths")
    options = parser.parse_args()
    if options.memory:  # first, since a new process starts with the largest memory of this one
        one, four = peak_memory_mb(options.clip, 1), peak_memory_mb(options.clip, 4)
        print(f"peak memory: {one:.0f} MB for the clip, {four:.0f} MB for four times its length (x {four / one:.3f})")
    jobs: dict[str, Callable[[], tuple[np.ndarray, int]]] = {
        "landmarker alone": lambda: bare(options.clip),
        "measuring alone": measuring,
        "analyze --no-legnet": lambda: whole(options.clip, legnet=False),
        "analyze": lambda: whole(options.clip),
        "analyze with video": lambda: whole(options.clip, annotate=True),
    }
    runs: dict[str, list[np.ndarray]] = {name: [] for name in jobs}
    for _ in range(options.rounds):
        for name, job in jobs.items():
            seconds, frames = job()
            runs[name].append(seconds / frames * 1000)
    base = np.median(runs["landmarker alone"], axis=0)
    print(f"{options.clip.name}, {options.rounds} rounds, milliseconds per frame (median) and ratio to the landmarker alone")
    print(f"{'':22}  {'time':>16}  {'processor time':>16}")
    for name, values in runs.items():
        (took, ratio), (processor, share) = zip(middle := np.median(values, axis=0), middle / base, strict=True)
        limit = f"  (time at most {LIMITS[name]:.2f})" if name in LIMITS else ""
        print(f"{name:22} {took:7.2f} ms x {ratio:.3f} {processor:7.2f} ms x {share:.3f}{limit}")


if __name__ == "__main__":
    main()
