"""What is refused, how often, and what the reading would have been worth: the tables of docs/refusals.md.

python -m training.refusals                          # the recordings of rendered clips in training/recordings
python -m training.refusals FOLDER --keep KEEP       # clips of your own, with what `rotrack validate --keep` left of them

Every session is measured as it is, and once more for each refusal that struck, without that one. Of a refused neutral pose the
whole session says what it would have been worth, of a refused frame that frame. What has no landmarks cannot be read.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from rotrack.core.drills import Drill, load_table
from rotrack.core.model import CurvePoint, Pose, Side
from rotrack.core.reasons import Reason, kind_of
from rotrack.kinematics import identity
from rotrack.kinematics.rotation import (
    NETWORK_MISFIT,
    NEUTRAL_WITHIN_DEG,
    About,
    LegMeasure,
)
from rotrack.records.landmarks import LANDMARKS, read_poses
from rotrack.records.record import read_record
from rotrack.texts import words
from rotrack.tracking import pipeline
from rotrack.validation.truth import read_clips
from training.recordings import RECORDINGS, SESSIONS

BEGIN, END = "<!-- recorded: written by `python -m training.refusals --write-docs` -->", "<!-- end -->"
NEAR_PEAK = 0.8
DOCS = Path(__file__).parents[1] / "docs" / "refusals.md"


@dataclass(frozen=True)
class Case:
    """A session whose truth is known: what was seen, and how far each moving leg is turned from its rest in each pose, deg."""

    name: str
    drill: Drill
    poses: tuple[Pose, ...]
    true_deg: Mapping[Side, np.ndarray]


# ---------------------------------------------------------------------- what is measured
def recorded(folder: Path, keep: Path) -> Iterator[Case]:
    """Yield the clips of a truth folder as they were read."""
    for clip in read_clips(folder):
        session = next(iter(sorted(keep.glob(f"{clip.name}/sessions/*/{LANDMARKS}"))), None)
        drill = load_table().drill(clip.drill)
        if session is None or drill.tier.is_counted:
            continue
        poses = tuple(read_poses(session.parent, read_record(session.parent).legnet is not None))
        times_s = np.array([pose.time_s for pose in poses])
        moving = {side: leg for side, leg in clip.truth().items() if leg.reps}
        yield Case(clip.name, drill, poses, {side: leg.at(times_s) - leg.rest_at(times_s) for side, leg in moving.items()})


# ---------------------------------------------------------------------- without a refusal
def as_in_0_1_0(measure: LegMeasure, drill: Drill) -> str:
    """Return what version 0.1.0 would have said of a neutral pose; its limits stand here."""
    zero_deg, leg, stance = measure._judged_zero_deg, measure._judged, measure._stance
    misfit_at_most = stance.misfit_at_most * (NETWORK_MISFIT if leg is not measure._leg else 1.0)
    outwards_deg, inwards_deg = {"standing": (-10.5, 1.7), "standing_toes": (-10.5, 1.7), "long_sitting": (-13.0, 5.0)}.get(
        drill.posture, (-90.0, 90.0)
    )
    low, high = stance.pitch_limits_deg
    checks = (
        (not np.isfinite(measure.neutral_angle_deg) and not drill.posture.record.hips_stacked, Reason.HIPS_STACKED),
        (
            drill.posture.record.shank_hangs and abs(measure.neutral_angle_deg) > NEUTRAL_WITHIN_DEG,
            Reason.HANG_STRAIGHT,
        ),
        (not outwards_deg <= zero_deg <= inwards_deg, Reason.POINT_FORWARDS),
        (leg.pitch_deg < low, Reason.CAMERA_LOW),
        (leg.pitch_deg > high, Reason.CAMERA_HIGH),
        (abs(leg.turn_deg) > 40.0, Reason.CAMERA_FAR_ASIDE),
        (leg.misfit > misfit_at_most, Reason.NOT_THE_POSITION),
    )
    return next((said for wrong, said in checks if wrong), "")


_why_not = LegMeasure._why_not


class _Neutrals(ExitStack):
    """Keeps what is said of the first neutral pose of each leg, in 0.1.0 and now; may let through all that can be read."""

    def __init__(self, through: bool = False) -> None:
        super().__init__()
        self.said: dict[Side, tuple[str, str]] = {}

        def let_through(measure: LegMeasure, drill: Drill) -> tuple[str, About]:
            now, about = _why_not(measure, drill)
            readable = np.isfinite(measure._zero_deg) and not (measure._needs_network and measure._network is None)
            before = as_in_0_1_0(measure, drill) if readable else Reason.NOT_THE_POSITION
            self.said.setdefault(measure.side, (before, kind_of(now) or ""))
            return ("", about) if readable and through else (now, about)

        self.enter_context(patch.object(LegMeasure, "_why_not", let_through))


def _silent(*_: object) -> str:
    return ""


def _mixed_up() -> ExitStack:
    stack = ExitStack()
    stack.enter_context(patch.object(identity.LegIdentity, "update", _silent))
    return stack


FRAMES: dict[str, tuple[tuple[Reason, ...], Callable[[], Any] | None]] = {
    "nobody is seen": ((Reason.NOBODY, Reason.TOO_DARK), None),
    "somebody else is in the way or seen instead": ((Reason.IN_THE_WAY, Reason.HIDDEN, Reason.GONE), None),
    "the camera repeats the same frame": ((Reason.FROZEN,), None),
    "a part of the leg is not seen": (
        (Reason.NO_HIP, Reason.NO_KNEE, Reason.NO_ANKLE, Reason.NO_TOE, Reason.NO_SHOULDER, Reason.NO_LEG, Reason.LEG_BELOW),
        None,
    ),
    "the foot cannot be read": ((Reason.FOOT_UNREAD,), None),
    "before the neutral pose: hold still": ((Reason.WAITING, Reason.FEW_FRAMES), None),
    "not the position of the drill": (
        (Reason.NOT_SITTING, Reason.NOT_STANDING, Reason.ANKLE_HIGH, Reason.ON_ITS_SIDE, Reason.UPSIDE_DOWN),
        lambda: patch.object(pipeline, "position_problem", _silent),
    ),
    "moved away from the place": ((Reason.MOVED_AWAY,), lambda: patch.object(pipeline, "MOVED_AWAY", math.inf)),
    "the legs cross, jump or are mixed up": ((Reason.LEGS_CROSS, Reason.LEGS_SWAPPED, Reason.LEGS_JUMP), _mixed_up),
    "more than a hip can turn": ((Reason.BEYOND_HIP,), lambda: patch.object(pipeline, "IMPLAUSIBLE_FROM_DEG", math.inf)),
}
"""Refusals of single frames: their reasons, and how to measure without one where that is possible."""


def _told(refusal: str) -> str:
    """Return in words what is refused, without what to do about it."""
    return words(f"{refusal}:degrees=N:side=any:drill=N").split(":")[0]


def _kind(reason: str) -> str:
    """Return which refusal of frames a reason belongs to; empty if to none."""
    return next((kind for kind, (reasons, _) in FRAMES.items() if kind_of(reason) in reasons), "")


# ---------------------------------------------------------------------- one session
@dataclass
class Struck:
    """What a refusal did to one leg.

    Parameters
    ----------
    refusal : str
        Which one.
    frames : int
        Frames without an angle for it, or all that were read without it.
    error_deg, stated_deg : numpy.ndarray, shape (n,)
        Absolute errors where it was read all the same, and the 95 % half widths that were stated.
    at_peak : numpy.ndarray, shape (n,)
        Whether the leg was turned nearly as far as it ever was.
    then, now : bool
        Of a neutral pose: whether 0.1.0 refused it, and whether this version does.
    """

    refusal: str
    frames: int
    error_deg: np.ndarray = field(default_factory=lambda: np.zeros(0))
    stated_deg: np.ndarray = field(default_factory=lambda: np.zeros(0))
    at_peak: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    then: bool = False
    now: bool = True


def struck(case: Case) -> tuple[list[Struck], list[Struck]]:
    """Return what refusals of neutral poses and of single frames did to the legs of a session."""
    by_frame = []
    with _Neutrals() as neutrals:
        plain = _measured(case)
    reasons = {side: {p.time_s: _kind(p.reason) for p in plain if p.side is side and p.reason} for side in case.true_deg}
    for kind, (_, without) in FRAMES.items():
        hit = {side: {t for t, found in times.items() if found == kind} for side, times in reasons.items()}
        lifted = []
        if without and any(hit.values()):
            with without():
                lifted = _measured(case)
        for side, times in hit.items():
            if times:
                points = [p for p in lifted if p.side is side and p.time_s in times]
                by_frame.append(Struck(kind, len(times), *_errors(case, side, points)))
    through: list[CurvePoint] = []
    if any(any(said) for said in neutrals.said.values()):
        with _Neutrals(through=True):
            through = _measured(case)
    by_neutral = []
    for side in case.true_deg:
        then, now = neutrals.said.get(side, ("", ""))
        if then or now:
            points = [p for p in through if p.side is side]
            by_neutral.append(Struck(now or then, len(points), *_errors(case, side, points), bool(then), bool(now)))
    return by_neutral, by_frame


def _measured(case: Case) -> list[CurvePoint]:
    tracker = pipeline.RotationTracker(case.drill, tuple(case.true_deg))
    points: list[CurvePoint] = []
    for pose in case.poses:
        points += tracker.update(pose).curve
    return [*points, *tracker.finish(case.poses[-1]).curve]


def _errors(case: Case, side: Side, points: Sequence[CurvePoint]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return absolute errors of angles against the truth, the 95 % half widths that were stated, deg, and which are at a peak."""
    true_at = dict(zip((pose.time_s for pose in case.poses), case.true_deg[side], strict=True))
    read = [p for p in points if math.isfinite(p.angle_deg)]
    errors = [abs(p.angle_deg - true_at[p.time_s]) for p in read]
    far_deg = NEAR_PEAK * float(np.abs(case.true_deg[side]).max())
    at_peak = [abs(true_at[p.time_s]) >= far_deg for p in read]
    return np.array(errors), np.array([p.uncertainty_deg for p in read]), np.array(at_peak, bool)


