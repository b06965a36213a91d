"""What stands in the report: texts, tables and figures in their order, the same for the page and for the PDF."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rotrack.charts.progress import faults_figure, progress_figure, repetitions_figure, sides_figure
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError
from rotrack.core.messages import Sentence, listed, say
from rotrack.core.model import Direction, Side
from rotrack.core.reasons import because
from rotrack.core.tiers import Tier
from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict
from rotrack.progress.rule import BASELINE_DAYS, MOST_BASELINE_DAYS, NOW_DAYS
from rotrack.progress.sample import NOTE, PERSON
from rotrack.progress.wording import arc_message, turnout_message, verdict_message
from rotrack.records.history import only as sessions_of
from rotrack.records.norms import norms_for
from rotrack.records.people import Goal, goal_deg
from rotrack.records.session import WAY, Session, best_of, said_of
from rotrack.report.document import NONE, Charts, Part, Report, Table, Terms, Text
from rotrack.report.method import method
from rotrack.report.sentences import three_sentences
from rotrack.report.wording import EVERYTHING, Only, day, drills_of, leg, of_drill, of_leg, plain, short_day, signed, title_of
from rotrack.system.imports import when_used
from rotrack.system.inputs import name_key
from rotrack.texts import english
from rotrack.texts.numbers import amount, speed, times

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

BANNER = "Made-up numbers for trying rotrack: nobody was measured, and this person does not exist."


def make_report(
    progress: Progress, person: str, made_on: date, version: str, only: Only = EVERYTHING, goals: Sequence[Goal] = ()
) -> Report:
    """Return the report of one person.

    Parameters
    ----------
    progress : Progress
        Of this person alone.
    person : str
        The name.
    made_on : date
        Today.
    version : str
        Version of rotrack.
    only : Only
        The drill or the days to which `progress` is limited; the report says so.
    goals : sequence of Goal
        How far the person wants to turn, see `rotrack.records.people`; shown, never judged.
    """
    drills = drills_of(progress.changes)
    parts = [_overview(progress, only)] if progress.changes else []
    for drill in drills:
        parts += _drill_parts(progress, drill, title_of(drill) if len(drills) > 1 else "", goals)
    motions = {session.record.drill: session.record.motion for session in progress.sessions}  # of the latest
    parts += _norms({drill: motions[drill] for drill in drills})
    return Report(
        person, _subtitle(progress, only), _banner(progress.reps, person), three_sentences(progress, only),
        (*parts, method(progress, version, only)), made_on, version,
    )  # fmt: skip


def require_sessions(sessions: Iterable[Session], person: str, only: Only) -> None:
    """Refuse to report what a person never did, lest it reads as if nothing had been measured at all.

    Parameters
    ----------
    sessions : iterable of Session
        Of everybody.
    person : str
        One who is among them.
    only : Only
        To what the report is narrowed down.

    Raises
    ------
    InputError
        If none of the person's sessions is left.
    """
    own = [session for session in sessions_of(sessions, person) if session.rep_list]
    drills = ", ".join(sorted({session.record.drill for session in own}))
    own = sessions_of(own, drill=only.drill)
    if not own:
        raise InputError(
            "{person} has no session of the drill {drill}; there are sessions of {drills}.",
            person=person,
            drill=only.drill,
            drills=drills,
        )
    latest = max(session.started_at.date() for session in own)
    if only.since and latest < only.since:
        raise InputError(
            "{person} has no session of this drill since {day}; the latest is of {latest}."
            if only.drill
            else "{person} has no session since {day}; the latest is of {latest}.",
            person=person,
            day=day(only.since),
            latest=day(latest),
        )


def _banner(reps: pd.DataFrame, person: str) -> str:
    """Return what to know first: whether the sessions, or some of them, are of the made-up sample."""
    of_sample = (reps.note == NOTE) & (name_key(person) == name_key(PERSON))
    if of_sample.all():
        return BANNER if len(reps) else ""
    count = reps.session_id[of_sample].nunique()
    return (
        Sentence("{n} of these {m} sessions are made up, for trying rotrack.", n=count, m=reps.session_id.nunique())
        if count
        else ""
    )


def _subtitle(progress: Progress, only: Only) -> str:
    """Return from when to when, how many sessions, and to what they were narrowed down."""
    return listed(" \u00b7 ", *filter(None, [_when(progress), only.words]))


def _when(progress: Progress) -> str:
    days = sorted(datetime.fromisoformat(text).date() for text in set(progress.reps.started_at))
    if not days:
        return "No session that can be compared"
    count = times(progress.reps.session_id.nunique(), "session")
    if days[-1] == days[0]:
        return Sentence("{sessions}, {day}", sessions=count, day=day(days[0]))
    return Sentence("{sessions}, {start} to {end}", sessions=count, start=day(days[0]), end=day(days[-1]))


# ---------------------------------------------------------------------- words
def _with_error(value: float, error: float, tier: Tier) -> str:
    """Return a change with its error: `+7.6 ± 6.3°`."""
    return Sentence(f"{{value}} \u00b1 {{e:.1f}}{tier.unit}", value=signed(value), e=error) if math.isfinite(value) else NONE


# ---------------------------------------------------------------------- all ranges on one page
def _overview(progress: Progress, only: Only) -> Part:
    baseline = Sentence(
        "Baseline is the mean of the first {n} to {m} days since {day}, now the mean of the latest {k}."
        if only.since
        else "Baseline is the mean of the first {n} to {m} days, now the mean of the latest {k}.",
        n=BASELINE_DAYS,
        m=MOST_BASELINE_DAYS,
        k=NOW_DAYS,
        day=day(only.since) if only.since else "",
    )
    about = listed(
        " ",
        baseline,
        "The error of the change (95 %) stands beside it. A change is called real if it is larger than \u201creal from\u201d, or "
        "if all days climb or fall steadily (last page). A larger number means more range, both inwards (internal) and outwards "
        "(external).",
    )
    tables = (_change_table(drill, of_drill(progress.changes, drill)) for drill in drills_of(progress.changes))
    return Part("What has changed", (Text(about), *tables, Terms(_READING)))


def _change_table(drill: str, changes: Sequence[Change]) -> Table:
    rows = tuple(
        (
            leg(change),
            str(len(change.points)),
            plain(change.baseline_deg, change.tier),
            plain(change.now_deg, change.tier),
            _with_error(change.change_deg, change.error_deg, change.tier),
            plain(change.real_from_deg, change.tier),
            _verdict(change),
        )
        for change in changes
    )
    strong = frozenset(n for n, change in enumerate(changes) if change.verdict is Verdict.REAL)
    header = ("leg, direction", "sessions", "baseline", "now", "change", "real from", "verdict")
    return Table(Sentence("{title}.", title=title_of(drill)), header, rows, strong, wordy=True)


_READING = (
    (
        "How to read it",
        "No measurement is exact: a camera, like a goniometer, gives a slightly different number each time. A difference is "
        "called a real change only if chance hardly ever produces one like it, even if you look after every session.",
    ),
    (
        "If it says \u201cto be confirmed\u201d",
        "The latest sessions differ from the first ones, but not yet by enough or for long enough. More sessions will tell.",
    ),
    (
        "If it says \u201cwithin measurement error\u201d",
        "That does not mean that nothing has changed, only that it is too early to say. Further sessions help most if they are "
        "alike: the same drill, the camera in the same place, the same time of day, warmed up alike.",
    ),
)


# ---------------------------------------------------------------------- one drill
def _drill_parts(progress: Progress, drill: str, which: str, goals: Sequence[Goal]) -> Iterator[Part]:
    """Yield what there is of a drill; `which` names it in the headings of the pages that follow its first one."""
    changes = of_drill(progress.changes, drill)
    readings = progress.readings[progress.readings.drill == drill]
    how = _how_to_read(changes)
    if len(readings):
        how.append("Readings of other instruments have marks of their own and enter no number of rotrack.")
    if any(change.left_out for change in changes):
        how.append(
            "Small grey marks are sessions that were done or measured in another way and are not compared; a table lists them."
        )
    wanted = _goals_words(changes, goals)
    if wanted:
        how.append("The dotted line is the person\u2019s goal.")
    figures = tuple(
        (
            _alt(change),
            progress_figure(change, readings, [c for c in changes if c.direction == change.direction and c is not change], goals),
        )
        for change in changes
    )
    blocks: list[Text | Terms | Table | Charts] = [
        Text(_about(drill, changes)),
        *_ways(changes),
        *([Text(wanted)] if wanted else []),
        Charts(listed(" ", *how), figures),
        _session_table(changes),
        *_apart_table(changes),
        *([_reading_table(readings, changes)] if len(readings) else []),
    ]
    yield Part(title_of(drill), tuple(blocks), new_page=True)
    yield from _latest_parts(progress, changes, which)
    yield _sides_part([one for one in progress.sides if one.drill == drill], changes, which)
    yield _faults_part(progress.reps[progress.reps.drill == drill], drill, which)


def _how_to_read(changes: Sequence[Change]) -> list[str]:
    """Return what the marks, lines and bands of a drill's charts are; of a band only where there is one."""
    parts: list[str] = ["Each mark is one session with its own error (95 %)."]
    if any(math.isfinite(change.baseline_deg) for change in changes):
        parts.append("The dashed line is the baseline.")
    banded = [math.isfinite(change.real_from_deg) for change in changes]
    if any(banded):
        parts.append("The short line is the mean of the latest days; outside the band it is a real change, as is a steady trend.")
    if not all(banded):
        parts.append(
            "Where there is no band, there are too few sessions yet."
            if any(banded)
            else Sentence("There is no band of measurement error yet: it takes {n} days that are alike.", n=BASELINE_DAYS + 1)
        )
    return parts


