"""Draws surfaces offscreen (moderngl on EGL; Mesa's software driver will do): textures, one shadow, soft darkness from above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import moderngl
import numpy as np

from .camera import FAR_M, NEAR_M, Camera, look_at
from .dress import Body
from .mesh import Look
from .scene import Mesh, RoomStyle, Surface

_SAMPLES, _SHADOW_PX, _ABOVE_PX = 4, 1536, 384
_PICTURES_KEPT = 150
_VERTEX = """
uniform mat4 to_screen, to_lamp, to_above; in vec3 point; in vec3 normal; in vec2 texel;
out vec3 world; out vec3 out_of; out vec2 uv; out vec4 at_lamp; out vec4 at_above;
void main() {
  world = point; out_of = normal; uv = texel;
  at_lamp = to_lamp * vec4(point, 1); at_above = to_above * vec4(point, 1); gl_Position = to_screen * vec4(point, 1);
}"""
_FRAGMENT = """
uniform sampler2D picture; uniform sampler2DShadow lamp_depth; uniform sampler2DShadow above_depth;
uniform vec3 tint, eye, lamp, key, sky, ground, fill; uniform float shine, gloss, alpha_test, wrap; uniform int two_sided, taps;
in vec3 world; in vec3 out_of; in vec2 uv; in vec4 at_lamp; in vec4 at_above; out vec4 colour;
const vec2 DISC[8] = vec2[](vec2(-.33,-.84), vec2(.71,-.55), vec2(.92,.22), vec2(.28,.88), vec2(-.55,.72), vec2(-.94,-.05),
  vec2(-.15,.2), vec2(.25,-.2));
void main() {
  vec4 texel = texture(picture, uv);
#ifdef HOLES
  if (texel.a < alpha_test) discard;
#endif
#ifdef FINE
  {
    vec2 gx = dFdx(uv), gy = dFdy(uv); texel = vec4(0.); float n = float(taps);
    for (int i = 0; i < taps; i++) for (int j = 0; j < taps; j++)
      texel += textureGrad(picture, uv + gx * ((float(i) + .5) / n - .5) + gy * ((float(j) + .5) / n - .5), gx / n, gy / n);
    texel /= n * n;
  }
#endif
  vec3 albedo = pow(texel.rgb, vec3(2.2)) * tint;
  vec3 n = out_of / max(length(out_of), 1e-5), to_eye = normalize(eye - world);
  if (two_sided == 1 && dot(n, to_eye) < 0.) n = -n;
  float spin = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453) * 6.2831;
  mat2 turn = mat2(cos(spin), -sin(spin), sin(spin), cos(spin));
  vec3 q = at_lamp.xyz / at_lamp.w * .5 + .5; float lit = 0.;
  for (int i = 0; i < 6; i++) lit += texture(lamp_depth, vec3(q.xy + turn * DISC[i] * 0.0022, q.z - 0.0022));
  lit /= 6.;
  vec3 u = at_above.xyz / at_above.w * .5 + .5; float open = 0.;
  for (int i = 0; i < 8; i++) open += texture(above_depth, vec3(u.xy + turn * DISC[i] * 0.030, u.z - 0.004));
  open = mix(.45, 1., open / 8.);
  float facing = clamp((dot(n, lamp) + wrap) / (1. + wrap), 0., 1.); vec3 halfway = normalize(lamp + to_eye);
  vec3 ambient = mix(ground, sky * open, n.y * .5 + .5);
  vec3 light = albedo * (ambient + key * facing * lit + fill * clamp(dot(n, to_eye), 0., 1.))
    + shine * key * lit * pow(max(dot(n, halfway), 1e-4), gloss) * step(0., facing);
  light = light / (1. + .18 * light); colour = vec4(pow(clamp(light, 0., 1.), vec3(1. / 2.2)), 1.);
}"""
_DEPTH_VERTEX = """
uniform mat4 to_screen; in vec3 point;
#ifdef HOLES
in vec2 texel; out vec2 uv;
#endif
void main() {
#ifdef HOLES
  uv = texel;
#endif
  gl_Position = to_screen * vec4(point, 1);
}"""
_DEPTH_FRAGMENT = """
#ifdef HOLES
uniform sampler2D picture; uniform float alpha_test; in vec2 uv;
void main() { if (texture(picture, uv).a < alpha_test) discard; }
#else
void main() {}
#endif"""


@dataclass(frozen=True)
class _Item:
    """A surface on the graphics card."""

    points: moderngl.Buffer
    buffers: tuple[moderngl.Buffer, ...]
    picture: moderngl.Texture
    look: Look
    casts_shadow: bool
    taps: int
    seen: moderngl.VertexArray
    depth: moderngl.VertexArray


