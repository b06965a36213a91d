"""The lens from a ChArUco board that is shown to the camera: which views to take, what is still missing, and the result.

A view is taken by itself when the board is still and placed otherwise than in all views before. Wanted are enough views,
corners in nearly all parts of the picture (distortion), and tilts in several directions (focal length).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rotrack.core.errors import CalibrationError
from rotrack.kinematics.camera import Lens
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

COLUMNS, ROWS = 7, 10
SQUARE_M, MARKER_M = 0.025, 0.018
DICTIONARY = "DICT_5X5_100"
"""Another one than the floor sheet's, so that the two are never mixed up."""
LEAST_CORNERS = 10
CELLS = (4, 5)
"""Rows and columns of the parts into which the picture is divided."""
CELL_CORNERS = 3
"""Corners that a part needs to count as covered."""
WANTED_VIEWS = 14
WANTED_CELLS = 17
WANTED_TILTS = 3
LEAST_VIEWS = 8
"""With fewer views there is no result."""
LEAST_TILTS = 2
MOST_VIEWS = 30
TILTED = 0.34
"""Sine of the tilt that counts as one (20 deg)."""
STILL_S = 0.25
STILL_SHARE = 0.0025
"""A board is still if its corners move less than this share of the width between two pictures."""
NEW_PLACE, NEW_TILT, NEW_SIZE = 0.12, 0.20, 0.25
"""A view is new if its middle (in picture widths), its tilt (sine) or its size (logarithm) differs by this much."""
LARGEST_RESIDUAL_PX = 1.5
"""A worse fit (at a width of 1280) means a bent board or blurred pictures."""
OUTLIER = 3.0
"""A view whose error is so many times the median is left out."""
LEAST_FOCAL_SD = 0.003
_TILT_WORDS = {
    (0, -1): "Tilt the board: its upper edge towards the camera.",
    (0, 1): "Tilt the board: its lower edge towards the camera.",
    (1, 0): "Turn the board: one side edge towards the camera.",
    (-1, 0): "Turn the board: the other side edge towards the camera.",
}


def make_board() -> cv2.aruco.CharucoBoard:
    """Return the board that `rotrack calibrate print` prints."""
    markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
    return cv2.aruco.CharucoBoard((COLUMNS, ROWS), SQUARE_M, MARKER_M, markers)


class View(NamedTuple):
    """The board in one picture: its corners, shape (n, 2), px, and where they are on the board, shape (n, 3), m."""

    ids: np.ndarray
    image_px: np.ndarray
    board_m: np.ndarray


class BoardFinder:
    """Finds the board in a picture."""

    def __init__(self) -> None:
        self._board = make_board()
        settings = cv2.aruco.DetectorParameters()
        settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        self._detector = cv2.aruco.CharucoDetector(self._board, cv2.aruco.CharucoParameters(), settings)
        self._corners_m = np.asarray(self._board.getChessboardCorners(), float)

    def find(self, gray: np.ndarray) -> View | None:
        """Return the board's corners; None if fewer than ten are seen."""
        corners, ids, _, _ = self._detector.detectBoard(gray)
        if ids is None or len(ids) < LEAST_CORNERS:
            return None
        ids = np.asarray(ids).ravel()
        return View(ids, np.asarray(corners, float).reshape(-1, 2), self._corners_m[ids])


@dataclass(frozen=True, slots=True)
class LensFound:
    """A lens with the root mean square error of its corners (px) and the number of views that it came from."""

    lens: Lens
    residual_px: float
    views: int


