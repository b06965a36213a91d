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
from typing import TYPE_CHECKING

from rotrack.calibration.choice import profiles_folder
from rotrack.core.errors import InputError, RecordError
from rotrack.records.changes import delete_folders
from rotrack.records.folders import HALVES, LOG_LOCK, being_written, locked, session_folders
from rotrack.records.legacy import MAY_LACK, TABLE, earlier_table
from rotrack.records.people import PERSON_FILE, Person, find_person, people_folder, read_people, remove_person
from rotrack.records.readings import FILE as READINGS
from rotrack.records.readings import count_readings_of, delete_readings_of
from rotrack.records.store import CHECKSUM, INDEX, forget_index, index_texts, read_all
from rotrack.records.table import CHANGED, refresh_table
from rotrack.records.takeover import KEPT_TABLE
from rotrack.system.files import ASKED_FOR, DAMAGED, DRAFT, explained, replace
from rotrack.system.imports import when_used
from rotrack.system.inputs import UnreadableError, name_key, read_bytes, read_packed_lines, table_of

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

_NO_TEXT = (".mp4", ".part.mp4", ".lock")
"""Files in which no name can stand."""
_MOST_BYTES = 400_000_000


_VALUE = r"""["']?\s*[:=]\s*(?:"((?:[^"\\\n]|\\.)*)|'([^'\n]*))"""
_NAMED, _CALLED = re.compile(rf"\bperson{_VALUE}"), re.compile(rf"\bname{_VALUE}")
"""Where a session or calibration, whole or not, says whose it is; where the record of a person does."""


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
    unknown : tuple of Path
        Folders of sessions that cannot be read, and in which no name stands: nobody knows whose they are.
    """

    sessions: int
    still: tuple[Path, ...] = ()
    unknown: tuple[Path, ...] = ()


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
    for lock, left_behind in HALVES:
        if (data / left_behind).exists():
            # Whose it is need not be known: nobody needs it.
            with suppress(filelock.Timeout), filelock.FileLock(data / lock, timeout=0):
                shutil.rmtree(data / left_behind, ignore_errors=True)
    for path in theirs.profiles:
        _unlink(path)
    if theirs.record:
        remove_person(data, theirs.record)
    for folder in theirs.records:
        _remove_tree(folder)
    search = _Search(theirs.spellings, theirs.others, ids)
    with locked(data):
        _clean(data, search)
    refresh_table(data)
    readable = {session.folder for session in read_all(data)[0]}
    unknown = tuple(folder for folder in session_folders(data) if folder not in readable and not being_written(folder))
    return Deleted(len(ids), tuple(_files_with(data, search)), unknown)


class _Theirs:
    """What belongs to a person in a data folder."""

    def __init__(self, data: Path, person: str) -> None:
        people, _ = read_people(data)
        self.record = find_person(people, person)
        self.spellings = tuple(dict.fromkeys([person, *((self.record.name, *self.record.spellings) if self.record else ())]))
        keys = {name_key(spelling) for spelling in self.spellings}
        others = {known.id for known in people if known is not self.record}
        sessions, _ = read_all(data)
        own = [
            session
            for session in sessions
            if (self.record and session.record.person_id == self.record.id)
            or (name_key(session.person) in keys and session.record.person_id not in others)
        ]
        names = {name for known in people if known is not self.record for name in (known.name, *known.spellings)}
        self.others = names | {session.person for session in sessions if session not in own}
        search = _Search(self.spellings, self.others)
        readable = {session.folder for session in sessions}
        rows = earlier_table(data).rows  # the table keeps those of a session that cannot be read
        named = {name for name, found in rows.items() if name_key(found[-1][1].get("person", "")) in keys}
        wrecks = [f for f in session_folders(data) if f not in readable and (f.name in named or search.is_of_any(f))]
        self.folders = (*(session.folder for session in own), *wrecks)
        self.repetitions = sum(len(session.rep_list) for session in own)
        self.profiles = tuple(path for path in _files_in(profiles_folder(data)) if search.is_profile_of(path))
        known_ids = {known.id for known in people}
        own_ids = {session.record.person_id for session in own}  # their record may be damaged
        unread = [folder for folder in _folders_in(people_folder(data)) if folder.name not in known_ids]
        self.records = [folder for folder in unread if folder.name in own_ids or search.is_of_any(folder)]
        drafts = [path for path in _files_in(data, deep=False) if _is_ours(path) and search.is_of(path)]
        half = [data / part for _, part in HALVES if search.is_of_any(data / part)]
        self.elsewhere = (*drafts, *half, *self.records)


class _Search:
    """Looks for a person in files, by names in every spelling that means the same.

    Parameters
    ----------
    names : iterable of str
        Names of the person.
    others : iterable of str
        Names of other people: where one of them stands, no name of the person stands, even if it is a part of it.
    ids : collection of str
        Sessions of the person, which are known in tables by these.
    """

    def __init__(self, names: Iterable[str], others: Iterable[str] = (), ids: Collection[str] = ()) -> None:
        names = list(names)
        self._ids = frozenset(ids)
        self._keys = {key for key in map(name_key, names) if key}
        slugs = {re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") for name in (*names, *self._keys)} - {""}
        self._profile = re.compile(rf"personal-(?:{'|'.join(slugs) or '(?!)'})-\d{{8}}-\d{{6}}.*")
        masked = {name_key(name) for name in others} - self._keys
        masked = {other for other in masked if any(key in other for key in self._keys)}
        self._others = re.compile("|".join(rf"(?<!\w){re.escape(other)}(?!\w)" for other in masked) or "(?!)")
        loose = "|".join(map(re.escape, {*self._keys, *(key.replace(" ", "-") for key in self._keys)}))
        self._pattern = re.compile(rf"(?<!\w)(?:{loose})(?!\w)")
        # A file of plain letters holds a name of plain letters only with the first of its words as it is.
        self._firsts = [first[0].encode() for key in self._keys if key.isascii() and (first := re.findall(r"[a-z0-9]+", key))]
        self._skips = all(not key.isascii() or re.search(r"[a-z0-9]", key) for key in self._keys)

    def is_of(self, path: Path) -> bool:
        """Return whether a file is of the person: it says so in the place where a file of its kind says it."""
        if ".json" in path.name:
            said = _CALLED if path.name.startswith(PERSON_FILE) else _NAMED
            return any(self._is_named(text, said) for text in self._texts(path))
        if path.name.startswith(_TABLES):
            try:
                return any(theirs for _, theirs in self.lines_of(_content(path)))
            except UnreadableError as error:
                raise _unseen(path, error) from error
        return False

    def is_of_any(self, folder: Path) -> bool:
        """Return whether one of the files in a folder is of the person."""
        return any(self.is_of(path) for path in _files_in(folder))

    def is_profile_of(self, path: Path) -> bool:
        """Return whether a file, or what somebody or an accident left of it, is a personal calibration of the person."""
        found = [self._is_named(text) for text in self._texts(path) if _NAMED.search(text)]
        return any(found) if found else bool(self._profile.fullmatch(path.name.lower()))

    def _is_named(self, text: str, said: re.Pattern[str] = _NAMED) -> bool:
        return any(name_key(_plain(found[1] or found[2] or "")) in self._keys for found in said.finditer(text))

    def lines_of(self, content: bytes) -> list[tuple[str, bool]]:
        """Return the lines of a table with their ends, and whether they are of the person; put together again by `_joined`."""
        table = table_of(content, may_lack=MAY_LACK)
        rows = dict(table.rows)

        def is_theirs(number: int, line: str) -> bool:
            row = rows.get(number)
            if row is None or "person" not in row:  # torn, or no table of repetitions: wherever the name stands
                return self._stands_in(line) or any(session_id in line for session_id in self._ids)
            return name_key(row["person"]) in self._keys or row.get("session_id", "") in self._ids

        lines = _LINE.findall(_decoded(content, table.encoding))
        return [(line, is_theirs(number, line)) for number, line in enumerate(lines, start=1)]

    def mentions(self, data: Path, path: Path) -> bool:
        """Return whether one of the names stands anywhere in a file of a data folder, or in what it or its folder is called."""
        parts = [re.sub(r"[-_.]+", " ", part) for part in path.relative_to(data).parts]
        return any(map(self._stands_in, parts)) or any(map(self._stands_in, self._texts(path)))

    def _stands_in(self, text: str) -> bool:
        readings = dict.fromkeys((text, _plain(text), text.replace('""', '"')))
        return any(self._pattern.search(self._others.sub(" ", name_key(reading))) for reading in readings)

    def _texts(self, path: Path) -> Iterator[str]:
        """Yield the texts of a file in which a word may stand, however its letters are kept.

        Raises
        ------
        RecordError
            If it cannot be looked into.
        """
        if path.name.endswith(_NO_TEXT):
            return
        if path.name == INDEX:
            yield from index_texts(_content(path))
            return
        if path.suffix != ".gz":
            yield from self._readings(_content(path))
            return
        try:
            for content in _blocks(path):
                yield from self._readings(content)
        except UnreadableError as error:
            raise _unseen(path, error) from error

    def _readings(self, content: bytes) -> Iterator[str]:
        if self._skips and content.isascii() and b"\\u" not in content and b"\0" not in content:  # most files end here
            low = content.lower()
            if not any(first in low for first in self._firsts):
                return
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            yield content.decode("utf-16", "replace")
        elif b"\0" in content:  # zeros of a power failure, or two bytes for each letter
            yield content.replace(b"\0", b"").decode("utf-8", "replace")
        text = content.decode("utf-8", "replace")
        yield text
        if "\ufffd" in text:
            yield content.decode("cp1252", "replace")


_TABLES = (TABLE, READINGS, CHANGED, Path(KEPT_TABLE).stem)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def _decoded(content: bytes, encoding: str) -> str:
    return content.decode(encoding, "replace" if encoding == "utf-16" else "surrogateescape")


def _joined(lines: Iterable[str], encoding: str) -> bytes:
    """Return lines as a file, to the byte where that can be done."""
    return "".join(lines).encode(encoding, "replace" if encoding == "utf-16" else "surrogateescape")


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, _MOST_BYTES)
    except UnreadableError as error:
        if error.missing:
            return b""
        raise _unseen(path, error) from error


def _unseen(path: Path, error: UnreadableError) -> RecordError:
    return RecordError(
        "{path} cannot be looked into ({why}), so whether the name stands in it is not known.", path=path, why=error
    )


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield what a gzip file holds, in parts of whole lines, as far as it can be read."""
    part: list[str] = []
    for line in read_packed_lines(path, longest=10_000_000):
        part.append(line)
        if len(part) >= 1000:
            yield "\n".join(part).encode()
            part = []
    yield "\n".join(part).encode()


