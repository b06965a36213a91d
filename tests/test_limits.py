"""What whoever connects may take: connections that ask for nothing make room, and no request takes for ever."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from rotrack.app import limits
from rotrack.app.certificate import certificate
from rotrack.app.limits import BODY_S, HEADERS_S, PART_BYTES, encrypted, limited, most_connections

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"


@dataclass
class Timer:
    due_s: float
    act: Callable[[], None]
    off: bool = False

    def cancel(self) -> None:
        self.off = True


@dataclass
class Loop:
    """An event loop whose time a test tells; what it is to do is kept and not done."""

    now_s: float = 0.0
    timers: list[Timer] = field(default_factory=list)

    def call_later(self, after_s: float, act: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now_s + after_s, act))
        return self.timers[-1]

    def create_task(self, work: Any, **_: Any) -> asyncio.Future[None]:
        work.close()
        return asyncio.Future(loop=asyncio.new_event_loop())

    def later(self, time_s: float) -> None:
        self.now_s += time_s
        for timer in list(self.timers):
            if timer.due_s <= self.now_s and not timer.off:
                timer.off = True
                timer.act()


class Wire:
    """A connection."""

    def __init__(self, server: Server) -> None:
        self.gone, self._extra = False, {"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)}
        self.protocol = server.kind(server.config, server.state, {}, server.loop)  # type: ignore[arg-type]
        self.protocol.connection_made(self)  # type: ignore[arg-type]

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def answered(self) -> None:
        """Have got the answer to what was asked."""
        conn = self.protocol.conn
        conn.send(limits.h11.Response(status_code=200, headers=[("content-length", "0")]))
        conn.send(limits.h11.EndOfMessage())
        self.protocol.on_response_complete()

    def get_protocol(self) -> object:
        return self.protocol

    def get_extra_info(self, name: str) -> object:
        return self._extra.get(name)

    def is_closing(self) -> bool:
        return self.gone

    def abort(self) -> None:
        self.gone = True

    close = abort

    def pause_reading(self) -> None: ...

    resume_reading = pause_reading


class Server:
    """Takes connections up to a number."""

    def __init__(self, most: int) -> None:
        self.kind, self.state, self.loop = limited(most), ServerState(), Loop()
        self.config = uvicorn.Config(lambda: None, lifespan="off")

    def connect(self, data: bytes = b"") -> Wire:
        wire = Wire(self)
        if data:
            wire.send(data)
        return wire


def test_who_asks_for_nothing_makes_room_the_longest_first():
    server = Server(3)
    asks = server.connect(HEAD)
    idle = [server.connect(part) for part in (b"", b"GET / HT")]
    assert not any(wire.gone for wire in idle)
    last = server.connect()
    assert [wire.gone for wire in (asks, *idle, last)] == [False, True, False, False]
    assert len(server.state.connections) == 3


def test_a_crowd_keeps_out_nobody_who_asks():
    server = Server(4)
    viewers = [server.connect(HEAD + b"123456789") for _ in range(3)]
    crowd = [server.connect() for _ in range(1500)]
    newcomer = server.connect(HEAD)
    assert not any(wire.gone for wire in (*viewers, newcomer))
    assert all(wire.gone for wire in crowd)
    assert server.connect().gone, "where all are at work, the next one has to wait"


def test_a_head_that_never_ends_is_given_up():
    server = Server(9)
    slow = server.connect()
    for _ in range(3):  # a byte now and then does not help
        server.loop.later(HEADERS_S / 4)
        slow.send(b"G")
    assert not slow.gone
    server.loop.later(HEADERS_S / 4)
    assert slow.gone and not server.state.connections


def test_a_body_that_never_ends_is_given_up():
    server = Server(9)
    slow = server.connect(HEAD)
    server.loop.later(BODY_S * 0.9)
    slow.send(b"1")
    assert not slow.gone
    server.loop.later(BODY_S * 0.2)
    assert slow.gone


def test_an_answer_may_take_as_long_as_it_needs():
    """A page of many sessions on a slow computer."""
    server = Server(9)
    wire = server.connect(HEAD + b"123456789")
    server.loop.later(3600)
    assert not wire.gone


def test_the_next_request_on_a_connection_is_a_new_one():
    server = Server(9)
    wire = server.connect(HEAD + b"123456789")
    wire.answered()
    server.loop.later(1)
    wire.send(b"GET / HT")
    server.loop.later(HEADERS_S * 0.9)
    assert not wire.gone
    server.loop.later(HEADERS_S * 0.2)
    assert wire.gone


def test_what_was_answered_makes_room_again():
    server = Server(1)
    wire = server.connect(HEAD + b"123456789")
    wire.answered()
    server.connect()
    assert wire.gone


@pytest.mark.skipif(limits.sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("soft", "hard", "asked", "room"),
    [
        (1024, 4096, None, 256),
        (256, 10_240, 1024, 256),  # macOS
        (64, 128, 128, 64),
        (-1, -1, None, 256),
    ],
)
def test_there_are_always_more_files_than_connections(monkeypatch, soft, hard, asked, room):
    wanted: list[tuple[int, int]] = []
    monkeypatch.setattr(limits.resource, "RLIM_INFINITY", -1)
    monkeypatch.setattr(limits.resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(limits.resource, "setrlimit", lambda _, both: wanted.append(both))
    assert most_connections() == room
    assert wanted == ([] if asked is None else [(asked, hard)])


def test_a_clip_may_take_long_as_long_as_it_comes():
    server = Server(9)
    wire = server.connect(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n")
    for _ in range(3):
        server.loop.later(BODY_S * 0.9)
        wire.send(b"x" * PART_BYTES)
    assert not wire.gone
    server.loop.later(BODY_S * 0.9)
    wire.send(b"x" * (PART_BYTES // 2))
    server.loop.later(BODY_S * 0.2)
    assert wire.gone


def test_who_does_not_get_on_with_the_encryption_makes_room_and_the_others_are_served(tmp_path):
    made = certificate(tmp_path, ["127.0.0.1"])

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": scope["scheme"].encode()})

    async def run() -> tuple[list[bool], bytes]:
        here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        here.load_cert_chain(made.path)
        kind, config, state = encrypted(limited(8), here, 3), uvicorn.Config(page, lifespan="off"), ServerState()
        config.load()
        loop = asyncio.get_running_loop()
        make = partial(kind, config=config, server_state=state, app_state={})
        server = await loop.create_server(make, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(9)]
        reading = [asyncio.ensure_future(reader.read()) for reader, _ in idle]
        while sum(each.done() for each in reading) < 6:
            await asyncio.sleep(0.001)
        trusting = ssl.create_default_context(cafile=str(made.path))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        gone = [each.done() for each in reading]
        for _, their in idle:
            their.transport.abort()
        await asyncio.gather(*reading, return_exceptions=True)
        server.close()
        return gone, answer

    gone, answer = asyncio.run(run())
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"https")
    assert gone[:6] == [True] * 6, "the ones that had taken longest"
