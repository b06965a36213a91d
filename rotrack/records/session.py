"""A measured session: its record, its repetitions, and the one number per side and direction that stands for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rotrack.core.model import Apart, Direction, Rep, Side
from rotrack.records.folders import being_written
from rotrack.records.landmarks import parse_curve, read_curve
from rotrack.records.legacy import earlier_repetitions
from rotrack.records.record import SessionRecord, Status, read_raw, record_from
from rotrack.records.repetitions import REPETITIONS, read_repetitions
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

BEST_OF = 3
FIRST = 5
INTERRUPTED = "The program was ended while it measured. Every repetition that was finished by then is kept."
"""Warning of a session that was cut off."""
VIDEO = "annotated.mp4"
_SUMMARY = (
    "session_id started_at status drill person note band load_kg tier measured source model calibration zero "
    "convention_version measure_version rotrack_version legnet frames duration_s measured_share camera_advice warnings"
).split()


@dataclass(frozen=True, slots=True)
class SessionValue:
    """The value of a session for one side and direction.

    Parameters
    ----------
    side, direction : Side, Direction
        What it is for.
    value_deg : float
        Mean peak of the best 3 of the first 5 valid repetitions that were not dropped, signed; NaN without one.
    uncertainty_deg : float
        95 % half width of the value. The errors of camera place, person and pose model are the same for every repetition of a
        session, so it does not shrink with their number: it is the mean of theirs.
    reps_used, reps_valid, reps_total : int
        Repetitions that entered it, that were valid and not dropped, that were logged.
    """

    side: Side
    direction: Direction
    value_deg: float
    uncertainty_deg: float
    reps_used: int
    reps_valid: int
    reps_total: int

    @property
    def size_deg(self) -> float:
        """The value in the sense of its direction: more range is a larger number."""
        return self.direction.sign * self.value_deg


def by_leg(reps: Iterable[Rep]) -> dict[tuple[Side, Direction], list[Rep]]:
    """Return repetitions by side and direction, in their order."""
    groups: dict[tuple[Side, Direction], list[Rep]] = {}
    for rep in reps:
        groups.setdefault((rep.side, rep.direction), []).append(rep)
    return groups


def counts(rep: Rep) -> bool:
    """Return whether a repetition may enter a value: valid, not dropped, and with a peak."""
    return rep.valid and not rep.dropped and math.isfinite(rep.peak_deg)


def best_of(reps: Iterable[Rep]) -> list[Rep]:
    """Return the repetitions that enter the session value, the largest first; to be given those of one side and direction."""
    valid = [rep for rep in reps if counts(rep)]
    return sorted(valid[:FIRST], key=lambda rep: abs(rep.peak_deg), reverse=True)[:BEST_OF]


def session_values(reps: Iterable[Rep]) -> list[SessionValue]:
    """Return the value of a session per side and direction that has repetitions.

    The best 3 of the first 5 valid repetitions count: the maximum of many repetitions would grow with their number. What the
    person dropped is not valid here.
    """
    values = []
    for (side, direction), group in sorted(by_leg(reps).items()):
        best = best_of(group)
        value_deg, error_deg = _mean([rep.peak_deg for rep in best]), _mean([rep.uncertainty_deg for rep in best])
        valid = sum(rep.valid and not rep.dropped for rep in group)
        values.append(SessionValue(side, direction, value_deg, error_deg, len(best), valid, len(group)))
    return values


def _mean(values: list[float]) -> float:
    """Return the mean of a few numbers, NaN of none; added one after the other, as numpy does."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values) if values else math.nan


class Measured:
    """What is known of a measured movement, logged or not.

    Attributes
    ----------
    record : SessionRecord
        How it was measured, and what was found besides the repetitions.
    rep_list : tuple of Rep
        Its repetitions.
    problems : tuple of str
        What of it is damaged and was left out, and what became of the people's table while it was measured, a sentence each.
    """

    record: SessionRecord
    rep_list: tuple[Rep, ...]
    problems: tuple[str, ...]

    @property
    def started_at(self) -> datetime:
        """When the movement began, with the offset from UTC."""
        return self.record.moment

    @property
    def apart_list(self) -> tuple[Apart, ...]:
        """Movements that were seen but are not repetitions."""
        return self.record.apart

    @cached_property
    def reps(self) -> pd.DataFrame:
        """The repetitions, one row per excursion: the fields of `Rep`; degrees and seconds."""
        columns = list(Rep.__dataclass_fields__)
        return pd.DataFrame([asdict(rep) for rep in self.rep_list], columns=columns)

    @cached_property
    def apart(self) -> pd.DataFrame:
        """Movements that are not repetitions, with the reason: the fields of `Apart`."""
        return pd.DataFrame([asdict(a) for a in self.apart_list], columns=list(Apart.__dataclass_fields__))

    @cached_property
    def values(self) -> list[SessionValue]:
        """The session value per side and direction."""
        return session_values(self.rep_list)

    @property
    def warnings(self) -> list[str]:
        """What to know before believing the numbers."""
        return [*self.record.warnings, *self.problems]


