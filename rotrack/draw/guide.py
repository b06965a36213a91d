"""Draws what a calibration wants the person to do: one sentence, how much is done, and marks in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rotrack.draw.theme import INK, MUTED, PANEL, PAPER, WARNING, Rgb
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

GOOD: Rgb = (80, 200, 140)


@dataclass(frozen=True, slots=True)
class Guidance:
    """What to draw.

    Parameters
    ----------
    title : str
        What is going on.
    sentence : str
        What to do now.
    state : str
        How far it is, in words, for instance "views 5 of 14".
    share : float
        How much is done, 0 to 1.
    points_px : numpy.ndarray, shape (n, 2), optional
        Points that were found in the picture.
    outlines_px : sequence of numpy.ndarray, shape (m, 2)
        Outlines that were found in the picture.
    covered : numpy.ndarray of bool, shape (rows, columns), optional
        Which parts of the picture are done with.
    flash : bool
        Whether something was taken right now.
    good : bool
        Whether the sentence is good news.
    """

    title: str
    sentence: str
    state: str = ""
    share: float = 0.0
    points_px: np.ndarray | None = None
    outlines_px: Sequence[np.ndarray] = ()
    covered: np.ndarray | None = None
    flash: bool = False
    good: bool = False


class Guide:
    """Draws guidance on pictures; `mirror` may be changed at any time."""

    def __init__(self, mirror: bool = True, keys: str = "") -> None:
        self.mirror, self._keys = mirror, keys
        self._font = cv2.FontFace("sans")

    def draw(self, rgb: np.ndarray, guidance: Guidance) -> np.ndarray:
        """Return the picture with guidance, shape (H, W, 3), uint8, BGR; `rgb` is left as it is."""
        image = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        self._draw_found(image, guidance)
        if self.mirror:
            image = cv2.flip(image, 1)
        height, width = image.shape[:2]
        unit = min(height, width * 0.75) / 100
        if guidance.flash:
            cv2.rectangle(image, (0, 0), (width - 1, height - 1), GOOD[::-1], round(3 * unit))
        self._bar(image, 0, round(13.5 * unit))
        self._text(image, guidance.title, 1.5 * unit, 4.6 * unit, 3.2 * unit, MUTED, 600)
        self._text(image, self._keys, width - self._width(self._keys, 2.6 * unit) - 1.5 * unit, 4.4 * unit, 2.6 * unit, MUTED)
        size = 4.4 * unit
        while self._width(guidance.sentence, size) > 0.96 * width and size > 1.6 * unit:
            size *= 0.93
        self._text(image, guidance.sentence, 1.5 * unit, 11 * unit, size, GOOD if guidance.good else WARNING, 600)
        bottom = round(height - 8 * unit)
        self._bar(image, bottom, height)
        self._text(image, guidance.state, 1.5 * unit, bottom + 5.3 * unit, 3.4 * unit, PAPER)
        end = round(width * float(np.clip(guidance.share, 0, 1)))
        cv2.rectangle(image, (0, bottom - round(unit)), (width, bottom), INK[::-1], -1)
        cv2.rectangle(image, (0, bottom - round(unit)), (end, bottom), GOOD[::-1], -1)
        return image

    def _draw_found(self, image: np.ndarray, guidance: Guidance) -> None:
        height, width = image.shape[:2]
        thick = max(2, round(min(height, width) / 240))
        if guidance.covered is not None:
            rows, columns = guidance.covered.shape
            for row in range(rows):
                for column in range(columns):
                    start = (column * width // columns, row * height // rows)
                    end = ((column + 1) * width // columns - 1, (row + 1) * height // rows - 1)
                    if guidance.covered[row, column]:
                        part = image[start[1] : end[1] + 1, start[0] : end[0] + 1]
                        cv2.addWeighted(np.full_like(part, GOOD[::-1]), 0.28, part, 0.72, 0, dst=part)
                    cv2.rectangle(image, start, end, MUTED[::-1], 1, cv2.LINE_AA)
        for outline in guidance.outlines_px:
            cv2.polylines(image, [np.round(outline).astype(np.int32)], True, PANEL[::-1], thick + 3, cv2.LINE_AA)
            cv2.polylines(image, [np.round(outline).astype(np.int32)], True, GOOD[::-1], thick, cv2.LINE_AA)
        if guidance.points_px is not None:
            for x, y in np.round(guidance.points_px).astype(int):
                cv2.circle(image, (int(x), int(y)), thick + 2, PANEL[::-1], -1, cv2.LINE_AA)
                cv2.circle(image, (int(x), int(y)), thick, GOOD[::-1], -1, cv2.LINE_AA)

    def _bar(self, image: np.ndarray, top: int, bottom: int) -> None:
        part = image[top:bottom]
        cv2.addWeighted(np.full_like(part, PANEL[::-1]), 0.75, part, 0.25, 0, dst=part)

    def _width(self, text: str, size: float) -> float:
        return float(cv2.getTextSize((0, 0), text, (0, 0), self._font, round(size))[2]) if text else 0.0

    def _text(self, image: np.ndarray, text: str, x: float, y: float, size: float, rgb: Rgb, weight: int = 400) -> None:
        if text:
            cv2.putText(image, text, (round(x), round(y)), rgb[::-1], self._font, round(size), weight=weight)
