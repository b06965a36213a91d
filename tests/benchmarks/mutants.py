"""Damages every kind of file that rotrack reads, and reads it: a sentence or the right answer, never a traceback.

    python tests/benchmarks/mutants.py --times 10000 [--only session.json] [--seed 1] [--state FILE]

Each mutant is one file of a small data folder, damaged in one of a dozen ways (bytes, lines, cells, JSON values of another type).
Then all that reads it is called as the commands do. Wrong are tracebacks, readings of more than 5 s of processor time, and more
than 500 MB of memory; a sound session beside the damaged one must be read each time. With `--state`, a run that was stopped goes
on where it was, and the end tells of all of it.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from rotrack import remeasure
from rotrack.app.keys import Keys
from rotrack.archive.manifest import read_manifest
from rotrack.calibration.profiles import read_folder
from rotrack.charts.sessions import session_figure
from rotrack.core.drills import parse_table
from rotrack.core.errors import RotrackError
from rotrack.exchange.export import markers_over_time, rotation_over_time, tidy_table, wide_table
from rotrack.exchange.merge import merge_sessions
from rotrack.exchange.typed import Form, import_readings
from rotrack.measure.request import Request
from rotrack.people.erasure import stored_of
from rotrack.progress.change import read_progress, to_dict
from rotrack.progress.compare import standing
from rotrack.records.history import history_csv, newest, table_of
from rotrack.records.landmarks import read_poses
from rotrack.records.programmes import begin_course, find_course, open_courses, read_programmes, ready_programmes, write_programme
from rotrack.records.readings import read_readings
from rotrack.records.repair import examine, repair
from rotrack.records.session import load_session
from rotrack.records.store import read_sessions
from rotrack.records.table import refresh_table

LOG = Path(__file__).parents[1] / "fixtures" / "logs" / "32_columns"
SLOW_S, MOST_MB = 5.0, 500.0
KEPT_EVERY = 50
TYPED = Form(same={"drill": "seated-combined", "instrument": "goniometer"})
_WRONG: list[Any] = [
    None, True, 0, -1, 1e308, 10**30, "", "12", "x\x1b[2Jy", "\u202e", [], {}, [[[]]], {"a": 1}, "9999-12-31T23:00:00-12:00",
    [None], "=1+1",
]  # fmt: skip


# ---------------------------------------------------------------------- damage
def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return content with a few bytes, lines or cells damaged."""
    if not content:
        return b"\0"
    ways: list[Callable[[], bytes]] = [
        lambda: content[: rng.randrange(len(content))],
        lambda: _with_bytes(content, rng, rng.randint(1, 8)),
        lambda: content[: (at := rng.randrange(len(content)))] + b"\0" * rng.randint(1, 600) + content[at:],
        lambda: _with_lines(content, rng),
        lambda: _with_cell(content, rng),
        lambda: content * rng.randint(2, 3),
        lambda: content.decode("utf-8", "replace").encode(rng.choice(["utf-16", "cp1252"]), "replace"),
        lambda: content.replace(b",", rng.choice([b";", b"\t", b"|", b""])),
        lambda: content.replace(b"\r\n", rng.choice([b"\n", b"\r", b""])).replace(b"\n", rng.choice([b"\n", b"\r", b" "])),
        lambda: rng.choice([b"", b"\xef\xbb\xbf", b"[]", b"{}", b"null", b'{"a":' * 5000, b"[" * 50_000, b'"', b"\xff\xfe\0"]),
    ]
    return rng.choice(ways)()


def _with_bytes(content: bytes, rng: random.Random, count: int) -> bytes:
    changed = bytearray(content)
    for _ in range(count):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _with_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    what = rng.randrange(4)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif what == 2:
        lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
    else:
        rng.shuffle(lines)
    return b"".join(lines)


