"""How long commands take to start and TAB to complete: CPU time of a fresh process, as a ratio to `rotrack --version`.

    python tests/benchmarks/start.py [--rounds 9]

All are run in turns, so that what else the computer does falls on all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_RATIO = 1.5
"""A completion may take so many times what `--version` takes."""
COMMANDS = ("--version", "--help", "drills", "history", "people")
LINES = (
    "rotrack re",
    "rotrack live --",
    "rotrack live --drill se",
    "rotrack drills se",
    "rotrack history --person ",
    "rotrack people show ",
    "rotrack people set --",
    "rotrack show ",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as home:
        for number in range(20):
            folder = Path(home, "people", f"p{number}")
            folder.mkdir(parents=True)
            (folder / "person.json").write_text(json.dumps({"id": folder.name, "name": f"Person {number}"}), "utf-8")
        asked = {f"rotrack {command}": ([command], {}) for command in COMMANDS}
        for line in LINES:
            words = line.split(" ")
            shell = {"_ROTRACK_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
            asked[f"{line}<TAB>"] = ([], shell)
        found: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, (args, shell) in asked.items():
                found[name].append(_cpu_s(args, {"ROTRACK_HOME": home, **shell}))
    version_s = statistics.median(found["rotrack --version"])
    print(f"{rounds} rounds, CPU time of a fresh process (median) and ratio to --version")
    for name, times_s in found.items():
        limit = f"  (at most {MOST_RATIO})" if "<TAB>" in name else ""
        print(f"{name:30}{1000 * statistics.median(times_s):7.0f} ms   x {statistics.median(times_s) / version_s:.2f}{limit}")


def _cpu_s(args: list[str], environment: dict[str, str]) -> float:
    before = os.times()
    subprocess.run([sys.executable, "-m", "rotrack", *args], env={**os.environ, **environment}, capture_output=True, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
