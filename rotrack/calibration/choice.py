"""What is known before the first frame: joins the profiles on disk, the camera's identity and the sheet in the picture."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from rotrack.calibration.profiles import NONE, SHEET_IN_PICTURE, Known, choose, find_profiles, read_folder
from rotrack.calibration.sheet import floor_in_recording, floor_moved
from rotrack.core.errors import CalibrationError, SourceError
from rotrack.core.messages import Message, say
from rotrack.core.model import Frame
from rotrack.records.folders import data_folder
from rotrack.sensing.sources import Source, VideoFile, list_cameras
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.inputs import masked

LOOK_S = 1.5
"""How long a camera is looked through for the sheet before measuring, if a floor profile is to be used."""


def profiles_folder(data: Path | None = None) -> Path:
    """Return where calibration profiles are kept: the given data folder's `calibration`, or the person's own."""
    return data_folder(data) / "calibration"


def camera_identity(spec: str) -> str:
    """Return what a camera says of itself: its name, for a number; else the address or file name."""
    if spec.isdigit():
        return next((c.name for c in list_cameras() if c.index == int(spec)), f"camera {spec}")
    if "://" in spec:
        return masked(spec)
    if Path(spec).is_file():
        return Path(spec).name
    return next((c.name for c in list_cameras() if spec.lower() in c.name.lower()), spec)


def for_video(
    path: Path, size_px: tuple[int, int], wanted: Sequence[str], data: Path, person: str = "", look: bool = True
) -> Known:
    """Return what is known of a recording: profiles only if asked for, and the floor if the sheet lies in view.

    The video is opened a second time for that `look`, so that no picture has to be kept; the code that measures it reports what
    is wrong with it.

    Raises
    ------
    CalibrationError
        If a profile that was asked for does not exist or is damaged.
    """
    if wants_none(wanted):
        return Known()
    known = choose(find_profiles(wanted, profiles_folder(data)), size_px, person)
    if look:
        with suppress(SourceError), closing(VideoFile(path)) as video, closing(_frames(video)) as frames:
            return _with_sheet(known, frames, size_px, adopt=True)
    return known


def for_camera(
    source: Source, spec: str, wanted: Sequence[str], data: Path, person: str = "", clock: Clock = SYSTEM
) -> tuple[Known, Source]:
    """Return what is known of a camera, and the source to measure.

    The newest profiles of this camera and person are used unasked. If there is a floor, the camera is looked through for a
    moment: the sheet, if it lies there, tells whether the camera was moved.

    Raises
    ------
    CalibrationError
        If a profile that was asked for does not exist or is damaged.
    """
    if wants_none(wanted):
        return Known(), source
    known = of_camera(spec, source.info.size_px, wanted, profiles_folder(data), person, clock)
    if known.calibration.floor is None:
        return known, source
    rest = _Rest(source)
    return _with_sheet(known, rest.until(LOOK_S), source.info.size_px, adopt=False), rest


def of_camera(
    spec: str, size_px: tuple[int, int], wanted: Sequence[str], folder: Path, person: str = "", clock: Clock = SYSTEM
) -> Known:
    """Return what the profiles say of a camera: those that were asked for, or else the newest of this camera and person."""
    if wants_none(wanted):
        return Known()
    camera = camera_identity(spec)
    if wanted:
        return choose(find_profiles(wanted, folder), size_px, person, camera, clock=clock)
    profiles, problems = read_folder(folder)
    known = choose(profiles, size_px, person, camera, unasked=True, clock=clock)
    return replace(known, notes=(*known.notes, *problems))


def wants_none(wanted: Sequence[str]) -> bool:
    """Return whether it was asked for no profile at all.

    Raises
    ------
    CalibrationError
        If it was asked for others, too.
    """
    if NONE in wanted and len(wanted) > 1:
        raise CalibrationError(
            "'--calibration {none}' means no profile at all; leave out the others, or leave out '{none}'.", none=NONE
        )
    return NONE in wanted


def _frames(video: VideoFile) -> Generator[Frame]:
    yield from video


def _with_sheet(known: Known, frames: Iterable[Frame], size_px: tuple[int, int], adopt: bool) -> Known:
    """Return what is known after a look for the sheet: it replaces a floor that does not hold any more.

    Without a floor so far, the sheet gives one if `adopt`.
    """
    found = floor_in_recording(frames, known.calibration.lens_for(size_px))
    if found is None:
        return known
    kept, warnings, notes = known.calibration.floor, known.warnings, known.notes
    if kept is not None:
        moved = floor_moved(kept, found.floor)
        if not moved:
            return known
        name = known.calibration.names["floor"]
        warnings = (*warnings, say("calibrated.sheet_instead", profile=name, why=moved))
        notes = tuple(n for n in notes if isinstance(n, str) or n.values.get("profile") != name)
    elif not adopt:
        return known
    else:
        notes = (*notes, say("calibrated.sheet"))
    names = {**known.calibration.names, "floor": SHEET_IN_PICTURE}
    return Known(replace(known.calibration, floor=found.floor, names=names), notes, warnings)


class _Rest:
    """A source of which the first moments were looked at already; what was looked at does not come again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames = iter(source)
        self.info = source.info

    @property
    def warning(self) -> Message | str:
        """Warning of the source."""
        return self._source.warning

    def until(self, time_s: float) -> Generator[Frame]:
        """Yield frames up to a time."""
        for frame in self._frames:
            yield frame
            if frame.time_s >= time_s:
                return

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that are left."""
        return self._frames

    def close(self) -> None:
        """Release the source."""
        self._source.close()
