"""Measures the clips of a truth folder on all cores; started again, it goes on with those that are not done."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rotrack.core.drills import load_table
from rotrack.core.errors import RecordError
from rotrack.core.model import CONVENTION_VERSION, Side
from rotrack.measure import run
from rotrack.measure.batch import Job, OnFrames, Outcome, attempt, count_frames, died, in_processes, run_job
from rotrack.measure.request import Request, measure_version
from rotrack.records.folders import sessions_folder
from rotrack.records.landmarks import LANDMARKS, LEGS_READ
from rotrack.records.record import Status, read_record
from rotrack.records.session import Session, load_session
from rotrack.sensing.landmarker import find_model
from rotrack.sensing.legnet import description
from rotrack.system.files import explained, make_folder
from rotrack.system.files import replace as replace_files
from rotrack.system.imports import when_used
from rotrack.validation.compare import COLUMNS, compare
from rotrack.validation.truth import Clip, read_clips

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

MEASURING = ("calibration", "core", "kinematics", "measure/run.py", "placement", "sensing", "tracking", "validation")
"""What of the package decides about the numbers: results of other code are not taken up again."""
READING = ("core/model.py", "sensing")
"""What of it decides about the landmarks: kept sessions that other code read are not measured again from them."""
READ_BY = "read_by.sha256"
"""In a kept session: the checksum of the code that read it."""
ABOUT = "about.json"
_CODE = (".py", ".toml")
_DONE = (Status.FINISHED, Status.NOT_MEASURED)

Row = dict[str, Any]
OnClip = Callable[[int, int, str], None]
"""Called as soon as a clip is done: how many are, of how many, and what was found of it in a line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How clips are measured: pose model, detector correction, leg network, and whether they are played mirrored."""

    model: str = "heavy"
    correct: bool = True
    legnet: bool = True
    mirror: bool = False


def validate_folder(
    truth: Path,
    model: str = "heavy",
    only: str = "",
    mirror: bool = False,
    correct: bool = True,
    keep: Path | None = None,
    legnet: bool = True,
    on_total: Callable[[int | None], None] = lambda _: None,
    on_frames: OnFrames = lambda _: None,
    *,
    part: str = "",
    state: Path | None = None,
    processes: int | None = None,
    on_clip: OnClip = lambda _done, _of, _line: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Measure every clip of a truth folder and compare.

    Parameters
    ----------
    truth : Path
        The folder.
    model : str
        Pose model.
    only : str
        Only clips or drills whose name holds this.
    mirror : bool
        Whether to play the clips mirrored; the true sides are swapped then.
    correct : bool
        Whether to correct what is known of the pose model's errors.
    keep : Path, optional
        Folder for the sessions; a clip that has one there already is measured again from its landmarks, in a second.
    legnet : bool
        Whether the leg network reads the legs, too.
    on_total, on_frames : callable
        For a progress bar.
    part : str
        Only this part of the folder, see `read_clips`.
    state : Path, optional
        Folder for what was found of each clip. A clip that is there already, of the same files, settings and code, is not
        measured again.
    processes : int, optional
        How many clips at once; as many as there are cores without it.
    on_clip : callable
        Called as soon as a clip is done, see `OnClip`.
    on_note : callable
        Called with a sentence about clips that are left out.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, one row per clip and side; angles in deg. The clip's first drill is measured.

    Raises
    ------
    TruthError
        If the folder holds no truth that can be used.
    RecordError
        If the state cannot be written.
    """
    settings = Settings(model, correct, legnet, mirror)
    clips = read_clips(truth, only, part, on_note)
    for clip in clips:
        clip.truth(mirror)  # damaged truth is told now, not after hours
    done = State(state, settings) if state else None
    rows = {clip.name: found for clip in clips if done and (found := done.read(clip)) is not None}
    with tempfile.TemporaryDirectory() as scratch:
        tasks = [_Task(clip, settings, Path(scratch), keep) for clip in clips if clip.name not in rows]
        on_total(count_frames([task.job for task in tasks if task.kept is None]))
        with closing(_measured(tasks, processes, on_frames)) as measured:
            for task, result in measured:
                rows[task.clip.name] = result.rows
                if done and result.lasting:
                    done.write(task.clip, result.rows)
                on_clip(len(rows), len(clips), result.line)
    return pd.DataFrame([row for clip in clips for row in rows[clip.name]], columns=COLUMNS)