@dataclass(frozen=True)
class Measurement(Measured):
    """A movement that was measured and not logged: nothing of it is on the disk.

    Parameters
    ----------
    record, rep_list, problems
        See `Measured`.
    angles_csv : str
        The angle curve, as a session's angles.csv would hold it.
    """

    record: SessionRecord
    rep_list: tuple[Rep, ...]
    angles_csv: str = field(repr=False)
    problems: tuple[str, ...] = ()

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The angle curve: the columns of angles.csv."""
        return parse_curve(self.angles_csv)


@dataclass(frozen=True)
class Session(Measured):
    """One measured session in the log.

    Parameters
    ----------
    folder : Path
        Where its files are.
    record, rep_list, problems
        See `Measured`; the record is everything in session.json.
    """

    folder: Path
    record: SessionRecord
    rep_list: tuple[Rep, ...]
    problems: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its name in the log."""
        return self.record.session_id

    @property
    def person(self) -> str:
        """The name of the person, without blanks around it; empty if not said."""
        return self.record.person.strip()

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The angle curve: the columns of angles.csv."""
        return read_curve(self.folder)

    @property
    def video(self) -> Path | None:
        """The video with legs and angles, if there is one."""
        path = self.folder / VIDEO
        return path if path.is_file() else None

    def summary(self) -> dict[str, Any]:
        """Return the session as `analyze --json` prints it."""
        sides: dict[str, Any] = {}
        legs = by_leg(self.rep_list)
        for value in self.values:
            numbers = {k: v for k, v in asdict(value).items() if k not in ("side", "direction")}
            reps = [asdict(rep) for rep in legs[value.side, value.direction]]
            sides.setdefault(value.side, {})[value.direction] = {**numbers, "repetitions": reps}
        known = msgspec.to_builtins(self.record, str_keys=True)
        return {
            **{key: known[key] for key in _SUMMARY},
            "folder": str(self.folder),
            "sides": sides,
            "apart": [asdict(a) for a in self.apart_list],
        }


def readings_of(sessions: Iterable[Session]) -> dict[str, list[Session]]:
    """Return sessions by the movement that they are readings of, in their order."""
    readings: dict[str, list[Session]] = {}
    for session in sessions:
        readings.setdefault(session.record.movement, []).append(session)
    return readings


def counting(readings: Iterable[Session]) -> Session:
    """Return the reading of a movement that counts: the latest whole one.

    A reading that was cut off or found nothing does not take the place of one that did; nor does one from landmarks that somebody
    stopped, which lacks what comes after.
    """

    def order(session: Session) -> tuple[bool, str]:
        record = session.record
        stopped_again = bool(record.remeasured_from) and record.status is Status.STOPPED
        return record.status.whole and not stopped_again and bool(session.rep_list), session.id

    return max(readings, key=order)


def load_session(folder: Path, follow: bool = True) -> Session:
    """Load a session from its folder.

    One that was cut off, since its program was killed or the power failed, has the status "interrupted", and the repetitions that
    were finished by then; one that is being measured now has those so far and the status "running".

    Parameters
    ----------
    folder : Path
        The folder.
    follow : bool
        Whether its files may be links; not in a folder that comes from somebody else.

    Raises
    ------
    RecordError
        If it is no session or damaged.
    """
    folder = Path(folder)
    written = being_written(folder)  # asked first: a session that ends meanwhile must not seem to be cut off
    raw = read_raw(folder, follow)
    record = record_from(folder, raw)
    reps, problems = _repetitions(folder, raw, follow)
    if record.status is Status.RUNNING and not written:
        record = msgspec.structs.replace(record, status=Status.INTERRUPTED, warnings=(*record.warnings, INTERRUPTED))
    return Session(folder, record, reps, problems)


def _repetitions(folder: Path, raw: dict[str, Any], follow: bool) -> tuple[tuple[Rep, ...], tuple[str, ...]]:
    if (folder / REPETITIONS).exists():
        return read_repetitions(folder, follow)
    if "format" not in raw:
        return earlier_repetitions(folder, raw, follow)
    return (), (f"{folder.name} has lost its {REPETITIONS}. `rotrack doctor --repair` looks for what is left of it.",)
