"""What can be chosen or noted, each option declared once.

A field of a record that says what it means, `band: Annotated[str, Option(...)] = ""`, is an option: the command line, the page,
the manifest of an archive and the checks of what is typed all go by that. `Noted` has those that are kept with a session.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin

import msgspec

from rotrack.core.errors import InputError
from rotrack.records.days import iso_of
from rotrack.records.rules import RULES, USUAL, ValueRule
from rotrack.records.text import check_text
from rotrack.system.inputs import clean_text, number_of, time_of, whole_of

ACTIVE, PASSIVE = MOTIONS = ("active", "passive")


@dataclass(frozen=True, slots=True)
class Option:
    """What an option means, beside its type and default.

    Parameters
    ----------
    help : str
        What it does, for the command line.
    flags : tuple of str
        Its names on the command line, if they do not follow from its own.
    what : str
        What it is called in a sentence and beside a field; its own name without it.
    least, most : float
        Its range, if it is a number.
    unit : str
        Unit of the number.
    choices : tuple of str
        What it may be; empty if that is free.
    longest : int
        Most letters that a field of the page takes.
    metavar, completes : str
        What stands for its value in the help, and what a shell completes it from: drills or people.
    whole_run : bool
        Whether it holds for all videos of a run, so that it is no column of a manifest.
    clinic : bool
        Whether it is of use to a clinic, and kept out of the way of everybody else.
    name : str
        Name of the field; `options_of` fills it in.
    kind, default
        Type of the field (str, int, float, bool, datetime, Path, Sequence) and its default; `options_of` fills them in.
    """

    help: str
    flags: tuple[str, ...] = ()
    what: str = ""
    least: float = -math.inf
    most: float = math.inf
    unit: str = ""
    choices: tuple[str, ...] = ()
    longest: int = 60
    metavar: str = ""
    completes: str = ""
    whole_run: bool = False
    clinic: bool = False
    name: str = ""
    kind: Any = str
    default: Any = ""

    def check(self, value: Any) -> None:
        """Check a value; what was not said, an empty text or NaN, is right.

        Raises
        ------
        InputError
            If it is out of range, no choice, or no plain text of one line.
        """
        if isinstance(value, str) and self.kind is str:
            check_text(**{self.what: value})
        if self.choices and value != self.default and value not in self.choices:
            raise InputError(
                "The {what} must be {choices}, not '{text}'.",
                what=self.what,
                choices=" or ".join(map(str, self.choices)),
                text=value,
            )
        if isinstance(value, int | float) and not (self.is_default(value) or self.least <= value <= self.most):
            raise InputError(
                "The {what} must be from {n:g} to {m:g} {unit}, not {k:g}."
                if self.unit
                else "The {what} must be from {n:g} to {m:g}, not {k:g}.",
                what=self.what,
                n=self.least,
                m=self.most,
                unit=self.unit,
                k=value,
            )

    def read(self, text: str) -> Any:
        """Return the value that was typed; the default for an empty text.

        Raises
        ------
        InputError
            If it cannot be read as what the option is, or is out of range.
        """
        text = text.strip()
        if not text:
            return self.default
        try:
            value = _READERS.get(self.kind, str)(text)
        except (ValueError, OverflowError, OSError) as error:
            raise InputError("The {what} '{text}' cannot be read: {why}.", what=self.what, text=text[:40], why=error) from error
        self.check(value)
        return value

    def is_default(self, value: Any) -> bool:
        """Return whether a value is the default."""
        return value == self.default or bool(value != value and self.default != self.default)  # noqa: PLR0124  NaN is NaN

    @property
    def offered(self) -> tuple[str, ...]:
        """What can be chosen, the default first."""
        return (self.default, *(choice for choice in self.choices if choice != self.default))

    def written(self, value: Any) -> str:
        """Return a value as a cell or a field shows it: nothing for what was not said."""
        if isinstance(value, float):
            return "" if math.isnan(value) else f"{value:g}"
        return str(value)


def _time(text: str) -> datetime:
    try:
        return time_of(text)
    except ValueError:
        return time_of(iso_of(" ".join(text.split())))


def _yes_or_no(text: str) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError("it must be yes or no")
    return known[text.lower()]


_READERS: Mapping[Any, Callable[[str], Any]] = {datetime: _time, bool: _yes_or_no, int: whole_of, float: number_of}


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person notes of a session; it may be changed afterwards and alters no angle."""

    note: Annotated[str, Option("A line for the log: what you want to remember of this session.", longest=200)] = ""
    variant: Annotated[
        str, Option("How the drill is done, if not as its steps say: a variant that `rotrack drills ID` names.", metavar="NAME")
    ] = ""
    band: Annotated[str, Option("Resistance band, in your own words: red, 15 lb.")] = ""
    load_kg: Annotated[float, Option("Weight on the ankle, in kilograms.", what="load", least=0, most=500, unit="kg")] = math.nan
    performed: Annotated[
        str,
        Option(
            "Who moved the leg: active, by the person, or passive, by somebody else.",
            what="kind of movement",
            choices=MOTIONS,
            clinic=True,
        ),
    ] = ""
    assisted_by: Annotated[str, Option("Who or what helped: a therapist's initials, a strap.", clinic=True)] = ""
    pain_before: Annotated[
        float, Option("Pain before the session, from 0 to 10.", what="pain before", least=0, most=10, clinic=True)
    ] = math.nan
    pain_end: Annotated[
        float, Option("Pain at the end of the range, from 0 to 10.", what="pain at the end", least=0, most=10, clinic=True)
    ] = math.nan
    end_feel: Annotated[
        str, Option("End feel: soft, firm, hard or empty.", choices=("soft", "firm", "hard", "empty"), clinic=True)
    ] = ""
    warm_up: Annotated[str, Option("Warm-up, in your own words.", what="warm-up", clinic=True)] = ""
    position: Annotated[str, Option("Position as it was done, if it was not as the drill says.", clinic=True)] = ""
    value_rule: Annotated[
        str, Option(f"Which repetitions make the session value: {', '.join(RULES)}.", choices=tuple(RULES), clinic=True)
    ] = USUAL

    @property
    def motion(self) -> str:
        """Who moved the leg, for comparing: the person, unless it is said otherwise."""
        return self.performed or ACTIVE

    @property
    def rule(self) -> ValueRule:
        """Which repetitions make the value."""
        return RULES[self.value_rule]


