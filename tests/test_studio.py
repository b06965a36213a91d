"""The camera and the session behind the pages: every way through it, and what may go wrong on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from clocks import DEAD_AFTER_S
from helpers import BothLegs, wait_until
from made_sessions import write
from page_helpers import FILM, LOST, SIZE_PX, Film, logged, plan, seated, still, wait_for_phase

from rotrack.app.live import studio as studio_module
from rotrack.app.live.studio import ALL_GOOD_S, START_STILL_S, TRACE_S, Phase, Studio
from rotrack.app.pages.live import _earlier
from rotrack.core.errors import InputError, ModelError, NotMeasuredError, RecordError
from rotrack.core.model import MEASURE_VERSION, WITHOUT_LEGNET, Direction, Rep, Side
from rotrack.placement.check import CHECKS
from rotrack.placement.finding import SetupFinding, State
from rotrack.records.landmarks import read_poses
from rotrack.records.repetitions import read_repetitions
from rotrack.records.store import read_sessions, session_folder
from rotrack.sensing.sources import REOPEN_EVERY_S
from rotrack.texts import Texts

LEFT, RIGHT = Side
Start = Callable[[Film], Studio]
GOOD_AFTER = round(ALL_GOOD_S * 30)
"""Pictures after which the start begins by itself."""
AT_REST = round((4.0 + 7.05) * 30)
"""Picture of `seated` between the second and the third repetition."""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Return what makes a studio of a film; at the end all of it must be over, with no thread left."""
    made: list[tuple[Studio, Film]] = []
    before = set(threading.enumerate())

    def make(film: Film) -> Studio:
        film.play(monkeypatch)
        made.append((Studio(FILM, tmp_path, clock=film.clock), film))
        return made[-1][0]

    yield make
    for studio, film in made:
        film.plugged.set()
        film.go_on_everywhere()
        studio.close()
    assert wait_until(lambda: set(threading.enumerate()) <= before, DEAD_AFTER_S), set(threading.enumerate()) - before


def finish(studio: Studio, film: Film) -> dict:
    """Let a film run to its end and end the session; return what was logged last."""
    assert film.over.wait(DEAD_AFTER_S), (film.shown, studio.phase, studio.problem)
    studio.end()
    wait_for_phase(studio, Phase.DONE)
    return next(info for info in logged(studio.data) if info["session_id"] == studio.session_id)


def peaks(data: Path, session_id: str) -> list[tuple[int, int]]:
    """Return number and rounded peak of what is in the log."""
    return [(rep.rep, round(rep.peak_deg)) for rep in reps_of(data, session_id)]


def reps_of(data: Path, session_id: str) -> tuple[Rep, ...]:
    """Return what is in the log."""
    return read_repetitions(session_folder(data, session_id))[0]


# ---------------------------------------------------------------------- the way through it
def test_from_the_check_to_the_result(start, tmp_path):
    film = Film(seated())
    studio = start(film)
    phases: list[Phase] = []
    studio.watch(lambda: phases.append(studio.phase))
    assert studio.phase is Phase.IDLE
    studio.prepare(plan(person="Ada", note="first"))
    info = finish(studio, film)
    assert list(dict.fromkeys(phases)) == [Phase.CHECK, Phase.MEASURE, Phase.DONE]
    assert (info["session_id"], info["status"], info["person"], info["note"]) == (studio.session_id, "finished", "Ada", "first")
    assert [rep for rep, _ in peaks(tmp_path, studio.session_id)] == [1, 2, 3, 4]
    assert [peak for _, peak in peaks(tmp_path, studio.session_id)] == pytest.approx([15, 25, 35, 20], abs=4)
    assert [found["check"] for found in info["setup"]] == list(CHECKS)
    assert {found["state"] for found in info["setup"]} == {"good"}
    assert studio.problem == studio.lost == ""


