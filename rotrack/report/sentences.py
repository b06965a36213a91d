"""The first thing that a client reads: three sentences, the same for the same numbers, and no more than these say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rotrack.core.messages import Sentence, listed
from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict
from rotrack.progress.rule import BASELINE_DAYS
from rotrack.report.wording import EVERYTHING, Only, day, title_of

NAMED = 3
"""Most changes that are named; the others are counted."""
NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()


def three_sentences(progress: Progress, only: Only = EVERYTHING) -> tuple[str, str, str]:
    """Return what was measured, what has really changed, and what is left to say: always three sentences.

    A change is called real, or one to be confirmed, only if that is its verdict. Of what has really changed the largest gain and
    the largest loss are named first, so that no loss is hidden behind gains. Numbers are whole degrees, or with one decimal where
    whole ones would not show what is said.

    Parameters
    ----------
    progress : Progress
        Of one person.
    only : Only
        To what it was narrowed down.
    """
    if not progress.changes:
        return (
            "There is no value yet that could be compared.",
            "A value needs at least one valid repetition of a drill that is measured, not only counted and timed.",
            "The last page says what was left out and why.",
        )
    return _measured(progress), _changed(progress.changes, only), _besides(progress)


# ---------------------------------------------------------------------- what was measured
def _measured(progress: Progress) -> str:
    reps, changes = progress.reps, progress.changes
    starts = {row.session_id: datetime.fromisoformat(row.started_at) for row in reps.itertuples()}
    compared = {point.session_id for change in changes for point in change.points}
    first, last = min(starts.values()).date(), max(starts.values()).date()
    drills = list(dict.fromkeys(change.drill for change in changes))
    what = (
        Sentence("in the drill \u201c{title}\u201d", title=title_of(drills[0]))
        if len(drills) == 1
        else Sentence("in {count} drills", count=_count(len(drills)))
    )
    often = {1: "once", 2: "twice"}.get(len(starts), Sentence("{count} times", count=_count(len(starts))))
    if first == last:
        said = Sentence("On {day} you were measured {often}, {what}", day=day(last), often=often, what=what)
    else:
        start = day(first, first.year != last.year)
        said = Sentence(
            "Between {start} and {end} you were measured {often}, {what}", start=start, end=day(last), often=often, what=what
        )
    alone = len(set(starts) - compared)
    if not alone:
        return Sentence("{said}.", said=said)
    but = (
        "one of these sessions may not be compared with the others"
        if alone == 1
        else Sentence("{count} of these sessions may not be compared with the others", count=_count(alone))
    )
    return Sentence("{said}; {but}.", said=said, but=but)


def _count(number: int) -> str:
    return NUMBERS[number] if 0 < number < len(NUMBERS) else str(number)


# ---------------------------------------------------------------------- what has changed
def _changed(changes: Sequence[Change], only: Only) -> str:
    real = _by_weight(changes, Verdict.REAL)
    if real:
        return _real_words(real, changes)
    unconfirmed = _by_weight(changes, Verdict.UNCONFIRMED)
    if unconfirmed:
        return Sentence("{Moves}, which further sessions have to confirm.", moves=_unconfirmed_words(unconfirmed, changes))
    judged = [change for change in changes if change.verdict is not Verdict.NOT_ENOUGH]
    if judged:
        if len(changes) == 1:
            return _within_words(changes[0])
        if len(judged) == len(changes):
            return "None of your ranges has changed by more than its measurement error."
        return "None of the ranges that can be judged has changed by more than its measurement error."
    most = max(change.days for change in changes)
    need = Sentence("that takes {days} days with sessions of the same kind", days=_count(BASELINE_DAYS + 1))
    if only.since:
        until = Sentence(
            "there is {count} since {day}" if most == 1 else "there are {count} since {day}",
            count=_count(most),
            day=day(only.since),
        )
    else:
        until = Sentence("there is {count} so far" if most == 1 else "there are {count} so far", count=_count(most))
    return Sentence("It is too early to speak of a change: {need}, and {until}.", need=need, until=until)


def _by_weight(changes: Sequence[Change], verdict: Verdict) -> list[Change]:
    """Return the changes with a verdict: the largest gain, the largest loss, then the others; large is against their error."""
    found = [change for change in changes if change.verdict is verdict]
    found.sort(key=lambda change: -abs(change.change_deg) / change.real_from_deg)
    gains, losses = [c for c in found if c.way > 0], [c for c in found if c.way <= 0]
    first = [*gains[:1], *losses[:1]]
    return first + [change for change in found if change not in first]


def _real_words(real: Sequence[Change], changes: Sequence[Change]) -> str:
    told = real[:NAMED]
    days = dict(zip(("one", "two", "three"), (day(change.confirmed) for change in told if change.confirmed), strict=False))
    on = Sentence(
        (
            "confirmed on {one}",
            "confirmed on {one} and {two}",
            "confirmed on {one}, {two} and {three}",
        )[len(days) - 1],
        **days,
    )
    why = Sentence("that is a real change, {on}" if len(told) == 1 else "these are real changes, {on}", on=on)
    if more := len(real) - len(told):
        why = Sentence("{why}, and the table below has {count} more", why=why, count=_count(more))
    return Sentence("{Moves}; {why}.", moves=_moves(told, changes), why=why)


def _unconfirmed_words(unconfirmed: Sequence[Change], changes: Sequence[Change]) -> str:
    moves = _moves(unconfirmed[:NAMED], changes)
    more = len(unconfirmed) - NAMED
    return Sentence("{moves} (and {count} more in the table)", moves=moves, count=_count(more)) if more > 0 else moves


def _moves(told: Sequence[Change], changes: Sequence[Change]) -> Sentence:
    """Return from where to where ranges went, at most three: `your left leg’s internal rotation grew from 31 to 38 degrees`."""
    moves = dict(zip(("one", "two", "three"), (_move(change, changes) for change in told), strict=False))
    return Sentence(("{one}", "{one} and {two}", "{one}, {two} and {three}")[len(moves) - 1], **moves)


def _move(change: Change, changes: Sequence[Change]) -> Sentence:
    start, end, _ = _numbers(change)
    way = Sentence(
        "grew from {a} to {b} {unit}" if change.way > 0 else "fell from {a} to {b} {unit}", a=start, b=end, unit=_unit(change)
    )
    several = len({one.drill for one in changes}) > 1
    return Sentence(
        "your {side} leg\u2019s {direction} rotation ({title}) {way}"
        if several
        else "your {side} leg\u2019s {direction} rotation {way}",
        side=change.side,
        direction=change.direction,
        title=title_of(change.drill),
        way=way,
    )


def _within_words(change: Change) -> str:
    start, end, error = _numbers(change)
    return Sentence(
        "Your {side} leg\u2019s {direction} rotation has not changed by more than the measurement error of {e} {unit} "
        "(from {a} to {b}).",
        side=change.side,
        direction=change.direction,
        e=error,
        unit=_unit(change),
        a=start,
        b=end,
    )


def _numbers(change: Change) -> tuple[Sentence, Sentence, Sentence]:
    """Return baseline, what it is now and the error of the change, as round as they may be without saying something else."""
    alone = change.verdict is Verdict.UNCONFIRMED and abs(change.change_deg) <= change.error_deg  # the latest session shows it
    exact = (change.baseline_deg, change.latest_deg if alone else change.now_deg, change.error_deg)
    start, end, error = (round(number) for number in exact)
    within = change.verdict is Verdict.WITHIN
    whole = (end - start) * change.way > 0 or (within and abs(end - start) < error)
    return _number(exact[0], whole), _number(exact[1], whole), _number(exact[2], whole)


def _number(value: float, whole: bool) -> Sentence:
    return Sentence("{n}", n=round(value)) if whole else Sentence("{n:.1f}", n=value)


def _unit(change: Change | Sides) -> str:
    return "index points" if change.tier.is_index else "degrees"


# ---------------------------------------------------------------------- what is left to say
def _besides(progress: Progress) -> str:
    parts = dict(zip(("one", "two", "three"), (*_rest(progress.changes), _sides_words(progress)), strict=False))
    return Sentence(("{One}.", "{One}, and {two}.", "{One}, {two}, and {three}.")[len(parts) - 1], **parts)


def _rest(changes: Sequence[Change]) -> list[str]:
    """Return what is to be said of the ranges that the second sentence does not speak of."""
    by = {verdict: _by_weight(changes, verdict) for verdict in Verdict if verdict is not Verdict.NOT_ENOUGH}
    few = [change for change in changes if change.verdict is Verdict.NOT_ENOUGH]
    parts: list[str] = []
    if by[Verdict.REAL] and by[Verdict.UNCONFIRMED]:
        parts.append(Sentence("{moves}, which is to be confirmed", moves=_unconfirmed_words(by[Verdict.UNCONFIRMED], changes)))
    if (by[Verdict.REAL] or by[Verdict.UNCONFIRMED]) and by[Verdict.WITHIN]:
        count = len(by[Verdict.WITHIN])
        if not few:
            parts.append("everything else stayed within measurement error")
        elif count == 1:
            parts.append("one other range stayed within measurement error")
        else:
            parts.append(Sentence("{count} other ranges stayed within measurement error", count=_count(count)))
    if few and len(few) < len(changes):
        parts.append(
            "one range cannot be judged yet, because there are too few sessions"
            if len(few) == 1
            else Sentence("{count} ranges cannot be judged yet, because there are too few sessions", count=_count(len(few)))
        )
    return parts if len(parts) < 3 else [parts[0], listed(", ", *parts[1:])]


def _sides_words(progress: Progress) -> str:
    legs = sorted({change.side for change in progress.changes})
    if len(legs) == 1:
        return Sentence("only your {side} leg was measured, so the legs cannot be compared", side=legs[0])
    if not progress.sides:
        return "your legs cannot be compared, because they were not measured in the same way at about the same time"
    weight = sorted(
        progress.sides, key=lambda one: (one.flagged, one.clear, one.unconfirmed, abs(one.difference_deg) / one.error_deg)
    )
    one = weight[-1]
    size, error = _difference(one)
    several = len({s.drill for s in progress.sides}) > 1
    what = Sentence(
        "{direction} rotation ({title})" if several else "{direction} rotation",
        direction=one.direction,
        title=title_of(one.drill),
    )
    larger, smaller = ("left", "right") if one.difference_deg > 0 else ("right", "left")
    values = {"x": size, "e": error, "unit": _unit(one), "what": what, "side": larger, "other": smaller, "n": FLAGGED_DEG}
    if one.flagged:
        return Sentence(
            "your {side} leg has {x} \u00b1 {e} {unit} more {what} than your {other} one, which is more than the measurement "
            "error and above the {n:.0f} degrees from which the report points it out; this is no diagnosis",
            **values,
        )
    if one.clear:
        return Sentence(
            "your {side} leg has {x} \u00b1 {e} {unit} more {what} than your {other} one, which is more than the measurement "
            "error",
            **values,
        )
    if one.unconfirmed:
        return Sentence(
            "your {side} leg has {x} \u00b1 {e} {unit} more {what} than your {other} one, which is to be confirmed", **values
        )
    return Sentence("left and right differ by {x} \u00b1 {e} {unit} in {what}, which may be measurement error", **values)


def _difference(one: Sides) -> tuple[Sentence, Sentence]:
    """Return a difference and its error, as round as they may be without saying something else."""
    size, error = abs(one.difference_deg), one.error_deg
    rounded = (round(size), round(error))
    told = (rounded[0] > rounded[1]) is (one.clear or one.unconfirmed) and (not one.flagged or rounded[0] > FLAGGED_DEG)
    return _number(size, told), _number(error, told)
