"""Video never leaves the computer: no network socket is ever made, as the system's own tracer sees it."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from helpers import DEMO, PATIENT_S, demo_frames, environment, needs, obey_control_c, virtual_screen, write_video

pytestmark = [pytest.mark.slow, needs("strace", "Xvfb")]
NETWORK = re.compile(r"AF_INET6?\b|AF_PACKET|AF_VSOCK")


def traced(log: Path, data: Path, *command: object, **changes: str) -> list[str]:
    """Run a command under strace and return its network calls; it must have ended well, traced to the end."""
    trace = ["strace", "-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", str(log)]
    call = [*trace, sys.executable, *map(str, command)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=PATIENT_S, env=environment(data, **changes))
    assert done.returncode == 0, done.stderr
    return log.read_text("utf-8", "replace").splitlines()


def test_the_tracer_sees_network_sockets_also_of_children(tmp_path: Path) -> None:
    """Without this, a tracer that sees nothing would pass the tests below."""
    script = "import socket; socket.socket(socket.AF_INET)"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {script!r}], check=True)"
    for code in (script, nested):
        assert any(NETWORK.search(line) for line in traced(tmp_path / "trace", tmp_path, "-c", code))


def test_analyze_makes_no_network_socket(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", demo_frames(0, 60))
    data = tmp_path / "data"
    args = ["-m", "rotrack", "analyze", clip, "-d", "seated-combined", "--video", "--out", data]
    lines = traced(tmp_path / "trace", tmp_path / "home", *args)
    assert list(data.glob("sessions/*/annotated.mkv")), "it really ran"
    assert [line for line in lines if NETWORK.search(line)] == []


def test_parallel_analysis_makes_no_network_socket(tmp_path: Path) -> None:
    clips = [write_video(tmp_path / f"{name}.mp4", demo_frames(0, 30)) for name in "ab"]
    data = tmp_path / "data"
    args = ["-m", "rotrack", "analyze", *clips, "-d", "seated-combined", "--json", "--model", "full", "--out", data]
    lines = traced(tmp_path / "trace", tmp_path / "home", *args)
    assert len(list(data.glob("sessions/*/plot.html"))) == 2
    assert [line for line in lines if NETWORK.search(line)] == []


def test_live_makes_no_network_socket(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", [demo_frames(0, 1)[0]] * 240)
    data = tmp_path / "data"
    args = ["-m", "rotrack", "live", "--camera", clip, "--model", "full", "--out", data]
    with virtual_screen() as display:
        lines = traced(tmp_path / "trace", tmp_path / "home", *args, DISPLAY=display)
    assert list(data.glob("sessions/*/session.json"))
    assert any("AF_UNIX" in line or "AF_LOCAL" in line for line in lines), "the way to the screen, which is on this computer"
    assert [line for line in lines if NETWORK.search(line)] == []


def test_the_page_is_served_on_this_computer_alone(tmp_path: Path) -> None:
    log, data = tmp_path / "trace", tmp_path / "data"
    trace = ["strace", "-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", str(log)]
    call = [*trace, sys.executable, "-m", "rotrack", "app", "--no-open", "--camera", str(DEMO), "--out", str(data)]
    process = subprocess.Popen(
        call,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path / "home", COLUMNS="1000"),
        preexec_fn=obey_control_c,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        found = re.search(r"(http://127\.0\.0\.1:\d+/)\?\S+", process.stderr.readline())
        assert found
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        browser.open(found[0], b"", timeout=PATIENT_S).close()  # the page's script sends the token on by itself
        for path in ("", "drill/seated-internal", "history", "live"):
            assert browser.open(found[1] + path, timeout=PATIENT_S).status == 200
    finally:
        os.killpg(process.pid, signal.SIGINT)  # the program ends and the tracer with it
        process.wait(PATIENT_S)
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if NETWORK.search(line)]
    assert any("bind(" in line for line in lines), "the tracer saw the page"
    reached = [line for line in lines if re.search(r"\b(bind|connect|sendto|sendmsg)\(.*(sin_|sin6_)", line)]
    assert reached
    own = ('inet_addr("127.0.0.1")', 'inet_pton(AF_INET6, "::1"')  # a library looks whether the computer has IPv6
    assert [line for line in reached if not any(address in line for address in own)] == []
