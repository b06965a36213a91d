"""Where a leg belongs on the screen, and the picture that the page shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import FIXTURES, PATIENT_S

from rotrack.core.drills import load_table
from rotrack.core.model import Direction, Frame, RotationSample, Side, Step, empty_pose
from rotrack.core.reasons import Reason
from rotrack.draw.overlay import GAUGE_TO_DEG, LIVE_WIDEST_PX, Overlay, live_picture, on_screen
from rotrack.draw.theme import SIDE_ON_DARK_RGB
from rotrack.draw.video import LONGEST_FILL_S, VideoWriter
from rotrack.records.landmarks import read_poses
from rotrack.sensing.sources import VideoFile
from rotrack.tracking.scoreboard import Scoreboard


@pytest.mark.parametrize(
    ("drill", "mirror", "at_left", "internal_left"),
    [
        ("seated-internal", True, True, True),  # in a mirror the left foot swings out to the left
        ("seated-internal", False, False, False),
        ("standing-combined", True, True, False),  # with a straight knee internal is towards the other foot
        ("standing-combined", False, False, True),
        ("lunge-internal", True, False, True),  # seen from behind
    ],
)
def test_gauges_turn_as_the_foot_does_on_the_screen(drill, mirror, at_left, internal_left):
    drill = load_table().drill(drill)
    assert on_screen(drill, Side.LEFT, mirror) == (at_left, internal_left)
    assert on_screen(drill, Side.RIGHT, mirror) == (not at_left, not internal_left)


@pytest.mark.parametrize(("width", "shown"), [(640, 640), (1280, 1280), (3840, LIVE_WIDEST_PX)])
def test_the_live_picture_is_no_wider_than_a_page_needs(width, shown):
    rgb = np.full((width * 9 // 16, width, 3), 90, np.uint8)
    jpeg, size_px = live_picture(rgb, empty_pose(0.0, (width, len(rgb)), "nobody"), (Side.LEFT,))
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert size_px == (image.shape[1], image.shape[0]) == (shown, shown * 9 // 16)
    assert (rgb == 90).all()


def test_the_live_picture_shows_the_legs_that_are_measured():
    pose = next(read_poses(FIXTURES / "internal_right"))
    width, height = pose.size_px
    jpeg, _ = live_picture(np.zeros((height, width, 3), np.uint8), pose, (Side.RIGHT,))
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB).astype(int)

    def area(side: Side) -> int:
        return int((np.abs(image - SIDE_ON_DARK_RGB[side]).max(axis=2) < 40).sum())

    assert area(Side.RIGHT) > 200 > 20 > area(Side.LEFT)


def test_the_gauge_of_the_window_bears_the_goal_where_it_lies():
    drill, size_px = load_table().drill("seated-combined"), (640, 480)
    step = Step(empty_pose(0.0, size_px, "nobody"), {})

    def drawn(goals: dict[tuple[Side, Direction], float]) -> np.ndarray:
        overlay = Overlay(drill, (Side.RIGHT,), goals=goals)
        return overlay.draw(np.zeros((480, 640, 3), np.uint8), step, Scoreboard()).astype(int)

    def middle_px(goal_deg: float) -> float:
        added = np.abs(drawn({(Side.RIGHT, Direction.INTERNAL): goal_deg}) - drawn({})).max(axis=2) > 40
        return float(np.nonzero(added)[1].mean())

    _, internal_left = on_screen(drill, Side.RIGHT, mirror=False)
    near, far = middle_px(20.0), middle_px(45.0)
    assert (far < near) == internal_left
    assert (drawn({(Side.RIGHT, Direction.INTERNAL): GAUGE_TO_DEG + 5}) == drawn({})).all(), "the gauge does not go so far"


def test_the_window_says_in_words_why_there_is_no_angle(monkeypatch: pytest.MonkeyPatch):
    drawn: list[str] = []
    monkeypatch.setattr(Overlay, "_centre", lambda _, image, text, *how: drawn.append(text))
    sample = RotationSample(time_s=0.0, side=Side.RIGHT, reason=Reason.NO_TOE.of(side=Side.RIGHT))
    step = Step(empty_pose(0.0, (640, 480), ""), {Side.RIGHT: sample})
    Overlay(load_table().drill("seated-internal"), (Side.RIGHT,)).draw(np.zeros((480, 640, 3), np.uint8), step, Scoreboard())
    assert "The right toe is not seen: the whole leg must be in the picture" in drawn
    assert not [text for text in drawn if "no_toe" in text]


@pytest.mark.parametrize(("away_s", "kept_s"), [(0.5, 0.5), (5.0, 5.0), (3600.0, LONGEST_FILL_S)])
def test_a_kept_video_bridges_a_short_time_without_pictures_and_cuts_a_long_one(tmp_path, away_s, kept_s):
    size_px, fps = (64, 48), 10.0
    picture = np.zeros((48, 64, 3), np.uint8)
    overlay = Overlay(load_table().drill("seated-internal"), (Side.LEFT,))
    with VideoWriter(tmp_path / "kept.mkv", overlay, size_px, fps) as writer:
        for index, time_s in enumerate([*np.arange(10) / fps, *(0.9 + away_s + np.arange(10) / fps)]):
            writer.append(
                Frame(index, float(time_s), picture), Step(empty_pose(float(time_s), size_px, "nobody"), {}), Scoreboard()
            )
    assert VideoFile.probe(tmp_path / "kept.mkv").frames == pytest.approx(19 + kept_s * fps, abs=1)


FILM = """
import os, resource, signal, sys
from pathlib import Path
import numpy as np
from rotrack.core.drills import load_table
from rotrack.core.errors import RecordError
from rotrack.core.model import Direction, Frame, RotationSample, Side, Step, empty_pose
from rotrack.core.reasons import Reason
from rotrack.draw.overlay import Overlay
from rotrack.draw.video import VideoWriter
from rotrack.tracking.scoreboard import Scoreboard

how, size_px = sys.argv[2], (320, 240)
if how == "no room":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
writer = VideoWriter(Path(sys.argv[1]), Overlay(load_table().drill("seated-internal"), (Side.LEFT,)), size_px, 30.0)
for index in range(90):
    picture = np.roll(noise, index, axis=1)
    writer.append(Frame(index, index / 30, picture), Step(empty_pose(index / 30, size_px, "nobody"), {}), Scoreboard())
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
try:
    writer.close()
except RecordError as error:
    print(error)
"""


def film(path: Path, how: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", FILM, str(path), how], capture_output=True, text=True, timeout=PATIENT_S, cwd=Path(__file__).parent
    )
    assert not ended.stderr, ended.stderr
    return ended.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_killed_program_leaves_a_video_that_can_be_played(tmp_path: Path) -> None:
    film(tmp_path / "kept.mkv", "killed")
    assert len(list(VideoFile(tmp_path / "kept.mkv"))) > 30


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits")
def test_a_video_for_which_there_was_no_room_is_said(tmp_path: Path) -> None:
    assert "kept.mkv could not be written whole; make room on the disk" in film(tmp_path / "kept.mkv", "no room")
