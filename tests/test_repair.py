"""What `doctor --repair` finds in a data folder and puts right; nothing that was measured goes."""

import gzip
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from filelock import FileLock
from helpers import FIXTURES, FOUR, a_record, a_step, cut_off_session, everything, log_session

from rotrack.core.model import Side
from rotrack.records.landmarks import read_curve, read_poses
from rotrack.records.people import Person, new_person, read_people, write_person
from rotrack.records.record import Status, read_record
from rotrack.records.repair import examine, repair
from rotrack.records.repetitions import REPETITIONS, read_repetitions
from rotrack.records.session import INTERRUPTED
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table
from rotrack.records.writer import SessionWriter

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def repaired(data: Path) -> list[tuple[str, bool]]:
    """Repair, and return what became of each fault."""
    return [(done.fault.what + " " + done.done, done.mended) for done in repair(data, ManualClock())[0]]


def only_one(data: Path) -> str:
    """Repair what has one fault; return what is said of it."""
    ((said, mended),) = repaired(data)
    assert mended
    assert repaired(data) == [], "a second repair finds nothing"
    return said


def measured(folder: Path) -> set[bytes]:
    """Return every row that was measured, in whatever file of a folder it stands."""
    rows = {row for path in folder.rglob("*.csv*") if path.suffix != ".gz" for row in path.read_bytes().split(b"\r\n")}
    return {row for row in rows if row[:1].isdigit() or row.startswith((b"left", b"right"))}


# ---------------------------------------------------------------------- nothing wrong
def test_in_a_sound_folder_nothing_is_found_or_changed(tmp_path: Path) -> None:
    for day in (1, 2):
        log_session(tmp_path, day)
    refresh_table(tmp_path)
    before = everything(tmp_path)
    assert list(examine(tmp_path)) == []
    assert repaired(tmp_path) == []
    after = everything(tmp_path)
    assert {path: c for path, c in after.items() if path != "index.msgpack"} == {
        path: c for path, c in before.items() if path != "index.msgpack"
    }


def test_where_there_is_no_folder_nothing_is_wrong(tmp_path: Path) -> None:
    assert list(examine(tmp_path / "nowhere")) == []
    assert repaired(tmp_path / "nowhere") == []
    assert not (tmp_path / "nowhere").exists()


@posix
@pytest.mark.parametrize("columns", [25, 32])
def test_an_old_folder_is_taken_over_first(tmp_path: Path, columns: int) -> None:
    data = Path(shutil.copytree(FIXTURES / "logs" / f"{columns}_columns", tmp_path / "data"))
    data.chmod(0o755)
    said = " ".join(what for what, mended in repaired(data) if mended)
    assert "was cut off" in said
    assert "Other users of this computer" in said
    assert repaired(data) == []
    cut = [s for s in read_sessions(data)[0] if s.record.status is Status.INTERRUPTED]
    assert [len(s.rep_list) for s in cut] == [2]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    cut_off_session(tmp_path, 1)
    (tmp_path / "reps.csv.tmp").touch(0o600)
    (tmp_path / "sessions" / "20260105-080000-seated-internal-0005").mkdir(0o700)
    read_sessions(tmp_path)
    before = everything(tmp_path)
    assert len(list(examine(tmp_path))) == 3
    assert everything(tmp_path) == before


# ---------------------------------------------------------------------- orphans
@pytest.mark.parametrize("what", ["empty", "lock", "headers"])
def test_a_folder_in_which_nothing_was_measured_goes(tmp_path: Path, what: str) -> None:
    folder = log_session(tmp_path, 1, ())
    (folder / "session.json").unlink()
    if what != "headers":
        for path in folder.iterdir():
            path.unlink()
    if what == "lock":
        (folder / "writing.lock").touch(0o600)
    assert "Nothing was measured in it" in only_one(tmp_path)
    assert not folder.exists()


