"""The commands about what was logged: history, show, drop, note, delete."""

import io
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import FIXTURES, Ended, assert_one_sentence, run_main
from test_history import FOUR, INTERNAL, LEFT, NAN, RIGHT, cut_off, everything, info, is_consistent, repetition, rows_of, write

import rotrack
from rotrack.calibration.profiles import PersonalProfile, write_profile
from rotrack.errors import InputError, RecordError
from rotrack.housekeeping import delete_person, stored_of
from rotrack.kinematics.camera import Gain
from rotrack.records.history import people
from rotrack.records.log import SessionWriter, read_reps

Run = Callable[..., Ended]
ABOUT = {"source": {"name": "monday.mp4"}, "measured": "hip rotation"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path) -> Run:
    """Run rotrack in this process; `answers` are typed when it asks."""
    monkeypatch.setenv("ROTRACK_HOME", str(data))
    call = partial(run_main, monkeypatch, capfd)

    def go(*args: object, answers: str = "") -> Ended:
        typed = io.StringIO(answers)
        monkeypatch.setattr(sys, "stdin", typed)
        ended = call(*args)
        assert typed.read() == "", "it asked less often"
        return ended

    return go


def of(session: str, *, side: str = "left", direction: str = "internal") -> list[str]:
    return [session, "--side", side, "--direction", direction]


# ---------------------------------------------------------------------- history
def test_history_of_nothing_says_what_to_do(run: Run, data: Path) -> None:
    ended = run("history")
    assert (ended.code, ended.err) == (0, "")
    assert "Nothing is logged in" in ended.out
    assert "rotrack live" in ended.out
    assert not data.exists()


def test_history_lists_every_session_with_its_error(run: Run, data: Path) -> None:
    write(data, 1, band="red", load_kg=2.5, note="slow [today]")
    write(data, 2, (repetition(1, -20.0, faults=("T",), valid=False), repetition(1, 30.0, RIGHT)), drill="seated-combined")
    write(data, 3, ())
    write(data, 4, tuple(repetition(i, NAN, direction=INTERNAL) for i in (1, 2)), tier="D", drill="zst-confidence")
    write(data, 5, tier="C")
    cut_off(data, 6, FOUR[:2])
    ended = run("history")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    for number, words in (
        (
            1,
            [
                "20260101-080000",
                "Ana",
                "seated-internal",
                "left internal",
                "38.7 ± 4.0°",
                "4 of 4",
                "slow [today], band red, 2.5 kg",
            ],
        ),
        (2, ["20260102-080000", "left external", "none valid", "0 of 1", "T"]),
        (3, ["right internal", "30.0 ± 4.0°"]),
        (4, ["20260103-080000", "no repetition"]),
        (5, ["20260104-080000", "2 cycles"]),
        (6, ["index 38.7 ± 4.0"]),
        (7, ["20260106-080000", "32.0 ± 4.0°", "2 of 2"]),
    ):
        assert all(word in lines[number] for word in words), lines[number]
    assert "nan" not in ended.out


def test_ids_are_given_as_far_as_they_are_needed(run: Run, data: Path) -> None:
    for letter in "ab":
        write(data, 1, session_id=f"20260101-080000-seated-internal-{letter}000")
    shown = [line.split()[0] for line in run("history").out.splitlines()[1:3]]
    assert shown == ["20260101-080000-seated-internal-a", "20260101-080000-seated-internal-b"]
    for session_id in shown:
        assert session_id in run("note", session_id).out


def test_history_of_a_person_and_a_drill(run: Run, data: Path) -> None:
    write(data, 1)
    write(data, 2, person="Müller, Jörg")
    write(data, 3, drill="seated-combined")
    out = run("history", "--person", "Ana", "--drill", "seated-internal").out
    assert ("20260101" in out, "20260102" in out, "20260103" in out) == (True, False, False)
    assert "Nothing is logged of 'ana'. In the log: Ana, Müller, Jörg." in run("history", "-p", "ana").out
    assert "Nothing is logged of 'standing-internal'" in run("history", "-d", "standing-internal").out
    assert_one_sentence(run("history", "-d", "seated-intrnal"), 2, "Did you mean seated-internal")


