"""The set-up check: whether everything is ready to measure, before anything counts, and what to change if it is not.

`SetupCheck` takes the same pictures and landmarks as the tracker and gives six findings after every frame. A finding changes only
when the new one has lasted for a second.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple, Protocol

import numpy as np

from rotrack.core.drills import Drill, Measure
from rotrack.core.messages import Message, say, sided
from rotrack.core.model import LEGS, Frame, Leg, Pose, Side
from rotrack.core.rates import ENOUGH_HZ, LEAST_HZ
from rotrack.kinematics.camera import Calibration
from rotrack.kinematics.identity import LegNames
from rotrack.kinematics.legmodel import LENGTHS
from rotrack.kinematics.posture import legs_are_enough, out_of_picture
from rotrack.kinematics.rotation import NEEDS, About
from rotrack.placement.finding import Move, SetupFinding, State
from rotrack.placement.view import Angle, ViewFinder

CHECKS = ("rate", "light", "people", "legs", "distance", "camera")
"""What is checked, in the order of the findings."""
HOLD_S = 1.0
"""A finding is shown when it has lasted for so long."""

RATE_OVER_S, RATE_FROM_S = 2.0, 1.0
RATE_BAND_HZ = 1.0
"""A problem ends only with this many frames per second more, so that the finding does not go to and fro."""

LIGHT_EVERY_S = 0.25
DARK, DARK_BAND = 60.0, 6.0
"""The brightest parts of the person are darker than this, of 255. In good light they are at 106 to 240 (30 real pictures), with a
sixteenth of it at 30 to 67; from about there on landmarks err half as far again, and a camera adds noise and blur."""
CLIPPED, CLIPPED_SHARE = 250.0, 0.5
"""Overexposed: more than this share of the person is at the upper end; from about 60 % on people are no longer found."""
CONTRAST = 30.0
"""Hardly any difference between dark and bright: people are lost below 20, landmarks err more from 35 on."""
BLACK = 16
"""A picture that is darker than this everywhere is black: a covered lens, or a virtual camera whose program is closed."""
STILL_LOOKS = 5
"""A picture that is the same to the last digit in so many looks one after another is a still one: every sensor has noise."""
BEHIND_CLIPPED_SHARE = 0.25
"""A person in the dark with so much overexposed around them has the light behind them."""

EDGE = 0.015
"""Nearer to the border than this share of the picture, a part is about to leave it."""
BESIDE = 0.05
"""Something that is not seen below a part this near to the side has left the picture there."""
SURELY_SEEN = 0.5
"""What the pose model is as sure of as this, but has no place in the picture, is beyond its border."""
ROOM = 0.12
"""With so much of the picture free on the other side, tilting or turning the camera is enough."""
SMALL, SMALL_BAND = 0.09, 0.006
"""Shank length as a share of the longer side of the picture: below 0.08 people are no longer found surely, and ankles, knees and
toes err more from 0.09 on (3.9 m away with a field of view of 60 degrees)."""

LEANS_FROM_DEG = 8.0
"""A camera that leans by more is to be set level."""
SMOOTHED_S = 0.5
"""Time constant of what is seen of the legs and of how large they are."""
SEEN_SHARE = 0.7
"""A part is in the picture if it is seen for this share of the time."""


class SetupCheck:
    """Checks pictures, light, people and camera for one drill; frames come in order of time.

    Parameters
    ----------
    drill : Drill
        The drill that is to be measured.
    sides : tuple of Side
        The legs that are to be measured.
    calibration : Calibration, optional
        What is known of the camera.
    """

    def __init__(self, drill: Drill, sides: tuple[Side, ...], calibration: Calibration | None = None) -> None:
        self._people = _People()
        self._view = ViewFinder(drill, sides, calibration or Calibration())
        self._names = LegNames(drill.posture, sides)
        self._checks: tuple[_Check, ...] = (
            _Rate(),
            _Light(),
            self._people,
            _Legs(drill, sides),
            _Distance(),
            _Camera(drill, self._view),
        )
        self._held = [Held(check) for check in CHECKS]

    def update(self, frame: Frame, pose: Pose) -> tuple[SetupFinding, ...]:
        """Take the next picture with its landmarks; return the findings, one per check, in the order of `CHECKS`."""
        pose, _ = self._names.update(pose)
        return tuple(
            held.update(frame.time_s, check.update(frame, pose)) for check, held in zip(self._checks, self._held, strict=True)
        )

    def person_chosen(self) -> None:
        """Take note that somebody has said who is to be measured; several people are no problem any more."""
        self._people.chosen = True

    @property
    def angles(self) -> dict[str, Angle]:
        """What is known of the camera's angles now; see `ViewFinder.angles`."""
        return self._view.angles()

    @property
    def view(self) -> dict[str, float]:
        """How the camera stands as far as it can be told now, deg; see `ViewFinder.angles`."""
        return {name: round(angle.deg, 1) for name, angle in self._view.angles().items()}


