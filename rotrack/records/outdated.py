"""Which sessions are of an earlier measure version, and what was tried already to measure them again."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from rotrack.core.model import CONVENTION_VERSION, MEASURE_VERSION
from rotrack.records.landmarks import LANDMARKS, LEGS_READ
from rotrack.records.record import Status
from rotrack.records.session import Session, counting, readings_of
from rotrack.records.store import read_sessions
from rotrack.records.table import made_of
from rotrack.system.files import replace
from rotrack.system.inputs import UnreadableError, json_bytes, read_json, record_of

MEMORY = "remeasured.json"
"""In a data folder: what was tried already, and of which sessions nothing is to be done."""


class _Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What this measure version tried: movements by id, and what the log was made of when nothing was left to do."""

    measure_version: str = MEASURE_VERSION
    tried: tuple[str, ...] = ()
    settled: str = ""


def due(data: Path) -> list[Session]:
    """Return the readings that are to be measured again, the latest first, so that an end in between leaves those that compare.

    Of each movement it is the reading that counts, if all readings are of earlier measure versions of this convention version,
    its landmarks are there (and what the leg network said, if it was asked), and this version has not tried it yet.

    Parameters
    ----------
    data : Path
        The data folder, brought up to date. That there is nothing to be done is remembered, as long as no session changes.
    """
    memory, of = _remembered(data), made_of(data)
    if of and memory.settled == of:
        return []
    sessions, _ = read_sessions(data)
    tried = set(memory.tried)
    readings = (group for movement, group in readings_of(sessions).items() if movement not in tried)
    found = [counting(group) for group in readings if all(map(_is_earlier, group))]
    todo = [session for session in reversed(found) if _can_be_measured(session)]
    if of and not todo:
        with suppress(OSError):  # it only spares looking
            remember(data, memory.tried, settled=True)
    return todo


def _is_earlier(session: Session) -> bool:
    """Return whether a reading is by an earlier measure version; one that was cut off while measuring again is no reading."""
    record = session.record
    number = record.measure_version.partition(" ")[0]
    return (number.isdecimal() and int(number) < int(MEASURE_VERSION)) or (
        bool(record.remeasured_from) and record.status is Status.INTERRUPTED
    )


def _can_be_measured(session: Session) -> bool:
    record, folder = session.record, session.folder
    needed = (LANDMARKS, LEGS_READ) if record.legnet else (LANDMARKS,)
    return record.convention_version == CONVENTION_VERSION and all((folder / name).exists() for name in needed)


# ---------------------------------------------------------------------- what was tried
def tried_in(data: Path) -> tuple[str, ...]:
    """Return the movements, by id, that this measure version has tried to measure again."""
    return _remembered(data).tried


def remember(data: Path, tried: Collection[str], settled: bool) -> None:
    """Keep which movements were tried, of those that are still there, and whether nothing is left to do.

    Raises
    ------
    OSError
        If that cannot be written.
    """
    there = {session.record.movement for session in read_sessions(data)[0]} if tried else set()
    memory = _Memory(tried=tuple(sorted(there.intersection(tried))), settled=made_of(data) if settled else "")
    if memory != _remembered(data) or not (data / MEMORY).exists():
        replace({data / MEMORY: json_bytes(memory)}, durable=False)


def _remembered(data: Path) -> _Memory:
    try:
        memory = record_of(read_json(data / MEMORY), _Memory)
    except UnreadableError:  # without it, the readings themselves tell what is done
        return _Memory()
    return memory if memory.measure_version == MEASURE_VERSION else _Memory()
