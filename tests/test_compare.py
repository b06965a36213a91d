"""Values set side by side, each difference with its own error."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from made_sessions import cut_off, repetition, session_of, write

from rotrack.app.pages.changed import sides_line
from rotrack.core.model import Direction, Rep, Side
from rotrack.progress.change import progress_of, read_progress
from rotrack.progress.compare import Spreads, difference, earlier_values, left_against_right, spreads_of
from rotrack.progress.sample import write_sample
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, Spread, difference_error
from rotrack.progress.wording import sides_words
from rotrack.records.changes import drop_rep
from rotrack.records.compare import held
from rotrack.records.repetitions import REPETITIONS, table_bytes
from rotrack.records.session import SessionValue, session_values
from rotrack.records.store import read_sessions
from rotrack.texts import LANGUAGES, Texts

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")


def value(side: Side, value_deg: float, uncertainty_deg: float = 3.0, used: int = 3) -> SessionValue:
    return SessionValue(side, Direction.of(value_deg), value_deg, uncertainty_deg, used, used, used)


def all_with(sem_deg: float, df: float = 1e6) -> Spreads:
    return {(side, direction): Spread(sem_deg, df, sem_deg, df, 3.0) for side in Side for direction in Direction}


STEADY = all_with(0.1)
"""Of somebody whose sessions hardly differ: what the sessions state of themselves is the error."""


# ---------------------------------------------------------------------- the rule
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
def test_sizes_are_compared_and_stated_errors_add_up_as_squares(left_deg, right_deg, difference_deg, clear):
    (found,) = left_against_right([value(LEFT, left_deg, 3.0), value(RIGHT, right_deg, 4.0)], STEADY)
    assert found.difference_deg == pytest.approx(difference_deg)
    assert found.uncertainty_deg == pytest.approx(5.0)
    assert found.clear is clear
    assert found.direction is Direction.of(left_deg)


def test_the_error_is_what_sessions_differ_by_where_that_is_more():
    (found,) = left_against_right([value(LEFT, 30.0, 3.0), value(RIGHT, 24.5, 4.0)], all_with(2.0))
    assert found.uncertainty_deg == pytest.approx(1.96 * 2.0 * math.sqrt(2), rel=1e-3)
    assert not found.clear
    (found,) = left_against_right([value(LEFT, 30.0, 3.0), value(RIGHT, 24.5, 4.0)], all_with(2.0, df=6))
    assert found.uncertainty_deg == pytest.approx(2.447 * 2.0 * math.sqrt(2), rel=1e-3), "how much they differ is not known well"


def test_both_legs_must_have_a_value_of_the_same_direction():
    assert left_against_right([value(LEFT, 30.0), value(RIGHT, -30.0)], STEADY) == ()
    assert left_against_right([value(LEFT, 30.0)], STEADY) == ()
    assert left_against_right([value(LEFT, 30.0), SessionValue(RIGHT, INTERNAL, NAN, NAN, 0, 0, 2)], STEADY) == ()


def test_directions_are_compared_one_by_one():
    values = [value(LEFT, 30.0), value(RIGHT, 28.0), value(LEFT, -40.0), value(RIGHT, -45.0)]
    found = {d.direction: d.difference_deg for d in left_against_right(values, STEADY)}
    assert found == {INTERNAL: pytest.approx(2.0), EXTERNAL: pytest.approx(-5.0)}


def test_where_no_error_is_stated_the_spread_tells_it():
    found = difference(value(LEFT, 30.0, NAN), value(LEFT, 10.0), all_with(2.0))
    assert found.uncertainty_deg == pytest.approx(1.96 * 2.0 * math.sqrt(2), rel=1e-3)
    assert found.clear


# ---------------------------------------------------------------------- one rule for all that say a difference
def reps_of_both(left_deg: float, right_deg: float) -> tuple[Rep, ...]:
    return tuple(
        repetition(i, peak, side, uncertainty_deg=2.6) for side, peak in ((LEFT, left_deg), (RIGHT, right_deg)) for i in (1, 2)
    )


def test_what_is_said_of_a_session_is_what_progress_says(tmp_path: Path):
    """The made-up sessions with a smaller stated error than the spread of the sessions: two rules would tell two errors."""
    write_sample(tmp_path)
    for folder in (tmp_path / "sessions").iterdir():
        reps = [replace(rep, uncertainty_deg=2.6) for rep in session_of(tmp_path, folder.name).rep_list]
        (folder / REPETITIONS).write_bytes(table_bytes(reps))
    progress, sessions = read_progress(tmp_path), read_sessions(tmp_path)[0]
    assert {(sides.drill, sides.direction) for sides in progress.sides} == {
        (drill, direction) for drill in ("seated-combined", "standing-combined") for direction in Direction
    }
    for sides in progress.sides:
        session = next(s for s in reversed(sessions) if s.record.drill == sides.drill)
        found = {d.direction: d for d in left_against_right(session.values, spreads_of(session, sessions))}[sides.direction]
        assert found.uncertainty_deg > math.hypot(2.6, 2.6)
        assert (found.difference_deg, found.uncertainty_deg, found.clear) == (sides.difference_deg, sides.error_deg, sides.clear)
        for language in LANGUAGES:
            t = Texts(language)
            assert sides_words(found, sides.tier, t) in sides_line(sides, t)


def test_an_earlier_session_is_judged_by_all_that_are_like_it(tmp_path: Path):
    for number in range(1, 9):
        write(tmp_path, number, reps_of_both(30.0 + number % 2, 24.0), sides=(LEFT, RIGHT))
    write(tmp_path, 9, reps_of_both(60.0, 10.0), sides=(LEFT, RIGHT), calibration="camera")
    sessions, _ = read_sessions(tmp_path)
    (sides,) = progress_of(sessions[:8]).sides
    for session in sessions[:8]:
        (found,) = left_against_right(session.values, spreads_of(session, sessions))
        assert found.uncertainty_deg == pytest.approx(sides.error_deg)
    first_alone = spreads_of(sessions[8], sessions)[LEFT, INTERNAL]
    assert (first_alone.sem_deg, first_alone.df) == (PUBLISHED_SEM_DEG, 6.0), "no other session is like the last one"


def test_what_counts_no_more_vouches_for_nothing(tmp_path: Path):
    """A session that was measured again by another version is neither in progress nor behind what is said of the others."""
    for number, left_deg in enumerate((30.0, 45.0, 31.0, 30.0, 31.0), start=1):
        write(tmp_path, number, reps_of_both(left_deg, 24.0), sides=(LEFT, RIGHT))
    second = "20260102-080000-seated-internal-0002"
    other = {"session_id": f"{second}-again", "remeasured_from": second, "measure_version": "of another reading"}
    write(tmp_path, 2, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT), **other)
    sessions, _ = read_sessions(tmp_path)
    (sides,) = progress_of(sessions).sides
    (found,) = left_against_right(sessions[-1].values, spreads_of(sessions[-1], sessions))
    assert (found.difference_deg, found.uncertainty_deg) == (sides.difference_deg, sides.error_deg)


def test_somebody_without_a_name_is_judged_by_what_is_published(tmp_path: Path):
    for number in range(1, 9):
        write(tmp_path, number, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT), person="")
    sessions, _ = read_sessions(tmp_path)
    (found,) = left_against_right(sessions[7].values, spreads_of(sessions[7], sessions))
    assert found.uncertainty_deg == pytest.approx(difference_error([3.0, 3.0], [6.0, 6.0]))


def test_an_older_reading_is_still_compared(tmp_path: Path):
    """What was measured again counts by its newest reading; whoever opens the older one sees its own values compared."""
    first = write(tmp_path, 1, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT))
    again = write(tmp_path, 1, (repetition(1, 31.0),), session_id=f"{first}-again", remeasured_from=first)
    sessions, _ = read_sessions(tmp_path)
    by_id = {session.id: session for session in sessions}
    (found,) = left_against_right(by_id[first].values, spreads_of(by_id[first], sessions))
    assert found.difference_deg == pytest.approx(6.0)
    assert set(spreads_of(by_id[again], sessions)) == {(LEFT, INTERNAL)}


def test_a_session_without_a_value_has_no_spread(tmp_path: Path):
    write(tmp_path, 1, (repetition(1, 30.0, valid=False),))
    sessions, _ = read_sessions(tmp_path)
    assert spreads_of(sessions[0], sessions) == {}
    assert left_against_right(sessions[0].values, {}) == ()


# ---------------------------------------------------------------------- before
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


# ---------------------------------------------------------------------- stretches
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


def test_the_difference_is_that_of_the_session_values():
    peaks = {LEFT: (30.0, 31.0, 32.0), RIGHT: (20.0, 21.0, 22.0)}
    reps = [repetition(number, peak, side) for side in Side for number, peak in enumerate(peaks[side])]
    (found,) = left_against_right(session_values(reps), STEADY)
    assert found.difference_deg == pytest.approx(10.0)
    assert found.uncertainty_deg == pytest.approx(4.0 * math.sqrt(2))
