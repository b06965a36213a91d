"""What rotrack says, as a code with its values; `rotrack.texts` makes the words, in the language of who reads them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """Something that is said; it is kept and compared as this, and never as words.

    Parameters
    ----------
    code : str
        The key of its text in the catalogues of `rotrack.texts`.
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
