"""All that rotrack keeps in a data folder, of everybody: taken along as one file, or deleted.

Only what rotrack itself writes there is meant. What else lies in the folder is not looked at.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rotrack.core.errors import RecordError
from rotrack.records.folders import HALF_AGAIN, HALF_MEASURED, PART, being_written, locked, session_folders
from rotrack.records.legacy import TABLE
from rotrack.records.outdated import MEMORY
from rotrack.records.readings import FILE as READINGS
from rotrack.records.store import CHECKSUM, INDEX
from rotrack.system.files import explained

KEPT = ("sessions", "people", "courses", "programmes", "calibration", TABLE, READINGS)
"""What a person would miss; the rest is made again from it."""
MADE = (CHECKSUM, INDEX, MEMORY, PART, HALF_AGAIN, HALF_MEASURED, "demo", "demo-progress")
_PACKED = (".gz", ".mkv", ".mp4")
"""Files that are packed already."""


def everything_of(data: Path) -> Iterator[Path]:
    """Yield the files of a data folder that are somebody's, without locks and without what links point to."""
    for name in KEPT:
        path = data / name
        found = sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [path]
        yield from (one for one in found if one.is_file() and not one.is_symlink() and one.suffix != ".lock")


def export_everything(data: Path, to: IO[bytes]) -> int:
    """Write all that is kept as one ZIP file; return how many files are in it.

    Unpacked, it is a data folder: `rotrack import FOLDER` takes it in elsewhere.

    Raises
    ------
    RecordError
        If something cannot be read.
    """
    count = 0
    with explained(data), zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in everything_of(data):
            how = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
            archive.write(path, Path("rotrack") / path.relative_to(data), how)
            count += 1
    return count


def delete_everything(data: Path) -> None:
    """Delete all that rotrack keeps in a data folder. It cannot be brought back.

    Raises
    ------
    RecordError
        If a session is being measured, or something cannot be deleted; what is left can be deleted again.
    """
    with locked(data):
        running = [folder for folder in session_folders(data) if being_written(folder)]
        if running:
            raise RecordError("The session {id} is being measured; end it first. Nothing was deleted.", id=running[0].name)
        for name in (*KEPT, *MADE):
            path = data / name
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise RecordError(
                    "{path} cannot be deleted ({why}); close what shows it and try again.",
                    path=error.filename or path,
                    why=error.strerror or error,
                ) from error
