"""Made people who compensate: one fault of a known size, in any drill, as pose model and leg network would see it.

python -m training.compensation             # learns compensation.npz from them, five minutes of two cores

session = perform("test", 17, "standing-external", {"P": 20.0})
session.sizes(time_s)                       # the true sizes, in the units of the faults
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics import compensation
from rotrack.tracking.neutral import middle
from training import movement, simulate
from training.movement import Drawn
from training.render.benchmark import Variant

BENT = Variant(
    "bent_lifted",
    "supine_90_90",
    "supine",
    internal="supine-bent-internal",
    options={"hip_flexion_deg": 52.0, "knee_deg": 95.0, "heels_apart_deg": -3.0, "cross_lift_deg": 0.0},
    legs="both",
)
"""Knees together and feet apart, as the drill has it; the renderer's own posture plants the feet, so its knees cannot part."""
FIRST = Variant(
    "first", "first_position", "first_position", external="standing-first-position", options={"toes_out_deg": 3.0}, legs="both"
)
FPS = 12.0
LEG_M = 0.85
"""A leg from hip to heel: what makes an angle at the hip a way of the heel."""
QUIET = {"thigh": 1.0, "knee": 2.0, "ankle": 2.0, "pelvis": 1.0, "trunk": 1.0, "other": 0.7}
"""What an ordinary person moves along per 30 deg, deg: standard deviations, about those of movement.toml."""
STILL_S = 1.0
"""Nobody moves before that."""
SIGNED, SIGNED_UPRIGHT = ("P", "L", "O"), ("P", "L")
"""What goes to the other side when the leg turns the other way; of who stands, the other foot moves off its spot instead."""
UPRIGHT = ("standing", "standing_toe_pivot", "first_position")
LARGER = {str(Posture.SEATED): (0.8, 1.8)}
"""How many times as far as usual people turn who are learned from: how much of a turn looks like a fault has to be known at large
turns as well."""
RAISED_DEG = (25.0, 90.0)
"""How high a leg is raised sideways: from knee height to the ceiling."""
PARTS = {"T": "thigh", "P": "pelvis", "L": "trunk", "K": "knee", "D": "ankle", "O": "other"}


TWICE = {"T": 10.0, "P": 10.0, "L": 14.0, "K": 20.0, "D": 20.0, "O": 15.0, "F": 6.0, "H": 6.0}
"""Sizes of faults to learn from: twice the limits of the published movement reference this follows, deg or cm."""
SPREAD = 1.2


@dataclass(frozen=True)
class Compensated:
    """A session with the true sizes of what moves along.

    Parameters
    ----------
    seen : simulate.Session
        What was seen, and the course.
    per_30 : mapping of str to float
        Size of every fault per 30 deg of rotation, in its unit; by the names of `compensation.Learned`.
    """

    seen: simulate.Session
    per_30: Mapping[str, float]

    @property
    def side(self) -> Side:
        """The leg that moves first."""
        return Side(self.seen.course.moving[0])

    def sizes(self, time_s: float) -> dict[str, float]:
        """Return the true sizes at a time, with their signs."""
        turned = float(self.seen.course.angle_deg(self.side, np.array([time_s]))[0]) / 30
        signed = SIGNED_UPRIGHT if self.seen.spec.posture in UPRIGHT else SIGNED
        return {name: per_30 * (turned if name in signed else abs(turned)) for name, per_30 in self.per_30.items()}

    def size(self, letter: str, time_s: float) -> float:
        """Return the true size of a fault at a time, without sign."""
        return float(np.linalg.norm([size for name, size in self.sizes(time_s).items() if name[0] == letter]))

    def neutral_poses(self) -> list[Pose]:
        """Return what was seen before the first repetition."""
        seen = [pose for pose in self.seen.poses if pose.time_s < STILL_S and not pose.reason]
        return [pose for pose in seen if np.isfinite(pose.image_px[LEGS[self.side][1:], :]).all()] or seen


@cache
def ways() -> dict[str, Variant]:
    """Return how each measured drill is done here, by its id."""
    found: dict[str, Variant] = {"supine-bent-internal": BENT, "standing-first-position": FIRST}
    for variant in simulate.variants():
        for drill in (variant.internal, variant.external, variant.combined):
            if drill:
                found.setdefault(drill, variant)
    if "longsit-combined" in found:
        for drill in ("longsit-internal", "longsit-external", "longsit-combined"):
            found[drill] = dataclasses.replace(found[drill], legs="")
    return found


