"""Programs that log are killed, or lose their power, at any moment: no repetition that was acknowledged may be lost.

    python tests/benchmarks/crashes.py kills --times 1000 --writers 2 --changers
    python tests/benchmarks/crashes.py powercuts --times 60      (root; an ext4 image of its own is copied without a flush)
    python tests/benchmarks/crashes.py writers --programs 16 --reps 60

A writer acknowledges a repetition on a pipe after `SessionWriter.append` has returned. A changer drops repetitions, writes notes
and renames people meanwhile. After every accident the folder is read as a new program would read it.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rotrack.calibration.profiles import Known
from rotrack.core.errors import RotrackError
from rotrack.core.model import Direction, Rep, Side, Step, empty_pose
from rotrack.people.changes import rename_person
from rotrack.records.changes import describe_session, drop_rep
from rotrack.records.folders import being_written
from rotrack.records.people import read_people
from rotrack.records.store import read_all, read_sessions
from rotrack.records.table import CHANGED, HEADER, refresh_table, rows_of
from rotrack.records.writer import SessionWriter
from rotrack.sensing.sources import SourceInfo

Key = tuple[str, int]
"""A session and the number of a repetition in it."""


def rep_of(number: int) -> Rep:
    """Return a repetition that can be told from all others."""
    peak_deg = 10 + number % 700 / 10
    return Rep(
        side=Side.LEFT, direction=Direction.INTERNAL, rep=number, valid=True, peak_deg=peak_deg, uncertainty_deg=2.5,
        gravity_deg=1.0, fit_sd_deg=0.5, live_peak_deg=peak_deg, range_deg=peak_deg, start_s=1.0, peak_s=2.0,
        end_s=3.0, hold_s=0.5, faults=("T",), reason="", visibility=0.9,
    )  # fmt: skip


def writer_of(data: Path, person: str) -> SessionWriter:
    """Begin a session as measuring does."""
    from rotrack.measure import request, run  # loaded before the forks

    request = request.Request(drill="seated-combined", out=data, person=person, note="note, with comma", legnet=False)
    source = SourceInfo("video", "x.mp4", (640, 480), 30.0, 0)
    provenance = {"model": "heavy", "model_sha256": "0", "landmarker": {}, "legnet": None}
    return run.in_log(request, source, provenance, Known(), run.SYSTEM)


def write(data: Path, out: int, seed: int, most: int = 10**9) -> None:
    """Log repetitions as fast as possible and acknowledge each."""
    writer = writer_of(data, f"Person {seed % 5}")
    name = writer.record.session_id
    for number in range(1, most + 1):
        time_s = number / 30
        writer.append(Step(empty_pose(time_s, (640, 480), "nobody"), {}, reps=(rep_of(number),)))
        os.write(out, f"R {name} {number}\n".encode())
    writer.close()


def change(data: Path, out: int, seed: int) -> None:
    """Change what was logged as fast as possible."""
    rng = random.Random(seed)
    while True:
        sessions, _ = read_sessions(data)
        if not sessions:
            time.sleep(0.01)
            continue
        session = rng.choice(sessions)
        try:
            what = rng.random()
            if what < 0.4:
                describe_session(data, session.id, note=f"n{rng.random()}")
            elif what < 0.9 and session.rep_list:
                rep = rng.choice(session.rep_list)
                drop_rep(data, session.id, rep.side, rep.direction, rep.rep, rng.random() < 0.5)
            else:
                person = rng.choice(read_people(data)[0])
                rename_person(data, person, f"{person.name.split(' also')[0]} also {rng.randrange(100)}")
        except (RotrackError, IndexError):
            pass
        os.write(out, b"C\n")


@dataclass
class Programs:
    """Programs that run beside this one."""

    children: dict[int, int] = field(default_factory=dict)
    texts: dict[int, bytes] = field(default_factory=dict)

    def start(self, work: Callable[[int], None]) -> None:
        """Begin one in a process of its own; it gets the pipe to tell on."""
        read, told = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            try:
                work(told)
            except BaseException as error:  # noqa: BLE001  told to the parent
                os.write(told, f"E {type(error).__name__}: {error}".replace("\n", " ").encode() + b"\n")
            os._exit(0)
        os.close(told)
        self.children[read], self.texts[read] = child, b""

    def listen(self, until: float) -> None:
        """Hear what they tell until then."""
        while (left := until - time.monotonic()) > 0:
            for read in select.select(list(self.children), [], [], left)[0]:
                self.texts[read] += os.read(read, 1 << 16)

    def signal(self, number: int, rng: random.Random) -> None:
        """Send all of them a signal, in any order."""
        for child in rng.sample(list(self.children.values()), len(self.children)):
            os.kill(child, number)

    def end(self) -> tuple[set[Key], list[str]]:
        """Wait for all; return what was acknowledged and what went wrong."""
        for read, child in self.children.items():
            while block := os.read(read, 1 << 16):
                self.texts[read] += block
            os.waitpid(child, 0)
            os.close(read)
        return self.told()

    def told(self) -> tuple[set[Key], list[str]]:
        """Return what was acknowledged by now and what went wrong; a line that is not whole does not count."""
        lines = [line for text in self.texts.values() for line in text.decode().split("\n")[:-1]]
        acknowledged = {(words[1], int(words[2])) for words in map(str.split, lines) if words and words[0] == "R"}
        return acknowledged, [line for line in lines if line.startswith("E ")]


@dataclass
class Found:
    """What a new program finds in a data folder."""

    keys: set[Key]
    problems: list[str]
    rows: set[Key]
    changed_by_hand: int
    status: Counter[str]


def look(data: Path) -> Found:
    """Read a folder as a new program would, and compare the people's table with the sessions."""
    notes = refresh_table(data)
    sessions, problems = read_all(data)
    content = (data / "reps.csv").read_bytes() if (data / "reps.csv").exists() else HEADER
    wanted = HEADER + b"".join(rows_of(session.record, session.rep_list) for session in sessions)
    if content != wanted:
        problems.append("reps.csv differs from the sessions")
    keys = {(session.id, rep.rep) for session in sessions for rep in session.rep_list}
    lines = [line.split(",") for line in content.decode().split("\r\n")[1:]]
    rows = {(cells[0], int(cells[6])) for cells in lines if len(cells) > 6}
    status = Counter(str(session.record.status) for session in sessions)
    problems += [note for note in notes if "later" in note]
    held = [folder.name for folder in (data / "sessions").glob("*") if being_written(folder)]
    problems += [f"{name} is still held" for name in held]
    return Found(keys, problems, rows, len(list(data.glob(f"{CHANGED}*"))), status)


