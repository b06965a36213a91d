"""The command `progress`: what has changed, with the measurement error in view. It prints what `progress.change` found."""

from __future__ import annotations

from math import isfinite
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from rotrack.cli.console import nobody, opened, say_notes, shortened, whose
from rotrack.cli.options import DrillFilter, JsonOption, OutOption, PersonFilter, RemeasureOption, SinceOption
from rotrack.cli.terminal import OUT
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError
from rotrack.core.model import Side
from rotrack.core.tiers import Tier
from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict, read_progress, to_dict
from rotrack.progress.rule import BASELINE_DAYS, MOST_BASELINE_DAYS, NOW_DAYS, TREND_DAYS
from rotrack.progress.wording import verdict_words
from rotrack.records.history import people
from rotrack.texts import Texts
from rotrack.texts.numbers import times, to_json

MOST_PEOPLE = 5
"""If there are more people than this, each gets one line."""
VERDICT_STYLE = {
    Verdict.REAL: "bold green",
    Verdict.UNCONFIRMED: "bold",
    Verdict.WITHIN: "",
    Verdict.NOT_ENOUGH: "dim",
}


def progress(
    person: PersonFilter = None,
    drill: DrillFilter = None,
    side: Annotated[Side | None, typer.Option("--side", "-s", help="Only this leg.")] = None,
    since: SinceOption = None,
    json: JsonOption = False,
    out: OutOption = None,
    remeasure: RemeasureOption = True,
) -> None:
    """Say whether a range has really changed, or whether the difference is measurement error.

    The mean of the first days, three to eight, is the baseline; the mean of the latest three is compared with it. A change is
    real if it is so large, or so steady, that at most 1 in 20 people in whom nothing changes is told of one in a year, however
    often they look. Only sessions that agree are compared; rotrack says what it left out. docs/progress.md explains the numbers.

    Example: rotrack progress --person Ana --drill seated-internal
    """
    data = opened(out, remeasure)
    if drill:
        load_table().drill(drill)  # an unknown one is named with the known ones
    person = whose(data, person)
    found = read_progress(data, person, drill, side, since.date() if since else None)
    say_notes(shortened(found.problems))
    if found.table.empty and person is not None and person not in people(data):
        raise InputError(nobody(data, person))
    if json:
        print(to_json(to_dict(found)))
        return
    if found.table.empty:
        filtered = drill or side or since
        OUT.print(
            "No session that can be compared fits: try without --drill, --side or --since."
            if filtered
            else "There is no session yet that can be compared. Measure with --person NAME; `rotrack history` lists all.",
            soft_wrap=True,
        )
    elif len(found.people) > MOST_PEOPLE:
        _print_overview(found)
    else:
        for name in found.people:
            _print_person(name, found)
        OUT.print(f"[dim]{_legend(found)}[/]", soft_wrap=True)
    for note in found.notes:
        OUT.print(f"[dim]{escape(note)}[/]", soft_wrap=True)


def _print_person(name: str, found: Progress) -> None:
    changes = [change for change in found.changes if change.person == name]
    for drill in dict.fromkeys(change.drill for change in changes):
        own = [change for change in changes if change.drill == drill]
        OUT.print(_table(f"{name}, {drill}", own))
        for change in own:
            if isfinite(change.slope.per_month_deg):
                OUT.print(f" {_leg(change)}: {_slope(change)}", soft_wrap=True)
        for sides in found.sides:
            if (sides.person, sides.drill) == (name, drill):
                OUT.print(f" {_sides(sides)}", soft_wrap=True)
        left_out: dict[str, list[str]] = {}
        for change in own:
            for left in change.left_out:
                left_out.setdefault(f"{times(left.sessions, 'session')} {left.reason}", []).append(_leg(change))
        for what, legs in left_out.items():
            OUT.print(f" [dim]left out: {escape(what)} ({', '.join(legs)})[/]", soft_wrap=True)
        OUT.print()
    readings = found.readings[found.readings.person == name]
    for instrument, own_readings in readings.groupby("instrument"):
        OUT.print(
            f" [dim]{times(len(own_readings), 'reading')} by {escape(str(instrument))}, not mixed in; "
            "`rotrack agreement` compares them[/]",
            soft_wrap=True,
        )


