"""The report of a person, from the page: shown, or taken along as a PDF; nothing of it is kept."""

from __future__ import annotations

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
from rotrack.records.store import read_sessions
from rotrack.report.content import make_report
from rotrack.report.document import Report
from rotrack.report.files import file_name
from rotrack.report.html import html_of
from rotrack.report.pdf import lacking, pdf_of
from rotrack.texts import Texts


def register(site: Site) -> None:
    """Declare the report as a page and as a PDF, the same as `rotrack report --person NAME` writes."""

    @app.get("/report.{kind}")
    def report(request: Request, kind: str, person: str = "") -> Response:
        t = texts_of(request)
        try:
            name = meant(site.data, person).name
            known = name and any(session.rep_list for session in only(read_sessions(site.data)[0], name))
            if kind not in ("html", "pdf") or not known:
                return Response(t("progress.report_of_nobody"), 404, media_type="text/plain")
            made = make_report(read_progress(site.data, name), name, date.today(), metadata.version("rotrack"))
        except RotrackError as error:
            return Response(t.said(str(error)), 404, media_type="text/plain")
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
    """Add the ways to a person's report, and which letters of the name the PDF cannot show."""
    query = urlencode({"person": person})
    with tag("div", classes="buttons"):
        with tag("a", classes="button", href=f"/report.html?{query}", hreflang="en", target="_blank", rel="noopener"):
            tag("span", t("progress.report"))
            tag("span", "\u00a0" + t("progress.report_tab"), "unseen")  # the report has no way back
            tag("span", "\u00a0\u2197", aria_hidden="true")
        tag("a", t("progress.report_pdf"), "button", href=f"/report.pdf?{query}", hreflang="en")
    letters = lacking(Report(person.strip(), "", "", ("", "", ""), (), date.today(), ""))
    if letters:
        tag("p", t("progress.report_letters", letters=" ".join(letters)), "hint")
