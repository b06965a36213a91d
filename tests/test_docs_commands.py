"""The commands of README and docs run, each block and each command in a sentence in a folder with what a reader has by then."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import case
from helpers import FIXTURES, ROOT, BothLegs, ReplayLandmarker, replay, run_main, write_video
from made_sessions import LEFT, write
from test_docs import COMMANDS, PAGES

import rotrack
from rotrack.archive import run as archive
from rotrack.archive.task import measure_task
from rotrack.exchange.parcel import packed
from rotrack.exchange.typed import import_readings
from rotrack.records.landmarks import read_poses
from rotrack.validation import validate_folder, write_table

NOT_RUN = {
    ("live",): "measures with a camera, in a window",
    ("check",): "looks at a camera",
    ("app",): "serves the page until somebody ends it",
    ("calibrate", "camera"): "looks at a camera",
    ("calibrate", "floor"): "looks at a camera",
    ("calibrate", "personal"): "looks at a camera",
    ("demo",): "runs the pose model for a quarter of a minute; tests/test_cli.py runs it",
    ("doctor",): "opens every camera and measures how fast the computer is; tests/test_setup.py runs it",
    ("--install-completion",): "changes the files of the shell; tests/test_completion.py runs it",
    ("analyze", "/archive/clinic"): "needs the workers of a cluster; tests/test_archive.py has some",
}
"""What is not run here, by its first words, and why. With other words than these, such as --help, a command is run."""
RUN_ALL_THE_SAME = ("--help", "--sessions", "--repair")
ALONE = {"--version", "agreement", "drills", "history", "people", "progress"}
"""Commands that do something without an argument. In a sentence, the others are only named."""
TYPED = {
    "ID": "seated-combined",
    "NAME": "Ana",
    "NEW": "Anja",
    "NEW_NAME": "Anja",
    "SESSION": "last",
    "SESSIONS": "kept",
    "REP": "1",
    "SIDE": "left",
    "DIRECTION": "internal",
    "VIDEO": "monday.mp4",
    "FILE": "file.csv",
    "PATH": "elsewhere",
    "TEXT": "sore",
    "BAND": "red",
    "KG": "2",
    "DATE": "2026-01-31",
    "COMMAND": "analyze",
    "STATE": "state",
    "CLIPS": "FOLDER",
    "COVERED": "FOLDER",
}
"""What a reader types in the place of a word in capital letters."""
FOLDERS = {"import": "elsewhere", "analyze": "clinic", "validate": "FOLDER"}
"""Which folder is meant."""
OTHERWISE = {
    "note last --variant Ana": "note 20260101 --variant foot-apart",
    "drop last 1": "drop 20260124 1",
    "drop last 3 --side left --direction internal": "drop 20260124 3 --side left --direction internal",
    "analyze monday.mp4": "analyze monday.mp4 --drill seated-combined",
    "export --format trc --to markers": "export last --format trc --to markers",
}
"""Commands that take another session here than a reader's own, or name only what they need most."""
WRITTEN = ("--to", "--csv", "--plot", "--sheet", "--template")
"""Options that name a new file or folder."""
ARCHIVE = re.search(r"^file,person.*?(?=^```)", (ROOT / "docs" / "archives.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
MOMENT = datetime(2026, 1, 31, 17, 30)
READINGS = "taken_at,person,drill,side,direction,value_deg,instrument,rep\n" + "".join(
    f"2026-01-31 17:30,Ana,seated-combined,left,{direction},{value_deg},goniometer,{rep}\n"
    for direction in ("internal", "external")
    for rep, value_deg in enumerate((20, 28), start=1)
)
READINGS += "".join(f"2026-01-{day:02},Ana,seated-combined,left,internal,35,goniometer,\n" for day in (3, 10, 17))
VISITS = "Visit,person,IRO li\n2026-01-31,Ana,33.5\n"


class Combined(ReplayLandmarker):
    """Sees the left leg turn in and out."""

    fixture = "combined_left"


# ---------------------------------------------------------------------- what the docs say
def typed(words: list[str]) -> list[str]:
    """Return what a reader types for a command as the docs write it."""
    words = [re.sub(r"\.\.\.$|[\[\]]", "", word) for word in words]
    filled = [FOLDERS.get(words[0], word) if word == "FOLDER" else _filled(word) for word in words if word]
    filled = ["last" if before == "--session" else word for before, word in zip(["", *filled], filled, strict=False)]
    line = OTHERWISE.get(shlex.join(filled))
    return shlex.split(line) if line else filled


def _filled(word: str) -> str:
    stem, dot, ending = word.partition(".")
    return f"file{dot}{ending}" if stem == "FILE" and dot else TYPED.get(word, word)


def pieces(text: str) -> Iterator[list[list[str]]]:
    """Yield what is typed in one go: the commands of a block, or a command that stands in a sentence with what it needs."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL) + re.findall(r"(?<=\n\n)(?: {4}.*\n)+", text)
    for block in blocks:
        lines = [line for line in block.splitlines() if re.match(rf"\s*rotrack ({'|'.join(COMMANDS)}|-)", line)]
        if commands := [typed(shlex.split(line, comments=True)[1:]) for line in lines]:
            yield commands
    for code in dict.fromkeys(re.findall(r"`(rotrack [^`]*)`", text)):
        words = shlex.split(" ".join(code.split()))[1:]
        named = len(words) - (len(words) > 1 and words[1] in COMMANDS.get(words[0], {}))
        if named > 1 or words[0] in ALONE or tuple(words) in NOT_RUN:
            yield [typed(words)]


@cache
def first_on() -> dict[Path, list[list[list[str]]]]:
    """Return the pieces of each page, without a command that stands by itself on an earlier one, too."""
    found: dict[Path, list[list[list[str]]]] = {}
    seen: list[list[list[str]]] = []
    for page in PAGES:
        found[page] = [piece for piece in pieces(page.read_text("utf-8")) if len(piece) > 1 or piece not in seen]
        seen += found[page]
    return found


def why_not(words: list[str]) -> str:
    """Return why a command is not run; empty if it is."""
    if set(words) & set(RUN_ALL_THE_SAME):
        return ""
    if any("{" in word for word in words):
        return "the text of a message, in which a name is filled in"
    return next((why for first, why in NOT_RUN.items() if tuple(words[: len(first)]) == first), "")


# ---------------------------------------------------------------------- what a reader has by then
@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands read: videos, an archive, clips with their truth, tables, and a log."""
    folder = tmp_path_factory.mktemp("desk")
    frames = sum(1 for _ in read_poses(FIXTURES / Combined.fixture))
    video = write_video(folder / "monday.mp4", [np.zeros((48, 64, 3), np.uint8)] * frames)
    short = write_video(folder / "short.mp4", [np.zeros((48, 64, 3), np.uint8)] * (frames // 2))
    assert ARCHIVE
    (folder / "clinic").mkdir()
    (folder / "clinic" / "manifest.csv").write_text(ARCHIVE[0], "utf-8")
    for row in ARCHIVE[0].splitlines()[1:]:
        place = folder / "clinic" / row.split(",")[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(short, place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        replay(patch, Combined, BothLegs)
        rotrack.analyze(video, "seated-combined", person="Ana", out="data", recorded_at=MOMENT)
        for day in (3, 10, 17, 24):
            write(Path("data"), day, drill="seated-combined")
        write(Path("data"), 2, drill="seated-combined", person="Anna")
        write(Path("elsewhere"), 5, drill="seated-internal", person="Ben")
        patch.setenv("ROTRACK_HOME", str(folder / "data"))
        write(Path("data"), 1, drill="standing-external")
        _tables(folder)
        _clips(folder)
    return folder


def _tables(folder: Path) -> None:
    """Write readings of a goniometer, as somebody types them; some are in the log already."""
    Path("readings.csv").write_text(READINGS, "utf-8")
    for name, text in (("readings", READINGS), ("visits", VISITS)):
        pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).to_excel(f"{name}.xlsx", index=False)
    import_readings(folder / "data", folder / "readings.csv")
    Path("file.zip").write_bytes(packed(folder / "elsewhere", rotrack.read_sessions(folder / "elsewhere")[0]))


def _clips(folder: Path) -> None:
    """Write clips with their truth, as `rotrack validate` reads them: one, whose name stands for all."""
    for name in ("FOLDER", "sample_videos", "training/recordings"):
        clips = folder / name
        clips.mkdir(parents=True)
        (clips / "manifest.csv").write_text("clip,drill_ids,moving_side\ntest_0,seated-combined,left\n", "utf-8")
        shutil.copy(folder / "short.mp4", clips / "test_0.mp4")
        for ending in ("csv", "json"):
            shutil.copy(FIXTURES / Combined.fixture / f"truth.{ending}", clips / f"test_0.gt.{ending}")
    write_table(validate_folder(folder / "FOLDER", keep=folder / "training/recordings/sessions"), folder / "before.csv")


@pytest.fixture
def at_the_desk(desk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Return what gives a fresh copy of the desk and goes there; recorded landmarks take the place of the models."""
    replay(monkeypatch, Combined, BothLegs)
    monkeypatch.setattr(archive, "_here", lambda tasks, _, share: ((n, measure_task(t, share)) for n, t in enumerate(tasks)))
    copies = iter(range(1000))

    def fresh() -> Path:
        copy = shutil.copytree(desk, tmp_path / f"desk{next(copies)}")
        monkeypatch.chdir(copy)
        monkeypatch.setenv("ROTRACK_HOME", str(copy / "data"))
        return copy

    return fresh


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run(
    page: Path, at_the_desk: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for commands in first_on()[page]:
        to_run = [words for words in commands if not why_not(words)]
        if not to_run:
            continue
        folder = at_the_desk()
        for words in to_run:
            new = [folder / word for before, word in pairwise(words) if before in WRITTEN and not (folder / word).is_dir()]
            for path in new:
                path.unlink(missing_ok=True)
            answers = "y\nAna\n" if "--person" in words else "y\ndelete\n"
            monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
            with case(shlex.join(words)):
                ended = run_main(monkeypatch, capfd, *words)
                assert ended.code == 0, ended.err or ended.out
                assert [path.name for path in new if not path.exists()] == []


def test_every_command_that_is_not_run_is_one_of_the_docs() -> None:
    told = [words for page in PAGES for commands in pieces(page.read_text("utf-8")) for words in commands]
    used = {first for first in NOT_RUN for words in told if tuple(words[: len(first)]) == first and why_not(words)}
    assert set(NOT_RUN) - used == set()


@pytest.mark.parametrize("name", ["agreement", "archives", "export", "report"])
def test_the_python_of_a_page_runs(name: str, at_the_desk: Callable[[], Path]) -> None:
    folder = at_the_desk()
    shutil.copytree(folder / "data", folder / "measured")
    sessions, _ = rotrack.read_sessions(folder / "data")
    names = {"__name__": "__main__", "data": folder / "data", "session": sessions[-1], "side": LEFT}
    page = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, names)


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((ROOT / "training").glob("**/*.md"))], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_scripts_of_a_page_are_there_with_their_options(page: Path) -> None:
    lines = re.findall(r"\bpython3? (?:-m )?((?:tests|training)[\w./]*[^`#\n]*)", page.read_text("utf-8"))
    wrong = []
    for line in lines:
        name, *words = line.split()
        script = ROOT / (name if name.endswith(".py") else name.replace(".", "/") + ".py")
        code = script.read_text("utf-8") if script.is_file() else ""
        wrong += [line] if not code else [f"{name} {word}" for word in words if word.startswith("--") and f'"{word}"' not in code]
    assert wrong == []
