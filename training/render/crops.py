"""Makes labelled crops of legs for the leg network, in the format of training/README.md, from random people, poses and cameras.

python -m training.render.crops learn OUT --people 100      # 100 people, about 30 crops of each; on all cores
python -m training.render.crops check OUT --people 20       # others, to check on while learning; and `test` for the end

Every person is a table of its own in OUT (learn_000007.csv and .zip): one seed, one result. Started again, it makes what is
missing. The tables are what `training/train.py` reads. Sets share no person with each other, nor with the benchmark. Crops are
off as far as the pose model places them off (measure_placing.py): some show the other leg, or none.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training import crops as store
from training.movement import tidy

from . import assets, people, placing_errors, variants
from .camera import Camera
from .dress import Body
from .labelling import NEAREST_M, along, foot_m, labels, placed
from .posing import Leg, LegFrames, Pose, Rig, other, turn_about, turn_y
from .postures import CROPPED, POSTURES
from .postures.base import Scenario
from .raster import Raster
from .scene import ROOMS, Scene

SETS = {"learn": ("tune", 100_000), "check": ("tune", 200_000), "test": ("test", 300_000)}
"""Part of the people at random that a set is from, and number of its first person."""
SCENES, CAMERAS = 5, 3
"""Per person, and per scene; a camera sees both legs."""
FREE_SHARE, WANTED_VIEW_SHARE, NO_LEG_SHARE, COMPANY_SHARE = 0.25, 0.62, 0.05, 0.15
JPEG_QUALITY = 93
_SEEN_WITHIN_M = 0.012
_ROOMS = 40
"""How many sets of textures rooms are furnished from."""
_WALLS_M = (-2.4, 2.7, 5.6)
"""Walls left and right and end of the floor, between which cameras are."""


@dataclass(frozen=True)
class Shot:
    """One scene: who is how, and from where it may be seen.

    Parameters
    ----------
    family : str
        The posture, or free.
    pose : Pose
        The whole body.
    rig : Rig
        Whose.
    look_m : numpy.ndarray, shape (3,)
        What cameras look at.
    wanted_m : numpy.ndarray, shape (3,), optional
        Where the posture wants its camera.
    wall_m : float
        Where the far wall is.
    scene : Scene
        Room and furniture.
    """

    family: str
    pose: Pose
    rig: Rig
    look_m: np.ndarray
    wanted_m: np.ndarray | None
    wall_m: float
    scene: Scene


def make_person(which: str, number: int, out: Path) -> str:
    """Write the crops of one person, and return a line about them. The table comes last."""
    part, first = SETS[which]
    person = people.draw(part, first + number)
    rng = np.random.default_rng([first + number, 55])
    body = people.make(person)
    rig, raster = Rig(body), Raster((store.SIZE_PX, store.SIZE_PX), shadow_px=768)
    rows = [row for scene in range(SCENES) for row in _scene_rows(rig, raster, person, f"{person['name']}-{scene}", rng)]
    raster.close()
    table = out / f"{which}_{number:06d}.csv"
    part_name = out / f"{which}_{number:06d}.part.csv"
    store.write(part_name, rows)
    part_name.with_suffix(".zip").replace(table.with_suffix(".zip"))
    part_name.replace(table)
    return f"{table.name}: {len(rows)} crops"


def _scene_rows(
    rig: Rig, raster: Raster, person: Mapping[str, Any], name: str, rng: np.random.Generator
) -> Iterator[tuple[dict[str, object], bytes]]:
    """Yield labels and pictures of one scene."""
    shot = _shoot(rig, rng)
    raster.clear()
    for surface in shot.scene.surfaces:
        raster.add(surface)
    raster.person(rig.body).pose(rig.transforms(shot.pose))
    if rng.random() < COMPANY_SHARE:
        _company(rig, raster, shot, rng)
    legs = {side: rig.leg_frames(shot.pose, side) for side in "RL"}
    surfaces = {side: _foot_surface(rig.body, rig.transforms(shot.pose), side) for side in "RL"}
    room = ROOMS[str(rng.choice(list(ROOMS)))].lit(
        (float(rng.normal(0, 1)), float(rng.uniform(0.4, 1.8)), float(rng.normal(0.3, 0.9))),
        float(rng.uniform(0.4, 1.6)),
        float(rng.uniform(0.4, 1.2)),
    )
    for number in range(CAMERAS):
        eye = _eye(shot, rng)
        roll_deg = float(rng.normal(0, 20 if rng.random() < 0.1 else 5))
        for off in placing_errors.draw(shot.family, rng).values():
            side = other(off.side) if off.shows == placing_errors.OTHER else off.side
            elsewhere = rng.random() < NO_LEG_SHARE
            camera = _elsewhere(eye, roll_deg, legs, side, rng) if elsewhere else placed(eye, roll_deg, legs[side], off)
            no_leg = elsewhere or off.shows == placing_errors.NOTHING
            if np.linalg.norm(camera.target_m - eye) < NEAREST_M:
                continue
            picture = raster.draw(camera, room, camera.target_m)
            seen = _visible_share(camera, raster.depth(camera), *surfaces[side])
            words = {
                "side": "right" if side == "R" else "left",
                "person": person["name"],
                "body": person["name"],
                "shoe": _shoe(person),
                "camera": f"{name}-{number}",
                "family": shot.family,
            }
            encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
            yield {**words, **labels(camera, legs[side], seen, no_leg)}, encoded


# ---------------------------------------------------------------------- poses


def _shoot(rig: Rig, rng: np.random.Generator) -> Shot:
    """Return a moment of a drill, or any pose at all, in a room."""
    scene, seed = Scene(), int(rng.integers(_ROOMS))
    wall_m = float(rng.uniform(-4.0, -0.9))
    scene.room(str(rng.choice(list(ROOMS))), wall_m, seed, str(rng.choice(["", "", "tiles"])))
    if rng.random() < 0.25:
        scene.rug(seed)
    scene.clutter(int(rng.integers(0, 8)), wall_m, seed)
    if rng.random() < FREE_SHARE:
        pose = _free_pose(rig, rng)
        return Shot("free", pose, rig, pose.pelvis_m - [0, 0.3, 0], None, wall_m, scene)
    family = str(rng.choice(CROPPED))
    one = tidy([float(rng.uniform(-55, 50))], side=str(rng.choice(["right", "left"])), both=variants.both(family, rng))
    moment = np.array([one.reps[0].peak_from_s * rng.uniform(0.6, 1.0)])
    posture = POSTURES[family](Scenario(rig, one, moment, variants.options(family, rng), int(rng.integers(10_000)), 2.0))
    posture.furnish(scene)
    pose = posture.pose(0)
    for side in "RL":
        pose = pose.with_leg(side, _bent_foot(pose.legs[side], rng))
    view = dataclasses.replace(posture.camera)
    target = np.array(view.target_m, float)
    wanted = target + turn_y(view.orbit_deg) @ (np.array(view.eye_m, float) - target)
    return Shot(family, pose, rig, target, wanted, wall_m, scene)


def _bent_foot(leg: Leg, rng: np.random.Generator) -> Leg:
    """Return a leg whose free foot is bent and turned a little at random."""
    if leg.foot_axes is not None:
        return leg
    return dataclasses.replace(
        leg, ankle=leg.ankle + rng.normal(0, 10), inversion=rng.normal(0, 6), torsion=leg.torsion + rng.normal(0, 4)
    )


def _free_pose(rig: Rig, rng: np.random.Generator) -> Pose:
    """Return any pose at all, its lowest joint near the floor."""
    legs = {
        side: Leg(
            flexion=float(rng.uniform(-15, 100)),
            adduction=float(rng.uniform(-35, 15)),
            rotation=float(rng.uniform(-55, 50)),
            knee=float(rng.uniform(0, 110)),
            ankle=float(rng.uniform(-40, 20)),
            inversion=float(rng.normal(0, 8)),
            toes=float(rng.choice([0, 0, rng.uniform(0, 40)])),
        )
        for side in "RL"
    }
    turn = turn_y(float(rng.uniform(-180, 180))) @ turn_about(
        rng.normal(size=3), float(rng.choice([0, 20, 90]) + rng.normal(0, 10))
    )
    pose = Pose(np.zeros(3), turn, legs)
    lowest = min(point[1] for side in "RL" for point in rig.leg_frames(pose, side).points_m.values())
    return pose.moved(np.array([0, 0.04 - lowest + abs(rng.normal(0, 0.05)), 0]))


def _company(rig: Rig, raster: Raster, shot: Shot, rng: np.random.Generator) -> None:
    """Put the legs of somebody else nearby: the same body, who stands."""
    angle, far_m = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.9)
    at = shot.pose.pelvis_m + far_m * np.array([np.cos(angle), 0, np.sin(angle)])
    at[1] = rig.middle_m[1] - rig.body.sole_m
    standing = Pose(
        at, turn_y(float(rng.uniform(-180, 180))), dict.fromkeys("RL", Leg(adduction=-3, rotation=float(rng.normal(0, 8))))
    )
    raster.person(rig.body).pose(rig.transforms(standing))


# ---------------------------------------------------------------------- cameras


def _eye(shot: Shot, rng: np.random.Generator) -> np.ndarray:
    """Return where a camera is in the room."""
    left, right, end = _WALLS_M
    for _ in range(20):
        eye = _anywhere(shot, rng)
        if left < eye[0] < right and shot.wall_m + 0.2 < eye[2] < end:
            break
    return np.clip(eye, [left, 0.08, shot.wall_m + 0.2], [right, 9.0, end])


def _anywhere(shot: Shot, rng: np.random.Generator) -> np.ndarray:
    """Return where the posture wants its camera, give or take; or anywhere around."""
    if shot.wanted_m is not None and rng.random() < WANTED_VIEW_SHARE:
        away = (shot.wanted_m - shot.look_m) * np.exp(rng.uniform(-0.2, 0.2))
        eye = shot.look_m + turn_y(float(rng.normal(0, 16))) @ away + [0, rng.normal(0, 0.3), 0]
    else:
        up, around, far_m = np.radians(rng.uniform(0, 70)), rng.uniform(0, 2 * np.pi), rng.uniform(1.2, 4.2)
        eye = shot.look_m + far_m * np.array([np.cos(up) * np.cos(around), np.sin(up), np.cos(up) * np.sin(around)])
    return eye


def _elsewhere(eye: np.ndarray, roll_deg: float, legs: Mapping[str, LegFrames], side: str, rng: np.random.Generator) -> Camera:
    """Return the camera of a crop that shows no foot on purpose: of the knee, the hip, or anything nearby."""
    points = legs[side].points_m
    places = (points["knee"], points["hip"], placing_errors.middle(points) + rng.uniform(-0.8, 0.8, 3))
    middle = places[int(rng.integers(3))] + rng.normal(0, 0.03, 3)
    return along(eye, middle, roll_deg, store.MARGIN * store.WIDTH_FEET * foot_m(legs[side]))


# ---------------------------------------------------------------------- labels


def _foot_surface(body: Body, bones: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return middles and areas of the triangles of the outermost surface of a foot."""
    labels_of = body.shape.skeleton.labels
    foot = [k for k, label in enumerate(labels_of) if label.startswith(("foot", "toe")) and label.endswith(side)]
    worn = sorted(body.meshes, key=lambda m: 2 * m.name.startswith("shoes") + (m.name == "sock"), reverse=True)
    for mesh in worn:
        if mesh.kind != "skin" and not mesh.name.startswith(("shoes", "sock")):
            continue
        faces = mesh.corner_vertex[mesh.triangles]
        mine = np.asarray(mesh.weights[:, foot].sum(1)).ravel()[faces].min(1) > 0.5
        if mine.sum() > 20:
            a, b, c = (mesh.posed(bones)[faces[mine][:, k]] for k in range(3))
            return (a + b + c) / 3, 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    raise ValueError("the body has no foot")


