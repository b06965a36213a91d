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
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.errors import ModelError
from rotrack.core.model import LEGS, N_LANDMARKS, LegCrop, Pose, Side
from rotrack.core.postures import Posture
from rotrack.kinematics.camera import Lens
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import cv2
else:
    cv2 = when_used("cv2")

INPUT_PX = 96
"""Side of the crop that the network sees."""
WIDTH_FEET = 2.2
"""Its width in lengths of the foot, heel to toe."""
FOOT_M = 0.24
"""Length of an average foot, m: by the pose model's metres it gives a crop its width."""
NEAREST_M = 0.4
"""No leg is nearer to the camera."""
WIDTH_SMOOTHING_S, GROWN_SMOOTHING_S = 0.5, 2.0
GROWN_AT_MOST = 0.15
"""How far the width of a crop follows the network's own length of the foot (logarithm): it tells a size badly."""
OWN_FROM, OWN_FOR_S = 0.6, 0.5
"""The network's last answer places the next crop if it was at least so sure that it could read the leg, and not longer ago ..."""
UNREAD_AT_MOST = 4
"""... and if it could not read it in at most so many pictures since ..."""
OWN_WITHIN = 0.35
"""... and if it is not further from that leg of the pose model's than this, in crop widths ..."""
ASTRAY_FROM, ASTRAY_WITHIN, ASTRAY_FOR_S = 0.8, 1.0, 2.0
"""... while a network that was at least so sure keeps to its own answer for so long where the pose model's legs are at least
within so many crop widths: legs that cross lead the pose model astray ..."""
APART, APART_SHARE = 0.15, 0.5
"""... and if it is not nearer to the other leg's than the first, in crop widths, or than the second, as a share of the distance
between the pose model's legs."""
DOUBT_S, EXCHANGED_FROM = 1.0, 1.0
"""The legs are exchanged when what both crops at least say of being the other leg, as the logarithm of the odds, is more than the
second on average over about the first."""
LEG_FROM = 0.6
"""A crop shows a leg if the network is at least so sure that it is this one or the other. In pictures without chest and head, it
was for one leg at least in 96 % of 157 where the pose model erred by less than 0.15 shanks, and in none of 51 where it erred
by more than 0.5 and had taken arms or furniture for legs."""
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where to cut: the middle of the crop and its width in the picture, px."""

    middle_px: np.ndarray
    width_px: float


@dataclass(frozen=True, slots=True)
class _Track:
    """What is kept of a leg: where it was seen, and how wide its crop is."""

    time_s: float
    unread: int
    """How often the network could not read it since it could."""
    backed_s: float
    """When the pose model had a leg there last."""
    middle_px: np.ndarray
    """Where the network saw it last."""
    width_px: float
    """By the pose model, smoothed."""
    sure: float
    """How sure it was then that it could read the leg."""
    grown: float = 0.0
    """Logarithm of what the network makes of that width."""

    def own(self) -> Place:
        """Return where to look next."""
        return Place(self.middle_px, self.width_px * math.exp(self.grown))

    def holds(self, time_s: float, first: dict[Side, Place]) -> bool:
        """Whether the leg may still be there although the pose model has none there."""
        away_s, own = time_s - self.backed_s, self.own()
        near = any(_distance_px(own, place) < ASTRAY_WITHIN * place.width_px for place in first.values())
        return away_s < (ASTRAY_FOR_S if near and self.sure >= ASTRAY_FROM else OWN_FOR_S)


class LegNet:
    """Reads both legs of one person from frame to frame.

    Parameters
    ----------
    posture : Posture, optional
        The position of the person, if it is known.
    """

    def __init__(self, posture: Posture | None = None) -> None:
        self._larger = posture.record.foot_larger if posture else 1.0
        self._either_leg = posture is not None and posture.record.face_down  # seen from the soles, they look alike
        card = description()
        data = np.frombuffer(resources.files("rotrack").joinpath("sensing/models/legnet.onnx").read_bytes(), np.uint8)
        self._net = cv2.dnn.readNetFromONNX(data)
        self._error_scale = np.array(card["error_scale"], float)
        self._tracks: dict[Side, _Track] = {}
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
        if pose.reason:
            self._tracks = {}
            return pose
        lens = Lens.assumed(pose.size_px)  # only to cut: what the picture says of a leg hardly depends on it
        first = first_places(pose, lens, self._larger)
        places = self._places(pose.time_s, first)
        if not places:
            return pose
        legs = self._look(rgb, lens, places)
        if self._exchanged(pose.time_s, legs):
            self._tracks = {side.other: track for side, track in self._tracks.items()}
            places = {side.other: place for side, place in places.items()}
            legs = self._look(rgb, lens, places)
        for side, leg in legs.items():
            self._follow(pose.time_s, side, leg, places[side], first)
        return replace(pose, legs=legs)

    def are_legs(self, rgb: np.ndarray, pose: Pose) -> bool:
        """Return whether at least one leg of a pose looks like a leg, by either name; nothing of it is kept."""
        lens = Lens.assumed(pose.size_px)
        places = first_places(pose, lens, self._larger)
        return bool(places) and any(leg.readable + leg.other_leg > LEG_FROM for leg in self._look(rgb, lens, places).values())

    def _look(self, rgb: np.ndarray, lens: Lens, places: dict[Side, Place]) -> dict[Side, LegCrop]:
        turns = {side: lens.turn_to(place.middle_px) for side, place in places.items()}
        crops = [_cut(rgb, lens, place, turns[side], side) for side, place in places.items()]
        self._net.setInput(cv2.dnn.blobFromImages(crops, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        said = zip(places.items(), self._net.forward(), strict=True)
        return {side: self._answer(row, lens, place, turns[side], side) for (side, place), row in said}

    def _exchanged(self, time_s: float, legs: dict[Side, LegCrop]) -> bool:
        """Take what both crops say of being the other leg; return whether the legs have to be exchanged."""
        step_s, self._doubted_s = min(max(time_s - self._doubted_s, 0.0), 0.1), time_s
        told = [math.log((leg.other_leg + 0.05) / (leg.readable + 0.05)) for leg in legs.values()]
        share = 1 - math.exp(-step_s / DOUBT_S)
        self._doubt += share * ((min(told) if len(told) == len(Side) else 0.0) - self._doubt)
        if self._doubt < EXCHANGED_FROM:
            return False
        self._doubt = -EXCHANGED_FROM
        return True

    def _places(self, time_s: float, first: dict[Side, Place]) -> dict[Side, Place]:
        """Return where to cut the crops: by the network's last answers where these fit those of the pose model, else by these."""
        self._tracks = {
            side: track
            for side, track in self._tracks.items()
            if 0 <= time_s - track.time_s < OWN_FOR_S and track.unread <= UNREAD_AT_MOST and track.holds(time_s, first)
        }
        own = {side: track.own() for side, track in self._tracks.items()}
        named = self._named(own, first)
        for side, place in named.items():
            within = ASTRAY_WITHIN if side in own and self._tracks[side].sure >= ASTRAY_FROM else OWN_WITHIN
            if side in own and _distance_px(own[side], place) >= within * place.width_px:
                del own[side], self._tracks[side]
        if len(own) == len(Side):
            apart_px = _distance_px(*own.values())
            wanted_px = APART_SHARE * _distance_px(*first.values()) if len(first) == len(Side) else 0.0
            if apart_px < max(APART * min(place.width_px for place in own.values()), wanted_px):
                own, self._tracks = {}, {}  # both have ended on the same leg
        return named | own

    @staticmethod
    def _named(own: dict[Side, Place], first: dict[Side, Place]) -> dict[Side, Place]:
        """Return the pose model's places under the names of the legs that were followed there."""
        other = {side.other: place for side, place in first.items()}
        off = [[_distance_px(own[side], names[side]) for side in own if side in names] for names in (first, other)]
        if not off[0]:  # one leg was followed, and one that bears the other name is seen: the same one if it is there
            return other if off[1] and off[1][0] < OWN_WITHIN * min(place.width_px for place in first.values()) else first
        return other if off[1] and sum(off[1]) < sum(off[0]) else first

    def _follow(self, time_s: float, side: Side, leg: LegCrop, place: Place, first: dict[Side, Place]) -> None:
        """Remember where a leg was seen, and how wide its crop should be."""
        known = self._tracks.get(side)
        middle_px = _middle(leg.points_px)
        there = [it for it in first.values() if np.hypot(*(it.middle_px - middle_px)) < OWN_WITHIN * it.width_px]
        near = min(there, key=lambda it: float(np.hypot(*(it.middle_px - middle_px))), default=None)
        width_px, grown, step_s = (known.width_px, known.grown, time_s - known.time_s) if known else (place.width_px, 0.0, 0.0)
        backed_s = known.backed_s if known else time_s
        if near:
            backed_s = time_s
            width_px *= (near.width_px / width_px) ** (1 - math.exp(-step_s / WIDTH_SMOOTHING_S))
        if leg.readable > OWN_FROM:
            said = float(np.clip(math.log(WIDTH_FEET * leg.foot_px / width_px), -GROWN_AT_MOST, GROWN_AT_MOST))
            grown += (1 - math.exp(-step_s / GROWN_SMOOTHING_S)) * (said - grown)
            self._tracks[side] = _Track(time_s, 0, backed_s, middle_px, width_px, leg.readable, grown)
        elif known:
            self._tracks[side] = replace(known, time_s=time_s, unread=known.unread + 1, backed_s=backed_s, width_px=width_px)

    def _answer(self, said: np.ndarray, lens: Lens, place: Place, turn: np.ndarray, side: Side) -> LegCrop:
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
        if self._either_leg:
            chance = np.array([chance[0] + chance[1], 0.0])
        foot_px = float(np.exp(np.clip(said[14], -2.0, 0.5))) * place.width_px
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


