"""The command line: parses, calls `measure`, prints. Nothing is measured here.

Each command is a function in a module of this package, which is loaded when the command is called: what others need is not waited
for. Until then a command is known by its line in `COMMANDS`.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from rich.markup import escape

from rotrack.cli.completion import asked_of, group_stand_in, mend_zsh, stand_in
from rotrack.cli.terminal import ERR
from rotrack.core.errors import RecordError, RotrackError, StoppedError
from rotrack.system.files import why_of

MEASURE, LOOK_BACK, PEOPLE, EXCHANGE, SET_UP = "Measure", "Look back", "People", "Exchange", "Set up"


@dataclass(frozen=True, slots=True)
class Command:
    """A command as `rotrack --help` lists it.

    Parameters
    ----------
    name : str
        What is typed.
    panel : str
        The heading that it stands below.
    summary : str
        The first line of its own help.
    home : str
        The module of `rotrack.cli` that has it: a function `name`, or a group of commands `app` if `is_group`.
    is_group : bool
        Whether it has commands of its own.
    """

    name: str
    panel: str
    summary: str
    home: str
    is_group: bool = False


COMMANDS = (
    Command("app", MEASURE, "Open rotrack in the browser: choose, set up, measure and look back, hands free.", "app"),
    Command("demo", MEASURE, "Measure a clip that comes with rotrack, and show what it found.", "measure"),
    Command("drills", MEASURE, "List the drills, or explain one: steps, camera, what is measured and how well.", "drills"),
    Command(
        "check", MEASURE, "Check the set-up before measuring: frame rate, light, people, legs, distance, camera place.", "check"
    ),
    Command("live", MEASURE, "Measure with a camera, in a window.", "measure"),
    Command("analyze", MEASURE, "Measure videos, or a folder of them with a manifest, and log every repetition.", "measure"),
    Command("remeasure", MEASURE, "Measure logged sessions again from their landmarks, without the video.", "measure"),
    Command("history", LOOK_BACK, "List what was measured so far: the value of every session, oldest first.", "history"),
    Command(
        "show",
        LOOK_BACK,
        "Show a session again: values, repetitions, notes and comparisons.",
        "sessions",
    ),
    Command(
        "progress",
        LOOK_BACK,
        "Say whether a range has really changed, or whether the difference is measurement error.",
        "progress",
    ),
    Command(
        "report",
        LOOK_BACK,
        "Write a report for the person who was measured: a page that opens without a network, and a PDF.",
        "report",
    ),
    Command("note", LOOK_BACK, "Note something about a session afterwards: a text, the band, the weight.", "sessions"),
    Command("drop", LOOK_BACK, "Take bad repetitions out of a session's value.", "sessions"),
    Command(
        "people",
        PEOPLE,
        "List the people who are measured; rename, merge and archive them, and give a session to the right one.",
        "people",
        is_group=True,
    ),
    Command(
        "delete",
        PEOPLE,
        "Delete a session, or a person with all that is stored about them. This cannot be undone.",
        "sessions",
    ),
    Command("import", EXCHANGE, "Import sessions from another computer, or readings of a goniometer or phone.", "readings"),
    Command("export", EXCHANGE, "Write sessions for a spreadsheet, for statistics, or for biomechanics tools.", "export"),
    Command("agreement", EXCHANGE, "Compare rotrack with readings of a goniometer or phone, as Bland and Altman do.", "readings"),
    Command(
        "calibrate",
        SET_UP,
        "Calibrate the lens, the floor or your feet; most seated drills do not need it.",
        "calibrate",
        is_group=True,
    ),
    Command(
        "doctor",
        SET_UP,
        "Check this computer: versions, cameras, model files, speed, folders; and say what to do about each problem.",
        "doctor",
    ),
    Command(
        "validate",
        SET_UP,
        "Measure clips whose true angles are known, and print the errors: per clip and leg, and per posture.",
        "validate",
    ),
)
_HELP = (
    "Measure hip internal and external rotation with an ordinary webcam.\n\n"
    "[bold]rotrack[/bold] without a command opens a page in the browser. Everything that the page does can also be done with "
    "these commands.\n\n"
    "First time? Run [bold]rotrack demo[/bold], then [bold]rotrack[/bold].\n\n"
    "Angles are degrees with the error to expect (95 %), internal rotation positive; left and right are the subject's own sides."
)
_KEPT_AFTER_CONTROL_C = {
    "app": "What was measured is kept.",
    "demo": "What was measured is kept.",
    "analyze": "What was measured is kept; `rotrack history` lists it.",
    "remeasure": "What was measured is kept; `rotrack history` lists it.",
    "live": "What was measured is kept; `rotrack history` lists it.",
    "check": "A check logs nothing.",
    "report": "No file is half written.",
    "export": "No file is half written.",
    "import": "What was imported is kept; run it again for the rest.",
    "delete": "What is not deleted yet is still there; run it again.",
    "calibrate": "No profile was written.",
    "doctor": "What was repaired stays repaired.",
    "note": "The session was changed completely or not at all.",
    "drop": "The session was changed completely or not at all.",
    "people": "Run the same command again: it finishes what was begun.",
    "validate": "The results of complete clips are kept; run it again to go on.",
}
CAMERA_THREAD = "camera"
"""How the thread that grabs pictures is called, see `rotrack.sensing.sources`."""
_OF_COMPLETION = ("--install-completion", "--show-completion")
_OWN_OPTIONS = ("--help", "--version", "-v", *_OF_COMPLETION)
_UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # it has no public name
_LIBRARY_SAYS = {
    r"('.*') is not a valid int(?:eger)?(?: range)?\.": "a whole number, not {0}",
    r"('.*') is not a valid float(?: range)?\.": "a number, not {0}",
    r"('.*') does not match the formats? '%Y-%m-%d'\.": "a day like 2026-01-31, not {0}",
    r"('.*') is not one of '(.*)'\.": "one of {1}, not {0}",
    r"(\S+) is not in the range x>=(\S+)\.": "at least {1}, not {0}",
    r"(\S+) is not in the range (\S+)<=x<=(\S+)\.": "from {1} to {2}, not {0}",
}
"""What the library for command lines says of a value, and how we say it."""
_LIBRARY_SAYS_OF_A_LINE = {
    r"Missing (?:argument|option) '([^' /]+).*": "{0} is missing.",
    r"Option '(\S+)' requires an argument\.": "{0} needs a value.",
    r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)": "Nothing is expected where {0} stands.",
    r"No such command '(.*?)'\.": "There is no command '{0}'.",
    r"No such command '(.*?)'\. Did you mean '(.*)'\?": "There is no command '{0}'; did you mean '{1}'?",
    r"No such option: (\S+)": "There is no option {0}.",
    r"No such option: (\S+) \(Possible options: (.*)\)": "There is no option {0}; there are {1}.",
    r"No such option: (\S+) Did you mean (\S+)\?": "There is no option {0}; did you mean {1}?",
}
"""What it says of a line, and how we say it."""


def main() -> None:
    """Run the command line as a program of its own."""
    try:
        run()
    finally:
        if any(thread.name == CAMERA_THREAD and thread.is_alive() for thread in threading.enumerate()):
            # A camera hangs in its driver: an ordinary end would pull OpenCV away from under it, and abort.
            end = sys.exc_info()[1]
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(end.code if isinstance(end, SystemExit) and isinstance(end.code, int) else int(end is not None))


def run() -> None:
    """Run the command line; every foreseen problem is one sentence and an exit code."""
    os.umask(0o077)  # what is measured is about somebody's health: whatever is written is for its owner only
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # names may have letters that the terminal lacks
    given = sys.argv[1:]
    if not given or (given[0].startswith("-") and given[0] not in _OWN_OPTIONS):
        given = ["app", *given]
    if given[0] in _OF_COMPLETION:
        mend_zsh()
    try:
        code = make_app(given)(given, prog_name="rotrack", standalone_mode=False)
        if isinstance(code, int) and code:
            sys.exit(code)
    except _UsageError as error:
        if not error.format_message() or "\n" in error.format_message():  # the help, for a group that was called alone
            error.show()
        else:
            ERR.print(f"[bold red]rotrack:[/] {escape(usage_words(error))}", soft_wrap=True)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt) as end:  # Ctrl-C before the command has begun
        asked = isinstance(end, typer.Abort)
        ERR.print("Stopped: the question was not answered." if asked else "Stopped.")
        sys.exit(1 if asked else StoppedError.exit_code)
    except RotrackError as error:
        ERR.print(f"[bold red]rotrack:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is not None:  # not the output, but a file that nothing here foresaw
            raise
        _output_is_lost(error)


def usage_words(error: typer.BadParameter) -> str:
    """Return in a sentence of our own what is wrong with a command line."""
    said = error.format_message().strip()
    for pattern, words in _LIBRARY_SAYS_OF_A_LINE.items():
        if found := re.fullmatch(pattern, " ".join(said.split())):
            said = words.format(*found.groups())
    what = re.fullmatch(r"Invalid value for '?([^']+?)'?(?: / '[^']+')*: (.*)", said, re.DOTALL)
    if what:
        name, wrong = what.groups()
        for pattern, words in _LIBRARY_SAYS.items():
            found = re.fullmatch(pattern, " ".join(wrong.split()))
            if found:
                must = words.format(*found.groups()).replace("', '", ", ").replace("of , ", "of ")
                said = f"{name} must be {must}."
                break
        else:
            said = f"{name}: {wrong}"
    command = error.ctx.command_path if error.ctx else "rotrack"
    end = "" if said.endswith("?") else "."
    return f"{said.rstrip('.')}{end} `{command} --help` explains it."


def make_app(given: list[str]) -> typer.Typer:
    """Return the command line with the command that is called, and with the names and summaries of the others."""
    app = typer.Typer(
        help=_HELP, rich_markup_mode="rich", no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False
    )
    app.callback()(_root)
    asked = asked_of()
    is_asked, wanted = asked is not None, given[0] if asked is None else asked
    for command in COMMANDS:
        if command.name != wanted:
            app.command(command.name, help=command.summary, rich_help_panel=command.panel)(_summary_only)
        elif command.is_group:
            group = group_stand_in(command.name) if is_asked else _group_of(command)
            app.add_typer(group, name=command.name, rich_help_panel=command.panel)
        else:
            function = stand_in(command.name) if is_asked else _told(command.name, function_of(command))
            app.command(command.name, help=flowing(function.__doc__), rich_help_panel=command.panel)(function)
    return app


def flowing(doc: str | None) -> str:
    """Return the words with which a command explains itself, a line per paragraph: they are broken where the terminal ends."""
    return re.sub(r"(?<!\n)\n(?!\n|Example)", " ", inspect.cleandoc(doc or ""))


def function_of(command: Command) -> Callable[..., None]:
    """Return the function of a command that is no group; its module is loaded."""
    home = import_module(f"rotrack.cli.{command.home}")
    return getattr(home, command.name, None) or getattr(home, f"{command.name}_")


def _group_of(command: Command) -> typer.Typer:
    group: typer.Typer = import_module(f"rotrack.cli.{command.home}").app
    for each in group.registered_commands:
        if each.callback:
            each.help = flowing(each.callback.__doc__)
            each.callback = _told(command.name, each.callback)
    return group


def _told(command: str, function: Callable[..., None]) -> Callable[..., None]:
    """Return a command that says, when Ctrl-C ends it, what was kept."""

    @wraps(function)
    def told(*args: Any, **options: Any) -> None:
        try:
            function(*args, **options)
        except KeyboardInterrupt as error:
            raise StoppedError(f"Stopped. {_KEPT_AFTER_CONTROL_C.get(command, 'Nothing was changed.')}") from error

    return told


def _summary_only() -> None:
    """Stand for a command that is only listed."""


def _output_is_lost(error: OSError) -> None:
    """Say in one sentence that what was to be printed could not be written, and end."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  what is left in it is not written again at the end
    if not isinstance(error, BrokenPipeError):
        ERR.print(f"[bold red]rotrack:[/] The output cannot be written, {escape(why_of(error))}.", soft_wrap=True)
    sys.exit(RecordError.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        print(f"rotrack {metadata.version('rotrack')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-v", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass
