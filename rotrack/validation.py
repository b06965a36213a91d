"""Measures clips whose true angles are known, and says how far off every one is.

A truth folder holds `manifest.csv` (clip, drill_ids, moving_side, ...), and per clip NAME.mp4, NAME.gt.csv (t and
`{side}_hip_internal_rotation` per frame, deg) and NAME.gt.json (side, and reps with start, end and phases in s and deg).
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack import api
from rotrack.batch import Job, OnFrames, Outcome, attempt, count_frames, run_jobs
from rotrack.drills import load_table
from rotrack.errors import RecordError, TruthError
from rotrack.files import write_for_person
from rotrack.imports import when_used
from rotrack.inputs import MOST_TABLE_BYTES, UnreadableError, read_bytes, read_json, read_table
from rotrack.kinematics.correction import NORMAL_95
from rotrack.model import Rep, Side
from rotrack.records.landmarks import LANDMARKS, LEGS_READ
from rotrack.records.record import read_record
from rotrack.records.session import Session
from rotrack.sensing.legnet import description

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

MATCH_WITHIN_S = 1.0
"""A repetition found is the true one if its peak lies this near to the true plateau."""
MOVES_FROM_DEG = 8.0
"""A leg whose true angle stays below this has no repetition."""

PEAK_HALF_S = 0.15
"""What is read at a peak is the median over so long before and after it."""

COLUMNS = (
    "clip body drill posture side moves bias_deg mae_deg picture_mae_deg mediapipe_mae_deg legnet_mae_deg loa_low_deg "
    "loa_high_deg peak_mae_deg reps_true reps_found reps_invented reps_covered gain camera_pitch_deg camera_turn_deg misfit "
    "true_peaks_deg peaks_deg uncertainties_deg fit_errors_deg legnet_gain legnet_peaks_deg legnet_sds_deg session_value_deg "
    "true_value_deg measured_share faults camera_advice note"
).split()
"""`picture_mae_deg` is the error of the plain angle in the picture, `mediapipe_mae_deg` and `legnet_mae_deg` are those of the two
readings by themselves, `reps_covered` counts the repetitions whose 95 % interval holds the true peak, `gain` is what the leg
model reads per true degree before the detector correction, `legnet_gain` what the leg network's reading does; lists hold one
number per repetition found."""

READINGS = {"picture": "raw_deg", "mediapipe": "mediapipe_deg", "legnet": "legnet_deg"}
"""Columns of the curve whose error is told beside that of the angle."""


@dataclass(frozen=True, slots=True)
class TruePeak:
    """A true excursion: its plateau in s and its peak in degrees after the neutral zero."""

    from_s: float
    to_s: float
    peak_deg: float


def validate_folder(
    truth: Path,
    model: str = "heavy",
    only: str = "",
    mirror: bool = False,
    correct: bool = True,
    keep: Path | None = None,
    legnet: bool = True,
    on_total: Callable[[int | None], None] = lambda _: None,
    on_frames: OnFrames = lambda _: None,
) -> pd.DataFrame:
    """Measure every clip of a truth folder and compare.

    Parameters
    ----------
    truth : Path
        The folder.
    model : str
        Pose model.
    only : str
        Only clips or drills whose name holds this.
    mirror : bool
        Whether to play the clips mirrored; the true sides are swapped then.
    correct : bool
        Whether to correct what is known of the pose model's errors.
    keep : Path, optional
        Folder for the sessions; a clip that has one there already is measured again from its landmarks, in a second.
    legnet : bool
        Whether the leg network reads the legs, too.
    on_total, on_frames : callable
        For a progress bar.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, one row per clip and side; angles in deg. The clip's first drill is measured.

    Raises
    ------
    TruthError
        If the folder holds no truth that can be used.
    """
    manifest = _read_manifest(truth, only)
    bodies = manifest["body"] if "body" in manifest else manifest["character"] if "character" in manifest else manifest["clip"]
    with tempfile.TemporaryDirectory() as scratch:
        jobs = []
        for clip, drill_ids in zip(manifest["clip"], manifest["drill_ids"], strict=True):
            data = keep / f"{clip}{'_mirrored' if mirror else ''}" if keep else Path(scratch)
            video, drill = truth / f"{clip}.mp4", drill_ids.split(";")[0]
            jobs.append(Job(video, drill, "both", data, model=model, correct=correct, legnet=legnet, mirror=mirror))
        fresh = [job for job in jobs if not _kept(job)]
        on_total(count_frames(fresh))
        outcomes = dict(zip((job.video for job in fresh), run_jobs(fresh, on_frames), strict=True)) if fresh else {}
        rows = []
        for name, body, job in zip(manifest["clip"], bodies, jobs, strict=True):
            again = partial(_again, job, Path(scratch))
            outcome = outcomes.get(job.video) or attempt(job.video, again)
            rows += [{**row, "body": body} for row in _compare(truth, name, job, outcome, mirror)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _kept(job: Job) -> Path | None:
    """Return the session that an earlier run kept for this job, if there is one."""
    kept = (path.parent for path in sorted(job.data.glob(f"sessions/*/{LANDMARKS}")))
    return next((folder for folder in kept if not job.legnet or _same_network(folder)), None)


def _same_network(folder: Path) -> bool:
    """Return whether a session has what the present leg network says."""
    try:
        network = read_record(folder).legnet
    except RecordError:
        return False
    return (folder / LEGS_READ).exists() and network is not None and network.sha256 == description()["sha256"]


def _again(job: Job, scratch: Path) -> Session:
    kept = _kept(job)
    assert kept is not None
    return api.remeasure(kept, scratch, correct=job.correct, legnet=job.legnet)


def _read_manifest(truth: Path, only: str) -> pd.DataFrame:
    try:
        table = read_table(truth / "manifest.csv")
        lacking = [column for column in ("clip", "drill_ids") if column not in table.columns]
        if lacking or table.damaged:
            raise UnreadableError(f"it has no column {lacking[0]}" if lacking else f"line {table.damaged[0]} is damaged")
    except UnreadableError as error:
        raise TruthError(
            f"{truth} holds no usable manifest.csv ({error}); it needs the columns clip, drill_ids and moving_side."
        ) from error
    manifest = pd.DataFrame([row for _, row in table.rows], columns=list(table.columns), dtype=str)
    wanted = manifest["clip"].str.contains(only, regex=False) | manifest.drill_ids.str.contains(only, regex=False)
    if not wanted.any():
        raise TruthError(f"No clip or drill in {truth / 'manifest.csv'} is called like '{only}'.")
    return manifest[wanted]


def _compare(truth: Path, name: str, job: Job, outcome: Outcome, mirror: bool) -> list[dict[str, Any]]:
    try:
        curves = pd.read_csv(io.BytesIO(read_bytes(truth / f"{name}.gt.csv", MOST_TABLE_BYTES)))
        reps = read_json(truth / f"{name}.gt.json")
        true = {side: curves[f"{side}_hip_internal_rotation"].to_numpy(float) for side in Side}
        times = curves["t"].to_numpy(float)
        plateaus = {side: _plateaus(reps, side) for side in Side}
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise TruthError(
            f"The truth of {name} is missing or damaged ({error}); make it again or take the clip out of manifest.csv."
        ) from error
    rows = []
    for side in Side:
        true_side = side.other if mirror else side
        row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {"clip": name, "drill": job.drill, "side": side}
        row["posture"] = str(load_table().drill(job.drill).posture)
        if outcome.session is None:
            row |= {"note": str(outcome.error)}
        else:
            row |= _errors(outcome.session, side, times, true[true_side], plateaus[true_side])
        rows.append(row)
    return rows


def _plateaus(truth: dict[str, Any], side: Side) -> list[tuple[float, float]]:
    if truth["side"] not in (side, "both"):
        return []
    mine = [rep for rep in truth["reps"] if rep.get("side", side) == side]
    phases = [phase for rep in mine for phase in rep.get("phases", [rep])]
    return [(float(phase["peak_from"]), float(phase["peak_to"])) for phase in phases]


def _peak(times: np.ndarray, truth: np.ndarray, start_s: float, end_s: float) -> float:
    """Return the true angle of a plateau, also of one in which the camera paused."""
    held = (times >= start_s) & (times <= end_s)
    return float(np.median(truth[held])) if held.any() else float(np.interp(0.5 * (start_s + end_s), times, truth))


def _near_any(moments_s: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return which moments have a true angle within half a second."""
    at = np.searchsorted(times, moments_s).clip(1, max(1, len(times) - 1))
    if len(times) < 2:
        return np.zeros(len(moments_s), bool)
    return np.minimum(np.abs(moments_s - times[at - 1]), np.abs(moments_s - times[at])) <= 0.5


