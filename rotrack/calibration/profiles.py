"""What a calibration found, kept as one readable TOML file per find, and which of these files fit a picture.

Three kinds: `camera` (the lens), `floor` (where down is, and how high the camera stands), `personal` (how much
further a person's feet turn than they read). `choose` turns profiles into a `Calibration`; what does not fit is left out and said
in a sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rotrack.core.errors import CalibrationError
from rotrack.core.messages import Message, Sentence, say
from rotrack.core.model import CONVENTION_VERSION, Side
from rotrack.kinematics.camera import Calibration, Floor, Gain, Lens
from rotrack.system.clock import SYSTEM, Clock
from rotrack.system.files import explained, make_folder, replace
from rotrack.system.inputs import UnreadableError, clean_text, masked, name_key, read_toml, record_of, sane_time

PROFILE_VERSION = 1
NONE = "none"
"""Asked for instead of a profile: use none at all."""
SHEET_IN_PICTURE = "sheet in the picture"
"""Name of a floor that comes from the recording itself."""
SCALED_FOCAL_SD = 0.02
"""A lens that is scaled to another size of picture is no surer than this: some cameras crop instead."""
SAME_SHAPE = 0.01
"""Pictures whose width per height differs by a smaller share than this have the same shape."""
SMALLEST_PX, LARGEST_PX = 16, 100_000
"""A picture is not smaller or larger than this."""
FLOOR_KEEPS = timedelta(hours=24)
"""An older floor is not used unasked: cameras get moved."""
_EXPLAINED = {
    "camera": "Camera matrix and distortion (k1 k2 p1 p2 k3) of OpenCV's model, for pictures of this size.",
    "floor": "Gravity in camera axes (x right, y down, z away). It holds only as long as the camera is not moved.",
    "personal": "Gain: how much further the feet turn than those of an average person that read alike; standing drills.",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What all kinds have in common.

    Parameters
    ----------
    name : str
        Name of its file without `.toml`.
    made : datetime
        When, with the offset from UTC.
    camera : str
        What the camera says of itself; for a recording its file name.
    size_px : tuple of int
        Width and height of the picture that it was made from.
    """

    name: str
    made: datetime
    camera: str
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LensProfile(Profile):
    """A lens with the mean error of the corners that it was found from (px), and the number of views."""

    lens: Lens
    residual_px: float
    views: int


@dataclass(frozen=True, slots=True)
class FloorProfile(Profile):
    """A floor; `lens` names the profile it was found with ("assumed" without), `paper` is the format of the sheet."""

    floor: Floor
    residual_px: float
    distance_m: float
    paper: str
    lens: str


@dataclass(frozen=True, slots=True)
class PersonalProfile(Profile):
    """The gains of one person; `measured_with` is the level of the camera's calibration that was in use."""

    person: str
    gains: dict[Side, Gain]
    measure: str
    convention_version: str
    measured_with: str


KINDS: dict[type[Profile], str] = {LensProfile: "camera", FloorProfile: "floor", PersonalProfile: "personal"}


def new_name(kind: str, who: str, made: datetime) -> str:
    """Return a file name without ending: kind, camera or person, time."""
    plain = re.sub(r"[^a-z0-9]+", "-", who.lower()).strip("-")[:40].strip("-")
    return "-".join(filter(None, [kind, plain, f"{made:%Y%m%d-%H%M%S}"]))


# ---------------------------------------------------------------------- writing
def write_profile(profile: Profile, folder: Path) -> Path:
    """Write a profile into a folder, which is made if need be; return the file.

    Raises
    ------
    CalibrationError
        If the folder cannot be written.
    """
    path = folder / f"{profile.name}.toml"
    with explained(path, CalibrationError):
        make_folder(folder)
        replace({path: profile_text(profile).encode("utf-8", "replace")})
    return path


def profile_text(profile: Profile) -> str:
    """Return the contents of a profile's file."""
    kind = KINDS[type(profile)]
    table: dict[str, Any] = {
        "kind": kind,
        "version": PROFILE_VERSION,
        "made": profile.made,
        "camera": profile.camera,
        "size_px": list(profile.size_px),
        **_contents(profile),
    }
    return f"# Written by `rotrack calibrate {kind}`. {_EXPLAINED[kind]}\n{_toml(table)}"


