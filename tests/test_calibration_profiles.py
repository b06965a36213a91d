"""Profiles on disk: round trip, every kind of damage, and which of them fit a picture."""

import errno
import os
import random
import re
import tomllib
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from clocks import ManualClock
from helpers import ROOT

from rotrack.calibration.profiles import (
    FloorProfile,
    LensProfile,
    PersonalProfile,
    Profile,
    choose,
    find_profiles,
    from_log,
    logged,
    new_name,
    profile_text,
    read_folder,
    read_profile,
    write_profile,
)
from rotrack.core.errors import CalibrationError
from rotrack.core.model import CONVENTION_VERSION, Side
from rotrack.kinematics.camera import Calibration, Floor, Gain, Lens, Level
from rotrack.texts import Texts

EN = Texts("en")
MADE = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
HD = (1280, 720)
LENS = Lens(HD, np.array([[981.5, 0, 652.25], [0, 979.75, 351.5], [0, 0, 1]]), np.array([-0.2, 0.06, 0.001, -0.0005, 0]), 0.004)
FLOOR = Floor(np.array([0.0, 0.8, 0.6]), 1.4, 0.6)
GAINS = {Side.LEFT: Gain(1.25, 0.0, 1.5), Side.RIGHT: Gain(0.9, -2.0, 0.5)}
CAMERA = LensProfile("camera-x", MADE, 'HD "Pro" Webcam', HD, LENS, 0.31, 15)
GROUND = FloorProfile("floor-x", MADE, 'HD "Pro" Webcam', HD, FLOOR, 0.4, 2.6, "a4", "camera-x")
ANA = PersonalProfile("personal-ana", MADE, "HD", HD, "Ana", GAINS, "foot", CONVENTION_VERSION, "camera")
ALL: list[Profile] = [CAMERA, GROUND, ANA]
NOW = MADE + timedelta(hours=1)


@pytest.mark.parametrize("profile", ALL, ids=lambda p: p.name)
def test_what_is_written_is_read_back_and_can_be_read_by_people(tmp_path: Path, profile: Profile) -> None:
    path = write_profile(profile, tmp_path / "new" / "calibration")
    assert path.name == f"{profile.name}.toml"
    text = path.read_text("utf-8")
    assert text.startswith("# Written by `rotrack calibrate ")
    table = tomllib.loads(text)
    assert table["made"] == MADE
    assert table["camera"] == profile.camera
    back = read_profile(path)
    assert (back.name, back.made, back.camera, back.size_px) == (profile.name, MADE, profile.camera, HD)
    if isinstance(profile, LensProfile):
        assert isinstance(back, LensProfile)
        assert back.lens.matrix == pytest.approx(LENS.matrix)
        assert back.lens.distortion == pytest.approx(LENS.distortion)
        assert (back.lens.focal_sd, back.residual_px, back.views) == (0.004, 0.31, 15)
        assert table["lens"]["field_of_view_deg"] == pytest.approx(66.2, abs=0.1)
    elif isinstance(profile, FloorProfile):
        assert isinstance(back, FloorProfile)
        assert back.floor.down == pytest.approx(FLOOR.down)
        assert (back.floor.height_m, back.floor.tilt_sd_deg, back.paper, back.lens) == (1.4, 0.6, "a4", "camera-x")
        assert table["floor"]["pitch_deg"] == pytest.approx(36.87, abs=0.01)
    else:
        assert back == profile


