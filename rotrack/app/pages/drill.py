"""Step two: how a drill goes, where the camera goes, and what is chosen for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import run, ui

from rotrack.app.live.courses import begin_drill, go_on, take_camera, take_wishes, wishes_of
from rotrack.app.live.studio import Phase
from rotrack.app.live.wishes import BOTH, MOST_REPS, NOTED, Wishes, number, possible, whole
from rotrack.app.pages.cameras import camera_choice, known_cameras
from rotrack.app.pages.dialogs import ask_once
from rotrack.app.pages.layout import (
    PATIENCE_S,
    Site,
    choice_words,
    frame,
    option_words,
    place_of,
    pressed_once,
    svg,
    tag,
    take_care,
    texts_of,
    variants_of,
)
from rotrack.core.drills import Drill, Fault, load_table
from rotrack.core.errors import DrillError, RotrackError
from rotrack.core.model import Side
from rotrack.draw.drill_figures import drill_pictures
from rotrack.people.names import meant
from rotrack.records.options import Option
from rotrack.records.people import care_of, tidy
from rotrack.records.programmes import Course
from rotrack.sensing.landmarker import MODELS
from rotrack.texts import Texts

PERSON = "person"
VALUE = "(e) => emit(e.target.value)"


def register(site: Site) -> None:
    """Declare the page."""

    @ui.page("/drill/{drill_id}", response_timeout=PATIENCE_S)
    async def drill(request: Request, drill_id: str) -> None:
        person = await asyncio.to_thread(_whose, site, request.query_params.get(PERSON, ""))
        try:
            wishes = Wishes.asked(request.query_params, load_table().drill(drill_id), person)
        except DrillError as error:
            _unknown(site, request, str(error))
            return
        _Offer(site, request, wishes, await asyncio.to_thread(known_cameras, site.studio))


def show_course(site: Site, request: Request, course: Course, person: str, cameras: dict[str, str]) -> None:
    """Show the page of a drill as its course has it: what is chosen anew is kept there, until it was measured."""
    _Offer(site, request, wishes_of(course, 0, person), cameras, course)


def to_live(course_id: str) -> None:
    """Go to the live page; the way back leads to the course."""
    ui.navigate.history.replace(f"/course/{course_id}")
    ui.navigate.to("/live")


def left_out(site: Site, drill: Drill) -> str:
    """Return why a drill is not measured on this page; empty if it is."""
    return "" if site.studio.legnet else drill.without_legnet


def avoided(site: Site, person: str, drill: Drill) -> bool:
    """Return whether somebody is not to do a drill; the page of people says what cannot be read."""
    with suppress(RotrackError):
        return care_of(site.data, person, drill).avoided
    return False


def _whose(site: Site, asked: str) -> str:
    """Return the name of who is meant."""
    try:
        return meant(site.data, asked).name
    except RotrackError:  # the history page says it
        return tidy(asked)


def _unknown(site: Site, request: Request, why: str) -> None:
    with frame(site, request, "choose.title", narrow=True) as t:
        tag("h1", t("choose.no_drill"))
        tag("p", t.said(why))
        tag("a", t("choose.all"), "button", href="/")


class _Offer:
    """A drill with what can be chosen for it; what was chosen stands in the address, or in the course that it belongs to."""

    def __init__(
        self, site: Site, request: Request, wishes: Wishes, cameras: dict[str, str], course: Course | None = None
    ) -> None:
        self._site, self._wishes, self._t = site, wishes, texts_of(request, course.language if course else "")
        self._open = course if course and course.next_step is not None else None
        self._measured = course.session_of(0) if course else ""
        with frame(site, request, "choose.title", language=course.language if course else ""):
            self._show(wishes.plan.drill, wishes.plan.person, cameras)

    def _show(self, drill: Drill, person: str, cameras: dict[str, str]) -> None:
        t, back = self._t, f"/?{urlencode({PERSON: person})}"
        with tag("article", classes="drill"):
            tag("a", t("choose.all"), "back", href=back)
            tag("h1", t.said(drill.title))
            with tag("p", classes="whose"):
                tag("strong", t("choose.measured", person=person) if person else t("choose.nobody"))
                tag("a", t("choose.another"), href=back)
            if self._measured:
                with tag("p", classes="notice"):
                    tag("span", t("choose.was_measured") + " ")
                    tag("a", t("course.open"), href=f"/session/{self._measured}")
            take_care(self._site, person, t, drill)
            tag("p", t.said(drill.summary), "lead")
            with tag("div", classes="columns"):
                self._how(drill)
                with tag("section", aria_labelledby="where"):
                    with tag("div", classes="place", aria_hidden="true"):
                        svg(place_of(drill, t))
                    tag("h2", t("choose.where"), id="where")
                    tag("p", t.said(drill.camera))
                    tag("h2", t("choose.how_well"))
                    why_not = left_out(self._site, drill)
                    tag("p", f"{t('choose.left_out')}: {t.said(why_not)}." if why_not else t.sentence(drill.tier.meaning) + ".")
                    if why_not:
                        return
                    self._form()
                    camera_choice(self._site.studio, cameras, t, self._keep_camera)
            with tag("div", classes="go"):
                if self._site.studio.phase is Phase.MEASURE:
                    tag("p", t("choose.running"), "hint")
                self._problem = tag("p", classes="problem", role="alert")
                start = tag("button", t("choose.start"), "primary", id="start")
                if avoided(self._site, person, drill):
                    what = t("care.ask_what", person=person, drill=t.said(drill.title))
                    ask_once(start, "avoided", t("care.ask"), what, t("care.yes"), t("care.no"), pressed_once(self._start))
                else:
                    start.on("click", pressed_once(self._start))

    def _how(self, drill: Drill) -> None:
        t = self._t
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
            for which, faults in zip(("watched", "unseen"), load_table().faults_of(drill), strict=True):
                if faults:
                    tag("p", t(f"choose.{which}", faults="; ".join(_fault(fault, drill, t) for fault in faults)), "hint")

    def _form(self) -> None:
        t, request, reps = self._t, self._wishes.plan.request, self._wishes.plan.reps
        wish = self._wish
        with tag("div", classes="form"):
            with tag("fieldset"):
                tag("legend", t("choose.leg"))
                for choice in (BOTH, *Side):
                    with tag("label", classes="radio"):
                        button = tag("input", type="radio", name="leg", value=choice, checked=choice == request.side)
                        button.on("change", partial(wish, "side", str(choice)))
                        tag("span", t(f"leg.{choice}"))
            if variants := variants_of(self._wishes.plan.drill.id, t):
                with tag("label", classes="field"):
                    tag("span", t("noted.variant"))
                    with tag("select", id="variant").on("change", lambda e: wish("variant", str(e.args)), js_handler=VALUE):
                        for name, title in variants.items():
                            tag("option", title, value=name, selected=name == request.variant)
            _field(t("choose.reps"), "reps", {"type": "number", "min": 0, "max": MOST_REPS, "value": reps},
                   lambda text: wish("reps", whole(text)), t("choose.reps_hint"))  # fmt: skip
            with tag("details", open=self._wishes.unusual):
                tag("summary", t("choose.more"))
                for name, option in NOTED.items():
                    if not option.clinic and name != "variant":
                        _noted(option, getattr(request, name), partial(wish, name), t)
                with tag("label", classes="field"):
                    tag("span", t("choose.model"))
                    with tag("select", id="model").on("change", lambda e: wish("model", str(e.args)), js_handler=VALUE):
                        for model in MODELS:
                            tag("option", t(f"choose.model_{model}"), value=model, selected=model == request.model)
                with tag("label", classes="radio"):
                    box = tag("input", type="checkbox", id="keep", checked=request.annotate)
                    box.on("change", lambda e: wish("annotate", bool(e.args)), js_handler="(e) => emit(e.target.checked)")
                    tag("span", t("choose.keep"))
                tag("p", t("choose.keep_hint"), "hint")
            clinic = {name: option for name, option in NOTED.items() if option.clinic}
            with tag("details", open=bool(clinic.keys() & request.asked.keys())):
                tag("summary", t("noted.clinic"))
                for name, option in clinic.items():
                    _noted(option, getattr(request, name), partial(wish, name), t)

    # ------------------------------------------------------------------ what is chosen
    async def _wish(self, name: str, value: object) -> None:
        """Take a wish, also into the course or the address: reloading the page and coming back to it lose nothing."""
        self._wishes.take(**{name: value})
        if self._open is None:
            ui.navigate.history.replace(self._wishes.address)
        else:
            await self._try(partial(take_wishes, self._site.studio, self._open, self._wishes))

    async def _keep_camera(self) -> None:
        if self._open is not None:
            await self._try(partial(take_camera, self._site.studio, self._open.id))

    async def _start(self) -> None:
        if await self._try(self._begin) and self._open is not None:
            to_live(self._open.id)

    def _begin(self) -> None:
        studio = self._site.studio
        if self._open is None:
            self._open = begin_drill(studio, self._wishes, self._t.language)
        go_on(studio, self._open, 0)

    async def _try(self, what: Callable[[], object]) -> bool:
        """Do something, or say why it cannot be done."""
        self._problem.clear()
        try:
            await run.io_bound(what)
        except RotrackError as error:
            with self._problem:
                tag("span", self._t.said(str(error)))
            return False
        return True


def _fault(fault: Fault, drill: Drill, t: Texts) -> str:
    title = t.said(fault.title)
    return t("choose.of_one_leg", fault=title) if fault.of_other_leg and len(drill.legs) > 1 else title


def _noted(option: Option, value: Any, wish: Callable[[Any], object], t: Texts) -> None:
    """Add a field for what can be noted."""
    if option.choices:
        with tag("label", classes="field"):
            tag("span", option_words(option, t))
            with tag("select", id=option.name).on("change", lambda e: wish(str(e.args)), js_handler=VALUE):
                for choice in option.offered:
                    tag("option", choice_words(choice, t), value=choice, selected=choice == value)
        return
    label, units = option_words(option, t), t.units
    if option.kind is not float:
        written = {"type": "text", "maxlength": option.longest, "value": option.written(value) or None}
        _field(label, option.name, written, lambda text: wish(possible(option, text)))
        return
    least, most, now = (units.shown(amount, option.unit) for amount in (option.least, option.most, value))
    attributes = {"type": "number", "min": least, "max": most, "step": "any", "value": option.written(now) or None}
    _field(label, option.name, attributes, lambda text: wish(units.kept(number(text, least, most), option.unit)))


def _field(label: str, name: str, attributes: dict[str, Any], take: Callable[[str], object], hint: str = "") -> None:
    with tag("label", classes="field"):
        tag("span", label)
        field = tag("input", id=name, **attributes)
        field.on("input", lambda e: take(str(e.args)), js_handler=VALUE)
        if hint:
            tag("small", hint)
