"""A range that a person is not to pass: whether an angle is beyond it now."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rotrack.core.model import Direction, Side, Step


def passed_deg(step: Step, most_deg: Mapping[tuple[Side, Direction], float]) -> float:
    """Return the limit that a leg is beyond, the lowest if several are, deg; NaN while none is.

    Parameters
    ----------
    step : Step
        What was measured in a picture.
    most_deg : dict of (Side, Direction) to float
        How far the person may turn, deg.
    """
    angles = {side: sample.live_deg for side, sample in step.samples.items() if math.isfinite(sample.live_deg)}
    limits = {side: most_deg.get((side, Direction.of(deg)), math.inf) for side, deg in angles.items()}
    return min((limits[side] for side, deg in angles.items() if abs(deg) > limits[side]), default=math.nan)
