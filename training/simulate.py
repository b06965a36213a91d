"""Sessions without pictures: made people move, a made camera sees their landmarks, with the errors that the models really make.

session = draw("tune", 17)                  # a drill, a movement (movement.toml), a person, a camera, noise (noise.toml)
session.poses                               # what the pose model and the leg network would have said
session.course                              # the truth

In none of these is somebody else followed, as it happens to whole rendered clips: what is counted then is no matter of counting.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.core.drills import Drill, load_table
from rotrack.core.drills import View as From
from rotrack.core.model import LANDMARK_NAMES, LEGS, LegCrop, Pose, Side, empty_pose
from rotrack.core.reasons import Reason
from training import movement
from training.figure import MadeRig, draw_build, landmarks
from training.movement import Course, Drawn, Frames
from training.render import placing
from training.render.benchmark import VARIANTS, Variant
from training.render.camera import Camera, View
from training.render.stage import ClipSpec, Stage

NOISE = Path(__file__).with_name("noise.toml")
PARTS = ("hip", "knee", "ankle", "heel", "toe")
NOBODY = Reason.NOBODY
FOV_DEG = {"tune": (56.0, 70.0), "test": (52.0, 76.0)}
"""Angle of view along the longer side of the picture."""
BESIDE = {"tune": 0.5, "test": 0.8}
"""How far the camera may have walked round the person, as a share of what the drill allows."""
HIGHER_M = {"tune": 0.05, "test": 0.2}
"""How much higher or lower than the drill asks the camera may stand."""
FARTHER = {"tune": 1.05, "test": 1.2}
"""How much farther off or nearer it may stand."""
ROLL_DEG = {"tune": 1.0, "test": 2.5}
MARGIN = 0.03
"""The person is at least this share of the picture's size inside of it."""
MEASURED_ALONE = ("lunge", "sidelying_abducted", "sidelying_strength")
"""Postures in which only the leg that moves can be measured; in the others both are, every other time."""
CROP_SURE, CROP_UNSURE = 0.97, 0.2
"""What the leg network says of a crop that it can read, and of one that it cannot."""
CROP_MIDDLE = np.array([0.225, 0.225, 0.45, 0.1])
"""Where a crop's middle is: weights of heel, toe, ankle and knee, as in rotrack.sensing.legnet."""


@dataclass(frozen=True)
class Session:
    """A simulated session.

    Parameters
    ----------
    name : str
        Part and number, or the clip that it is like.
    spec : ClipSpec
        Drill, movement, camera.
    poses : tuple of Pose
        What would have been seen.
    sides : tuple of Side
        The legs to measure.
    course : Course
        The true movement.
    seen_s : numpy.ndarray, shape (n,)
        The moment that each pose shows.
    """

    name: str
    spec: ClipSpec
    poses: tuple[Pose, ...]
    sides: tuple[Side, ...]
    course: Course
    seen_s: np.ndarray

    @property
    def drill(self) -> Drill:
        """The drill that is measured."""
        return load_table().drill(self.spec.drill)

    @property
    def counted(self) -> list[movement.Rep]:
        """The repetitions that are to be counted: those of which the camera showed anything, and the way back from them."""
        mine = [rep for rep in self.course.reps if rep.side in self.sides]
        return [rep for rep in mine if self._shown(rep, [other for other in mine if other.side == rep.side])]

    def _shown(self, rep: movement.Rep, others: list[movement.Rep]) -> bool:
        """Return whether a frame shows more than half of the way to a peak, and one less of it before the next peak."""
        next_s = min((other.peak_from_s for other in others if other.peak_from_s > rep.peak_to_s), default=math.inf)
        moments = self.seen_s[(self.seen_s >= rep.start_s) & (self.seen_s <= next_s)]
        out = (self.course.angle_deg(rep.side, moments) - rep.from_deg) / (rep.peak_deg - rep.from_deg)
        after = moments > rep.peak_to_s
        return bool((out[moments <= rep.end_s] > 0.5).any() and (math.isinf(next_s) or (out[after] < 0.5).any()))