@pytest.mark.parametrize("legnet", [True, False])
def test_the_leg_network_reads_along_unless_it_is_switched_off(start, legnet):
    film = Film(seated(), legnet=BothLegs())
    studio = start(film)
    studio.legnet = legnet
    studio.prepare(plan(person="Ada"))
    info = finish(studio, film)
    assert bool(info["legnet"]) == legnet
    assert info["measure_version"] == MEASURE_VERSION + ("" if legnet else WITHOUT_LEGNET)
    sessions, _ = read_sessions(studio.data)
    said = [len(pose.legs) for pose in read_poses(sessions[0].folder)]
    assert set(said) == {2 if legnet else 0}, "there is time for all pictures"
    assert _earlier(sessions, plan(person="Ada"), legnet), "what is shown as the last time"
    assert not _earlier(sessions, plan(person="Ada"), not legnet), "only like is compared with like"
    for unlike in ({"load_kg": 5.0}, {"band": "black"}, {"performed": "passive"}, {"value_rule": "single"}):
        assert not _earlier(sessions, plan(person="Ada", **unlike), legnet), unlike
    assert _earlier(sessions, plan(person="Ada", performed="active", pain_end=3.0), legnet), "as nobody called it passive"


def test_a_clock_that_is_behind_the_log_is_asked_about_before_the_camera_opens(start, tmp_path):
    film = Film(seated())
    tomorrow = film.clock.now() + timedelta(days=1)
    write(tmp_path, 1, started_at=tomorrow.isoformat(), number=1)
    studio = start(film)
    with pytest.raises(InputError, match="Is the clock right") as asked:
        studio.prepare(plan(person="Ada"))
    assert f"{tomorrow:%Y-%m-%d %H:%M}" in str(asked.value)
    assert "Geht die Uhr richtig?" in Texts("de").said(str(asked.value))
    assert studio.phase is Phase.IDLE
    studio.prepare(plan(person="Ada"))
    assert studio.phase is not Phase.IDLE, "whoever presses again has answered"


def test_a_damaged_leg_network_is_said_before_the_camera_opens(start, monkeypatch):
    def damaged() -> None:
        raise ModelError("damaged")

    studio = start(Film(seated()))
    monkeypatch.setattr(studio_module, "description", damaged)
    with pytest.raises(ModelError, match="damaged"):
        studio.prepare(plan())
    assert studio.phase is Phase.IDLE
    studio.legnet = False
    studio.prepare(plan())


def test_measuring_begins_by_itself_when_all_was_good_for_a_while(start):
    film = Film(seated(8.0), bad=[*range(20), GOOD_AFTER + 10])
    studio = start(film)
    before, then = 2 * GOOD_AFTER, 2 * GOOD_AFTER + 15
    film.hold(before)
    film.hold(then)
    studio.prepare(plan())
    film.wait_for(before)
    assert studio.phase is Phase.CHECK
    film.go_on(before)
    film.wait_for(then)
    assert studio.phase is Phase.MEASURE


def test_few_pictures_a_second_are_said_and_keep_nobody_from_starting(start):
    """They make the error wider; measuring works at ten a second, and a webcam in dim light gives fifteen."""
    few = SetupFinding("rate", State.PROBLEM, "rotrack reads only 10 frames per second.")
    film = Film(seated(), bad=range(10_000), problem=few)
    studio = start(film)
    studio.prepare(plan())
    info = finish(studio, film)
    assert {found["check"]: found["state"] for found in info["setup"]}["rate"] == "problem"
    assert len(peaks(studio.data, studio.session_id)) == 4


def test_measuring_anyway_is_logged(start):
    film = Film(seated(8.0), bad=range(10_000))
    studio = start(film)
    film.hold(4 * GOOD_AFTER)
    studio.prepare(plan())
    film.wait_for(4 * GOOD_AFTER)
    assert studio.phase is Phase.CHECK
    assert not (studio.data / "sessions").exists()
    studio.begin()
    film.go_on(4 * GOOD_AFTER)
    info = finish(studio, film)
    (light,) = (found for found in info["setup"] if found["check"] == "light")
    assert (light["state"], light["text"]["code"]) == ("problem", "setup.light_dark")
    assert [peak for _, peak in peaks(studio.data, studio.session_id)] == pytest.approx([15, 25, 35, 20], abs=4)


