"""Plots of progress as plotly figures, for the report: small panels that stand beside each other, on screen and on paper.

They compute nothing but their axes. What is drawn is said outright (ranges, ticks, margins, colours), so that whoever draws a
figure, plotly on screen or `rotrack.report.chart_drawing` on paper, draws the same.
"""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rotrack.core.messages import Sentence, listed
from rotrack.core.model import Direction, Side
from rotrack.draw.theme import CSS_RGB, DIRECTION_MARK, DIRECTION_WORD, INK, MUTED, PAPER, SIDE_RGB, css
from rotrack.records.people import Goal, goal_deg
from rotrack.system.imports import when_used
from rotrack.texts.numbers import amount

if TYPE_CHECKING:
    import plotly.graph_objects as go
else:
    go = when_used("plotly.graph_objects")

TYPE_PX = 13
"""Size of type in these figures, which are small."""
BAND_OPACITY = 0.14
MONTHS = "January February March April May June July August September October November December".split()
READING_MARKS = ("diamond", "square", "circle")
"""Other instruments and raters, one open mark each; the fourth has the first one's again, and a name of its own all the same."""
SIDE_MARKS = {Side.LEFT: "circle", Side.RIGHT: "square-open"}
MANY = 24
"""More sessions than this have smaller marks and thinner errors."""
MOST_DAYS = 4
"""At most so many days are written below a panel of half the width of the paper."""
_DAY = "%-d %b %Y"
"""How a day is written, as for d3-time-format."""
_LOOK: dict[str, Any] = {
    "showline": True,
    "linecolor": css(MUTED),
    "linewidth": 1,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": css(MUTED),
    "tickfont": {"size": TYPE_PX, "color": css(CSS_RGB["muted"][0])},
    "gridcolor": css(CSS_RGB["line"][0]),
    "gridwidth": 1,
    "zeroline": False,
    "fixedrange": True,
}


# ---------------------------------------------------------------------- progress of one leg and direction
def progress_figure(change: Any, readings: Any = None, beside: Sequence[Any] = (), goals: Sequence[Goal] = ()) -> go.Figure:
    """Return the values of one leg and direction over time, in the band of measurement error round their baseline.

    Parameters
    ----------
    change : rotrack.progress.change.Change
        What has changed, with at least one point; a mean of the latest three days outside the band is a real change.
    readings : pandas.DataFrame, optional
        What other instruments read, see `rotrack.records.readings`, of the same person. Of it, what belongs to the change is
        marked on its day, and never joined with its line.
    beside : sequence of Change
        What will stand beside it: its axes reach as far as those of all of them.
    goals : sequence of Goal
        How far the person wants to turn.

    Returns
    -------
    plotly.graph_objects.Figure
        Line and marks with the 95 % error of each value; the baseline dashed, the goal dotted, what the range is now as a line;
        the latest value written at the end. Sessions that may not be compared with the latest are small grey marks, each with
        what differs.
    """
    leg, direction, sign = Side(change.side), Direction(change.direction), change.tier.unit
    colour, last = css(SIDE_RGB[leg]), change.points[-1]
    days = [_wall(point.started_at) for point in change.points]
    figure = go.Figure()
    below: str = "too few sessions for a baseline"
    if math.isfinite(change.baseline_deg):
        half_deg = change.real_from_deg
        below = Sentence("baseline {amount} (dashed)", amount=_number(change.baseline_deg, sign))
        if math.isfinite(half_deg):  # with the baseline's own sessions alone there is nothing to judge
            band = Sentence("\u00b1 {amount}", amount=_number(half_deg, sign))
            below = Sentence("{baseline}, band {band}", baseline=below, band=band)
            _add_band(figure, change.baseline_deg, half_deg, colour)
            _add_level(figure, change.now_deg, colour, "solid", _wall(change.now_from), days[-1])
        _add_level(figure, change.baseline_deg, colour, "dash", days[0], days[-1])
    wanted_deg = _goal_of(change, goals)
    if math.isfinite(wanted_deg):
        _add_level(figure, wanted_deg, css(INK), "dot", days[0], days[-1])
        below = Sentence("{baseline}, goal {n:g}{sign} (dotted)", baseline=below, n=wanted_deg, sign=sign)
    many = len(days) > MANY
    figure.add_scatter(
        x=days, y=[point.size_deg for point in change.points], mode="lines+markers", name="rotrack",
        error_y=_error([point.uncertainty_deg for point in change.points], colour, many), line={"color": colour, "width": 2},
        marker=_mark(DIRECTION_MARK[direction], colour, 6 if many else 10, direction is Direction.INTERNAL),
        text=[amount(point.size_deg, point.uncertainty_deg, change.tier) for point in change.points],
        hovertemplate=Sentence("%{{x|{day}, %H:%M}}<br>%{{text}}<extra></extra>", day=_DAY),
    )  # fmt: skip
    for number, (name, read) in enumerate(_readings_of(change, readings)):
        figure.add_scatter(
            x=[_noon(day) for day in read.date], y=[abs(v) for v in read.value_deg], mode="markers", name=literal(name),
            marker=_mark(READING_MARKS[number % len(READING_MARKS)], css(INK), 10, full=False),
            hovertemplate=Sentence(
                "%{{x|{day}}}<br>{name} %{{y:.1f}}{sign}<extra></extra>", day=_DAY, name=literal(name), sign=sign
            ),
        )  # fmt: skip
    _add_apart(figure, change)
    latest = Sentence("<b>{amount}</b>", amount=_number(last.size_deg, sign))
    _write(figure, latest, days[-1], last.size_deg, xref="x", yref="y", xshift=9, yanchor="middle")
    together = (change, *beside)
    _set_days(figure.layout.xaxis, [day for one in together for day in _days_of(one, readings)], MOST_DAYS, 0.2)
    reached = [value for one in together for value in _reached(one, readings, goals)]
    room = 0.06 * (max(reached) - min(reached)) + 0.5
    _set_numbers(figure.layout.yaxis, max(min(reached) - room, 0.0), max(reached) + room, sign)
    named = max(len(_readings_of(one, readings)) for one in together)
    foot = 22 * (1 + named) if named else 0  # where it is narrow, every name has a line of its own
    _dress(figure, 210 + foot, {"l": 46, "r": 8, "t": 46, "b": 42 + foot}, bool(named))
    return _headed(
        figure, Sentence("{side} leg, {direction}", side=leg, direction=DIRECTION_WORD[direction]), below, f"{leg}-text"
    )


