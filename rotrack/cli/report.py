"""The command `report`: one page and one PDF for the person who was measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rotrack.cli import completion
from rotrack.cli.console import nobody, opened, say_notes, shortened, whose
from rotrack.cli.options import DrillFilter, OutOption, RemeasureOption, SinceOption
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError
from rotrack.progress.change import read_progress
from rotrack.records.people import goals
from rotrack.records.session import Session
from rotrack.records.store import read_sessions
from rotrack.report.content import make_report, require_sessions
from rotrack.report.files import check_places, file_name, files_of, write_report
from rotrack.report.translated import translated
from rotrack.report.wording import Only
from rotrack.system.inputs import clean_text, name_key
from rotrack.texts import LANGUAGES, Texts


def report(
    person: Annotated[
        str | None,
        typer.Option(
            "--person", "-p", help="Whose report; needed only if several people are in the log.", autocompletion=completion.people
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="The page to write, ending in .html; the PDF comes beside it. Default: here, named by person and date.",
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Also write the PDF.")] = True,
    drill: DrillFilter = None,
    since: SinceOption = None,
    language: Annotated[
        str, typer.Option("--language", help=f"Language of the report: {' or '.join(LANGUAGES)}.", metavar="CODE")
    ] = "en",
    practice: Annotated[str, typer.Option("--practice", help="Name of the practice, at the top.")] = "",
    comment: Annotated[str, typer.Option("--comment", help="A comment below the three sentences.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names that are not reports.")] = False,
    out: OutOption = None,
    remeasure: RemeasureOption = True,
) -> None:
    """Write a report for the person who was measured: a page that opens without a network, and a PDF.

    It begins with three sentences. Then, per drill: every session in the band of measurement error, the repetitions of the latest
    session, left against right, faults over time. Published values are in a separate box. Method and limits are on the last page.
    Every run writes a new report and overwrites only earlier reports, unless you add --overwrite. It never diagnoses.

    Example: rotrack report --person Ana --to ana.html
    """
    Texts(language)  # an unknown one is refused before the work begins
    data = opened(out, remeasure)
    if drill:
        load_table().drill(drill)  # an unknown one is named with the known ones
    sessions, _ = read_sessions(data)
    name, only = _person(data, person, sessions), Only(drill, since.date() if since else None)
    require_sessions(sessions, name, only)
    today = date.today()
    path = to or Path(f"{file_name(name, today)}.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"The page must be a file that ends in .html, not '{path.name}'; the PDF is written beside it.")
    check_places(files_of(path, pdf), overwrite)
    with ERR.status("Writing the report ..."):
        progress = read_progress(data, name, only.drill, None, only.since)
        made = make_report(progress, name, today, metadata.version("rotrack"), only, goals(data, name))
        made = replace(translated(made, language), practice=clean_text(practice), comment=clean_text(comment))
        written = write_report(made, path, pdf, overwrite)
    for sentence in made.sentences:
        OUT.print(escape(sentence), soft_wrap=True)
    OUT.print()
    for file in written.files:
        OUT.print(f"{'page' if file == path else 'PDF':5} {escape(str(file))}", soft_wrap=True)
    say_notes((*shortened(progress.problems), *written.notes))


def _person(data: Path, person: str | None, sessions: list[Session]) -> str:
    """Return whose report it is: the one who was asked for, or the only one in the log."""
    names = sorted({session.person for session in sessions if session.rep_list} - {""})
    if not names:
        read_progress(data)  # which explains it if there is no log at all
        raise InputError(f"There is nothing to report: no name is in the log in {data} yet; measure with --person NAME first.")
    if person is None and len(names) == 1:
        return names[0]
    if person is None:
        raise InputError(f"Several people are in the log; say whose report it is with --person. In the log: {', '.join(names)}.")
    name = whose(data, person) or ""
    if name_key(name) not in map(name_key, names):
        raise InputError(f"There is nothing to report. {nobody(data, person)}")
    return name
