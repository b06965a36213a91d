"""Plots as plotly figures, drawn from tables and computing nothing; one set for files, page, report and notebooks.

Every word in a figure goes through a `say` that translates it. `for_page` makes a figure fit the page, whose style sheet then
gives it the colours of the light or dark page; that is what the names (`uid`) of the lines are for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rotrack.core.messages import Sentence
from rotrack.core.model import Direction, Side
from rotrack.core.tiers import Tier
from rotrack.draw.theme import DIRECTION_MARK, DIRECTION_WORD, INK, MUTED, SIDE_RGB, css
from rotrack.records.session import ALIKE, differences
from rotrack.records.text import load_column
from rotrack.system.files import explained, replace
from rotrack.system.imports import when_used
from rotrack.texts.numbers import amount, seconds

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from plotly import subplots
else:
    go, subplots = when_used("plotly.graph_objects"), when_used("plotly.subplots")

Say = Callable[[str], str]

TEXT_GAP = 0.03
"""What is written at a peak stands off its error bar by this share of the largest one."""
ROOM_FOR_TEXT = 0.15
"""The axis reaches this share further than what is written at the peaks."""
FAINT = 0.5
"""Opacity of what may not be compared with the latest."""
_APART = "-apart"
"""Ends the name of its line."""
DROPPED_MARK = "x-thin-open"
BAND_OPACITY = 0.14
LEAST, MOST_TICKS = timedelta(hours=12), 8
"""A figure over time shows so much time at least, with so many moments named at most."""
CAPS_PX = {Side.LEFT: 4, Side.RIGHT: 8}
"""Half the width of the ends of error bars: left and right of one session stand at one time, and can be told apart."""
BESIDE_SHARE = 0.05
"""Room beside the first and the last session."""


# ---------------------------------------------------------------------- one session
def session_figure(
    curve: Any, reps: Any, title: str = "", subtitle: str = "", tier: str = "A", say: Say = str, numbered: bool = False
) -> go.Figure:
    """Return the angle curve of a session with its repetitions.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns time_s, side, angle_deg, live_deg.
    reps : pandas.DataFrame
        Columns side, direction, rep, valid, dropped, peak_deg, uncertainty_deg, peak_s, start_s, end_s, hold_s, faults.
    title, subtitle : str
        Headings, in the language that is wanted.
    tier : str
        What the numbers are: degrees (A, B), an index (C) or nothing but cycles and hold times (D).
    say : callable
        Translates what is written in the figure from English.
    numbered : bool
        Whether peaks and cycles bear the numbers of their repetitions instead of their sizes and hold times.

    Returns
    -------
    plotly.graph_objects.Figure
        One panel per side with an angle, or per side if there is none; angle_deg as a line, live_deg dotted and hidden until
        chosen, peaks as triangles with their 95 % error (up internal, down external; open when not valid, a cross when dropped).
        For tier D the cycles are shaded and the line has no scale.
    """
    sides = [side for side in Side if (curve.side == side).any()]
    seen = [side for side in sides if curve.angle_deg[curve.side == side].notna().any()]
    sides = seen or sides
    figure = subplots.make_subplots(
        rows=max(len(sides), 1),
        cols=1,
        shared_xaxes=True,
        shared_yaxes="all",
        vertical_spacing=0.12,
        subplot_titles=[say(Sentence("{side} leg", side=side)) for side in sides],
    )
    tier = Tier(tier)
    unit = tier.unit
    labels_at = [0.0]
    for row, side in enumerate(sides, start=1):
        part = curve[curve.side == side]
        own = reps[reps.side == side]
        colour = css(SIDE_RGB[side])
        what = "{side}, roll of the hips" if tier.is_counted else "{side}, index" if tier.is_index else "{side}, angle"
        name, live = say(Sentence(what, side=side)), say(Sentence("{side}, as shown live", side=side))
        if tier.is_counted:
            figure.add_scatter(
                x=part.time_s, y=part.angle_deg.abs(), name=name, uid=f"{side}-angle", row=row, col=1,
                line={"color": colour, "width": 2.5}, hovertemplate="%{x:.2f} s<extra></extra>",
            )  # fmt: skip
            _add_cycles(figure, own, side, row, say, numbered)
            figure.update_yaxes(
                title={"text": say("roll of the hips, no scale"), "font": {"size": 13}}, showticklabels=False, row=row, col=1
            )
            continue
        figure.add_scatter(
            x=part.time_s, y=part.live_deg, name=live, legendgroup="live", uid=f"{side}-live",
            line={"color": css(MUTED), "width": 1, "dash": "dot"}, visible="legendonly", hovertemplate=f"%{{y:.1f}}{unit}",
            row=row, col=1,
        )  # fmt: skip
        figure.add_scatter(
            x=part.time_s, y=part.angle_deg, name=name, uid=f"{side}-angle",
            line={"color": colour, "width": 2.5}, hovertemplate=f"%{{y:.1f}}{unit}, %{{x:.2f}} s<extra></extra>", row=row, col=1,
        )  # fmt: skip
        figure.add_hline(y=0, line={"color": css(MUTED), "width": 1}, row=row, col=1)
        for direction in Direction:
            labels_at += _add_peaks(figure, own[own.direction == direction], side, direction, row, tier, say, numbered)
        what = "internal +, external \u2212, index" if tier.is_index else "internal +, external \u2212, degrees"
        figure.update_yaxes(title={"text": say(what), "font": {"size": 13}}, ticksuffix=unit, row=row, col=1)
    room = ROOM_FOR_TEXT * (max(labels_at) - min(labels_at))
    figure.update_yaxes(autorangeoptions={"include": [min(labels_at) - room, max(labels_at) + room]})
    figure.update_xaxes(title_text=say("time, s"), row=max(len(sides), 1), col=1)
    about = tier.caption
    figure.update_layout(
        title={"text": f"{title} ({say(about)})" if about else title, "subtitle": {"text": subtitle}, "x": 0.01},
        height=200 + 300 * max(len(sides), 1),
        legend={"orientation": "h", "y": -0.16 if len(sides) > 1 else -0.3},
        margin={"l": 70, "r": 30, "t": 110, "b": 60},
    )
    return _dressed(figure)


def _dressed(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 15, "color": css(INK)},
        hovermode="closest",
    )


def _add_peaks(
    figure: go.Figure, reps: Any, side: Side, direction: Direction, row: int, tier: Tier, say: Say, numbered: bool
) -> list[float]:
    """Add the peaks of one direction; return where their labels stand."""
    if not len(reps):
        return []
    mark, colour = DIRECTION_MARK[direction], css(SIDE_RGB[side])
    sizes = [
        f"{say(amount(peak, error, tier, 0))}{' ' + ' '.join(faults) if faults else ''}"
        for peak, error, faults in zip(reps.peak_deg, reps.uncertainty_deg, reps.faults, strict=True)
    ]
    marks = [
        DROPPED_MARK if dropped else mark if valid else f"{mark}-open"
        for valid, dropped in zip(reps.valid, reps.dropped, strict=True)
    ]
    errors = reps.uncertainty_deg.fillna(0)
    name = say(Sentence("{side} {direction} peak \u00b1 95 % (open: not valid)", side=side, direction=DIRECTION_WORD[direction]))
    figure.add_scatter(
        x=reps.peak_s, y=reps.peak_deg, mode="markers", row=row, col=1, uid=f"{side}-{direction}",
        marker={"symbol": marks, "size": 13, "color": colour, "line": {"width": 2, "color": colour}},
        error_y={"type": "data", "array": errors, "color": css(INK), "thickness": 1.5, "width": 6},
        cliponaxis=False, name=name, legendgroup=name, customdata=list(zip(reps.rep, sizes, strict=True)),
        hovertemplate=f"{say('repetition')} %{{customdata[0]}}: %{{customdata[1]}}<extra></extra>",
    )  # fmt: skip
    ends = reps.peak_deg + direction.sign * (errors + TEXT_GAP * (reps.peak_deg.abs() + errors).max())
    figure.add_scatter(
        x=reps.peak_s, y=ends, mode="text", text=[str(n) for n in reps.rep] if numbered else sizes, row=row, col=1,
        cliponaxis=False, hoverinfo="skip", textposition="top center" if direction is Direction.INTERNAL else "bottom center",
        showlegend=False, name=name, legendgroup=name, uid=f"{side}-{direction}-labels",
    )  # fmt: skip
    return list(ends)


def _add_cycles(figure: go.Figure, reps: Any, side: Side, row: int, say: Say, numbered: bool) -> None:
    """Shade the cycles of a stretch and write their hold times, or only their numbers."""
    for cycle in reps.itertuples():
        number = say(Sentence("cycle {n}", n=cycle.rep))
        held = say(Sentence("held {time}", time=seconds(cycle.hold_s))) if not cycle.dropped else say("left out")
        figure.add_vrect(
            x0=cycle.start_s, x1=cycle.end_s, fillcolor=css(SIDE_RGB[side]), opacity=0.05 if cycle.dropped else 0.12,
            line_width=0,
            annotation={"text": str(cycle.rep) if numbered else f"{number}<br>{held}", "showarrow": False},
            annotation_position="inside bottom", row=row, col=1,
        )  # fmt: skip


# ---------------------------------------------------------------------- many sessions
def history_figure(
    table: Any, tier: str = "A", say: Say = str, day_format: str = "%-d %b", shown: tuple[datetime, datetime] | None = None,
    goals: Mapping[tuple[Side, Direction], float] = MappingProxyType({}),
) -> go.Figure:  # fmt: skip
    """Return the values of one drill over time, each with its measurement error.

    Parameters
    ----------
    table : pandas.DataFrame
        A `history_table` of one person and one drill that is measured, or what `rotrack.records.spans.means` makes of it.
    tier : str
        What the numbers are: degrees (A, B) or an index (C).
    say : callable
        Translates what is written in the figure from English.
    day_format : str
        How days are written before the year, as for d3-time-format.
    shown : tuple of datetime, optional
        The first and the last moment of the time axis; without it, what the sessions need.
    goals : mapping of tuple of Side and Direction to float
        How far the person wants to turn, deg, as a dotted line in the panel of its direction; of legs that have a value.

    Returns
    -------
    plotly.graph_objects.Figure
        One panel per direction; per side a line with 95 % error bars in a light band of the same width, over the size of the
        angle; means of several sessions in a band from the smallest to the largest of them. A value stands at its time. Internal
        rotation has full triangles that point up, external open ones that point down. Only like is joined with like (see
        `ALIKE`), and nothing where the person has no name, since that may be several people. What is not like the latest of its
        leg and direction is fainter and smaller, its line dashed, and says what differs; see `drawn_apart`. Each point bears the
        id, the value in words and the real time of its session.
    """
    tier = Tier(tier)
    table = table[table.value_deg.notna()]
    directions = [direction for direction in Direction if (table.direction == direction).any()]
    figure = subplots.make_subplots(
        rows=max(len(directions), 1),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.14,
        subplot_titles=[say(Sentence("{direction} rotation", direction=DIRECTION_WORD[direction])) for direction in directions],
    )
    unit = tier.unit
    times = _times(table)
    table = table.assign(
        load=load_column(table),
        words=[_words(row, tier, say) for row in table.itertuples()],
    )
    hover = f"%{{customdata[2]|{day_format} %Y, %H:%M}}<br>%{{customdata[1]}}<extra></extra>"
    for row, direction in enumerate(directions, start=1):
        for side in Side:
            own = table[(table.side == side) & (table.direction == direction)]
            if not len(own):
                continue
            latest = own.iloc[-1]
            for number, (_, group) in enumerate(own.groupby(list(ALIKE), sort=False)):
                differs = differences(*({name: kind[name] for name in ALIKE} for kind in (group.iloc[0], latest)))
                _add_points(figure, group, hover, say, row, number, list(map(say, differs)))
            goal_deg = goals.get((side, direction), math.nan)
            if math.isfinite(goal_deg):
                _add_goal(figure, goal_deg, shown or _shown(times), side, tier, say, row)
        figure.update_yaxes(rangemode="tozero", ticksuffix=unit, row=row, col=1)
        if tier.is_index:
            figure.update_yaxes(title_text=say("index"), row=row, col=1)
    figure.update_xaxes(
        tickformatstops=[
            {"dtickrange": [None, 86_399_999], "value": f"%H:%M\n{day_format}"},
            {"dtickrange": [86_400_000, None], "value": f"{day_format}\n%Y"},
        ],
        range=list(shown) if shown else _shown(times),
        nticks=MOST_TICKS,
    )
    figure.update_layout(
        height=110 + 270 * max(len(directions), 1),
        legend={"orientation": "h", "y": -0.2},
        margin={"l": 70, "r": 30, "t": 50, "b": 60},
    )
    return _dressed(figure)


def _shown(times: Sequence[datetime]) -> list[datetime] | None:
    """Return the first and the last moment of a figure of some times, with room beside them."""
    if not times:
        return None
    span = max(times) - min(times)
    beside = max(span * BESIDE_SHARE, (LEAST - span) / 2)
    return [min(times) - beside, max(times) + beside]


def _words(row: Any, tier: Tier, say: Say) -> str:
    """Return the value of a session in words, or the mean of several."""
    if not hasattr(row, "sessions"):
        return say(amount(abs(row.value_deg), row.uncertainty_deg, tier))
    value = Sentence(f"{{n:.1f}}{tier.unit}", n=abs(row.value_deg))
    return say(
        Sentence(
            "{value}, mean of {n} ({low:.1f} to {high:.1f})", value=value, n=row.sessions, low=row.low_deg, high=row.high_deg
        )
    )


def _times(table: Any) -> list[datetime]:
    """Return when the sessions began, by the clock on the wall."""
    return [datetime.fromisoformat(text).replace(tzinfo=None) for text in table.started_at]


def drawn_apart(figure: go.Figure) -> bool:
    """Return whether a `history_figure` has sessions that may not be compared with the latest."""
    return any(_APART in (trace.uid or "") for trace in figure.data)


def _add_goal(
    figure: go.Figure, goal_deg: float, ends: Sequence[datetime] | None, side: Side, tier: Tier, say: Say, row: int
) -> None:
    name = f"{say(Sentence('{side} leg', side=side))}, {say('goal')} {goal_deg:g}{tier.unit}"
    figure.add_scatter(
        x=list(ends or ()), y=[goal_deg] * len(ends or ()), mode="lines", name=name, showlegend=False, row=row, col=1,
        uid=f"{side}-goal-{row}", line={"color": css(SIDE_RGB[side]), "width": 1.5, "dash": "dot"},
        hovertemplate=f"{name}<extra></extra>",
    )  # fmt: skip


def _add_points(figure: go.Figure, group: Any, hover: str, say: Say, row: int, number: int, differs: Sequence[str]) -> None:
    """Add the values of one side and direction that can be compared with each other, and their band.

    `differs` tells in what they are not like the latest; empty if those are among them.
    """
    side, direction = Side(group.side.iloc[0]), Direction(group.direction.iloc[0])
    colour, mark = css(SIDE_RGB[side]), DIRECTION_MARK[direction]
    sizes, errors = group.value_deg.abs(), group.uncertainty_deg.fillna(0)
    name = f"{say(Sentence('{side} leg', side=side))}, {say(DIRECTION_WORD[direction])}"
    times = _times(group)
    low, high = (group.low_deg, group.high_deg) if "sessions" in group else (sizes - errors, sizes + errors)
    joined, which = bool(group.person.iloc[0]), f"{side}-{direction}-{row}-{number}{_APART if differs else ''}"
    words = ["<br>".join([text, *differs]) for text in group.words]
    if joined:
        figure.add_scatter(
            x=times + times[::-1], y=[*high, *low[::-1]], fill="toself", fillcolor=colour, mode="lines",
            opacity=BAND_OPACITY * (FAINT if differs else 1), line={"width": 0}, hoverinfo="skip", showlegend=False,
            legendgroup=name, row=row, col=1, uid=f"{which}-band",
        )  # fmt: skip
    figure.add_scatter(
        x=times, y=sizes, name=name, legendgroup=name, showlegend=number == 0, row=row, col=1,
        mode="lines+markers" if joined else "markers", uid=which, opacity=FAINT if differs else 1,
        line={"color": colour, "width": 1.5 if differs else 2, "dash": "dash" if differs else "solid"},
        marker={
            "symbol": mark if direction is Direction.INTERNAL else f"{mark}-open",
            "size": 8 if differs else 12, "color": colour, "line": {"width": 2, "color": colour},
        },
        error_y={"type": "data", "array": errors, "color": colour, "thickness": 1.5, "width": CAPS_PX[side]},
        customdata=list(zip(group.session_id, words, map(str, times), strict=True)),
        hovertemplate=hover,
    )  # fmt: skip


# ---------------------------------------------------------------------- two instruments
def agreement_figure(pairs: Any, agreement: Any, title: str = "", say: Say = str) -> go.Figure:
    """Return the Bland-Altman plot of two instruments.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns side, direction, mean_deg, difference_deg, rotrack_deg, reading_deg, session_id.
    agreement : rotrack.progress.agreement.Agreement
        What was computed from them.
    title : str
        Heading, in the language of the figure.
    say : callable
        Translates what is written in the figure from English.

    Returns
    -------
    plotly.graph_objects.Figure
        Difference over mean, one mark per side and direction (up and full internal, down and open external); bias as a line,
        limits of agreement dashed, each in the band of its 95 % confidence interval.
    """
    figure = go.Figure()
    lines = (
        ("bias", agreement.bias_deg, agreement.bias, "solid"),
        ("lower limit", agreement.lower_deg, agreement.lower, "dash"),
        ("upper limit", agreement.upper_deg, agreement.upper, "dash"),
    )
    for name, value, interval, dash in lines:
        figure.add_hrect(
            y0=interval.low, y1=interval.high, fillcolor=css(MUTED), opacity=BAND_OPACITY * 2, line_width=0, layer="below"
        )
        figure.add_hline(y=value, line={"color": css(INK), "width": 2, "dash": dash}, layer="below")
        figure.add_annotation(
            text=f"{say(name)} {value:+.1f}\u00b0".replace("-", "\u2212"),
            x=1.01, xref="paper", xanchor="left", y=value, yanchor="middle", showarrow=False,
        )  # fmt: skip
    for side in Side:
        for direction in Direction:
            own = pairs[(pairs.side == side) & (pairs.direction == direction)]
            if not len(own):
                continue
            mark, colour = DIRECTION_MARK[direction], css(SIDE_RGB[side])
            figure.add_scatter(
                x=own.mean_deg, y=own.difference_deg, mode="markers", uid=f"{side}-{direction}",
                name=f"{say(Sentence('{side} leg', side=side))}, {say(DIRECTION_WORD[direction])}",
                marker={
                    "symbol": mark if direction is Direction.INTERNAL else f"{mark}-open",
                    "size": 12, "color": colour, "line": {"width": 2, "color": colour},
                },
                customdata=own[["rotrack_deg", "reading_deg", "session_id"]].to_numpy(),
                hovertemplate="%{customdata[0]:.1f}\u00b0 \u2212 %{customdata[1]:.1f}\u00b0<br>%{customdata[2]}<extra></extra>",
            )  # fmt: skip
    icc, room = agreement.icc, ROOM_FOR_TEXT * (agreement.upper.high - agreement.lower.low)
    about = [
        f"{agreement.pairs} {say('pairs')}",
        f"ICC(2,1) {icc.value:.2f} ({icc.interval.low:.2f} {say('to')} {icc.interval.high:.2f})",
        say("grey: 95 % confidence intervals"),
    ]
    figure.update_xaxes(title_text=say("mean of both, degrees"), ticksuffix="\u00b0", zeroline=False)
    figure.update_yaxes(
        title_text=say("rotrack minus the other, degrees"), ticksuffix="\u00b0", zerolinecolor=css(MUTED), zerolinewidth=1,
        autorangeoptions={"include": [agreement.lower.low - room, agreement.upper.high + room]},
    )  # fmt: skip
    figure.update_layout(
        title={"text": title, "subtitle": {"text": ", ".join(about)}},
        height=560,
        showlegend=True,
        legend={"orientation": "h", "y": -0.2},
        margin={"l": 80, "r": 170, "t": 90, "b": 90},
    )
    return _dressed(figure)


# ---------------------------------------------------------------------- where figures go
def for_page(figure: go.Figure, decimal: str = ".") -> go.Figure:
    """Make a figure fit the page: without ground, title, legend and hidden lines of its own, as high as the page says.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The figure, which is changed.
    decimal : str
        The language's decimal sign.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure; the zoom of the reader stays when the figure is drawn again.
    """
    figure.layout.title = None
    figure.data = [line for line in figure.data if line.visible != "legendonly"]
    return figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        separators=f"{decimal} ",
        uirevision="kept",
        margin={"l": 62, "r": 16, "t": 34, "b": 48},
        height=None,
        autosize=True,
    )


def page_bytes(figure: go.Figure) -> bytes:
    """Return a figure as one page that opens without a network."""
    page: str = figure.to_html(include_plotlyjs=True, config={"displaylogo": False, "responsive": True})
    return page.encode("utf-8", "replace")


def write_html(figure: go.Figure, path: Path) -> None:
    """Write a figure into a session's folder, where it takes the place of an older one.

    For a file that a person asked for, there are `page_bytes` and `rotrack.system.files.write_for_person`.

    Raises
    ------
    RecordError
        If the file cannot be written.
    """
    with explained(path):
        replace({path: page_bytes(figure)}, durable=False)
