"""Ctrl-C, a lost camera and a full disk in every command that can meet them: one sentence that says what is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers import FIXTURES, Ended, ReplayLandmarker, ReplaySource, assert_one_sentence, everything, replay, run_main
from made_sessions import write
from test_log import mount

import rotrack
from rotrack.__main__ import main
from rotrack.calibration.profiles import Known
from rotrack.core.errors import SourceError
from rotrack.core.model import Pose
from rotrack.records.landmarks import read_poses
from rotrack.records.record import Status
from rotrack.records.session import counting
from rotrack.records.store import read_sessions

Run = Callable[..., Ended]
small_disk = mount
NOT_DELETED = "What is not deleted yet is still there; run it again."
MEASURED = "What was measured is kept; `rotrack history` lists it."
READINGS = """taken_at,person,drill,side,direction,value_deg,instrument
2026-01-01 08:30,Ana,seated-internal,left,internal,33,goniometer
2026-01-02 08:30,Ana,seated-internal,left,internal,34,goniometer
2026-01-03 08:30,Ana,seated-internal,left,internal,36,goniometer
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "data"))
    return partial(run_main, monkeypatch, capfd)


def sample(data: Path) -> Path:
    for day in (1, 2, 3, 4):
        write(data, day)
    return data


# ---------------------------------------------------------------------- Ctrl-C
@pytest.mark.parametrize(
    ("command", "at", "kept"),
    [
        (("history",), "history.read_sessions", "Nothing was changed."),
        (("show", "last"), "sessions.find_session", "Nothing was changed."),
        (("progress",), "progress.read_progress", "Nothing was changed."),
        (("agreement",), "readings.read_readings", "Nothing was changed."),
        (("report",), "report.write_report", "No file is half written."),
        (("export", "--to", "x.csv"), "export.destinations", "No file is half written."),
        (("note", "last", "x"), "sessions.describe_session", "The session was changed completely or not at all."),
        (("drop", "last", "1"), "sessions.drop_rep", "The session was changed completely or not at all."),
        (("delete", "--session", "last", "--yes"), "sessions.delete_session", NOT_DELETED),
        (("people", "rename", "Ana", "Bo"), "people.rename_person", "Run the same command again: it finishes what was begun."),
        (("doctor",), "doctor.checkup", "What was repaired stays repaired."),
        (("validate", "."), "validate.validate_folder", "The results of complete clips are kept; run it again to go on."),
        (("analyze", "x.mp4", "-d", "seated-internal"), "measure.count_frames", MEASURED),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_control_c_says_in_one_sentence_what_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...], at: str, kept: str
) -> None:
    sample(tmp_path / "data")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"rotrack.cli.{at}", interrupted)
    ended = run(*command)
    assert_one_sentence(ended, 130, f"Stopped. {kept}")


