"""Draws the specs of the public benchmark, and shows how they are spread.

python -m training.render.benchmark draw                      # writes training/benchmark.json once: it is frozen
python -m training.render.benchmark show                      # a table of what is in it
python -m training.render.clip training/benchmark.json OUT    # makes the clips, on all cores; started again, it goes on
python -m training.render.benchmark manifest OUT              # writes the list of clips that `rotrack validate` reads

Clips whose names begin with `tune` are for tuning and calibrating, on those that begin with `test` nothing is ever tuned. No
person is in two posture groups.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training import movement

from . import people, placing
from .stage import ClipSpec

SPECS = Path(__file__).parents[1] / "benchmark.json"
CLIPS = {"tune": 4, "test": 6}
"""Clips of every variant in each part."""
WALK_IN, WALK_S = ("seated", "standing", "standing_toe_pivot"), 3.5
MOST_CYCLES, MOST_FPS, MOST_HOLDS = 3, 30.0, 2
"""Cycles, frames a second (but of bad feeds) and held repetitions are cut to these: the clips are to be rendered in hours."""
FAST_FPS, FAST_CYCLES = 60.0, 1
"""Clips with more frames a second than this have so many cycles."""


@dataclass(frozen=True)
class Variant:
    """One way of doing a drill.

    Parameters
    ----------
    name : str
        Part of the clips' names.
    posture : str
        A name of `postures.POSTURES`.
    moves_as : str
        A posture of movement.toml.
    internal, external, combined : str
        The drill of rotrack for each direction; empty: there is none.
    options : mapping
        Options of the posture.
    legs : str
        one or both, if the variant is about it; by default as the movement has it.
    """

    name: str
    posture: str
    moves_as: str
    internal: str = ""
    external: str = ""
    combined: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    legs: str = ""

    @property
    def group(self) -> str:
        """People of one group are in no other."""
        return self.posture


VARIANTS = (
    Variant("seated", "seated", "seated", "seated-internal", "seated-external", "seated-combined"),
    Variant("seated_foot_down", "seated", "seated", "seated-internal", "seated-external", "seated-combined", {"foot_down": True}),
    Variant("standing", "standing", "standing", "standing-internal", "standing-external", "standing-combined"),
    Variant(
        "toe_pivot", "standing_toe_pivot", "standing_toe_pivot", "standing-toe-pivot-internal", "standing-toe-pivot-external"
    ),
    Variant("longsit_together", "longsit", "longsit", external="longsit-external", options={"heels_apart_deg": 2.0}, legs="both"),
    Variant("longsit_foot", "longsit", "longsit", internal="longsit-internal", options={"heels_apart_deg": 9.0}, legs="both"),
    Variant(
        "longsit_two_feet", "longsit", "longsit", combined="longsit-combined", options={"heels_apart_deg": 17.0}, legs="both"
    ),
    Variant("ceiling", "supine_straight", "supine_straight", "supine-straight-internal", "supine-straight-external"),
    Variant("bent", "supine", "supine", internal="supine-bent-internal"),
    Variant("ninety", "supine_90_90", "supine_90_90", external="supine-90-90-external", legs="both"),
    Variant("ninety_one", "supine_90_90", "supine_90_90", external="supine-90-90-external", legs="one"),
    Variant("prone", "prone", "prone", "prone-internal", "prone-external"),
    Variant("raised", "sidelying_abducted", "sidelying_abducted", "sidelying-abducted-internal", "sidelying-abducted-external"),
    Variant(
        "raised_high",
        "sidelying_abducted",
        "sidelying_abducted",
        internal="sidelying-abducted-internal",
        options={"raise_deg": 65.0},
    ),
    Variant("top", "sidelying_strength", "sidelying_strength_top", internal="sidelying-strength-internal"),
    Variant(
        "bottom",
        "sidelying_strength",
        "sidelying_strength_bottom",
        external="sidelying-strength-external",
        options={"leg": "bottom"},
    ),
    Variant("lunge", "lunge", "lunge", "lunge-internal", "lunge-external"),
)


def draw() -> dict[str, dict[str, Any]]:
    """Return all specs by name; always the same ones."""
    specs: dict[str, dict[str, Any]] = {}
    groups = list(dict.fromkeys(variant.group for variant in VARIANTS))
    for part, clips in CLIPS.items():
        used: Counter[str] = Counter()
        kinds = _kinds(part)
        for variant in VARIANTS:
            for number in range(clips):
                person = 1000 * groups.index(variant.group) + used[variant.group]
                used[variant.group] += 1
                seed = 100 * VARIANTS.index(variant) + number
                name = f"{part}_{variant.name}_{number}"
                specs[name] = _spec(part, variant, seed, person, kinds)
    return specs


def _kinds(part: str) -> Iterator[str]:
    """Yield kinds of movement for ever, all of them by their shares before one comes too often."""
    rng = np.random.default_rng([movement.PARTS[part], 99])
    shares = {name: kind["share"] for name, kind in movement.ranges()["kinds"].items()}
    dealt = dict.fromkeys(shares, 0.0)
    while True:
        due = min(dealt, key=lambda name: (dealt[name] + rng.random()) / shares[name])
        dealt[due] += 1
        yield due


def _spec(part: str, variant: Variant, seed: int, person: int, kinds: Iterator[str]) -> dict[str, Any]:
    drawn = _movement(part, variant, seed, kinds)
    moved = drawn.movement
    placed = placing.draw_for(variant.posture, part, seed)
    rng = np.random.default_rng([movement.PARTS[part], seed, 66])
    if moved.start_s and variant.posture in WALK_IN and rng.random() < 0.25:
        placed["walks_in_s"] = WALK_S
        moved = dataclasses.replace(moved, start_s=round(moved.start_s + WALK_S, 2))
    if rng.random() < 0.2:
        placed["bystander"] = {
            "x_m": float(rng.choice([-1.1, 1.1])),
            "z_m": -0.6,
            "arms": str(rng.choice(["side", "hips", "folded"])),
        }
    return {
        "posture": variant.posture,
        "person": people.draw(part, person),
        "movement": changed(moved),
        "feed": changed(drawn.feed),
        "options": dict(variant.options),
        **placed,
        "seed": seed,
        "drill": _drill(variant, moved.directions),
        "kind": drawn.kind,
    }


def _movement(part: str, variant: Variant, seed: int, kinds: Iterator[str]) -> movement.Drawn:
    """Return a movement that the variant can do, cut to what can be rendered."""
    place = movement.ranges()["postures"][variant.moves_as]
    either_way = [("external", "internal"), ("internal", "external")][seed // 2 % 2]
    offered = ((("internal",), variant.internal), (("external",), variant.external), (either_way, variant.combined))
    wanted = [directions for directions, drill in offered if drill]
    kind = next(kinds)
    while movement.ranges()["kinds"][kind].get("legs") not in (None, *place["legs"], *place.get("also", ())):
        kind = next(kinds)
    drawn = movement.draw(part, seed, variant.moves_as, kind)
    directions = wanted[seed % len(wanted)]
    most = MOST_HOLDS if kind == "holds" else FAST_CYCLES if drawn.feed.fps > FAST_FPS and kind == "bad-feed" else MOST_CYCLES
    changes: dict[str, Any] = {"directions": directions, "cycles": min(most, drawn.movement.cycles)}
    if variant.legs and drawn.movement.legs != "alternating":
        changes["legs"] = variant.legs
    if drawn.movement.leave_after >= changes["cycles"]:
        changes["leave_after"] = 1
    feed = dataclasses.replace(drawn.feed, fps=min(MOST_FPS, drawn.feed.fps) if kind != "bad-feed" else drawn.feed.fps)
    return dataclasses.replace(drawn, movement=dataclasses.replace(drawn.movement, **changes), feed=feed)


def _drill(variant: Variant, directions: Sequence[str]) -> str:
    if len(directions) > 1:
        return variant.combined
    return variant.internal if directions[0] == "internal" else variant.external


def changed(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not at their default, numbers rounded to what matters."""
    plain = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if getattr(value, f.name) != f.default}
    rounded = {name: round(x, 4) if isinstance(x, float) else x for name, x in plain.items()}
    return {name: list(x) if isinstance(x, tuple) else x for name, x in rounded.items()}


