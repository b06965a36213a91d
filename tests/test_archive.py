"""Archives: what a manifest asks for, what is skipped, what an early end leaves, and the same bytes however it was measured."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from clocks import ManualClock
from filelock import FileLock
from helpers import (
    FIXTURES,
    PATIENT_S,
    SAMPLES,
    Ended,
    ReplayLandmarker,
    assert_one_sentence,
    environment,
    replay,
    run_main,
    run_rotrack,
    stop,
    wait_until,
    write_video,
)
from made_sessions import everything as files_in
from made_sessions import rows
from test_log import mount

from rotrack.archive import manifest
from rotrack.archive import run as archive
from rotrack.archive.cluster import _ended, _fetched
from rotrack.archive.manifest import Manifest, read_manifest
from rotrack.archive.run import Result, measure_archive
from rotrack.archive.task import KEY_LENGTH, Parcel, Task, key_of, measure_task, models_of, task_of, versions
from rotrack.calibration.profiles import LensProfile, write_profile
from rotrack.core.errors import InputError, NotMeasuredError, RecordError, SourceError
from rotrack.core.model import Pose
from rotrack.kinematics.camera import Lens
from rotrack.measure.batch import in_processes
from rotrack.measure.request import Request
from rotrack.people.erasure import delete_person
from rotrack.records import changes
from rotrack.records.folders import locked
from rotrack.records.landmarks import read_poses
from rotrack.records.people import Person, read_people, write_person
from rotrack.records.record import SESSION_FILE, read_record
from rotrack.records.store import read_sessions
from rotrack.sensing.sources import VideoFile
from rotrack.system.files import replace as replace_files

small_disk = mount
FRAMES = 125
"""So many frames of the recorded session internal_right hold its first repetition."""
HEADER = "file,person,drill,side,recorded_at"
ROWS = (
    "2026/ana/monday.mp4,Ana,seated-internal,right,2026-01-05T08:30:00+01:00",
    "2026/ana/friday.mp4,Ana,seated-internal,right,2026-01-09T08:30:00+01:00",
    '"ben, too/first.mp4","Müller, Ben",seated-internal,right,2026-01-02',
)
Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A blank video as long as the recorded landmarks that stand in for what the pose model sees."""
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", [np.zeros((48, 64, 3), np.uint8)] * FRAMES)


