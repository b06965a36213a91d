"""The drawings of drills and camera places: anatomy, colours and form."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import case

from rotrack.core.drills import load_table
from rotrack.core.figures import Pivot
from rotrack.core.model import Direction, Side
from rotrack.draw import drill_figures
from rotrack.draw.drill_figure import drill_svg, ends_deg, joints, place_svg
from rotrack.draw.drill_figures import drill_pictures, moving_picture, place_picture
from rotrack.draw.theme import CSS_RGB, css, css_variable, css_variables

DRILLS = load_table().drills
ENDS = [(drill_id, direction) for drill_id, drill in DRILLS.items() for direction in drill.directions]
PICTURES = {
    "start": lambda drill, side: drill_svg(drill, "start", side),
    "end": lambda drill, side: drill_svg(drill, "end", side),
    "place": place_svg,
}
SVG = "{http://www.w3.org/2000/svg}"


# ---------------------------------------------------------------------- the right way round
WAYS = {
    # family: joint that shows it, and where that goes for internal and for external rotation
    "standing-toe-pivot": ("heel", "lateral", "medial"),
    "standing": ("toe", "medial", "lateral"),
    "longsit": ("toe", "medial", "lateral"),
    "seated": ("ankle", "lateral", "medial"),
    "supine-straight": ("toe", "medial", "lateral"),
    "supine-bent": ("ankle", "lateral", "medial"),
    "supine-90-90": ("ankle", "lateral", "medial"),
    "prone": ("ankle", "lateral", "medial"),
    "sidelying-abducted": ("toe", "down", "up"),
    "sidelying-strength-internal": ("ankle", "up", "down"),
    "sidelying-strength-external": ("ankle", "down", "up"),
    "lunge": ("heel", "lateral", "medial"),
    "zst": ("other_hip", "forwards", "forwards"),
}
"""As the reference of the project has it, movement by movement."""


def room_ways(start: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return directions in the room, worked out from the joints of the start."""
    lateral = start["hip"] - start["other_hip"]
    trunk = start["neck"] - (start["hip"] + start["other_hip"]) / 2
    up = np.array([0.0, 1.0, 0.0])
    return {
        "lateral": lateral / np.linalg.norm(lateral),
        "medial": -lateral / np.linalg.norm(lateral),
        "up": up,
        "down": -up,
        "forwards": (start["nose"] - start["head"]) / np.linalg.norm(start["nose"] - start["head"]),
        "headwards": trunk / np.linalg.norm(trunk),
    }


def test_the_movement_goes_the_anatomical_way():
    for drill_id, direction in ENDS:
        with case(drill_id, direction):
            drill = DRILLS[drill_id]
            start, end = joints(drill.figure), joints(drill.figure, ends_deg(drill)[direction])
            joint, internal, external = next(ways for family, ways in WAYS.items() if drill_id.startswith(family))
            ways = room_ways(start)
            moved = end[joint] - start[joint]
            way = ways[internal if direction is Direction.INTERNAL else external]
            assert moved @ way > 0.05
            assert moved @ way > 0.4 * np.linalg.norm(moved), "mainly that way"
            if drill_id.startswith("sidelying-abducted"):
                assert (moved @ ways["headwards"] > 0) == (direction is Direction.EXTERNAL)


def test_the_drawn_hips_turn_by_the_stated_angle():
    for prefix in ["", "other_"]:
        for drill_id, direction in [end for end in ENDS if DRILLS[end[0]].figure.turns_about is not Pivot.TRUNK]:
            with case(prefix, drill_id, direction):
                drill = DRILLS[drill_id]
                if prefix and not drill.figure.both:
                    before, after = (joints(drill.figure, turn) for turn in (0.0, 40.0))
                    assert all(np.allclose(before[j], after[j]) for j in before if j.startswith("other_")), (
                        "the other leg keeps still"
                    )
                    continue
                stated = ends_deg(drill)[direction]
                assert np.sign(stated) == direction.sign
                turned = rotation_deg(joints(drill.figure, stated), prefix) - rotation_deg(joints(drill.figure), prefix)
                # On the ball of a foot, the axis of the drawing is not quite that of the thigh.
                assert turned == pytest.approx(stated, abs=14 if drill.figure.turns_about is Pivot.TOE else 5)


def rotation_deg(at: dict[str, np.ndarray], prefix: str) -> float:
    """Return the hip rotation as conventions.md defines it: internal positive."""
    leg = {joint: at[prefix + joint] for joint in ("hip", "knee", "ankle", "heel", "toe")}
    sign = 1 if prefix else -1
    y = (leg["hip"] - leg["knee"]) / np.linalg.norm(leg["hip"] - leg["knee"])
    e2 = np.cross(y, at["other_hip"] - at["hip"])
    shank = leg["ankle"] - leg["knee"]
    bent = np.linalg.norm(np.cross(y, shank)) > 0.5 * np.linalg.norm(shank)
    pointer, reference = (shank, -e2) if bent else (leg["toe"] - leg["heel"], e2)
    pointer = pointer - (pointer @ y) * y
    return sign * float(np.degrees(np.arctan2(y @ np.cross(reference, pointer), reference @ pointer)))


