"""What a shell can complete after TAB: drills, people, sessions.

It is asked for at every press of that key, so it reads nothing but names, and loads nothing that measures.
"""

from __future__ import annotations

import json
import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from rotrack.errors import RecordError
from rotrack.records.folders import data_folder, session_folders

LATEST = "last"
"""Stands for the latest session wherever one is asked for."""
_ASKED = "_ROTRACK_COMPLETE"
"""Set by the script of a shell, to its name."""
_DRILL, _PERSON, _SESSION, _OUT = ("--drill", "-d"), ("--person", "-p"), ("--session",), ("--out", "-o")
_GROUPS = ("people", "calibrate")
"""Commands after which another one is typed."""
_OF_SESSIONS = ("show", "drop", "note", "remeasure")
"""Commands whose arguments are sessions."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a shell asks for.

    Parameters
    ----------
    command : str
        The command that is being typed; empty as long as it is not complete.
    is_value : bool
        Whether it asks for a drill, a person, a session or a file, for which nothing need be known of the command.
    """

    command: str
    is_value: bool


def asked_for() -> Asked | None:
    """Return what the shell asks for; None if the program is simply run."""
    asked = os.environ.get(_ASKED)
    if not asked:
        return None
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    words = line.split()[1:]
    # PowerShell trims the line and says apart what has been typed of the last word.
    typing = bool(os.environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE")) if _is_powershell(asked) else not line[-1:].isspace()
    typed = words.pop() if words and typing else ""
    if not words:
        return Asked("", False)
    after = words[-1]
    known = after in (*_DRILL, *_PERSON, *_SESSION, *_OUT)
    is_option = after.startswith("-") or typed.startswith("-")
    return Asked(words[0], known or not (is_option or words[0] in _GROUPS))


def drills(incomplete: str) -> list[tuple[str, str]]:
    """Return the ids of drills that begin so, with their titles."""
    table = tomllib.loads(resources.files("rotrack").joinpath("drills.toml").read_text("utf-8"))["drill"]
    return [(key, drill["title"]) for key, drill in table.items() if key.startswith(incomplete)]


def people(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of people that begin so, as the shell wants them written."""
    names = sorted(name for path in _data(ctx).glob("people/*/person.json") if (name := _name(path)))
    return [written(name, os.environ[_ASKED]) for name in names if name.startswith(incomplete)]


def sessions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of sessions that begin so, the latest first, after the word for the latest."""
    try:
        ids = [folder.name for folder in reversed(session_folders(_data(ctx)))]
    except RecordError:
        return []
    return [name for name in (LATEST, *ids) if name.startswith(incomplete)]


def _of_command(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]] | list[str]:
    if ctx.info_name in _OF_SESSIONS:
        return sessions(ctx, incomplete)
    return drills(incomplete) if ctx.info_name == "drills" else []


def values(
    arguments: Annotated[list[str] | None, typer.Argument(autocompletion=_of_command)] = None,
    drill: Annotated[str, typer.Option(*_DRILL, autocompletion=drills)] = "",
    person: Annotated[str, typer.Option(*_PERSON, autocompletion=people)] = "",
    session: Annotated[str, typer.Option(*_SESSION, autocompletion=sessions)] = "",
    out: Annotated[Path | None, typer.Option(*_OUT)] = None,
) -> None:
    """Stand for a command of which a value is to be completed: what is asked for means the same in all commands."""


def written(name: str, asked: str) -> str:
    """Return a name as it stands on the command line of the shell that asks."""
    if asked.endswith("bash"):
        return "".join(letter if letter.isalnum() or letter in "-_." else f"\\{letter}" for letter in name)
    if _is_powershell(asked) and not name.isalnum():
        return "'{}'".format(name.replace("'", "''"))
    return name  # the others quote it themselves


def _is_powershell(asked: str) -> bool:
    return asked.endswith(("powershell", "pwsh"))


def _data(ctx: typer.Context) -> Path:
    return data_folder(ctx.params.get("out"))


def _name(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(path.read_text("utf-8"))["name"])
    return ""
