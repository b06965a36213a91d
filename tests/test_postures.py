"""Postures as data: each in one record, which loads only if it is whole."""

from __future__ import annotations

import math
import re
from importlib import resources

import pytest

from rotrack.core.errors import DrillError
from rotrack.core.postures import FILE, Posture, parse_postures

TEXT = resources.files("rotrack.core").joinpath(FILE).read_text("utf-8")


def changed(old: str, new: str) -> str:
    """The table with the first line that matches replaced."""
    text, count = re.subn(old, new, TEXT, count=1, flags=re.MULTILINE)
    assert count == 1
    return text


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (r"^one_leg = .*\n", "", "posture 'seated': missing key one_leg"),
        (r"^lying = .*", 'lying = "no"', "posture 'seated': lying must be true or false"),
        (r"^title = .*", 'title = " "', "posture 'seated': title must be words"),
        (r"^foot_larger = .*", "foot_larger = [1]", "posture 'seated': foot_larger must be a number"),
        (r"^turn_shown = .*", "turn_shown = [1.17, 0]", "turn_shown needs slope, offset and standard error"),
        (r"^person_pitch_deg = .*", "person_pitch_deg = [3]", "person_pitch_deg needs an angle and its standard error"),
        (r"^misfit_refused = .*\n", "", "posture 'seated': missing key misfit_refused"),
        (r"^facings = .*", 'facings = ["sideways"]', "facings must be among upright, away"),
        (r"^raised_deg = .*", 'raised_deg = ["high"]', "raised_deg needs angles, or nothing"),
        (r"^raised_deg = .*", "raised_deg = 75", "raised_deg needs angles, or nothing"),
        (r"^gravity = .*", 'gravity = "left"', "gravity must be up, down or nothing"),
        (r"^zero_limits_deg = .*", "zero_limits_deg = [9, -24]", "zero_limits_deg needs low and high"),
        (r"^from_behind = ", "seen_from_behind = true\nfrom_behind = ", "unknown key seen_from_behind"),
        (r"^\[lunge\]", "[lounge]", "unknown key lounge"),
        (r'^turns_about = "knee"', 'turns_about = "ankle"', "figure 'seated': turns_about must be one of"),
    ],
)
def test_a_record_that_is_not_whole_does_not_load(old: str, new: str, why: str) -> None:
    with pytest.raises(DrillError, match=re.escape(why)) as refused:
        parse_postures(changed(old, new))
    assert str(refused.value).startswith(FILE)


def test_only_a_posture_in_which_no_angle_is_measured_has_no_stance() -> None:
    assert [posture for posture in Posture if posture.record.stance is None] == [Posture.STRETCH]


def test_what_is_not_known_is_none_or_nan() -> None:
    record = Posture.SIDE_TOP.record
    assert (record.turn_shown, record.pitch_shown, record.person_pitch_deg) == (None, None, None)
    assert math.isnan(record.roll_sd_deg)
    assert math.isnan(record.standing_knee_at_most_deg)