def test_what_stays_on_its_spot_stays_and_no_bone_changes_its_length():
    for drill_id in DRILLS:
        with case(drill_id):
            drill = DRILLS[drill_id]
            start = joints(drill.figure)
            for end in ends_deg(drill).values():
                moved = joints(drill.figure, end)
                stays = (
                    ("hip", "knee", "ankle", "toe")
                    if drill.figure.turns_about is Pivot.TRUNK
                    else (drill.figure.turns_about.value, "hip")
                )
                assert all(np.allclose(start[joint], moved[joint]) for joint in stays)
                for a, b in (
                    ("hip", "knee"),
                    ("knee", "ankle"),
                    ("heel", "toe"),
                    ("other_hip", "other_knee"),
                    ("shoulder", "elbow"),
                ):
                    assert np.linalg.norm(moved[a] - moved[b]) == pytest.approx(np.linalg.norm(start[a] - start[b]))


def test_seated_the_foot_swings_to_the_side_of_the_leg_in_the_picture():
    """The person faces the viewer, so the left leg swings to the right of the picture when it turns inwards."""
    drill = DRILLS["seated-internal"]
    seen = {
        side: path_middle(drill_svg(drill, "end", side), side) - path_middle(drill_svg(drill, "start", side), side)
        for side in Side
    }
    assert seen[Side.LEFT] > 4
    assert seen[Side.RIGHT] < -4


def path_middle(svg: str, side: Side) -> float:
    """Return the mean x of what has the colour of a side."""
    paths = [
        path.get("d") for path in ElementTree.fromstring(svg).iter(f"{SVG}path") if path.get("fill") == css_variable(side.value)
    ]
    return float(np.mean([float(x) for path in paths for x in re.findall(r"[ML](-?[\d.]+) ", path)]))


# ---------------------------------------------------------------------- form
def test_every_drawing_is_svg_whose_colours_are_those_of_the_page():
    for drill_id in DRILLS:
        for picture in PICTURES:
            for side in Side:
                with case(drill_id, picture, side):
                    svg = PICTURES[picture](DRILLS[drill_id], side)
                    root = ElementTree.fromstring(svg)
                    assert root.tag == f"{SVG}svg"
                    assert root.get("viewBox") == "0 0 240 180"
                    assert root.get("role") == "img"
                    allowed = {"none", "currentColor", *(css_variable(name) for name in CSS_RGB)}
                    used = {element.get(kind) for element in root.iter() for kind in ("fill", "stroke")} - {None}
                    assert used <= allowed
                    assert css_variable(side.value) in used
                    assert (css_variable(side.other.value) in used) == DRILLS[drill_id].figure.both
                    assert "style" not in svg
                    assert "nan" not in svg
                    assert len(svg) < 20_000


def test_every_drawing_stays_inside_its_frame():
    for drill_id in DRILLS:
        for picture in PICTURES:
            with case(drill_id, picture):
                root = ElementTree.fromstring(PICTURES[picture](DRILLS[drill_id], Side.LEFT))
                clipped = {path for group in root.iter(f"{SVG}g") if group.get("clip-path") for path in group.iter(f"{SVG}path")}
                points = [
                    (float(x), float(y))
                    for path in root.iter(f"{SVG}path")
                    if path not in clipped and not path.get("transform")
                    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d"))
                ]
                assert np.min(points) >= 0
                assert (np.max(points, axis=0) <= (240, 180)).all()


def test_the_arrow_is_filled_for_internal_and_hollow_for_external_rotation():
    for drill_id, direction in [end for end in ENDS if not DRILLS[end[0]].combined]:
        with case(drill_id, direction):
            drill = DRILLS[drill_id]
            heads = arrow_heads(drill_svg(drill, "end"))
            assert len(heads) == (2 if drill.figure.both else 1)
            assert set(heads) == {"currentColor" if direction is Direction.INTERNAL else css_variable("paper")}
            assert not arrow_heads(drill_svg(drill, "start"))
            assert "stroke-dasharray" in drill_svg(drill, "end"), "where it came from"


def test_a_combined_drill_shows_both_ends_and_the_external_one_hollow():
    for drill_id in [drill_id for drill_id, drill in DRILLS.items() if drill.combined]:
        with case(drill_id):
            svg = drill_svg(DRILLS[drill_id], "end")
            assert sorted(arrow_heads(svg)) == sorted(["currentColor", css_variable("paper")])
            paths = list(ElementTree.fromstring(svg).iter(f"{SVG}path"))
            legs = {(path.get("fill"), path.get("stroke")) for path in paths}
            assert (css_variable("left"), css_variable("paper")) in legs
            assert (css_variable("paper"), css_variable("left")) in legs


def arrow_heads(svg: str) -> list[str]:
    """Return what the arrow heads are filled with."""
    return [path.get("fill") for path in ElementTree.fromstring(svg).iter(f"{SVG}path") if path.get("stroke-width") == "1.6"]


