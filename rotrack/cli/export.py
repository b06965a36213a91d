"""The command that writes sessions for other programs: tables, and files for biomechanics tools."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rotrack.cli import completion
from rotrack.cli.console import opened, whose
from rotrack.cli.options import DrillFilter, OutOption, PersonFilter
from rotrack.cli.terminal import ERR
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RecordError, RotrackError
from rotrack.core.model import Side
from rotrack.exchange.export import (
    Exported,
    Format,
    destinations,
    mot,
    redcap_dictionary,
    redcap_table,
    tidy_table,
    trc,
    visits_table,
    wide_table,
)
from rotrack.exchange.parcel import packed
from rotrack.exchange.sheets import XLSX, xlsx_bytes
from rotrack.records.folders import being_written
from rotrack.records.history import newest, only, table_bytes
from rotrack.records.session import Session
from rotrack.records.store import find_session, read_sessions
from rotrack.system.files import check_free, explained, make_folder, write_for_person
from rotrack.texts.numbers import times

_TABLES = {
    Format.TIDY: tidy_table,
    Format.WIDE: wide_table,
    Format.VISITS: visits_table,
    Format.REDCAP: redcap_table,
}


def export(
    to: Annotated[
        Path,
        typer.Option("--to", help="File or folder to write. A name without an ending is a folder.", metavar="FILE_OR_FOLDER"),
    ],
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids, beginnings of ids, folders, or last; without any, all sessions. `rotrack history` lists them.",
            metavar="SESSION...",
            show_default=False,
            autocompletion=completion.sessions,
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            "-f",
            help="tidy, wide, visits, redcap, redcap-dictionary: tables; mot, trc: files for OpenSim, one per session; sessions: "
            "one file for another rotrack.",
        ),
    ] = Format.TIDY,
    person: PersonFilter = None,
    drill: DrillFilter = None,
    side: Annotated[Side | None, typer.Option("--side", "-s", help="Only this leg: the subject's own side. Not for trc.")] = None,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="In CSV: 34,5 and semicolons, as spreadsheets of most of Europe want it.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    out: OutOption = None,
) -> None:
    """Write sessions for a spreadsheet, for statistics, or for biomechanics tools.

    [bold]tidy[/]: a table with one row per repetition and everything that is known of it.

    [bold]wide[/]: a table with one row per session and leg: the values with their errors (95 %), side by side.

    [bold]visits[/]: a table with one row per person, day and drill: both legs and directions side by side.

    [bold]redcap[/]: the visits under names that REDCap takes; docs/export.md lists the fields that its project needs.

    [bold]redcap-dictionary[/]: those fields as a data dictionary, for making the project; no session is needed.

    [bold]mot[/]: the hip rotation over time for OpenSim, in degrees, internal rotation positive on both sides.

    [bold]trc[/]: the landmarks over time as the pose model guesses them in space, in metres, as markers for OpenSim and Pose2Sim.

    [bold]sessions[/]: the sessions themselves in one file, without videos, for `rotrack import` on another computer.

    Of a session that was measured again, the latest reading is written, unless you name another. Nothing is replaced without
    --overwrite.

    Tables are CSV, or .xlsx if the name after --to ends in .xlsx.
    Example: rotrack export --format visits --person Ana --to ana.xlsx
    """
    if form in (Format.TRC, Format.SESSIONS) and side:
        what = "A .trc holds the whole person" if form is Format.TRC else "Sessions are written whole"
        raise InputError(f"{what}, so --side means nothing for it; leave it out.")
    if decimal_comma and (form not in _TABLES or form is Format.REDCAP or to.suffix.lower() == XLSX):
        raise InputError("--decimal-comma is for the tables tidy, wide and visits as CSV; leave it out.")
    if form is Format.REDCAP_DICTIONARY:
        (path,) = destinations(to, form, [])
        check_free(path, overwrite)
        _write(path, table_bytes(redcap_dictionary()).removeprefix(BOM_UTF8), overwrite)
        return
    data = opened(out)
    asked = _asked(data, sessions or [], person, drill)
    if form is Format.MOT and not sessions:
        asked = _with_degrees(asked)
    paths = destinations(to, form, [session.id for session in asked])
    for path in paths:
        check_free(path, overwrite)
    if form.per_session:
        _write_each(asked, paths, form, side, overwrite)
        return
    if form is Format.SESSIONS:
        _write(paths[0], packed(data, asked), overwrite)
        ERR.print(f"{times(len(asked), 'session')} written to {escape(str(paths[0]))}", soft_wrap=True)
        return
    table = _TABLES[form](asked, side)
    if table.empty:
        raise InputError(f"No repetition{f' of the {side} leg' if side else ''} is in these sessions; choose others.")
    as_xlsx = paths[0].suffix.lower() == XLSX
    contents = xlsx_bytes(table, str(form)) if as_xlsx else table_bytes(table, decimal_comma=decimal_comma)
    _write(paths[0], contents.removeprefix(BOM_UTF8) if form is Format.REDCAP else contents, overwrite)
    ERR.print(f"{times(len(table), 'row')} written to {escape(str(paths[0]))}", soft_wrap=True)


def _write(path: Path, contents: bytes, overwrite: bool) -> None:
    with explained(path):
        make_folder(path.parent)
    write_for_person(path, contents, overwrite)


def _write_each(asked: Sequence[Session], paths: Sequence[Path], form: Format, side: Side | None, overwrite: bool) -> None:
    """Write a file per session; those that cannot be written are named, and the exit code is theirs."""
    problems: list[RotrackError] = []
    notes, written = [], []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True) as progress:
        for session, path in progress.track(list(zip(asked, paths, strict=True)), description="writing"):
            try:
                made = _made(session, form, side)
            except RotrackError as error:
                problems.append(error)
                continue
            _write(path, made.contents, overwrite)
            written.append(path)
            if made.note:
                notes.append(f"{path.name}: {made.note}")
    for note in notes:
        ERR.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)
    if len(written) == 1:
        ERR.print(f"written to {escape(str(written[0]))}", soft_wrap=True)
    elif written:
        ERR.print(f"{times(len(written), 'file')} written to {escape(str(written[0].parent))}", soft_wrap=True)
    for problem in problems:
        ERR.print(f"[bold red]rotrack:[/] {escape(str(problem))}", soft_wrap=True)
    if problems:
        raise typer.Exit(max(problem.exit_code for problem in problems))


def _made(session: Session, form: Format, side: Side | None) -> Exported:
    return mot(session, side) if form is Format.MOT else trc(session)


def _asked(data: Path, names: Sequence[str], person: str | None, drill: str | None) -> list[Session]:
    """Return the sessions that were named, else the latest reading of all; only those of person and drill."""
    if drill is not None:
        load_table().drill(drill)  # tells of a mistyped name
    if names:
        read = cache(read_sessions)
        named = [_named(find_session(data, name).resolve(), read) for name in names]
        found = list({session.folder: session for session in named}.values())
    else:
        logged, problems = read_sessions(data)
        for problem in problems:
            ERR.print(f"[yellow]Note:[/] {escape(problem)}", soft_wrap=True)
        found = newest(logged)
    asked = only(found, whose(data, person), drill)
    if not asked:
        what = " of ".join(filter(None, [f"'{drill}'" if drill else "", f"'{person}'" if person is not None else ""]))
        where = "in the sessions that you named" if names else f"in {data}"
        raise InputError(f"Nothing{f' of {what}' if what else ''} is logged {where}; `rotrack history` lists what there is.")
    return asked


def _named(folder: Path, read: Callable[[Path], tuple[list[Session], list[str]]]) -> Session:
    """Return the session in a folder, which lies in a data folder, as `read_sessions` reads it."""
    if folder.parent.name != "sessions":
        raise InputError(f"{folder} lies in no data folder; only sessions under DATA/sessions can be exported.")
    sessions, problems = read(folder.parent.parent)
    for session in sessions:
        if session.folder.resolve() == folder:
            return session
    if being_written(folder):
        raise RecordError(f"The session {folder.name} is being measured right now; end it first.")
    raise RecordError(next((p for p in problems if str(folder.name) in p), f"The session in {folder} cannot be used."))


def _with_degrees(sessions: Sequence[Session]) -> list[Session]:
    """Return the sessions that measure degrees, and say how many do not."""
    measured = [s for s in sessions if s.record.tier.in_degrees]
    if not measured:
        raise InputError(
            "None of these sessions measures degrees of hip rotation, so there is no .mot; choose tidy, wide or trc."
        )
    if len(measured) < len(sessions):
        without = times(len(sessions) - len(measured), "session")
        ERR.print(f"[yellow]Note:[/] {without} of tier C or D left out: no degrees of hip rotation.", soft_wrap=True)
    return measured
