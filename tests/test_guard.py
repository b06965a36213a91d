"""Who may look in: pages of this program on this computer, and over the network browsers that were let in once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.types import Message, Receive, Scope, Send

from rotrack.app.guard import COOKIE, LET_IN, NOT_LET_IN, TOKEN, WRONG_PLACE, Guard, Tokens

HERE = "http://127.0.0.1:8377"
AWAY = "http://192.0.2.7:8377"


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for what is guarded: greets everybody."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


@dataclass
class Answer:
    """What a browser gets."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Browser:
    """Asks a guarded site and keeps its cookies."""

    tokens: Tokens | None = None
    base: str = HERE
    cookies: dict[str, str] = field(default_factory=dict)

    def _ask(self, scope: dict[str, Any], query: dict[str, str], headers: dict[str, str]) -> list[Message]:
        sent: list[Message] = []
        cookie = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        all_headers = {"host": urlsplit(self.base).netloc, "cookie": cookie, **headers}
        scope |= {"path": "/", "query_string": urlencode(query).encode()}
        scope |= {"headers": [(name.encode(), text.encode("latin-1")) for name, text in all_headers.items() if text is not None]}

        async def receive() -> Message:
            return {"type": f"{scope['type']}.{'connect' if scope['type'] == 'websocket' else 'request'}"}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(Guard(site, self.tokens)(scope, receive, send))
        return sent

    def get(self, query: dict[str, str] | None = None, method: str = "GET", **headers: str) -> Answer:
        start, *rest = self._ask({"type": "http", "method": method}, query or {}, headers)
        found = {name.decode(): text.decode() for name, text in start["headers"]}
        for name, morsel in SimpleCookie(found.get("set-cookie", "")).items():
            self.cookies[name] = morsel.value
        return Answer(start["status"], b"".join(part.get("body", b"") for part in rest).decode(), found)

    def enter(self, token: str) -> Answer:
        """Open the address with a token, and send the form that comes."""
        self.get({TOKEN: token})
        return self.get({TOKEN: token}, method="POST", origin=self.base)

    def channel(self, query: dict[str, str] | None = None, **headers: str) -> int:
        """Open a web socket; return the code with which it is closed, 0 if it is open."""
        first = self._ask({"type": "websocket"}, query or {}, headers)[0]
        return 0 if first["type"] == "websocket.accept" else first["code"]


# ---------------------------------------------------------------------- this computer alone
@pytest.mark.parametrize("host", ["127.0.0.1:8377", "localhost:8377", "[::1]:8377", "localhost", "[::1]"])
def test_this_computer_is_served(host):
    assert Browser().get(host=host).text == "hello"
    assert Browser().channel(host=host, origin=f"http://{host}") == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8377", "127.0.0.1.evil.example", "localhost.evil.example:8377", "192.0.2.7:8377", "", None],
)
def test_a_name_that_leads_here_from_elsewhere_is_refused(host):
    """Another site can let its own name point to 127.0.0.1; its pages would then count as this program's."""
    answer = Browser().get(host=host)
    assert (answer.status, answer.text) == (403, WRONG_PLACE)
    assert Browser().channel(host=host, origin=f"http://{host}") == 4403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1:8377.evil.example", "http://127.0.0.1:9999", "http://localhost:8377", "null", ""],
)
def test_a_page_from_elsewhere_is_refused(origin):
    assert Browser().get(method="POST", origin=origin).status == 403
    assert Browser().get(origin=origin).status == 403
    assert Browser().channel(origin=origin) == 4403


def test_own_pages_may_ask():
    assert Browser().get(method="POST", origin=HERE).text == "hello"
    assert Browser().channel(origin=HERE) == 0


def test_a_token_means_nothing_where_there_are_none():
    browser = Browser()
    assert browser.get({TOKEN: "x"}).text == "hello"
    assert not browser.cookies


# ---------------------------------------------------------------------- other devices
@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def tokens(told: list[str]) -> Tokens:
    return Tokens(told.append)


