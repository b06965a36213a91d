"""Who may look in: browsers that were let in, and of those pages of this program only."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from clocks import ManualClock
from starlette.types import Message, Receive, Scope, Send

from rotrack.app import guard
from rotrack.app.clips import MOST_CLIP_BYTES
from rotrack.app.guard import (
    GUESSES_FORGOTTEN_S,
    MOST_BODY_BYTES,
    MOST_GUESSES,
    NOT_LET_IN,
    TOKEN,
    WRONG_PLACE,
    Guard,
    is_owners,
)
from rotrack.app.keys import Keys
from rotrack.app.pages import cameras
from rotrack.app.policy import OwnScripts, policy
from rotrack.sensing.sources import CameraFound
from rotrack.texts import Texts

HERE = "http://127.0.0.1:8377"
AWAY = "http://192.0.2.7:8377"


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for what is guarded: greets everybody, and reads what they have to say."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        message = await receive()
        while message["type"] == "http.request" and message.get("more_body"):
            message = await receive()
        if message["type"] == "http.disconnect":
            return
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

    keys: Keys
    base: str = HERE
    own: bool = True
    cookies: dict[str, str] = field(default_factory=dict)
    sends: tuple[bytes, ...] = ()
    path: str = "/"
    scheme: str = "http"

    def _ask(self, scope: dict[str, Any], query: dict[str, str], headers: dict[str, str]) -> list[Message]:
        sent: list[Message] = []
        cookie = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        all_headers = {"host": urlsplit(self.base).netloc, "cookie": cookie, **headers}
        scope |= {"path": self.path, "query_string": urlencode(query).encode(), "scheme": self.scheme}
        scope |= {"headers": [(name.encode(), text.encode("latin-1")) for name, text in all_headers.items() if text is not None]}

        body = [{"type": "http.request", "body": part, "more_body": True} for part in self.sends] + [{"type": "http.request"}]
        messages: list[Message] = [{"type": "websocket.connect"}] if scope["type"] == "websocket" else body

        async def receive() -> Message:
            return messages.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(Guard(site, self.keys, lambda _: self.own)(scope, receive, send))
        return sent

    def get(self, query: dict[str, str] | None = None, method: str = "GET", **headers: str) -> Answer:
        start, *rest = self._ask({"type": "http", "method": method}, query or {}, headers) or [{"status": 0, "headers": []}]
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


# ---------------------------------------------------------------------- the owner
@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def alone(tmp_path: Path) -> Keys:
    """Return the keys of a page that is served on its computer alone."""
    return Keys(tmp_path)


@pytest.fixture
def keys(tmp_path: Path, told: list[str]) -> Keys:
    """Return the keys of a page that other devices may see, too."""
    made = Keys(tmp_path, told.append)
    made.offer()
    return made


@pytest.fixture
def owner(alone: Keys) -> Browser:
    browser = Browser(alone)
    assert browser.enter(alone.address_token).status == 303
    return browser


@pytest.mark.parametrize("base", [HERE, AWAY])
@pytest.mark.parametrize("own", [True, False])
def test_without_a_token_nobody_looks_in(keys, told, base, own):
    browser = Browser(keys, base, own)
    for answer in (browser.get(), browser.get(method="POST"), browser.get({TOKEN: "guessed"}), browser.get({TOKEN: ""})):
        assert (answer.status, answer.text) == (403, NOT_LET_IN)
        assert answer.headers["connection"] == "close", "it must not be held open"
    assert browser.channel(origin=base) == 4403
    assert not browser.cookies and len(told) == 1


def test_who_is_refused_reads_why_in_the_language_of_the_browser(keys):
    german = Browser(keys, HERE, True).get(**{"accept-language": "de-AT,de;q=0.9,en;q=0.8"}).text
    assert german == Texts("de").said(NOT_LET_IN) != NOT_LET_IN


def test_the_address_lets_the_owner_in_again_and_again(alone):
    for _ in range(2):
        browser = Browser(alone)
        answer = browser.enter(alone.address_token)
        assert (answer.status, answer.headers["location"]) == (303, "/")
        kept = answer.headers["set-cookie"].lower()
        assert "httponly" in kept and "samesite=lax" in kept and "max-age=" in kept and alone.address_token.lower() not in kept
        assert browser.get().text == "hello"
        assert browser.channel(origin=HERE) == 0


def test_a_token_leads_to_the_page_that_was_asked_for(alone):
    browser = Browser(alone, path="/history")
    answer = browser.get({TOKEN: alone.address_token, "person": "Ana B"}, method="POST", origin=HERE)
    assert answer.headers["location"] == "/history?person=Ana+B"


def test_another_user_of_the_computer_is_refused_even_with_the_cookie(alone, owner):
    """A browser sends its cookies to whatever is served on the same computer, also to a server of somebody else."""
    other = Browser(alone, own=False, cookies=dict(owner.cookies))
    assert other.get().status == other.enter(alone.address_token).status == 403
    assert other.channel(origin=HERE) == 4403


PROC = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:20B9 00000000:0000 0A 00000000:00000000 00:00000000 00000000  {owner}        0 1 1 x 100 0 0 10 0
   1: 0100007F:C001 0100007F:20B9 01 00000000:00000000 00:00000000 00000000  {owner}        0 2 1 x 20 4 30 10 -1
   2: 0100007F:C002 0100007F:20B9 01 00000000:00000000 00:00000000 00000000  {other}        0 3 1 x 20 4 30 10 -1
   3: 0100007F:C003 0100007F:20B9 01 00000000:00000000 00:00000000 00000000     0        0 4 1 x 20 4 30 10 -1
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose a connection is")
@pytest.mark.parametrize(
    ("client", "whose"),
    [
        (("127.0.0.1", 0xC001), True),
        (("127.0.0.1", 0xC002), False),
        (("127.0.0.1", 0xC003), True),  # the administrator's
        (("127.0.0.1", 0xC004), True),  # unknown: cookie or token alone decides
        (("192.0.2.7", 0xC001), False),
        (("nonsense", 1), False),
        (None, False),
    ],
)
def test_whose_a_connection_is(tmp_path, monkeypatch, client, whose):
    table = tmp_path / "tcp"
    table.write_text(PROC.format(owner=os.getuid(), other=os.getuid() + 1))
    monkeypatch.setattr(guard, "_TCP", (str(tmp_path / "none"), str(table)))
    if sys.byteorder == "little":
        assert is_owners({"client": client, "server": ("127.0.0.1", 8377)}) is whose


def test_the_owner_may_use_the_address_in_the_network_on_the_same_computer(monkeypatch):
    monkeypatch.setattr(guard, "_TCP", ())
    assert is_owners({"client": ("192.0.2.7", 5), "server": ("192.0.2.7", 8377)})
    assert not is_owners({"client": ("192.0.2.8", 5), "server": ("192.0.2.7", 8377)})


@pytest.mark.parametrize("host", ["127.0.0.1:8377", "localhost:8377", "[::1]:8377", "localhost", "[::1]"])
def test_this_computer_is_served_by_all_its_names(owner, host):
    assert owner.get(host=host).text == "hello"
    assert owner.channel(host=host, origin=f"http://{host}") == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8377", "127.0.0.1.evil.example", "localhost.evil.example:8377", "192.0.2.7:8377", "", None],
)
def test_a_name_that_leads_here_from_elsewhere_is_refused(owner, host):
    """Another site can let its own name point to 127.0.0.1; its pages would then count as this program's."""
    answer = owner.get(host=host)
    assert (answer.status, answer.text) == (403, WRONG_PLACE)
    assert owner.channel(host=host, origin=f"http://{host}") == 4403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1:8377.evil.example", "http://127.0.0.1:9999", "http://localhost:8377", "null", ""],
)
def test_a_page_from_elsewhere_is_refused(owner, origin):
    assert owner.get(method="POST", origin=origin).status == 403
    assert owner.get(origin=origin).status == 403
    assert owner.channel(origin=origin) == 4403


