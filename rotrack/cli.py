"""The command line: parses, calls `api`, prints. Nothing is measured here."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from importlib import metadata, resources
from io import TextIOWrapper
from math import nan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from rotrack import api, app_cli, beforehand, calibrate_cli, people_cli
from rotrack.app.names import meant
from rotrack.app_cli import LegnetOption
from rotrack.archive_cli import analyze_archive, progress_bar
from rotrack.batch import Job, Outcome, attempt, count_frames, run_jobs
from rotrack.check_cli import FollowOption, check, parse_follow
from rotrack.doctor_cli import doctor
from rotrack.drills import GROUPS, TIERS, Drill, load_table
from rotrack.errors import DOUBTFUL, InputError, RecordError, RotrackError
from rotrack.export_cli import export
from rotrack.files import check_free, why_of
from rotrack.import_cli import agreement, import_
from rotrack.log_cli import (
    OutOption,
    delete,
    drop,
    history,
    name_to_log,
    note,
    opened,
    print_session,
    rep_line,
    say_new,
    show,
    write_plot,
)
from rotrack.model import Frame, Step
from rotrack.progress.sample import PERSON, write_sample
from rotrack.progress_cli import progress
from rotrack.rates import LEAST_HZ
from rotrack.records.folders import data_folder
from rotrack.records.record import read_record
from rotrack.records.session import VIDEO, Session
from rotrack.report_cli import report
from rotrack.sensing.landmarker import find_model, speed_advice
from rotrack.sensing.legnet import description
from rotrack.sensing.sources import Camera, Source
from rotrack.tracking.scoreboard import Scoreboard
from rotrack.ui.overlay import Overlay
from rotrack.ui.window import KEYS, Key, Window
from rotrack.ui.words import is_counted, is_index, times, to_json
from rotrack.validation import describe, markdown, read_before, side_by_side, validate_folder, write_table
from rotrack.validation import report as validation_report

app = typer.Typer(
    help=(
        "Measure hip internal and external rotation with an ordinary webcam.\n\n"
        "[bold]rotrack[/bold] alone opens it in the browser. Everything there can be done from here, too.\n\n"
        "First time? Run [bold]rotrack demo[/bold], then [bold]rotrack[/bold].\n\n"
        "Angles are degrees with the error to expect (95 %), internal rotation positive; left and right are the subject's own "
        "sides."
    ),
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("app")(app_cli.app)
app.command()(check)
app.add_typer(calibrate_cli.app, name="calibrate")
app.add_typer(people_cli.app, name="people")
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)

DrillOption = Annotated[str, typer.Option("--drill", "-d", help="Drill id; `rotrack drills` lists them.")]
SideOption = Annotated[str, typer.Option("--side", "-s", help="left, right or both: the subject's own side.")]
PersonOption = Annotated[str, typer.Option("--person", "-p", help="Name that is written into the log.")]
ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="heavy (best), full (faster, up to twice the error), or a .task file.")
]
NoteOption = Annotated[str, typer.Option("--note", help="A line for the log: what you want to remember of this session.")]
BandOption = Annotated[str, typer.Option("--band", help="Resistance band, in your own words: red, 15 lb.")]
LoadOption = Annotated[float, typer.Option("--load-kg", help="Weight on the ankle, in kilograms.", show_default=False)]
CorrectOption = Annotated[
    bool,
    typer.Option(
        "--correct/--no-correct", help="Take out what is known of the pose model's errors, or log the leg model's own angle."
    ),
]
CalibrationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration", help="Calibration profile: a name, a file or a folder, several allowed; or none.", metavar="NAME"
    ),
]


def main() -> None:
    """Run the command line; every foreseen problem is one sentence and an exit code."""
    os.umask(0o077)  # what is measured is about somebody's health: whatever is written is for its owner only
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # names may have letters that the terminal lacks
    given = sys.argv[1:]
    short = not given or (given[0].startswith("-") and given[0] not in ("--help", "--version", "-v"))
    try:
        app(["app", *given] if short else given)
    except RotrackError as error:
        _err.print(f"[bold red]rotrack:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.filename is not None:  # not the output, but a file that nothing here foresaw
            raise
        _output_is_lost(error)


def _output_is_lost(error: OSError) -> None:
    """Say in one sentence that what was to be printed could not be written, and end."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  what is left in it is not written again at the end
    if not isinstance(error, BrokenPipeError):
        _err.print(f"[bold red]rotrack:[/] The output cannot be written, {escape(why_of(error))}.", soft_wrap=True)
    sys.exit(RecordError.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        _out.print(f"rotrack {metadata.version('rotrack')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", "-v", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass


# ---------------------------------------------------------------------- demo, analyze, remeasure
@app.command()
def demo(
    out: OutOption = None,
    model: ModelOption = "heavy",
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Write twelve weeks of made-up sessions instead, to try progress and report with.")
    ] = False,
) -> None:
    """Measure a clip that comes with rotrack, and show what it found.

    The clip is a rendered person who rotates the left leg twice, outwards and inwards. It is logged apart from your own
    sessions, as are the made-up ones of --sessions.
    """
    if sessions:
        _demo_sessions(out or data_folder() / "demo-progress")
        return
    clip = Path(str(resources.files("rotrack").joinpath("media/demo.mp4")))
    _out.print("Measuring the demo clip: [bold]seated-combined[/bold], a rendered person, true peaks 22, 28, 30 and 35 degrees.")
    data = out or data_folder() / "demo"
    (outcome,) = _measure([Job(clip, "seated-combined", "both", data, "demo", model, annotate=True)])
    if outcome.session is None:
        raise outcome.error or InputError("The demo clip could not be measured; install rotrack again.")
    session = outcome.session
    plot = write_plot(session)
    print_session(session)
    _out.print(f"\nlog     {escape(str(data / 'reps.csv'))}", soft_wrap=True)
    _out.print(f"video   {escape(str(session.folder / VIDEO))}", soft_wrap=True)
    _out.print(f"plot    {escape(str(plot))}", soft_wrap=True)
    _out.print("\nNext: [bold]rotrack[/bold] opens the page that measures you, [bold]rotrack drills[/bold] lists the drills.")
    _out.print("[bold]rotrack demo --sessions[/bold] shows what weeks of measuring look like.")


def _demo_sessions(data: Path) -> None:
    """Write the made-up sessions and say how to look at them."""
    with _err.status("Making up sessions ..."):
        made_up = write_sample(data)
    folder = f'"{data}"' if " " in str(data) else str(data)
    _out.print(f"{times(len(made_up), 'session')} of {PERSON}, twelve weeks: nobody was measured. They lie apart from your own.")
    _out.print("\nLook at them:", soft_wrap=True)
    for command in ("progress", "report --person " + f'"{PERSON}"', "agreement"):
        _out.print(f"  [bold]rotrack {command} --out {escape(folder)}[/bold]", soft_wrap=True)


@app.command()
def analyze(
    videos: Annotated[
        list[Path], typer.Argument(help="One or more video files, or the folder of an archive.", metavar="VIDEO...")
    ],
    drill: Annotated[
        str, typer.Option("--drill", "-d", help="Drill id; `rotrack drills` lists them. A manifest may tell it instead.")
    ] = "",
    side: SideOption = "both",
    out: OutOption = None,
    person: PersonOption = "",
    model: ModelOption = "heavy",
    note: NoteOption = "",
    band: BandOption = "",
    load_kg: LoadOption = nan,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Also write the video with legs and angles.")] = False,
    plot: Annotated[
        bool | None,
        typer.Option("--plot/--no-plot", help="Also write the angle curve as a page; default: not for archives (5 MB each)."),
    ] = None,
    correct: CorrectOption = True,
    legnet: LegnetOption = True,
    calibration: CalibrationOption = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="What the videos of a folder are; manifest.csv in it without this.", metavar="FILE"),
    ] = None,
    dask: Annotated[
        str, typer.Option("--dask", help="Measure a folder on the workers of this Dask scheduler.", metavar="ADDRESS")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Measure videos, or a folder of them with a manifest, and log every repetition.

    Several videos are measured in parallel. Example: rotrack analyze monday.mp4 --drill seated-internal --person Ana

    A folder is an archive: its manifest.csv has a line per video, below file,person,drill,side,recorded_at. Wrong lines are told
    first and left out. What is in the log is skipped, so run it again whenever you like. Example: rotrack analyze clinic/
    """
    job = Job(Path(), drill, side, data_folder(out), person, model, note, video, correct, legnet, band=band, load_kg=load_kg)
    if any(path.is_dir() for path in videos):
        if len(videos) > 1:
            raise InputError("Give either one folder, which is an archive with a manifest, or videos.")
        job = replace(job, calibration=tuple(calibration or ()))
        analyze_archive(videos[0], manifest, dask, job, bool(plot), json)
        return
    if manifest or dask:
        raise InputError("--manifest and --dask are for the folder of an archive; give that instead of single videos.")
    if not drill:
        raise typer.BadParameter("say which one; `rotrack drills` lists them.", param_hint="'--drill' / '-d'")
    request = api.make_request(drill, side, out, person, note, correct, calibration or (), band, load_kg, legnet)
    find_model(model)
    if legnet:
        description()
    person = name_to_log(opened(out), person)
    jobs = [replace(job, video=path, calibration=request.calibration, person=person) for path in videos]
    outcomes = _measure(jobs, quiet=json)
    _report([_with_plot(outcome) for outcome in outcomes] if plot is not False else outcomes, json)


@app.command()
def remeasure(
    sessions: Annotated[list[Path], typer.Argument(help="Session folders.", metavar="SESSION...")],
    out: OutOption = None,
    legnet: Annotated[
        bool | None,
        typer.Option(
            "--legnet/--no-legnet",
            help="Count what the leg network said then, or measure by MediaPipe's landmarks alone; default: as it was measured.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Measure logged sessions again from their landmarks, without the video; the result is a new session.

    What the leg network said when the video was there counts again, unless --no-legnet is given.
    """
    data = opened(out)

    def again(folder: Path) -> Session:
        new = meant(data, read_record(folder).person)
        if new.similar:  # whose it is, the session says: that is not asked
            say_new(new.name, new.similar)
        return api.remeasure(folder, out=out, legnet=legnet)

    _report([attempt(folder, partial(again, folder)) for folder in sessions], json)


def _measure(jobs: list[Job], quiet: bool = False) -> list[Outcome]:
    """Measure videos behind one progress bar; repetitions of a single video are shown as they are found."""
    with progress_bar() as progress:
        what = f"{len(jobs)} videos" if len(jobs) > 1 else jobs[0].video.name
        task = progress.add_task(escape(what), total=count_frames(jobs))
        return run_jobs(
            jobs,
            lambda frames: progress.advance(task, frames),
            lambda rep: None if quiet else progress.console.print(rep_line(rep, load_table().drill(jobs[0].drill).tier)),
        )


def _with_plot(outcome: Outcome) -> Outcome:
    """Write the plot of a session; if that fails, the session is still to be shown."""
    try:
        if outcome.session:
            write_plot(outcome.session)
    except RecordError as error:
        return replace(outcome, error=error)
    return outcome


def _report(outcomes: list[Outcome], json: bool = False) -> None:
    """Show what became of each request, problems last in one sentence each, and end with the exit code for it."""
    if json:
        print(to_json(_document(outcomes)))
    for outcome in outcomes:
        if outcome.session is None:
            continue
        if json:
            for warning in outcome.session.warnings:
                _err.print(f"[yellow]{escape(outcome.source.name)}:[/] {escape(warning)}", soft_wrap=True)
        else:
            print_session(outcome.session)
            _out.print(f"  kept in {escape(str(outcome.session.folder))}", soft_wrap=True)
    for outcome in outcomes:
        if outcome.error:
            problem = str(outcome.error)
            name = "" if outcome.source.name in problem else f"{outcome.source.name}: "
            _err.print(f"[bold red]rotrack:[/] {escape(name + problem)}", soft_wrap=True)
    doubtful = any(o.session and o.session.warnings for o in outcomes)
    code = max((o.error.exit_code for o in outcomes if o.error), default=0) or (DOUBTFUL if doubtful else 0)
    if code:
        raise typer.Exit(code)


def _document(outcomes: list[Outcome]) -> dict[str, object]:
    return {
        "rotrack_version": metadata.version("rotrack"),
        "sessions": [{"video": str(o.source), **o.session.summary()} for o in outcomes if o.session],
        "problems": [{"video": str(o.source), "problem": str(o.error)} for o in outcomes if o.error],
    }


# ---------------------------------------------------------------------- live
@app.command()
def live(
    camera: Annotated[
        str,
        typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays as a camera would."),
    ] = "0",
    drill: DrillOption = "seated-combined",
    side: SideOption = "both",
    reps: Annotated[int, typer.Option("--reps", "-n", min=0, help="End after this many per side; 0: when you say so.")] = 0,
    out: OutOption = None,
    person: PersonOption = "",
    model: ModelOption = "heavy",
    note: NoteOption = "",
    band: BandOption = "",
    load_kg: LoadOption = nan,
    mirror: Annotated[bool, typer.Option("--mirror/--no-mirror", help="Show the picture as a mirror would.")] = True,
    calibration: CalibrationOption = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Also keep the video with legs and angles.")] = False,
    follow: FollowOption = "",
    legnet: LegnetOption = True,
) -> None:
    """Measure with a camera, in a window.

    Keys: q or Esc ends, m switches the mirror, n takes the neutral pose again. Closing the window ends too. The measurement
    never sees a mirrored picture.
    """
    request = api.make_request(
        drill, side, out, person, note, calibration=calibration or (), band=band, load_kg=load_kg, legnet=legnet
    )
    person_at = parse_follow(follow)
    model_file = find_model(model)
    if legnet:
        description()
    person = name_to_log(opened(out), person)
    request = replace(request, person=person)
    _err.print(f"{request.drill.title}. {request.drill.camera}", soft_wrap=True)
    _err.print("Hold still for a second in the starting position; the window shows when measuring begins.", soft_wrap=True)
    source: Source = Camera(camera)
    overlay = Overlay(request.drill, request.sides, mirror, KEYS)
    try:
        with Window(source.info.size_px) as window:
            told_slow = False
            known, source = beforehand.for_camera(source, camera, request.calibration, request.data, person)
            for text in known.notes:
                _err.print(escape(text), soft_wrap=True)
            for text in known.warnings:
                _err.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)

            def show(frame: Frame | None, step: Step, board: Scoreboard) -> api.Ask | None:
                nonlocal told_slow
                assert frame is not None
                for rep in step.reps:
                    _out.print(rep_line(rep, request.drill.tier))
                if not told_slow and board.duration_s > 5 and board.fps < LEAST_HZ:
                    told_slow = True
                    _err.print(escape(speed_advice(model, board.fps)), soft_wrap=True)
                key = window.show(overlay.draw(frame.rgb, step, board))
                if key is Key.MIRROR:
                    overlay.mirror = not overlay.mirror
                if key is Key.NEUTRAL:
                    return api.Ask.NEUTRAL
                enough = reps > 0 and all(board.count(s) >= reps for s in request.sides)
                return api.Ask.STOP if enough or key is Key.END else None

            session = api.measure(
                source, model_file, request, annotate=video, on_step=show, live=True, known=known, follow=person_at
            )
    finally:
        source.close()
    _report([Outcome(Path(camera), session)])


