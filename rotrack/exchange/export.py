"""Sessions for other programs: tables for statistics and spreadsheets, angle and landmarks for biomechanics tools.

| format | what it is |
|---|---|
| tidy | table, one row per repetition with everything that is known of it |
| wide | table, one row per session and leg, for a spreadsheet |
| visits | table, one row per person, day and drill, both legs side by side |
| redcap | the visits as CSV under the names that REDCap takes |
| redcap-dictionary | the fields of these as a REDCap data dictionary |
| mot | OpenSim motion file of the hip rotation, one per session |
| trc | marker file of the landmarks in metres, one per session |

Angle and landmarks are put on a uniform time grid, which those tools want. `docs/export.md` has every column, sign and axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.errors import InputError, NotMeasuredError, RecordError
from rotrack.core.model import LANDMARK_NAMES, Direction, Side
from rotrack.core.tiers import Tier
from rotrack.exchange.parcel import ENDING
from rotrack.exchange.sheets import XLSX
from rotrack.kinematics.identity import LegNames
from rotrack.records.compare import held
from rotrack.records.history import rep_table
from rotrack.records.landmarks import CURVE, LANDMARKS, read_poses
from rotrack.records.options import ACTIVE, NUMBERS_NOTED, PROTOCOL, Noted, options_of
from rotrack.records.record import SessionRecord
from rotrack.records.schema import REP_COLUMNS
from rotrack.records.session import Arc, Session, SessionValue, Turnout, arcs_of, best_of, by_leg
from rotrack.system.imports import when_used
from rotrack.tracking.filters import LONGEST_GAP_S

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

TIDY_COLUMNS = (*REP_COLUMNS, "fit_sd_deg", "used", "status")
"""Those of reps.csv, and what session.json knows besides."""
_WAY = ("variant", "legs", "held")
"""How the drill was done, by `Measured.likeness`: sessions that differ in it are not compared."""
_PER_DIRECTION = ("deg", "uncertainty_deg", "reps_used", "reps_valid", "reps_total")
_ARC = ("arc_deg", "arc_uncertainty_deg", "ratio", "ratio_uncertainty")
_TURNOUT = ("turnout_deg", "turnout_uncertainty_deg")
WIDE_COLUMNS = (
    *"session_id started_at date person drill tier side".split(),
    *(f"{direction}_{what}" for direction in Direction for what in _PER_DIRECTION),
    *_ARC,
    *"cycles longest_hold_s total_hold_s faults band load_kg note calibration zero model convention_version".split(),
    *"measure_version rotrack_version remeasured_from status".split(),
    *PROTOCOL,
    *_WAY,
    *_TURNOUT,
)
_LEGS = [(side, direction) for side in Side for direction in Direction]
_WITH_ERROR = ("deg", "uncertainty_deg")
_SAME_VISIT = ("date", "person", "drill", "tier", "band", "load_kg", "performed", "value_rule", *_WAY)
_OF_VISIT = ("note", "calibration", "zero", "convention_version", "measure_version")
_NUMBERS_OF_VISIT = tuple(name for name in PROTOCOL if name in NUMBERS_NOTED)
_WORDS_OF_VISIT = tuple(name for name in PROTOCOL if name not in (*_SAME_VISIT, *NUMBERS_NOTED))
VISIT_COLUMNS = (
    *_SAME_VISIT[:6],
    *(f"{side}_{direction}_{what}" for side, direction in _LEGS for what in _WITH_ERROR),
    *(f"{side}_{column}" for side in Side for column in _ARC),
    *("sessions", "faults", *_OF_VISIT, *PROTOCOL, *_WAY, *_TURNOUT),
)
REDCAP_FORM = "hip_rotation"
"""What the repeating instrument of a REDCap project must be called."""
_REDCAP_VALUES = {
    **{
        f"hip_{side}_{direction}_{short}": (f"{side}_{direction}_{column}", f"{side} {direction} rotation, {what}, degrees")
        for side in Side
        for direction in Direction
        for short, column, what in (("deg", "deg", "session value"), ("pm", "uncertainty_deg", "95 % half width"))
    },
    **{
        f"hip_{side}_{short}": (f"{side}_{column}", f"{side}, {what}")
        for side in Side
        for short, column, what in (
            ("arc_deg", "arc_deg", "total arc, degrees"),
            ("arc_pm", "arc_uncertainty_deg", "total arc, 95 % half width, degrees"),
            ("ratio", "ratio", "internal to external rotation"),
            ("ratio_pm", "ratio_uncertainty", "internal to external rotation, 95 % half width"),
        )
    },
    "hip_turnout_deg": ("turnout_deg", "total turnout of both legs, degrees"),
    "hip_turnout_pm": ("turnout_uncertainty_deg", "total turnout of both legs, 95 % half width, degrees"),
}
"""Names that REDCap takes, each with the column of the visits and a label."""
REDCAP_COLUMNS = (
    *"record_id redcap_repeat_instrument redcap_repeat_instance hip_date hip_drill hip_band hip_load_kg".split(),
    *_REDCAP_VALUES,
    *"hip_zero hip_calibration hip_measure_version hip_sessions".split(),
    *(f"hip_{name}" for name in (*PROTOCOL, *_WAY)),
)
_OF_RECORD = tuple(column for column in WIDE_COLUMNS if column in SessionRecord.__struct_fields__)
_COUNTS = ("cycles", *(column for column in WIDE_COLUMNS if "_reps_" in column))
COORDINATES = {Side.RIGHT: "hip_rotation_r", Side.LEFT: "hip_rotation_l"}
"""What OpenSim's models call the rotation of each hip. It is positive for internal rotation on both sides there, too."""
LONGEST_GRID = 2_000_000
"""Most moments that are believed: 18 hours at 30 frames per second."""
_EDGE_S = 1e-3


