"""The texts of the page: every language whole, and everything that the core can say has its translation."""

from __future__ import annotations

import ast
import math
import pickle
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from conftest import recording
from helpers import ROOT
from hypothesis import given
from hypothesis import strategies as st
from translations import leaves

from rotrack.calibration.sheet import floor_moved
from rotrack.charts.sessions import history_figure, session_figure
from rotrack.core.drills import GROUPS, load_table
from rotrack.core.errors import InputError, RecordError
from rotrack.core.messages import Message, Sentence, kept, key_of, listed, say, sided
from rotrack.core.model import Direction, Side
from rotrack.core.reasons import Reason, because
from rotrack.core.tiers import TIERS, Tier
from rotrack.kinematics.camera import Floor
from rotrack.placement.finding import SetupFinding
from rotrack.records.norms import norms_for
from rotrack.records.programmes import ready_programmes
from rotrack.texts import LANGUAGES, Texts, best_language, english, words
from rotrack.texts.numbers import times

EN, DE = Texts("en"), Texts("de")
TRANSLATED = [Texts(language) for language in LANGUAGES if language != EN.language]
TEXTS = ROOT / "rotrack" / "texts"
FOLDERS = ("kinematics", "tracking", "placement", "sensing", "records")
MODULES = (
    "app/clips.py",
    "calibration/choice.py",
    "calibration/profiles.py",
    "exchange/parcel.py",
    "measure/batch.py",
    "measure/clips.py",
    "measure/renewal.py",
    "measure/request.py",
    "measure/run.py",
    "people/erasure.py",
    "progress/change.py",
    "system/files.py",
    "system/imports.py",
    "system/inputs.py",
)
"""The core, of which a user of the page can hear."""
TERMINAL_ONLY = ("days.py", "readings.py", "repair.py")
"""Modules of these folders that speak in the terminal alone."""
NOT_SAID = re.compile(
    r"session_id |^Written by|^# Written|OpenCV's model|camera axes|^Gain: |^a (text|table|number|list|date|direction|place)\b"
    r"|^width and height|^two plausible focal|^mediapipe |^take the neutral pose again$|^the (camera|floor profile)$"
    r"|^too (low|high)$|^sudo |^, |^rows and lines differ$|^reps (changed by hand|of an earlier version\.csv)$"
    r"|uncertainty_deg gravity_deg$|dropped band load_kg$|measure_version remeasured_from$|^\d (dropped, band|measure version)"
    r"| speed_deg_s$"
    r"|^missing required field|^\w+ : str$| variant$|^\{n:g\} kg$"
)
"""What looks like a sentence but stays in files."""
PLACE = re.compile(r"\{[^}]*\}")
TWO_WORDS = re.compile(r"[A-Za-z]{2,},? [a-z]{2,}")


def page(language: str) -> dict[str, str]:
    return leaves(tomllib.loads((TEXTS / f"{language}.toml").read_text("utf-8")))


def lacking(sentences: Iterable[str]) -> list[tuple[str, str]]:
    """Return the sentences that a language does not have, each with its language."""
    return [(t.language, text) for text in sentences if text for t in TRANSLATED if t.said(text) == text]


def pairs(language: str) -> list[tuple[str, str]]:
    tables = [tomllib.loads((TEXTS / f"{language}_{part}.toml").read_text("utf-8")) for part in ("core", "drills", "report")]
    return [pair for table in tables for section in table.values() for pair in section.items()]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


# ---------------------------------------------------------------------- the page's own texts
def test_languages_have_the_same_keys():
    assert [t.language for t in TRANSLATED if set(page(t.language)) != set(page("en"))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_whole(language):
    for key, text in page(language).items():
        assert text == text.strip() and text, key
        assert placeholders(text) == placeholders(page("en")[key]), key
        assert not key.endswith(".one") or key.removesuffix("one") + "other" in page(language), key


def test_missing_text_is_an_error():
    for texts in (EN, DE):
        with pytest.raises(KeyError, match=r"page\.of\.nothing"):
            texts("page.of.nothing")
    with pytest.raises(KeyError):
        EN("times.cycle")  # without its count


def test_unknown_language_is_explained():
    with pytest.raises(InputError, match="choose en or de"):
        Texts("tlh")


@pytest.mark.parametrize(("count", "english", "german"), [(0, "0 cycles", "0 Durchgänge"), (1, "1 cycle", "1 Durchgang")])
def test_count_chooses_the_form(count, english, german):
    assert EN.times(count, "cycle") == english
    assert DE.times(count, "cycle") == german


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr-FR, fr;q=0.9, de;q=0.5, en;q=0.3", "de"),
        ("fr;q=0.9,*;q=0.5", "en"),
        ("de;q=0,en;q=0.1", "en"),
        ("de;q=,;;,=", "en"),
    ],
)
def test_browser_gets_its_language(header, language):
    assert best_language(header) == language


