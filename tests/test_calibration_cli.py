"""`rotrack calibrate ...` from end to end, and the use of its profiles by `live` and `analyze`."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration_scenes import VIEWS, Optics, board_pose, floor_pose, page_image, render
from conftest import Camera, Stance
from helpers import (
    PATIENT_S,
    Ended,
    ReplayLandmarker,
    assert_one_sentence,
    environment,
    needs,
    numbered_clip,
    replay,
    run_main,
    screenshot,
    stop,
    virtual_screen,
    wait_until,
    write_video,
)

from rotrack.calibration.personal import AVERAGE_SHARE
from rotrack.calibration.printing import write_sheets
from rotrack.calibration.profiles import FloorProfile, LensProfile, PersonalProfile, read_folder, read_profile
from rotrack.core.model import Frame, Pose, Side, empty_pose

Run = Callable[..., Ended]
VGA = Optics.of((640, 480), 560.0, (327.0, 236.0), (-0.1, 0.03, 0, 0, 0))
NEAR = floor_pose(35, 2, 1.5, 1.6, 0.2, 10)
"""A floor that a small picture shows well."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "home"))
    return partial(run_main, monkeypatch, capfd)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Clips of board and floor sheet, 10 frames per second."""
    folder = tmp_path_factory.mktemp("clips")
    board, sheet = (page_image(path) for path in write_sheets(folder, "a4"))
    board_views = [picture for view in VIEWS for picture in [render(board, VGA, *board_pose(*view))] * 5]
    floor = render(sheet, VGA, *NEAR[:2])
    moved = render(sheet, VGA, *floor_pose(35, 2, 1.2, 1.3, 0.2, 10)[:2])
    return {
        "board": write_video(folder / "board.mp4", board_views, 10),
        "few": write_video(folder / "few.mp4", board_views[:15], 10),
        "floor": write_video(folder / "floor.mp4", [floor] * 60, 10),
        "moved": write_video(folder / "moved.mp4", [moved] * 60, 10),
        "empty": numbered_clip(folder / "empty.mp4", 20, 10),
    }


def profiles(folder: Path) -> list[Any]:
    found, problems = read_folder(folder)
    assert problems == []
    return found


# ---------------------------------------------------------------------- the commands
def test_print_writes_all_sheets(run: Run, tmp_path: Path) -> None:
    ended = run("calibrate", "print", "--paper", "Letter", "--out", tmp_path / "pdf")
    assert ended.code == 0
    assert {p.name for p in (tmp_path / "pdf").iterdir()} == {"rotrack-board-letter.pdf", "rotrack-floor-letter.pdf"}
    assert "100 %" in ended.out
    assert_one_sentence(run("calibrate", "print", "--paper", "a5"), 2, "a4 or letter")
    again = run("calibrate", "print", "--paper", "Letter", "--out", tmp_path / "pdf")
    assert_one_sentence(again, 2, "is there already", "--overwrite")
    assert run("calibrate", "print", "--paper", "Letter", "--out", tmp_path / "pdf", "--overwrite").code == 0


def test_camera_then_floor_on_top_of_it(run: Run, clips: dict[str, Path], tmp_path: Path) -> None:
    own = tmp_path / "home" / "calibration"
    ended = run("calibrate", "camera", "--camera", clips["board"], "--no-window")
    assert ended.code == 0, ended.err
    assert "field of view 59" in ended.out
    (lens,) = profiles(own)
    assert isinstance(lens, LensProfile)
    assert lens.camera == "board.mp4"
    assert lens.size_px == (640, 480)
    assert lens.lens.matrix[0, 0] == pytest.approx(560, rel=0.01)
    assert lens.residual_px < 0.4
    assert str(own / f"{lens.name}.toml") in ended.out

    ended = run(
        "calibrate", "floor", "--camera", clips["floor"], "--no-window", "--calibration", lens.name, "--out", tmp_path / "f"
    )
    assert ended.code == 0, ended.err
    (floor,) = profiles(tmp_path / "f")
    assert isinstance(floor, FloorProfile)
    assert floor.lens == lens.name
    assert floor.paper == "a4"
    assert np.degrees(np.arccos(np.clip(floor.floor.down @ NEAR[2], -1, 1))) < 0.8
    assert floor.floor.height_m == pytest.approx(1.5, rel=0.02)

    assumed = run("calibrate", "floor", "--camera", clips["floor"], "--no-window", "--out", tmp_path / "g")
    assert assumed.code == 0
    (unsure,) = profiles(tmp_path / "g")
    assert unsure.lens == "assumed", "the lens belongs to another camera"
    assert unsure.floor.tilt_sd_deg > 2 * floor.floor.tilt_sd_deg
    assert "assumed field of view" in assumed.out


@pytest.mark.parametrize(
    ("command", "clip", "words"),
    [
        ("camera", "empty", "never seen"),
        ("camera", "few", "of at least 8 views were taken"),
        ("floor", "empty", "not seen"),
    ],
)
def test_what_was_missing_is_one_sentence(
    run: Run, clips: dict[str, Path], tmp_path: Path, command: str, clip: str, words: str
) -> None:
    ended = run("calibrate", command, "--camera", clips[clip], "--no-window")
    assert_one_sentence(ended, 2, words)
    assert not (tmp_path / "home").exists()


def test_it_gives_up_in_time(run: Run, clips: dict[str, Path]) -> None:
    ended = run("calibrate", "camera", "--camera", clips["board"], "--no-window", "--timeout", 2)
    assert_one_sentence(ended, 2, "views were taken")


def test_what_cannot_be_opened_or_written_is_one_sentence(run: Run, clips: dict[str, Path], tmp_path: Path) -> None:
    assert_one_sentence(run("calibrate", "floor", "--camera", "nowhere.mp4", "--no-window"), 2, "nowhere.mp4")
    assert_one_sentence(
        run("calibrate", "floor", "--camera", clips["floor"], "--no-window", "--paper", "a5"), 2, "a4, letter or auto"
    )
    (tmp_path / "file").write_text("")
    command = ("calibrate", "floor", "--camera", clips["floor"], "--no-window", "--out")
    assert_one_sentence(run(*command, tmp_path / "file" / "x"), 2, "choose another folder with --out")
    assert_one_sentence(
        run("calibrate", "floor", "--camera", clips["floor"], "--no-window", "--calibration", "lens"), 2, "no calibration profile"
    )


def test_without_a_screen_a_window_is_one_sentence(run: Run, clips: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform.startswith("linux"):
        assert_one_sentence(run("calibrate", "floor", "--camera", clips["floor"]), 2, "no screen")


# ---------------------------------------------------------------------- personal
UPRIGHT = Stance(thigh=(0, -1, 0), shank=(0, -1, 0), foot=(1, 0, 0))
IN_FRONT = Camera((0, -0.4, -2.3), (0, 0.1, 0))
PLAN = [(0.0, 0, 0), (2.5, -30, 0), (6.0, -45, 0), (9.5, 0, 0), (11.0, 0, -30), (14.5, 0, -45), (18.0, 0, 0)]
"""From when on, s, the left and the right foot lie where, deg."""


class Feet:
    """Stands in for the pose model: a synthetic person who follows a plan."""

    plan = PLAN
    nobody = False

    def __init__(self, model: object, watch_people: bool = True) -> None:
        pass

    def __enter__(self) -> "Feet":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frame: Frame) -> Pose:
        if self.nobody:
            return empty_pose(frame.time_s, (640, 480), "nobody is seen")
        _, left, right = [entry for entry in self.plan if entry[0] <= frame.time_s][-1]
        image_px, world_m = IN_FRONT.see(UPRIGHT.points(left=left, right=right))
        noise = np.random.default_rng(frame.index).normal(0, 0.3, image_px.shape)
        return Pose(frame.time_s, (640, 480), image_px + noise, world_m, np.ones(len(image_px)))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A blank clip of 19 s to play the plan to."""
    monkeypatch.setattr("rotrack.cli.calibrate.Landmarker", Feet)
    return write_video(tmp_path / "stage.mp4", [np.full((480, 640, 3), 90, np.uint8)] * 285, 15)


