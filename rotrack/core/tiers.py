"""How much a number of a drill may be trusted, and what it is at all: degrees, an index, or only a count."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """The tier of a drill, A to D, as the log has it."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    UNKNOWN = ""
    """Of sessions that do not say it, or name one that this version does not know."""

    @classmethod
    def _missing_(cls, value: object) -> Tier:
        return cls.UNKNOWN

    @property
    def is_index(self) -> bool:
        """Whether the numbers are an index, not degrees."""
        return self is Tier.C

    @property
    def is_counted(self) -> bool:
        """Whether the drill is counted and timed, and not measured."""
        return self is Tier.D

    @property
    def in_degrees(self) -> bool:
        """Whether the numbers are degrees of hip rotation."""
        return not (self.is_index or self.is_counted)

    @property
    def unit(self) -> str:
        """What stands behind a number: a degree sign, or nothing behind an index."""
        return "" if self.is_index else "\u00b0"

    @property
    def meaning(self) -> str:
        """What the numbers are, in words; empty if that is unknown."""
        return _MEANINGS.get(self, "")

    @property
    def caption(self) -> str:
        """What has to stand beside numbers that are no degrees; empty for degrees."""
        if self.is_index:
            return "index, not degrees of hip range"
        return self.meaning if self.is_counted else ""


_MEANINGS = {
    Tier.A: "measured well by one webcam in the right place",
    Tier.B: "measured with a correction; expect a wider error",
    Tier.C: "an index that follows the movement, not degrees of hip range",
    Tier.D: "count and hold time only",
}
TIERS = tuple(_MEANINGS)
"""The tiers that a drill may have."""
