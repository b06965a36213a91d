"""The validation itself: errors against known curves, matching of repetitions, folders that are no truth."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rotrack
from rotrack.errors import TruthError
from rotrack.model import Direction, Rep, Side
from rotrack.validation import COLUMNS, TruePeak, _errors, _match, _plateaus, describe, validate_folder, write_table

FIXTURES = Path(__file__).parent / "fixtures"


def rep(peak_s: float, peak_deg: float) -> Rep:
    direction = Direction.of(peak_deg)
    return Rep(Side.LEFT, direction, 1, True, peak_deg, peak_deg, abs(peak_deg), peak_s - 1, peak_s, peak_s + 1, 0.2, (), "", 1.0)


def compare(name: str, out: Path, side: Side, bend: float = 0.0) -> dict:
    session = rotrack.remeasure(FIXTURES / name, out)
    curve = pd.read_csv(FIXTURES / name / "truth.csv")
    reps = json.loads((FIXTURES / name / "truth.json").read_text())
    truth = curve[f"{side}_hip_internal_rotation"].to_numpy() * (1 + bend)
    return _errors(session, side, curve.t.to_numpy(), truth, _plateaus(reps, side))


def test_moving_leg_has_small_errors_and_all_repetitions(tmp_path: Path) -> None:
    row = compare("internal_right", tmp_path, Side.RIGHT)
    assert (row["reps_found"], row["reps_true"], row["reps_invented"]) == (4, 4, 0)
    assert row["mae_deg"] <= 2.0
    assert row["peak_mae_deg"] <= 2.5
    assert row["loa_low_deg"] < row["bias_deg"] < row["loa_high_deg"]
    assert row["session_value_deg"] == pytest.approx(row["true_value_deg"], abs=2.0)


def test_a_wrong_truth_shows_as_error(tmp_path: Path) -> None:
    row = compare("internal_right", tmp_path, Side.RIGHT, bend=0.5)
    assert row["peak_mae_deg"] > 10
    assert row["mae_deg"] > 4


def test_resting_leg_has_no_repetition(tmp_path: Path) -> None:
    row = compare("internal_right", tmp_path, Side.LEFT)
    assert (row["moves"], row["reps_true"], row["reps_invented"]) == ("no", 0, 0)
    assert row["mae_deg"] <= 1.0


def test_matching_needs_time_and_direction_and_uses_each_repetition_once() -> None:
    peaks = [TruePeak(2.0, 2.3, 20.0), TruePeak(5.0, 5.3, -20.0), TruePeak(5.2, 5.5, 21.0)]
    found = _match([rep(2.1, 19.0), rep(5.3, 22.0), rep(9.0, -20.0)], peaks)
    assert {k: r.peak_s for k, r in found.items()} == {0: 2.1, 2: 5.3}


def test_plateaus_of_a_still_side_are_none() -> None:
    truth = {"side": "left", "reps": [{"peak_from": 1.0, "peak_to": 1.2, "peak_deg": 20}]}
    assert _plateaus(truth, Side.RIGHT) == []
    assert _plateaus(truth, Side.LEFT) == [(1.0, 1.2)]


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match=r"manifest\.csv"):
        validate_folder(tmp_path)


def test_no_clip_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("clip,drill_ids,moving_side\na,seated-internal,left\n")
    with pytest.raises(TruthError, match="called like 'lunge'"):
        validate_folder(tmp_path, only="lunge")


def test_table_tells_what_was_not_measured_and_can_be_written(tmp_path: Path) -> None:
    row = dict.fromkeys(COLUMNS, "") | {"clip": "a", "drill": "zst-confidence", "side": Side.LEFT, "note": "not measured: hidden"}
    table = pd.DataFrame([row], columns=COLUMNS)
    assert "not measured: hidden" in describe(table)
    write_table(table, tmp_path / "table.csv")
    assert pd.read_csv(tmp_path / "table.csv").note.tolist() == ["not measured: hidden"]


@pytest.mark.slow
@pytest.mark.parametrize("mirror", [False, True])
def test_sample_videos_reach_the_stated_accuracy(tmp_path: Path, mirror: bool) -> None:
    table = validate_folder(Path(__file__).parents[1] / "sample_videos", mirror=mirror)
    moving = table[table.moves == "yes"]
    assert moving.side.value_counts().to_dict() == ({Side.RIGHT: 1, Side.LEFT: 3} if mirror else {Side.RIGHT: 3, Side.LEFT: 1})
    assert moving.mae_deg.astype(float).max() <= 2.0
    assert moving.peak_mae_deg.astype(float).max() <= 2.5
    assert (moving.reps_found == moving.reps_true).all()
    assert table.reps_invented.sum() == 0
    assert np.abs(moving.session_value_deg.astype(float) - moving.true_value_deg.astype(float)).max() <= 3.5


def test_damaged_truth_is_named(tmp_path: Path) -> None:
    from rotrack.batch import Job, Outcome
    from rotrack.validation import _compare

    shutil.copy(FIXTURES / "idle" / "truth.json", tmp_path / "a.gt.json")
    with pytest.raises(TruthError, match="truth of a"):
        _compare(tmp_path, "a", Job(tmp_path / "a.mp4", "seated-internal", "both", tmp_path), Outcome(tmp_path, None), False)