# ---------------------------------------------------------------------- drawing


@cache
def variants() -> tuple[Variant, ...]:
    """Return the variants of the public benchmark whose drills there are, with these drills only, where noise was measured."""
    known = {drill.id for drill in load_table().drills.values() if str(drill.posture) in noise_table()}
    kept = [
        dataclasses.replace(v, **{name: "" for name in ("internal", "external", "combined") if getattr(v, name) not in known})
        for v in VARIANTS
    ]
    return tuple(v for v in kept if v.internal or v.external or v.combined)


def draw(part: str, number: int, variant: Variant | None = None, kind: str | None = None) -> Session:
    """Return session `number` of a part; the same numbers always give the same one.

    Parameters
    ----------
    part : str
        tune or test, see movement.toml.
    number : int
        From 0.
    variant : Variant, optional
        By default they take turns.
    kind : str, optional
        Kind of the movement; by default drawn by the kinds' shares.
    """
    variant = variant or variants()[number % len(variants())]
    drawn = movement.draw(part, number, variant.moves_as, kind)
    return perform(part, number, variant, suited(drawn, variant, number))


def fidgeting(part: str, number: int, seconds: float, most_deg: float = 4.0, fps: float = 15.0) -> Session:
    """Return somebody who does nothing but shift about, with both legs, and both are measured."""
    able = [v for v in variants() if v.posture not in MEASURED_ALONE]
    variant = able[number % len(able)]
    drawn = movement.draw(part, number, variant.moves_as, "idle")
    idle = dataclasses.replace(drawn.movement, cycles=0, start_s=seconds, fidget_deg=most_deg)
    drawn = Drawn("idle", idle, dataclasses.replace(drawn.feed, fps=fps))
    return perform(part, number, variant, suited(drawn, variant, number), sides=tuple(Side))


def suited(drawn: Drawn, variant: Variant, number: int) -> Drawn:
    """Return the movement in directions that the variant has drills for, with the legs that it is about."""
    rng, moved = np.random.default_rng([number, 77]), drawn.movement
    either_way = (("external", "internal"), ("internal", "external"))[int(rng.integers(2))]
    offered = ((("internal",), variant.internal), (("external",), variant.external), (either_way, variant.combined))
    able = [directions for directions, drill in offered if drill]
    if moved.directions not in [*able, either_way[::-1] if either_way in able else None]:
        moved = dataclasses.replace(moved, directions=able[int(rng.integers(len(able)))])
    if variant.legs and moved.legs != "alternating":
        moved = dataclasses.replace(moved, legs=variant.legs)
    return dataclasses.replace(drawn, movement=moved)


def perform(
    part: str,
    number: int,
    variant: Variant,
    drawn: Drawn,
    sides: tuple[Side, ...] = (),
    wanted: Callable[[Course, np.ndarray], np.ndarray] | None = None,
) -> Session:
    """Return a movement as the camera of a drill would see it; only the frames at the `wanted` times, if that is given."""
    rng = np.random.default_rng([movement.PARTS[part], number, 79])
    moved = drawn.movement
    drill = variant.combined if len(moved.directions) > 1 else getattr(variant, moved.directions[0])
    sizes = placing.table()["sizes"]
    size = str(rng.choice(list(sizes), p=np.array(list(sizes.values())) / sum(sizes.values())))
    width, height = (int(x) for x in size.split("x"))
    spec = ClipSpec(
        posture=variant.posture,
        person="",
        movement=dataclasses.asdict(moved),
        feed=dataclasses.asdict(drawn.feed),
        options=dict(variant.options),
        size_px=(width, height),
        seed=int(rng.integers(2**31)),
        drill=drill,
        kind=drawn.kind,
    )
    stage = Stage(f"{part} {number}", spec, MadeRig(draw_build(rng)))
    if wanted is not None:
        some = wanted(stage.course, stage.frames.t_s)
        stage.frames = Frames(stage.frames.t_s[some], stage.frames.seen_s[some])
    stage.look(_view(part, rng, load_table().drill(drill), stage))
    alone = variant.posture in MEASURED_ALONE or rng.random() < 0.5
    moving = tuple(Side(side) for side in stage.course.moving)
    return seen(stage, rng, sides or (moving if alone else tuple(Side)))