@pytest.fixture
def clinic(tmp_path: Path, clip: Path) -> Path:
    """An archive of three videos."""
    folder = tmp_path / "clinic"
    for name in ("2026/ana/monday.mp4", "2026/ana/friday.mp4", "ben, too/first.mp4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / name)
    write_manifest(folder, *ROWS)
    return folder


def write_manifest(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def asked(folder: Path, data: Path | None = None, path: Path | None = None, **changes: Any) -> Manifest:
    return read_manifest(folder, Request(out=data or folder.parent / "data", **changes), path)


@cache
def recorded(fixture: str) -> list[Pose]:
    return list(read_poses(FIXTURES / fixture))[:FRAMES]


class Counted(ReplayLandmarker):
    """Recorded landmarks; remembers how often it was begun."""

    begun = 0

    def __init__(self, *args: Any, **kinds: Any) -> None:
        self._poses = recorded(self.fixture)
        type(self).begun += 1


class Order:
    """Measures in this process; `turn` says in which order, and what is raised after so many videos."""

    def __init__(self) -> None:
        self.backwards = False
        self.after: tuple[int, BaseException] | None = None

    def __call__(self, tasks: Sequence[Task], processes: int | None, on_share: Any) -> Generator[tuple[int, Parcel]]:
        numbers = range(len(tasks))
        for count, number in enumerate(reversed(numbers) if self.backwards else numbers):
            if self.after and count == self.after[0]:
                raise self.after[1]
            yield number, measure_task(tasks[number], on_share)


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Order:
    Counted.begun = 0
    replay(monkeypatch, Counted)
    here = Order()
    monkeypatch.setattr(archive, "_here", here)
    return here


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(tmp_path / "data"))
    return partial(run_main, monkeypatch, capfd)


def measured(folder: Path, data: Path | None = None, **changes: Any) -> list[Result]:
    return list(measure_archive(asked(folder, data, **changes).entries))


def everything(data: Path) -> dict[str, bytes]:
    """Return the sessions and reps.csv of a data folder, but for the ids of people, which are drawn by lot in each folder."""
    found = {path.relative_to(data).as_posix(): content for path, content in files_in(data).items()}
    return {
        name: re.sub(rb'"person_id": "[^"]*"', b"", content) if name.endswith(SESSION_FILE) else content
        for name, content in found.items()
        if not name.startswith("people/")
    }


def sessions_in_log(data: Path) -> list[str]:
    """Return the sessions of reps.csv in their order; no row may be there twice."""
    table = rows(data)
    assert not table.duplicated(["session_id", "side", "direction", "rep"]).any()
    return list(dict.fromkeys(table.session_id))


def people_of(data: Path) -> dict[str, str]:
    """Return the names of the people and their ids; every session must be of one of them, and be whole."""
    sessions, problems = read_sessions(data)
    assert problems == []
    people = {person.name: person.id for person in read_people(data)[0]}
    assert {(s.person, s.record.person_id) for s in sessions} <= {*people.items(), ("", "")}
    return people


def folders(data: Path) -> list[str]:
    return sorted(p.name for p in (data / "sessions").iterdir()) if (data / "sessions").exists() else []


# ---------------------------------------------------------------------- the manifest
def test_a_manifest_is_read_with_the_options_where_cells_are_empty(clinic: Path) -> None:
    shutil.copy(clinic / "2026/ana/monday.mp4", clinic / "plain.mp4")
    os.utime(clinic / "plain.mp4", (1_700_000_000.9, 1_700_000_000.9))
    path = clinic / "manifest.csv"
    path.write_bytes(
        "\ufeffFile;Person ; Drill;side;recorded_at;note;band;load_kg\r\n"
        "2026\\ana\\monday.mp4; Ana ;Seated-Internal;RIGHT;2026-01-05;left knee, sore;red;2,5\r\n"
        ";;;;;;;\r\n"
        "plain.mp4\r\n".encode()
    )
    found = asked(clinic, drill="seated-combined", person="Cleo", note="as ever", band="blue", load_kg=1.0)
    assert found.wrong == ()
    first, second = found.entries
    assert (first.line, first.file, first.job.video) == (2, "2026/ana/monday.mp4", clinic / "2026/ana/monday.mp4")
    job = first.job.request
    assert (job.person, job.drill, job.side, job.note, job.band) == ("Ana", "seated-internal", "right", "left knee, sore", "red")
    assert (job.load_kg, first.size_bytes) == (2.5, (clinic / "plain.mp4").stat().st_size)
    assert first.job.request.recorded_at == datetime(2026, 1, 5).astimezone()
    assert (second.line, second.file, second.job.request.person, second.job.request.drill) == (
        4,
        "plain.mp4",
        "Cleo",
        "seated-combined",
    )
    assert (second.job.request.side, second.job.request.note, second.job.request.band, second.job.request.load_kg) == (
        "both",
        "as ever",
        "blue",
        1.0,
    )
    assert second.job.request.recorded_at == datetime.fromtimestamp(1_700_000_000).astimezone(), (
        "the time of the file, in whole seconds"
    )
    assert second.job.request.recorded_at.utcoffset() is not None


def test_a_time_of_recording_keeps_the_offset_that_it_was_given(clinic: Path) -> None:
    first = asked(clinic).entries[0]
    assert first.job.request.recorded_at.isoformat() == "2026-01-05T08:30:00+01:00"


WRONG = {
    ",Ana,seated-internal,right": ["names no file"],
    "nowhere.mp4,Ana,seated-internal,right": ["no such file"],
    "2026,Ana,seated-internal,right": ["folder"],
    "../data.mp4,Ana,seated-internal,right": ["outside"],
    "2026/../../data.mp4,Ana,seated-internal,right": ["outside"],
    "/etc/passwd,Ana,seated-internal,right": ["outside"],
    "C:\\ana.mp4,Ana,seated-internal,right": ["outside"],
    "a\0b.mp4,Ana,seated-internal,right": ["It is damaged"],
    '"a.mp4"b,Ana,seated-internal,right': ["It is damaged", "quotes"],
    '"a.mp4,Ana,seated-internal,right': ["It is damaged"],
    f"{'x' * 5000}.mp4,Ana,seated-internal,right": ["no such file"],
    f"{'x' * 30_000}.mp4,Ana,seated-internal,right": ["It is damaged"],
    "\x1b[2J.mp4,Ana,seated-internal,right": ["no such file"],
    "2026/ana/monday.mp4,Ana,seated-intrenal,right": ["'seated-intrenal'", "Did you mean seated-internal"],
    "2026/ana/monday.mp4,Ana,,right": ["names no drill"],
    "2026/ana/monday.mp4,Ana,seated-internal,up": ["left, right or both"],
    f"2026/ana/monday.mp4,{'A' * 2001},seated-internal,right": ["name 'AAA", "at most 2000"],
    "2026/ana/monday.mp4,Ana,seated-internal,right,5.1.2026": ["'5.1.2026'", "2026-01-31"],
    "2026/ana/monday.mp4,Ana,seated-internal,right,0206-01-05": ["the year 206"],
    f"2026/ana/monday.mp4,Ana,seated-internal,right,,{'x' * 2001}": ["note 'xxx"],
    "2026/ana/monday.mp4,Ana,seated-internal,right,,,,two": ["'two' is no number"],
    "2026/ana/monday.mp4,Ana,seated-internal,right,,,,900": ["from 0 to 500 kg"],
    "2026/ana/monday.mp4,Ana,seated-internal,right,,slow, sore,,": ["more cells", "quotes"],
    "nowhere.mp4,Ana,,up": ["no such file", "names no drill", "left, right or both"],
}


def test_a_drill_that_needs_the_leg_network_is_wrong_without_it(clinic: Path) -> None:
    write_manifest(clinic, "2026/ana/monday.mp4,Ana,supine-straight-internal,right,2026-01-05")
    assert [entry.line for entry in asked(clinic).entries] == [2]
    (row,) = asked(clinic, legnet=False).wrong
    assert "supine-straight-internal is not measured without the leg network" in row.problem


def test_all_that_is_wrong_is_named_by_line_before_anything_is_measured(run: Run, order: Order, clinic: Path) -> None:
    header = "file,person,drill,side,recorded_at,note,band,load_kg"
    write_manifest(clinic, *WRONG, "2026/ana/friday.mp4,Ana,seated-internal,right,2026-01-09", header=header)
    found = asked(clinic)
    assert [entry.file for entry in found.entries] == ["2026/ana/friday.mp4"]
    assert [row.line for row in found.wrong] == list(range(2, 2 + len(WRONG)))
    for row, words in zip(found.wrong, WRONG.values(), strict=True):
        assert [word for word in words if word not in row.problem] == [], row
    ended = run("analyze", clinic)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    told = ended.err.splitlines()
    assert told[0].startswith(f"rotrack: {len(WRONG)} lines of manifest.csv cannot be used, the others are measured.")
    assert all(line.startswith(f"  line {number} ") for number, line in enumerate(told[1 : 1 + len(WRONG)], start=2))
    assert "1 video: 1 measured" in ended.out, "what is right is measured all the same"
    write_manifest(clinic, *list(WRONG)[:3])
    assert "nothing is measured" in run("analyze", clinic).err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["There is no manifest", "manifest.csv", "file,person,drill,side"]),
        (b"", ["no column file and no column drill"]),
        (b"video,drill\na.mp4,seated-internal\n", ["no column file"]),
        (b"file,person\na.mp4,Ana\n", ["no column drill"]),
        (b"file,drill,person,person\na.mp4,x,Ana,Ana\n", ["column person twice"]),
        (b"file,drill\n", ["lists no video"]),
    ],
    ids=str,
)
def test_a_manifest_that_is_none_is_explained(run: Run, tmp_path: Path, text: bytes | None, words: list[str]) -> None:
    (tmp_path / "clinic").mkdir()
    if text is not None:
        (tmp_path / "clinic" / "manifest.csv").write_bytes(text)
    assert_one_sentence(run("analyze", tmp_path / "clinic"), 2, *words)
    assert not (tmp_path / "data").exists()


