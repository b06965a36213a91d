"""The command line from end to end: what it prints, what it leaves on disk, and one sentence for everything that goes wrong."""

import errno
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import typer
from conftest import lying_on_the_side, swing
from helpers import (
    DEMO,
    FIXTURES,
    FOUR,
    PATIENT_S,
    ROOT,
    SAMPLES,
    BothLegs,
    Ended,
    ReplayLandmarker,
    ReplaySource,
    assert_one_sentence,
    demo_frames,
    environment,
    log_session,
    numbered_clip,
    obey_control_c,
    replay,
    run_main,
    run_rotrack,
    stop,
    wait_until,
    write_video,
)
from made_sessions import rows

import rotrack
from rotrack import cli
from rotrack.app.server import Options
from rotrack.cli import measure
from rotrack.core.drills import load_table
from rotrack.core.errors import DOUBTFUL, ModelError, RecordError, RotrackError, SourceError
from rotrack.core.model import MEASURE_VERSION, UNCORRECTED, WITHOUT_LEGNET, Direction, Pose, Side
from rotrack.draw.theme import WARNING
from rotrack.draw.window import Key
from rotrack.kinematics.correction import load_corrections
from rotrack.measure.batch import Outcome
from rotrack.people.changes import change_person
from rotrack.records import writer
from rotrack.records.folders import locked
from rotrack.records.landmarks import LANDMARK_COLUMNS, LANDMARKS, LEGS_READ, landmark_line, read_poses
from rotrack.records.people import Limit, known_or_new
from rotrack.records.session import load_session
from rotrack.records.store import read_sessions
from rotrack.sensing.legnet import description
from rotrack.sensing.sources import SourceInfo, VideoFile

COMMANDS = [command.name for command in cli.COMMANDS]
Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run rotrack in this process, with its own place for data."""
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "home"))
    return partial(run_main, monkeypatch, capfd)


@pytest.fixture
def short_clip(tmp_path: Path) -> Path:
    """The first second of the demo: long enough for the neutral pose."""
    return write_video(tmp_path / "short.mp4", demo_frames(0, 36))


def strict_json(text: str) -> Any:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def unpacked(path: Path) -> bytes:
    """Return what stands in a file; where it was cut into packed parts depends on the time."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def session_files(data: Path) -> list[Path]:
    return sorted((data / "sessions").glob("*/session.json"))


# ---------------------------------------------------------------------- help
@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_a_command_is_listed_with_the_words_with_which_it_explains_itself(run: Run, command: cli.Command) -> None:
    """What `rotrack --help` lists is known without loading the command, so the two could part."""
    ended = run(command.name, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"rotrack {command.name}" in ended.out
    assert f" {command.summary} " in " ".join(ended.out.split()) + " "


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_list_of_commands(command: str) -> None:
    assert f"rotrack {command}" in (ROOT / "docs" / "commands.md").read_text("utf-8")


def test_every_exit_code_is_listed() -> None:
    def kinds(error: type[RotrackError]) -> set[int]:
        return {error.exit_code}.union(*map(kinds, error.__subclasses__()))

    listed = re.findall(
        r"^\| (\d+) \| ", (ROOT / "docs" / "commands.md").read_text("utf-8").partition("## Exit codes")[2], re.MULTILINE
    )
    assert set(map(int, listed)) == {0, DOUBTFUL} | kinds(RotrackError)


def test_help_starts_with_what_it_is_and_lists_the_commands(run: Run) -> None:
    out = run("--help").out
    assert "Measure hip internal and external rotation" in out
    panels = re.split(r"\u256d\u2500 ([\w ]+) \u2500", out)
    assert panels[3::2] == ["Measure", "Look back", "People", "Exchange", "Set up"]
    for command in cli.COMMANDS:
        assert re.search(rf"\u2502 {command.name} ", panels[panels.index(command.panel) + 1]), command.name


@pytest.mark.parametrize("option", ["-v", "--version"])
def test_the_version_is_that_of_the_package(run: Run, option: str) -> None:
    assert run(option) == Ended(0, f"rotrack {metadata.version('rotrack')}\n", "")


@pytest.mark.parametrize("args", [["analyse"], ["analyze"], ["analyze", "x.mp4"], ["analyze", "x.mp4", "-d", "a", "--loud"]])
def test_a_mistyped_command_is_explained_without_a_traceback(run: Run, args: list[str]) -> None:
    assert_one_sentence(run(*args), 2, "--help` explains it.")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Invalid value for '--reps' / '-n': 'x' is not a valid int range.", "--reps must be a whole number, not 'x'."),
        ("Invalid value for '--load-kg': 'heavy' is not a valid float.", "--load-kg must be a number, not 'heavy'."),
        (
            "Invalid value for '--since': 'today' does not match the formats '%Y-%m-%d'.",
            "--since must be a day like 2026-01-31, not 'today'.",
        ),
        (
            "Invalid value for '--side' / '-s': 'up' is not one of 'left', 'right'.",
            "--side must be one of left, right, not 'up'.",
        ),
        ("Invalid value for '--port': 70000 is not in the range 0<=x<=65535.", "--port must be from 0 to 65535, not 70000."),
        ("No such option: --loud", "There is no option --loud."),
        ("No such option: --loud (Possible options: --load-kg, --out)", "There is no option --loud; there are --load-kg, --out."),
        ("No such command 'analyse'. Did you mean 'analyze'?", "There is no command 'analyse'; did you mean 'analyze'?"),
        ("Got unexpected extra argument(s) (x.mp4)", "Nothing is expected where x.mp4 stands."),
        ("Missing argument 'VIDEO...'.", "VIDEO... is missing."),
        ("Missing option '--to'.", "--to is missing."),
        ("Option '--drill' requires an argument.", "--drill needs a value."),
    ],
)
def test_a_wrong_value_is_told_in_words_of_our_own(message: str, words: str) -> None:
    class Wrong(typer.BadParameter):
        def format_message(self) -> str:
            return message

    assert cli.usage_words(Wrong("")) == f"{words} `rotrack --help` explains it."


# ---------------------------------------------------------------------- drills
@pytest.mark.parametrize("columns", [60, 200])
def test_the_list_of_drills_is_complete(run: Run, columns: int) -> None:
    out = run("drills", columns=columns).out
    assert set(load_table().drills) <= set(re.split(r"\s+", out))


