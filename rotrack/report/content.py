"""What stands in the report: texts, tables and figures in their order, the same for the page and for the PDF."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from rotrack.drills import TIERS, load_table
from rotrack.model import Direction, Side
from rotrack.progress.change import FLAGGED_DEG, Change, Progress, Sides, Verdict
from rotrack.progress.statistics import BASELINE_SESSIONS, PUBLISHED_SEM_DEG, SLOPE_SESSIONS, STATED_SHARE
from rotrack.records.norms import norms_for
from rotrack.records.session import BEST_OF, FIRST, best_of
from rotrack.report.sentences import MONTHS, day, three_sentences, title_of
from rotrack.ui.progress_figures import faults_figure, progress_figure, repetitions_figure, sides_figure
from rotrack.ui.words import amount, is_index, times, unit

NONE = "\u2013"
MADE_UP = "made up"
BANNER = "Made-up numbers, to try rotrack with: nobody was measured, and this person does not exist."


# ---------------------------------------------------------------------- what a report is made of
@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Words with their explanations."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Parameters
    ----------
    caption : str
        What it shows.
    header : tuple of str
        One heading per column; the first column names the rows.
    rows : tuple of tuple of str
        Cells.
    strong : frozenset of int
        Numbers of the rows that are to be seen first.
    wordy : bool
        Whether it holds words rather than columns of numbers; where the screen is narrow it then stands as a list.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    wordy: bool = False


@dataclass(frozen=True, slots=True)
class Charts:
    """Figures that stand beside each other, two in a row or, if `wide`, one.

    Parameters
    ----------
    caption : str
        How they are to be read.
    figures : tuple of (str, plotly.graph_objects.Figure)
        Each with what it shows, in words, for those who do not see it; the numbers are in the table that follows.
    """

    caption: str
    figures: tuple[tuple[str, go.Figure], ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with what belongs to it; `boxed` sets it apart, `new_page` begins a page on paper."""

    title: str
    blocks: tuple[Text | Terms | Table | Charts, ...]
    boxed: bool = False
    new_page: bool = False
    level: int = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one person.

    Parameters
    ----------
    person : str
        Whose.
    subtitle : str
        From when to when, how many sessions.
    banner : str
        What must be known before anything else; empty if nothing.
    sentences : tuple of str
        The three sentences.
    parts : tuple of Part
        In their order, method and limits last.
    made_on : date
        When it was written.
    version : str
        Of rotrack.
    """

    person: str
    subtitle: str
    banner: str
    sentences: tuple[str, str, str]
    parts: tuple[Part, ...]
    made_on: date
    version: str

    @property
    def title(self) -> str:
        """Its heading."""
        return f"Hip rotation of {self.person}"


def make_report(progress: Progress, person: str, made_on: date, version: str) -> Report:
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
    """
    drills = _drills(progress.changes)
    parts = [_overview(progress)] if progress.changes else []
    for drill in drills:
        parts += _drill_parts(progress, drill, f"{title_of(drill)}: " if len(drills) > 1 else "")
    parts += _norms(drills)
    made_up = person.endswith(f"({MADE_UP})") or progress.reps.note.str.startswith(MADE_UP).any()
    return Report(
        person, _subtitle(progress), BANNER if made_up else "", three_sentences(progress), (*parts, _method(progress, version)),
        made_on, version,
    )  # fmt: skip


def _subtitle(progress: Progress) -> str:
    days = sorted(datetime.fromisoformat(text).date() for text in set(progress.reps.started_at))
    if not days:
        return "No session that can be compared"
    count = times(progress.reps.session_id.nunique(), "session")
    return f"{count}, {day(days[0])}" + (f" to {day(days[-1])}" if days[-1] != days[0] else "")


# ---------------------------------------------------------------------- words
def _ordered(changes: Iterable[Change]) -> list[Change]:
    """Return changes with left and right of a direction beside each other, internal rotation first."""
    return sorted(changes, key=lambda change: (list(Direction).index(change.direction), list(Side).index(change.side)))


def _drills(changes: Iterable[Change]) -> list[str]:
    """Return the drills, those with the most sessions first."""
    most: dict[str, int] = {}
    for change in changes:
        most[change.drill] = max(most.get(change.drill, 0), len(change.points))
    return sorted(most, key=lambda drill: (-most[drill], drill))


def _leg(change: Change) -> str:
    return f"{change.side}, {change.direction}"


