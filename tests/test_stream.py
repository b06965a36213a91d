"""What a page is sent: one message at a time, numbers and picture that belong together, in the page's language.

The film waits for the page: its clock goes on to the next picture when the page has drawn the last. So every page sees every
picture, whatever else the computer does, and what it is sent is known to the picture.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clocks import DEAD_AFTER_S, LOOK_EVERY_S
from fastapi import WebSocketDisconnect
from helpers import wait_until
from page_helpers import FILM, LOST, SIZE_PX, Film, plan, seated, still

from rotrack.app.live import studio as studio_module
from rotrack.app.live.stream import QUIET_S, STALE_S, in_words, stream
from rotrack.app.live.studio import ALL_GOOD_S, START_STILL_S, TRACE_S, Studio
from rotrack.core.model import Side
from rotrack.core.rates import ENOUGH_HZ
from rotrack.core.reasons import Reason, because
from rotrack.sensing.sources import REOPEN_EVERY_S
from rotrack.texts import Texts
from rotrack.tracking.neutral import COUNTED_IN

LEFT, RIGHT = Side
EN, DE = Texts("en"), Texts("de")
MEASURED_FROM = round(ALL_GOOD_S * 30) + 1
"""First picture that is measured when the set-up is good from the start."""
AT_REST = round((4.0 + 7.05) * 30)
"""Picture of `seated` between the second and the third repetition."""


class Page:
    """A browser's end of the web socket: gets messages, says when it has drawn one, leaves."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._drawn: asyncio.Queue[str | None] = asyncio.Queue()
        self.jpeg = b""

    # what the program calls
    async def accept(self) -> None:
        pass

    async def send_bytes(self, data: bytes) -> None:
        self._sent.put_nowait(data)

    async def receive_text(self) -> str:
        word = await self._drawn.get()
        if word is None:
            raise WebSocketDisconnect
        return word

    # what the browser does
    @property
    def waiting(self) -> int:
        """How many messages were sent that the page has not looked at."""
        return self._sent.qsize()

    def draw(self) -> None:
        self._drawn.put_nowait("drawn")

    def leave(self) -> None:
        self._drawn.put_nowait(None)

    async def look(self) -> dict[str, Any]:
        """Take the next message apart; keep its picture."""
        message = await asyncio.wait_for(self._sent.get(), DEAD_AFTER_S)
        length = int.from_bytes(message[:4], "big")
        self.jpeg = message[4 + length :]
        return json.loads(message[4 : 4 + length], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    def go_on(self) -> None:
        """Draw the message, and let the film go on if there was a picture in it."""
        self.draw()
        if self.jpeg:
            self._film.next_picture()

    async def next(self, wanted: Callable[[dict[str, Any]], object] = lambda state: True) -> dict[str, Any]:
        """Draw one message after the other until one is as wanted; that one is not drawn yet."""
        state: dict[str, Any] = {}
        for _ in range(2 * len(self._film.poses)):
            state = await self.look()
            if wanted(state):
                return state
            self.go_on()
        pytest.fail(f"never came; the last message was {state}")

    async def quiet(self) -> dict[str, Any]:
        """Draw the message and return the next one, which comes although nothing happens."""
        self.draw()
        await self._film.clock.until_heard()
        for _ in range(5):
            await asyncio.sleep(LOOK_EVERY_S)
        assert not self.waiting, "nothing is new"
        self._film.clock.advance(QUIET_S)
        return await self.look()


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Film], Studio]]:
    """Return what makes a studio of a film that waits for the page, if it is not said from where."""
    made: list[tuple[Studio, Film]] = []

    def make(film: Film) -> Studio:
        film.play(monkeypatch)
        film.paced_from = film.paced_from or 0
        made.append((Studio(FILM, tmp_path, clock=film.clock), film))
        return made[-1][0]

    yield make
    for studio, film in made:
        film.plugged.set()
        film.go_on_everywhere()
        studio.close()


