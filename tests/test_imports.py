"""Libraries are loaded when they are first used, and a system that lacks something is told in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, environment, log_session

from rotrack.core.errors import InputError, LibraryError
from rotrack.draw.window import Window
from rotrack.measure.doctor import checkup
from rotrack.system import imports
from rotrack.system.imports import load, when_used

DEBIAN, FEDORA, OTHER = {"ID": "debian"}, {"ID": "nobara", "ID_LIKE": "rhel fedora"}, {"ID": "plan9"}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a library that can be loaded as `a_library`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(imports, "_failed", {})
    monkeypatch.delitem(sys.modules, "a_library", raising=False)
    return tmp_path / "a_library.py"


def test_a_library_is_loaded_at_its_first_use(library: Path) -> None:
    library.write_text("answer = 42\n")
    stands_for = when_used("a_library")
    assert "a_library" not in sys.modules
    assert stands_for.answer == 42
    sys.modules["a_library"].answer = 43
    assert stands_for.answer == 43, "nothing of it is kept, so that a change of the library is seen"
    with pytest.raises(AttributeError, match="question"):
        stands_for.question  # noqa: B018  reading it is the test


def test_what_was_wrong_at_first_is_said_again(library: Path) -> None:
    """OpenCV says at a second try that it is loaded recursively, which helps nobody."""
    library.write_text("raise ImportError('libfirst.so.1: cannot open shared object file')")
    stands_for = when_used("a_library")
    for _ in range(2):
        with pytest.raises(LibraryError, match=r"libfirst\.so\.1.*install rotrack again\.$") as said:
            stands_for.anything()
        assert said.value.exit_code == 2
        library.write_text("raise ImportError('something misleading')")


@pytest.mark.parametrize(
    ("system", "advice"),
    [
        (DEBIAN, "`sudo apt install libgl1 libglib2.0-0` brings them."),
        (FEDORA, "`sudo dnf install libglvnd-glx glib2` brings them."),
        (OTHER, "install them with the system's package manager."),
    ],
    ids=["Debian", "like Fedora", "another"],
)
def test_missing_libraries_of_the_system_are_named_with_the_command_for_it(
    library: Path, monkeypatch: pytest.MonkeyPatch, system: dict[str, str], advice: str
) -> None:
    library.with_name("cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(imports, "_is_here", lambda name: "libG" not in name and "libg" not in name)
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: system)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(LibraryError) as said:
        load("cv2")
    assert str(said.value).startswith("OpenCV, which reads pictures, needs libGL.so.1, libgthread-2.0.so.0, ")
    assert str(said.value).endswith(advice)


HEAVY = ("cv2", "mediapipe", "pandas", "scipy", "plotly", "nicegui", "reportlab", "asyncio")
LIGHT = (("--version",), ("--help",), ("drills",), ("drills", "lunge-internal"), ("history",), ("people",))
_RUN = """
import sys
sys.modules.update(dict.fromkeys({heavy!r}))  # loading one of these is an ImportError
from rotrack import cli
for given in {light!r}:
    sys.argv = ["rotrack", *given]
    try:
        cli.run()
    except SystemExit as end:
        assert not end.code, given
"""


def test_what_only_lists_loads_nothing_that_measures_or_draws(tmp_path: Path) -> None:
    log_session(tmp_path)
    code = _RUN.format(heavy=HEAVY, light=LIGHT)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(tmp_path), check=False)
    assert done.returncode == 0, done.stderr
    assert "38.7" in done.stdout


def test_the_doctor_says_what_a_bare_system_lacks_and_goes_no_further(
    library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library.with_name("cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(imports, "_is_here", lambda name: name != "libGL.so.1")
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: DEBIAN)
    monkeypatch.setattr(sys, "platform", "linux")
    last = list(checkup(tmp_path, open_cameras=True))[-1]
    assert (last.grade, last.what) == ("problem", "OpenCV")
    assert "`sudo apt install libgl1` brings them" in last.found


def test_a_window_names_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenCV can be loaded, its windows may still want more of the system."""
    monkeypatch.setattr("rotrack.draw.window._screen_found", lambda: False)
    monkeypatch.setattr("rotrack.draw.window.missing_libraries", lambda wanted: ("libSM.so.6",))
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: FEDORA)
    with pytest.raises(InputError, match=r"A window needs libSM\.so\.6, .*`sudo dnf install libSM` brings them\.$"):
        Window((640, 480))
    monkeypatch.setattr("rotrack.draw.window.missing_libraries", lambda wanted: ())
    with pytest.raises(InputError, match=r"no screen to open a window on; calibrate without one: --no-window\.$"):
        Window((640, 480), "calibrate without one: --no-window")


def test_a_bare_system_is_told_in_one_sentence_what_the_tests_lack(tmp_path: Path) -> None:
    """They once ended in a traceback of conftest.py."""
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "test_drills.py")]
    env = environment(tmp_path, PYTHONPATH=path)
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "OpenCV" in said or "cv2" in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
