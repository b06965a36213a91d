"""The repetitions of one session: the table `repetitions.csv` in its folder, which is the truth about them.

Only the program that measures the session adds to it, a row as soon as a repetition is complete; later changes replace it as a
whole. Columns are known by their names, so a table that a spreadsheet has saved, or that a later version has given more columns,
is read all the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from rotrack.core.errors import RecordError
from rotrack.core.messages import Sentence
from rotrack.core.model import Direction, Rep, Side
from rotrack.records.earlier_words import reason_of
from rotrack.records.landmarks import LONGEST_S
from rotrack.system.inputs import (
    MOST_REPETITIONS,
    MOST_SESSION_TABLE_BYTES,
    Table,
    UnreadableError,
    csv_line,
    header_of,
    number_of,
    read_table,
    truth_of,
    whole_of,
)

REPETITIONS = "repetitions.csv"
REPETITION_COLUMNS = tuple(field.name for field in fields(Rep))
"""One column per field of `Rep`; floats in full, so that they come back to the last digit."""
MOST_REPS = 1_000_000
"""A repetition with a higher number is damaged."""
MAX_PEAK_DEG = 1000.0
DECIMALS = 4
"""Fewest decimals that a number is written with."""
HEADER = header_of(REPETITION_COLUMNS)
_NEEDED = tuple(field.name for field in fields(Rep) if field.name in ("side", "direction", "rep", "valid", "peak_deg"))
_KINDS: dict[str, type] = {
    "rep": int,
    "valid": bool,
    "dropped": bool,
    "side": Side,
    "direction": Direction,
    "faults": tuple,
    "reason": str,
}


def yes_or_no(value: bool) -> str:
    """Return a truth as tables have it."""
    return "true" if value else "false"


def number_text(value: float) -> str:
    """Return a number with all its digits and at least four decimals; empty if it is missing.

    A spreadsheet that takes the point for one of thousands makes 2967 of 2.967, but leaves 2.9670 alone.
    """
    if not math.isfinite(value):
        return ""
    text = repr(float(value))
    return text if "e" in text else text + "0" * (DECIMALS - len(text.partition(".")[2]))


def repetition_line(rep: Rep) -> bytes:
    """Return the row of a repetition."""
    return csv_line(_text(getattr(rep, column)) for column in REPETITION_COLUMNS).encode("utf-8", "replace")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return yes_or_no(value)
    if isinstance(value, tuple):
        return " ".join(value)
    return number_text(value) if isinstance(value, float) else str(value)


def table_bytes(reps: Iterable[Rep]) -> bytes:
    """Return the whole table of a session."""
    return HEADER + b"".join(map(repetition_line, reps))


def read_repetitions(folder: Path, follow: bool = True) -> tuple[tuple[Rep, ...], tuple[str, ...]]:
    """Read the repetitions of a session's folder.

    Parameters
    ----------
    folder : Path
        The folder.
    follow : bool
        Whether the table may be a link.

    Returns
    -------
    reps : tuple of Rep
        In the order in which they were measured.
    problems : tuple of str
        One sentence per damaged row; such rows are left out. A last row without its end is none: it was never acknowledged.

    Raises
    ------
    RecordError
        If there is no such table, or nothing in it can be read.
    """
    path = folder / REPETITIONS
    try:
        table = read_table(path, most=MOST_SESSION_TABLE_BYTES, follow=follow, most_rows=MOST_REPETITIONS)
    except UnreadableError as error:
        raise RecordError(
            "{path} cannot be used ({why}); the session is left out. `rotrack doctor --repair` may mend it.", path=path, why=error
        ) from error
    lacking = [column for column in _NEEDED if column not in table.columns]
    if lacking:
        raise RecordError("{path} is damaged (it has no column {name}); the session is left out.", path=path, name=lacking[0])
    return reps_of(table, f"{folder.name}/{REPETITIONS}")


def reps_of(table: Table, name: str) -> tuple[tuple[Rep, ...], tuple[str, ...]]:
    """Return the repetitions in a table called `name`, and a sentence for each row that cannot be read."""
    reps: list[Rep] = []
    problems = {line: "" for line in table.damaged}
    for line, row in table.rows:
        try:
            reps.append(rep_of(row))
        except (ValueError, OverflowError) as error:
            problems[line] = str(error)
    problems.pop(table.cut_off, None)  # in the midst of this row the program was ended
    return tuple(reps), tuple(
        Sentence("Line {n} of {name} is damaged and was left out: {why}.", n=line, name=name, why=why)
        if why
        else Sentence("Line {n} of {name} is damaged and was left out.", n=line, name=name)
        for line, why in sorted(problems.items())
    )


def rep_of(row: dict[str, str]) -> Rep:
    """Return the repetition of a row, cells by column; what later versions brought may be missing.

    Raises
    ------
    ValueError
        If a cell is not what its column holds.
    """
    values: dict[str, Any] = {}
    for field in fields(Rep):
        cell = row.get(field.name, "")
        kind = _KINDS.get(field.name, float)
        if field.name not in row and field.default is not MISSING:
            continue
        if kind is float:
            values[field.name] = number_of(cell)
        elif kind is bool:
            values[field.name] = truth_of(cell)
        elif kind is int:
            values[field.name] = whole_of(cell)
        elif kind is tuple:
            values[field.name] = tuple(cell.split())
        elif kind is str:
            values[field.name] = reason_of(cell)
        else:
            values[field.name] = _one_of(kind, cell, field.name)
    return sensible(Rep(**values))


def _one_of(kind: type[StrEnum], cell: str, what: str) -> StrEnum:
    try:
        return kind(cell)
    except ValueError as error:
        raise ValueError(Sentence("'{text}' is no {what}", text=cell[:40], what=what)) from error


def sensible(rep: Rep) -> Rep:
    """Return a repetition; raises ValueError for one that cannot be."""
    if not 0 <= rep.rep < MOST_REPS:
        raise ValueError(Sentence("{n} is no number of a repetition", n=rep.rep))
    if abs(rep.peak_deg) > MAX_PEAK_DEG:
        raise ValueError(Sentence("no hip reaches {n:g} degrees", n=rep.peak_deg))
    times_s = [time_s for time_s in (rep.start_s, rep.peak_s, rep.end_s) if math.isfinite(time_s)]
    if times_s != sorted(times_s) or (times_s and not 0 <= times_s[0] <= times_s[-1] < LONGEST_S):
        raise ValueError(
            Sentence("{times} s are not the times of a repetition", times=", ".join(f"{time_s:g}" for time_s in times_s))
        )
    if rep.visibility > 1:  # a spreadsheet that took the decimal point for one of thousands
        raise ValueError(Sentence("{n:g} is no visibility; the decimal points were lost", n=rep.visibility))
    return rep
