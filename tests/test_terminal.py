"""What is printed in a terminal of usual width: whole tables, sentences broken between words, nothing cut."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest
from helpers import FOUR, Ended, run_main
from made_sessions import RIGHT, cut_off, repetition, write

from rotrack.cli.check import NAMES, _listed
from rotrack.cli.terminal import Terminal
from rotrack.core.drills import load_table
from rotrack.measure.doctor import Finding
from rotrack.placement.finding import SetupFinding, State
from rotrack.validation import COLUMNS

WIDTHS = (80, 120)
LONG_NAME = "Bartholomew Featherstonehaugh-Cholmondeley"
LONG_TOOL = "goniometer with long arms"
SEATED = "seated-combined"
DRIFTS = "the thigh drifts to the side, and the pelvis rolls along"
LONGEST = max(load_table().drills, key=len)
Shown = Callable[..., list[str]]


@pytest.fixture(params=WIDTHS)
def columns(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, columns: int) -> Shown:
    """Return the lines that a command shows in a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROTRACK_HOME", "d")
    monkeypatch.setattr(Terminal, "is_terminal", property(lambda self: True))

    def show(*args: object) -> list[str]:
        ended: Ended = run_main(monkeypatch, capfd, *args, columns=columns)
        assert "Traceback" not in ended.err
        text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", ended.out + ended.err)
        lines = [line for part in text.splitlines() for line in part.split("\r")]
        assert [line for line in lines if len(line) > columns and " " in line.strip()] == [], "but for a path"
        assert "\u2026" not in text, "something is cut"
        return lines

    return show


def session(day: int, person: str = LONG_NAME, drill: str = LONGEST, **changes: object) -> str:
    faulty = repetition(
        4, 50.0, faults=("T", "P"), valid=False, reason="the thigh drifts to the side, and the pelvis rolls along"
    )
    reps = (*FOUR[:3], faulty, *(repetition(n, -40.0 - n, side=RIGHT) for n in (1, 2, 3)))
    return write(
        Path("d"), day, reps, drill=drill, person=person, sides=("left", "right"), note="left knee sore after the run", **changes
    )


