"""The command `rotrack validate`: measures clips whose true angles are known."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rotrack.cli.console import progress_bar
from rotrack.cli.options import with_request
from rotrack.cli.terminal import ERR, OUT
from rotrack.measure.request import Request
from rotrack.system.files import check_free
from rotrack.texts.numbers import to_json
from rotrack.validation import describe, markdown, read_before, side_by_side, validate_folder, write_table
from rotrack.validation import report as validation_report


@with_request("model", "correct", "legnet")
def validate(
    truth: Annotated[
        Path, typer.Argument(help="Folder with manifest.csv, clips and NAME.gt.csv / NAME.gt.json.", metavar="FOLDER")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file for the table, a row per clip and leg.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    only: Annotated[str, typer.Option("--only", help="Only clips or drills with this in their names.")] = "",
    part: Annotated[
        str, typer.Option("--part", help="Only this part: tune or test in the public benchmark.", show_default=False)
    ] = "",
    *,
    request: Request,
    mirror: Annotated[bool, typer.Option("--mirror", help="Play every clip mirrored; sides must swap.")] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Clips at a time; default: one per core.", show_default=False)
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Folder for the results of each clip; default: `validated` in FOLDER.", show_default=False),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the sessions here; a later run starts from their landmarks.")
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the errors per posture as tables for the docs.")] = False,
    short: Annotated[bool, typer.Option("--short", help="With --markdown: one table with few columns.")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="Table of an earlier run (--out): print both side by side.", metavar="FILE")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Measure clips whose true angles are known, and print the errors: per clip and leg, and per posture.

    For each clip and leg, it prints bias, mean absolute error (MAE) and 95 % limits of agreement of the curve after the neutral
    zero, the MAE of the peaks, and how many true repetitions were found and how many were invented. Legs that do not move are
    only in --out.

    You can end it whenever you like and start it again: it continues. The results of each clip are in the state folder, one
    folder for each version of the code and its settings. To measure a clip again, delete its result there.

    Example: rotrack validate benchmark --part test --out test.csv
    """
    if out:
        check_free(out, overwrite)
    before = read_before(against) if against else None
    with progress_bar() as progress:
        task = progress.add_task("validating", total=None)
        table = validate_folder(
            truth, request.model, only, mirror, request.correct, keep, request.legnet,
            on_total=lambda frames: progress.update(task, total=frames),
            on_frames=lambda frames: progress.advance(task, frames),
            part=part, state=state or truth / "validated", processes=jobs,
            on_clip=lambda done, of, line: progress.console.print(f"[dim]{done} of {of}[/]  {escape(line)}", soft_wrap=True),
            on_note=lambda text: progress.console.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True),
        )  # fmt: skip
    width = OUT.width if OUT.is_terminal else None
    if json:
        print(to_json({"rotrack_version": metadata.version("rotrack"), **validation_report(table)}))
    elif as_markdown:
        print(markdown(table, short) if before is None else side_by_side(before, table, as_markdown))
    else:
        said = describe(table, width) if before is None else side_by_side(before, table, width=width)
        OUT.print(said, markup=False, soft_wrap=True)
    if out:
        write_table(table, out, overwrite)
        ERR.print(f"written to {escape(str(out))}", soft_wrap=True)
