"""How large faults are read on rendered clips, whose true faults stand in their specs, from what the models said of them.

python tests/benchmarks/compensation_clips.py training/recordings training/recordings/sessions       # ordinary people
python tests/benchmarks/compensation_clips.py CLIPS KEEP             # after rotrack validate CLIPS --keep KEEP
python tests/benchmarks/compensation_clips.py CLIPS KEEP --faults    # clips of training/render/faults.py: is their fault found?

The neutral pose is taken before the first repetition and the size of a fault at the true peaks, so that nothing else of the
measuring has a say in it. With `--each` every repetition is printed. With `--faults`, a fault of the true size s is found if more
than s / 2 is read, for it is twice the limit; other faults of these clips are false alarms above their limits.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, Side
from rotrack.kinematics.compensation import Compensation, size_at_peak
from rotrack.records.landmarks import read_poses
from rotrack.tracking.neutral import middle
from training.compensation import PARTS

REST_S = 1.0


@dataclass(frozen=True)
class Seen:
    """A fault in a repetition of a rendered clip, in the unit of the fault.

    Parameters
    ----------
    clip, drill, letter : str
        Of what.
    side : Side
        The leg.
    peak_deg : float
        The turn.
    read, true, limit : float
        Its sizes, without sign, and what is allowed; NaN if not seen, or if its true size is not known.
    made : bool
        Whether the clip was made to show this fault.
    """

    clip: str
    drill: str
    side: Side
    peak_deg: float
    letter: str
    read: float
    true: float
    limit: float
    made: bool

    @property
    def found(self) -> bool:
        """Whether more than half of it is read."""
        return self.read > self.true / 2


def seen_in(session: Path, truth: Path) -> Iterator[Seen]:
    """Yield the faults of the repetitions of a clip, from the session that measured it."""
    table, name, told = load_table(), session.parents[2].name, json.loads(truth.read_text("utf-8"))
    drill = table.drill(json.loads(session.read_text("utf-8"))["drill"])
    poses = [pose for pose in read_poses(session.parent) if not pose.reason]
    moved = told.get("spec", {}).get("movement", {})
    _, made, per_30 = (*told.get("spec", {}).get("note", "").split(), "", "", "")[:3]
    for side in Side:
        reps = [rep for rep in told["reps"] if rep.get("side", side) == side]
        needed = [getattr(LEGS[side], part) for part in ("hip", "knee", "ankle")]
        seen = [pose for pose in poses if np.isfinite(pose.image_px[needed]).all()]
        begin_s = reps[0]["start"] if reps else 0.0
        rest = [pose for pose in seen if begin_s - REST_S - 0.1 <= pose.time_s <= begin_s - 0.1]
        if len(rest) < 3:
            continue
        reader = Compensation(middle(rest), side, drill)
        sizes = [(pose.time_s, reader.sizes(pose)) for pose in seen]
        for rep in reps:
            for fault in table.faults_of(drill)[0]:
                if fault.of_other_leg and told["side"] == "both":
                    continue
                size = size_at_peak(sizes, fault.letter, 0.5 * (rep["peak_from"] + rep["peak_to"]))
                share = abs(rep["peak_deg"]) / 30
                mine = fault.letter == made
                true = share * abs(float(per_30) if mine else moved.get(f"{PARTS.get(fault.letter, '')}_deg", math.nan))
                limit = fault.limits[drill.posture]
                yield Seen(name, drill.id, side, rep["peak_deg"], fault.letter, size, true, limit, mine)


def show(found: list[Seen]) -> str:
    """Return what is read of every fault, per drill."""
    lines = ["| drill | fault | limit | repetitions | over the limit | median read | largest | not seen |", "|---" * 8 + "|"]
    for drill, letter in dict.fromkeys((seen.drill, seen.letter) for seen in found):
        mine = [seen for seen in found if (seen.drill, seen.letter) == (drill, letter)]
        known = np.array([seen.read for seen in mine if math.isfinite(seen.read)])
        about = (f"{np.median(known):.1f}", f"{known.max():.1f}") if len(known) else ("-", "-")
        limit = mine[0].limit
        cells = (drill, letter, f"{limit:g}", len(mine), int((known > limit).sum()), *about, len(mine) - len(known))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def show_faults(found: list[Seen]) -> str:
    """Return how often the faults that clips were made to show are found, and false alarms of the others, per drill."""
    lines = ["| drill | clips | found | missed | false alarms of other faults |", "|---" * 5 + "|"]
    for drill in [*dict.fromkeys(seen.drill for seen in found), ""]:
        mine = [seen for seen in found if not drill or seen.drill == drill]
        made, calm = [seen for seen in mine if seen.made], [seen for seen in mine if not seen.made and math.isfinite(seen.read)]
        missed, alarms = (
            Counter(s.letter for s in some) for some in ([s for s in made if not s.found], [s for s in calm if s.read > s.limit])
        )
        clips = len({seen.clip for seen in mine})
        cells = (
            drill or "all",
            clips,
            f"{sum(s.found for s in made)} of {len(made)}",
            _listed(missed),
            f"{_listed(alarms)} of {len(calm)}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _listed(letters: Counter[str]) -> str:
    return ", ".join(f"{letter} {times}" for letter, times in sorted(letters.items())) or "0"


def main() -> None:
    """Print what is read, per drill and fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("truth", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--faults", action="store_true", help="clips that were made to show a fault")
    parser.add_argument("--each", action="store_true")
    asked = parser.parse_args()
    found: list[Seen] = []
    for session in sorted(asked.kept.glob("*/sessions/*/session.json")):
        truth = asked.truth / f"{session.parents[2].name}.gt.json"
        if truth.exists():
            found += seen_in(session, truth)
    if asked.each:
        for seen in found:
            sizes = f"read {seen.read:5.1f} true {seen.true:5.1f}{' made' if seen.made else ''}"
            print(f"{seen.clip:34} {seen.side:5} {seen.peak_deg:6.1f} {seen.letter} {sizes}")
    print(show_faults(found) if asked.faults else show(found))


if __name__ == "__main__":
    main()
