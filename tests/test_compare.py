"""Values set side by side, each difference with its own error."""

import math
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from helpers import run_main
from made_sessions import cut_off, repetition, session_of, write
from scipy import stats

from rotrack.app.pages.changed import left_out_lines, line_of, sides_line
from rotrack.core.model import Direction, Rep, Side
from rotrack.progress.change import Verdict, progress_of, read_progress
from rotrack.progress.compare import Standing, earlier_values, standing
from rotrack.progress.rule import PRIOR_DF
from rotrack.progress.statistics import PUBLISHED_SEM_DEG
from rotrack.progress.wording import sides_words, verdict_words
from rotrack.records.changes import drop_rep
from rotrack.records.compare import held
from rotrack.records.store import read_sessions
from rotrack.report.content import make_report
from rotrack.report.document import Table
from rotrack.report.html import html_of
from rotrack.texts import Texts

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")


# ---------------------------------------------------------------------- one rule for all that say a difference
def reps_of_both(left_deg: float, right_deg: float) -> tuple[Rep, ...]:
    return tuple(
        repetition(i, peak, side, uncertainty_deg=2.6) for side, peak in ((LEFT, left_deg), (RIGHT, right_deg)) for i in (1, 2)
    )


def test_a_session_with_a_wrong_date_says_so_and_still_has_a_left_and_a_right(tmp_path: Path, monkeypatch, capfd):
    for number in (1, 2, 3):
        write(tmp_path, number, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT), number=number)
    wrong = write(tmp_path, 4, reps_of_both(50.0, 24.0), sides=(LEFT, RIGHT), number=4, started_at="2025-06-01T08:00:00+01:00")
    sessions, _ = read_sessions(tmp_path)
    found = standing(session_of(tmp_path, wrong), sessions)
    assert not found.changes
    assert found.sides[INTERNAL].difference_deg == pytest.approx(26)
    for command in (("show", wrong), ("history",), ("progress",)):
        assert "contradict" in run_main(monkeypatch, capfd, *command, "--out", tmp_path).out, command
    assert "contradict" not in run_main(monkeypatch, capfd, "show", "last", "--out", tmp_path).out


def test_an_earlier_session_is_judged_by_itself_and_those_before_it(tmp_path: Path):
    """Whatever comes later, a session says for ever what `rotrack progress` said on its day."""
    sizes = (30.0, 31.0, 29.0, 30.0, 31.0, 30.0, 29.0, 30.0, 31.0, 30.0, 46.0, 47.0, 45.0, 31.0, 30.0, 29.0)
    for number, left_deg in enumerate(sizes, start=1):
        write(tmp_path, number, reps_of_both(left_deg, 24.0), sides=(LEFT, RIGHT))
    write(tmp_path, 20, reps_of_both(60.0, 10.0), sides=(LEFT, RIGHT), calibration="camera")
    sessions, _ = read_sessions(tmp_path)
    verdicts = []
    for place, session in enumerate(sessions[:-1]):
        then, found = progress_of(sessions[: place + 1]), standing(session, sessions)
        assert repr(tuple(found.changes.values())) == repr(then.changes)
        assert tuple(found.sides.values()) == then.sides
        verdicts.append(found.changes[LEFT, INTERNAL].verdict)
    few, within, unconfirmed, real = Verdict.NOT_ENOUGH, Verdict.WITHIN, Verdict.UNCONFIRMED, Verdict.REAL
    assert verdicts[:13] == [few] * 3 + [within] * 7 + [unconfirmed] * 2 + [real]
    assert verdicts[-1] is within, "three sessions as before take it back"
    alone = standing(sessions[-1], sessions)
    assert alone.changes[LEFT, INTERNAL].spread.sem_deg == PUBLISHED_SEM_DEG, "no other session is like the last one"


def test_what_counts_no_more_vouches_for_nothing(tmp_path: Path):
    """A session that was measured again by another version is neither in progress nor behind what is said of the others."""
    for number, left_deg in enumerate((30.0, 45.0, 31.0, 30.0, 31.0), start=1):
        write(tmp_path, number, reps_of_both(left_deg, 24.0), sides=(LEFT, RIGHT))
    second = "20260102-080000-seated-internal-0002"
    other = {"session_id": f"{second}-again", "remeasured_from": second, "measure_version": "of another reading"}
    write(tmp_path, 2, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT), **other)
    sessions, _ = read_sessions(tmp_path)
    assert tuple(standing(sessions[-1], sessions).sides.values()) == progress_of(sessions).sides


