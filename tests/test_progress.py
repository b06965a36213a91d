"""Change with its error: what is compared, the statistics behind it, and how often the verdict is right on simulated people."""

import json
import re
import shutil
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import FIXTURES, ROOT, a_record, a_rep, assert_one_sentence, run_main
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import append, begun, cut_off, repetition, write
from scipy import stats

from rotrack.core.errors import RecordError
from rotrack.core.model import Direction, Rep, Side
from rotrack.progress.change import OF_ONE, Verdict, change_table, read_progress
from rotrack.progress.compare import standing
from rotrack.progress.rule import (
    BASELINE_DAYS,
    LIKENESS,
    MOST_BASELINE_DAYS,
    NOW_DAYS,
    ONE_LOOK,
    ONE_LOOK_TREND,
    PRIOR_DF,
    TREND_DAYS,
    Looks,
    looks,
    variance_of_mean,
)
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, STATED_SHARE, Spread, mdc, sem_of_differences
from rotrack.progress.values import session_table
from rotrack.records.changes import date_session, drop_rep
from rotrack.records.history import newest
from rotrack.records.record import record_bytes
from rotrack.records.repetitions import table_bytes
from rotrack.records.store import INDEX, read_sessions
from rotrack.records.table import refresh_table

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")


# ---------------------------------------------------------------------- simulated people
def simulated(values_deg: np.ndarray, every_days: float = 7.0, day_of: int = 1, **cells: Any) -> pd.DataFrame:
    """Return a `session_table` of people in rows and sessions in columns, deg; `day_of` sessions each day are so far apart."""
    people, sessions = values_deg.shape
    began = datetime(2026, 1, 5, 8, tzinfo=UTC)
    if day_of == 1:
        times = [began + timedelta(days=every_days * n) for n in range(sessions)]
    else:
        times = [began + timedelta(days=7 * (n // day_of) + every_days * (n % day_of)) for n in range(sessions)]
    rows = {
        "session_id": [f"{p}-{n}" for p in range(people) for n in range(sessions)],
        "started_at": [t.isoformat() for t in times] * people,
        "person": np.repeat([f"Person {p:04}" for p in range(people)], sessions),
        "size_deg": values_deg.ravel(),
        "time": pd.to_datetime(times * people, utc=True),
    }
    same = {
        "drill": "seated-internal", "tier": "A", "side": "left", "direction": "internal", "load": "", "calibration": "none",
        "zero": "neutral pose", "convention_version": "2", "measure_version": "1", "uncertainty_deg": 2.6, "reps_used": 3,
        "alike": True, "model": "heavy", "motion": "active", "variant": "", "legs": "one", "held": "",
        "value_rule": "best-3-of-5",
    }  # fmt: skip
    return pd.DataFrame(rows | {key: [cells.get(key, value)] * (people * sessions) for key, value in same.items()})


def different_sems(n: int = 2000) -> np.ndarray:
    """Return the SEM of people, every one between 1.5 and 4.5 deg as frequent."""
    return np.random.default_rng(7).uniform(1.5, 4.5, n)


def said_of(values_deg: np.ndarray) -> Looks:
    """Return what the rule says of people in rows and weekly sessions in columns, deg."""
    people, sessions = values_deg.shape
    start = np.repeat(sessions * np.arange(people), sessions)
    weeks = np.tile(7.0 * np.arange(sessions), people)
    return looks(weeks, values_deg.ravel(), start, np.full(values_deg.size, PUBLISHED_SEM_DEG))


def alike_neighbours(people: int, sessions: int, likeness: float, rng: np.random.Generator) -> np.ndarray:
    """Return errors with standard deviation 1 whose neighbours correlate so much."""
    fresh = rng.normal(size=(people, sessions))
    errors = fresh.copy()
    for n in range(1, sessions):
        errors[:, n] = likeness * errors[:, n - 1] + np.sqrt(1 - likeness**2) * fresh[:, n]
    return errors


def test_whoever_looks_after_every_session_of_a_year_at_four_ranges_is_seldom_told_what_is_not():
    """The guarantee over the prior and likeness 0 to 0.3, in a sample; tests/benchmarks/verdicts.py has it in full."""
    rng, told = np.random.default_rng(20261129), []
    for likeness in (0.0, 0.15, 0.3):
        sems = np.repeat(different_sems(1000), 4)[:, None]
        found = said_of(sems * alike_neighbours(4000, 52, likeness, rng))
        told.append((found.way != 0).reshape(1000, -1).any(axis=1).mean())
        judged = np.isfinite(found.error_deg)
        assert 0.92 <= (np.abs(found.change_deg) <= found.error_deg)[judged].mean() <= 0.98, likeness
    assert np.mean(told) <= 0.05
    assert told[0] <= 0.02


@pytest.mark.parametrize(("sem_deg", "after", "least"), [(3.0, 10, 0.80), (4.5, 10, 0.85), (3.0, 20, 0.80), (4.5, 5, 0.75)])
def test_a_change_of_one_and_a_half_mdc95_that_stays_is_confirmed_by_the_third_session(sem_deg, after, least):
    for sign in (1, -1):
        values = 35 + sem_deg * np.random.default_rng(3).normal(size=(2000, after + 3))
        values[:, after:] += sign * 1.5 * mdc(sem_deg)
        way = said_of(values).way.reshape(2000, -1)
        assert (way[:, after:] == sign).any(axis=1).mean() >= least
        assert (way == -sign).any(axis=1).mean() <= 0.01


def test_steady_growth_is_confirmed_though_no_three_sessions_are_far_from_the_first():
    values = 35 + 3.0 * np.random.default_rng(4).normal(size=(1000, 26)) + np.linspace(0, 15, 26)
    found = said_of(values)
    way = found.way.reshape(1000, -1)
    assert (way[:, -1] == 1).mean() >= 0.95
    grown = np.abs(found.change_deg) > found.real_from_deg
    assert (grown.reshape(1000, -1).any(axis=1)).mean() < (way == 1).any(axis=1).mean()


VALUES = st.lists(st.floats(0, 60), min_size=1, max_size=14)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_every_day_is_judged_by_itself_and_those_before_it_alone(ranges):
    """Nothing that comes later, and no other range, changes what was said on a day."""
    values = np.concatenate([np.array(own) for own in ranges])
    start = np.repeat(np.cumsum([0] + [len(own) for own in ranges[:-1]]), [len(own) for own in ranges])
    days = np.arange(len(values)) - start
    whole = looks(7.0 * days, values, start, np.full(len(values), 3.0))
    for at in range(len(values)):
        own, zero = values[start[at] : at + 1], np.zeros(at + 1 - start[at], int)
        then = looks(7.0 * np.arange(len(own)), own, zero, np.full(len(own), 3.0))
        for name in ("baseline_deg", "now_deg", "sem_deg", "change_deg", "error_deg", "real_from_deg", "slope", "slope_error"):
            assert getattr(then, name)[-1] == pytest.approx(getattr(whole, name)[at], rel=1e-6, abs=1e-6, nan_ok=True), name


def test_what_is_confirmed_stays_with_its_day_until_nothing_shows_it_any_more():
    values = np.array([30.0] * 8 + [50.0] * 4 + [40.0] * 3 + [30.0] * 6)
    found = looks(np.arange(21.0), values, np.zeros(21, int), np.full(21, 3.0))
    assert found.way.tolist() == [0] * 10 + [1] * 6 + [0] * 5
    assert found.confirmed.tolist() == [-1] * 10 + [10] * 6 + [-1] * 5


def test_a_single_session_that_is_far_off_is_to_be_confirmed_and_never_real():
    values = np.array([30.0] * 8 + [60.0] + [30.0] * 3)
    found = looks(np.arange(12.0), values, np.zeros(12, int), np.full(12, 3.0))
    assert found.way.tolist() == [0] * 12
    assert found.doubtful[8] == 1


def share(table: pd.DataFrame, *verdicts: Verdict) -> float:
    return float(table.verdict.isin(verdicts).mean())


@pytest.mark.parametrize("sessions", [6, 12, 40])
def test_the_interval_of_the_slope_covers_what_it_claims(sessions):
    true_per_month, covered = 2.0, []
    for likeness in (0.0, 0.15, 0.3):
        errors = alike_neighbours(2000, sessions, likeness, np.random.default_rng(3)) * different_sems()[:, None]
        table = change_table(simulated(30 + true_per_month * 7.0 * np.arange(sessions) / (365.25 / 12) + errors))
        covered.append(((table.slope_low_deg <= true_per_month) & (true_per_month <= table.slope_high_deg)).mean())
        assert table.slope_deg.mean() == pytest.approx(true_per_month, abs=0.15)
    assert 0.93 <= np.mean(covered) <= 0.98


def test_left_against_right_of_people_without_a_difference_is_seldom_clear(tmp_path):
    rng = np.random.default_rng(5)
    rows = []
    for person in range(100):
        for number in range(5):
            for side in Side:
                rows += session_rows(number + 1, f"P{person}", [35 + rng.normal() * 3.0] * 3, side)
    sides = read_progress(log(tmp_path, rows)).sides
    assert len(sides) == 100
    assert sum(s.clear for s in sides) <= 8
    assert not any(s.flagged for s in sides if abs(s.difference_deg) <= 10)


# ---------------------------------------------------------------------- statistics
def test_sem_and_mdc_are_those_of_measurement_md():
    """SEM 2.0 gives an MDC95 of 5.5 deg, 3.0 gives 8.3: the worked numbers of the field's usual formula 1.96 sqrt 2 SEM."""
    assert mdc(2.0) == pytest.approx(5.54, abs=0.005)
    assert mdc(3.0) == pytest.approx(8.32, abs=0.005)
    assert round(Spread(3.0, 6, NAN, 0, 3.0).mdc95_deg, 2) == 8.32


def test_sem_of_differences():
    assert sem_of_differences([1.0, -1.0, 3.0, 1.0]) == pytest.approx(np.std([1, -1, 3, 1], ddof=1) / 2**0.5)
    assert np.isnan(sem_of_differences([1.0]))


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(-60, 60)), min_size=6, max_size=12, unique_by=lambda day: day[0]))
def test_the_slope_is_that_of_scipy(days):
    time, value = (np.array(numbers, float) for numbers in zip(*sorted(days), strict=True))
    found = looks(time, value, np.zeros(len(days), int), np.full(len(days), 3.0))
    assert found.slope[-1] == pytest.approx(stats.linregress(time, value).slope, rel=1e-6, abs=1e-9)


