"""The lens from the board: which views are taken, what is asked for, and how near the result comes to the true lens."""

from pathlib import Path

import numpy as np
import pytest
from calibration_scenes import VIEWS, Optics, board_pose, page_image, render

from rotrack.calibration.board import WANTED_VIEWS, LensLearner
from rotrack.calibration.printing import write_sheets
from rotrack.calibration.sheet import gray_of
from rotrack.core.errors import CalibrationError

VGA = Optics.of((640, 480), 560.0, (327.0, 236.0), (-0.12, 0.04, 0.0006, -0.0004, 0))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """The board held in many ways, gray."""
    page = page_image(write_sheets(tmp_path_factory.mktemp("print"), "a4")[0])
    return [gray_of(render(page, VGA, *board_pose(*view), seed=k)) for k, view in enumerate(VIEWS)]


def shown(pictures: list[np.ndarray], looks: int = 4) -> LensLearner:
    """Return a learner that saw every picture for as many looks, a tenth of a second apart."""
    learner = LensLearner(VGA.size_px)
    for number, picture in enumerate(pictures):
        for look in range(looks):
            learner.update(number * 2 + look * 0.1, picture)
    return learner


def test_focal_length_within_one_percent_and_distortion_too(pictures: list[np.ndarray]) -> None:
    learner = shown(pictures)
    assert learner.done
    assert learner.advice.startswith("Done")
    found = learner.result()
    matrix = found.lens.matrix
    assert matrix.diagonal()[:2] == pytest.approx([560, 560], rel=0.01)
    assert abs(matrix[0, 0] / 560 - 1) < 3 * found.lens.focal_sd < 0.05
    assert matrix[:2, 2] == pytest.approx([327, 236], abs=3)
    assert 0 < found.residual_px < 0.3
    assert found.views >= 8
    assert found.lens.size_px == VGA.size_px
    # A corner of the picture comes out where the true lens has it.
    corner = np.array([[20.0, 15.0]])
    true = Optics.of(VGA.size_px, 560.0, (327.0, 236.0), VGA.distortion).rays(1)[15, 20, :2]
    assert found.lens.slopes(corner)[0] == pytest.approx(true, abs=0.006)


def test_a_view_is_taken_once_and_only_at_rest(pictures: list[np.ndarray]) -> None:
    learner = LensLearner(VGA.size_px)
    assert not learner.update(0.0, pictures[0])
    assert "Show the board" not in learner.advice
    taken = [learner.update(0.1 * k, pictures[0]) for k in range(1, 12)]
    assert sum(taken) == 1, "the same view is not taken again"
    moving = LensLearner(VGA.size_px)
    rolled = [np.roll(pictures[0], 4 * k, axis=1) for k in range(-5, 6)]
    assert not any(moving.update(0.1 * k, picture) for k, picture in enumerate(rolled))
    assert moving.views == 0


def test_it_says_what_is_missing(pictures: list[np.ndarray]) -> None:
    learner = LensLearner(VGA.size_px)
    assert learner.advice.startswith("Show the board")
    assert "never seen" in learner.missing
    with pytest.raises(CalibrationError, match="never seen"):
        learner.result()
    few = shown(pictures[:3])
    assert 0 < few.share < 1
    with pytest.raises(CalibrationError, match=r"3 of at least 8 views were taken"):
        few.result()


def test_a_board_that_is_never_tilted_gives_no_lens(tmp_path: Path) -> None:
    page = page_image(write_sheets(tmp_path, "a4")[0])
    places = [(x, y, z) for z in (0.45, 0.6) for x in (-0.1, 0.0, 0.1) for y in (-0.06, 0.06)]
    learner = shown([gray_of(render(page, VGA, *board_pose(p, 0, 0, 90), scale=1)) for p in places])
    assert learner.views >= 8
    assert learner.tilts == 0
    assert "Tilt the board" in learner.advice or "not green" in learner.advice
    with pytest.raises(CalibrationError, match="hardly tilted"):
        learner.result()


def test_the_tilts_that_are_asked_for_are_the_ones_that_count(pictures: list[np.ndarray], tmp_path: Path) -> None:
    page = page_image(write_sheets(tmp_path, "a4")[0])
    # A turn about x by a positive angle moves the upper edge (y < 0) to z < 0: towards the camera.
    learner = shown([gray_of(render(page, VGA, *board_pose((0, 0, 0.5), tilt, 0, 90), scale=1)) for tilt in (0, -30)])
    upper = board_pose((0, 0, 0.5), -30, 0)[0] @ [0, -0.1, 0]
    assert (upper[2] < 0) == ((0, -1) in learner._tilts)
    assert learner.tilts == 1


def test_views_that_fit_no_lens_are_refused(pictures: list[np.ndarray]) -> None:
    learner = shown(pictures[:WANTED_VIEWS])
    random = np.random.default_rng(0)
    learner._views = [v._replace(image_px=v.image_px + random.normal(0, 3, v.image_px.shape)) for v in learner._views]
    with pytest.raises(CalibrationError, match="miss their places"):
        learner.result()
