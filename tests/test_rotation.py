"""The measures and the form of the body, against synthetic people whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import BOTH, FRONT, SEATED, STANCES, Camera, Stance, image_of, mirrored, neutral_of, pose_at
from hypothesis import given, settings
from hypothesis import strategies as st

from rotrack.core.drills import Drill, Measure, load_table
from rotrack.core.model import LEGS, N_LANDMARKS, Pose, Side
from rotrack.core.postures import Posture, records
from rotrack.core.reasons import Reason
from rotrack.kinematics import rotation
from rotrack.kinematics.camera import Calibration, Floor, Gain
from rotrack.kinematics.correction import load_corrections
from rotrack.kinematics.geometry import signed_angle_deg, turn_about
from rotrack.kinematics.legmodel import LegModel
from rotrack.kinematics.posture import BodyForm, position_problem, turn_to_upright_deg
from rotrack.kinematics.rotation import (
    HIGH_FROM_DEG,
    NEEDS,
    NEUTRAL_WITHIN_DEG,
    ROLLED_FROM_DEG,
    TURNED_FROM_DEG,
    TURNED_TOO_FAR_DEG,
    LegMeasure,
    NeutralPose,
    RollMeasure,
    make_measure,
)
from rotrack.texts import words as words_of

SWINGS_DEG = (-40, -15, -5, 10, 25, 40)
KNEES = (0, 0.1, -0.3)
"""Between the hanging shanks of the synthetic person: what a camera that stands well looks at, m."""
UPRIGHT = Stance(thigh=(0.09, -1, 0.07), shank=(-0.02, -1, 0.07), foot=(1, -0.02, 0.09))
"""Standing, feet a little turned out as most people stand."""
KNEES_APART = replace(SEATED, thigh=(1, 0, 0.087))
STANDING_FRONT = Camera((0, -0.1, -2.3), (0, 0.35, 0))


def seated_drill() -> Drill:
    return load_table().drill("seated-combined")


def standing_drill() -> Drill:
    return load_table().drill("standing-combined")


def measure_of(camera: Camera, side: Side, stance: Stance = SEATED, calibration: Calibration | None = None) -> LegMeasure:
    """Return the leg model's own measure; the correction has its own tests."""
    drill = seated_drill() if stance.knees_follow else standing_drill()
    measure = make_measure(neutral_of(stance, camera), side, drill, calibration, correct=False)
    assert isinstance(measure, LegMeasure)
    return measure


def angle(measure: LegMeasure, image_px: np.ndarray, time_s: float = 100.0) -> float:
    return measure.read(pose_at(time_s, image_px)).angle_deg


def worst_error_deg(camera: Camera, side: Side, stance: Stance = SEATED, calibration: Calibration | None = None) -> float:
    measure = measure_of(camera, side, stance, calibration)
    return max(abs(angle(measure, image_of(stance, camera, **{side: t}), 100.0 * k) - t) for k, t in enumerate(SWINGS_DEG, 1))


# ---------------------------------------------------------------------- seated, from all around
@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("distance_m", [1.8, 2.5, 3.5])
@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [*product([0, -15, 15, 25], [0, 10, 25])])
def test_swing_is_recovered_from_any_camera_place(side, distance_m, yaw_deg, pitch_deg):
    camera = Camera.around(KNEES, distance_m, yaw_deg, pitch_deg)
    assert worst_error_deg(camera, side) < (1.0 if abs(yaw_deg) <= 15 else 2.0)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [*product([0, -15, 15], [0, 10])])