def test_the_variance_of_a_mean_of_days_that_resemble_each_other():
    """By the sum over all pairs of days, the textbook's definition."""
    for days in (1, 3, 8):
        pairs = 0.15 ** np.abs(np.subtract.outer(np.arange(days), np.arange(days)))
        assert variance_of_mean(np.array([days]))[0] == pytest.approx(pairs.sum() / days**2)


def test_what_values_state_of_themselves_is_the_least_default():
    wide = change_table(simulated(np.full((1, 4), 30.0), uncertainty_deg=19.6))
    assert wide.default_deg[0] == pytest.approx(STATED_SHARE * 10, abs=0.001)
    index = change_table(simulated(np.full((1, 4), 30.0), uncertainty_deg=1.96, tier="C"))
    assert index.default_deg[0] == pytest.approx(STATED_SHARE, abs=0.001), "nothing is published of an index"
    old = change_table(simulated(np.full((1, 4), 30.0), uncertainty_deg=NAN))
    assert old.default_deg[0] == PUBLISHED_SEM_DEG


# ---------------------------------------------------------------------- session values
Row = dict[str, Any]
"""A repetition with what is known of its session."""
OF_REP = ("side", "rep", "peak_deg", "valid", "hold_s", "later_s")


def session_rows(day: int, person: str, peaks: list[float], side: Side = LEFT, **cells: Any) -> list[Row]:
    """Return the repetitions of a session on that day after New Year's Day of 2026, internal if positive."""
    at = datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=day)
    drill = cells.get("drill", "seated-internal")
    same = {
        "session_id": f"{at:%Y%m%d}-{drill}-{person or 'nobody'}", "started_at": at, "person": person, "drill": drill,
        "side": side, "valid": True, "model": "heavy", "measure_version": "1", "status": "finished",
    }  # fmt: skip
    return [same | {"rep": number, "peak_deg": peak} | cells for number, peak in enumerate(peaks, start=1)]


