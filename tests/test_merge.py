"""Sessions of another computer: all of them once, what is here untouched, nothing half copied."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock
from helpers import Ended, assert_one_sentence, run_main
from test_history import FOUR, append, cut_off, everything, info, is_consistent, lines_of, repetition, rows_of, write
from test_log import EARLIER, Earlier
from test_readings import line, table_of

from rotrack.errors import InputError, RecordError
from rotrack.exchange import merge
from rotrack.exchange.merge import find_data, merge_sessions
from rotrack.housekeeping import delete_person, stored_of
from rotrack.progress.readings import import_readings, read_readings
from rotrack.records.history import describe_session, drop_rep, read_sessions
from rotrack.records.log import REP_COLUMNS, SessionWriter, read_reps
from rotrack.records.session import load_session

Run = Callable[..., Ended]
BOM = "\ufeff"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "stick" / "rotrack"


def ids(data: Path) -> list[str]:
    sessions, problems = read_sessions(data)
    assert problems == []
    return [session.id for session in sessions]


def old_log(data: Path, columns: int) -> None:
    """Make the log of a data folder one of an earlier version."""
    path = data / "reps.csv"
    lines = path.read_text("utf-8-sig").splitlines()
    path.write_bytes((BOM + "".join(",".join(text.split(",")[:columns]) + "\r\n" for text in lines)).encode())


def test_sessions_come_in_with_rows_and_files_and_are_as_they_were(here: Path, there: Path) -> None:
    own = write(here, 1)
    other = [
        write(there, 2),
        write(there, 3, (repetition(1, -20.0, faults=("T",), valid=False),), drill="seated-external", note="a, b"),
    ]
    (there / "sessions" / other[0] / "annotated.mp4").write_bytes(b"video")
    kept = everything(there)
    own_lines = lines_of(here, own)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (2, 0, ())
    assert ids(here) == [own, *other]
    assert lines_of(here, own) == own_lines
    for session_id in other:
        assert is_consistent(here, session_id)
        assert lines_of(here, session_id) == lines_of(there, session_id)
        assert everything(here / "sessions" / session_id) == {
            here / path.relative_to(there): raw for path, raw in everything(there / "sessions" / session_id).items()
        }
    assert everything(there) == kept, "the other computer's folder is only read"
    assert {p.name for p in here.iterdir()} <= {"reps.csv", "reps.csv.lock", "sessions"}


def test_importing_again_changes_not_a_byte(here: Path, there: Path) -> None:
    write(here, 1)
    write(there, 2)
    cut_off(there, 3)
    write(there, 4, ())
    import_readings(there, table_of(there.parent, line()))
    assert merge_sessions(here, there).added == 3
    before = everything(here)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (0, 3, ())
    assert merged.readings
    assert (merged.readings.added, merged.readings.already_there) == (0, 1)
    assert everything(here) == before
    assert merge_sessions(there, here).added == 1, "and the other way round, what is missing there comes in"
    assert sorted(ids(there)) == sorted(ids(here))


def test_what_was_changed_here_or_there_stays_as_it_is_here_and_is_named(here: Path, there: Path) -> None:
    noted, dropped, same = (write(there, number) for number in (1, 2, 3))
    merge_sessions(here, there)
    describe_session(here, noted, note="mine")
    drop_rep(there, dropped, FOUR[0].side, FOUR[0].direction, 1)
    before = everything(here)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there) == (0, 1)
    assert len(merged.problems) == 2
    assert noted in merged.problems[0]
    assert dropped in merged.problems[1]
    assert "what is here was kept" in merged.problems[0]
    assert everything(here) == before
    assert load_session(here / "sessions" / same).id == same


def test_a_session_that_is_being_measured_there_is_left_out_until_it_has_ended(here: Path, there: Path) -> None:
    done = write(there, 1)
    with SessionWriter(there, info(2)) as writer:
        append(writer, FOUR[:2])
        merged = merge_sessions(here, there)
        assert (merged.added, len(merged.problems)) == (1, 1)
        assert f"The session {writer.info['session_id']} is being measured there right now" in merged.problems[0]
        assert ids(here) == [done]
        assert set(read_reps(here / "reps.csv")[0].session_id) == {done}
        append(writer, FOUR[2:])
    assert merge_sessions(here, there).added == 1
    assert len(rows_of(here, writer.info["session_id"])) == 4


def test_a_session_that_was_cut_off_comes_in_as_that(here: Path, there: Path) -> None:
    session_id = cut_off(there, 1)
    merge_sessions(here, there)
    session = load_session(here / "sessions" / session_id)
    assert session.info["status"] == "interrupted"
    assert len(session.rep_list) == 4
    assert not (session.folder / "writing.lock").exists()


def test_damaged_sessions_and_rows_are_named_and_the_others_come_in(here: Path, there: Path) -> None:
    good, damaged, renamed = (write(there, number) for number in (1, 2, 3))
    (there / "sessions" / damaged / "session.json").write_text("{", "utf-8")
    (there / "sessions" / renamed).rename(there / "sessions" / "copy")
    with (there / "reps.csv").open("ab") as file:
        file.write(b"torn,row\r\n")
    merged = merge_sessions(here, there)
    assert {s.id for s in read_sessions(here)[0]} == {good}
    assert merged.added == 3, "of the two others the rows count"
    assert {name: len(rows_of(here, name)) for name in (good, damaged, renamed)} == {good: 4, damaged: 4, renamed: 4}
    assert len(merged.problems) == 3
    assert "Line 14 of reps.csv is damaged" in merged.problems[-1]
    assert any(damaged in text for text in merged.problems)
    assert any("copy" in text for text in merged.problems)
    before = everything(here)
    assert merge_sessions(here, there).added == 0
    assert everything(here) == before


@pytest.mark.parametrize("columns", [25, 27, 30])
def test_logs_of_every_earlier_version_come_in(here: Path, there: Path, columns: int) -> None:
    other = write(there, 2)
    old_log(there, columns)
    own = write(here, 1)
    assert merge_sessions(here, there).added == 1
    assert len(rows_of(here, own)) == len(rows_of(here, other)) == 4
    assert list(rows_of(here, other).peak_deg) == [rep.peak_deg for rep in FOUR]
    assert not rows_of(here, other).dropped.any()
    before = everything(here)
    assert merge_sessions(here, there).already_there == 1
    assert everything(here) == before


@pytest.mark.parametrize("earlier", EARLIER, ids=lambda earlier: f"{len(earlier.header.split(','))} columns")
def test_rows_without_a_folder_come_in_alone(here: Path, there: Path, earlier: Earlier) -> None:
    there.mkdir(parents=True)
    earlier.write(there)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (1, 0, ())
    pd.testing.assert_frame_equal(read_reps(here / "reps.csv")[0], read_reps(there / "reps.csv")[0])
    before = everything(here)
    assert merge_sessions(here, there).already_there == 1
    assert everything(here) == before


def test_an_import_into_an_older_log_brings_it_up_to_date(here: Path, there: Path) -> None:
    own, other = write(here, 1), write(there, 2)
    old_log(here, 27)
    merge_sessions(here, there)
    assert (here / "reps.csv").read_text("utf-8-sig").splitlines()[0] == ",".join(REP_COLUMNS)
    assert len(rows_of(here, own)) == len(rows_of(here, other)) == 4


def test_the_same_session_in_logs_of_two_versions_is_the_same(here: Path, there: Path) -> None:
    write(there, 1, measure_version="1")  # what an older log means by saying nothing
    merge_sessions(here, there)
    old_log(there, 30)
    before = everything(here)
    assert merge_sessions(here, there).already_there == 1
    assert everything(here) == before


def test_readings_come_along(here: Path, there: Path) -> None:
    import_readings(here, table_of(there.parent.parent, line(value_deg=20)))
    import_readings(there, table_of(there.parent.parent, line(value_deg=20), line(value_deg=30)))
    merged = merge_sessions(here, there)
    assert merged.readings
    assert (merged.added, merged.readings.added, merged.readings.already_there) == (0, 1, 1)
    assert list(read_readings(here)[0].value_deg) == [20, 30]


# ---------------------------------------------------------------------- where from
def test_the_folder_its_parent_and_its_sessions_are_the_same(there: Path) -> None:
    write(there, 1)
    for given in (there, there.parent, there / "sessions"):
        assert find_data(given) == there


def test_what_is_no_other_data_folder_is_refused_in_one_sentence(here: Path, there: Path, tmp_path: Path) -> None:
    write(here, 1)
    write(there, 1)
    before = everything(here)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(here)
    for given, words in (
        (here, "your own data folder"),
        (here / "sessions", "your own data folder"),
        (tmp_path / "link", "your own data folder"),
        (tmp_path / "empty", "no sessions of rotrack"),
        (tmp_path / "nowhere", "no folder"),
    ):
        with pytest.raises(InputError, match=words):
            merge_sessions(here, given)
    shutil.copytree(there, there.parent / "second")
    with pytest.raises(InputError, match="several data folders: rotrack, second"):
        merge_sessions(here, there.parent)
    assert everything(here) == before


def test_a_log_that_is_none_is_refused_before_anything_is_copied(here: Path, there: Path) -> None:
    write(there, 1)
    (there / "reps.csv").write_text("a,b\n", "utf-8")
    with pytest.raises(RecordError, match="not a repetition log"):
        merge_sessions(here, there)
    assert not (here / "sessions").exists()


# ---------------------------------------------------------------------- breaking off
def test_what_broke_off_between_folder_and_rows_is_made_good(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = write(there, 1)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merge, "append_reps", killed)
        with pytest.raises(KeyboardInterrupt):
            merge_sessions(here, there)
    assert (here / "sessions" / session_id / "session.json").exists()
    assert not (here / "reps.csv").exists()
    merged = merge_sessions(here, there)
    assert (merged.added, merged.problems) == (1, ())
    assert is_consistent(here, session_id)
    assert len(rows_of(here, session_id)) == 4


def test_a_full_disk_leaves_no_half_session(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = write(here, 9)
    first, second = write(there, 1), write(there, 2)
    calls = []

    def filling(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(merge.os, "fsync", filling)
        with pytest.raises(RecordError, match=r"disk is full.* Import again to go on from there\.$"):
            merge_sessions(here, there)
    assert ids(here) == [first, own], "the first one was complete, and of the second nothing is there"
    assert len(rows_of(here, first)) == 4, "its rows, too"
    assert {p.name for p in here.iterdir()} <= {"reps.csv", "reps.csv.lock", "sessions"}
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there) == (1, 1)
    assert ids(here) == [first, second, own]
    assert is_consistent(here, first)
    assert len(rows_of(here, first)) == len(rows_of(here, second)) == 4


@pytest.fixture
def killed_import(here: Path, there: Path) -> list[str]:
    """Return five sessions, of which an import that was killed brought in two, and half of the folder of the third."""
    names = [write(there, number, person=f"P{number}") for number in range(1, 6)]
    killed = (
        "import os, sys; from pathlib import Path; from rotrack.exchange import merge\n"
        "synced, kept = [], os.fsync\n"
        "def fsync(file):\n    synced.append(kept(file))\n    if len(synced) == 10: os._exit(9)\n"
        "merge.os.fsync = fsync\n"
        "merge.merge_sessions(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    assert subprocess.run([sys.executable, "-c", killed, here, there], check=False).returncode == 9
    return names


def test_after_a_kill_what_came_in_is_there_with_its_rows_and_the_rest_comes_the_next_time(
    here: Path, there: Path, killed_import: list[str], tmp_path: Path
) -> None:
    names = killed_import
    assert (here / "import.part").is_dir()
    assert ids(here) == names[:2]
    assert list(dict.fromkeys(read_reps(here / "reps.csv")[0].session_id)) == names[:2]
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (3, 2, ())
    merge_sessions(tmp_path / "at once", there)
    assert (here / "reps.csv").read_bytes() == (tmp_path / "at once" / "reps.csv").read_bytes(), "in the same order"
    assert not (here / "import.part").exists()


def test_who_is_deleted_is_gone_from_what_a_killed_import_left_too(here: Path, killed_import: list[str]) -> None:
    assert stored_of(here, "P3").sessions == (here / "import.part",), "nothing else is there of this person"
    assert stored_of(here, "P3").anything
    assert not stored_of(here, "P4").anything
    with FileLock(here / "import.lock"):
        delete_person(here, "P3")
    assert (here / "import.part").exists(), "an import needs it"
    delete_person(here, "P3")
    assert not (here / "import.part").exists()
    assert not any(b"P3" in raw for raw in everything(here).values())
    assert ids(here) == killed_import[:2]


def test_rows_of_many_sessions_without_folders_come_in_by_and_by(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [write(there, number) for number in range(1, 6)]
    shutil.rmtree(there / "sessions")
    monkeypatch.setattr(merge, "ROWS_AT_ONCE", 8)
    logged: list[int] = []

    def look() -> None:
        logged.append(len(read_reps(here / "reps.csv")[0]) if (here / "reps.csv").exists() else 0)

    assert merge_sessions(here, there, on_session=look).added == 5
    assert logged == [0, 8, 8, 16, 16]
    assert (here / "reps.csv").read_bytes() == (there / "reps.csv").read_bytes()
    assert list(dict.fromkeys(read_reps(here / "reps.csv")[0].session_id)) == names


@pytest.mark.parametrize("folders", [True, False])
def test_rows_torn_in_the_middle_of_a_session_are_completed(here: Path, there: Path, folders: bool) -> None:
    first, torn = write(there, 1), write(there, 2)
    merge_sessions(here, there)
    path = here / "reps.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7]) + lines[7][:40])
    if not folders:
        shutil.rmtree(here / "sessions")
        shutil.rmtree(there / "sessions")
    assert list(read_reps(path)[0].session_id) == [first] * 4 + [torn] * 2
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (1, 1, ())
    reps, problems = read_reps(path)
    pd.testing.assert_frame_equal(reps, read_reps(there / "reps.csv")[0])
    assert problems == ["Line 8 of reps.csv is damaged and was left out."], "the torn row itself stays, closed off"
    before = everything(here)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (0, 2, ())
    assert everything(here) == before


def test_fewer_rows_of_a_session_that_was_changed_are_left_as_they_are(here: Path, there: Path) -> None:
    noted, unknown = write(there, 1), write(there, 2)
    merge_sessions(here, there)
    describe_session(there, noted, note="theirs")
    (there / "sessions" / unknown / "session.json").write_text("{", "utf-8")
    path = here / "reps.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[5:7]))
    before = everything(here)
    merged = merge_sessions(here, there)
    assert merged.added == 0
    assert [text for text in merged.problems if "what is here was kept" in text and (noted in text or unknown in text)]
    assert sum("with other content" in text for text in merged.problems) == 2
    assert everything(here) == before


def test_a_wreck_of_a_session_is_made_whole(here: Path, there: Path) -> None:
    session_id = write(there, 1)
    whole = {path.relative_to(there): raw for path, raw in everything(there / "sessions" / session_id).items()}
    wreck = here / "sessions" / session_id
    wreck.mkdir(parents=True)
    (wreck / "angles.csv").write_bytes(b"time_s\r\n")
    (wreck / "session.json.tmp").write_bytes(b"{")
    (wreck / "annotated.mp4").write_bytes(b"video")
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (1, 0, ())
    found = {path.relative_to(here): raw for path, raw in everything(wreck).items()}
    assert found == whole | {wreck.relative_to(here) / "annotated.mp4": b"video"}, "what they lack is not lost"
    assert is_consistent(here, session_id)
    before = everything(here)
    assert merge_sessions(here, there).already_there == 1
    assert everything(here) == before


def test_a_stick_pulled_out_leaves_no_empty_sessions(here: Path, there: Path) -> None:
    names = [write(there, number) for number in (1, 2)]
    merged = merge_sessions(here, there, on_total=lambda _: shutil.rmtree(there))
    assert [text.split(":")[0] for text in merged.problems] == [f"The session {name} was left out" for name in names]
    assert not (here / "sessions").exists()


def test_a_session_that_cannot_be_read_is_named(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = write(there, 1), write(there, 2)
    may_open = Path.open

    def denied(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path == there / "sessions" / bad / "angles.csv":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return may_open(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", denied)
        merged = merge_sessions(here, there)
    assert len(merged.problems) == 1
    assert re.search(f"The session {bad} was left out: .*angles.csv cannot be read", merged.problems[0])
    assert ids(here) == [good]
    assert merge_sessions(here, there).added == 1
    assert ids(here) == [bad, good]


def test_two_imports_at_once_do_not_double_rows(here: Path, there: Path) -> None:
    write(there, 1)
    here.mkdir()
    with FileLock(here / "import.lock"), pytest.raises(RecordError, match="Another import"):
        merge_sessions(here, there)
    assert merge_sessions(here, there).added == 1


# ---------------------------------------------------------------------- the command
@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], here: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(here))
    return partial(run_main, monkeypatch, capfd)


def test_import_says_what_came_in(run: Run, here: Path, there: Path) -> None:
    write(there, 1)
    write(there, 2)
    ended = run("import", there.parent)
    assert (ended.code, ended.out.strip()) == (0, "2 sessions added, 0 already there.")
    import_readings(there, table_of(there.parent.parent, line()))
    ended = run("import", there, "--json")
    assert ended.code == 0
    assert json.loads(ended.out) == {
        "sessions": {"added": 0, "already_there": 2}, "readings": {"added": 1, "already_there": 0}, "problems": [], "notes": [],
    }  # fmt: skip
    describe_session(here, ids(here)[0], note="mine")
    ended = run("import", there)
    assert ended.code == 5
    assert "0 sessions added, 1 already there." in ended.out
    assert "with other content" in ended.err
    assert_one_sentence(run("import", here), 2, "your own data folder")


def test_of_very_many_damaged_lines_twenty_are_told_and_no_other_problem_is_hidden(run: Run, there: Path) -> None:
    write(there, 1)
    import_readings(there, table_of(there.parent.parent, line()))
    for name in ("reps.csv", "readings.csv"):
        with (there / name).open("ab") as file:
            file.write(b"torn,row\r\n" * 500)
    with SessionWriter(there, info(2)):
        ended = run("import", there)
        document = json.loads(run("import", there, "--json").out)
    assert ended.code == 5
    assert ended.err.count("of reps.csv is damaged") == 19
    assert ended.err.count("is being measured there right now") == 1
    assert ended.err.count("was left out: ") == 20
    assert "and 481 more" in ended.err
    assert "and 480 more" in ended.err
    assert len(document["problems"]) == 1001