def _measured(tasks: list[_Task], processes: int | None, on_frames: OnFrames) -> Generator[tuple[_Task, _Found]]:
    """Yield every task with what was found, in the order in which they are done."""
    if processes == 1 or len(tasks) == 1:
        for task in tasks:
            yield task, measure_clip(task, on_frames)
        return
    with closing(in_processes(measure_clip, tasks, on_frames, processes, let_end=False)) as results:
        for place, found in results:
            task = tasks[place]
            yield task, found or _found(task, Outcome(task.clip.video, None, died(task.clip.video)))


# ---------------------------------------------------------------------- one clip
@dataclass(frozen=True, slots=True)
class _Task:
    """A clip to measure, how, and where its sessions are put."""

    clip: Clip
    settings: Settings
    scratch: Path
    keep: Path | None

    @property
    def job(self) -> Job:
        """The measuring of the video."""
        data = self.scratch / self.clip.name
        how = asdict(self.settings)
        mirror = how.pop("mirror")
        return Job(self.clip.video, Request(drill=self.clip.drill, side=self.side, out=data, **how), mirror)

    @property
    def side(self) -> str:
        """The leg to measure: both, but face down the one that moves: nobody can tell there which leg a single bent one is."""
        known = load_table().drills.get(self.clip.drill)
        if known is None or not known.posture.record.face_down or self.clip.moves not in set(Side):
            return "both"
        moves = Side(self.clip.moves)
        return str(moves.other if self.settings.mirror else moves)

    @property
    def place(self) -> Path | None:
        """The folder of the sessions that are kept of this clip."""
        return self.keep / f"{self.clip.name}{'_mirrored' if self.settings.mirror else ''}" if self.keep else None

    @property
    def kept(self) -> Path | None:
        """The session that an earlier run kept, if there is one that is whole and read by the same networks."""
        folders = sorted(self.place.glob(f"sessions/*/{LANDMARKS}")) if self.place else []
        return next((path.parent for path in folders if _can_be_used(path.parent, self.settings.legnet)), None)


def _can_be_used(folder: Path, legnet: bool) -> bool:
    try:
        record = read_record(folder)
    except RecordError:
        return False
    if record.status not in _DONE:  # a killed run left it behind
        return False
    read_by = folder / READ_BY
    if read_by.is_file() and read_by.read_text("utf-8") != code_sha256(READING):
        return False
    if not legnet:
        return True
    return (folder / LEGS_READ).exists() and record.legnet is not None and record.legnet.sha256 == description()["sha256"]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of a clip, and whether it is so for good: a video that cannot be read may be there the next time."""

    rows: list[Row]
    lasting: bool

    @property
    def line(self) -> str:
        """What was found, in a line."""
        moving = [row for row in self.rows if row["moves"] == "yes"]
        legs = [
            f"{row['side']} {row['reps_found']} of {row['reps_true']}"
            + (f", error {row['mae_deg']:.1f} deg" if row["mae_deg"] != "" else "")
            for row in moving
        ]
        invented = sum(row["reps_invented"] or 0 for row in self.rows)
        note = next((row["note"] for row in moving if row["note"]), "")
        told = [*legs, *([f"{invented} invented"] if invented else []), *([note] if note else [])]
        return f"{self.rows[0]['clip']}  {self.rows[0]['drill']}  {'; '.join(told)}"


def measure_clip(task: _Task, on_frames: OnFrames) -> _Found:
    """Return what is found of a clip; its session is measured from what was kept, or else from the video."""
    kept, job = task.kept, task.job
    if kept is not None:
        again = partial(run.remeasure, kept, job.request.data, correct=job.request.correct, legnet=job.request.legnet)
        outcome = attempt(job.video, again)
    else:
        outcome = run_job(job, on_frames)
    if outcome.session and outcome.session.record.status is Status.STOPPED:
        raise KeyboardInterrupt  # the measuring ends a session then, as it does for a person; here it is no result
    found = _found(task, outcome)
    if kept is None and task.place is not None:
        _keep(sessions_folder(job.request.data), sessions_folder(task.place))
    with suppress(OSError):
        shutil.rmtree(job.request.data)
    return found


def _keep(measured: Path, place: Path) -> None:
    """Move what was measured to where sessions are kept; each is there whole or not at all."""
    if not measured.is_dir():
        return
    with explained(place):
        make_folder(place)
        for folder in sorted(measured.iterdir()):
            half = place / f".{folder.name}.part"
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(folder, half)
            (half / READ_BY).write_text(code_sha256(READING), "utf-8")
            half.rename(place / folder.name)


def _found(task: _Task, outcome: Outcome) -> _Found:
    clip, drill = task.clip, load_table().drill(task.clip.drill)
    truth = clip.truth(task.settings.mirror)
    session, note = outcome.session, str(outcome.error) if outcome.error else ""
    refused = session or _refused(sessions_folder(task.job.request.data))
    rows: list[Row] = []
    for side in Side:
        row: Row = dict.fromkeys(COLUMNS, "") | {"clip": clip.name, "body": clip.body, "drill": drill.id, "side": str(side)}
        row |= compare(refused, truth[side], side, drill.id) | {"posture": str(drill.posture)}
        rows.append(row | ({"note": note} if note else {}))
    return _Found([{name: _plain(value) for name, value in row.items()} for row in rows], lasting=refused is not None)


def _refused(sessions: Path) -> Session | None:
    """Return the session of a clip in which nothing could be measured: it says why, frame by frame."""
    for folder in sorted(sessions.glob("*")):
        with suppress(RecordError):
            session = load_session(folder)
            if session.record.status is Status.NOT_MEASURED:
                return session
    return None


def _plain(value: Any) -> Any:
    """Return a value as Python's own types have it."""
    return value.item() if hasattr(value, "item") else value


