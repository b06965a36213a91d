"""What every command takes, read off the commands for the completion of shells, which has no time to load them.

`python -m rotrack.cli.taken` writes it anew; a test says when that is due.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from typing import Any, get_args, get_origin

from typer import Context
from typer.models import OptionInfo

from rotrack.cli import COMMANDS, function_of
from rotrack.cli.completion import FILE


def made() -> str:
    """Return what every command takes, as it stands in the file."""
    taken: dict[str, dict[str, Any]] = {}
    for command in COMMANDS:
        if command.is_group:
            group = import_module(f"rotrack.cli.{command.home}").app
            own = group.registered_callback.callback if group.registered_callback else lambda: None
            each = {one.name or one.callback.__name__: one.callback for one in group.registered_commands}
            taken[command.name] = {name: _taken_by(function) for name, function in {"": own, **each}.items()}
        else:
            taken[command.name] = {"": _taken_by(function_of(command))}
    return json.dumps(taken, ensure_ascii=False, indent=1) + "\n"


def _taken_by(function: Callable[..., None]) -> dict[str, Any]:
    annotations = ((name, each.annotation) for name, each in inspect.signature(function, eval_str=True).parameters.items())
    takes = [_taken(name, *get_args(annotation)) for name, annotation in annotations if annotation is not Context]
    return {"summary": (inspect.getdoc(function) or "").partition("\n\n")[0], "takes": takes}


def _taken(name: str, kind: Any, info: Any) -> dict[str, Any]:
    names = [text for text in (info.default, *(info.param_decls or ())) if isinstance(text, str)]
    (plain,) = [each for each in (get_args(kind) if type(None) in get_args(kind) else [kind]) if each is not type(None)]
    completes = info.autocompletion.__name__ if info.autocompletion else ""
    found = {
        "names": (names or [f"--{name.replace('_', '-')}"]) if isinstance(info, OptionInfo) else [],
        "is_flag": kind is bool,
        "is_list": get_origin(plain) is list,
        "values": _choices(plain) or completes,
    }
    return {"name": name, "summary": info.help or "", **{key: value for key, value in found.items() if value}}


def _choices(kind: Any) -> list[str]:
    return [str(each.value) for each in kind if each.value] if isinstance(kind, type) and issubclass(kind, Enum) else []


if __name__ == "__main__":
    FILE.write_text(made(), "utf-8", newline="\n")
