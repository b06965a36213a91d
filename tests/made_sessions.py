"""Sessions of people that tests log without a camera, and what stands in a data folder afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
from helpers import FOUR, a_record, a_rep, a_step

from rotrack.core.model import REP_DECIMALS, Direction, Rep, Side
from rotrack.records.folders import locked
from rotrack.records.history import rep_table
from rotrack.records.options import NUMBERS_NOTED
from rotrack.records.people import known_or_new
from rotrack.records.record import SourceRecord, Status
from rotrack.records.session import Session, load_session
from rotrack.records.writer import SessionWriter
from rotrack.system.inputs import plain_cell

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")
BERLIN = timezone(timedelta(hours=1))
MONDAY = {"source": SourceRecord(kind="video", name="monday.mp4", size_px=(640, 480), fps=30.0), "measured": "hip rotation"}
"""What a session is of that is printed."""
repetition = a_rep


def begun(data: Path, day: int, **changes: Any) -> SessionWriter:
    """Begin the session of that day of January as measuring does; times may be given as text."""
    for key in ("started_at", "remeasured_at"):
        if isinstance(changes.get(key), str):
            changes[key] = datetime.fromisoformat(changes[key])
    known = {
        "started_at": datetime(2026, 1, day, 8, tzinfo=BERLIN),
        "sides": (LEFT,),
        "model": "heavy",
        "person": "Ana",
    } | changes
    with locked(data):
        person = known_or_new(data, known["person"])
    if person:
        known |= {"person": person.name, "person_id": person.id}
    return SessionWriter(data, a_record(day, **known))


def append(writer: SessionWriter, reps: tuple[Rep, ...]) -> None:
    """Log repetitions one after the other."""
    for rep in reps:
        writer.append(a_step((rep,), time_s=rep.end_s))


def write(data: Path, day: int, reps: tuple[Rep, ...] = FOUR, status: Status = Status.FINISHED, **changes: Any) -> str:
    """Log a session as measuring does; return its id."""
    with begun(data, day, **changes) as writer:
        append(writer, reps)
        writer.update(status=status)
    return writer.record.session_id


def cut_off(data: Path, day: int, reps: tuple[Rep, ...] = FOUR, **changes: Any) -> str:
    """Log a session as a program leaves it that is killed: its lock lies there, and nobody holds it."""
    session_id = write(data, day, reps, Status.RUNNING, **changes)
    (data / "sessions" / session_id / "writing.lock").touch()
    return session_id


def session_of(data: Path, session_id: str) -> Session:
    """Return a session from its folder."""
    return load_session(data / "sessions" / session_id)


def rows(data: Path) -> pd.DataFrame:
    """Return what a person finds in reps.csv: numbers as float, truths as bool, texts plain."""
    table = pd.read_csv(data / "reps.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for column in table.columns:
        if column in ("valid", "dropped"):
            table[column] = table[column].map({"true": True, "false": False}).astype(bool)
        elif column in REP_DECIMALS or column in NUMBERS_NOTED:
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
    own = ("index.", "reps.csv.checksum", "remeasured.json")
    return {p: p.read_bytes() for p in data.rglob("*") if p.is_file() and p.suffix != ".lock" and not p.name.startswith(own)}