def test_a_manifest_that_is_too_large_is_refused(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "MOST_BYTES", 100)
    with pytest.raises(InputError, match=r"manifest\.csv cannot be read \(it has"):
        asked(clinic)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_videos_with_other_letters_are_found_however_they_are_written(
    clinic: Path, clip: Path, encoding: str, form: Literal["NFC", "NFD"]
) -> None:
    name = unicodedata.normalize(form, "Jürgen Ö.mp4")
    shutil.copy(clip, clinic / name)
    row = ("Jürgen Ö.mp4" if encoding == "cp1252" else name) + ",Jürgen,seated-internal,left,2026-01-05"
    (clinic / "manifest.csv").write_bytes(f"{HEADER}\n{row}\n".encode(encoding))
    (entry,) = asked(clinic).entries
    assert (entry.file, entry.job.video, entry.job.request.person) == (name, clinic / name, "Jürgen")


def test_a_file_that_says_no_time_at_all_needs_one(clinic: Path) -> None:
    os.utime(clinic / "2026/ana/monday.mp4", (0, 0))
    row = "2026/ana/monday.mp4,Ana,seated-internal,right,"
    write_manifest(clinic, row)
    (wrong,) = asked(clinic).wrong
    assert "recorded_at" in wrong.problem
    write_manifest(clinic, f"{row}2026-01-05")
    assert asked(clinic).wrong == ()


def test_very_many_lines_of_the_same_are_told_soon(clinic: Path) -> None:
    write_manifest(clinic, *(["2026/ana/monday.mp4,Ana,seated-internal,left,"] * 3000))
    found = asked(clinic)
    assert (len(found.entries), len(found.wrong)) == (0, 3000)
    assert max(len(row.problem) for row in found.wrong) < 300


def test_the_same_leg_twice_is_left_out_wherever_it_stands(clinic: Path) -> None:
    (clinic / "same.mp4").symlink_to(clinic / "2026/ana/monday.mp4")
    write_manifest(
        clinic,
        "2026/ana/monday.mp4,Ana,seated-internal,left,",
        "2026/ana/monday.mp4,Ana,seated-internal,right,",
        "2026/./ana/monday.mp4,Ben,seated-internal,both,",
        "2026/ana/monday.mp4,Ana,seated-external,right,",
        "2026/ana/friday.mp4,Ana,seated-internal,right,",
        "same.mp4,Ana,seated-external,both,",
    )
    found = asked(clinic)
    assert [entry.line for entry in found.entries] == [6]
    said = {row.line: row.problem for row in found.wrong}
    assert {line: text.split(" asks")[0] for line, text in said.items()} == {
        2: "Line 4", 3: "Line 4", 4: "Line 2, 3", 5: "Line 7", 7: "Line 5",
    }  # fmt: skip
    write_manifest(clinic, *(f"2026/ana/monday.mp4,Ana,seated-internal,{side}," for side in ("left", "right")))
    assert len(asked(clinic).entries) == 2, "each leg by itself is no mistake"


def test_two_parts_of_a_video_and_two_people_in_it_are_two_things(clinic: Path) -> None:
    rows = ("0,30,", "30,60,", "30,60,", '30,60,"320,240"')
    asks = (f"2026/ana/monday.mp4,Ana,seated-internal,both,{row}" for row in rows)
    write_manifest(clinic, *asks, header="file,person,drill,side,from_s,to_s,follow")
    found = asked(clinic)
    assert ([entry.line for entry in found.entries], [row.line for row in found.wrong]) == ([2, 5], [3, 4])


def test_forgotten_videos_and_columns_are_told(clinic: Path, clip: Path) -> None:
    for name in ("new.MOV", ".hidden.mp4", "notes.txt", "log/sessions/x/annotated.mkv"):
        (clinic / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, clinic / name)
    write_manifest(clinic, *ROWS[:2], header=HEADER.replace("recorded_at", "recorded"))
    found = asked(clinic, data=clinic / "log")
    assert found.notes == (
        "Columns of manifest.csv that rotrack does not use: recorded.",
        "2 videos in clinic that manifest.csv does not list: ben, too/first.mp4, new.MOV.",
    )


def test_a_manifest_may_lie_elsewhere(clinic: Path, tmp_path: Path) -> None:
    path = shutil.move(clinic / "manifest.csv", tmp_path / "list.csv")
    assert [entry.file for entry in asked(clinic, path=path).entries] == [next(csv.reader([row]))[0] for row in ROWS]


# ---------------------------------------------------------------------- what a session is called
def test_a_session_is_called_by_what_is_asked_and_not_by_where_or_when(clinic: Path, tmp_path: Path) -> None:
    def key(
        changed: str = "", models: Sequence[str] = ("m", "n"), profiles: Sequence[tuple[str, str]] = (), **changes: Any
    ) -> str:
        write_manifest(clinic, changed or ROWS[0], header=f"{HEADER},note,load_kg")
        return key_of(asked(clinic, **changes).entries[0], models, profiles)

    first = key()
    assert len(first) == KEY_LENGTH
    other = [
        key(ROWS[0].replace("Ana,", "Ann,")),
        key(ROWS[0].replace("seated-internal", "seated-external")),
        key(ROWS[0].replace("right", "both")),
        key(ROWS[0].replace("T08:30", "T08:31")),
        key(ROWS[0].replace("monday", "friday")),
        key(models=("other", "n")),
        key(models=("m", "other")),
        key(models=("m",)),
        key(correct=False),
        key(calibration=("none",)),
        key(profiles=[("lens.toml", "1")]),
        key(profiles=[("lens.toml", "2")]),
    ]
    assert len({first, *other}) == len(other) + 1
    os.utime(clinic / "2026/ana/monday.mp4", (1, 1))
    same = [key(ROWS[0] + ",slow,3"), key(note="slow", band="red", annotate=True)]
    moved = shutil.copytree(clinic, tmp_path / "moved")
    same.append(key_of(asked(moved).entries[0], ("m", "n"), ()))
    assert set(same) == {first}
    with (clinic / "2026/ana/monday.mp4").open("ab") as file:
        file.write(b"more")
    assert key() != first


