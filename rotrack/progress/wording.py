"""What a comparison says, the same in the page and in the terminal."""

from __future__ import annotations

from math import isfinite

from rotrack.core.model import Side
from rotrack.progress.compare import Difference, Earlier
from rotrack.records.norms import Norm
from rotrack.texts import Texts


def sides_words(found: Difference | None, tier: str, t: Texts) -> str:
    """Return how left and right differ, as `left_against_right` has it; None if one of them has no value."""
    if found is None:
        return t("result.sides_one")
    leg = t.leg(Side.LEFT if found.difference_deg > 0 else Side.RIGHT)
    return t("result.sides_more" if found.clear else "result.sides_within", leg=leg, amount=_amount(found, tier, t))


def change_words(found: Difference, tier: str, t: Texts) -> str:
    """Return how a value differs from an earlier one."""
    way = "within" if not found.clear else "more" if found.difference_deg > 0 else "less"
    return t(f"result.change_{way}", amount=_amount(found, tier, t))


def last_time_words(last: Earlier, tier: str, t: Texts) -> str:
    """Return what an earlier value was, and when."""
    amount = t.amount(last.value.value_deg, last.value.uncertainty_deg, tier)
    return t("result.last_time", date=t.date(last.started_at), amount=amount)


def norm_words(norm: Norm, tier: str, t: Texts) -> dict[str, str]:
    """Return what a study found: mean, who, how, source."""
    moved = t(f"result.norms_{norm.motion}") if norm.motion else ""
    spread = [] if isfinite(norm.sd_deg) else [t("result.norms_no_spread")]
    cited = [t("result.norms_cited")] if norm.second_hand else []
    return {
        "mean": ", ".join([t.amount(norm.value_deg, norm.sd_deg, tier), *spread]),
        "who": t.said(norm.population),
        "how": ", ".join(part for part in (t.said(norm.position), moved) if part),
        "source": ", ".join([norm.source, norm.journal, *cited]),
    }


def _amount(found: Difference, tier: str, t: Texts) -> str:
    return t.amount(found.difference_deg, found.uncertainty_deg, tier)
