"""A day of the page that nobody uses, at speed: does the program's memory grow, are threads or files left behind?

    python tests/benchmarks/idle.py [--hours 24] [--speed 100]

The real program serves twelve weeks of made-up sessions. In a real Chromium one page stays open all the time, and another one
goes to the next page every hour. The program's clock, its event loop and what the pages do again and again run faster than life,
so that a day with all its requests and signs of life is over in a quarter of an hour. How long either side waits for an answer is
as in life, since neither answers faster. Prints ten lines; exit 1 where threads or open files are more at the end than after the
first tenth, where memory has grown by more than 20 MB since then, where connections are left, or where the open page has lost the
program.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import selectors
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from page_helpers import CHROMIUM, program
from playwright.sync_api import sync_playwright

from rotrack.progress.sample import write_sample
from rotrack.system.clock import SYSTEM

MOST_MB = 20.0
MOST_CONNECTIONS = 16
"""Two pages keep up to seven each, and the program listens."""
LINES = 10
LOOKS = 20
PATIENCE_MS = 120_000
PAGES = ("history", "", "people", "settings", "clips", "drill/seated-internal", "programme/new")
AGAIN_AND_AGAIN = """
  sessionStorage.loads = Number(sessionStorage.loads || 0) + 1;
  const own = window.setInterval;
  window.setInterval = (act, every_ms, ...rest) => {
    let busy = false; // the next one waits for the answer
    return own(async () => {
      if (busy) return;
      busy = true;
      await act(...rest);
      busy = false;
      sessionStorage.signs = Number(sessionStorage.signs || 0) + 1;
    }, every_ms / SPEED);
  };
"""


# ---------------------------------------------------------------------- in the program
def hurry(speed: float) -> None:
    """Let the program's clock and event loop run faster than life; called in the program before it begins."""
    import engineio
    import uvicorn.config

    begun_s, begun, clock = time.perf_counter(), datetime.now().astimezone(), type(SYSTEM)

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> Any:
            return super().select(timeout and timeout / speed)

    class Loop(asyncio.SelectorEventLoop):
        def __init__(self) -> None:
            super().__init__(Selector())

        def time(self) -> float:
            return super().time() * speed

    def waits(name: str) -> Callable[..., Any]:
        own = getattr(clock, name)
        return lambda self, *what: own(self, *what[:-1], what[-1] / speed)

    for name in ("sleep", "wait", "wait_for"):
        setattr(clock, name, waits(name))
    passed_s = lambda _: (time.perf_counter() - begun_s) * speed  # noqa: E731
    clock.monotonic_s = passed_s  # type: ignore[method-assign]
    clock.now = lambda self: begun + timedelta(seconds=passed_s(self))  # type: ignore[method-assign]
    uvicorn.config.LOOP_FACTORIES["auto"] = f"{__name__}:loop_factory"
    globals()["loop_factory"] = lambda use_subprocess=False: Loop
    in_life = property(lambda _: 2.0 * speed, lambda *_: None)  # NiceGUI sets 2 s, which the loop would make shorter
    engineio.AsyncServer.ping_timeout = in_life


# ---------------------------------------------------------------------- beside it
def used(pid: int) -> tuple[float, int, int, int]:
    """Return of a program its memory in MB and how many threads, open files and connections it has: the least of some looks."""
    of, looks = Path(f"/proc/{pid}"), []
    for _ in range(LOOKS):
        pages, kinds = int((of / "statm").read_text().split()[1]), []
        for number in (of / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                kinds.append(number.readlink().name.startswith("socket:"))
        looks.append(
            (pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(of / "task")), kinds.count(False), kinds.count(True))
        )
        time.sleep(0.02)
    memory_mb, threads, files, connections = (min(values) for values in zip(*looks, strict=True))
    return memory_mb, threads, files, connections


def main() -> None:
    """Leave it alone, and look ten times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--speed", type=float, default=100.0)
    asked = parser.parse_args()
    seen = []
    first = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import idle; idle.hurry({asked.speed})"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        write_sample(data)
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        with program(data, first=first) as running:
            still, other = browser.new_context().new_page(), browser.new_context().new_page()
            for page in (still, other):
                page.add_init_script(AGAIN_AND_AGAIN.replace("SPEED", str(asked.speed)))
                page.set_default_timeout(PATIENCE_MS)
            still.goto(running.at())
            begun_s, opened = time.monotonic(), 0
            for line in range(1, LINES + 1):
                until_h = asked.hours * line / LINES
                while (at_h := (time.monotonic() - begun_s) * asked.speed / 3600) < until_h:
                    if at_h >= opened:
                        other.goto(running.at(PAGES[opened % len(PAGES)]))
                        opened += 1
                    still.wait_for_timeout(min(until_h - at_h, max(opened - at_h, 0.0)) * 3600 / asked.speed * 1000)
                seen.append(used(running.process.pid))
                memory_mb, threads, files, connections = seen[-1]
                signs, loads = still.evaluate("[Number(sessionStorage.signs), Number(sessionStorage.loads)]")
                told = f"{memory_mb:.0f} MB, {threads} threads, {files} files, {connections} connections"
                done = f"{signs} signs of life, {loads} times loaded, {opened} others opened, {time.monotonic() - begun_s:.0f} s"
                print(f"{until_h:5.1f} h: {told}; {done}", flush=True)
            lost = still.locator("#gone").is_visible() or not signs
            said = [text for text in running.said if "rotrack is at" not in text]
        browser.close()
    grown = [last - first for first, last in zip(seen[0], seen[-1], strict=True)]
    told = f"grown by {grown[0]:.0f} MB, {grown[1]} threads, {grown[2]} files"
    print("\n".join([*said, f"{told}; the open page has {'lost' if lost else 'kept'} the program"]))
    sys.exit(grown[0] > MOST_MB or max(grown[1:3]) > 0 or seen[-1][3] > MOST_CONNECTIONS or lost)


if __name__ == "__main__":
    main()
