"""When a video was recorded: as the file says, in files that another program wrote; else when it was last changed; else now."""

import io
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from clocks import ManualClock
from helpers import FIXTURES, Ended, assert_one_sentence, demo_frames, run_main, write_video
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import write

import rotrack
from rotrack.cli.console import ask_if_clock_is_behind, warn_of
from rotrack.core.errors import InputError
from rotrack.records.people import Care
from rotrack.records.store import read_sessions
from rotrack.sensing.recorded import Told, when_recorded

DATES = FIXTURES / "dates"
SAID = datetime(2026, 5, 11, 15, 30, 5, tzinfo=UTC)
Run = Callable[..., Ended]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 1, 12, tzinfo=UTC))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "data"))
    return partial(run_main, monkeypatch, capfd)


@pytest.mark.parametrize("name", ["dated.mp4", "dated.mkv", "apple.mov"])
def test_a_file_that_says_it_is_believed(name: str, clock: ManualClock) -> None:
    found = when_recorded(DATES / name, clock)
    assert (found.at, found.told) == (SAID, Told.IN_FILE)


def test_the_offset_of_an_apple_device_is_kept(clock: ManualClock) -> None:
    assert when_recorded(DATES / "apple.mov", clock).at.isoformat() == "2026-05-11T17:30:05+02:00"


def test_a_file_that_does_not_say_it_was_last_changed(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "undated.mp4"
    path.write_bytes((DATES / "undated.mp4").read_bytes())
    os.utime(path, (SAID.timestamp(), SAID.timestamp()))
    found = when_recorded(path, clock)
    assert (found.at, found.told) == (SAID, Told.LAST_CHANGED)


@pytest.mark.parametrize("year", [1999, 2026])
def test_a_moment_that_cannot_be_right_is_passed_over(tmp_path: Path, clock: ManualClock, year: int) -> None:
    path = tmp_path / "clip.mp4"
    content = (DATES / "dated.mp4").read_bytes()
    seconds = int((datetime(year, 12, 31, tzinfo=UTC) - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds())
    at = content.index(b"mvhd") + 8
    path.write_bytes(content[:at] + seconds.to_bytes(4) + content[at + 4 :])
    os.utime(path, (0, 0))
    found = when_recorded(path, clock)
    assert (found.at, found.told) == (clock.now(), Told.NOTHING)


@given(st.data())
def test_no_damage_does_any_harm(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "clip"
    content = bytearray((DATES / data.draw(st.sampled_from(["dated.mp4", "dated.mkv", "apple.mov"]))).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 400))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert when_recorded(path).at.tzinfo is not None


def test_a_date_that_cannot_be_meant_is_refused_before_anything_is_measured(run: Run, tmp_path: Path) -> None:
    clip = DATES / "dated.mp4"
    for said, words in (
        ("03.04.2026", "two meanings"),
        ("soon", "2026-01-31"),
        ("2199-01-01", "2199-01-01 is in the future"),
        ("2026-02-30", "day"),
    ):
        assert_one_sentence(run("analyze", clip, "-d", "seated-internal", "--recorded-at", said), 2, words)
    for videos in ((clip, clip), (tmp_path,)):
        assert_one_sentence(run("analyze", *videos, "-d", "seated-internal", "--recorded-at", "2026-01-31"), 2, "one video")


def test_a_clock_that_is_behind_the_log_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], clock: ManualClock
) -> None:
    write(tmp_path, 1, started_at="2026-06-01T13:30:00+01:00")  # half past twelve, UTC
    ask_if_clock_is_behind(tmp_path, clock)
    assert "the latest session in the log is dated 2026-06-01" in capfd.readouterr().err
    ask_if_clock_is_behind(tmp_path, ManualClock(datetime(2026, 6, 1, 12, 29, tzinfo=UTC)))
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(sys, "stdin", Terminal("n\ny\n"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.raises(InputError, match="set this computer's clock"):
        ask_if_clock_is_behind(tmp_path, clock)
    ask_if_clock_is_behind(tmp_path, clock)


def test_a_drill_that_is_not_to_be_done_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    care = Care(avoided=True, told=("No deep flexion.",))
    warn_of(care, "Seated")
    assert "Take care: No deep flexion." in capfd.readouterr().err, "without a terminal it is told"
    monkeypatch.setattr(sys, "stdin", Terminal("n\ny\n"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.raises(InputError, match="Nothing was measured"):
        warn_of(care, "Seated")
    warn_of(care, "Seated")


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.slow
def test_a_session_is_dated_by_its_video_and_says_so(run: Run, tmp_path: Path) -> None:
    short_clip = write_video(tmp_path / "short.mp4", demo_frames(0, 36))
    os.utime(short_clip, (SAID.timestamp(), SAID.timestamp()))
    ended = run("analyze", short_clip, "-d", "seated-combined", "--no-plot")
    assert f"dated {SAID.astimezone():%Y-%m-%d %H:%M}" in ended.out
    assert "was last changed; --recorded-at says otherwise" in ended.out
    ended = run("analyze", short_clip, "-d", "seated-combined", "--no-plot", "--recorded-at", "31.01.2026 17:30", "--json")
    assert '"dated_by": "said"' in ended.out
    rotrack.analyze(short_clip, "seated-combined", out=tmp_path / "data", recorded_at=datetime(2025, 1, 2, 3, 4))
    started = [session.record.started_at for session in read_sessions(tmp_path / "data")[0]]
    assert started == [datetime(2025, 1, 2, 3, 4).astimezone(), datetime(2026, 1, 31, 17, 30).astimezone(), SAID]