def perform(part: str, number: int, drill_id: str, peaks: Mapping[str, float], larger: float = 1.0) -> Compensated:
    """Return somebody who does a drill with faults of given sizes at a typical peak, signs at random; the rest is ordinary.

    Parameters
    ----------
    part : str
        tune or test.
    number : int
        Which person, camera and movement.
    drill_id : str
        The drill.
    peaks : mapping of str to float
        Size of each fault at a typical peak, in its unit.
    larger : float
        How many times as far they turn as is usual.
    """
    side, variant, drawn, per_30 = plan(part, number, drill_id, peaks, larger)
    return Compensated(simulate.perform(part, number, variant, drawn, sides=(side,), wanted=_wanted), per_30)


def plan(
    part: str, number: int, drill_id: str, peaks: Mapping[str, float], larger: float = 1.0
) -> tuple[Side, Variant, Drawn, dict[str, float]]:
    """Return for the same arguments which leg moves first, how the drill is done, the movement, and the faults per 30 deg."""
    way, drill = ways()[drill_id], load_table().drill(drill_id)
    drawn = movement.draw(part, number, way.moves_as, "steady")
    rng = np.random.default_rng([movement.PARTS[part], number, 83])
    directions = tuple(str(d) for d in drill.directions)
    typical = {d: getattr(drawn.movement, f"{d}_deg") for d in directions}
    peak_deg = larger * min(typical.values())
    per_30 = {letter: float(rng.normal(0, QUIET[part_name])) for letter, part_name in PARTS.items()}
    for letter, size in peaks.items():
        sign = 1.0 if rng.random() < 0.5 or (way is BENT and letter == "T") else -1.0  # knees part; together they cannot close
        per_30[letter] = sign * size * 30 / peak_deg
    gain = drawn.movement.other_gain
    moved, options = _with_faults(drawn.movement, way, per_30)
    if way.posture == "sidelying_abducted":
        options["raise_deg"] = float(rng.uniform(*RAISED_DEG))
    legs = way.legs or str(rng.choice([legs for legs in drill.legs if legs != "alternating"]))
    if legs == "both" and not way.legs:
        per_30 |= {"O": 30 * gain, "P": per_30["P"] * (1 - gain), "L": per_30["L"] * (1 - gain)}  # either leg pulls its way
    moved = dataclasses.replace(moved, directions=directions, cycles=3, legs=legs, tremor_deg=0.0, drift_deg=0.0)
    moved = dataclasses.replace(moved, hold_s=max(0.4, moved.hold_s), **{f"{d}_deg": peak_deg for d in directions})
    feed = dataclasses.replace(drawn.feed, fps=FPS)
    variant = dataclasses.replace(way, options={**way.options, **options})
    variant = dataclasses.replace(variant, **{d: drill_id for d in directions}, combined=drill_id if drill.combined else "")
    return Side(moved.side), variant, Drawn("steady", moved, feed), per_30


def _wanted(course: movement.Course, t_s: np.ndarray) -> np.ndarray:
    """Return which frames matter: those of the neutral pose, and those around the peaks."""
    peaks_s = [0.5 * (rep.peak_from_s + rep.peak_to_s) for rep in course.reps]
    return (t_s < STILL_S) | np.any([np.abs(t_s - peak_s) <= compensation.AT_PEAK_S / 2 for peak_s in peaks_s], axis=0)


def _with_faults(moved: movement.Movement, way: Variant, per_30: dict[str, float]) -> tuple[movement.Movement, dict[str, Any]]:
    """Return a movement and options of a posture that make the faults; the signs that they cannot have are taken away."""
    options: dict[str, Any] = {}
    if way.posture == "first_position":
        per_30["K"] = abs(per_30["K"])
        options = {"sink_deg": per_30["K"], "turn_deg": per_30["P"], "lean_deg": per_30["L"]}
        quiet = dataclasses.replace(moved, pelvis_deg=0.0, trunk_deg=0.0)  # of both legs they would cancel out
        return quiet, options
    if way.posture in UPRIGHT:
        for letter in ("K", "O", "H"):
            per_30[letter] = abs(per_30.get(letter, 0.0))
        per_30.setdefault("F", 0.0)
        options = {"slide_m": per_30["F"] / 100, "sink_deg": per_30["K"]}
        options["other_slide_m"] = LEG_M * float(np.tan(np.radians(per_30["O"])))
        options["lift_m" if way.posture == "standing" else "heel_drop_m"] = per_30["H"] / 100
    if way.posture == "supine_90_90" and way.legs == "both":
        options = {"roll_deg": per_30["P"]}
    if way.posture == "lunge":
        per_30["K"] = abs(per_30["K"])
        per_30.setdefault("F", 0.0)
        options = {"slide_m": per_30["F"] / 100, "bends": True}
    if way.posture == "longsit":
        per_30["K"] = abs(per_30["K"])
        per_30["T"] = float(np.degrees(np.arctan(per_30["F"] / 100 / LEG_M))) if "F" in per_30 else per_30["T"]
        per_30["F"] = 100 * LEG_M * float(np.tan(np.radians(per_30["T"])))
        options = {"heel_stays": True}
    return dataclasses.replace(moved, **{f"{part}_deg": per_30[letter] for letter, part in PARTS.items()}), options