class Format(StrEnum):
    """What sessions can be written as."""

    TIDY = "tidy"
    WIDE = "wide"
    VISITS = "visits"
    REDCAP = "redcap"
    REDCAP_DICTIONARY = "redcap-dictionary"
    MOT = "mot"
    TRC = "trc"
    SESSIONS = "sessions"

    @property
    def per_session(self) -> bool:
        """Whether each session is a file of its own."""
        return self in (Format.MOT, Format.TRC)

    @property
    def endings(self) -> tuple[str, ...]:
        """How the name of such a file may end, first as it does unasked."""
        if self.per_session:
            return (f".{self}",)
        if self is Format.SESSIONS:
            return (ENDING,)
        return (".csv",) if self in (Format.REDCAP, Format.REDCAP_DICTIONARY) else (".csv", XLSX)


@dataclass(frozen=True, slots=True)
class Exported:
    """A session in the form of another program.

    Parameters
    ----------
    contents : bytes
        What belongs into the file.
    note : str
        What is not in it, in words; empty if all is.
    """

    contents: bytes
    note: str = ""


# ---------------------------------------------------------------------- tables
def tidy_table(sessions: Iterable[Session], side: Side | None = None) -> pd.DataFrame:
    """Return one row per repetition with everything that a statistician needs.

    Parameters
    ----------
    sessions : iterable of Session
        See `rotrack.records.store.read_sessions`.
    side : Side, optional
        Only this leg.

    Returns
    -------
    pandas.DataFrame
        Columns `TIDY_COLUMNS`: those of reps.csv with the signs they have there, `fit_sd_deg`, `used` (whether the repetition
        entered the session value) and the `status` of the session. In the order of the sessions and repetitions.
    """
    sessions = list(sessions)
    reps = [rep for session in sessions for rep in session.rep_list]
    used = {
        id(rep)
        for session in sessions
        for group in by_leg(session.rep_list).values()
        for rep in best_of(group, session.record.rule)
    }
    status = [str(session.record.status) for session in sessions for _ in session.rep_list]
    table = rep_table(sessions).assign(
        fit_sd_deg=pd.Series([round(rep.fit_sd_deg, 3) for rep in reps], dtype="float64"),
        used=pd.Series([id(rep) in used for rep in reps], dtype="bool"),
        status=pd.Series(status, dtype="str"),
    )
    return table if side is None else table[table.side == side].reset_index(drop=True)


