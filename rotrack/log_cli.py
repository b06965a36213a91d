"""The commands about what was logged: history, show, drop, note, delete; how a session is printed; what other commands share."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from math import isfinite
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rotrack.app.compared import change_words, last_time_words, norm_words, sides_words
from rotrack.app.names import meant
from rotrack.app.texts import Texts
from rotrack.drills import TIERS, load_table
from rotrack.errors import InputError, RecordError
from rotrack.files import check_free, write_for_person
from rotrack.housekeeping import delete_person, stored_of
from rotrack.inputs import name_key
from rotrack.model import Direction, Rep, Side
from rotrack.progress.compare import difference, earlier_values, left_against_right, spreads_of
from rotrack.records.changes import PLOT, delete_session, describe_session, drop_rep
from rotrack.records.compare import held, legs_of
from rotrack.records.folders import data_folder
from rotrack.records.history import history_csv, newest, only, people, table_of
from rotrack.records.norms import norms_for
from rotrack.records.people import tidy
from rotrack.records.record import SessionRecord
from rotrack.records.session import Session, SessionValue, load_session
from rotrack.records.store import CHECKSUM, find_session, read_sessions, session_folder
from rotrack.records.table import refresh_table
from rotrack.ui.figures import session_figure, write_html
from rotrack.ui.words import COUNTED, INDEX, amount, is_counted, is_index, seconds, times, to_json

MOST_NAMES = 20
"""So many names are listed at most."""
MOST_PROBLEMS = 20
"""Of more problems than this the first are named."""
SHORT_ID = len("20260131-080000")
"""Ids are shortened to date and time where that says which session is meant."""

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)

OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Data folder; default: ROTRACK_HOME or the system's own place for data."),
]
SessionArgument = Annotated[
    str,
    typer.Argument(
        help="Its id, the beginning of its id, its folder, or last: the latest one. `rotrack history` lists them.",
        metavar="SESSION",
    ),
]
PersonFilter = Annotated[str | None, typer.Option("--person", "-p", help="Only this person; case and blanks do not matter.")]
DrillFilter = Annotated[str | None, typer.Option("--drill", "-d", help="Only this drill.")]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        help="Only from this day on; the first three from then are the baseline.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


# ---------------------------------------------------------------------- what commands share
def opened(out: Path | None) -> Path:
    """Return the data folder, brought up to date: what an earlier version wrote is taken over, the table is made anew if need be.

    What there is to say of that is printed. Every command that reads the log begins with this.

    Raises
    ------
    RecordError
        If something else than a folder is there.
    """
    data = data_folder(out)
    first = data.is_dir() and not (data / CHECKSUM).exists()
    with _err.status("Taking over the log of an earlier version ...") if first else nullcontext():
        notes = refresh_table(data)
    say_notes(notes)
    return data


def say_notes(notes: Iterable[str]) -> None:
    """Print what to know besides, beside the output of the command."""
    for text in notes:
        _err.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)


def whose(data: Path, person: str | None) -> str | None:
    """Return the name, as it is kept, of the person who is asked for; None is anybody.

    Another spelling of a known name is told; a name that nobody has stays as it is, see `nobody`.
    """
    if person is None:
        return None
    found = meant(data, person)
    if found.known and name_key(found.name) == name_key(person) and found.name != tidy(person):
        _err.print(f"Did you mean {escape(found.name)}? Showing {escape(found.name)}.", soft_wrap=True)
    return found.name


def nobody(data: Path, person: str) -> str:
    """Return a sentence about a name of which there is no session: who may be meant, or who is known."""
    found = meant(data, person)
    if found.known:
        return f"No session of {found.name or 'nobody in particular'} is logged yet."
    if found.similar:
        return f"There is nobody called '{found.name}'; did you mean {found.similar}? Then use --person {quote(found.similar)}."
    names = people(data)
    more = ", ..." if len(names) > MOST_NAMES else ""
    known = f"In the log: {', '.join(names[:MOST_NAMES])}{more}." if names else "No name is in the log yet."
    return f"There is nobody called '{found.name}'. {known}"


def name_to_log(data: Path, person: str) -> str:
    """Return the name under which somebody is to be measured.

    A known person's name is returned as it is kept. On a terminal it is asked whether a new name that is like a known one means
    that person; elsewhere the new name is taken, and told.
    """
    found = meant(data, person)
    if found.similar and sys.stdin.isatty() and sys.stderr.isatty():
        if typer.confirm(f"There is nobody called {found.name} yet. Did you mean {found.similar}?", err=True):
            return found.similar
    elif found.similar:
        say_new(found.name, found.similar)
    return found.name


def say_new(name: str, similar: str) -> None:
    """Print that a name is new, whom it may mean, and how to make one person of the two."""
    command = f"rotrack people merge {quote(name)} {quote(similar)}"
    _err.print(escape(f"New person: {name}. Did you mean {similar}? Then `{command}`."), soft_wrap=True)


def shortened(problems: Sequence[str]) -> Iterator[str]:
    """Yield the first of many problems, and how many more there are."""
    yield from problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        yield f"and {len(problems) - MOST_PROBLEMS} more."


# ---------------------------------------------------------------------- commands
def history(
    person: PersonFilter = None,
    drill: DrillFilter = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the table into this new file, for a spreadsheet.", metavar="FILE")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --csv if it is there.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also the older readings of what was measured again.")] = False,
    json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """List what was measured so far: the value of every session, oldest first.

    One line per leg and direction, with the error to expect (95 %): a difference within it is no change. Compare one drill only.
    A session that was measured again is listed once, by its newest reading. --csv does not replace a file unless --overwrite is
    given, and never a part of the log.

    Example: rotrack history --person Ana --drill seated-internal --csv ana.csv
    """
    if csv:
        check_free(csv, overwrite)
    data = opened(out)
    person = whose(data, person)
    sessions, problems = read_sessions(data)
    listed = sessions if everything else newest(sessions)
    wanted = only(listed, person, drill)
    hidden = len(only(sessions, person, drill)) - len(wanted)
    table = table_of(wanted)
    if csv:
        write_for_person(csv, history_csv(table), overwrite)
        _err.print(f"written to {escape(str(csv))}", soft_wrap=True)
    if json:
        print(to_json({"sessions": table.to_dict("records"), "problems": problems}))
    elif not csv:
        if wanted:
            _out.print(_history_table(wanted, sessions))
            _out.print("[dim]\u00b1 is the error to expect (95 %). `rotrack show SESSION` tells more.[/]", soft_wrap=True)
        elif not hidden:
            _say_nothing_found(data, person, drill)
        if hidden:
            older = f"{times(hidden, 'older reading')} of what was measured again"
            _out.print(f"[dim]Not listed: {older}; --all lists these, too.[/]", soft_wrap=True)
    say_notes(problems)


def show(
    session: SessionArgument,
    plot: Annotated[bool, typer.Option("--plot", help="Write the curve into the session's folder, as a page to open.")] = False,
    json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Show a session again: its values, every repetition, what was noted, and what the values compare with.

    Left is compared with right, and each value with that of the last session of the same kind, with the error of the
    difference, the same as in `rotrack progress`. Published values stand apart: they are no target and no diagnosis.

    Example: rotrack show last --plot
    """
    data = opened(out)
    folder = find_session(data, session)
    others = _beside(folder, data)
    loaded = next((one for one in others if one.folder.resolve() == folder.resolve()), None) or load_session(folder)
    drawn = write_plot(loaded) if plot else None
    if json:
        print(to_json(loaded.summary()))
        if drawn:
            _err.print(f"plot    {escape(str(drawn))}", soft_wrap=True)
        return
    record = loaded.record
    who = f"{loaded.person or 'no name'}, {loaded.started_at:%Y-%m-%d %H:%M}, {record.status}"
    _out.print(f"[bold]{escape(loaded.id)}[/]  {escape(who)}", soft_wrap=True)
    noted = _noted(record)
    if noted:
        _out.print(f"  {escape(noted)}", soft_wrap=True)
    for rep in loaded.rep_list:
        _out.print(rep_line(rep, record.tier))
    print_session(loaded)
    if not is_counted(record.tier):
        _print_compared(loaded, others)
    _out.print(f"  kept in {escape(str(loaded.folder))}", soft_wrap=True)
    if drawn:
        _out.print(f"  plot    {escape(str(drawn))}", soft_wrap=True)


