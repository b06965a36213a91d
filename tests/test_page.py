"""The page in a real browser, with a clip as the camera: the whole way through it, everything that may be in the way, and whether
everybody can use it."""

from __future__ import annotations

import json
import re
import signal
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers import ROOT, SAMPLES, needs, wait_until
from made_sessions import repetition, rows, rows_of, session_of, write
from page_helpers import CHROMIUM, NetworkCamera, Program, held_still, logged, program
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from translations import leaves

from rotrack.app.pages.layout import LANGUAGE_COOKIE
from rotrack.core.model import Direction, Side
from rotrack.people.changes import change_person
from rotrack.records.folders import locked
from rotrack.records.people import Goal, Limit, find_person, known_or_new, read_people
from rotrack.records.programmes import (
    Programme,
    ProgrammeStep,
    begin_course,
    find_course,
    open_courses,
    person_of,
    read_programmes,
    ready_programmes,
    remove_programme,
    step_over,
    write_programme,
)
from rotrack.texts import Texts

pytestmark = [pytest.mark.slow, pytest.mark.alone, needs(CHROMIUM)]

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
    """Begin to measure without waiting for the set-up check, unless it has begun by itself."""
    page.evaluate("() => document.querySelector('#live').dataset.phase === 'check' && document.querySelector('#anyway').click()")
    page.wait_for_selector("#live[data-phase=measure]")


def counts(page: Page) -> dict[str, int]:
    """Return the number of repetitions that the gauges show."""
    return {g.get_attribute("data-leg"): int(g.locator(".count .number").inner_text()) for g in page.locator(".gauge").all()}


