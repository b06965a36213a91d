"""Deleting a person: afterwards nothing in the whole folder holds the name, and nobody else has lost anything.

The search here shares nothing with the program's own.
"""

import gzip
import json
import re
import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import FIXTURES, FOUR, a_record, a_step, cut_off_session, everything, log_session, run_main
from made_sessions import begun

from rotrack.core.errors import InputError, RecordError
from rotrack.people import erasure
from rotrack.people.erasure import delete_person, stored_of
from rotrack.people.everything import delete_everything, export_everything
from rotrack.records.changes import describe_session
from rotrack.records.people import find_person, known_or_new, read_people
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table
from rotrack.records.writer import SessionWriter
from rotrack.system.inputs import read_table

NAME = "Zaphod Quux"
OTHER = "Ana Base"
READING = "2026-01-0{day},{name},seated-combined,left,internal,30,goniometer,,\r\n"
PROFILE = """kind = "personal"
version = 1
made = 2026-11-01 10:10:10+01:00
camera = "x"
size_px = [640, 480]
person = "{name}"
measure = "foot"
convention_version = "2"
measured_with = "none"

[left]
gain = 1.1
zero_deg = 0.0
residual_deg = 1.0
"""


# ---------------------------------------------------------------------- the search
def folded(text: str) -> str:
    """Return the letters of a text, whatever their form and case and what stands between them."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if sign.isalnum())


def texts_of(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content += zlib.decompressobj(wbits=31).decompress(content)  # as far as it goes
    for encoding in ("utf-8", "cp1252", "utf-16-le", "utf-16-be", "mac-roman"):
        yield content.decode(encoding, "ignore")
        yield content[1:].decode(encoding, "ignore")


def holding(data: Path, name: str = NAME) -> list[str]:
    """Return what in a folder holds a name, in its own name or inside."""
    found = []
    for path in sorted(data.rglob("*")):
        texts = [path.name, *(texts_of(path) if path.is_file() else ())]
        if any(folded(name) in folded(text) for text in texts):
            found.append(path.relative_to(data).as_posix())
    return found


def test_the_search_of_this_test_finds_a_name_however_it_is_kept(tmp_path: Path) -> None:
    kept = {
        "utf8": "x,Jürgen Ö,y".encode(),
        "nfd": unicodedata.normalize("NFD", "Jürgen Ö").encode(),
        "windows": "Jürgen Ö".encode("cp1252"),
        "utf16": "JÜRGEN  Ö".encode("utf-16"),
        "json": b'"J\\u00fcrgen \\u00d6"',
        "packed.gz": gzip.compress("jürgen\tö".encode()),
        "Jürgen-Ö.toml": b"",
    }
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "nobody").write_text("Jorgen O")
    assert holding(tmp_path, "Jürgen Ö") == sorted(kept)


# ---------------------------------------------------------------------- the folder
def cell(text: str) -> str:
    """Return a cell of a table as a spreadsheet writes it."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text


def filled(data: Path, name: str = NAME) -> Path:
    """Fill a data folder: two sessions of the person and two of another, readings and personal calibrations of both."""
    for day, person in enumerate((name, OTHER, name, OTHER), start=1):
        log_session(data, day, person=person)
    (data / "readings.csv").write_bytes(
        b"\xef\xbb\xbftaken_at,person,drill,side,direction,value_deg,instrument,rater,note\r\n"
        + "".join(
            READING.format(day=day, name='"' + who.replace('"', '""') + '"' if set(who) & set(',"') else who)
            for day, who in enumerate((name, OTHER, name), start=1)
        ).encode()
    )
    (data / "calibration").mkdir()
    for who in (name, OTHER):
        slug = re.sub(r"[^a-z0-9]+", "-", who.lower()).strip("-")
        path = data / "calibration" / f"personal-{slug}-20261101-101010.toml"
        path.write_text(PROFILE.format(name=json.dumps(who, ensure_ascii=False)[1:-1]), "utf-8")
    read_sessions(data)
    return data


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("once"))


@pytest.fixture
def data(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "data"))


def session(data: Path, day: int = 1) -> Path:
    (found,) = (data / "sessions").glob(f"2026010{day}-*")
    return found


def profile(data: Path) -> Path:
    (found,) = (data / "calibration").glob("personal-zaphod*")
    return found