@asynccontextmanager
async def looking(studio: Studio, film: Film, texts: Texts = EN) -> AsyncIterator[Page]:
    page = Page(film)
    task = asyncio.create_task(stream(page, studio, texts))
    try:
        while not page.waiting:  # until the first message the studio has no viewer and draws nothing
            await asyncio.sleep(LOOK_EVERY_S)
        yield page
    finally:
        page.leave()
        while not task.done():  # it is noticed when something is to be sent
            film.clock.advance(QUIET_S)
            await asyncio.sleep(LOOK_EVERY_S)
        await task


def counted(state: dict[str, Any]) -> int:
    """Return how many repetitions of the right leg a message tells; -1 if it tells none."""
    return state.get("legs", {}).get("right", {"count": -1})["count"]


def run(work: Awaitable[None]) -> None:
    async def main() -> None:
        await work

    asyncio.run(main())


# ---------------------------------------------------------------------- one message after the other
def test_picture_and_numbers_come_together(begin, monkeypatch):
    film = Film(seated())
    drawn = studio_module.live_picture

    def takes_time(*args: object) -> object:
        film.clock.advance(0.0125)
        return drawn(*args)

    async def work() -> None:
        async with looking(studio, film) as page:
            studio.prepare(plan(sides=(LEFT, RIGHT)))  # from now on, so that the page sees the first picture
            state = await page.next(lambda state: counted(state) >= 1)
            rgb = cv2.imdecode(np.frombuffer(page.jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert rgb.shape == (SIZE_PX[1], SIZE_PX[0], 3)
            assert state["size_px"] == list(SIZE_PX)
            assert set(state["legs"]) == {"left", "right"}
            assert state["age_ms"] == pytest.approx(12.5, abs=0.01)
            assert state["sent_ms"] == film.clock.now().timestamp() * 1000
            assert state["rate"] == 30
            assert state["problem"] == ""

    monkeypatch.setattr(studio_module, "live_picture", takes_time)
    studio = begin(film)
    run(work())


def test_without_a_picture_the_page_still_hears(begin):
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film) as page:
            first = await page.look()
            then = await page.quiet()
            assert first["phase"] == then["phase"] == "idle"
            assert page.jpeg == b"" and "legs" not in then and "findings" not in then
            assert then["sent_ms"] - first["sent_ms"] == pytest.approx(1000 * QUIET_S)

    studio = begin(film)
    run(work())


def test_nothing_queues_up_for_a_slow_page_nor_delays_another(begin):
    """One page draws at once, one never says that it has drawn; then it gets the newest."""
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film) as slow, looking(studio, film) as quick:
            studio.prepare(plan())
            now = await quick.next(lambda state: counted(state) >= 2)
            assert slow.waiting == 1
            assert counted(await slow.look()) == -1
            slow.draw()
            state = await slow.look()
            assert state["legs"] == now["legs"] and counted(state) == 2

    studio = begin(film)
    run(work())


def test_two_pages_show_the_same(begin):
    film = Film(seated())
    film.paced_from = 400

    async def work() -> None:
        async with looking(studio, film) as one, looking(studio, film, DE) as two:
            await asyncio.to_thread(film.clock.until_awaited)
            assert wait_until(lambda: studio.picture is not None and studio.picture.shot.frame.index == 399, DEAD_AFTER_S)
            states = [await page.next(lambda state: counted(state) == 2) for page in (one, two)]
            assert states[0]["legs"]["right"]["angle"] == states[1]["legs"]["right"]["angle"]

    studio = begin(film)
    studio.watch(lambda: None)
    studio.prepare(plan())
    run(work())


def test_a_page_that_leaves_is_forgotten(begin):
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film) as page:
            await page.look()
            assert len(studio._viewers) == 1
        assert not studio._viewers

    studio = begin(film)
    run(work())


# ---------------------------------------------------------------------- all that a session says
async def everything(page: Page) -> list[dict[str, Any]]:
    """Return all messages of a session to its end."""
    states: list[dict[str, Any]] = []
    await page.next(lambda state: states.append(state) or state["phase"] == "done")
    return states


def traced(states: list[dict[str, Any]]) -> list[list[float | None]]:
    """Return the rows of the trace in all messages."""
    return [row for state in states for row in state["trace"]]


def picture_times(count: int) -> list[float]:
    """Return the times of so many pictures, as a page is told them."""
    return [round(n / 30, 3) for n in range(count)]


