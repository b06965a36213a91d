"""Every row of the tables in docs/conventions.md, against legs built in 3D and seen by a pinhole camera."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SEATED, Camera, Stance, image_of, mirrored, neutral_of, pose_at, unit

from rotrack.core.drills import Measure, load_table
from rotrack.core.model import CONVENTION_VERSION, LEGS, SWAPPED, Direction, Side
from rotrack.core.reasons import Reason
from rotrack.kinematics.camera import Lens
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG
from rotrack.kinematics.rotation import NeutralPose, make_measure
from rotrack.records.landmarks import CURVE_COLUMNS

PAGE = (Path(__file__).parents[1] / "docs" / "conventions.md").read_text("utf-8")


def table(first_column: str, columns: int) -> list[list[str]]:
    """Return the rows of the table of the page that has this heading and so many columns."""
    lines = PAGE.splitlines()
    for start, line in enumerate(lines):
        cells = [c.strip() for c in line.strip("|").split("|")]
        if cells[0] == first_column and len(cells) == columns:
            rows = lines[start + 2 :]
            end = next((i for i, row in enumerate(rows) if not row.startswith("|")), len(rows))
            return [[c.strip() for c in row.strip("|").split("|")] for row in rows[:end]]
    raise AssertionError(f"docs/conventions.md has no table {first_column!r} with {columns} columns")


SIGNS = table("Position", 6)
MEASURED = {drill.posture.record.title: drill for drill in load_table().drills.values() if drill.measure is not Measure.ROLL}
"""A drill in every position in which an angle is measured; all of them there are read in the same way."""

# Lying people have the head away from the camera; the direction that is up in the scene is -y.
SUPINE = {"front": (0, -1, 0), "up": (0, 0, 1)}
PRONE = {"front": (0, 1, 0), "up": (0, 0, 1)}
RIGHT_SIDE_UP = {"front": (1, 0, 0), "up": (0, 0, 1)}
LEFT_SIDE_UP = {"front": (-1, 0, 0), "up": (0, 0, 1)}


def direction(angle_deg: float, abduction_deg: float = 0.0) -> tuple[float, float, float]:
    """Return a direction in body axes (front, up, lateral): 0 down, 90 forward, and aside by the abduction."""
    angle, aside = np.radians([angle_deg, abduction_deg])
    return (np.sin(angle) * np.cos(aside), -np.cos(angle) * np.cos(aside), np.sin(aside))


def stance(flexion_deg: float, abduction_deg: float, knee_deg: float, ankle_deg: float, **place: tuple) -> Stance:
    """Return a leg from its joint angles as seen from the side; a straight one goes aside as a whole."""
    aside = abduction_deg if knee_deg < 60 else 0.0
    shank = flexion_deg - knee_deg
    return Stance(direction(flexion_deg, abduction_deg), direction(shank, aside), direction(shank + 90 + ankle_deg), **place)


STANCES = {
    "sitting on a chair": SEATED,
    "standing on the heel": stance(8, 4, 6, 5),
    "standing on the ball of the foot": stance(22, 4, 45, -7),
    "sitting on the floor": stance(90, 8, 4, -5),
    "lying, legs up": stance(88, 2, 4, 4, **SUPINE),
    "lying, knees together": stance(52, 0, 95, -40, **SUPINE),
    "lying, shins cross": stance(90, 0, 90, -6, **SUPINE),
    "lying face down, knee bent": stance(0, 0, 90, 0, **PRONE),
    "lying on the side, knee bent, top leg": stance(0, 0, 90, 0),
    "lying on the side, knee bent, bottom leg": stance(0, 0, 90, 0),
    "lying on the side, leg up": Stance(thigh=(0, -0.87, 0.5), shank=(0, -0.87, 0.5), foot=(1, 0, 0)),
    "lunge": stance(-20, 3, 3, -10),
}
CAMERAS = {
    ("sitting on a chair", "front"): Camera((0, 0.2, -2.8), (0, 0.2, 0)),
    ("standing on the heel", "front"): Camera((0, -0.1, -2.3), (0, 0.35, 0)),
    ("standing on the ball of the foot", "front"): Camera((0, -0.1, -2.3), (0, 0.35, 0)),
    ("sitting on the floor", "foot end"): Camera((0, -0.6, -3.0), (0, -0.1, 0)),
    ("lying, legs up", "overhead"): Camera((0, -2.9, 0), (0, 0, 0), up=(0, 0, 1)),
    ("lying, legs up", "foot end"): Camera((0, -2.0, -2.3), (0, -0.4, 0)),
    ("lying, knees together", "foot end"): Camera((0, -1.2, -2.5), (0, -0.2, -0.4)),
    ("lying, shins cross", "overhead"): Camera((0, -2.6, 0), (0, 0, 0), up=(0, 0, 1)),
    ("lying, shins cross", "foot end"): Camera((0, -2.0, -2.3), (0, -0.3, -0.2)),
    ("lying face down, knee bent", "foot end"): Camera((0, -0.7, -2.6), (0, -0.2, -0.4)),
    ("lying on the side, knee bent, top leg", "foot end"): Camera((0, -0.9, -2.4), (0, 0, 0)),
    ("lying on the side, knee bent, bottom leg", "foot end"): Camera((0, -0.9, -2.4), (0, 0, 0)),
    ("lying on the side, leg up", "foot end"): Camera((0, -1.2, -2.6), (0, -0.2, 0)),
    ("lunge", "rear"): Camera((0, -0.2, 2.6), (0, 0.2, 0)),
}
FROM_BEHIND = {
    "sitting on a chair": Camera((0, 0.2, 2.4), (0, 0.2, 0)),
    "standing on the heel": Camera((0, -0.1, 2.3), (0, 0.35, 0)),
    "standing on the ball of the foot": Camera((0, -0.1, 2.3), (0, 0.35, 0)),
}
WITHIN_DEG = {"lunge": 10.0}
"""How close the leg model comes to the true turn (without an error of the landmarks); 2.0 where nothing stands here."""
POINTERS = {"foot": ("knee", "ankle"), "toe": ("heel", "toe"), "heel": ("toe", "heel")}
TURN_DEG = 25.0


def stance_of(position: str, side: Side) -> Stance:
    """Return where the body is when this leg is measured."""
    stance = STANCES[position]
    if position.startswith("lying on the side"):
        right_side_up = (side is Side.RIGHT) != position.endswith("bottom leg")
        stance = replace(stance, **(RIGHT_SIDE_UP if right_side_up else LEFT_SIDE_UP))
    return stance


def hip_rotation_deg(points: np.ndarray, side: Side, knee_bent: bool) -> float:
    """Return the internal rotation by the formula of the page, from landmarks in 3D with a right-handed set of axes."""
    leg = LEGS[side]
    y = unit(points[leg.hip] - points[leg.knee])
    across = unit(points[LEGS[Side.RIGHT].hip] - points[LEGS[Side.LEFT].hip])
    forward = unit(np.cross(y, across))
    if knee_bent:
        pointer, reference = points[leg.ankle] - points[leg.knee], -forward
    else:
        pointer, reference = points[leg.toe] - points[leg.heel], forward
    pointer = pointer - (pointer @ y) * y
    sign = 1 if side is Side.RIGHT else -1
    return sign * float(np.degrees(np.arctan2(y @ np.cross(reference, pointer), reference @ pointer)))


def moves_to(before_px: np.ndarray, now_px: np.ndarray, side: Side, thing: str) -> str:
    """Return where a pointer moved in the picture: left, right, up or down."""
    start, end = (getattr(LEGS[side], part) for part in POINTERS[thing])
    dx, dy = (now_px[end] - now_px[start]) - (before_px[end] - before_px[start])
    assert max(abs(dx), abs(dy)) > 3, "the movement is too small to be seen"
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "down" if dy > 0 else "up"


CASES = [
    pytest.param(*row[:3], row[3 + i], row[5], direction, id="-".join([*row[:3], direction]).replace(" ", "_"))
    for row in SIGNS
    for i, direction in enumerate((Direction.INTERNAL, Direction.EXTERNAL))
]


@pytest.mark.parametrize(("position", "view", "whose", "shown", "logged_as", "direction"), CASES)
def test_row_of_the_sign_table(position, view, whose, shown, logged_as, direction):
    side, logged, drill = Side(whose), Side(logged_as), MEASURED[position]
    stance, camera = stance_of(position, side), CAMERAS[position, view.removesuffix(", mirrored")]
    true_deg = direction.sign * TURN_DEG
    knee_bent = drill.measure is Measure.SHANK
    assert hip_rotation_deg(stance.points(**{side: true_deg}), side, knee_bent) == pytest.approx(
        true_deg + hip_rotation_deg(stance.points(), side, knee_bent)
    )

    neutral, now_px = neutral_of(stance, camera), image_of(stance, camera, **{side: true_deg})
    world_m = camera.see(stance.points(**{side: true_deg}))[1]
    if view.endswith("mirrored"):
        neutral = NeutralPose(neutral.size_px, *mirrored(neutral.size_px, neutral.image_px, neutral.world_m))
        now_px, _ = mirrored(neutral.size_px, now_px, world_m)
        assert logged is side.other
    else:
        assert logged is side

    thing, where = shown.split()
    assert moves_to(neutral.image_px, now_px, logged, thing) == where

    measure = make_measure(neutral, logged, drill, correct=False)
    reading = measure.read(pose_at(9.0, now_px))
    assert Direction.of(reading.raw_deg) is direction
    if drill.without_legnet:  # its angle is tested with the leg network in tests/test_legmodel.py
        assert reading.reason == Reason.FOOT_UNREAD
        return
    assert reading.reason == ""
    assert measure.problem == ""
    assert Direction.of(reading.angle_deg) is direction
    assert reading.angle_deg == pytest.approx(true_deg, abs=WITHIN_DEG.get(position, 2.0))
    still = make_measure(neutral, logged.other, drill, correct=False).read(pose_at(9.0, now_px))
    assert abs(still.angle_deg) < 0.1, "the other leg did not move"


@pytest.mark.parametrize("position", FROM_BEHIND)
@pytest.mark.parametrize("side", Side)
def test_who_is_seen_from_behind_is_not_measured(position, side):
    assert make_measure(neutral_of(STANCES[position], FROM_BEHIND[position]), side, MEASURED[position]).problem


def test_the_sign_table_has_every_position_for_both_sides_seen_plainly_and_mirrored():
    for position in MEASURED:
        rows = {(view, side) for name, view, side, *_ in SIGNS if name == position}
        for side in Side:
            assert any(s == side and not v.endswith("mirrored") for v, s in rows), (position, side)
            assert any(s == side and v.endswith("mirrored") for v, s in rows), (position, side)
    assert {name for name, *_ in SIGNS} == set(MEASURED)


def test_every_camera_and_stance_of_this_test_is_used():
    views = {(position, view.removesuffix(", mirrored")) for position, view, *_ in SIGNS}
    assert views == set(CAMERAS)
    assert {position for position, _ in views} == set(STANCES)
    assert set(WITHIN_DEG) <= set(STANCES)


def test_internal_is_positive_and_external_negative():
    assert (Direction.INTERNAL.sign, Direction.EXTERNAL.sign) == (1, -1)
    assert Direction.of(0.1) is Direction.INTERNAL
    assert Direction.of(-0.1) is Direction.EXTERNAL


def test_every_landmark_has_its_partner_on_the_other_side():
    assert (SWAPPED[SWAPPED] == np.arange(33)).all()
    for part in ("shoulder", "hip", "knee", "ankle", "heel", "toe"):
        assert SWAPPED[getattr(LEGS[Side.LEFT], part)] == getattr(LEGS[Side.RIGHT], part)


def test_landmarks_of_the_legs_have_the_numbers_of_the_pose_model():
    assert tuple(LEGS[Side.LEFT]) == (11, 23, 25, 27, 29, 31)
    assert tuple(LEGS[Side.RIGHT]) == (12, 24, 26, 28, 30, 32)


def test_pixels_are_counted_from_the_centre_of_the_first_one():
    lens = Lens.assumed((640, 480))
    assert lens.slopes(np.array([319.5, 239.5])) == pytest.approx([0, 0])
    left, right = lens.slopes(np.array([[-0.5, 0], [639.5, 0]]))[:, 0]
    assert np.degrees(np.arctan(right) - np.arctan(left)) == pytest.approx(ASSUMED_FIELD_OF_VIEW_DEG)
    assert f"{ASSUMED_FIELD_OF_VIEW_DEG:.0f} degrees along the longer side" in PAGE


def test_the_page_describes_the_present_version():
    found = re.search(r"`convention_version` (\S+?)\.", PAGE)
    assert found is not None
    assert found[1] == CONVENTION_VERSION
    assert [row[0] for row in table("version", 2)] == [str(n) for n in range(1, int(CONVENTION_VERSION) + 1)]


def test_the_page_explains_every_angle_of_the_curve():
    angles = {name for name in CURVE_COLUMNS if name.endswith("_deg")}
    assert {row[0] for row in table("name", 2)} == angles