def _about(drill: str, changes: Sequence[Change]) -> str:
    """Return what the numbers of a drill are."""
    known, tier = load_table().drills.get(drill), changes[0].tier
    if tier.is_index:
        return Sentence("The numbers are {meaning} (tier {tier}).", meaning=tier.meaning, tier=tier)
    return Sentence(
        "The numbers are {measured} (tier {tier}: {meaning}).",
        measured=known.measured if known else "rotation",
        tier=tier,
        meaning=tier.meaning or "not known",
    )


def _ways(changes: Sequence[Change]) -> Iterator[Terms]:
    """Yield how the compared sessions were done."""
    ways = dict.fromkeys(tuple(said_of(name, change.kind[name]) for name in WAY) for change in changes if change.kind)
    if ways:
        yield Terms((("Sessions compared here", listed("; ", *(listed(", ", *way) for way in ways))),))


def _goals_words(changes: Sequence[Change], goals: Sequence[Goal]) -> str:
    """Return the goals of a drill, each beside the latest value; empty without one."""
    words = []
    for change in changes:
        wanted_deg = goal_deg(goals, change.drill, change.side, change.direction)
        if math.isfinite(wanted_deg) and change.tier.in_degrees:
            latest = amount(change.latest_deg, change.points[-1].uncertainty_deg, change.tier)
            words.append(
                Sentence(
                    "{side}, {direction} {n:g}\u00b0 (latest session {latest})",
                    side=change.side,
                    direction=change.direction,
                    n=wanted_deg,
                    latest=latest,
                )
            )
    return Sentence("Goals that were noted: {goals}.", goals=listed("; ", *words)) if words else ""


