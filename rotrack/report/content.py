"""What stands in the report: texts, tables and figures in their order, the same for the page and for the PDF."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rotrack.charts.progress import faults_figure, progress_figure, repetitions_figure, sides_figure
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError
from rotrack.core.model import Direction, Side
from rotrack.core.tiers import Tier
from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict
from rotrack.progress.rule import BASELINE_DAYS, MOST_BASELINE_DAYS, NOW_DAYS
from rotrack.progress.sample import NOTE, PERSON
from rotrack.progress.wording import arc_words, turnout_words, verdict_words
from rotrack.records.history import only as sessions_of
from rotrack.records.norms import norms_for
from rotrack.records.people import Goal, goal_deg
from rotrack.records.session import WAY, Session, best_of, said_of
from rotrack.report.document import NONE, Charts, Part, Report, Table, Terms, Text
from rotrack.report.method import method
from rotrack.report.sentences import three_sentences
from rotrack.report.wording import EVERYTHING, Only, day, drills_of, leg, of_drill, plain, short_day, signed, title_of
from rotrack.system.imports import when_used
from rotrack.system.inputs import name_key
from rotrack.texts import Texts
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
        parts += _drill_parts(progress, drill, f"{title_of(drill)}: " if len(drills) > 1 else "", goals)
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
        raise InputError(f"{person} has no session of the drill {only.drill}; there are sessions of {drills}.")
    latest = max(session.started_at.date() for session in own)
    if only.since and latest < only.since:
        which = " of this drill" if only.drill else ""
        raise InputError(f"{person} has no session{which}{only.since_words}; the latest is of {day(latest)}.")


def _banner(reps: pd.DataFrame, person: str) -> str:
    """Return what to know first: whether the sessions, or some of them, are of the made-up sample."""
    of_sample = (reps.note == NOTE) & (name_key(person) == name_key(PERSON))
    if of_sample.all():
        return BANNER if len(reps) else ""
    count = reps.session_id[of_sample].nunique()
    return f"{count} of these {reps.session_id.nunique()} sessions are made up, for trying rotrack." if count else ""


def _subtitle(progress: Progress, only: Only) -> str:
    """Return from when to when, how many sessions, and to what they were narrowed down."""
    return " \u00b7 ".join(filter(None, [_when(progress), only.words]))


def _when(progress: Progress) -> str:
    days = sorted(datetime.fromisoformat(text).date() for text in set(progress.reps.started_at))
    if not days:
        return "No session that can be compared"
    count = times(progress.reps.session_id.nunique(), "session")
    return f"{count}, {day(days[0])}" + (f" to {day(days[-1])}" if days[-1] != days[0] else "")


# ---------------------------------------------------------------------- words
def _with_error(value: float, error: float, tier: Tier) -> str:
    """Return a change with its error: `+7.6 ± 6.3°`."""
    return f"{signed(value)} \u00b1 {error:.1f}{tier.unit}" if math.isfinite(value) else NONE


def _headed(which: str, title: str) -> str:
    return f"{which}{title[:1].lower()}{title[1:]}" if which else title


# ---------------------------------------------------------------------- all ranges on one page
def _overview(progress: Progress, only: Only) -> Part:
    about = (
        f"Baseline is the mean of the first {BASELINE_DAYS} to {MOST_BASELINE_DAYS} days{only.since_words}, now the mean of the "
        f"latest {NOW_DAYS}. The error of the change (95 %) stands beside it. A change is called real if it is "
        "larger than \u201creal from\u201d, or if all days climb or fall steadily (last page). A larger number means "
        "more range, both inwards (internal) and outwards (external)."
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
            verdict_words(change, Texts()),
        )
        for change in changes
    )
    strong = frozenset(n for n, change in enumerate(changes) if change.verdict is Verdict.REAL)
    header = ("leg, direction", "sessions", "baseline", "now", "change", "real from", "verdict")
    return Table(f"{title_of(drill)}.", header, rows, strong, wordy=True)


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
        how += " Readings of other instruments have marks of their own and enter no number of rotrack."
    if any(change.left_out for change in changes):
        how += (
            " Small grey marks are sessions that were done or measured in another way and are not compared; a table lists them."
        )
    wanted = _goals_words(changes, goals)
    if wanted:
        how += " The dotted line is the person\u2019s goal."
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
        Charts(how, figures),
        _session_table(changes),
        *_apart_table(changes),
        *([_reading_table(readings, changes)] if len(readings) else []),
    ]
    yield Part(title_of(drill), tuple(blocks), new_page=True)
    yield from _latest_parts(progress, changes, which)
    yield _sides_part([one for one in progress.sides if one.drill == drill], changes, which)
    yield _faults_part(progress.reps[progress.reps.drill == drill], drill, which)


def _how_to_read(changes: Sequence[Change]) -> str:
    """Return what the marks, lines and bands of a drill's charts are; of a band only where there is one."""
    parts = ["Each mark is one session with its own error (95 %)."]
    if any(math.isfinite(change.baseline_deg) for change in changes):
        parts.append("The dashed line is the baseline.")
    banded = [math.isfinite(change.real_from_deg) for change in changes]
    if any(banded):
        parts.append("The short line is the mean of the latest days; outside the band it is a real change, as is a steady trend.")
    if not all(banded):
        which = "Where there is no band" if any(banded) else "There is no band of measurement error"
        why = "there are too few sessions yet" if any(banded) else f"yet: it takes {BASELINE_DAYS + 1} days that are alike"
        parts.append(f"{which}, {why}." if any(banded) else f"{which} {why}.")
    return " ".join(parts)