def wide_table(sessions: Iterable[Session], side: Side | None = None) -> pd.DataFrame:
    """Return one row per session and leg with repetitions.

    Parameters
    ----------
    sessions : iterable of Session
        See `rotrack.records.store.read_sessions`.
    side : Side, optional
        Only this leg.

    Returns
    -------
    pandas.DataFrame
        Columns `WIDE_COLUMNS`. `internal_deg` and `external_deg` are the session values without sign, since the column names the
        direction; of tier C they are an index. `arc_deg` and `ratio` are those of `Session.arcs`. Of stretches there are only
        cycles and hold times, of all else only the others.
    """
    rows = []
    for session in sessions:
        record = session.record
        about = {column: getattr(record, column) for column in _OF_RECORD}
        about |= {"started_at": record.started, "date": record.started[:10]}
        about |= {"person": session.person, "status": str(record.status)}
        about |= {name: session.likeness[name] for name in _WAY} | _turnout_cells(session.turnout)
        counted = record.tier.is_counted
        for leg in sorted({rep.side for rep in session.rep_list}):
            if side not in (None, leg):
                continue
            kept = [rep for rep in session.rep_list if rep.side is leg and not rep.dropped]
            row = {**about, "side": str(leg), "faults": " ".join(sorted({letter for rep in kept for letter in rep.faults}))}
            for value in () if counted else session.values:
                if value.side is leg:
                    numbers = {"deg": round(abs(value.value_deg), 2), "uncertainty_deg": round(value.uncertainty_deg, 2)}
                    numbers |= {what: getattr(value, what) for what in _PER_DIRECTION if what.startswith("reps_")}
                    row |= {f"{value.direction}_{what}": number for what, number in numbers.items()}
            for arc in session.arcs:
                if arc.side is leg:
                    row |= _arc_cells(arc)
            for stretch in held(session.rep_list) if counted else ():
                if stretch.side is leg:
                    row |= {
                        "cycles": stretch.cycles,
                        "longest_hold_s": stretch.longest_s,
                        "total_hold_s": round(stretch.total_s, 2),
                    }
            rows.append(row)
    table = pd.DataFrame(rows, columns=WIDE_COLUMNS)
    return table.astype({column: "Int64" if column in _COUNTS else float for column in WIDE_COLUMNS if _is_number(column)})


def _arc_cells(arc: Arc) -> dict[str, float]:
    numbers = (arc.total_deg, arc.total_error_deg, arc.ratio, arc.ratio_error)
    return {column: round(number, 2) for column, number in zip(_ARC, numbers, strict=True)}


def _turnout_cells(turnout: Turnout | None) -> dict[str, float]:
    numbers = (turnout.total_deg, turnout.error_deg) if turnout else (math.nan, math.nan)
    return {column: round(number, 2) for column, number in zip(_TURNOUT, numbers, strict=True)}


