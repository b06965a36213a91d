"""Who may look in: browsers that were let in, and of those only pages of this program.

Whoever asks needs a cookie, which a browser gets for a token in the address; see `keys`. The owner's counts only for connections
of the owner's own programs: a browser sends cookies to every server of its computer, also to one of another user.

A web page from elsewhere could ask this program for its pictures through the person's own browser, or show its pages in a frame.
Therefore a request must name this program as its host and, if it says where it comes from, come from its pages; only a whole
page may be opened from elsewhere, since a link must work.

Programs that show a preview of a link fetch it. A token is therefore not used up by opening its address, but by the form on the
page that comes then, which sends itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rotrack.app.clips import MOST_CLIP_BYTES
from rotrack.app.keys import Keys, Visitor
from rotrack.app.policy import NOTHING, POLICY, policy
from rotrack.system.clock import SYSTEM, Clock
from rotrack.texts import Texts, best_language

VISITOR = "rotrack_visitor"
"""Where a scope says who asks."""
TOKEN = "token"
LOCAL = ("127.0.0.1", "localhost", "[::1]")
MOST_BODY_BYTES = 1_000_000
"""Pages send clicks and short texts ..."""
LARGE = ("/clips/", "/results/")
"""... and, put below these, recorded clips and files with results."""
LET_IN = (
    '<!doctype html><html lang="en"><title>rotrack</title><meta name="viewport" content="width=device-width"><form method="post">'
    '<button>rotrack</button></form><script nonce="{nonce}">document.forms[0].submit()</script>'
)
NOT_LET_IN = (
    "This is rotrack, and this browser has not been let in. On the computer that it runs on, open the address that rotrack "
    "printed in its terminal; run `rotrack` once more to see it. On another device, open the address with a one-time token that "
    "`rotrack app --host` printed last."
)
WRONG_PLACE = "This address belongs to rotrack on this computer; open it by the address that rotrack printed."
TOO_MANY_GUESSES = "Too many tokens from here were wrong. Wait a minute, then open the address that rotrack shows now."
MOST_GUESSES = 10
"""This many wrong tokens may come from one address ..."""
GUESSES_FORGOTTEN_S = 60.0
"""... within this time."""
MOST_GUESSERS = 1000
"""For how many addresses wrong tokens are counted."""
TOO_LARGE = "That is more than a page of rotrack sends."
PROTECTED = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_TCP = ("/proc/net/tcp", "/proc/net/tcp6")
_SENT_AWAY = 4403


class Guard:
    """ASGI middleware that refuses whoever may not look in.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    keys : Keys
        Keys of the owner and of devices that were let in.
    is_own : callable, optional
        Tells of a scope whether the connection may be the owner's; `is_owners` without it.
    clock : Clock
        Tells when wrong tokens are forgotten.
    """

    def __init__(self, app: ASGIApp, keys: Keys, is_own: Callable[[Scope], bool] | None = None, clock: Clock = SYSTEM) -> None:
        self._app, self._keys, self._is_own = app, keys, is_own or is_owners
        self._guesses = _Guesses(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, send = Headers(scope=scope), _protected(send)
        if _foreign(headers) or (not self._keys.takes_guests and _name(headers.get("host", "")) not in LOCAL):
            await _refuse(scope, receive, send, WRONG_PLACE)
            return
        own = self._is_own(scope)
        visitor = self._keys.visitor(cookie_parser(headers.get("cookie", "")).get(self._cookie_name(scope), ""), own)
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        token = query.pop(TOKEN, "")
        guessing = not own and self._guesses.too_many(scope)  # nobody can lock the owner out
        opens = not guessing and self._keys.opens(token, own)
        if token and not opens and not own:
            self._guesses.add(scope)
        if scope["type"] == "http" and opens:  # also who is a guest already, and comes as the owner
            await self._let_in(scope, receive, send, token, query, own)
        elif visitor is None and token and guessing:
            await _refuse(scope, receive, send, TOO_MANY_GUESSES, 429)
        elif visitor is None:
            await _refuse(scope, receive, send, NOT_LET_IN)
        elif _size(headers) > _most_bytes(scope):
            await _refuse(scope, receive, send, TOO_LARGE, 413)
        else:
            is_request = scope["type"] == "http"
            receive = _limited(receive, _most_bytes(scope)) if is_request else self._while_let_in(receive, send, visitor)
            await self._app({**scope, VISITOR: visitor}, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, token: str, query: dict[str, str], own: bool) -> None:
        if scope["method"] != "POST":
            nonce = secrets.token_urlsafe(9)
            await HTMLResponse(LET_IN.format(nonce=nonce), headers={POLICY: policy(nonce)})(scope, receive, send)
            return
        response = RedirectResponse(f"{scope['path']}?{urlencode(query)}" if query else scope["path"], status_code=303)
        cookie, good_s = self._keys.enter(token, own)
        secret = _encrypted(scope)
        response.set_cookie(self._cookie_name(scope), cookie, max_age=good_s, httponly=True, samesite="lax", secure=secret)
        await response(scope, receive, send)

    def _cookie_name(self, scope: Scope) -> str:
        """Return the name of the cookie: one that was given over an encrypted connection is sent over no other."""
        return f"__Host-{self._keys.cookie_name}" if _encrypted(scope) else self._keys.cookie_name

    def _while_let_in(self, receive: Receive, send: Send, visitor: Visitor) -> Receive:
        """Return a way to receive that ends a guest's web socket when the guest may not look in any more."""
        if visitor.owner:
            return receive
        loop = asyncio.get_running_loop()
        until_s, away = loop.time() + visitor.left_s, self._keys.sent_away()

        async def received() -> Message:
            message, gone = asyncio.ensure_future(receive()), asyncio.ensure_future(away.wait())
            try:
                await asyncio.wait({message, gone}, timeout=until_s - loop.time(), return_when=asyncio.FIRST_COMPLETED)
                if message.done() and not away.is_set():
                    return message.result()
            finally:
                gone.cancel()
                message.cancel()
            with suppress(RuntimeError):  # it is closed already
                await send({"type": "websocket.close", "code": _SENT_AWAY})
            return {"type": "websocket.disconnect", "code": _SENT_AWAY}

        return received


