"""All sessions of a data folder: read, compared with like ones, changed and deleted without harm to the others."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import PATIENT_S, environment, stop
from test_log import documented

from rotrack.errors import InputError, RecordError
from rotrack.model import MEASURE_VERSION, WITHOUT_LEGNET, Direction, Rep, Side, Step, empty_pose
from rotrack.records import history, log
from rotrack.records.history import (
    HISTORY_COLUMNS,
    delete_session,
    delete_sessions_of,
    describe_session,
    drop_rep,
    earlier_sessions,
    earlier_value,
    find_session,
    history_table,
    people,
    read_sessions,
    session_folder,
    write_history,
)
from rotrack.records.log import SessionWriter, being_written, read_info, read_reps
from rotrack.records.session import INTERRUPTED, load_session, session_values

BOM = b"\xef\xbb\xbf"
LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")


def repetition(rep: int, peak_deg: float, side: Side = LEFT, **changes: Any) -> Rep:
    one = Rep(
        side, Direction.of(peak_deg), rep, True, peak_deg, 4.0, NAN, 1.0, peak_deg, abs(peak_deg),
        rep, rep + 0.5, rep + 1.0, 0.4, (), "", 0.9,
    )  # fmt: skip
    return replace(one, **changes)


FOUR = tuple(repetition(i, peak) for i, peak in enumerate((30.0, 34.0, 32.0, 50.0), start=1))


def info(number: int, **changes: Any) -> dict[str, Any]:
    """Return what session.json holds of the session of that day of January."""
    drill = changes.get("drill", "seated-internal")
    return {
        "session_id": f"202601{number:02}-080000-{drill}-{number:04x}",
        "started_at": f"2026-01-{number:02}T08:00:00+01:00",
        "status": "running",
        "person": "Ana",
        "drill": drill,
        "tier": "A",
        "calibration": "none",
        "zero": "neutral pose",
        "model": "heavy",
        "convention_version": "2",
        "measure_version": MEASURE_VERSION,
        "remeasured_from": "",
        "rotrack_version": "0.1.0",
        "note": "",
        "band": "",
        "load_kg": None,
        "warnings": [],
        **changes,
    }


def write(data: Path, number: int, reps: tuple[Rep, ...] = FOUR, **changes: Any) -> str:
    """Log a session as measuring does; return its id."""
    with SessionWriter(data, info(number, **changes)) as writer:
        append(writer, reps)
        finish(writer, reps, changes.get("status", "finished"))
    return writer.info["session_id"]


def append(writer: SessionWriter, reps: tuple[Rep, ...]) -> None:
    for rep in reps:
        writer.append(Step(empty_pose(rep.end_s, (640, 480), "nobody is seen in the picture"), {}, (), (rep,)))


def finish(writer: SessionWriter, reps: tuple[Rep, ...], status: str = "finished") -> None:
    values = [asdict(v) for v in session_values(reps)]
    writer.update(status=status, reps=[asdict(r) for r in reps], values=values, apart=[])


def cut_off(data: Path, number: int, reps: tuple[Rep, ...] = FOUR, **changes: Any) -> str:
    """Log a session as a program leaves it that is killed: its lock lies there, and nobody holds it."""
    writer = SessionWriter(data, info(number, **changes))
    append(writer, reps)
    writer.close()
    (writer.folder / "writing.lock").touch()
    return writer.info["session_id"]


def session_of(data: Path, session_id: str) -> Any:
    return load_session(data / "sessions" / session_id)


def rows_of(data: Path, session_id: str) -> pd.DataFrame:
    table, problems = read_reps(data / "reps.csv")
    assert problems == []
    return table[table.session_id == session_id]


def lines_of(data: Path, session_id: str) -> list[bytes]:
    return [line for line in (data / "reps.csv").read_bytes().split(b"\r\n") if session_id.encode() in line]


def everything(data: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in data.rglob("*") if p.is_file() and p.suffix != ".lock"}


def is_consistent(data: Path, session_id: str) -> bool:
    """Check that session.json, its values and the rows of reps.csv say the same."""
    session, rows = session_of(data, session_id), rows_of(data, session_id)
    assert list(rows.dropped) == [r.dropped for r in session.rep_list]
    assert {(n, b) for n, b in zip(rows.note, rows.band, strict=True)} == {(session.info["note"], session.info["band"])}
    stored = [NAN if v["value_deg"] is None else v["value_deg"] for v in session.info["values"]]
    assert stored == pytest.approx([v.value_deg for v in session.values], nan_ok=True)
    load_kg = session.info["load_kg"]
    return bool(rows.load_kg.isna().all() if load_kg is None else (rows.load_kg == load_kg).all())


# ---------------------------------------------------------------------- reading
def test_an_empty_folder_has_no_history(tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "nowhere"):
        assert read_sessions(data) == ([], [])
        assert people(data) == []
        assert len(history_table(data)) == 0
        assert earlier_value(data, "Ana", "seated-internal", LEFT, INTERNAL) is None
        assert not (tmp_path / "nowhere").exists()
    assert list(history_table(tmp_path).columns) == HISTORY_COLUMNS


def test_sessions_come_in_the_order_of_time_wherever_the_clock_stood(tmp_path: Path) -> None:
    late = write(tmp_path, 3, started_at="2026-01-01T09:00:00+05:00")
    early = write(tmp_path, 5, started_at="2026-01-01T03:00:00+00:00")
    last = write(tmp_path, 1, started_at="2026-02-01T09:00:00")  # somebody wrote this by hand
    sessions, problems = read_sessions(tmp_path)
    assert ([s.id for s in sessions], problems) == ([early, late, last], [])


def test_damaged_sessions_are_named_and_the_others_read(tmp_path: Path) -> None:
    good, *bad = (write(tmp_path, number) for number in range(1, 7))
    damages = ({"person": None}, {"started_at": "yesterday"}, {"reps": [{"side": "left"}]}, {"load_kg": "heavy"}, None)
    for session_id, broken in zip(bad, damages, strict=True):
        path = tmp_path / "sessions" / session_id / "session.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **broken}) if broken else "{", "utf-8")
    sessions, problems = read_sessions(tmp_path)
    assert [s.id for s in sessions] == [good]
    assert len(problems) == len(bad)
    assert all(session_id in problem for session_id, problem in zip(bad, problems, strict=True))
    assert all(problem.endswith(".") for problem in problems)


def test_a_copied_folder_does_not_count_twice(tmp_path: Path) -> None:
    session_id = write(tmp_path, 1)
    folder = tmp_path / "sessions" / session_id
    copy = folder.with_name("copy of it")
    copy.mkdir()
    (copy / "session.json").write_bytes((folder / "session.json").read_bytes())
    sessions, problems = read_sessions(tmp_path)
    assert [s.folder for s in sessions] == [folder]
    assert "give the folder that name" in problems[0]


def test_people_are_listed_by_their_exact_names_the_latest_first(tmp_path: Path) -> None:
    for number, name in enumerate(["Ana", "Ben", "", "ana", " Ana ", "Jörg"], start=1):
        write(tmp_path, number, person=name)
    assert people(tmp_path) == ["Jörg", "Ana", "ana", "Ben"]
    assert len(history_table(tmp_path, "Ana")) == 2
    assert len(history_table(tmp_path, "Ana ")) == 2
    assert len(history_table(tmp_path, "")) == 1
    assert len(history_table(tmp_path)) == 6


# ---------------------------------------------------------------------- sessions that were cut off
def test_a_session_that_was_cut_off_has_what_was_logged_of_it(tmp_path: Path) -> None:
    other = write(tmp_path, 1)
    session_id = cut_off(tmp_path, 2, (*FOUR, repetition(5, -20.0, RIGHT, faults=("T", "O"), valid=False, reason="thigh moved")))
    sessions, problems = read_sessions(tmp_path)
    assert ([s.id for s in sessions], problems) == ([other, session_id], [])
    cut = sessions[1]
    assert cut.info["status"] == "interrupted"
    assert cut.warnings == [INTERRUPTED]
    assert [r.peak_deg for r in cut.rep_list] == [30, 34, 32, 50, -20]
    assert (cut.rep_list[4].side, cut.rep_list[4].faults, cut.rep_list[4].valid) == (RIGHT, ("T", "O"), False)
    assert np.isnan(cut.rep_list[0].fit_sd_deg)
    assert cut.values[0].value_deg == session_of(tmp_path, other).values[0].value_deg
    assert read_info(cut.folder)["status"] == "running", "looking changes nothing"
    assert cut.summary()["status"] == "interrupted"


def test_a_session_that_was_cut_off_before_the_first_repetition_is_there(tmp_path: Path) -> None:
    session_id = cut_off(tmp_path, 1, ())
    (session,) = read_sessions(tmp_path)[0]
    assert (session.id, session.rep_list, session.info["status"]) == (session_id, (), "interrupted")


def test_a_session_that_is_being_measured_is_left_out_and_left_alone(tmp_path: Path) -> None:
    done = write(tmp_path, 1)
    with SessionWriter(tmp_path, info(2)) as writer:
        append(writer, FOUR[:2])
        before = everything(tmp_path)
        running = writer.info["session_id"]
        assert [s.id for s in read_sessions(tmp_path)[0]] == [done]
        assert session_of(tmp_path, running).info["status"] == "running"
        assert len(session_of(tmp_path, running).rep_list) == 2
        for change in (
            lambda: drop_rep(tmp_path, running, LEFT, INTERNAL, 1),
            lambda: describe_session(tmp_path, running, note="x"),
            lambda: delete_session(tmp_path, running),
            lambda: delete_sessions_of(tmp_path, "Ana"),
        ):
            with pytest.raises(RecordError, match="is being measured right now"):
                change()
        assert everything(tmp_path) == before
        drop_rep(tmp_path, done, LEFT, INTERNAL, 1)
        append(writer, FOUR[2:])
        finish(writer, FOUR)
    assert [len(s.rep_list) for s in read_sessions(tmp_path)[0]] == [4, 4]
    assert is_consistent(tmp_path, done)


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_history import FOUR, SessionWriter, append, info

writer = SessionWriter(Path(sys.argv[1]), info(1))
append(writer, FOUR[:3])
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL here")
def test_only_a_dead_program_makes_a_session_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment(tmp_path))
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert read_sessions(tmp_path) == ([], []), "it is being measured"
        with pytest.raises(RecordError, match="being measured"):
            delete_sessions_of(tmp_path, "Ana")
    finally:
        stop(process)
    (session,) = read_sessions(tmp_path)[0]
    assert (session.info["status"], len(session.rep_list)) == ("interrupted", 3)
    assert not being_written(session.folder)
    assert delete_sessions_of(tmp_path, "Ana") == 1
    assert list((tmp_path / "sessions").iterdir()) == []


# ---------------------------------------------------------------------- tables and comparing
def test_the_table_has_one_row_per_session_side_and_direction(tmp_path: Path) -> None:
    reps = (
        repetition(1, 30.0, faults=("O",)),
        repetition(2, 90.0, faults=("T", "P"), valid=False, reason="thigh moved"),
        repetition(3, 80.0, faults=("K",), dropped=True),
        repetition(1, -20.0, RIGHT),
    )
    first = write(tmp_path, 1, reps, drill="seated-combined", band="red", load_kg=2.5, note="slow")
    write(tmp_path, 2, ())
    write(tmp_path, 3, tuple(repetition(i, NAN, direction=INTERNAL) for i in (1, 2)), tier="D", drill="zst-confidence")
    (tmp_path / "sessions" / first / "annotated.mp4").touch()
    table = history_table(tmp_path)
    assert list(table.columns) == HISTORY_COLUMNS
    assert list(zip(table.side, table.direction, strict=True)) == [
        ("left", "internal"),
        ("right", "external"),
        ("left", "internal"),
    ]
    row = table.iloc[0]
    assert (row.session_id, row.person, row.drill, row.tier) == (first, "Ana", "seated-combined", "A")
    assert (row.value_deg, row.uncertainty_deg) == (30.0, 4.0)
    assert (row.reps_used, row.reps_valid, row.reps_total) == (1, 1, 3)
    assert row.faults == "O P T", "not those of what was dropped"
    assert (row.band, row.load_kg, row.note) == ("red", 2.5, "slow")
    assert (row.calibration, row.zero, row.convention_version, row.status) == ("none", "neutral pose", "2", "finished")
    assert list(table.has_video) == [True, True, False]
    assert table.value_deg[1] == -20.0
    assert np.isnan(table.value_deg[2])
    assert np.isnan(table.load_kg[2])
    assert len(history_table(tmp_path, drill="zst-confidence")) == 1


def test_columns_are_those_of_the_data_dictionary() -> None:
    assert documented("The history table") == set(HISTORY_COLUMNS)


def test_the_table_as_a_file_opens_without_a_question(tmp_path: Path) -> None:
    write(tmp_path, 1, person="Müller, Jörg")
    table = history_table(tmp_path)
    write_history(table, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes().startswith(BOM)
    again = pd.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert (again.person[0], again.value_deg[0]) == ("Müller, Jörg", round(table.value_deg[0], 2))
    with pytest.raises(RecordError, match="cannot be written"):
        write_history(table, tmp_path / "nowhere" / "table.csv")


def value_before(data: Path, before: str | None = None, **changes: Any) -> float | None:
    wanted = {"person": "Ana", "drill": "seated-internal", "side": LEFT, "direction": INTERNAL, **changes}
    value = earlier_value(data, before=before, **wanted)
    return value and value.value_deg


@pytest.mark.parametrize(
    "unlike",
    [
        {"person": "ana"},
        {"drill": "seated-combined"},
        {"zero": "gravity"},
        {"convention_version": "1"},
        {"measure_version": MEASURE_VERSION + WITHOUT_LEGNET},
        {"calibration": "camera"},
        {"reps": (repetition(1, 99.0, RIGHT),)},
        {"reps": (repetition(1, -99.0),)},
        {"reps": (repetition(1, 99.0, valid=False),)},
        {"reps": (repetition(1, 99.0, dropped=True),)},
        {"reps": ()},
    ],
    ids=str,
)
def test_only_like_is_compared_with_like(tmp_path: Path, unlike: dict[str, Any]) -> None:
    write(tmp_path, 1, (repetition(1, 10.0),))
    write(tmp_path, 2, (repetition(1, 20.0),))
    write(tmp_path, 3, **{"reps": (repetition(1, 99.0),), **unlike})
    now = write(tmp_path, 4, (repetition(1, 40.0),))
    write(tmp_path, 5, (repetition(1, 50.0),))
    assert value_before(tmp_path, now) == 20.0
    assert value_before(tmp_path, now, person=" Ana ") == 20.0


def test_the_earlier_value_while_measuring_is_that_of_the_last_session(tmp_path: Path) -> None:
    write(tmp_path, 1, (repetition(1, 10.0),))
    write(tmp_path, 2, (repetition(1, 20.0),), convention_version="1")
    assert value_before(tmp_path) == 10.0
    cut_off(tmp_path, 3, (repetition(1, 30.0),), calibration="camera")
    assert value_before(tmp_path) == 30.0, "also of one that was cut off"
    with SessionWriter(tmp_path, info(4)) as writer:
        append(writer, (repetition(1, 40.0),))
        assert value_before(tmp_path) == 30.0
        assert value_before(tmp_path, writer.info["session_id"]) == 10.0


@pytest.mark.parametrize("nobody", ["", "  "])
def test_sessions_without_a_name_are_not_those_of_one_person(tmp_path: Path, nobody: str) -> None:
    write(tmp_path, 1, person=nobody)
    now = write(tmp_path, 2, person=nobody)
    sessions, _ = read_sessions(tmp_path)
    assert list(earlier_sessions(sessions[1].info, sessions)) == []
    assert value_before(tmp_path, now, person="") is None
    assert value_before(tmp_path, person=" ") is None


def test_a_session_is_not_compared_with_itself_measured_again(tmp_path: Path) -> None:
    write(tmp_path, 1, (repetition(1, 10.0),))
    original = write(tmp_path, 2, (repetition(1, 20.0),))
    again = write(tmp_path, 3, (repetition(1, 30.0),), remeasured_from=original)
    assert value_before(tmp_path, again) == 10.0
    assert value_before(tmp_path, write(tmp_path, 4, (), remeasured_from=original)) == 10.0
    assert value_before(tmp_path, original) == 10.0


def test_comparing_an_unknown_session_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no session 'nothing'"):
        value_before(tmp_path, "nothing")


# ---------------------------------------------------------------------- finding
@pytest.mark.parametrize("name", ["", ".", "..", "../data", "/", "a" * 300, "a\0b"])
def test_no_odd_name_is_a_session(tmp_path: Path, name: str) -> None:
    write(tmp_path / "data", 1)
    for find in (session_folder, find_session):
        with pytest.raises(InputError, match="There is no session"):
            find(tmp_path / "data", name)


def test_a_session_is_found_by_id_beginning_folder_or_last(tmp_path: Path) -> None:
    first, second = write(tmp_path, 1), write(tmp_path, 2)
    folder = tmp_path / "sessions"
    assert find_session(tmp_path, first) == folder / first
    assert find_session(tmp_path, "20260102") == folder / second
    assert find_session(tmp_path, "last") == folder / second
    assert find_session(tmp_path / "elsewhere", str(folder / first)) == folder / first
    for name, words in (("202601", f"may be {first}, {second}"), ("2025", "no session '2025'"), ("", "no session ''")):
        with pytest.raises(InputError, match=words):
            find_session(tmp_path, name)
    with pytest.raises(InputError, match="measure something first"):
        find_session(tmp_path / "empty", "last")


# ---------------------------------------------------------------------- dropping
def test_a_dropped_repetition_stays_in_the_log_and_can_come_back(tmp_path: Path) -> None:
    other, session_id = write(tmp_path, 1), write(tmp_path, 2)
    before = everything(tmp_path)
    session = drop_rep(tmp_path, session_id, LEFT, INTERNAL, 4)
    (value,) = session.values
    assert (value.value_deg, value.reps_valid, value.reps_total) == (32.0, 3, 4)
    assert list(rows_of(tmp_path, session_id).dropped) == [False, False, False, True]
    assert list(session_of(tmp_path, session_id).values) == [value]
    assert session_of(tmp_path, session_id).reps.dropped.sum() == 1
    assert is_consistent(tmp_path, session_id)
    assert lines_of(tmp_path, other) == [line for line in before[tmp_path / "reps.csv"].split(b"\r\n") if other.encode() in line]
    again = drop_rep(tmp_path, session_id, LEFT, INTERNAL, [4], dropped=False)
    assert again.values[0].value_deg == pytest.approx((50 + 34 + 32) / 3)
    assert everything(tmp_path) == before, "undone to the byte"


def test_a_curve_drawn_with_the_old_values_goes_away(tmp_path: Path) -> None:
    session_id = write(tmp_path, 1)
    plot = tmp_path / "sessions" / session_id / "plot.html"
    plot.write_text("left 39")
    drop_rep(tmp_path, session_id, LEFT, INTERNAL, 4)
    assert not plot.exists()


def test_only_the_excursion_that_was_meant_is_dropped(tmp_path: Path) -> None:
    reps = (repetition(1, -20.0), repetition(1, 30.0), repetition(1, 33.0, RIGHT), repetition(2, 31.0))
    session_id = write(tmp_path, 1, reps, drill="seated-combined")
    drop_rep(tmp_path, session_id, LEFT, INTERNAL, (1, 2))
    assert list(rows_of(tmp_path, session_id).dropped) == [False, True, False, True]
    assert is_consistent(tmp_path, session_id)


def test_dropping_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    session_id = write(tmp_path, 1)
    before = everything(tmp_path)
    with pytest.raises(InputError, match="no repetition 7 of left internal; it has 1, 2, 3, 4"):
        drop_rep(tmp_path, session_id, LEFT, INTERNAL, (1, 7))
    with pytest.raises(InputError, match="it has none of these"):
        drop_rep(tmp_path, session_id, RIGHT, INTERNAL, 1)
    for name in ("nothing", "..", "", ".", f"../sessions/{session_id}"):
        with pytest.raises(InputError, match="There is no session"):
            drop_rep(tmp_path, name, LEFT, INTERNAL, 1)
        with pytest.raises(InputError, match="There is no session"):
            delete_session(tmp_path, name)
    assert everything(tmp_path) == before


def test_a_session_that_was_cut_off_is_settled_by_a_change(tmp_path: Path) -> None:
    session_id = cut_off(tmp_path, 1)
    session = drop_rep(tmp_path, session_id, LEFT, INTERNAL, 1)
    stored = read_info(session.folder)
    assert (stored["status"], stored["warnings"], len(stored["reps"])) == ("interrupted", [INTERRUPTED], 4)
    (again,) = read_sessions(tmp_path)[0]
    assert (again.info["status"], again.warnings, again.values) == ("interrupted", [INTERRUPTED], session.values)
    assert is_consistent(tmp_path, session_id)


def test_changes_bring_an_earlier_log_up_to_date(tmp_path: Path) -> None:
    """As an earlier version left it: fewer columns, and a session.json without the later entries."""
    session_id, other = write(tmp_path, 1, person="Müller, Jörg"), write(tmp_path, 2)
    path = tmp_path / "reps.csv"
    rows = path.read_bytes().split(b"\r\n")
    header = BOM + ",".join(log.REP_COLUMNS[:27]).encode()
    earlier = [row.removesuffix(f",false,,,{MEASURE_VERSION},".encode()) for row in rows[1:]]
    path.write_bytes(b"\r\n".join([header, *earlier]))
    file = tmp_path / "sessions" / session_id / "session.json"
    stored = json.loads(file.read_text("utf-8"))
    stored["reps"] = [{k: v for k, v in rep.items() if k != "dropped"} for rep in stored["reps"]]
    file.write_text(json.dumps({k: v for k, v in stored.items() if k not in ("band", "load_kg")}), "utf-8")
    drop_rep(tmp_path, session_id, LEFT, INTERNAL, 2)
    describe_session(tmp_path, session_id, band="red")
    assert is_consistent(tmp_path, other)
    assert list(rows_of(tmp_path, session_id).dropped) == [False, True, False, False]
    assert set(rows_of(tmp_path, session_id).band) == {"red"}
    assert lines_of(tmp_path, other) == [row + b",,,,," for row in earlier if other.encode() in row]


# ---------------------------------------------------------------------- describing
def test_note_band_and_load_can_be_told_later_and_taken_back(tmp_path: Path) -> None:
    session_id, other = write(tmp_path, 1, note="old"), write(tmp_path, 2)
    others = lines_of(tmp_path, other)
    describe_session(tmp_path, session_id, note='knee, "tight"', band="red", load_kg=2.5)
    rows = rows_of(tmp_path, session_id)
    assert (set(rows.note), set(rows.band), set(rows.load_kg)) == ({'knee, "tight"'}, {"red"}, {2.5})
    assert is_consistent(tmp_path, session_id)
    session = describe_session(tmp_path, session_id, load_kg=0.0)
    assert (session.info["note"], session.info["band"], session.info["load_kg"]) == ('knee, "tight"', "red", 0.0)
    describe_session(tmp_path, session_id, note="", band="", load_kg=NAN)
    assert is_consistent(tmp_path, session_id)
    assert rows_of(tmp_path, session_id).load_kg.isna().all()
    assert history_table(tmp_path).load_kg.isna().all()
    assert lines_of(tmp_path, other) == others


@pytest.mark.parametrize("wrong", [{"note": "=1+1"}, {"band": "two\nlines"}, {"load_kg": -1.0}, {"load_kg": 9e9}], ids=str)
def test_what_no_spreadsheet_would_bear_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    session_id = write(tmp_path, 1)
    before = everything(tmp_path)
    with pytest.raises(InputError):
        describe_session(tmp_path, session_id, **wrong)
    assert everything(tmp_path) == before


# ---------------------------------------------------------------------- deleting
def mixed(data: Path) -> tuple[list[str], list[str]]:
    """Log sessions of Ana and of others, in turns; return the ids of hers and of the others."""
    hers = [write(data, number) for number in (1, 3)] + [write(data, 5, person=" Ana ", drill="seated-combined")]
    others = [write(data, 2, person="Müller, Jörg"), write(data, 4, person="ana"), write(data, 6, person="", note="Ana")]
    for session_id in hers:
        (data / "sessions" / session_id / "annotated.mp4").write_bytes(b"video")
        (data / "sessions" / session_id / "extra").mkdir()
        (data / "sessions" / session_id / "extra" / "more").touch()
    return hers, others


@pytest.mark.parametrize("columns", [25, 27, 30, len(log.REP_COLUMNS)])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"], ids=["as written", "saved by an editor"])
def test_deleting_a_person_leaves_the_rows_of_others_as_they_are(tmp_path: Path, columns: int, newline: bytes) -> None:
    hers, others = mixed(tmp_path)
    path = tmp_path / "reps.csv"
    rows = path.read_bytes().removeprefix(BOM).split(b"\r\n")
    rows = [b",".join(row.split(b",")[: columns - len(log.REP_COLUMNS) or None]) for row in rows]  # as earlier versions wrote it
    damaged = [rows[1][:60], b"leftover of a merge", b"\0" * 20, b"\xff\xfe,\xff", b'"unclosed']
    path.write_bytes(BOM + newline.join([*rows[:-1], *damaged, b""]))
    kept = [row for row in rows[:-1] if not any(session_id.encode() in row for session_id in hers)]
    before = everything(tmp_path / "sessions")
    assert delete_sessions_of(tmp_path, "Ana ") == 3
    assert path.read_bytes() == BOM + newline.join([*kept, *damaged[1:], b""]), "hers are gone, also the torn one"
    assert sorted(p.name for p in (tmp_path / "sessions").iterdir()) == sorted(others)
    assert everything(tmp_path / "sessions") == {p: b for p, b in before.items() if p.parent.name in others}
    assert "Ana" not in people(tmp_path)
    assert delete_sessions_of(tmp_path, "Ana") == 0


def test_deleting_a_session_leaves_all_others(tmp_path: Path) -> None:
    hers, others = mixed(tmp_path)
    before = everything(tmp_path)
    delete_session(tmp_path, hers[0])
    after = everything(tmp_path)
    assert {p for p in before if p not in after} == {p for p in before if hers[0] in p.parts}
    assert sorted(s.id for s in read_sessions(tmp_path)[0]) == sorted([*hers[1:], *others])
    for session_id in (*hers[1:], *others):
        assert is_consistent(tmp_path, session_id)


def test_a_person_whose_session_file_is_damaged_is_deleted_all_the_same(tmp_path: Path) -> None:
    session_id = write(tmp_path, 1)
    (tmp_path / "sessions" / session_id / "session.json").write_text("{")
    assert delete_sessions_of(tmp_path, "Ana") == 1
    assert list((tmp_path / "sessions").iterdir()) == []
    assert len(read_reps(tmp_path / "reps.csv")[0]) == 0


def test_rows_whose_folder_is_gone_are_deleted_with_the_person(tmp_path: Path) -> None:
    session_id, other = write(tmp_path, 1), write(tmp_path, 2, person="Ben")
    history._remove(tmp_path / "sessions" / session_id)
    with (tmp_path / "reps.csv").open("ab") as file:
        file.write(f"{session_id},2026-01-01T08:".encode())  # torn before the name
    assert delete_sessions_of(tmp_path, "Ana") == 1
    assert session_id.encode() not in (tmp_path / "reps.csv").read_bytes()
    assert list(read_reps(tmp_path / "reps.csv")[0].session_id.unique()) == [other]


def test_after_all_was_deleted_measuring_goes_on(tmp_path: Path) -> None:
    delete_session(tmp_path, write(tmp_path, 1))
    assert read_sessions(tmp_path) == ([], [])
    session_id = write(tmp_path, 2)
    assert is_consistent(tmp_path, session_id)


def test_a_draft_that_a_crash_left_is_deleted_too(tmp_path: Path) -> None:
    write(tmp_path, 1)
    draft = tmp_path / "reps.csv.tmp"
    draft.write_bytes((tmp_path / "reps.csv").read_bytes())
    delete_sessions_of(tmp_path, "Ana")
    assert not draft.exists()


def test_what_cannot_be_deleted_stays_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = write(tmp_path, 1)
    unlink = Path.unlink

    def held(self: Path, missing_ok: bool = False) -> None:
        if self.parent.name == session_id:
            assert (self.parent / "session.json").exists(), "it goes last"
        if self.name == "landmarks.csv.gz":
            raise PermissionError(errno.EACCES, "held by another program", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    with pytest.raises(RecordError, match=r"landmarks.csv.gz cannot be deleted .*; close what shows it and try again\."):
        delete_session(tmp_path, session_id)
    assert [s.id for s in read_sessions(tmp_path)[0]] == [session_id]
    monkeypatch.undo()
    delete_session(tmp_path, session_id)
    assert read_sessions(tmp_path) == ([], [])


def test_a_linked_session_folder_is_unlinked_not_emptied(tmp_path: Path) -> None:
    session_id = write(tmp_path, 1)
    folder, real = tmp_path / "sessions" / session_id, tmp_path / "real"
    folder.rename(real)
    try:
        folder.symlink_to(real)
    except OSError:
        pytest.skip("links are not allowed here")
    delete_session(tmp_path, session_id)
    assert not folder.exists()
    assert (real / "session.json").exists()


# ---------------------------------------------------------------------- when something breaks
CHANGES: dict[str, Callable[[Path, str], Any]] = {
    "drop": lambda data, session_id: drop_rep(data, session_id, LEFT, INTERNAL, 2),
    "describe": lambda data, session_id: describe_session(data, session_id, note="new"),
    "delete": delete_session,
}


@pytest.mark.parametrize(("change", "at"), [("drop", 1), ("drop", 2), ("describe", 1), ("describe", 2), ("delete", 1)], ids=str)
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, at: int) -> None:
    session_id = write(tmp_path, 1)
    write(tmp_path, 2, person="Ben")
    before = everything(tmp_path)
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(log.os, "fsync", full)
    with pytest.raises(RecordError, match="the disk is full"):
        CHANGES[change](tmp_path, session_id)
    monkeypatch.undo()
    assert everything(tmp_path) == before, "no draft is left either"
    CHANGES[change](tmp_path, session_id)


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_that_another_program_holds_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    session_id = write(tmp_path, 1)
    before = everything(tmp_path)
    monkeypatch.setattr(log, "LOCK_TIMEOUT_S", 0.1)
    with log.FileLock(tmp_path / "reps.csv.lock"), pytest.raises(RecordError, match=r"Another program holds reps\.csv"):
        CHANGES[change](tmp_path, session_id)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("change", CHANGES)
def test_a_foreign_file_in_place_of_the_log_is_never_touched(tmp_path: Path, change: str) -> None:
    session_id = write(tmp_path, 1)
    (tmp_path / "reps.csv").write_text("date,weight\n2026-01-01,80\n")
    before = everything(tmp_path)
    with pytest.raises(RecordError, match="not a repetition log"):
        CHANGES[change](tmp_path, session_id)
    assert everything(tmp_path) == before


def test_a_change_is_kept_even_if_the_log_was_moved_away(tmp_path: Path) -> None:
    session_id = write(tmp_path, 1)
    (tmp_path / "reps.csv").unlink()
    drop_rep(tmp_path, session_id, LEFT, INTERNAL, 1)
    assert session_of(tmp_path, session_id).rep_list[0].dropped
    assert not (tmp_path / "reps.csv").exists()


def test_a_torn_last_row_survives_a_change(tmp_path: Path) -> None:
    session_id, torn = write(tmp_path, 1), write(tmp_path, 2, FOUR[:1])
    path = tmp_path / "reps.csv"
    whole = path.read_bytes()
    start = whole.index(torn.encode())
    for cut in range(start + 1, len(whole), 7):
        path.write_bytes(whole[:cut])
        drop_rep(tmp_path, session_id, LEFT, INTERNAL, 2)
        assert path.read_bytes().endswith(whole[start:cut])
        drop_rep(tmp_path, session_id, LEFT, INTERNAL, 2, dropped=False)
        assert path.read_bytes() == whole[:cut]


def change_many(folder: str, number: int, count: int) -> None:
    """Log a session, and drop and describe it over and over; runs in a process of its own."""
    data = Path(folder)
    session_id = write(data, number, person=f"Person {number}")
    for i in range(count):
        drop_rep(data, session_id, LEFT, INTERNAL, 1 + i % 4, dropped=i % 3 > 0)
        describe_session(data, session_id, note=f"note {i}")
        if i % 5 == 0:
            delete_session(data, write(data, 10 * number + i // 5, person="gone"))


@pytest.mark.slow
def test_two_programs_that_change_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    programs = [context.Process(target=change_many, args=(str(tmp_path), number, 30)) for number in (1, 2)]
    for process in programs:
        process.start()
    for process in programs:
        process.join(PATIENT_S)
    assert [process.exitcode for process in programs] == [0, 0]
    sessions, problems = read_sessions(tmp_path)
    assert (problems, people(tmp_path)) == ([], ["Person 2", "Person 1"])
    for session in sessions:
        assert session.info["note"] == "note 29"
        assert is_consistent(tmp_path, session.id)
    assert len(read_reps(tmp_path / "reps.csv")[0]) == 8
