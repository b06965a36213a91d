"""What the pages may load and run: only what rotrack serves itself, and of scripts only those that the page came with.

NiceGUI runs its handlers by `eval` and writes styles into elements, so both are allowed; a script or a handler that some text
brings into a page is not run, and nothing can be sent elsewhere.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64encode

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "content-security-policy"
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For whatever is no page."""
_WHOLE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SCRIPT = re.compile(rb"<script(?=[\s>])")


def report_policy(page: str) -> str:
    """Return what a report may do, which holds all that it needs: its scripts are known by their sums, and it stays as it is."""
    sums = (b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _WHOLE_SCRIPT.findall(page))
    scripts = " ".join(f"'sha256-{found}'" for found in sums)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def policy(nonce: str, host: str = "") -> str:
    """Return what a page may do whose own scripts have this mark.

    Parameters
    ----------
    nonce : str
        The mark.
    host : str
        By which name the page was asked for; older browsers want it named for web sockets.
    """
    sockets = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    return (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'{sockets}; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


class OwnScripts:
    """ASGI middleware that marks the scripts of a page and lets no others run; it goes inside of what compresses answers.

    Texts of people are no markup where they are put into a page: they cannot hold what is marked here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and change the page that comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body, nonce = b"", secrets.token_urlsafe(12)

        async def sent(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if POLICY in headers or not headers.get("content-type", "").startswith("text/html"):
                    await send(message)
                    return
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                page = _SCRIPT.sub(b'<script nonce="%s"' % nonce.encode(), body)
                changed = MutableHeaders(raw=list(start["headers"]))
                changed["content-length"] = str(len(page))
                changed[POLICY] = policy(nonce, Headers(scope=scope).get("host", ""))
                await send({**start, "headers": changed.raw})
                await send({**message, "body": page})

        await self._app(scope, receive, sent)
