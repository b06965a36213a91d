"""How much whoever connects may take: so many connections, so long for a request, no more.

A connection that waits for a request costs a file, and a program has a limited number of those: it must never be the log that
finds none left. Where all places are taken, the one that has waited longest without asking for anything makes room.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.platform != "win32":
    import resource

MOST_CONNECTIONS = 256
FILES_WANTED = 1024
"""How many files the program is to be allowed to have open: twice the connections, and what camera, models and log need."""
HEADERS_S = 10.0
"""How long the head of a request may take."""
BODY_S, PART_BYTES = 30.0, 1_000_000
"""How long its body may take; for a recorded clip, how long each part of this many bytes may take."""


def most_connections() -> int:
    """Return how many connections there is room for, after asking the system for more files if it allows too few."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    may, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if most == resource.RLIM_INFINITY else min(FILES_WANTED, most)
    if may != resource.RLIM_INFINITY and may < wanted:
        with suppress(OSError, ValueError):  # then what there is has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            may = wanted
    return MOST_CONNECTIONS if may == resource.RLIM_INFINITY else max(min(MOST_CONNECTIONS, may // 2), 8)


def limited(most: int) -> type[H11Protocol]:
    """Return the HTTP protocol for a server with at most so many connections.

    Parameters
    ----------
    most : int
        Connections at a time, web sockets among them.
    """
    waiting: dict[_Limited, None] = {}

    class Protocol(_Limited):
        _most, _waiting = most, waiting

    return Protocol


class _Limited(H11Protocol):
    _most: int
    _waiting: dict[_Limited, None]
    """The connections that are asking for nothing, the one that has done so longest first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._late: asyncio.TimerHandle | None = None
        self._sending, self._part_bytes = False, 0
        """Whether the body of a request is on its way, and how much has come of its latest part."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting[self] = None
        self._within(HEADERS_S)
        if len(self.connections) > self._most:
            next(iter(self._waiting))._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._late is None and self.conn.their_state is h11.IDLE:  # another request on the same connection begins
            self._within(HEADERS_S)
        super().data_received(data)
        asks = self.conn.their_state
        if self.transport.get_protocol() is not self or self.transport.is_closing():  # a web socket has limits of its own
            self._forget()
        elif asks is h11.SEND_BODY and not self._sending:
            self._forget()
            self._sending, self._part_bytes = True, 0
            self._within(BODY_S)
        elif asks is h11.SEND_BODY:
            self._part_bytes += len(data)
            if self._part_bytes >= PART_BYTES and self._late is not None:
                self._part_bytes = 0
                self._late.cancel()
                self._within(BODY_S)
        elif asks is h11.IDLE and self._sending:  # what was answered before it was there
            self._forget()
            self._waiting[self] = None
        elif asks not in (h11.IDLE, h11.SEND_BODY):
            self._forget()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self._waiting[self] = None

    def _within(self, time_s: float) -> None:
        self._late = self.loop.call_later(time_s, self._drop)

    def _forget(self) -> None:
        """Stop to wait for anything."""
        self._waiting.pop(self, None)
        self._sending = False
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _drop(self) -> None:
        self._forget()
        self.connections.discard(self)
        self.transport.abort()


def encrypted(kind: type[H11Protocol], context: ssl.SSLContext, most: int) -> type[Encrypting]:
    """Return a protocol whose connections are encrypted, with at most so many of them on their way to that.

    The server counts a connection once it is encrypted. Before that it costs a file as well, and asks for nothing. The loop must
    be asyncio's own: another one may read what belongs to the encryption before it begins.

    Parameters
    ----------
    kind : type
        The protocol within, as `limited` makes it.
    context : ssl.SSLContext
        With the certificate.
    most : int
        Connections at a time that are not encrypted yet; the one that has taken longest makes room.
    """
    waiting: dict[Encrypting, None] = {}

    class Protocol(Encrypting):
        _kind, _context, _most, _waiting = kind, context, most, waiting

    return Protocol


class Encrypting(asyncio.Protocol):
    """A connection until it is encrypted; from then on it is that of the protocol within."""

    _kind: type[H11Protocol]
    _context: ssl.SSLContext
    _most: int
    _waiting: dict[Encrypting, None]

    def __init__(self, **how: Any) -> None:
        self._within = self._kind(**how)
        self._early = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to encrypt it."""
        transport.pause_reading()  # what comes first belongs to the encryption
        self._transport = transport
        self._waiting[self] = None
        if len(self._waiting) > self._most:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest._transport.abort()
        self._task = asyncio.get_running_loop().create_task(self._encrypt(transport))

    async def _encrypt(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            made = await loop.start_tls(transport, self, self._context, server_side=True, ssl_handshake_timeout=HEADERS_S)
        except OSError:  # it went away, took too long, or does not know how; the errors of ssl are among these
            transport.abort()
            return
        finally:
            self._waiting.pop(self, None)
        if made is not None:
            made.set_protocol(self._within)
            self._within.connection_made(made)
            if self._early:
                self._within.data_received(self._early)

    def data_received(self, data: bytes) -> None:
        """Keep what came with the end of the handshake."""
        self._early += data
