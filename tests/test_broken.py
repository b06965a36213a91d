"""Files are broken on purpose: a seeded sample of what `crashes.py`, `mutants.py` and `video_mutants.py` do at length."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers import needs

import rotrack.measure.run  # noqa: F401  loaded once, before the forks

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import crashes
import mutants
import video_mutants

DURABLE = True
"""These tests are about what is on the disk, see `conftest.quick_disk`."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]


@pytest.mark.parametrize("changers", [False, True])
def test_no_acknowledged_repetition_is_lost_to_a_kill(tmp_path: Path, changers: bool) -> None:
    assert crashes.kills(24, 2, changers, seed=5, place=tmp_path) == 0


def test_programs_that_log_at_once_lose_nothing(tmp_path: Path) -> None:
    assert crashes.many_writers(6, 8, place=tmp_path) == 0


def test_damaged_files_are_told_and_never_a_traceback(tmp_path: Path) -> None:
    told: list[str] = []
    assert mutants.run(tmp_path, 1000, seed=20261128, only="", tell=told.append) == 0, "\n".join(told)


@needs("ffmpeg")
def test_damaged_videos_are_read_or_told(tmp_path: Path) -> None:
    told: list[str] = []
    assert video_mutants.run(tmp_path, 500, seed=20261129, tell=told.append) == 0, "\n".join(told)
