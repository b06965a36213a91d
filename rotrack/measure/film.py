"""The annotated video of a session, as an observer that callers hand to the measuring."""

from __future__ import annotations

from pathlib import Path

from rotrack.draw.overlay import Overlay
from rotrack.draw.video import VideoWriter
from rotrack.measure.request import Request
from rotrack.measure.run import Observe
from rotrack.records.session import VIDEO
from rotrack.sensing.sources import SourceInfo


def annotated(request: Request) -> Observe | None:
    """Return what keeps a video with legs and angles in the folder of the session; None if the request wants none."""

    def opened(folder: Path, source: SourceInfo) -> VideoWriter:
        overlay = Overlay(request.drill_record, request.sides)
        return VideoWriter(folder / VIDEO, overlay, source.size_px, source.fps)

    return opened if request.annotate else None
