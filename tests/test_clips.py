"""Recorded clips that pages hand in: room for them, whose they are, when they are measured, and that the numbers are the same."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import DEMO, PATIENT_S, SAMPLES, needs, numbered_clip, replay, wait_until
from page_helpers import CHROMIUM, logged, program
from playwright.sync_api import expect, sync_playwright
from starlette.requests import ClientDisconnect

import rotrack
from rotrack.app import clips as clips_module
from rotrack.app.clips import KEPT_FREE_BYTES, MOST_CLIP_BYTES, Clip, Clips, State, clean_name
from rotrack.core.errors import InputError, NotMeasuredError
from rotrack.core.model import Side
from rotrack.measure import clips as measuring
from rotrack.measure.batch import Outcome
from rotrack.measure.clips import STOP, WAIT, Ended, Looked, attend
from rotrack.measure.request import Request
from rotrack.sensing.recorded import Told

WHEN = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
LOOKED = Ended(Looked(420, 14.0, WHEN, Told.LAST_CHANGED))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def sent(clips: Clips, content: bytes = b"12345678", name: str = "monday.mp4", **request: Any) -> Clip:
    """Hand in a clip."""
    clip = clips.announce(name, len(content), WHEN, clips.usual.but(**request))
    asyncio.run(clips.take(clip, pieces(content)))
    return clip


def handed_in(data: Path, busy: Callable[[], bool] = lambda: False) -> Clips:
    return Clips(Request(out=data), busy)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return a disk with plenty of room; a test may change how much."""
    room = {"free": 10 * KEPT_FREE_BYTES}
    usage = shutil._ntuple_diskusage
    monkeypatch.setattr(clips_module.shutil, "disk_usage", lambda _: usage(2 * room["free"], room["free"], room["free"]))
    return room


# ---------------------------------------------------------------------- room
def test_what_is_too_large_is_refused_before_a_byte_is_written(tmp_path, disk):
    clip = handed_in(tmp_path).announce("long.mp4", 500_000_000, None, Request())
    assert clip.state is State.FAILED and "long.mp4 is too large here (500 MB, at most 400)" in clip.problem
    assert list(tmp_path.iterdir()) == []


