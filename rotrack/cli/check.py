"""The command `rotrack check`: the same list that the page shows before measuring, and which person is meant."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from rotrack.calibration import choice
from rotrack.cli.options import DrillOption, FollowOption, LegnetOption
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.errors import DOUBTFUL, InputError
from rotrack.measure import run
from rotrack.placement.check import SetupCheck
from rotrack.placement.finding import SetupFinding, State
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.legnet import LegNet
from rotrack.sensing.reader import read_live
from rotrack.sensing.sources import Camera, Source

NAMES = {"rate": "speed", "light": "light", "people": "one person", "legs": "legs", "distance": "distance", "camera": "camera"}
SIGNS = {State.GOOD: "[green]ok[/]", State.PROBLEM: "[bold red]problem[/]", State.WAITING: "[yellow]waiting[/]"}


def parse_follow(text: str) -> tuple[float, float] | None:
    """Return the point that `X,Y` stands for, px; None for an empty text.

    Raises
    ------
    InputError
        If it is anything else.
    """
    if not text.strip():
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*", text)
    if not found:
        raise InputError(f"The point '{text}' must be two numbers like 320,240: pixels from the left and from the top.")
    return float(found[1]), float(found[2])


def check(
    camera: Annotated[
        str,
        typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays as a camera would."),
    ] = "0",
    drill: DrillOption = "seated-combined",
    side: Annotated[str, typer.Option("--side", "-s", help="left, right or both: the subject's own side.")] = "both",
    model: Annotated[str, typer.Option("--model", "-m", help="heavy (best), full (faster), or a .task file.")] = "heavy",
    follow: FollowOption = "",
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long to look at most.")] = 10.0,
    calibration: Annotated[
        list[str] | None,
        typer.Option(
            "--calibration", help="Calibration profile: a name, a file or a folder, several allowed; or none.", metavar="NAME"
        ),
    ] = None,
    legnet: LegnetOption = True,
) -> None:
    """Check the set-up before measuring: pictures, light, people, legs, distance, camera place.

    Take the starting position and hold still. It ends as soon as all is good, or after the time with exit code 5. Nothing is
    logged.
    """
    request = run.make_request(drill, side, calibration=calibration or (), legnet=legnet)
    network = LegNet(request.drill.posture) if legnet else None
    point_px, model_file = parse_follow(follow), find_model(model)
    ERR.print(f"{request.drill.title}. {request.drill.camera}", soft_wrap=True)
    source: Source = Camera(camera)
    findings: tuple[SetupFinding, ...] = ()
    people = 0
    try:
        known, source = choice.for_camera(source, camera, request.calibration, request.data)
        for text in (*known.notes, *known.warnings):
            ERR.print(escape(text), soft_wrap=True)
        checking = SetupCheck(request.drill, request.sides, known.calibration)
        if point_px is not None:
            checking.person_chosen()
        lying = request.drill.posture.record.lying
        with Landmarker(model_file, follow=point_px, lying=lying) as landmarker, Live(console=OUT) as shown:
            for frame, pose in read_live(source, landmarker, network, always=bool(request.drill.without_legnet)):
                people, findings = pose.people, checking.update(frame, pose)
                shown.update(_listed(findings))
                if _ready(findings) or frame.time_s > seconds:
                    break
    finally:
        source.close()
    if not OUT.is_terminal:
        OUT.print()
    if people > 1 and point_px is None:
        ERR.print("To say who is to be measured: --follow X,Y.", soft_wrap=True)
    if not _ready(findings):
        raise typer.Exit(DOUBTFUL)


def _ready(findings: tuple[SetupFinding, ...]) -> bool:
    return bool(findings) and all(finding.state is State.GOOD for finding in findings)


def _listed(findings: tuple[SetupFinding, ...]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2))
    for finding in findings:
        table.add_row(SIGNS[finding.state], f"[bold]{NAMES[finding.check]}[/]", escape(finding.text))
    return table
