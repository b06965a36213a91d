"""The renderer (training/render): geometry on a stick figure everywhere, bodies and pictures where assets and EGL are."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from repository import ROOT
from stick_figure import stick_figure

from rotrack.sensing.legnet import Place
from training import crops as store
from training import movement
from training.movement import Movement, perform, tidy
from training.render import assets, check, labelling, people, placing_errors, posing, sheet
from training.render.camera import View
from training.render.company import Walk
from training.render.posing import Leg, Pose, Rig, turn_about, turn_x, turn_y, turn_z
from training.render.postures import CROPPED, POSTURES
from training.render.postures.base import Scenario
from training.render.scene import ROOMS, Scene
from training.render.sensor import Exposure, Sensor
from training.render.stage import ClipSpec, Stage, read_specs

SPECS = ROOT / "tests" / "fixtures" / "render" / "specs.json"
HINGED = {"zst_confidence", "zst_fulfillment"}
DRIVEN = sorted(set(POSTURES) - HINGED)
ONE_LEG = {"standing", "standing_toe_pivot", "lunge", "sidelying_abducted", "sidelying_strength", *HINGED}


@pytest.fixture(scope="module")
def body():
    return stick_figure()


@pytest.fixture(scope="module")
def rig(body):
    return Rig(body)


@pytest.fixture
def stick_people(monkeypatch, body):
    monkeypatch.setattr(people, "load", lambda _: body)


def needs_assets():
    try:
        assets.folder()
    except assets.AssetsMissing as missing:
        pytest.skip(f"the renderer's assets are not here: {missing}")


def needs_raster():
    needs_assets()
    if not all(importlib.util.find_spec(name) for name in ("moderngl", "av")):
        pytest.skip("moderngl and av are not installed (training/render/requirements.txt)")
    import moderngl

    try:
        moderngl.create_context(standalone=True, backend="egl", require=330).release()
    except Exception as problem:  # noqa: BLE001  (whatever the driver says)
        pytest.skip(f"no EGL: {problem}")


def scenario(rig: Rig, course: movement.Course, **options) -> Scenario:
    return Scenario(rig, course, np.arange(0, course.duration_s, 0.1), options, seed=4)


# ---------------------------------------------------------------------- joints
def test_turns_are_rotations():
    for turn in (turn_x(30), turn_y(-70), turn_z(140), turn_about([1, 2, 3], 77)):
        assert np.allclose(turn @ turn.T, np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1)
    for axis, turn in (([1, 0, 0], turn_x), ([0, 1, 0], turn_y), ([0, 0, 1], turn_z)):
        assert np.allclose(turn_about(axis, 40), turn(40))
    rng = np.random.default_rng(1)
    for _ in range(20):
        a, b = rng.normal(size=(2, 3))
        assert np.allclose(posing.turn_onto(a, b) @ a / np.linalg.norm(a), b / np.linalg.norm(b))
    assert np.allclose(posing.turn_onto(np.array([0, 1.0, 0]), np.array([0, -1.0, 0])) @ [0, 1, 0], [0, -1, 0])


@pytest.mark.parametrize("side", posing.SIDES)
def test_hip_angles_come_back_from_the_frames_they_make(rig, side):
    rng = np.random.default_rng(2)
    for _ in range(50):
        angles = rng.uniform([-20, -40, -80], [120, 30, 80])
        pose = Pose(rng.normal(size=3), turn_about(rng.normal(size=3), rng.uniform(0, 180)))
        frames = rig.leg_frames(pose.with_leg(side, Leg(*angles, knee=70)), side)
        assert frames.hip_angles_deg(side) == pytest.approx(angles, abs=1e-9)


@pytest.mark.parametrize("side", posing.SIDES)
def test_internal_rotation_takes_the_foot_out_and_straight_toes_in(rig, side):
    lateral = np.array([-1.0 if side == "R" else 1.0, 0, 0])
    sitting = Pose(legs=dict.fromkeys("RL", Leg(flexion=90, knee=90)))
    turned = sitting.with_leg(side, Leg(flexion=90, knee=90, rotation=30))
    ankles = [rig.leg_frames(pose, side)["ankle"] for pose in (sitting, turned)]
    assert (ankles[1] - ankles[0]) @ lateral > 0.1
    straight = [rig.leg_frames(Pose().with_leg(side, Leg(rotation=angle)), side)["toe"] for angle in (0, 30)]
    assert (straight[1] - straight[0]) @ lateral < -0.03


def test_a_leg_is_found_that_reaches_a_goal(rig):
    pose = Pose().with_leg("R", Leg(flexion=30, adduction=-5, rotation=12, knee=40))
    goal = rig.leg_frames(pose, "R")["heel"]
    leg, missed_m = rig.solve(pose, "R", goal, "heel", start=(10, 0, 20))
    assert missed_m < 1e-5
    assert (leg.flexion, leg.adduction, leg.knee) == pytest.approx((30, -5, 40), abs=0.01)
    _, missed_m = rig.solve(pose, "R", goal - np.array([0, 2, 0]), "heel")
    assert missed_m > 1


def test_skin_follows_the_bones(rig, body):
    turn = turn_about([0.3, 1, 0.2], 50)
    pose = Pose(
        pelvis_m=np.array([1.0, 2, 3]), pelvis_turn=turn, arms=posing.arms(posing.Arm((0.3, -1, 0.1), (0.2, -1, 0.3), 20))
    )
    bones = rig.transforms(pose)
    for bone in bones:
        assert np.allclose(bone[:3, :3] @ bone[:3, :3].T, np.eye(3))
    hip = bones[body.shape.skeleton["upperleg01.R"]] @ [*rig.rest["R"]["hip"], 1]
    assert np.allclose(hip[:3], rig.leg_frames(pose, "R")["hip"])
    dots = body.meshes[0].posed(bones)
    assert np.isfinite(dots).all()
    assert np.abs(dots - pose.pelvis_m).max() < 2


# ---------------------------------------------------------------------- postures
@pytest.mark.parametrize("side", movement.SIDES)
@pytest.mark.parametrize("posture", DRIVEN)
def test_the_leg_turns_as_it_is_told_and_the_joints_show_it(rig, posture, side):
    course = tidy([[-15, 12]], side=side)
    made = POSTURES[posture](scenario(rig, course))
    asked = course.angle_deg(side, made.t_s)
    shown = []
    for i in range(len(made)):
        pose = made.pose(i)
        frames = rig.leg_frames(pose, made.side)
        assert frames.hip_angles_deg(made.side)[2] == pytest.approx(asked[i], abs=1e-9)
        hips = rig.leg_frames(pose, "R")["hip"] - rig.leg_frames(pose, "L")["hip"]
        shown.append(check.from_joints_deg(frames.points_m, hips, made.side, made.pointer))
    assert np.polyfit(asked, shown, 1)[0] == pytest.approx(1, abs=0.1)
    assert np.std(np.array(shown) - asked) < 1.5
    assert max(made.missed_m, default=0) < 1e-4


@pytest.mark.parametrize("posture", sorted(HINGED))
def test_the_pelvis_rolls_over_a_leg_that_stays(rig, posture):
    made = POSTURES[posture](scenario(rig, tidy([20])))
    knees = np.array([rig.leg_frames(made.pose(i), made.bottom)["knee"] for i in range(len(made))])
    assert np.ptp(knees, axis=0).max() < 0.02
    assert np.ptp(made.rotation_deg[made.bottom]) > 3


@pytest.mark.parametrize("posture", sorted(POSTURES))
def test_both_legs_only_where_both_can(rig, posture):
    both = scenario(rig, tidy([12], both=True))
    if posture in ONE_LEG:
        with pytest.raises(ValueError, match="one leg moves"):
            POSTURES[posture](both)
        return
    made = POSTURES[posture](both)
    peak = int(np.argmax(made.rotation_deg["R"]))
    for side in "RL":
        assert rig.leg_frames(made.pose(peak), side).hip_angles_deg(side)[2] == pytest.approx(12, abs=0.1)


def test_options_are_known_by_name(rig):
    with pytest.raises(ValueError, match="no options \\['heel'\\]"):
        POSTURES["seated"](scenario(rig, tidy([10]), heel=1))


@pytest.mark.parametrize(("part", "posture"), [("pelvis", p) for p in DRIVEN] + [("thigh", "seated"), ("knee", "longsit")])
def test_compensation_has_a_size_and_leaves_the_truth(rig, part, posture):
    plain = Movement(directions=("external",), external_deg=15, cycles=1)
    faulty = Movement(directions=("external",), external_deg=15, cycles=1, **{f"{part}_deg": 10.0})
    turns, angles = [], []
    for moved in (plain, faulty):
        made = POSTURES[posture](scenario(rig, perform(moved)))
        peak = int(np.argmin(made.rotation_deg["R"]))
        pose = made.pose(peak)
        turns.append(pose.pelvis_turn)
        angles.append(pose.legs["R"])
        found = rig.leg_frames(pose, "R").hip_angles_deg("R")[2]
        assert found == pytest.approx(made.rotation_deg["R"][peak], abs=1e-9)
    between_deg = np.degrees(np.arccos(np.clip((np.trace(turns[0].T @ turns[1]) - 1) / 2, -1, 1)))
    if part == "pelvis":
        assert between_deg == pytest.approx(5, abs=0.3)
    else:
        name = {"thigh": "adduction", "knee": "knee"}[part]
        assert abs(getattr(angles[1], name) - getattr(angles[0], name)) == pytest.approx(5, abs=0.1)


def test_people_walk_in_and_settle(rig):
    made = POSTURES["seated"](scenario(rig, tidy([10], timing_s={"start": 4.0})))
    walk = Walk(0.0, 3.5)
    far, near = walk.pose(made, 0), walk.pose(made, 34)
    assert np.linalg.norm(far.pelvis_m[[0, 2]] - [-1.9, 0.5]) < 0.05
    assert np.linalg.norm(near.pelvis_m - made.pose(34).pelvis_m) < 0.05
    assert walk.covers(1) and not walk.covers(4)
    with pytest.raises(ValueError, match="nobody walks"):
        Walk(0, 1)


# ---------------------------------------------------------------------- camera, sensor, sheet
def test_a_camera_sees_its_target_in_the_middle_and_opencv_agrees():
    view = View((0.5, 1.2, 2.5), (0, 0.7, 0.1), 60, orbit_deg=20, raise_m=0.3)
    camera = view.cameras((640, 480), np.zeros(1))[0]
    assert camera.project(np.array(view.target_m)) == pytest.approx([320, 240])
    points = np.random.default_rng(1).normal([0, 0.7, 0], 0.5, (20, 3))
    bent = view.changed({"bend": [-0.2, 0.05], "roll_deg": 7}).cameras((640, 480), np.zeros(1))[0]
    for c in (camera, bent):
        turn = cv2.Rodrigues(c.rotation)[0]
        expected = cv2.projectPoints(points, turn, c.translation_m, c.matrix, np.array([*c.bend, 0, 0]))[0][:, 0]
        assert c.project(points) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="no \\['zoom'\\]"):
        view.changed({"zoom": 2})


def test_a_bent_picture_has_points_where_the_bent_camera_says():
    camera = View((0, 0, 3), (0, 0, 0), 60, bend=(-0.25, 0.05)).cameras((320, 240), np.zeros(1))[0]
    straight = View((0, 0, 3), (0, 0, 0), 60).cameras((320, 240), np.zeros(1))[0]
    drawn = np.zeros((camera.drawn_px[1], camera.drawn_px[0]), np.uint8)
    spot = np.array([0.7, 0.5, 0])
    at = straight.project(spot) + (np.array(camera.drawn_px) - 320 * np.array([1, 0.75])) / 2
    cv2.circle(drawn, tuple(np.round(at - 0.5).astype(int)), 5, 255, -1)
    rows, columns = np.nonzero(camera.bent(drawn) > 128)
    assert [columns.mean() + 0.5, rows.mean() + 0.5] == pytest.approx(camera.project(spot), abs=0.6)


def test_the_webcams_faults_do_what_they_say():
    grey, rng = np.full((60, 80, 3), 100, np.uint8), np.random.default_rng(1)
    noisy, clean = (Sensor(noise=size).take(grey, 1.0, rng)[20:40, 30:50].std() for size in (5, 0.5))
    assert noisy > 4 * clean
    assert Sensor(noise=0).take(grey, 0.5, rng).mean() == pytest.approx(50, rel=0.1)
    dark, gains = Exposure(Sensor(auto_exposure=1.0)), []
    for t in (0.0, 0.5, 5.0):
        gains.append(dark.gain(grey, 0.4, t))
    assert gains[-1] * 100 == pytest.approx(118, rel=0.05)
    assert Exposure(Sensor()).gain(grey, 0.4, 0) == 0.4

    def edge(later_s: float) -> np.ndarray:
        picture = np.zeros((60, 80, 3), np.uint8)
        picture[:, : int(40 + 400 * later_s)] = 255
        return picture

    rolled = Sensor(readout_s=0.05).expose(edge)[..., 0].astype(float).sum(1) / 255
    assert rolled[-1] - rolled[0] == pytest.approx(20, abs=2)
    blurred = Sensor(shutter_s=0.05).expose(edge)[30, :, 0]
    assert ((blurred > 20) & (blurred < 235)).sum() >= 10


def test_the_printed_sheet_is_found_with_its_corners_where_the_truth_has_them():
    view = View((0, 1.0, 2.0), (0, 0, 0.75), 25)
    camera = view.cameras((1280, 720), np.zeros(1))[0]
    floor_sheet = sheet.FloorSheet()
    page = sheet.print_page()
    truth = floor_sheet.truth(camera)
    corners = np.array([[0, 0], [page.shape[1], 0], [page.shape[1], page.shape[0]], [0, page.shape[0]]], np.float32)
    onto = cv2.getPerspectiveTransform(corners - 0.5, np.array(truth["page_corners_uv"], np.float32) - 0.5)
    picture = cv2.warpPerspective(page, onto, (1280, 720), flags=cv2.INTER_AREA, borderValue=(120, 120, 120))
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    found, ids, _ = detector.detectMarkers(picture)
    assert sorted(ids.ravel()) == [0, 1, 2, 3]
    for quad, number in zip(found, ids.ravel(), strict=True):
        assert np.abs(quad[0] + 0.5 - truth["markers"][int(number)]["corners_uv"]).max() < 2


def test_rooms_and_furniture_are_closed_meshes():
    scene = Scene()
    for style in ROOMS:
        scene.room(style, -1.3, 1)
    scene.chair(0.5, 0.0)
    scene.mat(0.0)
    scene.pillow((0, 0.05, 0), 0.08)
    for surface in scene.surfaces:
        mesh = surface.mesh
        assert mesh.triangles.max() < len(mesh.points_m) == len(mesh.normals) == len(mesh.uv)
        assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(np.ones(len(mesh.normals)))


# ---------------------------------------------------------------------- specs and truth
@pytest.mark.parametrize("name", list(json.loads(SPECS.read_text("utf-8"))))
def test_every_listed_spec_has_a_truth(stick_people, name):
    stage = Stage(name, read_specs(SPECS)[name])
    rows = [stage.row(number) for number in range(0, len(stage.frames), 5)]
    truth = stage.truth(len(stage.frames))
    json.dumps(truth)
    for rep in truth["reps"]:
        assert rep["start"] < rep["peak_from"] <= rep["peak_to"] <= rep["end"]
    if "zst" not in name and name != "walks_in_and_off":
        near = [row for row in rows for rep in truth["reps"] if rep["peak_from"] <= row["t"] <= rep["peak_to"]]
        assert near
        for row in near:
            rep = next(rep for rep in truth["reps"] if rep["peak_from"] <= row["t"] <= rep["peak_to"])
            assert row[f"{rep['side']}_hip_internal_rotation"] == pytest.approx(rep["peak_deg"], abs=1)


def test_a_person_who_is_away_has_no_angles(stick_people):
    stage = Stage("walks_in_and_off", read_specs(SPECS)["walks_in_and_off"])
    away, walks = stage.course.absent_s[0], stage.walks
    assert len(walks) == 3
    for number, t in enumerate(stage.frames.t_s):
        empty = stage.row(number)["right_hip_internal_rotation"] == ""
        assert empty == (away[0] + walks[1].seconds <= t < away[1] - walks[2].seconds)


@pytest.mark.parametrize("wrong", [{"poster": 1}, {"posture": "yoga"}, {"camera": {"zoom": 1}}])
def test_what_no_spec_has_is_refused(stick_people, wrong):
    with pytest.raises(ValueError, match="no"):
        Stage("x", ClipSpec.read({"posture": "seated", "person": "a", "movement": {"peaks_deg": [10]}, **wrong}))


def test_assets_are_checked_before_they_are_unpacked(tmp_path, monkeypatch):
    monkeypatch.delenv(assets.VARIABLE, raising=False)
    with pytest.raises(assets.AssetsMissing, match="set ROTRACK_RENDER_ASSETS"):
        assets.folder()
    for archive in assets.ARCHIVES:
        (tmp_path / archive.name).write_bytes(b"something else")
    with pytest.raises(assets.AssetsMissing, match="sha256"):
        assets.fetch(tmp_path, say=lambda _: None)
    monkeypatch.setenv(assets.VARIABLE, str(tmp_path))
    with pytest.raises(assets.AssetsMissing, match="lacks makehuman"):
        assets.folder()


# ---------------------------------------------------------------------- crops
def test_labels_of_a_crop_are_those_of_the_leg_in_its_camera(rig):
    frames = rig.leg_frames(Pose().with_leg("R", Leg(flexion=20, rotation=15, knee=20)), "R")
    camera = labelling.along(np.array([0.6, 0.8, 1.9]), frames["ankle"], 8.0, 0.66)
    row = {"focal": 0, "foot": 0, **labelling.labels(camera, frames, 0.4, no_leg=False)}
    assert (row["readable"], row["why"]) == (1, "")
    assert row["focal"] == pytest.approx(np.linalg.norm(frames["ankle"] - camera.eye_m) / 0.66, rel=1e-3)
    assert (row["ankle_u"], row["ankle_v"]) == pytest.approx((0, 0), abs=1e-3)
    foot = np.array([row[f"foot_{axis}"] for axis in "xyz"])
    assert camera.rotation.T @ foot == pytest.approx(
        (frames["toe"] - frames["heel"]) / np.linalg.norm(frames["toe"] - frames["heel"]), abs=1e-4
    )
    assert np.linalg.norm([row[f"normal_{axis}"] for axis in "xyz"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("foot", "normal", "seen", "no_leg", "inside", "expected"),
    [
        ((0, 0, -1), (0, -1, 0), 0.4, False, True, (1, "")),
        ((0, 0, -1), (0, -1, 0), 0.04, False, True, (0, "hidden")),
        ((0, 0, -1), (0, -1, 0), 0.09, False, True, ("", "")),
        ((0, 0, -1), (0, -1, 0), 0.4, False, False, ("", "")),
        ((0, 0.2, 0.98), (0, -0.98, -0.2), 0.4, False, True, (0, "rear")),
        ((0, -0.2, 0.98), (0, -0.98, 0.2), 0.4, False, True, (1, "")),
        ((0.75, 0.1, 0.65), (0, -0.98, -0.2), 0.4, False, True, ("", "")),
        ((0, 0, -1), (0, -1, 0), 0.0, True, False, (0, "no leg")),
        ((0, 0, -1), (0, -1, 0), 0.4, True, True, ("", "")),
    ],
)
def test_which_crops_can_be_read(foot, normal, seen, no_leg, inside, expected):
    directions = {"foot": np.array(foot, float), "normal": np.array(normal, float)}
    assert labelling.verdict(directions, seen, no_leg, inside) == expected


def test_errors_of_placing_are_drawn_as_they_were_measured():
    drawn = [[placing_errors.draw("supine", np.random.default_rng([seed, 3])) for seed in range(3000)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    legs = [leg for both in drawn[0] for leg in both.values()]
    known = [leg for both in placing_errors.table()["supine"] for leg in both]
    there = [leg for leg in known if leg.shows != "missing"]
    assert len(legs) / len(drawn[0]) == pytest.approx(len(there) / len(placing_errors.table()["supine"]), rel=0.1)
    for shows in {leg.shows for leg in there}:
        shares = [np.mean([leg.shows == shows for leg in several]) for several in (legs, there)]
        assert shares[0] == pytest.approx(shares[1], abs=0.05)
    for number in ("down", "wider"):
        spreads = [np.std([getattr(leg, number) for leg in several]) for several in (legs, there)]
        assert spreads[0] == pytest.approx(spreads[1], rel=0.15)
    assert np.mean([leg.right for leg in legs]) == pytest.approx(0, abs=0.02)


def test_every_posture_has_errors_of_placing_and_what_is_none_has_any():
    assert set(placing_errors.table()) == set(CROPPED)
    assert {leg.shows for k in range(200) for leg in placing_errors.draw("free", np.random.default_rng(k)).values()} == {
        "own",
        "other",
        "nothing",
    }


@pytest.mark.parametrize(
    ("at", "shows", "off"),
    [
        ((212, 290), "own", (0.12, -0.1)),
        ((390, 310), "other", (-0.1, 0.1)),
        ((300, 150), "nothing", (1.0, -1.5)),
        (None, "missing", (np.nan, np.nan)),
    ],
)
def test_a_crop_is_compared_with_the_leg_that_it_shows(at, shows, off):
    true = {"R": Place(np.array([200.0, 300]), 100.0), "L": Place(np.array([400.0, 300]), 100.0)}
    said = {} if at is None else {"R": Place(np.array(at, float), 150.0)}
    (leg, *_) = placing_errors.misplaced(true, said, (640, 480))
    assert (leg.side, leg.shows) == ("R", shows)
    assert (leg.right, leg.down) == pytest.approx(off, nan_ok=True)
    if at is not None:
        assert leg.wider == pytest.approx(np.log(1.5))
    true["R"] = Place(np.array([200.0, 500]), 100.0)
    assert [leg.side for leg in placing_errors.misplaced(true, said, (640, 480))] == ["L"]


def test_a_crop_is_off_as_it_was_told(rig):
    frames = rig.leg_frames(Pose().with_leg("R", Leg(flexion=20, knee=20)), "R")
    eye = np.array([0.6, 0.8, 2.6])
    proper, off = (
        labelling.placed(eye, 10.0, frames, placing_errors.Misplaced("R", "own", *numbers))
        for numbers in ((0, 0, 0), (0.3, -0.2, 0.1))
    )
    middle = placing_errors.middle(frames.points_m)
    assert proper.project(middle) == pytest.approx((64, 64), abs=0.1)
    widths = (off.project(middle) - 64) / store.SIZE_PX * store.MARGIN * np.exp(0.1)
    assert widths == pytest.approx((-0.3, 0.2), abs=0.03)


# ---------------------------------------------------------------------- bodies, where the assets are
@pytest.mark.parametrize("name", list(people.table()["people"]))
def test_people_have_bodies_of_plausible_size_that_are_dressed(name):
    needs_assets()
    dressed = people.load(name)
    height_m = np.ptp(dressed.shape.vertices_m[:13380, 1])
    assert 1.5 < height_m < 1.9
    assert {mesh.kind for mesh in dressed.meshes} >= {"skin", "clothes", "hair", "eyes"}
    for mesh in dressed.meshes:
        assert np.asarray(mesh.weights.sum(1)).ravel()[mesh.used] == pytest.approx(1, abs=1e-6)
        assert mesh.texture.is_file()


@pytest.mark.parametrize("name", list(json.loads(SPECS.read_text("utf-8"))))
def test_the_mesh_bears_out_the_truth(name):
    needs_assets()
    for mesh_deg, _ in check.errors_deg(read_specs(SPECS)[name]).values():
        assert mesh_deg < check.MESH_DEG


@pytest.mark.parametrize("number", range(6))
def test_people_at_random_wear_what_follows_their_bones(number):
    needs_assets()
    person = people.draw("test", number)
    dressed = people.make(person)
    assert len(dressed.meshes) == 1 + len(person["clothes"]) + 3 + len(person["covers"])
    bones = Rig(dressed).transforms(Pose(legs=dict.fromkeys("RL", Leg(flexion=80, rotation=20, knee=70))))
    skin = dressed.meshes[0].posed(bones)
    for mesh in dressed.meshes[1:]:
        assert len(mesh.triangles) > 20
        posed = mesh.posed(bones)[mesh.used]
        near = [np.linalg.norm(skin - point, axis=1).min() for point in posed[:: max(1, len(posed) // 40)]]
        assert max(near) < 0.25


def test_a_skirt_lies_on_bent_thighs():
    needs_assets()
    skirt = {"kind": "skirt", "low": 2.1, "high": 3.4, "loose_m": 0.04, "colour": [90, 90, 90]}
    dressed = people.make({**people.table()["people"]["woman_shorts"], "covers": [skirt]})
    bones = Rig(dressed).transforms(Pose(legs=dict.fromkeys("RL", Leg(flexion=85, adduction=-8, knee=90))))
    thigh = np.asarray(dressed.weights[:, [*dressed.twist_bones("R"), *dressed.twist_bones("L")]].sum(1)).ravel() > 0.9
    skin, (cloth,) = dressed.meshes[0].posed(bones)[thigh], [m.posed(bones) for m in dressed.meshes if m.name == "skirt"]
    tops = [points[points[:, 2] > np.quantile(skin[:, 2], 0.5), 1].max() for points in (skin, cloth)]
    assert 0 < tops[1] - tops[0] < 0.02


# ---------------------------------------------------------------------- pictures, where EGL is
def run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "training.render.clip", *arguments], cwd=ROOT, env=os.environ, check=False)
    assert done.returncode == 0


def test_one_spec_gives_one_clip_whose_pictures_show_the_truth(tmp_path):
    needs_raster()
    wanted = {
        "still": {"posture": "seated", "person": "woman_shorts", "movement": {"peaks_deg": [30], "timing_s": {"start": 0.4}}},
    }
    wanted["still"] |= {"feed": {"fps": 5, "dropped": 0.2, "seed": 1}, "size_px": [320, 240], "sheet": {}}
    (tmp_path / "specs.json").write_text(json.dumps(wanted), "utf-8")
    digests = []
    for folder in ("a", "b"):
        run(str(tmp_path / "specs.json"), str(tmp_path / folder), "--jobs", "1")
        made = sorted((tmp_path / folder).iterdir())
        assert [path.name for path in made] == ["still.gt.csv", "still.gt.json", "still.mp4"]
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in made])
    assert digests[0] == digests[1]
    _same_time_stamps(tmp_path / "a" / "still")
    before = (tmp_path / "a" / "still.mp4").stat().st_mtime_ns
    run(str(tmp_path / "specs.json"), str(tmp_path / "a"))
    assert (tmp_path / "a" / "still.mp4").stat().st_mtime_ns == before


def test_one_seed_gives_one_set_of_crops(tmp_path):
    needs_raster()
    from training.render import crops

    tables = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        crops.make_person("test", 3, tmp_path / folder)
        tables.append(tmp_path / folder / "test_000003.csv")
    assert tables[0].read_bytes() == tables[1].read_bytes()
    assert tables[0].with_suffix(".zip").read_bytes() == tables[1].with_suffix(".zip").read_bytes()
    made = store.read([tables[0]])
    assert len(made) > 20
    assert np.nanmean(made.readable) > 0.4


def _same_time_stamps(stem: Path) -> None:
    with stem.with_name("still.gt.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    video, stamps = cv2.VideoCapture(str(stem.with_name("still.mp4"))), []
    while True:
        stamp = video.get(cv2.CAP_PROP_POS_MSEC)
        found, picture = video.read()
        if not found:
            break
        stamps.append(video.get(cv2.CAP_PROP_POS_MSEC) or stamp)
        u, v = (int(float(rows[len(stamps) - 1][f"right_knee_{axis}"])) for axis in "uv")
        assert picture[v, u].mean() > 20
    assert np.array(stamps) / 1000 == pytest.approx([float(row["t"]) for row in rows], abs=0.002)
