"""Recorded clips that pages hand in: kept privately until they are measured, one after the other, while the camera rests.

A clip is announced before it is sent, so that one that is too large is refused before a byte of it is written.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from rotrack.core.errors import InputError, RecordError, RotrackError, SourceError, StoppedError
from rotrack.core.messages import Sentence
from rotrack.measure.batch import died, in_processes
from rotrack.measure.clips import STOP, WAIT, Ended, Looked, attend
from rotrack.measure.clips import Clip as Task
from rotrack.measure.request import Request
from rotrack.records.folders import CLIPS_PART
from rotrack.sensing.recorded import FIRST_YEAR
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import FILE_MODE, explained, make_folder

MOST_CLIP_BYTES = 400_000_000
"""One clip: three minutes of 1920x1080, or one of 3840x2160, as phones record them."""
KEPT_FREE_BYTES = 1_000_000_000
"""How much of the disk stays free, for the log and for other programs."""
MOST_CLIPS = 200
"""Most clips on the list at a time."""
LONGEST_NAME = 80
PIECE_BYTES = 4_000_000
"""How much is collected before it is written and the free space is checked again."""
PAUSE_S = 0.5
"""How often it is looked whether the camera is free again."""
CORES_EACH = 2
"""How many cores a clip keeps busy."""
_ODD = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


class State(StrEnum):
    """Where a clip is."""

    ARRIVING = "arriving"
    """It is announced, and being sent."""
    LOOKING = "looking"
    """It is here, and waits to be looked at, or is looked at."""
    READY = "ready"
    """It can be measured when somebody says so."""
    WAITING = "waiting"
    """It waits for its turn."""
    MEASURING = "measuring"
    DONE = "done"
    """It is measured; the recording is gone."""
    FAILED = "failed"
    """It was refused or could not be measured; the recording is here as long as measuring it otherwise may help."""


HERE = (State.READY, State.FAILED)
"""States in which a clip may be changed, and measured if it is here."""


@dataclass
class Clip:
    """A clip on the list.

    Parameters
    ----------
    id : str
        Its name in addresses.
    name : str
        Name of its file.
    size_bytes : int
        Its size, as it was announced.
    request : Request
        How it is to be measured, as far as that is known.
    state : State
        Where it is.
    changed_at : datetime, optional
        When the file was last changed, where it comes from.
    arrived_bytes : int
        So much of it is here.
    frames : int
        So many are measured.
    looked : Looked, optional
        What is known of it.
    problem : str
        What stood in the way, in words; empty if nothing did.
    reason : str
        Why there was no angle, if that stood in the way, as `rotrack.core.reasons` has it.
    session_id : str
        Its session, once it is measured.
    is_sent : bool
        Whether somebody has begun to send it: it is taken once.
    is_here : bool
        Whether the recording is here and can be read.
    version : int
        Raised with every change but those of the two counts.
    """

    id: str
    name: str
    size_bytes: int
    request: Request
    state: State = State.ARRIVING
    changed_at: datetime | None = None
    arrived_bytes: int = 0
    frames: int = 0
    looked: Looked | None = None
    problem: str = ""
    reason: str = ""
    session_id: str = ""
    is_sent: bool = False
    is_here: bool = False
    version: int = 0

    @property
    def share(self) -> float:
        """How much of what is under way is done, from 0 to 1; NaN where that is not known."""
        if self.state is State.ARRIVING:
            return self.arrived_bytes / max(self.size_bytes, 1)
        if self.state is State.MEASURING and self.looked and self.looked.frames:
            return min(self.frames / self.looked.frames, 1.0)
        return math.nan


class Clips:
    """The clips that were handed in; every method may be called from any thread.

    Parameters
    ----------
    usual : Request
        What holds for every clip: the data folder, held by this program, calibration, whether the leg network is asked.
    is_busy : callable
        Whether the camera is in use.
    clock : Clock
        Paces looking whether it is.
    """

    def __init__(self, usual: Request, is_busy: Callable[[], bool], clock: Clock = SYSTEM) -> None:
        self.usual, self.folder = usual, usual.data / CLIPS_PART
        self.is_busy, self._clock = is_busy, clock
        self._clips: dict[str, Clip] = {}
        self._under_way: set[str] = set()
        self._changed, self._stop = threading.Condition(), threading.Event()
        slots = max((os.cpu_count() or 1) // CORES_EACH, 1)
        self._threads = [threading.Thread(target=self._work, name="clips", daemon=True) for _ in range(slots)]
        self._threads.append(threading.Thread(target=self._watch, name="clips-watch", daemon=True))

    def start(self) -> None:
        """Begin; what an earlier run has left behind is taken away."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End it; clips that are not measured are taken away."""
        self._stop.set()
        with self._changed:
            for clip in self._clips.values():
                self._tell(clip, STOP)
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------------ what pages ask for
    @property
    def all(self) -> list[Clip]:
        """The clips, in the order in which they were announced."""
        with self._changed:
            return list(self._clips.values())

    def find(self, clip_id: str) -> Clip | None:
        """Return a clip by its id."""
        with self._changed:
            return self._clips.get(clip_id)

    def announce(self, name: str, size_bytes: int, changed_at: datetime | None, request: Request) -> Clip:
        """Put a clip on the list; it is refused at once if there is no room for it.

        Raises
        ------
        InputError
            If the list is full.
        """
        name = clean_name(name)
        clip = Clip(secrets.token_hex(6), name, size_bytes, request, changed_at=_sane(changed_at))
        with self._changed:
            if len(self._clips) >= MOST_CLIPS:
                raise InputError("There are {n:d} videos on the list; remove some of them first.", n=MOST_CLIPS)
            coming = sum(c.size_bytes - c.arrived_bytes for c in self._clips.values() if c.state is State.ARRIVING)
            try:
                self._check_room(name, size_bytes, size_bytes + coming)
            except RotrackError as error:
                clip.state, clip.problem = State.FAILED, str(error)
            self._clips[clip.id] = clip
        return clip

    async def take(self, clip: Clip, pieces: AsyncIterator[bytes]) -> None:
        """Write what is sent of a clip that was announced; what goes wrong stands in the clip then."""
        problem = ""
        with self._changed:
            if clip.is_sent:
                return
            clip.is_sent = True
        try:
            await self._write(clip, pieces)
        except RotrackError as error:
            problem = str(error)
        finally:  # also if whoever sends it goes away
            if clip.arrived_bytes != clip.size_bytes and not problem:
                arrived_mb, announced_mb = clip.arrived_bytes / 1e6, clip.size_bytes / 1e6
                problem = Sentence(
                    "{name} did not arrive completely ({n:.1f} of {m:.1f} MB); send it again.",
                    name=clip.name,
                    n=arrived_mb,
                    m=announced_mb,
                )
            if problem:
                self._forget_file(clip)
            self._set(clip, State.FAILED if problem else State.LOOKING, problem=problem)

    def choose(self, clip: Clip, **options: Any) -> None:
        """Choose how a clip is to be measured, as long as it is not under way."""
        with self._changed:
            if clip.state in HERE:
                clip.request = clip.request.but(**options)

    def change(self, clip: Clip, **options: Any) -> None:
        """Choose as `choose` does, where pages are to show the clip anew."""
        with self._changed:
            self.choose(clip, **options)
            clip.version += 1

    def measure(self, clip: Clip) -> None:
        """Measure a clip when it is its turn.

        Raises
        ------
        RotrackError
            If its request cannot be carried out.
        """
        if not clip.request.drill:
            raise InputError("Choose the drill first.")
        clip.request.checked()
        with self._changed:
            if clip.state in HERE and clip.is_here:
                clip.frames = 0
                self._set(clip, State.WAITING, problem="", reason="")

    def cancel(self, clip: Clip) -> None:
        """Measure a clip no further; nothing of it is in the log then, and it can be measured again."""
        with self._changed:
            if clip.state is State.WAITING:
                self._set(clip, State.READY)
            elif clip.state is State.MEASURING:
                self._tell(clip, STOP)

    def remove(self, clip: Clip) -> None:
        """Take a clip off the list, and its recording away, unless it is being measured."""
        with self._changed:
            if clip.state in (State.WAITING, State.MEASURING):
                return
            self._clips.pop(clip.id, None)
            self._tell(clip, STOP)
            if clip.id not in self._under_way:
                self._forget_file(clip)

    # ------------------------------------------------------------------ room and files
    def _check_room(self, name: str, size_bytes: int, coming_bytes: int) -> None:
        """Raise if a clip is too large, or what is coming with it would fill the disk."""
        if size_bytes > MOST_CLIP_BYTES:
            raise SourceError(
                "{name} is too large here ({n:.0f} MB, at most {m:.0f}): cut it to the drill, or measure it in the "
                "terminal with rotrack analyze.",
                name=name,
                n=size_bytes / 1e6,
                m=MOST_CLIP_BYTES / 1e6,
            )
        with explained(self.folder):
            make_folder(self.usual.data)
            free_bytes = shutil.disk_usage(self.usual.data).free
        if free_bytes - coming_bytes < KEPT_FREE_BYTES:
            raise RecordError(
                "There is no room for {name} ({n:.0f} MB) on the disk, of which {m:.0f} MB are kept free: free some "
                "space, or measure it in the terminal with rotrack analyze.",
                name=name,
                n=size_bytes / 1e6,
                m=KEPT_FREE_BYTES / 1e6,
            )

    def _path(self, clip: Clip) -> Path:
        return self.folder / clip.id / clip.name

    async def _write(self, clip: Clip, pieces: AsyncIterator[bytes]) -> None:
        path, gathered = self._path(clip), bytearray()
        with explained(path):
            await asyncio.to_thread(make_folder, path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                async for piece in pieces:
                    gathered += piece
                    if self._clips.get(clip.id) is not clip:
                        raise StoppedError("{name} was taken off the list.", name=clip.name)
                    if clip.arrived_bytes + len(gathered) > clip.size_bytes:
                        raise SourceError("{name} is larger than announced; send it again.", name=clip.name)
                    if len(gathered) >= PIECE_BYTES:
                        self._check_room(clip.name, clip.size_bytes, len(gathered))
                        await asyncio.to_thread(file.write, gathered)
                        clip.arrived_bytes += len(gathered)
                        gathered = bytearray()
                await asyncio.to_thread(file.write, gathered)
                clip.arrived_bytes += len(gathered)
            if clip.changed_at:  # what dates it if the file itself does not
                os.utime(path, (clip.changed_at.timestamp(),) * 2)

    def _forget_file(self, clip: Clip) -> None:
        clip.is_here = False
        shutil.rmtree(self.folder / clip.id, ignore_errors=True)

    def _tell(self, clip: Clip, sign: str) -> None:
        with suppress(OSError):
            (self.folder / clip.id / sign).touch(FILE_MODE)

    def _set(self, clip: Clip, state: State, **changes: Any) -> None:
        with self._changed:
            for name, value in {**changes, "state": state}.items():
                setattr(clip, name, value)
            clip.version += 1
            self._changed.notify_all()

    # ------------------------------------------------------------------ looking and measuring
    def _watch(self) -> None:
        """Let the camera go first: while it is in use, what is being measured waits."""
        sign = self.folder / WAIT
        while not self._stop.is_set():
            with suppress(OSError):
                if self.is_busy() and self.folder.is_dir():
                    sign.touch(FILE_MODE)
                else:
                    sign.unlink(missing_ok=True)
            self._clock.wait(self._stop, PAUSE_S)

    def _work(self) -> None:
        while clip := self._next():
            self._attend(clip)

    def _next(self) -> Clip | None:
        """Return the next clip that something is to be done with, those first that are to be looked at; None at the end."""
        with self._changed:
            while not self._stop.is_set():
                wanted = (State.LOOKING,) if self.is_busy() else (State.LOOKING, State.WAITING)
                due = (c for state in wanted for c in self._clips.values() if c.state is state and c.id not in self._under_way)
                if clip := next(due, None):
                    self._under_way.add(clip.id)
                    if clip.state is State.WAITING:
                        self._set(clip, State.MEASURING)
                    return clip
                self._changed.wait(PAUSE_S)
        return None

    def _attend(self, clip: Clip) -> None:
        """Look at a clip or measure it, in a process of its own, and take note of what became of it."""
        measuring = clip.state is State.MEASURING
        task = Task(self._path(clip), clip.request if measuring else None, guess=not clip.request.drill)

        def on_frames(frames: int) -> None:
            clip.frames += frames

        ended = next((ended for _, ended in in_processes(attend, [task], on_frames, 1, let_end=False)), None)
        ended = ended or Ended(problem=str(died(Path(clip.name))))
        with self._changed:
            with suppress(OSError):
                (self.folder / clip.id / STOP).unlink(missing_ok=True)
            self._under_way.discard(clip.id)
            if clip.id not in self._clips:
                self._forget_file(clip)
            elif ended.session_id:
                self._forget_file(clip)
                self._set(clip, State.DONE, session_id=ended.session_id)
            elif ended.problem:
                if not measuring:
                    self._forget_file(clip)
                self._set(clip, State.FAILED, problem=ended.problem, reason=ended.reason)
            elif ended.looked:
                proposed = ended.looked.proposal
                if proposed.sure:
                    clip.request = clip.request.but(drill=proposed.drills[0], side=proposed.side)
                elif proposed.side:
                    clip.request = clip.request.but(side=proposed.side)
                self._set(clip, State.READY, looked=ended.looked, is_here=True)
            else:  # it was told to stop
                self._set(clip, State.READY)


def clean_name(name: str) -> str:
    """Return a name under which a file can be kept on every system: the last part of a path, without odd characters."""
    plain = _ODD.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:LONGEST_NAME]}{dot}{ending[:8]}" if stem else plain[:LONGEST_NAME] or "video"


def _sane(at: datetime | None) -> datetime | None:
    """Return when a file was last changed, if it can have been then."""
    return at if at and at.year >= FIRST_YEAR else None
