"""Starts the page: one server per data folder, on this computer alone unless told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import ssl
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import uvicorn
from fastapi import FastAPI, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from filelock import FileLock, Timeout
from nicegui import app as pages
from nicegui import ui

from rotrack.app.certificate import certificate
from rotrack.app.clips import Clips
from rotrack.app.guard import TOKEN, Guard
from rotrack.app.keys import Keys
from rotrack.app.limits import encrypted, limited, most_connections
from rotrack.app.live.stream import stream
from rotrack.app.live.studio import Phase, Studio
from rotrack.app.pages import choose, clips, drill, history, live, parcels, people, phone, programmes, reports, session, settings
from rotrack.app.pages.layout import Site, add_head, texts_of
from rotrack.app.pages.renewing import Renewing
from rotrack.app.policy import OwnScripts
from rotrack.core.errors import InputError
from rotrack.measure.request import Request as MeasureRequest
from rotrack.records.folders import APP_LOCK
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, replace
from rotrack.system.inputs import read_json

PORT = 8377
"""Where the page is, unless that is taken."""
PORTS_TRIED = 20
ANYWHERE = "0.0.0.0"
LOCAL_NAMES = ("127.0.0.1", "localhost")
ALIVE = "/alive"
BACKLOG = 64
"""How many connections may wait to be accepted; they use up files before they can be counted."""
MOST_MESSAGE_BYTES = 1_000_000
"""Of a message of a page over a web socket: clicks and short texts."""
SERVED_AFTER_S = 0.7
"""The browser is opened this long after the server was started, when it answers."""
_STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve.

    Parameters
    ----------
    data : Path
        The data folder.
    camera : str
        As for `rotrack live`.
    port : int
        Wanted port; 0 leaves the choice to rotrack.
    host : str
        Address to serve other devices from; empty for this computer alone.
    open_page : bool
        Whether to open the page in the browser.
    calibration : tuple of str
        As for `rotrack live`.
    legnet : bool
        Whether the leg network reads the legs, too.
    remeasure : bool
        Whether sessions of an earlier measure version are measured again meanwhile.
    """

    data: Path
    camera: str = "0"
    port: int = 0
    host: str = ""
    open_page: bool = True
    calibration: tuple[str, ...] = ()
    legnet: bool = True
    remeasure: bool = True