def log(data: Path, *sessions: list[Row]) -> Path:
    """Write sessions as they lie on the disk; return the data folder."""
    of: dict[str, list[Row]] = {}
    for row in (row for session in sessions for row in session):
        of.setdefault(row["session_id"], []).append(row)
    for session_id, rows in of.items():
        folder = data / "sessions" / session_id
        folder.mkdir(parents=True, exist_ok=True)
        about = {key: value for key, value in rows[0].items() if key not in OF_REP}
        record = a_record(1, **about, sides=tuple(dict.fromkeys(Side(row["side"]) for row in rows)))
        (folder / "session.json").write_bytes(record_bytes(record))
        reps = [one_after_another(row) for row in rows]
        (folder / "repetitions.csv").write_bytes(table_bytes(reps))
    return data


def one_after_another(row: Row) -> Rep:
    """Return a repetition; the right leg turns when the left one has."""
    later_s = 60.0 if row["side"] == RIGHT else row.get("later_s", 0.0)
    rep = a_rep(row["rep"], row["peak_deg"], Side(row["side"]), valid=row["valid"], uncertainty_deg=2.6)
    times_s = {name: getattr(rep, name) + later_s for name in ("start_s", "peak_s", "end_s")}
    return replace(rep, hold_s=row.get("hold_s", rep.hold_s), **times_s)


def weekly(person: str, values: list[float], **cells: Any) -> list[list[Row]]:
    return [session_rows(7 * n, person, [value] * 3, **cells) for n, value in enumerate(values)]