def test_own_pages_may_ask(owner):
    assert owner.get(method="POST", origin=HERE).text == "hello"
    assert owner.channel(origin=HERE) == 0


# ---------------------------------------------------------------------- other devices
def test_a_token_lets_one_device_in_once_and_the_next_one_is_told(keys, told):
    first, second = (Browser(keys, AWAY, own=False) for _ in range(2))
    assert first.enter(told[0]).status == 303
    assert second.enter(told[0]).status == 403
    assert not second.cookies
    assert len(told) == 2 and told[0] != told[1]
    assert second.enter(told[1]).status == 303
    assert second.get().text == first.get().text == "hello"
    assert second.channel(origin=AWAY) == 0


def test_a_web_socket_uses_up_no_token(keys, told):
    browser = Browser(keys, AWAY, own=False)
    assert browser.channel({TOKEN: told[0]}) == 4403
    assert browser.enter(told[0]).status == 303


def test_who_guesses_tokens_is_not_listened_to_for_a_while_and_nobody_else_suffers(keys, told):
    clock = ManualClock()
    guard = Guard(site, keys, lambda scope: scope["client"][0] == "127.0.0.1", clock)

    def asks(client: str, token: str) -> int:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": urlencode({TOKEN: token}).encode(),
            "client": (client, 1),
        }
        asyncio.run(guard({**scope, "headers": [(b"host", b"192.0.2.7:8377")]}, receive, send))
        return sent[0]["status"]

    assert [asks("192.0.2.66", f"guess {n}") for n in range(MOST_GUESSES)] == [403] * MOST_GUESSES
    assert asks("192.0.2.66", "one more") == asks("192.0.2.66", told[0]) == 429, "not even the right one"
    assert asks("192.0.2.8", told[0]) == 200, "the phone, from its own address"
    for _ in range(2 * MOST_GUESSES):
        asks("127.0.0.1", "guess")
    assert asks("127.0.0.1", keys.address_token) == 200, "nobody locks the owner out"
    clock.advance(GUESSES_FORGOTTEN_S + 1)
    assert asks("192.0.2.66", told[0]) == 200


