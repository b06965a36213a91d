"""Sessions of another computer: all of them once, what is here untouched, nothing half copied."""

import errno
import json
import math
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from filelock import FileLock
from helpers import FIXTURES, Ended, assert_one_sentence, run_main
from made_sessions import FOUR, append, begun, cut_off, everything, is_consistent, repetition, rows, rows_of, session_of, write
from test_readings import line, table_of

from rotrack.core.errors import InputError, RecordError
from rotrack.core.model import Direction, Side
from rotrack.exchange import merge
from rotrack.exchange.merge import COPIED, find_data, merge_sessions
from rotrack.exchange.typed import import_readings
from rotrack.people.erasure import delete_person, stored_of
from rotrack.records import people
from rotrack.records.changes import describe_session, drop_rep
from rotrack.records.history import wrongly_dated
from rotrack.records.people import AffectedSide, Goal, Person, find_person, new_person, read_people, write_person
from rotrack.records.readings import read_readings
from rotrack.records.session import Session, load_session
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table
from rotrack.system import files

Run = Callable[..., Ended]
LOGS = FIXTURES / "logs"


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


def test_sessions_come_in_with_rows_and_files_and_are_as_they_were(here: Path, there: Path) -> None:
    own = write(here, 1)
    other = [
        write(there, 2),
        write(there, 3, (repetition(1, -20.0, faults=("T",), valid=False),), drill="seated-external", note="a, b"),
    ]
    (there / "sessions" / other[0] / "annotated.mp4").write_bytes(b"video" * 100_000)
    kept = everything(there)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems, merged.notes) == (2, 0, (), ())
    assert ids(here) == [own, *other]
    for session_id in other:
        assert is_consistent(here, session_id)
        found, theirs = (everything(data / "sessions" / session_id) for data in (here, there))
        assert {path.name: raw for path, raw in found.items() if path.name != "session.json"} == {
            path.name: raw for path, raw in theirs.items() if path.name != "session.json"
        }
    (ana,) = read_people(here)[0]
    assert {session.record.person_id for session in read_sessions(here)[0]} == {ana.id}
    assert everything(there) == kept, "the other computer's folder is only read"
    assert {p.name for p in here.iterdir()} <= {
        "reps.csv", "reps.csv.lock", "reps.csv.checksum", "sessions", "people", "index.msgpack",
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_what_comes_in_is_for_its_owner_only(here: Path, there: Path) -> None:
    session_id = write(there, 1)
    import_readings(there, table_of(there.parent, line()))
    merge_sessions(here, there)
    for path in (here, *here.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert (here / "sessions" / session_id / "landmarks.csv.gz").exists()


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
    with begun(there, 2) as writer:
        append(writer, FOUR[:2])
        merged = merge_sessions(here, there)
        assert (merged.added, len(merged.problems)) == (1, 1)
        assert f"The session {writer.record.session_id} is being measured there right now" in merged.problems[0]
        assert ids(here) == [done]
        assert set(rows(here).session_id) == {done}
        append(writer, FOUR[2:])
    assert merge_sessions(here, there).added == 1
    assert len(rows_of(here, writer.record.session_id)) == 4


def test_a_session_that_was_cut_off_comes_in_as_that(here: Path, there: Path) -> None:
    session_id = cut_off(there, 1)
    merge_sessions(here, there)
    session = load_session(here / "sessions" / session_id)
    assert session.record.status == "interrupted"
    assert len(session.rep_list) == 4
    assert not (session.folder / "writing.lock").exists()


def test_damaged_sessions_are_named_and_the_others_come_in(here: Path, there: Path) -> None:
    good, damaged, renamed, torn = (write(there, number) for number in (1, 2, 3, 4))
    (there / "sessions" / damaged / "session.json").write_text("{", "utf-8")
    (there / "sessions" / renamed).rename(there / "sessions" / "copy")
    with (there / "sessions" / torn / "repetitions.csv").open("ab") as file:
        file.write(b"torn,row\r\n")
    merged = merge_sessions(here, there)
    assert ids(here) == [good, torn]
    assert (merged.added, len(merged.problems)) == (2, 3)
    for words in (damaged, "copy", f"Line 6 of {torn}/repetitions.csv is damaged"):
        assert any(words in text for text in merged.problems)
    before = everything(here)
    assert merge_sessions(here, there).already_there == 2
    assert everything(here) == before


# ---------------------------------------------------------------------- the order in which a camera measured
def clock_set_back(data: Path) -> str:
    """Log camera sessions one after the other; return the id of the one whose date is before all others."""
    for day in (1, 2, 3):
        write(data, day, number=day)
    return write(data, 4, number=4, started_at="2025-06-01T08:00:00+01:00")


def test_on_a_new_computer_a_clock_that_was_wrong_stays_known(here: Path, there: Path) -> None:
    wrong = clock_set_back(there)
    shutil.copytree(there / "sessions" / wrong, here / "sessions" / wrong)  # an import that was ended early
    assert merge_sessions(here, there).problems == ()
    assert wrongly_dated(read_sessions(here)[0]) == {wrong}


def test_beside_other_numbers_a_wrong_date_is_named(here: Path, there: Path) -> None:
    wrong = clock_set_back(there)
    write(here, 20, number=1)
    (said,) = merge_sessions(here, there).problems
    assert f"`rotrack note {wrong} --dated DATE`" in said
    assert [session.record.number for session in read_sessions(here)[0]] == [0, 0, 0, 0, 1]


# ---------------------------------------------------------------------- what earlier versions wrote
def logged(sessions: list[Session]) -> dict[str, list[list[Any]]]:
    """Return sessions as expected.json has them."""
    return {
        session.id: [
            [
                str(rep.side), str(rep.direction), rep.rep, rep.valid, rep.dropped,
                None if math.isnan(rep.peak_deg) else round(rep.peak_deg, 2), session.person, session.record.note,
                session.record.band, None if math.isnan(session.record.load_kg) else session.record.load_kg,
            ]
            for rep in session.rep_list
        ]
        for session in sessions
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir() if path.is_dir()))
def test_folders_of_every_earlier_version_come_in_whole(here: Path, there: Path, name: str) -> None:
    shutil.copytree(LOGS / name, there)
    before = everything(there)
    merged = merge_sessions(here, there)
    expected = json.loads((LOGS / "expected.json").read_text("utf-8"))[name]
    assert (merged.added, merged.already_there, merged.problems) == (len(expected), 0, ())
    sessions, problems = read_sessions(here)
    assert problems == []
    assert logged(sessions) == expected
    for session in sessions:
        assert is_consistent(here, session.id)
        for path in (there / "sessions" / session.id).glob("*.csv*"):
            assert (session.folder / path.name).read_bytes() == path.read_bytes()
    assert everything(there) == before
    assert merged.readings
    assert merged.readings.added == (3 if name == "32_columns" else 0)
    kept = everything(here)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (0, len(expected), ())
    assert everything(here) == kept


def test_the_same_session_from_before_and_after_the_takeover_is_the_same(here: Path, there: Path) -> None:
    shutil.copytree(LOGS / "32_columns", there)
    shutil.copytree(LOGS / "32_columns", here)
    refresh_table(here)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (0, 6, ())


def test_of_a_damaged_session_of_an_earlier_version_the_rows_come_in(here: Path, there: Path) -> None:
    shutil.copytree(LOGS / "32_columns", there)
    (damaged,) = there.glob("sessions/*-b132")
    (damaged / "session.json").write_text("{", "utf-8")
    merged = merge_sessions(here, there)
    assert merged.added == 6
    assert any(damaged.name in text for text in merged.problems)
    expected = json.loads((LOGS / "expected.json").read_text("utf-8"))["32_columns"]
    assert logged(read_sessions(here)[0]) == expected
    assert (here / "sessions" / damaged.name / "angles.csv").exists()


def test_an_import_into_an_older_folder_brings_it_up_to_date(here: Path, there: Path) -> None:
    shutil.copytree(LOGS / "27_columns", here)
    other = write(there, 2)
    assert merge_sessions(here, there).added == 1
    assert len(ids(here)) == 6
    assert other in set(rows(here).session_id)


# ---------------------------------------------------------------------- people
def test_people_come_along_and_what_is_known_here_stays(here: Path, there: Path) -> None:
    goal = partial(Goal, drill="seated-internal", direction=Direction.INTERNAL)
    ours = msgspec.structs.replace(
        new_person("Jürgen Ö"), birth_year=1950, notes="left hip", goals=(goal(goal_deg=40.0, side=Side.LEFT),)
    )
    write_person(here, ours)
    theirs = Person(
        id="p-5", name="JU\u0308RGEN  O\u0308", spellings=("Jürg",), birth_year=1951, notes="likes mornings",
        affected_side=AffectedSide.LEFT, goals=(goal(goal_deg=45.0, side=Side.LEFT), goal(goal_deg=30.0, side=Side.RIGHT)),
    )  # fmt: skip
    write_person(there, theirs)
    write_person(there, Person(id="p-6", name="Only Known"))
    session_id = write(there, 1, person="jürg")
    merge_sessions(here, there)
    known = read_people(here)[0]
    (found,) = (person for person in known if person.id == ours.id)
    assert [person.name for person in known] == ["Jürgen Ö", "Only Known"]
    assert (found.birth_year, found.affected_side, found.notes) == (1950, AffectedSide.LEFT, "left hip; likes mornings")
    assert [(one.side, one.goal_deg) for one in found.goals] == [(Side.LEFT, 40.0), (Side.RIGHT, 30.0)]
    assert find_person(known, "Jürg") == found
    assert session_of(here, session_id).record.person_id == ours.id
    assert session_of(here, session_id).person == "Jürgen Ö"
    before = everything(here)
    assert merge_sessions(here, there).already_there == 1
    assert everything(here) == before


def test_somebody_who_was_renamed_on_one_of_two_computers_is_the_same(here: Path, there: Path) -> None:
    write(here, 1, person="Ana")
    shutil.copytree(here, there)
    (ana,) = read_people(there)[0]
    write_person(there, msgspec.structs.replace(ana, name="Ana Maria"))
    session_id = write(there, 2, person="Ana Maria")
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (1, 1, ())
    (known,) = read_people(here)[0]
    assert (known.id, known.name, known.spellings) == (ana.id, "Ana", ("Ana Maria",))
    assert session_of(here, session_id).person == "Ana"


def test_a_name_that_cannot_be_is_named(here: Path, there: Path) -> None:
    good, bad = write(there, 1), write(there, 2, person="")
    path = there / "sessions" / bad / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"person": "x" * 5000}), "utf-8")
    merged = merge_sessions(here, there)
    assert ids(here) == [good]
    assert len(merged.problems) == 1
    assert re.match(f"The session {bad} was left out: .*200 letters", merged.problems[0])


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


