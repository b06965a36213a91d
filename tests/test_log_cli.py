"""The commands about what was logged: history, show, drop, note, delete."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import FIXTURES, FOUR, Ended, assert_one_sentence, run_main
from made_sessions import (
    INTERNAL,
    LEFT,
    MONDAY,
    NAN,
    RIGHT,
    begun,
    cut_off,
    everything,
    is_consistent,
    repetition,
    rows,
    rows_of,
    write,
)

import rotrack
from rotrack.calibration.profiles import PersonalProfile, write_profile
from rotrack.cli.console import name_to_log
from rotrack.core.errors import InputError, RecordError
from rotrack.kinematics.camera import Gain
from rotrack.people.erasure import delete_person, stored_of
from rotrack.records.history import people

Run = Callable[..., Ended]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path) -> Run:
    """Run rotrack in this process; `answers` are typed when it asks."""
    monkeypatch.setenv("ROTRACK_HOME", str(data))
    call = partial(run_main, monkeypatch, capfd)

    def go(*args: object, answers: str = "", columns: int = 200) -> Ended:
        typed = io.StringIO(answers)
        monkeypatch.setattr(sys, "stdin", typed)
        ended = call(*args, columns=columns)
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
    write(data, 5, tier="C", drill="lunge-internal")
    cut_off(data, 6, FOUR[:2])
    ended = run("history")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[:-1] == [
        "Ana, seated-internal",
        "date        leg                  value  valid   faults  session",
        "2026-01-01  left internal  38.7 \u00b1 4.0\u00b0  4 of 4          20260101-080000",
        "2026-01-03  no repetition                               20260103-080000",
        "2026-01-06  left internal  32.0 \u00b1 4.0\u00b0  2 of 2          20260106-080000",
        "20260101-080000: slow [today], band red, 2.5 kg",
        "not compared with the latest, with load 2.5 kg, band red: 20260101-080000",
        "",
        "Ana, seated-combined",
        "date        leg                   value  valid   faults  session",
        "2026-01-02  left external    none valid  0 of 1  T       20260102-080000",
        "            right internal  30.0 \u00b1 4.0\u00b0  1 of 1",
        "",
        "Ana, zst-confidence",
        "date        leg               value  valid   faults  session",
        "2026-01-04  left internal  2 cycles  2 of 2          20260104-080000",
        "",
        "Ana, lunge-internal",
        "date        leg                       value  valid   faults  session",
        "2026-01-05  left internal  index 38.7 \u00b1 4.0  4 of 4          20260105-080000",
        "",
    ]
    assert "nan" not in ended.out


def test_ids_are_given_as_far_as_they_are_needed(run: Run, data: Path) -> None:
    for letter in "ab":
        write(data, 1, session_id=f"20260101-080000-seated-internal-{letter}000")
    shown = [line.split()[-1] for line in run("history").out.splitlines()[2:4]]
    assert shown == ["20260101-080000-seated-internal-a", "20260101-080000-seated-internal-b"]
    for session_id in shown:
        assert session_id in run("note", session_id).out


def test_a_date_and_a_note_are_both_taken_or_neither(run: Run, data: Path) -> None:
    session_id = write(data, 1)
    before = everything(data)
    for wrong in (("--load-kg", "900"), ("--dated", "2199-01-01", "--band", "red")):
        assert run("note", session_id, "--dated", "2025-06-01 17:30", *wrong).code == 2
    assert everything(data) == before
    assert "began 2025-06-01 17:30" in run("note", session_id, "--dated", "2025-06-01 17:30", "--band", "red").out
    assert "2025-06-01" in run("history").out


def test_history_of_a_person_and_a_drill(run: Run, data: Path) -> None:
    write(data, 1)
    write(data, 2, person="Müller, Jörg")
    write(data, 3, drill="seated-combined")
    out = run("history", "--person", "Ana", "--drill", "seated-internal").out
    assert ("20260101" in out, "20260102" in out, "20260103" in out) == (True, False, False)
    assert "There is nobody called 'Cleo'. In the log: Ana, Müller, Jörg." in run("history", "-p", "Cleo").out
    assert "Nothing is logged of 'standing-internal'" in run("history", "-d", "standing-internal").out
    assert "Nothing is logged of 'standing-internal' of 'Ana'" in run("history", "-d", "standing-internal", "-p", "Ana").out
    assert_one_sentence(run("history", "-d", "seated-intrnal"), 2, "Did you mean seated-internal")


def test_history_says_which_sessions_are_not_compared_with_the_latest(run: Run, tmp_path: Path) -> None:
    for day, unlike in ((1, {"load_kg": 5.0}), (2, {}), (3, {"reps": (repetition(1, 30.0, hold_s=4.0),)}), (4, {})):
        write(tmp_path, day, **unlike)
    shown = run("history", "--out", tmp_path).out
    assert "not compared with the latest, with load 5 kg: 20260101-080000" in shown
    assert "not compared with the latest, held at the end: 20260103-080000" in shown
    assert shown.count("not compared") == 2


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
    assert_one_sentence(run("history", "--csv", tmp_path / "table.xlsx"), 2, "table.xlsx would hold CSV", "end in .csv")


def test_a_table_replaces_no_file_unless_it_is_told_to(run: Run, data: Path, tmp_path: Path) -> None:
    session_id = write(data, 1)
    thesis = tmp_path / "thesis.csv"
    thesis.write_text("years of work", "utf-8")
    assert_one_sentence(run("history", "--csv", thesis), 2, "thesis.csv is there already", "--overwrite")
    assert thesis.read_text("utf-8") == "years of work"
    assert run("history", "--csv", thesis, "--overwrite").code == 0
    assert list(pd.read_csv(thesis).session_id) == [session_id]
    before = everything(data)
    for own in (data / "reps.csv", data / "sessions" / session_id / "session.json", data / "sessions" / session_id / "new.csv"):
        for told in ([], ["--overwrite"]):
            assert_one_sentence(run("history", "--csv", own, *told), 2, "belongs to rotrack's own log")
    assert everything(data) == before
    assert_one_sentence(run("history", "--csv", tmp_path), 2, "is a folder")


def test_a_table_holds_no_formula(run: Run, data: Path, tmp_path: Path) -> None:
    write(data, 1, note='=HYPERLINK("http://example.org")', person="+1+1")
    run("history", "--csv", tmp_path / "table.csv")
    (row,) = pd.read_csv(tmp_path / "table.csv").to_dict("records")
    assert (row["person"], row["note"]) == ("'+1+1", '\'=HYPERLINK("http://example.org")')


# ---------------------------------------------------------------------- names
@pytest.mark.parametrize("typed", ["ana", " ANA ", "aNA"])
def test_another_spelling_of_a_name_is_the_same_person(run: Run, data: Path, typed: str) -> None:
    for number in range(1, 5):
        write(data, number)
    write(data, 5, person="Ben")
    for command in ("history", "progress"):
        ended = run(command, "--person", typed)
        assert (ended.code, ended.err) == (0, "Did you mean Ana? Showing Ana.\n")
        assert "Ana" in ended.out
        assert "Ben" not in ended.out
        json.loads(run(command, "--person", typed, "--json").out)
    assert run("history", "--person", "Ana").err == run("history", "--person", " Ana").err == ""


def test_letters_that_are_kept_another_way_are_the_same(run: Run, data: Path) -> None:
    write(data, 1, person="J\u00fcrgen Gro\u00df")
    for typed, told in (("Ju\u0308rgen  Gro\u00df", False), ("J\u00dcRGEN GROSS", True)):
        ended = run("history", "--person", typed)
        assert "20260101" in ended.out
        assert ("Did you mean J\u00fcrgen Gro\u00df?" in ended.err) is told


def test_a_name_that_nobody_has_is_answered_with_one_like_it(run: Run, data: Path) -> None:
    write(data, 1)
    ended = run("history", "--person", "anna")
    assert (ended.code, ended.err) == (0, "")
    assert "There is nobody called 'anna'; did you mean Ana?" in ended.out
    assert_one_sentence(run("progress", "--person", "anna"), 2, "There is nobody called 'anna'; did you mean Ana?")
    assert_one_sentence(run("delete", "--person", "anna"), 2, "There is nobody called 'anna'; did you mean Ana?")
    assert_one_sentence(run("progress", "--person", "Zacharias"), 2, "There is nobody called 'Zacharias'. In the log: Ana.")


class Terminal(io.StringIO):
    """Somebody who types answers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "answers", "name"),
    [
        ("anna", "y\n", "Ana"),
        ("anna", "n\n", "anna"),
        ("anna", "\n", "anna"),
        (" ana", "", "Ana"),
        ("Zacharias", "", "Zacharias"),
        ("", "", ""),
    ],
)
def test_whom_to_measure_is_asked_where_somebody_can_answer(
    data: Path, monkeypatch: pytest.MonkeyPatch, typed, answers, name
) -> None:
    write(data, 1)
    keyboard = Terminal(answers)
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert name_to_log(data, typed) == name
    assert keyboard.read() == ""
    assert ("Did you mean Ana?" in sys.stderr.getvalue()) is bool(answers)