def test_start_and_end_share_one_frame():
    """What does not move is drawn the same, so that one can be laid over the other."""
    for drill in DRILLS.values():
        if drill.figure.turns_about is Pivot.TRUNK:
            continue
        start, end = (set(re.findall(r'd="([^"]+)" fill="var\(--figure', drill_svg(drill, which))) for which in ("start", "end"))
        assert start == end


def test_names_inside_the_drawings_are_their_own():
    pictures = [drill_svg(drill, which) for drill in DRILLS.values() for which in ("start", "end", "end")]
    names = re.findall(r'\bid="([^"]+)"', "".join(pictures))
    assert names
    assert len(set(names)) == len(names)


def test_a_title_is_said_and_without_one_the_drawing_is_hidden():
    drill = DRILLS["seated-internal"]
    for draw in (lambda title: drill_svg(drill, title=title), lambda title: place_svg(drill, title=title)):
        said, hidden = ElementTree.fromstring(draw("Foot < out")), ElementTree.fromstring(draw(""))
        assert said.find(f"{SVG}title").text == "Foot < out"
        assert said.get("aria-hidden") is None
        assert hidden.get("aria-hidden") == "true"
        assert hidden.find(f"{SVG}title") is None


def test_an_unknown_picture_is_refused():
    with pytest.raises(ValueError, match="start or end, not 'middle'"):
        drill_svg(DRILLS["seated-internal"], "middle")


# ---------------------------------------------------------------------- the camera place
def test_the_place_says_nothing_but_its_numbers():
    for drill_id in DRILLS:
        with case(drill_id):
            drill = DRILLS[drill_id]
            texts = [text.text for text in ElementTree.fromstring(place_svg(drill, decimal=",")).iter(f"{SVG}text")]
            pairs = [drill.place.height_m] + [drill.place.distance_m] * (drill.place.view != "above")
            assert texts == [f"{low:g}–{high:g}\u00a0m".replace(".", ",") for low, high in pairs]


def test_the_drawn_camera_looks_down_as_the_place_allows():
    for drill_id in DRILLS:
        with case(drill_id):
            drill = DRILLS[drill_id]
            turns = [float(angle) for angle in re.findall(r"rotate\((-?\d+)\)", place_svg(drill))]
            assert drill.place.down_deg[0] <= turns[0] <= drill.place.down_deg[1]
            assert turns[1:] == [0.0] * (drill.place.view != "above")


# ---------------------------------------------------------------------- as they come with the package
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def parts(picture: str) -> tuple[str, list[float]]:
    """Return a picture without its numbers, and these; the names of what is cut out count up."""
    picture = re.sub(r"rotrack-inset-\d+", "rotrack-inset", picture)
    return NUMBER.sub("#", picture), [float(number) for number in NUMBER.findall(picture)]


def test_the_drawings_of_the_package_are_those_of_the_table():
    """Otherwise: python -m rotrack.draw.drill_figures."""
    now = drill_figures.made()
    kept = {drill_id: dict(zip(("start", "end"), drill_pictures(drill_id), strict=True)) for drill_id in DRILLS}
    assert set(now) == set(kept)
    for drill_id, pictures in now.items():
        for which, picture in pictures.items():
            form, numbers = parts(kept[drill_id].get(which) or place_picture(drill_id, drill_figures._DECIMAL))
            assert form == parts(picture)[0], (drill_id, which)
            assert numbers == pytest.approx(parts(picture)[1], abs=0.11), (drill_id, which)  # computers round differently


@pytest.mark.parametrize("sign", [".", ","])
def test_the_place_has_the_decimal_sign_of_the_language(sign):
    kept, fresh = place_picture("seated-internal", sign), place_svg(DRILLS["seated-internal"], decimal=sign)
    words = [[text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")] for svg in (kept, fresh)]
    assert words[0] == words[1] and sign in "".join(map(str, words[0]))


# ---------------------------------------------------------------------- colours
def luminance(rgb: tuple[int, int, int]) -> float:
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return float(np.dot([0.2126, 0.7152, 0.0722], parts))


def contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_colours_can_be_read():
    for name, least in [
        *[(name, 4.5) for name in ("ink", "muted", "left-text", "right-text", "good", "warning", "bad")],
        *[(name, 3.0) for name in ("left", "right")],
    ]:
        for ground in ["paper", "panel"]:
            for dark in [False, True]:
                with case(name, least, ground, dark):
                    assert contrast(CSS_RGB[name][dark], CSS_RGB[ground][dark]) >= least


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_gets_every_colour(dark):
    found = dict(re.findall(r"--([\w-]+): (rgb\(\d+,\d+,\d+\));", css_variables(dark)))
    assert found == {name: css(pair[dark]) for name, pair in CSS_RGB.items()}


def test_the_same_drawing_twice_on_a_page_refers_to_its_own_parts():
    """The circle with the foot is cut out by a part of the drawing: by that of another one, out of sight, it would not be."""
    page = "".join(moving_picture("standing-combined", Side.LEFT) for _ in range(2))
    named, meant = re.findall(r'id="([^"]+)"', page), re.findall(r"url\(#([^)]+)\)", page)
    assert named == meant and len(set(named)) == 2
