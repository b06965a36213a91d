"""The leg network's crops and answers, with a made-up network that is always right, and how its word becomes a measurement."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rotrack.core.model import LEGS, N_LANDMARKS, LegCrop, Pose, Side, empty_pose
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.kinematics import crops
from rotrack.kinematics.camera import Lens
from rotrack.kinematics.identity import CropIdentity, LegNames
from rotrack.sensing import legnet
from rotrack.sensing.legnet import INPUT_PX, LegNet

SIZE_PX = (1280, 720)
LENS = Lens.assumed(SIZE_PX)
FOOT_M = 0.25
PARTS = ("heel", "toe", "ankle", "knee")
READ, OTHER, NOTHING = (4.0, -4.0, -4.0), (-4.0, 4.0, -4.0), (-4.0, -4.0, 4.0)


def leg_at(x_m: float = 0.0, y_m: float = 0.3, z_m: float = 2.5, yaw_deg: float = 30.0) -> np.ndarray:
    """Return heel, toe, ankle and knee of a standing leg in camera axes, shape (4, 3), m; the foot points at the camera."""
    forward = np.array([np.sin(np.radians(yaw_deg)), 0.0, -np.cos(np.radians(yaw_deg))])
    ankle = np.array([x_m, y_m, z_m])
    heel = ankle + np.array([0, 0.07, 0]) - 0.06 * forward
    return np.stack([heel, heel + FOOT_M * forward, ankle, ankle + np.array([0.02, -0.42, -0.03])])


def seen_at(leg: np.ndarray) -> np.ndarray:
    return LENS.pixels(leg[:, :2] / leg[:, 2:])


def pose_of(legs: dict[Side, np.ndarray], time_s: float = 0.0, names: dict[Side, Side] | None = None) -> Pose:
    """Return what a pose model sees of legs; `names` says what it calls them."""
    image_px, world_m = np.full((N_LANDMARKS, 2), np.nan), np.full((N_LANDMARKS, 3), np.nan)
    legs_middle = np.mean([*legs.values()], axis=(0, 1)) if legs else np.zeros(3)
    for side, leg in legs.items():
        marks = LEGS[(names or {}).get(side, side)]
        rows = [marks.hip, marks.heel, marks.toe, marks.ankle, marks.knee]
        points = np.vstack([leg[3] + np.array([0.0, -0.4, 0.1]), leg])
        image_px[rows], world_m[rows] = seen_at(points), points - legs_middle
    return Pose(time_s, SIZE_PX, image_px, world_m, np.ones(N_LANDMARKS))


class Oracle:
    """A network that knows where the legs are: it answers for the leg that is nearest to the middle of a crop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, legs: dict[Side, np.ndarray], kind=READ) -> None:
        self.legs, self.kind, self.places = legs, kind, []
        self.blobs: list[np.ndarray] = []
        original = legnet._cut

        def cut(rgb, lens, place, turn, side):
            self.places.append((side, place, turn))
            return original(rgb, lens, place, turn, side)

        monkeypatch.setattr(legnet, "_cut", cut)

    def setInput(self, blob: np.ndarray) -> None:
        self.blobs.append(blob)

    def forward(self) -> np.ndarray:
        return np.array([self.answer(*asked) for asked in self.places[-len(self.blobs[-1]) :]], np.float32)

    def answer(self, side: Side, place, turn: np.ndarray) -> np.ndarray:
        """Return the outputs for a crop: what a camera along its ray sees, mirrored for a left leg."""
        name, leg = min(self.legs.items(), key=lambda item: np.hypot(*(seen_at(item[1])[2] - place.middle_px)))
        flip = np.array([-1.0 if side is Side.LEFT else 1.0, 1.0, 1.0])
        rays = leg @ turn * flip
        width = place.width_px / LENS.matrix[0, 0] / np.linalg.norm(np.append(LENS.slopes(place.middle_px), 1.0))
        foot, shank = rays[1] - rays[0], rays[3] - rays[2]
        points = rays[:, :2] / rays[:, 2:] / width
        size = FOOT_M / rays[2, 2] / width
        kind = self.kind if self.kind != READ or name is side else OTHER
        unit = [foot / np.linalg.norm(foot), shank / np.linalg.norm(shank)]
        return np.concatenate([*unit, points.ravel(), [np.log(size)], np.full(6, -3.0), kind])


@pytest.fixture
def picture() -> np.ndarray:
    return np.full((SIZE_PX[1], SIZE_PX[0], 3), 90, np.uint8)