def test_everything_is_said_once_and_traced_once(begin):
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film) as page:
            studio.prepare(plan(reps=4))
            states = await everything(page)
        words = [say["text"] for state in states for say in state["say"]]
        drill = plan().drill
        assert words == [drill.title, drill.steps[0], "2", "1", EN("say.go"), "1", "2", "3", "4", EN("say.done")]
        beeps = [say["text"] for state in states for say in state["say"] if say["beep"]]
        assert beeps == [EN("say.go"), EN("say.done")]
        rows = traced(states)
        assert len(rows) == film.shown + 1 - MEASURED_FROM > 400
        assert [row[0] for row in rows] == picture_times(len(rows))
        assert max(row[1] for row in rows if row[1] is not None) == pytest.approx(35, abs=5)
        assert [row[0] for row in rows if row[1] is None] == picture_times(round(START_STILL_S * 30)), "until the neutral pose"
        holds = [state["hold"] for state in states if state.get("hold") is not None]
        assert holds == sorted(holds) and holds[-1] == 1 - 1 / COUNTED_IN

    studio = begin(film)
    run(work())


def test_who_comes_late_hears_only_what_is_new_and_sees_the_trace(begin):
    film = Film(seated(), paced_from=AT_REST)

    async def work() -> None:
        await asyncio.to_thread(film.clock.until_awaited)
        async with looking(studio, film) as page:
            state = await page.look()
            assert state["say"] == []
            assert [row[0] for row in state["trace"]] == picture_times(AT_REST - MEASURED_FROM)
            page.draw()
            film.next_picture()
            state = await page.next(lambda state: state["say"])
            assert [say["text"] for say in state["say"]] == ["3"]

    assert AT_REST < TRACE_S * 30
    studio = begin(film)
    studio.prepare(plan())
    run(work())


def test_the_first_page_hears_how_the_set_up_began_however_late_it_is(begin):
    """What a person is to take care of is said with the first picture, while the page is still loading."""
    film = Film(seated(), paced_from=5)

    async def work() -> None:
        await asyncio.to_thread(film.clock.until_awaited)
        async with looking(studio, film) as page, looking(studio, film) as another:
            heard = [[say["text"] for say in (await one.look())["say"]] for one in (page, another)]
            assert heard == [[plan().drill.title, plan().drill.steps[0]], []]

    studio = begin(film)
    studio.prepare(plan())
    run(work())


def test_another_session_is_told_and_traced_from_its_beginning(begin):
    """The page of the first session stays connected."""
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film) as page:
            studio.prepare(plan(reps=4))
            states = await everything(page)
            film.again()
            page.draw()
            studio.prepare(plan(reps=4))
            again = await everything(page)
            assert {state["prepared"] for state in states if state["phase"] != "idle"} == {1}
            assert {state["prepared"] for state in again} == {2}
            assert traced(again) == traced(states) != []
            first, second = ([say["text"] for state in some for say in state["say"]] for some in (states, again))
            assert second == first != []
            assert again[-1]["session"] != states[-1]["session"]

    studio = begin(film)
    run(work())


def test_missing_numbers_are_null(begin):
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film) as page:
            studio.prepare(plan(sides=(LEFT, RIGHT)))
            state = await page.next(lambda state: state["phase"] == "measure" and state.get("legs"))
            leg = state["legs"]["right"]
            assert (leg["angle"], leg["error"], leg["best"]) == (None, None, {"internal": None, "external": None})
            assert leg["reason"] and leg["still"] is not None
            assert state["message"] == {"kind": "hold", "text": EN("live.hold"), "move": ""}

    studio = begin(film)
    run(work())


def test_who_holds_still_in_vain_reads_why(begin):
    film = Film(seated())

    async def work() -> None:
        async with looking(studio, film, DE) as page:
            studio.prepare(plan("standing-internal"))
            said = DE.reason(Reason.WAITING)
            state = await page.next(lambda state: state.get("legs") and state["legs"]["right"]["reason"] != said)
            reason = state["legs"]["right"]["reason"]
            assert state["hold"] is not None
            assert state["message"]["text"].lower() == reason.lower() != DE("live.hold").lower()

    studio = begin(film)
    run(work())


