"""Completion in real shells: installed as the README says, then TAB is pressed and what the command is given is looked at."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import PATIENT_S, environment, needs
from made_sessions import write

pytestmark = pytest.mark.slow
SHELLS = [pytest.param(shell, marks=needs(shell)) for shell in ("bash", "zsh", "fish")]
_STAND_IN = """#!/bin/sh
# Completes and installs as rotrack does; anything else only tells what it was given.
if [ -n "$_ROTRACK_COMPLETE" ] || [ "$1" = --install-completion ]; then exec {python} -m rotrack "$@"; fi
printf '<%s>' "$@"; echo '<end>'
"""
Type = Callable[[str], str]


@contextmanager
def typing_in(shell: str, env: dict[str, str]) -> Iterator[Type]:
    """Start a shell in a terminal; yield what types a line into it and returns all that is shown until the command ends."""
    child, terminal = pty.fork()
    if not child:
        os.execvpe(shell, [shell, "-i"], env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))

    def type_line(line: str, until: str = "<end>") -> str:
        os.write(terminal, line.encode())
        shown, give_up_s = "", time.monotonic() + PATIENT_S
        while until not in shown:
            assert select.select([terminal], [], [], max(give_up_s - time.monotonic(), 0))[0], shown
            shown += re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", os.read(terminal, 65536).decode("utf-8", "replace"))
        return shown

    try:
        type_line("echo rea''dy\r", "ready\r\n")
        yield type_line
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


@pytest.mark.skipif(sys.platform == "win32", reason="other shells there")
@pytest.mark.parametrize("shell", SHELLS)
def test_tab_gives_commands_drills_people_and_sessions(shell: str, tmp_path: Path) -> None:
    data, home, programs = tmp_path / "data", tmp_path / "home", tmp_path / "programs"
    first, second = (write(data, day, person=name) for day, name in ((1, "Ana Maria"), (2, "Bo")))
    home.mkdir()
    programs.mkdir()
    (home / ".zshrc").touch()  # without it zsh asks who it is for
    stand_in = programs / "rotrack"
    stand_in.write_text(_STAND_IN.format(python=sys.executable))
    stand_in.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    env = environment(data, HOME=str(home), PATH=path, TERM="xterm", XDG_CONFIG_HOME=str(home / ".config"))
    with typing_in(shell, env) as type_line:
        type_line("rotrack --install-completion; echo '<'end'>'\r")
    with typing_in(shell, env) as type_line:

        def given(line: str) -> list[str]:
            """Return what rotrack is given when TAB is pressed at the end of a line, and then Enter."""
            told = re.search(r"((?:<[^<>]*>)+)<end>", type_line(f"{line}\t\r"))
            return re.findall(r"<([^<>]*)>", told[1]) if told else []

        assert given("rotrack rem") == ["remeasure"]
        assert given("rotrack analyze monday.mp4 --drill lunge-e") == ["analyze", "monday.mp4", "--drill", "lunge-external"]
        assert given("rotrack drills zst-c") == ["drills", "zst-confidence"]
        assert given("rotrack history --person A") == ["history", "--person", "Ana Maria"]
        assert given("rotrack drop 20260102") == ["drop", second]
        assert given("rotrack people give 20260101") == ["people", "give", first]
        listed = type_line("rotrack re\t\tport\r")
        assert "remeasure" in listed, "where several fit, they are listed"