def _toml(table: dict[str, Any]) -> str:
    """Return a table as TOML: plain entries first, then its tables; numbers of a list stay on one line."""
    plain = [f"{key} = {_toml_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    inner = [f"\n[{key}]\n{_toml(value)}" for key, value in table.items() if isinstance(value, dict)]
    return "\n".join([*plain, *inner]) + ("" if inner else "\n")


def _toml_value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return json.dumps(value, ensure_ascii=False).replace(
        "\x7f", "\\u007f"
    )  # texts, numbers and lists of them look the same in both


def _contents(profile: Profile) -> dict[str, Any]:
    if isinstance(profile, LensProfile):
        matrix = profile.lens.matrix
        wide_deg = 2 * np.degrees(np.arctan(profile.size_px[0] / 2 / matrix[0, 0]))
        return {
            "residual_px": round(profile.residual_px, 4),
            "views": profile.views,
            "lens": {
                "focal_px": _rounded(matrix.diagonal()[:2], 3),
                "centre_px": _rounded(matrix[:2, 2], 3),
                "distortion": _rounded(profile.lens.distortion, 6),
                "focal_sd": round(profile.lens.focal_sd, 5),
                "field_of_view_deg": round(float(wide_deg), 2),
            },
        }
    if isinstance(profile, FloorProfile):
        floor = profile.floor
        return {
            "residual_px": round(profile.residual_px, 4),
            "paper": profile.paper,
            "lens": profile.lens,
            "floor": {
                "down": _rounded(floor.down, 6),
                "height_m": round(floor.height_m, 4),
                "tilt_sd_deg": round(floor.tilt_sd_deg, 3),
                "pitch_deg": round(floor.pitch_deg, 2),
                "roll_deg": round(floor.roll_deg, 2),
                "distance_m": round(profile.distance_m, 3),
            },
        }
    assert isinstance(profile, PersonalProfile)
    return {
        "person": profile.person,
        "measure": profile.measure,
        "convention_version": profile.convention_version,
        "measured_with": profile.measured_with,
        **{
            str(side): {
                "gain": round(gain.gain, 4),
                "zero_deg": round(gain.zero_deg, 2),
                "residual_deg": round(gain.residual_deg, 2),
            }
            for side, gain in profile.gains.items()
        },
    }


def _rounded(values: np.ndarray, digits: int) -> list[float]:
    return [round(float(v), digits) for v in values]


# ---------------------------------------------------------------------- reading
_Five = tuple[float, float, float, float, float]
_Three = tuple[float, float, float]
_Two = tuple[float, float]


def _check(name: str, low: float, high: float, *values: float) -> None:
    """Raise UnreadableError if one of some numbers is not between two others."""
    if not all(low <= value <= high for value in values):
        raise UnreadableError(Sentence("'{key}' must be from {n:g} to {m:g}", key=name, n=low, m=high))


class _GainTable(msgspec.Struct):
    """One leg of a personal profile."""

    gain: float
    zero_deg: float
    residual_deg: float

    def read(self, where: str) -> Gain:
        _check(f"{where}.gain", 0.1, 10, self.gain)
        _check(f"{where}.zero_deg", -90, 90, self.zero_deg)
        _check(f"{where}.residual_deg", 0, 90, self.residual_deg)
        return Gain(self.gain, self.zero_deg, self.residual_deg)


class _FloorTable(msgspec.Struct):
    down: _Three
    height_m: float
    tilt_sd_deg: float

    def read(self, exact: bool = False) -> Floor:
        """Return the floor; a file holds the direction rounded, `exact` takes it as it is."""
        down = np.array(self.down)
        length = float(np.linalg.norm(down))
        if not abs(length - 1) <= 0.01:
            raise UnreadableError("'floor.down' must be a direction of length 1")
        _check("floor.height_m", 0.01, 20, self.height_m)
        _check("floor.tilt_sd_deg", 0, 90, self.tilt_sd_deg)
        return Floor(down if exact else down / length, self.height_m, self.tilt_sd_deg)


class _FloorFileTable(_FloorTable):
    distance_m: float


class _LensTable(msgspec.Struct):
    focal_px: _Two
    centre_px: _Two
    distortion: _Five
    focal_sd: float

    def read(self, size_px: tuple[int, int]) -> Lens:
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return _lens(size_px, ((fx, 0, cx), (0, fy, cy), (0, 0, 1)), self.distortion, self.focal_sd)


def _lens(size_px: tuple[int, int], matrix: tuple[_Three, _Three, _Three], distortion: _Five, focal_sd: float) -> Lens:
    _check("size_px", SMALLEST_PX, LARGEST_PX, *size_px)
    (fx, _, cx), (_, fy, cy), _ = matrix
    width, height = size_px
    if not (0.2 * width < min(fx, fy) and max(fx, fy) < 10 * width):
        raise UnreadableError("'lens.focal_px' must be two plausible focal lengths in pixels")
    if not (0 < cx < width and 0 < cy < height):
        raise UnreadableError("'lens.centre_px' must be a place in the picture")
    _check("lens.distortion", -1e6, 1e6, *distortion)
    _check("lens.focal_sd", 0, 1, focal_sd)
    return Lens(size_px, np.array(matrix, float), np.array(distortion), focal_sd)


class _File(msgspec.Struct, kw_only=True):
    """What every file of a profile holds."""

    made: datetime
    camera: str
    size_px: tuple[int, int]

    def read(self, name: str) -> Profile:
        _check("size_px", SMALLEST_PX, LARGEST_PX, *self.size_px)
        try:
            return Profile(name, sane_time(self.made), masked(self.camera), self.size_px)
        except (ValueError, OverflowError) as error:
            raise UnreadableError(Sentence("'made' cannot be read: {why}", why=error)) from error


class _LensFile(_File, kw_only=True):
    residual_px: float
    views: int
    lens: _LensTable

    def read(self, name: str) -> LensProfile:
        base, lens = _File.read(self, name), self.lens.read(self.size_px)
        _check("residual_px", 0, 100, self.residual_px)
        _check("views", 1, 10_000, self.views)
        return LensProfile(base.name, base.made, base.camera, base.size_px, lens, self.residual_px, self.views)


class _FloorFile(_File, kw_only=True):
    residual_px: float
    paper: str
    lens: str
    floor: _FloorFileTable

    def read(self, name: str) -> FloorProfile:
        base, floor = _File.read(self, name), self.floor.read()
        _check("residual_px", 0, 100, self.residual_px)
        _check("floor.distance_m", 0.01, 100, self.floor.distance_m)
        return FloorProfile(
            base.name, base.made, base.camera, base.size_px, floor, self.residual_px, self.floor.distance_m, self.paper, self.lens
        )


class _PersonalFile(_File, kw_only=True):
    person: str
    measure: str
    convention_version: str
    measured_with: str
    left: _GainTable | None = None
    right: _GainTable | None = None

    def read(self, name: str) -> PersonalProfile:
        base = _File.read(self, name)
        legs = {Side.LEFT: self.left, Side.RIGHT: self.right}
        gains = {side: table.read(side) for side, table in legs.items() if table is not None}
        if not gains:
            raise UnreadableError("it needs a table 'left' or 'right'")
        return PersonalProfile(
            base.name, base.made, base.camera, base.size_px, self.person, gains,
            self.measure, self.convention_version, self.measured_with,
        )  # fmt: skip


_FILES: dict[str, type[_File]] = {"camera": _LensFile, "floor": _FloorFile, "personal": _PersonalFile}


def read_profile(path: Path) -> Profile:
    """Return the profile in a file.

    Raises
    ------
    CalibrationError
        If there is none, or it is damaged.
    """
    try:
        raw = read_toml(path)
    except UnreadableError as error:
        if error.missing:
            raise CalibrationError("There is no calibration profile at {path}; check the path.", path=path) from error
        raise CalibrationError(
            "The profile {path} cannot be used ({why}); delete it and calibrate again.", path=path, why=error
        ) from error
    file, kind, version = clean_text(path.name), raw.get("kind"), raw.get("version")
    if not isinstance(kind, str) or kind not in _FILES:
        raise CalibrationError(
            '{name} is no calibration profile: it lacks the line `kind = "camera"` (floor, personal).', name=file
        )
    if version != PROFILE_VERSION:
        raise CalibrationError(
            "The profile {name} is of another version ({version}) than this rotrack reads ({n}); calibrate again.",
            name=file,
            version=clean_text(str(version))[:20],
            n=PROFILE_VERSION,
        )
    try:
        return record_of(raw, _FILES[kind]).read(clean_text(path.stem))
    except UnreadableError as error:
        raise CalibrationError(
            "The profile {name} is damaged: {why}. Delete it and calibrate again, or mend it.", name=file, why=error
        ) from error


def read_folder(folder: Path) -> tuple[list[Profile], list[str]]:
    """Return the profiles of a folder, newest first, and a sentence for every one that is damaged."""
    profiles, problems = [], []
    try:
        paths = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    except OSError as error:
        return [], [
            Sentence(
                "The profiles in {path} cannot be read ({why}); check who may read that folder.",
                path=folder,
                why=error.strerror or error,
            )
        ]
    for path in paths:
        try:
            profiles.append(read_profile(path))
        except CalibrationError as error:
            problems.append(str(error))
    return sorted(profiles, key=lambda p: p.made, reverse=True), problems


def find_profiles(wanted: Sequence[str], folder: Path) -> list[Profile]:
    """Return the profiles that were asked for by name, file or folder, newest first.

    Parameters
    ----------
    wanted : sequence of str
        Names of profiles in `folder`, profile files, or folders of such.
    folder : Path
        The person's own folder of profiles.

    Raises
    ------
    CalibrationError
        If one does not exist or is damaged.
    """
    found: list[Profile] = []
    for name in wanted:
        try:
            paths = _files_of(name, folder)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise CalibrationError(
                "The calibration '{name}' cannot be read ({why}); check the path.", name=clean_text(name)[:80], why=why
            ) from error
        found += [read_profile(path) for path in paths]
    return sorted(found, key=lambda p: p.made, reverse=True)


def _files_of(name: str, folder: Path) -> list[Path]:
    """Return the files that one name stands for."""
    path = Path(name)
    own = folder / (name if name.endswith(".toml") else f"{name}.toml")
    if path.is_dir():
        files = sorted(path.glob("*.toml"))
        if not files:
            raise CalibrationError("There is no calibration profile (.toml) in the folder {path}.", path=path)
        return files
    if path.is_file() or own.is_file():
        return [path if path.is_file() else own]
    known = ", ".join(p.stem for p in sorted(folder.glob("*.toml"))[-6:]) or "none yet"
    raise CalibrationError(
        "There is no calibration profile or folder '{name}'. Profiles in {folder}: {known}.",
        name=name,
        folder=folder,
        known=known,
    )


# ---------------------------------------------------------------------- choosing
@dataclass(frozen=True, slots=True)
class Known:
    """What is known before the first frame.

    Parameters
    ----------
    calibration : Calibration
        For the tracker.
    notes : tuple of Message or str
        What is used and why; in words what could not be read.
    warnings : tuple of Message
        What does not fit and is therefore not used.
    """

    calibration: Calibration = field(default_factory=Calibration)
    notes: tuple[Message | str, ...] = ()
    warnings: tuple[Message, ...] = ()


def choose(
    profiles: Iterable[Profile],
    size_px: tuple[int, int],
    person: str = "",
    camera: str | None = None,
    unasked: bool = False,
    clock: Clock = SYSTEM,
) -> Known:
    """Return the newest profile of each kind that fits.

    Parameters
    ----------
    profiles : iterable of Profile
        Newest first.
    size_px : tuple of int
        Width and height of the picture.
    person : str
        Who is measured; empty if not said.
    camera : str, optional
        What the camera says of itself; None for a recording, which does not know its camera.
    unasked : bool
        Whether nobody asked for these profiles: then only those of this camera and person count, and no floor that is old.
    clock : Clock
        Tells how old a profile is.
    """
    notes: list[Message] = []
    warnings: list[Message] = []
    lens: LensProfile | None = None
    floor: FloorProfile | None = None
    personal: PersonalProfile | None = None
    misfits: dict[str, Message | None] = {}
    for profile in profiles:
        kind = KINDS[type(profile)]
        chosen = {"camera": lens, "floor": floor, "personal": personal}[kind]
        if chosen is not None or (unasked and not _belongs(profile, camera, person)):
            continue
        misfit = _misfit(profile, size_px, person)
        if not misfit and unasked and isinstance(profile, FloorProfile) and clock.now() - profile.made > FLOOR_KEEPS:
            notes.append(say("calibrated.old_floor", date=f"{profile.made:%d %b %Y}"))
            misfits[kind] = None
            continue
        if misfit:
            misfits.setdefault(kind, misfit)
            continue
        if isinstance(profile, LensProfile):
            lens = profile
        elif isinstance(profile, FloorProfile):
            floor = profile
        elif isinstance(profile, PersonalProfile):
            personal = profile
        notes.append(_used(profile, size_px, camera))
    have = {"camera": lens, "floor": floor, "personal": personal}
    warnings += [misfit for kind, misfit in misfits.items() if misfit and have[kind] is None]
    calibration = Calibration(
        _fitted(lens.lens, size_px) if lens else None,
        floor.floor if floor else None,
        dict(personal.gains) if personal else {},
        {kind: profile.name for kind, profile in have.items() if profile is not None},
    )
    if personal is not None and (personal.measured_with == "camera") != bool(lens or floor):
        made = "with" if personal.measured_with == "camera" else "without"
        warnings.append(say(f"calibrated.otherwise_{made}", profile=personal.name))
    return Known(calibration, tuple(notes), tuple(warnings))


def _belongs(profile: Profile, camera: str | None, person: str) -> bool:
    if isinstance(profile, PersonalProfile):
        return bool(name_key(person)) and name_key(profile.person) == name_key(person)
    return profile.camera == camera


def _misfit(profile: Profile, size_px: tuple[int, int], person: str) -> Message | None:
    """Return why a profile does not fit; None if it does."""
    if isinstance(profile, PersonalProfile):
        if name_key(person) and name_key(profile.person) != name_key(person):
            return say("calibrated.other_person", profile=profile.name, whose=profile.person, person=person)
        if profile.convention_version != CONVENTION_VERSION:
            versions = {"version": profile.convention_version, "now": CONVENTION_VERSION}
            return say("calibrated.other_convention", profile=profile.name, **versions)
        return None
    shape, wanted = (size[0] / size[1] for size in (profile.size_px, size_px))
    if abs(shape / wanted - 1) > SAME_SHAPE:
        return say("calibrated.other_size", profile=profile.name, size=_times(profile.size_px), now=_times(size_px))
    return None


def _used(profile: Profile, size_px: tuple[int, int], camera: str | None) -> Message:
    made = say("calibrated.made", profile=profile.name, date=f"{profile.made:%d %b %Y %H:%M}")
    if isinstance(profile, LensProfile) and profile.size_px != size_px:
        made = say("calibrated.scaled", made=made, size=_times(profile.size_px), now=_times(size_px))
    if camera is not None and not isinstance(profile, PersonalProfile) and profile.camera != camera:
        made = say("calibrated.other_camera", made=made, camera=profile.camera)
    return say(f"calibrated.{KINDS[type(profile)]}", profile=profile.name, made=made)


def _times(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]} x {size_px[1]}"


