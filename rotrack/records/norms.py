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
from rotrack.records.options import ACTIVE


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
        Standard deviation between its people, deg; NaN if the source does not give it.
    source : str
        Authors and year.
    journal, table : str
        Where it was published, and where in it the figures stand; empty if what was read does not say.
    position : str
        Position of the body in words.
    population : str
        Who was measured, in words.
    people, women, men : int
        How many; women and men are 0 where only the total is known.
    age : str
        In years, as published.
    motion : str
        "passive" if an examiner moved the leg, "active" if the person did; empty if what was read does not say.
    second_hand : bool
        Whether the figures are as others cite them.
    """

    direction: Direction
    value_deg: float
    sd_deg: float
    source: str
    journal: str
    table: str
    position: str
    population: str
    people: int
    women: int
    men: int
    age: str
    motion: str
    second_hand: bool


_AS_WRITTEN = ("source", "journal", "table", "position", "population", "people", "women", "men", "age", "motion", "second_hand")


def norms_for(drill: str, motion: str | None = ACTIVE) -> tuple[Norm, ...]:
    """Return what was published for the position and the directions of a drill, of the same kind.

    Parameters
    ----------
    drill : str
        Id of the drill.
    motion : str, optional
        Who moves the leg: "active" or "passive". None is whatever was published, of any kind: not to be compared with.

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
            *(study[name] for name in _AS_WRITTEN),
        )
        for study in _studies()
        if drill in study["drills"] and motion in (None, study["motion"])
        for direction in directions
    )


@cache
def _studies() -> list[dict[str, Any]]:
    return tomllib.loads(resources.files("rotrack.records").joinpath("norms.toml").read_text("utf-8"))["study"]
