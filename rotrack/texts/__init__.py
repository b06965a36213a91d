"""The words that people read, in several languages: page, speech, numbers with their errors.

`en.toml` and `de.toml` hold texts under the same keys: those of the page, and those of what the core says as a code with values,
messages (`rotrack.core.messages`) and reasons (`rotrack.core.reasons`). The rest that it says (cues, drills, errors) is in
English; `Texts.said` translates it by `de_core.toml`, `de_drills.toml` and `de_report.toml`, which map English sentences to
German ones. In such a sentence a placeholder of one letter, `{n}`, stands for a number, `{side}` and `{direction}` for the words
for these, and any other, `{reason}`, for any words; words are translated in turn.
"""

from __future__ import annotations

import math
import re
import string
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

from rotrack.core.drills import Drill, load_table
from rotrack.core.errors import InputError
from rotrack.core.messages import Message
from rotrack.core.model import Direction, Side
from rotrack.core.reasons import BETWEEN, Reason, kind_of, parts_of, values_of
from rotrack.core.tiers import Tier
from rotrack.texts import numbers
from rotrack.texts.units import Units

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""The languages of the page, by code, each by its own name; the first is the one of the core."""
_CORE: Final = next(iter(LANGUAGES))
_SENTENCES: Final = ("core", "drills", "report")
_MESSAGES: Final = ("setup.", "note.", "calibrated.")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_NUMBER: Final = r"-?\d+(?:\.\d+)?"
_WORDS: Final = {"side": "|".join(Side), "direction": "|".join(Direction)}


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one language.

    Called with a key it gives a text of the page: `t("result.title")`, `t("result.of", count=3)`. Values fill the placeholders of
    the text; floats get the language's decimal sign, and a dash where there is none (NaN). Of a text with the keys `one` and
    `other`, `count` chooses.

    Parameters
    ----------
    language : str
        A code of `LANGUAGES`.
    units : Units
        In which lengths and loads are told.

    Raises
    ------
    InputError
        For any other language.
    """

    language: str = _CORE
    units: Units = Units.METRIC

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InputError(f"There are no texts in the language '{self.language}'; choose {' or '.join(LANGUAGES)}.")

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text of the page.

        Raises
        ------
        KeyError
            If there is no such text, or a placeholder has no value.
        """
        return self.in_units(self._filled(key, values))

    def _filled(self, key: str, values: dict[str, Any]) -> str:
        page = _catalogue(self.language).page
        if key not in page:
            chosen = f"{key}.{'one' if values.get('count') == 1 else 'other'}"
            if chosen not in page:
                raise KeyError(key)
            key = chosen
        return _Formatter(page["number.decimal"]).vformat(page[key], (), values)

    def said(self, told: Message | str) -> str:
        """Return what the core said in this language.

        Of a message these are the words of its code; one that this version does not know, from the log of another, is given as
        code and values. What the core says in English words is translated, or given unchanged if it is not known; two or more
        sentences with "; " between them are translated each.
        """
        if isinstance(told, str):
            return self.in_units(_said(self.language, told))
        values = {name: self._filling(name, value) for name, value in told.values.items()}
        try:
            return self(told.code, **values, Reason=_capital(str(values.get("reason", ""))))
        except (KeyError, ValueError):
            return " ".join([told.code, *(f"{name}={value}" for name, value in values.items())])

    def _filling(self, name: str, value: str | int | float | Message) -> str | int | float:
        if isinstance(value, Message):
            return self.said(value)
        return self.reason(str(value)) if name == "reason" else value

    def sentence(self, sentence: Message | str) -> str:
        """Return what the core said in this language, with a large first letter."""
        return _capital(self.said(sentence))

    def reason(self, reason: str) -> str:
        """Return in words what reasons say, as `rotrack.core.reasons` writes them; empty if there is none.

        What is none, such as a sentence that an earlier version wrote and nobody knows any more, is taken as `said` takes it.
        """
        return BETWEEN.join(map(self._one_reason, parts_of(reason)))

    def _one_reason(self, reason: str) -> str:
        kind, values = kind_of(reason), values_of(reason)
        if kind is None:
            return self.said(reason)
        if kind is Reason.FAULT:
            fault = load_table().faults.get(values.get("letter", ""))
            return self.said(fault.title.lower()) if fault else reason
        try:
            return self(f"reason.{kind}", **{name: self._of_reason(name, value) for name, value in values.items()})
        except (KeyError, ValueError):
            return reason

    def _of_reason(self, name: str, value: str) -> str:
        if name == "side":
            return self(f"sided.{value}")
        return self(f"direction.excursion.{value}") if name == "direction" else value

    def in_units(self, text: str) -> str:
        """Return a text of this language, or a drawing with one in it, with lengths and loads in the chosen units."""
        if self.units is Units.METRIC:
            return text
        decimal = _catalogue(self.language).page["number.decimal"]
        return self.units.told(text, decimal, lambda unit, count: self._filled(f"unit.{unit}", {"count": count}))

    # ------------------------------------------------------------------ numbers
    def number(self, value: float, decimals: int = 1) -> str:
        """Return a number without its unit, or a dash where there is none."""
        return self._local(f"{value:.{decimals}f}") if math.isfinite(value) else "\u2013"

    def amount(self, value_deg: float, error_deg: float, tier: Tier, decimals: int = 1) -> str:
        """Return the size of an angle with its 95 % half width, as `numbers.amount` does."""
        return self._local(numbers.amount(value_deg, error_deg, tier, decimals)).replace("index", self("number.index"))

    def seconds(self, time_s: float) -> str:
        """Return a time: `3.4 s`, or a dash where there is none."""
        return self._local(numbers.seconds(time_s))

    def times(self, count: int, what: str) -> str:
        """Return a count with its noun, one of the keys under `times`: `1 cycle`, `3 cycles`."""
        return self(f"times.{what}", count=count)

    def _local(self, number: str) -> str:
        return number.replace(".", self("number.decimal"))

    # ------------------------------------------------------------------ sides, directions, dates
    def side(self, side: Side) -> str:
        """Return the name of a side: `left`."""
        return self(f"side.{side}")

    def leg(self, side: Side) -> str:
        """Return the name of a leg: `left leg`."""
        return self(f"leg.{side}")

    def direction(self, direction: Direction, short: bool = False) -> str:
        """Return the name of a direction: `internal rotation`, or `internal`."""
        return self(f"direction.{'short' if short else 'full'}.{direction}")

    def way(self, drill: Drill, direction: Direction) -> str:
        """Return what the foot does in a direction, for who does not know its name: `foot outwards`, `toes inwards`."""
        return self(f"direction.{drill.measure}.{direction}")

    def date(self, when: date, short: bool = False) -> str:
        """Return a date: `5 March 2026`, or `5 Mar 2026`."""
        months = self("date.months_short" if short else "date.months").split()
        return self("date.day", day=when.day, month=months[when.month - 1], year=when.year)

    def moment(self, when: datetime, short: bool = False) -> str:
        """Return a date with the time of day: `5 March 2026, 16:35`."""
        return self("date.moment", date=self.date(when, short), time=f"{when:%H:%M}")


def words(reason: str, language: str = _CORE) -> str:
    """Return in words why there is no angle, why a repetition does not count, or what to change about the camera.

    Parameters
    ----------
    reason : str
        What a pose, a sample, a repetition or a row of a table has as its reason, or a neutral pose as its advice.
    language : str
        The language: `en` or `de`.

    Returns
    -------
    str
        The words, without a capital letter and a full stop; empty if there is no reason.

    Raises
    ------
    InputError
        For any other language.
    """
    return Texts(language).reason(reason)


def best_language(accepted: str | None) -> str:
    """Return the language of the page that suits a browser best.

    Parameters
    ----------
    accepted : str or None
        Its Accept-Language header, for instance "de-AT,de;q=0.9,en;q=0.8".

    Returns
    -------
    str
        A code of `LANGUAGES`; English if the header names none of them.
    """
    best, chosen = 0.0, _CORE
    for wish in (accepted or "").split(","):
        name, *parameters = (part.strip().lower() for part in wish.split(";"))
        code = name.split("-")[0]
        weight = _weight(parameters)
        if code in LANGUAGES and weight > best:
            best, chosen = weight, code
    return chosen


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


# ---------------------------------------------------------------------- catalogues
@dataclass(frozen=True, slots=True)
class _Catalogue:
    """All texts of a language: the page's by key, the core's by English sentence and by pattern."""

    page: dict[str, str]
    sentences: dict[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]


@cache
def _catalogue(language: str) -> _Catalogue:
    page = _leaves(_table(_CORE))
    if language == _CORE:
        return _Catalogue(page, {}, ())
    own_page = _leaves(_table(language))
    # Sessions of earlier versions hold in words what are messages now, and errors tell reasons in words.
    said = {
        page[key]: own
        for key, own in own_page.items()
        if key.startswith("reason.") or (key.startswith(_MESSAGES) and "{" not in own)
    }
    said |= {english: own for part in _SENTENCES for english, own in _pairs(_table(f"{language}_{part}"))}
    patterned = sorted((e for e in said if _PLACEHOLDER.search(e)), key=lambda e: -len(_PLACEHOLDER.sub("", e)))
    return _Catalogue(page | own_page, said, tuple((_pattern(e), said[e]) for e in patterned))


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))


def _leaves(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the texts of nested tables by their dotted keys."""
    leaves: dict[str, str] = {}
    for key, value in table.items():
        leaves |= _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return leaves


