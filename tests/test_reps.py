"""Excursions and repetitions, from angle curves that are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from conftest import swing
from hypothesis import given
from hypothesis import strategies as st

from rotrack.model import Direction
from rotrack.tracking.filters import OneEuro, zero_lag
from rotrack.tracking.reps import (
    HOLD_SHARE,
    LOST_S,
    PAIR_GAP_S,
    PLATEAU_S,
    REFRACTORY_S,
    Ending,
    Excursion,
    ExcursionFinder,
    Measured,
    RepNumbers,
    measure_excursion,
)

INTERNAL, EXTERNAL = Direction.INTERNAL, Direction.EXTERNAL
COMBINED = (EXTERNAL, INTERNAL)
RATES = (5, 15, 30, 60)
Curve = Callable[[np.ndarray], np.ndarray]


def excursions(
    times: np.ndarray, angles: np.ndarray, min_entry_deg: float = 8.0, finder: ExcursionFinder | None = None
) -> list[Excursion]:
    """Return what the finder makes of exactly these live angles; what is complete counts as a repetition."""
    finder, found = finder or ExcursionFinder(min_entry_deg), []
    for time_s, angle in zip(times, angles, strict=True):
        excursion = finder.update(float(time_s), float(angle))
        if excursion is not None:
            found.append(excursion)
            if excursion.ending is Ending.COMPLETE:
                finder.accept(excursion.direction, excursion.live_peak_deg)
    last = finder.finish()
    return found if last is None else [*found, last]


def measured(times: np.ndarray, angles: np.ndarray) -> list[tuple[Excursion, Measured]]:
    """Return the excursions of a leg as the tracker has them: found on the live angle, measured on the zero-lag curve."""
    one_euro, curve = OneEuro(), zero_lag(times, angles)
    live = np.array([one_euro.update(t, a) for t, a in zip(times, angles, strict=True)])
    return [(e, measure_excursion(times[times <= e.to_s], curve[times <= e.to_s], e)) for e in excursions(times, live)]


def sampled(curve: Curve, seconds: float, fps: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(0, seconds, 1 / fps)
    return times, curve(times)


def swings(peaks_deg: Iterable[float], every_s: float = 3.0, **shape: float) -> Curve:
    return lambda t: sum(swing(t, 1.0 + every_s * i, peak, **shape) for i, peak in enumerate(peaks_deg))


def steps(*points: tuple[float, float]) -> Curve:
    """Return the straight lines through points (s, deg)."""
    return lambda t: np.interp(t, *np.array(points, float).T)


def excursion(direction: Direction = INTERNAL, from_s: float = 1.0, to_s: float = 9.0, leave_deg: float = 6.0) -> Excursion:
    return Excursion(direction, from_s, to_s, direction.sign * 30.0, leave_deg, Ending.COMPLETE)


# ---------------------------------------------------------------------- counting
@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize(
    ("rise_s", "hold_s"), [(0.5, 0.2), (0.8, 0.4), (1.5, 1.0), (0.8, 3.0)], ids=["quick", "usual", "slow", "held"]
)
def test_same_repetitions_at_every_frame_rate(fps, rise_s, hold_s):
    peaks = (30, 25, 38, 20, 33)
    found = measured(*sampled(swings(peaks, every_s=7.0, rise_s=rise_s, hold_s=hold_s), 37, fps))
    assert [e.ending for e, _ in found] == [Ending.COMPLETE] * 5
    assert [e.direction for e, _ in found] == [INTERNAL] * 5
    assert [m.peak_deg for _, m in found] == pytest.approx(peaks, abs=2.0 if fps >= 15 else 5.0)
    for i, (_, m) in enumerate(found):
        middle_s = 1.0 + 7.0 * i + rise_s + hold_s / 2
        assert m.start_s < middle_s < m.end_s
        assert m.end_s - m.start_s == pytest.approx(rise_s * 1.2 + hold_s, abs=0.35)


@given(
    peaks=st.lists(st.floats(22, 45), min_size=1, max_size=6),
    signs=st.lists(st.sampled_from([-1, 1]), min_size=6, max_size=6),
    rise_s=st.floats(0.5, 1.5),
    hold_s=st.floats(0.2, 1.0),
    fps=st.sampled_from(RATES),
)
def test_every_swing_counts_once_with_its_direction(peaks, signs, rise_s, hold_s, fps):
    signed = [p * s for p, s in zip(peaks, signs, strict=False)]
    found = measured(*sampled(swings(signed, every_s=5.0, rise_s=rise_s, hold_s=hold_s), 1 + 5.0 * len(signed), fps))
    assert [e.direction for e, _ in found] == [Direction.of(p) for p in signed]
    assert all(e.ending is Ending.COMPLETE for e, _ in found)


@pytest.mark.parametrize("fps", RATES)
def test_small_movements_are_nothing(fps):
    assert excursions(*sampled(swings((7, -7.5, 6, 7.9)), 14, fps)) == []


def test_min_entry_is_the_smallest_that_counts():
    assert len(excursions(*sampled(swings((7, 7, 7)), 11), min_entry_deg=6.0)) == 3


# ---------------------------------------------------------------------- hysteresis
def test_wobble_around_the_entry_level_is_one_excursion():
    wobble = steps((0, 0), (1, 8.5), (1.5, 5), (2, 9), (2.5, 5), (3, 8.5), (4, 0), (6, 0))
    (found,) = excursions(*sampled(wobble, 6))
    assert found.live_peak_deg == pytest.approx(9, abs=0.2)
    assert found.leave_deg == pytest.approx(4, abs=0.1)


def test_wobble_of_a_large_excursion_ends_it_below_half_its_entry_level():
    # Peak 40: entry level 16, leave level 8. Down to 9 is still the same excursion, down to 7 is not.
    once = steps((0, 0), (1, 40), (2, 9), (3, 40), (4, 0), (6, 0))
    twice = steps((0, 0), (1, 40), (2, 7), (3, 7), (4, 40), (5, 0), (7, 0))
    assert len(excursions(*sampled(once, 6))) == 1
    assert len(excursions(*sampled(twice, 7))) == 2


def test_going_straight_through_neutral_gives_both_directions():
    found = excursions(*sampled(steps((0, 0), (1, -30), (3, 30), (4, 0), (5, 0)), 5))
    assert [e.direction for e in found] == [EXTERNAL, INTERNAL]
    assert [np.sign(e.live_peak_deg) for e in found] == [-1, 1]
    assert found[0].to_s <= found[1].from_s


# ---------------------------------------------------------------------- partial, refractory, lost
def test_far_below_the_usual_peak_is_partial():
    found = excursions(*sampled(swings((30, 30, 30, 10, 30)), 16))
    assert [e.ending is Ending.PARTIAL for e in found] == [False, False, False, True, False]


def test_the_first_excursions_are_compared_with_nothing():
    found = excursions(*sampled(swings((10, 30)), 8))
    assert [e.ending for e in found] == [Ending.COMPLETE, Ending.COMPLETE]


def test_what_is_usual_follows_the_last_five():
    finder = ExcursionFinder(8.0)
    for _ in range(5):
        finder.accept(INTERNAL, 40.0)
    assert excursions(*sampled(swings((14,)), 5), finder=finder)[0].ending is Ending.PARTIAL
    for _ in range(5):
        finder.accept(INTERNAL, 20.0)
    times, angles = sampled(swings((14,)), 5)
    assert excursions(times + 10, angles, finder=finder)[0].ending is Ending.COMPLETE


def test_what_is_usual_is_known_per_direction():
    finder = ExcursionFinder(8.0)
    for _ in range(5):
        finder.accept(INTERNAL, 40.0)
    (found,) = excursions(*sampled(swings((-10,)), 5), finder=finder)
    assert found.ending is Ending.COMPLETE


def test_away_begins_where_an_excursion_counts():
    finder = ExcursionFinder(8.0)
    finder.accept(INTERNAL, 40.0)
    seen = []
    for i, angle in enumerate((0, 9, 15, 17, 30, 17, 9, 2, 0)):
        finder.update(i * 0.2, angle)
        seen.append(finder.away)
    assert seen == [False, False, False, True, True, True, True, False, False]


def test_the_same_direction_rests_before_it_starts_again():
    bounce_s = 0.8 * REFRACTORY_S
    bounce = steps((0, 0), (1, 20), (2, 20), (2.02, 0), (2.05, 12), (2.0 + bounce_s, 12), (2.02 + bounce_s, 0), (4, 0))
    assert len(excursions(*sampled(bounce, 4, fps=200))) == 1
    later = steps((0, 0), (1, 20), (2, 20), (2.02, 0), (2.05 + REFRACTORY_S, 0), (2.5, 12), (3, 12), (3.1, 0), (4, 0))
    assert len(excursions(*sampled(later, 4, fps=200))) == 2


def test_the_other_direction_need_not_rest():
    quick = steps((0, 0), (1, 20), (1.05, 0), (1.1, -20), (1.5, -20), (1.6, 0), (2, 0))
    assert [e.direction for e in excursions(*sampled(quick, 2))] == [INTERNAL, EXTERNAL]


@pytest.mark.parametrize(("hidden_s", "ending"), [(0.6 * LOST_S, Ending.COMPLETE), (1.6 * LOST_S, Ending.LOST)])
@pytest.mark.parametrize("fps", RATES)
def test_out_of_sight_for_too_long_gives_the_excursion_up(hidden_s, ending, fps):
    times, angles = sampled(swings((30,), hold_s=2.0), 6, fps)
    angles[(times > 2.2) & (times <= 2.2 + hidden_s)] = np.nan
    assert excursions(times, angles)[0].ending is ending


def test_a_gap_between_frames_counts_as_out_of_sight():
    times, angles = sampled(swings((30,), hold_s=2.0), 6)
    seen = (times < 2.2) | (times > 2.2 + 1.6 * LOST_S)
    assert excursions(times[seen], angles[seen])[0].ending is Ending.LOST


def test_the_end_of_the_recording_cuts_an_excursion_off():
    times, angles = sampled(swings((30,), hold_s=2.0), 2.5)
    (found,) = excursions(times, angles)
    assert found.ending is Ending.LOST
    assert found.to_s == times[-1]
    assert excursions(*sampled(swings((6,), hold_s=2.0), 2.5)) == []


def test_nothing_at_all_is_seen():
    assert excursions(np.arange(100) / 30, np.full(100, np.nan)) == []


# ---------------------------------------------------------------------- measuring one excursion
@pytest.mark.parametrize("direction", list(Direction))
def test_peak_is_the_median_of_the_best_fifth_of_a_second(direction):
    # Rises and falls by 60 deg/s around the top: within 0.1 s of it the median lies 3 deg lower.
    times, angles = sampled(steps((0, 0), (1, 0), (1.5, 30), (2, 0), (3, 0)), 3)
    result = measure_excursion(times, direction.sign * angles, excursion(direction, 1.1, 2.0))
    assert result.peak_deg == pytest.approx(direction.sign * (30 - 60 * PLATEAU_S / 4), abs=0.5)
    assert result.peak_s == pytest.approx(1.5, abs=0.03)
    assert result.range_deg == pytest.approx(abs(result.peak_deg), abs=0.01)


def test_a_short_spike_on_the_plateau_is_not_the_peak():
    times, angles = sampled(steps((0, 0), (1, 0), (2, 30), (4, 30), (5, 0), (6, 0)), 6)
    angles[(times > 3.0) & (times < 3.05)] = 45
    assert measure_excursion(times, angles, excursion(to_s=5.0)).peak_deg == pytest.approx(30, abs=0.01)


def test_the_best_stretch_is_taken_not_the_longest():
    times, angles = sampled(steps((0, 0), (1, 25), (4, 25), (4.1, 30), (4.5, 30), (4.6, 25), (5, 0), (6, 0)), 6)
    result = measure_excursion(times, angles, excursion(from_s=0.3, to_s=5.0))
    assert result.peak_deg == pytest.approx(30, abs=0.01)
    assert 4.1 <= result.peak_s <= 4.5


@pytest.mark.parametrize("hold_s", [0.0, 0.5, 1.5, 4.0])
@pytest.mark.parametrize("fps", [15, 30, 60])
def test_hold_is_timed(hold_s, fps):
    ramp = steps((0, 0), (1, 0), (2, 30), (2 + hold_s, 30), (3 + hold_s, 0), (5 + hold_s, 0))
    result = measure_excursion(*sampled(ramp, 5 + hold_s, fps), excursion(to_s=3 + hold_s))
    assert result.hold_s == pytest.approx(hold_s + 2 * (1 - HOLD_SHARE), abs=0.1)


def test_start_and_end_are_where_the_leave_level_is_crossed():
    ramp = steps((0, 0), (1, 0), (2, 30), (3, 30), (4, 0), (6, 0))
    result = measure_excursion(*sampled(ramp, 6), excursion(to_s=4.0, leave_deg=6.0))
    assert result.start_s == pytest.approx(1.2, abs=0.04)
    assert result.end_s == pytest.approx(3.8, abs=0.04)


@pytest.mark.parametrize("rest_deg", [0.0, 2.5])
def test_range_is_counted_from_the_rest_before_it(rest_deg):
    ramp = steps((0, rest_deg), (1.6, rest_deg), (1.8, 30), (3, 30), (4, rest_deg), (6, rest_deg))
    result = measure_excursion(*sampled(ramp, 6), excursion(from_s=1.6, to_s=4.0))
    assert result.peak_deg == pytest.approx(30, abs=0.1)
    assert result.range_deg == pytest.approx(30 - rest_deg, abs=0.1)


def test_range_does_not_count_the_other_direction_in():
    through = steps((0, 0), (1, -30), (1.5, -30), (2.1, 30), (3, 30), (4, 0), (5, 0))
    assert measure_excursion(*sampled(through, 5), excursion(from_s=1.9, to_s=4.0)).range_deg == pytest.approx(30, abs=1)


def test_an_earlier_excursion_is_not_measured_again():
    times, angles = sampled(swings((40, 20), every_s=3.0), 7)
    result = measure_excursion(times, angles, excursion(from_s=4.2, to_s=5.8))
    assert result.peak_deg == pytest.approx(20, abs=0.3)
    assert result.start_s > 4.0


def test_a_short_gap_in_the_curve_does_no_harm():
    times, angles = sampled(swings((30,), hold_s=1.0), 6)
    gappy = angles.copy()
    gappy[(times > 2.0) & (times < 2.3)] = np.nan
    whole, part = (measure_excursion(times, a, excursion(from_s=1.3, to_s=4.0)) for a in (angles, gappy))
    assert part.peak_deg == pytest.approx(whole.peak_deg, abs=0.2)
    assert part.hold_s == pytest.approx(whole.hold_s, abs=0.1)


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_measure_gives_none(n):
    times, angles = sampled(swings((30,)), 6)
    angles[n:] = np.nan
    assert measure_excursion(times, angles, excursion()) is None


# ---------------------------------------------------------------------- numbers and pairs
def numbered(directions: tuple[Direction, ...], *spans: tuple[Direction, float, float]) -> list[tuple[int, bool]]:
    numbers = RepNumbers(directions)
    return [numbers.next(direction, start_s, end_s) for direction, start_s, end_s in spans]


def test_single_excursions_are_numbered_in_order():
    spans = [(INTERNAL, 3.0 * i, 3.0 * i + 2) for i in range(4)]
    assert numbered((INTERNAL,), *spans) == [(1, False), (2, False), (3, False), (4, False)]


def test_two_excursions_share_the_number_of_a_combined_repetition():
    spans = [(EXTERNAL, 1, 2), (INTERNAL, 2.2, 3.5), (EXTERNAL, 6, 7), (INTERNAL, 7.5, 9)]
    assert numbered(COMBINED, *spans) == [(1, False), (1, True), (2, False), (2, True)]


def test_order_of_a_combined_repetition_is_that_of_the_drill():
    spans = [(EXTERNAL, 1, 2), (INTERNAL, 2.2, 3.5)]
    assert numbered(COMBINED[::-1], *spans) == [(1, False), (2, False)]


def test_the_wrong_half_first_is_a_repetition_of_its_own():
    spans = [(INTERNAL, 1, 2), (EXTERNAL, 2.2, 3.5), (INTERNAL, 4, 5)]
    assert numbered(COMBINED, *spans) == [(1, False), (2, False), (2, True)]


def test_the_first_half_twice_leaves_a_half_repetition():
    spans = [(EXTERNAL, 1, 2), (EXTERNAL, 3, 4), (INTERNAL, 4.5, 6)]
    assert numbered(COMBINED, *spans) == [(1, False), (2, False), (2, True)]


@pytest.mark.parametrize(("rest_s", "pairs"), [(PAIR_GAP_S - 0.1, True), (PAIR_GAP_S + 0.1, False)])
def test_a_partner_must_come_in_time(rest_s, pairs):
    first, second = numbered(COMBINED, (EXTERNAL, 1, 2), (INTERNAL, 2 + rest_s, 5))
    assert first == (1, False)
    assert second == ((1, True) if pairs else (2, False))


def test_waiting_for_a_partner_expires():
    numbers = RepNumbers(COMBINED)
    assert not numbers.waiting
    numbers.next(EXTERNAL, 1.0, 2.0)
    assert numbers.waiting
    assert not numbers.expired(2.0 + PAIR_GAP_S - 0.1)
    assert numbers.expired(2.0 + PAIR_GAP_S + 0.1)
    numbers.close()
    assert not numbers.waiting
    assert not numbers.expired(100.0)
    assert numbers.next(INTERNAL, 2.1, 3.0) == (2, False)
