"""A practice's day: run `python tests/benchmarks/day.py [CLIP]`.

Thirty clients are found, measured and reported one after the other in a real Chromium, with a clip as the camera, as
`tests/test_page.py` does with two of them. Prints the clicks and the seconds of each visit, and of all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import SAMPLES
from page_helpers import CHROMIUM, held_still, program
from playwright.sync_api import sync_playwright
from test_page import person, thirty, visits

from rotrack.records.history import rep_table
from rotrack.records.store import read_sessions

PATIENCE_S = 900.0
"""For a visit, on a computer that has other work, too."""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=SAMPLES / "both_internal.mp4")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        names, clip = thirty(data), held_still(chosen.clip, Path(folder) / "clip.mp4", 2.5)
        browser, took_s, most = playwright.chromium.launch(executable_path=CHROMIUM), [], 0
        with program(data, "--camera", clip) as running, person(browser) as watched:
            began_s = time.monotonic()
            for clicks in visits(watched, running.at(), names, PATIENCE_S * 1000):
                took_s.append(time.monotonic() - began_s)
                print(f"{names[len(took_s) - 1]}: {clicks} clicks, {took_s[-1]:.0f} s", flush=True)
                most, began_s = max(most, clicks), time.monotonic()
        reps = rep_table(read_sessions(data)[0])
        measured = reps[reps.valid].groupby("person").side.nunique()
        print(f"{len(took_s)} clients, at most {most} clicks each; {statistics.median(took_s):.0f} s a visit (median), "
              f"{max(took_s):.0f} s the longest; {(measured == 2).sum()} with a valid repetition of both legs in the log; "
              f"{len(watched.complaints)} complaints of the browser")  # fmt: skip


if __name__ == "__main__":
    main()
