"""Step one: who, which drill, and where the camera goes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import run, ui
from nicegui.element import Element

from rotrack.app.live.studio import Phase
from rotrack.app.live.wishes import BOTH, LONGEST_BAND, MOST_REPS, Wishes, number, whole
from rotrack.app.pages.cameras import camera_choice, known_cameras
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, svg, tag, texts_of
from rotrack.core.drills import GROUPS, TIERS, Drill, load_table
from rotrack.core.errors import DrillError, RotrackError
from rotrack.core.model import Side
from rotrack.draw.drill_figures import drill_pictures, place_picture
from rotrack.people.names import Meant, meant
from rotrack.records.history import people
from rotrack.records.people import read_people, tidy
from rotrack.records.text import MAX_LOAD_KG
from rotrack.sensing.landmarker import MODELS
from rotrack.texts import Texts

PERSON = "person"
PEOPLE_SHOWN = 8
VALUE = "(e) => emit(e.target.value)"


def register(site: Site) -> None:
    """Declare the pages of this step."""

    @ui.page("/", response_timeout=PATIENCE_S)
    async def home(request: Request) -> None:
        known, who = await asyncio.to_thread(_who, site, request.query_params.get(PERSON))
        _home(site, request, known, who)

    @ui.page("/drill/{drill_id}", response_timeout=PATIENCE_S)
    async def drill(request: Request, drill_id: str) -> None:
        _, who = await asyncio.to_thread(_who, site, request.query_params.get(PERSON, ""))
        _drill(site, request, drill_id, who.name, await asyncio.to_thread(known_cameras, site.studio))


def _who(site: Site, asked: str | None) -> tuple[list[str], Meant]:
    """Return who was measured, the latest first, and who is meant: the latest if nobody was asked for."""
    try:
        archived = {person.name for person in read_people(site.data)[0] if person.archived}
        known = [name for name in people(site.data) if name not in archived]
        return known, meant(site.data, next(iter(known), "") if asked is None else asked)
    except RotrackError:  # the history page says it
        return [], Meant(tidy(asked or ""), True)


# ---------------------------------------------------------------------- who and what
def _home(site: Site, request: Request, known: list[str], who: Meant) -> None:
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
            if len(known) > PEOPLE_SHOWN:
                tag("p", t("choose.more_people", count=len(known) - PEOPLE_SHOWN), "hint")
            if not person:
                tag("p", t("choose.nobody"), "hint")
            if who.similar:
                with tag("p", classes="hint"):
                    tag("span", t("choose.similar", name=person, similar=who.similar) + " ")
                    tag("a", t("choose.similar_yes", similar=who.similar), href=f"/?{urlencode({PERSON: who.similar})}")
        table = load_table()
        for group in GROUPS:
            with tag("section", classes="group", aria_labelledby=f"group-{group}"):
                tag("h2", t.sentence(group), id=f"group-{group}")
                with tag("div", classes="cards"):
                    for drill in table.drills.values():
                        if drill.group == group:
                            _card(drill, person, _left_out(site, drill), t)


def _left_out(site: Site, drill: Drill) -> str:
    """Return why a drill is not measured on this page; empty if it is."""
    return "" if site.studio.legnet else drill.without_legnet


def _card(drill: Drill, person: str, left_out: str, t: Texts) -> None:
    query = f"?{urlencode({PERSON: person})}" if person else ""
    with tag("a", classes="card", href=f"/drill/{drill.id}{query}"):
        with tag("span", classes="pair", aria_hidden="true"):
            for picture in drill_pictures(drill.id):
                svg(picture)
        tag("strong", t.said(drill.title))
        with tag("span", classes="way"):
            tag("span", ", ".join(t.direction(direction) for direction in drill.directions))
        with tag("span", classes="tier"):
            tag("span", "–" if left_out else drill.tier, "grade" if left_out else f"grade {drill.tier}", aria_hidden="true")
            tag("span", t("choose.left_out") if left_out else t.said(TIERS[drill.tier]))
        with tag("span", classes="where"):
            svg(place_picture(drill.id, t("number.decimal")))
            tag("span", t(f"choose.view_{drill.place.view}"))


# ---------------------------------------------------------------------- how
def _drill(site: Site, request: Request, drill_id: str, person: str, cameras: dict[str, str]) -> None:
    t = texts_of(request)
    try:
        drill = load_table().drill(drill_id)
    except DrillError as error:
        with frame(site, request, "choose.title", narrow=True):
            tag("h1", t("choose.no_drill"))
            tag("p", t.said(str(error)))
            tag("a", t("choose.all"), "button", href="/")
        return
    wishes = Wishes.asked(request.query_params, drill, person)
    with frame(site, request, "choose.title"), tag("article", classes="drill"):
        back = f"/?{urlencode({PERSON: person})}"
        tag("a", t("choose.all"), "back", href=back)
        tag("h1", t.said(drill.title))
        with tag("p", classes="whose"):
            tag("strong", t("choose.measured", person=person) if person else t("choose.nobody"))
            tag("a", t("choose.another"), href=back)
        tag("p", t.said(drill.summary), "lead")
        with tag("div", classes="columns"):
            with tag("section", aria_labelledby="how"):
                with tag("div", classes="pair large", aria_hidden="true"):
                    for picture in drill_pictures(drill.id):
                        svg(picture)
                tag("h2", t("choose.how"), id="how")
                with tag("ol"):
                    for step in drill.steps:
                        tag("li", t.said(step))
                if drill.note:
                    tag("p", t.said(drill.note), "hint")
            with tag("section", aria_labelledby="where"):
                with tag("div", classes="place", aria_hidden="true"):
                    svg(place_picture(drill.id, t("number.decimal")))
                tag("h2", t("choose.where"), id="where")
                tag("p", t.said(drill.camera))
                tag("h2", t("choose.how_well"))
                left_out = _left_out(site, drill)
                tag("p", f"{t('choose.left_out')}: {t.said(left_out)}." if left_out else t.sentence(TIERS[drill.tier]) + ".")
                if left_out:
                    return
                _form(wishes, drill, t)
                camera_choice(site.studio, cameras, t)
        with tag("div", classes="go"):
            if site.studio.phase is Phase.MEASURE:
                tag("p", t("choose.running"), "hint")
            problem = tag("p", classes="problem", role="alert")
            start = tag("button", t("choose.start"), "primary", id="start")
            start.on("click", lambda: _start(site, drill, wishes, problem, t))


def _form(wishes: Wishes, drill: Drill, t: Texts) -> None:
    def wish(name: str, value: object) -> None:
        """Take a wish, also into the address: reloading the page and coming back to it lose nothing."""
        setattr(wishes, name, value)
        ui.navigate.history.replace(wishes.address(drill))

    with tag("div", classes="form"):
        with tag("fieldset"):
            tag("legend", t("choose.leg"))
            for choice in (BOTH, *Side):
                with tag("label", classes="radio"):
                    button = tag("input", type="radio", name="leg", value=choice, checked=choice == wishes.sides)
                    button.on("change", lambda choice=choice: wish("sides", str(choice)))
                    tag("span", t(f"leg.{choice}"))
        _field(t("choose.reps"), "reps", {"type": "number", "min": 0, "max": MOST_REPS, "value": wishes.reps},
               lambda text: wish("reps", whole(text)), t("choose.reps_hint"))  # fmt: skip
        chosen = wishes.model != MODELS[0] or wishes.keep_video or wishes.band or not math.isnan(wishes.load_kg)
        with tag("details", open=bool(chosen)):
            tag("summary", t("choose.more"))
            _field(t("choose.band"), "band", {"type": "text", "maxlength": LONGEST_BAND, "value": wishes.band or None},
                   lambda text: wish("band", text.strip()))  # fmt: skip
            load = None if math.isnan(wishes.load_kg) else f"{wishes.load_kg:g}"
            _field(t("choose.load"), "load", {"type": "number", "min": 0, "max": MAX_LOAD_KG, "step": 0.1, "value": load},
                   lambda text: wish("load_kg", number(text, 0, MAX_LOAD_KG)))  # fmt: skip
            with tag("label", classes="field"):
                tag("span", t("choose.model"))
                with tag("select", id="model").on("change", lambda e: wish("model", str(e.args)), js_handler=VALUE):
                    for model in MODELS:
                        tag("option", t(f"choose.model_{model}"), value=model, selected=model == wishes.model)
            with tag("label", classes="radio"):
                box = tag("input", type="checkbox", id="keep", checked=wishes.keep_video)
                box.on("change", lambda e: wish("keep_video", bool(e.args)), js_handler="(e) => emit(e.target.checked)")
                tag("span", t("choose.keep"))
            tag("p", t("choose.keep_hint"), "hint")


def _field(label: str, name: str, attributes: dict[str, Any], take: Callable[[str], None], hint: str = "") -> None:
    with tag("label", classes="field"):
        tag("span", label)
        field = tag("input", id=name, **attributes)
        field.on("input", lambda e: take(str(e.args)), js_handler=VALUE)
        if hint:
            tag("small", hint)


async def _start(site: Site, drill: Drill, wishes: Wishes, problem: Element, t: Texts) -> None:
    try:
        await run.io_bound(site.studio.prepare, wishes.plan(drill))
    except RotrackError as error:
        problem.clear()
        with problem:
            tag("span", t.said(str(error)))
        return
    ui.navigate.to("/live")