@pytest.mark.parametrize("aside_m", [(0.5, 0.2, 0), (-0.5, -0.2, 0)])
def test_swing_is_recovered_beside_the_middle_of_the_picture(side, yaw_deg, pitch_deg, aside_m):
    camera = Camera.around(tuple(np.add(KNEES, aside_m)), 2.5, yaw_deg, pitch_deg)
    assert worst_error_deg(camera, side) < 1.5


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("size_px", [(1280, 720), (1920, 1080), (480, 640)])
def test_swing_does_not_depend_on_the_size_of_the_picture(side, size_px):
    assert worst_error_deg(replace(Camera.around(KNEES, 2.8, 10, 5), size_px=size_px), side) < 1.0


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("build", [{"thigh_m": 0.42}, {"thigh_m": 0.35}, {"toe_m": 0.16}, {"toe_m": 0.22}, {"hips_m": 0.16}])
def test_swing_hardly_depends_on_the_build(side, build):
    stance = replace(SEATED, **build)
    assert worst_error_deg(FRONT, side, stance) < 0.6
    assert worst_error_deg(Camera.around(KNEES, 2.5, 15, 10), side, stance) < 2.0


@pytest.mark.parametrize("side", BOTH)
def test_leg_model_beats_the_plain_angle_from_a_turned_camera(side):
    camera = Camera.around(KNEES, 2.5, 25, 10)
    measure = measure_of(camera, side)
    readings = [measure.read(pose_at(100.0 * k, image_of(SEATED, camera, **{side: t}))) for k, t in enumerate(SWINGS_DEG, 1)]
    raw = max(abs(r.raw_deg - t) for r, t in zip(readings, SWINGS_DEG, strict=True))
    modelled = max(abs(r.angle_deg - t) for r, t in zip(readings, SWINGS_DEG, strict=True))
    assert raw > 3
    assert modelled < raw / 3


@pytest.mark.parametrize("side", BOTH)
def test_toe_that_turns_by_itself_is_doubted(side):
    measure = measure_of(FRONT, side)
    for k, shift_px in enumerate((-25, 25)):  # 0.3 shanks
        now = image_of(SEATED, FRONT, **{side: 20})
        now[LEGS[side].toe, 0] += shift_px
        assert angle(measure, now, 100.0 * k) == pytest.approx(20, abs=4.5)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("missing_in", ["neutral", "now"])
@pytest.mark.parametrize("part", ["toe", "heel"])
def test_swing_does_without_the_foot(side, missing_in, part):
    neutral, now = neutral_of(SEATED, FRONT), image_of(SEATED, FRONT, **{side: 20})
    (neutral.image_px if missing_in == "neutral" else now)[getattr(LEGS[side], part)] = np.nan
    assert angle(LegMeasure(neutral, side, seated_drill(), correct=False), now) == pytest.approx(20, abs=0.6)


# ---------------------------------------------------------------------- standing
@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("yaw_deg", [-8, 0, 8])
@pytest.mark.parametrize("pitch_deg", [5, 12, 20])
def test_a_standing_foot_is_followed(side, yaw_deg, pitch_deg):
    camera = Camera.around((0, 0.35, 0), 2.4, yaw_deg, pitch_deg)
    assert worst_error_deg(camera, side, UPRIGHT) < 4.5


# ---------------------------------------------------------------------- what the camera place is called
@pytest.mark.parametrize(
    ("yaw_deg", "pitch_deg", "words"),
    [
        (0, 0, []),
        (TURNED_FROM_DEG - 4, HIGH_FROM_DEG - 6, []),
        (TURNED_FROM_DEG + 4, 0, ["put it straight in front"]),
        (-TURNED_FROM_DEG - 4, 0, ["put it straight in front"]),
        (0, HIGH_FROM_DEG + 10, ["put it lower"]),
    ],
)
def test_advice_names_what_is_wrong_with_the_camera(yaw_deg, pitch_deg, words):
    measure = measure_of(Camera.around(KNEES, 2.8, yaw_deg, pitch_deg), Side.RIGHT, KNEES_APART)
    assert bool(measure.advice) == bool(words), measure.advice
    assert all(word in words_of(measure.advice) for word in words)
    assert measure.problem == ""
    # Positive: the camera has walked to its right.
    assert measure.view["turn_deg"] == pytest.approx(yaw_deg, abs=4)
    assert measure.view["camera_pitch_deg"] == pytest.approx(pitch_deg, abs=8)


