"""What is known of a session besides its repetitions: one frozen record, kept as session.json in the session's folder.

The fields are explained in `docs/data.md`. Earlier versions of rotrack kept the same entries without `format`, and the
repetitions beside them: `record_from` reads those too.
"""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from rotrack.core.errors import RecordError
from rotrack.core.messages import Message, Sentence
from rotrack.core.model import UNCORRECTED, Apart, NeutralTaken, Side, ZeroCourse
from rotrack.core.tiers import Tier
from rotrack.placement.finding import SetupFinding
from rotrack.records.earlier_words import record_of_today
from rotrack.records.options import Noted
from rotrack.records.rules import RULES
from rotrack.records.text import load_words
from rotrack.system.inputs import MOST_JSON_BYTES, UnreadableError, json_bytes, read_json, record_of, sane_time
from rotrack.tracking.settings import TrackerSettings

SESSION_FILE = "session.json"
FORMAT = 2
"""Version of the files of a session. 1: repetitions in session.json and in reps.csv. 2: in a table of the session's own."""
FIRST_MEASURE = "1"
"""The measure version of rows and sessions from before there was one."""
LONGEST_PERSON_ID = 64
TABLE_ONLY = "table"
"""Kind of source of a session of which only rows of a table were left."""


def is_person_id(text: str) -> bool:
    """Return whether a text may be the id of a person, which names a folder."""
    return 0 < len(text) <= LONGEST_PERSON_ID and text.isascii() and text.replace("-", "").isalnum()


class Status(StrEnum):
    """How far the measuring of a session came."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    NOT_MEASURED = "not measured"
    INTERRUPTED = "interrupted"

    @property
    def whole(self) -> bool:
        """Whether it was measured to its end, or to where the person ended it."""
        return self in (Status.FINISHED, Status.STOPPED)


class SourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: kind ("camera", "video", ...), name, width and height (px), nominal rate (frames per second).

    `pixel_aspect` is the width of a pixel of the file over its height; size and landmarks are those of square pixels. Of a part
    of a video, `from_s` and `to_s` are where it begins and ends (s of the video's own time; NaN for its end), and `speed` tells
    how many times slower than life it plays; rate and times of the session are those of life.
    """

    kind: str
    name: str
    size_px: tuple[int, int]
    fps: float = math.nan
    pixel_aspect: float = 1.0
    from_s: float = 0.0
    to_s: float = math.nan
    speed: float = 1.0


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The leg network that was asked: its version and the checksum of its weights."""

    version: int | str
    sha256: str


class SessionRecord(Noted, msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a session besides its repetitions; the entries of session.json, see `docs/data.md`.

    Times are aware, lengths in pixels have `_px` behind them, angles `_deg`, times `_s`, frequencies `_fps`. Missing numbers are
    NaN.
    """

    format: int = FORMAT
    session_id: str
    started_at: datetime
    number: int = 0
    status: Status
    person: str = ""
    person_id: str = ""
    drill: str
    measure: str = ""
    measured: str = ""
    tier: Tier
    sides: tuple[Side, ...]
    source: SourceRecord
    rotated_deg: int = 0
    mirrored: bool = False
    archive_file: str = ""
    remeasured_from: str = ""
    remeasured_at: datetime | None = None
    model: str = ""
    model_sha256: str = ""
    landmarker: dict[str, Any] = {}
    legnet: Network | None = None
    setup: tuple[SetupFinding, ...] = ()
    calibration: str
    calibration_profiles: dict[str, str] = {}
    calibration_used: dict[str, Any] = {}
    calibration_notes: tuple[Message | str, ...] = ()
    assumed_field_of_view_deg: float | None = None
    zero: str
    convention_version: str
    measure_version: str
    rotrack_version: str = ""
    settings: TrackerSettings = TrackerSettings()
    correction_version: str = ""
    frames: int = 0
    duration_s: float = math.nan
    measured_fps: float = math.nan
    measured_share: dict[Side, float] = {}
    reasons: dict[str, int] = {}
    neutrals: tuple[NeutralTaken, ...] = ()
    zeros: tuple[ZeroCourse, ...] = ()
    smallest_deg: dict[Side, float] = {}
    camera_advice: dict[Side, str] = {}
    speed_advice: Message | str = ""
    cut_off: Message | str = ""
    apart: tuple[Apart, ...] = ()
    warnings: tuple[Message | str, ...] = ()

    def __post_init__(self) -> None:
        if not self.sides:
            raise ValueError("'sides' must name a leg")
        if self.person_id and not is_person_id(self.person_id):
            raise ValueError(Sentence("'person_id' is no id of a person: '{id}'", id=self.person_id[:40]))
        if self.value_rule not in RULES:
            raise ValueError(Sentence("'value_rule' is no rule of this version: '{name}'", name=self.value_rule[:40]))
        if self.format > FORMAT:
            raise ValueError(
                Sentence("it was written by a newer version of rotrack (format {n}); update rotrack to read it", n=self.format)
            )
        sane_time(self.started_at)
        if self.remeasured_at is not None:
            sane_time(self.remeasured_at)

    @property
    def load(self) -> str:
        """What was worked against: `5 kg, band black`; empty if nothing."""
        return load_words(self.band, self.load_kg)

    @property
    def moment(self) -> datetime:
        """When the session began, with the offset from UTC."""
        return sane_time(self.started_at)

    @property
    def started(self) -> str:
        """When the session began, as tables have it."""
        return self.moment.isoformat(timespec="seconds")

    @property
    def movement(self) -> str:
        """Id of the session in which the movement was first measured; its own unless it was measured again."""
        return self.remeasured_from or self.session_id


