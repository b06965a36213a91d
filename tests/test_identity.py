"""Is it certain which leg is which: swaps, jumps and crossings of synthetic and recorded legs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import pose_at
from helpers import a_crop

from rotrack.core.model import LEGS, N_LANDMARKS, SWAPPED, Pose, Side
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.kinematics.identity import (
    LegIdentity,
    LegNames,
    TopLeg,
    higher_leg,
)
from rotrack.records.landmarks import read_poses

RECORDINGS = sorted(file.parent for file in Path(__file__).parent.glob("fixtures/*/landmarks.csv.gz"))

STEP_S = 1 / 20
LEFT, RIGHT = LEGS[Side.LEFT], LEGS[Side.RIGHT]
FROM_KNEES = [i for leg in LEGS.values() for i in leg[2:]]


def sitting(left_deg: float = 0.0, right_deg: float = 0.0) -> np.ndarray:
    """Return somebody on a chair, seen from the front, with the lower legs turned outwards by so much, shape (33, 2), px."""
    at = np.full((N_LANDMARKS, 2), [320.0, 100.0])
    for side, leg in LEGS.items():
        out, turn_deg = (1, left_deg) if side is Side.LEFT else (-1, right_deg)
        down = np.array([out * np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))])
        at[leg.hip] = (320 + 25 * out, 200)
        at[leg.knee] = at[leg.hip] + (10 * out, 45)
        at[leg.ankle] = at[leg.knee] + 90 * down
        at[leg.heel] = at[leg.ankle] + 12 * down
        at[leg.toe] = at[leg.ankle] + 35 * down
    return at


def swing(time_s: float, start_s: float, peak: float, rise_s: float = 0.8, hold_s: float = 0.4) -> float:
    """Return a smooth movement from 0 to a peak that is held, and back."""
    up, down = np.clip([(time_s - start_s) / rise_s, (time_s - start_s - rise_s - hold_s) / rise_s], 0, 1)
    return float(peak * np.sin(np.pi / 2 * up) ** 2 * np.cos(np.pi / 2 * down) ** 2)


def legs_swapped(image_px: np.ndarray, hips_too: bool = False) -> np.ndarray:
    at = image_px.copy()
    which = FROM_KNEES + ([LEFT.hip, RIGHT.hip] if hips_too else [])
    at[which] = image_px[SWAPPED[which]]
    return at


def judged(frames, identity: LegIdentity | None = None) -> list[str]:
    identity = identity or LegIdentity()
    return [identity.update(i * STEP_S, frame) for i, frame in enumerate(frames)]


def exercise(seconds: float = 6.0) -> list[np.ndarray]:
    """Return somebody on a chair who swings both lower legs, with landmark noise of 1.5 px."""
    rng = np.random.default_rng(5)
    times = np.arange(0, seconds, STEP_S)
    angles = [(swing(t, 1.5, 35.0, 0.5), swing(t, 3.5, -25.0, 0.5)) for t in times]
    return [sitting(*angle) + rng.normal(0, 1.5, (N_LANDMARKS, 2)) for angle in angles]


def test_a_normal_exercise_is_never_touched() -> None:
    assert set(judged(exercise())) == {""}


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda folder: folder.name)
def test_recordings_of_upright_drills_are_never_touched(folder: Path) -> None:
    identity = LegIdentity()
    assert {identity.update(pose.time_s, pose.image_px) for pose in read_poses(folder)} == {""}


@pytest.mark.parametrize("hips_too", [False, True])
@pytest.mark.parametrize("length", [1, 5, 12])
def test_a_swap_is_refused_from_the_first_frame_to_the_last(length: int, hips_too: bool) -> None:
    frames = exercise()
    first = 60
    frames[first : first + length] = [legs_swapped(f, hips_too) for f in frames[first : first + length]]
    assert [i for i, reason in enumerate(judged(frames)) if reason] == list(range(first, first + length))
    assert judged(frames)[first] == Reason.LEGS_SWAPPED


def test_legs_that_jump_to_a_wrong_place_are_refused() -> None:
    frames = exercise()
    frames[50] = frames[50].copy()
    frames[50][FROM_KNEES] += (90, -70)
    assert [(i, reason) for i, reason in enumerate(judged(frames)) if reason] == [(50, Reason.LEGS_JUMP)]


def test_what_stays_elsewhere_is_believed_after_a_second() -> None:
    frames = exercise()
    for i in range(60, len(frames)):
        frames[i] = frames[i].copy()
        frames[i][FROM_KNEES] += (90, -70)
    wrong = [i for i, reason in enumerate(judged(frames)) if reason]
    assert wrong == list(range(60, 60 + len(wrong)))
    assert len(wrong) * STEP_S == pytest.approx(1.0, abs=0.11)


def test_somebody_who_walks_is_not_watched() -> None:
    """Walking legs cross in a picture from the side."""
    frames = [frame + np.array([8.0 * i, 0]) for i, frame in enumerate(exercise(2.0))]
    for i in range(20, 30):
        frames[i] = legs_swapped(frames[i])
    assert set(judged(frames)) == {""}


def crossing(turn_back: bool) -> list[np.ndarray]:
    """Return shins that cross, hold and uncross; where they meet, the landmarks pass or turn back."""
    start = sitting()
    apart_px = start[LEFT.ankle][0] - start[RIGHT.ankle][0]
    frames = []
    for t in np.arange(0, 6.0, STEP_S):
        inward_px = swing(t, 2.0, 0.85 * apart_px, 0.8, 0.6)
        if turn_back and inward_px > apart_px / 2:
            inward_px = apart_px - inward_px
        at = start.copy()
        at[[*LEFT[3:]]] -= (inward_px, 0)
        at[[*RIGHT[3:]]] += (inward_px, 0)
        frames.append(at)
    return frames


def test_crossing_legs_are_refused_until_they_have_passed() -> None:
    reasons = judged(crossing(turn_back=False))
    first = reasons.index(Reason.LEGS_CROSS)
    assert 2.0 < first * STEP_S < 2.8
    assert reasons[int(3.0 / STEP_S)] == "", "clearly crossed"
    assert reasons[-1] == ""
    assert 0.1 < np.mean([bool(reason) for reason in reasons]) < 0.35


def test_landmarks_that_turn_back_where_legs_cross_are_refused_until_the_legs_have_rested() -> None:
    reasons = judged(crossing(turn_back=True))
    refused = [i * STEP_S for i, reason in enumerate(reasons) if reason]
    assert refused[0] < 2.8
    assert 4.3 < refused[-1] < 5.9, "through the hold and a rest after it"
    assert len(refused) == pytest.approx((refused[-1] - refused[0]) / STEP_S + 1), "without a gap"


def test_half_a_leg_tells_nothing() -> None:
    frames = exercise(3.0)
    for frame in frames[30:]:
        frame[LEFT.heel] = np.nan
    assert set(judged(frames)) == {""}


# ---------------------------------------------------------------------- lying on the side
def side_lying(top: Side, mixed_up: bool = False, time_s: float = 1.0) -> Pose:
    """Return somebody on the side, seen from the foot end: the bent top shank points backwards, away from the belly."""
    at = np.full((N_LANDMARKS, 2), [320.0, 240.0])
    backward = 1 if top is Side.LEFT else -1  # lying on the right side, the belly is on the left of the picture
    for side, leg in LEGS.items():
        upper = (side is top) != mixed_up
        for step, part in enumerate(leg[1:]):
            at[part] = (320 + 30 * backward * step, 200 + 3 * step) if upper else (320, 230 + 30 * step)
    world = np.column_stack([at, np.arange(N_LANDMARKS)]) / 100
    return Pose(time_s, (640, 480), at, world, np.arange(N_LANDMARKS) / N_LANDMARKS)


@pytest.mark.parametrize("top", Side)
def test_the_side_of_the_top_leg_is_told_by_where_its_shank_points(top: Side) -> None:
    pose, side = TopLeg().update(side_lying(top))
    assert side is top
    same = side_lying(top)
    np.testing.assert_array_equal(pose.image_px, same.image_px)


@pytest.mark.parametrize("top", Side)
def test_legs_whose_names_are_mixed_up_get_the_right_ones(top: Side) -> None:
    mixed_up = side_lying(top, mixed_up=True)
    put_right, side = TopLeg().update(mixed_up)
    assert side is top
    np.testing.assert_array_equal(put_right.image_px, side_lying(top).image_px)
    for part in range(1, 6):
        new, old = LEGS[top][part], LEGS[top.other][part]
        np.testing.assert_array_equal(put_right.world_m[new], mixed_up.world_m[old])
        assert put_right.visibility[new] == mixed_up.visibility[old]
    for leg in LEGS.values():
        assert put_right.visibility[leg.shoulder] == mixed_up.visibility[leg.shoulder], "the shoulders keep their names"


@pytest.mark.parametrize("top", Side)
def test_what_the_leg_network_saw_of_the_top_leg_gets_its_name(top: Side) -> None:
    """A network that followed the pose model's names from the start is as wrong as these, however sure it is."""
    pose = side_lying(top, mixed_up=True)
    crops = {
        side: replace(a_crop(side is Side.LEFT), points_px=pose.image_px[[leg.heel, leg.toe, leg.ankle, leg.knee]], readable=0.99)
        for side, leg in LEGS.items()
    }
    named, refused = LegNames(Posture.SIDE_TOP).update(replace(pose, legs=crops))
    assert list(refused) == [top.other]
    right = side_lying(top).image_px
    for side, leg in LEGS.items():
        np.testing.assert_array_equal(named.image_px[list(leg[1:])], right[list(leg[1:])])
        np.testing.assert_array_equal(named.legs[side].points_px, right[[leg.heel, leg.toe, leg.ankle, leg.knee]])


