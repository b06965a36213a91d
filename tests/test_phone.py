"""A phone as the camera: Chromium with a film as its fake camera, on the page that the code leads to, and strangers before it."""

from __future__ import annotations

import http.cookiejar
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers import SAMPLES, needs
from page_helpers import CHROMIUM, Program, as_film, logged, program, with_camera
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

import rotrack
from rotrack import Measurement
from rotrack.sensing.sent import PAUSED, PHONE
from rotrack.texts import Texts

pytestmark = [pytest.mark.slow, pytest.mark.alone, needs(CHROMIUM)]

DESK, HELD, HELD_WIDE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}, {"width": 844, "height": 390}
CLIP = SAMPLES / "both_internal.mp4"
STILL_S = 14.0
"""Long enough to connect, to begin and to have the neutral pose before the first repetition."""
PATIENT_MS = 240_000
UNHURRIED = "import rotrack.sensing.sent as sent\nsent.WORKED_OFF = 0.0"
"""However slow the computer of the tests is, what the phone sends is measured by as many pictures as are enough, only later."""
WITHIN_DEG = 0.5
SAID = Texts()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_film(CLIP, tmp_path_factory.mktemp("film") / "seated.mjpeg", STILL_S)


@pytest.fixture(scope="module")
def desk(playwright: Playwright) -> Iterator[Browser]:
    """Return the browser on the computer, which has no camera."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pocket(playwright: Playwright, film: Path) -> Iterator[Browser]:
    """Return the browser of the phones."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=with_camera(film))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def offline() -> Measurement:
    """Return the clip as it is measured from its file."""
    return rotrack.analyze(CLIP, drill="seated-internal", model="full", legnet=False, log=False)


@contextmanager
def serving(data: Path, *args: object, camera: str = PHONE) -> Iterator[Program]:
    with program(data, "--camera", camera, "--no-legnet", *args, first=UNHURRIED) as running:
        yield running
        assert not any("Traceback" in line for line in running.said), running.said


@contextmanager
def phone_page(pocket: Browser, address: str, size: dict[str, int] = HELD) -> Iterator[Page]:
    """Open an address on a phone of its own, which goes on past the warning; nothing but this computer is asked."""
    context = pocket.new_context(viewport=size, ignore_https_errors=True, locale="en-GB")
    page, hosts = context.new_page(), set()
    page.set_default_timeout(PATIENT_MS)
    page.on("request", lambda request: hosts.add(re.sub(r"^https?://([^:/]+).*", r"\1", request.url)))
    try:
        page.goto(address)
        page.wait_for_selector("#phone")
        page.select_option("#size", "640x480")
        yield page
        assert hosts == {"127.0.0.1"}
    finally:
        context.close()


@contextmanager
def at_the_desk(desk: Browser, running: Program, reps: int) -> Iterator[Page]:
    """Go to the set-up check on the computer."""
    context = desk.new_context(viewport=DESK, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENT_MS)
    try:
        page.goto(running.at("drill/seated-internal"))
        page.fill("#reps", str(reps))
        page.locator("summary").first.click()
        page.select_option("#model", "full")
        page.click("#start")
        page.wait_for_url("**/live")
        yield page
    finally:
        context.close()


def begin(phone: Page) -> None:
    """Begin to measure, by the phone."""
    phone.click("#begin")
    phone.wait_for_selector("#end:visible")


def wait_for_counts(phone: Page, count: int) -> None:
    phone.wait_for_function(
        "(count) => { const found = [...document.querySelectorAll('.leg .count')].map((each) => Number(each.textContent));"
        " return found.length === 2 && found.every((each) => each >= count) }",
        arg=count,
    )


def assert_equal(data: Path, clip: Measurement) -> None:
    """Compare the only session with the clip: as many repetitions, and the same numbers.

    Every picture was compressed once more, which moves a single peak by up to 0.7 degrees; values are means of three.
    """
    (session,) = rotrack.read_sessions(data)[0]
    assert session.record.source.name == "phone"
    assert {value.side: value.value_deg for value in session.values} == pytest.approx(
        {value.side: value.value_deg for value in clip.values}, abs=WITHIN_DEG
    )
    for side in ("left", "right"):
        found, expected = (each.reps[each.reps.side == side].peak_deg.tolist() for each in (session, clip))
        assert len(found) == len(expected)
        assert found == pytest.approx(expected, abs=2 * WITHIN_DEG)


