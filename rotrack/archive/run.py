"""Measures a folder tree of videos that a manifest lists: what is done is skipped, on one computer or on a Dask cluster.

Every session of an archive has a name that follows from the video and what is asked of it, so whoever measures it gets the same
bytes, and what is there already need not be measured again. Each video is one task: it is measured in a place of its own and
handed over as a whole. Only the program that was asked writes into the log: a session's folder appears complete or not at all.
However it ends, the next run goes on from there.

`docs/archives.md` says how to use it.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import logging
import shutil
import socket
import tempfile
import threading
import traceback
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rotrack.archive.manifest import Entry, some
from rotrack.calibration.choice import profiles_folder, wants_none
from rotrack.calibration.profiles import find_profiles, profile_text
from rotrack.core.drills import parse_sides
from rotrack.core.errors import InputError, ModelError, RecordError, RotrackError, SourceError
from rotrack.core.model import CONVENTION_VERSION, MEASURE_VERSION
from rotrack.measure.batch import Job, died, in_processes, run_job
from rotrack.measure.run import Origin
from rotrack.records.folders import ARCHIVE_LOCK, HALF_MEASURED, locked, session_folders, sessions_folder
from rotrack.records.people import known_or_new
from rotrack.records.record import SESSION_FILE, Status, read_record, record_bytes
from rotrack.records.session import Session, load_session
from rotrack.records.table import add_rows, refresh_table
from rotrack.sensing.landmarker import MODELS, find_model
from rotrack.sensing.legnet import description
from rotrack.sensing.sources import VideoFile
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, sync_folder
from rotrack.system.files import replace as replace_files
from rotrack.system.imports import when_used
from rotrack.texts.numbers import times

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

COMPLETE = (Status.FINISHED, Status.NOT_MEASURED)
"""Status of a session that need not be measured again."""
KEY_LENGTH = 12
CONNECT_S = 5.0
"""How long to wait for a scheduler and its first worker."""
LOOK_S = 10.0
"""How often to see whether the cluster is still there."""
_SAME = ("rotrack", "mediapipe", "opencv-python", "numpy", "scipy")
"""Packages whose versions the numbers depend on: the same on every computer."""

Tell = Callable[[str], None]
OnShare = Callable[[float], None]
"""Called with the share of a video that was measured since the last call; 1 in all per video."""


# ---------------------------------------------------------------------- measuring
@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row of the manifest.

    Parameters
    ----------
    entry : Entry
        The row.
    session : Session or None
        The session in the log; None without one. Its status may be that nothing could be measured.
    error : RotrackError or None
        What stood in the way, this time.
    fresh : bool
        Whether it was measured in this run.
    """

    entry: Entry
    session: Session | None
    error: RotrackError | None = None
    fresh: bool = True


def measure_archive(
    entries: Sequence[Entry],
    dask: str = "",
    processes: int | None = None,
    tell: Tell = lambda _: None,
    on_share: OnShare = lambda _: None,
    clock: Clock = SYSTEM,
) -> Generator[Result]:
    """Measure what is not in the log yet; yield what becomes of every row, first of what was there already.

    To stop in between, close the generator: what was measured by then is in the log.

    Parameters
    ----------
    entries : sequence of Entry
        Rows of one manifest.
    dask : str
        Address of a Dask scheduler that measures; without it, processes of this computer do.
    processes : int, optional
        How many of these; one per core without it.
    tell : callable
        Called with what to know, a sentence each.
    on_share : callable
        For a progress bar: called with the share of a video that was measured; 1 in all per video that was not in the log yet.
    clock : Clock
        Paces how often the cluster is looked at, and dates what is new in the log.

    Raises
    ------
    InputError
        If model, calibration or cluster cannot be used; nothing was measured then.
    RecordError
        If the log cannot be written, or another program is measuring an archive into it.
    """
    if not entries:
        return
    job = entries[0].job
    models, profiles = _models(job), _profiles(job)
    with _holding(job.data) as scratch:
        for note in refresh_table(job.data, clock):  # takes over what an earlier version wrote
            tell(note)
        keys = [_key(entry, models, profiles) for entry in entries]
        there = {folder.name.rpartition("-")[2]: folder for folder in session_folders(job.data)}
        others = [there[key] for key in there.keys() - set(keys)]
        todo: list[int] = []
        for place, (entry, key) in enumerate(zip(entries, keys, strict=True)):
            if key in there:
                yield _done(entry, there[key])
            else:
                todo.append(place)
        _tell_of_others(entries, others, tell)
        tasks = [_task(entries[place], keys[place], models, profiles, "" if dask else str(scratch)) for place in todo]
        if not tasks:
            return
        try:
            runner = _on_cluster(dask, tasks, tell, on_share, clock) if dask else _here(tasks, processes, on_share)
            with closing(runner):
                for number, parcel in runner:
                    yield _taken(job.data, scratch, entries[todo[number]], tasks[number], parcel, clock)
        finally:
            for note in refresh_table(job.data, clock):  # its rows in the order of time
                tell(note)


