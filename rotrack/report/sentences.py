"""The first thing that a client reads: three sentences, the same for the same numbers, and no more than these say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict
from rotrack.progress.rule import BASELINE_DAYS
from rotrack.report.wording import EVERYTHING, Only, capital, day, title_of

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
    what = f"in the drill \u201c{title_of(drills[0])}\u201d" if len(drills) == 1 else f"in {_count(len(drills))} drills"
    often = {1: "once", 2: "twice"}.get(len(starts), f"{_count(len(starts))} times")
    alone = len(set(starts) - compared)
    but = f"; {_count(alone)} of these sessions may not be compared with the others" if alone else ""
    if first == last:
        return f"On {day(last)} you were measured {often}, {what}{but}."
    start = day(first).removesuffix(f" {first.year}") if first.year == last.year else day(first)
    return f"Between {start} and {day(last)} you were measured {often}, {what}{but}."


def _count(number: int) -> str:
    return NUMBERS[number] if 0 < number < len(NUMBERS) else str(number)


# ---------------------------------------------------------------------- what has changed
def _changed(changes: Sequence[Change], only: Only) -> str:
    real = _by_weight(changes, Verdict.REAL)
    if real:
        return _real_words(real, changes)
    unconfirmed = _by_weight(changes, Verdict.UNCONFIRMED)
    judged = [change for change in changes if change.verdict is not Verdict.NOT_ENOUGH]
    if unconfirmed:
        return f"{_unconfirmed_words(unconfirmed, changes)}, which further sessions have to confirm."
    if judged:
        one = len(judged) == len(changes) == 1
        which = f"{_name(judged[0], changes)} has" if one else "none of your ranges has" if len(judged) == len(changes) else ""
        if one:
            return f"{capital(which)} not changed by more than the measurement error{_within(judged[0])}."
        return f"{capital(which or 'none of the ranges that can be judged has')} changed by more than its measurement error."
    most = max(change.days for change in changes)
    there = "is one" if most == 1 else f"are {_count(most)}"
    need = f"that takes {_count(BASELINE_DAYS + 1)} days with sessions of the same kind"
    return f"It is too early to speak of a change: {need}, and there {there}{only.since_words or ' so far'}."


def _by_weight(changes: Sequence[Change], verdict: Verdict) -> list[Change]:
    """Return the changes with a verdict: the largest gain, the largest loss, then the others; large is against their error."""
    found = [change for change in changes if change.verdict is verdict]
    found.sort(key=lambda change: -abs(change.change_deg) / change.real_from_deg)
    gains, losses = [c for c in found if c.way > 0], [c for c in found if c.way <= 0]
    first = [*gains[:1], *losses[:1]]
    return first + [change for change in found if change not in first]


def _real_words(real: Sequence[Change], changes: Sequence[Change]) -> str:
    told = real[:NAMED]
    moves = [f"{_name(change, changes)} {_move(change)}" for change in told]
    days = [day(change.confirmed) for change in told if change.confirmed]
    if len(told) == 1:
        why = f"that is a real change, confirmed on {days[0]}"
    else:
        why = f"these are real changes, confirmed on {_listed(days)}"
    more = len(real) - len(told)
    rest = f", and the table below has {_count(more)} more" if more else ""
    return f"{capital(_listed(moves))}; {why}{rest}."


def _unconfirmed_words(unconfirmed: Sequence[Change], changes: Sequence[Change]) -> str:
    moves = [f"{_name(change, changes)} {_move(change)}" for change in unconfirmed[:NAMED]]
    more = len(unconfirmed) - NAMED
    rest = f" (and {_count(more)} more in the table)" if more > 0 else ""
    return f"{capital(_listed(moves))}{rest}"


def _move(change: Change) -> str:
    """Return from where to where a range went: `grew from 31 to 38 degrees`."""
    start, end, _ = _numbers(change)
    return f"{'grew' if change.way > 0 else 'fell'} from {start} to {end}{_unit(change)}"


def _within(change: Change) -> str:
    start, end, error = _numbers(change)
    return f" of {error}{_unit(change)} (from {start} to {end})"


def _numbers(change: Change) -> tuple[str, str, str]:
    """Return baseline, what it is now and the error of the change, as round as they may be without saying something else."""
    alone = change.verdict is Verdict.UNCONFIRMED and abs(change.change_deg) <= change.error_deg  # the latest session shows it
    exact = (change.baseline_deg, change.latest_deg if alone else change.now_deg, change.error_deg)
    start, end, error = (round(number) for number in exact)
    within = change.verdict is Verdict.WITHIN
    if (end - start) * change.way > 0 or (within and abs(end - start) < error):
        return str(start), str(end), str(error)
    return tuple(f"{number:.1f}" for number in exact)  # type: ignore[return-value]


def _name(change: Change, changes: Sequence[Change]) -> str:
    where = f" ({title_of(change.drill)})" if len({c.drill for c in changes}) > 1 else ""
    return f"your left leg\u2019s {change.direction} rotation{where}".replace("left", str(change.side), 1)


def _unit(change: Change | Sides) -> str:
    return " index points" if change.tier.is_index else " degrees"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# ---------------------------------------------------------------------- what is left to say
def _besides(progress: Progress) -> str:
    parts = [*_rest(progress.changes), _sides_words(progress)]
    return f"{capital(', and '.join(parts) if len(parts) < 3 else f'{parts[0]}, {parts[1]}, and {parts[2]}')}."


def _rest(changes: Sequence[Change]) -> list[str]:
    """Return what is to be said of the ranges that the second sentence does not speak of."""
    by = {verdict: _by_weight(changes, verdict) for verdict in Verdict if verdict is not Verdict.NOT_ENOUGH}
    few = [change for change in changes if change.verdict is Verdict.NOT_ENOUGH]
    parts = []
    if by[Verdict.REAL] and by[Verdict.UNCONFIRMED]:
        words = _unconfirmed_words(by[Verdict.UNCONFIRMED], changes)
        parts.append(f"{words[:1].lower()}{words[1:]}, which is to be confirmed")
    if (by[Verdict.REAL] or by[Verdict.UNCONFIRMED]) and by[Verdict.WITHIN]:
        count = len(by[Verdict.WITHIN])
        what = "everything else" if not few else f"{_count(count)} other range{'' if count == 1 else 's'}"
        parts.append(f"{what} stayed within measurement error")
    if few and len(few) < len(changes):
        parts.append(
            f"{_count(len(few))} range{'' if len(few) == 1 else 's'} cannot be judged yet, because there are too few sessions"
        )
    return parts if len(parts) < 3 else [parts[0], f"{parts[1]}, {parts[2]}"]


def _sides_words(progress: Progress) -> str:
    legs = sorted({change.side for change in progress.changes})
    if len(legs) == 1:
        return f"only your {legs[0]} leg was measured, so the legs cannot be compared"
    if not progress.sides:
        return "your legs cannot be compared, because they were not measured in the same way at about the same time"
    weight = sorted(
        progress.sides, key=lambda one: (one.flagged, one.clear, one.unconfirmed, abs(one.difference_deg) / one.error_deg)
    )
    one = weight[-1]
    size, error = _difference(one)
    where = f" ({title_of(one.drill)})" if len({s.drill for s in progress.sides}) > 1 else ""
    what = f"{one.direction} rotation{where}"
    if not (one.clear or one.unconfirmed):
        return f"left and right differ by {size} \u00b1 {error}{_unit(one)} in {what}, which may be measurement error"
    larger, smaller = ("left", "right") if one.difference_deg > 0 else ("right", "left")
    more = (
        f" and above the {FLAGGED_DEG:.0f} degrees from which the report points it out; this is no diagnosis"
        if one.flagged
        else ""
    )
    than = f"than your {smaller} one, which is {'more than the measurement error' if one.clear else 'to be confirmed'}{more}"
    return f"your {larger} leg has {size} \u00b1 {error}{_unit(one)} more {what} {than}"


def _difference(one: Sides) -> tuple[str, str]:
    """Return a difference and its error, as round as they may be without saying something else."""
    size, error = abs(one.difference_deg), one.error_deg
    whole = (round(size), round(error))
    if (whole[0] > whole[1]) is (one.clear or one.unconfirmed) and (not one.flagged or whole[0] > FLAGGED_DEG):
        return str(whole[0]), str(whole[1])
    return f"{size:.1f}", f"{error:.1f}"
