"""Frames and their times, from a video file and from a camera alike, and everything that can go wrong with both."""

import itertools
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import (
    BLUE,
    RED,
    frame_number,
    is_colour,
    needs,
    numbered_clip,
    numbered_frame,
    wait_until,
    write_video,
)

from rotrack.core.errors import SourceError
from rotrack.core.model import Frame
from rotrack.sensing import sources
from rotrack.sensing.sources import Camera, Part, PatientCamera, Source, SourceInfo, Turned, VideoFile

Open = Callable[[Path], Source]


@pytest.fixture(params=["file", "camera"])
def open_source(request: pytest.FixtureRequest) -> Open:
    """Both kinds of source for the same clip: what holds for one must hold for the other."""
    return VideoFile if request.param == "file" else lambda path: Camera(str(path), open_timeout_s=30)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return numbered_clip(tmp_path / "clip.mp4", 20)


def ffmpeg(video: Path, *args: object, before: tuple[str, ...] = ()) -> Path:
    """Make another video of one; return the last argument, its path."""
    command = ["ffmpeg", "-v", "error", "-y", *before, "-i", video, *args]
    subprocess.run(list(map(str, command)), check=True, stdin=subprocess.DEVNULL)
    return Path(str(args[-1]))


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Every test must leave no thread behind, whatever it did."""
    before = threads()
    yield
    assert wait_until(lambda: threads() <= before, 20), threads() - before


# ---------------------------------------------------------------------- both kinds of source
def test_frames_come_in_order_of_time_with_their_true_size(open_source: Open, clip: Path) -> None:
    source = open_source(clip)
    frames = list(source)
    assert source.info.size_px == (320, 240)
    assert all(f.rgb.shape == (240, 320, 3) and f.rgb.dtype == np.uint8 for f in frames)
    times = [f.time_s for f in frames]
    assert times[0] == pytest.approx(0, abs=0.5)
    assert all(a < b for a, b in itertools.pairwise(times))
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    assert source.info.fps == pytest.approx(30)
    assert source.warning == ""


def test_colours_are_rgb_and_the_picture_is_not_mirrored(open_source: Open, clip: Path) -> None:
    for frame in open_source(clip):
        assert is_colour(frame.rgb[10, 10], RED)
        assert is_colour(frame.rgb[10, -10], BLUE)


@pytest.mark.parametrize(("rotate_deg", "size_px"), [(90, (48, 64)), (180, (64, 48)), (270, (48, 64))])
def test_pictures_are_turned_clockwise(rotate_deg: int, size_px: tuple[int, int]) -> None:
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[0] = 255  # what is above goes to the right, below, to the left

    class One:
        info, warning = SourceInfo("video", "one.mp4", (64, 48), 30.0, 1), ""

        def __iter__(self) -> Iterator[Frame]:
            yield Frame(0, 0.0, rgb)

        def close(self) -> None: ...

    turned = Turned(One(), rotate_deg)
    (frame,) = turned
    assert turned.info.size_px == size_px == frame.rgb.shape[1::-1]
    edge = {90: frame.rgb[:, -1], 180: frame.rgb[-1], 270: frame.rgb[:, 0]}[rotate_deg]
    assert (edge == 255).all()
    assert frame.rgb.mean() < 10


def test_mirrored_swaps_left_and_right_and_nothing_else(open_source: Open, clip: Path) -> None:
    source = Turned(open_source(clip), mirrored=True)
    for frame in source:
        assert is_colour(frame.rgb[10, 10], BLUE)
        assert is_colour(frame.rgb[10, -10], RED)
    assert source.info.size_px == (320, 240)


def test_a_part_of_a_video_counts_from_its_beginning_in_the_time_of_life(tmp_path: Path) -> None:
    part = Part(VideoFile(numbered_clip(tmp_path / "slow.mp4", 60)), from_s=0.5, to_s=1.0, speed=4)
    frames = list(part)
    assert [frame_number(frame.rgb) for frame in frames] == list(range(15, 31))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 120 for i in range(16)], abs=1e-6)
    assert part.info.fps == pytest.approx(120)
    assert part.info.frames == pytest.approx(len(frames), abs=1)


def test_a_part_beyond_the_end_is_said(clip: Path) -> None:
    with pytest.raises(SourceError, match=r"clip\.mp4 ends at 0\.6 s; nothing is left from 7 s on"):
        list(Part(VideoFile(clip), from_s=7))


def test_pictures_are_upright_when_the_phone_was_turned(open_source: Open, tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "phone.mp4", 12)
    video = bytearray(path.read_bytes())
    matrix = video.index(b"tkhd") + 44  # turn by 90 degrees clockwise when shown
    video[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 240 << 16, 0, 1 << 30)
    path.write_bytes(video)
    source = open_source(path)
    frame = next(iter(source))
    assert source.info.size_px == (240, 320)
    assert frame.rgb.shape == (320, 240, 3)
    assert is_colour(frame.rgb[10, -10], RED), "the top left of the sensor is the top right when upright"
    assert is_colour(frame.rgb[-10, -10], BLUE)
    source.close()


@pytest.mark.parametrize(
    ("matrix", "turn_deg"),
    [((-1, 0, 0, 1), 0), ((1, 0, 0, -1), 180), ((0, 1, 1, 0), 90), ((0, -1, -1, 0), 270)],
    ids=["mirrored", "upside down", "on its side", "on the other side"],
)
def test_a_file_that_asks_to_be_shown_mirrored_is_read_without_the_mirror(
    open_source: Open, tmp_path: Path, matrix: tuple[int, int, int, int], turn_deg: int
) -> None:
    """A point (x, y) of the picture is shown at (a x + c y, b x + d y), and only then, a mirror exchanges left and right."""
    path = numbered_clip(tmp_path / "selfie.mp4", 3)
    as_it_is = next(iter(VideoFile(path))).rgb
    video = bytearray(path.read_bytes())
    at = video.index(b"tkhd") + 44
    a, b, c, d = (number << 16 for number in matrix)
    video[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(video)
    source = open_source(path)
    frame = next(iter(source))
    source.close()
    assert source.info.mirrored
    assert source.info.size_px == frame.rgb.shape[1::-1]
    np.testing.assert_array_equal(frame.rgb, np.rot90(as_it_is, -turn_deg // 90))


@needs("ffmpeg")
@pytest.mark.parametrize(
    ("aspect", "turn_deg", "size_px"), [("2/1", 0, (640, 240)), ("8/9", 0, (320, 270)), ("2/1", 90, (240, 640))]
)
def test_pixels_that_are_not_square_are_made_square(
    open_source: Open, tmp_path: Path, aspect: str, turn_deg: int, size_px: tuple[int, int]
) -> None:
    path = tmp_path / "wide.mp4"
    ffmpeg(numbered_clip(tmp_path / "clip.mp4", 5), "-vf", f"setsar={aspect}", "-c:v", "mpeg4", path)
    if turn_deg:
        video = bytearray(path.read_bytes())
        at = video.index(b"tkhd") + 44
        video[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 240 << 16, 0, 1 << 30)
        path.write_bytes(video)
    source = open_source(path)
    frame = next(iter(source))
    source.close()
    assert source.info.size_px == size_px == frame.rgb.shape[1::-1]
    assert is_colour(frame.rgb[10, 10] if not turn_deg else frame.rgb[10, -10], RED)


@needs("ffmpeg")
def test_what_was_trimmed_without_coding_anew_is_whole(tmp_path: Path) -> None:
    whole = ffmpeg(numbered_clip(tmp_path / "clip.mp4", 120), "-c:v", "mpeg4", "-g", "60", tmp_path / "whole.mp4")
    trimmed = VideoFile(ffmpeg(whole, "-c", "copy", tmp_path / "trimmed.mp4", before=("-ss", "1.0")))
    frames = list(trimmed)
    assert frame_number(frames[0].rgb) == 30
    assert trimmed.info.duration_s == pytest.approx(3.0, abs=0.1)
    assert trimmed.warning == ""


@needs("ffmpeg")
def test_a_codec_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 2)
    path = ffmpeg(clip, "-c:v", "libaom-av1", "-cpu-used", 8, tmp_path / "new.mp4")
    with pytest.raises(SourceError, match=r"new\.mp4 is a video in AV1.*convert"):
        VideoFile(path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_refused_and_does_not_crash(open_source: Open, clip: Path) -> None:
    with pytest.raises(SourceError, match=r"latin1-\?.mp4 is not valid UTF-8 text"):
        open_source(clip.rename(clip.with_name(os.fsdecode(b"latin1-\xfc.mp4"))))


def test_an_error_in_the_decoding_thread_reaches_the_caller(
    open_source: Open, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(clip)
    convert, calls = cv2.cvtColor, []

    def fail_later(*args: object) -> object:
        calls.append(1)
        if len(calls) > 3:
            raise RuntimeError("decoder broke")
        return convert(*args)

    monkeypatch.setattr(sources.cv2, "cvtColor", fail_later)
    with pytest.raises(RuntimeError, match="decoder broke"):
        list(source)


def test_closing_twice_and_without_reading_is_harmless(open_source: Open, clip: Path) -> None:
    before = threads()
    source = open_source(clip)
    source.close()
    source.close()
    assert threads() <= before


def test_breaking_off_leaves_no_thread(open_source: Open, tmp_path: Path) -> None:
    long = numbered_clip(tmp_path / "long.mp4", 300)
    before = threads()
    source = open_source(long)
    for frame in source:
        if frame.index >= 2:
            break
    assert wait_until(lambda: threads() <= before, 20), threads() - before
    source.close()


@pytest.mark.parametrize("how", ["read to the end", "closed before", "closed inside the loop"])
def test_a_source_that_is_over_yields_nothing_more_and_never_hangs(open_source: Open, clip: Path, how: str) -> None:
    source = open_source(clip)
    seen: list[int] = []

    def read() -> None:
        if how == "read to the end":
            list(source)
        if how == "closed before":
            source.close()
        for frame in source:
            seen.append(frame.index)
            source.close()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    assert not reader.is_alive(), "hangs"
    assert len(seen) <= 10


# ---------------------------------------------------------------------- files
@pytest.mark.parametrize("fps", [5, 24, 30, 60, 240])
def test_times_are_the_presentation_times_of_the_file(tmp_path: Path, fps: int) -> None:
    video = VideoFile(numbered_clip(tmp_path / "clip.mp4", 30, fps))
    assert (video.info.kind, video.info.name, video.info.frames) == ("video", "clip.mp4", 30)
    assert video.info.fps == pytest.approx(fps)
    assert video.info.duration_s == pytest.approx(30 / fps)
    assert [f.time_s for f in video] == pytest.approx([i / fps for i in range(30)], abs=1e-5)


def test_every_frame_is_delivered_exactly_once(tmp_path: Path) -> None:
    frames = list(VideoFile(numbered_clip(tmp_path / "clip.mp4", 130)))
    assert [frame_number(f.rgb) for f in frames] == list(range(130))
    assert [f.index for f in frames] == list(range(130))


@needs("ffmpeg")
def test_times_of_a_variable_frame_rate_are_the_real_ones(open_source: Open, tmp_path: Path) -> None:
    steady = numbered_clip(tmp_path / "steady.mp4", 40)
    uneven = tmp_path / "uneven.mp4"
    slower = "setpts='if(lt(N,20),N/30,20/30+(N-20)/10)/TB'"
    command = ["ffmpeg", "-v", "error", "-y", "-i", steady, "-vf", slower, "-c:v", "mpeg4", "-q:v", "3"]
    for name in ("-fps_mode", "-vsync"):  # newer, older
        options = [name, "vfr", "-enc_time_base", "1:1000", uneven]
        done = subprocess.run([*command, *options], stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    true_s = [i / 30 if i < 20 else 20 / 30 + (i - 20) / 10 for i in range(40)]
    start_s = time.monotonic()
    source = open_source(uneven)
    for frame in source:
        number = frame_number(frame.rgb)
        at_most_s = true_s[number] + 0.002 if isinstance(source, VideoFile) else time.monotonic() - start_s
        assert true_s[number] - 0.002 < frame.time_s < at_most_s
    assert number == 39


@pytest.mark.parametrize("kind", ["mjpeg avi", "faststart mp4"])
def test_a_cut_off_video_is_read_as_far_as_it_goes_and_warned_about(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (240, 320, 3), np.uint8)  # makes every frame large, so that the cut falls into a picture
    frames = (np.roll(noise, 7 * i, axis=1) for i in range(90))
    if kind == "mjpeg avi":
        whole = write_video(tmp_path / "whole.avi", frames, 30, "MJPG")
    else:
        whole = with_index_first(write_video(tmp_path / "whole.mp4", frames, 30))
    assert len(list(VideoFile(whole))) == 90
    data = whole.read_bytes()
    cut = whole.with_stem("cut")
    cut.write_bytes(data[: len(data) // 2])
    video = VideoFile(cut)
    frames_read = len(list(video))
    assert 35 <= frames_read <= 55
    assert cut.name in video.warning
    assert "cut off" in video.warning
    assert f"{(frames_read - 1) / 30:.1f} s of 3.0 s" in video.warning


def with_index_first(path: Path) -> Path:
    """Move the index of an MP4 before its pictures, as `ffmpeg -movflags +faststart` does."""
    data = path.read_bytes()
    boxes, at = {}, 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        boxes[name] = data[at : at + size]
        at += size
    index = bytearray(boxes[b"moov"])
    table = index.index(b"stco")
    (count,) = struct.unpack_from(">I", index, table + 8)
    places = struct.unpack_from(f">{count}I", index, table + 12)
    start = data.index(boxes[b"mdat"])
    moved = len(boxes[b"ftyp"]) + len(index) - start
    struct.pack_into(f">{count}I", index, table + 12, *(p + moved for p in places))
    path.write_bytes(boxes[b"ftyp"] + index + boxes[b"mdat"])
    return path


def test_a_whole_video_has_no_warning(tmp_path: Path) -> None:
    video = VideoFile(numbered_clip(tmp_path / "clip.avi", 45, 15, "MJPG"))
    assert len(list(video)) == 45
    assert video.warning == ""


def unreadable(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    if kind == "empty":
        path.touch()
    if kind == "text":
        path.write_text("this is no video\n" * 200)
    if kind == "folder":
        path.mkdir()
    if kind == "without-index":
        numbered_clip(path, 30)
        path.write_bytes(path.read_bytes()[:4000])
    if kind == "picture-less":
        whole = numbered_clip(path, 30).read_bytes()
        path.write_bytes(whole[whole.index(b"moov") - 4 :])
    return path


KINDS = ["empty", "text", "folder", "missing", "without-index", "picture-less"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_video_is_refused_by_name(
    open_source: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(sources, "LOST_AFTER_S", 0.5)
    path = unreadable(tmp_path, kind)
    with pytest.raises(SourceError) as refused:
        open_source(path)
    assert f"{kind}.mp4" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) > 40, "it must say what to do"


@pytest.mark.parametrize("kind", KINDS)
def test_probing_refuses_the_same_files(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SourceError, match=kind):
        VideoFile.probe(unreadable(tmp_path, kind))


def test_probing_tells_size_rate_and_length(clip: Path) -> None:
    info = VideoFile.probe(clip)
    assert (info.size_px, info.frames, info.duration_s) == ((320, 240), 20, pytest.approx(20 / 30))


# ---------------------------------------------------------------------- a file that plays as a camera
def test_a_file_plays_as_a_camera_at_its_own_pace(tmp_path: Path) -> None:
    camera = Camera(str(numbered_clip(tmp_path / "clip.mp4", 30)), open_timeout_s=30)
    start_s = time.monotonic()
    times = [f.time_s for f in camera]
    assert camera.info.kind == "camera"
    assert time.monotonic() - start_s > 0.75, "29 pauses of a thirtieth of a second"
    assert times[-1] - times[0] > 0.75


def test_a_file_that_plays_as_a_camera_waits_for_its_viewer(tmp_path: Path) -> None:
    """Whatever loads between opening and looking, the still beginning with the neutral pose must not be lost."""
    camera = Camera(str(numbered_clip(tmp_path / "clip.mp4", 45)), open_timeout_s=30)
    time.sleep(1.0)
    start_s = time.monotonic()
    frames = [(frame, time.monotonic() - start_s) for frame in camera]
    assert frame_number(frames[0][0].rgb) == 0
    assert all(frame.time_s <= elapsed_s + 0.02 for frame, elapsed_s in frames)
    assert frame_number(frames[-1][0].rgb) == 44


def test_a_slow_consumer_gets_the_newest_frames_with_their_right_times(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 60)
    start_s = time.monotonic()
    camera = Camera(str(path), open_timeout_s=30)
    numbers, times = [], []
    for frame in camera:
        numbers.append(frame_number(frame.rgb))
        times.append(frame.time_s)
        assert frame.index == numbers[-1]
        assert numbers[-1] / 30 - 0.002 < frame.time_s < time.monotonic() - start_s
        time.sleep(0.3)
    assert numbers[-1] == 59, "the last picture is the end of the clip"
    assert len(numbers) < 30, "about seven of sixty: no backlog"
    assert times == sorted(times)


# ---------------------------------------------------------------------- cameras that fail
class FakeCapture:
    """A camera that behaves as told; OpenCV's interface as far as it is used."""

    opened = True
    frames_until_lost = 10**9
    hangs_when_opened: threading.Event | None = None
    hangs_when_lost: threading.Event | None = None
    made: list["FakeCapture"]

    def __init__(self, target: object, backend: int) -> None:
        self.target, self.count, self.released = target, 0, False
        type(self).made.append(self)
        if self.hangs_when_opened:
            self.hangs_when_opened.wait(60)

    def isOpened(self) -> bool:
        return self.opened

    def set(self, prop: int, value: float) -> bool:
        return True

    def get(self, prop: int) -> float:
        return 30.0 if prop == cv2.CAP_PROP_FPS else 0.0

    def grab(self) -> bool:
        if self.count >= self.frames_until_lost:
            if self.hangs_when_lost:
                self.hangs_when_lost.wait(60)
            return False
        time.sleep(0.01)
        self.count += 1
        return True

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, cv2.cvtColor(numbered_frame(self.count - 1), cv2.COLOR_RGB2BGR)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    class Mine(FakeCapture):
        made: list[FakeCapture] = []  # noqa: RUF012

    monkeypatch.setattr(sources.cv2, "VideoCapture", Mine)
    return Mine


