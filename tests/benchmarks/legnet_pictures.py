"""How the leg network reads real people: run `python tests/benchmarks/legnet_pictures.py FOLDER OUT [--pictures 18]`.

FOLDER holds pictures (.jpg, .png) and clips (.mp4), also in subfolders; only the eye says what is right in them. Writes PNG pages
to OUT: the legs with both crops outlined, and beside them each crop as the network saw it, left legs mirrored back, with

- heel to toe (green arrow) and ankle to knee (blue line) by the points, and thinly the same by the directions in 3D (yellow,
  light blue), from the same heel and ankle and as long as the foot is said to be;
- a compass: the direction of the foot from above, the camera is below; the shorter the arrow, the steeper the foot;
- how likely it is readable, the person's other leg, or neither; the yaw of the foot (0 to the camera, positive to the picture's
  right) and its slope with standard errors across the ray and along it; the width of the crop, and where it lies against where
  the pose model would put it. A red frame, struck through: rejected.

A picture is read for half a second, as if it were a clip, so that the crop goes where the network wants it. Of a clip every frame
is read, and every n-th shown. Prints a table per posture and per leg of a clip. Where both feet stay where they are (by toe and
ankle of the pose model), the yaw of the foot must stay, too: prints how it wanders in camera axes (at most 1.5 degrees wanted),
as it is and as a median over 5 frames, for the network and for the pose model alone.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rotrack.core.model import LEGS, Frame, LegCrop, Pose, Side
from rotrack.kinematics import crops
from rotrack.kinematics.camera import Lens
from rotrack.sensing import legnet
from rotrack.sensing.landmarker import Landmarker, find_model
from rotrack.sensing.reader import read_recorded
from rotrack.sensing.sources import VideoFile

Rgb = tuple[int, int, int]
CELL_PX, WHOLE_PX, GAP_PX = 192, 128, 5
HEAD_PX, LINE_PX, TEXT_PX, LINES = 19, 15, 12, 4
ACROSS, DOWN = 3, 6
HEIGHT_PX = HEAD_PX + CELL_PX + LINES * LINE_PX + 12
WHITE, BLACK, PALE, INK, FAINT, RED = (255,) * 3, (0,) * 3, (235,) * 3, (40,) * 3, (120,) * 3, (215, 30, 30)
FOOT, SHANK, FOOT_3D, SHANK_3D = (20, 190, 60), (30, 90, 255), (255, 230, 0), (170, 225, 255)
SIDE_COLOURS = {Side.RIGHT: (0, 140, 160), Side.LEFT: (205, 0, 150)}
STILL_HZ, STILL_FRAMES = 30.0, 15
PLANTED, MOSTLY = 0.15, 0.8
"""Both feet stay if toe and ankle, as medians over 5 frames, stay within the first, in lengths of the foot (5 to 95 %), and are
seen in so many of the frames."""
WANTED_DEG = 1.5


@dataclass
class Look:
    """What the network got to see of one leg and said of it."""

    side: Side
    said: LegCrop
    crop: np.ndarray
    place: Any
    turn: np.ndarray

    @property
    def verdict(self) -> str:
        if crops.readable(self.said):
            return "read"
        return "other leg" if self.said.other_leg > crops.READABLE_FROM else "rejected"


@dataclass
class Seen:
    """A picture with the legs that were looked at, and where the pose model would have put the crops."""

    frame: Frame
    pose: Pose
    looks: dict[Side, Look]
    exchanged: bool

    @property
    def lens(self) -> Lens:
        return Lens.assumed(self.pose.size_px)

    def first(self, side: Side) -> Any:
        return legnet.first_places(self.pose, Lens.assumed(self.pose.size_px), 1.0).get(side)

    def foot(self, side: Side) -> np.ndarray:
        """Return the direction of a foot in camera axes, NaN where it was not read."""
        look = self.looks.get(side)
        if look is None or look.verdict != "read":
            return np.full(3, np.nan)
        return crops.directions(look.said, self.lens, 0.0)[0][1]


class Watched(legnet.LegNet):
    """The leg network; keeps what it looked at last."""

    def __init__(self) -> None:
        super().__init__()
        self._looks: list[dict[Side, Look]] = []

    def _look(self, rgb: np.ndarray, lens: Lens, places: dict[Side, Any]) -> dict[Side, LegCrop]:
        said = super()._look(rgb, lens, places)
        turns = {side: lens.turn_to(place.middle_px) for side, place in places.items()}
        cut = {side: legnet._cut(rgb, lens, place, turns[side], side) for side, place in places.items()}
        self._looks.append({side: Look(side, said[side], cut[side], places[side], turns[side]) for side in places})
        return said

    def read(self, rgb: np.ndarray, pose: Pose) -> Pose:
        self._looks = []
        return super().read(rgb, pose)

    def seen(self, frame: Frame, pose: Pose) -> Seen:
        return Seen(frame, pose, self._looks[-1] if self._looks else {}, len(self._looks) > 1)


# ---------------------------------------------------------------------- reading
def of_still(path: Path) -> Seen:
    """Return a picture after it was read for half a second."""
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    net = Watched()
    with Landmarker(find_model("heavy")) as landmarker:
        for k in range(STILL_FRAMES):
            frame = Frame(k, k / STILL_HZ, rgb)
            pose = net.read(rgb, landmarker.detect(frame))
    return net.seen(frame, pose)


def of_clip(path: Path) -> Iterator[Seen]:
    """Yield every picture of a clip."""
    net = Watched()
    with Landmarker(find_model("heavy")) as landmarker:
        for frame, pose in read_recorded(VideoFile(path), landmarker, net):
            yield net.seen(frame, pose)


def posture(pose: Pose) -> str:
    """Return how somebody is placed in a picture, by the pose model's idea of metres."""
    if pose.reason:
        return "nobody"

    def tilt_deg(upper: str, lower: str) -> np.ndarray:
        bones = np.array([pose.world_m[getattr(leg, lower)] - pose.world_m[getattr(leg, upper)] for leg in LEGS.values()])
        return np.degrees(np.arccos(np.clip(bones[:, 1] / np.linalg.norm(bones, axis=1), -1, 1)))

    if not np.fmin(*tilt_deg("shoulder", "hip")) < 50:
        return "lying or on hands"
    return "sitting" if np.fmin(*tilt_deg("hip", "knee")) > 50 else "standing or kneeling"


