"""Draws a drill from its entry in the table: the position, the movement and the camera place, as SVG.

A jointed figure (`Figure`) is set up in three dimensions, turned about the drill's axis by the drill's range and seen along
parallel lines. All colours are those of `theme.CSS_RGB` or the page's text colour, so a drawing fits a light and a dark page.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from rotrack.core.drills import Drill, View
from rotrack.core.figures import DIRECTIONS_3D, Figure, Limb, Pivot
from rotrack.core.model import Direction, Side
from rotrack.draw.theme import css_variable
from rotrack.kinematics.geometry import rotation_about

WIDTH, HEIGHT = 240, 180
"""Of every drawing, in its own units; it scales."""
MARGIN = 9.0
LARGEST_PX_PER_M = 190.0

HIP_M, SHOULDER_M, TRUNK_M, NECK_M, HEAD_M = 0.09, 0.165, 0.50, 0.21, 0.20
"""Half the distance of the hips, and of the shoulders; hip to shoulder, shoulder to the middle of the head; head across."""
UPPER_ARM_M, FOREARM_M, THIGH_M, SHANK_M = 0.27, 0.25, 0.43, 0.42
HEEL_M, TOE_M, SOLE_M = 0.04, 0.18, 0.06
"""From the ankle back, forwards and down."""
RADIUS_M = {
    "hip": 0.085,
    "knee": 0.058,
    "ankle": 0.038,
    "heel": 0.034,
    "toe": 0.026,
    "shoulder": 0.062,
    "elbow": 0.038,
    "wrist": 0.03,
    "neck": 0.052,
    "chin": 0.05,
    "nose": 0.018,
    "head": HEAD_M / 2,
}
PARTS = {
    "trunk": (("neck", "chin"), ("hip", "other_hip", "shoulder", "other_shoulder"), ("head", "nose")),
    "arm": (("shoulder", "elbow"), ("elbow", "wrist")),
    "other_arm": (("other_shoulder", "other_elbow"), ("other_elbow", "other_wrist")),
    "leg": (("hip", "knee"), ("knee", "ankle"), ("ankle", "heel", "toe")),
    "other_leg": (("other_hip", "other_knee"), ("other_knee", "other_ankle"), ("other_ankle", "other_heel", "other_toe")),
}
"""Which joints each piece of the body is drawn round, limb by limb."""
BEHIND_M = 0.06
"""The neck is drawn as if it were so much farther away, so that it never covers the trunk."""
SHOWN_BY = {
    Pivot.KNEE: ("knee", "ankle", 0.11),
    Pivot.HEEL: ("heel", "toe", 0.10),
    Pivot.TOE: ("toe", "heel", 0.10),
    Pivot.TRUNK: ("hip", "other_hip", 0.22),
}
"""Where the arrow is, by what stays on its spot: beyond the second joint, as seen from the first, by so many m."""
DRAWN_AT_MOST_DEG, ROLL_DEG = 50.0, 35.0
MOVING_SHARES, MOMENT_S = (0.2, 0.45, 0.7, 0.9, 1.0), 0.22
"""Parts of the way that a moving drawing shows, and how long each."""

Joints = dict[str, np.ndarray]
_FRONT, _UP, _RIGHT = np.eye(3)


# ---------------------------------------------------------------------- the body
def joints(figure: Figure, turn_deg: float = 0.0) -> Joints:
    """Return where the joints are, m; x to the left of somebody facing front, y up from the middle of the hips, z to the front.

    Parameters
    ----------
    figure : Figure
        The starting position.
    turn_deg : float
        Rotation of the measured (left) leg from there, internal positive; how far the trunk rolls forwards if that moves.

    Returns
    -------
    dict of str to numpy.ndarray, shape (3,)
        hip, knee, ankle, heel, toe, shoulder, elbow, wrist, each also with `other_`; neck, chin, head, nose.
    """
    top = (TRUNK_M + NECK_M) * _UP
    nose = top + HEAD_M * (0.55 * _FRONT - 0.08 * _UP)
    found: Joints = {"neck": TRUNK_M * _UP, "chin": top - 0.25 * HEAD_M * _UP, "head": top, "nose": nose}
    for prefix, limb, arm in (("", figure.leg, figure.arm), ("other_", figure.other_leg, figure.other_arm)):
        leg = _leg(limb)
        if figure.turns_about is not Pivot.TRUNK and (figure.both or not prefix):
            pivot = leg[figure.turns_about.value]
            turn = rotation_about(leg["hip"] - pivot, turn_deg)
            leg = {joint: pivot + turn @ (point - pivot) for joint, point in leg.items()}
        mirror = np.array([1, 1, 1 if prefix else -1])  # limbs are worked out for the right side
        found |= {prefix + joint: point * mirror for joint, point in (leg | _arm(arm)).items()}
    if figure.turns_about is Pivot.TRUNK:
        found = _rolled(found, turn_deg)
    axes = _axes(figure)
    return {joint: axes @ point for joint, point in found.items()}


def _rolled(still: Joints, turn_deg: float) -> Joints:
    """Return the trunk rolled over the measured leg, which stays; the other leg goes along with its hip."""
    turn = rotation_about(_UP, turn_deg)
    rolled = {joint: still["hip"] + turn @ (point - still["hip"]) for joint, point in still.items()}
    shift = rolled["other_hip"] - still["other_hip"]
    below = ("knee", "ankle", "heel", "toe")
    return rolled | {joint: still[joint] for joint in below} | {f"other_{j}": still[f"other_{j}"] + shift for j in below}


def _axes(figure: Figure) -> np.ndarray:
    """Return front, top and right of the trunk in the room, as columns."""
    up, front = (np.array(DIRECTIONS_3D[name], float) for name in (figure.head, figure.chest))
    return np.array([front, up, np.cross(front, up)]).T @ rotation_about(_RIGHT, -figure.lean_deg)


def _limb(limb: Limb, bend_sign: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the axes of the upper and of the lower segment of a right limb in those of the trunk."""
    upper = rotation_about(_RIGHT, limb.flexion) @ rotation_about(_FRONT, -limb.abduction) @ rotation_about(_UP, limb.rotation)
    return upper, upper @ rotation_about(_RIGHT, bend_sign * limb.bend)


