"""Measures sessions of earlier measure versions again, from their landmarks, once: so that progress does not start from nothing.

Every new reading is a session of its own beside the earlier one, which stays as it is. It is measured apart, by another process,
and moved into the log when it is whole, so that whatever ends this in between leaves nothing half done. Only a command that looks
back or measures begins it, or the page: nothing that is called from Python does so unasked.
"""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from rotrack.core.errors import NotMeasuredError, RecordError, RotrackError
from rotrack.core.messages import Sentence, kept
from rotrack.core.model import Frame, Rep, Step
from rotrack.measure import run
from rotrack.measure.batch import TELL_EVERY_FRAMES, in_processes
from rotrack.records.folders import AGAIN_LOCK, HALF_AGAIN, locked, session_folders, sessions_folder
from rotrack.records.landmarks import LANDMARKS, LEGS_READ, read_poses
from rotrack.records.options import noted_in
from rotrack.records.outdated import due, remember, tried_in
from rotrack.records.record import SESSION_FILE, record_bytes
from rotrack.records.repetitions import REPETITIONS, table_bytes
from rotrack.records.session import Session, load_session
from rotrack.records.table import refresh_table
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, replace, sync_folder, why_of
from rotrack.tracking.scoreboard import Scoreboard

SAME_SHARE = 0.5
"""A repetition is the same in two readings if they share this much of the time of the shorter one."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of the sessions of earlier measure versions.

    Parameters
    ----------
    measured : tuple of Session
        The new readings.
    notes : tuple of str
        What to look at: what could not be measured again, and repetitions that were dropped and not found again.
    """

    measured: tuple[Session, ...]
    notes: tuple[str, ...] = ()


# ---------------------------------------------------------------------- doing it
def renew(
    data: Path,
    on_total: Callable[[int], object],
    on_share: Callable[[float], object],
    processes: int | None = None,
    clock: Clock = SYSTEM,
) -> Renewal | None:
    """Measure what is due; return what became of it, None if nothing was.

    An exception that a callback raises, or Ctrl-C, ends it; what was measured whole by then stays, the rest is done next time.

    Parameters
    ----------
    data : Path
        The data folder, brought up to date.
    on_total : callable
        Called once with the number of sessions that are due, before the first is begun.
    on_share : callable
        Called with the share of a session that was measured, 1 in all per session; several times a second.
    processes : int, optional
        How many sessions at once; one per core without it.
    clock : Clock
        Dates the table.

    Raises
    ------
    RecordError
        If the folder cannot be written, or another program is at it already.
    """
    if not due(data):
        return None
    with _holding(data) as scratch:
        todo = due(data)  # another program may have done it meanwhile
        on_total(len(todo))
        tried, settled = set(tried_in(data)), False
        measured: list[Session] = []
        notes: list[str] = []
        try:
            tasks = [_Task(s.folder, scratch / str(n), max(s.record.frames, 1)) for n, s in enumerate(todo)]
            told = dict.fromkeys(range(len(todo)), 0.0)

            def tell(of: tuple[Path, float]) -> None:
                place = int(of[0].name)
                share = min(of[1], 1.0 - told[place])
                told[place] += share
                on_share(share)

            with closing(in_processes(_read_again, tasks, tell, processes, let_end=False)) as reading:
                for place, read in reading:
                    before = todo[place]
                    session, said = _taken(data, tasks[place], before, read)
                    measured += [session] if session else []
                    notes += said
                    tried.add(before.record.movement)
                    tell((tasks[place].scratch, 1.0))
            settled = True
        finally:
            notes += refresh_table(data, clock)
            with suppress(OSError):
                remember(data, tried, settled)
    return Renewal(tuple(measured), tuple(notes))


@contextmanager
def _holding(data: Path) -> Iterator[Path]:
    """Hold a data folder against other programs that would measure the same again; yield a place for what is not whole yet."""
    lock, scratch = FileLock(data / AGAIN_LOCK, timeout=0, thread_local=False, mode=FILE_MODE), data / HALF_AGAIN
    with explained(data):
        try:
            lock.acquire()
        except Timeout as error:
            raise RecordError("another program is doing that right now.") from error
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed program left behind
        with explained(scratch):
            make_folder(scratch)
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


# ---------------------------------------------------------------------- one session, in a process of its own
@dataclass(frozen=True, slots=True)
class _Task:
    """A reading to measure again, and a data folder of its own to do it in."""

    folder: Path
    scratch: Path
    frames: int


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of it: the new session's id, and what went wrong; `of_writing` if that is no fault of the session."""

    session_id: str = ""
    problem: str = ""
    of_writing: bool = False


def _read_again(task: _Task, tell: Callable[[Any], None]) -> _Read:
    told = 0

    def on_step(frame: Frame | None, step: Step, board: Scoreboard) -> None:
        nonlocal told
        if board.frames - told >= TELL_EVERY_FRAMES:
            tell((task.scratch, (board.frames - told) / task.frames))
            told = board.frames

    try:
        return _Read(run.remeasure(task.folder, task.scratch, on_step).id)
    except NotMeasuredError as error:
        names = [folder.name for folder in session_folders(task.scratch)]
        return _Read(names[0]) if names else _Read(problem=str(error))
    except RotrackError as error:
        return _Read(problem=str(error), of_writing=isinstance(error, RecordError) and _reads_well(task.folder))
    except OSError as error:
        return _Read(problem=Sentence("{why}.", why=why_of(error)), of_writing=_reads_well(task.folder))
    except Exception as error:  # noqa: BLE001  one session must not keep the others from being measured
        at = traceback.extract_tb(error.__traceback__)[-1]
        kind, file = type(error).__name__, Path(at.filename).name
        return _Read(
            problem=Sentence(
                "A mistake in rotrack ended it ({kind}: {error}; line {n} of {file}); please report it.",
                kind=kind,
                error=error,
                n=at.lineno,
                file=file,
            )
        )


