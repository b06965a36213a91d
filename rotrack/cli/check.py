"""The command `rotrack check`: the same list that the page shows before measuring, and which person is meant."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from rotrack.calibration import choice
from rotrack.cli.options import with_request
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.errors import DOUBTFUL
from rotrack.measure.request import Request
from rotrack.placement.check import SetupCheck
from rotrack.placement.finding import SetupFinding, State
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.legnet import LegNet
from rotrack.sensing.reader import read_live
from rotrack.sensing.sources import Camera, Source
from rotrack.texts import Texts

NAMES = {"rate": "speed", "light": "light", "people": "one person", "legs": "legs", "distance": "distance", "camera": "camera"}
SIGNS = {State.GOOD: "[green]ok[/]", State.PROBLEM: "[bold red]problem[/]", State.WAITING: "[yellow]waiting[/]"}


@with_request("drill", "side", "model", "calibration", "legnet", "follow", drill="seated-combined")
def check(
    camera: Annotated[
        str,
        typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays as a camera would."),
    ] = "0",
    *,
    request: Request,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Stop after this many seconds at the latest.")] = 10.0,
) -> None:
    """Check the set-up before measuring: frame rate, light, people, legs, distance, camera place.

    Take the starting position and hold still. The check ends as soon as everything is good, or after --seconds with exit code 5.
    Nothing is logged.
    """
    request = request.checked()
    asked = request.drill_record
    network = LegNet(asked.posture) if request.legnet else None
    point_px, model_file = request.follow_px, find_model(request.model)
    ERR.print(f"{asked.title}. {asked.camera}", soft_wrap=True)
    source: Source = Camera(camera)
    findings: tuple[SetupFinding, ...] = ()
    people = 0
    try:
        known, source = choice.for_camera(source, camera, request.profiles, request.data)
        for told in (*known.notes, *known.warnings):
            ERR.print(escape(Texts().said(told)), soft_wrap=True)
        checking = SetupCheck(asked, request.sides, known.calibration)
        if point_px is not None:
            checking.person_chosen()
        lying = asked.posture.record.lying
        with Landmarker(model_file, follow=point_px, lying=lying) as landmarker, Live(console=OUT) as shown:
            for frame, pose in read_live(source, landmarker, network, always=bool(asked.without_legnet)):
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
        table.add_row(SIGNS[finding.state], f"[bold]{NAMES[finding.check]}[/]", escape(Texts().said(finding.text)))
    return table
