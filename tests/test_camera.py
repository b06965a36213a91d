"""What is known of the camera: lens, floor, and how much of it is calibrated."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.model import Side
from rotrack.kinematics.camera import ASSUMED_FOCAL_SD, Calibration, Floor, Gain, Lens, Level
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG

MATRIX = np.array([[610.0, 0, 330.0], [0, 604.0, 236.0], [0, 0, 1]])
DISTORTIONS = {
    "none": (0, 0, 0, 0, 0),
    "barrel": (-0.25, 0.08, 0, 0, 0),
    "pincushion": (0.12, -0.05, 0, 0, 0.01),
    "decentred": (-0.1, 0.03, 0.004, -0.003, 0),
}
GRID_PX = np.stack(np.meshgrid(np.linspace(0, 639, 9), np.linspace(0, 479, 7)), axis=-1)


def lens(distortion) -> Lens:
    return Lens((640, 480), MATRIX, np.array(distortion, float), 0.005)


# ---------------------------------------------------------------------- lens
@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_slopes_are_those_of_opencv(distortion):
    points, until = GRID_PX.reshape(-1, 1, 2), (cv2.TERM_CRITERIA_COUNT, 50, 0)
    theirs = cv2.undistortPoints(points, MATRIX, np.array(distortion, float), criteria=until)
    ours = lens(distortion).slopes(GRID_PX)
    assert ours.shape == GRID_PX.shape
    np.testing.assert_allclose(ours.reshape(-1, 2), theirs.reshape(-1, 2), atol=1e-3)  # 1e-3 is half a pixel in a corner


@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_slopes_invert_the_distortion(distortion):
    slopes = np.stack(np.meshgrid(np.linspace(-0.45, 0.45, 7), np.linspace(-0.35, 0.35, 7)), axis=-1).reshape(-1, 2)
    points = np.column_stack([slopes, np.ones(len(slopes))])
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), MATRIX, np.array(distortion, float))
    np.testing.assert_allclose(lens(distortion).slopes(pixels[:, 0]), slopes, atol=1e-3)


def test_missing_landmarks_stay_missing_and_leave_the_others_alone():
    pixels = GRID_PX.reshape(-1, 2).copy()
    whole = lens(DISTORTIONS["barrel"]).slopes(pixels)
    pixels[3] = np.nan
    partly = lens(DISTORTIONS["barrel"]).slopes(pixels)
    assert np.isnan(partly[3]).all()
    np.testing.assert_array_equal(np.delete(partly, 3, 0), np.delete(whole, 3, 0))


@pytest.mark.parametrize("size_px", [(640, 480), (480, 640), (1920, 1080)])
@pytest.mark.parametrize("field_of_view_deg", [50.0, ASSUMED_FIELD_OF_VIEW_DEG, 78.0])
def test_the_assumed_lens_has_its_field_of_view_along_the_longer_side(size_px, field_of_view_deg):
    assumed = Lens.assumed(size_px, field_of_view_deg)
    along = int(size_px[1] > size_px[0])
    edges = np.tile((np.array(size_px) - 1) / 2, (2, 1))
    edges[:, along] = (-0.5, size_px[along] - 0.5)
    first, last = np.arctan(assumed.slopes(edges)[:, along])
    assert np.degrees(last - first) == pytest.approx(field_of_view_deg)
    assert first == pytest.approx(-last)
    assert assumed.focal_sd == ASSUMED_FOCAL_SD


# ---------------------------------------------------------------------- floor
def down_of(pitch_deg: float, roll_deg: float) -> np.ndarray:
    """Return gravity in the axes of a camera that was turned about its line of sight and then tilted down."""
    pitch, roll = np.radians([pitch_deg, roll_deg])
    leaning = np.array([-np.sin(roll), np.cos(roll), 0])  # the top of the world leans to the right of the picture
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return tilt @ leaning


def test_a_level_camera_sees_gravity_straight_down():
    floor = Floor(np.array([0.0, 1.0, 0.0]), 1.0, 0.5)
    assert (floor.pitch_deg, floor.roll_deg) == pytest.approx((0, 0))


@given(st.floats(-80, 80))
def test_a_camera_that_looks_down_sees_gravity_go_away_from_it(pitch_deg):
    floor = Floor(down_of(pitch_deg, 0), 1.0, 0.5)
    assert floor.pitch_deg == pytest.approx(pitch_deg, abs=1e-6)
    assert floor.roll_deg == pytest.approx(0, abs=1e-6)
    assert (floor.down[2] > 0) == (pitch_deg > 0) or abs(pitch_deg) < 1e-6


@given(st.floats(-90, 90))
def test_a_picture_that_leans_clockwise_is_rolled_positively(roll_deg):
    floor = Floor(down_of(0, roll_deg), 1.0, 0.5)
    assert floor.roll_deg == pytest.approx(roll_deg, abs=1e-6)
    assert floor.pitch_deg == pytest.approx(0, abs=1e-6)
    up_in_picture = -floor.down[:2]
    assert (up_in_picture[0] > 0) == (roll_deg > 0) or abs(roll_deg) < 1e-6, "clockwise takes the top to the right"


def test_rounding_beyond_one_is_no_missing_pitch():
    assert Floor(np.array([0, 0, 1 + 1e-12]), 1.0, 0.5).pitch_deg == pytest.approx(90)


# ---------------------------------------------------------------------- calibration
FLOOR = Floor(np.array([0.0, 1.0, 0.0]), 1.0, 0.5)
LENS = lens(DISTORTIONS["barrel"])
GAINS = {Side.LEFT: Gain(1.2, 3.0, 1.0), Side.RIGHT: Gain(1.1, 2.0, 1.0)}


@pytest.mark.parametrize(
    ("calibration", "level"),
    [
        (Calibration(), Level.NONE),
        (Calibration(lens=LENS), Level.CAMERA),
        (Calibration(floor=FLOOR), Level.CAMERA),
        (Calibration(lens=LENS, floor=FLOOR), Level.CAMERA),
        (Calibration(gains=GAINS), Level.PERSONAL),
        (Calibration(lens=LENS, floor=FLOOR, gains=GAINS), Level.PERSONAL),
    ],
)
def test_level_is_the_highest_that_is_there(calibration, level):
    assert calibration.level is level


def test_levels_are_logged_as_words():
    assert [str(level) for level in Level] == ["none", "camera", "personal"]


def test_the_calibrated_lens_goes_before_the_assumed_one():
    assert Calibration(lens=LENS).lens_for((640, 480)) is LENS
    assumed = Calibration().lens_for((1280, 720))
    assert assumed.size_px == (1280, 720)
    assert not assumed.distortion.any()