def test_somebody_without_a_name_is_judged_by_what_is_published(tmp_path: Path):
    for number in range(1, 9):
        write(tmp_path, number, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT), person="")
    sessions, _ = read_sessions(tmp_path)
    (found,) = standing(sessions[7], sessions).sides.values()
    assert found.error_deg == pytest.approx(stats.t.ppf(0.975, PRIOR_DF) * math.sqrt(2) * PUBLISHED_SEM_DEG)
    assert found.sessions == 1


def test_an_older_reading_is_still_compared(tmp_path: Path):
    """What was measured again counts by its newest reading; whoever opens the older one sees its own values compared."""
    first = write(tmp_path, 1, reps_of_both(30.0, 24.0), sides=(LEFT, RIGHT))
    again = write(tmp_path, 1, (repetition(1, 31.0),), session_id=f"{first}-again", remeasured_from=first)
    sessions, _ = read_sessions(tmp_path)
    by_id = {session.id: session for session in sessions}
    (found,) = standing(by_id[first], sessions).sides.values()
    assert found.difference_deg == pytest.approx(6.0)
    assert set(standing(by_id[again], sessions).changes) == {(LEFT, INTERNAL)}


@pytest.mark.parametrize(
    ("left_deg", "sessions", "stated_deg", "clear", "unconfirmed"),
    [
        (26.0, 3, 2.6, False, False),
        (44.0, 3, 2.6, True, False),
        (44.0, 2, 2.6, False, True),
        (4.0, 3, 2.6, True, False),
        (44.0, 3, 30.0, False, False),
    ],
)
def test_legs_differ_once_three_sessions_show_it(tmp_path: Path, left_deg, sessions, stated_deg, clear, unconfirmed):
    """Nor is one told below what the values state of themselves: that part of the error is the same every time."""
    for number in range(1, sessions + 1):
        reps = [replace(rep, uncertainty_deg=stated_deg) for rep in reps_of_both(left_deg, 24.0)]
        write(tmp_path, number, tuple(reps), sides=(LEFT, RIGHT))
    found, _ = read_sessions(tmp_path)
    (sides,) = standing(found[-1], found).sides.values()
    assert sides.difference_deg == pytest.approx(left_deg - 24.0)
    assert (sides.clear, sides.unconfirmed) == (clear, unconfirmed)
    assert sides.error_deg >= math.hypot(stated_deg, stated_deg)


def test_directions_are_compared_one_by_one(tmp_path: Path):
    peaks = ((LEFT, 30.0), (RIGHT, 28.0), (LEFT, -40.0), (RIGHT, -45.0))
    write(tmp_path, 1, tuple(repetition(1, peak, side) for side, peak in peaks), sides=(LEFT, RIGHT))
    sessions, _ = read_sessions(tmp_path)
    found = {way: sides.difference_deg for way, sides in standing(sessions[0], sessions).sides.items()}
    assert found == {INTERNAL: pytest.approx(2.0), EXTERNAL: pytest.approx(-5.0)}


def test_both_legs_must_have_a_value_of_the_same_direction(tmp_path: Path):
    write(tmp_path, 1, (repetition(1, 30.0, LEFT), repetition(1, -30.0, RIGHT)), sides=(LEFT, RIGHT))
    write(tmp_path, 2, (repetition(1, 30.0, LEFT), repetition(1, 20.0, RIGHT, valid=False)), sides=(LEFT, RIGHT))
    sessions, _ = read_sessions(tmp_path)
    assert [standing(session, sessions).sides for session in sessions] == [{}, {}]


def test_a_session_without_a_value_says_nothing(tmp_path: Path):
    write(tmp_path, 1, (repetition(1, 30.0, valid=False),))
    sessions, _ = read_sessions(tmp_path)
    assert standing(sessions[0], sessions) == Standing({}, {})


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


