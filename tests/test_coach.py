"""What is said during a session: count-down, count, the other leg, one cue at a time; and what is left unsaid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import BOTH, recording

from rotrack.app.live.coach import CUE_EVERY_S, GO_WITH_ONE_S, OTHER_LEG_AFTER_S, REASON_AFTER_S, Coach, Say
from rotrack.core.drills import load_table
from rotrack.core.model import Direction, NeutralTaken, Rep, RotationSample, Side, Step, empty_pose
from rotrack.texts import LANGUAGES, Texts
from rotrack.tracking.neutral import REASON_WAITING
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


def a_rep(side: Side, rep: int, direction: Direction = Direction.INTERNAL) -> Rep:
    return Rep(side, direction, rep, True, 20.0 * direction.sign, 4.0, NAN, 1.0, 20.0, 20.0, 0.0, 0.5, 1.0, 0.2, (), "", 1.0)


class Talk:
    """A coach with its scoreboard, told what happens in each step."""

    def __init__(self, sides: tuple[Side, ...] = BOTH, reps: int = 3, one_leg: bool = False) -> None:
        self.sides, self.coach = sides, Coach(sides, reps, NEUTRAL_S, one_leg)
        self.board, self.time_s = Scoreboard(), 0.0
        self.said: list[tuple[float, Say]] = []

    def step(self, after_s: float = 0.05, reason: str = "", still_s: dict[Side, float] | None = None, **more) -> list[Say]:
        """Take a step some time after the last one; without `still_s` the neutral pose was taken long ago."""
        self.time_s = round(self.time_s + after_s, 6)
        angle = NAN if reason else 5.0
        samples = {s: RotationSample(self.time_s, s, *[angle] * 4, NAN, NAN, angle, NAN, 0.0, 4.0, reason) for s in self.sides}
        still_s = dict.fromkeys(self.sides, NAN) if still_s is None else still_s
        step = Step(empty_pose(self.time_s, (640, 480), ""), samples, still_s=still_s, **more)
        self.board.add(step)
        said = self.coach.update(step, self.board)
        self.said += [(self.time_s, say) for say in said]
        return said

    def still(self, still_s: float, reason: str = REASON_WAITING, **sides: float) -> list[Say]:
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
    assert talk.still(0.0, reason="the thigh points down too far") == [Say(sentence="the thigh points down too far")]


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
        found = {s: RotationSample(talk.time_s, s, *[NAN] * 10, reason) for s, reason in samples.items()}
        step = Step(empty_pose(talk.time_s, (640, 480), ""), found, still_s={LEFT: NAN, RIGHT: 0.0})
        talk.said += [(talk.time_s, say) for say in talk.coach.update(step, talk.board)]
    assert GO not in [say for _, say in talk.said]
    said = [say for _, say in talk.said]
    assert said == [Say("say.not_yet_right"), Say(sentence="the right knee is hidden")]
    assert talk.said[0][0] >= OTHER_LEG_AFTER_S


def test_a_leg_that_stays_out_of_sight_does_not_hold_up_the_other():
    """Lying on the side only one leg can be seen."""
    talk = Talk(one_leg=True)
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
    said = [say for _ in range(3) for say in talk.step(2.0, still_s=unready, reason=REASON_WAITING)]
    assert said[:2] == [Say("say.not_yet_left"), STILL]


def test_taking_the_neutral_pose_again_is_counted_again():
    talk = Talk().ready()
    for still_s in (0.0, 0.5, 1.0, 1.75):
        talk.still(still_s)
    talk.ready()
    assert [say for _, say in talk.said] == [GO, FIRST, number(2), number(1), GO, FIRST]


# ---------------------------------------------------------------------- counting
def test_counts_every_repetition_once():
    talk = Talk(reps=0).ready()
    for n in range(1, 4):
        assert talk.step(reps=(a_rep(RIGHT, n),)) == [number(n)]
        assert talk.step() == []


def test_the_two_halves_of_a_combined_repetition_are_one():
    talk = Talk((RIGHT,), 3).ready()
    assert talk.step(reps=(a_rep(RIGHT, 1),)) == [number(1)]
    assert talk.step(reps=(a_rep(RIGHT, 1, Direction.EXTERNAL),)) == []


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
        samples = {s: RotationSample(talk.time_s, s, *[NAN] * 10, "" if s is LEFT else "hidden") for s in BOTH}
        step = Step(empty_pose(talk.time_s, (640, 480), ""), samples, still_s=dict.fromkeys(BOTH, NAN))
        assert talk.coach.update(step, talk.board) == []


# ---------------------------------------------------------------------- whole sessions
@pytest.mark.parametrize(
    ("name", "counts"),
    [("internal_right", [1, 2, 3, 4]), ("external_right", [1, 2, 3, 4]), ("combined_left", [1, 2]), ("idle", [])],
)
def test_a_recorded_session_is_not_chatty(name, counts):
    recorded = recording(name)
    coach, board, said = Coach((Side(recorded.side),), 0, 0.7), Scoreboard(), []
    tracker = RotationTracker(load_table().drill(recorded.drill), (Side(recorded.side),), TrackerSettings(neutral_s=0.7))
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