def words_of(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_history_has_a_line_per_value_and_ids_last(shown: Shown) -> None:
    """In 80 columns the names of drill and person were once one letter wide, a session fifteen lines long."""
    days = [session(day, band="red", load_kg=2.5) for day in (1, 2, 3)]
    cut_off(Path("d"), 4, (), drill=LONGEST, person=LONG_NAME)
    lines = shown("history")
    assert f"{LONG_NAME}, {LONGEST}" in lines
    for day in days:
        (line,) = (line for line in lines if line.endswith(f"  {day[:15]}"))
        assert re.fullmatch(r"2026-01-0\d  left internal +[\d.]+ \u00b1 [\d.]+\u00b0 +3 of 4 +P T +\d+-\d+", line)
    assert len(lines) < 20


def test_people_are_listed_whole(shown: Shown) -> None:
    session(1)
    goal, notes = f"{LONGEST} external 45", "operated in May, careful"
    shown("people", "set", LONG_NAME, "--affected-side", "left", "--goal", goal, "--notes", notes)
    lines = shown("people")
    assert re.search(r"^Bartholomew .* 1  2026-01-01  affected: left", "\n".join(lines), re.MULTILINE)
    assert any(line.startswith("Featherstonehaugh-Cholmondeley") or LONG_NAME in line for line in lines)
    assert notes in words_of(shown("people", "show", LONG_NAME))


def test_drills_are_listed_and_explained_whole(shown: Shown) -> None:
    listed = shown("drills")
    for drill in load_table().drills.values():
        assert any(f" {drill.id} " in line for line in listed), drill.id
        words = words_of(shown("drills", drill.id)).replace("\u2502 ", "")
        assert drill.camera in words
        assert all(step in words for step in drill.steps)


def test_a_session_is_shown_whole(shown: Shown) -> None:
    """Values, an index and a stretch, each with what it compares with."""
    for number, drill in enumerate((LONGEST, "seated-combined", "lunge-internal", "zst-confidence")):
        tier = load_table().drills[drill].tier
        session(1 + 2 * number, drill=drill, tier=tier)
        last = session(2 + 2 * number, drill=drill, tier=tier)
        lines = shown("show", "last")
        assert any(line.endswith(f"/d/sessions/{last}") for line in lines)
        assert any(line.startswith(("\u2502 left", "\u2502 right")) for line in lines)
        assert "left knee sore after the run" in words_of(lines)
        assert DRIFTS in words_of(lines)


def test_what_has_changed_is_told_whole(shown: Shown) -> None:
    for day in range(1, 8):
        session(day)
    lines = shown("progress")
    assert f"{LONG_NAME}, {LONGEST}" in words_of(lines)
    assert re.search(r"left internal +7 .*(error|change|sessions)", "\n".join(lines))
    for number in range(6):
        session(8 + number, person=f"{LONG_NAME} {number}")
    lines = shown("progress")
    assert "7 people" in words_of(lines), "a line or two per person, if there are many"
    assert len([line for line in lines if re.search(r"^ Bartholomew .* 2026-01-\d\d +\d +2 ", line)]) == 7


def test_agreement_and_its_cautions_are_told_whole(shown: Shown) -> None:
    header = "taken_at,person,drill,side,direction,value_deg,instrument,rater"
    rows = []
    for day in range(1, 8):
        session(day, drill=SEATED)
        rows.append(
            f"2026-01-{day:02} 08:30,{LONG_NAME},{SEATED},left,internal,{36 + day % 3},goniometer with long arms,{LONG_NAME}"
        )
    Path("typed.csv").write_text("\n".join([header, *rows, f"{rows[0]},more"]) + "\n", "utf-8")
    assert "7 readings added, 0 already there." in shown("import", "typed.csv")
    lines = shown("agreement")
    assert f"rotrack against {LONG_TOOL}: 7 pairs of {LONG_NAME}" in words_of(lines)
    assert any(
        re.fullmatch(r"lower limit of agreement +[-+][\d.]+\u00b0 +[-+][\d.]+ to [-+][\d.]+\u00b0 *", line) for line in lines
    )


def test_what_the_doctor_finds_is_told_whole(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    found = "Front Camera of a very long name that its maker gave it: 1280x720, 30 frames per second"
    advice = "Plug one in and allow this program to use it; videos can be measured with `rotrack analyze`."
    monkeypatch.setattr("rotrack.cli.doctor.checkup", lambda *_: [Finding("note", "cameras", found, advice)])
    words = words_of(shown("doctor"))
    assert found in words
    assert advice in words


def test_the_set_up_is_listed_whole(columns: int) -> None:
    sentence = "Turn the camera to the right by about 20 degrees, and put it at the height of the knees, 2 to 2.5 m away"
    terminal = Terminal(file=io.StringIO(), width=columns)
    terminal.print(_listed(tuple(SetupFinding(check, State.PROBLEM, sentence) for check in NAMES)))
    text = terminal.file.getvalue()
    assert max(map(len, text.splitlines())) <= columns
    assert words_of(text.splitlines()).count(sentence) == len(NAMES)


def test_wrong_lines_of_a_manifest_are_told_whole(shown: Shown) -> None:
    clinic = Path("clinic")
    clinic.mkdir()
    rows = (f"a-video-of-{LONG_NAME.lower().replace(' ', '-')}-{n}.mp4,{LONG_NAME},{LONGEST},left,2026-01-0{n}" for n in (1, 2))
    (clinic / "manifest.csv").write_text("\n".join(["file,person,drill,side,recorded_at", *rows]) + "\n", "utf-8")
    words = words_of(shown("analyze", "clinic"))
    assert "2 lines of manifest.csv cannot be used, nothing is measured." in words
    assert "line 3 a-video-of-bartholomew-featherstonehaugh-cholmondeley-2.mp4" in words


def test_errors_of_clips_are_told_whole(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of postures has too many columns for most terminals, and comes in parts there."""
    row = dict.fromkeys(COLUMNS, "") | {
        "clip": "tune_standing_toe_pivot_combined_12", "drill": LONGEST, "posture": "sidelying_strength_bottom", "side": "right",
        "body": "a man", "moves": "yes", "bias_deg": -10.51, "mae_deg": 11.2, "loa_low_deg": -12.11, "loa_high_deg": 13.02,
        "peak_mae_deg": 11.3, "peak_error_deg": "1.0", "reps_found": 10, "reps_true": 11, "reps_invented": 1, "reps_covered": 4,
        "faults": "K L", "camera_advice": "yes", "note": "the right heel is not seen in half of the frames, by 3.5 px or more",
    }  # fmt: skip
    table = pd.DataFrame([row, row | {"clip": "tune_seated_1", "posture": "seated"}], columns=COLUMNS)
    monkeypatch.setattr("rotrack.cli.validate.validate_folder", lambda *_, **__: table)
    lines = shown("validate", ".")
    assert any(
        re.fullmatch(r"(tune_seated_1)? +right +-10\.51 +11\.20 +-12\.11 to \+13\.02 +11\.30 +10 of 11", line) for line in lines
    )
    assert "faults K L; 1 invented; camera place; the right heel is not seen" in words_of(lines)
    parts = [line for line in lines if line.startswith("sidelying strength bottom ")]
    assert len(parts) > 1, "each part begins with the postures"
    assert all(name in words_of(lines) for name in ("mean error", "clips right", "and with its zero", "its 95 % holds"))


def test_every_help_fits(shown: Shown) -> None:
    from rotrack import cli

    for command in cli.COMMANDS:
        lines = shown(command.name, "--help")
        assert any(line.startswith(" Usage: rotrack") for line in lines)


# ---------------------------------------------------------------------- sentences
def test_a_sentence_is_broken_between_words_and_paths_stay_whole() -> None:
    path = f"/home/ana/{'x' * 40}"
    for is_terminal, expected in (
        (True, ["  Kept in the folder", f"  {path}", "  for you."]),
        (False, [f"  Kept in the folder {path} for you."]),
    ):
        terminal = Terminal(file=io.StringIO(), width=20, force_terminal=is_terminal, color_system=None)
        terminal.print(f"  [bold]Kept[/] in the folder {path} for you.", soft_wrap=True)
        assert terminal.file.getvalue().splitlines() == expected


def test_styles_and_empty_lines_survive_the_breaking() -> None:
    terminal = Terminal(file=io.StringIO(), width=20, force_terminal=True, color_system="standard", highlight=False)
    terminal.print("[bold]one two three four five[/]\n\nsix", soft_wrap=True)
    assert terminal.file.getvalue() == "\x1b[1mone two three four\x1b[0m\n\x1b[1mfive\x1b[0m\n\nsix\n"
