"""What can be chosen about the measuring, beside the drill; kept with every session."""

from __future__ import annotations

from dataclasses import dataclass

NEUTRAL_S = 0.7
"""How long the person must be still for the neutral pose, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """What can be chosen about the measuring, beside the drill.

    Parameters
    ----------
    min_cutoff_hz, beta : float
        One-Euro filter of the live angle.
    correct : bool
        Whether the learned correction of the pose model's errors is applied; without it `angle_deg` is the leg model's own.
    neutral_s : float
        How long the person must be still for the neutral pose.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.05
    correct: bool = True
    neutral_s: float = NEUTRAL_S