def wait_for_count(page: Page, leg: str, count: int) -> None:
    """Wait for a count; a clip that began anew just before takes half a minute to come round to its next repetition."""
    page.wait_for_function(
        "([leg, count]) => Number(document.querySelector(`#gauge-${leg} .count .number`).textContent) >= count",
        arg=[leg, count],
        timeout=4 * MOMENT_MS,
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
KEEP_WHAT_WAS_SAID = """() => addEventListener("pagehide", () => sessionStorage.setItem(
    "live", JSON.stringify({ said: window.rotrackSaid, drawn: window.rotrackStats.drawn.length })))"""
"""The page leaves for the result as soon as the last repetition counts."""


@pytest.fixture(scope="module")
def measured(browser: Browser, served: tuple[Program, Path]) -> Iterator[tuple[Page, Path, dict[str, object]]]:
    """Go hands free from the first page to the result, seated, both legs; return the page there and what was seen on the way."""
    running, data = served
    with person(browser) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", "Ada", reps=3)
        page.wait_for_selector("#live[data-phase=measure]")  # by itself
        page.wait_for_selector("#message[data-kind=hold]")
        page.wait_for_selector(".gauge:not(.off)")
        wait_for_count(page, "left", 2)
        angle_shown = page.locator("#gauge-right .angle .number").inner_text()
        page.evaluate(KEEP_WHAT_WAS_SAID)
        page.wait_for_url("**/session/*")
        page.wait_for_selector(".leg-result")
        live = page.evaluate("JSON.parse(sessionStorage.getItem('live'))")
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
    assert live["drawn"] > 50
    said = live["said"][live["said"].index("Go") :]
    # Both legs move at once: the one that has its three a moment earlier is told that it is the other's turn.
    said = [words for words in said if words not in ("The left leg first", "Now the left leg", "Now the right leg")]
    said = [words for words in said if not words.startswith("Few frames per second")]  # on a slow computer
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
        page.go_back()  # past the camera, which is closed
        page.wait_for_url("**/course/standing-combined-*")
        page.wait_for_selector("#start")
        assert page.get_attribute(".notice a", "href") == f"/session/{session_id}"
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
    "videos": "/clips",
    "people": "/people",
    "settings": "/settings",
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
    try:
        found = Axe().run(page).response["violations"]
    except PlaywrightError:  # a page that lost its link for a moment, under load, loads itself anew
        page.wait_for_load_state("networkidle")
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


def english_only() -> list[re.Pattern[str]]:
    """Return what recognises the English texts that have another German one."""
    texts = ROOT / "rotrack" / "texts"
    read = {name: tomllib.loads((texts / f"{name}.toml").read_text("utf-8")) for name in ("en", "de", "de_core", "de_drills")}
    english, german = leaves(read["en"]), leaves(read["de"])
    pairs = [(text, german[key]) for key, text in english.items()]
    pairs += [pair for part in ("de_core", "de_drills") for section in read[part].values() for pair in section.items()]
    german_words = {own.lower() for _, own in pairs}
    wrong = []
    for text, _ in pairs:
        if text.lower() not in german_words and len(re.sub(r"\{\w+[^}]*\}|\W", "", text)) > 3:
            words = re.split(r"\{\w+[^}]*\}", text)
            wrong.append(re.compile(".+".join(map(re.escape, words)) + r"\.?", re.IGNORECASE if len(words) == 1 else 0))
    return wrong


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
        tab_to("#back")
        page.keyboard.press("Enter")
        page.wait_for_url("**/course/seated-internal-*")


def test_going_back_keeps_the_person_and_what_was_chosen(browser, served):
    """Otherwise the next session is saved under no name. Who sits has all the time: a standing drill does not begin by itself."""
    with person(browser) as watched:
        page = watched.page()
        set_up(page, served[0].at(), "standing-combined", "Nina", "left", reps=7)
        page.get_by_role("button", name="Back").click()
        for _ in range(2):  # also when the page is loaded anew
            page.wait_for_url("**/course/standing-combined-*")
            page.wait_for_selector("#start")
            assert "Nina is measured" in page.inner_text("#main")
            assert page.is_checked("input[name=leg][value=left]")
            assert (page.input_value("#reps"), page.input_value("#model")) == ("7", "full")
            page.reload()
        page.click("#start")
        page.wait_for_selector("#live[data-phase=check]")
        assert "Nina" in page.inner_text(".desk") and page.get_attribute("#live", "data-legs") == "left"
        page.go_back()  # the browser's own way
        page.wait_for_selector("#start")
        assert page.is_checked("input[name=leg][value=left]") and page.input_value("#reps") == "7"
        assert "Nina is measured" in page.inner_text("#main")


def test_a_plan_is_one_thing_in_two_tabs_and_on_a_second_device(browser, served):
    running, data = served
    with person(browser) as one, person(browser, locale="de-DE") as two:
        page = one.page()
        set_up(page, running.at(), "standing-combined", "Olga", "left", reps=7)
        page.click("#back")
        page.wait_for_url("**/course/*")
        (plan,) = [course for course in open_courses(data) if course.id == page.url.rsplit("/", 1)[1]]
        assert (person_of(data, plan), plan.language, plan.model, plan.single) == ("Olga", "en", "full", True)
        other = opened(two, running.at(f"course/{plan.id}"))
        assert "Olga is measured" in other.inner_text("#main"), "the language is that of the plan, too"
        other.fill("#reps", "9")
        assert wait_until(lambda: find_course(data, plan.id).programme.steps[0].reps == 9)
        page.reload()
        page.wait_for_selector("#start")
        assert page.input_value("#reps") == "9" and page.is_checked("input[name=leg][value=left]")
        page.click("#start")
        page.wait_for_selector("#live[data-phase=check]")
        other.goto(running.url)
        other.wait_for_selector(f".under-way a[href='/course/{plan.id}']")
        other.locator(".banner.running a").click()
        other.wait_for_selector("#live[data-phase=check][data-legs=left]")
        page.go_back()
        page.wait_for_url(f"**/course/{plan.id}")
        other.click("#back")
        other.wait_for_url(f"**/course/{plan.id}")
        assert one.complaints == two.complaints == []


def test_who_comes_back_to_a_plan_that_was_measured_is_told_and_may_measure_again(browser, served):
    running, data = served
    step = ProgrammeStep(drill="seated-internal", sides="left", reps=4)
    plan = begin_course(data, Programme(id="seated-internal", title="Seated", steps=(step,)), "Ida", single=True)
    session_id = write(data, 3, (repetition(1, 20.0, Side.LEFT),), person="Ida")
    step_over(data, plan.id, 0, session_id)
    with person(browser) as watched:
        page = opened(watched, running.at(f"course/{plan.id}?on=yes"))
        assert urlsplit(page.url).path == f"/session/{session_id}", "whoever was led here sees the result"
        page.goto(f"{running.url}course/{plan.id}")
        page.wait_for_selector("#start")
        assert page.get_attribute(".notice a", "href") == f"/session/{session_id}"
        assert page.input_value("#reps") == "4"
        page.fill("#reps", "6")  # another plan now, which begins anew
        page.wait_for_url("**/drill/seated-internal?**reps=6*")
        assert find_course(data, plan.id).programme.steps[0].reps == 4


def test_a_button_that_is_pressed_twice_at_once_begins_one_thing(browser, served):
    running, data = served
    write_programme(data, Programme(id="upright", title="Upright", steps=(ProgrammeStep(drill="standing-combined"),)))
    with person(browser) as watched:
        for begun, address in enumerate(("programme/upright", "drill/standing-combined"), 1):
            page = opened(watched, running.at(f"{address}?person=Dora"))
            page.dblclick("#start")
            page.wait_for_selector("#live[data-phase=check]")
            assert sum(person_of(data, course) == "Dora" for course in open_courses(data)) == begun
            page.click("#back")
            page.wait_for_url("**/course/**")
        assert watched.complaints == []


# ---------------------------------------------------------------------- live pages, several at once
def test_every_page_shows_the_same_session_and_can_be_used(browser, served):
    """Somebody on a chair who should stand: the check stays red, measuring says what is wrong."""
    running, _ = served
    with (
        person(browser, **LIGHT) as one,
        person(browser, color_scheme="dark") as two,
        person(browser, size=PHONE) as three,
    ):
        first = one.page()
        set_up(first, running.at(), "standing-combined", "Two")
        for watched in (two, three):  # else they are in the language of the plan
            watched.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": "de", "url": running.url}])
        others = [opened_live(watched, running.at("live")) for watched in (two, three)]
        pages = [first, *others]
        for page in pages:
            page.wait_for_selector("#check-light[data-state=good]")
            page.wait_for_function("rotrackStats.drawn.length > 10")
        assert_in_order(pages)
        measure(others[0])  # by whoever presses it
        for page in pages:
            page.wait_for_selector("#live[data-phase=measure]")
            page.wait_for_selector(".gauge.off")
            page.wait_for_function("document.querySelector('#words').textContent")
        assert_in_order(pages)
        first.get_by_role("button", name="New neutral pose").click()
        first.click("#end")
        for page in pages:
            page.wait_for_selector("#after:not([hidden])")
            assert page.locator("#message[data-kind=problem]").inner_text() != ""
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


TOO_SMALL = """(least) => {
  const pen = document.createElement("canvas").getContext("2d"), out = [];
  const walk = document.createTreeWalker(document.querySelector("#live"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || node.closest(".desk, .unseen") || !node.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(node);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const high = pen.measureText("H").actualBoundingBoxAscent;
    if (high < least) out.push(`${text}: ${high.toFixed(1)} px`);
  }
  return out;
}"""
"""What is meant for the person and has capitals lower than this, px: all but the bar for the desk."""
PLACES_OF_PARTS = """() => Object.fromEntries([...document.querySelectorAll(
  ".gauge, .gauge .leg, .gauge .dial, .gauge .angle, #view, #message")].map((node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return [node.closest(".gauge") ? `${node.closest(".gauge").id}.${node.classList[0]}` : node.id, [x, y, width, height]];
}))"""
LARGEST = (
    """() => {
  for (const gauge of document.querySelectorAll(".gauge")) {
    gauge.querySelector(".count .number").textContent = "28";
    gauge.querySelector(".angle .number").textContent = "104";
    gauge.querySelector(".angle .error").textContent = "\u00b112";
    gauge.classList.add("long");
  }
  return ("""
    + OVERFLOWING
    + """)();
}"""
)
"""What is cut off where gauges show the longest numbers that there may be; the next picture takes them away."""
FROM_THREE_METRES = [({"width": 1366, "height": 640}, 35), ({"width": 1920, "height": 1080}, 49)]
"""The inner size of a window on a screen of 15.6 inches, and how high capitals must be to be read from three metres, px."""


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_what_the_person_reads_is_large_enough_and_nothing_jumps(browser, served, locale):
    """With one leg that is not in position, held still, moving, counted, and with the camera gone."""
    with person(browser, locale=locale) as watched:
        page = watched.page()

        def look() -> list[dict[str, list[float]]]:
            found = []
            for size, least_px in FROM_THREE_METRES:
                page.set_viewport_size(size)
                page.wait_for_timeout(150)
                assert page.evaluate(TOO_SMALL, least_px) == [], size
                assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), size
                assert_fits(page)
                found.append(page.evaluate(PLACES_OF_PARTS))
            return found

        set_up(page, served[0].at(), "seated-internal", "Lou")
        page.wait_for_function("document.querySelector('#words').textContent")
        look()
        assert not page.locator("#trace").is_visible(), "nothing is measured yet; the picture has the room"
        measure(page)
        page.wait_for_selector("#gauge-right.off")
        before = look()
        assert page.locator("#gauge-right .moving svg").is_visible(), "the drill in motion, until the first repetition"
        wait_for_count(page, "right", 1)
        page.wait_for_selector("#gauge-right.begun")
        assert page.locator("#gauge-right .scale svg").is_visible() and not page.locator("#gauge-right .moving svg").is_visible()
        assert look() == before
        for places in before:
            left, right = places["gauge-left.dial"], places["gauge-right.dial"]
            assert left[2:] == right[2:] and left[3] > 130
            assert places["message"][1] >= places["view"][1] + places["view"][3], "the feet stay free"
        for size in (DESKTOP, {"width": 1024, "height": 700}, {"width": 3840, "height": 2160}, PHONE):
            page.set_viewport_size(size)
            page.wait_for_timeout(150)
            assert_fits(page)
            assert page.evaluate(LARGEST) == [], size
        page.click("#end")


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_the_set_up_shows_where_the_camera_stood_last_time(browser, served, locale):
    """Somebody who was measured from further round."""
    running, data = served
    name = f"Once-{locale[:2]}"
    with person(browser, locale=locale) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", name)
        assert page.locator(".then").count() == 0
        measure(page)
        wait_for_count(page, "right", 1)
        record = data / "sessions" / end(page) / "session.json"
        found = json.loads(record.read_text("utf-8"))
        for neutral in found["neutrals"]:
            neutral["view"]["turn_deg"] += 25
        record.write_text(json.dumps(found), "utf-8")
        set_up(page, running.at(), "seated-internal", name)
        page.wait_for_selector("#live[data-move=left] #check-again[data-state=problem]")
        assert page.locator(".then svg").is_visible()
        assert page.locator("#as-then .one.near").count() == 2 and page.locator("#as-then .one.off").count() == 1
        for size, least_px in FROM_THREE_METRES:
            page.set_viewport_size(size)
            page.wait_for_timeout(150)
            assert page.evaluate(TOO_SMALL, least_px) == [], size
            assert_fits(page)
        if locale == "de-DE":
            assert_german(page)
        page.locator("#back").click()
        page.wait_for_url("**/course/**")
        assert watched.complaints == []


