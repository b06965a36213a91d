"""Agreement: published examples to the printed digits, intervals that hold what they claim, pairs that belong together."""

import json
import re
from collections.abc import Callable
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pypdfium2
import pytest
from helpers import Ended, assert_one_sentence, run_main
from made_sessions import LEFT, RIGHT, everything, repetition, write
from test_readings import line, table_of

from rotrack.charts.sessions import agreement_figure
from rotrack.core.errors import InputError
from rotrack.exchange.typed import Form, import_readings
from rotrack.progress.agreement import (
    PAIR_COLUMNS,
    Interval,
    Pairing,
    Unpaired,
    agreement_of,
    bias_interval,
    cautions,
    icc_of,
    limit_intervals,
    limit_precision,
    pair_readings,
    repetition_table,
    spread_of,
    subjects_of,
)
from rotrack.progress.statistics import mdc, sem_of_differences
from rotrack.progress.values import session_table
from rotrack.records.readings import read_readings
from rotrack.records.store import read_sessions

Run = Callable[..., Ended]

# Bland JM, Altman DG. Statistical methods for assessing agreement between two methods of clinical measurement. Lancet 1986;
# i:307-310. Table: peak expiratory flow, l/min, first readings. The paper takes 2 SD for the limits.
LARGE_METER = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
MINI_METER = (512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)
# Shrout PE, Fleiss JL. Intraclass correlations: uses in assessing rater reliability. Psychol Bull 1979;86:420-428, table 2.
JUDGES = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
# Weir JP. Quantifying test-retest reliability using the intraclass correlation coefficient and the SEM. J Strength Cond Res 2005;
# 19:231-240, data set A of table 1 (one repetition maximum, kg).
TRIAL_1 = (146, 148, 170, 90, 157, 156, 176, 205)
TRIAL_2 = (140, 152, 152, 99, 145, 153, 167, 218)
# Bland JM, Altman DG. Statistics notes: Measurement error. BMJ 1996;313:744, table 1: four peak flows of 20 children, l/min.
CHILDREN = np.array(
    """190 220 200 200  220 200 240 230  260 260 240 280  210 300 280 265  270 265 280 270  280 280 270 275  260 280 280 300
    275 275 275 305  280 290 300 290  320 290 300 290  300 300 310 300  270 250 330 370  320 330 330 330  335 320 335 375
    350 320 340 365  360 320 350 345  330 340 380 390  335 385 360 370  400 420 425 420  430 460 480 470""".split(),
    float,
).reshape(20, 4)
# Bland JM, Altman DG. Agreement between methods of measurement with multiple observations per individual. J Biopharm Stat 2007;
# 17:571-582. Cardiac output by radionuclide ventriculography and impedance cardiography, with the patient's number before them.
CARDIAC = np.array(
    """1 7.83 6.57 1 7.42 5.62 1 7.89 6.9 1 7.12 6.57 1 7.88 6.35 2 6.16 4.06 2 7.26 4.29 2 6.71 4.26 2 6.54 4.09 3 4.75 4.71
    3 5.24 5.5 3 4.86 5.08 3 4.78 5.02 3 6.05 6.01 3 5.42 5.67 4 4.21 4.14 4 3.61 4.2 4 3.72 4.61 4 3.87 4.68 4 3.92 5.04
    5 3.13 3.03 5 2.98 2.86 5 2.85 2.77 5 3.17 2.46 5 3.09 2.32 5 3.12 2.43 6 5.92 5.9 6 6.42 5.81 6 5.92 5.7 6 6.27 5.76
    7 7.13 5.09 7 6.62 4.63 7 6.58 4.61 7 6.93 5.09 8 4.54 4.72 8 4.81 4.61 8 5.11 4.36 8 5.29 4.2 8 5.39 4.36 8 5.57 4.2
    9 4.48 3.17 9 4.92 3.12 9 3.97 2.96 10 4.22 4.35 10 4.65 4.62 10 4.74 3.16 10 4.44 3.53 10 4.5 3.53 11 6.78 7.2
    11 6.07 6.09 11 6.52 7.0 11 6.42 7.1 11 6.41 7.4 11 5.76 6.8 12 5.06 4.5 12 4.72 4.2 12 4.9 3.8 12 4.8 3.8 12 4.9 4.2
    12 5.1 4.5""".split(),
    float,
).reshape(60, 3)
REPEATS = 2000


def rounded(interval: Interval, digits: int) -> tuple[float, float]:
    return round(float(interval.low), digits), round(float(interval.high), digits)


def holds(interval: Interval, truth: float) -> float:
    return float(((interval.low <= truth) & (truth <= interval.high)).mean())


# ---------------------------------------------------------------------- published examples
def test_bland_and_altman_1986_to_the_printed_digits() -> None:
    found = agreement_of(LARGE_METER, MINI_METER)
    assert (found.pairs, found.subjects, round(found.bias_deg, 1), round(found.sd_deg, 1)) == (17, 17, -2.1, 38.8)
    assert rounded(found.bias, 1) == (-22.0, 17.8)
    # From here on the paper goes on with the rounded mean and SD.
    bias, sd = round(found.bias_deg, 1), round(found.sd_deg, 1)
    assert (round(bias - 2 * sd, 1), round(bias + 2 * sd, 1)) == (-79.7, 75.5)
    lower, upper = limit_intervals(bias, sd, 17, limit_sd=2, approximate=True)
    assert rounded(lower, 1) == (-114.3, -45.1)
    assert rounded(upper, 1) == (40.9, 110.1)


