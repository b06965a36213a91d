"""What a person looks like in a starting position: joint angles from which all drawings of a drill follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from rotrack.core.errors import DrillError


class Pivot(StrEnum):
    """What stays on its spot when the leg of a drawing turns: the line from the hip through it is the axis."""

    KNEE = "knee"
    """The shank swings about the thigh."""
    HEEL = "heel"
    """The toes swing on the heel."""
    TOE = "toe"
    """The heel swings on the ball of the foot."""
    TRUNK = "trunk"
    """The measured leg stays; the rest of the body rolls about the long axis of the trunk through that hip."""


LIMBS = ("leg", "other_leg", "arm", "other_arm")
DIRECTIONS_3D = {
    "up": (0, 1, 0),
    "down": (0, -1, 0),
    "front": (0, 0, 1),
    "back": (0, 0, -1),
    "left": (1, 0, 0),
    "right": (-1, 0, 0),
}
"""Directions in the room of a drawing, x to the left of somebody who stands facing front, y up, z to the front."""


@dataclass(frozen=True, slots=True)
class Limb:
    """Joint angles of an arm or a leg in a drawing, in the clinical sense, deg.

    Parameters
    ----------
    flexion, abduction, rotation : float
        Of the hip or shoulder against the trunk; rotation is internal.
    bend : float
        Flexion of the knee or elbow.
    ankle : float
        Dorsiflexion.
    """

    flexion: float = 0.0
    abduction: float = 0.0
    rotation: float = 0.0
    bend: float = 0.0
    ankle: float = 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """What a person in the starting position looks like, from which all drawings of a drill follow.

    The left leg is the measured one; for the right one the drawing is mirrored.

    Parameters
    ----------
    head, chest : str
        Where the top of the trunk and its front point, see `DIRECTIONS_3D`.
    seen_from_deg : tuple of float
        From where it is best understood: how far round from the front towards the left, and how far up.
    turns_about : Pivot
        What stays on its spot when the leg turns.
    leg, other_leg, arm, other_arm : Limb
        The measured side and the other one.
    lean_deg : float
        How far the trunk leans forwards of `head`; the legs are bent against the trunk.
    both : bool
        Whether both legs move.
    hover_m : float
        How far the lowest point is above the floor, m.
    foot_from_deg : tuple of float
        From where the foot is shown once more beside the person, larger, as `seen_from_deg`; empty: it is not.
    mat : bool
        Whether the person is on a mat.
    boxes_m : tuple of tuple of float
        Seats and cushions: two opposite corners (x, y, z, x, y, z) each, from the floor below the middle of the hips, m.
    """

    head: str
    chest: str
    seen_from_deg: tuple[float, float]
    turns_about: Pivot
    leg: Limb
    other_leg: Limb
    arm: Limb
    other_arm: Limb
    lean_deg: float = 0.0
    both: bool = False
    hover_m: float = 0.0
    foot_from_deg: tuple[float, ...] = ()
    mat: bool = False
    boxes_m: tuple[tuple[float, ...], ...] = ()


Need = Callable[[bool, str], None]
"""Refuses the entry with a rule where the condition does not hold."""


def needs(name: str, kind: str, key: str) -> Need:
    """Return what refuses an entry of a file: its message names the file, the entry and the rule.

    Raises
    ------
    DrillError
        From what is returned, where the condition does not hold.
    """

    def need(condition: bool, rule: str) -> None:
        if not condition:
            raise DrillError(f"{name}, {kind} '{key}': {rule}.")

    return need


def known_keys(raw: dict[str, Any], known: set[str], required: set[str], need: Need) -> None:
    """Refuse an entry that has other keys than the known ones, or lacks a required one."""
    need(not set(raw) - known, f"unknown key {', '.join(sorted(set(raw) - known))}")
    need(not required - set(raw), f"missing key {', '.join(sorted(required - set(raw)))}")


def read_figure(name: str, key: str, raw: dict[str, Any]) -> Figure:
    """Return the figure of an entry of the file `name`.

    Raises
    ------
    DrillError
        Naming the file, the figure, the key and the rule that it breaks.
    """
    need = needs(name, "figure", key)
    known_keys(raw, {f.name for f in fields(Figure)}, {"head", "chest", "seen_from_deg", "turns_about", "leg", "arm"}, need)
    for end in ("head", "chest"):
        need(raw[end] in DIRECTIONS_3D, f"{end} must be one of {', '.join(DIRECTIONS_3D)}")
    across = sum(a * b for a, b in zip(DIRECTIONS_3D[raw["head"]], DIRECTIONS_3D[raw["chest"]], strict=True))
    need(across == 0, "head and chest must point at right angles to each other")
    need(raw["turns_about"] in set(Pivot), f"turns_about must be one of {', '.join(Pivot)}")
    for view in ("seen_from_deg", "foot_from_deg"):
        need(are_numbers(raw.get(view, [0, 0]), 2), f"{view} needs two angles: how far round to the left, and how far up")
    for number in ("lean_deg", "hover_m"):
        need(are_numbers([raw.get(number, 0)], 1), f"{number} must be a number")
    for switch in ("both", "mat"):
        need(isinstance(raw.get(switch, False), bool), f"{switch} must be true or false")
    boxes_m = raw.get("boxes_m", [])
    need(isinstance(boxes_m, list) and all(are_numbers(box, 6) for box in boxes_m), "boxes_m needs six numbers for each box")
    values = raw | {limb: _limb(limb, raw.get(limb, raw[limb.removeprefix("other_")]), need) for limb in LIMBS}
    values |= {view: tuple(raw[view]) for view in ("seen_from_deg", "foot_from_deg") if view in raw}
    return Figure(**values | {"turns_about": Pivot(raw["turns_about"]), "boxes_m": tuple(tuple(box) for box in boxes_m)})


def _limb(name: str, raw: Any, need: Need) -> Limb:
    known = {f.name for f in fields(Limb)}
    need(isinstance(raw, dict) and set(raw) <= known, f"{name} knows {', '.join(sorted(known))}")
    need(are_numbers([*raw.values()], len(raw)) and all(abs(v) <= 180 for v in raw.values()), f"{name} needs angles up to 180")
    return Limb(**raw)


def are_numbers(value: Any, count: int) -> bool:
    """Return whether a value of a file is a list of the wanted number of numbers."""
    return isinstance(value, list) and len(value) == count and all(type(v) in (int, float) for v in value)
