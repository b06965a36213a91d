"""Draws a step on its picture: legs, one goniometer per side, count, cue. Picture and results in, picture out.

The preview may be mirrored: landmarks are drawn first, then the pixels are flipped, text and gauges come last. The measurement
never sees a mirrored picture.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rotrack.drills import Drill
from rotrack.model import LEGS, Direction, RotationSample, Side, Step
from rotrack.tracking.scoreboard import Scoreboard
from rotrack.ui.theme import DIRECTION_WORD, MUTED, PANEL, PAPER, SIDE_ON_DARK_RGB, WARNING, Rgb

GAUGE_TO_DEG = 60.0
"""The gauge ends here on both sides."""
_AA = cv2.LINE_AA


class Overlay:
    """Draws steps of one session.

    Parameters
    ----------
    drill : Drill
        The drill, for title and cue.
    sides : tuple of Side
        The measured sides; each gets a gauge.
    mirror : bool
        Whether to flip the picture, as a mirror would; may be changed at any time.
    keys : str
        Line at the bottom that explains the keys; empty for videos.
    """

    def __init__(self, drill: Drill, sides: tuple[Side, ...], mirror: bool = False, keys: str = "") -> None:
        self._drill, self._sides, self._keys = drill, sides, keys
        self.mirror = mirror
        self._font = cv2.FontFace("sans")

    def draw(self, rgb: np.ndarray, step: Step, board: Scoreboard) -> np.ndarray:
        """Return the annotated picture, shape (H, W, 3), uint8, in OpenCV's BGR order; `rgb` is left as it is."""
        image = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        self._draw_legs(image, step)
        if self.mirror:
            image = cv2.flip(image, 1)
        height, width = image.shape[:2]
        unit = min(height, width * 0.75) / 100
        self._draw_header(image, unit)
        # The subject's left is at the right of a plain picture of a person who faces the camera, and at the left of a mirror.
        for side in self._sides:
            at_left = (side is Side.LEFT) == self.mirror
            self._draw_gauge(image, unit, side, at_left, step, board)
        self._draw_messages(image, unit, step)
        return image

    # ------------------------------------------------------------------ parts
    def _draw_legs(self, image: np.ndarray, step: Step) -> None:
        points = step.pose.image_px
        thick = max(2, round(min(image.shape[:2]) / 160))

        def line(a: int, b: int, rgb: Rgb) -> None:
            if np.isfinite(points[[a, b]]).all():
                start, end = (tuple(int(v) for v in np.round(points[i])) for i in (a, b))
                cv2.line(image, start, end, PANEL[::-1], thick + 3, _AA)
                cv2.line(image, start, end, rgb[::-1], thick, _AA)

        left, right = LEGS[Side.LEFT], LEGS[Side.RIGHT]
        line(left.hip, right.hip, MUTED)
        line(left.shoulder, right.shoulder, MUTED)
        for side, leg in LEGS.items():
            chosen = side in self._sides
            colour = SIDE_ON_DARK_RGB[side] if chosen else MUTED
            line(leg.shoulder, leg.hip, MUTED)
            for a, b in ((leg.hip, leg.knee), (leg.knee, leg.ankle), (leg.ankle, leg.heel), (leg.heel, leg.toe)):
                line(a, b, colour)
            for index in leg[1:]:
                if np.isfinite(points[index]).all():
                    centre = (round(float(points[index][0])), round(float(points[index][1])))
                    cv2.circle(image, centre, thick + 2, PANEL[::-1], -1, _AA)
                    cv2.circle(image, centre, thick, PAPER[::-1], -1, _AA)

    def _draw_header(self, image: np.ndarray, unit: float) -> None:
        height = round(6.5 * unit)
        _shade(image, (0, 0), (image.shape[1], height))
        self._text(image, self._drill.title, (1.5 * unit, 4.6 * unit), 3.6 * unit, PAPER, 600)
        if self._keys:
            size = 2.6 * unit
            width = self._width(self._keys, size)
            self._text(image, self._keys, (image.shape[1] - width - 1.5 * unit, 4.4 * unit), size, MUTED)

    def _draw_gauge(self, image: np.ndarray, unit: float, side: Side, at_left: bool, step: Step, board: Scoreboard) -> None:
        height, width = image.shape[:2]
        panel_w, panel_h = round(40 * unit), round(35 * unit)
        x0 = 0 if at_left else width - panel_w
        y0 = height - panel_h
        _shade(image, (x0, y0), (x0 + panel_w, height))
        colour = SIDE_ON_DARK_RGB[side]
        sample = step.samples.get(side)
        known = sample is not None and not sample.reason
        self._text(image, side.upper(), (x0 + 2 * unit, y0 + 4.6 * unit), 3.4 * unit, colour, 700)
        self._right(image, f"{board.count(side)}", (x0 + panel_w - 2 * unit, y0 + 8.2 * unit), 8 * unit, PAPER, 700)
        self._right(image, "reps", (x0 + panel_w - 2 * unit, y0 + 11 * unit), 2.4 * unit, MUTED)
        centre = (x0 + panel_w // 2, y0 + round(24 * unit))
        radius = round(14 * unit)
        # Internal is drawn to the side to which this foot goes on the screen when it rotates internally.
        internal_left = at_left
        self._dial(image, unit, centre, radius, colour if known else MUTED, internal_left, side, board, sample)
        value = f"{abs(sample.live_deg):.0f}\u00b0" if sample and known else "\u2013"
        self._centre(image, value, (centre[0], y0 + 23.5 * unit), 7.5 * unit, PAPER if known else MUTED, 700)
        if sample and known:
            word = DIRECTION_WORD[Direction.of(sample.live_deg)] if abs(sample.live_deg) >= 3 else "neutral"
            self._centre(image, word, (centre[0], y0 + 27.4 * unit), 2.8 * unit, colour)
        self._centre(image, self._status(side, step, board), (centre[0], y0 + 32.4 * unit), 2.5 * unit, MUTED)

    def _dial(
        self,
        image: np.ndarray,
        unit: float,
        centre: tuple[int, int],
        radius: int,
        colour: Rgb,
        internal_left: bool,
        side: Side,
        board: Scoreboard,
        sample: RotationSample | None,
    ) -> None:
        thick = max(2, round(1.3 * unit))

        def point(angle_deg: float, reach: float) -> tuple[int, int]:
            turn = math.radians(90 * max(-1.0, min(1.0, angle_deg / GAUGE_TO_DEG))) * (-1 if internal_left else 1)
            return (
                round(centre[0] + reach * radius * math.sin(turn)),
                round(centre[1] - reach * radius * math.cos(turn)),
            )

        cv2.ellipse(image, centre, (radius, radius), 0, 180, 360, (70, 64, 58), thick, _AA)
        for tick in range(-60, 61, 15):
            cv2.line(image, point(tick, 0.93 if tick % 30 else 0.88), point(tick, 1.0), MUTED[::-1], 1, _AA)
        if sample is not None and not sample.reason:
            arc = [point(a, 1.0) for a in np.linspace(0, sample.live_deg, 24)]
            cv2.polylines(image, [np.array(arc)], False, colour[::-1], thick + 2, _AA)
            cv2.line(image, point(sample.live_deg, 0.72), point(sample.live_deg, 1.06), PAPER[::-1], 3, _AA)
        for direction in Direction:
            best = board.best.get((side, direction))
            if best:
                tip, base = point(direction.sign * best, 1.06), point(direction.sign * best, 1.2)
                cv2.arrowedLine(image, base, tip, PAPER[::-1], 2, _AA, tipLength=0.6)
        for direction, letters in ((Direction.INTERNAL, "IR"), (Direction.EXTERNAL, "ER")):
            x, y = point(direction.sign * GAUGE_TO_DEG, 1.0)
            self._centre(image, letters, (x, y + 3.2 * unit), 2.4 * unit, MUTED)

    def _status(self, side: Side, step: Step, board: Scoreboard) -> str:
        sample, last = step.samples.get(side), board.last(side)
        if sample is not None and sample.reason:
            return "not measured"
        if last is None:
            return "ready"
        faults = f", fault {' '.join(last.faults)}" if last.faults else ""
        return f"last {abs(last.peak_deg):.0f}\u00b0 {DIRECTION_WORD[last.direction]}{faults}"

    def _draw_messages(self, image: np.ndarray, unit: float, step: Step) -> None:
        cues = list(dict.fromkeys((step.cues or {}).values()))
        reasons = list(dict.fromkeys(s.reason for s in step.samples.values() if s.reason))
        if step.pose.people > 1:
            reasons.append("somebody else is in the picture: only one person, please")
        text = cues[0] if cues else reasons[0][:1].upper() + reasons[0][1:] if reasons else self._drill.cue
        urgent = bool(cues or reasons)
        size = 3.4 * unit
        width = image.shape[1]
        while self._width(text, size) > 0.96 * width and size > 1.6 * unit:
            size *= 0.9
        top = round(6.5 * unit)
        _shade(image, (0, top), (width, round(12.5 * unit)), 0.55)
        self._centre(image, text, (width / 2, top + 4.2 * unit), size, WARNING if urgent else PAPER, 500)

    # ------------------------------------------------------------------ text
    def _width(self, text: str, size: float) -> float:
        box = cv2.getTextSize((0, 0), text, (0, 0), self._font, round(size))
        return float(box[2])

    def _text(self, image: np.ndarray, text: str, at: tuple[float, float], size: float, rgb: Rgb, weight: int = 400) -> None:
        place = (round(at[0]), round(at[1]))
        cv2.putText(image, text, place, rgb[::-1], self._font, round(size), weight=weight)

    def _centre(self, image: np.ndarray, text: str, at: tuple[float, float], size: float, rgb: Rgb, weight: int = 400) -> None:
        self._text(image, text, (at[0] - self._width(text, size) / 2, at[1]), size, rgb, weight)

    def _right(self, image: np.ndarray, text: str, at: tuple[float, float], size: float, rgb: Rgb, weight: int = 400) -> None:
        self._text(image, text, (at[0] - self._width(text, size), at[1]), size, rgb, weight)


def _shade(image: np.ndarray, start: tuple[int, int], end: tuple[int, int], share: float = 0.72) -> None:
    """Darken a rectangle so that text on it can be read."""
    part = image[start[1] : end[1], start[0] : end[0]]
    if part.size:
        ground = np.full_like(part, PANEL[::-1])
        cv2.addWeighted(ground, share, part, 1 - share, 0, dst=part)