def face_down(knees_x: tuple[float, ...], as_sides: tuple[Side, ...], up: float = 1.0) -> Pose:
    """Return somebody seen from the soles, of whom the leg network saw bent legs there under these names."""
    image_px = np.full((N_LANDMARKS, 2), [320.0, 260.0])
    crops = {}
    for x, side in zip(knees_x, as_sides, strict=True):
        points_px = np.array([[x, 195.0], [x, 180.0], [x, 200.0], [x, 265.0]])
        shank = np.array([0.0, up, np.sqrt(1 - up**2)])
        crops[side] = replace(a_crop(), points_px=points_px, shank=shank, foot_px=40.0, readable=0.9, other_leg=0.05)
    return replace(pose_at(0.0, image_px), legs=crops)


@pytest.mark.parametrize("as_sides", [tuple(Side), tuple(reversed(Side))])
def test_face_down_the_right_leg_is_on_the_right_whatever_the_models_call_it(as_sides: tuple[Side, ...]) -> None:
    named, _ = LegNames(Posture.PRONE).update(face_down((300.0, 345.0), as_sides))
    assert [named.image_px[LEGS[side].knee][0] for side in Side] == [300, 345]
    assert [named.legs[side].points_px[3][0] for side in Side] == [300, 345]
    assert [named.image_px[LEGS[side].hip][0] for side in Side] == [300, 345], "the thighs point away from the camera"


