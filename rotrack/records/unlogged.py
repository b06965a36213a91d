"""Keeps a measurement in memory, where `writer` would write a session: for whoever measures without logging."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from rotrack.core.model import Pose, Rep, Step, ZeroCourse
from rotrack.records.landmarks import CURVE_COLUMNS, curve_line, moved_line
from rotrack.records.record import SessionRecord
from rotrack.records.session import Measurement


class MemoryWriter:
    """Takes what a `SessionWriter` takes, and writes nothing; a context manager like that.

    Parameters
    ----------
    record : SessionRecord
        What is known at the beginning.
    """

    def __init__(self, record: SessionRecord) -> None:
        self.record = record
        self.notes: tuple[str, ...] = ()
        self._curve: list[str] = []

    def append(self, step: Step, with_pose: bool = True, found: Pose | None = None) -> None:
        """Keep the curve of a step; the repetitions come with `result`, the poses are not kept."""
        self._curve += map(curve_line, step.curve)

    def move_zeros(self, zeros: Sequence[ZeroCourse]) -> None:
        """Count the curve from zeros that moved."""
        self._curve = [moved_line(line, zeros) for line in self._curve]

    def update(self, **changes: Any) -> None:
        """Change fields of the record."""
        self.record = msgspec.structs.replace(self.record, **changes)

    def result(self, reps: Iterable[Rep]) -> Measurement:
        """Return what was measured so far."""
        return Measurement(self.record, tuple(reps), ",".join(CURVE_COLUMNS) + "\r\n" + "".join(self._curve))

    def __enter__(self) -> MemoryWriter:
        return self

    def __exit__(self, *_: object) -> None:
        pass