def test_a_goal_is_marked_on_the_gauge_of_its_leg(browser, served):
    running, data = served
    with locked(data):
        known = known_or_new(data, "Gil")
    goal = partial(Goal, drill="seated-internal", direction=Direction.INTERNAL)
    change_person(data, known, goals=(goal(goal_deg=40.0, side=Side.LEFT), goal(goal_deg=90.0, side=Side.RIGHT)))
    with person(browser) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", "Gil")
        assert [page.locator(f"#gauge-{side} .goal").count() for side in Side] == [1, 0], "90 degrees are not on the dial"
        said = page.locator(".gauge .unseen").all_text_contents()
        assert sorted(said) == ["Goal: internal rotation 40\u00b0", "Goal: internal rotation 90\u00b0"]
        page.get_by_role("button", name="Back").click()
        page.wait_for_url("**/course/**")
        assert watched.complaints == []


def test_a_range_that_is_not_to_be_passed_is_said_before_and_warned_of(browser, served):
    running, data = served
    with locked(data):
        known = known_or_new(data, "Lim")
    change_person(
        data, known, limits=(Limit(direction=Direction.INTERNAL, most_deg=12.0, side=Side.RIGHT),), avoided=("lunge-external",)
    )
    with person(browser) as watched:
        page = watched.page()
        page.goto(running.at("drill/lunge-external?person=Lim"))
        assert Texts()("care.avoided") in page.locator(".notice").inner_text()
        page.click("#start")
        page.wait_for_selector("#avoided[open]")
        assert_accessible(page)
        page.click("#avoided button:not(.danger)")
        page.wait_for_selector("#avoided:not([open])", state="attached")
        assert urlsplit(page.url).path == "/drill/lunge-external", "nothing begins before the answer"
        page.click("#start")
        page.click("#avoided .danger")
        page.wait_for_selector("#live[data-phase=check][data-drill=lunge-external]")
        set_up(page, running.at(), "seated-internal", "Lim")
        page.wait_for_function("(window.rotrackSaid || []).some((said) => said.startsWith('Take care'))")
        measure(page)
        page.wait_for_selector("#message[data-kind=limit]")
        assert page.locator("#gauge-right .beyond").count() == 1 and page.locator("#gauge-left .beyond").count() == 0
        said = page.evaluate("window.rotrackSaid")
        assert "Take care: right leg, internal rotation: not beyond 12 degrees." in said
        assert "Not further: 12 degrees is the limit" in said
        page.click("#end")
        assert watched.complaints == []