def network(monkeypatch: pytest.MonkeyPatch, legs: dict[Side, np.ndarray], kind=READ) -> tuple[LegNet, Oracle]:
    net = LegNet()
    net._net = oracle = Oracle(monkeypatch, legs, kind)
    return net, oracle


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("x_m", [-0.9, 0.0, 0.7])
def test_a_right_answer_becomes_the_true_points_and_directions(monkeypatch, picture, side, x_m):
    leg = leg_at(x_m)
    net, _ = network(monkeypatch, {side: leg})
    crop = net.read(picture, pose_of({side: leg})).legs[side]
    assert crop.points_px == pytest.approx(seen_at(leg), abs=0.01)
    told, _ = crops.directions(crop, LENS, 0.0)
    true = np.stack([leg[2] - leg[3], leg[1] - leg[0]])
    assert told == pytest.approx(true / np.linalg.norm(true, axis=1, keepdims=True), abs=1e-3)
    assert crops.readable(crop)
    slopes, _ = crops.slopes(crop, LENS)
    assert slopes == pytest.approx((leg[:, :2] / leg[:, 2:])[[3, 2, 0, 1]], abs=1e-4)  # knee, ankle, heel, toe


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("z_m", [1.3, 2.0, 5.0])
def test_the_crop_shows_the_leg_where_the_network_is_told_that_it_is(monkeypatch, picture, side, z_m):
    """A dot at the toe appears in the crop where a camera along its ray sees it: near or far, mirrored for a left leg."""
    leg = leg_at(0.25 * z_m, 0.1 * z_m, z_m)
    net, oracle = network(monkeypatch, {side: leg})
    toe_px = seen_at(leg)[1]
    cv2.circle(picture, tuple(int(v) for v in np.round(toe_px)), max(round(10 / z_m), 2), (255, 255, 255), -1, cv2.LINE_AA)
    net.read(picture, pose_of({side: leg}))
    crop = oracle.blobs[0][0].mean(axis=0)
    bright = np.clip(crop - np.median(crop), 0, None)
    found = np.array([(bright.sum(0) * np.arange(INPUT_PX)).sum(), (bright.sum(1) * np.arange(INPUT_PX)).sum()]) / bright.sum()
    said = oracle.answer(*oracle.places[0])[8:10] * INPUT_PX + (INPUT_PX - 1) / 2
    assert found == pytest.approx(said, abs=1.0)


def test_the_next_crop_follows_the_network_and_not_a_pose_model_that_strays(monkeypatch, picture):
    leg = leg_at()
    net, oracle = network(monkeypatch, {Side.RIGHT: leg})
    net.read(picture, pose_of({Side.RIGHT: leg}))
    astray = pose_of({Side.RIGHT: leg + np.array([0.06, -0.03, 0])}, 0.04)
    crop = net.read(picture, astray).legs[Side.RIGHT]
    middle = oracle.places[-1][1].middle_px
    assert middle == pytest.approx(legnet._middle(seen_at(leg)), abs=0.5)
    assert crop.points_px == pytest.approx(seen_at(leg), abs=0.01)
    far = pose_of({Side.RIGHT: leg + np.array([0.9, 0, 0])}, 0.08)
    net.read(picture, far)
    assert oracle.places[-1][1].middle_px[0] > middle[0] + 100, "a crop that lost the leg is placed anew"


def test_a_crop_settles_on_the_width_that_belongs_to_the_foot(monkeypatch, picture):
    """The pose model's metres are off by an eighth; the network's own length of the foot takes over."""
    leg = leg_at()
    net, oracle = network(monkeypatch, {Side.RIGHT: leg})
    pose = pose_of({Side.RIGHT: leg})
    for k in range(240):
        net.read(picture, replace(pose, time_s=k / 30, world_m=pose.world_m * 1.12))
    foot_px = FOOT_M / leg[2, 2] * LENS.matrix[0, 0]
    assert oracle.places[-1][1].width_px == pytest.approx(2.2 * foot_px, rel=0.05)


@pytest.mark.parametrize("nearer_m", [0.0, 0.5, 1.0])
def test_a_foot_is_as_much_larger_as_it_is_nearer(nearer_m):
    """The pose model's metres have no place of their own; where they explain the picture, every foot has its size."""
    legs = {Side.RIGHT: leg_at(-0.2, z_m=2.5), Side.LEFT: leg_at(0.2, z_m=2.5 - nearer_m)}
    pose = pose_of(legs)
    pose.world_m[:] += np.array([0.3, -0.2, 5.0])
    places = legnet.first_places(pose, LENS, 1.0)
    for side, leg in legs.items():
        assert places[side].width_px == pytest.approx(2.2 * legnet.FOOT_M / leg[2, 2] * LENS.matrix[0, 0], rel=0.01)
    wider = legnet.first_places(pose, LENS, 1.3)
    assert wider[Side.LEFT].width_px == pytest.approx(1.3 * places[Side.LEFT].width_px)