def test_what_is_printed_here_for_bland_and_altman_has_196_sd_and_the_exact_interval() -> None:
    found = agreement_of(LARGE_METER, MINI_METER)
    assert found.lower_deg == pytest.approx(-2.1176 - 1.96 * 38.7651, abs=1e-3)
    assert found.upper_deg == pytest.approx(-2.1176 + 1.96 * 38.7651, abs=1e-3)
    lower, upper = limit_intervals(found.bias_deg, found.sd_deg, 17, approximate=True)
    assert found.lower.low < lower.low
    assert found.lower.high < lower.high
    assert found.upper.low > upper.low
    assert found.upper.high > upper.high


def test_bland_and_altman_2007_to_the_printed_digits() -> None:
    found = agreement_of(CARDIAC[:, 1], CARDIAC[:, 2], CARDIAC[:, 0])
    assert (found.pairs, found.subjects) == (60, 12)
    assert (round(found.bias_deg, 7), round(found.sd_deg, 7)) == (0.6021667, 0.9906241)
    assert (found.lower_deg, found.upper_deg) == pytest.approx((-1.3394565, 2.5437899), abs=1e-6)
    assert round(found.between_deg**2 + found.within_deg**2, 4) == round(found.sd_deg**2, 4)


def test_shrout_and_fleiss_1979_to_the_printed_digits() -> None:
    icc = icc_of(JUDGES)
    assert round(float(icc.value), 2) == 0.29
    assert rounded(icc.any_instruments, 3) == (0.019, 0.761), "McGraw and Wong 1996, as psych and irr print it for these data"


def test_weir_2005_to_the_printed_digits() -> None:
    found = agreement_of(TRIAL_1, TRIAL_2)
    assert round(found.sem_deg, 1) == 7.6
    assert round(float(found.icc.value), 2) == 0.95
    assert found.mdc95_deg == pytest.approx(7.557 * 1.96 * 2**0.5, abs=0.01)


def test_bland_and_altman_1996_to_the_printed_digits() -> None:
    """Within-subject standard deviation 21.5, repeatability 2.77 of it = 60 l/min; of four measurements every pair is taken."""
    assert CHILDREN.var(axis=1, ddof=1).mean() == pytest.approx(460.52, abs=0.005), "the printed residual mean square"
    sem = sem_of_differences(np.concatenate([CHILDREN[:, i] - CHILDREN[:, j] for i, j in permutations(range(4), 2)]))
    assert round(sem, 1) == 21.5
    assert round(mdc(sem)) == 60


# ---------------------------------------------------------------------- intervals hold what they claim
@pytest.mark.parametrize("pairs", [10, 20, 50])
def test_intervals_of_bias_and_limits_hold_in_95_of_100_samples(pairs: int) -> None:
    rng = np.random.default_rng(86 + pairs)
    differences = rng.normal(1.5, 3.0, (REPEATS, pairs))
    bias, sd = differences.mean(axis=1), differences.std(axis=1, ddof=1)
    lower, upper = limit_intervals(bias, sd, pairs)
    for interval, truth in ((bias_interval(bias, sd, pairs), 1.5), (lower, 1.5 - 1.96 * 3), (upper, 1.5 + 1.96 * 3)):
        assert 0.93 <= holds(interval, truth) <= 0.97


def test_the_icc_of_several_pairs_is_that_of_single_ones_where_they_are_the_same() -> None:
    """Each pair twice: nothing varies within a person, so the second pair adds nothing."""
    once = sampled(20, 0.8, 0.5)[0]
    twice = agreement_of(*np.vstack([once, once]).T, np.tile(np.arange(20), 2))
    assert twice.icc.value == pytest.approx(float(icc_of(once).value))


def test_the_icc_of_several_pairs_and_its_interval_hold() -> None:
    """Angles differ by 6 deg between people and 2 between pairs, instruments by 1.5 for a person and by 1 in each pair."""
    rng = np.random.default_rng(5)
    own, held, values = np.repeat(np.arange(20), 3), 0, []
    truth = (36 + 4) / (36 + 4 + 1.5**2 + 1 + 1 / 2)
    for _ in range(300):
        angle = rng.normal(0, 6, 20)[own] + rng.normal(0, 2, 60)
        one, other = (angle + rng.normal(0, 1.5, 20)[own] + rng.normal(0, 1, 60) for _ in range(2))
        icc = agreement_of(one + 1.0, other, own).icc
        values.append(icc.value)
        held += icc.interval.low <= truth <= icc.interval.high
    assert np.mean(values) == pytest.approx(truth, abs=0.015)
    assert 0.91 <= held / 300 <= 0.98


