"""Pictures of a stored video by their time."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from clocks import DEAD_AFTER_S, ManualClock
from helpers import frame_number, numbered_clip, wait_until, write_video

from rotrack.core.errors import SourceError
from rotrack.sensing.stills import IDLE_S, READ_ON, WIDEST_PX, VideoPictures

FRAMES, FPS = 150, 25.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_clip(tmp_path_factory.mktemp("pictures") / "clip.mp4", FRAMES, FPS)


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def number_at(pictures: VideoPictures, time_s: float) -> int:
    return frame_number(decoded(pictures.at(time_s)))


def is_open(path: Path) -> bool:
    """Return whether this process holds a file open."""
    return any(link.resolve() == path.resolve() for link in Path("/proc/self/fd").iterdir() if link.exists())


def test_any_picture_in_any_order(clip):
    pictures = VideoPictures(clip)
    wanted = [0, 1, 2, 2, 7, 7 + READ_ON + 5, 3, 149, 148, 12, 0, 90]
    assert [number_at(pictures, number / FPS) for number in wanted] == wanted
    pictures.close()


def test_every_picture_in_order(clip):
    pictures = VideoPictures(clip)
    assert [number_at(pictures, number / FPS) for number in range(FRAMES)] == list(range(FRAMES))
    pictures.close()


@pytest.mark.parametrize(
    ("time_s", "number"),
    [
        (-3.0, 0),
        (0.019, 0),
        (0.021, 1),
        (2.0, 50),
        (2.019, 50),
        (5.96, 149),
        (6.0, 149),
        (1e9, 149),
        (1e308, 149),
        (-1e308, 0),
        (math.inf, 149),
        (-math.inf, 0),
        (math.nan, 0),
    ],
)
def test_nearest_picture(clip, time_s, number):
    pictures = VideoPictures(clip)
    assert number_at(pictures, time_s) == number
    pictures.close()


def test_tells_rate_and_length(clip):
    pictures = VideoPictures(clip)
    assert pictures.fps == FPS
    assert pictures.duration_s == pytest.approx(FRAMES / FPS)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_file_is_held_only_while_somebody_looks(clip):
    clock = ManualClock()
    pictures = VideoPictures(clip, clock=clock)
    assert not is_open(clip)
    pictures.at(1.0)
    clock.until_awaited()
    clock.advance(IDLE_S - 1)
    pictures.at(1.5)
    clock.advance(IDLE_S - 1)
    clock.until_awaited()
    assert is_open(clip), "somebody looked a moment ago"
    clock.advance(1)
    assert wait_until(lambda: not is_open(clip), DEAD_AFTER_S)
    assert number_at(pictures, 2.0) == 50
    pictures.close()
    assert not is_open(clip)
    pictures.close()
    assert number_at(pictures, 2.0) == 50
    pictures.close()


def test_large_pictures_are_made_smaller(tmp_path):
    path = write_video(tmp_path / "large.mp4", [np.full((1080, 1920, 3), 90, np.uint8)] * 3)
    assert decoded(VideoPictures(path).at(0.0)).shape == (720, WIDEST_PX, 3)


def test_missing_and_damaged_videos_are_explained(clip, tmp_path):
    with pytest.raises(SourceError, match=r"no video at .*none\.mp4"):
        VideoPictures(tmp_path / "none.mp4")
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(clip.read_bytes()[:3000])
    with pytest.raises(SourceError, match=r"torn\.mp4 cannot be read"):
        VideoPictures(torn)
    gone = tmp_path / "gone.mp4"
    gone.write_bytes(clip.read_bytes())
    pictures = VideoPictures(gone)
    gone.unlink()
    with pytest.raises(SourceError, match=r"gone\.mp4 cannot be opened"):
        pictures.at(1.0)
