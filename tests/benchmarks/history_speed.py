"""How long history, progress and report take with 500 sessions of one person, against an earlier version in the same run.

    git worktree add ../rotrack-0.1.0 d2ce367f420ccb7ccc87ac39bd39e6cd38150a0b
    python tests/benchmarks/history_speed.py --old ../rotrack-0.1.0

The earlier version writes the sessions; this one takes a copy over. Then both are asked in turns, each time in a process of its
own: the whole command, and the time that it needs besides loading the program.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[2]
COMMANDS = {
    "history": ["history", "--person", "Ana"],
    "progress": ["progress", "--person", "Ana"],
    "report": ["report", "--person", "Ana", "--to", "REPORT"],
}
MAKE = """
import json, random, shutil, sys
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from rotrack.progress import sample
from rotrack.records import log
from rotrack.records.session import load_session
data, source, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
sample.write_sample(source)
first = sorted((source / "sessions").glob("*seated*"))[0]
info, reps = json.loads((first / "session.json").read_text()), load_session(first).rep_list
rows = []
for number in range(count):
    at = datetime.fromisoformat("2020-01-01T10:00:00+01:00") + timedelta(days=3 * number)
    off_deg = random.Random(number).gauss(0, 2)
    own = [replace(rep, peak_deg=round(rep.peak_deg + off_deg, 2)) for rep in reps]
    about = info | {"session_id": f"{at:%Y%m%d-%H%M%S}-seated-combined-{number:04x}", "started_at": at.isoformat()}
    about |= {"person": "Ana", "note": "", "model": "heavy", "reps": [asdict(rep) for rep in own]}
    folder = data / "sessions" / about["session_id"]
    folder.mkdir(parents=True)
    (folder / "session.json").write_bytes(log.info_bytes(about))
    shutil.copy(first / "angles.csv", folder / "angles.csv")
    rows += [log.rep_row(about, rep) for rep in own]
log.append_reps(data, rows)
"""
TIMED = """
import sys, time
import rotrack.cli
from rotrack.cli import main
import rotrack.progress.change, rotrack.report.content
sys.argv = ["rotrack", *sys.argv[1:]]
begun = time.perf_counter()
try:
    main()
except SystemExit as end:
    if end.code:
        raise
print(f"TIMED {time.perf_counter() - begun}", file=sys.stderr)
"""


def run(code: str, tree: Path, *arguments: str) -> tuple[float, float]:
    """Run code on a version of rotrack; return wall time and the time that it tells itself, s."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    wall_s = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr)
    told = [line for line in done.stderr.splitlines() if line.startswith("TIMED")]
    return wall_s, float(told[0].split()[1]) if told else 0.0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, required=True, help="A checkout of the earlier version.")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        old, new = work / "old", work / "new"
        run(MAKE, asked.old.resolve(), str(old), str(work / "source"), str(asked.sessions))
        shutil.copytree(old, new)
        taken_s, _ = run(TIMED, HERE, "history", "--out", str(new))
        print(f"{asked.sessions} sessions of one person; the first command takes the folder over in {taken_s:.1f} s")
        times: dict[str, dict[str, list[tuple[float, float]]]] = {name: {"old": [], "new": []} for name in COMMANDS}
        for turn in range(asked.rounds):
            for name, command in COMMANDS.items():
                for version, tree, data in (("old", asked.old.resolve(), old), ("new", HERE, new)):
                    words = [str(work / f"{version}-{turn}.html") if word == "REPORT" else word for word in command]
                    times[name][version].append(run(TIMED, tree, *words, "--out", str(data)))
        print(f"{'':10} {'old':>8} {'new':>8} {'ratio':>6}   whole command: {'old':>6} {'new':>6} {'ratio':>6}   (median s)")
        for name, found in times.items():
            own = [statistics.median(t for _, t in found[version]) for version in ("old", "new")]
            wall = [statistics.median(t for t, _ in found[version]) for version in ("old", "new")]
            print(
                f"{name:10} {own[0]:8.3f} {own[1]:8.3f} {own[1] / own[0]:6.2f}   {'':14} {wall[0]:6.2f} {wall[1]:6.2f} "
                f"{wall[1] / wall[0]:6.2f}"
            )


if __name__ == "__main__":
    main()