def test_history_as_a_file_and_as_a_document(run: Run, data: Path, tmp_path: Path) -> None:
    write(data, 1, person="Müller, Jörg")
    broken = data / "sessions" / write(data, 2) / "session.json"
    broken.write_text("{")
    ended = run("history", "--csv", tmp_path / "table.csv")
    assert (ended.code, ended.out) == (0, "")
    assert "written to" in ended.err
    assert "session.json is damaged" in ended.err
    table = pd.read_csv(tmp_path / "table.csv")
    assert (table.person[0], table.value_deg[0]) == ("Müller, Jörg", 38.67)
    document = json.loads(run("history", "--json").out)
    assert document["sessions"][0]["value_deg"] == pytest.approx(38.67, abs=0.01)
    assert document["sessions"][0]["load_kg"] is None
    assert len(document["problems"]) == 1
    assert_one_sentence(run("history", "--csv", tmp_path / "nowhere" / "table.csv"), 3, "table.csv cannot be written")


def test_history_lists_what_was_measured_again_once(run: Run, data: Path, tmp_path: Path) -> None:
    first = write(data, 1, **ABOUT)
    write(data, 2)
    again = f"{first}-again"
    write(data, 1, session_id=again, remeasured_from=first, remeasured_at="2026-03-01T08:00:00+01:00", note="again")
    out = run("history").out
    assert ("again" in out.splitlines()[1], out.count("20260101-080000"), out.count("20260102-080000")) == (True, 1, 1)
    assert "Not listed: 1 older reading of what was measured again; --all lists these, too." in out
    everything = run("history", "--all").out
    assert everything.count("20260101-080000") == 2
    assert "Not listed" not in everything
    assert "Not listed" not in run("history", "--person", "Ben").out
    for arguments, ids in (([], [again, "20260102-080000-seated-internal-0002"]),
                           (["--all"], [first, again, "20260102-080000-seated-internal-0002"])):  # fmt: skip
        assert [row["session_id"] for row in json.loads(run("history", "--json", *arguments).out)["sessions"]] == ids
        run("history", "--csv", tmp_path / "table.csv", *arguments)
        assert list(pd.read_csv(tmp_path / "table.csv").session_id) == ids
    assert first in run("show", first).out


# ---------------------------------------------------------------------- show
def test_show_prints_a_session_again(run: Run, data: Path) -> None:
    write(data, 1)
    session_id = write(data, 2, (*FOUR[:3], repetition(4, 50.0, dropped=True)), note="slow", **ABOUT)
    for name in ("last", "20260102", session_id, data / "sessions" / session_id):
        ended = run("show", name)
        assert (ended.code, ended.err) == (0, "")
        assert session_id in ended.out
        assert "32.0 ± 4.0°" in ended.out
        assert "3 valid of 4, 1 dropped" in ended.out
        assert [line.split()[2] for line in ended.out.splitlines() if " rep " in line] == ["1", "2", "3", "4"]
        assert next(line for line in ended.out.splitlines() if line.endswith("dropped")).split()[2] == "4"
        assert "slow" in ended.out
    document = json.loads(run("show", "last", "--json").out)
    assert document["sides"]["left"]["internal"]["repetitions"][3]["dropped"] is True
    assert document["note"] == "slow"


def test_show_compares_as_the_page_does(run: Run, data: Path) -> None:
    both = {"sides": ["left", "right"], **ABOUT}
    write(data, 1, (repetition(1, 30.0), repetition(1, 30.0, RIGHT)), **both)
    write(data, 2, (repetition(1, 99.0),), person="Ben", **both)
    write(data, 3, (repetition(1, 40.0), repetition(1, 31.0, RIGHT)), **both)
    said = " ".join(run("show", "last").out.split())
    assert "Left against right, internal rotation: The left leg reaches 9.0 ± 5.7° more: larger than the error." in said
    assert "Before, left leg, internal rotation: 1 January 2026: 30.0 ± 4.0°. Now 10.0 ± 5.7° more: larger than the" in said
    assert "Before, right leg, internal rotation: 1 January 2026: 30.0 ± 4.0°. A difference of 1.0 ± 5.7°: within the" in said
    assert "Not a target and not a diagnosis" in said
    assert "internal rotation 37.9°: 120 adults of 20 to 60 years, seated (Kouyoumdjian and others 2012)" in said
    said = run("show", "20260102").out
    assert "Both legs need a valid repetition for this." in said
    assert "There is no earlier session to compare with." in said


