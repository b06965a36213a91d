"""The commands that take in what others measured, and compare it: import, agreement."""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rotrack.charts.sessions import agreement_figure, page_bytes
from rotrack.cli.completion import people
from rotrack.cli.console import name_to_log, opened, shortened, whose
from rotrack.cli.options import DrillFilter, JsonOption, OutOption, PersonFilter
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.drills import load_table
from rotrack.core.errors import DOUBTFUL, InputError
from rotrack.core.model import Direction, Side
from rotrack.exchange.merge import merge_sessions
from rotrack.exchange.parcel import is_parcel, unpacked
from rotrack.exchange.typed import Form, UndecidedDatesError, import_readings, write_template
from rotrack.progress.agreement import (
    GRAVITY,
    LEAST_PAIRS,
    NO_RATER,
    WITHIN_H,
    Agreement,
    Interval,
    Pairing,
    Pairs,
    agreement_of,
    cautions,
    limit_precision,
    pair_readings,
    repetition_table,
    subjects_of,
)
from rotrack.progress.values import session_table
from rotrack.records.days import Order
from rotrack.records.history import newest
from rotrack.records.readings import Merged, read_readings
from rotrack.records.store import read_sessions
from rotrack.system.files import check_free, write_for_person
from rotrack.system.inputs import name_key
from rotrack.texts.numbers import times, to_json

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there already.")]


# ---------------------------------------------------------------------- import
def import_(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A data folder of another computer, a file of its sessions (.zip), or a table of readings: .csv or .xlsx.",
            metavar="PATH",
        ),
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="Write an empty table for readings into this file.", metavar="FILE")
    ] = None,
    dates: Annotated[Order | None, typer.Option("--dates", help="What a date such as 03.04.2026 begins with.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help='What a column holds: "IRO li=left internal", "Visit=date". Several are allowed.',
            metavar="NAME=MEANING",
        ),
    ] = None,
    same: Annotated[
        list[str] | None,
        typer.Option(
            "--same", help="What is the same in every row: drill=seated-combined. Several are allowed.", metavar="COLUMN=VALUE"
        ),
    ] = None,
    sheet: Annotated[str, typer.Option("--sheet", help="Sheet of an .xlsx; default: the first that holds anything.")] = "",
    person: Annotated[
        str,
        typer.Option(
            "--person",
            "-p",
            help="Name of the person here, if all sessions are of one person.",
            metavar="NAME",
            autocompletion=people,
        ),
    ] = "",
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Import sessions from another computer, or readings of a goniometer or phone.

    A folder: its sessions are imported once, with their curves, landmarks and videos, and the records of the people. Nothing that
    is here already changes.
    Example: rotrack import /media/stick/rotrack

    A file that `rotrack export --format sessions` wrote: the same, without videos. If the person has another name
    here, say so with --person. Example: rotrack import ana.zip --person "Ana Silva"

    A table, .csv or .xlsx as your spreadsheet saves it: one row per reading, columns taken_at, person, drill, side, direction,
    value_deg, instrument, and if you like rater, note and rep. The chart marks the readings beside the sessions, and
    `rotrack agreement` compares them. Example: rotrack import --template readings.csv, fill it in, then rotrack import
    readings.csv

    One row per visit works, too: a column "left internal" or "IR left" holds values of that leg and direction. Example: rotrack
    import visits.xlsx --column "IRO li=left internal" --same drill=seated-combined --same instrument=goniometer

    rotrack names what it cannot read and leaves it out. Importing again adds only what is new.
    """
    if template:
        write_template(template, overwrite)
        ERR.print(f"written to {escape(str(template))}", soft_wrap=True)
    if path is None:
        if template is None:
            raise InputError("Say what to import: a data folder or a CSV table. `rotrack import --template FILE` writes a table.")
        return
    form = Form(dates, _pairs_of(column or [], "--column"), _pairs_of(same or [], "--same"), sheet)
    is_log = path.is_dir() or is_parcel(path)
    _check_options(is_log, form, person)
    data = opened(out)
    if is_log:
        merged = _import_log(data, path, person)
        kinds = {"session": merged, "reading": merged.readings or Merged(0, 0)}
    else:
        merged = _import_table(data, path, form)
        kinds = {"reading": merged}
    problems = [list(found.problems) for found in kinds.values()]
    notes = [text for found in kinds.values() for text in found.notes]
    if json:
        counts = {f"{kind}s": {"added": found.added, "already_there": found.already_there} for kind, found in kinds.items()}
        print(to_json({**counts, "problems": [text for told in problems for text in told], "notes": notes}))
    else:
        for kind, found in kinds.items():
            if kind == "session" or len(kinds) == 1 or found.added or found.already_there:
                OUT.print(f"{times(found.added, kind)} added, {found.already_there} already there.")
    _tell("[yellow]Note:[/]", notes)
    for told in problems:
        _tell("[bold red]rotrack:[/]", told)
    if any(problems):
        raise typer.Exit(DOUBTFUL)


def _check_options(is_log: bool, form: Form, person: str) -> None:
    if person and not is_log:
        raise InputError("--person is for sessions; in a table of readings a column says whose they are, or --same person=NAME.")
    if is_log and form != Form():
        raise InputError("--dates, --column, --same and --sheet are for a table of readings; leave them out for sessions.")


def _import_log(data: Path, path: Path, person: str) -> Merged:
    """Take in the sessions of a folder or of a file, as this person's if one is named."""
    person = name_to_log(data, person) if person else ""
    with nullcontext(path) if path.is_dir() else unpacked(path) as other:
        return _merge(data, other, person)


