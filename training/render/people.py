"""Who is rendered: body, skin, clothes and hair of people, as people.toml lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from . import shape
from .dress import Body, Garment, Look, dress

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
    return dress(body_shape, person["skin"], _look(_SKIN, person.get("skin_look", {})), garments, table()["scales"])


def _look(common: Mapping[str, Any], own: Mapping[str, Any]) -> Look:
    named = {name: own[name] for name in _LOOKS if name in own}
    if "tint" in named:
        named["tint"] = tuple(named["tint"])
    return Look(**{**common, **named})
