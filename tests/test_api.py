"""The public interface: complete, typed, documented, and enough for the notebooks and the docs."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import FIXTURES
from helpers import DEMO, ROOT

import rotrack
from rotrack.core.errors import DrillError, InputError, NotMeasuredError

RECORDING = FIXTURES / "internal_right"
MY_DRILL = """
[drill.my-swing]
title = "My swing"
group = "sitting"
summary = "One foot out, and back."
steps = ["Sit.", "Swing one foot out and back."]
camera = "As for the other seated drills."
place = { view = "front", distance_m = [1.5, 3.0], height_m = [0.3, 0.8], down_deg = [-10, 30], turn_deg = 20 }
measure = "shank"
measured = "hip rotation"
posture = "seated"
tier = "A"
directions = ["internal"]
faults = ["T"]
range_deg = { internal = [10, 50] }
cue = "Slowly."
"""


def poses() -> list[rotrack.Pose]:
    return list(rotrack.read_poses(RECORDING))


def code_of_the_docs() -> Iterator[tuple[str, str]]:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]:
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)):
            yield f"{page.name}, block {number}", block
    for book in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(book.read_text("utf-8"))["cells"]
        yield book.name, "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize(("place", "code"), [pytest.param(*found, id=found[0]) for found in code_of_the_docs()])
def test_docs_and_notebooks_use_the_public_interface_alone(place: str, code: str) -> None:
    tree = ast.parse(code)
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert [module for module in modules if module and module.startswith("rotrack.")] == []
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "rotrack"
    }
    assert used <= set(rotrack.__all__), place


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    for name in rotrack.__all__:
        found = getattr(rotrack, name)
        if callable(found):
            assert inspect.getdoc(found), name


def test_type_checkers_see_what_is_loaded_late() -> None:
    tree = ast.parse(Path(rotrack.__file__).read_text("utf-8"))
    seen = {
        (node.module, name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
        for name in node.names
    }
    late = {(home, name) for home, names in rotrack._HOMES.items() for name in names}
    assert late <= seen
    assert {name for _, name in late} | {"__version__"} == set(rotrack.__all__)


def test_poses_are_measured_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    found = rotrack.analyze(poses(), "seated-internal", log=False)
    assert isinstance(found, rotrack.Measurement)
    assert list(tmp_path.rglob("*")) == []
    assert len(found.reps) == 4
    assert len(found.values) == 1


def test_what_is_logged_and_what_is_not_are_the_same_numbers(tmp_path: Path) -> None:
    logged = rotrack.analyze(poses(), "seated-internal", out=tmp_path)
    found = rotrack.analyze(poses(), "seated-internal", log=False)
    assert logged.rep_list == found.rep_list
    assert logged.curve.equals(found.curve)
    assert logged.values == found.values
    again = rotrack.remeasure(logged.folder, out=tmp_path)
    assert again.rep_list == logged.rep_list


def test_steps_come_one_by_one_and_hold_all_repetitions() -> None:
    def given() -> Iterator[rotrack.Pose]:
        for pose in poses():
            taken.append(pose.time_s)
            yield pose

    taken: list[float] = []
    stream = rotrack.steps(given(), "seated-internal")
    first = next(stream)
    assert taken == [first.pose.time_s]
    steps = [first, *stream]
    assert len(steps) == len(taken) + 1, "what the end completes comes last"
    measured = rotrack.analyze(poses(), "seated-internal", log=False)
    reps = {(rep.side, rep.direction, rep.rep): rep for step in steps for rep in (*step.reps, *step.revised)}
    assert tuple(reps.values()) == measured.rep_list


def test_landmarks_of_another_model_are_measured_by_their_names() -> None:
    parts = [f"{side}_{part}" for side in rotrack.Side for part in ("shoulder", "hip", "knee", "ankle", "heel", "toe")]
    index = {name: rotrack.LANDMARK_NAMES.index(name) for name in parts}
    made = [
        rotrack.make_pose(pose.time_s, pose.size_px, {name: tuple(pose.image_px[i]) for name, i in index.items()})
        for pose in poses()
    ]
    theirs = rotrack.analyze(made, "seated-internal", log=False)
    ours = rotrack.analyze([replace(pose, legs={}) for pose in poses()], "seated-internal", log=False)
    assert np.allclose(theirs.reps.peak_deg, ours.reps.peak_deg, atol=0.2), "the landmarks in space are a weak prior only"


def test_an_unknown_landmark_is_refused() -> None:
    with pytest.raises(InputError, match="There is no landmark 'left_foot_index'"):
        rotrack.make_pose(0.0, (640, 480), {"left_foot_index": (1, 2)})


def test_no_poses_are_nothing_to_measure() -> None:
    with pytest.raises(NotMeasuredError, match="no picture"):
        rotrack.analyze([], "seated-internal", log=False)


def test_a_drill_of_ones_own_is_measured_and_the_table_stays() -> None:
    table = rotrack.load_table().plus(MY_DRILL)
    mine = table.drill("my-swing")
    found = rotrack.analyze(poses(), mine, log=False)
    assert found.record.drill == "my-swing"
    assert len(found.reps) == 4
    with pytest.raises(DrillError, match="There is no drill called 'my-swing'"):
        rotrack.load_table().drill("my-swing")


def test_a_drill_of_ones_own_is_not_logged(tmp_path: Path) -> None:
    mine = rotrack.load_table().plus(MY_DRILL).drill("my-swing")
    with pytest.raises(InputError, match="log=False"):
        rotrack.analyze(poses(), mine, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_drill_that_is_there_is_not_replaced() -> None:
    with pytest.raises(DrillError, match="there is a drill called 'seated-internal' already"):
        rotrack.load_table().plus(MY_DRILL.replace("my-swing", "seated-internal"))


@pytest.mark.slow
def test_the_examples_of_the_docs_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    names = {"video": DEMO, "data": tmp_path}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(block, names)
    assert len(names["again"].rep_list) == len(names["theirs"].rep_list) == len(names["session"].rep_list) > 0
    assert names["swings"].rep_list
    assert len(names["sessions"]) == 1
