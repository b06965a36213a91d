"""The certificate for other devices: the same as long as it holds, for its owner only, and what a connection shows."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from clocks import ManualClock

from rotrack.app.certificate import ANEW_BEFORE, CERTIFICATE_FILE, GOOD_FOR, certificate

NAMES = ("127.0.0.1", "localhost", "192.0.2.7", "my-computer")


def test_it_stays_the_same_so_that_a_phone_warns_once(tmp_path):
    first = certificate(tmp_path, NAMES)
    assert certificate(tmp_path, NAMES) == first
    assert certificate(tmp_path, NAMES[:2]) == first
    assert certificate(tmp_path, (*NAMES, "192.0.2.8")).fingerprint != first.fingerprint


@pytest.mark.parametrize("left", [timedelta(days=-1), ANEW_BEFORE - timedelta(days=1)])
def test_it_is_made_anew_before_it_ends(tmp_path, left):
    clock = ManualClock()
    first = certificate(tmp_path, NAMES, clock)
    clock.advance((GOOD_FOR - ANEW_BEFORE - timedelta(days=1)).total_seconds())
    assert certificate(tmp_path, NAMES, clock) == first
    clock.advance((ANEW_BEFORE + timedelta(days=1) - left).total_seconds())
    assert certificate(tmp_path, NAMES, clock) != first


@pytest.mark.parametrize("text", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_damaged_one_is_made_anew(tmp_path, text):
    (tmp_path / CERTIFICATE_FILE).write_bytes(text)
    made = certificate(tmp_path, NAMES)
    assert certificate(tmp_path, NAMES) == made


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nobody_else_reads_the_key(tmp_path):
    made = certificate(tmp_path, NAMES)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    made.path.chmod(0o644)  # as copying a folder may do
    certificate(tmp_path, NAMES)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600


def test_a_connection_shows_it_under_each_of_its_names(tmp_path):
    made = certificate(tmp_path, NAMES)
    assert hashlib.sha256(shown(made.path, NAMES)).hexdigest().upper() == made.fingerprint.replace(":", "")


def shown(path: Path, names: tuple[str, ...]) -> bytes:
    """Connect under each name, as somebody who trusts the certificate; return what was shown."""
    here, there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(path))
    here.load_cert_chain(path)
    for name in names:
        ours, theirs = socket.socketpair()
        answering = threading.Thread(target=lambda own=ours: here.wrap_socket(own, server_side=True).close())
        answering.start()
        with there.wrap_socket(theirs, server_hostname=name) as connection:
            found = connection.getpeercert(binary_form=True)
        answering.join()
        assert found
    return found
