"""People: spellings that mean the same are one person, and the sessions follow their person."""

import csv
import json
import os
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers import FOUR, a_record, a_step, assert_one_sentence, everything, log_session, run_main
from test_readings import line, table_of

from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, RecordError, RotrackError
from rotrack.core.model import Direction, Side
from rotrack.exchange.typed import import_readings
from rotrack.people import changes
from rotrack.people.changes import archive_person, change_person, give_session, merge_people, rename_person
from rotrack.records.folders import locked
from rotrack.records.history import earlier_sessions, history_table, people
from rotrack.records.people import (
    AffectedSide,
    Care,
    Goal,
    Person,
    care_of,
    find_person,
    known_or_new,
    limit_of_words,
    new_person,
    read_people,
    similar,
    write_person,
)
from rotrack.records.readings import read_readings
from rotrack.records.record import read_record
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table
from rotrack.records.writer import SessionWriter
from rotrack.system.inputs import read_table
from rotrack.texts import Texts


def known(data: Path, name: str) -> Person:
    person = known_or_new(data, name)
    assert person is not None
    return person


def names(data: Path) -> list[str]:
    return [person.name for person in read_people(data)[0]]


# ---------------------------------------------------------------------- spellings
@pytest.mark.parametrize(
    "typed", ["jürgen ö", "JÜRGEN Ö", unicodedata.normalize("NFD", "Jürgen Ö"), " Jürgen   Ö ", "Jürgen\u00a0Ö"]
)
def test_spellings_that_mean_the_same_are_one_person(tmp_path: Path, typed: str) -> None:
    first = known(tmp_path, "Jürgen Ö")
    assert known(tmp_path, typed) == first
    assert names(tmp_path) == ["Jürgen Ö"]
    log_session(tmp_path, 1, person=typed)
    log_session(tmp_path, 2, person="Jürgen Ö")
    assert people(tmp_path) == ["Jürgen Ö"]
    assert len(history_table(tmp_path, typed)) == 2
    one, other = read_sessions(tmp_path)[0]
    assert list(earlier_sessions(other, [one, other])) == [one]


def test_nobody_has_no_record(tmp_path: Path) -> None:
    for nobody in ("", "  ", "\u200b"):
        assert known_or_new(tmp_path, nobody) is None
    assert not (tmp_path / "people").exists()


def test_a_name_is_kept_as_it_was_typed_but_clean(tmp_path: Path) -> None:
    assert known(tmp_path, "  van  der\x1b[2J Berg ").name == "van der[2J Berg"
    with pytest.raises(InputError, match="cannot be used: a name must have 1 to 200 letters"):
        known_or_new(tmp_path, "x" * 201)


def test_somebody_is_found_by_name_spelling_and_id(tmp_path: Path) -> None:
    ana = write_person(tmp_path, msgspec.structs.replace(new_person("Ana Base"), spellings=("Anna Base",)))
    ben = known(tmp_path, "Ben")
    everybody = read_people(tmp_path)[0]
    assert find_person(everybody, "anna base") == ana
    assert find_person(everybody, ben.id) == ben
    assert find_person(everybody, "Nobody") is None
    assert find_person(everybody, "") is None


@pytest.mark.parametrize(
    ("typed", "meant"), [("Ana Bse", "Ana Base"), ("ana", None), ("Anna Base", "Ana Base"), ("Zaphod", None)]
)
def test_a_slip_of_the_finger_is_told(tmp_path: Path, typed: str, meant: str | None) -> None:
    for name in ("Ana Base", "Ben"):
        known(tmp_path, name)
    found = similar(read_people(tmp_path)[0], typed)
    assert (found and found.name) == meant


