"""How long commands take to start, TAB to complete and the page to come at first: run `python tests/benchmarks/start.py`.

Commands and completions are CPU time of a fresh process: commands as a ratio to `python -c "import numpy"`, completions to
`rotrack --version`. All are run in turns, so that what else the computer does falls on all of them. The page is the time to its
first byte, from programs that were started anew, as a ratio of the first request to the second. Ends with 1 if a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, build_opener

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import PATIENT_S
from page_helpers import program

MOST_OF_NUMPY = 3.0
"""A command that measures nothing may take so many times what it takes to import numpy."""
NUMPY = "import numpy"
MOST_RATIO = 1.5
"""A completion may take so many times what `--version` takes."""
MOST_FIRST = 3.0
"""The first page may take so many times what the second one takes."""
COMMANDS = ("--version", "--help", "drills", "history")
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
        asked: dict[str, tuple[list[str], dict[str, str]]] = {NUMPY: (["-c", NUMPY], {})}
        asked |= {f"rotrack {command}": (["-m", "rotrack", command], {}) for command in COMMANDS}
        for line in LINES:
            words = line.split(" ")
            shell = {"_ROTRACK_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
            asked[f"{line}<TAB>"] = (["-m", "rotrack"], shell)
        found: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, (args, shell) in asked.items():
                found[name].append(_cpu_s(args, {"ROTRACK_HOME": home, **shell}))
    taken_s = {name: statistics.median(times_s) for name, times_s in found.items()}
    print(f"{rounds} rounds, CPU time of a fresh process (median), with its ratio to: {NUMPY}; with <TAB>, to --version")
    over = False
    for name, time_s in taken_s.items():
        base_s, most = (taken_s["rotrack --version"], MOST_RATIO) if "<TAB>" in name else (taken_s[NUMPY], MOST_OF_NUMPY)
        over |= time_s / base_s > most
        print(f"{name:30}{1000 * time_s:7.0f} ms   x {time_s / base_s:.2f}  (at most {most:g})")
    first_s, second_s = zip(*(_page_s() for _ in range(rounds)), strict=True)
    print(
        f"first page, {rounds} fresh starts: first byte after {_ms(first_s)} ms, of the second request after {_ms(second_s)} ms"
    )
    ratio = statistics.median(one / other for one, other in zip(first_s, second_s, strict=True))
    print(f"x {ratio:.2f}  (at most {MOST_FIRST:.0f})")
    sys.exit(int(over or ratio > MOST_FIRST))


def _ms(times_s: Iterable[float]) -> str:
    return f"{1000 * statistics.median(times_s):.0f}"


def _page_s() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, program(Path(folder) / "data", "--port", "0") as running:
        browser = build_opener(HTTPCookieProcessor(CookieJar()), _Stay)
        with suppress(HTTPError):  # it leads on to the page, which is asked for below
            browser.open(running.at(), b"", timeout=PATIENT_S)
        return _first_byte_s(browser, running.url), _first_byte_s(browser, running.url)


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _first_byte_s(browser: OpenerDirector, url: str) -> float:
    start_s = time.perf_counter()
    with browser.open(url, timeout=PATIENT_S) as answer:
        answer.read(1)
        taken_s = time.perf_counter() - start_s
        answer.read()
    return taken_s


def _cpu_s(args: list[str], environment: dict[str, str]) -> float:
    before = os.times()
    subprocess.run([sys.executable, *args], env={**os.environ, **environment}, capture_output=True, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
