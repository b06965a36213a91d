"""Starts the page: one server per data folder, on this computer alone unless told otherwise."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import uvicorn
from fastapi import FastAPI, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from filelock import FileLock, Timeout
from nicegui import app as pages
from nicegui import ui

from rotrack.app.guard import TOKEN, Guard
from rotrack.app.keys import Keys
from rotrack.app.limits import limited, most_connections
from rotrack.app.live.stream import stream
from rotrack.app.live.studio import Phase, Studio
from rotrack.app.pages import choose, history, live, reports, session
from rotrack.app.pages.layout import Site, add_head, language_of
from rotrack.app.pages.renewing import Renewing
from rotrack.app.policy import OwnScripts
from rotrack.core.errors import InputError
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, replace
from rotrack.system.inputs import read_json
from rotrack.texts import Texts

PORT = 8377
"""Where the page is, unless that is taken."""
PORTS_TRIED = 20
ANYWHERE = "0.0.0.0"
ALIVE = "/alive"
BACKLOG = 64
"""So many connections may wait to be taken; they cost files before they can be counted."""
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
        lock = FileLock(options.data / "app.lock", mode=FILE_MODE)
        note = options.data / "app.json"
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _open_running(note, options, tell, clock)
            return
    try:
        with contextlib.closing(_listen(options)) as listener:
            _serve(options, listener, note, tell, clock)
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _serve(options: Options, listener: socket.socket, note: Path, tell: Callable[[str], None], clock: Clock) -> None:
    port = listener.getsockname()[1]
    shown = "127.0.0.1" if not options.host or options.host == ANYWHERE else options.host
    local = f"http://{shown}:{port}/"
    device = f"http://{_own_address() if options.host == ANYWHERE else options.host}:{port}/"

    def offered(token: str) -> None:
        tell(f"For another device in this network, once: {device}?{TOKEN}={token}")

    keys = Keys(options.data, offered if options.host else None, clock)
    with explained(note):
        replace({note: json.dumps({"url": local}).encode()}, durable=False)
    tell(f"rotrack is at {local}?{TOKEN}={keys.address_token}" + ("" if options.open_page else " (open it in a browser)"))
    if options.host:
        keys.offer()
        tell("The connection to other devices is not encrypted: use it in a network that you trust.")
    tell("Keep this window open while you use it; Ctrl-C ends rotrack."
         + ("" if options.host else " Pictures never leave this computer."))  # fmt: skip
    studio = Studio(options.camera, options.data, options.calibration, options.legnet, clock)
    renewing = Renewing(options.data, lambda: studio.phase in (Phase.CHECK, Phase.MEASURE), clock) if options.remeasure else None
    app = make_app(Site(options.data, studio, keys, renewing))
    config = uvicorn.Config(
        app,
        http=limited(most_connections()),
        ws_max_size=MOST_MESSAGE_BYTES,
        backlog=BACKLOG,
        server_header=False,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    # It would print the addresses of pages that are not there, as whoever asked has typed them.
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    server = uvicorn.Server(config)
    if options.open_page:
        page = f"{local}?{TOKEN}={keys.opening_token()}"
        threading.Thread(target=_open_soon, args=(page, clock), daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    tell(f"rotrack has ended. What was measured is in {options.data}")


def make_app(site: Site) -> FastAPI:
    """Return the application that serves a site; there is one per process."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if site.renewing:
            site.renewing.start()
        yield
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
        t = Texts(language_of(channel.cookies, channel.headers.get("accept-language")))
        await stream(channel, site.studio, t)

    for page in (choose, live, session, history, reports):
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
    for port in wanted:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere it would let two programs have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(BACKLOG)
            return listener
        except (OSError, OverflowError) as error:
            listener.close()
            problem = error
    if options.port:
        raise InputError(
            f"Port {options.port} at {host} cannot be used ({_reason(problem)}); choose another one with --port, or none."
        )
    raise InputError(f"The page cannot be served at {host} ({_reason(problem)}); check the address given to --host.")


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
