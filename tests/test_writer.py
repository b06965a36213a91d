"""A session while it is measured: what is acknowledged is on the disk, whatever ends the program."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest
from clocks import ManualClock
from helpers import FOUR, a_record, a_rep, a_step, everything, log_session

from rotrack.core.errors import RecordError
from rotrack.core.model import ANGLES, CurvePoint, Side, Step, empty_pose
from rotrack.core.reasons import Reason
from rotrack.records import writer as writing
from rotrack.records.folders import being_written
from rotrack.records.landmarks import read_curve, read_poses
from rotrack.records.record import Status, read_record
from rotrack.records.repetitions import REPETITIONS, read_repetitions
from rotrack.records.store import read_all, read_sessions
from rotrack.records.table import refresh_table
from rotrack.records.writer import SessionWriter
from rotrack.system import files
from rotrack.system.inputs import read_table

DURABLE = True
"""These tests are about what is on the disk, see `conftest.quick_disk`."""

can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks there")


def frame(time_s: float) -> Step:
    """Return what a frame produced: a row of the landmarks and one of the curve."""
    point = CurvePoint(time_s=time_s, side=Side.LEFT, angle_deg=1.0, **dict.fromkeys(ANGLES, 1.0))
    return Step(empty_pose(time_s, (640, 480), Reason.NOBODY), {}, (point,))


def reps_of(data: Path) -> list[int]:
    (session,) = read_all(data)[0]
    return [rep.rep for rep in session.rep_list]


def in_a_child(do: Callable[[], object]) -> None:
    """Do something in a process that is ended then and there: no file is closed, nothing is tidied up."""
    child = os.fork()
    if not child:
        try:
            do()
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


# ---------------------------------------------------------------------- on the disk
def test_a_repetition_is_on_the_disk_when_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def sync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name if sys.platform == "linux" else REPETITIONS
        synced.append((name, os.fstat(descriptor).st_size))
        fsync(descriptor)

    with SessionWriter(tmp_path, a_record(), ManualClock()) as writer:
        monkeypatch.setattr(files.os, "fsync", sync)
        for rep in FOUR:
            writer.append(a_step((rep,)))
            assert (REPETITIONS, (writer.folder / REPETITIONS).stat().st_size) in synced
            assert repr(read_repetitions(writer.folder)[0][-1]) == repr(rep)


def test_curve_and_landmarks_are_on_the_disk_within_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 20 frames per second; after any frame a power failure takes no more than what came in the two seconds before it."""
    clock, synced = ManualClock(), {}
    fsync = os.fsync

    def sync(descriptors: list[int]) -> None:
        for descriptor in descriptors:
            fsync(descriptor)
        synced["s"] = clock.monotonic_s()

    monkeypatch.setattr(writing._Syncer, "_sync", staticmethod(sync))
    with SessionWriter(tmp_path, a_record(), clock) as writer:
        synced["s"] = 0.0
        for number in range(1, 101):
            clock.advance(0.05)
            writer.append(frame(number / 20))
            if writer._syncing._last is not None:
                writer._syncing._last.result()  # a disk that is fast enough
            assert clock.monotonic_s() - synced["s"] <= 2
        on_disk = round(synced["s"] * 20)
        assert len(read_curve(writer.folder)) >= on_disk - 1
        assert len(list(read_poses(writer.folder))) >= on_disk - 1


def test_a_slow_disk_does_not_hold_up_the_measuring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    clock, go_on = ManualClock(), threading.Event()
    began: list[int] = []

    def stuck(descriptors: list[int]) -> None:
        began.append(len(descriptors))
        go_on.wait(60)

    monkeypatch.setattr(writing._Syncer, "_sync", staticmethod(stuck))
    with SessionWriter(tmp_path, a_record(), clock) as writer:
        for number in range(100):
            clock.advance(0.1)
            writer.append(frame(number / 10))
        assert len(began) <= 1, "one at a time"
        go_on.set()
    assert len(read_curve(writer.folder)) == 100


def test_a_disk_that_cannot_take_curve_and_landmarks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptors: list[int]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    clock = ManualClock()
    with pytest.raises(RecordError, match="the disk is full"), SessionWriter(tmp_path, a_record(), clock) as writer:
        writer.append(a_step((FOUR[0],)))
        monkeypatch.setattr(writing._Syncer, "_sync", staticmethod(full))
        for _ in range(4):
            clock.advance(1.1)
            writer.append(frame(1.0))
            if writer._syncing._last is not None:
                writer._syncing._last.exception()
    assert reps_of(tmp_path) == [1]


# ---------------------------------------------------------------------- killed
@can_fork
def test_a_program_that_is_killed_leaves_every_acknowledged_repetition(tmp_path: Path) -> None:
    def measure() -> None:
        clock = ManualClock()
        writer = SessionWriter(tmp_path, a_record(), clock)
        for number in range(60):
            clock.advance(0.05)
            writer.append(frame(number / 20))
        for rep in FOUR[:3]:
            writer.append(a_step((rep,)))

    in_a_child(measure)
    (session,) = read_sessions(tmp_path)[0]
    assert (session.record.status, len(session.rep_list)) == (Status.INTERRUPTED, 3)
    assert not being_written(session.folder), "the system took the lock from the dead program"
    assert len(session.curve) >= 38
    assert len(list(read_poses(session.folder))) >= 38
    assert refresh_table(tmp_path) == ()
    assert len(read_table(tmp_path / "reps.csv").rows) == 3


