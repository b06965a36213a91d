"""The words that people read, in several languages: page, speech, numbers with their errors.

`en.toml` and `de.toml` hold texts under the same keys: those of the page, and those of what the core says as a code with values,
messages (`rotrack.core.messages`) and reasons (`rotrack.core.reasons`). The rest that it says (cues, drills, errors) is in
English; `Texts.said` translates it by `de_core.toml`, `de_drills.toml` and `de_report.toml`, which map English sentences, and
the templates of sentences, to German ones. What fills the places of a template is translated in turn.
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
from rotrack.core.messages import Message, Sentence, key_of, places_of, small
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
_SPEC: Final = re.compile(r"[+,]?(\.\d)?[dfg]?")
"""How a number may be written in a template, which may come from the log of somebody else."""
_KEY: Final = re.compile(r"\w+(\.\w+)+")


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
    on_page : bool
        Whether they are read where nobody has a terminal: of a text with the keys `page` and `terminal`, this chooses.

    Raises
    ------
    InputError
        For any other language.
    """

    language: str = _CORE
    units: Units = Units.METRIC
    on_page: bool = False

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
            forms = ("page" if self.on_page else "terminal", "one" if values.get("count") == 1 else "other")
            chosen = next((found for form in forms if (found := f"{key}.{form}") in page), None)
            if chosen is None:
                raise KeyError(key)
            key = chosen
        return _Formatter(page["number.decimal"]).vformat(page[key], (), values)

    def said(self, told: Message | str) -> str:
        """Return what the core said in this language.

        Of a message these are the words of its code; one that this version does not know, from the log of another, is given as
        code and values. Of a sentence they are the translation of its template, with its values in the places. Any other English
        text is translated if it is known word for word, or else given unchanged.
        """
        if isinstance(told, Sentence):
            told = told.message
        if isinstance(told, str):
            return self.in_units(_translated(self.language, told) or told)
        try:
            if not _KEY.fullmatch(told.code):
                return self.in_units(self._sentence(told))
            values = {name: self._filling(name, value) for name, value in told.values.items()}
            return self(told.code, **values, Reason=_capital(str(values.get("reason", ""))))
        except (KeyError, ValueError, IndexError):
            return " ".join([told.code, *(f"{name}={value}" for name, value in told.values.items())])

    def _sentence(self, told: Message) -> str:
        if not told.values:
            return _translated(self.language, told.code) or told.code
        own = _translated(self.language, key_of(told.code)) or key_of(told.code)
        return own.format(**{name: self._written(told.values, name, spec) for name, spec in places_of(told.code)})

    def _written(self, values: dict[str, str | int | float | Message], name: str, spec: str) -> str:
        value = values[name] if name in values else values[small(name)]
        if isinstance(value, int | float):
            return self._local(format(value, spec if _SPEC.fullmatch(spec) else ""))
        words = self.said(value)
        return words if name in values else _capital(words)

    def _filling(self, name: str, value: str | int | float | Message) -> str | int | float:
        if isinstance(value, Message | Sentence):
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
            where = {"where": self("drill.described", drill=values["drill"])} if "drill" in values else {}
            return self(f"reason.{kind}", **{name: self._of_reason(name, value) for name, value in values.items()}, **where)
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
        return self.said(numbers.amount(value_deg, error_deg, tier, decimals))

    def seconds(self, time_s: float) -> str:
        """Return a time: `3.4 s`, or a dash where there is none."""
        return self.said(numbers.seconds(time_s))

    def times(self, count: int, what: str) -> str:
        """Return a count with its noun, one of the keys under `times`: `1 cycle`, `3 cycles`."""
        return self(f"times.{what}", count=count)

    def _local(self, number: str) -> str:
        return number.replace(".", _catalogue(self.language).page["number.decimal"])

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


def english(message: Message) -> Sentence:
    """Return a message in English words that can still be said in any other language."""
    return Sentence.of(Texts().said(message), message)


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
    """All texts of a language: the page's by key, the core's by English sentence or template."""

    page: dict[str, str]
    sentences: dict[str, str]


@cache
def _catalogue(language: str) -> _Catalogue:
    page = _leaves(_table(_CORE))
    if language == _CORE:
        return _Catalogue(page, {})
    own_page = _leaves(_table(language))
    # Sessions of earlier versions hold in words what are messages now, and errors tell reasons in words.
    said = {
        page[key]: own
        for key, own in own_page.items()
        if key.startswith("reason.") or (key.startswith(_MESSAGES) and "{" not in own)
    }
    said |= {english: own for part in _SENTENCES for english, own in _pairs(_table(f"{language}_{part}"))}
    return _Catalogue(page | own_page, said)


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
def _translated(language: str, sentence: str) -> str | None:
    """Return the translation of a sentence or a template, None if it is not known; with the first letter and the stop it has."""
    sentences = _catalogue(language).sentences
    for known, stop in ((sentence, ""), (sentence.removesuffix("."), ".")):
        for plain in (known, known[:1].lower() + known[1:], known[:1].upper() + known[1:]):
            if plain in sentences:
                found = sentences[plain]
                return (_capital(found) if known[:1].isupper() else found) + stop
        if not sentence.endswith("."):
            break
    return None