def _leg(limb: Limb) -> Joints:
    thigh, shank = _limb(limb, -1)
    foot = shank @ rotation_about(_RIGHT, limb.ankle)
    hip = HIP_M * _RIGHT
    knee = hip - THIGH_M * thigh @ _UP
    ankle = knee - SHANK_M * shank @ _UP
    heel, toe = (ankle + foot @ np.array([along, -SOLE_M, 0]) for along in (-HEEL_M, TOE_M))
    return {"hip": hip, "knee": knee, "ankle": ankle, "heel": heel, "toe": toe}


def _arm(limb: Limb) -> Joints:
    upper, lower = _limb(limb, 1)
    shoulder = np.array([0, TRUNK_M, SHOULDER_M])
    elbow = shoulder - UPPER_ARM_M * upper @ _UP
    return {"shoulder": shoulder, "elbow": elbow, "wrist": elbow - FOREARM_M * lower @ _UP}


def ends_deg(drill: Drill) -> dict[Direction, float]:
    """Return the drawn end of each direction for `joints`, deg; the drill's plausible range, but not more than looks natural."""
    if drill.figure.turns_about is Pivot.TRUNK:
        return {direction: ROLL_DEG for direction in drill.directions}
    return {direction: direction.sign * min(drill.range_deg[direction][1], DRAWN_AT_MOST_DEG) for direction in drill.directions}