def _about(drill: str, changes: Sequence[Change]) -> str:
    """Return what the numbers of a drill are."""
    known, tier = load_table().drills.get(drill), changes[0].tier
    if tier.is_index:
        return f"The numbers are {tier.meaning} (tier {tier})."
    return f"The numbers are {known.measured if known else 'rotation'} (tier {tier}: {tier.meaning or 'not known'})."


def _ways(changes: Sequence[Change]) -> Iterator[Terms]:
    """Yield how the compared sessions were done."""
    ways = dict.fromkeys(tuple(said_of(name, change.kind[name]) for name in WAY) for change in changes if change.kind)
    if ways:
        yield Terms((("Sessions compared here", "; ".join(", ".join(way) for way in ways)),))


def _goals_words(changes: Sequence[Change], goals: Sequence[Goal]) -> str:
    """Return the goals of a drill, each beside the latest value; empty without one."""
    words = []
    for change in changes:
        wanted_deg = goal_deg(goals, change.drill, change.side, change.direction)
        if math.isfinite(wanted_deg) and change.tier.in_degrees:
            latest = amount(change.latest_deg, change.points[-1].uncertainty_deg, change.tier)
            words.append(f"{leg(change)} {wanted_deg:g}{change.tier.unit} (latest session {latest})")
    return f"Goals that were noted: {'; '.join(words)}." if words else ""


def _trend(change: Change) -> str:
    slope = change.slope
    if not math.isfinite(slope.per_month_deg):
        return NONE
    return f"{signed(slope.per_month_deg)}{change.tier.unit} ({signed(slope.low_deg, '')} to {signed(slope.high_deg, '')})"


def _alt(change: Change) -> str:
    """Return in words what a chart of progress shows."""
    first = change.points[0]
    return (
        f"{change.side} leg, {change.direction} rotation, {times(len(change.points), 'session')}: "
        f"{amount(first.size_deg, first.uncertainty_deg, change.tier)} on {day(first.started_at)}, latest "
        f"{amount(change.latest_deg, change.points[-1].uncertainty_deg, change.tier)}; {verdict_words(change, Texts())}. "
        "The table that follows has every value."
    )


def _rules(changes: Sequence[Change]) -> str:
    """Return which repetitions make the values, in words."""
    return " or of ".join(dict.fromkeys(change.rule.words for change in changes))


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
    caption = f"The value of each session: mean of {_rules(changes)}."
    if any(math.isfinite(change.slope.per_month_deg) for change in changes):
        rows += (("trend a month", *(_trend(change) for change in changes)),)
        caption += " The last line says how fast the values grow, with the 95 % interval."
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
            cells.append(", ".join(plain(value, changes[0].tier) for value in read) or NONE)
        rows.append((short_day(date.fromisoformat(taken)), f"{tool}, {rater}" if rater else tool, *cells))
    header = ("day", "instrument, read by", *(f"{side}, {direction}" for side, direction in columns))
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
                f"Repetitions of the {change.side} leg, {change.direction}; the table that follows has every one.",
                repetitions_figure(change, table, best, tables),
            )
            for change, table, best in zip(own, tables, used, strict=True)
        )
        caption = f"Full bars give the value (line) and its error (band): the mean of {_rules(own)}."
        yield Part(
            _headed(which, f"Latest session, {day(own[0].points[-1].started_at)}"),
            (Charts(caption, figures), _repetition_table(own, tables, used), *_arcs(progress.sessions, session_id)),
            level=3,
        )