def noted_in(record: Noted) -> dict[str, Any]:
    """Return what is noted in a request or a session, by name, text made plain."""
    values = {name: getattr(record, name) for name in options_of(Noted)}
    return {name: clean_text(value) if isinstance(value, str) else value for name, value in values.items()}


@cache
def options_of(kind: type[msgspec.Struct]) -> Mapping[str, Option]:
    """Return the options that a record declares, by name."""
    found: dict[str, Option] = {}
    for field in msgspec.structs.fields(kind):
        declared = getattr(field.type, "__metadata__", ())
        for option in (one for one in declared if isinstance(one, Option)):
            what = option.what or field.name.replace("_", " ")
            found[field.name] = replace(option, name=field.name, kind=_kind(field.type), default=field.default, what=what)
    return MappingProxyType(found)


def _kind(annotation: Any) -> Any:
    """Return which of the kinds of options a field is: the most special of the types that it may have."""
    parts = set(_parts(annotation))
    return next((kind for kind in (Sequence, datetime, bool, int, float, Path) if kind in parts), str)


def _parts(annotation: Any) -> Iterator[Any]:
    yield get_origin(annotation) or annotation
    for part in get_args(annotation):
        yield from _parts(part)


def check_options(record: msgspec.Struct) -> None:
    """Check what was chosen and noted; what was not said is right.

    Raises
    ------
    InputError
        For the first option that is out of range, no choice, or no plain text of one line.
    """
    for name, option in options_of(type(record)).items():
        option.check(getattr(record, name))


PROTOCOL = tuple(name for name, option in options_of(Noted).items() if option.clinic)
"""What a clinic notes, in the order of the columns of tables."""
NUMBERS_NOTED = tuple(name for name, option in options_of(Noted).items() if option.kind is float)
"""What of all that can be noted is a number."""
