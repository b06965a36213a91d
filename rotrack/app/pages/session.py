"""The result of a session: right after measuring, and whenever somebody opens it again."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import plotly.graph_objects as go
from fastapi import Request, Response
from nicegui import app, ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

from rotrack.app.live.wishes import again
from rotrack.app.pages.dialogs import Questions, ask_twice
from rotrack.app.pages.layout import PATIENCE_S, Site, choice_words, frame, made_up, option_words, tag, variants_of
from rotrack.app.pages.plots import drawn, plot
from rotrack.app.pages.values import Values, blank
from rotrack.charts.sessions import session_figure
from rotrack.core.drills import Drill, load_table
from rotrack.core.errors import DrillError, RecordError, RotrackError
from rotrack.core.model import Rep
from rotrack.people.changes import give_session
from rotrack.people.names import meant
from rotrack.placement.finding import State
from rotrack.progress.wording import norm_words
from rotrack.records.changes import delete_session, describe_session, drop_rep
from rotrack.records.norms import norms_for
from rotrack.records.options import PROTOCOL, Noted, Option, options_of
from rotrack.records.people import LONGEST_NAME
from rotrack.records.record import Status
from rotrack.records.session import INTERRUPTED, Session, kept_video, load_session
from rotrack.records.store import read_all, session_folder
from rotrack.sensing.stills import VideoPictures
from rotrack.texts import Texts

OPEN_VIDEOS = 4
TYPING_S = 1.0
"""While somebody types, a note is kept this often: whoever closes the page loses nothing."""


def register(site: Site) -> None:
    """Declare the page and the pictures of its video."""
    videos = videos_of(site.data)

    @ui.page("/session/{session_id}", response_timeout=PATIENCE_S)
    async def session(request: Request, session_id: str) -> None:
        try:
            this, others = await asyncio.to_thread(_read, site.data, session_id)
            await asyncio.to_thread(_warm_up, this, videos)
        except RotrackError as error:
            with frame(site, request, "result.title", narrow=True) as t:
                tag("h1", t("result.missing"))
                tag("p", t.said(str(error)))
                tag("a", t("result.all"), "button", href="/history")
            return
        ui.add_body_html('<script src="/static/results.js"></script>')
        with frame(site, request, "result.title") as t:
            _Result(site, videos, this, others, t)

    @app.get("/session/{session_id}/picture")
    def picture(session_id: str, t: float = 0.0) -> Response:
        try:
            return Response(videos.of(session_id).at(t), media_type="image/jpeg", headers={"Cache-Control": "no-store"})
        except RotrackError as error:
            return Response(str(error), 404, media_type="text/plain")


def _read(data: Path, session_id: str) -> tuple[Session, list[Session]]:
    """Return a session, which may be running, and all that are over."""
    folder = session_folder(data, session_id)
    everything, problems = read_all(data)
    sessions = [session for session in everything if session.record.status is not Status.RUNNING]
    for session in everything:
        if session.id == session_id:
            return session, sessions
    for problem in problems:
        if folder.name in problem:
            raise RecordError(problem)
    return load_session(folder), sessions


def _warm_up(session: Session, videos: Videos) -> None:
    """Read what the page needs next, so that building it keeps nobody else waiting; problems come again where they are told."""
    with suppress(RotrackError):
        session.curve  # noqa: B018  kept once it is read
    with suppress(RotrackError):
        if session.video:
            videos.of(session.id)


class Videos:
    """The videos that are being looked at, the latest ones.

    Parameters
    ----------
    data : Path
        The data folder.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: dict[str, VideoPictures] = {}
        self._lock = threading.Lock()

    def of(self, session_id: str) -> VideoPictures:
        """Return the pictures of a session's video.

        Raises
        ------
        RotrackError
            If there is no such session, or no video of it that can be read.
        """
        with self._lock:
            kept = self._known.get(session_id)
            if kept and not kept.path.is_file():  # deleted meanwhile; what is open could still be read
                self._known.pop(session_id).close()
            if session_id not in self._known:
                self._known[session_id] = VideoPictures(kept_video(session_folder(self._data, session_id)))
                for other in list(self._known)[:-OPEN_VIDEOS]:
                    self._known.pop(other).close()
            return self._known[session_id]

    def forget(self, *session_ids: str) -> None:
        """Close the videos of sessions, so that they can be deleted."""
        with self._lock:
            found = [self._known.pop(session_id, None) for session_id in session_ids]
        for pictures in filter(None, found):
            pictures.close()


@cache
def videos_of(data: Path) -> Videos:
    """Return the one place for the videos of a data folder, the same for all pages."""
    return Videos(data)


