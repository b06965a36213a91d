"""What earlier versions of rotrack wrote, read as it is.

They kept the repetitions of a session in its session.json once it had ended, and always in the `reps.csv` that all sessions
shared; for a session that was cut off, and for one whose folder is gone, that table is all there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rotrack.core.errors import InputError, RecordError
from rotrack.core.messages import Sentence, say
from rotrack.core.model import CONVENTION_VERSION, Direction, Rep, Side
from rotrack.core.tiers import Tier
from rotrack.records.earlier_words import record_of_today
from rotrack.records.options import PROTOCOL, Noted, options_of
from rotrack.records.record import FIRST_MEASURE, TABLE_ONLY, SessionRecord, SourceRecord, Status, damaged
from rotrack.records.repetitions import rep_of, sensible
from rotrack.records.schema import NEEDED
from rotrack.system.inputs import MOST_REPETITIONS, UnreadableError, read_table, record_of, time_of

TABLE = "reps.csv"
MAY_LACK = (
    "note",
    "uncertainty_deg",
    "gravity_deg",
    "dropped",
    "band",
    "load_kg",
    "measure_version",
    "remeasured_from",
    *PROTOCOL,
)
_LONGEST_NAME = 200
"""Most bytes of the name of a session: what files are called in its folder must fit beside."""
ONLY_ROWS = say("note.only_rows")
"""Warning of a session whose folder was gone."""


@dataclass(frozen=True, slots=True)
class EarlierTable:
    """A `reps.csv` by an earlier version, or as a spreadsheet left it.

    Parameters
    ----------
    rows : dict of str to tuple
        Per session the numbers of its lines and their cells by column.
    problems : tuple of str
        One sentence per line that cannot be used; or one for the whole.
    """

    rows: dict[str, tuple[tuple[int, dict[str, str]], ...]]
    problems: tuple[str, ...] = ()


def earlier_table(data: Path, follow: bool = True) -> EarlierTable:
    """Return what the `reps.csv` of a data folder holds; nothing if there is none, or a link that is not to be followed."""
    path = data / TABLE
    try:
        if not follow and path.is_symlink():
            return EarlierTable(
                {}, (Sentence("{path} was left out: it is a link, and links out of a folder are not followed.", path=path),)
            )
        found = path.stat()
    except OSError:
        return EarlierTable({})
    return _table(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _table(path: Path, changed_ns: int, size: int) -> EarlierTable:
    try:
        table = read_table(path, may_lack=MAY_LACK, most_rows=MOST_REPETITIONS)
    except UnreadableError as error:
        return EarlierTable({}, (Sentence("{path} cannot be read: {why}.", path=path, why=error),))
    lacking = [column for column in NEEDED if column not in table.columns]
    if lacking and table.columns:
        return EarlierTable(
            {}, (Sentence("{path} has no column {name}, so its rows cannot be used.", path=path.name, name=lacking[0]),)
        )
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    damaged_lines = list(table.damaged)
    for line, row in table.rows:
        try:
            rep_of(row)
            time_of(row["started_at"])
            if not _may_be_a_session(row["session_id"]):
                raise ValueError("no name of a session")
        except (ValueError, OverflowError):
            damaged_lines.append(line)
            continue
        rows.setdefault(row["session_id"], []).append((line, row))
    problems = tuple(
        Sentence("Line {n} of {name} is damaged and was left out.", n=line, name=path.name) for line in sorted(damaged_lines)
    )
    return EarlierTable({name: tuple(found) for name, found in rows.items()}, problems)


def _may_be_a_session(name: str) -> bool:
    """Return whether a folder can have this name."""
    return Path(name).name == name and name not in ("", ".", "..") and len(name.encode()) <= _LONGEST_NAME


def earlier_repetitions(folder: Path, raw: dict[str, Any], follow: bool = True) -> tuple[tuple[Rep, ...], tuple[str, ...]]:
    """Return the repetitions of a session of an earlier version, and what of them is damaged.

    Parameters
    ----------
    folder : Path
        Its folder, in a data folder.
    raw : dict
        What its session.json holds.
    follow : bool
        Whether the table of the data folder may be a link.

    Raises
    ------
    RecordError
        If those in session.json are damaged.
    """
    inside = record_of_today(raw).get("reps")
    try:
        if inside is not None and not isinstance(inside, list):
            raise UnreadableError("'reps' must be a list")
        reps = [sensible(record_of(_LATER | one if isinstance(one, dict) else one, Rep)) for one in inside or []]
    except ValueError as error:
        raise damaged(folder, Sentence("a repetition: {why}", why=error)) from error
    data = folder.resolve().parent.parent if folder.resolve().parent.name == "sessions" else None
    logged = _reps(earlier_table(data, follow).rows.get(folder.name, ())) if data else ()
    known = {(rep.side, rep.direction, rep.rep) for rep in reps}
    reps += [rep for rep in logged if (rep.side, rep.direction, rep.rep) not in known]
    return tuple(reps), ()


_LATER: dict[str, Any] = dict.fromkeys(("uncertainty_deg", "gravity_deg", "fit_sd_deg"), None)
"""What a repetition of convention version 1 lacks."""


def _reps(rows: Iterable[tuple[int, dict[str, str]]]) -> tuple[Rep, ...]:
    """Return the repetitions of the rows of a session, each once and in the order in which they were measured."""
    reps: dict[tuple[Side, Direction, int], Rep] = {}
    for _, row in rows:
        rep = rep_of(row)
        reps.setdefault((rep.side, rep.direction, rep.rep), rep)
    numbers: dict[tuple[Side, Direction], list[int]] = {}
    for side, direction, number in reps:
        numbers.setdefault((side, direction), []).append(number)
    if any(found != sorted(found) for found in numbers.values()):  # somebody sorted the table
        return tuple(sorted(reps.values(), key=lambda rep: (rep.end_s, rep.rep)))
    return tuple(reps.values())


def session_of_rows(session_id: str, table: EarlierTable) -> tuple[SessionRecord, tuple[Rep, ...]]:
    """Return a session of which only rows of a table are left.

    Raises
    ------
    RecordError
        If the rows do not say enough.
    """
    rows = table.rows[session_id]
    cells = rows[-1][1]

    def said(column: str, otherwise: str = "") -> str:
        return cells.get(column, "") or otherwise

    try:
        reps = _reps(rows)
        record = SessionRecord(
            session_id=session_id,
            started_at=time_of(cells["started_at"]),
            status=Status.FINISHED,
            person=said("person").strip(),
            drill=cells["drill"],
            tier=Tier(said("tier")),
            sides=tuple(side for side in Side if side in {rep.side for rep in reps}),
            source=SourceRecord(kind=TABLE_ONLY, name=TABLE, size_px=(0, 0)),
            remeasured_from=said("remeasured_from"),
            model=said("model"),
            calibration=said("calibration", "none"),
            zero=said("zero"),
            convention_version=said("convention_version", CONVENTION_VERSION),
            measure_version=said("measure_version", FIRST_MEASURE),
            rotrack_version=said("rotrack_version"),
            warnings=(ONLY_ROWS,),
            **{name: option.read(said(name)) for name, option in options_of(Noted).items()},
        )
    except (ValueError, OverflowError, InputError) as error:
        raise RecordError(
            "The rows of {name} in {path} cannot be used: {why}.", name=session_id, path=TABLE, why=error
        ) from error
    return record, reps
