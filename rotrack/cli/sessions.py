"""The commands about single sessions that were logged: show, drop, note, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from rotrack.cli import completion
from rotrack.cli.console import located, nobody, opened, say_notes
from rotrack.cli.options import JsonOption, OutOption, RemeasureOption, SessionArgument, with_noted
from rotrack.cli.printing import beside, print_compared, print_readings, print_session, rep_line, write_plot
from rotrack.cli.terminal import ERR, OUT
from rotrack.cli.wording import noted_words
from rotrack.core.errors import InputError, RecordError
from rotrack.core.model import Direction, Side
from rotrack.measure.request import Request
from rotrack.people.erasure import delete_person, stored_of
from rotrack.people.everything import delete_everything
from rotrack.people.names import meant
from rotrack.records.changes import PLOT, date_session, delete_session, describe_session, drop_rep
from rotrack.records.days import check_past
from rotrack.records.options import options_of
from rotrack.records.session import Session, load_session
from rotrack.records.store import find_session, session_folder
from rotrack.texts.numbers import times, to_json


def show(
    session: SessionArgument,
    plot: Annotated[bool, typer.Option("--plot", help="Write the curve into the session's folder, as a page to open.")] = False,
    json: JsonOption = False,
    out: OutOption = None,
    remeasure: RemeasureOption = True,
) -> None:
    """Show a session again: values, repetitions, notes and comparisons.

    It compares left with right, and each value with that of the last session of the same kind. The error of the difference is the
    same as in `rotrack progress`. Published values are shown separately: they are no target and no diagnosis.

    Example: rotrack show last --plot
    """
    data = opened(out, remeasure)
    folder = find_session(data, session)
    others = beside(folder, data)
    loaded = next((one for one in others if one.folder.resolve() == folder.resolve()), None) or load_session(folder)
    drawn = write_plot(loaded) if plot else None
    if json:
        print(to_json(loaded.summary()))
        if drawn:
            ERR.print(f"plot    {escape(str(drawn))}", soft_wrap=True)
        return
    record = loaded.record
    who = f"{loaded.person or 'no name'}, {loaded.started_at:%Y-%m-%d %H:%M}, {record.status}"
    OUT.print(f"[bold]{escape(loaded.id)}[/]  {escape(who)}", soft_wrap=True)
    noted = noted_words(record)
    if noted:
        OUT.print(f"  {escape(noted)}", soft_wrap=True)
    for rep in loaded.rep_list:
        OUT.print(rep_line(rep, record.tier), soft_wrap=True)
    print_session(loaded)
    if not record.tier.is_counted:
        print_compared(loaded, others)
    print_readings(loaded, others)
    OUT.print(f"  kept in {escape(str(loaded.folder))}", soft_wrap=True)
    if drawn:
        OUT.print(f"  plot    {escape(str(drawn))}", soft_wrap=True)


def drop(
    session: SessionArgument,
    reps: Annotated[list[int], typer.Argument(help="Numbers of repetitions, as `rotrack show` lists them.", metavar="REP")],
    side: Annotated[
        Side | None, typer.Option("--side", "-s", help="The leg, if there are several: the subject's own side.")
    ] = None,
    direction: Annotated[Direction | None, typer.Option("--direction", help="The direction, if there are several.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Include them again.")] = False,
    out: OutOption = None,
) -> None:
    """Take bad repetitions out of a session's value.

    They stay in the log, marked as dropped. --undo includes them again.

    Example: rotrack drop last 3 --side left --direction internal
    """
    data, session_id = located(session, out)
    side, direction = _excursion(load_session(session_folder(data, session_id)), side, direction)
    had_plot = (session_folder(data, session_id) / PLOT).exists()
    changed = drop_rep(data, session_id, side, direction, reps, not undo)
    if had_plot:
        try:
            write_plot(changed)
        except RecordError as error:  # the repetitions are dropped all the same
            say_notes([str(error)])
    print_session(changed)


def _excursion(session: Session, side: Side | None, direction: Direction | None) -> tuple[Side, Direction]:
    """Return which excursion of a session is meant: what is not said must have only one answer."""
    there = dict.fromkeys((rep.side, rep.direction) for rep in session.rep_list)
    fitting = [one for one in there if side in (None, one[0]) and direction in (None, one[1])]
    if len(fitting) == 1:
        return fitting[0]
    if side and direction:
        return side, direction
    choices = ", ".join(" ".join(one) for one in fitting or there)
    if not choices:
        raise InputError(f"The session {session.id} has no repetition.")
    lacking = " and ".join(name for name, given in (("--side", side), ("--direction", direction)) if not given)
    raise InputError(f"Say which repetitions are meant, with {lacking}; the session {session.id} has {choices}.")


@with_noted(leave_out=("note",))
def note(
    session: SessionArgument,
    text: Annotated[str | None, typer.Argument(help="The note; '' clears it.", metavar="[TEXT]")] = None,
    *,
    noted: dict[str, Any],
    dated: Annotated[
        str, typer.Option("--dated", help="When the session began, if the clock was wrong: 2026-01-31 17:30.", metavar="DATE")
    ] = "",
    out: OutOption = None,
) -> None:
    """Note something about a session afterwards: a text, the band, the weight.

    '' clears a text, nan a number. Without anything to note, the command shows what is noted.

    Example: rotrack note last "left knee sore" --band red --load-kg 2
    """
    data, session_id = located(session, out)
    noted |= {"note": text} if text is not None else {}
    at = options_of(Request)["recorded_at"].read(dated)
    if at:
        check_past(at)
    if noted:
        describe_session(data, session_id, **noted)
    if at:
        date_session(data, session_id, at)
    record = load_session(session_folder(data, session_id)).record
    if at:
        OUT.print(f"{escape(session_id)}: began {record.moment:%Y-%m-%d %H:%M}", soft_wrap=True)
    OUT.print(f"{escape(session_id)}: {escape(noted_words(record) or 'nothing noted')}", soft_wrap=True)


def delete(
    session: Annotated[
        str | None,
        typer.Option(
            "--session", help="Id of the session, the beginning of it, its folder, or last.", autocompletion=completion.sessions
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--person", "-p", help="The name; case and blanks do not matter.", autocompletion=completion.people),
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Delete everything about everybody.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    out: OutOption = None,
) -> None:
    """Delete a session, or a person with all that is stored about them. This cannot be undone.

    For a session, this deletes its rows in reps.csv and its folder with curve, landmarks, plot and video.

    For a person, it deletes all their sessions, their record, their personal calibration and readings of other instruments. It
    does not reach files that you copied elsewhere.

    The command says what it will delete and asks twice. Example: rotrack delete --person Ana
    """
    if (session is not None) + (person is not None) + everything != 1:
        raise InputError("Say what to delete: either --session ID, --person NAME or --everything.")
    if everything:
        data = opened(out)
        OUT.print(
            f"This deletes all sessions, people, programmes, calibrations and readings in {escape(str(data))}.", soft_wrap=True
        )
        _ask_twice(yes, "Delete all that is kept?", "delete", "the word delete")
        delete_everything(data)
        OUT.print("Deleted: everything.")
    if session is not None:
        data, session_id = located(session, out)
        OUT.print(f"This deletes the session {escape(session_id)} with all its files.", soft_wrap=True)
        _ask_twice(yes, "Delete this session?", "delete", "the word delete")
        delete_session(data, session_id)
        OUT.print(f"Deleted: {escape(session_id)}.", soft_wrap=True)
    if person is not None:
        data = opened(out)
        name = meant(data, person).name
        stored = stored_of(data, name)
        if not name:
            raise InputError("Say whom to delete; sessions without a name are deleted one by one, with --session.")
        if not stored.anything:
            raise InputError(f"{nobody(data, person)} Nothing is stored under that name.")
        ids = [folder.name for folder in stored.sessions]
        which = f" ({ids[0]})" if len(ids) == 1 else f" ({ids[0]} to {ids[-1]})" if ids else ""
        profiles = f" ({', '.join(p.stem for p in stored.profiles)})" if stored.profiles else ""
        OUT.print(
            f"This deletes everything that is stored about {escape(name)}: {times(len(ids), 'session')}{which} with "
            f"{stored.size_bytes / 1e6:.1f} MB of files, {times(stored.rows, 'row')} in reps.csv, "
            f"{times(len(stored.profiles), 'personal calibration')}{escape(profiles)}, "
            f"{times(stored.readings, 'reading')} of other instruments.",
            soft_wrap=True,
        )
        _ask_twice(yes, f"Delete everything about {name}?", name, "the name")
        deleted = delete_person(data, name)
        OUT.print(f"Deleted: everything about {escape(name)}.", soft_wrap=True)
        say_notes(f"{path} still contains the name, and data of others as well; look through it." for path in deleted.still)
        say_notes(f"{path} cannot be read, so rotrack does not know whose it is; look through it." for path in deleted.unknown)


def _ask_twice(yes: bool, question: str, word: str, what: str) -> None:
    """Go on only if the question is answered with yes and the word is typed."""
    if yes:
        return
    if not typer.confirm(question) or typer.prompt(f"This cannot be undone. To go on, type {what}").strip() != word:
        OUT.print("Nothing was deleted.")
        raise typer.Exit(1)
