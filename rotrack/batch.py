"""Several videos in parallel, one process per core, with one count of frames for a progress bar."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import queue
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rotrack import api
from rotrack.errors import RotrackError
from rotrack.model import Frame, Rep, Step
from rotrack.records.session import Session
from rotrack.sensing.landmarker import find_model
from rotrack.sensing.sources import VideoFile
from rotrack.tracking.scoreboard import Scoreboard

TELL_EVERY_FRAMES = 15


@dataclass(frozen=True, slots=True)
class Job:
    """One video to measure; the fields are the parameters of `rotrack.analyze`, `mirror` is for validation only."""

    video: Path
    drill: str
    side: str
    data: Path
    person: str = ""
    model: str = "heavy"
    note: str = ""
    annotate: bool = False
    correct: bool = True
    mirror: bool = False
    calibration: tuple[str, ...] = ()
    band: str = ""
    load_kg: float = math.nan


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
            total += VideoFile.probe(job.video).frames
    return total or None


def run_jobs(jobs: list[Job], on_frames: OnFrames, on_rep: OnRep | None = None) -> list[Outcome]:
    """Measure videos in parallel over the cores; the outcomes are in the order of the jobs, `on_rep` is for a single one."""
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers == 1:
        return [_run_job(job, on_frames, on_rep) for job in jobs]
    context = multiprocessing.get_context("spawn")
    counts: multiprocessing.Queue[int] = context.Queue()
    with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(counts,)) as pool:
        waiting: list[Future[Outcome]] = [pool.submit(_run_in_worker, job) for job in jobs]
        while not all(future.done() for future in waiting):
            with contextlib.suppress(queue.Empty):
                on_frames(counts.get(timeout=0.1))
    return [future.result() for future in waiting]


_counts: Any = None


def _start_worker(counts: Any) -> None:
    global _counts  # noqa: PLW0603  a process pool can hand over a queue in no other way
    _counts = counts


def _run_in_worker(job: Job) -> Outcome:
    return _run_job(job, _counts.put)


def _run_job(job: Job, on_frames: OnFrames, on_rep: OnRep | None = None) -> Outcome:
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
        request = api.make_request(
            job.drill, job.side, job.data, job.person, job.note, job.correct, job.calibration, job.band, job.load_kg
        )
        return api.measure_video(job.video, find_model(job.model), request, job.annotate, tell, job.mirror)

    return attempt(job.video, measure)