def test_values_equal_those_of_the_sessions(tmp_path):
    mixed = (
        repetition(1, 30.0), repetition(2, 40.0, valid=False), repetition(3, 34.0, faults=("T",)), repetition(4, 32.0),
        repetition(5, 50.0), repetition(6, 31.0), repetition(7, 80.0), repetition(1, -22.0), repetition(2, -25.0),
        repetition(1, 28.0, RIGHT), repetition(2, 12.0, RIGHT, valid=False),
    )  # fmt: skip
    write(tmp_path, 1, mixed)
    second = write(tmp_path, 2, person=" Ana ")
    write(tmp_path, 3, person="Bo")
    cut_off(tmp_path, 4)
    drop_rep(tmp_path, second, LEFT, INTERNAL, 4)
    sessions, _ = read_sessions(tmp_path)
    table = session_table(sessions)
    for session in sessions:
        for value in session.values:
            row = table[(table.session_id == session.id) & (table.side == value.side) & (table.direction == value.direction)]
            assert row.value_deg.item() == pytest.approx(value.value_deg, nan_ok=True)
            assert row.size_deg.item() == pytest.approx(value.direction.sign * value.value_deg, nan_ok=True)
            assert row.uncertainty_deg.item() == pytest.approx(value.uncertainty_deg, nan_ok=True)
            assert (row.reps_used.item(), row.reps_valid.item()) == (value.reps_used, value.reps_valid)
            assert row.reps_total.item() == value.reps_total
            assert row.person.item() == session.person
    assert len(table) == sum(len(session.values) for session in sessions)


def test_a_session_without_repetitions_has_no_values(tmp_path):
    write(tmp_path, 1, ())
    assert session_table(read_sessions(tmp_path)[0]).empty
    found = read_progress(tmp_path)
    assert found.changes == found.sides == ()


# ---------------------------------------------------------------------- what is compared
def test_baseline_change_and_verdict_by_hand(tmp_path):
    sizes = [30.0, 32.0, 31.0, 30.0, 32.0, 31.0, 30.0, 32.0, 31.0, 50.0, 52.0, 48.0]
    (change,) = read_progress(log(tmp_path, *weekly("Ana", sizes))).changes
    assert (change.person, change.drill, change.side, change.direction) == ("Ana", "seated-internal", LEFT, INTERNAL)
    assert [p.size_deg for p in change.points] == sizes
    baseline_deg = np.mean(sizes[:8])
    assert (change.baseline_deg, change.now_deg, change.latest_deg) == (pytest.approx(baseline_deg), 50.0, 48.0)
    assert change.change_deg == pytest.approx(50.0 - baseline_deg)
    own = ((np.array(sizes[:8]) - baseline_deg) ** 2).sum() + 8.0  # of baseline and latest three; 9 degrees of freedom
    sem_deg = np.sqrt((6 * 3.0**2 + own) / 15)
    assert change.spread.sem_deg == pytest.approx(sem_deg)
    assert (change.spread.own_deg, change.spread.own_df) == (pytest.approx(np.sqrt(own / 9)), 9)
    pairs = {n: (0.15 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))).sum() / n**2 for n in (3, 8)}
    off = np.sqrt(pairs[3] + pairs[8]) * sem_deg
    assert change.error_deg == pytest.approx(stats.t.ppf(0.975, 15) * off)
    assert change.real_from_deg == pytest.approx(stats.t.ppf(1 - 2e-4, 15) * off)
    assert (change.verdict, change.way) == (Verdict.REAL, 1)
    assert change.confirmed == change.points[-1].started_at.date()
    assert change.points[0].started_at == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert change.now_from == change.points[-3].started_at


STILL = [30.0, 32.0, 31.0, 30.0, 32.0, 31.0, 30.0, 32.0]


@pytest.mark.parametrize(
    ("latest", "verdict", "way"),
    [
        ([31.0, 32.0, 30.0], Verdict.WITHIN, 0),
        ([31.0, 32.0, 45.0], Verdict.UNCONFIRMED, 1),
        ([36.0, 35.0, 37.0], Verdict.UNCONFIRMED, 1),
        ([45.0, 47.0, 46.0], Verdict.REAL, 1),
        ([16.0, 15.0, 17.0], Verdict.REAL, -1),
    ],
)
def test_verdicts_from_within_to_real(tmp_path, latest, verdict, way):
    (change,) = read_progress(log(tmp_path, *weekly("Ana", STILL + latest))).changes
    assert (change.verdict, change.way) == (verdict, way), (change.change_deg, change.error_deg, change.real_from_deg)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_three_sessions_are_a_baseline_and_no_verdict(tmp_path, count):
    (change,) = read_progress(log(tmp_path, *weekly("Ana", [30.0, 60.0, 31.0][:count]))).changes
    assert change.verdict is Verdict.NOT_ENOUGH
    assert np.isnan(change.change_deg)
    assert np.isnan(change.error_deg)
    assert np.isnan(change.baseline_deg) == (count < 3)


