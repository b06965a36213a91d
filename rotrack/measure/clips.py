"""A recorded clip that the page was given: looked at, and measured as `rotrack analyze` does, in a process beside the page.

The process is told to wait or to stop by files beside the clip, so that a session on the camera is not disturbed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rotrack.core.errors import NotMeasuredError, RotrackError
from rotrack.core.model import Pose
from rotrack.measure.batch import Job, run_job, was_stopped
from rotrack.measure.request import Request
from rotrack.placement.proposal import Proposal, propose
from rotrack.records.changes import delete_session
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.recorded import Told, when_recorded
from rotrack.sensing.sources import VideoFile

WAIT, STOP = ".wait", ".stop"
"""Files that tell: in the folder of all clips, let the camera go first; in the folder of one, measure it no further."""
NICENESS = 10
"""The page, the browser and whatever else runs go before a clip (POSIX)."""
LOOK_AGAIN_S = 0.2
NOTHING = Proposal()
LOOK_HZ, LOOK_S = 15.0, 60.0
"""To propose a drill, so many pictures a second are looked at, as long as this at most."""
EARLY_S = 0.005
"""Pictures do not come to the millisecond."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in a folder of its own within the folder of all clips; looked at without a request, else measured.

    `guess` says whether looking at it is to find out what it shows.
    """

    video: Path
    request: Request | None = None
    guess: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a clip before it is measured.

    Parameters
    ----------
    frames : int
        Announced number of frames; 0 when unknown.
    duration_s : float
        Announced length, NaN when unknown.
    recorded_at : datetime
        When it was recorded.
    told : Told
        What tells that.
    proposal : Proposal
        What it seems to show; nothing if that was not asked.
    """

    frames: int
    duration_s: float
    recorded_at: datetime
    told: Told
    proposal: Proposal = NOTHING


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a clip.

    Parameters
    ----------
    looked : Looked, optional
        What is known of it, if it was only looked at.
    session_id : str
        The session, if it was measured.
    problem : str
        What stood in the way, in words; with nothing else it was told to stop.
    reason : str
        Why there was no angle, if that stood in the way, as `rotrack.core.reasons` has it.
    """

    looked: Looked | None = None
    session_id: str = ""
    problem: str = ""
    reason: str = ""


def attend(clip: Clip, on_frames: Callable[[int], None]) -> Ended:
    """Look at a clip or measure it, and return what became of it; `on_frames` is told how many frames more are done.

    A session that was stopped is taken out of the log again: nobody wants half of a clip that can be measured whole.
    """
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(NICENESS)

    def done(frames: int) -> None:
        on_frames(frames)
        _obey(clip.video)

    try:
        _obey(clip.video)
        return _looked(clip, done) if clip.request is None else _measured(clip.video, clip.request, done)
    except KeyboardInterrupt:
        return Ended()
    except RotrackError as error:
        return Ended(problem=str(error))


def _obey(video: Path) -> None:
    """Wait as long as the camera goes first; raises KeyboardInterrupt, as Ctrl-C does, if the clip is to be left."""
    wait, stop = video.parent.parent / WAIT, video.parent / STOP
    while not stop.exists() and wait.exists():
        time.sleep(LOOK_AGAIN_S)
    if stop.exists():
        raise KeyboardInterrupt


def _looked(clip: Clip, on_frames: Callable[[int], None]) -> Ended:
    info, recorded = VideoFile.probe(clip.video), when_recorded(clip.video)
    proposal = propose(look_through(clip.video, on_frames)) if clip.guess else NOTHING
    return Ended(Looked(info.frames, info.duration_s, recorded.at, recorded.told, proposal))


def look_through(video: Path, on_frames: Callable[[int], None] = lambda _: None) -> list[Pose]:
    """Return the poses in some pictures of a video, by the faster model, as `propose` wants them."""
    poses: list[Pose] = []
    with closing(VideoFile(video)) as file, Landmarker(find_model("full"), watch_people=False) as landmarker:
        for frame in file:
            if frame.time_s > LOOK_S:
                break
            if not poses or frame.time_s >= poses[-1].time_s + 1 / LOOK_HZ - EARLY_S:
                poses.append(landmarker.detect(frame))
                on_frames(1)
    return poses


def _measured(video: Path, request: Request, on_frames: Callable[[int], None]) -> Ended:
    dated = request if request.recorded_at else request.but(recorded_at=when_recorded(video).at)
    outcome = run_job(Job(video, dated), on_frames)
    if outcome.session is None:
        reason = outcome.error.reason if isinstance(outcome.error, NotMeasuredError) else ""
        return Ended(problem=str(outcome.error), reason=reason)
    if was_stopped(outcome):
        delete_session(request.data, outcome.session.id)
        return Ended()
    return Ended(session_id=outcome.session.id)
