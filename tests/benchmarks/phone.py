"""How fast a phone is as the camera: run `python tests/benchmarks/phone.py [CLIP] [--size 640x480] [--model full] [--seconds S]`.

A clip is the fake camera of a real Chromium that shows the phone's page at 390x844; its pictures go over an encrypted connection
to the real program, which measures them. Both run on this computer, so it does the phone's work, too: decoding the clip and
encoding every picture. Prints pictures taken a second by the phone and measured a second by the program, how long from the taking
of a picture until its numbers are back on the phone, how long a request takes, and the processor time a picture takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import SAMPLES
from page import Watch
from page_helpers import CHROMIUM, as_film, logged, program, with_camera
from playwright.sync_api import Page, sync_playwright

from rotrack.sensing.sent import PHONE

SETTLED_S = 5.0
"""After so long the figures begin."""


def ms(times_s: list[float]) -> str:
    """Return the middle and the high end of times in words."""
    return "median {:.0f} ms, p95 {:.0f} ms, longest {:.0f} ms".format(*np.percentile(np.array(times_s) * 1000, (50, 95, 100)))


def measured(page: Page) -> dict[str, list[float]]:
    """Return what the page's script has noted."""
    return page.evaluate("rotrackFeeds.stats")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="?", type=Path, default=SAMPLES / "both_internal.mp4")
    parser.add_argument("--size", default="640x480", choices=("640x480", "1280x720"))
    parser.add_argument("--model", default="full", choices=("full", "heavy"))
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        width, height = map(int, options.size.split("x"))
        film = as_film(options.clip, Path(folder) / "film.mjpeg", 4.0, (width, height))
        data = Path(folder) / "data"
        with program(data, "--camera", PHONE, "--host", "127.0.0.1") as running:
            running.hear("as the camera")
            desk = playwright.chromium.launch(executable_path=CHROMIUM)
            page = desk.new_page()
            page.goto(running.at("drill/seated-internal"))
            page.fill("#reps", "0")
            page.locator("summary").first.click()
            page.select_option("#model", options.model)
            page.click("#start")
            page.wait_for_selector("#scan:not([hidden])")
            desk.close()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=with_camera(film))
            phone = browser.new_page(viewport={"width": 390, "height": 844}, ignore_https_errors=True)
            phone.goto(running.for_a_phone())
            phone.select_option("#size", options.size)
            phone.click("#begin", timeout=120_000)
            phone.wait_for_selector("#end:visible", timeout=120_000)
            phone.wait_for_timeout(SETTLED_S * 1000)
            watch = Watch(phone, phone.context.new_cdp_session(phone), running.process.pid)
            before, spent_s, from_s = measured(phone), watch.processor_s(), time.monotonic()
            phone.wait_for_timeout(options.seconds * 1000)
            passed_s, after, now_s = time.monotonic() - from_s, measured(phone), watch.processor_s()
            new = {name: after[name][len(before[name]) :] for name in after}
            phone.click("#end")
            phone.wait_for_function("rotrackFeeds.state.phase === 'done'", timeout=120_000)
            session = logged(data)[-1]
            browser.close()
    print(f"{options.clip.name} at {options.size}, {options.model}, {os.cpu_count()} cores, {passed_s:.0f} s")
    print(f"taken by the phone: {len(new['taken']) / passed_s:.1f} frames per second")
    print(f"measured: {session['measured_fps']:.1f} frames per second of the whole session")
    print(f"from the taking to the numbers on the phone: {ms(new['late'])}")
    print(f"a request: {ms(new['link'])}")
    program_ms, browser_ms = (1000 * (b - a) / max(len(new["taken"]), 1) for a, b in zip(spent_s, now_s, strict=True))
    print(f"processor time a picture: program {program_ms:.0f} ms, browser {browser_ms:.0f} ms")


if __name__ == "__main__":
    main()
