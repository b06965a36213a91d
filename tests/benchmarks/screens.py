"""Every page in every state: run `python tests/benchmarks/screens.py FOLDER [--only PART ...] [--no-axe]`.

Opens all pages in a real Chromium, with a clip as the camera and made-up sessions in the data folder, in three sizes, two
languages and two lights. Saves a picture of each to FOLDER and a sheet of all pictures of a state, to be looked at. Prints what a
script can find: what serious axe finds, what is cut off, too wide or drawn over something else, buttons that a laptop shows
only after scrolling, texts too small to be read from three metres, and what the browser complains about. Exits with 1 if there
is any of it.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from axe_playwright_python.sync_playwright import Axe
from helpers import SAMPLES
from made_sessions import BERLIN, repetition, write
from page_helpers import CHROMIUM, NetworkCamera, Program, held_still, program
from playwright.sync_api import Browser, Error, Page, WebSocketRoute, sync_playwright
from test_page import FROM_THREE_METRES, OVERFLOWING, TOO_SMALL, Watched, measure, set_up

from rotrack.core.model import Direction, Side
from rotrack.people.changes import change_person
from rotrack.progress.sample import write_sample
from rotrack.records.folders import locked
from rotrack.records.people import Goal, Limit, known_or_new, read_people
from rotrack.records.programmes import Programme, ProgrammeStep, begin_course, ready_programmes, step_over
from rotrack.texts import LANGUAGES

SIZES = ((390, 844), (1366, 640), (1920, 1080))
LAPTOP = (1366, 640)
LIGHTS = ("light", "dark")
MOST_HIGH_PX = 4000
"""What is longer is cut off in the picture, not in the search for faults."""
SMALL_PX = 480
MOMENT_MS = 120_000
SETTLE_MS = 250
LOST_FOCUS = "document.activeElement?.blur()"

COVERED = """() => {
  const common = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
  const over = (a, b) => [common(a, b, "left", "right"), common(a, b, "top", "bottom")];
  const texts = [], seen = new Set(), out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || seen.has(node)) continue;
    if (node.closest(".unseen, .skip, .go, dialog, svg, .js-plotly-plot, script, style, option")) continue;
    let within = node;
    const apart = (style) => style.clipPath !== "none" || style.position === "sticky"; // for those who hear it; over what scrolls
    while (within && !apart(getComputedStyle(within))) within = within.parentElement;
    if (within) continue;
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    seen.add(node);
    const range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    for (const box of range.getClientRects())
      if (box.width > 1 && box.bottom > 0 && box.top < innerHeight) texts.push([node, box]);
  }
  const name = (node) => `${node.tagName}.${node.className} "${node.textContent.trim().slice(0, 40)}"`;
  for (let i = 0; i < texts.length && texts.length < 900; i++)
    for (let j = i + 1; j < texts.length; j++) {
      const [one, a] = texts[i], [two, b] = texts[j];
      if (one.contains(two) || two.contains(one)) continue;
      const [wide, high] = over(a, b);
      if (wide > 3 && high > 0.3 * Math.min(a.height, b.height)) out.push(`${name(one)} and ${name(two)} lie over each other`);
    }
  const sticky = (node) => getComputedStyle(node).position === "sticky";
  for (const node of document.querySelectorAll(".message, .gauge, .desk, .coming > *, .course .place"))
    if (node.checkVisibility() && !sticky(node)) {
      const panel = node.getBoundingClientRect(), view = document.getElementById("view")?.getBoundingClientRect();
      const [wide, high] = view ? over(panel, view) : [0, 0];
      if (wide > 1 && high > 1) out.push(`${node.className} covers ${Math.round(high)} px of the picture`);
      for (const [text, box] of texts) {
        const [w, h] = over(panel, box);
        if (!node.contains(text) && !text.contains(node) && w > 1 && h > 0.2 * box.height)
          out.push(`${name(text)} and ${node.className} lie over each other`);
      }
    }
  const pen = document.createElement("canvas").getContext("2d");
  for (const field of document.querySelectorAll("input[placeholder]")) {
    const style = getComputedStyle(field);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (field.checkVisibility() && pen.measureText(field.placeholder).width > room + 1)
      out.push(`"${field.placeholder}" does not fit its field`);
  }
  return [...new Set(out)];
}"""
"""Texts that lie over others or under a panel, what lies over the picture of the camera, and fields too narrow for their hint."""
BELOW = """() => [...document.querySelectorAll(":is(.live, .course) :is(button, .button), #start")].filter((node) =>
  node.checkVisibility() && !node.closest("dialog, .over") && node.getBoundingClientRect().bottom > innerHeight + 1)
  .map((node) => `the button ${node.textContent} is below the fold`)"""
"""Buttons that who stands at the desk must see without scrolling."""
DIALS = """() => {
  const sizes = [...document.querySelectorAll(".gauge .dial")].filter((node) => node.checkVisibility())
    .map((node) => node.getBoundingClientRect()).map((box) => `${box.width.toFixed(1)}x${box.height.toFixed(1)}`);
  return new Set(sizes).size > 1 ? [`the gauges differ in size: ${sizes}`] : [];
}"""


@dataclass
class Looks:
    """What was photographed and what was found."""

    folder: Path
    axe: bool
    browser: Browser
    found: list[str] = field(default_factory=list)
    count: int = 0

    def tell(self, fault: str) -> None:
        """Print a fault, once."""
        if fault not in self.found:
            self.found.append(fault)
            print(fault, flush=True)

    @contextmanager
    def visitor(self, running: Program, language: str, let_in: bool = True, **cookies: str) -> Iterator[Page]:
        """Open a browser of its own on the program; tell what it complains of."""
        context = self.browser.new_context(locale={"en": "en-GB", "de": "de-DE"}.get(language, language), reduced_motion="reduce")
        chosen = {"rotrack_language": language, **cookies}
        context.add_cookies([{"name": name, "value": value, "url": running.url} for name, value in chosen.items()])
        watched = Watched(context)
        page = watched.page()
        page.set_default_timeout(MOMENT_MS)
        page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
        page.goto(running.at("settings") if let_in else running.url)
        try:
            yield page
            for complaint in watched.complaints if let_in else ():
                self.tell(f"{language}: the browser complains: {complaint}")
        finally:
            context.close()

    def take(self, page: Page, name: str, language: str, far: str = "") -> None:
        """Take the pictures of a state in all sizes and lights, and look for faults; `far` is where texts for the mat are."""
        page.evaluate(LOST_FOCUS)
        for size in SIZES:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            for light in LIGHTS:
                page.emulate_media(color_scheme=light, reduced_motion="reduce")
                page.wait_for_timeout(SETTLE_MS)
                where = f"{name} {size[0]}x{size[1]} {language} {light}"
                taken = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
                taken.crop((0, 0, taken.width, min(taken.height, MOST_HIGH_PX))).save(
                    self.folder / f"{where.replace(' ', '_')}.png"
                )
                self.count += 1
                if self.axe and size != SIZES[-1]:
                    self.ask_axe(page, where)
                if light == LIGHTS[0]:
                    self.search(page, size, where, far)
        page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})

    def search(self, page: Page, size: tuple[int, int], where: str, far: str) -> None:
        """Tell what is cut off, covered, below the fold or too small."""
        faults = [*page.evaluate(OVERFLOWING), *page.evaluate(COVERED), *page.evaluate(DIALS)]
        if size == LAPTOP:
            faults += page.evaluate(BELOW)
        least = {(at["width"], at["height"]): px for at, px in FROM_THREE_METRES}.get(size)
        if far and least:
            faults += [f"too small: {text}" for text in page.evaluate(TOO_SMALL.replace("#live", far), least)]
            if not page.evaluate("document.documentElement.scrollHeight <= innerHeight"):
                faults.append("not all of it is on the screen")
        for fault in faults:
            self.tell(f"{where}: {fault}")

    def ask_axe(self, page: Page, where: str) -> None:
        """Tell what serious axe finds."""
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                for node in violation["nodes"]:
                    self.tell(f"{where}: axe: {violation['id']}: {node['target']} {node['failureSummary'][:200]!r}")

    def sheets(self) -> None:
        """Put the pictures of each state on one sheet, a row for each size."""
        for name in sorted({path.name.split("_")[0] for path in self.folder.glob("*_*x*_*.png")}):
            rows = []
            for width, height in SIZES:
                row = []
                for path in sorted(self.folder.glob(f"{name}_{width}x{height}_*.png")):
                    taken = Image.open(path)
                    taken = taken.crop((0, 0, width, min(taken.height, 2 * height)))
                    row.append(taken.resize((SMALL_PX, taken.height * SMALL_PX // width)))
                rows.append(row)
            highest = [max((one.height for one in row), default=0) for row in rows]
            sheet = Image.new("RGB", (len(LANGUAGES) * len(LIGHTS) * SMALL_PX, sum(highest)), "red")
            for number, row in enumerate(rows):
                for column, one in enumerate(row):
                    sheet.paste(one, (column * SMALL_PX, sum(highest[:number])))
            sheet.save(self.folder / f"sheet-{name}.png")


# ---------------------------------------------------------------------- what there is to see
def many(data: Path, first: str) -> None:
    """Copy a session five hundred times, every fourth day."""
    found = json.loads((data / "sessions" / first / "session.json").read_text("utf-8"))
    for number in range(500):
        at = datetime(2020, 1, 1, 10, tzinfo=BERLIN) + timedelta(days=4 * number)
        session_id = f"{at:%Y%m%d-%H%M%S}-seated-internal-{number:04x}"
        shutil.copytree(data / "sessions" / first, data / "sessions" / session_id)
        off_deg = math.sin(number / 40) * 4 + number % 3
        table = data / "sessions" / session_id / "repetitions.csv"
        reps = pd.read_csv(table, dtype={"rep": int})
        reps.peak_deg = (reps.peak_deg + off_deg).round(2)
        reps.to_csv(table, index=False)
        text = json.dumps({**found, "session_id": session_id, "started_at": at.isoformat()})
        (data / "sessions" / session_id / "session.json").write_text(text, "utf-8")


def filled(data: Path) -> dict[str, str]:
    """Fill a data folder; return addresses by the name of the state."""
    write_sample(data)
    sample = read_people(data)[0][0].name
    both = tuple(repetition(number, 20.0 + number, side) for side in Side for number in (1, 2, 3))
    faulty = (*both, repetition(4, 26.0, Side.LEFT, valid=False, reason="thigh moved"))
    for day in range(1, 4):
        last = write(data, day, faulty, person="Bartholomäus Winterscheidt-Großmann", sides=tuple(Side), note="After the run")
    many(data, write(data, 4, both, person="Fleißig", sides=tuple(Side)))
    for number in range(30):
        with locked(data):
            known_or_new(data, f"Client {number:02}")
    with locked(data):
        known = known_or_new(data, "Bartholomäus Winterscheidt-Großmann")
    limit = Limit(direction=Direction.INTERNAL, most_deg=35.0, side=Side.RIGHT)
    goal = Goal(drill="seated-internal", direction=Direction.INTERNAL, goal_deg=40.0, side=Side.LEFT)
    change_person(data, known, limits=(limit,), goals=(goal,), avoided=("lunge-external",), precautions=("No deep flexion",))
    name = "Bartholom%C3%A4us%20Winterscheidt-Gro%C3%9Fmann"
    steps = tuple(ProgrammeStep(drill=drill, rest_s=600, target_deg=25) for drill in ("seated-internal", "standing-combined"))
    course = begin_course(data, Programme(id="two", title="Two", steps=steps), known.name)
    step_over(data, course.id, 0, last)
    over = begin_course(data, ready_programmes()[1], known.name)
    for step in range(len(over.programme.steps)):
        step_over(data, over.id, step, last if step == 0 else "")
    return {
        "home": "",
        "home-person": f"?person={name}",
        "drill": f"drill/seated-internal?person={name}",
        "drill-avoided": f"drill/lunge-external?person={name}",
        "drill-refused": "drill/supine-straight-internal",
        "drill-unknown": "drill/no-such-drill",
        "people": "people",
        "person": f"people/{known.id}",
        "programme": f"programme/five-minutes?person={name}",
        "editor": "programme/five-minutes/change",
        "rest": f"course/{course.id}?on=yes",
        "over": f"course/{over.id}?on=yes",
        "result": f"session/{last}",
        "history": f"history?person={name}",
        "history-drill": f"history?person={name}&drill=seated-internal",
        "history-sample": f"history?person={sample.replace(' ', '%20')}&drill=seated-combined",
        "history-500": "history?person=Flei%C3%9Fig&drill=seated-internal",
        "settings": "settings",
        "clips": "clips",
        "phone": "phone",
        "nothing": "live",
    }


def opened(page: Page, address: str) -> None:
    """Open a page and wait until it is there."""
    page.goto(address)
    if address.endswith("/phone"):
        page.wait_for_selector("#legs", state="attached")
    else:
        page.wait_for_selector("h1")
        page.wait_for_function("() => window.did_handshake")
    page.wait_for_timeout(SETTLE_MS)


def quiet_pages(looks: Looks, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Look at the pages that do not measure."""
    data = folder / "data"
    addresses = {name: path for name, path in filled(data).items() if wanted(name)}
    with program(data) as running:
        for language in LANGUAGES:
            with looks.visitor(running, language) as page:
                for name, path in addresses.items():
                    opened(page, running.url + path)
                    looks.take(page, name, language, ".coming" if name == "rest" else "")
                if wanted("sheet"):
                    opened(page, running.url + "programme/five-minutes")
                    page.emulate_media(media="print")
                    (looks.folder / f"sheet-of-programme-{language}.pdf").write_bytes(page.pdf(format="A4"))
                    page.emulate_media(media="screen")
            if wanted("not-let-in"):
                with looks.visitor(running, language, let_in=False) as page:
                    looks.take(page, "not-let-in", language)
            if wanted("home-private"):
                with looks.visitor(running, language, rotrack_private="yes") as page:
                    opened(page, running.url)
                    looks.take(page, "home-private", language)
    if wanted("home-empty"):
        with program(folder / "empty") as running:
            for language in LANGUAGES:
                with looks.visitor(running, language) as page:
                    for name, path in (("home-empty", ""), ("history-empty", "history"), ("people-empty", "people")):
                        opened(page, running.url + path)
                        looks.take(page, name, language)