def first_places(pose: Pose, lens: Lens, larger: float) -> dict[Side, Place]:
    """Return crops by the pose model's landmarks, of the legs of which ankle or heel and toe are in the picture.

    Its world landmarks are put where they explain the picture before the camera, so a foot that is nearer than the hips is as
    much larger as it is there.
    """
    known = [k for k in range(LEGS[Side.LEFT].shoulder, N_LANDMARKS) if np.isfinite(pose.image_px[k]).all()]
    if len(known) < 2:
        return {}
    slopes, world = lens.slopes(pose.image_px[known]), pose.world_m[known]
    # slope_x (z + shift_z) = x + shift_x, and likewise for y: linear in the shift.
    matrix = np.zeros((2, len(known), 3))
    matrix[0, :, 0] = matrix[1, :, 1] = 1.0
    matrix[:, :, 2] = -slopes.T
    shift = np.linalg.lstsq(matrix.reshape(-1, 3), (slopes * world[:, 2:] - world[:, :2]).T.ravel(), rcond=None)[0]
    found = {}
    for side, leg in LEGS.items():
        points_px = pose.image_px[[leg.heel, leg.toe, leg.ankle, leg.knee]].copy()
        seen = np.isfinite(points_px).all(axis=1)
        if not (seen[2] or seen[:2].all()) or sum(k in known for k in leg[1:]) < 2:
            continue
        points_px[~seen] = points_px[2] if seen[2] else points_px[:2].mean(axis=0)
        away_m = max(float(shift[2]) + float(pose.world_m[leg.ankle if seen[2] else leg.heel, 2]), NEAREST_M)
        found[side] = Place(_middle(points_px), larger * WIDTH_FEET * FOOT_M * float(lens.matrix[0, 0]) / away_m)
    return found