def test_dates():
    when = datetime(2026, 3, 5, 7, 4)
    assert EN.moment(when) == "5 March 2026, 07:04"
    assert DE.moment(when) == "5. März 2026, 07:04 Uhr"
    assert EN.date(when, short=True) == "5 Mar 2026"
    assert all(len(texts(f"date.{key}").split()) == 12 for texts in (EN, DE) for key in ("months", "months_short"))


@pytest.mark.parametrize("texts", [EN, DE])
def test_sides_and_directions_are_told_apart(texts):
    assert texts.side(Side.LEFT) != texts.side(Side.RIGHT)
    assert texts.leg(Side.LEFT) != texts.leg(Side.RIGHT)
    drills = load_table().drills.values()
    for short in (False, True):
        assert texts.direction(Direction.INTERNAL, short) != texts.direction(Direction.EXTERNAL, short)
    assert all(texts.way(d, Direction.INTERNAL) != texts.way(d, Direction.EXTERNAL) for d in drills)


def test_foot_goes_the_other_way_with_a_straight_knee():
    drills = load_table()
    assert DE.way(drills.drill("seated-internal"), Direction.INTERNAL) == "Fuß nach außen"
    assert DE.way(drills.drill("standing-internal"), Direction.INTERNAL) == "Zehen nach innen"


# ---------------------------------------------------------------------- numbers
@given(st.floats(-120, 120), st.floats(0, 60), st.integers(0, 2))
def test_german_numbers_read_back_as_the_english_ones(value_deg, error_deg, decimals):
    for tier in (Tier.A, Tier.C):
        english, german = (texts.amount(value_deg, error_deg, tier, decimals) for texts in (EN, DE))
        assert "." not in german
        assert german.replace(",", ".").replace("Index", "index") == english


def test_missing_numbers_are_a_dash():
    nan = float("nan")
    for texts in (EN, DE):
        assert texts.amount(nan, nan, Tier.A) == texts.seconds(nan) == texts.number(nan) == "\u2013"
    assert DE.seconds(3.44) == "3,4 s"
    assert DE.amount(34.21, nan, Tier.A) == "34,2°"


# ---------------------------------------------------------------------- what the core says
def test_english_is_left_as_it_is():
    assert EN.said("Keep your thigh still.") == "Keep your thigh still."


def test_unknown_sentence_is_left_as_it_is():
    assert DE.said("the moon is made of cheese") == "the moon is made of cheese"
    assert DE.said("") == ""


@pytest.mark.parametrize("texts", TRANSLATED, ids=lambda t: t.language)
def test_every_sentence_is_translated_once(texts):
    english = Counter(english for english, _ in pairs(texts.language))
    assert [sentence for sentence, count in english.items() if count > 1] == []


@pytest.mark.parametrize("texts", TRANSLATED, ids=lambda t: t.language)
def test_translations_keep_their_placeholders(texts):
    for sentence, own in pairs(texts.language):
        assert own.strip() and "\n" not in own, sentence
        assert placeholders(own) == placeholders(sentence), sentence


@pytest.mark.parametrize("drill", load_table().drills.values(), ids=lambda d: d.id)
def test_every_text_of_a_drill_is_translated(drill):
    texts = [drill.title, drill.summary, *drill.steps, drill.camera, drill.measured, drill.cue, drill.note, drill.without_legnet]
    assert lacking([*texts, *drill.variants.values()]) == []


def test_translations_of_drills_are_of_texts_that_are_there():
    """A sentence that was changed in English must not leave its old translation behind."""
    table = load_table()
    known = {*(tier.meaning for tier in TIERS), *GROUPS}
    known |= {text for fault in table.faults.values() for text in (fault.title, fault.cue)}
    for d in table.drills.values():
        known |= {d.title, d.summary, *d.steps, d.camera, d.measured, d.cue, d.note, d.without_legnet, *d.variants.values()}
    for texts in TRANSLATED:
        own = tomllib.loads((TEXTS / f"{texts.language}_drills.toml").read_text("utf-8"))
        assert {english for section in own.values() for english in section} - known == set(), texts.language


