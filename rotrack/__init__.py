"""rotrack measures hip internal and external rotation with an ordinary webcam.

What is named here is the public interface: `analyze` measures a video, or poses from elsewhere, and logs it or not; `steps`
yields what every pose produced; `load_table`, `read_sessions` and `read_progress` give drills, sessions and what has changed.

The data flows in the order of the folders: `sensing` turns pictures into landmarks, `kinematics` landmarks into angles,
`tracking` angles into repetitions; `records` keeps the result, `draw`, `charts`, `report` and `app` show it. `measure` puts the
parts together, `core` names what they pass on, `cli` is thin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotrack.archive.manifest import read_manifest
    from rotrack.archive.run import measure_archive
    from rotrack.charts.progress import progress_figure
    from rotrack.charts.sessions import agreement_figure, session_figure
    from rotrack.core.drills import Drill, DrillTable, load_table, parse_table
    from rotrack.core.errors import RotrackError
    from rotrack.core.model import (
        LANDMARK_NAMES,
        LEGS,
        Apart,
        CurvePoint,
        Direction,
        Pose,
        Rep,
        RotationSample,
        Side,
        Step,
        make_pose,
    )
    from rotrack.core.postures import Facing, Posture
    from rotrack.exchange.export import markers_over_time, mot, rotation_over_time, tidy_table, trc, visits_table, wide_table
    from rotrack.exchange.sheets import xlsx_bytes
    from rotrack.kinematics.camera import Calibration
    from rotrack.kinematics.legmodel import LENGTHS, leg_points
    from rotrack.kinematics.rotation import NeutralPose, make_measure
    from rotrack.measure.analysis import analyze
    from rotrack.measure.request import Request
    from rotrack.measure.run import PoseSource, remeasure, steps
    from rotrack.progress.agreement import Pairing, agreement_of, pair_readings, repetition_table, subjects_of
    from rotrack.progress.change import Change, Progress, read_progress
    from rotrack.progress.compare import standing
    from rotrack.progress.sample import true_change_deg, write_sample
    from rotrack.progress.values import session_table
    from rotrack.records.changes import delete_session
    from rotrack.records.history import history_table, table_bytes
    from rotrack.records.landmarks import read_poses
    from rotrack.records.readings import read_readings
    from rotrack.records.session import Measurement, Session, SessionValue, load_session
    from rotrack.records.store import read_sessions
    from rotrack.report.content import make_report
    from rotrack.report.html import html_of
    from rotrack.report.pdf import pdf_of
    from rotrack.texts import words

    __version__: str

__all__ = [
    "LANDMARK_NAMES",
    "LEGS",
    "LENGTHS",
    "Apart",
    "Calibration",
    "Change",
    "CurvePoint",
    "Direction",
    "Drill",
    "DrillTable",
    "Facing",
    "Measurement",
    "NeutralPose",
    "Pairing",
    "Pose",
    "PoseSource",
    "Posture",
    "Progress",
    "Rep",
    "Request",
    "RotationSample",
    "RotrackError",
    "Session",
    "SessionValue",
    "Side",
    "Step",
    "__version__",
    "agreement_figure",
    "agreement_of",
    "analyze",
    "delete_session",
    "history_table",
    "html_of",
    "leg_points",
    "load_session",
    "load_table",
    "make_measure",
    "make_pose",
    "make_report",
    "markers_over_time",
    "measure_archive",
    "mot",
    "pair_readings",
    "parse_table",
    "pdf_of",
    "progress_figure",
    "read_manifest",
    "read_poses",
    "read_progress",
    "read_readings",
    "read_sessions",
    "remeasure",
    "repetition_table",
    "rotation_over_time",
    "session_figure",
    "session_table",
    "standing",
    "steps",
    "subjects_of",
    "table_bytes",
    "tidy_table",
    "trc",
    "true_change_deg",
    "visits_table",
    "wide_table",
    "words",
    "write_sample",
    "xlsx_bytes",
]

_HOMES = {
    "rotrack.archive.manifest": ("read_manifest",),
    "rotrack.archive.run": ("measure_archive",),
    "rotrack.charts.progress": ("progress_figure",),
    "rotrack.charts.sessions": (
        "agreement_figure",
        "session_figure",
    ),
    "rotrack.core.drills": (
        "Drill",
        "DrillTable",
        "load_table",
        "parse_table",
    ),
    "rotrack.core.errors": ("RotrackError",),
    "rotrack.core.model": (
        "Apart",
        "CurvePoint",
        "Direction",
        "LANDMARK_NAMES",
        "LEGS",
        "Pose",
        "Rep",
        "RotationSample",
        "Side",
        "Step",
        "make_pose",
    ),
    "rotrack.core.postures": (
        "Facing",
        "Posture",
    ),
    "rotrack.exchange.export": (
        "markers_over_time",
        "mot",
        "rotation_over_time",
        "tidy_table",
        "trc",
        "visits_table",
        "wide_table",
    ),
    "rotrack.exchange.sheets": ("xlsx_bytes",),
    "rotrack.kinematics.camera": ("Calibration",),
    "rotrack.kinematics.legmodel": (
        "LENGTHS",
        "leg_points",
    ),
    "rotrack.kinematics.rotation": (
        "NeutralPose",
        "make_measure",
    ),
    "rotrack.measure.analysis": ("analyze",),
    "rotrack.measure.request": ("Request",),
    "rotrack.measure.run": (
        "PoseSource",
        "remeasure",
        "steps",
    ),
    "rotrack.progress.agreement": (
        "Pairing",
        "agreement_of",
        "pair_readings",
        "repetition_table",
        "subjects_of",
    ),
    "rotrack.progress.change": (
        "Change",
        "Progress",
        "read_progress",
    ),
    "rotrack.progress.compare": ("standing",),
    "rotrack.progress.sample": (
        "true_change_deg",
        "write_sample",
    ),
    "rotrack.progress.values": ("session_table",),
    "rotrack.records.changes": ("delete_session",),
    "rotrack.records.history": (
        "history_table",
        "table_bytes",
    ),
    "rotrack.records.landmarks": ("read_poses",),
    "rotrack.records.readings": ("read_readings",),
    "rotrack.records.session": (
        "Measurement",
        "Session",
        "SessionValue",
        "load_session",
    ),
    "rotrack.records.store": ("read_sessions",),
    "rotrack.report.content": ("make_report",),
    "rotrack.report.html": ("html_of",),
    "rotrack.report.pdf": ("pdf_of",),
    "rotrack.texts": ("words",),
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