def changed(change: Callable[[dict[str, Any]], None]) -> Callable[[WebSocketRoute], None]:
    """Return what lets a live page see what the program sends, changed."""

    def pass_on(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def take(message: str | bytes) -> None:
            if isinstance(message, bytes):
                length = struct.unpack(">I", message[:4])[0]
                state = json.loads(message[4 : 4 + length])
                change(state)
                said = json.dumps(state).encode()
                message = struct.pack(">I", len(said)) + said + message[4 + length :]
            socket.send(message)

        server.on_message(take)

    return pass_on


def holding(state: dict[str, Any]) -> None:
    """Let both legs be held."""
    for leg in (state.get("legs") or {}).values():
        leg.update(held="12 s", begun=True, reason="", count=2)
    state["message"] = {"text": "", "kind": "", "move": ""}


class Live:
    """One session, seen in two languages side by side."""

    def __init__(self, looks: Looks, running: Program, folder: Path, stack: ExitStack) -> None:
        self._looks, self._running, self._data = looks, running, folder
        self._pages = {language: stack.enter_context(looks.visitor(running, language)) for language in LANGUAGES}
        self._page = self._pages["en"]

    def _begin(self, drill: str, leg: str = "both", measuring: bool = True) -> None:
        set_up(self._page, self._running.at(), drill, "Anna", leg)
        if measuring:
            measure(self._page)

    def _end(self) -> None:
        self._page.click("#end")
        self._page.wait_for_function("document.querySelector('#live')?.dataset.phase !== 'measure'")

    def _back(self) -> None:
        leave = (
            "() => document.querySelector(document.querySelector('#live').dataset.phase === 'check' ? '#back' : '#end').click()"
        )
        self._page.evaluate(leave)  # it may have begun by itself meanwhile
        self._page.wait_for_function("location.pathname !== '/live' || document.querySelector('#live')?.dataset.phase === 'done'")

    def _all(self, name: str) -> None:
        for language, page in self._pages.items():
            if not page.url.endswith("/live"):
                page.goto(self._running.url + "live")
            page.wait_for_selector("#live")
            page.wait_for_function("rotrackStats.drawn.length > 2")
            self._looks.take(page, name, language, "#live")

    def check(self) -> None:
        """Look at the set-up of a drill that who is there cannot begin."""
        self._begin("standing-combined", measuring=False)
        self._page.wait_for_function("document.querySelector('#words').textContent")
        self._all("check")
        self._back()

    def measure(self) -> None:
        """Look before and after the first repetition, and at the next set-up, with a camera that stands elsewhere."""
        self._begin("seated-internal")
        self._all("measure-before")
        self._page.wait_for_selector("#gauge-right.begun")
        self._all("measure-after")
        self._page.click("#end")
        self._page.wait_for_selector(".leg-result")
        record = max((self._data / "sessions").glob("*/session.json"))
        found = json.loads(record.read_text("utf-8"))
        for neutral in found["neutrals"]:
            neutral["view"]["turn_deg"] += 25
        record.write_text(json.dumps(found), "utf-8")
        self._begin("seated-internal", measuring=False)
        self._page.wait_for_selector("#live #check-again[data-state=problem]")
        self._all("measure-again")
        self._back()

    def one(self) -> None:
        """Look at a single leg."""
        self._begin("seated-internal", "right")
        self._page.wait_for_selector("#gauge-right.begun")
        self._all("one-leg")
        self._end()

    def off(self) -> None:
        """Look at legs that are not in position, and at how that ends."""
        self._begin("standing-combined")
        self._page.wait_for_selector(".gauge.off")
        self._all("off")
        self._end()
        self._page.wait_for_selector("#after:not([hidden])")
        self._all("off-ended")

    def stretch(self) -> None:
        """Look at a stretch that is held."""
        self._hold("zst-confidence", "stretch")

    def hold(self) -> None:
        """Look at a turn that is held."""
        self._hold("seated-internal", "hold")

    def _hold(self, drill: str, name: str) -> None:
        self._begin(drill)
        for page in self._pages.values():
            page.route_web_socket("**/live/stream", changed(holding))
            page.goto(self._running.url + "live")
            page.wait_for_selector(".gauge.begun.holding")
        self._all(name)
        self._end()


def live_pages(looks: Looks, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Look at the set-up and at measuring."""
    clip = held_still(SAMPLES / "both_internal.mp4", folder / "clip.mp4", 40.0)
    with program(folder / "data", "--camera", clip) as running, ExitStack() as stack:
        live = Live(looks, running, folder / "data", stack)
        for name in ("check", "measure", "one", "off", "stretch", "hold"):
            if wanted(name):
                getattr(live, name)()


def broken_pages(looks: Looks, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Look at what is shown without a camera, and when it is lost."""
    take = partial(looks.take, far="#live")
    if wanted("no-camera"):
        with program(folder / "none", "--camera", "no such camera") as running:
            for language in LANGUAGES:
                with looks.visitor(running, language) as page:
                    set_up(page, running.at(), "seated-internal", "")
                    page.wait_for_selector("#message[data-kind=problem]")
                    take(page, "no-camera", language)
                    page.click("#back")
                    page.wait_for_selector("#start")
    if wanted("camera-lost"):
        camera = NetworkCamera(held_still(SAMPLES / "both_internal.mp4", folder / "lost.mp4", 8.0))
        with program(folder / "lost", "--camera", camera.address) as running:
            for language in LANGUAGES:
                with looks.visitor(running, language) as page:
                    set_up(page, running.at(), "seated-internal", "")
                    measure(page)
                    page.wait_for_function("rotrackStats.drawn.length > 2")
                    camera.unplug()
                    page.wait_for_selector("#message[data-kind=problem]")
                    take(page, "camera-lost", language)
                    camera.plug_in()
                    page.wait_for_selector("#message:not([data-kind=problem])")
                    page.click("#end")
                    page.wait_for_function("document.querySelector('#live')?.dataset.phase !== 'measure'")
        camera.unplug()


def main() -> None:
    """Look at everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of the names of states")
    parser.add_argument("--no-axe", action="store_true")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)

    def wanted(name: str) -> bool:
        return not chosen.only or any(name.startswith(one) for one in chosen.only)

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        looks = Looks(chosen.folder, not chosen.no_axe, playwright.chromium.launch(executable_path=CHROMIUM))
        for part in (quiet_pages, live_pages, broken_pages):
            try:
                (own := Path(folder) / part.__name__).mkdir()
                part(looks, own, wanted)
            except Error as error:
                looks.tell(f"{part.__name__}: {error}")
        looks.sheets()
    print(f"{looks.count} pictures, {len(looks.found)} faults")
    sys.exit(bool(looks.found))


if __name__ == "__main__":
    main()
