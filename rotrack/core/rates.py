"""How many frames per second a session needs: one rule for the set-up check, the page, the check-up and the advice afterwards."""

from __future__ import annotations

ENOUGH_HZ = 20.0
"""This many frames per second are enough. With fewer, a session goes on, and the person is told."""
LEAST_HZ = 15.0
"""Fewer than this make a session jerky: the set-up check calls them a problem, and a faster model is advised."""


def rate_words(rate_hz: float) -> str:
    """Return a rate in words: `12 frames per second`, `1 frame per second`."""
    return f"{rate_hz:.0f} {'frame' if round(rate_hz) == 1 else 'frames'} per second"
