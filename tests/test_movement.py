"""How people move (training/movement.py): one seed one movement, a truth that the curve bears out, published ranges."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import case
from repository import ROOT  # noqa: F401  (so that training is found)

from training import movement
from training.movement import Feed, Movement, draw, perform, ranges, tidy

EXACT_DEG = 1e-9
PLAIN = Movement(directions=("external",), external_deg=30, hold_s=2.0, cycles=3)
DRAWN = [(part, kind) for part in movement.PARTS for kind in ranges()["kinds"]]


def posture_for(kind: str) -> str:
    return "seated" if movement._fits(ranges()["kinds"][kind], ranges()["postures"]["seated"]) else "longsit"


def dense(course: movement.Course, hz: float = 200) -> np.ndarray:
    return np.arange(0, course.duration_s, 1 / hz)


def speed_deg_s(course: movement.Course, side: str) -> np.ndarray:
    return np.abs(np.diff(course.angle_deg(side, dense(course)))) * 200


# ---------------------------------------------------------------------- every kind
def test_one_seed_gives_one_movement():
    for part, kind in DRAWN:
        with case(part, kind):
            first, again, next_one = (draw(part, n, posture_for(kind), kind) for n in (7, 7, 8))
            assert first == again != next_one
            t = np.linspace(0, 10, 301)
            for side in movement.SIDES:
                assert np.array_equal(perform(first.movement).angle_deg(side, t), perform(again.movement).angle_deg(side, t))
            frames, repeated = first.feed.frames(12), again.feed.frames(12)
            assert np.array_equal(frames.t_s, repeated.t_s)
            assert np.array_equal(frames.seen_s, repeated.seen_s)


def test_the_truth_of_every_repetition_is_what_the_curve_shows():
    for part, kind in DRAWN:
        with case(part, kind):
            for number in range(4):
                course = perform(draw(part, number, posture_for(kind), kind).movement)
                moved = course.movement
                for rep in course.reps:
                    assert 0 <= rep.start_s < rep.peak_from_s <= rep.peak_to_s <= rep.end_s <= course.duration_s
                    held = course.angle_deg(rep.side, np.linspace(rep.peak_from_s, rep.peak_to_s, 200))
                    loose = 0.5 + 2 * (moved.tremor_deg + moved.wander_deg) + abs(moved.drift_deg)
                    assert abs(held.mean() - rep.peak_deg) < 0.3 + loose / 20
                    assert np.abs(held - rep.peak_deg).max() < loose
                    assert (rep.peak_deg > rep.from_deg) == (rep.direction == "internal")
                    within = course.angle_deg(rep.side, np.linspace(rep.start_s, rep.end_s, 400))
                    furthest = within.max() if rep.direction == "internal" else -within.min()
                    at_most = abs(rep.peak_deg) * (1 + moved.peak_overshoot * 2.2) + loose
                    assert furthest <= at_most


def test_every_cycle_of_every_moving_leg_is_in_the_truth():
    for part, kind in DRAWN:
        with case(part, kind):
            for number in range(4):
                asked = draw(part, number, posture_for(kind), kind).movement
                course = perform(asked)
                assert len(course.reps) == asked.cycles * len(asked.directions) * (2 if asked.legs == "both" else 1)
                if asked.cycles > 1 or asked.legs != "alternating":
                    assert {rep.side for rep in course.reps} == (set(course.moving) if asked.cycles else set())
                assert all(rep.direction in asked.directions for rep in course.reps)
                assert not any(a < rep.peak_to_s and rep.start_s < b for rep in course.reps for a, b in course.absent_s)


def test_legs_move_as_fast_as_legs_can_and_never_jump():
    for part, kind in DRAWN:
        with case(part, kind):
            for number in range(4):
                asked = draw(part, number, posture_for(kind), kind).movement
                course = perform(asked)
                for side in movement.SIDES:
                    assert speed_deg_s(course, side).max() < 700
                    assert np.abs(course.angle_deg(side, dense(course))).max() < 120


# ---------------------------------------------------------------------- what each number does
def test_a_plain_movement_goes_out_holds_and_comes_back():
    course = perform(PLAIN)
    assert [rep.peak_deg for rep in course.reps] == pytest.approx([-30] * 3, abs=EXACT_DEG)
    assert [rep.held_s for rep in course.reps] == pytest.approx([2.0] * 3)
    for rep in course.reps:
        assert course.angle_deg("right", np.array([rep.start_s, rep.end_s])) == pytest.approx([0, 0], abs=EXACT_DEG)
    assert not course.angle_deg("left", dense(course)).any()


@pytest.mark.parametrize("hold_s", [0.0, 0.4, 5.0, 60.0])
def test_holds_have_their_length(hold_s):
    course = perform(dataclasses.replace(PLAIN, hold_s=hold_s))
    t = dense(course, 1000)
    at_peak = course.angle_deg("right", t) < -30 + 1e-6
    assert at_peak.sum() / 1000 == pytest.approx(3 * hold_s, abs=0.2)
    assert [rep.held_s for rep in course.reps] == pytest.approx([hold_s] * 3)


def test_partial_returns_leave_less_than_half_and_end_at_rest():
    course = perform(dataclasses.replace(PLAIN, left_over=0.33))
    starts = [rep.from_deg for rep in course.reps]
    assert starts[0] == 0
    assert all(-15 < angle < -6 for angle in starts[1:])
    assert course.angle_deg("right", np.array([course.duration_s]))[0] == pytest.approx(0, abs=EXACT_DEG)


def test_an_overshoot_goes_past_the_rest_and_counts_nothing():
    course = perform(dataclasses.replace(PLAIN, overshoot=0.3))
    assert 5 < course.angle_deg("right", dense(course)).max() < 15
    assert len(course.reps) == 3


def test_fatigue_and_a_big_first_swing():
    tired = [abs(rep.peak_deg) for rep in perform(dataclasses.replace(PLAIN, cycles=5, fatigue=0.4)).reps]
    assert tired == sorted(tired, reverse=True)
    assert tired[-1] == pytest.approx(18)
    big = [abs(rep.peak_deg) for rep in perform(dataclasses.replace(PLAIN, first=1.5, last=1.2)).reps]
    assert big == pytest.approx([45, 30, 36])


def test_drift_and_tremor_are_in_the_peaks_truth():
    course = perform(dataclasses.replace(PLAIN, drift_deg=10))
    assert course.reps[-1].peak_deg - course.reps[0].peak_deg > 4
    shaking = perform(dataclasses.replace(PLAIN, tremor_deg=2, tremor_hz=6))
    held = shaking.angle_deg("right", np.linspace(shaking.reps[0].peak_from_s, shaking.reps[0].peak_to_s, 1000))
    spectrum = np.abs(np.fft.rfft(held - held.mean()))
    assert np.argmax(spectrum) == pytest.approx(6 * shaking.reps[0].held_s, abs=1)


def test_a_hesitation_is_one_repetition_that_stands_still_half_way():
    course = perform(dataclasses.replace(PLAIN, hesitation_chance=1.0, hesitation_s=0.8))
    assert len(course.reps) == 3
    rep = course.reps[0]
    t = np.arange(rep.start_s, rep.peak_from_s, 0.005)
    still = np.abs(np.gradient(course.angle_deg("right", t), 0.005)) < 0.5
    assert still[20:-20].sum() * 0.005 > 0.3


def test_both_legs_out_of_step_and_alternating_legs():
    both = perform(dataclasses.replace(PLAIN, legs="both", lag_s=0.4, other_gain=0.5))
    right, left = ([rep for rep in both.reps if rep.side == side] for side in movement.SIDES)
    assert [b.start_s - a.start_s for a, b in zip(right, left, strict=True)] == pytest.approx([0.4] * 3)
    assert [rep.peak_deg for rep in left] == pytest.approx([-15] * 3, abs=EXACT_DEG)
    turns = perform(dataclasses.replace(PLAIN, legs="alternating", cycles=4))
    assert [rep.side for rep in turns.reps] == ["right", "left", "right", "left"]


def test_combined_cycles_swing_through_or_rest_between():
    combined = dataclasses.replace(PLAIN, directions=("internal", "external"), cycles=2)
    through, rested = perform(combined), perform(dataclasses.replace(combined, between_s=1.0))
    assert [rep.direction for rep in through.reps] == ["internal", "external"] * 2
    assert through.reps[1].from_deg == pytest.approx(30)
    assert rested.reps[1].from_deg == pytest.approx(0)
    assert rested.reps[1].start_s - rested.reps[0].end_s > 0.3
    assert [rep.cycle for rep in rested.reps] == [0, 0, 1, 1]


def test_somebody_who_walks_off_is_gone_for_that_long():
    course = perform(dataclasses.replace(PLAIN, leave_after=2, leave_s=6.0))
    t = dense(course, 100)
    assert (~course.present(t)).sum() / 100 == pytest.approx(6.0, abs=0.02)
    assert course.reps[1].end_s < course.absent_s[0][0] < course.absent_s[0][1] < course.reps[2].start_s


def test_what_moves_along_grows_with_the_turn():
    course = perform(dataclasses.replace(PLAIN, pelvis_deg=3.0, knee_deg=-6.0))
    peak = np.array([course.reps[0].peak_to_s])
    assert course.along_deg("pelvis", "right", peak)[0] == pytest.approx(-3)
    assert course.along_deg("knee", "right", peak)[0] == pytest.approx(-6)
    assert course.along_deg("thigh", "right", peak)[0] == 0


def test_a_start_off_neutral_leaves_the_neutral_at_zero():
    course = perform(dataclasses.replace(PLAIN, start_off_deg=10))
    assert course.angle_deg("right", np.array([0.0, course.duration_s])) == pytest.approx([10, 0], abs=EXACT_DEG)
    assert course.reps[0].from_deg == 10


@pytest.mark.parametrize("wrong", [{"left_over": 0.5}, {"legs": "three"}, {"directions": ()}, {"skew": 0.1}, {"speed_deg_s": 0}])
def test_movements_that_nobody_does_are_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        dataclasses.replace(PLAIN, **wrong)


# ---------------------------------------------------------------------- tidy repetitions
def test_tidy_repetitions_reach_their_peaks():
    course = tidy([30, [-20, 25]], both=True, other_gain=0.5, base_deg=2)
    assert [rep.peak_deg for rep in course.reps if rep.side == "right"] == [30, -20, 25]
    for rep in course.reps:
        assert course.angle_deg(rep.side, np.array([rep.peak_from_s]))[0] == pytest.approx(rep.peak_deg, abs=EXACT_DEG)
    assert course.angle_deg("right", np.array([0.0]))[0] == 2


# ---------------------------------------------------------------------- frames
@pytest.mark.parametrize("fps", [5, 12, 30, 120, 240])
def test_a_camera_delivers_its_rate(fps):
    frames = Feed(fps=fps, jitter=0.2, seed=3).frames(20)
    assert len(frames) == 20 * fps
    assert np.median(np.diff(frames.t_s)) == pytest.approx(1 / fps, rel=0.1)
    assert (np.diff(frames.t_s) > 0).all()


def test_frames_drop_freeze_and_pause():
    assert len(Feed(dropped=0.3, seed=1).frames(60)) == pytest.approx(0.7 * 1800, rel=0.1)
    paused = np.diff(Feed(gaps=2, gap_s=1.5, seed=1).frames(60).t_s)
    assert (paused > 1.4).sum() in (1, 2)
    frames = Feed(frozen=0.2, frozen_s=0.5, seed=1).frames(60)
    stuck = frames.seen_s < frames.t_s
    assert 0.1 < stuck.mean() < 0.21
    assert (frames.seen_s <= frames.t_s).all()
    with pytest.raises(ValueError, match="5 to 240"):
        Feed(fps=2)


# ---------------------------------------------------------------------- the published table
def test_the_tested_part_is_wider_and_shares_no_seed():
    data = ranges()
    tables = [data["fields"], *(kind.get("fields", {}) for kind in data["kinds"].values())]
    tables += [{k: v for k, v in place.items() if k.endswith("_deg")} for place in data["postures"].values()]
    wider = 0
    for table in tables:
        for name, entry in table.items():
            tuned, tested = (entry["choose"][p] if "choose" in entry else entry[p] for p in movement.PARTS)
            assert min(tested) <= min(tuned), name
            assert max(tuned) <= max(tested), name
            wider += min(tested) < min(tuned) or max(tuned) < max(tested)
    assert wider > 90
    seeds = {part: {draw(part, n, "seated").movement.seed for n in range(300)} for part in movement.PARTS}
    assert not seeds["tune"] & seeds["test"]
    assert len(seeds["tune"]) == len(seeds["test"]) == 300


def test_every_source_that_a_range_names_is_listed():
    data = ranges()
    tables = [data["fields"], *data["postures"].values(), *(kind.get("fields", {}) for kind in data["kinds"].values())]
    named = {entry["source"] for table in tables for entry in table.values() if isinstance(entry, dict) and "source" in entry}
    assert named <= set(data["sources"])


def test_kinds_come_by_their_shares():
    drawn = [draw("test", n, "longsit").kind for n in range(2000)]
    shares = {name: kind["share"] for name, kind in ranges()["kinds"].items()}
    for name, share in shares.items():
        assert drawn.count(name) / 2000 == pytest.approx(share / sum(shares.values()), abs=0.03)
    with pytest.raises(ValueError, match="nobody does alternating in lunge"):
        draw("tune", 0, "lunge", "alternating")
