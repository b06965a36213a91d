"""Who is let in: the owner by an address that stays the same, other devices by addresses that work once.

The secrets lie in the data folder, readable for its owner only. What a browser gets is worked out from them, so that an
address, a bookmark and an installed icon still work after rotrack has been restarted.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, replace
from rotrack.system.inputs import UnreadableError, read_json

KEY_FILE = "page.key"
OWNER_S = 400 * 86_400
"""How long the owner's browser stays let in; browsers keep no cookie for longer."""
GUEST_S = 12 * 3600
"""How long another device stays let in: a day's work."""
OPENING_S = 120
"""How long the address works that rotrack starts the browser with."""
_SECRET_BYTES, _MAC_BYTES, _TOKEN_BYTES = 32, 18, 9
_MOST_KEY_BYTES = 4096
_OWN, _GUESTS = "own", "guests"
_ADDRESS, _COOKIE, _OPENING, _GUEST = "address", "cookie", "opening", "guest"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose browser asks.

    Parameters
    ----------
    owner : bool
        Whether it is the owner's own; otherwise it is a guest's.
    left_s : float
        How long it may still look in.
    """

    owner: bool
    left_s: float


class Keys:
    """The secrets of a data folder's page, and the tokens and cookies made from them.

    Parameters
    ----------
    data : Path
        The data folder.
    offered : callable, optional
        Called with each one-time token for another device; without it no other device is let in.
    clock : Clock
        Tells when something is over.

    Raises
    ------
    RecordError
        If the secrets cannot be written.
    """

    def __init__(self, data: Path, offered: Callable[[str], None] | None = None, clock: Clock = SYSTEM) -> None:
        self._path, self._clock, self._told = data / KEY_FILE, clock, offered
        self._secrets = self._read() or self._made({_OWN: _secret(), _GUESTS: _secret()})
        self._offered = ""
        self._used: dict[str, float] = {}
        """Opening tokens that were used, and until when they would have worked."""
        self._guests: dict[str, float] = {}
        """Guests that have looked in since the start, and until when they may."""
        self._away: WeakSet[asyncio.Event] = WeakSet()
        self.cookie_name = f"rotrack_{hashlib.sha256(f'name {self._secrets[_OWN]}'.encode()).hexdigest()[:8]}"
        """Browsers keep one set of cookies for all programs of a computer; other data folders have other names."""

    # ------------------------------------------------------------------ addresses
    @property
    def address_token(self) -> str:
        """The token of the owner's address; it works again and again, on this computer only."""
        return self._mac(_OWN, _ADDRESS)

    def opening_token(self) -> str:
        """Return a token for the address that a browser is started with, which other users may see: it works once, and soon."""
        parts = (secrets.token_urlsafe(_TOKEN_BYTES), f"{self._now_s() + OPENING_S:.0f}")
        return ".".join((*parts, self._mac(_OWN, _OPENING, *parts)))

    def offer(self) -> None:
        """Make a token for another device, in place of the last one, and tell it."""
        if self._told is not None:
            self._offered = secrets.token_urlsafe(_TOKEN_BYTES)
            self._told(self._offered)

    @property
    def offered_token(self) -> str:
        """The token that lets the next device in; empty if no other device is let in."""
        return self._offered

    @property
    def takes_guests(self) -> bool:
        """Whether other devices may be let in."""
        return self._told is not None

    def opens(self, token: str, own: bool) -> bool:
        """Return whether a token lets a browser in; `own` is whether the browser may be the owner's."""
        return (own and (_same(token, self.address_token) or self._opens_now(token))) or self._is_offered(token)

    def enter(self, token: str, own: bool) -> tuple[str, int]:
        """Return the cookie for a token, and for how many seconds it is good; the cookie is empty if the token lets nobody in."""
        if not self.opens(token, own):
            return "", 0
        if self._is_offered(token):
            self.offer()
            parts = (secrets.token_urlsafe(_TOKEN_BYTES), f"{self._now_s() + GUEST_S:.0f}")
            return ".".join((*parts, self._mac(_GUESTS, _GUEST, *parts))), GUEST_S
        if not _same(token, self.address_token):
            now_s = self._now_s()
            self._used = {used: until_s for used, until_s in self._used.items() if until_s > now_s} | {token: now_s + OPENING_S}
        return self._mac(_OWN, _COOKIE), OWNER_S

    # ------------------------------------------------------------------ visitors
    def visitor(self, cookie: str, own: bool) -> Visitor | None:
        """Return whose browser has a cookie; None if it was not let in, or not for so long."""
        if _same(cookie, self._mac(_OWN, _COOKIE)):
            return Visitor(True, OWNER_S) if own else None
        *parts, mac = cookie.split(".")
        if not self.takes_guests or len(parts) != 2 or not _same(mac, self._mac(_GUESTS, _GUEST, *parts)):
            return None
        until_s = float(parts[1])
        if until_s <= self._now_s():
            return None
        self._guests[parts[0]] = until_s
        return Visitor(False, until_s - self._now_s())

    @property
    def guests(self) -> int:
        """How many other devices have looked in and still may."""
        return sum(until_s > self._now_s() for until_s in self._guests.values())

    def send_away(self) -> None:
        """Let no guest look in any more; raises RecordError if that cannot be written."""
        self._secrets = self._made({**self._secrets, _GUESTS: _secret()})
        self._guests.clear()
        for gone in tuple(self._away):
            gone.set()
        self.offer()  # somebody may have seen the one that is open

    def sent_away(self) -> asyncio.Event:
        """Return what is set as soon as the guests are sent away."""
        gone = asyncio.Event()
        self._away.add(gone)
        return gone

    # ------------------------------------------------------------------ within
    def _is_offered(self, token: str) -> bool:
        return bool(self._offered) and _same(token, self._offered)

    def _opens_now(self, token: str) -> bool:
        *parts, mac = token.split(".")
        if len(parts) != 2 or token in self._used or not _same(mac, self._mac(_OWN, _OPENING, *parts)):
            return False
        return float(parts[1]) > self._now_s()

    def _mac(self, secret: str, *parts: str) -> str:
        found = hmac.digest(self._secrets[secret].encode(), "\0".join(parts).encode("utf-8", "replace"), "sha256")
        return urlsafe_b64encode(found[:_MAC_BYTES]).decode()

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    def _read(self) -> dict[str, str] | None:
        try:
            raw = read_json(self._path, _MOST_KEY_BYTES)
        except UnreadableError:  # made anew; whoever was let in has to come by the printed address again
            return None
        found = {name: raw.get(name) for name in (_OWN, _GUESTS)}
        if not all(isinstance(value, str) and len(value) >= 2 * _SECRET_BYTES for value in found.values()):
            return None
        with suppress(OSError):  # a folder that was copied may have lost it
            self._path.chmod(FILE_MODE)
        return {name: str(value) for name, value in found.items()}

    def _made(self, made: dict[str, str]) -> dict[str, str]:
        with explained(self._path):
            make_folder(self._path.parent)
            replace({self._path: json.dumps(made).encode()})
            with suppress(OSError):
                self._path.chmod(FILE_MODE)
        return made


def _secret() -> str:
    return secrets.token_hex(_SECRET_BYTES)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
