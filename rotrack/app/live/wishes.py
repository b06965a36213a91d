"""What is chosen for a session, as it stands in the address of a drill's page: going back and trying again lose nothing of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from rotrack.app.live.studio import Plan
from rotrack.core.drills import Drill, parse_sides
from rotrack.core.model import Side
from rotrack.records.text import MAX_LOAD_KG
from rotrack.sensing.landmarker import MODELS

BOTH = "both"
REPS = 5
MOST_REPS = 50
LONGEST_BAND = 60


@dataclass
class Wishes:
    """What is chosen on the page of a drill.

    Parameters
    ----------
    person : str
        Name for the log; may be empty.
    sides : str
        A side, or both.
    reps : int
        Repetitions per leg; 0: until the person ends it.
    model : str
        Pose model.
    keep_video : bool
        Whether the video is kept.
    band : str
        For the log.
    load_kg : float
        For the log; NaN without a load.
    """

    person: str = ""
    sides: str = BOTH
    reps: int = REPS
    model: str = MODELS[0]
    keep_video: bool = False
    band: str = ""
    load_kg: float = math.nan

    @staticmethod
    def asked(query: Mapping[str, str], drill: Drill, person: str) -> Wishes:
        """Return what an address asks for; what makes no sense there is as without it."""
        known = [BOTH, *Side]
        leg, model = query.get("leg", ""), query.get("model", "")
        return Wishes(
            person,
            leg if leg in known else _usual_sides(drill),
            whole(query.get("reps", "")),
            model if model in MODELS else MODELS[0],
            query.get("video") == "keep",
            query.get("band", "").strip()[:LONGEST_BAND],
            number(query.get("load", ""), 0, MAX_LOAD_KG),
        )

    @staticmethod
    def of(plan: Plan) -> Wishes:
        """Return what was chosen for a plan."""
        return Wishes(plan.person, _sides(plan.sides), plan.reps, plan.model, plan.keep_video, plan.band, plan.load_kg)

    def plan(self, drill: Drill) -> Plan:
        """Return the plan of these wishes."""
        sides = parse_sides(self.sides)
        return Plan(drill, sides, self.person, self.reps, self.model, self.keep_video, "", self.band, self.load_kg)

    def address(self, drill: Drill) -> str:
        """Return the address of the drill's page with these wishes."""
        query = {
            "person": self.person,
            "leg": "" if self.sides == _usual_sides(drill) else self.sides,
            "reps": "" if self.reps == REPS else str(self.reps),
            "model": "" if self.model == MODELS[0] else self.model,
            "video": "keep" if self.keep_video else "",
            "band": self.band,
            "load": "" if math.isnan(self.load_kg) else f"{self.load_kg:g}",
        }
        said = urlencode({name: value for name, value in query.items() if value})
        return f"/drill/{drill.id}{f'?{said}' if said else ''}"


def again(drill: Drill, person: str, sides: Sequence[Side]) -> str:
    """Return the address at which a drill is done again as it was."""
    return Wishes(person, _sides(sides)).address(drill)


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


def _sides(sides: Sequence[Side]) -> str:
    return BOTH if len(sides) > 1 else str(sides[0])


def _usual_sides(drill: Drill) -> str:
    return Side.LEFT if drill.posture.record.one_leg else BOTH
