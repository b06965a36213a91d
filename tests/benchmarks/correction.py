"""Learns rotrack/kinematics/correction.toml from validation tables, and shows whether it helps on bodies it has not seen.

    rotrack validate TRUTH --no-correct --no-legnet --out a.csv   # once per folder of clips, also with --mirror
    python tests/benchmarks/correction.py a.csv b.csv ...   # prints the table, then the file

Per posture the gain is what the leg model reads per true degree, fitted over legs; where it depends on the tilt of the camera,
linearly. Every figure is taken with the body (column `body`) left out, and again with every camera tilt left out; a gain that
does not make the peaks of unseen bodies better is not used. `gain_sd` is the spread of the gain between unseen bodies,
`fit_share` and `setup_sd_deg` are what is needed for the 95 % interval to hold 95 % of their peaks; then `gain_sd` is widened
for the small number of bodies.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from rotrack.kinematics.correction import Correction

FEWEST_BODIES, FEWEST_LEGS = 3, 6
GAIN_FROM_DEG = 12.0
"""Legs that turn less than this say little about a gain."""
TILT_GROUP_DEG = 5.0
WORTH = 0.97
"""A correction must bring the peak error of unseen bodies below this share of the error without it."""
HOLDS = 0.95
LEAST_SD_DEG = 0.5


@dataclass(frozen=True)
class Legs:
    """The moving legs of one posture: per leg its gain, camera tilt, group; per peak truth, reading, fit error and leg."""

    gain: np.ndarray
    pitch: np.ndarray
    body: np.ndarray
    size: np.ndarray
    leg: np.ndarray
    true: np.ndarray
    read: np.ndarray
    fit_sd: np.ndarray


def legs_of(table: pd.DataFrame) -> Legs:
    """Return the legs of a posture that have a gain."""
    rows = table[(table.moves == "yes") & table.gain.notna()]
    numbers = [[np.array(str(cell).split(), float) for cell in rows[c].fillna("")] for c in PEAKS]
    leg = np.concatenate([np.full(len(peaks), k) for k, peaks in enumerate(numbers[0])]) if len(rows) else np.zeros(0)
    size = np.array([np.abs(peaks).max(initial=0) for peaks in numbers[0]])
    flat = [np.concatenate(column) if column else np.zeros(0) for column in numbers]
    return Legs(
        rows.gain.to_numpy(float), rows.camera_pitch_deg.to_numpy(float), rows.body.to_numpy(), size, leg.astype(int), *flat
    )


PEAKS = ("true_peaks_deg", "peaks_deg", "fit_errors_deg")


def fit(legs: Legs, used: np.ndarray, tilted: bool) -> Correction:
    """Return the gain of some legs, with or without a dependence on the camera's tilt."""
    used = used & (legs.size >= GAIN_FROM_DEG)
    middle = float(np.median(legs.pitch[used]))
    columns = [np.ones(used.sum())] + ([legs.pitch[used] - middle] if tilted else [])
    weights = np.ones(used.sum())
    for _ in range(5):  # outliers lose weight
        solution = np.linalg.lstsq(np.column_stack(columns) * weights[:, None], legs.gain[used] * weights, rcond=None)[0]
        off = np.abs(legs.gain[used] - np.column_stack(columns) @ solution)
        weights = 1 / np.sqrt(np.maximum(off / max(1.5 * float(np.median(off)), 1e-6), 1))
    return Correction(round(float(solution[0]), 3), round(float(solution[1]), 4) if tilted else 0.0, round(middle, 1))


