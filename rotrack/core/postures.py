"""All that is known of a posture, in one record: `postures.toml`, checked when it is loaded.

Angles follow the clinical sense (flexion, abduction, internal rotation, knee flexion and dorsiflexion positive). Those of a
stance are the positions that the drill table asks for, not measurements; a person who stands a little differently is found by
the fit.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from rotrack.core.figures import Figure, Need, are_numbers, known_keys, needs, read_figure

FILE = "postures.toml"


class Posture(StrEnum):
    """Position of a drill: what the leg model starts from, and what the person must be in."""

    SEATED = "seated"
    STANDING = "standing"
    STANDING_TOES = "standing_toes"
    LONG_SITTING = "long_sitting"
    SUPINE_BENT = "supine_bent"
    SUPINE_STRAIGHT = "supine_straight"
    SUPINE_90_90 = "supine_90_90"
    PRONE = "prone"
    SIDE_RAISED = "side_raised"
    SIDE_TOP = "side_top"
    SIDE_BOTTOM = "side_bottom"
    LUNGE = "lunge"
    STRETCH = "stretch"

    @property
    def record(self) -> PostureRecord:
        """All that is known of it."""
        return records()[self]


class Facing(Enum):
    """How the pelvis lies before a level camera: columns are anterior, superior and right in camera axes."""

    UPRIGHT = ((0, 0, -1), (0, -1, 0), (-1, 0, 0))
    AWAY = ((0, 0, 1), (0, -1, 0), (1, 0, 0))
    FEET_FIRST = ((0, -1, 0), (0, 0, 1), (-1, 0, 0))
    FACE_DOWN = ((0, 1, 0), (0, 0, 1), (1, 0, 0))
    RIGHT_DOWN = ((-1, 0, 0), (0, 0, 1), (0, 1, 0))
    LEFT_DOWN = ((1, 0, 0), (0, 0, 1), (0, -1, 0))

    @property
    def axes(self) -> np.ndarray:
        """The pelvis axes as a rotation matrix, shape (3, 3)."""
        return np.array(self.value, float).T


@dataclass(frozen=True, slots=True)
class Stance:
    """Where the body starts, and how far it may stray: the prior of the leg model before it sees a picture, degrees.

    Parameters
    ----------
    facings : tuple of Facing
        Ways to lie or stand; the one that fits best is taken.
    pitches_deg : tuple of (float, float)
        Expected downward tilt of the camera with its standard deviation, one per sensible camera place.
    turn_sd_deg : float
        Standard deviation of the turn of the pelvis against the camera.
    flexion_deg, abduction_deg, rotation_deg, knee_deg, ankle_deg, tilt_deg : float
        Expected joint angles and forward tilt of the pelvis at neutral.
    raised_deg : tuple of float
        Other abductions that the leg may be raised to; the one that fits best is taken. Near 90 degrees the thigh points along
        the line of the hips, which then shows no rotation. It is read against the rest of the pelvis, which lies on the side as
        the person does, and which the fit holds in its place: the axis of the trunk is the reference.
    moves_deg : tuple of float
        How far flexion, abduction, knee and ankle may move during the drill (standard deviations).
    gravity : str
        What a goniometer held against gravity takes as zero: "down" or "up" the plumb line, or "" where none is read: the
        femur stands upright, so that gravity shows no rotation, or the person lies on the side, where the tilt of the camera
        is not known well enough.
    pitch_limits_deg, pitch_refused_deg : tuple of float
        Camera tilts outside of the first make the error wider, and are refused where the leg network does not see the leg;
        outside of the second they are refused.
    misfit_at_most, misfit_refused : float
        Half the weighted squared misfit of the neutral pose: good clips have 0.5 to 4. More than the first makes the error wider;
        more than the second is no leg in this posture, unless the leg network sees one that fits. Lying on the side, the pose
        model misplaces hip and knee of a leg that still swings right.
    zero_usual_deg, zero_limits_deg : tuple of float
        How far the leg is turned in the neutral pose, as the fit finds it. People stand with their feet turned in by 3 to out by
        20 degrees (two standard deviations: Staheli 1985, J Bone Joint Surg 67-A, 39-47), and the fit errs by 4; outside of the
        first this is said, outside of the second somebody holds still in the middle of a turn.
    """

    facings: tuple[Facing, ...]
    pitches_deg: tuple[tuple[float, float], ...]
    turn_sd_deg: float
    flexion_deg: float
    abduction_deg: float
    rotation_deg: float
    knee_deg: float
    ankle_deg: float
    tilt_deg: float
    raised_deg: tuple[float, ...]
    moves_deg: tuple[float, float, float, float]
    gravity: str
    pitch_limits_deg: tuple[float, float]
    pitch_refused_deg: tuple[float, float]
    misfit_at_most: float
    misfit_refused: float
    zero_usual_deg: tuple[float, float]
    zero_limits_deg: tuple[float, float]


class Shown(NamedTuple):
    """How a true angle follows from what the leg model finds: slope times found plus offset, right to the standard error."""

    slope: float
    offset_deg: float
    sd_deg: float


@dataclass(frozen=True, slots=True)
class PostureRecord:
    """All that is known of a posture.

    Parameters
    ----------
    title : str
        Its name in words, for tables.
    lying : bool
        Whether the person lies, so that one part of the body may cover another.
    one_leg : bool
        Whether only one leg is measured in the position that the person is in.
    from_behind : bool
        Whether the camera sees the person from behind.
    shank_hangs : bool
        Whether the person sits and the lower leg hangs: at neutral it is vertical, the camera belongs at knee height, and the
        pelvis is seen to roll.
    top_leg : bool
        Whether the leg that lies above is measured.
    hips_stacked : bool
        Whether the hips belong one above the other in the picture.
    legs_mixed_up : bool
        Whether the pose model mixes up the legs so often that every frame is checked.
    face_down : bool
        Whether the person lies on the belly with the feet to the camera: the pose model takes left for right, and the thighs
        point away from the camera, so the legs are named and placed by the leg network alone.
    turned_freely : bool
        Whether the person may be turned against the camera as they like.
    personal_gain : bool
        Whether a person's own gain is for this posture.
    standing_knee_at_most_deg : float
        Who stands bends the knee by no more, as world landmarks show it; NaN where the person does not stand.
    foot_larger : float
        How much larger feet are than the pose model takes them for: of people who lie, it takes what is nearest to the camera for
        too small (medians over 2 to 6 rendered clips; in the other postures it is right to 4 %).
    turn_shown, pitch_shown : Shown or None
        What the leg model shows of the camera's turn (mean over both legs) and pitch: least squares on rendered people before
        known cameras (17 to 90 views a posture, up to 25 degrees aside). None where it does not show it.
    roll_sd_deg : float
        Standard error of the camera's roll, which comes from the trunk where that is upright; elsewhere NaN. On rendered people
        it errs by 0.5 to 1.3 degrees, long sitting by 3; real ones lean a little.
    person_pitch_deg : tuple of (float, float) or None
        How much too far down the camera seems to look to a leg model that expects no tilt of it, and how sure that is (rendered
        people, docs/calibration.md); None where the tilt shows too badly.
    stance : Stance or None
        The prior of the leg model; None where no angle is measured.
    figure : Figure
        What it looks like.
    """

    title: str
    lying: bool
    one_leg: bool
    from_behind: bool
    shank_hangs: bool
    top_leg: bool
    hips_stacked: bool
    legs_mixed_up: bool
    face_down: bool
    turned_freely: bool
    personal_gain: bool
    standing_knee_at_most_deg: float
    foot_larger: float
    turn_shown: Shown | None
    pitch_shown: Shown | None
    roll_sd_deg: float
    person_pitch_deg: tuple[float, float] | None
    stance: Stance | None
    figure: Figure


@cache
def records() -> dict[Posture, PostureRecord]:
    """Return the record of every posture.

    Raises
    ------
    DrillError
        Naming the posture, the field and the rule that it breaks.
    """
    text = resources.files(__package__).joinpath(FILE).read_text("utf-8")
    return parse_postures(text)


def parse_postures(text: str) -> dict[Posture, PostureRecord]:
    """Parse and check a table of postures: as `records`."""
    data = tomllib.loads(text)
    known_keys(data, set(Posture), set(Posture), needs(FILE, "table", "of postures"))
    return {posture: _record(posture, data[posture]) for posture in Posture}


def _record(posture: Posture, raw: dict[str, Any]) -> PostureRecord:
    need = needs(FILE, "posture", posture)
    known = {f.name for f in fields(PostureRecord)}
    known_keys(raw, known, known - {"stance"}, need)
    values: dict[str, Any] = {"stance": None}
    for f in fields(PostureRecord):
        if f.type == "bool":
            need(isinstance(raw[f.name], bool), f"{f.name} must be true or false")
            values[f.name] = raw[f.name]
        elif f.type == "float":
            values[f.name] = _number(f.name, raw[f.name], need)
        elif f.type == "str":
            need(isinstance(raw[f.name], str) and raw[f.name].strip() != "", f"{f.name} must be words")
            values[f.name] = raw[f.name]
    for name in ("turn_shown", "pitch_shown"):
        need(raw[name] == [] or are_numbers(raw[name], 3), f"{name} needs slope, offset and standard error, or nothing")
        values[name] = Shown(*map(float, raw[name])) if raw[name] else None
    pitch = raw["person_pitch_deg"]
    need(pitch == [] or are_numbers(pitch, 2), "person_pitch_deg needs an angle and its standard error, or nothing")
    values["person_pitch_deg"] = (float(pitch[0]), float(pitch[1])) if pitch else None
    if "stance" in raw:
        values["stance"] = _stance(raw["stance"], need)
    return PostureRecord(**values, figure=read_figure(FILE, posture, raw["figure"]))


def _number(name: str, value: Any, need: Need) -> float:
    need(are_numbers([value], 1), f"{name} must be a number")
    return float(value)


def _stance(raw: dict[str, Any], need: Need) -> Stance:
    known = {f.name for f in fields(Stance)}
    known_keys(raw, known, known, need)
    facings = {facing.name.lower(): facing for facing in Facing}
    need(bool(raw["facings"]) and set(raw["facings"]) <= set(facings), f"facings must be among {', '.join(facings)}")
    need(all(are_numbers(pair, 2) for pair in raw["pitches_deg"]), "pitches_deg needs an angle and its standard deviation each")
    need(raw["gravity"] in ("", "up", "down"), "gravity must be up, down or nothing")
    raised = raw["raised_deg"]
    need(isinstance(raised, list) and are_numbers(raised, len(raised)), "raised_deg needs angles, or nothing")
    need(are_numbers(raw["moves_deg"], 4), "moves_deg needs four angles: flexion, abduction, knee, ankle")
    values: dict[str, Any] = {
        "facings": tuple(facings[name] for name in raw["facings"]),
        "pitches_deg": tuple((float(pitch), float(sd)) for pitch, sd in raw["pitches_deg"]),
        "gravity": raw["gravity"],
        "raised_deg": tuple(map(float, raised)),
        "moves_deg": tuple(map(float, raw["moves_deg"])),
    }
    for name in ("pitch_limits_deg", "pitch_refused_deg", "zero_usual_deg", "zero_limits_deg"):
        need(are_numbers(raw[name], 2) and raw[name][0] < raw[name][1], f"{name} needs low and high")
        values[name] = (float(raw[name][0]), float(raw[name][1]))
    values |= {name: _number(name, raw[name], need) for name in known - set(values)}
    return Stance(**values)
