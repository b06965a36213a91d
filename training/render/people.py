"""Who is rendered: body, skin, clothes and hair of people, as people.toml lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from training.movement import PARTS

from . import shape
from .dress import Body, Garment, dress
from .mesh import Look
from .tailor import Cover

TABLE = Path(__file__).with_name("people.toml")
_SKIN = {"shine": 0.05, "gloss": 14.0, "wrap": 0.25}
_CLOTH = {"shine": 0.02, "gloss": 8.0, "two_sided": True}
_CLOTH_INFLATE_M = 0.004
_HAIR = {"alpha_test": 0.35, "two_sided": True}
_EYES = Look(shine=0.3, gloss=60.0, alpha_test=0.5)
_BROWS = Look(alpha_test=0.3, two_sided=True)
_LOOKS = ("tint", "shine", "gloss")


@cache
def table() -> dict[str, Any]:
    """Return people and scales of garments."""
    return tomllib.loads(TABLE.read_text("utf-8"))


@lru_cache(maxsize=8)
def load(name: str) -> Body:
    """Return a listed person, dressed."""
    return make(table()["people"][name])


def make(person: Mapping[str, Any]) -> Body:
    """Return a person given as one of people.toml is."""
    garments = [
        Garment("clothes", c["name"], cut=c.get("cut", -9.0), inflate_m=_CLOTH_INFLATE_M, look=_look(_CLOTH, c))
        for c in person["clothes"]
    ]
    if "hair" in person:
        garments.append(Garment("hair", person["hair"]["name"], look=_look(_HAIR, person["hair"])))
    garments.append(Garment("eyes", "HighPolyEyes", texture=person["eyes"], hides_skin=False, look=_EYES))
    garments.append(Garment("eyebrows", person["brows"], hides_skin=False, look=_BROWS))
    body_shape = shape.make(shape.Phenotype(**person["shape"]))
    covers = [Cover(**{**cover, "colour": tuple(cover["colour"])}) for cover in person.get("covers", [])]
    look = _look(_SKIN, person.get("skin_look", {}))
    return dress(body_shape, person["skin"], look, garments, table()["scales"], covers)


def draw(part: str, number: int) -> dict[str, Any]:
    """Return a person at random, as `make` wants it; the same numbers always give the same one, and parts share none.

    Parameters
    ----------
    part : str
        tune or test, as of `training.movement`.
    number : int
        From 0.
    """
    rng, data = np.random.default_rng([PARTS[part], number, 77]), table()["random"]
    years = rng.uniform(*data["years"][part])
    woman = bool(rng.random() < 0.5)
    sex = "women" if woman else "men"
    origin = str(rng.choice(["african", "asian", "caucasian"]))
    build = {
        "gender": float(woman),
        "age": shape.age_share(years),
        **{name: float(np.clip(rng.normal(*data[name]), 0.05, 0.98)) for name in ("muscle", "weight", "height", "proportions")},
        **{name: float(name == origin) for name in ("african", "asian", "caucasian")},
        "cupsize": float(rng.uniform(0.3, 0.6)),
    }
    return {
        "name": f"{part}{number}",
        "years": round(float(years)),
        "shape": {name: round(value, 3) for name, value in build.items()},
        "skin": str(rng.choice(data["skins"][f"old {sex}" if years > 60 else sex])),
        "skin_look": {"tint": [round(float(rng.uniform(*data["skin_tint"])), 2)] * 3},
        "hair": {
            "name": str(rng.choice(data["hair"][sex])),
            "shine": 0.03,
            "tint": np.round(rng.uniform(0.4, 1.8, 3), 2).tolist(),
        },
        "eyes": str(rng.choice(["brown_eye.png", "blue_eye.png"])),
        "brows": str(rng.choice(["eyebrow001", "eyebrow003", "eyebrow006"])),
        **_draw_clothes(rng, sex),
    }


def _draw_clothes(rng: np.random.Generator, sex: str) -> dict[str, Any]:
    """Return clothes: a modelled suit, whole or only its top, and what is computed to go with it."""
    data = table()["random"]
    suit = str(rng.choice(data["suits"][sex]))
    below = str(rng.choice(list(data["below"]), p=_shares(data["below"])))
    worn = {"name": suit, "tint": np.round(rng.uniform(0.6, 1.5, 3), 2).tolist()}
    covers = []
    if below == "shorts":
        worn["cut"] = round(float(rng.uniform(0.05, 0.5)), 2)
    elif below != "suit":
        worn["cut"] = 1.05
        covers.append(_draw_cover(rng, below))
    clothes = [worn]
    on_feet = str(rng.choice(list(data["feet"]), p=_shares(data["feet"])))
    if on_feet in ("shoes05", "shoes06"):
        clothes.append({"name": on_feet, "tint": np.round(rng.uniform(0.5, 1.6, 3), 2).tolist()})
    elif on_feet != "bare":
        covers.append(_draw_cover(rng, on_feet))
    if on_feet not in ("bare", "sock") and rng.random() < 0.6:
        covers.append(_draw_cover(rng, "sock"))
    if rng.random() < data["extra_share"]:
        covers.append(_draw_cover(rng, str(rng.choice(["weight", "band"]))))
    return {"clothes": clothes, "covers": covers}


def _draw_cover(rng: np.random.Generator, name: str) -> dict[str, Any]:
    entry = dict(table()["random"]["covers"][name])
    drawn = {key: round(float(rng.uniform(*span)), 3) for key, span in entry.items() if isinstance(span, list)}
    colour = (rng.uniform(15, 240, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(15, 235))).round().tolist()
    pattern = str(rng.choice(["plain", "plain", "stripes", "checks", "dots"])) if entry["kind"] != "shoe" else "plain"
    return {"kind": entry["kind"], **drawn, "colour": colour, "pattern": pattern, "seed": int(rng.integers(1000))}


def _shares(entries: Mapping[str, float]) -> np.ndarray:
    values = np.array(list(entries.values()), float)
    return values / values.sum()


def _look(common: Mapping[str, Any], own: Mapping[str, Any]) -> Look:
    named = {name: own[name] for name in _LOOKS if name in own}
    if "tint" in named:
        named["tint"] = tuple(named["tint"])
    return Look(**{**common, **named})
