"""Where people put their cameras, how they light their rooms and what webcams they have, at random; ranges in placing.toml."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from training.movement import PARTS

from .camera import View
from .postures import POSTURES

TABLE = Path(__file__).with_name("placing.toml")
_NEAREST_M, _FARTHEST_M = 1.3, 4.4
_AROUND = ("sidelying_abducted", "zst_confidence", "zst_fulfillment")
"""Postures whose camera depends on the side that they lie on: it stands where they have it."""


@cache
def table() -> dict[str, Any]:
    """Return the ranges and shares."""
    return tomllib.loads(TABLE.read_text("utf-8"))


def draw(part: str, number: int, wanted: View) -> dict[str, Any]:
    """Return camera, size, light and sensor of a clip at random, as fields of a spec; the same numbers always give the same.

    Parameters
    ----------
    part : str
        tune or test.
    number : int
        From 0.
    wanted : View
        Where the posture wants its camera.
    """
    rng = np.random.default_rng([PARTS[part], number, 88])
    place, framing = (_pick(rng, table()[group]) for group in ("places", "framings"))
    camera = _stand(rng, part, wanted, table()["places"][place], table()["framings"][framing])
    turns = {name: _between(rng, table()["turns"][name][part]) for name in table()["turns"]}
    camera["orbit_deg"] = round(wanted.orbit_deg + turns["orbit_deg"], 1)
    camera |= {"roll_deg": round(turns["roll_deg"], 1), "shake_deg": round(turns["shake_deg"], 2)}
    if rng.random() < 0.4:
        camera["bend"] = [round(turns["bend"], 3), 0.0]
    sizes = table()["sizes"]
    size = str(rng.choice(list(sizes), p=np.array(list(sizes.values())) / sum(sizes.values())))
    width, height = (int(x) for x in size.split("x"))
    if width < height:  # the angle of view is that of the long side
        camera["hfov_deg"] = round(
            float(np.degrees(2 * np.arctan(np.tan(np.radians(camera["hfov_deg"]) / 2) * width / height))), 1
        )
    note = f"{place}, {framing}"
    return {"note": note, "camera": camera, "size_px": [width, height], **_room(rng), "sensor": _sensor(rng, part)}


def draw_for(posture: str, part: str, number: int) -> dict[str, Any]:
    """Return the same for a posture by its name."""
    view = POSTURES[posture].camera
    if posture not in _AROUND:
        return draw(part, number, view)
    placed = draw(part, number, dataclasses.replace(view, orbit_deg=0.0))
    own = ("hfov_deg", "roll_deg", "bend", "shake_deg")
    return {**placed, "camera": {name: value for name, value in placed["camera"].items() if name in own}}


def _stand(
    rng: np.random.Generator, part: str, wanted: View, place: Mapping[str, Any], framing: Mapping[str, Any]
) -> dict[str, Any]:
    """Return where the camera stands and looks: as far off as the posture wants it, give or take, at the height of the place."""
    eye, target = np.array(wanted.eye_m, float), np.array(wanted.target_m, float)
    away = (eye - target) * [1, 0, 1]
    if np.linalg.norm(away) < 0.5:  # an overhead camera stays overhead
        return {"hfov_deg": round(_between(rng, place["hfov_deg"][part]), 1)}
    nearer = _between(rng, framing["nearer"][part]) if "nearer" in framing else 1.0
    far_m = np.clip(np.linalg.norm(away) * _between(rng, place["distance"][part]) * nearer, _NEAREST_M, _FARTHEST_M)
    height_m = _between(rng, place["height_m"][part]) if "height_m" in place else eye[1]
    at = target + away / np.linalg.norm(away) * far_m
    if "lower_m" in framing:
        target = target - [0, _between(rng, framing["lower_m"][part]), 0]
    camera: dict[str, Any] = {
        "eye_m": np.round([at[0], height_m, at[2]], 3).tolist(),
        "target_m": np.round(target, 3).tolist(),
        "hfov_deg": round(_between(rng, place["hfov_deg"][part]), 1),
    }
    if "pan_deg" in framing:
        camera["pan_deg"] = round(_between(rng, framing["pan_deg"][part]) * float(rng.choice([-1, 1])), 1)
    return camera


def _room(rng: np.random.Generator) -> dict[str, Any]:
    """Return a room with its things and its light."""
    room: dict[str, Any] = {
        "room": str(rng.choice(["living", "clinic", "studio"])),
        "wall_m": round(float(rng.uniform(-2.2, -1.3)), 2),
        "floor": str(rng.choice(["", "", "tiles", "rug"])),
        "clutter": int(rng.choice([0, 2, 4, 7])),
    }
    light = str(rng.choice(["room", "room", "backlight", "hard", "dim"]))
    if light == "backlight":
        room |= {"light_from": np.round([rng.uniform(-1, 1), rng.uniform(0.4, 0.9), -1], 2).tolist(), "key": 1.6, "ambient": 0.7}
    elif light == "hard":
        where = [rng.uniform(-1.5, 1.5), rng.uniform(0.6, 1.5), rng.uniform(0.3, 1)]
        room |= {"light_from": np.round(where, 2).tolist(), "key": 1.5, "ambient": 0.45}
    elif light == "dim":
        room |= {"key": 0.4, "ambient": 0.4}
    return room


def _sensor(rng: np.random.Generator, part: str) -> dict[str, Any]:
    worse = 1.0 if part == "tune" else 1.5
    sensor = {
        "noise": round(float(rng.uniform(1, 4)) * worse, 1),
        "blur_px": round(float(rng.uniform(0.4, 0.9)) * worse, 2),
        "flicker": round(float(rng.uniform(0, 0.04)) * worse, 3),
        "drift": round(float(rng.uniform(0, 0.1)) * worse, 3),
        "auto_exposure": float(rng.choice([0.0, 0.7])),
        "jpeg": int(rng.choice([0, 45, 70])),
    }
    if rng.random() < 0.1:
        sensor |= {"shutter_s": 0.02, "readout_s": 0.02}
    return sensor


def _pick(rng: np.random.Generator, entries: Mapping[str, Any]) -> str:
    shares = np.array([entry["share"] for entry in entries.values()], float)
    return str(rng.choice(list(entries), p=shares / shares.sum()))


def _between(rng: np.random.Generator, span: list[float]) -> float:
    return float(rng.uniform(*span))