def _add_apart(figure: go.Figure, change: Any) -> None:
    """Mark the sessions that may not be compared with the latest, joined with nothing."""
    apart = [(point, left.reasons) for left in change.left_out for point in left.points]
    if apart:
        figure.add_scatter(
            x=[_wall(point.started_at) for point, _ in apart], y=[point.size_deg for point, _ in apart], mode="markers",
            name="not compared", marker=_mark(DIRECTION_MARK[Direction(change.direction)], css(MUTED), 6, full=False),
            text=[
                Sentence(
                    "{amount}<br>{reasons}",
                    amount=amount(point.size_deg, point.uncertainty_deg, change.tier),
                    reasons=literal(listed(", ", *reasons)),
                )
                for point, reasons in apart
            ],
            hovertemplate=Sentence("%{{x|{day}, %H:%M}}<br>%{{text}}<extra></extra>", day=_DAY), showlegend=False,
        )  # fmt: skip


def _days_of(change: Any, readings: Any) -> list[datetime]:
    read = [_noon(day) for _, rows in _readings_of(change, readings) for day in rows.date]
    points = [*change.points, *(point for left in change.left_out for point in left.points)]
    return [*(_wall(point.started_at) for point in points), *read]


def _goal_of(change: Any, goals: Sequence[Goal]) -> float:
    return goal_deg(goals, change.drill, change.side, change.direction) if change.tier.in_degrees else math.nan


def _reached(change: Any, readings: Any, goals: Sequence[Goal]) -> Iterator[float]:
    """Yield how high and how low what is drawn of a change reaches, deg."""
    for point in change.points:
        error_deg = point.uncertainty_deg if math.isfinite(point.uncertainty_deg) else 0.0
        yield from (point.size_deg - error_deg, point.size_deg + error_deg)
    yield from (point.size_deg for left in change.left_out for point in left.points)
    if math.isfinite(change.real_from_deg):
        yield from (change.baseline_deg - change.real_from_deg, change.baseline_deg + change.real_from_deg)
    if math.isfinite(wanted_deg := _goal_of(change, goals)):
        yield wanted_deg
    for _, rows in _readings_of(change, readings):
        yield from (abs(value) for value in rows.value_deg)


def _readings_of(change: Any, readings: Any) -> list[tuple[str, Any]]:
    """Return what other instruments read of the same, by instrument and rater."""
    if readings is None or not len(readings):
        return []
    own = readings[
        (readings.drill == change.drill) & (readings.side == str(change.side)) & (readings.direction == str(change.direction))
    ]
    return [(f"{tool}, {rater}" if rater else tool, rows) for (tool, rater), rows in own.groupby(["instrument", "rater"])]