# ---------------------------------------------------------------------- tables
def tables(found: Iterable[tuple[list[Struck], list[Struck]]], legs: int) -> str:
    """Return both tables as markdown."""
    neutrals: dict[str, list[Struck]] = defaultdict(list)
    frames: dict[str, list[Struck]] = defaultdict(list)
    for by_neutral, by_frame in found:
        for one in by_neutral:
            neutrals[one.refusal].append(one)
        for one in by_frame:
            frames[one.refusal].append(one)
    lines = [
        f"| neutral pose refused ({legs} legs) | by 0.1.0 | now | error when read, deg | at the peaks | within what is stated |",
        "|---|---|---|---|---|---|",
    ]
    for refusal, ones in sorted(neutrals.items(), key=lambda item: -len(item[1])):
        lines.append(f"| {_told(refusal)} | {sum(o.then for o in ones)} | {sum(o.now for o in ones)} | {_worth(ones)} |")
    lines += [
        "",
        "| frames refused now | legs | frames | error when read, deg | at the peaks | within what is stated |",
        "|---|---|---|---|---|---|",
    ]
    for kind in FRAMES:
        if kind in frames:
            ones = frames[kind]
            lines.append(f"| {kind} | {len(ones)} | {sum(o.frames for o in ones)} | {_worth(ones)} |")
    return "\n".join(lines)


def _worth(ones: Sequence[Struck]) -> str:
    """Return the median errors, everywhere and at the peaks, and how often the stated ones held, as cells."""
    errors, stated, at_peak = (
        np.concatenate([getattr(one, name) for one in ones]) for name in ("error_deg", "stated_deg", "at_peak")
    )
    if not len(errors):
        return "cannot be read | - | -"
    peaks = f"{np.median(errors[at_peak]):.1f}" if at_peak.any() else "-"
    held = f"{100 * float((errors <= np.nan_to_num(stated)).mean()):.0f} %"
    return f"{np.median(errors):.1f} | {peaks} | {held}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=RECORDINGS, help="clips with their truth")
    parser.add_argument("--keep", type=Path, help="their sessions; default: `sessions` in the folder")
    parser.add_argument("--write-docs", action="store_true", help="write the tables into docs/refusals.md")
    asked = parser.parse_args(arguments)
    cases = list(recorded(asked.folder, asked.keep or asked.folder / SESSIONS))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        text = tables(pool.map(struck, cases), sum(len(case.true_deg) for case in cases))
    text = f"{len(cases)} sessions.\n\n{text}"
    if asked.write_docs:
        docs = DOCS.read_text("utf-8")
        before, _, rest = docs.partition(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
