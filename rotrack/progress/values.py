"""Session values as a table, for comparing many sessions at once; `records.session` says what the value of a session is."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from rotrack.records.session import Session

_OF_SESSION = (
    "session_id started_at person drill tier calibration zero convention_version measure_version model remeasured_from"
).split()
SESSION_COLUMNS = (
    *_OF_SESSION, "time", "side", "direction", "value_deg", "size_deg", "uncertainty_deg",
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
        the same in the sense of its direction, so that more range is a larger number; both NaN without a repetition that counts.
        `uncertainty_deg` is the 95 % half width as stated. `time` is when the session began, UTC.
    """
    cells: dict[str, list[object]] = {column: [] for column in SESSION_COLUMNS}
    for session in sessions:
        about = {column: getattr(session.record, column) for column in _OF_SESSION}
        about |= {"person": session.person, "started_at": session.record.started, "time": session.started_at.timestamp()}
        for value in session.values:
            about |= {"side": str(value.side), "direction": str(value.direction)}
            for column, values in cells.items():
                values.append(about[column] if column in about else getattr(value, column))
    table = pd.DataFrame({column: pd.Series(values, dtype=_dtype(column)) for column, values in cells.items()})
    return table.assign(time=pd.to_datetime(table.time, unit="s", utc=True))


def _dtype(column: str) -> str:
    if column in _NUMBERS or column == "time":
        return "float64"
    return "int64" if column in _COUNTS else "str"
