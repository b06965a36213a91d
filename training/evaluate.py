"""Says how well a leg network reads labelled crops that it did not learn from, through OpenCV, without torch.

python training/evaluate.py                                  # the shipped network on the shipped sample
python training/evaluate.py TEST.csv --csv errors.csv        # on another set, as a table for spreadsheets as well
python training/evaluate.py TEST.csv --compare OTHER.onnx    # how far two networks differ, such as two seeds
python training/evaluate.py --write-docs                     # puts the tables into the documents

Errors are those of all readable crops, whether the network accepts them or not; a row of its own has the accepted ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crops
import cv2
import numpy as np
from augment import cut

from rotrack.kinematics.correction import NORMAL_95

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "rotrack" / "sensing" / "models" / "legnet.onnx"
SAMPLE = ROOT / "training" / "crops" / "sample.csv"
DOCUMENTS = (ROOT / "docs" / "legnet.md", WEIGHTS.with_name("LEGNET.md"))
ACCEPTED_FROM = 0.5
"""A crop that is less likely readable than this is rejected; one that is more likely the other leg is told to be that."""
REJECTED_READABLE = 0.015
"""Share of the readable crops of the check set that is rejected after export, besides those that look like the other leg."""
BAR = NORMAL_95
"""Half width of a 95 % bar in standard errors."""
SD_OF = np.repeat(np.arange(6), (2, 1, 2, 1, 6, 2))
"""Which stated error belongs to each of the 14 components: foot x y z, shank x y z, heel, toe, ankle and knee u v."""
GROUPED_BY = ("family", "shoe", "body")
REJECTABLE = ("hidden", "rear", "no leg")


@dataclass(frozen=True)
class Truth:
    """What the network gets to see of a set, and what it should say; row k of every array belongs to crop k.

    Parameters
    ----------
    pictures : numpy.ndarray, shape (n, 96, 96, 3), uint8
        The crops, left legs mirrored.
    components : numpy.ndarray, shape (n, 14)
        Foot and shank in the ray frame; heel, toe, ankle, knee in crop widths from the middle.
    foot : numpy.ndarray, shape (n,)
        Length of the foot in crop widths.
    """

    pictures: np.ndarray
    components: np.ndarray
    foot: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What a network says of some crops.

    Parameters
    ----------
    components : numpy.ndarray, shape (n, 14)
        As in `Truth`; directions have length one.
    sd : numpy.ndarray, shape (n, 6)
        Stated standard errors, see `SD_OF`.
    chance : numpy.ndarray, shape (n, 3)
        How likely the crop is readable, shows the other leg, is unreadable.
    """

    components: np.ndarray
    sd: np.ndarray
    chance: np.ndarray

    @property
    def rejected(self) -> np.ndarray:
        """Which crops the network does not want to read, shape (n,)."""
        return self.chance[:, 0] < ACCEPTED_FROM


class Network:
    """An exported network with its error scale, from NAME.onnx and NAME.json beside it."""

    def __init__(self, path: Path) -> None:
        for file in (path, path.with_suffix(".json")):
            if not file.is_file():
                raise SystemExit(f"{file} is missing; training/export.py writes both files of a network.")
        self.card: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
        self._net = cv2.dnn.readNetFromONNX(str(path))
        self._error_scale = np.array(self.card["error_scale"], float)

    def read(self, pictures: np.ndarray) -> Reading:
        """Return what the network says of crops, shape (n, 96, 96, 3), RGB."""
        return decode(outputs(self._net, pictures), self._error_scale)


