"""Where the body starts in each posture, and how far it may stray: what the leg model assumes before it sees a picture.

Angles follow the clinical sense (flexion, abduction, internal rotation, knee flexion and dorsiflexion positive). They are the
positions that the drill table asks for, not measurements; a person who stands a little differently is found by the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from rotrack.core.drills import Posture


class Facing(Enum):
    """How the pelvis lies before a level camera: columns are anterior, superior and right in camera axes."""

    UPRIGHT = ((0, 0, -1), (0, -1, 0), (-1, 0, 0))
    AWAY = ((0, 0, 1), (0, -1, 0), (1, 0, 0))
    FEET_FIRST = ((0, -1, 0), (0, 0, 1), (-1, 0, 0))
    RIGHT_DOWN = ((-1, 0, 0), (0, 0, 1), (0, 1, 0))
    LEFT_DOWN = ((1, 0, 0), (0, 0, 1), (0, -1, 0))

    @property
    def axes(self) -> np.ndarray:
        """The pelvis axes as a rotation matrix, shape (3, 3)."""
        return np.array(self.value, float).T


@dataclass(frozen=True, slots=True)
class Stance:
    """The prior of the leg model for one posture, degrees.

    Parameters
    ----------
    facings : tuple of Facing
        Ways to lie or stand; the one that fits best is taken.
    pitches_deg : tuple of (float, float)
        Expected downward tilt of the camera with its standard deviation, one per sensible camera place.
    turn_sd_deg : float
        Standard deviation of the turn of the pelvis against the camera.
    flexion_deg, abduction_deg, rotation_deg, knee_deg, ankle_deg, tilt_deg : float
        Expected joint angles and forward tilt of the pelvis at neutral.
    moves_deg : tuple of float
        How far flexion, abduction, knee and ankle may move during the drill (standard deviations).
    gravity : str
        What a goniometer held against gravity takes as zero: "down" or "up" the plumb line, or "" where none is read: the
        femur stands upright, so that gravity shows no rotation, or the person lies on the side, where the tilt of the camera
        is not known well enough.
    pitch_limits_deg, pitch_refused_deg : tuple of float
        Camera tilts outside of the first make the error wider, and are refused where the leg network does not see the leg;
        outside of the second they are refused.
    misfit_at_most, misfit_refused : float
        Half the weighted squared misfit of the neutral pose: good clips have 0.5 to 4. More than the first makes the error wider;
        more than the second is no leg in this posture, unless the leg network sees one that fits. Lying on the side, the pose
        model misplaces hip and knee of a leg that still swings right.
    zero_usual_deg, zero_limits_deg : tuple of float
        How far the leg is turned in the neutral pose, as the fit finds it. People stand with their feet turned in by 3 to out by
        20 degrees (two standard deviations: Staheli 1985, J Bone Joint Surg 67-A, 39-47), and the fit errs by 4; outside of the
        first this is said, outside of the second somebody holds still in the middle of a turn.
    """

    facings: tuple[Facing, ...]
    pitches_deg: tuple[tuple[float, float], ...]
    turn_sd_deg: float
    flexion_deg: float
    abduction_deg: float
    rotation_deg: float
    knee_deg: float
    ankle_deg: float
    tilt_deg: float = 0.0
    moves_deg: tuple[float, float, float, float] = (3.0, 3.0, 3.0, 3.0)
    gravity: str = ""
    pitch_limits_deg: tuple[float, float] = (-25.0, 60.0)
    pitch_refused_deg: tuple[float, float] = (-25.0, 60.0)
    misfit_at_most: float = 9.0
    misfit_refused: float = 20.0
    zero_usual_deg: tuple[float, float] = (-90.0, 90.0)
    zero_limits_deg: tuple[float, float] = (-90.0, 90.0)


_BENT = (3.0, 5.0, 3.0, 3.0)
_RIGID = (1.0, 1.0, 1.0, 1.0)
_AHEAD: dict[str, Any] = {"zero_usual_deg": (-10.5, 1.7), "zero_limits_deg": (-24.0, 9.0), "misfit_refused": 40.0}
_TOES_UP: dict[str, Any] = {"zero_usual_deg": (-13.0, 5.0), "zero_limits_deg": (-26.0, 12.0), "misfit_refused": 40.0}
_FRONT = (Facing.UPRIGHT,)
_BACK = (Facing.FEET_FIRST,)
_SIDES = (Facing.RIGHT_DOWN, Facing.LEFT_DOWN)
_OVERHEAD = (85.0, 8.0)

STANCES = {
    Posture.SEATED: Stance(_FRONT, ((12, 12),), 25, 85, 5, 0, 90, 0, 0, _BENT, "down"),
    Posture.STANDING: Stance(_FRONT, ((12, 12),), 10, 8, 4, -5, 6, 5, **_AHEAD),
    Posture.STANDING_TOES: Stance(_FRONT, ((12, 12),), 10, 22, 4, -5, 45, -7, **_AHEAD),
    Posture.LONG_SITTING: Stance(_FRONT, ((12, 8),), 10, 75, 8, -8, 4, -5, 15, gravity="up", **_TOES_UP),
    Posture.SUPINE_BENT: Stance(_BACK, ((22, 10),), 10, 52, 5, 0, 95, -40, 0, (10, 20, 5, 8), "down"),
    Posture.SUPINE_STRAIGHT: Stance(
        _BACK, ((42, 12), _OVERHEAD), 8, 88, 2, -4, 4, 4, pitch_limits_deg=(25, 110), pitch_refused_deg=(-5, 110)
    ),
    Posture.SUPINE_90_90: Stance(
        _BACK, ((35, 12), _OVERHEAD), 8, 90, 2, 0, 90, -6, 0, _BENT, pitch_limits_deg=(25, 110), pitch_refused_deg=(-5, 110)
    ),
    Posture.SIDE_RAISED: Stance(_SIDES, ((25, 10),), 30, 0, 40, 0, 3, 0),
    Posture.SIDE_TOP: Stance(_SIDES, ((20, 10),), 12, 0, -4, 0, 90, 0, 0, _RIGID, misfit_at_most=30, misfit_refused=30),
    Posture.SIDE_BOTTOM: Stance(_SIDES, ((25, 10),), 12, 0, 5, 0, 90, 0, 0, _RIGID, misfit_at_most=30, misfit_refused=30),
    Posture.LUNGE: Stance((Facing.AWAY,), ((10, 10),), 10, -20, 3, 0, 3, 4, -20),
}
"""One stance per measured posture.

The pelvic tilts of long sitting and lunge go against anatomy: with them the angles of the development clips came out better than
with the true ones (backwards and forwards by 20), at the price of a camera tilt that is found 17 degrees too small sitting."""
