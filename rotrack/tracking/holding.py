"""How long a turned leg is held now: what a timer shows live. The log's hold is measured when the repetition is over."""

from __future__ import annotations

import math

STAYS_SHARE, STAYS_DEG = 0.15, 3.0
"""A leg is held while it stays within this share of where it is, or within this angle if that is more. The noise of the live
angle is 1 to 2 degrees; a turn in two seconds leaves it in a fraction of a second."""


class HoldClock:
    """The running hold of one leg."""

    def __init__(self) -> None:
        self._at_deg = self._since_s = math.nan

    def update(self, time_s: float, angle_deg: float, moving: bool) -> float:
        """Take the next live angle.

        Parameters
        ----------
        time_s : float
            Time of the picture, s.
        angle_deg : float
            The live angle from neutral; NaN where there is none, which ends no hold.
        moving : bool
            Whether the leg is away from neutral.

        Returns
        -------
        float
            For how long it has stayed where it is, s; 0 at rest.
        """
        if not moving:
            self._at_deg = self._since_s = math.nan
            return 0.0
        away_deg = abs(angle_deg - self._at_deg)
        if math.isfinite(angle_deg) and not away_deg <= max(STAYS_SHARE * abs(self._at_deg), STAYS_DEG):
            self._at_deg, self._since_s = angle_deg, time_s
        return time_s - self._since_s if math.isfinite(self._since_s) else 0.0
