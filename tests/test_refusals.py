"""The tables of what is refused (training/refusals.py)."""

from __future__ import annotations

import numpy as np
from repository import ROOT

from training.refusals import Struck, recorded, struck, tables

RECORDINGS = ROOT / "training" / "recordings"


def test_a_pose_that_0_1_0_refused_is_measured_now_and_its_worth_is_known() -> None:
    case = next(case for case in recorded(RECORDINGS, RECORDINGS / "sessions") if case.name == "tune_ninety_1")
    by_neutral, _ = struck(case)
    assert [(one.then, one.now) for one in by_neutral] == [(True, False)] * 2
    assert all(np.median(one.error_deg) < 3 for one in by_neutral)


def test_the_worth_of_a_refusal_is_over_all_legs_that_it_struck() -> None:
    peak = np.array([False, True])
    legs = [
        Struck("too high", 2, np.array([off, off + 1]), np.array([2.5, 2.5]), peak, now=False, then=True) for off in (1.0, 3.0)
    ]
    (row,) = [line for line in tables([([leg], []) for leg in legs], 2).splitlines() if "too high" in line]
    assert row == "| too high | 2 | 0 | 2.5 | 3.0 | 50 % |"
