"""A programme before it begins, and a course through it: what comes next, the rest before it, and how it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from nicegui import app, run, ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from rotrack.app.live.courses import go_on
from rotrack.app.live.studio import Phase
from rotrack.app.live.wishes import NOTED
from rotrack.app.pages.cameras import known_cameras
from rotrack.app.pages.drill import VALUE, avoided, show_course, to_live
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
)
from rotrack.app.pages.values import amounts
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RotrackError
from rotrack.core.model import Side
from rotrack.draw.drill_figures import drill_pictures, moving_picture
from rotrack.people.names import meant
from rotrack.progress.compare import standing
from rotrack.progress.wording import change_words, sides_words
from rotrack.records.people import MAX_GOAL_DEG
from rotrack.records.programmes import (
    BOTH,
    LONGEST_HOLD_S,
    LONGEST_REST_S,
    LONGEST_TITLE,
    MOST_DAYS,
    MOST_REPS,
    Course,
    Programme,
    ProgrammeStep,
    begin_course,
    find_course,
    new_id,
    parse_programme,
    person_of,
    read_programmes,
    ready_programmes,
    remove_programme,
    step_over,
    write_programme,
)
from rotrack.records.session import Session
from rotrack.records.store import read_sessions
from rotrack.sensing.landmarker import MODELS
from rotrack.system.inputs import json_bytes
from rotrack.texts import Texts

_RULE = NOTED["value_rule"]


def register(site: Site) -> None:
    """Declare the pages."""

    @ui.page("/programme/{programme_id}", response_timeout=PATIENCE_S)
    async def programme(request: Request, programme_id: str) -> None:
        found = await asyncio.to_thread(_find, site, programme_id)
        person = (await asyncio.to_thread(meant, site.data, request.query_params.get("person", ""))).name
        if found is None:
            _missing(site, request, texts_of(request)("programme.missing"))
        else:
            _programme(site, request, found, person)

    @ui.page("/programme/{programme_id}/change", response_timeout=PATIENCE_S)
    async def change(request: Request, programme_id: str) -> None:
        found = await asyncio.to_thread(_find, site, programme_id)
        if found is None:
            _missing(site, request, texts_of(request)("programme.missing"))
        else:
            _Editor(site, request, found)

    @ui.page("/course/{course_id}", response_timeout=PATIENCE_S)
    async def course(request: Request, course_id: str) -> Response | None:
        try:
            found, person, sessions = await asyncio.to_thread(_gather, site, course_id)
        except RotrackError as error:
            _missing(site, request, texts_of(request).said(str(error)))
            return None
        if found.single:
            if _led_here(request) and found.session_of(0):
                return RedirectResponse(f"/session/{found.session_of(0)}")
            show_course(site, request, found, person, await asyncio.to_thread(known_cameras, site.studio))
        elif found.next_step is None:
            _over(site, request, found, person, sessions)
        else:
            _next(site, request, found, person, found.next_step)
        return None

    @app.get("/programme/{programme_id}/file")
    def file(programme_id: str) -> Response:
        found = _find(site, programme_id)
        if found is None:
            return Response(status_code=404)
        return Response(json_bytes(found), media_type="application/json",
                        headers={"Content-Disposition": f'attachment; filename="{found.id}.rotrack.json"'})  # fmt: skip


def title_of(programme: Programme, t: Texts) -> str:
    """Return the title of a programme; those that come with rotrack are translated."""
    return t.said(programme.title)


def going_on(course: Course, t: Texts) -> str:
    """Return the words of what leads back to a course."""
    title, count = title_of(course.programme, t), len(course.programme.steps)
    if course.single:
        return t("choose.under_way_single", title=title)
    return t("choose.under_way", title=title, number=(course.next_step or 0) + 1, count=count)


def _led_here(request: Request) -> bool:
    """Return whether the last drill has led here, so that it goes on by itself."""
    return request.query_params.get("on") == "yes"


def _find(site: Site, programme_id: str) -> Programme | None:
    return next((programme for programme in read_programmes(site.data)[0] if programme.id == programme_id), None)


def _gather(site: Site, course_id: str) -> tuple[Course, str, list[Session]]:
    course = find_course(site.data, course_id)
    sessions = read_sessions(site.data)[0] if any(done.session_id for done in course.done) else []
    return course, person_of(site.data, course), sessions


def _missing(site: Site, request: Request, why: str) -> None:
    with frame(site, request, "programme.title", narrow=True) as t:
        tag("h1", t("programme.missing"))
        tag("p", why)
        tag("a", t("choose.all"), "button", href="/")


# ---------------------------------------------------------------------- before it begins
def _programme(site: Site, request: Request, programme: Programme, person: str) -> None:
    with frame(site, request, "programme.title"), tag("article", classes="drill programme"):
        t = texts_of(request)
        back = f"/?{urlencode({'person': person})}"
        tag("a", t("choose.all"), "back", href=back)
        tag("h1", title_of(programme, t))
        with tag("p", classes="whose"):
            tag("strong", t("choose.measured", person=person) if person else t("choose.nobody"))
            tag("a", t("choose.another"), href=back)
        take_care(site, person, t)
        with tag("ol", classes="steps"):
            for step in programme.steps:
                _step(site, step, person, t)
        chosen = {"model": MODELS[0], "keep": False}
        with tag("div", classes="form"):
            with tag("label", classes="field"):
                tag("span", t("choose.model"))
                select = tag("select", id="model")
                select.on("change", lambda e: chosen.update(model=str(e.args)), js_handler="(e) => emit(e.target.value)")
                with select:
                    for model in MODELS:
                        tag("option", t(f"choose.model_{model}"), value=model, selected=model == MODELS[0])
            with tag("label", classes="radio"):
                box = tag("input", type="checkbox", id="keep")
                box.on("change", lambda e: chosen.update(keep=bool(e.args)), js_handler="(e) => emit(e.target.checked)")
                tag("span", t("choose.keep"))
        with tag("div", classes="go"):
            if site.studio.phase is Phase.MEASURE:
                tag("p", t("choose.running"), "hint")
            problem = tag("p", classes="problem", role="alert")
            start = tag("button", t("programme.start"), "primary", id="start")
            start.on("click", pressed_once(partial(_start, site, programme, person, chosen, problem, t)))
            tag("button", t("programme.print"), "quiet").on("click", js_handler="() => print()")
            tag("a", t("programme.file"), "button quiet", href=f"/programme/{programme.id}/file")
            tag("a", t("programme.change"), "button quiet", href=f"/programme/{programme.id}/change")


def _step(site: Site, step: ProgrammeStep, person: str, t: Texts) -> None:
    drill = load_table().drill(step.drill)
    with tag("li", classes="step"):
        with tag("span", classes="pair", aria_hidden="true"):
            for picture in drill_pictures(drill.id):
                svg(picture)
        with tag("div"):
            tag("strong", t.said(drill.title))
            tag("p", how_much(step, t), "hint")
            if left_out := ("" if site.studio.legnet else drill.without_legnet):
                tag("p", f"{t('choose.left_out')}: {t.said(left_out)}.", "hint")
            if avoided(site, person, drill):
                tag("p", t("programme.avoided"), "notice")
            with tag("ol", classes="paper"):  # for the way home
                for words in drill.steps:
                    tag("li", t.said(words))


def how_much(step: ProgrammeStep, t: Texts) -> str:
    """Return legs and number of a step in words: `both legs, 5 times`."""
    legs = t(f"leg.{step.sides}")
    words = [t("programme.times", legs=legs, count=step.reps) if step.reps else legs]
    words += [t("programme.to", degrees=step.target_deg)] if step.target_deg else []
    words += [t("programme.held", seconds=step.hold_s)] if step.hold_s else []
    return ", ".join(words)


async def _start(site: Site, programme: Programme, person: str, chosen: dict[str, Any], problem: Element, t: Texts) -> None:
    steps = tuple(s for s in programme.steps if site.studio.legnet or not load_table().drill(s.drill).without_legnet)
    try:
        if not steps:
            raise InputError("No drill of this programme can be measured without the leg network.")
        steps = tuple(step for step in steps if not avoided(site, person, load_table().drill(step.drill)))
        if not steps:
            raise InputError("This person is not to do any drill of this programme.")
        able = msgspec.structs.replace(programme, steps=steps)
        course_id = await asyncio.to_thread(_begin, site, able, person, chosen, t.language)
    except RotrackError as error:
        _say(problem, t.said(str(error)))
        return
    to_live(course_id)


def _say(problem: Element, words: str) -> None:
    problem.clear()
    with problem:
        tag("span", words)


def _begin(site: Site, programme: Programme, person: str, chosen: dict[str, Any], language: str) -> str:
    """Begin a course of a programme; return its id."""
    studio = site.studio
    studio.ask_about_clock()  # before there is a course
    course = begin_course(
        site.data, programme, person, chosen["model"], chosen["keep"], studio.camera, language, clock=studio.clock
    )
    go_on(studio, course)
    return course.id


# ---------------------------------------------------------------------- changed, or read in
class _Editor:
    """A programme as a list of rows; one that comes with rotrack is kept as a copy under another id."""

    def __init__(self, site: Site, request: Request, programme: Programme) -> None:
        self._site, self._t, self._of = site, texts_of(request), programme
        self._own = programme not in ready_programmes()
        self._title = programme.title if self._own else title_of(programme, self._t)
        self._steps, self._every_days = list(programme.steps), programme.every_days
        t = self._t
        with frame(site, request, "programme.title", narrow=True), tag("article", classes="drill"):
            tag("a", title_of(programme, t), "back", href=f"/programme/{programme.id}")
            tag("h1", t("programme.change"))
            with tag("label", classes="field"):
                tag("span", t("programme.name"))
                field = tag("input", id="title", value=self._title, maxlength=LONGEST_TITLE)
                field.on("input", lambda e: setattr(self, "_title", str(e.args)), js_handler=VALUE)
            with tag("label", classes="field"):
                tag("span", t("programme.every_days"))
                days = tag("input", id="every", type="number", value=str(self._every_days), min=0, max=MOST_DAYS, step=1)
                days.on("input", self._often, js_handler=VALUE)
                tag("small", t("programme.every_days_hint"))
            self._rows = tag("ol", classes="rows")
            self._show()
            with tag("div", classes="buttons"):
                tag("button", t("programme.more"), "quiet", id="more").on("click", self._more)
            self._problem = tag("p", classes="problem", role="alert")
            with tag("div", classes="buttons"):
                tag("button", t("programme.keep"), "primary", id="keep-it").on("click", self._keep)
                if self._own:
                    tag("button", t("programme.remove"), "quiet", id="remove").on("click", self._remove)

    def _show(self) -> None:
        self._rows.clear()
        with self._rows:
            for number, step in enumerate(self._steps):
                self._row(number, step)

    def _row(self, number: int, step: ProgrammeStep) -> None:
        t = self._t

        def choose(name: str, read: Callable[[str], Any]) -> Callable[[Any], None]:
            def take(event: GenericEventArguments) -> None:
                with suppress(ValueError):  # what is no number yet is not taken
                    self._steps[number] = msgspec.structs.replace(self._steps[number], **{name: read(str(event.args))})

            return take

        with tag("li", classes="row"):
            with tag("select", aria_label=t("programme.drill")).on("change", choose("drill", str), js_handler=VALUE):
                for drill in load_table().drills.values():
                    tag("option", t.said(drill.title), value=drill.id, selected=drill.id == step.drill)
            with tag("select", aria_label=t("choose.leg")).on("change", choose("sides", str), js_handler=VALUE):
                for side in (BOTH, *Side):
                    tag("option", t(f"leg.{side}"), value=side, selected=side == step.sides)
            for name, read, value, most in (
                ("reps", int, step.reps, MOST_REPS),
                ("rest_s", float, round(step.rest_s), LONGEST_REST_S),
                ("target_deg", float, round(step.target_deg), MAX_GOAL_DEG),
                ("hold_s", float, round(step.hold_s), LONGEST_HOLD_S),
            ):
                with tag("label", classes="small"):
                    tag("span", t(f"programme.{name}"))
                    field = tag("input", type="number", value=str(value), min=0, max=int(most), step=1)
                    field.on("input", choose(name, read), js_handler=VALUE)
            with tag("label", classes="small rule"):
                tag("span", option_words(_RULE, t))
                with tag("select").on("change", partial(self._choose_rule, number), js_handler=VALUE):
                    for choice in _RULE.offered:
                        tag(
                            "option",
                            choice_words(choice, t),
                            value=choice,
                            selected=choice == step.chosen.get(_RULE.name, _RULE.default),
                        )
            if len(self._steps) > 1:
                away = tag("button", "\u2715", "quiet", aria_label=t("programme.away", number=number + 1))
                away.on("click", partial(self._away, number))

    def _choose_rule(self, number: int, event: GenericEventArguments) -> None:
        step = self._steps[number]
        chosen = {name: text for name, text in step.chosen.items() if name != _RULE.name}
        rule = {} if event.args == _RULE.default else {_RULE.name: str(event.args)}
        self._steps[number] = msgspec.structs.replace(step, chosen=chosen | rule)

    def _often(self, event: GenericEventArguments) -> None:
        with suppress(ValueError):  # what is no number yet is not taken
            self._every_days = int(str(event.args) or 0)

    def _more(self) -> None:
        self._steps.append(self._steps[-1])
        self._show()

    def _away(self, number: int) -> None:
        del self._steps[number]
        self._show()

    async def _keep(self) -> None:
        try:
            own_id = self._of.id if self._own else new_id(self._title)
            steps = [msgspec.to_builtins(step) for step in self._steps]
            kept = parse_programme({"id": own_id, "title": self._title, "steps": steps, "every_days": self._every_days})
            await run.io_bound(write_programme, self._site.data, kept)
        except RotrackError as error:
            _say(self._problem, self._t.said(str(error)))
            return
        ui.navigate.to(f"/programme/{kept.id}")

    async def _remove(self) -> None:
        try:
            await run.io_bound(remove_programme, self._site.data, self._of.id)
        except RotrackError as error:
            _say(self._problem, self._t.said(str(error)))
            return
        ui.navigate.to("/")


def read_in(site: Site, t: Texts) -> None:
    """Add a way to read in a programme that was saved as a file, perhaps elsewhere; it gets an id of its own."""
    with tag("label", classes="read-in"):
        tag("span", t("programme.read_in"), "button quiet")
        field = tag("input", type="file", id="read-in", accept=".json,application/json", classes="unseen")
    problem = tag("p", classes="problem", role="alert")

    async def take(event: GenericEventArguments) -> None:
        try:
            found = parse_programme(_json(str(event.args)))
            kept = msgspec.structs.replace(found, id=new_id(found.title))
            await run.io_bound(write_programme, site.data, kept)
        except RotrackError as error:
            _say(problem, t.said(str(error)))
            return
        ui.navigate.to(f"/programme/{kept.id}")

    field.on("change", take, js_handler="async (e) => emit((await e.target.files[0].slice(0, 200000).text()))")


def _json(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InputError("This is no programme that rotrack can read: it is not complete JSON text.") from error


# ---------------------------------------------------------------------- between two drills
def _next(site: Site, request: Request, course: Course, person: str, number: int) -> None:
    """Say what comes next, large and aloud; after the rest it begins by itself, if the last drill has led here."""
    t, steps = texts_of(request, course.language), course.programme.steps
    step = steps[number]
    drill = load_table().drill(step.drill)
    moved = number > 0 and load_table().drill(steps[number - 1].drill).place != drill.place
    led_here = _led_here(request) and number > 0
    said = [t("course.next", drill=t.said(drill.title)), how_much(step, t), *([t.said(drill.camera)] if moved else [])]
    with (
        frame(site, request, "course.title", "course", language=course.language),
        tag(
            "div",
            classes="course",
            id="course",
            data_rest=step.rest_s if led_here else None,
            data_speech=t("app.speech"),
            data_say=json.dumps(said if led_here else []),
        ),  # fmt: skip
    ):
        with tag("div", classes="desk"):
            with tag("div", classes="what"):
                tag("h1", title_of(course.programme, t))
                tag("p", person or t("choose.no_name"), "hint")
            tag("p", t("course.of", number=number + 1, count=len(steps)), "hint")
            problem = tag("p", classes="problem", role="alert")
            with tag("div", classes="buttons"):
                tag("button", t("course.pause"), "quiet", id="pause", aria_keyshortcuts="Escape",
                    hidden=not led_here)  # fmt: skip
                if number > 0:
                    last = tag("button", t("course.redo"), "quiet", id="redo")
                    last.on("click", pressed_once(partial(_redo, site, course, number - 1, problem, t)))
                tag("button", t("course.skip"), "quiet", id="skip").on("click", partial(_skip, site, course, number, problem, t))
                go = tag("button", t("course.go"), "primary", id="next", aria_keyshortcuts="Space PageDown")
                go.on("click", pressed_once(partial(on, site, course, problem, t)))
        with tag("div", classes="coming"):
            with tag("div", classes="moving"):
                svg(moving_picture(drill.id, step.legs[0]))
            with tag("div", classes="words"):
                tag("p", t.said(drill.title), "far")
                tag("p", how_much(step, t), "far quiet")
                tag("p", "", "far count", id="rest", role="timer")
        with tag("div", classes="place" if moved else "place same"):
            if moved:
                svg(place_of(drill, t))
                tag("p", t.sentence(t(f"choose.view_{drill.place.view}")), "far")
            tag("p", t.said(drill.camera) if moved or number == 0 else t("course.same_place"))
    ui.add_body_html('<script src="/static/voice.js"></script><script src="/static/course.js"></script>')


async def on(site: Site, course: Course, problem: Element, t: Texts) -> None:
    """Go on with a course on the live page, or say why not."""
    try:
        await run.io_bound(go_on, site.studio, find_course(site.data, course.id))
    except RotrackError as error:
        _say(problem, t.said(str(error)))
        return
    to_live(course.id)


async def _redo(site: Site, course: Course, step: int, problem: Element, t: Texts) -> None:
    """Do a drill again: the session that is there stays in the history."""
    try:
        await run.io_bound(go_on, site.studio, course, step)
    except RotrackError as error:
        _say(problem, t.said(str(error)))
        return
    to_live(course.id)


async def _skip(site: Site, course: Course, step: int, problem: Element, t: Texts) -> None:
    try:
        await run.io_bound(step_over, site.data, course.id, step)
    except RotrackError as error:
        _say(problem, t.said(str(error)))
        return
    ui.navigate.to(f"/course/{course.id}")


# ---------------------------------------------------------------------- how it ended
def _over(site: Site, request: Request, course: Course, person: str, sessions: list[Session]) -> None:
    t, steps = texts_of(request, course.language), course.programme.steps
    by_id = {session.id: session for session in sessions}
    found = [by_id.get(course.session_of(number)) for number in range(len(steps))]
    measured = sum(session is not None for session in found)
    sentence = t("course.over", title=title_of(course.programme, t), count=measured)
    led_here = _led_here(request)
    with (
        frame(site, request, "course.title", "course-over", language=course.language),
        tag("div", classes="over", id="course", data_speech=t("app.speech"), data_say=json.dumps([sentence] if led_here else [])),
    ):
        tag("h1", sentence)
        tag("p", person or t("choose.no_name"), "lead")
        with tag("ol", classes="steps"):
            for step, session in zip(steps, found, strict=True):
                drill = load_table().drill(step.drill)
                with tag("li", classes="step"):
                    with tag("span", classes="pair one", aria_hidden="true"):
                        svg(drill_pictures(drill.id)[1])
                    with tag("div"):
                        tag("strong", t.said(drill.title))
                        if session is None:
                            tag("p", t("course.skipped"), "hint")
                            continue
                        amounts(session, t)
                        _said_of(session, step, sessions, t)
                        tag("a", t("course.open"), href=f"/session/{session.id}")
        with tag("div", classes="buttons"):
            query = f"?{urlencode({'person': person})}"
            tag("a", t("result.done"), "button primary", href=f"/{query}")
            if person:
                tag("a", t("progress.report"), "button report", id="report", href=f"/report.html{query}", target="_blank",
                    rel="noopener", data_making=t("progress.report_making"))  # fmt: skip
                ui.add_body_html('<script src="/static/results.js"></script>')
                tag("a", t("app.history"), "button", href=f"/history{query}")
            tag("a", t("course.another"), "button", id="another", href="/people")
    ui.add_body_html('<script src="/static/voice.js"></script><script src="/static/course.js"></script>')


def _said_of(session: Session, step: ProgrammeStep, sessions: Sequence[Session], t: Texts) -> None:
    """Add what may be said of a session: left against right, what has changed, and whether a target was reached."""
    record = session.record
    if record.tier.is_counted:
        holds = [rep.hold_s for rep in session.rep_list if not rep.dropped]
        if step.hold_s and holds:
            tag("p", t("course.held_enough", enough=sum(s >= step.hold_s for s in holds), count=len(holds), seconds=step.hold_s))
        return
    found = standing(session, sessions)
    for direction, sides in found.sides.items():
        tag("p", f"{t.sentence(t.direction(direction))}: {sides_words(sides, t)}", "told")
    for (side, direction), change in found.changes.items():
        if session.person and (words := change_words(change, t)):
            tag("p", f"{t.sentence(t.leg(side))}, {t.direction(direction, short=True)}: {words}", "told change")
    if step.target_deg and record.tier.in_degrees:
        reached = [
            f"{t.leg(value.side)}, {t.direction(value.direction, short=True)}"
            for value in session.values
            if value.reps_used and abs(value.value_deg) >= step.target_deg
        ]
        tag("p", t("course.target", degrees=step.target_deg, reached="; ".join(reached) or t("course.target_none")), "told")
    if step.hold_s:
        holds = [rep.hold_s for rep in session.rep_list if rep.valid and not rep.dropped]
        tag("p", t("course.held_enough", enough=sum(s >= step.hold_s for s in holds), count=len(holds), seconds=step.hold_s))
