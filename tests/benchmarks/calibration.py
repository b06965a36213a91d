"""Prints the errors of lens and floor on rendered pages, for docs/calibration.md: python tests/benchmarks/calibration.py."""

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from calibration_scenes import VIEWS, Optics, board_pose, floor_pose, page_image, render

from rotrack.calibration.board import LensLearner
from rotrack.calibration.printing import write_sheets
from rotrack.calibration.sheet import SheetWatcher, gray_of
from rotrack.core.model import Frame
from rotrack.kinematics.camera import Lens

LENSES = {
    "66 deg, barrel": Optics.of((1280, 720), 980.0, (648.5, 354.0), (-0.28, 0.09, 0.0008, -0.0005, 0)),
    "60 deg, slight": Optics.of((1280, 720), 1100.0, (636.0, 366.0), (0.05, -0.1, 0, 0, 0)),
    "59 deg, 640 x 480": Optics.of((640, 480), 560.0, (327.0, 236.0), (-0.12, 0.04, 0.0006, -0.0004, 0)),
}
FLOORS = {
    "20 deg down, 2.6 m away": (20, 3, 1.4, 2.2, -0.4, 8),
    "35 deg down, 2.7 m away": (35, -4, 1.9, 1.9, 0.3, -15),
    "8 deg down, 2.4 m away": (8, 1, 0.9, 2.2, 0.2, 0),
    "10 deg down, 3.2 m away": (10, 0, 1.0, 3.0, 0.5, 30),
}


def lens_errors(board: np.ndarray) -> None:
    print(f"{'lens':24} {'focal error':>12} {'stated':>8} {'residual':>9} {'views':>6}")
    for name, optics in LENSES.items():
        learner = LensLearner(optics.size_px)
        for number, view in enumerate(VIEWS):
            picture = gray_of(render(board, optics, *board_pose(*view), seed=number))
            for look in range(4):
                learner.update(2.0 * number + 0.1 * look, picture)
        found = learner.result()
        error = found.lens.matrix[0, 0] / optics.matrix[0, 0] - 1
        print(f"{name:24} {error:>+12.2%} {found.lens.focal_sd:>8.2%} {found.residual_px:>6.2f} px {found.views:>6}")


def floor_errors(sheets: dict[str, np.ndarray]) -> None:
    print(f"\n{'floor':50} {'lens':>10} {'tilt error':>11} {'stated':>9} {'height':>8}")
    optics = LENSES["66 deg, barrel"]
    small = Optics.of((640, 480), 490.0, (325.0, 237.0), (-0.28, 0.09, 0.0008, -0.0005, 0))
    for paper, page in sheets.items():
        for place, scene in FLOORS.items():
            for size, seen in (("1280 x 720", optics), ("640 x 480", small)):
                axes, corner, down = floor_pose(*scene)
                pictures = [render(page, seen, axes, corner, seed=k, scale=3) for k in range(4)]
                for kind, lens in (
                    ("calibrated", Lens(seen.size_px, seen.matrix, seen.distortion, 0.003)),
                    ("assumed", Lens.assumed(seen.size_px)),
                ):
                    watcher = SheetWatcher(lens)
                    for k in range(24):
                        watcher.update(Frame(k, 0.1 * k, pictures[k % 4]))
                    what = f"{paper}, {size}, {place}"
                    if watcher.found is None:
                        print(f"{what:50} {kind:>10} {'not found: markers too small':>30}")
                        continue
                    floor = watcher.found.floor
                    tilt = np.degrees(np.arccos(np.clip(floor.down @ down, -1, 1)))
                    height = floor.height_m / scene[2] - 1
                    print(f"{what:50} {kind:>10} {tilt:>7.2f} deg {floor.tilt_sd_deg:>5.1f} deg {height:>+8.1%}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        printed = {paper: [page_image(path) for path in write_sheets(Path(folder), paper)] for paper in ("a4", "letter")}
    lens_errors(printed["a4"][0])
    floor_errors({paper: pages[1] for paper, pages in printed.items()})