def left_out(legs: Legs, groups: np.ndarray, tilted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return peaks corrected by what the other groups say, and the legs' gains relative to it."""
    peaks, ratio = np.full(len(legs.read), np.nan), np.full(len(legs.gain), np.nan)
    for group in np.unique(groups):
        out = groups == group
        if (~out & (legs.size >= GAIN_FROM_DEG)).sum() < 3:
            continue
        learned = fit(legs, ~out, tilted)
        for k in np.flatnonzero(out):
            mine = legs.leg == k
            peaks[mine] = [learned.apply(value, legs.pitch[k]) for value in legs.read[mine]]
            ratio[k] = learned.apply(legs.gain[k], legs.pitch[k])
    return peaks, ratio


def spread(ratio: np.ndarray, legs: Legs) -> float:
    """Return the relative spread of gains around 1."""
    known = np.isfinite(ratio) & (legs.size >= GAIN_FROM_DEG)
    return float(np.sqrt(np.mean((ratio[known] - 1) ** 2)))


def with_errors(base: Correction, legs: Legs, peaks: np.ndarray, ratio: np.ndarray) -> Correction:
    """Return a correction with the smallest errors whose interval holds: first the fit's own share, then the rest."""
    miss, gain_sd = np.abs(peaks - legs.true), round(spread(ratio, legs), 3)
    known = np.isfinite(miss)
    tries = [(LEAST_SD_DEG, share) for share in np.arange(0, 1.01, 0.1)] + [(sd, 1.0) for sd in np.arange(LEAST_SD_DEG, 15, 0.1)]
    for setup_sd, share in tries:
        learned = replace(base, gain_sd=gain_sd, setup_sd_deg=round(setup_sd, 1), fit_share=round(share, 1))
        half = [learned.error_deg(p, s) for p, s in zip(peaks[known], legs.fit_sd[known], strict=True)]
        if np.mean(miss[known] <= half) >= HOLDS:
            break
    return replace(learned, gain_sd=round(gain_sd * few_bodies(len(np.unique(legs.body))), 3))


def few_bodies(bodies: int) -> float:
    """Return how much wider a 95 % interval for a new body is than 1.96 standard deviations of so few (Student's t)."""
    return float(stats.t.ppf(0.975, bodies - 1) / 1.96 * np.sqrt(1 + 1 / bodies))


def learn(posture: str, table: pd.DataFrame) -> tuple[Correction, Correction] | None:
    """Return the correction of a posture and the errors without it, and print how it does on what it has not seen."""
    legs = legs_of(table)
    bodies = len(np.unique(legs.body))
    if len(legs.gain) < FEWEST_LEGS or bodies < FEWEST_BODIES or not len(legs.read):
        print(f"{posture:16} {len(legs.gain)} legs of {bodies} bodies: too few to learn from", file=sys.stderr)
        return None
    camera = np.round(legs.pitch / TILT_GROUP_DEG)
    plain = float(np.mean(np.abs(legs.read - legs.true)))
    results = {}
    for tilted in (False, True):
        by_body, ratio = left_out(legs, legs.body, tilted)
        by_camera, _ = left_out(legs, camera, tilted)
        errors = [float(np.nanmean(np.abs(p - legs.true))) for p in (by_body, by_camera)]
        results[tilted] = (errors, by_body, ratio)
        print(
            f"{posture:16} {len(legs.gain):3} legs {bodies} bodies {len(legs.read):3} peaks: error {plain:5.2f}, "
            f"{'with tilt' if tilted else 'one gain '} unseen bodies {errors[0]:5.2f}, unseen cameras {errors[1]:5.2f}",
            file=sys.stderr,
        )
    tilted = max(results[True][0]) < WORTH * max(results[False][0])
    errors, peaks, ratio = results[tilted]
    everything = np.ones(len(legs.gain), bool)
    uncorrected = with_errors(Correction(), legs, legs.read, legs.gain)
    if max(errors) >= WORTH * plain:
        return uncorrected, uncorrected
    return with_errors(fit(legs, everything, tilted), legs, peaks, ratio), uncorrected


def main() -> None:
    """Read the tables, print the comparison to standard error and the file to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--version", default="1")
    arguments = parser.parse_args()
    table = pd.concat([pd.read_csv(path) for path in arguments.tables])
    found = {p: learned for p, group in table.groupby("posture", sort=True) if (learned := learn(str(p), group))}
    print(
        "# Made by tests/benchmarks/correction.py on rendered people (legnet: by legnet_errors.py); what the keys mean is said "
        "in correction.py."
    )
    print(f'version = "{arguments.version}"')
    now = tomllib.loads(resources.files("rotrack").joinpath("kinematics/correction.toml").read_text("utf-8"))
    kept = [(kind, *block) for kind in ("personal", "legnet") for block in now.get(kind, {}).items()]
    for kind, posture, values in kept:  # learned by benchmarks/calibration.py and benchmarks/legnet_errors.py
        print(f"\n[{kind}.{posture}]")
        print("\n".join(f"{key} = {value}" for key, value in values.items()))
    for kind, index in (("corrected", 0), ("plain", 1)):
        for posture, learned in found.items():
            values = learned[index]
            print(f"\n[{kind}.{posture}]")
            keys = ("gain", "gain_per_deg", "pitch_deg", "gain_sd", "setup_sd_deg", "fit_share")
            print("\n".join(f"{key} = {getattr(values, key)}" for key in keys))


if __name__ == "__main__":
    main()
