"""How often the verdicts of `rotrack progress` are right on simulated people, as docs/progress.md prints it.

python tests/benchmarks/verdicts.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_progress import different_sems, people_of, share, simulated

from rotrack.progress.change import Verdict, change_table
from rotrack.progress.statistics import mdc

SESSIONS = (4, 6, 9, 13, 20)


def four_ranges(sessions: int) -> float:
    """Return how often at least one of four ranges is said to have changed, none having."""
    said = people_of(sessions, 3.0, n=8000).verdict == Verdict.REAL
    return float(said.to_numpy().reshape(-1, 4).any(axis=1).mean())


def every_look(sessions: tuple[int, ...]) -> list[float]:
    """Return how often a range is said at least once to have changed, by whoever looks after every session until then."""
    values = 35 + 3.0 * np.random.default_rng(1).normal(size=(2000, max(sessions)))
    said = np.zeros(2000, bool)
    found = {}
    for n in range(4, max(sessions) + 1):
        said |= (change_table(simulated(values[:, :n])).verdict == Verdict.REAL).to_numpy()
        found[n] = float(said.mean())
    return [found[n] for n in sessions]


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
    print("\n| said at least once of nothing changed, SEM 3.0 | " + head + " |\n|---|" + "---|" * len(SESSIONS))
    ranges = [four_ranges(sessions) for sessions in SESSIONS]
    print("| four ranges, one look | " + " | ".join(f"{share:.0%}" for share in ranges) + " |")
    print("| one range, a look after every session | " + " | ".join(f"{share:.0%}" for share in every_look(SESSIONS)) + " |")
    print("\nwrongly real without a change / a true change of 1.5 MDC95 found / covered by the 95 % interval")


if __name__ == "__main__":
    main()