def _table(title: str, changes: list[Change]) -> Table:
    table = _plain_table(title)
    table.add_column("leg", no_wrap=True)
    for column in ("n", "base", "now", "change", "real"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for change in changes:
        style = VERDICT_STYLE[change.verdict]
        table.add_row(
            _leg(change), str(len(change.points)), _number(change.baseline_deg, change.tier),
            _number(change.now_deg, change.tier), _change(change), _number(change.real_from_deg, change.tier),
            f"[{style}]{verdict_words(change, Texts())}[/]" if style else verdict_words(change, Texts()),
        )  # fmt: skip
    return table


def _plain_table(title: str) -> Table:
    return Table(
        title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )


def _leg(change: Change) -> str:
    return f"{change.side} {change.direction}"


def _number(size_deg: float, tier: Tier) -> str:
    return f"{size_deg:.1f}{tier.unit}" if isfinite(size_deg) else "\u2013"


def _change(change: Change) -> str:
    if not isfinite(change.change_deg):
        return "\u2013"
    return f"{change.change_deg:+.1f} \u00b1 {change.error_deg:.1f}{change.tier.unit}"


def _slope(change: Change) -> str:
    slope = change.slope
    interval = f"95 %: {slope.low_deg:+.1f} to {slope.high_deg:+.1f}"
    return f"{slope.per_month_deg:+.1f}{change.tier.unit} a month ({interval}) over {len(change.points)} sessions"


def _sides(sides: Sides) -> str:
    amount = f"{abs(sides.difference_deg):.1f} \u00b1 {sides.error_deg:.1f}{sides.tier.unit}"
    larger = Side.LEFT if sides.difference_deg > 0 else Side.RIGHT
    about = f"{sides.direction}, {times(sides.sessions, 'session')}: "
    if not (sides.clear or sides.unconfirmed):
        return f"{about}left and right differ by {amount}, which is within the error"
    state = "" if sides.clear else ", to be confirmed"
    flag = f" [yellow](above {FLAGGED_DEG:.0f}\u00b0)[/]" if sides.flagged else ""
    return f"{about}the {larger} leg has {amount} more than the {larger.other}{state}{flag}"


def _legend(found: Progress) -> str:
    sems = sorted({f"{sem:.1f}" for sem in found.table.sem_deg}, key=float)
    spread = sems[0] if len(sems) == 1 else f"{sems[0]} to {sems[-1]}"
    parts = [
        f"n: sessions that are alike; base: mean of the first {BASELINE_DAYS} to {MOST_BASELINE_DAYS} days; now: mean of the "
        f"latest {NOW_DAYS}; \u00b1: 95 % interval of the change",
        f"real: a change of this size or more is real, and so is a steady trend; SEM {spread}",
    ]
    if any(change.tier.is_index for change in found.changes):
        parts.append(f"tier C: {Tier.C.caption}")
    if found.table.days.max() < TREND_DAYS:
        parts.append(f"a slope from {TREND_DAYS} days on")
    return "; ".join(parts) + ". docs/progress.md explains it."


def _print_overview(found: Progress) -> None:
    """Print a line per person: a clinic's log has too many for a table of everything."""
    people_words = times(len(found.people), "person").replace("persons", "people")
    table = _plain_table(people_words)
    table.add_column("person", overflow="fold")
    for column in ("last", "sessions", "ranges", "real", "to confirm"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, rows in found.table.groupby("person", sort=False):
        counts = [int((rows.verdict == verdict).sum()) for verdict in (Verdict.REAL, Verdict.UNCONFIRMED)]
        table.add_row(
            escape(str(name)),
            max(rows.last_at)[:10],
            str(rows.sessions.max()),
            str(len(rows)),
            *(str(n or "\u2013") for n in counts),
        )
    OUT.print(table)
    OUT.print(
        f"[dim]sessions: the most of a range; ranges: per drill, leg and direction; real: {Verdict.REAL}. "
        "`rotrack progress --person NAME` shows one of them.[/]",
        soft_wrap=True,
    )
