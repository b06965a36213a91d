"""The leg model: its joint angles against an independent formula, and what it reads from landmarks whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import pytest
from conftest import BOTH, STANCES, case, pose_at, unit
from helpers import demo_frames
from hypothesis import given
from hypothesis import strategies as st

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, N_LANDMARKS, SWAPPED, Frame, LegCrop, Side
from rotrack.core.postures import Facing, Posture
from rotrack.core.reasons import Reason
from rotrack.kinematics import legmodel, rotation
from rotrack.kinematics.camera import Calibration, Floor, Lens
from rotrack.kinematics.correction import Correction, load_corrections
from rotrack.kinematics.geometry import turn_about
from rotrack.kinematics.legmodel import KNEE_FOLLOWS, LENGTHS, PARTS, LegModel, LegReading, NeutralLeg, leg_points
from rotrack.kinematics.rotation import LegMeasure, NeutralPose
from rotrack.sensing.landmarker import Landmarker, find_model

BODY = {name: np.array([mean]) for name, (mean, _) in LENGTHS.items()}
SIZE = (640, 480)
TURNS_DEG = (-40, -20, -5, 10, 25, 40)
MEASURED = [p for p in STANCES if p is not Posture.SIDE_RAISED]
"""With the leg raised sideways landmarks are not enough; see the test near the end."""
BENT = [p for p in MEASURED if STANCES[p].knee_deg > 60]


# ---------------------------------------------------------------------- joint angles: the convention itself
def by_the_page(points: np.ndarray, axes: np.ndarray, side: Side, knee_bent: bool) -> float:
    """Return the internal rotation by the formula of docs/conventions.md, from parts of a leg in 3D."""
    hip, knee, ankle, heel, toe = points
    y = unit(hip - knee)
    forward = unit(np.cross(y, axes[:, 2]))
    pointer, reference = (ankle - knee, -forward) if knee_bent else (toe - heel, forward)
    pointer = pointer - (pointer @ y) * y
    turn = np.arctan2(y @ np.cross(reference, pointer), reference @ pointer)
    return (1 if side is Side.RIGHT else -1) * float(np.degrees(turn))


def about(axis: int, angle_deg: float) -> np.ndarray:
    """Return a right-handed rotation about a coordinate axis."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    matrix = np.eye(3)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[i, i] = matrix[j, j] = c
    matrix[j, i], matrix[i, j] = s, -s
    return matrix


joint_angles = {
    "flexion": st.floats(-20, 100),
    "abduction": st.floats(-15, 45),
    "rotation": st.floats(-60, 60),
    "turns": st.tuples(*[st.floats(-180, 180)] * 3),
}


@pytest.mark.parametrize("side", BOTH)
@given(**joint_angles, knee=st.floats(30, 130), ankle=st.floats(-40, 25))
def test_rotation_of_a_bent_leg_is_that_of_the_formula(side, flexion, abduction, rotation, turns, knee, ankle):
    axes = about(0, turns[0]) @ about(1, turns[1]) @ about(2, turns[2])
    points, _ = leg_points(axes, side, np.array([flexion, abduction, rotation, knee, ankle]), BODY)
    assert by_the_page(points, axes, side, knee_bent=True) == pytest.approx(rotation, abs=1e-6)


@pytest.mark.parametrize("side", BOTH)
@given(**joint_angles, ankle=st.floats(-40, 25))
def test_rotation_of_a_straight_leg_is_that_of_the_formula(side, flexion, abduction, rotation, turns, ankle):
    axes = about(0, turns[0]) @ about(1, turns[1]) @ about(2, turns[2])
    points, _ = leg_points(axes, side, np.array([flexion, abduction, rotation, 0.0, ankle]), BODY)
    assert by_the_page(points, axes, side, knee_bent=False) == pytest.approx(rotation, abs=1e-6)


def moved(side: Side, rest: tuple[float, ...], joint: int, part: str) -> np.ndarray:
    """Return where a part goes when one joint angle grows: anterior, superior, lateral."""
    state = np.array(rest, float)
    before, _ = leg_points(np.eye(3), side, state, BODY)
    state[joint] += 10
    after, _ = leg_points(np.eye(3), side, state, BODY)
    way = (after - before)[PARTS.index(part)]
    return way * [1, 1, 1 if side is Side.RIGHT else -1]


