"""The certificate by which other devices talk to rotrack without anybody listening in.

Browsers let a page use a camera only over such a connection, or on their own computer. Nobody has signed it, since nobody in a
home network could: a browser warns once, and shows the fingerprint that stands beside the code to scan.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, replace

CERTIFICATE_FILE = "page.pem"
GOOD_FOR = timedelta(days=397)
"""Some browsers trust no certificate that is valid for longer."""
ANEW_BEFORE = timedelta(days=30)
"""How long before its end it is renewed, so that it does not expire while rotrack runs."""
CLOCKS_DIFFER = timedelta(days=1)
"""How far in the past it begins, for phones whose clock is slow."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, on disk.

    Parameters
    ----------
    path : Path
        Both in one file, for the owner only.
    fingerprint : str
        SHA-256 of the certificate, as browsers show it.
    """

    path: Path
    fingerprint: str


def certificate(data: Path, names: Collection[str], clock: Clock = SYSTEM) -> Certificate:
    """Return the certificate of a data folder; it is made when there is none for these names, or when it ends soon.

    Parameters
    ----------
    data : Path
        The data folder.
    names : collection of str
        Addresses and names of this computer in its network.
    clock : Clock
        Tells when it ends.

    Raises
    ------
    RecordError
        If it cannot be written.
    """
    path, now = data / CERTIFICATE_FILE, clock.now().astimezone(UTC)
    found = None
    with suppress(OSError, ValueError):
        found = x509.load_pem_x509_certificate(path.read_bytes())
        path.chmod(FILE_MODE)  # a folder that was copied may have lost it
    if found is None or not set(names) <= _names(found) or found.not_valid_after_utc < now + ANEW_BEFORE:
        found = _made(path, names, now)
    return Certificate(path, found.fingerprint(hashes.SHA256()).hex(":").upper())


def _names(found: x509.Certificate) -> set[str]:
    with suppress(x509.ExtensionNotFound):
        known = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return {*known.get_values_for_type(x509.DNSName), *map(str, known.get_values_for_type(x509.IPAddress))}
    return set()


def _made(path: Path, names: Collection[str], now: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rotrack on this computer")])
    made = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with explained(path):
        make_folder(path.parent)
        replace({path: secret + made.public_bytes(serialization.Encoding.PEM)})
        with suppress(OSError):
            path.chmod(FILE_MODE)
    return made


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