# ---------------------------------------------------------------------- drawing
def write(image: np.ndarray, text: str, x: float, y: float, colour: Rgb = INK, weight: int = 400, size: int = TEXT_PX) -> None:
    cv2.putText(image, text, (round(x), round(y)), colour, cv2.FontFace("sans"), size, weight=weight)


def line(image: np.ndarray, a: np.ndarray, b: np.ndarray, colour: Rgb, thick: int, arrow: bool = True, edge: int = 2) -> None:
    """Draw a line or an arrow, with a dark edge of so many pixels."""
    strokes = [(a, b)]
    length = float(np.hypot(*(b - a)))
    if arrow and length > 3:
        back = (a - b) / length * min(10.0, 0.5 * length)
        for turn in (0.5, -0.5):
            c, s = math.cos(turn), math.sin(turn)
            strokes.append((b, b + np.array([[c, -s], [s, c]]) @ back))
    for width, rgb in ((thick + edge, BLACK), (thick, colour)) if edge else ((thick, colour),):
        for ends in strokes:
            p, q = (tuple(round(float(v) * 16) for v in np.clip(end, -1000, 1000)) for end in ends)
            cv2.line(image, p, q, rgb, width, cv2.LINE_AA, 4)


def compass(image: np.ndarray, foot: np.ndarray) -> None:
    """Draw the direction of a foot in camera axes from above."""
    radius = 21
    middle = np.array([CELL_PX - radius - 5.0, radius + 5.0])
    x, y = (int(v) for v in middle)
    cv2.circle(image, (x, y), radius + 2, BLACK, -1, cv2.LINE_AA)
    cv2.circle(image, (x, y), radius, (75, 75, 75), -1, cv2.LINE_AA)
    cv2.line(image, (x, y + radius - 4), (x, y + radius), WHITE, 3)
    line(image, middle, middle + (radius - 2) * foot[[0, 2]] * (1, -1), FOOT_3D, 2, edge=0)


def in_crop(points_px: np.ndarray, look: Look, lens: Lens) -> np.ndarray:
    """Return where points of the picture are in the enlarged crop, mirrored back, shape (n, 2)."""
    rays = np.hstack([lens.slopes(points_px), np.ones((len(points_px), 1))]) @ look.turn
    return rays[:, :2] / rays[:, 2:] / legnet._width_slope(lens, look.place) * CELL_PX + (CELL_PX - 1) / 2


def outline_px(look: Look, lens: Lens) -> np.ndarray:
    """Return the corners of a crop in the picture, shape (4, 2)."""
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * legnet._width_slope(lens, look.place)
    rays = np.hstack([corners, np.ones((4, 1))]) @ look.turn.T
    return lens.pixels(rays[:, :2] / rays[:, 2:])


