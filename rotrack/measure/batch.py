"""Several videos in parallel, one process per core, with one count of what is done for a progress bar."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from rotrack.core.errors import NotMeasuredError, RotrackError, StoppedError
from rotrack.core.model import Frame, Rep, Step
from rotrack.measure import film, run
from rotrack.measure.request import Request
from rotrack.records.record import Status
from rotrack.records.session import Session
from rotrack.sensing.sources import VideoFile
from rotrack.tracking.scoreboard import Scoreboard

TELL_EVERY_FRAMES = 15

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Job:
    """One video to measure, and how; without `recorded_at` it is dated now. `mirror` plays it mirrored, for validation only."""

    video: Path
    request: Request
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: a session, or what stood in its way."""

    source: Path
    session: Session | None
    error: RotrackError | None = None


def attempt(source: Path, measure: Callable[[], Session]) -> Outcome:
    """Return the outcome of measuring a source; foreseen problems become part of it."""
    try:
        return Outcome(source, measure())
    except RotrackError as error:
        return Outcome(source, None, error)


OnFrames = Callable[[int], None]
"""Called with the number of frames that were measured since the last call."""
OnRep = Callable[[Rep], None]
"""Called with a repetition as soon as it is found."""


def count_frames(jobs: list[Job]) -> int | None:
    """Return the announced number of frames of all videos that can be opened; None if none announces it."""
    total = 0
    for job in jobs:
        with contextlib.suppress(RotrackError):  # told when its turn comes
            total += VideoFile.probe(job.video).part(*job.request.part).frames
    return total or None


def run_jobs(jobs: list[Job], on_frames: OnFrames, on_rep: OnRep | None = None) -> list[Outcome]:
    """Measure videos in parallel over the cores; the outcomes are in the order of the jobs, `on_rep` is for a single one.

    Ctrl-C ends it: what was measured of a video until then is its outcome.
    """
    outcomes: dict[int, Outcome | None] = {}
    with contextlib.suppress(KeyboardInterrupt):
        if min(len(jobs), _cores()) > 1:
            outcomes.update(in_processes(run_job, jobs, on_frames))
        for place, job in enumerate(jobs):
            if place not in outcomes and not any(map(was_stopped, outcomes.values())):
                outcomes[place] = run_job(job, on_frames, on_rep)
    return [
        (outcomes[place] or Outcome(job.video, None, died(job.video))) if place in outcomes else _not_begun(job.video)
        for place, job in enumerate(jobs)
    ]


def was_stopped(outcome: Outcome | None) -> bool:
    """Return whether Ctrl-C ended the measuring of a video."""
    return outcome is not None and outcome.session is not None and outcome.session.record.status is Status.STOPPED


def _not_begun(video: Path) -> Outcome:
    return Outcome(
        video, None, StoppedError("Stopped before anything of {name} was measured; nothing of it is kept.", name=video.name)
    )


def run_job(job: Job, on_frames: OnFrames, on_rep: OnRep | None = None) -> Outcome:
    """Measure one video in this process."""
    told = 0

    def tell(frame: Frame | None, step: Step, board: Scoreboard) -> None:
        nonlocal told
        if board.frames - told >= TELL_EVERY_FRAMES:
            on_frames(board.frames - told)
            told = board.frames
        if on_rep:
            for rep in step.reps:
                on_rep(rep)

    def measure() -> Session:
        return run.measure_video(job.video, job.request.checked(), tell, job.mirror, film.annotated(job.request))

    return attempt(job.video, measure)


def died(video: Path) -> NotMeasuredError:
    """Return the problem of a video at which the process that measured it died."""
    return NotMeasuredError(
        "The process that measured {name} was ended from outside or by the video: free some memory, or "
        "convert the video to MP4 (H.264), and try again.",
        name=video.name,
    )


def _cores() -> int:
    return os.cpu_count() or 1


# ---------------------------------------------------------------------- processes
def in_processes(
    work: Callable[[T, Callable[[Any], None]], R],
    tasks: Sequence[T],
    on_done: Callable[[Any], None],
    processes: int | None = None,
    let_end: bool = True,
) -> Generator[tuple[int, R | None]]:
    """Do tasks in parallel processes, begun in their order; yield the place and the result of each when it is done.

    A process that dies takes no other task with it: what was under way with it is done again, one by one.

    Parameters
    ----------
    work : callable
        A function of a module, given a task and what it is to tell its progress.
    tasks : sequence
        What can be pickled.
    on_done : callable
        Called here with all that the tasks tell.
    processes : int, optional
        How many at once; as many as there are cores without it.
    let_end : bool
        At Ctrl-C: whether tasks under way get it themselves and are waited for, so that their results still come; or, whenever
        the caller stops, end at once.

    Yields
    ------
    place : int
        Of the task in `tasks`.
    result
        What `work` returned; None if its process died.
    """
    waiting, doubtful = deque(range(len(tasks))), deque[int]()
    many = max(1, min(len(tasks), processes or _cores()))
    while waiting or doubtful:
        turn, size = (deque([doubtful.popleft()]), 1) if doubtful else (waiting, many)
        under_way: dict[Future[R], int] = {}
        ended: KeyboardInterrupt | None = None
        with contextlib.suppress(BrokenProcessPool), _pool(size, let_end) as (begin, told):
            try:
                while turn or under_way:
                    while turn and len(under_way) < size:
                        under_way[begin(_do, work, tasks[turn[0]])] = turn[0]
                        turn.popleft()
                    with contextlib.suppress(queue.Empty):
                        on_done(told.get(timeout=0.1))
                    for future in sorted((f for f in under_way if f.done()), key=_is_broken):
                        result = future.result()
                        yield under_way.pop(future), result
            except KeyboardInterrupt as error:
                if not let_end:
                    raise
                ended = error  # the pool waits for what is under way
        if ended:
            yield from (
                (place, future.result()) for future, place in under_way.items() if future.done() and not future.exception()
            )
            raise ended
        if size == 1:
            yield from ((place, None) for place in under_way.values())
        else:
            doubtful.extend(under_way.values())


def _is_broken(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


@contextlib.contextmanager
def _pool(size: int, let_end: bool) -> Iterator[tuple[Callable[..., Future[Any]], Any]]:
    """Yield what begins a task in one of so many processes, and the queue of what they tell."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    watched, held = context.Pipe(duplex=False)

    def begin(*work: Any) -> Future[Any]:
        if not hasattr(signal, "pthread_sigmask"):
            return pool.submit(*work)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # a new process is deaf to it from its first moment
        try:
            return pool.submit(*work)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        with ProcessPoolExecutor(size, context, initializer=_start_worker, initargs=(told, watched, let_end)) as pool:
            try:
                yield begin, told
            except BaseException:
                if not let_end:
                    held.close()
                raise
    finally:
        held.close()
        watched.close()


_told: Any = None
_hears_control_c = False


def _start_worker(told: Any, watched: Connection, let_end: bool) -> None:
    global _told, _hears_control_c
    _told, _hears_control_c = told, let_end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if let_end and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """End this process when the one that began it is gone, or wants it to end."""
    with contextlib.suppress(EOFError, OSError):
        watched.recv()
    os._exit(1)


def _do(work: Callable[[T, Callable[[Any], None]], R], task: T) -> R:
    if not _hears_control_c:
        return work(task, _told.put)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # between tasks it would end the process with a traceback
    try:
        return work(task, _told.put)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