def _visible_share(camera: Camera, depth_m: np.ndarray, middles: np.ndarray, areas: np.ndarray) -> float:
    """Return which share of a surface is in the picture with nothing before it."""
    seen, pixels = camera.seen_m(middles), np.floor(camera.project(middles)).astype(int)
    inside = (pixels >= 0).all(1) & (pixels < store.SIZE_PX).all(1) & (seen[:, 2] > 0)
    in_front = np.zeros(len(areas), bool)
    column, row = pixels[inside].T
    in_front[inside] = seen[inside, 2] < depth_m[row, column] + _SEEN_WITHIN_M
    return float(areas[in_front].sum() / areas.sum())


def _shoe(person: Mapping[str, Any]) -> str:
    modelled = [c["name"] for c in person["clothes"] if c["name"].startswith("shoes")]
    made = [c for c in person["covers"] if c["kind"] in ("shoe", "sock")]
    if modelled:
        return modelled[0]
    if any(c["kind"] == "shoe" for c in made):
        return "computed"
    return "sock" if made else "bare"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make crops."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(SETS))
    parser.add_argument("out", type=Path, help="folder, outside the repository")
    parser.add_argument("--people", type=int, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (default: %(default)s)")
    asked = parser.parse_args(arguments)
    assets.require()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [k for k in range(asked.people) if not (asked.out / f"{asked.set}_{k:06d}.csv").is_file()]
    failed = 0
    with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(make_person, asked.set, k, asked.out): k for k in wanted}
        for done in as_completed(running):
            problem = done.exception()
            failed += problem is not None
            print(done.result() if problem is None else f"person {running[done]}: {problem!r}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
