"""Whether the camera stands where it stood last time: found from the person, said one thing at a time, kept with the session."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import BOTH, SEATED, Camera, Stance, landmarks_of, recording
from page_helpers import Film, logged, plan, still, wait_for_phase
from test_setup import ROOM, STANDING, TARGET

from rotrack.app.live.coach import SETUP_EVERY_S, SETUP_FROM_S, Usher
from rotrack.app.live.studio import AGAIN_WITHIN_S, ALL_GOOD_S, Phase, Studio
from rotrack.core.drills import load_table
from rotrack.core.model import N_LANDMARKS, Frame, Pose, Side
from rotrack.draw.outline import outline_svg
from rotrack.kinematics.camera import Calibration
from rotrack.measure.before import last_place
from rotrack.placement.again import AgainCheck, Placed, placed
from rotrack.placement.check import SetupCheck
from rotrack.placement.finding import Move, SetupFinding, State
from rotrack.placement.view import Angle
from rotrack.texts import Texts

PLACES_PX, TREMBLE_PX = 2.0, 1.0
"""Standard errors of landmarks: for all of a session, and from picture to picture."""


class Room:
    """Somebody before cameras; landmarks err as if by a pose model."""

    def __init__(self, drill: str, stance: Stance) -> None:
        self.drill, self._stance = load_table().drill(drill), stance
        self._rng = np.random.default_rng(7)

    def seen(self, camera: Camera, seconds: float = 3.0) -> list[Pose]:
        image_px, world_m = landmarks_of(self._stance, camera)
        image_px = image_px + self._rng.normal(0, PLACES_PX, image_px.shape)
        pose = Pose(0.0, camera.size_px, image_px, world_m, np.ones(N_LANDMARKS), 1)
        return [
            replace(pose, time_s=i / 30, image_px=image_px + self._rng.normal(0, TREMBLE_PX, image_px.shape))
            for i in range(round(30 * seconds))
        ]

    def placed(self, camera: Camera) -> Placed:
        """Return what the set-up check finds out about a camera."""
        check = SetupCheck(self.drill, BOTH)
        poses = self.seen(camera)
        for number, pose in enumerate(poses):
            check.update(Frame(number, pose.time_s, ROOM), pose)
        return placed(poses[-1].image_px, camera.size_px, self.drill.posture, check.angles, Calibration())

    def findings(self, then: Placed, poses: Iterable[Pose]) -> list[SetupFinding]:
        check, again = SetupCheck(self.drill, BOTH), AgainCheck(then, self.drill.posture, Calibration())
        found = []
        for number, pose in enumerate(poses):
            check.update(Frame(number, pose.time_s, ROOM), pose)
            found.append(again.update(pose, check.angles))
        return found


def around(distance_m: float = 2.5, yaw_deg: float = 0.0, higher_m: float = 0.0) -> Camera:
    """Return a camera that aims at the same point, from higher up if wanted."""
    plain = Camera.around(TARGET, distance_m, yaw_deg, 5)
    x, y, z = plain.place
    return replace(plain, place=(x, y - higher_m, z))


@pytest.fixture(params=[("seated-combined", SEATED), ("standing-combined", STANDING)], ids=lambda p: p[0])
def room(request: pytest.FixtureRequest) -> Room:
    return Room(*request.param)


def test_the_same_place_is_hardly_ever_taken_for_another(room: Room) -> None:
    found = [room.placed(around()) for _ in range(12)]
    states = [room.findings(then, room.seen(around(), 2.5))[-1].state for then in found]
    assert states.count(State.GOOD) >= len(states) - 1, states


@pytest.mark.parametrize(
    ("camera", "move", "words"),
    [
        (around(2.95), Move.CLOSER, r"about (35|40|45|50|55) cm further away .*closer"),
        (around(2.05), Move.AWAY, r"about (35|40|45|50|55) cm closer .*further away"),
        (around(yaw_deg=15), Move.RIGHT, r"about 1\d degrees further to the side .*to the right"),
        (around(yaw_deg=-15), Move.LEFT, r"about 1\d degrees further to the side .*to the left"),
    ],
    ids=lambda value: str(value) if isinstance(value, Move) else "",
)
def test_it_is_said_which_way_the_camera_must_go(room: Room, camera: Camera, move: Move, words: str) -> None:
    finding = room.findings(room.placed(around()), room.seen(camera))[-1]
    assert (finding.state, finding.move) == (State.PROBLEM, move), Texts().said(finding.text)
    assert re.search(words, Texts().said(finding.text)), Texts().said(finding.text)


def test_sitting_shows_how_high_the_camera_is() -> None:
    seated = Room("seated-combined", SEATED)
    for higher_m, move, words in (
        (0.6, Move.DOWN, r"about (40|45|50|55|60|65|70) cm higher .*lower"),
        (-0.6, Move.UP, r"about (40|45|50|55|60|65|70) cm lower .*higher"),
    ):
        finding = seated.findings(seated.placed(around()), seated.seen(around(higher_m=higher_m)))[-1]
        assert finding.move is move and re.search(words, Texts().said(finding.text)), Texts().said(finding.text)


def test_near_enough_is_good_and_what_is_not_known_yet_is_waited_for(room: Room) -> None:
    states = [finding.state for finding in room.findings(room.placed(around()), room.seen(around(2.6, 2.0)))]
    assert states[0] is State.WAITING and states[-1] is State.GOOD
    assert State.PROBLEM not in states


def test_what_a_posture_does_not_show_is_not_compared() -> None:
    drill = load_table().drill("sidelying-strength-internal")
    pose = recording("internal_right").poses[0]
    then = placed(pose.image_px, pose.size_px, drill.posture, {}, Calibration())
    assert math.isnan(then.height_m) and math.isnan(then.turn_deg) and then.distance_m > 0
    again = AgainCheck(then, drill.posture, Calibration())
    found = [again.update(replace(pose, time_s=i / 30), {}) for i in range(60)]
    assert found[-1].state is State.GOOD


def test_the_near_place_is_said_once_the_camera_was_moved_there() -> None:
    usher = Usher(load_table().drill("seated-internal"))
    there = SetupFinding("again", State.PROBLEM, "Further.", Move.CLOSER)
    usher.update([there], 0.0)
    moving = usher.update([there], SETUP_FROM_S)
    back = usher.update([replace(there, state=State.GOOD, text="As last time.")], SETUP_FROM_S + SETUP_EVERY_S / 2)
    assert [say.sentence for say in (*moving, *back)] == ["Further.", "As last time."]
    assert usher.update([replace(there, state=State.GOOD, text="As last time.")], 60.0) == [], "once"


# ---------------------------------------------------------------------- from the log, in a session
SEATED_POSTURE = load_table().drill("seated-internal").posture


def measured(studio: Studio, film: Film, person: str = "Ada") -> dict:
    """Measure hands free to the end of the film; return the log's last session."""
    film.again()
    studio.prepare(plan(person=person))
    assert film.over.wait(60)
    studio.end()
    studio.join()
    return logged(studio.data)[-1]


