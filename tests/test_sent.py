"""Pictures that a phone sends: nothing is lost or measured twice, and the network enters no time."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import pytest
from clocks import ManualClock

from rotrack.core.errors import SourceError
from rotrack.core.rates import ENOUGH_HZ
from rotrack.sensing import sent
from rotrack.sensing.sent import BROWSER, CATCHING_UP, CUT_SHORT, NO_PICTURES, PAUSED, PHONE, Post, SentPictures

ONE, OTHER = "one phone", "another phone"
FPS = 30.0


def jpeg(grey: int = 0, size_px: tuple[int, int] = (64, 48)) -> bytes:
    return cv2.imencode(".jpg", np.full((size_px[1], size_px[0], 3), grey, np.uint8))[1].tobytes()


def pictures(count: int, first_s: float = 1.0, fps: float = FPS) -> list[tuple[float, bytes]]:
    return [(first_s + number / fps, jpeg()) for number in range(count)]


@pytest.fixture
def clock() -> ManualClock:
    clock = ManualClock()
    clock.advance(1.0)
    return clock


@pytest.fixture
def post(clock: ManualClock) -> Post:
    post = Post(clock)
    post.open(PHONE)
    assert post.hear(ONE, PHONE)
    return post


def taken_s(post: Post, clock: ManualClock, each_takes_s: float = 0.0) -> list[float]:
    """Take all that is there, as somebody who measures does."""
    found = []
    while (one := post.take(0)) is not None:
        found.append(one.taken_s)
        clock.advance(each_takes_s)
    return found


def test_what_is_sent_again_is_measured_once(post, clock):
    sending = pictures(5)
    post.put(ONE, sending[:3])
    post.put(ONE, sending[1:])
    post.put(ONE, sending)
    assert taken_s(post, clock) == [time_s for time_s, _ in sending]
    assert post.have_s == sending[-1][0]


def test_what_the_link_held_back_is_measured_by_enough_pictures_and_to_its_end(post, clock):
    clock.advance(25)
    sending = pictures(20 * round(FPS))
    post.put(ONE, sending)
    found = taken_s(post, clock, 0.02)
    assert len(found) / 20 == pytest.approx(ENOUGH_HZ, rel=0.05)
    assert max(np.diff(found)) < 2.1 / FPS
    assert sending[-1][0] - found[-1] < 0.1


def test_a_slow_computer_comes_back_to_the_present(post, clock):
    """It takes 0.1 s for a picture, so it can measure ten a second; what waits gets less although more comes."""
    behind_s, sending = [], iter(pictures(3000))
    clock.advance(10)
    post.put(ONE, list(itertools.islice(sending, 300)))
    for _ in range(500):
        found = post.take(0)
        clock.advance(0.1)
        post.put(ONE, list(itertools.islice(sending, 3)))
        behind_s.append(post.have_s - found.taken_s)
    assert behind_s[0] > 9
    assert max(behind_s[-50:]) < 0.5


def test_bursts_of_the_network_lose_nothing_and_enter_no_time(post, clock):
    sending = pictures(60)
    post.put(ONE, sending[:1])
    source = SentPictures(post, PHONE, clock=clock)
    frames = iter(source)
    found = [next(frames)]
    for start in range(1, 60, 6):  # six at once, a fifth of a second late
        clock.advance(0.2)
        post.put(ONE, sending[start : start + 6])
        found += [next(frames) for _ in sending[start : start + 6]]
    assert [frame.time_s for frame in found] == pytest.approx(np.arange(60) / FPS, abs=1e-6)
    assert [frame.index for frame in found] == list(range(60))


@pytest.mark.parametrize("wrong_s", [-math.inf, math.nan, math.inf, 1e9, -100.0])
def test_a_picture_of_an_impossible_time_is_passed_over(post, clock, wrong_s):
    clock.advance(70)
    right_s = clock.monotonic_s()
    post.put(ONE, [(wrong_s, jpeg()), (right_s, jpeg())])
    assert taken_s(post, clock) == [right_s]


def test_another_phone_has_to_wait_until_the_first_one_leaves_or_is_forgotten(post, clock):
    assert not post.hear(OTHER, PHONE)
    post.put(OTHER, pictures(3))
    assert taken_s(post, clock) == []
    clock.advance(sent.FREE_AFTER_S + 0.1)
    assert post.hear(OTHER, PHONE)
    assert not post.hear(ONE, PHONE)
    post.leave(ONE)  # it has nothing to say any more
    assert not post.hear(ONE, PHONE)
    post.leave(OTHER)
    assert post.hear(ONE, PHONE)


def test_only_the_camera_that_was_chosen_is_heard(post):
    assert not Post().hear(ONE, PHONE), "none was chosen"
    assert not post.hear(ONE, BROWSER)
    post.open(BROWSER)
    assert not post.hear(ONE, PHONE)
    assert post.hear(ONE, BROWSER)


def test_nobody_there_is_told_and_found_later():
    post = Post(_Impatient())
    for kind in (PHONE, BROWSER):
        with pytest.raises(SourceError) as told:
            SentPictures(post, kind)
        assert str(told.value) == sent.NOBODY_SENDS[kind]
    assert post.hear(ONE, BROWSER), "they stay wanted"
    post.put(ONE, [(0.5, jpeg(size_px=(48, 64)))])
    assert SentPictures(post, BROWSER).info.size_px == (48, 64)


class _Impatient(ManualClock):
    """Nobody waits by this clock."""

    def wait_for(self, changed, until, at_most_s):
        return bool(until())


def test_it_is_said_why_there_is_no_picture_of_now(post, clock):
    post.put(ONE, pictures(1))
    source = SentPictures(post, PHONE, clock=clock)
    assert source.lost == ""
    clock.advance(sent.SILENT_S + 0.1)
    assert source.lost == NO_PICTURES[PHONE]
    post.put(ONE, pictures(3, first_s=1.5))
    assert source.lost == CATCHING_UP
    post.hear(ONE, PHONE, paused=True)
    assert source.lost == PAUSED


def test_when_too_much_waits_the_oldest_goes_and_that_is_said(post, clock, monkeypatch):
    monkeypatch.setattr(sent, "MOST_WAITING_BYTES", 5 * len(jpeg()))
    post.put(ONE, pictures(8))
    source = SentPictures(post, PHONE, clock=clock)
    assert source.warning == CUT_SHORT
    assert source.started_s == pytest.approx(1.0 + 3 / FPS)


def test_what_is_no_picture_or_far_too_large_is_passed_over(post, clock):
    whole = jpeg()
    huge = bytearray(whole)
    at = whole.index(b"\xff\xc0") + 5
    huge[at : at + 4] = b"\xff\xff\xff\xff"
    wrong = [b"", b"\xff\xd8", whole[:40], bytes(huge), b"GIF89a" + whole]
    post.put(ONE, [(1.0, whole)])
    source = SentPictures(post, PHONE, clock=clock)
    post.put(ONE, [(1.1 + 0.01 * number, each) for number, each in enumerate(wrong)])
    post.put(ONE, [(1.2, whole)])
    frames = iter(source)
    assert [next(frames).time_s, next(frames).time_s] == [0.0, 0.2]


def test_a_phone_may_be_turned_while_it_is_set_up(post, clock):
    post.put(ONE, [(1.0, jpeg(size_px=(64, 48))), (1.1, jpeg(size_px=(48, 64)))])
    source = SentPictures(post, PHONE, clock=clock)
    frames = iter(source)
    next(frames)
    assert source.info.size_px == (64, 48)
    assert next(frames).rgb.shape == (64, 48, 3)
    assert source.info.size_px == (48, 64)