def _fitted(lens: Lens, size_px: tuple[int, int]) -> Lens:
    """Return a lens for pictures of another size and the same shape."""
    if lens.size_px == size_px:
        return lens
    scale = size_px[0] / lens.size_px[0]
    matrix = lens.matrix.copy()
    matrix[:2] *= scale
    matrix[:2, 2] += (scale - 1) / 2  # the centre of the first pixel is (0, 0)
    return Lens(size_px, matrix, lens.distortion, max(lens.focal_sd, SCALED_FOCAL_SD))


# ---------------------------------------------------------------------- in the log
def logged(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as plain numbers, so that a session can be measured again without the profiles."""
    table: dict[str, Any] = {"names": dict(calibration.names)}
    if calibration.lens:
        lens = calibration.lens
        table["lens"] = {
            "size_px": list(lens.size_px), "matrix": lens.matrix.tolist(),
            "distortion": lens.distortion.tolist(), "focal_sd": lens.focal_sd,
        }  # fmt: skip
    if calibration.floor:
        floor = calibration.floor
        table["floor"] = {"down": floor.down.tolist(), "height_m": floor.height_m, "tilt_sd_deg": floor.tilt_sd_deg}
    if calibration.gains:
        table["gains"] = {
            str(side): {"gain": g.gain, "zero_deg": g.zero_deg, "residual_deg": g.residual_deg}
            for side, g in calibration.gains.items()
        }
    return table


def from_log(table: Mapping[str, Any]) -> Calibration:
    """Return the calibration that `logged` wrote down.

    Raises
    ------
    CalibrationError
        If it is damaged.
    """
    try:
        found = record_of(table, _Logged)
        lens, floor = found.lens, found.floor
        return Calibration(
            _lens(lens.size_px, lens.matrix, lens.distortion, lens.focal_sd) if lens else None,
            floor.read(exact=True) if floor else None,
            {side: gain.read(f"gains.{side}") for side, gain in found.gains.items()},
            found.names,
        )
    except UnreadableError as error:
        raise CalibrationError(
            "The calibration that the session was measured with is damaged in its session.json ({why}); measure it anew.",
            why=error,
        ) from error


class _LoggedLens(msgspec.Struct):
    size_px: tuple[int, int]
    matrix: tuple[_Three, _Three, _Three]
    distortion: _Five
    focal_sd: float


class _Logged(msgspec.Struct):
    """What `logged` writes."""

    names: dict[str, str] = {}
    lens: _LoggedLens | None = None
    floor: _FloorTable | None = None
    gains: dict[Side, _GainTable] = {}