@pytest.mark.parametrize("left", ["repetitions", "landmarks", "curve"])
def test_an_orphan_with_something_measured_gets_a_record(tmp_path: Path, left: str) -> None:
    folder = log_session(tmp_path, 1, FOUR if left == "repetitions" else ())
    (folder / "session.json").unlink()
    if left == "landmarks":
        with SessionWriter(tmp_path / "more", a_record(1)) as writer:
            writer.append(a_step())
        shutil.copy(writer.folder / "landmarks.csv.gz", folder)
        (folder / REPETITIONS).unlink()
    if left == "curve":
        with (folder / "angles.csv").open("ab") as file:
            file.write(b"0.1,left,1,1,1,1,1,1,1,1,1,1,0,\r\n")
    before = measured(folder)
    only_one(tmp_path)
    (session,) = read_sessions(tmp_path)[0]
    assert (session.id, session.record.drill, session.record.status) == (folder.name, "seated-internal", Status.INTERRUPTED)
    assert session.record.started.startswith("2026-01-01T08:00:00")
    assert [rep.rep for rep in session.rep_list] == ([1, 2, 3, 4] if left == "repetitions" else [])
    assert measured(folder) >= before


def test_an_orphan_gets_the_record_of_its_draft(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, note="slow")
    (folder / "session.json").rename(folder / "session.json.tmp")
    only_one(tmp_path)
    record = read_record(folder)
    assert (record.person, record.note, record.status) == ("Ana", "slow", Status.FINISHED)
    assert not (folder / "session.json.tmp").exists()


def test_an_orphan_that_says_nothing_of_itself_is_left_as_it_is(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / "session.json").unlink()
    odd = folder.rename(folder.with_name("holiday"))
    before = everything(odd)
    ((said, mended),) = repaired(tmp_path)
    assert not mended
    assert "cannot be found out" in said
    assert everything(odd) == before


def test_a_folder_with_something_that_rotrack_does_not_know_stays(tmp_path: Path) -> None:
    folder = tmp_path / "sessions" / "20260101-080000-seated-internal-0001"
    folder.mkdir(0o700, parents=True)
    (tmp_path / "sessions").chmod(0o700)
    (folder / "letter.txt").write_text("dear")
    (folder / "letter.txt").chmod(0o600)
    (folder / "inner").mkdir(0o700)
    tmp_path.chmod(0o700)
    ((said, mended),) = repaired(tmp_path)
    assert not mended
    assert "does not know what is in it" in said
    assert (folder / "letter.txt").exists()


def test_a_folder_in_a_folder_is_not_nothing(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, ())
    (folder / "session.json").unlink()
    (folder / "photos").mkdir(0o700)
    (folder / "photos" / "knee.jpg").write_bytes(b"picture")
    (folder / "photos" / "knee.jpg").chmod(0o600)
    repaired(tmp_path)
    assert (folder / "photos" / "knee.jpg").exists()


# ---------------------------------------------------------------------- cut off
def test_a_session_that_was_cut_off_gets_its_end(tmp_path: Path) -> None:
    folder = cut_off_session(tmp_path, 1)
    for name in (REPETITIONS, "angles.csv"):
        path = folder / name
        path.write_bytes(path.read_bytes() + b"left,internal,5,tr")
    for name in ("landmarks.csv.gz",):
        path = folder / name
        path.write_bytes(path.read_bytes()[:-6])
    poses, reps = len(list(read_poses(folder))), read_repetitions(folder)[0]
    assert "is marked as interrupted" in only_one(tmp_path)
    record = read_record(folder)
    assert (record.status, record.warnings) == (Status.INTERRUPTED, (INTERRUPTED,))
    assert repr(read_repetitions(folder)[0]) == repr(reps)
    assert (folder / REPETITIONS).read_bytes().endswith(b"\r\n")
    assert len(list(read_poses(folder))) == poses > 0
    assert gzip.decompress((folder / "landmarks.csv.gz").read_bytes()).endswith(b"\r\n")
    assert read_curve(folder).empty
    (session,) = read_sessions(tmp_path)[0]
    assert session.record.warnings.count(INTERRUPTED) == 1


