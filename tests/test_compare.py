"""Values set side by side, each difference with its own error."""

import math
from pathlib import Path

import pytest
from test_history import cut_off, repetition, session_of, write

from rotrack.model import Direction, Side
from rotrack.records.compare import difference, earlier_values, held, left_against_right
from rotrack.records.history import drop_rep, read_sessions
from rotrack.records.session import SessionValue, session_values

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")


def value(side: Side, value_deg: float, uncertainty_deg: float = 3.0, used: int = 3) -> SessionValue:
    return SessionValue(side, Direction.of(value_deg), value_deg, uncertainty_deg, used, used, used)


@pytest.mark.parametrize(
    ("left_deg", "right_deg", "difference_deg", "clear"),
    [
        (30.0, 20.0, 10.0, True),
        (20.0, 30.0, -10.0, True),
        (-30.0, -20.0, 10.0, True),
        (-20.0, -30.0, -10.0, True),
        (24.9, 20.0, 4.9, False),
        (25.1, 20.0, 5.1, True),
        (-20.0, -24.9, -4.9, False),
    ],
)
def test_sizes_are_compared_and_errors_add_up_as_squares(left_deg, right_deg, difference_deg, clear):
    (found,) = left_against_right([value(LEFT, left_deg, 3.0), value(RIGHT, right_deg, 4.0)])
    assert found.difference_deg == pytest.approx(difference_deg)
    assert found.uncertainty_deg == pytest.approx(5.0)
    assert found.clear is clear
    assert found.direction is Direction.of(left_deg)


def test_both_legs_must_have_a_value_of_the_same_direction():
    assert left_against_right([value(LEFT, 30.0), value(RIGHT, -30.0)]) == ()
    assert left_against_right([value(LEFT, 30.0)]) == ()
    assert left_against_right([value(LEFT, 30.0), SessionValue(RIGHT, INTERNAL, NAN, NAN, 0, 0, 2)]) == ()


def test_directions_are_compared_one_by_one():
    values = [value(LEFT, 30.0), value(RIGHT, 28.0), value(LEFT, -40.0), value(RIGHT, -45.0)]
    found = {d.direction: d.difference_deg for d in left_against_right(values)}
    assert found == {INTERNAL: pytest.approx(2.0), EXTERNAL: pytest.approx(-5.0)}


def test_an_unknown_error_makes_the_difference_uncertain():
    found = difference(value(LEFT, 30.0, NAN), value(LEFT, 10.0))
    assert math.isnan(found.uncertainty_deg)
    assert not found.clear


def test_earlier_values_are_the_latest_like_ones_oldest_first(tmp_path: Path):
    for number in range(1, 6):
        write(tmp_path, number, (repetition(1, 20.0 + number),))
    write(tmp_path, 6, (repetition(1, 90.0),), person="Ben")
    write(tmp_path, 7, (repetition(1, 91.0),), convention_version="1")
    write(tmp_path, 8, (repetition(1, 92.0, RIGHT),))
    write(tmp_path, 9, (repetition(1, 93.0, valid=False),))
    cut_off(tmp_path, 10, (repetition(1, 30.0),))
    now = session_of(tmp_path, write(tmp_path, 11, (repetition(1, 40.0),)))
    write(tmp_path, 12, (repetition(1, 94.0),))
    sessions, _ = read_sessions(tmp_path)
    found = earlier_values(now, sessions, LEFT, INTERNAL, 3)
    assert [earlier.value.value_deg for earlier in found] == [24.0, 25.0, 30.0]
    assert [earlier.started_at.day for earlier in found] == [4, 5, 10]
    assert found[-1].session_id.startswith("20260110")
    assert earlier_values(now, sessions, LEFT, EXTERNAL, 3) == ()


def test_what_was_dropped_is_not_compared(tmp_path: Path):
    first = write(tmp_path, 1, (repetition(1, 20.0), repetition(2, 60.0)))
    now = session_of(tmp_path, write(tmp_path, 2))
    drop_rep(tmp_path, first, LEFT, INTERNAL, 2)
    (earlier,) = earlier_values(now, read_sessions(tmp_path)[0], LEFT, INTERNAL, 3)
    assert earlier.value.value_deg == 20.0


def test_stretches_are_counted_and_timed_without_what_was_dropped():
    reps = [
        repetition(1, 10.0, LEFT, hold_s=2.0),
        repetition(2, 10.0, LEFT, hold_s=5.0, dropped=True),
        repetition(3, 10.0, LEFT, hold_s=3.5, valid=False),
        repetition(1, 10.0, RIGHT, hold_s=1.0, dropped=True),
    ]
    left, right = held(reps)
    assert (left.side, left.cycles) == (LEFT, 2)
    assert (left.longest_s, left.total_s) == (3.5, 5.5)
    assert (right.side, right.cycles) == (RIGHT, 0)
    assert math.isnan(right.longest_s)
    assert math.isnan(right.total_s)
    assert held([]) == ()


def test_the_difference_is_that_of_the_session_values(tmp_path: Path):
    peaks = {LEFT: (30.0, 31.0, 32.0), RIGHT: (20.0, 21.0, 22.0)}
    reps = [repetition(number, peak, side) for side in Side for number, peak in enumerate(peaks[side])]
    (found,) = left_against_right(session_values(reps))
    assert found.difference_deg == pytest.approx(10.0)
    assert found.uncertainty_deg == pytest.approx(4.0 * math.sqrt(2))
