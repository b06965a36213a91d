"""The drills and the faults as data: loads `drills.toml`, checks every entry and hands it out by id."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from rotrack.core.errors import DrillError
from rotrack.core.figures import Figure, Need, are_numbers, known_keys, needs, read_figure
from rotrack.core.messages import Sentence
from rotrack.core.model import Direction, Side
from rotrack.core.postures import Posture, records
from rotrack.core.tiers import TIERS, Tier


class Measure(StrEnum):
    """How the angle comes out of the picture; the code behind each is in `rotrack.kinematics.rotation`."""

    SHANK = "shank"
    """Bent knee: the leg model, in which the shank shows the rotation."""
    FOOT = "foot"
    """Straight knee: the leg model, in which the foot shows the rotation."""
    ROLL = "roll"
    """Stretches: how far the hips roll in the picture, an index that only counts and times."""


class View(StrEnum):
    """From where the camera looks at the person."""

    FRONT = "front"
    """Before the face of somebody upright."""
    FEET = "feet"
    """Beyond the feet, the head away from it."""
    BEHIND = "behind"
    """Behind the back of somebody upright."""
    BELLY = "belly"
    """Before the front of the body of somebody who lies on the side."""
    ABOVE = "above"
    """Over the person, looking straight down."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the camera belongs, and how far off it may be: the numbers of the text `camera`.

    Parameters
    ----------
    view : View
        From where it looks.
    distance_m : tuple of float
        Nearest and farthest good place along the floor, m.
    height_m : tuple of float
        Lowest and highest good place above the floor, m.
    down_deg : tuple of float
        Least and most that the camera may look down (0 is level, 90 straight down), deg. Wider than the good places need
        where others work too.
    turn_deg : float
        How far the camera may have walked round the person from `view`, to either side, deg.
    """

    view: View
    distance_m: tuple[float, float]
    height_m: tuple[float, float]
    down_deg: tuple[float, float]
    turn_deg: float


GROUPS = ("standing", "sitting", "lying", "side-lying", "lunge", "stretch")


@dataclass(frozen=True, slots=True)
class Fault:
    """A movement that makes the rotation look larger or smaller than it is.

    Parameters
    ----------
    letter : str
        Its letter in the log.
    title : str
        What happens, in words.
    cue : str
        What to say to the person.
    unit : str
        "deg" or "cm".
    invalidates : bool
        Whether a repetition with it is left out of the session value.
    limits : dict of Posture to float
        Largest size still allowed, in each position in which the landmarks show it; elsewhere it cannot be seen.
    of_other_leg : bool
        Whether it is of the leg that is not measured; where both are, there is none.
    """

    letter: str
    title: str
    cue: str
    unit: str
    invalidates: bool
    limits: dict[Posture, float]
    of_other_leg: bool = False


VARIANT_LEGS = ("one", "both", "alternating")
"""How legs may move: one at a time, both at once, in turn. Which it was is seen, so nobody has to say it."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One named movement.

    Parameters
    ----------
    id : str
        Its name in commands and in the log.
    title, group, summary : str
        For lists and headings; `group` is one of `GROUPS`.
    steps : tuple of str
        What to do, one sentence a step.
    camera : str
        Where to put the camera.
    place : Place
        The same in numbers.
    figure : Figure
        What it looks like; in the file the name of a figure, and that of the posture if there is none.
    measure : Measure
        How the angle is read.
    measured : str
        What the angle means, for instance "hip rotation".
    posture : Posture
        Position the person must be in before anything is measured.
    tier : Tier
        What its numbers are, and how far they may be trusted.
    directions : tuple of Direction
        The excursions that make one repetition, in order; two for a combined drill.
    faults : tuple of str
        Letters of the faults that matter.
    range_deg : dict of Direction to tuple of float
        Plausible range of the peak per direction, degrees without sign.
    cue : str
        One sentence shown while measuring.
    min_entry_deg : float
        Smallest turn that can count on a quiet signal; noise makes it larger.
    note : str
        What else to know.
    without_legnet : str
        Why there is no number for the drill without the leg network; empty where MediaPipe's landmarks are enough.
    legs : tuple of str
        How the legs may move, of `VARIANT_LEGS`; the first is the usual way.
    variants : dict of str to str
        Other ways to do the drill that the person has to name, because no landmark shows them: name and description of each.
        Whether a drill is held or repeated is seen and needs no name.
    unseen : tuple of str
        Letters of faults that can be seen in the posture, but not in this drill.
    total_turnout : bool
        Whether the external rotation of both legs together means something: both feet are turned out at once.
    """

    id: str
    title: str
    group: str
    summary: str
    steps: tuple[str, ...]
    camera: str
    place: Place
    figure: Figure
    measure: Measure
    measured: str
    posture: Posture
    tier: Tier
    directions: tuple[Direction, ...]
    faults: tuple[str, ...]
    range_deg: dict[Direction, tuple[float, float]]
    cue: str
    min_entry_deg: float = 3.0
    note: str = field(default="")
    without_legnet: str = field(default="")
    legs: tuple[str, ...] = ("one",)
    variants: dict[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    total_turnout: bool = False

    def check_variant(self, name: str) -> None:
        """Check the name of a variant; an empty name is right.

        Raises
        ------
        DrillError
            For a variant that the drill does not have.
        """
        if name and name not in self.variants:
            known = Sentence("Its variants are: {names}.", names=", ".join(self.variants)) if self.variants else "It has none."
            raise DrillError("{drill} has no variant '{name}'. {known}", drill=self.id, name=name[:40], known=known)

    def watches(self, fault: Fault) -> bool:
        """Return whether rotrack looks for this fault in this drill."""
        seen = fault.letter in self.faults and self.posture in fault.limits and fault.letter not in self.unseen
        return seen and not (fault.of_other_leg and "one" not in self.legs)

    @property
    def combined(self) -> bool:
        """Whether one repetition is made of two excursions."""
        return len(self.directions) == 2


@dataclass(frozen=True, slots=True)
class DrillTable:
    """All drills and faults, in the order of the file."""

    drills: dict[str, Drill]
    faults: dict[str, Fault]

    def plus(self, text: str, name: str = "the text") -> DrillTable:
        """Return a new table with these drills and those in a TOML text, which may use the faults of both.

        Raises
        ------
        DrillError
            As for `parse_table`, and for a drill that is there already.
        """
        more = parse_table(text, name, self.faults)
        if again := self.drills.keys() & more.drills.keys():
            raise DrillError(f"{name}: there is a drill called '{min(again)}' already. Give it another id.")
        return DrillTable(self.drills | more.drills, more.faults)

    def faults_of(self, drill: Drill) -> tuple[list[Fault], list[Fault]]:
        """Return the faults that matter in a drill: those that rotrack looks for, and those that it cannot see there."""
        faults = [self.faults[letter] for letter in drill.faults]
        return [f for f in faults if drill.watches(f)], [f for f in faults if not drill.watches(f)]

    def drill(self, drill_id: str) -> Drill:
        """Return the drill with this id.

        Raises
        ------
        DrillError
            If there is none; the message names the nearest ones.
        """
        if drill_id in self.drills:
            return self.drills[drill_id]
        near = difflib.get_close_matches(drill_id, self.drills, n=3, cutoff=0.4)
        hint = Sentence("Did you mean {drills}? ", drills=" or ".join(near)) if near else ""
        raise DrillError(
            "There is no drill called '{drill}'. {hint}`rotrack drills` lists all of them.", drill=drill_id, hint=hint
        )


@cache
def load_table() -> DrillTable:
    """Return the drills that ship with the package."""
    text = resources.files(__package__).joinpath("drills.toml").read_text("utf-8")
    return parse_table(text, "drills.toml")


def parse_table(text: str, name: str, known_faults: Mapping[str, Fault] | None = None) -> DrillTable:
    """Parse and check a drill table.

    Parameters
    ----------
    text : str
        TOML with one table per drill under `drill`, one per fault under `fault` and one per variant under `variant`; figures
        besides those of the postures under `figure`.
    name : str
        Name of the file, for messages.
    known_faults : mapping of str to Fault, optional
        Faults that are known already, by letter.

    Raises
    ------
    DrillError
        Naming the file, the entry, the key and the rule that it breaks.
    """
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # also a number with more digits than Python reads
        raise DrillError(f"{name} is not valid TOML: {error}. Put it right or delete it.") from error
    faults = dict(known_faults or {})
    faults |= {letter: _fault(name, letter, raw) for letter, raw in data.get("fault", {}).items()}
    figures = {str(posture): record.figure for posture, record in records().items()}
    figures |= {key: read_figure(name, key, raw) for key, raw in data.get("figure", {}).items()}
    ways = {key: raw.get("title", "") for key, raw in data.get("variant", {}).items()}
    drills = {key: _drill(name, key, raw, faults, figures, ways) for key, raw in data.get("drill", {}).items()}
    if not drills:
        raise DrillError(f"{name} holds no drill; each one is a table [drill.ID].")
    return DrillTable(drills, faults)


def parse_sides(text: str) -> tuple[Side, ...]:
    """Return the sides that `left`, `right` or `both` stand for.

    Raises
    ------
    DrillError
        For any other word.
    """
    if text == "both":
        return (Side.LEFT, Side.RIGHT)
    if text in set(Side):
        return (Side(text),)
    raise DrillError("The side must be left, right or both, not '{text}' (the subject's own side).", text=text)


def _fault(name: str, letter: str, raw: dict[str, Any]) -> Fault:
    try:
        limits = {Posture(posture): float(limit) for posture, limit in raw["limits"].items()}
        if not all(limit > 0 for limit in limits.values()):
            raise ValueError("limits must be above 0")
        return Fault(**{**raw, "letter": letter, "limits": limits})
    except KeyError as error:
        raise DrillError(f"{name}, fault '{letter}': {error} is missing.") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise DrillError(f"{name}, fault '{letter}': {error}.") from error


def _pair(key: str, value: Any, least: float, most: float, need: Need) -> tuple[float, float]:
    need(
        are_numbers(value, 2) and least <= value[0] <= value[1] <= most,
        f"{key} needs low and high, between {least:g} and {most:g}",
    )
    return float(value[0]), float(value[1])


def _place(raw: Any, need: Need) -> Place:
    known = {f.name for f in fields(Place)}
    need(isinstance(raw, dict) and set(raw) == known, f"place needs exactly {', '.join(sorted(known))}")
    need(raw["view"] in set(View), f"place view must be one of {', '.join(View)}")
    distance_m = _pair("place distance_m", raw["distance_m"], 0, 6, need)
    height_m = _pair("place height_m", raw["height_m"], 0, 4, need)
    down_deg = _pair("place down_deg", raw["down_deg"], -45, 110, need)
    turn_deg = raw["turn_deg"]
    need(are_numbers([turn_deg], 1) and 0 < turn_deg <= 90, "place turn_deg must be above 0 and at most 90")
    # Aimed at somebody between the floor and a metre above it, a camera in the middle of the place looks down so far.
    far, high = sum(distance_m) / 2, sum(height_m) / 2
    least, most = (math.degrees(math.atan2(high - target, far)) for target in (1.0, 0.0))
    need(least <= down_deg[1] and down_deg[0] <= most, "place down_deg does not fit its height_m and distance_m")
    return Place(View(raw["view"]), distance_m, height_m, down_deg, float(turn_deg))


def _drill(
    name: str, key: str, raw: dict[str, Any], faults: dict[str, Fault], figures: dict[str, Figure], ways: dict[str, str]
) -> Drill:
    need = needs(name, "drill", key)
    known = {f.name for f in fields(Drill)} - {"id"}
    required = known - {"figure", "min_entry_deg", "note", "without_legnet", "legs", "variants", "unseen", "total_turnout"}
    known_keys(raw, known, required, need)
    for enum, field_name in ((Measure, "measure"), (Posture, "posture")):
        need(raw[field_name] in set(enum), f"{field_name} must be one of {', '.join(enum)}")
    need(raw["tier"] in TIERS, f"tier must be one of {', '.join(TIERS)}")
    need(raw["group"] in GROUPS, f"group must be one of {', '.join(GROUPS)}")
    need(bool(raw["steps"]), "steps must hold at least one sentence")
    need(set(raw["faults"]) <= set(faults), f"faults must be among {', '.join(faults)}")
    need(set(raw.get("unseen", [])) <= set(raw["faults"]), "unseen must be among its faults")
    need(isinstance(raw.get("total_turnout", False), bool), "total_turnout must be true or false")
    directions = raw["directions"]
    need(
        len(directions) in (1, 2) and len(set(directions)) == len(directions) and set(directions) <= set(Direction),
        "directions must be internal, external or both of them in order",
    )
    ranges = raw["range_deg"]
    need(
        set(ranges) <= set(Direction) and all(len(r) == 2 and 0 <= r[0] < r[1] <= 120 for r in ranges.values()),
        "range_deg needs low < high, between 0 and 120, per direction",
    )
    need(raw["measure"] == Measure.ROLL or set(directions) <= set(ranges), "range_deg needs every direction")
    figure = raw.get("figure", raw["posture"])
    need(figure in figures, f"there is no figure '{figure}'; known are {', '.join(figures)}")
    need(raw.get("min_entry_deg", 3) >= 1, "min_entry_deg must be at least 1")
    legs, variants = raw.get("legs", ["one"]), raw.get("variants", [])
    need(bool(legs) and set(legs) <= set(VARIANT_LEGS), f"legs must be among {', '.join(VARIANT_LEGS)}")
    need(all(ways.get(variant) for variant in variants), f"variants must be among {', '.join(ways) or 'those of [variant.NAME]'}")
    return Drill(
        **{
            **raw,
            "id": key,
            "place": _place(raw["place"], need),
            "figure": figures[figure],
            "steps": tuple(raw["steps"]),
            "measure": Measure(raw["measure"]),
            "posture": Posture(raw["posture"]),
            "tier": Tier(raw["tier"]),
            "directions": tuple(Direction(d) for d in directions),
            "faults": tuple(raw["faults"]),
            "range_deg": {Direction(d): (float(r[0]), float(r[1])) for d, r in ranges.items()},
            "legs": tuple(legs),
            "unseen": tuple(raw.get("unseen", [])),
            "variants": {variant: ways[variant] for variant in variants},
        }
    )