def test_external_rotation_that_grows_is_more_range(tmp_path):
    (change,) = read_progress(log(tmp_path, *weekly("Ana", [-30.0, -32.0, -31.0, -46.0]))).changes
    assert change.direction is EXTERNAL
    assert (change.latest_deg, change.now_deg, change.change_deg) == (46.0, 46.0, 15.0)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"calibration": "personal"}, "with calibration none"),
        ({"load_kg": 5.0, "band": "Black"}, "without load"),
        ({"band": "black", "zero": "vertical"}, "without load, with zero neutral pose"),
        ({"zero": "vertical"}, "with zero neutral pose"),
        ({"performed": "passive"}, "of active movement"),
        ({"value_rule": "single"}, "with the value best-3-of-5"),
        ({"hold_s": 4.0}, "in repetitions"),
        ({"convention_version": "3"}, "of convention version 2"),
        ({"measure_version": "2"}, "of measure version 1"),
        ({"measure_version": "1 uncorrected"}, "of measure version 1"),
        ({"measure_version": "1 without leg network"}, "of measure version 1"),
    ],
)
def test_only_like_is_compared_with_the_latest(tmp_path, cells, reason):
    later = [session_rows(100 + 7 * n, "Ana", [50.0] * 3, **cells) for n in range(4)]
    (change,) = read_progress(log(tmp_path, *weekly("Ana", [30.0, 30.0]), *later)).changes
    assert [p.size_deg for p in change.points] == [50.0] * 4
    assert [(left.reason, left.sessions) for left in change.left_out] == [(reason, 2)]
    assert change.verdict is Verdict.WITHIN


@pytest.mark.parametrize("wrong_day", [-40, 400])
def test_a_clock_that_was_wrong_once_makes_no_verdict(tmp_path, wrong_day):
    """The one session counts neither as the latest nor as a part of the baseline, and with its right date it is in again."""
    sizes = [30.0] * 5 + [60.0] + [30.0] * 2
    days = [7 * n for n in range(8)]
    days[5] = wrong_day
    log(tmp_path, *(
        session_rows(day, "Ana", [size] * 3, number=n) for n, (day, size) in enumerate(zip(days, sizes, strict=True), start=1)
    ))  # fmt: skip
    found = read_progress(tmp_path)
    assert [point.size_deg for point in found.changes[0].points] == [30.0] * 7
    assert any("contradict the order" in note for note in found.notes)
    sessions, _ = read_sessions(tmp_path)
    wrong = next(session for session in sessions if session.record.number == 6)
    assert not standing(wrong, sessions).changes
    date_session(tmp_path, wrong.id, datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=35))
    assert [point.size_deg for point in read_progress(tmp_path).changes[0].points] == sizes


def test_a_movement_that_nobody_called_passive_is_active(tmp_path):
    later = [session_rows(100 + 7 * n, "Ana", [50.0] * 3, performed="active") for n in range(4)]
    (change,) = read_progress(log(tmp_path, *weekly("Ana", [30.0, 30.0]), *later)).changes
    assert not change.left_out
    assert change.kind["motion"] == "active"


def test_both_legs_at_once_are_not_compared_with_one_after_the_other(tmp_path):
    def both(day: int, later_s: float) -> list[Row]:
        rows = [session_rows(day, "Ana", [30.0] * 3, side, later_s=later_s) for side in (LEFT, RIGHT)]
        return rows[0] + rows[1]

    found = read_progress(log(tmp_path, *(both(day, 0.0) for day in (0, 7)), *(both(day, 60.4) for day in (100, 107, 114))))
    for change in found.changes:
        assert (change.kind["legs"], len(change.points)) == ("both", 3)
        assert [(left.reason, left.sessions) for left in change.left_out] == [("with one leg at a time", 2)]


@pytest.mark.parametrize("cells", [{"drill": "seated-external"}, {"side": RIGHT}])
def test_other_drills_and_legs_are_other_ranges(tmp_path, cells):
    found = read_progress(log(tmp_path, *weekly("Ana", [30.0] * 4), *weekly("Ana", [50.0] * 4, **cells)))
    assert sorted(c.latest_deg for c in found.changes) == [30.0, 50.0]
    assert all(c.verdict is Verdict.WITHIN and not c.left_out for c in found.changes)


def test_what_cannot_be_compared_at_all_is_said(tmp_path):
    log(
        tmp_path, *weekly("Ana", [30.0] * 4), *weekly("", [30.0] * 2),
        session_rows(50, "Ana", [30.0] * 3, drill="zst-confidence", tier="D", peak_deg=NAN),
        session_rows(60, "Ana", [30.0] * 3, valid=False),
    )  # fmt: skip
    found = read_progress(tmp_path)
    assert [len(c.points) for c in found.changes] == [4]
    text = " ".join(found.notes)
    assert "2 sessions left out: without a name" in text
    assert "1 session left out: stretches" in text
    assert "Without a valid repetition: seated-internal left internal in 1 session" in text
    assert "not a single valid repetition" in text
    assert set(found.reps.person) == {"Ana"}


def test_a_session_that_is_being_measured_is_left_out(tmp_path):
    log(tmp_path, *weekly("Ana", [30.0] * 4))
    with begun(tmp_path, 1, session_id="now", started_at=datetime.now(UTC), measure_version="1") as writer:
        append(writer, tuple(repetition(number, 60.0) for number in (1, 2, 3)))
        found = read_progress(tmp_path)
        assert [c.latest_deg for c in found.changes] == [30.0]
        assert "still being measured" in " ".join(found.notes)
    assert [c.latest_deg for c in read_progress(tmp_path).changes] == [60.0]