def test_faults_tiers_groups_and_states_are_translated():
    faults = load_table().faults.values()
    said = [text for fault in faults for text in (fault.title, fault.title.lower(), fault.cue)]
    said += [words for tier in TIERS for words in (tier.meaning, tier.caption) if words]
    said += [*GROUPS, "finished", "stopped", "running", "interrupted", "not measured"]
    assert lacking(said) == []


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("part", ["hip", "knee", "ankle", "toe", "shoulder"])
def test_what_is_not_seen_is_named_in_german(part, side):
    said = DE.reason(f"no_{part}:side={side}")
    assert said.startswith(("der ", "die ", "das ")) and said.endswith("im Bild sein")
    assert f" {'linke' if side is Side.LEFT else 'rechte'} " in said and part not in said.split()


def test_a_message_is_said_in_either_language_from_its_code_alone():
    """Values may be messages, of which a language makes words of its own; numbers get its decimal sign."""
    knee = say("setup.one_knee", side=sided(Side.RIGHT))
    out = say("setup.out", part=knee, move=say("setup.tilt_down"))
    assert EN.said(out) == "The right knee is not in the picture: tilt the camera down."
    assert DE.said(out) == "Das rechte Knie ist nicht im Bild: Neige die Kamera nach unten."
    assert [t.said(say("setup.rate_low", rate=say("times.rate", count=1))).split(":")[0] for t in (EN, DE)] == [
        "rotrack reads only 1 frame per second", "rotrack liest nur 1 Bild pro Sekunde"
    ]  # fmt: skip
    assert "0,4 bis 1 m" in DE.said(say("setup.camera_high", low=0.4, high=1.0))


def test_a_message_that_this_version_does_not_know_is_told_with_its_values():
    assert DE.said(say("setup.of_tomorrow", degrees=7)) == "setup.of_tomorrow degrees=7"
    assert DE.said(say("setup.out", elsewhere=1)) == "setup.out elsewhere=1"


@pytest.mark.parametrize(
    ("logged", "english", "german"),
    [
        ({"code": "setup.camera_turned", "values": {"degrees": 20, "side": {"code": "sided.left"}}}, "20 degrees", "20 Grad"),
        ("It is too dark: turn on more light.", "It is too dark: turn on more light.", "Es ist zu dunkel: Mach mehr Licht."),
    ],
)
def test_what_the_setup_check_found_is_read_back_from_a_log(logged, english, german):
    """A log holds messages; in those of earlier versions there are English words instead."""
    finding = msgspec.convert({"check": "camera", "state": "problem", "text": logged}, SetupFinding)
    assert english in EN.said(finding.text) and german in DE.said(finding.text)
    assert msgspec.json.decode(msgspec.json.encode(finding), type=SetupFinding) == finding


