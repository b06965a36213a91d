"""The command `progress`: what has changed, with the measurement error in view. It prints what `progress.change` found."""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rotrack.drills import load_table
from rotrack.errors import InputError
from rotrack.log_cli import JsonOption, OutOption
from rotrack.model import Side
from rotrack.progress.change import Change, Progress, Sides, Verdict, read_progress, to_dict
from rotrack.progress.statistics import BASELINE_SESSIONS, SLOPE_SESSIONS
from rotrack.records.history import people
from rotrack.records.log import data_folder, to_json
from rotrack.ui.words import INDEX, is_index, times

MOST_PEOPLE = 5
"""For more people than this one line each is printed."""
VERDICT_STYLE = {
    Verdict.REAL: "bold green",
    Verdict.PROBABLE: "bold",
    Verdict.WITHIN: "",
    Verdict.NOT_ENOUGH: "dim",
}

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)

PersonFilter = Annotated[str | None, typer.Option("--person", "-p", help="Only this person; the exact name.")]
DrillFilter = Annotated[str | None, typer.Option("--drill", "-d", help="Only this drill.")]
SideFilter = Annotated[Side | None, typer.Option("--side", "-s", help="Only this leg.")]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        help="Only from this day on; the first three from then are the baseline.",
    ),
]


def progress(
    person: PersonFilter = None,
    drill: DrillFilter = None,
    side: SideFilter = None,
    since: SinceOption = None,
    json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Say whether a range has really changed, or whether the difference is measurement error.

    The mean of the first three sessions is the baseline; the latest session is compared with it. From four sessions on there
    is a verdict, from six on a slope per month. Only like is compared with like: same drill, leg, direction, calibration,
    zero and versions. What was left out is said. docs/progress.md explains the numbers.

    Example: rotrack progress --person Ana --drill seated-internal
    """
    data = data_folder(out)
    if drill:
        load_table().drill(drill)  # an unknown one is named with the known ones
    found = read_progress(data, person, drill, side, since.date() if since else None)
    if json:
        print(to_json(to_dict(found)))
    elif found.table.empty:
        _say_nothing(data, person)
    elif len(found.people) > MOST_PEOPLE:
        _print_overview(found)
    else:
        for name in found.people:
            _print_person(name, found)
        _out.print(f"[dim]{_legend(found)}[/]", soft_wrap=True)
    if not json:
        for note in found.notes:
            _out.print(f"[dim]{escape(note)}[/]", soft_wrap=True)
    for problem in found.problems:
        _err.print(f"[yellow]Note:[/] {escape(problem)}", soft_wrap=True)


def _say_nothing(data: Path, person: str | None) -> None:
    names = people(data)
    if person is not None and person.strip() not in names:
        known = f" Known are: {', '.join(names)}." if names else ""
        raise InputError(f"Nobody named '{person}' was measured.{known}")
    whose = f" of {escape(person)}" if person else ""
    _out.print(f"There is no session{whose} that could be compared yet. Measure with --person NAME; `rotrack history` lists all.")


def _print_person(name: str, found: Progress) -> None:
    changes = [change for change in found.changes if change.person == name]
    for drill in dict.fromkeys(change.drill for change in changes):
        own = [change for change in changes if change.drill == drill]
        _out.print(_table(f"{name}, {drill}", own))
        for change in own:
            if isfinite(change.slope.per_month_deg):
                _out.print(f" {_leg(change)}: {_slope(change)}", soft_wrap=True)
        for sides in found.sides:
            if (sides.person, sides.drill) == (name, drill):
                _out.print(f" {_sides(sides)}", soft_wrap=True)
        left_out: dict[str, list[str]] = {}
        for change in own:
            for left in change.left_out:
                left_out.setdefault(f"{times(left.sessions, 'session')} {left.reason}", []).append(_leg(change))
        for what, legs in left_out.items():
            _out.print(f" [dim]left out: {escape(what)} ({', '.join(legs)})[/]", soft_wrap=True)
        _out.print()
    readings = found.readings[found.readings.person == name]
    for instrument, own_readings in readings.groupby("instrument"):
        _out.print(
            f" [dim]{times(len(own_readings), 'reading')} by {escape(str(instrument))}, not mixed in; "
            "`rotrack agreement` compares them[/]",
            soft_wrap=True,
        )


def _table(title: str, changes: list[Change]) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("leg", no_wrap=True)
    for column in ("n", "baseline", "latest", "change"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict")
    for change in changes:
        style = VERDICT_STYLE[change.verdict]
        table.add_row(
            _leg(change), str(len(change.points)), _number(change.baseline_deg, change.tier),
            _number(change.latest_deg, change.tier), _change(change),
            f"[{style}]{change.verdict}[/]" if style else str(change.verdict),
        )  # fmt: skip
    return table


def _leg(change: Change) -> str:
    return f"{change.side} {change.direction}"


def _number(size_deg: float, tier: str) -> str:
    return f"{size_deg:.1f}{'' if is_index(tier) else chr(176)}" if isfinite(size_deg) else "\u2013"


def _change(change: Change) -> str:
    if not isfinite(change.change_deg):
        return "\u2013"
    return f"{change.change_deg:+.1f} \u00b1 {change.error_deg:.1f}{'' if is_index(change.tier) else chr(176)}"


def _slope(change: Change) -> str:
    slope = change.slope
    unit = "" if is_index(change.tier) else "\u00b0"
    interval = f"95 %: {slope.low_deg:+.1f} to {slope.high_deg:+.1f}"
    return f"{slope.per_month_deg:+.1f}{unit} a month ({interval}) over {len(change.points)} sessions"


def _sides(sides: Sides) -> str:
    unit = "" if is_index(sides.tier) else "\u00b0"
    amount = f"{abs(sides.difference_deg):.1f} \u00b1 {sides.error_deg:.1f}{unit}"
    larger = Side.LEFT if sides.difference_deg > 0 else Side.RIGHT
    about = f"{sides.direction}: "
    if not sides.clear:
        return f"{about}left and right differ by {amount}, which is within the error"
    flag = " [yellow](more than 10\u00b0)[/]" if sides.flagged else ""
    return f"{about}the {larger} leg has {amount} more than the {larger.other}{flag}"


def _legend(found: Progress) -> str:
    sems = found.table.sem_deg
    spread = f"{sems.min():.1f}" if len(sems) == 1 else f"{sems.min():.1f} to {sems.max():.1f}"
    parts = [
        f"n: sessions that are alike; baseline: mean of the first {BASELINE_SESSIONS} sessions",
        "\u00b1: 95 % interval of the change",
        f"SEM {spread}, from these sessions and the published default",
    ]
    if any(map(is_index, found.table.tier)):
        parts.append(f"tier C: {INDEX}")
    if found.table.sessions.max() < SLOPE_SESSIONS:
        parts.append(f"a slope from {SLOPE_SESSIONS} sessions on")
    return "; ".join(parts) + ". docs/progress.md explains it."


def _print_overview(found: Progress) -> None:
    """Print a line per person: a clinic's log has too many for a table of everything."""
    table = Table(
        title=f"{times(len(found.people), 'person').replace('persons', 'people')}", title_justify="left", title_style="bold"
    )
    table.add_column("person")
    for column in ("last session", "most sessions", "ranges", *(Verdict.REAL, Verdict.PROBABLE)):
        table.add_column(column, justify="right")
    for name, rows in found.table.groupby("person", sort=False):
        counts = [int((rows.verdict == verdict).sum()) for verdict in (Verdict.REAL, Verdict.PROBABLE)]
        table.add_row(
            escape(str(name)),
            max(rows.last_at)[:10],
            str(rows.sessions.max()),
            str(len(rows)),
            *(str(n or "\u2013") for n in counts),
        )
    _out.print(table)
    _out.print("`rotrack progress --person NAME` shows one of them.", soft_wrap=True)