@pytest.mark.parametrize("roll_deg", [-12, 12])
def test_a_camera_that_is_not_level_is_told_where_the_floor_is_known(roll_deg):
    up = (np.sin(np.radians(roll_deg)), -np.cos(np.radians(roll_deg)), 0)
    camera = replace(Camera.around(KNEES, 2.8, 0, 5), up=up)
    floor = Floor(camera.axes() @ np.array([0.0, 1.0, 0.0]), 1.0, 0.5)
    measure = measure_of(camera, Side.LEFT, calibration=Calibration(floor=floor))
    assert measure.view["camera_roll_deg"] == pytest.approx(floor.roll_deg, abs=1)
    assert abs(floor.roll_deg) > ROLLED_FROM_DEG
    assert "set the camera level" in words_of(measure.advice)
    assert f"{abs(measure.view['camera_roll_deg']):.0f} degrees" in words_of(measure.advice)


def test_what_is_found_about_the_camera_has_names_that_are_logged():
    assert set(measure_of(FRONT, Side.LEFT).view) == {"turn_deg", "camera_pitch_deg", "camera_roll_deg", "misfit"}


# ---------------------------------------------------------------------- what cannot be measured
@pytest.mark.parametrize("side", BOTH)
def test_a_camera_far_to_the_side_is_refused(side):
    measure = measure_of(Camera.around(KNEES, 2.8, TURNED_TOO_FAR_DEG + 25, 5), side)
    assert "degrees to the side" in words_of(measure.problem)
    assert "rotrack drills seated-combined" in words_of(measure.problem)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("hang_deg", [-25, 25])
def test_a_shank_that_does_not_hang_is_no_neutral_pose(side, hang_deg):
    neutral = NeutralPose(FRONT.size_px, image_of(SEATED, FRONT, **{side: hang_deg}), neutral_of(SEATED, FRONT).world_m)
    measure = LegMeasure(neutral, side, seated_drill())
    assert abs(measure.neutral_angle_deg) > NEUTRAL_WITHIN_DEG
    assert measure.problem == Reason.HANG_STRAIGHT


@pytest.mark.parametrize("yaw_deg", [-30, 30, 45])
@pytest.mark.parametrize("side", BOTH)
def test_standing_before_a_camera_that_stands_aside_is_measured_and_told_so(side, yaw_deg):
    measure = measure_of(Camera.around((0, 0.35, 0), 2.6, yaw_deg, 10), side, UPRIGHT)
    assert measure.problem == ""
    assert ("camera_aside" in measure.advice) >= (abs(yaw_deg) > 30)
    assert "toes" not in measure.advice


def test_the_longer_the_way_from_the_usual_the_wider_the_error():
    def error_deg(yaw_deg):
        camera = Camera.around(KNEES, 2.8, yaw_deg, 5)
        return measure_of(camera, Side.LEFT).read(pose_at(100.0, image_of(SEATED, camera))).error_deg

    straight, aside, far_aside = (error_deg(yaw) for yaw in (0, 30, 50))
    assert straight + 1 < aside < far_aside - 1


@pytest.mark.parametrize("side", BOTH)
def test_a_neutral_pose_that_fits_badly_is_measured_where_the_leg_network_fits(side, monkeypatch):
    monkeypatch.setattr(rotation.LegMeasure, "_fit_of_network", lambda self, *_: (self._model, 0.0))
    neutral = neutral_of(UPRIGHT, STANDING_FRONT)
    neutral.image_px[LEGS[side].toe] += [0, 25]
    alone = replace(STANCES[Posture.STANDING], misfit_at_most=0.0, misfit_refused=0.0)
    monkeypatch.setitem(records(), Posture.STANDING, replace(Posture.STANDING.record, stance=alone))
    measure = make_measure(neutral, side, standing_drill())
    assert measure.problem == ""
    assert Reason.FITS_BADLY in measure.advice
    monkeypatch.setattr(rotation.LegMeasure, "_fit_of_network", lambda self, *_: None)
    assert make_measure(neutral, side, standing_drill()).problem == Reason.NOT_THE_POSITION


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("legs_only", [False, True])
def test_a_picture_that_is_not_upright_is_told_how_to_turn_it(quarters, legs_only):
    seen = pose_at(0.0, image_of(UPRIGHT, STANDING_FRONT))
    if legs_only:
        seen.image_px[[leg.shoulder for leg in LEGS.values()]] = np.nan
    for _ in range(quarters):  # anticlockwise
        seen = replace(seen, image_px=np.stack([seen.image_px[:, 1], 480 - seen.image_px[:, 0]], axis=1))
    turn_deg = 90 * quarters
    assert turn_to_upright_deg(seen) == turn_deg
    if turn_deg:
        assert f"--rotate {turn_deg}" in words_of(position_problem(Posture.STANDING, seen, Side.LEFT))