def outputs(net: cv2.dnn.Net, pictures: np.ndarray) -> np.ndarray:
    """Return the bare outputs of a network, shape (n, 24)."""
    said = []
    for start in range(0, len(pictures), 64):
        net.setInput(cv2.dnn.blobFromImages(list(pictures[start : start + 64]), 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        said.append(net.forward().copy())
    return np.concatenate(said).astype(float)


def decode(said: np.ndarray, error_scale: np.ndarray) -> Reading:
    """Return the reading that bare outputs, shape (n, 24), stand for."""
    directions = said[:, :6].reshape(-1, 2, 3)
    directions = directions / np.linalg.norm(directions, axis=2, keepdims=True)
    score = np.exp(said[:, 21:24] - said[:, 21:24].max(axis=1, keepdims=True))
    return Reading(
        np.hstack([directions.reshape(-1, 6), said[:, 6:14]]),
        np.exp(np.clip(said[:, 15:21], -6, 1)) * error_scale,
        score / score.sum(axis=1, keepdims=True),
    )


def truth(set_: crops.Crops) -> Truth:
    """Return what the network should say of a set; each crop is cut as its label says, nothing is spoilt."""
    pictures, components, foot = [], [], []
    for k in range(len(set_)):
        picture, target = cut(set_.picture(k), set_.directions[k], set_.points[k], set_.focal[k], set_.foot[k], kind=0)
        pictures.append(picture)
        components.append([*target.directions[:2].ravel(), *target.points.ravel()])
        foot.append(np.exp(target.log_size))
    return Truth(np.stack(pictures), np.array(components), np.array(foot))


def error_scale(said: np.ndarray, target: Truth, readable: np.ndarray) -> np.ndarray:
    """Return by how much to multiply each stated error, shape (6,), so that bars hold 95 % of the errors of readable crops."""
    reading = decode(said, np.ones(6))
    bars = np.abs(reading.components - target.components) / (BAR * reading.sd[:, SD_OF])
    return np.array([np.quantile(bars[readable == 1][:, k == SD_OF], 0.95) for k in range(6)])


def strictness(said: np.ndarray, readable: np.ndarray) -> float:
    """Return what to add to the score of "unreadable" so that `REJECTED_READABLE` of the readable crops are rejected.

    Parameters
    ----------
    said : numpy.ndarray, shape (n, 24)
        Bare outputs on the check set.
    readable : numpy.ndarray, shape (n,)
        1 where the label says so.
    """
    good, other, unreadable = said[readable == 1, 21:24].T
    own = good > other  # what looks more like the other leg is rejected, however the score is shifted
    # Accepted: readable is likelier than both others together.
    room = good[own] + np.log1p(-np.exp(other[own] - good[own])) - unreadable[own]
    if not room.size:
        raise SystemExit("The network holds no crop of the check set for readable; train it for longer. Nothing was written.")
    return float(np.quantile(room, REJECTED_READABLE))


def angles_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angles between foot and foot, and shank and shank, of two arrays of components, shape (n, 2), deg."""
    cosine = (one[:, :6] * other[:, :6]).reshape(-1, 2, 3).sum(axis=2)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def points_feet(one: np.ndarray, other: np.ndarray, foot: np.ndarray) -> np.ndarray:
    """Return the mean distance of heel, toe and ankle of two arrays of components, shape (n,), in foot lengths."""
    off = (one[:, 6:12] - other[:, 6:12]).reshape(-1, 3, 2)
    return np.linalg.norm(off, axis=2).mean(axis=1) / foot


def evaluate(network: Network, set_: crops.Crops) -> list[dict[str, object]]:
    """Return a row per group of crops; shares are from 0 to 1, and NaN where a group has no such crop."""
    target = truth(set_)
    reading, mirrored = network.read(target.pictures), network.read(np.ascontiguousarray(target.pictures[:, :, ::-1]))
    angle = angles_deg(reading.components, target.components)
    points = points_feet(reading.components, target.components, target.foot)
    held = np.abs(reading.components - target.components) <= BAR * reading.sd[:, SD_OF]
    why, good = set_.column("why"), set_.readable == 1
    told, told_mirrored = reading.chance[:, 1] > ACCEPTED_FROM, mirrored.chance[:, 1] > ACCEPTED_FROM

    def row(name: str, among: np.ndarray) -> dict[str, object]:
        mine = among & good
        result: dict[str, object] = {"crops": name, "readable": int(mine.sum())}
        for part, values in (("foot_deg", angle[mine, 0]), ("shank_deg", angle[mine, 1]), ("points_feet", points[mine])):
            result[f"{part}_median"] = float(np.median(values)) if len(values) else np.nan
            result[f"{part}_mean"] = _share(values)
            result[f"{part}_90"] = float(np.quantile(values, 0.9)) if len(values) else np.nan
        for part, columns in (("foot", slice(0, 3)), ("shank", slice(3, 6)), ("points", slice(6, 14))):
            result[f"bars_hold_{part}"] = _share(held[mine, columns])
        result["rejected_readable"] = _share(reading.rejected[mine])
        for reason in REJECTABLE:
            bad = among & (set_.readable == 0) & (why == reason)
            result[reason.replace(" ", "_")] = int(bad.sum())
            result[f"rejected_{reason.replace(' ', '_')}"] = _share(reading.rejected[bad])
        result["told_other_mirrored"], result["told_other"] = _share(told_mirrored[mine]), _share(told[mine])
        return result

    everything = np.ones(len(set_), bool)
    rows = [row("all", everything), row("all, accepted", ~reading.rejected)]
    return rows + [row(name, among) for name, among in _groups(set_, GROUPED_BY)]


def compare(one: Network, other: Network, set_: crops.Crops) -> list[dict[str, object]]:
    """Return a row per family: how far two networks differ on readable crops, on average."""
    target = truth(set_)
    first, second = one.read(target.pictures), other.read(target.pictures)
    angle = angles_deg(first.components, second.components)
    points = points_feet(first.components, second.components, target.foot)
    rows: list[dict[str, object]] = []
    for name, among in [("all", np.ones(len(set_), bool)), *_groups(set_, ("family",))]:
        mine = among & (set_.readable == 1)
        rows.append(
            {
                "crops": name,
                "readable": int(mine.sum()),
                "foot_deg_mean": _share(angle[mine, 0]),
                "shank_deg_mean": _share(angle[mine, 1]),
                "points_feet_mean": _share(points[mine]),
                "one_rejects": _share(first.rejected[mine] != second.rejected[mine]),
            }
        )
    return rows


def _groups(set_: crops.Crops, columns: Iterable[str]) -> list[tuple[str, np.ndarray]]:
    return [
        (f"{column} {value}", set_.column(column) == value) for column in columns for value in sorted(set(set_.table[column]))
    ]


def _share(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan


def tables(rows: Sequence[dict[str, object]]) -> str:
    """Return the rows of `evaluate` as two tables: errors of readable crops, and what was rejected."""
    errors = [
        "| crops | readable | foot: median | mean | 90 % | shank: median | mean | 90 % | points: median | mean "
        "| bars hold: foot | shank | points |",
        "|" + "---|" * 13,
    ]
    rejected = [
        "| crops | rejected: readable | hidden | rear | no leg | taken for the other leg: mirrored | not mirrored |",
        "|" + "---|" * 7,
    ]
    for row in rows:
        cells = [f"{row[f'{part}_deg_{of}']:.1f}" for part in ("foot", "shank") for of in ("median", "mean", "90")]
        cells += [f"{row[f'points_feet_{of}']:.3f}" for of in ("median", "mean")]
        cells += [f"{row[f'bars_hold_{part}']:.0%}" for part in ("foot", "shank", "points")]
        errors.append(_line(row["crops"], row["readable"], *cells))
        if row["crops"] != "all, accepted":
            bad = [reason.replace(" ", "_") for reason in REJECTABLE]
            cells = [_of(row, "rejected_readable", "readable"), *(_of(row, f"rejected_{reason}", reason) for reason in bad)]
            cells += [_of(row, "told_other_mirrored", "readable"), _of(row, "told_other", "readable")]
            rejected.append(_line(row["crops"], *cells))
    return "\n".join([*errors, "", *rejected]).replace("nan%", "-").replace("nan", "-")


def data_table(card: Mapping[str, Any]) -> str:
    """Return what the card of a network says of its data as a table."""
    lines = ["| | crops | readable | people | cameras | bodies | shoes |", "|" + "---|" * 7]
    for name, part in (("learned from", card["trained_on"]), ("errors scaled on", card["checked_on"])):
        cells = [f"{part[column]:,}" for column in ("crops", "readable", "people", "cameras")]
        lines.append(_line(name, *cells, len(part["bodies"]), ", ".join(part["shoes"])))
    return "\n".join(lines)


def comparison(rows: Sequence[dict[str, object]]) -> str:
    """Return the rows of `compare` as a table."""
    lines = ["| crops | readable | foot | shank | points | only one rejects it |", "|" + "---|" * 6]
    for row in rows:
        cells = (f"{row['foot_deg_mean']:.1f}", f"{row['shank_deg_mean']:.1f}", f"{row['points_feet_mean']:.3f}")
        lines.append(_line(row["crops"], row["readable"], *cells, f"{row['one_rejects']:.1%}"))
    return "\n".join(lines).replace("nan%", "-").replace("nan", "-")


def _line(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _of(row: dict[str, object], share: str, count: str) -> str:
    """Return a share as what it counts: 3 of 40."""
    return f"{round(float(str(row[share])) * int(str(row[count])))} of {row[count]}" if row[count] else "-"


def block(text: str, name: str) -> re.Match[str] | None:
    """Return the block of a document that is written by this script; its first group is the content."""
    return re.search(rf"<!-- {re.escape(name)}: [^>]*-->\n(.*?)<!-- end -->", text, re.DOTALL)


def write_docs(name: str, table: str, documents: Sequence[Path] = DOCUMENTS) -> list[Path]:
    """Put a table into every document that has a block of this name, and return those."""
    written = []
    for path in documents:
        text = path.read_text("utf-8")
        if found := block(text, name):
            path.write_text(f"{text[: found.start(1)]}{table}\n{text[found.end(1) :]}", "utf-8")
            written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", nargs="?", type=Path, default=SAMPLE, help="table of labelled crops (default: the shipped sample)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the network, NAME.onnx (default: the shipped one)")
    parser.add_argument("--compare", type=Path, metavar="OTHER.onnx", help="say how far this network differs, not the errors")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every figure into this table, too")
    parser.add_argument(
        "--write-docs", action="store_true", help="put them into the blocks of the documents that bear the set's name"
    )
    asked = parser.parse_args(arguments)
    set_, network = crops.read([asked.set]), Network(asked.weights)
    if asked.compare:
        rows = compare(network, Network(asked.compare), set_)
        name, table = f"{asked.set.stem}-compare", comparison(rows)
    else:
        rows = evaluate(network, set_)
        name, table = asked.set.stem, tables(rows)
    print(table)
    if asked.csv:
        with asked.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    if asked.write_docs:
        written = write_docs(name, table)
        if not written:
            raise SystemExit(f"No document has a block <!-- {name}: ... -->.")
        written += write_docs("data", data_table(network.card))
        print(f"written into {', '.join(sorted({path.relative_to(ROOT).as_posix() for path in written}))}")


if __name__ == "__main__":
    main()
