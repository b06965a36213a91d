"""Sessions that tests log without a camera, and what stands in a data folder afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from rotrack.inputs import plain_cell
from rotrack.model import MEASURE_VERSION, REP_DECIMALS, Direction, Rep, Side, Step, empty_pose
from rotrack.records.folders import locked
from rotrack.records.history import rep_table
from rotrack.records.people import known_or_new
from rotrack.records.record import SessionRecord, SourceRecord, Status
from rotrack.records.session import Session, load_session
from rotrack.records.writer import SessionWriter

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")
MONDAY = {"source": SourceRecord(kind="video", name="monday.mp4", size_px=(640, 480), fps=30.0), "measured": "hip rotation"}
"""What a session is of that is printed."""


def repetition(rep: int, peak_deg: float, side: Side = LEFT, **changes: Any) -> Rep:
    """Return a repetition with an error of 4 degrees."""
    one = Rep(
        side, Direction.of(peak_deg), rep, True, peak_deg, 4.0, NAN, 1.0, peak_deg, abs(peak_deg),
        float(rep), rep + 0.5, rep + 1.0, 0.4, (), "", 0.9,
    )  # fmt: skip
    return replace(one, **changes)


FOUR = tuple(repetition(i, peak) for i, peak in enumerate((30.0, 34.0, 32.0, 50.0), start=1))


def record_of_day(number: int, **changes: Any) -> SessionRecord:
    """Return what is known at the beginning of the session of that day of January; times may be given as text."""
    drill = changes.get("drill", "seated-internal")
    for key in ("started_at", "remeasured_at"):
        if isinstance(changes.get(key), str):
            changes[key] = datetime.fromisoformat(changes[key])
    known = {
        "session_id": f"202601{number:02}-080000-{drill}-{number:04x}",
        "started_at": datetime.fromisoformat(f"2026-01-{number:02}T08:00:00+01:00"),
        "status": Status.RUNNING,
        "person": "Ana",
        "drill": drill,
        "tier": "A",
        "sides": (LEFT,),
        "source": SourceRecord(kind="camera", name="webcam", size_px=(640, 480), fps=30.0),
        "calibration": "none",
        "zero": "neutral pose",
        "model": "heavy",
        "convention_version": "2",
        "measure_version": MEASURE_VERSION,
        "rotrack_version": "0.2.0",
    }
    return SessionRecord(**{**known, **changes})


def begun(data: Path, number: int, **changes: Any) -> SessionWriter:
    """Begin a session as measuring does."""
    record = record_of_day(number, **changes)
    if record.person.strip():
        with locked(data):
            person = known_or_new(data, record.person)
        assert person is not None
        changes |= {"person": person.name, "person_id": person.id}
    return SessionWriter(data, record_of_day(number, **changes))


def append(writer: SessionWriter, reps: tuple[Rep, ...]) -> None:
    """Log repetitions one after the other."""
    for rep in reps:
        writer.append(Step(empty_pose(rep.end_s, (640, 480), "nobody is seen in the picture"), {}, (), (rep,)))


def write(data: Path, number: int, reps: tuple[Rep, ...] = FOUR, status: Status = Status.FINISHED, **changes: Any) -> str:
    """Log a session as measuring does; return its id."""
    with begun(data, number, **changes) as writer:
        append(writer, reps)
        writer.update(status=status)
    return writer.record.session_id


def cut_off(data: Path, number: int, reps: tuple[Rep, ...] = FOUR, **changes: Any) -> str:
    """Log a session as a program leaves it that is killed: its lock lies there, and nobody holds it."""
    writer = begun(data, number, **changes)
    append(writer, reps)
    writer.close()
    (writer.folder / "writing.lock").touch()
    return writer.record.session_id


def session_of(data: Path, session_id: str) -> Session:
    """Return a session from its folder."""
    return load_session(data / "sessions" / session_id)


def rows(data: Path) -> pd.DataFrame:
    """Return what a person finds in reps.csv: numbers as float, truths as bool, texts plain."""
    table = pd.read_csv(data / "reps.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for column in table.columns:
        if column in ("valid", "dropped"):
            table[column] = table[column].map({"true": True, "false": False}).astype(bool)
        elif column in REP_DECIMALS or column == "load_kg":
            table[column] = pd.to_numeric(table[column]).astype("float64")
        else:
            table[column] = table[column].astype("int64") if column == "rep" else table[column].map(plain_cell)
    return table


def rows_of(data: Path, session_id: str) -> pd.DataFrame:
    """Return the rows of a session in reps.csv."""
    table = rows(data)
    return table[table.session_id == session_id]


def is_consistent(data: Path, session_id: str) -> bool:
    """Check that a session and its rows in reps.csv say the same."""
    expected, found = rep_table([session_of(data, session_id)]), rows_of(data, session_id)
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected, check_dtype=False)
    return True


def everything(data: Path) -> dict[Path, bytes]:
    """Return what stands in a data folder, but for locks and what rotrack remembers for itself."""
    own = ("index.", "reps.csv.checksum")
    return {p: p.read_bytes() for p in data.rglob("*") if p.is_file() and p.suffix != ".lock" and not p.name.startswith(own)}