# ---------------------------------------------------------------------- language
def test_german_page_hears_german(begin):
    film = Film(seated(), bad=range(10_000))

    async def work() -> None:
        async with looking(studio, film, DE) as page:
            studio.prepare(plan(sides=(LEFT, RIGHT), reps=2))
            check = await page.next(lambda state: "findings" in state)
            texts = {found["check"]: found["text"] for found in check["findings"]}
            assert texts["light"] == check["message"]["text"] == "Es ist zu dunkel: Mach mehr Licht."
            studio.begin()
            page.go_on()
            waiting = await page.next(lambda state: state["phase"] == "measure" and state.get("legs"))
            assert waiting["legs"]["right"]["reason"] == DE.reason(Reason.WAITING) != Reason.WAITING
            page.go_on()
            said: list[str] = []
            state = await page.next(
                lambda state: said.extend(say["text"] for say in state["say"]) or DE("say.other_left") in said
            )
            assert DE("say.go") in said and EN("say.other_left") not in said
            assert state["turn"] == LEFT
            page.go_on()
            state = await page.next(lambda state: state["message"]["kind"] == "next")
            assert state["message"]["text"] == DE("live.more", leg="Linkes Bein", count=2)

    studio = begin(film)
    run(work())


# ---------------------------------------------------------------------- what is in the way
def test_an_unplugged_camera_is_told_in_the_language_of_the_page(begin):
    film = Film(seated(), unplugged={300})

    async def work() -> None:
        async with looking(studio, film, DE) as page:
            studio.prepare(plan())
            await page.next(lambda state: film.shown == 299 and page.jpeg)
            film.plugged.clear()
            film.next_picture()
            assert wait_until(lambda: studio.lost == LOST, DEAD_AFTER_S)
            state = await page.quiet()
            assert state["problem"] == DE.said(LOST) != LOST
            assert state["phase"] == "measure"
            film.plug_in(REOPEN_EVERY_S)
            page.draw()
            await page.next(lambda state: not state["problem"])
            assert film.shown == 300

    studio = begin(film)
    run(work())


def test_a_camera_that_hangs_freezes_no_number(begin):
    """Before the camera counts as lost, the last picture is too old already."""
    film = Film(still(seated()[0], 60.0))
    film.hold(200)

    async def work() -> None:
        async with looking(studio, film) as page:
            studio.prepare(plan())
            await page.next(lambda state: film.shown == 199 and page.jpeg)
            grabbed_s = film.clock.monotonic_s()
            problems: dict[float, str] = {}
            while film.clock.monotonic_s() < grabbed_s + 4 * QUIET_S:
                problems[film.clock.monotonic_s() - grabbed_s + QUIET_S] = (await page.quiet())["problem"]
            assert problems == {age_s: EN("live.no_picture") if age_s > STALE_S else "" for age_s in problems}
            assert set(problems.values()) == {"", EN("live.no_picture")}
            assert studio.lost == ""

    studio = begin(film)
    run(work())


@pytest.mark.parametrize(("model", "advice"), [("heavy", "live.slow"), ("full", "live.slow_even_so")])
@pytest.mark.parametrize("fps", [ENOUGH_HZ - 1, ENOUGH_HZ])
def test_a_slow_computer_is_told(begin, model, advice, fps):
    film = Film(seated(), bad=range(10_000), fps=fps)

    async def work() -> None:
        async with looking(studio, film, DE) as page:
            assert (await page.look())["slow"] == ""
            page.draw()
            studio.prepare(plan(model=model))
            state = await page.next(lambda state: film.shown == 60 and page.jpeg)
            assert state["rate"] == fps
            assert state["slow"] == ("" if fps == ENOUGH_HZ else DE(advice, rate=DE.times(round(fps), "rate")))

    studio = begin(film)
    run(work())


@pytest.mark.parametrize(
    ("t", "told"),
    [
        (EN, "the camera is too low for this drill: the drill's page says where to put it"),
        (DE, "die Kamera steht für diese Übung zu tief: Wohin sie gehört, steht bei der Übung"),
    ],
)
def test_who_stands_before_the_camera_is_told_no_command_of_the_terminal(t, told):
    assert in_words(because(Reason.CAMERA_LOW.of(drill="supine-90-90-external")), t) == told