def test_of_a_movement_measured_again_only_the_newest_reading_counts(tmp_path):
    first, *rest = weekly("Ana", [30.0] * 4)
    origin = first[0]["session_id"]
    ids = [f"{origin}-r{year}0301080000-00ff" for year in (2027, 2028)]
    march, next_march = [
        [row | {"session_id": i, "remeasured_from": origin, "peak_deg": peak} for row in first]
        for i, peak in zip(ids, (33.0, 36.0), strict=True)
    ]
    found = read_progress(log(tmp_path, first, *rest, next_march, march))  # another computer's may come in later
    (change,) = found.changes
    assert (change.points[0].session_id, change.points[0].size_deg) == (ids[1], 36.0)
    assert len(change.points) == 4
    assert "measured again" in " ".join(found.notes)
    assert {origin, *ids} - {session.id for session in newest(read_sessions(tmp_path)[0])} == {origin, ids[0]}


def test_a_later_reading_that_was_cut_off_or_runs_does_not_take_the_place(tmp_path):
    sessions = weekly("Ana", [30.0] * 4)
    origin = sessions[0][0]["session_id"]
    again = [row | {"session_id": f"{origin}-r1", "remeasured_from": origin, "peak_deg": 5.0} for row in sessions[0]]
    log(tmp_path, *sessions)
    for status, baseline_deg in (("running", 30.0), ("not measured", 30.0), ("finished", 65 / 3)):
        log(tmp_path, [row | {"status": status} for row in again])
        assert read_progress(tmp_path).changes[0].baseline_deg == pytest.approx(baseline_deg), status


def test_a_newer_reading_counts_even_if_it_lacks_the_leg_that_is_asked_for(tmp_path):
    sessions = weekly("Ana", [30.0] * 4)
    origin = sessions[0][0]["session_id"]
    again = [row | {"session_id": f"{origin}-r1", "remeasured_from": origin, "side": RIGHT} for row in sessions[0]]
    log(tmp_path, *sessions, again)
    for side in (LEFT, None):
        assert [len(c.points) for c in read_progress(tmp_path, side=side).changes if c.side is LEFT] == [3]


def test_sessions_of_one_day_do_not_vouch_for_each_other(tmp_path):
    """Three in an hour are a baseline, but how days differ is not known from them."""
    hours = [
        session_rows(0, "Ana", [30.0] * 3, session_id=f"h{n}", started_at=datetime(2026, 1, 1, n, tzinfo=UTC)) for n in (6, 7, 8)
    ]
    found = read_progress(log(tmp_path, *hours, session_rows(7, "Ana", [38.0] * 3)))
    (change,) = found.changes
    assert (len(change.points), change.days) == (4, 2)
    assert (change.spread.own_df, change.verdict) == (1, Verdict.NOT_ENOUGH)
    assert any("one day" in note for note in found.notes)


@pytest.mark.parametrize(("a_day", "days"), [(3, 2), (3, 5), (4, 4), (12, 2), (2, 10)])
def test_many_sessions_on_few_days_seldom_make_a_real_change(a_day, days):
    rng = np.random.default_rng(11)
    day = np.repeat(rng.normal(size=(2000, days)) * 2.8, a_day, axis=1)
    table = change_table(simulated(35 + day + rng.normal(size=(2000, a_day * days)) * 1.0, every_days=1 / 24, day_of=a_day))
    assert share(table, Verdict.REAL) <= 0.02
    assert table.slope_deg.notna().all() == (days >= 6)


def test_a_latest_value_from_few_repetitions_is_told(tmp_path):
    found = read_progress(log(tmp_path, *weekly("Ana", [30.0] * 3), session_rows(50, "Ana", [30.0])))
    assert any("fewer valid repetitions than its rule asks for" in note for note in found.notes)


def test_legs_of_different_years_are_not_compared(tmp_path):
    later = [session_rows(400 + 7 * n, "Ana", [50.0] * 3, RIGHT) for n in range(4)]
    assert read_progress(log(tmp_path, *weekly("Ana", [30.0] * 4), *later)).sides == ()


def test_different_pose_models_are_told(tmp_path):
    found = read_progress(log(tmp_path, *weekly("Ana", [30.0] * 3), session_rows(50, "Ana", [30.0] * 3, model="full")))
    assert [len(c.points) for c in found.changes] == [4]
    assert any("full and heavy" in note for note in found.notes)


def test_history_leaves_out_what_was_measured_again(tmp_path):
    first = write(tmp_path, 1)
    write(tmp_path, 2)
    again = write(
        tmp_path, 1, session_id=f"{first}-r20260301080000-00ff", remeasured_from=first, remeasured_at="2026-03-01T08:00:00Z"
    )
    sessions, _ = read_sessions(tmp_path)
    assert len(sessions) == 3
    assert newest(sessions)[0].id == again
    assert len(newest(sessions)) == 2


