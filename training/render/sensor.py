"""What a webcam does to a picture: light, lens, shutter, noise, compression of single pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

_VIGNETTE = 0.32
_AUTO_GOAL, _AUTO_S = 118.0, 0.8
"""Mean brightness that the automatic exposure wants, and its time constant."""


@dataclass(frozen=True)
class Sensor:
    """A webcam's faults.

    Parameters
    ----------
    noise : float
        Standard deviation per pixel, of 255.
    blur_px : float
        Standard deviation of the blur.
    gain : float
        1: as lit; 0.3: dark. The noise comes after it.
    flicker, flicker_hz : float
        Share and rate of flickering light.
    drift : float
        Share by which the light changes slowly.
    auto_exposure : float
        0: fixed; 1: follows the brightness of the picture.
    shutter_s : float
        Exposure time: movement within it blurs.
    readout_s : float
        Rolling shutter: how much later the lowest row is taken than the uppermost.
    jpeg : int
        Quality of single pictures as webcams send them; 0: not compressed.
    """

    noise: float = 2.2
    blur_px: float = 0.55
    gain: float = 1.0
    flicker: float = 0.0
    flicker_hz: float = 7.3
    drift: float = 0.0
    auto_exposure: float = 0.0
    shutter_s: float = 0.0
    readout_s: float = 0.0
    jpeg: int = 0

    def light(self, t_s: np.ndarray) -> np.ndarray:
        """Return the gain at some times."""
        flicker = 1 + self.flicker * np.sin(2 * np.pi * self.flicker_hz * t_s)
        return self.gain * flicker * (1 + self.drift * np.sin(2 * np.pi * 0.11 * t_s))

    @property
    def moments_s(self) -> np.ndarray:
        """When a picture is drawn, from the middle of its exposure; several times if it takes long."""
        span = self.shutter_s + self.readout_s
        return np.linspace(-span / 2, span / 2, 5) if span else np.zeros(1)

    def expose(self, draw: Callable[[float], np.ndarray]) -> np.ndarray:
        """Return the picture that movement blurs and a rolling shutter bends.

        Parameters
        ----------
        draw : callable
            Returns the sharp picture at a time from the middle of the exposure, s.
        """
        moments = self.moments_s
        if len(moments) == 1:
            return draw(0.0)
        sharp = [draw(float(moment)) for moment in moments]
        rows = np.linspace(-self.readout_s / 2, self.readout_s / 2, sharp[0].shape[0])
        apart = np.abs(moments[:, None] - rows[None])
        spacing = moments[1] - moments[0]
        weights = np.clip((self.shutter_s / 2 + spacing - apart) / spacing, 0, 1)
        weights /= weights.sum(0)
        return sum(w[:, None, None] * picture for w, picture in zip(weights, sharp, strict=True)).astype(np.uint8)

    def take(self, picture: np.ndarray, gain: float, rng: np.random.Generator) -> np.ndarray:
        """Return the picture as the webcam delivers it."""
        height, width = picture.shape[:2]
        soft = cv2.GaussianBlur(picture, (0, 0), self.blur_px).astype(np.float32) * gain
        y, x = np.ogrid[:height, :width]
        shade = 1 - _VIGNETTE * (((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2).astype(np.float32)
        grain, chroma = (self.noise * rng.standard_normal((height, width, n), np.float32) for n in (1, 3))
        chroma = cv2.GaussianBlur(chroma, (0, 0), 1.0)
        taken = np.clip(soft * shade[..., None] + grain + chroma, 0, 255).astype(np.uint8)
        if self.jpeg:
            taken = cv2.imdecode(cv2.imencode(".jpg", taken, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])[1], cv2.IMREAD_COLOR)
        return taken


class Exposure:
    """The automatic exposure of one clip.

    Parameters
    ----------
    sensor : Sensor
        Whose.
    """

    def __init__(self, sensor: Sensor) -> None:
        self._strength, self._gain = sensor.auto_exposure, 1.0
        self._last_s: float | None = None

    def gain(self, picture: np.ndarray, light: float, t_s: float) -> float:
        """Return the gain of a frame: the light, and what the automatic exposure has made of the frames before."""
        wanted = np.clip(_AUTO_GOAL / max(1.0, float(picture.mean()) * light), 0.25, 4.0) ** self._strength
        passed_s = 1e9 if self._last_s is None else t_s - self._last_s
        self._gain += (wanted - self._gain) * (1 - np.exp(-max(0.0, passed_s) / _AUTO_S))
        self._last_s = t_s
        return light * float(self._gain)