def test_show_compares_only_what_can_be_compared(run: Run, data: Path, tmp_path: Path) -> None:
    write(data, 1, (repetition(1, -50.0),), drill="lunge-external", tier="C", **ABOUT)
    said = run("show", "last").out
    assert "Left against right" not in said, "one leg was measured"
    assert "Not a target" not in said, "an index"
    write(data, 2, (repetition(1, 30.0, hold_s=4.0),), drill="zst-confidence", tier="D", **ABOUT)
    assert "Before" not in run("show", "last").out, "a stretch"
    elsewhere = (data / "sessions" / write(data, 3, **ABOUT)).rename(tmp_path / "on a stick")
    said = run("show", elsewhere).out
    assert "Before" not in said, "what else was measured there is not known"
    assert "Not a target" in said


def test_show_draws_the_curve(run: Run, data: Path) -> None:
    session = rotrack.remeasure(FIXTURES / "internal_right", data)
    plot = session.folder / "plot.html"
    assert "plot.html" not in run("show", "last").out
    assert not plot.exists()
    assert run("show", "last", "--plot").out.splitlines()[-1].split(maxsplit=1) == ["plot", str(plot)]
    assert "right internal" in plot.read_text("utf-8")
    plot.unlink()
    ended = run("show", "last", "--plot", "--json")
    assert json.loads(ended.out)["session_id"] == session.id
    assert str(plot) in ended.err
    assert plot.exists()
    (session.folder / "angles.csv").unlink()
    assert_one_sentence(run("show", "last", "--plot"), 3, "angles.csv")


def test_show_says_that_a_session_was_cut_off(run: Run, data: Path) -> None:
    cut_off(data, 1, FOUR[:2], **ABOUT)
    ended = run("show", "last")
    assert ended.code == 0
    assert "interrupted" in ended.out
    assert "2 valid of 2" in ended.out
    assert "The program was ended while it measured" in ended.out
    cut_off(data, 2, (), **ABOUT)
    assert "no repetition found." in run("show", "last").out


@pytest.mark.parametrize(
    "command", [["show", "x"], ["drop", "x", "1", "-s", "left", "--direction", "internal"], ["note", "x", "y"]]
)
def test_an_unknown_session_is_explained(run: Run, data: Path, command: list[str]) -> None:
    write(data, 1)
    assert_one_sentence(run(*command), 2, "no session 'x'", "rotrack history")
    assert_one_sentence(run("delete", "--session", "x"), 2, "no session 'x'", "rotrack history")


# ---------------------------------------------------------------------- drop
def test_drop_takes_out_and_undo_takes_back_in(run: Run, data: Path) -> None:
    session_id = write(data, 1, **ABOUT)
    before = everything(data)
    ended = run("drop", *of("last"), "4", "1")
    assert (ended.code, ended.err) == (0, "")
    assert "33.0 ± 4.0°" in ended.out
    assert "2 valid of 4, 2 dropped" in ended.out
    assert list(rows_of(data, session_id).dropped) == [True, False, False, True]
    assert is_consistent(data, session_id)
    assert "4 valid of 4" in run("drop", *of(session_id), "1", "4", "--undo").out
    assert everything(data) == before
    assert_one_sentence(run("drop", *of("last"), "1", "9"), 2, "no repetition 9 of left internal; it has 1, 2, 3, 4")
    assert run("drop", *of("last", side="up"), "1").code == 2
    assert everything(data) == before


