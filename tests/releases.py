"""Frozen numbers of the releases, kept by `freeze_numbers.py --release`, and how those of two differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import FIXTURES

RELEASES = FIXTURES / "releases"
VERSIONS = "versions.json"
FROZEN = {"recordings.json": "recordings", "sample_videos.json": "sessions"}
"""The files of a release that hold repetitions and session values, with the entry that has them by clip."""
TABLE = "sample_videos.csv"
SAME_S = 0.5
"""Two repetitions are one if their peaks are no further apart than this."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The repetitions of two releases, by the release that found them, and the session values that both have.

    Parameters
    ----------
    both : list of tuple of dict
        Repetitions that both found: older, newer.
    only_older, only_newer : list of dict
        Those that one of them found.
    values : list of tuple of float
        Session values, deg: older, newer.
    """

    both: list[tuple[dict[str, Any], dict[str, Any]]]
    only_older: list[dict[str, Any]]
    only_newer: list[dict[str, Any]]
    values: list[tuple[float, float]]


def compared(older: Path, newer: Path) -> Compared:
    """Return what two folders of frozen numbers have in common, and what only one of them has."""
    found = Compared([], [], [], [])
    for name, entry in FROZEN.items():
        then, now = (json.loads((folder / name).read_text("utf-8"))[entry] for folder in (older, newer))
        for clip in sorted(set(then) & set(now)):
            rest = list(now[clip]["reps"])
            for rep in then[clip]["reps"]:
                near = min(
                    (one for one in rest if _alike(rep, one)), key=lambda one: abs(one["peak_s"] - rep["peak_s"]), default=None
                )
                if near is None:
                    found.only_older.append(rep)
                else:
                    rest.remove(near)
                    found.both.append((rep, near))
            found.only_newer.extend(rest)
            found.values.extend(_values(then[clip], now[clip]))
    return found


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same = (one["side"], one["direction"]) == (other["side"], other["direction"])
    return same and abs(one["peak_s"] - other["peak_s"]) <= SAME_S


def _values(then: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[float, float]]:
    old = {(value["side"], value["direction"]): value["value_deg"] for value in then.get("values", ())}
    for value in now.get("values", ()):
        before = old.get((value["side"], value["direction"]))
        if before is not None and value["value_deg"] is not None:
            yield before, value["value_deg"]