def _trend(change: Change) -> str:
    slope = change.slope
    if not math.isfinite(slope.per_month_deg):
        return NONE
    return Sentence(
        "{amount}{unit} ({low} to {high})",
        amount=signed(slope.per_month_deg),
        unit=change.tier.unit,
        low=signed(slope.low_deg, ""),
        high=signed(slope.high_deg, ""),
    )


def _alt(change: Change) -> str:
    """Return in words what a chart of progress shows."""
    first = change.points[0]
    return Sentence(
        "{side} leg, {direction} rotation, {sessions}: {first} on {day}, latest {last}; {verdict}. The table that follows has "
        "every value.",
        side=change.side,
        direction=change.direction,
        sessions=times(len(change.points), "session"),
        first=amount(first.size_deg, first.uncertainty_deg, change.tier),
        day=day(first.started_at),
        last=amount(change.latest_deg, change.points[-1].uncertainty_deg, change.tier),
        verdict=_verdict(change),
    )


def _verdict(change: Change) -> Sentence:
    """Return what may be said of a change."""
    return english(verdict_message(change, short_day(change.confirmed) if change.confirmed else ""))


def _rules(changes: Sequence[Change]) -> str:
    """Return which repetitions make the values, in words."""
    first, *others = dict.fromkeys(change.rule.words for change in changes)
    said = first
    for other in others:
        said = Sentence("{one} or of {two}", one=said, two=other)
    return said