def test_personal_learns_one_gain_from_both_feet(run: Run, stage: Path, tmp_path: Path) -> None:
    ended = run("calibrate", "personal", "--person", "Ana", "--camera", stage, "--no-window")
    assert ended.code == 0, ended.err
    (profile,) = profiles(tmp_path / "home" / "calibration")
    assert isinstance(profile, PersonalProfile)
    assert profile.person == "Ana"
    assert profile.measured_with == "none"
    assert profile.gains.keys() == set(Side)
    gains = [profile.gains[side] for side in Side]
    assert gains[0].gain == gains[1].gain == pytest.approx(AVERAGE_SHARE ** (2 / 3), rel=0.05), "this person reads the whole turn"
    assert all(g.residual_deg < 6 for g in gains)
    assert f"angles of standing drills x {gains[0].gain:.2f}; the rays are missed by left" in ended.out


def test_personal_makes_do_with_one_foot(run: Run, stage: Path, tmp_path: Path) -> None:
    ended = run("calibrate", "personal", "--person", "Ana", "--camera", stage, "--no-window", "--side", "left")
    assert ended.code == 0, ended.err
    gains = profiles(tmp_path / "home" / "calibration")[0].gains
    assert gains[Side.LEFT].gain == gains[Side.RIGHT].gain == pytest.approx(AVERAGE_SHARE ** (1 / 2), rel=0.05)
    assert "right" not in ended.out.split("kept in")[0]