def test_filters(tmp_path):
    log(tmp_path, *weekly("Ana", [30.0] * 6), *weekly("Ana", [33.0] * 6, side=RIGHT), *weekly("Bo", [40.0] * 4))
    assert {c.person for c in read_progress(tmp_path, " Bo ").changes} == {"Bo"}
    assert {c.side for c in read_progress(tmp_path, side=RIGHT).changes} == {RIGHT}
    assert {len(c.points) for c in read_progress(tmp_path, "Ana", since=date(2026, 1, 15)).changes} == {4}
    assert read_progress(tmp_path, drill="seated-external").changes == ()
    assert set(read_progress(tmp_path, side=RIGHT).reps.side) == {"right"}


def test_left_and_right_come_from_the_last_session_that_has_both(tmp_path):
    both = [
        [row for side, size in ((LEFT, 50.0), (RIGHT, 24.0)) for row in session_rows(7 * n, "Ana", [size] * 3, side)]
        for n in range(4)
    ]
    (sides,) = read_progress(log(tmp_path, *both, session_rows(50, "Ana", [60.0] * 3))).sides
    assert (sides.left_deg, sides.right_deg, sides.difference_deg) == (50.0, 24.0, 26.0)
    assert sides.clear
    assert sides.flagged
    assert sides.error_deg >= np.hypot(2.6, 2.6)


def test_all_show_ranges_in_the_same_order(tmp_path):
    both = [[row for side in (RIGHT, LEFT) for row in session_rows(7 * n, "Ana", [-30.0, 30.0], side)] for n in range(4)]
    found = read_progress(log(tmp_path, *both))
    assert [(c.direction, c.side) for c in found.changes] == [(d, s) for d in (INTERNAL, EXTERNAL) for s in (LEFT, RIGHT)]
    assert [s.direction for s in found.sides] == [INTERNAL, EXTERNAL]


def test_unlike_legs_are_not_compared(tmp_path):
    others = [session_rows(1 + 7 * n, "Ana", [50.0] * 3, RIGHT, calibration="personal") for n in range(4)]
    data = log(tmp_path, *weekly("Ana", [30.0] * 4), *others)
    assert read_progress(data).sides == ()


# ---------------------------------------------------------------------- the log in the real world
def clinic(data: Path, name: str, people: int = 500, sessions: int = 10) -> int:
    """Write the log of a clinic, twenty repetitions a session; return how many there are."""
    rng = np.random.default_rng(1)
    rows = []
    for session in range(sessions):
        for person in range(people):
            for side in Side:
                peaks = np.outer(rng.normal(36, 3, 5), [1, -1]).ravel().tolist()
                rows += session_rows(7 * session + person % 7, name.format(person), peaks, side, drill="seated-combined")
    log(data, rows)
    refresh_table(data)
    return len(rows)


def cpu_s(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.slow
def test_the_index_opens_a_hundred_thousand_repetitions_in_less_than_half_the_time(tmp_path):
    """In one run and taking turns, so that a busy machine slows both."""
    assert clinic(tmp_path, "Müller, {}") == 100_000
    ratios = []
    for _ in range(3):
        (tmp_path / INDEX).unlink()
        anew = cpu_s(lambda: read_progress(tmp_path))
        ratios.append(cpu_s(lambda: read_progress(tmp_path)) / anew)
    assert np.median(ratios) < 0.5, ratios
    print(f"{np.median(ratios):.2f} of the time without the index")
    found = read_progress(tmp_path)
    assert len(found.table) == 2000
    assert found.problems == ()
    one = read_progress(tmp_path, "Müller, 7")
    assert len(one.changes) == 4
    whole = found.table[found.table.person == "Müller, 7"].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, one.table)


def test_damaged_rows_are_named_by_line_and_the_rest_is_used(tmp_path):
    log(tmp_path, *weekly("Ana", [30.0] * 4))
    for folder, line in zip(sorted((tmp_path / "sessions").iterdir()), (1, 3), strict=False):
        lines = (folder / "repetitions.csv").read_bytes().split(b"\r\n")
        lines[line] = lines[line].replace(b"30.0", b"3o.0")
        (folder / "repetitions.csv").write_bytes(b"\r\n".join(lines))
    found = read_progress(tmp_path)
    assert [re.findall(r"Line (\d+)", problem) for problem in found.problems] == [["2"], ["4"]]
    assert [[p.reps_used for p in c.points] for c in found.changes] == [[2, 2, 3, 3]]
    assert len(found.reps) == 10


@pytest.mark.parametrize("columns", [25, 27, 30, 32])
@pytest.mark.parametrize("kind", ["columns", "columns_table_only"])
def test_a_log_of_every_earlier_version_still_reads(tmp_path, columns, kind):
    data = shutil.copytree(FIXTURES / "logs" / f"{columns}_{kind}", tmp_path / "data")
    changes = read_progress(data).changes
    assert changes
    assert all(np.isnan(change.points[0].uncertainty_deg) == (columns == 25) for change in changes)


