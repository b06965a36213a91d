"""The commands about people: `rotrack people` lists, shows, changes, renames, merges and archives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from rotrack.cli import completion
from rotrack.cli.console import located, name_to_log, opened
from rotrack.cli.options import JsonOption, OutOption, SessionArgument
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.drills import load_table
from rotrack.core.errors import InputError
from rotrack.people.changes import archive_person, change_person, give_session, merge_people, rename_person
from rotrack.records.history import only
from rotrack.records.people import AffectedSide, Person, find_person, goal_of_words, limit_of_words, read_people, similar
from rotrack.records.session import load_session
from rotrack.records.store import read_sessions, session_folder
from rotrack.texts.numbers import times, to_json

app = typer.Typer(
    help="List the people who are measured; rename, merge and archive them, and give a session to the right one.",
    invoke_without_command=True,
)

WIDEST_NAME = 32
"""How many letters of a name have room beside the other columns, however narrow the terminal is."""
NameArgument = Annotated[
    str, typer.Argument(help="The name, in any spelling, or the id.", metavar="NAME", autocompletion=completion.people)
]


@app.callback()
def people(
    context: typer.Context,
    everybody: Annotated[bool, typer.Option("--all", help="Also list archived people.")] = False,
    json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """List the people who are measured; rename, merge and archive them, and give a session to the right one.

    Spellings that differ in case, blanks or accents typed another way are one person.

    Example: rotrack people rename "ana" "Ana Base"
    """
    if context.invoked_subcommand:
        return
    data = opened(out)
    known, problems = read_people(data)
    sessions, _ = read_sessions(data)
    listed = [person for person in known if everybody or not person.archived]
    if json:
        counts = {person.id: sum(s.record.person_id == person.id for s in sessions) for person in listed}
        print(to_json([{**msgspec.to_builtins(person), "sessions": counts[person.id]} for person in listed]))
    elif not listed:
        OUT.print("Nobody is known here yet. If you measure with --person NAME, that person is listed.")
    else:
        table = Table(box=None, padding=(0, 2, 0, 0))
        longest = max(len(word) for person in listed for word in person.name.split())
        table.add_column("name", overflow="fold", min_width=min(longest, WIDEST_NAME))
        for column in ("sessions", "last", "about"):
            table.add_column(column, justify="right" if column == "sessions" else "left", overflow="fold")
        for person in listed:
            own = [session for session in sessions if session.record.person_id == person.id]
            last = own[-1].record.started[:10] if own else ""
            table.add_row(escape(person.name), str(len(own)), last, escape(", ".join(_about(person))))
        OUT.print(table)
        hidden = len(known) - len(listed)
        if hidden:
            OUT.print(f"[dim]Not listed: {hidden} archived; --all lists them, too.[/]")
    for problem in problems:
        ERR.print(f"[yellow]Note:[/] {escape(problem)}", soft_wrap=True)


def _about(person: Person) -> list[str]:
    side = f"affected: {person.affected_side}" if person.affected_side else ""
    born = f"born {person.birth_year}" if person.birth_year else ""
    goals = [f"goal {goal}\u00b0" for goal in person.goals]
    goals += [f"not beyond {limit}\u00b0" for limit in person.limits] + [f"not {drill}" for drill in person.avoided]
    also = f"also written {', '.join(person.spellings)}" if person.spellings else ""
    care = f"careful: {'; '.join(person.precautions)}" if person.precautions else ""
    return [text for text in (born, side, *goals, care, person.notes, also, "archived" if person.archived else "") if text]


@app.command("show")
def show(name: NameArgument, json: JsonOption = False, out: OutOption = None) -> None:
    """Show what is stored about a person."""
    data = opened(out)
    person = meant(data, name)
    if json:
        print(to_json(msgspec.to_builtins(person)))
        return
    sessions = only(read_sessions(data)[0], person.name)
    OUT.print(f"[bold]{escape(person.name)}[/]  {person.id}, {times(len(sessions), 'session')}")
    for line in _about(person):
        OUT.print(f"  {escape(line)}", soft_wrap=True)


@app.command("set")
def set_(
    name: NameArgument,
    affected_side: Annotated[AffectedSide | None, typer.Option("--affected-side", help="The affected hip.")] = None,
    birth_year: Annotated[int | None, typer.Option("--birth-year", help="Year of birth; 0 clears it.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Anything else; '' clears it.")] = None,
    precaution: Annotated[
        list[str] | None, typer.Option("--precaution", help="What to be careful about; may be repeated; '' clears all.")
    ] = None,
    goal: Annotated[
        list[str] | None,
        typer.Option("--goal", help="\"DRILL DIRECTION [SIDE] DEGREES\"; may be repeated; '' clears all.", metavar="GOAL"),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            help="A range that must not be exceeded: \"[DRILL] DIRECTION [SIDE] DEGREES\"; may be repeated; '' clears all.",
            metavar="LIMIT",
        ),
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option("--avoid", help="A drill that the person must not do; may be repeated; '' clears all.", metavar="DRILL"),
    ] = None,
    out: OutOption = None,
) -> None:
    """Change what is stored about a person: affected side, year of birth, notes, goals, precautions.

    Example: rotrack people set Ana --affected-side left --goal "seated-combined internal 40"
    """
    data = opened(out)
    person = meant(data, name)
    changes: dict[str, object] = {}
    if affected_side is not None:
        changes["affected_side"] = affected_side
    if birth_year is not None:
        changes["birth_year"] = birth_year or None
    if notes is not None:
        changes["notes"] = notes
    if precaution is not None:
        changes["precautions"] = tuple(text for text in precaution if text)
    if goal is not None:
        changes["goals"] = tuple(goal_of_words(text) for text in goal if text)
    if limit is not None:
        changes["limits"] = tuple(limit_of_words(text) for text in limit if text)
    if avoid is not None:
        changes["avoided"] = tuple(load_table().drill(text).id for text in avoid if text)
    changed = change_person(data, person, **changes)
    OUT.print(f"{escape(changed.name)}: {escape(', '.join(_about(changed)) or 'nothing noted')}", soft_wrap=True)


@app.command("rename")
def rename(
    name: NameArgument, to: Annotated[str, typer.Argument(help="The new name.", metavar="NEW_NAME")], out: OutOption = None
) -> None:
    """Give a person another name, in all sessions and readings."""
    data = opened(out)
    person = meant(data, name)
    changed = rename_person(data, person, to)
    OUT.print(f"{escape(person.name)} is called {escape(changed.name)} now.", soft_wrap=True)


@app.command("merge")
def merge(
    name: NameArgument,
    into: Annotated[str, typer.Argument(help="The person who stays.", metavar="INTO", autocompletion=completion.people)],
    out: OutOption = None,
) -> None:
    """Merge two people: all sessions of the first become those of the second. This cannot be undone."""
    data = opened(out)
    one, other = meant(data, name), meant(data, into)
    count = merge_people(data, one, other)
    OUT.print(f"{escape(other.name)} has {times(count, 'session')} of {escape(one.name)} now.", soft_wrap=True)


@app.command("give")
def give(
    session: SessionArgument,
    name: Annotated[
        str, typer.Argument(help="Whose it is; '' for nobody in particular.", metavar="NAME", autocompletion=completion.people)
    ],
    out: OutOption = None,
) -> None:
    """Give a session to another person, if it was measured under the wrong name or none.

    Example: rotrack people give last Ana
    """
    data, session_id = located(session, out)
    before = load_session(session_folder(data, session_id)).person
    name = name_to_log(data, name)
    count = give_session(data, session_id, name)
    of, to = (escape(who or "nobody in particular") for who in (before, name))
    OUT.print(f"{times(count, 'session')} of {of} belong{'s' if count == 1 else ''} to {to} now.", soft_wrap=True)


@app.command("archive")
def archive(
    name: NameArgument,
    undo: Annotated[bool, typer.Option("--undo", help="List the person again.")] = False,
    out: OutOption = None,
) -> None:
    """Take a person out of the lists; nothing is deleted."""
    data = opened(out)
    person = archive_person(data, meant(data, name), not undo)
    OUT.print(f"{escape(person.name)} is {'archived' if person.archived else 'listed again'}.")


def meant(data: Path, name: str) -> Person:
    """Return the person who is meant by a name; raises InputError if nobody is."""
    known, problems = read_people(data)
    person = find_person(known, name)
    if person:
        return person
    near = similar(known, name)
    raise InputError(" ".join([f"There is nobody called '{name}'. {_whom(known, near)}", *problems[:1]]))


def _whom(known: Sequence[Person], near: Person | None) -> str:
    if near:
        return f"Did you mean {near.name}?"
    return "`rotrack people` lists who is known." if known else "Nobody is known yet."
