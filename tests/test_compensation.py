"""What else moves besides the hip: read from landmarks of people built from anatomy, and from made people who compensate."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import FRONT, SEATED, image_of, neutral_of

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, N_LANDMARKS, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics.compensation import Compensation, learned_for, size_at_peak
from rotrack.kinematics.rotation import NeutralPose
from rotrack.tracking.neutral import middle
from training import compensation as made
from training.render.postures import POSTURES

NEUTRAL = neutral_of(SEATED, FRONT)
SEATED_FAULTS = ("T", "P", "L", "K", "O")
SITTING = load_table().drill("seated-external")


def seen(image_px: np.ndarray, neutral: NeutralPose = NEUTRAL) -> Pose:
    return Pose(1.0, neutral.size_px, image_px, neutral.world_m, np.ones(N_LANDMARKS))


def sizes_of(image_px: np.ndarray, side: Side = Side.RIGHT) -> dict[str, float]:
    return {k: abs(v) for k, v in Compensation(NEUTRAL, side, SITTING).sizes(seen(image_px)).items()}


@pytest.mark.parametrize("side", list(Side))
def test_nothing_is_at_fault_in_the_neutral_pose(side):
    assert sizes_of(NEUTRAL.image_px, side) == pytest.approx(dict.fromkeys(SEATED_FAULTS, 0.0), abs=1e-9)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("swing_deg", [-35, 35])
def test_a_clean_rotation_is_no_fault(side, swing_deg):
    limits = {letter: load_table().faults[letter].limits[Posture.SEATED] for letter in SEATED_FAULTS}
    found = sizes_of(image_of(SEATED, FRONT, **{side: swing_deg}), side)
    assert {letter for letter, size in found.items() if size > limits[letter]} == set()


def test_a_mirrored_person_has_the_same_faults():
    now = image_of(SEATED, FRONT, right=20.0)
    now[[leg.shoulder for leg in LEGS.values()]] += (15.0, 0.0)
    other = image_of(SEATED, FRONT, left=20.0)
    other[[leg.shoulder for leg in LEGS.values()]] -= (15.0, 0.0)
    assert sizes_of(now, Side.RIGHT) == pytest.approx(sizes_of(other, Side.LEFT), abs=0.3)


def test_an_upper_body_out_of_the_picture_leaves_the_faults_of_the_legs():
    neutral = NEUTRAL.image_px.copy()
    neutral[[leg.shoulder for leg in LEGS.values()]] = np.nan
    now = neutral.copy()
    now[[getattr(LEGS[Side.RIGHT], part) for part in ("knee", "ankle", "heel", "toe")]] += (-40.0, 0.0)
    sizes = Compensation(replace(NEUTRAL, image_px=neutral), Side.RIGHT, SITTING).sizes(seen(now))
    assert np.isnan(sizes["L"]), "nothing shows it"
    assert abs(sizes["T"]) > load_table().faults["T"].limits[Posture.SEATED]


def test_a_fault_is_as_large_as_around_the_peak():
    course = [(t, {"T": 40.0 if t < 1 else -8.0}) for t in np.arange(0, 3, 0.1)]
    assert size_at_peak(course, "T", 2.0) == pytest.approx(8.0)
    assert np.isnan(size_at_peak(course, "P", 2.0))
    assert np.isnan(size_at_peak(course, "T", 9.0)), "nothing was seen there"


def test_every_fault_that_is_watched_was_learned():
    table = load_table()
    for drill in table.drills.values():
        watched = {letter for letter in drill.faults if drill.watches(table.faults[letter])}
        told = learned_for(drill)
        assert watched <= (told.letters if told else frozenset()), drill.id


@pytest.mark.parametrize(
    ("drill", "letter"),
    [
        ("sidelying-strength-internal", "P"),
        ("longsit-external", "K"),
        ("standing-external", "K"),
        ("standing-first-position", "L"),
    ],
)
def test_a_made_person_who_compensates_is_found_and_an_ordinary_one_is_not(drill, letter):
    done = load_table().drill(drill)
    limit = load_table().faults[letter].limits[done.posture]

    def found(number: int, peaks: dict[str, float]) -> float:
        session = made.perform("test", number, drill, peaks)
        reader = Compensation(middle(session.neutral_poses()), session.side, done)
        sizes = [(pose.time_s, reader.sizes(pose)) for pose in session.seen.poses if not pose.reason]
        rep = next(rep for rep in session.seen.course.reps if rep.side == session.side)
        return size_at_peak(sizes, letter, 0.5 * (rep.peak_from_s + rep.peak_to_s))

    faulty = [found(number, {letter: 2 * limit}) for number in range(900, 906)]
    ordinary = [found(number, {}) for number in range(900, 906)]
    assert sum(size > limit for size in faulty) >= 5
    assert sum(size > limit for size in ordinary) <= 1


def test_options_that_make_faults_leave_a_posture_as_it_is_without_them():
    """The benchmark's specs were drawn before there were these options."""
    faults = ("slide_m", "sink_deg", "other_slide_m", "heel_drop_m", "bends", "turn_deg", "lean_deg")
    for options in (POSTURES[name].OPTIONS for name in ("standing", "standing_toe_pivot", "lunge", "first_position")):
        assert {options.get(name, 0.0) for name in faults} <= {0.0}
