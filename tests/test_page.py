"""The page in a real browser, with a clip as the camera: the whole way through it, everything that may be in the way, and whether
everybody can use it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers import FIXTURES, ROOT, SAMPLES, needs, wait_until
from made_sessions import repetition, rows, rows_of, session_of, write
from page_helpers import CHROMIUM, NetworkCamera, Program, held_still, logged, program
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from rotrack import remeasure
from rotrack.core.model import MEASURE_VERSION, Side

pytestmark = [pytest.mark.slow, needs(CHROMIUM)]

DESKTOP, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}
STILL_S = 7.0
"""Long enough for the set-up check and the neutral pose."""
MOMENT_MS = 30_000
STOPPED_REQUESTS = ("net::ERR_ABORTED", "net::ERR_CONNECTION_REFUSED")


# ---------------------------------------------------------------------- browser and program
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@dataclass
class Watched:
    """A browser of one person, with all that it asked for and complained about."""

    context: BrowserContext
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(MOMENT_MS)
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).hostname or ""))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        return page


@contextmanager
def person(browser: Browser, size: dict[str, int] = DESKTOP, **wishes: object) -> Iterator[Watched]:
    """Open a browser of its own; at the end it must have asked nobody but this computer."""
    context = browser.new_context(viewport=size, locale=wishes.pop("locale", "en-GB"), reduced_motion="reduce", **wishes)
    watched = Watched(context)
    try:
        yield watched
        assert watched.hosts <= {"127.0.0.1", ""}
    finally:
        context.close()


@pytest.fixture(scope="module")
def seated_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return held_still(SAMPLES / "both_internal.mp4", tmp_path_factory.mktemp("clips") / "seated.mp4", STILL_S)


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with just enough stillness for the neutral pose."""
    return held_still(SAMPLES / "both_internal.mp4", tmp_path_factory.mktemp("clips") / "short.mp4", 2.5)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, seated_clip: Path) -> Iterator[tuple[Program, Path]]:
    """Return the program with somebody seated who turns both legs inwards, and its data folder."""
    data = tmp_path_factory.mktemp("served") / "data"
    with program(data, "--camera", seated_clip) as running:
        yield running, data
        assert not any("Traceback" in line or "Error" in line for line in running.said), running.said


# ---------------------------------------------------------------------- what a person does and sees
def set_up(page: Page, url: str, drill: str, name: str, leg: str = "both", reps: int = 0) -> None:
    """Go from the first page to the set-up check."""
    page.goto(url)
    if name:
        page.fill("#add", name)
        page.press("#add", "Enter")
        page.wait_for_url(f"**person={name}")
    page.click(f".card[href^='/drill/{drill}']")
    page.check(f"input[name=leg][value={leg}]")
    page.fill("#reps", str(reps))
    page.locator("summary").first.click()
    page.select_option("#model", "full")
    page.click("#start")
    page.wait_for_url("**/live")
    page.wait_for_selector("#live[data-phase=check]")


def measure(page: Page) -> None:
    """Begin to measure without waiting for the set-up check."""
    page.click("#anyway")
    page.wait_for_selector("#live[data-phase=measure]")


def counts(page: Page) -> dict[str, int]:
    """Return the number of repetitions that the gauges show."""
    return {g.get_attribute("data-leg"): int(g.locator(".count .number").inner_text()) for g in page.locator(".gauge").all()}


def wait_for_count(page: Page, leg: str, count: int) -> None:
    page.wait_for_function(
        "([leg, count]) => Number(document.querySelector(`#gauge-${leg} .count .number`).textContent) >= count", arg=[leg, count]
    )


def end(page: Page) -> str:
    """End the session and wait for its result; return its id."""
    page.click("#end")
    page.wait_for_url("**/session/*")
    page.wait_for_selector(".leg-result")
    return page.url.rsplit("/", 1)[1]


def number_of(text: str) -> tuple[float, float]:
    """Return value and error of text such as `22.5 ± 4.0°`."""
    found = re.search(r"([\d.]+)\s*\u00b1\s*([\d.]+)", text)
    assert found, text
    return float(found[1]), float(found[2])


def shown(page: Page) -> dict[tuple[str, str], tuple[tuple[float, float], list[tuple[float, float]]]]:
    """Return what the result page says: per side and direction the value and the repetitions, each with its error."""
    found = {}
    for leg in page.locator(".leg-result").all():
        side, direction = (leg.get_attribute("class") or "").split()[1:3]
        value = number_of(leg.locator(".value").inner_text())
        found[side, direction] = value, [number_of(text) for text in leg.locator(".rep .amount").all_inner_texts()]
    return found


