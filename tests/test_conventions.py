"""Every row of the tables in docs/conventions.md, against legs built in 3D and seen by a pinhole camera."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SEATED, Camera, Stance, image_of, mirrored, neutral_of, unit

from rotrack.drills import Measure, load_table
from rotrack.kinematics.geometry import ASSUMED_FIELD_OF_VIEW_DEG, focal_px, normalise
from rotrack.kinematics.rotation import MAKERS, NeutralPose
from rotrack.model import CONVENTION_VERSION, LEGS, SWAPPED, Direction, Side

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


FAMILIES = {family: (drills.split(", "), pointer, measure) for family, drills, pointer, measure in table("Family", 4)}
SIGNS = table("Family", 6)

# Lying people have the head away from the camera; the direction that is up in the scene is -y.
SUPINE = {"front": (0, -1, 0), "up": (0, 0, 1)}
RIGHT_SIDE_UP = {"front": (1, 0, 0), "up": (0, 0, 1)}
LEFT_SIDE_UP = {"front": (-1, 0, 0), "up": (0, 0, 1)}
STRAIGHT_FOOT = {"toe_m": 0.193, "heel_m": 0.06}
UPRIGHT = Stance(thigh=(0, -1, 0), shank=(0, -1, 0), foot=(1, 0, 0), **STRAIGHT_FOOT)
STANCES = {
    "seated": SEATED,
    "heel pivot": UPRIGHT,
    "toe pivot": replace(UPRIGHT, foot=(0.77, -0.64, 0)),
    "long sitting": Stance(thigh=(1, 0, 0), shank=(1, 0, 0), foot=(0, 1, 0), **STRAIGHT_FOOT),
    "legs up": Stance(thigh=(1, 0, 0), shank=(1, 0, 0), foot=(0, 1, 0), **SUPINE, **STRAIGHT_FOOT),
    "knees together": Stance(thigh=(0.77, -0.64, 0), shank=(-0.77, -0.64, 0), foot=(0, -1, 0), **SUPINE),
    "shins cross": Stance(thigh=(1, 0, 0), shank=(0, -1, 0), foot=(1, 0, 0), **SUPINE),
    "side-lying, knee bent": Stance(thigh=(0, -1, 0), shank=(-1, 0, 0), foot=(0, -1, 0)),
    "side-lying, leg up": Stance(thigh=(0, -0.87, 0.5), shank=(0, -0.87, 0.5), foot=(1, 0, 0), **STRAIGHT_FOOT),
    "lunge": Stance(thigh=(-0.34, -0.94, 0), shank=(-0.34, -0.94, 0), foot=(0.5, -0.87, 0), **STRAIGHT_FOOT),
}
CAMERAS = {
    ("seated", "front"): Camera((0, 0.2, -2.8), (0, 0.2, 0)),
    ("seated", "rear"): Camera((0, 0.2, 2.4), (0, 0.2, 0)),
    ("heel pivot", "front"): Camera((0, -0.4, -2.3), (0, 0.1, 0)),
    ("heel pivot", "rear"): Camera((0, -0.4, 2.3), (0, 0.1, 0)),
    ("toe pivot", "front"): Camera((0, -0.4, -2.3), (0, 0.1, 0)),
    ("toe pivot", "rear"): Camera((0, -0.4, 2.3), (0, 0.1, 0)),
    ("long sitting", "foot end"): Camera((0, -0.1, -3.2), (0, -0.1, 0)),
    ("legs up", "overhead"): Camera((0, -2.9, 0), (0, 0, 0), up=(0, 0, 1)),
    ("legs up", "foot end"): Camera((0, -2.0, -2.3), (0, -0.4, 0)),
    ("knees together", "foot end"): Camera((0, -1.2, -2.5), (0, -0.2, -0.4)),
    ("shins cross", "overhead"): Camera((0, -2.6, 0), (0, 0, 0), up=(0, 0, 1)),
    ("shins cross", "foot end"): Camera((0, -2.0, -2.3), (0, -0.3, -0.2)),
    ("side-lying, knee bent", "foot end"): Camera((0, -0.3, -2.4), (0, 0, 0)),
    ("side-lying, leg up", "foot end"): Camera((0, -1.2, -2.6), (0, -0.2, 0)),
    ("lunge", "rear"): Camera((0, 0, 2.6), (0, 0.2, 0)),
}
IN_THE_IMAGE_PLANE = {
    ("seated", "front"): 0.1,
    ("long sitting", "foot end"): 0.5,
    ("legs up", "overhead"): 0.1,
    ("knees together", "foot end"): 1.0,
    ("shins cross", "overhead"): 0.1,
    ("side-lying, knee bent", "foot end"): 0.5,
    ("side-lying, leg up", "foot end"): 1.0,
}
"""Views from which the angle is right in degrees too (without an error of the landmarks), and how close it must be."""
POINTERS = {"foot": ("knee", "ankle"), "toe": ("heel", "toe"), "heel": ("toe", "heel")}
TURN_DEG = 25.0


def stance_of(family: str, side: str) -> Stance:
    """Return the position; lying on the side, `right, top` says which leg is up."""
    stance = STANCES[family]
    if family.startswith("side-lying"):
        right_side_up = side in ("right, top", "left, bottom")
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


@pytest.mark.parametrize(("family", "view", "whose", "shown", "logged_as", "direction"), CASES)
def test_row_of_the_sign_table(family, view, whose, shown, logged_as, direction):
    side, logged = Side(whose.split(",")[0]), Side(logged_as)
    drills, pointer, measure = FAMILIES[family]
    stance, camera = stance_of(family, whose), CAMERAS[family, view.removesuffix(", mirrored")]
    true_deg = direction.sign * TURN_DEG
    knee_bent = pointer == "knee to ankle"
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

    for drill in drills:
        assert load_table().drill(drill).measure == measure
    reading = MAKERS[Measure(measure)](neutral, logged).read(now_px)
    assert reading.reason == ""
    assert Direction.of(reading.angle_deg) is direction
    assert Direction.of(reading.raw_deg) is direction
    assert 0.4 * TURN_DEG < abs(reading.angle_deg) < 2 * TURN_DEG
    within_deg = IN_THE_IMAGE_PLANE.get((family, view.removesuffix(", mirrored")))
    if within_deg is not None:
        assert reading.angle_deg == pytest.approx(true_deg, abs=within_deg)
    still = MAKERS[Measure(measure)](neutral, logged.other).read(now_px)
    assert abs(still.angle_deg) < 1.0, "the other leg did not move"


def test_the_page_names_every_drill_once_with_its_measure():
    named = [drill for drills, _, _ in FAMILIES.values() for drill in drills]
    assert sorted(named) == sorted(load_table().drills)
    for drills, pointer, measure in FAMILIES.values():
        for drill in drills:
            assert load_table().drill(drill).measure == measure
        shown = {"shank_swing": "knee to ankle", "shank_image": "knee to ankle", "none": "none"}
        assert pointer == shown.get(measure, "ankle to toe")


def test_the_sign_table_has_every_family_for_both_sides_seen_plainly_and_mirrored():
    measured = {family for family, (_, _, measure) in FAMILIES.items() if measure != "none"}
    for family in measured:
        rows = {(view, whose.split(",")[0]) for name, view, whose, *_ in SIGNS if name == family}
        for side in Side:
            assert any(s == side and not v.endswith("mirrored") for v, s in rows), (family, side)
            assert any(s == side and v.endswith("mirrored") for v, s in rows), (family, side)
    assert {name for name, *_ in SIGNS} == measured


def test_every_camera_and_stance_of_this_test_is_used():
    views = {(family, view.removesuffix(", mirrored")) for family, view, *_ in SIGNS}
    assert views == set(CAMERAS)
    assert {family for family, _ in views} == set(STANCES)
    assert set(IN_THE_IMAGE_PLANE) <= views


LEG_UP_CAMERAS = {
    "foot end": Camera((0, -1.2, -2.6), (0, -0.2, 0)),
    "in front of your belly": Camera((2.25, -1.15, 0), (0, -0.3, -0.4)),
    "straight above you": Camera((0, -2.3, -0.3), (0, 0, -0.3), up=(0, 0, 1)),
}
ADVISED = [
    (drill, place)
    for drill in FAMILIES["side-lying, leg up"][0]
    for place in LEG_UP_CAMERAS
    if place in load_table().drill(drill).camera
]


@pytest.mark.parametrize(("drill", "place"), ADVISED)
def test_leg_up_is_followed_from_where_the_drill_puts_the_camera(drill, place):
    camera, drill = LEG_UP_CAMERAS[place], load_table().drill(drill)
    stance = stance_of("side-lying, leg up", "right, top")
    measure = MAKERS[drill.measure](neutral_of(stance, camera), Side.RIGHT)
    for direction in drill.directions:
        for size_deg in drill.range_deg[direction]:
            reading = measure.read(image_of(stance, camera, right=direction.sign * size_deg))
            assert reading.reason == ""
            assert reading.angle_deg * direction.sign > drill.min_entry_deg, (direction, size_deg)


def test_both_leg_up_drills_say_where_the_camera_stands():
    assert {drill for drill, _ in ADVISED} == set(FAMILIES["side-lying, leg up"][0])


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
    focal = focal_px((640, 480))
    assert normalise(np.array([319.5, 239.5]), (640, 480), focal) == pytest.approx([0, 0])
    left, right = normalise(np.array([[-0.5, 0], [639.5, 0]]), (640, 480), focal)[:, 0]
    assert np.degrees(np.arctan(right) - np.arctan(left)) == pytest.approx(ASSUMED_FIELD_OF_VIEW_DEG)
    assert f"{ASSUMED_FIELD_OF_VIEW_DEG:.0f} degrees along the longer side" in PAGE


def test_the_page_describes_the_present_version():
    found = re.search(r"`convention_version` (\S+?)\.", PAGE)
    assert found is not None
    assert found[1] == CONVENTION_VERSION