def test_a_cookie_of_an_encrypted_connection_goes_over_no_other(keys, told):
    browser = Browser(keys, AWAY, own=False, scheme="https")
    browser.enter(told[0])
    assert browser.get().text == "hello"
    (name,) = browser.cookies
    assert name.startswith("__Host-")
    browser.scheme = "http"
    assert browser.get().status == 403


@pytest.mark.parametrize("value", ["guessed", "", '"\\777', "x" * 5000, "\x01\xff"])
def test_a_made_up_cookie_opens_nothing(keys, value):
    cookie = f"{keys.cookie_name}={value}"
    assert Browser(keys).get(cookie=cookie).status == 403
    assert Browser(keys).channel(cookie=cookie) == 4403


def test_a_guest_may_not_come_from_another_page(keys, told):
    """The cookie alone is not enough: a foreign page in the guest's browser would send it along."""
    browser = Browser(keys, AWAY, own=False)
    browser.enter(told[0])
    assert browser.get(method="POST", origin="http://evil.example").status == 403
    assert browser.channel(origin="http://evil.example") == 4403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preview_of_the_link_uses_up_no_token(keys, told, method):
    preview = Browser(keys, AWAY, own=False)
    for _ in range(2):
        assert "<form method" in preview.get({TOKEN: told[0]}, method=method).text
    assert not preview.cookies
    assert Browser(keys, AWAY, own=False).enter(told[0]).status == 303


def test_cookies_of_other_programs_do_not_lock_a_guest_out(keys, told):
    browser = Browser(keys, AWAY, own=False)
    browser.enter(told[0])
    assert browser.get(cookie=f'a={{"x": 1}}; {keys.cookie_name}={browser.cookies[keys.cookie_name]}').text == "hello"


def test_a_guest_who_is_sent_away_hears_nothing_more(keys, told):
    """Also on what is open already: the live picture comes over one web socket."""
    cookie = keys.enter(told[0], own=False)[0]
    headers = [(b"host", b"192.0.2.7:8377"), (b"cookie", f"{keys.cookie_name}={cookie}".encode())]
    sent: list[Message] = []

    async def looks_on(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        assert (await receive())["type"] == "websocket.receive"
        asyncio.get_running_loop().call_soon(keys.send_away)
        assert (await receive())["type"] == "websocket.disconnect"

    messages: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "drawn"}]

    async def receive() -> Message:
        return messages.pop(0) if messages else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/live/stream", "query_string": b"", "headers": headers}
    asyncio.run(Guard(looks_on, keys, lambda _: False)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]


