"""Which body in the picture is the person measured: painted people that walk, cross and hide each other."""

from itertools import pairwise

import numpy as np
import pytest

from rotrack.core.model import LEGS, N_LANDMARKS, Side
from rotrack.core.reasons import Reason
from rotrack.sensing.person import PersonKeeper, body_colours, choose, painted_over

SIZE = (640, 480)
RED, BLUE, GREEN, SKIN = (180, 40, 40), (40, 60, 160), (40, 140, 60), (200, 160, 130)
STEP_S = 1 / 15


def body(x_px: float, trunk_px: float = 100.0, top_px: float = 100.0) -> np.ndarray:
    """Return the landmarks of somebody who stands facing the camera, shape (33, 2), px."""
    at = np.full((N_LANDMARKS, 2), [x_px, top_px], float)
    for side, leg in LEGS.items():
        beside = x_px + (0.3 if side is Side.LEFT else -0.3) * trunk_px
        levels = {"shoulder": 0.0, "hip": 1.0, "knee": 1.8, "ankle": 2.6, "heel": 2.7, "toe": 2.75}
        for part, level in levels.items():
            at[getattr(leg, part)] = (beside, top_px + level * trunk_px)
    return at


def paint(rgb: np.ndarray, at: np.ndarray, shirt=RED, trousers=BLUE, shanks=SKIN) -> None:
    leg = LEGS[Side.LEFT]
    right = LEGS[Side.RIGHT]
    width = int(at[leg.hip][0] - at[right.hip][0])
    for (a, b), colour in zip(pairwise((leg.shoulder, leg.hip, leg.knee, leg.ankle)), (shirt, trousers, shanks), strict=True):
        left, top, bottom = int(at[right.hip][0]) - width // 4, int(at[a][1]), int(at[b][1])
        rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(left + width * 3 // 2, 0)] = colour


def room() -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)


def scene(*people) -> np.ndarray:
    """Return a picture of people, the nearest last; each is (landmarks, shirt, trousers, shanks)."""
    rgb = room()
    for at, *colours in people:
        paint(rgb, at, *colours)
    return rgb


class Story:
    """Frames in order of time for one keeper; `others` are what a search would find besides."""

    def __init__(self, **settings) -> None:
        self.keeper = PersonKeeper(**settings)
        self.time_s = 0.0
        self.looks = 0

    def frame(self, rgb: np.ndarray, at: np.ndarray, others=()) -> str:
        self.time_s += STEP_S
        if self.keeper.doubt(rgb, at, self.time_s):
            self.looks += 1
            self.keeper.seen(rgb, [at, *others], self.time_s)
        return self.keeper.decide(rgb, at, self.time_s)

    def alone(self, seconds: float, at: np.ndarray, *colours) -> set[str]:
        return {self.frame(scene((at, *colours)), at) for _ in range(round(seconds / STEP_S))}


ME = body(320)


def test_colours_are_those_of_trunk_thighs_and_shanks() -> None:
    colours = body_colours(scene((ME,)), ME)
    assert colours.shape == (6, 3)
    assert colours * 255 == pytest.approx(np.array([RED, RED, BLUE, BLUE, SKIN, SKIN]), abs=1)


def test_colours_of_what_is_not_in_the_picture_are_missing() -> None:
    half = body(320, top_px=300)  # shanks below the picture
    rgb = scene((half,))
    half[LEGS[Side.LEFT].knee] = np.nan
    assert np.isfinite(body_colours(rgb, half)[:, 0]).tolist() == [True, True, False, True, False, False]


# ---------------------------------------------------------------------- alone
def test_somebody_alone_is_never_refused() -> None:
    story = Story(upright=True)
    assert story.alone(3, ME) == {""}
    walk = [body(320 + 6 * i) for i in range(30)]
    assert {story.frame(scene((at,)), at) for at in walk} == {""}
    assert story.alone(3, walk[-1], GREEN, GREEN) == {""}, "changed clothes without leaving the place"
    assert story.keeper.known


def test_a_mistake_of_the_pose_model_with_nobody_else_about_changes_nothing() -> None:
    story = Story(upright=True)
    story.alone(3, ME)
    assert story.frame(scene((ME,)), body(150)) == "", "landmarks beside the person who is still there"
    assert story.looks == 1
    assert story.frame(scene((ME,)), ME) == ""