# ---------------------------------------------------------------------- repetitions of the latest session
def repetitions_figure(change: Any, reps: Any, used: Collection[int], beside: Sequence[Any] = ()) -> go.Figure:
    """Return the repetitions of the latest session of one leg and direction, and the value that the best of them give.

    Parameters
    ----------
    change : rotrack.progress.change.Change
        Its latest point is the value, drawn as a line with its band of error.
    reps : pandas.DataFrame
        Columns rep, peak_deg, uncertainty_deg, valid, dropped: the repetitions of that leg, direction and session.
    used : collection of int
        Numbers of those that entered the value: their bars are full. The others are open, and grey if they cannot enter.
    beside : sequence of pandas.DataFrame
        Repetitions that will stand beside it: its axis reaches as far.
    """
    leg, direction, sign = Side(change.side), Direction(change.direction), change.tier.unit
    colour, last = css(SIDE_RGB[leg]), change.points[-1]
    places = list(range(1, len(reps) + 1))
    edges = [colour if valid and not dropped else css(MUTED) for valid, dropped in zip(reps.valid, reps.dropped, strict=True)]
    figure = go.Figure()
    _add_band(figure, last.size_deg, last.uncertainty_deg, colour)
    _add_level(figure, last.size_deg, colour, "solid", 0.4, len(reps) + 0.6)
    figure.add_bar(
        x=places, y=[abs(peak) for peak in reps.peak_deg], width=0.6, showlegend=False, name="repetitions",
        marker={
            "color": [edge if rep in used else css(PAPER) for rep, edge in zip(reps.rep, edges, strict=True)],
            "line": {"width": 2, "color": edges},
        },
        error_y=_error(list(reps.uncertainty_deg), css(INK)), customdata=list(reps.rep), textposition="none",
        text=[amount(peak, error, change.tier) for peak, error in zip(reps.peak_deg, reps.uncertainty_deg, strict=True)],
        hovertemplate=Sentence("{repetition} %{{customdata}}<br>%{{text}}<extra></extra>", repetition="repetition"),
    )  # fmt: skip
    marks = [f"<b>{rep}</b>" if rep in used else str(rep) for rep in reps.rep]
    figure.update_xaxes(range=[0.4, len(reps) + 0.6], tickvals=places, ticktext=marks)
    highest = max(float((table.peak_deg.abs() + table.uncertainty_deg.fillna(0)).max()) for table in (reps, *beside))
    _set_numbers(figure.layout.yaxis, 0, 1.05 * highest, sign)
    _dress(figure, 190, {"l": 46, "r": 8, "t": 46, "b": 30})
    value = amount(last.size_deg, last.uncertainty_deg, change.tier)
    return _headed(
        figure,
        Sentence("{side} leg, {direction}: {amount}", side=leg, direction=DIRECTION_WORD[direction], amount=value),
        "full bars give the value (line and band)",
        f"{leg}-text",
    )


# ---------------------------------------------------------------------- left against right
def sides_figure(sides: Sequence[Any], flag_deg: float) -> go.Figure:
    """Return how much larger left is than right, per direction of one drill, with the error of the difference.

    Parameters
    ----------
    sides : sequence of rotrack.progress.change.Sides
        The directions of one drill, at least one. A mark left of the middle means that left is larger.
    flag_deg : float
        A clear difference above this is named, deg; two dashed lines, but not for an index.
    """
    index, sign = sides[0].tier.is_index, sides[0].tier.unit
    figure = go.Figure()
    for at in (0.0,) if index else (-flag_deg, 0.0, flag_deg):
        figure.add_shape(
            type="line", xref="x", yref="y domain", x0=at, x1=at, y0=0, y1=1, layer="below",
            line={"color": css(MUTED), "width": 1 if at else 2, "dash": "dash" if at else "solid"},
        )  # fmt: skip
    rows = list(range(len(sides), 0, -1))
    figure.add_scatter(
        x=[one.difference_deg for one in sides], y=rows, mode="markers", showlegend=False, name="left minus right",
        error_x=_error([one.error_deg for one in sides], css(INK)), marker=_mark("circle", css(INK), 11),
        text=[Sentence(f"{{n:.1f}} \u00b1 {{e:.1f}}{sign}", n=abs(one.difference_deg), e=one.error_deg) for one in sides],
        hovertemplate=Sentence("{difference} %{{text}}<extra></extra>", difference="difference"),
    )  # fmt: skip
    words = [DIRECTION_WORD[Direction(one.direction)] for one in sides]
    figure.update_yaxes(range=[0.4, len(sides) + 0.6], tickvals=rows, ticktext=words, showgrid=False)
    reach = 1.08 * max([abs(one.difference_deg) + one.error_deg for one in sides] + [0.0 if index else 1.2 * flag_deg])
    _set_numbers(figure.layout.xaxis, -reach, reach, sign, most=8)
    figure.update_xaxes(range=[reach, -reach], ticktext=[_tick(abs(t), sign) for t in figure.layout.xaxis.tickvals])
    _dress(figure, 84 + 34 * len(sides), {"l": 70, "r": 14, "t": 30, "b": 30})
    _write(figure, Sentence("<b>{said}</b>", said="\u2190 left is larger"), 0, 1, yshift=5, colour="left-text")
    return _write(
        figure, Sentence("<b>{said}</b>", said="right is larger \u2192"), 1, 1, yshift=5, colour="right-text", xanchor="right"
    )


