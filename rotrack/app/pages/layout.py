"""What all pages share: the head, the way between them, language and light, and plain HTML elements."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import HTTPConnection

from rotrack.app.clips import Clips
from rotrack.app.guard import VISITOR
from rotrack.app.keys import Keys, Visitor
from rotrack.app.live.studio import Phase, Studio
from rotrack.app.pages.renewing import Renewing
from rotrack.core.drills import Drill, load_table
from rotrack.core.errors import RotrackError
from rotrack.draw.drill_figures import place_picture
from rotrack.draw.theme import css_variables
from rotrack.progress.sample import MADE_UP
from rotrack.records.options import Option
from rotrack.records.people import care_of
from rotrack.records.session import Session
from rotrack.texts import LANGUAGES, Texts, best_language
from rotrack.texts.numbers import unparted
from rotrack.texts.units import Units

LANGUAGE_COOKIE = "rotrack_language"
PRIVATE_COOKIE = "rotrack_private"
UNITS_COOKIE = "rotrack_units"
PLACES = (("choose", "/"), ("clips", "/clips"), ("people", "/people"), ("history", "/history"), ("settings", "/settings"))
RENEWING_EVERY_S = 1.0
AT_ONCE_S = 1.0
"""A second press of a button within this time after the first was done is none."""
PATIENCE_S = 86_400.0
"""How long a page may take to be built: no computer is that slow, and the browser shows that it waits."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages draw from.

    Parameters
    ----------
    data : Path
        The data folder.
    studio : Studio
        The one camera and the session on it, the same for every page.
    keys : Keys
        Keys of the owner and of devices that were let in.
    clips : Clips
        The recorded clips that were handed in.
    renewing : Renewing, optional
        Sessions of an earlier version that are measured again meanwhile.
    encrypted : str
        Address at which other devices find it by an encrypted connection; empty if they do not.
    fingerprint : str
        How they know that connection.
    """

    data: Path
    studio: Studio
    keys: Keys
    clips: Clips
    renewing: Renewing | None = None
    encrypted: str = ""
    fingerprint: str = ""


def language_of(cookies: dict[str, str], accepted: str | None, usual: str = "") -> str:
    """Return the language for a browser: the one that was chosen there, else what is usual, else the best of those it accepts."""
    chosen = cookies.get(LANGUAGE_COOKIE, "")
    return next((known for known in (chosen, usual) if known in LANGUAGES), best_language(accepted))


def is_owner(request: Request) -> bool:
    """Return whether the owner's own browser asks."""
    visitor = request.scope.get(VISITOR)
    return isinstance(visitor, Visitor) and visitor.owner


def texts_of(request: HTTPConnection, usual: str = "") -> Texts:
    """Return the words in the language of a request; `usual` is that of a course, for a browser that has chosen none."""
    language = language_of(request.cookies, request.headers.get("accept-language"), usual)
    return Texts(language, Units.IMPERIAL if request.cookies.get(UNITS_COOKIE) == Units.IMPERIAL else Units.METRIC)


def private(request: Request) -> bool:
    """Return whether the first page is to show no names."""
    return request.cookies.get(PRIVATE_COOKIE) == "yes"


# ---------------------------------------------------------------------- elements
def tag(kind: str, /, text: str = "", classes: str = "", **attributes: Any) -> Element:
    """Add a plain HTML element with text; `for_` and the like lose their underscore, other underscores become hyphens.

    No line of the text ends between a number and its error. An attribute that is True stands without a value, one that is None
    or False is left out. The `value` of an input is what it holds at first: redrawing the page does not undo what was typed.
    """
    element = TextElement(tag=kind, text=unparted(text)) if text else ui.element(kind)
    if classes:
        element.classes(classes)
    for key, value in attributes.items():
        if value is not None and value is not False:
            name = "^value" if (kind, key) == ("input", "value") else key.rstrip("_").replace("_", "-")
            element.props[name] = value if value is True else str(value)
    return element


