"""Writes the report into files, and unasked over nothing but reports."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rotrack.core.errors import InputError
from rotrack.report.document import GENERATOR, Report
from rotrack.system.files import check_free, explained, make_folder, write_for_person

_MARK = GENERATOR.encode()
_LOOKED_AT = 1 << 20
"""How many bytes at the beginning and at the end of a file are searched for the mark of a report."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, the page first, and what to know about them."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write_report(report: Report, path: Path, pdf: bool = True, overwrite: bool = False) -> Written:
    """Write a report as a page, and as a PDF of the same name beside it.

    Parameters
    ----------
    report : Report
        The report.
    path : Path
        The page.
    pdf : bool
        Whether the PDF is written, too.
    overwrite : bool
        Whether files of these names may be replaced that are no reports.

    Raises
    ------
    InputError
        If there is a file of this name that is no report, or the file belongs to the log; nothing is written then.
    RecordError
        If a file cannot be written; the one that was there is kept.
    """
    from rotrack.report.html import html_of  # what draws figures for paper takes long to load
    from rotrack.report.pdf import lacking, pdf_of

    paths = files_of(path, pdf)
    check_places(paths, overwrite)
    contents = {path: html_of(report).encode()}
    notes = []
    if pdf:
        contents[paths[1]] = pdf_of(report)
        letters = lacking(report)
        if letters:
            notes.append(f"The PDF cannot show {' '.join(letters)} in the name; print the page from a browser instead.")
    with explained(path, option="--to"):
        make_folder(path.parent)
    for place, content in contents.items():
        write_for_person(place, content, overwrite=True, option="--to")
    return Written(tuple(contents), tuple(notes))


def files_of(path: Path, pdf: bool = True) -> tuple[Path, ...]:
    """Return the files of a report: the page, and the PDF beside it."""
    return (path, path.with_suffix(".pdf")) if pdf else (path,)


def check_places(paths: Iterable[Path], overwrite: bool = False) -> None:
    """Check that a report may be written; to be called before the work for it begins.

    Raises
    ------
    InputError
        If there is a file that is no report and may not be replaced, or that belongs to the log.
    """
    for path in paths:
        check_free(path, overwrite=True)
        if not overwrite and path.exists() and not _is_report(path):
            raise InputError(
                f"{path} is there already and is no report of rotrack; choose another file with --to, "
                "or replace it with --overwrite."
            )


def file_name(person: str, made_on: date) -> str:
    """Return the name of a report's files without its ending, as every file system takes it: `rotrack-report-ana-2026-06-20`."""
    letters = unicodedata.normalize("NFKD", person)
    plain = re.sub(r"[^\w]+", "-", letters.encode("ascii", "ignore").decode()).strip("-").lower()[:60]
    return f"rotrack-report-{plain or 'person'}-{made_on.isoformat()}"


def _is_report(path: Path) -> bool:
    """Return whether a file says of itself that it is a report, or is empty."""
    try:
        with path.open("rb") as file:
            found = file.read(_LOOKED_AT)
            size = path.stat().st_size
            file.seek(max(size - _LOOKED_AT, 0))
            return not size or _MARK in found or _MARK in file.read()
    except OSError:
        return False