class LensLearner:
    """Collects views of the board until they are enough for a lens.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the picture.
    """

    def __init__(self, size_px: tuple[int, int]) -> None:
        self._size_px = size_px
        self._finder = BoardFinder()
        self._assumed = Lens.assumed(size_px)
        self._views: list[View] = []
        self._kinds: list[np.ndarray] = []
        self._counts = np.zeros(CELLS, int)
        self._tilts: set[tuple[int, int]] = set()
        self._last: tuple[float, View] | None = None
        self._still_since_s: float | None = None
        self._seen_ever = False
        self.view: View | None = None
        self.taken = False

    # ------------------------------------------------------------------ what is there and what is missing
    @property
    def views(self) -> int:
        """How many views were taken."""
        return len(self._views)

    @property
    def covered(self) -> np.ndarray:
        """Which parts of the picture are covered, bool, shape (4, 5)."""
        return self._counts >= CELL_CORNERS

    @property
    def tilts(self) -> int:
        """In how many of the four directions the board was tilted."""
        return len(self._tilts)

    @property
    def done(self) -> bool:
        """Whether all that is wanted is there."""
        wanted = self.views >= WANTED_VIEWS and self.covered.sum() >= WANTED_CELLS and self.tilts >= WANTED_TILTS
        return bool(wanted) or self.views >= MOST_VIEWS

    @property
    def share(self) -> float:
        """How much of what is wanted is there, 0 to 1."""
        shares = (self.views / WANTED_VIEWS, self.covered.sum() / WANTED_CELLS, self.tilts / WANTED_TILTS)
        return float(np.mean(np.minimum(shares, 1)))

    @property
    def advice(self) -> str:
        """What to do next, in a sentence."""
        if self.done:
            return "Done: the lens is being computed."
        if self.view is None:
            return "Show the board to the camera, flat and in good light."
        if self.covered.sum() < WANTED_CELLS and (self.tilts >= WANTED_TILTS or self.views % 2 == 0):
            return "Hold the board still over a part of the picture that is not green yet."
        if self.tilts < WANTED_TILTS:
            return next(words for tilt, words in _TILT_WORDS.items() if tilt not in self._tilts)
        return "Hold the board still, nearer or farther, or tilted otherwise than before."

    @property
    def missing(self) -> str:
        """What is still missing for a result, in words; empty if nothing is."""
        if not self._seen_ever:
            return "the board was never seen (print it with `rotrack calibrate print` and show all of it, in good light)"
        lacks = []
        if self.views < LEAST_VIEWS:
            lacks.append(f"{self.views} of at least {LEAST_VIEWS} views were taken (hold the board still in more places)")
        if self.tilts < LEAST_TILTS:
            lacks.append("the board was hardly tilted (tilt it by 20 to 40 degrees, in several directions)")
        if self.covered.sum() < WANTED_CELLS // 2:
            lacks.append("less than half of the picture was covered (show the board in its corners too)")
        return "; ".join(lacks)

    # ------------------------------------------------------------------ one picture
    def update(self, time_s: float, gray: np.ndarray) -> bool:
        """Look at a picture, shape (H, W), uint8; return whether a view was taken."""
        self.view, self.taken = self._finder.find(gray), False
        if self.view is None:
            self._last = self._still_since_s = None
            return False
        self._seen_ever = True
        if not self._is_still(time_s, self.view):
            self._still_since_s = time_s
        self._last = (time_s, self.view)
        if self._still_since_s is None or time_s - self._still_since_s < STILL_S - 1e-6 or self.done:
            return False
        kind, tilt = self._kind(self.view)
        if any(self._alike(kind, other) for other in self._kinds):
            return False
        self._take(self.view, kind, tilt)
        return True

    def _is_still(self, time_s: float, view: View) -> bool:
        if self._last is None or time_s - self._last[0] > 2 * STILL_S:
            return False
        before = self._last[1]
        common, now, then = np.intersect1d(view.ids, before.ids, return_indices=True)
        if len(common) < LEAST_CORNERS // 2:
            return False
        moved = np.hypot(*(view.image_px[now] - before.image_px[then]).T)
        return bool(np.median(moved) < STILL_SHARE * self._size_px[0])

    def _kind(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """Return what a view is like (middle, tilt and size, shape (5,)) and its tilt, shape (2,)."""
        found, turns, places, errors = cv2.solvePnPGeneric(
            view.board_m, view.image_px, self._assumed.matrix, self._assumed.distortion, flags=cv2.SOLVEPNP_IPPE
        )
        best = int(np.argmin(errors[:found]))
        axes = cv2.Rodrigues(turns[best])[0]
        tilt = axes[:2, 2]
        middle = axes @ [COLUMNS * SQUARE_M / 2, ROWS * SQUARE_M / 2, 0] + places[best].ravel()
        place = self._assumed.matrix[0, 0] * middle[:2] / middle[2] / self._size_px[0]
        return np.array([*place, *tilt, np.log(middle[2])]), tilt

    @staticmethod
    def _alike(a: np.ndarray, b: np.ndarray) -> bool:
        off = np.abs(a - b)
        return bool(np.hypot(*off[:2]) < NEW_PLACE and np.hypot(*off[2:4]) < NEW_TILT and off[4] < NEW_SIZE)

    def _take(self, view: View, kind: np.ndarray, tilt: np.ndarray) -> None:
        self._views.append(view)
        self._kinds.append(kind)
        self.taken = True
        cells = (view.image_px / self._size_px * CELLS[::-1]).astype(int).clip(0, np.array(CELLS[::-1]) - 1)
        np.add.at(self._counts, (cells[:, 1], cells[:, 0]), 1)
        for axis in range(2):
            if abs(tilt[axis]) > TILTED:
                sign = int(np.sign(tilt[axis]))
                self._tilts.add((sign, 0) if axis == 0 else (0, sign))

    # ------------------------------------------------------------------ result
    def result(self) -> LensFound:
        """Return the lens.

        Raises
        ------
        CalibrationError
            If the views are too few or too alike, or do not fit a lens.
        """
        if self.missing:
            raise CalibrationError(f"The lens cannot be calibrated yet: {self.missing}.")
        views = list(self._views)
        found = _calibrate(views, self._size_px)
        good = [v for v, error in zip(views, found[3], strict=True) if error < OUTLIER * float(np.median(found[3]))]
        if LEAST_VIEWS <= len(good) < len(views):
            views = good
            found = _calibrate(views, self._size_px)
        residual, matrix, distortion, _, focal_sd = found
        width = self._size_px[0]
        if residual > LARGEST_RESIDUAL_PX * width / 1280:
            raise CalibrationError(
                f"The corners of the board miss their places by {residual:.1f} px: glue the print onto something flat and stiff, "
                "hold it still in good light, and calibrate again."
            )
        wide_deg = 2 * float(np.degrees(np.arctan(width / 2 / matrix[0, 0])))
        if not (25 < wide_deg < 140 and abs(matrix[1, 1] / matrix[0, 0] - 1) < 0.05):
            raise CalibrationError(
                f"The views give an implausible lens (field of view {wide_deg:.0f} degrees): tilt the board more, in several "
                "directions, and calibrate again."
            )
        return LensFound(Lens(self._size_px, matrix, distortion, max(focal_sd, LEAST_FOCAL_SD)), residual, len(views))


def _calibrate(views: list[View], size_px: tuple[int, int]) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, float]:
    """Return residual (px), camera matrix, distortion (k3 is 0), error per view (px) and relative error of the focal length."""
    points = [v.board_m.astype(np.float32) for v in views]
    seen = [v.image_px.astype(np.float32) for v in views]
    start = Lens.assumed(size_px).matrix
    residual, matrix, distortion, _, _, sd, _, errors = cv2.calibrateCameraExtended(
        points, seen, size_px, start, np.zeros(5), flags=cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_FIX_K3
    )
    focal_sd = float(np.max(sd.ravel()[:2]) / matrix[0, 0])
    # Corners of one view err together, so that the formula, which takes them for independent, is too hopeful.
    return float(residual), matrix, distortion.ravel()[:5], errors.ravel(), 3 * focal_sd
