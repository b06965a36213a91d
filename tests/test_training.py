"""Labelled crops: format, geometry of cutting, what the shipped network reads of the shipped sample. Nothing here needs torch."""

from __future__ import annotations

import ast
import csv
import hashlib
import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import ROOT

from rotrack.core.model import LEGS, Pose, Side
from rotrack.sensing.legnet import LegNet, description

TRAINING = ROOT / "training"
sys.path.insert(0, str(TRAINING))
augment, choose, crops, evaluate = (import_module(name) for name in ("augment", "choose", "crops", "evaluate"))

INNER, SIZE = augment.INPUT_PX, crops.SIZE_PX
AT_MOST = {
    "foot_deg_median": 10.5,
    "shank_deg_median": 8.5,
    "points_feet_median": 0.08,
    "rejected_readable": 0.07,
    "told_other": 0.03,
}
AT_LEAST = {
    "bars_hold_foot": 0.9,
    "bars_hold_shank": 0.92,
    "bars_hold_points": 0.92,
    "rejected_hidden": 0.85,
    "rejected_rear": 0.65,
    "rejected_no_leg": 0.9,
}
"""What the shipped network must reach on all of the shipped sample."""
DOTS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]])


# ---------------------------------------------------------------------- a leg in 3D and a camera that looks at it
class SyntheticLeg:
    """Heel, toe, ankle and knee in the axes of a camera that looks past them, m."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        turn = cv2.Rodrigues(rng.uniform(-1, 1, 3))[0]
        leg = np.array([[-0.12, 0.05, 0.0], [0.12, 0.05, 0.01], [-0.07, -0.01, 0.0], [-0.09, -0.4, 0.05]])
        self.marks = leg @ turn.T + [*rng.normal(0, 0.02, 2), rng.uniform(2, 4)]
        self.focal = rng.uniform(3, 6)  # in widths of the stored crop

    def directions(self) -> np.ndarray:
        heel, toe, ankle, knee = self.marks
        foot, shank = toe - heel, knee - ankle
        normal = np.cross(foot, shank)  # any third direction that makes mirror images different
        return np.array([v / np.linalg.norm(v) for v in (foot, shank, normal)])

    def points(self) -> np.ndarray:
        return self.marks[:, :2] / self.marks[:, 2:] * self.focal

    def foot(self) -> float:
        heel, toe = self.marks[:2]
        return float(np.linalg.norm(toe - heel) * self.focal / (heel + toe)[2] * 2)

    def seen_by(self, turn: np.ndarray, focal: float) -> SyntheticLeg:
        """Return the same leg as another camera at the same place sees it; the rows of `turn` are its axes."""
        other = SyntheticLeg(0)
        other.marks, other.focal = self.marks @ turn.T, focal
        return other

    def picture(self) -> np.ndarray:
        """Return a stored crop with a dot at each point that is in it."""
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        for (x, y), colour in zip((self.points() + 0.5) * SIZE - 0.5, DOTS, strict=True):
            cv2.circle(picture, (round(x * 16), round(y * 16)), 4 * 16, colour.tolist(), -1, cv2.LINE_AA, 4)
        return picture

    def cut(self, **how: object) -> tuple[np.ndarray, object]:
        return augment.cut(self.picture(), self.directions(), self.points(), self.focal, self.foot(), 0, **how)


def looking_at(shift: tuple[float, float], focal: float, turn_deg: float) -> np.ndarray:
    """Return the axes of a camera that was turned to a point of the picture by the shortest way, then about its own ray."""
    ray = np.array([*shift, focal]) / np.linalg.norm([*shift, focal])
    axis = np.cross([0, 0, 1.0], ray)
    sine = np.linalg.norm(axis)
    to_ray = cv2.Rodrigues(axis / max(sine, 1e-12) * np.arcsin(sine))[0].T
    return cv2.Rodrigues(np.array([0, 0, -np.radians(turn_deg)]))[0] @ to_ray


def dots(picture: np.ndarray) -> dict[int, np.ndarray]:
    """Return where the whole dots of a cut are, px."""
    found = {}
    for k, colour in enumerate(DOTS):
        near = np.abs(picture.astype(int) - colour).max(axis=2) < 80
        border = near[0].any() or near[-1].any() or near[:, 0].any() or near[:, -1].any()
        if near.sum() > 10 and not border:
            found[k] = np.argwhere(near).mean(axis=0)[::-1]
    return found


CUTS = {
    "as it is": {},
    "moved": {"shift": (0.08, -0.05)},
    "turned": {"turn_deg": 25.0},
    "larger": {"scale": 1.2},
    "smaller": {"scale": 0.8},
    "all at once": {"shift": (-0.06, 0.07), "turn_deg": -18.0, "scale": 0.9},
}


@pytest.mark.parametrize("how", CUTS.values(), ids=list(CUTS))
@pytest.mark.parametrize("seed", range(6))
def test_a_cut_is_what_a_camera_along_its_ray_would_see(how: dict[str, object], seed: int) -> None:
    leg = SyntheticLeg(seed)
    picture, target = leg.cut(**how)
    scale = how.get("scale", 1.0)
    turn = looking_at(how.get("shift", (0.0, 0.0)), leg.focal, how.get("turn_deg", 0.0))
    other = leg.seen_by(turn, leg.focal * crops.MARGIN / scale)
    np.testing.assert_allclose(target.directions, other.directions(), atol=1e-6)
    np.testing.assert_allclose(target.points, other.points(), atol=0.012)  # a cut does not straighten lines, a camera does
    assert target.log_size == pytest.approx(np.log(other.foot()), abs=0.01)
    assert picture.shape == (INNER, INNER, 3)
    where = dots(picture)
    assert len(where) >= 2
    for k, place in where.items():
        np.testing.assert_allclose(place, (target.points[k] + 0.5) * INNER - 0.5, atol=0.8)


@pytest.mark.parametrize("how", CUTS.values(), ids=list(CUTS))
def test_labels_in_crop_widths_keep_their_shape_in_every_cut(how: dict[str, object]) -> None:
    """Lengths against the foot, angles between parts and their handedness are those of the leg, whatever is cut."""
    leg = SyntheticLeg(3)
    (_, plain), (_, target) = leg.cut(), leg.cut(**how)

    def shape(t: object) -> np.ndarray:
        across = t.points[1:] - t.points[0]
        return np.r_[
            np.linalg.norm(across, axis=1) / np.exp(t.log_size),
            np.linalg.det(t.directions),
            (t.directions @ t.directions.T).ravel(),
        ]

    np.testing.assert_allclose(shape(target), shape(plain), atol=1e-6)


def written(path: Path, leg: SyntheticLeg, side: str) -> object:
    """Write a set of one crop and read it again; a left leg is stored as it is seen, which is the mirror image of a right one."""
    flip = np.array([-1.0, 1, 1]) if side == "left" else np.ones(3)
    picture = leg.picture()[:, :: int(flip[0])]
    row = {"side": side, "readable": 1, "focal": leg.focal, "foot": leg.foot()}
    row |= dict.fromkeys(("person", "body", "shoe", "camera", "family"), "made up") | {"why": ""}
    for name, direction in zip(("foot", "shank", "normal"), leg.directions() * flip, strict=True):
        row |= {f"{name}_{axis}": value for axis, value in zip("xyz", direction, strict=True)}
    for name, point in zip(crops.POINTS, leg.points() * flip[:2], strict=True):
        row |= {f"{name}_{axis}": value for axis, value in zip("uv", point, strict=True)}
    png = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR))[1].tobytes()
    crops.write(path, [(row, png)])
    return crops.read([path])


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_is_written_is_read_again_and_left_legs_become_right_ones(side: str, tmp_path: Path) -> None:
    leg = SyntheticLeg(1)
    set_ = written(tmp_path / "one.csv", leg, side)
    np.testing.assert_allclose(set_.directions[0], leg.directions(), atol=1e-12)
    np.testing.assert_allclose(set_.points[0], leg.points(), atol=1e-12)
    assert (set_.focal[0], set_.foot[0], set_.readable[0]) == (leg.focal, leg.foot(), 1)
    assert (bool(set_.left[0]), len(set_), set_.table["family"]) == (side == "left", 1, ["made up"])
    np.testing.assert_array_equal(set_.picture(0), leg.picture())


def test_several_sets_are_read_as_one(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", SyntheticLeg(1), "left")
    written(tmp_path / "b.csv", SyntheticLeg(2), "right")
    both = crops.read([tmp_path / "a.csv", tmp_path / "b.csv"])
    np.testing.assert_array_equal(both.left, [True, False])
    np.testing.assert_allclose(both.points[1], SyntheticLeg(2).points(), atol=1e-12)


def test_a_crop_that_nobody_can_read_may_lack_labels(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    written(path, SyntheticLeg(1), "right")
    row = next(csv.DictReader(path.open(encoding="utf-8")))
    bare = {name: "" if re.search(r"_[xyzuv]$|focal|foot", name) else text for name, text in row.items()}
    rewrite(path, bare | {"readable": "0", "why": "no leg"})
    set_ = crops.read([path])
    seen, target = augment.random_cut(*labels(set_), np.random.default_rng(0))
    assert target.kind == 2
    assert np.isfinite([*target.directions.ravel(), *target.points.ravel(), target.log_size]).all()  # or the loss is no number
    assert seen.shape == (INNER, INNER, 3)


def labels(set_: object, k: int = 0) -> tuple[object, ...]:
    return set_.picture(k), set_.directions[k], set_.points[k], set_.focal[k], set_.foot[k], set_.readable[k]


def rewrite(path: Path, *rows: dict[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("side", "both", "line 2: side is 'both', not left or right"),
        ("readable", "2", "line 2: readable is '2', not 1, 0 or empty"),
        ("heel_u", "", "line 2: a label is missing; only crops with readable 0"),
        ("heel_u", "far", "line 2: a label is missing or no number"),
        ("foot", "-0.3", "line 2: focal and foot are lengths above zero"),
        ("shank_z", "3", "line 2: foot, shank and normal are directions of length 1"),
        ("picture", "lost.jpg", "lacks lost.jpg"),
        ("toe_v", None, "lacks the columns ['toe_v']"),
    ],
)
def test_a_set_with_a_mistake_is_refused_with_the_place(column: str, text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    written(path, SyntheticLeg(1), "right")
    row = next(csv.DictReader(path.open(encoding="utf-8")))
    rewrite(path, {name: old for name, old in row.items() if name != column} | ({column: text} if text is not None else {}))
    with pytest.raises(ValueError, match=re.escape(message)):
        crops.read([path])


def test_a_set_without_crops_and_a_picture_that_is_none_are_refused(tmp_path: Path) -> None:
    crops.write(tmp_path / "empty.csv", [])
    with pytest.raises(ValueError, match="there is no crop in"):
        crops.read([tmp_path / "empty.csv"])
    set_ = written(tmp_path / "one.csv", SyntheticLeg(1), "right")
    set_.encoded[0] = b"not a picture"
    with pytest.raises(ValueError, match="crop 0 of the set is no picture of 128 x 128 pixels"):
        set_.picture(0)


# ---------------------------------------------------------------------- augmentation
def test_random_cuts_keep_labels_and_picture_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "spoil", lambda picture, rng: picture)
    set_ = written(tmp_path / "one.csv", SyntheticLeg(4), "right")
    rng, kinds, compared = np.random.default_rng(5), [], 0
    handed = np.linalg.det(set_.directions[0])
    for _ in range(120):
        seen, target = augment.random_cut(*labels(set_), rng)
        kinds.append(target.kind)
        np.testing.assert_allclose(np.linalg.norm(target.directions, axis=1), 1, atol=1e-9)
        assert np.sign(np.linalg.det(target.directions)) == (np.sign(handed) if target.kind == 0 else -np.sign(handed))
        for k, place in dots(seen).items():
            np.testing.assert_allclose(place, (target.points[k] + 0.5) * INNER - 0.5, atol=1.0)
            compared += 1
    assert set(kinds) == {0, 1}  # some are mirrored, which is the other leg
    assert 0.05 < np.mean(np.array(kinds) == 1) < 0.3
    assert compared > 200


@pytest.mark.parametrize(("readable", "kinds"), [(1.0, {0, 1}), (0.0, {2}), (np.nan, {-1})])
def test_only_readable_legs_are_ever_told_to_be_the_other_one(readable: float, kinds: set[int], tmp_path: Path) -> None:
    set_ = written(tmp_path / "one.csv", SyntheticLeg(4), "right")
    set_.readable[0] = readable
    rng = np.random.default_rng(6)
    assert {augment.random_cut(*labels(set_), rng)[1].kind for _ in range(60)} == kinds


def test_a_spoilt_picture_is_still_one_and_the_same_seed_spoils_alike() -> None:
    picture = cv2.resize(SyntheticLeg(2).picture(), (INNER, INNER))
    runs = [[augment.spoil(picture, rng) for _ in range(50)] for rng in (np.random.default_rng(7), np.random.default_rng(7))]
    for one, other in zip(*runs, strict=True):
        assert (one.shape, one.dtype) == (picture.shape, np.uint8)
        np.testing.assert_array_equal(one, other)
    assert any(np.abs(one.astype(int) - picture).mean() > 5 for one in runs[0])


# ---------------------------------------------------------------------- evaluation
def made_up_reading(target: object, off: np.ndarray, sd: float) -> np.ndarray:
    """Return bare outputs of a network that is off by so much and states that error everywhere."""
    said = np.zeros((len(off), 24))
    said[:, :14] = target.components + off
    said[:, 15:21] = np.log(sd)
    return said


def test_the_network_is_as_strict_as_it_should_be() -> None:
    """Whatever its scores are like, 1.5 % of what looks readable and like the right leg is rejected."""
    rng = np.random.default_rng(2)
    said = np.zeros((5000, 24))
    said[:, 21:24] = rng.normal([2, -2, 1], [2, 2, 3], (5000, 3))
    readable = rng.choice([0, 1], 5000)
    said[:, 23] += evaluate.strictness(said, readable)
    own = (readable == 1) & (said[:, 21] > said[:, 22])
    assert 0.9 < own.sum() / (readable == 1).sum() < 0.96, "some look like the other leg"
    rejected = evaluate.decode(said + 1e-9, np.ones(6)).rejected
    assert rejected[own].mean() == pytest.approx(evaluate.REJECTED_READABLE, abs=0.002)
    said[:, 22] = 50
    with pytest.raises(SystemExit, match="train it for longer"):
        evaluate.strictness(said, readable)


def test_the_error_scale_makes_bars_hold_what_they_claim() -> None:
    rng = np.random.default_rng(8)
    count = 4000
    directions = rng.normal(0, 1, (count, 2, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    components = np.hstack([directions.reshape(count, 6), rng.normal(0, 0.2, (count, 8))])
    target = evaluate.Truth(np.empty((count, 0)), components, np.ones(count))
    off = np.zeros((count, 14))
    off[:, 6:12], off[:, 12:] = rng.normal(0, 0.02, (count, 6)), rng.normal(0, 0.05, (count, 2))
    readable = (rng.random(count) < 0.7).astype(float)
    off[readable == 0] *= 50  # what nobody can read must not count
    said = made_up_reading(target, off, 0.01)
    scale = evaluate.error_scale(said, target, readable)
    np.testing.assert_allclose(scale[4:], [2, 5], rtol=0.05)
    reading = evaluate.decode(said, scale)
    held = np.abs(reading.components - components)[readable == 1] <= evaluate.BAR * reading.sd[:, evaluate.SD_OF][readable == 1]
    np.testing.assert_allclose(held[:, 6:12].mean(), 0.95, atol=0.002)
    np.testing.assert_allclose(held[:, 12:].mean(), 0.95, atol=0.002)


def test_angles_and_distances_are_those_of_the_leg() -> None:
    one = np.array([[1, 0, 0, 0, 1, 0, 0.1, 0, 0.2, 0, 0.3, 0, 9, 9]], float)
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    other = np.array([[c, s, 0, 0, 0, 1, 0.1, 0.03, 0.2, 0.06, 0.3, 0.09, 0, 0]])
    np.testing.assert_allclose(evaluate.angles_deg(one, other), [[30, 90]])
    np.testing.assert_allclose(evaluate.points_feet(one, other, np.array([0.5])), [0.12])  # the knee does not count


def test_a_block_of_a_document_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    one, other = tmp_path / "one.md", tmp_path / "other.md"
    one.write_text("before\n<!-- set: by a script -->\nold\nold\n<!-- end -->\nafter <!-- end -->\n", "utf-8")
    other.write_text("<!-- set-compare: by a script -->\n<!-- end -->\n", "utf-8")
    assert evaluate.write_docs("set", "| new |", [one, other]) == [one]
    assert one.read_text("utf-8") == "before\n<!-- set: by a script -->\n| new |\n<!-- end -->\nafter <!-- end -->\n"
    assert evaluate.block(other.read_text("utf-8"), "set") is None


@pytest.fixture(scope="module")
def sample() -> object:
    return crops.read([evaluate.SAMPLE])


@pytest.fixture(scope="module")
def rows(sample: object) -> list[dict[str, object]]:
    return evaluate.evaluate(evaluate.Network(evaluate.WEIGHTS), sample)


def test_the_sample_is_the_one_that_was_chosen(sample: object) -> None:
    folder = evaluate.SAMPLE.parent
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
    assert sums == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("sample.csv", "sample.zip")}
    assert len(sample) == 800
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    families = sample.column("family")
    assert min(int((families == family).sum()) for family in set(families)) >= 30
    assert {"hidden", "rear", "no leg", ""} == set(sample.table["why"])
    assert (sample.readable == 1).sum() > 500


def test_choosing_is_even_and_repeatable(sample: object) -> None:
    rows = [
        {"family": f, "readable": r, "why": w, "shoe": s, "person": str(k % 3), "picture": str(k)}
        for k, (f, r, w, s) in enumerate(
            (f, r, w, s) for f in "ab" for r, w in (("1", ""), ("0", "hidden")) for s in ("x", "y") for _ in range(30)
        )
    ]
    chosen = [choose.deal(rows, 100, np.random.default_rng(3)) for _ in range(2)]
    assert chosen[0] == chosen[1]
    assert len({row["picture"] for row in chosen[0]}) == 100
    for key, count in (("family", 50), ("shoe", 50), ("readable", 20)):
        few = min(sum(row[key] == value for row in chosen[0]) for value in {row[key] for row in rows})
        assert few == pytest.approx(count, abs=2), key
    assert len(choose.deal(rows, 10_000, np.random.default_rng(3))) == len(rows)


def test_the_shipped_network_is_the_one_that_its_card_describes() -> None:
    card = json.loads(evaluate.WEIGHTS.with_suffix(".json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256(evaluate.WEIGHTS.read_bytes()).hexdigest()
    assert card == description()
    assert int(card["version"]) >= 1  # 0 is for trying things out
    assert len(card["error_scale"]) == 6
    assert all(0.3 < factor < 4 for factor in card["error_scale"])
    assert card["trained_on"]["crops"] > card["trained_on"]["readable"] > 10_000


def test_nobody_in_the_sample_was_learned_from(sample: object) -> None:
    card = description()
    for seen in (card["trained_on"], card["checked_on"]):
        assert not set(seen["bodies"]) & set(sample.table["body"])
        assert "shoes05" not in seen["shoes"]
    assert not set(card["trained_on"]["bodies"]) & set(card["checked_on"]["bodies"])
    assert "shoes05" in sample.table["shoe"]


def test_the_shipped_network_reads_the_shipped_sample(rows: list[dict[str, object]]) -> None:
    everything = rows[0]
    assert everything["crops"] == "all"
    assert {name: everything[name] for name, limit in AT_MOST.items() if not everything[name] <= limit} == {}
    assert {name: everything[name] for name, limit in AT_LEAST.items() if not everything[name] >= limit} == {}


def test_the_documents_say_what_the_evaluation_says(rows: list[dict[str, object]]) -> None:
    texts = [path.read_text("utf-8") for path in evaluate.DOCUMENTS]
    said, data = (
        "".join(found.group(1) for text in texts if (found := evaluate.block(text, name))) for name in ("sample", "data")
    )
    assert data == evaluate.data_table(description()) + "\n", "run: python training/evaluate.py --write-docs"
    wanted = evaluate.tables(rows) + "\n"
    words, numbers = r"[a-z]\w*", r"\d[\d.]*"
    assert re.findall(words, said) == re.findall(words, wanted), "run: python training/evaluate.py --write-docs"
    # The last digit may differ from one kind of processor to the next.
    pairs = list(zip(re.findall(numbers, said), re.findall(numbers, wanted), strict=True))
    assert np.mean([one == other for one, other in pairs]) > 0.95, "run: python training/evaluate.py --write-docs"


def test_the_command_prints_and_writes_the_same_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with evaluate.SAMPLE.open(newline="", encoding="utf-8") as file:
        rewrite(tmp_path / "few.csv", *list(csv.DictReader(file))[:60])
    (tmp_path / "few.zip").write_bytes(evaluate.SAMPLE.with_suffix(".zip").read_bytes())
    evaluate.main([str(tmp_path / "few.csv"), "--csv", str(tmp_path / "out.csv")])
    printed = capsys.readouterr().out
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert table[0]["crops"] == "all"
    assert all(f"| {row['crops']} | {row['readable']} |" in printed for row in table)
    evaluate.main([str(tmp_path / "few.csv"), "--compare", str(evaluate.WEIGHTS)])
    assert f"| all | {table[0]['readable']} | 0.0 | 0.0 | 0.000 | 0.0% |" in capsys.readouterr().out


def test_a_network_without_its_card_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"x\.json is missing"):
        evaluate.Network(tmp_path / "x.onnx")


@pytest.mark.parametrize("side", list(Side))
def test_rotrack_reads_a_crop_as_the_evaluation_does(sample: object, side: Side) -> None:
    """The crop in the middle of a large picture, found by its landmarks: same axes, same mirroring, same units."""
    network, flip = evaluate.Network(evaluate.WEIGHTS), -1.0 if side is Side.LEFT else 1.0
    angles, moved, sure = [], [], []
    for k in [k for k in np.flatnonzero(sample.readable == 1) if sample.left[k] == (side is Side.LEFT)][::12]:
        heel, toe, ankle, knee = points = sample.points[k]
        middle, foot = 0.45 * ankle + 0.225 * (heel + toe) + 0.1 * knee, sample.foot[k]
        width = crops.WIDTH_FEET * foot
        picture, _ = augment.cut(*labels(sample, k)[:5], 0, scale=width * crops.MARGIN, shift=tuple(middle))
        wanted = network.read(picture[None])
        stored = sample.picture(k)[:, :: int(flip)]
        rgb = cv2.copyMakeBorder(stored, 296, 296, 576, 576, cv2.BORDER_REFLECT)
        pose = pose_of(points * [flip, 1] * SIZE + MIDDLE_PX, foot * SIZE, side)
        crop = LegNet().read(rgb, pose).legs[side]
        said = np.concatenate([crop.foot * [flip, 1, 1], crop.shank * [flip, 1, 1]])
        angles.append(evaluate.angles_deg(said[None], wanted.components)[0])
        here = (crop.points_px - MIDDLE_PX) * [flip, 1] / SIZE
        moved.append(np.linalg.norm(here - middle - wanted.components[0, 6:].reshape(4, 2) * width, axis=1) / foot)
        sure.append(crop.readable - wanted.chance[0, 0])
    assert np.median(angles) < 2  # a lens and a border are between the two pictures, no more
    assert np.median(moved) < 0.02
    assert np.median(np.abs(sure)) < 0.02


MIDDLE_PX = np.array([639.5, 359.5])


def pose_of(points_px: np.ndarray, foot_px: float, side: Side) -> Pose:
    """Return a pose whose landmarks of one leg are these; the other leg is not in the picture."""
    image, world = np.full((33, 2), np.nan), np.full((33, 3), np.nan)
    leg = LEGS[side]
    marks = [leg.heel, leg.toe, leg.ankle, leg.knee, leg.hip]
    image[marks] = [*points_px, 2 * points_px[3] - points_px[2]]
    world[marks] = np.c_[(image[marks] - image[marks].mean(axis=0)) * 0.24 / foot_px, np.zeros(5)]
    return Pose(0.0, (1280, 720), image, world, np.ones(33))


# ---------------------------------------------------------------------- what needs torch is only looked at
def test_every_script_parses_and_says_what_it_is_for() -> None:
    for path in TRAINING.glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


def test_the_layout_of_the_outputs_is_the_one_that_is_read() -> None:
    tree = ast.parse((TRAINING / "network.py").read_text("utf-8"))
    values = {
        node.targets[0].id: ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    layout = {name: (int(a), int(b)) for name, a, b in re.findall(r"'(\w+)': slice\((\d+), (\d+)\)", values["OUTPUTS"])}
    assert layout["foot"] == (0, 3)
    assert layout["shank"] == (3, 6)
    assert layout["points"] == (6, 14)
    assert layout["log_error"] == (15, 21)
    assert layout["kind"] == (21, 24)
    assert int(values["EXPORTED"]) == 24
    assert max(evaluate.SD_OF) + 1 == layout["log_error"][1] - layout["log_error"][0]


def test_the_commands_of_the_readme_exist() -> None:
    text = (TRAINING / "README.md").read_text("utf-8")
    commands = re.findall(r"^python training/(\w+\.py)(.*)$", text, re.MULTILINE)
    assert {name for name, _ in commands} == {"train.py", "export.py", "evaluate.py", "choose.py"}
    for name, rest in commands:
        source = (TRAINING / name).read_text("utf-8")
        for option in shlex.split(rest, comments=True):
            assert not option.startswith("--") or f'"{option}"' in source, f"{name} {option}"


def test_the_readme_explains_every_column() -> None:
    text = (TRAINING / "README.md").read_text("utf-8")
    table = [cells.split("|")[1] for cells in text.splitlines() if cells.startswith("| ")]
    explained = {word.strip() for cell in table for word in cell.split(",")}
    with evaluate.SAMPLE.open(newline="", encoding="utf-8") as file:
        assert set(next(csv.reader(file))) <= explained
