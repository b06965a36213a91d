"""What is chosen for a session: in the address of a drill's page until it begins, and from then on in its course."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from rotrack.app.live.studio import Plan
from rotrack.core.drills import Drill
from rotrack.core.model import Side
from rotrack.measure.request import Request
from rotrack.records.options import PROTOCOL, Noted, Option, options_of
from rotrack.sensing.landmarker import MODELS

BOTH = "both"
REPS = Plan(Request()).reps
MOST_REPS = 50
NOTED = {name: option for name, option in options_of(Noted).items() if name != "note"}
"""What can be noted before measuring; a note is written when there is something to say."""
_CHOSEN = {name: options_of(Request)[name] for name in ("person", "side", "model", "annotate", *NOTED)}
_KNOWN = {"side": (BOTH, *Side), "model": MODELS}


@dataclass
class Wishes:
    """What is chosen on the page of a drill: the plan, as it is now."""

    plan: Plan

    @staticmethod
    def asked(query: Mapping[str, str], drill: Drill, person: str) -> Wishes:
        """Return what an address asks for; what makes no sense there is as without it."""
        usual = Request(drill=drill.id, person=person, side=_usual_side(drill))
        chosen = {name: possible(option, query[name], getattr(usual, name)) for name, option in _CHOSEN.items() if name in query}
        if chosen.get("variant", "") not in drill.variants:
            chosen.pop("variant", None)
        return Wishes(Plan(usual.but(**chosen | {"person": person}), whole(query.get("reps", ""))))

    def take(self, **chosen: Any) -> None:
        """Choose anew: `reps`, or options of the request."""
        reps = chosen.pop("reps", self.plan.reps)
        self.plan = replace(self.plan, request=self.plan.request.but(**chosen), reps=reps)

    @property
    def query(self) -> dict[str, str]:
        """What is not as usual, by its name, as it stands in an address."""
        request = self.plan.request
        usual = Request(side=_usual_side(self.plan.drill))
        query = {name: _written(option, getattr(request, name), getattr(usual, name)) for name, option in _CHOSEN.items()}
        query["reps"] = "" if self.plan.reps == REPS else str(self.plan.reps)
        return {name: value for name, value in query.items() if value}

    @property
    def address(self) -> str:
        """The address of the drill's page with these wishes."""
        said = urlencode(self.query)
        return f"/drill/{self.plan.drill.id}{f'?{said}' if said else ''}"

    @property
    def unusual(self) -> bool:
        """Whether something is chosen that the page keeps out of the way."""
        return any(name in self.plan.request.asked for name in ("model", "annotate", *set(NOTED) - set(PROTOCOL) - {"variant"}))


def again(drill: Drill, person: str, sides: Sequence[Side]) -> str:
    """Return the address at which a drill is done again as it was."""
    side = BOTH if len(sides) > 1 else str(sides[0])
    return Wishes(Plan(Request(drill=drill.id, person=person, side=side))).address


def possible(option: Option, text: str, usual: Any = None) -> Any:
    """Return the value that a text stands for, not more and not less than is possible; what is usual if it makes no sense."""
    usual = option.default if usual is None else usual
    if option.kind is float:
        return number(text, option.least, option.most)
    if option.kind is bool:
        return text == _YES
    text = text.strip()[: option.longest]
    known = _KNOWN.get(option.name) or option.choices
    return text if not known or text in (*known, option.default) else usual


def whole(text: str) -> int:
    """Return a number of repetitions; the usual one if it is none."""
    found = number(text, 0, MOST_REPS)
    return int(found) if math.isfinite(found) else REPS


def number(text: str, least: float, most: float) -> float:
    """Return a number, not more and not less than is possible; NaN if it is none."""
    try:
        return min(max(float(text.replace(",", ".")), least), most)
    except ValueError:
        return math.nan


_YES = "yes"


def _written(option: Option, value: Any, usual: Any) -> str:
    if value == usual:
        return ""
    return _YES if option.kind is bool else option.written(value)


def _usual_side(drill: Drill) -> str:
    return Side.LEFT if drill.posture.record.one_leg else BOTH