STANDING, SEATED = (0, 0, 0, 0, 0), (90, 0, 0, 90, 0)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize(
    ("rest", "joint", "part", "axis", "sign"),
    [
        (STANDING, 0, "knee", 0, 1),  # flexion brings the knee forward
        (STANDING, 1, "knee", 2, 1),  # abduction brings it outward
        (STANDING, 2, "toe", 2, -1),  # internal rotation turns the toe inward
        (STANDING, 3, "ankle", 0, -1),  # knee flexion brings the ankle back
        (STANDING, 4, "toe", 1, 1),  # dorsiflexion lifts the toe
        (SEATED, 0, "knee", 1, 1),
        (SEATED, 1, "knee", 2, 1),
        (SEATED, 2, "ankle", 2, 1),  # internal rotation of a bent leg brings the foot outward
        (SEATED, 3, "ankle", 0, -1),
        (SEATED, 4, "toe", 1, 1),
    ],
)
def test_joint_angles_have_their_clinical_sense(side, rest, joint, part, axis, sign):
    way = moved(side, rest, joint, part)
    assert np.argmax(np.abs(way)) == axis
    assert np.sign(way[axis]) == sign


@given(flexion=st.floats(-20, 100), abduction=st.floats(-15, 45), rotation=st.floats(-60, 60), knee=st.floats(0, 130))
def test_left_is_the_mirror_image_of_right(flexion, abduction, rotation, knee):
    state = np.array([flexion, abduction, rotation, knee, 5.0])
    right, left = (leg_points(np.eye(3), side, state, BODY)[0] for side in (Side.RIGHT, Side.LEFT))
    np.testing.assert_allclose(left, right * [1, 1, -1], atol=1e-12)


def test_segments_keep_their_lengths():
    rng = np.random.default_rng(3)
    states = rng.uniform(-60, 60, (50, 5))
    points, foot = leg_points(np.eye(3), Side.LEFT, states, BODY)
    hip, knee, ankle, heel, toe = np.moveaxis(points, -2, 0)
    femur, foot_m = np.linalg.norm(hip - knee, axis=-1), np.linalg.norm(toe - heel, axis=-1)
    np.testing.assert_allclose(femur, BODY["femur"][0])
    np.testing.assert_allclose(np.linalg.norm(knee - ankle, axis=-1), 1.0)  # the unit
    assert np.ptp(foot_m) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(foot @ np.swapaxes(foot, 1, 2), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)


