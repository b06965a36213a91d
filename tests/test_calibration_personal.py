"""Holds and gain of a person's foot: from synthetic readings, and from the landmarks of a rendered person."""

import json

import numpy as np
import pytest
from helpers import FIXTURES

from rotrack.calibration.personal import AVERAGE_SHARE, Foot, Hold, HoldFinder, fit_foot, gain_of
from rotrack.core.drills import load_table
from rotrack.core.errors import CalibrationError
from rotrack.core.model import Side
from rotrack.records.landmarks import read_poses
from rotrack.tracking.pipeline import RotationTracker

RATE_HZ = 25.0


def readings(*plan: tuple[float, float], noise_deg: float = 1.0, seed: int = 0) -> list[tuple[float, float]]:
    """Return times and readings of a foot that goes from one angle to the next in 0.6 s and stays there: (angle, seconds)."""
    angles, before = [], 0.0
    for angle, stay_s in plan:
        angles += list(np.linspace(before, angle, int(0.6 * RATE_HZ))) + [angle] * int(stay_s * RATE_HZ)
        before = angle
    noisy = np.array(angles) + np.random.default_rng(seed).normal(0, noise_deg, len(angles))
    return [(k / RATE_HZ, float(a)) for k, a in enumerate(noisy)]


def found(samples: list[tuple[float, float]], side: Side = Side.LEFT) -> HoldFinder:
    finder = HoldFinder(side)
    for time_s, reading in samples:
        finder.update(time_s, reading)
    return finder


@pytest.mark.parametrize("share", [0.6, 0.8, 1.4])
def test_the_share_that_a_foot_reads_is_found(share: float) -> None:
    finder = found(readings((0, 3), (-30 * share, 2.6), (-45 * share, 2.6)))
    assert finder.done
    assert [h.target_deg for h in finder.holds] == [-30, -45]
    assert [h.read_deg for h in finder.holds] == pytest.approx([-30 * share, -45 * share], abs=0.8)
    assert all(1.95 < h.to_s - h.from_s < 2.3 for h in finder.holds)
    foot = fit_foot(finder.holds, Side.LEFT)
    assert foot.share == pytest.approx(share, rel=0.04)
    assert foot.residual_deg < 1.5


def test_the_share_goes_through_zero_and_the_residual_is_what_it_leaves() -> None:
    foot = fit_foot([Hold(-30, -20, 0, 2), Hold(-45, -34, 3, 5)], Side.RIGHT)
    assert foot.share == pytest.approx((30 * 20 + 45 * 34) / (30**2 + 45**2))
    assert foot.residual_deg == pytest.approx(np.hypot(30 - 20 / foot.share, 45 - 34 / foot.share))


# ---------------------------------------------------------------------- from feet to the gain of a person
def test_a_person_who_reads_as_the_average_has_a_gain_of_one() -> None:
    gains = gain_of({side: Foot(AVERAGE_SHARE, 1.0) for side in Side})
    assert [gains[side].gain for side in Side] == pytest.approx([1, 1])
    assert gains[Side.LEFT].zero_deg == 0


@pytest.mark.parametrize("share", [0.65, 0.9])
def test_the_gain_is_drawn_towards_one_and_less_so_with_two_feet(share: float) -> None:
    both = gain_of({side: Foot(share, 1.0) for side in Side})[Side.LEFT].gain
    one = gain_of({Side.LEFT: Foot(share, 1.0)})[Side.LEFT].gain
    whole = AVERAGE_SHARE / share
    assert np.sign(whole - 1) == np.sign(both - 1) == np.sign(one - 1)
    assert abs(np.log(one)) < abs(np.log(both)) < abs(np.log(whole))
    assert both == pytest.approx(whole ** (2 / 3))


def test_both_legs_get_the_same_gain_even_from_one_foot() -> None:
    feet = gain_of({Side.LEFT: Foot(0.7, 1.0), Side.RIGHT: Foot(0.8, 2.0)})
    assert feet[Side.LEFT].gain == feet[Side.RIGHT].gain
    assert (feet[Side.LEFT].residual_deg, feet[Side.RIGHT].residual_deg) == (1.0, 2.0)
    one = gain_of({Side.RIGHT: Foot(0.7, 1.5)})
    assert one[Side.LEFT] == one[Side.RIGHT]


