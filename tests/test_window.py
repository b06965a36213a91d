"""The live window on a virtual screen: what it shows, and every way to end it."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import (
    DEMO,
    PATIENT_S,
    Ended,
    ask_window_to_close,
    assert_one_sentence,
    demo_frames,
    environment,
    needs,
    obey_control_c,
    run_rotrack,
    screenshot,
    stop,
    virtual_screen,
    wait_until,
    write_video,
    xdotool,
)

from rotrack.core.errors import RecordError
from rotrack.core.model import Side
from rotrack.draw.theme import SIDE_ON_DARK_RGB
from rotrack.records.history import rep_table
from rotrack.records.landmarks import read_curve, read_poses
from rotrack.records.store import read_sessions

pytestmark = [pytest.mark.slow, pytest.mark.alone, needs("Xvfb", "xdotool", "ffmpeg")]
STILL_S = 60


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with virtual_screen() as display:
        yield display


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of somebody who sits still."""
    return write_video(tmp_path_factory.mktemp("clips") / "still.mp4", demo_frames(0, 1) * (10 * STILL_S), 10)


class Live:
    """A running `rotrack live`."""

    def __init__(self, display: str, data: Path, process: subprocess.Popen[str]) -> None:
        self.display, self.data, self.process = display, data, process

    @property
    def window(self) -> int:
        found = xdotool(self.display, "search", "--name", "^rotrack$").split()
        return int(found[0]) if found else 0

    def wait_for_picture(self, shot: Path, condition: Callable[[np.ndarray], bool]) -> np.ndarray:
        """Take screenshots until one is as wanted; fails with the last one kept."""
        seen = []

        def look() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            seen[:] = [screenshot(self.display, shot)]
            return condition(seen[0])

        assert wait_until(look, STILL_S * 0.6, 0.2), f"never came up, see {shot}"
        return seen[0]

    def curve(self) -> pd.DataFrame:
        """Return what is on disk of the angle curve by now."""
        folders = list(self.data.glob("sessions/*"))
        try:
            return read_curve(folders[0])
        except (IndexError, RecordError):
            return pd.DataFrame(columns=["angle_deg", "reason"])

    def wait_until(self, condition: Callable[[pd.DataFrame], bool]) -> None:
        """Wait until the curve on disk is as wanted."""
        assert wait_until(lambda: condition(self.curve()) or self.process.poll() is not None, STILL_S * 0.6)
        assert self.process.poll() is None, self.process.communicate()

    def press(self, key: str) -> None:
        """Press a key as a person would: the pointer is over the window."""
        xdotool(self.display, "mousemove", "--window", self.window, 150, 150, "key", key)

    def ended(self) -> Ended:
        out, err = self.process.communicate(timeout=PATIENT_S)
        return Ended(self.process.returncode, out, err)

    def info(self) -> dict[str, Any]:
        (stored,) = (self.data / "sessions").glob("*/session.json")
        return {**json.loads(stored.read_text("utf-8")), "folder": stored.parent}


@contextmanager
def live(display: str, data: Path, *args: object) -> Iterator[Live]:
    command = [sys.executable, "-m", "rotrack", "live", "--model", "full", "--out", str(data), *map(str, args)]
    env = environment(data.parent / "home", DISPLAY=display)
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", env=env, preexec_fn=obey_control_c)
    try:
        yield Live(display, data, process)
    finally:
        stop(process)