def _import_table(data: Path, path: Path, form: Form) -> Merged:
    """Take in a table; on a terminal it is asked what its dates begin with where nothing in it tells."""
    try:
        return import_readings(data, path, form)
    except UndecidedDatesError as undecided:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        ERR.print(escape(str(undecided).partition(";")[0] + "."), soft_wrap=True)
        day_first = typer.confirm("Do they begin with the day?", default=None, err=True)
        return import_readings(data, path, replace(form, dates=Order.DAY_FIRST if day_first else Order.MONTH_FIRST))


def _pairs_of(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return what `NAME=MEANING` options say."""
    pairs = [text.rpartition("=") for text in texts]
    for text, (name, sign, meaning) in zip(texts, pairs, strict=True):
        if not (name.strip() and sign and meaning.strip()):
            raise InputError(f"{option} '{text}' is not of the form NAME=MEANING; see `rotrack import --help`.")
    return {name.strip(): meaning.strip() for name, _, meaning in pairs}


def _tell(mark: str, sentences: Sequence[str]) -> None:
    """Print sentences of one kind; of very many the first ones and how many more there are."""
    for text in shortened(sentences):
        ERR.print(f"{mark} {escape(text)}", soft_wrap=True)


def _merge(data: Path, other: Path, person: str) -> Merged:
    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TextColumn("sessions"), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True) as progress:
        task = progress.add_task("", total=None)
        return merge_sessions(
            data, other, lambda total: progress.update(task, total=total), lambda: progress.advance(task), person
        )


# ---------------------------------------------------------------------- agreement
class Zero(StrEnum):
    """From where rotrack's angle is counted."""

    GRAVITY = GRAVITY
    NEUTRAL = "neutral"


_ZEROS = {GRAVITY: "against gravity", "neutral pose": "from the neutral pose"}


def agreement(
    person: PersonFilter = None,
    drill: DrillFilter = None,
    side: Annotated[Side | None, typer.Option("--side", "-s", help="Only this leg: the subject's own side.")] = None,
    direction: Annotated[Direction | None, typer.Option("--direction", help="Only this direction.")] = None,
    instrument: Annotated[str | None, typer.Option("--instrument", "-i", help="Only readings of this instrument.")] = None,
    rater: Annotated[str | None, typer.Option("--rater", "-r", help="Only readings of this rater.")] = None,
    within: Annotated[
        float, typer.Option("--within", help="Hours that reading and session may be apart.", min=0, metavar="HOURS")
    ] = WITHIN_H,
    pair: Annotated[
        Pairing, typer.Option("--pair", help="What is compared: sessions (several readings are averaged), repetitions, or holds.")
    ] = Pairing.SESSION,
    zero: Annotated[
        Zero | None,
        typer.Option(
            "--zero",
            help="rotrack's angle against gravity or from its neutral pose; default: gravity for phone and inclinometer.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="Write the recipe with the table to fill in, on one page (PDF), and end.", metavar="FILE"),
    ] = None,
    language: Annotated[str, typer.Option("--language", help="Language of the sheet: en or de.")] = "en",
    plot: Annotated[Path | None, typer.Option("--plot", help="Write the Bland-Altman plot as a page.", metavar="FILE")] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Compare rotrack with readings of a goniometer or phone, as Bland and Altman do.

    Each reading is paired with the session nearest in time, of the same person, drill, side and direction, or with a repetition
    of it: --pair. Bias is rotrack minus the instrument; 95 % of differences lie between the limits of agreement. Everything has
    its 95 % confidence interval. Each rater has pairs of their own; --rater selects one rater.

    Begin with the recipe: rotrack agreement --sheet recipe.pdf. `rotrack import` imports the readings. Example: rotrack
    agreement --drill seated-combined --pair repetition --plot agreement.html
    """
    if sheet:
        from rotrack.exchange.protocol import protocol_pdf  # what draws PDF is large

        write_for_person(sheet, protocol_pdf(language), overwrite)
        ERR.print(f"written to {escape(str(sheet))}", soft_wrap=True)
        return
    if plot:
        check_free(plot, overwrite)
    data = opened(out)
    if drill is not None:
        load_table().drill(drill)  # tells of a mistyped name
    wanted = {
        "person": whose(data, person), "drill": drill, "side": side, "direction": direction,
        "instrument": instrument and instrument.strip().casefold(), "rater": rater and rater.strip(),
    }  # fmt: skip
    chosen = {column: str(value) for column, value in wanted.items() if value is not None}
    pairs, problems = _read_pairs(data, chosen, within, pair, zero)
    found = {str(name): table for name, table in pairs.table.groupby("instrument", sort=False)}
    enough = {name: table for name, table in found.items() if len(table) >= LEAST_PAIRS}
    few = ", ".join(f"{name}: {times(len(table), 'pair')}" for name, table in found.items() if name not in enough)
    if plot and len(enough) > 1:
        raise InputError(f"There are readings of {' and '.join(enough)}; choose one for the plot with --instrument.")
    agreements = {name: agreement_of(table.rotrack_deg, table.reading_deg, subjects_of(table)) for name, table in enough.items()}
    if json and agreements:
        print(to_json(_document(agreements, pairs, problems)))
    for name, known in agreements.items():
        if not json:
            _print_agreement(name, known, enough[name])
        if plot:
            names, raters = enough[name].person.unique(), enough[name].rater.unique()
            title = f"rotrack against {name}" + (f", {names[0]}" if len(names) == 1 else "")
            title += f", read by {raters[0]}" if len(raters) == 1 and raters[0] else ""
            write_for_person(plot, page_bytes(agreement_figure(enough[name], known, html.escape(title))), overwrite)
            ERR.print(f"plot written to {escape(str(plot))}", soft_wrap=True)
    notes = [f"{times(left.readings, 'reading')} not compared: {left.reason}." for left in pairs.unpaired]
    notes += [f"Too few to compare: {few}."] if few and agreements else []
    for told in (notes, problems):
        _tell("[yellow]Note:[/]", told)
    if not agreements:
        raise InputError(
            f"At least {LEAST_PAIRS} pairs of reading and session are needed ({few or 'there is none'}); "
            "measure with both on the same day, or allow more time with --within HOURS."
        )


def _read_pairs(
    data: Path, wanted: dict[str, str], within_h: float, pairing: Pairing, zero: Zero | None
) -> tuple[Pairs, list[str]]:
    """Return the readings that are wanted with the sessions that they are compared with, and sentences about damaged lines."""
    readings, problems = read_readings(data)
    if not len(readings):
        raise InputError(f"There are no readings in {data} yet; `rotrack import --template FILE` writes a table to fill in.")
    there = f"there are some of these instruments: {', '.join(dict.fromkeys(readings.instrument))}"
    if "rater" in wanted:
        there += f", of these raters: {', '.join(name or NO_RATER for name in dict.fromkeys(readings.rater))}"
    for column, value in wanted.items():
        named = column in ("person", "rater")
        readings = readings[readings[column].map(name_key) == name_key(value) if named else readings[column] == value]
    if not len(readings):
        raise InputError(f"There is no reading of {', '.join(wanted.values())}; {there}.")
    sessions, damaged = read_sessions(data)
    counted = newest(sessions)
    gravity = None if zero is None else zero is Zero.GRAVITY
    pairs = pair_readings(readings, session_table(counted), within_h, pairing, repetition_table(counted), gravity)
    return pairs, problems + damaged


def _print_agreement(name: str, found: Agreement, table: Any) -> None:
    names = sorted(set(table.person))
    days = sorted(table.date)
    when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    whom = f"{found.pairs} pairs of {escape(names[0]) if len(names) == 1 else f'{len(names)} people'}, {when}"
    OUT.print(f"[bold]rotrack against {escape(name)}: {whom}[/]", soft_wrap=True)
    raters = ", ".join(f"{escape(rater)} ({times(count, 'pair')})" for rater, count in _raters(table).items())
    OUT.print(f"read by: {raters}", soft_wrap=True)
    zeros = ", ".join(_ZEROS.get(zero, zero) for zero in dict.fromkeys(table.zero))
    OUT.print(f"rotrack's angle: {escape(zeros)}", soft_wrap=True)
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "", "95 % confidence interval"):
        shown.add_column(column, justify="left")
    shown.add_row("bias (rotrack minus it)", f"{found.bias_deg:+.1f}\u00b0", _interval(found.bias))
    parts = (
        f"between them {found.between_deg:.1f}\u00b0, within {found.within_deg:.1f}\u00b0" if isfinite(found.within_deg) else ""
    )
    shown.add_row("SD of the differences", f"{found.sd_deg:.1f}\u00b0", parts)
    shown.add_row("lower limit of agreement", f"{found.lower_deg:+.1f}\u00b0", _interval(found.lower))
    shown.add_row("upper limit of agreement", f"{found.upper_deg:+.1f}\u00b0", _interval(found.upper))
    icc = found.icc.interval
    shown.add_row(
        "ICC(2,1)", f"{found.icc.value:.2f}" if isfinite(found.icc.value) else "\u2013",
        f"{icc.low:.2f} to {icc.high:.2f}" if isfinite(icc.low) and isfinite(icc.high) else "\u2013",
    )  # fmt: skip
    shown.add_row("SEM", f"{found.sem_deg:.1f}\u00b0", "")
    shown.add_row("MDC95", f"{found.mdc95_deg:.1f}\u00b0", "")
    OUT.print(shown)
    OUT.print("[dim]SEM: SD of the differences / \u221a2, the bias is not in it. MDC95: 1.96 \u221a2 SEM.[/]", soft_wrap=True)
    if found.subjects >= LEAST_PAIRS and found.subjects == table.person.nunique():
        known = (found.upper.high - found.upper.low) / 2
        more = known * limit_precision(2 * found.subjects, 1.0) / limit_precision(found.subjects, 1.0)
        OUT.print(
            f"[dim]{found.subjects} people: the limits are known to about \u00b1{known:.1f}\u00b0; {2 * found.subjects} people "
            f"would make it \u00b1{more:.1f}\u00b0.[/]",
            soft_wrap=True,
        )
    OUT.print()
    for text in cautions(found, table):
        ERR.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)


def _raters(table: Any) -> dict[str, int]:
    """Return how many pairs each rater has, by name."""
    return {str(rater) or NO_RATER: len(theirs) for rater, theirs in table.groupby("rater")}


def _interval(interval: Interval) -> str:
    return f"{interval.low:+.1f} to {interval.high:+.1f}\u00b0"


def _document(agreements: dict[str, Agreement], pairs: Pairs, problems: list[str]) -> dict[str, Any]:
    tables = {name: pairs.table[pairs.table.instrument == name] for name in agreements}
    shown = pairs.table.assign(
        taken_at=pairs.table.taken_at.map(lambda time: time.isoformat()), time=pairs.table.time.map(lambda time: time.isoformat())
    )
    return {
        "instruments": [
            {"instrument": name, "raters": _raters(tables[name]), **asdict(found), "cautions": cautions(found, tables[name])}
            for name, found in agreements.items()
        ],
        "pairs": shown.to_dict("records"),
        "unpaired": [asdict(left) for left in pairs.unpaired],
        "problems": problems,
    }
