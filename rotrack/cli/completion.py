"""What a shell can complete after TAB: commands, options, drills, people, sessions.

It is asked for at every press of that key, so it reads nothing but names, and loads nothing that measures: not even the command
that is being typed, see `rotrack.cli.taken`.
"""

from __future__ import annotations

import inspect
import json
import os
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rotrack.core.errors import RecordError
from rotrack.records.folders import data_folder, session_folders

LATEST = "last"
"""Stands for the latest session wherever one is asked for."""
FILE = Path(__file__).with_name("completion.json")
"""What every command takes: by its name, for a group by the names of its commands, a list of options and arguments."""
_ASKED = "_ROTRACK_COMPLETE"
"""Set by the script of a shell, to its name."""


def asked_of() -> str | None:
    """Return the command of which a shell asks what may come next, empty as long as it is not complete; None if none asks."""
    asked = os.environ.get(_ASKED)
    if not asked:
        return None
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    words = line.split()[1:]
    # PowerShell trims the line and says apart what has been typed of the last word.
    typing = bool(os.environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE")) if _is_powershell(asked) else not line[-1:].isspace()
    if words and typing:
        words.pop()
    return words[0] if words else ""


def mend_zsh() -> None:
    """Let the first TAB in a zsh complete, too: the script of Typer is loaded by it, and is called by the second one only."""
    from typer import _completion_shared

    scripts: dict[str, str] = _completion_shared._completion_scripts
    scripts["zsh"] += '\n\n[ "$funcstack[1]" = "_%(prog_name)s" ] && %(complete_func)s "$@"'


def drills(incomplete: str) -> list[tuple[str, str]]:
    """Return the ids of drills that begin so, with their titles."""
    table = tomllib.loads(FILE.parents[1].joinpath("core", "drills.toml").read_text("utf-8"))["drill"]
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


# ---------------------------------------------------------------------- what a command takes
def stand_in(command: str) -> Callable[..., None]:
    """Return what takes the same options and arguments as a command, and does nothing."""
    return _stand_in(**json.loads(FILE.read_text("utf-8"))[command][""])


def group_stand_in(command: str) -> typer.Typer:
    """Return a group of commands that take the same options and arguments as those of a group, and do nothing."""
    group = typer.Typer()
    for name, taken in json.loads(FILE.read_text("utf-8"))[command].items():
        (group.command(name) if name else group.callback())(_stand_in(**taken))
    return group


def _stand_in(summary: str, takes: list[dict[str, Any]]) -> Callable[..., None]:
    def command(**_: object) -> None:
        pass

    signature = [_parameter(**each) for each in takes]
    command.__doc__ = summary
    command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in signature}
    return command


def _parameter(
    name: str, summary: str, names: Sequence[str] = (), is_flag: bool = False, is_list: bool = False, values: str | list[str] = ""
) -> inspect.Parameter:
    def listed(incomplete: str) -> list[str]:
        return [value for value in values if value.startswith(incomplete)]

    complete: Any = (
        {"drills": drills, "people": people, "sessions": sessions}[values] if values and isinstance(values, str) else listed
    )
    make = partial(typer.Option, *names) if names else typer.Argument
    kind, default = (bool, False) if is_flag else (list[str] | None, None) if is_list else (str, "")
    annotation = Annotated[kind, make(help=summary, autocompletion=complete)]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


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
    out = ctx.params.get("out")
    return data_folder(Path(out) if out else None)


def _name(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(path.read_text("utf-8"))["name"])
    return ""
