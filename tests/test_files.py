"""The one writer: a file is the old or the new one, nothing of others is replaced, and nobody else may read."""

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import FOUR, cut_off_session, everything, log_session

from rotrack.core.errors import InputError, RecordError
from rotrack.people.changes import rename_person
from rotrack.records.changes import delete_session, describe_session, drop_rep
from rotrack.records.people import known_or_new
from rotrack.records.repair import repair
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table
from rotrack.system import files
from rotrack.system.files import Appender, check_free, explained, make_folder, replace, write_for_person

DURABLE = True
"""These tests are about what is on the disk, see `conftest.quick_disk`."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Killed(BaseException):
    """Stands for the end of the program: nothing catches it."""


def killed(*_: object) -> None:
    raise Killed


# ---------------------------------------------------------------------- rotrack's own files
def test_a_program_that_is_ended_before_the_move_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.json"
    replace({path: b"old"})
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", killed)
        replace({path: b"new"})
    assert path.read_bytes() == b"old"
    replace({path: b"newer"})
    assert everything(tmp_path) == {"own.json": b"newer"}, "the next one takes the draft's place"


def test_a_full_disk_leaves_the_old_files_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    replace({one: b"old", two: b"old"})
    synced: list[int] = []

    def second(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            full()

    monkeypatch.setattr(files.os, "fsync", second)
    with pytest.raises(OSError, match="No space"):
        replace({one: b"new", two: b"new"})
    assert everything(tmp_path) == {"one": b"old", "two": b"old"}


def test_what_must_last_is_on_the_disk_before_it_is_moved_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, move = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def moved(self: Path, target: Path) -> Path:
        done.append("moved")
        return move(self, target)

    monkeypatch.setattr(files.os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", moved)
    replace({tmp_path / "own": b"x"})
    assert done == ["file", "moved"] + ["folder"] * (os.name != "nt")
    del done[:]
    write_for_person(tmp_path / "theirs", b"x")
    assert done == ["file", "moved"] + ["folder"] * (os.name != "nt")
    del done[:]
    replace({tmp_path / "own": b"x"}, durable=False)
    assert done == ["moved"]


@posix
def test_a_linked_file_is_replaced_where_it_is(tmp_path: Path) -> None:
    real, link = tmp_path / "cloud" / "reps.csv", tmp_path / "reps.csv"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link.symlink_to(real)
    replace({link: b"new"})
    assert link.is_symlink()
    assert everything(real.parent) == {"reps.csv": b"new"}


@posix
def test_a_file_system_without_modes_is_no_reason_not_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network and foreign disks refuse to set them."""

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "own"
    path.write_bytes(b"old")
    path.chmod(0o640)
    monkeypatch.setattr(files.os, "fchmod", refused)
    replace({path: b"new"})
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600), "rather too narrow than too wide"


