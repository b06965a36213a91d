"""A report in another language: every text of it translated, numbers written in that language's way, nothing computed anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rotrack.report.document import Charts, Part, Report, Table, Terms, Text
from rotrack.system.imports import when_used
from rotrack.texts import Texts
from rotrack.texts.units import Units

if TYPE_CHECKING:
    import plotly.graph_objects as go
else:
    go = when_used("plotly.graph_objects")


def translated(report: Report, language: str, units: Units = Units.METRIC) -> Report:
    """Return a report in a language and in units; what is not known in the language (names, notes) stays as it is."""
    t = Texts(language, units)
    if report.language == t.language and t.units is Units.METRIC:
        return report
    said, decimal = t.said, t("number.decimal")
    return replace(
        report,
        language=t.language,
        subtitle=said(report.subtitle),
        banner=said(report.banner),
        sentences=(said(report.sentences[0]), said(report.sentences[1]), said(report.sentences[2])),
        parts=tuple(_part(part, said, decimal) for part in report.parts),
    )


def _part(part: Part, said: Callable[[str], str], decimal: str) -> Part:
    return replace(part, title=said(part.title), blocks=tuple(_block(block, said, decimal) for block in part.blocks))


def _block(block: Text | Terms | Table | Charts, said: Callable[[str], str], decimal: str) -> Text | Terms | Table | Charts:
    if isinstance(block, Text):
        return Text(said(block.text))
    if isinstance(block, Terms):
        return Terms(tuple((said(term), said(text)) for term, text in block.items))
    if isinstance(block, Table):
        rows = tuple(tuple(map(said, row)) for row in block.rows)
        return replace(block, caption=said(block.caption), header=tuple(map(said, block.header)), rows=rows)
    figures = tuple((said(alt), _figure(figure, said, decimal)) for alt, figure in block.figures)
    return replace(block, caption=said(block.caption), figures=figures)


def _figure(figure: go.Figure, said: Callable[[str], str], decimal: str) -> go.Figure:
    """Translate what is written in a figure, which is changed."""
    for note in figure.layout.annotations:
        note.text = said(note.text)
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if axis.ticktext:
            axis.ticktext = [said(text) for text in axis.ticktext]
    figure.update_layout(separators=f"{decimal} ")
    for trace in figure.data:
        trace.name = said(trace.name)
        trace.hovertemplate = said(trace.hovertemplate)
        if trace.text is not None:
            trace.text = [said(text) for text in trace.text]
    return figure
