"""The page of a phone that is the camera, and the code by which the phone finds it.

It is a plain page without NiceGUI: small, and made for browsers that refuse web sockets under a certificate they do not know.
"""

from __future__ import annotations

import io
import json
from html import escape
from typing import Literal

import msgspec
import segno
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from nicegui import app
from starlette.requests import ClientDisconnect

from rotrack.app.guard import TOKEN
from rotrack.app.live.phone import Reception
from rotrack.app.pages.layout import Site, is_owner, look, svg, tag, texts_of
from rotrack.app.pages.warning import warning_picture
from rotrack.core.rates import ENOUGH_HZ
from rotrack.sensing.sent import PHONE
from rotrack.texts import Texts

WORDS = (
    "ready", "choose", "other_camera", "busy", "no_camera", "no_secure", "turned", "no_link", "lost", "rate", "go_on", "pause",
    "done", "no_awake",
)  # fmt: skip
"""What the script says, by the ends of the keys under `phone`."""
OPEN = {name: f"{{{name}}}" for name in ("seconds", "rate", "late")}
"""What the script puts into them."""


def register(site: Site) -> None:
    """Declare the page and what it asks for."""
    reception = Reception(site.studio)

    @app.get("/phone")
    def phone(request: Request) -> HTMLResponse:
        return HTMLResponse(_page(texts_of(request)))

    @app.get("/phone/code.svg")
    def picture(request: Request) -> Response:
        """Give the code that lets the next phone in, to nobody but the owner."""
        if not is_owner(request) or not site.encrypted:
            return PlainTextResponse("", 404)
        address = f"{site.encrypted}phone?{TOKEN}={site.keys.offered_token}"
        drawn = io.BytesIO()
        segno.make(address, micro=False).save(
            drawn, kind="svg", border=3, xmldecl=False, dark="#000", light="#fff", omitsize=True
        )
        return Response(drawn.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})

    @app.post("/phone/pictures")
    async def pictures(request: Request) -> Response:
        try:
            return JSONResponse(reception.take(await request.body(), texts_of(request)))
        except (ValueError, msgspec.DecodeError):
            return PlainTextResponse("not understood", 400)
        except ClientDisconnect:  # the link went away meanwhile; it is sent again
            return PlainTextResponse("", 400)

    @app.post("/phone/do/{what}")
    def do(what: Literal["begin", "end", "retake"]) -> dict[str, bool]:
        {"begin": site.studio.begin, "end": site.studio.end, "retake": site.studio.retake}[what]()
        return {"ok": True}


def code(site: Site, request: Request, t: Texts) -> None:
    """Add what to scan, for as long as no phone is connected; the script of the page shows and hides it."""
    with tag("div", classes="scan", id="scan", hidden=True):
        if not is_owner(request):
            tag("p", t("phone.code_elsewhere"))
        elif not site.encrypted:
            tag("p", t("phone.no_host"))
        else:
            tag("img", alt=t("phone.code"), id="code", width=260, height=260)
            with tag("ol"):
                for step in ("scan", "warning", "allow"):
                    tag("li", t(f"phone.{step}"))
            with tag("details"):
                tag("summary", t("phone.certificate"))
                svg(warning_picture(t), "warned")
                tag("p", t("phone.fingerprint"))
                tag("p", site.fingerprint, "path")


def _page(t: Texts) -> str:
    words = json.dumps({name: t(f"phone.{name}", **OPEN) for name in WORDS} | {"decimal": t("number.decimal")})
    buttons = "".join(
        f'<button id="{name}"{" hidden" if name in ("begin", "end", "retake") else ""}>{escape(t(f"phone.{name}"))}</button>'
        for name in ("begin", "end", "retake", "pause")
    )
    sizes = "".join(f'<option value="{size}">{size.replace("x", " × ")}</option>' for size in ("1280x720", "640x480"))
    return (
        f'<!doctype html><html lang="{t.language}"><head><meta charset="utf-8">'
        f"<title>{escape(t('phone.title'))} · rotrack</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
        '<meta name="apple-mobile-web-app-capable" content="yes">'
        '<link rel="icon" href="/static/icon.svg"><link rel="apple-touch-icon" href="/static/icon-180.png">'
        '<link rel="manifest" href="/static/phone.webmanifest" crossorigin="use-credentials">'
        f'{look()}<link rel="stylesheet" href="/static/phone.css"></head>'
        f'<body><main id="phone" data-kind="{PHONE}" data-enough="{ENOUGH_HZ:g}" data-words="{escape(words)}">'
        f'<div class="view"><video id="video" playsinline muted autoplay aria-label="{escape(t("phone.view"))}"></video>'
        f'<p class="told" id="told" role="status"></p></div>'
        f'<section class="shown"><p class="say" id="say" role="status" aria-live="polite"></p><div id="legs"></div></section>'
        f'<footer><div class="buttons">{buttons}</div><div class="choice" id="choice">'
        f'<a class="button quiet" href="/clips">{escape(t("clips.title"))}</a>'
        f'<button class="quiet" id="turn">{escape(t("phone.turn"))}</button>'
        f'<label><span class="unseen">{escape(t("phone.size"))}</span><select class="quiet" id="size">{sizes}</select></label>'
        f"</div></footer></main>"
        '<script src="/static/feed.js"></script><script src="/static/phone.js"></script></body></html>'
    )
