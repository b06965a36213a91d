"""Draws a plotly figure as a vector drawing for paper, without a browser.

The figure alone decides what is drawn. This understands what the figures of `rotrack.charts.progress` use: lines, marks, bars
and errors on axes whose range and ticks are given, lines and rectangles as shapes, texts, and a legend along the foot. It refuses
anything else instead of leaving it out.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, PolyLine, Rect, Shape, String
from reportlab.lib.colors import Color
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont

from rotrack.draw.theme import PAPER, Rgb
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import plotly.graph_objects as go
else:
    go = when_used("plotly.graph_objects")

FONT, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
DASHES = {"solid": None, "dash": [6, 4], "dot": [2, 3]}
LINE_HEIGHT = 1.3
_EPOCH = datetime(1970, 1, 1)
_ROW_PX = 20.0
"""Height of a line of the legend."""
_SIGN_PX = 24.0
"""Width of the sign before a name in the legend."""


@cache
def fonts() -> tuple[TTFont, TTFont]:
    """Make the fonts of the report known, plain and bold, and return them; they are embedded into what is written."""
    found = []
    for name in (FONT, BOLD):
        with resources.as_file(resources.files("rotrack.report").joinpath(f"fonts/{name}.ttf")) as path:
            found.append(TTFont(name, str(path)))
        registerFont(found[-1])
    return found[0], found[1]


def drawing_of(figure: go.Figure, width_px: float) -> Drawing:
    """Return a figure as a drawing, one unit a pixel of the figure.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        With the height, the margins, and of each axis the range and the ticks given.
    width_px : float
        How wide it is to be drawn.

    Raises
    ------
    NotImplementedError
        If the figure uses something that this does not know.
    """
    fonts()
    return _Plot(figure, width_px).drawing


def svg_of(drawing: Drawing, title: str) -> str:
    """Return a drawing as an SVG element that fills the width of its place; `title` says in words what it shows."""
    width, height = drawing.width, drawing.height
    parts = [_svg(shape, height) for shape in drawing.contents]
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{html.escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


# ---------------------------------------------------------------------- axes
@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis on paper: where its values come to lie.

    Parameters
    ----------
    given : object
        The axis of the figure.
    low, high : float
        The values at its ends.
    start, end : float
        Where its domain begins and ends, px from the left or from below.
    """

    given: Any
    low: float
    high: float
    start: float
    end: float

    def at(self, value: Any) -> float:
        return self.start + (_number(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def share(self, value: float) -> float:
        return self.start + value * (self.end - self.start)


def _number(value: Any) -> float:
    """Return a value as a number; of times the seconds."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - _EPOCH) / timedelta(seconds=1)
    return float(value)


# ---------------------------------------------------------------------- the plot
class _Plot:
    def __init__(self, figure: go.Figure, width: float) -> None:
        self.figure, layout = figure, figure.layout
        self.drawing = Drawing(width, layout.height)
        margin = layout.margin
        self.left, self.right = margin.l, width - margin.r
        self.bottom, self.top = margin.b, layout.height - margin.t
        self.axes = {name: self._axis(name) for name in sorted(layout) if re.fullmatch(r"[xy]axis\d*", name)}
        self.type_px = layout.font.size
        self._draw()

    def _axis(self, name: str) -> _Axis:
        given = self.figure.layout[name]
        if given.range is None or given.tickvals is None or given.ticktext is None:
            raise NotImplementedError(f"The {name} of the figure has no range or no ticks.")
        first, last = given.domain or (0, 1)
        start, end = (self.left, self.right) if name[0] == "x" else (self.bottom, self.top)
        ends = (start + share * (end - start) for share in (first, last))
        return _Axis(given, *map(_number, given.range), *ends)

    def _draw(self) -> None:
        self._each(self._shape, [shape for shape in self.figure.layout.shapes if shape.layer == "below"])
        self._each(self._ground, list(self.axes))
        for trace in self.figure.data:
            known: dict[str, Callable[[Any], None]] = {"scatter": self._scatter, "bar": self._bars}
            if trace.type not in known:
                raise NotImplementedError(f"A trace of the type {trace.type} cannot be drawn on paper.")
            known[trace.type](trace)
        self._each(self._shape, [shape for shape in self.figure.layout.shapes if shape.layer != "below"])
        self._each(self._ticks, list(self.axes))
        self._each(self._annotation, self.figure.layout.annotations)
        if self.figure.layout.showlegend:
            self._legend()

    def _each(self, draw: Callable[[Any], None], things: Any) -> None:
        for thing in things:
            draw(thing)

    def _add(self, shape: Shape) -> None:
        self.drawing.add(shape)

    def _axes_of(self, trace: Any) -> tuple[_Axis, _Axis]:
        x, y = (getattr(trace, f"{way}axis") or way for way in "xy")
        return self.axes[f"xaxis{x[1:]}"], self.axes[f"yaxis{y[1:]}"]

    # ------------------------------------------------------------------ axes
    def _ground(self, name: str) -> None:
        """Draw the grid of an axis."""
        axis = self.axes[name]
        if axis.given.showgrid is not False:
            for value in axis.given.tickvals:
                self._across(name, axis.at(value), axis.given.gridcolor, axis.given.gridwidth or 1)

    def _across(self, name: str, at: float, colour: str, width: float) -> None:
        other = self._partner(name)
        ends = (at, other.start, at, other.end) if name[0] == "x" else (other.start, at, other.end, at)
        self._add(Line(*ends, strokeColor=_colour(colour), strokeWidth=width))

    def _partner(self, name: str) -> _Axis:
        """Return the axis that an axis stands against."""
        anchor = self.axes[name].given.anchor or ("y" if name[0] == "x" else "x")
        return self.axes[f"{anchor[0]}axis{anchor[1:]}"]

    def _ticks(self, name: str) -> None:
        axis, given, other = self.axes[name], self.axes[name].given, self._partner(name)
        line = {"strokeColor": _colour(given.linecolor), "strokeWidth": given.linewidth or 1}
        font, upright = given.tickfont, name[0] == "y"
        self._add(
            Line(other.start, axis.start, other.start, axis.end, **line)
            if upright
            else Line(axis.start, other.start, axis.end, other.start, **line)
        )
        for value, text in zip(given.tickvals, given.ticktext, strict=True):
            at, out = axis.at(value), given.ticklen or 0
            if not min(axis.start, axis.end) - 0.5 <= at <= max(axis.start, axis.end) + 0.5:
                continue
            if upright:
                self._add(Line(other.start, at, other.start - out, at, **line))
                self._text(text, other.start - out - 4, at, font.size, font.color, "end", "middle")
            else:
                self._add(Line(at, other.start, at, other.start - out, **line))
                self._text(text, at, other.start - out - 3, font.size, font.color, "middle", "top")

    # ------------------------------------------------------------------ traces
    def _scatter(self, trace: Any) -> None:
        x_axis, y_axis = self._axes_of(trace)
        points = [(x_axis.at(x), y_axis.at(y)) for x, y in zip(_values(trace.x), _values(trace.y), strict=True)]
        modes = set((trace.mode or "lines+markers").split("+"))
        if modes - {"lines", "markers"} or trace.fill not in (None, "none"):
            raise NotImplementedError(f"A scatter with the mode {trace.mode} and the fill {trace.fill} cannot be drawn on paper.")
        if "lines" in modes and len(points) > 1:
            self._add(_polyline(points, trace.line.color, trace.line.width or 2, trace.line.dash))
        self._errors(trace, points, x_axis, y_axis)
        if "markers" in modes:
            mark = _marker(trace.marker)
            for x, y in points:
                self._add(mark(x, y))

    def _bars(self, trace: Any) -> None:
        x_axis, y_axis = self._axes_of(trace)
        xs, ys = _values(trace.x), _values(trace.y)
        colours = _spread(trace.marker.color, len(xs))
        edges = _spread(trace.marker.line.color, len(xs))
        for x, y, colour, edge in zip(xs, ys, colours, edges, strict=True):
            left, right = x_axis.at(x - trace.width / 2), x_axis.at(x + trace.width / 2)
            style = {"fillColor": _colour(colour), "strokeColor": _colour(edge), "strokeWidth": trace.marker.line.width or 0}
            self._add(Rect(left, y_axis.at(0), right - left, y_axis.at(y) - y_axis.at(0), **style))
        self._errors(trace, [(x_axis.at(x), y_axis.at(y)) for x, y in zip(xs, ys, strict=True)], x_axis, y_axis)

    def _errors(self, trace: Any, points: list[tuple[float, float]], x_axis: _Axis, y_axis: _Axis) -> None:
        for error, axis, upright in ((trace.error_y, y_axis, True), (trace.error_x, x_axis, False)):
            if error is None or error.array is None:
                continue
            cap, style = error.width or 0, {"strokeColor": _colour(error.color), "strokeWidth": error.thickness or 1}
            for (x, y), size in zip(points, _values(error.array), strict=True):
                off = abs(axis.at(size) - axis.at(0))
                if not off:
                    continue
                middle = (x, y - off, x, y + off) if upright else (x - off, y, x + off, y)
                ends = [
                    (x - cap, y + s * off, x + cap, y + s * off) if upright else (x + s * off, y - cap, x + s * off, y + cap)
                    for s in (-1, 1)
                ]
                for line in (middle, *ends):
                    self._add(Line(*line, **style))

    # ------------------------------------------------------------------ shapes and texts
    def _place(self, value: Any, reference: str, start: float, end: float) -> float:
        """Return where a value of a shape or text lies that is given as `reference` says."""
        if reference == "paper":
            return start + value * (end - start)
        name, _, domain = reference.partition(" ")
        axis = self.axes[f"{name[0]}axis{name[1:]}"]
        return axis.share(value) if domain else axis.at(value)

    def _shape(self, shape: Any) -> None:
        across, up = (shape.xref or "x", self.left, self.right), (shape.yref or "y", self.bottom, self.top)
        x0, x1 = (self._place(x, *across) for x in (shape.x0, shape.x1))
        y0, y1 = (self._place(y, *up) for y in (shape.y0, shape.y1))
        if shape.type == "line":
            self._add(_polyline([(x0, y0), (x1, y1)], shape.line.color, shape.line.width or 2, shape.line.dash))
        elif shape.type == "rect":
            axis = self.axes[f"yaxis{(shape.yref or 'y').split()[0][1:]}"]
            y0, y1 = sorted(min(max(y, axis.start), axis.end) for y in (y0, y1))
            fill = _colour(shape.fillcolor, 1 if shape.opacity is None else shape.opacity)
            self._add(Rect(min(x0, x1), y0, abs(x1 - x0), y1 - y0, fillColor=fill, strokeColor=None, strokeWidth=0))
        else:
            raise NotImplementedError(f"A shape of the type {shape.type} cannot be drawn on paper.")

    def _annotation(self, note: Any) -> None:
        if note.showarrow is not False:
            raise NotImplementedError("A text with an arrow cannot be drawn on paper.")
        x = self._place(note.x, note.xref or "x", self.left, self.right) + (note.xshift or 0)
        y = self._place(note.y, note.yref or "y", self.bottom, self.top) + (note.yshift or 0)
        anchor = {"left": "start", "center": "middle", "right": "end"}[note.xanchor or "center"]
        self._text(note.text, x, y, note.font.size or self.type_px, note.font.color, anchor, note.yanchor or "middle")

    def _text(self, text: str, x: float, y: float, size: float, colour: str, anchor: str, upright: str) -> None:
        """Write lines; `upright` says which part of them is at `y`."""
        lines = text.split("<br>")
        first = {"top": y - 0.95 * size, "middle": y - 0.36 * size, "bottom": y + 0.25 * size}[upright]
        first += {"top": 0, "middle": 0.5, "bottom": 1}[upright] * (len(lines) - 1) * LINE_HEIGHT * size
        for number, line in enumerate(lines):
            plain, font = _plain(line)
            at = first - number * LINE_HEIGHT * size
            self._add(String(x, at, plain, fontName=font, fontSize=size, fillColor=_colour(colour), textAnchor=anchor))

    def _legend(self) -> None:
        """Name the lines along the foot, in as many rows as they need."""
        rows: list[list[tuple[Any, float]]] = [[]]
        room = self.drawing.width - 8
        for trace in self.figure.data:
            if trace.showlegend is False or not trace.name:
                continue
            width = _SIGN_PX + stringWidth(_plain(trace.name)[0], FONT, self.type_px) + 22
            if rows[-1] and sum(taken for _, taken in rows[-1]) + width > room:
                rows.append([])
            rows[-1].append((trace, width))
        for number, row in enumerate(reversed(rows)):
            x, y = 8.0, 9.0 + number * _ROW_PX
            for trace, width in row:
                if "lines" in (trace.mode or "lines"):
                    self._add(
                        _polyline([(x, y), (x + _SIGN_PX - 6, y)], trace.line.color, trace.line.width or 2, trace.line.dash)
                    )
                self._add(_marker(trace.marker)(x + _SIGN_PX / 2 - 3, y))
                self._text(trace.name, x + _SIGN_PX, y, self.type_px, self.figure.layout.font.color, "start", "middle")
                x += width


# ---------------------------------------------------------------------- parts
def _values(array: Any) -> list[Any]:
    return [] if array is None else list(array)


def _spread(colour: Any, count: int) -> list[str]:
    return [colour] * count if isinstance(colour, str) else list(colour)


def _colour(text: str, opacity: float = 1.0) -> Color:
    """Return a colour as it looks on paper: what is not opaque is mixed with white, which every printer can do."""
    found = re.fullmatch(r"rgb\((\d+),\s*(\d+),\s*(\d+)\)", text or "")
    if not found:
        raise NotImplementedError(f"The colour {text} cannot be drawn on paper.")
    rgb: Rgb = (int(found[1]), int(found[2]), int(found[3]))
    return Color(*((opacity * part + (1 - opacity) * white) / 255 for part, white in zip(rgb, PAPER, strict=True)))


def _plain(line: str) -> tuple[str, str]:
    """Return a line without its tags, and its font."""
    bold = line.startswith("<b>")
    bare = re.sub(r"</?b>", "", line)
    if re.search(r"<[a-z/]", bare):
        raise NotImplementedError(f"The text {line} has tags that cannot be drawn on paper.")
    return html.unescape(bare), BOLD if bold else FONT


def _polyline(points: list[tuple[float, float]], colour: str, width: float, dash: str | None) -> PolyLine:
    flat = [part for point in points for part in point]
    return PolyLine(
        flat, strokeColor=_colour(colour), strokeWidth=width, strokeDashArray=DASHES[dash or "solid"], strokeLineJoin=1
    )


def _marker(marker: Any) -> Callable[[float, float], Shape]:
    """Return what draws the mark of a trace at a place, in the proportions that plotly gives it."""
    symbol = marker.symbol or "circle"
    name, radius = symbol.removesuffix("-open"), marker.size / 2
    style = {
        "fillColor": None if symbol.endswith("-open") else _colour(marker.color),
        "strokeColor": _colour(marker.line.color),
        "strokeWidth": marker.line.width or 0,
    }
    if name == "circle":
        return lambda x, y: Circle(x, y, radius, **style)
    corners: dict[str, list[tuple[float, float]]] = {
        "triangle-up": [(-2 / math.sqrt(3), -0.5), (2 / math.sqrt(3), -0.5), (0, 1)],
        "triangle-down": [(-2 / math.sqrt(3), 0.5), (2 / math.sqrt(3), 0.5), (0, -1)],
        "diamond": [(-1.3, 0), (0, 1.3), (1.3, 0), (0, -1.3)],
        "square": [(-1, -1), (-1, 1), (1, 1), (1, -1)],
    }
    if name not in corners:
        raise NotImplementedError(f"The mark {symbol} cannot be drawn on paper.")
    return lambda x, y: Polygon([part for dx, dy in corners[name] for part in (x + radius * dx, y + radius * dy)], **style)


# ---------------------------------------------------------------------- SVG
def _svg(shape: Any, height: float) -> str:
    """Return one of the shapes that a plot is made of as SVG, whose y points down."""
    if isinstance(shape, String):
        weight = ' font-weight="700"' if shape.fontName == BOLD else ""
        anchor = f' text-anchor="{shape.textAnchor}"' if shape.textAnchor != "start" else ""
        place = f'x="{shape.x:.1f}" y="{height - shape.y:.1f}" font-size="{shape.fontSize:g}"'
        return f'<text {place}{weight}{anchor} fill="{_hex(shape.fillColor)}">{html.escape(shape.text)}</text>'
    dash = f' stroke-dasharray="{" ".join(map(str, shape.strokeDashArray))}"' if getattr(shape, "strokeDashArray", None) else ""
    fill, stroke = _hex(getattr(shape, "fillColor", None)), _hex(shape.strokeColor)
    look = f'fill="{fill}" stroke="{stroke}" stroke-width="{shape.strokeWidth:g}"{dash}'
    if isinstance(shape, Line):
        return f'<path d="M{shape.x1:.1f} {height - shape.y1:.1f}L{shape.x2:.1f} {height - shape.y2:.1f}" {look}/>'
    if isinstance(shape, Circle):
        return f'<circle cx="{shape.cx:.1f}" cy="{height - shape.cy:.1f}" r="{shape.r:g}" {look}/>'
    if isinstance(shape, Rect):
        x, y = shape.x, height - shape.y - shape.height
        return f'<rect x="{x:.1f}" y="{y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}" {look}/>'
    points = " ".join(f"{x:.1f},{height - y:.1f}" for x, y in zip(shape.points[::2], shape.points[1::2], strict=True))
    return f'<{"polyline" if isinstance(shape, PolyLine) else "polygon"} points="{points}" {look}/>'


def _hex(colour: Color | None) -> str:
    if colour is None:
        return "none"
    return "#" + "".join(f"{round(255 * part):02x}" for part in (colour.red, colour.green, colour.blue))