def _errors(
    session: Session, side: Side, times: np.ndarray, truth: np.ndarray, plateaus: list[tuple[float, float]]
) -> dict[str, Any]:
    record = session.record
    neutrals = [taken for taken in record.neutrals if taken.side is side]
    reps = [rep for rep in session.rep_list if rep.side is side]
    result: dict[str, Any] = {
        "faults": " ".join(sorted({letter for rep in reps for letter in rep.faults})),
        "camera_advice": record.camera_advice.get(side, ""),
        "measured_share": record.measured_share.get(side, 0.0),
        "reps_invented": len(reps),
        "reps_true": len(plateaus),
        "reps_found": 0,
        "moves": "yes" if plateaus else "no",
    }
    if not neutrals:
        return result | {"note": "not measured: " + next(iter(record.reasons), "no neutral pose")}
    there = np.isfinite(truth)  # a person who walked off has no angle
    times, truth = times[there], truth[there]
    still = (times >= neutrals[0].from_s) & (times <= neutrals[0].to_s)
    truth = truth - np.median(truth[still])
    view = neutrals[-1].view
    result |= {"camera_pitch_deg": view.get("camera_pitch_deg", ""), "camera_turn_deg": view.get("turn_deg", "")}
    result |= {"misfit": view.get("misfit", "")}
    if record.tier == "D":
        return result | _counted(reps, plateaus)
    curve = session.curve[session.curve.side == side].dropna(subset="angle_deg")
    curve = curve[_near_any(curve.time_s.to_numpy(), times)]
    if curve.empty:
        return result | {"note": "no angle after the neutral pose"}
    true = np.interp(curve.time_s, times, truth)
    error = curve.angle_deg.to_numpy() - true
    uncorrected = curve.uncorrected_deg.fillna(0).to_numpy()
    spread = NORMAL_95 * float(np.std(error, ddof=1))
    moves = np.abs(true).max() > MOVES_FROM_DEG
    by_network, network = curve.legnet_deg.to_numpy(float), curve.legnet_deg.notna().to_numpy()
    result |= {
        "bias_deg": float(np.mean(error)),
        "mae_deg": float(np.mean(np.abs(error))),
        **{f"{name}_mae_deg": _mae(curve[column] - true) for name, column in READINGS.items()},
        "loa_low_deg": float(np.mean(error)) - spread,
        "loa_high_deg": float(np.mean(error)) + spread,
        "gain": float(uncorrected @ true / (true @ true)) if moves else "",
        "legnet_gain": float(by_network[network] @ true[network] / (true[network] @ true[network]))
        if moves and network.any()
        else "",
    }
    peaks = [TruePeak(a, b, _peak(times, truth, a, b)) for a, b in plateaus]
    wanted = [p for p in peaks if _in_drill(p, session)]
    matched = _match(reps, wanted)
    misses = [abs(rep.peak_deg - wanted[k].peak_deg) for k, rep in matched.items()]
    result |= {
        "reps_covered": sum(miss <= rep.uncertainty_deg for miss, rep in zip(misses, matched.values(), strict=True)),
        "true_peaks_deg": _list(wanted[k].peak_deg for k in matched),
        "peaks_deg": _list(rep.peak_deg for rep in matched.values()),
        "uncertainties_deg": _list(rep.uncertainty_deg for rep in matched.values()),
        "fit_errors_deg": _list(rep.fit_sd_deg for rep in matched.values()),
        "legnet_peaks_deg": _list(_near(curve, rep.peak_s, "legnet_deg") for rep in matched.values()),
        "legnet_sds_deg": _list(_near(curve, rep.peak_s, "legnet_sd_deg") for rep in matched.values()),
        "reps_true": len(wanted),
        "reps_found": len(matched),
        "reps_invented": len(reps) - len(matched),
        "peak_mae_deg": float(np.mean(misses)) if misses else "",
    }
    values = [v for v in session.values if v.side is side]
    if len(values) == 1:
        value = values[0]
        best = sorted((abs(p.peak_deg) for p in wanted[:5]), reverse=True)[:3]
        result |= {"session_value_deg": value.value_deg, "true_value_deg": value.direction.sign * float(np.mean(best))}
    return result


