"""Where a video is cut, and what is no cut though the picture changes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from helpers import SAMPLES, needs
from page_helpers import pictures

from rotrack.core.model import Frame
from rotrack.sensing.cuts import UntilCut
from rotrack.sensing.sources import Part, SourceInfo, VideoFile


class Made:
    """A source of pictures that were put together."""

    def __init__(self, shown: list[np.ndarray], fps: float = 30.0) -> None:
        self._shown, self._fps = shown, fps
        self.info, self.warning = SourceInfo("video", "made.mp4", (640, 480), fps, len(shown)), ""

    def __iter__(self) -> Iterator[Frame]:
        for index, rgb in enumerate(self._shown):
            yield Frame(index, index / self._fps, rgb)

    def close(self) -> None:
        pass


@cache
def man() -> list[np.ndarray]:
    return pictures(SAMPLES / "internal_right.mp4")[0][100:140]


@cache
def other() -> list[np.ndarray]:
    return pictures(SAMPLES / "both_internal.mp4")[0][:40]


def until_cut(shown: list[np.ndarray], fps: float = 30.0) -> tuple[int, object]:
    source = UntilCut(Made(shown, fps))
    return len(list(source)), source.warning


def test_somebody_else_in_the_same_room_is_another_scene() -> None:
    frames, warning = until_cut(man() + other())
    assert frames == 40
    assert (warning.code, warning.values) == ("note.cut", {"name": "made.mp4", "at": 1.33})


def test_the_moment_of_the_cut_is_that_of_the_whole_video_in_its_own_time() -> None:
    source = UntilCut(Part(Made(man() + other()), from_s=0.5, speed=2))
    assert len(list(source)) == 25
    assert source.warning.values["at"] == pytest.approx(40 / 30, abs=0.01)


@pytest.mark.parametrize(
    "shown",
    [
        lambda: man() + [picture // 2 + 5 for picture in man()],
        lambda: [*man()[:20], np.roll(man()[20], 200, axis=1), *man()[21:]],
        lambda: man() + other()[:3],
        lambda: [np.roll(man()[0], 24 * index, axis=1) for index in range(30)],
    ],
    ids=["the light goes out", "one damaged picture", "too few pictures to tell", "a camera that is turned"],
)
def test_no_cut(shown) -> None:
    made = shown()
    assert until_cut(made) == (len(made), "")


def test_few_frames_a_second_tell_nothing() -> None:
    assert until_cut(man() + other(), fps=5) == (80, "")


@needs("ffmpeg")
def test_a_change_of_the_frame_size_is_a_cut(tmp_path: Path) -> None:
    """OpenCV does not tell of it: it squashes what comes after to the size before."""
    whole = tmp_path / "whole.h264"
    for start, scaled in ((0, "scale=640:480"), (2, "crop=300:480")):
        part = tmp_path / "part.h264"
        command = ["ffmpeg", "-v", "error", "-y", "-ss", start, "-t", 2, "-i", SAMPLES / "internal_right.mp4", "-vf", scaled]
        subprocess.run([*map(str, command), "-c:v", "libx264", "-bf", "0", "-f", "h264", str(part)], check=True)
        whole.open("ab").write(part.read_bytes())
    video = tmp_path / "whole.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-r", "30", "-i", str(whole), "-c", "copy", str(video)], check=True)
    source = UntilCut(VideoFile(video))
    assert len(list(source)) == 60
    assert source.warning.values["at"] == pytest.approx(2.0)
