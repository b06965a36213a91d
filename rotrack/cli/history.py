"""The command `rotrack history`: lists what was measured so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from rotrack.cli.console import nobody, opened, say_notes, whose
from rotrack.cli.options import DrillFilter, JsonOption, OutOption, PersonFilter, RemeasureOption
from rotrack.cli.terminal import ERR, OUT
from rotrack.cli.wording import noted_of
from rotrack.core.drills import load_table
from rotrack.people.names import meant
from rotrack.records.history import history_csv, newest, only, rows_of, table_of, wrongly_dated
from rotrack.records.session import Session, counting, differences, readings_of
from rotrack.records.store import read_sessions
from rotrack.system.files import check_csv, check_free, write_for_person
from rotrack.texts.numbers import amount, times, to_json

COLUMNS = ("date", "leg", "value", "valid", "faults", "session")
VALUE = COLUMNS.index("value")
SHORT_ID = len("20260131-080000")
"""Ids are shortened to date and time where that says which session is meant."""
MOST_NAMED = 5
"""If more sessions than this differ in the same way, they are counted and not named."""
_NO_NAME = "no name"


def history(
    person: PersonFilter = None,
    drill: DrillFilter = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the table into this new file, for a spreadsheet.", metavar="FILE")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --csv if it is there.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also list older readings of sessions that were measured again.")
    ] = False,
    json: JsonOption = False,
    out: OutOption = None,
    remeasure: RemeasureOption = True,
) -> None:
    """List what was measured so far: the value of every session, oldest first.

    Each leg and direction has a line, with the error to expect (95 %): a difference within it is no change. The list is grouped
    by person and drill, because only values of one drill can be compared. A session that was measured again is listed once, by
    its newest reading. --csv does not replace a file unless --overwrite is given, and never a part of the log.

    Example: rotrack history --person Ana --drill seated-internal --csv ana.csv
    """
    if csv:
        check_free(csv, overwrite)
        check_csv(csv)
    data = opened(out, remeasure)
    person = whose(data, person)
    sessions, problems = read_sessions(data)
    listed = sessions if everything else newest(sessions)
    wanted = only(listed, person, drill)
    hidden = len(only(sessions, person, drill)) - len(wanted)
    rows = rows_of(wanted)
    if csv:
        write_for_person(csv, history_csv(table_of(wanted)), overwrite)
        ERR.print(f"written to {escape(str(csv))}", soft_wrap=True)
    if json:
        print(to_json({"sessions": rows, "problems": problems}))
    elif not csv:
        if wanted:
            _print_groups(wanted, rows, _short_ids(sessions))
            _say_wrongly_dated(wanted, sessions)
            OUT.print("[dim]\u00b1 is the error to expect (95 %). `rotrack show SESSION` tells more.[/]", soft_wrap=True)
        elif not hidden:
            _say_nothing_found(data, person, drill)
        if hidden:
            older = f"{times(hidden, 'older reading')} of what was measured again"
            OUT.print(f"[dim]Not listed: {older}; --all lists these, too.[/]", soft_wrap=True)
    say_notes(problems)


def _print_groups(sessions: list[Session], rows: list[dict[str, Any]], short: dict[str, str]) -> None:
    """Print the values per person and drill, and below them what was noted."""
    values: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        values.setdefault(row["session_id"], []).append(row)
    groups: dict[tuple[str, str], list[Session]] = {}
    for session in sessions:
        groups.setdefault((session.person, session.record.drill), []).append(session)
    for (person, drill), theirs in groups.items():
        lines, notes = [COLUMNS], []
        for session in theirs:
            date, known_as = f"{session.started_at:%Y-%m-%d}", short[session.id]
            for row in values.get(session.id, []):
                lines.append((date, f"{row['side']} {row['direction']}", *_value_cells(session, row), known_as))
                date = known_as = ""
            if date:
                lines.append((date, "no repetition", "", "", "", known_as))
            if noted := noted_of(session):
                notes.append(f"[dim]{short[session.id]}: {escape(noted)}[/]")
        OUT.print(f"[bold]{escape(person or _NO_NAME)}[/], {escape(drill)}", soft_wrap=True)
        OUT.print("\n".join(_aligned(lines)), markup=False, soft_wrap=True)
        for text in (*notes, *_apart(theirs, short)):
            OUT.print(text, soft_wrap=True)
        OUT.print()


def _apart(sessions: Sequence[Session], short: dict[str, str]) -> Iterator[str]:
    """Yield which sessions of a person and a drill are not compared with the latest of their legs, by what differs."""
    of_leg = {
        (value.side, value.direction): session
        for session in sessions
        for value in session.values
        if value.reps_used and session.person and not session.record.tier.is_counted
    }
    found: dict[tuple[str, ...], list[str]] = {}
    for session in sessions:
        latest = (of_leg[key] for value in session.values if (key := (value.side, value.direction)) in of_leg and value.reps_used)
        unlike = next(filter(None, (differences(session.likeness, other.likeness) for other in latest)), ())
        if unlike:
            found.setdefault(unlike, []).append(short[session.id])
    for unlike, ids in found.items():
        which = ", ".join(ids) if len(ids) <= MOST_NAMED else times(len(ids), "session")
        yield f"[dim]not compared with the latest, {escape(', '.join(unlike))}: {which}[/]"


def _say_wrongly_dated(listed: Sequence[Session], sessions: Sequence[Session]) -> None:
    """Say which dates cannot be right, as `rotrack progress` does, and how to put them right."""
    wrong, short = wrongly_dated(sessions), _short_ids(sessions)
    names = ", ".join(short[session.id] for session in listed if session.id in wrong)
    if names:
        OUT.print(
            f"[dim]Not compared, because the date contradicts the order in which the camera measured: {names}; "
            "`rotrack note SESSION --dated DATE` puts a date right.[/]",
            soft_wrap=True,
        )


def _value_cells(session: Session, row: dict[str, Any]) -> tuple[str, str, str]:
    tier = session.record.tier
    if tier.is_counted:
        shown = times(row["reps_valid"], "cycle")
    else:
        shown = amount(row["value_deg"], row["uncertainty_deg"], tier) if row["reps_used"] else "none valid"
    return shown, f"{row['reps_valid']} of {row['reps_total']}", row["faults"]


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield cells as lines, in columns as wide as they need; the values to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [f"{cell:>{w}}" if n == VALUE else f"{cell:{w}}" for n, (cell, w) in enumerate(zip(line, widths, strict=True))]
        yield "  ".join(cells).rstrip()


def _short_ids(sessions: Sequence[Session]) -> dict[str, str]:
    """Return the shortest beginning per id that says which session is meant, not shorter than date and time.

    Of a movement that was measured again, the beginning alone means the reading that counts.
    """
    meaning: dict[str, list[Session]] = {}
    for session in sessions:
        for length in range(SHORT_ID, len(session.id)):
            meaning.setdefault(session.id[:length], []).append(session)

    def means(part: str, this: Session) -> bool:
        found = meaning[part]
        return found == [this] or (len(readings_of(found)) == 1 and counting(found) is this)

    lengths = {s.id: next((n for n in range(SHORT_ID, len(s.id)) if means(s.id[:n], s)), len(s.id)) for s in sessions}
    return {this: this[:length] for this, length in lengths.items()}


def _say_nothing_found(data: Path, person: str | None, drill: str | None) -> None:
    if drill is not None:
        load_table().drill(drill)  # tells of a mistyped name
    if person is not None and not meant(data, person).known:
        OUT.print(escape(nobody(data, person)), soft_wrap=True)
    elif person is None and drill is None:
        OUT.print(f"Nothing is logged in {escape(str(data))} yet. [bold]rotrack live[/] measures you.", soft_wrap=True)
    else:
        what = " of ".join(filter(None, [f"'{drill}'" if drill else "", f"'{person}'" if person is not None else ""]))
        OUT.print(f"Nothing is logged of {escape(what)}. `rotrack history` lists what there is.", soft_wrap=True)