def test_a_damaged_row_in_the_midst_of_a_cut_off_table_is_not_thrown_away(tmp_path: Path) -> None:
    folder = cut_off_session(tmp_path, 1)
    path = folder / REPETITIONS
    path.write_bytes(path.read_bytes().replace(b"34.0", b"34.x", 1) + b"left,internal,5,tr")
    before = measured(folder)
    repaired(tmp_path)
    assert {row for row in before if row.endswith(b"false")} <= measured(folder)


def test_a_session_that_is_being_measured_is_left_alone(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        writer.append(a_step((FOUR[0],)))
        (writer.folder / "session.json.tmp").touch(0o600)
        before = everything(writer.folder)
        assert list(examine(tmp_path)) == []
        assert repaired(tmp_path) == []
        assert everything(writer.folder) == before


# ---------------------------------------------------------------------- damaged files
def broken(field: str, value: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps(json.loads(content) | {field: value}).encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "number": broken("load_kg", "heavy"),
    "settings": broken("settings", {"correct": "yes"}),
    "no leg": broken("sides", []),
    "no id": lambda content: content.replace(b'"session_id"', b'"sesion_id"'),
    "cut off": lambda content: content[:400],
    "zeros": lambda content: bytes(len(content)),
    "list": lambda content: b"[]",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_made_again_from_itself_and_from_the_table(tmp_path: Path, damage: str) -> None:
    folder = log_session(tmp_path, 1, note="slow", band="red")
    path = folder / "session.json"
    path.write_bytes(damaged := DAMAGES[damage](path.read_bytes()))
    reps = everything(folder)[REPETITIONS]
    refresh_table(tmp_path)
    only_one(tmp_path)
    assert (folder / "session.json.damaged").read_bytes() == damaged
    record = read_record(folder)
    assert (record.session_id, record.drill, bool(record.sides)) == (folder.name, "seated-internal", True)
    assert (record.person, record.note, record.band) == ("Ana", "slow", "red")
    assert everything(folder)[REPETITIONS] == reps


def test_of_a_damaged_record_is_kept_what_can_be_read_without_the_table(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, note="slow", load_kg=2.5)
    path = folder / "session.json"
    path.write_bytes(broken("load_kg", "heavy")(path.read_bytes()))
    (tmp_path / "reps.csv").unlink()
    only_one(tmp_path)
    record = read_record(folder)
    assert (record.person, record.note, record.load_kg == record.load_kg) == ("Ana", "slow", False)
    assert record.source.name == "clip.mp4"


def test_a_record_that_may_not_be_read_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = log_session(tmp_path, 1)
    before = everything(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "session.json")
    ((said, mended),) = repaired(tmp_path)
    assert ("may not be read" in said, mended, everything(folder)) == (True, False, before)


def test_a_newer_session_is_not_damaged(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    path = folder / "session.json"
    path.write_bytes(broken("format", 99)(path.read_bytes()))
    before = everything(folder)
    ((said, mended),) = repaired(tmp_path)
    assert "newer version of rotrack" in said
    assert not mended, "it would lose what that version knows"
    assert everything(folder) == before


def test_lost_repetitions_come_from_the_table(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    before = read_repetitions(folder)[0]
    (folder / REPETITIONS).unlink()
    assert "Its repetitions were taken from reps.csv: 4 of them" in only_one(tmp_path)
    assert [(r.rep, r.peak_deg, r.valid) for r in read_repetitions(folder)[0]] == [(r.rep, r.peak_deg, r.valid) for r in before]


def test_an_unreadable_table_of_a_session_is_kept_and_made_again(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    path = folder / REPETITIONS
    path.write_bytes(damaged := path.read_bytes().replace(b"peak_deg", b"Spitze", 1))
    only_one(tmp_path)
    assert [rep.peak_deg for rep in read_repetitions(folder)[0]] == [30, 34, 32, 50]
    assert (folder / f"{REPETITIONS}.damaged").read_bytes() == damaged


def test_a_damaged_row_that_no_table_has_is_told_and_stays(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    path = folder / REPETITIONS
    path.write_bytes(path.read_bytes().replace(b"34.0", b"34.x", 1))
    (tmp_path / "reps.csv").unlink()
    (tmp_path / "reps.csv.checksum").unlink()
    before = path.read_bytes()
    ((said, mended),) = repaired(tmp_path)
    assert ("Line 3" in said, mended, path.read_bytes()) == (True, False, before)


def test_a_copied_folder_is_told_and_stays(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    shutil.copytree(folder, folder.with_name("copy"))
    ((said, mended),) = repaired(tmp_path)
    assert ("is a copy, or was renamed" in said, mended) == (True, False)
    assert folder.with_name("copy").exists()


# ---------------------------------------------------------------------- drafts and locks
def test_drafts_go(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (tmp_path / "calibration").mkdir(0o700)
    drafts = [
        tmp_path / "reps.csv.tmp",
        folder / "session.json.tmp",
        tmp_path / "calibration" / "x.toml.tmp",
        tmp_path / "readings.csv.part",
    ]
    for path in drafts:
        path.touch(0o600)
    assert len(repaired(tmp_path)) == 4
    assert not any(path.exists() for path in drafts)
    assert repaired(tmp_path) == []


def test_a_file_of_ones_own_whose_name_ends_like_a_draft_stays(tmp_path: Path) -> None:
    log_session(tmp_path, 1)
    (tmp_path / "thesis.tmp").write_bytes(b"mine")
    (tmp_path / "thesis.tmp").chmod(0o600)
    repaired(tmp_path)
    assert (tmp_path / "thesis.tmp").read_bytes() == b"mine"


def test_half_an_import_goes_unless_somebody_is_at_it(tmp_path: Path) -> None:
    log_session(tmp_path, 1)
    half = tmp_path / "import.part"
    half.mkdir(0o700)
    with FileLock(tmp_path / "import.lock", mode=0o600):
        assert repaired(tmp_path) == []
        assert half.exists()
    only_one(tmp_path)
    assert not half.exists()


def test_a_lock_that_nobody_holds_goes(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / "writing.lock").touch(0o600)
    repaired(tmp_path)
    assert not (folder / "writing.lock").exists()


# ---------------------------------------------------------------------- people
def test_a_lost_record_of_a_person_is_made_from_the_sessions(tmp_path: Path) -> None:
    person = write_person(tmp_path, new_person("Ana"))
    log_session(tmp_path, 1, person_id=person.id)
    shutil.rmtree(tmp_path / "people" / person.id)
    only_one(tmp_path)
    (again,) = read_people(tmp_path)[0]
    assert (again.id, again.name) == (person.id, "Ana")


def test_a_damaged_record_of_a_person_is_kept_and_made_again(tmp_path: Path) -> None:
    person = write_person(tmp_path, new_person("Ana"))
    log_session(tmp_path, 1, person_id=person.id)
    path = tmp_path / "people" / person.id / "person.json"
    path.write_bytes(b"{")
    only_one(tmp_path)
    assert [known.name for known in read_people(tmp_path)[0]] == ["Ana"]
    assert path.with_name("person.json.damaged").read_bytes() == b"{"


def test_a_person_whose_record_was_never_written_goes(tmp_path: Path) -> None:
    log_session(tmp_path, 1)
    folder = tmp_path / "people" / "p-00000000"
    folder.mkdir(0o700)
    (folder / "person.json.tmp").touch(0o600)
    assert all(mended for _, mended in repaired(tmp_path))
    assert repaired(tmp_path) == []
    assert read_people(tmp_path)[1] == []


# ---------------------------------------------------------------------- who may read
@posix
def test_what_others_may_read_is_closed(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    tmp_path.chmod(0o755)
    folder.chmod(0o755)
    (folder / "session.json").chmod(0o644)
    (folder / "annotated.mp4").touch(0o644)
    assert "(files and folders: 3)" in only_one(tmp_path) or sys.platform == "darwin" or os.umask(os.umask(0)) != 0o022
    assert {stat.S_IMODE(path.stat().st_mode) & 0o007 for path in [tmp_path, *tmp_path.rglob("*")]} == {0}


@posix
def test_what_a_link_leads_to_keeps_its_mode(tmp_path: Path) -> None:
    outside = tmp_path / "outside.mp4"
    outside.touch()
    outside.chmod(0o644)
    folder = log_session(tmp_path / "data", 1)
    (folder / "annotated.mp4").symlink_to(outside)
    repaired(tmp_path / "data")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_the_other_leg_is_not_made_up(tmp_path: Path) -> None:
    """A record that is made again says of which legs it may be, not more."""
    folder = log_session(tmp_path, 1)
    (folder / "session.json").unlink()
    repaired(tmp_path)
    assert set(read_record(folder).sides) <= set(Side)


def test_repair_closes_only_what_is_rotracks_own_and_leaves_the_group_in(tmp_path: Path) -> None:
    log_session(tmp_path, 1)
    tool = tmp_path / "tools" / "run.sh"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (tmp_path / "reps.csv").chmod(0o664)
    repair(tmp_path)
    assert stat.S_IMODE(tool.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "reps.csv").stat().st_mode) == 0o660


@pytest.mark.parametrize("name", ["session.json", "repetitions.csv"])
def test_a_pipe_in_place_of_a_file_is_set_aside(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "sessions" / log_session(tmp_path, 1)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    done, _ = repair(tmp_path)
    assert all(one.mended for one in done)
    assert (folder / f"{name}.damaged").is_fifo()
    (session,), problems = read_sessions(tmp_path)
    assert problems == []
    assert len(session.rep_list) == len(FOUR)


@pytest.mark.parametrize("target", ["loop", "/nowhere"])
def test_a_bad_link_beside_the_sessions_stops_nobody(tmp_path: Path, target: str) -> None:
    log_session(tmp_path, 1)
    (tmp_path / "sessions" / "loop").symlink_to(target)
    assert len(read_sessions(tmp_path)[0]) == 1
    assert all(one.mended for one in repair(tmp_path)[0])
    assert read_sessions(tmp_path)[1] == []


# ---------------------------------------------------------------------- people whose record cannot be used
def test_a_record_of_a_newer_version_is_named_and_left_alone(tmp_path: Path) -> None:
    person = write_person(tmp_path, new_person("Ana"))
    log_session(tmp_path, 1, person_id=person.id)
    refresh_table(tmp_path)
    path = tmp_path / "people" / person.id / "person.json"
    path.write_text(json.dumps({"format": 2, "id": person.id, "name": "Ana", "goals": {"new": 1}}))
    before = everything(tmp_path / "people")
    ((said, mended),) = repaired(tmp_path)
    assert "newer version of rotrack" in said
    assert not mended
    assert everything(tmp_path / "people") == before


def test_a_damaged_record_that_nobody_has_is_put_aside(tmp_path: Path) -> None:
    """What is left of somebody whose sessions were deleted."""
    person = write_person(tmp_path, new_person("Ana"))
    path = tmp_path / "people" / person.id / "person.json"
    path.write_bytes(b"{")
    assert "person.json.damaged" in only_one(tmp_path)
    assert read_people(tmp_path) == ([], [])
    assert not path.exists()
    assert path.with_name("person.json.damaged").read_bytes() == b"{"


def test_a_damaged_record_that_still_says_the_name_is_made_again(tmp_path: Path) -> None:
    person = write_person(tmp_path, new_person("Ana"))
    path = tmp_path / "people" / person.id / "person.json"
    path.write_text(json.dumps({"id": person.id, "name": "Ana", "birth_year": "old"}))
    only_one(tmp_path)
    ((again,), problems) = read_people(tmp_path)
    assert (again.id, again.name, problems) == (person.id, "Ana", [])


def test_an_id_that_begins_like_another_is_another_person(tmp_path: Path) -> None:
    for person_id in ("p-1", "p-11"):
        write_person(tmp_path, Person(id=person_id, name=person_id))
        (tmp_path / "people" / person_id / "person.json").write_bytes(b"{")
    log_session(tmp_path, 1, person="Ana", person_id="p-1")
    assert [mended for _, mended in repaired(tmp_path)] == [True, True]
    assert repaired(tmp_path) == []
    assert [person.id for person in read_people(tmp_path)[0]] == ["p-1"]