def test_a_folder_that_cannot_be_read_is_explained(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(there, 1)

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(merge, "_is_data", denied)
    with pytest.raises(InputError, match="cannot be read"):
        find_data(there)


# ---------------------------------------------------------------------- what a foreign folder may hold
def test_links_out_of_the_folder_are_not_followed(here: Path, there: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root:x", "utf-8")
    session_id, other = write(there, 1), write(there, 2)
    folder = there / "sessions" / session_id
    for name in ("annotated.mp4", "plot.html"):
        (folder / name).symlink_to(secret)
    (folder / "angles.csv").unlink()
    (folder / "angles.csv").symlink_to(secret)
    (there / "sessions" / other / "session.json").rename(tmp_path / "session.json")
    (there / "sessions" / other / "session.json").symlink_to(tmp_path / "session.json")
    elsewhere = write(tmp_path / "elsewhere", 3)
    (there / "sessions" / elsewhere).symlink_to(tmp_path / "elsewhere" / "sessions" / elsewhere)
    write_person(tmp_path / "elsewhere", Person(id="p-9", name="Cleo"))
    (there / "people" / "p-9").symlink_to(tmp_path / "elsewhere" / "people" / "p-9")
    (there / "readings.csv").symlink_to(secret)
    merged = merge_sessions(here, there)
    assert ids(here) == [session_id]
    assert {path.name for path in (here / "sessions" / session_id).iterdir()} == {
        "session.json", "repetitions.csv", "landmarks.csv.gz",
    }  # fmt: skip
    assert sorted(text.split(" ")[0] for text in merged.notes) == ["angles.csv", "annotated.mp4", "plot.html"]
    assert all("it is a link" in text for text in merged.notes)
    assert len(merged.problems) == 4
    for words in (other, f"{elsewhere} was left out: it is a link", "p-9", "readings.csv cannot be read (it is a link"):
        assert any(words in text for text in merged.problems), words
    assert b"root:x" not in b"".join(everything(here).values())
    assert find_person(read_people(here)[0], "Cleo") is None
    shutil.rmtree(there / "sessions")
    (there / "sessions").symlink_to(tmp_path / "elsewhere" / "sessions")
    with pytest.raises(InputError, match="is a link"):
        merge_sessions(here, there)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_only_plain_files_of_rotracks_own_come_in(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = write(there, 1)
    folder = there / "sessions" / session_id
    (folder / "run.sh").write_text("rm -r /", "utf-8")
    (folder / "inside").mkdir()
    os.mkfifo(folder / "annotated.mp4")
    (folder / "plot.html").write_bytes(b"x" * 1001)
    monkeypatch.setitem(COPIED, "plot.html", 1000)
    merged = merge_sessions(here, there)
    assert (merged.added, merged.problems, len(merged.notes)) == (1, (), 4)
    assert {path.name for path in (here / "sessions" / session_id).iterdir()} == {
        "session.json", "repetitions.csv", "angles.csv", "landmarks.csv.gz",
    }  # fmt: skip


EVIL = ("\x1b]0;pwned\x07Ana\x1b[2J", "\u202egnp.exe", '=HYPERLINK("http://x","y")', "+1+1", "a;=cmd|' /C calc'!A0")


def test_names_and_notes_of_a_foreign_folder_are_harmless_wherever_they_are_shown(
    here: Path, there: Path, tmp_path: Path, run: Run
) -> None:
    for number, evil in enumerate(EVIL, start=1):
        session_id = write(there, number)
        path = there / "sessions" / session_id / "session.json"
        raw = json.loads(path.read_text("utf-8")) | {"person": evil, "person_id": "", "note": evil, "band": evil}
        path.write_text(json.dumps(raw), "utf-8")
    assert run("import", there).code == 0
    shown = run("history").out + run("show", "last").out + run("people").out
    commands = (
        ("history", "--csv", tmp_path / "history.csv"),
        ("export", "--to", tmp_path / "tidy.csv"),
        ("export", "-f", "wide", "--to", tmp_path / "wide.csv"),
    )
    tables = [here / "reps.csv"]
    for command in commands:
        ended = run(*command)
        assert ended.code == 0, ended.err
        tables.append(Path(str(command[-1])))
    for text in (shown, *(path.read_text("utf-8-sig") for path in tables)):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    for path in tables:
        text = path.read_text("utf-8-sig")
        assert len(text.splitlines()) > len(EVIL)
        assert "HYPERLINK" in text
        assert not re.search(r'(^|[,;\t"])\s*[=@]', text, re.MULTILINE), path
        assert not re.search(r'(^|[,;\t"])\s*[+-](?!\d+(\.\d+)?(,|\r|$))', text, re.MULTILINE), path


# ---------------------------------------------------------------------- breaking off
def test_a_full_disk_leaves_no_half_session(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = write(here, 9)
    first, second = write(there, 1), write(there, 2)
    kept = files.Appender.append

    def filling(file: files.Appender, content: bytes, durable: bool = True) -> None:
        if (here / "sessions" / first).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        kept(file, content, durable)

    with monkeypatch.context() as patch:
        patch.setattr(files.Appender, "append", filling)
        with pytest.raises(RecordError, match=r"disk is full.* Import again to go on from there\.$"):
            merge_sessions(here, there)
    assert ids(here) == [first, own], "the first one was complete, and of the second nothing is there"
    assert not (here / "import.part").exists()
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there) == (1, 1)
    assert ids(here) == [first, second, own]
    assert all(is_consistent(here, session_id) for session_id in (first, second, own))


@pytest.fixture
def killed_import(here: Path, there: Path) -> list[str]:
    """Return five sessions, of which an import that was killed brought in two, and half of the folder of the third."""
    names = [write(there, number, person=f"P{number}") for number in range(1, 6)]
    killed = (
        "import os, sys; from pathlib import Path; from rotrack.exchange import merge\n"
        "began = []\n"
        "def die(source, *args, kept=merge.read_blocks, **how):\n"
        "    began.append(source.parent)\n"
        "    if len(set(began)) == 3: os._exit(9)\n"
        "    return kept(source, *args, **how)\n"
        "merge.read_blocks = die\n"
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
    refresh_table(here)
    assert list(dict.fromkeys(rows(here).session_id)) == names[:2]
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (3, 2, ())
    merge_sessions(tmp_path / "at once", there)
    assert (here / "reps.csv").read_bytes() == (tmp_path / "at once" / "reps.csv").read_bytes(), "in the same order"
    assert not (here / "import.part").exists()


def test_who_is_deleted_is_gone_from_what_a_killed_import_left_too(here: Path, killed_import: list[str]) -> None:
    assert here / "import.part" in stored_of(here, "P3").elsewhere
    with FileLock(here / "import.lock"):
        delete_person(here, "P3")
    assert (here / "import.part").exists(), "an import needs it"
    delete_person(here, "P3")
    assert not (here / "import.part").exists()
    assert not any(b"P3" in raw for raw in everything(here).values())
    assert ids(here) == killed_import[:2]


def test_a_wreck_of_a_session_is_made_whole(here: Path, there: Path) -> None:
    session_id = write(there, 1)
    wreck = here / "sessions" / session_id
    wreck.mkdir(parents=True)
    (wreck / "angles.csv").write_bytes(b"time_s\r\n")
    (wreck / "session.json.tmp").write_bytes(b"{")
    (wreck / "annotated.mp4").write_bytes(b"video")
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there, merged.problems) == (1, 0, ())
    whole = {path.name: raw for path, raw in everything(there / "sessions" / session_id).items()}
    found = {path.name: raw for path, raw in everything(wreck).items()}
    assert found.pop("annotated.mp4") == b"video", "what they lack is not lost"
    assert found.keys() == whole.keys()
    assert found["angles.csv"] == whole["angles.csv"]
    assert is_consistent(here, session_id)
    before = everything(here)
    assert merge_sessions(here, there).already_there == 1
    assert everything(here) == before


def test_a_stick_pulled_out_leaves_no_empty_sessions(here: Path, there: Path) -> None:
    names = [write(there, number) for number in (1, 2)]
    merged = merge_sessions(here, there, on_total=lambda _: shutil.rmtree(there))
    assert [text.split(":")[0] for text in merged.problems] == [f"The session {name} was left out" for name in names]
    assert list((here / "sessions").glob("*")) == []


def test_a_session_that_cannot_be_read_is_named(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = write(there, 1), write(there, 2)
    may_open = os.open

    def denied(path: Any, *args: Any, **kwargs: Any) -> int:
        if Path(path) == there / "sessions" / bad / "angles.csv":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return may_open(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        merged = merge_sessions(here, there)
    assert len(merged.problems) == 1
    assert re.search(f"The session {bad} was left out: .*angles.csv cannot be read", merged.problems[0])
    assert ids(here) == [good]
    assert merge_sessions(here, there).added == 1
    assert ids(here) == [bad, good]


def test_two_imports_at_once_are_one_after_the_other(here: Path, there: Path) -> None:
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
    session_id = write(there, 1)
    import_readings(there, table_of(there.parent.parent, line()))
    for path in (there / "sessions" / session_id / "repetitions.csv", there / "readings.csv"):
        with path.open("ab") as file:
            file.write(b"torn,row\r\n" * 500)
    with begun(there, 2):
        ended = run("import", there)
        document = json.loads(run("import", there, "--json").out)
    assert ended.code == 5
    assert ended.err.count("repetitions.csv is damaged") == 20
    assert ended.err.count("was left out: ") == 20
    assert "and 481 more" in ended.err
    assert "and 480 more" in ended.err
    assert len(document["problems"]) == 1001
    assert sum("is being measured there right now" in text for text in document["problems"]) == 1


# ---------------------------------------------------------------------- people whose record here cannot be used
def test_a_record_of_a_newer_version_is_not_replaced(here: Path, there: Path) -> None:
    write(here, 1, person="Ana")
    shutil.copytree(here, there)
    (ana,) = read_people(there)[0]
    write_person(there, Person(id="p-7", name="ana"))  # the same in other words
    session_id = write(there, 2, person="Ana")
    path = here / "people" / ana.id / "person.json"
    path.write_text(json.dumps({"format": 2, "id": ana.id, "name": ["Ana"]}))
    before = everything(here / "people")
    merged = merge_sessions(here, there)
    assert (merged.added, merged.already_there) == (1, 1)
    assert "What is known there of Ana was left out." in merged.problems[0] + merged.problems[1]
    assert str(path) in merged.problems[0]
    assert everything(here / "people") == before
    assert load_session(here / "sessions" / session_id).record.person_id == ana.id


def test_a_damaged_record_is_made_again_from_there_and_kept_beside(here: Path, there: Path) -> None:
    write(here, 1, person="Ana")
    (ana,) = read_people(here)[0]
    write_person(there, Person(id="p-8", name="ANA", notes="tea"))
    session_id = write(there, 2, person="Ana")
    path = here / "people" / ana.id / "person.json"
    path.write_text("{")
    merged = merge_sessions(here, there)
    assert (merged.added, merged.problems) == (1, ())
    assert any(str(path) in note for note in merged.notes)
    ((again,), problems) = read_people(here)
    assert (again.id, again.name, again.notes, problems) == (ana.id, "Ana", "tea", [])
    assert path.with_name("person.json.damaged").read_text() == "{"
    assert session_of(here, session_id).record.person_id == ana.id


def test_many_people_are_looked_for_once(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    key_of = people.name_key

    def counted(name: str) -> str:
        asked.append(name)
        return key_of(name)

    monkeypatch.setattr(people, "name_key", counted)
    for data in (here, there):
        for number in range(40):
            write_person(data, Person(id=f"p-{number}", name=f"P{number}"))
    asked.clear()
    merge_sessions(here, there)
    assert len(asked) < 20 * 40
    assert len(read_people(here)[0]) == 40
