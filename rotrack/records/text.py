"""What people may type into the log: one line of text, a possible load."""

from __future__ import annotations

import math

from rotrack.core.errors import InputError
from rotrack.system.inputs import clean_text, name_key

MAX_LOAD_KG = 500.0
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
                f"The {what} '{shown}' must be one line: take out the line break, or another sign that cannot be seen."
            )
        if len(text) > most:
            raise InputError(f"The {what} '{shown}...' has {len(text)} letters; it must be one line of at most {most} letters.")


def check_load(load_kg: float) -> None:
    """Check a load in kg; NaN is one that was not said.

    Raises
    ------
    InputError
        For an impossible one.
    """
    if not (math.isnan(load_kg) or 0 <= load_kg <= MAX_LOAD_KG):
        raise InputError(f"The load must be from 0 to {MAX_LOAD_KG:.0f} kg, not {load_kg:g}.")


def load_words(band: str, load_kg: float) -> str:
    """Return what was worked against: `5 kg, band black`; empty if nothing. A band in other capitals is the same band."""
    weight = f"{load_kg:g} kg" if load_kg > 0 else ""
    name = name_key(band)
    return ", ".join(filter(None, [weight, name and f"band {name}"]))
