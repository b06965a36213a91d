"""Who may look in: only pages of this program, and over the network only browsers that were let in with a one-time token.

A web page from elsewhere could ask this program for its pictures through the person's own browser, or show its pages in a frame.
Therefore a request must name this program as its host and, if it says where it comes from, come from its pages; only a whole
page may be opened from elsewhere, since a link must work.

Programs that show a preview of a link fetch it. A token is therefore not used up by opening its address, but by the form on the
page that comes then, which sends itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "rotrack_guest"
UNFRAMED = (b"content-security-policy", b"frame-ancestors 'none'")
LET_IN = (
    '<!doctype html><html lang="en"><title>rotrack</title><meta name="viewport" content="width=device-width"><form method="post">'
    "<button>rotrack</button></form><script>document.forms[0].submit()</script>"
)
TOKEN = "token"
LOCAL = ("127.0.0.1", "localhost", "[::1]")
NOT_LET_IN = (
    "This is rotrack on another device. To look in, open the address with its one-time token: rotrack prints a new one in its "
    "terminal each time one was used."
)
WRONG_PLACE = "This address belongs to rotrack on this computer; open it by the address that rotrack printed."


class Tokens:
    """The one-time tokens and the browsers that were let in with one.

    Parameters
    ----------
    renewed : callable
        Called with each new token, first here.
    """

    def __init__(self, renewed: Callable[[str], None]) -> None:
        self._renewed = renewed
        self._open: set[str] = set()
        self._guests: set[str] = set()
        self.offer()

    def make(self) -> str:
        """Return a new token that lets one browser in."""
        token = secrets.token_urlsafe(9)
        self._open.add(token)
        return token

    def offer(self) -> None:
        """Make a token and tell it."""
        self._offered = self.make()
        self._renewed(self._offered)

    def is_open(self, token: str) -> bool:
        """Return whether a token was not used yet."""
        return token in self._open

    def use(self, token: str) -> str:
        """Return the guest's secret for a token that was not used yet, else an empty text."""
        if token not in self._open:
            return ""
        self._open.discard(token)
        guest = secrets.token_urlsafe(24)
        self._guests.add(guest)
        if token == self._offered:
            self.offer()
        return guest

    def knows(self, guest: str) -> bool:
        """Return whether a browser was let in."""
        return guest in self._guests


class Guard:
    """ASGI middleware that refuses whoever may not look in.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    tokens : Tokens, optional
        Who is let in over the network; without it only this computer is served.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens | None = None) -> None:
        self._app, self._tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _foreign(headers) or (self._tokens is None and _name(headers.get("host", "")) not in LOCAL):
            await self._refuse(scope, receive, send, WRONG_PLACE)
            return
        if self._tokens is None or self._tokens.knows(cookie_parser(headers.get("cookie", "")).get(COOKIE, "")):
            await self._app(scope, receive, _unframed(send))
            return
        token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(TOKEN, [""])[0]
        if scope["type"] != "http" or not self._tokens.is_open(token):
            await self._refuse(scope, receive, send, NOT_LET_IN)
        elif scope["method"] == "POST":
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(COOKIE, self._tokens.use(token), httponly=True, samesite="strict")
            await response(scope, receive, send)
        else:
            await HTMLResponse(LET_IN)(scope, receive, _unframed(send))

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "not let in"})
            return
        await PlainTextResponse(why, status_code=403)(scope, receive, send)


def _name(host: str) -> str:
    """Return the host of a Host header without its port."""
    return host.rsplit(":", 1)[0] if not host.endswith("]") else host


def _foreign(headers: Headers) -> bool:
    """Return whether a page from elsewhere asks, other than by a link to a whole page."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        return True
    link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return headers.get("sec-fetch-site") in ("cross-site", "same-site") and not link


def _unframed(send: Send) -> Send:
    """Return a way to send that forbids pages from elsewhere to show the answer in a frame."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], UNFRAMED]}
        await send(message)

    return sent
