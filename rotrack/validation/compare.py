"""Holds a measured session against what is true of it, leg by leg."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.model import NeutralTaken, Rep, Side
from rotrack.kinematics.correction import NORMAL_95
from rotrack.records.session import Session
from rotrack.system.imports import when_used
from rotrack.texts import words
from rotrack.validation.truth import LegTruth, TrueRep

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

NEAR_S = 0.5
"""How near the peak of a repetition must be to the true repetition."""
MOVES_FROM_DEG = 8.0
"""A leg whose true angle stays below this shows no slope."""
AT_REST_DEG = 3.0
"""Within this of its true zero a leg tells how far rotrack's zero is off."""
PEAK_HALF_S = 0.15
"""What is read at a peak is the median over so long before and after it."""
BETWEEN = " | "
"""Stands between the entries of a cell that holds several texts."""

COLUMNS = (
    "clip body drill posture side moves bias_deg mae_deg picture_mae_deg mediapipe_mae_deg legnet_mae_deg loa_low_deg "
    "loa_high_deg peak_mae_deg reps_true reps_found reps_invented reps_covered gain camera_pitch_deg camera_turn_deg misfit "
    "true_peaks_deg peaks_deg uncertainties_deg fit_errors_deg legnet_gain legnet_peaks_deg legnet_sds_deg session_value_deg "
    "true_value_deg measured_share faults camera_advice note slope mae_with_zero_deg reps_covered_with_zero neutrals_deg "
    "zero_deg zero_stated_deg reasons missed invented"
).split()
"""`picture_mae_deg` is the error of the plain angle in the picture, `mediapipe_mae_deg` and `legnet_mae_deg` are those of the two
readings by themselves, `reps_covered` counts the repetitions whose 95 % interval holds the true peak, `gain` is what the leg
model reads per true degree before the detector correction, `legnet_gain` what the leg network's reading does, `slope` what comes
out; lists hold one number per repetition found. All these take the true angle from rotrack's own zero: where the neutral pose
was taken, and by how much it was moved since. With
`_with_zero` it is taken from the leg's true zero instead, so that an error of the zero counts, too: `neutrals_deg` is how far
from there the leg was when each neutral pose was taken, `zero_deg` what is read while the leg is at its true zero,
`zero_stated_deg` the 95 % half width that is stated there. `reasons` tells in how many frames there was no angle and why, in the
codes of angles.csv, `missed` and `invented` tell of every such repetition."""

READINGS = {"picture": "raw_deg", "mediapipe": "mediapipe_deg", "legnet": "legnet_deg"}
"""Columns of the curve whose error is told beside that of the angle."""


def compare(session: Session | None, truth: LegTruth, side: Side, drill: str) -> dict[str, Any]:
    """Return the row of a leg, without what is known of its clip: those of `COLUMNS` that there are.

    Parameters
    ----------
    session : Session or None
        What was measured; None if nothing was.
    truth : LegTruth
        What is true of the leg.
    side, drill : Side, str
        Which leg, in which drill.
    """
    wanted = [rep for rep in truth.reps if rep.direction in load_table().drill(drill).directions]
    if session is None:
        unknown = BETWEEN.join(f"{_named(rep)}: nothing was measured" for rep in wanted)
        return {"moves": _yes(truth.reps), "reps_true": len(wanted), "reps_found": 0, "reps_invented": 0, "missed": unknown}
    if session.record.tier.is_counted:
        return _stretch(session, truth, side)
    reps = [rep for rep in session.rep_list if rep.side is side]
    matched = match(reps, wanted)
    curve = session.curve[session.curve.side == side]
    result = _seen(session, side, reps) | {
        "moves": _yes(truth.reps),
        "reps_true": len(wanted),
        "reps_found": len(matched),
        "reps_invented": len(reps) - len(matched),
        "reasons": _reasons(curve, truth),
        "missed": BETWEEN.join(
            f"{_named(rep)}: {_why_missed(rep, session, side, curve, reps)}" for k, rep in enumerate(wanted) if k not in matched
        ),
        "invented": BETWEEN.join(
            f"{rep.direction} {rep.peak_deg:.1f} deg at {rep.peak_s:.1f} s" for rep in reps if rep not in matched.values()
        ),
    }
    neutrals = [taken for taken in session.record.neutrals if taken.side is side]
    if not neutrals:
        return result | {"note": "not measured: " + (words(next(iter(session.record.reasons), "")) or "no neutral pose")}
    curve = curve.dropna(subset="angle_deg")
    curve = curve[truth.known(curve.time_s.to_numpy())]
    if curve.empty:
        return result | {"note": "no angle after the neutral pose"}
    zeros = _Zeros(neutrals, truth, curve)
    result |= _curve_errors(curve, truth, zeros) | _peak_errors(session, side, curve, truth, zeros, wanted, matched)
    return result | (_zero_errors(curve, truth, zeros) if truth.reps else {})


