"""How large faults are read on rendered clips, whose true faults stand in their specs, from what the models said of them.

python tests/benchmarks/compensation_clips.py training/recordings training/recordings/sessions       # ordinary people
python tests/benchmarks/compensation_clips.py CLIPS KEEP             # after rotrack validate CLIPS --keep KEEP

The neutral pose is taken before the first repetition and the size of a fault at the true peaks, so that nothing else of the
measuring has a say in it. With `--each` every repetition is printed.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, Side
from rotrack.kinematics.compensation import Compensation, size_at_peak
from rotrack.records.landmarks import read_poses
from rotrack.tracking.neutral import middle
from training.compensation import PARTS

REST_S = 1.0


def main() -> None:
    """Print what is read, per drill and fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("truth", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--each", action="store_true")
    asked = parser.parse_args()
    table, found = load_table(), defaultdict(list)
    for session in sorted(asked.kept.glob("*/sessions/*/session.json")):
        folder, name = session.parent, session.parents[2].name
        truth = asked.truth / f"{name}.gt.json"
        if not truth.exists():
            continue
        told = json.loads(truth.read_text("utf-8"))
        drill = table.drill(json.loads(session.read_text("utf-8"))["drill"])
        poses = [pose for pose in read_poses(folder) if not pose.reason]
        moved = told.get("spec", {}).get("movement", {})
        for side in Side:
            reps = [rep for rep in told["reps"] if rep.get("side", side) == side]
            needed = [getattr(LEGS[side], part) for part in ("hip", "knee", "ankle")]
            seen = [pose for pose in poses if np.isfinite(pose.image_px[needed]).all()]
            begin_s = reps[0]["start"] if reps else 0.0
            rest = [pose for pose in seen if begin_s - REST_S - 0.1 <= pose.time_s <= begin_s - 0.1]
            if len(rest) < 3:
                continue
            reader = Compensation(middle(rest), side, drill.posture)
            sizes = [(pose.time_s, reader.sizes(pose)) for pose in seen]
            for rep in reps:
                for fault in table.faults_of(drill)[0]:
                    if fault.of_other_leg and told["side"] == "both":
                        continue
                    size = size_at_peak(sizes, fault.letter, 0.5 * (rep["peak_from"] + rep["peak_to"]))
                    true = abs(moved.get(f"{PARTS.get(fault.letter, '')}_deg", 0.0)) * abs(rep["peak_deg"]) / 30
                    found[drill.id, fault.letter].append((size, true, fault.limits[drill.posture]))
                    if asked.each:
                        print(f"{name:34} {side:5} {rep['peak_deg']:6.1f} {fault.letter} read {size:5.1f} true {true:5.1f}")
    print("| drill | fault | limit | repetitions | over the limit | median read | largest | not seen |\n" + "|---" * 8 + "|")
    for (drill_id, letter), rows in found.items():
        size, _, limit = np.array(rows).T
        known = size[np.isfinite(size)]
        about = (f"{np.median(known):.1f}", f"{known.max():.1f}") if len(known) else ("-", "-")
        cells = (drill_id, letter, f"{limit[0]:g}", len(size), int((known > limit[0]).sum()), *about, int(np.isnan(size).sum()))
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
