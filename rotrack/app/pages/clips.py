"""Recorded clips in the page: dropped or chosen, each with its person and drill, measured one after the other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from nicegui import app, ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import ClientDisconnect

from rotrack.app.clips import HERE, MOST_CLIP_BYTES, Clip, State
from rotrack.app.live.wishes import BOTH, possible
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, private, tag, take_care, texts_of
from rotrack.app.pages.values import amounts, blank
from rotrack.core.drills import GROUPS, load_table
from rotrack.core.errors import RotrackError
from rotrack.core.model import Side
from rotrack.core.reasons import values_of
from rotrack.measure.request import TURNS_DEG
from rotrack.measure.request import Request as Wanted
from rotrack.people.names import Meant, meant
from rotrack.records.history import people
from rotrack.records.options import options_of
from rotrack.records.session import Session, load_session
from rotrack.records.store import session_folder
from rotrack.sensing.landmarker import MODELS
from rotrack.sensing.recorded import Told
from rotrack.texts import Texts

UPDATE_EVERY_S = 0.7
VALUE, CHECKED = "(e) => emit(e.target.value)", "(e) => emit(e.target.checked)"
TYPES = "video/*,.mkv,.mov,.avi,.m4v"
PLAYED = ("from_s", "to_s", "speed")
"""Numbers that say how a recording is played."""
_MIRRORED = {"": None, "yes": True, "no": False}


def register(site: Site) -> None:
    """Declare the page, and what its script asks for."""

    @ui.page("/clips", response_timeout=PATIENCE_S)
    async def page(request: Request) -> None:
        who, known = await asyncio.to_thread(_who, site, request)
        _page(site, request, who, known)

    @app.post("/clips/new")
    async def new(request: Request) -> Response:
        t = texts_of(request)
        try:
            told = await request.json()
            wanted = await asyncio.to_thread(_wanted, site, told)
            changed = told.get("changed")
            at = datetime.fromtimestamp(float(changed) / 1000, UTC).astimezone() if changed else None
            clip = site.clips.announce(str(told["name"]), int(told["size"]), at, wanted)
        except RotrackError as error:
            return JSONResponse({"problem": t.said(str(error))}, 409)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
            return Response(status_code=400)
        return JSONResponse({"id": clip.id if clip.state is State.ARRIVING else ""})

    @app.put("/clips/{clip_id}")
    async def put(request: Request, clip_id: str) -> Response:
        clip = site.clips.find(clip_id)
        if clip is None or clip.state is not State.ARRIVING:
            return Response(status_code=404)
        try:
            await site.clips.take(clip, request.stream())
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(status_code=204)


def _who(site: Site, request: Request) -> tuple[Meant, list[str]]:
    """Return who is asked for, and whom the page may offer."""
    try:
        known = [] if private(request) else people(site.data)
        return meant(site.data, request.query_params.get("person", "")), known
    except RotrackError:  # the history page says it
        return Meant("", True), []


def _wanted(site: Site, told: Mapping[str, Any]) -> Wanted:
    """Return how a clip is to be measured, as the page says; what makes no sense is as without it."""
    person = meant(site.data, str(told.get("person", ""))).name
    options = options_of(Wanted)
    chosen = {name: possible(options[name], str(told.get(name, ""))) for name in ("side", "model", "annotate")}
    drill = str(told.get("drill", ""))
    return site.clips.usual.but(person=person, drill=drill if drill in load_table().drills else "", **chosen)


# ---------------------------------------------------------------------- the page
def _page(site: Site, request: Request, who: Meant, known: list[str]) -> None:
    with frame(site, request, "clips.title", "clips", narrow=True) as t:
        tag("h1", t("clips.title"))
        tag("p", t("clips.lead"), "lead")
        take_care(site, who.name, t)
        with tag("div", classes="form", id="of-all"):
            with tag("div", classes="choices"):
                with tag("label", classes="field"):
                    tag("span", t("clips.who"))
                    tag("input", value=who.name, id="person", maxlength=60, autocomplete="off", list="known")
                with tag("label", classes="field"):
                    tag("span", t("clips.drill"))
                    _drills(tag("select", id="drill"), "", (), t("clips.later"), t)
                with tag("label", classes="field"):
                    tag("span", t("choose.leg"))
                    _legs(tag("select", id="side"), BOTH, t)
            tag("small", t("clips.who_hint"))
            with tag("datalist", id="known"):
                for name in known:
                    tag("option", value=name)
            with tag("details"):
                tag("summary", t("clips.more"))
                with tag("label", classes="field"):
                    tag("span", t("choose.model"))
                    with tag("select", id="model"):
                        for model in MODELS:
                            tag("option", t(f"choose.model_{model}"), value=model, selected=model == MODELS[0])
                with tag("label", classes="radio"):
                    tag("input", type="checkbox", id="annotate")
                    tag("span", t("clips.keep"))
        with tag("label", classes="drop", id="drop", data_failed=t("clips.not_sent")):
            tag("strong", t("clips.drop"))
            tag("span", t("clips.choose"), "button")
            tag("input", type="file", id="files", multiple=True, accept=TYPES, classes="unseen")
            tag("small", t("clips.limits", most=f"{MOST_CLIP_BYTES / 1e6:.0f}"))
        problem = tag("p", classes="problem", role="alert", id="not-sent")
        with tag("div", classes="buttons"):
            button = tag("button", t("clips.measure_all"), "primary", id="measure-all", hidden=True)
            button.on("click", lambda: _measure_all(site, problem, t))
            summary = blank("p", "hint", id="clips-summary", role="status")
        listed = _List(site, t, button, summary)
    ui.timer(UPDATE_EVERY_S, listed.update)
    ui.add_body_html('<script src="/static/clips.js"></script>')


def _drills(select: Element, chosen: str, likely: tuple[str, ...], none: str, t: Texts) -> None:
    """Fill a choice of drills: those that are likely first, then all by their positions."""
    table = load_table()
    with select:
        tag("option", none, value="", selected=not chosen)
        if likely:
            with tag("optgroup", label=t("clips.likely")):
                for drill_id in likely:
                    tag("option", t.said(table.drill(drill_id).title), value=drill_id, selected=drill_id == chosen)
        for group in GROUPS:
            with tag("optgroup", label=t.sentence(group)):
                for drill in table.drills.values():
                    if drill.group == group and drill.id not in likely:
                        tag("option", t.said(drill.title), value=drill.id, selected=drill.id == chosen)


def _legs(select: Element, chosen: str, t: Texts) -> None:
    with select:
        for side in (BOTH, *Side):
            tag("option", t(f"leg.{side}"), value=side, selected=side == chosen)


def _measure_all(site: Site, problem: Element, t: Texts) -> None:
    """Measure what is ready, and say of how many it is not known what they are."""
    ready = [clip for clip in site.clips.all if clip.state is State.READY]
    for clip in ready:
        if clip.request.drill:
            _measure(site, clip, problem, t)
    without = sum(not clip.request.drill for clip in ready)
    _say(problem, t("clips.without_drill", count=without) if without else "")


def _measure(site: Site, clip: Clip, problem: Element, t: Texts) -> None:
    try:
        site.clips.measure(clip)
    except RotrackError as error:
        _say(problem, t.said(str(error)))


def _say(where: Element, words: str) -> None:
    where.clear()
    if words:
        with where:
            tag("span", words)


# ---------------------------------------------------------------------- the list
class _Row:
    """A clip as a page shows it."""

    def __init__(self, item: Element) -> None:
        self.item, self.version = item, -1
        self.bar: Element | None = None
        self.words: TextElement | None = None


class _List:
    """The clips, always as they are now; a row is drawn anew when its clip changes."""

    def __init__(self, site: Site, t: Texts, measure_all: Element, summary: TextElement) -> None:
        self._site, self._t, self._rows = site, t, dict[str, _Row]()
        self._measure_all, self._summary = measure_all, summary
        self._list = tag("ol", classes="clips")

    async def update(self) -> None:
        """Show what has changed."""
        clips = self._site.clips.all
        for gone in self._rows.keys() - {clip.id for clip in clips}:
            self._rows.pop(gone).item.delete()
        for clip in clips:
            if clip.id not in self._rows:
                with self._list:
                    self._rows[clip.id] = _Row(tag("li", classes="clip", id=f"clip-{clip.id}"))
            row = self._rows[clip.id]
            if row.version != clip.version:
                row.version = clip.version
                about = await asyncio.to_thread(self._about, clip)
                row.item.clear()
                row.item.props["data-state"] = str(clip.state)
                row.item.update()
                with row.item:
                    self._fill(row, clip, *about)
            self._progress(row, clip)
        states = [clip.state for clip in clips]
        self._measure_all.props["hidden"] = State.READY not in states
        self._measure_all.update()
        under_way = sum(state in (State.ARRIVING, State.LOOKING, State.WAITING, State.MEASURING) for state in states)
        counts = {"count": len(states), "done": states.count(State.DONE), "under_way": under_way}
        self._summary.set_text(self._t("clips.summary", **counts) if states else "")

    def _about(self, clip: Clip) -> tuple[Session | None, Meant]:
        """Return the session of a clip, and whom the name of its person means."""
        try:
            session = load_session(session_folder(self._site.data, clip.session_id)) if clip.session_id else None
            return session, meant(self._site.data, clip.request.person)
        except RotrackError:  # it was deleted meanwhile
            return None, Meant(clip.request.person, True)

    def _progress(self, row: _Row, clip: Clip) -> None:
        share = clip.share
        if row.bar is not None and math.isfinite(share):
            row.bar.props["value"] = f"{share:.3f}"
            row.bar.update()
        if row.words is not None:
            waits = clip.state is State.WAITING and self._site.clips.is_busy()
            state = "behind_camera" if waits else str(clip.state)
            done = f" {math.floor(100 * share)}\u202f%" if math.isfinite(share) else ""
            row.words.set_text(self._t(f"clips.{state}") + done)

    def _fill(self, row: _Row, clip: Clip, session: Session | None, who: Meant) -> None:
        t = self._t
        row.bar = row.words = None
        with tag("div", classes="about"):
            tag("strong", clip.name, "name")
            tag("span", " \u00b7 ".join(self._facts(clip)), "hint")
        if clip.state in (State.ARRIVING, State.LOOKING, State.WAITING, State.MEASURING):
            with tag("div", classes="under-way"):
                row.bar = tag("progress", max=1, aria_label=t(f"clips.{clip.state}"))
                row.words = blank("span", "hint")
                if clip.state in (State.WAITING, State.MEASURING):
                    self._button("clips.cancel", clip, self._site.clips.cancel)
                if clip.state is State.ARRIVING:
                    self._button("clips.remove", clip, self._site.clips.remove)
        elif clip.state is State.DONE:
            self._done(clip, session)
        else:
            self._to_measure(clip, who)

    def _facts(self, clip: Clip) -> list[str]:
        t, looked, request = self._t, clip.looked, clip.request
        facts = [request.person or t("choose.no_name")]
        if looked:
            facts += [t.seconds(looked.duration_s)] if math.isfinite(looked.duration_s) else []
            facts.append(t("clips.dated_nothing") if looked.told is Told.NOTHING else t(
                "clips.dated_file" if looked.told is Told.IN_FILE else "clips.dated_changed", moment=t.moment(looked.recorded_at)
            ))  # fmt: skip
        if clip.state not in HERE and request.drill:
            facts += [t.said(request.drill_record.title), t(f"leg.{request.side}")]
        return facts

    def _button(self, words: str, clip: Clip, do: Callable[[Clip], None]) -> None:
        button = tag("button", self._t(words), "quiet", aria_label=f"{self._t(words)}: {clip.name}")
        button.on("click", lambda: do(clip))

    def _done(self, clip: Clip, session: Session | None) -> None:
        t = self._t
        if session is None:
            tag("p", t("clips.no_session"), "hint")
        else:
            amounts(session, t)
            if session.warnings:
                tag("p", t("clips.to_know", count=len(session.warnings)), "hint")
        with tag("div", classes="buttons"):
            if session is not None:
                tag("a", t("clips.result"), "button quiet", href=f"/session/{session.id}")
            if clip.request.person:
                query = urlencode({"person": clip.request.person, "drill": clip.request.drill_record.id})
                tag("a", t("app.history"), "button quiet", href=f"/history?{query}")
            self._button("clips.off_list", clip, self._site.clips.remove)

    # ------------------------------------------------------------------ what is still to be said of it
    def _to_measure(self, clip: Clip, who: Meant) -> None:
        t, clips, request = self._t, self._site.clips, clip.request
        if clip.problem:
            tag("p", t.said(clip.problem), "problem")
        if clip.is_here:
            likely = clip.looked.proposal.drills if clip.looked else ()
            if clip.looked and clip.looked.proposal.sure:
                tag("p", t("clips.proposed"), "hint")
            elif likely:
                tag("p", t("clips.unsure"), "hint")
            if who.similar:
                with tag("p", classes="hint"):
                    tag("span", t("choose.similar", name=who.name, similar=who.similar) + " ")
                    yes = tag("button", t("choose.similar_yes", similar=who.similar), "quiet")
                    yes.on("click", lambda: clips.change(clip, person=who.similar))
            with tag("div", classes="choices"):
                drill = tag("select", classes="wide", aria_label=f"{t('clips.drill')}: {clip.name}")
                _drills(drill, str(request.drill), likely, t("clips.which"), t)
                drill.on("change", lambda e: clips.choose(clip, drill=str(e.args)), js_handler=VALUE)
                leg = tag("select", aria_label=f"{t('choose.leg')}: {clip.name}")
                _legs(leg, request.side, t)
                leg.on("change", lambda e: clips.choose(clip, side=str(e.args)), js_handler=VALUE)
            self._otherwise(clip)
        problem = tag("p", classes="problem", role="alert")
        with tag("div", classes="buttons"):
            if clip.is_here:
                words = t("clips.again" if clip.problem else "clips.measure")
                button = tag("button", words, aria_label=f"{words}: {clip.name}")
                button.on("click", partial(_measure, self._site, clip, problem, t))
            self._button("clips.remove", clip, clips.remove)

    def _otherwise(self, clip: Clip) -> None:
        """Offer what else may be said of a recording: who is in it, how it is turned, which part of it counts."""
        t, clips, request = self._t, self._site.clips, clip.request

        def number(name: str, text: str) -> None:
            value = possible(options_of(Wanted)[name], text)
            clips.choose(clip, **{name: options_of(Wanted)[name].default if math.isnan(value) else value})

        with tag("details", open=bool(clip.problem)):
            tag("summary", t("clips.otherwise"))
            with tag("div", classes="choices"):
                with tag("label", classes="small"):
                    tag("span", t("clips.who"))
                    field = tag("input", value=request.person, maxlength=60, autocomplete="off", list="known")
                    field.on("change", lambda e: self._give(clip, str(e.args)), js_handler=VALUE)
                with tag("label", classes="small"):
                    tag("span", t("clips.rotate"))
                    turned = values_of(clip.reason).get("turn")
                    asked = int(turned) if turned else request.rotate
                    if asked != request.rotate:
                        clips.choose(clip, rotate=asked)
                    turn = tag("select").on("change", lambda e: clips.choose(clip, rotate=_turn(str(e.args))), js_handler=VALUE)
                    with turn:
                        tag("option", t("clips.rotate_not"), value="", selected=asked is None)
                        for deg in TURNS_DEG:
                            tag("option", t("clips.rotate_by", deg=deg), value=str(deg), selected=deg == asked)
                with tag("label", classes="small"):
                    tag("span", t("clips.mirrored"))
                    mirror = tag("select")
                    mirror.on("change", lambda e: clips.choose(clip, mirrored=_MIRRORED.get(str(e.args))), js_handler=VALUE)
                    with mirror:
                        for text, value in _MIRRORED.items():
                            tag("option", t(f"clips.mirrored_{text or 'file'}"), value=text, selected=value is request.mirrored)
                for name in PLAYED:
                    with tag("label", classes="small"):
                        tag("span", t(f"clips.{name}"))
                        option = options_of(Wanted)[name]
                        written = option.written(getattr(request, name))
                        field = tag("input", value=written, type="number", step="any", min=option.least, max=option.most)
                        field.on("change", lambda e, name=name: number(name, str(e.args)), js_handler=VALUE)
            with tag("label", classes="radio"):
                box = tag("input", type="checkbox", checked=request.annotate)
                box.on("change", lambda e: clips.choose(clip, annotate=bool(e.args)), js_handler=CHECKED)
                tag("span", t("clips.keep"))

    async def _give(self, clip: Clip, typed: str) -> None:
        try:
            name = (await asyncio.to_thread(meant, self._site.data, typed)).name
        except RotrackError:  # the history page says it
            return
        self._site.clips.change(clip, person=name)


def _turn(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
