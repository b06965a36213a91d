"""How much the peaks of one person scatter between cameras, against the error that is stated with them; for docs/progress.md.

    rotrack validate FOLDER --out table.csv
    python tests/benchmarks/spread.py table.csv [TABLE...]

Of each leg the mean error of its peaks is taken, and per posture the standard deviation of these within a body.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd


def numbers(text: object) -> np.ndarray:
    """Return the numbers of a cell; NaN where one is missing."""
    return pd.to_numeric(pd.Series(str(text).split()), errors="coerce").to_numpy()


def main(paths: list[str]) -> None:
    """Print the table."""
    rows = []
    for row in pd.concat([pd.read_csv(path) for path in paths]).itertuples():
        true, found, stated = numbers(row.true_peaks_deg), numbers(row.peaks_deg), numbers(row.uncertainties_deg)
        if row.moves == "yes" and len(true) == len(found) and np.isfinite(found).any():
            error = float(np.nanmean(np.abs(found) - np.abs(true)))
            rows.append({"posture": row.posture, "body": row.body, "error": error, "stated": float(np.nanmean(stated)) / 1.96})
    print("| posture | legs | bodies | SD within a body | stated / 1.96 | ratio |\n|---|---|---|---|---|---|")
    for posture, group in pd.DataFrame(rows).groupby("posture"):
        within = group.error - group.groupby("body").error.transform("mean")
        df = len(group) - group.body.nunique()
        if df < 3:
            continue
        sd, stated = float(np.sqrt((within**2).sum() / df)), float(np.sqrt((group.stated**2).mean()))
        name = str(posture).replace("_", " ")
        print(f"| {name} | {len(group)} | {group.body.nunique()} | {sd:.2f} | {stated:.2f} | {sd / stated:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