# ---------------------------------------------------------------------- adding
def test_bytes_that_do_not_fit_leave_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def half(descriptor: int, content: bytes) -> int:
        return write(descriptor, content[: len(content) // 2])

    with Appender(tmp_path / "rows") as file:
        file.append(b"one\n")
        for problem in (half, full):
            with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
                patch.setattr(files.os, "write", problem)
                file.append(b"two two two\n")
            assert (tmp_path / "rows").read_bytes() == b"one\n"
        file.append(b"three\n")
    assert (tmp_path / "rows").read_bytes() == b"one\nthree\n"


# ---------------------------------------------------------------------- files for people
def test_what_is_there_is_never_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "thesis.docx"
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match="is there already; choose another name, or replace it with --overwrite"):
        write_for_person(path, b"table")
    assert path.read_bytes() == b"mine"
    write_for_person(path, b"table", overwrite=True)
    assert everything(tmp_path) == {"thesis.docx": b"table"}


def test_what_came_while_the_file_was_made_is_not_replaced_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "out.csv", files._write

    def slow(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        path.write_bytes(b"somebody else's")

    monkeypatch.setattr(files, "_write", slow)
    with pytest.raises(InputError, match="is there already"):
        write_for_person(path, b"table")
    assert everything(tmp_path) == {"out.csv": b"somebody else's"}


OWN = ("reps.csv", "REPS.CSV", "reps.csv.checksum", "index.msgpack", "readings.csv", "sessions/{id}/session.json",
       "sessions/{id}/new.html", "people/{id}.json", "calibration/mine.toml")  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_the_log_is_not_even_replaced_when_asked(tmp_path: Path, name: str) -> None:
    folder = log_session(tmp_path)
    for place in ("people", "calibration"):
        (tmp_path / place).mkdir(exist_ok=True)
    before = everything(tmp_path)
    path = tmp_path / name.format(id=folder.name)
    for check in (lambda: check_free(path, overwrite=True), lambda: write_for_person(path, b"x", overwrite=True)):
        with pytest.raises(InputError, match="belongs to rotrack's own log"):
            check()
    assert everything(tmp_path) == before


@posix
def test_the_log_is_not_replaced_through_a_link_or_a_detour(tmp_path: Path) -> None:
    data = tmp_path / "data"
    log_session(data)
    (tmp_path / "link.csv").symlink_to(data / "reps.csv")
    (tmp_path / "short").symlink_to(data)
    for path in (tmp_path / "link.csv", tmp_path / "short" / "reps.csv", data / "sessions" / ".." / "reps.csv"):
        with pytest.raises(InputError, match="own log"):
            write_for_person(path, b"x", overwrite=True)


def test_other_files_in_and_beside_the_data_folder_may_be_written(tmp_path: Path) -> None:
    log_session(tmp_path / "data")
    for path in (tmp_path / "data" / "history.csv", tmp_path / "reps.csv", tmp_path / "people.csv"):
        write_for_person(path, b"x")
        assert path.read_bytes() == b"x"


@posix
def test_a_link_that_is_replaced_when_asked_leads_to_the_new_contents(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "table.csv"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link = tmp_path / "table.csv"
    link.symlink_to(real)
    with pytest.raises(InputError, match="there already"):
        write_for_person(link, b"new")
    write_for_person(link, b"new", overwrite=True)
    assert link.is_symlink()
    assert everything(real.parent) == {"table.csv": b"new"}, "the draft was on the same disk as the file"


@pytest.mark.parametrize("end", [killed, full])
def test_whatever_ends_the_writing_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[..., object]
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch, pytest.raises((Killed, RecordError)):
        patch.setattr(Path, "replace", end)
        write_for_person(path, b"new", overwrite=True)
    assert path.read_bytes() == b"old"
    assert end is killed or everything(tmp_path) == {"table.csv": b"old"}


def test_a_folder_is_no_file_and_a_missing_one_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        write_for_person(tmp_path, b"x")
    with pytest.raises(RecordError, match=r"cannot be written, .*\.$"):
        write_for_person(tmp_path / "nowhere" / "table.csv", b"x")
    with pytest.raises(RecordError, match=r"too long"):
        write_for_person(tmp_path / ("n" * 300), b"x")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "read-only: choose another"),
        (errno.EACCES, "not allowed: choose another"),
        (errno.EMFILE, "too many files open: close"),
        (errno.ENAMETOOLONG, "too long: choose another"),
        (errno.EIO, "choose another folder with --out"),
    ],
)
def test_what_went_wrong_is_one_sentence_with_advice(tmp_path: Path, number: int, advice: str) -> None:
    with pytest.raises(RecordError) as told, explained(tmp_path):
        raise OSError(number, os.strerror(number))
    assert advice in str(told.value)
    assert "What was logged before is kept" in str(told.value)
    assert "\n" not in str(told.value)


# ---------------------------------------------------------------------- who may read
@pytest.fixture
def usual_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(data: Path) -> list[str]:
    found = [data, *data.rglob("*")]
    return [f"{path.relative_to(data)} {mode(path):o}" for path in found if mode(path) != (0o700 if path.is_dir() else 0o600)]


@posix
@pytest.mark.usefixtures("usual_umask")
def test_a_data_folder_is_its_owners_and_stays_so_after_every_change(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    person = known_or_new(data, "Ana")
    assert person is not None
    folder = log_session(data, 1, person_id=person.id)
    log_session(data, 2)
    cut_off_session(data, 3)
    assert open_to_others(data) == []
    assert mode(tmp_path / "new") == 0o700
    drop_rep(data, folder.name, FOUR[0].side, FOUR[0].direction, 1)
    describe_session(data, folder.name, note="slow")
    rename_person(data, person, "Ana Base")
    (data / "reps.csv").write_bytes(b"changed")
    refresh_table(data)
    read_sessions(data)
    repair(data)
    delete_session(data, folder.name)
    assert open_to_others(data) == []


@posix
@pytest.mark.usefixtures("usual_umask")
def test_a_mode_that_the_owner_set_stays(tmp_path: Path) -> None:
    folder = log_session(tmp_path)
    shared = [tmp_path / "reps.csv", folder / "session.json", folder / "repetitions.csv"]
    for path in shared:
        path.chmod(0o640)
    describe_session(tmp_path, folder.name, note="slow")
    drop_rep(tmp_path, folder.name, FOUR[0].side, FOUR[0].direction, 1)
    assert [f"{mode(path):o}" for path in shared] == ["640"] * 3


@posix
@pytest.mark.usefixtures("usual_umask")
def test_a_file_for_a_person_keeps_its_mode_and_a_new_one_is_theirs_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_for_person(path, b"x")
    assert mode(path) == 0o600
    path.chmod(0o644)
    write_for_person(path, b"y", overwrite=True)
    assert mode(path) == 0o644


@posix
@pytest.mark.usefixtures("usual_umask")
def test_folders_that_are_there_keep_their_modes(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(0o755)
    make_folder(tmp_path / "shared" / "a" / "b")
    assert [f"{mode(tmp_path / name):o}" for name in ("shared", "shared/a", "shared/a/b")] == ["755", "700", "700"]


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no plain file"):
        files.write_for_person(tmp_path / "pipe", b"x", overwrite=True)
    assert (tmp_path / "pipe").is_fifo()