def assert_equal_to_log(page: Page, data: Path, session_id: str) -> None:
    """Compare every number of the result page with reps.csv and with the values of the session."""
    reps = rows_of(data, session_id)
    values = {(value.side, value.direction): value for value in session_of(data, session_id).values}
    page_values = shown(page)
    assert set(page_values) == set(values) == set(zip(reps.side, reps.direction, strict=True))
    for (side, direction), (value, amounts) in page_values.items():
        own = reps[(reps.side == side) & (reps.direction == direction)].sort_values("rep")
        expected = np.column_stack([own.peak_deg.abs(), own.uncertainty_deg])
        assert np.array(amounts) == pytest.approx(expected, abs=0.0501)
        counted = own[own.valid & ~own.dropped].head(5).peak_deg.abs()
        assert value[0] == pytest.approx(counted.nlargest(3).mean(), abs=0.0501)
        logged_value = values[side, direction]
        assert value == pytest.approx((abs(logged_value.value_deg), logged_value.uncertainty_deg), abs=0.0501)


# ---------------------------------------------------------------------- the whole way
@pytest.fixture(scope="module")
def measured(browser: Browser, served: tuple[Program, Path]) -> Iterator[tuple[Page, Path, dict[str, object]]]:
    """Go hands free from the first page to the result, seated, both legs; return the page there and what was seen on the way."""
    running, data = served
    with person(browser) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", "Ada", reps=3)
        page.wait_for_selector("#live[data-phase=measure]")  # by itself
        page.wait_for_selector("#hold:not([hidden])")
        page.wait_for_selector(".gauge:not(.off)")
        wait_for_count(page, "left", 2)
        angle_shown = page.locator("#gauge-right .angle .number").inner_text()
        live = page.wait_for_function(
            "() => { const done = [...document.querySelectorAll('.count .number')].every((n) => n.textContent === '3');"
            " return done && { said: window.rotrackSaid, drawn: window.rotrackStats.drawn.length } }"
        ).json_value()
        page.wait_for_url("**/session/*")
        page.wait_for_selector(".leg-result")
        yield page, data, {**live, "angle": angle_shown, "watched": watched}


def test_the_whole_way_hands_free(measured):
    page, data, live = measured
    session_id = page.url.rsplit("/", 1)[1]
    assert_equal_to_log(page, data, session_id)
    reps = rows_of(data, session_id)
    assert sorted(zip(reps.side, reps.rep, strict=True)) == [(side, rep) for side in ("left", "right") for rep in (1, 2, 3)]
    assert set(reps.person) == {"Ada"}
    truth = {"right": [18, 30, 24], "left": [14.4, 24, 19.2]}
    for side, peaks in truth.items():
        assert list(reps[reps.side == side].peak_deg) == pytest.approx(peaks, abs=5)
    assert live["angle"].isdecimal()
    assert live["drawn"] > 200
    said = live["said"][live["said"].index("Go") :]
    # Both legs move at once: the one that has its three a moment earlier is told that it is the other's turn.
    said = [words for words in said if words not in ("The left leg first", "Now the left leg", "Now the right leg")]
    assert said[1:-1] == ["1", "1", "2", "2", "3", "3"] and said[-1].startswith("Done")
    (info,) = (info for info in logged(data) if info["session_id"] == session_id)
    assert {found["state"] for found in info["setup"] if found["check"] != "rate"} == {"good"} and len(info["setup"]) == 6
    assert live["watched"].complaints == []


def test_a_bad_repetition_is_left_out_by_one_click_and_taken_back(measured):
    page, data, _ = measured
    session_id = page.url.rsplit("/", 1)[1]
    right = page.locator(".leg-result.right.internal")
    before = right.locator(".value").inner_text()
    log = (data / "reps.csv").read_bytes()
    right.locator(".rep").nth(1).get_by_role("button").click()
    expect(right.locator(".value")).not_to_have_text(before)
    expect(right.locator(".rep.dropped")).to_have_count(1)
    reps = rows_of(data, session_id)
    assert list(reps[reps.side == "right"].sort_values("rep").dropped) == [False, True, False]
    assert not reps[reps.side == "left"].dropped.any()
    assert_equal_to_log(page, data, session_id)
    page.reload()
    page.wait_for_selector(".leg-result")
    assert_equal_to_log(page, data, session_id)
    right.locator(".rep").nth(1).get_by_role("button").click()
    expect(right.locator(".rep.dropped")).to_have_count(0)
    assert wait_until(lambda: (data / "reps.csv").read_bytes() == log)
    assert_equal_to_log(page, data, session_id)


