"""Why there is no angle, why a movement does not count, and what to change about the camera: codes, never words.

A reason is a `Reason`, with a value behind a colon where it has one: `camera_aside:degrees=23`. Several stand in one text with
"; " between them, and no reason is an empty text. This is how they are compared, counted and logged; `rotrack.texts` makes the
words.
"""

from __future__ import annotations

from enum import StrEnum

from rotrack.core.messages import Message, say

BETWEEN = "; "
"""What stands between two reasons in one text."""


class Reason(StrEnum):
    """A reason without its values; the names of these are the places in its text under `reason` in the catalogues."""

    NOBODY = "nobody"
    TOO_DARK = "too_dark"
    FROZEN = "frozen"
    IN_THE_WAY = "in_the_way"
    HIDDEN = "hidden"
    GONE = "gone"
    NO_HIP = "no_hip"
    NO_KNEE = "no_knee"
    NO_ANKLE = "no_ankle"
    NO_TOE = "no_toe"
    NO_SHOULDER = "no_shoulder"
    NO_LEG = "no_leg"
    NO_TRUNK = "no_trunk"
    NOT_ALL_SEEN = "not_all_seen"
    FOOT_UNREAD = "foot_unread"
    LEGS_CROSS = "legs_cross"
    LEGS_SWAPPED = "legs_swapped"
    LEGS_JUMP = "legs_jump"
    NONE_BENT = "none_bent"
    ONE_BENT = "one_bent"
    LEG_BELOW = "leg_below"
    LEG_ON_TOP = "leg_on_top"
    NOT_SITTING = "not_sitting"
    NOT_STANDING = "not_standing"
    ANKLE_HIGH = "ankle_high"
    ON_ITS_SIDE = "on_its_side"
    UPSIDE_DOWN = "upside_down"
    MOVED_AWAY = "moved_away"
    BEYOND_HIP = "beyond_hip"
    NOT_SETTLED = "not_settled"
    WAITING = "waiting"
    FEW_FRAMES = "few_frames"
    NOT_THE_POSITION = "not_the_position"
    FROM_BEHIND = "from_behind"
    HIPS_STACKED = "hips_stacked"
    HANG_STRAIGHT = "hang_straight"
    SHINS_UP = "shins_up"
    POINT_FORWARDS = "point_forwards"
    TOES_OUT = "toes_out"
    TOES_IN = "toes_in"
    FITS_BADLY = "fits_badly"
    CAMERA_ASIDE = "camera_aside"
    CAMERA_FAR_ASIDE = "camera_far_aside"
    CAMERA_LOW = "camera_low"
    CAMERA_HIGH = "camera_high"
    CAMERA_DOWN = "camera_down"
    CAMERA_LEANS = "camera_leans"
    FLOOR_PITCH = "floor_pitch"
    FLOOR_ROLL = "floor_roll"
    FAULT = "fault"
    CUT_OFF = "cut_off"
    PEAK_UNSEEN = "peak_unseen"
    PARTIAL = "partial"
    OUTLIER = "outlier"
    HALF = "half"
    OVERSHOOT = "overshoot"
    BEFORE_ZERO = "before_zero"
    TOO_SMALL = "too_small"
    FAR_TOO_SMALL = "far_too_small"
    OTHER_WAY = "other_way"

    def of(self, **values: str | int) -> str:
        """Return the reason with its values."""
        return ":".join([self, *(f"{name}={value}" for name, value in values.items())])


def joined(*reasons: str) -> str:
    """Return several reasons in one text; empty ones are left out."""
    return BETWEEN.join(filter(None, reasons))


def parts_of(reason: str) -> list[str]:
    """Return the reasons in a text one by one."""
    return reason.split(BETWEEN) if reason else []


def kind_of(reason: str) -> Reason | None:
    """Return a single reason without its values; None for what is none."""
    try:
        return Reason(reason.partition(":")[0])
    except ValueError:
        return None


def values_of(reason: str) -> dict[str, str]:
    """Return the values of a single reason by name."""
    return dict(value.split("=", 1) for value in reason.split(":")[1:] if "=" in value)


def because(reason: str) -> Message:
    """Return reasons as a message that says them and nothing else."""
    return say("because.words", reason=reason)