def templates(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what a module can say, with its line; in the place of an f-string what it would have to be a template of."""
    tree = ast.parse(path.read_text("utf-8"))
    apart = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    apart |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    options = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Option")
    apart |= {id(option.args[0]) for option in options}  # the help of the command line is English
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr) and id(node) not in apart:
            yield node.lineno, "".join(str(p.value) if isinstance(p, ast.Constant) else "{an f-string}" for p in node.values)


def untold(path: Path) -> list[str]:
    """Return what a module can say that a language does not have."""
    return [
        f"{texts.language}, {line}: {template}"
        for line, template in templates(path)
        for texts in TRANSLATED
        if TWO_WORDS.search(PLACE.sub("Xyz", template)) and not NOT_SAID.search(template) and not has(texts, template)
    ]


def given_to(path: Path, name: str) -> Iterator[tuple[int, str]]:
    """Yield the texts that are the first argument of a call, or may be, with their line."""
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(call, ast.Call) and call.args and ast.unparse(call.func) == name:
            for node in ast.walk(call.args[0]):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.lineno, node.value


def has(texts: Texts, template: str) -> bool:
    """Return whether a language has a sentence, or a template of sentences."""
    if "{an f-string}" in template:
        return False
    filled = Message(template, {name[:1].lower() + name[1:]: "\0" for name in placeholders(template)})
    return texts.said(filled) != EN.said(filled)


CORE = [path for folder in FOLDERS for path in sorted((ROOT / "rotrack" / folder).glob("*.py")) if path.name not in TERMINAL_ONLY]
CORE += [ROOT / "rotrack" / module for module in MODULES]


@pytest.mark.parametrize("path", CORE, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_everything_the_core_can_say_is_translated(path):
    assert untold(path) == []


def test_every_template_of_a_sentence_is_translated():
    folders = (path for path in (ROOT / "rotrack").rglob("*.py") if path.name not in TERMINAL_ONLY)
    given = [(path.name, *found) for path in folders for found in given_to(path, "Sentence")]
    assert len(given) > 150
    words = [(name, line, text) for name, line, text in given if TWO_WORDS.search(PLACE.sub("", text))]
    assert [(t.language, *one) for one in words for t in TRANSLATED if not has(t, one[2])] == []


PUT_TOGETHER = ("word", "figure", "number", "day", "others", "head")
"""Sections with words, and with templates that the code makes of several parts."""


def constants(path: Path) -> Iterator[str]:
    """Yield the texts in a module as catalogues have them, in small letters and without a full stop."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            with suppress(ValueError):  # of a brace that is no place
                yield key_of(node.value).lower().removesuffix(".")


def test_translations_of_the_core_are_of_sentences_that_are_there():
    told = {text for path in (ROOT / "rotrack").rglob("*.py") for text in constants(path)}
    told |= {
        text for drill in load_table().drills for norm in norms_for(drill, None) for text in (norm.position, norm.population)
    }
    told |= {programme.title.lower() for programme in ready_programmes()}
    names = [f"{texts.language}_{part}" for texts in TRANSLATED for part in ("core", "report")]
    sections = [found for name in names for found in tomllib.loads((TEXTS / f"{name}.toml").read_text("utf-8")).items()]
    english = {sentence for section, table in sections if section not in PUT_TOGETHER for sentence in table}
    assert {sentence for sentence in english if sentence.lower().removesuffix(".") not in told} == set()


def test_norms_are_told_in_every_language():
    told = {text for drill in load_table().drills for norm in norms_for(drill, None) for text in (norm.position, norm.population)}
    assert told
    assert lacking(told) == []


@pytest.mark.parametrize("seen", [Floor(np.array([0, 0.8, 0.6]), 1.2, 0.5), Floor(np.array([0, 1.0, 0]), 1.5, 0.5)])
def test_moved_floor_is_told_in_german(seen):
    moved = floor_moved(Floor(np.array([0, 1.0, 0]), 1.2, 0.5), seen)
    assert moved and DE.said(moved).startswith("die Kamera wurde seit")


def test_the_search_for_sentences_finds_them():
    found = [template for path in CORE for _, template in templates(path)]
    assert "The camera was away for a while and came back; the neutral pose was taken anew after it." in found
    assert "Nothing could be measured, since {reason}." in found
    assert any(sentence.startswith("Nothing could be measured: {reason}. At least {n:.0f} are needed") for sentence in found)


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        ("half:direction=internal", "halbe Wiederholung: Die Innenrotation dazu fehlt"),
        ("leg_below:side=right", "das rechte Bein liegt unten; diese Übung misst das obere"),
        ("half:direction=external", "halbe Wiederholung: Die Außenrotation dazu fehlt"),
        (
            "fault:letter=T; half:direction=internal",
            "Oberschenkel oder Knie wandert; halbe Wiederholung: Die Innenrotation dazu fehlt",
        ),
        (
            "camera_leans:degrees=9; floor_roll:then=1:now=9",
            "das Bild steht um etwa 9 Grad schief: Richte die Kamera gerade aus; das Bodenprofil passt nicht mehr: Es nennt eine "
            "Schieflage von 1 Grad, an der Person zeigen sich etwa 9; falls die Kamera bewegt wurde, starte "
            "`rotrack calibrate floor` noch einmal",
        ),
        ("", ""),
    ],
)
def test_reasons_are_told_in_words(reason, german):
    assert (words(reason, "de"), DE.said(because(reason))) == (german, german)


def test_a_reason_as_a_sentence():
    assert EN.said(say("because.sentence", reason=Reason.NOBODY)) == "Nobody is seen in the picture."
    assert DE.said(say("because.sentence", reason=Reason.NOBODY)) == "Niemand ist im Bild zu sehen."


