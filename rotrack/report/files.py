"""Writes the report into files, and over nothing but reports."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rotrack.errors import InputError, RecordError
from rotrack.files import replace as replace_files
from rotrack.report.page import GENERATOR, html_of
from rotrack.report.paper import lacking, pdf_of
from rotrack.report.parts import Report

_MARK = GENERATOR.encode()
_LOOKED_AT = 1 << 20
"""So many bytes of the beginning and of the end of a file are looked through for the mark of a report."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, the page first, and what to know about them."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write_report(report: Report, path: Path, pdf: bool = True) -> Written:
    """Write a report as a page, and as a PDF of the same name beside it.

    Parameters
    ----------
    report : Report
        The report.
    path : Path
        The page.
    pdf : bool
        Whether the PDF is written, too.

    Raises
    ------
    InputError
        If there is a file of this name that is no report; nothing is written then.
    RecordError
        If the files cannot be written; those that were there are kept.
    """
    paths = [path, path.with_suffix(".pdf")] if pdf else [path]
    for there in paths:
        if there.exists() and not _is_report(there):
            raise InputError(f"{there} is there already and is no report of rotrack; choose another file with --to.")
    contents = {path: html_of(report).encode()}
    notes = []
    if pdf:
        contents[paths[1]] = pdf_of(report)
        letters = lacking(report)
        if letters:
            notes.append(f"The PDF cannot show {' '.join(letters)} in the name; print the page from a browser instead.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_files(contents)
    except OSError as error:
        why = error.strerror or error
        raise RecordError(f"The report cannot be written to {path} ({why}); choose another file with --to.") from error
    return Written(tuple(contents), tuple(notes))


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
