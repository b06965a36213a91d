"""What a phone that is the camera sends and hears, and likewise the browser on this computer when it is.

It sends its pictures by POST, several in one where they have waited, and hears back what stands on the page. One way serves every
browser: web sockets are refused by some under a certificate that they do not know. A request that got lost is simply sent again:
every picture has the time at which it was taken, and one that is here already does no harm.

The body of a request is a 4-byte length, that much JSON (`Head`), and the pictures as JPEG one behind the other.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import msgspec

from rotrack.app.live.stream import shown
from rotrack.app.live.studio import Studio
from rotrack.texts import Texts

GONE_AFTER_S = 5.0
"""A phone that has not asked for this long is taken to be gone."""
MOST_PHONES = 16
"""Most phones that are counted."""


class Head(msgspec.Struct):
    """What a phone says with its pictures.

    Parameters
    ----------
    sender : str
        Which page it is: a random name that it keeps.
    kind : str
        Which camera it is: `PHONE` or `BROWSER`.
    paused : bool
        Whether somebody stopped it for a while.
    leaves : bool
        Whether its page was closed.
    pictures : list of (float, int)
        Of each picture when it was taken, s of this computer's clock, and how many bytes it has.
    """

    sender: str
    kind: str
    paused: bool = False
    leaves: bool = False
    pictures: list[tuple[float, int]] = []


class Reception:
    """Takes what phones send, and knows which of them look.

    Parameters
    ----------
    studio : Studio
        Where the pictures go.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._looking: dict[str, tuple[Callable[[], None], asyncio.TimerHandle]] = {}

    def take(self, body: bytes, t: Texts) -> dict[str, Any]:
        """Take a request of a phone and return the answer.

        Raises
        ------
        ValueError
            If it is none.
        """
        head, pictures = _parts(body)
        studio, post = self._studio, self._studio.post
        if head.leaves:
            post.leave(head.sender)
            self._forget(head.sender)
            return {}
        self._look(head.sender)
        wanted = post.hear(head.sender, head.kind, head.paused)
        if wanted:
            post.put(head.sender, pictures)
        picture = studio.picture
        shot = picture.shot if picture else None
        return shown(studio, shot, t) | {
            "wanted": wanted,
            "busy": bool(post.kind) and post.kind == head.kind and not wanted,
            "have_s": post.have_s if wanted and math.isfinite(post.have_s) else None,
            "taken_s": shot.grabbed_s if shot else None,
            "now_s": studio.clock.monotonic_s(),
        }

    def _look(self, sender: str) -> None:
        """Count a phone among those who look, until it has not asked for a while."""
        known = self._looking.pop(sender, None)
        if known is not None:
            known[1].cancel()
        elif len(self._looking) >= MOST_PHONES:
            return
        leave = known[0] if known else self._studio.watch(lambda: None)
        gone = asyncio.get_running_loop().call_later(GONE_AFTER_S, self._forget, sender)
        self._looking[sender] = (leave, gone)

    def _forget(self, sender: str) -> None:
        known = self._looking.pop(sender, None)
        if known is not None:
            known[1].cancel()
            known[0]()


def _parts(body: bytes) -> tuple[Head, list[tuple[float, bytes]]]:
    end = 4 + int.from_bytes(body[:4], "big")
    head = msgspec.json.decode(body[4:end], type=Head)
    pictures, at = [], end
    for taken_s, size in head.pictures:
        if not (size > 0 and math.isfinite(taken_s)):
            raise ValueError("a picture has no size or no time")
        pictures.append((taken_s, body[at : at + size]))
        at += size
    if at != len(body):
        raise ValueError("the pictures are not as long as was said")
    return head, pictures