def test_control_c_while_the_demo_is_measured_keeps_what_there_is(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replay(monkeypatch)
    monkeypatch.setattr("rotrack.measure.run.VideoFile", lambda *_: ReplaySource(at={300: KeyboardInterrupt()}))
    ended = run("demo")
    ((session,), _) = read_sessions(tmp_path / "data" / "demo")
    assert (ended.code, session.record.status) == (130, Status.STOPPED)
    assert f"; kept as {session.id}." in ended.err
    assert "Next:" not in ended.out


def test_control_c_before_the_first_frame_keeps_nothing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replay(monkeypatch)
    monkeypatch.setattr("rotrack.measure.run.VideoFile", lambda *_: ReplaySource(at={0: KeyboardInterrupt()}))
    ended = run("demo")
    assert ended.code == 130
    assert "nothing of it is kept" in " ".join(ended.err.split())
    assert [*(tmp_path / "data" / "demo" / "sessions").iterdir()] == []


def test_control_c_while_a_session_is_measured_again_leaves_the_earlier_reading_in_its_place(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = rotrack.remeasure(FIXTURES / "internal_right", tmp_path / "data")

    def broken_off(*of: object) -> Iterator[Pose]:
        for number, pose in enumerate(read_poses(*of)):
            if number == 200:
                raise KeyboardInterrupt
            yield pose

    with monkeypatch.context() as patched:
        patched.setattr("rotrack.measure.run.read_poses", broken_off)
        assert run("remeasure", "last").code == 130
    sessions, _ = read_sessions(tmp_path / "data")
    assert {session.record.status for session in sessions} == {Status.FINISHED, Status.STOPPED}
    assert counting(sessions).id == first.id
    assert "4 of 4" in run("history").out


def test_control_c_while_sessions_are_measured_again_ends_all_of_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken_off(*of: object) -> Iterator[Pose]:
        for number, pose in enumerate(read_poses(*of)):
            if number == 200:
                raise KeyboardInterrupt
            yield pose

    monkeypatch.setattr("rotrack.measure.run.read_poses", broken_off)
    ended = run("remeasure", FIXTURES / "internal_right", FIXTURES / "external_right")
    ((session,), _) = read_sessions(tmp_path / "data")
    assert ended.code == 130
    assert f"Stopped after 200 frames; kept as {session.id}." in " ".join(ended.err.split())


# ---------------------------------------------------------------------- an address for a file
def test_the_password_of_an_address_that_is_no_file_is_not_printed(run: Run) -> None:
    ended = run("analyze", "rtsp://ana:secret@127.0.0.1:9/s", "-d", "seated-internal")
    assert_one_sentence(ended, 2, "An address is no video file.")
    assert "secret" not in ended.err


# ---------------------------------------------------------------------- a camera that is lost, or Ctrl-C before it
LOST = "Camera '0' stopped giving pictures; plug it in again."


@pytest.mark.parametrize(
    "command",
    [("check",), ("calibrate", "camera"), ("calibrate", "floor"), ("calibrate", "personal", "-p", "Ana")],
    ids=lambda command: command[-1] if len(command) < 3 else command[1],
)
@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "control-c"])
def test_whatever_ends_the_looking_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...], is_lost: bool
) -> None:
    source = ReplaySource(at={5: SourceError(LOST) if is_lost else KeyboardInterrupt()})
    replay(monkeypatch)
    for module in ("check", "calibrate"):
        monkeypatch.setattr(f"rotrack.cli.{module}.Camera", lambda *_: source)
        monkeypatch.setattr(f"rotrack.cli.{module}.Landmarker", ReplayLandmarker)
    monkeypatch.setattr("rotrack.calibration.choice.for_camera", lambda source, *_: (Known(), source))
    options = ("--no-legnet",) if command == ("check",) else ("--no-window",)
    ended = run(*command, *options)
    nothing = "A check logs nothing." if command == ("check",) else "No profile was written."
    assert_one_sentence(ended, 2 if is_lost else 130, LOST if is_lost else f"Stopped. {nothing}", guided=True)
    assert source.closed
    assert not (tmp_path / "data").exists()


# ---------------------------------------------------------------------- a full disk
def fill(disk: Path) -> None:
    """Leave not a byte on a disk."""
    file = os.open(disk / "filler", os.O_CREAT | os.O_WRONLY)
    for size in (4096, 1):
        try:
            while True:
                os.write(file, b"x" * size)
        except OSError:
            pass
    os.close(file)


def test_a_full_disk_is_one_sentence_everywhere_and_can_be_freed(
    run: Run, small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = sample(small_disk("size=2m"))
    write(disk, 5, person="Bo")
    other = sample(tmp_path / "other")
    write(other, 6, person="Zoe")
    typed = tmp_path / "typed.csv"
    typed.write_text(READINGS)
    assert run("import", typed, "--out", disk).code == 0
    run("history", "--out", disk)
    fill(disk)
    before = everything(disk)
    for command in (
        ("note", "last", "x"),
        ("drop", "last", "1"),
        ("people", "set", "Ana", "--notes", "x"),
        ("people", "rename", "Ana", "Cleo"),
        ("people", "merge", "Bo", "Ana"),
        ("people", "give", "last", "Ana"),
        ("people", "archive", "Bo"),
        ("export", "--to", disk / "x.csv"),
        ("report", "--person", "Ana", "--to", disk / "x.html"),
        ("history", "--csv", disk / "x.csv"),
        ("import", other),
        ("import", "--template", disk / "x.csv"),
        ("show", "last", "--plot"),
        ("remeasure", FIXTURES / "combined_left"),
    ):
        assert_one_sentence(run(*command, "--out", disk), 3, "the disk is full: free some space")
    assert_one_sentence(run("calibrate", "print", "--out", disk / "sheets"), 3, "the disk is full")
    ended = run("agreement", "--plot", disk / "x.html", "--out", disk)
    assert (ended.code, "the disk is full" in ended.err) == (3, True)
    left = {path: content for path, content in everything(disk).items() if not path.startswith("sheets")}
    assert {path: left.get(path) for path in before} == before, "what was there is as it was"
    for command in (("history",), ("show", "last"), ("progress",), ("people",)):
        assert run(*command, "--out", disk).code == 0, "looking needs no space"
    assert run("delete", "--session", "last", "--yes", "--out", disk).code == 0
    assert run("delete", "--person", "Ana", "--yes", "--out", disk).code == 0


# ---------------------------------------------------------------------- while the program loads
def test_control_c_while_the_commands_load_is_one_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "rotrack.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "rotrack.cli")
    monkeypatch.delattr(rotrack, "cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])
    with pytest.raises(SystemExit, match="130"):
        main()
    assert capsys.readouterr().err == "Stopped.\n"
