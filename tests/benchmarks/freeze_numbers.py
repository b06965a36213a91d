"""Freezes what is measured now as what tests/test_same_numbers.py compares with: python tests/benchmarks/freeze_numbers.py.

Measures the sample videos and the recorded fixtures and writes tests/fixtures/numbers, in some minutes. It is only for a change
that is meant to change numbers. `--recordings` leaves the sample videos as they are; `--out FOLDER` writes elsewhere, to look at
the difference. `--release` measures nothing: it keeps what is frozen as the numbers of this version, in tests/fixtures/releases,
with which later versions are compared (tests/benchmarks/releases.py).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import FIXTURES, SAMPLES
from releases import RELEASES, VERSIONS
from test_same_numbers import (
    NAMES,
    NUMBERS,
    RECORDINGS,
    REFUSED,
    SESSIONS,
    TABLE,
    made_on,
    numbers_of,
    session_in,
    tracked_numbers,
)

import rotrack
from rotrack.core.model import CONVENTION_VERSION, MEASURE_VERSION
from rotrack.validation import validate_folder


def write(path: Path, what: dict[str, Any]) -> None:
    """Write numbers as JSON, with every digit."""
    path.write_text(json.dumps(what, indent=1, sort_keys=True, allow_nan=False) + "\n", "utf-8", newline="\n")


def recordings() -> dict[str, Any]:
    """Return the numbers of the recorded fixtures."""
    found = {}
    for name in NAMES:
        with tempfile.TemporaryDirectory() as place:
            found[name] = tracked_numbers(name) if name in REFUSED else numbers_of(rotrack.remeasure(FIXTURES / name, out=place))
    return found


def keep_release() -> Path:
    """Keep what is frozen as the numbers of this version, and return the folder."""
    folder = RELEASES / rotrack.__version__
    folder.mkdir(parents=True, exist_ok=True)
    for path in (RECORDINGS, TABLE, SESSIONS):
        shutil.copyfile(path, folder / path.name)
    write(folder / VERSIONS, {"convention_version": CONVENTION_VERSION, "measure_version": MEASURE_VERSION})
    return folder


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", action="store_true", help="only the recorded fixtures")
    parser.add_argument("--out", type=Path, default=NUMBERS, help="another folder")
    parser.add_argument("--release", action="store_true", help="keep what is frozen as the numbers of this version")
    args = parser.parse_args()
    if args.release:
        print(f"kept in {keep_release()}")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"measured with {Path(rotrack.__file__).parent}")
    write(args.out / RECORDINGS.name, {"made_on": made_on(), "recordings": recordings()})
    if not args.recordings:
        with tempfile.TemporaryDirectory() as place:
            table = validate_folder(SAMPLES, keep=Path(place))
            sessions = {clip: numbers_of(session_in(Path(place) / clip)) for clip in sorted(set(table["clip"]))}
        table.to_csv(args.out / TABLE.name, index=False, lineterminator="\n")
        write(args.out / SESSIONS.name, {"made_on": made_on(), "sessions": sessions})
    print(f"written to {args.out}")


if __name__ == "__main__":
    main()
