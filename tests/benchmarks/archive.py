"""Many videos at once: are all cores busy, and how long does a year's archive take here and on a cluster?

    python tests/benchmarks/archive.py [CLIP] [--videos 8] [--clips 20] [--seconds 13]

Measures copies of a clip, or of its first seconds, in three ways: as so many videos in one command, as an archive on this
computer, and as an archive on a Dask cluster with a worker for each core of this computer. Each line says how much of the cores
was used, and in how much of the time the programs had work for all of them, which does not depend on what else the machine does.
From the archives follows how long 1,000 such clips take.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers import SAMPLES, environment

from rotrack.records.store import read_sessions
from rotrack.sensing.sources import VideoFile

CORES = os.cpu_count() or 1
LOOK_EVERY_S = 0.1
A_YEAR = 1000
CLUSTERS = ((4, 4), (8, 4))
"""Computers, and cores of each, for which the year is planned."""


@dataclass(frozen=True)
class Cost:
    """What measuring took.

    Parameters
    ----------
    wall_s, processor_s : float
        From the start of the command to its end, and processor time of all its processes.
    wanted : float
        Share of the cores for which there was work, on average.
    """

    wall_s: float
    processor_s: float
    wanted: float

    def __str__(self) -> str:
        used = self.processor_s / (CORES * self.wall_s)
        told = f"{self.wall_s:.0f} s, {self.processor_s:.0f} s of processor"
        return f"{told}: used {used:.0%} of {CORES} cores, had work for {self.wanted:.0%}"


def at_work(parent: int) -> int:
    """Return how many threads of the processes that a process has begun are running or wait for a core."""
    running, processes = 0, [parent]
    while processes:
        process = processes.pop()
        with suppress(OSError):  # it has ended meanwhile
            for thread in Path(f"/proc/{process}/task").iterdir():
                with suppress(OSError):
                    processes += map(int, (thread / "children").read_text().split())
                    running += process != parent and (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    return running


def cost_of(work: Callable[[], object]) -> Cost:
    """Do something that begins processes, and return what it took."""
    over, looks = threading.Event(), []

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            looks.append(min(at_work(os.getpid()), CORES) / CORES)

    watching = threading.Thread(target=look)
    before, begun_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    watching.start()
    try:
        work()
    finally:
        over.set()
        watching.join()
    wall_s, after = time.monotonic() - begun_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall_s, processor_s, sum(looks) / max(len(looks), 1))


def analyze(data: Path, *args: object) -> None:
    """Measure with the command, in a data folder of its own, and see that nothing is missing."""
    command = [sys.executable, "-m", "rotrack", "analyze", *map(str, args), "--out", str(data)]
    subprocess.run(
        command, check=True, env=environment(data.parent / "home"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def on_cluster(data: Path, folder: Path) -> None:
    """Measure an archive with Dask workers on this computer."""
    import distributed

    with distributed.LocalCluster(n_workers=CORES, threads_per_worker=1, dashboard_address=None) as cluster:
        analyze(data, folder, "--dask", cluster.scheduler_address)


def main() -> None:
    """Measure in the three ways and plan a year."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, default=SAMPLES / "internal_right.mp4")
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    seconds = min(asked.seconds, VideoFile.probe(asked.clip).duration_s)
    print(f"{asked.clip.name}, {seconds:.1f} s of it; load average {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "archive"
        folder.mkdir()
        videos = [folder / f"{number:03d}.mp4" for number in range(max(asked.videos, asked.clips))]
        for video in videos:
            shutil.copyfile(asked.clip, video)
        rows = [
            f"{video.name},Ana,seated-internal,right,2025-03-{1 + number % 28:02d},{seconds}"
            for number, video in enumerate(videos)
        ]
        (folder / "manifest.csv").write_text("\n".join(["file,person,drill,side,recorded_at,to_s", *rows[: asked.clips]]) + "\n")
        how = ("--drill", "seated-internal", "--side", "right", "--to", seconds, "--no-plot")
        ways: dict[str, tuple[int, Callable[[Path], object]]] = {
            "videos": (asked.videos, lambda data: analyze(data, *videos[: asked.videos], *how)),
            "archive": (asked.clips, lambda data: analyze(data, folder)),
            "cluster": (asked.clips, lambda data: on_cluster(data, folder)),
        }
        costs = {}
        for name, (count, way) in ways.items():
            data = Path(place) / name
            costs[name] = cost_of(lambda way=way, data=data: way(data))
            measured = len(read_sessions(data)[0])
            print(f"{name:8} {measured:3} of {count} measured in {costs[name]}; load {os.getloadavg()[0]:.1f}", flush=True)
    each_s = {name: costs[name].processor_s / asked.clips for name in ("archive", "cluster")}
    here_h = A_YEAR * each_s["archive"] / (CORES * costs["archive"].wanted) / 3600
    what = f"{A_YEAR} clips of {seconds:.1f} s, {each_s['archive']:.1f} s of processor each"
    print(f"{what}: {here_h:.1f} h on these {CORES} cores, if nothing else runs")
    for computers, cores in CLUSTERS:
        cluster_h = A_YEAR * each_s["cluster"] / (computers * cores * costs["cluster"].wanted) / 3600
        print(f"on a cluster of {computers} computers with {cores} such cores each: {cluster_h:.2f} h")


if __name__ == "__main__":
    main()
