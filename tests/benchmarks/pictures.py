"""The pictures of the page and of the report in README and docs: run `python tests/benchmarks/pictures.py`.

Measures a sample video as the camera, seated, both legs, in a real Chromium of 1366x640, and writes docs/images/page-
measure.png, session.webp, twenty seconds of that session from the set-up to the result, and page-result.png. The sessions
before it on that result are the same video, dated weeks earlier. report.png and report-print.png are of the made-up sessions,
notebook-progress.png is the first figure of that notebook; `--reports` makes these three alone. The others need a computer that
is not busy: the page is photographed while it measures.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import plotly.graph_objects as go
import pypdfium2
from PIL import Image

import rotrack

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import ROOT, SAMPLES
from page_helpers import CHROMIUM, held_still, program
from playwright.sync_api import Browser, Error, sync_playwright

SIZE = {"width": 1366, "height": 640}
RESULT = {"width": 1280, "height": 860}
SMALL = (683, 320)
EARLIER = [datetime(2026, 10, day, 18, tzinfo=UTC) for day in (5, 12, 19, 26)]
LENGTH_S = 20.0
WRITTEN = date(2026, 4, 1)
REPORT = {"width": 1040, "height": 2325}
PRINTED_PAGE, PRINTED_SCALE = 3, 1.3
FIGURE, FIGURE_SCALE = {"width": 560, "height": 340}, 1.5
CAMERA = "Integrated Webcam"
"""What the played clip is called, as a camera may be."""
STILL_S = 6.0


def reports(images: Path, browser: Browser, folder: Path) -> None:
    """Make the pictures of the report: the head of the page, and the page of the PDF with the latest repetitions."""
    rotrack.write_sample(folder / "sample")
    person = next(iter(rotrack.read_sessions(folder / "sample")[0])).person
    report = rotrack.make_report(rotrack.read_progress(folder / "sample", person), person, WRITTEN, rotrack.__version__)
    written = folder / "report.html"
    written.write_text(rotrack.html_of(report), "utf-8")
    page = browser.new_page(viewport=REPORT, color_scheme="light")
    page.goto(written.as_uri(), timeout=120_000)
    page.wait_for_timeout(2000)
    shown = Image.open(BytesIO(page.screenshot()))
    page.close()
    printed = pypdfium2.PdfDocument(rotrack.pdf_of(report))[PRINTED_PAGE - 1].render(scale=PRINTED_SCALE)
    for name, picture in (("report.png", shown), ("report-print.png", printed.to_pil())):
        picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(images / name, optimize=True)


def notebook(images: Path, browser: Browser, folder: Path) -> None:
    """Make the picture of the notebook about progress: the first figure that its own cells show."""
    cells = json.loads((ROOT / "notebooks" / "progress.ipynb").read_text("utf-8"))["cells"]
    shown: list[go.Figure] = []
    with patch.object(go.Figure, "show", lambda figure: shown.append(figure)):
        names: dict[str, object] = {}
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    drawn = folder / "figure.html"
    drawn.write_text(shown[0].to_html(config={"displayModeBar": False}), "utf-8")
    page = browser.new_page(viewport=FIGURE, device_scale_factor=FIGURE_SCALE, color_scheme="light")
    page.goto(drawn.as_uri(), timeout=120_000)
    page.add_style_tag(content="body { margin: 0 }")
    page.wait_for_selector(".main-svg")
    page.wait_for_timeout(1000)
    page.screenshot(path=images / "notebook-progress.png")
    page.close()


def main() -> None:
    """Make them all."""
    images = ROOT / "docs" / "images"
    if "--reports" in sys.argv:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM)
            reports(images, browser, Path(folder))
            notebook(images, browser, Path(folder))
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = held_still(SAMPLES / "both_internal.mp4", Path(folder) / "clip.mp4", STILL_S)
        clip.with_name(CAMERA).symlink_to(clip)
        os.chdir(folder)  # the page names a played clip as it was given
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        reports(images, browser, Path(folder))
        notebook(images, browser, Path(folder))
        data = Path(folder) / "data"
        for recorded_at in EARLIER:
            rotrack.analyze(clip, "seated-internal", person="Anna", model="full", out=data, recorded_at=recorded_at)
        with program(data, "--camera", CAMERA) as running:
            page = browser.new_page(viewport=SIZE, locale="en-GB")
            page.goto(running.at("drill/seated-internal?person=Anna&model=full&reps=3"))
            page.click("#start")
            page.wait_for_selector("#live[data-phase=check]")
            page.add_style_tag(content=".desk .hints { visibility: hidden }")
            page.wait_for_function("rotrackStats.drawn.length > 2")
            shots, begun_s, still = [], time.monotonic(), b""
            while "/live" in page.url and time.monotonic() - begun_s < 90:
                try:
                    shots.append((time.monotonic() - begun_s, page.screenshot()))
                    counts = page.locator(".count .number").all_inner_texts()
                except Error:  # the result is coming
                    break
                if not still and counts and min(map(int, counts)) >= 2:
                    still = page.screenshot()
            page.wait_for_selector(".leg-result")
            shots.append((time.monotonic() - begun_s, page.screenshot()))
            page.set_viewport_size(RESULT)
            page.screenshot(path=images / "page-result.png")
    if not still or len(shots) < LENGTH_S:
        raise SystemExit(f"Only {len(shots)} pictures came of the page while it measured: the computer is too busy. Try again.")
    (images / "page-measure.png").write_bytes(still)
    frames = [Image.open(BytesIO(shot)).convert("RGB").resize(SMALL, Image.Resampling.LANCZOS) for _, shot in shots]
    pace = LENGTH_S / shots[-1][0]
    lasting = [round(1000 * pace * (b - a)) for (a, _), (b, _) in pairwise(shots)] + [2500]
    frames[0].save(
        images / "session.webp", save_all=True, append_images=frames[1:], duration=lasting, loop=0, quality=55, method=4
    )
    print(f"{len(frames)} pictures in {shots[-1][0]:.0f} s, shown in {sum(lasting) / 1000:.0f} s")


if __name__ == "__main__":
    main()