def test_times_of_the_log_count_from_the_start_of_measuring(start):
    film = Film(seated(4.0))
    studio = start(film)
    studio.prepare(plan())
    finish(studio, film)
    first = reps_of(studio.data, studio.session_id)[0]
    assert first.start_s == pytest.approx(4.0 - ALL_GOOD_S + 1.0, abs=0.5)


def test_ends_by_itself_after_the_repetitions(start):
    film = Film(seated())
    studio = start(film)
    studio.prepare(plan(reps=3))
    wait_for_phase(studio, Phase.DONE)
    assert [rep for rep, _ in peaks(studio.data, studio.session_id)] == [1, 2, 3]
    assert [say.key for _, say in studio.said][-1] == "say.done"
    assert film.shown < len(film.poses) - 30


def test_the_idle_leg_keeps_the_session_open(start):
    film = Film(seated())
    studio = start(film)
    studio.prepare(plan(sides=(LEFT, RIGHT), reps=2))
    assert film.over.wait(DEAD_AFTER_S)
    assert studio.phase is Phase.MEASURE
    assert [say.key for _, say in studio.said if say.key.startswith("say.other")] == ["say.other_left"]
    assert studio.picture is None  # nobody looks


def test_moving_in_the_count_down_starts_it_again_and_is_measured_all_the_same(start):
    """Four repetitions come before two seconds were held still, four after it; the first are counted once their zero is known."""
    film = Film(seated(ALL_GOOD_S + START_STILL_S - 1.8) + still(seated()[-1], 4.0) + seated(0.0))
    studio = start(film)
    studio.prepare(plan())
    finish(studio, film)
    keys = [say.key for _, say in studio.said]
    numbers = [(key, say.values.get("number")) for key, (_, say) in zip(keys, studio.said, strict=True)]
    assert keys.count("say.go") == 1
    go = keys.index("say.go")
    assert numbers[:go].count(("say.number", 2)) > 1, "the count-down began again"
    assert [number for key, number in numbers[go:] if key == "say.number"] == [4, 5, 6, 7, 8]


def test_the_neutral_pose_can_be_taken_again(start):
    film = Film(seated() + still(seated()[-1], 4.0) + seated(0.0))
    again = len(seated()) + 20
    film.hold(again)
    studio = start(film)
    studio.prepare(plan())
    film.wait_for(again)
    studio.retake()
    film.go_on(again)
    info = finish(studio, film)
    assert len(info["neutrals"]) == 2
    assert [rep for rep, _ in peaks(studio.data, studio.session_id)] == list(range(1, 9))


def test_the_person_who_was_tapped_is_followed(start):
    film = Film(still(seated()[0], 2.0), bad=range(10_000))
    film.hold(30)
    studio = start(film)
    studio.prepare(plan())
    film.wait_for(30)
    studio.choose_person((0.25, 0.5))
    film.go_on(30)
    assert film.over.wait(DEAD_AFTER_S)
    assert film.chosen == [(0.25 * SIZE_PX[0], 0.5 * SIZE_PX[1])]


def test_giving_up_in_the_check_leaves_nothing(start):
    film = Film(still(seated()[0], 2.0), bad=range(10_000))
    studio = start(film)
    studio.prepare(plan())
    assert film.over.wait(DEAD_AFTER_S)
    studio.end()
    wait_for_phase(studio, Phase.IDLE)
    assert not (studio.data / "sessions").exists()
    assert studio.problem == ""


