"""How a session is printed: its values, its repetitions, what they compare with."""

from __future__ import annotations

import html
from contextlib import suppress
from functools import partial
from math import isfinite
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from rotrack.charts.sessions import session_figure, write_html
from rotrack.cli.terminal import OUT
from rotrack.cli.wording import counts
from rotrack.core.drills import load_table
from rotrack.core.errors import RecordError
from rotrack.core.model import Direction, Rep, Side
from rotrack.core.tiers import Tier
from rotrack.progress.compare import earlier_values, standing
from rotrack.progress.wording import change_words, last_time_words, none_before_words, norm_words, sides_words
from rotrack.records.changes import PLOT
from rotrack.records.compare import held, legs_of
from rotrack.records.norms import norms_for
from rotrack.records.record import SessionRecord
from rotrack.records.session import Session, SessionValue, counting, readings_of
from rotrack.records.store import read_sessions
from rotrack.texts import Texts
from rotrack.texts.numbers import amount, seconds, speed, times


def rep_line(rep: Rep, tier: Tier) -> str:
    """Return a repetition as one line with markup."""
    marks = f"  [yellow]{escape('faults ' + ' '.join(rep.faults))}[/]" if rep.faults else ""
    why = f"  [dim]{escape(Texts().reason(rep.reason))}[/]" if rep.reason else ""
    why += "  [bold]dropped[/]" if rep.dropped else ""
    colour = "cyan" if rep.side is Side.LEFT else "dark_orange"
    if tier.is_counted:
        return (
            f"  [{colour}]{rep.side:5}[/]  cycle {rep.rep}  [bold]held {seconds(rep.hold_s)}[/]  "
            f"from {rep.start_s:.1f} to {rep.end_s:.1f} s{marks}{why}"
        )
    peak = amount(rep.peak_deg, rep.uncertainty_deg, tier)
    sign = tier.unit
    turned = f"  {fast}" if (fast := speed(rep.speed_deg_s, tier)) else ""
    return (
        f"  [{colour}]{rep.side:5}[/]  rep {rep.rep}  {rep.direction:8}  [bold]{peak:>12}[/]  "
        f"live {abs(rep.live_peak_deg):.1f}{sign}  hold {seconds(rep.hold_s)}{turned}{marks}{why}"
    )


def write_plot(session: Session) -> Path:
    """Write the curve of a session as a page into its folder; return the file."""
    path = session.folder / PLOT
    tier = session.record.tier
    if tier.is_counted:
        values = [f"{h.side}: {times(h.cycles, 'cycle')}, {seconds(h.total_s)} held" for h in held(session.rep_list) if h.cycles]
    else:
        values = [
            f"{v.side} {v.direction} {amount(v.value_deg, v.uncertainty_deg, tier, 0)}" for v in session.values if v.reps_used
        ]
    known = load_table().drills.get(session.record.drill)
    drill = known.title if known else session.record.drill
    about = [html.escape(drill), html.escape(session.person), f"{session.started_at:%Y-%m-%d}"]
    title = ", ".join(part for part in about if part)
    reps = session.reps[~session.reps.dropped.astype(bool)]
    write_html(session_figure(session.curve, reps, title, ", ".join(values), tier), path)
    return path


def print_session(session: Session) -> None:
    """Print the values of a session, and what to know before believing them."""
    record = session.record
    tier = record.tier
    if session.rep_list:
        OUT.print(_cycle_table(session) if tier.is_counted else _value_table(session))
    else:
        what = "cycle" if tier.is_counted else "repetition"
        until = f" in {record.duration_s:.0f} s" if isfinite(record.duration_s) else ""
        OUT.print(f"{escape(record.source.name)}: no {what} found{until}.")
    for arc in session.arcs:
        total, ratio = amount(arc.total_deg, arc.total_error_deg, tier), f"{arc.ratio:.2f} \u00b1 {arc.ratio_error:.2f}"
        OUT.print(f"  {arc.side}: total arc [bold]{total}[/], ratio of internal to external [bold]{ratio}[/]", soft_wrap=True)
    if turnout := session.turnout:
        OUT.print(f"  total turnout [bold]{amount(turnout.total_deg, turnout.error_deg, tier)}[/]", soft_wrap=True)
    if tier is Tier.B or (tier is Tier.A and record.measured != "hip rotation"):
        OUT.print(escape(f"  reads {record.measured}; tier {tier}: {tier.meaning}"), style="dim", soft_wrap=True)
    other: dict[str, int] = {}
    for movement in session.apart_list:
        other[movement.reason] = other.get(movement.reason, 0) + 1
    for reason, count in other.items():
        OUT.print(f"  [dim]noted, not counted: {count} x {escape(Texts().reason(reason))}[/]", soft_wrap=True)
    if not tier.is_counted:
        OUT.print(f"  [dim]{escape(_calibration_words(record))}[/]", soft_wrap=True)
    for note in record.calibration_notes:
        OUT.print(f"  [dim]{escape(Texts().said(note))}[/]", soft_wrap=True)
    advised: dict[str, list[str]] = {}
    for side, advice in record.camera_advice.items():
        advised.setdefault(advice, []).append(side)
    for advice, sides in advised.items():
        OUT.print(f"  [yellow]Camera ({' and '.join(sides)} leg):[/] {escape(Texts().reason(advice))}", soft_wrap=True)
    for told in session.remarks:
        OUT.print(f"  [yellow]Note:[/] {escape(Texts().said(told))}", soft_wrap=True)