DAMAGE = {
    "cut off": lambda t: t[: len(t) // 2] + "[",
    "no kind": lambda t: re.sub(r"kind = .*\n", "", t),
    "unknown kind": lambda t: t.replace('kind = "camera"', 'kind = "sound"'),
    "other version": lambda t: t.replace("version = 1", "version = 99"),
    "no date": lambda t: re.sub(r"made = .*\n", "", t),
    "date is text": lambda t: re.sub(r"made = .*\n", 'made = "monday"\n', t),
    "no size": lambda t: re.sub(r"size_px = .*\n", "", t),
    "size of text": lambda t: t.replace("[1280, 720]", '["1280", "720"]'),
    "size of nothing": lambda t: t.replace("[1280, 720]", "[0, 720]"),
    "matrix cut": lambda t: re.sub(r"focal_px = .*\n", "focal_px = [981.5]\n", t),
    "focal length of nothing": lambda t: re.sub(r"focal_px = .*\n", "focal_px = [0.0, 0.0]\n", t),
    "focal length not a number": lambda t: re.sub(r"focal_px = .*\n", "focal_px = [nan, 900.0]\n", t),
    "centre outside": lambda t: re.sub(r"centre_px = .*\n", "centre_px = [-5.0, 351.0]\n", t),
    "distortion short": lambda t: re.sub(r"distortion = .*\n", "distortion = [0.1, 0.2]\n", t),
    "no lens": lambda t: t[: t.index("[lens]")],
    "error below zero": lambda t: re.sub(r"focal_sd = .*\n", "focal_sd = -1\n", t),
    "kind is a list": lambda t: t.replace('kind = "camera"', "kind = []"),
    "kind is a table": lambda t: t.replace('kind = "camera"', "kind = {}"),
    "version is a list": lambda t: t.replace("version = 1", "version = [1]"),
    "date before there were any": lambda t: re.sub(r"made = .*\n", "made = 0001-01-01T00:00:00\n", t),
    "date after all": lambda t: re.sub(r"made = .*\n", "made = 9999-12-31T23:59:59-12:00\n", t),
    "size without end": lambda t: t.replace("[1280, 720]", f"[{'9' * 400}, 720]"),
    "number without end": lambda t: re.sub(r"focal_sd = .*\n", f"focal_sd = {'9' * 400}\n", t),
    "nested too deep": lambda t: t.replace("[1280, 720]", "[" * 5000 + "]" * 5000),
    "residual is a word": lambda t: re.sub(r"residual_px = .*\n", "residual_px = true\n", t),
    "not text at all": lambda t: "\udcff\udcfe",
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_profile_is_one_sentence(tmp_path: Path, damage: str) -> None:
    path = write_profile(CAMERA, tmp_path)
    path.write_bytes(DAMAGE[damage](path.read_text("utf-8")).encode("utf-8", "surrogateescape"))
    with pytest.raises(CalibrationError) as error:
        read_profile(path)
    assert re.fullmatch(r"[^\n]{30,}\.", str(error.value))
    assert "camera-x.toml" in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("profile", "entry", "instead"),
    [
        (GROUND, "down", "[0.0, 0.0, 0.0]"),
        (GROUND, "height_m", "-1.0"),
        (GROUND, "tilt_sd_deg", '"small"'),
        (ANA, "gain", "0.0"),
        (ANA, "residual_deg", "inf"),
        (ANA, "person", "7"),
    ],
)
def test_floor_and_person_are_checked_too(tmp_path: Path, profile: Profile, entry: str, instead: str) -> None:
    path = write_profile(profile, tmp_path)
    path.write_text(re.sub(rf"(?m)^{entry} = .*$", f"{entry} = {instead}", path.read_text("utf-8"), count=1), "utf-8")
    with pytest.raises(CalibrationError, match=entry):
        read_profile(path)


ODD = (
    '[] {} [[]] {a=1} true "" "x" nan inf -inf 1e308 -1 0 1.5 2026-01-01 07:32:00 2026-01-01T00:00:00 0001-01-01T00:00:00 '
    '"\\u001b[31m" "a\\nb" [1,2] [nan,nan] [1e300,1e300] [true,false] ["1","2"] [0,0,0,0,0]'
).split()


def mutant(text: str, rng: random.Random) -> bytes:
    """Return a profile in which entries are something else, or bytes were lost, changed or doubled."""
    if rng.random() < 0.6:
        lines = text.splitlines()
        for number in rng.sample([n for n, line in enumerate(lines) if " = " in line], rng.choice((1, 1, 1, 3))):
            lines[number] = f"{lines[number].split(' = ')[0]} = {rng.choice(ODD)}"
        return "\n".join(lines).encode()
    content = bytearray(text.encode())
    for _ in range(rng.choice((1, 2, 5))):
        at, length = rng.randrange(len(content)), rng.choice((1, 5, 40))
        content[at : at + rng.choice((0, length))] = rng.choice((b"", rng.randbytes(1), content[at : at + length]))
    return bytes(content)


def test_whatever_a_profile_holds_it_is_read_or_explained_in_one_sentence(tmp_path: Path) -> None:
    rng = random.Random(7)
    texts = [profile_text(profile) for profile in ALL]
    path, read = tmp_path / "one.toml", 0
    for _ in range(300):
        path.write_bytes(mutant(rng.choice(texts), rng))
        try:
            profile = read_profile(path)
        except CalibrationError as error:
            assert re.fullmatch(r"[^\n\x1b]{30,}\.", str(error)), path.read_bytes()
            assert read_folder(tmp_path) == ([], [str(error)])
            continue
        read += 1
        known = choose([profile], HD, "Ana", CAMERA.camera, unasked=True, clock=ManualClock(NOW))
        assert from_log(logged(known.calibration)).names == known.calibration.names
        assert tomllib.loads(profile_text(profile))
    assert 5 < read < 200, "some mutants do no harm"


@pytest.mark.parametrize(
    "instead", [None, [], {}, "x", True, 7, float("nan"), float("inf"), 10**400, [[]], ["1"] * 9, {"a": 1}], ids=repr
)
def test_whatever_a_session_says_of_its_calibration_is_one_sentence(instead: object) -> None:
    whole = logged(choose(ALL, HD, "Ana", CAMERA.camera, clock=ManualClock(NOW)).calibration)
    places = [(key,) for key in whole] + [(key, inner) for key, table in whole.items() for inner in table]
    places += [("gains", "left", part) for part in ("gain", "zero_deg", "residual_deg")]
    told = 0
    for *above, last in places:
        damaged = deepcopy(whole)
        table = damaged
        for key in above:
            table = table[key]
        table[last] = instead
        try:
            from_log(damaged)
        except CalibrationError as error:
            assert re.fullmatch(r"The calibration [^\n]*session\.json [^\n]*\.", str(error))
            told += 1
    assert told > len(places) / 3


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_a_profile_is_for_its_owner_only_and_replaced_as_a_whole(tmp_path: Path) -> None:
    path = write_profile(ANA, tmp_path / "calibration")
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rotrack.system.files.os.fsync", no_space)
        with pytest.raises(CalibrationError, match="the disk is full"):
            write_profile(replace(ANA, measure="other"), tmp_path / "calibration")
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == {path.name: before}


def no_space(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("spelling", ["ana", " ANA ", "Ａｎａ"])
def test_a_personal_profile_is_of_every_spelling_of_the_name(spelling: str) -> None:
    known = choose([ANA], HD, spelling, "HD", unasked=True)
    assert known.calibration.gains == GAINS
    assert choose([ANA], HD, "Anna", "HD", unasked=True).calibration.gains == {}
    assert choose([ANA], HD, " ", "HD", unasked=True).calibration.gains == {}, "nobody in particular"


def test_a_personal_profile_without_any_leg_is_damaged(tmp_path: Path) -> None:
    path = write_profile(replace(ANA, gains={}), tmp_path)
    with pytest.raises(CalibrationError, match="'left'"):
        read_profile(path)


def test_a_folder_gives_the_newest_first_and_tells_of_damage(tmp_path: Path) -> None:
    write_profile(CAMERA, tmp_path)
    write_profile(replace(CAMERA, name="camera-newer", made=MADE + timedelta(days=1)), tmp_path)
    (tmp_path / "bad.toml").write_text("nothing")
    profiles, problems = read_folder(tmp_path)
    assert [p.name for p in profiles] == ["camera-newer", "camera-x"]
    assert len(problems) == 1
    assert "bad.toml" in problems[0]
    assert read_folder(tmp_path / "none") == ([], [])


def test_profiles_are_asked_for_by_name_file_or_folder(tmp_path: Path) -> None:
    own = tmp_path / "own"
    file = write_profile(CAMERA, own)
    write_profile(GROUND, own)
    for wanted in ("camera-x", "camera-x.toml", str(file)):
        assert [p.name for p in find_profiles([wanted], own)] == ["camera-x"]
    assert {p.name for p in find_profiles([str(own)], tmp_path)} == {"camera-x", "floor-x"}
    assert {p.name for p in find_profiles(["camera-x", "floor-x"], own)} == {"camera-x", "floor-x"}
    with pytest.raises(CalibrationError, match=r"'camera-y'.*camera-x"):
        find_profiles(["camera-y"], own)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CalibrationError, match="no calibration profile"):
        find_profiles([str(tmp_path / "empty")], own)
    for impossible in ("x" * 5000, "a\0b"):
        with pytest.raises(CalibrationError):
            find_profiles([impossible], own)
    (own / "bad.toml").write_text("kind = 3")
    with pytest.raises(CalibrationError, match=r"bad\.toml"):
        find_profiles([str(own)], own)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CalibrationError, match="choose another folder with --out"):
        write_profile(CAMERA, tmp_path / "file" / "calibration")