def test_a_session_knows_where_the_camera_stood_in_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poses = list(recording("internal_right").poses)
    film = Film(still(poses[0], ALL_GOOD_S + AGAIN_WITHIN_S + 4) + poses)
    film.play(monkeypatch)
    studio = Studio("http://film", tmp_path, legnet=False, clock=film.clock)
    studio.watch(lambda: None)
    try:
        first = measured(studio, film)
        assert studio.before is None and "again" not in {finding["check"] for finding in first["setup"]}
        last = last_place(tmp_path, "Ada", load_table().drill("seated-internal"), (Side.RIGHT,))
        assert last is not None
        assert last.placed.outline * last.placed.size_px == pytest.approx(poses[0].image_px, abs=2, nan_ok=True)
        film.angles = {"turn_deg": Angle(last.placed.turn_deg, 1.5), "pitch_deg": pitch_of(poses[0], last.placed)}
        second = measured(studio, film)
        found = {finding["check"]: finding for finding in second["setup"]}["again"]
        assert found["state"] == "good", found
        film.angles |= {"turn_deg": Angle(last.placed.turn_deg + 15, 1.5)}
        third = measured(studio, film)
        found = {finding["check"]: finding for finding in third["setup"]}["again"]
        assert (found["state"], found["move"]) == ("problem", "right"), "it is waited for, but not without an end"
        assert third["duration_s"] < second["duration_s"] - AGAIN_WITHIN_S + ALL_GOOD_S + 2
        assert last_place(tmp_path, "", load_table().drill("seated-internal"), (Side.RIGHT,)) is None
    finally:
        studio.close()
    wait_for_phase(studio, Phase.DONE)


def pitch_of(pose: Pose, then: Placed) -> Angle:
    """Return the tilt with which a pose shows the height that a place has."""
    flat = placed(pose.image_px, pose.size_px, SEATED_POSTURE, {"pitch_deg": Angle(0.0, 0.0)}, Calibration())
    return Angle(then.below_deg - flat.below_deg, 3.0)


def test_the_outline_is_where_the_person_was() -> None:
    pose = recording("internal_right").poses[0]
    svg = outline_svg(pose.image_px / pose.size_px, pose.size_px)
    x, y = pose.image_px[27]
    assert f'viewBox="0 0 {pose.size_px[0]} {pose.size_px[1]}"' in svg and f"{x:.1f} {y:.1f}" in svg
    nobody = outline_svg(np.full((N_LANDMARKS, 2), np.nan), (640, 480))
    assert "<path" not in nobody and nobody.endswith("</svg>")
