"""The one writer: every file that rotrack writes goes through here.

A file is written beside its place, brought onto the disk and then moved in place, so that at any moment the old or the new one is
there. Folders are made for their owner only, and so are files; a file that is replaced keeps its mode. What rotrack did not write
is never replaced unless somebody says so.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rotrack.core.errors import InputError, RecordError, RotrackError
from rotrack.core.messages import Sentence
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

FOLDER_MODE, FILE_MODE = 0o700, 0o600
"""What a new folder and a new file may be used for: their owner only."""
DRAFT, DAMAGED = ".tmp", ".damaged"
"""How the name of a file ends that is not complete yet; of one that could not be read and was made again."""
ASKED_FOR = re.compile(r"\..+\.[0-9a-f]{8}" + re.escape(DRAFT))
"""How drafts of files that a person asked for are called."""
OWN_FILES = (
    *("reps.csv", "readings.csv", "index.msgpack", "import.", "archive.", "videos."),
    *("app.lock", "app.json", "page.key", "page.pem"),
)
"""How the names of rotrack's own files begin at the top of a data folder."""
OPTION = "--out"
"""Which option says where files go, if no other is named."""
_WHY = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "your disk quota is used up: free some space",
    errno.EFBIG: "it would be larger than this disk or your limit allows: choose another folder with {option}",
    errno.EROFS: "the folder is read-only: choose another one with {option}",
    errno.EACCES: "writing there is not allowed: choose another folder with {option}",
    errno.EPERM: "writing there is not allowed: choose another folder with {option}",
    errno.ENOTDIR: "a part of that path is a file: choose another folder with {option}",
    errno.ENAMETOOLONG: "a name in that path is too long: choose another folder with {option}",
    errno.EMFILE: "this program has too many files open: close other pages of it and try again",
    errno.ENFILE: "this computer has too many files open: close some programs and try again",
    errno.ELOOP: "a link in that path points to itself: choose another folder with {option}",
}


def why_of(error: OSError, option: str = OPTION) -> str:
    """Return what went wrong with a file, and what to do, as the second half of a sentence; `option` says where files go."""
    template = _WHY.get(error.errno or 0, "{why}: choose another folder with {option}")
    return Sentence(template, why=error.strerror or error, option=option)