def drop(
    session: SessionArgument,
    reps: Annotated[list[int], typer.Argument(help="Numbers of repetitions, as `rotrack show` lists them.", metavar="REP")],
    side: Annotated[Side, typer.Option("--side", "-s", help="The leg: the subject's own side.")],
    direction: Annotated[Direction, typer.Option("--direction", help="The excursion.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take them back in.")] = False,
    out: OutOption = None,
) -> None:
    """Take bad repetitions out of a session's value.

    They stay in the log, marked as dropped, and can be taken back in.

    Example: rotrack drop last 3 --side left --direction internal
    """
    data, session_id = located(session, out)
    had_plot = (session_folder(data, session_id) / PLOT).exists()
    changed = drop_rep(data, session_id, side, direction, reps, not undo)
    if had_plot:
        try:
            write_plot(changed)
        except RecordError as error:  # the repetitions are dropped all the same
            say_notes([str(error)])
    print_session(changed)


def note(
    session: SessionArgument,
    text: Annotated[str | None, typer.Argument(help="The note; an empty one ('') takes it away.", metavar="[TEXT]")] = None,
    band: Annotated[str | None, typer.Option("--band", help="Resistance band, in your own words; '' for none.")] = None,
    load_kg: Annotated[
        float | None, typer.Option("--load-kg", help="Weight on the ankle, in kilograms; nan for not said.")
    ] = None,
    out: OutOption = None,
) -> None:
    """Note something about a session afterwards: a text, the band, the weight.

    Without anything to note, it shows what is noted.

    Example: rotrack note last "left knee sore" --band red --load-kg 2
    """
    data, session_id = located(session, out)
    if text is None and band is None and load_kg is None:
        record = load_session(session_folder(data, session_id)).record
    else:
        record = describe_session(data, session_id, text, band, load_kg).record
    _out.print(f"{escape(session_id)}: {escape(_noted(record) or 'nothing noted')}", soft_wrap=True)


