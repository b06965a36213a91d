"""Rooms and furniture: a list of textured surfaces that the rasteriser draws. World: metres, y up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .mesh import Look
from .textures import cloth, fabric, painting, plaster, rug, tiles, wood

Point = tuple[float, float, float]
_FACES = (
    ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
    ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
    ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((0, 1, 0), (1, 0, 0), (0, 0, -1)),
    ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
)


@dataclass(frozen=True)
class Mesh:
    """Triangles in the world.

    Parameters
    ----------
    points_m, normals : numpy.ndarray, shape (n, 3)
        Corners and directions out of the surface.
    uv : numpy.ndarray, shape (n, 2)
        Texture points.
    triangles : numpy.ndarray, shape (t, 3)
        Numbers of corners.
    """

    points_m: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray


@dataclass(frozen=True)
class Surface:
    """A mesh and what it looks like.

    Parameters
    ----------
    mesh : Mesh
        Where it is.
    texture : pathlib.Path or numpy.ndarray or None
        A picture file, a picture (RGB), or plain white.
    look : Look
        How it takes the light.
    casts_shadow : bool
        Whether others are in its shadow.
    taps : int
        Samples of the texture per pixel and axis; more than 1 for print seen from afar.
    """

    mesh: Mesh
    texture: Path | np.ndarray | None = None
    look: Look = field(default_factory=lambda: Look(shine=0.1, gloss=20.0, wrap=0.0))
    casts_shadow: bool = True
    taps: int = 1


@dataclass(frozen=True)
class RoomStyle:
    """A kind of room: colours, RGB, and light.

    Parameters
    ----------
    wall, floor : tuple of float
        Colours from 0 to 255.
    light_from : tuple of float
        Direction to the lamp.
    key, sky, ground, fill : tuple of float
        Light from the lamp, from above, from below, and from the camera.
    """

    wall: Point
    floor: Point
    light_from: Point
    key: Point
    sky: Point
    ground: Point
    fill: Point

    def lit(self, light_from: Point | None, key: float, ambient: float) -> RoomStyle:
        """Return the room with its lamp elsewhere, stronger, or with less light from all sides (harder shadows)."""
        return replace(
            self,
            light_from=light_from or self.light_from,
            key=tuple(key * x for x in self.key),
            sky=tuple(ambient * x for x in self.sky),
            ground=tuple(ambient * x for x in self.ground),
            fill=tuple(ambient * x for x in self.fill),
        )


ROOMS: Mapping[str, RoomStyle] = {
    "living": RoomStyle(
        (214, 208, 196),
        (168, 132, 98),
        (0.55, 1.15, 0.9),
        (1.25, 1.17, 1.05),
        (0.48, 0.50, 0.54),
        (0.22, 0.19, 0.16),
        (0.16, 0.16, 0.17),
    ),
    "clinic": RoomStyle(
        (205, 214, 216),
        (150, 148, 142),
        (-0.35, 1.6, 0.8),
        (1.05, 1.07, 1.1),
        (0.58, 0.60, 0.62),
        (0.28, 0.27, 0.26),
        (0.16, 0.16, 0.16),
    ),
    "studio": RoomStyle(
        (178, 186, 192),
        (150, 126, 102),
        (-0.8, 0.9, 0.8),
        (1.3, 1.2, 1.05),
        (0.40, 0.43, 0.5),
        (0.2, 0.18, 0.16),
        (0.14, 0.14, 0.15),
    ),
}


def _matt(shine: float, gloss: float = 20.0, tint: Point = (1, 1, 1)) -> Look:
    return Look(tint=tint, shine=shine, gloss=gloss, wrap=0.0)


class Scene:
    """Collects what is drawn besides people."""

    def __init__(self) -> None:
        self.surfaces: list[Surface] = []

    def add(
        self,
        mesh: Mesh,
        texture: Path | np.ndarray | None = None,
        look: Look | None = None,
        *,
        casts_shadow: bool = True,
        taps: int = 1,
    ) -> None:
        """Add a surface."""
        self.surfaces.append(Surface(mesh, texture, look or _matt(0.1), casts_shadow, taps))

    def room(self, style: str, wall_m: float, seed: int, floor_kind: str = "") -> None:
        """Add floor (that of the style, or tiles), three walls and what stands along them; the far wall is at z = wall_m."""
        kind = ROOMS[style]
        floor = plaster(seed + 5, kind.floor, 512, 26) if style == "clinic" else wood(seed, kind.floor)
        floor = tiles(seed + 6) if floor_kind == "tiles" else floor
        wall = plaster(seed + 2, kind.wall)
        depth = 6 - wall_m
        self.add(quad((-4, 0, 6), (8, 0, 0), (0, 0, -depth), (0, 1, 0), (4, 4)), floor, _matt(0.06, 60.0), casts_shadow=False)
        walls = (
            quad((-4, 0, wall_m), (8, 0, 0), (0, 3, 0), (0, 0, 1), (3, 1.2)),
            quad((-2.6, 0, 6), (0, 0, -depth), (0, 3, 0), (1, 0, 0), (3, 1.2)),
            quad((2.9, 0, wall_m), (0, 0, depth), (0, 3, 0), (-1, 0, 0), (3, 1.2)),
        )
        for mesh in walls:
            self.add(mesh, wall, _matt(0.0), casts_shadow=False)
        skirting = _matt(0.02, tint=(0.78, 0.76, 0.72))
        self.add(box((0, 0.045, wall_m + 0.01), (8, 0.09, 0.02)), look=skirting)
        self.add(box((-2.59, 0.045, 2), (0.02, 0.09, 8)), look=skirting)
        self._painting(0.95, 1.65, 0.5, 0.65, wall_m, seed + 3)
        self._along_the_wall(style, wall_m, seed)

    def _painting(self, x: float, y: float, width: float, height: float, wall_m: float, seed: int) -> None:
        corner = (x - width / 2, y - height / 2, wall_m + 0.025)
        self.add(quad(corner, (width, 0, 0), (0, height, 0), (0, 0, 1), (1, 1)), painting(seed), _matt(0.05))

    def _along_the_wall(self, style: str, wall_m: float, seed: int) -> None:
        dark = wood(seed + 9, (96, 66, 44), 3, 512)
        if style == "living":
            self.add(box((-1.75, 0.38, wall_m + 0.25), (1.0, 0.76, 0.42)), dark, _matt(0.05))
            self.add(box((-1.75, 0.38, wall_m + 0.465), (0.46, 0.62, 0.01)), dark, _matt(0.05, tint=(1.25, 1.2, 1.15)))
            vase = cylinder((-1.95, 0.76, wall_m + 0.25), (-1.95, 0.98, wall_m + 0.25), 0.07)
            self.add(vase, look=_matt(0.2, tint=(0.55, 0.25, 0.18)))
            self.add(box((-1.6, 0.83, wall_m + 0.22), (0.22, 0.14, 0.16)), look=_matt(0.1, tint=(0.16, 0.25, 0.3)))
        elif style == "studio":
            self.add(box((1.9, 0.5, wall_m + 0.2), (0.9, 1.0, 0.38)), dark, _matt(0.05))
            stool = cylinder((-1.6, 0.0, wall_m + 0.35), (-1.6, 0.42, wall_m + 0.35), 0.2, 28)
            self.add(stool, look=_matt(0.15, tint=(0.2, 0.35, 0.45)))
        else:
            self.add(box((1.95, 0.85, wall_m + 0.2), (0.8, 1.7, 0.36)), look=_matt(0.1, tint=(0.75, 0.77, 0.78)))
            self._painting(-1.3, 1.6, 0.7, 0.5, wall_m, seed + 4)

    def chair(self, seat_m: float, z_m: float, width_m: float = 0.48, depth_m: float = 0.46, seed: int = 0) -> None:
        """Add a padded chair whose seat is at a height."""
        grain, varnish = wood(seed + 20, (110, 76, 48), 2, 512), _matt(0.12)
        pad = rounded_slab((0, seat_m - 0.03, z_m), (width_m, 0.06, depth_m), 0.02, 0.4)
        self.add(pad, fabric(seed, (62, 70, 92)), _matt(0.02))
        top = seat_m - 0.06
        for x in (-(width_m / 2 - 0.03), width_m / 2 - 0.03):
            for z in (z_m - (depth_m / 2 - 0.03), z_m + (depth_m / 2 - 0.03)):
                self.add(box((x, top / 2, z), (0.04, top, 0.04), 0.3), grain, varnish)
            self.add(box((x, top * 0.4, z_m), (0.025, 0.03, depth_m - 0.08), 0.3), grain, varnish)
            self.add(box((x, seat_m + 0.24, z_m - depth_m / 2 + 0.02), (0.04, 0.5, 0.035), 0.3), grain, varnish)
        for y in (0.22, 0.42):
            rail = box((0, seat_m + y, z_m - depth_m / 2 + 0.02), (width_m - 0.06, 0.1, 0.025), 0.4)
            self.add(rail, grain, varnish)

    def rug(self, seed: int) -> None:
        """Add a rug with a strong pattern under everything."""
        rng = np.random.default_rng([seed, 8])
        width, length = rng.uniform(1.6, 3.0, 2)
        x, z = rng.uniform(-0.4, 0.4, 2)
        mesh = quad((x - width / 2, 0.003, z + length / 2), (width, 0, 0), (0, 0, -length), (0, 1, 0), (1, 1))
        self.add(mesh, rug(seed), _matt(0.0), casts_shadow=False)

    def clutter(self, count: int, wall_m: float, seed: int) -> None:
        """Add boxes, stools and a couch at random, beside and behind the person."""
        rng = np.random.default_rng([seed, 6])
        if count and rng.random() < 0.4:
            side, depth = rng.choice([-1, 1]), 0.85
            x = side * float(rng.uniform(0.9, 1.6))
            cushion = fabric(seed + 31, tuple(rng.uniform(30, 220, 3)))
            for middle, size in (((x, 0.22, wall_m + 0.5), (1.7, 0.44, depth)), ((x, 0.6, wall_m + 0.14), (1.7, 0.5, 0.22))):
                self.add(rounded_slab(middle, size, 0.05, 0.5), cushion, _matt(0.02))
        for k in range(count):
            x = float(rng.choice([-1, 1]) * rng.uniform(0.75, 2.3))
            z, width, height = (
                float(rng.uniform(wall_m + 0.3, 1.4)),
                float(rng.uniform(0.08, 0.45)),
                float(rng.uniform(0.05, 0.8)),
            )
            look = _matt(float(rng.uniform(0, 0.2)), tint=tuple(rng.uniform(0.05, 0.9, 3)))
            if rng.random() < 0.35:
                self.add(cylinder((x, 0, z), (x, height, z), width / 2, 20), look=look)
            else:
                paint = cloth(seed + k, tuple(rng.uniform(40, 230, 3)), str(rng.choice(["plain", "stripes", "checks"])))
                self.add(box((x, height / 2, z), (width, height, float(rng.uniform(0.08, 0.45))), 0.5), paint, look)

    def mat(self, z_m: float, length_m: float = 1.9, width_m: float = 0.75) -> None:
        """Add an exercise mat."""
        slab = rounded_slab((0, 0.006, z_m), (width_m, 0.012, length_m), 0.005, 0.6)
        self.add(slab, fabric(3, (60, 110, 120)), _matt(0.02))

    def pillow(self, middle_m: Point, height_m: float) -> None:
        """Add a pillow."""
        slab = rounded_slab(middle_m, (0.46, height_m, 0.30), 0.3 * height_m, 0.5)
        self.add(slab, fabric(5, (196, 188, 176)), _matt(0.02))


# ---------------------------------------------------------------------- shapes


def quad(corner: Point, u: Point, v: Point, normal: Point, repeat: tuple[float, float]) -> Mesh:
    """Return a rectangle from a corner along two sides; the texture repeats so often along each."""
    o, along, up = (np.array(x, float) for x in (corner, u, v))
    points = np.array([o, o + along, o + along + up, o + up])
    uv = np.array([[0, 0], [repeat[0], 0], repeat, [0, repeat[1]]], float)
    return Mesh(points, np.tile(normal, (4, 1)).astype(float), uv, np.array([[0, 1, 2], [0, 2, 3]]))


def box(middle: Point, size: Point, tile_m: float = 1.0) -> Mesh:
    """Return a box; its texture is tile_m wide."""
    half = np.asarray(size, float) / 2
    points, normals, uv, triangles = [], [], [], []
    for face in _FACES:
        out, u, v = (np.array(x) for x in face)
        first = len(points)
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            points.append(out * half + u * half * a + v * half * b)
            normals.append(out)
            uv.append((a * abs(u @ half) / tile_m, b * abs(v @ half) / tile_m))
        triangles += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
    return Mesh(np.array(points) + np.asarray(middle, float), np.array(normals, float), np.array(uv), np.array(triangles))


def rounded_slab(middle: Point, size: Point, radius: float = 0.02, tile_m: float = 1.0) -> Mesh:
    """Return a box whose vertical edges and top are rounded a little."""
    width, height, depth = size
    ring = []
    for x, z, start in ((1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270)):
        for angle in np.radians(np.linspace(start, start + 90, 5)):
            ring.append(
                (
                    x * (width / 2 - radius * 2) + 2 * radius * np.cos(angle),
                    z * (depth / 2 - radius * 2) + 2 * radius * np.sin(angle),
                )
            )
    outline = np.array(ring)
    count = len(outline)
    in_m = radius / width * 2
    levels = ((-height / 2, 1.0), (height / 2 - radius, 1.0), (height / 2 - radius * 0.3, 1 - 0.3 * in_m), (height / 2, 1 - in_m))
    layers = [np.column_stack([outline[:, 0] * k, np.full(count, y), outline[:, 1] * k]) for y, k in levels]
    points = np.vstack([*layers, [[0, height / 2, 0]]])
    triangles = []
    for a in range(0, (len(levels) - 1) * count, count):
        for i in range(count):
            j = (i + 1) % count
            triangles += [(a + i, a + count + i, a + j), (a + j, a + count + i, a + count + j)]
    top = (len(levels) - 1) * count
    triangles += [(top + i, len(points) - 1, top + (i + 1) % count) for i in range(count)]
    corners = np.array(triangles)
    normals = np.zeros_like(points)
    across = np.cross(points[corners[:, 1]] - points[corners[:, 0]], points[corners[:, 2]] - points[corners[:, 0]])
    for k in range(3):
        np.add.at(normals, corners[:, k], across)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    uv = np.column_stack([points[:, 0], points[:, 2] + points[:, 1]]) / tile_m
    return Mesh(points + np.asarray(middle), normals, uv, corners)


def cylinder(bottom: Point, top: Point, radius: float, segments: int = 16) -> Mesh:
    """Return a closed cylinder."""
    a, b = np.asarray(bottom, float), np.asarray(top, float)
    axis = (b - a) / np.linalg.norm(b - a)
    u = np.cross(axis, [1, 0, 0.01]) if abs(axis[0]) < 0.9 else np.cross(axis, [0, 1, 0])
    u /= np.linalg.norm(u)
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    out = np.outer(np.cos(angles), u) + np.outer(np.sin(angles), np.cross(axis, u))
    points = np.vstack([a + radius * out, b + radius * out, [a], [b]])
    triangles = []
    for i in range(segments):
        j = (i + 1) % segments
        triangles += [(i, j, segments + i), (j, segments + j, segments + i)]
        triangles += [(i, 2 * segments, j), (segments + i, segments + j, 2 * segments + 1)]
    return Mesh(points, np.vstack([out, out, [-axis], [axis]]), points[:, :2] * 2, np.array(triangles))