def test_what_is_no_reason_of_this_version_is_told_as_it_is():
    assert DE.reason("of_a_later_version:deg=3; the leg hides") == "of_a_later_version:deg=3; the leg hides"
    assert DE.reason("no_toe; fault:letter=Q") == "no_toe; fault:letter=Q"
    assert DE.reason("Nobody is seen in the picture") == "Niemand ist im Bild zu sehen", "in words, as an error tells it"


def test_every_reason_has_words():
    assert {f"reason.{reason}" for reason in Reason} - {"reason.fault"} == {k for k in page("en") if k.startswith("reason.")}
    values = {"side": "left", "direction": "internal", "letter": "T", "drill": "x"}
    for reason in Reason:
        places = {"letter"} if reason is Reason.FAULT else placeholders(page("en")[f"reason.{reason}"])
        places = {"drill" if place == "where" else place for place in places}
        full = reason.of(**{place: values.get(place, "7") for place in places})
        told = {texts.reason(full) for texts in (EN, DE)}
        assert len(told) == 2 and full not in told and not any("{" in text or "=" in text for text in told), told


def test_a_sentence_is_said_with_its_values_in_the_other_language():
    """Values are translated in turn, numbers get the decimal sign, and a large first letter is one of the place."""
    legs = [
        Sentence("{drill} {side} {direction}", drill="seated-combined", side=side, direction=Direction.EXTERNAL) for side in Side
    ]
    told = Sentence("Without a valid repetition: {legs} in {sessions}.", legs=listed(", ", *legs), sessions=times(2, "session"))
    assert told == "Without a valid repetition: seated-combined left external, seated-combined right external in 2 sessions."
    assert EN.said(told) == told
    assert DE.said(told) == (
        "Ohne g\u00fcltige Wiederholung: seated-combined, linkes Bein, Au\u00dfenrotation, seated-combined, rechtes Bein, "
        "Au\u00dfenrotation in 2 Messungen."
    )
    assert DE.said(Sentence("no hip reaches {n:g} degrees", n=200.5)) == "200,5 Grad erreicht keine H\u00fcfte"
    assert DE.said(Sentence("{Why}.", why="no name of a session")) == "Kein Name einer Messung."


def test_an_error_keeps_what_it_is_made_of():
    """Also through another process, and from one error into the next."""
    inner = InputError("There is no course {name}.", name="x7")
    outer = pickle.loads(pickle.dumps(RecordError("{path} cannot be read ({why}); check the file.", path=Path("a"), why=inner)))
    assert str(outer) == "a cannot be read (There is no course x7.); check the file."
    assert DE.said(str(outer)) == "a l\u00e4sst sich nicht lesen (Einen Durchlauf x7 gibt es nicht.); pr\u00fcfe die Datei."


def test_a_sentence_is_kept_in_a_log_as_its_template_with_values():
    told = kept(
        Sentence("{path} cannot be read ({why}); check the file.", path="a", why=Sentence("no hip reaches {n:g} degrees", n=7))
    )
    logged = msgspec.json.decode(msgspec.json.encode(told), type=Message)
    assert logged == told
    assert EN.said(logged) == "a cannot be read (no hip reaches 7 degrees); check the file."
    assert "7 Grad erreicht keine H\u00fcfte" in DE.said(logged)
    assert DE.said(Message("{n} words of a {later} version", {"n": 3, "later": "new"})) == "3 words of a new version"


@pytest.mark.parametrize("template", ["{n} of {", "{0} of {}", "{n.real} of it", "{m} of it", "{n:>9} of it"])
def test_a_template_of_a_damaged_log_is_told_as_it_is(template):
    said = DE.said(Message(template, {"n": 7}))
    assert said in (f"{template} n=7", "7 of it")


def test_a_reason_within_a_sentence_is_translated():
    reason = english(because("no_toe:side=left"))
    told = Sentence("Nothing could be measured, since {reason}.", reason=reason)
    assert told == f"Nothing could be measured, since {reason}."
    assert "die linke Fu\u00dfspitze ist nicht zu sehen" in DE.said(told)


