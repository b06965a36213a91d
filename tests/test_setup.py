"""The set-up check: what it says of pictures, light, people, legs, distance and camera, and that it does not flicker."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from conftest import BOTH, SEATED, Camera, Stance, landmarks_of, mirrored_pose, recording, seated_pose, swing

from rotrack.core.drills import load_table
from rotrack.core.model import LEGS, N_LANDMARKS, Frame, Pose, Side, empty_pose
from rotrack.core.reasons import Reason
from rotrack.kinematics.camera import Calibration, Floor
from rotrack.placement import view
from rotrack.placement.check import CHECKS, HOLD_S, SetupCheck
from rotrack.placement.finding import Move, SetupFinding, State
from rotrack.texts import Texts

STANDING = Stance(thigh=(0.1, -1, 0.05), shank=(0, -1, 0), foot=(1, 0.1, 0.1))
TARGET = (0.0, 0.2, 0.0)
NOBODY = Reason.NOBODY
LEFT, RIGHT = LEGS[Side.LEFT], LEGS[Side.RIGHT]


def room(brightness: float = 120.0, spread: float = 50.0, size_px: tuple[int, int] = (640, 480)) -> np.ndarray:
    """Return a picture of noise."""
    rng = np.random.default_rng(1)
    return np.clip(rng.normal(brightness, spread, (size_px[1], size_px[0], 3)), 0, 255).astype(np.uint8)


ROOM = room()


def person(stance: Stance = SEATED, camera: Camera | None = None, people: int = 1) -> Pose:
    camera = camera or Camera.around(TARGET, 2.5, pitch_deg=5)
    return Pose(0.0, camera.size_px, *landmarks_of(stance, camera), np.ones(N_LANDMARKS), people)


def still(pose: Pose, seconds: float = 4.0, fps: float = 30.0, from_s: float = 0.0) -> list[Pose]:
    """Return somebody who holds still."""
    return [replace(pose, time_s=from_s + i / fps) for i in range(round(seconds * fps))]


def without(pose: Pose, *landmarks: int, visibility: float = 0.1) -> Pose:
    image_px, seen = pose.image_px.copy(), pose.visibility.copy()
    image_px[list(landmarks)], seen[list(landmarks)] = np.nan, visibility
    return replace(pose, image_px=image_px, visibility=seen)


def shifted(pose: Pose, right_px: float, down_px: float) -> Pose:
    """Return a pose elsewhere in the picture, without what leaves it."""
    image_px = pose.image_px + np.array([right_px, down_px])
    image_px[((image_px < 0) | (image_px > np.array(pose.size_px) - 1)).any(axis=1)] = np.nan
    return replace(pose, image_px=image_px)


def words_of(finding: SetupFinding) -> str:
    return Texts().said(finding.text)


class Watch:
    """A set-up check with all that it has said."""

    def __init__(self, drill: str = "seated-internal", sides=BOTH, calibration: Calibration | None = None) -> None:
        self.check = SetupCheck(load_table().drill(drill), sides, calibration)
        self.said: list[tuple[SetupFinding, ...]] = []

    def see(self, poses: Iterable[Pose], rgb: np.ndarray | None = None) -> "Watch":
        """Show poses with a picture that stays, or with the noise of a room."""
        for pose in poses:
            shown = np.roll(ROOM, len(self.said)) if rgb is None else rgb
            self.said.append(self.check.update(Frame(len(self.said), pose.time_s, shown), pose))
        return self

    def __getitem__(self, check: str) -> SetupFinding:
        return self.said[-1][CHECKS.index(check)]

    def changes(self, check: str) -> int:
        told = [findings[CHECKS.index(check)] for findings in self.said]
        return sum(a != b for a, b in pairwise(told))


# ---------------------------------------------------------------------- all of it
def test_the_findings_come_in_order_wait_at_first_and_turn_green() -> None:
    watch = Watch().see(still(person()))
    assert all(tuple(f.check for f in findings) == CHECKS for findings in watch.said)
    assert {f.state for f in watch.said[0]} == {State.WAITING}
    assert {f.state for f in watch.said[-1]} == {State.GOOD}, watch.said[-1]
    assert all(words_of(f).endswith(".") and words_of(f)[0].isupper() for findings in watch.said for f in findings)


def test_with_nobody_there_only_the_people_are_a_problem() -> None:
    watch = Watch().see(still(empty_pose(0, (640, 480), NOBODY)))
    states = {f.check: f.state for f in watch.said[-1]}
    assert states == {
        "rate": "good", "light": "good", "people": "problem", "legs": "waiting", "distance": "waiting", "camera": "waiting",
    }  # fmt: skip
    assert words_of(watch["people"]) == "Nobody is seen in the picture."


@pytest.mark.parametrize("name", ["internal_right", "external_right", "standing", "idle", "pelvic_hike", "combined_left"])
def test_recorded_people_before_a_good_camera_are_ready_at_once(name: str) -> None:
    recorded = recording(name)
    start = [pose for pose in recorded.poses if pose.time_s < 0.9]
    poses = [replace(pose, time_s=pose.time_s + 0.95 * k, people=1) for k in range(4) for pose in start]
    watch = Watch(recorded.drill, (Side(recorded.side),) if recorded.side != "both" else BOTH).see(poses)
    assert [f for f in watch.said[-1] if f.state is not State.GOOD] == []


# ---------------------------------------------------------------------- no flicker
def test_a_state_changes_only_when_the_new_one_has_lasted() -> None:
    good, gone = still(person(), 3), empty_pose(0, (640, 480), NOBODY)
    watch = Watch().see(good)
    watch.see(replace(gone, time_s=3 + i / 30) for i in range(round(HOLD_S * 30) - 2))
    assert watch["people"].state is State.GOOD
    watch.see(replace(gone, time_s=4 + i / 30) for i in range(6))
    assert watch["people"].state is State.PROBLEM
    assert watch.changes("people") == 2


def test_what_comes_and_goes_all_the_time_does_not_flicker() -> None:
    pose = person()
    half = without(pose, LEFT.ankle)
    watch = Watch().see(still(pose, 3))
    watch.see(replace(pose if i // 5 % 2 else half, time_s=3 + i / 30) for i in range(300))
    assert watch.changes("legs") <= 2
    assert watch["legs"].state is State.PROBLEM, "seen half of the time is not enough"


def test_words_with_a_number_change_at_most_once_a_second() -> None:
    times, poses = 0.0, []
    for i in range(120):
        times += 0.08 + 0.05 * math.sin(i)
        poses.append(replace(person(), time_s=times))
    watch = Watch().see(poses)
    assert watch["rate"].state is State.PROBLEM
    assert watch.changes("rate") <= times / HOLD_S


# ---------------------------------------------------------------------- rate
@pytest.mark.parametrize(
    ("fps", "state", "words"),
    [
        (30, "good", "enough frames"),
        (17, "good", "just enough"),
        (12, "problem", "only 12 frames per second:"),
        (1, "problem", "only 1 frame per second:"),
    ],
)
def test_pictures_must_come_fast_enough(fps: float, state: str, words: str) -> None:
    finding = Watch().see(still(person(), 4, fps))["rate"]
    assert finding.state == state
    assert words in words_of(finding)


def test_a_rate_at_the_limit_does_not_go_to_and_fro() -> None:
    times_s = np.cumsum(np.tile(np.repeat([1 / 15.4, 1 / 14.6], 45), 6))
    assert Watch().see(replace(person(), time_s=float(t)) for t in times_s).changes("rate") <= 2


# ---------------------------------------------------------------------- light
def lit(body: np.ndarray | float, around: np.ndarray | float) -> np.ndarray:
    """Return a picture with one brightness where the person is and another around them."""
    known = person().image_px[np.isfinite(person().image_px[:, 0])]
    (left, top), (right, bottom) = known.min(axis=0).astype(int) - 8, known.max(axis=0).astype(int) + 8
    rgb = np.empty_like(ROOM)
    rgb[:] = around
    inside = np.s_[top:bottom, left:right]
    rgb[inside] = body[inside] if isinstance(body, np.ndarray) else body
    return rgb


@pytest.mark.parametrize(
    ("rgb", "words"),
    [
        (ROOM, "light is good"),
        (lit(room(60, 30), 230), "light is good"),
        (room(25, 15), "too dark"),
        (lit(room(25, 15), 90), "too dark"),
        (lit(room(25, 15), 255), "behind you"),
        (lit(255, 200), "overexposed"),
        (room(140, 4), "stand out"),
    ],
    ids=["good", "white wall", "dark", "dark corner", "window behind", "overexposed", "flat"],
)
def test_light(rgb: np.ndarray, words: str) -> None:
    finding = Watch().see(still(person(), 2), rgb)["light"]
    assert words in words_of(finding)
    assert (finding.state is State.GOOD) == ("good" in words)


def test_in_the_dark_the_light_is_named_even_if_nobody_can_be_seen() -> None:
    assert "too dark" in words_of(Watch().see(still(empty_pose(0, (640, 480), NOBODY), 2), room(20, 10))["light"])


def test_a_camera_that_shows_nothing_is_told_from_a_dark_room() -> None:
    """A virtual camera without its program, or a cover on the lens."""
    nobody = empty_pose(0, (640, 480), NOBODY)
    assert "black picture" in words_of(Watch().see(still(nobody, 2), room(5, 2))["light"])
    assert "does not change" in words_of(Watch().see(still(nobody, 5), ROOM)["light"])
    assert "does not change" not in words_of(Watch().see(still(person(), 5), ROOM)["light"])


# ---------------------------------------------------------------------- people
def test_legs_alone_are_enough_and_what_is_missing_is_said() -> None:
    legs_only = shifted(person(), 0, 30 - person().image_px[LEFT.hip, 1])
    assert np.isnan(legs_only.image_px[LEFT.shoulder]).all()
    found = Watch().see(still(legs_only))["legs"]
    assert found.state is State.GOOD
    assert words_of(found).startswith("Head and chest are not in the picture")


def test_several_people_are_a_problem_until_one_was_chosen() -> None:
    two = person(people=2)
    watch = Watch().see(still(two))
    assert watch["people"].state is State.PROBLEM
    watch.check.person_chosen()
    assert watch.see(still(two, 2, from_s=4))["people"].state is State.GOOD


def test_without_a_count_one_person_is_taken_for_one_after_a_while() -> None:
    uncounted = person(people=0)
    assert Watch().see(still(uncounted, 2))["people"].state is State.WAITING
    assert Watch().see(still(uncounted, 4))["people"].state is State.GOOD


def test_a_person_who_is_hidden_is_said_to_be_hidden() -> None:
    covered = empty_pose(0, (640, 480), Reason.IN_THE_WAY, 2)
    told = words_of(Watch().see(still(covered))["people"])
    assert told == "Somebody else is in the way of the person measured."


# ---------------------------------------------------------------------- legs and distance
FEET = (LEFT.ankle, LEFT.heel, LEFT.toe, RIGHT.ankle, RIGHT.heel, RIGHT.toe)


@pytest.mark.parametrize(
    ("pose", "text", "move"),
    [
        (shifted(person(), 0, 185), "The feet are not in the picture: tilt the camera down.", Move.TILT_DOWN),
        (
            without(shifted(person(), 0, 20), LEFT.knee),
            "The left knee is hidden: make sure that the camera can see it.",
            Move.NONE,
        ),
        (shifted(person(), 290, 0), "The left leg is not in the picture: turn the camera towards you.", Move.TURN_LEFT),
        (shifted(person(), -290, 0), "The right leg is not in the picture: turn the camera towards you.", Move.TURN_RIGHT),
        (shifted(person(), 0, -250), "The legs are not in the picture: tilt the camera up.", Move.TILT_UP),
    ],
    ids=["feet", "knee", "left", "right", "above"],
)
def test_what_is_not_seen_is_named_with_a_way_to_change_it(pose: Pose, text: str, move: Move) -> None:
    finding = Watch().see(still(pose))["legs"]
    assert (finding.state, words_of(finding), finding.move) == (State.PROBLEM, text, move)


def test_somebody_too_near_is_asked_to_move_the_camera_back() -> None:
    near = without(person(camera=Camera((0, -0.1, -1.15), (0, -0.1, 0))), *FEET)
    assert np.nanmin(near.image_px[:, 1]) < 60
    finding = Watch().see(still(near))["legs"]
    assert (words_of(finding), finding.move) == ("The feet are not in the picture: put the camera further away.", Move.AWAY)


def test_a_foot_that_the_pose_model_places_outside_is_not_called_hidden() -> None:
    shown = shifted(person(), 0, -60)
    assert "hidden" in words_of(Watch().see(still(without(shown, RIGHT.ankle)))["legs"])
    assert "not in the picture" in words_of(Watch().see(still(without(shown, RIGHT.ankle, visibility=0.9)))["legs"])


def test_only_the_legs_that_are_measured_are_needed_but_always_both_hips() -> None:
    one_leg = without(person(), LEFT.knee, LEFT.ankle)
    assert Watch(sides=(Side.RIGHT,)).see(still(one_leg))["legs"].state is State.GOOD
    assert words_of(Watch(sides=(Side.LEFT,)).see(still(one_leg))["legs"]).startswith("The left leg is hidden")
    one_hip = without(person(), LEFT.hip)
    assert words_of(Watch(sides=(Side.RIGHT,)).see(still(one_hip))["legs"]).startswith("The left hip is hidden")


def test_where_only_one_leg_is_measured_at_a_time_one_is_enough() -> None:
    lying = without(person(), LEFT.knee, LEFT.ankle)
    assert Watch("sidelying-strength-external").see(still(lying))["legs"].state is State.GOOD


@pytest.mark.parametrize(
    ("distance_m", "state"), [(2.0, "good"), (3.0, "good"), (3.6, "good"), (4.6, "problem"), (6.0, "problem")]
)
def test_somebody_far_away_is_asked_closer(distance_m: float, state: str) -> None:
    finding = Watch().see(still(person(camera=Camera.around(TARGET, distance_m))))["distance"]
    assert finding.state == state
    assert finding.move == (Move.CLOSER if state == "problem" else Move.NONE)


# ---------------------------------------------------------------------- the camera
def leaning(roll_deg: float) -> Camera:
    """Return a camera in front whose picture leans clockwise by so much."""
    roll = math.radians(roll_deg)
    return replace(Camera.around(TARGET, 2.5, pitch_deg=5), up=(-math.sin(roll), -math.cos(roll), 0))


@pytest.mark.parametrize(
    ("camera", "move"),
    [
        (Camera.around(TARGET, 2.5, yaw_deg=10, pitch_deg=5), Move.NONE),
        (Camera.around(TARGET, 2.5, yaw_deg=25, pitch_deg=5), Move.RIGHT),
        (Camera.around(TARGET, 2.5, yaw_deg=-25, pitch_deg=5), Move.LEFT),
        (Camera.around(TARGET, 2.5, pitch_deg=25), Move.NONE),
        (Camera.around(TARGET, 2.5, pitch_deg=45), Move.DOWN),
        (leaning(5), Move.NONE),
        (leaning(14), Move.ROLL_LEFT),
        (leaning(-14), Move.ROLL_RIGHT),
    ],
    ids=["good", "right", "left", "raised", "down", "level", "roll left", "roll right"],
)
def test_the_arrow_says_which_way_to_move_the_camera(camera: Camera, move: Move) -> None:
    finding = Watch().see(still(person(camera=camera)))["camera"]
    assert (finding.state, finding.move) == (State.PROBLEM if move else State.GOOD, move), words_of(finding)
    for side in ("left", "right"):
        assert (f"to the {side}, as you look at it" in words_of(finding)) == (side in move.value)


def test_standing_a_camera_far_too_low_is_to_be_raised() -> None:
    low = Camera.around((0, -0.2, 0), 2.8, pitch_deg=-22)
    finding = Watch("standing-combined").see(still(person(STANDING, low)))["camera"]
    assert (finding.move, "1.6 to 2.2 m" in words_of(finding)) == (Move.UP, True), finding


@pytest.mark.parametrize(("mirror", "move"), [(False, Move.LEFT), (True, Move.RIGHT)])
def test_a_turned_camera_is_told_the_right_way_on_a_recording(mirror: bool, move: Move) -> None:
    recorded = recording("turned_camera")
    side = Side(recorded.side)
    start = [mirrored_pose(pose) if mirror else pose for pose in recorded.poses if pose.time_s < 0.9]
    poses = [replace(pose, time_s=pose.time_s + 0.95 * k) for k in range(4) for pose in start]
    watch = Watch(recorded.drill, (side.other if mirror else side,)).see(poses)
    assert watch["camera"].move == move
    assert abs(watch.check.view["turn_deg"]) == pytest.approx(20, abs=5)


def test_with_a_floor_its_tilt_is_believed() -> None:
    def look(pitch_deg: float) -> SetupFinding:
        down = np.array([0.0, math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))])
        floor = Calibration(floor=Floor(down, 1.5, 0.5))
        return Watch(calibration=floor).see(still(person(camera=Camera.around(TARGET, 2.5, pitch_deg=pitch_deg))))["camera"]

    assert look(29.0).state is State.GOOD
    assert look(31.0).move == Move.DOWN


def test_a_floor_that_does_not_fit_any_more_is_said() -> None:
    floor = Calibration(floor=Floor(np.array([0.0, math.cos(0.45), math.sin(0.45)]), 1.5, 0.5))
    finding = Watch(calibration=floor).see(still(person()))["camera"]
    assert words_of(finding).startswith("The floor profile no longer fits")
    assert finding.state is State.PROBLEM


def test_out_of_position_the_camera_check_waits_and_says_what_to_do() -> None:
    standing = person(STANDING, Camera.around((0, -0.2, 0), 2.8, pitch_deg=5))
    finding = Watch().see(still(standing))["camera"]
    assert (finding.state, words_of(finding)) == (State.WAITING, "Not sitting: sit down and let the lower legs hang.")


def test_while_the_legs_move_the_camera_check_waits() -> None:
    poses = [replace(seated_pose(i / 30, left=20 * math.sin(i / 4), right=20 * math.sin(i / 5)), people=1) for i in range(150)]
    finding = Watch().see(poses)["camera"]
    assert (finding.state, "hold still" in words_of(finding)) == (State.WAITING, True)


def test_a_leg_held_in_mid_turn_is_no_starting_position_and_does_not_turn_the_camera() -> None:
    good = still(person())
    turned = person(Stance(**{f: getattr(SEATED, f) for f in ("thigh", "shank", "foot", "knees_follow")}))
    held = replace(turned, image_px=landmarks_of(SEATED, Camera.around(TARGET, 2.5, pitch_deg=5), right=30)[0])
    watch = Watch().see(good).see(still(held, 8, from_s=4))
    assert (watch["camera"].state, words_of(watch["camera"])[:3]) == (State.WAITING, "Let")
    assert abs(watch.check.view["turn_deg"]) < 5
    assert watch.see(still(person(), 4, from_s=12))["camera"].state is State.GOOD


def test_who_went_away_may_have_moved_the_camera() -> None:
    watch = Watch().see(still(person()))
    assert watch.check.view
    watch.see(still(empty_pose(0, (640, 480), NOBODY), 3, from_s=4))
    assert watch.check.view == {}
    aside = person(camera=Camera.around(TARGET, 2.5, yaw_deg=25, pitch_deg=5))
    assert watch.see(still(aside, 3, from_s=7))["camera"].move == Move.RIGHT


def test_the_leg_model_is_fitted_seldom_and_never_twice_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[int] = []
    watch = Watch()
    make: Callable = view.make_measure
    monkeypatch.setattr(view, "make_measure", lambda *args: fits.append(len(watch.said)) or make(*args))
    watch.see(still(person(), 20))
    assert 8 <= len(fits) <= 12
    assert min(np.diff(fits)) >= 0.5 * 30


def test_a_rep_or_two_during_the_check_do_no_harm() -> None:
    poses = still(person(), 3)
    camera = Camera.around(TARGET, 2.5, pitch_deg=5)
    for i in range(240):
        angle = float(swing(i / 30, 1, 30) + swing(i / 30, 4, 25))
        poses.append(replace(person(), time_s=3 + i / 30, image_px=landmarks_of(SEATED, camera, right=angle)[0]))
    watch = Watch().see(poses).see(still(person(), 3, from_s=11))
    assert {f.state for f in watch.said[-1]} == {State.GOOD}
