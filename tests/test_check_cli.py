"""`rotrack check`: the list, its exit code, and the point that says who is measured."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import typer
from conftest import Camera
from helpers import BothLegs
from test_setup import ROOM, TARGET, person
from typer.testing import CliRunner, Result

from rotrack.calibration import choice
from rotrack.calibration.profiles import Known
from rotrack.cli import check as check_cli
from rotrack.core.errors import DOUBTFUL, InputError
from rotrack.core.model import Frame, Pose, empty_pose
from rotrack.core.reasons import Reason
from rotrack.measure.request import Request
from rotrack.sensing.sources import SourceInfo

app = typer.Typer()
app.command()(check_cli.check)


class Scene:
    """Stands in for camera and pose model: somebody who holds still, as often as asked."""

    def __init__(self, pose: Pose, fps: float = 30.0, seconds: float = 60.0) -> None:
        self.pose, self.frames, self.fps = pose, round(seconds * fps), fps
        self.info = SourceInfo("camera", "scene", pose.size_px, fps, 0)
        self.warning, self.closed, self.seen, self.settings = "", False, 0, {}

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            self.seen = index
            yield Frame(index, index / self.fps, ROOM)

    def close(self) -> None:
        self.closed = True

    def detect(self, frame: Frame) -> Pose:
        return replace(self.pose, time_s=frame.time_s)

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def landmarker(self, model: object, **settings: object) -> "Scene":
        self.settings = settings
        return self


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(scene: Scene, *args: str) -> Result:
        monkeypatch.setattr(check_cli, "Camera", lambda spec: scene)
        monkeypatch.setattr(check_cli, "Landmarker", scene.landmarker)
        monkeypatch.setattr(choice, "for_camera", lambda source, *_: (Known(), source))
        return CliRunner().invoke(app, ["--drill", "seated-internal", *args])

    return run


def test_it_ends_as_soon_as_all_is_good(run) -> None:
    scene = Scene(person())
    ended = run(scene)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.count("ok") == 6
    assert 1.5 < scene.seen / scene.fps < 5
    assert scene.closed
    assert "straight in front of you" in ended.stderr


def test_a_turned_camera_is_told_and_is_not_ready(run) -> None:
    scene = Scene(person(camera=Camera.around(TARGET, 2.5, yaw_deg=25, pitch_deg=5)))
    ended = run(scene, "--seconds", "6")
    assert ended.exit_code == DOUBTFUL
    assert "move it to the right, as you look at it" in ended.stdout
    assert scene.seen / scene.fps == pytest.approx(6, abs=0.1)


def test_several_people_end_well_only_if_one_was_named(run) -> None:
    ended = run(Scene(person(people=2)), "--seconds", "5")
    assert (ended.exit_code, "--follow X,Y" in ended.stderr) == (DOUBTFUL, True)
    scene = Scene(person(people=2))
    assert run(scene, "--follow", "320,240").exit_code == 0
    assert scene.settings == {"follow": (320.0, 240.0), "lying": False}


def test_a_drill_that_needs_the_leg_network_waits_until_it_can_read_the_foot(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_cli, "LegNet", BothLegs)
    drill = ("--drill", "supine-straight-internal")
    ended = run(Scene(person()), *drill, "--seconds", "3")
    assert (ended.exit_code, "The foot cannot be read" in ended.stdout) == (DOUBTFUL, True)
    assert run(Scene(person()), *drill, "--no-legnet").exception.args[0].startswith("supine-straight-internal is not measured")


def test_a_camera_that_ends_before_anything_was_seen_is_not_ready(run) -> None:
    ended = run(Scene(empty_pose(0, (640, 480), Reason.NOBODY), seconds=2))
    assert ended.exit_code == DOUBTFUL
    assert "Nobody is seen in the picture." in ended.stdout
    assert run(Scene(person(), seconds=0)).exit_code == DOUBTFUL


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("--follow", "here"), InputError),
        (("--side", "up"), InputError),
    ],
)
def test_wrong_words_are_explained_before_the_camera_is_opened(run, args: tuple[str, str], error: type) -> None:
    scene = Scene(person())
    ended = run(scene, *args)
    assert isinstance(ended.exception, error)
    assert not scene.seen


@pytest.mark.parametrize(("text", "point"), [("320,240", (320, 240)), (" 0 , 12.5 ", (0, 12.5)), ("", None)])
def test_a_point_is_two_numbers(text: str, point: tuple[float, float] | None) -> None:
    assert Request(follow=text).follow_px == point


@pytest.mark.parametrize("text", ["320", "a,b", "1,2,3", "-1,5", "nan,3", "1;2"])
def test_anything_else_is_no_point(text: str) -> None:
    with pytest.raises(InputError, match=r"two numbers like 320,240.*\.$"):
        Request(drill="seated-internal", follow=text).checked()


@pytest.mark.parametrize("asked", [{"speed": math.nan}, {"from_s": math.inf}, {"from_s": 1e12}, {"to_s": math.inf}], ids=str)
def test_a_part_that_no_video_has_is_refused_before_it_is_opened(asked: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"must be from"):
        Request(drill="seated-internal", **asked).checked()


@pytest.mark.slow
def test_the_real_thing_on_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Camera, pose model and check together, on the demo clip that is held at its first picture."""
    from helpers import demo_frames

    picture = demo_frames(0, 1)[0]
    scene = Scene(Pose(0.0, (640, 480), np.empty((33, 2)), np.empty((33, 3)), np.empty(33)), 20.0)
    monkeypatch.setattr(Scene, "__iter__", lambda self: (Frame(i, i / 20, picture) for i in range(120)))
    monkeypatch.setattr(check_cli, "Camera", lambda spec: scene)
    monkeypatch.setattr(choice, "for_camera", lambda source, *_: (Known(), source))
    ended = CliRunner().invoke(app, ["--model", "full", "--seconds", "5.5"])
    assert ended.exit_code == 0, ended.output