def _signed(value: float, error: float, tier: str) -> str:
    """Return a change with its error: `+7.6 ± 6.3°`."""
    if not math.isfinite(value):
        return NONE
    sign = "+" if value >= 0 else "\u2212"
    return f"{sign}{abs(value):.1f} \u00b1 {error:.1f}{unit(tier)}"


def _plain(value: float, tier: str) -> str:
    return f"{value:.1f}{unit(tier)}" if math.isfinite(value) else NONE


def _short(when: datetime | date) -> str:
    return f"{when.day} {MONTHS[when.month - 1][:3]} {when.year}"


def _headed(which: str, title: str) -> str:
    return f"{which}{title[:1].lower()}{title[1:]}" if which else title


# ---------------------------------------------------------------------- all ranges on one page
def _overview(progress: Progress) -> Part:
    about = (
        f"Baseline is the mean of the first {BASELINE_SESSIONS} sessions; \u00b1 is the error to expect (95 %). Sizes without "
        "signs: more range is a larger number, inwards (internal) and outwards (external)."
    )
    tables = (_change_table(drill, _of(progress.changes, drill)) for drill in _drills(progress.changes))
    return Part("What has changed", (Text(about), *tables, Terms(_READING)))


def _change_table(drill: str, changes: Sequence[Change]) -> Table:
    rows = tuple(
        (
            _leg(change),
            str(len(change.points)),
            _plain(change.baseline_deg, change.tier),
            amount(change.latest_deg, change.points[-1].uncertainty_deg, change.tier),
            _signed(change.change_deg, change.error_deg, change.tier),
            str(change.verdict),
        )
        for change in changes
    )
    strong = frozenset(n for n, change in enumerate(changes) if change.verdict is Verdict.REAL)
    header = ("leg, direction", "sessions", "baseline", "latest", "change", "what may be said")
    return Table(f"{title_of(drill)}.", header, rows, strong, wordy=True)


_READING = (
    (
        "How to read it",
        "No measurement is exact. A camera, like a goniometer, gives a slightly different number each time, although nothing has "
        "changed. A difference is called a real change only if it is larger than that.",
    ),
    (
        "If it says \u201cwithin measurement error\u201d",
        "That does not mean that nothing has changed, only that it cannot be told yet. More sessions of the same kind show how "
        "large your own error is.",
    ),
    (
        "Like with like",
        "Measure in the same drill, with the same camera in the same place, at the same time of day, and warmed up alike.",
    ),
)


def _of(changes: Iterable[Change], drill: str) -> list[Change]:
    return _ordered(change for change in changes if change.drill == drill)


# ---------------------------------------------------------------------- one drill
def _drill_parts(progress: Progress, drill: str, which: str) -> Iterator[Part]:
    """Yield what there is of a drill; `which` names it in the headings of the pages that follow its first one."""
    changes = _of(progress.changes, drill)
    readings = progress.readings[progress.readings.drill == drill]
    how = (
        "Each mark is one session with its own error (95 %). The dashed line is the baseline; a latest value outside the band is "
        "a real change."
    )
    if len(readings):
        how += " Marks of other instruments stand apart and enter no number of rotrack."
    figures = tuple(
        (
            _alt(change),
            progress_figure(change, readings, [c for c in changes if c.direction == change.direction and c is not change]),
        )
        for change in changes
    )
    blocks: list[Text | Terms | Table | Charts] = [
        Text(_about(drill, changes)),
        Charts(how, figures),
        _session_table(changes),
        *([_reading_table(readings, changes)] if len(readings) else []),
    ]
    yield Part(title_of(drill), tuple(blocks), new_page=True)
    yield from _latest_parts(progress, changes, which)
    yield _sides_part([one for one in progress.sides if one.drill == drill], changes, which)
    yield _faults_part(progress.reps[progress.reps.drill == drill], drill, which)


def _about(drill: str, changes: Sequence[Change]) -> str:
    """Return what the numbers of a drill are."""
    known, tier = load_table().drills.get(drill), changes[0].tier
    if is_index(tier):
        return f"The numbers are {TIERS[tier]} (tier {tier})."
    return f"The numbers are {known.measured if known else 'rotation'} (tier {tier}: {TIERS.get(tier, 'not known')})."


def _trend(change: Change) -> str:
    slope = change.slope
    if not math.isfinite(slope.per_month_deg):
        return NONE
    return f"{_number(slope.per_month_deg, '+')}{unit(change.tier)} ({_number(slope.low_deg)} to {_number(slope.high_deg)})"