def write(path: Path, specs: Mapping[str, Mapping[str, Any]]) -> None:
    """Write specs, one a line, so that changes can be read."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(spec)}" for name, spec in specs.items())
    path.write_text("{\n" + lines + "\n}\n", "utf-8")


def show(specs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how the specs are spread."""
    lines, total = [], 0.0
    for part in CLIPS:
        mine = {name: spec for name, spec in specs.items() if name.startswith(part)}
        frames = 0
        for spec in mine.values():
            stage = ClipSpec.read(spec)
            length_s = stage.course().duration_s
            frames += len(movement.Feed(**stage.feed).frames(length_s))
            total += length_s
        lines.append(f"{part}: {len(mine)} clips, {frames} frames")
        for what in ("posture", "kind", "drill"):
            counts = Counter(str(spec[what]) for spec in mine.values())
            lines.append(f"  {what}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    return "\n".join([*lines, f"{total / 60:.0f} minutes in all"])


def manifest(specs: Mapping[str, Mapping[str, Any]], out: Path) -> int:
    """Write manifest.csv for the clips that are complete; return their number."""
    made = {name: spec for name, spec in specs.items() if (out / f"{name}.gt.json").is_file()}
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["clip", "drill_ids", "moving_side", "repetitions", "part", "kind", "body", "frame_size", "note"])
        for name, spec in made.items():
            truth = json.loads((out / f"{name}.gt.json").read_text("utf-8"))
            row = [
                name,
                spec["drill"],
                truth["side"],
                truth["rep_count"],
                name.split("_")[0],
                spec["kind"],
                spec["person"]["name"],
            ]
            table.writerow([*row, "x".join(map(str, spec["size_px"])), spec["note"]])
    return len(made)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, show, or write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=["draw", "show", "manifest"])
    parser.add_argument("out", type=Path, nargs="?", help="folder of the clips, for manifest")
    asked = parser.parse_args(arguments)
    if asked.do == "draw":
        if SPECS.exists():
            sys.exit(f"{SPECS} is frozen; a new benchmark gets a new name")
        write(SPECS, draw())
        return 0
    specs = json.loads(SPECS.read_text("utf-8"))
    if asked.do == "show":
        print(show(specs))
        return 0
    if asked.out is None:
        parser.error("manifest needs the folder of the clips")
    print(f"{manifest(specs, asked.out)} of {len(specs)} clips are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