def test_without_a_leg_in_the_picture_nothing_is_asked(monkeypatch, picture):
    net, oracle = network(monkeypatch, {Side.RIGHT: leg_at()})
    assert net.read(picture, pose_of({})).legs == {}
    assert not oracle.blobs


def test_legs_called_by_each_others_names_are_exchanged(monkeypatch, picture):
    """The pose model has the legs mixed up from the start; both crops look like the other leg until they are exchanged."""
    legs = {Side.RIGHT: leg_at(-0.2, yaw_deg=-20), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs)
    wrong = {side: side.other for side in Side}
    for k in range(60):
        read = net.read(picture, pose_of(legs, k / 30, wrong))
    for side in Side:
        assert read.legs[side].readable > 0.9
        assert read.legs[side].points_px == pytest.approx(seen_at(legs[side]), abs=0.01)
    righted, sure = CropIdentity(False).update(read)
    assert sure
    for side in Side:
        assert righted.image_px[LEGS[side].ankle] == pytest.approx(seen_at(legs[side])[2], abs=0.01)


def test_a_swap_of_the_pose_model_later_on_shows_in_no_crop(monkeypatch, picture):
    legs = {Side.RIGHT: leg_at(-0.12, yaw_deg=-20), Side.LEFT: leg_at(0.12)}
    net, _ = network(monkeypatch, legs)
    for k in range(60):
        names = {side: side.other for side in Side} if 20 <= k < 40 else None
        read = net.read(picture, pose_of(legs, k / 30, names))
        righted, sure = CropIdentity(False).update(read)
        assert sure
        for side in Side:
            assert read.legs[side].points_px == pytest.approx(seen_at(legs[side]), abs=0.01), k
            assert righted.image_px[LEGS[side].ankle] == pytest.approx(seen_at(legs[side])[2], abs=0.01), k


def test_names_hold_while_the_network_is_not_asked_or_unsure(monkeypatch, picture):
    """The pose model has the legs mixed up; the network is asked in every third picture, and once it can read nothing."""
    legs = {Side.RIGHT: leg_at(-0.2, yaw_deg=-20), Side.LEFT: leg_at(0.2)}
    net, oracle = network(monkeypatch, legs)
    wrong, identity = {side: side.other for side in Side}, CropIdentity(False)
    for k in range(200):
        pose = pose_of(legs, k / 30, wrong)
        oracle.kind = NOTHING if k == 150 else READ
        righted, sure = identity.update(net.read(picture, pose) if k % 3 == 0 else pose)
        if k < 120:
            continue
        assert sure
        for side in Side:
            assert righted.image_px[LEGS[side].ankle] == pytest.approx(seen_at(legs[side])[2], abs=0.01), k


def test_without_a_person_no_leg_is_kept(monkeypatch, picture):
    legs = {Side.RIGHT: leg_at(-0.2), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs)
    net.read(picture, pose_of(legs))
    assert net.read(picture, empty_pose(0.04, SIZE_PX, Reason.NOBODY)).legs == {}
    hidden = pose_of({}, 0.08)
    assert net.read(picture, hidden).legs == {}


def test_covered_legs_are_not_read_for_long(monkeypatch, picture):
    """Somebody stands before the legs: the pose model has none, and what the network goes on seeing may be theirs."""
    legs = {Side.RIGHT: leg_at(-0.2), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs)
    net.read(picture, pose_of(legs))
    read = [net.read(picture, pose_of({}, k / 30)) for k in range(1, 60)]
    assert read[5].legs
    assert not any(pose.legs for pose in read[20:])


def test_a_leg_that_the_pose_model_has_lost_is_not_followed_because_the_other_is_seen(monkeypatch, picture):
    legs = {Side.RIGHT: leg_at(-0.4), Side.LEFT: leg_at(0.4)}
    net, oracle = network(monkeypatch, legs)
    net.read(picture, pose_of(legs))
    width_px = oracle.places[-1][1].width_px
    for k in range(1, 60):
        read = net.read(picture, pose_of({Side.RIGHT: legs[Side.RIGHT] * [1, 1, 2.0]}, k / 30))
        left = [place for side, place, _ in oracle.places[-2:] if side is Side.LEFT]
        if k < 10:
            assert [place.width_px for place in left] == pytest.approx([width_px], rel=0.05), "it keeps its own width"
    assert Side.LEFT not in read.legs