def _reads_well(folder: Path) -> bool:
    """Return whether all of a session can be read, so that what went wrong must be the writing."""
    try:
        legs = load_session(folder).record.legnet is not None
        for _ in read_poses(folder, legs):
            pass
        return not legs or (folder / LEGS_READ).exists()
    except (RecordError, OSError):
        return False


# ---------------------------------------------------------------------- into the log
def _taken(data: Path, task: _Task, before: Session, read: _Read | None) -> tuple[Session | None, list[str]]:
    """Take a new reading into the log; return it, if there is one, and what to say."""
    if read is None:
        read = _Read(problem="The process that measured it was ended from outside or by the session.")
    if read.of_writing:
        raise RecordError(read.problem)
    if not read.session_id:
        shutil.rmtree(task.scratch, ignore_errors=True)
        if before.id in read.problem:  # it is named already
            return None, [read.problem]
        return None, [
            Sentence("The session {session} could not be measured again: {problem}", session=before.id, problem=read.problem)
        ]
    session, lost = _moved_in(data, sessions_folder(task.scratch) / read.session_id, before.folder)
    shutil.rmtree(task.scratch, ignore_errors=True)
    if session is None:
        return None, []
    notes: list[str] = []
    if lost:
        notes.append(
            Sentence(
                "The session {session} was measured again; repetitions that had been dropped were not found again in it.",
                session=session.id,
            )
        )
    if before.rep_list and not session.rep_list:
        notes.append(
            Sentence(
                "The session {session} was measured again, and nothing was found in it; the earlier reading counts.",
                session=before.id,
            )
        )
    return session, notes


def _moved_in(data: Path, draft: Path, source: Path) -> tuple[Session | None, list[Rep]]:
    """Move a new reading into the log as a whole, with what the person changed of the earlier one, unless that was deleted.

    Returns
    -------
    session : Session or None
        As it is in the log.
    lost : list of Rep
        Dropped repetitions that it has not.
    """
    folder = sessions_folder(data) / draft.name
    with locked(data), explained(folder):
        if not (source / SESSION_FILE).exists():
            return None, []
        before, now = load_session(source), load_session(draft)
        reps, lost = kept_dropped(before.rep_list, now.rep_list)
        record, was = now.record, before.record
        record = msgspec.structs.replace(
            record,
            person=was.person,  # where it was measured the person was somebody new
            person_id=was.person_id,
            number=was.number,
            **noted_in(was),
            archive_file=was.archive_file,
            setup=was.setup,
            warnings=(*record.warnings, *(kept(_lost(rep)) for rep in lost)),
        )
        replace({draft / REPETITIONS: table_bytes(reps), draft / SESSION_FILE: record_bytes(record)})
        for name in (LANDMARKS, LEGS_READ):
            if (draft / name).exists():
                _share(source / name, draft / name)
        sync_folder(draft)
        draft.rename(folder)
        sync_folder(folder.parent)
    return load_session(folder), lost


def _share(there: Path, here: Path) -> None:
    """Let two readings have the same landmarks on the disk; where the file system cannot do so, each has its own."""
    link = here.with_name(f"{here.name}.part")
    with suppress(OSError):
        os.link(there, link)
        link.replace(here)


# ---------------------------------------------------------------------- repetitions that were dropped
def _lost(rep: Rep) -> str:
    return Sentence(
        "A repetition that had been dropped was not found again: {side} {direction} {n}, from {a:.1f} to "
        "{b:.1f} s. Look at what counts now.",
        side=rep.side,
        direction=rep.direction,
        n=rep.rep,
        a=rep.start_s,
        b=rep.end_s,
    )


def kept_dropped(before: Sequence[Rep], now: Sequence[Rep]) -> tuple[tuple[Rep, ...], list[Rep]]:
    """Return the repetitions of a new reading with those dropped that were, and dropped ones that are not there any more.

    A repetition is that earlier one of the same leg and direction with which it shares most time, `SAME_SHARE` at least.

    Parameters
    ----------
    before, now : sequence of Rep
        Repetitions of the earlier and of the new reading.
    """
    dropped = [rep for rep in before if rep.dropped]
    if not dropped:
        return tuple(now), []
    earlier = [max(before, key=partial(_shared, rep), default=None) for rep in now]
    same = [one if one and _shared(rep, one) >= SAME_SHARE else None for rep, one in zip(now, earlier, strict=True)]
    reps = tuple(changed(rep, dropped=True) if one and one.dropped else rep for rep, one in zip(now, same, strict=True))
    return reps, [rep for rep in dropped if rep not in same]


def _shared(one: Rep, other: Rep) -> float:
    """Return the share of the shorter of two repetitions that lies in the other one; 0 if they are of different kinds."""
    shorter_s = min(one.end_s - one.start_s, other.end_s - other.start_s)
    both_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    alike = (one.side, one.direction) == (other.side, other.direction)
    return both_s / shorter_s if alike and shorter_s > 0 and both_s > 0 else 0.0
