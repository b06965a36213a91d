"""The public benchmark's specs (training/benchmark.json): frozen, spread over everything, nobody in two groups or parts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import numpy as np
import pytest
from repository import ROOT

from training import movement
from training.render import benchmark, people, placing
from training.render.camera import View
from training.render.postures import POSTURES
from training.render.stage import ClipSpec

SPECS = json.loads(benchmark.SPECS.read_text("utf-8"))
DRILLS = (ROOT / "rotrack" / "core" / "drills.toml").read_text("utf-8")


def test_the_frozen_specs_are_what_the_seeds_give():
    assert json.loads(json.dumps(benchmark.draw())) == SPECS


LATER = {"first_position"}
"""Postures that the renderer has learned since the specs were frozen."""


def test_there_are_enough_clips_of_everything():
    assert len(SPECS) >= 120
    for part in benchmark.CLIPS:
        mine = [spec for name, spec in SPECS.items() if name.startswith(part)]
        drilled = {spec["posture"] for spec in mine}
        assert drilled == {posture for posture in POSTURES if not posture.startswith("zst")} - LATER
        assert {spec["kind"] for spec in mine} == set(movement.ranges()["kinds"])
        assert len({tuple(spec["size_px"]) for spec in mine}) == len(placing.table()["sizes"])
    missing = {spec["drill"] for spec in SPECS.values() if f"[drill.{spec['drill']}]" not in DRILLS}
    assert {drill.split("-")[0] for drill in missing} <= {"prone"}


def test_every_person_is_in_one_group_of_one_part_only():
    groups = defaultdict(set)
    for name, spec in SPECS.items():
        groups[json.dumps(spec["person"]["shape"])].add((name.split("_")[0], spec["posture"]))
    assert len(groups) == len(SPECS)
    assert all(len(group) == 1 for group in groups.values())


def test_parts_share_no_seed():
    seeds = defaultdict(set)
    for name, spec in SPECS.items():
        seeds[name.split("_")[0]].add(spec["movement"]["seed"])
    assert not seeds["tune"] & seeds["test"]


def test_every_spec_can_be_performed():
    for name, spec in SPECS.items():
        read = ClipSpec.read(spec)
        course = read.course()
        asked = course.movement
        assert len(course.reps) == asked.cycles * len(asked.directions) * (2 if asked.legs == "both" else 1), name
        assert course.duration_s < 400
        if read.walks_in_s:
            assert asked.start_s > read.walks_in_s
        if spec["kind"] == "walks-off":
            assert course.absent_s, name


def test_the_manifest_lists_what_is_there(tmp_path):
    some = dict(list(SPECS.items())[:3])
    for name in list(some)[:2]:
        (tmp_path / f"{name}.gt.json").write_text('{"side": "left", "rep_count": 4}', "utf-8")
    assert benchmark.manifest(some, tmp_path) == 2
    lines = (tmp_path / "manifest.csv").read_text("utf-8").splitlines()
    assert lines[0].startswith("clip,drill_ids,moving_side")
    assert [line.split(",")[0] for line in lines[1:]] == list(some)[:2]
    with pytest.raises(SystemExit, match="frozen"):
        benchmark.main(["draw"])


def test_people_at_random_are_the_same_people_and_varied():
    first, again = (people.draw("tune", 5) for _ in range(2))
    assert first == again != people.draw("test", 5)
    crowd = [people.draw("test", number) for number in range(300)]
    years = [person["years"] for person in crowd]
    assert min(years) < 12
    assert max(years) > 80
    feet = Counter(c["name"] for p in crowd for c in p["clothes"] if c["name"].startswith("shoes"))
    feet += Counter(f"{c['kind']}{'' if c['kind'] != 'shoe' else c['high'] > 1.1}" for p in crowd for c in p["covers"])
    assert {"shoes05", "shoes06", "shoeTrue", "shoeFalse", "sock", "skirt", "trousers", "weight", "band"} <= set(feet)
    assert 0.4 < np.mean([person["shape"]["gender"] for person in crowd]) < 0.6


def test_cameras_stand_where_people_put_them():
    wanted = View((0, 1.0, 2.6), (0, 0.75, 0), 62)
    placed = [placing.draw("test", number, wanted) for number in range(300)]
    assert placed[7] == placing.draw("test", 7, wanted)
    notes = Counter(word for place in placed for word in place["note"].split(", "))
    assert set(notes) == {*placing.table()["places"], *placing.table()["framings"]}
    heights = [place["camera"]["eye_m"][1] for place in placed]
    assert min(heights) < 0.35
    assert max(heights) > 1.5
    overhead = placing.draw("test", 3, View((0, 2.95, 0.1), (0, 0.5, -0.1), 56))
    assert "eye_m" not in overhead["camera"]
