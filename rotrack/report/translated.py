"""A report in another language: every text of it translated, numbers written in that language's way, nothing computed anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rotrack.report.document import Charts, Part, Report, Table, Terms, Text
from rotrack.system.imports import when_used
from rotrack.texts import Texts
from rotrack.texts.units import Units

if TYPE_CHECKING:
    import plotly.graph_objects as go
else:
    go = when_used("plotly.graph_objects")

_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])")
_NUMBERS = re.compile(r"[-+\u2212\u2013\d.,\s\u00b1\u00b0%/()]*")
_EXTRA, _ENGLISH_DAY = "<extra></extra>", "%-d %b %Y"
_TAG = re.compile(r"<b>(.*)</b>")
_SENTENCES = re.compile(r"(?<=[.!?]) (?=[^a-z])")
_BETWEEN = ((re.compile("; "), "; "), (re.compile(", and "), ", und "), (re.compile(", "), ", "))
"""Where a text is parted if it is not known as a whole, and what stands there then."""


def translated(report: Report, language: str, units: Units = Units.METRIC) -> Report:
    """Return a report in a language and in units; what is not known in the language (names, notes) stays as it is."""
    t = Texts(language, units)
    if report.language == t.language and t.units is Units.METRIC:
        return report

    def said(text: str) -> str:
        return t.in_units(text if report.language == t.language else translate(text, t.language))

    return replace(
        report,
        language=t.language,
        subtitle=" \u00b7 ".join(map(said, report.subtitle.split(" \u00b7 "))),
        banner=said(report.banner),
        sentences=(said(report.sentences[0]), said(report.sentences[1]), said(report.sentences[2])),
        parts=tuple(_part(part, said) for part in report.parts),
    )


@lru_cache(maxsize=20_000)
def translate(text: str, language: str) -> str:
    """Return a text of the report in a language, with numbers as they are written there."""
    t = Texts(language)
    said = text if _NUMBERS.fullmatch(text) else _taken_apart(text, language)
    if said is None:
        your = text.startswith("Your ")  # words with a small letter are known
        said = t.said(f"y{text[1:]}" if your else text)
        said = f"{said[:1].upper()}{said[1:]}" if your else said
    if said == text:
        for between, joint in _BETWEEN:
            if len(parts := between.split(text)) > 1:
                return joint.join(translate(part, language) for part in parts)
    return _DECIMAL.sub(rf"\1{t('number.decimal')}\2", said)


def _taken_apart(text: str, language: str) -> str | None:
    """Return a text that is known to be of several parts, each translated; None if it is not."""
    if found := _TAG.fullmatch(text):
        return f"<b>{translate(found[1], language)}</b>"
    for between in ("<br>", _SENTENCES):
        parts = text.split(between) if isinstance(between, str) else between.split(text)
        if len(parts) > 1:
            return (between if isinstance(between, str) else " ").join(translate(part, language) for part in parts)
    return f"{translate(text[:-1], language)}." if text.endswith(".") and not text.endswith("..") else None


def _part(part: Part, said: Callable[[str], str]) -> Part:
    return replace(part, title=said(part.title), blocks=tuple(_block(block, said) for block in part.blocks))


def _block(block: Text | Terms | Table | Charts, said: Callable[[str], str]) -> Text | Terms | Table | Charts:
    if isinstance(block, Text):
        return Text(said(block.text))
    if isinstance(block, Terms):
        return Terms(tuple((said(term), said(text)) for term, text in block.items))
    if isinstance(block, Table):
        rows = tuple(tuple(map(said, row)) for row in block.rows)
        return replace(block, caption=said(block.caption), header=tuple(map(said, block.header)), rows=rows)
    figures = tuple((said(alt), _figure(figure, said)) for alt, figure in block.figures)
    return replace(block, caption=said(block.caption), figures=figures)


def _figure(figure: go.Figure, said: Callable[[str], str]) -> go.Figure:
    """Translate what is written in a figure, which is changed."""
    for note in figure.layout.annotations:
        note.text = said(note.text)
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if axis.ticktext:
            axis.ticktext = [said(text) for text in axis.ticktext]
    figure.update_layout(separators=f"{said('1.5')[1]} ")
    for trace in figure.data:
        trace.name = said(trace.name)
        shown = trace.hovertemplate.removesuffix(_EXTRA).replace(_ENGLISH_DAY, said(_ENGLISH_DAY))
        trace.hovertemplate = "<br>".join(map(said, shown.split("<br>"))) + _EXTRA
        if trace.text is not None:
            trace.text = [said(text) for text in trace.text]
    return figure