def _number(value: float, plus: str = "") -> str:
    return f"{round(value, 1) + 0.0:{plus}.1f}".replace("-", "\u2212")  # no -0.0


def _alt(change: Change) -> str:
    """Return in words what a chart of progress shows."""
    first = change.points[0]
    return (
        f"{change.side} leg, {change.direction} rotation, {times(len(change.points), 'session')}: "
        f"{amount(first.size_deg, first.uncertainty_deg, change.tier)} on {day(first.started_at)}, latest "
        f"{amount(change.latest_deg, change.points[-1].uncertainty_deg, change.tier)}; {change.verdict}. "
        "The table that follows has every value."
    )


def _session_table(changes: Sequence[Change]) -> Table:
    starts = {point.session_id: point.started_at for change in changes for point in change.points}
    cells = [
        {point.session_id: amount(point.size_deg, point.uncertainty_deg, change.tier) for point in change.points}
        for change in changes
    ]
    rows = tuple(
        (_short(starts[name]), *(column.get(name, NONE) for column in cells)) for name in sorted(starts, key=lambda n: starts[n])
    )
    caption = f"The value of each session: mean of the best {BEST_OF} of the first {FIRST} valid repetitions."
    if any(math.isfinite(change.slope.per_month_deg) for change in changes):
        rows += (("trend a month", *(_trend(change) for change in changes)),)
        caption += " Last, how fast they grow, with the 95 % interval."
    return Table(caption, ("session", *(_leg(change) for change in changes)), rows)


def _reading_table(readings: pd.DataFrame, changes: Sequence[Change]) -> Table:
    columns = [(str(change.side), str(change.direction)) for change in changes]
    columns += sorted(set(zip(readings.side, readings.direction, strict=True)) - set(columns))  # what only they have
    rows = []
    for (taken, tool, rater), own in readings.groupby(["date", "instrument", "rater"], sort=True):
        cells = []
        for side, direction in columns:
            read = own.value_deg[(own.side == side) & (own.direction == direction)]
            cells.append(", ".join(_plain(value, changes[0].tier) for value in read) or NONE)
        rows.append((_short(date.fromisoformat(taken)), f"{tool}, {rater}" if rater else tool, *cells))
    header = ("day", "instrument, by", *(f"{side}, {direction}" for side, direction in columns))
    return Table("What other instruments read. These are not rotrack's numbers.", header, tuple(rows))


# ---------------------------------------------------------------------- the latest session
def _latest_parts(progress: Progress, changes: Sequence[Change], which: str) -> Iterator[Part]:
    """Yield the repetitions of the latest session; of several where the legs were last measured in different ones."""
    for session_id in dict.fromkeys(change.points[-1].session_id for change in changes):
        own = [change for change in changes if change.points[-1].session_id == session_id]
        tables = [_repetitions(progress.reps, change) for change in own]
        used = [{rep.rep for rep in best_of(list(table.itertuples()))} for table in tables]
        figures = tuple(
            (
                f"Repetitions of the {change.side} leg, {change.direction}; the table that follows has every one.",
                repetitions_figure(change, table, best, tables),
            )
            for change, table, best in zip(own, tables, used, strict=True)
        )
        caption = (
            f"The best {BEST_OF} of the first {FIRST} valid repetitions (full bars) give the value (line) and its error (band)."
        )
        yield Part(
            _headed(which, f"Latest session, {day(own[0].points[-1].started_at)}"),
            (Charts(caption, figures), _repetition_table(own, tables, used)),
            level=3,
        )


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
    return Table("Every repetition of that session.", ("repetition", *(_leg(change) for change in changes)), rows)


def _repetition_words(rep: Any, tier: str, best: bool) -> str:
    state = "best" if best else "taken out" if rep.dropped else "" if rep.valid else rep.reason or "not valid"
    return ", ".join(filter(None, [amount(rep.peak_deg, rep.uncertainty_deg, tier), state]))


