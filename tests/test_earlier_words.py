"""The sentences that rotrack logged before it had codes are read as the codes of today."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from helpers import ROOT

from rotrack.core.model import Side
from rotrack.core.reasons import Reason, kind_of
from rotrack.records.earlier_words import reason_of, record_of_today
from rotrack.records.record import read_record, record_from
from rotrack.records.session import INTERRUPTED

LOGS = ROOT / "tests" / "fixtures" / "logs"
TABLE = tomllib.loads((ROOT / "rotrack" / "records" / "earlier_words.toml").read_text("utf-8"))["reason"]


def test_every_sentence_is_of_a_reason_that_there_is():
    assert [reason for reason in TABLE.values() if kind_of(reason) is None] == []
    assert {kind_of(reason) for reason in TABLE.values()} == set(Reason) - {Reason.NOT_ALL_SEEN}


@pytest.mark.parametrize(
    ("logged", "reason"),
    [
        ("", ""),
        ("waiting for the neutral pose: hold still", "waiting"),
        ("the left toe is not seen: the whole leg must be in the picture", "no_toe:side=left"),
        ("the right leg lies below; this drill measures the top one", "leg_below:side=right"),
        ("thigh or knee drifts; half repetition: no internal excursion with it", "fault:letter=T; half:direction=internal"),
        ("no shin is seen that points up: bend the knees to a right angle; the soles to the camera", "none_bent"),
        ("the camera is too low for this drill: `rotrack drills my-drill` says where to put it", "camera_low:drill=my-drill"),
        (
            "the floor profile no longer fits: it says that the camera leans by 3 degrees, the person shows about -4; if the "
            "camera was moved, run `rotrack calibrate floor` again; fits_badly",
            "floor_roll:then=3:now=-4; fits_badly",
        ),
        ("cut_off; the moon was in the way", "cut_off; the moon was in the way"),
        ("the moon was in the way; its peak was not seen", "the moon was in the way; peak_unseen"),
    ],
)
def test_sentences_become_reasons(logged: str, reason: str):
    assert reason_of(logged) == reason
    assert reason_of(reason) == reason


def test_a_record_is_read_with_the_reasons_of_today():
    folder = LOGS / "32_columns" / "sessions" / "20251018-183000-seated-internal-b132"
    (found,) = read_record(folder).reasons
    assert found == Reason.WAITING


def test_a_record_keeps_all_else():
    leans, moved = "the picture leans by about 9 degrees: set the camera level", "moved away"
    raw = {
        "reasons": {"nobody is seen in the picture": 3, "nobody": 2, moved: 1},
        "camera_advice": {"left": leans},
        "apart": [{"reason": "too small to be told from fidgeting", "side": "left"}],
        "neutrals": [{"advice": leans}, {}],
        "warnings": ["The program was ended while it measured. Every repetition that was finished by then is kept.", "Odd."],
        "note": leans,
    }
    now = record_of_today(raw)
    assert now["reasons"] == {"nobody": 5, moved: 1}
    assert now["camera_advice"] == {"left": "camera_leans:degrees=9"}
    assert now["apart"] == [{"reason": "too_small", "side": "left"}]
    assert now["neutrals"] == [{"advice": "camera_leans:degrees=9"}, {}]
    assert now["warnings"] == [{"code": INTERRUPTED.code}, "Odd."]
    assert now["note"] == leans


def test_a_warning_in_words_is_the_message_of_today(tmp_path: Path):
    raw = json.loads((ROOT / "tests" / "fixtures" / "internal_right" / "session.json").read_text("utf-8"))
    raw["warnings"] = ["The program was ended while it measured. Every repetition that was finished by then is kept."]
    record = record_from(tmp_path, raw)
    assert record.warnings == (INTERRUPTED,)
    assert Side.RIGHT in record.sides
