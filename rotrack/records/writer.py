"""Writes a session into its folder while it is measured.

    DATA/sessions/ID/session.json      how it was measured
    DATA/sessions/ID/repetitions.csv   the repetitions: the truth about them
    DATA/sessions/ID/angles.csv        the angle curve
    DATA/sessions/ID/landmarks.csv.gz  the landmarks, from which the session can be measured again
    DATA/sessions/ID/legs.csv.gz       what the leg network said, if it was asked
    DATA/sessions/ID/writing.lock      held by the program that measures the session, gone afterwards

A repetition is on the disk when `append` returns, curve and landmarks within two seconds. The people's table `reps.csv` follows:
where it cannot be written, measuring goes on and the table is brought up to date later.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from rotrack.core.errors import RecordError
from rotrack.core.model import Direction, Pose, Rep, Side, Step, ZeroCourse
from rotrack.records.folders import WRITING_LOCK, sessions_folder
from rotrack.records.landmarks import (
    CURVE,
    CURVE_COLUMNS,
    LANDMARK_COLUMNS,
    LANDMARKS,
    LEG_COLUMNS,
    LEGS_READ,
    curve_line,
    landmark_line,
    leg_line,
    moved_line,
)
from rotrack.records.record import SESSION_FILE, SessionRecord, record_bytes
from rotrack.records.repetitions import HEADER, REPETITIONS, repetition_line, table_bytes
from rotrack.records.session import Session
from rotrack.records.table import add_rows, refresh_table
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import DRAFT, FILE_MODE, FOLDER_MODE, Appender, explained, make_folder, replace, sync_folder
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

FLUSH_EVERY_S = 1.0
"""How often curve and landmarks are sent to the disk; they are there within twice this time."""


class SessionWriter:
    """Writes one session as it happens; a context manager. While it is open, `being_written` is true for the folder.

    Parameters
    ----------
    data : Path
        The data folder.
    record : SessionRecord
        What is known at the beginning; `session_id` names the folder, and with `legnet` what the leg network says is kept.
    clock : Clock
        Paces how often curve and landmarks are sent to the disk.

    Attributes
    ----------
    notes : tuple of str
        What to say of the people's table: what somebody changed in it meanwhile, what could not be written.

    Raises
    ------
    RecordError
        Here and in every method, if the folder cannot be written.
    """

    def __init__(self, data: Path, record: SessionRecord, clock: Clock = SYSTEM) -> None:
        self.data, self.record, self._clock = data, record, clock
        self.notes: tuple[str, ...] = ()
        self._empty = True
        self.folder = sessions_folder(data) / record.session_id
        self._flushed_s = clock.monotonic_s()
        self._open = ExitStack()
        with explained(self.folder):
            make_folder(self.folder.parent)
            self.folder.mkdir(FOLDER_MODE)
            try:
                self._begin()
            except BaseException:  # nothing was measured yet
                self._open.close()
                shutil.rmtree(self.folder, ignore_errors=True)
                raise

    def _begin(self) -> None:
        sync_folder(self.folder.parent)
        lock = filelock.FileLock(self.folder / WRITING_LOCK, timeout=2, thread_local=False, mode=FILE_MODE)
        lock.acquire()
        self._open.callback(Path(lock.lock_file).unlink, missing_ok=True)
        self._open.callback(lock.release)
        replace({self.folder / REPETITIONS: HEADER, self.folder / SESSION_FILE: record_bytes(self.record)})
        self._reps = self._open.enter_context(Appender(self.folder / REPETITIONS))
        self._known: dict[tuple[Side, Direction, int], Rep] = {}
        self._files: list[_Long] = []
        self._curve = self._long(CURVE, CURVE_COLUMNS)
        self._landmarks = self._long(LANDMARKS, LANDMARK_COLUMNS)
        self._legs = self._long(LEGS_READ, LEG_COLUMNS) if self.record.legnet else None
        self._syncing = self._open.enter_context(_Syncer())

    def _long(self, name: str, columns: Iterable[str]) -> _Long:
        file = _Long(self.folder / name)
        self._open.callback(file.close)
        self._files.append(file)
        file.write(",".join(columns) + "\r\n")
        return file

    def append(self, step: Step, with_pose: bool = True, found: Pose | None = None) -> None:
        """Log all that one frame produced; without the pose for what comes after the last frame.

        `found` is the pose as the models gave it, before the measuring named and completed its legs: that is what can be measured
        again. Without it the step's own pose is logged.
        """
        found = found or step.pose
        self._empty = False
        with explained(self.folder):
            if step.reps:  # first what matters most
                self._reps.append(b"".join(map(repetition_line, step.reps)))
                self.notes += add_rows(self.data, self.record, step.reps)
            self._known |= {(rep.side, rep.direction, rep.rep): rep for rep in (*step.reps, *step.revised)}
            if step.revised:
                self._write_again()
            if with_pose:
                self._landmarks.write(landmark_line(found))
                if self._legs:
                    for said in found.legs.items():
                        self._legs.write(leg_line(found.time_s, *said))
            for point in step.curve:
                self._curve.write(curve_line(point))
            now_s = self._clock.monotonic_s()
            if now_s - self._flushed_s >= FLUSH_EVERY_S:
                self._syncing.sync([file.flush() for file in self._files])
                self._flushed_s = now_s

    def _write_again(self) -> None:
        """Replace the table of repetitions by what is known of them now."""
        self._reps.close()
        replace({self.folder / REPETITIONS: table_bytes(self._known.values())})
        self._reps = self._open.enter_context(Appender(self.folder / REPETITIONS))

    def move_zeros(self, zeros: Sequence[ZeroCourse]) -> None:
        """Write the curve again against zeros that moved; what comes after it cannot be added any more."""
        path = self.folder / CURVE
        draft = path.with_name(path.name + DRAFT)
        with explained(self.folder):
            self._curve.close()
            self._files.remove(self._curve)
            try:
                with path.open(encoding="utf-8", newline="") as before, draft.open("x", encoding="utf-8", newline="") as after:
                    draft.chmod(FILE_MODE)
                    after.write(next(before))
                    after.writelines(moved_line(line, zeros) for line in before)
                    after.flush()
                    os.fsync(after.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def update(self, **changes: Any) -> None:
        """Change fields of the record, and write it."""
        self.record = msgspec.structs.replace(self.record, **changes)
        with explained(self.folder):
            replace({self.folder / SESSION_FILE: record_bytes(self.record)})

    def result(self, reps: Iterable[Rep]) -> Session:
        """Return the session as far as it is written."""
        return Session(self.folder, self.record, tuple(reps), self.notes)

    def close(self) -> None:
        """Close the files and bring the people's table up to date; safe to call twice."""
        with explained(self.folder):
            open_, self._open = self._open, ExitStack()
            with open_:
                pass
        self.notes += refresh_table(self.data, self._clock)

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
            if self._empty and failed is KeyboardInterrupt:  # nothing was measured yet
                shutil.rmtree(self.folder, ignore_errors=True)
        except RecordError:
            if failed is None:  # else the first problem is the one to tell
                raise