def test_personal_takes_other_rays(run: Run, stage: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Feet, "plan", [(t, left * 2 / 3, right * 2 / 3) for t, left, right in PLAN])
    command = ("calibrate", "personal", "--person", "Ana", "--camera", stage, "--no-window", "--rays")
    gains = {}
    for rays in ("20,30", "30,45"):
        assert run(*command, rays, "--out", tmp_path / rays).code == 0
        gains[rays] = profiles(tmp_path / rays)[0].gains[Side.LEFT].gain
    assert gains["30,45"] == pytest.approx(1.5 ** (2 / 3) * gains["20,30"], rel=1e-3)
    for wrong in ("45,30", "a", "30,200", ""):
        assert_one_sentence(run(*command, wrong), 2, "like 30,45")


def test_personal_says_what_was_missing(run: Run, stage: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = ("calibrate", "personal", "--person", "Ana", "--camera", stage, "--no-window")
    monkeypatch.setattr(Feet, "plan", PLAN[:5])
    assert_one_sentence(run(*command), 2, "right foot", "45 degrees", "3 of 4 holds")
    monkeypatch.setattr(Feet, "plan", [(0.0, 0, 0), (2.5, 30, 0)])
    assert_one_sentence(run(*command), 2, "turned in")
    monkeypatch.setattr(Feet, "nobody", True)
    assert_one_sentence(run(*command), 2, "nobody")
    assert_one_sentence(run("calibrate", "personal", "--person", " ", "--camera", stage, "--no-window"), 2, "--person")
    assert not (tmp_path / "home" / "calibration").exists()


# ---------------------------------------------------------------------- use
class StillLandmarker(ReplayLandmarker):
    """Gives the recorded poses from the start, for clips of any length."""

    def detect(self, frame: Frame) -> Pose:
        return super().detect(Frame(min(frame.index, len(self._poses) - 1), frame.time_s, frame.rgb))


def analyzed(run: Run, clip: Path, out: Path, *more: object) -> tuple[Ended, dict[str, Any]]:
    ended = run("analyze", clip, "--drill", "seated-internal", "--out", out, "--no-plot", *more)
    infos = sorted((out / "sessions").glob("*/session.json"))
    return ended, json.loads(infos[-1].read_text("utf-8")) if infos else {}


@pytest.fixture
def poses(monkeypatch: pytest.MonkeyPatch) -> None:
    replay(monkeypatch, StillLandmarker)


@pytest.mark.usefixtures("poses")
def test_a_sheet_in_the_picture_gives_the_floor_unless_none_is_asked_for(
    run: Run, clips: dict[str, Path], tmp_path: Path
) -> None:
    _, info = analyzed(run, clips["floor"], tmp_path / "a")
    assert info["calibration"] == "camera"
    assert info["calibration_profiles"] == {"floor": "sheet in the picture"}
    down = np.array(info["calibration_used"]["floor"]["down"])
    assert np.degrees(np.arccos(np.clip(down @ NEAR[2], -1, 1))) < 2.5
    assert {"code": "calibrated.sheet", "values": {}} in info["calibration_notes"]
    _, info = analyzed(run, clips["floor"], tmp_path / "b", "--calibration", "none")
    assert info["calibration"] == "none"
    assert info["calibration_profiles"] == {}
    assert info["assumed_field_of_view_deg"] == 60
    _, info = analyzed(run, clips["empty"], tmp_path / "c")
    assert info["calibration"] == "none"


@pytest.mark.usefixtures("poses")
def test_analyze_uses_profiles_only_when_asked_and_notices_a_moved_camera(
    run: Run, clips: dict[str, Path], tmp_path: Path
) -> None:
    own = tmp_path / "home" / "calibration"
    assert run("calibrate", "camera", "--camera", clips["board"], "--no-window").code == 0
    (lens,) = profiles(own)
    assert run("calibrate", "floor", "--camera", clips["floor"], "--no-window", "--calibration", lens.name).code == 0
    _, info = analyzed(run, clips["empty"], tmp_path / "a")
    assert info["calibration"] == "none", "profiles of one's own folder are not used unasked"
    _, info = analyzed(run, clips["floor"], tmp_path / "b", "--calibration", own)
    assert set(info["calibration_profiles"]) == {"camera", "floor"}
    assert info["calibration_profiles"]["camera"] == lens.name
    assert info["assumed_field_of_view_deg"] is None
    assert info["warnings"] == []
    ended, info = analyzed(run, clips["moved"], tmp_path / "c", "--calibration", own)
    assert info["calibration_profiles"]["floor"] == "sheet in the picture"
    assert [warning["values"]["why"]["code"] for warning in info["warnings"]] == ["calibrated.raised"]
    assert "was moved" in ended.out
    # 320 x 240, the same shape: scaled, and said
    _, info = analyzed(run, clips["empty"], tmp_path / "d", "--calibration", own)
    assert any(note["values"]["made"]["code"] == "calibrated.scaled" for note in info["calibration_notes"])
    assert info["calibration_used"]["lens"]["matrix"][0][0] == pytest.approx(280, rel=0.01)
    # measured again without profiles: the same calibration
    session = next((tmp_path / "b" / "sessions").iterdir())
    run("remeasure", session, "--out", tmp_path / "e")
    again = json.loads(next((tmp_path / "e" / "sessions").glob("*/session.json")).read_text("utf-8"))
    first = json.loads((session / "session.json").read_text("utf-8"))
    for entry in ("calibration", "calibration_profiles", "calibration_used"):
        assert again[entry] == first[entry]


@pytest.mark.usefixtures("poses")
def test_a_profile_that_cannot_be_used_is_one_sentence_or_a_warning(run: Run, clips: dict[str, Path], tmp_path: Path) -> None:
    ended, _ = analyzed(run, clips["empty"], tmp_path / "a", "--calibration", "nothing")
    assert_one_sentence(ended, 2, "no calibration profile", "'nothing'")
    (tmp_path / "bad.toml").write_text("[lens")
    ended, _ = analyzed(run, clips["empty"], tmp_path / "a", "--calibration", tmp_path / "bad.toml")
    assert_one_sentence(ended, 2, "bad.toml", "cannot be used", "calibrate again")
    ended, _ = analyzed(run, clips["empty"], tmp_path / "a", "--calibration", "none", "--calibration", tmp_path / "bad.toml")
    assert_one_sentence(ended, 2, "none")
    wide = tmp_path / "wide.toml"
    assert run("calibrate", "camera", "--camera", clips["board"], "--no-window", "--out", tmp_path / "p").code == 0
    (source,) = (tmp_path / "p").glob("*.toml")
    wide.write_text(source.read_text("utf-8").replace("[640, 480]", "[640, 360]"), "utf-8")
    _, info = analyzed(run, clips["empty"], tmp_path / "b", "--calibration", wide)
    assert info["calibration"] == "none"
    assert any(warning["values"]["size"] == "640 x 360" for warning in info["warnings"])


@pytest.mark.usefixtures("poses")
def test_from_python_too(clips: dict[str, Path], tmp_path: Path) -> None:
    import rotrack

    seen = rotrack.analyze(clips["floor"], "seated-internal", out=tmp_path)
    assert seen.record.calibration_profiles == {"floor": "sheet in the picture"}
    ignored = rotrack.analyze(clips["floor"], "seated-internal", out=tmp_path, calibration="none")
    assert ignored.record.calibration == "none"


# ---------------------------------------------------------------------- in a window
def in_window(display: str, data: Path, *args: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "rotrack", *map(str, args)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", env=environment(data, DISPLAY=display)
    )


@pytest.mark.slow
@needs("Xvfb", "ffmpeg")
def test_the_window_guides_through_camera_and_floor_and_live_uses_them(clips: dict[str, Path], tmp_path: Path) -> None:
    data = tmp_path / "home"
    with virtual_screen() as display:
        process = in_window(display, data, "calibrate", "camera", "--camera", clips["board"])
        try:
            green = []

            def covered() -> bool:
                shot = screenshot(display, tmp_path / "lens.png").astype(int)
                green.append(float(((shot[..., 1] - shot[..., 0] > 12) & (shot[..., 1] - shot[..., 2] > 4)).mean()))
                return green[-1] > 0.17 or process.poll() is not None

            assert wait_until(covered, 60, 0.4)
            out, err = process.communicate(timeout=PATIENT_S)
        finally:
            stop(process)
        assert process.returncode == 0, err
        assert max(green) > 0.17, "the parts of the picture that are covered turn green"
        assert "Hold the board still" in err
        assert "\a" in err, "a sound for every view"
        (lens,) = profiles(data / "calibration")
        assert lens.lens.matrix[0, 0] == pytest.approx(560, rel=0.01)
        process = in_window(display, data, "calibrate", "floor", "--camera", clips["floor"])
        out, err = process.communicate(timeout=PATIENT_S)
        assert process.returncode == 0, err
        assert "the camera stands" in out
        process = in_window(display, data, "live", "--camera", clips["floor"], "--model", "full", "--out", tmp_path / "home")
        out, err = process.communicate(timeout=PATIENT_S)
        assert process.returncode == 4, "nobody in view"
        assert "Calibrated floor" in err
    (info,) = (json.loads(p.read_text("utf-8")) for p in (data / "sessions").glob("*/session.json"))
    assert set(info["calibration_profiles"]) == {"floor"}, "the lens belongs to another camera"
    assert info["calibration"] == "camera"
    assert isinstance(read_profile(data / "calibration" / f"{info['calibration_profiles']['floor']}.toml"), FloorProfile)