# ---------------------------------------------------------------------- from the room onto the paper
@dataclass(frozen=True, slots=True)
class Sight:
    """Parallel projection of points in the room, m, onto the picture: right, down, and the depth towards the viewer.

    Parameters
    ----------
    rows : numpy.ndarray, shape (3, 3)
        Those three directions in the room.
    px_per_m : float
        Scale.
    origin : tuple of float
        Where the middle of the hips is in the picture.
    """

    rows: np.ndarray
    px_per_m: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)

    @staticmethod
    def from_deg(view_deg: tuple[float, ...], mirrored: bool) -> Sight:
        """Look from so far round from the front towards the left, and from so far up."""
        a, e = (math.radians(angle) for angle in view_deg)
        right = np.array([math.cos(a), 0, -math.sin(a)]) * (-1 if mirrored else 1)
        down = (math.sin(e) * math.sin(a), -math.cos(e), math.sin(e) * math.cos(a))
        near = (math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a))
        return Sight(np.array([right, down, near]))

    def __call__(self, point: np.ndarray) -> np.ndarray:
        """Return a point of the room in the picture, with its depth, shape (3,)."""
        return self.rows @ point * self.px_per_m + (*self.origin, 0.0)

    def fitted(self, points: np.ndarray, width: float) -> Sight:
        """Return the same view with the points in the middle of a picture of this width, as large as they can be."""
        flat = points @ self.rows[:2].T
        low, size = flat.min(axis=0), np.ptp(flat, axis=0)
        room = np.array([width, HEIGHT])
        scale = min(*(room - 2 * MARGIN) / size, LARGEST_PX_PER_M)
        x, y = room / 2 - (low + size / 2) * scale
        return Sight(self.rows, scale, (x, y))


def _outline(circles: Sequence[tuple[np.ndarray, float]]) -> str:
    """Return the path round some circles, as if a rubber band were laid round them: lines and arcs."""
    centres, radii = np.array([c for c, _ in circles]), np.array([r for _, r in circles])
    angles = np.radians(np.arange(0, 360, 2))
    outermost = np.argmax(np.column_stack([np.cos(angles), np.sin(angles)]) @ centres.T + radii, axis=1)
    order = [int(i) for k, i in enumerate(outermost) if i != outermost[k - 1]]
    if not order:
        (x, y), r = centres[outermost[0]], radii[outermost[0]]
        return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 1 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 1 {-2 * r:.1f} 0Z"
    leaves = []  # direction in which the band leaves each circle for the next one
    for i, j in zip(order, order[1:] + order[:1], strict=True):
        along = centres[j] - centres[i]
        share = (radii[i] - radii[j]) / max(np.hypot(*along), 1e-9)
        leaves.append(math.atan2(along[1], along[0]) - math.acos(min(max(share, -1.0), 1.0)))
    path = ""
    for k, i in enumerate(order):
        touch = [centres[i] + radii[i] * np.array([math.cos(t), math.sin(t)]) for t in (leaves[k - 1], leaves[k])]
        large = (leaves[k] - leaves[k - 1]) % (2 * math.pi) > math.pi
        (x0, y0), (x1, y1) = touch
        path += f"{'L' if path else 'M'}{x0:.1f} {y0:.1f}A{radii[i]:.1f} {radii[i]:.1f} 0 {large:d} 1 {x1:.1f} {y1:.1f}"
    return path + "Z"


# ---------------------------------------------------------------------- the drill
ARROW_SHARES = tuple(np.linspace(0.1, 1.0, 19))
INSET_PX, INSET_M = (170.0, 90.0, 62.0), 0.27
"""The circle that shows the foot once more: where, how large, and how much of the room is in it."""
INSET = "rotrack-inset-"
"""How the names begin by which drawings with that circle refer to it."""
MAT_EDGE_M, MAT_THICK_M, ON_MAT_M = 0.12, 0.02, 0.3
APART_M = 0.06
"""Of two positions of a limb, the second one is drawn only where it is this far from the first."""
_number = itertools.count()


