"""What was measured so far: over time, as a table, as a file; and the place where people are deleted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from nicegui import app, ui
from nicegui.events import GenericEventArguments

from rotrack.app.pages.changed import show_changes
from rotrack.app.pages.dialogs import Questions, ask_twice
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, made_up, tag, texts_of
from rotrack.app.pages.plots import plot
from rotrack.app.pages.reports import report_links
from rotrack.app.pages.session import videos_of
from rotrack.app.pages.values import blank
from rotrack.charts.sessions import drawn_apart, history_figure
from rotrack.core.drills import load_table
from rotrack.core.errors import RotrackError
from rotrack.core.model import Direction, Side
from rotrack.people.erasure import delete_person, stored_of
from rotrack.people.names import meant
from rotrack.progress.change import Progress, read_progress
from rotrack.records.compare import held
from rotrack.records.history import history_csv, newest, only, table_of
from rotrack.records.people import aims_of, goals
from rotrack.records.record import Status
from rotrack.records.session import Session
from rotrack.records.spans import Span, means, window_of, within
from rotrack.records.store import read_sessions
from rotrack.texts import Texts

SHOWN = 50
"""How many sessions are listed at first: the latest ones."""
ALL = ""
"""In the address: all drills."""

Key = tuple[Side, Direction]


def register(site: Site) -> None:
    """Declare the page and the table as a file."""

    @ui.page("/history", response_timeout=PATIENCE_S)
    async def history(request: Request) -> None:
        known, person = await asyncio.to_thread(_read, site.data, request.query_params.get("person"))
        ui.add_body_html('<script src="/static/results.js"></script>')
        with frame(site, request, "history.title", "history") as t:
            page = _History(site.data, known, person, request.query_params.get("drill"), t)
            page.look_at(request.query_params.get("span", ""))
            await page.show()

    @app.get("/history.csv")
    def table(request: Request, person: str | None = None, drill: str | None = None) -> Response:
        try:
            person = None if person is None else meant(site.data, person).name
            sessions = only(newest(read_sessions(site.data)[0]), person, drill or None)
        except RotrackError as error:
            return Response(texts_of(request).said(str(error)), 404, media_type="text/plain")
        name = "-".join(["rotrack", *(part for part in (person, drill) if part and part.isascii() and part.isprintable())])
        head = {"Content-Disposition": f'attachment; filename="{name.replace(chr(34), "")}.csv"', "Cache-Control": "no-store"}
        return Response(history_csv(table_of(sessions)), media_type="text/csv; charset=utf-8", headers=head)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is logged: sessions, oldest first, older readings of those that were measured again, and what cannot be read."""

    sessions: list[Session]
    older: list[Session]
    problems: list[str]


def _read(data: Path, asked: str | None) -> tuple[_Known, str | None]:
    """Return what there is, and whom the name in the address means; None if there is none in it."""
    try:
        person = None if asked is None else meant(data, asked).name
        everything, problems = read_sessions(data)
    except RotrackError as error:
        return _Known([], [], [str(error)]), asked
    sessions = newest(everything)
    listed = {session.id for session in sessions}
    return _Known(sessions, [session for session in everything if session.id not in listed], problems), person


