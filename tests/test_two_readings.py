"""Two readings of one leg, the pose model's and the leg network's: how they are weighed, and what stillness is by either."""

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import BOTH, pose_at, run_tracker, swing
from helpers import FIXTURES
from test_legmodel import SIZE, misplaced, scene

import rotrack
from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, N_LANDMARKS, LegCrop, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics import rotation
from rotrack.kinematics.correction import load_corrections
from rotrack.kinematics.rotation import NEEDS, LegMeasure, NeutralPose, Weighed
from rotrack.records.landmarks import read_poses
from rotrack.records.session import Measurement
from rotrack.texts import Texts
from rotrack.tracking.neutral import NeutralFinder
from rotrack.tracking.settings import NEUTRAL_S

NAN = math.nan
UNHEARD = (NAN, NAN)


@pytest.fixture
def sure_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the network err by no more than it says itself, whatever the shipped one does."""
    bare = replace(load_corrections(), legnet={})
    monkeypatch.setattr(rotation, "load_corrections", lambda: bare)


# ---------------------------------------------------------------------- weighed
def test_each_reading_counts_by_the_inverse_square_of_its_error():
    angle_deg, sd_deg = Weighed().update(0.0, (10.0, 2.0), (13.0, 1.0))
    assert angle_deg == pytest.approx((10 / 4 + 13 / 1) / (1 / 4 + 1 / 1))
    assert sd_deg == pytest.approx((1 / 4 + 1 / 1) ** -0.5)


def test_a_gross_mistake_of_the_pose_model_loses_its_weight():
    assert Weighed().update(0.0, (-40.0, 3.0), (30.0, 2.0))[0] == pytest.approx(30, abs=2.5)


def test_where_the_pose_model_has_nothing_there_is_no_angle():
    assert math.isnan(Weighed().update(0.0, UNHEARD, (30.0, 2.0))[0])


def test_without_a_network_the_pose_model_is_taken_at_its_word():
    assert Weighed().update(0.0, (10.0, 2.0), UNHEARD) == (10.0, 2.0)


def test_a_network_that_falls_silent_leaves_no_jump_and_fades_with_time():
    weighed = Weighed()
    told_deg, _ = weighed.update(0.0, (10.0, 5.0), (20.0, 1.5))
    errors, angles = [], []
    for n in range(1, 301):
        angle_deg, sd_deg = weighed.update(n / 30, (10.0, 5.0), UNHEARD)
        angles.append(angle_deg)
        errors.append(sd_deg)
    assert angles[0] == pytest.approx(told_deg, abs=0.2)
    assert np.max(np.abs(np.diff(angles))) < 0.2
    assert angles[-1] == pytest.approx(10, abs=0.5)
    assert errors[-1] == pytest.approx(5, abs=0.2)


def test_its_last_word_says_less_of_a_leg_that_has_turned_since():
    """Of where the leg was, it still knows; of where it has gone, only the pose model says something."""
    shares = {}
    for turned_deg in (0.0, 10.0, 30.0):
        weighed = Weighed()
        weighed.update(0.0, (0.0, 4.0), (6.0, 1.5))
        angle_deg, sd_deg = weighed.update(0.1, (turned_deg, 4.0), UNHEARD)
        shares[turned_deg] = (angle_deg - turned_deg) / 6.0, sd_deg
    (rest, rest_sd), (some, some_sd), (far, far_sd) = shares.values()
    assert rest > 0.8 > some > 0.2 > far > 0
    assert rest_sd < some_sd < far_sd <= 4.0


@pytest.mark.parametrize("turned_deg", [20.0, 40.0])
def test_a_pose_model_that_shows_half_of_a_turn_does_not_pull_as_soon_as_the_network_is_silent(sure_network, turned_deg):
    """Its error is that of the turn there is, not of the turn that it shows."""
    where, drill = scene(Posture.STANDING), load_table().drill("standing-combined")
    neutral = NeutralPose(SIZE, misplaced(where), np.zeros((N_LANDMARKS, 3)), where.crops())
    measure, told, errors = LegMeasure(neutral, Side.RIGHT, drill), [], []
    for n in range(48):  # read in every fourth picture, 24 Hz
        pose = pose_at(n / 24, misplaced(where, right=turned_deg), SIZE)
        reading = measure.read(replace(pose, legs=where.crops(right=turned_deg) if n % 4 == 0 else {}))
        told.append(reading.angle_deg)
        errors.append(reading.error_deg)
    assert abs(told[0] - reading.mediapipe_deg) > 5, "they do differ"
    assert np.abs(np.diff(told)).max() < 0.7
    assert min(errors[1:]) >= errors[0] - 0.1


# ---------------------------------------------------------------------- both, through the tracker
def stood(every: int, peak_deg: float = 30.0, jitter_px: float = 0.0) -> list[Pose]:
    """Return somebody standing who turns the right leg out, seen badly by the pose model and well in every n-th crop."""
    where, rng, poses = scene(Posture.STANDING), np.random.default_rng(1), []
    for n in range(240):
        turn_deg = float(swing(n / 30, 2.5, -peak_deg))
        image_px = misplaced(where, right=turn_deg) + rng.normal(0, jitter_px, (33, 2))
        pose = pose_at(n / 30, image_px, SIZE)
        for side, leg in LEGS.items():
            pose.world_m[list(leg[1:])] = where.stand(right=turn_deg)[side]
        poses.append(replace(pose, legs=where.crops(right=turn_deg) if n % every == 0 else {}))
    return poses


@pytest.mark.parametrize("every", [1, 2, 4])
def test_legs_read_in_some_pictures_only_count_in_all_of_them(sure_network, every):
    run = run_tracker("standing-combined", stood(every), sides=(Side.RIGHT,))
    (rep,) = run.reps
    assert rep.peak_deg == pytest.approx(-30, abs=3)
    angle_deg = np.array([point.angle_deg for point in run.curve(Side.RIGHT)])
    angle_deg = angle_deg[np.isfinite(angle_deg)]
    assert len(angle_deg) > 180
    assert np.abs(np.diff(angle_deg, 2)).max() < (0.75 if every < 4 else 1.25), "no picture without the network sticks out"
    alone = run_tracker("standing-combined", [replace(pose, legs={}) for pose in stood(1)], sides=(Side.RIGHT,))
    assert abs(alone.reps[0].peak_deg) < 25, "the pose model shows too little here, so it is the network that is right"


# ---------------------------------------------------------------------- covered
def under_a_blanket(over: str) -> Measurement:
    """Measure what both models said of sample_videos/internal_right.mp4 with a blanket painted by tests/benchmarks/blanket.py."""
    return rotrack.analyze([*read_poses(FIXTURES / "covered" / over)], "seated-internal", side="right", log=False)


def test_knees_under_a_blanket_are_read_with_an_error_that_holds_the_truth():
    reps = under_a_blanket("knees").rep_list
    assert [abs(rep.peak_deg - true_deg) < rep.uncertainty_deg for rep, true_deg in zip(reps, (15, 25), strict=True)] == [
        True,
        True,
    ]
    assert max(rep.uncertainty_deg for rep in reps) < 5


def test_what_a_blanket_over_half_of_the_shins_leaves_is_refused_with_a_reason():
    session = under_a_blanket("shins")
    assert not session.rep_list
    (said,) = map(Texts().said, session.remarks)
    assert "not sitting" in said


# ---------------------------------------------------------------------- still
def crops_of(legs: dict[Side, LegCrop], rng: np.random.Generator, shake_px: float, shake: float) -> dict[Side, LegCrop]:
    def shaken(crop: LegCrop) -> LegCrop:
        foot, shank = (v + rng.normal(0, shake, 3) for v in (crop.foot, crop.shank))
        return replace(crop, points_px=crop.points_px + rng.normal(0, shake_px, (4, 2)), foot=foot, shank=shank)

    return {side: shaken(crop) for side, crop in legs.items()}


@pytest.mark.parametrize(
    ("shake_px", "shake", "turn_deg_per_s", "still"), [(1.5, 0.015, 0, True), (1.5, 0.2, 0, False), (1.5, 0.015, 25, False)]
)
@pytest.mark.parametrize("side", BOTH)
def test_a_leg_may_be_still_by_its_crops_while_the_landmarks_tremble(side, shake_px, shake, turn_deg_per_s, still):
    where, rng = scene(Posture.STANDING), np.random.default_rng(3)
    needed = [getattr(LEGS[side], part) for part in NEEDS["foot"]]
    by_crops, by_marks = NeutralFinder(needed, side=side), NeutralFinder(needed)
    found = []
    for n in range(round(1.5 * NEUTRAL_S * 30)):
        turn = {str(side): turn_deg_per_s * n / 30}
        pose = pose_at(n / 30, where.see(**turn) + rng.normal(0, 6, (33, 2)), SIZE)
        pose = replace(pose, legs=crops_of(where.crops(**turn), rng, shake_px, shake))
        found += [finder.update(pose) is not None for finder in (by_crops, by_marks)]
    assert any(found[::2]) == still
    assert not any(found[1::2]), "the landmarks tremble"
