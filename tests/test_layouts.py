"""Other ways to show a picture to the pose model, when to try them, and that people without a head are found by them."""

import numpy as np
import pytest
from helpers import demo_frames

from rotrack.core.model import LEGS, Frame, Side
from rotrack.sensing.landmarker import AGAIN_EVERY_S, Landmarker, SecondLook, find_model
from rotrack.sensing.layouts import LYING, UPRIGHT, Layout

SIZE = (64, 48)


@pytest.mark.parametrize("layout", UPRIGHT)
def test_what_is_found_in_a_layout_is_brought_back_to_its_place(layout: Layout) -> None:
    rgb = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    rgb[10, 50] = 255
    shown = layout.show(rgb)
    (y, x), (height, width) = np.argwhere(shown[..., 0] == 255)[0], shown.shape[:2]
    points, _ = layout.bring_back(np.array([[(x + 0.5) / width, (y + 0.5) / height]]), np.zeros((1, 3)), SIZE)
    assert points * SIZE - 0.5 == pytest.approx(np.array([[50.0, 10.0]]))


@pytest.mark.parametrize(
    ("quarters", "up_in_the_picture"), [(0, (0, -1, 0.5)), (1, (-1, 0, 0.5)), (2, (0, 1, 0.5)), (3, (1, 0, 0.5))]
)
def test_world_landmarks_are_turned_back(quarters: int, up_in_the_picture: tuple[float, float, float]) -> None:
    up = np.array([[0.0, -1.0, 0.5]])
    _, world = Layout(quarters, across=0.3).bring_back(np.zeros((1, 2)), up, SIZE)
    assert world[0] == pytest.approx(up_in_the_picture)


def test_every_layout_is_tried_at_once_and_then_more_and_more_rarely() -> None:
    look, tried = SecondLook(UPRIGHT), {}
    for k in range(300):
        if layout := look.due(k / 30):
            tried[k] = layout
    times = list(tried)
    assert [tried[k] for k in times[: len(UPRIGHT)]] == list(UPRIGHT)
    assert times[: len(UPRIGHT)] == list(range(len(UPRIGHT)))
    assert len(times) < 6 + 6 + 10 / AGAIN_EVERY_S[-1], "a share of the pictures that is bounded"
    look.found(LYING[0])
    assert look.due(10.0) == LYING[0], "where somebody was seen, there first, and at once"


def test_somebody_of_whom_only_the_legs_are_in_the_picture_is_found_and_followed() -> None:
    whole = demo_frames(0, 1)[0]
    with Landmarker(find_model("full"), watch_people=False) as marks:
        true = marks.detect(Frame(0, 0.0, whole))
        assert marks.seen_as_it_is
    hips, shoulders = (np.mean([true.image_px[getattr(leg, part), 1] for leg in LEGS.values()]) for part in ("hip", "shoulder"))
    top = round(hips - 0.2 * (hips - shoulders))
    legs = np.ascontiguousarray(whole[top:])
    with Landmarker(find_model("full"), watch_people=False) as marks:
        poses = [marks.detect(Frame(k, k / 30, legs)) for k in range(4)]
        assert not marks.seen_as_it_is
        poses.append(marks.detect(Frame(4, 4 / 30, whole)))
        assert marks.seen_as_it_is, "who is found in the picture as it is, is measured in that"
    below = [index for leg in LEGS.values() for index in (leg.knee, leg.ankle)]
    off_px = [np.hypot(*(pose.image_px[below] + [0, top] - true.image_px[below]).T) for pose in poses[1:4]]
    assert np.max(off_px) < 20
    shanks = [[pose.world_m[LEGS[s].ankle] - pose.world_m[LEGS[s].knee] for s in Side] for pose in (true, poses[3])]
    assert shanks[1] == pytest.approx(np.array(shanks[0]), abs=0.12), "upright again"


def test_somebody_without_legs_in_the_picture_stays_so() -> None:
    whole = demo_frames(0, 1)[0]
    with Landmarker(find_model("full"), watch_people=False) as marks:
        hips = marks.detect(Frame(0, 0.0, whole)).image_px[LEGS[Side.LEFT].hip, 1]
    bust = np.ascontiguousarray(whole[: round(hips) - 20])
    with Landmarker(find_model("full"), watch_people=False) as marks:
        poses = [marks.detect(Frame(k, k / 30, bust)) for k in range(len(UPRIGHT) + 1)]
        assert marks.seen_as_it_is
    assert not any(np.isfinite(pose.image_px[leg.ankle]).all() for pose in poses for leg in LEGS.values())
