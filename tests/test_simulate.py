"""Simulated sessions (training/simulate.py): one number one session, the tracker reads them right, errors as asked for."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest
from repository import ROOT

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, Side
from rotrack.tracking.pipeline import RotationTracker
from rotrack.tracking.settings import TrackerSettings
from training import noise, simulate
from training.movement import Feed, Movement
from training.simulate import Errors, Noise, wandering

SILENT = Errors(bias=0.0, slow=0.0, slow_s=1.0, fast=0.0, spread=0.0)
NO_NOISE = Noise(
    marks=dict.fromkeys(simulate.PARTS, SILENT),
    depth=dict.fromkeys(simulate.PARTS, SILENT),
    lag_s=0.0,
    directions=dict.fromkeys(("foot", "shank"), (SILENT, SILENT)),
    points=SILENT,
    said_deg=(1.0, 1.0, 1.0, 1.0),
    said_feet=(0.02, 0.02),
    said_spread=0.0,
)
POSTURES = {v.moves_as: v for v in reversed(simulate.variants())}
SHORT = Movement(seed=3, cycles=1, internal_deg=25, external_deg=25, hold_s=0.8, start_s=1.2, speed_deg_s=30)


def angles(session: simulate.Session, side: Side) -> np.ndarray:
    tracker = RotationTracker(session.drill, session.sides, TrackerSettings(correct=False))
    steps = [tracker.update(pose) for pose in session.poses]
    return np.array([step.samples[side].uncorrected_deg for step in steps])


@pytest.mark.parametrize("name", POSTURES)
def test_the_tracker_reads_the_true_angle_of_a_session_without_noise(name, monkeypatch):
    variant = POSTURES[name]
    monkeypatch.setattr(simulate, "noise", lambda posture: NO_NOISE)
    direction = "internal" if variant.internal else "external"
    moved = dataclasses.replace(SHORT, directions=(direction,), legs=variant.legs or "one")
    session = simulate.perform("tune", 5, variant, simulate.Drawn("steady", moved, Feed(fps=10)))
    side = Side(session.course.moving[0])
    read, true = angles(session, side), session.course.angle_deg(side, session.seen_s)
    known = np.isfinite(read)
    assert known.mean() > 0.5
    slope = np.polyfit(true[known], read[known], 1)[0]
    assert 0.7 < slope < 1.35  # the leg model does not know the lengths and the tilt; its sign and size are right


def test_a_number_stands_for_one_session():
    first, again, other = (simulate.draw("test", n, POSTURES["seated"], "steady") for n in (3, 3, 20))
    assert first.spec == again.spec != other.spec
    for a, b in zip(first.poses, again.poses, strict=True):
        assert np.array_equal(a.image_px, b.image_px, equal_nan=True)
        assert all(np.array_equal(a.legs[s].numbers(), b.legs[s].numbers()) for s in a.legs)


def test_frozen_frames_repeat_the_pose_and_people_who_walk_off_are_gone():
    moved = dataclasses.replace(SHORT, cycles=2, leave_after=1, leave_s=7.0)
    feed = Feed(fps=10, frozen=0.2, seed=4)
    session = simulate.perform("tune", 1, POSTURES["seated"], simulate.Drawn("bad-feed", moved, feed))
    stuck = np.flatnonzero(np.diff(session.seen_s) == 0)
    assert len(stuck)
    for k in stuck:
        assert session.poses[k + 1].image_px is session.poses[k].image_px
    present = session.course.present(session.seen_s)
    gone = [
        pose.reason
        for pose, t in zip(session.poses, session.seen_s, strict=True)
        if 3.0 < t - session.course.absent_s[0][0] < 3.4
    ]
    assert gone
    assert set(gone) == {simulate.NOBODY}
    assert not any(pose.reason for pose, here in zip(session.poses, present, strict=True) if here)


def test_errors_wander_with_their_time_constant():
    t = np.arange(0, 400, 1 / 30)
    walk = wandering(np.random.default_rng(0), t, 0.5, 2)
    later = round(0.5 * 30)
    assert abs(walk.std() - 1) < 0.1
    assert abs(np.mean(walk[later:] * walk[:-later]) - np.exp(-1)) < 0.08


def test_the_gain_shows_a_displacement_too_small(monkeypatch):
    gained = dataclasses.replace(NO_NOISE, marks=NO_NOISE.marks | {"ankle": dataclasses.replace(SILENT, gain=-0.5)})
    drawn = simulate.Drawn("steady", SHORT, Feed(fps=10))
    ways = []
    for errors in (NO_NOISE, gained):
        monkeypatch.setattr(simulate, "noise", lambda posture, errors=errors: errors)
        session = simulate.perform("tune", 2, POSTURES["seated"], drawn)
        at = np.array([pose.image_px[LEGS[Side.RIGHT].ankle] for pose in session.poses])
        ways.append(np.ptp(at[:, 0]))
    assert ways[1] == pytest.approx(0.5 * ways[0], rel=0.02)


def test_the_parts_of_an_error_are_found_again():
    rng = np.random.default_rng(1)
    t = np.arange(0, 120, 1 / 30)
    way = np.column_stack([0.5 * np.sin(t) ** 2, np.zeros(len(t))])
    known = Errors(bias=0.0, mean=(0.3, -0.2), slow=0.05, slow_s=0.5, fast=0.02, spread=0.0)
    fit = noise.fitted(t, known.draw(rng, t, 2) - 0.4 * way, way)
    assert fit.gain == pytest.approx(-0.4, abs=0.05)
    assert fit.bias == pytest.approx([0.3, -0.2], abs=0.03)
    assert (fit.slow, fit.fast) == pytest.approx((0.05, 0.02), rel=0.2)
    assert 0.3 < fit.slow_s < 0.8


def test_who_is_lost_is_seen_where_they_were_at_first():
    t = np.arange(0, 2, 0.1)
    place = np.column_stack([np.linspace(0.1, 0.5, len(t)), np.full(len(t), 0.2), np.full(len(t), 2.0)])
    names = [f"{side}_{part}" for side in Side for part in simulate.PARTS]
    seen_m = {name: place + 0.05 * k for k, name in enumerate(names)}
    pixels = {name: 500 * at[:, :2] for name, at in seen_m.items()}
    shown = simulate.Shown(t, seen_m, pixels, (640, 480), np.diag([500.0, 500.0, 1.0]), 3)
    rng = np.random.default_rng(0)
    assert shown.as_followed(NO_NOISE, rng) is shown
    lost = shown.as_followed(dataclasses.replace(NO_NOISE, lost=1.0), rng)
    assert np.ptp(lost.pixels["left_toe"], axis=0) == pytest.approx([0, 0])
    assert lost.pixels["left_toe"][0] == pytest.approx(pixels["left_toe"][3])


def test_how_often_clips_are_lost_is_told_from_the_benchmark():
    def leg(clip: str, astray: float, gross: float = np.nan, moves: bool = True) -> noise.Found:
        return noise.Found("seated", clip, moves, astray=astray, gross=gross)

    seated = [leg("tune_a", 0.9), leg("tune_a", 0.1), leg("tune_b", 0.1), leg("tune_b", 0.9, moves=False), leg("other", 0.9)]
    lying = [leg("tune_c", np.nan, gross=0.9), leg("tune_d", 0.1, gross=0.9)]
    assert noise.lost_shares({"seated": seated, "lying": lying, "lunge": []}) == {
        "any": 0.5, "seated": 0.5, "lying": 0.5, "lunge": 0.5,
    }  # fmt: skip
    assert noise.lost_shares({"seated": seated[:2], "lying": seated[2:3]}) == {"any": 0.5, "seated": 0.667, "lying": 0.333}


def test_every_posture_with_a_drill_has_its_measured_noise():
    for variant in simulate.variants():
        drills = [drill for drill in (variant.internal, variant.external, variant.combined) if drill]
        postures = {str(load_table().drill(drill).posture) for drill in drills}
        assert all(simulate.noise(posture) is not None and posture in simulate.noise_table() for posture in postures)


# ---------------------------------------------------------------------- the benchmark
@pytest.fixture
def counting(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "benchmarks"))
    return importlib.import_module("counting")


def test_even_repetitions_are_counted_and_a_missing_one_is_told(counting):
    session = simulate.draw("tune", 0, POSTURES["seated"], "steady")
    good = counting.outcome(session, 0, quick=True)
    assert good.found
    assert not good.problems
    reps = session.course.reps
    more = dataclasses.replace(session.course, reps=(*reps, reps[-1]))
    bad = counting.outcome(dataclasses.replace(session, course=more), 0, quick=True)
    assert "missed 1" in bad.problems
    words = dict(counting.figures([good, bad]))
    assert words["right count 50.00%"] is False


@pytest.mark.parametrize("direction", ["external", "internal"])
def test_turns_of_a_leg_that_points_to_the_ceiling_are_counted(counting, direction):
    variant = dataclasses.replace(POSTURES["sidelying_abducted"], options={"raise_deg": 90.0})
    moved = dataclasses.replace(SHORT, directions=(direction,), cycles=2)
    session = simulate.perform("tune", 2, variant, simulate.Drawn("steady", moved, Feed(fps=10)))
    outcome = counting.outcome(session, 2)
    assert (len(outcome.true), outcome.problems) == (2, ()), outcome.reason
    assert len(outcome.values) == 1
    off_deg, stated_deg, _ = outcome.values[0]
    assert abs(off_deg) < stated_deg


def test_who_does_nothing_is_credited_with_nothing(counting):
    idle = counting.outcome(simulate.fidgeting("tune", 0, 30.0), 0, quick=True)
    assert idle.true == ()
    assert idle.found == ()
    assert dict(counting.figures_of_fidgeting([idle]))["counted while fidgeting 0 in 0.1 h"]