def visits_table(sessions: Iterable[Session], side: Side | None = None) -> pd.DataFrame:
    """Return one row per person, day, drill, load, kind of movement, rule of the value and way to do it, of drills with a value.

    Parameters
    ----------
    sessions : iterable of Session
        See `rotrack.records.store.read_sessions`.
    side : Side, optional
        Only this leg.

    Returns
    -------
    pandas.DataFrame
        Columns `VISIT_COLUMNS`: session values of both legs and directions side by side, deg, without sign, with their 95 % half
        widths, and the total arc and ratio that they come to. Of several sessions of a day the last that has a leg and direction
        counts for it; `sessions` names all that entered. Where they differ in zero, note or the like, each is named.
    """
    wide = wide_table(sessions, side)
    wide = wide[wide[[f"{direction}_deg" for direction in Direction]].notna().any(axis=1)]
    wide = wide.assign(motion=wide.performed.where(wide.performed != "", ACTIVE))
    rows = []
    for same, found in wide.groupby(
        ["motion" if name == "performed" else name for name in _SAME_VISIT], sort=False, dropna=False
    ):
        row = dict(zip(_SAME_VISIT, same, strict=True)) | {"performed": max(found.performed)}  # where it is said at all
        entered = set()
        values = []
        for leg, direction in _LEGS:
            theirs = found[(found.side == str(leg)) & found[f"{direction}_deg"].notna()].sort_values("started_at", kind="stable")
            if len(theirs):
                last = theirs.iloc[-1]
                numbers = {what: last[f"{direction}_{what}"] for what in _PER_DIRECTION}
                row |= {f"{leg}_{direction}_{what}": numbers[what] for what in _WITH_ERROR}
                signed = direction.sign * numbers.pop("deg")
                values.append(SessionValue(side=leg, direction=direction, value_deg=signed, **numbers))
                entered.add(last.session_id)
        for arc in arcs_of(values) if Tier(row["tier"]).in_degrees else ():
            row |= {f"{arc.side}_{column}": number for column, number in _arc_cells(arc).items()}
        for turnout in found.sort_values("started_at", kind="stable")[list(_TURNOUT)].dropna().tail(1).to_dict("records"):
            row |= turnout
        used = found[found.session_id.isin(entered)]
        row |= {column: " | ".join(filter(None, dict.fromkeys(used[column]))) for column in (*_OF_VISIT, *_WORDS_OF_VISIT)}
        row |= {column: used[column].ffill().iloc[-1] for column in _NUMBERS_OF_VISIT}
        row["sessions"] = " ".join(dict.fromkeys(used.session_id))
        row["faults"] = " ".join(sorted({*" ".join(used.faults).split()}))
        rows.append(row)
    table = pd.DataFrame(rows, columns=VISIT_COLUMNS)
    return table.astype({column: float for column in VISIT_COLUMNS if _is_number(column)})


def redcap_table(sessions: Iterable[Session], side: Side | None = None) -> pd.DataFrame:
    """Return the visits under the names that REDCap takes, columns `REDCAP_COLUMNS`; the person is the `record_id`."""
    visits = visits_table(sessions, side).sort_values("date", kind="stable")
    named = {"person": "record_id", "date": "hip_date", "drill": "hip_drill", "sessions": "hip_sessions"}
    named |= {
        column: f"hip_{column}" for column in ("zero", "calibration", "measure_version", "band", "load_kg", *PROTOCOL, *_WAY)
    }
    named |= {column: name for name, (column, _) in _REDCAP_VALUES.items()}
    table = visits.rename(columns=named).assign(redcap_repeat_instrument=REDCAP_FORM)
    table["redcap_repeat_instance"] = table.groupby("record_id").cumcount() + 1
    return table.sort_values(["record_id", "redcap_repeat_instance"], ignore_index=True)[list(REDCAP_COLUMNS)]


_DICTIONARY_COLUMNS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number", "Text Validation Min",
    "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment",
    "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?", "Field Annotation",
)  # fmt: skip
_LABELS = {
    "record_id": "Person", "hip_date": "Day", "hip_drill": "Drill", "hip_zero": "What zero is", "hip_calibration": "Calibration",
    "hip_measure_version": "Measure version", "hip_sessions": "Sessions behind the row",
    "hip_legs": "How the legs moved: one at a time, both at once, alternating", "hip_held": "Whether it was held at the end",
}  # fmt: skip


