"""rotrack measures hip internal and external rotation with an ordinary webcam.

The data flows in the order of the folders: `sensing` turns pictures into landmarks, `kinematics` landmarks into angles,
`tracking` angles into repetitions; `records` keeps and `ui` shows the result. `api` puts the parts together, `cli` is thin.
"""

from importlib import metadata

from rotrack.api import analyze, remeasure
from rotrack.drills import Drill, load_table
from rotrack.errors import RotrackError
from rotrack.model import Direction, Side
from rotrack.records.session import Session, SessionValue, load_session

__version__ = metadata.version("rotrack")
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
