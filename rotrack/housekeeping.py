"""All that is stored of a person, wherever it lies: sessions, rows of the log, readings, calibration; shown and deleted."""

from __future__ import annotations

import shutil
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rotrack.beforehand import profiles_folder
from rotrack.errors import InputError, RecordError
from rotrack.exchange.merge import IMPORT_LOCK, PART
from rotrack.progress.readings import count_readings_of, delete_readings_of
from rotrack.records.history import delete_sessions_of, sessions_of
from rotrack.records.log import logged_reps, read_info
from rotrack.records.session import person_of

ARCHIVE_LOCK, HALF_MEASURED = "archive.lock", "archive.part"
"""In a data folder: held while an archive is measured, and what of it is not complete, which a killed run leaves behind."""
_LEFT_BEHIND = ((ARCHIVE_LOCK, HALF_MEASURED), (IMPORT_LOCK, PART))


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a person.

    Parameters
    ----------
    sessions : tuple of Path
        Folders of the sessions, oldest first; at the end what a killed import left of one.
    rows : int
        Rows of reps.csv.
    profiles : tuple of Path
        Files of personal calibrations.
    readings : int
        Readings of other instruments.
    """

    sessions: tuple[Path, ...]
    rows: int
    profiles: tuple[Path, ...]
    readings: int = 0

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.sessions or self.rows or self.profiles or self.readings)

    @property
    def size_bytes(self) -> int:
        """Size of the files in the folders of the sessions."""
        return sum(p.stat().st_size for folder in self.sessions for p in folder.rglob("*") if p.is_file())


def stored_of(data: Path, person: str) -> Stored:
    """Return what is stored of a person in a data folder; the name must be exact.

    Raises
    ------
    RecordError
        If the log cannot be read.
    """
    rows = logged_reps(data).person.str.strip() == person.strip()
    profiles, readings = tuple(_profiles_of(data, person)), count_readings_of(data, person)
    half = []
    with suppress(RecordError):
        half = [data / PART] if person_of(read_info(data / PART)) == person.strip() else []
    return Stored((*sessions_of(data, person), *half), int(rows.sum()), profiles, readings)


def delete_person(data: Path, person: str) -> int:
    """Delete all that is stored of a person: rows of the log, folders of sessions, readings, personal calibrations.

    What a killed archive run or import left behind goes too, whosever it is.

    Parameters
    ----------
    data : Path
        The data folder.
    person : str
        The exact name.

    Returns
    -------
    int
        How many sessions there were.

    Raises
    ------
    InputError
        Without a name.
    RecordError
        If a session of the person is being measured (nothing is deleted then), or something cannot be deleted.
    """
    if not person.strip():
        raise InputError("Say whom to delete; sessions without a name are deleted one by one.")
    sessions = delete_sessions_of(data, person)
    delete_readings_of(data, person)
    for lock, left_behind in _LEFT_BEHIND:
        if (data / left_behind).exists():
            with suppress(Timeout), FileLock(data / lock, timeout=0):  # whose it is need not be known: nobody needs it
                shutil.rmtree(data / left_behind, ignore_errors=True)
    for path in _profiles_of(data, person):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            why = error.strerror or error
            raise RecordError(f"{path} cannot be deleted ({why}); close what shows it and try again.") from error
    return sessions


def _profiles_of(data: Path, person: str) -> list[Path]:
    """Return the files of a person's calibrations, damaged and half written ones too."""
    files = sorted(path for path in profiles_folder(data).glob("*") if path.suffix in (".toml", ".part"))
    return [path for path in files if _person_of(path) == person.strip()]


def _person_of(path: Path) -> str | None:
    text = path.read_text("utf-8", "replace")
    table: dict[str, Any] = {}
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "person":
                table = {"person": value.strip().strip("\"'")}
    person = table.get("person")
    return person.strip() if isinstance(person, str) else None