def kills(times: int, writers: int, changers: bool, seed: int = 7, place: Path | None = None) -> int:
    """Kill programs that log; return how many acknowledged repetitions were lost, or how often something was wrong."""
    rng, kills_done, acknowledged_in_all, wrong, orphans = random.Random(seed), 0, 0, 0, 0
    with tempfile.TemporaryDirectory(dir=place) as folder:
        data, acknowledged, turn = Path(folder) / "data", set[Key](), 0
        while kills_done < times:
            programs = Programs()
            for number in range(writers):
                programs.start(partial(write, data, seed=turn * 100 + number))
            if changers:
                programs.start(partial(change, data, seed=turn))
            programs.listen(time.monotonic() + rng.uniform(0.0, 0.7))
            programs.signal(signal.SIGKILL, rng)
            kills_done += len(programs.children)
            more, errors = programs.end()
            acknowledged |= more
            acknowledged_in_all += len(more)
            turn += 1
            found = look(data)
            lost = acknowledged - found.keys
            unexpected = [p for p in found.problems if "holds no session.json" not in p]
            orphans += len(found.problems) - len(unexpected)
            if lost or unexpected or errors or found.changed_by_hand or acknowledged - found.rows:
                wrong += len(lost) or 1
                print(f"turn {turn}: lost {len(lost)}, {unexpected[:3]}, {errors[:3]}, kept tables {found.changed_by_hand}")
            if turn % 40 == 0:
                print(f"{kills_done} kills, {acknowledged_in_all} acknowledged, wrong {wrong}, {dict(found.status)}", flush=True)
                acknowledged.clear()
                shutil.rmtree(data)
    told = f"{kills_done} kills, {acknowledged_in_all} repetitions acknowledged, {wrong} lost or wrong"
    print(f"{told}; begun and empty folders: {orphans}")
    return wrong


