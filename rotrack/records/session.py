"""A measured session as tables, and the one number per side and direction that stands for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from rotrack.errors import RecordError
from rotrack.model import UNCORRECTED, Apart, Direction, Rep, Side
from rotrack.records.log import FIRST_MEASURE, SINCE_2, being_written, logged_reps, read_curve, read_info

T = TypeVar("T", Rep, Apart)

BEST_OF = 3
FIRST = 5
INTERRUPTED = "The program was ended while it measured. Every repetition that was finished by then is kept."
"""Warning of a session that was cut off."""


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


def best_of(reps: Iterable[Rep]) -> list[Rep]:
    """Return the repetitions that enter the session value, the largest first; to be given those of one side and direction."""
    valid = [rep for rep in reps if rep.valid and not rep.dropped]
    return sorted(valid[:FIRST], key=lambda rep: abs(rep.peak_deg), reverse=True)[:BEST_OF]


def session_values(reps: Iterable[Rep]) -> list[SessionValue]:
    """Return the value of a session per side and direction that has repetitions.

    The best 3 of the first 5 valid repetitions count: the maximum of many repetitions would grow with their number. What the
    person dropped is not valid here.
    """
    groups: dict[tuple[Side, Direction], list[Rep]] = {}
    for rep in reps:
        groups.setdefault((rep.side, rep.direction), []).append(rep)
    values = []
    for (side, direction), group in sorted(groups.items()):
        valid = [rep for rep in group if rep.valid and not rep.dropped]
        best = best_of(group)
        value_deg = float(np.mean([rep.peak_deg for rep in best])) if best else float("nan")
        error_deg = float(np.mean([rep.uncertainty_deg for rep in best])) if best else float("nan")
        values.append(SessionValue(side, direction, value_deg, error_deg, len(best), len(valid), len(group)))
    return values


@dataclass(frozen=True)
class Session:
    """One measured session.

    Parameters
    ----------
    folder : Path
        Where its files are.
    info : dict
        Everything in session.json.
    rep_list : tuple of Rep
        Its repetitions.
    apart_list : tuple of Apart
        Movements that were seen but are not repetitions.
    """

    folder: Path
    info: dict[str, Any]
    rep_list: tuple[Rep, ...]
    apart_list: tuple[Apart, ...]

    @property
    def id(self) -> str:
        """Its name in the log."""
        return str(self.info["session_id"])

    @property
    def person(self) -> str:
        """The name of the person, without blanks around it; empty if not said."""
        return person_of(self.info)

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
    def curve(self) -> pd.DataFrame:
        """The angle curve: the columns of angles.csv."""
        return read_curve(self.folder)

    @property
    def values(self) -> list[SessionValue]:
        """The session value per side and direction."""
        return session_values(self.rep_list)

    @property
    def video(self) -> Path | None:
        """The video with legs and angles, if there is one."""
        path = self.folder / "annotated.mp4"
        return path if path.is_file() else None

    @property
    def warnings(self) -> list[str]:
        """What to know before believing the numbers."""
        return list(self.info["warnings"])

    def summary(self) -> dict[str, Any]:
        """Return the session as `analyze --json` prints it."""
        sides: dict[str, Any] = {}
        for value in self.values:
            reps = [r for r in self.rep_list if (r.side, r.direction) == (value.side, value.direction)]
            numbers = {k: v for k, v in asdict(value).items() if k not in ("side", "direction")}
            sides.setdefault(value.side, {})[value.direction] = {**numbers, "repetitions": [asdict(r) for r in reps]}
        keys = (
            "session_id started_at status drill person note band load_kg tier measured source model calibration zero "
            "convention_version measure_version rotrack_version legnet frames duration_s measured_share camera_advice warnings"
        ).split()
        return {
            **{key: self.info.get(key) for key in keys},
            "folder": str(self.folder),
            "sides": sides,
            "apart": [asdict(a) for a in self.apart_list],
        }


def person_of(info: dict[str, Any]) -> str:
    """Return the name in a session.json, without blanks around it; empty if not said."""
    return str(info.get("person") or "").strip()


def load_session(folder: Path, read_log: Callable[[], pd.DataFrame] | None = None) -> Session:
    """Load a session from its folder.

    One that was cut off, since its program was killed or the power failed, has the status "interrupted", and the repetitions
    that reps.csv has of it; one that is being measured now has those so far and the status "running".

    Parameters
    ----------
    folder : Path
        The folder.
    read_log : callable, optional
        Returns `logged_reps`, for those who have read them already; called only for the sessions that need them.

    Raises
    ------
    RecordError
        If it is no session or damaged.
    """
    written = being_written(folder)  # asked first: a session that ends meanwhile must not seem to be cut off
    info = read_info(folder)
    if "measure_version" not in info:  # a session from before there was one
        settings = info.get("settings")
        correct = settings.get("correct", True) if isinstance(settings, dict) else True
        info["measure_version"] = FIRST_MEASURE + ("" if correct else UNCORRECTED)
    if info.get("status") == "running":
        log = read_log() if read_log else logged_reps(folder.resolve().parent.parent)
        rows = log[log.session_id == info["session_id"]].to_dict("records")
        if not written:
            info |= {"status": "interrupted", "warnings": [*info.get("warnings", []), INTERRUPTED]}
        return Session(folder, info, tuple(_logged(row) for row in rows), ())
    try:
        reps = tuple(_restored(Rep, raw) for raw in info.get("reps", []))
        apart = tuple(_restored(Apart, raw) for raw in info.get("apart", []))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(
            f"The repetitions in {folder / 'session.json'} are damaged ({error}); `rotrack remeasure` makes them anew."
        ) from error
    return Session(folder, info, reps, apart)


def _logged(row: dict[str, Any]) -> Rep:
    """Return a repetition from its row in reps.csv."""
    raw = {key: value for key, value in row.items() if key in Rep.__dataclass_fields__}
    return _restored(Rep, {**raw, "faults": row["faults"].split()})


def _restored(kind: type[T], raw: dict[str, Any]) -> T:
    """Return an event from its JSON form, in which a missing number is null."""
    values: dict[str, Any] = (
        dict.fromkeys((*SINCE_2, "fit_sd_deg"), math.nan) if kind is Rep else {}
    )  # a session of convention version 1
    values |= {key: math.nan if value is None else value for key, value in raw.items()}
    values |= {"side": Side(values["side"]), "direction": Direction(values["direction"])}
    if "faults" in values:
        values["faults"] = tuple(values["faults"])
    return kind(**values)
