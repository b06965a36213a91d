"""What has changed, on the history page: the numbers of `rotrack progress`, in the words of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rotrack.app.pages.layout import tag
from rotrack.core.tiers import Tier
from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict
from rotrack.progress.rule import BASELINE_DAYS, MOST_BASELINE_DAYS, NOW_DAYS, TREND_DAYS
from rotrack.progress.wording import grown_words, missing_words, sides_words, signed, verdict_words
from rotrack.texts import Texts

_BETWEEN = ", "
"""Between leg and direction, and between the reasons for which a session is not compared."""


def show_changes(found: Progress, t: Texts) -> None:
    """Add what has become of one drill of one person: a line per leg and direction, left against right, what was left out.

    Parameters
    ----------
    found : Progress
        Of one person and one drill; nothing of it is computed here.
    t : Texts
        The words.
    """
    changes = found.changes
    with tag("section", classes="changes", aria_labelledby="changes"):
        tag("h2", t("progress.heading"), id="changes")
        if changes:
            _table(changes, t)
        else:
            tag("p", t("progress.nothing"), "hint")
        for sides in found.sides:
            tag("p", sides_line(sides, t), "against")
        for heading, lines in (("left_out", left_out_lines(changes, t)), ("to_know", list(map(t.said, found.notes)))):
            if lines:
                with tag("div", classes="hint"):
                    tag("p", t(f"progress.{heading}"))
                    with tag("ul"):
                        for line in lines:
                            tag("li", line)
        if changes:
            tag("p", _error(changes, t), "hint")
        if found.problems:
            with tag("details", classes="damaged"):
                tag("summary", t("progress.damaged", count=len(found.problems)))
                with tag("ul"):
                    for problem in found.problems:
                        tag("li", t.said(problem))


def _table(changes: Sequence[Change], t: Texts) -> None:
    sloped = any(math.isfinite(change.slope.per_month_deg) for change in changes)
    columns = ["sessions", "baseline", "now", "change", "real_from", *(["slope"] if sloped else [])]
    lines = [line_of(change, t) for change in changes]
    missing = {line["missing"] for line in lines}
    with tag("div", classes="scrolls", tabindex="0", role="group", aria_labelledby="changes"), tag("table"):
        with tag("thead"), tag("tr"):
            tag("th", t("progress.leg"), scope="col")
            for column in columns:
                tag("th", t(f"progress.{column}"), "amount", scope="col")
            tag("th", t("progress.verdict"), scope="col")
        with tag("tbody"):
            for change, line in zip(changes, lines, strict=True):
                with tag("tr"):
                    with tag("th", scope="row"):
                        tag("span", t.leg(change.side), f"side {change.side}")
                        tag("span", _BETWEEN + t.direction(change.direction, short=True), "way")
                    for column in columns:
                        tag("td", line[column], f"amount {column}", data_label=t(f"progress.{column}"))
                    with tag("td", classes="verdict", data_label=t("progress.verdict")), tag("div"):
                        tag("strong", line["verdict"], f"{change.verdict.name.lower()} {_way(change)}")
                        if line["missing"] and len(missing) > 1:
                            tag("span", line["missing"], "hint")
    if len(missing) == 1 and any(missing):  # all alike: said once
        tag("p", *missing)


# ---------------------------------------------------------------------- words
def line_of(change: Change, t: Texts) -> dict[str, str]:
    """Return what is said of one leg and direction, by column, and how many sessions are missing, empty if none.

    Without a verdict there is no baseline to be shown: the mean of the first days would hold the latest itself.
    """
    slope, enough = change.slope, change.verdict is not Verdict.NOT_ENOUGH
    low, high = signed(slope.low_deg, t), signed(slope.high_deg, t)
    rate = t("progress.slope_of", slope=f"{signed(slope.per_month_deg, t)}{change.tier.unit}", low=low, high=high)
    sign = {"gain": "\u25b2 ", "loss": "\u25bc ", "": ""}[_way(change)]
    return {
        "sessions": str(len(change.points)),
        "baseline": _size(change.baseline_deg if enough else math.nan, change.tier, t),
        "now": _size(change.now_deg, change.tier, t),
        "change": grown_words(change, t) if enough else t.number(math.nan),
        "real_from": _size(change.real_from_deg if enough else math.nan, change.tier, t),
        "slope": rate if math.isfinite(slope.per_month_deg) else t.number(math.nan),
        "verdict": sign + verdict_words(change, t),
        "missing": missing_words(change, t),
    }


def _way(change: Change) -> str:
    """Return which way something has changed, as far as that can be told; empty if it cannot."""
    return {1: "gain", -1: "loss"}.get(change.way, "")


def sides_line(sides: Sides, t: Texts) -> str:
    """Return how left and right differ in one direction."""
    more = " " + t("progress.flagged", limit=t.number(FLAGGED_DEG, 0)) if sides.flagged else ""
    return f"{t('result.sides_heading')}, {t.direction(sides.direction)}: {sides_words(sides, t)}{more}"


def left_out_lines(changes: Sequence[Change], t: Texts) -> list[str]:
    """Return which sessions were not compared with the latest, and why; the leg is named where it is not so for all."""
    legs: dict[str, list[str]] = {}
    for change in changes:
        for left in change.left_out:
            why = _BETWEEN.join(map(t.said, left.reasons))
            about = f"{t.leg(change.side)} {t.direction(change.direction, short=True)}"
            legs.setdefault(f"{t.times(left.sessions, 'session')} {why}", []).append(about)
    return [line if len(of) == len(changes) else f"{_BETWEEN.join(of)}: {line}" for line, of in legs.items()]


def _error(changes: Sequence[Change], t: Texts) -> str:
    """Return what measurement error, real, baseline and error are."""
    sems = [change.spread.sem_deg for change in changes]
    least, most = t.number(min(sems)), t.number(max(sems))
    spread = least if least == most else t("progress.to", least=least, most=most)
    about = [t("progress.error", spread=f"{spread}{changes[0].tier.unit}")]
    if any(change.verdict is not Verdict.NOT_ENOUGH for change in changes):
        about.append(t("progress.smaller", column=t("progress.real_from")))
    about.append(t("progress.terms", first=BASELINE_DAYS, most=MOST_BASELINE_DAYS, now=NOW_DAYS))
    if not any(math.isfinite(change.slope.per_month_deg) for change in changes):
        about.append(t("progress.slope_later", count=TREND_DAYS))
    return " ".join(about)


def _size(size_deg: float, tier: Tier, t: Texts) -> str:
    return t.number(size_deg) + (tier.unit if math.isfinite(size_deg) else "")