def test_landmarks_without_a_trunk_cannot_be_judged() -> None:
    story = Story(upright=True)
    legs_only = ME.copy()
    legs_only[[leg.shoulder for leg in LEGS.values()]] = np.nan
    assert {story.frame(scene((ME,)), legs_only) for _ in range(30)} == {""}
    story.alone(2, ME)
    assert story.frame(scene((ME,)), legs_only) == ""
    assert story.frame(scene((ME,)), np.full((N_LANDMARKS, 2), np.nan)) == ""


# ---------------------------------------------------------------------- others
def test_a_jump_to_another_person_is_refused_in_that_frame_and_the_person_found_again() -> None:
    story = Story()
    story.alone(3, ME)
    other = body(500, 130)
    both = scene((ME,), (other, GREEN, RED, RED))
    assert story.frame(both, other, others=[ME]) == Reason.HIDDEN
    region = story.keeper.region_px(SIZE)
    assert region is not None
    assert region[0] < ME[:, 0].min()
    assert region[2] < other[:, 0].max()
    assert story.frame(both, ME, others=[other]) == ""
    assert story.keeper.region_px(SIZE) is None


def test_a_jump_to_somebody_in_the_same_clothes_is_refused() -> None:
    story = Story()
    story.alone(3, ME)
    other = body(450, 135)
    assert story.frame(scene((ME,), (other,)), other, others=[ME]) == Reason.HIDDEN


def test_somebody_before_the_person_is_noticed_even_if_never_recognised() -> None:
    story = Story(upright=True)
    story.alone(3, ME)
    near = body(330, 150, 60)
    hidden = scene((ME,), (near, GREEN, GREEN, GREEN))
    slid = body(328, 130, 70)
    assert story.frame(hidden, slid) == Reason.IN_THE_WAY
    assert story.keeper.nobody(hidden) == Reason.IN_THE_WAY
    assert story.frame(scene((ME,)), ME) == ""


def test_somebody_who_stays_before_the_person_is_refused_all_the_time() -> None:
    story = Story(upright=True)
    story.alone(3, ME)
    near = body(330, 130, 70)
    hidden = scene((ME,), (near, GREEN, GREEN, GREEN))
    at = body(325, 115, 85)
    assert {story.frame(hidden, at) for _ in range(45)} == {Reason.IN_THE_WAY}


def test_who_keeps_the_place_in_other_light_is_accepted_once_the_others_are_gone() -> None:
    story = Story()
    story.alone(3, ME)
    other = body(500, 130)
    dark = scene((ME, (20, 5, 5), (5, 5, 20), (20, 15, 10)))
    reasons = [story.frame(dark, ME + 15, others=[other] if i < 3 else []) for i in range(220)]
    assert Reason.HIDDEN in reasons[:5] or Reason.IN_THE_WAY in reasons[:5]
    assert reasons[-1] == ""


def test_somebody_behind_or_beside_the_person_changes_nothing() -> None:
    story = Story(upright=True)
    story.alone(3, ME)
    for x_px in range(20, 620, 25):
        other = body(x_px, 80)
        assert story.frame(scene((other, GREEN, GREEN, GREEN), (ME,)), ME, others=[other]) == ""


def test_a_leg_that_somebody_stands_before_is_named() -> None:
    story = Story()
    story.alone(3, ME)
    left = LEGS[Side.LEFT]
    rgb = scene((ME,))
    rgb[int(ME[left.hip][1]) :, int(ME[left.hip][0]) - 20 :] = GREEN
    assert story.frame(rgb, ME, others=[body(500)]) == ""
    assert story.keeper.covered_legs(story.time_s) == (Side.LEFT,)
    story.frame(scene((ME,)), ME)
    assert story.keeper.covered_legs(story.time_s) == ()


def test_the_person_who_moved_while_hidden_is_found_elsewhere() -> None:
    story = Story()
    story.alone(3, ME)
    other, moved = body(330, 140, 60), body(120)
    both = scene((moved,), (other, GREEN, RED, GREEN))
    reasons = [story.frame(both, other, others=[moved]) for _ in range(40)]
    assert set(reasons) <= {Reason.HIDDEN, Reason.IN_THE_WAY}
    assert story.frame(both, moved, others=[other]) == ""