def test_drop_draws_the_plot_again(run: Run, data: Path) -> None:
    session_id = write(data, 1, **ABOUT)
    plot = data / "sessions" / session_id / "plot.html"
    run("drop", *of("last"), "4")
    assert not plot.exists(), "there was none"
    plot.write_text("old: 39")
    run("drop", *of("last"), "3")
    page = plot.read_text("utf-8")
    assert "left internal 32" in page
    assert "old: 39" not in page


def test_the_curve_of_a_session_elsewhere_is_shown_but_not_changed(run: Run, data: Path, tmp_path: Path) -> None:
    session_id = write(data, 1, **ABOUT)
    elsewhere = (data / "sessions" / session_id).rename(tmp_path / "on a stick")
    assert run("show", elsewhere).code == 0
    assert_one_sentence(run("drop", *of(str(elsewhere)), "1"), 2, "lies in no data folder")


# ---------------------------------------------------------------------- note
def test_note_is_written_shown_and_taken_away(run: Run, data: Path) -> None:
    session_id = write(data, 1)
    assert "nothing noted" in run("note", "last").out
    ended = run("note", "last", "knee, sore", "--band", "red", "--load-kg", "2")
    assert f"{session_id}: knee, sore, band red, 2 kg" in ended.out
    assert set(rows_of(data, session_id).note) == {"knee, sore"}
    assert "knee, sore, band red, 2 kg" in run("note", "last").out
    assert "last" not in run("note", "last", "").out
    assert "band red" not in run("note", "last", "--band", "", "--load-kg", "nan").out
    assert is_consistent(data, session_id)
    assert_one_sentence(run("note", "last", "=1"), 2, "note '=1'")
    assert_one_sentence(run("note", "last", "--load-kg", "501"), 2, "from 0 to 500 kg")


# ---------------------------------------------------------------------- delete
def personal(data: Path, person: str, name: str) -> Path:
    """Keep a personal calibration as `rotrack calibrate personal` does."""
    from datetime import datetime

    made = datetime.now().astimezone().replace(microsecond=0)
    gains = {LEFT: Gain(1.1, 0.0, 1.0)}
    profile = PersonalProfile(name, made, "webcam", (640, 480), person, gains, "foot", "2", "none")
    return write_profile(profile, data / "calibration")


def of_two(data: Path) -> tuple[str, str]:
    """Log a session each of Ana and Ben, with their calibrations."""
    for name in ("Ana", "Ben", "ana"):
        personal(data, name, f"personal-{name}-1" if name != "ana" else "personal-small-1")
    return write(data, 1), write(data, 2, person="Ben")


def test_a_session_is_deleted_after_two_questions(run: Run, data: Path) -> None:
    _, ben = of_two(data)
    before = everything(data)
    for answers in ("n\n", "\n", "y\nno\n", "y\nyes\n", "y\nDelete\n"):
        ended = run("delete", "--session", "last", answers=answers)
        assert (ended.code, "Nothing was deleted" in ended.out) == (1, True)
        assert everything(data) == before
    ended = run("delete", "--session", "20260102", answers="y\ndelete\n")
    assert (ended.code, ended.err) == (0, "")
    assert f"deletes the session {ben}" in ended.out
    assert people(data) == ["Ana"]
    assert set(read_reps(data / "reps.csv")[0].person) == {"Ana"}
    assert (data / "calibration" / "personal-Ben-1.toml").exists()


def test_a_person_is_deleted_with_everything_after_two_questions(run: Run, data: Path) -> None:
    ana, ben = of_two(data)
    before = everything(data)
    for answers in ("n\n", "y\nana\n", "y\ny\n"):
        assert "Nothing was deleted" in run("delete", "--person", "Ana", answers=answers).out
        assert everything(data) == before
    ended = run("delete", "--person", " Ana ", answers="y\nAna\n")
    assert (ended.code, ended.err) == (0, "")
    for words in (
        f"1 session ({ana})",
        "4 rows in reps.csv",
        "1 personal calibration (personal-Ana-1)",
        "Deleted: everything of Ana",
    ):
        assert words in ended.out
    after = everything(data)
    assert not any(b"Ana" in contents for contents in after.values())
    assert {p for p in before if p not in after} == {p for p in before if ana in p.parts or p.name == "personal-Ana-1.toml"}
    for path in after:
        assert after[path] == before[path] or path == data / "reps.csv"
    assert is_consistent(data, ben)
    assert_one_sentence(run("delete", "--person", "Ana"), 2, "Nothing is stored of 'Ana'", "In the log: Ben.")


