"""The secrets of a data folder's page: what lets whom in, for how long, and that it lasts."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest
from clocks import ManualClock

from rotrack.app.keys import GUEST_S, KEY_FILE, OPENING_S, Keys
from rotrack.core.errors import RecordError


def entered(keys: Keys, token: str, own: bool = True) -> str:
    return keys.enter(token, own)[0]


def is_owner(keys: Keys, cookie: str) -> bool:
    visitor = keys.visitor(cookie, own=True)
    return visitor is not None and visitor.owner


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keys(tmp_path: Path, told: list[str], clock: ManualClock) -> Keys:
    made = Keys(tmp_path, told.append, clock)
    made.offer()
    return made


# ---------------------------------------------------------------------- the owner
def test_address_and_cookie_go_on_working_after_a_restart(tmp_path):
    first = Keys(tmp_path)
    cookie = entered(first, first.address_token)
    again = Keys(tmp_path)
    assert again.address_token == first.address_token and again.cookie_name == first.cookie_name
    assert is_owner(again, cookie)


def test_what_belongs_to_the_owner_means_nothing_elsewhere(keys):
    """A token that was read over a shoulder, or a cookie that a server of another user was sent."""
    assert entered(keys, keys.address_token, own=False) == ""
    assert entered(keys, keys.opening_token(), own=False) == ""
    assert keys.visitor(entered(keys, keys.address_token), own=False) is None


def test_two_data_folders_do_not_know_each_other(tmp_path):
    one, two = Keys(tmp_path / "one"), Keys(tmp_path / "two")
    assert one.address_token != two.address_token
    assert one.cookie_name != two.cookie_name, "a browser has one set of cookies for both"
    assert not is_owner(two, entered(one, one.address_token))
    assert entered(two, one.address_token) == ""


def test_the_address_that_the_browser_is_started_with_works_once_and_soon(keys, clock):
    token = keys.opening_token()
    assert is_owner(keys, entered(keys, token))
    assert entered(keys, token) == ""
    late = keys.opening_token()
    clock.advance(OPENING_S + 1)
    assert entered(keys, late) == ""


def test_a_second_start_opens_the_browser_for_the_first(keys, tmp_path, clock):
    assert is_owner(keys, entered(keys, Keys(tmp_path, clock=clock).opening_token()))


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_the_secrets_are_for_their_owner_only(tmp_path):
    Keys(tmp_path)
    path = tmp_path / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    Keys(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b'{"own": "", "guests": ""}', b'{"own": 1, "guests": []}', b"\xff" * 9000])
def test_damaged_secrets_are_made_anew(tmp_path, content):
    before = Keys(tmp_path)
    cookie = entered(before, before.address_token)
    (tmp_path / KEY_FILE).write_bytes(content)
    after = Keys(tmp_path)
    assert not is_owner(after, cookie)
    assert is_owner(after, entered(after, after.address_token))


def test_secrets_that_cannot_be_kept_are_told(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(RecordError, match="cannot be written"):
        Keys(tmp_path / "file")


@pytest.mark.parametrize("made_up", ["", ".", "..", "x.y.z", "x.1e400.z", "é.9.ü", "\udcff", "x" * 5000])
def test_nothing_made_up_lets_anybody_in(keys, made_up):
    assert keys.enter(made_up, own=True) == ("", 0)
    assert keys.visitor(made_up, own=True) is None


def test_no_secret_is_said(keys, tmp_path):
    secrets = json.loads((tmp_path / KEY_FILE).read_text()).values()
    cookie = entered(keys, keys.address_token)
    assert cookie != keys.address_token
    assert not any(secret in given for secret in secrets for given in (cookie, keys.address_token, keys.opening_token()))
    assert min(map(len, (cookie, keys.address_token))) >= 24


# ---------------------------------------------------------------------- guests
def test_a_guest_is_let_in_by_a_token_that_works_once(keys, told):
    cookie = entered(keys, told[0], own=False)
    visitor = keys.visitor(cookie, own=False)
    assert visitor is not None and not visitor.owner
    assert entered(keys, told[0], own=False) == ""
    assert len(told) == 2 and keys.guests == 1
    second = entered(keys, told[1], own=False)
    assert second != cookie and keys.visitor(second, own=False) is not None


def test_a_guest_on_this_computer_is_a_guest(keys, told):
    assert not is_owner(keys, entered(keys, told[0], own=True))


def test_guests_leave_after_a_day(keys, told, clock):
    cookie = entered(keys, told[0], own=False)
    clock.advance(GUEST_S - 1)
    visitor = keys.visitor(cookie, own=False)
    assert visitor is not None and visitor.left_s == pytest.approx(1, abs=1)
    clock.advance(2)
    assert keys.visitor(cookie, own=False) is None
    assert keys.guests == 0


def test_a_guest_cannot_stay_longer_by_another_date(keys, told):
    name, until_s, mac = entered(keys, told[0], own=False).split(".")
    assert keys.visitor(f"{name}.{float(until_s) + 1e6:.0f}.{mac}", own=False) is None


def test_guests_are_sent_away_for_good_and_the_owner_stays(keys, told, tmp_path, clock):
    cookie, own = entered(keys, told[0], own=False), entered(keys, keys.address_token)
    offered = told[-1]
    assert keys.visitor(cookie, own=False) is not None and keys.guests == 1
    keys.send_away()
    assert keys.visitor(cookie, own=False) is None and keys.guests == 0
    assert entered(keys, offered, own=False) == "", "somebody may have seen it"
    assert Keys(tmp_path, told.append, clock).visitor(cookie, own=False) is None
    assert is_owner(keys, own)
    assert keys.visitor(entered(keys, told[-1], own=False), own=False) is not None


def test_who_waits_hears_that_the_guests_are_sent_away(keys):
    async def heard() -> tuple[bool, bool]:
        gone = keys.sent_away()
        before = gone.is_set()
        keys.send_away()
        return before, gone.is_set()

    assert asyncio.run(heard()) == (False, True)


def test_without_other_devices_there_are_no_guests(keys, told, tmp_path, clock):
    cookie = entered(keys, told[0], own=False)
    assert keys.visitor(cookie, own=False) is not None
    alone = Keys(tmp_path, clock=clock)
    alone.offer()
    assert alone.visitor(cookie, own=False) is None
