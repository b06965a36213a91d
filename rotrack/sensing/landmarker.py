"""Second stage: the leg landmarks of a frame. The only module that knows MediaPipe.

VIDEO mode for cameras and files alike, so that live and offline give the same numbers; frames are never mirrored. In that mode
the pose model smooths over time with its own One-Euro filter, which it does for one pose only; a second, sparse search in
single pictures therefore looks for further people.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.errors import ModelError
from rotrack.model import Frame, Pose, empty_pose

MODELS = ("heavy", "full")
"""Pose models in the package, most accurate first."""
VISIBLE_FROM = 0.5
"""A landmark with less visibility is missing."""
LOOK_EVERY_S = 2.0
"""How often the picture is searched for several people; twice as often in the first seconds."""
PEOPLE_AT_MOST = 3
_CHECKSUMS = {
    "heavy": "d69c817d0617545f2be68a11d7d1537355f51395cd38123810f805f4787deff5",
    "full": "6826a26186260a0de6dd753f858f2bf52c4d4bdfe2a08a97758436d8d956c68b",
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A pose model bundle on disk.

    Parameters
    ----------
    name : str
        "heavy", "full", or the file name of a model of the person's own.
    path : Path
        The bundle.
    sha256 : str
        Its checksum.
    """

    name: str
    path: Path
    sha256: str


@cache
def find_model(name: str) -> ModelFile:
    """Return a model of the package by name, or one of the person's own by path.

    Raises
    ------
    ModelError
        If it is unknown, damaged, or not a pose model bundle.
    """
    if name in MODELS:
        path = Path(str(resources.files("rotrack").joinpath(f"sensing/models/pose_landmarker_{name}.task")))
    else:
        path = Path(name)
    if not path.is_file():
        raise ModelError(f"There is no pose model '{name}'. Use {' or '.join(MODELS)}, or the path of a .task file.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if name in MODELS and digest != _CHECKSUMS[name]:
        raise ModelError(f"The pose model '{name}' in the package is damaged; install rotrack again.")
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path.name} is not a pose model bundle (.task).")
    return ModelFile(name if name in MODELS else path.name, path, digest)


def settings() -> dict[str, Any]:
    """Return what influences the landmarks besides the model, for the log."""
    return {
        "landmarker": f"mediapipe {metadata.version('mediapipe')}",
        "running_mode": "video",
        "poses": 1,
        "visible_from": VISIBLE_FROM,
    }


class Landmarker:
    """Frames to landmarks, in order of time; a context manager.

    Parameters
    ----------
    model : ModelFile
        The pose model.
    watch_people : bool
        Whether to search for further people now and then.

    Raises
    ------
    ModelError
        If the bundle cannot be loaded.
    """

    def __init__(self, model: ModelFile, watch_people: bool = True) -> None:
        from mediapipe.tasks.python import vision

        self.model = model
        self._quiet = True  # the native library is chatty until its first picture is done
        self._last_ms = -1
        self._next_look_s = 0.0
        self._looks = (0, 0)
        self._video = _create(model, vision.RunningMode.VIDEO, 1)
        try:
            self._search = _create(find_model("full"), vision.RunningMode.IMAGE, PEOPLE_AT_MOST) if watch_people else None
        except ModelError:
            self._video.close()
            raise

    def detect(self, frame: Frame) -> Pose:
        """Return the pose in a frame; frames must come in order of time.

        Landmarks outside the picture or with little visibility are NaN. Values are rounded to what the landmark file
        keeps, so that measuring again from that file gives the same numbers.
        """
        if self._quiet:
            with quiet_stderr():
                pose = self._detect(frame)
            self._quiet = False
            return pose
        return self._detect(frame)

    def _detect(self, frame: Frame) -> Pose:
        import mediapipe

        height, width = frame.rgb.shape[:2]
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame.rgb)
        self._last_ms = max(self._last_ms + 1, round(frame.time_s * 1000))
        result = self._video.detect_for_video(image, self._last_ms)
        people = self._count_people(image, frame.time_s)
        if not result.pose_landmarks:
            return empty_pose(frame.time_s, (width, height), "nobody is seen in the picture", people)
        points = np.array([(p.x, p.y, p.visibility) for p in result.pose_landmarks[0]])
        world = np.array([(p.x, p.y, p.z) for p in result.pose_world_landmarks[0]])
        return _pose(frame.time_s, (width, height), points, world, people)

    def _count_people(self, image: Any, time_s: float) -> int:
        """Return how many people were seen in both of the last two looks, so that one mistake does not count."""
        if self._search and time_s >= self._next_look_s:
            self._next_look_s = time_s + (LOOK_EVERY_S if time_s > LOOK_EVERY_S else LOOK_EVERY_S / 2)
            self._looks = (self._looks[1], len(self._search.detect(image).pose_landmarks))
        return min(self._looks)

    def close(self) -> None:
        """Release the models."""
        self._video.close()
        if self._search:
            self._search.close()

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pose(time_s: float, size_px: tuple[int, int], points: np.ndarray, world: np.ndarray, people: int) -> Pose:
    image_px = np.round(points[:, :2] * size_px - 0.5, 2)
    visibility = np.round(points[:, 2], 3)
    inside = np.all((image_px >= -0.5) & (image_px <= np.array(size_px) - 0.5), axis=1)
    missing = ~inside | (visibility < VISIBLE_FROM)
    image_px[missing] = np.nan
    world_m = np.round(world, 4)
    world_m[missing] = np.nan
    for array in (image_px, world_m, visibility):
        array.setflags(write=False)
    return Pose(time_s, size_px, image_px, world_m, visibility, people)


def _create(model: ModelFile, mode: Any, poses: int) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model.path)), running_mode=mode, num_poses=poses
    )
    try:
        with quiet_stderr(tell_on_failure=False):
            return vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{model.path.name} is not a pose model that can be used here ({first_line}). Use {' or '.join(MODELS)}."
        ) from error


@contextmanager
def quiet_stderr(tell_on_failure: bool = True) -> Iterator[None]:
    """Swallow what native code writes to standard error; if the block fails, pass it on unless told not to."""
    try:
        saved = os.dup(2)
    except OSError:  # no standard error at all, nothing to silence
        yield
        return
    with tempfile.TemporaryFile() as swallowed:
        os.dup2(swallowed.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            if failed and tell_on_failure:
                swallowed.seek(0)
                os.write(2, swallowed.read())


def speed_advice(model: str, rate_hz: float) -> str:
    """Return what to do when this model reads too few pictures a second here, and what that costs; may be empty."""
    if model not in MODELS or model == MODELS[-1]:
        return ""
    nearest = MODELS[MODELS.index(model) + 1]
    return (
        f"This computer reads {rate_hz:.0f} pictures a second with the model '{model}'. Try --model {nearest}: it is more than "
        "twice as fast, but its angles err by up to twice as much."
    )
