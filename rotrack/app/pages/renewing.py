"""Sessions of an earlier measure version, measured again beside the page, and what every page says of it meanwhile."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path

from rotrack.core.errors import RecordError
from rotrack.measure.renewal import Renewal, renew
from rotrack.system.clock import SYSTEM, Clock
from rotrack.texts import Texts

PAUSE_S = 0.5
"""How often it is looked whether the camera is free again."""


class _Ended(Exception):
    """The page is being closed."""


class Renewing:
    """Measures in a process of its own, one session at a time, and lets a session on the camera go first.

    Parameters
    ----------
    data : Path
        The data folder, brought up to date.
    is_busy : callable
        Whether the camera is in use.
    clock : Clock
        Tells how long it takes.

    Attributes
    ----------
    count : int
        How many sessions are due; 0 until that is known.
    done : float
        How many of them are measured, with the share of the one under way.
    over : bool
        Whether it has ended.
    measured : int
        How many new readings there are then.
    notes : tuple of str
        What to look at, when it has ended.
    """

    def __init__(self, data: Path, is_busy: Callable[[], bool], clock: Clock = SYSTEM) -> None:
        self.count, self.done, self.over, self.measured = 0, 0.0, False, 0
        self.notes: tuple[str, ...] = ()
        self.told = False
        """Whether a page has shown how it ended."""
        self._data, self._is_busy, self._clock = data, is_busy, clock
        self._worked_s, self._since_s = 0.0, clock.monotonic_s()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End it; what is not done is done at the next start."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def words(self, t: Texts) -> str:
        """Return how far it is, or how it ended; empty where there is nothing to say."""
        if not self.count and not self.notes:
            return ""
        if self.over:
            return t("renewing.over", count=self.measured) if self.measured else t("renewing.not")
        if not self.done:
            return t("renewing.begun", count=self.count)
        left_min = math.ceil(self._worked_s * (self.count - self.done) / self.done / 60)
        return t("renewing.running", done=math.floor(self.done + 1e-6), count=self.count, minutes=left_min)

    def _run(self) -> None:
        found: Renewal | None = None
        try:
            found = renew(self._data, self._begun, self._measured, processes=1)
        except _Ended:
            return
        except RecordError as error:
            self.notes = (str(error),)
        finally:
            if found:
                self.measured, self.notes = len(found.measured), found.notes
            self.over = True

    def _begun(self, count: int) -> None:
        self.count, self._since_s = count, self._clock.monotonic_s()
        self._wait()

    def _measured(self, share: float) -> None:
        self.done += share
        self._worked_s += self._clock.monotonic_s() - self._since_s
        self._wait()

    def _wait(self) -> None:
        while self._is_busy() and not self._stop.is_set():
            self._clock.wait(self._stop, PAUSE_S)
        self._since_s = self._clock.monotonic_s()
        if self._stop.is_set():
            raise _Ended