@pytest.mark.parametrize(("people", "each"), [(10, 5), (20, 3)])
@pytest.mark.parametrize(("between", "within"), [(2.0, 2.0), (0.0, 3.0), (3.0, 1.0)])
def test_intervals_hold_where_each_person_has_several_pairs(people: int, each: int, between: float, within: float) -> None:
    rng = np.random.default_rng(round(people + 10 * between))
    own = np.repeat(np.arange(people), each)
    truth = [1.0 + side * 1.96 * np.hypot(between, within) for side in (0, -1, 1)]
    held, held_if_independent = np.zeros(3), 0.0
    for _ in range(400):
        differences = 1.0 + rng.normal(0, between, people)[own] + rng.normal(0, within, people * each)
        bias, intervals = differences.mean(), spread_of(differences, own).intervals(differences.mean())
        held += [interval.low <= value <= interval.high for interval, value in zip(intervals, truth, strict=True)]
        interval = bias_interval(bias, differences.std(ddof=1), len(own))
        held_if_independent += interval.low <= 1.0 <= interval.high
    assert (held / 400 >= 0.925).all()
    assert held_if_independent / 400 < 0.9 or between == 0, "pairs of a person taken for independent would claim too much"


def test_the_precision_that_is_told_in_advance_comes_true() -> None:
    rng = np.random.default_rng(20)
    widths = []
    for _ in range(300):
        found = agreement_of(rng.normal(0, 3, 20), np.zeros(20))
        widths.append((found.upper.high - found.upper.low) / 2)
    assert limit_precision(20, 3.0) == pytest.approx(np.mean(widths), rel=0.03)


def test_the_approximate_interval_of_a_limit_claims_too_much_with_ten_pairs() -> None:
    rng = np.random.default_rng(87)
    differences = rng.normal(0, 1, (20 * REPEATS, 10))
    _, upper = limit_intervals(differences.mean(axis=1), differences.std(axis=1, ddof=1), 10, approximate=True)
    assert holds(upper, 1.96) < 0.93