def _profiles(job: Job) -> tuple[tuple[str, str], ...]:
    """Return the calibration profiles that were asked for as files: names and contents."""
    if wants_none(job.calibration):
        return ()
    found = find_profiles(job.calibration, profiles_folder(job.data))
    return tuple(sorted((f"{profile.name}.toml", profile_text(profile)) for profile in found))


def _models(job: Job) -> tuple[str, ...]:
    """Return the checksums of pose model and leg network, of the latter only if it is asked."""
    return find_model(job.model).sha256, *((description()["sha256"],) if job.legnet else ())


def _key(entry: Entry, models: Sequence[str], profiles: Sequence[tuple[str, str]]) -> str:
    """Return what a session's name ends with: the same for the same video and request, whoever asks."""
    job = entry.job
    asked = (entry.file, entry.size_bytes, entry.recorded_at, job.person, job.drill, [*parse_sides(job.side)])
    how = (list(models), job.correct, wants_none(job.calibration), list(profiles), CONVENTION_VERSION, MEASURE_VERSION)
    return hashlib.sha256(json.dumps([*asked, *how]).encode()).hexdigest()[:KEY_LENGTH]


@contextmanager
def _holding(data: Path) -> Iterator[Path]:
    """Hold a data folder against other programs that measure an archive; yield a place for what is not complete yet."""
    lock = filelock.FileLock(data / ARCHIVE_LOCK, timeout=0, thread_local=False, mode=FILE_MODE)
    scratch = data / HALF_MEASURED
    with explained(data):
        make_folder(data)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RecordError(
                f"Another program is measuring an archive into {data}; wait for its end, or choose another folder with --out."
            ) from error
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # what a run left behind that was killed
        with explained(scratch):
            make_folder(scratch)
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


def _done(entry: Entry, folder: Path) -> Result:
    """Return what the log has of a row."""
    try:
        session = load_session(folder)
        if session.record.status in COMPLETE:
            return Result(entry, session, fresh=False)
        raise RecordError(f"The session {folder.name} is not complete")
    except RecordError as error:
        again = f"to measure it again, delete it with `rotrack delete --session {folder.name}`."
        return Result(entry, None, RecordError(f"{str(error).rstrip('.')}; {again}"), fresh=False)


def _tell_of_others(entries: Sequence[Entry], folders: Iterable[Path], tell: Tell) -> None:
    """Tell of sessions of the same videos that were measured with something else asked."""
    files, found = {entry.file for entry in entries}, []
    for folder in folders:
        with suppress(RecordError):
            if read_record(folder).archive_file in files:  # also those that were measured again from their landmarks
                found.append(folder.name)
    if found:
        tell(
            f"{times(len(found), 'session')} of the same videos in the log, measured before the manifest, a file or an option "
            f"changed: {some(sorted(found))}. Take out what is wrong with `rotrack delete --session ID`."
        )


def _taken(data: Path, scratch: Path, entry: Entry, task: _Task, parcel: _Parcel, clock: Clock) -> Result:
    """Take what came of a task into the log."""
    if isinstance(parcel.error, RecordError):  # it would go wrong with every other video, too
        raise parcel.error
    session = None
    if parcel.files and task.job.origin:
        session = _installed(data, scratch, task.job.origin.session_id, parcel.files, clock)
        if session.rep_list:
            add_rows(data, session.record, session.rep_list)
    return Result(entry, session, parcel.error)


