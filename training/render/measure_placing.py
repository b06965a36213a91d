"""Measures how far off the pose model places crops of legs, on whole rendered pictures, and writes placing_errors.csv.

python -m training.render.measure_placing                   # shows what was measured, per posture
python -m training.render.measure_placing --people 26       # measures: 12 pictures of each; delete the table to do it anew

People at random, who are in no other set, do each posture at a random moment before cameras as people place them. The pose model
looks at each picture, rotrack places the crops of both legs by it (`rotrack.sensing.legnet.first_places`), and they are compared
with where the legs are.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from typing import Any

import numpy as np

from rotrack.core.model import Frame, Pose
from rotrack.core.postures import Posture as Position
from rotrack.kinematics.camera import Lens
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.legnet import WIDTH_FEET, Place, first_places

from . import assets, people, placing, variants
from .clip import Film
from .placing_errors import MIDDLE, SIDES, TABLE, Misplaced, middle, misplaced, summary, table
from .posing import Rig
from .postures import CROPPED
from .stage import ClipSpec, Stage

FIRST_PERSON, POSTURES_EACH, CAMERAS = 400_000, 4, 3
LOOKS, LOOK_EVERY_S = 2, 0.25
"""How often the pose model sees the picture: at first it finds the person, then it looks closer."""
MODEL = "heavy"
LONG_SIDE_PX = 640
"""Pictures are drawn so large: the pose model looks at 256 x 256 pixels of the person anyway."""
_POSITIONS = {
    "seated": Position.SEATED,
    "standing": Position.STANDING,
    "standing_toe_pivot": Position.STANDING_TOES,
    "lunge": Position.LUNGE,
    "longsit": Position.LONG_SITTING,
    "supine": Position.SUPINE_BENT,
    "supine_straight": Position.SUPINE_STRAIGHT,
    "supine_90_90": Position.SUPINE_90_90,
    "sidelying_abducted": Position.SIDE_RAISED,
    "zst_confidence": Position.STRETCH,
    "zst_fulfillment": Position.STRETCH,
}


def measured(person: int) -> list[dict[str, Any]]:
    """Return rows of the table: the pictures of one person."""
    drawn = people.draw("tune", FIRST_PERSON + person)
    rig = Rig(people.make(drawn))
    rows = []
    for scene in range(person * POSTURES_EACH, (person + 1) * POSTURES_EACH):
        name = CROPPED[scene % len(CROPPED)]
        rng = np.random.default_rng([FIRST_PERSON, scene])
        chosen = variants.options(name, rng)
        spec = _spec(name, drawn, chosen, scene, rng)
        stage = Stage(f"{name} {scene}", spec, rig)
        known, film = position(name, chosen), Film(stage)
        for number in range(scene * CAMERAS, (scene + 1) * CAMERAS):
            camera = placing.draw_for(name, "tune", FIRST_PERSON + number)["camera"]
            stage.look(stage.posture.camera.changed({**camera, "bend": stage.view.bend}))
            frame = int(rng.integers(len(stage.frames) // 4, len(stage.frames)))
            (picture,) = film.pictures([frame])
            pose = _seen(np.ascontiguousarray(picture[:, :, ::-1]), lying=stage.posture.on_floor)
            places = first_places(pose, Lens.assumed(pose.size_px), known.record.foot_larger if known else 1.0)
            said = {side.value[0].upper(): place for side, place in places.items()}
            off = misplaced(_true_places(stage, frame), said, spec.size_px)
            rows += [{"posture": name, "picture": number, **_row(leg)} for leg in off]
        film.close()
    return rows


def _spec(name: str, person: dict[str, Any], chosen: dict[str, Any], scene: int, rng: np.random.Generator) -> ClipSpec:
    peak_deg, side = float(rng.uniform(-55, 50)), str(rng.choice(["right", "left"]))
    placed = placing.draw_for(name, "tune", FIRST_PERSON + CAMERAS * scene)
    smaller = LONG_SIDE_PX / max(placed["size_px"])
    still = {
        "size_px": [round(smaller * length) for length in placed["size_px"]],
        "sensor": {fault: size for fault, size in placed["sensor"].items() if fault not in ("shutter_s", "readout_s")},
    }
    movement = {"peaks_deg": [peak_deg], "side": side, "both": variants.both(name, rng)}
    own = {"posture": name, "person": person, "movement": movement, "feed": {"fps": 10}, "options": chosen, "seed": scene}
    return ClipSpec.read({**own, **placed, **still})


def _seen(rgb: np.ndarray, lying: bool) -> Pose:
    with Landmarker(find_model(MODEL), watch_people=False, lying=lying) as landmarker:
        for look in range(LOOKS):
            pose = landmarker.detect(Frame(look, look * LOOK_EVERY_S, rgb))
    return pose


def _true_places(stage: Stage, frame: int) -> dict[str, Place]:
    row, focal_px = stage.row(frame), float(stage.cameras[0].matrix[0, 0])
    places = {}
    for word, side in SIDES.items():
        points = {p: np.array([row[f"{word}_{p}_{axis}"] for axis in "uv"]) - 0.5 for p in MIDDLE}
        seen_m = {p: np.array([row[f"{word}_{p}_{axis}c"] for axis in "xyz"]) for p in MIDDLE}
        foot_m = float(np.linalg.norm(seen_m["toe"] - seen_m["heel"]))
        away_m = float(middle(seen_m)[2])
        places[side] = Place(middle(points), WIDTH_FEET * foot_m * focal_px / away_m)
    return places


def _row(leg: Misplaced) -> dict[str, Any]:
    numbers = {name: "" if np.isnan(value := getattr(leg, name)) else f"{value:.3f}" for name in ("right", "down", "wider")}
    return {"side": next(word for word, side in SIDES.items() if side == leg.side), "shows": leg.shows, **numbers}


def position(name: str, chosen: dict[str, Any]) -> Position | None:
    """Return what rotrack calls a posture that is done with these options; None if it knows none like it."""
    if name == "sidelying_strength":
        return Position.SIDE_TOP if chosen["leg"] == "top" else Position.SIDE_BOTTOM
    return _POSITIONS.get(name)


def write(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the table, in the order of the pictures."""
    part = TABLE.with_suffix(".part.csv")
    with part.open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, ["posture", "picture", *(f.name for f in fields(Misplaced))], lineterminator="\n")
        written.writeheader()
        written.writerows(sorted(rows, key=lambda row: int(row["picture"])))
    part.replace(TABLE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=0, help="measure so many; who is in the table already is not done again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (default: %(default)s)")
    asked = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    if TABLE.is_file():
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    known = {int(row["picture"]) // (POSTURES_EACH * CAMERAS) for row in rows}
    wanted = [person for person in range(asked.people) if person not in known]
    if wanted:
        assets.require()
        with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn")) as pool:
            for person, made in zip(wanted, pool.map(measured, wanted), strict=True):
                rows += made
                write(rows)
                print(f"person {person}: {len(made)} legs", file=sys.stderr, flush=True)
    table.cache_clear()
    print(summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