# ---------------------------------------------------------------------- a camera that comes and goes
def test_a_camera_that_cannot_be_opened_is_waited_for(start):
    film = Film(seated())
    film.plugged.clear()
    studio = start(film)
    studio.prepare(plan())
    assert wait_until(lambda: "cannot be opened" in studio.problem)
    assert studio.phase is Phase.CHECK
    news: list[int] = []
    leave = studio.watch(lambda: news.append(1))
    for _ in range(3):
        film.clock.until_awaited()
        film.clock.advance(REOPEN_EVERY_S)
    film.clock.until_awaited()
    leave()
    assert news == []
    film.plug_in(REOPEN_EVERY_S)
    finish(studio, film)
    assert studio.problem == ""
    assert len(peaks(studio.data, studio.session_id)) == 4


def test_waiting_for_a_camera_can_be_ended(start):
    film = Film(seated())
    film.plugged.clear()
    studio = start(film)
    studio.prepare(plan())
    assert wait_until(lambda: studio.problem != "")
    studio.end()
    wait_for_phase(studio, Phase.IDLE)


def test_unplugged_in_the_check(start):
    film = Film(seated(), unplugged={20})
    studio = start(film)
    film.hold(19)
    studio.prepare(plan())
    film.wait_for(19)
    film.plugged.clear()
    film.go_on(19)
    assert wait_until(lambda: studio.lost == LOST, DEAD_AFTER_S)
    assert studio.phase is Phase.CHECK
    film.plug_in(5.0)
    info = finish(studio, film)
    assert studio.lost == ""
    assert info["status"] == "finished" and len(peaks(studio.data, studio.session_id)) == 4


@pytest.mark.parametrize("away_s", [1.5, 30.0])
def test_unplugged_while_measuring_the_count_goes_on(start, away_s):
    """Unplugged at rest between the second and the third repetition."""
    film = Film(seated(), unplugged={AT_REST})
    film.poses[AT_REST:AT_REST] = still(film.poses[AT_REST], 3.0)  # time for a neutral pose anew
    studio = start(film)
    film.hold(AT_REST - 1)
    studio.prepare(plan())
    film.wait_for(AT_REST - 1)
    session_id = logged(studio.data)[0]["session_id"]
    film.plugged.clear()
    film.go_on(AT_REST - 1)
    assert wait_until(lambda: studio.lost == LOST, DEAD_AFTER_S)
    assert studio.phase is Phase.MEASURE
    assert [rep for rep, _ in peaks(studio.data, session_id)] == [1, 2]
    film.plug_in(away_s)
    info = finish(studio, film)
    assert (studio.session_id, studio.lost) == (session_id, "")
    (warning,) = info["warnings"]
    assert "away" in warning["code"] and "came back" in warning["code"]
    reps = reps_of(studio.data, session_id)
    assert [rep.rep for rep in reps] == [1, 2, 3, 4]
    # Same film as without the gap, and the third repetition begins that much later.
    assert reps[2].start_s - reps[1].start_s == pytest.approx(6.1 + away_s, abs=0.4)


def test_unplugged_in_a_repetition_only_that_one_is_lost(start):
    at = round((4.0 + 5.5) * 30)
    film = Film(seated(), unplugged={at})
    film.poses[at:AT_REST] = still(film.poses[AT_REST], 3.0)
    studio = start(film)
    studio.prepare(plan())
    assert wait_until(lambda: studio.lost == LOST, DEAD_AFTER_S)
    film.plug_in(20.0)
    finish(studio, film)
    found = [peak for _, peak in peaks(studio.data, studio.session_id)]
    assert found[0] == pytest.approx(15, abs=4) and found[-2:] == pytest.approx([35, 20], abs=4)
    assert [rep for rep, _ in peaks(studio.data, studio.session_id)] == list(range(1, len(found) + 1))


def test_ended_while_the_camera_is_away(start):
    at = AT_REST
    film = Film(seated(), unplugged={at})
    studio = start(film)
    film.hold(at - 1)
    studio.prepare(plan())
    film.wait_for(at - 1)
    film.plugged.clear()
    film.go_on(at - 1)
    assert wait_until(lambda: studio.lost == LOST, DEAD_AFTER_S)
    studio.end()
    wait_for_phase(studio, Phase.DONE)
    (info,) = logged(studio.data)
    assert (info["status"], studio.session_id, studio.problem) == ("finished", info["session_id"], "")
    assert [rep for rep, _ in peaks(studio.data, studio.session_id)] == [1, 2]