def redcap_dictionary() -> pd.DataFrame:
    """Return the fields of a `redcap_table` as a data dictionary that a REDCap project is made of, a row per field."""
    noted = {f"hip_{name}": option for name, option in options_of(Noted).items()}
    rows = []
    for name in (column for column in REDCAP_COLUMNS if not column.startswith("redcap_")):
        label, limits = _LABELS.get(name, ""), ("", "")
        if name in noted:
            label = noted[name].help
            least, most = noted[name].least, noted[name].most
            limits = (f"{least:g}" if math.isfinite(least) else "", f"{most:g}" if math.isfinite(most) else "")
        if name in _REDCAP_VALUES:
            _, label = _REDCAP_VALUES[name]
        is_number = name in _REDCAP_VALUES or name.removeprefix("hip_") in NUMBERS_NOTED
        kind = "number" if is_number else "date_ymd" if name == "hip_date" else ""
        cells = dict.fromkeys(_DICTIONARY_COLUMNS, "")
        cells |= dict(zip(_DICTIONARY_COLUMNS, (name, REDCAP_FORM, "", "text", label, "", "", kind, *limits), strict=False))
        rows.append(cells)
    return pd.DataFrame(rows, columns=_DICTIONARY_COLUMNS)


def _is_number(column: str) -> bool:
    return column in _COUNTS or column in NUMBERS_NOTED or column.endswith(("_deg", "_s", "ratio", "ratio_uncertainty"))


# ---------------------------------------------------------------------- angle and landmarks over time
def rotation_over_time(session: Session, side: Side | None = None) -> pd.DataFrame:
    """Return the hip rotation of a session on a uniform time grid, under OpenSim's names.

    Parameters
    ----------
    session : Session
        One that measures degrees: tier A or B.
    side : Side, optional
        Only this leg.

    Returns
    -------
    pandas.DataFrame
        Index `time` in s from the start of the recording, in steps of the usual time between two pictures. Columns
        `hip_rotation_r` and `hip_rotation_l`, deg, internal rotation positive on both sides, zero at the neutral pose; a leg that
        never had an angle has no column. Gaps of at most 0.2 s are bridged by a straight line, longer ones are NaN.

    Raises
    ------
    InputError
        If the drill measures no degrees of hip rotation.
    RecordError
        If there is no curve, or it is damaged.
    NotMeasuredError
        If no leg has an angle.
    """
    tier = session.record.tier
    if not tier.in_degrees:
        what = "an index and no degrees of hip rotation" if tier.is_index else "count and hold time and no angle"
        raise InputError(f"{_called(session)} has {what} (tier {tier}), so there is no .mot of it; choose tidy, wide or trc.")
    if not (session.folder / CURVE).exists():
        raise RecordError(f"{_called(session)} has no curve (there is no {CURVE} in {session.folder}); choose tidy or wide.")
    curve = session.curve
    legs = {
        name: rows.set_index("time_s").angle_deg
        for leg, name in COORDINATES.items()
        if side in (None, leg) and len(rows := curve[curve.side == leg].drop_duplicates("time_s"))
    }
    table = pd.DataFrame(legs).sort_index()
    table = table.dropna(axis="columns", how="all")
    if table.empty:
        legs_asked = f"{side} leg" if side else "legs"
        raise NotMeasuredError(f"{_called(session)} has no angle of the {legs_asked}; choose another session.")
    return _evenly(table, session)