class Said(NamedTuple):
    """What a check finds in one frame."""

    state: State
    text: Message | str
    move: Move = Move.NONE


class _Check(Protocol):
    """What looks at every frame and says what it finds."""

    def update(self, frame: Frame, pose: Pose) -> Said: ...


def _good(text: Message | str) -> Said:
    return Said(State.GOOD, text)


def _problem(text: Message | str, move: Move = Move.NONE) -> Said:
    return Said(State.PROBLEM, text, move)


def _waiting(text: Message | str) -> Said:
    return Said(State.WAITING, text)


def _sentence(reason: str) -> Message:
    return say("because.sentence", reason=reason)


class Held:
    """What is shown of one check: another state or move when it has lasted, other words as seldom."""

    def __init__(self, check: str) -> None:
        self._shown = SetupFinding(check, State.WAITING, say("setup.wait"))
        self._shown_s = self._next_s = -math.inf
        self._next: tuple[State, Move] | None = None

    def update(self, time_s: float, said: Said) -> SetupFinding:
        """Take what was found in a frame and return what to show."""
        kind, shown = (said.state, said.move), (self._shown.state, self._shown.move)
        if kind == shown:
            self._next = None
            due = said.text != self._shown.text and time_s - self._shown_s >= HOLD_S
        else:
            if kind != self._next:
                self._next, self._next_s = kind, time_s
            due = time_s - self._next_s >= HOLD_S
        if due:
            self._shown, self._shown_s, self._next = SetupFinding(self._shown.check, *said), time_s, None
        return self._shown