def drill_svg(drill: Drill, which: str = "start", side: Side = Side.LEFT, title: str = "") -> str:
    """Return a drawing of the drill as SVG.

    Parameters
    ----------
    drill : Drill
        What to draw.
    which : str
        "start" for the starting position, or "end" for where the movement goes, with the start dashed and an arrow whose head
        is filled for internal rotation and hollow for external. A combined drill shows both ends, the external one hollow.
        Both drawings have the same frame.
    side : Side
        The measured leg, which has its colour.
    title : str
        What a screen reader says; without one the drawing is hidden from it.

    Raises
    ------
    ValueError
        If `which` is neither start nor end.
    """
    if which not in ("start", "end"):
        raise ValueError(f"which must be start or end, not {which!r}")
    return _svg(_Scene(drill, side).draw(which == "end"), title)


def moving_svg(drill: Drill, side: Side = Side.LEFT) -> str:
    """Return the drill in motion as SVG, over and over, in the frame of `drill_svg`; hidden from screen readers.

    A page stops it with `pauseAnimations` for people who want no motion; then it shows the start.
    """
    return _svg(_Scene(drill, side).moving(), "")


class _Scene:
    """A person who does a drill, and the things that it takes."""

    def __init__(self, drill: Drill, side: Side) -> None:
        figure, ends = drill.figure, ends_deg(drill)
        self._drill, self._figure, self._side = drill, figure, side
        self._moving = ("", "other_") if figure.both else ("",)
        self._start = joints(figure)
        self._ends = {direction: joints(figure, end) for direction, end in ends.items()}
        self._arrows = []
        for direction, end in ends.items():
            way = [joints(figure, share * end) for share in ARROW_SHARES]
            self._arrows += [(direction, np.array([self._beyond(at, prefix) for at in way])) for prefix in self._moving]
        self.floor = min(point[1] - _radius(joint) for joint, point in self._start.items()) - figure.hover_m
        self._boxes = [*self._bedding(), *figure.boxes_m]

    def _bedding(self) -> list[tuple[float, ...]]:
        """Return the mat, and a cushion if the head of somebody who lies needs one."""
        if not self._figure.mat:
            return []
        points = np.array([p for p in self._start.values() if p[1] - self.floor < ON_MAT_M])
        (x0, _, z0), (x1, _, z1) = points.min(axis=0) - MAT_EDGE_M, points.max(axis=0) + MAT_EDGE_M
        x, y, z = self._start["head"]
        below, half = y - RADIUS_M["head"] - self.floor, 0.7 * HEAD_M
        mat = (x0, -MAT_THICK_M, z0, x1, 0.0, z1)
        return [mat, (x - half, 0.0, z - half, x + half, below, z + half)] if 0.05 < below < ON_MAT_M else [mat]

    def _beyond(self, at: Joints, prefix: str) -> np.ndarray:
        """Return a point of the arrow."""
        base, tip, off_m = SHOWN_BY[self._figure.turns_about]
        along = at[prefix + tip] - at[prefix + base]
        return at[prefix + tip] + off_m * along / np.linalg.norm(along)

    def _foot(self) -> np.ndarray:
        return (self._start["ankle"] + self._start["heel"] + self._start["toe"]) / 3

    def _corners(self, box: Sequence[float]) -> list[np.ndarray]:
        x, y, z = box[0::3], box[1::3], box[2::3]
        return [np.array([a, b + self.floor, c]) for a in x for b in y for c in z]

    def _ring(self) -> np.ndarray:
        """Return points round the shadow on the floor, shape (n, 3)."""
        points, turns = np.array([*self._start.values()]), np.radians(np.arange(0, 360, 12))
        middle, half = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0) / 2 + 0.16
        x, z = middle[0] + half[0] * np.cos(turns), middle[2] + half[2] * np.sin(turns)
        return np.column_stack([x, np.full(len(turns), self.floor), z])

    def body(self, at: Joints | None = None) -> np.ndarray:
        """Return points round the person, at the start or somewhere else, shape (n, 3)."""
        ways = (*np.eye(3), *-np.eye(3))
        return np.array([p + _radius(joint) * way for joint, p in (at or self._start).items() for way in ways])

    def start(self) -> np.ndarray:
        """Return points round the person at the start and all things, shape (n, 3)."""
        return np.array([*self.body(), *(corner for box in self._boxes for corner in self._corners(box))])

    # ------------------------------------------------------------------ layers
    def draw(self, end: bool) -> str:
        """Return the picture of the start or the end."""
        return self._framed(lambda sight, detail: self.layers(sight, end, arrows=end and detail))

    def moving(self) -> str:
        """Return the picture of the whole movement."""
        return self._framed(lambda sight, _: self._film(sight))

    def _film(self, sight: Sight) -> str:
        ends = ends_deg(self._drill).values()
        moments = [self._start, *(joints(self._figure, share * end_deg) for end_deg in ends for share in MOVING_SHARES)]
        out = len(MOVING_SHARES)
        way = [0, 0, *range(1, out), out, out, out, *range(out - 1, 0, -1)]
        order = [n * out + k if k else 0 for n in range(len(ends)) for k in way]
        film = ""
        for number, at in enumerate(moments):
            seen = ";".join("visible" if shown == number else "hidden" for shown in order)
            film += (
                f'<g visibility="{"hidden" if number else "visible"}"><animate attributeName="visibility" values="{seen}" '
                f'dur="{len(order) * MOMENT_S:g}s" calcMode="discrete" repeatCount="indefinite"/>{self._person(sight, at=at)}</g>'
            )
        things = "".join(self._box(sight, box) for box in self._boxes)
        return things + film if self._figure.mat else self._shadow(sight) + things + film

    def _framed(self, layers: Callable[[Sight, bool], str]) -> str:
        """Return what `layers` draws, seen as the drill is; a foot that is small is drawn close by, too, with the details."""
        figure, mirrored = self._figure, self._side is Side.RIGHT
        points = [self.start(), *(self.body(at) for at in self._ends.values()), *(path for _, path in self._arrows)]
        points += [] if figure.mat else [self._ring()]
        sight = Sight.from_deg(figure.seen_from_deg, mirrored)
        if not figure.foot_from_deg:
            return layers(sight.fitted(np.concatenate(points), WIDTH), True)
        x, y, r = INSET_PX
        points.append(self._foot() + INSET_M * np.concatenate([sight.rows, -sight.rows]))
        sight = sight.fitted(np.concatenate(points), x - r + MARGIN)
        close = Sight(Sight.from_deg(figure.foot_from_deg, mirrored).rows, r / INSET_M)
        seen, foot, small = close(self._foot()), sight(self._foot())[:2], INSET_M * sight.px_per_m
        close = Sight(close.rows, close.px_per_m, (x - seen[0], y - seen[1]))
        circle, line = f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}"', css_variable("line")
        name = f"{INSET}{next(_number)}"  # a page may hold the same drawing twice, one of them out of sight
        beam = _outline([(foot, small), (np.array([x, y]), r)])
        return (
            f'<clipPath id="{name}">{circle}/></clipPath><path d="{beam}" fill="{line}" opacity=".3"/>'
            f'{layers(sight, False)}{circle} fill="{css_variable("paper")}"/>'
            f'<g clip-path="url(#{name})">{layers(close, True)}</g>'
            f'<g fill="none" stroke="{line}" stroke-width="1.2">'
            f'<circle cx="{foot[0]:.1f}" cy="{foot[1]:.1f}" r="{small:.1f}"/>{circle}/></g>'
        )

    def layers(self, sight: Sight, end: bool = False, arrows: bool = False) -> str:
        """Return what is seen from somewhere: things, the person at the start or the end, and the movement."""
        scene = "".join(self._box(sight, box) for box in self._boxes) + self._person(sight, self._ends if end else {})
        if arrows:
            scene += "".join(_arrow([sight(p)[:2] for p in path], direction) for direction, path in self._arrows)
            scene += self._pivots(sight)
        return scene if self._figure.mat else self._shadow(sight) + scene

    def _pivots(self, sight: Sight) -> str:
        """Return a dot on what stays on its spot."""
        if self._figure.turns_about is Pivot.TRUNK:
            return ""
        spots = [sight(self._start[prefix + self._figure.turns_about.value]) for prefix in self._moving]
        look = f'r="2.4" fill="{css_variable("paper")}" stroke="currentColor" stroke-width="1.4"'
        return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" {look}/>' for x, y, _ in spots)

    def _shadow(self, sight: Sight) -> str:
        return f'<path d="{_polygon(sight(p) for p in self._ring())}" fill="{css_variable("line")}" opacity=".45"/>'

    def _box(self, sight: Sight, box: Sequence[float]) -> str:
        corners = np.array(self._corners(box)).reshape(2, 2, 2, 3)
        faces = ""
        for axis, shade in ((0, 0.55), (2, 0.75), (1, 0.35)):
            face = np.take(corners, int(sight.rows[2][axis] > 0), axis=axis).reshape(4, 3)[[0, 1, 3, 2]]
            path = _polygon(sight(p) for p in face)
            faces += f'<path d="{path}" fill="{css_variable("paper")}"/><path d="{path}" fill-opacity="{shade}"/>'
        line = css_variable("line")
        return f'<g fill="{line}" stroke="{line}" stroke-width=".8" stroke-linejoin="round">{faces}</g>'

    def _person(self, sight: Sight, ends: dict[Direction, Joints] | None = None, at: Joints | None = None) -> str:
        """Return the pieces of the body at a moment or the ends, the farthest first; below them, dashed, where they came from."""
        grey, own, other = (css_variable(name) for name in ("figure", self._side.value, self._side.other.value))
        colours = {"trunk": grey, "arm": grey, "other_arm": grey, "leg": own, "other_leg": other if self._figure.both else grey}
        ends = ends or {}
        solid = at or ends.get(Direction.INTERNAL, next(iter(ends.values()), self._start))
        moving = ["trunk"] if self._figure.turns_about is Pivot.TRUNK else [f"{prefix}leg" for prefix in self._moving]
        came_from, pieces = [], []
        for limb, colour in colours.items():
            pieces += self._limb(sight, limb, solid, colour, "solid")
            if limb in moving and len(ends) == 1:
                came_from += self._limb(sight, limb, self._start, colour, "dashed", solid)
            elif limb in moving and len(ends) == 2:
                pieces += self._limb(sight, limb, ends[Direction.EXTERNAL], colour, "hollow", solid)
        return "".join(svg for _, svg in came_from + sorted(pieces, key=lambda piece: piece[0]))

    def _limb(
        self, sight: Sight, limb: str, at: Joints, colour: str, style: str, apart_from: Joints | None = None
    ) -> list[tuple[float, str]]:
        """Return depth and path of each piece of a limb."""
        paper = css_variable("paper")
        look = {
            "solid": f'fill="{colour}" stroke="{paper}" stroke-width="{min(1.1, sight.px_per_m / 80):.2g}"',
            "hollow": f'fill="{paper}" stroke="{colour}" stroke-width="1.4"',
            "dashed": f'fill="none" stroke="{colour}" stroke-width="1" stroke-dasharray="2.5 2.5"',
        }[style]
        pieces = []
        for part in PARTS[limb]:
            if apart_from and max(np.linalg.norm(at[joint] - apart_from[joint]) for joint in part) < APART_M:
                continue
            seen = [sight(at[joint]) for joint in part]
            path = _outline([(p[:2], _radius(joint) * sight.px_per_m) for p, joint in zip(seen, part, strict=True)])
            depth = float(np.mean([p[2] for p in seen])) / sight.px_per_m - BEHIND_M * ("neck" in part)
            pieces.append((depth, f'<path d="{path}" {look}/>'))
        return pieces


