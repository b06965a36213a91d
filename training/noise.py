"""Measures how pose model and leg network err on rendered clips, per posture, and writes noise.toml from which simulate.py draws.

rotrack validate CLIPS --keep KEEP       # runs the models over the clips, once
python -m training.noise KEEP CLIPS...   # compares what they said with the truth

A small model, the same for every landmark and direction: an error that stays for a whole clip (with its mean over clips), a part
that wanders (first-order autoregressive), a part that changes from frame to frame, and a share of the turn that is shown too
much or too little. The legs of somebody who lies get their right names first, as rotrack does it. Frames in which the pose model
still takes one leg for the other or misses by half a shank are counted and left out, and so are those in which nobody is found:
that is about pictures and people, not about noise. So are clips in which something else is followed to the end (a bystander, the
wrong leg): how often that happens is told from the benchmark's clips. How often a leg that moves is not seen or cannot be read is
kept clip by clip.
Clips whose names begin with `test` are never used.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.core.drills import Measure, load_table
from rotrack.core.model import LEGS, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics.crops import readable
from rotrack.records.landmarks import LANDMARKS, LEGS_READ, read_poses
from rotrack.records.record import read_record
from training import simulate
from training.render import assets
from training.render.stage import ClipSpec, Stage
from training.simulate import CROP_MIDDLE, NOISE, PARTS, turns_to

FOUR = ("heel", "toe", "ankle", "knee")
FOLLOWED = ("knee", "ankle", "toe")
"""Without these the pose model does not see a leg."""
GROSS_SHANKS, GROSS_DEG = 0.5, 40.0
ASTRAY_FEET = 1.0
"""A crop whose middle is farther from the leg's than this shows something else."""
LOST = 0.5
"""A leg is lost if more than this share of what is read of it is of something else."""
AS_IF_CLIPS = 2
"""How often clips of a posture are lost is told from them and, as if there were so many more, from those of all postures."""
MOVES = 0.2
"""Gain and growth are told from a way of more than this, in shanks or radians."""
MOST_GROWTH, LEAST = 12.0, 1e-5
CALM_SHARE = 0.35
"""Share of the frames in which a leg is nearest to where it began: there its errors do not come from the turn."""
LEAST_FRAMES = 40
LAGS_S = (0.034, 0.067, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0)
CONSTANTS_S = np.geomspace(0.08, 4.0, 18)
ENOUGH_CLIPS = 4
"""How much clips differ is told from so many of a posture; with fewer it is at least what it is on average."""
MOST_SPREAD = 0.8


@dataclass
class Found:
    """What was found in one leg of one clip; arrays are one number per axis."""

    posture: str
    clip: str
    moves: bool
    errors: dict[str, Fit] = field(default_factory=dict)
    unreadable: float = np.nan
    unreadable_s: float = np.nan
    unseen: float = np.nan
    unseen_s: float = np.nan
    gross: float = np.nan
    astray: float = np.nan
    lag_s: float = np.nan
    said: np.ndarray = field(default_factory=lambda: np.full(6, np.nan))
    said_spread: float = np.nan
    visible: float = np.nan

    @property
    def lost(self) -> bool:
        """Whether something else was followed: by the leg network, or by the pose model where the network read nothing."""
        wrong = self.astray if np.isfinite(self.astray) else self.gross
        return bool(wrong > LOST)


@dataclass(frozen=True)
class Fit:
    """One thing's errors in one leg of one clip."""

    bias: np.ndarray
    gain: float
    slow: float
    slow_s: float
    fast: float
    growth: float


# ---------------------------------------------------------------------- one clip


