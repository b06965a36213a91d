"""What pose model and leg network said of rendered clips of the benchmark, small enough for the repository.

rotrack validate CLIPS --keep KEEP            # runs the models over rendered clips, once
python -m training.recordings CLIPS KEEP      # takes their recordings into training/recordings

rotrack validate training/recordings --keep training/recordings/sessions --state STATE     # measures them again

The last command needs neither clips nor renderer nor pose model: counting, zero, errors and refusals can be measured again after
every change. What it cannot show is a change of what comes before, of pose model, leg network or keeping the person.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rotrack.records.landmarks import LANDMARKS, LEGS_READ
from rotrack.records.record import SESSION_FILE, Status, read_record
from training.render import benchmark

RECORDINGS = Path(__file__).with_name("recordings")
SESSIONS, PROVENANCE, BASELINE = "sessions", "provenance.csv", "baseline.csv"
"""The sessions; of which specs and models they are; what rotrack 0.1.0 makes of them (accuracy.py)."""
TRUE = ("t", "right_hip_internal_rotation", "left_hip_internal_rotation")
"""Columns of the truth that `rotrack validate` reads; the specs make the others again."""
_PER_FRAME = "camera_per_frame_rvec_t"


def spec_sha256(spec: Mapping[str, Any]) -> str:
    """Return the checksum of a spec, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def take(clips: Path, keep: Path, specs: Mapping[str, Mapping[str, Any]], out: Path, part: str = "") -> list[str]:
    """Take the recordings of clips of the benchmark that have been measured, and return their names; earlier ones are replaced.

    Parameters
    ----------
    clips, keep : Path
        The rendered clips, and where `rotrack validate --keep` left their sessions.
    specs : mapping
        The benchmark, by name of the clip.
    out : Path
        The folder of recordings.
    part : str
        Only clips whose names begin so.
    """
    out.mkdir(exist_ok=True)
    table = {row["clip"]: row for row in provenance(out)}
    taken = []
    for name, spec in specs.items():
        session = next((path.parent for path in sorted(keep.glob(f"{name}/sessions/*/{LEGS_READ}"))), None)
        if session is None or not name.startswith(part) or not (clips / f"{name}.gt.json").is_file():
            continue
        record = read_record(session)
        if record.status not in (Status.FINISHED, Status.NOT_MEASURED) or record.legnet is None:
            continue
        _copy_truth(clips, name, out)
        place = out / SESSIONS / name / "sessions" / session.name
        shutil.rmtree(out / SESSIONS / name, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copyfile(session / SESSION_FILE, place / SESSION_FILE)
        for file in (LANDMARKS, LEGS_READ):  # packed by a fifth smaller than a session is while it is measured
            (place / file).write_bytes(gzip.compress(gzip.decompress((session / file).read_bytes()), mtime=0))
        table[name] = {
            "clip": name,
            "spec_sha256": spec_sha256(spec),
            "video_sha256": hashlib.sha256((clips / f"{name}.mp4").read_bytes()).hexdigest(),
            "frames": record.frames,
            "rotrack": record.rotrack_version,
            "landmarker": record.landmarker["landmarker"],
            "model_sha256": record.model_sha256,
            "legnet_sha256": record.legnet.sha256,
        }
        taken.append(name)
    with (out / PROVENANCE).open("w", newline="", encoding="utf-8") as file:
        rows = [table[name] for name in specs if name in table]
        written = csv.DictWriter(file, rows[0] if rows else ["clip"], lineterminator="\n")
        written.writeheader()
        written.writerows(rows)
    benchmark.manifest(specs, out)
    return taken


def provenance(out: Path = RECORDINGS) -> list[dict[str, Any]]:
    """Return of which spec each recording is, and by what it was read."""
    if not (out / PROVENANCE).is_file():
        return []
    with (out / PROVENANCE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _copy_truth(clips: Path, name: str, out: Path) -> None:
    with (clips / f"{name}.gt.csv").open(encoding="utf-8", newline="") as file:
        rows = [{column: row[column] for column in TRUE} for row in csv.DictReader(file)]
    with (out / f"{name}.gt.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, TRUE, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    told = json.loads((clips / f"{name}.gt.json").read_text("utf-8"))
    told.pop(_PER_FRAME, None)
    (out / f"{name}.gt.json").write_text(json.dumps(told) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Take recordings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="folder of the rendered clips")
    parser.add_argument("keep", type=Path, help="where `rotrack validate --keep` left what the models said")
    parser.add_argument("--part", default="", help="only clips whose names begin so: tune or test")
    parser.add_argument("--out", type=Path, default=RECORDINGS)
    asked = parser.parse_args(arguments)
    taken = take(asked.clips, asked.keep, json.loads(benchmark.SPECS.read_text("utf-8")), asked.out, asked.part)
    print(f"{len(taken)} recordings taken, {len(provenance(asked.out))} are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