# ---------------------------------------------------------------------- faults
def faults_figure(shares: Any, titles: Mapping[str, str]) -> go.Figure:
    """Return how often each fault occurred in each session of one drill.

    Parameters
    ----------
    shares : pandas.DataFrame
        Columns started_at (aware), side, fault (its letter), share (0 to 1).
    titles : mapping of str to str
        What the letters mean; one panel each, in this order, at least one.
    """
    figure, panel, gap, foot = go.Figure(), 76, 30, 70
    high = len(titles) * (panel + gap)
    for row, (letter, title) in enumerate(titles.items()):
        top = 1 - (row * (panel + gap) + gap) / high
        axis = "" if row == 0 else str(row + 1)
        for side in Side:
            leg = Sentence("{side} leg", side=side)
            own = shares[(shares.fault == letter) & (shares.side == side)]
            figure.add_scatter(
                x=[_wall(day) for day in own.started_at], y=[100 * share for share in own.share], yaxis=f"y{axis}",
                mode="lines+markers", name=leg, showlegend=row == 0 and bool((shares.side == side).any()),
                line={"color": css(SIDE_RGB[side]), "width": 2}, marker=_mark(SIDE_MARKS[side], css(SIDE_RGB[side]), 8),
                hovertemplate=Sentence(
                    "%{{x|{day}}}<br>{leg}: %{{y:.0f}} %<extra></extra>", day=_DAY, leg=leg
                ),
            )  # fmt: skip
        figure.layout[f"yaxis{axis}"] = {
            "domain": [max(top - panel / high, 0.0), top], "range": [-8, 108], "tickvals": [0, 50, 100],
            "ticktext": ["0 %", "50 %", "100 %"], "anchor": "x",
        }  # fmt: skip
        _write(figure, Sentence("<b>{fault} ({letter})</b>", fault=literal(title), letter=letter), 0, top, yshift=5)
    figure.update_xaxes(anchor=f"y{len(titles) if len(titles) > 1 else ''}")
    _set_days(figure.layout.xaxis, [_wall(day) for day in shares.started_at], 5, 0.04)
    return _dress(figure, high + foot, {"l": 54, "r": 14, "t": 0, "b": foot}, legend=True)


# ---------------------------------------------------------------------- parts
def literal(text: str) -> str:
    """Return a text that plotly writes as it is, whatever signs are in it; of a sentence, whatever is in its values."""
    if isinstance(text, Sentence):
        values = {name: literal(value) if isinstance(value, str) else value for name, value in text.message.values.items()}
        return Sentence(text.message.code, **values)
    return html.escape(text, quote=False)


def _wall(time: datetime) -> datetime:
    """Return a time as the clock on the wall showed it."""
    return time.replace(tzinfo=None)


def _noon(date: str) -> datetime:
    return datetime.fromisoformat(date) + timedelta(hours=12)


def _mark(symbol: str, colour: str, size: float, full: bool = True) -> dict[str, Any]:
    return {"symbol": symbol, "size": size, "color": colour if full else css(PAPER), "line": {"width": 2, "color": colour}}


def _error(errors: Sequence[float], colour: str, thin: bool = False) -> dict[str, Any]:
    known = [error if math.isfinite(error) else 0.0 for error in errors]
    return {"type": "data", "array": known, "color": colour, "thickness": 0.7 if thin else 1.5, "width": 0 if thin else 4}


def _add_band(figure: go.Figure, middle: float, half: float, colour: str) -> None:
    if math.isfinite(half):
        figure.add_shape(
            type="rect", xref="x domain", yref="y", x0=0, x1=1, y0=middle - half, y1=middle + half, fillcolor=colour,
            opacity=BAND_OPACITY, line={"width": 0}, layer="below",
        )  # fmt: skip


