"""Options and arguments that several commands have, each declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from rotrack.cli.completion import drills, people, sessions
from rotrack.measure.request import Request
from rotrack.records.options import Noted, Option, options_of

_COMPLETED: Mapping[str, Callable[..., Any]] = {"drills": drills, "people": people}


def as_typer(option: Option) -> Any:
    """Return an option as Typer wants it."""
    flag = f"--{option.name.replace('_', '-')}"
    switch = f"{flag}/--no-{option.name.replace('_', '-')}" if option.kind is bool else flag
    return typer.Option(
        *(option.flags or (switch,)),
        help=option.help,
        metavar=option.metavar or None,
        rich_help_panel="For a clinic" if option.clinic else None,
        show_default=option.kind is not float and option.default is not None,
        autocompletion=_COMPLETED.get(option.completes),
    )


OutOption = Annotated[Path | None, as_typer(options_of(Request)["out"])]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

RemeasureOption = Annotated[
    bool,
    typer.Option(
        "--remeasure/--no-remeasure",
        envvar="ROTRACK_REMEASURE",
        help="First measure sessions of an earlier version again, once, from their landmarks; or leave them as they are.",
    ),
]

# ---------------------------------------------------------------------- which sessions
SessionArgument = Annotated[
    str,
    typer.Argument(
        help="Its id, the beginning of its id, its folder, or last: the latest one. `rotrack history` lists them.",
        metavar="SESSION",
        autocompletion=sessions,
    ),
]
SessionsArgument = Annotated[
    list[str],
    typer.Argument(
        help="Their ids, the beginnings of their ids, their folders, or last: the latest one.",
        metavar="SESSION...",
        autocompletion=sessions,
    ),
]
PersonFilter = Annotated[
    str | None,
    typer.Option("--person", "-p", help="Only this person; case and blanks do not matter.", autocompletion=people),
]
DrillFilter = Annotated[str | None, typer.Option("--drill", "-d", help="Only this drill.", autocompletion=drills)]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        help="Only from this day on; the baseline begins there.",
    ),
]

# ---------------------------------------------------------------------- what and how to measure
CameraOption = Annotated[
    str,
    typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays as a camera would."),
]


def with_request(
    *only: str, leave_out: Sequence[str] = (), **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what gives a command the options of a `Request`, in the place of its parameter of that name.

    Parameters
    ----------
    *only : str
        Which; without them all.
    leave_out : sequence of str
        Which not.
    **defaults
        What some are if they are not given.
    """
    options = [one for name, one in options_of(Request).items() if name not in leave_out and name in (only or (name,))]
    asked = [_parameter(one, defaults.get(one.name, one.default)) for one in options]

    def made(chosen: dict[str, Any]) -> Request:
        return Request(**{one.name: _value(one, chosen.pop(one.name)) for one in options})

    return _replacing("request", asked, made)


def with_noted(leave_out: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what gives a command an option for all that can be noted, in the place of its parameter `noted`: what is given."""
    options = [one for name, one in options_of(Noted).items() if name not in leave_out]
    asked = [_parameter(one, None) for one in options]

    def made(chosen: dict[str, Any]) -> dict[str, Any]:
        return {one.name: value for one in options if (value := chosen.pop(one.name)) is not None}

    return _replacing("noted", asked, made)


def _replacing(
    name: str, parameters: Sequence[inspect.Parameter], made: Callable[[dict[str, Any]], Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what lets a command take parameters in the place of one that is made of them."""

    def change(function: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(function, eval_str=True).parameters
        taken = [each for one in own.values() for each in (parameters if one.name == name else [one])]

        @wraps(function)
        def command(**given: Any) -> None:
            value = made(given)
            function(**given, **{name: value})

        signature = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in taken]
        command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in taken}
        return command

    return change


def _parameter(option: Option, default: Any) -> inspect.Parameter:
    kind = {Sequence: list[str], datetime: str}.get(option.kind, option.kind)
    default = None if option.kind is Sequence else "" if option.kind is datetime and default is None else default
    annotation = Annotated[kind | None if default is None else kind, as_typer(option)]  # type: ignore[valid-type]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _value(option: Option, given: Any) -> Any:
    if option.kind is Sequence:
        return tuple(given or ())
    return option.read(given) if option.kind is datetime else given
