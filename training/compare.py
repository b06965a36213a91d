"""Are simulated sessions like rendered ones? Runs both through the tracker and prints them side by side, per posture.

rotrack validate CLIPS --keep KEEP          # runs the models over the clips, once
python -m training.compare KEEP CLIPS...    # the same movement with made errors
python -m training.compare training/recordings/sessions training/recordings --only tune_    # of the benchmark's recordings

Recordings do not hold where the joints are: the specs make that again, for which the renderer's assets must be there.

Every clip is measured three times: as the models saw it; with made errors on its own true landmarks; and, where its truth holds
the whole spec, as a made person does the same movement before the same camera. The last two are means over some sessions.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.model import LANDMARK_NAMES, Pose, Rep, Side
from rotrack.records.landmarks import LANDMARKS, read_poses
from rotrack.records.record import read_record
from rotrack.tracking.pipeline import RotationTracker
from training import simulate
from training.noise import Truth
from training.render.stage import ClipSpec

NEAR_S = 0.6
WAYS = ("rendered", "made errors", "made person")


@dataclass(frozen=True)
class Measured:
    """How one clip was measured in one way.

    Parameters
    ----------
    curve_deg, peak_deg : float
        Mean absolute errors of curve and peaks; NaN if there is none.
    found, true, invented : float
        Repetitions that were found and that there are, and what was found besides.
    """

    curve_deg: float
    peak_deg: float
    found: float
    true: float
    invented: float


@dataclass(frozen=True)
class TrueRep:
    """A true repetition: leg, sign, plateau."""

    side: str
    sign: int
    from_s: float
    to_s: float


def true_reps(meta: dict[str, Any]) -> list[TrueRep]:
    """Return the repetitions that a clip's truth lists."""
    sides = (meta["side"],) if meta["side"] != "both" else ("right", "left")
    found = []
    for rep in meta["reps"]:
        for phase in rep.get("phases", [rep]):
            for side in [rep["side"]] if "side" in rep else sides:
                found.append(TrueRep(side, int(np.sign(phase["peak_deg"])), float(phase["peak_from"]), float(phase["peak_to"])))
    return found


def measure(
    drill: str, poses: Sequence[Pose], times_s: np.ndarray, truth_deg: dict[str, np.ndarray], reps: Sequence[TrueRep]
) -> Measured:
    """Run poses through the tracker and compare with the truth, in degrees since the neutral pose."""
    moving = tuple(Side(side) for side in sorted({rep.side for rep in reps}))
    tracker = RotationTracker(load_table().drill(drill), moving)
    steps = [tracker.update(pose) for pose in poses]
    steps.append(tracker.finish(poses[-1]))
    logged: list[Rep] = [rep for step in steps for rep in step.reps]
    curve_off, peak_off, found = [], [], 0
    left = list(logged)
    for side in moving:
        neutral = next((n for step in steps for n in step.neutrals if n.side is side), None)
        if neutral is None:
            continue
        still = (times_s >= neutral.from_s) & (times_s <= neutral.to_s)
        true = truth_deg[side] - (np.median(truth_deg[side][still]) if still.any() else 0.0)
        points = [p for step in steps for p in step.curve if p.side is side and np.isfinite(p.angle_deg)]
        if points:
            at = np.interp([p.time_s for p in points], times_s, true)
            curve_off.append(np.abs(np.array([p.angle_deg for p in points]) - at).mean())
        for rep in reps:
            match = next((it for it in left if _same(it, rep, side)), None)
            if match:
                left.remove(match)
                found += 1
                held = (times_s >= rep.from_s) & (times_s <= rep.to_s)
                peak = np.median(true[held]) if held.any() else np.interp(0.5 * (rep.from_s + rep.to_s), times_s, true)
                peak_off.append(abs(match.peak_deg - float(peak)))
    return Measured(
        float(np.mean(curve_off)) if curve_off else np.nan, float(np.mean(peak_off)) if peak_off else np.nan,
        found, len(reps), len(left),
    )  # fmt: skip


def _same(found: Rep, true: TrueRep, side: Side) -> bool:
    return (
        found.side is side
        and true.side == side
        and found.direction.sign == true.sign
        and true.from_s - NEAR_S <= found.peak_s <= true.to_s + NEAR_S
    )


