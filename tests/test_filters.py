"""The live filter and the zero-lag filter, against signals whose filtered form is known."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import swing

from rotrack.tracking.filters import CUTOFF_HZ, LONGEST_GAP_S, OneEuro, SettledCurve, zero_lag

RATES = (5, 15, 30, 60, 240)


def live(times: np.ndarray, values: np.ndarray, **settings: float) -> np.ndarray:
    one_euro = OneEuro(**settings)
    return np.array([one_euro.update(t, v) for t, v in zip(times, values, strict=True)])


def response(times: np.ndarray, before: np.ndarray, after: np.ndarray, hertz: float) -> complex:
    """Return by how much, and with what phase, a sine of this frequency comes through."""
    wave = np.exp(-2j * np.pi * hertz * times)
    return complex((after @ wave) / (before @ wave))


def uneven_times(seconds: float, seed: int = 3) -> np.ndarray:
    """Return times of a camera whose frames come 10 to 60 ms apart."""
    times = np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.06, int(seconds * 30)))
    return times[times < seconds]


# ---------------------------------------------------------------------- One-Euro, live
def test_a_first_sample_at_time_zero_is_a_sample_like_any_other():
    # The reference implementation takes a first time of 0.0 for a missing one and forgets its step to the next.
    values = np.array([0.0, 10.0, 10.0, 3.0])
    assert live(np.array([0.0, 0.1, 0.2, 0.3]), values) == pytest.approx(live(np.array([7.0, 7.1, 7.2, 7.3]), values))


def test_first_value_passes_unchanged():
    assert OneEuro().update(0.0, 12.5) == 12.5


@pytest.mark.parametrize("hertz", [0.5, 1.0, 3.0])
def test_at_rest_it_is_a_low_pass_of_first_order(hertz):
    times = np.arange(0, 20, 1 / 1000)
    values = np.sin(2 * np.pi * hertz * times)
    filtered = live(times, values, min_cutoff_hz=1.0, beta=0.0)
    gain = abs(response(times[4000:], values[4000:], filtered[4000:], hertz))
    assert gain == pytest.approx(1 / np.hypot(1, hertz / 1.0), rel=0.02)


def test_lower_min_cutoff_smooths_a_still_leg_more():
    times = np.arange(0, 20, 1 / 30)
    values = 10 + np.random.default_rng(1).normal(0, 0.5, len(times))
    spread = [live(times, values, min_cutoff_hz=hertz)[60:].std() for hertz in (0.3, 1.0, 3.0)]
    assert spread[0] < spread[1] < spread[2] < values.std()
    assert spread[1] < 0.6 * values.std()


def test_a_still_leg_settles_on_its_mean():
    times = np.arange(0, 30, 1 / 30)
    values = 10 + np.random.default_rng(1).normal(0, 0.5, len(times))
    assert live(times, values)[60:].mean() == pytest.approx(10, abs=0.1)


def test_peak_and_delay_of_a_swing_of_one_second():
    times = np.arange(0, 5, 1 / 30)
    truth = swing(times, 2.0, 30, rise_s=0.5, hold_s=0.0)
    shown = live(times, truth)
    assert truth.max() - shown.max() < 0.7
    assert 0 <= times[shown.argmax()] - times[truth.argmax()] <= 0.1


def test_speed_raises_the_cutoff():
    times = np.arange(0, 5, 1 / 30)
    truth = swing(times, 2.0, 30, rise_s=0.5, hold_s=0.0)
    assert truth.max() - live(times, truth, beta=0.0).max() > 3
    assert live(times, truth, beta=0.05).max() > live(times, truth, beta=0.007).max()


def test_a_missing_value_stays_missing_and_starts_again():
    one_euro = OneEuro()
    for i in range(30):
        one_euro.update(i / 30, 5.0)
    assert np.isnan(one_euro.update(1.0, np.nan))
    assert one_euro.update(1.1, 40.0) == 40.0
    fresh = OneEuro()
    fresh.update(1.1, 40.0)
    assert one_euro.update(1.2, 42.0) == fresh.update(1.2, 42.0)


def test_time_that_stands_still_does_no_harm():
    one_euro = OneEuro()
    one_euro.update(1.0, 5.0)
    assert one_euro.update(1.0, 9.0) == 5.0
    assert one_euro.update(0.9, 9.0) == 5.0
    assert 5.0 < one_euro.update(1.1, 9.0) < 9.0


# ---------------------------------------------------------------------- zero-lag
@pytest.mark.parametrize(("fps", "hertz"), [(5, 0.3), (15, 0.5), (15, 1.0), (30, 1.0), (30, 2.0), (60, 2.0), (240, 2.0)])
@pytest.mark.parametrize("phase", [0.0, 0.4, 1.1])
def test_a_slow_sine_passes_without_lag(fps, hertz, phase):
    times = np.arange(0, 12, 1 / fps)
    values = 20 * np.sin(2 * np.pi * hertz * times + phase)
    inner = (times > 2) & (times < 10)
    through = response(times[inner], values[inner], zero_lag(times, values)[inner], hertz)
    assert abs(through) == pytest.approx(1, abs=0.03)
    assert np.degrees(np.angle(through)) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(("fps", "tolerance"), [(60, 0.03), (240, 0.02)])
def test_half_the_power_is_left_at_the_cutoff(fps, tolerance):
    times = np.arange(0, 12, 1 / fps)
    values = np.sin(2 * np.pi * CUTOFF_HZ * times)
    inner = (times > 2) & (times < 10)
    through = response(times[inner], values[inner], zero_lag(times, values)[inner], CUTOFF_HZ)
    assert abs(through) == pytest.approx(0.5**0.5, abs=tolerance)


def test_fast_noise_is_removed():
    times = np.arange(0, 12, 1 / 60)
    values = np.sin(2 * np.pi * 20 * times)
    assert np.abs(zero_lag(times, values)[60:-60]).max() < 0.02


@pytest.mark.parametrize("fps", RATES)
def test_a_constant_stays_itself(fps):
    times = np.arange(0, 6, 1 / fps)
    assert zero_lag(times, np.full(len(times), 17.0)) == pytest.approx(17.0)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("size_deg", [-40, 15])
def test_a_single_spike_is_removed_from_a_still_leg(fps, size_deg):
    times = np.arange(0, 6, 1 / fps)
    values = 12 + 0.2 * np.sin(9 * times)
    for index in (len(times) // 2, len(times) // 4):
        spiked = values.copy()
        spiked[index] += size_deg
        assert np.abs(zero_lag(times, spiked) - zero_lag(times, values)).max() < 0.5


@pytest.mark.parametrize("fps", [15, 30, 60, 240])
@pytest.mark.parametrize("at_s", [1.9, 2.3, 2.8])
def test_a_single_spike_is_removed_from_a_moving_leg(fps, at_s):
    times = np.arange(0, 6, 1 / fps)
    values = swing(times, 1.5, 30)
    spiked = values.copy()
    spiked[np.searchsorted(times, at_s)] += 40
    assert np.abs(zero_lag(times, spiked) - zero_lag(times, values)).max() < 1.5


@pytest.mark.parametrize("fps", [15, 30, 60, 240])
def test_a_swing_of_one_second_keeps_its_peak(fps):
    for start_s in (2.0, 2.0 + 0.3 / fps, 2.0 + 0.5 / fps):
        times = np.arange(0, 6, 1 / fps)
        values = swing(times, start_s, 30, rise_s=0.5, hold_s=0.0)
        assert zero_lag(times, values).max() == pytest.approx(values.max(), abs=0.6)


@pytest.mark.parametrize("start_s", [2.0, 2.05, 2.1, 2.15])
def test_the_top_of_a_quick_swing_is_no_outlier_at_five_frames_a_second(start_s):
    times = np.arange(0, 8, 1 / 5)
    values = swing(times, start_s, 30, rise_s=0.6, hold_s=0.0)
    assert zero_lag(times, values).max() > values.max() - 4


@pytest.mark.parametrize("fps", [10, 25, 30, 50, 60])
def test_a_gap_of_a_fifth_of_a_second_is_bridged_wherever_it_lies(fps):
    times = np.arange(0, 4, 1 / fps)
    truth = 10 * np.sin(times)
    missing = round(LONGEST_GAP_S * fps) - 1
    for first in range(10, len(times) - missing - 10):
        values = truth.copy()
        values[first : first + missing] = np.nan
        bridged = zero_lag(times, values)
        assert np.isfinite(bridged).all(), f"frames {first} to {first + missing}"
        assert bridged == pytest.approx(truth, abs=0.2)


@pytest.mark.parametrize("fps", [15, 30, 60, 240])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_shorter_gap_is_bridged(fps, share):
    times = np.arange(0, 4, 1 / fps)
    values = 10 * np.sin(times)
    known = values.copy()
    known[(times > 2) & (times < 2 + share * LONGEST_GAP_S - 1 / fps)] = np.nan
    assert zero_lag(times, known) == pytest.approx(values, abs=0.2)


@pytest.mark.parametrize("fps", RATES)
def test_a_gap_of_half_a_second_stays_a_gap(fps):
    times = np.arange(0, 8, 1 / fps)
    values = 10 * np.sin(times)
    gap = (times > 3.01) & (times < 3.51 + 1 / fps)
    values[gap] = np.nan
    filtered = zero_lag(times, values)
    assert (np.isnan(filtered) == gap).all()
    assert filtered[~gap] == pytest.approx(values[~gap], abs=0.3)


@pytest.mark.parametrize("fps", RATES)
def test_nothing_is_invented_before_and_after_the_signal(fps):
    times = np.arange(0, 6, 1 / fps)
    values = np.where((times > 1) & (times < 5), 8.0, np.nan)
    filtered = zero_lag(times, values)
    assert (np.isnan(filtered) == np.isnan(values)).all()


def test_uneven_times_do_no_harm():
    times = uneven_times(10)
    values = 20 * np.sin(2 * np.pi * 0.5 * times)
    inner = (times > 1) & (times < 9)
    assert zero_lag(times, values)[inner] == pytest.approx(values[inner], abs=0.2)


def test_dropped_frames_do_no_harm():
    times = np.arange(0, 10, 1 / 30)
    kept = np.random.default_rng(5).random(len(times)) < 0.7
    values = swing(times, 3.0, 30)
    assert zero_lag(times[kept], values[kept]) == pytest.approx(zero_lag(times, values)[kept], abs=0.5)


@pytest.mark.parametrize("n", [0, 1, 2, 4, 5, 8])
def test_very_short_recordings_come_back_as_they_are(n):
    times, values = np.arange(n) / 30, np.linspace(3, 4, n)
    assert zero_lag(times, values) == pytest.approx(values)


def test_nothing_but_missing_stays_missing():
    assert np.isnan(zero_lag(np.arange(10) / 30, np.full(10, np.nan))).all()


# ---------------------------------------------------------------------- the curve of a growing recording
def settled(times: np.ndarray, values: np.ndarray, keep_s: float = 12.0) -> list[tuple[float, float]]:
    curve, out = SettledCurve(keep_s), []
    for time_s, value in zip(times, values, strict=True):
        got = curve.add(float(time_s), float(value))
        assert all(t <= time_s - SettledCurve.SETTLE_S for t, _ in got), "given out before it settled"
        out += got
    return out + curve.finish()


def busy_signal(times: np.ndarray, seed: int) -> np.ndarray:
    """Return swings with noise, spikes and gaps of all lengths."""
    rng = np.random.default_rng(seed)
    values = 25 * np.sin(2 * np.pi * 0.3 * times) * np.sin(0.2 * times) + rng.normal(0, 0.5, len(times))
    for start in rng.integers(0, len(times), 6):
        values[start : start + rng.integers(1, 30)] = np.nan
    values[rng.integers(0, len(times), 6)] += 30
    return values


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("fps", [5, 15, 24, 25, 29.97, 30, 60, 240, None])
def test_settled_curve_is_that_of_the_whole_recording(fps, seed):
    times = np.arange(0, 40, 1 / fps) if fps else uneven_times(40)
    values = busy_signal(times, seed)
    out = settled(times, values)
    whole = zero_lag(times, values)
    assert [t for t, _ in out] == times.tolist(), "each sample exactly once and in order"
    angles = np.array([v for _, v in out])
    assert (np.isnan(angles) == np.isnan(whole)).all()
    assert np.nanmax(np.abs(angles - whole)) < 0.05


@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_a_short_recording_settles_when_it_ends(n):
    times = np.arange(n) / 30
    assert [t for t, _ in settled(times, np.full(n, 4.0))] == times.tolist()


def test_a_signal_that_never_comes_still_gives_every_sample():
    times = np.arange(0, 20, 1 / 30)
    out = settled(times, np.full(len(times), np.nan))
    assert [t for t, _ in out] == times.tolist()
    assert all(np.isnan(v) for _, v in out)


def test_finish_gives_nothing_twice():
    curve = SettledCurve(12.0)
    for i in range(200):
        curve.add(i / 30, 1.0)
    assert curve.finish()
    assert curve.finish() == []


def test_window_looks_back_as_far_as_it_was_asked_to_keep():
    curve = SettledCurve(5.0)
    for i in range(900):
        curve.add(i / 30, float(i))
    times, values = curve.window(0.0, 28.0)
    now_s = 899 / 30
    assert times[0] == pytest.approx(now_s - 5.0, abs=0.05)
    assert times[-1] == pytest.approx(28.0, abs=0.05)
    assert values == pytest.approx(times * 30, abs=0.5)