def drawn_crop(look: Look, lens: Lens) -> np.ndarray:
    """Return a crop, enlarged, with all that the network said of places and directions."""
    said = look.said
    crop = look.crop[:, ::-1] if look.side is Side.LEFT else look.crop
    image = cv2.resize(crop, (CELL_PX, CELL_PX), interpolation=cv2.INTER_CUBIC)
    if look.verdict != "read":
        for ends in (((0, 0), (CELL_PX, CELL_PX)), ((0, CELL_PX), (CELL_PX, 0))):
            cv2.line(image, *ends, RED, 2, cv2.LINE_AA)
        cv2.rectangle(image, (0, 0), (CELL_PX - 1, CELL_PX - 1), RED, 9)
    heel, toe, ankle, knee = in_crop(said.points_px, look, lens)
    foot_px = said.foot_px / look.place.width_px * CELL_PX
    line(image, ankle, knee, SHANK, 2, arrow=False)
    line(image, heel, toe, FOOT, 2)
    line(image, ankle, ankle + said.shank[:2] * foot_px, SHANK_3D, 1, edge=0)
    line(image, heel, heel + said.foot[:2] * foot_px, FOOT_3D, 1, edge=0)
    compass(image, crops.directions(said, lens, 0.0)[0][1])
    return image


def words(seen: Seen, look: Look) -> list[tuple[str, Rgb]]:
    """Return what stands below a crop."""
    said = look.said
    foot = crops.directions(said, seen.lens, 0.0)[0][1]
    down = math.degrees(math.asin(np.clip(foot[1], -1, 1)))
    across, along, shank_across, shank_along = said.direction_sd_deg
    neither = max(1 - said.readable - said.other_leg, 0.0)
    placed = f"{look.place.width_px:.0f} px wide"
    first = seen.first(look.side)
    if first is not None:
        moved = np.hypot(*(look.place.middle_px - first.middle_px)) / first.width_px
        placed += f", moved {moved:.2f}, \u00d7{look.place.width_px / first.width_px:.2f}"
    slope = f"{'down' if down >= 0 else 'up'} {abs(down):.0f}\u00b0"
    return [
        (f"read {said.readable:.0%}, other {said.other_leg:.0%}, neither {neither:.0%}", INK if look.verdict == "read" else RED),
        (f"yaw {yaw_deg(foot):+.0f}\u00b0, {slope} (\u00b1{across:.0f}, {along:.0f})", INK),
        (f"shank \u00b1{shank_across:.0f}, {shank_along:.0f}\u00b0, points \u00b1{said.points_sd_px[0]:.1f} px", INK),
        (placed, FAINT),
    ]


def leg_cell(seen: Seen, side: Side) -> np.ndarray:
    """Return the crop of one leg with what was said of it."""
    image = np.full((HEIGHT_PX - HEAD_PX, CELL_PX, 3), 255, np.uint8)
    look = seen.looks.get(side)
    if look is None:
        image[:CELL_PX] = PALE
        write(image, f"{side}: no crop", 8, 20, SIDE_COLOURS[side], 700)
        marks = LEGS[side]
        parts = [part for part in ("knee", "ankle", "heel", "toe") if np.isnan(seen.pose.image_px[getattr(marks, part), 0])]
        write(image, f"not seen: {', '.join(parts)}" if parts else "", 8, 20 + LINE_PX, FAINT)
        return image
    image[:CELL_PX] = drawn_crop(look, seen.lens)
    cv2.rectangle(image, (0, 0), (42, 17), WHITE, -1)
    write(image, str(side), 4, 13, SIDE_COLOURS[side], 700)
    for k, (text, colour) in enumerate(words(seen, look), start=1):
        write(image, text, 2, CELL_PX + k * LINE_PX, colour)
    return image