# ---------------------------------------------------------------------- choosing
def test_all_that_fit_make_a_calibration_with_their_names() -> None:
    known = choose(ALL, HD, "ana", CAMERA.camera, clock=ManualClock(NOW))
    assert known.warnings == ()
    assert known.calibration.level is Level.PERSONAL
    assert known.calibration.names == {"camera": "camera-x", "floor": "floor-x", "personal": "personal-ana"}
    assert known.calibration.lens is LENS
    assert known.calibration.floor is FLOOR
    assert known.calibration.gains == GAINS
    assert len(known.notes) == 3


def test_nothing_known_is_no_calibration() -> None:
    known = choose([], HD)
    assert known.calibration.level is Level.NONE
    assert known.notes == known.warnings == ()


def test_the_newest_that_fits_is_taken() -> None:
    older = replace(CAMERA, name="older", made=MADE - timedelta(days=9))
    small = replace(
        CAMERA, name="small", made=MADE + timedelta(days=9), size_px=(640, 480), lens=replace(LENS, size_px=(640, 480))
    )
    known = choose([small, CAMERA, older], HD, camera=CAMERA.camera, clock=ManualClock(NOW))
    assert known.calibration.names == {"camera": "camera-x"}
    assert known.warnings == (), "one that fits was found"


def test_another_shape_of_picture_is_noticed_and_the_profile_is_left_out() -> None:
    known = choose([CAMERA, GROUND], (640, 480), clock=ManualClock(NOW))
    assert known.calibration == Calibration()
    assert len(known.warnings) == 2
    assert "1280 x 720" in EN.said(known.warnings[0])
    assert "640 x 480" in EN.said(known.warnings[0])