@dataclass(frozen=True)
class Truth:
    """The truth of a clip at its poses.

    Parameters
    ----------
    pixels, seen_m : dict of str to numpy.ndarray
        Joints by name in the picture (the centre of its first pixel is the origin) and in camera axes.
    matrix : numpy.ndarray, shape (3, 3)
        Camera matrix.
    exercises : numpy.ndarray
        Whether the person neither walks nor is away.
    columns : dict of str to numpy.ndarray
        All columns of the table.
    moves : dict of Side to bool
        Which leg moves.
    """

    pixels: dict[str, np.ndarray]
    seen_m: dict[str, np.ndarray]
    matrix: np.ndarray
    exercises: np.ndarray
    columns: dict[str, np.ndarray]
    moves: dict[Side, bool]

    @classmethod
    def read(cls, clips: Path, name: str, t_s: np.ndarray) -> Truth:
        """Return the truth of a clip at some times."""
        meta = json.loads((clips / f"{name}.gt.json").read_text("utf-8"))
        rows = rows_of_truth(clips, name, meta)
        columns = {key: np.array([float(row[key] or "nan") for row in rows]) for key in rows[0]}
        at = columns["t"]
        nearest = np.clip(np.searchsorted(at, t_s - 1e-3), 0, len(at) - 1)
        if len(at) == len(t_s):
            nearest = np.arange(len(at))
        pixels, seen_m = {}, {}
        for side in Side:
            for part in PARTS:
                key = f"{side}_{part}"
                pixels[key] = np.column_stack([columns[f"{key}_{axis}"] for axis in "uv"])[nearest] - 0.5
                seen_m[key] = np.column_stack([columns[f"{key}_{axis}c"] for axis in "xyz"])[nearest]
        moves = {side: meta["side"] in (side, "both") for side in Side}
        spec = meta["spec"]
        there = t_s >= float(spec.get("walks_in_s") or (4.0 if "walkin" in name else 0.0))
        for start_s, end_s in meta.get("absent", []):
            there &= (t_s < start_s) | (t_s > end_s + 0.5)
        return cls(pixels, seen_m, np.array(meta["K"]), there, {key: column[nearest] for key, column in columns.items()}, moves)