def region_px(seen: Seen, paths: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return two corners around paths in the picture, not too narrow; around all of the picture if no leg is seen."""
    points = np.vstack([*paths, np.zeros((0, 2))])
    points = points[np.isfinite(points).all(axis=1)]
    if not seen.looks or not len(points):
        return np.zeros(2), np.array(seen.pose.size_px, float)
    middle, size = (points.max(axis=0) + points.min(axis=0)) / 2, np.ptp(points, axis=0) * 1.1
    size = np.maximum(size, size[::-1] * (0.6, 0.9))
    return middle - size / 2, middle + size / 2


def whole_cell(seen: Seen) -> np.ndarray:
    """Return the legs in the picture, with the outlines of the crops and the pose model's landmarks."""
    image = np.full((HEIGHT_PX - HEAD_PX, WHOLE_PX, 3), 255, np.uint8)
    outlines = {side: outline_px(look, seen.lens) for side, look in seen.looks.items()}
    chains = {side: seen.pose.image_px[[leg.hip, leg.knee, leg.ankle, leg.heel, leg.toe]] for side, leg in LEGS.items()}
    low, high = region_px(seen, [*outlines.values(), *chains.values()])
    scale = min((image.shape[1::-1] - np.array([0, LINE_PX])) / (high - low))
    size = [int(v) for v in np.maximum((high - low) * scale, 1)]
    soft = cv2.GaussianBlur(seen.frame.rgb, (0, 0), 0.4 / scale) if scale < 0.7 else seen.frame.rgb
    to_view = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale]])
    part = cv2.warpAffine(soft, to_view, size, borderValue=PALE)
    for side in Side:
        closed = [(outlines[side], True)] if side in outlines else []
        for path, close in [*closed, (chains[side][np.isfinite(chains[side]).all(axis=1)], False)]:
            if len(path):
                cv2.polylines(
                    part, [np.round((path - low) * scale * 16).astype(np.int32)], close, SIDE_COLOURS[side], 1, cv2.LINE_AA, 4
                )
    image[: part.shape[0], : part.shape[1]] = part
    if seen.exchanged:
        write(image, "legs exchanged", 2, image.shape[0] - 8, RED, 700)
    return image


