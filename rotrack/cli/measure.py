"""The commands that measure: demo, analyze, remeasure, live."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer
from rich.markup import escape

from rotrack.calibration import choice
from rotrack.cli.archive import analyze_archive
from rotrack.cli.console import ask_if_clock_is_behind, name_to_log, opened, progress_bar, say_new, warn_of
from rotrack.cli.options import (
    CameraOption,
    JsonOption,
    OutOption,
    RemeasureOption,
    SessionsArgument,
    with_request,
)
from rotrack.cli.printing import print_session, rep_line, write_plot
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.errors import DOUBTFUL, InputError, RecordError, RotrackError, StoppedError
from rotrack.core.model import Frame, Step
from rotrack.core.rates import LEAST_HZ
from rotrack.draw.overlay import Overlay
from rotrack.draw.window import KEYS, Key, Window
from rotrack.measure import film, run
from rotrack.measure.batch import Job, Outcome, attempt, count_frames, run_jobs, was_stopped
from rotrack.measure.request import Request
from rotrack.people.names import meant
from rotrack.progress.sample import PERSON, write_sample
from rotrack.records.people import aims_of, care_of, goals
from rotrack.records.record import read_record
from rotrack.records.session import VIDEO, Session
from rotrack.records.store import find_session
from rotrack.sensing.landmarker import find_model, speed_advice
from rotrack.sensing.legnet import description
from rotrack.sensing.recorded import Recorded, Told, when_recorded
from rotrack.sensing.sources import Camera, Source, VideoFile
from rotrack.texts import Texts
from rotrack.texts.numbers import times, to_json
from rotrack.tracking.limit import passed_deg
from rotrack.tracking.scoreboard import Scoreboard


# ---------------------------------------------------------------------- demo, analyze, remeasure
@with_request("out", "model")
def demo(
    request: Request,
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Write twelve weeks of made-up sessions instead, to try progress and report with.")
    ] = False,
) -> None:
    """Measure a clip that comes with rotrack, and show what it found.

    The clip is a rendered person who rotates the left leg twice, outwards and inwards. Its session, and the made-up ones of
    --sessions, are kept apart from your own.
    """
    if sessions:
        _demo_sessions(request.data if request.out else request.data / "demo-progress")
        return
    clip = Path(str(resources.files("rotrack").joinpath("media/demo.mp4")))
    OUT.print("Measuring the demo clip: [bold]seated-combined[/bold], a rendered person, true peaks 22, 28, 30 and 35 degrees.")
    data = request.data if request.out else request.data / "demo"
    request = request.but(drill="seated-combined", out=data, person="demo", annotate=True)
    (outcome,) = _measure([Job(clip, request)])
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
    OUT.print(
        f"{times(len(made_up), 'session')} of {PERSON}, twelve weeks: nobody was measured. They are kept apart from your own."
    )
    OUT.print("\nLook at them:", soft_wrap=True)
    for command in ("progress", "report --person " + f'"{PERSON}"', "agreement"):
        OUT.print(f"  [bold]rotrack {command} --out {escape(folder)}[/bold]", soft_wrap=True)


@with_request()
def analyze(
    videos: Annotated[
        list[Path], typer.Argument(help="One or more video files, or the folder of an archive.", metavar="VIDEO...")
    ],
    request: Request,
    plot: Annotated[
        bool | None,
        typer.Option("--plot/--no-plot", help="Also write the angle curve as a page; default: not for archives (5 MB each)."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="Table of the videos of a folder; default: manifest.csv in it.", metavar="FILE"),
    ] = None,
    dask: Annotated[
        str, typer.Option("--dask", help="Measure a folder on the workers of this Dask scheduler.", metavar="ADDRESS")
    ] = "",
    json: JsonOption = False,
    remeasure: RemeasureOption = True,
) -> None:
    """Measure videos, or a folder of them with a manifest, and log every repetition.

    Several videos are measured in parallel. Example: rotrack analyze monday.mp4 --drill seated-internal --person Ana

    The date of a session comes from --recorded-at, else from the video file, else from when the file was last changed. rotrack
    says which.

    A folder is an archive: its manifest.csv has a line per video, below file,person,drill,side,recorded_at. Lines with errors
    are listed first and skipped. So are videos that are in the log already. Run it again whenever you like. Example: rotrack
    analyze clinic/
    """
    if any(re.match(r"[a-z][a-z0-9+.-]+:/", str(path), re.IGNORECASE) and not path.exists() for path in videos):
        raise InputError("An address is no video file. `rotrack live --camera ADDRESS` measures a camera in the network.")
    said = request.recorded_at
    if said and (len(videos) > 1 or videos[0].is_dir()):
        raise InputError("--recorded-at dates one video; a manifest dates many: `rotrack analyze FOLDER`.")
    if any(path.is_dir() for path in videos):
        if len(videos) > 1:
            raise InputError("Give either one folder, which is an archive with a manifest, or videos.")
        analyze_archive(videos[0], manifest, dask, request, bool(plot), json)
        return
    if manifest or dask:
        raise InputError("--manifest and --dask are for the folder of an archive; give that instead of single videos.")
    if not request.drill:
        raise typer.BadParameter("say which one; `rotrack drills` lists them.", param_hint="'--drill' / '-d'")
    request = request.checked()
    find_model(request.model)
    if request.legnet:
        description()
    request = request.but(person=name_to_log(opened(request.data, remeasure), request.person))
    dated = {path: Recorded(said, Told.SAID) if said else when_recorded(path) for path in videos}
    jobs = [Job(path, request.but(recorded_at=dated[path].at)) for path in videos]
    outcomes = _measure(jobs, quiet=json)
    _report([_with_plot(outcome) for outcome in outcomes] if plot is not False else outcomes, json, dated)


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
            help="Use what the leg network saw then, or MediaPipe's landmarks alone; default: as it was measured.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure logged sessions again from their landmarks, without the video.

    The result is a new session. It uses what the leg network saw in the video at the time, unless you give --no-legnet.
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
                None if quiet else progress.console.print(rep_line(rep, jobs[0].request.drill_record.tier), soft_wrap=True)
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
@with_request(leave_out=("correct", "rotate", "mirrored", "from_s", "to_s", "speed", "recorded_at"), drill="seated-combined")
def live(
    camera: CameraOption = "0",
    reps: Annotated[int, typer.Option("--reps", "-n", min=0, help="End after this many repetitions per side; 0: never.")] = 0,
    *,
    request: Request,
    mirror: Annotated[bool, typer.Option("--mirror/--no-mirror", help="Show the picture as a mirror would.")] = True,
    remeasure: RemeasureOption = True,
) -> None:
    """Measure with a camera, in a window.

    Keys: q or Esc ends, f shows the window on the whole screen, m switches the mirror, n takes the neutral pose again. Closing
    the window ends the session, too. rotrack mirrors only the picture that it shows, never the one that it measures.
    """
    request = request.checked()
    asked = request.drill_record
    model_file = find_model(request.model)
    if request.legnet:
        description()
    data = opened(request.data, remeasure)
    ask_if_clock_is_behind(data)
    request = request.but(person=name_to_log(data, request.person))
    care = care_of(data, request.person, asked)
    warn_of(care, asked.title)
    ERR.print(f"{asked.title}. {asked.camera}", soft_wrap=True)
    ERR.print("Hold still for a second in the starting position; the window shows when measuring begins.", soft_wrap=True)
    source: Source = Camera(camera)
    aims = aims_of(goals(data, request.person), asked, request.sides)
    overlay = Overlay(asked, request.sides, mirror, KEYS, care.most_deg, aims)
    try:
        with Window(source.info.size_px) as window:
            told_slow, beyond_deg = False, math.nan
            known, source = choice.for_camera(source, camera, request.profiles, data, request.person)
            for note in known.notes:
                ERR.print(escape(Texts().said(note)), soft_wrap=True)
            for warning in known.warnings:
                ERR.print(f"[yellow]Note:[/] {escape(Texts().said(warning))}", soft_wrap=True)

            def show(frame: Frame | None, step: Step, board: Scoreboard) -> run.Ask | None:
                nonlocal told_slow, beyond_deg
                assert frame is not None
                for rep in step.reps:
                    OUT.print(rep_line(rep, asked.tier), soft_wrap=True)
                if not told_slow and board.duration_s > 5 and board.fps < LEAST_HZ:
                    told_slow = True
                    if advice := speed_advice(request.model, board.fps):
                        ERR.print(escape(Texts().said(advice)), soft_wrap=True)
                before_deg, beyond_deg = beyond_deg, passed_deg(step, care.most_deg)
                if math.isfinite(beyond_deg) and not math.isfinite(before_deg):
                    ERR.bell()
                    ERR.print(f"[bold red]{Texts()('say.too_far', degrees=round(beyond_deg))}[/]")
                key = window.show(overlay.draw(frame.rgb, step, board))
                if key is Key.MIRROR:
                    overlay.mirror = not overlay.mirror
                if key is Key.NEUTRAL:
                    return run.Ask.NEUTRAL
                enough = reps > 0 and all(board.complete(s, asked.directions) >= reps for s in request.sides)
                return run.Ask.STOP if enough or key is Key.END else None

            kept = film.annotated(request)
            session = run.measure(source, model_file, request, show, True, known, observe=kept)
    finally:
        source.close()
    _report([Outcome(Path(camera), session)])
