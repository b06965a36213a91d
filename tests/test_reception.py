"""What a phone sends as it arrives, and what it hears back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clocks import ManualClock

from rotrack.app.live.phone import MOST_PHONES, Reception
from rotrack.app.live.studio import Phase, Studio
from rotrack.sensing.sent import PHONE
from rotrack.texts import Texts

PICTURES = (b"one", b"another")


def request(*pictures: bytes, first_s: float = 0.5, **head: Any) -> bytes:
    said = {
        "sender": "phone",
        "kind": PHONE,
        "pictures": [(first_s + 0.1 * n, len(each)) for n, each in enumerate(pictures)],
        **head,
    }
    text = json.dumps(said).encode()
    return len(text).to_bytes(4, "big") + text + b"".join(pictures)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    clock = ManualClock()
    clock.advance(1.0)
    studio = Studio(PHONE, tmp_path, clock=clock)
    yield studio
    studio.close()


def heard(reception: Reception, *requests: bytes) -> list[dict[str, Any]]:
    async def take() -> list[dict[str, Any]]:
        return [reception.take(each, Texts()) for each in requests]

    return asyncio.run(take())


def test_pictures_are_taken_once_they_are_wanted_and_the_phone_hears_which_is_the_last(studio):
    reception = Reception(studio)
    (before,) = heard(reception, request(*PICTURES))
    assert (before["wanted"], before["busy"], before["have_s"], before["phase"]) == (False, False, None, Phase.IDLE)
    studio.post.open(PHONE)
    first, other = heard(reception, request(*PICTURES), request(*PICTURES, sender="another phone"))
    assert (first["wanted"], first["have_s"], first["now_s"]) == (True, pytest.approx(0.6), 1.0)
    assert (other["wanted"], other["busy"], other["have_s"]) == (False, True, None)
    assert [studio.post.take(0).jpeg for _ in PICTURES] == list(PICTURES)


def test_a_phone_that_leaves_makes_room(studio):
    studio.post.open(PHONE)
    *_, other = heard(Reception(studio), request(), request(leaves=True), request(sender="another phone"))
    assert other["wanted"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0\2{}",
        b"\xff\xff\xff\xff{}",
        request(*PICTURES)[:-1],
        request(*PICTURES) + b"more",
        request(pictures=[(0.5, -3)]),
        request(pictures=[("now", 3)]),
    ],
)
def test_what_is_no_request_of_a_phone_is_refused(studio, body):
    studio.post.open(PHONE)
    with pytest.raises((ValueError, msgspec.DecodeError)):
        heard(Reception(studio), body)
    assert not studio.post.taken


def test_phones_count_as_those_who_look_but_no_more_than_there_can_be(studio, monkeypatch):
    watching = []
    monkeypatch.setattr(studio, "watch", lambda changed: watching.append(changed) or (lambda: watching.remove(changed)))
    heard(Reception(studio), *[request(sender=f"phone {n % 40}") for n in range(80)])
    assert len(watching) == MOST_PHONES
