"""The one number of a session: the mean of the best 3 of the first 5 valid repetitions, or what a protocol wants."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers import a_record
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.model import Direction, Rep, Side
from rotrack.records.rules import RULES
from rotrack.records.session import Measurement, SessionValue, Turnout, _legs, arcs_of, session_values, turnout_of
from rotrack.texts import Texts

INTERNAL, EXTERNAL = Direction.INTERNAL, Direction.EXTERNAL


def repetition(
    peak_deg: float,
    valid: bool = True,
    side: Side = Side.RIGHT,
    direction: Direction | None = None,
    uncertainty_deg: float = 1.0,
    dropped: bool = False,
) -> Rep:
    given_values = {"side": side, "direction": direction or Direction.of(peak_deg), "peak_deg": peak_deg, "valid": valid}
    given_values |= {"uncertainty_deg": uncertainty_deg, "dropped": dropped}
    others = {f.name: "" if f.name == "reason" else () if f.name == "faults" else 1 for f in fields(Rep)}
    return Rep(**{**others, **given_values})


def value_of(*peaks_deg: float, invalid: tuple[int, ...] = ()) -> SessionValue:
    """Return the only session value of repetitions with these peaks; `invalid` are places in the order."""
    (value,) = session_values(repetition(peak, i not in invalid) for i, peak in enumerate(peaks_deg))
    return value


@pytest.mark.parametrize(("rule", "expected"), [("best-3-of-5", 31.0), ("mean-of-3", 20.0), ("single", 20.0)])
def test_a_protocol_chooses_which_repetitions_count(rule, expected):
    reps = [repetition(90, valid=False), *map(repetition, (20, 10, 30, 32, 31, 99))]
    (value,) = session_values(reps, RULES[rule])
    assert value.value_deg == pytest.approx(expected)
    assert value.reps_used == min(3, RULES[rule].first)


@pytest.mark.parametrize(
    ("peaks_deg", "expected"),
    [
        ((30, 32, 31, 20, 10), 31),
        ((10, 20, 31, 32, 30), 31),
        ((30, 30, 30, 30, 30, 90, 90), 30),  # only the first five
        ((30,), 30),
        ((30, 34), 32),
        ((30, 34, 32), 32),
    ],
)
def test_mean_of_the_best_three_of_the_first_five(peaks_deg, expected):
    value = value_of(*peaks_deg)
    assert value.value_deg == pytest.approx(expected)
    assert value.reps_used == min(3, len(peaks_deg))
    assert (value.reps_valid, value.reps_total) == (len(peaks_deg), len(peaks_deg))


@given(st.lists(st.floats(8, 60), min_size=1, max_size=12))
def test_external_is_the_same_with_the_other_sign(peaks_deg):
    internal, external = value_of(*peaks_deg), value_of(*(-p for p in peaks_deg))
    assert internal.value_deg > 0
    assert external.value_deg == pytest.approx(-internal.value_deg)
    assert (internal.direction, external.direction) == (INTERNAL, EXTERNAL)


@given(st.lists(st.floats(8, 60), min_size=5, max_size=5), st.lists(st.floats(8, 60), max_size=5))
def test_more_repetitions_do_not_raise_the_value(first, more):
    assert value_of(*first, *more).value_deg == value_of(*first).value_deg


def test_the_best_external_ones_are_the_most_negative():
    assert value_of(-20, -30, -10, -32, -31).value_deg == pytest.approx(-31)


def test_invalid_repetitions_are_left_out():
    value = value_of(90, 30, 80, 32, 31, invalid=(0, 2))
    assert value.value_deg == pytest.approx(31)
    assert (value.reps_used, value.reps_valid, value.reps_total) == (3, 3, 5)


def test_the_first_five_are_counted_among_the_valid_ones():
    value = value_of(90, 20, 20, 20, 20, 50, 80, invalid=(0,))
    assert value.value_deg == pytest.approx(30)
    assert value.reps_used == 3


def test_without_a_valid_one_there_is_no_value():
    value = value_of(30, 31, invalid=(0, 1))
    assert np.isnan(value.value_deg)
    assert (value.reps_used, value.reps_valid, value.reps_total) == (0, 0, 2)


def test_dropped_repetitions_are_left_out_and_the_next_ones_move_up():
    peaks_deg = (90, 30, 80, 32, 31, 20, 60)
    reps = [repetition(peak, dropped=peak in (90, 80)) for peak in peaks_deg]
    (value,) = session_values(reps)
    assert value.value_deg == pytest.approx((60 + 32 + 31) / 3), "60 is now among the first five"
    assert (value.reps_used, value.reps_valid, value.reps_total) == (3, 5, 7)


def test_a_side_of_which_all_was_dropped_stays_without_a_value():
    (value,) = session_values([repetition(30, dropped=True), repetition(31, dropped=True)])
    assert np.isnan([value.value_deg, value.uncertainty_deg]).all()
    assert (value.reps_used, value.reps_valid, value.reps_total) == (0, 0, 2)


def test_without_repetitions_there_are_no_values():
    assert session_values([]) == []


def test_sides_and_directions_are_kept_apart():
    reps = [
        repetition(30, side=Side.RIGHT),
        repetition(-20, side=Side.RIGHT),
        repetition(40, side=Side.LEFT),
        repetition(32, side=Side.RIGHT),
    ]
    values = {(v.side, v.direction): (v.value_deg, v.reps_used) for v in session_values(reps)}
    assert values == {
        (Side.RIGHT, INTERNAL): (31.0, 2),
        (Side.RIGHT, EXTERNAL): (-20.0, 1),
        (Side.LEFT, INTERNAL): (40.0, 1),
    }


def test_the_error_of_the_value_is_the_mean_of_the_errors_that_entered_it():
    """Camera place and person are the same for all repetitions of a session, so more of them do not make it smaller."""
    errors = {30: 6.0, 32: 4.0, 31: 5.0, 20: 90.0, 10: 90.0}
    reps = [repetition(peak, uncertainty_deg=error) for peak, error in errors.items()]
    (value,) = session_values(reps)
    assert value.uncertainty_deg == pytest.approx(5.0)
    (one,) = session_values(reps[:1])
    assert one.uncertainty_deg == 6.0
    (same,) = session_values([repetition(30, uncertainty_deg=6.0)] * 5)
    assert same.uncertainty_deg == pytest.approx(6.0)


def test_total_arc_and_ratio_have_the_errors_of_both_directions():
    """Of 30 +- 3 and 40 +- 4: the error of the ratio is that of a tenth and a tenth, taken together."""
    reps = [repetition(30, uncertainty_deg=3.0), repetition(-40, uncertainty_deg=4.0), repetition(20, side=Side.LEFT)]
    (arc,) = arcs_of(session_values(reps))
    assert (arc.side, arc.total_deg, arc.total_error_deg) == (Side.RIGHT, 70.0, 5.0)
    assert arc.ratio == pytest.approx(0.75)
    assert arc.ratio_error == pytest.approx(0.75 * np.sqrt(0.02))


def test_without_a_value_there_is_no_error():
    assert np.isnan(value_of(30, 31, invalid=(0, 1)).uncertainty_deg)


def test_stretches_have_a_number_of_cycles_and_no_value():
    nan = float("nan")
    (value,) = session_values([repetition(nan, direction=INTERNAL, uncertainty_deg=nan) for _ in range(3)])
    assert np.isnan([value.value_deg, value.uncertainty_deg]).all()
    assert (value.reps_valid, value.reps_total) == (3, 3)


def sequence(sides: str, apart_s: float = 4.0, directions: tuple[Direction, ...] = (INTERNAL,)) -> list[Rep]:
    """Return repetitions of the legs in this order, L or R, each begun so long after the one before."""
    found, numbers = [], {Side.LEFT: 0, Side.RIGHT: 0}
    for place, letter in enumerate(sides):
        side = Side.LEFT if letter == "L" else Side.RIGHT
        numbers[side] += 1
        for k, direction in enumerate(directions):
            start_s = apart_s * place + 1.5 * k
            rep = repetition(direction.sign * 30.0, side=side, direction=direction)
            found.append(replace(rep, rep=numbers[side], start_s=start_s, peak_s=start_s + 0.5, end_s=start_s + 1.2))
    return found


@pytest.mark.parametrize(
    ("sides", "legs"),
    [
        ("LRLR", "alternating"),
        ("RLRLR", "alternating"),
        ("LLLRRR", "one"),
        ("LLL", "one"),
        ("LR", "one"),
        ("LRLLRLRR", "alternating"),
    ],
)
def test_legs_that_change_after_most_repetitions_move_in_turn(sides, legs):
    assert _legs(sequence(sides)) == legs
    assert _legs(sequence(sides, directions=(EXTERNAL, INTERNAL))) == legs, "both ways of a combined drill are one repetition"


def test_legs_that_move_at_once_are_not_in_turn():
    assert _legs(sequence("LRLR", apart_s=0.1)) == "both"


@pytest.mark.parametrize(("share", "told"), [(0.17, True), (0.5, False)])
def test_a_leg_that_was_hardly_measured_is_named_with_the_reason(share, told):
    record = a_record(measured_share={Side.RIGHT: share}, reasons={"not_sitting": 259})
    said = [*map(Texts("de").said, Measurement(record, rep_list=(), angles_csv="").remarks)]
    assert any("83 %" in words and "rechten Beins" in words and "Unterschenkel" in words for words in said) is told


def test_the_total_turnout_is_both_legs_and_its_error_the_sum_of_theirs():
    reps = [repetition(-41.0, side=Side.LEFT, uncertainty_deg=6.0), repetition(-38.0, side=Side.RIGHT, uncertainty_deg=5.0)]
    assert turnout_of(session_values(reps)) == Turnout(79.0, 11.0)
    assert turnout_of(session_values(reps[:1])) is None, "one leg is no total"
    assert turnout_of(session_values([reps[0], replace(reps[1], valid=False)])) is None