def many_writers(programs_count: int, reps: int, place: Path | None = None) -> int:
    """Let programs log at once to their end; return how many repetitions are missing."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        data, programs = Path(folder) / "data", Programs()
        begun = time.monotonic()
        for number in range(programs_count):
            programs.start(partial(write, data, seed=number, most=reps))
        acknowledged, errors = programs.end()
        took_s = time.monotonic() - begun
        rows_live = (data / "reps.csv").read_bytes().count(b"\r\n") - 1
        found = look(data)
        missing = programs_count * reps - len(found.keys) + len(acknowledged - found.rows)
        print(
            f"{programs_count} programs, {reps} repetitions each: {len(acknowledged)} acknowledged, {len(found.keys)} there, "
            f"{rows_live} rows in reps.csv when the last one ended, {took_s:.1f} s; {errors[:3]} {found.problems[:3]}"
        )
    return missing + len(errors) + len(found.problems)


def powercuts(times: int, changers: bool, seed: int = 11, place: Path | None = None) -> int:
    """Copy the image of a disk without a flush while programs log to it; return what was lost or wrong. Needs root."""
    rng, wrong, acknowledged_in_all, notes = random.Random(seed), 0, 0, Counter[str]()
    with tempfile.TemporaryDirectory(dir=place) as folder:
        work = Path(folder)
        image, copy, mount, again = work / "disk.img", work / "copy.img", work / "m", work / "m2"
        mount.mkdir()
        again.mkdir()
        for cut in range(times):
            image.unlink(missing_ok=True)
            _sh(f"truncate -s 32M {image} && mkfs.ext4 -q -O ^64bit -J size=4 {image} && mount -o loop {image} {mount}")
            data = mount / "d"
            data.mkdir()
            _sh("sync")
            programs = Programs()
            for number in range(2):
                programs.start(partial(write, data, seed=number))
            if changers:
                programs.start(partial(change, data, seed=cut))
            programs.listen(time.monotonic() + rng.uniform(0.0, 1.5))
            acknowledged, errors = programs.told()
            programs.signal(signal.SIGSTOP, rng)
            shutil.copyfile(image, copy)
            programs.signal(signal.SIGKILL, rng)
            programs.end()
            _sh(f"umount {mount}")
            _sh(f"mount -o loop {copy} {again}")
            try:
                found = look(again / "d") if (again / "d").exists() else Found(set(), [], set(), 0, Counter())
            finally:
                _sh(f"umount {again}")
            lost = acknowledged - found.keys
            acknowledged_in_all += len(acknowledged)
            unexpected = [p for p in found.problems if "holds no session.json" not in p]
            notes.update(f"{p.split(' ')[0][-12:]}... {p[-80:]}" for p in unexpected)
            notes.update(["kept table"] * found.changed_by_hand)
            notes.update(errors)
            wrong += len(lost) + len(unexpected) + found.changed_by_hand
            if lost or (cut + 1) % 20 == 0:
                told = f"{cut + 1} cuts, {acknowledged_in_all} acknowledged"
                print(f"{told}, lost now {len(lost)}, wrong in all {wrong}", flush=True)
    print(f"{times} power cuts, {acknowledged_in_all} repetitions acknowledged, {wrong} lost or wrong; {dict(notes)}")
    return wrong


def _sh(command: str) -> None:
    subprocess.run(command, shell=True, check=True, capture_output=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "powercuts", "writers"))
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--changers", action="store_true")
    parser.add_argument("--programs", type=int, default=16)
    parser.add_argument("--reps", type=int, default=60)
    parser.add_argument("--in", dest="place", type=Path, default=None, help="Folder on the disk to try.")
    asked = parser.parse_args()
    import rotrack.measure.run  # noqa: F401  loaded once, before the forks

    if asked.what == "kills":
        wrong = kills(asked.times, asked.writers, asked.changers, place=asked.place)
    elif asked.what == "powercuts":
        wrong = powercuts(asked.times, asked.changers, place=asked.place)
    else:
        wrong = many_writers(asked.programs, asked.reps, place=asked.place)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