def theirs(data: Path) -> dict[str, bytes]:
    """Return what belongs to the other person."""
    own = [*(session(data, day).name for day in (2, 4)), "personal-ana-base-20261101-101010"]
    return {path: content for path, content in everything(data).items() if any(name in path for name in own)}


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def killed_at_start(data: Path) -> None:
    folder = data / "sessions" / "20260109-080000-seated-internal-0009"
    folder.mkdir()
    shutil.copy(session(data) / "session.json", folder / "session.json.tmp")
    (folder / "writing.lock").touch()


def measured_again(data: Path) -> None:
    log_session(data, 7, person=NAME, remeasured_from=session(data).name)


def from_a_killed_rename(data: Path) -> None:
    person = find_person(read_people(data)[0], NAME)
    assert person is not None
    path = data / "people" / person.id / "person.json"
    shutil.copy(path, path.with_name("person.json.tmp"))


def damaged_record(data: Path) -> None:
    (path,) = (path for path in data.glob("people/*/person.json") if NAME.encode() in path.read_bytes())
    edit(path, lambda content: content[: content.index(NAME.encode()) + len(NAME) + 1])


def kept_by_hand(data: Path) -> None:
    edit(data / "reps.csv", lambda content: content.replace(b"30.00", b"99.00"))
    assert refresh_table(data)


def kept_by_hand_in_german(data: Path) -> None:
    edit(data / "reps.csv", lambda content: content.decode("utf-8-sig").replace(",", ";").encode("utf-16"))
    assert refresh_table(data)


