"""What may happen to a crop between the leg and the network: another cut, another camera, another light, worse pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from crops import MARGIN, SIZE_PX

from rotrack.kinematics.geometry import turn_to_ray

INPUT_PX = 96
"""Side of what the network gets to see."""
EDGE_GREY = 127
OTHER_LEG_SHARE = 0.1
"""Share of the readable crops that are mirrored."""
_LEVELS = np.arange(256, dtype=np.float32)


@dataclass(frozen=True)
class Target:
    """What the network should say of one crop.

    Parameters
    ----------
    directions : numpy.ndarray, shape (3, 3)
        Foot, shank, upper side of the foot, in the ray frame of the cut.
    points : numpy.ndarray, shape (4, 2)
        Heel, toe, ankle, knee in widths of the cut from its middle.
    log_size : float
        Logarithm of the foot's length (heel to toe, at its distance) in widths of the cut.
    kind : int
        0 readable, 1 the other leg, 2 unreadable, -1 undecided.
    """

    directions: np.ndarray
    points: np.ndarray
    log_size: float
    kind: int


def cut(
    picture: np.ndarray,
    directions: np.ndarray,
    points: np.ndarray,
    focal: float,
    foot: float,
    kind: int,
    scale: float = 1.0,
    turn_deg: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> tuple[np.ndarray, Target]:
    """Return what the network sees of a stored crop, and what it should say.

    Parameters
    ----------
    picture : numpy.ndarray, shape (128, 128, 3), uint8
        The stored crop.
    directions, points, focal, foot
        Its labels, as in `crops.Crops`.
    kind : int
        As in `Target`.
    scale : float
        Width of the cut over its proper width.
    turn_deg : float
        By how much the cut is turned.
    shift : tuple of float
        How far its middle is moved, in stored widths.
    """
    width = SIZE_PX / MARGIN * scale
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    move = np.array(shift)
    to_stored = width / INPUT_PX * np.array([[c, -s], [s, c]])
    middle = (SIZE_PX - 1) / 2 + move * SIZE_PX
    corner = middle - to_stored @ np.full(2, (INPUT_PX - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(picture, np.c_[to_stored, corner], (INPUT_PX, INPUT_PX), flags=flags, borderMode=cv2.BORDER_REFLECT)
    # Moving the cut turns the camera that looks through its middle; turning it turns the frame about the ray.
    ray = np.array([*(move / focal), 1.0])
    turned = directions @ turn_to_ray(ray / np.linalg.norm(ray))
    about = np.array([[c, s, 0.0], [-s, c, 0.0], [0, 0, 1.0]])
    stored_width = MARGIN / scale
    new_points = (points - move) @ about[:2, :2].T * stored_width
    return seen, Target(turned @ about.T, new_points, float(np.log(foot * stored_width)), kind)


def spoil(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as a worse camera, another lens or another light would have given it; something may be in the way."""
    if rng.random() < 0.75:
        size = int(rng.uniform(30, INPUT_PX))
        small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        way = cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC
        picture = cv2.resize(small, (INPUT_PX, INPUT_PX), interpolation=way)
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.4))
    if rng.random() < 0.2:
        picture = _motion_blur(picture, rng)
    if rng.random() < 0.12:
        picture = _edge(picture, rng)
    picture = _colours(picture, rng)
    noise = abs(rng.normal(0, 5))
    if noise > 1:
        picture = _noise(picture, noise, rng)
    if rng.random() < 0.2:
        picture = picture.copy()
        for _ in range(rng.integers(1, 3)):
            (top, left), (height, width) = rng.integers(-10, 90, 2), rng.integers(6, 26, 2)
            picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = rng.uniform(0, 255, 3)
    if rng.random() < 0.35:
        packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 80))])[1]
        picture = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return picture


def _motion_blur(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    length = int(rng.choice([3, 5, 7, 9]))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), rng.uniform(0, 180), 1)
    turned = np.asarray(cv2.warpAffine(kernel, turn, (length, length)))
    return cv2.filter2D(picture, -1, turned / turned.sum())


def _edge(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture that ends within the crop; what is beyond is grey, as rotrack fills it."""
    picture = np.rot90(picture, turns := int(rng.integers(4))).copy()
    picture[:, : int(rng.uniform(4, 0.4 * INPUT_PX))] = EDGE_GREY
    return np.ascontiguousarray(np.rot90(picture, -turns))


def _colours(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    colour = 0.0 if rng.random() < 0.1 else rng.uniform(0.3, 1.4)
    picture = cv2.addWeighted(picture, colour, grey, 1 - colour, 0)
    if rng.random() < 0.15:
        picture = picture[:, :, rng.permutation(3)]
    curve = np.power(_LEVELS / 255, np.exp(rng.normal(0, 0.28))) * 255
    middle = float(curve[picture[::8, ::8].ravel()].mean())
    curve = (curve - middle) * rng.uniform(0.5, 1.35) + middle * rng.uniform(0.5, 1.4)
    tinted = np.stack([curve * share for share in rng.uniform(0.9, 1.1, 3)], 1)
    return cv2.LUT(np.ascontiguousarray(picture), np.clip(tinted, 0, 255).astype(np.uint8)[None])


def _noise(picture: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    grain = _GRAIN[rng.integers(len(_GRAIN))]
    return cv2.add(picture, grain * np.float32(sd), dtype=cv2.CV_8U)


def _grains() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (INPUT_PX, INPUT_PX)
    colour = [rng.normal(0, 1, (*shape, 3)).astype(np.float32) for _ in range(40)]
    grey = [np.repeat(rng.normal(0, 1, (*shape, 1)).astype(np.float32), 3, 2) for _ in range(40)]
    return colour + grey + [cv2.GaussianBlur(g, (0, 0), 0.8) * 2.2 for g in colour]


_GRAIN = _grains()


def random_cut(
    picture: np.ndarray,
    directions: np.ndarray,
    points: np.ndarray,
    focal: float,
    foot: float,
    readable: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Target]:
    """Return a crop as the network may meet it: moved, scaled, turned, spoilt; sometimes mirrored, which is the other leg."""
    kind = -1 if np.isnan(readable) else 0 if readable else 2
    if rng.random() < OTHER_LEG_SHARE and kind == 0:
        picture = np.ascontiguousarray(picture[:, ::-1])
        directions, points, kind = directions * [-1, 1, 1], points * [-1, 1], 1
    wild = 2.5 if rng.random() < 0.15 else 1.0
    scale = float(np.exp(np.clip(rng.normal(0, 0.11 * wild), -0.5, 0.28)))
    shift = tuple(np.clip(rng.normal(0, 0.03 * wild, 2), -0.13, 0.13))
    seen, target = cut(picture, directions, points, focal, foot, kind, scale, rng.normal(0, 7 * wild), shift)
    return spoil(seen, rng), target