def test_the_whole_way_standing_ended_by_hand(browser, tmp_path):
    clip = held_still(SAMPLES / "standing_right.mp4", tmp_path / "standing.mp4", STILL_S)
    with program(tmp_path / "data", "--camera", clip) as running, person(browser) as watched:
        page = watched.page()
        set_up(page, running.at(), "standing-combined", "", "right")
        page.wait_for_timeout(2500)
        measure(page)
        wait_for_count(page, "right", 2)
        counted = counts(page)
        session_id = end(page)
        assert_equal_to_log(page, tmp_path / "data", session_id)
        reps = rows_of(tmp_path / "data", session_id)
        assert set(reps.direction) == {"internal", "external"}
        assert counted["right"] == 2 <= reps.rep.max()
        assert list(reps[reps.direction == "internal"].peak_deg)[:1] == pytest.approx([32], abs=13)
        (info,) = logged(tmp_path / "data")
        assert len(info["setup"]) == 6  # with whatever was found when measuring anyway
        assert watched.complaints == []


# ---------------------------------------------------------------------- everybody can use it
def browsers(browser: Browser, looks: list[dict[str, object]]) -> Iterator[tuple[Watched, dict[str, object]]]:
    for look in looks:
        with person(browser, **look) as watched:
            yield watched, look


LIGHT, DARK = ({"color_scheme": scheme} for scheme in ("light", "dark"))
PLACES = {
    "home": "/",
    "drill": "/drill/standing-combined",
    "refused": "/drill/supine-straight-internal",
    "unknown": "/drill/no-such-drill",
    "result": "/session/{session}",
    "history": "/history",
    "no live": "/live",
}


@pytest.fixture(scope="module")
def place(served: tuple[Program, Path]) -> Callable[[str], str]:
    """Return what gives the address of a page by its name."""
    both = tuple(repetition(number, 20.0 + number, side) for side in Side for number in (1, 2, 3))
    session = write(served[1], 1, both, sides=tuple(Side))
    return lambda name: served[0].at(PLACES[name].format(session=session)[1:])


def opened(watched: Watched, url: str) -> Page:
    page = watched.page()
    page.goto(url)
    page.wait_for_selector("h1")
    page.wait_for_load_state("networkidle")
    return page


def assert_accessible(page: Page) -> None:
    """Let axe look; nothing serious may be found."""
    found = Axe().run(page).response["violations"]
    serious = [
        f"{v['id']}: {v['help']}: {node['target']}"
        for v in found
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]
    assert serious == [], page.url


OVERFLOWING = """() => {
  const wide = innerWidth + 1, out = [], hides = (over) => !/visible|auto|scroll/.test(over);
  if (document.documentElement.scrollWidth > wide) out.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const node of document.querySelectorAll("body *")) {
    if (node.closest(".unseen, .skip, dialog, svg, .js-plotly-plot") || !node.checkVisibility()) continue;
    const box = node.getBoundingClientRect(), style = getComputedStyle(node), name = `${node.tagName}.${node.className}`;
    if (box.width <= 1) continue;
    let within = node.parentElement;
    while (within && !/auto|scroll/.test(getComputedStyle(within).overflowX)) within = within.parentElement;
    if (!within && (box.right > wide || box.left < -1)) out.push(`${name} reaches from ${box.left} to ${box.right}`);
    if (hides(style.overflowX) && node.scrollWidth > node.clientWidth + 1) out.push(`${name} cuts off what is at its side`);
    if (hides(style.overflowY) && node.scrollHeight > node.clientHeight + 1)
      out.push(`${name} shows ${node.clientHeight} of ${node.scrollHeight} px: ${node.textContent}`);
  }
  return out;
}"""


def assert_fits(page: Page) -> None:
    """Find nothing that is wider than the screen or cut off."""
    found = page.evaluate(OVERFLOWING)
    assert not found, "\n".join([page.url, *found])


