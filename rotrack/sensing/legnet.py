"""The leg network: looks at a crop of each leg at the camera's own resolution, where the pose model has a dozen pixels.

A crop is what a camera would see that looks along the ray through the leg, about 2.2 feet wide, so the same foot looks the same
wherever it is in the picture; left legs are mirrored. The first crop of a leg is placed by the pose model's landmarks, the
next ones by the network's own last answer as long as that fits the picture. Training and evaluation are in `training/`, what
the network can and cannot do in `models/LEGNET.md`.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np

from rotrack.errors import ModelError
from rotrack.kinematics.camera import Lens
from rotrack.model import LEGS, Leg, LegCrop, Pose, Side

INPUT_PX = 96
"""Side of the crop that the network sees."""
WIDTH_FEET = 2.2
"""Its width in lengths of the foot, heel to toe."""
FOOT_M, LEAST_SPREAD_M = 0.24, 0.05
"""Length of an average foot, and what a leg that points at the camera measures at least, m; only to place a first crop."""
OWN_FROM, OWN_FOR_S = 0.6, 0.5
"""The network's last answer places the next crop if it was at least so sure that it saw a leg, and not longer ago ..."""
OWN_WITHIN, OWN_SIZE = 0.6, 0.2
"""... and if it is not further from a leg of the pose model's than the first, in crop widths; its width follows the network's own
length of the foot, as far as that differs from the pose model's by less than the second (logarithm) ..."""
APART = 0.15
"""... and if the other leg's is not nearer than this, in crop widths."""
SIZE_SMOOTHING = 0.15
"""Share of a new length of the foot that counts for the width of the next crop."""
DOUBT_S, EXCHANGED_FROM = 0.5, 2.0
"""The legs are exchanged when what their crops say of being the other leg, as the logarithm of the odds of both together and as
the mean over about the first, passes the second."""
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to cut: the middle of the crop and its width in the picture, px."""

    middle_px: np.ndarray
    width_px: float


class LegNet:
    """Reads both legs of one person from frame to frame."""

    def __init__(self) -> None:
        card = description()
        data = np.frombuffer(resources.files("rotrack").joinpath("sensing/models/legnet.onnx").read_bytes(), np.uint8)
        self._net = cv2.dnn.readNetFromONNX(data)
        self._error_scale = np.array(card["error_scale"], float)
        self._last: dict[Side, tuple[float, LegCrop]] = {}
        self._doubt, self._doubted_s = 0.0, -math.inf

    def read(self, rgb: np.ndarray, pose: Pose) -> Pose:
        """Return the pose with what the network says of each leg that is in the picture.

        Which leg is which follows from where they were in the picture before. At first that is the pose model's word; when both
        crops keep looking like the other leg, the legs are exchanged.

        Parameters
        ----------
        rgb : numpy.ndarray, shape (H, W, 3), uint8
            The picture that the pose was found in.
        pose : Pose
            The pose; frames come in order of time.
        """
        lens = Lens.assumed(pose.size_px)  # only to cut: what the picture says of a leg hardly depends on it
        places = self._places(pose)
        if not places:
            self._last.clear()
            return pose
        legs = self._look(rgb, lens, places)
        if self._exchanged(pose.time_s, legs):
            self._last = {side.other: last for side, last in self._last.items()}
            legs = self._look(rgb, lens, {side.other: place for side, place in places.items()})
        self._last = {side: (pose.time_s, leg) for side, leg in legs.items()}
        return replace(pose, legs=legs)

    def _look(self, rgb: np.ndarray, lens: Lens, places: dict[Side, _Place]) -> dict[Side, LegCrop]:
        turns = {side: lens.turn_to(place.middle_px) for side, place in places.items()}
        crops = [_cut(rgb, lens, place, turns[side], side) for side, place in places.items()]
        self._net.setInput(cv2.dnn.blobFromImages(crops, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        said = zip(places.items(), self._net.forward(), strict=True)
        return {side: self._answer(row, lens, place, turns[side], side) for (side, place), row in said}

    def _exchanged(self, time_s: float, legs: dict[Side, LegCrop]) -> bool:
        """Take what both crops say of being the other leg; return whether the legs have to be exchanged."""
        step_s, self._doubted_s = min(max(time_s - self._doubted_s, 0.0), 1.0), time_s
        self._doubt *= math.exp(-step_s / DOUBT_S)
        if len(legs) < len(Side):
            return False
        told = [math.log((leg.other_leg + 0.02) / (leg.readable + 0.02)) for leg in legs.values()]
        self._doubt += step_s / DOUBT_S * sum(told)
        if self._doubt < EXCHANGED_FROM:
            return False
        self._doubt = -self._doubt
        return True

    def _places(self, pose: Pose) -> dict[Side, _Place]:
        """Return where to cut the crops: by the network's last answers where these fit, else by the pose model's landmarks."""
        first = {side: place for side in Side if (place := _first_place(pose, LEGS[side])) is not None}
        own = {
            side: _Place(_middle(leg.points_px), WIDTH_FEET * leg.foot_px)
            for side, (time_s, leg) in self._last.items()
            if leg.readable + leg.other_leg > OWN_FROM and 0 <= pose.time_s - time_s < OWN_FOR_S
        }
        if first:
            nearest = {side: min(first.values(), key=lambda place: _distance_px(place, mine)) for side, mine in own.items()}
            own = {side: _held(mine, nearest[side]) for side, mine in own.items() if _near(mine, nearest[side])}
        if len(own) == len(Side) and _distance_px(*own.values()) < APART * min(place.width_px for place in own.values()):
            own = {}  # both have ended on the same leg
        return first | own

    def _answer(self, said: np.ndarray, lens: Lens, place: _Place, turn: np.ndarray, side: Side) -> LegCrop:
        said = said.astype(float)
        flip = -1.0 if side is Side.LEFT else 1.0
        mirrored = np.array([flip, 1.0, 1.0])
        foot, shank = (said[k : k + 3] / np.linalg.norm(said[k : k + 3]) * mirrored for k in (0, 3))
        offsets = said[6:14].reshape(4, 2) * mirrored[:2]
        rays = np.hstack([offsets * _width_slope(lens, place), np.ones((4, 1))]) @ turn.T
        points_px = lens.pixels(rays[:, :2] / rays[:, 2:])
        sd = np.exp(np.clip(said[15:21], -6, 1)) * self._error_scale
        score = np.exp(said[21:24] - said[21:24].max())
        chance = score / score.sum()
        foot_px = float(np.exp(np.clip(said[14], -2.0, 0.5))) * place.width_px
        before = self._last.get(side)
        if before is not None and before[1].readable + before[1].other_leg > OWN_FROM:
            foot_px = float(np.exp((1 - SIZE_SMOOTHING) * np.log(before[1].foot_px) + SIZE_SMOOTHING * np.log(foot_px)))
        numbers = [
            place.middle_px,
            points_px.ravel(),
            sd[4:] * place.width_px,
            foot,
            shank,
            np.degrees(sd[:4]),
            [foot_px, chance[0], chance[1]],
        ]
        return LegCrop.of(np.round(np.concatenate(numbers), DECIMALS))


def _middle(points_px: np.ndarray) -> np.ndarray:
    """Return the middle of the crop for heel, toe, ankle and knee, shape (4, 2): a mixed up heel and toe do not move it."""
    heel, toe, ankle, knee = points_px
    return 0.225 * (heel + toe) + 0.45 * ankle + 0.1 * knee


def _first_place(pose: Pose, leg: Leg) -> _Place | None:
    """Return a crop by the pose model's landmarks and its idea of metres; None if the leg is not in the picture."""
    marks = [leg.hip, leg.heel, leg.toe, leg.ankle, leg.knee]
    image, world = pose.image_px[marks], pose.world_m[marks, :2]
    if not np.isfinite(image[1:]).all():
        return None
    rows = np.isfinite(image).all(axis=1)
    spread_px, spread_m = (float(np.sqrt(((p - p.mean(axis=0)) ** 2).sum())) for p in (image[rows], world[rows]))
    return _Place(_middle(image[1:]), WIDTH_FEET * FOOT_M * spread_px / max(spread_m, LEAST_SPREAD_M))


