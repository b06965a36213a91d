"""A clock that goes only when it is told to, for tests of what waits, paces and dates."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DEAD_AFTER_S = 120.0
"""Real time after which a test that waits in vain is given up; nothing depends on it but how long a failure takes."""
LOOK_EVERY_S = 0.001
"""Real time between two looks of somebody who waits; no result depends on it."""


class ManualClock:
    """Stands still, except where a test or a stand-in for a camera moves it on; may be used by several threads.

    `sleep` moves it on at once. Whoever waits for something or for some time (`wait`, `wait_for`, `hear`) does so until it is
    there, or until somebody else has moved the clock on that far.

    Parameters
    ----------
    start : datetime
        What it shows first.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start, self._passed_s = start, 0.0
        self._due_s: dict[object, float] = {}
        self._hearing = 0
        self._lock = threading.Lock()

    # what the program calls
    def now(self) -> datetime:
        """Return what it shows."""
        return (self._start + timedelta(seconds=self.monotonic_s())).astimezone()

    def monotonic_s(self) -> float:
        """Return how far it was moved on since the start, s."""
        with self._lock:
            return self._passed_s

    def sleep(self, duration_s: float) -> None:
        """Move on at once."""
        self.advance(max(duration_s, 0.0))

    def wait(self, event: threading.Event, at_most_s: float) -> bool:
        """Wait for an event, or until the clock was moved on that far."""
        return self.wait_until(event, self.monotonic_s() + at_most_s)

    def wait_until(self, event: threading.Event, due_s: float) -> bool:
        """Wait for an event, or until the clock was moved on to a time since the start, whoever moves it meanwhile."""
        with self._waiting(due_s):
            while not event.is_set() and self.monotonic_s() < due_s:
                event.wait(LOOK_EVERY_S)
            return event.is_set()

    def wait_for(self, changed: threading.Condition, until: Callable[[], object], at_most_s: float) -> bool:
        """Wait until something has come true, or until the clock was moved on that far."""
        due_s = self.monotonic_s() + at_most_s
        with self._waiting(due_s):
            while not until() and self.monotonic_s() < due_s:
                changed.wait(LOOK_EVERY_S)
            return bool(until())

    async def hear(self, event: asyncio.Event, at_most_s: float) -> bool:
        """Wait for an event in a coroutine, or until the clock was moved on that far."""
        self._hearing += 1
        try:
            due_s = self.monotonic_s() + at_most_s
            while not event.is_set() and self.monotonic_s() < due_s:
                await asyncio.sleep(LOOK_EVERY_S)
            return event.is_set()
        finally:
            self._hearing -= 1

    # what the test does
    def advance(self, duration_s: float) -> None:
        """Move on by so much."""
        assert duration_s >= 0, "time never goes back"
        with self._lock:
            self._passed_s += duration_s

    def advance_to(self, time_s: float) -> None:
        """Move on to a time since the start, unless it is later already."""
        with self._lock:
            self._passed_s = max(self._passed_s, time_s)

    def until_awaited(self, threads: int = 1) -> None:
        """Wait, in real time, until so many threads wait for this clock to move on."""
        end_s = time.monotonic() + DEAD_AFTER_S
        while self.awaited < threads:
            assert time.monotonic() < end_s, f"{threads} threads never waited"
            time.sleep(LOOK_EVERY_S)

    async def until_heard(self) -> None:
        """Wait, in real time, until a coroutine waits for this clock to move on."""
        end_s = time.monotonic() + DEAD_AFTER_S
        while not self._hearing:
            assert time.monotonic() < end_s, "no coroutine ever waited"
            await asyncio.sleep(0)

    @property
    def awaited(self) -> int:
        """How many threads wait for it to move on."""
        with self._lock:
            return sum(due_s > self._passed_s for due_s in self._due_s.values())

    @contextmanager
    def _waiting(self, due_s: float) -> Iterator[None]:
        me = object()
        with self._lock:
            self._due_s[me] = due_s
        try:
            yield
        finally:
            with self._lock:
                del self._due_s[me]