def test_a_camera_gives_upright_rgb_pictures_stamped_in_order(fake: type[FakeCapture]) -> None:
    camera = Camera("3")
    frames = [frame for frame, _ in zip(camera, range(10), strict=False)]
    camera.close()
    assert fake.made[0].target == 3
    assert wait_until(lambda: fake.made[0].released)
    assert is_colour(frames[0].rgb[10, 10], RED)
    assert all(a.time_s < b.time_s for a, b in itertools.pairwise(frames))


def test_a_camera_that_does_not_exist_is_explained(fake: type[FakeCapture]) -> None:
    fake.opened = False
    with pytest.raises(SourceError, match=r"Camera '7' cannot be opened.*rotrack doctor"):
        Camera("7")
    assert not [t for t in threading.enumerate() if t.name == "camera"], "a thread that outlives the program aborts it"


def test_the_password_of_a_camera_is_told_to_nobody(fake: type[FakeCapture]) -> None:
    address = "rtsp://ana:s3cret@10.0.0.5/live"
    camera = Camera(address)
    camera.close()
    assert (fake.made[0].target, camera.info.name) == (address, "rtsp://ana:***@10.0.0.5/live")
    fake.opened = False
    with pytest.raises(SourceError) as said:
        Camera(address)
    assert "s3cret" not in str(said.value)


