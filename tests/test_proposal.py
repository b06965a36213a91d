"""Which drill a recording shows: position by geometry, leg and direction by the movement, and doubt where there is any."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import landmarks_of, mirrored_pose, recording
from test_conventions import CAMERAS, stance_of

from rotrack.core.drills import load_table
from rotrack.core.model import N_LANDMARKS, Pose, Side, empty_pose
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.placement.proposal import Proposal, propose


def thinned(name: str) -> list[Pose]:
    """Return every second pose of a recorded session."""
    return list(recording(name).poses)[::2]


@pytest.mark.parametrize(
    ("name", "drill", "side", "sure"),
    [
        ("internal_right", "seated-internal", "right", False),  # seen from above, somebody on the back would look like that
        ("external_right", "seated-external", "right", True),
        ("combined_left", "seated-combined", "left", True),
    ],
)
def test_drill_and_leg_are_proposed_and_a_mirror_changes_the_leg_alone(name, drill, side, sure):
    found = propose(thinned(name))
    assert (found.drills[0], found.side, found.posture, found.sure) == (drill, side, Posture.SEATED, sure)
    swapped = propose([mirrored_pose(pose) for pose in thinned(name)])
    assert (swapped.drills[0], swapped.side) == (drill, Side(side).other)


def test_standing_on_heel_or_ball_of_the_foot_is_asked_for():
    found = propose(thinned("standing"))
    assert not found.sure
    assert {Posture.STANDING, Posture.STANDING_TOES} >= {found.posture}
    assert any(drill.startswith("standing-toe-pivot") for drill in found.drills)
    assert recording("standing").drill in found.drills and found.side == recording("standing").side


def test_who_does_not_move_shows_a_position_and_no_leg():
    found = propose([*thinned("internal_right")[:3]] * 40)
    assert (found.posture, found.side, found.sure) == (Posture.SEATED, "", False)
    assert {"seated-internal", "seated-external", "seated-combined"} <= set(found.drills)


@pytest.mark.parametrize("poses", [[], [empty_pose(0.0, (640, 480), Reason.NOBODY)] * 50])
def test_where_nobody_is_seen_nothing_is_proposed(poses):
    assert propose(poses) == Proposal()


def test_too_little_of_a_body_proposes_nothing():
    whole = thinned("internal_right")
    hidden = [empty_pose(pose.time_s, pose.size_px, "gone") if number % 5 else pose for number, pose in enumerate(whole)]
    assert propose(hidden) == Proposal()


@pytest.mark.parametrize(("position", "camera"), [place for place in CAMERAS if "face down" not in place[0]])
@pytest.mark.parametrize("side", Side)
def test_positions_of_people_of_anatomy_alone(position, camera, side):
    """They are built and seen by the tests, not by the figures of the drills; both of their legs are alike. Nobody who lies face
    down is proposed for."""
    image_px, world_m = landmarks_of(stance_of(position, side), CAMERAS[position, camera])
    found = propose([Pose(0.0, CAMERAS[position, camera].size_px, image_px, world_m, np.ones(N_LANDMARKS))] * 20)
    named = {load_table().drill(drill).posture.record.title for drill in found.drills}
    assert position in named and not found.sure
    if camera != "overhead" and not position.endswith("bottom leg"):  # these look like another one
        assert found.posture.record.title == position
        assert not found.posture.record.top_leg or found.side == side
