"""Sessions of an earlier measure version: measured again once, where somebody looks back, beside what was measured then."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from helpers import FIXTURES, Ended, a_rep, run_main
from made_sessions import rows_of, session_of

import rotrack
from rotrack.app.pages.renewing import Renewing
from rotrack.core.errors import RecordError
from rotrack.core.model import MEASURE_VERSION, Rep, Side
from rotrack.measure import renewal
from rotrack.progress.change import read_progress
from rotrack.records.changes import delete_session, drop_rep
from rotrack.records.folders import AGAIN_LOCK, HALF_AGAIN
from rotrack.records.history import newest
from rotrack.records.landmarks import LANDMARKS
from rotrack.records.outdated import due
from rotrack.records.session import Session
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table
from rotrack.system.files import explained
from rotrack.texts import Texts

LEFT, RIGHT = Side
NOW = f"{MEASURE_VERSION} without leg network"
Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a session with two repetitions of a right leg."""
    short = tmp_path_factory.mktemp("short") / "session"
    shutil.copytree(FIXTURES / "internal_right", short)
    rows = gzip.decompress((short / LANDMARKS).read_bytes()).splitlines(keepends=True)
    (short / LANDMARKS).write_bytes(gzip.compress(b"".join(rows[:230]), 1))
    session = rotrack.remeasure(short, tmp_path_factory.mktemp("measured"))
    assert len(session.rep_list) == 2
    return session.folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(data))
    return partial(run_main, monkeypatch, capfd)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Measure in this process; return the folders that were, in their order."""
    read: list[Path] = []

    def one_by_one(work: Any, tasks: Any, on_done: Any, *_: Any, **__: Any) -> Iterator[tuple[int, Any]]:
        for place, task in enumerate(tasks):
            read.append(task.folder)
            yield place, work(task, on_done)

    monkeypatch.setattr(renewal, "in_processes", one_by_one)
    return read


def earlier(data: Path, recorded: Path, day: int, **changes: Any) -> str:
    """Log what was recorded as an earlier version measured it on that day of January; return its id."""
    session_id = f"202601{day:02d}-080000-seated-internal-{day:08x}"
    folder = data / "sessions" / session_id
    shutil.copytree(recorded, folder)
    known = json.loads((folder / "session.json").read_text("utf-8"))
    known |= {"session_id": session_id, "started_at": f"2026-01-{day:02d}T08:00:00+01:00", "person": "Ana"}
    known |= {"remeasured_from": "", "remeasured_at": None, "measure_version": "2 without leg network"} | changes
    (folder / "session.json").write_text(json.dumps(known), "utf-8")
    refresh_table(data)
    return session_id


def again(data: Path, on_share: Callable[[float], object] = lambda _: None) -> renewal.Renewal | None:
    return renewal.renew(data, lambda _: None, on_share)


def readings(data: Path, session_id: str) -> list[Session]:
    return [s for s in read_sessions(data)[0] if s.record.movement == session_id and s.id != session_id]


# ---------------------------------------------------------------------- what it is for
def test_looking_back_measures_earlier_sessions_again_once_and_keeps_what_was(data: Path, run: Run, recorded: Path) -> None:
    """Through real processes, as somebody meets it at the first start."""
    ids = [earlier(data, recorded, day, note="left knee sore", band="red", load_kg=2.0) for day in (1, 2)]
    before = {path: path.read_bytes() for path in (data / "sessions").rglob("*") if path.is_file()}
    people = [session_of(data, session_id).record.person_id for session_id in ids]
    first = run("history")
    assert first.code == 0
    assert "Measuring 2 sessions of an earlier version again" in first.err
    assert "Measured again: 2 sessions" in first.err
    assert "2 older readings" in first.out
    assert {path: path.read_bytes() for path in before} == before
    for session_id, person in zip(ids, people, strict=True):
        (new,) = readings(data, session_id)
        record = new.record
        assert (record.measure_version, record.started_at) == (NOW, session_of(data, session_id).record.started_at)
        assert (record.person, record.person_id, record.note) == ("Ana", person, "left knee sore")
        assert (record.band, record.load_kg) == ("red", 2.0)
        assert len(rows_of(data, new.id)) == len(new.rep_list) == 2
    assert {s.record.measure_version for s in newest(read_sessions(data)[0])} == {NOW}
    found = read_progress(data, "Ana", "seated-internal")
    assert list(found.table.sessions) == [2], "all of what was measured is compared"
    assert not (data / HALF_AGAIN).exists()
    second = run("history")
    assert (second.err, second.out) == ("", first.out)


def test_the_beginning_of_an_id_means_the_reading_that_counts(data: Path, run: Run, recorded: Path, here: list[Path]) -> None:
    """So what somebody typed before the update still works, and the earlier reading has a name of its own."""
    old = earlier(data, recorded, 1)
    again(data)
    (new,) = readings(data, old)
    shown = run("show", "20260101")
    assert new.id in shown.out
    assert "another reading, measure version 2 without leg network: right internal" in shown.out
    assert f"the reading that counts, measure version {NOW}" in run("show", old).out
    listed = run("history", "--all").out.split()
    assert "20260101-080000" in listed
    assert "20260101-080000-seated-internal-0" in listed


def test_the_latest_sessions_come_first(data: Path, recorded: Path, here: list[Path]) -> None:
    """So an end in between leaves those that progress compares with the latest."""
    ids = [earlier(data, recorded, day) for day in (1, 3, 2)]
    again(data)
    assert [folder.name for folder in here] == sorted(ids, reverse=True)


# ---------------------------------------------------------------------- what is left alone
@pytest.mark.parametrize(
    "changes",
    [
        {"convention_version": "1"},
        {"measure_version": str(int(MEASURE_VERSION) + 1)},
        {"legnet": {"version": 1, "sha256": "0" * 64}, "measure_version": "2"},
    ],
    ids=["other signs and zero", "of a newer version", "what the leg network said is gone"],
)
def test_is_not_due(data: Path, recorded: Path, changes: dict[str, Any]) -> None:
    earlier(data, recorded, 1, **changes)
    assert due(data) == []


def test_without_landmarks_there_is_nothing_to_measure(data: Path, recorded: Path) -> None:
    old = earlier(data, recorded, 1)
    assert [session.id for session in due(data)] == [old]
    (data / "sessions" / old / LANDMARKS).unlink()
    assert due(data) == []


def test_a_new_reading_that_was_deleted_is_not_made_again(data: Path, recorded: Path, here: list[Path]) -> None:
    old = earlier(data, recorded, 1)
    again(data)
    delete_session(data, readings(data, old)[0].id)
    assert again(data) is None
    assert [s.id for s in read_sessions(data)[0]] == [old]


def test_a_session_that_comes_later_is_measured_again_too(data: Path, recorded: Path, here: list[Path]) -> None:
    """As by an import from another computer, after nothing was left to do."""
    earlier(data, recorded, 1)
    again(data)
    assert again(data) is None
    later = earlier(data, recorded, 2)
    again(data)
    assert len(readings(data, later)) == 1


def test_nobody_is_surprised_by_it(data: Path, run: Run, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in scripts that say so, not where a session is changed by what was seen of it, not from Python."""
    old = earlier(data, recorded, 1)
    assert run("history", "--no-remeasure").err == ""
    monkeypatch.setenv("ROTRACK_REMEASURE", "no")
    assert run("progress", "--json").err == ""
    monkeypatch.delenv("ROTRACK_REMEASURE")
    assert run("drop", "last", "1", "--side", "right", "--direction", "internal").err == ""
    assert run("note", old, "sore").err == ""
    rotrack.remeasure(FIXTURES / "idle", data)
    assert readings(data, old) == []