class Raster:
    """Draws what was added, from any camera.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the pictures.
    shadow_px : int
        Side of the map of what the lamp reaches.
    """

    def __init__(self, size_px: tuple[int, int], shadow_px: int = _SHADOW_PX) -> None:
        self.size_px = size_px
        self._gl = gl = moderngl.create_context(standalone=True, backend="egl", require=330)
        self._programs: dict[tuple[str, ...], moderngl.Program] = {}
        colour, depth = gl.renderbuffer(size_px, 4, samples=_SAMPLES), gl.depth_renderbuffer(size_px, samples=_SAMPLES)
        self._fine, self._out = gl.framebuffer([colour], depth), gl.framebuffer([gl.renderbuffer(size_px, 4)])
        self._lamp, self._above = self._depth_map(shadow_px), self._depth_map(_ABOVE_PX)
        self._pictures: dict[Any, tuple[moderngl.Texture, Any]] = {}
        self._white = gl.texture((1, 1), 3, b"\xff\xff\xff")
        self._items: list[_Item] = []

    def close(self) -> None:
        """Give everything back to the driver."""
        self._gl.release()

    def clear(self) -> None:
        """Take everything away; a few pictures stay, which may be wanted again."""
        for item in self._items:
            for part in (item.seen, item.depth, *item.buffers):
                part.release()
        self._items.clear()
        if len(self._pictures) > _PICTURES_KEPT:
            for texture, _ in self._pictures.values():
                texture.release()
            self._pictures.clear()

    def depth(self, camera: Camera) -> np.ndarray:
        """Return how far what a camera sees is along its axis, m, shape (height, width)."""
        width, height = self.size_px
        texture = self._gl.depth_texture((width, height))
        target = self._gl.framebuffer(depth_attachment=texture)
        self._gl.enable(moderngl.DEPTH_TEST)
        self._draw_depth(target, camera.projection @ camera.view, self._items, everything=True)
        stored = np.frombuffer(texture.read(alignment=1), "f4").reshape(height, width)[::-1]
        target.release()
        texture.release()
        return 2 * FAR_M * NEAR_M / (FAR_M + NEAR_M - (2 * stored - 1) * (FAR_M - NEAR_M))

    def _depth_map(self, size: int) -> tuple[moderngl.Texture, moderngl.Framebuffer]:
        texture = self._gl.depth_texture((size, size))
        texture.compare_func, texture.repeat_x, texture.repeat_y = "<=", False, False
        texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        return texture, self._gl.framebuffer(depth_attachment=texture)

    def _program(self, vertex: str, fragment: str, *wanted: str) -> moderngl.Program:
        """Return the program for a kind of surface; what it does not need would cost time in every pixel."""
        key = (vertex, *wanted)
        if key not in self._programs:
            head = "\n".join(["#version 330", *(f"#define {name}" for name in wanted)])
            self._programs[key] = self._gl.program(head + vertex, head + fragment)
        return self._programs[key]

    def _picture(self, source: Path | np.ndarray | None) -> moderngl.Texture:
        if source is None:
            return self._white
        key = source if isinstance(source, Path) else id(source)
        if key not in self._pictures:
            pixels = np.ascontiguousarray(_pixels(source)[::-1])
            height, width, channels = pixels.shape
            texture = self._gl.texture((width, height), channels, pixels.tobytes(), alignment=1)
            texture.build_mipmaps()
            # No anisotropic filter: with it, Mesa's software driver once never came back.
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            self._pictures[key] = (texture, source)  # keeps the source alive, whose id is the key
        return self._pictures[key][0]

    def add(self, surface: Surface, *, moves: bool = False) -> _Item:
        """Add a surface."""
        gl, mesh, look = self._gl, surface.mesh, surface.look
        points = gl.buffer(_interleaved(mesh.points_m, mesh.normals), dynamic=moves)
        uv, triangles = gl.buffer(np.asarray(mesh.uv, "f4").tobytes()), gl.buffer(np.asarray(mesh.triangles, "i4").tobytes())
        holes, fine = ("HOLES",) * (look.alpha_test > 0), ("FINE",) * (surface.taps > 1)
        program = self._program(_VERTEX, _FRAGMENT, *holes, *fine)
        seen = gl.vertex_array(program, [(points, "3f 3f", "point", "normal"), (uv, "2f", "texel")], triangles)
        where = [(points, "3f 12x", "point"), *([(uv, "2f", "texel")] if holes else [])]
        depth = gl.vertex_array(self._program(_DEPTH_VERTEX, _DEPTH_FRAGMENT, *holes), where, triangles)
        item = _Item(
            points, (points, uv, triangles), self._picture(surface.texture), look,
            surface.casts_shadow, surface.taps, seen, depth,
        )  # fmt: skip
        self._items.append(item)
        return item

    def person(self, body: Body) -> Person:
        """Add a person, who is drawn once posed."""
        return Person(self, body)

    def draw(self, camera: Camera, room: RoomStyle, focus_m: np.ndarray, hidden: frozenset[int] = frozenset()) -> np.ndarray:
        """Return a picture, BGR, shape (height, width, 3).

        Parameters
        ----------
        camera : Camera
            Whose picture.
        room : RoomStyle
            The light.
        focus_m : numpy.ndarray, shape (3,)
            Middle of what casts shadows.
        hidden : frozenset of int
            Identities of items that are not there.
        """
        gl = self._gl
        items = [item for item in self._items if id(item) not in hidden]
        lamp = np.asarray(room.light_from, float) / np.linalg.norm(room.light_from)
        ground = focus_m * [1, 0, 1]
        to_lamp = _orthographic(2, 9) @ look_at(focus_m + lamp * 4.5, focus_m, (0, 1, 0.001))
        to_above = _orthographic(2.2, 4) @ look_at(ground + np.array([0, 2.6, 0]), ground, (0, 0, 1))
        gl.enable(moderngl.DEPTH_TEST)
        gl.disable(moderngl.CULL_FACE)
        for (_, target), matrix in ((self._lamp, to_lamp), (self._above, to_above)):
            self._draw_depth(target, matrix, items)
        self._fine.use()
        self._fine.clear(0.7, 0.7, 0.7, 1.0)
        matrices = {"to_screen": camera.projection @ camera.view, "to_lamp": to_lamp, "to_above": to_above}
        light = {"eye": camera.eye_m, "lamp": lamp, "key": room.key, "sky": room.sky, "ground": room.ground, "fill": room.fill}
        self._set_up({item.seen.program for item in items}, matrices, light)
        for item in reversed(items):  # people first, walls last: what they hide is not drawn
            self._draw_item(item)
        gl.copy_framebuffer(self._out, self._fine)
        width, height = self.size_px
        rows = np.frombuffer(self._out.read(components=3, alignment=1), np.uint8).reshape(height, width, 3)
        return np.ascontiguousarray(rows[::-1, :, ::-1])

    def _draw_depth(
        self, target: moderngl.Framebuffer, matrix: np.ndarray, items: list[_Item], *, everything: bool = False
    ) -> None:
        target.use()
        target.clear(depth=1.0)
        for program in {item.depth.program for item in items}:
            program["to_screen"].write(_packed(matrix))
        for item in items:
            if item.casts_shadow or everything:
                if item.look.alpha_test > 0:
                    item.picture.use(0)
                    item.depth.program["picture"].value = 0
                    item.depth.program["alpha_test"].value = item.look.alpha_test
                item.depth.render()

    def _set_up(self, programs: Iterable[moderngl.Program], matrices: dict[str, np.ndarray], light: dict[str, Any]) -> None:
        for program in programs:
            for name, matrix in matrices.items():
                program[name].write(_packed(matrix))
            for name, value in light.items():
                program[name].value = tuple(float(x) for x in value)
            for unit, name in enumerate(("picture", "lamp_depth", "above_depth")):
                program[name].value = unit
        self._lamp[0].use(1)
        self._above[0].use(2)

    def _draw_item(self, item: _Item) -> None:
        look = item.look
        item.picture.use(0)
        values = {"tint": tuple(look.tint), "shine": look.shine, "gloss": look.gloss}
        values |= {"two_sided": int(look.two_sided), "wrap": look.wrap}
        values |= {"alpha_test": look.alpha_test} if look.alpha_test > 0 else {}
        values |= {"taps": item.taps} if item.taps > 1 else {}
        for name, value in values.items():
            item.seen.program[name].value = value
        item.seen.render()