# ---------------------------------------------------------------------- pictures and light
class _Rate:
    """Whether pictures come fast enough, from the times of those that were looked at."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque()
        self._slow = False

    def update(self, frame: Frame, pose: Pose) -> Said:
        times_s = self._times_s
        times_s.append(frame.time_s)
        while times_s[-1] - times_s[0] > RATE_OVER_S:
            times_s.popleft()
        span_s = times_s[-1] - times_s[0]
        if span_s < RATE_FROM_S:
            return _waiting(say("setup.rate_counting"))
        rate_hz = (len(times_s) - 1) / span_s
        self._slow = rate_hz < LEAST_HZ + RATE_BAND_HZ * self._slow
        if self._slow:
            return _problem(say("setup.rate_low", rate=say("times.rate", count=round(rate_hz))))
        if rate_hz < ENOUGH_HZ:
            return _good(say("setup.rate_just"))
        return _good(say("setup.rate_good"))


_LUMA = np.array([0.299, 0.587, 0.114])
_GRID = 64
_FACE = list(range(11))
_BODY = [(LEGS[Side.LEFT].shoulder, LEGS[Side.RIGHT].shoulder), (LEGS[Side.LEFT].hip, LEGS[Side.RIGHT].hip)] + [
    bone for leg in LEGS.values() for bone in ((leg.shoulder, leg.hip), (leg.hip, leg.knee), (leg.knee, leg.ankle))
]
_ALONG = np.linspace(0.0, 1.0, 9)[:, None, None]


class _Light:
    """Whether there is enough light and contrast where the person is, a few times a second."""

    def __init__(self) -> None:
        self._next_s = -math.inf
        self._dark = False
        self._last: np.ndarray | None = None
        self._same = 0
        self._said = _waiting(say("setup.light_looking"))

    def update(self, frame: Frame, pose: Pose) -> Said:
        if frame.time_s >= self._next_s:
            self._next_s = frame.time_s + LIGHT_EVERY_S
            self._said = self._look(frame.rgb, pose.image_px)
        return self._said

    def _look(self, rgb: np.ndarray, image_px: np.ndarray) -> Said:
        step = max(max(rgb.shape[:2]) // _GRID, 1)
        grid = rgb[::step, ::step] @ _LUMA
        known = image_px[np.isfinite(image_px[:, 0])]
        if not len(known) and (dead := self._dead(grid)):
            return _problem(dead)
        inside, body = np.ones(grid.shape, bool), grid.ravel()
        if len(known):
            (left, top), (right, bottom) = known.min(axis=0) / step, known.max(axis=0) / step
            y, x = np.ogrid[: grid.shape[0], : grid.shape[1]]
            inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
            body = _on_body(rgb, image_px)
        if not len(body) or not inside.any():
            return _waiting(say("setup.light_looking"))
        self._dark = np.percentile(body, 90) < DARK + DARK_BAND * self._dark
        if self._dark:
            around = grid[~inside]
            if len(around) and (around >= CLIPPED).mean() > BEHIND_CLIPPED_SHARE:
                return _problem(say("setup.light_behind"))
            return _problem(say("setup.light_dark"))
        if (body >= CLIPPED).mean() > CLIPPED_SHARE:
            return _problem(say("setup.light_over"))
        flat = np.subtract(*np.percentile(grid[inside], [95, 5])) < CONTRAST
        return _problem(say("setup.light_flat")) if flat else _good(say("setup.light_good"))

    def _dead(self, grid: np.ndarray) -> Message | None:
        """Return what to say of a picture in which nobody is and that no camera in use gives."""
        if grid.max() < BLACK:
            return say("setup.light_black")
        self._same = self._same + 1 if self._last is not None and np.array_equal(grid, self._last) else 0
        self._last = grid
        return say("setup.light_still") if self._same >= STILL_LOOKS else None


def _on_body(rgb: np.ndarray, image_px: np.ndarray) -> np.ndarray:
    """Return the brightness of the picture along trunk and legs and on the face, shape (n,), 0 to 255."""
    start, end = (image_px[[bone[k] for bone in _BODY]] for k in (0, 1))
    points = np.vstack([(start + _ALONG * (end - start)).reshape(-1, 2), image_px[_FACE]])
    x, y = np.round(points[np.isfinite(points[:, 0])]).astype(int).T
    height, width = rgb.shape[:2]
    return np.asarray(rgb[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] @ _LUMA)


# ---------------------------------------------------------------------- people
class _People:
    """Whether the person to measure is seen, and is the only one unless they were chosen."""

    FIRST_LOOKS_S = 2.5

    def __init__(self) -> None:
        self.chosen = False
        self._until_s = math.nan

    def update(self, frame: Frame, pose: Pose) -> Said:
        if math.isnan(self._until_s):
            self._until_s = frame.time_s + self.FIRST_LOOKS_S
        if pose.reason:
            return _problem(_sentence(pose.reason))
        if pose.people > 1:
            if self.chosen:
                return _good(say("setup.people_chosen"))
            return _problem(say("setup.people_several"))
        if not pose.people and frame.time_s < self._until_s:
            return _waiting(say("setup.people_counting"))
        return _good(say("setup.people_one"))


# ---------------------------------------------------------------------- legs and distance
_NOBODY = say("setup.nobody_yet")
_TRUNK_SHANKS, _ANY_SHANK = 1.3, 0.2


def shank_px(image_px: np.ndarray) -> float:
    """Return about how long a shank of the person would be in the picture if it were not foreshortened, px; NaN if unseen.

    The longest that any segment says; the shoulders alone only if nothing else is seen.
    """

    def length(a: int, b: int) -> float:
        return float(np.hypot(*(image_px[a] - image_px[b])))

    left, right = LEGS.values()
    shown = [length(left.hip, right.hip) / LENGTHS["hip_width"][0]]
    for leg in (left, right):
        shown.append(length(leg.shoulder, leg.hip) / _TRUNK_SHANKS)
        shown.append(length(leg.hip, leg.knee) / LENGTHS["femur"][0])
        shown.append(length(leg.knee, leg.ankle))
    return max((value for value in shown if math.isfinite(value)), default=length(left.shoulder, right.shoulder))


class Smooth:
    """A running mean over about `SMOOTHED_S`; a break starts it anew."""

    def __init__(self) -> None:
        self._time_s, self._mean = -math.inf, np.zeros(1)

    def update(self, time_s: float, value: np.ndarray) -> np.ndarray:
        """Return the mean after the next value."""
        step_s, self._time_s = time_s - self._time_s, time_s
        kept = math.exp(-max(step_s, 0.0) / SMOOTHED_S)
        self._mean = value + 0.0 if step_s > HOLD_S else kept * self._mean + (1 - kept) * value
        return self._mean


class _Distance:
    """Whether the person is large enough in the picture."""

    def __init__(self) -> None:
        self._share = Smooth()
        self._small = False

    def update(self, frame: Frame, pose: Pose) -> Said:
        share = shank_px(pose.image_px) / max(pose.size_px)
        if math.isnan(share):
            return _waiting(_NOBODY)
        self._small = bool(self._share.update(pose.time_s, np.array([share]))[0] < SMALL + SMALL_BAND * self._small)
        if self._small:
            return _problem(say("setup.distance_small"), Move.CLOSER)
        return _good(say("setup.distance_good"))


class _Exit(NamedTuple):
    """A border of the picture: what to do if something is beyond it, and with how much of the picture free opposite."""

    axis: int
    far: bool
    advice: Message
    move: Move


_EXITS = (
    _Exit(1, True, say("setup.tilt_down"), Move.TILT_DOWN),
    _Exit(1, False, say("setup.tilt_up"), Move.TILT_UP),
    _Exit(0, False, say("setup.turn_to_you"), Move.TURN_RIGHT),
    _Exit(0, True, say("setup.turn_to_you"), Move.TURN_LEFT),
)
_CHAIN = ("shoulder", "hip", "knee", "ankle", "toe")
_STEPS = np.cumsum([0.0, _TRUNK_SHANKS, 0.9, 1.0, 0.3])
"""How far below the shoulders each of them is, in shanks, of somebody upright."""
_NAMES = {"shoulder": "shoulder", "hip": "hip", "knee": "knee", "ankle": "foot", "toe": "foot"}


class _Legs:
    """Whether all that the measure needs is in the picture, and if not, where it is."""

    def __init__(self, drill: Drill, sides: tuple[Side, ...]) -> None:
        self._parts, self._lying = NEEDS[drill.measure], drill.posture.record.lying
        self._sides = tuple(Side) if drill.measure is Measure.ROLL else sides
        self._one_is_enough = drill.posture.record.one_leg and drill.measure is not Measure.ROLL
        self._seen = Smooth()

    def update(self, frame: Frame, pose: Pose) -> Said:
        at = pose.image_px / pose.size_px
        if not np.isfinite(at).any():
            return _waiting(_NOBODY)
        inside = np.all((at > EDGE) & (at < 1 - EDGE), axis=1)
        lost = self._lost(self._seen.update(pose.time_s, inside) > SEEN_SHARE)
        if not lost:
            missing = "" if self._lying else out_of_picture(pose.image_px)
            return _good(legs_are_enough(missing) if missing else say("setup.legs_good"))
        part = _named(lost)
        side, parts = next(iter(lost.items()))
        exit_ = _exit(pose, at, LEGS[side], parts[0])
        if exit_ is None:
            return _problem(say("setup.hidden_one" if len(lost) == 1 else "setup.hidden_both", part=part))
        free = np.nanmin(at[:, exit_.axis]) if exit_.far else 1 - np.nanmax(at[:, exit_.axis])
        if free < ROOM:
            return _problem(say("setup.out_away", part=part), Move.AWAY)
        return _problem(say("setup.out", part=part, move=exit_.advice), exit_.move)

    def _lost(self, seen: np.ndarray) -> dict[Side, list[str]]:
        """Return the parts of each leg that are missed, from the top down; seen is bool, shape (33,)."""
        lost = {side: [part for part in self._parts if not seen[getattr(LEGS[side], part)]] for side in self._sides}
        if self._one_is_enough and not all(lost.values()):
            lost = {}
        for side in Side:  # both hips are always needed
            if not lost.get(side) and not seen[LEGS[side].hip]:
                lost[side] = ["hip"]
        return {side: parts for side, parts in lost.items() if parts}


def _exit(pose: Pose, at: np.ndarray, leg: Leg, part: str) -> _Exit | None:
    """Return beyond which border a part is, or None if it must be in the picture but is hidden."""
    index, near = getattr(leg, part), np.full(4, EDGE)
    place = at[index]
    left_for_sure = not np.isfinite(place).all() and pose.visibility[index] >= SURELY_SEEN
    if not ((place <= EDGE) | (place >= 1 - EDGE)).any():  # not seen, or only now and then
        place, near[2:] = _expected(pose, at, leg, part), BESIDE
    beyond = np.nan_to_num([(place[e.axis] if e.far else 1 - place[e.axis]) - 1 for e in _EXITS], nan=-1.0) + near
    return _EXITS[int(np.argmax(beyond))] if beyond.max() >= 0 or left_for_sure else None


def _expected(pose: Pose, at: np.ndarray, leg: Leg, part: str) -> np.ndarray:
    """Return where a part of somebody upright should be, as shares of the picture, from the nearest other one that is seen."""
    k = _CHAIN.index(part)
    places = at[[getattr(leg, name) for name in _CHAIN]]
    seen = [i for i in range(len(_CHAIN)) if i != k and np.isfinite(places[i]).all()]
    if not seen:
        return np.full(2, np.nan)
    nearest = min(seen, key=lambda i: (abs(i - k), i))
    shank = np.nan_to_num(shank_px(pose.image_px) / pose.size_px[1], nan=_ANY_SHANK)
    return np.asarray(places[nearest] + [0.0, (_STEPS[k] - _STEPS[nearest]) * shank])


def _named(lost: dict[Side, list[str]]) -> Message:
    """Return what is lost as the beginning of a sentence: `The left foot is`."""
    names = [{_NAMES[part] for part in parts} for parts in lost.values()]
    words = [name.pop() if len(name) == 1 else "leg" for name in names]
    if len(words) == 1:
        return say(f"setup.one_{words[0]}", side=sided(next(iter(lost))))
    return say(f"setup.both_{words[0] if words[0] == words[1] else 'leg'}")


# ---------------------------------------------------------------------- the camera


class _Camera:
    """Whether the camera stands where the drill wants it."""

    def __init__(self, drill: Drill, view: ViewFinder) -> None:
        self._place, self._view = drill.place, view
        self._told = Move.NONE

    def update(self, frame: Frame, pose: Pose) -> Said:
        reason = self._view.update(pose)
        if reason:
            return _waiting(_NOBODY if pose.reason else _sentence(reason))
        if not self._view.fits:
            return _waiting(say("setup.camera_wait"))
        wrong = self._wrong()
        self._told = wrong.move if wrong else Move.NONE
        if wrong:
            return wrong
        if self._view.refused:
            return _waiting(_sentence(self._view.refused.problem))
        moved = next((fit.floor_moved for fit in self._view.fits if fit.floor_moved), "")
        return _problem(_sentence(moved)) if moved else _good(say("setup.camera_good"))

    def _wrong(self) -> Said | None:
        """Return what to change about the camera: what is furthest beyond its limit and its error, or what a measure refuses."""
        place, angles = self._place, self._view.angles()
        turn, pitch, roll = (angles.get(name, Angle(math.nan, 0.0)) for name in ("turn_deg", "pitch_deg", "roll_deg"))
        ways = (
            (turn.deg - place.turn_deg, turn.sd_deg, Move.RIGHT),
            (-turn.deg - place.turn_deg, turn.sd_deg, Move.LEFT),
            (pitch.deg - place.down_deg[1], pitch.sd_deg, Move.DOWN),
            (place.down_deg[0] - pitch.deg, pitch.sd_deg, Move.UP),
            (roll.deg - LEANS_FROM_DEG, roll.sd_deg, Move.ROLL_LEFT),
            (-roll.deg - LEANS_FROM_DEG, roll.sd_deg, Move.ROLL_RIGHT),
        )
        # Beyond the limit by more than the error; once that was said, until it is within the limit.
        beyond = {move: over - (0.0 if move is self._told else sd_deg) for over, sd_deg, move in ways if math.isfinite(over)}
        move = max(beyond, key=beyond.__getitem__, default=Move.NONE)
        if move and beyond[move] > 0:
            return _problem(self._advice(move, turn.deg), move)
        refused = self._view.refused
        if refused and refused.about.camera:
            found_deg = float(np.mean([fit.view["turn_deg"] for fit in self._view.fits]))
            aside = Move.RIGHT if found_deg > 0 else Move.LEFT
            move = {About.CAMERA_LOW: Move.UP, About.CAMERA_HIGH: Move.DOWN}.get(refused.about, aside)
            return _problem(self._advice(move, found_deg), move)
        return None

    def _advice(self, move: Move, turn_deg: float) -> Message:
        low, high = self._place.height_m
        if move is Move.DOWN:
            return say("setup.camera_high", low=low, high=high)
        if move is Move.UP:
            return say("setup.camera_low", low=low, high=high)
        side = sided(Side.LEFT if move in (Move.LEFT, Move.ROLL_LEFT) else Side.RIGHT)
        if move in (Move.LEFT, Move.RIGHT):
            return say("setup.camera_turned", degrees=round(abs(turn_deg)), side=side)
        return say("setup.camera_leans", side=side)
