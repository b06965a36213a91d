"""The printed sheets, measured on the rasterised page, and the floor that a camera finds from them."""

from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from calibration_scenes import PX_PER_MM, Optics, floor_pose, page_image, render

from rotrack.calibration.printing import write_sheets
from rotrack.calibration.sheet import SheetWatcher, floor_in_recording, floor_moved
from rotrack.core.errors import CalibrationError
from rotrack.core.messages import say
from rotrack.core.model import Frame
from rotrack.kinematics.camera import Floor, Lens

PAGE_MM = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
HD = Optics.of((1280, 720), 980.0, (652.0, 351.0), (-0.2, 0.06, 0.0008, -0.0005, 0))


@pytest.fixture(scope="module")
def pdfs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("print")
    return {
        f"{kind} {paper}": file
        for paper in PAGE_MM
        for kind, file in zip(("board", "floor"), write_sheets(folder, paper), strict=True)
    }


def markers_mm(page: np.ndarray, dictionary: int) -> dict[int, np.ndarray]:
    """Return the corners of the markers on a page, mm from its top left corner."""
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(dictionary), settings)
    corners, numbers, _ = detector.detectMarkers(cv2.copyMakeBorder(page, 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255))
    return {int(n): (c.reshape(4, 2) - 39.5) / PX_PER_MM for n, c in zip(numbers.ravel(), corners, strict=True)}


# ---------------------------------------------------------------------- print
@pytest.mark.parametrize("paper", list(PAGE_MM))
def test_the_markers_of_the_floor_sheet_are_where_they_should_be(pdfs: dict[str, Path], paper: str) -> None:
    width, height = PAGE_MM[paper]
    page = page_image(pdfs[f"floor {paper}"])
    assert np.array(page.shape[::-1]) / PX_PER_MM == pytest.approx([width, height], abs=0.3)
    found = markers_mm(page, cv2.aruco.DICT_4X4_50)
    starts = {0: (10, 10), 1: (width - 70, 10), 2: (width - 70, height - 70), 3: (10, height - 70)}
    assert found.keys() == starts.keys()
    for number, start in starts.items():
        wanted = np.array(start) + 60 * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
        assert np.abs(found[number] - wanted).max() < 0.15, number


@pytest.mark.parametrize("paper", list(PAGE_MM))
def test_the_squares_of_the_board_are_25_mm(pdfs: dict[str, Path], paper: str) -> None:
    found = markers_mm(page_image(pdfs[f"board {paper}"]), cv2.aruco.DICT_5X5_100)
    assert sorted(found) == list(range(35)), "all markers are on the page"
    sides = [np.hypot(*(c - np.roll(c, 1, axis=0)).T) for c in found.values()]
    assert np.abs(np.array(sides) - 18).max() < 0.2
    # Markers alternate with black squares: 0, 1, 2 are the first row, 50 mm apart, and 3 begins the next.
    middles = {n: c.mean(axis=0) for n, c in found.items()}
    assert middles[1] - middles[0] == pytest.approx([50, 0], abs=0.15)
    assert middles[3] - middles[0] == pytest.approx([-25, 25], abs=0.15)
    assert middles[34][1] - middles[0][1] == pytest.approx(225, abs=0.15)


@pytest.mark.parametrize("paper", list(PAGE_MM))
@pytest.mark.parametrize(("kind", "number"), [("board", 0), ("floor", 0), ("floor", 1), ("floor", 2)])
def test_every_page_has_a_ruler_of_100_mm_and_says_what_to_do(pdfs: dict[str, Path], paper: str, kind: str, number: int) -> None:
    page = page_image(pdfs[f"{kind} {paper}"], number)
    dark = page < 140
    runs = []
    for row in dark[int(0.45 * len(dark)) :]:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        runs += list((edges[1::2] - edges[::2]) / PX_PER_MM)
    assert min(abs(run - 100) for run in runs) < 0.35, "a line of 100 mm"
    document = pypdfium2.PdfDocument(str(pdfs[f"{kind} {paper}"]))
    words = document[number].get_textpage().get_text_range().replace("\r\n", " ")
    assert "this is 100 mm" in words
    assert "rotrack calibrate" in words


