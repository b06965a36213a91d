"""How many pictures a second a session needs: one rule for the set-up check, the page, the check-up and the advice afterwards."""

from __future__ import annotations

ENOUGH_HZ = 20.0
"""So many pictures a second are enough; with fewer a session goes on, and it is said that they are few."""
LEAST_HZ = 15.0
"""Fewer than this make a session jerky: the set-up check calls them a problem, and a faster model is advised."""
