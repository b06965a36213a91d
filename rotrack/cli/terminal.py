"""The terminal: where results go, and where everything else that is said goes."""

from __future__ import annotations

from rich.console import Console

OUT = Console(highlight=False)
"""For what was asked for."""
ERR = Console(stderr=True, highlight=False)
"""For notes, progress and problems."""