def _installed(data: Path, scratch: Path, session_id: str, files: dict[str, bytes], clock: Clock) -> Session:
    """Move a session into the log as a whole: written beside, brought onto the disk, then renamed.

    Where it was measured its person was somebody new; here it is the one of that name.
    """
    draft, folder = scratch / session_id, sessions_folder(data) / session_id
    with locked(data), explained(folder):
        make_folder(draft)
        replace_files({draft / name: content for name, content in files.items()})
        record = read_record(draft)
        person = known_or_new(data, record.person, clock)
        if person is not None:
            record = msgspec.structs.replace(record, person=person.name, person_id=person.id)
            replace_files({draft / SESSION_FILE: record_bytes(record)})
        make_folder(folder.parent)
        draft.rename(folder)
        sync_folder(folder.parent)
    return load_session(folder)


# ---------------------------------------------------------------------- one video
@dataclass(frozen=True, slots=True)
class _Task:
    """One video, with all that whoever measures it needs; `scratch` is where, on another computer its own place."""

    job: Job
    size_bytes: int
    models: tuple[str, ...]
    profiles: tuple[tuple[str, str], ...]
    versions: dict[str, str]
    scratch: str


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What came of a video: the files of its session if that is complete, and what stood in the way."""

    files: dict[str, bytes]
    error: RotrackError | None


_one_at_a_time = threading.Lock()
"""A worker of several threads measures one video at a time: silencing the pose model is for the whole process."""


def _task(entry: Entry, key: str, models: tuple[str, ...], profiles: tuple[tuple[str, str], ...], scratch: str) -> _Task:
    job = entry.job
    name = f"{entry.recorded:%Y%m%d-%H%M%S}-{job.drill}-{key}"
    model = job.model if job.model in MODELS else str(Path(job.model).resolve())
    job = replace(job, video=job.video.resolve(), model=model, origin=Origin(name, entry.recorded, entry.file))
    return _Task(job, entry.size_bytes, models, profiles, versions(), scratch)


def versions() -> dict[str, str]:
    """Return the versions of all that the numbers depend on."""
    return {name: metadata.version(name) for name in _SAME} | {"measuring": f"{CONVENTION_VERSION} {MEASURE_VERSION}"}


def measure_task(task: _Task, on_share: OnShare = lambda _: None) -> _Parcel:
    """Measure one video apart; whatever goes wrong becomes a part of the parcel."""
    here = "" if task.scratch else f"On {socket.gethostname()}: "
    try:
        with _one_at_a_time:
            return _measured(task, on_share)
    except RotrackError as error:
        return _Parcel({}, type(error)(f"{here}{error}"))
    except Exception as error:  # noqa: BLE001  one video must not end a night of measuring
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__}: {error}; {Path(at.filename).name}, line {at.lineno}"
        return _Parcel({}, RotrackError(f"{here}A mistake in rotrack ended it ({where}); please report it."))


def _measured(task: _Task, on_share: OnShare) -> _Parcel:
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
            job = replace(task.job, data=data)
            if task.profiles:
                make_folder(profiles)
                replace_files({profiles / name: text.encode() for name, text in task.profiles}, durable=False)
                job = replace(job, calibration=(str(profiles),))
            error = run_job(job, tell).error
            if isinstance(error, RecordError):
                raise error
            assert job.origin is not None
            folder = sessions_folder(data) / job.origin.session_id
            complete = folder.is_dir() and read_record(folder).status in COMPLETE
            files = {path.name: _contents(path) for path in sorted(folder.iterdir())} if complete else {}
            return _Parcel(files, type(error)(str(error)) if error else None)  # without what it holds on to
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


def _check_sameness(task: _Task) -> None:
    """Refuse to measure with anything else than what was asked for."""
    found = versions()
    if found != task.versions:
        raise InputError(_other_versions("this computer", found, task.versions))
    video = task.job.video
    try:
        size_bytes = video.stat().st_size
    except OSError as error:
        raise SourceError(
            f"{video} is not to be seen; every computer that measures needs the archive's folder under the same path."
        ) from error
    if size_bytes != task.size_bytes:
        raise SourceError(f"{video} has another size than at the beginning; run it again when the file is complete.")
    if _models(task.job) != task.models:
        raise ModelError(f"Pose model {task.job.model} or leg network are others here; every computer needs the same.")


def _other_versions(who: str, found: dict[str, str], wanted: dict[str, str]) -> str:
    name = next(name for name in wanted if found.get(name) != wanted[name])
    return (
        f"The versions differ: {who} has {name} {found.get(name, 'not at all')}, the computer that asked has {wanted[name]}. "
        "Install the same versions everywhere, or the numbers would differ."
    )


def _here(tasks: Sequence[_Task], processes: int | None, on_share: OnShare) -> Generator[tuple[int, _Parcel]]:
    """Measure in processes of this computer."""
    with closing(in_processes(measure_task, tasks, on_share, processes, let_end=False)) as runner:
        for number, parcel in runner:
            yield number, parcel or _Parcel({}, died(tasks[number].job.video))


# ---------------------------------------------------------------------- a cluster
def _on_cluster(
    address: str, tasks: Sequence[_Task], tell: Tell, on_share: OnShare, clock: Clock
) -> Generator[tuple[int, _Parcel]]:
    """Measure on the workers of a Dask cluster."""
    try:
        import distributed
    except ImportError as error:
        raise InputError("Measuring on a cluster needs Dask: pip install 'rotrack[dask]', here and on its computers.") from error
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what matters is said here, in a sentence
    try:
        with _client(distributed, address) as client:
            _check_workers(client, address, tell)
            places = {
                client.submit(
                    measure_task, task, key=f"rotrack-{task.job.video.stem}-{uuid.uuid4().hex}", retries=1, priority=-number
                ): number
                for number, task in enumerate(tasks)
            }
            try:
                for future in _ended(distributed, client, list(places), tell, clock):
                    number = places.pop(future)
                    parcel = _fetched(distributed, future, tasks[number])
                    future.release()
                    on_share(1.0)
                    yield number, parcel
            finally:
                with suppress(OSError):
                    client.cancel(list(places))
    except OSError as error:
        raise InputError(
            f"The Dask scheduler at {address} is gone. Start it and run this again, which goes on from here."
        ) from error


@contextmanager
def _client(distributed: Any, address: str) -> Iterator[Any]:
    async def reach() -> None:  # a client that finds nobody takes long to give up
        how = distributed.Security().get_connection_args("client")
        comm = await asyncio.wait_for(distributed.comm.connect(address, timeout=CONNECT_S, **how), 2 * CONNECT_S)
        comm.abort()

    try:
        asyncio.run(reach())
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except Exception as error:  # whatever may answer at that address
        raise InputError(
            f"There is no Dask scheduler at '{address}'. Start one with `dask scheduler`, which says its address, like "
            "tcp://192.168.1.10:8786."
        ) from error
    try:
        yield client
    finally:
        client.close()


def _check_workers(client: Any, address: str, tell: Tell) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise InputError(
            f"The cluster at {address} has no worker; start one on each computer with `dask worker {address} --nthreads 1`."
        ) from error
    wanted = versions()
    for worker, found in client.run(versions, on_error="return").items():
        if isinstance(found, Exception):
            raise InputError(f"The worker {worker} cannot run rotrack ({found}); install rotrack {wanted['rotrack']} there.")
        if found != wanted:
            raise InputError(_other_versions(f"the worker {worker}", found, wanted))
    wide = [worker for worker, threads in client.nthreads().items() if threads > 1]
    if wide:
        tell(
            f"A worker measures one video at a time, however many threads it has ({some(wide, 2)}): start workers with "
            "--nthreads 1 and --nworkers as many as there are cores."
        )


def _ended(distributed: Any, client: Any, futures: list[Any], tell: Tell, clock: Clock) -> Iterator[Any]:
    """Yield futures as they end, and look now and then whether somebody works on them; ConnectionError if nobody can."""
    ended = distributed.as_completed(futures, loop=client.loop)
    looked_s, alone = clock.monotonic_s(), False
    while not ended.is_empty():
        if ended.has_ready():
            yield next(ended)
            continue
        clock.sleep(0.05)
        if clock.monotonic_s() - looked_s < LOOK_S:
            continue
        looked_s = clock.monotonic_s()
        if client.status != "running":
            raise ConnectionError
        if alone != (not client.nthreads()):
            alone = not alone
            tell("The cluster has no worker at the moment; waiting for one." if alone else "The cluster has a worker again.")


def _fetched(distributed: Any, future: Any, task: _Task) -> _Parcel:
    if future.cancelled():  # by the scheduler's end
        raise ConnectionError
    try:
        return future.result()
    except distributed.KilledWorker:
        return _Parcel({}, died(task.job.video))
    except Exception as error:  # noqa: BLE001  whatever happened to that worker, the others go on
        why = f"{type(error).__name__}: {error}"
        return _Parcel({}, RotrackError(f"The cluster could not measure {task.job.video.name} ({why})."))