def _arcs(sessions: Sequence[Session], session_id: str) -> Iterator[Text]:
    """Yield what both directions of each leg come to in a session, and what both legs do that are turned out at once."""
    t = Texts()
    for session in sessions:
        arcs = session.arcs if session.id == session_id else []
        if arcs:
            words = "; ".join(arc_words(arc, session.record.tier, t) for arc in arcs)
            yield Text(f"{t('result.arc_heading')}. {words[:1].upper()}{words[1:]}.")
        if session.id == session_id and session.turnout:
            yield Text(f"{turnout_words(session.turnout, session.record.tier, t)}.")


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
    state = "best" if best else "left out" if rep.dropped else "" if rep.valid else Texts().reason(rep.reason) or "not valid"
    return ", ".join(filter(None, [amount(rep.peak_deg, rep.uncertainty_deg, tier), speed(rep.speed_deg_s, tier), state]))


# ---------------------------------------------------------------------- left against right
def _sides_part(sides: Sequence[Sides], changes: Sequence[Change], which: str) -> Part:
    title = _headed(which, "Left against right")
    legs = sorted({change.side for change in changes})
    if not sides:
        why = (
            f"Only the {legs[0]} leg was measured."
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
            f"{abs(one.difference_deg):.1f} \u00b1 {one.error_deg:.1f}{one.tier.unit}",
            _sides_words(one),
        )
        for one in sides
    )
    caption = (
        f"Means of the latest {NOW_DAYS} sessions that have both legs, if there are that many. Its error comes from both values."
    )
    alt = "Left against right: " + "; ".join(f"{row[0]}, difference {row[3]}, {row[4]}" for row in rows) + "."
    figure = sides_figure(sides, FLAGGED_DEG)
    table = Table(caption, ("direction", "left", "right", "difference", "verdict"), rows, wordy=True)
    how = "The mark is the difference, the line its error (95 %). If the line crosses the middle, it may be measurement error."
    return Part(title, (Charts(how, ((alt, figure),), wide=True), table), level=3)


def _sides_words(one: Sides) -> str:
    larger = "left" if one.difference_deg > 0 else "right"
    if not one.clear:
        return f"{larger} is larger, to be confirmed" if one.unconfirmed else "within measurement error"
    return f"{larger} is really larger" + (f", by more than {FLAGGED_DEG:.0f}\u00b0" if one.flagged else "")


# ---------------------------------------------------------------------- faults
def _faults_part(reps: pd.DataFrame, drill: str, which: str) -> Part:
    title, table = _headed(which, "Faults over time"), load_table()
    known = table.drills.get(drill)
    watched = table.faults_of(known)[0] if known else []
    reps = reps[~reps.dropped]
    shares = _fault_shares(reps)
    titles = {fault.letter: fault.title for fault in table.faults.values() if fault.letter in set(shares.fault)}
    if not titles:
        seen = ", ".join(fault.title.lower() for fault in watched)
        words = f"No fault was seen. rotrack looked for: {seen}." if watched else "rotrack looks for no fault in this drill."
        return Part(title, (Text(words),), level=3)
    shares = shares[shares.fault.isin(list(titles))]
    rows, sessions = [], shares.groupby("started_at", sort=True)
    for started_at, own in sessions:
        if not own.share.any():
            continue
        found = {(r.side, r.fault): f"{100 * r.share:.0f} %" for r in own.itertuples()}
        cells = [" / ".join(found.get((str(side), letter), NONE) for side in Side) for letter in titles]
        rows.append((short_day(started_at), *cells))
    caption = (
        "Share of the repetitions with each fault, left leg / right leg. Repetitions that were left out do not count. "
        f"Only sessions in which a fault occurred are listed: {len(rows)} of {len(sessions)}."
    )
    header = ("session", *(f"{name} ({letter})" for letter, name in titles.items()))
    alt = f"Share of repetitions with a fault in each session: {', '.join(titles.values()).lower()}; see the table that follows."
    units = {"deg": "\u00b0"}
    over = [(f, f.limits[known.posture]) for f in watched if f.letter in titles] if known else []
    limits = ", ".join(f"{f.letter} over {limit:g}{units.get(f.unit, f' {f.unit}')}" for f, limit in over)
    charts = Charts(f"When a fault counts: {limits}." if limits else "", ((alt, faults_figure(shares, titles)),), wide=True)
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
            f"{norm.position}, {norm.motion}",
            f"{norm.source}, {norm.journal}" + (", as cited by others" if norm.second_hand else ""),
        )
        for drill, norm in found
    ]
    caption = "Means (\u00b1 standard deviation between people, where it is known) in the same position, moved in the same way."
    if not several:
        caption = f"{title_of(found[0][0])}: {caption[:1].lower()}{caption[1:]}"
    header = (*(["drill"] if several else []), "direction", "mean", "who", "how", "source")
    about = "No target and no diagnosis: other people, measured with other instruments. Nothing in this report is judged by them."
    return [Part("Published values of other people", (Text(about), Table(caption, header, tuple(rows), wordy=True)), boxed=True)]