@can_fork
def test_a_kill_between_a_repetition_and_its_row_in_the_table_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_session(tmp_path, 1)

    def measure() -> None:
        writer = SessionWriter(tmp_path, a_record(2))
        writer.append(a_step((FOUR[0],)))
        monkeypatch.setattr(writing, "add_rows", lambda *_: os._exit(9))
        writer.append(a_step((FOUR[1],)))

    in_a_child(measure)
    assert len(read_table(tmp_path / "reps.csv").rows) == 5
    assert len(read_sessions(tmp_path)[0][-1].rep_list) == 2
    assert refresh_table(tmp_path) == ()
    assert len(read_table(tmp_path / "reps.csv").rows) == 6


@can_fork
@pytest.mark.parametrize("place", ["mkdir", "FileLock", "replace", "Appender", "_Long"])
def test_a_kill_while_a_session_begins_hurts_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    first = log_session(tmp_path, 1)
    before = everything(first)

    def measure() -> None:
        target: object = {"mkdir": Path, "FileLock": filelock}.get(place, writing)
        monkeypatch.setattr(target, place, lambda *_, **__: os._exit(9))
        SessionWriter(tmp_path, a_record(2))

    in_a_child(measure)
    sessions, problems = read_sessions(tmp_path)
    assert sessions[0].folder == first
    assert len(problems) == (place in ("FileLock", "replace"))
    assert everything(first) == before
    assert log_session(tmp_path, 3).exists()


# ---------------------------------------------------------------------- what cannot be written
@pytest.mark.parametrize("problem", ["refused", "half written"])
def test_a_full_disk_leaves_only_whole_repetitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str) -> None:
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if problem == "half written":
            return write(descriptor, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with SessionWriter(tmp_path, a_record()) as writer:
        writer.append(a_step((FOUR[0],)))
        before = (writer.folder / REPETITIONS).read_bytes()
        with monkeypatch.context() as patch, pytest.raises(RecordError, match="the disk is full: free some space"):
            patch.setattr(files.os, "write", full)
            writer.append(a_step((FOUR[1],)))
        assert (writer.folder / REPETITIONS).read_bytes() == before
        writer.append(a_step((FOUR[2],)))
    assert reps_of(tmp_path) == [1, 3]
    assert len(read_table(tmp_path / "reps.csv").rows) == 2


def test_a_repetition_is_logged_even_when_its_landmarks_no_longer_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(RecordError, match="disk is full"), SessionWriter(tmp_path, a_record()) as writer:
        monkeypatch.setattr(writer._landmarks, "write", full)
        writer.append(a_step((FOUR[2],)))
    assert reps_of(tmp_path) == [3]


def test_a_session_that_cannot_begin_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing, "replace", full)
    with pytest.raises(RecordError, match="disk is full"):
        SessionWriter(tmp_path, a_record())
    assert list((tmp_path / "sessions").iterdir()) == []


def test_a_session_of_that_name_is_not_written_over(tmp_path: Path) -> None:
    folder = log_session(tmp_path, 1)
    before = everything(folder)
    with pytest.raises(RecordError, match="something of that name is there already"):
        SessionWriter(tmp_path, a_record(1))
    assert everything(folder) == before
    assert not being_written(folder)


# ---------------------------------------------------------------------- the folder
def test_a_session_is_known_to_be_written_as_long_as_it_is(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        assert being_written(writer.folder)
        assert being_written(writer.folder), "looking does not take the lock away"
    assert not being_written(writer.folder)
    assert sorted(path.name for path in writer.folder.iterdir()) == [
        "angles.csv",
        "landmarks.csv.gz",
        REPETITIONS,
        "session.json",
    ]
    writer.close()


@pytest.mark.parametrize("times", [3])
def test_looking_at_a_session_that_has_ended_leaves_no_lock(tmp_path: Path, times: int) -> None:
    folder = log_session(tmp_path)
    (folder / "writing.lock").touch()
    for _ in range(times):
        assert not being_written(folder)
    assert not (folder / "writing.lock").exists()


def test_changes_of_the_record_are_on_disk_at_once(tmp_path: Path) -> None:
    with SessionWriter(tmp_path, a_record()) as writer:
        before = (writer.folder / "session.json").stat().st_ino
        writer.update(status=Status.FINISHED, note="slow")
        assert (writer.folder / "session.json").stat().st_ino != before, "replaced as a whole"
        assert (read_record(writer.folder).status, read_record(writer.folder).note) == (Status.FINISHED, "slow")


def test_the_same_session_is_the_same_bytes(tmp_path: Path) -> None:
    one, other = (log_session(tmp_path / name, 1, person="") for name in ("one", "other"))
    assert everything(one) == everything(other)


def append_many(data: Path, day: int, count: int) -> None:
    with SessionWriter(data, a_record(day, person=f"Person {day}")) as writer:
        for number in range(count):
            writer.append(a_step((a_rep(number, 20.0 + number),)))


@can_fork
@pytest.mark.slow
def test_several_programs_that_log_at_once_lose_nothing(tmp_path: Path) -> None:
    children = []
    for day in range(1, 5):
        child = os.fork()
        if not child:
            code = 1
            try:
                append_many(tmp_path, day, 25)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    sessions, problems = read_sessions(tmp_path)
    assert ([[rep.rep for rep in session.rep_list] for session in sessions], problems) == ([[*range(25)]] * 4, [])
    assert refresh_table(tmp_path) == ()
    assert len(read_table(tmp_path / "reps.csv").rows) == 100
    assert not list(tmp_path.glob("reps changed*"))
