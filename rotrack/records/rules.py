"""Which repetitions make the value of a session: the rule is chosen per protocol and kept with the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ValueRule:
    """The value is the mean of the largest `best` of the `first` repetitions that count; `words` says so."""

    first: int
    best: int
    words: str


USUAL = "best-3-of-5"
RULES: Mapping[str, ValueRule] = MappingProxyType(
    {
        USUAL: ValueRule(5, 3, "the best 3 of the first 5 valid repetitions"),
        "mean-of-3": ValueRule(3, 3, "the first 3 valid repetitions"),
        "single": ValueRule(1, 1, "the first valid repetition"),
    }
)
"""By the name under which a session keeps it. A maximum of all would grow with their number."""
