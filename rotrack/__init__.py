"""rotrack measures hip internal and external rotation with an ordinary webcam.

The data flows in the order of the folders: `sensing` turns pictures into landmarks, `kinematics` landmarks into angles,
`tracking` angles into repetitions; `records` keeps the result, `draw`, `charts`, `report` and `app` show it. `measure` puts the
parts together, `core` names what they pass on, `cli` is thin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotrack.core.drills import Drill, load_table
    from rotrack.core.errors import RotrackError
    from rotrack.core.model import Direction, Side
    from rotrack.measure.run import analyze, remeasure
    from rotrack.records.session import Session, SessionValue, load_session

    __version__: str

__all__ = [
    "Direction",
    "Drill",
    "RotrackError",
    "Session",
    "SessionValue",
    "Side",
    "__version__",
    "analyze",
    "load_session",
    "load_table",
    "remeasure",
]

_HOMES = {
    "rotrack.measure.run": ("analyze", "remeasure"),
    "rotrack.core.drills": ("Drill", "load_table"),
    "rotrack.core.errors": ("RotrackError",),
    "rotrack.core.model": ("Direction", "Side"),
    "rotrack.records.session": ("Session", "SessionValue", "load_session"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return a public name; what it needs is loaded at its first use, so that commands which do not need it start at once."""
    if name == "__version__":
        from importlib import metadata  # loads half of the standard library

        return metadata.version("rotrack")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rotrack' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