def delete(
    session: Annotated[
        str | None, typer.Option("--session", help="Id of the session, the beginning of it, its folder, or last.")
    ] = None,
    person: Annotated[str | None, typer.Option("--person", "-p", help="The name; case and blanks do not matter.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    out: OutOption = None,
) -> None:
    """Delete a session, or a person with everything stored of them. This cannot be undone.

    Of a session: its rows in reps.csv and its folder with curve, landmarks, plot and video.

    Of a person: all their sessions, their personal calibration and readings of other instruments. Files that you copied elsewhere
    are yours to delete.

    It says what goes and asks twice. Example: rotrack delete --person Ana
    """
    if (session is None) == (person is None):
        raise InputError("Say what to delete: either --session ID or --person NAME.")
    if session is not None:
        data, session_id = located(session, out)
        _out.print(f"This deletes the session {escape(session_id)} with all its files.", soft_wrap=True)
        _ask_twice(yes, "Delete this session?", "delete", "the word delete")
        delete_session(data, session_id)
        _out.print(f"Deleted: {escape(session_id)}.", soft_wrap=True)
    if person is not None:
        data = opened(out)
        name = meant(data, person).name
        stored = stored_of(data, name)
        if not name:
            raise InputError("Say whom to delete; sessions without a name are deleted one by one, with --session.")
        if not stored.anything:
            raise InputError(f"{nobody(data, person)} Nothing is stored of that name.")
        ids = [folder.name for folder in stored.sessions]
        which = f" ({ids[0]})" if len(ids) == 1 else f" ({ids[0]} to {ids[-1]})" if ids else ""
        profiles = f" ({', '.join(p.stem for p in stored.profiles)})" if stored.profiles else ""
        _out.print(
            f"This deletes everything that is stored of {escape(name)}: {times(len(ids), 'session')}{which} with "
            f"{stored.size_bytes / 1e6:.1f} MB of files, {times(stored.rows, 'row')} in reps.csv, "
            f"{times(len(stored.profiles), 'personal calibration')}{escape(profiles)}, "
            f"{times(stored.readings, 'reading')} of other instruments.",
            soft_wrap=True,
        )
        _ask_twice(yes, f"Delete all of {name}?", name, "the name")
        deleted = delete_person(data, name)
        _out.print(f"Deleted: everything of {escape(name)}.", soft_wrap=True)
        say_notes(f"The name still stands in {path}, which is not theirs alone; look into it." for path in deleted.still)
        say_notes(f"Nobody knows whose {path} is, since it cannot be read; look into it." for path in deleted.unknown)


def _ask_twice(yes: bool, question: str, word: str, what: str) -> None:
    """Go on only if the question is answered with yes and the word is typed."""
    if yes:
        return
    if not typer.confirm(question) or typer.prompt(f"It cannot be brought back. To go on, type {what}").strip() != word:
        _out.print("Nothing was deleted.")
        raise typer.Exit(1)


def located(session: str, out: Path | None) -> tuple[Path, str]:
    """Return data folder and id of a session that is to be changed."""
    folder = find_session(opened(out), session).resolve()
    if folder.parent.name != "sessions":
        raise InputError(f"{folder} lies in no data folder; only sessions under DATA/sessions can be changed.")
    return folder.parent.parent, folder.name


def _say_nothing_found(data: Path, person: str | None, drill: str | None) -> None:
    if drill is not None:
        load_table().drill(drill)  # tells of a mistyped name
    if person is not None and not meant(data, person).known:
        _out.print(escape(nobody(data, person)), soft_wrap=True)
    elif person is None and drill is None:
        _out.print(f"Nothing is logged in {escape(str(data))} yet. [bold]rotrack live[/] measures you.", soft_wrap=True)
    else:
        what = " of ".join(filter(None, [f"'{drill}'" if drill else "", f"'{person}'" if person is not None else ""]))
        _out.print(f"Nothing is logged of {escape(what)}. `rotrack history` lists what there is.", soft_wrap=True)


def _history_table(sessions: list[Session], everybody: list[Session]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("session", "person", "drill", "leg", "value", "valid", "faults", "noted"):
        table.add_column(
            column,
            justify="right" if column == "value" else "left",
            no_wrap=column in ("session", "leg", "value"),
            overflow="fold",
        )
    short = _short_ids(everybody)
    for session in sessions:
        about = [short[session.id], escape(session.person), escape(session.record.drill)]
        faults = table_of([session]).faults
        rows = [_value_row(session, *found) for found in zip(session.values, faults, strict=True)]
        rows = rows or [["", "no repetition", "", ""]]
        for number, row in enumerate(rows):
            noted = escape(_noted(session.record)) if number == 0 else ""
            table.add_row(*(about if number == 0 else ("", "", "")), *row, noted)
    return table


def _value_row(session: Session, value: SessionValue, faults: str) -> list[str]:
    tier = session.record.tier
    if is_counted(tier):
        shown = times(value.reps_valid, "cycle")
    else:
        shown = amount(value.value_deg, value.uncertainty_deg, tier) if value.reps_used else "none valid"
    return [f"{value.side} {value.direction}", shown, _counts(session, value, ""), faults]


def _short_ids(sessions: Iterable[Session]) -> dict[str, str]:
    """Return the shortest beginning per id that says which session is meant, not shorter than date and time."""
    ids = [s.id for s in sessions]
    return {
        this: next((this[:n] for n in range(SHORT_ID, len(this)) if sum(other.startswith(this[:n]) for other in ids) == 1), this)
        for this in ids
    }


def _noted(record: SessionRecord) -> str:
    """Return note, band and load in words; empty without any."""
    load = f"{record.load_kg:g} kg" if isfinite(record.load_kg) else ""
    return ", ".join(filter(None, [record.note, record.band and f"band {record.band}", load]))


# ---------------------------------------------------------------------- a session in print
def rep_line(rep: Rep, tier: str) -> str:
    """Return a repetition as one line with markup."""
    marks = f"  [yellow]{escape('faults ' + ' '.join(rep.faults))}[/]" if rep.faults else ""
    why = f"  [dim]{escape(rep.reason)}[/]" if rep.reason else ""
    why += "  [bold]dropped[/]" if rep.dropped else ""
    colour = "cyan" if rep.side is Side.LEFT else "dark_orange"
    if is_counted(tier):
        return (
            f"  [{colour}]{rep.side:5}[/]  cycle {rep.rep}  [bold]held {seconds(rep.hold_s)}[/]  "
            f"from {rep.start_s:.1f} to {rep.end_s:.1f} s{marks}{why}"
        )
    peak = amount(rep.peak_deg, rep.uncertainty_deg, tier)
    sign = "" if is_index(tier) else "\u00b0"
    return (
        f"  [{colour}]{rep.side:5}[/]  rep {rep.rep}  {rep.direction:8}  [bold]{peak:>12}[/]  "
        f"live {abs(rep.live_peak_deg):.1f}{sign}  hold {seconds(rep.hold_s)}{marks}{why}"
    )


def write_plot(session: Session) -> Path:
    """Write the curve of a session as a page into its folder; return the file."""
    path = session.folder / PLOT
    tier = session.record.tier
    if is_counted(tier):
        values = [f"{h.side}: {times(h.cycles, 'cycle')}, {seconds(h.total_s)} held" for h in held(session.rep_list) if h.cycles]
    else:
        values = [
            f"{v.side} {v.direction} {amount(v.value_deg, v.uncertainty_deg, tier, 0)}" for v in session.values if v.reps_used
        ]
    known = load_table().drills.get(session.record.drill)
    drill = known.title if known else session.record.drill
    about = [html.escape(drill), html.escape(session.person), f"{session.started_at:%Y-%m-%d}"]
    title = ", ".join(part for part in about if part)
    reps = session.reps[~session.reps.dropped.astype(bool)]
    write_html(session_figure(session.curve, reps, title, ", ".join(values), tier), path)
    return path


def print_session(session: Session) -> None:
    """Print the values of a session, and what to know before believing them."""
    record = session.record
    tier = record.tier
    if session.rep_list:
        _out.print(_cycle_table(session) if is_counted(tier) else _value_table(session))
    else:
        what = "cycle" if is_counted(tier) else "repetition"
        until = f" in {record.duration_s:.0f} s" if isfinite(record.duration_s) else ""
        _out.print(f"{escape(record.source.name)}: no {what} found{until}.")
    if tier == "B" or (tier == "A" and record.measured != "hip rotation"):
        _out.print(escape(f"  reads {record.measured}; tier {tier}: {TIERS[tier]}"), style="dim", soft_wrap=True)
    other: dict[str, int] = {}
    for movement in session.apart_list:
        other[movement.reason] = other.get(movement.reason, 0) + 1
    for reason, count in other.items():
        _out.print(f"  [dim]counted apart: {count} x {escape(reason)}[/]", soft_wrap=True)
    if not is_counted(tier):
        _out.print(f"  [dim]{escape(_calibration_words(record))}[/]", soft_wrap=True)
    for text in record.calibration_notes:
        _out.print(f"  [dim]{escape(text)}[/]", soft_wrap=True)
    advised: dict[str, list[str]] = {}
    for side, advice in record.camera_advice.items():
        advised.setdefault(advice, []).append(side)
    for advice, sides in advised.items():
        _out.print(f"  [yellow]Camera ({' and '.join(sides)} leg):[/] {escape(advice)}", soft_wrap=True)
    for text in (*session.warnings, record.speed_advice):
        if text:
            _out.print(f"  [yellow]Note:[/] {escape(text)}", soft_wrap=True)


def _beside(folder: Path, data: Path) -> list[Session]:
    """Return the sessions of the data folder that a session is in; none if it is in none, or being measured."""
    place = folder.resolve()
    sessions: list[Session] = []
    with suppress(RecordError):  # a session is shown all the same
        sessions, _ = read_sessions(place.parent.parent if place.parent.name == "sessions" else data)
    return sessions if any(other.id == place.name for other in sessions) else []


def _print_compared(session: Session, others: list[Session]) -> None:
    """Print what the values compare with, in the words of the page: left with right, now with before, what was published."""
    t, tier, drill = Texts(), session.record.tier, load_table().drills.get(session.record.drill)
    legs = legs_of(session, drill.directions if drill else ())
    spreads = spreads_of(session, others)
    differences = {found.direction: found for found in left_against_right(session.values, spreads)}
    for direction in Direction:
        if {(side, direction) for side in Side} <= legs:
            words = sides_words(differences.get(direction), tier, t)
            _out.print(f"  [bold]{t('result.sides_heading')}, {t.direction(direction)}:[/] {words}", soft_wrap=True)
    for value in session.values if others else ():
        earlier = earlier_values(session, others, value.side, value.direction, 1)
        words = last_time_words(earlier[0], tier, t) if earlier else t("result.first")
        if earlier and value.reps_used:
            words = f"{words}. {change_words(difference(value, earlier[0].value, spreads), tier, t)}"
        about = f"{t('result.before')}, {t.leg(value.side)}, {t.direction(value.direction)}"
        _out.print(f"  [bold]{about}:[/] {words}", soft_wrap=True)
    norms = () if is_index(tier) else norms_for(session.record.drill)
    if norms:
        _out.print(f"\n  [dim]{t('result.norms')}. {t('result.norms_not')}[/]", soft_wrap=True)
    for norm in norms:
        said = norm_words(norm, tier, t)
        what = f"{t.direction(norm.direction)} {said['mean']}: {said['who']}, {said['how']} ({said['source']})"
        _out.print(f"  [dim]{escape(what)}[/]", soft_wrap=True)
    if norms:
        _out.print()


def _counts(session: Session, value: SessionValue, valid: str = "valid ") -> str:
    dropped = sum((rep.side, rep.direction, rep.dropped) == (value.side, value.direction, True) for rep in session.rep_list)
    return f"{value.reps_valid} {valid}of {value.reps_total}" + (f", {dropped} dropped" if dropped else "")


def _session_table(session: Session, *columns: str) -> Table:
    record = session.record
    table = Table(title=escape(f"{record.source.name}: {record.drill}"), title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in ("side", "direction") else "right")
    return table


def _value_table(session: Session) -> Table:
    tier = session.record.tier
    table = _session_table(session, "side", "direction", "session value", "from", "repetitions")
    about = f"tier C: {INDEX}; " if is_index(tier) else ""
    table.caption, table.caption_justify = f"{about}\u00b1 is the error to expect (95 %)", "left"
    for value in session.values:
        shown = amount(value.value_deg, value.uncertainty_deg, tier) if value.reps_used else "none valid"
        used = f"best {value.reps_used}" if value.reps_used else "-"
        table.add_row(value.side, value.direction, shown, used, _counts(session, value))
    return table


def _cycle_table(session: Session) -> Table:
    table = _session_table(session, "side", "cycles", "longest hold", "held in all")
    table.caption, table.caption_justify = f"tier D: {COUNTED}", "left"
    for found in held(session.rep_list):
        if found.cycles:
            table.add_row(found.side, str(found.cycles), seconds(found.longest_s), seconds(found.total_s))
    return table


def _calibration_words(record: SessionRecord) -> str:
    """Return what was known of camera and person, in words."""
    kinds = {"camera": "lens", "floor": "floor", "personal": "person"}
    names = ", ".join(f"{kinds.get(kind, kind)} from {name}" for kind, name in record.calibration_profiles.items())
    parts = [f"calibration: {record.calibration}" + (f" ({names})" if names else "")]
    if record.assumed_field_of_view_deg:
        parts.append(f"field of view assumed {record.assumed_field_of_view_deg:.0f} degrees")
    return ", ".join(parts)
