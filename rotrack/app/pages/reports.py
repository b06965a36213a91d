"""The report of a person, from the page: shown, or taken along as a PDF; nothing of it is kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from datetime import date
from importlib import metadata
from urllib.parse import urlencode

from fastapi import Request, Response
from nicegui import app

from rotrack.app.pages.layout import Site, tag, texts_of
from rotrack.app.policy import POLICY, report_policy
from rotrack.core.errors import RotrackError
from rotrack.people.names import meant
from rotrack.progress.change import read_progress
from rotrack.records.history import only
from rotrack.records.people import goals
from rotrack.records.store import read_sessions
from rotrack.report.content import make_report
from rotrack.report.document import Report
from rotrack.report.files import file_name
from rotrack.report.html import html_of
from rotrack.report.pdf import lacking, pdf_of
from rotrack.report.translated import translated
from rotrack.system.inputs import clean_text
from rotrack.texts import Texts

LONGEST_PRACTICE, LONGEST_COMMENT = 120, 1000
MAKE = "x-make"
"""Header of a request that wants a report to be made and kept in memory until it is asked for."""
MOST_KEPT = 2


def register(site: Site) -> None:
    """Declare the report as a page and as a PDF, the same as `rotrack report --person NAME` writes."""
    kept: OrderedDict[str, Response] = OrderedDict()

    @app.get("/report.{kind}")
    def report(request: Request, kind: str, person: str = "", practice: str = "", comment: str = "") -> Response:
        t = texts_of(request)
        asked = f"{t.language} {t.units} {request.url}"
        if MAKE in request.headers:  # it is asked for anew once it is there, and what waits for it can say so until then
            kept[asked] = _report(site, t, kind, person, practice, comment)
            while len(kept) > MOST_KEPT:
                kept.popitem(last=False)
            return Response(status_code=204)
        return kept.pop(asked, None) or _report(site, t, kind, person, practice, comment)


def _report(site: Site, t: Texts, kind: str, person: str, practice: str, comment: str) -> Response:
    """Return the report of a person as it is sent."""
    try:
        name = meant(site.data, person).name
        known = name and any(session.rep_list for session in only(read_sessions(site.data)[0], name))
        if kind not in ("html", "pdf") or not known:
            return Response(t("progress.report_of_nobody"), 404, media_type="text/plain")
        wanted = goals(site.data, name)
        made = make_report(read_progress(site.data, name), name, date.today(), metadata.version("rotrack"), goals=wanted)
    except RotrackError as error:
        return Response(t.said(str(error)), 404, media_type="text/plain")
    practice, comment = clean_text(practice)[:LONGEST_PRACTICE], clean_text(comment)[:LONGEST_COMMENT]
    made = replace(translated(made, t.language, t.units), practice=practice, comment=comment)
    head = {
        "Content-Disposition": f"{'inline' if kind == 'html' else 'attachment'}; "
        f'filename="{file_name(name, made.made_on)}.{kind}"',
        "Cache-Control": "no-store",
    }
    if kind == "pdf":
        return Response(pdf_of(made), media_type="application/pdf", headers=head)
    page = html_of(made)
    return Response(page, media_type="text/html; charset=utf-8", headers={**head, POLICY: report_policy(page)})


def report_links(person: str, t: Texts) -> None:
    """Add the ways to a person's report, what may stand in it, and which letters of the name the PDF cannot show."""
    query = urlencode({"person": person})
    with tag("div", classes="buttons"):
        address, making = f"/report.html?{query}", t("progress.report_making")
        with tag("a", classes="button report", href=address, target="_blank", rel="noopener", data_making=making):
            tag("span", t("progress.report"))
            tag("span", "\u00a0" + t("progress.report_tab"), "unseen")  # the report has no way back
            tag("span", "\u00a0\u2197", aria_hidden="true")
        tag("a", t("progress.report_pdf"), "button report", href=f"/report.pdf?{query}")
    tag("p", t("progress.report_making"), "hint", id="making", role="status", hidden=True)
    with tag("details", classes="report-note"):
        tag("summary", t("progress.report_note"))
        with tag("label", classes="field"):
            tag("span", t("progress.report_practice"))
            tag("input", id="practice", maxlength=LONGEST_PRACTICE)
        with tag("label", classes="field"):
            tag("span", t("progress.report_comment"))
            tag("textarea", id="comment", rows=3, maxlength=LONGEST_COMMENT)
    letters = lacking(Report(person.strip(), "", "", ("", "", ""), (), date.today(), ""))
    if letters:
        tag("p", t("progress.report_letters", letters=" ".join(letters)), "hint")
