"""Units in which lengths and loads are read and typed: the one place that converts them. What is kept is metric always."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Units(StrEnum):
    """What somebody is used to; angles are degrees in either."""

    METRIC = "metric"
    """Metres, centimetres, kilograms."""
    IMPERIAL = "imperial"
    """Feet, inches, pounds."""

    def named(self, unit: str) -> str:
        """Return what a metric unit is here: `lb` for `kg`."""
        return _UNITS[unit][0] if self is Units.IMPERIAL and unit in _UNITS else unit

    def shown(self, value: float, unit: str) -> float:
        """Return an amount of a metric unit as it is read here, rounded as far as it is meant."""
        if self is Units.METRIC or unit not in _UNITS:
            return value
        _, times, decimals = _UNITS[unit]
        return round(value * times, decimals)

    def kept(self, value: float, unit: str) -> float:
        """Return what was typed here as an amount of the metric unit."""
        return value if self is Units.METRIC or unit not in _UNITS else value / _UNITS[unit][1]

    def told(self, text: str, decimal: str, name: Callable[[str, float], str]) -> str:
        """Return a text with every length and load in it as it is read here.

        Parameters
        ----------
        text : str
            A sentence, or a drawing as SVG, with metric amounts: `2 to 2.5 m`, `30 cm`, `5 kg`.
        decimal : str
            Its decimal sign.
        name : callable
            Takes a unit and an amount and returns the word for that many of it.
        """
        if self is Units.METRIC:
            return text

        def convert(found: re.Match[str]) -> str:
            unit, last = found["unit"], 0.0

            def number(digits: re.Match[str]) -> str:
                nonlocal last
                last = self.shown(float(digits[0].replace(",", ".")), unit)
                return f"{last:g}".replace(".", decimal)

            return f"{_NUMBER.sub(number, found['amount'])}{found['gap']}{name(self.named(unit), last)}"

        return _AMOUNT.sub(convert, text)


_UNITS: Final = {"m": ("ft", 1 / 0.3048, 1), "cm": ("in", 1 / 2.54, 0), "kg": ("lb", 1 / 0.45359237, 1)}
"""By metric unit: the other one, how many of it one is (exact by definition, 1959), and to how many decimals it is read."""
_DIGITS: Final = r"(?<![\d.,])\d+(?:[.,]\d+)?"
_NUMBER: Final = re.compile(_DIGITS)
_AMOUNT: Final = re.compile(
    rf"(?P<amount>{_DIGITS}(?:(?: to | bis |\u2013){_DIGITS})?)(?P<gap>[ \u00a0])(?P<unit>cm|kg|m)\b(?![ \u00a0]?-?\d)"
)
