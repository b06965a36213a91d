"""Labelled crops: how they are kept, read and written. README.md describes every column.

A set is a table `NAME.csv` with a line per crop beside `NAME.zip` with the pictures, 128 x 128 pixels. Any renderer, and any
camera with a motion capture system, can write one.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SIZE_PX = 128
"""Side of a stored crop."""
MARGIN = 1.25
"""A stored crop is so much wider than what the network gets to see, which leaves room to move it."""
WIDTH_FEET = 2.2
"""Width of what the network gets to see, in foot lengths (heel to toe)."""
POINTS = ("heel", "toe", "ankle", "knee")
_NUMBERS = (
    ["readable", "focal", "foot"]
    + [f"{part}_{axis}" for part in ("foot", "shank", "normal") for axis in "xyz"]
    + [f"{part}_{axis}" for part in POINTS for axis in "uv"]
)
_DIRECTIONS, _POINTS = slice(3, 12), slice(12, 20)
_WORDS = ("person", "body", "shoe", "camera", "family", "why")
_COLUMNS = ["picture", "side", *_WORDS, *_NUMBERS]
_STAND_IN = np.array([0, 4.0, 1 / (MARGIN * WIDTH_FEET), *[0.0] * 17])
"""Labels of an unreadable crop that has none; nothing is learned from them."""
UNIT_WITHIN = 0.01


@dataclass(frozen=True)
class Crops:
    """A set of crops; row k of every array belongs to picture k. All legs are mirrored to right legs.

    Parameters
    ----------
    encoded : list of bytes
        Pictures as JPEG or PNG, as stored (left legs are mirrored by `picture`).
    left : numpy.ndarray, shape (n,), bool
        Whether the stored leg is a left one.
    directions : numpy.ndarray, shape (n, 3, 3)
        Unit vectors of foot, shank and upper side of the foot in the ray frame, mirrored.
    points : numpy.ndarray, shape (n, 4, 2)
        Heel, toe, ankle, knee in widths of the stored crop from its middle, mirrored.
    readable : numpy.ndarray, shape (n,)
        1, 0, or NaN where opinions may differ.
    focal : numpy.ndarray, shape (n,)
        Focal length of the camera of the crop in widths of the stored crop.
    foot : numpy.ndarray, shape (n,)
        Length of the foot, heel to toe, at its distance, in widths of the stored crop.
    table : dict of str to list of str
        The columns in words: person, body, shoe, camera, family, why.
    """

    encoded: list[bytes]
    left: np.ndarray
    directions: np.ndarray
    points: np.ndarray
    readable: np.ndarray
    focal: np.ndarray
    foot: np.ndarray
    table: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.encoded)

    def picture(self, k: int) -> np.ndarray:
        """Return picture k as RGB, shape (128, 128, 3), uint8, mirrored if it shows a left leg.

        Raises
        ------
        ValueError
            If it is no picture of that size.
        """
        bgr = cv2.imdecode(np.frombuffer(self.encoded[k], np.uint8), cv2.IMREAD_COLOR)
        if bgr is None or bgr.shape != (SIZE_PX, SIZE_PX, 3):
            raise ValueError(f"crop {k} of the set is no picture of {SIZE_PX} x {SIZE_PX} pixels")
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        return np.ascontiguousarray(rgb[:, ::-1]) if self.left[k] else rgb

    def column(self, name: str) -> np.ndarray:
        """Return a column in words, shape (n,)."""
        return np.array(self.table[name])


def read(paths: Sequence[Path]) -> Crops:
    """Return the crops of some sets together, each given by its table.

    Raises
    ------
    ValueError
        If a table lacks columns or pictures, or a label cannot be right; the message names table and line.
    """
    rows: list[dict[str, str]] = []
    numbers: list[np.ndarray] = []
    encoded: list[bytes] = []
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if set(_COLUMNS) - set(table.fieldnames or ()):
                raise ValueError(f"{path} lacks the columns {sorted(set(_COLUMNS) - set(table.fieldnames or ()))}")
            mine = list(table)
        numbers += [_labels(row, f"{path}, line {k}") for k, row in enumerate(mine, start=2)]
        with zipfile.ZipFile(path.with_suffix(".zip")) as pictures:
            missing = {row["picture"] for row in mine} - set(pictures.namelist())
            if missing:
                raise ValueError(f"{path.with_suffix('.zip')} lacks {sorted(missing)[0]} and perhaps more")
            encoded += [pictures.read(row["picture"]) for row in mine]
        rows += mine
    if not rows:
        raise ValueError(f"there is no crop in {', '.join(map(str, paths))}")
    labels = np.array(numbers)
    left = np.array([row["side"] == "left" for row in rows])
    directions, points = labels[:, _DIRECTIONS].reshape(-1, 3, 3), labels[:, _POINTS].reshape(-1, 4, 2)
    directions[left, :, 0] *= -1
    points[left, :, 0] *= -1
    words = {c: [row[c] for row in rows] for c in _WORDS}
    return Crops(encoded, left, directions, points, labels[:, 0], labels[:, 1], labels[:, 2], words)


def _labels(row: dict[str, str], place: str) -> np.ndarray:
    """Return the numbers of a line of a table, shape (20,); `readable` may be NaN, the others only if it is 0."""
    if row["side"] not in ("left", "right"):
        raise ValueError(f"{place}: side is {row['side']!r}, not left or right")
    try:
        numbers = np.array([float(row[column] or "nan") for column in _NUMBERS])
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{place}: a label is missing or no number") from problem
    readable = numbers[0]
    if readable == 0:
        numbers = np.where(np.isnan(numbers), _STAND_IN, numbers)
    elif not np.isnan(readable) and readable != 1:
        raise ValueError(f"{place}: readable is {row['readable']!r}, not 1, 0 or empty")
    if not np.isfinite(numbers[1:]).all():
        raise ValueError(f"{place}: a label is missing; only crops with readable 0 may lack labels")
    if (numbers[1:3] <= 0).any():
        raise ValueError(f"{place}: focal and foot are lengths above zero")
    lengths = np.linalg.norm(numbers[_DIRECTIONS].reshape(3, 3), axis=1)
    if readable != 0 and np.abs(lengths - 1).max() > UNIT_WITHIN:
        raise ValueError(f"{place}: foot, shank and normal are directions of length 1")
    return numbers


def write(path: Path, rows: Iterable[tuple[dict[str, object], bytes]]) -> None:
    """Write a set: `path` is the table, each row comes with its encoded picture; names of pictures are given here."""
    with path.open("w", newline="", encoding="utf-8") as file, zipfile.ZipFile(path.with_suffix(".zip"), "w") as pictures:
        table = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        table.writeheader()
        for k, (row, picture) in enumerate(rows):
            kind = "png" if picture.startswith(b"\x89PNG") else "jpg"
            name = f"{k:06d}.{kind}"
            pictures.writestr(zipfile.ZipInfo(name), picture)
            table.writerow({**row, "picture": name})
