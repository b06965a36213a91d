"""Sessions in one file, from one computer to another: made at home, taken in at the practice, or the other way round.

The file is a ZIP of a data folder with the sessions and their people, without videos. What comes in such a file is not trusted:
only files that rotrack writes are unpacked, each no larger than it may be, and then merged as any other folder is.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rotrack.core.errors import InputError
from rotrack.records.folders import sessions_folder
from rotrack.records.landmarks import CURVE, LANDMARKS, LEGS_READ
from rotrack.records.people import PERSON_FILE, people_folder, person_folder, read_people
from rotrack.records.record import SESSION_FILE
from rotrack.records.repetitions import REPETITIONS
from rotrack.records.session import Session
from rotrack.system.files import explained, make_folder, replace
from rotrack.system.inputs import MOST_JSON_BYTES, MOST_PERSON_BYTES, MOST_SESSION_TABLE_BYTES

ENDING = ".zip"
MOST_LANDMARK_BYTES = 100_000_000
MOST_FILES, MOST_BYTES = 20_000, 2_000_000_000
"""Most files and most bytes that are unpacked from one parcel."""
_OF_SESSION = {
    SESSION_FILE: MOST_JSON_BYTES,
    REPETITIONS: MOST_SESSION_TABLE_BYTES,
    CURVE: MOST_LANDMARK_BYTES,
    LANDMARKS: MOST_LANDMARK_BYTES,
    LEGS_READ: MOST_LANDMARK_BYTES,
}
"""Files of a session that travel, and the most bytes that each may have."""
_OF_PERSON = {PERSON_FILE: MOST_PERSON_BYTES}
_BLOCK_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


def packed(data: Path, sessions: Sequence[Session]) -> bytes:
    """Return the file that takes sessions, with what is known of their people, to another computer.

    Raises
    ------
    RecordError
        If a file of a session cannot be read.
    """
    ids = {session.record.person_id for session in sessions}
    people = [person for person in read_people(data)[0] if person.id in ids]
    folders = {f"sessions/{session.folder.name}": session.folder for session in sessions}
    folders |= {f"people/{person.id}": person_folder(data, person) for person in people}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as parcel:
        for place, folder in folders.items():
            for name in (*_OF_SESSION, *_OF_PERSON):
                with explained(folder / name):
                    if (folder / name).is_file():
                        parcel.write(folder / name, f"{place}/{name}")
    return content.getvalue()


def is_parcel(path: Path) -> bool:
    """Return whether a file claims to be a parcel of sessions."""
    return path.suffix.lower() == ENDING


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the data folder that a parcel holds, in a place of its own that is gone afterwards.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, holds no sessions of rotrack, or is too large.
    """
    with tempfile.TemporaryDirectory(prefix="rotrack-") as place:
        data = Path(place)
        try:
            with zipfile.ZipFile(path) as parcel:
                found = [(info, most) for info in parcel.infolist() if (most := _most_bytes(info.filename))]
                if len(found) > MOST_FILES:
                    raise InputError(
                        "{name} holds more files than rotrack would have written; nothing of it was taken in.", name=path.name
                    )
                left = MOST_BYTES
                for info, most in found:
                    content = _read(parcel, info, min(most, left), path.name)
                    left -= len(content)
                    target = data / info.filename
                    with explained(target):
                        make_folder(target.parent)
                        replace({target: content}, durable=False)
        except FileNotFoundError as error:
            raise InputError("There is no file {path}; check the path.", path=path) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise InputError(
                "{name} is damaged or not a file of sessions; ask for it to be sent again.", name=path.name
            ) from error
        except OSError as error:
            raise InputError(
                "{path} cannot be read ({why}); check who may read it.", path=path, why=error.strerror or error
            ) from error
        if not (sessions_folder(data).is_dir() or people_folder(data).is_dir()):
            raise InputError(
                "{name} holds no sessions of rotrack; `rotrack export --format sessions --to FILE{ending}` writes such a file.",
                name=path.name,
                ending=ENDING,
            )
        yield data


def _most_bytes(name: str) -> int:
    """Return how large a file of a parcel may be; 0 if rotrack would not have put it there."""
    place, _, rest = name.partition("/")
    folder, _, file = rest.partition("/")
    if not _NAME.fullmatch(folder):
        return 0
    return {"sessions": _OF_SESSION, "people": _OF_PERSON}.get(place, {}).get(file, 0)


def _read(parcel: zipfile.ZipFile, info: zipfile.ZipInfo, most_bytes: int, name: str) -> bytes:
    """Return what a file of a parcel holds, which may be more than it says."""
    content = bytearray()
    with parcel.open(info) as file:
        while block := file.read(_BLOCK_BYTES):
            content += block
            if len(content) > most_bytes:
                raise InputError(
                    "{file} in {name} is larger than rotrack would have written; nothing was taken in.",
                    file=info.filename,
                    name=name,
                )
    return bytes(content)