def _pairs(table: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the sentences of a table of sections, each with its translation."""
    return [pair for section in table.values() for pair in section.items()]


def _pattern(template: str) -> re.Pattern[str]:
    """Return what recognises a sentence with placeholders."""
    expression, seen = "", set()
    for index, part in enumerate(_PLACEHOLDER.split(template)):
        if index % 2 == 0:
            expression += re.escape(part)
        elif part in seen:
            expression += f"(?P={part})"
        else:
            seen.add(part)
            expression += f"(?P<{part}>{_NUMBER if len(part) == 1 else _WORDS.get(part, '.+?')})"
    return re.compile(expression, re.DOTALL)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class _Formatter(string.Formatter):
    """Fills placeholders; floats in the language's own way."""

    def __init__(self, decimal: str) -> None:
        self._decimal = decimal

    def format_field(self, value: Any, format_spec: str) -> str:
        if not isinstance(value, float):
            return str(super().format_field(value, format_spec))
        return str(super().format_field(value, format_spec)).replace(".", self._decimal) if math.isfinite(value) else "\u2013"


# ---------------------------------------------------------------------- what the core says
@lru_cache(maxsize=4096)
def _said(language: str, sentence: str) -> str:
    parts = sentence.split(BETWEEN)
    for cut in range(len(parts), 0, -1):
        first = _translated(language, BETWEEN.join(parts[:cut]))
        if first is not None:
            return BETWEEN.join([first] + ([_said(language, BETWEEN.join(parts[cut:]))] if cut < len(parts) else []))
    return sentence


def _translated(language: str, sentence: str) -> str | None:
    """Return the translation of one sentence, None if it is not known; it may have a large first letter or a full stop on top."""
    for known, stop in ((sentence, ""), (sentence.removesuffix("."), ".")):
        for plain in (known, known[:1].lower() + known[1:], known[:1].upper() + known[1:]):
            found = _looked_up(language, plain)
            if found is not None:
                return (found[:1].upper() + found[1:] if known[:1].isupper() else found) + stop
        if not sentence.endswith("."):
            break
    return None


def _looked_up(language: str, sentence: str) -> str | None:
    catalogue = _catalogue(language)
    if sentence in catalogue.sentences:
        return catalogue.sentences[sentence]
    decimal = catalogue.page["number.decimal"]
    for pattern, own in catalogue.patterns:
        match = pattern.fullmatch(sentence)
        if match:
            filled = {k: v.replace(".", decimal) if len(k) == 1 else _said(language, v) for k, v in match.groupdict().items()}
            return own.format(**filled)
    return None
