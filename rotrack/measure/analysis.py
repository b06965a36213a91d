"""`rotrack.analyze`: one call for a video or poses, logged or not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal, Unpack, overload

from rotrack.core.drills import Drill, load_table
from rotrack.core.errors import InputError, NotMeasuredError
from rotrack.core.model import Pose
from rotrack.measure import film
from rotrack.measure.request import Options, Request
from rotrack.measure.run import NOTHING_TO_MEASURE, OnStep, PoseSource, in_log, in_memory, measure_video, poses_into, video_into
from rotrack.records.session import Measurement, Session
from rotrack.sensing.recorded import when_recorded
from rotrack.sensing.sources import SourceInfo
from rotrack.system.inputs import sane_time


@overload
def analyze(
    video: str | Path | PoseSource,
    drill: str | Drill,
    *,
    on_step: OnStep | None = None,
    log: Literal[True] = True,
    **options: Unpack[Options],
) -> Session: ...


@overload
def analyze(
    video: str | Path | PoseSource,
    drill: str | Drill,
    *,
    on_step: OnStep | None = None,
    log: Literal[False],
    **options: Unpack[Options],
) -> Measurement: ...


def analyze(
    video: str | Path | PoseSource,
    drill: str | Drill,
    *,
    on_step: OnStep | None = None,
    log: bool = True,
    **options: Unpack[Options],
) -> Session | Measurement:
    """Measure a video, or landmarks from elsewhere, and log the session unless told not to.

    Parameters
    ----------
    video : str or Path or PoseSource
        The video file, or poses. Options about pictures (`model`, `annotate`, `legnet`, `rotate`, `mirrored`) have no effect
        on poses, which already hold what a leg network or another reader found.
    drill : str or Drill
        Id of the drill, see `rotrack drills`; or a drill of your own, see `parse_table`, which can be measured but not logged.
    on_step : callable, optional
        Called after every frame, see `OnStep`.
    log : bool
        Whether the session is logged. Without it nothing is written anywhere.
    **options
        `side`, `person`, `out` and all others of `rotrack.Request`, which explains them.

    Returns
    -------
    Session, or Measurement if it is not logged
        `reps` and `curve` are pandas tables; `values` holds the session value per side and direction.

    Raises
    ------
    RotrackError
        With a sentence that says what to do. What was measured by then is in the log.
    """
    request = Request(drill=drill, **options)
    if log and isinstance(drill, Drill) and load_table().drills.get(drill.id) != drill:
        raise InputError(
            "rotrack does not have the drill {drill}, so it cannot log its sessions: measure it with log=False.", drill=drill.id
        )
    if isinstance(video, str | Path):
        poses, first = None, None
    else:
        poses, first = _begun(video)
        request = request.but(legnet=bool(first.legs))
    request.checked()
    if request.annotate and not (log and first is None):
        raise InputError("An annotated video needs a video, and a session in the log.")
    if request.recorded_at:
        request = request.but(recorded_at=sane_time(request.recorded_at))
    if isinstance(video, str | Path):
        request = request if request.recorded_at else request.but(recorded_at=when_recorded(Path(video)).at)
        if log:
            return measure_video(Path(video), request, on_step, observe=film.annotated(request))
        return video_into(in_memory, Path(video), request, on_step)
    assert poses is not None and first is not None
    source = SourceInfo("poses", type(video).__name__, first.size_px, math.nan, 0)
    if log:
        return poses_into(in_log, poses, source, request, on_step)
    return poses_into(in_memory, poses, source, request, on_step)


def _begun(source: PoseSource) -> tuple[Iterator[Pose], Pose]:
    """Return the poses of a source, and the first of them that has landmarks, or the first of all."""
    rest = iter(source)
    before = []
    for pose in rest:
        before.append(pose)
        if not pose.reason:
            break
    if not before:
        raise NotMeasuredError(NOTHING_TO_MEASURE)
    return chain(before, rest), before[-1]
