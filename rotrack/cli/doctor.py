"""The command `rotrack doctor`: whether everything is here that a session needs, and whether the log is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from rotrack.cli.console import say_notes, shortened
from rotrack.cli.options import OutOption
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.errors import DOUBTFUL
from rotrack.measure.doctor import Finding, checkup
from rotrack.records.folders import data_folder
from rotrack.records.repair import examine, repair
from rotrack.records.table import is_current
from rotrack.texts.numbers import times

_SIGNS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[bold red]problem[/]"}


def doctor(
    cameras: Annotated[bool, typer.Option("--cameras/--no-cameras", help="Open every camera and measure its rate.")] = True,
    mend: Annotated[
        bool, typer.Option("--repair", help="List what is wrong with the data folder and repair it; nothing else is checked.")
    ] = False,
    out: OutOption = None,
) -> None:
    """Check this computer: versions, cameras, model files, speed, folders; and say what to do about each problem.

    With --repair it checks the data folder instead and repairs what it can: folders that a killed program left behind, drafts,
    files that were cut off, a lost or damaged table, files that other users can read. Nothing that was measured is thrown away:
    an unreadable file is kept beside its replacement.

    Example: rotrack doctor --repair
    """
    data = data_folder(out)
    if mend:
        _mend(data)
        return
    table = Table(show_header=False, box=None, padding=(0, 2))
    findings: list[Finding] = []
    with ERR.status("Checking ..."):
        for finding in (*checkup(data, cameras), _log(data)):
            findings.append(finding)
            advice = f"\n[yellow]{escape(finding.advice)}[/]" if finding.advice else ""
            table.add_row(_SIGNS[finding.grade], f"[bold]{escape(finding.what)}[/]", escape(finding.found) + advice)
    OUT.print(table)
    if any(f.grade == "problem" for f in findings):
        raise typer.Exit(1)


def _log(data: Path) -> Finding:
    """Return whether the log is whole."""
    faults = list(examine(data))
    if not faults:
        return Finding("ok", "log", "whole")
    first = " ".join(shortened([fault.what for fault in faults[:3]]))
    more = f" And {len(faults) - 3} more." if len(faults) > 3 else ""
    return Finding("note", "log", first + more, "`rotrack doctor --repair` lists all of it and mends what can be mended.")


def _mend(data: Path) -> None:
    """Mend a data folder, and say what was done."""
    with ERR.status("Looking through the data folder ..."):
        done, notes = repair(data)
    for one in done:
        sign = "[green]mended[/]" if one.mended else "[bold red]left[/]"
        OUT.print(f"{sign}  {escape(one.fault.what)}\n        {escape(one.done)}", soft_wrap=True)
    say_notes(dict.fromkeys(notes))
    left = sum(not one.mended for one in done) + (not is_current(data))
    if not (done or notes or left):
        OUT.print(f"Nothing is wrong with {escape(str(data))}.", soft_wrap=True)
    else:
        OUT.print(f"{times(sum(one.mended for one in done), 'fault')} mended, {left} left.")
    if left:
        raise typer.Exit(DOUBTFUL)