# ---------------------------------------------------------------------- the camera place
TEXT_PX, CAMERA_PX, GAP_PX, BELOW_PX = 12.5, 11.0, 12.0, 20.0
SEEN_BEYOND_M = 0.06
CAMERA = "M-10-5.5h11v11h-11zM1-2.2l5.5-3.3v11l-5.5-3.3z"
"""A camera that looks to the right from (0, 0)."""


def place_svg(drill: Drill, side: Side = Side.LEFT, decimal: str = ".", title: str = "") -> str:
    """Return a drawing of the camera place as SVG: from above and, below it to the same scale, from the side.

    There is no word in it, only numbers in metres: how high the camera stands, and how far from the nearest part of the person.

    Parameters
    ----------
    drill : Drill
        What to draw.
    side : Side
        The measured leg, which has its colour.
    decimal : str
        Decimal sign of the numbers.
    title : str
        What a screen reader says; without one the drawing is hidden from it.
    """
    return _svg(_Site(drill, side).draw(decimal), title)


class _Site:
    """Person and camera along one line; the camera stands on the left of the picture, for the right leg on the right."""

    def __init__(self, drill: Drill, side: Side) -> None:
        self._scene, self._place, self._flip = _Scene(drill, side), drill.place, -1 if side is Side.RIGHT else 1
        self._overhead = drill.place.view is View.ABOVE
        self._up, toward = np.array([0, 1.0, 0]), _toward(drill)
        across, floor = np.cross(self._up, toward), self._scene.floor
        points = self._scene.start()
        along, deep, high = points @ toward, points @ across, points[:, 1] - floor
        distance_m, height_m = (sum(pair) / 2 for pair in (drill.place.distance_m, drill.place.height_m))
        nearest_m = 0.0 if self._overhead else (self._scene.body() @ toward).max()
        last_m = max(nearest_m + distance_m, along.max())
        self._nearest = nearest_m * toward + floor * self._up
        self._farthest = along.min() * toward + floor * self._up
        self._foot = self._nearest + distance_m * toward
        self._lens = self._foot + height_m * self._up

        long_m, deep_m = last_m - along.min(), 0.0 if self._overhead else np.ptp(deep)
        total_m = deep_m + max(high.max(), drill.place.height_m[1])
        wide_px, high_px = WIDTH - 2 * MARGIN - 2 * CAMERA_PX, HEIGHT - 2 * MARGIN - GAP_PX - BELOW_PX
        scale = min(wide_px / long_m, high_px / total_m)
        x = (WIDTH + self._flip * (last_m + along.min()) * scale) / 2
        top = (HEIGHT - BELOW_PX - GAP_PX - total_m * scale) / 2
        self._ground_px = top + total_m * scale + GAP_PX
        self._above = Sight(np.array([-self._flip * toward, across, self._up]), scale, (x, top - deep.min() * scale))
        self._beside = Sight(np.array([-self._flip * toward, -self._up, across]), scale, (x, self._ground_px + floor * scale))

    def draw(self, decimal: str) -> str:
        """Return both views."""
        sights = [self._beside] if self._overhead else [self._above, self._beside]
        picture = "".join(self._cone(sight) for sight in sights) + self._floor()
        picture += "".join(self._scene.layers(sight) for sight in sights) + self._heights(decimal)
        return picture if self._overhead else picture + _camera(self._above(self._lens), self._flip) + self._distances(decimal)

    def _cone(self, sight: Sight) -> str:
        """Return what the camera sees: everything between the lens and the outline of the body."""
        body = [(sight(point)[:2], SEEN_BEYOND_M * sight.px_per_m) for point in self._scene.body()]
        return f'<path d="{_outline([(sight(self._lens)[:2], 0.5), *body])}" fill="{css_variable("muted")}" opacity=".16"/>'

    def _floor(self) -> str:
        ends = sorted((self._beside(self._foot)[0], self._beside(self._farthest)[0]))
        path = f"M{ends[0] - CAMERA_PX:.1f} {self._ground_px:.1f}H{ends[1] + CAMERA_PX:.1f}"
        return f'<path d="{path}" stroke="{css_variable("line")}" stroke-width="1.5"/>'

    def _heights(self, decimal: str) -> str:
        """Return the camera on its stand, aimed at the person, and between which heights it belongs."""
        x, y, _ = self._beside(self._lens)
        low, high = (self._beside(self._foot + height * self._up)[1] for height in self._place.height_m)
        ahead, down = (self._beside(self._scene.body().mean(axis=0))[:2] - (x, y)) * (self._flip, 1)
        away = self._flip * (-1 if self._overhead else 1)
        return (
            f'<g stroke="currentColor" stroke-width="1.2" fill="none">'
            f'<path d="M{x:.1f} {self._ground_px:.1f}V{low:.1f}" stroke-dasharray="2 2.5"/>'
            f'<path d="M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8M{x:.1f} {low:.1f}V{high:.1f}"/></g>'
            + _camera(np.array([x, y]), self._flip, math.degrees(math.atan2(down, ahead)))
            + _text(
                x + 8 * away,
                (self._ground_px + y) / 2 + 8,
                _metres(self._place.height_m, decimal),
                "start" if away > 0 else "end",
            )
        )

    def _distances(self, decimal: str) -> str:
        x0, x1 = sorted((self._beside(self._foot)[0], self._beside(self._nearest)[0]))
        path = f"M{x0:.1f} {self._ground_px + 3:.1f}v6m0-3H{x1:.1f}m0-3v6"
        text = _text((x0 + x1) / 2, self._ground_px + 6 + TEXT_PX, _metres(self._place.distance_m, decimal), "middle")
        return f'<path d="{path}" stroke="currentColor" fill="none"/>{text}'