def markers_over_time(session: Session) -> pd.DataFrame:
    """Return the landmarks of a session in OpenSim's axes on a uniform time grid.

    These are the pose model's own estimate of the landmarks in space, from the middle of the hips. The depth in them is a guess
    of that model: rotrack itself takes them as a weak hint only. Axes are those of somebody who faces a level camera: x forward
    (towards the camera), y up, z to the subject's right (to the left in the picture).

    Parameters
    ----------
    session : Session
        The session.

    Returns
    -------
    pandas.DataFrame
        Index `time` as in `rotation_over_time`; columns `NAME_x`, `NAME_y` and `NAME_z` in m, see `marker_name`. Landmarks that
        were never seen have no columns. Gaps of at most 0.2 s are bridged by a straight line, longer ones are NaN.

    Raises
    ------
    RecordError
        If there are no landmarks.
    NotMeasuredError
        If nobody was seen.
    """
    try:
        next(read_poses(session.folder, legs=False), None)
    except RecordError as error:
        raise RecordError(
            f"{_called(session)} has no landmarks ({LANDMARKS} in {session.folder} is missing or damaged); "
            "choose tidy, wide or mot."
        ) from error
    drill = load_table().drills.get(session.record.drill)
    legs = LegNames(drill.posture, session.record.sides) if drill else None  # under the names by which they were measured
    poses = [legs.update(pose)[0] if legs else pose for pose in read_poses(session.folder, legs=legs is not None)]
    names = [f"{marker_name(name)}_{axis}" for name in LANDMARK_NAMES for axis in "xyz"]
    # Camera axes are x right, y down, z away.
    values = np.array([-pose.world_m[:, ::-1] for pose in poses]).reshape(len(poses), len(names))
    table = pd.DataFrame(values, columns=names, index=[pose.time_s for pose in poses])
    table = table[~table.index.duplicated()].sort_index().dropna(axis="columns", how="all")
    if table.empty:
        raise NotMeasuredError(f"{_called(session)} has no landmarks, since nobody was seen; choose another session.")
    return _evenly(table, session)


def marker_name(landmark: str) -> str:
    """Return what Pose2Sim and Sports2D call a landmark of this pose model: `left_heel` is `LHeel`, `right_toe` is `RBigToe`."""
    words = landmark.replace("toe", "big_toe").split("_")
    side = next((word for word in words if word in set(Side)), "")
    return side[:1].upper() + "".join(word.capitalize() for word in words if word != side)


def _evenly(table: pd.DataFrame, session: Session) -> pd.DataFrame:
    """Return columns over increasing times on a uniform grid; what lies in gaps of more than 0.2 s is NaN."""
    time_s = table.index.to_numpy(float)
    if len(time_s) < 2:
        raise NotMeasuredError(f"{_called(session)} has a single picture, which is no movement; choose another session.")
    step_s = float(np.median(np.diff(time_s)))
    rate_hz = max(round(1 / step_s, 2), 0.01)
    moments = (time_s[-1] - time_s[0]) * rate_hz
    if not moments < LONGEST_GRID:
        raise RecordError(f"The times in {session.folder} are not those of a recording; `rotrack remeasure` makes them anew.")
    grid_s = time_s[0] + np.arange(math.floor(moments + _EDGE_S * rate_hz) + 1) / rate_hz
    longest_s = max(LONGEST_GAP_S, 1.5 * step_s) + _EDGE_S  # a slow video has no gap as long as every picture is there
    columns = {}
    for name in table.columns:
        value = table[name].to_numpy(float)
        known = np.flatnonzero(np.isfinite(value))
        even = np.full(len(grid_s), np.nan)
        for part in np.split(known, np.flatnonzero(np.diff(time_s[known]) > longest_s) + 1):
            inside = (grid_s >= time_s[part[0]] - _EDGE_S) & (grid_s <= time_s[part[-1]] + _EDGE_S)
            even[inside] = np.interp(grid_s[inside], time_s[part], value[part])
        columns[name] = even
    return pd.DataFrame(columns, index=pd.Index(grid_s, name="time"))


def _called(session: Session) -> str:
    return f"The session {session.id}"