# ---------------------------------------------------------------------- what an answer may do
@pytest.mark.parametrize("where", ["cross-site", "same-site"])
def test_pictures_and_frames_of_pages_elsewhere_are_refused_links_are_not(owner, where):
    image = {"sec-fetch-site": where, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = {"sec-fetch-site": where, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    link = {"sec-fetch-site": where, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert [owner.get(**headers).status for headers in (image, frame, link)] == [403, 403, 200]
    assert owner.channel(**{"sec-fetch-site": where, "sec-fetch-mode": "websocket"}) == 4403
    own = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert owner.get(**own).text == "hello"


def test_answers_are_taken_for_what_they_are_and_framed_by_nobody(owner, alone):
    for answer in (owner.get(), Browser(alone).get(), Browser(alone).get({TOKEN: alone.address_token})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin", "a token in an address is told to nobody"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("sends", [(b"x" * MOST_BODY_BYTES, b"y"), (b"x" * (MOST_BODY_BYTES // 3),) * 4])
def test_a_body_that_never_ends_is_given_up(owner, sends):
    owner.sends = sends
    assert owner.get(method="POST", origin=HERE).status == 0
    said = {"content-length": str(sum(map(len, sends)))}
    assert owner.get(method="POST", origin=HERE, **said).status == 413


def test_only_a_recorded_clip_may_be_large(owner, told):
    owner.sends = (b"x" * MOST_BODY_BYTES,) * 3
    for path, method, status in (("/clips/1", "PUT", 200), ("/clips/1", "POST", 0), ("/", "PUT", 0)):
        owner.path = path
        assert owner.get(method=method, origin=HERE).status == status, (path, method)
    owner.path = "/clips/1"
    assert owner.get(method="PUT", origin=HERE, **{"content-length": str(MOST_CLIP_BYTES + 1)}).status == 413
    owner.cookies.clear()
    assert owner.get(method="PUT", origin=HERE).status == 403, "a stranger may not"


def test_only_scripts_that_the_page_came_with_are_run():
    page = b"<!doctype html><script>1</script><p>a script &lt;script> of a note</p><script src=x></script>"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kind = b"text/html" if scope["path"] == "/" else b"text/csv"
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), (b"content-length", b"9")]}
        await send(start)
        await send({"type": "http.response.body", "body": page[:20], "more_body": True})
        await send({"type": "http.response.body", "body": page[20:]})

    def asked(path: str) -> tuple[dict[bytes, bytes], bytes]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "path": path, "headers": [(b"host", b"localhost:1")]}
        asyncio.run(OwnScripts(app)(scope, None, send))  # type: ignore[arg-type]
        return dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent)

    headers, body = asked("/")
    (nonce,) = set(re.findall(rb'<script nonce="([^"]+)"', body))
    assert body.replace(b' nonce="%s"' % nonce, b"") == page
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-security-policy"].decode() == policy(nonce.decode(), "localhost:1")
    assert "'unsafe-inline'" not in re.search("script-src[^;]+", policy("n"))[0]
    assert asked("/")[1] != body, "a mark is good for one answer"
    assert asked("/table")[1] == page


def test_the_choice_of_cameras_tells_no_password(monkeypatch):
    """Guests see it, too."""
    address, shown = "rtsp://ana:s3cret@cam/live", []

    class Shown:
        def __init__(self, *texts, **attributes):
            shown.append((texts, attributes))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def on(self, *_, **__):
            return self

    monkeypatch.setattr(cameras, "tag", Shown)
    monkeypatch.setattr(cameras, "list_cameras", lambda: [CameraFound(0, "Front", 0)])
    studio = SimpleNamespace(camera=address)
    cameras.camera_choice(studio, cameras.known_cameras(studio), Texts())
    assert "rtsp://ana:***@cam/live" in str(shown)
    assert "s3cret" not in str(shown)
