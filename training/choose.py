"""Chooses a small set of crops from a large one, evenly over families, kinds, shoes and people; the same seed chooses the same.

python training/choose.py TEST.csv                           # writes the shipped sample and its checksums
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import crops
import numpy as np
from evaluate import SAMPLE

Row = dict[str, str]
WEIGHTS = {"readable": 6.0, "hidden": 1.5, "rear": 1.5, "no leg": 0.7, "undecided": 0.3}
"""How many crops of each kind are wanted against each other within a family."""


def kind(row: Row) -> str:
    """Return what a crop is labelled as in one word."""
    return {"1": "readable", "0": row["why"], "": "undecided"}[row["readable"]]


KEYS: tuple[Callable[[Row], str], ...] = (lambda r: r["family"], kind, lambda r: r["shoe"], lambda r: r["person"])


def deal(rows: list[Row], count: int, rng: np.random.Generator, keys: Sequence[Callable[[Row], str]] = KEYS) -> list[Row]:
    """Return `count` rows, shared out evenly by the first key, within each of its values by the next one, and so on."""
    if not keys:
        return [rows[k] for k in rng.permutation(len(rows))[:count]]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(keys[0](row), []).append(row)
    names = [sorted(groups)[k] for k in rng.permutation(len(groups))]
    given = dict.fromkeys(names, 0)
    for _ in range(min(count, len(rows))):
        left = [name for name in names if given[name] < len(groups[name])]
        given[min(left, key=lambda name: (given[name] + 1) / WEIGHTS.get(name, 1.0))] += 1
    return [row for name in names for row in deal(groups[name], given[name], rng, keys[1:])]


def main(arguments: Sequence[str] | None = None) -> None:
    """Choose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="table of the crops to choose from")
    parser.add_argument("--count", type=int, default=800, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=SAMPLE, help="table to write (default: the shipped sample)")
    asked = parser.parse_args(arguments)
    with asked.set.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = deal(rows, asked.count, np.random.default_rng(asked.seed))
    chosen.sort(key=lambda row: row["picture"])
    with zipfile.ZipFile(asked.set.with_suffix(".zip")) as pictures:
        crops.write(asked.out, [(dict(row), pictures.read(row["picture"])) for row in chosen])
    files = [asked.out, asked.out.with_suffix(".zip")]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    asked.out.with_name("SHA256SUMS").write_text("".join(sums), "utf-8")
    print(f"{len(chosen)} crops, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB: {asked.out}")


if __name__ == "__main__":
    main()