def _toward(drill: Drill) -> np.ndarray:
    """Return the direction along the floor from the person to the camera, or to the feet if that is overhead."""
    head, chest = (np.array(DIRECTIONS_3D[name], float) for name in (drill.figure.head, drill.figure.chest))
    if drill.place.view in (View.FEET, View.ABOVE) and not head[1]:
        return -head
    return -chest if drill.place.view is View.BEHIND else chest


# ---------------------------------------------------------------------- pieces
HEAD_PX = 8.5


def _arrow(points: list[np.ndarray], direction: Direction) -> str:
    """Return a curved arrow; the head is filled for internal rotation and hollow for external."""
    tip = points[-1]
    along = tip - points[-4]
    along /= np.hypot(*along)
    across = np.array([-along[1], along[0]])
    back = tip - HEAD_PX * along
    head = _polygon([tip, back + HEAD_PX / 2 * across, back - HEAD_PX / 2 * across])
    kept = [p for p in points if np.hypot(*(tip - p)) > HEAD_PX] + [back]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in kept)
    paper = css_variable("paper")
    fill = "currentColor" if direction is Direction.INTERNAL else paper
    return (
        f'<g fill="none" stroke-linecap="round" stroke-linejoin="round"><path d="{line}" stroke="{paper}" stroke-width="5"/>'
        f'<path d="{line}" stroke="currentColor" stroke-width="2"/>'
        f'<path d="{head}" fill="{fill}" stroke="currentColor" stroke-width="1.6"/></g>'
    )


def _camera(at: np.ndarray, flip: int, down_deg: float = 0.0) -> str:
    place = f"translate({at[0]:.1f} {at[1]:.1f}) scale({flip} 1) rotate({down_deg:.0f})"
    look = 'fill="currentColor" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"'
    return f'<path d="{CAMERA}" transform="{place}" {look}/>'


def _metres(pair: tuple[float, float], decimal: str) -> str:
    return "\u2013".join(f"{value:g}".replace(".", decimal) for value in pair) + "\u00a0m"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{TEXT_PX:g}" fill="currentColor" '
        f'stroke="{css_variable("paper")}" stroke-width="3" paint-order="stroke">{escape(text)}</text>'
    )


def _polygon(points: Iterable[np.ndarray]) -> str:
    return "M" + "L".join(f"{p[0]:.1f} {p[1]:.1f}" for p in points) + "Z"


def _radius(joint: str) -> float:
    return RADIUS_M[joint.removeprefix("other_")]


def _svg(inside: str, title: str) -> str:
    said = f'role="img"><title>{escape(title)}</title>' if title else 'role="img" aria-hidden="true">'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" {said}{inside}</svg>'
