"""Session values as a table, for comparing many sessions at once; `records.session` says what the value of a session is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rotrack.records.session import ALIKE, Session
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

_OF_SESSION = ("session_id started_at person drill tier model remeasured_from").split()
SESSION_COLUMNS = (
    *_OF_SESSION, *ALIKE, "time", "side", "direction", "value_deg", "size_deg", "uncertainty_deg",
    "reps_used", "reps_valid", "reps_total",
)  # fmt: skip
_NUMBERS = ("value_deg", "size_deg", "uncertainty_deg")
_COUNTS = ("reps_used", "reps_valid", "reps_total")


def session_table(sessions: Iterable[Session]) -> pd.DataFrame:
    """Return the value of every session, side and direction that has repetitions.

    Parameters
    ----------
    sessions : iterable of Session
        Oldest first.

    Returns
    -------
    pandas.DataFrame
        Columns `SESSION_COLUMNS`, in the order of the sessions. `value_deg` is the value of the session, signed, and `size_deg`
        the same in the sense of its direction, so that more range is a larger number; both NaN if no repetition counts.
        `uncertainty_deg` is the 95 % half width as stated. `time` is when the session began, UTC.
    """
    pairs = [(session, value) for session in sessions for value in session.values]
    cells: dict[str, list[object]] = {}
    for column in SESSION_COLUMNS:
        if column in _OF_SESSION:
            cells[column] = [getattr(session.record, column) for session, _ in pairs]
        elif column in ALIKE:
            cells[column] = [session.likeness[column] for session, _ in pairs]
        elif column != "time":
            cells[column] = [getattr(value, column) for _, value in pairs]
    started = {session.id: session.started_at for session, _ in pairs}
    cells["person"] = [session.person for session, _ in pairs]
    texts = {name: moment.isoformat(timespec="seconds") for name, moment in started.items()}
    times = {name: moment.timestamp() for name, moment in started.items()}
    cells["started_at"] = [texts[session.id] for session, _ in pairs]
    cells["time"] = [times[session.id] for session, _ in pairs]
    cells["side"], cells["direction"] = [str(v.side) for _, v in pairs], [str(v.direction) for _, v in pairs]
    table = pd.DataFrame({column: pd.Series(cells[column], dtype=_dtype(column)) for column in SESSION_COLUMNS})
    return table.assign(time=pd.to_datetime(table.time, unit="s", utc=True))


def _dtype(column: str) -> str:
    if column in _NUMBERS or column == "time":
        return "float64"
    if column == "load":
        return "object"  # as text of pandas' own a sentence would lose what it is made of
    return "int64" if column in _COUNTS else "str"