# ---------------------------------------------------------------------- what was logged
for _command in (history, progress, report, show, drop, note, delete):
    app.command()(_command)
app.command()(export)
app.command("import")(import_)
app.command()(agreement)
app.command()(doctor)


# ---------------------------------------------------------------------- drills, validate
@app.command()
def drills(drill: Annotated[str | None, typer.Argument(help="Explain this one.", metavar="ID")] = None) -> None:
    """List the drills, or explain one: steps, camera, what is measured and how well."""
    table = load_table()
    if drill:
        _explain(table.drill(drill))
        return
    for group in GROUPS:
        listing = Table(title=group, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2))
        for entry in table.drills.values():
            if entry.group == group:
                listing.add_row(f"[cyan]{entry.id}[/]", entry.title, f"[dim]{entry.tier}[/]")
        _out.print(listing)
    _out.print("\n" + "\n".join(f"[dim]{tier}[/]  {words}" for tier, words in TIERS.items()))
    _out.print("\n`rotrack drills ID` explains one. The everyday test is [cyan]seated-combined[/].")


def _explain(drill: Drill) -> None:
    table = load_table()
    steps = "\n".join(f"{n}. {escape(step)}" for n, step in enumerate(drill.steps, 1))
    _out.print(Panel(f"{escape(drill.summary)}\n\n{steps}", title=f"{drill.title}  ({drill.id})", title_align="left"))
    rows = Table(show_header=False, box=None, padding=(0, 2))
    rows.add_row("[bold]camera[/]", escape(drill.camera))
    measures = "counts" if is_counted(drill.tier) else "measures"
    rows.add_row(f"[bold]{measures}[/]", f"{escape(drill.measured)}; tier {drill.tier}: {TIERS[drill.tier]}")
    if is_counted(drill.tier):
        rows.add_row("[bold]one cycle[/]", "rest, roll and hold, rest")
    else:
        rows.add_row("[bold]one repetition[/]", "neutral, " + ", ".join(drill.directions) + ", neutral")
        unit = "" if is_index(drill.tier) else "\u00b0"
        ranges = [f"{d} {low:.0f} to {high:.0f}{unit}" for d, (low, high) in drill.range_deg.items()]
        rows.add_row("[bold]plausible index[/]" if is_index(drill.tier) else "[bold]plausible peaks[/]", ", ".join(ranges))
    watched = [table.faults[k] for k in drill.faults if drill.watches(table.faults[k])]
    blind = [table.faults[k] for k in drill.faults if not drill.watches(table.faults[k])]
    for fault in watched:
        effect = "left out of the session value" if fault.invalidates else "marked"
        rows.add_row(f"[bold]fault {fault.letter}[/]", f"{fault.title}, over {fault.limit:g} {fault.unit}: {effect}")
    if blind:
        rows.add_row("[bold]watch yourself[/]", "; ".join(f.title.lower() for f in blind) + " (not seen by rotrack yet)")
    if drill.note:
        rows.add_row("[bold]note[/]", escape(drill.note))
    if drill.without_legnet:
        rows.add_row("[bold]--no-legnet[/]", f"not measured then: {escape(drill.without_legnet)}")
    _out.print(rows)