@pytest.mark.parametrize("name", ["feet_hidden", "pelvic_hike", "turned_camera"])
def test_all_that_a_session_said_is_translated(name):
    run = recording(name).run()
    reasons = {sample.reason for step in run.steps for sample in step.samples.values()}
    reasons |= {event.reason for event in (*run.reps, *run.apart)} | {neutral.advice for neutral in run.neutrals}
    reasons |= {point.reason for step in run.steps for point in step.curve}
    reasons -= {""}
    assert reasons
    assert [reason for reason in reasons if DE.reason(reason) in (reason, EN.reason(reason))] == []
    assert lacking({cue for step in run.steps for cue in (step.cues or {}).values()}) == []


@pytest.mark.parametrize("tier", ["A", "C", "D"])
def test_figures_are_written_in_german(tier):
    said: dict[str, str] = {}

    def say(text: str) -> str:
        said[text] = DE.said(text)
        return said[text]

    both = {"side": list(Side), "angle_deg": [20.0, 30.0], "live_deg": [20.0, 30.0], "time_s": [1.0, 2.0]}
    reps = {
        "side": list(Side), "direction": list(Direction), "rep": [1, 1], "valid": [True, False], "dropped": [False, True],
        "peak_deg": [34.2, -20.5], "uncertainty_deg": [2.6, math.nan], "peak_s": [1.0, 2.0], "start_s": [0.5, 1.5],
        "end_s": [1.5, 2.5], "hold_s": [2.5, 3.5], "faults": [(), ("T",)],
    }  # fmt: skip
    session_figure(pd.DataFrame(both), pd.DataFrame(reps), "", "", tier, say)
    sessions = {
        "session_id": ["a", "b"], "started_at": ["2026-03-05T07:04:00", "2026-03-06T07:04:00"], "side": list(Side),
        "direction": list(Direction), "value_deg": [34.2, -20.5], "uncertainty_deg": [2.6, math.nan], "zero": ["", ""],
        "convention_version": ["2", "2"], "measure_version": ["1", "1"], "calibration": ["none", "none"], "band": ["", ""],
        "load_kg": [float("nan")] * 2, "motion": ["active"] * 2, "variant": [""] * 2, "legs": ["one"] * 2, "held": [""] * 2,
        "value_rule": ["single"] * 2,
        "person": ["Ana", "Ana"],
    }  # fmt: skip
    if tier != "D":
        history_figure(pd.DataFrame(sessions), tier, say)
    assert len(said) > 5
    assert [text for text, german in said.items() if german == text and re.search(r"[a-z]{2}|\.", text)] == []


# ---------------------------------------------------------------------- what the page asks for
KEY = re.compile(r"(?!.*\.(json|lock|js|css|csv|mp4|jpe?g|html|toml)$)[a-z]+(\.[a-z_0-9]+)+")
"""A key of a text; names of files look alike."""


FOLDERS_THAT_SAY = ("app", "calibration", "core", "kinematics", "measure", "placement", "records", "sensing", "texts", "tracking")


def asked() -> Iterator[tuple[str, str]]:
    """Yield the keys in the code of the page, with their place, as patterns: what is filled in later matches anything."""
    rotrack = ROOT / "rotrack"
    for path in sorted(
        [
            *(path for folder in FOLDERS_THAT_SAY for path in (rotrack / folder).rglob("*.py")),
            rotrack / "progress" / "sample.py",
            rotrack / "progress" / "wording.py",
        ]
    ):
        tree = ast.parse(path.read_text("utf-8"))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            place = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "\0" for p in node.values)
                if KEY.fullmatch(text.replace("\0", "x")):
                    yield place, re.escape(text).replace("\0", ".+")
            elif isinstance(node, ast.Constant) and id(node) not in parts and KEY.fullmatch(str(node.value)):
                yield place, re.escape(node.value)


def test_page_asks_only_for_texts_that_are_there():
    known = {re.sub(r"\.(other|page)$", "", key) for key in page("en")}
    sections = {key.split(".")[0] for key in known}
    wanted = [(place, pattern) for place, pattern in asked() if pattern.split("\\")[0] in sections]
    assert wanted
    assert [(place, pattern) for place, pattern in wanted if not any(re.fullmatch(pattern, key) for key in known)] == []


def test_page_has_no_text_that_nobody_asks_for():
    wanted = [pattern for _, pattern in asked() if not pattern.startswith(".")]
    keys = {re.sub(r"\.(one|other|page|terminal)$", "", key) for key in page("en")}
    assert [key for key in keys if not any(re.fullmatch(pattern, key) for pattern in wanted)] == []
