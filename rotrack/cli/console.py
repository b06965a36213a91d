"""What the commands share: the log opened, names understood, notes, problems and progress told."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from rotrack.cli.terminal import ERR
from rotrack.core.errors import InputError, RecordError
from rotrack.people.names import meant
from rotrack.records.folders import data_folder
from rotrack.records.history import clock_doubt, people
from rotrack.records.outdated import due
from rotrack.records.people import Care, tidy
from rotrack.records.store import CHECKSUM, find_session, read_sessions
from rotrack.records.table import refresh_table
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.inputs import name_key
from rotrack.texts import Texts
from rotrack.texts.numbers import times

if TYPE_CHECKING:
    from rich.progress import Progress

MOST_NAMES = 20
"""Most names that are listed."""
MOST_PROBLEMS = 20
"""If there are more problems than this, only the first are named."""


def opened(out: Path | None, remeasure: bool = False) -> Path:
    """Return the data folder, brought up to date: what an earlier version wrote is taken over, the table is made anew if need be.

    What there is to say of that is printed. Every command that reads the log begins with this. With `remeasure` sessions of
    earlier measure versions are measured again; commands that change a session leave them, since they are about what was seen.

    Raises
    ------
    RecordError
        If something else than a folder is there.
    """
    data = data_folder(out)
    first = data.is_dir() and not (data / CHECKSUM).exists()
    with ERR.status("Taking over the log of an earlier version ...") if first else nullcontext():
        notes = refresh_table(data)
    say_notes(notes)
    if remeasure and due(data):
        _measure_again(data)
    return data


def _measure_again(data: Path) -> None:
    """Measure sessions of earlier measure versions again behind a progress bar; Ctrl-C or a problem puts that off."""
    from rotrack.measure.renewal import renew  # what measures is large, and there is hardly ever something to be done

    bar = progress_bar("sessions")
    try:
        with bar:

            def begin(count: int) -> None:
                ERR.print(
                    f"Measuring {times(count, 'session')} of an earlier version again by today's rules; the earlier values are "
                    "kept. Ctrl-C postpones the rest to the next start.",
                    soft_wrap=True,
                )
                bar.add_task("measuring again", total=count)

            found = renew(data, begin, lambda share: bar.advance(bar.task_ids[0], share))
    except KeyboardInterrupt:
        say_notes(["Sessions of an earlier version are left; they are measured again at the next start."])
    except RecordError as error:
        why = f"because they could not be measured again: {error}"
        say_notes([f"These sessions of an earlier version are shown as they are, {why}"])
    else:
        if found and found.measured:
            count = times(len(found.measured), "session")
            ERR.print(f"Measured again: {count}. `rotrack history --all` lists the earlier readings, too.", soft_wrap=True)
        say_notes(shortened(found.notes) if found else ())


def say_notes(notes: Iterable[str]) -> None:
    """Print what to know besides, beside the output of the command."""
    for text in notes:
        ERR.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)


def whose(data: Path, person: str | None) -> str | None:
    """Return the name, as it is kept, of the person who is asked for; None is anybody.

    Another spelling of a known name is told; a name that nobody has stays as it is, see `nobody`.
    """
    if person is None:
        return None
    found = meant(data, person)
    if found.known and name_key(found.name) == name_key(person) and found.name != tidy(person):
        ERR.print(f"Did you mean {escape(found.name)}? Showing {escape(found.name)}.", soft_wrap=True)
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
    ERR.print(escape(f"New person: {name}. Did you mean {similar}? Then `{command}`."), soft_wrap=True)


def ask_if_clock_is_behind(data: Path, clock: Clock = SYSTEM) -> None:
    """Ask whether this computer's clock is right, if a session in the log is later than now; without a terminal it is only told.

    A session that is dated too early would be compared with those before it.

    Raises
    ------
    InputError
        If it is not right.
    """
    said = clock_doubt(read_sessions(data)[0], clock.now())
    if not said:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say_notes([f"{said} Check the clock: what is dated too early is compared with the wrong sessions."])
    elif not typer.confirm(f"{said} Is the clock right?", err=True):
        raise InputError("Nothing was measured; set this computer's clock, then begin again.")


def warn_of(care: Care, title: str) -> None:
    """Print what somebody is to take care of, and ask before a drill that they are not to do; without a terminal it is told only.

    Raises
    ------
    InputError
        If it is not to be measured.
    """
    t = Texts()
    say_notes(t("say.care", sentence=t.said(told)) for told in care.told)
    asks = care.avoided and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not typer.confirm(f"{title}. {t('care.ask')}", err=True):
        raise InputError("Nothing was measured.")


def shortened(problems: Sequence[str]) -> Iterator[str]:
    """Yield the first of many problems, and how many more there are."""
    yield from problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        yield f"and {len(problems) - MOST_PROBLEMS} more."


def located(session: str, out: Path | None) -> tuple[Path, str]:
    """Return data folder and id of a session that is to be changed."""
    folder = find_session(opened(out), session).resolve()
    if folder.parent.name != "sessions":
        raise InputError(f"{folder} lies in no data folder; only sessions under DATA/sessions can be changed.")
    return folder.parent.parent, folder.name


def progress_bar(what: str = "frames") -> Progress:
    """Return a bar of how many frames or videos are done; none where nobody looks at a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(what), TimeRemainingColumn())
    return Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal)