# ---------------------------------------------------------------------- measured, skipped, gone on with
def test_an_archive_is_measured_and_then_it_is_done(run: Run, order: Order, clinic: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    ended = run("analyze", clinic)
    assert (ended.code, Counted.begun) == (0, 3), ended.err
    assert "3 videos: 3 measured, 0 in the log already." in ended.out
    assert ended.err.splitlines()[0].startswith("  2026/ana/monday.mp4  Ana seated-internal  right internal ")
    sessions, problems = read_sessions(data)
    assert problems == []
    assert set(people_of(data)) == {"Ana", "Müller, Ben"}
    assert [(s.person, s.record.started[:16], s.record.archive_file) for s in sessions] == [
        ("Müller, Ben", "2026-01-02T00:00", "ben, too/first.mp4"),
        ("Ana", "2026-01-05T08:30", "2026/ana/monday.mp4"),
        ("Ana", "2026-01-09T08:30", "2026/ana/friday.mp4"),
    ]
    assert sessions[1].id.startswith("20260105-083000-seated-internal-")
    assert sessions_in_log(data) == [session.id for session in sessions], "the order of time"
    assert all(len(s.rep_list) == 1 for s in sessions)
    assert not (data / "archive.part").exists()
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in data.rglob("*") if path.is_file()}
    again = run("analyze", clinic, "--json")
    assert (again.code, again.err, Counted.begun) == (0, "", 3)
    document = json.loads(again.out)
    assert (document["sessions"], document["problems"], document["notes"]) == ([], [], [])
    assert sorted(entry["session_id"] for entry in document["already_there"]) == sessions_in_log(data)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in data.rglob("*") if path.is_file()} == before


def test_the_log_is_the_same_whoever_is_first(order: Order, clinic: Path, tmp_path: Path) -> None:
    measured(clinic, tmp_path / "forwards")
    order.backwards = True
    results = measured(clinic, tmp_path / "backwards")
    assert [r.entry.line for r in results] == [4, 3, 2], "it really was the other way round"
    assert everything(tmp_path / "backwards") == everything(tmp_path / "forwards")


def test_time_host_and_place_leave_no_trace(monkeypatch: pytest.MonkeyPatch, order: Order, clinic: Path, tmp_path: Path) -> None:
    measured(clinic, tmp_path / "one")
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    moved = shutil.copytree(clinic, tmp_path / "another place")
    measured(moved, tmp_path / "two")
    assert everything(tmp_path / "two") == everything(tmp_path / "one")
    (header,) = {content[:10] for name, content in everything(tmp_path / "one").items() if name.endswith(".gz")}
    assert header[4:8] == b"\0\0\0\0", "the time of writing"


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), RuntimeError("a mistake")], ids=repr)
def test_what_was_measured_before_the_end_is_in_the_log(
    order: Order, clinic: Path, tmp_path: Path, ending: BaseException
) -> None:
    data = tmp_path / "data"
    order.backwards, order.after = True, (2, ending)
    with pytest.raises(type(ending)):
        measured(clinic)
    assert len(folders(data)) == 2
    assert [name[:8] for name in sessions_in_log(data)] == ["20260102", "20260109"]
    assert set(people_of(data)) == {"Ana", "Müller, Ben"}
    assert not (data / "archive.part").exists()
    order.after = None
    assert [r.fresh for r in measured(clinic)] == [False, False, True]
    assert Counted.begun == 3
    assert len(sessions_in_log(data)) == 3


def test_control_c_sums_up_and_says_how_to_go_on(run: Run, order: Order, clinic: Path) -> None:
    order.after = (1, KeyboardInterrupt())
    ended = run("analyze", clinic)
    assert ended.code == 130
    assert "3 videos: 1 measured, 0 in the log already, 2 not begun: run this again to go on." in ended.out
    assert "Traceback" not in ended.err


def test_closing_in_between_keeps_what_is_there(order: Order, clinic: Path, tmp_path: Path) -> None:
    order.backwards = True
    with closing(measure_archive(asked(clinic).entries)) as results:
        next(results)
    assert len(sessions_in_log(tmp_path / "data")) == len(folders(tmp_path / "data")) == 1


@pytest.mark.parametrize("left", ["no log", "half a row", "no rows of one"])
def test_rows_that_a_kill_lost_come_back(order: Order, clinic: Path, tmp_path: Path, left: str) -> None:
    data = tmp_path / "data"
    measured(clinic)
    whole = everything(data)
    path = data / "reps.csv"
    lines = path.read_bytes().splitlines(True)
    if left == "no log":
        path.unlink()
    if left == "half a row":
        path.write_bytes(b"".join(lines[:-1]) + lines[-1][:60])
    if left == "no rows of one":
        path.write_bytes(lines[0])
    (data / "archive.part" / "half").mkdir(parents=True)
    told: list[str] = []
    assert [r.fresh for r in measure_archive(asked(clinic).entries, tell=told.append)] == [False] * 3
    assert (Counted.begun, told) == (3, []), "nothing was measured again"
    assert not (data / "archive.part").exists()
    assert everything(data) == whole


def test_a_table_that_a_spreadsheet_changed_is_kept_and_told(order: Order, clinic: Path, tmp_path: Path) -> None:
    measured(clinic)
    whole = everything(tmp_path / "data")
    path = tmp_path / "data" / "reps.csv"
    path.write_bytes(path.read_bytes().replace(b",", b";"))
    told: list[str] = []
    assert [r.fresh for r in measure_archive(asked(clinic).entries, tell=told.append)] == [False] * 3
    assert len(told) == 1
    assert "changed by hand or by a spreadsheet" in told[0]
    after = everything(tmp_path / "data")
    assert len([after.pop(name) for name in list(after) if name.startswith("reps changed by hand")]) == 1
    assert after == whole