def _session_table(changes: Sequence[Change]) -> Table:
    starts = {point.session_id: point.started_at for change in changes for point in change.points}
    cells = [
        {point.session_id: amount(point.size_deg, point.uncertainty_deg, change.tier) for point in change.points}
        for change in changes
    ]
    rows = tuple(
        (short_day(starts[name]), *(column.get(name, NONE) for column in cells))
        for name in sorted(starts, key=lambda n: starts[n])
    )
    caption = Sentence("The value of each session: mean of {rules}.", rules=_rules(changes))
    if any(math.isfinite(change.slope.per_month_deg) for change in changes):
        rows += (("trend a month", *(_trend(change) for change in changes)),)
        caption = listed(" ", caption, "The last line says how fast the values grow, with the 95 % interval.")
    return Table(caption, ("session", *(leg(change) for change in changes)), rows)


def _apart_table(changes: Sequence[Change]) -> Iterator[Table]:
    """Yield the sessions that may not be compared with the latest, each with what differs."""
    rows: dict[tuple[datetime, str, str], list[str]] = {}
    for column, change in enumerate(changes):
        for left in change.left_out:
            for point in left.points:
                cells = rows.setdefault((point.started_at, point.session_id, left.reason), [NONE] * len(changes))
                cells[column] = amount(point.size_deg, point.uncertainty_deg, change.tier)
    if rows:
        yield Table(
            "Sessions that are not compared, and in what they differ from the latest.",
            ("session", "what differs", *(leg(change) for change in changes)),
            tuple((short_day(at), reason, *cells) for (at, _, reason), cells in sorted(rows.items())),
            wordy=True,
        )


def _reading_table(readings: pd.DataFrame, changes: Sequence[Change]) -> Table:
    columns = [(str(change.side), str(change.direction)) for change in changes]
    columns += sorted(set(zip(readings.side, readings.direction, strict=True)) - set(columns))  # what only they have
    rows = []
    for (taken, tool, rater), own in readings.groupby(["date", "instrument", "rater"], sort=True):
        cells = []
        for side, direction in columns:
            read = own.value_deg[(own.side == side) & (own.direction == direction)]
            cells.append(listed(", ", *(plain(value, changes[0].tier) for value in read)) or NONE)
        rows.append((short_day(date.fromisoformat(taken)), f"{tool}, {rater}" if rater else tool, *cells))
    header = ("day", "instrument, read by", *(of_leg(*column) for column in columns))
    return Table("Readings of other instruments. These are not rotrack's numbers.", header, tuple(rows))


# ---------------------------------------------------------------------- the latest session
def _latest_parts(progress: Progress, changes: Sequence[Change], which: str) -> Iterator[Part]:
    """Yield the repetitions of the latest session; of several where the legs were last measured in different ones."""
    for session_id in dict.fromkeys(change.points[-1].session_id for change in changes):
        own = [change for change in changes if change.points[-1].session_id == session_id]
        tables = [_repetitions(progress.reps, change) for change in own]
        used = [{rep.rep for rep in best_of(list(table.itertuples()), own[0].rule)} for table in tables]
        figures = tuple(
            (
                Sentence(
                    "Repetitions of the {side} leg, {direction}; the table that follows has every one.",
                    side=change.side,
                    direction=change.direction,
                ),
                repetitions_figure(change, table, best, tables),
            )
            for change, table, best in zip(own, tables, used, strict=True)
        )
        caption = Sentence("Full bars give the value (line) and its error (band): the mean of {rules}.", rules=_rules(own))
        yield Part(
            Sentence(
                "{title}: latest session, {day}" if which else "Latest session, {day}",
                title=which,
                day=day(own[0].points[-1].started_at),
            ),
            (Charts(caption, figures), _repetition_table(own, tables, used), *_arcs(progress.sessions, session_id)),
            level=3,
        )


def _arcs(sessions: Sequence[Session], session_id: str) -> Iterator[Text]:
    """Yield what both directions of each leg come to in a session, and what both legs do that are turned out at once."""
    for session in sessions:
        arcs = session.arcs if session.id == session_id else []
        if arcs:
            said = listed("; ", *(english(arc_message(arc, session.record.tier)) for arc in arcs))
            yield Text(Sentence("{heading}. {Arcs}.", heading=english(say("result.arc_heading")), arcs=said))
        if session.id == session_id and session.turnout:
            yield Text(Sentence("{turnout}.", turnout=english(turnout_message(session.turnout, session.record.tier))))


