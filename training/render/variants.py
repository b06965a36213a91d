"""How the postures are done at random: options, and which of them move both legs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .postures import POSTURES

_SPREADS = {"heels_apart_deg": 8, "toe_lift_deg": 8, "raise_deg": 12, "heel_pitch_deg": 8, "knee_deg": 6}


def both(name: str, rng: np.random.Generator) -> bool:
    """Return whether both legs move, at random where both can."""
    return POSTURES[name].both_legs and bool(rng.random() < 0.4)


def options(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return options of a posture at random."""
    known, drawn = POSTURES[name].OPTIONS, {}
    if "leg" in known and name == "sidelying_strength":
        drawn["leg"] = str(rng.choice(["top", "bottom"]))
    for option, spread in _SPREADS.items():
        if option in known:
            drawn[option] = float(known[option] + abs(rng.normal(0, spread)))
    if "foot_down" in known:
        drawn["foot_down"] = bool(rng.random() < 0.3)
    return drawn
