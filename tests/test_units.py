"""Lengths and loads in the units that somebody is used to; what is kept is metric."""

from __future__ import annotations

import re

import pytest

from rotrack.app.pages.layout import option_words, place_of
from rotrack.core.drills import load_table
from rotrack.core.messages import say
from rotrack.records.options import Noted, options_of
from rotrack.texts import LANGUAGES, Texts
from rotrack.texts.units import Units

METRIC, IMPERIAL = Units
EN, DE = (Texts(language, IMPERIAL) for language in ("en", "de"))


@pytest.mark.parametrize(
    ("texts", "metric", "imperial"),
    [
        (EN, "2 to 2.5 m away, 30 cm beside it (2 m or more)", "6.6 to 8.2 feet away, 12 inches beside it (6.6 feet or more)"),
        (EN, "2.54 cm, 0.3048 m", "1 inch, 1 foot"),
        (EN, "5 kg, band black", "11 lb, band black"),
        (EN, "\u221260 cm", "\u221224 inches"),
        (DE, "2 bis 2,5 m, 0,8\u20131,2\u00a0m", "6,6 bis 8,2 Fu\u00df, 2,6\u20133,9\u00a0Fu\u00df"),
        (EN, "30 degrees for 5 s; 640x480; 3 minutes; 2 more", "30 degrees for 5 s; 640x480; 3 minutes; 2 more"),
        (EN, '<path d="M 1 2 m 3 4"/>', '<path d="M 1 2 m 3 4"/>'),
    ],
)
def test_every_length_and_load_of_a_text_is_told_in_its_units(texts, metric, imperial):
    assert texts.in_units(metric) == imperial
    assert Texts(texts.language).in_units(metric) == metric


def test_page_and_core_are_told_alike():
    assert EN("history.kg", load=2.5) == "5.5 lb"
    assert DE.said(say("setup.camera_low", low=1.2, high=1.5)).endswith("3,9 bis 4,9 Fu\u00df \u00fcber dem Boden.")
    assert "6.6 to 8.2 feet" in EN.said(load_table().drill("seated-combined").camera)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_metric_is_left_in_what_a_drill_says(language):
    t = Texts(language, IMPERIAL)
    for drill in load_table().drills.values():
        said = " ".join(map(t.said, (drill.summary, drill.camera, drill.note, *drill.steps, *drill.variants.values())))
        assert not re.search(r"\d ?(m|cm|kg)\b", said), drill.id


@pytest.mark.parametrize("drill_id", load_table().drills)
def test_of_a_drawing_the_words_alone_change(drill_id):
    drill = load_table().drill(drill_id)
    metric, imperial = (place_of(drill, Texts("en", units)) for units in Units)
    assert metric != imperial
    assert re.sub(">[^<]*<", "><", metric) == re.sub(">[^<]*<", "><", imperial)


@pytest.mark.parametrize("typed", [0.5, 2.5, 11.0, 1102.3])
def test_what_is_typed_comes_back_as_it_was_typed(typed):
    assert IMPERIAL.shown(IMPERIAL.kept(typed, "kg"), "kg") == pytest.approx(typed, abs=0.05)
    assert METRIC.shown(METRIC.kept(typed, "kg"), "kg") == typed
    assert IMPERIAL.kept(typed, "") == typed, "pain has no unit"


def test_a_field_says_in_what_it_is_typed():
    load = options_of(Noted)["load_kg"]
    assert [option_words(load, Texts("en", units)) for units in Units] == ["Ankle weight, kg", "Ankle weight, lb"]