@pytest.mark.parametrize("away_s", [0, 2, 20])
def test_the_numbers_are_those_of_the_clip_also_when_the_link_was_away(tmp_path, desk, pocket, offline, away_s):
    """The link is cut in the middle of the first repetition."""
    data = tmp_path / "data"
    count = int(sum(offline.reps.side == "left"))
    with serving(data, "--host", "127.0.0.1") as running, at_the_desk(desk, running, count) as page:
        running.hear("as the camera")
        expect(page.locator("#code")).to_be_visible()
        with phone_page(pocket, running.for_a_phone()) as phone:
            begin(phone)
            expect(page.locator("#scan")).to_be_hidden()
            if away_s:
                phone.wait_for_function("() => rotrackFeeds.state?.legs?.left?.moving")
                phone.context.set_offline(True)
                phone.wait_for_timeout(1000 * away_s)
                expect(phone.locator("#told")).to_contain_text(SAID("phone.no_link", seconds=0).split(".")[0])
                phone.context.set_offline(False)
                back = phone.wait_for_function("(since) => rotrackFeeds.heard > since && rotrackFeeds.heard", arg=now(phone))
                assert back.json_value() - now(phone) < 3
                assert phone.evaluate("rotrackFeeds.thrown") == 0
            phone.wait_for_function("rotrackFeeds.state.phase === 'done'")
            expect(phone.locator("#say")).to_have_text(SAID("phone.done"))
        page.wait_for_url("**/session/*")
    assert_equal(data, offline)


def now(page: Page) -> float:
    """Return the time of a page, s, as its script reckons it."""
    return page.evaluate("(performance.timeOrigin + performance.now()) / 1000")


def test_a_phone_begins_pauses_and_ends_and_another_one_has_to_wait(tmp_path, desk, pocket):
    data = tmp_path / "data"
    with serving(data, "--host", "127.0.0.1") as running, at_the_desk(desk, running, 0) as page:
        running.hear("as the camera")
        with phone_page(pocket, running.for_a_phone()) as phone:
            begin(phone)
            running.hear("as the camera")  # the token was used, the next one is there
            with phone_page(pocket, running.for_a_phone(), HELD_WIDE) as second:
                expect(second.locator("#say")).to_have_text(SAID("phone.busy"))
                expect(second.locator("#end")).to_be_hidden()
                assert second.evaluate("rotrackFeeds.stats.taken.length") == 0
            expect(page.locator("#guests")).to_have_count(0)  # it stands on the pages that are opened from now on
            wait_for_counts(phone, 1)
            phone.click("#pause")
            expect(phone.locator("#say")).to_contain_text(PAUSED)
            expect(page.locator("#words")).to_contain_text(PAUSED)
            taken = phone.evaluate("rotrackFeeds.stats.taken.length")
            phone.wait_for_timeout(500)
            assert phone.evaluate("rotrackFeeds.stats.taken.length") == taken
            phone.click("#pause")
            phone.wait_for_function("(taken) => rotrackFeeds.stats.taken.length > taken + 5", arg=taken)
            phone.click("#end")
            phone.wait_for_function("rotrackFeeds.state.phase === 'done'")
    (record,) = logged(data)
    assert record["status"] == "finished"


@pytest.mark.parametrize("size", [HELD, HELD_WIDE], ids=["upright", "on its side"])
def test_everything_is_on_the_screen_of_a_phone(tmp_path, desk, pocket, size):
    with serving(tmp_path / "data", "--host", "127.0.0.1") as running, at_the_desk(desk, running, 0):
        running.hear("as the camera")
        with phone_page(pocket, running.for_a_phone(), size) as phone:
            begin(phone)
            wait_for_counts(phone, 0)
            assert phone.evaluate(
                "document.documentElement.scrollWidth <= innerWidth && document.body.scrollHeight <= innerHeight"
            )
            for shown in ("#video", "#say", "#leg-left .angle", "#leg-right .count", "#end", "#pause"):
                box = phone.locator(shown).bounding_box()
                assert box and box["x"] >= 0 and box["x"] + box["width"] <= size["width"], shown
                assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"], shown
            assert phone.evaluate("parseFloat(getComputedStyle(document.querySelector('.leg .angle')).fontSize)") > 38