@contextmanager
def explained(path: Path, kind: type[RotrackError] = RecordError, option: str = OPTION) -> Iterator[None]:
    """Turn what can go wrong while files are written into one sentence.

    Parameters
    ----------
    path : Path
        What was to be written, for the sentence.
    kind : type
        The error to raise.
    option : str
        Which option of the command line says where files go.

    Raises
    ------
    RecordError
        Or the given kind, instead of OSError and of the Timeout of a lock.
    """
    try:
        yield
    except filelock.Timeout as error:
        raise kind(
            "Another program holds {name} in {folder}; close it and try again.", name=path.name, folder=path.parent
        ) from error
    except FileExistsError as error:
        raise kind(
            "{path} cannot be written, since something of that name is there already: choose another name or folder.", path=path
        ) from error
    except OSError as error:
        raise kind(
            "{path} cannot be written, {why}. What was logged before is kept.", path=path, why=why_of(error, option)
        ) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, for their owner only, and bring them onto the disk.

    Raises
    ------
    OSError
        If one cannot be made.
    """
    missing = []
    while not path.is_dir():
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir(FOLDER_MODE)
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder onto the disk; systems that cannot do so keep them by themselves."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace(contents: Mapping[Path, bytes], durable: bool = True) -> None:
    """Give files of rotrack's own new contents; all are written beside before the first one is moved in place.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What each file is to hold. Where a file is a link, what it points to is replaced.
    durable : bool
        Whether they must be on the disk before this returns; not for what can be made again.

    Raises
    ------
    OSError
        If one cannot be written; no file has changed then.
    """
    places = {Path(os.path.realpath(path)) if path.is_symlink() else path: content for path, content in contents.items()}
    drafts = {path: path.with_name(path.name + DRAFT) for path in places}
    try:
        for path, draft in drafts.items():
            _write(draft, places[path], _mode_of(path), durable)
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        raise
    if durable:
        for folder in {path.parent for path in places}:
            sync_folder(folder)


def set_aside(path: Path) -> Path:
    """Copy what cannot be read to a name that nothing has yet, and return that; raises OSError if that fails."""
    place, number = path.with_name(path.name + DAMAGED), 1
    while place.exists():
        number += 1
        place = path.with_name(f"{path.name}.{number}{DAMAGED}")
    if path.is_file():
        replace({place: path.read_bytes()})
    else:  # a pipe, or a link to nothing
        path.rename(place)
    return place


def write_for_person(path: Path, content: bytes, overwrite: bool = False, option: str = OPTION) -> None:
    """Write a file that a person asked for, at a place of their choice.

    Parameters
    ----------
    path : Path
        Where.
    content : bytes
        What.
    overwrite : bool
        Whether a file that is there may be replaced.
    option : str
        As for `explained`.

    Raises
    ------
    InputError
        If there is such a file and it may not be replaced, or it is a part of rotrack's own log.
    RecordError
        If it cannot be written; a file that was there is kept then.
    """
    check_free(path, overwrite)
    with explained(path, option=option):
        place = Path(os.path.realpath(path)) if path.is_symlink() else path
        draft = place.with_name(f".{place.name[:40]}.{secrets.token_hex(4)}{DRAFT}")
        try:
            _write(draft, content, _mode_of(place), durable=True)
            check_free(path, overwrite)  # somebody may have written it meanwhile
            draft.replace(place)
        except (OSError, InputError):
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        sync_folder(place.parent)


def check_free(path: Path, overwrite: bool = False) -> None:
    """Check that a file that a person asked for may be written; to be called before the work for it begins.

    Raises
    ------
    InputError
        If there is such a file and it may not be replaced, or it is a part of rotrack's own log.
    """
    with suppress(OSError):
        if path.is_dir():
            raise InputError("{path} is a folder; give the name of a file.", path=path)
        if path.exists() and not path.is_file():
            raise InputError("{path} is no plain file; give the name of a file.", path=path)
        if _is_of_log(path):
            raise InputError("{path} belongs to rotrack's own log; choose another file.", path=path)
        if not overwrite and (path.exists() or path.is_symlink()):
            raise InputError("{path} is there already; choose another name, or replace it with --overwrite.", path=path)


def check_csv(path: Path) -> None:
    """Check that a file that is to hold CSV is called so, or has no ending.

    Raises
    ------
    InputError
        If its name says that it is something else.
    """
    if path.suffix.lower() not in ("", ".csv"):
        raise InputError(
            "{path} would hold CSV and not what its name says; let it end in .csv, which spreadsheets open.", path=path.name
        )


def _is_of_log(path: Path) -> bool:
    """Return whether a file lies in a data folder as rotrack's own."""
    real = Path(os.path.realpath(path))
    inside = {"sessions", "people", "calibration"}
    above = [folder for folder in real.parents if folder.name in inside and (folder.parent / "sessions").is_dir()]
    own = real.name.lower().startswith(OWN_FILES) and (real.parent / "sessions").is_dir()
    return own or bool(above)


def _mode_of(path: Path) -> int:
    """Return the mode that a file keeps; that of a new one if there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return FILE_MODE


def _write(path: Path, content: bytes, mode: int, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        if os.name != "nt" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) != mode:
            with suppress(OSError):  # a file system that knows no modes, or not this one
                os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())


class Appender:
    """A file of rotrack's own to which bytes are added; a context manager.

    What `append` was given is on the disk when it returns, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; it is made if need be.

    Raises
    ------
    OSError
        Here and in every method, if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        new = not path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, FILE_MODE)
        if new:
            sync_folder(path.parent)

    def append(self, content: bytes, durable: bool = True) -> None:
        """Add bytes in one write; if they do not fit, the file stays as it was."""
        size = os.fstat(self._descriptor).st_size
        try:
            if os.write(self._descriptor, content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, size)
            raise

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