def test_feet_that_differ_by_more_than_chance_are_refused() -> None:
    with pytest.raises(CalibrationError, match="60% of the turn of the left foot and 90%"):
        gain_of({Side.LEFT: Foot(0.6, 1.0), Side.RIGHT: Foot(0.9, 1.0)})


def test_going_back_to_zero_between_the_rays_is_fine() -> None:
    finder = found(readings((0, 2), (-22, 2.5), (0, 3), (-36, 2.5)))
    assert [h.read_deg for h in finder.holds] == pytest.approx([-22, -36], abs=0.8)


def test_short_stops_and_slow_drifts_are_no_holds() -> None:
    assert found(readings((0, 2), (-22, 1.4), (-36, 1.4))).holds == []
    drifting = [(k / RATE_HZ, -10 - 3.0 * k / RATE_HZ) for k in range(200)]
    assert found(drifting).holds == []
    assert found(readings((0, 2), (-25, 4), noise_deg=8)).holds == [], "too noisy to be still"


def test_a_hold_survives_single_missing_readings_but_not_a_gap() -> None:
    samples = readings((0, 2), (-22, 2.6), (-36, 2.6))
    blinking = [(t, float("nan") if k % 9 == 0 else r) for k, (t, r) in enumerate(samples)]
    assert found(blinking).done
    blind = [(t, float("nan") if k % 3 else r) for k, (t, r) in enumerate(samples)]
    assert found(blind).holds == []


def test_a_foot_that_stays_on_its_ray_counts_once() -> None:
    finder = found(readings((0, 2), (-22, 12)))
    assert len(finder.holds) == 1
    assert finder.next_deg == -45


def test_the_time_that_a_hold_has_lasted_is_known() -> None:
    finder = found(readings((0, 1), (-22, 1.2)))
    assert finder.holds == []
    assert 0.8 < finder.steady_s < 2.0


def test_the_wrong_order_and_the_wrong_direction_are_refused() -> None:
    with pytest.raises(CalibrationError, match="30, then 45"):
        found(readings((0, 2), (-40, 2.6), (-24, 2.6)))
    with pytest.raises(CalibrationError, match="turned in"):
        found(readings((0, 2), (25, 2.6)), Side.RIGHT)


@pytest.mark.parametrize("read", [(-9, -17.5), (-85, -130)])
def test_an_implausible_share_is_refused(read: tuple[float, float]) -> None:
    holds = [Hold(target, angle, 0, 2) for target, angle in zip((-30, -45), read, strict=True)]
    with pytest.raises(CalibrationError, match="implausible"):
        fit_foot(holds, Side.LEFT)


def test_holds_that_do_not_fit_one_gain_and_no_holds_are_refused() -> None:
    with pytest.raises(CalibrationError, match="one gain"):
        fit_foot([Hold(-30, -12, 0, 2), Hold(-45, -50, 3, 5)], Side.LEFT)
    with pytest.raises(CalibrationError, match="No hold"):
        fit_foot([], Side.LEFT)


# ---------------------------------------------------------------------- recorded landmarks of a rendered person
@pytest.mark.parametrize("name", ["personal_left", "personal_right"])
def test_the_holds_of_a_rendered_person_are_found_at_the_right_time(name: str) -> None:
    folder = FIXTURES / "calibration" / name
    truth = json.loads((folder / "holds.json").read_text("utf-8"))
    side = Side(truth["side"])
    true_deg = tuple(hold["foot_deg"] for hold in truth["holds"])
    finder = HoldFinder(side, true_deg)
    tracker = RotationTracker(load_table().drill("standing-combined"), tuple(Side))
    for pose in read_poses(folder):
        sample = tracker.update(pose).samples[side]
        finder.update(pose.time_s, float("nan") if sample.reason else sample.uncorrected_deg)
    assert finder.done
    for hold, true in zip(finder.holds, truth["holds"], strict=True):
        assert true["from_s"] - 0.6 < hold.from_s < hold.to_s < true["to_s"] + 0.1
    assert finder.holds[1].read_deg < finder.holds[0].read_deg - 8
    assert 0.6 < fit_foot(finder.holds, side).share < 1.1
