"""What is said during a session: count-down, count, the other leg, one cue at a time; and what is left unsaid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from conftest import BOTH, recording

from rotrack.app.live.coach import (
    CUE_EVERY_S,
    GO_WITH_ONE_S,
    OTHER_LEG_AFTER_S,
    REASON_AFTER_S,
    SETUP_AGAIN_S,
    SETUP_EVERY_S,
    SETUP_FROM_S,
    TOO_FAR_EVERY_S,
    Coach,
    Say,
    Usher,
    next_step,
)
from rotrack.core.drills import load_table
from rotrack.core.model import Direction, NeutralTaken, Rep, RotationSample, Side, Step, empty_pose
from rotrack.core.reasons import Reason, because
from rotrack.placement.finding import SetupFinding, State
from rotrack.texts import LANGUAGES, Texts
from rotrack.tracking.holding import HoldClock
from rotrack.tracking.pipeline import RotationTracker
from rotrack.tracking.scoreboard import Scoreboard
from rotrack.tracking.settings import TrackerSettings

NEUTRAL_S = 2.0
NAN = math.nan
LEFT, RIGHT = BOTH
STILL = Say("say.still")
GO = Say("say.go", beep=True)
DONE = Say("say.done", beep=True)
FIRST = Say("say.first_left")


def number(n: int) -> Say:
    return Say("say.number", {"number": n})


def a_rep(side: Side, rep: int, direction: Direction = Direction.INTERNAL, valid: bool = True, reason: str = "") -> Rep:
    return Rep(side, direction, rep, valid, 20.0 * direction.sign, 4.0, NAN, 1.0, 20.0, 20.0, 0.0, 0.5, 1.0, 0.2, (), reason, 1.0)


def not_counted(reason: str) -> Say:
    return Say("say.not_counted", sentence=because(reason))


class Talk:
    """A coach with its scoreboard, told what happens in each step."""

    def __init__(self, sides: tuple[Side, ...] = BOTH, reps: int = 3, drill: str = "seated-internal") -> None:
        self.sides, self.coach = sides, Coach(sides, reps, NEUTRAL_S, load_table().drill(drill))
        self.board, self.time_s = Scoreboard(), 0.0
        self.said: list[tuple[float, Say]] = []

    def step(self, after_s: float = 0.05, reason: str = "", still_s: dict[Side, float] | None = None, **more) -> list[Say]:
        """Take a step some time after the last one; without `still_s` the neutral pose was taken long ago."""
        self.time_s = round(self.time_s + after_s, 6)
        angle = NAN if reason else 5.0
        samples = {
            s: RotationSample(time_s=self.time_s, side=s, live_deg=angle, corrected_deg=angle, uncertainty_deg=3.4, reason=reason)
            for s in self.sides
        }
        still_s = dict.fromkeys(self.sides, NAN) if still_s is None else still_s
        step = Step(empty_pose(self.time_s, (640, 480), ""), samples, still_s=still_s, **more)
        self.board.add(step)
        said = self.coach.update(step, self.board)
        self.said += [(self.time_s, say) for say in said]
        return said

    def still(self, still_s: float, reason: str = Reason.WAITING, **sides: float) -> list[Say]:
        return self.step(reason=reason, still_s={side: sides.get(side, still_s) for side in self.sides})

    def ready(self) -> Talk:
        self.step(neutrals=taken(LEFT))
        return self


# ---------------------------------------------------------------------- count-down
def test_counts_down_while_still_and_says_go_with_a_beep():
    talk = Talk()
    for eighth in range(8):
        talk.still(NEUTRAL_S * eighth / 8)
    talk.ready()
    assert [say for _, say in talk.said] == [number(2), number(1), GO, FIRST]


def test_a_short_rest_is_no_count_down():
    talk = Talk()
    for still_s in (0.0, 0.25, 0.0, 0.25, 0.25, 0.0):
        assert talk.still(still_s) == []


def test_moving_starts_it_again_and_says_so_once():
    talk = Talk()
    said = [say for still_s in (0.5, 1.25, 0.0, 0.5, 1.25, 0.0, 0.5, 1.0, 1.75) for say in talk.still(still_s)]
    assert said == [number(2), number(1), STILL, number(2), number(1), number(2), number(1)]
    assert GO in [say for _, say in talk.ready().said]


def test_moving_early_is_not_worth_a_word():
    talk = Talk()
    assert [say for still_s in (0.5, 0.75, 0.0, 0.5, 0.75, 0.0) for say in talk.still(still_s)] == [number(2)] * 2


def test_who_was_still_in_vain_is_told_why():
    """Still for long enough, but no position to measure from: "hold still" would be the wrong thing to say."""
    talk = Talk()
    talk.still(1.5)
    assert talk.still(0.0, reason="the thigh points down too far") == [Say(sentence=because("the thigh points down too far"))]


def test_one_still_leg_is_enough_to_count_down():
    talk = Talk()
    assert talk.still(0.0, left=1.0) == [number(1)]


def taken(side: Side) -> tuple[NeutralTaken, ...]:
    return (NeutralTaken(side, 0.0, 2.0, 0.0, {}, ""),)


def test_go_is_said_when_both_legs_are_ready_and_which_begins():
    talk = Talk()
    talk.still(1.0)
    assert talk.step(still_s={LEFT: NAN, RIGHT: 1.5}, neutrals=taken(LEFT)) == []
    assert talk.step(still_s={LEFT: NAN, RIGHT: 1.9}) == []
    assert talk.step(neutrals=taken(RIGHT)) == [GO, FIRST]


def test_the_leg_that_is_not_ready_is_named_with_its_reason_and_go_waits_for_it():
    talk = Talk()
    talk.step(still_s={LEFT: NAN, RIGHT: 0.0}, neutrals=taken(LEFT))
    samples = {LEFT: "", RIGHT: "the right knee is hidden"}
    for _ in range(round((GO_WITH_ONE_S - 0.1) / 0.05)):
        talk.time_s = round(talk.time_s + 0.05, 6)
        found = {s: RotationSample(time_s=talk.time_s, side=s, reason=reason) for s, reason in samples.items()}
        step = Step(empty_pose(talk.time_s, (640, 480), ""), found, still_s={LEFT: NAN, RIGHT: 0.0})
        talk.said += [(talk.time_s, say) for say in talk.coach.update(step, talk.board)]
    assert GO not in [say for _, say in talk.said]
    said = [say for _, say in talk.said]
    assert said == [Say("say.not_yet_right"), Say(sentence=because("the right knee is hidden"))]
    assert talk.said[0][0] >= OTHER_LEG_AFTER_S


def test_a_leg_that_stays_out_of_sight_does_not_hold_up_the_other():
    """Lying on the side only one leg can be seen."""
    talk = Talk(drill="sidelying-strength-internal")
    for _ in range(round((GO_WITH_ONE_S + 0.2) / 0.05)):
        talk.step(still_s={LEFT: 0.0, RIGHT: NAN}, reason="the left leg is hidden", neutrals=taken(RIGHT))
    said = [say for _, say in talk.said]
    assert said[said.index(GO) :][:2] == [GO, Say("say.first_right")]
    assert talk.coach.leg(talk.board) is RIGHT


def test_where_both_legs_can_be_seen_go_waits_for_both_however_long_it_takes():
    talk = Talk()
    for _ in range(round(4 * GO_WITH_ONE_S / 0.05)):
        talk.step(still_s={LEFT: 0.0, RIGHT: NAN}, reason="the left leg is hidden")
    assert GO not in [say for _, say in talk.said]
    assert talk.step(neutrals=taken(LEFT)) == [GO, FIRST]


def test_a_leg_at_work_is_not_disturbed_until_it_is_the_turn_of_the_other():
    talk = Talk(reps=2)
    unready = {LEFT: 0.0, RIGHT: NAN}
    talk.step(still_s=unready, neutrals=taken(RIGHT))
    assert talk.step(2.0, still_s=unready, reps=(a_rep(RIGHT, 1),)) == [number(1)]
    assert talk.step(9.0, still_s=unready) == []
    assert talk.step(2.0, still_s=unready, reps=(a_rep(RIGHT, 2),))[-1] == Say("say.other_left", beep=True)
    said = [say for _ in range(3) for say in talk.step(2.0, still_s=unready, reason=Reason.WAITING)]
    assert said[:2] == [Say("say.not_yet_left"), STILL]


def test_taking_the_neutral_pose_again_is_counted_again():
    talk = Talk().ready()
    for still_s in (0.0, 0.5, 1.0, 1.75):
        talk.still(still_s)
    talk.ready()
    assert [say for _, say in talk.said] == [GO, FIRST, number(2), number(1), GO, FIRST]


def test_with_few_pictures_a_second_it_is_said_how_wide_the_error_will_be():
    slow, quick = Talk((RIGHT,)), Talk((RIGHT,))
    for _ in range(20):
        slow.step(0.1, still_s={RIGHT: 1.0}, reason=Reason.WAITING)
        quick.step(0.04, still_s={RIGHT: 1.0}, reason=Reason.WAITING)
    assert slow.step(0.1, neutrals=taken(RIGHT)) == [GO, Say("say.wide", {"error": 4})]
    assert quick.step(0.04, neutrals=taken(RIGHT)) == [GO]


# ---------------------------------------------------------------------- counting
def test_counts_every_repetition_once():
    talk = Talk(reps=0).ready()
    for n in range(1, 4):
        assert talk.step(reps=(a_rep(RIGHT, n),)) == [number(n)]
        assert talk.step() == []


def test_the_two_halves_of_a_combined_repetition_are_one():
    talk = Talk((RIGHT,), 3, "seated-combined").ready()
    assert talk.step(reps=(a_rep(RIGHT, 1),)) == []
    assert talk.step(reps=(a_rep(RIGHT, 1, Direction.EXTERNAL),)) == [number(1)]


def test_the_last_half_ends_no_session():
    """The everyday test said "3, well done" at the external half of the third, and the result had two internal ones."""
    talk = Talk((RIGHT,), 2, "seated-combined").ready()
    both = [a_rep(RIGHT, 1, direction) for direction in Direction]
    half = a_rep(RIGHT, 2, Direction.EXTERNAL, reason="half:direction=internal")
    assert talk.step(reps=tuple(both)) == [number(1)]
    assert talk.step(reps=(half,)) == [not_counted(half.reason)]
    assert talk.coach.leg(talk.board) is RIGHT
    assert talk.step(reps=tuple(a_rep(RIGHT, 3, direction) for direction in Direction)) == [number(2), DONE]


def test_what_is_not_valid_is_told_once_with_its_reason_and_does_not_end_the_set():
    talk = Talk((RIGHT,), 2).ready()
    bad = [a_rep(RIGHT, n, valid=False, reason="fault:letter=P") for n in (1, 2)]
    assert [talk.step(reps=(rep,)) for rep in bad] == [[not_counted("fault:letter=P")]] * 2
    assert talk.step(revised=(bad[0],)) == []
    said = [say for n in (3, 4) for say in talk.step(reps=(a_rep(RIGHT, n),))]
    assert said == [number(1), number(2), DONE]


def test_a_repetition_that_turns_out_to_be_partial_is_done_again_and_no_number_is_said_twice():
    talk = Talk((RIGHT,), 3).ready()
    for n in (1, 2):
        talk.step(reps=(a_rep(RIGHT, n),))
    partial = a_rep(RIGHT, 2, valid=False, reason="partial")
    assert talk.step(revised=(partial,)) == [not_counted(partial.reason)]
    assert talk.step(reps=(a_rep(RIGHT, 3),)) == [number(3)]
    assert talk.board.counted(RIGHT) == 3
    assert talk.step(reps=(a_rep(RIGHT, 4),)) == [number(4), DONE]


def test_a_repetition_that_turns_out_to_be_whole_after_all_ends_the_set_without_a_number_of_its_own():
    talk = Talk((RIGHT,), 2).ready()
    talk.step(reps=(a_rep(RIGHT, 1),))
    talk.step(revised=(a_rep(RIGHT, 1, valid=False, reason="partial"),))
    assert talk.step(reps=(a_rep(RIGHT, 2),)) == [number(2)]
    assert talk.step(revised=(a_rep(RIGHT, 1),)) == [DONE]


def test_other_leg_and_done_are_said_with_a_beep():
    talk = Talk(reps=2).ready()
    said = [say for rep in (a_rep(RIGHT, 1), a_rep(RIGHT, 2), a_rep(LEFT, 1), a_rep(LEFT, 2)) for say in talk.step(reps=(rep,))]
    assert said == [number(1), number(2), Say("say.other_left", beep=True), number(1), number(2), DONE]


def test_both_legs_at_once_need_no_word_about_the_other():
    talk = Talk(reps=1).ready()
    assert talk.step(reps=(a_rep(RIGHT, 1), a_rep(LEFT, 1))) == [number(1), number(1), DONE]


def test_without_a_number_of_repetitions_there_is_no_end():
    talk = Talk(reps=0).ready()
    assert [say for n in range(1, 30) for say in talk.step(reps=(a_rep(LEFT, n),))] == [number(n) for n in range(1, 30)]
    assert talk.coach.leg(talk.board) is LEFT


def test_the_turn_follows_the_leg_that_moves_until_it_has_done_its_number():
    talk = Talk(reps=2).ready()
    turns = [talk.coach.leg(talk.board)]
    for rep in (a_rep(RIGHT, 1), a_rep(RIGHT, 2), a_rep(LEFT, 1), a_rep(RIGHT, 3), a_rep(LEFT, 2)):
        talk.step(reps=(rep,))
        turns.append(talk.coach.leg(talk.board))
    assert turns == [LEFT, RIGHT, LEFT, LEFT, LEFT, None]


# ---------------------------------------------------------------------- cues and reasons
def test_one_cue_every_few_seconds():
    talk = Talk().ready()
    for _ in range(240):  # twelve seconds
        talk.step(cues={RIGHT: "Keep your thigh still.", LEFT: "Sit on both sides alike."})
    cues = [time_s for time_s, say in talk.said if say.sentence]
    assert {say.sentence for _, say in talk.said if say.sentence} == {"Keep your thigh still."}
    assert len(cues) == 3 and min(np.diff(cues)) >= CUE_EVERY_S - 1e-6


def test_a_count_goes_before_a_cue():
    talk = Talk().ready()
    assert talk.step(reps=(a_rep(LEFT, 1),), cues={LEFT: "Keep your thigh still."}) == [number(1)]
    assert talk.step(cues={LEFT: "Keep your thigh still."}) == [Say(sentence="Keep your thigh still.")]


def test_a_lost_leg_is_explained_when_it_lasts():
    talk = Talk().ready()
    for _ in range(round((REASON_AFTER_S - 0.2) / 0.05)):
        assert talk.step(reason="the left foot is not in the picture") == []
    talk.step()  # there it is again
    for _ in range(round(12 / 0.05)):
        talk.step(reason="the left foot is not in the picture")
    times = [time_s for time_s, say in talk.said if say.sentence]
    assert len(times) == 2 and times[1] - times[0] >= CUE_EVERY_S - 1e-6
    assert times[0] == pytest.approx(2 * REASON_AFTER_S, abs=0.5)


def test_one_leg_in_sight_needs_no_explanation():
    talk = Talk().ready()
    for _ in range(200):
        talk.time_s = round(talk.time_s + 0.05, 6)
        samples = {s: RotationSample(time_s=talk.time_s, side=s, reason="" if s is LEFT else "hidden") for s in BOTH}
        step = Step(empty_pose(talk.time_s, (640, 480), ""), samples, still_s=dict.fromkeys(BOTH, NAN))
        assert talk.coach.update(step, talk.board) == []


# ---------------------------------------------------------------------- holds
def test_the_seconds_of_a_hold_are_said():
    talk = Talk((RIGHT,), 0).ready()
    for _ in range(round(11.0 / 0.05)):
        talk.step(moving=frozenset({RIGHT}))
    talk.step()
    for _ in range(round(6.0 / 0.05)):
        talk.step(moving=frozenset({RIGHT}))
    assert [say.values["seconds"] for _, say in talk.said if say.key == "say.held"] == [5, 10, 5]


def test_a_hold_begins_where_the_leg_stays():
    clock, held = HoldClock(), []
    for n in range(200):  # out in two seconds, held for six with a tremble, and back in two
        time_s = n * 0.05
        angle_deg = 30 * min(time_s / 2, 1, (10 - time_s) / 2) + (1.5 if n % 2 else 0)
        held.append(clock.update(time_s, angle_deg, angle_deg > 3))
    assert max(held[:38]) < 0.7
    assert held[round(8.0 / 0.05)] == pytest.approx(6.0, abs=0.5)
    assert max(held[-20:]) < 0.7
    assert clock.update(11.0, 0.0, False) == 0.0


# ---------------------------------------------------------------------- the set-up
def finding(check: str, state: State = State.PROBLEM) -> SetupFinding:
    return SetupFinding(check, state, f"The {check} is {state}.")


def ushered(findings: Callable[[float], Sequence[SetupFinding]], for_s: float) -> list[tuple[float, str]]:
    """Return what is said in the set-up and when."""
    usher = Usher(load_table().drill("seated-internal"))
    times = [n / 10 for n in range(round(for_s * 10))]
    return [(time_s, say.sentence) for time_s in times for say in usher.update(findings(time_s), time_s)]


def test_the_set_up_is_said_from_the_first_picture_on():
    drill = load_table().drill("seated-internal")
    said = ushered(lambda _: [finding("camera", State.GOOD)], 20.0)
    assert said == [(0.0, drill.title), (0.0, drill.steps[0])]


def test_one_thing_to_change_is_said_at_a_time_and_again_when_it_stays():
    wrong = [finding("camera"), finding("legs"), finding("rate")]
    said = ushered(lambda time_s: wrong if time_s < 20 else wrong[:1], 22.0)[2:]
    assert [text for _, text in said] == ["The legs is problem.", "The legs is problem.", "The camera is problem."]
    assert np.diff([time_s for time_s, _ in said]) == pytest.approx([SETUP_AGAIN_S, 20.0 - SETUP_FROM_S - SETUP_AGAIN_S])
    assert min(np.diff([time_s for time_s, _ in said])) >= SETUP_EVERY_S


def test_few_pictures_are_nothing_to_wait_for():
    assert next_step([finding("rate"), finding("legs", State.GOOD)]) is None
    assert next_step([finding("legs", State.WAITING), finding("camera")]) == finding("camera")


# ---------------------------------------------------------------------- whole sessions
@pytest.mark.parametrize(
    ("name", "counts"),
    [("internal_right", [1, 2, 3, 4]), ("external_right", [1, 2, 3, 4]), ("combined_left", [1, 2]), ("idle", [])],
)
def test_a_recorded_session_is_not_chatty(name, counts):
    recorded = recording(name)
    drill = load_table().drill(recorded.drill)
    coach, board, said = Coach((Side(recorded.side),), 0, 0.7, drill), Scoreboard(), []
    tracker = RotationTracker(drill, (Side(recorded.side),), TrackerSettings(neutral_s=0.7))
    for pose in recorded.poses:
        step = tracker.update(pose)
        board.add(step)
        said += [(pose.time_s, say) for say in coach.update(step, board)]
    after = [say.values["number"] for time_s, say in said[said_go(said) :] if say.key == "say.number"]
    assert after == counts
    assert len(said) <= len(counts) + 3, said


def said_go(said: list[tuple[float, Say]]) -> int:
    """Return what follows the word to begin."""
    (place,) = [n for n, (_, say) in enumerate(said) if say == GO]
    return place + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_has_words(language):
    t = Texts(language)
    sides = ("say.other", "say.first", "say.not_yet")
    keys = ("say.go", "say.still", "say.done", *(f"{key}_{side}" for key in sides for side in Side))
    assert len({t(key) for key in keys}) == len(keys)
    assert t("say.number", number=3) == "3"
    assert t("say.not_counted", sentence="why").endswith("why")


# ---------------------------------------------------------------------- a range not to be passed
def test_a_range_that_is_not_to_be_passed_is_warned_of_before_all_else() -> None:
    recorded = recording("internal_right")
    coach = Coach((RIGHT,), 3, NEUTRAL_S, load_table().drill("seated-internal"), {(RIGHT, Direction.INTERNAL): 15.0})
    tracker, board = RotationTracker(coach._drill, (RIGHT,), TrackerSettings(neutral_s=0.5)), Scoreboard()
    warned, beyond = [], []
    for pose in recorded.poses:
        step = tracker.update(pose)
        board.add(step)
        said = coach.update(step, board)
        angle_deg = step.samples[RIGHT].live_deg if RIGHT in step.samples else NAN
        assert (coach.too_far == 15.0) == (angle_deg > 15.0), "from the moment it is passed to the moment it is not"
        beyond += [pose.time_s] if angle_deg > 15.0 else []
        if any(say.key == "say.too_far" for say in said):
            warned.append(pose.time_s)
            assert said == [Say("say.too_far", {"degrees": 15}, beep=True, cut=True)]
    assert warned[0] == beyond[0] and len(warned) >= 2
    assert all(later - earlier >= TOO_FAR_EVERY_S for earlier, later in itertools.pairwise(warned))


def test_a_hold_that_is_long_enough_is_said_once() -> None:
    coach = Coach((RIGHT,), 0, NEUTRAL_S, load_table().drill("seated-internal"), target_hold_s=3.0)
    board, said = Scoreboard(), []
    for frame in range(180):
        time_s = frame / 30
        sample = RotationSample(time_s=time_s, side=RIGHT, live_deg=30.0, corrected_deg=30.0, uncertainty_deg=3.0, reason="")
        step = Step(empty_pose(time_s, (640, 480), ""), {RIGHT: sample}, moving=frozenset({RIGHT}))
        said += [(time_s, say.key) for say in coach.update(step, board) if say.key.startswith("say.held")]
    assert [key for _, key in said] == ["say.held_enough", "say.held"]
    assert said[0][0] == pytest.approx(3.0, abs=0.6)
