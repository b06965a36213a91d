"""Draws a step on its picture: legs, one goniometer per side, count, cue. Picture and results in, picture out.

The preview may be mirrored: landmarks are drawn first, then the pixels are flipped, text and gauges come last. The measurement
never sees a mirrored picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.drills import Drill, Measure
from rotrack.core.model import LEGS, Direction, Pose, RotationSample, Side, Step
from rotrack.core.reasons import because
from rotrack.draw.theme import DIRECTION_WORD, MUTED, PANEL, PAPER, SIDE_ON_DARK_RGB, WARNING, Rgb
from rotrack.system.imports import when_used
from rotrack.texts import Texts
from rotrack.texts.numbers import amount, seconds
from rotrack.tracking.limit import passed_deg
from rotrack.tracking.scoreboard import Scoreboard

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

GAUGE_TO_DEG = 60.0
"""The gauge ends here on both sides."""
ERROR_SMOOTHING_S = 0.5
ERROR_STEP = 0.75
"""The error that is shown changes only when it is off by more than this, so that it does not flicker."""
"""Here one leg at a time can be measured; why the other is not needs no saying while one is."""
LIVE_WIDEST_PX = 1280
"""Larger pictures are shown at this width; they are measured as they are."""
LIVE_JPEG_QUALITY = 80


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
    most_deg : dict of (Side, Direction) to float, optional
        How far the person may turn, deg; what lies beyond is marked, and passing it is warned of before all else.
    goals : dict of (Side, Direction) to float, optional
        How far the person wants to turn, deg; a stroke across the gauge, up to where it ends.
    """

    def __init__(
        self,
        drill: Drill,
        sides: tuple[Side, ...],
        mirror: bool = False,
        keys: str = "",
        most_deg: Mapping[tuple[Side, Direction], float] | None = None,
        goals: Mapping[tuple[Side, Direction], float] | None = None,
    ) -> None:
        self._drill, self._sides, self._keys = drill, sides, keys
        self._most_deg, self._goals = most_deg or {}, goals or {}
        self.mirror = mirror
        self._font = cv2.FontFace("sans")
        self._errors = {side: _Steady() for side in sides}
        self._away_from_s: dict[Side, float] = {}

    def draw(self, rgb: np.ndarray, step: Step, board: Scoreboard) -> np.ndarray:
        """Return the annotated picture, shape (H, W, 3), uint8, in OpenCV's BGR order; `rgb` is left as it is."""
        image = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        draw_legs(image, step.pose, self._sides)
        if self.mirror:
            image = cv2.flip(image, 1)
        height, width = image.shape[:2]
        unit = min(height, width * 0.75) / 100
        self._draw_header(image, unit)
        for side in self._sides:
            self._draw_gauge(image, unit, side, step, board)
        self._draw_messages(image, unit, step)
        return image

    # ------------------------------------------------------------------ parts
    def _draw_header(self, image: np.ndarray, unit: float) -> None:
        height = round(6.5 * unit)
        _shade(image, (0, 0), (image.shape[1], height))
        self._text(image, self._drill.title, (1.5 * unit, 4.6 * unit), 3.6 * unit, PAPER, 600)
        if self._keys:
            size = 2.6 * unit
            width = self._width(self._keys, size)
            self._text(image, self._keys, (image.shape[1] - width - 1.5 * unit, 4.4 * unit), size, MUTED)

    def _draw_gauge(self, image: np.ndarray, unit: float, side: Side, step: Step, board: Scoreboard) -> None:
        at_left, internal_left = on_screen(self._drill, side, self.mirror)
        height, width = image.shape[:2]
        panel_w, panel_h = round(40 * unit), round(35 * unit)
        x0 = 0 if at_left else width - panel_w
        y0 = height - panel_h
        _shade(image, (x0, y0), (x0 + panel_w, height))
        colour = SIDE_ON_DARK_RGB[side]
        counted = self._drill.tier.is_counted
        self._text(image, side.upper(), (x0 + 2 * unit, y0 + 4.6 * unit), 3.4 * unit, colour, 700)
        self._right(image, f"{board.count(side)}", (x0 + panel_w - 2 * unit, y0 + 8.2 * unit), 8 * unit, PAPER, 700)
        self._right(image, "cycles" if counted else "reps", (x0 + panel_w - 2 * unit, y0 + 11 * unit), 2.4 * unit, MUTED)
        middle = x0 + panel_w // 2
        if counted:
            self._draw_hold(image, unit, (middle, y0), side, step, board)
        else:
            self._draw_angle(image, unit, (middle, y0), side, internal_left, step, board)
        status = self._status(side, step, board)
        size = 2.5 * unit
        while self._width(status, size) > panel_w - 2 * unit and size > 1.6 * unit:
            size *= 0.94
        self._centre(image, status, (middle, y0 + 33.4 * unit), size, MUTED)

    def _draw_angle(
        self, image: np.ndarray, unit: float, at: tuple[int, int], side: Side, internal_left: bool, step: Step, board: Scoreboard
    ) -> None:
        sample = step.samples.get(side)
        known = sample is not None and not sample.reason
        colour = SIDE_ON_DARK_RGB[side]
        centre = (at[0], at[1] + round(24 * unit))
        self._dial(image, unit, centre, round(14 * unit), colour if known else MUTED, internal_left, side, board, sample)
        sign = self._drill.tier.unit
        value = f"{abs(sample.live_deg):.0f}{sign}" if sample and known else "\u2013"
        self._centre(image, value, (at[0], at[1] + 22.6 * unit), 7.5 * unit, PAPER if known else MUTED, 700)
        if not (sample and known):
            self._errors[side].forget()
            return
        error = self._errors[side].shown(step.pose.time_s, sample.uncertainty_deg)
        if error:
            self._centre(image, f"\u00b1 {error}{sign}", (at[0], at[1] + 26.4 * unit), 2.8 * unit, PAPER)
        word = DIRECTION_WORD[Direction.of(sample.live_deg)] if abs(sample.live_deg) >= 3 else "neutral"
        word = f"index, {word}" if self._drill.tier.is_index else word
        self._centre(image, word, (at[0], at[1] + 29.8 * unit), 2.8 * unit, colour)

    def _draw_hold(self, image: np.ndarray, unit: float, at: tuple[int, int], side: Side, step: Step, board: Scoreboard) -> None:
        """Draw how long the stretch has lasted; at rest, how long the last one was held."""
        now_s, last = step.pose.time_s, board.last(side)
        if side in step.moving:
            from_s = self._away_from_s.setdefault(side, now_s)
            time, word, colour = f"{now_s - from_s:.0f} s", "in the stretch", SIDE_ON_DARK_RGB[side]
        else:
            self._away_from_s.pop(side, None)
            time, word, colour = f"{last.hold_s:.0f} s" if last else "\u2013", "last hold" if last else "", MUTED
        self._centre(image, time, (at[0], at[1] + 23 * unit), 9 * unit, PAPER if colour is not MUTED else MUTED, 700)
        self._centre(image, word, (at[0], at[1] + 27.6 * unit), 3 * unit, colour)

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

        cv2.ellipse(image, centre, (radius, radius), 0, 180, 360, (70, 64, 58), thick, cv2.LINE_AA)
        for tick in range(-60, 61, 15):
            cv2.line(image, point(tick, 0.93 if tick % 30 else 0.88), point(tick, 1.0), MUTED[::-1], 1, cv2.LINE_AA)
        for direction in Direction:
            if (most_deg := self._most_deg.get((side, direction), GAUGE_TO_DEG)) < GAUGE_TO_DEG:
                beyond = [point(direction.sign * a, 1.0) for a in np.linspace(most_deg, GAUGE_TO_DEG, 24)]
                cv2.polylines(image, [np.array(beyond)], False, WARNING[::-1], thick, cv2.LINE_AA)
        if sample is not None and not sample.reason:
            arc = [point(a, 1.0) for a in np.linspace(0, sample.live_deg, 24)]
            cv2.polylines(image, [np.array(arc)], False, colour[::-1], thick + 2, cv2.LINE_AA)
            cv2.line(image, point(sample.live_deg, 0.72), point(sample.live_deg, 1.06), PAPER[::-1], 3, cv2.LINE_AA)
        for direction in Direction:
            goal = self._goals.get((side, direction), math.nan)
            if goal <= GAUGE_TO_DEG:  # not if there is none
                inner, outer = (point(direction.sign * goal, reach) for reach in (0.86, 1.14))
                cv2.line(image, inner, outer, PAPER[::-1], max(2, round(0.6 * unit)), cv2.LINE_AA)
            best = board.best.get((side, direction))
            if best:
                tip, base = point(direction.sign * best, 1.06), point(direction.sign * best, 1.2)
                cv2.arrowedLine(image, base, tip, PAPER[::-1], 2, cv2.LINE_AA, tipLength=0.6)
        for direction, letters in ((Direction.INTERNAL, "IR"), (Direction.EXTERNAL, "ER")):
            x, y = point(direction.sign * GAUGE_TO_DEG, 1.0)
            self._centre(image, letters, (x, y + 3.2 * unit), 2.4 * unit, MUTED)

    def _status(self, side: Side, step: Step, board: Scoreboard) -> str:
        sample, last = step.samples.get(side), board.last(side)
        if sample is not None and sample.reason:
            return "not measured"
        if last is None:
            return "ready"
        if self._drill.tier.is_counted:
            return f"held {seconds(board.held_s.get(side, 0.0))} in all"
        faults = f", fault {' '.join(last.faults)}" if last.faults else ""
        peak = amount(last.peak_deg, last.uncertainty_deg, self._drill.tier, 0)
        return f"last {peak} {DIRECTION_WORD[last.direction]}{faults}"

    def _draw_messages(self, image: np.ndarray, unit: float, step: Step) -> None:
        cues = list(dict.fromkeys((step.cues or {}).values()))
        reasons = list(dict.fromkeys(s.reason for s in step.samples.values() if s.reason))
        if self._drill.posture.record.one_leg and any(not s.reason for s in step.samples.values()):
            reasons = []
        if step.pose.people > 1:
            reasons.append("somebody else is in the picture: only one person, please")
        text = cues[0] if cues else Texts().sentence(because(reasons[0])) if reasons else self._drill.cue
        too_far_deg = passed_deg(step, self._most_deg)
        text = Texts()("say.too_far", degrees=round(too_far_deg)) if math.isfinite(too_far_deg) else text
        urgent = bool(cues or reasons) or math.isfinite(too_far_deg)
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