def test_a_name_that_no_camera_has_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [sources.CameraFound(0, "Front Camera", 0), sources.CameraFound(2, "USB Camera", 0)]
    monkeypatch.setattr(sources, "list_cameras", lambda: found)
    with pytest.raises(SourceError, match=r"'webcam'.*0 \(Front Camera\), 2 \(USB Camera\)"):
        Camera("webcam")
    with pytest.raises(SourceError, match="More than one"):
        Camera("camera")


def test_a_camera_is_found_by_a_part_of_its_name(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [sources.CameraFound(0, "Front Camera", 0), sources.CameraFound(2, "USB Camera", 0)]
    monkeypatch.setattr(sources, "list_cameras", lambda: found)
    Camera("usb").close()
    assert fake.made[0].target == 2


def test_a_camera_that_never_answers_is_given_up(fake: type[FakeCapture]) -> None:
    fake.hangs_when_opened = threading.Event()
    with pytest.raises(SourceError, match="gave no picture within"):
        Camera("0", open_timeout_s=0.2)
    fake.hangs_when_opened.set()
    assert wait_until(lambda: fake.made[0].released), "it must be released when it answers after all"


def test_a_camera_that_opens_but_shows_nothing_is_given_up(fake: type[FakeCapture]) -> None:
    fake.frames_until_lost = 0
    with pytest.raises(SourceError, match="gave no picture within"):
        Camera("0", open_timeout_s=0.2)
    assert wait_until(lambda: fake.made[0].released)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_camera_that_is_lost_says_so_after_its_last_frame(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    monkeypatch.setattr(sources, "LOST_AFTER_S", 0.2)
    fake.frames_until_lost = 12
    fake.hangs_when_lost = threading.Event() if hangs else None
    camera = Camera("0")
    numbers = []
    with pytest.raises(SourceError, match=r"stopped giving pictures.*What was measured until then is kept"):
        for frame in camera:
            numbers.append(frame_number(frame.rgb))
    assert numbers[-1] == 11, "every picture that came was delivered before"
    if fake.hangs_when_lost:
        fake.hangs_when_lost.set()
    assert wait_until(lambda: fake.made[0].released)


def test_a_camera_that_stutters_is_not_lost(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LOST_AFTER_S", 5.0)
    grab, missed = fake.grab, []

    def stutter(self: FakeCapture) -> bool:
        if self.count == 5 and len(missed) < 5:
            missed.append(1)
            return False
        return grab(self)

    monkeypatch.setattr(fake, "grab", stutter)
    camera = Camera("0")
    numbers = [frame_number(frame.rgb) for frame, _ in zip(camera, range(20), strict=False)]
    camera.close()
    assert len(missed) == 5
    assert numbers[-1] > 5


# ---------------------------------------------------------------------- a camera that has no end, or goes away
def test_a_video_as_an_endless_camera_begins_anew(clip: Path) -> None:
    camera = Camera(str(clip), open_timeout_s=30, loop=True)
    frames = [frame for frame, _ in zip(camera, range(50), strict=False)]
    camera.close()
    shown = [frame_number(frame.rgb) for frame in frames]
    assert shown.count(3) >= 2
    assert all(a.time_s < b.time_s for a, b in itertools.pairwise(frames))
    assert frames[-1].time_s > 1.5 * VideoFile.probe(clip).duration_s


def test_a_camera_that_is_plugged_in_again_goes_on_in_the_same_time(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "LOST_AFTER_S", 0.2)
    monkeypatch.setattr(sources, "REOPEN_EVERY_S", 0.1)
    camera = PatientCamera(lambda: Camera("3", open_timeout_s=0.5))
    frames = iter(camera)
    first = [next(frames) for _ in range(5)]
    plugged = fake.grab
    monkeypatch.setattr(fake, "grab", lambda self: time.sleep(0.01) or False)
    threading.Timer(1.0, lambda: monkeypatch.setattr(fake, "grab", plugged)).start()
    later = []
    for frame in frames:
        later.append(frame)
        if frame.time_s > first[-1].time_s + 0.6:
            break
        assert not camera.lost
    again = next(frames)
    camera.close()
    assert "came back" in camera.warning
    assert camera.lost == ""
    assert again.time_s - first[-1].time_s > 0.6
    assert len(fake.made) >= 2
    for numbers in zip(*((f.time_s, f.index) for f in (*first, *later, again)), strict=True):
        assert all(a < b for a, b in itertools.pairwise(numbers))


def test_pictures_that_nobody_had_time_for_are_missing_in_the_numbers(fake: type[FakeCapture]) -> None:
    camera = PatientCamera(lambda: Camera("3", open_timeout_s=0.5))
    frames = []
    for frame, _ in zip(camera, range(3), strict=False):
        frames.append(frame)
        time.sleep(0.1)
    camera.close()
    assert [frame.index for frame in frames] == [frame_number(frame.rgb) for frame in frames]
    assert frames[-1].index > 4


def test_waiting_for_a_camera_can_be_given_up(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LOST_AFTER_S", 0.1)
    camera = PatientCamera(lambda: Camera("3", open_timeout_s=0.3))
    frames = iter(camera)
    next(frames)
    monkeypatch.setattr(fake, "grab", lambda self: time.sleep(0.01) or False)
    threading.Timer(1.0, camera.close).start()
    assert list(frames) == [] or camera.lost
