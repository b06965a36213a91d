"""`rotrack app`: opens the page in the browser. What `rotrack` alone does, too."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from rotrack.cli.console import opened
from rotrack.cli.options import RemeasureOption, with_request
from rotrack.cli.terminal import ERR
from rotrack.measure.request import Request


@with_request("out", "calibration", "legnet")
def app(
    camera: Annotated[
        str,
        typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays over and over."),
    ] = "0",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0: a free one.")] = 0,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help="Also serve other devices in this network at this address (0.0.0.0: any); each needs a one-time token that is "
            "printed. Without it, only this computer can open the page.",
        ),
    ] = "",
    *,
    request: Request,
    remeasure: RemeasureOption = True,
) -> None:
    """Open rotrack in the browser: choose, set up, measure and look back, hands free.

    Without --host, only this computer can open the page. Example: rotrack app --camera 1
    """
    from rotrack.app.server import Options, serve  # the page takes a second to load; other commands need not wait for it

    options = Options(opened(request.data), camera, port, host, open_page, request.profiles, request.legnet, remeasure)
    serve(options, lambda line: ERR.print(escape(line), soft_wrap=True))