@pytest.mark.parametrize("base", [HERE, AWAY])
def test_without_a_token_nobody_looks_in(tokens, told, base):
    browser = Browser(tokens, base)
    for answer in (browser.get(), browser.get(method="POST"), browser.get({TOKEN: "guessed"}), browser.get({TOKEN: ""})):
        assert (answer.status, answer.text) == (403, NOT_LET_IN)
    assert browser.channel(origin=base) == 4403
    assert not browser.cookies and len(told) == 1


def test_a_token_lets_one_browser_in_for_good(tokens, told):
    browser = Browser(tokens, AWAY)
    answer = browser.enter(told[0])
    assert (answer.status, answer.headers["location"]) == (303, "/")
    kept = answer.headers["set-cookie"].lower()
    assert "httponly" in kept and "samesite=strict" in kept and told[0].lower() not in kept
    for _ in range(3):
        assert browser.get().text == "hello"
        assert browser.channel(origin=AWAY) == 0


def test_a_token_serves_once_and_the_next_one_is_told(tokens, told):
    first, second = Browser(tokens, AWAY), Browser(tokens, AWAY)
    assert first.enter(told[0]).status == 303
    assert second.enter(told[0]).status == 403
    assert not second.cookies
    assert len(told) == 2 and told[0] != told[1]
    assert second.enter(told[1]).status == 303
    assert second.get().text == first.get().text == "hello"


def test_the_token_of_this_computers_own_page_leaves_the_one_told_as_it_is(tokens, told):
    assert Browser(tokens).enter(tokens.make()).status == 303
    assert len(told) == 1
    assert Browser(tokens, AWAY).enter(told[0]).status == 303


def test_a_web_socket_uses_up_no_token(tokens, told):
    browser = Browser(tokens, AWAY)
    assert browser.channel({TOKEN: told[0]}) == 4403
    assert browser.enter(told[0]).status == 303


@pytest.mark.parametrize("cookie", [f"{COOKIE}=guessed", f"{COOKIE}=", "=;;", f'{COOKIE}="\\777', "x" * 5000, "\x01\xff"])
def test_a_made_up_cookie_opens_nothing(tokens, cookie):
    assert Browser(tokens).get(cookie=cookie).status == 403
    assert Browser(tokens).channel(cookie=cookie) == 4403


def test_a_guest_may_not_come_from_another_page(tokens, told):
    """The cookie alone is not enough: a foreign page in the guest's browser would send it along."""
    browser = Browser(tokens, AWAY)
    browser.enter(told[0])
    assert browser.get(method="POST", origin="http://evil.example").status == 403
    assert browser.channel(origin="http://evil.example") == 4403


def test_tokens_and_guests_cannot_be_guessed(tokens):
    made = {tokens.make() for _ in range(50)}
    assert len(made) == 50 and min(map(len, made)) >= 12
    guests = {tokens.use(token) for token in made}
    assert len(guests) == 50 and min(map(len, guests)) >= 32 and not guests & made


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preview_of_the_link_uses_up_no_token(tokens, told, method):
    preview = Browser(tokens, AWAY)
    for _ in range(2):
        assert preview.get({TOKEN: told[0]}, method=method).text == LET_IN
    assert not preview.cookies
    assert Browser(tokens, AWAY).enter(told[0]).status == 303


def test_cookies_of_other_programs_do_not_lock_a_guest_out(tokens, told):
    browser = Browser(tokens, AWAY)
    browser.enter(told[0])
    assert browser.get(cookie=f'a={{"x": 1}}; {COOKIE}={browser.cookies[COOKIE]}').text == "hello"


@pytest.mark.parametrize("where", ["cross-site", "same-site"])
def test_pictures_and_frames_of_pages_elsewhere_are_refused_links_are_not(where):
    image = {"sec-fetch-site": where, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = {"sec-fetch-site": where, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    link = {"sec-fetch-site": where, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert [Browser().get(**headers).status for headers in (image, frame, link)] == [403, 403, 200]
    assert Browser().channel(**{"sec-fetch-site": where, "sec-fetch-mode": "websocket"}) == 4403
    own = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert Browser().get(**own).text == "hello"


def test_nobody_may_frame_a_page():
    """Browsers do not say where a request comes from if it goes to another device; this holds there, too."""
    assert Browser().get().headers["content-security-policy"] == "frame-ancestors 'none'"
