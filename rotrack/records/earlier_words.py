"""What rotrack before 0.2.0 logged in English sentences and logs as codes now: read here, and nowhere else."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from rotrack.core.reasons import BETWEEN, Reason, kind_of

_PLACE = re.compile(r"\{(\w+)\}")
_FILLED = {"side": "left|right", "direction": "internal|external", "drill": r"[\w-]+"}
_NUMBER = r"-?\d+"
MOST_PARTS = 5
"""A sentence has no more parts with "; " between them, also where its commas have become semicolons."""


@lru_cache(maxsize=4096)
def reason_of(logged: str) -> str:
    """Return what a log has as reasons or advice as they are written today; what is not known stays as it is."""
    parts, found, at = logged.split(BETWEEN), [], 0
    while at < len(parts):
        for end in range(min(at + MOST_PARTS, len(parts)), at, -1):
            if reason := _known(BETWEEN.join(parts[at:end])):
                break
        found.append(reason or parts[at])
        at = end
    return BETWEEN.join(found)


def record_of_today(raw: dict[str, Any]) -> dict[str, Any]:
    """Return what a session.json holds, unchecked, with the reasons, the advice and the warnings as they are written today."""
    counted, now = raw.get("reasons"), dict(raw)
    if isinstance(counted, dict):
        now["reasons"] = {}
        for logged, count in counted.items():
            before = now["reasons"].get(reason := reason_of(logged))
            now["reasons"][reason] = before + count if isinstance(before, int) and isinstance(count, int) else count
    if isinstance(advice := raw.get("camera_advice"), dict):
        now["camera_advice"] = {side: _reason(told) for side, told in advice.items()}
    if isinstance(warnings := raw.get("warnings"), list):
        codes = _table()["warning"]
        now["warnings"] = [{"code": codes[told]} if isinstance(told, str) and told in codes else told for told in warnings]
    for entry, name in (("apart", "reason"), ("neutrals", "advice"), ("reps", "reason")):
        if isinstance(found := raw.get(entry), list):
            now[entry] = [one | {name: _reason(one[name])} if isinstance(one, dict) and name in one else one for one in found]
    return now


def _reason(logged: Any) -> Any:
    return reason_of(logged) if isinstance(logged, str) else logged


def _known(words: str) -> str:
    """Return the one reason that words are; empty if they are none."""
    if kind_of(words):
        return words
    words = words.replace(",", ";")  # as landmarks.csv.gz has them
    sentences, patterns = _catalogue()
    if words in sentences:
        return sentences[words]
    for pattern, reason in patterns:
        if match := pattern.fullmatch(words):
            return reason.of(**match.groupdict())
    return ""


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files(__package__).joinpath("earlier_words.toml").read_text("utf-8"))


@cache
def _catalogue() -> tuple[dict[str, str], tuple[tuple[re.Pattern[str], Reason], ...]]:
    """Return the reasons by their sentences, commas as semicolons, and those of sentences in which something is filled in."""
    table = {words.replace(",", ";"): reason for words, reason in _table()["reason"].items()}
    filled = tuple((_pattern(words), Reason(reason)) for words, reason in table.items() if "{" in words)
    return {words: reason for words, reason in table.items() if "{" not in words}, filled


def _pattern(words: str) -> re.Pattern[str]:
    parts = _PLACE.split(words)
    return re.compile("".join(f"(?P<{p}>{_FILLED.get(p, _NUMBER)})" if k % 2 else re.escape(p) for k, p in enumerate(parts)))