class _Long:
    """A long table that is written in passing and sent to the disk now and then."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        self._raw: BinaryIO = os.fdopen(os.open(path, flags, FILE_MODE), "wb")
        packed = path.suffix == ".gz"
        inner: Any = gzip.GzipFile("", "wb", 1, self._raw, mtime=0) if packed else self._raw  # the same session is the same bytes
        self._text = io.TextIOWrapper(inner, "utf-8", errors="replace", newline="")

    def write(self, text: str) -> None:
        self._text.write(text)

    def flush(self) -> int:
        """Hand over to the system what was written; return what to bring onto the disk."""
        self._text.flush()
        self._raw.flush()
        return self._raw.fileno()

    def close(self) -> None:
        if self._raw.closed:
            return
        try:
            self._text.flush()
            if self._text.buffer is not self._raw:
                self._text.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
        finally:
            with suppress(OSError):  # what could not be written is told already
                self._raw.close()


class _Syncer:
    """Brings files onto the disk beside the measuring, which no slow disk may hold up; a context manager."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "rotrack-sync")
        self._last: Future[None] | None = None

    def sync(self, descriptors: Iterable[int]) -> None:
        """Begin with some files; raise OSError if the last ones could not be brought onto the disk."""
        if self._last is not None:
            if not self._last.done():
                return
            self._last.result()
        self._last = self._pool.submit(self._sync, list(descriptors))

    @staticmethod
    def _sync(descriptors: list[int]) -> None:
        for descriptor in descriptors:
            os.fsync(descriptor)

    def __enter__(self) -> _Syncer:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
