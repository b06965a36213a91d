"""What is true of the clips of a truth folder.

A truth folder holds `manifest.csv` (clip, drill_ids, moving_side, ...), and per clip NAME.mp4, NAME.gt.csv (t and
`{side}_hip_internal_rotation` per frame, deg; empty while the person is away) and NAME.gt.json (side, and reps with start, end
and phases in s and deg). NAME.gt.json is written last: a clip without it is not complete.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.drills import load_table
from rotrack.core.errors import TruthError
from rotrack.core.messages import Sentence
from rotrack.core.model import Direction, Side
from rotrack.system.imports import when_used
from rotrack.system.inputs import MOST_TABLE_BYTES, UnreadableError, read_bytes, read_json, read_table

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")


@dataclass(frozen=True, slots=True)
class TrueRep:
    """A true excursion: which way, and in s when it leaves the rest, is at its peak, and is back."""

    direction: Direction
    start_s: float
    peak_from_s: float
    peak_to_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class LegTruth:
    """What is true of one leg.

    Parameters
    ----------
    times_s, angle_deg : numpy.ndarray, shape (n,)
        The frames in which the person is there, and the hip's internal rotation in them.
    rest_deg : numpy.ndarray, shape (n,)
        The leg's true zero: where it rests, which may creep.
    reps : tuple of TrueRep
        In the order of time; none for a leg that is not asked to move.
    """

    times_s: np.ndarray
    angle_deg: np.ndarray
    rest_deg: np.ndarray
    reps: tuple[TrueRep, ...]

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Return the true angle at some times."""
        return np.interp(times_s, self.times_s, self.angle_deg)

    def rest_at(self, times_s: np.ndarray) -> np.ndarray:
        """Return the true zero at some times."""
        return np.interp(times_s, self.times_s, self.rest_deg)

    def held(self, from_s: float, to_s: float) -> float:
        """Return the true angle of a still time, also of one in which the camera paused."""
        within = (self.times_s >= from_s) & (self.times_s <= to_s)
        return float(np.median(self.angle_deg[within])) if within.any() else float(self.at(np.array(0.5 * (from_s + to_s))))

    def known(self, moments_s: np.ndarray) -> np.ndarray:
        """Return which moments have a true angle within half a second."""
        if len(self.times_s) < 2:
            return np.zeros(len(moments_s), bool)
        after = np.searchsorted(self.times_s, moments_s).clip(1, len(self.times_s) - 1)
        away_s = np.minimum(np.abs(moments_s - self.times_s[after - 1]), np.abs(moments_s - self.times_s[after]))
        return away_s <= 0.5


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip of a truth folder.

    Parameters
    ----------
    name, drill, body : str
        What it is called, the drill to measure, who is seen.
    folder : Path
        Where its files are.
    moves : str
        The leg that moves: left, right or both.
    """

    name: str
    drill: str
    body: str
    folder: Path
    moves: str = "both"

    @property
    def video(self) -> Path:
        """The video."""
        return self.folder / f"{self.name}.mp4"

    @property
    def truth_files(self) -> tuple[Path, Path]:
        """The true curve and what else is true."""
        return self.folder / f"{self.name}.gt.csv", self.folder / f"{self.name}.gt.json"

    def truth(self, mirror: bool = False) -> dict[Side, LegTruth]:
        """Return what is true of both legs; `mirror` is for a clip that is played mirrored.

        Raises
        ------
        TruthError
            If it is missing or damaged.
        """
        curve, about = self.truth_files
        try:
            table = pd.read_csv(io.BytesIO(read_bytes(curve, MOST_TABLE_BYTES)))
            told = read_json(about)
            legs = {side: _leg(table, told, side) for side in Side}
        except (ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
            raise TruthError(
                f"The truth of {self.name} is missing or damaged ({error}); make it again or take the clip out of manifest.csv."
            ) from error
        return {side: legs[side.other if mirror else side] for side in Side}


def _leg(table: pd.DataFrame, told: dict[str, Any], side: Side) -> LegTruth:
    times, angles = table["t"].to_numpy(float), table[f"{side}_hip_internal_rotation"].to_numpy(float)
    moves = told["side"] in (side, "both")
    creeps_deg = float(told.get("spec", {}).get("movement", {}).get("drift_deg", 0.0)) if moves else 0.0
    rest = creeps_deg * np.clip(times / max(times[-1], 1e-9), 0, 1)
    there = np.isfinite(angles)  # a person who walked off has no angle
    leg = LegTruth(times[there], angles[there], rest[there], ())
    if not moves:
        return leg
    mine = [rep for rep in told["reps"] if rep.get("side", side) == side]
    reps = [_rep(leg, phase, rep) for rep in mine for phase in rep.get("phases", [rep])]
    return LegTruth(leg.times_s, leg.angle_deg, leg.rest_deg, tuple(sorted(reps, key=lambda rep: rep.start_s)))


def _rep(leg: LegTruth, phase: dict[str, Any], rep: dict[str, Any]) -> TrueRep:
    """Return a repetition, or a half of a combined one; older truth does not say which way it goes: the curve does."""
    from_s, to_s = float(phase["peak_from"]), float(phase["peak_to"])
    said = phase.get("direction", rep.get("direction"))
    direction = Direction(said) if said else Direction.of(leg.held(from_s, to_s))
    start_s, end_s = (float(phase.get(key, rep.get(key, t))) for key, t in (("start", from_s), ("end", to_s)))
    return TrueRep(direction, start_s, from_s, to_s, end_s)


# ---------------------------------------------------------------------- which clips
def read_clips(folder: Path, only: str = "", part: str = "", on_note: Callable[[str], None] = lambda _: None) -> list[Clip]:
    """Return the clips of a truth folder that can be measured.

    Parameters
    ----------
    folder : Path
        The folder.
    only : str
        Only clips or drills whose name holds this.
    part : str
        Only this part of the folder: what the manifest's column `part` says, or else the first word of a clip's name.
    on_note : callable
        Called with a sentence about clips that are left out: they are not complete, or of a drill that rotrack does not have.

    Raises
    ------
    TruthError
        If the folder holds no truth that can be used.
    """
    manifest = _read_manifest(folder)
    parts = manifest["part"] if "part" in manifest else manifest["clip"].str.split("_").str[0]
    named = manifest["clip"].str.contains(only, regex=False) | manifest.drill_ids.str.contains(only, regex=False)
    if not named.any():
        raise TruthError(f"No clip or drill in {folder / 'manifest.csv'} is called like '{only}'.")
    wanted = manifest[named & (parts == part)] if part else manifest[named]
    if wanted.empty:
        raise TruthError(f"No clip in {folder / 'manifest.csv'} is of the part '{part}'; it has {', '.join(sorted(set(parts)))}.")
    bodies = next((wanted[column] for column in ("body", "character") if column in wanted), wanted["clip"])
    moving = wanted.get("moving_side", pd.Series("both", index=wanted.index))
    clips = [
        Clip(name, drill_ids.split(";")[0], body, folder, moves)
        for name, drill_ids, body, moves in zip(wanted["clip"], wanted["drill_ids"], bodies, moving, strict=True)
    ]
    drills = load_table().drills
    unknown = [clip for clip in clips if clip.drill not in drills]
    unfinished = [clip for clip in clips if clip not in unknown and not clip.truth_files[1].is_file()]
    if unknown:
        lacking = sorted({clip.drill for clip in unknown})
        on_note(f"left out, since rotrack has no drill {_few(lacking)}: {_few([clip.name for clip in unknown])}")
    if unfinished:
        on_note(f"left out, since the truth is not complete: {_few([c.name for c in unfinished])}")
    usable = [clip for clip in clips if clip not in unknown and clip not in unfinished]
    if not usable:
        raise TruthError(f"None of the clips in {folder} can be measured: make their truth, or choose others.")
    return usable


def _few(names: list[str]) -> str:
    """Return names in a row; of many the first and how many more."""
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def _read_manifest(truth: Path) -> pd.DataFrame:
    try:
        table = read_table(truth / "manifest.csv")
        lacking = [column for column in ("clip", "drill_ids") if column not in table.columns]
        if lacking or table.damaged:
            raise UnreadableError(
                Sentence("it has no column {name}", name=lacking[0]) if lacking else f"line {table.damaged[0]} is damaged"
            )
    except UnreadableError as error:
        raise TruthError(
            f"{truth} holds no usable manifest.csv ({error}); it needs the columns clip, drill_ids and moving_side."
        ) from error
    return pd.DataFrame([row for _, row in table.rows], columns=list(table.columns), dtype=str)
