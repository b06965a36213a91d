"""Measures a folder tree of videos that a manifest lists: what is done is skipped, on one computer or on a Dask cluster.

Every session of an archive has a name that follows from the video and what is asked of it, so whoever measures it gets the same
bytes, and what is there already need not be measured again. Each video is one task: it is measured in a place of its own and
handed over as a whole. Only the program that was asked writes into the log: a session's folder appears complete or not at all.
However it ends, the next run goes on from there.

`docs/archives.md` says how to use it.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rotrack.archive.cluster import Tell, on_cluster
from rotrack.archive.manifest import Entry, some
from rotrack.archive.task import COMPLETE, OnShare, Parcel, Task, key_of, measure_task, models_of, task_of
from rotrack.calibration.choice import profiles_folder, wants_none
from rotrack.calibration.profiles import find_profiles, profile_text
from rotrack.core.errors import RecordError, RotrackError
from rotrack.measure.batch import died, in_processes
from rotrack.measure.request import Request
from rotrack.records.folders import ARCHIVE_LOCK, HALF_MEASURED, locked, session_folders, sessions_folder
from rotrack.records.people import known_or_new
from rotrack.records.record import SESSION_FILE, read_record, record_bytes
from rotrack.records.session import Session, load_session
from rotrack.records.table import add_rows, refresh_table
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder, sync_folder
from rotrack.system.files import replace as replace_files
from rotrack.system.imports import when_used
from rotrack.texts.numbers import times

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")


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
    """Measure every video that is not in the log yet, and yield the result of every row, first of those that were in the log.

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
    request = entries[0].job.request
    data, models, profiles = request.data, models_of(request), _profiles(request)
    with _holding(data) as scratch:
        for note in refresh_table(data, clock):  # takes over what an earlier version wrote
            tell(note)
        keys = [key_of(entry, models, profiles) for entry in entries]
        there = {folder.name.rpartition("-")[2]: folder for folder in session_folders(data)}
        others = [there[key] for key in there.keys() - set(keys)]
        todo: list[int] = []
        for place, (entry, key) in enumerate(zip(entries, keys, strict=True)):
            if key in there:
                yield _done(entry, there[key])
            else:
                todo.append(place)
        _tell_of_others(entries, others, tell)
        tasks = [task_of(entries[place], keys[place], models, profiles, "" if dask else str(scratch)) for place in todo]
        if not tasks:
            return
        try:
            runner = on_cluster(dask, tasks, tell, on_share, clock) if dask else _here(tasks, processes, on_share)
            with closing(runner):
                for number, parcel in runner:
                    yield _taken(data, scratch, entries[todo[number]], tasks[number], parcel, clock)
        finally:
            for note in refresh_table(data, clock):  # its rows in the order of time
                tell(note)


def _profiles(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the calibration profiles that were asked for as files: names and contents."""
    if wants_none(request.profiles):
        return ()
    found = find_profiles(request.profiles, profiles_folder(request.data))
    return tuple(sorted((f"{profile.name}.toml", profile_text(profile)) for profile in found))


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


def _taken(data: Path, scratch: Path, entry: Entry, task: Task, parcel: Parcel, clock: Clock) -> Result:
    """Take what came of a task into the log."""
    if isinstance(parcel.error, RecordError):  # it would go wrong with every other video, too
        raise parcel.error
    session = None
    origin = task.job.request.origin
    if parcel.files and origin:
        session = _installed(data, scratch, origin.session_id, parcel.files, clock)
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


def _here(tasks: Sequence[Task], processes: int | None, on_share: OnShare) -> Generator[tuple[int, Parcel]]:
    """Measure in processes of this computer."""
    with closing(in_processes(measure_task, tasks, on_share, processes, let_end=False)) as runner:
        for number, parcel in runner:
            yield number, parcel or Parcel({}, died(tasks[number].job.video))
