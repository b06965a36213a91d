"""The drawings of all drills, as they come with the package: drawing takes a second or more, and the first page shows them all.

`python -m rotrack.draw.drill_figures` makes them anew from the table of drills; a test says when that is due.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from rotrack.core.drills import load_table
from rotrack.core.model import Side
from rotrack.draw.drill_figure import INSET, drill_svg, moving_svg, place_svg

FILE = "drill_figures.json"
_DECIMAL = "\u2396"
"""Stands for the decimal sign, which depends on the language."""
_copies = itertools.count()
_START, _END, _PLACE = "start", "end", "place"


def drill_pictures(drill_id: str) -> tuple[str, str]:
    """Return a drill's start and end as SVG."""
    return _kept()[drill_id][_START], _kept()[drill_id][_END]


def place_picture(drill_id: str, decimal: str = ".") -> str:
    """Return a drill's camera place as SVG, with this decimal sign."""
    return _kept()[drill_id][_PLACE].replace(_DECIMAL, decimal)


def moving_picture(drill_id: str, side: Side) -> str:
    """Return a drill in motion as SVG, drawn when it is first wanted.

    What it names within itself is another name each time: a page may hold the same drawing twice, one of them out of sight.
    """
    return _moving(drill_id, side).replace(INSET, f"{INSET}{next(_copies)}-")


@cache
def _moving(drill_id: str, side: Side) -> str:
    return moving_svg(load_table().drill(drill_id), side)


def made() -> dict[str, dict[str, str]]:
    """Return all drawings, made now."""
    return {
        drill.id: {_START: drill_svg(drill, _START), _END: drill_svg(drill, _END), _PLACE: place_svg(drill, decimal=_DECIMAL)}
        for drill in load_table().drills.values()
    }


@cache
def _kept() -> dict[str, dict[str, str]]:
    found: Any = json.loads(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
    return {str(drill): {str(which): str(svg) for which, svg in pictures.items()} for drill, pictures in found.items()}


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(json.dumps(made(), ensure_ascii=False, indent=1) + "\n", "utf-8", newline="\n")
