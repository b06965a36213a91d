"""What a shell completes after TAB, asked for as the shells' scripts do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import log_session, run_main

from rotrack.cli.completion import Asked, asked_for, written

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Complete:
    """Return what bash is told when TAB is pressed at the end of a line."""
    data = tmp_path / "home"
    monkeypatch.setenv("ROTRACK_HOME", str(data))
    monkeypatch.setattr("sys.argv", ["rotrack"])

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_ROTRACK_COMPLETE", "complete_bash")
        return [value for value in run_main(monkeypatch, capfd).out.split("\n") if value]

    return ask


def test_commands_drills_people_and_sessions_are_completed(complete: Complete, tmp_path: Path) -> None:
    first, second = (log_session(tmp_path / "home", day).name for day in (1, 2))
    for number, name in enumerate(("Ana Maria", "Bo")):
        folder = tmp_path / "home" / "people" / f"p{number}"
        folder.mkdir(parents=True)
        (folder / "person.json").write_text(json.dumps({"id": folder.name, "name": name}), "utf-8")
    assert complete("rotrack re") == ["remeasure", "report"]
    assert complete("rotrack analyze x.mp4 -d lunge-") == ["lunge-external", "lunge-internal"]
    assert complete("rotrack drills zst-c") == ["zst-confidence"]
    assert complete("rotrack history --person ") == ["Ana", "Ana\\ Maria", "Bo"]
    assert complete("rotrack people show B") == ["Bo"]
    assert complete("rotrack drop ") == ["last", second, first]
    assert complete("rotrack delete --session 20260102") == [second]
    assert "--no-legnet" in complete("rotrack live --no")
    assert complete("rotrack analyze ") == [], "the shell offers files"


def test_a_value_is_asked_for_without_loading_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(shell: str, **line: str) -> Asked | None:
        for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_WORD_TO_COMPLETE"):
            monkeypatch.setenv(name, line.get(name, ""))
        monkeypatch.setenv("_ROTRACK_COMPLETE", shell and f"complete_{shell}")
        return asked_for()

    assert asked("") is None
    assert asked("zsh", _TYPER_COMPLETE_ARGS="rotrack li") == Asked("", False)
    assert asked("zsh", _TYPER_COMPLETE_ARGS="rotrack live --drill se") == Asked("live", True)
    assert asked("fish", _TYPER_COMPLETE_ARGS="rotrack live ") == Asked("live", True)
    assert asked("bash", COMP_WORDS="rotrack\nlive\n--dr") == Asked("live", False)
    # PowerShell trims the line.
    assert asked("powershell", _TYPER_COMPLETE_ARGS="rotrack live --drill") == Asked("live", True)
    powershell = {"_TYPER_COMPLETE_ARGS": "rotrack live --dr", "_TYPER_COMPLETE_WORD_TO_COMPLETE": "--dr"}
    assert asked("powershell", **powershell) == Asked("live", False)
    assert asked("bash", COMP_WORDS="rotrack\npeople\nsh") == Asked("people", False), "a command of the group comes next"


@pytest.mark.parametrize(
    ("shell", "line"),
    [("complete_bash", "D\\'Arcy\\ \\(Ana\\)"), ("complete_powershell", "'D''Arcy (Ana)'"), ("complete_zsh", "D'Arcy (Ana)")],
)
def test_names_are_written_as_the_shell_reads_them(shell: str, line: str) -> None:
    assert written("D'Arcy (Ana)", shell) == line
