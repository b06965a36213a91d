"""How `rotrack analyze FOLDER` looks: the progress of an archive, a line per video, what became of all at the end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from rotrack.archive.manifest import Manifest, read_manifest
from rotrack.archive.run import Result, measure_archive
from rotrack.cli.console import progress_bar
from rotrack.cli.printing import write_plot
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.errors import DOUBTFUL, InputError, RotrackError
from rotrack.measure.request import Request
from rotrack.records.record import Status
from rotrack.texts.numbers import amount, times, to_json


def analyze_archive(folder: Path, path: Path | None, dask: str, request: Request, plot: bool, json: bool) -> None:
    """Measure an archive: what is wrong with its manifest first, a line per video, what became of all at the end."""
    try:
        manifest = read_manifest(folder, request, path)
    except InputError as error:
        if json:
            print(to_json(_document([], [], [{"video": str(folder), "problem": str(error)}], [])))
        raise
    if manifest.wrong:
        ERR.print(f"[bold red]rotrack:[/] {escape(_wrong_rows(manifest))}", soft_wrap=True)
    results: list[Result] = []
    notes: list[str] = []
    ended: BaseException | None = None

    def tell(text: str) -> None:
        notes.append(text)
        ERR.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)

    for text in manifest.notes:
        tell(text)
    try:
        with progress_bar("videos") as progress, closing(measure_archive(
            manifest.entries, dask, tell=tell, on_share=lambda share: progress.advance(task, share)
        )) as measuring:  # fmt: skip
            task = progress.add_task(escape(folder.name), total=len(manifest.entries))
            for result in measuring:
                results.append(result)
                if result.fresh:
                    progress.console.print(_result_line(result), soft_wrap=True)
                    if plot and result.session and not result.error:
                        write_plot(result.session)
                else:
                    progress.update(task, total=(progress.tasks[0].total or 1) - 1)
    except (RotrackError, KeyboardInterrupt) as error:
        ended = error
    _report_archive(manifest, results, notes, request.data, ended, json)


def _wrong_rows(manifest: Manifest) -> str:
    rows = "".join(f"\n  line {row.line}  {row.file}  {row.problem}" for row in manifest.wrong)
    others = "the others are measured" if manifest.entries else "nothing is measured"
    return (
        f"{times(len(manifest.wrong), 'line')} of {manifest.path.name} cannot be used, {others}. "
        f"Put them right and run this again.{rows}"
    )


def _result_line(result: Result) -> str:
    """Return what was measured in a video of an archive as one line with markup."""
    request, session = result.entry.job.request, result.session
    if result.error or session is None:
        said = "[red]not measured[/]"
    elif session.record.tier.is_counted:
        said = times(len(session.rep_list), "cycle")
    else:
        values = [v for v in session.values if v.reps_used]
        said = ", ".join(
            f"{v.side} {v.direction} [bold]{amount(v.value_deg, v.uncertainty_deg, session.record.tier)}[/]" for v in values
        )
    what = f"{escape(request.person)} {request.drill_record.id}"
    return f"  {escape(result.entry.file)}  [dim]{what}[/]  {said or 'no valid repetition'}"


def _report_archive(
    manifest: Manifest, results: list[Result], notes: list[str], data: Path, ended: BaseException | None, json: bool
) -> None:
    """Show what became of an archive, and end with the exit code for it."""
    measured = [r for r in results if r.fresh and not r.error]
    failed = [r for r in results if r.error]
    there = [r for r in results if not r.fresh and not r.error]
    empty = [r.entry.file for r in there if r.session and r.session.record.status is Status.NOT_MEASURED]
    if json:
        problems = [
            *({"line": w.line, "video": w.file, "problem": w.problem} for w in manifest.wrong),
            *({"line": r.entry.line, "video": str(r.entry.job.video), "problem": str(r.error)} for r in failed),
        ]
        print(to_json(_document(measured, there, problems, notes)))
    elif results:
        left = len(manifest.entries) - len(results)
        counts = [f"{len(measured)} measured", f"{len(there)} in the log already"]
        counts += [f"{len(failed)} not measured"] if failed else []
        counts += [f"{left} not begun: run this again to go on"] if left else []
        OUT.print(f"{times(len(manifest.entries), 'video')}: {', '.join(counts)}.", soft_wrap=True)
        OUT.print(f"log  {escape(str(data / 'reps.csv'))}", soft_wrap=True)
    if empty:
        ERR.print(f"[yellow]Note:[/] Nothing could be measured in {escape(', '.join(empty))} when it was tried.", soft_wrap=True)
    doubtful = [(r.entry.file, text) for r in measured if r.session for text in r.session.warnings]
    for file, text in doubtful:
        ERR.print(f"[yellow]{escape(file)}:[/] {escape(text)}", soft_wrap=True)
    for r in failed:
        ERR.print(f"[bold red]rotrack:[/] {escape(f'line {r.entry.line}, {r.entry.file}: {r.error}')}", soft_wrap=True)
    if ended:
        raise ended
    codes = [*(r.error.exit_code for r in failed if r.error), *(InputError.exit_code for _ in manifest.wrong)]
    code = max(codes, default=DOUBTFUL if doubtful else 0)
    if code:
        raise typer.Exit(code)


def _document(
    measured: Iterable[Result], there: Iterable[Result], problems: list[dict[str, Any]], notes: list[str]
) -> dict[str, Any]:
    return {
        "rotrack_version": metadata.version("rotrack"),
        "sessions": [{"video": str(r.entry.job.video), **r.session.summary()} for r in measured if r.session],
        "already_there": [{"video": str(r.entry.job.video), "session_id": r.session.id} for r in there if r.session],
        "problems": problems,
        "notes": notes,
    }