@pytest.mark.parametrize("pairs", [10, 20, 50])
@pytest.mark.parametrize("icc", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("bias_share", [0.0, 0.3, 1.0, 3.0])
def test_the_interval_of_the_icc_holds_in_95_of_100_samples_whatever_the_bias(pairs: int, icc: float, bias_share: float) -> None:
    """The bias takes `bias_share` as much variance as the error does."""
    assert 0.93 <= holds(icc_of(sampled(pairs, icc, bias_share)).interval, icc) <= 0.97


def test_the_interval_for_any_instruments_is_far_too_wide_for_two_with_a_bias() -> None:
    icc = icc_of(sampled(50, 0.8, 1.0))
    assert holds(icc.any_instruments, 0.8) > 0.99
    width, of_any = (float((i.high - i.low).mean()) for i in (icc.interval, icc.any_instruments))
    assert of_any > 3 * width


def sampled(pairs: int, icc: float, bias_share: float) -> np.ndarray:
    """Return samples of two instruments, shape (REPEATS, pairs, 2), of which the ICC is known; the variance is 1."""
    rng = np.random.default_rng(round(1000 * icc + pairs + 7 * bias_share))
    error = (1 - icc) / (1 + bias_share)
    bias = np.sqrt((1 - icc - error) / 2) * np.array([1.0, -1.0])
    subjects = rng.normal(0, np.sqrt(icc), (REPEATS, pairs, 1))
    return subjects + bias + rng.normal(0, np.sqrt(error), (REPEATS, pairs, 2))


def test_a_trend_is_found_in_95_of_100_samples_that_have_none_not() -> None:
    rng = np.random.default_rng(88)
    found = [agreement_of(x + rng.normal(0, 3, 15), x).grows for x in rng.normal(40, 8, (300, 15))]
    assert np.mean(found) < 0.35, "an error on one side alone correlates with the mean a little"
    found = [agreement_of(x + rng.normal(0, 3, 15), x + rng.normal(0, 3, 15)).grows for x in rng.normal(40, 8, (400, 15))]
    assert 0.02 < np.mean(found) < 0.09
    sizes = np.linspace(20, 60, 15)
    assert agreement_of(1.2 * sizes + rng.normal(0, 1, 15), sizes + rng.normal(0, 1, 15)).grows


# ---------------------------------------------------------------------- corners
def test_identical_measurements_agree_perfectly() -> None:
    found = agreement_of([20, 30, 40], [20, 30, 40])
    assert (found.bias_deg, found.sd_deg, found.lower, found.upper) == (0, 0, Interval(0, 0), Interval(0, 0))
    assert (found.icc.value, found.icc.interval) == (1, Interval(1, 1))
    assert not found.grows


def test_a_bias_alone_lowers_the_icc_and_is_not_in_the_sem() -> None:
    found = agreement_of([25, 35, 45], [20, 30, 40])
    assert (found.bias_deg, found.sem_deg, found.mdc95_deg) == (5, 0, 0)
    assert found.icc.value < 0.9
    assert found.icc.interval.low < found.icc.value < found.icc.interval.high


def test_where_nothing_varies_there_is_no_icc() -> None:
    found = agreement_of([30, 30, 30], [30, 30, 30])
    assert np.isnan(found.icc.value)
    assert np.isnan(found.trend)
    assert not found.grows


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_fewer_than_three_pairs_are_refused_in_one_sentence(pairs: int) -> None:
    with pytest.raises(InputError, match="at least 3 are needed"):
        agreement_of([30.0] * pairs, [31.0] * pairs)


# ---------------------------------------------------------------------- pairs
def sessions(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return a session table; what is not said is as usual."""
    usual = {
        "session_id": "", "started_at": "2026-01-05T08:00:00+00:00", "person": "Ana", "drill": "seated-internal", "tier": "A",
        "calibration": "none", "zero": "neutral pose", "convention_version": "2", "measure_version": "1", "remeasured_from": "",
        "side": "left", "direction": "internal", "size_deg": 30.0, "uncertainty_deg": 4.0,
    }  # fmt: skip
    table = pd.DataFrame([usual | {"session_id": f"s{n}"} | row for n, row in enumerate(rows)])
    return table.assign(time=pd.to_datetime(table.started_at, utc=True))


def readings(tmp_path: Path, *lines: str) -> pd.DataFrame:
    import_readings(tmp_path, table_of(tmp_path, *lines))
    table, problems = read_readings(tmp_path)
    assert (problems, len(table)) == ([], len(lines))
    return table


def at(hour: str, day: str = "2026-01-05") -> str:
    return f"{day}T{hour}:00+00:00"


def paired(pairs: Any) -> dict[float, str]:
    """Return the session per reading, by value."""
    return dict(zip(pairs.table.reading_deg, pairs.table.session_id, strict=True))


def test_a_reading_is_compared_with_the_nearest_session(tmp_path: Path) -> None:
    known = sessions(
        {"started_at": at("08:00")}, {"started_at": at("17:00"), "size_deg": 35.0}, {"started_at": at("12:00", "2026-01-07")}
    )
    pairs = pair_readings(readings(tmp_path, line(taken_at=at("16:00"), value_deg=32)), known)
    assert list(pairs.table.columns) == PAIR_COLUMNS
    (row,) = pairs.table.to_dict("records")
    assert (row["session_id"], row["rotrack_deg"], row["difference_deg"], row["mean_deg"], row["apart_h"]) == (
        "s1",
        35,
        3,
        33.5,
        1,
    )
    assert pairs.unpaired == ()


@pytest.mark.parametrize("other", [{"person": "Bo"}, {"side": "right"}, {"direction": "external"}, {"drill": "seated-combined"}])
def test_only_like_is_compared(tmp_path: Path, other: dict[str, str]) -> None:
    pairs = pair_readings(readings(tmp_path, line(taken_at=at("08:10"))), sessions(other))
    assert len(pairs.table) == 0
    assert pairs.unpaired == (Unpaired("no session of the same person, drill, side and direction", 1),)


def test_names_are_compared_however_they_are_spelled(tmp_path: Path) -> None:
    table = readings(tmp_path, line(taken_at=at("08:10"), person="JU\u0308RGEN  ö"))
    pairs = pair_readings(table, sessions({"person": "Jürgen Ö"}))
    assert list(pairs.table.person) == ["Jürgen Ö"]
    assert pairs.unpaired == ()


def test_several_readings_of_a_session_are_averaged_per_instrument(tmp_path: Path) -> None:
    table = readings(
        tmp_path,
        line(taken_at=at("09:00"), value_deg=31),
        line(taken_at=at("08:30"), value_deg=32),
        line(taken_at=at("08:45"), value_deg=33, instrument="caliper"),
    )
    pairs = pair_readings(table, sessions({}))
    assert paired(pairs) == {31.5: "s0", 33: "s0"}
    assert list(pairs.table.readings) == [2, 1]
    assert pairs.unpaired == ()


@pytest.mark.parametrize("raters", [("A", "B"), ("A", "")])
def test_two_raters_at_the_same_moment_have_a_pair_each(tmp_path: Path, raters: tuple[str, str]) -> None:
    table = readings(
        tmp_path, *(line(taken_at=at("08:30"), value_deg=value, rater=r) for value, r in zip((31, 33), raters, strict=True))
    )
    pairs = pair_readings(table, sessions({}))
    assert paired(pairs) == {31: "s0", 33: "s0"}
    assert pairs.unpaired == ()


def test_the_same_rater_has_one_pair_however_the_name_is_cased(tmp_path: Path) -> None:
    table = readings(tmp_path, *(line(taken_at=at("08:30"), value_deg=v, rater=r) for v, r in ((31, "bk"), (33, "BK"))))
    assert paired(pair_readings(table, sessions({}))) == {32: "s0"}


def test_each_reading_goes_to_its_own_nearest_session(tmp_path: Path) -> None:
    table = readings(tmp_path, line(taken_at=at("09:00"), value_deg=31), line(taken_at=at("11:30"), value_deg=32))
    assert paired(pair_readings(table, sessions({}, {"started_at": at("12:00")}))) == {31: "s0", 32: "s1"}


def test_readings_too_far_away_are_told(tmp_path: Path) -> None:
    table = readings(tmp_path, line(taken_at=at("08:00", "2026-01-06")), line(taken_at=at("08:01", "2026-01-06"), value_deg=40))
    known = sessions({})
    assert paired(pair_readings(table, known)) == {34.5: "s0"}
    assert pair_readings(table, known).unpaired == (Unpaired("no such session within 24 hours", 1),)
    assert pair_readings(table, known, 2).unpaired == (Unpaired("no such session within 2 hours", 2),)
    assert len(pair_readings(table, known, 0).table) == 0


def test_a_reading_without_a_time_belongs_to_the_session_of_its_day(tmp_path: Path) -> None:
    known = sessions({"started_at": "2026-01-04T23:30:00+09:00"}, {"started_at": "2026-01-05T23:30:00+09:00"})
    pairs = pair_readings(readings(tmp_path, line(taken_at="2026-01-05")), known, 1)
    assert paired(pairs) == {34.5: "s1"}
    assert (list(pairs.table.apart_h), list(pairs.table.whole_day)) == ([0.0], [True])


def test_versions_are_never_mixed_and_the_newest_with_a_pair_counts(tmp_path: Path) -> None:
    days = [f"2026-01-{day:02}" for day in range(1, 7)]
    table = readings(tmp_path, *(line(taken_at=day, value_deg=30 + n) for n, day in enumerate(days)))
    kinds = [
        {"convention_version": "1"},
        {"measure_version": "1 uncorrected"},
        {"measure_version": "1 without leg network"},
        {},
        {"measure_version": "2"},
        {"measure_version": "10"},
    ]
    known = [{"started_at": at("08:00", day), **kind} for day, kind in zip(days, kinds, strict=True)]
    for last, expected in ((6, 35), (5, 34), (4, 33), (3, 32), (2, 31), (1, 30)):
        pairs = pair_readings(table.iloc[:last], sessions(*known[:last]), 1)
        assert list(pairs.table.reading_deg) == [expected]
        if last > 1:
            (left,) = pairs.unpaired
            assert left.readings == last - 1
            assert "another version" in left.reason
    later = sessions(*known[:3], {"started_at": at("08:00", "2026-03-01"), "convention_version": "9"})
    assert list(pair_readings(table, later, 1).table.reading_deg) == [32], "a version without a pair leaves nothing out"


def test_an_index_is_compared_with_no_degrees(tmp_path: Path) -> None:
    table = readings(tmp_path, line(taken_at=at("08:10")))
    for nothing in ({"tier": "C"}, {"tier": "D"}, {"size_deg": np.nan}):
        assert len(pair_readings(table, sessions(nothing)).table) == 0


def test_pairs_of_real_sessions_are_compared_without_signs(tmp_path: Path) -> None:
    reps = tuple(repetition(n, peak, side) for n, (peak, side) in enumerate([(30, LEFT), (-40, LEFT), (-50, RIGHT)], 1))
    write(tmp_path, 5, reps, drill="seated-combined")
    lines = [
        line(taken_at="2026-01-05", drill="seated-combined", direction=d, side=s, value_deg=v)
        for d, s, v in (("in", "l", 29), ("out", "l", 43), ("out", "r", 50))
    ]
    table = pair_readings(readings(tmp_path, *lines), session_table(read_sessions(tmp_path)[0])).table
    assert dict(zip(table.reading_deg, table.difference_deg, strict=True)) == {29: 1, 43: -3, 50: 0}


# ---------------------------------------------------------------------- five repetitions against a phone
@pytest.fixture
def check(tmp_path: Path) -> Path:
    """Return the check of docs/accuracy.md: five repetitions a direction of each leg, the phone read in each, one row."""
    data, peaks = tmp_path / "check", (30.0, 31, 32, 33, 34)
    reps = [
        repetition(n, sign * (peak + 5 * (side is RIGHT)), side, gravity_deg=sign * (peak + 2 + 5 * (side is RIGHT)), hold_s=hold)
        for side in (LEFT, RIGHT)
        for sign in (1, -1)
        for n, (peak, hold) in enumerate(zip(peaks, (2, 2, 0.2, 2, 2), strict=True), start=1)
    ]
    write(data, 5, tuple(reps), drill="seated-combined")
    names, values = ["date", "person"], ["2026-01-05", "Ana"]
    for leg in ("left", "right"):
        for direction in ("IR", "ER"):
            names += [f"{direction} {leg} {n}" for n in range(1, 6)]
            values += [f"{peak + 1 + 5 * (leg == 'right')}" for peak in peaks]
    (tmp_path / "visits.csv").write_text(",".join(names) + "\n" + ",".join(values) + "\n", "utf-8")
    same = {"drill": "seated-combined", "instrument": "phone"}
    assert import_readings(data, tmp_path / "visits.csv", Form(same=same)).added == 20
    return data


def found_in(data: Path, pairing: Pairing, gravity: bool | None = None) -> Any:
    logged = read_sessions(data)[0]
    return pair_readings(read_readings(data)[0], session_table(logged), 24, pairing, repetition_table(logged), gravity)


def test_five_repetitions_against_a_phone_are_twenty_pairs_against_gravity(check: Path) -> None:
    pairs = found_in(check, Pairing.REPETITION)
    assert (len(pairs.table), pairs.unpaired) == (20, ())
    assert set(pairs.table.difference_deg) == {1}, "each with its own repetition, gravity against gravity"
    assert set(pairs.table.zero) == {"gravity"}
    assert set(found_in(check, Pairing.REPETITION, gravity=False).table.difference_deg) == {-1}
    assert subjects_of(pairs.table).nunique() == 4, "of one person, each leg and direction stands for one"


def test_by_session_means_meet_means_of_all_repetitions(check: Path) -> None:
    table = found_in(check, Pairing.SESSION).table
    assert list(zip(table.reading_deg, table.rotrack_deg, table.readings, strict=True)) == 2 * [(33, 34, 5)] + 2 * [(38, 39, 5)]


def test_by_hold_only_repetitions_that_were_held_are_compared_in_their_order(check: Path) -> None:
    pairs = found_in(check, Pairing.HOLD)
    assert len(pairs.table) == 16
    assert set(pairs.table.rep) == {1, 2, 4, 5}
    (left,) = pairs.unpaired
    assert (left.readings, "that was held" in left.reason) == (4, True)


def test_readings_without_numbers_are_paired_by_order_where_the_counts_agree(tmp_path: Path) -> None:
    write(tmp_path, 5, (repetition(1, 30.0), repetition(2, 33.0)))
    table = readings(tmp_path, *(line(taken_at=f"2026-01-05 09:0{n}", value_deg=29 + 3 * n) for n in range(2)))
    logged = read_sessions(tmp_path)[0]
    how = (session_table(logged), 24, Pairing.REPETITION, repetition_table(logged))
    assert list(pair_readings(table, *how).table.difference_deg) == [1, 1]
    assert "number them in the column rep" in pair_readings(table.head(1), *how).unpaired[0].reason
    assert "no repetition of that number" in pair_readings(table.head(1).assign(rep="7"), *how).unpaired[0].reason
    gravity = pair_readings(table, *how, gravity=True)
    assert "no angle against gravity" in gravity.unpaired[0].reason


def test_cautions_say_what_makes_an_agreement_doubtful(tmp_path: Path) -> None:
    def told(table: pd.DataFrame) -> str:
        return " ".join(cautions(agreement_of(table.rotrack_deg, table.reading_deg), table))

    rng = np.random.default_rng(4)
    other = np.linspace(20, 60, 12)
    quiet = pd.DataFrame({
        "person": [f"P{n}" for n in range(12)], "drill": "seated-internal", "direction": "internal", "calibration": "none",
        "zero": "neutral pose", "rater": "BK", "reading_deg": other, "rotrack_deg": other + rng.normal(0, 2, 12),
    })  # fmt: skip
    assert told(quiet) == ""
    assert "Only 4 pairs" in told(quiet.head(4))
    assert "of 2 people: what is found holds for them" in told(quiet.assign(person=["A", "B"] * 6))
    assert "of one person" in told(quiet.assign(person="A"))
    assert told(quiet.assign(person=["A", "B", "C"] * 4)) == ""
    grown = told(quiet.assign(rotrack_deg=1.3 * other + rng.normal(0, 1, 12)))
    assert re.search(r"changes with the size, by \+[23]\.\d° per 10°", grown)
    assert "Several raters are together here: not said, BK; --rater chooses one." in told(quiet.assign(rater=["", "BK"] * 6))
    assert "--drill chooses one" in told(quiet.assign(drill=["seated-internal", "longsit-internal"] * 6))
    assert "--direction chooses one" in told(quiet.assign(direction=["internal", "external"] * 6))
    assert "levels of calibration are together here: none, personal" in told(quiet.assign(calibration=["none", "personal"] * 6))


# ---------------------------------------------------------------------- figure and command
@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with six sessions of two legs each, and readings of two instruments."""
    data, rng, lines = tmp_path / "data", np.random.default_rng(6), []
    for day in range(1, 7):
        true = 20 + 5 * day
        write(data, day, tuple(repetition(n, true, side) for side in (LEFT, RIGHT) for n in (1, 2)), person=f"P{day}")
        for side in ("left", "right"):
            value = f"{true - 2 + rng.normal(0, 2):.1f}"
            lines.append(line(taken_at=f"2026-01-{day:02} 09:00", person=f"P{day}", side=side, value_deg=value))
    lines.append(line(taken_at="2026-01-01", person="P1", instrument="caliper"))
    lines.append(line(taken_at="2026-01-01", person="Nobody"))
    import_readings(data, table_of(tmp_path, *lines))
    return data


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path) -> Run:
    monkeypatch.setenv("ROTRACK_HOME", str(data))
    return partial(run_main, monkeypatch, capfd)


def test_the_figure_draws_what_was_computed(data: Path) -> None:
    table = pair_readings(read_readings(data)[0], session_table(read_sessions(data)[0])).table
    table = table[table.instrument == "goniometer"]
    found = agreement_of(table.rotrack_deg, table.reading_deg)
    figure = agreement_figure(table, found, "rotrack against goniometer", str.upper)
    assert {(t.uid, len(t.x)) for t in figure.data} == {("left-internal", 6), ("right-internal", 6)}
    assert sorted(y for trace in figure.data for y in trace.y) == pytest.approx(sorted(table.difference_deg))
    lines = [(shape.y0, shape.line.dash) for shape in figure.layout.shapes if shape.type == "line"]
    assert lines == [(found.bias_deg, "solid"), (found.lower_deg, "dash"), (found.upper_deg, "dash")]
    bands = [(shape.y0, shape.y1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert bands == [(i.low, i.high) for i in (found.bias, found.lower, found.upper)]
    said = [a.text for a in figure.layout.annotations]
    assert said[0].startswith("BIAS +")
    assert said[1].startswith("LOWER LIMIT \u2212")


def test_agreement_prints_every_number_with_its_interval(run: Run, data: Path) -> None:
    ended = run("agreement")
    assert ended.code == 0
    found = json.loads(run("agreement", "--json").out)
    (gonio,) = found["instruments"]
    assert (gonio["instrument"], gonio["pairs"], len(found["pairs"])) == ("goniometer", 12, 13)
    assert "rotrack against goniometer: 12 pairs of 6 people, 2026-01-01 to 2026-01-06" in ended.out
    for row, key in (("bias", "bias"), ("lower limit", "lower"), ("upper limit", "upper")):
        value, low, high = gonio[f"{key}_deg"], gonio[key]["low"], gonio[key]["high"]
        assert re.search(rf"{row}.*{re.escape(f'{value:+.1f}°')} +{re.escape(f'{low:+.1f} to {high:+.1f}°')}", ended.out)
    icc = gonio["icc"]
    assert f"{icc['value']:.2f}   {icc['interval']['low']:.2f} to {icc['interval']['high']:.2f}" in ended.out
    assert re.search(rf"SEM +{gonio['sem_deg']:.1f}°", ended.out)
    assert re.search(rf"MDC95 +{gonio['mdc95_deg']:.1f}°", ended.out)
    assert "the bias is not in it" in ended.out
    assert "1 reading not compared: no session of the same person" in ended.err
    assert "Too few to compare: caliper: 1 pair." in ended.err
    assert gonio["subjects"] == 6
    assert re.search(r"SD of the differences +\d\.\d° +between them \d\.\d°, within \d\.\d°", ended.out)
    assert re.search(r"6 people: the limits are known to about ±\d\.\d°; 12 people would make it ±\d\.\d°", ended.out)


def test_agreement_writes_its_plot_as_a_page_that_opens_offline(run: Run, tmp_path: Path) -> None:
    plot = tmp_path / "plot.html"
    ended = run("agreement", "--plot", plot)
    assert ended.code == 0
    page = plot.read_text("utf-8")
    assert "rotrack against goniometer" in page
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', page)
    assert "P1" not in re.sub(r".*window.PLOTLYENV", "", page, flags=re.DOTALL), "nobody's name is in it"


def test_agreement_overwrites_nothing_unasked_and_the_log_never(run: Run, data: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.docx"
    thesis.write_bytes(b"years")
    assert_one_sentence(run("agreement", "--plot", thesis), 2, "there already", "--overwrite")
    assert thesis.read_bytes() == b"years"
    before = everything(data)
    (session,) = {path.parent for path in data.glob("sessions/20260101*/session.json")}
    for path in (data / "reps.csv", data / "readings.csv", session / "session.json"):
        assert_one_sentence(run("agreement", "--plot", path, "--overwrite"), 2, "rotrack's own log")
    assert everything(data) == before
    assert run("agreement", "--plot", thesis, "--overwrite").code == 0
    assert b"plotly" in thesis.read_bytes()


def test_agreement_of_one_leg_or_instrument(run: Run) -> None:
    assert json.loads(run("agreement", "--side", "left", "--json").out)["instruments"][0]["pairs"] == 6
    assert json.loads(run("agreement", "--instrument", "Goniometer ", "--json").out)["instruments"][0]["pairs"] == 12
    assert_one_sentence(run("agreement", "--instrument", "ruler"), 2, "no reading of ruler", "goniometer, caliper")
    assert_one_sentence(run("agreement", "--drill", "seated"), 2, "seated-internal")


def test_agreement_says_who_read_and_can_compare_one_alone(run: Run, data: Path, tmp_path: Path) -> None:
    second = [
        line(taken_at=f"2026-01-{day:02} 09:00", person=f"P{day}", value_deg=16 + 5 * day, rater="Zoe") for day in range(1, 7)
    ]
    import_readings(data, table_of(tmp_path, *second))
    ended = run("agreement")
    assert "rotrack against goniometer: 18 pairs" in ended.out
    assert "read by: BK (12 pairs), Zoe (6 pairs)" in ended.out
    assert "Several raters are together here: BK, Zoe; --rater chooses one." in ended.err
    assert "as near to the session" not in ended.err
    (gonio,) = json.loads(run("agreement", "--json").out)["instruments"]
    assert gonio["raters"] == {"BK": 12, "Zoe": 6}
    ended = run("agreement", "--rater", "zoe ", "--plot", tmp_path / "plot.html")
    assert "read by: Zoe (6 pairs)" in ended.out
    assert re.search(r"bias \(rotrack minus it\) +\+4\.0\u00b0", ended.out), "what was measured is 20 + 5 a day"
    assert "rotrack against goniometer, read by Zoe" in (tmp_path / "plot.html").read_text("utf-8")
    assert_one_sentence(run("agreement", "--rater", "Yan"), 2, "no reading of Yan", "of these raters: BK, Zoe")


def test_of_very_many_damaged_lines_twenty_are_told(run: Run, data: Path) -> None:
    with (read_sessions(data)[0][0].folder / "repetitions.csv").open("ab") as file:
        file.write(b"torn,row\r\n" * 3000)
    ended = run("agreement")
    assert ended.code == 0
    assert ended.err.count("is damaged and was left out") == 20
    assert "and 2980 more." in ended.err
    assert len(json.loads(run("agreement", "--json").out)["problems"]) == 3000


def test_too_few_pairs_are_one_sentence(run: Run) -> None:
    ended = run("agreement", "--person", "P1", "--instrument", "goniometer")
    assert_one_sentence(ended, 2, "At least 3 pairs", "goniometer: 2 pairs", "--within")
    ended = run("agreement", "--person", "Nobody")
    assert ended.code == 2
    assert "At least 3 pairs of reading and session are needed (there is none)" in ended.err


def test_several_instruments_have_one_agreement_each_and_no_common_plot(run: Run, data: Path, tmp_path: Path) -> None:
    more = [
        line(taken_at=f"2026-01-{day:02}", person=f"P{day}", instrument="caliper", value_deg=19 + 5 * day) for day in range(2, 6)
    ]
    import_readings(data, table_of(tmp_path, *more))
    ended = run("agreement")
    assert ended.code == 0
    assert "against goniometer: 12 pairs" in ended.out
    assert "against caliper: 5 pairs" in ended.out
    assert "Only 5 pairs" in ended.err
    assert_one_sentence(run("agreement", "--plot", tmp_path / "p.html"), 2, "goniometer and caliper", "--instrument")


def test_the_check_is_computed_by_the_command(run: Run, check: Path) -> None:
    ended = run("agreement", "--pair", "repetition", "--out", check)
    assert "rotrack against phone: 20 pairs of Ana" in ended.out
    assert "rotrack's angle: against gravity" in ended.out
    assert re.search(r"bias \(rotrack minus it\) +\+1\.0\u00b0", ended.out)
    assert "says nothing of people in general" in ended.err
    ended = run("agreement", "--pair", "repetition", "--zero", "neutral", "--out", check)
    assert "rotrack's angle: from the neutral pose" in ended.out
    assert re.search(r"bias \(rotrack minus it\) +-1\.0\u00b0", ended.out)


def test_the_recipe_is_one_page_with_every_column_that_import_understands(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "recipe.pdf"
    assert run("agreement", "--sheet", path).code == 0
    document = pypdfium2.PdfDocument(path)
    assert len(document) == 1
    text = document[0].get_textpage().get_text_bounded()
    for part in ("front of the shin", "IR left", "ER right", "read by", f"{limit_precision(20, 3.0):.1f}"):
        assert part in text
    assert_one_sentence(run("agreement", "--sheet", path), 2, "there already", "--overwrite")


def test_the_recipe_is_one_page_in_german_too(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rezept.pdf"
    assert run("agreement", "--sheet", path, "--language", "de").code == 0
    document = pypdfium2.PdfDocument(path)
    assert len(document) == 1
    text = document[0].get_textpage().get_text_bounded()
    for part in ("vorn ans Schienbein", "IRO links", "ARO rechts", "abgelesen von", "rotrack live -d seated-combined"):
        assert part in text
    left = [
        word for word in ("the ", "phone", "people", "foot ") if re.search(rf"\b{word}", text.replace("instrument=phone", ""))
    ]
    assert not left, "no English is left in it"
    assert_one_sentence(run("agreement", "--sheet", tmp_path / "x.pdf", "--language", "xx"), 2, "no texts in the language 'xx'")


def test_without_readings_agreement_says_how_to_get_some(run: Run, tmp_path: Path) -> None:
    assert_one_sentence(run("agreement", "--out", tmp_path / "empty"), 2, "no readings", "rotrack import --template FILE")


def test_a_session_measured_again_is_compared_once(run: Run, data: Path) -> None:
    first = read_sessions(data)[0][0].id
    again = tuple(repetition(n, 60.0) for n in (1, 2))
    write(data, 1, again, session_id=f"{first}-again", person="P1", remeasured_from=first)
    pairs = json.loads(run("agreement", "--side", "left", "--json").out)["pairs"]
    assert [p["rotrack_deg"] for p in pairs if p["person"] == "P1" and p["instrument"] == "goniometer"] == [60.0]