class _Zeros:
    """The true angles from which a session counts: those at its neutral poses, each from then on, and by how much they moved."""

    def __init__(self, neutrals: list[NeutralTaken], truth: LegTruth, curve: pd.DataFrame) -> None:
        self._from_s = [taken.to_s for taken in neutrals]
        self.true_deg = [truth.held(taken.from_s, taken.to_s) for taken in neutrals]
        middles = np.array([0.5 * (taken.from_s + taken.to_s) for taken in neutrals])
        self.off_deg = np.array(self.true_deg) - truth.rest_at(middles)

        self._times_s, self._moved_deg = curve.time_s.to_numpy(), curve.zero_deg.fillna(0.0).to_numpy()

    def at(self, time_s: float) -> float:
        """Return the zero in force at a time."""
        moved_deg = float(np.interp(time_s, self._times_s, self._moved_deg))
        return self.true_deg[max(0, bisect_right(self._from_s, time_s) - 1)] + moved_deg


def _yes(reps: Iterable[TrueRep]) -> str:
    return "yes" if any(True for _ in reps) else "no"


def _seen(session: Session, side: Side, reps: list[Rep]) -> dict[str, Any]:
    """Return what the session itself says of a leg."""
    record = session.record
    view = next((taken.view for taken in reversed(record.neutrals) if taken.side is side), {})
    return {
        "faults": " ".join(sorted({letter for rep in reps for letter in rep.faults})),
        "camera_advice": words(record.camera_advice.get(side, "")),
        "measured_share": record.measured_share.get(side, 0.0),
        "camera_pitch_deg": view.get("camera_pitch_deg", ""),
        "camera_turn_deg": view.get("turn_deg", ""),
        "misfit": view.get("misfit", ""),
    }


# ---------------------------------------------------------------------- the curve and its zero
def _curve_errors(curve: pd.DataFrame, truth: LegTruth, zeros: _Zeros) -> dict[str, Any]:
    times, angle = curve.time_s.to_numpy(), curve.angle_deg.to_numpy()
    absolute = truth.at(times)
    true = absolute - np.array([zeros.at(t) for t in times])
    error = angle - true
    moves = float(np.abs(true).max()) > MOVES_FROM_DEG
    spread = NORMAL_95 * float(np.std(error, ddof=1)) if len(error) > 1 else float("nan")
    network = curve.legnet_deg.notna().to_numpy()
    with_zero = _mae(pd.Series(angle - (absolute - truth.rest_at(times)))) if truth.reps else ""
    return {
        "bias_deg": float(np.mean(error)),
        "mae_deg": float(np.mean(np.abs(error))),
        "mae_with_zero_deg": with_zero,
        **{f"{name}_mae_deg": _mae(curve[column] - true) for name, column in READINGS.items()},
        "loa_low_deg": float(np.mean(error)) - spread,
        "loa_high_deg": float(np.mean(error)) + spread,
        "slope": float(np.polyfit(true, angle, 1)[0]) if moves and len(true) > 1 else "",
        "gain": _gain(curve.uncorrected_deg.fillna(0).to_numpy(), true) if moves else "",
        "legnet_gain": _gain(curve.legnet_deg.to_numpy(float)[network], true[network]) if moves and network.any() else "",
    }


def _gain(read: np.ndarray, true: np.ndarray) -> float:
    return float(read @ true / (true @ true))


def _zero_errors(curve: pd.DataFrame, truth: LegTruth, zeros: _Zeros) -> dict[str, Any]:
    """Return how far off the zero of a leg is that was asked to move; the others rest where they like."""
    off_deg = truth.at(curve.time_s.to_numpy()) - truth.rest_at(curve.time_s.to_numpy())
    told: dict[str, Any] = {"neutrals_deg": _list(zeros.off_deg)}
    resting = np.abs(off_deg) <= AT_REST_DEG
    if resting.any():
        told["zero_deg"] = float(np.median(curve.angle_deg.to_numpy()[resting] - off_deg[resting]))
        told["zero_stated_deg"] = float(curve.uncertainty_deg[resting].median())
    return told


# ---------------------------------------------------------------------- repetitions
def match(reps: list[Rep], wanted: list[TrueRep]) -> dict[int, Rep]:
    """Return for every true repetition that was found the logged one.

    A logged repetition is the true one if it goes the same way and its peak lies within it, or within half a second of it; each
    is used once. As many as possible are matched, and of the ways to do so the one in which the peaks lie nearest.
    """
    logged = sorted(reps, key=lambda rep: rep.peak_s)
    best: list[tuple[int, float, dict[int, Rep]]] = [(0, 0.0, {})] * (len(logged) + 1)  # for the true ones so far
    for k, true in enumerate(wanted):
        before, best = best, [best[0]]
        for i, rep in enumerate(logged):
            options = [before[i + 1], best[i]]
            fits = rep.direction is true.direction and true.start_s - NEAR_S <= rep.peak_s <= true.end_s + NEAR_S
            if fits:
                away_s = max(true.peak_from_s - rep.peak_s, rep.peak_s - true.peak_to_s, 0.0)
                count, nearness_s, pairs = before[i]
                options.append((count + 1, nearness_s - away_s, {**pairs, k: rep}))
            best.append(max(options, key=lambda option: option[:2]))
    return best[-1][2]


