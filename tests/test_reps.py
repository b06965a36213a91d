"""Excursions and repetitions, from angle curves that are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from conftest import swing
from helpers import a_rep
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.model import Direction
from rotrack.core.reasons import Reason
from rotrack.tracking.excursions import PLATEAU_S, Ending, Excursion, Measured, measure_excursion
from rotrack.tracking.filters import zero_lag
from rotrack.tracking.numbering import PAIR_GAP_S, Pairing, judged
from rotrack.tracking.reps import LEAST_DEG, SURE_DEG, RepFinder
from rotrack.tracking.rests import GAP_S

INTERNAL, EXTERNAL = Direction.INTERNAL, Direction.EXTERNAL
COMBINED = (EXTERNAL, INTERNAL)
RATES = (5, 15, 30, 60, 240)
Curve = Callable[[np.ndarray], np.ndarray]


def excursions(
    times: np.ndarray, angles: np.ndarray, directions: tuple[Direction, ...] = (INTERNAL,), finder: RepFinder | None = None
) -> list[Excursion]:
    """Return all that the finder makes of exactly these angles."""
    finder = finder or RepFinder(directions)
    found = [e for time_s, angle in zip(times, angles, strict=True) for e in finder.update(float(time_s), float(angle))]
    return [*found, *finder.finish()]


def counted(times: np.ndarray, angles: np.ndarray, directions: tuple[Direction, ...] = (INTERNAL,)) -> list[Excursion]:
    """Return the repetitions."""
    return [e for e in excursions(times, angles, directions) if not e.problem]


def measured(times: np.ndarray, angles: np.ndarray, directions: tuple[Direction, ...] = (INTERNAL,)) -> list[Measured]:
    """Return the repetitions as the tracker has them, measured on the zero-lag curve."""
    curve = zero_lag(times, angles)
    return [measure_excursion(times[times <= e.to_s], curve[times <= e.to_s], e) for e in counted(times, angles, directions)]


def sampled(curve: Curve, seconds: float, fps: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(0, seconds, 1 / fps)
    return times, np.asarray(curve(times), float)


def swings(peaks_deg: Iterable[float], every_s: float = 3.0, **shape: float) -> Curve:
    return lambda t: sum(swing(t, 1.0 + every_s * i, peak, **shape) for i, peak in enumerate(peaks_deg))


def turns(*stops: tuple[float, float], per_s: float = 30.0, rest_s: float = 0.5) -> Curve:
    """Return smooth turns to angles, each held for a time: (deg, s); it begins at 0, held for a second."""
    points, now_s, level = [], 1.0, 0.0
    for angle, held_s in stops:
        taken_s = max(abs(angle - level) / per_s, 0.2)
        points.append((now_s, taken_s, level, angle))
        now_s, level = now_s + taken_s + held_s, angle

    def curve(t: np.ndarray) -> np.ndarray:
        total = np.zeros(len(t))
        for from_s, taken_s, start, end in points:
            u = np.clip((t - from_s) / taken_s, 0, 1)
            total += (end - start) * u**3 * (10 - 15 * u + 6 * u**2)
        return total

    return curve


def noise(times: np.ndarray, sd_deg: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sd_deg, len(times))


# ---------------------------------------------------------------------- counting by the shape of the movement
@given(
    peaks=st.lists(st.floats(12, 45), min_size=1, max_size=6),
    signs=st.lists(st.sampled_from([-1, 1]), min_size=6, max_size=6),
    rise_s=st.floats(0.5, 1.5),
    hold_s=st.floats(0.3, 1.0),
    fps=st.sampled_from(RATES),
)
def test_every_swing_counts_once_with_its_direction(peaks, signs, rise_s, hold_s, fps):
    one_way = signs[0]
    times, angles = sampled(swings([one_way * p for p in peaks], 5.0, rise_s=rise_s, hold_s=hold_s), 1 + 5.0 * len(peaks), fps)
    usual = sorted(peaks)[len(peaks) // 2]
    if min(peaks) > 0.5 * usual:
        assert [e.direction for e in counted(times, angles, (Direction.of(one_way),))] == [Direction.of(one_way)] * len(peaks)


@pytest.mark.parametrize("fps", RATES)
def test_coming_back_in_part_is_enough(fps):
    times, angles = sampled(turns((34, 0.3), (12, 0.1), (33, 0.3), (11, 0.1), (35, 0.3), (12, 0.1), (34, 0.3), (0, 1)), 13, fps)
    assert len(counted(times, angles)) == 4


def test_less_than_half_of_the_way_back_is_one_repetition():
    assert len(counted(*sampled(turns((34, 0.3), (20, 0.1), (34, 0.3), (0, 1)), 8))) == 1


def test_small_repetitions_of_a_stiff_hip_count():
    times, angles = sampled(turns(*[(peak, 0.5) for way in (6, 7, 5.5, 6.5) for peak in (way, 0)], per_s=12), 12, 30)
    assert len(counted(times, angles + noise(times, 0.4))) == 4


def test_one_small_turn_alone_is_noted_apart_with_its_size():
    (alone,) = excursions(*sampled(turns((6, 0.5), (0, 2), per_s=12), 6))
    assert (alone.problem, alone.way_deg) == (Reason.TOO_SMALL, pytest.approx(6, abs=0.3))


def test_small_turns_to_and_fro_are_fidgeting():
    """No rest to which it comes back."""
    levels = (5, -3, 4, 1, -5, 2, 5.5, -2, 3)
    assert counted(*sampled(turns(*[(level, 0.6) for level in levels], per_s=15), 12)) == []


def test_small_turns_while_the_other_leg_moves_elsewhere_are_fidgeting():
    times, angles = sampled(turns(*[(peak, 0.5) for _ in range(3) for peak in (6.5, 0)], per_s=12), 10, 30)
    for other_deg, found in ((0.0, 3), (8.0, 0)):
        finder, other = RepFinder((INTERNAL,)), RepFinder((INTERNAL,))
        finder.other = other
        reps = []
        for time_s, angle in zip(times, angles, strict=True):
            other.update(time_s, other_deg * np.sin(2.2 * time_s))
            reps += finder.update(time_s, angle)
        assert len([e for e in reps + finder.finish() if not e.problem]) == found


@pytest.mark.parametrize("hold_s", [7, 20, 60])
def test_a_hold_of_any_length_counts_and_is_timed(hold_s):
    times, angles = sampled(turns((30, hold_s), (0, 1), (28, 9), (0, 1)), hold_s + 20, 30)
    assert [m.hold_s for m in measured(times, angles + noise(times, 0.5))] == pytest.approx([hold_s, 9], abs=0.3)


def test_a_large_first_swing_does_not_hide_the_others():
    assert len(counted(*sampled(swings((45, 15, 15, 15, 15)), 17))) == 5


@pytest.mark.parametrize("tremor_hz", [3.0, 4.5, 6.0])
def test_a_tremor_makes_no_repetitions_and_hides_none(tremor_hz):
    times, angles = sampled(turns((30, 1), (0, 1.5), (28, 1), (0, 1.5), (33, 1), (0, 3)), 18, 30)
    assert len(counted(times, angles + 4 * np.sin(2 * np.pi * tremor_hz * times))) == 3


def test_a_rest_that_creeps_loses_nothing():
    times, angles = sampled(swings([29] * 8), 26, 30)
    assert len(counted(times, angles + 15 * times / 26)) == 8


def test_half_a_second_a_repetition_is_fast_enough():
    times, angles = sampled(lambda t: np.where((t > 1) & (t < 2.5), 15 * (1 - np.cos(4 * np.pi * (t - 1))), 0), 4, 30)
    assert len(counted(times, angles)) == 3


def test_an_off_neutral_start_counts_from_the_rests():
    """The neutral pose was taken 10 deg off: the leg rests at 10 afterwards."""
    for rest in (10, -10):
        stops = [(rest - 28, 0.4), (rest, 0.7)] * 3
        assert len(counted(*sampled(turns(*stops), 12), (EXTERNAL,))) == 3


def test_noise_raises_what_can_count():
    finder = RepFinder((INTERNAL,))
    assert finder.smallest_deg == LEAST_DEG
    times, angles = sampled(swings((30,)), 8, 30)
    excursions(times, angles + noise(times, 2.5), finder=finder)
    assert finder.smallest_deg > 7


def test_far_below_the_usual_size_is_no_repetition():
    found = excursions(*sampled(swings((40, 40, 40, 9.5, 40)), 16))
    assert [e.problem for e in found] == ["", "", "", Reason.FAR_TOO_SMALL, ""]


def test_the_other_direction_is_noted_apart():
    (found,) = excursions(*sampled(swings((-30,)), 5))
    assert (found.direction, bool(found.problem)) == (EXTERNAL, True)


# ---------------------------------------------------------------------- combined drills
def test_going_straight_through_the_middle_gives_both_directions():
    found = counted(*sampled(turns((-30, 0.3), (30, 0.3), (0, 1)), 7), COMBINED)
    assert [e.direction for e in found] == [EXTERNAL, INTERNAL]
    assert [e.way_deg for e in found] == pytest.approx([30, 30], abs=1)


def test_an_overshoot_without_a_hold_is_no_repetition():
    found = excursions(*sampled(turns(*[(32, 0.4), (-9, 0), (0, 0.6)] * 3), 14), COMBINED)
    assert [e.problem for e in found] == ["", Reason.OVERSHOOT] * 3


def test_small_halves_that_are_hardly_held_are_no_overshoots_after_one_that_was():
    halves = [stop for held_s in (0.6, 0.25, 0.25, 0.25) for stop in ((30, 0.3), (-10, held_s), (0, 0.6))]
    times, angles = sampled(turns(*halves, (30, 0.3), (0, 1), per_s=45), 16, 30)
    found = counted(times, angles + noise(times, 0.4), COMBINED)
    assert [e.direction for e in found] == [INTERNAL, EXTERNAL] * 4 + [INTERNAL]


def test_an_overshoot_is_none_of_the_halves_however_long_it_seems_held():
    """The directions take turns: after it comes the half that its direction has."""
    times, angles = sampled(turns(*[(30, 0.3), (-9, 0.15), (0, 0.4), (-30, 0.3), (0, 0.6)] * 3, per_s=45), 18, 30)
    found = counted(times, angles + noise(times, 0.4), COMBINED)
    assert [e.direction for e in found] == [INTERNAL, EXTERNAL] * 3


def test_a_combined_drill_that_begins_off_neutral_begins_where_the_leg_comes_back_to():
    """The neutral pose was taken where the small direction has its peaks."""
    times, angles = sampled(turns(*[(34, 0.4), (8, 0.6), (-0.5, 0.4)] * 4, (34, 0.4), (8, 1)), 22, 30)
    found = counted(times, angles + noise(times, 0.3), COMBINED)
    assert [e.direction for e in found] == [INTERNAL, EXTERNAL] * 4 + [INTERNAL]
    assert [e.way_deg for e in found[1::2]] == pytest.approx([8.5] * 4, abs=1.0)


def test_turns_from_a_rest_far_from_the_neutral_pose_count_although_they_end_near_it():
    times, angles = sampled(turns(*[(6, 0.3), (-11, 0.7)] * 5, per_s=45), 12, 30)
    assert len(counted(times, angles + noise(times, 0.4))) == 5


def test_a_small_held_turn_is_a_repetition_beside_large_ones():
    found = counted(*sampled(turns(*[(-40, 0.5), (0, 0.4), (8, 1.0), (0, 0.8)] * 3), 22), COMBINED)
    assert [e.direction for e in found] == [EXTERNAL, INTERNAL] * 3


# ---------------------------------------------------------------------- what is cut off or not seen
def test_the_end_of_the_recording_leaves_the_last_one():
    found = counted(*sampled(swings((30, 30), hold_s=2.0, every_s=5.0), 7.5))
    assert [e.ending for e in found] == [Ending.COMPLETE, Ending.EARLY]


def test_who_leaves_makes_no_repetition_of_it():
    times, angles = sampled(swings((30,), hold_s=2.0), 2.5)
    finder = RepFinder((INTERNAL,))
    for time_s, angle in zip(times, angles, strict=True):
        finder.update(time_s, angle)
    assert [e.problem for e in finder.finish(leaving=True)] == [Reason.CUT_OFF]


@pytest.mark.parametrize(("from_s", "ending"), [(1.8, Ending.PEAK_UNSEEN), (2.6, Ending.COMPLETE)])
def test_a_gap_hides_a_peak_or_does_not(from_s, ending):
    times, angles = sampled(turns((30, 1.5), (0, 2)), 8, 30)
    seen = (times < from_s) | (times > from_s + 2.0)
    (found,) = counted(times[seen], angles[seen])
    assert found.ending is ending


def test_what_is_not_seen_is_not_held():
    times, angles = sampled(turns((30, 4), (0, 1)), 9, 30)
    seen = (times < 3) | (times > 5)
    assert measured(times[seen], angles[seen])[0].hold_s == pytest.approx(2, abs=0.3)


def test_nothing_at_all_is_seen():
    assert excursions(np.arange(100) / 30, np.full(100, np.nan)) == []


def test_counting_does_not_depend_on_when_the_samples_come():
    """As a repetition is counted, nothing that comes later changes it."""
    times, angles = sampled(turns((34, 0.3), (12, 0.1), (33, 5), (0, 1), (6, 0.5), (0, 0.5), (7, 0.5), (0, 2)), 18, 30)
    angles = angles + noise(times, 0.5)
    whole = [e for e in excursions(times, angles) if not e.problem]
    finder, live = RepFinder((INTERNAL,)), []
    for time_s, angle in zip(times, angles, strict=True):
        live += [e for e in finder.update(time_s, angle) if not e.problem]
    assert live == whole[: len(live)]


# ---------------------------------------------------------------------- measuring one excursion
def excursion(direction: Direction = INTERNAL, from_s: float = 1.0, to_s: float = 9.0, base_deg: float = 0.0) -> Excursion:
    return Excursion(direction, from_s, 2.0, to_s, base_deg, direction.sign * 30.0)


@pytest.mark.parametrize("direction", list(Direction))
def test_peak_is_the_median_of_the_best_fifth_of_a_second(direction):
    # Rises and falls by 60 deg/s around the top: within 0.1 s of it the median lies 3 deg lower.
    times = np.arange(0, 3, 1 / 60)
    angles = direction.sign * np.interp(times, [0, 1, 1.5, 2, 3], [0, 0, 30, 0, 0])
    result = measure_excursion(times, angles, excursion(direction, 1.1, 2.0))
    assert result.peak_deg == pytest.approx(direction.sign * (30 - 60 * PLATEAU_S / 4), abs=0.5)
    assert result.peak_s == pytest.approx(1.5, abs=0.03)


def test_a_short_spike_on_the_plateau_is_not_the_peak():
    times = np.arange(0, 6, 1 / 60)
    angles = np.interp(times, [0, 1, 2, 4, 5, 6], [0, 0, 30, 30, 0, 0])
    angles[(times > 3.0) & (times < 3.05)] = 45
    assert measure_excursion(times, angles, excursion(to_s=5.0)).peak_deg == pytest.approx(30, abs=0.01)


def test_range_is_counted_from_the_rest_before_it():
    times, angles = sampled(turns((30, 0.5), (0, 1)), 5)
    assert measure_excursion(times, angles + 2.5, excursion(to_s=4.0, base_deg=2.5)).range_deg == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("per_s", [12, 30, 80])
@pytest.mark.parametrize("hold_s", [0.4, 2.0])
def test_a_hold_is_the_time_between_the_turns(per_s, hold_s):
    (found,) = measured(*sampled(turns((30, hold_s), (0, 1), per_s=per_s), 10, 30))
    assert found.hold_s == pytest.approx(hold_s, abs=0.2)


def test_speed_is_that_of_the_way_out():
    """The middle three fifths of a turn with least jerk take 0.333 of its time."""
    (found,) = measured(*sampled(turns((30, 0.5), (0, 1), per_s=30), 6))
    assert found.speed_deg_s == pytest.approx(0.6 * 30 / 0.346, rel=0.06)


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_measure_gives_none(n):
    times, angles = sampled(swings((30,)), 6)
    angles[n:] = np.nan
    assert measure_excursion(times, angles, excursion()) is None


# ---------------------------------------------------------------------- numbers and pairs
def numbered(*spans: tuple[Direction, float, float], directions: tuple[Direction, ...] = COMBINED) -> list[tuple[int, bool]]:
    numbers = Pairing(directions)
    return [numbers.next(*span) for span in spans]


def test_single_excursions_are_numbered_in_order():
    spans = [(INTERNAL, 3.0 * i, 3.0 * i + 2) for i in range(3)]
    assert numbered(*spans, directions=(INTERNAL,)) == [(1, False), (2, False), (3, False)]


@pytest.mark.parametrize(("one", "other"), [(EXTERNAL, INTERNAL), (INTERNAL, EXTERNAL)])
def test_a_pair_is_learned_from_the_first_repetition_in_either_order(one, other):
    spans = [(one, 1, 2), (other, 2.2, 3.5), (one, 4, 5), (other, 5.5, 7)]
    assert numbered(*spans) == [(1, False), (1, True), (2, False), (2, True)]


@pytest.mark.parametrize(("rest_s", "number"), [(PAIR_GAP_S - 0.1, 1), (PAIR_GAP_S + 0.1, 2)])
def test_a_partner_may_come_after_a_rest(rest_s, number):
    assert numbered((EXTERNAL, 1, 2), (INTERNAL, 2 + rest_s, 9))[1] == (number, number == 1)


def test_a_second_half_alone_is_a_repetition_of_its_own():
    spans = [(EXTERNAL, 1, 2), (INTERNAL, 2.5, 3), (INTERNAL, 5, 6), (EXTERNAL, 7, 8), (INTERNAL, 8.5, 9)]
    assert numbered(*spans) == [(1, False), (1, True), (2, False), (3, False), (3, True)]


def test_waiting_for_a_partner_expires():
    numbers = Pairing(COMBINED)
    numbers.next(EXTERNAL, 1.0, 2.0)
    assert numbers.waiting
    assert [numbers.expired(2.0 + PAIR_GAP_S + late_s) for late_s in (-0.1, 0.1)] == [False, True]
    numbers.close()
    assert (numbers.waiting, numbers.next(INTERNAL, 2.1, 3.0)) == (False, (2, False))


# ---------------------------------------------------------------------- what is valid
def reps_of(*ranges_deg: float) -> list:
    return [a_rep(number, deg) for number, deg in enumerate(ranges_deg, start=1)]


def test_more_than_twice_the_others_is_told_apart_once_there_are_three_others():
    assert [r.valid for r in judged(reps_of(45, 17, 19))] == [True] * 3
    told = judged(reps_of(45, 17, 19, 18))
    assert [r.valid for r in told] == [False, True, True, True]
    assert told[0].reason == Reason.OUTLIER


def test_far_below_the_median_of_the_others_is_partial():
    told = judged(reps_of(30, 32, 31, 11))
    assert [r.reason for r in told] == ["", "", "", Reason.PARTIAL]


def test_what_was_told_is_taken_back_when_it_holds_no_longer():
    first, more = reps_of(40, 17, 18, 19), reps_of(41, 42, 39)
    assert [[r.valid for r in judged(reps)] for reps in (first, [*first, *more])] == [[False, True, True, True], [True] * 7]


def test_a_fault_stays_a_fault():
    bad = a_rep(9, 18.0, valid=False, reason="thigh moved")
    assert next((r.valid, r.reason) for r in judged([bad, *reps_of(17, 19, 18)])) == (False, "thigh moved")


def test_limits_leave_room_for_each_other():
    assert LEAST_DEG < SURE_DEG
    assert PLATEAU_S < GAP_S
