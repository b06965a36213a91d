"""A measured number in words, the same in terminal, window, video and plot: with its error, and as degrees only if it is."""

from __future__ import annotations

import json
import math
from enum import Enum
from typing import Any

import numpy as np

from rotrack.core.messages import Sentence
from rotrack.core.tiers import Tier


def amount(value_deg: float, error_deg: float, tier: Tier, decimals: int = 1) -> str:
    """Return the size of an angle with its 95 % half width: `34.2 ± 2.6°`, `index 35 ± 12`, or a dash where there is none."""
    if not math.isfinite(value_deg) or tier.is_counted:
        return "\u2013"
    number = f"{{n:.{decimals}f}}" + (f" \u00b1 {{e:.{decimals}f}}" if math.isfinite(error_deg) else "")
    return Sentence(f"index {number}" if tier.is_index else f"{number}{tier.unit}", n=abs(value_deg), e=error_deg)


def unparted(text: str) -> str:
    """Return a text in which no line ends between a number and its error."""
    return text.replace(" \u00b1 ", "\u00a0\u00b1\u00a0")


def seconds(time_s: float) -> str:
    """Return a time: `3.4 s`, or a dash where there is none."""
    return Sentence("{n:.1f} s", n=time_s) if math.isfinite(time_s) else "\u2013"


def speed(speed_deg_s: float, tier: Tier) -> str:
    """Return how fast a leg turned on its way out: `32°/s`; empty where that is not known."""
    return f"{speed_deg_s:.0f}{tier.unit}/s" if math.isfinite(speed_deg_s) else ""


def times(count: int, what: str) -> str:
    """Return a count with its noun: `1 cycle`, `3 cycles`."""
    return Sentence(f"{{n}} {what}{'' if count == 1 else 's'}", n=count)


def to_json(value: Any) -> str:
    """Return JSON text that survives every terminal; missing numbers become null."""
    return json.dumps(_plain(value), indent=2)


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: NaN becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
