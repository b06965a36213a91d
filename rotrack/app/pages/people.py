"""The people who are measured: found as one types, added, and what is kept of each changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import run, ui
from nicegui.element import Element

from rotrack.app.pages.dialogs import Questions, ask_twice
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, tag, texts_of
from rotrack.app.pages.parcels import take_in
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RotrackError
from rotrack.people.changes import archive_person, change_person, merge_people, rename_person
from rotrack.records.folders import locked
from rotrack.records.people import AffectedSide, Person, find_person, goal_of_words, known_or_new, limit_of_words, read_people
from rotrack.records.store import read_sessions
from rotrack.system.inputs import name_key
from rotrack.texts import Texts

LONGEST_NOTE = 2000
VALUE = "(e) => emit(e.target.value)"


@dataclass(frozen=True, slots=True)
class Known:
    """A person, and when they were measured last."""

    person: Person
    last: datetime | None
    sessions: int


def register(site: Site) -> None:
    """Declare the pages."""

    @ui.page("/people", response_timeout=PATIENCE_S)
    async def people(request: Request) -> None:
        known = await asyncio.to_thread(_known, site)
        _people(site, request, known)

    @ui.page("/people/{person_id}", response_timeout=PATIENCE_S)
    async def one(request: Request, person_id: str) -> None:
        known = await asyncio.to_thread(_known, site)
        _person(site, request, known, person_id)


def _known(site: Site) -> list[Known]:
    """Return everybody, who was measured last first."""
    sessions = read_sessions(site.data)[0]
    found = []
    for person in read_people(site.data)[0]:
        own = [session for session in sessions if session.record.person_id == person.id]
        found.append(Known(person, own[-1].record.started_at if own else None, len(own)))
    return sorted(found, key=lambda known: str(known.last or known.person.added_at or ""), reverse=True)


# ---------------------------------------------------------------------- all of them
def _people(site: Site, request: Request, known: list[Known]) -> None:
    with frame(site, request, "people.title", "people") as t:
        tag("h1", t("people.title"))
        with tag("form", classes="add find"):
            tag("label", t("people.find"), "unseen", for_="find")
            field = tag(
                "input", id="find", type="search", placeholder=t("people.find"), autocomplete="off", maxlength=60, autofocus=True
            )
            field.on("keydown.enter", js_handler=OPEN)
            problem_below: list[Element] = []
            typed = {"name": ""}
            field.on("input", lambda e: typed.update(name=str(e.args)), js_handler=FILTER)

            async def add() -> None:
                try:
                    person = await run.io_bound(_added, site, typed["name"])
                except RotrackError as error:
                    _say(problem_below[0], t.said(str(error)))
                    return
                if person is not None:
                    ui.navigate.to(f"/?{urlencode({'person': person.name})}")

            tag("button", t("people.add"), id="add", type="button").on("click", add)
        problem_below.append(tag("p", classes="problem", role="alert"))
        if not known:
            tag("p", t("people.nobody"), "hint")
        with tag("ul", classes="people-list"):
            for one in known:
                _row(one, t)
        if any(one.person.archived for one in known):
            with tag("label", classes="radio"):
                box = tag("input", type="checkbox", id="archived")
                show = "document.querySelector('.people-list').classList.toggle('all', e.target.checked)"
                box.on("change", js_handler=f"(e) => {{ {show} }}")
                tag("span", t("people.archived_too"))


OPEN = """(e) => {
  e.preventDefault();
  const rows = [...document.querySelectorAll(".people-list > li")].filter((row) => row.checkVisibility());
  if (!e.target.value.trim()) return;
  (rows.length ? rows[0].querySelector(".name") : document.getElementById("add")).click();
}"""
"""Opens the first who is found; adds whoever is not."""
FILTER = """(e) => {
  const plain = (text) => text.normalize("NFKD").replace(/\\p{M}/gu, "").toLowerCase();
  const wanted = plain(e.target.value).trim().split(/\\s+/);
  for (const row of document.querySelectorAll(".people-list > li"))
    row.hidden = !wanted.every((part) => plain(row.dataset.key).includes(part));
  emit(e.target.value);
}"""
"""Shows the rows in which all parts of what is typed stand."""


def _added(site: Site, name: str) -> Person:
    with locked(site.data):
        person = known_or_new(site.data, name, site.studio.clock)
    if person is None:
        raise InputError("Type a name.")
    return person


def _row(one: Known, t: Texts) -> None:
    person = one.person
    query = urlencode({"person": person.name})
    with tag("li", classes="archived" if person.archived else "", data_key=" ".join((person.name, *person.spellings))):
        tag("a", person.name, "name", href=f"/?{query}")
        words = [t.date(one.last.date(), short=True) if one.last else t("people.never")]
        words += [t(f"people.side_{person.affected_side}")] if person.affected_side else []
        tag("span", " \u00b7 ".join(words), "hint")
        with tag("span", classes="ways"):
            tag("a", t("people.history"), href=f"/history?{query}", aria_label=f"{t('people.history')}: {person.name}")
            tag("a", t("people.change"), href=f"/people/{person.id}", aria_label=f"{t('people.change')}: {person.name}")


# ---------------------------------------------------------------------- one of them
def _person(site: Site, request: Request, known: list[Known], person_id: str) -> None:
    t = texts_of(request)
    mine = next((one for one in known if one.person.id == person_id), None)
    with frame(site, request, "people.title", "people", narrow=True):
        tag("a", t("people.title"), "back", href="/people")
        if mine is None:
            tag("h1", t("people.missing"))
            return
        person = mine.person
        tag("h1", person.name)
        problem = tag("p", classes="problem", role="alert")
        done = tag("p", classes="hint", role="status")

        async def change(what: Callable[[Person], object]) -> None:
            problem.clear()
            done.clear()
            try:
                await run.io_bound(_changed, site, person_id, what)
            except RotrackError as error:
                _say(problem, t.said(str(error)))
                return
            _say(done, t("people.saved"))

        with tag("div", classes="form"):
            _typed(t("people.name"), person.name, lambda text: change(lambda p: rename_person(site.data, p, text)))
            with tag("label", classes="field"):
                tag("span", t("people.side"))
                select = tag("select", id="affected")
                side_of = _setting_of(site, change, lambda text: {"affected_side": AffectedSide(text)})
                select.on("change", lambda e: side_of(str(e.args)), js_handler=VALUE)
                with select:
                    for side in AffectedSide:
                        words = t(f"people.side_{side or 'not_said'}")
                        tag("option", words, value=side.value, selected=side is person.affected_side)
            born = _setting_of(site, change, lambda text: {"birth_year": _year(text)})
            _typed(t("people.born"), str(person.birth_year or ""), born, id="born", inputmode="numeric", maxlength=8)
            _careful(site, person, change, t)
            aims = _setting_of(site, change, lambda text: {"goals": tuple(map(goal_of_words, _lines(text)))})
            _typed(t("people.goals"), "\n".join(map(str, person.goals)), aims, rows=3, id="goals")
            tag("small", t("people.goals_hint"))
            notes = _setting_of(site, change, lambda text: {"notes": " ".join(text.split())})
            _typed(t("people.notes"), person.notes, notes, rows=4)
        others = [one.person for one in known if one.person.id != person_id]
        with tag("div", classes="form"):
            archive = tag("button", t("people.back_in" if person.archived else "people.archive"), "quiet", id="archive")

            async def put_away() -> None:
                await change(lambda p: archive_person(site.data, p, not person.archived))
                ui.navigate.to("/people")

            archive.on("click", put_away)
            if others:
                _merging(site, person, others, problem, t)
            take_in(person.name, t)
            tag("a", t("people.delete"), href=f"/history?{urlencode({'person': person.name})}")


def _typed(label: str, value: str, take: Callable[[str], Any], rows: int = 0, **attributes: Any) -> None:
    """Add a field that is taken when it is left."""
    with tag("label", classes="field"):
        tag("span", label)
        if rows:
            field = tag("textarea", value, rows=rows, maxlength=LONGEST_NOTE, **attributes)
        else:
            field = tag("input", value=value, maxlength=attributes.pop("maxlength", 200), **attributes)
        field.on("change", lambda e: take(str(e.args)), js_handler=VALUE)


def _setting_of(
    site: Site, change: Callable[[Callable[[Person], object]], Awaitable[None]], read: Callable[[str], dict[str, Any]]
) -> Callable[[str], Awaitable[None]]:
    """Return what changes fields of the record to what was typed."""
    return lambda text: change(lambda person: change_person(site.data, person, **read(text)))


def _careful(site: Site, person: Person, change: Callable[[Callable[[Person], object]], Awaitable[None]], t: Texts) -> None:
    """Add what the person is to take care of."""
    care = _setting_of(site, change, lambda text: {"precautions": _lines(text)})
    _typed(t("people.precautions"), "\n".join(person.precautions), care, rows=3, id="precautions")
    tag("small", t("people.precautions_hint"))
    most = _setting_of(site, change, lambda text: {"limits": tuple(map(limit_of_words, _lines(text)))})
    _typed(t("people.limits"), "\n".join(map(str, person.limits)), most, rows=2, id="limits")
    tag("small", t("people.limits_hint"))
    _avoided(site, person, change, t)


def _avoided(site: Site, person: Person, change: Callable[[Callable[[Person], object]], Awaitable[None]], t: Texts) -> None:
    """Add the drills, each with a mark if this person is not to do it."""
    chosen = set(person.avoided)

    async def mark(drill: str, on: bool) -> None:
        (chosen.add if on else chosen.discard)(drill)
        await change(lambda p: change_person(site.data, p, avoided=tuple(d for d in load_table().drills if d in chosen)))

    with tag("details", open=bool(chosen)):
        tag("summary", t("people.avoided"))
        for drill in load_table().drills.values():
            with tag("label", classes="radio"):
                box = tag("input", type="checkbox", value=drill.id, checked=drill.id in chosen)
                box.on("change", lambda e, drill=drill: mark(drill.id, bool(e.args)), js_handler="(e) => emit(e.target.checked)")
                tag("span", t.said(drill.title))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _year(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InputError("{n} is no year of birth.", n=text[:10])
    return int(text)


def _changed(site: Site, person_id: str, what: Callable[[Person], object]) -> None:
    person = find_person(read_people(site.data)[0], person_id)
    if person is None:
        raise InputError("There is no record of this person any more.")
    what(person)


def _merging(site: Site, person: Person, others: list[Person], problem: Element, t: Texts) -> None:
    chosen = {"name": ""}
    with tag("label", classes="field"):
        tag("span", t("people.same_as"))
        field = tag("input", id="same", list="others", autocomplete="off")
        field.on("input", lambda e: chosen.update(name=str(e.args)), js_handler=VALUE)
        with tag("datalist", id="others"):
            for other in others:
                tag("option", value=other.name)
    button = tag("button", t("people.merge"), "quiet", id="merge")

    async def merge() -> None:
        into = next((other for other in others if name_key(chosen["name"]) in other.keys), None)
        if into is None:
            _say(problem, t("people.who"))
            return
        try:
            await run.io_bound(merge_people, site.data, person, into)
        except RotrackError as error:
            _say(problem, t.said(str(error)))
            return
        ui.navigate.to(f"/people/{into.id}")

    questions = Questions(t("people.merge_ask"), t("people.merge_what", name=person.name), t("people.merge"),
                          t("people.merge_sure"), t("people.merge"), t("result.keep"))  # fmt: skip
    ask_twice(button, "merging", questions, merge)


def _say(where: Element, words: str) -> None:
    where.clear()
    with where:
        tag("span", words)
