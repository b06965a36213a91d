"""What a person's last session of a drill says of the next one: where the camera stood."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from rotrack.calibration.profiles import from_log
from rotrack.core.drills import Drill
from rotrack.core.errors import RotrackError
from rotrack.core.model import Side
from rotrack.placement.again import Placed, placed_by
from rotrack.records.history import CAMERA, newest, only
from rotrack.records.landmarks import read_poses
from rotrack.records.session import Session
from rotrack.records.store import read_sessions


@dataclass(frozen=True, slots=True)
class Before:
    """Where the camera stood in a session, and when that was."""

    at: datetime
    placed: Placed


def last_place(data: Path, person: str, drill: Drill, sides: Sequence[Side]) -> Before | None:
    """Return where the camera stood when a person did a drill last; None without a name, or where nothing is known of it.

    Raises
    ------
    RecordError
        If the log cannot be read.
    """
    if not person:
        return None
    for session in reversed(newest(only(read_sessions(data)[0], person, drill.id))):
        one_leg = drill.posture.record.one_leg
        if session.record.source.kind != CAMERA or (one_leg and set(session.record.sides) != set(sides)):
            continue
        with suppress(RotrackError):  # the history says what is damaged
            if found := _place(session, drill):
                return found
    return None


def _place(session: Session, drill: Drill) -> Before | None:
    record = session.record
    first = {neutral.side: neutral for neutral in reversed(record.neutrals)}
    if not first:
        return None
    from_s, to_s = min((neutral.from_s, neutral.to_s) for neutral in first.values())
    until = takewhile(lambda pose: pose.time_s <= to_s, read_poses(session.folder, legs=False))
    poses = [pose for pose in until if pose.time_s >= from_s]
    views = [neutral.view for neutral in first.values() if neutral.view]
    found = placed_by(poses, drill.posture, views, from_log(record.calibration_used))
    return Before(session.started_at, found) if found else None
