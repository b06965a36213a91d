"""All that is stored of a person, wherever it lies in the data folder; shown, deleted, and proved to be gone.

Deleting does not stop at what can be read. After it, the whole folder is searched for the name in every spelling that means the
same; what still holds it is named. Nothing that cannot be looked into is taken for clean.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rotrack.beforehand import profiles_folder
from rotrack.errors import InputError, RecordError
from rotrack.exchange.merge import IMPORT_LOCK, PART
from rotrack.files import DRAFT, explained, replace
from rotrack.inputs import UnreadableError, name_key, read_bytes, read_packed_lines
from rotrack.progress.readings import FILE as READINGS
from rotrack.progress.readings import count_readings_of, delete_readings_of
from rotrack.records.changes import delete_folders
from rotrack.records.folders import LOG_LOCK, locked, session_folders
from rotrack.records.legacy import TABLE
from rotrack.records.people import Person, find_person, people_folder, read_people, remove_person
from rotrack.records.store import CHECKSUM, INDEX, forget_index, read_all
from rotrack.records.table import CHANGED, refresh_table
from rotrack.records.takeover import KEPT_TABLE

ARCHIVE_LOCK, HALF_MEASURED = "archive.lock", "archive.part"
"""In a data folder: held while an archive is measured, and what of it is not complete, which a killed run leaves behind."""
_LEFT_BEHIND = ((ARCHIVE_LOCK, HALF_MEASURED), (IMPORT_LOCK, PART))
_NO_TEXT = (".mp4", ".part.mp4", ".lock")
"""Files in which no name can stand."""
_MOST_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a person.

    Parameters
    ----------
    sessions : tuple of Path
        Folders of the sessions, oldest first; at the end those in which the name stands although they cannot be read.
    rows : int
        Their repetitions.
    profiles : tuple of Path
        Files of personal calibrations.
    readings : int
        Readings of other instruments.
    person : Person or None
        Their record.
    elsewhere : tuple of Path
        Other files of rotrack's in which the name stands: drafts, kept tables.
    """

    sessions: tuple[Path, ...]
    rows: int
    profiles: tuple[Path, ...]
    readings: int = 0
    person: Person | None = None
    elsewhere: tuple[Path, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.sessions or self.rows or self.profiles or self.readings or self.person or self.elsewhere)

    @property
    def size_bytes(self) -> int:
        """Size of the files in the folders of the sessions."""
        return sum(p.stat().st_size for folder in self.sessions for p in folder.rglob("*") if p.is_file())


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion did.

    Parameters
    ----------
    sessions : int
        How many sessions there were.
    still : tuple of Path
        Files of the data folder in which the name still stands: notes of other people's sessions, files that rotrack does not
        know.
    """

    sessions: int
    still: tuple[Path, ...] = ()


def stored_of(data: Path, person: str) -> Stored:
    """Return what is stored of a person in a data folder, whatever the spelling of the name.

    Raises
    ------
    RecordError
        If something cannot be looked into.
    """
    if not data.is_dir() or not name_key(person):
        return Stored((), 0, ())
    refresh_table(data)
    theirs = _Theirs(data, person)
    return Stored(
        theirs.folders, theirs.repetitions, theirs.profiles, count_readings_of(data, person), theirs.record, theirs.elsewhere
    )


def delete_person(data: Path, person: str) -> Deleted:
    """Delete all that is stored of a person: sessions, record, readings, personal calibrations, and what accidents left of them.

    What a killed archive run or import left behind goes too, whosever it is.

    Parameters
    ----------
    data : Path
        The data folder.
    person : str
        The name, in any spelling that means the same, or the id.

    Raises
    ------
    InputError
        Without a name.
    RecordError
        If a session of the person is being measured (nothing is deleted then), or something cannot be looked into or deleted.
    """
    if not name_key(person):
        raise InputError("Say whom to delete; sessions without a name are deleted one by one.")
    if not data.is_dir():
        return Deleted(0)
    refresh_table(data)
    theirs = _Theirs(data, person)
    ids = {folder.name for folder in theirs.folders}
    delete_folders(data, theirs.folders)
    delete_readings_of(data, person)
    for lock, left_behind in _LEFT_BEHIND:
        if (data / left_behind).exists():
            with suppress(Timeout), FileLock(data / lock, timeout=0):  # whose it is need not be known: nobody needs it
                shutil.rmtree(data / left_behind, ignore_errors=True)
    for path in theirs.profiles:
        _unlink(path)
    if theirs.record:
        remove_person(data, theirs.record)
    with locked(data):
        _clean(data, _Search([*theirs.spellings, *ids]))
    refresh_table(data)
    return Deleted(len(ids), tuple(_files_with(data, _Search(theirs.spellings))))


class _Theirs:
    """What belongs to a person in a data folder."""

    def __init__(self, data: Path, person: str) -> None:
        people, _ = read_people(data)
        self.record = find_person(people, person)
        self.spellings = tuple(dict.fromkeys([person, *((self.record.name, *self.record.spellings) if self.record else ())]))
        keys = {name_key(spelling) for spelling in self.spellings}
        others = {known.id for known in people if known is not self.record}
        search = _Search(self.spellings)
        sessions, _ = read_all(data)
        own = [
            session
            for session in sessions
            if (self.record and session.record.person_id == self.record.id)
            or (name_key(session.person) in keys and session.record.person_id not in others)
        ]
        readable = {session.folder for session in sessions}
        wrecks = [folder for folder in session_folders(data) if folder not in readable and _names(folder, search)]
        self.folders = (*(session.folder for session in own), *wrecks)
        self.repetitions = sum(len(session.rep_list) for session in own)
        self.profiles = tuple(path for path in _files_in(profiles_folder(data)) if search.is_of(path))
        drafts = [path for path in _files_in(data, deep=False) if _is_ours(path) and search.is_of(path)]
        half = [data / part for _, part in _LEFT_BEHIND if _names(data / part, search)]
        self.elsewhere = (*drafts, *half)


class _Search:
    """Looks for words in files: names in every spelling that means the same, ids of sessions."""

    def __init__(self, words: Iterable[str]) -> None:
        self._keys = {key for key in map(name_key, words) if key}
        slugs = {re.sub(r"[^a-z0-9]+", "-", key).strip("-") for key in self._keys} - {""}
        loose = "|".join(map(re.escape, {*self._keys, *(key.replace(" ", "-") for key in self._keys)}))
        self._pattern = re.compile(rf"(?<!\w)(?:{loose})(?!\w)")
        self._profile = re.compile(rf"personal-(?:{'|'.join(slugs) or '(?!)'})-\d{{8}}-\d{{6}}.*")
        firsts = [key.split()[0] for key in self._keys]
        self._firsts = [first.encode() for first in firsts if first.isascii()]

    def is_of(self, path: Path) -> bool:
        """Return whether a file holds one of the words by itself, as a cell or a value: it is of that person or session."""
        return bool(self._profile.fullmatch(path.name.lower())) or any(map(self.in_cells, self._texts(path)))

    def mentions(self, path: Path) -> bool:
        """Return whether one of the words stands anywhere in a file or in its name."""
        return bool(self._pattern.search(name_key(path.stem))) or any(
            self._pattern.search(name_key(text)) for text in self._texts(path)
        )

    def in_cells(self, text: str) -> bool:
        """Return whether one of the words is a cell or a value in a text."""
        return any(name_key(cell) in self._keys for signs in (_SIGNS, f"{_SIGNS}'") for cell in re.split(f"[{signs}]", text))

    def _texts(self, path: Path) -> Iterator[str]:
        """Yield the texts of a file in which a word may stand, however its letters are kept.

        Raises
        ------
        RecordError
            If it cannot be looked into.
        """
        if path.name.endswith(_NO_TEXT):
            return
        try:
            for content in _blocks(path) if path.suffix == ".gz" else [read_bytes(path, _MOST_BYTES)]:
                yield from self._readings(content)
        except UnreadableError as error:
            if not error.missing:
                raise RecordError(
                    f"{path} cannot be looked into ({error}), so whether the name stands in it is not known."
                ) from error

    def _readings(self, content: bytes) -> Iterator[str]:
        if content.isascii() and b"\\u" not in content:  # mostly numbers: most files end here
            low = content.lower()
            if not any(first in low for first in self._firsts):
                return
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            yield content.decode("utf-16", "replace")
        text = content.decode("utf-8", "replace")
        yield _unescaped(text) if "\\u" in text else text
        if "\ufffd" in text:
            yield content.decode("cp1252", "replace")


_SIGNS = r'",;\t\r\n\0'
"""What stands between cells and around values."""


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield what a gzip file holds, in parts of whole lines, as far as it can be read."""
    part: list[str] = []
    for line in read_packed_lines(path, longest=10_000_000):
        part.append(line)
        if len(part) >= 1000:
            yield "\n".join(part).encode()
            part = []
    yield "\n".join(part).encode()


