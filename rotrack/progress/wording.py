"""What a comparison says, the same in the page and in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rotrack.core.messages import Message, Sentence, say
from rotrack.core.model import Side
from rotrack.core.tiers import Tier
from rotrack.progress.change import Change, Sides, Verdict
from rotrack.progress.compare import Earlier
from rotrack.progress.rule import BASELINE_DAYS
from rotrack.records.history import wrongly_dated
from rotrack.records.norms import Norm
from rotrack.records.session import Arc, Session, Turnout
from rotrack.texts import Texts, numbers

MINUS = "\u2212"


def sides_words(found: Sides | None, t: Texts) -> str:
    """Return how left and right differ; None if one of them has no value."""
    if found is None:
        return t("result.sides_one")
    side = t(f"sided.{Side.LEFT if found.difference_deg > 0 else Side.RIGHT}")
    way = "more" if found.clear else "unconfirmed" if found.unconfirmed else "within"
    amount = t.amount(found.difference_deg, found.error_deg, found.tier)
    return t(f"result.sides_{way}", side=side, amount=amount, count=found.sessions)


def none_before_words(session: Session, sessions: Sequence[Session], t: Texts) -> str:
    """Return why a session has no value before it that it may be compared with; `sessions` are all."""
    return t("result.wrong_date" if session.id in wrongly_dated(sessions) else "result.first")


def verdict_words(change: Change, t: Texts) -> str:
    """Return what may be said of a change: `real gain, confirmed on 12 Mar 2026`."""
    return t.said(verdict_message(change, t.date(change.confirmed, short=True) if change.confirmed else ""))


def verdict_message(change: Change, date: str) -> Message:
    """Return what may be said of a change; `date` is the day on which it was confirmed, in words."""
    way = "gain" if change.way > 0 else "loss"
    if change.confirmed is not None:
        return say(f"progress.real_{way}", date=date)
    return say(f"progress.unconfirmed_{way}") if change.verdict is Verdict.UNCONFIRMED else Message(change.verdict)


def change_words(change: Change, t: Texts) -> str:
    """Return what has become of a range by a session: change, error and verdict; without a verdict, what is missing."""
    missing = missing_words(change, t)
    return missing or t("result.change", amount=grown_words(change, t), verdict=verdict_words(change, t))


def grown_words(change: Change, t: Texts) -> str:
    """Return a change with its error: `+7.6 \u00b1 6.3\u00b0`."""
    return f"{signed(change.change_deg, t)} \u00b1 {t.number(change.error_deg)}{change.tier.unit}"


def signed(value: float, t: Texts, decimals: int = 1) -> str:
    """Return a number with its sign, a minus that is read as one."""
    return f"{'+' if value >= 0 else MINUS}{t.number(abs(value), decimals)}"


def missing_words(change: Change, t: Texts) -> str:
    """Return how many days are missing for a verdict; empty if none."""
    missing = BASELINE_DAYS + 1 - change.days
    return t("progress.missing", count=missing) if missing > 0 else ""


def arc_message(arc: Arc, tier: Tier) -> Message:
    """Return total arc and internal-external ratio of a leg: `left leg: 52.5 \u00b1 5.0\u00b0, ...`."""
    amount = numbers.amount(arc.total_deg, arc.total_error_deg, tier)
    ratio = Sentence("{n:.2f} \u00b1 {e:.2f}", n=arc.ratio, e=arc.ratio_error)
    return say("result.arc", leg=say(f"leg.{arc.side}"), amount=amount, ratio=ratio)


def turnout_message(turnout: Turnout | None, tier: Tier) -> Message:
    """Return the total turnout: `Total turnout: 92.0 \u00b1 18.0\u00b0`, or why there is none."""
    if turnout is None:
        return say("result.turnout_none")
    return say("result.turnout", amount=numbers.amount(turnout.total_deg, turnout.error_deg, tier))


def last_time_words(last: Earlier, tier: Tier, t: Texts) -> str:
    """Return what an earlier value was, and when."""
    amount = t.amount(last.value.value_deg, last.value.uncertainty_deg, tier)
    return t("result.last_time", date=t.date(last.started_at), amount=amount)


def norm_words(norm: Norm, tier: Tier, t: Texts) -> dict[str, str]:
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
