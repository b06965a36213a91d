"""How often the verdicts of `rotrack progress` are right on simulated people, as docs/progress.md prints it.

python tests/benchmarks/verdicts.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_progress import different_sems, people_of, share

from rotrack.progress.change import Verdict
from rotrack.progress.statistics import mdc

SESSIONS = (4, 6, 9, 13, 20)


def main() -> None:
    """Print the table."""
    head = " | ".join(f"{n} sessions" for n in SESSIONS)
    print(f"| SEM of the person | {head} |\n|---|{'---|' * len(SESSIONS)}")
    for sem in (1.5, 2.0, 3.0, 4.0, 4.5, "different"):
        sems = different_sems() if sem == "different" else np.full(2000, float(sem))
        cells = []
        for sessions in SESSIONS:
            still, moved = people_of(sessions, sems), people_of(sessions, sems, 1.5 * mdc(1.0) * sems)
            covered = (still.change_deg.abs() <= still.error_deg).mean()
            cells.append(f"{share(still, Verdict.REAL):.1%} / {share(moved, Verdict.REAL):.0%} / {covered:.1%}")
        name = "different, as the default allows" if sem == "different" else f"{sem:.1f} degrees"
        print(f"| {name} | {' | '.join(cells)} |")
    print("\nwrongly real without a change / a true change of 1.5 MDC95 found / covered by the 95 % interval")


if __name__ == "__main__":
    main()
