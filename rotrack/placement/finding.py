"""What a check of the set-up found; kept with every session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rotrack.core.messages import Message


class State(StrEnum):
    """How a check stands."""

    GOOD = "good"
    PROBLEM = "problem"
    WAITING = "waiting"


class Move(StrEnum):
    """Which way to move the camera. Left and right, also of a turn, are those of who looks at the camera from its front."""

    NONE = ""
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    CLOSER = "closer"
    AWAY = "away"
    TURN_LEFT = "turn-left"
    TURN_RIGHT = "turn-right"
    TILT_UP = "tilt-up"
    TILT_DOWN = "tilt-down"
    ROLL_LEFT = "roll-left"
    ROLL_RIGHT = "roll-right"


@dataclass(frozen=True, slots=True)
class SetupFinding:
    """What one check found.

    Parameters
    ----------
    check : str
        One of `rotrack.placement.check.CHECKS`.
    state : State
        Good, a problem, or not known yet.
    text : Message or str
        One plain sentence; for a problem, what to do. In English words in sessions of earlier versions, and where it is the
        reason why a pose cannot be measured.
    move : Move
        Which way to move the camera; empty if that would not help.
    """

    check: str
    state: State
    text: Message | str
    move: Move = Move.NONE
