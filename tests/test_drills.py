"""The drill table that ships, and what is told of a wrong one."""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from dataclasses import replace
from importlib import resources

import pytest

from rotrack.core.drills import GROUPS, Measure, View, load_table, parse_sides, parse_table
from rotrack.core.errors import DrillError, RotrackError
from rotrack.core.figures import Limb, Pivot
from rotrack.core.model import Direction, Side
from rotrack.core.postures import Posture

DRILLS = load_table().drills
TEXTS = ("title", "summary", "camera", "measured", "cue")


# ---------------------------------------------------------------------- the table that ships
@pytest.mark.parametrize("drill_id", DRILLS)
def test_every_text_of_a_drill_says_something(drill_id):
    drill = load_table().drill(drill_id)
    for name in TEXTS:
        assert len(getattr(drill, name).strip()) > 3, name
    assert len(drill.steps) >= 3
    assert all(step.strip().endswith(".") for step in drill.steps)
    assert all(text == text.strip() for text in (drill.note, *drill.steps, *(getattr(drill, t) for t in TEXTS)))
    assert drill.group in GROUPS


def test_titles_tell_the_drills_apart():
    titles = [drill.title for drill in load_table().drills.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("drill_id", DRILLS)
def test_words_agree_with_the_direction(drill_id):
    drill = load_table().drill(drill_id)
    for direction in drill.directions:
        assert direction in drill.summary.lower()
        assert drill.combined or drill.total_turnout or direction.value in drill_id or drill.measure is Measure.ROLL


@pytest.mark.parametrize("letter", "TPLKHFDO")
def test_every_fault_has_a_cue_and_a_limit(letter):
    fault = load_table().faults[letter]
    assert fault.letter == letter
    assert fault.title
    assert fault.cue.endswith(".")
    assert all(limit > 0 for limit in fault.limits.values())
    assert fault.unit in ("deg", "cm")


def test_there_is_no_other_fault():
    assert set(load_table().faults) == set("TPLKHFDO")


def test_faults_are_watched_only_in_their_position_and_drill():
    table = load_table()
    seated, lying = table.drill("seated-internal"), table.drill("supine-bent-internal")
    assert seated.watches(table.faults["T"])
    assert not seated.watches(table.faults["H"]), "not a fault of this drill"
    watched, unseen = table.faults_of(lying)
    assert table.faults["P"] in watched
    assert table.faults["H"] in unseen, "cannot be seen in this position"


def test_what_a_drill_says_is_unseen_in_it_is_not_watched():
    table = load_table()
    first, standing = table.drill("standing-first-position"), table.drill("standing-external")
    assert standing.watches(table.faults["H"])
    watched, unseen = ([fault.letter for fault in faults] for faults in table.faults_of(first))
    assert "H" not in watched and "H" in unseen


def test_the_other_leg_is_watched_only_where_one_leg_can_be_alone():
    table = load_table()
    assert table.drill("longsit-external").watches(table.faults["O"])
    both = replace(table.drill("longsit-external"), legs=("both",))
    assert not both.watches(table.faults["O"])


def test_a_variant_is_one_of_the_drill():
    drill = load_table().drill("longsit-external")
    drill.check_variant("")
    drill.check_variant("together")
    with pytest.raises(DrillError, match=r"longsit-external has no variant 'x'\. Its variants are: together, foot-apart"):
        drill.check_variant("x")
    with pytest.raises(DrillError, match=r"seated-internal has no variant 'together'\. It has none"):
        load_table().drill("seated-internal").check_variant("together")


def test_every_posture_has_a_drill_and_all_of_its_drills_are_read_alike():
    measures = {posture: {drill.measure for drill in DRILLS.values() if drill.posture is posture} for posture in Posture}
    assert {posture: found for posture, found in measures.items() if len(found) != 1} == {}


def test_only_what_is_counted_has_neither_an_angle_nor_a_range():
    for drill in DRILLS.values():
        assert (
            (drill.tier == "D")
            == (drill.measure is Measure.ROLL)
            == (drill.posture.record.stance is None)
            == (not drill.range_deg)
        )


def test_the_knee_of_the_posture_fits_what_shows_the_turn():
    for drill in DRILLS.values():
        if stance := drill.posture.record.stance:
            assert drill.measure is (Measure.SHANK if stance.knee_deg > 60 else Measure.FOOT)


VIEW_WORDS = {
    View.FRONT: "straight in front of you",
    View.FEET: r"foot end|beyond your feet",
    View.BEHIND: "behind you",
    View.BELLY: "in front of your belly",
    View.ABOVE: "above you",
}
NUMBER = r"(\d+(?:\.\d+)?)"


@pytest.mark.parametrize("drill_id", DRILLS)
def test_the_place_says_in_numbers_what_the_text_says(drill_id):
    drill = load_table().drill(drill_id)
    text, place = drill.camera, drill.place
    assert re.search(VIEW_WORDS[place.view], text)
    if place.view is not View.ABOVE:
        away = re.search(NUMBER + " to " + NUMBER + " m (?:away|straight)", text).groups()
        assert place.distance_m == tuple(map(float, away))
        for low, high in re.findall(NUMBER + " to " + NUMBER + r" m(?: high|, so|\))", text):
            assert place.height_m == (float(low), float(high))
    for low, high in re.findall(NUMBER + " to " + NUMBER + " degrees", text):
        assert place.down_deg[0] <= float(low)
        assert float(high) == place.down_deg[1]
    for about in re.findall("(?:at least|about) " + NUMBER + r"\s+degrees", text):
        assert place.down_deg[0] <= float(about) <= place.down_deg[1]


def test_a_drill_that_needs_the_leg_network_says_why():
    reasons = [drill.without_legnet for drill in DRILLS.values() if drill.without_legnet]
    assert reasons
    for why in reasons:
        assert "no angle would be right" in why
        assert not why.endswith("."), "it is the second half of a sentence"


def test_every_figure_is_used():
    names = set(tomllib.loads(resources.files("rotrack").joinpath("core/drills.toml").read_text("utf-8"))["figure"])
    figures = {id(drill.figure) for drill in load_table().drills.values()}
    assert len(figures) == len(Posture) + len(names)


# ---------------------------------------------------------------------- looking up
@pytest.mark.parametrize(
    ("asked", "meant"),
    [("seated-interal", "seated-internal"), ("Seated-External", "seated-external"), ("lunge", "lunge-internal")],
)
def test_a_near_miss_is_met_with_suggestions(asked, meant):
    with pytest.raises(DrillError) as told:
        load_table().drill(asked)
    assert f"'{asked}'" in str(told.value)
    assert meant in str(told.value)
    assert "rotrack drills" in str(told.value)


def test_a_word_like_no_drill_is_met_with_the_list():
    with pytest.raises(DrillError) as told:
        load_table().drill("xyzzy")
    assert "Did you mean" not in str(told.value)
    assert "rotrack drills" in str(told.value)


@pytest.mark.parametrize(("text", "sides"), [("left", (Side.LEFT,)), ("right", (Side.RIGHT,)), ("both", (Side.LEFT, Side.RIGHT))])
def test_sides_are_read(text, sides):
    assert parse_sides(text) == sides


@pytest.mark.parametrize("text", ["", "Left", "links", "left,right", "none"])
def test_an_unknown_side_is_told(text):
    with pytest.raises(DrillError, match=rf"left, right or both, not '{text}'"):
        parse_sides(text)


# ---------------------------------------------------------------------- a wrong table
GOOD = {
    "figure": {
        "seated": {
            "head": "up",
            "chest": "front",
            "seen_from_deg": [20, 10],
            "turns_about": "knee",
            "leg": {"flexion": 90, "bend": 90},
            "arm": {"flexion": 10},
        }
    },
    "fault": {
        "T": {
            "title": "Thigh drifts",
            "cue": "Keep it still.",
            "unit": "deg",
            "invalidates": True,
            "limits": {"seated": 10.0},
        }
    },
    "drill": {
        "swing": {
            "title": "Swing",
            "group": "sitting",
            "summary": "The foot swings.",
            "steps": ["Sit.", "Swing."],
            "camera": "In front.",
            "place": {
                "view": "front",
                "distance_m": [2, 2.5],
                "height_m": [0.4, 0.7],
                "down_deg": [-10, 30],
                "turn_deg": 15,
            },
            "measure": "shank",
            "measured": "hip rotation",
            "posture": "seated",
            "tier": "A",
            "directions": ["external", "internal"],
            "faults": ["T"],
            "range_deg": {"external": [25, 50], "internal": [25, 45]},
            "cue": "Swing.",
        }
    },
}


def toml(value: object) -> str:
    """Return a TOML value; JSON is the same except for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


def table_text(table: dict) -> str:
    """Return TOML of a table of tables."""
    lines = []
    for kind, entries in table.items():
        for name, entry in entries.items():
            lines.append(f"[{kind}.{name}]")
            lines += [f"{key} = {toml(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def with_drill(**changes: object) -> str:
    """Return the good table with entries of the drill changed, or taken out where they are None."""
    table = deepcopy(GOOD)
    drill = table["drill"]["swing"]
    drill.update(changes)
    table["drill"]["swing"] = {key: value for key, value in drill.items() if value is not None}
    return table_text(table)


def test_a_good_table_is_read():
    table = parse_table(with_drill(), "my.toml")
    drill = table.drill("swing")
    assert drill.directions == (Direction.EXTERNAL, Direction.INTERNAL)
    assert drill.range_deg == {Direction.EXTERNAL: (25.0, 50.0), Direction.INTERNAL: (25.0, 45.0)}
    assert (drill.min_entry_deg, drill.note, drill.without_legnet) == (3.0, "", "")
    assert drill.watches(table.faults["T"])


def test_a_figure_is_found_by_its_posture_and_the_other_side_is_like_the_measured_one():
    figure = parse_table(with_drill(), "my.toml").drill("swing").figure
    assert (figure.turns_about, figure.both, figure.mat, figure.boxes_m) == (Pivot.KNEE, False, False, ())
    assert figure.leg == figure.other_leg == Limb(flexion=90, bend=90)
    assert figure.arm == figure.other_arm == Limb(flexion=10)


def test_a_stretch_needs_no_range_and_may_need_the_leg_network():
    table = parse_table(
        with_drill(measure="roll", range_deg={}, min_entry_deg=4, without_legnet="it is too dark there"), "my.toml"
    )
    drill = table.drill("swing")
    assert (drill.measure, drill.range_deg, drill.min_entry_deg) == (Measure.ROLL, {}, 4)
    assert drill.without_legnet == "it is too dark there"


PLACE = GOOD["drill"]["swing"]["place"]
WRONG = {
    "unknown figure": ({"figure": "handstand"}, "there is no figure 'handstand'; known are seated"),
    "place without a key": ({"place": {k: v for k, v in PLACE.items() if k != "view"}}, "place needs exactly distance_m"),
    "place with another key": ({"place": PLACE | {"side": 1}}, "place needs exactly"),
    "place as words": ({"place": "in front"}, "place needs exactly"),
    "place of an unknown view": (
        {"place": PLACE | {"view": "back"}},
        "place view must be one of front, feet, behind, belly, above",
    ),
    "place upside down": ({"place": PLACE | {"distance_m": [3, 2]}}, "place distance_m needs low and high, between 0 and 6"),
    "place in centimetres": ({"place": PLACE | {"height_m": [40, 70]}}, "place height_m needs low and high, between 0 and 4"),
    "place in words": ({"place": PLACE | {"down_deg": ["level", "steep"]}}, "place down_deg needs low and high"),
    "place of one number": ({"place": PLACE | {"down_deg": 10}}, "place down_deg needs low and high"),
    "place never turned": ({"place": PLACE | {"turn_deg": 0}}, "place turn_deg must be above 0 and at most 90"),
    "place that looks past": (
        {"place": PLACE | {"down_deg": [60, 80]}},
        "place down_deg does not fit its height_m and distance_m",
    ),
    "unknown key": ({"camra": "In front."}, "unknown key camra"),
    "several unknown keys": ({"zoom": 1, "camra": 2}, "unknown key camra, zoom"),
    "missing key": ({"cue": None}, "missing key cue"),
    "several missing keys": ({"cue": None, "camera": None}, "missing key camera, cue"),
    "measure": ({"measure": "shank_sway"}, "measure must be one of shank, foot, roll"),
    "posture": ({"posture": "lying"}, "posture must be one of seated"),
    "tier": ({"tier": "E"}, "tier must be one of A, B, C, D"),
    "group": ({"group": "jumping"}, "group must be one of standing"),
    "no steps": ({"steps": []}, "steps must hold at least one sentence"),
    "unknown fault": ({"faults": ["T", "X"]}, "faults must be among T"),
    "no direction": ({"directions": []}, "directions must be internal, external or both"),
    "unknown direction": ({"directions": ["inward"]}, "directions must be internal, external or both"),
    "same direction twice": ({"directions": ["internal", "internal"]}, "directions must be internal, external or both"),
    "directions as one word": ({"directions": "internal"}, "directions must be internal, external or both"),
    "range upside down": ({"range_deg": {"external": [50, 25], "internal": [25, 45]}}, "range_deg needs low < high"),
    "range too wide": ({"range_deg": {"external": [25, 150], "internal": [25, 45]}}, "range_deg needs low < high"),
    "negative range": ({"range_deg": {"external": [-50, -25], "internal": [25, 45]}}, "range_deg needs low < high"),
    "range of one number": ({"range_deg": {"external": [25], "internal": [25, 45]}}, "range_deg needs low < high"),
    "range of an unknown direction": ({"range_deg": {"inward": [25, 45]}}, "range_deg needs"),
    "range of one direction only": ({"range_deg": {"external": [25, 50]}}, "range_deg needs every direction"),
    "entry too small": ({"min_entry_deg": 0.5}, "min_entry_deg must be at least 1"),
    "range as a list": ({"range_deg": [25, 45]}, "range_deg"),
}


@pytest.mark.parametrize(("changes", "rule"), WRONG.values(), ids=WRONG)
def test_a_broken_drill_is_told_with_file_drill_and_rule(changes, rule):
    with pytest.raises(DrillError) as told:
        parse_table(with_drill(**changes), "my.toml")
    message = str(told.value)
    assert message.startswith("my.toml")
    assert "'swing'" in message
    assert rule in message


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"limits": {"lying": 10.0}}, "lying"),
        ({"limits": {"seated": 0.0}}, "limits must be above 0"),
        ({"limit": 3}, "limit"),
        ({"limits": None}, "limits"),
        ({"cue": None}, "cue"),
    ],
)
def test_a_broken_fault_is_told_with_file_and_letter(changes, word):
    table = deepcopy(GOOD)
    table["fault"]["T"] = {k: v for k, v in {**table["fault"]["T"], **changes}.items() if v is not None}
    with pytest.raises(DrillError) as told:
        parse_table(table_text(table), "my.toml")
    assert str(told.value).startswith("my.toml, fault 'T'")
    assert word in str(told.value)


WRONG_FIGURE = {
    "unknown key": ({"heads": "up"}, "unknown key heads"),
    "missing key": ({"leg": None, "arm": None}, "missing key arm, leg"),
    "no direction": ({"head": "north"}, "head must be one of up, down, front, back, left, right"),
    "twisted neck": ({"chest": "down"}, "head and chest must point at right angles"),
    "unknown pivot": ({"turns_about": "elbow"}, "turns_about must be one of knee, heel, toe, trunk"),
    "view of one angle": ({"seen_from_deg": [20]}, "seen_from_deg needs two angles"),
    "view in words": ({"foot_from_deg": ["left", "up"]}, "foot_from_deg needs two angles"),
    "lean in words": ({"lean_deg": "a little"}, "lean_deg must be a number"),
    "half a switch": ({"mat": 0.5}, "mat must be true or false"),
    "flat box": ({"boxes_m": [[0, 0, 1, 1]]}, "boxes_m needs six numbers for each box"),
    "unknown joint": ({"other_leg": {"knee": 90}}, "other_leg knows abduction, ankle, bend, flexion, rotation"),
    "bent too far": ({"leg": {"bend": 270}}, "leg needs angles up to 180"),
    "leg as a number": ({"leg": 90}, "leg knows"),
}


@pytest.mark.parametrize(("changes", "rule"), WRONG_FIGURE.values(), ids=WRONG_FIGURE)
def test_a_broken_figure_is_told_with_file_figure_and_rule(changes, rule):
    table = deepcopy(GOOD)
    changed = {**table["figure"]["seated"], **changes}
    table["figure"]["seated"] = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(DrillError) as told:
        parse_table(table_text(table), "my.toml")
    assert str(told.value).startswith("my.toml, figure 'seated': ")
    assert rule in str(told.value)


@pytest.mark.parametrize("text", ["[drill.swing", "title = ", with_drill() + with_drill()])
def test_text_that_is_no_toml_is_told_with_the_file(text):
    with pytest.raises(DrillError, match=r"^my\.toml is not valid TOML"):
        parse_table(text, "my.toml")


@pytest.mark.parametrize("text", ["", "# nothing\n", table_text({"fault": GOOD["fault"]})])
def test_a_table_without_drills_is_told(text):
    with pytest.raises(DrillError, match=r"^my\.toml holds no drill"):
        parse_table(text, "my.toml")


def test_a_wrong_table_is_one_of_the_foreseen_errors():
    assert issubclass(DrillError, RotrackError)