@pytest.mark.parametrize("facing", Facing)
def test_every_facing_is_a_right_handed_body(facing):
    assert np.linalg.det(facing.axes) == pytest.approx(1)
    np.testing.assert_allclose(facing.axes @ facing.axes.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(("facing", "lowest"), [("RIGHT_DOWN", Side.RIGHT), ("LEFT_DOWN", Side.LEFT)])
def test_lying_on_a_side_puts_that_side_down(facing, lowest):
    right = Facing[facing].axes[:, 2]
    assert right @ [0, 1, 0] == (1 if lowest is Side.RIGHT else -1)


# ---------------------------------------------------------------------- landmarks with a known truth
@dataclass(frozen=True)
class View:
    """Where the camera is, against what the posture lets expect; deg."""

    pitch: float = 0.0
    turn: float = 0.0
    roll: float = 0.0
    field_of_view: float = 60.0
    shanks_away: float = 5.5
    aside: tuple[float, float] = (0.0, 0.0)


NEAR = View()


@dataclass(frozen=True)
class Scene:
    """Somebody in a posture before a camera; both legs are alike until one turns."""

    posture: Posture
    facing: Facing
    pitch_deg: float
    view: View = NEAR
    body: tuple[tuple[str, float], ...] = ()
    joints_deg: tuple[float, float, float, float, float] = (0, 0, 0, 0, 0)

    def stand(self, **turn_deg: float) -> dict[Side, np.ndarray]:
        """Return `PARTS` of both legs in camera axes, shape (5, 3), shanks, with the hips turned by so much from zero."""
        stance, view = STANCES[self.posture], self.view
        lengths = BODY | {name: np.array([length]) for name, length in self.body}
        camera = about(0, self.pitch_deg + view.pitch) @ about(2, view.roll) @ about(1, view.turn)
        axes = camera @ self.facing.axes @ about(2, -stance.tilt_deg)
        rest = [stance.flexion_deg, stance.abduction_deg, stance.rotation_deg, stance.knee_deg, stance.ankle_deg]
        state = np.array(rest) + self.joints_deg
        still = {side: leg_points(axes, side, state, lengths)[0] for side in Side}
        origin = np.array([*view.aside, view.shanks_away]) - np.mean([*still.values()], axis=(0, 1)) * [1, 1, 0]
        turned = {side: state + np.array([0, 0, turn_deg.get(side, 0.0), 0, 0]) for side in Side}
        return {side: leg_points(axes, side, turned[side], lengths)[0] + origin for side in Side}

    def see(self, **turn_deg: float) -> np.ndarray:
        """Return landmarks in the picture, shape (33, 2), px, with the hips turned by so much from the posture's own zero."""
        image_px = np.full((N_LANDMARKS, 2), np.nan)
        for side, leg in LEGS.items():
            zero, now = (self._project(self.stand(**turns)[side]) for turns in ({}, turn_deg))
            now[1] += KNEE_FOLLOWS * (now[2] - zero[2])  # the pose model's own habit, which the leg model takes out
            image_px[list(leg[1:])] = now
        return image_px

    def crops(self, **turn_deg: float) -> dict[Side, LegCrop]:
        """Return what a leg network that is always right says of both legs."""
        lens, found = Lens.assumed(SIZE, self.view.field_of_view), {}
        for side, points in self.stand(**turn_deg).items():
            marks = self._project(points)[[3, 4, 2, 1]]
            turn = lens.turn_to(marks.mean(axis=0))
            foot, shank = unit(points[4] - points[3]) @ turn, unit(points[1] - points[2]) @ turn
            found[side] = LegCrop(marks.mean(axis=0), marks, np.array([2.0, 4.0]), foot, shank, np.full(4, 2.0), 60.0, 0.99, 0.0)
        return found

    def _project(self, points: np.ndarray) -> np.ndarray:
        lens = Lens.assumed(SIZE, self.view.field_of_view)
        return points[:, :2] / points[:, 2:] * lens.matrix[0, 0] + lens.matrix[:2, 2]

    @property
    def floor(self) -> Floor:
        """The floor as a marker on it would show it."""
        down = about(0, self.pitch_deg + self.view.pitch) @ about(2, self.view.roll) @ np.array([0.0, 1.0, 0.0])
        return Floor(down, 1.0, 0.5)

    @property
    def lens(self) -> Lens:
        """The lens as a board would show it."""
        return replace(Lens.assumed(SIZE, self.view.field_of_view), focal_sd=0.005)


def scenes(posture: Posture) -> list[Scene]:
    """Return one scene per way to lie and per sensible camera place."""
    stance = STANCES[posture]
    return [Scene(posture, facing, pitch) for facing in stance.facings for pitch, _ in stance.pitches_deg]


def scene(posture: Posture, **changes: object) -> Scene:
    return replace(scenes(posture)[0], **changes)


def fitted(where: Scene, side: Side, calibration: Calibration | None = None) -> NeutralLeg:
    return NeutralLeg(where.see(), SIZE, side, STANCES[where.posture], calibration or Calibration())


def read_cold(leg: NeutralLeg, image_px: np.ndarray) -> LegReading:
    """Return what a model without a frame before it reads."""
    model = LegModel(leg)
    return model.read(0.0, model.neutral.measurements(image_px))


def turn_read(where: Scene, side: Side, turn_deg: float, leg: NeutralLeg | None = None) -> float:
    """Return the rotation from neutral that is read when one leg has turned."""
    leg = leg or fitted(where, side)
    zero = read_cold(leg, where.see())
    return read_cold(leg, where.see(**{side: turn_deg})).rotation_deg - zero.rotation_deg


def worst_error_deg(where: Scene, calibration: Calibration | None = None) -> float:
    """Return the largest error over both sides and all turns."""
    errors = []
    for side in BOTH:
        leg = fitted(where, side, calibration)
        errors += [abs(turn_read(where, side, turn, leg) - turn) for turn in TURNS_DEG]
    return max(errors)


WITHIN_DEG = {
    # posture: where the camera stands as expected, and where it stands somewhat elsewhere
    Posture.SEATED: (0.4, 0.6),
    Posture.STANDING: (1.1, 3.2),
    Posture.STANDING_TOES: (0.6, 2.2),
    Posture.LONG_SITTING: (1.0, 3.0),
    Posture.SUPINE_BENT: (0.9, 2.4),
    Posture.SUPINE_STRAIGHT: (0.4, 1.6),
    Posture.SUPINE_90_90: (0.5, 2.3),
    Posture.PRONE: (0.6, 1.4),
    Posture.SIDE_TOP: (0.6, 1.3),
    Posture.SIDE_BOTTOM: (0.6, 1.4),
    Posture.LUNGE: (2.0, 3.4),
}
"""Largest error on exact landmarks over turns of +-40 deg, deg."""
ELSEWHERE = {
    "lower": View(pitch=-10),
    "higher": View(pitch=10),
    "turned": View(turn=8),
    "turned and leaning": View(turn=-8, roll=3),
    "leaning": View(roll=-4),
    "narrow lens": View(field_of_view=50),
    "wide lens": View(field_of_view=75),
}


def test_every_posture_that_is_measured_has_a_limit():
    assert set(WITHIN_DEG) == set(MEASURED)
    assert set(STANCES) == set(Posture) - {Posture.STRETCH}


@pytest.mark.parametrize("posture", MEASURED)
def test_a_turn_is_read_back_where_the_camera_stands_as_expected(posture):
    for where in scenes(posture):
        assert worst_error_deg(where) < WITHIN_DEG[posture][0], where


@pytest.mark.parametrize("posture", MEASURED)
def test_a_turn_is_read_back_from_other_camera_places(posture):
    for view in ELSEWHERE.values():
        with case(view):
            for where in scenes(posture):
                assert worst_error_deg(replace(where, view=view)) < WITHIN_DEG[posture][1], where


@pytest.mark.parametrize("posture", MEASURED)
def test_camera_and_pose_are_found(posture):
    for where in scenes(posture):
        for side in BOTH:
            leg = fitted(replace(where, view=View(pitch=5, turn=6, roll=2)), side)
            assert leg.pitch_deg == pytest.approx(where.pitch_deg + 5, abs=5)
            assert leg.turn_deg == pytest.approx(6, abs=6)
            assert leg.roll_deg == pytest.approx(2, abs=2.5)
            assert leg.misfit < 0.5
            read = fitted(where, side)
            assert (read.pitch_deg, read.turn_deg, read.roll_deg) == pytest.approx((where.pitch_deg, 0, 0), abs=0.05)


@pytest.mark.parametrize("posture", MEASURED)
def test_a_posture_as_expected_leaves_nothing_over(posture):
    for where in scenes(posture):
        for side in BOTH:
            leg, stance = fitted(where, side), STANCES[posture]
            assert leg.misfit == pytest.approx(0, abs=1e-3)
            joints = [stance.flexion_deg, stance.abduction_deg, stance.rotation_deg, stance.knee_deg, stance.ankle_deg]
            assert leg.joints == pytest.approx(joints, abs=0.1)
            assert read_cold(leg, where.see()).rotation_deg == pytest.approx(stance.rotation_deg, abs=0.1)


@pytest.mark.parametrize("posture", [Posture.SIDE_TOP, Posture.SIDE_BOTTOM])
def test_the_side_on_which_somebody_lies_is_told_by_the_fit(posture):
    for where in scenes(posture):
        other = next(f for f in STANCES[posture].facings if f is not where.facing)
        for side in BOTH:
            right = fitted(where, side)
            wrong = NeutralLeg(where.see(), SIZE, side, replace(STANCES[posture], facings=(other,)), Calibration())
            assert wrong.misfit > right.misfit + 5


# ---------------------------------------------------------------------- what must not matter
@pytest.mark.parametrize("posture", MEASURED)
def test_a_mirrored_picture_says_the_same_of_the_other_side(posture):
    for side in BOTH:
        with case(side):
            where = scene(posture, view=View(pitch=4, turn=6, roll=2))
            rest, now = where.see(), where.see(**{side: 30})

            def flip(image_px: np.ndarray) -> np.ndarray:
                return np.column_stack([SIZE[0] - 1 - image_px[:, 0], image_px[:, 1]])[SWAPPED]

            leg = NeutralLeg(rest, SIZE, side, STANCES[posture], Calibration())
            mirrored = NeutralLeg(flip(rest), SIZE, side.other, STANCES[posture], Calibration())
            assert read_cold(mirrored, flip(now)) == pytest.approx(read_cold(leg, now), abs=1e-4, nan_ok=True)
            assert mirrored.turn_deg == pytest.approx(-leg.turn_deg, abs=1e-3)
            assert mirrored.roll_deg == pytest.approx(-leg.roll_deg, abs=1e-3)
            assert mirrored.pitch_deg == pytest.approx(leg.pitch_deg, abs=1e-3)


@pytest.mark.parametrize("posture", MEASURED)
def test_the_sharpness_of_the_picture_does_not_matter(posture):
    where = scene(posture, view=View(turn=5))
    rest, now = where.see(), where.see(right=30)
    sharp = NeutralLeg((rest + 0.5) * 3 - 0.5, (3 * SIZE[0], 3 * SIZE[1]), Side.RIGHT, STANCES[posture], Calibration())
    assert read_cold(sharp, (now + 0.5) * 3 - 0.5) == pytest.approx(
        read_cold(fitted(where, Side.RIGHT), now), abs=1e-6, nan_ok=True
    )


PLACES = {
    "near": View(shanks_away=4.0),
    "far": View(shanks_away=8.0),
    "left": View(aside=(-1, 0)),
    "right": View(aside=(1, 0)),
    "high": View(aside=(0, -0.7)),
    "low": View(aside=(0, 0.7)),
}


@pytest.mark.parametrize("posture", MEASURED)
def test_size_and_place_in_the_picture_hardly_matter(posture):
    for place in PLACES.values():
        with case(place):
            for side in BOTH:
                there, here = (turn_read(scene(posture, view=v), side, 30) for v in (place, NEAR))
                assert there == pytest.approx(here, abs=1.0)


@pytest.mark.parametrize("posture", MEASURED)
def test_the_build_matters_little(posture):
    for build in [{"femur": 0.82}, {"femur": 0.98}, {"hip_width": 0.38}, {"hip_width": 0.56}]:
        with case(build):
            where = scene(posture, body=tuple(build.items()))
            assert worst_error_deg(where) < WITHIN_DEG[posture][1] + 1.0


@pytest.mark.parametrize("posture", MEASURED)
@pytest.mark.parametrize("toe_ahead", [0.38, 0.54])
def test_a_foot_of_another_length_matters_where_the_foot_is_the_pointer(posture, toe_ahead):
    """A low camera sees only how far the toe goes aside: a foot taken for longer than it is seems to turn less."""
    limit_deg = WITHIN_DEG[posture][1] + (1.0 if posture in BENT else 6.0)
    assert worst_error_deg(scene(posture, body=(("toe_ahead", toe_ahead),))) < limit_deg


@pytest.mark.parametrize("posture", MEASURED)
def test_a_turn_of_the_other_leg_is_not_read(posture):
    where = scene(posture)
    leg = fitted(where, Side.RIGHT)
    now = read_cold(leg, where.see(left=30))
    assert now == pytest.approx(read_cold(leg, where.see()), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("posture", MEASURED)
def test_a_frame_says_the_same_after_another_as_alone(posture):
    for side in BOTH:
        with case(side):
            where = scene(posture)
            leg = fitted(where, side)
            warm = LegModel(leg)
            for i, turn in enumerate(np.concatenate([np.linspace(0, 40, 15), np.linspace(40, -40, 29)])):
                now = where.see(**{side: float(turn)})
                read = warm.read(i / 15, warm.neutral.measurements(now))
                assert read == pytest.approx(read_cold(leg, now), abs=0.1, nan_ok=True), turn


# ---------------------------------------------------------------------- errors of the landmarks
@pytest.mark.parametrize("posture", MEASURED)
def test_the_stated_error_grows_when_landmarks_go_missing(posture):
    for side in BOTH:
        with case(side):
            where = scene(posture)
            leg, now = fitted(where, side), where.see(**{side: 20})
            whole_deg = read_cold(leg, now).sd_deg
            pointer = ("knee", "ankle") if STANCES[posture].knee_deg > 30 else ("ankle", "toe")
            for part in PARTS:
                missing = now.copy()
                missing[getattr(LEGS[side], part)] = np.nan
                less_deg = read_cold(leg, missing).sd_deg
                assert less_deg > (1.2 if part in pointer else 0.8) * whole_deg, part
                assert np.isfinite(less_deg)
            none = np.full_like(now, np.nan)
            none[LEGS[side].hip] = now[LEGS[side].hip]
            assert read_cold(leg, none).sd_deg > 40, "the hip alone says nothing about its rotation"
            none[:] = np.nan
            assert np.isnan(read_cold(leg, none)).all()


@pytest.mark.parametrize("side", BOTH)
def test_a_leg_that_was_not_seen_for_a_frame_is_read_as_before(side):
    where = scene(Posture.SEATED)
    model = LegModel(fitted(where, side))
    now = where.see(**{side: 25})
    before = model.read(0.0, model.neutral.measurements(now))
    assert np.isnan(model.read(1 / 30, model.neutral.measurements(np.full_like(now, np.nan))).rotation_deg)
    assert model.read(2 / 30, model.neutral.measurements(now)) == pytest.approx(before, abs=0.05)


@pytest.mark.parametrize("posture", BENT)
def test_a_toe_in_a_wrong_place_changes_a_bent_leg_little(posture):
    for shift in [(0.3, 0.0), (-0.3, 0.0), (0.0, 0.3)]:
        for side in BOTH:
            with case(shift, side):
                where = scene(posture)
                leg, now = fitted(where, side), where.see(**{side: 20})
                shank_px = SIZE[0] / 2 / np.tan(np.radians(30)) / NEAR.shanks_away
                wrong = now.copy()
                wrong[LEGS[side].toe] += np.multiply(shift, shank_px)
                naive_deg = np.degrees(np.arctan(0.3))
                assert abs(read_cold(leg, wrong).rotation_deg - read_cold(leg, now).rotation_deg) < naive_deg / 4


@pytest.mark.parametrize("posture", [Posture.SEATED, Posture.LONG_SITTING, Posture.SUPINE_BENT, Posture.SIDE_TOP])
def test_the_scatter_of_the_angle_is_the_stated_one(posture):
    where = scene(posture)
    leg, rng = fitted(where, Side.RIGHT), np.random.default_rng(8)
    model = LegModel(leg)
    exact = model.neutral.measurements(where.see(right=20))
    stated = model.read(0.0, exact).sd_deg
    angles = []
    for i in range(150):
        noise = rng.normal(0, 1, (9, 2)) * (exact.sd / leg.origin[2])[:, None]
        angles.append(model.read(10.0 * (i + 1), replace(exact, slopes=exact.slopes + noise)).rotation_deg)
    assert 0.7 < np.std(angles) / stated < 1.4


# ---------------------------------------------------------------------- calibration
@pytest.mark.parametrize("posture", [Posture.LONG_SITTING, Posture.SUPINE_90_90, Posture.LUNGE])
@pytest.mark.parametrize("view", [View(10, field_of_view=50), View(-10, roll=4, field_of_view=75)], ids=["narrow", "wide"])
def test_a_calibrated_camera_takes_errors_out(posture, view):
    where = scene(posture, view=view)
    without, with_it = worst_error_deg(where), worst_error_deg(where, Calibration(where.lens, where.floor))
    assert with_it < max(without, WITHIN_DEG[posture][0])
    assert with_it < WITHIN_DEG[posture][0] + 1.0


def test_a_known_floor_settles_the_tilt_of_the_camera():
    where = scene(Posture.SEATED, view=View(pitch=15, roll=7))
    for side in BOTH:
        leg = fitted(where, side, Calibration(floor=where.floor))
        assert leg.pitch_deg == pytest.approx(where.pitch_deg + 15, abs=1)
        assert leg.roll_deg == pytest.approx(7, abs=1)
        np.testing.assert_array_equal(leg.down, where.floor.down)


def test_a_distorting_lens_is_undone():
    where = scene(Posture.SEATED)
    lens = Lens(SIZE, where.lens.matrix, np.array([-0.3, 0.1, 0, 0, 0]), 0.005)

    def distorted(image_px: np.ndarray) -> np.ndarray:
        x, y = (Lens.assumed(SIZE).slopes(image_px)).T
        r2 = x * x + y * y
        slopes = np.column_stack([x, y]) * (1 + r2 * (-0.3 + 0.1 * r2))[:, None]
        return slopes * lens.matrix[0, 0] + lens.matrix[:2, 2]

    leg = NeutralLeg(distorted(where.see()), SIZE, Side.RIGHT, STANCES[Posture.SEATED], Calibration(lens))
    assert read_cold(leg, distorted(where.see(right=30))) == pytest.approx(
        read_cold(fitted(where, Side.RIGHT), where.see(right=30)), abs=0.1
    )


# ---------------------------------------------------------------------- against gravity
def plumb_line_angle_deg(where: Scene, side: Side, turn_deg: float) -> float:
    """Return what a goniometer about the thigh reads between the plumb line and the shank, internal positive."""
    stance = STANCES[where.posture]
    axes = about(0, where.pitch_deg + where.view.pitch) @ about(2, where.view.roll) @ where.facing.axes
    state = np.array([stance.flexion_deg, stance.abduction_deg, turn_deg, stance.knee_deg, stance.ankle_deg])
    hip, knee, ankle, *_ = leg_points(axes, side, state, BODY)[0]
    return (1 if side is Side.RIGHT else -1) * turn_about(hip - knee, where.floor.down, ankle - knee)


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("turn_deg", [-35, -10, 0, 20, 40])
def test_gravity_reads_the_angle_from_the_plumb_line(side, turn_deg):
    where = scene(Posture.SEATED)
    read = read_cold(fitted(where, side), where.see(**{side: turn_deg}))
    assert read.gravity_deg == pytest.approx(plumb_line_angle_deg(where, side, turn_deg), abs=0.5)
    assert read.gravity_deg == pytest.approx(turn_deg, abs=1.5), "the seated thigh is nearly level"


@pytest.mark.parametrize("side", BOTH)
def test_gravity_is_that_of_the_calibrated_floor(side):
    where = scene(Posture.SEATED, view=View(roll=6))
    leg = fitted(where, side, Calibration(floor=where.floor))
    read = read_cold(leg, where.see(**{side: 20}))
    assert read.gravity_deg == pytest.approx(plumb_line_angle_deg(where, side, 20), abs=0.7)


@pytest.mark.parametrize("posture", MEASURED)
def test_gravity_is_missing_where_it_shows_no_rotation(posture):
    where = scene(posture)
    read = read_cold(fitted(where, Side.LEFT), where.see())
    assert np.isnan(read.gravity_deg) == (STANCES[posture].gravity == "")
    assert np.isfinite(read.rotation_deg)


@pytest.mark.parametrize("posture", [p for p in MEASURED if STANCES[p].gravity])
@pytest.mark.parametrize("side", BOTH)
def test_gravity_follows_the_rotation_in_its_sense(posture, side):
    where = scene(posture)
    leg = fitted(where, side)
    inward, outward = (read_cold(leg, where.see(**{side: t})).gravity_deg for t in (20, -20))
    assert inward - outward == pytest.approx(40, abs=4)
    assert abs(inward + outward) / 2 < 20, "zero is near the neutral pose"


# ---------------------------------------------------------------------- what it costs, and what it cannot do
def typical_s(work: Callable[[], object], times: int) -> float:
    """Return the median time of a piece of work."""
    spans = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begin)
    return median(spans)


def test_both_legs_cost_a_small_part_of_the_pose_model():
    where = scene(Posture.SEATED)
    models = [LegModel(fitted(where, side)) for side in BOTH]
    now = where.see(left=20, right=-20)
    frames = iter(demo_frames(0, 16))
    with Landmarker(find_model("full"), watch_people=False) as landmarker:
        numbers = iter(range(100))

        def detect() -> None:
            i = next(numbers)
            landmarker.detect(Frame(i, i / 30, next(frames)))

        def legs() -> None:
            i = next(numbers)
            for model in models:
                model.read(i / 30, model.neutral.measurements(now))

        detect()
        legs()
        pose_s, legs_s = typical_s(detect, 12), typical_s(legs, 30)
        assert legs_s < 0.3 * pose_s, (legs_s, pose_s)


def test_the_raised_leg_needs_the_leg_network_because_two_ways_look_alike():
    """The tests above leave it out; this is why: exact landmarks of it can be read as another turn altogether."""
    where = scene(Posture.SIDE_RAISED)
    assert max(abs(turn_read(where, side, turn) - turn) for side in BOTH for turn in TURNS_DEG) > 20
    drills = [drill for drill in load_table().drills.values() if drill.posture is Posture.SIDE_RAISED]
    assert drills
    assert all(drill.without_legnet for drill in drills)


@pytest.mark.parametrize("raised_deg", [30, 45, 60, 75, 90])
def test_a_leg_that_is_raised_up_to_the_ceiling_is_read_against_the_trunk(raised_deg):
    """At 90 degrees the thigh points along the line of the hips, so that this line shows nothing of its rotation."""
    for where in scenes(Posture.SIDE_RAISED):
        side = Side.LEFT if where.facing is Facing.RIGHT_DOWN else Side.RIGHT
        higher_deg = raised_deg - STANCES[where.posture].abduction_deg
        up = replace(where, joints_deg=(0, higher_deg, 0, 0, 0), view=View(pitch=4, turn=6))
        neutral = NeutralPose(SIZE, misplaced(up), np.zeros((N_LANDMARKS, 3)), up.crops())
        measure = LegMeasure(neutral, side, load_table().drill("sidelying-abducted-external"))
        assert not measure.problem
        for k, turn_deg in enumerate(TURNS_DEG, 1):
            pose = pose_at(10.0 * k, misplaced(up, **{side: turn_deg}), SIZE)
            assert measure.read(replace(pose, legs=up.crops(**{side: turn_deg}))).angle_deg == pytest.approx(turn_deg, abs=2.5)


def test_forward_tilt_brings_the_front_of_the_pelvis_down(monkeypatch: pytest.MonkeyPatch):
    """The prior's tilt is forward: with it, the front of an upright pelvis points below the horizon."""
    monkeypatch.setattr(legmodel, "_TILT_SD", 0.01)
    stance = replace(STANCES[Posture.STANDING], tilt_deg=20.0)
    neutral = NeutralLeg(scene(Posture.STANDING).see(), SIZE, Side.RIGHT, stance, Calibration())
    front = about(0, -neutral.pitch_deg) @ neutral.axes[:, 0]  # in the axes of a level camera, y down
    assert np.degrees(np.arcsin(front[1])) == pytest.approx(20, abs=4)


# ---------------------------------------------------------------------- with the leg network
def misplaced(where: Scene, **turn_deg: float) -> np.ndarray:
    """Return the landmarks of a pose model that shows half of the turn and has hips and knees in the wrong place."""
    still, now = where.see(), where.see(**turn_deg)
    image_px = (still + now) / 2
    for side, leg in LEGS.items():
        shank_px = np.hypot(*(still[leg.knee] - still[leg.ankle]))
        image_px[leg.hip] += np.array([0.08, -0.06]) * shank_px * (1 if side is Side.RIGHT else -1)
        image_px[leg.knee] += np.array([-0.03, 0.05]) * shank_px
    return image_px


@pytest.mark.parametrize("posture", STANCES)
def test_true_directions_are_read_right_however_bad_the_landmarks_are(monkeypatch, posture):
    """Every posture, the camera a little off its place, a body that is not the average one; the network errs by a degree."""
    exact = replace(load_corrections(), legnet={posture: Correction(setup_sd_deg=1.0)})
    monkeypatch.setattr(rotation, "load_corrections", lambda: exact)
    for side in BOTH:
        with case(side):
            drill = next(drill for drill in load_table().drills.values() if drill.posture is posture)
            where = scene(
                posture,
                view=View(pitch=4, turn=6, roll=2),
                body=(("femur", 0.95), ("toe_ahead", 0.5)),
                joints_deg=(3, 2, 0, 5, -6),
            )
            neutral = NeutralPose(SIZE, misplaced(where), np.zeros((N_LANDMARKS, 3)), where.crops())
            measure = LegMeasure(neutral, side, drill)
            for k, turn_deg in enumerate(TURNS_DEG, 1):
                pose = pose_at(10.0 * k, misplaced(where, **{side: turn_deg}), SIZE)
                reading = measure.read(replace(pose, legs=where.crops(**{side: turn_deg})))
                assert reading.legnet_deg == pytest.approx(turn_deg, abs=2.5)
                assert abs(reading.legnet_deg - turn_deg) < 1.96 * reading.legnet_sd_deg
                alone = LegMeasure(replace(neutral, legs={}), side, drill).read(pose)
                assert np.isnan(alone.legnet_deg)
                if drill.without_legnet:
                    assert alone.reason == Reason.FOOT_UNREAD
                    assert np.isnan(alone.angle_deg)
                else:
                    assert alone.angle_deg == alone.mediapipe_deg
                    assert abs(reading.angle_deg - turn_deg) < abs(alone.angle_deg - turn_deg) + 1.0
