"""What a calibration found, kept as one readable TOML file per find, and which of these files fit a picture.

Three kinds: `camera` (the lens), `floor` (where down is, and how high the camera stands), `personal` (how much
further a person's feet turn than they read). `choose` turns profiles into a `Calibration`; what does not fit is left out and said
in a sentence.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.clock import SYSTEM, Clock
from rotrack.errors import CalibrationError
from rotrack.kinematics.camera import Calibration, Floor, Gain, Lens
from rotrack.model import CONVENTION_VERSION, Side

PROFILE_VERSION = 1
NONE = "none"
"""Asked for instead of a profile: use none at all."""
SHEET_IN_PICTURE = "sheet in the picture"
"""Name of a floor that comes from the recording itself."""
SCALED_FOCAL_SD = 0.02
"""A lens that is scaled to another size of picture is no surer than this: some cameras crop instead."""
SAME_SHAPE = 0.01
"""Pictures whose width per height differs by a smaller share than this have the same shape."""
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
    kind = KINDS[type(profile)]
    table: dict[str, Any] = {
        "kind": kind,
        "version": PROFILE_VERSION,
        "made": profile.made,
        "camera": profile.camera,
        "size_px": list(profile.size_px),
        **_contents(profile),
    }
    path = folder / f"{profile.name}.toml"
    text = f"# Written by `rotrack calibrate {kind}`. {_EXPLAINED[kind]}\n{_toml(table)}"
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise CalibrationError(
            f"The profile cannot be written into {folder} ({error.strerror or error}); choose another folder with --out."
        ) from error
    return path


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
class _Table:
    """A table of a profile file, whose entries are checked as they are taken."""

    def __init__(self, path: Path, table: dict[str, Any], where: str = "") -> None:
        self._path, self._table, self._where = path, table, where

    def wrong(self, key: str, wanted: str) -> CalibrationError:
        name = f"{self._where}{key}"
        return CalibrationError(
            f"The profile {self._path.name} is damaged: '{name}' must be {wanted}. Delete it and calibrate again, or mend it."
        )

    def text(self, key: str) -> str:
        value = self._table.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        value: Any = self._table.get(key)
        if not _is_number(value) or not low <= value <= high:
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def numbers(self, key: str, count: int) -> np.ndarray:
        value = self._table.get(key)
        if not isinstance(value, list) or len(value) != count or not all(_is_number(v) and np.isfinite(v) for v in value):
            raise self.wrong(key, f"a list of {count} numbers")
        return np.array(value, float)

    def table(self, key: str) -> _Table:
        value = self._table.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "a table")
        return _Table(self._path, value, f"{self._where}{key}.")

    def made(self) -> datetime:
        value = self._table.get("made")
        if not isinstance(value, datetime):
            raise self.wrong("made", "a date with time")
        return value if value.tzinfo else value.astimezone()

    def has(self, key: str) -> bool:
        return key in self._table


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_profile(path: Path) -> Profile:
    """Return the profile in a file.

    Raises
    ------
    CalibrationError
        If there is none, or it is damaged.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CalibrationError(f"There is no calibration profile at {path}; check the path.") from error
    except OSError as error:
        raise CalibrationError(f"The profile {path} cannot be read ({error.strerror or error}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"The profile {path.name} is damaged or no TOML; delete it and calibrate again.") from error
    entries = _Table(path, table)
    kind = table.get("kind")
    if kind not in _READERS:
        raise CalibrationError(f'{path.name} is no calibration profile: it lacks the line `kind = "camera"` (floor, personal).')
    if table.get("version") != PROFILE_VERSION:
        raise CalibrationError(
            f"The profile {path.name} is of another version ({table.get('version')}) than this rotrack reads "
            f"({PROFILE_VERSION}); calibrate again."
        )
    width, height = (int(v) for v in entries.numbers("size_px", 2))
    if min(width, height) < 16:
        raise entries.wrong("size_px", "width and height of the picture")
    return _READERS[kind](Profile(path.stem, entries.made(), entries.text("camera"), (width, height)), entries)


def _read_lens(base: Profile, entries: _Table) -> LensProfile:
    table = entries.table("lens")
    focal, centre = table.numbers("focal_px", 2), table.numbers("centre_px", 2)
    width, height = base.size_px
    if not (0.2 * width < focal.min() and focal.max() < 10 * width):
        raise table.wrong("focal_px", "two plausible focal lengths in pixels")
    if not (0 < centre[0] < width and 0 < centre[1] < height):
        raise table.wrong("centre_px", "a place in the picture")
    matrix = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]])
    lens = Lens(base.size_px, matrix, table.numbers("distortion", 5), table.number("focal_sd", 0, 1))
    residual, views = entries.number("residual_px", 0, 100), int(entries.number("views", 1, 10_000))
    return LensProfile(base.name, base.made, base.camera, base.size_px, lens, residual, views)


def _read_floor(base: Profile, entries: _Table) -> FloorProfile:
    table = entries.table("floor")
    down = table.numbers("down", 3)
    if abs(np.linalg.norm(down) - 1) > 0.01:
        raise table.wrong("down", "a direction of length 1")
    floor = Floor(down / np.linalg.norm(down), table.number("height_m", 0.01, 20), table.number("tilt_sd_deg", 0, 90))
    return FloorProfile(
        base.name, base.made, base.camera, base.size_px, floor,
        entries.number("residual_px", 0, 100), table.number("distance_m", 0.01, 100), entries.text("paper"), entries.text("lens"),
    )  # fmt: skip


