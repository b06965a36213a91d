"""Figures show what the tables hold, mark what is not valid or dropped, and say every word in the language that is asked for."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from helpers import FIXTURES, log_session
from made_sessions import repetition, write

import rotrack
from rotrack.charts.sessions import drawn_apart, for_page, history_figure, session_figure, write_html
from rotrack.core.errors import RecordError
from rotrack.core.model import Direction, Rep, Side
from rotrack.records.history import history_table
from rotrack.records.session import ALIKE
from rotrack.records.spans import DENSE, Span, means, window_of, within
from rotrack.texts import Texts

LEFT, RIGHT = Side
INTERNAL, EXTERNAL = Direction
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


def test_every_value_stands_at_its_time(history):
    figure = history_figure(history_table(history))
    for side in Side:
        (own,) = points(figure, f"{side} leg, internal")
        assert list(own.x) == [datetime(2026, 1, day, 8) for day in (1, 2, 3)]
        assert own.hovertemplate.startswith("%{customdata[2]|%-d %b %Y, %H:%M}<br>")
    left, right = (points(figure, f"{side} leg, internal")[0].error_y.width for side in Side)
    assert left != right, "the error bars of one time can be told apart"


def test_what_is_not_like_the_latest_is_drawn_apart_and_says_what_differs(history):
    write(history, 12, (repetition(1, 50.0),), drill="seated-combined", started_at="2026-01-02T18:00:00+01:00", load_kg=5.0)
    figure = history_figure(history_table(history), say=Texts("de").said)
    assert drawn_apart(figure) and not drawn_apart(history_figure(history_table(history, "nobody")))
    alike, loaded = points(figure, "linkes Bein, Innenrotation")
    assert (list(alike.y), list(loaded.y)) == ([20.0, 24.0, 22.0], [50.0])
    assert "„5 kg“<br>" in loaded.customdata[0][1]
    assert loaded.opacity < alike.opacity and loaded.line.dash != alike.line.dash


def test_a_goal_is_a_line_in_the_panel_of_its_direction(history):
    figure = history_figure(
        history_table(history), goals={(LEFT, INTERNAL): 45.0, (RIGHT, EXTERNAL): 60.0, (RIGHT, INTERNAL): np.nan}
    )
    (goal,) = [line for line in figure.data if line.line.dash == "dot"]
    assert (set(goal.y), goal.yaxis or "y", goal.name) == ({45.0}, "y", "left leg, goal 45°")
    assert "goal" not in str(history_figure(history_table(history)).data)


def test_a_single_session_has_hours_on_its_axis(tmp_path):
    log_session(tmp_path, 1)
    axis = history_figure(history_table(tmp_path)).layout.xaxis
    assert timedelta(hours=8) < axis.range[1] - axis.range[0] < timedelta(days=2)
    assert "%H:%M" in axis.tickformatstops[0].value and "%H" not in axis.tickformatstops[1].value


# ---------------------------------------------------------------------- a part of the time, and means where it is dense
def dense(days: int, a_day: int = 1) -> pd.DataFrame:
    """Return a history of one leg: 20 degrees, and 30 in every second session."""
    start = datetime(2024, 1, 1, 8)
    rows = [
        {
            "session_id": f"s{n}", "started_at": (start + timedelta(days=n // a_day, hours=n % a_day)).isoformat() + "+01:00",
            "side": "left", "direction": "internal", "value_deg": 20.0 + 10 * (n % 2), "uncertainty_deg": 4.0, "person": "Ana",
            "band": "", "load_kg": np.nan, "tier": "A", **{name: "" for name in ALIKE if name != "load"},
        }
        for n in range(days * a_day)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_few_sessions_are_shown_each_and_many_as_means_with_their_range():
    few = dense(DENSE)
    assert means(few) is not few and list(means(few).session_id) == list(few.session_id)
    many = means(dense(400))
    assert list(many.columns).count("sessions") == 1 and len(many) <= 2 * DENSE
    assert many.sessions.sum() == 400
    whole = many[many.sessions == 7]
    assert set(whole.low_deg) == {20.0} and set(whole.high_deg) == {30.0}
    assert (whole.value_deg.sub(25).abs() < 1).all()
    figure = history_figure(many, "A")
    line = next(trace for trace in figure.data if trace.mode == "lines+markers")
    band = next(trace for trace in figure.data if trace.mode == "lines")
    assert (min(band.y), max(band.y)) == (20.0, 30.0)
    assert "mean of 7 (20.0 to 30.0)" in line.customdata[3][1]


def test_what_was_not_measured_alike_is_in_no_common_mean():
    table = dense(200)
    table.loc[table.index % 2 == 1, "calibration"] = "personal"
    assert set(means(table).value_deg) == {20.0, 30.0}


@pytest.mark.parametrize(("span", "sessions"), [("day", 2), ("week", 14), ("month", 62), ("year", 732), ("all", 1000)])
def test_a_window_ends_with_the_latest_day_and_the_one_before_joins_it(span, sessions):
    table = dense(500, 2)
    window = window_of(table, Span(span))
    assert window.days()[1] == date(2024, 1, 1) + timedelta(days=499)
    assert len(within(table, window)) == sessions
    before = window_of(table, Span(span), 1)
    assert (before.to < window.from_) == (span != "all")
    assert (window.from_ - before.to < timedelta(seconds=1)) or span == "all"


def test_the_axis_is_the_time_that_was_chosen():
    table = dense(3)
    window = window_of(table, Span.MONTH)
    axis = history_figure(means(table), shown=(window.from_, window.to)).layout.xaxis
    assert tuple(axis.range) == (window.from_, window.to)


def test_only_like_is_joined(history):
    def both(peak_deg: float) -> tuple[Rep, ...]:
        return repetition(1, peak_deg), repetition(1, peak_deg, RIGHT)

    write(history, 4, both(50.0), drill="seated-combined", calibration="personal")
    write(history, 5, both(23.0), drill="seated-combined")
    write(history, 6, both(60.0), drill="seated-combined", load_kg=5.0)
    write(history, 7, both(61.0), drill="seated-combined", load_kg=5.0)
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
