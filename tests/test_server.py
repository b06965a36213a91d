"""The start of the page: its address, a second start, and everything that is in the way of one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from helpers import DEMO, Ended, assert_one_sentence, run_main
from page_helpers import program, started

from rotrack.app import server
from rotrack.app.guard import TOKEN
from rotrack.app.keys import Keys
from rotrack.app.pages import choose, drill, history, live, session
from rotrack.app.server import ALIVE, PORTS_TRIED, Options, _listen

Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return partial(run_main, monkeypatch, capfd, "app", "--no-open", "--camera", DEMO)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that were opened in the browser."""
    seen: list[str] = []
    monkeypatch.setattr(server.webbrowser, "open", seen.append)
    return seen


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second start not wait between its looks for the first."""

    class NoWait(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(None if timeout is None else timeout / 100)

    monkeypatch.setattr(server.threading, "Event", NoWait)


@contextmanager
def taken(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    with socket.socket() as other:
        other.bind((host, port))
        other.listen()
        yield other.getsockname()[1]


# ---------------------------------------------------------------------- the address
def test_a_port_that_is_taken_is_told(run, tmp_path):
    with taken() as port:
        assert_one_sentence(run("--port", port, "--out", tmp_path), 2, str(port), "in use", "--port")


@pytest.mark.parametrize("port", ["-1", "65536", "web"])
def test_an_impossible_port_is_told(run, tmp_path, port):
    ended = run("--port", port, "--out", tmp_path)
    assert ended.code == 2 and "port" in ended.err and "Traceback" not in ended.err


def test_a_host_that_is_not_this_computer_is_told(run, tmp_path):
    assert_one_sentence(run("--host", "192.0.2.77", "--out", tmp_path), 2, "192.0.2.77", "--host")
    assert_one_sentence(run("--host", "192.0.2.77", "--port", 8000, "--out", tmp_path), 2, "192.0.2.77")


def test_without_a_port_another_one_is_taken(tmp_path, monkeypatch):
    with taken() as port:
        monkeypatch.setattr(server, "PORT", port)
        with _listen(Options(tmp_path)) as listener:
            found = listener.getsockname()
    assert found[0] == "127.0.0.1" and port < found[1] < port + PORTS_TRIED


@pytest.mark.parametrize(("host", "bound"), [("", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")])
def test_only_who_asks_for_it_is_reached_from_elsewhere(tmp_path, host, bound):
    with _listen(Options(tmp_path, host=host)) as listener:
        assert listener.getsockname()[0] == bound


def test_no_page_has_a_time_limit_that_a_slow_computer_meets(tmp_path, monkeypatch):
    """NiceGUI gives a page three seconds, and answers "500" then."""
    allowed_s = {}

    def page(path, *, response_timeout=3.0, **_):
        allowed_s[path] = response_timeout
        return lambda build: build

    monkeypatch.setattr("nicegui.ui.page", page)
    for each in (choose, drill, history, live, session):
        each.register(SimpleNamespace(data=tmp_path))
    assert {"/", "/drill/{drill_id}", "/live", "/history", "/session/{session_id}"} <= set(allowed_s)
    assert min(allowed_s.values()) > 3600


# ---------------------------------------------------------------------- the data folder
def test_a_data_folder_that_cannot_be_written_is_told(run, tmp_path):
    (tmp_path / "file").write_text("here")
    assert_one_sentence(run("--out", tmp_path / "file" / "data"), 3, "cannot be written", "--out")


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_a_read_only_data_folder_is_told(run, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(data, os.W_OK):  # the superuser may write anywhere: let the system say what it says to others

        def refused(path: object, *_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(server.FileLock, "acquire", lambda self, timeout: refused(self.lock_file))
    assert_one_sentence(run("--out", data), 3, "not allowed", "--out")


# ---------------------------------------------------------------------- a second start
@contextmanager
def first_start(data: Path, status: int = 403) -> Iterator[tuple[str, list[str]]]:
    """Stand for a rotrack that runs already; yields its address and what it is asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{http.server_port}/"
    data.mkdir(exist_ok=True)
    try:
        with FileLock(data / "app.lock"):
            (data / "app.json").write_text(json.dumps({"url": url}))
            yield url, asked
    finally:
        http.shutdown()
        http.server_close()


@pytest.mark.parametrize("open_page", [True, False])
def test_a_second_start_opens_the_first(tmp_path, opened, open_page):
    said: list[str] = []
    first = Keys(tmp_path)
    with first_start(tmp_path) as (url, asked):
        server.serve(Options(tmp_path, open_page=open_page), said.append)
        assert (tmp_path / "app.json").exists()
    assert asked == [ALIVE], "no secret is sent to whoever listens there"
    assert said == [f"rotrack is running already: {url}?{TOKEN}={first.address_token}"]
    assert len(opened) == open_page
    for address in opened:
        start, token = address.split(f"?{TOKEN}=")
        assert start == url and first.address_token not in address, "other users see what a browser is started with"
        assert first.opens(token, own=True)


@pytest.mark.parametrize("note", ['{"url": "http://127.0.0.1:9/"}', "{}", "", "no json", None])
def test_a_first_start_that_does_not_answer_is_told(run, tmp_path, impatient, note):
    if note is not None:
        (tmp_path / "app.json").write_text(note)
    with FileLock(tmp_path / "app.lock"):
        assert_one_sentence(run("--out", tmp_path), 2, "does not answer")


# ---------------------------------------------------------------------- real processes
@pytest.mark.slow
def test_it_is_there_and_ends_with_control_c(tmp_path):
    data = tmp_path / "data"
    (tmp_path / "data").mkdir()
    (data / "app.json").write_text('{"url": "http://127.0.0.1:9/"}')  # left behind by one that was killed
    with program(data, "--camera", DEMO) as running:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", running.url)
        assert json.loads((data / "app.json").read_text()) == {"url": running.url}
        for path in ("", "history", "history.csv", "report.html", "alive", "static/app.css", "live", "_nicegui_ws/socket.io/"):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(running.url + path, timeout=10)
        ask = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open
        ask(running.at("alive"), data=b"", timeout=10).close()
        with ask(running.url + ALIVE[1:], timeout=10) as answer:
            assert answer.read() == b"rotrack"
        foreign = urllib.request.Request(running.url, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask(foreign, timeout=10)
        for path in ("no-such-page", "session/no-such-session/picture", "static/..%2fserver.py", "docs", "openapi.json"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                ask(running.url + path, timeout=10)
        with started(data, "--camera", DEMO) as second:
            assert second.ended() == 0
            assert second.said == [f"rotrack is running already: {running.at()}"]
        running.process.send_signal(signal.SIGINT)
        assert running.ended() == 0
        assert running.said[-1] == f"rotrack has ended. What was measured is in {data}"
    assert not (data / "app.json").exists()
    assert not any("Traceback" in line for line in running.said)


@pytest.mark.slow
def test_two_starts_at_once(tmp_path):
    data = tmp_path / "data"
    with started(data) as one, started(data) as two:
        for both in (one, two):
            both.hear("http://")
        texts = sorted(both.said[0] for both in (one, two))
        address = re.compile(r"http://\S+/")
        assert texts[0].startswith("rotrack is at") and texts[1].startswith("rotrack is running already")
        assert address.search(texts[0])[0] == address.search(texts[1])[0]
        assert sorted(running.process.poll() is None or running.ended() == 0 for running in (one, two)) == [True, True]