def test_the_browsers_own_camera_measures_where_there_is_no_other(tmp_path, playwright, film):
    """No --host and no phone: the page itself has the camera."""
    data = tmp_path / "data"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=with_camera(film))
    with serving(data, camera="99") as running, at_the_desk(browser, running, 0) as page:
        expect(page.locator("#words")).to_contain_text("cannot be opened")
        page.select_option("#camera", label=SAID("choose.camera_browser"))
        page.wait_for_function("window.rotrackFeeds?.state?.wanted")
        page.click("#anyway:not([disabled])")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.count .number')].every((each) => Number(each.textContent) >= 1)"
        )
        page.click("#end")
        page.wait_for_url("**/session/*")
    browser.close()
    assert logged(data)[-1]["source"]["name"] == "browser"


# ---------------------------------------------------------------------- strangers, and coming back
class Stranger:
    """Somebody in the network without a browser."""

    def __init__(self) -> None:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trusting), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def ask(self, address: str, body: bytes | None = None) -> int:
        try:
            with self._opener.open(address, body, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code


def test_strangers_get_nothing_with_no_token_an_old_one_or_guessed_ones(tmp_path):
    """On Linux the connections below could be the owner's own, so the owner's secrets are not theirs."""
    with serving(tmp_path / "data", "--host", "127.0.0.1") as running:
        running.hear("as the camera")
        address = running.for_a_phone()
        place = address.split("?")[0]
        told = json.dumps({"sender": "stranger", "kind": PHONE}).encode()
        body = len(told).to_bytes(4, "big") + told
        paths = ("", "/pictures", "/code.svg", "/do/begin")
        assert {Stranger().ask(place + path, body if path else None) for path in paths} == {403}
        guest = Stranger()
        assert guest.ask(address, b"") == 200
        assert guest.ask(f"{place}/pictures", body) == 200
        assert guest.ask(f"{place}/pictures", b"\xff\xff\xff\xff") == 400
        assert guest.ask(f"{place}/code.svg") == 404, "who was let in lets in nobody else"
        assert all(cookie.secure for cookie in guest.cookies)
        assert Stranger().ask(address, b"") == 403, "it was used"


def test_the_page_can_be_installed_and_works_again_after_a_restart(tmp_path, desk, pocket):
    data = tmp_path / "data"
    at_desk, in_pocket = desk.new_context(viewport=DESK), pocket.new_context(ignore_https_errors=True)
    with serving(data, "--host", "127.0.0.1") as running:
        running.hear("as the camera")
        page, phone = at_desk.new_page(), in_pocket.new_page()
        page.goto(running.at())
        assert_installable(page, "rotrack", "/")
        phone.goto(running.for_a_phone())
        assert_installable(phone, "rotrack camera", "/phone")
        own, place = running.url, phone.url
        page.close()
        phone.close()
    with serving(data, "--host", "127.0.0.1", "--port", urlsplit(own).port):
        page, phone = at_desk.new_page(), in_pocket.new_page()
        assert page.goto(own).status == 200
        assert phone.goto(place).status == 200
        phone.wait_for_function("rotrackFeeds.heard > 0")
    at_desk.close()
    in_pocket.close()


def assert_installable(page: Page, name: str, start: str) -> None:
    """Check what Chromium itself finds of the page as an app."""
    devtools = page.context.new_cdp_session(page)
    found = devtools.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert (manifest["name"], manifest["start_url"], manifest["display"]) == (name, start, "standalone")
    problems = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [p["errorId"] for p in problems if p["errorId"] != "in-incognito"] == []
    for icon in manifest["icons"]:
        assert page.evaluate("async (src) => (await fetch(src)).ok", icon["src"]), icon
