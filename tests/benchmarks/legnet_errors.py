"""Learns what the leg network's reading errs by beyond what the network says of itself: `legnet` in kinematics/correction.toml.

    rotrack validate TRUTH --keep SESSIONS                                # once per folder of clips
    python tests/benchmarks/legnet_errors.py TRUTH SESSIONS [TRUTH SESSIONS ...]

Every clip is measured again from what was kept, without the present table; mirrored clips would tell nothing new, since the
network sees left legs mirrored. Per posture a gain is used if it makes the peaks better of bodies that it was not learned from,
and of cameras; else it is 1. `gain_sd` is how much the gain differs between bodies, `fit_share` and `setup_sd_deg` are what is
needed for 95 % of the peaks to lie inside; then `gain_sd` is widened for the small number of bodies. Where there are too few
bodies, the largest errors of the others hold. Prints what it finds and the table; with --write it goes into the file. None of
the bodies may be one that the network has learned from.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from correction import FEWEST_BODIES, TILT_GROUP_DEG, WORTH, Legs, fit, left_out, legs_of, spread, with_errors

from rotrack.kinematics import rotation
from rotrack.kinematics.correction import Correction, load_corrections
from rotrack.validation import validate_folder

FILE = Path(rotation.__file__).with_name("correction.toml")
KEYS = ("gain", "gain_sd", "setup_sd_deg", "fit_share")


def validated(folders: list[Path]) -> pd.DataFrame:
    """Return the table of the network's reading over pairs of truth and kept sessions."""
    bare = replace(load_corrections(), legnet={})
    rotation.load_corrections = lambda: bare  # type: ignore[attr-defined]
    tables = [validate_folder(truth, keep=kept) for truth, kept in zip(folders[::2], folders[1::2], strict=True)]
    table = pd.concat(tables).drop(columns=["gain", "peaks_deg", "fit_errors_deg"])
    names = {"legnet_gain": "gain", "legnet_peaks_deg": "peaks_deg", "legnet_sds_deg": "fit_errors_deg"}
    table = table.rename(columns=names)
    return table[table.gain.map(lambda gain: gain != "")]


def known(legs: Legs) -> Legs:
    """Return the legs with only those peaks at which the network read them."""
    read = np.isfinite(legs.read)
    return replace(legs, leg=legs.leg[read], true=legs.true[read], read=legs.read[read], fit_sd=legs.fit_sd[read])


def learned(posture: str, table: pd.DataFrame) -> Correction | None:
    """Return the errors in a posture, printed besides; None if there are too few bodies."""
    legs = known(legs_of(table.assign(gain=table.gain.astype(float))))
    bodies = len(np.unique(legs.body))
    said = f"{posture:16} {len(legs.gain):3} legs {bodies} bodies {len(legs.read):3} peaks"
    if not len(legs.read) or bodies < FEWEST_BODIES:
        print(f"# {said}: too few to learn from")
        return None
    found = with_errors(Correction(), legs, legs.read, legs.gain)
    (by_body, ratio), (by_camera, _) = (
        left_out(legs, groups, False) for groups in (legs.body, np.round(legs.pitch / TILT_GROUP_DEG))
    )
    errors = [float(np.nanmean(np.abs(peaks - legs.true))) for peaks in (legs.read, by_body, by_camera)]
    if max(errors[1:]) < WORTH * errors[0]:
        found = with_errors(fit(legs, np.ones(len(legs.gain), bool), False), legs, by_body, ratio)
    per_body = " ".join(f"{body} {np.median(legs.gain[legs.body == body]):.2f}" for body in np.unique(legs.body))
    gain = f"gain {np.median(legs.gain):.2f} +- {spread(legs.gain, legs):.2f}"
    unseen = f"with a gain {errors[1]:.2f} unseen bodies, {errors[2]:.2f} unseen cameras"
    print(f"# {said}: error {errors[0]:.2f}, {unseen}; {gain}: {per_body}")
    return found


def main() -> None:
    """Measure again, learn, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="TRUTH SESSIONS")
    parser.add_argument("--write", action="store_true", help="write the table into correction.toml")
    arguments = parser.parse_args()
    table = validated(arguments.folders)
    found = {p: errors for p, group in table.groupby("posture", sort=True) if (errors := learned(str(p), group))}
    widest = {key: max(getattr(errors, key) for errors in found.values()) for key in KEYS} | {"gain": 1.0}
    blocks = [(p, {key: getattr(errors, key) for key in KEYS}) for p, errors in found.items()]
    blocks += [(p, widest) for p in sorted(set(table.posture) - set(found)) if p]
    text = "".join(f"\n[legnet.{p}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()) for p, values in blocks)
    print(text)
    if arguments.write:
        kept = re.sub(r"\n\[legnet\.\w+\]\n(?:\w+ = .*\n)*", "", FILE.read_text("utf-8"))
        FILE.write_text(kept + text, "utf-8")


if __name__ == "__main__":
    main()