def test_a_folder_without_a_log_is_explained(tmp_path):
    with pytest.raises(RecordError, match="There is no log in"):
        read_progress(tmp_path)


# ---------------------------------------------------------------------- the command
@pytest.fixture
def shown(monkeypatch, capfd):
    def run(*args: object, columns: int = 200) -> Any:
        return run_main(monkeypatch, capfd, "progress", *args, columns=columns)

    return run


def test_the_table_says_what_was_found(shown, tmp_path):
    personal = session_rows(3, "Ana", [20.0] * 3, calibration="personal")
    log(tmp_path, *weekly("Ana", [30.0, 32.0, 31.0, 61.0, 62.0, 63.0]), *weekly("Ana", [30.0] * 2, side=RIGHT), personal)
    ended = shown("--out", tmp_path, columns=80)
    assert ended.code == 0
    assert "Ana, seated-internal" in ended.out
    assert re.search(r"left internal +6 +31\.0° +62\.0° +\+31\.0 ± \d\.\d° +1\d\.\d° +real gain,", ended.out)
    assert "confirmed on 5 Feb 2026" in shown("--out", tmp_path).out
    assert re.search(r"right internal +2 +– +30\.0° +– +– +not enough sessions", ended.out)
    assert re.search(r"left internal: \+\d+\.\d° a month \(95 %: \+\d+\.\d to \+\d+\.\d\) over 6 sessions", ended.out)
    assert "left out: 1 session with calibration personal (left internal)" in ended.out
    assert all(len(line) <= 80 for line in ended.out.splitlines() if "─" in line or "left internal  " in line)


def test_the_left_leg_is_flagged_when_it_has_much_more(shown, tmp_path):
    both = [
        [row for side, size in ((LEFT, 50.0), (RIGHT, 30.0)) for row in session_rows(7 * n, "Ana", [size] * 3, side)]
        for n in range(4)
    ]
    log(tmp_path, *both)
    assert "the left leg has 20.0 ± " in (out := shown("--out", tmp_path).out)
    assert "more than the right (above 10°)" in out


def test_json_has_all_of_it(shown, tmp_path):
    log(tmp_path, *weekly("Ana", [30.0, 32.0, 31.0, 33.0]))
    found = json.loads(shown("--out", tmp_path, "--json").out)
    (change,) = found["changes"]
    assert change["verdict"] == "within measurement error"
    assert change["slope"]["per_month_deg"] is None
    assert change["spread"]["mdc95_deg"] == pytest.approx(mdc(change["spread"]["sem_deg"]))
    assert [p["size_deg"] for p in change["points"]] == [30.0, 32.0, 31.0, 33.0]
    assert found["problems"] == found["sides"] == found["readings"] == []


def test_many_people_get_a_line_each(shown, tmp_path):
    for n in range(6):
        log(tmp_path, *weekly(f"Person {n}", [30.0, 30.0, 30.0, 30.0 + 4 * n]))
    out = shown("--out", tmp_path).out
    assert "6 people" in out
    assert "baseline" not in out
    assert re.search(r"Person 5 .*2026-01-22 .* 4 .* 1 .* 1 ", out)


def test_who_is_not_known_and_what_is_not_there_is_said(shown, tmp_path):
    assert_one_sentence(shown("--out", tmp_path), 3, "There is no log in", "--out")
    log(tmp_path, *weekly("", [30.0] * 2))
    assert "no session yet that can be compared" in shown("--out", tmp_path).out
    assert_one_sentence(shown("--out", tmp_path, "--drill", "seated"), 2, "seated")
    for json_too in ((), ("--json",)):
        assert_one_sentence(shown("--out", tmp_path, "--person", "Bo", *json_too), 2, "There is nobody called 'Bo'")
    log(tmp_path, *weekly("Ana", [30.0] * 4))
    assert "without --drill, --side or --since" in shown("--out", tmp_path, "--since", "2030-01-01").out


def test_every_number_of_the_explanation_is_that_of_the_program():
    text = (ROOT / "docs" / "progress.md").read_text("utf-8")
    for number in (
        f"{PUBLISHED_SEM_DEG:.1f} degrees", f"{PRIOR_DF:.0f} degrees of freedom", f"{STATED_SHARE} · ± / 1.96",
        f"first {BASELINE_DAYS} to {MOST_BASELINE_DAYS} days", f"latest {NOW_DAYS} days", f"r = {LIKENESS:g}",
        f"p = {ONE_LOOK:.4f}", f"p = {ONE_LOOK_TREND:.4f}", f"from {TREND_DAYS} days on",
    ):  # fmt: skip
        assert number in text, number
    for verdict in Verdict:
        assert f"| {verdict} |" in text
    assert OF_ONE == ("person", "drill", "side", "direction")