def _read_personal(base: Profile, entries: _Table) -> PersonalProfile:
    gains = {}
    for side in Side:
        if entries.has(side):
            table = entries.table(side)
            gains[side] = Gain(
                table.number("gain", 0.1, 10), table.number("zero_deg", -90, 90), table.number("residual_deg", 0, 90)
            )
    if not gains:
        raise entries.wrong("left", "a table, or 'right'")
    return PersonalProfile(
        base.name, base.made, base.camera, base.size_px, entries.text("person"), gains,
        entries.text("measure"), entries.text("convention_version"), entries.text("measured_with"),
    )  # fmt: skip


_READERS = {"camera": _read_lens, "floor": _read_floor, "personal": _read_personal}


def read_folder(folder: Path) -> tuple[list[Profile], list[str]]:
    """Return the profiles of a folder, newest first, and a sentence for every one that is damaged."""
    profiles, problems = [], []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
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
        path = Path(name)
        own = folder / (name if name.endswith(".toml") else f"{name}.toml")
        if path.is_dir():
            files = sorted(path.glob("*.toml"))
            if not files:
                raise CalibrationError(f"There is no calibration profile (.toml) in the folder {path}.")
            found += [read_profile(file) for file in files]
        elif path.is_file():
            found.append(read_profile(path))
        elif own.is_file():
            found.append(read_profile(own))
        else:
            known = ", ".join(p.stem for p in sorted(folder.glob("*.toml"))[-6:]) or "none yet"
            raise CalibrationError(f"There is no calibration profile or folder '{name}'. Profiles in {folder}: {known}.")
    return sorted(found, key=lambda p: p.made, reverse=True)


# ---------------------------------------------------------------------- choosing
@dataclass(frozen=True, slots=True)
class Known:
    """What is known before the first frame.

    Parameters
    ----------
    calibration : Calibration
        For the tracker.
    notes : tuple of str
        What is used and why, a sentence each.
    warnings : tuple of str
        What does not fit and is therefore not used, a sentence each.
    """

    calibration: Calibration = field(default_factory=Calibration)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


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
    notes: list[str] = []
    warnings: list[str] = []
    lens: LensProfile | None = None
    floor: FloorProfile | None = None
    personal: PersonalProfile | None = None
    misfits: dict[str, str] = {}
    for profile in profiles:
        kind = KINDS[type(profile)]
        chosen = {"camera": lens, "floor": floor, "personal": personal}[kind]
        if chosen is not None or (unasked and not _belongs(profile, camera, person)):
            continue
        misfit = _misfit(profile, size_px, person)
        if not misfit and unasked and isinstance(profile, FloorProfile) and clock.now() - profile.made > FLOOR_KEEPS:
            notes.append(
                f"The floor of {profile.made:%d %b %Y} is not used: the camera may have moved since; calibrate the floor again."
            )
            misfits[kind] = ""
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
        warnings.append(
            f"The personal profile {personal.name} was made {'with' if personal.measured_with == 'camera' else 'without'} a "
            "calibrated camera and is used otherwise now: its gain may not fit; calibrate the person again."
        )
    return Known(calibration, tuple(notes), tuple(warnings))


def _belongs(profile: Profile, camera: str | None, person: str) -> bool:
    if isinstance(profile, PersonalProfile):
        return bool(person) and profile.person.casefold() == person.casefold()
    return profile.camera == camera


def _misfit(profile: Profile, size_px: tuple[int, int], person: str) -> str:
    """Return why a profile does not fit, in a sentence; empty if it does."""
    if isinstance(profile, PersonalProfile):
        if person and profile.person.casefold() != person.casefold():
            return f"The profile {profile.name} is of {profile.person}, not of {person}: it is not used."
        if profile.convention_version != CONVENTION_VERSION:
            return (
                f"The profile {profile.name} is of convention version {profile.convention_version}, this is "
                f"{CONVENTION_VERSION}: it is not used; calibrate the person again."
            )
        return ""
    shape, wanted = (size[0] / size[1] for size in (profile.size_px, size_px))
    if abs(shape / wanted - 1) > SAME_SHAPE:
        return (
            f"The profile {profile.name} is for pictures of {_times(profile.size_px)}, these have {_times(size_px)}: "
            "it is not used; calibrate again with this size."
        )
    return ""


def _used(profile: Profile, size_px: tuple[int, int], camera: str | None) -> str:
    kind = KINDS[type(profile)]
    text = f"Calibrated {kind}: {profile.name}, made on {profile.made:%d %b %Y %H:%M}"
    if isinstance(profile, LensProfile) and profile.size_px != size_px:
        text += f", scaled from {_times(profile.size_px)} to {_times(size_px)}"
    if camera is not None and not isinstance(profile, PersonalProfile) and profile.camera != camera:
        text += f", made with another camera ({profile.camera})"
    return text + "."


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


def from_log(table: dict[str, Any]) -> Calibration:
    """Return the calibration that `logged` wrote down.

    Raises
    ------
    CalibrationError
        If it is damaged.
    """
    try:
        lens, floor = table.get("lens"), table.get("floor")
        return Calibration(
            _lens_from(lens) if lens else None,
            Floor(_array(floor, "down", 3), float(floor["height_m"]), float(floor["tilt_sd_deg"])) if floor else None,
            {Side(s): Gain(*(float(g[k]) for k in _GAIN_PARTS)) for s, g in table.get("gains", {}).items()},
            {str(kind): str(name) for kind, name in table.get("names", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CalibrationError("The calibration that the session was measured with is damaged in its session.json.") from error


_GAIN_PARTS = ("gain", "zero_deg", "residual_deg")


def _array(table: dict[str, Any], key: str, *shape: int) -> np.ndarray:
    return np.array(table[key], float).reshape(shape)


def _lens_from(table: dict[str, Any]) -> Lens:
    width, height = (int(v) for v in table["size_px"])
    return Lens((width, height), _array(table, "matrix", 3, 3), _array(table, "distortion", 5), float(table["focal_sd"]))