def rows_of_truth(clips: Path, name: str, meta: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the table of a clip's truth; the spec makes the joints again that a recording does not have."""
    with (clips / f"{name}.gt.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if f"{Side.RIGHT}_knee_u" in rows[0]:
        return rows
    assets.require()
    stage = Stage(name, ClipSpec.read(meta["spec"]))
    made = [{column: str(cell) for column, cell in stage.row(number).items()} for number in range(len(rows))]
    for row, told in zip(made, rows, strict=True):
        if any(row[column] != cell and float(row[column]) != float(cell) for column, cell in told.items()):
            raise ValueError(f"{name}: the renderer makes another truth of its spec today, at {told['t']} s")
    return made


def measured(folder: Path, clips: Path, name: str) -> list[Found]:
    """Return what the models err by in both legs of a clip."""
    poses = list(read_poses(folder))
    drill = load_table().drill(read_record(folder).drill)
    if drill.measure is Measure.ROLL:  # an index, no angle
        return []
    posture = str(drill.posture)
    t_s = np.array([pose.time_s for pose in poses])
    truth = Truth.read(clips, name, t_s)
    keep = truth.exercises
    poses, t_s = [pose for pose, kept in zip(poses, keep, strict=True) if kept], t_s[keep]
    if drill.posture.record.lying:
        poses = list(_well_named(poses, truth, keep))
    if len(t_s) < LEAST_FRAMES:
        return []
    return [_of_leg(posture, name, side, poses, t_s, truth, keep) for side in Side]


def _well_named(poses: Sequence[Pose], truth: Truth, keep: np.ndarray) -> Iterator[Pose]:
    """Yield the poses with their legs under their right names, as rotrack names them by the leg network when somebody lies."""
    true = np.stack([truth.pixels[f"{side}_{part}"][keep] for side in Side for part in ("knee", "ankle")], 1)
    left, right = (list(LEGS[side][1:]) for side in Side)
    for pose, at in zip(poses, true, strict=True):
        seen = pose.image_px[[LEGS[side][k] for side in Side for k in (2, 3)]]
        straight, crossed = (float(np.nansum(np.hypot(*(marks - at).T))) for marks in (seen, seen[[2, 3, 0, 1]]))
        if crossed >= straight:
            yield pose
            continue
        order = np.arange(len(pose.image_px))
        order[[*left, *right]] = [*right, *left]
        yield replace(pose, image_px=pose.image_px[order], world_m=pose.world_m[order], visibility=pose.visibility[order])


def _of_leg(posture: str, name: str, side: Side, poses: Sequence[Pose], t_s: np.ndarray, truth: Truth, keep: np.ndarray) -> Found:
    found = Found(posture, name, truth.moves[side])
    at = {part: truth.pixels[f"{side}_{part}"][keep] for part in PARTS}
    other = {part: truth.pixels[f"{side.other}_{part}"][keep] for part in PARTS}
    seen_m = {part: truth.seen_m[f"{side}_{part}"][keep] for part in PARTS}
    focal_px = truth.matrix[0, 0]
    shank_m = float(np.nanmedian(np.linalg.norm(seen_m["knee"] - seen_m["ankle"], axis=1)))
    shank_px = focal_px * shank_m / float(np.nanmedian(seen_m["hip"][:, 2]))
    flip = np.array([1.0 if side is Side.RIGHT else -1.0, 1.0])
    marks = {part: np.array([pose.image_px[getattr(LEGS[side], part)] for pose in poses]) for part in PARTS}
    off = {part: (marks[part] - at[part]) / shank_px for part in PARTS}
    somebody = np.array([not pose.reason for pose in poses])
    seen = np.isfinite(np.stack([marks[part] for part in PARTS])).all(axis=(0, 2))
    followed = np.isfinite(np.stack([marks[part] for part in FOLLOWED])).all(axis=(0, 2))
    found.unseen, found.unseen_s = _share_and_spell(~followed[somebody], t_s[somebody])
    miss = np.nanmax(np.stack([np.hypot(*off[part].T) for part in ("knee", "ankle")]), axis=0)
    swapped = np.stack([np.hypot(*((marks[part] - other[part]) / shank_px).T) for part in ("knee", "ankle")]).mean(0)
    wrong = seen & ((miss > GROSS_SHANKS) | (swapped < 0.5 * miss))
    found.gross = float(wrong[seen].mean()) if seen.any() else np.nan
    good = seen & ~wrong
    found.visible = (
        float(np.median([poses[k].visibility[LEGS[side].toe] for k in np.flatnonzero(good)])) if good.any() else np.nan
    )
    if good.sum() >= LEAST_FRAMES:
        found.lag_s = _of_landmarks(found, t_s[good], {p: off[p][good] * flip for p in PARTS},
                                    {p: at[p][good] * flip / shank_px for p in PARTS})  # fmt: skip
        world = np.array([poses[k].world_m for k in np.flatnonzero(good)])
        middle_m = 0.5 * (truth.seen_m["right_hip"][keep] + truth.seen_m["left_hip"][keep])[good]
        for part in PARTS:
            true_z = seen_m[part][good, 2] - middle_m[:, 2]
            depth = (world[:, getattr(LEGS[side], part), 2] - true_z) / shank_m
            found.errors[f"depth {part}"] = fitted(t_s[good], depth[:, None])
    _of_network(found, side, poses, t_s, {part: seen_m[part] for part in PARTS}, at, truth.matrix)
    return found


def _of_landmarks(found: Found, t_s: np.ndarray, off: Mapping[str, np.ndarray], at: Mapping[str, np.ndarray]) -> float:
    """Fit the pose model's landmarks, in shanks; return how late it is."""
    start = {part: np.median(at[part][: max(5, len(t_s) // 20)], axis=0) for part in PARTS}
    moved = {part: at[part] - start[part] for part in PARTS}
    velocity = np.gradient(at["ankle"], t_s, axis=0)
    fast = np.hypot(*velocity.T) > 0.3
    lag_s = np.nan
    if fast.sum() >= 15:
        centred = off["ankle"] - np.median(off["ankle"], axis=0)
        lag_s = -float((centred[fast] * velocity[fast]).sum() / (velocity[fast] ** 2).sum())
    late = np.nan_to_num(lag_s)
    for part in PARTS:
        of_foot = part in ("heel", "toe")
        error = off[part] + late * np.gradient(at[part], t_s, axis=0)
        way = moved["ankle"]
        if of_foot:
            error = error - off["ankle"] - late * velocity
            way = moved[part] - moved["ankle"]
        found.errors[part] = fitted(t_s, error, way)
    return lag_s


def _of_network(
    found: Found,
    side: Side,
    poses: Sequence[Pose],
    t_s: np.ndarray,
    seen_m: Mapping[str, np.ndarray],
    at: Mapping[str, np.ndarray],
    matrix: np.ndarray,
) -> None:
    """Fit what the leg network says of a leg."""
    crops = [pose.legs.get(side) for pose in poses]
    asked = np.array([bool(pose.legs) for pose in poses])
    if asked.sum() < LEAST_FRAMES:
        return
    read = np.array([readable(crop) for crop in crops])
    found.unreadable, found.unreadable_s = _share_and_spell(~read[asked], t_s[asked])
    rows = np.flatnonzero(read & np.isfinite(seen_m["toe"]).all(1))
    if len(rows) < LEAST_FRAMES:
        return
    said = [crops[k] for k in rows]
    t = t_s[rows]
    middle = np.array([crop.middle_px for crop in said])
    ray = np.column_stack([(middle - matrix[:2, 2] + 0.5) / matrix[0, 0], np.ones(len(rows))])
    turns = turns_to(ray / np.linalg.norm(ray, axis=1, keepdims=True))
    flip = 1.0 if side is Side.RIGHT else -1.0
    foot_m = float(np.median(np.linalg.norm(seen_m["toe"] - seen_m["heel"], axis=1)[rows]))
    foot_px = matrix[0, 0] * foot_m / np.linalg.norm(seen_m["ankle"][rows], axis=1)
    leg = np.einsum("p,pnk->nk", CROP_MIDDLE, [at[part][rows] for part in FOUR])
    ends = {"foot": ("heel", "toe"), "shank": ("ankle", "knee")}
    good = np.hypot(*(middle - leg).T) < ASTRAY_FEET * foot_px
    parts = {}
    for name, (start, end) in ends.items():
        true = seen_m[end][rows] - seen_m[start][rows]
        true = np.einsum("nji,nj->ni", turns, true / np.linalg.norm(true, axis=1, keepdims=True))
        shown = np.array([getattr(crop, name) for crop in said])
        shown = shown / np.linalg.norm(shown, axis=1, keepdims=True)
        good &= np.degrees(np.arccos(np.clip((true * shown).sum(1), -1, 1))) < GROSS_DEG
        parts[name] = (true, shown)
    found.astray = float(1 - good.mean())
    if good.sum() < LEAST_FRAMES:
        return
    for name, both in parts.items():
        true, shown = both[0][good], both[1][good]
        start = np.median(true[: max(5, len(true) // 20)], axis=0)
        way = true - start
        size = np.linalg.norm(way, axis=1)
        gain = _gain(shown - true, way, MOVES)
        rest = shown - true - np.nan_to_num(gain) * way
        across = np.cross([0.0, 0.0, 1.0], true)
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 0.05)
        along = np.cross(true, across)
        off_deg = np.degrees(np.column_stack([flip * (rest * across).sum(1), (rest * along).sum(1)]))
        for axis, label in enumerate(("", " along")):
            found.errors[name + label] = replace(fitted(t[good], off_deg[:, axis : axis + 1], size=size), gain=gain)
    points = np.array([crop.points_px for crop in said])
    for k, part in enumerate(FOUR):
        miss = (points[good, k] - at[part][rows][good]) / foot_px[good, None] * [flip, 1.0]
        found.errors[f"point {part}"] = fitted(t[good], miss)
    sd = np.array(
        [np.concatenate([crop.direction_sd_deg, crop.points_sd_px / px]) for crop, px in zip(said, foot_px, strict=True)]
    )
    found.said = np.median(sd, axis=0)
    found.said_spread = float(np.median(np.log(sd[:, :4]).std(axis=0)))


def _share_and_spell(on: np.ndarray, t_s: np.ndarray) -> tuple[float, float]:
    """Return how often something is, and for how long on average, s."""
    if not len(on):
        return np.nan, np.nan
    starts = int(on[0]) + int(np.sum(on[1:] & ~on[:-1]))
    step_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.03
    return float(on.mean()), float(on.sum() * step_s / starts) if starts else np.nan


def fitted(t_s: np.ndarray, error: np.ndarray, way: np.ndarray | None = None, size: np.ndarray | None = None) -> Fit:
    """Return what an error, shape (n, axes), is made of.

    Parameters
    ----------
    t_s : numpy.ndarray, shape (n,)
        When.
    error : numpy.ndarray, shape (n, axes)
        The error.
    way : numpy.ndarray, shape (n, axes), optional
        How far that which is seen has moved from where it was at first: a part of it may be shown too much.
    size : numpy.ndarray, shape (n,), optional
        How far it has moved, if that is told otherwise.
    """
    gain = np.nan if way is None else _gain(error, way, MOVES)
    rest = error if way is None else error - np.nan_to_num(gain) * way
    if size is None:
        size = np.zeros(len(t_s)) if way is None else np.linalg.norm(way, axis=1)
    calm = size <= np.quantile(size, CALM_SHARE)
    bias = np.median(rest[calm], axis=0)
    off = rest - bias
    still = max(_spread(off[calm]), LEAST)
    growth, loud = np.nan, np.ones(len(t_s))
    if size.max() > MOVES:
        far = size > 0.5 * size.max()
        more = (_spread(off[far] - np.median(off[far], axis=0)) / still) ** 2 - 1
        growth = min(MOST_GROWTH, float(np.sqrt(max(more, 0.0) / np.mean(size[far] ** 2))))
        loud = np.sqrt(1 + (growth * size) ** 2)
    slow, slow_s, fast = slow_and_fast(t_s, (rest - np.median(rest, axis=0)) / loud[:, None])
    scale = still / max(float(np.hypot(slow, fast)), LEAST)
    return Fit(bias, gain, scale * slow, slow_s, scale * fast, growth)


def _gain(error: np.ndarray, way: np.ndarray, least: float) -> float:
    """Return the share of the way by which the error grows with it; NaN if there is hardly a way."""
    if np.ptp(way, axis=0).max() < least:
        return np.nan
    centred = way - way.mean(axis=0)
    return float((centred * (error - error.mean(axis=0))).sum() / (centred**2).sum())


def slow_and_fast(t_s: np.ndarray, rest: np.ndarray) -> tuple[float, float, float]:
    """Return standard deviation and time constant of the part that wanders, and the standard deviation of what is left.

    From half the mean square of differences over some time: fast^2 + slow^2 (1 - exp(-time / constant)).
    """
    step_s = float(np.median(np.diff(t_s)))
    steps = sorted({max(1, round(lag / step_s)) for lag in LAGS_S if lag < 0.5 * (t_s[-1] - t_s[0])})
    lags, halves = [], []
    for step in steps:
        apart = t_s[step:] - t_s[:-step]
        close = np.abs(apart - step * step_s) < 0.5 * step_s
        if close.sum() < 20:
            continue
        squares = np.minimum((rest[step:] - rest[:-step]) ** 2, 16 * _spread(rest) ** 2 + LEAST**2)
        lags.append(step * step_s)
        halves.append(0.5 * float(squares[close].mean()))
    if len(lags) < 3:
        return float(rest.std()), 1.0, 0.0
    x, y = np.array(lags), np.array(halves)
    best = (np.inf, 0.0, 1.0, 0.0)
    for constant_s in CONSTANTS_S:
        grown = 1 - np.exp(-x / constant_s)
        for fixed in (False, True):
            basis = np.column_stack([grown] if fixed else [grown, np.ones(len(x))])
            found = np.linalg.lstsq(basis, y, rcond=None)[0]
            if (found < 0).any():
                continue
            cost = float(((basis @ found - y) ** 2).sum())
            if cost < best[0]:
                best = (cost, float(found[0]), float(constant_s), 0.0 if fixed else float(found[1]))
    return float(np.sqrt(best[1])), best[2], float(np.sqrt(best[3]))


# ---------------------------------------------------------------------- all clips


def summed_up(found: Sequence[Found]) -> dict[str, Any]:
    """Return the table of noise.toml of one posture."""
    clips = len({one.clip for one in found})
    table: dict[str, Any] = {"clips": clips, "lag_s": _median([one.lag_s for one in found], 0.0)}
    table["visible"] = _median([one.visible for one in found], 1.0)
    table["gross"] = _mean([one.gross for one in found])
    moving = [one for one in found if one.moves]
    table["unseen"], table["unseen_s"] = _shares([one.unseen for one in moving]), _median([one.unseen_s for one in moving], 0.3)

    def errors(name: str) -> dict[str, Any]:
        known = [one for one in found if name in one.errors]
        return _errors([one.errors[name] for one in known], [one.posture for one in known])

    table["marks"] = {name: errors(name) for name in PARTS}
    table["depth"] = {name: errors(f"depth {name}") for name in PARTS}
    network: dict[str, Any] = {label.replace(" ", "_"): errors(label) for label in ("foot", "foot along", "shank", "shank along")}
    points = [(one.errors[f"point {part}"], one.posture) for one in found for part in FOUR if f"point {part}" in one.errors]
    network["points"] = _errors(*zip(*points, strict=True)) if points else {}
    network = {name: told for name, told in network.items() if told}
    said = np.array([one.said for one in found])
    if np.isfinite(said).any():
        network["said_deg"] = [_rounded(v) for v in np.nanmedian(said[:, :4], axis=0)]
        network["said_feet"] = [_rounded(v) for v in np.nanmedian(said[:, 4:], axis=0)]
        network["said_spread"] = _median([one.said_spread for one in found], 0.1)
    network["unreadable"] = _shares([one.unreadable for one in moving])
    network["unreadable_s"] = _median([one.unreadable_s for one in moving], 0.3)
    table["network"] = network
    return table


def lost_shares(found: Mapping[str, Sequence[Found]]) -> dict[str, float]:
    """Return how often something else is followed for a whole clip, per posture and for any.

    Of clips with cameras, rooms and people as they are: the benchmark's (`tune_...`). Few are known of a posture, so its share is
    told from its own clips and, as if they were `AS_IF_CLIPS` more, from those of all.
    """
    lost: dict[str, dict[str, bool]] = {posture: {} for posture in found}
    for posture, legs in found.items():
        for leg in legs:
            if leg.moves and leg.clip.startswith("tune_"):
                lost[posture][leg.clip] = lost[posture].get(leg.clip, False) or leg.lost
    every = [one for clips in lost.values() for one in clips.values()]
    by_all = sum(every) / max(1, len(every))
    shares = {
        posture: (sum(clips.values()) + AS_IF_CLIPS * by_all) / (len(clips) + AS_IF_CLIPS) for posture, clips in lost.items()
    }
    return {posture: _rounded(share) for posture, share in ({"any": by_all} | shares).items()}


def _errors(fits: Sequence[Fit], groups: Sequence[str]) -> dict[str, Any]:
    """Return the table of one thing; clips differ from the median of their own group."""
    if not fits:
        return {}
    biases = np.array([fit.bias for fit in fits])
    middles = {group: np.median(biases[[g == group for g in groups]], axis=0) for group in set(groups)}
    alone = len(fits) == len(middles)
    off = np.concatenate([np.zeros((1, biases.shape[1]))] if alone else [biases - [middles[g] for g in groups]])
    loudness = np.log([max(np.hypot(fit.slow, fit.fast), 1e-6) for fit in fits])
    table = {
        "mean": [_rounded(v) for v in np.mean(list(middles.values()), axis=0)],
        "bias": _rounded(_spread(off)),
        "slow": _rounded(np.exp(np.mean(np.log([max(fit.slow, 1e-5) for fit in fits])))),
        "slow_s": _rounded(np.median([fit.slow_s for fit in fits])),
        "fast": _rounded(np.median([fit.fast for fit in fits])),
        "spread": _rounded(min(_spread(loudness - np.median(loudness)), MOST_SPREAD)),
        "growth": _median([fit.growth for fit in fits], 0.0),
    }
    gains = np.array([fit.gain for fit in fits if np.isfinite(fit.gain)])
    if len(gains):
        table["gain"] = _rounded(np.median(gains))
        table["gain_sd"] = _rounded(np.clip(_spread(gains - np.median(gains)), 0.005, 0.5))
    return table


def _spread(off: np.ndarray) -> float:
    """Return the standard deviation of differences from a median, from their own median so that single clips do not make it."""
    return 1.4826 * float(np.median(np.abs(off)))


def filled(table: Mapping[str, Any], by_all: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the table of a posture with what its few clips cannot tell: how much clips differ, and gains."""
    for group in ("marks", "depth", "network"):
        for name, told in by_all[group].items():
            if name not in table[group]:
                table[group][name] = told
            elif isinstance(told, Mapping) and table["clips"] < ENOUGH_CLIPS:
                for key in ("bias", "spread", "gain_sd"):
                    if key in told:
                        table[group][name][key] = max(told[key], table[group][name].get(key, 0.0))
                if "gain" in told:
                    table[group][name].setdefault("gain", told["gain"])
    return table


def _rounded(value: float) -> float:
    return float(f"{float(value):.3g}")


def _median(values: Iterable[float], without: float) -> float:
    known = [v for v in values if np.isfinite(v)]
    return _rounded(np.median(known)) if known else without


def _mean(values: Iterable[float]) -> float:
    known = [v for v in values if np.isfinite(v)]
    return _rounded(np.mean(known)) if known else 0.0


def _shares(values: Iterable[float]) -> list[float]:
    """Return nine quantiles of shares over clips, from which one is drawn for a session."""
    known = [v for v in values if np.isfinite(v)]
    return [_rounded(v) for v in np.quantile(known, np.linspace(0.05, 0.95, 9))] if known else [0.0]


def written(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return noise.toml."""
    lines = [
        "# How pose model and leg network err on rendered clips, per posture of rotrack's drills; made by training/noise.py.",
        "# Landmarks (marks, depth) are in shanks, x to the right for a right leg and to the left for a left one, y down; heel",
        "# and toe are told from the ankle. Directions are in degrees, across the ray and along it; points in feet. What the",
        "# keys mean is said in simulate.py.",
    ]
    for posture, table in tables.items():
        lines += ["", f"[{posture}]"]
        lines += [f"{key} = {_plain(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
        for group in ("marks", "depth", "network"):
            lines += [f"[{posture}.{group}]"] + [f"{key} = {_plain(value)}" for key, value in table[group].items()]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_plain(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(v) for v in value) + "]"
    return str(value)


def kept_in(keep: Path, folders: Sequence[Path]) -> list[tuple[Path, Path, str]]:
    """Return session folder, folder of the truth and name of all clips that were measured; no `test` clip."""
    found = []
    for marks in sorted(keep.glob(f"*/sessions/*/{LANDMARKS}")):
        name = marks.parents[2].name
        clips = next((folder for folder in folders if (folder / f"{name}.gt.json").is_file()), None)
        if clips and not name.startswith("test") and (marks.parent / LEGS_READ).exists():
            found.append((marks.parent, clips, name))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all clips and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keep", type=Path, help="where `rotrack validate --keep` left what the models said")
    parser.add_argument("clips", type=Path, nargs="+", help="folders of the clips with their truth")
    parser.add_argument("--out", type=Path, default=NOISE)
    parser.add_argument("--only-lost", action="store_true", help="how often clips are lost, and leave the rest of the table")
    given = parser.parse_args(arguments)
    found: dict[str, list[Found]] = defaultdict(list)
    for folder, clips, name in kept_in(given.keep, given.clips):
        try:
            legs = measured(folder, clips, name)
        except (ValueError, KeyError, OSError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        for one in legs:
            if one.moves or not Posture(one.posture).record.one_leg:  # there the leg that does not move is half hidden
                found[one.posture].append(one)
    if not found:
        sys.exit("No measured clip with truth: run `rotrack validate CLIPS --keep KEEP` first.")
    lost = lost_shares(found)
    if given.only_lost:
        tables = simulate.noise_table()
    else:
        held = {posture: [one for one in legs if not one.lost] for posture, legs in found.items()}
        tables = {"any": summed_up([one for legs in held.values() for one in legs])}
        tables |= {posture: filled(summed_up(legs), tables["any"]) for posture, legs in sorted(held.items()) if legs}
    tables = {posture: {**table, "lost": lost.get(posture, lost["any"])} for posture, table in tables.items()}
    given.out.write_text(written(tables), "utf-8")
    print(", ".join(f"{posture} {table['clips']}, lost {table['lost']:.0%}" for posture, table in tables.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
