"""The look, declared once: colours, words and signs for window, video, plots, drawings and page.

Left and right have one colour each everywhere, apart for every kind of colour vision (Okabe and Ito's blue and vermilion);
internal and external differ by shape or fill, never by colour alone.
"""

from __future__ import annotations

from typing import Final

from rotrack.core.model import Direction, Side

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

CSS_RGB: Final[dict[str, tuple[Rgb, Rgb]]] = {
    # name: on light, on dark
    "ink": (INK, (236, 239, 242)),
    "paper": (PAPER, PANEL),
    "panel": ((244, 246, 248), (35, 40, 47)),
    "line": ((206, 212, 218), (70, 77, 86)),
    "muted": ((88, 96, 104), (166, 174, 182)),
    "figure": ((184, 191, 198), (118, 127, 136)),
    "left": (SIDE_RGB[Side.LEFT], SIDE_ON_DARK_RGB[Side.LEFT]),
    "right": (SIDE_RGB[Side.RIGHT], SIDE_ON_DARK_RGB[Side.RIGHT]),
    "left-text": ((0, 102, 160), SIDE_ON_DARK_RGB[Side.LEFT]),
    "right-text": ((166, 70, 0), SIDE_ON_DARK_RGB[Side.RIGHT]),
    "good": ((0, 112, 74), (80, 200, 140)),
    "warning": ((130, 90, 0), WARNING),
    "bad": ((176, 36, 30), (255, 146, 136)),
}
"""The colours of page and drawings as CSS variables, on light and on dark.

`ink`, `muted`, `left-text`, `right-text`, `good`, `warning` and `bad` can be read as text on `paper` and `panel` (WCAG AA);
`left` and `right` are for lines and areas, `line` for borders, `figure` for the body in drawings.
"""


def css(rgb: Rgb) -> str:
    """Return a colour as CSS has it."""
    return f"rgb({rgb[0]},{rgb[1]},{rgb[2]})"


def css_variables(dark: bool) -> str:
    """Return all of `CSS_RGB` as declarations for a CSS rule, for instance `--ink: rgb(28,33,38); ...`."""
    return " ".join(f"--{name}: {css(pair[dark])};" for name, pair in CSS_RGB.items())


def css_variable(name: str) -> str:
    """Return the use of one of `CSS_RGB`; where the page does not set it, the colour is that on light."""
    return f"var(--{name}, {css(CSS_RGB[name][0])})"