# ---------------------------------------------------------------------- what goes wrong
def test_a_damaged_session_is_named_once_and_stops_no_other(data: Path, run: Run, recorded: Path, here: list[Path]) -> None:
    bad, good = earlier(data, recorded, 2), earlier(data, recorded, 1)
    (data / "sessions" / bad / LANDMARKS).write_bytes(b"no landmarks")
    ended = run("history")
    assert (ended.code, ended.err.count(bad), "Traceback" in ended.err) == (0, 1, False)
    assert "the session cannot be measured again" in ended.err
    assert (len(readings(data, good)), readings(data, bad)) == (1, [])
    assert run("history").err == ""


def test_a_mistake_in_measuring_one_stops_no_other(
    data: Path, recorded: Path, here: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = earlier(data, recorded, 2), earlier(data, recorded, 1)
    remeasure = rotrack.measure.run.remeasure

    def measured(folder: Path, *rest: Any) -> Session:
        if folder.name == bad:
            raise ValueError("odd")
        return remeasure(folder, *rest)

    monkeypatch.setattr(rotrack.measure.run, "remeasure", measured)
    found = again(data)
    assert found is not None
    assert [note.partition(":")[0] for note in found.notes] == [f"The session {bad} could not be measured again"]
    assert len(readings(data, good)) == 1


def test_a_full_disk_is_no_fault_of_the_session(
    data: Path, run: Run, recorded: Path, here: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again at the next start."""
    old = earlier(data, recorded, 1)

    def full(*_: Any) -> Session:
        raise RecordError("There is no space left.")

    with monkeypatch.context() as patched:
        patched.setattr(rotrack.measure.run, "remeasure", full)
        ended = run("history")
    assert ended.code == 0
    assert ended.err.count("There is no space left.") == 1
    assert "20260101-080000" in ended.out
    again(data)
    assert len(readings(data, old)) == 1


def test_a_folder_that_cannot_be_written_is_one_sentence_and_shown_as_it_is(
    data: Path, run: Run, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier(data, recorded, 1)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(renewal, "make_folder", refuse)
    ended = run("history")
    assert ended.code == 0
    assert len(ended.err.splitlines()) == 1
    assert "These sessions of an earlier version are shown as they are, because they could not be measured again" in ended.err
    assert "right internal" in ended.out


def test_two_programs_do_not_measure_the_same(data: Path, run: Run, recorded: Path, here: list[Path]) -> None:
    old = earlier(data, recorded, 1)
    with FileLock(data / AGAIN_LOCK):
        ended = run("history")
    assert "another program is doing that right now" in ended.err
    assert (ended.code, here) == (0, [])
    again(data)
    assert len(readings(data, old)) == 1


def test_what_the_other_program_did_meanwhile_is_not_done_again(
    data: Path, recorded: Path, here: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = earlier(data, recorded, 1)
    holding = renewal._holding

    def after_another(folder: Path) -> Any:
        monkeypatch.setattr(renewal, "_holding", holding)
        again(data)
        return holding(folder)

    monkeypatch.setattr(renewal, "_holding", after_another)
    again(data)
    assert len(readings(data, old)) == 1


def test_ended_in_between_it_leaves_nothing_half_and_goes_on(data: Path, recorded: Path) -> None:
    """Ctrl-C, with real processes: they end at once, and what was whole by then stays."""
    ids = [earlier(data, recorded, day) for day in (1, 2, 3)]
    done = 0.0

    def enough(share: float) -> None:
        nonlocal done
        done += share
        if done > 1.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        renewal.renew(data, lambda _: None, enough, processes=1)
    sessions, problems = read_sessions(data)
    assert problems == []
    assert sorted(len(readings(data, session_id)) for session_id in ids) == [0, 0, 1]
    assert all(session.record.status.whole for session in sessions)
    assert not (data / HALF_AGAIN).exists()
    again(data)
    assert [len(readings(data, session_id)) for session_id in ids] == [1, 1, 1]


def test_the_command_goes_on_after_control_c(
    data: Path, run: Run, recorded: Path, here: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier(data, recorded, 1)

    def interrupted(*_: Any) -> Session:
        raise KeyboardInterrupt

    monkeypatch.setattr(rotrack.measure.run, "remeasure", interrupted)
    ended = run("history")
    assert ended.code == 0
    assert "they are measured again at the next start" in ended.err
    assert "right internal" in ended.out


def test_a_session_that_is_deleted_meanwhile_stays_deleted(data: Path, recorded: Path, here: list[Path]) -> None:
    old = earlier(data, recorded, 1)

    def delete(share: float) -> None:
        if (data / "sessions" / old).exists():
            delete_session(data, old)

    found = again(data, delete)
    assert found is not None
    assert found.measured == ()
    assert read_sessions(data)[0] == []


# ---------------------------------------------------------------------- what was dropped
def test_a_dropped_repetition_stays_dropped(data: Path, recorded: Path, here: list[Path]) -> None:
    old = earlier(data, recorded, 1)
    drop_rep(data, old, Side.RIGHT, session_of(data, old).rep_list[0].direction, 1)
    again(data)
    (new,) = readings(data, old)
    assert [rep.dropped for rep in new.rep_list] == [True, False]
    assert new.values[0].reps_used == 1


def test_a_dropped_repetition_that_is_not_found_again_is_said(data: Path, recorded: Path, here: list[Path]) -> None:
    old = earlier(data, recorded, 1)
    table = data / "sessions" / old / "repetitions.csv"
    first = session_of(data, old).rep_list[0]
    moved = rotrack.measure.renewal.changed(first, start_s=90.0, peak_s=91.0, end_s=92.0, dropped=True)
    table.write_bytes(rotrack.records.repetitions.table_bytes([moved]))
    found = again(data)
    (new,) = readings(data, old)
    assert found is not None
    assert [new.id in note for note in found.notes] == [True]
    assert [text for text in new.warnings if "right internal 1, from 90.0 to 92.0 s" in text]
    assert not any(rep.dropped for rep in new.rep_list)


def between(start_s: float, end_s: float, side: Side = LEFT, dropped: bool = False) -> Rep:
    return a_rep(1, 30.0, side, start_s=start_s, peak_s=(start_s + end_s) / 2, end_s=end_s, dropped=dropped)


@pytest.mark.parametrize(
    ("before", "now", "dropped"),
    [
        ([between(2, 5, dropped=True)], [between(2.3, 4.2)], [True]),  # it now ends when it is half back
        ([between(2, 5, dropped=True)], [between(2, 5, RIGHT)], [False]),
        ([between(2, 5, dropped=True)], [between(4.2, 7)], [False]),
        ([between(2, 8, dropped=True)], [between(2, 4), between(5, 8)], [True, True]),  # one that was two
        ([between(2, 4), between(4, 8, dropped=True)], [between(2, 3.5), between(3.6, 8)], [False, True]),
        ([between(2, 8), between(8, 9, dropped=True)], [between(2, 9)], [False]),  # most of it was not dropped
    ],
    ids=["shorter", "other leg", "later", "two of one", "neighbours", "mostly kept"],
)
def test_repetitions_are_the_same_by_leg_direction_and_time(before: list[Rep], now: list[Rep], dropped: list[bool]) -> None:
    reps, lost = renewal.kept_dropped(before, now)
    assert [rep.dropped for rep in reps] == dropped
    assert bool(lost) == (not any(dropped))


# ---------------------------------------------------------------------- beside the page
def test_the_page_waits_while_the_camera_is_used_and_says_how_far_it_is(data: Path, recorded: Path, here: list[Path]) -> None:
    ids = [earlier(data, recorded, day) for day in (1, 2)]
    busy, asked = threading.Event(), threading.Event()
    busy.set()

    def is_busy() -> bool:
        asked.set()
        return busy.is_set()

    renewing, t = Renewing(data, is_busy), Texts()
    assert renewing.words(t) == ""
    renewing.start()
    assert asked.wait(60)
    assert renewing.words(t) == "Measuring 2 sessions of an earlier version again."
    assert here == [], "a session on the camera goes first"
    busy.clear()
    renewing._thread.join(60)
    assert renewing.over
    assert "2 sessions of an earlier version were measured again" in renewing.words(t)
    assert [len(readings(data, session_id)) for session_id in ids] == [1, 1]


def test_the_page_can_be_closed_meanwhile(data: Path, recorded: Path, here: list[Path]) -> None:
    old, begun = earlier(data, recorded, 1), threading.Event()

    def is_busy() -> bool:
        begun.set()
        return True

    renewing = Renewing(data, is_busy)
    renewing.start()
    assert begun.wait(60)
    renewing.close()
    assert readings(data, old) == []
    assert [session.id for session in due(data)] == [old]


def test_the_page_says_why_it_could_not(data: Path, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier(data, recorded, 1)

    def refuse(path: Path) -> None:
        with explained(path):
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(renewal, "make_folder", refuse)
    renewing = Renewing(data, lambda: False)
    renewing.start()
    renewing._thread.join(60)
    assert renewing.words(Texts("de")).endswith("sie konnten nicht neu ausgewertet werden:")
    assert len(renewing.notes) == 1
