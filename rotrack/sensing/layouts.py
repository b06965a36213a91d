"""Other ways to show a picture to the pose model, for people whom it does not find in the picture as it is.

Its person detector looks for a head above upright shoulders. The pose model finds people who lie, or whose head is above the
upper edge, more reliably in a picture that is turned or has grey bands. What was found so is brought back to the picture
itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GREY = 128
BAND = 0.35


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture turned by quarter turns, then with grey bands at its borders.

    Parameters
    ----------
    quarters : int
        Quarter turns clockwise.
    across : float
        Width of the bands at the left and at the right, as a share of the width of the turned picture.
    along : float
        Height of the bands above and below, likewise.
    """

    quarters: int = 0
    across: float = 0.0
    along: float = 0.0

    def show(self, rgb: np.ndarray) -> np.ndarray:
        """Return a copy of a picture, shape (H, W, 3), laid out so."""
        turned = np.rot90(rgb, -self.quarters)
        height, width = turned.shape[:2]
        beside, above = self._bands_px(width, height)
        shown = np.full((height + 2 * above, width + 2 * beside, 3), GREY, np.uint8)
        shown[above : above + height, beside : beside + width] = turned
        return shown

    def bring_back(self, points: np.ndarray, world: np.ndarray, size_px: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return landmarks that were found in `show` of a picture as they are in the picture itself.

        Parameters
        ----------
        points : numpy.ndarray, shape (n, 2)
            Places as shares of width and height of what was shown.
        world : numpy.ndarray, shape (n, 3)
            World landmarks: x to the right, y down in what was shown.
        size_px : tuple of int
            Width and height of the picture.

        Returns
        -------
        points : numpy.ndarray, shape (n, 2)
            As shares of width and height of the picture.
        world : numpy.ndarray, shape (n, 3)
            Turned back about the line of sight.
        """
        width, height = size_px if self.quarters % 2 == 0 else size_px[::-1]
        beside, above = self._bands_px(width, height)
        x = (points[:, 0] * (width + 2 * beside) - beside) / width
        y = (points[:, 1] * (height + 2 * above) - above) / height
        world = world.copy()
        for _ in range(self.quarters % 4):  # one quarter turn anticlockwise each
            x, y = y, 1 - x
            world[:, 0], world[:, 1] = world[:, 1].copy(), -world[:, 0]
        return np.stack([x, y], axis=1), world

    def _bands_px(self, width: int, height: int) -> tuple[int, int]:
        return round(self.across * width), round(self.along * height)


AS_IT_IS, TALL = Layout(), Layout(along=BAND)
QUARTER, UPSIDE_DOWN, QUARTER_BACK = Layout(1), Layout(2), Layout(3)
UPSIDE_DOWN_SMALL = Layout(2, across=BAND)

UPRIGHT = (UPSIDE_DOWN_SMALL, UPSIDE_DOWN, TALL, QUARTER_BACK, QUARTER, AS_IT_IS)
"""For people who sit or stand, best first. In pictures of rendered people without chest and head, the legs were found in 24 of
39 as they are, in 27 with bands above and below, in 38 turned by 180 degrees; where the legs alone fill the picture, only turned
and made smaller."""
LYING = (QUARTER_BACK, QUARTER, UPSIDE_DOWN, TALL, AS_IT_IS, UPSIDE_DOWN_SMALL)
"""For people who lie."""
