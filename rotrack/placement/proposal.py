"""Which drill a recording shows, and of which leg: the position by geometry, the movement by the tracker that measures.

The figure of a drill says how the body lies in the room, its place where the camera stands; together they say which way trunk,
hips, thighs, shanks and feet point in the picture. The posture whose directions come nearest to those that are seen is proposed.
Nothing here was learned; the weights of the parts are the only thing that was chosen by looking at clips.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

from rotrack.core.drills import Drill, Measure, View, load_table
from rotrack.core.figures import DIRECTIONS_3D, Limb
from rotrack.core.model import LEGS, Direction, Pose, Side
from rotrack.core.postures import Posture
from rotrack.tracking.pipeline import RotationTracker
from rotrack.tracking.settings import TrackerSettings

K = TypeVar("K")

BOTH = "both"
SEEN_LEAST = 0.5
"""Hips and knees are seen in this share of the pictures at least, or nothing is proposed."""
FIT_AT_MOST_DEG, AHEAD_DEG = 28.0, 3.0
"""A posture is sure if its parts point wrong by no more than the first on average, and those of any other by so much more."""
LIKELY_DEG = 12.0
"""Postures that are no more than this behind the best one are named, too."""
STEEP_FROM_DEG, STEEP_COSTS = 40.0, 0.05
"""Few cameras look down steeply: for each degree beyond the first a place counts as fitting so many degrees worse. Seen from
above, somebody who lies with bent knees looks like somebody who sits."""
WEIGHTS = np.array([1.0, 0.7, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
"""Of trunk, hip line, thighs, shanks and feet: the pose model sees the hip line and the feet less well."""
TRUNK_OVER_HIPS = 2.5
"""The trunk is so many times as long as the hip joints are apart: how much of either the picture shows tells of who lies with
the feet to the camera, for whom the pose model makes up an upright trunk. It counts as two parts."""
FORESHORTENED_WEIGHT = 2.0
MOVED_DEG, LEG_SHARE, WAY_SHARE = 8.0, 0.3, 0.15
"""A repetition counts from the first on; of two legs, and of two directions, each that moved by such a share of the other."""
CLEAR_SHARES = 0.05, 0.4
"""Whether a leg or direction takes part is beyond doubt if its share is no more than the first or at least the second."""
_TURNS = (-1, 0, 1)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a recording seems to show.

    Parameters
    ----------
    drills : tuple of str
        Ids of drills, the likeliest first; empty if nothing can be said.
    side : str
        "left", "right" or "both"; empty if it cannot be told.
    posture : Posture, optional
        The position that fits best.
    sure : bool
        Whether position, direction and leg are beyond doubt; where they are not, a person has to say.
    """

    drills: tuple[str, ...] = ()
    side: str = ""
    posture: Posture | None = None
    sure: bool = False


class _Fit(NamedTuple):
    """How well a posture fits: by how much the parts point elsewhere, deg, and which leg would be the measured one."""

    wrong_deg: float
    posture: Posture
    side: Side


class _Stance(NamedTuple):
    """Which way the parts of a body point in a picture, shape (8, 3), in camera axes: right, down, ahead.

    `trunk_deg` is the angle whose tangent is the length of the trunk over that of the hip line, as the picture shows them.
    """

    posture: Posture
    side: Side
    parts: np.ndarray
    trunk_deg: float
    down_deg: float


def propose(poses: Sequence[Pose]) -> Proposal:
    """Return which drill the poses of a recording show, and of which leg.

    Parameters
    ----------
    poses : sequence of Pose
        In order of time, 10 or more a second.
    """
    seen = _seen(poses)
    if seen is None:
        return Proposal()
    best, *others = _ranked(*seen)
    near = [best, *(fit for fit in others if fit.wrong_deg < best.wrong_deg + LIKELY_DEG)]
    sure = best.wrong_deg <= FIT_AT_MOST_DEG and (len(near) == 1 or near[1].wrong_deg >= best.wrong_deg + AHEAD_DEG)
    moved = _moved(best.posture, poses)
    by_side = {side: sum(moved[side, way] for way in Direction) for side in Side}
    sides = _most(by_side, LEG_SHARE)
    by_way = {way: sum(moved[side, way] for side in sides) for way in Direction}
    ways = _most(by_way, WAY_SHARE)
    of_best = _by_directions(best.posture, ways)
    one_leg = best.posture.record.one_leg
    side = str(best.side) if one_leg else (BOTH if len(sides) > 1 else str(*sides))
    drills = [drill.id for drill in of_best]
    drills += [drill.id for fit in near[1:] for drill in _by_directions(fit.posture, ways)]
    alone = len(of_best) == 1 or (_is_clear(by_way) and set(of_best[0].directions) == set(ways))
    clear = one_leg or _is_clear(by_side)
    return Proposal(tuple(drills), side, best.posture, bool(sure and alone and clear))