@app.command()
def validate(
    truth: Annotated[Path, typer.Argument(help="Folder with manifest.csv, clips and NAME.gt.csv / NAME.gt.json.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file for the table, a row per clip and leg.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    only: Annotated[str, typer.Option("--only", help="Only clips or drills whose name holds this.")] = "",
    part: Annotated[
        str, typer.Option("--part", help="Only this part: tune or test in the public benchmark.", show_default=False)
    ] = "",
    model: ModelOption = "heavy",
    mirror: Annotated[bool, typer.Option("--mirror", help="Play every clip mirrored; sides must swap.")] = False,
    correct: CorrectOption = True,
    legnet: LegnetOption = True,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Clips at a time; default: one per core.", show_default=False)
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", help="Folder for what was found of each clip; default: `validated` in FOLDER.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the sessions here; a later run starts from their landmarks.")
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the errors per posture as tables for the docs.")] = False,
    short: Annotated[bool, typer.Option("--short", help="With --markdown: one table with few columns.")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="Table of an earlier run (--out): print both side by side.", metavar="FILE")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Measure clips whose true angles are known, and print the errors: per clip and leg, and per posture.

    Per clip and leg: bias, mean absolute error (MAE) and 95 % limits of agreement of the curve after the neutral zero, MAE
    of the peaks, repetitions found of the true ones and invented. Sides that do not move are in --out.

    End it whenever you like: started again, it goes on. What was found of each clip lies in the state folder, apart for each
    version of the code and its settings; delete what is to be measured anew.

    Example: rotrack validate benchmark --part test --out test.csv
    """
    if out:
        check_free(out, overwrite)
    before = read_before(against) if against else None
    with progress_bar() as progress:
        task = progress.add_task("validating", total=None)
        table = validate_folder(
            truth, model, only, mirror, correct, keep, legnet,
            on_total=lambda frames: progress.update(task, total=frames),
            on_frames=lambda frames: progress.advance(task, frames),
            part=part, state=state or truth / "validated", processes=jobs,
            on_clip=lambda done, of, line: progress.console.print(f"[dim]{done} of {of}[/]  {escape(line)}", soft_wrap=True),
            on_note=lambda text: progress.console.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True),
        )  # fmt: skip
    if json:
        print(to_json({"rotrack_version": metadata.version("rotrack"), **validation_report(table)}))
    elif before is not None:
        print(side_by_side(before, table, as_markdown))
    else:
        print(markdown(table, short) if as_markdown else describe(table))
    if out:
        write_table(table, out, overwrite)
        _err.print(f"written to {escape(str(out))}", soft_wrap=True)