@pytest.mark.parametrize(("page", "side", "outward"), [(1, "LEFT", -1), (2, "RIGHT", 1)])
@pytest.mark.parametrize("paper", list(PAGE_MM))
def test_the_rays_leave_the_heel_at_0_30_and_45_degrees_outward(
    pdfs: dict[str, Path], paper: str, page: int, side: str, outward: int
) -> None:
    picture = page_image(pdfs[f"floor {paper}"], page)
    width, height = PAGE_MM[paper]
    heel = np.array([38.0 if outward > 0 else width - 38.0, height - 40.0])
    angles = np.arange(-5.0, 60.0, 0.1)
    for reach_mm in (120.0, 160.0):
        turn = np.radians(angles)
        on_page = heel[:, None] + reach_mm * np.vstack([outward * np.sin(turn), -np.cos(turn)])
        x, y = np.round(on_page * PX_PER_MM - 0.5).astype(int)
        inside = (x >= 0) & (x < picture.shape[1])
        dark = np.zeros(len(angles), bool)
        dark[inside] = picture[y[inside], x[inside]] < 170
        edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(int), [0]])))
        rays = [angles[a:b].mean() for a, b in zip(edges[::2], edges[1::2], strict=True)]
        assert rays == pytest.approx([0, 30, 45], abs=0.25), side
    words = pypdfium2.PdfDocument(str(pdfs[f"floor {paper}"]))[page].get_textpage().get_text_range()
    assert f"{side} FOOT" in words


def test_the_pages_are_lines_and_boxes_not_pictures(pdfs: dict[str, Path]) -> None:
    for file in pdfs.values():
        data = file.read_bytes()
        assert data.startswith(b"%PDF")
        assert b"/Subtype /Image" not in data
        assert len(data) < 100_000


def test_what_cannot_be_printed_is_said(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="a4 or letter"):
        write_sheets(tmp_path, "a5")
    (tmp_path / "file").write_text("")
    with pytest.raises(CalibrationError, match="choose another folder"):
        write_sheets(tmp_path / "file" / "in", "a4")


# ---------------------------------------------------------------------- floor
def watched(
    page: np.ndarray, optics: Optics, pose, lens: Lens, paper: str = "auto", frames: int = 14, step_s: float = 0.1
) -> SheetWatcher:
    """Return a watcher that looked at a page on the floor, with other noise in every picture."""
    watcher = SheetWatcher(lens, paper)
    pictures = [render(page, optics, *pose[:2], seed=k) for k in range(3)]
    for k in range(frames):
        watcher.update(Frame(k, k * step_s, pictures[k % 3]))
    return watcher


def calibrated(optics: Optics) -> Lens:
    return Lens(optics.size_px, optics.matrix, optics.distortion, 0.003)


def off_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


@pytest.mark.parametrize(
    ("paper", "pitch", "roll", "height", "ahead", "aside", "spin"),
    [
        ("a4", 20, 3, 1.4, 2.2, -0.4, 8),
        ("a4", 35, -4, 1.9, 1.9, 0.3, -15),
        ("a4", 8, 1, 0.9, 2.2, 0.2, 0),
        ("a4", 25, 0, 1.4, 2.0, 0.0, 90),
        ("letter", 20, 3, 1.4, 2.2, -0.4, 8),
        ("letter", 35, -4, 1.9, 1.9, 0.3, -15),
    ],
)
def test_the_floor_is_found_within_half_a_degree_and_two_percent(
    pdfs: dict[str, Path], paper: str, pitch: float, roll: float, height: float, ahead: float, aside: float, spin: float
) -> None:
    pose = floor_pose(pitch, roll, height, ahead, aside, spin)
    watcher = watched(page_image(pdfs[f"floor {paper}"]), HD, pose, calibrated(HD))
    found = watcher.found
    assert found is not None, watcher.missing
    assert found.paper == paper
    assert off_deg(found.floor.down, pose[2]) < 0.5
    assert off_deg(found.floor.down, pose[2]) < 3 * found.floor.tilt_sd_deg < 3
    assert found.floor.height_m == pytest.approx(height, rel=0.02)
    assert found.floor.pitch_deg == pytest.approx(pitch, abs=0.5)
    assert found.floor.roll_deg == pytest.approx(roll, abs=0.5)
    assert found.distance_m == pytest.approx(np.hypot(height, np.hypot(ahead, aside)), rel=0.03)
    assert found.residual_px < 0.8
    assert watcher.advice.startswith("Done")