class _Result:
    """The page of one session."""

    def __init__(self, site: Site, videos: Videos, session: Session, others: Sequence[Session], t: Texts) -> None:
        self._data, self._videos, self._session, self._t = site.data, videos, session, t
        self._record = session.record
        self._tier = session.record.tier
        self._drill = _drill_of(session)
        self._title = t.said(self._drill.title) if self._drill else session.record.drill
        self._moment = t.moment(session.started_at)
        self._people = list(dict.fromkeys(other.person for other in reversed(others) if other.person))
        self._plot: ui.plotly | None = None
        with tag("article", classes="result"):
            self._head()
            if session.record.status is not Status.RUNNING:
                self._body(others)

    def _head(self) -> None:
        t, status, person = self._t, self._record.status, self._session.person
        history = urlencode({"person": person, "drill": self._record.drill})
        with tag("header", classes="head"):
            with tag("div"):
                tag("a", t("result.all"), "back", href=f"/history?{history}")
                tag("h1", self._title)
                tag("p", f"{person or t('choose.no_name')} \u00b7 {self._moment}", "hint")
            with tag("div", classes="buttons"):
                if self._drill:
                    address = again(self._drill, person, self._record.sides)
                    tag("a", t("button.again"), "button primary", href=address)
                tag("a", t("result.done"), "button", href=f"/?{urlencode({'person': person})}")
        made_up([self._session], t)
        if status is Status.RUNNING:
            tag("p", t("result.running"), "notice")
            tag("a", t("result.running_open"), "button", href="/live")
        elif status is Status.INTERRUPTED:
            tag("p", t("result.interrupted"), "notice")
        if not self._session.rep_list and status is not Status.RUNNING:
            tag("p", t("result.nothing_counted" if self._tier.is_counted else "result.nothing"), "notice")

    def _body(self, others: Sequence[Session]) -> None:
        self._values = Values(self._session, others, self._drill, self._t, self._toggle)
        self._problem, self._news = blank("p", "problem", role="alert"), blank("p", "unseen", role="status")
        self._curve()
        with tag("div", classes="columns"):
            with tag("div"):
                self._notes()
                self._whose()
            self._good_to_know()
        self._norms()
        self._how()
        self._delete()

    async def _toggle(self, rep: Rep) -> None:
        """Leave a repetition out, or count it again."""
        try:
            changed = await asyncio.to_thread(
                drop_rep, self._data, self._session.id, rep.side, rep.direction, rep.rep, not rep.dropped
            )
        except RotrackError as error:
            self._problem.set_text(self._t.said(str(error)))
            return
        self._session = replace(changed, record=self._record)  # under the name that the person has now
        self._problem.set_text("")
        self._news.set_text(self._t("result.restored_it" if rep.dropped else "result.dropped_it", what=self._values.name_of(rep)))
        self._values.show(self._session)
        if self._plot:
            self._plot.update_figure(await asyncio.to_thread(lambda: drawn(self._figure(), self._t)))

    # ------------------------------------------------------------------ curve and video
    def _figure(self) -> go.Figure:
        session = self._session
        return session_figure(session.curve, session.reps, tier=self._tier, say=self._t.said, numbered=True)

    def _curve(self) -> None:
        t = self._t
        try:
            figure, from_s = self._figure(), float(self._session.curve.time_s.min())
        except RecordError as error:
            tag("p", t.said(str(error)), "hint")
            return
        if math.isnan(from_s):
            return
        pictures, problem = None, ""
        if self._session.video:
            try:
                pictures = self._videos.of(self._session.id)
            except RotrackError as error:
                problem = t.said(str(error))
        with tag("section", classes="over-time", aria_labelledby="over-time"):
            tag("h2", t("result.curve_counted" if self._tier.is_counted else "result.curve"), id="over-time")
            with tag("div", classes="filmed" if pictures else ""):
                with tag("div", classes="curve", role="group", aria_label=t("result.curve_label")):
                    self._plot = plot(figure, t)
                    if pictures:
                        tag("div", classes="cursor", aria_hidden="true")
                if pictures:
                    self._film(pictures, from_s)
            if not self._tier.is_counted:
                tag("p", t("result.curve_hint"), "hint")
            if problem:
                tag("p", problem, "hint")

    def _film(self, pictures: VideoPictures, from_s: float) -> None:
        t = self._t
        source = f"/session/{quote(self._session.id)}/picture"
        with tag("div", classes="film", data_pictures=source, data_from=from_s, data_rate=pictures.fps,
                 data_play=t("result.play"), data_pause=t("result.pause")):  # fmt: skip
            tag("img", src=f"{source}?t=0", alt=t("result.video"))
            with tag("div", classes="controls"):
                tag("button", t("result.play"), "play")
                tag("input", type="range", min=0, max=f"{pictures.duration_s:.3f}", step=f"{1 / pictures.fps:.4f}",
                    aria_label=t("result.place"))  # fmt: skip
                tag("output", t.seconds(0.0), aria_live="off")
            tag("p", t("result.curve_seek"), "hint")

    # ------------------------------------------------------------------ what goes with it
    def _notes(self) -> None:
        t, record = self._t, self._record
        with tag("section", classes="notes", aria_labelledby="notes"):
            tag("h2", t("result.notes"), id="notes")
            options = options_of(Noted)
            for name, option in options.items():
                if not option.clinic:
                    self._noted(option, getattr(record, name))
            with tag("details", open=not all(options[name].is_default(getattr(record, name)) for name in PROTOCOL)):
                tag("summary", t("noted.clinic"))
                for name in PROTOCOL:
                    self._noted(options[name], getattr(record, name))

    def _noted(self, option: Option, value: object) -> None:
        units = self._t.units
        typed_as = replace(option, most=units.shown(option.most, option.unit), unit=units.named(option.unit))

        def change(text: str) -> Session:
            read = typed_as.read(text)
            kept = units.kept(read, option.unit) if option.kind is float else read
            return describe_session(self._data, self._session.id, **{option.name: kept})

        if option.name == "variant":
            if variants := variants_of(self._record.drill, self._t):
                self._choice(option, str(value), change, variants)
            return
        if option.choices:
            self._choice(option, str(value), change, {choice: choice_words(choice, self._t) for choice in option.offered})
            return
        typed = {"inputmode": "decimal", "maxlength": 8} if option.kind is float else {"maxlength": option.longest}
        shown = units.shown(value, option.unit) if isinstance(value, float) else value
        self._field(option.name, option_words(option, self._t), option.written(shown), change, option.kind is not float, **typed)

    def _choice(self, option: Option, value: str, keep: Callable[[str], Session], offered: Mapping[str, str]) -> None:
        """Add a choice that is kept as soon as it is made."""
        with tag("label", classes="field"):
            tag("span", option_words(option, self._t))
            select = tag("select", id=option.name)
            with select:
                for choice, words in offered.items():
                    tag("option", words, value=choice, selected=choice == value)
            saved = blank("small", "saved", id=f"{option.name}-saved", role="status")

        async def save(event: GenericEventArguments) -> None:
            try:
                await asyncio.to_thread(keep, str(event.args))
            except RotrackError as error:
                self._say(saved, self._t.said(str(error)), wrong=True)
            else:
                self._say(saved, self._t("result.saved"), wrong=False)

        select.on("change", save, js_handler="(e) => emit(e.target.value)")

    def _field(
        self, name: str, label: str, value: str, keep: Callable[[str], Session], meanwhile: bool = True, **attributes: object
    ) -> None:
        """Add a field that is kept as soon as it is left and, if a part of it makes sense, while it is typed."""
        with tag("label", classes="field"):
            tag("span", label)
            entry = tag(
                "input", "", "", id=name, autocomplete="off", placeholder=" ", aria_describedby=f"{name}-saved", **attributes
            )
            entry.props["value"] = value
            saved = blank("small", "saved", id=f"{name}-saved", role="status")

        async def save(event: GenericEventArguments) -> None:
            text = str(event.args).strip()
            entry.props["value"] = text
            try:
                await asyncio.to_thread(keep, text)
            except RotrackError as error:
                self._say(saved, self._t.said(str(error)), wrong=True)
            else:
                self._say(saved, self._t("result.saved"), wrong=False)

        async def save_meanwhile(event: GenericEventArguments) -> None:
            with suppress(RotrackError):  # said when the field is left
                await asyncio.to_thread(keep, str(event.args).strip())

        entry.on("change", save, js_handler="(e) => emit(e.target.value)")
        if meanwhile:  # nothing is shown then: the browser would take back what is being typed
            entry.on("input", save_meanwhile, throttle=TYPING_S, leading_events=False, js_handler="(e) => emit(e.target.value)")

    def _whose(self) -> None:
        """Add the way to give the session to somebody else."""
        t, person = self._t, self._session.person
        typed = {"name": ""}
        with tag("details", classes="whose"):
            tag("summary", t("result.whose"))
            with tag("label", classes="field"):
                tag("span", t("result.whose_name"))
                field = tag("input", id="whose", list="whose-known", autocomplete="off", maxlength=LONGEST_NAME)
                field.on("input", lambda e: typed.update(name=str(e.args)), js_handler="(e) => emit(e.target.value)")
                with tag("datalist", id="whose-known"):
                    for name in self._people:
                        if name != person:
                            tag("option", value=name)
            problem = blank("p", "problem", role="alert")
            doubt = tag("p", classes="buttons")
            button = tag("button", t("result.whose_give"))

        async def give(name: str) -> None:
            try:
                await asyncio.to_thread(give_session, self._data, self._session.id, name)
            except RotrackError as error:
                problem.set_text(t.said(str(error)))
                return
            ui.navigate.to(f"/session/{quote(self._session.id)}")

        async def asked() -> None:
            problem.set_text("")
            doubt.clear()
            try:
                who = await asyncio.to_thread(meant, self._data, typed["name"])
            except RotrackError as error:
                problem.set_text(t.said(str(error)))
                return
            if not who.similar:
                await give(who.name)
                return
            with doubt:  # a slip of the finger must not make a second person
                tag("span", t("choose.similar", name=who.name, similar=who.similar))
                tag("button", t("choose.similar_yes", similar=who.similar)).on("click", lambda: give(who.similar))
                tag("button", t("choose.similar_no", name=who.name), "quiet").on("click", lambda: give(who.name))

        button.on("click", asked)

    @staticmethod
    def _say(place: TextElement, text: str, wrong: bool) -> None:
        place.classes(add="problem" if wrong else "good", remove="good" if wrong else "problem")
        place.set_text(text)

    def _good_to_know(self) -> None:
        t, record = self._t, self._record
        said = [(t("result.setup_said"), t.said(found.text)) for found in record.setup if found.state is State.PROBLEM]
        camera = t("result.camera_said")
        said += [(f"{camera}, {t.leg(side)}", t.reason(advice)) for side, advice in record.camera_advice.items()]
        said += [(t("result.note_said"), t.said(text)) for text in self._session.remarks if text != INTERRUPTED]
        if not said:
            return
        with tag("section", classes="to-know", aria_labelledby="to-know"):
            tag("h2", t("result.good_to_know"), id="to-know")
            with tag("dl"):
                for what, text in said:
                    with tag("div"):
                        tag("dt", what)
                        tag("dd", text)

    def _norms(self) -> None:
        t, norms = self._t, norms_for(self._record.drill, self._record.motion)
        if not norms or not self._tier.in_degrees:
            return
        with tag("section", classes="norms", aria_labelledby="norms"):
            tag("h2", t("result.norms"), id="norms")
            tag("p", t("result.norms_not"), "notice")
            with tag("div", classes="scrolls", tabindex="0", role="group", aria_labelledby="norms"), tag("table"):
                with tag("thead"), tag("tr"):
                    for column in ("what", "mean", "who", "how", "source"):
                        tag("th", t(f"result.norms_{column}"), scope="col")
                with tag("tbody"):
                    for norm in norms:
                        with tag("tr"):
                            tag("th", t.direction(norm.direction), scope="row")
                            for column, text in norm_words(norm, self._tier, t).items():
                                tag("td", text, data_label=t(f"result.norms_{column}"))

    def _how(self) -> None:
        t, record, between = self._t, self._record, " \u00b7 "
        shares = [
            t("result.how_share_of", leg=t.leg(side), share=round(100 * share)) for side, share in record.measured_share.items()
        ]
        apart = [f"{t.leg(a.side)}, {t.direction(a.direction)}: {t.reason(a.reason)}" for a in self._session.apart_list]
        rows = {
            "what": t.said(record.measured),
            "well": t.said(self._tier.meaning),
            "share": between.join(shares),
            "reasons": between.join(map(t.reason, record.reasons)),
            "apart": between.join(apart),
            "source": record.source.name,
            "rate": t.times(round(record.measured_fps), "rate") if record.measured_fps > 0 else "",
            "model": record.model,
            "calibration": t.said(record.calibration),
            "zero": t.said(record.zero),
            "id": self._session.id,
        }
        with tag("details", classes="how"):
            tag("summary", t("result.how"))
            with tag("dl"):
                for name, text in rows.items():
                    if text:
                        with tag("div"):
                            tag("dt", t(f"result.how_{name}"))
                            tag("dd", text, "" if name in ("source", "model", "id") else "said")

    def _delete(self) -> None:
        t = self._t
        problem = blank("p", "problem", role="alert")
        button = tag("button", t("result.delete"), "quiet danger")
        questions = Questions(
            t("result.delete_ask"), t("result.delete_what", drill=self._title, moment=self._moment), t("result.delete_go"),
            t("result.delete_sure"), t("result.delete_yes"), t("result.keep"),
        )  # fmt: skip

        async def delete() -> None:
            self._videos.forget(self._session.id)
            try:
                await asyncio.to_thread(delete_session, self._data, self._session.id)
            except RotrackError as error:
                problem.set_text(t.said(str(error)))
                return
            ui.navigate.to(f"/history?{urlencode({'person': self._session.person, 'drill': self._record.drill})}")

        ask_twice(button, "delete", questions, delete)


def _drill_of(session: Session) -> Drill | None:
    """Return the drill of a session; None if this version does not know it."""
    try:
        return load_table().drill(session.record.drill)
    except DrillError:
        return None
