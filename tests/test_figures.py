"""Figures show what the tables hold, mark what is not valid or dropped, and say every word in the language that is asked for."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from helpers import FIXTURES, log_session
from made_sessions import repetition, write

import rotrack
from rotrack.charts.sessions import for_page, history_figure, session_figure, write_html
from rotrack.core.errors import RecordError
from rotrack.core.model import Direction, Rep, Side
from rotrack.records.history import history_table

LEFT, RIGHT = Side
REPS = (
    repetition(1, 20.0),
    repetition(2, 30.0, valid=False, faults=("T", "P")),
    repetition(3, 25.0, dropped=True),
    repetition(1, -40.0, RIGHT),
    repetition(2, -44.0, RIGHT, valid=False, dropped=True),
)


def curve(*sides: Side) -> pd.DataFrame:
    times = np.arange(0, 5, 0.1)
    both = [pd.DataFrame({"time_s": times, "side": str(s), "angle_deg": np.sin(times), "live_deg": np.cos(times)}) for s in Side]
    table = pd.concat(both)
    return table[table.side.isin(sides)]


def table(reps: tuple[Rep, ...] = REPS) -> pd.DataFrame:
    return pd.DataFrame([asdict(rep) for rep in reps], columns=list(Rep.__dataclass_fields__))


def line(figure: go.Figure, uid: str) -> go.Scatter:
    (found,) = [trace for trace in figure.data if trace.uid == uid]
    return found


def points(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == name and trace.mode == "lines+markers"]


def texts(figure: go.Figure) -> Iterator[str]:
    """Yield every text with letters that a reader of the figure sees."""
    layout = figure.layout
    found = [layout.title.text, *(a.text for a in layout.annotations)]
    found += [layout[name].title.text for name in layout if re.match(r"[xy]axis", name)]
    for trace in figure.data:
        found += [trace.name, *(trace.text or ())]
        found += [re.sub(r"%\{[^}]*\}|<[^>]*>", " ", trace.hovertemplate or "")]
        found += [str(cell) for row in (trace.customdata if trace.customdata is not None else ()) for cell in row]
    yield from (text for text in found if text and re.search(r"[a-z]{3}", text))


# ---------------------------------------------------------------------- one session
def test_peaks_show_their_state_and_stand_where_they_were():
    figure = session_figure(curve(LEFT, RIGHT), table())
    left, right = line(figure, "left-internal"), line(figure, "right-external")
    assert list(left.marker.symbol) == ["triangle-up", "triangle-up-open", "x-thin-open"]
    assert list(right.marker.symbol) == ["triangle-down", "x-thin-open"]
    assert list(left.x) == [1.5, 2.5, 3.5]
    assert list(left.y) == [20.0, 30.0, 25.0]
    assert list(right.y) == [-40.0, -44.0]
    assert list(left.error_y.array) == [4.0] * 3
    assert not [trace for trace in figure.data if trace.uid in ("left-external", "right-internal")]


def test_peaks_bear_their_sizes_or_their_numbers():
    sized, numbered = (session_figure(curve(LEFT, RIGHT), table(), numbered=n) for n in (False, True))
    assert list(line(sized, "left-internal-labels").text) == ["20 \u00b1 4\u00b0", "30 \u00b1 4\u00b0 T P", "25 \u00b1 4\u00b0"]
    assert list(line(numbered, "left-internal-labels").text) == ["1", "2", "3"]


def test_one_panel_for_each_leg_with_an_angle():
    one = curve(LEFT, RIGHT)
    one.loc[one.side == "left", "angle_deg"] = np.nan
    assert [a.text for a in session_figure(one, table()).layout.annotations] == ["right leg"]
    assert [a.text for a in session_figure(curve(LEFT, RIGHT), table()).layout.annotations] == ["left leg", "right leg"]
    assert session_figure(curve(), table(())).data == ()


def test_index_is_no_angle():
    figure = session_figure(curve(LEFT, RIGHT), table(), tier="C")
    assert line(figure, "left-internal-labels").text[0] == "index 20 \u00b1 4"
    assert not [text for text in texts(figure) if "\u00b0" in text]


def test_stretches_are_shaded_not_measured():
    figure = session_figure(curve(LEFT), table(tuple(rep for rep in REPS if rep.side is LEFT)), tier="D")
    assert [shape.x0 for shape in figure.layout.shapes] == [1, 2, 3]
    assert figure.layout.shapes[2].opacity < figure.layout.shapes[0].opacity
    held = [a.text for a in figure.layout.annotations]
    assert held[1:] == ["cycle 1<br>held 0.4 s", "cycle 2<br>held 0.4 s", "cycle 3<br>left out"]
    assert {trace.uid for trace in figure.data} == {"left-angle"}
    numbered = session_figure(curve(LEFT), table(REPS[:3]), tier="D", numbered=True)
    assert [a.text for a in numbered.layout.annotations][1:] == ["1", "2", "3"]


@pytest.mark.parametrize("tier", "ABCD")
def test_every_word_of_a_curve_is_translated(tier):
    figure = session_figure(curve(LEFT, RIGHT), table(), tier=tier, say=lambda sentence: f"\u00bb{sentence}\u00ab")
    said = list(texts(figure))
    assert said
    assert [text for text in said if "\u00bb" not in text] == []


# ---------------------------------------------------------------------- many sessions
@pytest.fixture
def history(tmp_path: Path) -> Path:
    for number, peak in ((1, 20.0), (2, 24.0), (3, 22.0)):
        reps = (repetition(1, peak), repetition(1, -peak - 10), repetition(1, peak + 5, RIGHT))
        write(tmp_path, number, reps, drill="seated-combined")
    return tmp_path


def test_history_shows_sizes_with_their_errors_per_direction(history):
    figure = history_figure(history_table(history))
    assert [a.text for a in figure.layout.annotations] == ["internal rotation", "external rotation"]
    internal = {trace.name: list(trace.y) for trace in figure.data if trace.mode == "lines+markers"}
    assert internal == {
        "left leg, internal": [20.0, 24.0, 22.0],
        "right leg, internal": [25.0, 29.0, 27.0],
        "left leg, external": [30.0, 34.0, 32.0],
    }
    for trace in figure.data:
        if trace.mode == "lines+markers":
            assert list(trace.error_y.array) == [4.0] * 3
            assert trace.marker.symbol == ("triangle-up" if "internal" in trace.name else "triangle-down-open")
            assert [row[0][:8] for row in trace.customdata] == ["20260101", "20260102", "20260103"]
        else:  # the band: along the upper ends, and back along the lower ones
            assert np.diff(trace.y).max() < 12
            assert max(trace.y) - min(trace.y) == pytest.approx(8 + 4)


def test_left_and_right_of_one_session_stand_side_by_side(history):
    figure = history_figure(history_table(history))
    left, right = (points(figure, f"{side} leg, internal")[0] for side in Side)
    apart = [b - a for a, b in zip(left.x, right.x, strict=True)]
    assert len({gap.total_seconds() for gap in apart}) == 1
    assert timedelta() < apart[0] < timedelta(hours=6)
    assert left.x[0] < left.x[1] < left.x[2]
    for points_of_side in (left, right):
        assert [row[2] for row in points_of_side.customdata] == [f"2026-01-0{n} 08:00:00" for n in (1, 2, 3)], "not moved aside"
        assert points_of_side.hovertemplate.startswith("%{customdata[2]|%-d %b %Y, %H:%M}<br>")


@pytest.mark.parametrize("sessions", [1, 2])
def test_no_time_of_day_is_shown_that_is_not_that_of_the_session(tmp_path, sessions):
    """Left and right stand beside each other, an hour and more apart: only days are named."""
    for day in range(1, sessions + 1):
        log_session(tmp_path, day)
    table = history_table(tmp_path)
    figure = history_figure(table)
    axis = figure.layout.xaxis
    assert "%H" not in axis.tickformat and not axis.tickformatstops
    assert axis.range[1] - axis.range[0] >= timedelta(days=8), "steps shorter than a day would be named like whole ones"


def test_only_like_is_joined(history):
    write(history, 4, (repetition(1, 50.0),), drill="seated-combined", calibration="personal")
    write(history, 5, (repetition(1, 23.0),), drill="seated-combined")
    write(history, 6, (repetition(1, 60.0),), drill="seated-combined", load_kg=5.0)
    write(history, 7, (repetition(1, 61.0),), drill="seated-combined", load_kg=5.0)
    figure = history_figure(history_table(history))
    lines = points(figure, "left leg, internal")
    assert [list(t.y) for t in lines] == [[20.0, 24.0, 22.0, 23.0], [50.0], [60.0, 61.0]]
    assert [t.showlegend for t in lines] == [True, False, False]


def test_sessions_without_a_name_are_not_joined(tmp_path):
    for number, peak in ((1, 20.0), (2, 24.0)):
        write(tmp_path, number, (repetition(1, peak),), person="")
    (points_of_nobody,) = history_figure(history_table(tmp_path)).data
    assert points_of_nobody.mode == "markers"
    assert list(points_of_nobody.y) == [20.0, 24.0]
    assert list(points_of_nobody.error_y.array) == [4.0, 4.0]


def test_sessions_without_a_value_leave_no_point(history):
    write(history, 4, (repetition(1, 50.0, valid=False),), drill="seated-combined")
    figure = history_figure(history_table(history))
    assert all(len(t.y) == 3 for t in figure.data if t.mode == "lines+markers")
    assert history_figure(history_table(history, "nobody")).data == ()


@pytest.mark.parametrize("tier", "AC")
def test_every_word_of_a_history_is_translated(history, tier):
    figure = history_figure(history_table(history), tier, say=lambda sentence: f"\u00bb{sentence}\u00ab")
    said = [text for text in texts(figure) if not text.startswith("2026")]
    assert said
    assert [text for text in said if "\u00bb" not in text] == []


# ---------------------------------------------------------------------- where they go
def test_in_the_page_a_figure_has_no_ground_title_or_hidden_line(history):
    figure = for_page(session_figure(curve(LEFT, RIGHT), table(), "Title"), ",")
    assert figure.layout.title.text is None
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.showlegend is False
    assert figure.layout.separators[0] == ","
    assert figure.layout.height is None
    assert {trace.visible for trace in figure.data} == {None}
    assert {t.uid for t in figure.data} >= {"left-angle", "right-angle", "left-internal", "right-external"}
    assert for_page(history_figure(history_table(history))).data


def test_a_measured_session_becomes_a_file_that_needs_no_network(tmp_path: Path):
    session = rotrack.remeasure(FIXTURES / "combined_left", tmp_path)
    figure = session_figure(session.curve, session.reps, "Seated", "both ways", session.record.tier)
    (tmp_path / "plot.html").write_text("an older one")
    write_html(figure, tmp_path / "plot.html")
    page = (tmp_path / "plot.html").read_text("utf-8")
    assert "an older one" not in page
    assert "Seated" in page
    assert not re.search(r"<(?:script|link)[^>]+(?:src|href)=.http", page)
    peaks = line(figure, "left-internal")
    own = [rep for rep in session.rep_list if rep.direction is Direction.INTERNAL]
    assert list(peaks.y) == [rep.peak_deg for rep in own]
    assert [row[0] for row in peaks.customdata] == [rep.rep for rep in own]


def test_a_plot_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    with pytest.raises(RecordError, match="cannot be written"):
        write_html(go.Figure(), tmp_path / "nowhere" / "plot.html")
