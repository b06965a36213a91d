"""The columns of `reps.csv`, the people's table, in every version so far: named lists, each as it was written.

Columns are read by their names, in any order. A new version is a new list here, and a folder in `tests/fixtures/logs` written by
it.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from rotrack.records.options import PROTOCOL

_FIRST = (
    "session_id started_at person drill side direction rep valid peak_deg live_peak_deg range_deg start_s peak_s end_s hold_s "
    "faults reason tier calibration zero visibility model convention_version rotrack_version note"
)
_WITH_ERRORS = f"{_FIRST} uncertainty_deg gravity_deg"
_WITH_DROPPED = f"{_WITH_ERRORS} dropped band load_kg"
_WITH_MEASURE = f"{_WITH_DROPPED} measure_version remeasured_from"
_WITH_SPEED = f"{_WITH_MEASURE} speed_deg_s"
_WITH_PROTOCOL = f"{_WITH_SPEED} {' '.join(PROTOCOL)}"
_WITH_VARIANT = f"{_WITH_PROTOCOL} variant"

VERSIONS = MappingProxyType(
    {
        "1 first": tuple(_FIRST.split()),
        "2 errors": tuple(_WITH_ERRORS.split()),
        "3 dropped, band, load": tuple(_WITH_DROPPED.split()),
        "4 measure version": tuple(_WITH_MEASURE.split()),
        "5 speed": tuple(_WITH_SPEED.split()),
        "6 protocol": tuple(_WITH_PROTOCOL.split()),
        "7 variant": tuple(_WITH_VARIANT.split()),
    }
)
"""Columns by the name of the version, oldest first."""
REP_COLUMNS = VERSIONS["7 variant"]
"""Those of the present version."""
NEEDED = ("session_id", "started_at", "drill", "side", "direction", "rep", "valid", "peak_deg")
"""Without these a row says nothing; every version has them."""


def version_of(columns: Iterable[str]) -> str:
    """Return the version that has just these columns, in any order; empty if none has."""
    names = set(columns)
    return next((version for version, known in VERSIONS.items() if set(known) == names), "")
