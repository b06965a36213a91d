"""One video of an archive: what it is called, and how it is measured apart, on whatever computer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from rotrack.archive.manifest import Entry
from rotrack.calibration.choice import wants_none
from rotrack.core.errors import InputError, ModelError, RecordError, RotrackError, SourceError
from rotrack.core.model import CONVENTION_VERSION, MEASURE_VERSION
from rotrack.measure.batch import Job, run_job
from rotrack.measure.request import Origin, Request
from rotrack.records.folders import sessions_folder
from rotrack.records.options import Noted, options_of
from rotrack.records.record import Status, read_record
from rotrack.sensing.landmarker import MODELS, find_model
from rotrack.sensing.legnet import description
from rotrack.sensing.sources import VideoFile
from rotrack.system.files import explained, make_folder
from rotrack.system.files import replace as replace_files
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

COMPLETE = (Status.FINISHED, Status.NOT_MEASURED)
"""Status of a session that need not be measured again."""
KEY_LENGTH = 12
_SAME = ("rotrack", "mediapipe", "opencv-python", "numpy", "scipy")
"""Packages whose versions the numbers depend on: the same on every computer."""
_ALTERS_NOTHING = ("out", "annotate", *options_of(Noted))
"""Options with which a session is the same: what is noted can be changed afterwards."""
_BY_CONTENT = ("model", "calibration")
"""Options that are files: what is in them counts, not their names."""

OnShare = Callable[[float], None]
"""Called with the share of a video that was measured since the last call; 1 in all per video."""


@dataclass(frozen=True, slots=True)
class Task:
    """One video, with all that whoever measures it needs; `scratch` is where, on another computer its own place."""

    job: Job
    size_bytes: int
    models: tuple[str, ...]
    profiles: tuple[tuple[str, str], ...]
    versions: dict[str, str]
    scratch: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What came of a video: the files of its session if that is complete, and what stood in the way."""

    files: dict[str, bytes]
    error: RotrackError | None


_one_at_a_time = threading.Lock()
"""A worker of several threads measures one video at a time: silencing the pose model is for the whole process."""


def task_of(entry: Entry, key: str, models: tuple[str, ...], profiles: tuple[tuple[str, str], ...], scratch: str) -> Task:
    """Return the task of a row; `key` ends its name, `scratch` is where it is measured."""
    request = entry.job.request
    name = f"{request.recorded_at:%Y%m%d-%H%M%S}-{request.drill_record.id}-{key}"
    model = request.model if request.model in MODELS else str(Path(request.model).resolve())
    job = Job(entry.job.video.resolve(), request.but(model=model, origin=Origin(name, entry.file)))
    return Task(job, entry.size_bytes, models, profiles, versions(), scratch)


def versions() -> dict[str, str]:
    """Return the versions of all that the numbers depend on."""
    return {name: metadata.version(name) for name in _SAME} | {"measuring": f"{CONVENTION_VERSION} {MEASURE_VERSION}"}


def measure_task(task: Task, on_share: OnShare = lambda _: None) -> Parcel:
    """Measure one video apart; whatever goes wrong becomes a part of the parcel."""
    here = "" if task.scratch else f"On {socket.gethostname()}: "
    try:
        with _one_at_a_time:
            return _measured(task, on_share)
    except RotrackError as error:
        return Parcel({}, type(error)(f"{here}{error}"))
    except Exception as error:  # noqa: BLE001  one video must not end a night of measuring
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__}: {error}; {Path(at.filename).name}, line {at.lineno}"
        return Parcel({}, RotrackError(f"{here}A mistake in rotrack ended it ({where}); please report it."))


def _measured(task: Task, on_share: OnShare) -> Parcel:
    _check_sameness(task)
    frames, told = VideoFile.probe(task.job.video).frames, 0.0

    def tell(more: int) -> None:
        nonlocal told
        share = min(more / frames, 1.0 - told) if frames else 0.0
        told += share
        on_share(share)

    try:
        scratch = Path(task.scratch or _place_of_worker())
        with explained(scratch), tempfile.TemporaryDirectory(prefix="rotrack-", dir=scratch) as place:
            data, profiles = Path(place) / "data", Path(place) / "profiles"
            request = task.job.request.but(out=data)
            if task.profiles:
                make_folder(profiles)
                replace_files({profiles / name: text.encode() for name, text in task.profiles}, durable=False)
                request = request.but(calibration=(str(profiles),))
            error = run_job(replace(task.job, request=request), tell).error
            if isinstance(error, RecordError):
                raise error
            assert request.origin is not None
            folder = sessions_folder(data) / request.origin.session_id
            complete = folder.is_dir() and read_record(folder).status in COMPLETE
            files = {path.name: _contents(path) for path in sorted(folder.iterdir())} if complete else {}
            return Parcel(files, type(error)(str(error)) if error else None)  # without what it holds on to
    finally:
        on_share(1.0 - told)


def _contents(path: Path) -> bytes:
    """Return the contents of a file of a session; packed anew, since where it was flushed tells how fast it was measured."""
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 1, packed, mtime=0) as file:
        file.write(gzip.decompress(content))
    return packed.getvalue()


def _place_of_worker() -> str:
    """Return the folder of the Dask worker that this runs in: Dask clears it away, also after a worker that was killed."""
    with suppress(ImportError, ValueError):  # it runs in none
        from distributed import get_worker

        return str(get_worker().local_directory)
    return tempfile.gettempdir()


def _check_sameness(task: Task) -> None:
    """Refuse to measure with anything else than what was asked for."""
    found = versions()
    if found != task.versions:
        raise InputError(other_versions("this computer", found, task.versions))
    video = task.job.video
    try:
        size_bytes = video.stat().st_size
    except OSError as error:
        raise SourceError(
            f"{video} is not to be seen; every computer that measures needs the archive's folder under the same path."
        ) from error
    if size_bytes != task.size_bytes:
        raise SourceError(f"{video} has another size than at the beginning; run it again when the file is complete.")
    if models_of(task.job.request) != task.models:
        raise ModelError(f"Pose model {task.job.request.model} or leg network are others here; every computer needs the same.")


def other_versions(who: str, found: dict[str, str], wanted: dict[str, str]) -> str:
    """Return which version differs, and what to do."""
    name = next(name for name in wanted if found.get(name) != wanted[name])
    return (
        f"The versions differ: {who} has {name} {found.get(name, 'not at all')}, the computer that asked has {wanted[name]}. "
        "Install the same versions everywhere, or the numbers would differ."
    )


def models_of(request: Request) -> tuple[str, ...]:
    """Return the checksums of pose model and leg network, of the latter only if it is asked."""
    return find_model(request.model).sha256, *((description()["sha256"],) if request.legnet else ())


def key_of(entry: Entry, models: Sequence[str], profiles: Sequence[tuple[str, str]]) -> str:
    """Return what a session's name ends with: the same for the same video and request, whoever asks."""
    request = entry.job.request
    said = request.asked | {"drill": request.drill_record.id, "side": [*request.sides], "recorded_at": entry.recorded_at}
    asked = {name: value for name, value in sorted(said.items()) if name not in (*_ALTERS_NOTHING, *_BY_CONTENT)}
    how = (list(models), wants_none(request.profiles), list(profiles), CONVENTION_VERSION, MEASURE_VERSION)
    return hashlib.sha256(json.dumps([entry.file, entry.size_bytes, asked, *how]).encode()).hexdigest()[:KEY_LENGTH]
