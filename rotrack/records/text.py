"""What people may type into the log: one line of text."""

from __future__ import annotations

from rotrack.core.errors import InputError
from rotrack.system.inputs import clean_text, name_key

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


def load_words(band: str, load_kg: float) -> str:
    """Return what was worked against: `5 kg, band black`; empty if nothing. A band in other capitals is the same band."""
    weight = f"{load_kg:g} kg" if load_kg > 0 else ""
    name = name_key(band)
    return ", ".join(filter(None, [weight, name and f"band {name}"]))
