"""Plots as plotly figures, drawn from tables and computing nothing; one set for files, page, report and notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rotrack.errors import RecordError
from rotrack.model import Direction, Side
from rotrack.ui.theme import DIRECTION_MARK, DIRECTION_WORD, INK, MUTED, SIDE_RGB, css


def session_figure(curve: Any, reps: Any, title: str, subtitle: str = "") -> go.Figure:
    """Return the angle curve of a session with its repetitions.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns time_s, side, angle_deg, live_deg.
    reps : pandas.DataFrame
        Columns side, direction, rep, valid, peak_deg, peak_s, start_s, end_s, faults.
    title, subtitle : str
        Headings.

    Returns
    -------
    plotly.graph_objects.Figure
        One panel per measured side; angle_deg as a line, live_deg dotted and hidden until chosen, peaks as triangles (up
        internal, down external; open when not valid).
    """
    sides = [side for side in Side if (curve.side == side).any()]
    figure = make_subplots(
        rows=len(sides),
        cols=1,
        shared_xaxes=True,
        shared_yaxes="all",
        vertical_spacing=0.12,
        subplot_titles=[f"{side} leg" for side in sides],
    )
    for row, side in enumerate(sides, start=1):
        part = curve[curve.side == side]
        colour = css(SIDE_RGB[side])
        figure.add_scatter(
            x=part.time_s, y=part.live_deg, name=f"{side}, as shown live", legendgroup="live", row=row, col=1,
            line={"color": css(MUTED), "width": 1, "dash": "dot"}, visible="legendonly", hovertemplate="%{y:.1f}\u00b0",
        )  # fmt: skip
        figure.add_scatter(
            x=part.time_s, y=part.angle_deg, name=f"{side}, angle", row=row, col=1,
            line={"color": colour, "width": 2.5}, hovertemplate="%{y:.1f}\u00b0 at %{x:.2f} s",
        )  # fmt: skip
        figure.add_hline(y=0, line={"color": css(MUTED), "width": 1}, row=row, col=1)
        for direction in Direction:
            _add_peaks(figure, reps[(reps.side == side) & (reps.direction == direction)], side, direction, row)
        figure.update_yaxes(
            title={"text": "internal +, external \u2212, degrees", "font": {"size": 13}}, ticksuffix="\u00b0", row=row, col=1
        )
    figure.update_xaxes(title_text="time, s", row=len(sides), col=1)
    figure.update_layout(
        title={"text": title, "subtitle": {"text": subtitle}, "x": 0.01},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 15, "color": css(INK)},
        height=200 + 300 * max(len(sides), 1),
        legend={"orientation": "h", "y": -0.16 if len(sides) > 1 else -0.3},
        margin={"l": 70, "r": 30, "t": 110, "b": 60},
        hovermode="closest",
    )
    return figure


def _add_peaks(figure: go.Figure, reps: Any, side: Side, direction: Direction, row: int) -> None:
    if not len(reps):
        return
    mark = DIRECTION_MARK[direction]
    labels = [
        f"{abs(peak):.0f}\u00b0{' ' + ' '.join(faults) if faults else ''}"
        for peak, faults in zip(reps.peak_deg, reps.faults, strict=True)
    ]
    figure.add_scatter(
        x=reps.peak_s, y=reps.peak_deg, mode="markers+text", text=labels, row=row, col=1,
        textposition="top center" if direction is Direction.INTERNAL else "bottom center",
        marker={
            "symbol": [mark if valid else f"{mark}-open" for valid in reps.valid],
            "size": 13, "color": css(SIDE_RGB[side]), "line": {"width": 2, "color": css(SIDE_RGB[side])},
        },
        cliponaxis=False, name=f"{side}, {DIRECTION_WORD[direction]} peak (open: not valid)",
        hovertemplate="repetition %{customdata}: %{y:.1f}\u00b0", customdata=reps.rep,
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
