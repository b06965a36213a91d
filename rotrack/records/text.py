"""What people may type into the log: one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotrack.core.errors import InputError
from rotrack.core.messages import Sentence, listed
from rotrack.system.imports import when_used
from rotrack.system.inputs import clean_text, name_key

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

LONGEST_TEXT = 2000


def check_text(**texts: str) -> None:
    """Check texts for the log, given by what they are (`name=`, `note=`).

    Raises
    ------
    InputError
        For one that is not plain text of one line.
    """
    for what, text in texts.items():
        shown, most = clean_text(text)[:60], LONGEST_TEXT
        if any(ord(c) < 32 for c in text):
            raise InputError(
                "The {what} '{text}' must be one line: take out the line break, or another sign that cannot be seen.",
                what=what,
                text=shown,
            )
        if len(text) > most:
            raise InputError(
                "The {what} '{text}...' has {n} letters; it must be one line of at most {m} letters.",
                what=what,
                text=shown,
                n=len(text),
                m=most,
            )


def load_words(band: str, load_kg: float) -> str:
    """Return what was worked against: `5 kg, band black`; empty if nothing. A band in other capitals is the same band."""
    parts = [Sentence("{n:g} kg", n=load_kg)] if load_kg > 0 else []
    if name := name_key(band):
        parts.append(Sentence("band {band}", band=name))
    return listed(", ", *parts)


def load_column(table: pd.DataFrame) -> pd.Series:
    """Return what was worked against in the rows of a table with the columns band and load_kg, as `load_words` says it.

    It has the type object, in which a sentence keeps what it is made of.
    """
    words = [load_words(band, load_kg) for band, load_kg in zip(table.band, table.load_kg, strict=True)]
    return pd.Series(words, table.index, dtype=object)
