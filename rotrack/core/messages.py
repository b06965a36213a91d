"""What rotrack says, as a code with its values; `rotrack.texts` makes the words, in the language of who reads them."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Message:
    """Something that is said; it is kept and compared as this, and never as words.

    Parameters
    ----------
    code : str
        The key of its text in the catalogues of `rotrack.texts`, or what a `Sentence` has as its template.
    values : dict of str to str, int, float or Message
        What fills the places of that text, by name. `count` also chooses between one and several; `reason` is why there is no
        angle, in the words of the log, and is translated like them.
    """

    code: str
    values: dict[str, str | int | float | Message] = field(default_factory=dict)


def say(code: str, **values: str | int | float | Message) -> Message:
    """Return a message."""
    return Message(code, values)


def sided(side: str) -> Message:
    """Return the word for a side that stands before what it is of: the `left` of `left knee`."""
    return say(f"sided.{side}")


class Sentence(str):
    """A sentence in English that keeps what it is made of, so that it can be said in another language.

    It is printed and compared like any other text. `rotrack.texts` looks its template up in a catalogue and fills the values in
    there, so nothing is ever read out of the English words. What an f-string or `join` makes of a sentence is a plain text
    again: give it as a value to another sentence instead, or to `listed`.

    Parameters
    ----------
    template : str
        The sentence in English, with the names of its values in braces, and how a number is written: `{time_s:.1f}`. A name with
        a capital letter stands for the value with a large first letter. Without values it is the sentence itself.
    **values
        What fills these places. A text is translated in turn, if it is known; a number gets the decimal sign of the language.
    """

    message: Message
    """The template as the code, and the values."""

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Fill the template."""
        if not values:
            return cls.of(template, Message(template))
        places = places_of(template)
        given = {name: values[name] if name in values else _capital(str(values[small(name)])) for name, _ in places}
        specs = dict(places)
        plain = {name: _plain(value, specs.get(name, "")) for name, value in values.items()}
        return cls.of(template.format(**given), Message(template, plain))

    @classmethod
    def of(cls, english: str, message: Message) -> Self:
        """Return a message with its English words."""
        made = super().__new__(cls, english)
        made.message = message
        return made

    def __str__(self) -> str:
        """Return itself, so that `str(error)` keeps what it is made of."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it again in another process."""
        return Sentence.of, (str.__str__(self), self.message)


def _plain(value: object, spec: str) -> str | int | float | Message:
    if isinstance(value, str | int | float | Message):
        return value
    return format(value, spec) if spec else str(value)


def kept(told: Message | str) -> Message:
    """Return a message or a sentence as a log keeps it: the code, or the template of the sentence, with the values."""
    message = told if isinstance(told, Message) else told.message if isinstance(told, Sentence) else Message(told)
    values = {name: kept(value) if isinstance(value, Sentence) else value for name, value in message.values.items()}
    return Message(message.code, values)


def listed(between: str, *parts: str) -> Sentence:
    """Return several sentences in one, with something between them."""
    places = {f"p{number}": part for number, part in enumerate(parts)}
    return Sentence(between.join(f"{{{place}}}" for place in places), **places)


@lru_cache(maxsize=4096)
def places_of(template: str) -> tuple[tuple[str, str], ...]:
    """Return the places of a template, each by name and how a number is written there."""
    return tuple((name, spec or "") for _, name, spec, _ in string.Formatter().parse(template) if name)


@lru_cache(maxsize=4096)
def key_of(template: str) -> str:
    """Return a template as catalogues have it: without how its numbers are written."""
    parts = string.Formatter().parse(template)
    return "".join(
        text.replace("{", "{{").replace("}", "}}") + ("" if name is None else f"{{{name}}}") for text, name, _, _ in parts
    )


def small(place: str) -> str:
    """Return the value that a place with a capital letter stands for."""
    return place[:1].lower() + place[1:]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