# ---------------------------------------------------------------------- what is done
class State:
    """What was found of each clip, in a folder: a file per clip, which can be looked at and deleted.

    Results of other settings or other code lie in other folders beside each other.

    Parameters
    ----------
    folder : Path
        Where.
    settings : Settings
        How the clips are measured.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._about: dict[str, Any] = {
            "rotrack_version": metadata.version("rotrack"),
            "convention_version": CONVENTION_VERSION,
            "measure_version": measure_version(settings.correct, settings.legnet),
            "model_sha256": find_model(settings.model).sha256,
            "legnet_sha256": description()["sha256"] if settings.legnet else "",
            "code_sha256": code_sha256(),
            **asdict(settings),
        }
        key = hashlib.sha256(json.dumps(self._about).encode()).hexdigest()[:10]
        self.folder = folder / f"{self._about['rotrack_version']}-{key}"
        self._put(ABOUT, self._about)  # before anything is measured: a folder that cannot be written is told at once

    def read(self, clip: Clip) -> list[Row] | None:
        """Return the rows of a clip that was done with these settings and has not changed since."""
        try:
            told = json.loads((self.folder / f"{clip.name}.json").read_text("utf-8"))
            rows = [dict.fromkeys(COLUMNS, "") | row for row in told["rows"]]
            return rows if told["files_sha256"] == _sha256_of(clip) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, clip: Clip, rows: list[Row]) -> None:
        """Keep the rows of a clip."""
        self._put(f"{clip.name}.json", {"files_sha256": _sha256_of(clip), "rows": rows})

    def _put(self, name: str, what: dict[str, Any]) -> None:
        try:
            make_folder(self.folder)
            replace_files({self.folder / name: (json.dumps(what, indent=1) + "\n").encode()})
        except OSError as error:
            raise RecordError(
                f"What was found cannot be kept in {self.folder} ({error.strerror}); choose another folder with --state."
            ) from error


def _sha256_of(clip: Clip) -> list[str]:
    """Return the checksums of a clip's files; empty for one that is not there."""
    return [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in (clip.video, *clip.truth_files)]


@cache
def code_sha256(names: tuple[str, ...] = MEASURING) -> str:
    """Return the checksum of code and tables of the package."""
    found = hashlib.sha256()
    package = resources.files("rotrack")
    for name in names:
        for path, content in _code_in(package / name, name):
            found.update(f"{path}\0".encode() + content + b"\0")
    return found.hexdigest()


def _code_in(place: Traversable, name: str) -> list[tuple[str, bytes]]:
    if place.is_file():
        return [(name, place.read_bytes())] if name.endswith(_CODE) else []
    inside = sorted(place.iterdir(), key=lambda entry: entry.name)
    return [found for entry in inside for found in _code_in(entry, f"{name}/{entry.name}")]