def like_clip(name: str, spec: Mapping[str, Any], seed: int) -> Session:
    """Return the movement of a rendered clip's spec, done by a made person before its camera; lost as often as clips are."""
    rng = np.random.default_rng([seed, 80, zlib.crc32(name.encode())])
    stage = Stage(name, ClipSpec.read(spec), MadeRig(draw_build(rng)))
    return seen(stage, rng, tuple(Side), may_be_lost=True)


def _view(part: str, rng: np.random.Generator, drill: Drill, stage: Stage) -> View:
    """Return a camera where the drill asks for it, more or less, so far off that all of the person is in the picture."""
    place, wanted, (width, height) = drill.place, stage.posture.camera, stage.spec.size_px
    points = np.concatenate(list(landmarks(stage.posture.rig, [stage.posture.pose(0)]).values()))
    along, across = np.radians(rng.uniform(*FOV_DEG[part])), width / max(width, height)
    hfov_deg = float(np.degrees(2 * np.arctan(np.tan(along / 2) * across)))
    far_m = float(rng.uniform(*place.distance_m)) * float(rng.uniform(1 / FARTHER[part], FARTHER[part]))
    height_m = float(rng.uniform(*place.height_m)) + float(rng.uniform(-1, 1)) * HIGHER_M[part]
    beside = (
        float(rng.normal(0, 0.5)) if place.view in (From.FRONT, From.FEET, From.BEHIND, From.ABOVE) else 0.3 * float(rng.normal())
    )
    orbit_deg = wanted.orbit_deg + float(np.clip(beside, -1, 1)) * BESIDE[part] * place.turn_deg
    roll_deg = float(np.clip(rng.normal(0, 0.5), -1, 1)) * ROLL_DEG[part]
    target = 0.5 * (points.min(0) + points.max(0))
    low, high = np.array([width, height]) * MARGIN, np.array([width, height]) * (1 - MARGIN)
    far_m = max(far_m, 0.15)
    for _ in range(30):
        eye = np.array([target[0], max(0.1, height_m), target[2] + far_m])
        view = View(tuple(eye), tuple(target), hfov_deg, orbit_deg, roll_deg=roll_deg)
        camera = view.cameras((width, height), np.zeros(1))[0]
        pixels = camera.project(points)
        if ((camera.seen_m(points)[:, 2] > 0.2)[:, None] & (pixels > low) & (pixels < high)).all():
            break
        if place.view is From.ABOVE:
            height_m *= 1.05
        else:
            far_m *= 1.05
    return view


# ---------------------------------------------------------------------- seeing


def seen(stage: Stage, rng: np.random.Generator, sides: tuple[Side, ...], *, may_be_lost: bool = False) -> Session:
    """Return a stage as pose model and leg network would see it, or follow something else if it may be lost."""
    rows = np.array([stage.at(float(t)) for t in stage.frames.seen_s])
    drawn, back = np.unique(rows, return_inverse=True)
    poses = [stage.pose(int(row)) for row in drawn]
    there = np.array([pose is not None for pose in poses])
    found: list[Pose] = [empty_pose(0.0, stage.spec.size_px, NOBODY)] * len(drawn)
    if there.any():
        points = landmarks(stage.posture.rig, [pose for pose in poses if pose is not None])
        moments = drawn[there]
        seen_m, pixels = _projected([stage.cameras[int(row)] for row in moments], points)
        first = int(np.argmax([stage.exercises(int(row)) for row in moments]))
        t_s, matrix = stage.moments_s[moments], stage.cameras[0].matrix
        shown = Shown(t_s, seen_m, pixels, stage.spec.size_px, matrix, first)
        shown = shown.as_followed(_noise_of(stage), rng) if may_be_lost else shown
        for row, pose in zip(np.flatnonzero(there), shown.poses(_noise_of(stage), rng), strict=True):
            found[row] = pose
    all_poses = [dataclasses.replace(found[k], time_s=float(t)) for k, t in zip(back, stage.frames.t_s, strict=True)]
    return Session(stage.name, stage.spec, tuple(all_poses), sides, stage.course, stage.frames.seen_s)


