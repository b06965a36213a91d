"""What a shell completes after TAB, asked for as the shells' scripts do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import log_session, run_main

from rotrack.cli import taken
from rotrack.cli.completion import FILE, asked_of, written

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
    assert complete("rotrack analyze ") == [], "the shell offers files"


def test_options_and_commands_of_groups_are_completed(complete: Complete) -> None:
    assert "--no-legnet" in complete("rotrack live --no")
    assert complete("rotrack people re") == ["rename"]
    assert complete("rotrack people set --affected-side l") == ["left"]
    assert complete("rotrack calibrate floor --no-w") == ["--no-window"]
    assert complete("rotrack delete --h") == ["--help"]


def test_what_the_commands_take_is_what_the_package_says_of_them() -> None:
    """Otherwise: python -m rotrack.cli.taken."""
    assert FILE.read_text("utf-8") == taken.made()


def test_whatever_is_a_drill_a_person_or_a_session_is_completed() -> None:
    values = {"drill": "drills", "person": "people", "session": "sessions"}
    commands = [each for group in json.loads(FILE.read_text("utf-8")).values() for each in group.values()]
    asked = [(parameter["name"], parameter.get("values")) for command in commands for parameter in command["takes"]]
    named = [(name, found) for name, found in asked if name in values]
    assert len(named) > 20
    assert [(name, found) for name, found in named if found != values[name]] == []


def test_no_command_is_loaded_to_complete_it(complete: Complete, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes three times as long as to complete."""

    def load(name: str) -> None:
        raise AssertionError(f"{name} is loaded")

    monkeypatch.setattr("rotrack.cli.import_module", load)
    for line in ("rotrack live --dr", "rotrack live --drill lunge-", "rotrack people set --", "rotrack drop "):
        assert complete(line)


def test_the_command_is_known_of_which_a_shell_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(shell: str, **line: str) -> str | None:
        for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_WORD_TO_COMPLETE"):
            monkeypatch.setenv(name, line.get(name, ""))
        monkeypatch.setenv("_ROTRACK_COMPLETE", shell and f"complete_{shell}")
        return asked_of()

    assert asked("") is None
    assert asked("zsh", _TYPER_COMPLETE_ARGS="rotrack li") == ""
    assert asked("zsh", _TYPER_COMPLETE_ARGS="rotrack live --drill se") == "live"
    assert asked("fish", _TYPER_COMPLETE_ARGS="rotrack live ") == "live"
    assert asked("bash", COMP_WORDS="rotrack\nlive") == ""
    assert asked("bash", COMP_WORDS="rotrack\nlive\n--dr") == "live"
    # PowerShell trims the line.
    assert asked("powershell", _TYPER_COMPLETE_ARGS="rotrack live") == "live"
    assert asked("powershell", _TYPER_COMPLETE_ARGS="rotrack li", _TYPER_COMPLETE_WORD_TO_COMPLETE="li") == ""


@pytest.mark.parametrize(
    ("shell", "line"),
    [("complete_bash", "D\\'Arcy\\ \\(Ana\\)"), ("complete_powershell", "'D''Arcy (Ana)'"), ("complete_zsh", "D'Arcy (Ana)")],
)
def test_names_are_written_as_the_shell_reads_them(shell: str, line: str) -> None:
    assert written("D'Arcy (Ana)", shell) == line