# ---------------------------------------------------------------------- left against right
def _sides_part(sides: Sequence[Sides], changes: Sequence[Change], which: str) -> Part:
    title = _headed(which, "Left against right")
    legs = sorted({change.side for change in changes})
    if not sides:
        why = f"Only the {legs[0]} leg was measured." if len(legs) == 1 else "Nothing was measured alike on both legs."
        return Part(title, (Text(why),), level=3)
    sides = sorted(sides, key=lambda one: list(Direction).index(one.direction))
    rows = tuple(
        (
            str(one.direction),
            _plain(one.left_deg, one.tier),
            _plain(one.right_deg, one.tier),
            f"{abs(one.difference_deg):.1f} \u00b1 {one.error_deg:.1f}{unit(one.tier)}",
            _sides_words(one),
        )
        for one in sides
    )
    caption = "The latest values of both legs from one session where there is one. The error of the difference comes from both."
    alt = "Left against right: " + "; ".join(f"{row[0]}, difference {row[3]}, {row[4]}" for row in rows) + "."
    figure = sides_figure(sides, FLAGGED_DEG)
    table = Table(caption, ("direction", "left", "right", "difference", "what may be said"), rows, wordy=True)
    how = "The mark is the difference, the line its error (95 %). A line that crosses the middle may be measurement error."
    return Part(title, (Charts(how, ((alt, figure),), wide=True), table), level=3)


def _sides_words(one: Sides) -> str:
    if not one.clear:
        return "within measurement error"
    larger = "left" if one.difference_deg > 0 else "right"
    return f"{larger} is larger" + (f", clear and above {FLAGGED_DEG:.0f}\u00b0" if one.flagged else ", more than the error")


# ---------------------------------------------------------------------- faults
def _faults_part(reps: pd.DataFrame, drill: str, which: str) -> Part:
    title, table = _headed(which, "Faults over time"), load_table()
    known = table.drills.get(drill)
    watched = [fault for fault in table.faults.values() if known and known.watches(fault)]
    reps = reps[~reps.dropped]
    shares = _fault_shares(reps)
    titles = {fault.letter: fault.title for fault in table.faults.values() if fault.letter in set(shares.fault)}
    if not titles:
        seen = ", ".join(fault.title.lower() for fault in watched)
        words = f"None was seen. rotrack looked for: {seen}." if watched else "rotrack looks for no fault in this drill."
        return Part(title, (Text(words),), level=3)
    shares = shares[shares.fault.isin(list(titles))]
    rows = []
    for started_at, own in shares.groupby("started_at", sort=True):
        found = {(r.side, r.fault): f"{100 * r.share:.0f} %" for r in own.itertuples()}
        cells = [" / ".join(found.get((str(side), letter), NONE) for side in Side) for letter in titles]
        rows.append((_short(started_at), *cells))
    caption = "Share of the repetitions with each fault, left leg / right leg. What was taken out does not count."
    header = ("session", *(f"{name} ({letter})" for letter, name in titles.items()))
    alt = f"Share of repetitions with a fault in each session: {', '.join(titles.values()).lower()}; see the table that follows."
    units = {"deg": "\u00b0"}
    limits = ", ".join(f"{f.letter} over {f.limit:g}{units.get(f.unit, f' {f.unit}')}" for f in watched if f.letter in titles)
    charts = Charts(f"When a fault counts: {limits}." if limits else "", ((alt, faults_figure(shares, titles)),), wide=True)
    return Part(title, (charts, Table(caption, header, tuple(rows))), level=3)


def _fault_shares(reps: pd.DataFrame) -> pd.DataFrame:
    """Return the share of repetitions with each fault that occurs at all, per session and side."""
    letters = sorted({letter for faults in reps.faults for letter in faults.split()})
    rows = [
        (datetime.fromisoformat(started_at), side, letter, sum(letter in faults.split() for faults in own.faults) / len(own))
        for (_, started_at, side), own in reps.groupby(["session_id", "started_at", "side"], sort=False)
        for letter in letters
    ]
    return pd.DataFrame(rows, columns=["started_at", "side", "fault", "share"])


# ---------------------------------------------------------------------- others
def _norms(drills: Iterable[str]) -> list[Part]:
    table = load_table().drills
    found = [
        (drill, norm)
        for drill in drills
        if drill in table and not is_index(table[drill].tier)
        for norm in sorted(norms_for(drill), key=lambda norm: (norm.source, list(Direction).index(norm.direction)))
    ]
    if not found:
        return []
    several = len({drill for drill, _ in found}) > 1
    rows = [
        (
            *([title_of(drill)] if several else []),
            str(norm.direction),
            amount(norm.value_deg, norm.sd_deg, "A"),
            norm.population,
            f"{norm.position}, {norm.motion or 'active or passive not known'}",
            norm.source,
        )
        for drill, norm in found
    ]
    caption = "Means (\u00b1 standard deviation between people, where it is known) in the same position."
    if not several:
        caption = f"{title_of(found[0][0])}: {caption[:1].lower()}{caption[1:]}"
    header = (*(["drill"] if several else []), "direction", "mean", "who", "how", "source")
    about = "No target and no diagnosis: other people, measured with other instruments. Nothing in this report is judged by them."
    return [Part("What others were found to have", (Text(about), Table(caption, header, tuple(rows), wordy=True)), boxed=True)]


