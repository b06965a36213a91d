"""What strangers get of the page while a session is measured: run as root `python tests/benchmarks/strangers.py` on Linux.

The program serves other devices, too (`--host 0.0.0.0`), and measures a clip that plays over and over. Three strangers ask it for
its pages, pictures and files, and for its web sockets: another user of the computer, who knows the owner's token and cookie as
well; a computer in the network, which is a network namespace with an address of its own; and 1,500 connections from there that
ask for nothing, and 300 that send a head one letter at a time. Then the session is ended and what is in the log is compared with
what the page counted.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

HOST, AWAY, NAMESPACE = "10.98.17.1", "10.98.17.2", "rotrack-stranger"
IDLE, SLOW = 1500, 300
ASKED = (
    "/", "/live", "/history", "/history.csv", "/session/{id}", "/session/{id}/picture", "/report.html", "/static/app.css",
    "/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/?token=guessed",
)  # fmt: skip
STREAMS = ("/live/stream", "/_nicegui_ws/socket.io/?EIO=4&transport=websocket")


# ---------------------------------------------------------------------- what a stranger does
def tried(address: str, session: str, token: str, cookie: str) -> Counter[str]:
    """Ask for everything and count the answers."""
    got: Counter[str] = Counter()
    for path in ASKED:
        got[_answer(address, path.format(id=session))] += 1
    for path in STREAMS:
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "A" * 22 + "==",
        }
        got[f"web socket {_answer(address, path, **upgrade)}"] += 1
    got[f"deleting {_answer(address, f'/session/{session}', 'DELETE')}"] += 1
    got[f"with the owner's token {_answer(address, f'/?token={token}')}"] += 1
    got[f"with the owner's token, sent {_answer(address, f'/?token={token}', 'POST')}"] += 1
    got[f"with the owner's cookie {_answer(address, '/history', Cookie=cookie)}"] += 1
    return got


def _answer(address: str, path: str, method: str = "GET", **headers: str) -> str:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    said = answer.read().decode("utf-8", "replace")
    return f"{answer.status} {'(has not been let in)' if 'has not been let in' in said else ''}".strip()


def crowd(address: str, seconds: float) -> Counter[str]:
    """Hold many connections that ask for nothing, and some that ask one letter at a time; return what became of them."""
    where = (urlsplit(address).hostname, urlsplit(address).port)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    got: Counter[str] = Counter()
    held = []
    for _ in range(IDLE + SLOW):
        try:
            held.append(socket.create_connection(where, timeout=5))
        except OSError as error:
            got[f"no connection ({error})"] += 1
    got[f"connected of {IDLE + SLOW}"] = len(held)
    end_s, letters = time.monotonic() + seconds, iter("GET / HTTP/1.1\r\nX: " + "x" * 10000)
    while time.monotonic() < end_s:
        letter = next(letters).encode()
        for one in held[-SLOW:]:
            with suppress(OSError):
                one.send(letter)
        time.sleep(0.5)
    for one in held:
        one.setblocking(False)
        try:
            got["closed by the program" if one.recv(1) == b"" else "answered"] += 1
        except BlockingIOError:
            got["still open"] += 1
        except OSError:
            got["closed by the program"] += 1
    return got


def as_other_user(*args: str) -> Counter[str]:
    """Try as the user nobody."""
    read, write = os.pipe()
    if child := os.fork():
        os.close(write)
        said = os.fdopen(read).read()
        os.waitpid(child, 0)
        return Counter(json.loads(said))
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    os.write(write, json.dumps(tried(*args)).encode())
    os._exit(0)


def elsewhere(what: str, *args: str) -> subprocess.Popen[str]:
    """Do something on the other computer."""
    command = ["ip", "netns", "exec", NAMESPACE, sys.executable, __file__, "--as-stranger", what, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@contextmanager
def another_computer() -> Iterator[None]:
    """Have another computer in the network."""

    def ip(*args: str) -> None:
        subprocess.run(["ip", *args], check=True)

    ip("netns", "add", NAMESPACE)
    try:
        ip("link", "add", "rotrack-here", "type", "veth", "peer", "name", "rotrack-there", "netns", NAMESPACE)
        ip("addr", "add", f"{HOST}/24", "dev", "rotrack-here")
        ip("link", "set", "rotrack-here", "up")
        ip("-n", NAMESPACE, "addr", "add", f"{AWAY}/24", "dev", "rotrack-there")
        ip("-n", NAMESPACE, "link", "set", "rotrack-there", "up")
        yield
    finally:
        ip("netns", "del", NAMESPACE)


# ---------------------------------------------------------------------- what is seen of the program
def tell(who: str, got: Counter[str]) -> None:
    print(f"{who}:")
    for answer, times in got.items():
        print(f"  {times:5} x {answer}")
    sys.stdout.flush()


def main() -> None:
    """Print what each of them got, and what became of the session."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers import SAMPLES, wait_until
    from page_helpers import CHROMIUM, program
    from playwright.sync_api import sync_playwright

    from rotrack.records.history import rep_table
    from rotrack.records.store import read_sessions

    clip = SAMPLES / "both_internal.mp4"
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory() as folder, another_computer(), sync_playwright() as playwright:
        data = Path(folder) / "data"
        with program(data, "--camera", clip, "--host", "0.0.0.0") as running:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(running.at())
            page.goto(f"{running.url}drill/seated-internal?person=Benchmark&model=full&reps=0")
            page.click("#start")
            page.wait_for_selector("#live[data-phase=measure]", timeout=120_000)
            assert wait_until(lambda: any((data / "sessions").glob("*")))
            (session,) = (path.name for path in (data / "sessions").glob("*"))
            (cookie,) = [
                f"{found['name']}={found['value']}" for found in page.context.cookies() if found["name"].startswith("rotrack")
            ]
            token = running.at().split("token=")[1]
            port = urlsplit(running.url).port
            local, outside = f"http://127.0.0.1:{port}", f"http://{HOST}:{port}"

            def counts() -> list[int]:
                return page.evaluate('[...document.querySelectorAll(".gauge .count .number")].map((e) => Number(e.textContent))')

            def open_files() -> int:
                return len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))

            tell("another user of the computer", as_other_user(local, session, token, cookie))
            trying = elsewhere("tried", outside, session, token, cookie)
            tell("another computer in the network", Counter(json.loads(trying.communicate()[0])))
            before, files = counts(), open_files()
            pressing = elsewhere("crowd", outside, "60")
            most = files
            slowest_s = 0.0
            answers: Counter[str] = Counter()
            while pressing.poll() is None:
                start_s = time.monotonic()
                answers[_answer(local, "/history", Cookie=cookie)] += 1
                slowest_s, most = max(slowest_s, time.monotonic() - start_s), max(most, open_files())
                time.sleep(1)
            tell(
                f"{IDLE} idle and {SLOW} slow connections from there for a minute", Counter(json.loads(pressing.communicate()[0]))
            )
            tell("the owner meanwhile", answers)
            print(f"  open files of the program: {files} before, at most {most} meanwhile (allowed: 1024 or more)")
            print(f"  repetitions counted on the page: {before} before, {counts()} after; slowest answer {slowest_s:.1f} s")
            page.click("#end")
            page.wait_for_url("**/session/*")
            browser.close()
        reps = rep_table(read_sessions(data)[0])
        (found,) = read_sessions(data)[0]
        print(f"session: {found.record.status}, {len(reps)} excursions in the log: {dict(Counter(reps.side))}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--as-stranger", nargs="+", metavar="WHAT", help=argparse.SUPPRESS)
    given = parser.parse_args().as_stranger
    if given is None:
        main()
    elif given[0] == "tried":
        print(json.dumps(tried(*given[1:])))
    else:
        print(json.dumps(crowd(given[1], float(given[2]))))
