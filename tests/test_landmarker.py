"""The one module that knows the pose model: models, what it makes of points, and its silence."""

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import DEMO, ROOT, demo_frames
from test_person import BLUE, GREEN, RED, body, scene

from rotrack.core.errors import ModelError
from rotrack.core.messages import say
from rotrack.core.model import LANDMARK_NAMES, LEGS, N_LANDMARKS, SWAPPED, Frame, Side, empty_pose
from rotrack.core.reasons import Reason
from rotrack.records.landmarks import LANDMARK_COLUMNS, landmark_line, read_poses
from rotrack.sensing import landmarker
from rotrack.sensing.landmarker import MODELS, Landmarker, ModelFile, _pose, find_model, quiet_stderr, speed_advice

SIZE = (640, 480)


@pytest.fixture
def fresh_models() -> Iterator[None]:
    """Models are remembered; forget them before and after."""
    find_model.cache_clear()
    yield
    find_model.cache_clear()


# ---------------------------------------------------------------------- model files
@pytest.mark.parametrize("name", MODELS)
def test_packaged_models_have_the_checksum_they_should_have(name: str, fresh_models: None) -> None:
    model = find_model(name)
    assert model.name == name
    assert model.sha256 == hashlib.sha256(model.path.read_bytes()).hexdigest()
    assert len({find_model(other).sha256 for other in MODELS}) == len(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_packaged_model_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_models: None
) -> None:
    data = bytearray(find_model(name).path.read_bytes())
    data[len(data) // 2] ^= 1
    folder = tmp_path / "sensing" / "models"
    folder.mkdir(parents=True)
    (folder / f"pose_landmarker_{name}.task").write_bytes(data)
    find_model.cache_clear()
    monkeypatch.setattr(landmarker.resources, "files", lambda package: tmp_path)
    with pytest.raises(ModelError, match=f"'{name}'.*damaged; install rotrack again"):
        find_model(name)


def make_no_model(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.task"
    whole = find_model("full").path.read_bytes()
    if kind == "text":
        path.write_text("no model\n")
    if kind == "empty":
        path.touch()
    if kind == "cut-off":
        path.write_bytes(whole[: len(whole) // 2])
    if kind == "other-zip":
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("readme.txt", "not a model")
    if kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "cut-off", "other-zip", "folder"])
def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_no_model(tmp_path, kind)
    with pytest.raises(ModelError) as refused:
        Landmarker(find_model(str(path)))
    assert kind in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")
    assert capfd.readouterr().err == ""


def test_an_unknown_model_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no pose model 'lite'.*heavy or full"):
        find_model("lite")


def test_a_model_of_ones_own_goes_by_its_file_name(tmp_path: Path) -> None:
    own = tmp_path / "mine.task"
    own.write_bytes(find_model("full").path.read_bytes())
    assert find_model(str(own)) == ModelFile("mine.task", own, find_model("full").sha256)
    with Landmarker(find_model(str(own)), watch_people=False) as marks:
        assert marks.model.name == "mine.task"


def test_advice_about_speed_names_a_faster_model_only_where_there_is_one() -> None:
    assert speed_advice("heavy", 9.4) == say("note.slow", rate=say("times.rate", count=9), model="heavy", nearest="full")
    assert speed_advice("full", 9.0) is speed_advice("mine.task", 9.0) is None


# ---------------------------------------------------------------------- pictures
def test_an_empty_room_gives_an_empty_pose_with_a_reason() -> None:
    with Landmarker(find_model("full")) as marks:
        pose = marks.detect(Frame(0, 0.5, np.full((480, 640, 3), 128, np.uint8)))
    assert pose.reason == Reason.NOBODY
    with Landmarker(find_model("full"), watch_people=False) as marks:
        assert marks.detect(Frame(0, 0.0, np.full((480, 640, 3), 20, np.uint8))).reason == Reason.TOO_DARK
    assert (pose.time_s, pose.size_px, pose.people) == (0.5, SIZE, 0)
    assert np.isnan(pose.image_px).all()
    assert np.isnan(pose.world_m).all()
    assert not pose.visibility.any()


def test_a_person_is_found_with_the_sides_the_right_way_round() -> None:
    picture = demo_frames(0, 1)[0]
    with Landmarker(find_model("full"), watch_people=False) as marks:
        pose = marks.detect(Frame(0, 0.0, picture))
    assert not pose.reason
    assert pose.image_px.shape == (N_LANDMARKS, 2)
    assert pose.world_m.shape == (N_LANDMARKS, 3)
    for part in ("hip", "knee", "ankle"):
        left, right = (pose.image_px[getattr(LEGS[side], part)] for side in Side)
        assert left[0] > right[0], "whoever faces the camera has the left leg at the right of the picture"
    leg = LEGS[Side.LEFT]
    assert pose.image_px[leg.hip][1] < pose.image_px[leg.knee][1] < pose.image_px[leg.ankle][1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_one_session_after_another_needs_no_more_memory() -> None:
    """Each in a thread of its own, as the page runs them: what was kept of each added up over the day of a practice."""
    code = """
import gc
from concurrent.futures import ThreadPoolExecutor
from helpers import demo_frames
from rotrack.core.model import Frame
from rotrack.sensing.landmarker import Landmarker, find_model
frames = [Frame(i, i / 30, rgb) for i, rgb in enumerate(demo_frames(last=8))]
def session():
    with Landmarker(find_model("full")) as landmarker:
        assert not any(landmarker.detect(frame).reason for frame in frames)
for _ in range(14):
    with ThreadPoolExecutor(1) as thread:
        thread.submit(session).result()
    gc.collect()
    print(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests", capture_output=True, text=True, check=True)
    used_mb = [int(line) / 1000 for line in done.stdout.split()]
    assert max(used_mb[4:]) - max(used_mb[:4]) < 70, used_mb


def test_frames_of_the_same_millisecond_are_taken_in_order() -> None:
    picture = demo_frames(0, 1)[0]
    with Landmarker(find_model("full"), watch_people=False) as marks:
        times = [marks.detect(Frame(i, i * 0.0001, picture)).time_s for i in range(4)]
    assert times == pytest.approx([0.0, 0.0001, 0.0002, 0.0003])


def test_several_people_are_counted_only_when_two_looks_agree() -> None:
    one = demo_frames(0, 1)[0]
    two, none = np.hstack([one, one]), np.full((480, 1280, 3), 128, np.uint8)

    def counts(pictures: list[np.ndarray]) -> list[int]:
        with Landmarker(find_model("full")) as marks:
            return [marks.detect(Frame(i, 5.0 * i, p)).people for i, p in enumerate(pictures)]

    assert counts([two, two, two])[1:] == [2, 2]
    assert max(counts([none, two, none, none])) < 2
    assert max(counts([one, one, one])) == 1


@pytest.mark.parametrize("half", [0, 1])
def test_the_person_at_the_point_given_is_followed(half: int) -> None:
    picture = np.hstack([demo_frames(0, 1)[0]] * 2)
    with Landmarker(find_model("full"), follow=(320 + 640 * half, 240)) as marks:
        poses = [marks.detect(Frame(i, i / 15, picture)) for i in range(10)]
    found = [pose for pose in poses if not pose.reason]
    assert len(found) >= 5
    for pose in found:
        hips = pose.image_px[[LEGS[side].hip for side in Side], 0]
        assert ((hips > 640 * half) & (hips < 640 * (half + 1))).all()


class PaintedModel:
    """Stands in for the pose model on a picture of painted people: follows one of them until they are painted over.

    As the search, it reports all that it sees, or only the first if it overlooks the others beside them.
    """

    def __init__(self, bodies: list[np.ndarray], overlooks: bool = False) -> None:
        self.bodies, self.overlooks = bodies, overlooks
        self.locked: np.ndarray | None = None

    def _seen(self, rgb: np.ndarray) -> list[np.ndarray]:
        middles = [body[[*LEGS[Side.LEFT][:2], *LEGS[Side.RIGHT][:2]]].mean(axis=0).round().astype(int) for body in self.bodies]
        return [body for body, (x, y) in zip(self.bodies, middles, strict=True) if not (rgb[y, x] == 128).all()]

    def _result(self, bodies: list[np.ndarray]) -> SimpleNamespace:
        marks = [[SimpleNamespace(x=x, y=y, z=0.0, visibility=1.0) for x, y in (body + 0.5) / SIZE] for body in bodies]
        return SimpleNamespace(pose_landmarks=marks, pose_world_landmarks=marks)

    def detect(self, rgb: np.ndarray) -> SimpleNamespace:
        return self._result(self._seen(rgb)[: 1 if self.overlooks else None])

    def detect_for_video(self, rgb: np.ndarray, time_ms: int) -> SimpleNamespace:
        seen = self._seen(rgb)
        if not any(body is self.locked for body in seen):
            self.locked = seen[0] if seen else None
        return self._result(seen if self.locked is None else [self.locked])

    def close(self) -> None:
        pass


ME, OTHER = body(200), body(480, 80)
TWO = scene((ME,), (OTHER, GREEN, RED, BLUE))
OnTwo = Callable[..., Landmarker]


@pytest.fixture
def on_two(monkeypatch: pytest.MonkeyPatch) -> OnTwo:
    """A landmarker that sees two painted people."""

    def make(overlooks: bool = False, **settings) -> Landmarker:
        monkeypatch.setattr(landmarker, "_create", lambda *_: PaintedModel([ME, OTHER], overlooks))
        monkeypatch.setattr(landmarker, "_image", lambda rgb: rgb)
        return Landmarker(find_model("full"), **settings)

    return make


def follow(marks: Landmarker, from_s: float, seconds: float) -> list[str]:
    """Return whom the landmarker follows, picture by picture."""
    who = []
    for i in range(round(seconds * 15)):
        pose = marks.detect(Frame(i, from_s + i / 15, TWO))
        hips = pose.image_px[[LEGS[side].hip for side in Side], 0].mean()
        who.append("refused" if pose.reason else "me" if abs(hips - 200) < 5 else "other")
    return who


def test_the_choice_holds_from_the_next_picture_on_and_can_be_changed_again(on_two: OnTwo) -> None:
    marks = on_two()
    assert set(follow(marks, 0, 2)) == {"me"}
    marks.choose((480, 150))
    after = follow(marks, 2, 3)
    assert "me" not in after, "from the very next picture on"
    assert set(after[2:]) == {"other"}
    marks.choose((200, 150))
    assert set(follow(marks, 5, 3)[2:]) == {"me"}


def test_who_is_followed_already_may_be_chosen(on_two: OnTwo) -> None:
    marks = on_two()
    follow(marks, 0, 2)
    marks.choose((200, 150))
    assert set(follow(marks, 2, 3)) == {"me"}


def test_somebody_whom_the_search_overlooks_beside_another_can_be_chosen(on_two: OnTwo) -> None:
    marks = on_two(overlooks=True)
    assert set(follow(marks, 0, 2)) == {"me"}
    marks.choose((480, 150))
    after = follow(marks, 2, 6)
    assert set(after[2:]) == {"other"}


@pytest.mark.parametrize("settings", [{}, {"watch_people": False}])
def test_a_choice_without_anybody_there_changes_nothing(on_two: OnTwo, settings: dict) -> None:
    marks = on_two(**settings)
    follow(marks, 0, 2)
    marks.choose((20, 20) if not settings else (480, 150))
    assert set(follow(marks, 2, 5)) == {"me"}


@pytest.mark.slow
def test_a_bystander_can_be_chosen_and_unchosen_again() -> None:
    """The real pose model on one picture that holds the same person twice."""
    picture = np.hstack([demo_frames(0, 1)[0]] * 2)
    with Landmarker(find_model("full")) as marks:
        for start_s, half in ((0, 0), (2, 1), (4, 0)):
            marks.choose((320 + 640 * half, 240))
            poses = [marks.detect(Frame(i, start_s + i / 15, picture)) for i in range(30)]
            hips = np.array([pose.image_px[LEGS[Side.LEFT].hip, 0] for pose in poses[6:]])
            assert ((hips > 640 * half) & (hips < 640 * (half + 1))).all()


def test_somebody_alone_gets_the_same_numbers_with_and_without_the_watch() -> None:
    pictures = demo_frames(0, 24)[::2]

    def poses(watch: bool) -> list[np.ndarray]:
        with Landmarker(find_model("full"), watch_people=watch) as marks:
            return [marks.detect(Frame(i, i / 15, p)).image_px for i, p in enumerate(pictures)]

    for watched, plain in zip(poses(True), poses(False), strict=True):
        np.testing.assert_array_equal(watched, plain)


# ---------------------------------------------------------------------- from points to a pose
def points(x: float = 0.5, y: float = 0.5, visibility: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return np.tile([x, y, visibility], (N_LANDMARKS, 1)), np.full((N_LANDMARKS, 3), 0.25)


@pytest.mark.parametrize(
    ("x", "y", "visibility", "seen"),
    [
        (0.5, 0.5, 0.5, True),
        (0.5, 0.5, 0.499, False),
        (0.0, 0.0, 1.0, True),
        (1.0, 1.0, 1.0, True),
        (-0.001, 0.5, 1.0, False),
        (1.001, 0.5, 1.0, False),
        (0.5, -0.001, 1.0, False),
        (0.5, 1.002, 1.0, False),
    ],
)
def test_landmarks_outside_or_barely_visible_are_missing(x: float, y: float, visibility: float, seen: bool) -> None:
    image, world = points()
    image[7] = (x, y, visibility)
    pose = _pose(1.0, SIZE, image, world, 1)
    assert np.isfinite(pose.image_px[7]).all() == seen
    assert np.isfinite(pose.world_m[7]).all() == seen
    assert pose.visibility[7] == visibility, "what the model said is kept"
    others = np.arange(N_LANDMARKS) != 7
    assert np.isfinite(pose.image_px[others]).all()
    assert pose.people == 1


def test_pixels_follow_opencv() -> None:
    image, world = points(0.0, 1.0)
    pose = _pose(0.0, SIZE, image, world, 1)
    assert pose.image_px[0] == pytest.approx([-0.5, 479.5]), "the centre of the first pixel is (0, 0)"


def test_a_pose_cannot_be_changed_by_a_later_stage() -> None:
    pose = _pose(0.0, SIZE, *points(), 1)
    for array in (pose.image_px, pose.world_m, pose.visibility):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_every_landmark_has_a_partner_on_the_other_side() -> None:
    assert (SWAPPED[SWAPPED] == np.arange(N_LANDMARKS)).all()
    for side in Side:
        assert list(SWAPPED[list(LEGS[side])]) == list(LEGS[side.other])
    assert [LANDMARK_NAMES[i] for i in LEGS[Side.LEFT]] == [
        f"left_{part}" for part in ("shoulder", "hip", "knee", "ankle", "heel", "toe")
    ]


def test_rounding_survives_the_landmark_file(tmp_path: Path) -> None:
    """What is measured live and what is measured again from the file must be the same to the last bit."""
    import gzip

    rng = np.random.default_rng(3)
    poses = [
        _pose(
            round(i / 29.97, 6),
            SIZE,
            np.column_stack([rng.uniform(-0.1, 1.1, (N_LANDMARKS, 2)), rng.uniform(0, 1, N_LANDMARKS)]),
            rng.normal(0, 1, (N_LANDMARKS, 3)) * [1, 1e-3, 1e-5],
            i % 3,
        )
        for i in range(40)
    ]
    poses.insert(5, empty_pose(0.15, SIZE, Reason.NOBODY, 2))
    with gzip.open(tmp_path / "landmarks.csv.gz", "wt", newline="") as file:
        file.write(",".join(LANDMARK_COLUMNS) + "\r\n")
        file.writelines(landmark_line(pose) for pose in poses)
    again = list(read_poses(tmp_path))
    assert len(again) == len(poses)
    for a, b in zip(poses, again, strict=True):
        assert (a.time_s, a.size_px, a.people, a.reason) == (b.time_s, b.size_px, b.people, b.reason)
        np.testing.assert_array_equal(a.image_px, b.image_px)
        np.testing.assert_array_equal(a.world_m, b.world_m)
        np.testing.assert_array_equal(a.visibility, b.visibility)


# ---------------------------------------------------------------------- silence
def test_native_output_is_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"W0000 chatter\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


@pytest.mark.parametrize(("tell", "heard"), [(True, "the last words\n"), (False, "")])
def test_native_output_is_told_when_the_block_fails(capfd: pytest.CaptureFixture[str], tell: bool, heard: str) -> None:
    with pytest.raises(RuntimeError), quiet_stderr(tell_on_failure=tell):
        os.write(2, b"the last words\n")
        raise RuntimeError
    assert capfd.readouterr().err == heard


@pytest.mark.slow
def test_the_native_library_says_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, cv2\n"
        "from rotrack.core.model import Frame\n"
        "from rotrack.sensing.landmarker import Landmarker, find_model\n"
        "from rotrack.sensing.sources import VideoFile\n"
        "from pathlib import Path\n"
        "with Landmarker(find_model('heavy')) as marks:\n"
        "    for frame in VideoFile(Path(sys.argv[1])):\n"
        "        pose = marks.detect(frame)\n"
        "        if frame.index == 5: break\n"
        "print(pose.reason or 'found')\n"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GLOG", "TF_CPP"))} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, str(DEMO)], capture_output=True, text=True, env=env, timeout=180)
    assert (done.stdout.strip(), done.stderr) == ("found", "")