# ---------------------------------------------------------------------- method and limits
def _method(progress: Progress, version: str) -> Part:
    blocks: list[Text | Terms | Table | Charts] = [Terms(tuple(_explanations()))]
    if progress.changes:
        blocks.append(_error_table(progress.changes))
    blocks.append(Terms((("What was left out", _left_out(progress)), ("Made with", _made_with(progress.reps, version)))))
    return Part("Method and limits", tuple(blocks), new_page=True)


def _explanations() -> Iterator[tuple[str, str]]:
    yield (
        "How it is measured",
        "With one ordinary camera. A pose model finds the joints in each picture; a model of the leg turns them into the "
        "rotation of the thigh. Zero is the pose in which you held still at the start. Left and right are your own sides.",
    )
    yield (
        "Session value",
        f"Mean peak of the best {BEST_OF} of the first {FIRST} valid repetitions that were not taken out, so that more "
        "repetitions do not make it larger. Its \u00b1 is the error to expect (95 %), the mean of theirs.",
    )
    yield (
        "Measurement error",
        "SEM is how much session values differ although nothing has changed: your own spread about your trend, together with a "
        f"published {PUBLISHED_SEM_DEG:.1f}\u00b0 (or {STATED_SHARE:g} of the error that the values state of themselves, if that "
        "is more) until yours is known well. MDC95 = 1.96 \u00b7 \u221a2 \u00b7 SEM. The band in the charts is MDC95, or the "
        "error of the change itself where that is larger.",
    )
    yield (
        "What may be said",
        f"{_capital(Verdict.REAL)}: the latest value is outside the band. {_capital(Verdict.PROBABLE)}: outside the same band at "
        f"90 %. {_capital(Verdict.WITHIN)}: inside both. {_capital(Verdict.NOT_ENOUGH)}: fewer than {BASELINE_SESSIONS + 1} that "
        f"are alike. A trend is told from {SLOPE_SESSIONS} sessions on. Where nothing has changed, up to one value in twenty "
        "still falls outside the band by chance.",
    )
    yield (
        "Left against right",
        "The difference with the error of both. It is pointed out if it is larger than its error and above "
        f"{FLAGGED_DEG:.0f}\u00b0; that is no diagnosis.",
    )
    yield (
        "Limits",
        "Not a medical device; this report never diagnoses. The stated errors were found on rendered people, whose true angles "
        "are known: that proves signs, timing and geometry, not the accuracy on you. Loose skin, clothes and cluttered rooms "
        "make errors larger. Formulas and sources: docs/progress.md and docs/accuracy.md of rotrack.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _error_table(changes: Sequence[Change]) -> Table:
    drills = _drills(changes)
    several = len(drills) > 1
    rows = tuple(
        (
            *([title_of(c.drill)] if several else []),
            _leg(c),
            _plain(c.spread.sem_deg, c.tier),
            f"{_plain(c.spread.own_deg, c.tier)} ({c.spread.own_df:.0f})",
            _plain(c.spread.mdc95_deg, c.tier),
            _plain(c.real_from_deg, c.tier),
        )
        for drill in drills
        for c in _of(changes, drill)
    )
    header = (*(["drill"] if several else []), "leg, direction", "SEM", "own spread (degrees of freedom)", "MDC95", "band")
    return Table("Measurement error of each range.", header, rows)


def _left_out(progress: Progress) -> str:
    """Return in words what was not compared."""
    found: dict[tuple[str, str], int] = {}
    for change in progress.changes:
        for one in change.left_out:
            key = (change.drill, one.reason)
            found[key] = max(found.get(key, 0), one.sessions)
    words = [
        f"{times(n, 'session')} of \u201c{title_of(drill)}\u201d, {reason}: not alike." for (drill, reason), n in found.items()
    ]
    alone = int((~progress.readings.drill.isin(_drills(progress.changes))).sum())
    if alone:
        words.append(f"{times(alone, 'reading')} of other instruments, in drills of which there is no value to stand beside.")
    words += [*progress.notes, *progress.problems]
    like = "Only like is compared with like: same drill, leg, direction, zero, calibration and versions."
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