# ---------------------------------------------------------------------- position
def _seen(poses: Sequence[Pose]) -> tuple[np.ndarray, float] | None:
    """Return which way the parts of the body point, and how much the trunk is foreshortened; None if too little of it is seen."""
    world_m = np.array([pose.world_m for pose in poses])
    left, right = (LEGS[side] for side in Side)
    whole = np.isfinite(world_m[:, [left.hip, right.hip, left.knee, right.knee], 0]).all(axis=1) if len(poses) else np.array([])
    if not len(poses) or whole.mean() < SEEN_LEAST:
        return None
    points = world_m[whole]
    ends = [(left.hip, right.hip)]  # from the second to the first
    ends += [(leg.knee, leg.hip) for leg in (left, right)]
    ends += [(leg.ankle, leg.knee) for leg in (left, right)]
    ends += [(leg.toe, leg.heel) for leg in (left, right)]
    trunk = points[:, [left.hip, right.hip]].mean(axis=1) - points[:, [left.shoulder, right.shoulder]].mean(axis=1)
    lines = np.stack([trunk, *(points[:, a] - points[:, b] for a, b in ends)])
    known = [line[np.isfinite(line).all(axis=1)] for line in lines]
    parts = np.array([_unit(np.median(_unit(line), axis=0)) if len(line) else np.full(3, np.nan) for line in known])
    shown = np.array([pose.image_px for pose in poses])[whole]
    across = np.linalg.norm(shown[:, left.hip] - shown[:, right.hip], axis=1)
    tops, hips = (shown[:, [getattr(left, part), getattr(right, part)]].mean(axis=1) for part in ("shoulder", "hip"))
    trunk_deg = np.degrees(np.arctan2(np.linalg.norm(tops - hips, axis=1), across))
    return parts, float(np.median(trunk_deg[np.isfinite(trunk_deg)])) if np.isfinite(trunk_deg).any() else math.nan


def _ranked(parts: np.ndarray, trunk_deg: float) -> list[_Fit]:
    """Return how well each posture fits what is seen, the best first."""
    known = np.isfinite(parts).all(axis=1)
    foreshortened = FORESHORTENED_WEIGHT if math.isfinite(trunk_deg) else 0.0
    weights = WEIGHTS[known] / (WEIGHTS[known].sum() + foreshortened)
    best: dict[Posture, _Fit] = {}
    for stance in _stances():
        cosines = np.sum(parts[known] * stance.parts[known], axis=1)
        wrong_deg = float(weights @ np.degrees(np.arccos(np.clip(cosines, -1, 1))))
        if foreshortened:
            wrong_deg += (1 - weights.sum()) * abs(trunk_deg - stance.trunk_deg)
        wrong_deg += STEEP_COSTS * max(stance.down_deg - STEEP_FROM_DEG, 0.0)
        if stance.posture not in best or wrong_deg < best[stance.posture].wrong_deg:
            best[stance.posture] = _Fit(wrong_deg, stance.posture, stance.side)
    return sorted(best.values())


@cache
def _stances() -> tuple[_Stance, ...]:
    """Return what postures look like from where their cameras may stand, with either leg as the measured one.

    Lying face down is never proposed: of somebody who lies so, the pose model makes up most of the body.
    """
    drills = [drill for drill in load_table().drills.values() if not drill.posture.record.face_down]
    return tuple(stance for drill in drills for side in Side for stance in _stances_of(drill, side))