def test_without_a_terminal_a_new_name_is_taken_and_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(data, 1)
    write(data, 2, person="Bea Long")
    assert name_to_log(data, "anna") == "anna"
    assert capsys.readouterr().err == "New person: anna. Did you mean Ana? Then `rotrack people merge anna Ana`.\n"
    assert name_to_log(data, "Bea  Longe") == "Bea Longe"
    assert "`rotrack people merge 'Bea Longe' 'Bea Long'`" in capsys.readouterr().err
    assert name_to_log(data, "ANA") == "Ana"
    assert capsys.readouterr().err == ""


# ---------------------------------------------------------------------- what is brought up to date first
@pytest.mark.parametrize(
    "command",
    [
        ["history"],
        ["history", "--json"],
        ["show", "last"],
        ["show", "last", "--json"],
        ["progress"],
        ["progress", "--json"],
        ["drop", "last", "1", "--side", "left", "--direction", "internal"],
        ["note", "last"],
        ["delete", "--session", "last", "--yes"],
        ["delete", "--person", "Ana", "--yes"],
    ],
)
def test_a_table_that_was_changed_by_hand_is_told_beside_the_output(run: Run, data: Path, command: list[str]) -> None:
    write(data, 1, **MONDAY)
    table = data / "reps.csv"
    table.write_bytes(table.read_bytes().replace(b"50.00", b"90.00"))
    ended = run(*command)
    assert ended.code == 0
    assert "reps.csv was changed by hand" in " ".join(ended.err.split())
    assert "changed by hand" not in ended.out
    if "--json" in command:
        json.loads(ended.out)
    assert b"90.00" not in table.read_bytes()
    assert "changed by hand" not in run("history").err


