"""The measures and the form of the body, against synthetic people whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import BOTH, FRONT, SEATED, Camera, image_of, mirrored, neutral_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rotrack.drills import Measure, Posture
from rotrack.kinematics.geometry import signed_angle_deg
from rotrack.kinematics.posture import BodyForm, knee_flexion_deg, position_problem
from rotrack.kinematics.rotation import (
    HIGH_FROM_DEG,
    MAKERS,
    NEEDS,
    SHORTEST_POINTER,
    TURNED_FROM_DEG,
    FloorFoot,
    ImagePointer,
    NeutralPose,
    ShankSwing,
)
from rotrack.model import LEGS, N_LANDMARKS, Pose, Side

SWINGS_DEG = (-40, -30, -15, -5, 5, 15, 30, 40)
MEASURED = [m for m in Measure if m is not Measure.NONE]
KNEES = (0, 0.1, -0.3)
"""Between the hanging shanks of the synthetic person: what a camera that stands well looks at, m."""


def worst_error_deg(camera: Camera, side: Side, stance=SEATED) -> float:
    measure = ShankSwing(neutral_of(stance, camera), side)
    return max(abs(measure.read(image_of(stance, camera, **{side: t})).angle_deg - t) for t in SWINGS_DEG)


# ---------------------------------------------------------------------- ShankSwing: the swing in 3D
@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("distance_m", [1.8, 2.5, 3.5])
@pytest.mark.parametrize("pitch_deg", [0, 10])
@pytest.mark.parametrize("yaw_deg", [0, -15, 15, 25])
def test_swing_is_recovered_from_any_camera_place(side, distance_m, pitch_deg, yaw_deg):
    camera = Camera.around(KNEES, distance_m, yaw_deg, pitch_deg)
    assert worst_error_deg(camera, side) < 0.5


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("distance_m", [2.5, 3.5])
@pytest.mark.parametrize("yaw_deg", [0, -15, 15, 25])
def test_swing_is_recovered_from_a_camera_that_looks_down_steeply(side, distance_m, yaw_deg):
    camera = Camera.around(KNEES, distance_m, yaw_deg, 25)
    assert worst_error_deg(camera, side) < 1.0


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("pitch_deg", [0, 10])
@pytest.mark.parametrize("yaw_deg", [0, -15, 15, 25])
@pytest.mark.parametrize("aside_m", [(0.5, 0.2, 0), (-0.5, -0.2, 0)])
def test_swing_is_recovered_beside_the_middle_of_the_picture(side, pitch_deg, yaw_deg, aside_m):
    camera = Camera.around(tuple(np.add(KNEES, aside_m)), 2.5, yaw_deg, pitch_deg)
    assert worst_error_deg(camera, side) < 1.0


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("size_px", [(640, 480), (1280, 720), (1920, 1080), (480, 640)])
def test_swing_does_not_depend_on_the_size_of_the_picture(side, size_px):
    assert worst_error_deg(replace(Camera.around(KNEES, 2.8, 10, 5), size_px=size_px), side) < 0.5


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("pitch_deg", [0, 10, 25])
@pytest.mark.parametrize("yaw_deg", [0, -15, 15, 25])
def test_a_body_as_the_class_assumes_it_is_solved_exactly(side, pitch_deg, yaw_deg):
    camera = Camera.around((0.3, 0.3, -0.3), 2.0, yaw_deg, pitch_deg)
    assert worst_error_deg(camera, side) < 0.01
    # A camera that walked to the right sees the thigh point to the left.
    view = ShankSwing(neutral_of(SEATED, camera), side).view
    assert view["thigh_yaw_deg"] == pytest.approx(-yaw_deg, abs=0.1)
    assert view["camera_pitch_deg"] == pytest.approx(pitch_deg, abs=0.1)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("build", [{"thigh_m": 0.46}, {"thigh_m": 0.39}, {"toe_m": 0.12}, {"toe_m": 0.18}, {"sole_m": 0.09}])
def test_swing_hardly_depends_on_the_build(side, build):
    stance = replace(SEATED, **build)
    assert worst_error_deg(FRONT, side, stance) < 0.6
    assert worst_error_deg(Camera.around(KNEES, 2.5, 15, 10), side, stance) < 2.0


@pytest.mark.parametrize("side", BOTH)
def test_correction_beats_the_plain_angle_from_a_turned_camera(side):
    camera = Camera.around(KNEES, 2.5, 25, 10)
    measure = ShankSwing(neutral_of(SEATED, camera), side)
    readings = [measure.read(image_of(SEATED, camera, **{side: t})) for t in SWINGS_DEG]
    raw = max(abs(r.raw_deg - t) for r, t in zip(readings, SWINGS_DEG, strict=True))
    corrected = max(abs(r.angle_deg - t) for r, t in zip(readings, SWINGS_DEG, strict=True))
    assert raw > 3
    assert corrected < raw / 4


@pytest.mark.parametrize("side", BOTH)
def test_toe_that_turns_by_itself_is_doubted(side):
    measure = ShankSwing(neutral_of(SEATED, FRONT), side)
    for shift_px in (-40, 40):
        now = image_of(SEATED, FRONT, **{side: 20})
        now[LEGS[side].toe, 0] += shift_px
        assert measure.read(now).angle_deg == pytest.approx(20, abs=2.5)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("missing_in", ["neutral", "now"])
def test_swing_does_without_the_toe(side, missing_in):
    neutral, now = neutral_of(SEATED, FRONT), image_of(SEATED, FRONT, **{side: 20})
    (neutral.image_px if missing_in == "neutral" else now)[LEGS[side].toe] = np.nan
    assert ShankSwing(neutral, side).read(now).angle_deg == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    ("yaw_deg", "pitch_deg", "words"),
    [
        (0, 0, []),
        (TURNED_FROM_DEG - 3, HIGH_FROM_DEG - 3, []),
        (TURNED_FROM_DEG + 3, 0, ["straight in front of the knee"]),
        (-TURNED_FROM_DEG - 3, 0, ["straight in front of the knee"]),
        (0, HIGH_FROM_DEG + 3, ["put it lower"]),
        (25, 25, ["straight in front of the knee", "put it lower"]),
    ],
)
def test_advice_names_what_is_wrong_with_the_camera(yaw_deg, pitch_deg, words):
    camera = Camera.around(KNEES, 2.8, yaw_deg, pitch_deg)
    advice = ShankSwing(neutral_of(SEATED, camera), Side.RIGHT).advice
    assert bool(advice) == bool(words)
    assert all(word in advice for word in words)


# ---------------------------------------------------------------------- ImagePointer: the turn in the picture
def pose_px(draw_points: list[tuple[float, float]]) -> np.ndarray:
    """Return landmarks in the picture with both legs and the shoulders at the given places."""
    pixels = np.full((N_LANDMARKS, 2), np.nan)
    indices = [i for leg in LEGS.values() for i in leg]
    pixels[indices] = draw_points
    return pixels


places = st.lists(st.tuples(*[st.integers(20, 620).map(float)] * 2), min_size=12, max_size=12).map(pose_px)
pointers = st.sampled_from([("knee", "ankle", 1), ("ankle", "toe", -1)])
sides = st.sampled_from(BOTH)


def no_world() -> np.ndarray:
    return np.full((N_LANDMARKS, 3), np.nan)


def well_placed(pixels: np.ndarray, side: Side, start: str, end: str) -> bool:
    """Return whether the pointer is long, and clearly not along the line of the hips."""
    leg = LEGS[side]
    pointer = pixels[getattr(leg, end)] - pixels[getattr(leg, start)]
    lateral = pixels[leg.hip] - pixels[LEGS[side.other].hip]
    across = abs(pointer[0] * lateral[1] - pointer[1] * lateral[0])
    shank = np.hypot(*(pixels[leg.ankle] - pixels[leg.knee]))
    return across > 50 and np.hypot(*pointer) > 2 * SHORTEST_POINTER * shank + 1


@given(
    pixels=places,
    pointer=pointers,
    side=sides,
    scale=st.floats(0.2, 5),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_scale_and_place_in_the_picture_change_nothing(pixels, pointer, side, scale, shift):
    assume(well_placed(pixels, side, *pointer[:2]))
    now = pixels.copy()
    now[LEGS[side].ankle] += (7, 3)
    now[LEGS[side].toe] += (-4, 9)
    plain = ImagePointer(NeutralPose((640, 480), pixels, no_world()), side, *pointer).read(now)
    moved = ImagePointer(NeutralPose((640, 480), pixels * scale + shift, no_world()), side, *pointer).read(now * scale + shift)
    assert moved.reason == plain.reason
    assert moved.angle_deg == pytest.approx(plain.angle_deg, abs=1e-6, nan_ok=True)


@given(pixels=places, pointer=pointers, side=sides, turn_deg=st.floats(-120, 120))
def test_turning_the_pointer_in_the_picture_moves_the_angle_by_as_much(pixels, pointer, side, turn_deg):
    start, end, sign = pointer
    assume(well_placed(pixels, side, start, end))
    leg, now = LEGS[side], pixels.copy()
    lateral = pixels[leg.hip] - pixels[LEGS[side.other].hip]
    rest = pixels[getattr(leg, end)] - pixels[getattr(leg, start)]
    towards_lateral = np.sign(rest[0] * lateral[1] - rest[1] * lateral[0])
    angle = np.radians(turn_deg * towards_lateral)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    now[getattr(leg, end)] = now[getattr(leg, start)] + rotation @ rest
    reading = ImagePointer(NeutralPose((640, 480), pixels, no_world()), side, *pointer).read(now)
    assert reading.reason == ""
    assert reading.angle_deg == pytest.approx(sign * turn_deg, abs=1e-6)
    assert reading.raw_deg == reading.angle_deg


@given(pixels=places, now=places, pointer=pointers, side=sides)
def test_a_mirrored_picture_swaps_the_sides_exactly(pixels, now, pointer, side):
    plain = ImagePointer(NeutralPose((640, 480), pixels, no_world()), side, *pointer).read(now)
    there = NeutralPose((640, 480), *mirrored((640, 480), pixels, no_world()))
    flipped = ImagePointer(there, side.other, *pointer).read(mirrored((640, 480), now, no_world())[0])
    assert flipped.reason == plain.reason
    if abs(plain.angle_deg) != 180:  # there both directions are the same
        assert flipped.angle_deg == pytest.approx(plain.angle_deg, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("measure", MEASURED)
@settings(max_examples=25)
@given(yaw=st.floats(-25, 25), pitch=st.floats(0, 20), left=st.floats(-45, 45), right=st.floats(-45, 45))
def test_every_measure_swaps_the_sides_in_a_mirrored_picture(measure, side, yaw, pitch, left, right):
    camera = Camera.around(KNEES, 2.8, yaw, pitch)
    neutral, now = neutral_of(SEATED, camera), image_of(SEATED, camera, left=left, right=right)
    there = NeutralPose(neutral.size_px, *mirrored(neutral.size_px, neutral.image_px, neutral.world_m))
    plain = MAKERS[measure](neutral, side).read(now)
    flipped = MAKERS[measure](there, side.other).read(mirrored(neutral.size_px, now, neutral.world_m)[0])
    assert flipped.reason == plain.reason
    assert flipped.raw_deg == pytest.approx(plain.raw_deg, abs=1e-6, nan_ok=True)
    assert flipped.angle_deg == pytest.approx(plain.angle_deg, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize(("reach", "angle_deg"), [(0.0, 0.0), (0.23, 30.0), (-0.23, -30.0), (0.46 * 0.5**0.5, 45.0), (0.6, 90.0)])
@pytest.mark.parametrize("side", BOTH)
def test_floor_foot_takes_the_reach_of_the_toe_for_a_sine(side, reach, angle_deg):
    neutral = neutral_of(SEATED, FRONT)
    leg, now = LEGS[side], neutral.image_px.copy()
    shank_px = np.hypot(*(now[leg.ankle] - now[leg.knee]))
    neutral.image_px[leg.toe] = neutral.image_px[leg.ankle] + (0, 20)
    medial = np.sign(now[LEGS[side.other].hip] - now[leg.hip])[0]  # the toe moves medial: internal
    now[leg.toe] = now[leg.ankle] + (medial * reach * shank_px, 20)
    assert FloorFoot(neutral, side).read(now).angle_deg == pytest.approx(angle_deg, abs=1e-6)


# ---------------------------------------------------------------------- what cannot be measured
@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("measure", MEASURED)
def test_neutral_pose_reads_zero(measure, side):
    neutral = neutral_of(SEATED, FRONT)
    reading = MAKERS[measure](neutral, side).read(neutral.image_px)
    assert reading[:2] == pytest.approx((0, 0), abs=1e-9)
    assert reading.reason == ""


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(
    ("measure", "part"),
    [
        (Measure.SHANK_SWING, "knee"),
        (Measure.SHANK_SWING, "ankle"),
        (Measure.SHANK_IMAGE, "knee"),
        (Measure.SHANK_IMAGE, "ankle"),
        (Measure.FOOT_IMAGE, "ankle"),
        (Measure.FOOT_IMAGE, "toe"),
        (Measure.FOOT_FLOOR, "ankle"),
        (Measure.FOOT_FLOOR, "toe"),
    ],
)
def test_missing_landmark_gives_no_number_but_a_reason(measure, side, part):
    assert part in NEEDS[measure]
    neutral, now = neutral_of(SEATED, FRONT), image_of(SEATED, FRONT, **{side: 20})
    now[getattr(LEGS[side], part)] = np.nan
    reading = MAKERS[measure](neutral, side).read(now)
    assert np.isnan(reading.angle_deg)
    assert np.isnan(reading.raw_deg)
    assert "not seen" in reading.reason


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(("measure", "base", "end"), [("shank_image", "knee", "ankle"), ("foot_image", "ankle", "toe")])
def test_pointer_at_the_camera_gives_no_number_but_a_reason(measure, base, end, side):
    neutral, now = neutral_of(SEATED, FRONT), image_of(SEATED, FRONT)
    leg = LEGS[side]
    shank_px = np.hypot(*(neutral.image_px[leg.ankle] - neutral.image_px[leg.knee]))
    now[getattr(leg, end)] = now[getattr(leg, base)] + (0.9 * SHORTEST_POINTER * shank_px, 0)
    reading = MAKERS[Measure(measure)](neutral, side).read(now)
    assert np.isnan(reading.angle_deg)
    assert "points at the camera" in reading.reason
    now[getattr(leg, end)] = now[getattr(leg, base)] + (1.1 * SHORTEST_POINTER * shank_px, 0)
    assert np.isfinite(MAKERS[Measure(measure)](neutral, side).read(now).angle_deg)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("measure", MEASURED)
def test_hips_one_above_the_other_give_no_number_but_a_reason(measure, side):
    neutral, now = neutral_of(SEATED, FRONT), image_of(SEATED, FRONT, **{side: 20})
    # Straight above each other, and along a pointer that hangs straight down: no side is lateral.
    for leg in LEGS.values():
        neutral.image_px[[leg.hip, leg.knee, leg.ankle, leg.toe], 0] = 320.0
    reading = MAKERS[measure](neutral, side).read(now)
    assert np.isnan(reading.angle_deg)
    assert reading.reason


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
def moved(neutral: NeutralPose, **shift_px: tuple[float, float]) -> np.ndarray:
    """Return the neutral landmarks with some of the right leg, or both shoulders, moved."""
    now = neutral.image_px.copy()
    for part, shift in shift_px.items():
        if part == "shoulders":
            now[[leg.shoulder for leg in LEGS.values()]] += shift
        else:
            now[getattr(LEGS[Side.RIGHT], part)] += shift
    return now


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
SHANK_PX = float(np.hypot(*(NEUTRAL.image_px[LEGS[Side.RIGHT].ankle] - NEUTRAL.image_px[LEGS[Side.RIGHT].knee])))
TRUNK_PX = float(abs(NEUTRAL.image_px[LEGS[Side.RIGHT].shoulder, 1] - NEUTRAL.image_px[LEGS[Side.RIGHT].hip, 1]))


@pytest.mark.parametrize("side", BOTH)
def test_nothing_is_at_fault_in_the_neutral_pose(side):
    form = BodyForm(NEUTRAL, side)
    assert form.faults(NEUTRAL.image_px, NEUTRAL.world_m) == pytest.approx(dict.fromkeys("TPLKH", 0.0), abs=1e-5)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("swing_deg", [-40, 40])
def test_a_clean_rotation_is_no_fault(side, swing_deg):
    now = image_of(SEATED, FRONT, **{side: swing_deg})
    world_m = FRONT.see(SEATED.points(**{side: swing_deg}))[1]
    faults = BodyForm(NEUTRAL, side).faults(now, world_m)
    assert {k: faults[k] for k in "TPLK"} == pytest.approx(dict.fromkeys("TPLK", 0.0), abs=0.01)


@pytest.mark.parametrize(
    ("letter", "part", "direction", "size"),
    [
        ("T", "knee", (1, 0), lambda px: np.degrees(np.arctan2(px, SHANK_PX))),
        ("T", "knee", (-1, 0), lambda px: np.degrees(np.arctan2(px, SHANK_PX))),
        ("L", "shoulders", (1, 0), lambda px: np.degrees(np.arctan2(px, TRUNK_PX))),
        ("L", "shoulders", (-1, 0), lambda px: np.degrees(np.arctan2(px, TRUNK_PX))),
        ("H", "heel", (0, -1), lambda px: px / SHANK_PX * 42),
        ("H", "heel", (0, 1), lambda px: px / SHANK_PX * 42),
    ],
)
def test_a_fault_grows_with_the_movement(letter, part, direction, size):
    form = BodyForm(NEUTRAL, Side.RIGHT)
    for px in (1, 3, 10, 25):
        now = moved(NEUTRAL, **{part: (direction[0] * px, direction[1] * px)})
        assert form.faults(now, NEUTRAL.world_m)[letter] == pytest.approx(size(px), rel=0.02)


@pytest.mark.parametrize("change_deg", [-40, -20, 20, 40])
def test_knee_fault_is_the_change_of_its_bend(change_deg):
    bent = replace(SEATED, shank=(-np.sin(np.radians(change_deg)), -np.cos(np.radians(change_deg)), 0))
    world_m = FRONT.see(bent.points())[1]
    assert knee_flexion_deg(world_m, LEGS[Side.RIGHT]) == pytest.approx(90 + change_deg)
    faults = BodyForm(NEUTRAL, Side.RIGHT).faults(NEUTRAL.image_px, world_m)
    assert faults["K"] == pytest.approx(abs(change_deg))


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("hips_deg", [-8, 8])
@pytest.mark.parametrize("trunk_deg", [0, 0.4])
def test_hip_line_alone_is_no_roll_of_the_pelvis(side, hips_deg, trunk_deg):
    now = rolled(NEUTRAL, hips_deg, np.sign(hips_deg) * trunk_deg)
    form = BodyForm(NEUTRAL, side)
    assert form.pelvis_deg(now) == 0
    assert form.faults(now, NEUTRAL.world_m)["P"] == 0


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
    raw_deg = ImagePointer(NEUTRAL, side, "knee", "ankle", 1).read(faked).raw_deg
    pelvis_deg = BodyForm(NEUTRAL, side).pelvis_deg(faked)
    assert abs(raw_deg) == pytest.approx(abs(roll_deg))
    assert pelvis_deg == pytest.approx(raw_deg, rel=0.2)


def moved_shank(pixels: np.ndarray, side: Side, turn_deg: float) -> np.ndarray:
    leg, angle, now = LEGS[side], np.radians(turn_deg), pixels.copy()
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    now[leg.ankle] = now[leg.knee] + rotation @ (now[leg.ankle] - now[leg.knee])
    return now


def test_more_roll_is_more_fault():
    form = BodyForm(NEUTRAL, Side.RIGHT)
    sizes = [form.faults(rolled(NEUTRAL, r, r / 2), NEUTRAL.world_m)["P"] for r in (0, 2, 4, 6, 8)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == pytest.approx(8, rel=0.2)


@pytest.mark.parametrize("side", BOTH)
def test_roll_is_not_counted_when_the_shoulders_are_not_seen(side):
    now = rolled(NEUTRAL, 8, 4)
    now[LEGS[Side.LEFT].shoulder] = np.nan
    form = BodyForm(NEUTRAL, side)
    assert form.pelvis_deg(now) == 0
    assert np.isnan(form.lean_deg(now))


# ---------------------------------------------------------------------- the position
@pytest.mark.parametrize(
    ("posture", "flexion_deg", "words"),
    [
        (Posture.SEATED, 90, ""),
        (Posture.SEATED, 60, ""),
        (Posture.SEATED, 30, ""),  # the thigh still points at the camera: one sign is not enough
        (Posture.STANDING, 10, ""),
        (Posture.STANDING, 90, "not standing"),
        (Posture.ANY, 10, ""),
        (Posture.ANY, 150, ""),
    ],
)
@pytest.mark.parametrize("side", BOTH)
def test_position_is_told_by_the_bend_of_the_knee(posture, flexion_deg, words, side):
    bend = np.radians(flexion_deg)
    stance = replace(SEATED, shank=(np.cos(bend), -np.sin(bend), 0))
    image_px, world_m = FRONT.see(stance.points())
    problem = position_problem(posture, Pose(0.0, FRONT.size_px, image_px, world_m, np.ones(N_LANDMARKS)), side)
    assert bool(problem) == bool(words)
    assert words in problem


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(("flexion_deg", "words"), [(10, "not sitting"), (40, "not sitting"), (60, "")])
def test_a_hanging_thigh_with_a_straight_knee_is_not_sitting(flexion_deg, words, side):
    bend = np.radians(flexion_deg)
    upright = replace(SEATED, thigh=(0, -1, 0), shank=(-np.sin(bend), -np.cos(bend), 0))
    image_px, world_m = FRONT.see(upright.points())
    problem = position_problem(Posture.SEATED, Pose(0.0, FRONT.size_px, image_px, world_m, np.ones(N_LANDMARKS)), side)
    assert bool(problem) == bool(words)
    assert words in problem