def test_several_programs_that_meet_somebody_new_at_once_make_one_person(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no forks there")
    children = []
    for spelling in ("Ana Base", "ana base", "ANA BASE", "Ana  Base") * 2:
        child = os.fork()
        if not child:
            code = 1
            try:
                with locked(tmp_path):
                    known_or_new(tmp_path, spelling)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 8
    assert len(names(tmp_path)) == 1


# ---------------------------------------------------------------------- records
def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    goal = Goal(drill="seated-internal", direction=Direction.INTERNAL, goal_deg=40.0, side=Side.LEFT)
    person = change_person(
        tmp_path, known(tmp_path, "Ana"), affected_side=AffectedSide.LEFT, birth_year=1980, notes="likes tea", goals=(goal,),
        precautions=("no load", "stop at pain"),
    )  # fmt: skip
    assert read_people(tmp_path) == ([person], [])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"birth_year": 1700}, "no year of birth"),
        ({"birth_year": date.today().year + 1}, "no year of birth"),
        ({"name": "  "}, "1 to 200 letters"),
        ({"notes": "two\nlines"}, "line"),
        ({"precautions": ("two\nlines",)}, "line"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    person = known(tmp_path, "Ana")
    with pytest.raises(InputError, match=says) as told:
        change_person(tmp_path, person, **changes)
    assert str(told.value).endswith(".")
    assert read_people(tmp_path)[0] == [person]


@pytest.mark.parametrize("goal_deg", [0.0, -5.0, 500.0, float("nan")])
def test_a_goal_must_be_an_angle_of_a_hip(goal_deg: float) -> None:
    with pytest.raises(ValueError, match="a goal must be"):
        Goal(drill="seated-internal", direction=Direction.INTERNAL, goal_deg=goal_deg)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 5}, {"id": "p-00000000"}, {"id": "../../x"}, {"birth_year": "old"}, {"goals": [{"drill": "x"}]}, {"format": 9},
        {"affected_side": "up"},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_record_is_one_sentence_and_the_sessions_keep_the_name(tmp_path: Path, changes: dict[str, Any]) -> None:
    ana, ben = known(tmp_path, "Ana"), known(tmp_path, "Ben")
    log_session(tmp_path, 1, person="Ana", person_id=ana.id)
    path = tmp_path / "people" / ana.id / "person.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    everybody, (problem,) = read_people(tmp_path)
    assert everybody == [ben]
    assert str(path) in problem
    assert problem.endswith(".")
    ((session,), problems) = read_sessions(tmp_path)
    assert (session.person, problems) == ("Ana", [problem])


# ---------------------------------------------------------------------- whose a session is
def test_a_session_measured_under_no_name_is_given_to_a_person(tmp_path: Path) -> None:
    ana = known(tmp_path, "Ana")
    folder, other = (log_session(tmp_path, day, person="") for day in (1, 2))
    reps = (folder / "repetitions.csv").read_bytes()
    assert give_session(tmp_path, folder.name, " ANA ") == 1
    assert (read_record(folder).person, read_record(folder).person_id) == ("Ana", ana.id)
    assert read_record(other).person == "", "the other one stays as it is"
    assert (folder / "repetitions.csv").read_bytes() == reps
    rows = csv.DictReader((tmp_path / "reps.csv").read_text("utf-8-sig").splitlines())
    assert {row["person"] for row in rows if row["session_id"] == folder.name} == {"Ana"}
    assert give_session(tmp_path, folder.name, "") == 1
    assert (read_record(folder).person, read_record(folder).person_id) == ("", "")


def test_whoever_is_new_gets_a_record(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1, person="Ana")
    give_session(tmp_path, folder.name, "Ben")
    (ben,) = (person for person in read_people(tmp_path)[0] if person.name == "Ben")
    assert read_record(folder).person_id == ben.id
    assert [session.person for session in read_sessions(tmp_path)[0]] == ["Ben"]


def test_all_readings_of_a_movement_go_to_the_same_person(tmp_path: Path) -> None:
    first = log_session(tmp_path, 1, person="Ana")
    again = log_session(tmp_path, 2, person="Ana", remeasured_from=first.name)
    assert give_session(tmp_path, again.name, "Ben") == 2
    assert {read_record(folder).person for folder in (first, again)} == {"Ben"}


def test_a_session_that_is_being_measured_stays_whose_it_is(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record(1, person="Ana")) as writer, pytest.raises(RecordError, match="being measured"):
        give_session(tmp_path, writer.folder.name, "Ben")
    assert read_record(writer.folder).person == "Ana"


def test_giving_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    folder = log_session(tmp_path, 1, person="Ana")
    ended = run_main(monkeypatch, capfd, "people", "give", "last", "Ben", "--out", tmp_path)
    assert (ended.code, ended.out) == (0, "1 session of Ana belongs to Ben now.\n")
    assert read_record(folder).person == "Ben"
    ended = run_main(monkeypatch, capfd, "people", "give", "no-such", "Ben", "--out", tmp_path)
    assert_one_sentence(ended, ended.code, "no-such")