# ---------------------------------------------------------------------- people, and a folder that appears as a whole
def test_a_session_is_of_the_person_whom_the_log_knows(order: Order, clinic: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    ana = Person(id="p-ana", name="Ana", spellings=("Anna",))
    write_person(data, ana)
    write_manifest(clinic, ROWS[0].replace("Ana,", "ANNA,"), *ROWS[1:])
    measured(clinic)
    assert people_of(data)["Ana"] == "p-ana"
    assert [s.record.person_id for s in read_sessions(data)[0]][1:] == ["p-ana", "p-ana"]
    assert [s.person for s in read_sessions(data)[0]] == ["Müller, Ben", "Ana", "Ana"]
    assert len(read_people(data)[0]) == 2, "who is measured apart leaves no stranger behind"


def test_a_nameless_session_has_no_person(order: Order, clinic: Path, tmp_path: Path) -> None:
    write_manifest(clinic, ROWS[0].replace("Ana,", ","))
    measured(clinic)
    assert people_of(tmp_path / "data") == {}


def test_a_kill_at_any_moment_leaves_whole_sessions_only(order: Order, clinic: Path, tmp_path: Path) -> None:
    data, steps = (
        tmp_path / "data",
        ("rotrack.archive.run.replace_files", "rotrack.archive.run.make_folder", "rotrack.archive.run.sync_folder"),
    )
    whole = None
    for name in ("", *steps):
        for number in range(1, 4):
            with pytest.MonkeyPatch.context() as patch:
                if name:
                    patch.setattr(name, Killed(name, number))
                with suppress(Killed.Now):
                    measured(clinic)
            there = folders(data)
            assert all(read_record(data / "sessions" / folder).status == "finished" for folder in there)
            people_of(data)
            measured(clinic)
            assert len(folders(data)) == 3
            whole = whole or everything(data)
            assert everything(data) == whole
            shutil.rmtree(data)


class Killed:
    """Does what a function does, but ends the program at one of the times that it is called while a session is installed."""

    class Now(BaseException):
        """What ends it."""

    def __init__(self, name: str, at: int) -> None:
        self._real = getattr(archive, name.rpartition(".")[2])
        self._left = at

    def __call__(self, *args: Any, **kinds: Any) -> Any:
        self._left -= 1
        if not self._left:
            raise self.Now
        return self._real(*args, **kinds)


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_what_is_installed_is_for_its_owner_only(order: Order, clinic: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        measured(clinic, annotate=True)
    finally:
        os.umask(before)
    modes = {p.relative_to(tmp_path).as_posix(): p.stat().st_mode & 0o777 for p in (tmp_path / "data").rglob("*")}
    assert {mode for name, mode in modes.items() if (tmp_path / name).is_dir()} == {0o700}
    assert {name: oct(mode) for name, mode in modes.items() if (tmp_path / name).is_file() and mode != 0o600} == {}


def test_another_program_that_holds_the_log_is_waited_for_and_then_said(
    order: Order, monkeypatch: pytest.MonkeyPatch, clinic: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, "locked", partial(locked, timeout_s=0.1))
    begun = measure_archive(asked(clinic).entries)
    assert next(begun).session
    with FileLock(tmp_path / "data" / "reps.csv.lock"), pytest.raises(RecordError, match="close it and try again"):
        next(begun)
    assert len(folders(tmp_path / "data")) == 1
    assert len(measured(clinic)) == 3


def test_who_is_deleted_is_gone_from_what_a_kill_left_too(order: Order, clinic: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    measured(clinic)
    (data / "archive.part" / "half").mkdir(parents=True)
    with FileLock(data / "archive.lock"):
        delete_person(data, "Nobody")
    assert (data / "archive.part").exists(), "a run needs it"
    assert delete_person(data, "Ana").sessions == 2
    assert not (data / "archive.part").exists()


def test_a_dropped_repetition_stays_dropped(order: Order, clinic: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (first, *_) = measured(clinic)
    assert first.session is not None
    rep = first.session.rep_list[0]
    changes.drop_rep(data, first.session.id, rep.side, rep.direction, rep.rep)
    before = everything(data)
    assert [r.fresh for r in measured(clinic)] == [False] * 3
    assert everything(data) == before


def test_a_file_that_fails_is_named_and_tried_again(run: Run, order: Order, clinic: Path, clip: Path, tmp_path: Path) -> None:
    broken = clinic / "2026/ana/friday.mp4"
    broken.write_bytes(b"no video" * 100)
    ended = run("analyze", clinic, "--json")
    assert ended.code == 2
    assert "rotrack: line 3, 2026/ana/friday.mp4: friday.mp4 cannot be read as a video" in ended.err
    document = json.loads(ended.out)
    assert (len(document["sessions"]), [p["line"] for p in document["problems"]]) == (2, [3])
    assert len(folders(tmp_path / "data")) == 2
    ended = run("analyze", clinic)
    assert "3 videos: 0 measured, 2 in the log already, 1 not measured." in ended.out
    shutil.copy(clip, broken)
    ended = run("analyze", clinic)
    assert (ended.code, ended.err.count("friday.mp4")) == (0, 1)
    assert len(sessions_in_log(tmp_path / "data")) == 3


def test_nothing_to_measure_is_kept_and_not_tried_again(
    run: Run, order: Order, monkeypatch: pytest.MonkeyPatch, clinic: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(Counted, "fixture", "idle")
    write_manifest(clinic, ROWS[0].replace("seated-internal", "sidelying-strength-internal"))
    ended = run("analyze", clinic)
    assert ended.code == 4
    assert "line 2, 2026/ana/monday.mp4: Nothing could be measured" in ended.err
    (name,) = folders(tmp_path / "data")
    assert read_record(tmp_path / "data" / "sessions" / name).status == "not measured"
    assert sessions_in_log(tmp_path / "data") == []
    ended = run("analyze", clinic)
    assert (ended.code, Counted.begun) == (0, 1)
    assert "1 in the log already" in ended.out
    assert "Nothing could be measured in 2026/ana/monday.mp4 when it was tried." in ended.err


def test_a_mistake_in_the_program_ends_one_video_only(
    run: Run, order: Order, monkeypatch: pytest.MonkeyPatch, clinic: Path, tmp_path: Path
) -> None:
    detect = Counted.detect

    def fail_once(self: Counted, frame: Any) -> Any:
        if Counted.begun == 2 and frame.index == 100:
            raise ZeroDivisionError("by zero")
        return detect(self, frame)

    monkeypatch.setattr(Counted, "detect", fail_once)
    ended = run("analyze", clinic)
    assert ended.code == 1
    assert "2026/ana/friday.mp4: A mistake in rotrack ended it (ZeroDivisionError: by zero; test_archive.py, line" in ended.err
    assert "3 videos: 2 measured, 0 in the log already, 1 not measured." in ended.out
    assert len(folders(tmp_path / "data")) == len(sessions_in_log(tmp_path / "data")) == 2


def test_a_damaged_session_is_named_and_left_alone(order: Order, clinic: Path, tmp_path: Path) -> None:
    measured(clinic)
    name = folders(tmp_path / "data")[0]
    path = tmp_path / "data" / "sessions" / name / "session.json"
    for damage in ("{", json.dumps({**json.loads(path.read_text("utf-8")), "status": "stopped"}, indent=2) + "\n"):
        path.write_text(damage, "utf-8")
        (result,) = [r for r in measured(clinic) if r.error]
        assert (result.session, result.entry.line) == (None, 4)
        assert f"delete it with `rotrack delete --session {name}`" in str(result.error)
        assert path.read_text("utf-8") == damage
    changes.delete_session(tmp_path / "data", name)
    assert [r.fresh for r in measured(clinic)] == [False, False, True]


def test_what_else_was_measured_from_the_same_videos_is_told(run: Run, order: Order, clinic: Path, tmp_path: Path) -> None:
    assert run("analyze", clinic).err.count("Note") == 0
    (old,) = [name for name in folders(tmp_path / "data") if name.startswith("20260105")]
    write_manifest(clinic, ROWS[0].replace("Ana,", "Anna,"), *ROWS[1:])
    ended = run("analyze", clinic)
    assert "1 session of the same videos in the log" in ended.err
    assert old in ended.err
    assert "3 videos: 1 measured, 2 in the log already." in ended.out
    assert len(folders(tmp_path / "data")) == 4


def test_a_video_that_changes_meanwhile_is_not_measured(order: Order, clinic: Path, tmp_path: Path) -> None:
    entries = asked(clinic).entries
    with (clinic / "2026/ana/monday.mp4").open("ab") as file:
        file.write(b"more")
    (clinic / "2026/ana/friday.mp4").unlink()
    first, second, third = measure_archive(entries)
    assert isinstance(first.error, SourceError)
    assert "another size" in str(first.error)
    assert "under the same path" in str(second.error)
    assert third.session is not None


def test_calibration_profiles_travel_with_the_video(order: Order, clinic: Path, tmp_path: Path) -> None:
    matrix = np.array([[60.0, 0, 31.5], [0, 60, 23.5], [0, 0, 1]])
    made = datetime(2026, 1, 1).astimezone()
    profile = LensProfile("lens", made, "camera", (64, 48), Lens((64, 48), matrix, np.zeros(5), 0.01), 0.2, 9)
    write_profile(profile, tmp_path / "data" / "calibration")
    write_manifest(clinic, ROWS[0])
    (result,) = measured(clinic, calibration=("lens",))
    assert result.session is not None
    assert result.session.record.calibration_profiles == {"camera": "lens"}
    assert [r.fresh for r in measured(clinic, calibration=("lens",))] == [False]
    write_profile(replace(profile, residual_px=0.3), tmp_path / "data" / "calibration")
    assert [r.fresh for r in measured(clinic, calibration=("lens",))] == [True], "another profile of the same name"


def test_pages_and_videos_are_written_when_asked(run: Run, order: Order, clinic: Path, tmp_path: Path) -> None:
    write_manifest(clinic, ROWS[0])
    assert run("analyze", clinic, "--plot", "--video").code == 0
    (name,) = folders(tmp_path / "data")
    files = {path.name for path in (tmp_path / "data" / "sessions" / name).iterdir()}
    assert files == {
        "session.json", "repetitions.csv", "angles.csv", "landmarks.csv.gz", "legs.csv.gz", "plot.html", "annotated.mkv",
    }  # fmt: skip
    info = VideoFile.probe(tmp_path / "data" / "sessions" / name / "annotated.mkv")
    assert info.frames == FRAMES


# ---------------------------------------------------------------------- what cannot be written or asked
def test_a_full_disk_ends_it_in_one_sentence(
    run: Run, order: Order, monkeypatch: pytest.MonkeyPatch, clinic: Path, tmp_path: Path
) -> None:
    def full(contents: dict[Path, bytes]) -> None:
        if "20260109" in next(iter(contents)).parent.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace_files(contents)

    monkeypatch.setattr(archive, "replace_files", full)
    ended = run("analyze", clinic)
    assert ended.code == 3
    assert ended.err.strip().splitlines()[-1].startswith(f"rotrack: {tmp_path / 'data' / 'sessions' / '20260109'}")
    assert "the disk is full: free some space" in ended.err
    assert "1 measured, 0 in the log already, 2 not begun" in ended.out
    assert len(folders(tmp_path / "data")) == len(sessions_in_log(tmp_path / "data")) == 1
    monkeypatch.setattr(archive, "replace_files", replace_files)
    assert run("analyze", clinic).code == 0
    assert len(sessions_in_log(tmp_path / "data")) == 3


def test_a_really_full_disk_ends_it_in_one_sentence(run: Run, order: Order, small_disk: Any, clinic: Path) -> None:
    disk = small_disk("size=200k")
    ended = run("analyze", clinic, "--out", disk)
    assert ended.code == 3
    assert "the disk is full: free some space" in ended.err.strip().splitlines()[-1]
    assert "Traceback" not in ended.err
    assert len(folders(disk)) == len(sessions_in_log(disk)) >= 1
    assert len(folders(disk)) < 3
    assert not (disk / "archive.part").exists()


def test_a_read_only_disk_is_explained_before_anything_is_measured(
    run: Run,
    order: Order,
    small_disk: Any,
    clinic: Path,
) -> None:
    assert_one_sentence(run("analyze", clinic, "--out", small_disk("size=1m,ro")), 3, "the folder is read-only", "--out")
    assert Counted.begun == 0


def test_a_data_folder_that_is_a_file_is_explained(run: Run, order: Order, clinic: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_one_sentence(run("analyze", clinic, "--out", tmp_path / "file"), 3, "is no folder; say with --out")
    assert Counted.begun == 0


def test_a_foreign_file_called_reps_csv_is_kept_beside(run: Run, order: Order, clinic: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reps.csv").write_bytes(b"date,weight\n2026-01-01,80\n")
    ended = run("analyze", clinic)
    assert ended.code == 0, ended.err
    (kept,) = (tmp_path / "data").glob("reps *.csv")
    assert kept.read_bytes() == b"date,weight\n2026-01-01,80\n"
    assert kept.name in ended.err
    assert len(sessions_in_log(tmp_path / "data")) == 3


def test_two_at_once_are_not_allowed(run: Run, order: Order, clinic: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with FileLock(tmp_path / "data" / "archive.lock"):
        assert_one_sentence(run("analyze", clinic), 3, "Another program is measuring an archive", "--out")
    assert run("analyze", clinic).code == 0


def test_a_model_that_does_not_exist_is_said_before_anything_is_measured(run: Run, order: Order, clinic: Path) -> None:
    assert_one_sentence(run("analyze", clinic, "--model", "lite"), 2, "no pose model 'lite'")
    assert_one_sentence(run("analyze", clinic, "--calibration", "nowhere"), 2, "no calibration profile or folder 'nowhere'")
    assert_one_sentence(run("analyze", clinic, "--calibration", "none", "--calibration", "x"), 2, "leave out")
    assert Counted.begun == 0


def test_folder_and_videos_are_not_mixed(run: Run, clinic: Path) -> None:
    video = clinic / "2026/ana/monday.mp4"
    assert_one_sentence(run("analyze", clinic, video), 2, "either one folder", "or videos")
    assert_one_sentence(run("analyze", video, "-d", "seated-internal", "--dask", "x"), 2, "--dask", "folder")
    assert_one_sentence(run("analyze", video, "-d", "seated-internal", "--manifest", "x"), 2, "--manifest", "folder")
    ended = run("analyze", video)
    assert ended.code == 2
    assert "--drill" in ended.err


# ---------------------------------------------------------------------- a cluster
def test_without_dask_it_is_said_how_to_get_it(run: Run, order: Order, monkeypatch: pytest.MonkeyPatch, clinic: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert_one_sentence(run("analyze", clinic, "--dask", "tcp://127.0.0.1:1"), 2, "pip install 'rotrack[dask]'")


def a_task(clinic: Path, **changes: Any) -> Task:
    entry = asked(clinic).entries[0]
    return replace(task_of(entry, "0" * KEY_LENGTH, models_of(entry.job.request), (), ""), **changes)


def test_a_worker_refuses_what_would_give_other_numbers(order: Order, clinic: Path) -> None:
    older = measure_task(a_task(clinic, versions={**versions(), "mediapipe": "0.10.29"}))
    assert isinstance(older.error, InputError)
    assert "has mediapipe" in str(older.error)
    assert "0.10.29" in str(older.error)
    models = models_of(Request())
    assert models_of(Request(legnet=False)) == models[:1]
    for others in (("0", models[1]), (models[0], "0"), models[:1]):
        other = measure_task(a_task(clinic, models=others))
        assert "every computer needs the same" in str(other.error)
    gone = a_task(clinic)
    unseen = measure_task(replace(gone, job=replace(gone.job, video=clinic / "unseen.mp4")))
    assert "every computer that measures needs the archive's folder under the same path" in str(unseen.error)
    assert Counted.begun == 0
    assert [p.files for p in (older, other, unseen)] == [{}] * 3


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A cluster in this process, so that recorded landmarks stand in on its worker, too."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_cluster_gives_the_same(run: Run, order: Order, cluster: Any, clinic: Path, tmp_path: Path) -> None:
    measured(clinic, tmp_path / "one")
    (clinic / "2026/ana/friday.mp4").rename(clinic / "elsewhere.mp4")
    ended = run("analyze", clinic, "--dask", cluster.scheduler_address)
    assert ended.code == 2
    assert "no such file" in ended.err
    assert "A worker measures one video at a time" in ended.err
    assert "--nthreads 1" in ended.err
    (clinic / "elsewhere.mp4").rename(clinic / "2026/ana/friday.mp4")
    ended = run("analyze", clinic, "--dask", cluster.scheduler_address)
    assert (ended.code, "1 measured, 2 in the log already" in ended.out) == (0, True)
    assert everything(tmp_path / "data") == everything(tmp_path / "one")
    assert set(people_of(tmp_path / "data")) == {"Ana", "Müller, Ben"}
    assert run("analyze", clinic, "--dask", "tcp://nowhere:1").code == 0, "nothing is left to ask a cluster for"


class Other:
    """Versions that are others on a worker, which is another thread here."""

    def __init__(self, ours: dict[str, str]) -> None:
        self.ours = ours

    def __call__(self) -> dict[str, str]:
        at_work = threading.current_thread() is not threading.main_thread()
        return {**self.ours, "numpy": "1.0"} if at_work else self.ours


def test_a_worker_with_other_versions_is_refused(
    run: Run, order: Order, monkeypatch: pytest.MonkeyPatch, cluster: Any, clinic: Path
) -> None:
    ours = versions()
    monkeypatch.setattr("rotrack.archive.cluster.versions", Other(ours))
    ended = run("analyze", clinic, "--dask", cluster.scheduler_address)
    assert_one_sentence(ended, 2, "has numpy 1.0", ours["numpy"], "the same versions everywhere")
    assert Counted.begun == 0


def test_whatever_a_worker_ends_with_is_said_for_that_video(order: Order, clinic: Path) -> None:
    distributed = pytest.importorskip("distributed")

    class Ended:
        def __init__(self, error: BaseException | None) -> None:
            self.error = error

        def cancelled(self) -> bool:
            return self.error is None

        def result(self) -> None:
            assert self.error
            raise self.error

    task = a_task(clinic)
    died = _fetched(distributed, Ended(distributed.KilledWorker("key", "worker", 3)), task)
    assert isinstance(died.error, NotMeasuredError)
    assert "monday.mp4 was ended from outside or by the video" in str(died.error)
    other = _fetched(distributed, Ended(ValueError("odd")), task)
    assert "The cluster could not measure monday.mp4 (ValueError: odd)" in str(other.error)
    with pytest.raises(ConnectionError):
        _fetched(distributed, Ended(None), task)


class Waiting:
    """A cluster whose only task ends after a minute, and which has no worker for half of it."""

    status, loop = "running", None

    def __init__(self, clock: ManualClock) -> None:
        self._clock, self._begun_s = clock, clock.monotonic_s()

    def nthreads(self) -> dict[str, int]:
        return {"worker": 1} if self._clock.monotonic_s() - self._begun_s > 30 else {}

    def as_completed(self, futures: list[str], loop: None) -> Any:
        left = list(futures)

        class Ended:
            is_empty = staticmethod(lambda: not left)
            has_ready = staticmethod(lambda: self._clock.monotonic_s() - self._begun_s > 60)
            __next__ = staticmethod(left.pop)

        return Ended()


def test_a_cluster_is_waited_for_by_the_clock_that_is_handed_in() -> None:
    clock, told = ManualClock(), []
    client = Waiting(clock)
    begun_s = time.monotonic()
    assert list(_ended(client, client, ["only"], told.append, clock)) == ["only"]
    assert told == ["The cluster has no worker at the moment; waiting for one.", "The cluster has a worker again."]
    client.status = "closed"
    with pytest.raises(ConnectionError):
        list(_ended(Waiting(clock), client, ["only"], told.append, clock))
    assert time.monotonic() - begun_s < 5


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "foo://bar", "127.0.0.1:99999"])
def test_a_scheduler_that_is_not_there_is_said_soon(run: Run, order: Order, clinic: Path, address: str) -> None:
    begun_s = time.monotonic()
    assert_one_sentence(run("analyze", clinic, "--dask", address), 2, "no Dask scheduler at", address, "dask scheduler")
    assert time.monotonic() - begun_s < 20
    assert Counted.begun == 0


@pytest.mark.slow
def test_a_cluster_without_workers_is_said_soon(run: Run, order: Order, clinic: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp://", dashboard_address=None) as empty:
        assert_one_sentence(run("analyze", clinic, "--dask", empty.scheduler_address), 2, "has no worker", "dask worker tcp://")


# ---------------------------------------------------------------------- processes
def work_or_die(task: str, tell: Callable[[int], None]) -> str:
    """Return a task in capitals; "die" dies once the others are under way, "late" is under way then."""
    tell(1)
    time.sleep({"die": 0.5, "late": 1.5}.get(task, 0.0))
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    return task.upper()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_that_dies_takes_no_other_task_with_it(processes: int) -> None:
    told: list[int] = []
    results = dict(in_processes(work_or_die, ["a", "die", "late", "b", "c"], told.append, processes, let_end=False))
    assert results == {0: "A", 1: None, 2: "LATE", 3: "B", 4: "C"}
    assert sum(told) >= 5


@pytest.mark.slow
def test_closing_does_not_wait_for_what_is_under_way() -> None:
    runner = in_processes(sleep_long, ["a", "b"], lambda _: None, 2, let_end=False)
    assert next(runner) == (0, "a")
    begun_s = time.monotonic()
    runner.close()
    assert time.monotonic() - begun_s < 30


def sleep_long(task: str, tell: Callable[[int], None]) -> str:
    time.sleep(0 if task == "a" else 300)
    return task


# ---------------------------------------------------------------------- the pose model itself, on one computer and on a cluster
@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the first repetition of three sample videos, one of them without a time of recording."""
    folder = tmp_path_factory.mktemp("films")
    for name, frames, fps in (("lunge_right", 70, 20), ("internal_right", 110, 30), ("toe_pivot_right", 65, 20)):
        with closing(VideoFile(SAMPLES / f"{name}.mp4")) as video:
            pictures = [frame.rgb for _, frame in zip(range(frames), video, strict=False)]
        write_video(folder / f"{name}.mp4", pictures, fps)
    write_manifest(
        folder,
        "lunge_right.mp4,Ana,lunge-external,right,2026-01-05T08:30",
        "internal_right.mp4,Ben,seated-internal,right,",
        "toe_pivot_right.mp4,Ben,standing-toe-pivot-internal,right,2026-01-06",
    )
    return folder


@pytest.fixture(scope="module")
def one(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a single process makes of it."""
    data = tmp_path_factory.mktemp("one")
    shares: list[float] = []
    results = list(measure_archive(asked(films, data, model="full").entries, processes=1, on_share=shares.append))
    assert [(r.fresh, r.error) for r in results] == [(True, None)] * 3
    assert sum(shares) == pytest.approx(3, abs=1e-6)
    assert len(shares) > 9, "the bar moves while a video is measured"
    assert len(sessions_in_log(data)) == 3, "each has a repetition"
    return data


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_and_measure_nothing_twice(films: Path, one: Path, tmp_path: Path) -> None:
    ended = run_rotrack(tmp_path, "analyze", films, "--model", "full")
    assert (ended.code, "3 measured" in ended.out) == (0, True), ended.err
    assert everything(tmp_path) == everything(one)
    begun_s = time.monotonic()
    ended = run_rotrack(tmp_path, "analyze", films, "--model", "full")
    assert (ended.code, "0 measured, 3 in the log already" in ended.out) == (0, True)
    shutil.rmtree(tmp_path / "sessions" / folders(tmp_path)[0])
    ended = run_rotrack(tmp_path, "analyze", films, "--model", "full")
    assert (ended.code, "1 measured, 2 in the log already" in ended.out) == (0, True)
    assert everything(tmp_path) == everything(one)
    assert time.monotonic() - begun_s < PATIENT_S


@pytest.mark.slow
def test_a_cluster_of_processes_gives_the_same_bytes(films: Path, one: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        ended = run_rotrack(tmp_path, "analyze", films, "--model", "full", "--dask", cluster.scheduler_address)
        assert (ended.code, "3 measured" in ended.out) == (0, True), ended.err
        assert everything(tmp_path) == everything(one)
        again = run_rotrack(tmp_path, "analyze", films, "--model", "full", "--dask", cluster.scheduler_address)
        assert (again.code, "0 measured, 3 in the log already" in again.out) == (0, True)


@pytest.mark.slow
def test_killed_in_between_and_gone_on_with_it_is_the_same(films: Path, one: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rotrack", "analyze", str(films), "--model", "full"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment(tmp_path), text=True, **quiet)
    try:
        assert wait_until(lambda: len(folders(tmp_path)) > 0, PATIENT_S, 0.02)
    finally:
        stop(process)
    there = folders(tmp_path)
    assert 0 < len(there) < 3
    assert all(read_record(tmp_path / "sessions" / name).status == "finished" for name in there)
    people_of(tmp_path)
    ended = run_rotrack(tmp_path, "analyze", films, "--model", "full")
    assert ended.code == 0, ended.err
    assert f"{3 - len(there)} measured, {len(there)} in the log already" in ended.out
    assert everything(tmp_path) == everything(one)