def _stances_of(drill: Drill, side: Side) -> Iterator[_Stance]:
    figure, place = drill.figure, drill.place
    head, chest = (np.array(DIRECTIONS_3D[name], float) for name in (figure.head, figure.chest))
    lean = np.radians(figure.lean_deg)
    head, front = head * np.cos(lean) + chest * np.sin(lean), chest * np.cos(lean) - head * np.sin(lean)
    lateral = np.cross(head, front)
    measured, other = _leg(head, front, lateral, figure.leg), _leg(head, front, -lateral, figure.other_leg)
    pairs = [part for both in zip(measured, other, strict=True) for part in both]
    body, level = np.array([-head, lateral, *pairs]), _looking(place.view, chest)
    if side is Side.RIGHT:  # the figure's measured leg is the left one
        body, level = body * [-1, 1, 1], level * [-1, 1, 1]
        body = body[[0, 1, 3, 2, 5, 4, 7, 6]]
        body[1] *= -1
    for down_deg in (place.down_deg[0], sum(place.down_deg) / 2, place.down_deg[1]):
        for turn in np.radians(np.multiply(_TURNS, place.turn_deg)):
            ahead = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]) @ level
            right = np.cross(ahead, [0, 1, 0])
            down = np.radians(down_deg)
            line = ahead * np.cos(down) - np.array([0, 1, 0]) * np.sin(down)
            parts = body @ np.array([right, np.cross(line, right), line]).T
            trunk, hips = (float(np.hypot(*part[:2])) for part in parts[:2])
            trunk_deg = float(np.degrees(np.arctan2(TRUNK_OVER_HIPS * trunk, hips)))
            yield _Stance(drill.posture, side, parts, trunk_deg, down_deg)


def _looking(view: View, chest: np.ndarray) -> np.ndarray:
    """Return which way a level camera looks in the room of a drawing, where feet or front of the person point to +z."""
    if view is View.BELLY:
        return -chest
    return np.array([0.0, 0.0, 1.0 if view is View.BEHIND else -1.0])


def _leg(head: np.ndarray, front: np.ndarray, lateral: np.ndarray, limb: Limb) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which way thigh, shank and foot of a figure point in its room."""
    flexion, abduction, bend, ankle, turn = np.radians([limb.flexion, limb.abduction, limb.bend, limb.ankle, limb.rotation])

    def swung(angle: float) -> np.ndarray:
        return front * np.sin(angle) - head * np.cos(angle)

    thigh = swung(flexion) * np.cos(abduction) + lateral * np.sin(abduction)
    sideways = lateral * np.cos(abduction) - swung(flexion) * np.sin(abduction)
    bent = swung(flexion - np.pi / 2) * np.cos(turn) + sideways * np.sin(turn)
    shank = thigh * np.cos(bend) + bent * np.sin(bend)
    return thigh, shank, swung(flexion - bend + np.pi / 2) * np.cos(ankle) - shank * np.sin(ankle)


def _unit(lines: np.ndarray) -> np.ndarray:
    return np.asarray(lines / np.linalg.norm(lines, axis=-1, keepdims=True))


# ---------------------------------------------------------------------- movement
def _moved(posture: Posture, poses: Sequence[Pose]) -> dict[tuple[Side, Direction], float]:
    """Return how far each leg turned in each direction, all repetitions together, deg; nothing if it cannot be measured so."""
    drill = max(_drills(posture), key=lambda drill: len(drill.directions))
    total: defaultdict[tuple[Side, Direction], float] = defaultdict(float)
    if drill.without_legnet or drill.measure is Measure.ROLL:
        return total
    usual = next(iter(drill.range_deg.values()))
    free = replace(drill, directions=tuple(Direction), range_deg=dict.fromkeys(Direction, usual) | dict(drill.range_deg))
    tracker, step = RotationTracker(free, tuple(Side), TrackerSettings()), None
    for pose in poses:
        step = tracker.update(pose)
        for rep in step.reps:
            total[rep.side, rep.direction] += abs(rep.peak_deg) if abs(rep.peak_deg) >= MOVED_DEG else 0.0
    for rep in tracker.finish(poses[-1]).reps if step else ():
        total[rep.side, rep.direction] += abs(rep.peak_deg) if abs(rep.peak_deg) >= MOVED_DEG else 0.0
    return total


def _most(amounts: dict[K, float], share: float) -> tuple[K, ...]:
    """Return what moved: all that did so by a good share of what did most; nothing if nothing did."""
    most = max(amounts.values())
    return tuple(key for key, amount in amounts.items() if most and amount >= share * most)


def _is_clear(amounts: dict[K, float]) -> bool:
    """Return whether it is beyond doubt which of two moved."""
    less, more = sorted(amounts.values())
    return more > 0 and not CLEAR_SHARES[0] < less / more < CLEAR_SHARES[1]


def _drills(posture: Posture) -> list[Drill]:
    return [drill for drill in load_table().drills.values() if drill.posture is posture]


def _by_directions(posture: Posture, ways: Sequence[Direction]) -> list[Drill]:
    """Return the drills of a posture, those first that go where the leg went."""
    return sorted(_drills(posture), key=lambda drill: len(set(drill.directions) ^ set(ways)))