@pytest.mark.parametrize("columns", [25, 27, 30, 32])
def test_a_log_of_an_earlier_version_is_taken_over_by_looking_at_it(run: Run, data: Path, columns: int) -> None:
    shutil.copytree(FIXTURES / "logs" / f"{columns}_columns", data)
    for written in data.rglob("*"):
        written.chmod(0o700 if written.is_dir() else 0o600)
    before = run("history")
    assert before.code == 0
    assert all(
        (folder / "repetitions.csv").exists() for folder in (data / "sessions").iterdir() if (folder / "session.json").exists()
    )
    assert run("history").out == before.out


def test_signs_in_the_name_of_the_folder_are_printed_as_they_are(run: Run, tmp_path: Path) -> None:
    odd = tmp_path / "a[/b]c [bold]x"
    assert str(odd) in run("history", "--out", odd).out
    session_id = write(odd, 1, **MONDAY)
    assert f"kept in {odd / 'sessions' / session_id}" in run("show", "last", "--out", odd).out
    assert f"written to {tmp_path / '[x].csv'}" in run("history", "--out", odd, "--csv", tmp_path / "[x].csv").err


def test_history_lists_what_was_measured_again_once(run: Run, data: Path, tmp_path: Path) -> None:
    first = write(data, 1, **MONDAY)
    write(data, 2)
    again = f"{first}-again"
    write(data, 1, session_id=again, remeasured_from=first, remeasured_at="2026-03-01T08:00:00+01:00", note="again")
    out = run("history").out
    assert (": again" in out, out.count("2026-01-01  "), out.count("2026-01-02  ")) == (True, 1, 1)
    assert "Not listed: 1 older reading of what was measured again; --all lists these, too." in out
    everything = run("history", "--all").out
    assert everything.count("2026-01-01  ") == 2
    assert "Not listed" not in everything
    assert "Not listed" not in run("history", "--person", "Ben").out
    for arguments, ids in (([], [again, "20260102-080000-seated-internal-0002"]),
                           (["--all"], [first, again, "20260102-080000-seated-internal-0002"])):  # fmt: skip
        assert [row["session_id"] for row in json.loads(run("history", "--json", *arguments).out)["sessions"]] == ids
        run("history", "--csv", tmp_path / "table.csv", "--overwrite", *arguments)
        assert list(pd.read_csv(tmp_path / "table.csv").session_id) == ids
    assert first in run("show", first).out