def _made(way: Variant) -> set[str]:
    """Return the faults that can be made in a way to do a drill."""
    if way is FIRST:
        return {"P", "L", "K"}
    more = {"standing": {"F", "H"}, "standing_toe_pivot": {"F", "H"}, "lunge": {"F"}, "longsit": {"F"}}
    return set(PARTS) | more.get(way.posture, set())


# ---------------------------------------------------------------------- learning


def learn(kept: str, sessions: int) -> compensation.Learned:
    """Return what made people show of their faults, so many sessions of each of the drills that are kept under a name."""
    rows, sizes = [], []
    drills = [drill for drill in ways() if compensation.kept_as(load_table().drill(drill)) == kept]
    letters = sorted(_made(ways()[drills[0]]) & {letter for drill in drills for letter in load_table().drill(drill).faults})
    for drill in drills:
        for number in range(sessions):
            rng = np.random.default_rng([number, 84])
            some = {letter: SPREAD * TWICE[letter] * abs(float(rng.normal())) for letter in letters if rng.random() < 0.5}
            made = perform("tune", number, drill, some, float(rng.uniform(*LARGER.get(kept, (1.0, 1.0)))))
            moved = compensation.Moved(middle(made.neutral_poses()), made.side)
            for rep in made.seen.course.reps:
                if rep.side != made.side:
                    continue
                peak_s = 0.5 * (rep.peak_from_s + rep.peak_to_s)
                near = [p for p in made.seen.poses if abs(p.time_s - peak_s) <= compensation.AT_PEAK_S / 2 and not p.reason]
                whole = [numbers for pose in near if np.isfinite(numbers := moved.numbers(pose)).all()]
                if whole:
                    rows.append(np.median(whole, axis=0))
                    sizes.append(made.sizes(peak_s))
    names = [name for name in sizes[0] if name[0] in letters and any(size.get(name) for size in sizes)]
    seen, wanted = np.array(rows), np.array([[size.get(name, 0.0) for name in names] for size in sizes])
    scale = np.sqrt((seen**2).mean(axis=0)) + 1e-9
    seen = seen / scale
    outwards = {"T": "T+"} if kept == Posture.SUPINE_BENT else {}  # knees that part are a fault, those that fall inwards are none
    return compensation.Learned(
        tuple(outwards.get(name, name) for name in names), scale, seen.T @ seen / len(seen), seen.T @ wanted / len(seen)
    )


def main() -> None:
    """Learn all postures."""
    parser = argparse.ArgumentParser(description="Learns what faults look like; writes compensation.npz.")
    parser.add_argument("--sessions", type=int, default=250, help="sessions of each drill (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(str(compensation.__file__)).with_name(compensation.FILE))
    drills = [load_table().drill(name) for name in ways()]
    limited = {posture for fault in load_table().faults.values() for posture in fault.limits}
    seen = sorted({compensation.kept_as(drill) for drill in drills if drill.posture in limited})
    parser.add_argument("--only", nargs="*", choices=seen, default=seen, help="what to learn; the rest stays")
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.jobs) as pool:
        found = dict(zip(asked.only, pool.map(learn, asked.only, [asked.sessions] * len(asked.only)), strict=True))
    arrays: dict[str, Any] = {}
    if asked.out.exists():
        with np.load(asked.out) as kept:
            arrays = {name: kept[name] for name in kept.files}
    for kept, told in found.items():
        arrays |= {f"{kept}.names": np.array(told.names), f"{kept}.scale": told.scale.astype(np.float32)}
        arrays |= {f"{kept}.seen": told.seen.astype(np.float32), f"{kept}.cross": told.cross.astype(np.float32)}
        print(kept, " ".join(told.names))
    np.savez_compressed(asked.out, **arrays)


if __name__ == "__main__":
    main()