def test_yes_asks_nothing(run: Run, data: Path) -> None:
    of_two(data)
    assert run("delete", "--session", "last", "--yes").code == 0
    assert run("delete", "--person", "Ana", "--yes").code == 0
    assert people(data) == []
    assert_one_sentence(run("delete", "--person", "Ana", "--yes"), 2, "No name is in the log yet")


@pytest.mark.parametrize(
    "args", [[], ["--session", "last", "--person", "Ana"], ["--person", ""], ["--person", " "], ["--session", ""]]
)
def test_a_deletion_must_say_of_what(run: Run, data: Path, args: list[str]) -> None:
    of_two(data)
    write(data, 3, person="")
    before = everything(data)
    ended = run("delete", *args, "--yes")
    assert_one_sentence(ended, 2)
    assert "deletes" not in ended.out
    assert everything(data) == before


def test_a_person_who_is_being_measured_is_not_deleted(run: Run, data: Path) -> None:
    of_two(data)
    with SessionWriter(data, info(3)):
        before = everything(data)
        assert_one_sentence(run("delete", "--person", "Ana", "--yes"), 3, "is being measured right now; end it first")
        assert everything(data) == before, "their calibration is left too"


# ---------------------------------------------------------------------- housekeeping
def test_a_calibration_alone_is_deleted_too_even_a_damaged_one(data: Path) -> None:
    whole, other = personal(data, "Jörg", "personal-joerg-1"), personal(data, "Ben", "personal-ben-1")
    torn = data / "calibration" / "personal-joerg-2.part"
    torn.write_bytes(whole.read_bytes()[:-30])
    (data / "calibration" / "camera-1.toml").write_text('kind = "camera"\n')
    (data / "calibration" / "notes.txt").write_text('person = "Jörg"\n')
    stored = stored_of(data, " Jörg")
    assert ([p.name for p in stored.profiles], stored.sessions, stored.rows) == ([whole.name, torn.name], (), 0)
    assert delete_person(data, "Jörg") == 0
    assert sorted(p.name for p in (data / "calibration").iterdir()) == ["camera-1.toml", "notes.txt", other.name]


def test_without_a_name_nobody_is_deleted(data: Path) -> None:
    write(data, 1, person="")
    with pytest.raises(InputError, match="Say whom to delete"):
        delete_person(data, " ")
    assert len(read_reps(data / "reps.csv")[0]) == 4


def test_a_calibration_that_cannot_be_deleted_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_two(data)

    unlink = Path.unlink

    def held(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".toml":
            raise PermissionError(13, "held by another program", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    with pytest.raises(RecordError, match=r"personal-Ana-1\.toml cannot be deleted"):
        delete_person(data, "Ana")


def test_a_real_session_goes_the_whole_way(run: Run, data: Path) -> None:
    rotrack.remeasure(FIXTURES / "internal_right", data)
    assert "right internal" in run("history").out
    assert "4 valid of 4" in run("show", "last").out
    assert "3 valid of 4, 1 dropped" in run("drop", *of("last", side="right"), "1").out
    assert "tight" in run("note", "last", "tight").out
    (session,) = rows_of(data, read_reps(data / "reps.csv")[0].session_id[0]).session_id.unique()
    assert is_consistent(data, session)
    stored: dict[str, Any] = json.loads((data / "sessions" / session / "session.json").read_text("utf-8"))
    assert (stored["note"], stored["status"], len(stored["neutrals"])) == ("tight", "finished", 2)
    assert run("delete", "--session", "last", "--yes").code == 0
    assert list((data / "sessions").iterdir()) == []
