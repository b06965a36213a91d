"""What is known of the pose model's errors: how it is applied, how it makes the error of a number, and which table holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.drills import load_table
from rotrack.core.postures import Posture
from rotrack.kinematics.camera import Level
from rotrack.kinematics.correction import NORMAL_95, SMALLEST_GAIN, Correction, Corrections, load_corrections

FOOT = Correction(gain=0.8, gain_per_deg=0.01, pitch_deg=20.0, gain_sd=0.1, setup_sd_deg=2.0, fit_share=0.5)
angles = st.floats(-80, 80)


# ---------------------------------------------------------------------- the formulas
@given(angles)
def test_without_anything_known_the_angle_stays(angle_deg):
    assert Correction().apply(angle_deg, 35.0) == angle_deg


@given(angles)
def test_the_angle_is_divided_by_the_gain(angle_deg):
    assert FOOT.apply(angle_deg, 20.0) == pytest.approx(angle_deg / 0.8)
    assert FOOT.apply(-angle_deg, 20.0) == -FOOT.apply(angle_deg, 20.0)


@pytest.mark.parametrize(("pitch_deg", "gain"), [(10, 0.7), (20, 0.8), (30, 0.9), (-50, SMALLEST_GAIN), (-900, SMALLEST_GAIN)])
def test_the_gain_follows_the_tilt_of_the_camera_and_never_vanishes(pitch_deg, gain):
    assert FOOT.apply(24.0, pitch_deg) == pytest.approx(24.0 / gain)


@pytest.mark.parametrize(
    ("angle_deg", "sd_deg", "variance"),
    [(0, 0, 4), (30, 0, 4 + 9), (-30, 0, 4 + 9), (0, 6, 4 + 9), (40, 8, 4 + 16 + 16)],
)
def test_the_error_adds_setup_gain_and_fit_as_variances(angle_deg, sd_deg, variance):
    assert FOOT.error_deg(angle_deg, sd_deg) == pytest.approx(1.96 * variance**0.5)
    assert NORMAL_95 == 1.96


@given(angles, st.floats(0, 30), st.floats(0, 10))
def test_the_error_grows_with_every_one_of_its_causes(angle_deg, sd_deg, more):
    error_deg = FOOT.error_deg(angle_deg, sd_deg)
    assert error_deg >= NORMAL_95 * 2.0
    assert FOOT.error_deg(angle_deg, sd_deg + more) >= error_deg
    assert FOOT.error_deg(abs(angle_deg) + more, sd_deg) >= error_deg


def test_a_missing_angle_has_no_error_and_stays_missing():
    assert np.isnan(FOOT.error_deg(float("nan"), 1.0))
    assert np.isnan(FOOT.error_deg(30.0, float("nan")))
    assert np.isnan(FOOT.apply(float("nan"), 20.0))


# ---------------------------------------------------------------------- which one holds
STANDING = Posture.STANDING
TABLE = Corrections(
    "7",
    {STANDING: Correction(gain=0.8, setup_sd_deg=3)},
    {STANDING: Correction(setup_sd_deg=6)},
    {STANDING: Correction(setup_sd_deg=1)},
    {STANDING: Correction(setup_sd_deg=2)},
)


@pytest.mark.parametrize(
    ("level", "correct", "setup_sd_deg", "gain"),
    [
        (Level.NONE, True, 3, 0.8),
        (Level.CAMERA, True, 3, 0.8),
        (Level.NONE, False, 6, 1.0),
        (Level.CAMERA, False, 6, 1.0),
        (Level.PERSONAL, True, 1, 1.0),
        (Level.PERSONAL, False, 6, 1.0),
    ],
)
def test_the_level_of_calibration_chooses_the_table(level, correct, setup_sd_deg, gain):
    found = TABLE.of(STANDING, level, correct)
    assert (found.setup_sd_deg, found.gain) == (setup_sd_deg, gain)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("correct", [True, False])
def test_a_posture_without_an_entry_is_not_corrected(level, correct):
    assert TABLE.of(Posture.LUNGE, level, correct) == Correction()


def test_a_posture_without_personal_errors_falls_back():
    table = Corrections("7", TABLE.table, TABLE.plain, {}, {})
    assert table.of(STANDING, Level.PERSONAL) == TABLE.table[STANDING]


# ---------------------------------------------------------------------- the table that ships
def test_the_table_that_ships_is_one_that_can_be_used():
    shipped = load_corrections()
    assert shipped.version
    for kind in (shipped.table, shipped.plain, shipped.personal):
        for posture, entry in kind.items():
            assert SMALLEST_GAIN < entry.gain < 2, posture
            assert 0 <= entry.gain_sd < 1, posture
            assert 0 <= entry.setup_sd_deg < 20, posture
            assert 0 <= entry.fit_share <= 2, posture
            low, high = (-25, 110)  # camera tilts that are measured at all
            for pitch_deg in (low, high):
                assert np.isfinite(entry.apply(30.0, pitch_deg)), posture
    measured = {drill.posture for drill in load_table().drills.values() if drill.tier != "D" and not drill.without_legnet}
    assert set(shipped.table) <= set(Posture)
    assert not shipped.table or measured <= set(shipped.table), "a posture that is measured and has no error"
    assert not shipped.plain or measured <= set(shipped.plain)


def test_without_correction_the_table_turns_nothing():
    assert all((entry.gain, entry.gain_per_deg) == (1.0, 0.0) for entry in load_corrections().plain.values())
