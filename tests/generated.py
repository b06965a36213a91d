"""Writes what in docs and package follows from the data: python tests/generated.py.

A block of a page between `<!-- name: written by tests/generated.py -->` and `<!-- end -->` is made from the tables of drills and
postures, from the import contract, from the options of a request or from the catalogue of texts, and test_generated.py says when
it is old. examples.py fills the blocks that show what a command prints. The drawings of the drills, and what shells know of the
commands, are written as well; test_drawing.py and test_completion.py watch over them.
"""

from __future__ import annotations

import ast
import re
import runpy
import string
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_type_hints

import examples

from rotrack.core.drills import Drill, Measure, Place, View, load_table
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.measure.request import Request
from rotrack.records.options import options_of
from rotrack.texts import Texts

ROOT = Path(__file__).resolve().parents[1]
_SHOWN = {Measure.SHANK: "shin", Measure.FOOT: "foot", Measure.ROLL: "-"}
_POINTER = {Measure.SHANK: "knee to ankle", Measure.FOOT: "ankle to toe", Measure.ROLL: "hip to hip"}
_VIEW = {
    View.FRONT: "in front",
    View.FEET: "beyond the feet",
    View.BEHIND: "behind",
    View.BELLY: "in front of the belly",
    View.ABOVE: "overhead",
}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _each(values: Iterable[str], between: str = "; ") -> str:
    return between.join(dict.fromkeys(values))


def _by_posture() -> dict[Posture, list[Drill]]:
    drills = load_table().drills.values()
    return {posture: found for posture in Posture if (found := [drill for drill in drills if drill.posture is posture])}


def _camera(place: Place) -> str:
    low, high = place.height_m
    return f"{_VIEW[place.view]} at {low:g} to {high:g} m"


def drills() -> str:
    """Return the drills for docs/drills.md."""
    table = load_table().drills.values()
    counted = sum(drill.measure is Measure.ROLL for drill in table)
    lines = [
        f"{len(table)} drills: {len(table) - counted} are measured, {counted} are counted and timed.",
        "",
        "| position | drills | tier | what shows the turn | what is measured | the camera, above the floor |",
        "|---|---|---|---|---|---|",
    ]
    for posture, found in _by_posture().items():
        ids, tiers = _each((drill.id for drill in found), ", "), _each((drill.tier for drill in found), ", ")
        shown, measured = _each(_SHOWN[drill.measure] for drill in found), _each(drill.measured for drill in found)
        lines.append(_row(posture.record.title, ids, tiers, shown, measured, _each(_camera(drill.place) for drill in found)))
    return "\n".join(lines)


def postures() -> str:
    """Return the postures for docs/conventions.md."""
    lines = [
        "| Position | Drills | Posture | Pointer | Measure | Gravity is read | Leg network |",
        "|---|---|---|---|---|---|---|",
    ]
    for posture, found in _by_posture().items():
        record = posture.record
        ids, measure = _each((drill.id for drill in found), ", "), _each(drill.measure for drill in found)
        pointer = _each(_POINTER[drill.measure] for drill in found)
        gravity = "yes" if record.stance and record.stance.gravity else "no"
        network = _each("needed" if drill.without_legnet else "not needed" for drill in found)
        lines.append(_row(record.title, ids, posture, pointer, measure, gravity, network))
    return "\n".join(lines)


def floors() -> str:
    """Return the floors of the package, from the top, for docs/developer/structure.md."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    lines = ["| floor | what is there | what it is for |", "|---|---|---|"]
    for number, layer in zip(range(len(layers), 0, -1), layers, strict=True):
        lines += [_row(str(number), f"`{name}`", _purpose(name)) for name in layer.split(" | ")]
    return "\n".join(lines)


def _purpose(name: str) -> str:
    """Return the first line of the docstring of a folder or module."""
    home = ROOT / "rotrack" / name
    source = home / "__init__.py" if home.is_dir() else home.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").partition("\n")[0]


def options() -> str:
    """Return the options of a request as a type checker wants them, for rotrack/measure/request.py."""
    lines = [
        "class Options(TypedDict, total=False):",
        '    """The options of a `Request` by their names, for type checkers."""',
        "",
    ]
    kinds = get_type_hints(Request)
    lines += [f"    {name}: {_plain(kinds[name])}" for name in options_of(Request) if name != "drill"]
    return "\n".join([*lines, "", ""])


def _plain(kind: object) -> str:
    return re.sub(r"\b(?:\w+\.)+", "", kind.__name__ if isinstance(kind, type) else str(kind))


def reasons() -> str:
    """Return all reasons with their words, for docs/data.md."""
    where = Texts()("drill.described", drill="{drill}")
    told = {
        key.removeprefix("reason."): text.replace("{where}", where)
        for key, text in english().items()
        if key.startswith("reason.")
    }
    told |= {Reason.FAULT: "the fault of this letter"}
    lines = ["| code | values | words |", "|---|---|---|"]
    for reason in Reason:
        places = [name for _, name, _, _ in string.Formatter().parse(told[reason]) if name]
        lines.append(_row(reason, ", ".join(["letter"] if reason is Reason.FAULT else places), told[reason]))
    return "\n".join(["", *lines, ""])


def english() -> dict[str, str]:
    """Return the English texts by their dotted keys."""
    table = tomllib.loads((ROOT / "rotrack" / "texts" / "en.toml").read_text("utf-8"))
    return {f"{section}.{key}": text for section, texts in table.items() for key, text in texts.items() if isinstance(text, str)}


BLOCKS: dict[str, Callable[[], str]] = {
    "drills": drills,
    "postures": postures,
    "floors": floors,
    "options": options,
    "reasons": reasons,
}
PAGES = (
    ROOT / "docs" / "agreement.md",
    ROOT / "docs" / "commands.md",
    ROOT / "docs" / "data.md",
    ROOT / "docs" / "drills.md",
    ROOT / "docs" / "conventions.md",
    ROOT / "docs" / "progress.md",
    ROOT / "docs" / "developer" / "structure.md",
    ROOT / "rotrack" / "measure" / "request.py",
)


def mark(name: str) -> str:
    """Return what stands in the line before a block."""
    return f"{name}: written by tests/generated.py"


def renewed(page: str) -> str:
    """Return the text of a page or a module with its blocks made anew."""
    for name, made in BLOCKS.items():
        block = re.compile(rf"^(\S+ {re.escape(mark(name))}.*?\n).*?(?=^\S+ end\b)", re.MULTILINE | re.DOTALL)
        page = block.sub(lambda found, made=made: f"{found[1]}{made()}\n", page)
    return examples.renewed(page)


def main() -> None:
    """Write all of it."""
    for path in PAGES:
        path.write_text(renewed(path.read_text("utf-8")), "utf-8", newline="\n")
    for module in ("rotrack.draw.drill_figures", "rotrack.cli.taken"):
        runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