def _unescaped(text: str) -> str:
    return re.sub(r"(?:\\u[0-9a-fA-F]{4})+", lambda found: _letters(found[0]), text)


def _letters(escapes: str) -> str:
    try:
        return str(json.loads(f'"{escapes}"')).encode("utf-8", "replace").decode()
    except ValueError:
        return " "


def _names(folder: Path, search: _Search) -> bool:
    """Return whether a folder is of one of the words: it stands by itself in one of its files."""
    return any(search.is_of(path) for path in _files_in(folder))


def _files_in(folder: Path, deep: bool = True) -> Iterator[Path]:
    """Yield the files of a folder; raises RecordError if one cannot be listed."""

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise RecordError(
                f"{error.filename or folder} cannot be looked into ({error.strerror or error}); check who may read it."
            ) from error

    for place, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))
        if not deep:
            return


def _is_ours(path: Path) -> bool:
    """Return whether a file at the top of a data folder is one that rotrack made besides the tables."""
    name = path.name
    known = (INDEX, CHECKSUM, TABLE, READINGS)
    return name.startswith((CHANGED, KEPT_TABLE)) or (
        name not in known and name.startswith(known) and name.endswith((DRAFT, ".part"))
    )


def _clean(data: Path, search: _Search) -> None:
    """Take words out of what accidents left: drafts go, of kept tables the lines."""
    forget_index(data)
    for path in _files_in(data, deep=False):
        if path.name == LOG_LOCK or not _is_ours(path) or not search.is_of(path):
            continue
        if path.name.endswith((DRAFT, ".part")):
            _unlink(path)
            continue
        with explained(path):
            content = path.read_bytes()
            encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
            lines = content.decode(encoding, "surrogateescape").splitlines(keepends=True)
            kept = "".join(line for line in lines if not search.in_cells(line))
            replace({path: kept.encode(encoding, "surrogateescape")})
    for folder in (*session_folders(data), *_folders_in(people_folder(data))):
        for path in _files_in(folder):
            if path.name.endswith((DRAFT, ".damaged")) and search.is_of(path):
                _unlink(path)


def _folders_in(folder: Path) -> Collection[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else ()


def _files_with(data: Path, search: _Search) -> Iterator[Path]:
    """Yield the files of a data folder in which words still stand."""
    for path in _files_in(data):
        if search.mentions(path):
            yield path


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise RecordError(f"{path} cannot be deleted ({why}); close what shows it and try again.") from error