def test_face_down_a_leg_alone_is_the_one_that_was_named() -> None:
    pose = face_down((325.0,), (Side.LEFT,))
    named, _ = LegNames(Posture.PRONE, (Side.RIGHT,)).update(pose)
    assert list(named.legs) == [Side.RIGHT]
    assert named.image_px[LEFT.hip][0] < named.image_px[RIGHT.hip][0]
    assert np.isnan(named.image_px[LEFT.knee]).all()
    assert LegNames(Posture.PRONE).update(pose)[0].reason == Reason.ONE_BENT, "nobody said which, and it lies before the hips"


def test_face_down_a_leg_that_is_lost_for_a_moment_leaves_the_other_its_name() -> None:
    names = LegNames(Posture.PRONE)
    names.update(face_down((300.0, 345.0), tuple(Side)))
    named, _ = names.update(replace(face_down((302.0,), (Side.RIGHT,)), time_s=0.5))
    assert list(named.legs) == [Side.LEFT]


def test_face_down_a_leg_that_lies_flat_is_not_measured() -> None:
    named, _ = LegNames(Posture.PRONE, (Side.RIGHT,)).update(face_down((345.0,), (Side.RIGHT,), up=0.2))
    assert named.reason == Reason.NONE_BENT


@pytest.mark.parametrize("top", Side)
def test_a_few_wrong_frames_do_not_turn_the_person_over(top: Side) -> None:
    identity = TopLeg()
    for i in range(60):
        identity.update(side_lying(top, time_s=i * STEP_S))
    wrong = side_lying(top.other, time_s=60 * STEP_S)
    assert [identity.update(replace(wrong, time_s=(60 + i) * STEP_S))[1] for i in range(5)] == [top] * 5
    later = [identity.update(replace(wrong, time_s=(65 + i) * STEP_S))[1] for i in range(100)]
    assert later[-1] is top.other, "who has really turned over is believed in the end"


def test_without_both_ankles_the_names_stay() -> None:
    for hidden in Side:
        pose = side_lying(Side.LEFT, mixed_up=True)
        pose.image_px[LEGS[hidden].ankle] = np.nan
        told, _ = TopLeg().update(pose)
        np.testing.assert_array_equal(told.image_px, pose.image_px)


@pytest.mark.parametrize("hidden", Side)
def test_a_leg_that_is_not_seen_is_not_the_higher_one(hidden):
    image_px = np.full((N_LANDMARKS, 2), 100.0)
    image_px[LEGS[hidden].ankle] = np.nan
    assert higher_leg(pose_at(0.0, image_px)) is hidden.other
