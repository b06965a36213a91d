"""What a page is sent: one message at a time, numbers and picture that belong together, in the page's language."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import WebSocketDisconnect
from helpers import wait_until
from page_helpers import FILM, LOST, SIZE_PX, TOO_DARK, Film, plan, seated, still

from rotrack.app.stream import stream
from rotrack.app.studio import SLOW_BELOW_HZ, Studio
from rotrack.app.texts import Texts
from rotrack.model import Side
from rotrack.tracking.pipeline import REASON_WAITING

LEFT, RIGHT = Side
EN, DE = Texts("en"), Texts("de")
PATIENCE_S = 10.0


class Page:
    """A browser's end of the web socket: gets messages, says when it has drawn one, leaves."""

    def __init__(self) -> None:
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
        message = await asyncio.wait_for(self._sent.get(), PATIENCE_S)
        length = int.from_bytes(message[:4], "big")
        self.jpeg = message[4 + length :]
        return json.loads(message[4 : 4 + length], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    async def next(self, wanted: Callable[[dict[str, Any]], object] = lambda state: True) -> dict[str, Any]:
        """Draw one message after the other until one is as wanted; that one is not drawn yet."""
        end_s, state = time.monotonic() + PATIENCE_S, {}
        while time.monotonic() < end_s:
            state = await self.look()
            if wanted(state):
                return state
            self.draw()
        pytest.fail(f"never came; the last message was {state}")


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Film], Studio]]:
    made: list[tuple[Studio, Film]] = []

    def make(film: Film) -> Studio:
        film.play(monkeypatch)
        made.append((Studio(FILM, tmp_path), film))
        return made[-1][0]

    yield make
    for studio, film in made:
        film.plugged.set()
        film.go_on_everywhere()
        studio.close()


@asynccontextmanager
async def looking(studio: Studio, texts: Texts = EN) -> AsyncIterator[Page]:
    page = Page()
    task = asyncio.create_task(stream(page, studio, texts))
    try:
        while not page.waiting:  # until the first message the studio has no viewer and draws nothing
            await asyncio.sleep(0.001)
        yield page
    finally:
        page.leave()
        await asyncio.wait_for(task, PATIENCE_S)


def counted(state: dict[str, Any]) -> int:
    """Return how many repetitions of the right leg a message tells; -1 if it tells none."""
    return state.get("legs", {}).get("right", {"count": -1})["count"]


def run(work: Awaitable[None]) -> None:
    async def main() -> None:
        await work

    asyncio.run(main())