def test_ended_just_before_the_camera_is_seen_to_be_away(start):
    """A dead camera is noticed only after some seconds; who ends the session in them must not wait for it to come back."""
    at = AT_REST
    film = Film(seated(), unplugged={at}, noticed_after_s=3.0)
    studio = start(film)
    film.hold(at - 1)
    studio.prepare(plan())
    film.wait_for(at - 1)
    film.plugged.clear()
    film.go_on(at - 1)
    film.clock.until_awaited()
    studio.end()
    wait_for_phase(studio, Phase.DONE)
    assert [rep for rep, _ in peaks(studio.data, studio.session_id)] == [1, 2]


# ---------------------------------------------------------------------- one session after another
@pytest.mark.parametrize("phase", [Phase.CHECK, Phase.MEASURE])
def test_pages_of_a_session_hear_of_the_next_one_only(start, phase):
    film = Film(seated(), bad=range(10_000) if phase is Phase.CHECK else ())
    studio = start(film)
    studio.prepare(plan())
    wait_for_phase(studio, phase)
    heard: list[Phase] = []
    studio.watch(lambda: heard.append(studio.phase) if studio.prepared == 1 else None)
    studio.prepare(plan())  # idle or done in between would send them to the cards or to a result
    assert set(heard) <= {phase}
    assert studio.prepared == 2


def test_preparing_another_one_keeps_the_session_that_runs(start):
    film = Film(seated(times=2))
    half = len(seated())
    film.hold(half)
    studio = start(film)
    studio.prepare(plan(person="Ada"))
    film.wait_for(half)
    other = threading.Thread(target=studio.prepare, args=(plan("seated-external", (LEFT,), person="Bo"),))
    other.start()
    assert film.closed.wait(DEAD_AFTER_S), "the film would go on into the next repetition otherwise"
    film.go_on(half)
    other.join(DEAD_AFTER_S)
    assert studio.plan.person == "Bo"
    assert studio.phase in (Phase.CHECK, Phase.MEASURE)
    (first,) = (info for info in logged(studio.data) if info["person"] == "Ada")
    assert first["status"] == "finished"
    assert [rep for rep, _ in peaks(studio.data, first["session_id"])] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("wanted", "error", "word"),
    [
        ({"drill": "supine-straight-internal"}, NotMeasuredError, "supine-straight-internal"),
        ({"model": "no-such-model"}, ModelError, "no-such-model"),
        ({"person": "Ada\nBo"}, InputError, "one line"),
        ({"load_kg": -3.0}, InputError, "load"),
    ],
)
def test_what_cannot_be_carried_out_leaves_the_running_session_alone(start, wanted, error, word):
    film = Film(seated())
    film.hold(200)
    studio = start(film)
    studio.prepare(plan(person="Ada"))
    film.wait_for(200)
    studio.legnet = "drill" not in wanted  # this one needs it
    with pytest.raises(error, match=word):
        studio.prepare(plan(**wanted))
    film.go_on(200)
    finish(studio, film)
    assert studio.plan.person == "Ada"
    assert len(peaks(studio.data, studio.session_id)) == 4


