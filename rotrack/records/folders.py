"""Where the log is, who holds it, and whether a session is being measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from rotrack.core.errors import RecordError
from rotrack.system.files import FILE_MODE, explained, make_folder, why_of
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

WRITING_LOCK = "writing.lock"
"""In a session's folder: held by the program that measures the session, which the system takes from it when it ends."""
LOG_LOCK = "reps.csv.lock"
"""In a data folder: held while the people's table or a session that was measured before is changed."""
LOCK_TIMEOUT_S = 30.0
ARCHIVE_LOCK, HALF_MEASURED = "archive.lock", "archive.part"
"""In a data folder: held while an archive is measured, and what of it is not complete, which a killed run leaves behind."""
IMPORT_LOCK, PART = "import.lock", "import.part"
"""In a data folder: held by an import, and where it copies a session before it is moved in place, which a kill leaves behind."""
AGAIN_LOCK, HALF_AGAIN = "remeasured.lock", "remeasured.part"
"""In a data folder: held while sessions of an earlier version are measured again, and what of them is not whole yet."""
APP_LOCK, CLIPS_PART = "app.lock", "videos.part"
"""In a data folder: held by the program that serves the page, and recorded clips that it was given and has not measured."""
HALVES = ((ARCHIVE_LOCK, HALF_MEASURED), (IMPORT_LOCK, PART), (AGAIN_LOCK, HALF_AGAIN), (APP_LOCK, CLIPS_PART))


def data_folder(out: Path | None = None) -> Path:
    """Return where the log lives: the given folder, else ROTRACK_HOME, else the platform's own place for data.

    Raises
    ------
    RecordError
        If something else than a folder is there.
    """
    home = os.environ.get("ROTRACK_HOME")
    data = out or (Path(home) if home else user_data_path("rotrack", appauthor=False))
    said = "--out" if out else "ROTRACK_HOME"
    try:
        data = data.expanduser()
        wrong = "is no folder" if data.exists() and not data.is_dir() else "is a link to nothing" if _leads_nowhere(data) else ""
    except RuntimeError as error:
        raise RecordError(
            "{path} names the home of somebody whom this computer does not know; choose another folder with {option}.",
            path=data,
            option=said,
        ) from error
    except OSError as error:
        raise RecordError("The data folder {path} cannot be used, {why}.", path=data, why=why_of(error)) from error
    if wrong:
        raise RecordError(
            "{path} {wrong}; say with {option} which folder holds the log, or is to hold it.", path=data, wrong=wrong, option=said
        )
    return data


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def sessions_folder(data: Path) -> Path:
    """Return where the folders of the sessions are."""
    return data / "sessions"


def session_folders(data: Path) -> list[Path]:
    """Return all folders of sessions, also those in which nothing can be read; in the order of their names.

    Raises
    ------
    RecordError
        If they cannot be listed: what cannot be seen must not be taken for absent.
    """
    try:
        with os.scandir(sessions_folder(data)) as entries:
            names = sorted(entry.name for entry in entries if entry.is_symlink() or entry.is_dir())
        return [sessions_folder(data) / name for name in names]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordError(
            "The sessions in {path} cannot be listed ({why}); check who may read that folder.",
            path=data,
            why=error.strerror or error,
        ) from error


def being_written(folder: Path) -> bool:
    """Return whether a program is measuring the session in this folder now."""
    path = folder / WRITING_LOCK
    try:
        if not path.exists():
            return False
        # Patient enough for another program that looks too.
        with filelock.FileLock(path, timeout=0.1, poll_interval=0.02, mode=FILE_MODE):
            _forget(path, os.name != "nt")  # while it is held: a session that begins must not hold what is gone afterwards
    except filelock.Timeout:
        return True
    except OSError:  # a folder that cannot be written
        return False
    _forget(path, os.name == "nt")  # where nothing can be deleted that is open
    return False


def _forget(lock: Path, now: bool) -> None:
    """Take away what a killed program left: nobody needs it."""
    if now:
        with suppress(OSError):
            lock.unlink(missing_ok=True)


@contextmanager
def locked(data: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold the log of a data folder against other programs.

    Raises
    ------
    RecordError
        If another program holds it for long, or for what goes wrong with files inside.
    """
    with explained(data):
        make_folder(data)
        with filelock.FileLock(data / LOG_LOCK, timeout=timeout_s, mode=FILE_MODE):
            yield