def beside(folder: Path, data: Path) -> list[Session]:
    """Return the sessions of the data folder that a session is in; none if it is in none, or being measured."""
    place = folder.resolve()
    sessions: list[Session] = []
    with suppress(RecordError):  # a session is shown all the same
        sessions, _ = read_sessions(place.parent.parent if place.parent.name == "sessions" else data)
    return sessions if any(other.id == place.name for other in sessions) else []


def print_compared(session: Session, others: list[Session]) -> None:
    """Print what the values compare with, in the words of the page: left with right, now with before, what was published."""
    t, tier, drill = Texts(), session.record.tier, load_table().drills.get(session.record.drill)
    legs = legs_of(session, drill.directions if drill else ())
    found = standing(session, others)
    for direction in Direction:
        if {(side, direction) for side in Side} <= legs:
            words = sides_words(found.sides.get(direction), t)
            OUT.print(f"  [bold]{t('result.sides_heading')}, {t.direction(direction)}:[/] {words}", soft_wrap=True)
    for value in session.values if others else ():
        earlier = earlier_values(session, others, value.side, value.direction, 1)
        words = last_time_words(earlier[0], tier, t) if earlier else none_before_words(session, others, t)
        if earlier and (change := found.changes.get((value.side, value.direction))):
            words = f"{words}. {change_words(change, t)}"
        about = f"{t('result.before')}, {t.leg(value.side)}, {t.direction(value.direction)}"
        OUT.print(f"  [bold]{about}:[/] {words}", soft_wrap=True)
    norms = () if tier.is_index else norms_for(session.record.drill, session.record.motion)
    if norms:
        OUT.print(f"\n  [dim]{t('result.norms')}. {t('result.norms_not')}[/]", soft_wrap=True)
    for norm in norms:
        said = norm_words(norm, tier, t)
        what = f"{t.direction(norm.direction)} {said['mean']}: {said['who']}, {said['how']} ({said['source']})"
        OUT.print(f"  [dim]{escape(what)}[/]", soft_wrap=True)
    if norms:
        OUT.print()


def print_readings(session: Session, others: list[Session]) -> None:
    """Print what else was read of the movement of a session that was measured again, and which reading counts."""
    readings = readings_of(others).get(session.record.movement, [session])
    for other in readings:
        if other.id == session.id:
            continue
        kind = "the reading that counts" if other is counting(readings) else "another reading"
        values = "; ".join(map(partial(_in_words, other.record.tier), other.values)) or "no repetition"
        about = f"{kind}, measure version {other.record.measure_version}: {values} ({other.id})"
        OUT.print(f"  [dim]{escape(about)}[/]", soft_wrap=True)


def _in_words(tier: Tier, value: SessionValue) -> str:
    if tier.is_counted:
        shown = times(value.reps_valid, "cycle")
    else:
        shown = amount(value.value_deg, value.uncertainty_deg, tier) if value.reps_used else "none valid"
    return f"{value.side} {value.direction} {shown}"


def _session_table(session: Session, *columns: str) -> Table:
    record = session.record
    table = Table(title=escape(f"{record.source.name}: {record.drill}"), title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in ("side", "direction") else "right")
    return table


def _value_table(session: Session) -> Table:
    tier = session.record.tier
    table = _session_table(session, "side", "direction", "session value", "from", "repetitions")
    about = f"tier C: {tier.caption}; " if tier.is_index else ""
    table.caption, table.caption_justify = f"{about}\u00b1 is the error to expect (95 %)", "left"
    for value in session.values:
        shown = amount(value.value_deg, value.uncertainty_deg, tier) if value.reps_used else "none valid"
        how = "best" if session.record.rule.best < session.record.rule.first else "first"
        used = f"{how} {value.reps_used}" if value.reps_used else "-"
        table.add_row(value.side, value.direction, shown, used, counts(session, value))
    return table


def _cycle_table(session: Session) -> Table:
    table = _session_table(session, "side", "cycles", "longest hold", "held in all")
    table.caption, table.caption_justify = f"tier D: {Tier.D.caption}", "left"
    for found in held(session.rep_list):
        if found.cycles:
            table.add_row(found.side, str(found.cycles), seconds(found.longest_s), seconds(found.total_s))
    return table


def _calibration_words(record: SessionRecord) -> str:
    """Return what was known of camera and person, in words."""
    kinds = {"camera": "lens", "floor": "floor", "personal": "person"}
    names = ", ".join(f"{kinds.get(kind, kind)} from {name}" for kind, name in record.calibration_profiles.items())
    parts = [f"calibration: {record.calibration}" + (f" ({names})" if names else "")]
    if record.assumed_field_of_view_deg:
        parts.append(f"field of view assumed {record.assumed_field_of_view_deg:.0f} degrees")
    return ", ".join(parts)