STATES: dict[str, Callable[[Path], Any]] = {
    "plain": lambda data: None,
    "drafts of a killed note": lambda data: (
        shutil.copy(data / "reps.csv", data / "reps.csv.tmp"),
        shutil.copy(session(data) / "session.json", session(data) / "session.json.tmp"),
    ),
    "draft of a killed import": lambda data: shutil.copy(data / "readings.csv", data / "readings.csv.tmp"),
    "draft of a kept table": lambda data: shutil.copy(data / "reps.csv", data / "reps changed by hand 2026.csv.tmp"),
    "draft of a killed rename": from_a_killed_rename,
    "a session killed at its start": killed_at_start,
    "a session that was cut off": lambda data: cut_off_session(data, 8, person=NAME),
    "session.json cut off": lambda data: edit(session(data) / "session.json", lambda content: content[:500]),
    "session.json cut off within the name": lambda data: edit(
        session(data) / "session.json", lambda content: content[: content.index(b"Zaphod") + len(NAME)]
    ),
    "session.json behind zeros": lambda data: edit(session(data) / "session.json", lambda content: bytes(60) + content[60:]),
    "session.json of another type": lambda data: edit(
        session(data) / "session.json", lambda content: content.replace(b'"frames": 0', b'"frames": "x"')
    ),
    "session.json that says nothing": lambda data: (session(data) / "session.json").write_bytes(b"[]"),
    "session.json lost": lambda data: (session(data) / "session.json").unlink(),
    "repetitions lost": lambda data: (session(data) / "repetitions.csv").unlink(),
    "a session that was repaired": lambda data: shutil.copy(
        session(data) / "session.json", session(data) / "session.json.damaged"
    ),
    "a folder copied by hand": lambda data: shutil.copytree(session(data), data / "sessions" / "copy of it"),
    "the last row torn behind the name": lambda data: edit(
        data / "reps.csv", lambda content: content[: content.rindex(NAME.encode()) + len(NAME) + 3]
    ),
    "a row torn within quotes": lambda data: edit(data / "reps.csv", lambda content: content + b'"unclosed,' + NAME.encode()),
    "saved by American Excel": lambda data: edit(data / "reps.csv", lambda content: content.replace(b",true,", b",TRUE,")),
    "saved by German Excel": lambda data: edit(data / "reps.csv", lambda content: content.replace(b",", b";")),
    "a table changed by hand": kept_by_hand,
    "a table kept in UTF-16": kept_by_hand_in_german,
    "an empty table": lambda data: (data / "reps.csv").write_bytes(b""),
    "no table": lambda data: (data / "reps.csv").unlink(),
    "no checksum": lambda data: (data / "reps.csv.checksum").unlink(),
    "no index": lambda data: (data / "index.msgpack").unlink(),
    "a draft of the index": lambda data: shutil.copy(data / "index.msgpack", data / "index.msgpack.tmp"),
    "no record of the person": lambda data: shutil.rmtree(data / "people"),
    "a damaged record of the person": lambda data: damaged_record(data),
    "typed in small letters": lambda data: log_session(data, 7, person="zaphod quux"),
    "typed with two blanks": lambda data: log_session(data, 7, person=" Zaphod  Quux "),
    "typed with a hard blank": lambda data: log_session(data, 7, person="Zaphod\u00a0Quux"),
    "readings in capitals": lambda data: edit(
        data / "readings.csv", lambda content: content.replace(NAME.encode(), b"ZAPHOD QUUX")
    ),
    "a torn line of readings": lambda data: edit(data / "readings.csv", lambda content: content.rstrip()[:-12]),
    "a damaged calibration": lambda data: edit(profile(data), lambda content: content.replace(b"[left]", b"[left")),
    "backups of a calibration": lambda data: (
        shutil.copy(profile(data), data / "calibration" / "x.toml.bak"),
        shutil.copy(profile(data), profile(data).with_suffix(".toml~")),
    ),
    "half a calibration": lambda data: shutil.copy(profile(data), data / "calibration" / "x.part"),
    "a calibration without contents": lambda data: profile(data).write_bytes(b""),
    "measured again": measured_again,
    "a drawn curve": lambda data: (session(data) / "plot.html").write_text(f"<p>{NAME}</p>"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_a_person_is_left_and_nothing_of_others_is_lost(data: Path, state: str) -> None:
    STATES[state](data)
    others = theirs(data)
    rows = [row for _, row in read_table(once_table(data)).rows if row["person"] == OTHER]
    deleted = delete_person(data, NAME)
    assert holding(data) == []
    assert deleted.still == ()
    assert theirs(data) == others
    assert [row for _, row in read_table(data / "reps.csv").rows] == rows
    assert [s.person for s in read_sessions(data)[0]] == [OTHER] * 2
    assert READING.format(day=2, name=OTHER).encode() in (data / "readings.csv").read_bytes()
    assert not stored_of(data, NAME).anything
    assert delete_person(data, NAME).sessions == 0


def once_table(data: Path) -> Path:
    """Return a table of the folder as it should be, however the one in it was spoiled."""
    copy = data.with_name("copy")
    shutil.copytree(data, copy)
    refresh_table(copy)
    return copy / "reps.csv"


@pytest.mark.parametrize(
    "name", ["25_columns", "27_columns", "30_columns", "32_columns", "25_columns_table_only", "32_columns_table_only"]
)
@pytest.mark.parametrize("person", ["Ana Base", "Jürgen Ö"])
def test_a_folder_of_an_earlier_version_forgets_a_person(tmp_path: Path, name: str, person: str) -> None:
    data = Path(shutil.copytree(FIXTURES / "logs" / name, tmp_path / "data"))
    others = [s.id for s in read_sessions(data)[0] if s.person != person]
    typed = unicodedata.normalize("NFD", person).upper()
    delete_person(data, typed)
    assert holding(data, person) == []
    assert [s.id for s in read_sessions(data)[0]] == others


@pytest.mark.parametrize(
    "sheet", ["excel_de.csv", "excel_us.csv", "libreoffice_utf16.csv", "libreoffice_de_read_as_german.csv", "torn_last_row.csv"]
)
def test_an_old_table_that_was_kept_forgets_a_person(tmp_path: Path, sheet: str) -> None:
    """Also with letters as Windows keeps them, and rows that nobody could read."""
    content = (FIXTURES / "spreadsheets" / sheet).read_bytes()
    encoding = "utf-16" if sheet == "libreoffice_utf16.csv" else "cp1252" if sheet.startswith("excel") else "utf-8"
    (tmp_path / "reps.csv").write_bytes(content.decode(encoding).replace("Alex Sample (made up)", "Jürgen Ö").encode(encoding))
    delete_person(tmp_path, "Jürgen Ö")
    assert holding(tmp_path, "Jürgen Ö") == []


@pytest.mark.parametrize("name", ['Ann "Speedy" O\'Neil', "Quux, Zaphod", "Jürgen Ö", "=Zaphod", "Q", "山田 太郎", "back\\slash"])
def test_people_with_odd_names_are_forgotten_too(tmp_path: Path, name: str) -> None:
    data = filled(tmp_path / "data", name)
    edit(session(data, 1) / "session.json", lambda content: content[:600])
    kept_by_hand(data)
    others = theirs(data)
    assert delete_person(data, name).still == ()
    assert folded(name) == "q" or holding(data, name) == []
    assert theirs(data) == others
    assert len(list((data / "sessions").iterdir())) == 2
    assert [row["person"] for _, row in read_table(next(data.glob("reps changed*"))).rows] == [OTHER] * 8


# ---------------------------------------------------------------------- what is left is named
def test_a_file_that_rotrack_does_not_know_is_named(data: Path) -> None:
    (data / "history.csv").write_text(f"a,{NAME},b")
    (data / f"report_{NAME.replace(' ', '_')}.html").write_text("<p>")
    (data / "old" / "backup").mkdir(parents=True)
    shutil.copy(data / "reps.csv", data / "old" / "backup" / "table.txt")
    describe_session(data, session(data, 2).name, note=f"with {NAME}")
    deleted = delete_person(data, NAME)
    named = {path.relative_to(data).as_posix() for path in deleted.still}
    assert named == {path for path in holding(data) if (data / path).is_file()}
    assert {"history.csv", "old/backup/table.txt", f"sessions/{session(data, 2).name}/session.json"} <= named


def test_what_cannot_be_looked_into_is_not_taken_for_clean(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, most: int) -> bytes:
        if path.name == "session.json" and path.parent == session(data, 2):
            raise erasure.UnreadableError("Permission denied")
        return real(path, most)

    real = erasure.read_bytes
    monkeypatch.setattr(erasure, "read_bytes", refused)
    with pytest.raises(RecordError, match="Permission denied"):
        delete_person(data, NAME)


def test_nothing_is_deleted_while_the_person_is_measured(data: Path) -> None:
    with SessionWriter(data, a_record(9, person=NAME)) as writer:
        writer.append(a_step((FOUR[0],)))
        before = everything(data)
        with pytest.raises(RecordError, match="is being measured right now"):
            delete_person(data, NAME)
        after = everything(data)
    assert {path for path in before if path not in after} == set()


def test_without_a_name_nobody_is_deleted(data: Path) -> None:
    refresh_table(data)
    before = everything(data)
    for nobody in ("", "  ", "\u200b"):
        with pytest.raises(InputError, match="Say whom"):
            delete_person(data, nobody)
    assert delete_person(data, "Nobody Known").sessions == 0
    assert {**everything(data), "index.msgpack": b""} == {**before, "index.msgpack": b""}
    assert delete_person(data / "nowhere", NAME).sessions == 0


def test_what_is_stored_is_told_before(data: Path) -> None:
    killed_at_start(data)
    stored = stored_of(data, "ZAPHOD quux")
    assert [folder.name[:8] for folder in stored.sessions] == ["20260101", "20260103", "20260109"]
    assert (stored.rows, stored.readings, len(stored.profiles)) == (8, 2, 1)
    assert stored.person is not None


# ---------------------------------------------------------------------- people whose names are alike
def alike(data: Path) -> None:
    """Fill a folder with people whose names hold the one that is deleted."""
    for day, person in enumerate(("Ana", "Ana Base", "Müller, Ana", "Ana-Maria", "Joana", "Ben", "Ana 'Speedy' Neil"), start=1):
        log_session(data, day, person=person, note="Ana" if person == "Ben" else "")


def test_another_person_whose_name_holds_the_deleted_one_loses_nothing(tmp_path: Path) -> None:
    alike(tmp_path)
    kept_by_hand(tmp_path)
    for day in range(2, 8):  # wrecks, of which only the text can tell whose they are
        edit(session(tmp_path, day) / "session.json", lambda content: content[: content.index(b'"settings"')])
    for who in ("ana", "ana-base"):
        (tmp_path / "calibration").mkdir(exist_ok=True)
        path = tmp_path / "calibration" / f"personal-{who}-20261101-101010.toml"
        path.write_text(PROFILE.format(name=who.replace("-", " ").title()))
    before = everything(tmp_path)
    delete_person(tmp_path, "Ana")
    after = everything(tmp_path)
    gone = {path for path in before if path not in after}
    assert {path.split("/")[1] for path in gone if path.startswith("sessions/")} == {"20260101-080000-seated-internal-0001"}
    assert "calibration/personal-ana-base-20261101-101010.toml" in after
    assert "calibration/personal-ana-20261101-101010.toml" in gone
    (kept,) = tmp_path.glob("reps changed by hand*")
    people = {row["person"] for _, row in read_table(kept).rows}
    assert people == {"Ana Base", "Müller, Ana", "Ana-Maria", "Joana", "Ben", "Ana 'Speedy' Neil"}


def test_of_names_that_are_alike_only_notes_are_named(tmp_path: Path) -> None:
    alike(tmp_path)
    deleted = delete_person(tmp_path, "Ana")
    assert {path.parent.name[:8] for path in deleted.still if path.name == "session.json"} == {"20260106"}, "the note of Ben"


def test_a_calibration_of_somebody_whose_file_name_is_the_same_stays(tmp_path: Path) -> None:
    """Letters that file names lack: Jörgen and Jürgen look alike there."""
    log_session(tmp_path, 1, person="Jürgen")
    log_session(tmp_path, 2, person="Jörgen")
    (tmp_path / "calibration").mkdir()
    paths = [tmp_path / "calibration" / f"personal-j-rgen-2026110{day}-101010.toml" for day in (1, 2)]
    for path, name in zip(paths, ("Jürgen", "Jörgen"), strict=True):
        path.write_text(PROFILE.format(name=name), "utf-8")
    delete_person(tmp_path, "Jürgen")
    assert [path.exists() for path in paths] == [False, True]


def test_rows_of_a_session_that_the_person_got_under_an_id_of_theirs_stay_with_others(tmp_path: Path) -> None:
    """Two people of one name are told apart by their ids."""
    for day in (1, 2):
        log_session(tmp_path, day, person="Ana")
    (person,) = read_people(tmp_path)[0]
    other = log_session(tmp_path, 3, person="Ana", person_id="p-other")
    delete_person(tmp_path, person.id)
    assert not list((tmp_path / "people").glob(person.id))
    assert other.exists() == (find_person(read_people(tmp_path)[0], "p-other") is not None)


def test_a_damaged_record_goes_with_the_sessions_that_refer_to_it(tmp_path: Path) -> None:
    log_session(tmp_path, 1, person="Ana")
    (folder,) = (tmp_path / "people").iterdir()
    (folder / "person.json").write_bytes(b"{")
    delete_person(tmp_path, "Ana")
    assert not folder.exists()


# ---------------------------------------------------------------------- all of it
def test_everything_is_taken_along_and_read_in_elsewhere(tmp_path: Path, monkeypatch, capfd) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    log_session(data, 1)
    (data / "mine.txt").write_text("not rotrack's", "utf-8")
    with (tmp_path / "all.zip").open("wb") as file:
        count = export_everything(data, file)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    assert len(names) == count and all(name.startswith("rotrack/") for name in names)
    assert not [name for name in names if name.endswith((".lock", "page.key", "mine.txt"))]
    assert run_main(monkeypatch, capfd, "import", str(tmp_path / "rotrack"), "--out", str(other)).code == 0
    assert [session.id for session in read_sessions(other)[0]] == [session.id for session in read_sessions(data)[0]]


def test_everything_is_deleted_but_what_rotrack_did_not_write(tmp_path: Path, monkeypatch, capfd) -> None:
    log_session(tmp_path, 1)
    known_or_new(tmp_path, "Ana")
    (tmp_path / "mine.txt").write_text("stays", "utf-8")
    (tmp_path / "page.key").write_text("stays", "utf-8")
    assert run_main(monkeypatch, capfd, "delete", "--everything", "--yes", "--out", str(tmp_path)).code == 0
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"mine.txt", "page.key", "reps.csv.lock"} and {"mine.txt", "page.key"} <= left
    assert read_sessions(tmp_path) == ([], []) and read_people(tmp_path) == ([], [])


def test_nothing_is_deleted_while_a_session_is_measured(tmp_path: Path) -> None:
    with begun(tmp_path, 1), pytest.raises(RecordError, match="is being measured"):
        delete_everything(tmp_path)
    assert len(read_sessions(tmp_path)[0]) == 1
