"""A measured session: its record, its repetitions, and the one number per side and direction that stands for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rotrack.core.drills import load_table
from rotrack.core.messages import Message, Sentence, say, sided
from rotrack.core.model import Apart, Direction, Rep, Side, version_said
from rotrack.records.folders import being_written
from rotrack.records.landmarks import parse_curve, read_curve
from rotrack.records.legacy import earlier_repetitions
from rotrack.records.options import Noted, options_of
from rotrack.records.record import SessionRecord, Status, read_raw, record_from
from rotrack.records.repetitions import REPETITIONS, read_repetitions
from rotrack.records.rules import RULES, USUAL, ValueRule
from rotrack.system.imports import when_used
from rotrack.texts import Texts, words

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

HELD_S = 3.0
"""From here on repetitions are holds: those that are only turned slowly last for less at their end."""
TOGETHER_SHARE = 0.5
"""Both legs turn at once if so many of the repetitions of one overlap with one of the other, for so much of the shorter one."""
IN_TURN_LEAST, IN_TURN_SHARE = 2, 0.5
"""Legs move in turn if each has so many repetitions, and more than this share of them are followed by one of the other leg."""
HARDLY_MEASURED_SHARE = 0.5
"""A leg with an angle in a smaller share of the frames was hardly measured; repetitions may be missing for that reason."""
ALIKE = (
    "load",
    "motion",
    "variant",
    "legs",
    "held",
    "value_rule",
    "zero",
    "convention_version",
    "measure_version",
    "calibration",
)
"""What must be equal for two values to be compared, besides person, drill, side and direction; see `Measured.likeness`."""
_SAID = {
    "load": "with load {value}",
    "motion": "of {value} movement",
    "variant": "of the variant {value}",
    "value_rule": "with the value {value}",
    "calibration": "with calibration {value}",
    "zero": "with zero {value}",
    "convention_version": "of convention version {value}",
    "measure_version": "of measure version {value}",
}
_SAID_ALONE = {
    ("load", ""): "without load",
    ("variant", ""): "done as the drill says",
    ("legs", "one"): "with one leg at a time",
    ("legs", "both"): "with both legs at once",
    ("legs", "alternating"): "with the legs in turn",
    ("held", ""): "in repetitions",
    ("held", "held"): "held at the end",
}
INTERRUPTED = say("note.interrupted")
"""Warning of a session that was cut off."""
VIDEO = "annotated.mkv"
EARLIER_VIDEO = "annotated.mp4"
"""What 0.1.0 called it. MP4 has its index at the end, so what a killed program left could not be played; Matroska has none."""
_KNOWN = (
    "session_id started_at status drill person tier measured source model calibration zero convention_version measure_version "
    "rotrack_version legnet frames duration_s measured_share camera_advice warnings"
)
_SUMMARY = (*_KNOWN.split(), *options_of(Noted))


@dataclass(frozen=True, slots=True)
class SessionValue:
    """The value of a session for one side and direction.

    Parameters
    ----------
    side, direction : Side, Direction
        What it is for.
    value_deg : float
        Mean peak, by the rule of the session, of valid repetitions that were not dropped, signed; NaN without one.
    uncertainty_deg : float
        95 % half width of the value. It is the mean of the half widths of the repetitions and does not shrink with their
        number, because the errors of camera place, person and pose model are the same for all repetitions of a session.
    reps_used, reps_valid, reps_total : int
        Number of repetitions that entered the value, that were valid and not dropped, and that were logged.
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
        """The value times the sign of its direction: more range is a larger number."""
        return self.direction.sign * self.value_deg


@dataclass(frozen=True, slots=True)
class Arc:
    """What both directions of a leg come to.

    Parameters
    ----------
    side : Side
        The leg.
    total_deg : float
        Total arc: internal and external rotation together, deg.
    total_error_deg : float
        Its 95 % half width.
    ratio : float
        Internal rotation over external.
    ratio_error : float
        Its 95 % half width, by the first terms of its series.
    """

    side: Side
    total_deg: float
    total_error_deg: float
    ratio: float
    ratio_error: float


def arcs_of(values: Iterable[SessionValue]) -> list[Arc]:
    """Return total arc and ratio of every leg that has a value of both directions.

    The errors of the two values are taken as independent: the zero moves them against each other, which makes that of the arc
    smaller, and the camera's place moves them together, which makes it larger.
    """
    known = {(value.side, value.direction): value for value in values if value.reps_used and value.size_deg > 0}
    arcs = []
    for side in Side:
        internal, external = (known.get((side, direction)) for direction in (Direction.INTERNAL, Direction.EXTERNAL))
        if internal and external:
            ratio = internal.size_deg / external.size_deg
            shares = [value.uncertainty_deg / value.size_deg for value in (internal, external)]
            error_deg = math.hypot(internal.uncertainty_deg, external.uncertainty_deg)
            arcs.append(Arc(side, internal.size_deg + external.size_deg, error_deg, ratio, ratio * math.hypot(*shares)))
    return arcs