@pytest.mark.parametrize("side", BOTH)
def test_legs_in_another_position_are_refused(side):
    on_the_head = replace(UPRIGHT, up=(0, 1, 0))
    measure = make_measure(neutral_of(on_the_head, STANDING_FRONT), side, standing_drill())
    assert measure.problem == Reason.NOT_THE_POSITION


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("drill", ["seated-combined", "standing-combined", "longsit-combined", "supine-bent-internal"])
def test_hips_one_above_the_other_are_refused(drill, side):
    neutral = neutral_of(SEATED, FRONT)
    # Straight above each other, and along a pointer that hangs straight down: no side is lateral.
    for leg in LEGS.values():
        neutral.image_px[[leg.hip, leg.knee, leg.ankle, leg.toe], 0] = 320.0
    measure = LegMeasure(neutral, side, load_table().drill(drill))
    assert measure.problem == Reason.HIPS_STACKED


def test_a_fit_that_ran_away_is_refused(monkeypatch):
    def diverged(*_):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(LegModel, "read", diverged)
    assert make_measure(neutral_of(SEATED, FRONT), Side.LEFT, seated_drill()).problem == Reason.NOT_THE_POSITION


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("drill", [seated_drill(), standing_drill()], ids=lambda drill: drill.id)
def test_neutral_pose_reads_zero(drill, side):
    stance, camera = (SEATED, FRONT) if drill.measure is Measure.SHANK else (UPRIGHT, STANDING_FRONT)
    neutral = neutral_of(stance, camera)
    reading = make_measure(neutral, side, drill).read(pose_at(50.0, neutral.image_px))
    assert (reading.raw_deg, reading.uncorrected_deg, reading.angle_deg) == pytest.approx((0, 0, 0), abs=0.02)
    assert reading.sd_deg > 0
    assert reading.reason == ""


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(
    ("drill", "part"),
    [(d, p) for d in (seated_drill(), standing_drill()) for p in NEEDS[d.measure]],
    ids=lambda x: getattr(x, "id", x),
)
def test_missing_landmark_gives_no_number_but_a_reason(drill, side, part):
    stance, camera = (SEATED, FRONT) if drill.measure is Measure.SHANK else (UPRIGHT, STANDING_FRONT)
    now = image_of(stance, camera, **{side: 20})
    now[getattr(LEGS[side], part)] = np.nan
    reading = make_measure(neutral_of(stance, camera), side, drill).read(pose_at(50.0, now))
    assert np.isnan([reading.uncorrected_deg, reading.angle_deg, reading.sd_deg, reading.gravity_deg]).all()
    assert reading.reason in (Reason.NO_LEG, Reason.NO_TRUNK)


def test_needs_are_parts_of_a_leg_from_top_to_bottom():
    assert set(NEEDS) == set(Measure)
    for parts in NEEDS.values():
        places = [LEGS[Side.LEFT]._fields.index(part) for part in parts]
        assert places == sorted(places), "the last two are what must hold still for the neutral pose"


