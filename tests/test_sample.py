"""The made-up sessions: what is stated of them holds, they say everywhere that they are made up, and real ones stay apart."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import FIXTURES, assert_one_sentence, run_main
from made_sessions import everything as files_in
from made_sessions import rows
from made_sessions import write as write_session

import rotrack
from rotrack.core.errors import InputError
from rotrack.core.model import Direction, Side
from rotrack.progress import sample
from rotrack.progress.change import Verdict, read_progress
from rotrack.progress.sample import NOTE, PERSON, REPS, TRUE_DEG, WEEKS, true_change_deg, write_sample
from rotrack.records.changes import delete_session
from rotrack.records.history import history_table, rep_table
from rotrack.records.landmarks import read_curve
from rotrack.records.people import read_people
from rotrack.records.readings import read_readings
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.session import load_session
from rotrack.records.store import read_sessions
from rotrack.records.text import check_text
from rotrack.texts import Texts
from rotrack.tracking.excursions import PLATEAU_S

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sample")
    write_sample(data)
    return data


def everything(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): content for path, content in files_in(data).items()}


def test_all_sessions_can_be_read_and_nothing_is_damaged(data: Path) -> None:
    sessions, problems = read_sessions(data)
    reps = rows(data)
    assert problems == []
    assert [s.id for s in sessions] == write_sample(data)
    assert [s.record.drill for s in sessions].count("seated-combined") == WEEKS
    assert [s.record.drill for s in sessions].count("standing-combined") == 3
    assert tuple(reps.columns) == tuple(REP_COLUMNS)
    assert len(reps) == sum(len(s.rep_list) for s in sessions) == 15 * 2 * 2 * REPS
    assert {s.record.status for s in sessions} == {"finished"}


def test_writing_again_changes_nothing(data: Path) -> None:
    before = everything(data)
    assert len(before) == 15 * 3 + 3, "files of sessions, the table, the readings, one person"
    write_sample(data)
    assert everything(data) == before


def test_the_same_is_written_everywhere(data: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "new" / "folder")
    assert everything(tmp_path / "new" / "folder") == everything(data)


def test_what_was_cut_off_or_deleted_is_written_anew(data: Path, tmp_path: Path) -> None:
    first, second, *_ = write_sample(tmp_path)
    info = tmp_path / "sessions" / first / "session.json"
    info.write_text(info.read_text("utf-8").replace('"finished"', '"running"'), "utf-8")
    delete_session(tmp_path, second)
    write_sample(tmp_path)
    assert everything(tmp_path) == everything(data)


@pytest.mark.parametrize("what", ["session", "reading"])
def test_nothing_is_made_up_beside_what_was_measured(tmp_path: Path, what: str) -> None:
    if what == "session":
        write_session(tmp_path, 5)
    else:
        columns = "taken_at,person,drill,side,direction,value_deg,instrument,rater,note"
        line = "2026-01-05,Ana,seated-combined,left,internal,30,goniometer,,"
        (tmp_path / "readings.csv").write_text(f"{columns}\r\n{line}\r\n", "utf-8")
    before = everything(tmp_path)
    with pytest.raises(InputError, match=r"holds other sessions.*choose another folder"):
        write_sample(tmp_path)
    assert everything(tmp_path) == before


def test_it_is_complete_as_a_measured_one_is(data: Path, tmp_path: Path) -> None:
    measured = rotrack.remeasure(FIXTURES / "combined_left", out=tmp_path)
    made_up = load_session(data / "sessions" / write_sample(data)[0])
    stored = [json.loads((session.folder / "session.json").read_text("utf-8")) for session in (measured, made_up)]
    assert set(stored[0]) == set(stored[1])
    assert {type(stored[0][key]) for key in stored[1]} - {type(value) for value in stored[1].values()} == set()
    assert made_up.reps.columns.tolist() == measured.reps.columns.tolist()
    assert made_up.reps.dtypes.tolist() == measured.reps.dtypes.tolist()
    assert set(stored[0]["source"]) == set(stored[1]["source"])
    assert set(stored[0]["settings"]) == set(stored[1]["settings"])
    assert list(made_up.curve.columns) == list(measured.curve.columns)


def test_it_says_that_it_is_made_up(data: Path) -> None:
    check_text(name=PERSON, note=NOTE)
    assert "made up" in PERSON
    assert "made up" in NOTE
    reps = rep_table(read_sessions(data)[0])
    readings, damaged = read_readings(data)
    assert damaged == []
    assert set(reps.person) == set(readings.person) == {PERSON}
    assert [(person.name, person.id) for person in read_people(data)[0]] == [(PERSON, "p-made-up")]
    assert set(reps.note) == set(readings.note) == {NOTE}
    assert set(reps.model) == {"made up"}
    for session in read_sessions(data)[0]:
        assert session.record.source.kind == session.record.source.name == "made up"
        assert session.warnings == [Texts().said(sample.WARNING)]
        assert session.id.endswith("made-up")


def test_it_cannot_be_measured_again(data: Path, tmp_path: Path) -> None:
    with pytest.raises(rotrack.RotrackError, match="holds no landmarks"):
        rotrack.remeasure(data / "sessions" / write_sample(data)[0], out=tmp_path)


# ---------------------------------------------------------------------- the stated model
def test_curve_and_repetitions_agree(data: Path) -> None:
    for session_id in write_sample(data)[::5]:
        session = load_session(data / "sessions" / session_id)
        curve = read_curve(session.folder)
        for rep in session.rep_list:
            own = curve[curve.side == rep.side]
            best = own.angle_deg[(own.time_s - rep.peak_s).abs() <= PLATEAU_S / 2]
            assert best.median() == pytest.approx(rep.peak_deg, abs=0.3)
            inside = own[(own.time_s >= rep.start_s) & (own.time_s <= rep.end_s)].angle_deg * rep.direction.sign
            assert inside.max() == pytest.approx(abs(rep.peak_deg), abs=0.5)
            assert inside.min() > 0
            assert rep.start_s < rep.peak_s < rep.end_s
            assert rep.hold_s < rep.end_s - rep.start_s
        outside = curve.angle_deg[[not any(r.side == side and r.start_s <= t <= r.end_s for r in session.rep_list)
                                   for t, side in zip(curve.time_s, curve.side, strict=True)]]  # fmt: skip
        assert outside.abs().max() < 0.51 * max(abs(rep.peak_deg) for rep in session.rep_list)


def test_the_spread_is_the_one_stated(data: Path) -> None:
    # of 60 groups of 5 repetitions and of 60 session means; 95 % of such samples lie within the bounds
    reps = rep_table(read_sessions(data)[0])
    ids = {session_id: week for week, session_id in enumerate(i for i in write_sample(data) if "seated" in i)}
    groups = reps.groupby(["session_id", "drill", "side", "direction"]).peak_deg
    assert np.sqrt(groups.var().mean()) == pytest.approx(sample.REP_SD_DEG, abs=0.15)
    off = []
    for (session_id, drill, side, direction), mean_deg in groups.mean().items():
        first, last = TRUE_DEG[drill, Side(side), Direction(direction)]
        off.append(abs(mean_deg) - first - (last - first) * ids.get(session_id, 0) / (WEEKS - 1))
    expected = np.hypot(sample.SESSION_SD_DEG, sample.REP_SD_DEG / np.sqrt(REPS))
    assert np.std(off) == pytest.approx(expected, abs=2 * expected / np.sqrt(2 * 60))
    assert np.mean(off) == pytest.approx(0, abs=2 * expected / np.sqrt(60))
    values = history_table(data).value_deg.abs()
    assert (values.mean() - groups.mean().abs().mean()) == pytest.approx(0.8, abs=0.15)


def test_faults_get_rarer_and_one_of_each_kind_is_left_out(data: Path) -> None:
    reps = rep_table(read_sessions(data)[0])
    reps = reps[reps.drill == "seated-combined"]
    weeks = pd.factorize(reps.session_id)[0]
    marked = (reps.faults != "").to_numpy()
    assert marked[weeks < 4].mean() > 2 * marked[weeks >= 8].mean() > 0
    assert reps[~reps.valid][["faults", "reason"]].to_numpy().tolist() == [["T", "fault:letter=T"]]
    assert reps.dropped.sum() == 1
    assert not reps[reps.dropped].session_id.isin(reps[~reps.valid].session_id).any()
    assert sorted(reps.groupby("session_id").calibration.first()) == ["camera"] + ["none"] * (WEEKS - 1)


def test_progress_says_of_it_what_is_true_of_it(data: Path) -> None:
    progress = read_progress(data)
    assert progress.problems == ()
    found = {(c.drill, c.side, c.direction): c for c in progress.changes}
    assert set(found) == set(TRUE_DEG)
    for (drill, side, direction), change in found.items():
        assert change.person == PERSON
        if drill == "standing-combined":
            assert change.verdict is Verdict.NOT_ENOUGH
            continue
        assert len(change.points) == WEEKS - 1
        assert [left.sessions for left in change.left_out] == [1]
        first, last = TRUE_DEG[drill, side, direction]
        grown_deg = true_change_deg(drill, side, direction)
        assert abs(change.change_deg - grown_deg) <= change.error_deg
        assert change.verdict is (Verdict.REAL if grown_deg else Verdict.WITHIN)
        assert change.slope.low_deg <= (last - first) / (WEEKS - 1) * 365.25 / 12 / 7 <= change.slope.high_deg


def test_the_goniometer_reads_what_is_stated(data: Path) -> None:
    readings, _ = read_readings(data)
    days = sorted({s.record.started[:10] for s in read_sessions(data)[0]})
    assert sorted(set(readings.date)) == [days[week] for week in sample.GONIOMETER_WEEKS]
    off = []
    for reading in readings.itertuples():
        first, last = TRUE_DEG[reading.drill, Side(reading.side), Direction(reading.direction)]
        off.append(reading.value_deg - first - (last - first) * days.index(reading.date) / (WEEKS - 1))
    assert len(off) == 16
    assert np.mean(off) == pytest.approx(sample.GONIOMETER_BIAS_DEG, abs=2 * sample.GONIOMETER_SD_DEG / 4)
    assert np.std(off, ddof=1) == pytest.approx(sample.GONIOMETER_SD_DEG, abs=2.5 * sample.GONIOMETER_SD_DEG / np.sqrt(32))


# ---------------------------------------------------------------------- rotrack demo --sessions
@pytest.mark.slow
def test_demo_writes_them_apart_and_its_commands_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "with blanks"
    monkeypatch.setenv("ROTRACK_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    write_session(home, 5)
    before = everything(home)
    ended = run_main(monkeypatch, capfd, "demo", "--sessions")
    assert (ended.code, ended.err) == (0, "")
    assert PERSON in ended.out
    assert {name: text for name, text in everything(home).items() if not name.startswith("demo-progress")} == before
    commands = [shlex.split(line) for line in ended.out.splitlines() if line.startswith("  rotrack ")]
    assert [command[1] for command in commands] == ["progress", "report", "agreement"]
    for _, name, *options in commands:
        assert options[-2:] == ["--out", str(home / "demo-progress")]
        shown = run_main(monkeypatch, capfd, name, *options)
        assert shown.code == 0, shown.err
    assert list(tmp_path.glob("*.pdf"))


def test_demo_does_not_write_beside_your_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_session(tmp_path, 5)
    before = everything(tmp_path)
    assert_one_sentence(run_main(monkeypatch, capfd, "demo", "--sessions", "--out", tmp_path), 2, "other sessions")
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "command", [["history"], ["show", "last"], ["progress"], ["agreement"], ["history", "--json"], ["progress", "--json"]]
)
def test_what_is_shown_says_that_it_is_made_up(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: list[str]
) -> None:
    ended = run_main(monkeypatch, capfd, *command, "--out", data)
    assert ended.code == 0
    assert "made up" in ended.out
