"""Options and arguments that several commands have, each declared once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from rotrack.cli.completion import drills, people, sessions

OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Data folder; default: ROTRACK_HOME or the system's own place for data."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

RemeasureOption = Annotated[
    bool,
    typer.Option(
        "--remeasure/--no-remeasure",
        envvar="ROTRACK_REMEASURE",
        help="First measure sessions of an earlier version again, once, from their landmarks; or leave them as they are.",
    ),
]

# ---------------------------------------------------------------------- which sessions
SessionArgument = Annotated[
    str,
    typer.Argument(
        help="Its id, the beginning of its id, its folder, or last: the latest one. `rotrack history` lists them.",
        metavar="SESSION",
        autocompletion=sessions,
    ),
]
SessionsArgument = Annotated[
    list[str],
    typer.Argument(
        help="Their ids, the beginnings of their ids, their folders, or last: the latest one.",
        metavar="SESSION...",
        autocompletion=sessions,
    ),
]
PersonFilter = Annotated[
    str | None,
    typer.Option("--person", "-p", help="Only this person; case and blanks do not matter.", autocompletion=people),
]
DrillFilter = Annotated[str | None, typer.Option("--drill", "-d", help="Only this drill.", autocompletion=drills)]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        help="Only from this day on; the first three from then are the baseline.",
    ),
]

# ---------------------------------------------------------------------- what and how to measure
DrillOption = Annotated[str, typer.Option("--drill", "-d", help="Drill id; `rotrack drills` lists them.", autocompletion=drills)]
SideOption = Annotated[str, typer.Option("--side", "-s", help="left, right or both: the subject's own side.")]
PersonOption = Annotated[str, typer.Option("--person", "-p", help="Name that is written into the log.", autocompletion=people)]
NoteOption = Annotated[str, typer.Option("--note", help="A line for the log: what you want to remember of this session.")]
BandOption = Annotated[str, typer.Option("--band", help="Resistance band, in your own words: red, 15 lb.")]
LoadOption = Annotated[float, typer.Option("--load-kg", help="Weight on the ankle, in kilograms.", show_default=False)]
ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="heavy (best), full (faster, up to twice the error), or a .task file.")
]
CorrectOption = Annotated[
    bool,
    typer.Option(
        "--correct/--no-correct", help="Take out what is known of the pose model's errors, or log the leg model's own angle."
    ),
]
LegnetOption = Annotated[
    bool,
    typer.Option(
        "--legnet/--no-legnet", help="Read the legs with the leg network, too, or measure with MediaPipe's landmarks alone."
    ),
]
CalibrationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration", help="Calibration profile: a name, a file or a folder, several allowed; or none.", metavar="NAME"
    ),
]
CameraOption = Annotated[
    str,
    typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays as a camera would."),
]
FollowOption = Annotated[
    str,
    typer.Option(
        "--follow",
        help="A point on the person to measure, in pixels from the top left; without it the largest, most central one.",
        metavar="X,Y",
        show_default=False,
    ),
]
