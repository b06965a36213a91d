"""The floor from the printed sheet: four markers of known size and place give gravity, scale and height of the camera.

Axes of the sheet: x to the right and y down the page, z into the page, which lies on the floor: z is gravity.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rotrack.core.errors import CalibrationError
from rotrack.core.messages import Message, say
from rotrack.core.model import Frame
from rotrack.kinematics.camera import Floor, Lens
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

PAPER_M = {"a4": (0.2100, 0.2970), "letter": (0.2159, 0.2794)}
"""Width and height of the page, m."""
DICTIONARY = "DICT_4X4_50"
MARKER_M = 0.060
MARGIN_M = 0.010
"""From the markers to the edges of the page, m."""
LEAST_MARKERS = 2
"""Fewer markers in view do not give the floor; more make it surer."""
DOUBTFUL_PAPER = 1.5
"""The other format of paper counts as possible if its corners miss by less than so many times as much."""
LARGEST_TILT_SD_DEG = 5.0
"""A floor that is less sure is none."""
WATCH_S = 1.0
"""How long the sheet is watched; the medians of its corners over this time count."""
LEAST_LOOKS = 5
STILL_PX = 2.5
"""Corners that wander further (at a width of 1280) mean that camera or sheet is moving."""
LOST_AFTER_S = 1.0
MARKER_EDGE_PX = 72.0
"""The part of the picture with the sheet is enlarged until the edge of a marker has about so many pixels."""
LARGEST_RESIDUAL = 0.12
"""A sheet whose corners fit worse than this share of a marker's edge is bent, or is no sheet of ours."""
LEAST_CORNER_SD_PX = 0.25
FLATNESS_SD_DEG = 0.2
"""How much a sheet may bulge."""
CENTRE_SD_DEG = 1.0
"""What an unknown principal point (2 % of the width) does to the direction of a ray."""
MOVED_SD = 3.0
"""A floor further off than so many standard errors means that the camera was moved."""
MOVED_HEIGHT = 0.08
"""So does a height that differs by more than this share."""
TRIES = 24


@dataclass(frozen=True, slots=True)
class SheetFound:
    """The floor as the sheet shows it.

    Parameters
    ----------
    floor : Floor
        Gravity and height.
    paper : str
        Format of the page.
    residual_px : float
        Root mean square distance of the corners from where they should be.
    distance_m : float
        From the camera to the middle of the sheet.
    markers : int
        Markers that were used, 2 to 4.
    """

    floor: Floor
    paper: str
    residual_px: float
    distance_m: float
    markers: int


def marker_corners_m(paper: str) -> dict[int, np.ndarray]:
    """Return the corners of each marker on the page, from the top left corner clockwise, each shape (4, 2), m."""
    width, height = PAPER_M[paper]
    right, bottom = width - MARGIN_M - MARKER_M, height - MARGIN_M - MARKER_M
    starts = [(MARGIN_M, MARGIN_M), (right, MARGIN_M), (right, bottom), (MARGIN_M, bottom)]
    square = MARKER_M * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return {number: np.array(start) + square for number, start in enumerate(starts)}


# ---------------------------------------------------------------------- looking
def _detector(refined: bool) -> cv2.aruco.ArucoDetector:
    settings = cv2.aruco.DetectorParameters()
    settings.minMarkerPerimeterRate = 0.015
    if refined:
        settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        settings.cornerRefinementWinSize = 6
        settings.relativeCornerRefinmentWinSize = 0.4
        settings.cornerRefinementMaxIterations = 50
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY)), settings)