def _near(curve: pd.DataFrame, time_s: float, column: str) -> float:
    """Return the median of a column about a time; NaN if there is nothing."""
    return float(curve.loc[(curve.time_s - time_s).abs() <= PEAK_HALF_S, column].median())


def _mae(errors: pd.Series) -> float | str:
    """Return the mean absolute error of what there is; empty if there is nothing."""
    return float(errors.abs().mean()) if errors.notna().any() else ""


def _list(values: Iterable[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)


def _counted(reps: list[Rep], plateaus: list[tuple[float, float]]) -> dict[str, Any]:
    """Return how many of the true cycles of a stretch were counted."""
    near = [any(a - MATCH_WITHIN_S <= rep.peak_s <= b + MATCH_WITHIN_S for rep in reps) for a, b in plateaus]
    return {"reps_true": len(plateaus), "reps_found": sum(near), "reps_invented": max(len(reps) - sum(near), 0)}


def _in_drill(peak: TruePeak, session: Session) -> bool:
    """Return whether a true excursion is one that the drill asks for: large enough and in its direction."""
    directions = load_table().drill(session.record.drill).directions
    return abs(peak.peak_deg) >= MOVES_FROM_DEG and any(d.sign * peak.peak_deg > 0 for d in directions)


def _match(reps: list[Rep], peaks: list[TruePeak]) -> dict[int, Rep]:
    """Return for every true peak that was found its repetition: nearest in time, same direction, each once."""
    found: dict[int, Rep] = {}
    for k, peak in enumerate(peaks):
        near = [
            (away_s, rep.start_s, rep)
            for rep in reps
            if rep not in found.values()
            and rep.peak_deg * peak.peak_deg > 0
            and (away_s := max(peak.from_s - rep.peak_s, rep.peak_s - peak.to_s, 0.0)) <= MATCH_WITHIN_S
        ]
        if near:
            found[k] = min(near)[2]
    return found


def describe(table: pd.DataFrame) -> str:
    """Return the table as text, one line per clip and moving leg, and a summary; the CSV file holds everything."""
    lines = [
        f"{'clip':32} {'drill':27} {'side':5} {'bias':>6} {'MAE':>6} {'limits of agreement':>19} {'peak MAE':>8} {'reps':>6} "
        f"{'invented':>8}  remarks"
    ]
    for row in table.itertuples():
        if row.moves == "no" and not row.reps_invented and not row.note:
            continue
        remarks = [f"faults {row.faults}"] if row.faults else []
        remarks += ["camera place"] if row.camera_advice else []
        remarks += [row.note[:60]] if row.note else []
        agreement = f"{_show(row.loa_low_deg, '+')} to {_show(row.loa_high_deg, '+')}" if row.mae_deg != "" else ""
        found = f"{row.reps_found} of {row.reps_true}" if row.reps_true != "" else ""
        lines.append(
            f"{row.clip:32} {row.drill:27} {row.side:5} {_show(row.bias_deg, '+'):>6} {_show(row.mae_deg):>6} "
            f"{agreement:>19} {_show(row.peak_mae_deg):>8} {found:>6} {row.reps_invented:>8}  {'; '.join(remarks)}".rstrip()
        )
    known = table[(table.mae_deg != "") & (table.moves == "yes")]
    still = table[(table.mae_deg != "") & (table.moves == "no")]
    if len(known):
        mae = known.mae_deg.astype(float)
        found, true = known.reps_found.astype(int).sum(), known.reps_true.astype(int).sum()
        invented = table.reps_invented.replace("", 0).astype(int).sum()
        lines.append(
            f"\n{len(known)} moving legs: mean MAE {mae.mean():.2f} deg, worst {mae.max():.2f}; {found} of {true} repetitions "
            f"found, {invented} invented."
        )
    if len(known):
        lines += _groups(table, "posture") + (_groups(table, "body") if table.body.nunique() > 1 else [])
    if len(still):
        lines.append(f"{len(still)} legs at rest: mean MAE {still.mae_deg.astype(float).mean():.2f} deg.")
    return "\n".join(lines)


def _groups(table: pd.DataFrame, by: str) -> list[str]:
    """Return one line per posture or body: errors of curve and peaks, repetitions, how often the 95 % interval holds."""
    lines = [
        f"\n{by:24} {'legs':>9} {'mean MAE':>8} {'worst':>6} {'picture':>7} {'peak MAE':>8} {'reps':>10} {'invented':>8} "
        f"{'95 % holds':>10}"
    ]
    for name, group in table.groupby(by, sort=False):
        moving = group[group.moves == "yes"]
        read = moving[moving.mae_deg != ""]
        true, found, invented, covered = (
            group[c].replace("", 0).astype(int).sum() for c in ("reps_true", "reps_found", "reps_invented", "reps_covered")
        )
        if not true:
            continue
        mae, picture, peak = (pd.to_numeric(read[c]) for c in ("mae_deg", "picture_mae_deg", "peak_mae_deg"))
        errors = [mae.mean(), mae.max(), picture.mean(), peak.mean()]
        shown = " ".join(f"{'-' if np.isnan(e) else f'{e:.2f}':>{w}}" for e, w in zip(errors, (8, 6, 7, 8), strict=True))
        legs, reps = f"{len(read)} of {len(moving)}", f"{found} of {true}"
        held = f"{covered / found:.0%}" if found and len(read) else "-"
        lines.append(f"{name:24} {legs:>9} {shown} {reps:>10} {invented:8} {held:>10}")
    return lines


def _show(value: Any, sign: str = "") -> str:
    return f"{value:{sign}.2f}" if value != "" else ""


def write_table(table: pd.DataFrame, path: Path, overwrite: bool = False) -> None:
    """Write the table as CSV.

    Raises
    ------
    InputError
        If there is such a file and it may not be replaced.
    RecordError
        If it cannot be written.
    """
    text = table.to_csv(index=False, float_format="%.3f", lineterminator=os.linesep)
    write_for_person(path, text.encode("utf-8", "replace"), overwrite)
