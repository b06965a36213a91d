"""What all pages share: the head, the way between them, language and light, and plain HTML elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from rotrack.app.guard import VISITOR
from rotrack.app.keys import Keys, Visitor
from rotrack.app.live.studio import Phase, Studio
from rotrack.app.pages.renewing import Renewing
from rotrack.draw.theme import css_variables
from rotrack.progress.sample import MADE_UP
from rotrack.records.session import Session
from rotrack.texts import LANGUAGES, Texts, best_language

LANGUAGE_COOKIE = "rotrack_language"
PLACES = (("choose", "/"), ("history", "/history"))
RENEWING_EVERY_S = 1.0
PATIENCE_S = 86_400.0
"""So long a page may take to be built: no computer is that slow, and whoever waits sees the browser wait."""


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
        Who is let in.
    renewing : Renewing, optional
        Sessions of an earlier version that are measured again meanwhile.
    """

    data: Path
    studio: Studio
    keys: Keys
    renewing: Renewing | None = None


def language_of(cookies: dict[str, str], accepted: str | None) -> str:
    """Return the language that a browser asks for: the one that was chosen, else the best of those it accepts."""
    chosen = cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else best_language(accepted)


def texts_of(request: Request) -> Texts:
    """Return the words in the language of a request."""
    return Texts(language_of(request.cookies, request.headers.get("accept-language")))


# ---------------------------------------------------------------------- elements
def tag(kind: str, /, text: str = "", classes: str = "", **attributes: Any) -> Element:
    """Add a plain HTML element with text; `for_` and the like lose their underscore, other underscores become hyphens.

    An attribute that is True stands without a value, one that is None or False is left out.
    """
    element = TextElement(tag=kind, text=text) if text else ui.element(kind)
    if classes:
        element.classes(classes)
    for key, value in attributes.items():
        if value is not None and value is not False:
            element.props[key.rstrip("_").replace("_", "-")] = value if value is True else str(value)
    return element


def made_up(sessions: Iterable[Session], t: Texts) -> None:
    """Say so where a session is one of the made-up sample, whatever its note has become."""
    if any(session.record.model == MADE_UP for session in sessions):
        tag("p", t("app.made_up"), "notice")


def svg(text: str, classes: str = "") -> Element:
    """Add a drawing, given as SVG text that rotrack made itself."""
    return ui.html(text, sanitize=False).classes(classes)


@contextmanager
def frame(site: Site, request: Request, title: str, here: str = "", narrow: bool = False) -> Iterator[Texts]:
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
    """
    t = texts_of(request)
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
    visitor = request.scope.get(VISITOR)
    if not keys.guests or not isinstance(visitor, Visitor) or not visitor.owner:
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
    light, dark = css_variables(dark=False), css_variables(dark=True)
    ui.add_head_html(
        f"<style>:root{{color-scheme:light;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-light=light]){{color-scheme:dark;{dark}}}}}"
        f":root[data-light=dark]{{color-scheme:dark;{dark}}}</style>"
        '<link rel="stylesheet" href="/static/app.css">'
        '<link rel="stylesheet" href="/static/results.css">'
        '<script src="/static/app.js"></script>',
        shared=True,
    )


LOGO = (
    '<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" fill="none" stroke-width="3" stroke-linecap="round">'
    '<path d="M4 24a12 12 0 0 1 24 0" stroke="var(--muted)"/><path d="M16 24 22.5 13" stroke="var(--right)"/>'
    '<path d="M16 24 9.5 13" stroke="var(--left)"/><circle cx="16" cy="24" r="2.5" fill="currentColor" stroke="none"/></svg>'
)
