"""The command `rotrack drills`: lists the drills, or explains one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from rotrack.cli import completion
from rotrack.cli.terminal import OUT
from rotrack.core.drills import GROUPS, TIERS, Drill, load_table
from rotrack.texts.numbers import is_counted, is_index


def drills(
    drill: Annotated[str | None, typer.Argument(help="Explain this one.", metavar="ID", autocompletion=completion.drills)] = None,
) -> None:
    """List the drills, or explain one: steps, camera, what is measured and how well."""
    table = load_table()
    if drill:
        _explain(table.drill(drill))
        return
    for group in GROUPS:
        listing = Table(title=group, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2))
        for entry in table.drills.values():
            if entry.group == group:
                listing.add_row(f"[cyan]{entry.id}[/]", entry.title, f"[dim]{entry.tier}[/]")
        OUT.print(listing)
    OUT.print("\n" + "\n".join(f"[dim]{tier}[/]  {words}" for tier, words in TIERS.items()))
    OUT.print("\n`rotrack drills ID` explains one. The everyday test is [cyan]seated-combined[/].")


def _explain(drill: Drill) -> None:
    table = load_table()
    steps = "\n".join(f"{n}. {escape(step)}" for n, step in enumerate(drill.steps, 1))
    OUT.print(Panel(f"{escape(drill.summary)}\n\n{steps}", title=f"{drill.title}  ({drill.id})", title_align="left"))
    rows = Table(show_header=False, box=None, padding=(0, 2))
    rows.add_row("[bold]camera[/]", escape(drill.camera))
    measures = "counts" if is_counted(drill.tier) else "measures"
    rows.add_row(f"[bold]{measures}[/]", f"{escape(drill.measured)}; tier {drill.tier}: {TIERS[drill.tier]}")
    if is_counted(drill.tier):
        rows.add_row("[bold]one cycle[/]", "rest, roll and hold, rest")
    else:
        rows.add_row("[bold]one repetition[/]", "neutral, " + ", ".join(drill.directions) + ", neutral")
        unit = "" if is_index(drill.tier) else "\u00b0"
        ranges = [f"{d} {low:.0f} to {high:.0f}{unit}" for d, (low, high) in drill.range_deg.items()]
        rows.add_row("[bold]plausible index[/]" if is_index(drill.tier) else "[bold]plausible peaks[/]", ", ".join(ranges))
    watched = [table.faults[k] for k in drill.faults if drill.watches(table.faults[k])]
    blind = [table.faults[k] for k in drill.faults if not drill.watches(table.faults[k])]
    for fault in watched:
        effect = "left out of the session value" if fault.invalidates else "marked"
        rows.add_row(f"[bold]fault {fault.letter}[/]", f"{fault.title}, over {fault.limit:g} {fault.unit}: {effect}")
    if blind:
        rows.add_row("[bold]watch yourself[/]", "; ".join(f.title.lower() for f in blind) + " (not seen by rotrack yet)")
    if drill.note:
        rows.add_row("[bold]note[/]", escape(drill.note))
    if drill.without_legnet:
        rows.add_row("[bold]--no-legnet[/]", f"not measured then: {escape(drill.without_legnet)}")
    OUT.print(rows)
