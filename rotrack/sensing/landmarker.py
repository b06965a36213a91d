"""Second stage: the leg landmarks of a frame. The only module that knows MediaPipe.

VIDEO mode for cameras and files alike, so that live and offline give the same numbers; frames are never mirrored. In that mode
the pose model smooths over time with its own One-Euro filter, which it does for one pose only, and it may slide onto another
person. A second, sparse search in single pictures therefore looks for further people, and a `PersonKeeper` checks every frame
that the landmarks are still the person's; as long as they are, it changes nothing.

Where the pose model finds nobody, or nobody with a leg, it is asked again in other layouts of the picture, at a lower
confidence, and the leg network judges whether what it finds are legs. A person who was found in a layout is followed in it
until the unchanged picture shows them. A `SecondLook` says when to ask, by the times of the pictures, so that live and offline
do the same.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np

from rotrack.core.errors import ModelError
from rotrack.core.messages import Message, say
from rotrack.core.model import LEGS, Frame, Pose, Side, empty_pose
from rotrack.core.reasons import Reason
from rotrack.sensing.frozen import is_dark
from rotrack.sensing.layouts import LYING, UPRIGHT, Layout
from rotrack.sensing.legnet import LegNet
from rotrack.sensing.person import PersonKeeper, painted_over
from rotrack.system.memory import give_back

MODELS = ("heavy", "full")
"""Pose models in the package, most accurate first."""
VISIBLE_FROM = 0.5
"""A landmark with less visibility is missing."""
LOOK_EVERY_S = 2.0
"""How often the picture is searched for several people; twice as often in the first seconds."""
PEOPLE_AT_MOST = 3
POINTED_SHARE = 0.2
"""Somebody who was pointed at is also searched for in a strip, alone, that reaches so far to either side, in picture widths:
beside a larger person the search may overlook a smaller one."""
LOOK_AGAIN_S = 0.3
"""While it is doubtful whose landmarks they are, the picture is searched for several people this often; more and more rarely
as long as nobody else is found."""
AGAIN_FROM = 0.2
"""Confidence of the person detector from which a person is taken when it is asked again; the leg network refuses what is none."""
AGAIN_EVERY_S = (0.0, 0.25, 0.5)
"""Pauses between two times of asking again: as each layout was tried once, the next pause holds, the last one for good."""
JUDGED_EVERY_S, JUDGED_TWICE = 1.0, 2
"""Somebody found so is judged again this often, and no longer followed after so many verdicts against the legs."""
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
        raise ModelError(
            "There is no pose model '{name}'. Use {models}, or the path of a .task file.", name=name, models=" or ".join(MODELS)
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if name in MODELS and digest != _CHECKSUMS[name]:
        raise ModelError("The pose model '{name}' in the package is damaged; install rotrack again.", name=name)
    if not zipfile.is_zipfile(path):
        raise ModelError("{name} is not a pose model bundle (.task).", name=path.name)
    return ModelFile(name if name in MODELS else path.name, path, digest)


def settings() -> dict[str, Any]:
    """Return what influences the landmarks besides the model, for the log."""
    return {
        "landmarker": f"mediapipe {metadata.version('mediapipe')}",
        "running_mode": "video",
        "poses": 1,
        "visible_from": VISIBLE_FROM,
        "asked_again_from": AGAIN_FROM,
    }


class SecondLook:
    """When and in which layout the pose model is asked again; times are those of the pictures, in order.

    Parameters
    ----------
    layouts : tuple of Layout
        What to try, best first.
    """

    def __init__(self, layouts: tuple[Layout, ...]) -> None:
        self._layouts = layouts
        self._next = 0
        self._due_s = -math.inf

    def due(self, time_s: float) -> Layout | None:
        """Return the layout to try in the picture of this time; None if it is too early to ask again."""
        if time_s < self._due_s:
            return None
        layout = self._layouts[self._next % len(self._layouts)]
        self._next += 1
        rounds = self._next // len(self._layouts)
        self._due_s = time_s + AGAIN_EVERY_S[min(rounds, len(AGAIN_EVERY_S) - 1)]
        return layout

    def found(self, layout: Layout | None = None) -> None:
        """Begin anew when somebody was seen, with the layout in which that was first."""
        if layout is not None:
            self._layouts = (layout, *(other for other in self._layouts if other != layout))
        self._next, self._due_s = 0, -math.inf


class Landmarker:
    """Frames to landmarks, in order of time; a context manager.

    Parameters
    ----------
    model : ModelFile
        The pose model.
    watch_people : bool
        Whether to search for further people now and then, and to refuse landmarks that are not the chosen person's.
    follow : tuple of float, optional
        A point on the person to measure in the first pictures, px; without it the largest and most central one.
    lying : bool
        Whether the drill is done lying down. Otherwise somebody before the person is noticed even if not recognised.

    Raises
    ------
    ModelError
        If the bundle cannot be loaded.
    """

    def __init__(
        self,
        model: ModelFile,
        watch_people: bool = True,
        follow: tuple[float, float] | None = None,
        lying: bool = False,
    ) -> None:
        from mediapipe.tasks.python import vision

        self.model = model
        self._quiet = True  # the native library is chatty until its first picture is done
        self._last_ms = -1
        self._next_look_s = 0.0
        self._last_look_s, self._look_wait_s = -LOOK_AGAIN_S, LOOK_AGAIN_S
        self._looks = (0, 0)
        self._lying = lying
        self._choice_px: tuple[float, float] | None = None
        self._keeper = PersonKeeper(follow, upright=not lying) if watch_people else None
        self._second = SecondLook(LYING if lying else UPRIGHT)
        self._following: Layout | None = None
        self._again: Any = None
        self._follow: Any = None
        self._judge: LegNet | None = None
        self._follow_ms, self._follow_busy = -1, False
        self._judged_s, self._against = -math.inf, 0
        self._video = _create(model, vision.RunningMode.VIDEO, 1)
        try:
            self._search = _create(find_model("full"), vision.RunningMode.IMAGE, PEOPLE_AT_MOST) if watch_people else None
        except ModelError:
            self._video.close()
            raise

    @property
    def seen_as_it_is(self) -> bool:
        """Whether nobody is followed in another layout than the picture's own."""
        return self._following is None

    @property
    def pointed_at_nobody(self) -> bool:
        """Whether somebody was pointed at and nobody found there, so that whoever is seen is measured."""
        return self._keeper is not None and self._keeper.pointed_at_nobody

    def choose(self, point_px: tuple[float, float]) -> None:
        """From the next picture on, follow the person at this point, px, whoever was followed before; safe from any thread.

        If nobody is found there within seconds, nothing changes. Without `watch_people` nothing ever does.
        """
        self._choice_px = point_px

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
        size_px = (frame.rgb.shape[1], frame.rgb.shape[0])
        self._take_choice(frame)
        self._last_ms = max(self._last_ms + 1, round(frame.time_s * 1000))
        shown = self._shown(frame.rgb, size_px)
        result = self._video.detect_for_video(_image(shown), self._last_ms)
        people = self._count_people(frame)
        pose = self._best(frame, shown, _first_pose(frame.time_s, size_px, result, people), people)
        if pose is None:
            reason = self._keeper.nobody(frame.rgb) if self._keeper else ""
            if reason:
                self._search_elsewhere(frame)
            return empty_pose(frame.time_s, size_px, reason or (Reason.TOO_DARK if is_dark(frame.rgb) else Reason.NOBODY), people)
        reason = self._not_the_person(frame, pose)
        if reason:
            return empty_pose(frame.time_s, size_px, reason, people)
        return _without(pose, self._keeper.covered_legs(frame.time_s)) if self._keeper else pose

    # ------------------------------------------------------------------ asking again
    def _best(self, frame: Frame, shown: np.ndarray, pose: Pose | None, people: int) -> Pose | None:
        """Return the pose as it was found, or if that shows no leg, what asking again finds; `shown` is what was looked at."""
        if pose is not None and self._has_legs(pose) and (self._following is None or self._are_legs(frame.rgb, pose)):
            self._following = None
            self._second.found()
            return pose
        found = None
        if self._following is not None:
            found = self._followed(frame, shown, people)
            if found is None:
                self._second.found(self._following)
                self._following = None
        if found is None:
            found = self._look_in_another_layout(frame, shown, people)
        return found or pose

    def _look_in_another_layout(self, frame: Frame, shown: np.ndarray, people: int) -> Pose | None:
        from mediapipe.tasks.python import vision

        layout = self._second.due(frame.time_s)
        if layout is None:
            return None
        if self._again is None:
            self._again = _create(find_model("full"), vision.RunningMode.IMAGE, 1, AGAIN_FROM)
        result = self._again.detect(_image(layout.show(shown)))
        pose = _first_pose(frame.time_s, (shown.shape[1], shown.shape[0]), result, people, layout)
        if pose is None or not self._has_legs(pose) or not self._are_legs(frame.rgb, pose):
            return None
        if self._follow is None:
            self._follow = _create(self.model, vision.RunningMode.VIDEO, 1, AGAIN_FROM)
        if self._follow_busy:  # it would go on where it saw somebody last
            self._ask_follower(np.full_like(layout.show(shown), 128), frame.time_s)
        self._following, self._judged_s, self._against = layout, frame.time_s, 0
        self._ask_follower(layout.show(shown), frame.time_s)  # from where it sees somebody at first, it sees them better
        found = self._followed(frame, shown, people)
        if found is None:
            self._following = None
        return found

    def _followed(self, frame: Frame, shown: np.ndarray, people: int) -> Pose | None:
        """Return the pose of who is followed in another layout; None if they are lost."""
        layout = self._following
        assert layout is not None
        result = self._ask_follower(layout.show(shown), frame.time_s)
        pose = _first_pose(frame.time_s, (shown.shape[1], shown.shape[0]), result, people, layout)
        if pose is None or not self._has_legs(pose):
            return None
        if frame.time_s - self._judged_s >= JUDGED_EVERY_S:
            self._judged_s = frame.time_s
            self._against = 0 if self._are_legs(frame.rgb, pose) else self._against + 1
        return pose if self._against < JUDGED_TWICE else None

    def _ask_follower(self, rgb: np.ndarray, time_s: float) -> Any:
        self._follow_ms = max(self._follow_ms + 1, round(time_s * 1000))
        result = self._follow.detect_for_video(_image(rgb), self._follow_ms)
        self._follow_busy = bool(result.pose_landmarks)
        return result

    def _has_legs(self, pose: Pose) -> bool:
        """Whether a pose shows what may be measured: a leg from hip to ankle, or lying, the trunk."""
        seen = np.isfinite(pose.image_px[:, 0])
        trunk = all(seen[part] for leg in LEGS.values() for part in (leg.shoulder, leg.hip))
        return bool(any(seen[list(leg[1:4])].all() for leg in LEGS.values()) or (self._lying and trunk))

    def _are_legs(self, rgb: np.ndarray, pose: Pose) -> bool:
        self._judge = self._judge or LegNet()
        return self._judge.are_legs(rgb, pose)

    def _take_choice(self, frame: Frame) -> None:
        """Look for somebody who was chosen since the last picture, and forget who was followed."""
        point_px, self._choice_px = self._choice_px, None
        if self._keeper and point_px is not None:
            self._keeper = PersonKeeper(point_px, upright=not self._lying)
            self._look_wait_s = LOOK_AGAIN_S
            self._look(frame)

    def _shown(self, rgb: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
        """Return what the pose model gets to see: all, or while the person is looked for, the region where they were."""
        region = self._keeper.region_px(size_px) if self._keeper else None
        return rgb if region is None else painted_over(rgb, region)

    def _not_the_person(self, frame: Frame, pose: Pose) -> str:
        """Return why the landmarks are not the chosen person's; empty if they are."""
        if not self._keeper:
            return ""
        if self._keeper.doubt(frame.rgb, pose.image_px, frame.time_s):
            self._look_again(frame)
        elif frame.time_s - self._last_look_s > LOOK_EVERY_S / 2:
            self._look_wait_s = LOOK_AGAIN_S
        return self._keeper.decide(frame.rgb, pose.image_px, frame.time_s)

    def _search_elsewhere(self, frame: Frame) -> None:
        if self._keeper and self._keeper.look_elsewhere(frame.time_s):
            self._look_again(frame)

    def _look_again(self, frame: Frame) -> None:
        if frame.time_s - self._last_look_s >= self._look_wait_s:
            alone = self._look(frame) < 2
            self._look_wait_s = min(2 * self._look_wait_s, LOOK_EVERY_S) if alone else LOOK_AGAIN_S

    def _look(self, frame: Frame) -> int:
        """Search a picture for several people, tell the keeper, and return how many there are."""
        assert self._keeper is not None
        self._last_look_s = frame.time_s
        bodies = self._bodies(frame, frame.rgb)
        self._keeper.seen(frame.rgb, bodies, frame.time_s)
        point_px = self._keeper.pointed_px
        if point_px is not None:
            height, width = frame.rgb.shape[:2]
            left, right = (round(point_px[0] + to * POINTED_SHARE * width) for to in (-1, 1))
            strip = (max(left, 0), 0, min(right, width), height)
            self._keeper.seen(frame.rgb, self._bodies(frame, painted_over(frame.rgb, strip)), frame.time_s)
        return len(bodies)

    def _bodies(self, frame: Frame, rgb: np.ndarray) -> list[np.ndarray]:
        """Return the landmarks of all people in a copy of a frame's picture, each of shape (33, 2), px."""
        assert self._search is not None
        found, size_px = self._search.detect(_image(rgb)).pose_landmarks, (rgb.shape[1], rgb.shape[0])
        return [_pose(frame.time_s, size_px, _points(body), np.zeros((len(body), 3)), 0).image_px for body in found]

    def _count_people(self, frame: Frame) -> int:
        """Return how many people were seen in both of the last two looks, so that one mistake does not count."""
        if self._search and frame.time_s >= self._next_look_s:
            self._next_look_s = frame.time_s + (LOOK_EVERY_S if frame.time_s > LOOK_EVERY_S else LOOK_EVERY_S / 2)
            self._looks = (self._looks[1], self._look(frame))
        return min(self._looks)

    def close(self) -> None:
        """Release the models."""
        for model in (self._video, self._search, self._again, self._follow):
            if model is not None:
                model.close()
        self._video = self._search = self._again = self._follow = self._judge = None
        give_back()

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _image(rgb: np.ndarray) -> Any:
    import mediapipe

    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)