def _distance_px(a: _Place, b: _Place) -> float:
    return float(np.hypot(*(a.middle_px - b.middle_px)))


def _near(own: _Place, place: _Place) -> bool:
    """Whether a place of the network's own is near one of the pose model's."""
    return _distance_px(own, place) < OWN_WITHIN * place.width_px


def _held(own: _Place, place: _Place) -> _Place:
    """Return a place of the network's own, of a width not too far from the pose model's."""
    return replace(own, width_px=float(np.clip(own.width_px, *place.width_px * np.exp([-OWN_SIZE, OWN_SIZE]))))


def _width_slope(lens: Lens, place: _Place) -> float:
    """Return how wide the crop is on the plane at distance 1 along its ray."""
    ray = np.append(lens.slopes(place.middle_px), 1.0)
    return place.width_px / float(lens.matrix[0, 0]) / float(np.linalg.norm(ray))


def _cut(rgb: np.ndarray, lens: Lens, place: _Place, turn: np.ndarray, side: Side) -> np.ndarray:
    """Return the crop, shape (96, 96, 3), as a camera along its ray would see it, mirrored for a left leg."""
    step = _width_slope(lens, place) / INPUT_PX
    flip = -1.0 if side is Side.LEFT else 1.0
    middle = (INPUT_PX - 1) / 2
    to_ray = np.array([[flip * step, 0, -flip * step * middle], [0, step, -step * middle], [0, 0, 1.0]])
    to_picture = lens.matrix @ turn @ to_ray
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shrink = place.width_px / INPUT_PX
    if shrink > 1.5:  # many pixels make one: average them first
        factor = 1 / shrink
        reach = 0.75 * place.width_px + 2
        corner = np.maximum(np.floor(place.middle_px - reach), 0).astype(int)
        end = np.minimum(np.ceil(place.middle_px + reach), (rgb.shape[1], rgb.shape[0])).astype(int)
        part = rgb[corner[1] : end[1], corner[0] : end[0]]
        if part.size:
            size = (max(round(part.shape[1] * factor), 1), max(round(part.shape[0] * factor), 1))
            ratio = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
            rgb = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            moved = np.array([[ratio[0], 0, (ratio[0] - 1) / 2], [0, ratio[1], (ratio[1] - 1) / 2], [0, 0, 1.0]])
            to_picture = moved @ np.array([[1, 0, -corner[0]], [0, 1, -corner[1]], [0, 0, 1.0]]) @ to_picture
    return cv2.warpPerspective(rgb, to_picture, (INPUT_PX, INPUT_PX), flags=flags, borderMode=cv2.BORDER_REFLECT)


@cache
def description() -> dict[str, Any]:
    """Return what legnet.json says of the network: version, checksum of the weights, error scale.

    Raises
    ------
    ModelError
        If the weights are missing or damaged.
    """
    folder = resources.files("rotrack").joinpath("sensing/models")
    try:
        card: dict[str, Any] = json.loads(folder.joinpath("legnet.json").read_text("utf-8"))
        whole = hashlib.sha256(folder.joinpath("legnet.onnx").read_bytes()).hexdigest() == card["sha256"]
    except (OSError, ValueError, KeyError):
        whole = False
    if not whole:
        raise ModelError(
            "The leg network that comes with rotrack is damaged: install rotrack again, or go on without it (--no-legnet)."
        )
    return card