# ---------------------------------------------------------------------- the files of biomechanics tools
def mot(session: Session, side: Side | None = None) -> Exported:
    """Return the hip rotation of a session as an OpenSim motion file.

    OpenSim's `Storage` stops at a missing number without a message, so moments at which a leg has no angle are left out. The
    note says how many. With both legs, a moment needs both.

    Parameters
    ----------
    session : Session
        One that measures degrees: tier A or B.
    side : Side, optional
        Only this leg.

    Raises
    ------
    InputError, RecordError, NotMeasuredError
        As `rotation_over_time`, and if there is no moment at which both legs have an angle.
    """
    table = rotation_over_time(session, side)
    complete = table.dropna()
    if complete.empty:
        raise NotMeasuredError(f"{_called(session)} has no moment with an angle of both legs; export one leg at a time (--side).")
    record = session.record
    lines = [
        session.id,
        "version=1",
        f"nRows={len(complete)}",
        f"nColumns={len(complete.columns) + 1}",
        "inDegrees=yes",
        "",
        "Hip rotation in degrees, internal rotation positive on both sides, zero at the neutral pose.",
        f"Drill {record.drill}, measured {record.measured}, rotrack {record.rotrack_version}.",
        "",
        "endheader",
        "\t".join(["time", *complete.columns]),
    ]
    lines += ["\t".join([f"{t:.6f}", *(f"{v:.4f}" for v in row)]) for t, *row in complete.itertuples(name=None)]
    within = table.loc[complete.index[0] : complete.index[-1]]
    inside = len(within) - len(complete)
    left_out = [f"{len(table) - len(complete)} of {len(table)} moments are left out, since an angle is missing"]
    left_out += [f"{inside} of them between others: look at the times"] if inside else []
    return Exported(("\n".join(lines) + "\n").encode(), f"{', '.join(left_out)}." if len(complete) < len(table) else "")


def trc(session: Session) -> Exported:
    """Return the landmarks of a session as a marker file, see `markers_over_time`.

    Missing places are `NaN`: the one form that OpenSim's and Pose2Sim's readers take alike.

    Raises
    ------
    RecordError, NotMeasuredError
        As `markers_over_time`.
    """
    table = markers_over_time(session)
    names = [column.removesuffix("_x") for column in table.columns if column.endswith("_x")]
    time_s = table.index.to_numpy()
    rate = f"{(len(time_s) - 1) / (time_s[-1] - time_s[0]):.2f}"
    about = {
        "DataRate": rate,
        "CameraRate": rate,
        "NumFrames": len(table),
        "NumMarkers": len(names),
        "Units": "m",
        "OrigDataRate": rate,
        "OrigDataStartFrame": 1,
        "OrigNumFrames": len(table),
    }
    rows: list[Sequence[object]] = [
        ["PathFileType", "4", "(X/Y/Z)", f"{session.id}{Format.TRC.endings[0]}"],
        list(about),
        list(about.values()),
        ["Frame#", "Time", *(cell for name in names for cell in (name, "", ""))],
        ["", "", *(f"{axis}{number}" for number in range(1, len(names) + 1) for axis in "XYZ")],
        [],
    ]
    for number, (t, *row) in enumerate(table.itertuples(name=None), start=1):
        rows.append([number, f"{t:.6f}", *(f"{v:.5f}" if math.isfinite(v) else "NaN" for v in row)])
    unseen = len(LANDMARK_NAMES) - len(names)
    note = f"{unseen} of {len(LANDMARK_NAMES)} landmarks were never seen and are left out." if unseen else ""
    return Exported("".join("\t".join(map(str, row)) + "\n" for row in rows).encode(), note)


# ---------------------------------------------------------------------- files
def destinations(to: Path, form: Format, session_ids: Sequence[str]) -> list[Path]:
    """Return where exports go: one file for a table, one per session for the other formats.

    Parameters
    ----------
    to : Path
        A file with the ending of the format, or a folder: one that exists, or a name without an ending.
    form : Format
        What is to be written.
    session_ids : sequence of str
        The sessions; those of a folder are named by them.

    Raises
    ------
    InputError
        If the path does not fit.
    """
    endings = " or ".join(form.endings)
    if to.is_file() and not to.suffix:
        raise InputError(f"{to} is a file; give a folder with --to, or a name that ends with {endings}.")
    if to.is_dir() or not to.suffix:
        return [to / f"{name}{form.endings[0]}" for name in (session_ids if form.per_session else [form])]
    if to.suffix.lower() not in form.endings:
        raise InputError(f"{to} must end with {endings} for the format {form}, or be a folder; choose another name with --to.")
    if form.per_session and len(session_ids) != 1:
        raise InputError(f"{to} is one file, and these are {len(session_ids)} sessions; give a folder with --to.")
    return [to]
