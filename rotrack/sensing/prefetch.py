"""Runs an iterator in a thread, a few items ahead of its consumer."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Marks the end of the items; carries the error if there was one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Generator[T], depth: int) -> Generator[T]:
    """Yield the items of a generator that works in a thread of its own, at most some items ahead.

    An error in the thread is raised here, in its place after the items before it. Closing stops the thread, waits for it and
    closes the generator.

    Parameters
    ----------
    items : generator
        What to run; from now on only the thread uses it.
    depth : int
        How many items may wait.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: T | _End) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                return

    def run() -> None:
        error: BaseException | None = None
        try:
            with contextlib.closing(items):
                for item in items:
                    put(item)
                    if stop.is_set():
                        break
        except BaseException as problem:  # noqa: BLE001  raised again where the items are used
            error = problem
        put(_End(error))

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        stop.set()
        thread.join()
