"""Holds and gain of a person's foot: from synthetic readings, and from the landmarks of a rendered person."""

import json

import numpy as np
import pytest
from helpers import FIXTURES

from rotrack.calibration.personal import Hold, HoldFinder, fit_gain
from rotrack.drills import load_table
from rotrack.errors import CalibrationError
from rotrack.model import Side
from rotrack.records.log import read_poses
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


@pytest.mark.parametrize("gain", [0.6, 1.0, 1.8])
def test_the_gain_of_a_person_is_found(gain: float) -> None:
    finder = found(readings((0, 3), (-30 / gain, 2.6), (-45 / gain, 2.6)))
    assert finder.done
    assert [h.target_deg for h in finder.holds] == [-30, -45]
    assert [h.read_deg for h in finder.holds] == pytest.approx([-30 / gain, -45 / gain], abs=0.8)
    assert all(1.95 < h.to_s - h.from_s < 2.3 for h in finder.holds)
    fitted = fit_gain(finder.holds, Side.LEFT)
    assert fitted.gain == pytest.approx(gain, rel=0.04)
    assert fitted.zero_deg == 0
    assert fitted.residual_deg < 1.5


def test_the_gain_goes_through_zero_and_the_residual_is_what_it_leaves() -> None:
    holds = [Hold(-30, -20, 0, 2), Hold(-45, -34, 3, 5)]
    fitted = fit_gain(holds, Side.RIGHT)
    assert fitted.gain == pytest.approx((30 * 20 + 45 * 34) / (20**2 + 34**2))
    left = np.array([30 - fitted.gain * 20, 45 - fitted.gain * 34])
    assert fitted.residual_deg == pytest.approx(np.hypot(*left))


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
def test_an_implausible_gain_is_refused(read: tuple[float, float]) -> None:
    holds = [Hold(target, angle, 0, 2) for target, angle in zip((-30, -45), read, strict=True)]
    with pytest.raises(CalibrationError, match="implausible"):
        fit_gain(holds, Side.LEFT)


def test_holds_that_do_not_fit_one_gain_and_no_holds_are_refused() -> None:
    with pytest.raises(CalibrationError, match="one gain"):
        fit_gain([Hold(-30, -12, 0, 2), Hold(-45, -50, 3, 5)], Side.LEFT)
    with pytest.raises(CalibrationError, match="No hold"):
        fit_gain([], Side.LEFT)


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
        finder.update(pose.time_s, float("nan") if sample.reason else sample.corrected_deg)
    assert finder.done
    for hold, true in zip(finder.holds, truth["holds"], strict=True):
        assert true["from_s"] - 0.6 < hold.from_s < hold.to_s < true["to_s"] + 0.1
    assert finder.holds[1].read_deg < finder.holds[0].read_deg - 8
    assert 0.5 < fit_gain(finder.holds, side).gain < 1.6
