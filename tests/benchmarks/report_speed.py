"""How long the report takes against the history page: run `python tests/benchmarks/report_speed.py`, or see `--help`.

Writes sessions of one person, one a day and both legs, starts the program, and asks for both pages in turns, as a browser that
has its cookie does. The first round is not counted: it reads what later ones find in memory. What the browser does with the pages
afterwards is not measured; the history page has to draw its chart there, the report comes drawn.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

sys.path.insert(0, str(Path(__file__).parents[1]))

from made_sessions import repetition, write
from page_helpers import program

from rotrack.core.model import Side

MOST = 2.0
"""The report is to take at most so many times as long as the history page."""
PAGES = ("history?person=Ana&drill=seated-internal", "report.html?person=Ana")


def answered_s(asks: OpenerDirector, address: str) -> float:
    """Return how long it takes until a page has come, s."""
    began_s = time.monotonic()
    with asks.open(address, timeout=600) as answer:
        answer.read()
    return time.monotonic() - began_s


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        first = datetime(2024, 6, 1, 8, tzinfo=UTC)
        for day in range(chosen.sessions):
            reps = tuple(repetition(n, 20.0 + day % 7 + n, side) for side in Side for n in (1, 2, 3))
            started = (first + timedelta(days=day)).isoformat()
            write(data, 1, reps, person="Ana", sides=tuple(Side), session_id=f"{day:05}", started_at=started)
        with program(data) as running:
            asks = build_opener(HTTPCookieProcessor())
            asks.open(running.at(), data=b"").close()  # as a browser does that is let in
            rounds = [[answered_s(asks, running.url + address) for address in PAGES] for _ in range(chosen.rounds + 1)][1:]
    history_s, report_s = map(statistics.median, zip(*rounds, strict=True))
    ratios = [report / history for history, report in rounds]
    print(
        f"{chosen.sessions} sessions: history {history_s:.1f} s, report {report_s:.1f} s (medians of {chosen.rounds}); "
        f"ratio {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f} (at most {MOST:g} wanted)"
    )


if __name__ == "__main__":
    main()
