"""Pictures that another program sends: a phone, or the browser on this computer, is the camera.

`Post` is where they arrive, each with the time at which it was taken; `SentPictures` gives them as a camera does. Their times are
those of the sender, so what the network does to them enters no speed and no hold. None is passed over while they are measured as
fast as they come; what waits, because the link was away or because this computer is slow, is worked off in order and thinned to
no fewer than are enough, or to what this computer can measure.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rotrack.core.errors import SourceError
from rotrack.core.model import Frame
from rotrack.core.rates import ENOUGH_HZ
from rotrack.sensing.sources import SourceInfo
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

PHONE, BROWSER = "phone://", "browser://"
"""What stands for such a camera where others have a number or an address: a phone, or the browser on this computer."""
NAMES = {PHONE: "phone", BROWSER: "browser"}
"""How a session names them."""
FIRST_WITHIN_S = 3.0
"""How long to wait for a first picture before it is said that there is none."""
BEHIND_S, UP_TO_DATE_S = 0.25, 0.06
"""What waits for longer than the first, from its first to its last picture, is thinned until it is less than the second."""
NEAR_S = 0.002
"""A picture that comes this much before it is due counts as in time."""
WORKED_OFF = 1.25
"""What waits is thinned so far that it is measured so many times faster than it was taken."""
SILENT_S = 1.5
"""When nothing came for this long, no pictures come."""
LATE_S = 1.5
"""Pictures that were taken longer ago are late."""
FREE_AFTER_S = 35.0
"""After a silence of this length another phone may be the camera: longer than a phone keeps what it could not send."""
MOST_WAITING_BYTES = 160_000_000
"""Most bytes that may wait; when more comes, the oldest are thrown away."""
AHEAD_S, OLD_S = 1.0, 60.0
"""A picture from further in the future, or from longer ago, has a wrong time."""
MOST_PIXELS = 4096 * 2304
"""Larger pictures are not decoded."""
NOBODY_SENDS = {
    PHONE: "No phone is connected: scan the code with the phone's camera, and let the page that opens use its camera.",
    BROWSER: "The browser gives no picture: let this page use the camera when the browser asks.",
}
NO_PICTURES = {
    PHONE: (
        "No pictures come from the phone: keep rotrack's page open on it, and the phone in the network. "
        "What it takes meanwhile comes later."
    ),
    BROWSER: "No pictures come from the browser: keep the page with the camera in front.",
}
PAUSED = "Paused on the phone: press 'Go on' there."
CATCHING_UP = "Late pictures are being measured."
CUT_SHORT = "No pictures came for too long: a part of what was taken meanwhile is missing."
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG that its size follows."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture as it was sent.

    Parameters
    ----------
    taken_s : float
        When it was taken, s of this computer's monotonic clock, as the sender reckons it.
    jpeg : bytes
        The picture.
    index : int
        How many came before it.
    """

    taken_s: float
    jpeg: bytes
    index: int = 0