# ---------------------------------------------------------------------- the choice
def test_the_largest_and_most_central_is_chosen() -> None:
    near, far, beside = body(330, 90), body(320, 50), body(600, 120, 20)
    assert choose([far, near, beside], SIZE) == 1


def test_the_pose_model_is_led_to_the_person_chosen() -> None:
    story = Story(follow=(100, 200))
    other, wanted = body(400, 120), body(100, 80)
    both = scene((other, GREEN), (wanted,))
    story.keeper.seen(both, [other, wanted], 0.0)
    assert story.frame(both, other) == Reason.HIDDEN
    left, _, right, _ = story.keeper.region_px(SIZE)
    assert left < 100 < right < 350
    assert story.frame(both, wanted) == ""
    assert story.keeper.pointed_px is None


@pytest.mark.parametrize(("point_px", "found"), [((100, 150), True), ((130, 100), True), ((100, 20), False), ((250, 200), False)])
def test_a_point_means_who_is_near_it(point_px: tuple[float, float], found: bool) -> None:
    story = Story(follow=point_px)
    story.keeper.seen(room(), [body(400), body(100, 80)], 0.0)
    assert (story.keeper.pointed_px is None) == found


def test_a_point_where_nobody_is_changes_nothing_and_is_forgotten() -> None:
    story = Story(follow=(600, 40))
    assert story.alone(4, ME) == {""}
    assert story.looks > 10, "looked for all the time"
    assert story.keeper.pointed_px is None
    assert story.keeper.pointed_at_nobody
    other = body(560, 140, 20)
    story.looks = 0
    both = scene((ME,), (other, GREEN))
    story.keeper.seen(both, [ME, other], story.time_s)
    assert {story.frame(both, ME, others=[other]) for _ in range(30)} == {""}, "somebody who comes later is not meant"


def test_who_was_pointed_at_is_found_as_soon_as_the_search_sees_them() -> None:
    story = Story(follow=(100, 150))
    wanted, other = body(100, 80), body(400)
    both = scene((wanted,), (other, GREEN))
    assert {story.frame(both, other) for _ in range(10)} == {""}
    assert story.frame(both, other, others=[wanted]) == Reason.HIDDEN
    assert story.frame(both, wanted, others=[other]) == ""
    story.alone(4, wanted)
    assert not story.keeper.pointed_at_nobody
    assert {story.frame(both, other, others=[wanted]) for _ in range(30)} == {Reason.HIDDEN}


def test_one_body_reported_twice_is_one_person() -> None:
    story = Story()
    story.alone(3, ME)
    story.keeper.seen(scene((ME,)), [ME, ME + 3], story.time_s)
    assert story.frame(scene((ME,)), body(150)) == ""


def test_somebody_lying_whose_feet_are_taken_for_hands_is_still_alone() -> None:
    upside_down = ME.copy()
    for leg in LEGS.values():  # the trunk where thighs and shanks are
        places = ME[[leg.ankle, leg.knee, leg.hip, leg.shoulder, leg.shoulder, leg.shoulder]]
        upside_down[list(leg)] = places
    upside_down[:11] = ME[LEGS[Side.LEFT].toe]
    story = Story()
    story.alone(3, ME)
    rgb = scene((ME,))
    assert {story.frame(rgb, at, others=[ME, upside_down]) for at in (upside_down, ME, upside_down, ME)} == {""}
    other = body(500, 130)
    assert story.frame(scene((ME,), (other, GREEN, RED, RED)), other, others=[ME]) == Reason.HIDDEN, "somebody else is"


def test_all_but_the_region_is_painted_over_in_a_copy() -> None:
    rgb = scene((ME,))
    before = rgb.copy()
    shown = painted_over(rgb, (200, 50, 440, 480))
    assert (rgb == before).all()
    assert (shown[50:480, 200:440] == rgb[50:480, 200:440]).all()
    assert (shown[:50] == 128).all()
    assert (shown[:, 440:] == 128).all()
