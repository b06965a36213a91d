"""What is to be measured, how, and what is noted with it: every option of a measurement declared once, in `Request`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self, TypedDict

import msgspec

from rotrack.core.drills import Drill, load_table, parse_sides
from rotrack.core.errors import InputError, NotMeasuredError
from rotrack.core.model import MEASURE_VERSION, UNCORRECTED, WITHOUT_LEGNET, Side
from rotrack.records.days import check_past
from rotrack.records.folders import data_folder
from rotrack.records.options import Noted, Option, check_options, options_of
from rotrack.tracking.settings import NEUTRAL_S, TrackerSettings

TURNS_DEG = (0, 90, 180, 270)
MOST_VIDEO_S = 360_000
"""No part of a video begins or ends later: a hundred hours."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a session from an archive is called, so that whoever measures the same video gets the same session.

    Parameters
    ----------
    session_id : str
        Its name in the log.
    file : str
        The video's path in the archive.
    """

    session_id: str
    file: str


def measure_version(correct: bool = True, legnet: bool = True) -> str:
    """Return the version of what reads the angle, with what is left out of it."""
    return MEASURE_VERSION + ("" if correct else UNCORRECTED) + ("" if legnet else WITHOUT_LEGNET)


class Request(Noted, msgspec.Struct, frozen=True, kw_only=True):
    """What to measure, how, and what to note with it.

    Every field with an `Option` is an option of `rotrack.analyze` and of the commands that measure and, unless it is for a whole
    run, a column of a manifest.

    Parameters
    ----------
    drill : str or Drill
        Id of the drill, see `rotrack drills`; or a drill of your own, see `parse_table`, which can be measured but not logged.
    side : str
        The subject's "left" or "right" leg, or "both".
    out : str or Path, optional
        Data folder; without it ROTRACK_HOME or the platform's own.
    person : str
        Written into the log.
    model : str
        "heavy", "full", or the path of a pose model bundle.
    annotate : bool
        Whether to write the video with legs and angles drawn in (`annotated.mkv` in the session's folder).
    correct : bool
        Whether to correct geometry and pelvis.
    legnet : bool
        Whether the leg network reads the legs, too; without it MediaPipe's landmarks alone are measured.
    rotate : int, optional
        By how much the pictures must be turned clockwise to be upright, deg: 0, 90, 180 or 270. Without it, rotrack turns
        them so that a person who sits or stands is upright. Pictures of a person who lies stay as they are.
    mirrored : bool, optional
        Whether the video shows everything mirrored, as many front cameras record it; left and right are then swapped back.
        Without it, the file decides.
    calibration : str or Path, or several
        Names, files or folders of calibration profiles. Without it, only a floor sheet that lies in the picture is used; "none"
        ignores that too.
    from_s, to_s : float
        Which part of the video is measured, s of its own time. NaN means from the beginning, or to the end. Times in the log
        count from there.
    speed : float
        How many times slower than life the video plays (slow motion); times in the log are those of life.
    follow : str
        A point on the person to measure in the first picture, "X,Y" in pixels from the top left of the upright picture; without
        it the largest, most central one.
    recorded_at : datetime, optional
        When it was recorded. A time without offset is in this computer's time zone. The default is the time in the file of a
        video, else the time of its last change, see `rotrack.sensing.recorded`; for poses, it is now.
    origin : Origin, optional
        For a video of an archive; without it the session is named by the time of measuring.
    neutral_s : float
        How long the person must be still for the neutral pose.
    """

    drill: Annotated[str | Drill, Option("Drill id; `rotrack drills` lists them.", ("--drill", "-d"), completes="drills")] = ""
    side: Annotated[str, Option("left, right or both: the subject's own side.", ("--side", "-s"))] = "both"
    out: Annotated[
        str | Path | None,
        Option("Data folder; default: ROTRACK_HOME or the system's own place for data.", ("--out", "-o"), whole_run=True),
    ] = None
    person: Annotated[str, Option("Name that is written into the log.", ("--person", "-p"), what="name", completes="people")] = ""
    model: Annotated[
        str,
        Option("heavy (best), full (faster, up to twice the error), or a .task file.", ("--model", "-m"), whole_run=True),
    ] = "heavy"
    annotate: Annotated[bool, Option("Also keep the video with legs and angles.", ("--video/--no-video",), whole_run=True)] = (
        False
    )
    correct: Annotated[
        bool,
        Option("Correct the known errors of the pose model, or log the leg model's own angle.", whole_run=True),
    ] = True
    legnet: Annotated[
        bool,
        Option("Read the legs with the leg network, too, or measure with MediaPipe's landmarks alone.", whole_run=True),
    ] = True
    rotate: Annotated[
        int | None,
        Option(
            "Turn the pictures clockwise: 0, 90, 180 or 270 degrees. Default: so that a person who sits or stands is upright.",
            metavar="DEGREES",
        ),
    ] = None
    mirrored: Annotated[
        bool | None,
        Option(
            "The video shows everything mirrored, so swap left and right back. Default: as the file says.",
            ("--mirrored/--not-mirrored",),
        ),
    ] = None
    calibration: Annotated[
        str | Path | Sequence[str | Path],
        Option("Calibration profile: a name, a file or a folder, several allowed; or none.", metavar="NAME", whole_run=True),
    ] = ()
    from_s: Annotated[
        float,
        Option(
            "Measure the video from this time on, in seconds.",
            ("--from",),
            what="start of the part",
            least=0,
            most=MOST_VIDEO_S,
            unit="s",
        ),
    ] = math.nan
    to_s: Annotated[
        float,
        Option(
            "Measure the video up to this time, in seconds.",
            ("--to",),
            what="end of the part",
            least=0,
            most=MOST_VIDEO_S,
            unit="s",
        ),
    ] = math.nan
    speed: Annotated[
        float,
        Option("How many times slower than life the video plays: 8 if 240 frames per second play as 30.", least=0.1, most=100),
    ] = 1.0
    follow: Annotated[
        str,
        Option(
            "A point on the person to measure, in pixels from the top left; without it the largest, most central one.",
            metavar="X,Y",
        ),
    ] = ""
    recorded_at: Annotated[
        datetime | None,
        Option(
            "When the video was recorded: 2026-01-31, or with a time, 2026-01-31 17:30. Default: as the file says.",
            what="time of recording",
            metavar="DATE",
        ),
    ] = None
    origin: Origin | None = None
    neutral_s: float = NEUTRAL_S

    @property
    def drill_record(self) -> Drill:
        """The drill; raises DrillError for an unknown one."""
        return self.drill if isinstance(self.drill, Drill) else load_table().drill(self.drill)

    @property
    def sides(self) -> tuple[Side, ...]:
        """The legs; raises DrillError for an unknown side."""
        return parse_sides(self.side)

    @property
    def data(self) -> Path:
        """The data folder."""
        return data_folder(Path(self.out) if self.out else None)

    @property
    def profiles(self) -> tuple[str, ...]:
        """Names, files or folders of the calibration profiles that were asked for."""
        several = [self.calibration] if isinstance(self.calibration, str | Path) else self.calibration
        return tuple(str(one) for one in several if str(one))

    @property
    def part(self) -> tuple[float, float, float]:
        """Which part of the video is measured: its beginning and its end, s, and how many times slower than life it plays."""
        return self.from_s, self.to_s, self.speed

    @property
    def follow_px(self) -> tuple[float, float] | None:
        """The point on the person to measure, px; None without one. Raises InputError if it is no point."""
        if not self.follow.strip():
            return None
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*", self.follow)
        if not found:
            raise InputError(
                "The point '{point}' must be two numbers like 320,240: pixels from the left and from the top.", point=self.follow
            )
        return float(found[1]), float(found[2])

    @property
    def tracker(self) -> TrackerSettings:
        """Filters and corrections."""
        return TrackerSettings(correct=self.correct, neutral_s=self.neutral_s)

    @property
    def measure_version(self) -> str:
        """Version of what reads the angle, with what is left out of it."""
        return measure_version(self.correct, self.legnet)

    @property
    def asked(self) -> dict[str, Any]:
        """The options that are not as they are by default, by name."""
        values = {name: getattr(self, name) for name in options_of(Request)}
        return {name: value for name, value in values.items() if not options_of(Request)[name].is_default(value)}

    def but(self, **changes: Any) -> Self:
        """Return it with other options."""
        return msgspec.structs.replace(self, **changes)

    def checked(self) -> Self:
        """Return the request, after checking that it can be measured.

        Raises
        ------
        DrillError
            For an unknown drill or side.
        InputError
            For a text that would not be plain in a spreadsheet, a number out of its range, another turn than those, or a time of
            recording that is to come.
        NotMeasuredError
            For a drill that needs the leg network, without the network; raised before anything is read.
        """
        check_options(self)
        if self.recorded_at is not None:
            check_past(self.recorded_at.astimezone())
        if self.rotate is not None and self.rotate not in TURNS_DEG:
            raise InputError("A video can be turned by 90, 180 or 270 degrees, not by {rotate}.", rotate=self.rotate)
        if self.to_s <= (0 if math.isnan(self.from_s) else self.from_s):
            raise InputError("The part of the video must end later than it begins; {n:g} s is no later.", n=self.to_s)
        drill, *_ = self.drill_record, self.sides, self.follow_px
        drill.check_variant(self.variant)
        if drill.without_legnet and not self.legnet:
            raise NotMeasuredError(
                "{drill} is not measured without the leg network: {reason}.", drill=drill.id, reason=drill.without_legnet
            )
        return self


# options: written by tests/generated.py
class Options(TypedDict, total=False):
    """The options of a `Request` by their names, for type checkers."""

    note: str
    variant: str
    band: str
    load_kg: float
    performed: str
    assisted_by: str
    pain_before: float
    pain_end: float
    end_feel: str
    warm_up: str
    position: str
    value_rule: str
    side: str
    out: str | Path | None
    person: str
    model: str
    annotate: bool
    correct: bool
    legnet: bool
    rotate: int | None
    mirrored: bool | None
    calibration: str | Path | Sequence[str | Path]
    from_s: float
    to_s: float
    speed: float
    follow: str
    recorded_at: datetime | None


# end