def _repetitions(reps: pd.DataFrame, change: Change) -> pd.DataFrame:
    same = (reps.session_id == change.points[-1].session_id) & (reps.side == change.side) & (reps.direction == change.direction)
    return reps[same]


def _repetition_table(changes: Sequence[Change], tables: Sequence[pd.DataFrame], used: Sequence[set[int]]) -> Table:
    columns = [
        {rep.rep: _repetition_words(rep, change.tier, rep.rep in best) for rep in table.itertuples()}
        for change, table, best in zip(changes, tables, used, strict=True)
    ]
    numbers = sorted({number for column in columns for number in column})
    rows = tuple((str(number), *(column.get(number, NONE) for column in columns)) for number in numbers)
    return Table(
        "Every repetition of that session: its peak, and how fast the leg turned on the way there.",
        ("repetition", *(leg(change) for change in changes)),
        rows,
    )


def _repetition_words(rep: Any, tier: Tier, best: bool) -> str:
    state = "best" if best else "left out" if rep.dropped else "" if rep.valid else _why_not(rep.reason)
    return listed(", ", *filter(None, [amount(rep.peak_deg, rep.uncertainty_deg, tier), speed(rep.speed_deg_s, tier), state]))


def _why_not(reason: str) -> str:
    return english(because(reason)) if reason else "not valid"


# ---------------------------------------------------------------------- left against right
def _sides_part(sides: Sequence[Sides], changes: Sequence[Change], which: str) -> Part:
    title = Sentence("{title}: left against right", title=which) if which else "Left against right"
    legs = sorted({change.side for change in changes})
    if not sides:
        why = (
            Sentence("Only the {side} leg was measured.", side=legs[0])
            if len(legs) == 1
            else "The legs were not measured in the same way at about the same time."
        )
        return Part(title, (Text(why),), level=3)
    sides = sorted(sides, key=lambda one: list(Direction).index(one.direction))
    rows = tuple(
        (
            str(one.direction),
            plain(one.left_deg, one.tier),
            plain(one.right_deg, one.tier),
            Sentence(f"{{n:.1f}} \u00b1 {{e:.1f}}{one.tier.unit}", n=abs(one.difference_deg), e=one.error_deg),
            _sides_words(one),
        )
        for one in sides
    )
    caption = Sentence(
        "Means of the latest {n} sessions that have both legs, if there are that many. Its error comes from both values.",
        n=NOW_DAYS,
    )
    told = (
        Sentence("{direction}, difference {amount}, {verdict}", direction=row[0], amount=row[3], verdict=row[4]) for row in rows
    )
    alt = Sentence("Left against right: {rows}.", rows=listed("; ", *told))
    figure = sides_figure(sides, FLAGGED_DEG)
    table = Table(caption, ("direction", "left", "right", "difference", "verdict"), rows, wordy=True)
    how = "The mark is the difference, the line its error (95 %). If the line crosses the middle, it may be measurement error."
    return Part(title, (Charts(how, ((alt, figure),), wide=True), table), level=3)


def _sides_words(one: Sides) -> str:
    left = one.difference_deg > 0
    if not (one.clear or one.unconfirmed):
        return "within measurement error"
    if not one.clear:
        return "left is larger, to be confirmed" if left else "right is larger, to be confirmed"
    if not one.flagged:
        return "left is really larger" if left else "right is really larger"
    return Sentence(
        "left is really larger, by more than {n:.0f}\u00b0" if left else "right is really larger, by more than {n:.0f}\u00b0",
        n=FLAGGED_DEG,
    )


