"""Libraries that are loaded when they are first used, and one sentence where a computer lacks what they need.

Most commands need none of the large libraries, and some computers lack the system's libraries that OpenCV is linked with. A
module names such a library by `when_used`, so that nothing is loaded before it is needed:

    if TYPE_CHECKING:
        import cv2
    else:
        cv2 = when_used("cv2")
"""

from __future__ import annotations

import ctypes
import importlib
import platform
import sys
from types import ModuleType
from typing import Any

from rotrack.core.errors import LibraryError
from rotrack.core.messages import Sentence

# The names are those of packages: of apt (Debian, Ubuntu), dnf (Fedora, Red Hat), zypper (openSUSE), pacman (Arch).
_PACKAGES = {
    "libxcb.so.1": ("libxcb1", "libxcb", "libxcb1", "libxcb"),
    "libGL.so.1": ("libgl1", "libglvnd-glx", "libglvnd", "libglvnd"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2", "libgthread-2_0-0", "glib2"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2", "libglib-2_0-0", "glib2"),
    "libX11.so.6": ("libx11-6", "libX11", "libX11-6", "libx11"),
    "libXext.so.6": ("libxext6", "libXext", "libXext6", "libxext"),
    "libSM.so.6": ("libsm6", "libSM", "libSM6", "libsm"),
    "libICE.so.6": ("libice6", "libICE", "libICE6", "libice"),
}
_INSTALLERS = {
    "debian": (0, "sudo apt install"),
    "ubuntu": (0, "sudo apt install"),
    "fedora": (1, "sudo dnf install"),
    "rhel": (1, "sudo dnf install"),
    "suse": (2, "sudo zypper install"),
    "arch": (3, "sudo pacman -S"),
}
_TO_LOAD = tuple(_PACKAGES)[:4]
TO_SHOW = tuple(_PACKAGES)
"""The libraries of a Linux system that a window of OpenCV needs; to load it, the first four are enough."""

_failed: dict[str, LibraryError] = {}


class _WhenUsed(ModuleType):
    """Stands for a module, whose attributes it has."""

    def __getattr__(self, name: str) -> Any:
        return getattr(load(self.__name__), name)

    def __dir__(self) -> list[str]:
        return dir(load(self.__name__))


def when_used(name: str) -> ModuleType:
    """Return what stands for a module: it is loaded at the first use of one of its attributes, which may raise LibraryError."""
    return _WhenUsed(name)


def load(*names: str) -> ModuleType:
    """Load modules now and return the last one.

    Raises
    ------
    LibraryError
        If one cannot be loaded on this computer, with what to do.
    """
    for name in names:
        if name in _failed:  # OpenCV says something misleading when it is tried again
            raise _failed[name]
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError) as error:
            _failed[name] = LibraryError(_sentence(name, error))
            raise _failed[name] from error
    return module


def advice_for(missing: tuple[str, ...]) -> str:
    """Return what brings libraries of the system, as the second half of a sentence: the command where it is known."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    families = (release.get("ID", ""), *release.get("ID_LIKE", "").split())
    family = next((name for name in families if name in _INSTALLERS), "")
    if not family:
        return "install them with the system's package manager"
    column, installer = _INSTALLERS[family]
    command = " ".join([installer, *dict.fromkeys(_PACKAGES[library][column] for library in missing)])
    return Sentence("`{command}` brings them", command=command)


def missing_libraries(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return those libraries of the system that are not here; none on other systems than Linux."""
    return tuple(name for name in wanted if not _is_here(name)) if sys.platform.startswith("linux") else ()


def _is_here(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _sentence(name: str, error: ImportError | OSError) -> str:
    package = name.partition(".")[0]
    missing = missing_libraries(_TO_LOAD) if package == "cv2" else ()
    if missing:
        return Sentence(
            "OpenCV, which reads pictures, needs {libraries}, which this computer lacks: {what}.",
            libraries=", ".join(missing),
            what=advice_for(missing),
        )
    if package == "cv2" and sys.platform == "win32":
        return Sentence(
            "OpenCV cannot be loaded ({why}): install the Microsoft Visual C++ Redistributable, and on an N "
            "edition of Windows the Media Feature Pack.",
            why=error,
        )
    return Sentence("The library {name} cannot be loaded ({why}): install rotrack again.", name=package, why=error)
