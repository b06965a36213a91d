"""How reliably compensation is seen, per drill, in made people of the untouched part whom nothing was learned from.

python tests/benchmarks/compensation.py                        # the table; exit 1 where a watched fault falls short
python tests/benchmarks/compensation.py --write-docs           # writes it into docs/compensation.md
python tests/benchmarks/compensation.py --limits               # what each limit would give, also of faults that are not watched

A fault that is watched has to be found in 80 % of the repetitions that have it at twice its limit, and in no more than 2 % of
those of people who move as ordinary people do, with the fault at less than half of its limit.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rotrack.core.drills import load_table
from rotrack.kinematics.compensation import Compensation, learned_for, size_at_peak
from rotrack.tracking.neutral import middle
from training import compensation

DOCS = Path(__file__).parents[2] / "docs" / "compensation.md"
FOUND_LEAST, FALSE_MOST = 0.80, 0.02
SHARES = (0.5, 0.75, 1.0)
"""Limits that are tried, as shares of twice those of the reference."""


@dataclass(frozen=True)
class Seen:
    """A repetition: sizes as they are read and as they are, by letter."""

    read: dict[str, float]
    true: dict[str, float]


def repetitions(drill: str, numbers: range, peaks: dict[str, float]) -> Iterator[Seen]:
    """Yield the repetitions of made people who do a drill with faults of these sizes."""
    known = load_table().drill(drill)
    told = learned_for(known)
    letters = told.letters if told else frozenset()
    for number in numbers:
        made = compensation.perform("test", number, drill, peaks)
        reader = Compensation(middle(made.neutral_poses()), made.side, known)
        sizes = [(pose.time_s, reader.sizes(pose)) for pose in made.seen.poses if not pose.reason]
        for rep in made.seen.course.reps:
            if rep.side == made.side:
                peak_s = 0.5 * (rep.peak_from_s + rep.peak_to_s)
                read = {letter: size_at_peak(sizes, letter, peak_s) for letter in letters}
                yield Seen(read, {letter: made.size(letter, peak_s) for letter in letters})


@dataclass(frozen=True)
class Row:
    """How a fault is seen in a drill at a limit."""

    drill: str
    letter: str
    limit: float
    found: float
    of_found: int
    false: float
    of_false: int

    @property
    def good(self) -> bool:
        """Whether that is enough."""
        return self.found >= FOUND_LEAST and self.false <= FALSE_MOST

    def __str__(self) -> str:
        fault = load_table().faults[self.letter]
        found, false = f"{100 * self.found:.0f} % of {self.of_found}", f"{100 * self.false:.1f} % of {self.of_false}"
        limit, enough = f"{self.limit:g} {fault.unit}", "yes" if self.good else "**no**"
        cells = (self.drill, f"{fault.title} ({self.letter})", limit, found, false, enough)
        return "| " + " | ".join(cells) + " |"


HEADER = "| drill | fault | limit | found at twice the limit | false alarms | goal reached |\n|---|---|---|---|---|---|"


def of_drill(drill: str, sessions: int, limits: bool) -> list[Row]:
    """Return the rows of a drill."""
    table, rows = load_table(), []
    known = table.drill(drill)
    told = learned_for(known)
    if told is None:
        return []
    ordinary = list(repetitions(drill, range(sessions), {}))
    for place, letter in enumerate(known.faults, 1):
        fault = table.faults[letter]
        if letter not in told.letters or not (limits or known.watches(fault)):
            continue
        tried = [share * compensation.TWICE[letter] for share in SHARES] if limits else [fault.limits[known.posture]]
        for limit in tried:
            numbers = range(place * sessions, (place + 1) * sessions)
            faulty = list(repetitions(drill, numbers, {letter: 2 * limit}))
            faulty = [rep for rep in faulty if rep.true[letter] >= 1.6 * limit]
            calm = [rep.read[letter] for rep in ordinary if rep.true[letter] < limit / 2]
            # Sizes differ a little between repetitions: each is judged at a limit of half of its own size.
            found = [rep.read[letter] > rep.true[letter] / 2 for rep in faulty]
            false = float(np.mean(np.array(calm) > limit))
            rows.append(Row(drill, letter, limit, float(np.mean(found)), len(found), false, len(calm)))
            if limits and rows[-1].good:
                break
    return rows


def main() -> int:
    """Print the table, and say whether all of it is enough."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sessions", type=int, default=34, help="sessions of each drill and fault (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="START", help="drills whose names start so")
    parser.add_argument("--limits", action="store_true", help="try limits, also of faults that are not watched")
    parser.add_argument("--write-docs", action="store_true", help=f"write the table into {DOCS.name}")
    asked = parser.parse_args()
    drills = [drill for drill in compensation.ways() if drill.startswith(asked.only)]
    rows: list[Row] = []
    print(HEADER, flush=True)
    with ProcessPoolExecutor(asked.jobs) as pool:
        for found in pool.map(of_drill, drills, [asked.sessions] * len(drills), [asked.limits] * len(drills)):
            rows += found
            print("\n".join(map(str, found)), flush=True)
    if asked.write_docs:
        before, _, rest = DOCS.read_text("utf-8").partition("<!-- compensation -->\n")
        after = rest.partition("<!-- end -->")[2]
        table = "\n".join([HEADER, *map(str, rows)])
        DOCS.write_text(f"{before}<!-- compensation -->\n{table}\n<!-- end -->{after}", "utf-8")
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
