"""The last page of the report: how it is measured, the measurement error in words and numbers, what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rotrack.core.messages import Sentence, listed
from rotrack.core.model import version_said
from rotrack.progress.change import FLAGGED_DEG, Change, Progress
from rotrack.progress.rule import BASELINE_DAYS, MOST_BASELINE_DAYS, NOW_DAYS, PRIOR_DF, TREND_DAYS
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, STATED_SHARE
from rotrack.records.rules import RULES, USUAL
from rotrack.report.document import Charts, Part, Table, Terms, Text
from rotrack.report.wording import Only, drills_of, leg, of_drill, plain, title_of
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
        Sentence(
            "Mean peak of {rule} that were not left out, so more repetitions do not make it larger; a session may follow another "
            "rule. Its \u00b1 is the error to expect (95 %): the mean error of these repetitions.",
            rule=RULES[USUAL].words,
        ),
    )
    yield (
        "Measurement error",
        Sentence(
            "SEM is how much session values differ although nothing has changed: your own spread in the baseline and in the "
            "latest {n} days, together with a default that counts for {m:.0f} degrees of freedom. {default} MDC95 = 1.96 \u00b7 "
            "\u221a2 \u00b7 SEM is what two single sessions must differ by.",
            n=NOW_DAYS,
            m=PRIOR_DF,
            default=_default(changes),
        ),
    )
    yield (
        "Verdicts",
        Sentence(
            "The mean of the latest {now} days is compared with that of the first {first} to {last}. Real change: that mean"
            " is outside the band, or all days climb or fall steadily, so far that chance does this only once in a few "
            "thousand looks. The report names the day on which this was first the case, and keeps to it as long as the "
            "change or the trend is outside its error. To be confirmed: the change or the latest session is outside its "
            "error, but not that far. Within measurement error: neither is outside its error. Not enough sessions: fewer "
            "than {n} days that are alike; a change can be real from {m} on, a trend is given from {k} on.",
            now=NOW_DAYS,
            first=BASELINE_DAYS,
            last=MOST_BASELINE_DAYS,
            n=BASELINE_DAYS + 1,
            m=BASELINE_DAYS + NOW_DAYS,
            k=TREND_DAYS,
        ),
    )
    yield (
        "How often it is wrong",
        "This was simulated with people in whom nothing changes, who look at four ranges after each of up to 52 sessions a year. "
        "Over all measurement errors, fewer than 5 in 100 of them are ever told of a real change; of those with the largest "
        "error and sessions that resemble their neighbours, 3 in 10. A change of 1.5 MDC95 that stays is confirmed by the third "
        "session in 8 of 10.",
    )
    only_index = bool(changes) and all(change.tier.is_index for change in changes)
    yield (
        "Left against right",
        "The difference between the legs, with the error of both. This is no diagnosis."
        if only_index
        else Sentence(
            "The difference between the legs, with the error of both. It is pointed out if it is larger than that and above "
            "{n:.0f}\u00b0; this is no diagnosis.",
            n=FLAGGED_DEG,
        ),
    )
    yield (
        "Limits",
        "Not a medical device; this report never diagnoses. The stated errors were found on rendered people, whose true angles "
        "are known: this proves signs, timing and geometry, but not how accurate rotrack is for you. Loose skin, clothes and "
        "cluttered rooms "
        "make errors larger. Formulas and sources: docs/progress.md and docs/accuracy.md of rotrack.",
    )


def _default(changes: Sequence[Change]) -> str:
    """Return in words with what the own spread is pooled."""
    index = [change.tier.is_index for change in changes]
    if index and all(index):
        return Sentence("The default is {b:g} of the stated error of the values.", b=STATED_SHARE)
    return Sentence(
        "The default is a published {a:.1f}\u00b0 (or {b:g} of the stated error of the values, if that is more), for an index "
        "{b:g} of the stated error of the values."
        if any(index)
        else "The default is a published {a:.1f}\u00b0 (or {b:g} of the stated error of the values, if that is more).",
        a=PUBLISHED_SEM_DEG,
        b=STATED_SHARE,
    )


def _error_table(changes: Sequence[Change]) -> Table:
    drills = drills_of(changes)
    several = len(drills) > 1
    rows = tuple(
        (
            *([title_of(c.drill)] if several else []),
            leg(c),
            plain(c.spread.sem_deg, c.tier),
            Sentence("{spread} ({df:.0f})", spread=plain(c.spread.own_deg, c.tier), df=c.spread.own_df),
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
    words: list[str] = [
        Sentence(
            "{sessions} of \u201c{title}\u201d, {reason}: not alike.",
            sessions=times(n, "session"),
            title=title_of(drill),
            reason=reason,
        )
        for (drill, reason), n in found.items()
    ]
    alone = int((~progress.readings.drill.isin(drills_of(progress.changes))).sum())
    if alone:
        words.append(
            Sentence(
                "{readings} of other instruments, in drills for which there is no value of rotrack.",
                readings=times(alone, "reading"),
            )
        )
    words += [*progress.notes, *progress.problems]
    if only.words:
        words.insert(0, Sentence("This report is limited: {words}; others are not in it.", words=only.words))
    like = (
        "Only like is compared with like: same drill, leg, direction, load, kind of movement, variant, legs, hold, rule of the "
        "value, zero, calibration and versions."
    )
    return listed(" ", like, *(words or ["Nothing was left out."]))


def _made_with(reps: pd.DataFrame, version: str) -> str:
    def said(column: str) -> str:
        found = sorted({str(value) for value in reps[column] if value})
        return listed(", ", *found) if found else "not said"

    return Sentence(
        "rotrack {now}; measured with rotrack {version}; pose model {model}; calibration {calibration}; zero {zero}; convention "
        "version {convention}; measure version {measure}.",
        now=version,
        version=said("rotrack_version"),
        model=said("model"),
        calibration=said("calibration"),
        zero=said("zero"),
        convention=said("convention_version"),
        measure=listed(", ", *map(version_said, sorted(set(reps.measure_version) - {""}))) or "not said",
    )