def test_the_same_shape_in_another_size_scales_the_lens() -> None:
    known = choose([CAMERA, GROUND], (1920, 1080), clock=ManualClock(NOW))
    lens = known.calibration.lens
    assert lens is not None
    assert lens.size_px == (1920, 1080)
    assert "scaled from 1280 x 720 to 1920 x 1080" in EN.said(known.notes[0])
    assert lens.focal_sd > LENS.focal_sd
    small = np.array([[100.0, 50.0], [1200.0, 700.0]])
    large = (small + 0.5) * 1.5 - 0.5
    assert lens.slopes(large) == pytest.approx(LENS.slopes(small), abs=1e-9)
    assert known.calibration.floor is FLOOR


def test_unasked_only_this_camera_and_person_count() -> None:
    other = choose(ALL, HD, "", "Another camera", unasked=True, clock=ManualClock(NOW))
    assert other.calibration == Calibration()
    assert other.warnings == ()
    mine = choose(ALL, HD, "ANA", CAMERA.camera, unasked=True, clock=ManualClock(NOW))
    assert set(mine.calibration.names) == {"camera", "floor", "personal"}
    asked = choose(ALL, HD, "", "Another camera", clock=ManualClock(NOW))
    assert set(asked.calibration.names) == {"camera", "floor", "personal"}
    assert any("another camera" in EN.said(note) for note in asked.notes)


def test_an_old_floor_is_used_only_if_asked_for() -> None:
    later = MADE + timedelta(days=3)
    unasked = choose([CAMERA, GROUND], HD, camera=CAMERA.camera, unasked=True, clock=ManualClock(later))
    assert unasked.calibration.floor is None
    assert any("calibrate the floor again" in EN.said(note) for note in unasked.notes)
    assert choose([GROUND], HD, clock=ManualClock(later)).calibration.floor is FLOOR


def test_another_person_and_another_convention_are_said_and_left_out() -> None:
    known = choose([ANA], HD, "Ben")
    assert known.calibration.gains == {}
    assert "to Ana, not to Ben" in EN.said(known.warnings[0])
    old = choose([replace(ANA, convention_version="0")], HD, "Ana")
    assert old.calibration.gains == {}
    assert "convention version 0" in EN.said(old.warnings[0])


def test_a_gain_found_with_a_calibrated_camera_and_used_without_one_is_doubted() -> None:
    known = choose([ANA], HD, "Ana")
    assert known.calibration.gains == GAINS
    assert "its gain may not fit" in EN.said(known.warnings[0])


def test_a_session_can_be_measured_again_without_the_profiles() -> None:
    calibration = choose(ALL, HD, "Ana", CAMERA.camera, clock=ManualClock(NOW)).calibration
    back = from_log(logged(calibration))
    assert back.lens is not None
    assert back.floor is not None
    assert back.lens.matrix == pytest.approx(LENS.matrix)
    assert back.floor.down == pytest.approx(FLOOR.down)
    assert back.gains == GAINS
    assert back.names == calibration.names
    assert from_log({}) == Calibration()
    assert from_log(logged(Calibration())) == Calibration()
    with pytest.raises(CalibrationError, match="damaged"):
        from_log({"lens": {"size_px": [1]}})


@pytest.mark.parametrize(
    ("who", "slug"), [("HD Pro Webcam C920", "hd-pro-webcam-c920"), ("../../etc", "etc"), ("Żółć", ""), ("x" * 99, "x" * 40)]
)
def test_names_of_files_are_plain(who: str, slug: str) -> None:
    name = new_name("camera", who, MADE)
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert name.endswith("20260302-093015")
    assert slug in name


def test_the_examples_of_the_repository_can_be_read() -> None:
    profiles, problems = read_folder(ROOT / "calibration")
    assert problems == []
    assert {type(p) for p in profiles} == {LensProfile, FloorProfile, PersonalProfile}
    profiles = [replace(p, convention_version=CONVENTION_VERSION) if isinstance(p, PersonalProfile) else p for p in profiles]
    known = choose(profiles, profiles[0].size_px, "Ana")
    assert known.calibration.level is Level.PERSONAL
    assert known.warnings == ()