def _points(landmarks: Any) -> np.ndarray:
    return np.array([(p.x, p.y, p.visibility) for p in landmarks])


def _first_pose(time_s: float, size_px: tuple[int, int], result: Any, people: int, layout: Layout | None = None) -> Pose | None:
    """Return the first body of a result, brought back from the layout in which it was found; None if there is none."""
    if not result.pose_landmarks:
        return None
    points = _points(result.pose_landmarks[0])
    world = np.array([(p.x, p.y, p.z) for p in result.pose_world_landmarks[0]])
    if layout is not None:
        points[:, :2], world = layout.bring_back(points[:, :2], world, size_px)
    return _pose(time_s, size_px, points, world, people)


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


def _without(pose: Pose, sides: tuple[Side, ...]) -> Pose:
    """Return a pose without the legs of some sides from the knee down."""
    if not sides:
        return pose
    hidden = [index for side in sides for index in LEGS[side][2:]]
    image_px, world_m = pose.image_px.copy(), pose.world_m.copy()
    image_px[hidden] = world_m[hidden] = np.nan
    for array in (image_px, world_m):
        array.setflags(write=False)
    return replace(pose, image_px=image_px, world_m=world_m)


def _create(model: ModelFile, mode: Any, poses: int, detected_from: float = 0.5) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model.path)),
        running_mode=mode,
        num_poses=poses,
        min_pose_detection_confidence=detected_from,
    )
    try:
        with quiet_stderr(tell_on_failure=False):
            return vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise ModelError(
            "{name} is not a pose model that can be used here ({why}). Use {models}.",
            name=model.path.name,
            why=first_line,
            models=" or ".join(MODELS),
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
        failed = False
        try:
            yield
        except Exception:  # Ctrl-C is no failure
            failed = True
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            if failed and tell_on_failure:
                swallowed.seek(0)
                os.write(2, swallowed.read())


def speed_advice(model: str, rate_hz: float) -> Message | None:
    """Return what to do when this model reads too few frames per second here, and what that costs; None without a faster one."""
    if model not in MODELS or model == MODELS[-1]:
        return None
    rate, nearest = say("times.rate", count=round(rate_hz)), MODELS[MODELS.index(model) + 1]
    return say("note.slow", rate=rate, model=model, nearest=nearest)