def test_without_a_lens_the_floor_is_less_sure_and_says_so(pdfs: dict[str, Path]) -> None:
    pose = floor_pose(20, 3, 1.4, 2.2, -0.4, 8)
    page = page_image(pdfs["floor a4"])
    known, assumed = (watched(page, HD, pose, lens).found for lens in (calibrated(HD), Lens.assumed(HD.size_px)))
    assert known is not None
    assert assumed is not None
    assert assumed.floor.tilt_sd_deg > 3 * known.floor.tilt_sd_deg
    assert 0.5 < off_deg(assumed.floor.down, pose[2]) < 2 * assumed.floor.tilt_sd_deg


def test_the_paper_that_is_named_counts_even_if_it_fits_worse(pdfs: dict[str, Path]) -> None:
    found = watched(page_image(pdfs["floor a4"]), HD, floor_pose(25, 0, 1.4, 2.0), calibrated(HD), "letter").found
    assert found is None or (found.paper == "letter" and found.residual_px > 0.7)
    with pytest.raises(CalibrationError, match="a4, letter or auto"):
        SheetWatcher(calibrated(HD), "a5")


def test_covered_markers_an_empty_floor_and_a_moving_camera_give_no_floor_but_a_reason(pdfs: dict[str, Path]) -> None:
    page = page_image(pdfs["floor a4"])
    pose = floor_pose(25, 0, 1.4, 2.0)
    covered = page.copy()
    covered[: page.shape[0] // 2] = covered[:, : page.shape[1] // 2] = 128
    watcher = watched(covered, HD, pose, calibrated(HD))
    assert watcher.found is None
    assert "Only one of the 4 markers" in watcher.missing
    empty = watched(np.full_like(page, 128), HD, pose, calibrated(HD), frames=3)
    assert empty.found is None
    assert "not seen" in empty.missing
    moving = SheetWatcher(calibrated(HD))
    for k in range(14):
        moving.update(Frame(k, 0.1 * k, render(page, HD, *floor_pose(25 + 0.4 * k, 0, 1.4, 2.0)[:2], scale=1)))
    assert moving.found is None
    assert "never at rest" in moving.missing


@pytest.mark.parametrize("markers", [2, 3])
def test_with_fewer_markers_the_floor_is_less_sure(pdfs: dict[str, Path], markers: int) -> None:
    page = page_image(pdfs["floor a4"])
    covered = page.copy()
    covered[page.shape[0] // 2 :, : page.shape[1] // (1 if markers == 2 else 2)] = 128
    pose = floor_pose(25, 0, 1.4, 2.0)
    all_four, fewer = (watched(p, HD, pose, calibrated(HD)).found for p in (page, covered))
    assert all_four is not None
    assert fewer is not None
    assert fewer.markers == markers
    assert fewer.paper == "a4"
    assert fewer.floor.tilt_sd_deg > all_four.floor.tilt_sd_deg
    assert off_deg(fewer.floor.down, pose[2]) < min(2.5 * fewer.floor.tilt_sd_deg, 2.0)


def test_a_recording_is_looked_at_for_two_seconds_at_most_and_given_up_soon_without_a_sheet(pdfs: dict[str, Path]) -> None:
    page = page_image(pdfs["floor a4"])
    pose = floor_pose(25, 0, 1.4, 2.0)
    looked: list[int] = []

    def frames(picture: np.ndarray):
        for k in range(300):
            looked.append(k)
            yield Frame(k, k / 30, picture)

    found = floor_in_recording(frames(render(page, HD, *pose[:2])), calibrated(HD))
    assert found is not None
    assert off_deg(found.floor.down, pose[2]) < 0.5
    assert max(looked) <= 61
    looked.clear()
    assert floor_in_recording(frames(np.full((720, 1280, 3), 90, np.uint8)), calibrated(HD)) is None
    assert max(looked) <= 30


# ---------------------------------------------------------------------- does it still hold?
def floor_at(pitch_deg: float, height_m: float = 1.4, sd_deg: float = 0.4) -> Floor:
    pitch = np.radians(pitch_deg)
    return Floor(np.array([0, np.cos(pitch), np.sin(pitch)]), height_m, sd_deg)


def test_a_moved_camera_is_noticed_beyond_three_errors() -> None:
    kept = floor_at(20)
    assert floor_moved(kept, floor_at(21)) is None
    assert floor_moved(kept, floor_at(24)) == say("calibrated.tilted", degrees=4)
    assert floor_moved(floor_at(20, sd_deg=2.0), floor_at(24)) is None, "within the errors"
    assert floor_moved(kept, floor_at(20, 0.9)) == say("calibrated.raised", now=90, then=140)
