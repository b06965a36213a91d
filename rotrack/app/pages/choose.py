"""Step one: who, and which drill or programme."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from rotrack.app.live.courses import under_way
from rotrack.app.pages.drill import PERSON, left_out
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, place_of, private, svg, tag
from rotrack.app.pages.programmes import going_on, read_in, title_of
from rotrack.core.drills import GROUPS, Drill, load_table
from rotrack.core.errors import RotrackError
from rotrack.draw.drill_figures import drill_pictures
from rotrack.people.names import Meant, meant
from rotrack.records.history import people
from rotrack.records.people import read_people, tidy
from rotrack.records.programmes import Course, Programme, due, read_programmes
from rotrack.texts import Texts

PEOPLE_SHOWN = 8
COURSES_SHOWN = 3


def register(site: Site) -> None:
    """Declare the page."""

    @ui.page("/", response_timeout=PATIENCE_S)
    async def home(request: Request) -> None:
        hidden = private(request)
        known, who = await asyncio.to_thread(_who, site, request.query_params.get(PERSON, "" if hidden else None))
        known = [] if hidden else known
        programmes, _ = await asyncio.to_thread(read_programmes, site.data)
        courses = [] if hidden else (await asyncio.to_thread(under_way, site.studio))[:COURSES_SHOWN]
        today = await asyncio.to_thread(_due, site, programmes, who.name)
        _home(site, request, known, who, programmes, courses, today)


def _who(site: Site, asked: str | None) -> tuple[list[str], Meant]:
    """Return who was measured, the latest first, and who is meant: the latest if nobody was asked for."""
    try:
        archived = {person.name for person in read_people(site.data)[0] if person.archived}
        known = [name for name in people(site.data) if name not in archived]
        return known, meant(site.data, next(iter(known), "") if asked is None else asked)
    except RotrackError:  # the history page says it
        return [], Meant(tidy(asked or ""), True)


def _due(site: Site, programmes: Sequence[Programme], person: str) -> list[str]:
    """Return the programmes that are due for a person."""
    with suppress(RotrackError):  # the page of people says it
        return due(site.data, programmes, person, site.studio.clock.now().date())
    return []


# ---------------------------------------------------------------------- who and what
def _home(
    site: Site, request: Request, known: list[str], who: Meant,
    programmes: Sequence[Programme], courses: Sequence[tuple[Course, str]],
    today: Sequence[str],
) -> None:  # fmt: skip
    person = who.name
    with frame(site, request, "choose.title", "choose") as t:
        tag("h1", t("choose.heading"))
        with tag("section", classes="people", aria_labelledby="who"):
            tag("h2", t("choose.who"), id="who")
            with tag("div", classes="chips"):
                for name in dict.fromkeys([*([person] if person else []), *known[:PEOPLE_SHOWN]]):
                    tag("a", name, "chip", href=f"/?{urlencode({PERSON: name})}", aria_current="true" if name == person else None)
                if known:
                    tag("a", t("choose.no_name"), "chip", href=f"/?{PERSON}=", aria_current=None if person else "true")
                with tag("form", classes="add", method="get", action="/"):
                    tag("label", t("choose.add"), "unseen", for_="add")
                    tag("input", id="add", name=PERSON, placeholder=t("choose.add"), required=True, maxlength=60,
                        autocomplete="off", list="known")  # fmt: skip
                    with tag("datalist", id="known"):
                        for name in known:
                            tag("option", value=name)
                    tag("button", t("button.add"), "quiet", type="submit")
                tag("a", t("choose.everybody"), href="/people")
            if len(known) > PEOPLE_SHOWN:
                tag("p", t("choose.more_people", count=len(known) - PEOPLE_SHOWN), "hint")
            if not person:
                tag("p", t("choose.nobody"), "hint")
            if who.similar:
                with tag("p", classes="hint"):
                    tag("span", t("choose.similar", name=person, similar=who.similar) + " ")
                    tag("a", t("choose.similar_yes", similar=who.similar), href=f"/?{urlencode({PERSON: who.similar})}")
        _programmes(site, sorted(programmes, key=lambda one: one.id not in today), courses, today, person, t)
        table = load_table()
        tag("h2", t("choose.single"), "part")
        for group in GROUPS:
            with tag("section", classes="group", aria_labelledby=f"group-{group}"):
                tag("h2", t.sentence(group), id=f"group-{group}")
                with tag("div", classes="cards"):
                    for drill in table.drills.values():
                        if drill.group == group:
                            _card(drill, person, left_out(site, drill), t)


def _programmes(
    site: Site,
    programmes: Sequence[Programme],
    courses: Sequence[tuple[Course, str]],
    today: Sequence[str],
    person: str,
    t: Texts,
) -> None:
    """Offer what is under way, and the programmes, with what is due today and the everyday test first."""
    with tag("section", classes="group", aria_labelledby="programmes"):
        tag("h2", t("choose.programmes"), id="programmes")
        for course, whose in courses:
            with tag("p", classes="under-way"):
                tag("a", going_on(course, t), "button", href=f"/course/{course.id}")
                tag("span", whose or t("choose.no_name"), "hint")
        with tag("div", classes="cards programmes"):
            for programme in programmes:
                query = f"?{urlencode({PERSON: person})}" if person else ""
                with tag("a", classes=f"card {programme.id}", href=f"/programme/{programme.id}{query}"):
                    with tag("span", classes="pair", aria_hidden="true"):
                        ends = [drill_pictures(step.drill)[1] for step in programme.steps[:2]]
                        for picture in ends if len(ends) > 1 else drill_pictures(programme.steps[0].drill):
                            svg(picture)
                    tag("strong", title_of(programme, t))
                    tag("span", t("programme.drills", count=len(programme.steps)), "hint")
                    if programme.id in today:
                        tag("span", t("choose.due"), "due")
        read_in(site, t)


def _card(drill: Drill, person: str, why_not: str, t: Texts) -> None:
    query = f"?{urlencode({PERSON: person})}" if person else ""
    with tag("a", classes="card", href=f"/drill/{drill.id}{query}"):
        with tag("span", classes="pair", aria_hidden="true"):
            for picture in drill_pictures(drill.id):
                svg(picture)
        tag("strong", t.said(drill.title))
        with tag("span", classes="way"):
            tag("span", ", ".join(t.direction(direction) for direction in drill.directions))
        with tag("span", classes="tier"):
            tag("span", "–" if why_not else drill.tier, "grade" if why_not else f"grade {drill.tier}", aria_hidden="true")
            tag("span", t("choose.left_out") if why_not else t.said(drill.tier.meaning))
        with tag("span", classes="where"):
            svg(place_of(drill, t))
            tag("span", t(f"choose.view_{drill.place.view}"))
