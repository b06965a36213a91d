"""The notebooks: kept without results, and they run from a clean checkout, leaving nothing behind."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import PATIENT_S, ROOT, environment

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text("utf-8"))["cells"]


def files_in(*folders: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for folder in folders for p in folder.rglob("*") if p.is_file()}


def test_the_three_are_there_and_listed() -> None:
    assert NAMES == ["first_session", "how_the_angle_is_measured", "progress"]
    listed = (ROOT / "notebooks" / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"\]\((\w+)\.ipynb\)", listed)) == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_is_kept_without_results(path: Path) -> None:
    book = json.loads(path.read_text("utf-8"))
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    assert path.stat().st_size < 40_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_begins_with_words_and_names_what_is_there(path: Path) -> None:
    first, *rest = cells_of(path)
    assert first["cell_type"] == "markdown"
    assert "".join(first["source"]).startswith("# ")
    words = "".join("".join(cell["source"]) for cell in (first, *rest) if cell["cell_type"] == "markdown")
    for name in re.findall(r"`([\w/]+\.(?:md|ipynb))`", words):
        assert (ROOT / name).is_file() or (path.parent / name).is_file(), name


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_runs_and_leaves_nothing(path: Path, tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    before = files_in(path.parent, ROOT / "sample_videos")
    nbmake = ["--nbmake", f"--nbmake-timeout={PATIENT_S:.0f}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *nbmake, str(path)]
    changes = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    env = environment(home, IPYTHONDIR=str(tmp_path / "ipython"), **changes)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENT_S, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert files_in(path.parent, ROOT / "sample_videos") == before
    assert not (home / "reps.csv").exists(), "the notebook logged into the person's own data"
    assert [p.name for p in temporary.iterdir() if p.name.startswith("rotrack-")] == []