# ---------------------------------------------------------------------- renamed, merged, archived
def test_a_new_name_is_everywhere(tmp_path: Path) -> None:
    person = known(tmp_path, "Ana")
    folder = log_session(tmp_path, 1, person="Ana", person_id=person.id)
    log_session(tmp_path, 2, person="Ana Maria")
    renamed = rename_person(tmp_path, person, "Ana  Base")
    assert (renamed.id, renamed.name) == (person.id, "Ana Base")
    assert read_record(folder).person == "Ana Base"
    assert [row["person"] for _, row in read_table(tmp_path / "reps.csv").rows] == ["Ana Base"] * 4 + ["Ana Maria"] * 4
    assert people(tmp_path) == ["Ana Maria", "Ana Base"]
    assert not any(b'"Ana"' in content for content in everything(tmp_path).values())


def test_another_spelling_of_the_name_is_a_new_name(tmp_path: Path) -> None:
    person = known(tmp_path, "ana base")
    assert rename_person(tmp_path, person, "Ana Base").name == "Ana Base"
    assert names(tmp_path) == ["Ana Base"]


@pytest.mark.parametrize(
    ("name", "says"), [("Ben", "Somebody is called Ben already"), ("  ", "cannot be used"), ("a\nb", "line")]
)
def test_a_name_that_cannot_be_given_changes_nothing(tmp_path: Path, name: str, says: str) -> None:
    person = known(tmp_path, "Ana")
    known(tmp_path, "Ben")
    before = everything(tmp_path)
    with pytest.raises(InputError, match=says):
        rename_person(tmp_path, person, name)
    assert everything(tmp_path) == before


def test_whoever_is_being_measured_keeps_name_and_record(tmp_path: Path) -> None:
    ana, ben = known(tmp_path, "Ana"), known(tmp_path, "Ben")
    log_session(tmp_path, 1, person="Ana", person_id=ana.id)
    with SessionWriter(tmp_path, a_record(2, person="Ana", person_id=ana.id)) as writer:
        writer.append(a_step((FOUR[0],)))
        for change in (lambda: rename_person(tmp_path, ana, "Ana Base"), lambda: merge_people(tmp_path, ana, ben)):
            with pytest.raises(RecordError, match="being measured right now"):
                change()
            assert names(tmp_path) == ["Ana", "Ben"]
            assert [session.person for session in read_sessions(tmp_path)[0]] == ["Ana"]


class Killed(BaseException):
    """Stands for the end of the program: nothing catches it."""


