"""Session values straight from `reps.csv`: the same numbers as `records.session`, for ten years of a clinic at once."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from rotrack.model import Direction, Side
from rotrack.records.session import BEST_OF, FIRST

_OF_SESSION = (
    "session_id started_at person drill tier calibration zero convention_version measure_version model remeasured_from"
).split()
SESSION_COLUMNS = (
    *_OF_SESSION, "time", "side", "direction", "value_deg", "size_deg", "uncertainty_deg",
    "reps_used", "reps_valid", "reps_total",
)  # fmt: skip


def session_table(reps: pd.DataFrame) -> pd.DataFrame:
    """Return the value of every session, side and direction that has repetitions.

    Parameters
    ----------
    reps : pandas.DataFrame
        Repetitions as `records.log.read_reps` returns them, in the order of the log.

    Returns
    -------
    pandas.DataFrame
        Columns `SESSION_COLUMNS`, oldest session first. `value_deg` is the mean peak of the best 3 of the first 5 valid
        repetitions that were not dropped, signed, and `size_deg` the same in the sense of its direction, so that more range is a
        larger number; both NaN without one. `uncertainty_deg` is the 95 % half width as stated. `time` is when it began, UTC; NaT
        where that cannot be read. Names of people are without blanks around them.
    """
    session, first = _numbered(reps.session_id)
    about = reps.iloc[first][_OF_SESSION].reset_index(drop=True)
    about["person"] = about.person.str.strip()
    about["time"] = pd.to_datetime(about.started_at.map({text: _moment(text) for text in about.started_at.unique()}), utc=True)
    external, right = (reps.direction == Direction.EXTERNAL).to_numpy(), (reps.side == Side.RIGHT).to_numpy()
    key = session * 4 + right * 2 + external
    peak, error = reps.peak_deg.to_numpy(float), reps.uncertainty_deg.to_numpy(float)
    valid = np.flatnonzero((reps.valid & ~reps.dropped).to_numpy() & np.isfinite(peak))
    size = len(about) * 4
    used = _ranked(key, valid, np.zeros(len(valid)), FIRST)
    used = _ranked(key, used, -np.abs(peak[used]), BEST_OF)
    count = np.bincount(key[used], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        value, stated = (np.bincount(key[used], number[used], size) / count for number in (peak, error))
    total = np.bincount(key, minlength=size)
    there = np.flatnonzero(total)
    table = about.iloc[there // 4].reset_index(drop=True)
    table["side"] = np.array([str(Side.LEFT), str(Side.RIGHT)], object)[there // 2 % 2]
    table["direction"] = np.array([str(Direction.INTERNAL), str(Direction.EXTERNAL)], object)[there % 2]
    table["value_deg"] = value[there]
    table["size_deg"] = np.where(there % 2, -value[there], value[there])
    table["uncertainty_deg"] = stated[there]
    table["reps_used"], table["reps_total"] = count[there], total[there]
    table["reps_valid"] = np.bincount(key[valid], minlength=size)[there]
    return table.sort_values("time", kind="stable", ignore_index=True)[list(SESSION_COLUMNS)]


def _moment(text: str) -> datetime | None:
    """Return when a session began, UTC; one without an offset by this computer's clock, None if it cannot be read."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def measured_again(sessions: pd.DataFrame) -> set[str]:
    """Return the ids of sessions that were measured again: only the latest reading of a movement counts, see `history.newest`.

    Parameters
    ----------
    sessions : pandas.DataFrame
        A `session_table`, or anything with its columns session_id and remeasured_from.
    """
    known = sessions.drop_duplicates("session_id")
    movement = known.remeasured_from.where(known.remeasured_from != "", known.session_id)
    latest = known.session_id.groupby(movement).transform("max")
    return set(known.session_id[known.session_id != latest])


def _numbered(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each text, in the order in which they first come, and where each is first."""
    codes, known = pd.factorize(texts)
    first = np.full(len(known), len(texts))
    np.minimum.at(first, codes, np.arange(len(texts)))
    return codes, first


def _ranked(key: np.ndarray, rows: np.ndarray, by: np.ndarray, most: int) -> np.ndarray:
    """Return of each key's rows the `most` that come first by `by`, in this order."""
    order = np.lexsort((by, key[rows]))
    rows = rows[order]
    keys = key[rows]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    rank = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return rows[rank < most]