@pytest.mark.parametrize("drill_id", load_table().drills)
def test_every_drill_is_explained(run: Run, drill_id: str) -> None:
    drill = load_table().drill(drill_id)
    ended = run("drills", drill_id)
    assert (ended.code, ended.err) == (0, "")
    text = re.sub(r"[\s│]+", " ", ended.out)
    for words in (drill.title, drill_id, drill.measured, f"tier {drill.tier}", *drill.steps):
        assert re.sub(r"\s+", " ", words) in text


def test_an_unknown_drill_names_the_nearest(run: Run) -> None:
    assert_one_sentence(run("drills", "seated-combind"), 2, "'seated-combind'", "Did you mean seated-combined", "rotrack drills")
    assert_one_sentence(run("drills", "xyz"), 2, "'xyz'", "rotrack drills")


# ---------------------------------------------------------------------- bad requests and bad videos
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-d", "seated-combinde"], ["no drill called 'seated-combinde'", "seated-combined"]),
        (["-d", "seated-combined", "-s", "up"], ["left, right or both", "'up'"]),
        (["-d", "seated-combined", "--person", "x\ny"], ["name 'x y'", "one line"]),
        (["-d", "seated-combined", "--note", "4\tkg"], ["note '4 kg'", "one line"]),
        (["-d", "seated-combined", "--band", "x" * 2001], ["band 'x", "at most 2000 letters"]),
        (["-d", "seated-combined", "--load-kg", "-2"], ["load", "from 0 to 500 kg", "-2"]),
        (["-d", "seated-combined", "--load-kg", "inf"], ["load", "from 0 to 500 kg"]),
        (["-d", "seated-combined", "--model", "lite"], ["no pose model 'lite'", "heavy or full"]),
        (["-d", "seated-combined", "--model", __file__], ["not a pose model"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["analyze", "live"])
def test_a_wrong_request_is_refused_before_anything_is_opened(
    run: Run, tmp_path: Path, short_clip: Path, command: str, args: list[str], words: list[str]
) -> None:
    source = [short_clip] if command == "analyze" else ["--camera", short_clip]
    assert_one_sentence(run(command, *source, *args), 2, *words)
    assert not (tmp_path / "home").exists()


def test_a_name_of_two_lines_is_refused(run: Run, short_clip: Path) -> None:
    ended = run("analyze", short_clip, "-d", "seated-combined", "--person", "Ana\nBen")
    assert ended.code == 2
    assert "must be one line" in ended.err
    assert "Traceback" not in ended.err


def make_bad_video(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    if kind == "empty":
        path.touch()
    if kind == "text":
        path.write_text("no video\n" * 100)
    if kind == "folder":
        path.mkdir()
    if kind == "cut":
        data = numbered_clip(path, 60).read_bytes()
        path.write_bytes(data[: len(data) // 2])
    return path


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "folder", "cut"])
@pytest.mark.parametrize("how", ["text", "json"])
def test_an_unreadable_video_is_explained_by_name(run: Run, tmp_path: Path, kind: str, how: str) -> None:
    path = make_bad_video(tmp_path, kind)
    ended = run("analyze", path, "-d", "seated-combined", *(["--json"] if how == "json" else []))
    assert_one_sentence(ended, 2, f"{kind}.mp4")
    if how == "json":
        document = strict_json(ended.out)
        assert document["sessions"] == []
        assert document["problems"][0]["video"] == str(path)
        assert f"{kind}.mp4" in document["problems"][0]["problem"]
    assert session_files(tmp_path / "home") == []


def test_nobody_in_view_is_explained(run: Run, tmp_path: Path) -> None:
    room = write_video(tmp_path / "room.mp4", [np.full((480, 640, 3), 128, np.uint8)] * 12)
    ended = run("analyze", room, "-d", "seated-combined")
    assert_one_sentence(ended, 4, "nobody is seen in the picture", "both legs in the picture", "hold still")
    (stored,) = session_files(tmp_path / "home")
    assert strict_json(stored.read_text("utf-8"))["status"] == "not measured"
    assert rows(tmp_path / "home").empty


def test_a_video_too_short_for_the_neutral_pose_is_explained(run: Run, tmp_path: Path) -> None:
    glimpse = write_video(tmp_path / "glimpse.mp4", demo_frames(0, 5))
    assert_one_sentence(run("analyze", glimpse, "-d", "seated-combined"), 4, "neutral pose")


NEED_LEGNET = [drill.id for drill in load_table().drills.values() if drill.without_legnet]


@pytest.mark.parametrize("drill", NEED_LEGNET)
@pytest.mark.parametrize("command", ["analyze", "live"])
def test_a_drill_that_needs_the_leg_network_says_so_before_anything_is_opened(
    run: Run, tmp_path: Path, short_clip: Path, command: str, drill: str
) -> None:
    ended = run(command, *([short_clip] if command == "analyze" else ["--camera", short_clip]), "-d", drill, "--no-legnet")
    assert_one_sentence(ended, 4, drill, load_table().drill(drill).without_legnet)
    assert not (tmp_path / "home").exists()


def test_a_logged_session_of_a_drill_that_needs_the_leg_network_is_explained(run: Run, tmp_path: Path, recorded: Path) -> None:
    info = json.loads((recorded / "session.json").read_text("utf-8"))
    (recorded / "session.json").write_text(json.dumps({**info, "drill": NEED_LEGNET[0]}), "utf-8")
    assert_one_sentence(
        run("remeasure", recorded, "--out", tmp_path / "out"), 4, load_table().drill(NEED_LEGNET[0]).without_legnet
    )


def test_a_stretch_is_counted_and_its_angle_stays_empty(run: Run, tmp_path: Path, recorded: Path) -> None:
    info = json.loads((recorded / "session.json").read_text("utf-8"))
    (recorded / "session.json").write_text(json.dumps({**info, "drill": "zst-confidence", "sides": ["right"]}), "utf-8")
    poses = lying_on_the_side(20, lambda t: swing(t, 2, 50, 1.5, 3) + swing(t, 10, 60, 1.5, 3), fps=15)
    with gzip.open(recorded / "landmarks.csv.gz", "wt", newline="") as file:
        file.write(",".join(LANDMARK_COLUMNS) + "\r\n")
        file.writelines(landmark_line(pose) for pose in poses)
    ended = run("remeasure", recorded, "--json", "--out", tmp_path / "out")
    assert ended.code == 0
    (session,) = strict_json(ended.out)["sessions"]
    reps = session["sides"]["right"]["internal"]["repetitions"]
    assert [(rep["rep"], rep["peak_deg"], rep["uncertainty_deg"]) for rep in reps] == [(1, None, None), (2, None, None)]
    table = rows(tmp_path / "out")
    assert table[["peak_deg", "live_peak_deg", "range_deg", "uncertainty_deg", "gravity_deg"]].isna().all(axis=None)
    assert list(table.hold_s) == pytest.approx([3.0, 3.0], abs=0.5)
    told = run("remeasure", recorded, "--out", tmp_path / "again")
    assert told.code == 0
    assert "nan" not in told.out.lower(), "a missing number is not shown as one"


@pytest.mark.parametrize("correct", [True, False])
def test_the_log_says_which_correction_was_used(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, correct: bool) -> None:
    replay(monkeypatch)
    play_instead_of_videos(monkeypatch, ReplaySource())
    options = [] if correct else ["--no-correct"]
    assert run("analyze", "clip.mp4", "-d", "seated-internal", "--out", tmp_path / "out", *options).code == 0
    _, info = live_log(tmp_path)
    assert info["settings"]["correct"] is correct
    assert info["correction_version"] == (load_corrections().version if correct else "")
    assert (UNCORRECTED in info["measure_version"]) != correct


def said_of(folder: Path) -> set[tuple[Side, ...]]:
    """Return of which legs the leg network said something, over all frames."""
    return {tuple(sorted(pose.legs)) for pose in read_poses(folder)}


def test_the_log_says_whether_the_leg_network_was_asked_and_what_it_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def logged(*command: object) -> tuple[Path, dict[str, Any]]:
        play_instead_of_videos(monkeypatch, ReplaySource())
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        assert run(*command, "--out", out).code == 0
        (stored,) = session_files(out)
        return stored.parent, strict_json(stored.read_text("utf-8"))

    replay(monkeypatch, legnet=BothLegs)
    analyze = ("analyze", "clip.mp4", "-d", "seated-internal")
    folder, info = logged(*analyze)
    assert info["legnet"] == {key: description()[key] for key in ("version", "sha256")}
    assert info["measure_version"] == MEASURE_VERSION
    assert said_of(folder) == {tuple(Side)}
    again, info_again = logged("remeasure", folder)
    assert [info_again[key] for key in ("legnet", "measure_version")] == [info[key] for key in ("legnet", "measure_version")]
    for name in ("angles.csv", LANDMARKS, LEGS_READ):
        assert unpacked(again / name) == unpacked(folder / name), name
    for command in ((*analyze, "--no-legnet"), ("remeasure", folder, "--no-legnet"), ("remeasure", FIXTURES / "internal_right")):
        without, info = logged(*command)
        assert (info["legnet"], info["measure_version"]) == (None, MEASURE_VERSION + WITHOUT_LEGNET)
        assert not (without / LEGS_READ).exists()
        assert said_of(without) == {()}
    with pytest.raises(RecordError, match="Measure the video again"):
        rotrack.remeasure(without, tmp_path / "never", legnet=True)


def test_a_leg_network_that_is_damaged_is_said_before_anything_is_opened(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, short_clip: Path
) -> None:
    def damaged() -> None:
        raise ModelError("The leg network is damaged; install rotrack again, or use --no-legnet.")

    monkeypatch.setattr(measure, "description", damaged)
    for command in (("analyze", short_clip), ("live", "--camera", short_clip)):
        assert_one_sentence(run(*command, "-d", "seated-internal"), 2, "--no-legnet")
    assert not (tmp_path / "home").exists()


def test_a_cut_off_video_is_measured_and_marked_doubtful(run: Run, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi", demo_frames(0, 60), 30, "MJPG").read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: int(0.6 * len(whole))])
    ended = run("analyze", cut, "-d", "seated-combined")
    assert ended.code == 5
    assert "cut.avi ends after" in ended.out
    assert "copy the video again" in ended.out
    assert "Traceback" not in ended.err
    (stored,) = session_files(tmp_path / "home")
    info = strict_json(stored.read_text("utf-8"))
    assert info["status"] == "finished"
    assert "cut off" in info["warnings"][0]["code"]
    assert info["measured_share"]["left"] > 0


def test_several_people_in_view_are_measured_and_marked_doubtful(run: Run, tmp_path: Path) -> None:
    two = [np.hstack([rgb, rgb]) for rgb in demo_frames(0, 92, 2)]
    ended = run("analyze", write_video(tmp_path / "two.mp4", two, 15), "-d", "seated-combined", "--json")
    assert ended.code == 5
    (session,) = strict_json(ended.out)["sessions"]
    assert "Several people" in session["warnings"][0]
    assert "Several people" in ended.err
    assert "Traceback" not in ended.err


def test_one_person_is_not_doubtful(run: Run, tmp_path: Path, short_clip: Path) -> None:
    ended = run("analyze", short_clip, "-d", "seated-combined", "--person", "Müller, Jörg", "--note", "2 kg")
    assert ended.code == 0
    assert "no repetition found in 1 s" in ended.out
    assert f"kept in {tmp_path / 'home'}" in ended.out
    (stored,) = session_files(tmp_path / "home")
    info = strict_json(stored.read_text("utf-8"))
    assert (info["person"], info["note"], info["status"], info["frames"]) == ("Müller, Jörg", "2 kg", "finished", 36)
    assert (stored.parent / "plot.html").exists()


def test_a_foreign_file_called_reps_csv_is_kept_and_told(run: Run, tmp_path: Path, short_clip: Path) -> None:
    data = tmp_path / "out"
    data.mkdir()
    (data / "reps.csv").write_text("date,weight\n2026-01-01,80\n")
    ended = run("analyze", short_clip, "-d", "seated-combined", "--out", data)
    assert ended.code == 0
    kept = [path for path in data.glob("*.csv") if path.read_text("utf-8-sig") == "date,weight\n2026-01-01,80\n"]
    assert len(kept) == 1
    assert kept[0].name in " ".join(ended.err.split()) or kept[0].name == "reps.csv"


def test_a_new_name_like_a_known_one_is_told(run: Run, tmp_path: Path, short_clip: Path) -> None:
    for name in ("Ana", "anna", " ANA "):
        ended = run("analyze", short_clip, "-d", "seated-combined", "--person", name, "--no-plot")
        assert ended.code == 0
        assert ("New person: anna. Did you mean Ana? Then `rotrack people merge anna Ana`." in ended.err) is (name == "anna")
    sessions, _ = read_sessions(tmp_path / "home")
    assert sorted(session.person for session in sessions) == ["Ana", "Ana", "anna"]
    recorded = Path(shutil.copytree(FIXTURES / "combined_left", tmp_path / "combined_left"))
    info = json.loads((recorded / "session.json").read_text("utf-8"))
    (recorded / "session.json").write_text(json.dumps({**info, "person": "Annna"}), "utf-8")
    assert "New person: Annna. Did you mean" in run("remeasure", recorded).err


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes there")
def test_whatever_is_written_is_for_its_owner_only(run: Run, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert run("remeasure", FIXTURES / "combined_left", "--out", tmp_path / "out").code == 0
        assert run("show", "last", "--plot", "--out", tmp_path / "out").code == 0
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)
    written = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert len(written) > 5
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_signs_in_the_name_of_the_folder_are_printed_as_they_are(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "a[/b]c [bold]x"
    assert f"kept in {data}" in run("remeasure", FIXTURES / "combined_left", "--out", data).out


# ---------------------------------------------------------------------- remeasure
@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "combined_left", tmp_path / "combined_left"))


def test_remeasuring_gives_both_excursions_of_a_combined_repetition(run: Run, tmp_path: Path, recorded: Path) -> None:
    ended = run("remeasure", recorded, "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (0, "")
    assert "2 valid of 2" in ended.out
    assert re.search(r"left\s*│\s*external", ended.out)
    table = rows(tmp_path / "out")
    assert list(table.side) == ["left"] * 4
    assert list(table.rep) == [1, 1, 2, 2]
    assert list(table.direction) == ["external", "internal"] * 2
    assert list(table.peak_deg) == pytest.approx([-22, 28, -30, 35], abs=4)
    assert table.valid.all()
    (stored,) = session_files(tmp_path / "out")
    info = strict_json(stored.read_text("utf-8"))
    assert info["remeasured_from"] == json.loads((recorded / "session.json").read_text("utf-8"))["session_id"]
    assert info["session_id"] != info["remeasured_from"]
    before = json.loads((recorded / "session.json").read_text("utf-8"))
    began = datetime.fromisoformat(info["started_at"])
    assert began == datetime.fromisoformat(before["started_at"]), "it is the movement's own time"
    assert info["session_id"][:15] == before["session_id"][:15]
    assert datetime.fromisoformat(info["remeasured_at"]) > datetime.fromisoformat(info["started_at"])
    row = rows(tmp_path / "out").iloc[0]
    assert (row.remeasured_from, row.started_at) == (before["session_id"], before["started_at"])
    assert row.measure_version == MEASURE_VERSION + WITHOUT_LEGNET, "a session from before there was a leg network"


def test_remeasuring_prints_one_document_and_touches_nothing_else(run: Run, tmp_path: Path, recorded: Path) -> None:
    before = {p: p.read_bytes() for p in recorded.iterdir()}
    ended = run("remeasure", recorded, recorded, "--json", "--out", tmp_path / "out")
    document = strict_json(ended.out)
    assert (ended.code, ended.err, len(document["sessions"])) == (0, "", 2)
    first = document["sessions"][0]["sides"]["left"]
    assert set(first) == {"internal", "external"}
    assert first["internal"]["value_deg"] == pytest.approx(31.5, abs=3)
    assert first["external"]["value_deg"] == pytest.approx(-26, abs=3)
    assert [r["rep"] for r in first["internal"]["repetitions"]] == [1, 2]
    assert {p: p.read_bytes() for p in recorded.iterdir()} == before


def test_remeasuring_what_is_no_session_is_explained(run: Run, tmp_path: Path) -> None:
    assert_one_sentence(run("remeasure", tmp_path), 3, "is not a session")
    assert_one_sentence(run("remeasure", tmp_path / "nowhere"), 3, "is not a session")


def test_one_broken_session_does_not_hide_the_others(run: Run, tmp_path: Path, recorded: Path) -> None:
    (tmp_path / "broken").mkdir()
    ended = run("remeasure", recorded, tmp_path / "broken", "--out", tmp_path / "out")
    assert_one_sentence(ended, 3, "broken is not a session")
    assert "2 valid of 2" in ended.out, "what was measured is shown"
    ended = run("remeasure", tmp_path / "broken", recorded, "--json", "--out", tmp_path / "out")
    assert_one_sentence(ended, 3, "broken is not a session")
    document = strict_json(ended.out)
    assert (len(document["sessions"]), len(document["problems"])) == (1, 1)


def test_several_people_stay_doubtful_when_measured_again(run: Run, tmp_path: Path, recorded: Path) -> None:
    lines = [landmark_line(pose).split(",") for pose in read_poses(recorded)]
    lines = [[*line[:3], "2", *line[4:]] for line in lines]
    with gzip.open(recorded / "landmarks.csv.gz", "wt", newline="") as file:
        file.write(",".join(LANDMARK_COLUMNS) + "\r\n")
        file.writelines(",".join(line) for line in lines)
    ended = run("remeasure", recorded, "--out", tmp_path / "out")
    assert "Several people" in ended.out
    assert ended.code == 5


# ---------------------------------------------------------------------- live, with recorded landmarks for camera and model
class FakeWindow:
    """A window that nobody sees; `press` maps the number of the picture to a key."""

    press: dict[int, Key]
    pictures: list[np.ndarray]

    def __init__(self, size_px: tuple[int, int]) -> None:
        assert size_px == (640, 480)

    def show(self, bgr: np.ndarray) -> Key:
        type(self).pictures.append(bgr.copy())
        return self.press.get(len(self.pictures) - 1, Key.NONE)

    def __enter__(self) -> "FakeWindow":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def live(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `rotrack live` on the recorded session internal_right; `at` are errors and `press` keys by frame."""

    def go(
        *args: object,
        at: dict[int, BaseException] | None = None,
        press: dict[int, Key] | None = None,
        people: int = 1,
    ) -> Ended:
        class Window(FakeWindow):
            pictures: list[np.ndarray] = []  # noqa: RUF012

        class Landmarker(ReplayLandmarker):
            pass

        Window.press, Landmarker.people = press or {}, people
        source = ReplaySource(at=at)
        replay(monkeypatch, Landmarker)
        monkeypatch.setattr(measure, "Window", Window)
        monkeypatch.setattr(measure, "Camera", lambda spec: source)
        monkeypatch.setattr(measure, "pictures", Window.pictures, raising=False)
        ended = run("live", "--drill", "seated-internal", "--out", tmp_path / "out", *args)
        assert source.closed
        return ended

    return go


def live_log(tmp_path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    table = rows(tmp_path / "out")
    (stored,) = session_files(tmp_path / "out")
    return table, strict_json(stored.read_text("utf-8"))


def test_live_measures_to_the_end_and_prints_every_repetition(live: Run, tmp_path: Path) -> None:
    ended = live("--person", "Ana")
    assert ended.code == 0
    table, info = live_log(tmp_path)
    assert list(table.peak_deg) == pytest.approx([15, 25, 35, 20], abs=3)
    assert set(table.person) == {"Ana"}
    assert info["status"] == "finished"
    assert len(re.findall(r"right\s+rep \d\s+internal", ended.out)) >= 3
    assert "4 valid of 4" in ended.out


def test_live_says_what_to_take_care_of_and_warns_of_a_range_that_is_passed(live: Run, tmp_path: Path) -> None:
    def marked() -> int:
        last = measure.pictures[-1].astype(int)
        return int((np.abs(last - WARNING[::-1]) < 14).all(axis=2).sum())

    live("--side", "right", press={300: Key.END})
    without = marked()
    data = tmp_path / "out"
    with locked(data):
        known = known_or_new(data, "Lim")
    limits = (Limit(direction=Direction.INTERNAL, most_deg=20.0), Limit(direction=Direction.EXTERNAL, most_deg=50.0))
    change_person(data, known, limits=limits, avoided=("seated-internal",))
    ended = live("--person", "Lim", "--side", "right", press={300: Key.END})
    assert "Take care: this drill must not be done." in ended.err
    assert "Take care: right leg, internal rotation: not beyond 20 degrees." in ended.err
    assert 1 <= ended.err.count("Not further: 20 degrees is the limit") <= 2, "once each time that it is passed"
    assert marked() > without + 20, "the gauge shows what lies beyond"


def test_live_ends_by_count(live: Run, tmp_path: Path) -> None:
    ended = live("--reps", "2", "--side", "right")
    assert ended.code == 0
    table, info = live_log(tmp_path)
    assert list(table.rep) == [1, 2]
    assert info["frames"] < 400
    assert "2 valid of 2" in ended.out


def test_live_keeps_the_video_when_asked(live: Run, tmp_path: Path) -> None:
    assert live("--video", "--reps", "1", "--side", "right").code == 0
    (kept,) = (tmp_path / "out").glob("sessions/*/annotated.mkv")
    assert VideoFile.probe(kept).frames == live_log(tmp_path)[1]["frames"]


def test_live_follows_who_is_pointed_at(live: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[object] = []
    init = ReplayLandmarker.__init__
    monkeypatch.setattr(
        ReplayLandmarker,
        "__init__",
        lambda self, *args, follow=None, **kind: followed.append(follow) or init(self, *args, **kind),
    )
    assert live("--follow", "320,240", "--reps", "1", "--side", "right").code == 0
    assert followed == [(320.0, 240.0)]


def test_a_wrong_point_is_said_before_the_camera_opens(run: Run) -> None:
    assert_one_sentence(run("live", "--follow", "left"), 2, "two numbers")


@pytest.mark.parametrize("given", [[], ["--camera", "clip.mp4", "--no-open"], ["app", "--port", "0", "--no-legnet"]])
def test_rotrack_alone_is_the_page(run: Run, monkeypatch: pytest.MonkeyPatch, given: list[str]) -> None:
    served: list[Options] = []
    monkeypatch.setattr("rotrack.app.server.serve", lambda options, tell: served.append(options))
    assert run(*given).code == 0
    (options,) = served
    assert (options.camera, options.open_page) == (("clip.mp4", False) if "--camera" in given else ("0", True))
    assert (options.host, options.port, options.legnet) == ("", 0, "--no-legnet" not in given)


def test_live_ends_by_key(live: Run, tmp_path: Path) -> None:
    assert live(press={250: Key.END}).code == 0
    table, info = live_log(tmp_path)
    assert len(measure.pictures) == info["frames"] == 251
    assert list(table.valid) == [True, True, False]  # the third is cut off
    assert len(list(read_poses(session_files(tmp_path / "out")[0].parent))) == 251


def test_live_takes_the_neutral_pose_again_when_asked(live: Run, tmp_path: Path) -> None:
    live("--side", "right", press={115: Key.NEUTRAL})
    _, info = live_log(tmp_path)
    assert len(info["neutrals"]) == 2


def test_band_and_load_are_logged_and_kept_when_measured_again(live: Run, run: Run, tmp_path: Path) -> None:
    assert live("--band", "red", "--load-kg", "2.5", "--note", "slow").code == 0
    table, info = live_log(tmp_path)
    assert (set(table.band), set(table.load_kg), set(table.note)) == ({"red"}, {2.5}, {"slow"})
    assert (info["band"], info["load_kg"]) == ("red", 2.5)
    ended = run("remeasure", session_files(tmp_path / "out")[0].parent, "--json", "--out", tmp_path / "again")
    (again,) = strict_json(ended.out)["sessions"]
    assert (again["band"], again["load_kg"], again["note"]) == ("red", 2.5, "slow")
    assert set(rows(tmp_path / "again").load_kg) == {2.5}


def test_without_a_load_none_is_logged(live: Run, tmp_path: Path) -> None:
    assert live().code == 0
    table, info = live_log(tmp_path)
    assert (set(table.band), table.load_kg.isna().all()) == ({""}, True)
    assert (info["band"], info["load_kg"]) == ("", None)


def test_live_mirrors_only_what_is_shown(live: Run, tmp_path: Path) -> None:
    live("--side", "right", press={100: Key.MIRROR, 150: Key.END})
    before, after = measure.pictures[100], measure.pictures[101]
    gauge = slice(300, 480)
    assert before[gauge, 400:].mean() > 5 > before[gauge, :150].mean(), "in a mirror, the right leg is at the right"
    assert after[gauge, :150].mean() > 5
    live_reps = live_log(tmp_path)[0]
    assert set(live_reps.side) == {"right"}


def test_a_camera_lost_on_the_way_keeps_what_was_measured(live: Run, tmp_path: Path) -> None:
    lost = SourceError("Camera '0' stopped giving pictures; plug it in again. What was measured until then is kept.")
    ended = live(at={300: lost})
    assert_one_sentence(ended, 2, "stopped giving pictures", guided=True)
    table, info = live_log(tmp_path)
    assert list(table.peak_deg)[:2] == pytest.approx([15, 25], abs=3)
    assert info["status"] == "stopped"
    assert "stopped giving pictures" in info["warnings"][0]["code"]
    assert info["frames"] == 300
    folder = session_files(tmp_path / "out")[0].parent
    assert len(list(read_poses(folder))) == 300
    assert load_session(folder).values[0].reps_used == len(table)


def test_control_c_ends_the_session_and_keeps_it(live: Run, tmp_path: Path) -> None:
    ended = live(at={300: KeyboardInterrupt()})
    table, info = live_log(tmp_path)
    assert ended.code == 130
    assert f"Stopped after {info['frames']} frames; kept as {info['session_id']}." in ended.err.replace("\n", " ")
    assert len(table) >= 2
    assert info["status"] == "stopped"
    assert f"{len(table)} valid of {len(table)}" in ended.out


def test_live_with_several_people_is_doubtful(live: Run) -> None:
    ended = live(people=2)
    assert "Several people" in ended.out
    assert ended.code == 5


def test_who_points_at_nobody_is_told(live: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_one_sentence(live("--follow", "640,100"), 2, "640 x 480", guided=True)
    monkeypatch.setattr(ReplayLandmarker, "pointed_at_nobody", True)
    ended = live("--follow", "639,100")
    assert "Nobody was found where you pointed" in ended.out
    assert ended.code == 5


def test_a_camera_that_does_not_exist_is_explained(run: Run, tmp_path: Path) -> None:
    assert_one_sentence(run("live", "--camera", "97"), 2, "Camera '97'", "rotrack doctor", guided=True)
    ended = run("live", "--camera", "no such camera")
    assert_one_sentence(ended, 2, "'no such camera'", "Give a number or a longer name", guided=True)
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_live_without_a_screen_is_explained(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    ended = run("live", "--camera", DEMO)
    assert_one_sentence(ended, 2, "no screen", "rotrack analyze", guided=True)
    assert session_files(tmp_path / "home") == []


# ---------------------------------------------------------------------- analysis that breaks halfway, with recorded landmarks
def break_at_landmark_row(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the disk be full when so many rows of landmarks are written."""
    write, written = writer.landmark_line, []

    def full(pose: Pose) -> str:
        written.append(pose)
        if len(written) > number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(pose)

    monkeypatch.setattr(writer, "landmark_line", full)


def play_instead_of_videos(monkeypatch: pytest.MonkeyPatch, source: ReplaySource) -> None:
    class Played:
        def __new__(cls, path: Path) -> Any:
            return source

        @staticmethod
        def probe(path: Path) -> SourceInfo:
            return source.info

    for module in ("measure.run", "measure.batch", "cli"):
        monkeypatch.setattr(f"rotrack.{module}.VideoFile", Played, raising=False)


@pytest.mark.parametrize("problem", ["unreadable from there on", "disk full", "control-c", "mistake in the program"])
def test_whatever_breaks_halfway_what_was_measured_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: str
) -> None:
    error = {
        "unreadable from there on": SourceError("clip.mp4 cannot be read any further; copy it again."),
        "control-c": KeyboardInterrupt(),
        "mistake in the program": RuntimeError("a mistake"),
    }.get(problem)
    source = ReplaySource(at={300: error} if error else {})
    replay(monkeypatch)
    play_instead_of_videos(monkeypatch, source)
    if problem == "disk full":
        break_at_landmark_row(monkeypatch, 300)
    before = set(threading.enumerate())
    command = ["analyze", "clip.mp4", "-d", "seated-internal", "--out", tmp_path / "out"]
    if problem == "mistake in the program":
        with pytest.raises(RuntimeError, match="a mistake"):
            run(*command)
    else:
        ended = run(*command)
        if problem == "control-c":
            assert ended.code in (0, 130)
            assert re.search(r"[23] valid of [23]", ended.out)
        else:
            assert ended.code == (3 if problem == "disk full" else 2)
            assert "Traceback" not in ended.err
            last = ended.err.strip().splitlines()[-1]
            assert last.startswith("rotrack: ")
            assert ("disk is full" in last) == (problem == "disk full")
    assert source.closed
    assert wait_until(lambda: set(threading.enumerate()) <= before, 20)
    table, info = live_log(tmp_path)
    assert list(table.peak_deg)[:2] == pytest.approx([15, 25], abs=3)
    assert info["status"] == "stopped"
    assert len(list(read_poses(session_files(tmp_path / "out")[0].parent))) == info["frames"] - (problem == "disk full")


def test_a_plot_that_cannot_be_written_does_not_hide_the_results(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object) -> None:
        raise RecordError("The plot plot.html cannot be written (the disk is full); choose another folder with --out.")

    replay(monkeypatch)
    monkeypatch.setattr("rotrack.cli.printing.write_html", refuse)
    for options in ([], ["--json"]):
        play_instead_of_videos(monkeypatch, ReplaySource())
        ended = run("analyze", "clip.mp4", "-d", "seated-internal", "--out", tmp_path / "out", *options)
        assert ended.code == 3
        assert "plot.html cannot be written" in ended.err
        assert "Traceback" not in ended.err
        if options:
            assert len(strict_json(ended.out)["sessions"]) == 1
        else:
            assert "4 valid of 4" in ended.out


# ---------------------------------------------------------------------- validate: folders that are no truth
def truth_folder(folder: Path, **files: str) -> Path:
    folder.mkdir()
    shutil.copy(SAMPLES / "internal_right.gt.csv", folder)
    shutil.copy(SAMPLES / "internal_right.gt.json", folder)
    (folder / "manifest.csv").write_text("clip,drill_ids,moving_side\ninternal_right,seated-internal,right\n")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.mark.parametrize(
    "manifest",
    ["", "date,weight\n1,2\n", "clip,moving_side\nx,left\n", "drill_ids,moving_side\nx,left\n", "\0\0\0"],
    ids=["empty", "other columns", "no drill", "no clip", "zeros"],
)
def test_a_manifest_that_cannot_be_used_is_explained(run: Run, tmp_path: Path, manifest: str) -> None:
    folder = truth_folder(tmp_path / "truth", manifest__csv=manifest)
    assert_one_sentence(run("validate", folder), 2, "manifest.csv", "clip, drill_ids")


def test_a_folder_without_truth_is_explained(run: Run, tmp_path: Path) -> None:
    assert_one_sentence(run("validate", tmp_path), 2, "no usable manifest.csv")
    assert_one_sentence(run("validate", tmp_path / "nowhere"), 2, "no usable manifest.csv")
    assert_one_sentence(run("validate", SAMPLES, "--only", "nothing-like-it"), 2, "nothing-like-it")


BROKEN_TRUTH = {
    "other columns": {"internal_right.gt.csv": "t,angle\n0,1\n"},
    "empty curve": {"internal_right.gt.csv": ""},
    "cut off": {"internal_right.gt.json": "{"},
    "no side": {"internal_right.gt.json": "{}"},
    "a list": {"internal_right.gt.json": "[]"},
    "no plateau": {"internal_right.gt.json": '{"side": "right", "reps": [{"start": 1}]}'},
}


@pytest.mark.parametrize("broken", BROKEN_TRUTH)
def test_broken_truth_is_explained(run: Run, tmp_path: Path, broken: str) -> None:
    folder = truth_folder(tmp_path / "truth", **BROKEN_TRUTH[broken])
    assert_one_sentence(run("validate", folder), 2, "truth of internal_right is missing or damaged")


# ---------------------------------------------------------------------- the real thing
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "cut", "avi"])
def test_the_decoder_itself_says_nothing(tmp_path: Path, kind: str) -> None:
    """Its own complaints would come on top of ours; only a fresh process shows whether they are silenced."""
    if kind == "avi":
        path = write_video(tmp_path / "cut.avi", demo_frames(0, 60), 30, "MJPG")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
        ended = run_rotrack(tmp_path / "data", "analyze", path, "-d", "seated-combined", "--video")
        assert (ended.code, ended.err.strip()) == (5, "")
    else:
        path = make_bad_video(tmp_path, kind)
        assert_one_sentence(run_rotrack(tmp_path / "data", "analyze", path, "-d", "seated-combined"), 2, path.name)


@pytest.mark.slow
def test_two_clips_in_parallel_give_one_document(tmp_path: Path) -> None:
    clips = [SAMPLES / "internal_right.mp4", SAMPLES / "both_internal.mp4"]
    missing = tmp_path / "missing.mp4"
    ended = run_rotrack(tmp_path / "data", "analyze", *clips, missing, "-d", "seated-internal", "--json", "--no-plot")
    document = strict_json(ended.out)
    assert_one_sentence(ended, 2, "missing.mp4")
    assert [s["video"] for s in document["sessions"]] == [str(c) for c in clips]
    assert [p["video"] for p in document["problems"]] == [str(missing)]
    one, both = document["sessions"]
    assert set(one["sides"]) == {"right"}
    assert set(both["sides"]) == {"left", "right"}
    internal = one["sides"]["right"]["internal"]
    assert [r["peak_deg"] for r in internal["repetitions"]] == pytest.approx([15, 25, 35, 20], abs=3)
    assert [r["rep"] for r in internal["repetitions"]] == [1, 2, 3, 4]
    assert internal["value_deg"] == pytest.approx((25 + 35 + 20) / 3, abs=2.5)
    assert (internal["reps_used"], internal["reps_valid"], internal["reps_total"]) == (3, 4, 4)
    right, left = (both["sides"][side]["internal"] for side in ("right", "left"))
    assert [r["peak_deg"] for r in right["repetitions"]] == pytest.approx([18, 30, 24, 34], abs=4)
    assert len(left["repetitions"]) == 4
    assert left["value_deg"] == pytest.approx(0.8 * right["value_deg"], rel=0.15)
    table = rows(tmp_path / "data")
    assert len(table) == 12
    assert sorted(table.session_id.unique()) == sorted(s["session_id"] for s in document["sessions"])
    for session in document["sessions"]:
        assert (Path(session["folder"]) / "angles.csv").exists()
        assert not (Path(session["folder"]) / "plot.html").exists()
        assert session["measured_share"]["right"] > 0.8


@pytest.mark.slow
def test_analyze_prints_the_session_value_and_writes_video_and_plot(tmp_path: Path) -> None:
    clip = SAMPLES / "internal_right.mp4"
    options = ["-d", "seated-internal", "-s", "right", "--model", "full", "--video", "--person", "Ana"]
    ended = run_rotrack(tmp_path / "data", "analyze", clip, *options)
    assert ended.code == 0
    assert "Traceback" not in ended.err
    row = next(line for line in ended.out.splitlines() if re.search(r"right\s*│\s*internal", line))
    assert "best 3" in row
    assert "4 valid of 4" in row
    shown = re.search(r"([\d.]+) ± ([\d.]+)°", row)
    assert shown is not None
    value_deg, error_deg = map(float, shown.groups())
    assert value_deg == pytest.approx((25 + 35 + 20) / 3, abs=4)
    assert 1 < error_deg < 8
    (stored,) = session_files(tmp_path / "data")
    assert strict_json(stored.read_text("utf-8"))["model"] == "full"
    assert {p.name for p in stored.parent.iterdir()} == {
        "session.json",
        "repetitions.csv",
        "angles.csv",
        "landmarks.csv.gz",
        "legs.csv.gz",
        "annotated.mkv",
        "plot.html",
    }
    table = rows(tmp_path / "data")
    assert set(table.person) == {"Ana"}
    again = run_rotrack(tmp_path / "data", "remeasure", stored.parent, "--json")
    reps = strict_json(again.out)["sessions"][0]["sides"]["right"]["internal"]["repetitions"]
    assert [round(r["peak_deg"], 2) for r in reps] == list(table.peak_deg), "measured again, it is the same to the last digit"
    folder = Path(strict_json(again.out)["sessions"][0]["folder"])
    for name in ("angles.csv", "landmarks.csv.gz", "legs.csv.gz"):
        assert unpacked(folder / name) == unpacked(stored.parent / name), name


@pytest.mark.slow
def test_demo_writes_log_video_and_plot_that_open_offline(tmp_path: Path) -> None:
    ended = run_rotrack(tmp_path / "data", "demo", "--out", tmp_path / "demo")
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    table = rows(tmp_path / "demo")
    assert list(table.side) == ["left"] * 4
    assert list(table.rep) == [1, 1, 2, 2]
    assert list(table.direction) == ["external", "internal"] * 2
    assert list(table.peak_deg) == pytest.approx([-22, 28, -30, 35], abs=4)
    paths = {word: Path(path) for word, path in re.findall(r"^(log|video|plot) +(\S+)$", ended.out, re.MULTILINE)}
    assert paths["log"] == tmp_path / "demo" / "reps.csv"
    video = cv2.VideoCapture(str(paths["video"]))
    frames = 0
    while True:
        ok, picture = video.read()
        if not ok:
            break
        frames += 1
        last = picture
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(30, abs=0.01)
    assert abs(frames - len(demo_frames())) <= 1
    assert last.shape == (480, 640, 3)
    changed = np.abs(last[340:, :250].astype(int) - cv2.cvtColor(demo_frames()[-1], cv2.COLOR_RGB2BGR)[340:, :250])
    assert changed.mean() > 10, "the gauge is drawn in"
    page = paths["plot"].read_text("utf-8")
    assert len(page) > 1_000_000, "the plotting library is in the page"
    assert not re.search(r'<(script|link)[^>]+(src|href)="?https?:', page)
    assert not (tmp_path / "data").exists(), "the demo is logged apart"


@pytest.mark.slow
def test_validate_prints_the_errors_of_a_clip(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    options = ("--only", "internal_right", "--out", table, "--state", tmp_path / "state")
    ended = run_rotrack(tmp_path / "data", "validate", SAMPLES, *options)
    assert ended.code == 0
    line = next(line for line in ended.out.splitlines() if line.startswith("internal_right"))
    assert "4 of 4" in line
    assert ended.out.startswith("seated-internal\n")
    assert "1 moving leg: " in ended.out
    assert "both_internal" not in ended.out
    rows = pd.read_csv(table)
    assert list(rows.side) == ["left", "right"]
    moving = rows[rows.moves == "yes"].iloc[0]
    assert (moving.side, moving.reps_found, moving.reps_invented) == ("right", 4, 0)
    assert moving.mae_deg < 2.5
    assert moving.peak_mae_deg < 3
    assert moving.true_value_deg == pytest.approx(26.7, abs=1)
    assert not (tmp_path / "data").exists(), "validation is not a session of the person"


@pytest.mark.slow
def test_doctor_finds_this_computer_well_and_leaves_cameras_alone(tmp_path: Path) -> None:
    ended = run_rotrack(tmp_path / "data", "doctor", "--no-cameras")
    assert (ended.code, ended.err.strip()) == (0, "")
    for words in (
        "mediapipe 0.10",
        "model heavy",
        "model full",
        "leg network",
        "checksum right",
        "frames per second",
        "GB free",
        "cameras",
    ):
        assert words in re.sub(r"\s+", " ", ended.out), words
    assert str(tmp_path / "data") in ended.out


@pytest.mark.slow
def test_doctor_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    ended = run_rotrack(taken, "doctor", "--no-cameras")
    assert ended.code == 3
    assert "is no folder; say with ROTRACK_HOME" in re.sub(r"\s+", " ", ended.err)
    assert "Traceback" not in ended.err


@pytest.mark.slow
def test_output_survives_a_terminal_with_few_letters(tmp_path: Path, recorded: Path) -> None:
    """Windows redirects output in an old encoding that does not know every name."""
    info = json.loads((recorded / "session.json").read_text("utf-8"))
    info["person"], info["source"]["name"] = "Łukasz", "poniedziałek 😀.mp4"
    (recorded / "session.json").write_text(json.dumps(info), "utf-8")
    for options in ([], ["--json"]):
        ended = run_rotrack(tmp_path / "data", "remeasure", recorded, *options, PYTHONUTF8="0", PYTHONIOENCODING="cp1252")
        assert "Traceback" not in ended.err, ended.err[-300:]
        assert ended.code == 0
    assert strict_json(ended.out)["sessions"][0]["person"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no process groups there")
@pytest.mark.parametrize("clips", [1, 2])
def test_control_c_ends_a_real_analysis_and_keeps_what_was_measured(tmp_path: Path, clips: int) -> None:
    """A terminal sends it to all processes at once."""
    data = tmp_path / "data"
    command = [sys.executable, "-m", "rotrack", "analyze", *[str(DEMO)] * clips, "-d", "seated-combined", "--out", str(data)]
    pipe, env = subprocess.PIPE, environment(tmp_path / "home")
    process = subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=env, start_new_session=True, preexec_fn=obey_control_c
    )

    def measured() -> bool:
        curves = [path.read_bytes() for path in data.glob("sessions/*/angles.csv")]
        return len(curves) == clips and all(len(curve) > 2000 for curve in curves)

    try:
        assert wait_until(measured), process.communicate()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=PATIENT_S)
    finally:
        stop(process)
    assert process.returncode == 130
    assert "Traceback" not in err, err
    stored = [strict_json(path.read_text("utf-8")) for path in session_files(data)]
    assert [info["status"] for info in stored] == ["stopped"] * clips
    assert all(0 < info["frames"] < 400 for info in stored)
    for info in stored:
        assert f"Stopped after {info['frames']} of 400 frames; kept as {info['session_id']}." in err


def test_control_c_between_videos_says_what_became_of_each(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first is measured, the second stopped before its first picture, the third not begun."""
    folder = log_session(tmp_path / "there", reps=FOUR)
    outcomes = iter([Outcome(Path("one.mp4"), load_session(folder)), KeyboardInterrupt()])

    def measured(*_: object) -> Outcome:
        outcome = next(outcomes)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("rotrack.measure.batch.run_job", measured)
    monkeypatch.setattr("rotrack.measure.batch._cores", lambda: 1)
    videos = [tmp_path / f"{name}.mp4" for name in ("one", "two", "three")]
    ended = run("analyze", *videos, "-d", "seated-internal", "--no-plot", "--no-legnet")
    assert ended.code == 130
    assert "4 valid of 4" in ended.out
    assert [line for line in ended.err.splitlines() if line] == [
        f"rotrack: Stopped before anything of {name} was measured; nothing of it is kept." for name in ("two.mp4", "three.mp4")
    ]


def test_control_c_elsewhere_says_what_is_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rotrack.cli.history.read_sessions", interrupted)
    assert run("history") == Ended(130, "", "rotrack: Stopped. Nothing was changed.\n")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rotrack", "drills"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment(tmp_path))
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.wait(PATIENT_S)
