"""The commands `rotrack calibrate ...`: open camera and window, feed the learners of `rotrack.calibration`, keep the profile."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from rotrack.calibration import choice
from rotrack.calibration.board import WANTED_TILTS, WANTED_VIEWS, LensLearner
from rotrack.calibration.personal_session import DRILL, PersonalSession
from rotrack.calibration.profiles import FloorProfile, Known, LensProfile, PersonalProfile, Profile, new_name, write_profile
from rotrack.calibration.sheet import SheetWatcher, gray_of
from rotrack.cli import completion
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.drills import load_table, parse_sides
from rotrack.core.errors import CalibrationError
from rotrack.core.model import CONVENTION_VERSION, Frame
from rotrack.draw.guide import Guidance, Guide
from rotrack.draw.window import Key, Window
from rotrack.kinematics.camera import Calibration
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.sources import Camera, Source, VideoFile
from rotrack.system.clock import SYSTEM
from rotrack.texts import Texts

KEYS = "q end   f full screen   m mirror"
BELL = "\a"

app = typer.Typer(
    help=(
        "Calibrate the lens, the floor or your feet; most seated drills do not need it.\n\n"
        "[bold]camera[/bold] finds the lens (once per camera), [bold]floor[/bold] the direction of gravity (after every move of "
        "the camera), [bold]personal[/bold] how your own feet turn (for standing drills). [bold]print[/bold] makes the sheets."
    ),
    rich_markup_mode="rich",
    no_args_is_help=True,
)

CameraOption = Annotated[
    str,
    typer.Option("--camera", "-c", help="Number, part of the name, address, or a video that plays as a camera would."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for the profile; default: `calibration` in your data folder.")
]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=1, help="Give up after this many seconds.")]
WindowOption = Annotated[
    bool,
    typer.Option("--window/--no-window", help="Show a window. Without one, a video is read as fast as possible."),
]
ProfilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration", help="Profile to build on: a name, a file or a folder, several allowed; or none.", metavar="NAME"
    ),
]


@app.command("print")
def print_sheets(
    paper: Annotated[str, typer.Option("--paper", help="a4 or letter.")] = "a4",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
) -> None:
    """Write board, floor sheet and rays as PDF, to be printed at 100 %."""
    from rotrack.calibration.printing import write_sheets  # its library is slow to load, and only needed here

    for path in write_sheets(out, paper.lower(), overwrite):
        OUT.print(escape(str(path)), soft_wrap=True)
    OUT.print("Print at 100 % (not fitted to the page) and check the ruler on each page.")


@app.command()
def camera(
    camera: CameraOption = "0", out: OutOption = None, timeout: TimeoutOption = 300.0, window: WindowOption = True
) -> None:
    """Calibrate the lens of a camera with the printed board, once per camera and picture size.

    Show the board and hold it still. rotrack takes every view by itself, and the window says what is still missing.
    """
    with _looking(camera, window) as look:
        learner = LensLearner(look.size_px)

        def step(frame: Frame) -> tuple[Guidance, bool]:
            taken = learner.update(frame.time_s, gray_of(frame.rgb))
            if taken:
                look.beep()
            state = (
                f"views {learner.views} of {WANTED_VIEWS}     parts of the picture {int(learner.covered.sum())} of "
                f"{learner.covered.size}     tilts {min(learner.tilts, WANTED_TILTS)} of {WANTED_TILTS}"
            )
            points = learner.view.image_px if learner.view else None
            good = learner.done or learner.taken
            guidance = Guidance(
                "Lens", learner.advice, state, learner.share, points, covered=learner.covered, flash=taken, good=good
            )
            return guidance, learner.done

        look.run(step, timeout)
        found = learner.result()
    made = SYSTEM.now().replace(microsecond=0)
    profile = LensProfile(
        new_name("camera", look.identity, made), made, look.identity, look.size_px, found.lens, found.residual_px, found.views
    )
    wide_deg = 2 * np.degrees(np.arctan(look.size_px[0] / 2 / found.lens.matrix[0, 0]))
    _keep(
        profile,
        out,
        f"Lens: field of view {wide_deg:.1f}\u00b0 across, corners within {found.residual_px:.2f} px, {found.views} views.",
    )


@app.command()
def floor(
    camera: CameraOption = "0",
    paper: Annotated[str, typer.Option("--paper", help="a4, letter, or auto: whichever fits.")] = "auto",
    out: OutOption = None,
    timeout: TimeoutOption = 60.0,
    window: WindowOption = True,
    calibration: ProfilesOption = None,
) -> None:
    """Find the direction of gravity and the height of the camera with the printed floor sheet, after every move of the camera.

    It uses the lens that `rotrack calibrate camera` found. Without one, it assumes the field of view and is less certain.
    """
    with _looking(camera, window) as look:
        known = _lens_of(look.known(calibration, ""))
        watcher = SheetWatcher(known.lens_for(look.size_px), paper.lower())

        def step(frame: Frame) -> tuple[Guidance, bool]:
            found = watcher.update(frame)
            outlines = list(watcher.markers.values())
            state = f"markers {len(outlines)} of 4" if not found else _floor_words(found.floor.pitch_deg, found.floor.height_m)
            guidance = Guidance(
                "Floor", watcher.advice, state, watcher.share, outlines_px=outlines, flash=bool(found), good=len(outlines) == 4
            )
            return guidance, found is not None

        look.run(step, timeout)
        found = watcher.found
        if found is None:
            raise CalibrationError(watcher.missing)
        look.beep()
    made = SYSTEM.now().replace(microsecond=0)
    profile = FloorProfile(
        new_name("floor", look.identity, made), made, look.identity, look.size_px, found.floor, found.residual_px,
        found.distance_m, found.paper, known.names.get("camera", "assumed"),
    )  # fmt: skip
    lens = (
        "with your lens profile"
        if known.lens
        else "with an assumed field of view: `rotrack calibrate camera` makes it more certain"
    )
    _keep(
        profile,
        out,
        f"Floor: {_floor_words(found.floor.pitch_deg, found.floor.height_m)}, {found.distance_m:.2f} m from the sheet "
        f"({found.paper}); certain to within {found.floor.tilt_sd_deg:.1f}\u00b0, {lens}.",
    )


def _floor_words(pitch_deg: float, height_m: float) -> str:
    return f"the camera stands {100 * height_m:.0f} cm high and looks down by {pitch_deg:.1f}\u00b0"


def _lens_of(known: Known) -> Calibration:
    """Return the lens alone, for finding a floor."""
    names = {kind: name for kind, name in known.calibration.names.items() if kind == "camera"}
    return Calibration(known.calibration.lens, names=names)


@app.command()
def personal(
    person: Annotated[str, typer.Option("--person", "-p", help="Whose feet.", autocompletion=completion.people)],
    side: Annotated[str, typer.Option("--side", "-s", help="left, right or both: the subject's own side.")] = "both",
    camera: CameraOption = "0",
    model: Annotated[str, typer.Option("--model", "-m", help="heavy (best), full (faster), or a .task file.")] = "heavy",
    out: OutOption = None,
    timeout: TimeoutOption = 180.0,
    window: WindowOption = True,
    calibration: ProfilesOption = None,
    rays: Annotated[str, typer.Option("--rays", help="Degrees outward, if you do not use the printed rays.")] = "30,45",
    delay: Annotated[float, typer.Option("--delay", min=0, help="Seconds to walk to the pages; only with a window.")] = 5.0,
) -> None:
    """Learn how far your feet really turn per degree that rotrack reads, with the printed rays. For standing drills.

    Stand with both feet along 0, hands free. Lay one foot flat along 30, then 45 degrees, two seconds each; then the other one.
    A sound follows every hold. The key n begins again.
    """
    sides, targets_deg = parse_sides(side), _targets(rays)
    if not person.strip():
        raise CalibrationError("Say whose feet these are: --person NAME.")
    with _looking(camera, window) as look:
        known = look.known(calibration, "")
        base = Calibration(known.calibration.lens, known.calibration.floor, {}, dict(known.calibration.names))
        base.names.pop("personal", None)
        session = PersonalSession(sides, base, targets_deg)
        with Landmarker(find_model(model)) as landmarker:

            def step(frame: Frame) -> tuple[Guidance, bool]:
                if window and frame.time_s < delay:
                    return Guidance("Your feet", f"Go and stand on the pages: {delay - frame.time_s:.0f} s.", good=True), False
                before = session.events
                guidance = session.update(frame, landmarker)
                if session.events > before:
                    look.beep()
                return guidance, session.done

            look.run(step, timeout, session.begin_again)
        gains = session.gains()
    made = SYSTEM.now().replace(microsecond=0)
    drill = load_table().drill(DRILL)
    profile = PersonalProfile(
        new_name("personal", person, made), made, look.identity, look.size_px, person, gains, str(drill.measure),
        CONVENTION_VERSION, str(base.level),
    )  # fmt: skip
    missed = ", ".join(f"{side} {gains[side].residual_deg:.1f}\u00b0" for side in sides)
    _keep(profile, out, f"{person}: angles of standing drills x {gains[sides[0]].gain:.2f}; the rays are missed by {missed}.")


def _targets(rays: str) -> tuple[float, ...]:
    """Return rays that are given as "30,45" as rotations, internal positive."""
    try:
        degrees = [float(part) for part in rays.split(",")]
    except ValueError:
        degrees = []
    if not degrees or any(b - a < 10 for a, b in pairwise([0.0, *degrees])) or degrees[-1] > 75:
        raise CalibrationError(
            f"The rays '{rays}' must be degrees like 30,45: each at least 10 more than the one before, at most 75."
        )
    return tuple(-angle for angle in degrees)


# ---------------------------------------------------------------------- camera and window
class _Looking:
    """A camera or video that is looked at, with or without a window."""

    def __init__(self, spec: str, source: Source, window: Window | None) -> None:
        self._spec, self._source, self._window = spec, source, window
        self.identity = choice.camera_identity(spec)
        self.size_px = source.info.size_px

    def known(self, wanted: list[str] | None, person: str) -> Known:
        """Return what is known of this camera by now, and say it."""
        known = choice.of_camera(self._spec, self.size_px, wanted or (), choice.profiles_folder(), person)
        for told in (*known.notes, *known.warnings):
            ERR.print(escape(Texts().said(told)), soft_wrap=True)
        return known

    def beep(self) -> None:
        """Make a sound, if there is somebody who waits for it."""
        if self._window:
            ERR.file.write(BELL)
            ERR.file.flush()

    def run(
        self, step: Callable[[Frame], tuple[Guidance, bool]], timeout_s: float, begin_again: Callable[[], None] | None = None
    ) -> None:
        """Feed frames to `step` and show what it returns, until it is done, the person ends it, or the time is up."""
        guide = Guide(keys=KEYS + ("   n begin again" if begin_again else ""))
        said = ""
        with closing(_frames(self._source)) as frames:
            for frame in frames:
                guidance, done = step(frame)
                if guidance.sentence != said and self._window:
                    said = guidance.sentence
                    ERR.print(escape(said), soft_wrap=True)
                key = self._window.show(guide.draw(frame.rgb, guidance)) if self._window else Key.NONE
                if key is Key.MIRROR:
                    guide.mirror = not guide.mirror
                if key is Key.NEUTRAL and begin_again:
                    begin_again()
                if done or key is Key.END or frame.time_s > timeout_s:
                    break


def _frames(source: Source) -> Generator[Frame]:
    yield from source


@contextmanager
def _looking(spec: str, window: bool) -> Generator[_Looking]:
    source: Source = Camera(spec) if window or not Path(spec).is_file() else VideoFile(Path(spec))
    try:
        if window:
            with Window(source.info.size_px, "calibrate without one: --no-window") as shown:
                yield _Looking(spec, source, shown)
        else:
            yield _Looking(spec, source, None)
    finally:
        source.close()


def _keep(profile: Profile, out: Path | None, words: str) -> None:
    path = write_profile(profile, out or choice.profiles_folder())
    OUT.print(escape(words), soft_wrap=True)
    OUT.print(f"  kept in {escape(str(path))}", soft_wrap=True)