# ---------------------------------------------------------------------- one message after the other
def test_picture_and_numbers_come_together(begin):
    async def work() -> None:
        async with looking(studio) as page:
            state = await page.next(lambda state: counted(state) >= 1 and page.jpeg)
            rgb = cv2.imdecode(np.frombuffer(page.jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert rgb.shape == (SIZE_PX[1], SIZE_PX[0], 3)
            assert state["size_px"] == list(SIZE_PX)
            assert set(state["legs"]) == {"left", "right"}
            assert isinstance(state["age_ms"], float) and state["sent_ms"] == pytest.approx(time.time() * 1000, abs=5000)
            assert state["problem"] == ""

    studio = begin(Film(seated()))
    studio.prepare(plan(sides=(LEFT, RIGHT)))
    run(work())


def test_without_a_picture_the_page_still_hears(begin):
    async def work() -> None:
        async with looking(studio) as page:
            first = await page.look()
            page.draw()
            then = await page.look()
            assert first["phase"] == then["phase"] == "idle"
            assert page.jpeg == b"" and "legs" not in then and "findings" not in then
            assert then["sent_ms"] - first["sent_ms"] < 1500

    studio = begin(Film(seated()))
    run(work())


def test_nothing_queues_up_for_a_slow_page_nor_delays_another(begin):
    """One page draws at once, one never says that it has drawn; then it gets the newest."""

    async def work() -> None:
        async with looking(studio) as slow, looking(studio) as quick:
            await quick.next(lambda state: counted(state) >= 2)
            assert slow.waiting == 1
            await slow.look()
            slow.draw()
            state = await slow.look()
            assert counted(state) >= 2

    studio = begin(Film(seated()))
    studio.prepare(plan())
    run(work())


def test_two_pages_show_the_same(begin):
    film = Film(seated())
    film.hold(400)

    async def work() -> None:
        async with looking(studio) as one, looking(studio, DE) as two:
            await asyncio.to_thread(film.wait_for, 400)
            assert wait_until(lambda: studio.picture is not None and studio.picture.shot.frame.index == 399)
            states = [await page.next(lambda state: counted(state) == 2) for page in (one, two)]
            assert states[0]["legs"]["right"]["angle"] == states[1]["legs"]["right"]["angle"]

    studio = begin(film)
    studio.watch(lambda: None)
    studio.prepare(plan())
    run(work())


def test_a_page_that_leaves_is_forgotten(begin):
    async def work() -> None:
        async with looking(studio) as page:
            await page.look()
            assert len(studio._viewers) == 1
        assert not studio._viewers

    studio = begin(Film(seated()))
    run(work())


# ---------------------------------------------------------------------- all that a session says
async def everything(page: Page) -> list[dict[str, Any]]:
    """Return all messages of a session to its end."""
    states: list[dict[str, Any]] = []
    await page.next(lambda state: states.append(state) or state["phase"] == "done")
    return states


def test_everything_is_said_once_and_traced_once(begin):
    async def work() -> None:
        async with looking(studio) as page:
            studio.prepare(plan(reps=4))
            states = await everything(page)
        words = [say["text"] for state in states for say in state["say"]]
        assert words == ["2", "1", EN("say.go"), "1", "2", "3", "4", EN("say.done")]
        beeps = [say["text"] for state in states for say in state["say"] if say["beep"]]
        assert beeps == [EN("say.go"), EN("say.done")]
        rows = [row for state in states for row in state["trace"]]
        times = [row[0] for row in rows]
        assert times == sorted(set(times)) and len(rows) > 400
        assert max(row[1] for row in rows if row[1] is not None) == pytest.approx(35, abs=5)
        assert any(row[1] is None for row in rows)  # while the neutral pose is awaited
        holds = [state["hold"] for state in states if "hold" in state and state["hold"] is not None]
        assert holds == sorted(holds) and 0.5 < holds[-1] <= 1

    studio = begin(Film(seated()))
    run(work())


def test_who_comes_late_hears_only_what_is_new_and_sees_the_trace(begin):
    film = Film(seated())
    film.hold(round((4.0 + 7.05) * 30))

    async def work() -> None:
        await asyncio.to_thread(film.wait_for, round((4.0 + 7.05) * 30))
        async with looking(studio) as page:
            state = await page.look()
            assert state["say"] == [] and len(state["trace"]) > 200
            film.go_on_everywhere()
            page.draw()
            state = await page.next(lambda state: state["say"])
            assert [say["text"] for say in state["say"]] == ["3"]

    studio = begin(film)
    studio.prepare(plan())
    run(work())


def test_another_session_is_told_and_traced_from_its_beginning(begin):
    """The page of the first session stays connected."""
    film = Film(seated())

    async def work() -> None:
        async with looking(studio) as page:
            studio.prepare(plan(reps=4))
            states = await everything(page)
            film.shown = 0
            page.draw()
            studio.prepare(plan(reps=4))
            again = await everything(page)
            assert {state["prepared"] for state in states if state["phase"] != "idle"} == {1}
            assert again[-1]["prepared"] == 2
            first, second = ([row[0] for state in some for row in state["trace"]] for some in (states, again))
            assert second[0] == pytest.approx(first[0], abs=0.1) and len(second) == pytest.approx(len(first), abs=30)
            assert again[-1]["session"] != states[-1]["session"]

    studio = begin(film)
    run(work())


def test_missing_numbers_are_null(begin):
    async def work() -> None:
        async with looking(studio) as page:
            studio.prepare(plan(sides=(LEFT, RIGHT)))
            state = await page.next(lambda state: state["phase"] == "measure" and state.get("legs"))
            leg = state["legs"]["right"]
            assert (leg["angle"], leg["error"], leg["best"]) == (None, None, {"internal": None, "external": None})
            assert leg["reason"] and leg["still"] is not None
            assert state["hold_words"] == EN("live.hold")

    studio = begin(Film(seated()))
    run(work())


def test_who_holds_still_in_vain_reads_why(begin):
    async def work() -> None:
        async with looking(studio, DE) as page:
            studio.prepare(plan("standing-internal"))
            said = DE.said(REASON_WAITING)
            state = await page.next(lambda state: state.get("legs") and state["legs"]["right"]["reason"] != said)
            reason = state["legs"]["right"]["reason"]
            assert state["hold"] is not None
            assert state["hold_words"].lower() == reason.lower() != DE("live.hold").lower()

    studio = begin(Film(seated()))
    run(work())


# ---------------------------------------------------------------------- language
def test_german_page_hears_german(begin):
    async def work() -> None:
        async with looking(studio, DE) as page:
            studio.prepare(plan(sides=(LEFT, RIGHT), reps=2))
            check = await page.next(lambda state: "findings" in state)
            texts = {found["check"]: found["text"] for found in check["findings"]}
            assert texts["light"] == DE.said(TOO_DARK.text) != TOO_DARK.text
            studio.begin()
            film.go_on_everywhere()
            page.draw()
            waiting = await page.next(lambda state: state["phase"] == "measure" and state.get("legs"))
            assert waiting["legs"]["right"]["reason"] == DE.said(REASON_WAITING) != REASON_WAITING
            page.draw()
            said: list[str] = []
            state = await page.next(
                lambda state: said.extend(say["text"] for say in state["say"]) or DE("say.other_left") in said
            )
            assert DE("say.go") in said and EN("say.other_left") not in said
            page.draw()
            state = await page.next(lambda state: state["turn"] == LEFT)  # what is said may run a picture ahead of what is shown
            assert "\u00b0" in state["legs"]["right"]["last"] and state["turn_words"] == DE("live.turn_left")

    film = Film(seated(), bad=range(10_000))
    film.hold(20)
    studio = begin(film)
    run(work())


# ---------------------------------------------------------------------- what is in the way
def test_an_unplugged_camera_is_told_in_the_language_of_the_page(begin):
    film = Film(seated(), unplugged={300: 1.0})
    film.hold(299)

    async def work() -> None:
        async with looking(studio, DE) as page:
            studio.prepare(plan())
            await asyncio.to_thread(film.wait_for, 299)
            film.plugged.clear()
            film.go_on_everywhere()
            state = await page.next(lambda state: state["problem"])
            assert state["problem"] == DE.said(LOST) != LOST
            assert state["phase"] == "measure"
            film.plugged.set()
            page.draw()
            await page.next(lambda state: not state["problem"])

    studio = begin(film)
    run(work())


def test_a_camera_that_hangs_freezes_no_number(begin, monkeypatch):
    """Before the camera counts as lost, the last picture is too old already."""
    film = Film(still(seated()[0], 60.0))
    film.started_s -= 60.0  # the film is that much ahead of the clock at its end
    film.hold(200)

    async def work() -> None:
        async with looking(studio) as page:
            studio.prepare(plan())
            state = await page.next(lambda state: state["problem"])
            assert state["problem"] == EN("live.no_picture")
            assert studio.lost == ""

    studio = begin(film)
    run(work())


@pytest.mark.parametrize(("model", "advice"), [("heavy", "live.slow"), ("full", "live.slow_even_so")])
def test_a_slow_computer_is_told(begin, model, advice):
    async def work() -> None:
        async with looking(studio, DE) as page:
            assert (await page.look())["slow"] == ""
            page.draw()
            studio.prepare(plan(model=model))
            await page.next(lambda state: page.jpeg)
            studio.rate_hz = SLOW_BELOW_HZ - 1
            page.draw()
            state = await page.next(lambda state: state["rate"] == SLOW_BELOW_HZ - 1)
            assert state["slow"] == DE(advice, rate=round(SLOW_BELOW_HZ - 1))

    film = Film(seated(), bad=range(10_000))
    film.hold(10)
    studio = begin(film)
    run(work())
