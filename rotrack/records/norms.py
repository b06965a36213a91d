"""Published hip rotation of healthy adults in the position of a drill, from `norms.toml`: for the picture only, no targets."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from rotrack.core.drills import load_table
from rotrack.core.model import Direction


@dataclass(frozen=True, slots=True)
class Norm:
    """What a study found in one direction.

    Parameters
    ----------
    direction : Direction
        Internal or external rotation.
    value_deg : float
        Mean of the group, deg, without sign.
    sd_deg : float
        Standard deviation between its people, deg; NaN where none is known.
    source : str
        Authors and year.
    position : str
        Position of the body in words.
    population : str
        Who was measured.
    motion : str
        "passive" if an examiner moved the leg, "active" if the person did; empty if not known.
    """

    direction: Direction
    value_deg: float
    sd_deg: float
    source: str
    position: str
    population: str
    motion: str


def norms_for(drill: str) -> tuple[Norm, ...]:
    """Return what was published for the position and the directions of a drill.

    Parameters
    ----------
    drill : str
        Id of the drill.

    Returns
    -------
    tuple of Norm
        Study by study; empty for a drill whose position nobody published, and for an unknown one.
    """
    known = load_table().drills.get(drill)
    directions = known.directions if known else ()
    return tuple(
        Norm(
            direction,
            float(study[direction]["mean_deg"]),
            float(study[direction].get("sd_deg", math.nan)),
            study["source"],
            study["position"],
            study["population"],
            study["motion"],
        )
        for study in _studies()
        if drill in study["drills"]
        for direction in directions
    )


@cache
def _studies() -> list[dict[str, Any]]:
    return tomllib.loads(resources.files("rotrack.records").joinpath("norms.toml").read_text("utf-8"))["study"]
