"""What is known of the pose model's errors: how much of a turn it shows per posture, and how far that may be off.

The table `correction.toml` is learned on rendered people by `tests/benchmarks/correction.py`, which also holds out whole bodies
and whole cameras to see whether it helps on people that it has not seen; a posture where it does not has a gain of 1. What the
leg network's reading errs by beyond what the network says of itself stands there as well (`tests/benchmarks/legnet_errors.py`).
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from rotrack.core.postures import Posture
from rotrack.kinematics.camera import Level

SMALLEST_GAIN = 0.5
"""A pose model that shows less of a turn than this says nothing about it."""
NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Correction:
    """How much of a rotation the pose model shows in one posture, and what stays uncertain.

    Parameters
    ----------
    gain : float
        Degrees read per true degree, with a camera that looks down by `pitch_deg`.
    gain_per_deg : float
        Change of the gain per degree that the camera looks down further.
    pitch_deg : float
        Camera tilt that `gain` is for, as the leg model estimates it.
    gain_sd : float
        Relative standard deviation of the gain between people and cameras, after the correction.
    setup_sd_deg : float
        Standard deviation of what is wrong for a whole session and does not grow with the angle.
    fit_share : float
        Share of the fit's own standard error that counts.
    """

    gain: float = 1.0
    gain_per_deg: float = 0.0
    pitch_deg: float = 0.0
    gain_sd: float = 0.0
    setup_sd_deg: float = 0.0
    fit_share: float = 1.0

    def apply(self, angle_deg: float, pitch_deg: float) -> float:
        """Return the corrected angle for a camera that looks down by `pitch_deg`."""
        return angle_deg / max(self.gain + self.gain_per_deg * (pitch_deg - self.pitch_deg), SMALLEST_GAIN)

    def error_deg(self, angle_deg: float, sd_deg: float) -> float:
        """Return the 95 % half width of an angle whose fit has this standard error."""
        variance = self.setup_sd_deg**2 + (self.gain_sd * angle_deg) ** 2 + (self.fit_share * sd_deg) ** 2
        return NORMAL_95 * float(variance**0.5)


@dataclass(frozen=True, slots=True)
class Corrections:
    """All corrections of one version.

    Parameters
    ----------
    version : str
        Logged with every session.
    table : dict of Posture to Correction
        Per posture, with the correction.
    plain : dict of Posture to Correction
        Per posture, the errors without the correction; gains are 1.
    personal : dict of Posture to Correction
        Per posture, with the correction and a personal calibration.
    legnet : dict of Posture to Correction
        Per posture, what the leg network's reading shows of a true turn, and its errors.
    """

    version: str
    table: dict[Posture, Correction]
    plain: dict[Posture, Correction]
    personal: dict[Posture, Correction]
    legnet: dict[Posture, Correction]

    def network(self, posture: Posture, correct: bool = True) -> Correction:
        """Return what holds for the leg network's reading in a posture; uncorrected, it errs by its gain as well."""
        found = self.legnet.get(posture, Correction())
        return found if correct else replace(found, gain=1.0, gain_sd=math.hypot(found.gain_sd, found.gain - 1))

    def of(self, posture: Posture, level: Level = Level.NONE, correct: bool = True) -> Correction:
        """Return what holds for a posture and a level of calibration."""
        if level is Level.PERSONAL and correct and posture in self.personal:
            return self.personal[posture]
        return (self.table if correct else self.plain).get(posture, Correction())


@cache
def load_corrections() -> Corrections:
    """Return the corrections that ship with the package."""
    text = resources.files("rotrack").joinpath("kinematics/correction.toml").read_text("utf-8")
    data = tomllib.loads(text)
    table, plain, legnet = (
        {Posture(name): replace(Correction(), **values) for name, values in data.get(kind, {}).items()}
        for kind in ("corrected", "plain", "legnet")
    )
    named = ((Posture(name), values) for name, values in data.get("personal", {}).items())
    personal = {posture: replace(table.get(posture, Correction()), **values) for posture, values in named}
    return Corrections(str(data["version"]), table, plain, personal, legnet)