# ---------------------------------------------------------------------- show
def test_show_prints_a_session_again(run: Run, data: Path) -> None:
    write(data, 1)
    session_id = write(data, 2, (*FOUR[:3], repetition(4, 50.0, dropped=True)), note="slow", **MONDAY)
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
    both = {"sides": (LEFT, RIGHT), **MONDAY}
    write(data, 1, (repetition(1, 30.0), repetition(1, 30.0, RIGHT)), **both)
    write(data, 2, (repetition(1, 99.0),), person="Ben", **both)
    write(data, 3, (repetition(1, 45.0), repetition(1, 31.0, RIGHT)), **both)
    said = " ".join(run("show", "last").out.split())
    assert "Left against right, internal rotation: They differ by 7.0 ± 10.1°, in the mean of 2 sessions: within the" in said
    for leg in ("left", "right"):
        assert f"Before, {leg} leg, internal rotation: 1 January 2026: 30.0 ± 4.0°. 2 more sessions are needed" in said
    assert "Not a target and not a diagnosis" in said
    assert "50 women and 50 men of 18 to 27 years, seated" in said
    said = run("show", "20260102").out
    assert "This comparison needs a valid repetition of both legs." in said
    assert "There is no earlier session to compare with." in said


def test_show_compares_only_what_can_be_compared(run: Run, data: Path, tmp_path: Path) -> None:
    write(data, 1, (repetition(1, -50.0),), drill="lunge-external", tier="C", **MONDAY)
    said = run("show", "last").out
    assert "Left against right" not in said, "one leg was measured"
    assert "Not a target" not in said, "an index"
    write(data, 2, (repetition(1, 30.0, hold_s=4.0),), drill="zst-confidence", tier="D", **MONDAY)
    assert "Before" not in run("show", "last").out, "a stretch"
    elsewhere = (data / "sessions" / write(data, 3, **MONDAY)).rename(tmp_path / "on a stick")
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
    cut_off(data, 1, FOUR[:2], **MONDAY)
    ended = run("show", "last")
    assert ended.code == 0
    assert "interrupted" in ended.out
    assert "2 valid of 2" in ended.out
    assert "The program was ended while it measured" in ended.out
    cut_off(data, 2, (), **MONDAY)
    assert "no repetition found." in run("show", "20260102").out


@pytest.mark.parametrize(
    "command", [["show", "x"], ["drop", "x", "1", "-s", "left", "--direction", "internal"], ["note", "x", "y"]]
)
def test_an_unknown_session_is_explained(run: Run, data: Path, command: list[str]) -> None:
    write(data, 1)
    assert_one_sentence(run(*command), 2, "no session 'x'", "rotrack history")
    assert_one_sentence(run("delete", "--session", "x"), 2, "no session 'x'", "rotrack history")


# ---------------------------------------------------------------------- drop
def test_drop_takes_out_and_undo_takes_back_in(run: Run, data: Path) -> None:
    session_id = write(data, 1, **MONDAY)
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


def test_drop_asks_only_for_what_has_several_answers(run: Run, data: Path) -> None:
    write(data, 1)
    assert "1 dropped" in run("drop", "last", "2").out
    write(data, 2, (repetition(1, -20.0), repetition(1, 30.0, RIGHT), repetition(1, 25.0)), drill="seated-combined")
    assert "1 dropped" in run("drop", "last", "1", "--side", "right").out
    ended = run("drop", "last", "1", "--side", "left")
    assert_one_sentence(ended, 2, "with --direction", "has left external, left internal")
    assert_one_sentence(run("drop", "last", "1"), 2, "with --side and --direction")


