"""How far off the pose model places crops of legs, as measure_placing.py measured it, and errors drawn from that.

The table placing_errors.csv keeps every leg of every picture, so whatever depends on each other stays together.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .posing import other

if TYPE_CHECKING:
    from rotrack.sensing.legnet import Place

TABLE = Path(__file__).with_name("placing_errors.csv")
OWN, OTHER, NOTHING, MISSING = "own", "other", "nothing", "missing"
SIDES = {"right": "R", "left": "L"}
MIDDLE = {"ankle": 0.45, "heel": 0.225, "toe": 0.225, "knee": 0.1}
"""Of the points of a leg, the middle of its crop."""
SHOWS_WITHIN = 0.6
"""A crop shows a leg whose middle is not further from its own than this, in crop widths: more than the ankle is in it."""


@dataclass(frozen=True)
class Misplaced:
    """How one crop is off.

    Parameters
    ----------
    side : str
        R or L: which leg it is meant to show.
    shows : str
        own: that leg; other: the other one; nothing: neither; missing: the pose model saw no such leg, and there is no crop.
    right, down : float
        How far its middle is from that of the leg that it shows, or of its own if it shows none, in proper widths of a crop.
    wider : float
        Logarithm of its width over the proper one.
    """

    side: str
    shows: str
    right: float = np.nan
    down: float = np.nan
    wider: float = np.nan

    def mirrored(self) -> Misplaced:
        """Return what it would be in a mirror."""
        return replace(self, side=other(self.side), right=-self.right)


@cache
def table() -> dict[str, list[tuple[Misplaced, ...]]]:
    """Return the measured errors: per posture the pictures, of each both legs as far as they are in it."""
    pictures: dict[tuple[str, str], list[Misplaced]] = defaultdict(list)
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            numbers = {name: float(row[name] or "nan") for name in ("right", "down", "wider")}
            pictures[row["posture"], row["picture"]].append(Misplaced(SIDES[row["side"]], row["shows"], **numbers))
    found: dict[str, list[tuple[Misplaced, ...]]] = defaultdict(list)
    for (posture, _), legs in pictures.items():
        found[posture].append(tuple(legs))
    return dict(found)


def draw(posture: str, rng: np.random.Generator) -> dict[str, Misplaced]:
    """Return how the crops of one picture are off, by side; a leg without a crop is left out.

    Parameters
    ----------
    posture : str
        A name of `postures.POSTURES`; of any other one nothing is known, so any picture is taken.
    rng : numpy.random.Generator
        Chance.
    """
    pictures = table().get(posture) or [legs for several in table().values() for legs in several]
    legs = pictures[int(rng.integers(len(pictures)))]
    if rng.random() < 0.5:
        legs = tuple(leg.mirrored() for leg in legs)
    return {leg.side: leg for leg in legs if leg.shows != MISSING}


def middle(points: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the middle of the crop of a leg whose points these are."""
    return np.sum([share * points[name] for name, share in MIDDLE.items()], axis=0)


def misplaced(true: dict[str, Place], said: dict[str, Place], size_px: tuple[int, int]) -> list[Misplaced]:
    """Return how the crops of a picture are off; legs whose middle is out of the picture are left out.

    Parameters
    ----------
    true, said : dict of str to Place
        Where the crops belong, and where they are, by side: R, L.
    size_px : tuple of int
        Width and height of the picture.
    """
    found = []
    for side, place in true.items():
        if not ((place.middle_px >= 0) & (place.middle_px < size_px)).all():
            continue
        if side not in said:
            found.append(Misplaced(side, MISSING))
            continue
        crop = said[side]
        away = {s: float(np.hypot(*(crop.middle_px - true[s].middle_px))) / true[s].width_px for s in true}
        nearest = min(away, key=lambda s: away[s])
        shows = NOTHING if away[nearest] > SHOWS_WITHIN else OWN if nearest == side else OTHER
        leg = true[nearest] if shows == OTHER else place
        right, down = (crop.middle_px - leg.middle_px) / leg.width_px
        found.append(Misplaced(side, shows, float(right), float(down), float(np.log(crop.width_px / leg.width_px))))
    return found


def summary() -> str:
    """Return the table per posture: shares, medians and spreads (half of what the middle two thirds span)."""
    lines = [
        "| | legs | other leg | nothing | no crop | right | down | wider |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups = {**table(), "all": [legs for several in table().values() for legs in several]}
    for posture, pictures in groups.items():
        legs = [leg for both in pictures for leg in both]
        shares = [sum(leg.shows == what for leg in legs) / len(legs) for what in (OTHER, NOTHING, MISSING)]
        off = np.array([[leg.right, leg.down, leg.wider] for leg in legs if leg.shows in (OWN, OTHER)])
        low, middle, high = np.quantile(off, [1 / 6, 0.5, 5 / 6], axis=0)
        cells = [f"{share:.0%}" for share in shares]
        cells += [f"{m:+.2f} ± {s:.2f}" for m, s in zip(middle, (high - low) / 2, strict=True)]
        lines.append(f"| {posture} | {len(legs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