def test_a_page_of_an_earlier_session_follows_to_the_next(browser, served):
    with person(browser) as one, person(browser) as two:
        first, second = one.page(), two.page()
        set_up(first, served[0].at(), "standing-combined", "Two")
        set_up(second, served[0].at(), "seated-external", "Three", "left")
        first.wait_for_selector("#live[data-drill=seated-external][data-legs=left]")
        first.get_by_role("button", name="Back").click()
        second.wait_for_url(served[0].url)  # nothing runs any more


def test_a_page_is_left_by_one_way_that_no_second_one_breaks_off(browser, served):
    with person(browser) as watched:
        page = opened(watched, served[0].at())
        assert page.evaluate("() => ['/people', '/history'].map((to) => rotrackLeave(() => location.assign(to))) && null") is None
        page.wait_for_url("**/people")
        page.wait_for_selector("#find")


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
        set_up(page, served[0].at(), "standing-combined", "Keys")  # which does not begin by itself
        page.keyboard.press("m")
        page.wait_for_selector("#sound[aria-pressed=false]")
        page.keyboard.press("f")
        page.wait_for_function("document.fullscreenElement")
        page.keyboard.press("f")
        page.wait_for_function("!document.fullscreenElement")
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
        page.wait_for_url("**/course/**")


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
        with program(data, "--port", urlsplit(url).port) as running:  # the camera is that of the plan
            assert running.url == url
            page.wait_for_selector("#gone[hidden]", state="attached")
            assert page.inner_text("#go-on") == "Go on: Seated, foot out (Kim)"
            page.click("#go-on")
            page.wait_for_selector("#live[data-phase=check]")
            page.wait_for_function("rotrackStats.drawn.length > 2")
            assert "Kim" in page.inner_text(".desk")
            page.click("#back")
            page.wait_for_selector("#start")
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
            expect(page.locator("#message[data-kind=problem]")).to_contain_text("stopped giving pictures")
            page.set_viewport_size(PHONE)
            page.wait_for_timeout(150)
            assert_fits(page)  # however long the address of the camera is
            page.set_viewport_size(DESKTOP)
            camera.plug_in()
            expect(page.locator("#message[data-kind=problem]")).to_have_count(0)
            measure(page)
            wait_for_count(page, "right", 1)
            camera.unplug()
            page.wait_for_function("document.querySelectorAll('.gauge.off').length === 2", timeout=2500)  # no number is frozen
            assert set(page.locator(".angle .number").all_text_contents()) == {"\u2013"}
            expect(page.locator("#message[data-kind=problem]")).to_contain_text("goes on by itself")
            counted = counts(page)
            assert counted["right"] >= 1
            camera.plug_in()
            expect(page.locator("#message[data-kind=problem]")).to_have_count(0)
            assert counts(page) == counted
            wait_for_count(page, "right", counted["right"] + 1)
            camera.unplug()
            expect(page.locator("#message[data-kind=problem]")).to_contain_text("goes on by itself")
            session_id = end(page)  # while it is away
            reps = rows_of(data, session_id)
            logged_reps = list(reps[reps.side == "right"].rep)  # one more may have ended before the camera was away
            assert logged_reps == list(range(1, len(logged_reps) + 1)) and len(logged_reps) > counted["right"]
            assert_equal_to_log(page, data, session_id)
            assert re.search("stopped giving pictures|came back", page.locator("#main").inner_text())
    finally:
        camera.unplug()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_camera_that_is_not_there_is_told(browser, tmp_path, locale):
    with program(tmp_path / "data", "--camera", "no such camera") as running, person(browser, locale=locale) as watched:
        page = watched.page()
        set_up(page, running.at(), "seated-internal", "")
        expect(page.locator("#message[data-kind=problem]")).to_contain_text("no such camera")
        assert "rotrack" not in page.inner_text("#message"), "no command of the terminal"
        for width, height in ((1280, 800), (1366, 640), (1920, 1080), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(150)
            assert_fits(page)
            told = page.locator("#words").bounding_box()
            assert told["y"] >= 0 and told["y"] + told["height"] <= height, "all of it can be read"
        assert page.locator(".desk select[id]").is_visible(), "another camera can be chosen"
        page.click("#back")
        page.wait_for_url("**/course/**")


def test_another_device_looks_in_only_with_its_token(browser, tmp_path):
    def refused(page: Page, url: str) -> bool:
        answer = page.goto(url)
        return answer.status == 403 and "one-time token" in page.inner_text("body")

    with program(tmp_path / "data", "--host", "127.0.0.1") as running:
        running.hear("once: http")
        running.hear("are not encrypted")
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


# ---------------------------------------------------------------------- a programme
def test_a_programme_of_three_drills_on_both_legs_runs_through_by_itself(browser, seated_clip, tmp_path):
    """Nothing is touched after the start."""
    data = tmp_path / "data"
    step = ProgrammeStep(drill="seated-internal", reps=1, rest_s=1)
    write_programme(data, Programme(id="thrice", title="Thrice", steps=(step,) * 3))
    with person(browser) as watched, program(data, "--camera", seated_clip) as running:
        page = watched.page()
        page.goto(running.at("?person=Ada"))
        page.click(".card[href^='/programme/thrice']")
        page.wait_for_selector("#start")
        page.select_option("#model", "full")
        page.click("#start")
        page.wait_for_selector(".over", timeout=10 * MOMENT_MS)
        assert "3 drills measured" in page.inner_text("h1")
        assert page.locator(".step .amounts").count() == 6
        infos = logged(data)
        assert [(info["drill"], info["person"], info["status"]) for info in infos] == [("seated-internal", "Ada", "finished")] * 3
        for info in infos:
            assert {value.side for value in session_of(data, info["session_id"]).values if value.reps_used} == set(Side)
        assert page.evaluate("window.rotrackSaid")[-1] == page.inner_text("h1")
        assert_fits(page)
        assert_accessible(page)
        assert watched.complaints == []


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_course_can_be_skipped_paused_left_and_opened_again(browser, served, locale):
    running, data = served
    with person(browser, locale=locale) as watched:
        page = opened(watched, running.at("programme/five-minutes?person=Cora"))
        assert_fits(page)
        assert_accessible(page)
        page.click("#start")
        page.wait_for_selector("#live[data-phase=check]")
        page.click("#back")
        page.wait_for_url("**/course/**")
        page.click("#skip")
        page.wait_for_selector("#redo")
        address = page.url
        for size, least_px in FROM_THREE_METRES:
            page.set_viewport_size(size)
            page.wait_for_timeout(150)
            assert page.evaluate(TOO_SMALL.replace("#live", ".coming"), least_px) == []
            assert_fits(page)
        assert_accessible(page)
        if locale.startswith("de"):
            assert_german(page)
        again = opened(watched, running.at("?person=Cora"))
        again.click(".under-way a")
        again.wait_for_url(address.split("?")[0])
        again.wait_for_selector("#course[data-ready]")
        again.keyboard.press("Space")
        again.wait_for_selector("#live[data-phase=check][data-drill=seated-external]")
        again.click("#back")
        again.wait_for_selector("#next")
        assert len(find_course(data, address.rsplit("/", 1)[1].split("?")[0]).done) == 1


def test_a_programme_is_printed_on_one_sheet(browser, served):
    with person(browser) as watched:
        for programme in ready_programmes():
            page = opened(watched, served[0].at(f"programme/{programme.id}"))
            sheet = page.pdf(format="A4")
            assert sheet.count(b"/Type /Page\n") + sheet.count(b"/Type /Page ") == 1, programme.id


def test_the_end_of_a_programme_says_what_has_changed_and_leads_to_the_report(browser, served):
    running, data = served
    one = Programme(id="aim", title="Aim", steps=(ProgrammeStep(drill="seated-internal", target_deg=25.0),))
    for day, deg in enumerate((20.0, 21.0, 20.0, 30.0), 21):
        reps = tuple(repetition(n, deg + gain, side) for side, gain in ((Side.LEFT, 0.0), (Side.RIGHT, 12.0)) for n in (1, 2, 3))
        last = write(data, day, reps, person="Vera", sides=tuple(Side))
    course = begin_course(data, one, "Vera")
    step_over(data, course.id, 0, last)
    with person(browser) as watched:
        page = opened(watched, running.at(f"course/{course.id}"))
        said = page.locator(".over .told").all_inner_texts()
        assert any(text.startswith("Internal rotation:") and "right leg" in text for text in said), said
        assert sum("\u00b1" in text or "confirmed" in text for text in said if text.startswith(("Left leg", "Right leg"))) == 2, (
            said
        )
        assert said[-1] == "Target 25\u00b0, reached: left leg, internal; right leg, internal"
        with page.expect_popup() as opened_report:
            page.click("#report")
        opened_report.value.wait_for_selector("h1")
        assert "Vera" in opened_report.value.inner_text("h1")


def test_the_end_of_a_programme_has_both_ways_together(browser, served):
    running, data = served
    both = tuple(repetition(n, 20.0 * d.sign, Side.LEFT) for d in Direction for n in (1, 2, 3))
    everyday = ready_programmes()[0]
    course = begin_course(data, everyday)
    step_over(data, course.id, 0, write(data, 2, both, drill="seated-combined", sides=(Side.LEFT,)))
    with person(browser) as watched:
        page = opened(watched, running.at(f"course/{course.id}"))
        assert number_of(page.locator(".amounts").last.inner_text())[0] == 40
        assert_accessible(page)


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_programme_is_changed_saved_to_a_file_and_read_in_elsewhere(browser, served, locale, tmp_path):
    running, data = served
    with person(browser, locale=locale) as watched:
        page = opened(watched, running.at("programme/five-minutes/change"))
        assert_accessible(page)
        if locale.startswith("de"):
            assert_german(page)
        page.fill("#title", f"Hüfte {locale}")
        page.locator(".row").nth(1).get_by_role("button").click()
        expect(page.locator(".row")).to_have_count(2)
        page.click("#more")
        expect(page.locator(".row")).to_have_count(3)
        page.locator(".row").nth(2).locator("select").first.select_option("seated-combined")
        page.locator(".row").nth(2).locator("input").first.fill("7")
        page.locator(".row").nth(2).locator("input").nth(2).fill("45")
        page.locator(".row").nth(2).locator("input").nth(3).fill("5")
        page.locator(".row").nth(2).locator("select").last.select_option("mean-of-3")
        page.fill("#every", "2")
        page.set_viewport_size(PHONE)
        assert_fits(page)
        page.click("#more")
        expect(page.locator(".row")).to_have_count(4)
        page.locator(".row").last.get_by_role("button").click()
        expect(page.locator(".row")).to_have_count(3)
        assert [page.locator("#every").input_value(), page.locator("#title").input_value()] == ["2", f"Hüfte {locale}"]
        page.click("#keep-it")
        page.wait_for_selector("#start")
        own = next(one for one in read_programmes(data)[0] if one.title == f"Hüfte {locale}")
        assert [(step.drill, step.reps) for step in own.steps] == [
            ("seated-internal", 5), ("standing-combined", 5), ("seated-combined", 7)]  # fmt: skip
        assert (own.steps[2].target_deg, own.steps[2].hold_s, own.every_days) == (45.0, 5.0, 2)
        assert [step.chosen for step in own.steps] == [{}, {}, {"value_rule": "mean-of-3"}]
        with page.expect_download() as saved:
            page.click("a[href$='/file']")
        saved.value.save_as(tmp_path / "mine.json")
        page.goto(page.url + "/change")
        page.click("#remove")
        page.wait_for_selector(".card.everyday")
        assert not [one for one in read_programmes(data)[0] if one.title == own.title]
        page.set_input_files("#read-in", tmp_path / "mine.json")
        page.wait_for_selector("#start")
        (again,) = (one for one in read_programmes(data)[0] if one.title == own.title)
        assert again.steps == own.steps
        (tmp_path / "bad.json").write_text("{", "utf-8")
        page.goto(running.url)
        page.set_input_files("#read-in", tmp_path / "bad.json")
        page.wait_for_selector("p.problem span")


# ---------------------------------------------------------------------- people
CLICKS = "addEventListener('click', (e) => e.isTrusted && window.clicked(), true)"
"""Counts what a person clicks, in every page of a browser; keys are not clicks."""


def visits(watched: Watched, url: str, names: Iterable[str], patience_ms: float = 4 * MOMENT_MS) -> Iterator[int]:
    """Find, measure and report people one after the other, hands free between; yield the clicks of each visit."""
    clicks = 0

    def clicked(source: object) -> None:
        nonlocal clicks
        clicks += 1

    watched.context.expose_binding("clicked", clicked)
    watched.context.add_init_script(CLICKS)
    page = opened(watched, url)
    for name in names:
        page.click("#another" if page.locator("#another").count() else "nav a[href='/people']")
        page.wait_for_selector("#find:focus")
        page.keyboard.type(name)
        page.wait_for_function("[...document.querySelectorAll('.people-list > li')].filter((row) => !row.hidden).length === 1")
        page.keyboard.press("Enter")
        page.click(".card.short")
        page.click("#start")
        page.wait_for_selector(".over", timeout=patience_ms)
        with page.expect_popup() as opened_report:
            page.click("#report")
        opened_report.value.wait_for_selector("h1")
        assert name in opened_report.value.inner_text("h1")
        opened_report.value.close()
        yield clicks
        clicks = 0


def test_a_day_of_thirty_clients_takes_four_clicks_each(browser, short_clip, tmp_path):
    """Thirty are known, of whom some come; `tests/benchmarks/day.py` lets all of them come."""
    data = tmp_path / "data"
    names = thirty(data)
    with program(data, "--camera", short_clip) as running, person(browser) as watched:
        assert list(visits(watched, running.at(), (names[29], names[3]))) == [4, 4]
        assert watched.complaints == []
    assert [record["person"] for record in logged(data)] == [names[29], names[3]]


def thirty(data: Path) -> list[str]:
    """Add thirty people to a new data folder, and a short programme for them; return their names."""
    data.mkdir()
    names = [f"Client {number:02}" for number in range(30)]
    for name in names:
        known_or_new(data, name)
    step = ProgrammeStep(drill="seated-internal", reps=1, chosen={"model": "full"})
    write_programme(data, Programme(id="short", title="Short", steps=(step,)))
    return names


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_thirty_people_are_found_added_changed_and_put_away(browser, served, locale):
    running, data = served
    for number in range(30):
        known_or_new(data, f"Client {number:02} {locale}")
    with person(browser, locale=locale) as watched:
        page = opened(watched, running.at("people"))
        assert_accessible(page)
        if locale.startswith("de"):
            assert_german(page)
        page.fill("#find", f"17 {locale[:2]}")  # one field, then one click
        page.wait_for_function("[...document.querySelectorAll('.people-list > li')].filter((row) => !row.hidden).length === 1")
        page.click(".people-list > li:not([hidden]) .name")
        page.wait_for_selector(".card.everyday")
        assert f"Client 17 {locale}" in page.inner_text(".chip[aria-current]")
        page.click(".card.everyday")  # two more lead to the camera
        page.wait_for_selector("#start")

        page = opened(watched, running.at("people"))
        page.fill("#find", f"Wanda {locale}")
        page.click("#add")
        page.wait_for_selector(".card.everyday")
        added = find_person(read_people(data)[0], f"Wanda {locale}")
        page = opened(watched, running.at(f"people/{added.id}"))
        assert_accessible(page)
        page.fill("#born", "1970")
        page.fill("#goals", "seated-internal internal left 200")
        page.press("#goals", "Tab")
        expect(page.locator(".problem")).to_contain_text("120")
        page.fill("#goals", "seated-internal internal left 40")
        page.press("#goals", "Tab")
        assert wait_until(
            lambda: list(map(str, find_person(read_people(data)[0], added.id).goals)) == ["seated-internal internal left 40"]
        )
        page.fill("#precautions", "No deep flexion")
        page.select_option("#affected", "left")
        page.press("#born", "Tab")
        page.press("#precautions", "Tab")
        assert wait_until(lambda: find_person(read_people(data)[0], added.id).precautions != ())
        page.fill("#born", "no year")
        page.press("#born", "Tab")
        page.wait_for_selector("p.problem span")
        kept = find_person(read_people(data)[0], added.id)
        assert (kept.birth_year, kept.precautions, kept.affected_side) == (1970, ("No deep flexion",), "left")
        if locale.startswith("de"):
            assert_german(page)
        page.goto(f"{running.url}drill/seated-internal?person=Wanda%20{locale}")
        page.wait_for_selector("#start")
        assert "No deep flexion" in page.inner_text(".notice")
        page.goto(f"{running.url}people/{added.id}")
        page.click("#archive")
        page.wait_for_url("**/people")
        page.wait_for_selector("#find")
        assert find_person(read_people(data)[0], added.id).archived
        page.set_viewport_size(PHONE)
        assert_fits(page)
        assert watched.complaints == []


def test_two_records_of_one_person_become_one_after_two_questions(browser, served):
    running, data = served
    first, second = known_or_new(data, "Jo Twice"), known_or_new(data, "Joanna Twice")
    with person(browser) as watched:
        page = opened(watched, running.at(f"people/{first.id}"))
        page.fill("#same", "Joanna Twice")
        page.click("#merge")
        page.click("#merging-first .danger")
        page.click("#merging-second-yes")
        page.wait_for_url(f"**/people/{second.id}")
        page.wait_for_selector("#born")
        found = find_person(read_people(data)[0], "Jo Twice")
        assert (found.id, found.name) == (second.id, "Joanna Twice")
        assert watched.complaints == []


def test_what_is_due_today_comes_first_until_it_was_done(browser, served):
    running, data = served
    step = ProgrammeStep(drill="seated-internal", sides="left")
    daily = Programme(id="daily", title="Daily", steps=(step,), every_days=1)
    write_programme(data, daily)
    known_or_new(data, "Dee")
    with person(browser) as watched:
        page = opened(watched, running.at("?person=Dee"))
        assert "daily" in page.locator(".programmes .card").first.get_attribute("class")
        assert page.locator(".card.daily .due").is_visible()
        course = begin_course(data, daily, "Dee")
        step_over(data, course.id, 0, write(data, 6, (repetition(1, 20.0, Side.LEFT),), person="Dee"))
        page.reload()
        page.wait_for_selector(".card.daily")
        assert page.locator(".card.daily .due").count() == 0  # those of other tests may be due
        assert "daily" not in page.locator(".programmes .card").first.get_attribute("class")
    remove_programme(data, daily.id)


def test_the_report_has_the_practice_and_the_comment_that_were_typed(browser, served):
    running, data = served
    write(data, 8, (repetition(1, 20.0, Side.LEFT),), person="Rea")
    with person(browser, locale="de-DE") as watched:
        page = opened(watched, running.at("history?person=Rea&drill=seated-internal"))
        page.click(".report-note summary")
        page.fill("#practice", "Praxis am Tor")
        page.fill("#comment", "Weiter so.")
        with page.expect_popup() as opened_report:
            page.click("a.report[target]")
        report = opened_report.value
        report.wait_for_selector("h1")
        assert report.evaluate("document.documentElement.lang") == "de"
        assert "Praxis am Tor" in report.inner_text("body") and "Weiter so." in report.inner_text("body")
        page.reload()
        page.wait_for_selector("h1")
        page.click(".report-note summary")
        expect(page.locator("#practice")).to_have_value("Praxis am Tor")  # before it stands in the report again
        assert page.input_value("#comment") == ""


def test_voice_and_privacy_are_kept_by_the_browser(browser, served):
    running, data = served
    known_or_new(data, "Secret Name")
    with person(browser) as watched:
        page = opened(watched, running.at("settings"))
        page.wait_for_selector("#settings[data-ready]")
        page.fill("#volume", "0.4")
        page.uncheck("#sound")
        page.check("#private")
        page.click("#test")
        assert page.evaluate("window.rotrackSaid") == ["One, two, three. Now the right leg."]
        page.reload()
        page.wait_for_selector("#settings[data-ready]")
        assert (page.input_value("#volume"), page.is_checked("#sound"), page.is_checked("#private")) == ("0.4", False, True)
        assert str(data) in page.inner_text("#settings")
        page.goto(running.url)
        page.wait_for_selector(".card.everyday")
        names = {one.name for one in read_people(data)[0]}
        assert names and not [name for name in names if name in page.content()]
        page.goto(f"{running.url}?person=Secret%20Name")
        page.wait_for_selector(".card.everyday")
        assert page.inner_text(".chip[aria-current]") == "Secret Name"


VOICES = """() => {
  window.spoken = [];
  const all = [["Ann", "en-GB", true], ["Far", "de-DE", false], ["Uta", "de-DE", true]];
  const voices = all.filter(([name]) => name !== "WITHOUT");
  const synthesis = {
    getVoices: () => voices.map(([name, lang, localService]) => ({ name, lang, localService })),
    speak: (said) => window.spoken.push(said.voice.name), cancel: () => {},
  };
  Object.defineProperty(window, "speechSynthesis", { value: synthesis });
  window.SpeechSynthesisUtterance = class {};
}"""


@pytest.mark.parametrize(("locale", "without", "spoken"), [("en-GB", "", ["Ann"]), ("de-DE", "", ["Uta"]), ("de-DE", "Uta", [])])
def test_words_are_spoken_by_a_voice_of_their_language_or_by_none(browser, served, locale, without, spoken):
    """One that is not of this computer would send the words away."""
    with person(browser, locale=locale) as watched:
        watched.context.add_init_script(f"({VOICES.replace('WITHOUT', without)})()")
        page = opened(watched, served[0].at("settings"))
        page.wait_for_selector("#settings[data-ready]")
        page.click("#test")
        assert len(page.evaluate("window.rotrackSaid")) == 1
        assert page.evaluate("window.spoken") == spoken
        assert watched.complaints == []


def test_units_are_those_that_are_set_and_what_is_kept_is_metric(browser, served):
    running, data = served
    session_id = write(data, 5, (repetition(1, 20.0, Side.LEFT),), person="Uma", load_kg=5.0)
    with person(browser) as watched:
        page = opened(watched, running.at("settings"))
        page.wait_for_selector("#settings[data-ready]")
        page.select_option("#units", "imperial")
        page.goto(f"{running.url}drill/seated-internal?person=Uma&load_kg=10")
        page.wait_for_selector("#start")
        assert "6.6 to 8.2 feet" in page.inner_text("#main") and "feet" in page.text_content(".place svg")
        assert page.input_value("#load_kg") == "22"
        page.fill("#load_kg", "11")
        page.wait_for_url("**load_kg=4.98952*")
        page.goto(f"{running.url}session/{session_id}")
        page.wait_for_selector("#load_kg")
        assert page.input_value("#load_kg") == "11"
        page.fill("#load_kg", "2000")
        page.press("#load_kg", "Tab")
        expect(page.locator("#load_kg-saved")).to_contain_text("1102.3 lb")
        page.fill("#load_kg", "5.5")
        page.press("#load_kg", "Tab")
        assert wait_until(lambda: session_of(data, session_id).record.load_kg == pytest.approx(2.4948, abs=1e-3))
        page.goto(f"{running.url}history?person=Uma&drill=seated-internal")
        page.wait_for_selector("table")
        assert "5.5 lb" in page.inner_text(".sessions table")
        page.goto(f"{running.url}report.html?person=Uma")
        assert watched.complaints == []


def test_everything_is_exported_by_one_button_and_deleted_by_another(browser, tmp_path):
    data = tmp_path / "data"
    kept = write(data, 1, (repetition(1, 20.0, Side.LEFT),), person="Eva")
    with program(data) as running, person(browser) as watched:
        page = opened(watched, running.at("settings"))
        with page.expect_download() as saved:
            page.click("#export")
        with zipfile.ZipFile(saved.value.path()) as archive:
            assert any(f"sessions/{kept}/" in name for name in archive.namelist()) and archive.testzip() is None
        page.click("#delete-all")
        page.locator("#all-first button").first.click()  # keep it
        page.wait_for_selector("#all-first:not([open])", state="attached")
        assert (data / "sessions" / kept).is_dir()
        page.click("#delete-all")
        page.click("#all-first .danger")
        page.wait_for_selector("#all-second[open]")
        assert page.is_disabled("#all-second-yes")
        assert_accessible(page)
        page.fill("#all-second-name", "delete")
        page.click("#all-second-yes")
        page.wait_for_url(running.url)
        page.wait_for_selector(".card.everyday")
        assert "Eva" not in page.inner_text("#main")
        assert not (data / "sessions" / kept).exists() and read_people(data)[0] == []
        assert watched.complaints == []