def _add_level(figure: go.Figure, at: float, colour: str, dash: str, start: Any, end: Any) -> None:
    line = {"color": colour, "width": 1.5, "dash": dash}
    figure.add_shape(type="line", xref="x", yref="y", x0=start, x1=end, y0=at, y1=at, line=line, layer="below")


def _write(
    figure: go.Figure, text: str, x: Any, y: float, xref: str = "paper", yref: str = "paper", xshift: float = 0,
    yshift: float = 0, colour: str = "ink", xanchor: str = "left", yanchor: str = "bottom", size: int = TYPE_PX,
) -> go.Figure:  # fmt: skip
    return figure.add_annotation(
        text=text, x=x, y=y, xref=xref, yref=yref, xshift=xshift, yshift=yshift, xanchor=xanchor, yanchor=yanchor,
        showarrow=False, font={"size": size, "color": css(CSS_RGB[colour][0])}, borderpad=0,
    )  # fmt: skip


def _headed(figure: go.Figure, heading: str, below: str, colour: str) -> go.Figure:
    """Write two lines above a panel, from its left edge."""
    left = -figure.layout.margin.l + 2
    _write(figure, Sentence("<b>{Heading}</b>", heading=heading), 0, 1, xshift=left, yshift=24, colour=colour, size=TYPE_PX + 1)
    return _write(figure, below, 0, 1, xshift=left, yshift=7, colour="muted", size=TYPE_PX - 1)


def _dress(figure: go.Figure, height: int, margin: dict[str, int], legend: bool = False) -> go.Figure:
    figure.update_xaxes(showgrid=False, **_LOOK)
    figure.update_yaxes(**_LOOK)
    return figure.update_layout(
        template="none",
        height=height,
        margin={**margin, "pad": 0},
        font={"family": "system-ui, sans-serif", "size": TYPE_PX, "color": css(INK)},
        hovermode="closest",
        dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=legend,
        legend={
            "orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom",
            "itemclick": False, "itemdoubleclick": False, "bgcolor": "rgba(0,0,0,0)",
        },
    )  # fmt: skip


def _set_numbers(axis: Any, low: float, high: float, sign: str, most: int = 5) -> None:
    """Give an axis its range and round ticks, at most `most` steps."""
    step = next(s * 10.0**e for e in range(-2, 5) for s in (1, 2, 5) if (high - low) / (s * 10.0**e) <= most)
    ticks = [step * n for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    axis.update(range=[low, high], tickvals=ticks, ticktext=[_tick(t, sign) for t in ticks], showgrid=True)


def _set_days(axis: Any, days: Sequence[datetime], most: int, room_after: float) -> None:
    """Give a time axis its range and days or months as ticks; the year stands below the first of its days."""
    first, last = min(days), max(days)
    span = max(last - first, timedelta(days=2))
    ticks = sorted({day.date(): day for day in reversed(days)}.values())  # the days themselves, if they fit beside each other
    if len(ticks) > most or min((b - a for a, b in pairwise(ticks)), default=span) < 0.8 * span / most:
        ticks = _ticks(first, last, most)
    texts = [
        Sentence("{day}<br>{year}", day=_short(day), year=day.year) if n == 0 or day.year != ticks[n - 1].year else _short(day)
        for n, day in enumerate(ticks)
    ]
    axis.update(range=[first - 0.06 * span, last + (0.06 + room_after) * span], tickvals=ticks, ticktext=texts, type="date")


def _short(day: datetime) -> Sentence:
    return Sentence(f"{{d}} {MONTHS[day.month - 1][:3]}", d=day.day)


def _tick(value: float, sign: str) -> Sentence:
    return Sentence(f"{{minus}}{{n:g}}{sign}", minus="\u2212" if value < 0 else "", n=abs(value))


def _number(value: float, sign: str) -> Sentence:
    return Sentence(f"{{n:.1f}}{sign}", n=value)


def _ticks(first: datetime, last: datetime, most: int) -> list[datetime]:
    """Return at most `most` times: days after the first one, or where those are too many the beginnings of months."""
    for step in (1, 2, 7, 14):
        ticks = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]
        if len(ticks) <= most:
            return ticks
    for step in (1, 2, 3, 4, 6, 12, 24, 60, 120, 240, 600):
        months = range(12 * first.year + first.month, 12 * last.year + last.month)
        ticks = [datetime(m // 12, m % 12 + 1, 1) for m in months if m % step == 0]
        if len(ticks) <= most:
            break
    return ticks