def _with_cell(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    cells = lines[at].split(b",")
    cells[rng.randrange(len(cells))] = rng.choice(
        [
            b"",
            b"nan",
            b"inf",
            b"-1e999",
            b"x",
            b'"',
            b'"a""b',
            b"=1+1",
            b"9" * 400,
            b"1,5",
            b"\x1b]0;x\x07",
            "\u202eabc".encode(),
            b"5" * 30_000,
        ]
    )
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def damaged_json(content: bytes, rng: random.Random) -> bytes:
    """Return a JSON text in which one value is of another type, gone, or doubled."""
    if rng.random() < 0.4:
        return damaged_bytes(content, rng)
    root = json.loads(content)
    place, key = _place(root, rng)
    if rng.random() < 0.2 and isinstance(place, dict):
        del place[key]
    else:
        place[key] = rng.choice(_WRONG)
    return json.dumps(root).encode()


def _place(root: Any, rng: random.Random) -> tuple[Any, Any]:
    place, key = root, rng.choice(list(root))
    while isinstance(place[key], dict | list) and place[key] and rng.random() < 0.7:
        place = place[key]
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    return place, key


def damaged_packed(content: bytes, rng: random.Random) -> bytes:
    """Return a gzip file that is damaged outside or inside."""
    if rng.random() < 0.3:
        return damaged_bytes(content, rng)
    return gzip.compress(damaged_bytes(gzip.decompress(content), rng), 1)


def damaged_workbook(content: bytes, rng: random.Random) -> bytes:
    """Return a workbook that is damaged outside, or inside one of its parts."""
    if rng.random() < 0.2:
        return damaged_bytes(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    hit, made = rng.choice(list(parts)), io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, part in parts.items():
            packed.writestr(name, damaged_bytes(part, rng) if name == hit else part)
    return made.getvalue()


# ---------------------------------------------------------------------- reading
def read_all_of(data: Path) -> None:
    """Do with a data folder what history, show, progress and export do."""
    refresh_table(data)
    sessions, _ = read_sessions(data)
    history_csv(table_of(newest(sessions)))
    tidy_table(sessions)
    wide_table(sessions)
    for session in sessions:
        session.summary()
        standing(session, sessions)
    with suppress(RotrackError):
        to_dict(read_progress(data))
    list(examine(data))
    stored_of(data, "Ana")


def read_one(folder: Path) -> None:
    """Do with one session what show --plot and export do."""
    for use in (
        lambda: _drawn(load_session(folder)),
        lambda: rotation_over_time(load_session(folder)),
        lambda: markers_over_time(load_session(folder)),
        lambda: sum(1 for _ in read_poses(folder)),
    ):
        with suppress(RotrackError):
            use()


def _drawn(session: Any) -> None:
    session_figure(session.curve, session.reps, "title", "values", session.record.tier)


def told(use: Callable[[], object]) -> None:
    """Use something that may say in a sentence that it cannot."""
    with suppress(RotrackError):
        use()


def kinds(base: Path, work: Path) -> dict[str, tuple[Path, Callable[[bytes, random.Random], bytes], Callable[[], None]]]:
    """Return by name of the kind: the file in the working copy, how it is damaged, what reads it."""
    session = next(folder for folder in sorted((base / "sessions").iterdir()) if (folder / "landmarks.csv.gz").exists())
    here = work / "sessions" / session.name
    person = next((base / "people").iterdir()).name
    other, videos, typed = work.parent / "other", work.parent / "videos", work.parent / "typed.csv"
    drills, workbook = work.parent / "drills.toml", work.parent / "typed.xlsx"
    course = next(base.glob("courses/*.json")).relative_to(base)

    def whole() -> None:
        told(lambda: read_all_of(work))
        read_one(here)

    return {
        "session.json": (here / "session.json", damaged_json, whole),
        "repetitions.csv": (here / "repetitions.csv", damaged_bytes, whole),
        "angles.csv": (here / "angles.csv", damaged_bytes, lambda: read_one(here)),
        "landmarks.csv.gz": (here / "landmarks.csv.gz", damaged_packed, lambda: read_one(here)),
        "legs.csv.gz": (here / "legs.csv.gz", damaged_packed, lambda: read_one(here)),
        "reps.csv": (work / "reps.csv", damaged_bytes, lambda: told(lambda: read_all_of(work))),
        "checksum": (work / "reps.csv.checksum", damaged_json, lambda: told(lambda: read_all_of(work))),
        "index": (work / "index.msgpack", damaged_bytes, lambda: told(lambda: read_all_of(work))),
        "programme.json": (work / "programmes" / "mine.json", damaged_json, lambda: told(lambda: read_programmes(work))),
        "course.json": (
            work / course, damaged_json,
            lambda: (told(lambda: find_course(work, course.stem)), told(lambda: open_courses(work))),
        ),
        "keys": (work / "page.key", damaged_json, lambda: told(lambda: Keys(work))),
        "drills.toml": (
            drills, damaged_bytes, lambda: told(lambda: parse_table(drills.read_text("utf-8", "replace"), drills.name)),
        ),
        "typed workbook": (workbook, damaged_workbook, lambda: told(lambda: import_readings(other, workbook, TYPED))),
        "person.json": (work / "people" / person / "person.json", damaged_json, lambda: told(lambda: read_all_of(work))),
        "readings.csv": (
            work / "readings.csv", damaged_bytes, lambda: (told(lambda: read_readings(work)), told(lambda: read_all_of(work))),
        ),
        "typed readings": (typed, damaged_bytes, lambda: told(lambda: import_readings(other, typed))),
        "manifest.csv": (
            videos / "manifest.csv", damaged_bytes, lambda: told(lambda: read_manifest(videos, Request(out=work))),
        ),
        "profile.toml": (
            work / "calibration" / "personal-ana-20261101-101010.toml", damaged_bytes,
            lambda: told(lambda: read_folder(work / "calibration")),
        ),
        "imported folder": (here / "session.json", damaged_json, lambda: told(lambda: merge_sessions(other, work))),
        "earlier session.json": (work.parent / "earlier" / "S" / "session.json", damaged_json, lambda: _earlier(work)),
        "earlier reps.csv": (work.parent / "earlier" / "reps.csv", damaged_bytes, lambda: _earlier(work)),
        "measured again": (here / "session.json", damaged_json, lambda: told(lambda: remeasure(here, work.parent / "again"))),
        "repaired": (here / "session.json", damaged_json, lambda: (told(lambda: repair(work)), whole())),
    }  # fmt: skip


def _earlier(work: Path) -> None:
    """Take over a folder of an earlier version in which a file is damaged."""
    data = work.parent / "taken"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(LOG, data)
    damaged = work.parent / "earlier"
    name = sorted((data / "sessions").iterdir())[0]
    if (damaged / "reps.csv").exists():
        shutil.copy(damaged / "reps.csv", data / "reps.csv")
    if (damaged / "S" / "session.json").exists():
        shutil.copy(damaged / "S" / "session.json", name / "session.json")
    told(lambda: read_all_of(data))


# ---------------------------------------------------------------------- the loop
def base_folder(base: Path) -> None:
    """Make a data folder with a bit of everything."""
    shutil.copytree(LOG, base)
    refresh_table(base)
    programme = replace(ready_programmes()[0], id="mine")
    write_programme(base, programme)
    begin_course(base, programme)
    Keys(base)
    (base / "calibration").mkdir()
    (base / "calibration" / "personal-ana-20261101-101010.toml").write_text(
        'kind = "personal"\nversion = 1\nmade = 2026-11-01 10:10:10+01:00\ncamera = "x"\nsize_px = [640, 480]\n'
        'person = "Ana"\nmeasure = "foot"\nconvention_version = "2"\nmeasured_with = "none"\n\n'
        "[left]\ngain = 1.1\nzero_deg = 0.0\nresidual_deg = 1.0\n"
    )


def main() -> None:
    """Run as many mutants as asked, in turns over the kinds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path, help="keeps how far it is")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = run(Path(folder), asked.times, asked.seed, asked.only, lambda text: print(text, flush=True), asked.state)
    sys.exit(bool(wrong))


def run(place: Path, times: int, seed: int, only: str, tell: Callable[[str], object], state: Path | None = None) -> int:
    """Return how many mutants ended in a traceback, took too long or took a sound session away; of an earlier part, too."""
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    rng, base, work = random.Random(seed), place / "base", place / "work"
    base_folder(base)
    sound = {session.id: [rep.peak_deg for rep in session.rep_list] for session in read_sessions(base)[0]}
    (place / "videos").mkdir()
    originals = {
        "typed readings": (base / "readings.csv").read_bytes(),
        "manifest.csv": b"file,person,drill,side\na.mp4,Ana,seated-combined,left\nb.mp4,Ana,seated-combined,both\n",
        "earlier session.json": (sorted((LOG / "sessions").iterdir())[0] / "session.json").read_bytes(),
        "earlier reps.csv": (LOG / "reps.csv").read_bytes(),
        "drills.toml": resources.files("rotrack.core").joinpath("drills.toml").read_bytes(),
        "typed workbook": (LOG.parents[1] / "typed" / "us_visits.xlsx").read_bytes(),
    }
    for name in ("a.mp4", "b.mp4"):
        (place / "videos" / name).write_bytes(b"x")
    shutil.copytree(base, work)
    found = {name: how for name, how in kinds(base, work).items() if only in name}
    begun, slow_s, counts = 0, 0.0, Counter[str]()
    if state and state.exists():
        before = json.loads(state.read_text())
        assert (before["seed"], before["only"]) == (seed, only), f"{state} is of other mutants"
        begun, slow_s, counts = before["done"], before["slow_s"], Counter(before["wrong"])
        version, numbers, gauss = before["random"]
        rng.setstate((version, tuple(numbers), gauss))
    for number in range(begun, times):
        name = list(found)[number % len(found)]
        path, damage, read = found[name]
        shutil.rmtree(work)
        shutil.copytree(base, work)
        for extra in ("earlier", "other", "again"):
            shutil.rmtree(place / extra, ignore_errors=True)
        content = damage(originals[name] if name in originals else path.read_bytes(), rng)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        begun_s = time.process_time()
        try:
            read()
            left = {s.id: [rep.peak_deg for rep in s.rep_list] for s in read_sessions(work)[0]}
            lost = [key for key in sound if key not in path.parts and left.get(key) != sound[key]]
            if lost:
                raise AssertionError(f"sound sessions read otherwise: {lost[:2]}")
        except Exception:  # noqa: BLE001  that is what is looked for
            counts[name] += 1
            tell(f"--- {name}, mutant {number}: {content[:80]!r}\n{traceback.format_exc(limit=-4)}")
        took_s = time.process_time() - begun_s
        slow_s = max(slow_s, took_s)
        if took_s > SLOW_S:
            counts[name] += 1
            tell(f"--- {name}, mutant {number}: {took_s:.1f} s")
        if state and (number + 1) % KEPT_EVERY == 0:
            so_far = {"seed": seed, "only": only, "done": number + 1, "slow_s": slow_s, "wrong": counts, "random": rng.getstate()}
            state.write_text(json.dumps(so_far))
        if (number + 1) % 1000 == 0:
            tell(f"{number + 1} mutants, {counts.total()} wrong")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 - before_mb
    if peak_mb > MOST_MB:
        counts["memory"] += 1
    told_all = f"{times} mutants of {len(found)} kinds: {counts.total()} wrong {dict(counts)}"
    tell(f"{told_all}; slowest {slow_s:.1f} s, {peak_mb:.0f} MB of memory more than at the start")
    return counts.total()


if __name__ == "__main__":
    main()
