"""The commands that measure: demo, analyze, remeasure, live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from importlib import metadata, resources
from math import nan
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer
from rich.markup import escape

from rotrack.calibration import choice
from rotrack.cli import completion
from rotrack.cli.archive import analyze_archive
from rotrack.cli.check import parse_follow
from rotrack.cli.console import ask_if_clock_is_behind, name_to_log, opened, progress_bar, say_new
from rotrack.cli.options import (
    BandOption,
    CalibrationOption,
    CorrectOption,
    DrillOption,
    FollowOption,
    LegnetOption,
    LoadOption,
    ModelOption,
    NoteOption,
    OutOption,
    PersonOption,
    RemeasureOption,
    SessionsArgument,
    SideOption,
)
from rotrack.cli.printing import print_session, rep_line, write_plot
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.drills import load_table
from rotrack.core.errors import DOUBTFUL, InputError, RecordError, RotrackError, StoppedError
from rotrack.core.model import Frame, Step
from rotrack.core.rates import LEAST_HZ
from rotrack.draw.overlay import Overlay
from rotrack.draw.window import KEYS, Key, Window
from rotrack.measure import run
from rotrack.measure.batch import Job, Outcome, attempt, count_frames, run_jobs, was_stopped
from rotrack.people.names import meant
from rotrack.progress.sample import PERSON, write_sample
from rotrack.records.days import iso_of
from rotrack.records.folders import data_folder
from rotrack.records.record import read_record
from rotrack.records.session import VIDEO, Session
from rotrack.records.store import find_session
from rotrack.sensing.landmarker import find_model, speed_advice
from rotrack.sensing.legnet import description
from rotrack.sensing.recorded import Recorded, Told, when_recorded
from rotrack.sensing.sources import Camera, Source, VideoFile
from rotrack.system.clock import SYSTEM
from rotrack.system.inputs import time_of
from rotrack.texts.numbers import times, to_json
from rotrack.tracking.scoreboard import Scoreboard


# ---------------------------------------------------------------------- demo, analyze, remeasure
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
    OUT.print("Measuring the demo clip: [bold]seated-combined[/bold], a rendered person, true peaks 22, 28, 30 and 35 degrees.")
    data = out or data_folder() / "demo"
    (outcome,) = _measure([Job(clip, "seated-combined", "both", data, "demo", model, annotate=True)])
    if outcome.session is None:
        raise outcome.error or InputError("The demo clip could not be measured; install rotrack again.")
    if was_stopped(outcome):
        _report([outcome])
    session = outcome.session
    plot = write_plot(session)
    print_session(session)
    OUT.print(f"\nlog     {escape(str(data / 'reps.csv'))}", soft_wrap=True)
    OUT.print(f"video   {escape(str(session.folder / VIDEO))}", soft_wrap=True)
    OUT.print(f"plot    {escape(str(plot))}", soft_wrap=True)
    OUT.print("\nNext: [bold]rotrack[/bold] opens the page that measures you, [bold]rotrack drills[/bold] lists the drills.")
    OUT.print("[bold]rotrack demo --sessions[/bold] shows what weeks of measuring look like.")


def _demo_sessions(data: Path) -> None:
    """Write the made-up sessions and say how to look at them."""
    with ERR.status("Making up sessions ..."):
        made_up = write_sample(data)
    folder = f'"{data}"' if " " in str(data) else str(data)
    OUT.print(f"{times(len(made_up), 'session')} of {PERSON}, twelve weeks: nobody was measured. They lie apart from your own.")
    OUT.print("\nLook at them:", soft_wrap=True)
    for command in ("progress", "report --person " + f'"{PERSON}"', "agreement"):
        OUT.print(f"  [bold]rotrack {command} --out {escape(folder)}[/bold]", soft_wrap=True)


def analyze(
    videos: Annotated[
        list[Path], typer.Argument(help="One or more video files, or the folder of an archive.", metavar="VIDEO...")
    ],
    drill: Annotated[
        str,
        typer.Option(
            "--drill",
            "-d",
            help="Drill id; `rotrack drills` lists them. A manifest may tell it instead.",
            autocompletion=completion.drills,
        ),
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
    rotate: Annotated[
        int, typer.Option("--rotate", help="Turn the pictures clockwise: 90, 180 or 270 degrees.", metavar="DEGREES")
    ] = 0,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="The video shows everything mirrored; put left and right right.")
    ] = False,
    calibration: CalibrationOption = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="What the videos of a folder are; manifest.csv in it without this.", metavar="FILE"),
    ] = None,
    dask: Annotated[
        str, typer.Option("--dask", help="Measure a folder on the workers of this Dask scheduler.", metavar="ADDRESS")
    ] = "",
    recorded_at: Annotated[
        str,
        typer.Option(
            "--recorded-at",
            help="When the video was recorded: 2026-01-31, or with a time, 2026-01-31 17:30. Default: as the file says.",
            metavar="DATE",
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    remeasure: RemeasureOption = True,
) -> None:
    """Measure videos, or a folder of them with a manifest, and log every repetition.

    Several videos are measured in parallel. Example: rotrack analyze monday.mp4 --drill seated-internal --person Ana

    A session is dated by its video: --recorded-at, else as the file says, else by when the file was last changed. Which it is, is
    told.

    A folder is an archive: its manifest.csv has a line per video, below file,person,drill,side,recorded_at. Wrong lines are told
    first and left out. What is in the log is skipped, so run it again whenever you like. Example: rotrack analyze clinic/
    """
    job = Job(Path(), drill, side, data_folder(out), person, model, note, video, correct, legnet, band=band, load_kg=load_kg)
    job = replace(job, rotate=rotate, mirrored=mirrored)
    if any(re.match(r"[a-z][a-z0-9+.-]+:/", str(path), re.IGNORECASE) and not path.exists() for path in videos):
        raise InputError("An address is no video file. `rotrack live --camera ADDRESS` measures a camera in the network.")
    said = _time_said(recorded_at) if recorded_at else None
    if said and (len(videos) > 1 or videos[0].is_dir()):
        raise InputError("--recorded-at dates one video; a manifest dates many: `rotrack analyze FOLDER`.")
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
    request = run.make_request(
        drill, side, out, person, note, correct, calibration or (), band, load_kg, legnet, rotate, mirrored
    )
    find_model(model)
    if legnet:
        description()
    person = name_to_log(opened(out, remeasure), person)
    dated = {path: Recorded(said, Told.SAID) if said else when_recorded(path) for path in videos}
    jobs = [
        replace(job, video=path, calibration=request.calibration, person=person, recorded_at=dated[path].at) for path in videos
    ]
    outcomes = _measure(jobs, quiet=json)
    _report([_with_plot(outcome) for outcome in outcomes] if plot is not False else outcomes, json, dated)


def _time_said(text: str) -> datetime:
    """Return when somebody says that a video was recorded; a day alone begins at midnight."""
    try:
        time = time_of(iso_of(" ".join(text.split())))
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"--recorded-at cannot be read: {error}.") from error
    if time > SYSTEM.now() + timedelta(days=1):
        raise InputError(f"--recorded-at {text} is in the future; check the date.")
    return time


def _how_dated(name: str, found: Recorded) -> str:
    """Return by what a session is dated, in words."""
    when = f"{found.at:%Y-%m-%d %H:%M} (UTC{found.at.isoformat()[-6:]})"
    return {
        Told.SAID: f"dated {when}, as you said",
        Told.IN_FILE: f"recorded {when}, as {name} says",
        Told.LAST_CHANGED: f"dated {when}, when {name} was last changed; --recorded-at says otherwise",
        Told.NOTHING: f"dated now, {when}, since {name} does not say when it was recorded; --recorded-at does",
    }[found.told]


def remeasure(
    sessions: SessionsArgument,
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
    """Measure logged sessions again from their landmarks, without the video.

    The result is a new session. What the leg network said when the video was there counts again, unless --no-legnet is given.
    """
    data = opened(out)

    def again(name: str) -> Session:
        folder = Path(name) if Path(name).is_dir() or Path(name).name != name else find_session(data, name)
        new = meant(data, read_record(folder).person)
        if new.similar:  # whose it is, the session says: that is not asked
            say_new(new.name, new.similar)
        return run.remeasure(folder, out=out, legnet=legnet)

    outcomes: list[Outcome] = []
    for name in sessions:
        outcomes.append(attempt(Path(name), partial(again, name)))
        if was_stopped(outcomes[-1]):
            break
    _report(outcomes, json)


def _measure(jobs: list[Job], quiet: bool = False) -> list[Outcome]:
    """Measure videos behind one progress bar; repetitions of a single video are shown as they are found."""
    with progress_bar() as progress:
        what = f"{len(jobs)} videos" if len(jobs) > 1 else jobs[0].video.name
        task = progress.add_task(escape(what), total=count_frames(jobs))
        return run_jobs(
            jobs,
            lambda frames: progress.advance(task, frames),
            lambda rep: (
                None if quiet else progress.console.print(rep_line(rep, load_table().drill(jobs[0].drill).tier), soft_wrap=True)
            ),
        )


def _with_plot(outcome: Outcome) -> Outcome:
    """Write the plot of a session; if that fails, the session is still to be shown."""
    try:
        if outcome.session:
            write_plot(outcome.session)
    except RecordError as error:
        return replace(outcome, error=error)
    return outcome


def _report(outcomes: list[Outcome], json: bool = False, dated: Mapping[Path, Recorded] = MappingProxyType({})) -> None:
    """Show what became of each request, problems last in one sentence each, and end with the exit code for it."""
    if json:
        print(to_json(_document(outcomes, dated)))
    for outcome in outcomes:
        if outcome.session is None:
            continue
        if json:
            for warning in outcome.session.warnings:
                ERR.print(f"[yellow]{escape(outcome.source.name)}:[/] {escape(warning)}", soft_wrap=True)
        else:
            print_session(outcome.session)
            if outcome.source in dated:
                OUT.print(escape(f"  {_how_dated(outcome.source.name, dated[outcome.source])}"), soft_wrap=True)
            OUT.print(f"  kept in {escape(str(outcome.session.folder))}", soft_wrap=True)
    for outcome in outcomes:
        if outcome.error:
            problem = str(outcome.error)
            name = "" if outcome.source.name in problem else f"{outcome.source.name}: "
            ERR.print(f"[bold red]rotrack:[/] {escape(name + problem)}", soft_wrap=True)
    stopped = [outcome.session for outcome in outcomes if outcome.session and was_stopped(outcome)]
    for session in stopped:
        ERR.print(escape(f"{_stopped_after(session, outcomes)}; kept as {session.id}."), soft_wrap=True)
    doubtful = any(o.session and o.session.warnings for o in outcomes)
    code = max((o.error.exit_code for o in outcomes if o.error), default=0) or (DOUBTFUL if doubtful else 0)
    if stopped:
        code = StoppedError.exit_code
    if code:
        raise typer.Exit(code)


def _stopped_after(session: Session, outcomes: list[Outcome]) -> str:
    """Return how far the measuring of a session came until Ctrl-C."""
    announced = 0
    with suppress(RotrackError):
        announced = VideoFile.probe(next(o.source for o in outcomes if o.session is session)).frames
    frames = session.record.frames
    return f"Stopped after {f'{frames} of ' if announced >= frames else ''}{times(max(announced, frames), 'frame')}"


def _document(outcomes: list[Outcome], dated: Mapping[Path, Recorded]) -> dict[str, object]:
    by = {path: {"dated_by": found.told} for path, found in dated.items()}
    return {
        "rotrack_version": metadata.version("rotrack"),
        "sessions": [{"video": str(o.source), **o.session.summary(), **by.get(o.source, {})} for o in outcomes if o.session],
        "problems": [{"video": str(o.source), "problem": str(o.error)} for o in outcomes if o.error],
    }


# ---------------------------------------------------------------------- live
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
    remeasure: RemeasureOption = True,
) -> None:
    """Measure with a camera, in a window.

    Keys: q or Esc ends, m switches the mirror, n takes the neutral pose again. Closing the window ends too. The measurement
    never sees a mirrored picture.
    """
    request = run.make_request(
        drill, side, out, person, note, calibration=calibration or (), band=band, load_kg=load_kg, legnet=legnet
    )
    person_at = parse_follow(follow)
    model_file = find_model(model)
    if legnet:
        description()
    data = opened(out, remeasure)
    ask_if_clock_is_behind(data)
    person = name_to_log(data, person)
    request = replace(request, person=person)
    ERR.print(f"{request.drill.title}. {request.drill.camera}", soft_wrap=True)
    ERR.print("Hold still for a second in the starting position; the window shows when measuring begins.", soft_wrap=True)
    source: Source = Camera(camera)
    overlay = Overlay(request.drill, request.sides, mirror, KEYS)
    try:
        with Window(source.info.size_px) as window:
            told_slow = False
            known, source = choice.for_camera(source, camera, request.calibration, request.data, person)
            for text in known.notes:
                ERR.print(escape(text), soft_wrap=True)
            for text in known.warnings:
                ERR.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)

            def show(frame: Frame | None, step: Step, board: Scoreboard) -> run.Ask | None:
                nonlocal told_slow
                assert frame is not None
                for rep in step.reps:
                    OUT.print(rep_line(rep, request.drill.tier), soft_wrap=True)
                if not told_slow and board.duration_s > 5 and board.fps < LEAST_HZ:
                    told_slow = True
                    ERR.print(escape(speed_advice(model, board.fps)), soft_wrap=True)
                key = window.show(overlay.draw(frame.rgb, step, board))
                if key is Key.MIRROR:
                    overlay.mirror = not overlay.mirror
                if key is Key.NEUTRAL:
                    return run.Ask.NEUTRAL
                enough = reps > 0 and all(board.count(s) >= reps for s in request.sides)
                return run.Ask.STOP if enough or key is Key.END else None

            session = run.measure(
                source, model_file, request, annotate=video, on_step=show, live=True, known=known, follow=person_at
            )
    finally:
        source.close()
    _report([Outcome(Path(camera), session)])