def test_drop_draws_the_plot_again(run: Run, data: Path) -> None:
    session_id = write(data, 1, **MONDAY)
    plot = data / "sessions" / session_id / "plot.html"
    run("drop", *of("last"), "4")
    assert not plot.exists(), "there was none"
    plot.write_text("old: 39")
    run("drop", *of("last"), "3")
    page = plot.read_text("utf-8")
    assert "left internal 32" in page
    assert "old: 39" not in page


def test_the_curve_of_a_session_elsewhere_is_shown_but_not_changed(run: Run, data: Path, tmp_path: Path) -> None:
    session_id = write(data, 1, **MONDAY)
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
    assert ": =1+1" in run("note", "last", "=1+1").out
    assert b",'=1+1," in (data / "reps.csv").read_bytes(), "no spreadsheet computes it"
    assert_one_sentence(run("note", "last", "two\nlines"), 2, "must be one line")
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
    for name in ("Ana", "Ben"):
        personal(data, name, f"personal-{name}-1")
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
    assert set(rows(data).person) == {"Ana"}
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
        "Deleted: everything about Ana",
    ):
        assert words in ended.out
    after = everything(data)
    assert not any(b"Ana" in contents for contents in after.values())
    assert {p for p in before if p not in after} == {p for p in before if ana in p.parts or b"Ana" in before[p]} - {
        data / "reps.csv"
    }
    for path in after:
        assert after[path] == before[path] or path == data / "reps.csv"
    assert is_consistent(data, ben)
    assert_one_sentence(run("delete", "--person", "Ana"), 2, "There is nobody called 'Ana'. In the log: Ben.")


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
    with begun(data, 3):
        before = everything(data)
        assert_one_sentence(run("delete", "--person", "Ana", "--yes"), 3, "is being measured right now; end it first")
        assert everything(data) == before, "their calibration is left too"


# ---------------------------------------------------------------------- housekeeping
def test_a_calibration_alone_is_deleted_too_even_a_damaged_one(data: Path) -> None:
    whole, other = personal(data, "Jörg", "personal-joerg-1"), personal(data, "Ben", "personal-ben-1")
    torn = data / "calibration" / "personal-joerg-2.part"
    torn.write_bytes(whole.read_bytes()[:-30])
    (data / "calibration" / "camera-1.toml").write_text('kind = "camera"\n')
    notes = data / "calibration" / "notes.txt"
    notes.write_text("Jörg came on Monday\n", "utf-8")
    stored = stored_of(data, " Jörg")
    assert ([p.name for p in stored.profiles], stored.sessions, stored.rows) == ([whole.name, torn.name], (), 0)
    deleted = delete_person(data, "Jörg")
    assert (deleted.sessions, deleted.still) == (0, (notes,))
    assert sorted(p.name for p in (data / "calibration").iterdir()) == ["camera-1.toml", "notes.txt", other.name]


def test_without_a_name_nobody_is_deleted(data: Path) -> None:
    write(data, 1, person="")
    with pytest.raises(InputError, match="Say whom to delete"):
        delete_person(data, " ")
    assert len(rows(data)) == 4


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
    (session,) = rows_of(data, rows(data).session_id[0]).session_id.unique()
    assert is_consistent(data, session)
    stored: dict[str, Any] = json.loads((data / "sessions" / session / "session.json").read_text("utf-8"))
    assert (stored["note"], stored["status"], len(stored["neutrals"])) == ("tight", "finished", 2)
    assert run("delete", "--session", "last", "--yes").code == 0
    assert list((data / "sessions").iterdir()) == []


@pytest.mark.parametrize("how", ["last", "the beginning of its id"])
def test_a_session_is_measured_again_by_what_it_is_called(run: Run, data: Path, how: str) -> None:
    session = rotrack.remeasure(FIXTURES / "internal_right", data)
    assert "4 valid of 4" in run("remeasure", how if how == "last" else session.id[:15]).out