def test_one_leg_under_the_wrong_name_is_not_read_twice(monkeypatch, picture):
    legs = {Side.LEFT: leg_at(0.2)}
    net, oracle = network(monkeypatch, legs)
    for k in range(10):
        net.read(picture, pose_of(legs, k / 30))
    asked = len(oracle.places)
    read = net.read(picture, pose_of(legs, 10 / 30, {Side.LEFT: Side.RIGHT}))
    assert len(oracle.places) == asked + 1
    assert set(read.legs) == {Side.LEFT}
    elsewhere = {Side.RIGHT: leg_at(-0.5)}
    net, oracle = network(monkeypatch, legs | elsewhere)
    net.read(picture, pose_of(legs))
    assert set(net.read(picture, pose_of(elsewhere, 0.04)).legs) == set(Side), "a leg elsewhere is another one"


def test_legs_that_cannot_be_read_decide_nothing(monkeypatch, picture):
    legs = {Side.RIGHT: leg_at(-0.2), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs, NOTHING)
    read = net.read(picture, pose_of(legs))
    assert not any(crops.readable(crop) for crop in read.legs.values())
    assert CropIdentity(False).update(read) == (read, False)
    assert crops.typical(list(read.legs.values())) is None


def test_what_is_filled_in_is_of_the_leg_that_bears_the_name(monkeypatch, picture):
    """The pose model has the legs mixed up and no left heel and toe; the right leg must not get the toe of the other foot."""
    legs = {Side.RIGHT: leg_at(-0.2, yaw_deg=-20), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs)
    pose = net.read(picture, pose_of(legs))
    wrong = pose_of(legs, 0.04, {side: side.other for side in Side})
    image_px = wrong.image_px.copy()
    image_px[[LEGS[Side.LEFT].heel, LEGS[Side.LEFT].toe]] = np.nan
    named, _ = LegNames(Posture.STANDING).update(replace(wrong, image_px=image_px, legs=pose.legs))
    for side, leg in LEGS.items():
        assert named.image_px[[leg.heel, leg.toe]] == pytest.approx(seen_at(legs[side])[:2], abs=0.01)


def test_half_of_the_legs_keeps_its_name_as_well(monkeypatch, picture):
    """One leg is hidden, and the pose model calls the one in view by the other name while the network is not asked."""
    legs = {Side.RIGHT: leg_at(-0.2, yaw_deg=-20), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs)
    identity = CropIdentity(False)
    assert identity.update(net.read(picture, pose_of(legs)))[1]
    right = {Side.RIGHT: legs[Side.RIGHT]}
    assert identity.update(pose_of(right, 0.04))[1]
    named, sure = identity.update(pose_of(right, 0.08, {Side.RIGHT: Side.LEFT}))
    assert sure
    assert named.image_px[LEGS[Side.RIGHT].ankle] == pytest.approx(seen_at(legs[Side.RIGHT])[2], abs=0.01)
    assert CropIdentity(False).update(pose_of(right))[1] is False


def test_legs_that_change_their_names_are_told(monkeypatch, picture):
    legs = {Side.RIGHT: leg_at(-0.2, yaw_deg=-20), Side.LEFT: leg_at(0.2)}
    net, _ = network(monkeypatch, legs)
    names, told = LegNames(Posture.STANDING), []
    for k in range(90):
        pose = net.read(picture, pose_of(legs, k / 30))
        if k < 40:  # it has not noticed yet
            pose = replace(
                pose_of(legs, k / 30, {side: side.other for side in Side}), legs={s.other: c for s, c in pose.legs.items()}
            )
        names.update(pose)
        told.append(names.renamed)
    assert [k for k, it in enumerate(told) if it] == [40]


def test_a_crop_is_the_same_after_being_kept_as_a_row(monkeypatch, picture):
    leg = leg_at(0.3)
    net, _ = network(monkeypatch, {Side.LEFT: leg})
    crop = net.read(picture, pose_of({Side.LEFT: leg})).legs[Side.LEFT]
    again = LegCrop.of(crop.numbers())
    assert again.numbers() == pytest.approx(crop.numbers(), abs=0)
    assert not again.foot.flags.writeable