class SheetFinder:
    """Finds the markers of the sheet in a picture.

    Parameters
    ----------
    thorough : bool
        Whether to enlarge the whole picture if no marker is found in it as it is; takes four times as long.
    """

    def __init__(self, thorough: bool = False) -> None:
        self._thorough = thorough
        self._coarse, self._fine = _detector(refined=False), _detector(refined=True)

    def find(self, gray: np.ndarray) -> dict[int, np.ndarray]:
        """Return the corners of the markers that are seen, each shape (4, 2), px.

        The sheet is small in the picture of a whole person. So its surroundings are enlarged, and the corners are refined there.
        """
        coarse = self._markers(self._coarse, gray)
        if not coarse and self._thorough:
            twice = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            coarse = {n: (c + 0.5) / 2 - 0.5 for n, c in self._markers(self._coarse, twice).items()}
        if not coarse:
            return {}
        corners = np.vstack(list(coarse.values()))
        low, high = corners.min(axis=0), corners.max(axis=0)
        edge = float(np.mean([np.hypot(*(m - np.roll(m, 1, axis=0)).T).mean() for m in coarse.values()]))
        margin = 0.6 * float((high - low).max()) + 8 if len(coarse) == 4 else 6 * edge + 8
        x0, y0 = (int(v) for v in np.maximum(low - margin, 0))
        x1, y1 = (int(v) + 1 for v in np.minimum(high + margin, np.array(gray.shape[1::-1]) - 1))
        scale = float(np.clip(MARKER_EDGE_PX / edge, 1, 6))
        part = cv2.resize(gray[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        fine = self._markers(self._fine, part)
        return {n: (c + 0.5) / scale - 0.5 + (x0, y0) for n, c in fine.items()}

    @staticmethod
    def _markers(detector: cv2.aruco.ArucoDetector, gray: np.ndarray) -> dict[int, np.ndarray]:
        corners, numbers, _ = detector.detectMarkers(gray)
        if numbers is None:
            return {}
        seen = [(int(n), np.asarray(c, float).reshape(4, 2)) for n, c in zip(numbers.ravel(), corners, strict=True)]
        wanted = [n for n, _ in seen if n < 4]
        return {n: c for n, c in seen if n < 4 and wanted.count(n) == 1}


def gray_of(rgb: np.ndarray) -> np.ndarray:
    """Return a picture, shape (H, W, 3), in shades of gray, shape (H, W), uint8."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


# ---------------------------------------------------------------------- solving
def solve_floor(markers: dict[int, np.ndarray], lens: Lens, paper: str = "auto") -> SheetFound | None:
    """Return the floor that fits corners of markers, each shape (4, 2), px; None if none does.

    A flat sheet may be seen in two poses; that one counts which fits better and has gravity point down in the picture.
    """
    fits = []
    for name in PAPER_M if paper == "auto" else (paper,):
        page = marker_corners_m(name)
        points = np.vstack([np.column_stack([page[n], np.zeros(4)]) for n in sorted(markers)])
        seen = np.vstack([markers[n] for n in sorted(markers)])
        pose = _pose(points, seen, lens.matrix, lens.distortion)
        if pose is not None:
            fits.append((pose.residual_px, name, points, seen, pose))
    if not fits:
        return None
    _, name, points, seen, pose = min(fits, key=lambda fit: fit[0])
    edge = float(np.mean([np.hypot(*(m - np.roll(m, 1, axis=0)).T).mean() for m in markers.values()]))
    if pose.residual_px > max(LARGEST_RESIDUAL * edge, 1.0):
        return None
    tilt_sd = _tilt_sd_deg(points, seen, lens, pose.down, max(pose.residual_px, LEAST_CORNER_SD_PX))
    for residual_px, *_, other in fits:
        if residual_px < DOUBTFUL_PAPER * pose.residual_px:
            tilt_sd = float(np.hypot(tilt_sd, _between_deg(other.down, pose.down)))
    if tilt_sd > LARGEST_TILT_SD_DEG:
        return None
    floor = Floor(pose.down, float(pose.down @ pose.place_m), tilt_sd)
    middle = pose.place_m + pose.axes @ [*np.divide(PAPER_M[name], 2), 0.0]
    return SheetFound(floor, name, pose.residual_px, float(np.linalg.norm(middle)), len(markers))


class _Pose(NamedTuple):
    """Where the page is: its axes as columns in camera axes, and the place of its top left corner, m."""

    residual_px: float
    axes: np.ndarray
    place_m: np.ndarray

    @property
    def down(self) -> np.ndarray:
        return self.axes[:, 2]


def _pose(points: np.ndarray, seen: np.ndarray, matrix: np.ndarray, distortion: np.ndarray) -> _Pose | None:
    """Return the best pose in which gravity points down in the picture; None if there is none."""
    try:
        found, turns, places, _ = cv2.solvePnPGeneric(points, seen, matrix, distortion, flags=cv2.SOLVEPNP_IPPE)
    except cv2.error:
        return None
    best = None
    for turn, place in zip(turns[:found], places[:found], strict=True):
        turn, place = cv2.solvePnPRefineLM(points, seen, matrix, distortion, turn, place)  # noqa: PLW2901  refined
        pose = _Pose(math.nan, cv2.Rodrigues(turn)[0], place.ravel())
        # Gravity as an upright camera sees it; one that looks straight down sees it ahead.
        if not (pose.down[1] > 0 or pose.down[2] > 0.9) or pose.down @ pose.place_m <= 0:
            continue
        shown = cv2.projectPoints(points, turn, place, matrix, distortion)[0].reshape(-1, 2)
        pose = pose._replace(residual_px=float(np.sqrt(((shown - seen) ** 2).sum(axis=1).mean())))
        if np.isfinite(pose.residual_px) and (best is None or pose.residual_px < best.residual_px):
            best = pose
    return best


def _tilt_sd_deg(points: np.ndarray, seen: np.ndarray, lens: Lens, down: np.ndarray, corner_sd_px: float) -> float:
    """Return the standard error of gravity: from the corners' noise, the focal length, the principal point and the paper."""
    random = np.random.default_rng(1)
    offs = []
    for _ in range(TRIES):
        pose = _pose(points, seen + random.normal(0, corner_sd_px, seen.shape), lens.matrix, lens.distortion)
        offs.append(_between_deg(pose.down, down) if pose else 90.0)
    noise = float(np.sqrt(np.mean(np.square(offs))))
    focal = 0.0
    for factor in (1 - lens.focal_sd, 1 + lens.focal_sd):
        matrix = lens.matrix.copy()
        matrix[0, 0] *= factor
        matrix[1, 1] *= factor
        pose = _pose(points, seen, matrix, lens.distortion)
        focal += (_between_deg(pose.down, down) if pose else 90.0) / 2
    centre = CENTRE_SD_DEG * min(1.0, lens.focal_sd / 0.1)
    return float(np.sqrt(noise**2 + focal**2 + centre**2 + FLATNESS_SD_DEG**2))


def _between_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


# ---------------------------------------------------------------------- over time
class SheetWatcher:
    """Watches the sheet until it was seen at rest for a second.

    Parameters
    ----------
    lens : Lens
        Calibrated or assumed.
    paper : str
        "a4", "letter", or "auto": whichever fits better.
    """

    def __init__(self, lens: Lens, paper: str = "auto") -> None:
        if paper not in (*PAPER_M, "auto"):
            raise CalibrationError(f"There is no paper '{paper}'; it is a4, letter or auto.")
        self._lens, self._paper = lens, paper
        self._finder = SheetFinder(thorough=True)
        self._looks: deque[tuple[float, dict[int, np.ndarray]]] = deque()
        self._best_count = 0
        self.markers: dict[int, np.ndarray] = {}
        self.found: SheetFound | None = None

    @property
    def seen_ever(self) -> bool:
        """Whether any marker was ever seen."""
        return self._best_count > 0

    @property
    def share(self) -> float:
        """How much of the watching is done, 0 to 1."""
        if self.found or not self._looks:
            return float(self.found is not None)
        return min(1.0, (self._looks[-1][0] - self._looks[0][0]) / WATCH_S)

    @property
    def advice(self) -> str:
        """What to do now, in a sentence."""
        if self.found:
            return "Done: the floor is known."
        count = len(self.markers)
        if count == 0:
            return "Lay the floor sheet on the floor where the camera sees it."
        if count < LEAST_MARKERS:
            return "Only one of the 4 markers is seen: uncover the sheet, lay it nearer or turn on more light."
        if count < 4:
            return f"{count} of the 4 markers are seen; all 4 are better. Leave camera and sheet alone for a second."
        return "The sheet is seen. Leave camera and sheet alone for a second."

    @property
    def missing(self) -> str:
        """What stood in the way, in a sentence."""
        if not self.seen_ever:
            return (
                "The floor sheet was not seen: lay it flat where the camera sees all of it, in good light; `rotrack calibrate "
                "print` makes it."
            )
        if self._best_count < LEAST_MARKERS:
            return "Only one of the 4 markers of the floor sheet was seen: uncover it, or lay it nearer."
        return "The floor sheet was never at rest for a second, or it is bent: lay it flat and leave camera and sheet alone."

    def update(self, frame: Frame) -> SheetFound | None:
        """Look at a picture; return the floor once it is known."""
        if self.found:
            return self.found
        self.markers = self._finder.find(gray_of(frame.rgb))
        self._best_count = max(self._best_count, len(self.markers))
        if len(self.markers) < LEAST_MARKERS:
            if self._looks and frame.time_s - self._looks[-1][0] > LOST_AFTER_S:
                self._looks.clear()
            return None
        self._looks.append((frame.time_s, self.markers))
        while not self._still() and self._looks:
            self._looks.popleft()
        if self._looks and self._looks[-1][0] - self._looks[0][0] >= WATCH_S - 1e-6 and len(self._looks) >= LEAST_LOOKS:
            self.found = solve_floor(_medians([m for _, m in self._looks]), self._lens, self._paper)
            if self.found is None:
                self._looks.clear()
        return self.found

    def _still(self) -> bool:
        first, last = self._looks[0][1], self._looks[-1][1]
        both = first.keys() & last.keys()
        if not both:
            return False
        wandered = np.median([np.hypot(*(first[n] - last[n]).T) for n in both])
        return bool(wandered < STILL_PX * self._lens.size_px[0] / 1280)


def _medians(looks: list[dict[int, np.ndarray]]) -> dict[int, np.ndarray]:
    """Return the medians of the corners of every marker that was seen in at least a third of the looks."""
    return {
        n: np.median(seen, axis=0)
        for n in range(4)
        if len(seen := [look[n] for look in looks if n in look]) >= max(2, len(looks) / 3)
    }


def floor_in_recording(
    frames: Iterable[Frame], lens: Lens, paper: str = "auto", until_s: float = 2.0, every: int = 8, patience: int = 3
) -> SheetFound | None:
    """Return the floor if the sheet lies in the first seconds of a recording; cheap, and quick to give up.

    Parameters
    ----------
    frames : iterable of Frame
        The recording from its start.
    lens : Lens
        Calibrated or assumed.
    paper : str
        Format of the sheet, or "auto".
    until_s : float
        How long to look, s.
    every : int
        Only every so manieth frame is looked at.
    patience : int
        After so many looks without any marker there is no sheet.
    """
    finder = SheetFinder()
    looks: list[dict[int, np.ndarray]] = []
    tried, next_index = 0, 0
    for frame in frames:
        if frame.time_s > until_s:
            break
        if frame.index < next_index:
            continue
        tried, next_index = tried + 1, frame.index + every
        markers = finder.find(gray_of(frame.rgb))
        if len(markers) >= LEAST_MARKERS:
            looks.append(markers)
        elif not looks and not markers and tried >= patience:
            return None
    if len(looks) < 2:
        return None
    medians = _medians(looks)
    return solve_floor(medians, lens, paper) if len(medians) >= LEAST_MARKERS else None


# ---------------------------------------------------------------------- does it still hold?
def floor_moved(kept: Floor, seen: Floor) -> Message | None:
    """Return how the floor that is seen differs from the one that was kept, beyond their errors; None if it does not."""
    between = _between_deg(kept.down, seen.down)
    if between > MOVED_SD * float(np.hypot(kept.tilt_sd_deg, seen.tilt_sd_deg)):
        return say("calibrated.tilted", degrees=round(between))
    if abs(seen.height_m / kept.height_m - 1) > MOVED_HEIGHT:
        return say("calibrated.raised", now=round(100 * seen.height_m), then=round(100 * kept.height_m))
    return None
