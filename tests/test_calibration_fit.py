"""Whether a floor profile fits the person in the picture, and what a person's gain does to the angles: on recorded landmarks."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import FIXTURES

from rotrack.core.drills import load_table
from rotrack.core.model import NeutralTaken, Side
from rotrack.core.postures import Posture
from rotrack.kinematics import rotation
from rotrack.kinematics.camera import Calibration, Floor, Gain, Level
from rotrack.kinematics.correction import Correction, Corrections, load_corrections
from rotrack.records.landmarks import read_poses
from rotrack.texts import words as words_of
from rotrack.tracking.pipeline import RotationTracker

TRUE_PITCH_DEG = {"standing": 13.0, "internal_right": 5.0}
DRILLS = {"standing": "standing-external", "internal_right": "seated-internal"}


def tilted(pitch_deg: float, roll_deg: float = 0.0) -> Floor:
    pitch, roll = np.radians([pitch_deg, roll_deg])
    return Floor(np.array([-np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch), np.sin(pitch)]), 1.2, 0.4)


def measured(fixture: str, calibration: Calibration) -> tuple[list[NeutralTaken], np.ndarray]:
    """Return the neutral poses and the corrected angles of the right leg."""
    tracker = RotationTracker(load_table().drill(DRILLS[fixture]), (Side.RIGHT,), calibration=calibration)
    steps = [tracker.update(pose) for pose in read_poses(FIXTURES / fixture)]
    angles = [step.samples[Side.RIGHT].corrected_deg for step in steps if Side.RIGHT in step.samples]
    return [neutral for step in steps for neutral in step.neutrals], np.array(angles)


# ---------------------------------------------------------------------- does the floor fit?
@pytest.mark.parametrize("fixture", DRILLS)
def test_a_floor_that_fits_the_person_is_not_complained_about(fixture: str) -> None:
    neutrals, _ = measured(fixture, Calibration(floor=tilted(TRUE_PITCH_DEG[fixture])))
    assert neutrals
    assert [neutral.advice for neutral in neutrals] == [""] * len(neutrals)


@pytest.mark.parametrize(
    ("fixture", "floor", "words"),
    [
        ("standing", tilted(45), "looks down by 45 degrees"),
        ("standing", tilted(-20), "looks down by -20 degrees"),
        ("standing", tilted(13, 12), "leans by 12 degrees"),
        ("internal_right", tilted(22), "looks down by 22 degrees"),
        ("internal_right", tilted(5, -12), "leans by -12 degrees"),
    ],
)
def test_a_floor_that_the_person_contradicts_is_said(fixture: str, floor: Floor, words: str) -> None:
    neutrals, _ = measured(fixture, Calibration(floor=floor))
    told = [words_of(neutral.advice) for neutral in neutrals]
    assert all("the floor profile no longer fits" in advice and words in advice for advice in told)
    assert "rotrack calibrate floor" in words_of(neutrals[0].advice)


def test_a_floor_so_wrong_that_legs_fit_badly_is_said() -> None:
    neutrals, _ = measured("internal_right", Calibration(floor=tilted(50)))
    assert "the floor profile no longer fits" in words_of(neutrals[0].advice)


def test_the_errors_of_floor_and_person_count_both() -> None:
    assert rotation.floor_misfit(tilted(20), 35, 5.0, 0) == ""
    assert "about 36" in words_of(rotation.floor_misfit(tilted(20), 36, 5.0, 0))
    assert rotation.floor_misfit(replace(tilted(20), tilt_sd_deg=3.0), 36, 5.0, 0) == ""
    assert rotation.floor_misfit(tilted(20, 3), 20, 5.0, -2) == ""
    assert "leans by 3 degrees, the person shows about -4" in words_of(rotation.floor_misfit(tilted(20, 3), 20, 5.0, -4))


def test_the_correction_goes_on_with_the_tilt_that_it_was_learned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    steep = Corrections("0", {Posture.STANDING: Correction(0.8, 0.05, 10.0)}, {}, {}, {})
    monkeypatch.setattr(rotation, "load_corrections", lambda: steep)
    _, without = measured("standing", Calibration())
    _, with_floor = measured("standing", Calibration(floor=tilted(25)))
    known = np.isfinite(without) & np.isfinite(with_floor)
    assert known.mean() > 0.5
    turned = known & (np.abs(without) > 15)
    assert np.abs(with_floor / without - 1)[turned].max() < 0.15, "10 degrees more would change the gain by a half"


# ---------------------------------------------------------------------- the gain of a person
def test_a_gain_multiplies_standing_angles_on_top_of_the_correction() -> None:
    base = load_corrections().of(Posture.STANDING, Level.PERSONAL)
    gains = {side: Gain(1.2, 0.0, 1.0) for side in Side}
    tracker = RotationTracker(load_table().drill("standing-external"), (Side.RIGHT,), calibration=Calibration(gains=gains))
    samples = [tracker.update(pose).samples.get(Side.RIGHT) for pose in read_poses(FIXTURES / "standing")]
    pairs = np.array([(s.corrected_deg, s.uncorrected_deg) for s in samples if s and not s.reason])
    turned = pairs[np.abs(pairs[:, 1]) > 5]
    assert len(turned) > 20
    assert turned[:, 0] / turned[:, 1] == pytest.approx(1.2 / base.gain)


@pytest.mark.parametrize("gains", [{Side.LEFT: Gain(1.2, 0.0, 1.0)}, {}])
def test_a_leg_without_a_gain_is_measured_without_one(gains: dict[Side, Gain]) -> None:
    _, plain = measured("standing", Calibration())
    _, angles = measured("standing", Calibration(gains=gains))
    assert np.allclose(plain, angles, equal_nan=True)


@pytest.mark.parametrize(
    ("fixture", "drill"), [("internal_right", "seated-internal"), ("standing", "standing-toe-pivot-internal")]
)
def test_other_postures_know_no_gain(monkeypatch: pytest.MonkeyPatch, fixture: str, drill: str) -> None:
    monkeypatch.setitem(DRILLS, fixture, drill)
    _, plain = measured(fixture, Calibration())
    _, angles = measured(fixture, Calibration(gains={side: Gain(1.2, 0.0, 1.0) for side in Side}))
    assert np.allclose(plain, angles, equal_nan=True)
