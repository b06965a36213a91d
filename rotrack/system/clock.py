"""The time: whatever waits, paces or dates takes it from one clock that is handed in.

The program runs by `SYSTEM`, the computer's own clock. A test hands in one that goes only when told to, so that a session of
minutes is over at once and exact to the picture, however busy the computer is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Clock(Protocol):
    """What the rest of rotrack needs of a clock."""

    def now(self) -> datetime:
        """Return date and time of day, with the offset of the local time zone from UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return a time that never jumps, s; only differences mean something."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Wait for so long; not at all if it is zero or less."""
        ...

    def wait(self, event: threading.Event, at_most_s: float) -> bool:
        """Wait until an event is set, but not for longer than this; return whether it is."""
        ...

    def wait_for(self, changed: threading.Condition, until: Callable[[], object], at_most_s: float) -> bool:
        """Wait until something has come true, but not for longer than this; return whether it has.

        Parameters
        ----------
        changed : threading.Condition
            Held by the caller, and notified when it may have come true.
        until : callable
            Tells whether it has.
        at_most_s : float
            How long to wait, s.
        """
        ...

    async def hear(self, event: asyncio.Event, at_most_s: float) -> bool:
        """Wait as `wait` does, in a coroutine."""
        ...


class _System:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now().astimezone()

    def monotonic_s(self) -> float:
        return time.perf_counter()  # as time.monotonic, but finer on Windows

    def sleep(self, duration_s: float) -> None:
        time.sleep(max(duration_s, 0.0))

    def wait(self, event: threading.Event, at_most_s: float) -> bool:
        return event.wait(max(at_most_s, 0.0))

    def wait_for(self, changed: threading.Condition, until: Callable[[], object], at_most_s: float) -> bool:
        return bool(changed.wait_for(until, max(at_most_s, 0.0)))

    async def hear(self, event: asyncio.Event, at_most_s: float) -> bool:
        import asyncio  # only the page needs it, and has it already

        try:
            return await asyncio.wait_for(event.wait(), max(at_most_s, 0.0))
        except TimeoutError:
            return False


SYSTEM: Clock = _System()
"""The computer's own clock; what is not handed another one runs by it."""