@pytest.mark.parametrize("side", BOTH)
@settings(max_examples=30)
@given(yaw=st.floats(-20, 20), pitch=st.floats(0, 20), left=st.floats(-45, 45), right=st.floats(-45, 45))
def test_a_mirrored_picture_swaps_the_sides(side, yaw, pitch, left, right):
    camera = Camera.around(KNEES, 2.8, yaw, pitch)
    neutral, now = neutral_of(SEATED, camera), image_of(SEATED, camera, left=left, right=right)
    there = NeutralPose(neutral.size_px, *mirrored(neutral.size_px, neutral.image_px, neutral.world_m))
    plain = LegMeasure(neutral, side, seated_drill()).read(pose_at(9.0, now))
    flipped = LegMeasure(there, side.other, seated_drill()).read(pose_at(9.0, mirrored(neutral.size_px, now, neutral.world_m)[0]))
    assert flipped.reason == plain.reason == ""
    told = [reading.angles(angle_deg=reading.angle_deg, sd_deg=reading.sd_deg) for reading in (flipped, plain)]
    assert told[0] == pytest.approx(told[1], abs=1e-3, nan_ok=True)


# ---------------------------------------------------------------------- pelvis, correction, gravity, calibration
@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("roll_deg", [-8, 8])
def test_roll_of_the_pelvis_is_taken_out_in_its_sense(side, roll_deg):
    measure = measure_of(FRONT, side)
    now = image_of(SEATED, FRONT, **{side: 20})
    kept, taken = measure.read(pose_at(9.0, now)).angle_deg, measure.read(pose_at(99.0, now), roll_deg).angle_deg
    assert kept - taken == pytest.approx(roll_deg, abs=1.0)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("drill", [seated_drill(), standing_drill()], ids=lambda drill: drill.id)
def test_the_angle_is_the_uncorrected_one_by_the_table(drill, side):
    stance, camera = (SEATED, FRONT) if drill.measure is Measure.SHANK else (UPRIGHT, STANDING_FRONT)
    neutral, now = neutral_of(stance, camera), image_of(stance, camera, **{side: 30})
    with_it, without = (LegMeasure(neutral, side, drill, correct=c) for c in (True, False))
    corrected, plain = with_it.read(pose_at(9.0, now)), without.read(pose_at(9.0, now))
    assert plain.angle_deg == plain.uncorrected_deg == corrected.uncorrected_deg
    known = load_corrections().of(drill.posture)
    assert corrected.angle_deg == pytest.approx(known.apply(plain.angle_deg, with_it.view["camera_pitch_deg"]), rel=0.01)
    assert corrected.error_deg == pytest.approx(known.error_deg(corrected.angle_deg, corrected.sd_deg))
    as_plain = load_corrections().of(drill.posture, correct=False)
    assert plain.error_deg == pytest.approx(as_plain.error_deg(plain.angle_deg, plain.sd_deg))


def test_a_personal_gain_multiplies_the_foot_of_a_standing_person_and_nothing_else():
    gains = {Side.LEFT: Gain(1.25, 0.0, 1.0), Side.RIGHT: Gain(1.5, 0.0, 1.0)}
    for drill, stance, camera, share in (
        (standing_drill(), UPRIGHT, STANDING_FRONT, (1.25, 1.5)),
        (seated_drill(), SEATED, FRONT, (1.0, 1.0)),
    ):
        for side, gain in zip(BOTH, share, strict=True):
            neutral, now = neutral_of(stance, camera), image_of(stance, camera, **{side: 20})
            plain, personal = (
                LegMeasure(neutral, side, drill, c, correct=False).read(pose_at(9.0, now))
                for c in (None, Calibration(gains=gains))
            )
            assert personal.angle_deg == pytest.approx(gain * plain.angle_deg)
            assert personal.uncorrected_deg == pytest.approx(plain.uncorrected_deg)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("at_rest_deg", [-8, 0, 8])
