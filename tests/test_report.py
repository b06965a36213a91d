"""The report says what progress found, in three careful sentences, the same on the page and on paper, and fetches nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pypdfium2
import pytest
from helpers import ROOT, assert_one_sentence, needs, run_main
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import everything, repetition, write
from page_helpers import CHROMIUM
from reportlab.graphics.shapes import Line, PolyLine, Rect, String

from rotrack.charts.progress import faults_figure, progress_figure, repetitions_figure, sides_figure
from rotrack.core.errors import InputError, RecordError
from rotrack.core.model import Direction, Side
from rotrack.core.tiers import Tier
from rotrack.draw.theme import CSS_RGB, MUTED, css
from rotrack.progress.change import Change, LeftOut, Point, Progress, Sides, Verdict, read_progress
from rotrack.progress.sample import NOTE, PERSON, write_sample
from rotrack.progress.statistics import Slope, Spread
from rotrack.progress.wording import verdict_words
from rotrack.records.people import LONGEST_NAME, Goal, goal_of_words
from rotrack.records.session import best_of
from rotrack.report import files
from rotrack.report.chart_drawing import drawing_of, svg_of
from rotrack.report.content import BANNER, make_report
from rotrack.report.document import Charts, Part, Report, Table, Terms, Text
from rotrack.report.files import write_report
from rotrack.report.html import html_of
from rotrack.report.pdf import lacking, pdf_of
from rotrack.report.sentences import three_sentences
from rotrack.report.translated import translated
from rotrack.report.wording import Only
from rotrack.texts import Texts
from rotrack.texts.numbers import amount

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
NAN = float("nan")
REAL, UNCONFIRMED, WITHIN, FEW = Verdict
TODAY = date(2026, 6, 20)
SEATED, LUNGE = "seated-combined", "lunge-internal"
FIRST = datetime.fromisoformat("2026-03-03T08:00:00+01:00")
NASTY = "Łucja <b>\"Ω\"</b> & 'Đặng' \\ } </style><script>alert(1)</script> */ ]]> %{x} ${y}"
A4 = (595.3, 841.9)


# ---------------------------------------------------------------------- progress made by hand
def change(
    baseline: float = 31.0, latest: float = 38.0, verdict: Verdict = REAL, side: Side = LEFT, direction: Direction = INTERNAL,
    sem: float = 2.0, sessions: int = 12, drill: str = SEATED, tier: str = "A", left_out: tuple[LeftOut, ...] = (),
) -> Change:  # fmt: skip
    sizes = [baseline] * (sessions - 1) + [latest]
    points = tuple(
        Point(f"s{n}-{drill}", FIRST + timedelta(days=10 * n - (n == 11)), size, 3.0, 3) for n, size in enumerate(sizes)
    )
    enough = verdict is not FEW
    way = 0 if verdict in (WITHIN, FEW) else 1 if latest > baseline else -1
    return Change(
        "Ana", drill, Tier(tier), side, direction, points,
        baseline if sessions >= 3 else NAN, latest, points[-1].started_at, latest,
        latest - baseline if enough else NAN, 5.0 if enough else NAN, 6.0 if enough else NAN, Spread(sem, 15.0, sem, 9.0, 3.0),
        verdict, way, points[-1].started_at.date() if verdict is REAL else None, Slope(NAN, NAN, NAN), left_out,
    )  # fmt: skip


def sides(difference: float, error: float, direction: Direction = INTERNAL, drill: str = SEATED, tier: str = "A") -> Sides:
    return Sides("Ana", drill, Tier(tier), direction, 30.0 + difference, 30.0, difference, error, 1.2 * error, 3)


def progress(changes: Sequence[Change], both: Sequence[Sides] = (), alone: int = 0, notes: tuple[str, ...] = ()) -> Progress:
    starts = {point.session_id: point.started_at for one in changes for point in one.points}
    starts |= {f"other{n}": FIRST + timedelta(days=1) for n in range(alone)}
    reps = pd.DataFrame([(name, at.isoformat(), "") for name, at in starts.items()], columns=["session_id", "started_at", "note"])
    found = Progress(pd.DataFrame(), (), None, pd.DataFrame({"drill": []}), notes, (), pd.DataFrame())
    found.__dict__.update(changes=tuple(changes), sides=tuple(both), reps=reps)
    return found


FOUR_MM = "Between 3 March and 20 June 2026 you were measured twelve times, in the drill “Seated, foot in and out”."
SAME = "left and right differ by 4 ± 5 degrees in internal rotation, which may be measurement error"
ONE_LEG = "nly your left leg was measured, so the legs cannot be compared."
CASES = {
    "one real gain": (
        progress([change(), change(30, 31, WITHIN, RIGHT)], [sides(4, 5)]),
        FOUR_MM,
        "Your left leg’s internal rotation grew from 31 to 38 degrees; that is a real change, confirmed on 20 June 2026.",
        f"Everything else stayed within measurement error, and {SAME}.",
    ),
    "only losses": (
        progress([change(40, 30), change(42, 33, side=RIGHT)], [sides(-3, 5)]),
        FOUR_MM,
        "Your left leg’s internal rotation fell from 40 to 30 degrees and your right leg’s internal rotation fell from 42 to 33 "
        "degrees; these are real changes, confirmed on 20 June 2026 and 20 June 2026.",
        "Left and right differ by 3 ± 5 degrees in internal rotation, which may be measurement error.",
    ),
    "mixed: the largest loss is named beside the largest gain": (
        progress(
            [
                change(20, 40),
                change(20, 39, side=RIGHT),
                change(20, 38, direction=EXTERNAL),
                change(30, 20, side=RIGHT, direction=EXTERNAL),
            ],
            [sides(4, 5)],
        ),
        FOUR_MM,
        "Your left leg’s internal rotation grew from 20 to 40 degrees, your right leg’s external rotation fell from 30 to 20 "
        "degrees and your right leg’s internal rotation grew from 20 to 39 degrees; these are real changes, confirmed on 20 "
        "June 2026, 20 June 2026 and 20 June 2026, and the table below has one more.",
        f"{SAME[:1].upper()}{SAME[1:]}.",
    ),
    "nothing changed": (
        progress([change(30, 31, WITHIN), change(30, 29, WITHIN, RIGHT)], [sides(4, 5)]),
        FOUR_MM,
        "None of your ranges has changed by more than its measurement error.",
        f"{SAME[:1].upper()}{SAME[1:]}.",
    ),
    "nothing changed, one leg, one direction": (
        progress([change(30, 33, WITHIN)]),
        FOUR_MM,
        "Your left leg’s internal rotation has not changed by more than the measurement error of 5 degrees (from 30 to 33).",
        f"O{ONE_LEG}",
    ),
    "to be confirmed": (
        progress([change(30, 36, UNCONFIRMED), change(30, 31, WITHIN, direction=EXTERNAL)]),
        FOUR_MM,
        "Your left leg’s internal rotation grew from 30 to 36 degrees, which further sessions have to confirm.",
        f"Everything else stayed within measurement error, and o{ONE_LEG}",
    ),
    "real and to be confirmed": (
        progress([change(), change(36, 30, UNCONFIRMED, direction=EXTERNAL), change(1, 2, FEW, RIGHT, sessions=2)]),
        FOUR_MM,
        "Your left leg’s internal rotation grew from 31 to 38 degrees; that is a real change, confirmed on 20 June 2026.",
        "Your left leg’s external rotation fell from 36 to 30 degrees, which is to be confirmed, one range cannot be judged yet, "
        "because there are too few sessions, and your legs cannot be compared, because they were not measured in the same way "
        "at about the same "
        "time.",
    ),
    "not enough sessions": (
        progress([change(30, 40, FEW, sessions=3)]),
        "Between 3 March and 23 March 2026 you were measured three times, in the drill “Seated, foot in and out”.",
        "It is too early to speak of a change: that takes four days with sessions of the same kind, and there are three so far.",
        f"O{ONE_LEG}",
    ),
    "one session": (
        progress([change(30, 40, FEW, sessions=1), change(30, 29, FEW, RIGHT, sessions=1)], [sides(12, 5)]),
        "On 3 March 2026 you were measured once, in the drill “Seated, foot in and out”.",
        "It is too early to speak of a change: that takes four days with sessions of the same kind, and there is one so far.",
        "Your left leg has 12 ± 5 degrees more internal rotation than your right one, which is more than the measurement "
        "error and above the 10 degrees from which the report points it out; this is no diagnosis.",
    ),
    "some judged, some not": (
        progress([change(30, 31, WITHIN), change(30, 29, FEW, RIGHT, sessions=2)], [sides(-8, 5)]),
        FOUR_MM,
        "None of the ranges that can be judged has changed by more than its measurement error.",
        "One range cannot be judged yet, because there are too few sessions, and your right leg has 8 ± 5 degrees more "
        "internal rotation than "
        "your left one, which is more than the measurement error.",
    ),
    "an index": (
        progress([change(20, 30, drill=LUNGE, tier="C")]),
        "Between 3 March and 20 June 2026 you were measured twelve times, in the drill “Lunge, back leg turns in”.",
        "Your left leg’s internal rotation grew from 20 to 30 index points; that is a real change, confirmed on 20 June 2026.",
        f"O{ONE_LEG}",
    ),
    "degrees and an index": (
        progress([change(), change(30, 20, drill=LUNGE, tier="C", sem=1)]),
        "Between 3 March and 20 June 2026 you were measured 24 times, in two drills.",
        "Your left leg’s internal rotation (Seated, foot in and out) grew from 31 to 38 degrees and your left leg’s internal "
        "rotation (Lunge, back leg turns in) fell from 30 to 20 index points; these are real changes, confirmed on "
        "20 June 2026 and 20 June 2026.",
        f"O{ONE_LEG}",
    ),
    "left out": (
        progress([change(30, 33, WITHIN)], alone=2),
        "Between 3 March and 20 June 2026 you were measured 14 times, in the drill “Seated, foot in and out”; two of these "
        "sessions may not be compared with the others.",
        "Your left leg’s internal rotation has not changed by more than the measurement error of 5 degrees (from 30 to 33).",
        f"O{ONE_LEG}",
    ),
    "whole degrees would say something else": (
        progress([change(30.4, 35.2, WITHIN)], [sides(5.4, 5.2)]),
        FOUR_MM,
        "Your left leg’s internal rotation has not changed by more than the measurement error of 5.0 degrees (from 30.4 to "
        "35.2).",
        f"O{ONE_LEG}",
    ),
    "no value at all": (
        progress([]),
        "There is no value yet that could be compared.",
        "A value needs at least one valid repetition of a drill that is measured, not only counted and timed.",
        "The last page says what was left out and why.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_three_sentences_of_every_case(case: str) -> None:
    found, *wanted = CASES[case]
    assert list(three_sentences(found)) == wanted


@st.composite
def any_changes(draw: st.DrawFn) -> Progress:
    legs = draw(
        st.sets(st.tuples(st.sampled_from(Side), st.sampled_from(Direction), st.sampled_from([SEATED, LUNGE])), min_size=1)
    )
    found = []
    for side, direction, drill in sorted(legs):
        base, moved = draw(st.floats(5, 50)), draw(st.floats(-5, 30))
        sem = draw(st.floats(0.5, 5))
        unsure = (FEW, WITHIN) if abs(moved) <= 5.0 else (FEW, UNCONFIRMED, REAL)
        verdict = draw(st.sampled_from(unsure))
        tier = "C" if drill == LUNGE else "A"
        few = verdict is FEW
        found.append(
            change(base, base + moved, verdict, side, direction, sem, draw(st.integers(1, 3)) if few else 6, drill, tier)
        )
    both = [
        sides(draw(st.floats(-30, 30)), draw(st.floats(0.5, 20)), direction, drill)
        for direction in Direction
        for drill in (SEATED, LUNGE)
        if {(LEFT, direction, drill), (RIGHT, direction, drill)} <= legs
    ]
    return progress(found, both)


@given(any_changes())
def test_there_are_always_three_sentences_and_none_says_more_than_the_verdicts(found: Progress) -> None:
    said = three_sentences(found)
    assert len(said) == 3
    for sentence in said:
        assert re.fullmatch(r"[A-Z](?:[^.]|\.\d)*\.", sentence), sentence
        assert "nan" not in sentence
    verdicts = [one.verdict for one in found.changes]
    text = " ".join(said)
    assert ("confirmed on" in text) == (REAL in verdicts)
    assert ("have to confirm" in said[1]) == (UNCONFIRMED in verdicts and REAL not in verdicts)
    real = [one for one in found.changes if one.verdict is REAL]
    if real:
        assert ("fell from" in said[1]) == any(one.way < 0 for one in real), "a loss is never hidden"
    for move, start, end in re.findall(r"(grew|fell) from ([\d.]+) to ([\d.]+)", text):
        assert (move == "grew") == (float(end) > float(start))
    for size, error in re.findall(r"has ([\d.]+) ± ([\d.]+)", said[2]):
        assert float(size) >= float(error)


# ---------------------------------------------------------------------- a whole report
@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "data"
    write_sample(folder)
    return folder


@pytest.fixture(scope="module")
def found(data: Path) -> Progress:
    return read_progress(data, PERSON)


@pytest.fixture(scope="module")
def report(found: Progress) -> Report:
    return make_report(found, PERSON, TODAY, "0.1.0")


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return html_of(report)


@pytest.fixture(scope="module")
def paper(report: Report) -> bytes:
    return pdf_of(report)


class Page(HTMLParser):
    """What a reader finds in a page: texts outside of scripts and styles, elements, attributes; refuses crossed elements."""

    VOID = frozenset({"meta", "path", "circle", "rect", "polyline", "polygon", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and not {"script", "style", "svg"} & set(self.open):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return plain(" ".join(self.texts))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def paper_texts(paper: bytes) -> list[str]:
    return [plain(sheet.get_textpage().get_text_range().replace("\ufffe", "-")) for sheet in pypdfium2.PdfDocument(paper)]


def blocks(report: Report, kind: type) -> list[Any]:
    return [block for part in report.parts for block in part.blocks if isinstance(block, kind)]


def test_page_and_paper_say_the_numbers_of_progress(found: Progress, report: Report, page: str, paper: bytes) -> None:
    assert len(found.changes) == 8
    on_page, on_paper = Page(page).text, " ".join(paper_texts(paper))
    for said in (on_page, on_paper):
        for sentence in report.sentences:
            assert sentence in said
        for one in found.changes:
            words = [f"{one.side}, {one.direction}", str(len(one.points)), f"{one.baseline_deg:.1f}°", f"{one.now_deg:.1f}°"]
            if one.verdict is not FEW:
                words.append(f"{one.change_deg:+.1f} ± {one.error_deg:.1f}°".replace("-", "−"))
                words.append(f"{one.real_from_deg:.1f}°")
            words += ["–", "–"] * (one.verdict is FEW)
            assert f"{' '.join(words)} {verdict_words(one, Texts())}" in said
            for point in one.points:
                assert amount(point.size_deg, point.uncertainty_deg, one.tier) in said
            assert f"{one.spread.sem_deg:.1f}° {one.spread.own_deg:.1f}° ({one.spread.own_df:.0f})" in said
        for both in found.sides:
            assert f"{abs(both.difference_deg):.1f} ± {both.error_deg:.1f}°" in said


def test_the_latest_session_shows_which_repetitions_give_its_value(found: Progress, report: Report) -> None:
    (table, *_) = [block for block in blocks(report, Table) if block.caption.startswith("Every repetition")]
    columns = list(zip(*table.rows, strict=True))[1:]
    seated = {f"{one.side}, {one.direction}": one for one in found.changes if one.drill == SEATED}
    assert set(table.header[1:]) == set(seated)
    for name, column in zip(table.header[1:], columns, strict=True):
        best = [float(cell.split(" ")[0]) for cell in column if cell.endswith(", best")]
        assert len(best) == 3
        assert np.mean(best) == pytest.approx(seated[name].latest_deg, abs=0.051)


def test_both_ways_together_stand_below_the_latest_session(found: Progress, report: Report, page: str) -> None:
    latest = found.sessions[-1]
    assert {arc.side for arc in latest.arcs} == set(Side)
    for arc in latest.arcs:
        words = f"{arc.side} leg: {amount(arc.total_deg, arc.total_error_deg, latest.record.tier)}"
        ratio = f"{arc.ratio:.2f} \u00b1 {arc.ratio_error:.2f}"
        assert f"{words}, ratio of internal to external rotation {ratio}" in Page(page).text.lower()


def test_faults_are_shares_of_what_was_not_taken_out(found: Progress, report: Report) -> None:
    (table, *_) = [block for block in blocks(report, Table) if block.caption.startswith("Share of the repetitions")]
    reps = found.reps[(found.reps.drill == SEATED) & ~found.reps.dropped]
    assert found.reps.dropped.any()
    sessions = [own for _, own in reps.groupby("started_at")]
    faulty = [own for own in sessions if (own.faults != "").any()]
    assert table.caption.endswith(f"Only sessions in which a fault occurred are listed: {len(faulty)} of {len(sessions)}.")
    for own, row in zip(faulty, table.rows, strict=True):
        for name, cell in zip(table.header[1:], row[1:], strict=True):
            wanted = [100 * np.mean([name[-2] in faults.split() for faults in own.faults[own.side == side]]) for side in Side]
            assert cell == " / ".join(f"{share:.0f} %" for share in wanted)
    assert {name[-2] for name in table.header[1:]} == {letter for faults in reps.faults for letter in faults.split()}


def test_what_was_left_out_is_said_on_the_last_page(paper: bytes) -> None:
    last = paper_texts(paper)[-1]
    assert last.startswith("Method and limits")
    assert "1 session of “Seated, foot in and out”, with calibration camera: not alike." in last
    assert "Not a medical device; this report never diagnoses." in last
    assert "rendered people" in last


def test_every_note_of_progress_is_on_the_last_page(found: Progress) -> None:
    notes = ("A latest value stands on few repetitions: too small.", "2 sessions left out: without a name.")
    noted = replace(found, notes=notes, problems=("Line 7 of reps.csv is damaged.",))
    last = paper_texts(pdf_of(make_report(noted, PERSON, TODAY, "0")))[-1]
    for said in (*notes, *noted.problems):
        assert said in last


@pytest.mark.parametrize(
    ("sessions", "said", "unsaid"),
    [
        (2, ("There is no band of measurement error yet: it takes 4 days",), ("dashed", "outside the band")),
        (3, ("The dashed line is the baseline.", "There is no band of measurement error yet"), ("outside the band",)),
        (4, ("The dashed line is the baseline. The short line is the mean of the latest days; outside the band",), ("no band",)),
    ],
)
def test_a_chart_is_explained_as_it_is_drawn(
    tmp_path: Path, sessions: int, said: tuple[str, ...], unsaid: tuple[str, ...]
) -> None:
    for number in range(1, sessions + 1):
        write(tmp_path, number, tuple(repetition(n, 30.0) for n in (1, 2, 3)))
    found = read_progress(tmp_path, "Ana")
    made = make_report(found, "Ana", TODAY, "0")
    charts = blocks(made, Charts)[0]
    for words in said:
        assert words in charts.caption
    for words in unsaid:
        assert words not in charts.caption
    shapes = charts.figures[0][1].layout.shapes
    assert [shape.type for shape in shapes] == [*["rect"] * (sessions > 3), *["line"] * [0, 0, 0, 1, 2][sessions]]
    (table,) = [block for block in blocks(made, Table) if "real from" in block.header and "change" in block.header]
    assert table.rows[0][table.header.index("real from")] == (f"{found.changes[0].real_from_deg:.1f}°" if sessions > 3 else "–")


def test_a_goal_is_drawn_and_said_beside_the_latest_value(found: Progress) -> None:
    """The goal of one leg goes before that of both; one of an index is no angle, and is not shown."""
    goal = partial(Goal, drill=SEATED, direction=INTERNAL)
    wanted = (goal(goal_deg=45.0), goal(goal_deg=60.0, side=RIGHT), Goal(drill=LUNGE, direction=INTERNAL, goal_deg=50.0))
    legs = [change(), change(30, 31, WITHIN, RIGHT), change(20, 30, drill=LUNGE, tier="C")]
    for one, level in zip(legs, (45.0, 60.0, None), strict=True):
        figure = progress_figure(one, None, (), wanted)
        assert [shape.y0 for shape in figure.layout.shapes if shape.line.dash == "dot"] == ([level] if level else [])
        assert figure.layout.yaxis.range[1] > (level or 0)
    one = found.changes[0]
    made = make_report(
        found, PERSON, TODAY, "0", goals=[Goal(drill=one.drill, direction=one.direction, goal_deg=45.0, side=LEFT)]
    )
    (said,) = [text.text for text in blocks(made, Text) if text.text.startswith("Goals")]
    latest = amount(one.latest_deg, one.points[-1].uncertainty_deg, one.tier)
    assert said == f"Goals that were noted: left, {one.direction} 45\u00b0 (latest session {latest})."
    assert "The dotted line is the person\u2019s goal." in blocks(made, Charts)[0].caption


def test_what_was_done_in_another_way_is_drawn_apart_and_listed_with_what_differs(tmp_path: Path) -> None:
    """A loaded and a passive session, both far off: grey marks, a row each, and no number of what is compared is another."""
    for number in range(1, 8):
        write(tmp_path, number, tuple(repetition(n, 30.0 + number % 2) for n in (1, 2, 3)))
    alone = read_progress(tmp_path, "Ana").changes[0]
    for number, unlike in ((12, {"load_kg": 5.0, "band": "black"}), (13, {"performed": "passive"})):
        write(tmp_path, number, (repetition(1, 70.0),), started_at=f"2026-01-0{number - 8}T18:00:00+01:00", **unlike)
    found = read_progress(tmp_path, "Ana")
    (one,) = found.changes
    assert replace(one, left_out=()) == alone
    figure = progress_figure(one)
    (line, apart) = figure.data
    assert (line.mode, apart.mode, list(apart.y)) == ("lines+markers", "markers", [70.0, 70.0])
    assert line.marker.color != apart.marker.line.color == css(MUTED)
    assert "with load 5 kg, band black" in apart.text[0]
    assert figure.layout.yaxis.range[1] > 70
    made = make_report(found, "Ana", TODAY, "0")
    (table,) = [block for block in blocks(made, Table) if "not compared" in block.caption]
    assert [row[1] for row in table.rows] == ["with load 5 kg, band black", "of passive movement"]
    assert all(row[2].startswith("70.0") for row in table.rows)
    (done,) = [block.items[0][1] for block in blocks(made, Terms) if block.items[0][0] == "Sessions compared here"]
    assert done == "with one leg at a time, in repetitions, of active movement, done as the drill says, without load"
    assert "Small grey marks" in blocks(made, Charts)[0].caption
    german = str(translated(made, "de"))
    assert "„5 kg, Band black“" in german
    assert "bei aktiver Bewegung" in german


def test_norms_stand_apart_and_judge_nothing(report: Report) -> None:
    (norms,) = [part for part in report.parts if part.boxed]
    (table,) = [block for block in norms.blocks if isinstance(block, Table)]
    assert {row[-1].split(",")[0] for row in table.rows} == {"Simoneau and others 1998", "College of Physiotherapy Nashik"}
    assert {row[3] for row in table.rows} == {"seated, active"}
    assert {"as cited by others" in row[-1] for row in table.rows} == {True, False}
    assert "No target" in norms.blocks[0].text
    others = " ".join(str(part) for part in report.parts if not part.boxed)
    assert "Simoneau" not in others


def test_readings_stand_beside_and_change_no_number(data: Path, found: Progress, report: Report) -> None:
    assert len(found.readings) > 0
    without = make_report(
        replace(found, readings=found.readings.iloc[:0]),
        PERSON,
        TODAY,
        "0.1.0",
    )
    assert without.sentences == report.sentences
    kept = [block for block in blocks(report, Table) if "other instruments" not in block.caption]
    assert kept == blocks(without, Table)
    (table,) = [block for block in blocks(report, Table) if "other instruments" in block.caption]
    shown = sum(cell.count("°") for row in table.rows for cell in row[2:])
    assert shown == len(found.readings)
    (one,) = [c for c in found.changes if (c.drill, c.side, c.direction) == (SEATED, LEFT, INTERNAL)]
    figure, plainly = (progress_figure(one, readings) for readings in (found.readings, None))
    assert [trace.name for trace in figure.data] == ["rotrack", "goniometer, made up", "not compared"]
    assert figure.data[0].to_plotly_json() == plainly.data[0].to_plotly_json(), "rotrack's line is the same"
    assert figure.data[1].name == "goniometer, made up"
    assert figure.data[1].marker.symbol != figure.data[0].marker.symbol
    assert (figure.layout.showlegend, plainly.layout.showlegend) == (True, False)


def test_made_up_numbers_say_so_first(page: str, paper: bytes, tmp_path: Path) -> None:
    assert Page(page).text.index(BANNER) < Page(page).text.index("In three sentences")
    assert BANNER in paper_texts(paper)[0]
    write(tmp_path, 1, person=PERSON, note=NOTE)
    assert make_report(read_progress(tmp_path, PERSON), PERSON, TODAY, "0").banner == BANNER
    for number, (person, note) in enumerate(
        (("Ana", ""), ("Ana", "made up her mind late"), ("Ben (made up)", ""), ("Cy", NOTE)), 2
    ):
        write(tmp_path, number, person=person, note=note)
    for person in ("Ana", "Ben (made up)", "Cy"):
        assert make_report(read_progress(tmp_path, person), person, TODAY, "0").banner == "", "somebody was measured"
    write(tmp_path, 9, person=PERSON)
    mixed = make_report(read_progress(tmp_path, PERSON), PERSON, TODAY, "0").banner
    assert mixed == "1 of these 2 sessions are made up, for trying rotrack."


def test_an_index_has_no_degrees(tmp_path: Path) -> None:
    for number, peak in enumerate((20.0, 21.0, 20.0, 40.0), start=1):
        reps = tuple(repetition(n, peak, side) for n in (1, 2, 3) for side in Side)
        write(tmp_path, number, reps, drill=LUNGE, tier="C")
    made = make_report(read_progress(tmp_path, "Ana"), "Ana", TODAY, "0")
    text = " ".join(str(block) for part in made.parts for block in part.blocks if not isinstance(block, Charts))
    assert "The default is 0.7 of the stated error of the values." in text
    assert "published" not in text
    assert "index 40.0 ± 4.0" in text
    assert "°" not in text
    for charts in blocks(made, Charts):
        for alt, figure in charts.figures:
            assert "°" not in alt + str(figure.to_json())
    assert not [part for part in made.parts if part.boxed], "nothing is published of an index"
    assert "index points" in made.sentences[1]


@pytest.mark.parametrize("only", [(), ((1, 30.0, LEFT, False),)])
def test_without_any_value_there_is_still_a_report(tmp_path: Path, only: tuple[tuple[Any, ...], ...]) -> None:
    reps = tuple(repetition(n, peak, side, valid=valid, reason="thigh moved") for n, peak, side, valid in only)
    write(tmp_path, 1, reps or (repetition(1, 30.0),), **({} if only else {"drill": "zst-confidence", "tier": "D"}))
    made = make_report(read_progress(tmp_path, "Ana"), "Ana", TODAY, "0")
    assert made.sentences[0] == "There is no value yet that could be compared."
    assert Page(html_of(made)).text.count("Method and limits") == 1
    sheets = paper_texts(pdf_of(made))
    assert len(sheets) == 2
    assert "1 session left out: " in sheets[-1]


def test_repetitions_that_do_not_count_are_shown_and_said(tmp_path: Path) -> None:
    reps = (
        repetition(1, 30.0), repetition(2, 50.0, valid=False, reason="the thigh moved"), repetition(3, 45.0, dropped=True),
        repetition(4, 32.0), repetition(5, 20.0), repetition(6, 34.0, speed_deg_s=41.3),
    )  # fmt: skip
    write(tmp_path, 1, reps)
    found = read_progress(tmp_path, "Ana")
    made = make_report(found, "Ana", TODAY, "0")
    (table,) = [block for block in blocks(made, Table) if block.caption.startswith("Every repetition")]
    assert [row[1] for row in table.rows] == [
        "30.0 ± 4.0°, best", "50.0 ± 4.0°, the thigh moved", "45.0 ± 4.0°, left out",
        "32.0 ± 4.0°, best", "20.0 ± 4.0°", "34.0 ± 4.0°, 41°/s, best",
    ]  # fmt: skip
    used = {rep.rep for rep in best_of(list(found.reps.itertuples()), found.changes[0].rule)}
    (bars,) = repetitions_figure(found.changes[0], found.reps, used).data
    full = [fill == edge for fill, edge in zip(bars.marker.color, bars.marker.line.color, strict=True)]
    assert full == [True, False, False, True, False, True]
    assert len(set(bars.marker.line.color)) == 2, "what cannot count has another edge"


# ---------------------------------------------------------------------- the page
def test_the_page_is_a_well_made_document(page: str, report: Report) -> None:
    made = Page(page)
    assert made.all("html") == [{"lang": "en"}]
    assert len(made.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in made.elements if re.fullmatch(r"h\d", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels)), "no level is skipped"
    ids = [attributes["id"] for _, attributes in made.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    tables = blocks(report, Table)
    assert len(made.all("table")) == len(made.all("caption")) == len(tables) > 8
    assert {attributes["scope"] for attributes in made.all("th")} == {"col", "row"}
    figures = [figure for charts in blocks(report, Charts) for figure in charts.figures]
    drawn = [attributes for attributes in made.all("div") if attributes.get("class") == "screen"]
    assert [attributes["aria-label"] for attributes in drawn] == [alt for alt, _ in figures]
    assert [attributes["aria-label"] for attributes in made.all("svg")] == [alt for alt, _ in figures]
    for attributes in (a for _, a in made.elements):
        assert not {"src", "href"} & set(attributes), "nothing is fetched"


def test_names_are_texts_wherever_they_stand(tmp_path: Path) -> None:
    reps = tuple(repetition(n, 30.0, side) for n in (1, 2, 3) for side in Side)
    for number in range(1, 5):
        write(tmp_path, number, reps, person=NASTY)
    (tmp_path / "readings.csv").write_text(
        "taken_at,person,drill,side,direction,value_deg,instrument,rater,note\r\n"
        '2026-01-02,"{}",seated-internal,left,internal,29,goni <i>x</i>,Dr </script> & Co,\r\n'.format(NASTY.replace('"', '""')),
        "utf-8",
    )
    found = read_progress(tmp_path, NASTY)
    assert len(found.readings) == 1
    made = make_report(found, NASTY, TODAY, "0")
    parsed = Page(html_of(made))
    assert f"Hip rotation of {plain(NASTY)}" in parsed.text
    assert len(parsed.all("script")) == 2 + sum(len(charts.figures) for charts in blocks(made, Charts))
    assert len(parsed.all("style")) == 1
    assert not parsed.all("b")
    assert not parsed.all("i")
    (alone,) = [figure for alt, figure in blocks(made, Charts)[0].figures if alt.startswith("left")]
    assert "goni <i>x</i>, Dr </script> & Co" in texts_of(drawing_of(alone, 352))
    assert "goni <i>x</i>, Dr </script> & Co" in parsed.text
    sheets = paper_texts(pdf_of(made))
    assert NASTY.replace("Đặng", "ang")[:5] in sheets[0]
    assert lacking(made) == ""
    assert pypdfium2.PdfDocument(pdf_of(made)).get_metadata_value("Title") == f"Hip rotation of {NASTY}"


def test_very_long_names_stay_on_the_page(tmp_path: Path) -> None:
    name = "W" * LONGEST_NAME
    write(tmp_path, 1, person=name)
    made = make_report(read_progress(tmp_path, name), name, TODAY, "0")
    document = pypdfium2.PdfDocument(pdf_of(made))
    image = document[0].render(scale=1).to_numpy()
    assert (image[:, -30:] == 255).all(), "nothing is written into the margin"


# ---------------------------------------------------------------------- the PDF
def test_the_pdf_is_of_a4_pages_with_numbers_and_a_title(paper: bytes, report: Report) -> None:
    document = pypdfium2.PdfDocument(paper)
    assert document.get_metadata_value("Title") == f"Hip rotation of {PERSON}"
    assert document.get_metadata_value("Creator") == "rotrack report 0.1.0"
    sheets = paper_texts(paper)
    for number, (sheet, said) in enumerate(zip(document, sheets, strict=True), start=1):
        assert sheet.get_size() == pytest.approx(A4, abs=0.1)
        assert f"page {number} of {len(sheets)}" in said
        ink = (sheet.render(scale=1).to_numpy()[:780].min(axis=2) < 200).mean()
        assert ink > 0.005, f"page {number} is blank"
    headings = [item.get_title() for item in document.get_toc()]
    assert headings == [report.title, *(part.title for part in report.parts if not part.boxed)]
    assert set(re.findall(rb"/FontName /([\w+-]+)", paper)) == {b"AAAAAA+DejaVuSansCondensed", b"AAAAAA+DejaVuSansCondensed-Bold"}


def test_the_same_report_gives_the_same_bytes(report: Report, page: str, paper: bytes, found: Progress) -> None:
    again = make_report(found, PERSON, TODAY, "0.1.0")
    assert pdf_of(again) == paper
    assert html_of(again) == page


def test_a_long_table_goes_over_several_pages_with_its_heading_on_each() -> None:
    rows = tuple((f"session {number}.", "30.0 ± 4.0°") for number in range(150))
    long = Part("Sessions", (Table("All of them.", ("when", "left, internal"), rows),))
    sheets = paper_texts(pdf_of(Report("Ana", "150 sessions", "", ("a", "b", "c"), (long,), TODAY, "0")))
    assert 3 <= len(sheets) <= 5
    assert all("left, internal" in sheet for sheet in sheets)
    assert [sum(f"{first} " in sheet for sheet in sheets) for first, _ in rows] == [1] * 150
    assert "session 0." in sheets[0], "it begins below its heading"


def test_letters_that_the_pdf_lacks_are_named(tmp_path: Path) -> None:
    write(tmp_path, 1, person="Ana \u592a\u90ce")
    made = make_report(read_progress(tmp_path, "Ana \u592a\u90ce"), "Ana \u592a\u90ce", TODAY, "0")
    written = write_report(made, tmp_path / "ana.html")
    assert written.notes == ("The PDF cannot show \u592a \u90ce in the name; print the page from a browser instead.",)
    assert "\u592a\u90ce" in Page((tmp_path / "ana.html").read_text("utf-8")).text


# ---------------------------------------------------------------------- figures on paper
def texts_of(drawing: Any) -> list[str]:
    return [shape.text for shape in drawing.contents if isinstance(shape, String)]


def test_a_drawing_puts_everything_where_the_axes_say() -> None:
    one = change(30.0, 40.0)
    figure = progress_figure(one)
    drawing = drawing_of(figure, 352)
    axis, margin = figure.layout.yaxis, figure.layout.margin

    def height(value: float) -> float:
        low, high = axis.range
        return margin.b + (value - low) / (high - low) * (figure.layout.height - margin.t - margin.b)

    line = max((shape for shape in drawing.contents if isinstance(shape, PolyLine)), key=lambda shape: len(shape.points))
    assert line.points[1::2] == pytest.approx([height(30.0)] * 11 + [height(40.0)])
    assert line.points[0] > margin.l
    assert line.points[-2] < 352 - margin.r
    gaps = np.diff(line.points[::2])
    assert gaps[:-1] == pytest.approx([gaps[0]] * 10), "equal times stand equally far apart"
    (band,) = [shape for shape in drawing.contents if isinstance(shape, Rect)]
    assert (band.y, band.y + band.height) == pytest.approx((height(30.0 - one.real_from_deg), height(30.0 + one.real_from_deg)))
    errors = [(shape.y1, shape.y2) for shape in drawing.contents if isinstance(shape, Line) and shape.x1 == shape.x2]
    assert errors.count(next(e for e in errors if e == pytest.approx((height(37.0), height(43.0))))) == 1
    assert sum(e == pytest.approx((height(27.0), height(33.0))) for e in errors) == 11
    said = texts_of(drawing)
    assert {"Left leg, internal", "40.0°", *axis.ticktext} <= set(said)
    for text in figure.layout.xaxis.ticktext:
        assert set(text.split("<br>")) <= set(said)


def test_every_kind_of_figure_can_be_drawn() -> None:
    one, few = change(30.0, 40.0), change(30.0, 31.0, FEW, RIGHT, EXTERNAL, sessions=1)
    shares = pd.DataFrame(
        [(FIRST + timedelta(days=n), side, letter, n / 4) for n in range(4) for side in ("left", "right") for letter in "TP"],
        columns=["started_at", "side", "fault", "share"],
    )
    reps = pd.DataFrame(
        [(n, 30.0 + n, NAN if n == 2 else 3.0, True, False) for n in range(1, 6)],
        columns=["rep", "peak_deg", "uncertainty_deg", "valid", "dropped"],
    )
    figures = {
        "many": progress_figure(change(30.0, 40.0, sessions=60), None, [one]),
        "one session": progress_figure(few),
        "repetitions": repetitions_figure(one, reps, {3, 4, 5}),
        "sides": sides_figure([sides(12, 5), sides(-3, 5, EXTERNAL)], 10.0),
        "index": sides_figure([sides(12, 5, drill=LUNGE, tier="C")], 10.0),
        "faults": faults_figure(shares, {"T": "Thigh or knee drifts", "P": "Pelvis <tilts> & rolls"}),
        "one leg": faults_figure(shares[shares.side == "left"], {"T": "Thigh or knee drifts"}),
    }
    for name, figure in figures.items():
        drawing = drawing_of(figure, 352)
        for shape in drawing.contents:
            low_x, low_y, high_x, high_y = shape.getBounds()
            assert low_x > -1, name
            assert low_y > -1, name
            assert high_y < drawing.height + 1, name
            assert high_x < drawing.width + 1, (name, shape)
        assert Page(svg_of(drawing, "a <b> & c")).all("svg")[0]["aria-label"] == "a <b> & c"
    assert "Pelvis <tilts> & rolls (P)" in texts_of(drawing_of(figures["faults"], 720))
    assert texts_of(drawing_of(figures["one leg"], 720)).count("right leg") == 0


def axed(*traces: Any, **layout: Any) -> go.Figure:
    axis = {"range": [0, 1], "tickvals": [0], "ticktext": ["0"], "tickfont": {"size": 9, "color": "rgb(0,0,0)"}}
    axis |= {"linecolor": "rgb(0,0,0)", "gridcolor": "rgb(0,0,0)"}
    base = {"height": 200, "margin": {"l": 9, "r": 9, "t": 9, "b": 9}, "font": {"size": 9}, "xaxis": axis, "yaxis": axis}
    return go.Figure(traces, {**base, **layout})


@pytest.mark.parametrize(
    "figure",
    [
        go.Figure(go.Scatter(x=[1], y=[1]), {"height": 100, "margin": {"l": 1, "r": 1, "t": 1, "b": 1}, "xaxis": {}}),
        axed(go.Heatmap(z=[[1]])),
        axed(go.Scatter(x=[0, 1], y=[0, 1], mode="text", text=["a", "b"])),
        axed(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", fill="toself", line={"color": "rgb(0,0,0)"})),
        axed(go.Scatter(x=[0], y=[0], mode="markers", marker={"symbol": "star", "size": 9, "color": "rgb(0,0,0)"})),
        axed(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": "red"})),
        axed(shapes=[{"type": "circle", "x0": 0, "x1": 1, "y0": 0, "y1": 1}]),
        axed(annotations=[{"text": "a", "x": 0, "y": 0, "showarrow": True}]),
        axed(annotations=[{"text": "<i>a</i>", "x": 0, "y": 0, "showarrow": False, "font": {"size": 9, "color": "rgb(0,0,0)"}}]),
    ],
    ids=["axis", "trace", "text", "fill", "mark", "colour", "shape", "arrow", "tag"],
)
def test_what_cannot_be_drawn_on_paper_is_refused_not_left_out(figure: go.Figure) -> None:
    with pytest.raises(NotImplementedError):
        drawing_of(figure, 200)


@pytest.mark.parametrize("days", [0, 1, 5, 20, 45, 100, 400, 3000, 20000])
def test_days_are_written_so_that_they_can_be_read(days: int) -> None:
    one = change(30.0, 40.0, sessions=4)
    points = tuple(
        Point(str(n), FIRST + timedelta(days=days * share, hours=n), 30.0, 3.0, 3) for n, share in enumerate((0, 0.3, 0.31, 1))
    )
    figure = progress_figure(Change(**{**{name: getattr(one, name) for name in Change.__slots__}, "points": points}))
    axis = figure.layout.xaxis
    assert 1 <= len(axis.tickvals) <= 4
    assert re.search(r"<br>\d{4}$", axis.ticktext[0])
    assert all(axis.range[0] <= tick <= axis.range[1] for tick in axis.tickvals)


# ---------------------------------------------------------------------- the command and its files
@pytest.mark.slow
def test_the_command_writes_page_and_pdf(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = everything(data)
    ended = run_main(monkeypatch, capfd, "report", "--out", data)
    assert ended.code == 0, ended.err
    name = f"rotrack-report-alex-sample-made-up-{date.today().isoformat()}"
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.html", f"{name}.pdf"}
    for sentence in three_sentences(read_progress(data, PERSON)):
        assert sentence in ended.out
    assert f"{name}.pdf" in ended.out
    again = run_main(monkeypatch, capfd, "report", "--out", data, "--to", f"{name}.html", "--drill", "standing-combined")
    assert again.code == 0, again.err
    assert "too early" in again.out
    assert "three times" in Page(Path(f"{name}.html").read_text("utf-8")).text, "a report replaces a report"
    since = run_main(monkeypatch, capfd, "report", "--out", data, "--to", "sub/new.html", "--since", "2026-03-01", "--no-pdf")
    assert since.code == 0, since.err
    assert [path.name for path in Path("sub").iterdir()] == ["new.html"]
    assert everything(data) == before, "the log is only read"


def test_whose_report_must_be_clear(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, person in enumerate(("Ana", "Ben", "  Ben ", ""), start=1):
        write(tmp_path / "log", number, person=person)
    monkeypatch.chdir(tmp_path)
    several = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "log")
    assert_one_sentence(several, 2, "--person", "Ana, Ben.")
    wrong = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "log", "--person", "Bea")
    assert_one_sentence(wrong, 2, "'Bea'", "In the log: Ben, Ana.")
    nobody = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "none")
    assert_one_sentence(nobody, 3, "There is no log in", "--out")
    assert nobody == run_main(monkeypatch, capfd, "progress", "--out", tmp_path / "none"), "as progress says it"
    write(tmp_path / "nameless", 1, person="")
    nameless = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "nameless")
    assert_one_sentence(nameless, 2, "measure with --person NAME")
    drill = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "log", "--person", "Ana", "--drill", "seated-interna")
    assert_one_sentence(drill, 2, "seated-internal")
    right = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "log", "--person", " Ben", "--to", "ben.html")
    assert right.code == 0, right.err
    spelled = run_main(monkeypatch, capfd, "report", "--out", tmp_path / "log", "--person", "BEN", "--to", "ben.html")
    assert (spelled.code, "Did you mean Ben? Showing Ben." in spelled.err) == (0, True)
    assert "Hip rotation of Ben" in Page(Path("ben.html").read_text("utf-8")).text
    assert {path.name for path in tmp_path.iterdir()} == {"log", "nameless", "ben.html", "ben.pdf"}


def test_a_report_of_nothing_is_refused_not_written(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    late = run_main(monkeypatch, capfd, "report", "--out", data, "--since", "2030-01-01")
    assert_one_sentence(late, 2, f"{PERSON} has no session since 1 January 2030; the latest is of 23 March 2026.")
    other = run_main(monkeypatch, capfd, "report", "--out", data, "--drill", "seated-internal")
    assert_one_sentence(other, 2, "has no session of the drill seated-internal; there are sessions of seated-combined, standing-")
    both = run_main(monkeypatch, capfd, "report", "--out", data, "--drill", SEATED, "--since", "2030-01-01")
    assert_one_sentence(both, 2, "has no session of this drill since 1 January 2030; the latest is of 23 March 2026.")
    assert list(tmp_path.iterdir()) == []


def test_a_narrowed_report_says_so(data: Path) -> None:
    since = date(2026, 3, 1)
    made = make_report(read_progress(data, PERSON, SEATED, None, since), PERSON, TODAY, "0", Only(SEATED, since))
    narrowed = "only sessions since 1 March 2026, only the drill “Seated, foot in and out”"
    assert made.subtitle == f"4 sessions, 2 March 2026 to 23 March 2026 · {narrowed}"
    for said in (Page(html_of(made)).text, " ".join(paper_texts(pdf_of(made)))):
        assert said.count(narrowed) == 2
        assert f"This report is limited: {narrowed}; others are not in it." in said
        assert "Baseline is the mean of the first 3 to 8 days since 1 March 2026, now the mean" in said
    later = date(2026, 3, 10)
    few = make_report(read_progress(data, PERSON, None, None, later), PERSON, TODAY, "0", Only(since=later))
    assert few.subtitle.endswith(" · only sessions since 10 March 2026")
    assert "and there are two since 10 March 2026." in few.sentences[1]


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "report.md").read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    assert len(names["report"].sentences) == 3
    assert names["page"].startswith("<!DOCTYPE html>")
    assert names["pdf"].startswith(b"%PDF")


@pytest.mark.parametrize("foreign", ["ana.html", "ana.pdf"])
def test_nothing_but_a_report_is_ever_overwritten(tmp_path: Path, report: Report, foreign: str) -> None:
    (tmp_path / foreign).write_bytes(b"%PDF-1.4 my thesis <html>")
    with pytest.raises(InputError, match=f"{foreign} is there already and is no report of rotrack"):
        write_report(report, tmp_path / "ana.html")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {foreign: b"%PDF-1.4 my thesis <html>"}


def test_what_is_no_report_is_replaced_when_asked_and_the_log_never(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ana.html").write_text("my thesis")
    monkeypatch.setattr("rotrack.cli.report.make_report", lambda *_: pytest.fail("it began the work"))
    kept = run_main(monkeypatch, capfd, "report", "--out", data, "--to", tmp_path / "ana.html")
    assert_one_sentence(kept, 2, "is no report of rotrack", "--to", "--overwrite")
    (folder, *_) = (data / "sessions").iterdir()
    of_log = run_main(monkeypatch, capfd, "report", "--out", data, "--to", folder / "ana.html", "--overwrite")
    assert_one_sentence(of_log, 2, "belongs to rotrack's own log")
    monkeypatch.undo()
    ended = run_main(monkeypatch, capfd, "report", "--out", data, "--to", tmp_path / "ana.html", "--overwrite", "--no-pdf")
    assert ended.code == 0, ended.err
    assert (tmp_path / "ana.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_report_is_known_by_what_it_says_of_itself(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "ana.html"
    for _ in range(2):
        assert write_report(report, path).files == (path, tmp_path / "ana.pdf")
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert files._MARK in content[: files._LOOKED_AT] + content[-files._LOOKED_AT :]


@pytest.mark.slow
def test_a_place_that_cannot_be_written_is_explained_and_loses_nothing(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path
) -> None:
    (tmp_path / "file").write_text("x")
    ended = run_main(monkeypatch, capfd, "report", "--out", data, "--to", tmp_path / "file" / "ana.html")
    assert_one_sentence(ended, 3, "cannot be written", "--to")
    wrong = run_main(monkeypatch, capfd, "report", "--out", data, "--to", tmp_path / "ana.pdf")
    assert_one_sentence(wrong, 2, "ends in .html")
    write_report(report, tmp_path / "ana.html")
    before = (tmp_path / "ana.pdf").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rotrack.system.files._write", full)
    with pytest.raises(RecordError, match="the disk is full"):
        write_report(make_report(read_progress(data, PERSON), PERSON, date(2027, 1, 1), "0"), tmp_path / "ana.html")
    assert (tmp_path / "ana.pdf").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"file", "ana.html", "ana.pdf"}


# ---------------------------------------------------------------------- in a browser
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.mark.slow
@needs(CHROMIUM)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_works_in_a_browser_and_asks_nobody(
    browser: Any, tmp_path: Path, report: Report, page: str, scheme: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "report.html"
    path.write_text(page, "utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    opened = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text))
    opened.goto(path.as_uri())
    figures = [figure for charts in blocks(report, Charts) for figure in charts.figures]
    opened.wait_for_function(
        f"document.querySelectorAll('.screen .main-svg .scatterlayer, .screen .barlayer').length >= {len(figures)}"
    )
    assert asked == [path.as_uri()]
    assert complaints == []
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out to the side"
    assert opened.locator(".paper svg:visible").count() == 0
    heading = opened.locator(".annotation-text", has_text="Left leg, internal").first
    wanted = CSS_RGB["left-text"][scheme == "dark"]
    assert heading.evaluate("text => getComputedStyle(text).fill") == css(wanted).replace(",", ", ")
    for chart in opened.locator(".screen").all():
        box, text = chart.bounding_box(), chart.locator(".legendtext, .xtick text, .ytick text, .annotation-text")
        for place in text.all():
            inside = place.bounding_box()
            assert inside["x"] >= box["x"] - 1
            assert inside["x"] + inside["width"] <= box["x"] + box["width"] + 1
            assert inside["y"] + inside["height"] <= box["y"] + box["height"] + 1
    violations = Axe().run(opened).response["violations"]
    assert [(v["id"], v["impact"]) for v in violations if v["impact"] in ("serious", "critical")] == []
    context.close()


@pytest.mark.slow
@needs(CHROMIUM)
def test_the_page_prints_light_on_a4_with_all_its_numbers(browser: Any, tmp_path: Path, report: Report, page: str) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, "utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    opened = context.new_page()
    opened.goto(path.as_uri())
    printed = opened.pdf(prefer_css_page_size=True)
    context.close()
    sheets = paper_texts(printed)
    document = pypdfium2.PdfDocument(io.BytesIO(printed))
    said = " ".join(sheets)
    for sentence in report.sentences:
        assert sentence in said
    for number, sheet in enumerate(document, start=1):
        assert sheet.get_size() == pytest.approx(A4, abs=1)
        image = sheet.render(scale=1).to_numpy()
        assert np.median(image) == 255, "white paper"
        assert (image[:780].min(axis=2) < 200).mean() > 0.005, f"page {number} is blank"
        assert image[:, -25:].min() > 200, "nothing is cut off at the edge"
        assert f"page {number} of {len(sheets)}" in sheets[number - 1]
    assert "Method and limits" in sheets[-1]
    for charts in blocks(report, Charts):
        for _, figure in charts.figures:
            for note in figure.layout.annotations:
                assert re.sub(r"<[^>]+>", "", note.text).replace("&lt;", "<") in said


# ---------------------------------------------------------------------- in another language
ENGLISH = re.compile(
    r"\b(the|of|with|is|are|that|leg|sessions?|repetition|not|which|what|left|right|mean|from|only|value|change)\b", re.I
)
NAMES = re.compile(r"Simoneau|Kouyoumdjian|College of|Journal of|PM&R|and others")


def words_of(report: Report) -> Iterator[str]:
    """Yield all that a report says."""
    yield from (report.title, report.subtitle, report.banner, *report.sentences)
    for part in report.parts:
        yield part.title
        for block in part.blocks:
            if isinstance(block, Text):
                yield block.text
            elif isinstance(block, Terms):
                yield from (text for item in block.items for text in item)
            elif isinstance(block, Table):
                yield from (block.caption, *block.header, *(cell for row in block.rows for cell in row))
            else:
                yield block.caption
                for alt, figure in block.figures:
                    yield from (alt, *(note.text for note in figure.layout.annotations), *(trace.name for trace in figure.data))


def test_a_report_is_german_to_its_last_word_with_the_same_numbers(tmp_path):
    write_sample(tmp_path / "sample")
    progress = read_progress(tmp_path / "sample", PERSON)
    goals = (goal_of_words("seated-combined internal 40"),)

    def made() -> Report:
        return make_report(progress, PERSON, date(2026, 6, 20), "0.2.0", goals=goals)

    english, german = list(words_of(made())), list(words_of(translated(made(), "de")))
    left = [text for text in german if ENGLISH.search(text) and not NAMES.search(text)]
    assert left == []
    for before, after in zip(english, german, strict=True):
        numbers = [re.findall(r"\d+", text) for text in (before, after)]
        assert sorted(numbers[0]) == sorted(numbers[1]) or "Made-up" in before, (before, after)
    page = html_of(replace(translated(made(), "de"), practice="Praxis <b>", comment="Gut so."))
    assert '<html lang="de">' in page and "In drei S\u00e4tzen" in page and "erstellt am 20. Juni 2026" in page
    assert "Praxis &lt;b&gt;" in page and "Gut so." in page