WORDS = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("script, style")) found.push(walk.currentNode.textContent);
  for (const name of ["aria-label", "placeholder", "alt", "title"])
    for (const node of document.querySelectorAll(`[${name}]`)) found.push(node.getAttribute(name));
  return [document.title.split(" \\u00b7 ")[0], ...found].map((text) => text.trim()).filter((text) => /[a-z]{2}/i.test(text));
}"""


def leaves(table: dict, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def english_only() -> list[re.Pattern[str]]:
    """Return what recognises the English texts that have another German one."""
    texts = ROOT / "rotrack" / "texts"
    read = {name: tomllib.loads((texts / f"{name}.toml").read_text("utf-8")) for name in ("en", "de", "de_core", "de_drills")}
    english, german = leaves(read["en"]), leaves(read["de"])
    pairs = [(text, german[key]) for key, text in english.items()]
    pairs += [pair for part in ("de_core", "de_drills") for section in read[part].values() for pair in section.items()]
    wrong = []
    for text, own in pairs:
        if text != own and len(re.sub(r"\{\w+[^}]*\}|\W", "", text)) > 3:
            words = re.split(r"\{\w+[^}]*\}", text)
            wrong.append(re.compile(".+".join(map(re.escape, words)) + r"\.?", re.IGNORECASE if len(words) == 1 else 0))
    german_words = {own.lower() for _, own in pairs}
    return [pattern for pattern in wrong if pattern.pattern.lower() not in german_words]


ENGLISH_ONLY = english_only()


def assert_german(page: Page) -> None:
    """Find no English text in the page that has a German one."""
    assert page.evaluate("document.documentElement.lang") == "de"
    english = {text for text in page.evaluate(WORDS) for pattern in ENGLISH_ONLY if pattern.fullmatch(text)}
    assert english == set(), page.url


@pytest.mark.parametrize("name", PLACES)
def test_axe_finds_nothing_serious(browser, place, name):
    for watched, _ in browsers(browser, [LIGHT, DARK]):
        page = opened(watched, place(name))
        assert_accessible(page)


@pytest.mark.parametrize("name", PLACES)
def test_nothing_overflows_on_a_phone_in_either_language(browser, place, name):
    for watched, look in browsers(browser, [{"size": PHONE}, {"size": PHONE, "locale": "de-AT"}]):
        page = opened(watched, place(name))
        assert_fits(page)
        if "locale" in look:
            assert_german(page)


def test_language_and_light_can_be_chosen_and_stay(browser, served):
    with person(browser, **LIGHT) as watched:
        page = opened(watched, served[0].at())
        ground = "getComputedStyle(document.body).backgroundColor"
        bright = page.evaluate(ground)
        page.select_option("#light", "dark")
        assert page.evaluate(ground) != bright
        page.select_option("#language", "de")
        page.wait_for_selector("html[lang=de]")
        page.wait_for_selector("h1")
        assert page.evaluate(ground) != bright
        assert_german(page)
        page.goto(served[0].url + "history")
        page.wait_for_selector("html[lang=de]")


def test_the_first_steps_by_keyboard_alone(browser, served):
    def tab_to(wanted: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
                seen = page.evaluate(
                    "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth }"
                )
                assert seen != "none0px" and not seen.startswith("none"), f"{wanted} does not show that it has the focus"
                return
        pytest.fail(f"{wanted} cannot be reached")

    with person(browser) as watched:
        page = opened(watched, served[0].at())
        tab_to(".skip")
        tab_to("#add")
        page.keyboard.type("Key")
        page.keyboard.press("Enter")
        page.wait_for_url("**person=Key")
        page.wait_for_selector("h1")
        tab_to(".card[href^='/drill/seated-internal']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/drill/seated-internal**")
        page.wait_for_selector("#start")
        tab_to("input[name=leg]")
        page.keyboard.press("ArrowDown")
        chosen = page.evaluate("document.querySelector('input[name=leg]:checked').value")
        assert chosen in ("left", "right")
        tab_to("#start")
        page.keyboard.press("Enter")
        page.wait_for_url("**/live")
        page.wait_for_selector("#live[data-phase=check]")
        assert page.get_attribute("#live", "data-legs") == chosen
        tab_to(".buttons button.checking")
        page.keyboard.press("Enter")
        page.wait_for_url("**/drill/seated-internal**")


def test_going_back_keeps_the_person_and_what_was_chosen(browser, served):
    """Otherwise the next session is saved under no name."""
    with person(browser) as watched:
        page = watched.page()
        set_up(page, served[0].at(), "seated-internal", "Nina", "left", reps=7)
        page.get_by_role("button", name="Back").click()
        for _ in range(2):  # also when the page is loaded anew
            page.wait_for_url("**/drill/seated-internal?**")
            page.wait_for_selector("#start")
            assert "Nina is measured" in page.inner_text("#main")
            assert page.is_checked("input[name=leg][value=left]")
            assert (page.input_value("#reps"), page.input_value("#model")) == ("7", "full")
            page.reload()
        page.click("#start")
        page.wait_for_selector("#live[data-phase=check]")
        assert "Nina" in page.inner_text(".live .head") and page.get_attribute("#live", "data-legs") == "left"
        page.go_back()  # the browser's own way
        page.wait_for_selector("#start")
        assert page.is_checked("input[name=leg][value=left]") and page.input_value("#reps") == "7"
        assert "Nina is measured" in page.inner_text("#main")


# ---------------------------------------------------------------------- live pages, several at once
def test_every_page_shows_the_same_session_and_can_be_used(browser, served):
    """Somebody on a chair who should stand: the check stays red, measuring says what is wrong."""
    running, _ = served
    with (
        person(browser, **LIGHT) as one,
        person(browser, color_scheme="dark", locale="de-DE") as two,
        person(browser, size=PHONE, locale="de-DE") as three,
    ):
        first = one.page()
        set_up(first, running.at(), "standing-combined", "Two")
        others = [opened_live(watched, running.at("live")) for watched in (two, three)]
        pages = [first, *others]
        for page in pages:
            page.wait_for_selector("#check-light[data-state=good]")
            page.wait_for_function("rotrackStats.drawn.length > 10")
        assert_in_order(pages)
        measure(others[0])  # by whoever presses it
        for page in pages:
            page.wait_for_selector("#live[data-phase=measure]")
            page.wait_for_function("[...document.querySelectorAll('.gauge.off .reason')].some((node) => node.textContent)")
        assert_in_order(pages)
        first.get_by_role("button", name="New neutral pose").click()
        first.click("#end")
        for page in pages:
            page.wait_for_selector("#after:not([hidden])")
            assert page.locator("#problem").inner_text() != ""
        assert_in_order(pages)
        assert one.complaints == two.complaints == three.complaints == []


def opened_live(watched: Watched, url: str) -> Page:
    page = watched.page()
    page.goto(url)
    page.wait_for_selector("#live")
    return page


def assert_in_order(pages: list[Page]) -> None:
    """Look at a live page as three people see it: light, dark and German, small and German."""
    light, dark, small = pages
    for page in (light, dark):
        assert_accessible(page)
    for page in pages:
        assert_fits(page)
    for page in (dark, small):
        assert_german(page)


COUNTED_RIGHT = """(() => {
  const [number, noun] = ["number", "noun"].map((part) => document.querySelector(`#gauge-right .count .${part}`).textContent);
  return Number(number) > 0 && noun === (number === "1" ? "Wiederholung" : "Wiederholungen");
})()"""


def test_a_gauge_has_room_for_all_that_belongs_in_it(browser, served):
    """Two directions, each with a value of the last session, and then a long reason."""
    running, data = served
    earlier = data.parent / "walk_in"
    shutil.copytree(FIXTURES / "walk_in", earlier)
    info = json.loads((earlier / "session.json").read_text("utf-8"))
    (earlier / "session.json").write_text(json.dumps({**info, "person": "Lou"}), "utf-8")
    stored = remeasure(earlier, data).folder / "session.json"
    info = json.loads(stored.read_text("utf-8"))  # it must be like the new one, which the leg network reads, too
    stored.write_text(json.dumps({**info, "measure_version": MEASURE_VERSION}), "utf-8")
    with person(browser, locale="de-DE") as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-combined", "Lou")
        measure(page)
        page.wait_for_selector("#gauge-right.off")
        assert_fits(page)
        page.wait_for_selector("#gauge-right:not(.off)")
        assert page.locator("#gauge-right .bests dt").count() == 4
        for size in (
            DESKTOP,
            {"width": 1024, "height": 700},
            {"width": 1920, "height": 1080},
            {"width": 3840, "height": 2160},
            PHONE,
        ):
            page.set_viewport_size(size)
            page.wait_for_timeout(200)
            assert_fits(page)
        page.set_viewport_size(DESKTOP)
        page.add_style_tag(content="#slow { display: none }")  # a busy computer says so in a line that takes room
        page.wait_for_timeout(200)
        dial = page.locator("#gauge-right .dial svg").bounding_box()
        assert min(dial["width"] / 200, dial["height"] / 124) * 124 > 80  # as high as it can be drawn
        page.wait_for_function(COUNTED_RIGHT)
        page.click("#end")


def test_a_page_of_an_earlier_session_follows_to_the_next(browser, served):
    with person(browser) as one, person(browser) as two:
        first, second = one.page(), two.page()
        set_up(first, served[0].at(), "standing-combined", "Two")
        set_up(second, served[0].at(), "seated-external", "Three", "left")
        first.wait_for_selector("#live[data-drill=seated-external][data-legs=left]")
        first.get_by_role("button", name="Back").click()
        second.wait_for_url(served[0].url)  # nothing runs any more


def test_a_tab_closed_and_opened_again_goes_on(browser, served):
    running, data = served
    with person(browser) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", "Tab")
        measure(page)
        wait_for_count(page, "right", 1)
        page.close()
        again = watched.page()
        again.goto(running.at())
        again.locator(".banner.running a").click()
        again.wait_for_selector("#live[data-phase=measure]")
        wait_for_count(again, "right", 1)
        again.reload()
        wait_for_count(again, "right", 2)
        counted = counts(again)
        session_id = end(again)
        reps = rows_of(data, session_id)
        for side, count in counted.items():
            assert list(reps[reps.side == side].rep)[:count] == list(range(1, count + 1))
        assert_equal_to_log(again, data, session_id)
        assert "Go" not in (again.evaluate("window.rotrackSaid") or [])


def test_keys_and_a_presenters_remote_do_what_the_buttons_do(browser, served):
    with person(browser) as watched:
        page = watched.page()
        set_up(page, served[0].at(), "seated-internal", "Keys")
        page.keyboard.press("m")
        page.wait_for_selector("#sound[aria-pressed=false]")
        page.keyboard.press("Escape")
        page.wait_for_selector("#start")
        page.focus("#band")
        page.keyboard.press("m")  # in a field it is a letter
        assert page.input_value("#band") == "m"
        page.click("#start")
        page.wait_for_selector("#live[data-phase=check]")
        page.keyboard.press("Space")
        page.wait_for_selector("#live[data-phase=measure]")
        page.keyboard.press("PageUp")
        page.keyboard.press("PageDown")
        page.wait_for_function("location.pathname !== '/live' || document.querySelector('#live').dataset.phase !== 'measure'")


def test_the_person_who_is_tapped_is_asked_for_where_they_stand(browser, served):
    with person(browser) as watched:
        page = watched.page()
        set_up(page, served[0].at(), "standing-combined", "Tap")
        page.wait_for_function("rotrackStats.drawn.length > 2")
        canvas = page.locator("#picture")
        for mirrored in (True, False):
            box = canvas.bounding_box()
            wide = box["height"] * 640 / 480  # the picture stands in the middle of its canvas
            with page.expect_request("**/live/person*") as asked:
                canvas.click(position={"x": box["width"] / 2 - wide / 4, "y": box["height"] * 0.5})
            x = float(re.search(r"x=([\d.]+)", asked.value.url)[1])
            assert x == pytest.approx(0.75 if mirrored else 0.25, abs=0.02)
            assert asked.value.response().ok
            page.click("#mirror")
            page.wait_for_selector(f"#mirror[aria-pressed={str(not mirrored).lower()}]")
            page.wait_for_function("rotrackStats.drawn.length > 2")
        page.get_by_role("button", name="Back").click()
        page.wait_for_url("**/drill/**")


# ---------------------------------------------------------------------- what may go wrong
def test_killed_in_a_session_nothing_finished_is_lost(browser, short_clip, tmp_path):
    data = tmp_path / "data"
    with person(browser) as watched:
        page = watched.page()
        with program(data, "--camera", short_clip) as running:
            url = running.url
            set_up(page, running.at(), "seated-internal", "Kim")
            measure(page)
            wait_for_count(page, "right", 2)
            counted = counts(page)
            running.process.send_signal(signal.SIGKILL)
            running.ended()
        expect(page.locator("#gone")).to_be_visible()
        assert "Every finished repetition is in the log" in page.locator("#gone").inner_text()
        page.wait_for_selector(".gauge.off")
        assert set(page.locator(".angle .number").all_text_contents()) == {"\u2013"}
        reps = rows(data)
        for side, count in counted.items():
            assert list(reps[reps.side == side].rep)[:count] == list(range(1, count + 1))
        with program(data, "--camera", short_clip, "--port", urlsplit(url).port) as running:
            assert running.url == url
            page.wait_for_selector("#gone[hidden]", state="attached")
            page.wait_for_selector("h1")
            page.goto(url + "history")
            page.wait_for_selector("table")
            assert "cut off" in page.locator("#main").inner_text() or "interrupted" in page.locator("#main").inner_text()
            page.goto(f"{url}session/{reps.session_id.iloc[0]}")
            page.wait_for_selector(".leg-result")
            assert "cut off" in page.locator(".notice").first.inner_text()
            assert sum(len(found) for _, found in shown(page).values()) == len(reps)


def test_an_unplugged_camera_is_told_and_comes_back(browser, tmp_path, short_clip):
    camera, data = NetworkCamera(short_clip), tmp_path / "data"
    try:
        with program(data, "--camera", camera.address) as running, person(browser) as watched:
            page = watched.page()
            set_up(page, running.at(), "seated-internal", "Ida")
            page.wait_for_function("rotrackStats.drawn.length > 10")
            camera.unplug()
            expect(page.locator("#problem")).to_contain_text("stopped giving pictures")
            camera.plug_in()
            expect(page.locator("#problem")).to_have_text("")
            measure(page)
            wait_for_count(page, "right", 1)
            camera.unplug()
            page.wait_for_function("document.querySelectorAll('.gauge.off').length === 2", timeout=2500)  # no number is frozen
            assert set(page.locator(".angle .number").all_text_contents()) == {"\u2013"}
            expect(page.locator("#problem")).to_contain_text("goes on by itself")
            counted = counts(page)
            assert counted["right"] >= 1
            camera.plug_in()
            expect(page.locator("#problem")).to_have_text("")
            assert counts(page) == counted
            wait_for_count(page, "right", counted["right"] + 1)
            camera.unplug()
            expect(page.locator("#problem")).to_contain_text("goes on by itself")
            session_id = end(page)  # while it is away
            reps = rows_of(data, session_id)
            assert list(reps[reps.side == "right"].rep) == list(range(1, counted["right"] + 2))
            assert_equal_to_log(page, data, session_id)
            assert re.search("stopped giving pictures|came back", page.locator("#main").inner_text())
    finally:
        camera.unplug()


def test_a_camera_that_is_not_there_is_told(browser, tmp_path):
    with program(tmp_path / "data", "--camera", "no such camera") as running, person(browser) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", "")
        expect(page.locator("#problem")).to_contain_text("no such camera")
        page.get_by_role("button", name="Back").click()
        page.wait_for_url("**/drill/**")


def test_another_device_looks_in_only_with_its_token(browser, tmp_path):
    def refused(page: Page, url: str) -> bool:
        answer = page.goto(url)
        return answer.status == 403 and "one-time token" in page.inner_text("body")

    with program(tmp_path / "data", "--host", "127.0.0.1") as running:
        running.hear("once: http")
        running.hear("is not encrypted")
        (offered,) = offers(running)
        plain = offered.split("?")[0]
        with person(browser) as owner, person(browser) as guest, person(browser) as thief:
            own = opened(owner, running.at())
            assert own.url == plain
            page, other = guest.page(), thief.page()
            assert refused(page, plain) and refused(page, plain + "live") and refused(page, plain + "static/app.css")
            page.goto(offered)
            page.wait_for_selector("h1")
            assert page.url == plain
            assert refused(other, offered)
            page.goto(plain + "history")
            page.wait_for_selector("h1")
            assert wait_until(lambda: len(offers(running)) == 2, 10)
            other.goto(offers(running)[1])
            other.wait_for_selector("h1")
            assert other.locator("#guests").count() == 0, "only the owner sends anybody away"
            own.reload()
            own.wait_for_selector("#guests")
            assert "2 other devices" in own.inner_text("#guests")
            own.get_by_role("button", name="Send away").click()
            expect(own.locator("#guests")).to_be_hidden()
            assert wait_until(lambda: refused(page, plain), 10) and refused(other, plain + "history")
            assert own.goto(plain).status == 200


def offers(running: Program) -> list[str]:
    """Return the addresses with a token that were printed for other devices, oldest first."""
    return [found[1] for line in running.said if (found := re.search(r"once: (http\S+)", line))]