def test_gravity_knows_how_the_shank_hung_at_neutral(side, at_rest_deg):
    """A level camera and a level thigh that points at it: gravity reads the angle from the plumb line."""
    camera = Camera((0, 0.2, -2.8), (0, 0.2, 0))
    rest = image_of(SEATED, camera, **{side: at_rest_deg})
    measure = LegMeasure(
        NeutralPose(camera.size_px, rest, neutral_of(SEATED, camera).world_m), side, seated_drill(), correct=False
    )
    now = measure.read(pose_at(9.0, image_of(SEATED, camera, **{side: at_rest_deg + 25})))
    assert now.angle_deg == pytest.approx(25, abs=1.0)
    assert now.gravity_deg == pytest.approx(at_rest_deg + 25, abs=2.5)


# ---------------------------------------------------------------------- stretches: an index
def hips_at(left: tuple[float, float], right: tuple[float, float]) -> np.ndarray:
    """Return landmarks of which only shoulders and hips are seen; the trunk is 200 px long."""
    pixels = np.full((N_LANDMARKS, 2), np.nan)
    for side, hip in ((Side.LEFT, left), (Side.RIGHT, right)):
        pixels[LEGS[side].hip] = hip
        pixels[LEGS[side].shoulder] = np.add(hip, (-200, 0))
    return pixels


RIGHT_BELOW = hips_at((300, 200), (300, 260))


def roll_measure(drill: str, side: Side = Side.RIGHT, image_px: np.ndarray = RIGHT_BELOW) -> RollMeasure:
    neutral = NeutralPose((640, 480), image_px, np.full((N_LANDMARKS, 3), np.nan))
    measure = make_measure(neutral, side, load_table().drill(drill))
    assert isinstance(measure, RollMeasure)
    return measure


@pytest.mark.parametrize(("drill", "sign"), [("zst-confidence", 1), ("zst-fulfillment", -1)])
@pytest.mark.parametrize("moved_px", [(0, 0), (30, 0), (-30, 0), (0, 40)])
def test_a_roll_is_how_far_hips_and_shoulders_moved_in_hundredths_of_the_trunk(drill, sign, moved_px):
    measure = roll_measure(drill)
    now = hips_at(tuple(np.add((300, 200), moved_px)), (300, 260))
    reading = measure.read(pose_at(1.0, now))
    assert reading.angle_deg == pytest.approx(sign * 100 * np.sqrt(2) * np.hypot(*moved_px) / 200)
    now[LEGS[Side.LEFT].shoulder] = RIGHT_BELOW[LEGS[Side.LEFT].shoulder]
    reading = measure.read(pose_at(2.0, now))
    assert reading.angle_deg == pytest.approx(sign * 100 * np.hypot(*moved_px) / 200), "the pelvis alone"
    assert np.isnan([reading.raw_deg, reading.uncorrected_deg, reading.sd_deg, reading.gravity_deg]).all()
    assert np.isnan(reading.error_deg)


@given(shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)), scale=st.floats(0.3, 3))
def test_a_roll_does_not_depend_on_place_and_size_in_the_picture(shift, scale):
    now = hips_at((330, 210), (300, 260))
    plain = roll_measure("zst-confidence").read(pose_at(1.0, now)).angle_deg
    there = roll_measure("zst-confidence", image_px=RIGHT_BELOW * scale + shift).read(pose_at(1.0, now * scale + shift)).angle_deg
    assert there == pytest.approx(plain)


def test_only_the_leg_below_is_stretched():
    assert roll_measure("zst-confidence", Side.RIGHT).problem == ""
    assert roll_measure("zst-confidence", Side.LEFT).problem == "leg_on_top:side=left"


def test_hips_that_are_not_seen_give_no_index_but_a_reason():
    reading = roll_measure("zst-confidence").read(pose_at(1.0, np.full((N_LANDMARKS, 2), np.nan)))
    assert np.isnan(reading.angle_deg)
    assert reading.reason in (Reason.NO_LEG, Reason.NO_TRUNK)
    hidden = RIGHT_BELOW.copy()
    hidden[LEGS[Side.LEFT].shoulder] = np.nan
    assert roll_measure("zst-confidence", image_px=hidden).problem == Reason.NO_TRUNK


