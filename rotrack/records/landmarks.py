"""The long tables of a session: the curve, the landmarks, and what the leg network said."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.errors import RecordError
from rotrack.core.messages import Sentence
from rotrack.core.model import ANGLES, LANDMARK_NAMES, LEG_CROP_SHAPES, CurvePoint, LegCrop, Pose, Side, ZeroCourse, empty_pose
from rotrack.records.earlier_words import reason_of
from rotrack.system.imports import when_used
from rotrack.system.inputs import MOST_TABLE_BYTES, UnreadableError, clean_text, csv_line, read_bytes, read_packed_lines

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

CURVE, LANDMARKS, LEGS_READ = "angles.csv", "landmarks.csv.gz", "legs.csv.gz"
"""Names of these tables; a session can be measured again from the last two."""
CURVE_COLUMNS = ("time_s", "side", "angle_deg", *ANGLES, "zero_deg", "reason")
_LANDMARK_PARTS = ("x_px", "y_px", "visibility", "world_x_m", "world_y_m", "world_z_m")
LANDMARK_COLUMNS = (
    "time_s",
    "width_px",
    "height_px",
    "people",
    "reason",
    *(f"{name}_{part}" for name in LANDMARK_NAMES for part in _LANDMARK_PARTS),
)
LEG_COLUMNS = (
    "time_s",
    "side",
    *("_".join([name, *map(str, place)]) for name, shape in LEG_CROP_SHAPES.items() for place in np.ndindex(shape)),
)
MOST_PX, LONGEST_S = 100_000, 1e7
"""A picture is not larger, a recording not longer."""


# ---------------------------------------------------------------------- writing
def curve_line(point: CurvePoint) -> str:
    """Return the row of a point of the curve."""
    angles = (_number(getattr(point, column), 3) for column in CURVE_COLUMNS if column.endswith("_deg"))
    return csv_line([_number(point.time_s, 6), point.side, *angles, point.reason])


def moved_line(line: str, zeros: Sequence[ZeroCourse]) -> str:
    """Return the row of a point of the curve with its angles against zeros that moved since."""
    cells = line.rstrip("\r\n").split(",", len(CURVE_COLUMNS) - 1)
    place = dict(zip(CURVE_COLUMNS, range(len(cells)), strict=False))
    time_s, side = float(cells[place["time_s"]]), cells[place["side"]]
    zero = next((zero for zero in zeros if zero.side == side and zero.from_s <= time_s <= zero.to_s), None)
    before_deg, now_deg = float(cells[place["zero_deg"]]), zero.at(time_s) if zero else 0.0
    if abs(before_deg - now_deg) < 5e-4:
        return line
    if cells[place["angle_deg"]]:
        cells[place["angle_deg"]] = _number(float(cells[place["angle_deg"]]) + before_deg - now_deg, 3)
    cells[place["zero_deg"]] = _number(now_deg, 3)
    return ",".join(cells) + "\r\n"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""


def landmark_line(pose: Pose) -> str:
    """Return the row of the landmarks of a frame."""
    table = np.column_stack([pose.image_px, pose.visibility, pose.world_m])
    reason = pose.reason.replace(",", ";")  # no code has a comma, somebody else's words may
    return f"{pose.time_s:.6f},{pose.size_px[0]},{pose.size_px[1]},{pose.people},{reason},{_row_of(table)}\r\n"


def leg_line(time_s: float, side: Side, leg: LegCrop) -> str:
    """Return the row of what the leg network said of a leg in a frame."""
    return f"{time_s:.6f},{side},{_row_of(leg.numbers())}\r\n"


def _row_of(numbers: np.ndarray) -> str:
    return ",".join(f"{v:.4f}".rstrip("0").rstrip(".") if math.isfinite(v) else "" for v in numbers.ravel().tolist())


# ---------------------------------------------------------------------- reading
def read_curve(folder: Path) -> pd.DataFrame:
    """Read angles.csv of a session folder: columns `CURVE_COLUMNS`, times in s, angles in deg, NaN where missing.

    A last row that was cut off is left out.

    Raises
    ------
    RecordError
        If it is missing or damaged.
    """
    path = folder / CURVE
    try:
        text = read_bytes(path, MOST_TABLE_BYTES).decode("utf-8")
        return parse_curve(text[: text.rindex("\n") + 1] if "\n" in text else "")
    except (ValueError, OverflowError) as error:
        raise RecordError(
            "{path} is missing or damaged ({why}); `rotrack remeasure` makes it anew.", path=path, why=error
        ) from error


def parse_curve(text: str) -> pd.DataFrame:
    """Return the table that angles.csv holds, as `read_curve` does.

    Raises
    ------
    ValueError, OverflowError
        If it is no such table.
    """
    curve = pd.read_csv(
        io.StringIO(text),
        dtype={"side": str, "reason": str} | {c: float for c in CURVE_COLUMNS if c.endswith(("_deg", "_s"))},
        keep_default_na=False,
        na_values={c: [""] for c in CURVE_COLUMNS if c.endswith("_deg")},
    )
    lacking = [column for column in CURVE_COLUMNS if column not in curve]
    if lacking and set(lacking) - _LATER:
        raise ValueError(Sentence("it has no column {name}", name=lacking[0]))
    curve = curve.assign(**dict.fromkeys(lacking, math.nan))
    if not curve.side.isin(list(Side)).all() or not np.isfinite(curve.time_s.to_numpy(float)).all():
        raise ValueError("one of its rows has no leg or no time")
    if np.isinf(curve[[column for column in CURVE_COLUMNS if column.endswith("_deg")]].to_numpy(float)).any():
        raise ValueError("one of its angles is infinite")
    earlier = {logged: reason for logged in curve.reason.unique() if (reason := reason_of(logged)) != logged}
    return curve.assign(reason=curve.reason.replace(earlier)) if earlier else curve


_LATER = {*ANGLES, "zero_deg"} - {"live_deg", "raw_deg"}
"""Columns of the curve that sessions of earlier versions lack."""


def _numbers(cells: list[str]) -> np.ndarray:
    numbers = np.array([float(c) if c else np.nan for c in cells])
    if np.isinf(numbers).any():
        raise ValueError
    return numbers


def read_poses(folder: Path, legs: bool = True) -> Iterator[Pose]:
    """Yield the recorded poses of a session, as far as the files go if they were cut off.

    Parameters
    ----------
    folder : Path
        The session's folder.
    legs : bool
        Whether to add what the leg network saw, if it was used.

    Raises
    ------
    RecordError
        If there are none, or what the leg network said cannot be read.
    """
    poses, path = _read_landmarks(folder / LANDMARKS), folder / LEGS_READ
    return _with_legs(poses, path) if legs and path.exists() else poses


def _read_landmarks(path: Path) -> Iterator[Pose]:
    rows = _rows(path, LANDMARK_COLUMNS)
    if rows is None:
        raise RecordError("{path} is missing or holds no landmarks; the session cannot be measured again.", path=path)
    for cells in rows:
        try:
            yield _parsed_pose(cells)
        except ValueError:
            return  # cut off or damaged from here on


def _with_legs(poses: Iterator[Pose], path: Path) -> Iterator[Pose]:
    read = _rows(path, LEG_COLUMNS)
    if read is None:
        raise RecordError("{path} is damaged; measure the session again without the leg network (--no-legnet).", path=path)
    rows = map(_parsed_leg, read)
    try:
        row = next(rows, None)
        for pose in poses:
            legs = {}
            while row is not None and row[0] <= pose.time_s:
                legs[row[1]] = row[2]
                row = next(rows, None)
            yield replace(pose, legs=legs)
    except ValueError:
        return  # cut off or damaged from here on


def _rows(path: Path, columns: Sequence[str]) -> Iterator[list[str]] | None:
    """Return the rows of a packed table, their cells in the order of `columns`; None if it lacks one of these."""
    lines = _lines(path)
    names = next(lines, "").split(",")
    if names == list(columns):
        return (line.split(",") for line in lines)
    places = [names.index(column) for column in columns if column in names]
    if len(places) < len(columns):
        return None
    rows = (line.split(",") for line in lines)
    return ([cells[place] for place in places] if len(cells) == len(names) else [] for cells in rows)


def _time(cell: str) -> float:
    time_s = float(cell)
    if not 0 <= time_s < LONGEST_S:
        raise ValueError
    return time_s


def _parsed_pose(cells: list[str]) -> Pose:
    if len(cells) != len(LANDMARK_COLUMNS):
        raise ValueError
    width, height, people = (int(cell) for cell in cells[1:4])
    if not (0 < width < MOST_PX and 0 < height < MOST_PX and people >= 0):
        raise ValueError
    time_s, size_px, reason = _time(cells[0]), (width, height), reason_of(clean_text(cells[4]))
    if reason:
        return empty_pose(time_s, size_px, reason, people)
    table = _numbers(cells[5:]).reshape(len(LANDMARK_NAMES), -1)
    return Pose(time_s, size_px, table[:, :2], table[:, 3:], table[:, 2], people)


def _parsed_leg(cells: list[str]) -> tuple[float, Side, LegCrop]:
    if len(cells) != len(LEG_COLUMNS):
        raise ValueError
    return _time(cells[0]), Side(cells[1]), LegCrop.of(_numbers(cells[2:]))


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a packed table, none if there is no such file.

    Raises
    ------
    RecordError
        If it is larger than such a table can be.
    """
    try:
        yield from read_packed_lines(path)
    except UnreadableError as error:
        if not error.missing:
            raise RecordError(
                "{path} cannot be used ({why}); the session cannot be measured again from it.", path=path, why=error
            ) from error
