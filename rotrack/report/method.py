"""The last page of the report: how it is measured, the measurement error in words and numbers, what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Verdict
from rotrack.progress.rule import BASELINE_DAYS, MOST_BASELINE_DAYS, NOW_DAYS, PRIOR_DF, TREND_DAYS
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, STATED_SHARE
from rotrack.records.rules import RULES, USUAL
from rotrack.report.document import Charts, Part, Table, Terms, Text
from rotrack.report.wording import Only, capital, drills_of, leg, of_drill, plain, title_of
from rotrack.system.imports import when_used
from rotrack.texts.numbers import times

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")


def method(progress: Progress, version: str, only: Only) -> Part:
    """Return the last page.

    Parameters
    ----------
    progress : Progress
        Of one person.
    version : str
        Version of rotrack.
    only : Only
        To what it was narrowed down.
    """
    blocks: list[Text | Terms | Table | Charts] = [Terms(tuple(_explanations(progress.changes)))]
    if progress.changes:
        blocks.append(_error_table(progress.changes))
    blocks.append(Terms((("What was left out", _left_out(progress, only)), ("Made with", _made_with(progress.reps, version)))))
    return Part("Method and limits", tuple(blocks), new_page=True)


def _explanations(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    yield (
        "How it is measured",
        "With one ordinary camera. A pose model finds the joints in each picture; a model of the leg turns them into the "
        "rotation of the thigh. Zero is the pose in which you held still at the start. Left and right are your own sides.",
    )
    yield (
        "Session value",
        f"Mean peak of {RULES[USUAL].words} that were not left out, so more repetitions do not make it larger; a session "
        "may follow another rule. Its \u00b1 is the error to expect (95 %): the mean error of these repetitions.",
    )
    yield (
        "Measurement error",
        f"SEM is how much session values differ although nothing has changed: your own spread in the baseline and in the latest "
        f"{NOW_DAYS} days, {_default(changes)}. MDC95 = 1.96 \u00b7 \u221a2 \u00b7 SEM is what two single sessions must differ "
        "by.",
    )
    yield (
        "Verdicts",
        f"The mean of the latest {NOW_DAYS} days is compared with that of the first {BASELINE_DAYS} to {MOST_BASELINE_DAYS}. "
        f"{capital(Verdict.REAL)}: that mean is outside the band, or all days climb or fall steadily, so far that "
        "chance does this only once in a few thousand looks. The report names the day on which this was first the case, and "
        f"keeps to it as long as the change or the trend is outside its error. {capital(Verdict.UNCONFIRMED)}: the change or "
        "the latest session is outside its error, but not that far. "
        f"{capital(Verdict.WITHIN)}: neither is outside its error. {capital(Verdict.NOT_ENOUGH)}: fewer than "
        f"{BASELINE_DAYS + 1} days that are "
        f"alike; a change can be real from {BASELINE_DAYS + NOW_DAYS} on, a trend is given from {TREND_DAYS} on.",
    )
    yield (
        "How often it is wrong",
        "This was simulated with people in whom nothing changes, who look at four ranges after each of up to 52 sessions a year. "
        "Over all measurement errors, fewer than 5 in 100 of them are ever told of a real change; of those with the largest "
        "error and sessions that resemble their neighbours, 3 in 10. A change of 1.5 MDC95 that stays is confirmed by the third "
        "session in 8 of 10.",
    )
    flagged = f" It is pointed out if it is larger than that and above {FLAGGED_DEG:.0f}\u00b0; this is no diagnosis."
    only_index = bool(changes) and all(change.tier.is_index for change in changes)
    yield (
        "Left against right",
        "The difference between the legs, with the error of both." + (" This is no diagnosis." if only_index else flagged),
    )
    yield (
        "Limits",
        "Not a medical device; this report never diagnoses. The stated errors were found on rendered people, whose true angles "
        "are known: this proves signs, timing and geometry, but not how accurate rotrack is for you. Loose skin, clothes and "
        "cluttered rooms "
        "make errors larger. Formulas and sources: docs/progress.md and docs/accuracy.md of rotrack.",
    )


def _default(changes: Sequence[Change]) -> str:
    """Return in words with what the own spread is pooled, and until when."""
    stated = f"{STATED_SHARE:g} of the stated error of the values"
    published = f"a published {PUBLISHED_SEM_DEG:.1f}\u00b0 (or {stated}, if that is more)"
    index = [change.tier.is_index for change in changes]
    default = stated if index and all(index) else f"{published}, for an index {stated}" if any(index) else published
    return f"together with a default that counts for {PRIOR_DF:.0f} degrees of freedom. The default is {default}"


def _error_table(changes: Sequence[Change]) -> Table:
    drills = drills_of(changes)
    several = len(drills) > 1
    rows = tuple(
        (
            *([title_of(c.drill)] if several else []),
            leg(c),
            plain(c.spread.sem_deg, c.tier),
            f"{plain(c.spread.own_deg, c.tier)} ({c.spread.own_df:.0f})",
            plain(c.spread.mdc95_deg, c.tier),
            plain(c.real_from_deg, c.tier),
        )
        for drill in drills
        for c in of_drill(changes, drill)
    )
    header = (*(["drill"] if several else []), "leg, direction", "SEM", "own spread (degrees of freedom)", "MDC95", "real from")
    return Table("Measurement error of each range.", header, rows)


def _left_out(progress: Progress, only: Only) -> str:
    """Return in words what is not in the report, what was not compared, and what else is to be known of what was."""
    found: dict[tuple[str, str], int] = {}
    for change in progress.changes:
        for one in change.left_out:
            key = (change.drill, one.reason)
            found[key] = max(found.get(key, 0), one.sessions)
    words = [
        f"{times(n, 'session')} of \u201c{title_of(drill)}\u201d, {reason}: not alike." for (drill, reason), n in found.items()
    ]
    alone = int((~progress.readings.drill.isin(drills_of(progress.changes))).sum())
    if alone:
        words.append(f"{times(alone, 'reading')} of other instruments, in drills for which there is no value of rotrack.")
    words += [*progress.notes, *progress.problems]
    if only.words:
        words.insert(0, f"This report is limited: {only.words}; others are not in it.")
    like = (
        "Only like is compared with like: same drill, leg, direction, load, kind of movement, variant, legs, hold, rule of the "
        "value, zero, calibration and versions."
    )
    return f"{like} {' '.join(words) or 'Nothing was left out.'}"


def _made_with(reps: pd.DataFrame, version: str) -> str:
    def said(column: str) -> str:
        return ", ".join(sorted({str(value) for value in reps[column] if value})) or "not said"

    kinds: Mapping[str, str] = {
        "rotrack_version": "measured with rotrack",
        "model": "pose model",
        "calibration": "calibration",
        "zero": "zero",
        "convention_version": "convention version",
        "measure_version": "measure version",
    }
    return f"rotrack {version}; " + "; ".join(f"{words} {said(column)}" for column, words in kinds.items()) + "."
