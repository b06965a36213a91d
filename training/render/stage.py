"""What is true of a clip before anything is drawn: its spec, who is where at every moment, and the tables of truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.movement import Course, Feed, Frames, Movement, perform, tidy

from . import people
from .camera import Camera, View
from .company import Walk
from .dress import Body
from .posing import Pose, Rig
from .postures import POSTURES, Posture
from .postures.base import Scenario
from .scene import Scene
from .sensor import Sensor
from .sheet import FloorSheet

SIDES = (("R", "right"), ("L", "left"))
POINTS = ("hip", "knee", "ankle", "heel", "toe")
CONVENTION = (
    "degrees; hip internal rotation positive for both legs; Grood-Suntay Z-X-Y of the femur in the pelvis (ISB axes); "
    "zero = knee flexion axis mediolateral"
)
_LEAVING_S, _RETURNING_S = 2.6, 3.5
"""Time of walking off and of coming back, at both ends of an absence."""


@dataclass(frozen=True)
class ClipSpec:
    """Everything about one clip.

    Parameters
    ----------
    posture : str
        A name of `postures.POSTURES`.
    person : str or mapping
        A name of people.toml, or a table like one there.
    movement : mapping
        Fields of `training.movement.Movement`; or, with peaks_deg, arguments of `training.movement.tidy`.
    feed : mapping
        Fields of `training.movement.Feed`.
    options : mapping
        Options of the posture.
    camera : mapping
        Fields of `camera.View` that differ from where the posture wants the camera.
    sensor : mapping
        Fields of `sensor.Sensor`.
    room : str
        living, clinic or studio.
    wall_m : float
        Where the far wall is (z).
    size_px : tuple of int
        Width and height.
    crf : int
        Quality of the video, lower is better.
    sway : float
        Scale of the sway of the body.
    walks_in_s : float
        The person walks in for so long before starting; 0: is there.
    floor : str
        Empty: that of the room; or tiles, rug.
    clutter : int
        How many things stand about.
    light_from : tuple of float, optional
        Direction to the lamp, if not that of the room; z below zero is backlight.
    key, ambient : float
        Strength of the lamp, and of the light from all sides: little of it makes hard shadows.
    sheet, bystander : mapping, optional
        Fields of `sheet.FloorSheet` and `company.Bystander`.
    seed : int
        Chooses sway, room and noise.
    drill, kind, note : str
        What rotrack is asked to measure, the kind of movement, and what else is special.
    """

    posture: str
    person: str | Mapping[str, Any]
    movement: Mapping[str, Any]
    feed: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    camera: Mapping[str, Any] = field(default_factory=dict)
    sensor: Mapping[str, Any] = field(default_factory=dict)
    room: str = "living"
    wall_m: float = -1.3
    size_px: tuple[int, int] = (640, 480)
    crf: int = 23
    sway: float = 1.0
    walks_in_s: float = 0.0
    floor: str = ""
    clutter: int = 0
    light_from: tuple[float, float, float] | None = None
    key: float = 1.0
    ambient: float = 1.0
    sheet: Mapping[str, Any] | None = None
    bystander: Mapping[str, Any] | None = None
    seed: int = 0
    drill: str = ""
    kind: str = ""
    note: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> ClipSpec:
        """Return a spec from plain data.

        Raises
        ------
        ValueError
            If it holds what no spec has.
        """
        unknown = set(data) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"a spec has no {sorted(unknown)}")
        if data.get("posture") not in POSTURES:
            raise ValueError(f"there is no posture {data.get('posture')!r}, only {sorted(POSTURES)}")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})

    def course(self) -> Course:
        """Return how the legs turn."""
        if "peaks_deg" in self.movement:
            return tidy(**{"seed": self.seed, **self.movement})
        asked = {k: tuple(v) if k == "directions" else v for k, v in self.movement.items()}
        return perform(Movement(**asked))


class Stage:
    """A spec with its people, postures and cameras: all that is true of a clip, before anything is drawn.

    Parameters
    ----------
    name : str
        Of the clip.
    spec : ClipSpec
        What is wanted.
    rig : Rig, optional
        Who it is, if not the person of the spec: somebody who is not to be drawn.
    """

    def __init__(self, name: str, spec: ClipSpec, rig: Rig | None = None) -> None:
        self.name, self.spec = name, spec
        self.course, self.sensor = spec.course(), Sensor(**spec.sensor)
        self.frames: Frames = Feed(**spec.feed).frames(self.course.duration_s)
        rig = rig or Rig(people.load(spec.person) if isinstance(spec.person, str) else people.make(spec.person))
        drawn_s = np.maximum(0.0, self.frames.seen_s[:, None] + self.sensor.moments_s[None]).ravel()
        self.moments_s = np.unique(np.concatenate([self.frames.t_s, drawn_s]))
        scenario = Scenario(rig, self.course, self.moments_s, spec.options, spec.seed, spec.sway)
        self.posture: Posture = POSTURES[spec.posture](scenario)
        self.look(self.posture.camera.changed(spec.camera))
        self.sheet = FloorSheet(**spec.sheet) if spec.sheet is not None else None
        self._poses: dict[int, Pose | None] = {}

    def look(self, view: View) -> None:
        """Put the camera somewhere."""
        self.view: View = view
        self.cameras: list[Camera] = view.cameras(self.spec.size_px, self.moments_s, self.spec.seed)

    @property
    def body(self) -> Body:
        """The body that is drawn."""
        return self.posture.rig.body

    @cached_property
    def walks(self) -> tuple[Walk, ...]:
        """When somebody walks in or off; nobody does so from a mat."""
        if self.posture.on_floor:
            if self.spec.walks_in_s:
                raise ValueError("people walk in for upright and chair postures only")
            return ()
        walks = [Walk(0.0, self.spec.walks_in_s)] if self.spec.walks_in_s else []
        for start_s, end_s in self.course.absent_s:
            walks.append(Walk(start_s, _LEAVING_S, leaves=True))
            walks.append(Walk(end_s - _RETURNING_S, _RETURNING_S))
        return tuple(walks)

    @cached_property
    def scene(self) -> Scene:
        """Room, furniture and sheet."""
        scene = Scene()
        scene.room(self.spec.room, self.spec.wall_m, self.spec.seed, self.spec.floor)
        if self.spec.floor == "rug":
            scene.rug(self.spec.seed)
        scene.clutter(self.spec.clutter, self.spec.wall_m, self.spec.seed)
        self.posture.furnish(scene)
        if self.sheet:
            self.sheet.put_into(scene)
        return scene

    def at(self, moment_s: float) -> int:
        """Return the number of a moment."""
        return int(np.argmin(np.abs(self.moments_s - moment_s)))

    def exercises(self, moment: int) -> bool:
        """Return whether the person is in the posture, neither walking nor away."""
        t = self.moments_s[moment]
        return bool(self.course.present(t)) and not any(walk.covers(t) for walk in self.walks)

    def pose(self, moment: int) -> Pose | None:
        """Return the person's pose at a moment, None if nobody is there."""
        if moment not in self._poses:
            t = self.moments_s[moment]
            walk = next((walk for walk in self.walks if walk.covers(t)), None)
            if walk is not None:
                self._poses[moment] = walk.pose(self.posture, moment)
            else:
                self._poses[moment] = self.posture.pose(moment) if self.course.present(t) else None
        return self._poses[moment]

    def row(self, number: int) -> dict[str, Any]:
        """Return the truth of a frame: a line of gt.csv. Angles of a person who is away are empty."""
        t_s, seen_s = (float(times[number]) for times in (self.frames.t_s, self.frames.seen_s))
        moment = self.at(t_s)
        pose, camera = self.pose(moment), self.cameras[moment]
        row: dict[str, Any] = {"frame": number, "t": round(t_s, 5), "seen_t": round(seen_s, 5)}
        legs = {s: self.posture.rig.leg_frames(pose, s) for s, _ in SIDES} if pose else {}
        for s, side in SIDES:
            angles = (*legs[s].hip_angles_deg(s), pose.legs[s].knee) if pose else (None,) * 4
            names = ("hip_flexion", "hip_adduction", "hip_internal_rotation", "knee_flexion")
            row |= {f"{side}_{n}": "" if a is None else round(float(a), 3) for n, a in zip(names, angles, strict=True)}
            if pose and s in self.posture.moving and self.exercises(moment):
                off = abs(angles[2] - self.posture.rotation_deg[s][moment])
                if off > 1e-6:
                    raise AssertionError(f"{self.name}, frame {number}: the {side} leg is {off} deg off its truth")
        for s, side in SIDES:
            for point in POINTS:
                uv = camera.project(legs[s][point]) if pose else (None, None)
                xyz = camera.seen_m(legs[s][point]) if pose else (None,) * 3
                row |= {f"{side}_{point}_{n}": "" if q is None else round(float(q), 2) for n, q in zip("uv", uv, strict=True)}
                row |= {f"{side}_{point}_{n}c": "" if q is None else round(float(q), 4) for n, q in zip("xyz", xyz, strict=True)}
        return row

    def truth(self, frames: int) -> dict[str, Any]:
        """Return the truth of the clip: gt.json."""
        course, camera = self.course, self.cameras[0]
        reps = [
            {
                "side": rep.side,
                "direction": rep.direction,
                "cycle": rep.cycle,
                "start": rep.start_s,
                "peak_from": rep.peak_from_s,
                "peak_to": rep.peak_to_s,
                "end": rep.end_s,
                "peak_deg": rep.peak_deg,
                "from_deg": rep.from_deg,
            }
            for rep in course.reps
        ]
        meta = {
            "name": self.name,
            "spec": {f.name: getattr(self.spec, f.name) for f in fields(self.spec)},
            "n_frames": frames,
            "side": "both" if len(course.moving) > 1 else course.moving[0],
            "pointer": self.posture.pointer,
            "peaks_are": self.posture.peaks_are,
            "rep_count": len(reps),
            "reps": [{k: round(v, 4) if isinstance(v, float) else v for k, v in rep.items()} for rep in reps],
            "absent": [list(span) for span in course.absent_s],
            "image_size": list(self.spec.size_px),
            "K": camera.matrix.tolist(),
            "distortion": [*camera.bend, 0.0, 0.0],
            "R_world_to_cam": camera.rotation.tolist(),
            "t_world_to_cam": camera.translation_m.tolist(),
            "angle_convention": CONVENTION,
        }
        if self.sheet:
            meta["sheet"] = self.sheet.truth(camera)
        if self.view.shake_deg or self.view.shake_m:
            shaken = [self.cameras[self.at(float(t))] for t in self.frames.t_s]
            turns = [[*cv2.Rodrigues(c.rotation)[0].ravel(), *c.translation_m] for c in shaken]
            meta["camera_per_frame_rvec_t"] = np.round(turns, 5).tolist()
        return meta

    def still_frames(self) -> list[int]:
        """Return neutral and the middle of one peak of every leg and direction."""
        wanted, seen = {min(5, len(self.frames) - 1)}, set()
        for rep in self.course.reps:
            if (rep.side, rep.direction) not in seen:
                seen.add((rep.side, rep.direction))
                wanted.add(int(np.argmin(np.abs(self.frames.t_s - 0.5 * (rep.peak_from_s + rep.peak_to_s)))))
        return sorted(wanted)


def read_specs(path: Path) -> dict[str, ClipSpec]:
    """Return the specs of a file by name."""
    return {name: ClipSpec.read(data) for name, data in json.loads(path.read_text("utf-8")).items()}