class _History:
    """The page for a person and a drill; both are kept in the address."""

    def __init__(self, data: Path, known: _Known, person: str | None, drill: str | None, t: Texts) -> None:
        self._data, self._known, self._t = data, known, t
        self._span, self._back = Span.ALL, 0
        self._aims: dict[Key, float] = {}
        people = list(dict.fromkeys(session.person for session in reversed(known.sessions)))
        self._person = person if person is not None else next(iter(people), "")
        self._drill = drill if drill is not None else self._latest_drill()
        tag("h1", t("history.heading"))
        if not known.sessions:
            tag("p", t("history.empty"), "lead")
            tag("a", t("history.empty_do"), "button primary", href="/")
        else:
            self._filters(people)
        self._shown = tag("div", classes="history")
        self._damaged()

    def look_at(self, span: str) -> None:
        """Choose how much time the figure shows; what is none is all."""
        self._span, self._back = Span(span) if span in tuple(Span) else Span.ALL, 0

    def _latest_drill(self) -> str:
        return next((s.record.drill for s in reversed(only(self._known.sessions, self._person))), ALL)

    def _drills(self) -> list[str]:
        """Return the drills of the person, in the order of the table."""
        done = {session.record.drill for session in only(self._known.sessions, self._person)}
        order = list(load_table().drills)
        return sorted(done, key=lambda drill: (order.index(drill) if drill in order else len(order), drill))

    def _title(self, drill: str) -> str:
        known = load_table().drills.get(drill)
        return self._t.said(known.title) if known else drill

    # ------------------------------------------------------------------ what to show
    def _filters(self, people: list[str]) -> None:
        t = self._t
        if self._person not in people:
            people = [self._person, *people]
        with tag("div", classes="filters"):
            with tag("label", classes="field"):
                tag("span", t("history.person"))
                with tag("select", id="person") as select:
                    for person in people:
                        tag("option", person or t("choose.no_name"), value=person, selected=person == self._person)
                select.on("change", self._choose_person, js_handler="(e) => emit(e.target.value)")
            with tag("label", classes="field"):
                tag("span", t("history.drill"))
                self._drill_select = tag("select", id="drill")
                self._drill_select.on("change", self._choose_drill, js_handler="(e) => emit(e.target.value)")
                self._list_drills()

    def _list_drills(self) -> None:
        drills = self._drills()
        if self._drill and self._drill not in drills:
            drills.append(self._drill)
        self._drill_select.clear()
        with self._drill_select:
            tag("option", self._t("history.all_drills"), value=ALL, selected=self._drill == ALL)
            for drill in drills:
                tag("option", self._title(drill), value=drill, selected=drill == self._drill)

    async def _choose_person(self, event: GenericEventArguments) -> None:
        self._person = str(event.args)
        self._back = 0
        if self._drill not in self._drills():
            self._drill = self._latest_drill()
        self._list_drills()
        await self._go()

    async def _choose_drill(self, event: GenericEventArguments) -> None:
        self._drill, self._back = str(event.args), 0
        await self._go()

    def _query(self) -> str:
        span = {} if self._span is Span.ALL else {"span": str(self._span)}
        return urlencode({"person": self._person, "drill": self._drill, **span})

    async def _go(self) -> None:
        ui.navigate.history.replace(f"/history?{self._query()}")
        await self.show()

    async def show(self) -> None:
        """Show what was chosen: what has changed, the figure and the table."""
        t, chosen = self._t, (self._person, self._drill)
        if not self._known.sessions:
            return
        sessions = only(self._known.sessions, self._person, self._drill or None)
        changes, self._aims = await self._changes(sessions), await asyncio.to_thread(self._goals)
        if chosen != (self._person, self._drill):  # something else was chosen meanwhile
            return
        self._shown.clear()
        with self._shown:
            if not sessions:
                tag("p", t("history.nothing"), "lead")
                tag("a", t("history.empty_do"), "button", href="/")
                return
            made_up(sessions, t)
            if self._person and any(session.rep_list for session in only(self._known.sessions, self._person)):
                report_links(self._person, t)
            if isinstance(changes, RotrackError):
                tag("p", t.said(str(changes)), "problem")
            elif changes:
                show_changes(changes, t)
            self._figure(sessions, told=isinstance(changes, Progress))
            self._table(sessions)
            if self._person:
                self._delete()

    async def _changes(self, sessions: Sequence[Session]) -> Progress | RotrackError | None:
        """Return what has become of one drill of one person, or why that cannot be told; None where nobody would ask."""
        if not (self._person and self._drill and any(session.rep_list for session in sessions)):
            return None
        if sessions[-1].record.tier.is_counted:
            return None
        try:
            found = await asyncio.to_thread(read_progress, self._data, self._person, self._drill)
        except RotrackError as error:
            return error
        return replace(found, problems=tuple(text for text in found.problems if text not in self._known.problems))

    # ------------------------------------------------------------------ figure
    def _figure(self, sessions: Sequence[Session], told: bool) -> None:
        t, tier = self._t, sessions[-1].record.tier
        with tag("section", classes="over-time", aria_labelledby="over-time"):
            tag("h2", t("history.over_time"), id="over-time")
            table = table_of(sessions)
            if not self._drill or tier.is_counted or not table.value_deg.notna().any():
                words_for = "choose" if not self._drill else "counted" if tier.is_counted else "none"
                tag("p", t(f"history.figure_{words_for}"), "hint")
                return
            self._drawn = tag("div", classes="drawn")
            self._draw(table, "one" if len(sessions) == 1 else "hint" if told else "alone")
            if tier.is_index:
                tag("p", t("result.index"), "hint")

    def _draw(self, table: Any, hint: str) -> None:
        """Draw the figure of the chosen time, below the ways to another one; `hint` says how to read it."""
        t, window = self._t, window_of(table, self._span, self._back)
        chosen = within(table, window)
        shown = means(chosen)
        earlier = window.from_ > window_of(table, Span.ALL).from_

        def go(span: Span, back: int) -> None:
            self._span, self._back = span, back
            ui.navigate.history.replace(f"/history?{self._query()}")
            self._draw(table, hint)

        self._drawn.clear()
        with self._drawn:
            with tag("div", classes="spans", role="group", aria_label=t("history.span")):
                for span in Span:
                    button = tag("button", t(f"history.span_{span}"), "quiet", aria_pressed=str(span is self._span).lower())
                    button.on("click", partial(go, span, 0))
                if self._span is not Span.ALL:
                    back = tag("button", "\u2039", "quiet", aria_label=t("history.earlier"), disabled=not earlier)
                    back.on("click", partial(go, self._span, self._back + 1))
                    first, last = (t.date(day, short=True) for day in window.days())
                    tag("span", first if first == last else f"{first} \u2013 {last}", "hint")
                    on = tag("button", "\u203a", "quiet", aria_label=t("history.later"), disabled=self._back == 0)
                    on.on("click", partial(go, self._span, self._back - 1))
            if not chosen.value_deg.notna().any():
                tag("p", t("history.span_none"), "hint")
                return
            dense = "sessions" in shown
            _key(t, dense)
            ends = None if self._span is Span.ALL else (window.from_, window.to)
            figure = history_figure(shown, chosen.tier.iloc[-1], t.said, t("history.axis_day"), ends, self._aims)
            apart = drawn_apart(figure)
            with tag("div", classes="curve", role="group", aria_label=t("history.figure_label")):
                points = plot(figure, t)
            if not dense:
                points.on("plotly_click", _open, js_handler="(e) => emit(e.points[0].customdata[0])")
            tag("p", t(f"history.figure_{'means' if dense else hint}"), "hint")
            for what, there in (("goal", bool(self._aims)), ("apart", apart)):
                if there:
                    tag("p", t(f"history.figure_{what}"), "hint")

    def _goals(self) -> dict[Key, float]:
        """Return how far the person wants to turn in the drill, deg, by leg and direction."""
        drill = load_table().drills.get(self._drill)
        with suppress(RotrackError):  # the page of people says it
            return aims_of(goals(self._data, self._person), drill) if drill else {}
        return {}

    # ------------------------------------------------------------------ table
    def _table(self, sessions: Sequence[Session]) -> None:
        t = self._t
        keys = [key for key in _keys() if any((v.side, v.direction) == key for s in sessions for v in s.values)]
        counted = all(session.record.tier.is_counted for session in sessions)
        if counted:
            keys = list({side: (side, direction) for side, direction in keys}.values())
        with tag("section", classes="sessions", aria_labelledby="sessions"):
            with tag("div", classes="head"):
                tag("h2", t("history.sessions"), id="sessions")
                tag("a", t("button.export"), "button", href=f"/history.csv?{self._query()}", download=True)
                tag("a", t("button.results"), "button", href=f"/history.zip?{self._query()}", download=True)
            with tag("div", classes="scrolls", tabindex="0", role="group", aria_labelledby="sessions"), tag("table"):
                with tag("thead"), tag("tr"):
                    tag("th", t("history.date"), scope="col")
                    if not self._drill:
                        tag("th", t("history.drill"), scope="col")
                    for side, direction in keys:
                        with tag("th", scope="col", classes="amount"):
                            tag("span", t.leg(side), f"side {side}")
                            if not counted:
                                tag("span", t.direction(direction, short=True), "way")
                    for column in ("repetitions", "load", "note", "status"):
                        tag("th", t(f"history.{column}"), scope="col")
                body = tag("tbody")
                with body:
                    for session in sessions[: -SHOWN - 1 : -1]:
                        self._row(session, keys)
            if len(sessions) > SHOWN:
                more = tag("button", t("history.more", count=len(sessions)), "quiet")

                def show_all() -> None:
                    more.delete()
                    with body:
                        for session in sessions[-SHOWN - 1 :: -1]:
                            self._row(session, keys)

                more.on("click", show_all)
            older = len(only(self._known.older, self._person, self._drill or None))
            if older:
                tag("p", t("history.older", count=older), "hint")

    def _row(self, session: Session, keys: Sequence[Key]) -> None:
        t, record = self._t, session.record
        values = {(v.side, v.direction): v for v in session.values}
        holds = {found.side: found for found in held(session.rep_list)} if record.tier.is_counted else {}
        with tag("tr"):
            with tag("th", scope="row"):
                tag("a", t.moment(session.started_at, short=True), href=f"/session/{session.id}")
            if not self._drill:
                _cell(self._title(record.drill), t("history.drill"))
            for side, direction in keys:
                value, found = values.get((side, direction)), holds.get(side)
                amount = t.amount(value.value_deg, value.uncertainty_deg, record.tier) if value else ""
                if found and value:
                    amount = f"{t.times(found.cycles, 'cycle')}, {t.seconds(found.total_s)}"
                _cell(amount, f"{t.leg(side)}, {t.direction(direction, short=True)}", "amount")
            valid, total = sum(v.reps_valid for v in values.values()), sum(v.reps_total for v in values.values())
            _cell(t("history.valid_of", valid=valid, total=total), t("history.repetitions"), "amount")
            weight = "" if math.isnan(record.load_kg) else t("history.kg", load=record.load_kg)
            _cell(" \u00b7 ".join(part for part in (record.band, weight) if part), t("history.load"))
            _cell(record.note, t("history.note"), "note")
            kept = f", {t('history.video')}" if session.video else ""
            finished = record.status is Status.FINISHED
            _cell(t.said(record.status) + kept, t("history.status"), "" if finished else "odd")

    # ------------------------------------------------------------------ the rest
    def _delete(self) -> None:
        t, person = self._t, self._person
        problem = blank("p", "problem", role="alert")
        button = tag("button", t("history.delete", person=person), "quiet danger")
        questions = Questions(
            t("history.delete_ask", person=person), t("history.delete_what"), t("history.delete_go"), t("history.delete_sure"),
            t("history.delete_yes"), t("result.keep"), person, t("history.delete_type", person=person),
        )  # fmt: skip

        async def delete() -> None:
            try:
                theirs = await asyncio.to_thread(stored_of, self._data, person)
                videos_of(self._data).forget(*(folder.name for folder in theirs.sessions))
                await asyncio.to_thread(delete_person, self._data, person)
            except RotrackError as error:
                problem.set_text(t.said(str(error)))
                return
            ui.navigate.to("/history")

        ask_twice(button, "delete", questions, delete)

    def _damaged(self) -> None:
        t, problems = self._t, self._known.problems
        if not problems:
            return
        with tag("details", classes="damaged"):
            tag("summary", t("history.damaged", count=len(problems)))
            with tag("ul"):
                for problem in problems:
                    tag("li", t.said(problem))


def _open(event: GenericEventArguments) -> None:
    ui.navigate.to(f"/session/{event.args}")


def _keys() -> list[Key]:
    return [(side, direction) for direction in Direction for side in Side]


def _cell(text: str, label: str, classes: str = "") -> None:
    """Add a cell; where the table becomes cards, its label is shown, and nothing if it is empty."""
    tag("td", text, classes if text else f"{classes} empty", data_label=label)


def _key(t: Texts, dense: bool) -> None:
    """Say what the signs of the figure mean."""
    with tag("div", classes="key"):
        for side in Side:
            with tag("span", classes=f"sign {side}"):
                tag("span", classes="patch", aria_hidden="true")
                tag("span", t.leg(side))
        with tag("span", classes="sign"):
            tag("span", classes="band", aria_hidden="true")
            tag("span", t("history.key_range" if dense else "history.key_band"))