class _Guesses:
    """How many wrong tokens came from which address, lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of: dict[str, list[float]] = {}

    def add(self, scope: Scope) -> None:
        """Take note of a wrong token."""
        guesses = self._lately(scope)[-MOST_GUESSES:]
        self._of.pop(self._who(scope), None)
        self._of[self._who(scope)] = [*guesses, self._clock.monotonic_s()]
        while len(self._of) > MOST_GUESSERS:
            del self._of[next(iter(self._of))]

    def too_many(self, scope: Scope) -> bool:
        """Return whether there were too many from an address to look at another one."""
        return len(self._lately(scope)) >= MOST_GUESSES

    def _lately(self, scope: Scope) -> list[float]:
        since_s = self._clock.monotonic_s() - GUESSES_FORGOTTEN_S
        return [guess_s for guess_s in self._of.get(self._who(scope), ()) if guess_s > since_s]

    @staticmethod
    def _who(scope: Scope) -> str:
        client = scope.get("client")
        return str(client[0]) if client else ""


def _encrypted(scope: Scope) -> bool:
    return scope.get("scheme") in ("https", "wss")


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str, status: int = 403) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _SENT_AWAY, "reason": "not let in"})
        return
    words = Texts(best_language(Headers(scope=scope).get("accept-language"))).said(why)
    await PlainTextResponse(words, status_code=status, headers={"connection": "close"})(scope, receive, send)


# ---------------------------------------------------------------------- whose connection
def is_owners(scope: Scope) -> bool:
    """Return whether a connection may be the owner's.

    It comes from this computer and, where the system says whose it is (Linux), from a program of the same user or of the
    administrator. Where it does not say, the token or cookie alone decides.
    """
    client, server = scope.get("client"), scope.get("server")
    if not client or not server:
        return False
    try:
        here = client[0] == server[0] or ip_address(client[0]).is_loopback
    except ValueError:
        return False
    return here and (sys.platform != "linux" or _user_of(client[0], client[1]) in (None, os.getuid(), 0))


def _user_of(host: str, port: int) -> int | None:
    """Return the user whose program has the socket with an IPv4 address of this computer; None if the system does not say."""
    at = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    for table in _TCP:
        with suppress(OSError, IndexError, ValueError), Path(table).open() as lines:
            for line in lines:
                cells = line.split()
                if cells[1].endswith(at):
                    return int(cells[7])
    return None


# ---------------------------------------------------------------------- what is asked
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


def _size(headers: Headers) -> int:
    """Return how large the body of a request is said to be."""
    said = headers.get("content-length", "0")
    return int(said) if said.isdecimal() else 0


def _most_bytes(scope: Scope) -> int:
    """Return how large the body of a request may be."""
    is_large = scope["type"] == "http" and scope["method"] == "PUT" and scope["path"].startswith(LARGE)
    return MOST_CLIP_BYTES if is_large else MOST_BODY_BYTES


def _limited(receive: Receive, most_bytes: int) -> Receive:
    """Return a way to receive that gives up a body that is too large, whatever its size was said to be."""
    size = 0

    async def received() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        return message if size <= most_bytes else {"type": "http.disconnect"}

    return received


def _protected(send: Send) -> Send:
    """Return a way to send that tells browsers to take an answer for what it is, and by default for no page."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *PROTECTED]
            if not any(name.lower() == POLICY.encode() for name, _ in headers):
                headers.append((POLICY.encode(), NOTHING.encode()))
            message = {**message, "headers": headers}
        await send(message)

    return sent