def read_record(folder: Path, follow: bool = True) -> SessionRecord:
    """Return the record of a session's folder.

    Raises
    ------
    RecordError
        If there is none, or it is damaged; the sentence names the folder.
    """
    return record_from(folder, read_raw(folder, follow))


def read_raw(folder: Path, follow: bool = True) -> dict[str, Any]:
    """Return what session.json holds, unchecked: earlier versions kept the repetitions in it.

    Raises
    ------
    RecordError
        If there is none, or it is no JSON text.
    """
    path = folder / SESSION_FILE
    try:
        return read_json(path, MOST_JSON_BYTES, follow)
    except UnreadableError as error:
        if error.missing:
            raise RecordError(
                "{folder} is not a session: it holds no session.json. Give a folder under sessions/.", folder=folder
            ) from error
        raise damaged(folder, str(error)) from error


def damaged(folder: Path, why: str) -> RecordError:
    """Return the error for a session whose record cannot be used."""
    return RecordError(
        "{path} is damaged ({why}); the session is left out. `rotrack doctor --repair` may mend it.",
        path=folder / SESSION_FILE,
        why=why,
    )


def record_from(folder: Path, raw: dict[str, Any]) -> SessionRecord:
    """Return the record in a session.json of this or an earlier version; raises RecordError if a field is wrong."""
    try:
        return record_of(record_of_today(raw if "format" in raw else _brought_up(raw)), SessionRecord)
    except (UnreadableError, ValueError, OverflowError) as error:
        raise damaged(folder, str(error)) from error


def _brought_up(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a record of format 1 with what came later; what it said of repetitions is read apart."""
    known = {key: value for key, value in raw.items() if value is not None or key in ("legnet", "load_kg")}
    if "measure_version" not in known:
        settings = known.get("settings")
        correct = settings.get("correct", True) if isinstance(settings, dict) else True
        known["measure_version"] = FIRST_MEASURE + ("" if correct else UNCORRECTED)
    return known


def record_bytes(record: SessionRecord) -> bytes:
    """Return the contents of session.json."""
    return json_bytes(record)
