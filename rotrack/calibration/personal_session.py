"""A personal calibration while it goes on: frames in, what the person should do next out, and gains at the end."""

from __future__ import annotations

import numpy as np

from rotrack.calibration.personal import HOLD_S, RAYS_DEG, HoldFinder, fit_foot, gain_of
from rotrack.core.drills import load_table
from rotrack.core.errors import CalibrationError
from rotrack.core.model import Frame, Side
from rotrack.core.reasons import Reason, because
from rotrack.draw.guide import Guidance
from rotrack.kinematics.camera import Calibration, Gain
from rotrack.sensing.landmarker import Landmarker
from rotrack.texts import Texts
from rotrack.tracking.pipeline import RotationTracker

DRILL = "standing-combined"
"""The drill whose reading a personal calibration is about."""


class PersonalSession:
    """The legs of a personal calibration, one after the other, from frames to gains.

    Parameters
    ----------
    sides : tuple of Side
        The legs, in this order.
    calibration : Calibration
        Lens and floor that are in use; no gains.
    targets_deg : tuple of float
        Where each foot is laid after 0, internal positive.
    """

    def __init__(self, sides: tuple[Side, ...], calibration: Calibration, targets_deg: tuple[float, ...] = RAYS_DEG) -> None:
        self._tracker = RotationTracker(load_table().drill(DRILL), sides, calibration=calibration)
        self._finders = [HoldFinder(side, targets_deg) for side in sides]
        self._seen = self._measured = False
        self._reason = self._trouble = ""
        self.events = 0

    def begin_again(self) -> None:
        """Forget all holds and take the neutral pose again."""
        self._tracker.retake_neutral()
        self._finders = [HoldFinder(finder.side, finder.targets_deg) for finder in self._finders]
        self._trouble = ""

    @property
    def holds(self) -> int:
        """How many holds were found, of all legs."""
        return sum(len(finder.holds) for finder in self._finders)

    @property
    def done(self) -> bool:
        """Whether all holds of all legs were found."""
        return all(finder.done for finder in self._finders)

    def update(self, frame: Frame, landmarker: Landmarker) -> Guidance:
        """Take a picture and return what to show."""
        pose = landmarker.detect(frame)
        step = self._tracker.update(pose)
        finder = next((f for f in self._finders if not f.done), self._finders[-1])
        sample = step.samples.get(finder.side)
        self._seen |= not pose.reason
        reason = sample.reason if sample else pose.reason
        self._reason = reason or self._reason
        reading = sample.uncorrected_deg if sample and not reason else float("nan")
        self._measured |= bool(np.isfinite(reading))
        hold = None
        try:
            hold = finder.update(frame.time_s, reading)
        except CalibrationError as error:  # told; this leg begins again
            self._trouble = str(error)
            fresh = HoldFinder(finder.side, finder.targets_deg)
            self._finders[self._finders.index(finder)] = finder = fresh
            self.events += 1
        if hold:
            self._trouble = ""
            self.events += 1
        wanted = sum(len(f.targets_deg) for f in self._finders)
        state = f"{finder.side} foot     holds {self.holds} of {wanted}"
        if np.isfinite(reading):
            state += f"     reads {abs(reading):.0f}\u00b0 {'out' if reading < 0 else 'in'}"
        share = (self.holds + (min(finder.steady_s / HOLD_S, 1.0) if not self.done else 0.0)) / wanted
        points = pose.image_px[np.isfinite(pose.image_px).all(axis=1)]
        return Guidance(
            "Your feet", self._sentence(finder, reason), state, share, points, flash=hold is not None, good=not reason
        )

    def _sentence(self, finder: HoldFinder, reason: str) -> str:
        if self.done:
            return "Done. Thank you."
        if not self._measured:
            why = f" ({Texts().reason(reason)})" if reason not in ("", Reason.WAITING) else ""
            return f"Stand with both feet along 0\u00b0 and hold still{why}."
        if reason:
            return f"{Texts().sentence(because(reason))}."
        if self._trouble:
            return self._trouble
        other = "" if finder.holds or finder is self._finders[0] else "Lay the first foot back on 0\u00b0. "
        return f"{other}Lay the {finder.side} foot flat along {-(finder.next_deg or 0):.0f}\u00b0 outward and keep it there."

    def gains(self) -> dict[Side, Gain]:
        """Return the gain of the person, for both legs.

        Raises
        ------
        CalibrationError
            If holds are missing or implausible.
        """
        if not self._measured:
            why = Texts().reason(self._reason) if self._seen else "nobody was seen in the picture"
            raise CalibrationError(
                f"The feet were never measured: {why}; stand so that the camera sees you from hips to toes, and hold still first."
            )
        for finder in self._finders:
            if not finder.done and self._trouble:
                raise CalibrationError(self._trouble)
            if not finder.done:
                raise CalibrationError(
                    f"The {finder.side} foot was not held still for {HOLD_S:.0f} s along {-(finder.next_deg or 0):.0f} degrees "
                    f"({self.holds} of {sum(len(f.targets_deg) for f in self._finders)} holds were found); begin again."
                )
        return gain_of({finder.side: fit_foot(finder.holds, finder.side) for finder in self._finders})