@dataclass(frozen=True, slots=True)
class Turnout:
    """What the external rotation of both legs comes to, turned out at once.

    Parameters
    ----------
    total_deg : float
        Both session values together, deg.
    error_deg : float
        Its 95 % half width: the sum of those of the values, since camera and pose model err alike on both legs.
    """

    total_deg: float
    error_deg: float


def turnout_of(values: Iterable[SessionValue]) -> Turnout | None:
    """Return the total turnout of session values; None unless both legs have one of external rotation."""
    out = [value for value in values if value.direction is Direction.EXTERNAL and value.reps_used and value.size_deg > 0]
    if {value.side for value in out} != set(Side):
        return None
    return Turnout(sum(value.size_deg for value in out), sum(value.uncertainty_deg for value in out))


WAY = ("legs", "held", "motion", "variant", "load")
"""Of what must be equal, how the movement was done."""


def said_of(name: str, value: str) -> str:
    """Return in words what a session is like in one of `ALIKE`: `with load 5 kg`, `of passive movement`."""
    told = version_said(value) if name == "measure_version" else value
    return _SAID_ALONE.get((name, value)) or Sentence(_SAID[name], value=told or "not said")


def differences(of: Mapping[str, str], than: Mapping[str, str]) -> tuple[str, ...]:
    """Return in words in what one session differs from another that it may not be compared with, by the names in `ALIKE`."""
    return tuple(said_of(name, of[name]) for name in ALIKE if of[name] != than[name])


def by_leg(reps: Iterable[Rep]) -> dict[tuple[Side, Direction], list[Rep]]:
    """Return repetitions by side and direction, in their order."""
    groups: dict[tuple[Side, Direction], list[Rep]] = {}
    for rep in reps:
        groups.setdefault((rep.side, rep.direction), []).append(rep)
    return groups


def counts(rep: Rep) -> bool:
    """Return whether a repetition may enter a value: valid, not dropped, and with a peak."""
    return rep.valid and not rep.dropped and math.isfinite(rep.peak_deg)


def best_of(reps: Iterable[Rep], rule: ValueRule) -> list[Rep]:
    """Return the repetitions that enter the session value, the largest first; to be given those of one side and direction."""
    valid = [rep for rep in reps if counts(rep)]
    return sorted(valid[: rule.first], key=lambda rep: abs(rep.peak_deg), reverse=True)[: rule.best]


def session_values(reps: Iterable[Rep], rule: ValueRule = RULES[USUAL]) -> list[SessionValue]:
    """Return the value of a session per side and direction that has repetitions; what the person dropped is not valid here."""
    values = []
    for (side, direction), group in sorted(by_leg(reps).items()):
        best = best_of(group, rule)
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


