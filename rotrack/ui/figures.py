"""Plots as plotly figures, drawn from tables and computing nothing; one set for files, page, report and notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rotrack.errors import RecordError
from rotrack.model import Direction, Side
from rotrack.ui.theme import DIRECTION_MARK, DIRECTION_WORD, INK, MUTED, SIDE_RGB, css
from rotrack.ui.words import COUNTED, INDEX, amount, is_counted, is_index, seconds

TEXT_GAP = 0.03
"""What is written at a peak stands off its error bar by this share of the largest one."""
ROOM_FOR_TEXT = 0.15
"""The axis reaches this share further than what is written at the peaks."""


def session_figure(curve: Any, reps: Any, title: str, subtitle: str = "", tier: str = "A") -> go.Figure:
    """Return the angle curve of a session with its repetitions.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns time_s, side, angle_deg, live_deg.
    reps : pandas.DataFrame
        Columns side, direction, rep, valid, peak_deg, uncertainty_deg, peak_s, start_s, end_s, hold_s, faults.
    title, subtitle : str
        Headings.
    tier : str
        What the numbers are: degrees (A, B), an index (C) or nothing but cycles and hold times (D).

    Returns
    -------
    plotly.graph_objects.Figure
        One panel per side with an angle, or per side if there is none; angle_deg as a line, live_deg dotted and hidden until
        chosen, peaks as triangles with their 95 % error (up internal, down external; open when not valid). For tier D the cycles
        are shaded and the line has no scale.
    """
    sides = [side for side in Side if (curve.side == side).any()]
    seen = [side for side in sides if curve.angle_deg[curve.side == side].notna().any()]
    sides = seen or sides
    figure = make_subplots(
        rows=max(len(sides), 1),
        cols=1,
        shared_xaxes=True,
        shared_yaxes="all",
        vertical_spacing=0.12,
        subplot_titles=[f"{side} leg" for side in sides],
    )
    unit = "\u00b0" if not is_index(tier) else ""
    labels_at = [0.0]
    for row, side in enumerate(sides, start=1):
        part = curve[curve.side == side]
        own = reps[reps.side == side]
        colour = css(SIDE_RGB[side])
        if is_counted(tier):
            figure.add_scatter(
                x=part.time_s, y=part.angle_deg.abs(), name=f"{side}, roll of the hips", row=row, col=1,
                line={"color": colour, "width": 2.5}, hovertemplate="%{x:.2f} s",
            )  # fmt: skip
            _add_cycles(figure, own, side, row)
            figure.update_yaxes(
                title={"text": "roll of the hips, no scale", "font": {"size": 13}}, showticklabels=False, row=row, col=1
            )
            continue
        figure.add_scatter(
            x=part.time_s, y=part.live_deg, name=f"{side}, as shown live", legendgroup="live", row=row, col=1,
            line={"color": css(MUTED), "width": 1, "dash": "dot"}, visible="legendonly", hovertemplate=f"%{{y:.1f}}{unit}",
        )  # fmt: skip
        figure.add_scatter(
            x=part.time_s, y=part.angle_deg, name=f"{side}, {'index' if is_index(tier) else 'angle'}", row=row, col=1,
            line={"color": colour, "width": 2.5}, hovertemplate=f"%{{y:.1f}}{unit} at %{{x:.2f}} s",
        )  # fmt: skip
        figure.add_hline(y=0, line={"color": css(MUTED), "width": 1}, row=row, col=1)
        for direction in Direction:
            labels_at += _add_peaks(figure, own[own.direction == direction], side, direction, row, tier)
        what = "index" if is_index(tier) else "degrees"
        figure.update_yaxes(
            title={"text": f"internal +, external \u2212, {what}", "font": {"size": 13}}, ticksuffix=unit, row=row, col=1
        )
    room = ROOM_FOR_TEXT * (max(labels_at) - min(labels_at))
    figure.update_yaxes(autorangeoptions={"include": [min(labels_at) - room, max(labels_at) + room]})
    figure.update_xaxes(title_text="time, s", row=max(len(sides), 1), col=1)
    about = INDEX if is_index(tier) else COUNTED if is_counted(tier) else ""
    figure.update_layout(
        title={"text": f"{title} ({about})" if about else title, "subtitle": {"text": subtitle}, "x": 0.01},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 15, "color": css(INK)},
        height=200 + 300 * max(len(sides), 1),
        legend={"orientation": "h", "y": -0.16 if len(sides) > 1 else -0.3},
        margin={"l": 70, "r": 30, "t": 110, "b": 60},
        hovermode="closest",
    )
    return figure


def _add_peaks(figure: go.Figure, reps: Any, side: Side, direction: Direction, row: int, tier: str) -> list[float]:
    """Add the peaks of one direction; return where their labels stand."""
    if not len(reps):
        return []
    mark, colour = DIRECTION_MARK[direction], css(SIDE_RGB[side])
    labels = [
        f"{amount(peak, error, tier, 0)}{' ' + ' '.join(faults) if faults else ''}"
        for peak, error, faults in zip(reps.peak_deg, reps.uncertainty_deg, reps.faults, strict=True)
    ]
    errors = reps.uncertainty_deg.fillna(0)
    name = f"{side} {DIRECTION_WORD[direction]} peak \u00b1 95 % (open: not valid)"
    figure.add_scatter(
        x=reps.peak_s, y=reps.peak_deg, mode="markers", row=row, col=1,
        marker={
            "symbol": [mark if valid else f"{mark}-open" for valid in reps.valid],
            "size": 13, "color": colour, "line": {"width": 2, "color": colour},
        },
        error_y={"type": "data", "array": errors, "color": css(INK), "thickness": 1.5, "width": 6},
        cliponaxis=False, name=name, legendgroup=name, customdata=list(zip(reps.rep, labels, strict=True)),
        hovertemplate="repetition %{customdata[0]}: %{customdata[1]}",
    )  # fmt: skip
    ends = reps.peak_deg + direction.sign * (errors + TEXT_GAP * (reps.peak_deg.abs() + errors).max())
    figure.add_scatter(
        x=reps.peak_s, y=ends, mode="text", text=labels, row=row, col=1, cliponaxis=False, hoverinfo="skip",
        textposition="top center" if direction is Direction.INTERNAL else "bottom center",
        showlegend=False, name=name, legendgroup=name,
    )  # fmt: skip
    return list(ends)


def _add_cycles(figure: go.Figure, reps: Any, side: Side, row: int) -> None:
    """Shade the cycles of a stretch and write their hold times."""
    for cycle in reps.itertuples():
        figure.add_vrect(
            x0=cycle.start_s, x1=cycle.end_s, fillcolor=css(SIDE_RGB[side]), opacity=0.12, line_width=0, row=row, col=1,
            annotation={"text": f"cycle {cycle.rep}<br>held {seconds(cycle.hold_s)}", "showarrow": False},
            annotation_position="inside bottom",
        )  # fmt: skip


def write_html(figure: go.Figure, path: Path) -> None:
    """Write a figure as one file that opens without a network.

    Raises
    ------
    RecordError
        If the file cannot be written.
    """
    try:
        figure.write_html(path, include_plotlyjs=True, config={"displaylogo": False, "responsive": True})
    except OSError as error:
        raise RecordError(f"The plot {path} cannot be written ({error.strerror}); choose another folder with --out.") from error