class Person:
    """A body in a raster; made by `Raster.person`."""

    def __init__(self, raster: Raster, body: Body) -> None:
        self._raster, self._body = raster, body
        self._items: list[_Item] = []

    def pose(self, bones: np.ndarray) -> None:
        """Show the body under some transforms of its bones."""
        posed = [(mesh, mesh.posed(bones)) for mesh in self._body.meshes]
        corners = [(m, v[m.corner_vertex], m.normals(v)[m.corner_vertex]) for m, v in posed]
        if self._items:
            for item, (_, points, normals) in zip(self._items, corners, strict=True):
                item.points.write(_interleaved(points, normals))
            return
        for mesh, points, normals in corners:
            surface = Surface(Mesh(points, normals, mesh.uv, mesh.triangles), mesh.texture, mesh.look)
            self._items.append(self._raster.add(surface, moves=True))

    @property
    def items(self) -> frozenset[int]:
        """Identities of its items, to hide it."""
        return frozenset(id(item) for item in self._items)


def _interleaved(points: np.ndarray, normals: np.ndarray) -> bytes:
    return np.hstack([points, normals]).astype("f4").tobytes()


def _packed(matrix: np.ndarray) -> bytes:
    return np.ascontiguousarray(matrix.T.astype("f4")).tobytes()


def _pixels(source: Path | np.ndarray) -> np.ndarray:
    """Return RGB or RGBA, uint8, of a picture or a picture file."""
    if isinstance(source, np.ndarray):
        return source
    pixels = cv2.imread(str(source), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f"no picture: {source}")
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _orthographic(half_m: float, far_m: float, near_m: float = 0.1) -> np.ndarray:
    """Return the OpenGL projection of a square field."""
    matrix = np.diag([1 / half_m, 1 / half_m, -2 / (far_m - near_m), 1.0])
    matrix[2, 3] = -(far_m + near_m) / (far_m - near_m)
    return matrix