def compared(place: tuple[Path, Path, str], times: int) -> tuple[str, str, dict[str, Measured]] | None:
    """Return posture, name and what one clip gives in every way; None if its truth is only of one leg."""
    folder, clips, name = place
    meta = json.loads((clips / f"{name}.gt.json").read_text("utf-8"))
    drill = str(read_record(folder).drill)
    poses = list(read_poses(folder))
    times_s = np.array([pose.time_s for pose in poses])
    try:
        truth, reps = Truth.read(clips, name, times_s), true_reps(meta)
    except KeyError:
        return None
    rotations = {side: truth.columns[f"{side}_hip_internal_rotation"] for side in Side}
    ways = {"rendered": measure(drill, poses, times_s, rotations, reps)}
    again = [
        measure(drill, _with_errors(truth, poses, drill, [seed, zlib.crc32(name.encode())]), times_s, rotations, reps)
        for seed in range(times)
    ]
    ways["made errors"] = _mean(again)
    try:
        ClipSpec.read(meta["spec"])
    except ValueError:
        return str(load_table().drill(drill).posture), name, ways
    made = []
    for seed in range(times):
        session = simulate.like_clip(name, meta["spec"], seed)
        at = session.seen_s
        shown = {side: session.course.angle_deg(side, at) for side in Side}
        made.append(measure(drill, session.poses, np.array([p.time_s for p in session.poses]), shown, reps))
    return str(load_table().drill(drill).posture), name, ways | {"made person": _mean(made)}


def _with_errors(truth: Truth, poses: Sequence[Pose], drill: str, seeds: Sequence[int]) -> list[Pose]:
    """Return a clip's true landmarks with made errors; of head, arms and trunk nothing is known."""
    known = np.isfinite(np.stack(list(truth.pixels.values()))).all(axis=(0, 2))
    rows = np.flatnonzero(known)
    nothing = {name: np.full((len(rows), 3), np.nan) for name in LANDMARK_NAMES}
    seen_m = nothing | {name: place[rows] for name, place in truth.seen_m.items()}
    pixels = {name: place[:, :2] for name, place in nothing.items()} | {n: p[rows] for n, p in truth.pixels.items()}
    times_s = np.array([poses[k].time_s for k in rows])
    shown = simulate.Shown(times_s, seen_m, pixels, poses[0].size_px, truth.matrix, int(np.argmax(truth.exercises[rows])))
    posture = str(load_table().drill(drill).posture)
    noise, rng = simulate.noise(posture), np.random.default_rng([83, *seeds])
    made = shown.as_followed(noise, rng).poses(noise, rng)
    found = [simulate.empty_pose(pose.time_s, pose.size_px, simulate.NOBODY) for pose in poses]
    for row, pose in zip(rows, made, strict=True):
        found[row] = replace(pose, time_s=poses[row].time_s)
    return found


def _mean(several: Sequence[Measured]) -> Measured:
    with np.errstate(all="ignore"):
        rows = np.array([[m.curve_deg, m.peak_deg, m.found, m.true, m.invented] for m in several])
        return Measured(
            *(float(np.mean(column[np.isfinite(column)])) if np.isfinite(column).any() else np.nan for column in rows.T)
        )


def line(label: str, clips: Sequence[dict[str, Measured]]) -> str:
    """Return a row of the table: means over some clips."""
    cells = []
    for way in WAYS:
        known = [ways[way] for ways in clips if way in ways]
        if not known:
            cells.append("")
            continue
        one = _mean(known)
        share = sum(m.found for m in known) / max(1.0, sum(m.true for m in known))
        of = "" if len(known) == len(clips) else f" ({len(known)} clips)"
        cells.append(f"{one.curve_deg:.1f}, {one.peak_deg:.1f}, {share:.0%}, {sum(m.invented for m in known):.1f}{of}")
    return f"| {label} | {len(clips)} | " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare all clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keep", type=Path, help="where `rotrack validate --keep` left what the models said")
    parser.add_argument("clips", type=Path, nargs="+", help="folders of the clips with their truth")
    parser.add_argument("--times", type=int, default=8, help="sessions made of every clip")
    parser.add_argument("--by-clip", action="store_true", help="one line for every clip")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only clips whose names hold this")
    given = parser.parse_args(arguments)
    places = []
    for marks in sorted(given.keep.glob(f"*/sessions/*/{LANDMARKS}")):
        name = marks.parents[2].name
        clips = next((folder for folder in given.clips if (folder / f"{name}.gt.json").is_file()), None)
        if clips and given.only in name and json.loads((clips / f"{name}.gt.json").read_text("utf-8"))["reps"]:
            places.append((marks.parent, clips, name))
    if not places:
        sys.exit("No measured clip with repetitions: run `rotrack validate CLIPS --keep KEEP` first.")
    with ProcessPoolExecutor(given.jobs) as pool:
        groups: dict[str, list[dict[str, Measured]]] = defaultdict(list)
        print("| | clips | " + " | ".join(f"{way}: curve, peaks, found, invented" for way in WAYS) + " |")
        print("|---|---|" + "---|" * len(WAYS))
        for outcome in pool.map(partial(compared, times=given.times), places):
            if outcome is None:
                continue
            posture, name, ways = outcome
            groups[posture].append(ways)
            if given.by_clip:
                print(line(name, [ways]), flush=True)
    print("\n".join(line(posture, clips) for posture, clips in sorted(groups.items())))
    print(line("all", [ways for clips in groups.values() for ways in clips]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
