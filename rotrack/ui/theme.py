"""The look, declared once: colours, words and signs for window, video and plots.

Left and right have one colour each everywhere, apart for every kind of colour vision (Okabe and Ito's blue and vermilion);
internal and external differ by shape or fill, never by colour alone.
"""

from __future__ import annotations

from typing import Final

from rotrack.model import Direction, Side

Rgb = tuple[int, int, int]

SIDE_RGB: Final[dict[Side, Rgb]] = {Side.LEFT: (0, 114, 178), Side.RIGHT: (213, 94, 0)}
SIDE_ON_DARK_RGB: Final[dict[Side, Rgb]] = {Side.LEFT: (86, 180, 233), Side.RIGHT: (240, 145, 60)}
"""The same two, lighter, for text and lines on a dark ground."""
INK: Final[Rgb] = (28, 33, 38)
PAPER: Final[Rgb] = (255, 255, 255)
MUTED: Final[Rgb] = (150, 158, 166)
PANEL: Final[Rgb] = (24, 28, 33)
WARNING: Final[Rgb] = (240, 228, 66)

DIRECTION_WORD: Final[dict[Direction, str]] = {Direction.INTERNAL: "internal", Direction.EXTERNAL: "external"}
DIRECTION_MARK: Final[dict[Direction, str]] = {Direction.INTERNAL: "triangle-up", Direction.EXTERNAL: "triangle-down"}


def css(rgb: Rgb) -> str:
    """Return a colour as CSS has it."""
    return f"rgb({rgb[0]},{rgb[1]},{rgb[2]})"
