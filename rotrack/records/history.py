"""Sessions set beside each other: which count, which may be compared, and as a table."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.messages import Sentence
from rotrack.core.model import REP_DECIMALS, Rep
from rotrack.records.options import NUMBERS_NOTED, PROTOCOL
from rotrack.records.repetitions import yes_or_no
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.session import Session, counting, readings_of
from rotrack.records.store import in_time, read_sessions
from rotrack.system.imports import when_used
from rotrack.system.inputs import csv_line, header_of, name_key

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

_COLUMNS = (
    "session_id started_at person drill side direction value_deg uncertainty_deg reps_used reps_valid reps_total faults band "
    "load_kg note tier calibration zero convention_version measure_version status has_video"
)
HISTORY_COLUMNS = [*_COLUMNS.split(), *PROTOCOL, "variant", "motion", "legs", "held"]
_OF_VALUE = ("value_deg", "uncertainty_deg", "reps_used", "reps_valid", "reps_total")


def people(data: Path) -> list[str]:
    """Return the names of all who were measured, the most recent first; sessions without a name have none."""
    sessions, _ = read_sessions(data)
    return [name for name in dict.fromkeys(s.person for s in reversed(sessions)) if name]


def history_table(data: Path, person: str | None = None, drill: str | None = None) -> pd.DataFrame:
    """Return what was measured so far, for plots and tables.

    Parameters
    ----------
    data : Path
        The data folder.
    person, drill : str, optional
        Only this person ("" for sessions without one) or drill.

    Returns
    -------
    pandas.DataFrame
        Columns `HISTORY_COLUMNS`, one row per session, side and direction with repetitions, oldest session first. `value_deg` is
        signed, NaN without a valid repetition; `faults` are the letters of those that occurred in what was not dropped.
    """
    return table_of(only(read_sessions(data)[0], person, drill))


def only(sessions: Iterable[Session], person: str | None = None, drill: str | None = None) -> list[Session]:
    """Return the sessions of a person and a drill; None is any. Spellings of a name that mean the same are the same."""
    key = None if person is None else name_key(person)
    return [s for s in sessions if key in (None, name_key(s.person)) and drill in (None, s.record.drill)]


def table_of(sessions: Iterable[Session]) -> pd.DataFrame:
    """Return sessions as `history_table` does."""
    return pd.DataFrame(rows_of(sessions), columns=HISTORY_COLUMNS)


def rows_of(sessions: Iterable[Session]) -> list[dict[str, Any]]:
    """Return the rows of a `history_table`, by column."""
    rows = []
    for session in sessions:
        record = session.record
        about = {column: getattr(record, column) for column in HISTORY_COLUMNS if hasattr(record, column)}
        about |= {"person": session.person, "started_at": record.started, "status": str(record.status)}
        about |= {name: value for name, value in session.likeness.items() if name in HISTORY_COLUMNS}
        about["has_video"] = session.video is not None
        for value in session.values:
            kept = [r for r in session.rep_list if (r.side, r.direction, r.dropped) == (value.side, value.direction, False)]
            faults = " ".join(sorted({letter for rep in kept for letter in rep.faults}))
            numbers = {column: getattr(value, column) for column in _OF_VALUE}
            rows.append({**about, **numbers, "side": str(value.side), "direction": str(value.direction), "faults": faults})
    return [{column: row[column] for column in HISTORY_COLUMNS} for row in rows]


def rep_table(sessions: Iterable[Session]) -> pd.DataFrame:
    """Return the repetitions of sessions: the columns of reps.csv, numbers as float, `rep` as int, truths as bool.

    Numbers are as exact as in that table.
    """
    cells: dict[str, list[Any]] = {column: [] for column in REP_COLUMNS}
    for session in sessions:
        record, reps = session.record, session.rep_list
        said = {"person": session.person, "started_at": record.started}
        for column in REP_COLUMNS:
            if column in REP_DECIMALS:
                cells[column] += [round(getattr(rep, column), REP_DECIMALS[column]) for rep in reps]
            elif column in _OF_REP:
                cells[column] += [_OF_REP[column](rep) for rep in reps]
            else:
                cells[column] += [said[column] if column in said else getattr(record, column)] * len(reps)
    return pd.DataFrame({column: pd.Series(values, dtype=_dtype(column)) for column, values in cells.items()})


_OF_REP: dict[str, Callable[[Rep], Any]] = {
    "side": lambda rep: str(rep.side),
    "direction": lambda rep: str(rep.direction),
    "rep": lambda rep: rep.rep,
    "valid": lambda rep: rep.valid,
    "dropped": lambda rep: rep.dropped,
    "faults": lambda rep: " ".join(rep.faults),
    "reason": lambda rep: rep.reason,
}


def _dtype(column: str) -> str:
    if column in REP_DECIMALS or column in NUMBERS_NOTED:
        return "float64"
    return {"rep": "int64", "valid": "bool", "dropped": "bool"}.get(column, "str")


def table_bytes(table: pd.DataFrame, decimals: int | None = None, decimal_comma: bool = False) -> bytes:
    """Return a table as CSV that spreadsheets open without a question and without computing any cell.

    Truths are `true` and `false`, missing numbers are empty; floats have so many decimals, or all that they need. With
    `decimal_comma` numbers have a comma and semicolons part the cells, as spreadsheets of most of Europe expect.
    """
    separator = ";" if decimal_comma else ","

    def text(value: object) -> str:
        if isinstance(value, bool | np.bool_):
            return yes_or_no(bool(value))
        if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            return ""
        shown = f"{value:.{decimals}f}" if decimals is not None and isinstance(value, float) else str(value)
        return shown.replace(".", ",") if decimal_comma and isinstance(value, float) else shown

    columns = [table[column].tolist() for column in table.columns]
    rows = "".join(csv_line(map(text, cells), separator) for cells in zip(*columns, strict=True))
    return header_of([str(column) for column in table.columns], separator) + rows.encode("utf-8", "replace")


def history_csv(table: pd.DataFrame) -> bytes:
    """Return a `history_table` as CSV."""
    return table_bytes(table, 2)


def earlier_sessions(this: Session, sessions: Sequence[Session]) -> Iterator[Session]:
    """Yield the sessions that one may be compared with, the latest first.

    Like is compared with like: same person and drill, and what `ALIKE` names. A session is not compared with itself measured
    again, and one without a name with none: whose the others are is not known.

    Parameters
    ----------
    this : Session
        The session that is to be compared, which may be running.
    sessions : sequence of Session
        All sessions, oldest first.
    """
    if not this.person:
        return
    wrong = wrongly_dated(sessions)
    for session in () if this.id in wrong else reversed(newest(sessions)):
        if session.id in wrong:
            continue
        same_movement = session.record.movement == this.record.movement
        if same_movement or in_time(session) >= in_time(this) or name_key(session.person) != name_key(this.person):
            continue
        if session.record.drill == this.record.drill and session.likeness == this.likeness:
            yield session


CAMERA = "camera"
"""Kind of source of a session that was dated by the clock while it was measured."""


def next_number(data: Path) -> int:
    """Return the running number of the next session that a camera is measured in."""
    return 1 + max((session.record.number for session in read_sessions(data)[0]), default=0)


CLOCKS_DIFFER = timedelta(minutes=2)
"""How much the clocks of two computers that share a log may differ."""


def clock_doubt(sessions: Sequence[Session], now: datetime) -> str:
    """Return why this computer's clock may be behind: a session in the log is later than now; empty if none is.

    Parameters
    ----------
    sessions : sequence of Session
        All sessions, oldest first.
    now : datetime
        What the clock says, aware.
    """
    last = sessions[-1].started_at if sessions else now
    if last <= now + CLOCKS_DIFFER:
        return ""
    return Sentence(
        "This computer's clock says {now:%Y-%m-%d %H:%M}, but the latest session in the log is dated {then:%Y-%m-%d %H:%M}.",
        now=now.astimezone(),
        then=last.astimezone(),
    )


def wrongly_dated(sessions: Sequence[Session]) -> set[str]:
    """Return the ids of sessions whose dates contradict the order in which a camera measured them: the clock was wrong.

    Of the numbered sessions the fewest that have to be taken out, so that the others follow each other: one whose clock was set
    back, or forward, and not those before or behind it.
    """
    movements = {session.record.movement: session for session in sessions if session.record.number}
    numbered = sorted(movements.values(), key=lambda session: session.record.number)
    ends: list[float] = []
    length_at: list[int] = []
    for session in numbered:
        place = bisect.bisect_right(ends, session.started_at.timestamp())
        ends[place : place + 1] = [session.started_at.timestamp()]
        length_at.append(place + 1)
    wanted, wrong = len(ends), set()
    before_s = math.inf
    for session, length in reversed(list(zip(numbered, length_at, strict=True))):
        if length == wanted and session.started_at.timestamp() <= before_s:
            wanted, before_s = wanted - 1, session.started_at.timestamp()
        else:
            wrong.add(session.record.movement)
    return {session.id for session in sessions if session.record.movement in wrong}


def newest(sessions: Sequence[Session]) -> list[Session]:
    """Return sessions without those that were measured again: of each movement only the reading that counts.

    Parameters
    ----------
    sessions : sequence of Session
        In any order, which is kept.
    """
    kept = {counting(group).id for group in readings_of(sessions).values()}
    return [session for session in sessions if session.id in kept]
