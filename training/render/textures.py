"""Computed textures: wood, plaster, cloth, pictures for a wall. RGB, uint8."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

_KEPT = 200
Colour = tuple[float, float, float]


def noise(height: int, width: int, seed: int) -> np.ndarray:
    """Return smooth noise that can be tiled, mean 0."""
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width)[None] * width
    waves = np.sqrt(columns**2 + rows**2)
    total = np.zeros((height, width), np.float32)
    for size, share in ((8, 0.5), (32, 0.3), (128, 0.2)):
        band = np.fft.ifft2(np.fft.fft2(rng.normal(size=(height, width))) * np.exp(-((waves / (size * 0.5)) ** 2))).real
        total += (share * 0.3 * band / band.std()).astype(np.float32)
    return total - total.mean()


@lru_cache(maxsize=_KEPT)
def wood(seed: int, base: Colour = (150, 108, 72), planks: int = 8, size: int = 1024) -> np.ndarray:
    """Return planks side by side."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((size, size, 3), np.float32)
    width = size // planks
    for k in range(planks):
        colour = np.array(base) * rng.uniform(0.9, 1.08) + rng.normal(0, 1.5, 3)
        grain = cv2.GaussianBlur(rng.normal(0, 1, (size, width)).astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=60)
        plank = colour[None, None] + (grain / grain.std())[..., None] * 9
        for end in rng.integers(0, size, 2):
            plank[end : end + 3] *= 0.55
        plank[:, :2] *= 0.6
        picture[:, k * width : (k + 1) * width] = plank
        picture[:, k * width] *= 0.8
    return np.clip(picture + noise(size, size, seed + 1)[..., None] * 20, 0, 255).astype(np.uint8)


@lru_cache(maxsize=_KEPT)
def plaster(seed: int, base: Colour = (206, 200, 190), size: int = 512, rough: float = 10) -> np.ndarray:
    """Return a plain surface with some dirt."""
    rng = np.random.default_rng(seed)
    picture = np.array(base, np.float32) + noise(size, size, seed)[..., None] * rough + rng.normal(0, 2.0, (size, size, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)


@lru_cache(maxsize=_KEPT)
def fabric(seed: int, base: Colour = (70, 90, 120), size: int = 256) -> np.ndarray:
    """Return woven cloth."""
    y, x = np.mgrid[:size, :size]
    weave = 6 * np.sin(x * 2 * np.pi / 4) * np.sin(y * 2 * np.pi / 4)
    picture = np.array(base, np.float32) + weave[..., None] + noise(size, size, seed)[..., None] * 25
    return np.clip(picture, 0, 255).astype(np.uint8)


@lru_cache(maxsize=_KEPT)
def painting(seed: int, size: int = 256) -> np.ndarray:
    """Return coloured blots in a dark frame."""
    rng = np.random.default_rng(seed)
    picture = np.full((size, size, 3), 235, np.uint8)
    for _ in range(14):
        colour = tuple(int(v) for v in rng.integers(40, 220, 3))
        middle, axes = (tuple(int(v) for v in rng.integers(*within, 2)) for within in ((30, size - 30), (10, 60)))
        cv2.ellipse(picture, middle, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    picture = cv2.GaussianBlur(picture, (0, 0), 3)
    picture[:14] = picture[-14:] = 40
    picture[:, :14] = picture[:, -14:] = 40
    return picture


@lru_cache(maxsize=_KEPT)
def cloth(seed: int, base: Colour, pattern: str = "plain", size: int = 256) -> np.ndarray:
    """Return cloth with a pattern: plain, stripes, checks or dots."""
    woven = fabric(seed, base, size).astype(np.float32)
    rng = np.random.default_rng([seed, 9])
    y, x = np.mgrid[:size, :size]
    count = int(rng.integers(4, 13))
    across, down = (np.sin(2 * np.pi * count * axis / size) for axis in (x, y))
    marks = {
        "plain": np.zeros((size, size), bool),
        "stripes": across > rng.uniform(0.2, 0.8),
        "checks": (across > 0.3) ^ (down > 0.3),
        "dots": across + down > 1.4,
    }
    other = rng.uniform(10, 245, 3)
    return np.where(marks[pattern][..., None], 0.25 * woven + 0.75 * other, woven).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=_KEPT)
def tiles(seed: int, size: int = 512) -> np.ndarray:
    """Return tiles of two colours with grout."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 7))
    colours = rng.uniform(30, 230, (2, 3))
    rows, columns = np.mgrid[:size, :size] * count // size
    picture = colours[(rows + columns) % 2 if rng.random() < 0.7 else 0 * rows].astype(np.float32)
    edge = (np.mgrid[:size, :size] * count % size < 4 * count).any(0)
    picture[edge] = rng.uniform(60, 200)
    return np.clip(picture + noise(size, size, seed)[..., None] * 18, 0, 255).astype(np.uint8)


@lru_cache(maxsize=_KEPT)
def rug(seed: int, size: int = 512) -> np.ndarray:
    """Return a rug with a strong pattern and a border."""
    rng = np.random.default_rng(seed)
    picture = np.full((size, size, 3), rng.uniform(20, 220, 3), np.float32)
    for _ in range(int(rng.integers(8, 30))):
        colour, middle = rng.uniform(10, 240, 3), rng.integers(0, size, 2)
        corners = middle + rng.integers(-90, 90, (int(rng.integers(3, 7)), 2))
        for flipped in (corners, corners * [-1, 1] + [size, 0]):
            cv2.fillPoly(picture, [flipped.astype(np.int32)], colour.tolist())
    border = int(rng.integers(10, 50))
    cv2.rectangle(picture, (0, 0), (size - 1, size - 1), rng.uniform(10, 240, 3).tolist(), border)
    return np.clip(picture + noise(size, size, seed)[..., None] * 30, 0, 255).astype(np.uint8)