def _held(reps: Iterable[Rep]) -> bool:
    holds_s = sorted(rep.hold_s for rep in reps if counts(rep))
    return bool(holds_s) and holds_s[len(holds_s) // 2] >= HELD_S


def _together(reps: Iterable[Rep]) -> bool:
    legs: dict[Side, list[Rep]] = {}
    for rep in reps:
        legs.setdefault(rep.side, []).append(rep)
    if len(legs) < len(Side):
        return False
    fewer, more = sorted(legs.values(), key=len)
    return sum(any(_overlap(one, other) for other in more) for one in fewer) >= TOGETHER_SHARE * len(fewer)


def _in_turn(reps: Iterable[Rep]) -> bool:
    ways: dict[tuple[Side, int], float] = {}  # of a combined drill, both ways of a leg are one repetition
    for rep in reps:
        ways[rep.side, rep.rep] = min(rep.start_s, ways.get((rep.side, rep.rep), math.inf))
    order = [side for side, _ in sorted(ways, key=lambda way: ways[way])]
    changes = sum(one is not other for one, other in itertools.pairwise(order))
    return min(map(order.count, Side)) >= IN_TURN_LEAST and changes > IN_TURN_SHARE * (len(order) - 1)


def _legs(reps: Sequence[Rep]) -> str:
    """Return how the legs moved, one of `core.drills.VARIANT_LEGS`."""
    return "both" if _together(reps) else "alternating" if _in_turn(reps) else "one"


def _overlap(one: Rep, other: Rep) -> bool:
    shorter_s = min(one.end_s - one.start_s, other.end_s - other.start_s)
    return min(one.end_s, other.end_s) - max(one.start_s, other.start_s) >= TOGETHER_SHARE * shorter_s > 0


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
        return session_values(self.rep_list, self.record.rule)

    @property
    def arcs(self) -> list[Arc]:
        """Total arc and internal-external ratio per leg, of drills that measure degrees in both directions."""
        return arcs_of(self.values) if self.record.tier.in_degrees else []

    @property
    def turnout(self) -> Turnout | None:
        """Total turnout, of drills in which both feet are turned out at once and that were done so."""
        drill = load_table().drills.get(self.record.drill)
        asked = drill is not None and drill.total_turnout
        return turnout_of(self.values) if asked and self.likeness["legs"] == "both" else None

    @cached_property
    def likeness(self) -> dict[str, str]:
        """What must be equal for two sessions to be compared, by the names in `ALIKE`."""
        own = {"legs": _legs(self.rep_list), "held": "held" if _held(self.rep_list) else ""}
        return {name: own[name] if name in own else getattr(self.record, name) for name in ALIKE}

    @property
    def warnings(self) -> list[str]:
        """What to know before believing the numbers, in English words."""
        return [*map(Texts().said, self.record.warnings), *self.problems]

    @property
    def remarks(self) -> list[Message | str]:
        """The warnings, and what else to know: how the pictures were put right, what is out of them, what is slow."""
        record = self.record
        more = (told for told in (record.cut_off, record.speed_advice) if told)
        return [*record.warnings, *self.problems, *_unmeasured(record), *_put_right(record), *more]


def kept_video(folder: Path) -> Path:
    """Return where the video with legs and angles of a session is, or would be."""
    earlier = folder / EARLIER_VIDEO
    return earlier if earlier.is_file() else folder / VIDEO


def _unmeasured(record: SessionRecord) -> list[Message]:
    """Return which legs were hardly measured, and why."""
    why = next(iter(record.reasons), "")
    shares = {side: share for side, share in record.measured_share.items() if share < HARDLY_MEASURED_SHARE and why}
    return [
        say("note.unmeasured", side=sided(side), percent=round(100 * (1 - share)), reason=why) for side, share in shares.items()
    ]


def _put_right(record: SessionRecord) -> list[Message]:
    """Return which pictures of a video were measured, and what was done to them."""
    source, said = record.source, []
    if record.rotated_deg:
        said.append(say("note.rotated", degrees=record.rotated_deg))
    if record.mirrored:
        said.append(say("note.mirrored"))
    if source.pixel_aspect != 1:
        said.append(say("note.stretched"))
    if source.from_s > 0 or not math.isnan(source.to_s):
        to_end = math.isnan(source.to_s)
        said.append(
            say("note.part_to_end" if to_end else "note.part", start=source.from_s, **({} if to_end else {"end": source.to_s}))
        )
    if source.speed != 1:
        said.append(say("note.slow_motion", times=source.speed))
    return said


@dataclass(frozen=True)
class Measurement(Measured):
    """A movement that was measured but not logged: nothing about it is on the disk.

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
        path = kept_video(self.folder)
        return path if path.is_file() else None

    def summary(self) -> dict[str, Any]:
        """Return the session as `analyze --json` prints it."""
        sides: dict[str, Any] = {}
        legs = by_leg(self.rep_list)
        for value in self.values:
            numbers = {k: v for k, v in asdict(value).items() if k not in ("side", "direction")}
            reps = [asdict(rep) | {"reason": words(rep.reason)} for rep in legs[value.side, value.direction]]
            sides.setdefault(value.side, {})[value.direction] = {**numbers, "repetitions": reps}
        known = msgspec.to_builtins(self.record, str_keys=True)
        return {
            **{key: known[key] for key in _SUMMARY},
            "warnings": [*map(Texts().said, self.record.warnings)],
            "camera_advice": {side: words(advice) for side, advice in self.record.camera_advice.items()},
            "folder": str(self.folder),
            "sides": sides,
            "arcs": [asdict(arc) for arc in self.arcs],
            "turnout": asdict(self.turnout) if self.turnout else None,
            "apart": [asdict(a) | {"reason": words(a.reason)} for a in self.apart_list],
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

    def order(session: Session) -> tuple[bool, float, str]:
        record = session.record
        stopped_again = bool(record.remeasured_from) and record.status is Status.STOPPED
        found = record.status.whole and not stopped_again and bool(session.rep_list)
        return found, record.remeasured_at.timestamp() if record.remeasured_at else 0.0, session.id

    return max(readings, key=order)


def load_session(folder: Path, follow: bool = True) -> Session:
    """Load a session from its folder.

    A session that was cut off (the program was killed, or the power failed) has the status "interrupted" and the repetitions
    that were finished by then. A session that is being measured has the status "running" and its repetitions so far.

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
    return (), (
        Sentence(
            "{name} has lost its {file}. `rotrack doctor --repair` looks for what is left of it.",
            name=folder.name,
            file=REPETITIONS,
        ),
    )
