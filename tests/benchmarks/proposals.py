"""In how many recordings is the proposed drill right, and the leg?

python tests/benchmarks/proposals.py                # the landmarks of the public benchmark, in training/recordings
python tests/benchmarks/proposals.py CLIPS          # videos in a folder with a manifest of true drills and sides
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rotrack.core.drills import load_table
from rotrack.core.model import Pose
from rotrack.measure.clips import EARLY_S, LOOK_HZ, LOOK_S, look_through
from rotrack.placement.proposal import propose
from rotrack.records.landmarks import read_poses

RECORDINGS = Path(__file__).parents[2] / "training" / "recordings"
OF = (
    "clips",
    "position right",
    "position and drill right",
    "leg right, too",
    "proposed as sure",
    "of these wrong",
    "true drill named",
)


def recorded(name: str) -> list[Pose]:
    """Return the landmarks of a recording, as few a second as a video is looked at, without what the leg network says."""
    poses: list[Pose] = []
    for folder in (RECORDINGS / "sessions" / name / "sessions").glob("*"):
        for pose in read_poses(folder):
            if pose.time_s <= LOOK_S and (not poses or pose.time_s >= poses[-1].time_s + 1 / LOOK_HZ - EARLY_S):
                poses.append(replace(pose, legs={}))
    return poses


def clips(folder: Path) -> Iterator[tuple[dict[str, str], list[Pose]]]:
    """Yield each line of a manifest with the poses of its clip, as far as there is one."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            video = folder / f"{row['clip']}.mp4"
            poses = recorded(row["clip"]) if folder == RECORDINGS else look_through(video) if video.is_file() else []
            if poses:
                yield row, poses


def main() -> None:
    """Print a line per clip, and how many are right in each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="?", default=RECORDINGS)
    table, counts = load_table(), {}
    for row, poses in clips(parser.parse_args().clips):
        true, side = row["drill_ids"].split(";"), row["moving_side"]
        found = propose(poses)
        position = bool(found.posture) and any(table.drill(drill).posture is found.posture for drill in true)
        drill = found.drills[:1] and found.drills[0] in true
        leg = bool(drill) and found.side == side
        right = (True, position, bool(drill), leg, found.sure, found.sure and not leg, bool(set(true) & set(found.drills)))
        part = row.get("part", "all") or "all"
        counts[part] = [a + b for a, b in zip(counts.get(part, [0] * len(right)), right, strict=True)]
        how = "right" if leg else "drill right" if drill else "position right" if position else "wrong"
        told = f"{' or '.join(found.drills[:2]) or 'nothing'} {found.side}"
        print(f"{how:14s} {'sure' if found.sure else 'asks'} {row['clip']}, {' or '.join(true)} {side}: {told}")
    for part, count in counts.items():
        print(part, ", ".join(f"{name} {number}" for name, number in zip(OF, count, strict=True)))


if __name__ == "__main__":
    main()
