"""The command `rotrack drills`: lists the drills, or explains one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from rotrack.cli import completion
from rotrack.cli.terminal import OUT
from rotrack.core.drills import GROUPS, Drill, load_table
from rotrack.core.tiers import TIERS

LEGS_SAID = {"one": "one leg at a time", "both": "both legs at once", "alternating": "legs in turn"}


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
        listing.add_column(no_wrap=True)  # an id is to be typed: it is never cut
        listing.add_column()
        listing.add_column()
        for entry in table.drills.values():
            if entry.group == group:
                listing.add_row(f"[cyan]{entry.id}[/]", entry.title, f"[dim]{entry.tier}[/]")
        OUT.print(listing)
    OUT.print("\n" + "\n".join(f"[dim]{tier}[/]  {tier.meaning}" for tier in TIERS))
    OUT.print("\n`rotrack drills ID` explains one. The everyday test is [cyan]seated-combined[/].")


def _explain(drill: Drill) -> None:
    table = load_table()
    steps = "\n".join(f"{n}. {escape(step)}" for n, step in enumerate(drill.steps, 1))
    OUT.print(Panel(f"{escape(drill.summary)}\n\n{steps}", title=f"{drill.title}  ({drill.id})", title_align="left"))
    rows = Table(show_header=False, box=None, padding=(0, 2))
    rows.add_row("[bold]camera[/]", escape(drill.camera))
    measures = "counts" if drill.tier.is_counted else "measures"
    rows.add_row(f"[bold]{measures}[/]", f"{escape(drill.measured)}; tier {drill.tier}: {drill.tier.meaning}")
    if drill.tier.is_counted:
        rows.add_row("[bold]one cycle[/]", "rest, roll and hold, rest")
    else:
        rows.add_row("[bold]one repetition[/]", "neutral, " + ", ".join(drill.directions) + ", neutral")
        unit = drill.tier.unit
        ranges = [f"{d} {low:.0f} to {high:.0f}{unit}" for d, (low, high) in drill.range_deg.items()]
        rows.add_row("[bold]plausible index[/]" if drill.tier.is_index else "[bold]plausible peaks[/]", ", ".join(ranges))
    rows.add_row(
        "[bold]ways[/]", f"{' or '.join(LEGS_SAID[legs] for legs in drill.legs)}; repeated or held: rotrack sees which it is"
    )
    for name, title in drill.variants.items():
        rows.add_row(f"[bold]--variant[/] {name}", title)
    watched, unseen = table.faults_of(drill)
    for fault in watched:
        effect = "left out of the session value" if fault.invalidates else "marked"
        limit = f"{fault.limits[drill.posture]:g} {fault.unit}"
        when = " if only one leg is measured" if fault.of_other_leg and len(drill.legs) > 1 else ""
        rows.add_row(f"[bold]fault {fault.letter}[/]", f"{fault.title}, over {limit}: {effect}{when}")
    if unseen:
        rows.add_row("[bold]cannot be seen[/]", "; ".join(f.title.lower() for f in unseen) + ": watch it yourself")
    if drill.note:
        rows.add_row("[bold]note[/]", escape(drill.note))
    if drill.without_legnet:
        rows.add_row("[bold]--no-legnet[/]", f"not measured then: {escape(drill.without_legnet)}")
    OUT.print(rows)
