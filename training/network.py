"""The leg network: a small residual network from a crop of 96 x 96 pixels to one vector of outputs.

The layout of the outputs is what `rotrack.sensing.legnet` reads; `OUTPUTS` names it in one place for training.
"""

from __future__ import annotations

import torch
from torch import nn

OUTPUTS = {
    "foot": slice(0, 3),
    "shank": slice(3, 6),
    "points": slice(6, 14),
    "log_size": slice(14, 15),
    "log_error": slice(15, 21),
    "kind": slice(21, 24),
    "normal": slice(24, 27),
}
"""Directions of foot and shank in the ray frame; heel, toe, ankle and knee in crop widths from the middle; logarithm of the
foot's length in crop widths; logarithms of the errors (foot across and along the ray, shank across and along the ray, radians;
heel, toe and ankle, and knee, crop widths); scores of readable, other leg and unreadable; upper side of the foot, which only
helps to learn and is not exported."""
WIDTH = 27
EXPORTED = 24


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _block(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(self.first(x)))


class LegNet(nn.Module):
    """A coarse first layer, residual blocks at 24, 12 and 6 pixels, then two dense layers.

    Parameters
    ----------
    channels : tuple of int
        Channels at 24, 12 and 6 pixels.
    """

    def __init__(self, channels: tuple[int, int, int] = (32, 80, 128)) -> None:
        super().__init__()
        a, b, c = channels
        first = nn.Conv2d(3, a, 5, 4, 2, bias=False)
        self.features = nn.Sequential(
            nn.Sequential(first, nn.BatchNorm2d(a), nn.ReLU(inplace=True)),
            _Residual(a),
            _block(a, b, 2),
            _Residual(b),
            _Residual(b),
            _block(b, c, 2),
            _Residual(c),
            _block(c, 48),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(48 * 36, 192), nn.ReLU(inplace=True))
        self.out = nn.Linear(192, WIDTH)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return outputs, shape (n, 27), for crops, shape (n, 3, 96, 96), RGB from -1 to 1."""
        return self.out(self.head(self.features(crops)))


class Exported(nn.Module):
    """What is exported: all but what only helps to learn. Whoever reads it brings the directions to length one."""

    def __init__(self, network: LegNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return outputs, shape (n, 24)."""
        return self.network(crops)[:, :EXPORTED]