# ---------------------------------------------------------------------- one rule, wherever it is asked
def test_progress_show_history_and_report_say_the_same(tmp_path: Path, monkeypatch, capfd):
    """A gain, a loss, one to be confirmed and one within the error: four places, the same numbers and the same words.

    A passive session and one of a wrong clock, both far off, change none of it, and all say that they are not compared.
    """
    still, t = (30.0, 32.0, 31.0, 30.0, 32.0, 31.0, 30.0, 32.0), Texts()
    sizes = {
        (LEFT, 1): (*still, 50.0, 52.0, 51.0), (RIGHT, 1): (*still, 15.0, 14.0, 13.0),
        (LEFT, -1): (*still, 31.0, 30.0, 44.0), (RIGHT, -1): (*still, 31.0, 32.0, 30.0),
    }  # fmt: skip
    for day in range(11):
        reps = [repetition(n, sign * own[day], side) for (side, sign), own in sizes.items() for n in (1, 2, 3)]
        write(tmp_path, day + 1, tuple(reps), sides=(LEFT, RIGHT), drill="seated-combined", number=2 * day + 1)
    progress = read_progress(tmp_path)
    assert {verdict_words(change, t) for change in progress.changes} == {
        "real gain, confirmed on 11 Jan 2026", "real loss, confirmed on 11 Jan 2026", "gain, to be confirmed",
        "within measurement error",
    }  # fmt: skip
    shown = run_main(monkeypatch, capfd, "show", "last", "--out", tmp_path, columns=400).out
    listed = run_main(monkeypatch, capfd, "progress", "--out", tmp_path, columns=400).out
    made = make_report(progress, "Ana", date(2026, 2, 1), "0")
    table = next(
        table for part in made.parts for table in part.blocks if isinstance(table, Table) and "real from" in table.header
    )
    rows = {row[0]: row for row in table.rows}
    for change in progress.changes:
        line, said = line_of(change, t), verdict_words(change, t)
        assert line["verdict"].lstrip("\u25b2\u25bc ") == said
        assert f"Compared with your first sessions {line['change']}: {said}." in shown
        row = next(row for row in listed.splitlines() if row.strip().startswith(f"{change.side} {change.direction} "))
        assert row.split("  ")[-1].strip() == said or row.rstrip().endswith(said)
        assert line["change"].replace("\u2212", "-") in row
        assert (row_of := rows[f"{change.side}, {change.direction}"])[-1] == said
        assert row_of[4] == line["change"]
    for sides in progress.sides:
        assert sides_words(sides, t) in shown
        assert sides_words(sides, t) in sides_line(sides, t)

    far = tuple(repetition(n, sign * 80.0, side) for side, sign in sizes for n in (1, 2, 3))
    alike = {"sides": (LEFT, RIGHT), "drill": "seated-combined"}
    passive = write(tmp_path, 21, far, started_at="2026-01-09T18:00:00+01:00", number=18, performed="passive", **alike)
    wrong = write(tmp_path, 22, far, started_at="2025-11-09T18:00:00+01:00", number=20, **alike)
    with_both = read_progress(tmp_path)
    verdicts = [(line_of(one, t)["verdict"], line_of(one, t)["change"]) for one in progress.changes]
    assert [(line_of(one, t)["verdict"], line_of(one, t)["change"]) for one in with_both.changes] == verdicts
    again = partial(run_main, monkeypatch, capfd, columns=400)
    assert again("show", "last", "--out", tmp_path).out == shown
    listed = again("progress", "--out", tmp_path)
    made = html_of(make_report(with_both, "Ana", date(2026, 2, 1), "0"))
    kept, dated = "1 session of passive movement", "1 session left out: their dates contradict the order"
    assert left_out_lines(with_both.changes, t) == [kept]
    assert (kept in listed.out + listed.err, kept.removeprefix("1 session ") in made) == (True, True)
    assert [note for note in with_both.notes if note.startswith(dated)]
    assert (dated in listed.out + listed.err, dated in made) == (True, True)
    assert t("result.first") in again("show", passive, "--out", tmp_path).out, "it is like none of them"
    assert "Compared with your first sessions" not in again("show", wrong, "--out", tmp_path).out