def pressed_once(act: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Return what does something when a button is pressed, but not again for a second press that comes at once."""
    idle_from_s = 0.0

    async def press() -> None:
        nonlocal idle_from_s
        if time.monotonic() < idle_from_s:
            return
        idle_from_s = math.inf
        try:
            await act()
        finally:
            idle_from_s = time.monotonic() + AT_ONCE_S

    return press


def made_up(sessions: Iterable[Session], t: Texts) -> None:
    """Say so where a session is one of the made-up sample, whatever its note has become."""
    if any(session.record.model == MADE_UP for session in sessions):
        tag("p", t("app.made_up"), "notice")


def take_care(site: Site, person: str, t: Texts, drill: Drill | None = None) -> None:
    """Say what a person is to take care of, if that is known; the history page says what cannot be read."""
    with suppress(RotrackError):
        for told in care_of(site.data, person, drill).told:
            tag("p", t("say.care", sentence=t.said(told)), "notice")


def svg(text: str, classes: str = "") -> Element:
    """Add a drawing, given as SVG text that rotrack made itself."""
    return ui.html(text, sanitize=False).classes(classes)


@contextmanager
def frame(site: Site, request: Request, title: str, here: str = "", narrow: bool = False, language: str = "") -> Iterator[Texts]:
    """Lay out a page: head, way between the pages, and the main part, which the caller fills.

    Parameters
    ----------
    site : Site
        What the pages draw from.
    request : Request
        What the browser asked for; it tells the language.
    title : str
        Key of the title.
    here : str
        Which of `PLACES` this is.
    narrow : bool
        Whether the main part is for reading, or as wide as it can be.
    language : str
        The language of the course that the page is of; empty for a page of none.
    """
    t = texts_of(request, language)
    ui.page_title(f"{t(title)} \u00b7 {t('app.title')}")
    ui.query("html").props(f"lang={t.language}")
    with tag("a", t("app.skip"), "skip", href="#main"):
        pass
    with tag("header", classes="top"):
        with tag("a", classes="brand", href="/", aria_label=t("app.home")):
            svg(LOGO)
            tag("span", t("app.title"))
        with tag("nav", aria_label=t("app.ways")):
            for place, path in PLACES:
                tag("a", t(f"app.{place}"), href=path, aria_current="page" if place == here else None)
        with tag("div", classes="settings"):
            with tag("select", classes="quiet", id="language", aria_label=t("app.language")):
                for code, name in LANGUAGES.items():
                    tag("option", name, value=code, selected=code == t.language)
            with tag("select", classes="quiet", id="light", aria_label=t("app.light")):
                for choice in ("auto", "light", "dark"):
                    tag("option", t(f"app.light_{choice}"), value=choice)
    with tag("div", classes="banner", id="gone", role="alert", hidden=True):
        tag("strong", t("app.gone"))
        tag("span", t("app.gone_do"))
    if here != "live" and site.studio.phase in (Phase.CHECK, Phase.MEASURE):
        with tag("div", classes="banner running"):
            tag("span", t("app.running"))
            tag("a", t("app.running_open"), href="/live")
    _guests(site.keys, request, t)
    if site.renewing is not None:
        _renewing(site.renewing, t)
    with tag("div", classes="narrow" if narrow else "", id="main"):
        yield t


def _renewing(renewing: Renewing, t: Texts) -> None:
    """Say how far measuring earlier sessions again is, and once how it ended."""
    if renewing.told:
        return
    with tag("div", classes="banner running", id="renewing", role="status") as banner:
        said = TextElement(tag="span", text="")
        told = tag("ul")

    def update() -> bool:
        """Show it as it is now; return whether it is over."""
        words = renewing.words(t)
        said.set_text(words)
        banner.set_visibility(bool(words))
        if renewing.over and words and not renewing.told:
            renewing.told = True
            with told:
                for text in renewing.notes:
                    tag("li", t.said(text))
        return renewing.over

    if not update():
        timer = ui.timer(RENEWING_EVERY_S, lambda: timer.deactivate() if update() else None, immediate=False)


def _guests(keys: Keys, request: Request, t: Texts) -> None:
    """Tell the owner that other devices look in, and let them be sent away."""
    if not keys.guests or not is_owner(request):
        return
    with tag("div", classes="banner running", id="guests") as banner:
        tag("span", t("app.guests", count=keys.guests))
        button = tag("button", t("app.guests_away"), "quiet")

    def send_away() -> None:
        keys.send_away()
        banner.set_visibility(False)

    button.on("click", send_away)


def add_head() -> None:
    """Add the look and the scripts to every page; called once."""
    ui.add_head_html(
        f'{look()}<link rel="stylesheet" href="/static/results.css"><script src="/static/app.js"></script>'
        '<link rel="manifest" href="/static/rotrack.webmanifest" crossorigin="use-credentials">'
        '<link rel="apple-touch-icon" href="/static/icon-180.png">',
        shared=True,
    )


def look() -> str:
    """Return what a page's head needs to look like the others: colours, light and dark, and the shapes."""
    light, dark = css_variables(dark=False), css_variables(dark=True)
    return (
        f"<style>:root{{color-scheme:light;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-light=light]){{color-scheme:dark;{dark}}}}}"
        f":root[data-light=dark]{{color-scheme:dark;{dark}}}</style>"
        '<link rel="stylesheet" href="/static/app.css">'
    )


LOGO = (
    '<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" fill="none" stroke-width="3" stroke-linecap="round">'
    '<path d="M4 24a12 12 0 0 1 24 0" stroke="var(--muted)"/><path d="M16 24 22.5 13" stroke="var(--right)"/>'
    '<path d="M16 24 9.5 13" stroke="var(--left)"/><circle cx="16" cy="24" r="2.5" fill="currentColor" stroke="none"/></svg>'
)


def variants_of(drill: str, t: Texts) -> dict[str, str]:
    """Return the ways to do a drill that can be chosen, in words, with that of its steps first; empty if there is no other."""
    known = load_table().drills.get(drill)
    variants = known.variants if known else {}
    return {"": t("noted.as_said")} | {name: t.said(title) for name, title in variants.items()} if variants else {}


def choice_words(choice: str, t: Texts) -> str:
    """Return the word for what can be chosen of an option that is noted."""
    return t(f"noted.choice.{choice}") if choice else t("noted.not_said")


def option_words(option: Option, t: Texts) -> str:
    """Return what an option that is noted is called beside its field, with the unit in which it is typed."""
    return t(f"noted.{option.name}", unit=t.units.named(option.unit))


def place_of(drill: Drill, t: Texts) -> str:
    """Return the drawing of where the camera of a drill goes."""
    return t.in_units(place_picture(drill.id, t("number.decimal")))