def test_what_is_still_to_come_counts_as_taken(tmp_path, disk):
    disk["free"] = KEPT_FREE_BYTES + MOST_CLIP_BYTES
    clips = handed_in(tmp_path)
    first, second = (clips.announce(f"{n}.mp4", MOST_CLIP_BYTES * 2 // 3, None, Request()) for n in (1, 2))
    assert first.state is State.ARRIVING and second.state is State.FAILED and "no room for 2.mp4" in second.problem
    clips.remove(first)
    assert clips.announce("3.mp4", MOST_CLIP_BYTES * 2 // 3, None, Request()).state is State.ARRIVING


def test_a_disk_that_fills_up_meanwhile_is_not_filled(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(clips_module, "PIECE_BYTES", 4)
    clips = handed_in(tmp_path)
    clip = clips.announce("1.mp4", 12, None, Request())

    async def filling() -> AsyncIterator[bytes]:
        yield b"1234"
        disk["free"] = KEPT_FREE_BYTES
        yield b"5678"
        yield b"9012"

    asyncio.run(clips.take(clip, filling()))
    assert clip.state is State.FAILED and "no room" in clip.problem
    assert list(clips.folder.iterdir()) == []


@pytest.mark.parametrize(("content", "told"), [(b"1234", "did not arrive completely"), (b"1234567890", "larger than announced")])
def test_a_clip_has_the_size_that_was_announced(tmp_path, disk, content, told):
    clips = handed_in(tmp_path)
    clip = clips.announce("1.mp4", 8, None, Request())
    asyncio.run(clips.take(clip, pieces(content)))
    assert clip.state is State.FAILED and told in clip.problem and not (clips.folder / clip.id).exists()


def test_whoever_goes_away_leaves_nothing_behind(tmp_path, disk):
    clips = handed_in(tmp_path)
    clip = clips.announce("1.mp4", 8, None, Request())

    async def broken() -> AsyncIterator[bytes]:
        yield b"1234"
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        asyncio.run(clips.take(clip, broken()))
    assert clip.state is State.FAILED and not (clips.folder / clip.id).exists()


def test_the_list_has_an_end(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(clips_module, "MOST_CLIPS", 1)
    clips = handed_in(tmp_path)
    clips.announce("1.mp4", 8, None, Request())
    with pytest.raises(InputError, match="remove some"):
        clips.announce("2.mp4", 8, None, Request())


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_a_recording_is_its_owners_alone_and_keeps_its_date(tmp_path, disk):
    clips = handed_in(tmp_path / "data")
    clip = sent(clips, name="../C:\\My videos\\mon\0day.mp4")
    (path,) = (clips.folder / clip.id).iterdir()
    assert path.name == "mon_day.mp4" and path.read_bytes() == b"12345678" and path.stat().st_mtime == WHEN.timestamp()
    modes = [stat.S_IMODE(place.stat().st_mode) for place in (clips.folder, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("", "video"), ("..", "video"), (".stop", "stop"), ("a" * 300 + ".mp4", "a" * 80 + ".mp4"), ("Übung 1.MOV", "Übung 1.MOV")],
)
def test_names_fit_every_system(name, kept):
    assert clean_name(name) == kept


# ---------------------------------------------------------------------- whose turn it is
@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[Ended | None]:
    """Return what becomes of the next clips, one after the other: stands in for the processes."""
    found: list[Ended | None] = []

    def in_processes(work: object, tasks: Sequence[object], on_done: Callable[[int], None], *_: object, **__: object):
        assert work is attend
        on_done(15)
        yield 0, found.pop(0)

    monkeypatch.setattr(clips_module, "in_processes", in_processes)
    return found


@contextmanager
def started(clips: Clips) -> Iterator[Clips]:
    clips.start()
    try:
        yield clips
    finally:
        clips.close()
        assert not clips.folder.exists()


def becomes(clip: Clip, state: State) -> None:
    assert wait_until(lambda: clip.state is state, PATIENT_S, 0.01), (clip.state, clip.problem)


def test_a_clip_is_looked_at_at_once_and_measured_when_somebody_says_so_and_the_camera_rests(tmp_path, disk, outcomes):
    busy = threading.Event()
    busy.set()
    outcomes += [LOOKED, Ended(session_id="s1")]
    with started(handed_in(tmp_path, busy.is_set)) as clips:
        clip = sent(clips, person="Ana")
        becomes(clip, State.READY)
        with pytest.raises(InputError, match="Choose the drill"):
            clips.measure(clip)
        clips.choose(clip, drill="seated-internal")
        clips.measure(clip)
        assert wait_until((clips.folder / WAIT).exists, PATIENT_S, 0.01) and clip.state is State.WAITING
        busy.clear()
        becomes(clip, State.DONE)
        assert clip.session_id == "s1" and not (clips.folder / clip.id).exists()
        assert wait_until(lambda: not (clips.folder / WAIT).exists(), PATIENT_S, 0.01)


def test_what_cannot_be_read_is_said_and_the_others_go_on(tmp_path, disk, outcomes):
    outcomes += [Ended(problem="1.mp4 cannot be read."), None, LOOKED]
    with started(handed_in(tmp_path)) as clips:
        damaged = sent(clips, name="1.mp4")
        becomes(damaged, State.FAILED)
        deadly = sent(clips, name="2.mp4")
        becomes(deadly, State.FAILED)
        whole = sent(clips, name="3.mp4")
        becomes(whole, State.READY)
        assert "cannot be read" in damaged.problem and "The process that measured 2.mp4 was ended" in deadly.problem
        assert [path.name for path in clips.folder.iterdir()] == [whole.id]
        clips.remove(damaged)
        assert clips.all == [deadly, whole]


def test_what_was_not_measured_can_be_measured_otherwise(tmp_path, disk, outcomes):
    outcomes += [LOOKED, Ended(problem="Nothing could be measured."), Ended(session_id="s1")]
    with started(handed_in(tmp_path)) as clips:
        clip = sent(clips, drill="seated-internal")
        becomes(clip, State.READY)
        clips.measure(clip)
        becomes(clip, State.FAILED)
        clips.choose(clip, rotate=90, from_s=2.0)
        clips.measure(clip)
        becomes(clip, State.DONE)
        assert (clip.request.rotate, clip.request.from_s, clip.problem) == (90, 2.0, "")


# ---------------------------------------------------------------------- measuring
def placed(tmp_path: Path, **request: Any) -> measuring.Clip:
    folder = tmp_path / "clips" / "1"
    folder.mkdir(parents=True)
    shutil.copyfile(DEMO, folder / "demo.mp4")
    return measuring.Clip(folder / "demo.mp4", Request(drill="seated-combined", out=tmp_path / "data", **request))


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' own process keep its priority."""
    monkeypatch.setattr(os, "nice", lambda _: 0, raising=False)


def test_a_clip_that_is_cancelled_leaves_nothing_in_the_log(tmp_path, monkeypatch, kind):
    replay(monkeypatch)
    clip = placed(tmp_path, person="Ana")
    assert attend(clip, lambda _: (clip.video.parent / STOP).touch()) == Ended()
    assert not list((tmp_path / "data" / "sessions").iterdir())
    assert attend(clip, lambda _: pytest.fail("it is to stop before it begins")) == Ended()


def test_why_a_clip_gave_nothing_is_known_as_a_reason_besides_the_words(tmp_path, monkeypatch, kind):
    error = NotMeasuredError("Nothing could be measured.", "upside_down:turn=180")
    monkeypatch.setattr(measuring, "run_job", lambda job, on_frames: Outcome(job.video, None, error))
    ended = attend(placed(tmp_path), lambda _: None)
    assert (ended.problem, ended.reason) == ("Nothing could be measured.", "upside_down:turn=180")


def test_a_clip_waits_for_the_camera_in_the_middle(tmp_path, monkeypatch, kind):
    replay(monkeypatch)
    clip, waited = placed(tmp_path), []
    wait = clip.video.parent.parent / WAIT

    def slept(_: float) -> None:
        waited.append(True)
        if len(waited) == 3:
            wait.unlink()

    monkeypatch.setattr(measuring, "time", SimpleNamespace(sleep=slept))
    ended = attend(clip, lambda _: wait.touch() if not waited else None)
    assert len(waited) == 3 and ended.session_id


@pytest.mark.slow
@pytest.mark.alone
def test_the_numbers_are_those_of_analyze_and_so_is_the_date(tmp_path):
    with started(handed_in(tmp_path / "page")) as clips:
        clip = sent(clips, DEMO.read_bytes(), "demo.mp4", drill="seated-combined", side="left")
        becomes(clip, State.READY)
        assert clip.looked and (clip.looked.told, clip.looked.recorded_at) == (Told.LAST_CHANGED, WHEN)
        clips.measure(clip)
        becomes(clip, State.DONE)
    copied = tmp_path / "demo.mp4"
    shutil.copyfile(DEMO, copied)
    os.utime(copied, (WHEN.timestamp(),) * 2)
    alone = rotrack.analyze(copied, "seated-combined", side="left", out=tmp_path / "alone")
    page = rotrack.load_session(next((tmp_path / "page" / "sessions").iterdir()))
    assert page.reps.equals(alone.reps) and page.values == alone.values and len(page.reps)
    assert page.record.started_at == alone.record.started_at and page.record.source == alone.record.source


# ---------------------------------------------------------------------- the page
@pytest.mark.slow
@pytest.mark.alone
@needs(CHROMIUM)
def test_twenty_clips_at_once(tmp_path):
    """One is damaged, one empty, one of 500 MB; in most nobody is to be seen, and the one that can be measured is."""
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copyfile(SAMPLES / "internal_right.mp4", folder / "good.mp4")
    (folder / "damaged.mp4").write_bytes(DEMO.read_bytes()[:4000] + bytes(4000))
    (folder / "empty.mp4").touch()
    with (folder / "large.mp4").open("wb") as file:
        file.truncate(500_000_000)
    for number in range(16):
        numbered_clip(folder / f"nobody{number}.mp4", 20)
    data = tmp_path / "data"
    with program(data) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB").new_page()
        page.goto(running.at("clips"))
        page.fill("#person", "Ana")
        page.select_option("#drill", "seated-internal")
        page.select_option("#side", "right")
        page.set_input_files("#files", sorted(folder.iterdir()))
        clips = page.locator(".clip")
        expect(clips).to_have_count(20, timeout=60_000)
        expect(page.locator(".clip[data-state=ready]")).to_have_count(17, timeout=240_000)
        problems = page.locator(".clip[data-state=failed]")
        expect(problems).to_have_count(3)
        for name, told in (
            ("damaged", "cannot be read"),
            ("empty", "is empty"),
            ("large", "too large here (500 MB, at most 400)"),
        ):
            expect(problems.filter(has_text=f"{name}.mp4").locator(".problem").first).to_contain_text(told)
        page.click("#measure-all")
        expect(page.locator(".clip[data-state=done]")).to_have_count(1, timeout=240_000)
        expect(page.locator(".clip[data-state=failed]")).to_have_count(19, timeout=600_000)
        good = clips.filter(has_text="good.mp4")
        assert re.search(r"internal rotation\s+2\d\s±\s\d°", good.inner_text())
        nobody = clips.filter(has_text="nobody7.mp4")
        expect(nobody.locator(".problem").first).to_contain_text("Nothing could be measured")
        assert nobody.locator("details").get_attribute("open") is not None, "what may help is offered"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not [path for path in data.glob("videos.part/*/*") if path.name == "good.mp4"]
        browser.close()
        running.process.send_signal(signal.SIGINT)
        assert running.ended() == 0
    measured = [record for record in logged(data) if record["status"] == "finished"]
    assert [(record["person"], record["sides"], record["source"]["name"]) for record in measured] == [
        ("Ana", [Side.RIGHT], "good.mp4")
    ]
    assert not (data / "videos.part").exists()