# ---------------------------------------------------------------------- angles between directions
@pytest.mark.parametrize("axis", [(0, 0, 1), (0.3, -0.5, 0.8), (0, -2, 0)])
@pytest.mark.parametrize("turn_deg", [-170, -45, 0, 30, 120])
def test_turn_about_an_axis_is_right_handed_and_sees_along_it(axis, turn_deg):
    axis = np.array(axis, float)
    across = np.cross(axis, (1.0, 0.2, 0.1))
    unit = axis / np.linalg.norm(axis)
    angle = np.radians(turn_deg)
    turned = across * np.cos(angle) + np.cross(unit, across) * np.sin(angle)
    assert turn_about(axis, across + 3 * axis, 2 * turned - axis) == pytest.approx(turn_deg)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_turn_about_nothing_is_missing(missing):
    directions = [np.array(v, float) for v in ((0, 0, 1), (1, 0, 0), (0, 1, 0))]
    for nothing in (np.zeros(3), np.full(3, np.nan)):
        assert np.isnan(turn_about(*[nothing if k == missing else v for k, v in enumerate(directions)]))
    assert np.isnan(turn_about(np.array([0, 0, 1.0]), np.array([0, 0, 2.0]), np.array([1.0, 0, 0])))


@pytest.mark.parametrize(
    ("reference", "vector", "positive"),
    [
        ((0, 1), (0, 0), (1, 0)),
        ((0, 0), (0, 1), (1, 0)),
        ((0, 1), (1, 1), (0, 0)),
        ((0, 1), (1, 1), (0, -3)),
        ((0, np.nan), (1, 1), (1, 0)),
        ((0, 1), (np.nan, 1), (1, 0)),
    ],
)
def test_angle_between_degenerate_directions_is_missing(reference, vector, positive):
    assert np.isnan(signed_angle_deg(*(np.array(v, float) for v in (reference, vector, positive))))


@pytest.mark.parametrize(("degrees", "positive"), [(30, 1), (-30, 1), (30, -1), (120, 1), (-179, 1)])
def test_signed_angle_is_positive_towards_the_given_direction(degrees, positive):
    # Turning from down (0, 1) to the right (1, 0).
    vector = 3.7 * np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    angle = signed_angle_deg(np.array([0.0, 2.0]), vector, np.array([positive * 5.0, 1.0]))
    assert angle == pytest.approx(positive * degrees)


# ---------------------------------------------------------------------- the form of the body
def rolled(neutral: NeutralPose, hips_deg: float, trunk_deg: float) -> np.ndarray:
    """Return the neutral landmarks with hip line and trunk turned about mid-hip, clockwise on screen positive."""
    now = neutral.image_px.copy()
    middle = (now[LEGS[Side.LEFT].hip] + now[LEGS[Side.RIGHT].hip]) / 2
    for part, angle_deg in (("hip", hips_deg), ("shoulder", trunk_deg)):
        angle = np.radians(angle_deg)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        indices = [getattr(leg, part) for leg in LEGS.values()]
        now[indices] = middle + (now[indices] - middle) @ rotation.T
    return now


NEUTRAL = neutral_of(SEATED, FRONT)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("hips_deg", [-8, 8])
@pytest.mark.parametrize("trunk_deg", [0, 0.4])
def test_hip_line_alone_is_no_roll_of_the_pelvis(side, hips_deg, trunk_deg):
    now = rolled(NEUTRAL, hips_deg, np.sign(hips_deg) * trunk_deg)
    form = BodyForm(NEUTRAL, side)
    assert form.pelvis_deg(now) == 0


@pytest.mark.parametrize("hips_deg", [-8, 8])
def test_trunk_that_hardly_leans_confirms_little_of_the_roll(hips_deg):
    form = BodyForm(NEUTRAL, Side.RIGHT)
    sizes = [abs(form.pelvis_deg(rolled(NEUTRAL, hips_deg, np.sign(hips_deg) * trunk))) for trunk in (0.7, 1.0, 4.0)]
    assert 0 < sizes[0] < sizes[1] < 4
    assert sizes[2] == pytest.approx(abs(hips_deg), rel=0.2)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("hips_deg", [-8, 8])
