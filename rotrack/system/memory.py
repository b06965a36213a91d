"""The memory that a program keeps although nothing in it needs it any more."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Give memory that is free back to the system, where the C library is that of Linux and would keep it.

    That library has an area of memory for every thread. Whoever makes and drops large things in one thread after another, as
    sessions do with their models, leaves areas behind that are nearly empty: 14 MB a session.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
