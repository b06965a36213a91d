"""Recordings of the benchmark (training/recordings): of today's specs, and measured without clips."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest
from repository import ROOT

from rotrack.records.landmarks import LEG_COLUMNS, LEGS_READ
from rotrack.sensing.legnet import description
from rotrack.validation import validate_folder
from training import accuracy, noise, recordings
from training.render.stage import ClipSpec

FIXTURE = ROOT / "tests" / "fixtures" / "internal_right"
SPEC = {"drill": "seated-internal", "kind": "tidy", "person": {"name": "somebody"}, "size_px": [640, 480], "note": "near"}


@pytest.fixture
def rendered(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of one rendered clip of two, and what the models said of it."""
    clips, session = tmp_path / "clips", tmp_path / "keep" / "clip" / "sessions" / "s1"
    clips.mkdir()
    shutil.copytree(FIXTURE, session)
    record = json.loads((session / "session.json").read_text("utf-8"))
    network = {"version": description()["version"], "sha256": description()["sha256"]}
    (session / "session.json").write_text(json.dumps(record | {"legnet": network}), "utf-8")
    with gzip.open(session / LEGS_READ, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(LEG_COLUMNS)
    rows = list(csv.DictReader((FIXTURE / "truth.csv").read_text("utf-8").splitlines()))
    with (clips / "clip.gt.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [*rows[0], "right_knee_u"])
        table.writeheader()
        table.writerows(row | {"right_knee_u": "320.5"} for row in rows)
    truth = json.loads((FIXTURE / "truth.json").read_text("utf-8"))
    truth |= {"rep_count": len(truth["reps"]), "camera_per_frame_rvec_t": [[0.0] * 6] * len(rows)}
    (clips / "clip.gt.json").write_text(json.dumps(truth), "utf-8")
    (clips / "clip.mp4").write_bytes(b"video")
    return clips, tmp_path / "keep"


def test_a_recording_is_measured_without_its_clip(tmp_path: Path, rendered: tuple[Path, Path]) -> None:
    out = tmp_path / "recordings"
    assert recordings.take(*rendered, {"clip": SPEC, "not_rendered": SPEC}, out) == ["clip"]
    assert not list(out.glob("**/*.mp4"))
    assert (out / "clip.gt.csv").read_text("utf-8").splitlines()[0] == ",".join(recordings.TRUE)
    assert "camera_per_frame" not in (out / "clip.gt.json").read_text("utf-8")
    table = validate_folder(out, keep=out / recordings.SESSIONS, processes=1)
    moving = table[table.moves == "yes"].iloc[0]
    assert (moving.reps_found, moving.reps_true) == (4, 4)
    assert moving.mae_deg < 2


def test_recordings_are_replaced_and_others_stay(tmp_path: Path, rendered: tuple[Path, Path]) -> None:
    out = tmp_path / "recordings"
    recordings.take(*rendered, {"clip": SPEC}, out)
    (rendered[0] / "clip.mp4").write_bytes(b"rendered again")
    before = recordings.provenance(out)[0]
    assert recordings.take(*rendered, {"other": SPEC, "clip": SPEC | {"note": "far"}}, out) == ["clip"]
    (after,) = recordings.provenance(out)
    assert {name for name in after if after[name] != before[name]} == {"spec_sha256", "video_sha256"}
    assert recordings.take(*rendered, {"clip": SPEC}, out, part="test") == []
    (rendered[0] / "clip.gt.json").unlink()
    assert recordings.take(*rendered, {"clip": SPEC}, out) == []
    assert len(recordings.provenance(out)) == 1


def test_what_is_in_the_repository_is_of_the_frozen_specs_and_small() -> None:
    specs = json.loads((ROOT / "training" / "benchmark.json").read_text("utf-8"))
    rows = recordings.provenance()
    assert rows
    for row in rows:
        assert row["spec_sha256"] == recordings.spec_sha256(specs[row["clip"]])
    kept = {path.parents[2].name for path in recordings.RECORDINGS.glob(f"sessions/*/sessions/*/{LEGS_READ}")}
    assert kept == {row["clip"] for row in rows}
    assert sum(path.stat().st_size for path in recordings.RECORDINGS.rglob("*")) < 8e6


def test_the_spec_makes_the_joints_again_that_a_recording_does_not_have(tmp_path: Path, monkeypatch) -> None:
    class Remade:
        def __init__(self, name: str, spec: ClipSpec) -> None:
            self.spec = spec

        def row(self, number: int) -> dict[str, object]:
            return {"t": 0.1 * number, "right_hip_internal_rotation": self.spec.seed * number or "", "right_knee_u": 7.5}

    monkeypatch.setattr(noise, "Stage", Remade)
    monkeypatch.setattr(noise.assets, "require", lambda: None)
    (tmp_path / "clip.gt.csv").write_text("t,right_hip_internal_rotation\n0.0,\n0.1,2\n", "utf-8")
    spec = {"posture": "seated", "person": "", "movement": {}, "seed": 2}
    rows = noise.rows_of_truth(tmp_path, "clip", {"spec": spec})
    assert [row["right_knee_u"] for row in rows] == ["7.5", "7.5"]
    assert [row["right_hip_internal_rotation"] for row in rows] == ["", "2"]
    with pytest.raises(ValueError, match="another truth"):
        noise.rows_of_truth(tmp_path, "clip", {"spec": spec | {"seed": 3}})


def test_the_pages_tell_of_the_recordings_that_there_are() -> None:
    names = [row["clip"] for row in recordings.provenance()]
    with (recordings.RECORDINGS / recordings.BASELINE).open(encoding="utf-8", newline="") as file:
        assert {row["clip"] for row in csv.DictReader(file)} == set(names)
    page = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    made = {f"{part} recorded": accuracy.recorded(part, names) for part in ("tune", "test")}
    assert accuracy.written(page, made) == page
    assert accuracy.written(page, {"test recorded": "All."}).count("\nAll.\n") == 1