def test_two_pages_that_start_at_once(start):
    film = Film(seated())
    studio = start(film)
    threads = [threading.Thread(target=studio.prepare, args=(plan(person=name),)) for name in ("Ada", "Bo", "Cy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEAD_AFTER_S)
        assert not thread.is_alive()
    assert [t.name for t in threading.enumerate() if t.name == "studio"] == ["studio"]
    assert studio.plan.person in ("Ada", "Bo", "Cy")


def test_everything_can_be_asked_when_nothing_runs(start):
    studio = start(Film(seated()))
    studio.begin()
    studio.retake()
    studio.choose_person((0.5, 0.5))
    studio.end()
    studio.join()
    assert studio.phase is Phase.IDLE
    studio.prepare(plan())  # what was asked before does not count for it
    wait_for_phase(studio, Phase.MEASURE)


# ---------------------------------------------------------------------- what may go wrong in the thread
@pytest.fixture
def crashes(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """Return the errors that ended a thread."""
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    return seen


def test_an_error_of_its_own_in_the_check_is_told(start, crashes):
    film = Film(seated(), broken={20: ZeroDivisionError()})
    studio = start(film)
    studio.prepare(plan())
    wait_for_phase(studio, Phase.IDLE)
    assert "error of rotrack's own" in studio.problem
    assert wait_until(lambda: crashes == [ZeroDivisionError])
    film.broken.clear()
    studio.prepare(plan())
    assert studio.problem == ""
    finish(studio, film)


def test_an_error_of_its_own_while_measuring_keeps_what_was_measured(start, crashes):
    film = Film(seated(), broken={AT_REST: ZeroDivisionError()})
    studio = start(film)
    studio.prepare(plan())
    wait_for_phase(studio, Phase.DONE)
    assert "what was measured is kept" in studio.problem
    assert wait_until(lambda: crashes == [ZeroDivisionError])
    (info,) = logged(studio.data)
    assert info["status"] == "stopped"
    assert [rep for rep, _ in peaks(studio.data, info["session_id"])] == [1, 2]


def test_a_full_disk_is_told_in_one_sentence(start, monkeypatch, crashes):
    from rotrack.records import writer

    def full(*_: object) -> None:
        raise RecordError("The log cannot be written, the disk is full: free some space. What was logged before is kept.")

    monkeypatch.setattr(writer, "repetition_line", full)
    studio = start(Film(seated()))
    studio.prepare(plan())
    wait_for_phase(studio, Phase.DONE)
    assert "disk is full" in studio.problem
    assert crashes == []


def test_nothing_measured_is_told(start):
    film = Film(still(seated()[0], 2.0), bad=())
    studio = start(film)
    studio.prepare(plan())
    assert film.over.wait(DEAD_AFTER_S)
    studio.end()
    wait_for_phase(studio, Phase.DONE)
    assert studio.problem.startswith("Nothing could be measured:") and not studio.session_id


# ---------------------------------------------------------------------- who looks on
def test_nothing_is_drawn_while_nobody_looks(start, monkeypatch):
    drawn: list[int] = []
    monkeypatch.setattr(studio_module, "live_picture", lambda *_: drawn.append(1) or (b"", SIZE_PX))
    film = Film(seated())
    studio = start(film)
    studio.prepare(plan())
    finish(studio, film)
    assert drawn == []


def test_slow_drawing_drops_pictures_and_delays_nothing(start, monkeypatch):
    """The first picture takes as long to draw as the whole session; then the last one is drawn."""
    drawing, drawn = threading.Event(), []

    def slow(rgb, pose, sides):
        drawn.append(pose.time_s)
        drawing.wait(DEAD_AFTER_S)
        return b"jpeg", SIZE_PX

    monkeypatch.setattr(studio_module, "live_picture", slow)
    film = Film(seated())
    studio = start(film)
    studio.watch(lambda: None)
    studio.prepare(plan())
    assert film.over.wait(DEAD_AFTER_S)
    assert len(drawn) == 1
    drawing.set()
    assert wait_until(lambda: len(drawn) == 2, DEAD_AFTER_S)
    info = finish(studio, film)
    assert info["frames"] == len(film.poses) - 1 - GOOD_AFTER
    assert drawn[1] == pytest.approx((info["frames"] - 1) / 30)
    assert len(peaks(studio.data, studio.session_id)) == 4


def test_a_page_that_comes_late_or_leaves_changes_nothing(start):
    film = Film(seated())
    half = len(film.poses) // 2
    film.hold(half)
    studio = start(film)
    studio.prepare(plan())
    film.wait_for(half)
    early, late = [], []
    leave = studio.watch(lambda: early.append(1))
    studio.watch(lambda: late.append(1))
    leave()
    leave()
    film.go_on(half)
    finish(studio, film)
    assert early == [] and late
    assert studio.picture is None


def test_pictures_carry_what_belongs_to_them(start):
    film = Film(seated())
    at = round((4.0 + 8.5) * 30)  # at the top of the third repetition
    film.hold(at)
    studio = start(film)
    studio.watch(lambda: None)
    studio.prepare(plan(sides=(LEFT, RIGHT)))
    film.wait_for(at)
    assert wait_until(lambda: studio.picture is not None and studio.picture.shot.frame.index == at - 1, DEAD_AFTER_S)
    picture = studio.picture
    assert picture.size_px == SIZE_PX and picture.jpeg[:2] == b"\xff\xd8"
    right, left = picture.shot.legs[RIGHT], picture.shot.legs[LEFT]
    assert right["angle_deg"] == pytest.approx(35, abs=5) and abs(left["angle_deg"]) < 5
    assert (right["count"], left["count"]) == (2, 0)
    assert right["best_deg"][Direction.INTERNAL] == pytest.approx(25, abs=4)
    assert (right["begun"], left["begun"]) == (True, False)
    assert picture.shot.turn is RIGHT
    assert picture.shot.grabbed_s == pytest.approx((at - 1) / 30)


def test_trace_and_words_do_not_grow_without_end(start):
    film = Film(seated(times=4))
    studio = start(film)
    studio.prepare(plan())
    finish(studio, film)
    times = [time_s for time_s, _ in studio.trace]
    assert TRACE_S - 1 < times[-1] - times[0] <= TRACE_S
    assert len(times) <= TRACE_S * 30 + 1
    assert len(studio.said) <= studio_module.SAID_KEPT
    assert len(peaks(studio.data, studio.session_id)) == 16
    numbers = [number for number, _ in studio.said]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_another_session_begins_with_an_empty_trace(start):
    film = Film(seated())
    studio = start(film)
    studio.prepare(plan())
    finish(studio, film)
    last = studio.said[-1][0]
    film.again()
    film.hold(1)
    studio.prepare(plan())
    assert studio.prepared == 2
    assert not studio.trace and studio.picture is None and studio.session_id == ""
    assert all(number > last for number, _ in studio.said)
    film.go_on(1)
    wait_for_phase(studio, Phase.MEASURE)
    assert wait_until(lambda: bool(studio.said), DEAD_AFTER_S)
    assert studio.said[0][0] == last + 1  # a page that heard the last one hears this one, too


@pytest.mark.parametrize(("phase", "after", "limit_s"), [(Phase.CHECK, Phase.IDLE, 30.0), (Phase.MEASURE, Phase.DONE, 600.0)])
def test_a_camera_that_nobody_looks_at_is_closed(start, phase, after, limit_s):
    film = Film(seated(), bad=range(10_000) if phase is Phase.CHECK else ())
    for index in (200, 201, 202):
        film.hold(index)
    studio = start(film)
    leave = studio.watch(lambda: None)
    studio.prepare(plan())
    film.wait_for(200)
    film.clock.advance(10 * limit_s)
    film.go_on(200)
    film.wait_for(201)
    assert studio.phase is phase, "somebody looks"
    leave()
    film.clock.advance(limit_s - 0.001)
    film.go_on(201)
    film.wait_for(202)
    assert studio.phase is phase, "somebody may come back"
    film.clock.advance(0.002)
    film.go_on(202)
    wait_for_phase(studio, after)
    assert film.shown == 202


def test_nobody_waits_for_a_camera_for_ever(start):
    film = Film(seated())
    film.plugged.clear()
    studio = start(film)
    studio.prepare(plan())
    film.clock.until_awaited()
    film.clock.advance(29.9)
    film.clock.until_awaited()
    assert studio.phase is Phase.CHECK
    film.clock.advance(REOPEN_EVERY_S)
    wait_for_phase(studio, Phase.IDLE)