def serve(options: Options, tell: Callable[[str], None], clock: Clock = SYSTEM) -> None:
    """Serve the page until the person ends it; if it is served already, open that one.

    Parameters
    ----------
    options : Options
        How.
    tell : callable
        Called with each line for the person.
    clock : Clock
        The time that the page and its sessions go by.

    Raises
    ------
    InputError
        If the address is not to be had.
    RecordError
        If the data folder cannot be written.
    """
    with explained(options.data):
        make_folder(options.data)
        lock = FileLock(options.data / APP_LOCK, mode=FILE_MODE)
        note = options.data / "app.json"
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _open_running(note, options, tell, clock)
            return
    try:
        with contextlib.ExitStack() as open_until_the_end:
            listener = open_until_the_end.enter_context(contextlib.closing(_listen(options)))
            beside = None
            if options.host:
                beside = open_until_the_end.enter_context(contextlib.closing(_listen_beside(options, listener)))
            _serve(options, listener, beside, note, tell, clock)
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _serve(
    options: Options,
    listener: socket.socket,
    beside: socket.socket | None,
    note: Path,
    tell: Callable[[str], None],
    clock: Clock,
) -> None:
    port = listener.getsockname()[1]
    shown = "127.0.0.1" if not options.host or options.host == ANYWHERE else options.host
    local = f"http://{shown}:{port}/"
    own = _own_address() if options.host == ANYWHERE else options.host
    over_https = f"https://{own}:{beside.getsockname()[1]}/" if beside else ""

    def offered(token: str) -> None:
        tell(f"For another device in this network, once: http://{own}:{port}/?{TOKEN}={token}")
        tell(f"For a phone as the camera, instead of that: {over_https}phone?{TOKEN}={token}")

    keys = Keys(options.data, offered if options.host else None, clock)
    with explained(note):
        replace({note: json.dumps({"url": local}).encode()}, durable=False)
    tell(f"rotrack is at {local}?{TOKEN}={keys.address_token}" + ("" if options.open_page else " (open it in a browser)"))
    if options.host:
        keys.offer()
        tell("Addresses with http are not encrypted: use them in a network that you trust. Of https a browser warns once.")
    tell("Keep this window open while you use it; Ctrl-C ends rotrack."
         + ("" if options.host else " Pictures never leave this computer."))  # fmt: skip
    studio = Studio(options.camera, options.data, options.calibration, options.legnet, clock)

    def is_busy() -> bool:
        return studio.phase in (Phase.CHECK, Phase.MEASURE)

    renewing = Renewing(options.data, is_busy, clock) if options.remeasure else None
    usual = MeasureRequest(out=options.data, calibration=options.calibration, legnet=options.legnet)
    known = certificate(options.data, {own, socket.gethostname(), *LOCAL_NAMES}, clock) if beside else None
    clips, fingerprint = Clips(usual, is_busy, clock), known.fingerprint if known else ""
    app = make_app(Site(options.data, studio, keys, clips, renewing, over_https, fingerprint))
    most = most_connections() // (3 if beside else 1)  # also of those that are encrypted, and of those that are about to be
    how: dict[str, Any] = {
        "http": limited(most),
        "loop": "asyncio" if beside else "auto",  # others read what belongs to the encryption before they may
        "ws_max_size": MOST_MESSAGE_BYTES,
        "backlog": BACKLOG,
        "server_header": False,
        "log_level": "error",
        "access_log": False,
        "timeout_graceful_shutdown": 2,
    }
    # It would print the addresses of pages that are not there, as whoever asked has typed them.
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    server = uvicorn.Server(uvicorn.Config(app, **how))
    if beside and known:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(known.path)
        other = uvicorn.Config(app, lifespan="off", **how | {"http": encrypted(limited(most), context, most)})
        server = _Both(server.config, uvicorn.Server(other), beside)
    if options.open_page:
        page = f"{local}?{TOKEN}={keys.opening_token()}"
        threading.Thread(target=_open_soon, args=(page, clock), daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    tell(f"rotrack has ended. What was measured is in {options.data}")


class _Both(uvicorn.Server):
    """A server with another one beside it, of the same application, that begins and ends with it."""

    def __init__(self, config: uvicorn.Config, other: uvicorn.Server, listener: socket.socket) -> None:
        super().__init__(config)
        self._other, self._listener = other, listener
        self._beside: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._other.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # they are the first one's
        self._beside = asyncio.create_task(self._other.serve([self._listener]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._other.should_exit = True
        if self._beside is not None:
            await self._beside
        await super().shutdown(sockets)


def make_app(site: Site) -> FastAPI:
    """Return the application that serves a site; there is one per process."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if site.renewing:
            site.renewing.start()
        site.clips.start()
        yield
        await asyncio.to_thread(site.clips.close)
        if site.renewing:
            site.renewing.close()
        site.studio.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")

    @app.get(ALIVE)
    def alive() -> PlainTextResponse:
        return PlainTextResponse("rotrack")

    @app.websocket("/live/stream")
    async def live_stream(channel: WebSocket) -> None:
        plan = site.studio.plan
        await stream(channel, site.studio, texts_of(channel, plan.language if plan else ""))

    for page in (choose, drill, clips, parcels, people, programmes, live, phone, session, history, settings, reports):
        page.register(site)
    add_head()
    pages.add_middleware(OwnScripts)
    ui.run_with(app, title="rotrack", favicon=_STATIC / "icon.svg", dark=None, tailwind=False, show_welcome_message=False)
    app.add_middleware(Guard, keys=site.keys)
    return app


def _listen(options: Options) -> socket.socket:
    """Return a socket that listens at the wanted port, or if none is wanted at the usual one or one near it."""
    host = options.host or "127.0.0.1"
    wanted = [options.port] if options.port else [*range(PORT, PORT + PORTS_TRIED), 0]
    listener, problem = _first_free(host, wanted)
    if listener is not None:
        return listener
    if options.port:
        raise InputError(
            f"Port {options.port} at {host} cannot be used ({_reason(problem)}); choose another one with --port, or none."
        )
    raise InputError(f"The page cannot be served at {host} ({_reason(problem)}); check the address given to --host.")


def _listen_beside(options: Options, listener: socket.socket) -> socket.socket:
    """Return a socket for the encrypted connections of other devices, at the next port that is free."""
    port = listener.getsockname()[1]
    found, problem = _first_free(options.host, [*range(port + 1, min(port + PORTS_TRIED, 65536)), 0])
    if found is None:
        raise InputError(f"The page cannot be served at {options.host} ({_reason(problem)}); check the address given to --host.")
    return found


def _first_free(host: str, ports: list[int]) -> tuple[socket.socket | None, Exception]:
    """Return a socket that listens at the first of the ports that is to be had, or why there is none."""
    problem: Exception = OSError()
    for port in ports:
        # Named, since asyncio sends small answers at once only where the protocol is.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # elsewhere it would let two programs have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(BACKLOG)
            return listener, problem
        except (OSError, OverflowError) as error:
            listener.close()
            problem = error
    return None, problem


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or str(error)


def _own_address() -> str:
    """Return this computer's address in its network, as far as it can be told without asking anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation; nothing is sent
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _open_soon(page: str, clock: Clock) -> None:
    clock.sleep(SERVED_AFTER_S)
    webbrowser.open(page)


def _open_running(note: Path, options: Options, tell: Callable[[str], None], clock: Clock) -> None:
    """Open the page of the program that is running already."""
    for _ in range(50):
        with suppress(OSError, ValueError, KeyError):
            url = str(read_json(note)["url"])
            with suppress(HTTPError):  # it is there and lets nobody in without a token
                urlopen(f"{url.rstrip('/')}{ALIVE}", timeout=2).close()
            break
        clock.sleep(0.1)
    else:
        raise InputError("rotrack is running already with this data folder but does not answer; end it first.")
    keys = Keys(options.data, clock=clock)
    tell(f"rotrack is running already: {url}?{TOKEN}={keys.address_token}")
    if options.host or options.port not in (0, int(url.rstrip("/").rpartition(":")[2])):
        tell("End that one first if it is to be reached by other devices or at another port.")
    if options.open_page:
        webbrowser.open(f"{url}?{TOKEN}={keys.opening_token()}")