def _distance_px(a: Place, b: Place) -> float:
    return float(np.hypot(*(a.middle_px - b.middle_px)))


def _width_slope(lens: Lens, place: Place) -> float:
    """Return how wide the crop is on the plane at distance 1 along its ray."""
    ray = np.append(lens.slopes(place.middle_px), 1.0)
    return place.width_px / float(lens.matrix[0, 0]) / float(np.linalg.norm(ray))


def _cut(rgb: np.ndarray, lens: Lens, place: Place, turn: np.ndarray, side: Side) -> np.ndarray:
    """Return the crop, shape (96, 96, 3), as a camera along its ray would see it, mirrored for a left leg."""
    step = _width_slope(lens, place) / INPUT_PX
    flip = -1.0 if side is Side.LEFT else 1.0
    middle = (INPUT_PX - 1) / 2
    to_ray = np.array([[flip * step, 0, -flip * step * middle], [0, step, -step * middle], [0, 0, 1.0]])
    to_picture = lens.matrix @ turn @ to_ray
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    factor = round(place.width_px / INPUT_PX)
    if factor > 1:  # many pixels make one: average them first
        reach = 0.9 * place.width_px + 2
        left, top = np.maximum(np.floor(place.middle_px - reach), 0).astype(int)
        right, bottom = np.minimum(np.ceil(place.middle_px + reach), (rgb.shape[1], rgb.shape[0])).astype(int)
        columns, rows = max(right - left, 0) // factor, max(bottom - top, 0) // factor
        if columns and rows:
            part = rgb[top : top + rows * factor, left : left + columns * factor]
            rgb = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
            shift = (1 / factor - 1) / 2
            to_picture = (
                np.array([[1 / factor, 0, shift - left / factor], [0, 1 / factor, shift - top / factor], [0, 0, 1]]) @ to_picture
            )
    return cv2.warpPerspective(rgb, to_picture, (INPUT_PX, INPUT_PX), flags=flags, borderValue=(127, 127, 127))


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
