"""How the numbers of two releases differ on sample videos and recordings: python tests/benchmarks/releases.py 0.1.0 0.2.0.

The second is what is frozen now (tests/fixtures/numbers) if it is left out. CHANGELOG.md has what this prints.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from releases import RELEASES, compared
from test_same_numbers import NUMBERS

QUANTITIES = {"peak_deg": "degrees", "uncertainty_deg": "degrees", "range_deg": "degrees", "hold_s": "s", "end_s": "s"}


def main() -> None:
    """Print a line per quantity."""
    older, *rest = sys.argv[1:]
    found = compared(RELEASES / older, RELEASES / rest[0] if rest else NUMBERS)
    print(f"repetitions: {len(found.both)} in both, {len(found.only_older)} only before, {len(found.only_newer)} only now")
    for name, unit in QUANTITIES.items():
        changes = [now[name] - then[name] for then, now in found.both if then[name] is not None and now[name] is not None]
        print(f"{name:16} {median(changes):+.2f} {unit} (median), from {min(changes):+.2f} to {max(changes):+.2f}")
    print(f"session values: {len(found.values)}, largest change {max(abs(now - then) for then, now in found.values):.2f} degrees")


if __name__ == "__main__":
    main()
