"""The sheets to print, as vector PDF to scale: board for the lens, sheet for the floor, and a page of rays for each foot."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from rotrack.calibration import board, sheet
from rotrack.calibration.sheet import PAPER_M
from rotrack.core.errors import CalibrationError
from rotrack.core.messages import Sentence
from rotrack.core.model import Side
from rotrack.system.files import check_free, explained, make_folder, write_for_person
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

RULER_MM = 100
RAY_PAGE_DEG = (0, 30, 45)
HEEL_FROM_EDGES_MM = (38.0, 40.0)
"""The heel mark of a ray page: from the inner and from the lower edge."""
HEEL_RADIUS_MM = 26.0
RAY_TO_EDGE_MM = 12.0
_LIGHT = 0.6
_TITLES = {"board": "Board for the lens", "floor": "Sheet for the floor", "rays": "Rays for the {} foot"}


def write_sheets(folder: Path, paper: str, overwrite: bool = False) -> list[Path]:
    """Write the board and the set of the floor (floor sheet and a page of rays per foot) as PDF; return the files.

    Parameters
    ----------
    folder : Path
        Where; it is made if need be.
    paper : str
        A4 or Letter, in small letters.
    overwrite : bool
        Whether files of these names may be replaced.

    Raises
    ------
    CalibrationError
        For an unknown paper, or if the folder cannot be made.
    InputError
        If one of the files is there and may not be replaced; nothing is written then.
    RecordError
        If one cannot be written.
    """
    if paper not in PAPER_M:
        raise CalibrationError(f"There is no paper '{paper}'; it is a4 or letter.")
    pages: dict[str, list[Callable[[_Page], None]]] = {
        f"rotrack-board-{paper}.pdf": [_board],
        f"rotrack-floor-{paper}.pdf": [_floor, lambda page: _rays(page, Side.LEFT), lambda page: _rays(page, Side.RIGHT)],
    }
    paths = [folder / name for name in pages]
    for path in paths:
        check_free(path, overwrite)
    with explained(folder, CalibrationError):
        make_folder(folder)
    for path, parts in zip(paths, pages.values(), strict=True):
        content = io.BytesIO()
        canvas = Canvas(content, pagesize=tuple(1000 * side * mm for side in PAPER_M[paper]), invariant=1)
        canvas.setTitle(f"rotrack: {path.stem}")
        for part in parts:
            part(_Page(canvas, paper))
            canvas.showPage()
        canvas.save()
        write_for_person(path, content.getvalue(), overwrite)
    return paths


class _Page:
    """A page with lengths in mm, x to the right and y down from its top left corner."""

    def __init__(self, canvas: Canvas, paper: str) -> None:
        self.canvas, self.paper = canvas, paper
        self.width, self.height = (1000 * side for side in PAPER_M[paper])

    def box(self, x: float, y: float, width: float, height: float, gray: float = 0.0) -> None:
        self.canvas.setFillGray(gray)
        self.canvas.rect(x * mm, (self.height - y - height) * mm, width * mm, height * mm, stroke=0, fill=1)

    def line(self, x0: float, y0: float, x1: float, y1: float, thick: float = 0.3, gray: float = 0.0) -> None:
        self.canvas.setStrokeGray(gray)
        self.canvas.setLineWidth(thick * mm)
        self.canvas.line(x0 * mm, (self.height - y0) * mm, x1 * mm, (self.height - y1) * mm)

    def circle(self, x: float, y: float, radius: float, gray: float = 0.0) -> None:
        self.canvas.setStrokeGray(gray)
        self.canvas.setLineWidth(0.3 * mm)
        self.canvas.circle(x * mm, (self.height - y) * mm, radius * mm, stroke=1, fill=0)

    def text(self, x: float, y: float, words: str, size_mm: float = 3.5, bold: bool = False, centred: bool = False) -> None:
        self.canvas.setFillGray(0)
        self.canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size_mm * mm)
        draw = self.canvas.drawCentredString if centred else self.canvas.drawString
        draw(x * mm, (self.height - y) * mm, words)

    def words_width(self, words: str, size_mm: float) -> float:
        return float(self.canvas.stringWidth(words, "Helvetica", size_mm * mm) / mm)

    def paragraph(self, x: float, y: float, width: float, words: str, size_mm: float = 3.5) -> float:
        """Write words in lines of at most this width; return where the next line would be."""
        line = ""
        for word in [*words.split(), ""]:
            longer = f"{line} {word}".strip()
            if word and self.words_width(longer, size_mm) <= width:
                line = longer
                continue
            self.text(x, y, line, size_mm)
            y, line = y + 1.35 * size_mm, word
        return y

    def ruler(self, x: float, y: float) -> None:
        """Draw a ruler of 100 mm with its explanation below."""
        self.line(x, y, x + RULER_MM, y, 0.25)
        for at in range(RULER_MM + 1):
            tick = 5 if at % 10 == 0 else 3.5 if at % 5 == 0 else 2
            self.line(x + at, y, x + at, y - tick, 0.25 if at % 10 == 0 else 0.15)
        for at in range(0, RULER_MM + 1, 20):
            self.text(x + at, y - 6, str(at), 2.6, centred=True)
        self.text(x, y + 4, f"Check with a ruler: this is {RULER_MM} mm. If not, print at 100 %, not fitted to the page.", 2.8)

    def marker(self, dictionary: str, number: int, x: float, y: float, side: float) -> None:
        """Draw a marker as boxes: every bit, and the black border round them."""
        bits = _bits(dictionary, number)
        cell = side / len(bits)
        self.box(x, y, side, side)
        for row, line in enumerate(bits):
            for column, white in enumerate(line):
                if white:
                    self.box(x + column * cell, y + row * cell, cell, cell, 1.0)


def _bits(dictionary: str, number: int) -> np.ndarray:
    """Return a marker with its border as bool, shape (n + 2, n + 2), white is True."""
    markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, dictionary))
    side = markers.markerSize + 2
    return cv2.aruco.generateImageMarker(markers, number, side, borderBits=1) > 127


def _board(page: _Page) -> None:
    square, marker = 1000 * board.SQUARE_M, 1000 * board.MARKER_M
    left = (page.width - board.COLUMNS * square) / 2
    top = page.height - board.ROWS * square - 18.5 if page.paper == "a4" else 8.5
    words = (
        "Glue this onto something flat and stiff, run `rotrack calibrate camera`, and show it to the camera as the window says."
    )
    if page.paper == "a4":
        page.text(left, 10, f"rotrack: {_TITLES['board']}", 4.5, bold=True)
        page.text(left, 16, words, 3.1)
        page.ruler(left, page.height - 9)
    else:  # hardly any room is left above and below the board
        page.text(left, 6.5, f"rotrack: {_TITLES['board'].lower()}. {words}", 2.7)
        page.ruler(left, page.height - 9.5)
    numbers = iter(range(board.COLUMNS * board.ROWS))
    for row in range(board.ROWS):
        for column in range(board.COLUMNS):
            x, y = left + column * square, top + row * square
            if (row + column) % 2 == 0:
                page.box(x, y, square, square)
            else:
                inset = (square - marker) / 2
                page.marker(board.DICTIONARY, next(numbers), x + inset, y + inset, marker)


def _floor(page: _Page) -> None:
    for number, corners in sheet.marker_corners_m(page.paper).items():
        x, y = 1000 * corners[0]
        page.marker(sheet.DICTIONARY, number, x, y, 1000 * sheet.MARKER_M)
    left, width = 22.0, page.width - 44
    y = page.height / 2 - 32
    page.text(left, y, f"rotrack: {_TITLES['floor']} ({page.paper.upper() if page.paper == 'a4' else 'Letter'})", 5, bold=True)
    y = page.paragraph(
        left, y + 8, width,
        "Lay this flat on the floor beside the place where you stand, this text towards the camera, tape it down, keep the four "
        "markers free, and run `rotrack calibrate floor`.",
        4,
    )  # fmt: skip
    page.paragraph(
        left,
        y + 3,
        width,
        "The next two pages are for `rotrack calibrate personal`: one for the left foot, one for the right.",
        3.2,
    )
    page.ruler(left, page.height / 2 + 26)
    middle = page.width / 2
    page.line(middle, 12, middle, 66, 0.3, _LIGHT)
    page.line(middle, page.height - 66, middle, page.height - 12, 0.3, _LIGHT)


def _rays(page: _Page, side: Side) -> None:
    outward = -1 if side is Side.LEFT else 1
    from_inner, from_bottom = HEEL_FROM_EDGES_MM
    x = from_inner if outward > 0 else page.width - from_inner
    y = page.height - from_bottom
    for angle in RAY_PAGE_DEG:
        turn = math.radians(angle)
        end_x, end_y = _ray_end(page, x, y, outward, angle)
        page.line(x, y, end_x, end_y, 0.7, 0.35)
        # Beside the end of the ray, on its inner side.
        label_x = end_x - outward * (6 * math.sin(turn) + 9 * math.cos(turn))
        label_y = end_y + 6 * math.cos(turn) - 9 * math.sin(turn)
        page.text(label_x, label_y + 2, Sentence("{n}°", n=angle), 6, bold=True, centred=True)
    page.circle(x, y, HEEL_RADIUS_MM, 0.35)
    page.line(x - 6, y, x + 6, y, 0.7)
    page.text(x, y + HEEL_RADIUS_MM + 4, "middle of the heel on the cross", 2.8, centred=True)
    across = page.width - from_inner
    text_x = page.width - across + 32 if outward > 0 else 14
    page.text(text_x, y - 14, f"{side.value.upper()} FOOT", 7, bold=True)
    page.paragraph(
        text_x, y - 7, across - 46,
        f"Lay this page {side.value} of the other foot's page, edge to edge, stand with the {side.value} heel on the cross "
        "and the second toe on 0\u00b0, and follow `rotrack calibrate personal`.",
        3.2,
    )  # fmt: skip
    page.ruler(text_x, page.height - 9)


def _ray_end(page: _Page, x: float, y: float, outward: int, angle: float) -> tuple[float, float]:
    """Return where a ray from the heel comes near the edge of the page."""
    turn = math.radians(angle)
    across = (page.width - x if outward > 0 else x) - RAY_TO_EDGE_MM
    reach = (y - RAY_TO_EDGE_MM) / math.cos(turn)
    if angle:
        reach = min(reach, across / math.sin(turn))
    return x + outward * reach * math.sin(turn), y - reach * math.cos(turn)