def live_picture(rgb: np.ndarray, pose: Pose, sides: tuple[Side, ...]) -> tuple[bytes, tuple[int, int]]:
    """Return a picture with the legs drawn in as a JPEG, and its width and height; `rgb` is left as it is."""
    image = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    draw_legs(image, pose, sides)
    height, width = image.shape[:2]
    if width > LIVE_WIDEST_PX:
        width, height = LIVE_WIDEST_PX, round(height * LIVE_WIDEST_PX / width)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, LIVE_JPEG_QUALITY])
    return data.tobytes(), (width, height)


def on_screen(drill: Drill, side: Side, mirror: bool) -> tuple[bool, bool]:
    """Return whether a leg's gauge belongs to the left of the screen, and whether internal rotation points to the left on it.

    The subject's left is at the right of a plain picture of a person who faces the camera, and at the left of a mirror. Internal
    rotation points to where the foot goes then: outwards with a bent knee, where the shank swings, and inwards with a straight
    one, where the toes do.
    """
    at_left = (side is Side.LEFT) == (mirror != drill.posture.record.from_behind)
    return at_left, at_left == (drill.measure is not Measure.FOOT)


def draw_legs(image: np.ndarray, pose: Pose, sides: tuple[Side, ...]) -> None:
    """Draw trunk and legs of a pose into a picture, shape (H, W, 3), uint8, BGR; legs other than `sides` in grey."""
    points = pose.image_px
    thick = max(2, round(min(image.shape[:2]) / 160))

    def line(a: int, b: int, rgb: Rgb) -> None:
        if np.isfinite(points[[a, b]]).all():
            start, end = (tuple(int(v) for v in np.round(points[i])) for i in (a, b))
            cv2.line(image, start, end, PANEL[::-1], thick + 3, cv2.LINE_AA)
            cv2.line(image, start, end, rgb[::-1], thick, cv2.LINE_AA)

    left, right = LEGS[Side.LEFT], LEGS[Side.RIGHT]
    line(left.hip, right.hip, MUTED)
    line(left.shoulder, right.shoulder, MUTED)
    for side, leg in LEGS.items():
        chosen = side in sides
        colour = SIDE_ON_DARK_RGB[side] if chosen else MUTED
        line(leg.shoulder, leg.hip, MUTED)
        for a, b in ((leg.hip, leg.knee), (leg.knee, leg.ankle), (leg.ankle, leg.heel), (leg.heel, leg.toe)):
            line(a, b, colour)
        for index in leg[1:]:
            if np.isfinite(points[index]).all():
                centre = (round(float(points[index][0])), round(float(points[index][1])))
                cv2.circle(image, centre, thick + 2, PANEL[::-1], -1, cv2.LINE_AA)
                cv2.circle(image, centre, thick, PAPER[::-1], -1, cv2.LINE_AA)


class _Steady:
    """An error as a whole number that does not flicker."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start again with the next error."""
        self._time_s = self._smooth = math.nan
        self._number = 0

    def shown(self, time_s: float, error_deg: float) -> int:
        """Return the number to show, rounded up; 0 if there is none yet."""
        if math.isfinite(error_deg):
            first = math.isnan(self._smooth)
            share = 1.0 if first else 1 - math.exp(-max(time_s - self._time_s, 0.0) / ERROR_SMOOTHING_S)
            self._smooth = error_deg if first else self._smooth + share * (error_deg - self._smooth)
            self._time_s = time_s
            if abs(self._smooth - self._number + 0.5) > ERROR_STEP:
                self._number = math.ceil(self._smooth)
        return self._number


def _shade(image: np.ndarray, start: tuple[int, int], end: tuple[int, int], share: float = 0.72) -> None:
    """Darken a rectangle so that text on it can be read."""
    part = image[start[1] : end[1], start[0] : end[0]]
    if part.size:
        ground = np.full_like(part, PANEL[::-1])
        cv2.addWeighted(ground, share, part, 1 - share, 0, dst=part)