def write_pages(title: str, pictures: list[tuple[str, Seen]], out: Path) -> None:
    """Write pictures to numbered pages."""
    per_page = ACROSS * DOWN
    for number, start in enumerate(range(0, len(pictures), per_page), start=1):
        groups = []
        for name, seen in pictures[start : start + per_page]:
            cells = [whole_cell(seen), leg_cell(seen, Side.RIGHT), leg_cell(seen, Side.LEFT)]
            body = np.hstack([cv2.copyMakeBorder(cell, 0, 0, 0, GAP_PX, cv2.BORDER_CONSTANT, value=WHITE) for cell in cells])
            group = cv2.copyMakeBorder(body, HEAD_PX, 0, 0, 0, cv2.BORDER_CONSTANT, value=WHITE)
            write(group, name, 2, HEAD_PX - 5, INK, 700)
            groups.append(group)
        groups += [np.full_like(groups[0], 255)] * (-len(groups) % ACROSS)
        page = np.vstack([np.hstack(groups[k : k + ACROSS]) for k in range(0, len(groups), ACROSS)])
        page = cv2.copyMakeBorder(page, 32, 0, 10, 0, cv2.BORDER_CONSTANT, value=WHITE)
        write(page, f"{title}, page {number}", 12, 21, INK, 700, 17)
        path = out / f"{title.replace(' ', '_')}_{number}.png"
        cv2.imwrite(str(path), cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
        print(f"wrote {path.name}, {page.shape[1]} x {page.shape[0]}", flush=True)


# ---------------------------------------------------------------------- figures
def yaw_deg(foot: np.ndarray) -> np.ndarray:
    """Return where directions in camera axes, shape (..., 3), point from above: 0 to the camera, 90 to the picture's right."""
    return np.degrees(np.arctan2(foot[..., 0], -foot[..., 2]))


def median_of_5(values: np.ndarray) -> np.ndarray:
    """Return running medians over 5 rows, missing ones left out; NaN where fewer than three are there."""
    wide = np.pad(values, ((2, 2), *[(0, 0)] * (values.ndim - 1)), constant_values=np.nan)
    near = np.stack([wide[k : k + len(values)] for k in range(5)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without any
        return np.where(np.isfinite(near).sum(axis=0) >= 3, np.nanmedian(near, axis=0), np.nan)


def spread(values: np.ndarray) -> float:
    """Return the range from the 5th to the 95th percentile of what is there."""
    values = values[np.isfinite(values)]
    return float(np.subtract(*np.percentile(values, [95, 5]))) if len(values) else math.nan


def apart_deg(said: LegCrop) -> float:
    """Return how far the foot by its points is from its direction, both in the picture; NaN where it points along the ray."""
    points, direction = (said.points_px[1] - said.points_px[0]) / said.foot_px, said.foot[:2]
    lengths = np.hypot(*points), np.hypot(*direction)
    return math.degrees(math.acos(np.clip(points @ direction / math.prod(lengths), -1, 1))) if min(lengths) > 0.4 else math.nan


ROW = "{:38} {:>6} {:>6} {:>10} {:>9} {:>8} {:>8} {:>11} {:>9}"


def print_row(name: str, looks: list[Look | None], in_order: bool) -> None:
    """Print how many legs were read, the stated error, whether points and directions agree, how the crop's width changes."""
    verdicts = ["no crop" if look is None else look.verdict for look in looks]
    read = [look for look in looks if look is not None and look.verdict == "read"]
    shares = [f"{verdicts.count(kind) / len(looks):.0%}" for kind in ("read", "other leg", "rejected", "no crop")]
    stated = f"\u00b1{np.median([look.said.direction_sd_deg[0] for look in read]):.1f}" if read else ""
    apart = [angle for look in read if math.isfinite(angle := apart_deg(look.said))]
    widths = np.array([look.place.width_px for look in looks if look is not None])
    width = f"{spread(widths) / np.median(widths):.0%}" if in_order and len(widths) else ""
    print(ROW.format(name, len(looks), *shares, stated, f"{np.median(apart):.1f}" if apart else "", width), flush=True)


def feet_stay(seen: list[Seen]) -> bool:
    """Whether both feet stay where they are all through a clip."""
    for side, leg in LEGS.items():
        marks = median_of_5(np.array([one.pose.image_px[[leg.toe, leg.ankle]] for one in seen]))
        feet = [one.looks[side].said.foot_px for one in seen if side in one.looks]
        if np.isfinite(marks).mean() < MOSTLY or not feet:
            return False
        if max(spread(marks[:, k, axis]) for k in (0, 1) for axis in (0, 1)) > PLANTED * np.median(feet):
            return False
    return True


def print_wander(name: str, seen: list[Seen]) -> None:
    """Print how the yaw of feet that stay wanders."""
    row = "{:38} {:>9} {:>11} {:>7} {:>10} {:>17} {:>22}"
    print(f"\n{name}: both feet stay, their yaw should, too: within {WANTED_DEG} degrees")
    print(row.format("", "frames", "median deg", "SD deg", "5-95% deg", "SD of 5-medians", "5-95% of 5-medians"))
    for side, leg in LEGS.items():
        readers = {
            "network": np.array([one.foot(side) for one in seen]),
            "pose model alone": np.array([one.pose.world_m[leg.toe] - one.pose.world_m[leg.heel] for one in seen]),
        }
        for reader, feet in readers.items():
            there = np.isfinite(feet[:, 0])
            if not there.any():
                continue
            middle = float(yaw_deg(np.nanmean(feet, axis=0)))
            yaw = (yaw_deg(feet) - middle + 180) % 360 - 180
            smooth = median_of_5(yaw)
            print(
                row.format(
                    f"  {side} {reader}", there.sum(), f"{np.nanmedian(yaw) + middle:+.1f}",
                    f"{np.nanstd(yaw):.2f}", f"{spread(yaw):.2f}", f"{np.nanstd(smooth):.2f}", f"{spread(smooth):.2f}",
                ), flush=True,
            )  # fmt: skip


def main() -> None:
    """Write the pages, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=ACROSS * DOWN, help="of each clip, on its pages")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    card = legnet.description()
    print(f"leg network {card['version']}, {card['sha256'][:12]}")
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    stills = [(path.stem, of_still(path)) for path in files if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    clips = {path.stem: list(of_clip(path)) for path in files if path.suffix.lower() == ".mp4"}
    by_posture: dict[str, list[tuple[str, Seen]]] = {}
    for name, seen in stills:
        by_posture.setdefault(posture(seen.pose), []).append((name, seen))
    by_posture = dict(sorted(by_posture.items()))
    for title, pictures in by_posture.items():
        write_pages(title, pictures, options.out)
    for title, seen in clips.items():
        if not any(one.looks for one in seen):
            print(f"{title}: no leg is seen in it, no page")
            continue
        every = math.ceil(len(seen) / options.pictures)
        write_pages(title, [(f"{one.frame.time_s:.2f} s", one) for one in seen[::every]], options.out)
    print("\nfoot: stated error across the ray, deg; 2D/3D: between the foot's points and its direction in the picture, deg;")
    print("width: how the crop's width varies (5 to 95 %); all medians over the legs that were read")
    print(ROW.format("", "legs", "read", "other leg", "rejected", "no crop", "foot", "2D/3D", "width"))
    for title, pictures in by_posture.items():
        print_row(title, [seen.looks.get(side) for _, seen in pictures for side in Side], in_order=False)
    for title, seen in clips.items():
        for side in Side:
            print_row(f"{title} {side}", [one.looks.get(side) for one in seen], in_order=True)
    for title, seen in clips.items():
        if feet_stay(seen):
            print_wander(title, seen)


if __name__ == "__main__":
    main()