def _projected(cameras: list[Camera], points: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return points in camera axes, m, and in the picture, px (the centre of the first pixel is the origin), by name."""
    seen_m, pixels = {}, {}
    one = all(camera is cameras[0] for camera in cameras)
    for name, place in points.items():
        if one:
            seen_m[name], flat = cameras[0].seen_m(place), cameras[0].project(place)
        else:
            seen_m[name] = np.array([c.seen_m(p) for c, p in zip(cameras, place, strict=True)])
            flat = np.array([c.project(p) for c, p in zip(cameras, place, strict=True)])
        pixels[name] = flat - 0.5
    return seen_m, pixels


@dataclass(frozen=True)
class Errors:
    """How one thing errs: what is wrong for a whole clip, what wanders, what trembles, and how much of a way is shown.

    Parameters
    ----------
    bias, slow, fast : float
        Standard deviations per axis: between clips, of the part that wanders, from frame to frame. Of landmarks in shanks, of
        directions in degrees, of the network's points in feet.
    slow_s : float
        Time constant of the slow part.
    mean : tuple of float
        What is wrong on average over clips, per axis; of a right leg, for a left one the first axis is mirrored.
    spread : float
        Standard deviation between clips of the logarithm of `slow` and `fast`.
    growth : float
        How much these grow with the way from where the movement began: by sqrt(1 + (growth * way)^2), way in shanks or radians.
    gain, gain_sd : float
        Share by which a way is shown too large, and its spread between clips.
    """

    bias: float
    slow: float
    slow_s: float
    fast: float
    mean: tuple[float, ...] = (0.0, 0.0)
    spread: float = 0.3
    growth: float = 0.0
    gain: float = 0.0
    gain_sd: float = 0.0

    def draw(
        self, rng: np.random.Generator, t_s: np.ndarray, axes: int, size: np.ndarray | None = None, mirrored: bool = False
    ) -> np.ndarray:
        """Return errors of a clip without those of the gain, shape (n, axes); `size` is the way at these times."""
        louder = float(np.exp(self.spread * np.clip(rng.normal(), -2, 2)))
        trembles = self.fast * rng.normal(size=(len(t_s), axes))
        moving = louder * (self.slow * wandering(rng, t_s, self.slow_s, axes) + trembles)
        if size is not None:
            moving *= np.sqrt(1 + (self.growth * size[:, None]) ** 2)
        stays = np.array(self.mean[:axes]) + self.bias * np.clip(rng.normal(size=axes), -2.5, 2.5)
        return (stays + moving) * np.array([-1.0 if mirrored else 1.0, 1.0][:axes])

    def draw_gain(self, rng: np.random.Generator) -> float:
        """Return the gain of a clip."""
        return float(self.gain + self.gain_sd * np.clip(rng.normal(), -2.5, 2.5))


def wandering(rng: np.random.Generator, t_s: np.ndarray, constant_s: float, axes: int) -> np.ndarray:
    """Return a first-order autoregressive process of unit variance at some times, shape (n, axes)."""
    kept = np.exp(-np.diff(t_s, prepend=t_s[0]) / constant_s)
    pushes = rng.normal(size=(len(t_s), axes))
    pushes[1:] *= np.sqrt(1 - kept[1:, None] ** 2)
    for k in range(1, len(t_s)):
        pushes[k] += kept[k] * pushes[k - 1]
    return pushes


@dataclass(frozen=True)
class Noise:
    """How pose model and leg network err in one posture.

    Parameters
    ----------
    marks : mapping of str to Errors
        Of the pose model's hip, knee, ankle, heel and toe in the picture. Heel and toe are told from the ankle; the gain of hip
        and knee is the share of the ankle's way by which they are dragged along.
    depth : mapping of str to Errors
        Of their depth in the world landmarks.
    lag_s : float
        How late the pose model is.
    directions : mapping of str to tuple of Errors
        Of the leg network's foot and shank: across the ray and along it.
    points : Errors
        Of the leg network's heel, toe, ankle and knee.
    said_deg, said_feet, said_spread : tuple of float, float
        What the network says of its errors, and the spread of the logarithm.
    unreadable, unseen : tuple of float
        Shares of crops that cannot be read, and of legs without landmarks; one is drawn for each leg of a session.
    unreadable_s, unseen_s : float
        How long that lasts on average.
    lost : float
        How often something else is followed for a whole clip: another person, the wrong leg.
    """

    marks: Mapping[str, Errors]
    depth: Mapping[str, Errors]
    lag_s: float
    directions: Mapping[str, tuple[Errors, Errors]]
    points: Errors
    said_deg: tuple[float, ...]
    said_feet: tuple[float, ...]
    said_spread: float
    unreadable: tuple[float, ...] = (0.0,)
    unseen: tuple[float, ...] = (0.0,)
    unreadable_s: float = 0.3
    unseen_s: float = 0.3
    lost: float = 0.0

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Noise:
        """Return the noise of a table of noise.toml."""
        network = table["network"]
        return cls(
            {name: Errors(**table["marks"][name]) for name in PARTS},
            {name: Errors(**table["depth"][name]) for name in PARTS},
            table["lag_s"],
            {name: (Errors(**network[name]), Errors(**network[f"{name}_along"])) for name in ("foot", "shank")},
            Errors(**network["points"]),
            tuple(network["said_deg"]),
            tuple(network["said_feet"]),
            network["said_spread"],
            tuple(network["unreadable"]),
            tuple(table["unseen"]),
            network["unreadable_s"],
            table["unseen_s"],
            table["lost"],
        )


@cache
def noise_table() -> dict[str, Any]:
    """Return noise.toml: a table per posture of rotrack's drills, and `any`."""
    return tomllib.loads(NOISE.read_text("utf-8"))


@cache
def noise(posture: str) -> Noise:
    """Return the noise of a posture of rotrack's drills."""
    table = noise_table()
    return Noise.read(table.get(posture) or table["any"])


def _noise_of(stage: Stage) -> Noise:
    return noise(str(load_table().drill(stage.spec.drill).posture))


class Shown:
    """Where everything is in the picture, without errors, at some moments.

    Parameters
    ----------
    t_s : numpy.ndarray, shape (n,)
        The moments.
    seen_m, pixels : mapping of str to numpy.ndarray
        Landmarks by name in camera axes, shape (n, 3), and in the picture, shape (n, 2), the centre of its first pixel at (0, 0).
    size_px : tuple of int
        Width and height of the picture.
    matrix : numpy.ndarray, shape (3, 3)
        Camera matrix, the outer corner of the first pixel at (0, 0).
    first : int
        The moment at which the exercise begins: ways are told from there.
    """

    def __init__(
        self,
        t_s: np.ndarray,
        seen_m: Mapping[str, np.ndarray],
        pixels: Mapping[str, np.ndarray],
        size_px: tuple[int, int],
        matrix: np.ndarray,
        first: int,
    ) -> None:
        self.t_s, self.seen_m, self.pixels, self.size_px, self.first = t_s, seen_m, pixels, size_px, first
        self._matrix = matrix
        self.focal_px, self.centre_px = float(matrix[0, 0]), matrix[:2, 2] - 0.5
        self.middle_m = 0.5 * (seen_m["right_hip"] + seen_m["left_hip"])
        shank_m = np.linalg.norm(seen_m["right_knee"] - seen_m["right_ankle"], axis=1)
        self.shank_px = float(np.median(self.focal_px * shank_m / self.middle_m[:, 2]))
        self.shank_m = float(np.median(shank_m))

    def as_followed(self, noise: Noise, rng: np.random.Generator) -> Shown:
        """Return the same, or as often as clips are lost, somebody or something that stays where it was at first."""
        if rng.random() >= noise.lost:
            return self
        seen_m, pixels = (
            {name: np.repeat(place[[self.first]], len(place), axis=0) for name, place in places.items()}
            for places in (self.seen_m, self.pixels)
        )
        return Shown(self.t_s, seen_m, pixels, self.size_px, self._matrix, self.first)

    def poses(self, noise: Noise, rng: np.random.Generator) -> list[Pose]:
        """Return what would be seen."""
        image, world = self._marks(noise, rng)
        crops = {side: self._crops(side, noise, rng) for side in Side}
        width, height = self.size_px
        inside = ((image > -0.5) & (image < np.array([width, height]) - 0.5)).all(-1)  # not where nothing is known, either
        for leg in LEGS.values():
            away = _spells(rng, self.t_s, float(rng.choice(noise.unseen)), noise.unseen_s)
            inside[np.ix_(away, leg[2:])] = False
        image[~inside] = np.nan
        visible = np.where(inside, 0.99, 0.2)
        for array in (image, world, visible):
            array.setflags(write=False)
        found = []
        for k, t in enumerate(self.t_s):
            legs = {side: crop for side in Side if (crop := crops[side][k]) is not None}
            found.append(Pose(float(t), self.size_px, image[k], world[k], visible[k], 1, "", legs))
        return found

    def _marks(self, noise: Noise, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the pose model's landmarks in the picture and its world landmarks."""
        true = np.stack([self.pixels[name] for name in LANDMARK_NAMES], 1)
        image = true.copy()
        world = np.stack([self.seen_m[name] - self.middle_m for name in LANDMARK_NAMES], 1)
        legs = {index for leg in LEGS.values() for index in leg[1:]}
        body = dataclasses.replace(noise.marks["hip"], mean=(0.0, 0.0))
        for index in range(len(LANDMARK_NAMES)):
            if index not in legs:
                image[:, index] += self.shank_px * body.draw(rng, self.t_s, 2)
        for side, leg in LEGS.items():
            left = side is Side.LEFT
            moved = {part: self.pixels[f"{side}_{part}"] - self.pixels[f"{side}_{part}"][self.first] for part in PARTS}
            off: dict[str, np.ndarray] = {}
            for part in PARTS:
                of_foot = part in ("heel", "toe")
                way = moved[part] - moved["ankle"] if of_foot else moved["ankle"]
                size = np.hypot(*way.T) / self.shank_px
                errors = noise.marks[part]
                off[part] = errors.draw_gain(rng) * way + self.shank_px * errors.draw(rng, self.t_s, 2, size, left)
                if of_foot:
                    off[part] = off[part] + off["ankle"]
                image[:, getattr(leg, part)] += off[part]
                world[:, getattr(leg, part), 2] += self.shank_m * noise.depth[part].draw(rng, self.t_s, 1)[:, 0]
        if noise.lag_s and len(self.t_s) > 2:
            image -= noise.lag_s * np.gradient(true, self.t_s, axis=0)
        world[..., :2] += (image - true) / self.shank_px * self.shank_m
        return image, world

    def _crops(self, side: Side, noise: Noise, rng: np.random.Generator) -> list[LegCrop | None]:
        """Return what the leg network says of a leg, None where it is out of the picture."""
        n, left = len(self.t_s), side is Side.LEFT
        places = np.stack([self.pixels[f"{side}_{part}"] for part in ("heel", "toe", "ankle", "knee")], 1)
        at_m = {part: self.seen_m[f"{side}_{part}"] for part in PARTS}
        foot_m = float(np.median(np.linalg.norm(at_m["toe"] - at_m["heel"], axis=1)))
        foot_px = self.focal_px * foot_m / np.linalg.norm(at_m["ankle"], axis=1)
        middle = np.einsum("p,npk->nk", CROP_MIDDLE, places)
        ray = np.column_stack([(middle - self.centre_px) / self.focal_px, np.ones(n)])
        turns = turns_to(ray / np.linalg.norm(ray, axis=1, keepdims=True))
        told = []
        for name, start, end in (("foot", "heel", "toe"), ("shank", "ankle", "knee")):
            across, along = noise.directions[name]
            true = at_m[end] - at_m[start]
            true = true / np.linalg.norm(true, axis=1, keepdims=True)
            way = true - true[self.first]
            shown = np.einsum("nji,nj->ni", turns, true + across.draw_gain(rng) * way)
            size = np.linalg.norm(way, axis=1)
            off_deg = [e.draw(rng, self.t_s, 1, size, left and e is across) for e in (across, along)]
            told.append(_swayed(shown, np.hstack(off_deg)))
        points = places + foot_px[:, None, None] * np.stack([noise.points.draw(rng, self.t_s, 2) for _ in range(4)], 1)
        said = np.array([*noise.said_deg, *noise.said_feet])
        said = said * np.exp(noise.said_spread * wandering(rng, self.t_s, 0.5, 6))
        unread = _spells(rng, self.t_s, float(rng.choice(noise.unreadable)), noise.unreadable_s)
        width, height = self.size_px
        inside = ((middle > 0) & (middle < [width, height])).all(1)
        crops: list[LegCrop | None] = []
        for k in range(n):
            numbers = [middle[k], points[k].ravel(), said[k, 4:] * foot_px[k], told[0][k], told[1][k], said[k, :4]]
            rest = [foot_px[k], CROP_UNSURE if unread[k] else CROP_SURE, 0.01]
            crops.append(LegCrop.of(np.concatenate([*numbers, rest])) if inside[k] else None)
        return crops


def turns_to(rays: np.ndarray) -> np.ndarray:
    """Return the rotations that turn the z axis onto unit vectors, shape (n, 3, 3)."""
    x, y, z = rays.T
    k = 1 / (1 + z)
    return np.stack([1 - k * x * x, -k * x * y, x, -k * x * y, 1 - k * y * y, y, -x, -y, z], 1).reshape(-1, 3, 3)


def _swayed(directions: np.ndarray, off_deg: np.ndarray) -> np.ndarray:
    """Return directions that are turned across the ray (about it) and along it, by so many degrees."""
    across = np.cross([0.0, 0.0, 1.0], directions)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 0.05)
    along = np.cross(directions, across)
    turned = directions + np.radians(off_deg[:, :1]) * across + np.radians(off_deg[:, 1:]) * along
    return turned / np.linalg.norm(turned, axis=1, keepdims=True)


def _spells(rng: np.random.Generator, t_s: np.ndarray, share: float, seconds: float) -> np.ndarray:
    """Return a switch that is on for some share of the time, for some time on average."""
    on = np.zeros(len(t_s), bool)
    if not share:
        return on
    off_s = seconds * (1 - share) / share
    now_s, state = t_s[0], bool(rng.random() < share)
    while now_s < t_s[-1]:
        lasts_s = rng.exponential(seconds if state else off_s)
        on[(t_s >= now_s) & (t_s < now_s + lasts_s)] = state
        now_s, state = now_s + lasts_s, not state
    return on