def coloured(rgb: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return which pixels have a colour of the gauges."""
    return (np.abs(rgb.astype(int) - colour) < 14).all(axis=2)


def middle_of(rgb: np.ndarray, side: Side) -> float:
    """Return where the colour of a side is, in pixels from the left of the screen; the lower part, where the gauges are."""
    columns = np.flatnonzero(coloured(rgb[300:], SIDE_ON_DARK_RGB[side]).sum(axis=0))
    return float(columns.mean()) if len(columns) else float("nan")


def gauges_are_up(rgb: np.ndarray) -> bool:
    return all(coloured(rgb, SIDE_ON_DARK_RGB[side]).sum() > 150 for side in Side)


def measuring(curve: pd.DataFrame) -> bool:
    return bool(curve.angle_deg.notna().any())


def measuring_again(curve: pd.DataFrame) -> bool:
    """Return whether, after a first angle, the neutral pose was waited for and an angle came again."""
    known = np.flatnonzero(curve.angle_deg.notna())
    waiting = np.flatnonzero(curve.reason == "waiting")
    return len(known) > 0 and bool(((waiting > known[0]) & (waiting < known[-1])).any())


def assert_ended_well(run: Live) -> dict[str, Any]:
    ended = run.ended()
    assert "Traceback" not in ended.err, ended.err
    assert ended.code == 0, ended.err
    assert "kept in" in ended.out
    return run.info()


def test_it_ends_by_count_and_logs_the_repetitions(screen: str, tmp_path: Path) -> None:
    with live(screen, tmp_path / "out", "--camera", DEMO, "--reps", 1, "--side", "left") as run:
        ended = run.ended()
        info = run.info()
    assert ended.code == 0, ended.err
    sessions, problems = read_sessions(tmp_path / "out")
    table = rep_table(sessions)
    assert problems == []
    assert set(table.side) == {"left"}
    assert len(re.findall(r"left\s+rep 1\s+(external|internal)", ended.out)) == 2
    assert list(table.rep) == [1, 1]
    assert list(table.direction) == ["external", "internal"]
    assert list(table.live_peak_deg) == pytest.approx([-22, 28], abs=6)
    assert info["status"] == "finished"
    assert info["source"]["kind"] == "camera"
    assert info["duration_s"] < 13, "it did not wait for the end of the clip"
    assert len(list(read_poses(info["folder"]))) == info["frames"]


def test_it_shows_the_picture_with_gauges_and_mirrors_it_on_request(screen: str, still: Path, tmp_path: Path) -> None:
    with live(screen, tmp_path / "out", "--camera", still) as run:
        shot = run.wait_for_picture(tmp_path / "mirrored.png", gauges_are_up)
        run.wait_until(measuring)
        assert shot.std() > 20, "not blank"
        assert middle_of(shot, Side.LEFT) < middle_of(shot, Side.RIGHT), "as in a mirror: the left leg is at the left"
        run.press("m")
        run.wait_for_picture(tmp_path / "plain.png", lambda rgb: middle_of(rgb, Side.LEFT) > middle_of(rgb, Side.RIGHT))
        run.press("m")
        run.wait_for_picture(tmp_path / "again.png", lambda rgb: middle_of(rgb, Side.LEFT) < middle_of(rgb, Side.RIGHT))
        run.press("q")
        info = assert_ended_well(run)
    assert info["measured_share"]["left"] > 0.3
    poses = [pose for pose in read_poses(info["folder"]) if not pose.reason]
    assert all(pose.image_px[25][0] > pose.image_px[26][0] for pose in poses), "what is measured is never mirrored"


def test_it_fits_the_screen_of_a_small_laptop(screen: str, tmp_path: Path) -> None:
    large = write_video(tmp_path / "large.mp4", [cv2.resize(frame, (1920, 1440)) for frame in demo_frames(0, 1)] * 300, 10)
    with live(screen, tmp_path / "out", "--camera", large) as run:
        run.wait_for_picture(tmp_path / "small.png", gauges_are_up)
        size = dict(line.split("=") for line in xdotool(screen, "getwindowgeometry", "--shell", run.window).splitlines())
        run.wait_until(measuring)
        run.press("q")
        assert_ended_well(run)
    assert int(size["WIDTH"]) <= 1366
    assert int(size["HEIGHT"]) <= 768 - 100, "the bars of system and window take a tenth"


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_it_ends_by_key(screen: str, still: Path, tmp_path: Path, key: str) -> None:
    with live(screen, tmp_path / "out", "--camera", still) as run:
        run.wait_until(measuring)
        run.press(key)
        info = assert_ended_well(run)
    assert info["status"] == "finished"
    assert info["duration_s"] < STILL_S - 5, "by the key, not by the end of the clip"


def test_a_new_neutral_pose_is_taken_on_request(screen: str, still: Path, tmp_path: Path) -> None:
    with live(screen, tmp_path / "out", "--camera", still, "--side", "left") as run:
        run.wait_until(measuring)
        run.press("n")
        run.wait_until(measuring_again)
        run.press("q")
        info = assert_ended_well(run)
    assert len(info["neutrals"]) >= 2


def test_it_ends_when_the_window_is_closed(screen: str, still: Path, tmp_path: Path) -> None:
    with live(screen, tmp_path / "out", "--camera", still) as run:
        run.wait_until(measuring)
        ask_window_to_close(screen, run.window)
        info = assert_ended_well(run)
    assert info["status"] == "finished"
    assert info["duration_s"] < STILL_S - 5


def test_it_ends_by_control_c(screen: str, still: Path, tmp_path: Path) -> None:
    with live(screen, tmp_path / "out", "--camera", still) as run:
        run.wait_until(measuring)
        run.process.send_signal(signal.SIGINT)
        ended = run.ended()
        info = run.info()
    assert ended.code in (0, 130)
    assert "Traceback" not in ended.err
    assert info["status"] == "stopped"
    assert len(list(read_poses(info["folder"]))) == info["frames"] > 0


@pytest.mark.parametrize("display", ["none", "dead"])
def test_without_a_screen_it_says_what_to_do_instead(tmp_path: Path, display: str) -> None:
    changes = {} if display == "none" else {"DISPLAY": ":59998"}
    ended = run_rotrack(tmp_path / "home", "live", "--camera", DEMO, **changes)
    assert_one_sentence(ended, 2, "rotrack analyze", guided=True)