# ---------------------------------------------------------------------- faults
def _faults_part(reps: pd.DataFrame, drill: str, which: str) -> Part:
    title, table = Sentence("{title}: faults over time", title=which) if which else "Faults over time", load_table()
    known = table.drills.get(drill)
    watched = table.faults_of(known)[0] if known else []
    reps = reps[~reps.dropped]
    shares = _fault_shares(reps)
    titles = {fault.letter: fault.title for fault in table.faults.values() if fault.letter in set(shares.fault)}
    if not titles:
        seen = listed(", ", *(fault.title.lower() for fault in watched))
        words = (
            Sentence("No fault was seen. rotrack looked for: {faults}.", faults=seen)
            if watched
            else "rotrack looks for no fault in this drill."
        )
        return Part(title, (Text(words),), level=3)
    shares = shares[shares.fault.isin(list(titles))]
    rows, sessions = [], shares.groupby("started_at", sort=True)
    for started_at, own in sessions:
        if not own.share.any():
            continue
        found = {(r.side, r.fault): f"{100 * r.share:.0f} %" for r in own.itertuples()}
        cells = [" / ".join(found.get((str(side), letter), NONE) for side in Side) for letter in titles]
        rows.append((short_day(started_at), *cells))
    caption = Sentence(
        "Share of the repetitions with each fault, left leg / right leg. Repetitions that were left out do not count. Only "
        "sessions in which a fault occurred are listed: {n} of {m}.",
        n=len(rows),
        m=len(sessions),
    )
    header = ("session", *(Sentence("{fault} ({letter})", fault=name, letter=letter) for letter, name in titles.items()))
    alt = Sentence(
        "Share of repetitions with a fault in each session: {titles}; see the table that follows.",
        titles=listed(", ", *(title.lower() for title in titles.values())),
    )
    over = [(f, f.limits[known.posture]) for f in watched if f.letter in titles] if known else []
    limits = [
        Sentence("{letter} over {n:g}{unit}", letter=f.letter, n=limit, unit="\u00b0" if f.unit == "deg" else f" {f.unit}")
        for f, limit in over
    ]
    how = Sentence("When a fault counts: {limits}.", limits=listed(", ", *limits)) if limits else ""
    charts = Charts(how, ((alt, faults_figure(shares, titles)),), wide=True)
    return Part(title, (charts, Table(caption, header, tuple(rows))), level=3)


def _fault_shares(reps: pd.DataFrame) -> pd.DataFrame:
    """Return the share of repetitions with each fault that occurs at all, per session and side."""
    found = reps.faults.str.split()
    letters = sorted({letter for faults in found for letter in faults})
    if not letters:
        return pd.DataFrame(columns=["started_at", "side", "fault", "share"])
    with_fault = pd.DataFrame({letter: [letter in faults for faults in found] for letter in letters}, index=reps.index)
    groups = with_fault.groupby([reps.session_id, reps.started_at, reps.side], sort=False)
    rows = [
        (datetime.fromisoformat(started_at), side, letter, share)
        for (_, started_at, side), shares in groups.mean().iterrows()
        for letter, share in shares.items()
    ]
    return pd.DataFrame(rows, columns=["started_at", "side", "fault", "share"])


# ---------------------------------------------------------------------- others
def _norms(motions: Mapping[str, str]) -> list[Part]:
    """Return what was published for drills, each with who moved the leg."""
    table = load_table().drills
    found = [
        (drill, norm)
        for drill, motion in motions.items()
        if drill in table and not table[drill].tier.is_index
        for norm in sorted(norms_for(drill, motion), key=lambda norm: (norm.source, list(Direction).index(norm.direction)))
    ]
    if not found:
        return []
    several = len({drill for drill, _ in found}) > 1
    rows = [
        (
            *([title_of(drill)] if several else []),
            str(norm.direction),
            amount(norm.value_deg, norm.sd_deg, table[drill].tier),
            norm.population,
            listed(", ", norm.position, norm.motion),
            listed(", ", norm.source, norm.journal, *(["as cited by others"] if norm.second_hand else [])),
        )
        for drill, norm in found
    ]
    caption = (
        "Means (\u00b1 standard deviation between people, where it is known) in the same position, moved in the same way."
        if several
        else Sentence(
            "{title}: means (\u00b1 standard deviation between people, where it is known) in the same position, moved in the "
            "same way.",
            title=title_of(found[0][0]),
        )
    )
    header = (*(["drill"] if several else []), "direction", "mean", "who", "how", "source")
    about = "No target and no diagnosis: other people, measured with other instruments. Nothing in this report is judged by them."
    return [Part("Published values of other people", (Text(about), Table(caption, header, tuple(rows), wordy=True)), boxed=True)]