def _plain(text: str) -> str:
    """Return a text without the escapes of JSON and TOML."""
    text = re.sub(r"(?:\\u[0-9a-fA-F]{4})+", lambda found: _letters(found[0]), text)
    return re.sub(r"\\(.)", r"\1", text)


def _letters(escapes: str) -> str:
    try:
        return str(json.loads(f'"{escapes}"')).encode("utf-8", "replace").decode()
    except ValueError:
        return " "


def _files_in(folder: Path, deep: bool = True) -> Iterator[Path]:
    """Yield the files of a folder; raises RecordError if one cannot be listed."""

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise RecordError(
                "{path} cannot be looked into ({why}); check who may read it.",
                path=error.filename or folder,
                why=error.strerror or error,
            ) from error

    for place, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))
        if not deep:
            return


def _is_ours(path: Path) -> bool:
    """Return whether a file at the top of a data folder is one that rotrack made besides the tables."""
    name = path.name
    if ASKED_FOR.fullmatch(name):
        return True
    known = (INDEX, CHECKSUM, TABLE, READINGS)
    return name.startswith((CHANGED, Path(KEPT_TABLE).stem)) or (
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
            content = _content(path)
            kept = [line for line, theirs in search.lines_of(content) if not theirs]
            replace({path: _joined(kept, table_of(content, may_lack=MAY_LACK).encoding)})
    for folder in (*session_folders(data), *_folders_in(people_folder(data))):
        for path in _files_in(folder):
            if path.name.endswith((DRAFT, DAMAGED)) and search.is_of(path):
                _unlink(path)


def _folders_in(folder: Path) -> Collection[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else ()


def _files_with(data: Path, search: _Search) -> Iterator[Path]:
    """Yield the files of a data folder in which words still stand."""
    for path in _files_in(data):
        if search.mentions(data, path):
            yield path


def _remove_tree(folder: Path) -> None:
    for path in sorted(_files_in(folder), reverse=True):
        _unlink(path)
    with suppress(OSError):
        shutil.rmtree(folder)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise RecordError("{path} cannot be deleted ({why}); close what shows it and try again.", path=path, why=why) from error
