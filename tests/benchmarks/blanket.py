"""Lay a blanket over the knees of seated people in clips with truth, for `rotrack validate` to measure.

    python tests/benchmarks/blanket.py sample_videos COVERED --shin 0.5
    rotrack validate COVERED

The blanket is painted from the hips down to `--shin` of the lower legs (0.1: the knees alone) and does not move with the legs.
Clips of other drills are left out.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path

import cv2
import numpy as np

from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.sources import VideoFile

LOOKED_AT = 15
"""Frames from which hips, knees and ankles are taken; people sit still in them."""
SIDE_SHARE, HEM_SHARE = 0.45, 0.04
"""How far the blanket hangs over beside the knees, and how deep the folds of its hem are, in lengths of the lower leg."""


def blanket(clip: Path, shin_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of each pixel the blanket covers, shape (height, width, 1), and its colours, shape (height, width, 3)."""
    with Landmarker(find_model("heavy")) as landmarker:
        poses = [landmarker.detect(frame) for _, frame in zip(range(LOOKED_AT), VideoFile(clip), strict=False)]
    hips_px, knees_px, ankles_px = np.nanmedian([pose.image_px[23:29] for pose in poses], axis=0).reshape(3, 2, 2)
    width, height = poses[0].size_px
    shin_px = float(np.mean(ankles_px[:, 1] - knees_px[:, 1]))
    left, right = knees_px[:, 0].min() - SIDE_SHARE * shin_px, knees_px[:, 0].max() + SIDE_SHARE * shin_px
    top, bottom = hips_px[:, 1].mean(), knees_px[:, 1].mean() + shin_share * shin_px
    across = np.linspace(left, right, 30)
    hem = bottom + HEM_SHARE * shin_px * np.sin(1.3 * np.arange(across.size))
    outline = [*zip(across, hem, strict=True), (right, top), (left, top)]
    covers = np.zeros((height, width), np.uint8)
    cv2.fillPoly(covers, [np.array(outline, np.int32)], 255)
    rows, columns = np.mgrid[:height, :width]
    folds = 20 * np.sin(columns / (0.15 * shin_px)) + 10 * np.sin(rows / (0.3 * shin_px) + columns / 50)
    return cv2.GaussianBlur(covers, (5, 5), 0)[..., None] / 255, np.array([120.0, 60.0, 50.0]) + folds[..., None]


def cover(clip: Path, to: Path, shin_share: float) -> None:
    """Write a clip again, with the blanket."""
    covers, colours = blanket(clip, shin_share)
    frames = VideoFile(clip)
    noise = np.random.default_rng(1)
    writer = cv2.VideoWriter(str(to), cv2.VideoWriter_fourcc(*"mp4v"), frames.info.fps, frames.info.size_px)
    for frame in frames:
        grain = noise.normal(0, 3, covers.shape)
        rgb = np.clip(frame.rgb * (1 - covers) + (colours + grain) * covers, 0, 255).astype(np.uint8)
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    writer.release()


def main() -> None:
    """Write the covered clips with their truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--shin", type=float, default=0.5, help="share of the lower legs that is covered")
    options = parser.parse_args()
    options.to.mkdir(parents=True)
    with (options.clips / "manifest.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    seated = [line for line in lines if line["drill_ids"].startswith("seated")]
    for line in seated:
        cover(options.clips / f"{line['clip']}.mp4", options.to / f"{line['clip']}.mp4", options.shin)
        for truth in options.clips.glob(f"{line['clip']}.gt.*"):
            shutil.copy(truth, options.to)
        print(f"{line['clip']}: covered")
    with (options.to / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(seated)


if __name__ == "__main__":
    main()
