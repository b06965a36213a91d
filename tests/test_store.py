"""All sessions of a data folder: one that is damaged is one sentence, and the index changes nothing but the time."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import FOUR, a_record, a_rep, a_step, everything, log_session

from rotrack.core.errors import InputError, RecordError
from rotrack.records import store
from rotrack.records.changes import delete_session
from rotrack.records.folders import being_written, data_folder
from rotrack.records.people import new_person, write_person
from rotrack.records.record import SessionRecord, Status, read_record, record_bytes
from rotrack.records.repetitions import REPETITIONS, read_repetitions, table_bytes
from rotrack.records.session import INTERRUPTED, load_session
from rotrack.records.store import INDEX, find_session, read_all, read_sessions, session_folder
from rotrack.records.writer import SessionWriter

posix = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")


def change(folder: Path, **changes: Any) -> None:
    path = folder / "session.json"
    known = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in known.items() if value != "gone"}), "utf-8")


# ---------------------------------------------------------------------- one record
def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = a_record(1, note='knee "tight", ünd', band="red", load_kg=2.5, measured_share={"left": 0.5}, reasons={"hidden": 3})
    (tmp_path / "session.json").write_bytes(record_bytes(record))
    assert read_record(tmp_path) == record


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"person": 5}, "'person' must be a text"),
        ({"started_at": "yesterday"}, "'started_at'"),
        ({"started_at": "9999-12-31T23:59:59-12:00"}, "9999"),
        ({"remeasured_at": "9999-12-31T23:59:59-12:00"}, "9999"),
        ({"started_at": None}, "'started_at'"),
        ({"load_kg": "heavy"}, "'load_kg' must be a number"),
        ({"sides": []}, "'sides' must name a leg"),
        ({"sides": ["middle"]}, "sides[0]"),
        ({"status": "tired"}, "'status'"),
        ({"source": {"kind": "camera", "name": "x"}}, "'size_px'"),
        ({"settings": {"correct": "yes"}}, "settings"),
        ({"warnings": "one"}, "'warnings' must be a list"),
        ({"neutrals": [{"side": "left"}]}, "neutrals"),
        ({"format": 3}, "newer version of rotrack"),
        ({"format": "two"}, "'format' must be a whole number"),
        ({"drill": "gone"}, "it has no 'drill'"),
        ({"session_id": "gone"}, "it has no 'session_id'"),
        ({"frames": 1.5}, "'frames' must be a whole number"),
    ],
)
def test_a_damaged_record_is_one_sentence_and_touches_no_other(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    good, bad = log_session(tmp_path, 1), log_session(tmp_path, 2)
    change(bad, **changes)
    sessions, (problem,) = read_sessions(tmp_path)
    assert [session.folder for session in sessions] == [good]
    assert bad.name in problem
    assert says in problem
    assert problem.endswith(".")
    with pytest.raises(RecordError, match="is damaged"):
        load_session(bad)


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "a list": lambda path: path.write_text("[]"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "deep": lambda path: path.write_text('{"settings": ' + '{"a": ' * 5000),
    "deep and whole": lambda path: path.write_text('{"landmarker": ' + "[" * 900 + "]" * 900 + "}"),
    "UTF-16": lambda path: path.write_text(path.read_text("utf-8"), "utf-16"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_session_file_that_is_none_is_one_sentence(tmp_path: Path, damage: str) -> None:
    good, bad = log_session(tmp_path, 1), log_session(tmp_path, 2)
    DAMAGES[damage](bad / "session.json")
    sessions, (problem,) = read_sessions(tmp_path)
    assert [session.folder for session in sessions] == [good]
    assert bad.name in problem


def test_a_number_that_is_missing_is_missing(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    change(folder, duration_s=None, load_kg=None)
    record = read_record(folder)
    assert (record.duration_s != record.duration_s, record.load_kg != record.load_kg) == (True, True)


def test_text_of_a_record_is_harmless(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    change(folder, person="\x1b[2JAna", note="a\u202eb\nc", warnings=["\x07beep"])
    record = read_record(folder)
    assert (record.person, record.note, record.warnings) == ("[2JAna", "ab c", ("beep",))


def test_a_session_without_a_record_is_told_unless_it_begins_just_now(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / "session.json").unlink()
    assert "holds no session.json" in read_sessions(tmp_path)[1][0]
    with SessionWriter(tmp_path, a_record(2)) as writer:
        (writer.folder / "session.json").rename(tmp_path / "later")
        assert [writer.folder.name in problem for problem in read_sessions(tmp_path)[1]] == [False]
        (tmp_path / "later").rename(writer.folder / "session.json")


def test_what_may_not_be_read_is_not_taken_for_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = log_session(tmp_path, 1)
    stat, opened = os.stat, os.open

    def refused(path: Any, **kwargs: Any) -> os.stat_result:
        if not isinstance(path, int) and folder in Path(os.fsdecode(path)).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **kwargs)

    def unopened(path: Any, flags: int, *args: Any) -> int:
        if folder in Path(os.fsdecode(path)).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *args)

    monkeypatch.setattr(os, "stat", refused)
    monkeypatch.setattr(os, "open", unopened)
    (problem,) = read_sessions(tmp_path)[1]
    assert "Permission denied" in problem
    assert "takes it away" not in problem


def test_sessions_that_cannot_be_listed_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_session(tmp_path, 1)

    def refused(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(RecordError, match=r"cannot be listed .* who may read"):
        read_sessions(tmp_path)


# ---------------------------------------------------------------------- repetitions of a session
def test_repetitions_come_back_to_the_last_digit(tmp_path: Path) -> None:
    reps = (
        a_rep(1, 1 / 3, valid=False, faults=("T", "O"), reason='thigh, "moved"'),
        a_rep(2, -1e-17),
        a_rep(3, 2.0, dropped=True),
    )
    (tmp_path / REPETITIONS).write_bytes(table_bytes(reps))
    again, problems = read_repetitions(tmp_path)
    assert problems == ()
    assert [repr(rep) for rep in again] == [repr(rep) for rep in reps]


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("30.0", "thirty"),
        ("30.0", "1e999"),
        ("30.0", "5000"),
        ("true", "perhaps"),
        ("left", "middle"),
        ("0.9", "980"),
        (",1,", ",1.5,"),
    ],
)
def test_a_damaged_row_is_named_by_its_line_and_left_out(tmp_path: Path, cell: str, wrong: str) -> None:
    folder = log_session(tmp_path, 1)
    path = folder / REPETITIONS
    lines = path.read_bytes().decode().split("\r\n")
    lines[1] = lines[1].replace(cell, wrong, 1)
    path.write_bytes("\r\n".join(lines).encode())
    ((session,), problems) = read_sessions(tmp_path)
    assert [rep.rep for rep in session.rep_list] == [2, 3, 4]
    assert [f"Line 2 of {folder.name}/{REPETITIONS} is damaged" in problem for problem in problems] == [True]


def test_wherever_the_last_row_was_cut_off_the_others_are_there_and_nothing_is_said(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    path = folder / REPETITIONS
    whole = path.read_bytes()
    last = whole[:-2].rindex(b"\r\n") + 2
    for cut in range(last, len(whole) - 1, 3):
        path.write_bytes(whole[:cut])
        reps, problems = read_repetitions(folder)
        assert reps[:3] == FOUR[:3] or [r.rep for r in reps][:3] == [1, 2, 3]
        assert (len(reps) in (3, 4), problems) == (True, ())
        assert len(reps) == 3 or reps[3].peak_deg == FOUR[3].peak_deg, "a number that was cut is not taken"


def test_a_session_that_lost_its_repetitions_says_so(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    (folder / REPETITIONS).unlink()
    ((session,), (problem,)) = read_sessions(tmp_path)
    assert session.rep_list == ()
    assert "doctor --repair" in problem


# ---------------------------------------------------------------------- all sessions
def test_sessions_come_in_the_order_of_time_wherever_the_clock_stood(tmp_path: Path) -> None:
    ids = {}
    for day, started in ((3, "2026-01-01T09:00:00+05:00"), (5, "2026-01-01T03:00:00+00:00"), (1, "2026-02-01T09:00:00")):
        folder = log_session(tmp_path, day)
        change(folder, started_at=started)
        ids[day] = folder.name
    assert [session.id for session in read_sessions(tmp_path)[0]] == [ids[5], ids[3], ids[1]], "3, 4 and later, UTC"


def test_a_copied_folder_does_not_count_twice(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    copy = folder.with_name("copy of it")
    copy.mkdir()
    (copy / "session.json").write_bytes((folder / "session.json").read_bytes())
    sessions, (problem,) = read_sessions(tmp_path)
    assert [session.folder for session in sessions] == [folder]
    assert "give the folder that name" in problem


def test_a_session_that_is_being_measured_is_left_out_and_left_alone(tmp_path: Path) -> None:
    done = log_session(tmp_path, 1)
    with SessionWriter(tmp_path, a_record(2)) as writer:
        writer.append(a_step((FOUR[0],)))
        assert [session.folder for session in read_sessions(tmp_path)[0]] == [done]
        running = read_all(tmp_path)[0][-1]
        assert (running.record.status, len(running.rep_list)) == (Status.RUNNING, 1)
        assert being_written(writer.folder)
        with pytest.raises(RecordError, match="being measured right now"):
            delete_session(tmp_path, writer.folder.name)
    assert len(read_sessions(tmp_path)[0]) == 2, "as nothing ended it properly, it is interrupted"
    assert INTERRUPTED in read_sessions(tmp_path)[0][1].record.warnings


def test_looking_changes_nothing(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, status=Status.RUNNING)
    before = everything(folder)
    (session,) = read_sessions(tmp_path)[0]
    assert session.record.status is Status.INTERRUPTED
    assert everything(folder) == before


def test_a_session_has_the_name_that_its_person_has_now(tmp_path: Path) -> None:
    person = write_person(tmp_path, new_person("Ana Base"))
    log_session(tmp_path, 1, person="Ana", person_id=person.id)
    assert [session.person for session in read_sessions(tmp_path)[0]] == ["Ana Base"]


@posix
def test_links_out_of_a_foreign_folder_are_not_followed(tmp_path: Path) -> None:
    mine, foreign = tmp_path / "mine", tmp_path / "foreign"
    folder, theirs = log_session(mine, 1), log_session(foreign, 2)
    for day, name in ((3, "session.json"), (4, REPETITIONS)):
        odd = log_session(foreign, day)
        (odd / name).unlink()
        (odd / name).symlink_to(folder / name)
    (foreign / "sessions" / folder.name).symlink_to(folder)
    (foreign / INDEX).unlink(missing_ok=True)
    sessions, problems = read_sessions(foreign, follow=False)
    assert [session.folder for session in sessions] == [theirs]
    assert sum("link" in problem for problem in problems) == 3
    assert not (foreign / INDEX).exists()


# ---------------------------------------------------------------------- the index
def found(data: Path) -> Any:
    sessions, problems = read_sessions(data)
    return [(s.id, s.record.note, repr(s.rep_list)) for s in sessions], problems


def spoiled(index: bytes, how: str) -> bytes:
    if how == "another version":
        version, store.INDEX_VERSION = store.INDEX_VERSION, 999
        try:
            data = store._encoder.encode(store._Index(999, {}))
        finally:
            store.INDEX_VERSION = version
        return store.zlib.crc32(data).to_bytes(4, "big") + data
    return {"cut off": index[:-20], "a bit": index[:50] + bytes([index[50] ^ 1]) + index[51:], "empty": b"", "text": b"hello"}[
        how
    ]


@pytest.mark.parametrize("how", ["cut off", "a bit", "empty", "text", "another version"])
def test_a_damaged_index_is_made_again(tmp_path: Path, how: str) -> None:
    for day in (1, 2):
        log_session(tmp_path, day)
    right = found(tmp_path)
    whole = (tmp_path / INDEX).read_bytes()
    (tmp_path / INDEX).write_bytes(spoiled(whole, how))
    assert found(tmp_path) == right
    assert (tmp_path / INDEX).read_bytes() == whole


def test_sessions_that_did_not_change_come_from_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in (1, 2):
        log_session(tmp_path, day)
    right = found(tmp_path)
    read: list[str] = []
    load = store.load_session
    monkeypatch.setattr(store, "load_session", lambda folder, follow: (read.append(folder.name), load(folder, follow))[1])
    assert found(tmp_path) == right
    assert read == []
    change(session_folder(tmp_path, right[0][1][0]), note="new")
    assert found(tmp_path)[0][1][1] == "new"
    assert read == [right[0][1][0]]


def test_a_change_of_the_same_size_is_seen(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    found(tmp_path)
    path = folder / REPETITIONS
    path.write_bytes(path.read_bytes().replace(b"30.0", b"39.0"))
    assert "39.0" in found(tmp_path)[0][0][2]
    change(folder, note="a")
    found(tmp_path)
    change(folder, note="b")
    assert found(tmp_path)[0][0][1] == "b"


def test_sessions_that_went_leave_the_index(tmp_path: Path) -> None:
    folders = [log_session(tmp_path, day, note=f"note {day}") for day in (1, 2)]
    found(tmp_path)
    delete_session(tmp_path, folders[0].name)
    found(tmp_path)
    assert b"note 1" not in (tmp_path / INDEX).read_bytes()


def test_where_no_index_can_be_written_all_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_session(tmp_path, 1)
    right = found(tmp_path)
    (tmp_path / INDEX).unlink()

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store, "replace_files", refused)
    assert found(tmp_path) == right


def test_every_field_of_a_record_survives_the_index(tmp_path: Path) -> None:
    log_session(tmp_path, 1, load_kg=2.5, measured_share={"left": 0.25}, apart=(), calibration_used={"a": [1, {"b": None}]})
    fresh = read_sessions(tmp_path)[0][0].record
    again = read_sessions(tmp_path)[0][0].record
    assert isinstance(again, SessionRecord)
    assert repr(again) == repr(fresh)  # NaN is NaN there


# ---------------------------------------------------------------------- finding
@pytest.mark.parametrize("name", ["", ".", "..", "../data", "/", "a" * 300, "a\0b"])
def test_no_odd_name_is_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = log_session(tmp_path / "data", 1)
    monkeypatch.chdir(folder)
    for find in (session_folder, *([find_session] if name not in (".", "..") else [])):
        with pytest.raises(InputError, match="There is no session"):
            find(tmp_path / "data", name)


def test_a_session_is_found_by_id_beginning_folder_or_last(tmp_path: Path) -> None:
    first, second = log_session(tmp_path, 1), log_session(tmp_path, 2)
    assert find_session(tmp_path, first.name) == first
    assert find_session(tmp_path, "20260102") == second
    assert find_session(tmp_path, "last") == second
    assert find_session(tmp_path / "elsewhere", str(first)) == first
    for name, words in (("202601", f"may be {first.name}, {second.name}"), ("2025", "no session '2025'")):
        with pytest.raises(InputError, match=words):
            find_session(tmp_path, name)
    with pytest.raises(InputError, match="measure something first"):
        find_session(tmp_path / "empty", "last")


@pytest.mark.parametrize("status", [Status.STOPPED, Status.INTERRUPTED])
def test_the_latest_is_none_that_was_broken_off_before_its_first_repetition(tmp_path: Path, status: Status) -> None:
    whole = log_session(tmp_path, 1)
    broken = log_session(tmp_path, 2, reps=(), status=status)
    assert find_session(tmp_path, "last") == whole
    delete_session(tmp_path, whole.name)
    assert find_session(tmp_path, "last") == broken, "there is nothing else"


def test_the_latest_may_have_been_broken_off_after_a_repetition(tmp_path: Path) -> None:
    log_session(tmp_path, 1)
    broken = log_session(tmp_path, 2, status=Status.STOPPED)
    assert find_session(tmp_path, "last") == broken


# ---------------------------------------------------------------------- where it is
def test_the_data_folder_is_the_given_one_else_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "home"))
    assert data_folder(tmp_path / "given") == tmp_path / "given"
    assert data_folder() == tmp_path / "home"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ROTRACK_HOME", "~/mine")
    assert data_folder() == tmp_path / "mine" or sys.platform == "win32"
    monkeypatch.delenv("ROTRACK_HOME")
    assert data_folder().name == "rotrack"


def test_a_data_folder_that_is_none_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "file"))
    with pytest.raises(RecordError, match=r"is no folder; say with ROTRACK_HOME"):
        data_folder()
    for wrong in (tmp_path / "file", tmp_path / "file" / "in it", tmp_path / ("x" * 300)):
        with pytest.raises(RecordError, match=r"is no folder|cannot be (used|read)"):
            read_sessions(data_folder(wrong))


@posix
def test_a_link_to_nothing_is_no_empty_log(tmp_path: Path) -> None:
    (tmp_path / "stick").symlink_to(tmp_path / "not plugged in")
    with pytest.raises(RecordError, match="is a link to nothing"):
        data_folder(tmp_path / "stick")


def test_of_many_sessions_that_may_be_meant_the_rest_is_counted(tmp_path: Path) -> None:
    for day in range(1, 9):
        log_session(tmp_path, day)
    with pytest.raises(InputError, match="or 2 more; give more of the id"):
        find_session(tmp_path, "2026")