@pytest.mark.parametrize("calls", range(4))
def test_a_renaming_that_is_ended_goes_on_when_it_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    person = known(tmp_path, "Ana")
    folders = [log_session(tmp_path, day, person="Ana", person_id=person.id) for day in (1, 2)]
    move, moved = Path.replace, []

    def killed(self: Path, target: Path) -> Path:
        if len(moved) == calls:
            raise Killed
        moved.append(target)
        return move(self, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", killed)
        rename_person(tmp_path, person, "Ana Base")
    rename_person(tmp_path, next(p for p in read_people(tmp_path)[0] if p.id == person.id), "Ana Base")
    assert [read_record(folder).person for folder in folders] == ["Ana Base"] * 2
    assert refresh_table(tmp_path) == ()
    assert people(tmp_path) == ["Ana Base"]


def test_two_that_are_one_become_one(tmp_path: Path) -> None:
    ana = change_person(tmp_path, known(tmp_path, "Ana"), birth_year=1980, notes="tea", precautions=("no load",))
    anna = change_person(tmp_path, known(tmp_path, "Anna"), affected_side=AffectedSide.LEFT, notes="coffee", birth_year=1981)
    for day, person in enumerate((ana, anna, anna), start=1):
        log_session(tmp_path, day, person=person.name, person_id=person.id)
    assert merge_people(tmp_path, anna, ana) == 2
    (one,) = read_people(tmp_path)[0]
    assert (one.id, one.name, one.spellings) == (ana.id, "Ana", ("Anna",))
    assert (one.birth_year, one.affected_side, one.notes, one.precautions) == (1980, "left", "tea; coffee", ("no load",))
    assert {(s.record.person_id, s.person) for s in read_sessions(tmp_path)[0]} == {(ana.id, "Ana")}
    assert known(tmp_path, "anna").id == ana.id
    assert not (tmp_path / "people" / anna.id).exists()
    with pytest.raises(InputError, match="one person already"):
        merge_people(tmp_path, one, one)


def test_a_merge_that_is_ended_goes_on_when_it_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ana, anna = known(tmp_path, "Ana"), known(tmp_path, "Anna")
    log_session(tmp_path, 1, person="Anna", person_id=anna.id)

    def killed(*_: object) -> None:
        raise Killed

    for place in ("_follow", "remove_person"):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(changes, place, killed)
            merge_people(tmp_path, anna, find_person(read_people(tmp_path)[0], ana.id) or ana)
    merge_people(tmp_path, anna, find_person(read_people(tmp_path)[0], ana.id) or ana)
    (one,) = read_people(tmp_path)[0]
    assert (one.name, one.spellings) == ("Ana", ("Anna",))
    assert [s.person for s in read_sessions(tmp_path)[0]] == ["Ana"]


def test_what_lies_beside_a_record_goes_along(tmp_path: Path) -> None:
    """Room for programmes and plans."""
    ana, anna = known(tmp_path, "Ana"), known(tmp_path, "Anna")
    (tmp_path / "people" / anna.id / "plan.json").write_text("{}")
    merge_people(tmp_path, anna, ana)
    assert (tmp_path / "people" / ana.id / "plan.json").read_text() == "{}"


def test_somebody_is_archived_and_comes_back(tmp_path: Path) -> None:
    person = archive_person(tmp_path, known(tmp_path, "Ana"))
    assert read_people(tmp_path)[0] == [person]
    assert person.archived
    assert not archive_person(tmp_path, person, archived=False).archived


# ---------------------------------------------------------------------- records that cannot be used
def damage(data: Path, person: Person, content: str = "{") -> Path:
    """Make a record of a person one that cannot be used."""
    path = data / "people" / person.id / "person.json"
    path.write_text(content, "utf-8")
    return path


def test_whoever_has_a_damaged_record_stays_the_same_person(tmp_path: Path) -> None:
    ana = known(tmp_path, "Ana")
    log_session(tmp_path, 1, person="Ana", person_id=ana.id)
    path = damage(tmp_path, ana)
    again = known(tmp_path, "ana")
    assert (again.id, again.name) == (ana.id, "Ana")
    assert read_people(tmp_path) == ([again], [])
    assert path.with_name("person.json.damaged").read_text() == "{"
    assert known(tmp_path, "Ben").id != ana.id


def test_a_damaged_record_that_still_says_the_name_needs_no_session(tmp_path: Path) -> None:
    ana = known(tmp_path, "Ana")
    damage(tmp_path, ana, json.dumps({"id": ana.id, "name": "Ana", "birth_year": "old"}))
    assert known(tmp_path, "Ana").id == ana.id
    assert names(tmp_path) == ["Ana"]


def test_a_record_of_a_newer_version_is_used_by_its_id_and_stays(tmp_path: Path) -> None:
    ana = known(tmp_path, "Ana")
    log_session(tmp_path, 1, person="Ana", person_id=ana.id)
    path = damage(tmp_path, ana, json.dumps({"format": 2, "id": ana.id, "name": {"given": "Ana"}}))
    before = everything(tmp_path)
    assert known(tmp_path, "Ana").id == ana.id
    assert everything(tmp_path) == before
    (problem,) = read_people(tmp_path)[1]
    assert problem == f"{path} was written by a newer version of rotrack; update rotrack to read it."
    with pytest.raises(RecordError, match="no record of Ana"):
        change_person(tmp_path, ana, notes="tea")
    assert everything(tmp_path) == before


# ---------------------------------------------------------------------- two programs at once
def test_a_change_is_made_to_the_record_as_it_is_now(tmp_path: Path) -> None:
    ana = known(tmp_path, "Ana")
    rename_person(tmp_path, ana, "Nova")
    changed = change_person(tmp_path, ana, notes="x")
    assert (changed.name, changed.notes) == ("Nova", "x")
    assert archive_person(tmp_path, ana).notes == "x"
    assert rename_person(tmp_path, ana, "Nova Base").archived


def test_whoever_is_gone_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    ana, anna, ben = (known(tmp_path, name) for name in ("Ana", "Anna", "Ben"))
    merge_people(tmp_path, anna, ana)
    for change in (
        lambda: change_person(tmp_path, anna, notes="x"),
        lambda: rename_person(tmp_path, anna, "Cleo"),
        lambda: merge_people(tmp_path, anna, ben),
        lambda: merge_people(tmp_path, ben, anna),
    ):
        with pytest.raises(RecordError, match="no record of Anna"):
            change()
    assert names(tmp_path) == ["Ana", "Ben"]


def test_a_name_that_is_taken_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program gives the name while this one waits for the log."""
    ana, ben = known(tmp_path, "Ana"), known(tmp_path, "Ben")

    def late(data: Path) -> Any:
        monkeypatch.setattr(changes, "locked", locked)
        rename_person(tmp_path, ben, "Nova")
        return locked(data)

    monkeypatch.setattr(changes, "locked", late)
    with pytest.raises(InputError, match="Somebody is called Nova already"):
        rename_person(tmp_path, ana, "Nova")
    assert names(tmp_path) == ["Ana", "Nova"]


def test_programs_that_rename_at_once_leave_one_name_everywhere(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no forks there")
    data = tmp_path / "data"
    ana = known(data, "Ana")
    log_session(data, 1, person="Ana", person_id=ana.id)
    import_readings(data, table_of(tmp_path, line(person="Ana")))
    children = []
    for name in ("Nova", "Mia", "Cleo", "Dora"):
        child = os.fork()
        if not child:
            code = 1
            try:
                rename_person(data, ana, name)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    ((one,), problems) = read_people(data)
    assert (one.spellings, problems) == ((), [])
    assert [row["person"] for _, row in read_table(data / "readings.csv").rows] == [one.name]
    assert {session.record.person for session in read_sessions(data)[0]} == {one.name}


@pytest.mark.parametrize("place", ["_follow", "_rename_beside"])
def test_a_renaming_that_is_ended_leads_to_the_person_by_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    data = tmp_path / "data"
    ana = known(data, "Ana")
    log_session(data, 1, person="Ana", person_id=ana.id)
    import_readings(data, table_of(tmp_path, line(person="Ana")))

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(changes, place, killed)
        rename_person(data, ana, "Nova")
    assert known(data, "Ana") == known(data, "Nova")
    assert set(read_readings(data)[0].person) == {session.person for session in read_sessions(data)[0]} == {"Ana"}
    renamed = rename_person(data, known(data, "Nova"), "Nova")
    assert (renamed.id, renamed.name, renamed.spellings) == (ana.id, "Nova", ())
    assert not any(b"Ana" in content for content in everything(data).values())


def test_damaged_copies_of_two_records_do_not_stand_in_the_way_of_a_merge(tmp_path: Path) -> None:
    both = [known(tmp_path, name) for name in ("Ana", "Anna")]
    for person in both:
        (tmp_path / "people" / person.id / "person.json.damaged").write_text("{")
    merge_people(tmp_path, both[1], both[0])
    assert names(tmp_path) == ["Ana"]
    assert len(list((tmp_path / "people" / both[0].id).iterdir())) == 3


# ---------------------------------------------------------------------- what to take care of
def test_limits_and_drills_to_avoid_are_known_before_a_drill(tmp_path: Path) -> None:
    person = known_or_new(tmp_path, "Ana")
    limits = tuple(map(limit_of_words, ("internal 40", "internal left 30", "seated-combined external 25")))
    write_person(tmp_path, msgspec.structs.replace(person, limits=limits, avoided=("lunge-external",), precautions=("No pain.",)))
    seated, standing = (care_of(tmp_path, "ana", load_table().drill(f"{name}-combined")) for name in ("seated", "standing"))
    both = {(Side.LEFT, Direction.INTERNAL): 30.0, (Side.RIGHT, Direction.INTERNAL): 40.0}
    assert standing.most_deg == both
    assert seated.most_deg == both | {(side, Direction.EXTERNAL): 25.0 for side in Side}
    assert [Texts().said(told) for told in standing.told] == [
        "left leg, internal rotation: not beyond 30 degrees.", "right leg, internal rotation: not beyond 40 degrees.", "No pain.",
    ]  # fmt: skip
    assert care_of(tmp_path, "Ana", load_table().drill("lunge-external")).avoided and not seated.avoided
    assert care_of(tmp_path, "Nobody", load_table().drill("lunge-external")) == Care()
    assert [str(limit) for limit in limits] == ["internal 40", "internal left 30", "seated-combined external 25"]


@pytest.mark.parametrize("words", ["internal", "inwards 30", "internal left far", "internal -3", "no-drill internal 30"])
def test_a_limit_that_means_nothing_is_explained(words: str) -> None:
    with pytest.raises(RotrackError):
        limit_of_words(words)
