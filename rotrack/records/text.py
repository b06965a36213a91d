"""What people may type into the log: one line of text, a possible load."""

from __future__ import annotations

import math

from rotrack.errors import InputError
from rotrack.inputs import clean_text

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
        if any(ord(c) < 32 for c in text):
            shown = clean_text(text)[:60]
            raise InputError(f"The {what} '{shown}' has a line break or another sign that cannot be seen; take it out.")
        if len(text) > LONGEST_TEXT:
            raise InputError(f"The {what} has {len(text)} letters; write at most {LONGEST_TEXT}.")


def check_load(load_kg: float) -> None:
    """Check a load in kg; NaN is one that was not said.

    Raises
    ------
    InputError
        For an impossible one.
    """
    if not (math.isnan(load_kg) or 0 <= load_kg <= MAX_LOAD_KG):
        raise InputError(f"The load must be from 0 to {MAX_LOAD_KG:.0f} kg, not {load_kg:g}.")