class Post:
    """Where pictures arrive, from one sender at a time; every method may be called from any thread.

    Parameters
    ----------
    clock : Clock
        Tells how long nothing came.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[Sent] = deque()
        self._bytes = 0
        self._count = 0
        self._due_s = self._given_s = -math.inf
        self._took_s = 0.0
        self._behind = False
        self._heard_s = self._arrived_s = -math.inf
        self._sender = ""
        self.kind = ""
        """Pictures of which camera are wanted; empty if none are."""
        self.have_s = -math.inf
        """When the latest picture that is here was taken; older ones are not taken again."""
        self.paused = False
        """Whether the sender has stopped for a while."""
        self.cut_short = False
        """Whether pictures were thrown away."""

    # ------------------------------------------------------------------ for who sends
    def hear(self, sender: str, kind: str, paused: bool = False) -> bool:
        """Take note that a sender is there; return whether its pictures are wanted."""
        with self._changed:
            now_s = self._clock.monotonic_s()
            if kind != self.kind or (self._sender not in ("", sender) and now_s - self._heard_s <= FREE_AFTER_S):
                return False
            self._sender, self._heard_s, self.paused = sender, now_s, paused
            return True

    @property
    def taken(self) -> bool:
        """Whether somebody is the camera now."""
        return bool(self.kind and self._sender)

    def leave(self, sender: str) -> None:
        """Take note that a sender will send no more: another one may."""
        with self._changed:
            if sender == self._sender:
                self._sender, self._heard_s = "", -math.inf

    def put(self, sender: str, pictures: Sequence[tuple[float, bytes]]) -> None:
        """Take pictures of the one that is the camera, each with when it was taken; those that are here already do no harm."""
        with self._changed:
            now_s = self._clock.monotonic_s()
            for taken_s, jpeg in pictures if sender == self._sender else ():
                if not max(self.have_s, now_s - OLD_S) < taken_s < now_s + AHEAD_S:
                    continue
                self.have_s, self._arrived_s = taken_s, now_s
                self._waiting.append(Sent(taken_s, jpeg, self._count))
                self._count += 1
                self._bytes += len(jpeg)
            while self._bytes > MOST_WAITING_BYTES:
                self._bytes -= len(self._waiting.popleft().jpeg)
                self.cut_short = True
            self._changed.notify_all()

    # ------------------------------------------------------------------ for who measures
    def open(self, kind: str) -> None:
        """Want pictures of a camera from now on."""
        with self._changed:
            if kind != self.kind:
                self._clear()
                self.kind = kind

    def close(self) -> None:
        """Want no more."""
        with self._changed:
            self._clear()
            self.kind = ""
            self._changed.notify_all()

    def _clear(self) -> None:
        self._waiting.clear()
        self._bytes, self._count, self._took_s, self._sender = 0, 0, 0.0, ""
        self.have_s = self._due_s = self._given_s = self._heard_s = self._arrived_s = -math.inf
        self.paused = self.cut_short = self._behind = False

    def take(self, at_most_s: float) -> Sent | None:
        """Return the next picture; None if none came for so long, or none are wanted any more."""
        with self._changed:
            asked_s = self._clock.monotonic_s()
            was_waiting = bool(self._waiting)
            if was_waiting and math.isfinite(self._given_s):  # the last one took so long
                took_s = asked_s - self._given_s
                self._took_s = took_s if not self._took_s else 0.9 * self._took_s + 0.1 * took_s
            self._clock.wait_for(self._changed, lambda: self._waiting or not self.kind, at_most_s)
            if not self._waiting:
                return None
            sent = self._next()
            self._given_s = self._clock.monotonic_s()
            return sent

    def _next(self) -> Sent:
        sent = self._pop()
        waits_s = self._waiting[-1].taken_s - sent.taken_s if self._waiting else 0.0
        self._behind = waits_s > (UP_TO_DATE_S if self._behind else BEHIND_S)
        if self._behind:
            gap_s = max(1 / ENOUGH_HZ, WORKED_OFF * self._took_s)
            self._due_s = max(self._due_s, sent.taken_s - gap_s) + gap_s
            while sent.taken_s < self._due_s - NEAR_S and self._waiting:
                sent = self._pop()
        else:
            self._due_s = -math.inf
        return sent

    def _pop(self) -> Sent:
        sent = self._waiting.popleft()
        self._bytes -= len(sent.jpeg)
        return sent

    @property
    def silent_s(self) -> float:
        """How long no new picture came, s."""
        return self._clock.monotonic_s() - self._arrived_s


class SentPictures:
    """The pictures of a phone, or of the browser on this computer, as a camera gives them.

    Parameters
    ----------
    post : Post
        Where they arrive.
    kind : str
        `PHONE` or `BROWSER`.
    give_up : callable
        Asked while none come whether to stop waiting.
    clock : Clock
        Tells how long none came.

    Raises
    ------
    SourceError
        If none comes at first; they stay wanted, so that the next attempt may find them.
    """

    def __init__(self, post: Post, kind: str, give_up: Callable[[], bool] = lambda: False, clock: Clock = SYSTEM) -> None:
        self._post, self._give_up, self._clock = post, give_up, clock
        self._kind, self._closed = kind, False
        post.open(kind)
        first = self._decoded(FIRST_WITHIN_S)
        if first is None:
            raise SourceError(PAUSED if post.paused else NOBODY_SENDS[kind])
        self._first: tuple[Sent, np.ndarray] | None = first
        self._taken_s = self.started_s = first[0].taken_s
        height, width = first[1].shape[:2]
        self.info = SourceInfo("camera", NAMES[kind], (width, height), math.nan, 0)

    @property
    def warning(self) -> str:
        """What went wrong without ending it."""
        return CUT_SHORT if self._post.cut_short else ""

    @property
    def lost(self) -> str:
        """Why there is no picture of now; empty while there is one."""
        if self._post.paused:
            return PAUSED
        if self._post.silent_s > SILENT_S:
            return NO_PICTURES[self._kind]
        return CATCHING_UP if self._clock.monotonic_s() - self._taken_s > LATE_S else ""

    def __iter__(self) -> Iterator[Frame]:
        """Yield the pictures in order; while none come there is none."""
        while not self._closed:
            found, self._first = self._first or self._decoded(1.0), None
            if found is not None:
                sent, rgb = found
                self._taken_s = sent.taken_s
                self.info = replace(self.info, size_px=(rgb.shape[1], rgb.shape[0]))  # it may be turned while it is set up
                yield Frame(sent.index, round(sent.taken_s - self.started_s, 6), rgb)
            elif self._give_up():
                return

    def _decoded(self, at_most_s: float) -> tuple[Sent, np.ndarray] | None:
        sent = self._post.take(at_most_s)
        if sent is None:
            return None
        width, height = _size_px(sent.jpeg)
        if not 0 < width * height <= MOST_PIXELS:
            return None
        rgb = cv2.imdecode(np.frombuffer(sent.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        return None if rgb is None else (sent, rgb)

    def close(self) -> None:
        """Want no more pictures."""
        self._closed = True
        self._post.close()


def _size_px(jpeg: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG as its head says, without decoding it; zeros if it says none."""
    at = 2
    while jpeg[:2] == b"\xff\xd8" and at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        if jpeg[at + 1] in _SIZES:
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return 0, 0
