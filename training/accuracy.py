"""Measures the recordings of the public benchmark and writes the tables of README.md and docs/accuracy.md.

python -m training.accuracy                  # prints the tables, those of the untouched part first
python -m training.accuracy --write-docs     # writes them where the pages have their names

Beside them stands what rotrack 0.1.0 makes of the same recordings (`baseline.csv`). It is made anew with

git worktree add OLD bab661a     # the last commit that measures as 0.1.0 does
cd OLD && python -m rotrack validate RECORDINGS --keep RECORDINGS/sessions --state STATE --out RECORDINGS/baseline.csv --overwrite
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rotrack.validation import markdown, read_before, validate_folder
from rotrack.validation.summary import Summary, summaries
from training.recordings import BASELINE, RECORDINGS, SESSIONS
from training.render.benchmark import CLIPS
from training.simulate import variants

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "accuracy.md")
_OF = ("legs read", "mean error", "median", "worst", "found", "invented", "95 % holds")


def tables(now: pd.DataFrame, before: pd.DataFrame) -> dict[str, str]:
    """Return the tables of the pages by name.

    Parameters
    ----------
    now, before : pandas.DataFrame
        What this version and 0.1.0 found of the recordings, as `validate_folder` returns it.
    """
    made = {}
    for part in CLIPS:
        mine, old = (table[table["clip"].str.startswith(f"{part}_")] for table in (now, before))
        made[f"{part} recorded"] = recorded(part, mine["clip"].unique())
        made |= {f"{part} now": markdown(mine), f"{part} 0.1.0": markdown(old)}
        made[f"{part} both"] = _beside(old, mine)
        made[f"{part} short"] = _short(mine)
    return made


def recorded(part: str, clips: Iterable[str]) -> str:
    """Return of how many clips of each way to do the drills there are recordings."""
    names = [clip.removeprefix(f"{part}_").rpartition("_")[0] for clip in clips if clip.startswith(part)]
    counts = {variant.name: names.count(variant.name) for variant in variants()}
    told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
    of = f"{sum(counts.values())} of the {CLIPS[part] * len(counts)}"
    return f"{of} clips of this part (without those face down) are recorded: {told}."


def _beside(before: pd.DataFrame, now: pd.DataFrame) -> str:
    """Return a table of few columns with both versions in each cell."""
    was = {summary.name: _cells(summary) for summary in summaries(before)}
    rows = [["", "clips", *(f"{name}, 0.1.0 / now" for name in _OF)]]
    for summary in summaries(now):
        both = zip(was[summary.name], _cells(summary), strict=True)
        told = (old if old == new else f"{old} / {new}" for old, new in both)
        rows.append([summary.name.replace("_", " "), str(summary.clips), *told])
    return "\n".join(_lines(rows))


def _short(now: pd.DataFrame) -> str:
    """Return a table of few columns of this version."""
    rows = [["", "clips", "legs read", "median error, degrees", "repetitions found", "95 % errors hold"]]
    for summary in summaries(now):
        read, _, median_deg, _, found, _, held = _cells(summary)
        rows.append([summary.name.replace("_", " "), str(summary.clips), read, median_deg, found, held])
    return "\n".join(_lines(rows))


def _cells(s: Summary) -> list[str]:
    degrees = [f"{value:.1f}" if math.isfinite(value) else "-" for value in (s.mae_deg, s.median_deg, s.worst_deg)]
    held = f"{s.covered / s.covered_of:.0%} of {s.covered_of}" if s.covered_of else "-"
    return [f"{s.legs_read} of {s.legs}", *degrees, f"{s.found} of {s.true}", str(s.invented), held]


def _lines(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def written(page: str, made: dict[str, str]) -> str:
    """Return a page with its tables made anew: each stands between `<!-- benchmark: NAME -->` and `<!-- end -->`."""
    for name, table in made.items():
        block = re.compile(rf"(<!-- benchmark: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = block.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", page)
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-docs", action="store_true", help="write README.md and docs/accuracy.md")
    parser.add_argument("--jobs", type=int, default=None, help="clips at a time; default: one per core")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as state:
        now = validate_folder(RECORDINGS, keep=RECORDINGS / SESSIONS, state=Path(state), processes=asked.jobs)
    made = tables(now, read_before(RECORDINGS / BASELINE))
    if not asked.write_docs:
        print("\n\n".join(f"{name}\n\n{table}" for name, table in made.items()))
        return 0
    for page in PAGES:
        page.write_text(written(page.read_text("utf-8"), made), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