def test_trunk_that_leans_the_other_way_denies_the_roll(side, hips_deg):
    assert BodyForm(NEUTRAL, side).pelvis_deg(rolled(NEUTRAL, hips_deg, -hips_deg / 2)) == 0


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("roll_deg", [-8, -4, 4, 8])
def test_confirmed_roll_has_the_sign_of_the_rotation_that_it_fakes(side, roll_deg):
    now = rolled(NEUTRAL, roll_deg, 0.4 * roll_deg)
    # The shank turns with the pelvis although the hip joint does nothing.
    faked = moved_shank(now, side, roll_deg)
    raw_deg = measure_of(FRONT, side).read(pose_at(9.0, faked)).raw_deg
    pelvis_deg = BodyForm(NEUTRAL, side).pelvis_deg(faked)
    assert abs(raw_deg) == pytest.approx(abs(roll_deg))
    assert pelvis_deg == pytest.approx(raw_deg, rel=0.2)


def moved_shank(pixels: np.ndarray, side: Side, turn_deg: float) -> np.ndarray:
    leg, angle, now = LEGS[side], np.radians(turn_deg), pixels.copy()
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    now[leg.ankle] = now[leg.knee] + rotation @ (now[leg.ankle] - now[leg.knee])
    return now


@pytest.mark.parametrize("side", BOTH)
def test_roll_is_not_counted_when_the_shoulders_are_not_seen(side):
    now = rolled(NEUTRAL, 8, 4)
    now[LEGS[Side.LEFT].shoulder] = np.nan
    form = BodyForm(NEUTRAL, side)
    assert form.pelvis_deg(now) == 0
    assert np.isnan(form.lean_deg(now))


# ---------------------------------------------------------------------- the position
@pytest.mark.parametrize(
    ("posture", "flexion_deg", "reason"),
    [
        (Posture.SEATED, 90, ""),
        (Posture.SEATED, 60, ""),
        (Posture.SEATED, 30, ""),  # the thigh still points at the camera: one sign is not enough
        (Posture.STANDING, 10, ""),
        (Posture.STANDING, 90, Reason.NOT_STANDING),
        (Posture.STANDING_TOES, 45, ""),
        (Posture.STANDING_TOES, 75, ""),  # what the world landmarks show of somebody on tiptoe
        (Posture.STANDING_TOES, 120, Reason.NOT_STANDING),
        (Posture.SUPINE_BENT, 10, ""),
        (Posture.LUNGE, 150, ""),
    ],
)
@pytest.mark.parametrize("side", BOTH)
def test_position_is_told_by_the_bend_of_the_knee(posture, flexion_deg, reason, side):
    bend = np.radians(flexion_deg)
    stance = replace(SEATED, shank=(np.cos(bend), -np.sin(bend), 0))
    image_px, world_m = FRONT.see(stance.points())
    problem = position_problem(posture, Pose(0.0, FRONT.size_px, image_px, world_m, np.ones(N_LANDMARKS)), side)
    assert bool(problem) == bool(reason)
    assert problem == reason


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(("flexion_deg", "reason"), [(10, Reason.NOT_SITTING), (40, Reason.NOT_SITTING), (60, "")])
def test_a_hanging_thigh_with_a_straight_knee_is_not_sitting(flexion_deg, reason, side):
    bend = np.radians(flexion_deg)
    upright = replace(SEATED, thigh=(0, -1, 0), shank=(-np.sin(bend), -np.cos(bend), 0))
    image_px, world_m = FRONT.see(upright.points())
    problem = position_problem(Posture.SEATED, Pose(0.0, FRONT.size_px, image_px, world_m, np.ones(N_LANDMARKS)), side)
    assert bool(problem) == bool(reason)
    assert problem == reason
