"""Clips of people who make one fault of twice its limit, five for each drill in which rotrack has learned to read faults.

python -m training.render.faults                                    # writes faults.json; always the same
python -m training.render.clip training/render/faults.json CLIPS
rotrack validate CLIPS --keep KEEP                                  # after: python -m training.render.faults manifest CLIPS
python tests/benchmarks/compensation_clips.py CLIPS KEEP --faults   # the table of docs/compensation.md

The faults of a drill take turns, those included that are read but not watched, because these clips do not show them. Nobody is in
two clips, and nobody is in the benchmark or was learned from.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rotrack.core.drills import load_table
from rotrack.kinematics.compensation import learned_for
from training import compensation
from training.movement import Drawn

from . import benchmark, people, placing
from .benchmark import Variant

SPECS = Path(__file__).with_suffix(".json")
CLIPS = 5
PEOPLE, SEEDS = 30_000, 40_000
"""Numbers of the first person and of the first movement: no others are as high."""
PLACED = "ideal, whole"
"""Where the camera stands as the drill has it, and sees all of the person: what is asked is whether a fault is seen at all."""
SIZE_PX = [640, 480]
STILL_S = 1.6


def draw() -> dict[str, dict[str, Any]]:
    """Return all specs by name."""
    table, specs = load_table(), dict[str, dict[str, Any]]()
    numbers = itertools.count()
    for drill_id in compensation.ways():
        drill = table.drill(drill_id)
        told = learned_for(drill)
        limited = [letter for letter in drill.faults if drill.posture in table.faults[letter].limits]
        read = [letter for letter in limited if told and letter in told.letters]
        for k, letter in zip(range(CLIPS if read else 0), itertools.cycle(read)):
            size = 2 * table.faults[letter].limits[drill.posture]
            specs[f"{drill_id}_{letter}{k}"] = _spec(drill_id, letter, size, next(numbers))
    return specs


def _spec(drill_id: str, letter: str, size: float, number: int) -> dict[str, Any]:
    tries = (_planned(drill_id, letter, size, SEEDS * k + number) for k in itertools.count(1))
    way, drawn, per_30 = next(planned for planned in tries if planned)
    cycles = 1 if len(drawn.movement.directions) > 1 else 2
    moved = dataclasses.replace(drawn.movement, cycles=cycles, start_s=STILL_S, end_s=0.6)
    views = (placing.draw_for(way.posture, "test", 100 * (SEEDS + number) + k) for k in itertools.count())
    placed = next(view for view in views if _plain(view))
    return {
        "posture": way.posture,
        "person": people.draw("test", PEOPLE + number),
        "movement": benchmark.changed(moved),
        "feed": {"fps": compensation.FPS},
        "options": dict(way.options),
        **placed,
        "note": f"fault {letter} {per_30[letter]:.4g}",
        "seed": SEEDS + number,
        "drill": drill_id,
        "kind": drawn.kind,
    }


def _plain(view: dict[str, Any]) -> bool:
    """Return whether a camera stands well and has a short exposure: a long one takes five pictures for each."""
    return view["note"] == PLACED and view["size_px"] == SIZE_PX and "shutter_s" not in view["sensor"]


def _planned(drill_id: str, letter: str, size: float, number: int) -> tuple[Variant, Drawn, dict[str, float]] | None:
    """Return who does the drill how; None where the fault cannot be seen, since both legs move and their faults cancel out."""
    _, way, drawn, per_30 = compensation.plan("test", number, drill_id, {letter: size})
    moved = drawn.movement
    peak_deg = min(getattr(moved, f"{direction}_deg") for direction in moved.directions)
    alone = moved.legs == "one" or not load_table().faults[letter].of_other_leg
    return (way, drawn, per_30) if alone and abs(per_30[letter]) * peak_deg / 30 > 0.9 * size else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the specs, or the manifest of the clips that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what")
    listed = commands.add_parser("manifest", help="write manifest.csv for the clips that are complete")
    listed.add_argument("clips", type=Path)
    asked = parser.parse_args(arguments)
    if asked.what == "manifest":
        print(benchmark.manifest(json.loads(SPECS.read_text("utf-8")), asked.clips), "clips")
    else:
        benchmark.write(SPECS, draw())
    return 0


if __name__ == "__main__":
    sys.exit(main())