def _peak_errors(
    session: Session,
    side: Side,
    curve: pd.DataFrame,
    truth: LegTruth,
    zeros: _Zeros,
    wanted: list[TrueRep],
    matched: dict[int, Rep],
) -> dict[str, Any]:
    held = [truth.held(rep.peak_from_s, rep.peak_to_s) for rep in wanted]
    rests = truth.rest_at(np.array([0.5 * (rep.peak_from_s + rep.peak_to_s) for rep in wanted], float))
    peaks = {k: held[k] - zeros.at(rep.peak_s) for k, rep in matched.items()}
    misses = [abs(rep.peak_deg - peaks[k]) for k, rep in matched.items()]
    result: dict[str, Any] = {
        "reps_covered": sum(miss <= rep.uncertainty_deg for miss, rep in zip(misses, matched.values(), strict=True)),
        "reps_covered_with_zero": sum(
            abs(rep.peak_deg - (held[k] - rests[k])) <= rep.uncertainty_deg for k, rep in matched.items()
        ),
        "true_peaks_deg": _list(peaks.values()),
        "peaks_deg": _list(rep.peak_deg for rep in matched.values()),
        "uncertainties_deg": _list(rep.uncertainty_deg for rep in matched.values()),
        "fit_errors_deg": _list(rep.fit_sd_deg for rep in matched.values()),
        "legnet_peaks_deg": _list(_near(curve, rep.peak_s, "legnet_deg") for rep in matched.values()),
        "legnet_sds_deg": _list(_near(curve, rep.peak_s, "legnet_sd_deg") for rep in matched.values()),
        "peak_mae_deg": float(np.mean(misses)) if misses else "",
    }
    values = [v for v in session.values if v.side is side]
    if len(values) == 1 and wanted:
        value = values[0]
        own = [held[k] - zeros.at(rep.peak_from_s) for k, rep in enumerate(wanted)]
        best = sorted((abs(peak_deg) for peak_deg in own[:5]), reverse=True)[:3]
        result |= {"session_value_deg": value.value_deg, "true_value_deg": value.direction.sign * float(np.mean(best))}
    return result


def _stretch(session: Session, truth: LegTruth, side: Side) -> dict[str, Any]:
    """Return the row of a drill that is counted and timed: how many of the true cycles were counted."""
    reps = [rep for rep in session.rep_list if rep.side is side]
    near = [
        any(true.peak_from_s - 2 * NEAR_S <= rep.peak_s <= true.peak_to_s + 2 * NEAR_S for rep in reps) for true in truth.reps
    ]
    result = _seen(session, side, reps) | {
        "moves": _yes(truth.reps),
        "reps_true": len(near),
        "reps_found": sum(near),
        "reps_invented": max(len(reps) - sum(near), 0),
    }
    if not any(taken.side is side for taken in session.record.neutrals):
        result["note"] = "not measured: " + (words(next(iter(session.record.reasons), "")) or "no neutral pose")
    return result


# ---------------------------------------------------------------------- why not
def _reasons(curve: pd.DataFrame, truth: LegTruth) -> str:
    """Return why there is no angle while the person is there, most frequent first, each behind its number of frames."""
    there = curve[truth.known(curve.time_s.to_numpy())]
    counts = Counter(there.reason[there.angle_deg.isna()].fillna("").replace("", "no reason told"))
    return BETWEEN.join(f"{n} {reason}" for reason, n in counts.most_common())


def _named(rep: TrueRep) -> str:
    return f"{rep.direction} at {0.5 * (rep.peak_from_s + rep.peak_to_s):.1f} s"


def _why_missed(rep: TrueRep, session: Session, side: Side, curve: pd.DataFrame, reps: list[Rep]) -> str:
    """Return what stood in the way of a true repetition."""
    during = curve[(curve.time_s >= rep.start_s) & (curve.time_s <= rep.end_s)]
    unread = during.reason[during.angle_deg.isna()].fillna("")
    if len(unread) and len(unread) >= len(during) / 2:
        return str(unread.mode()[0]) or "no reason told"
    for apart in session.apart_list:
        if apart.side is side and apart.direction is rep.direction and apart.start_s < rep.end_s and apart.end_s > rep.start_s:
            return apart.reason
    if during.empty:
        return "no frame of it"
    if any(found.start_s < rep.end_s and found.end_s > rep.start_s for found in reps):
        return "merged with another one, or logged in the other direction"
    return "no message"


def _near(curve: pd.DataFrame, time_s: float, column: str) -> float:
    """Return the median of a column about a time; NaN if there is nothing."""
    return float(curve.loc[(curve.time_s - time_s).abs() <= PEAK_HALF_S, column].median())


def _mae(errors: pd.Series) -> float | str:
    """Return the mean absolute error of what there is; empty if there is nothing."""
    return float(errors.abs().mean()) if errors.notna().any() else ""


def _list(values: Iterable[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)
