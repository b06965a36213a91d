"""The report as a PDF of A4 pages: the same texts, tables and figures as the page, drawn without a browser."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus import Table as Grid

from rotrack.draw.theme import CSS_RGB
from rotrack.report.chart_drawing import BOLD, FONT, drawing_of, fonts
from rotrack.report.document import GENERATOR, Charts, Part, Report, Table, Terms, Text
from rotrack.report.html import SHORT_TABLE, WIDTH_PX, foot_of, written_on
from rotrack.texts.numbers import unparted

SIDE_MM, TOP_MM, BOTTOM_MM = 15.0, 14.0, 17.0
WIDTH = A4[0] - 2 * SIDE_MM * mm
PAGES = "page {n} of {m}"
_GAP = 8.0
"""Between figures and between columns, points."""
_PADDING = 9.0
"""Between the edge of a box and what is in it, points."""


def pdf_of(report: Report) -> bytes:
    """Return the report as a PDF; the same report gives the same bytes."""
    fonts()
    buffer = io.BytesIO()
    document = _Document(
        buffer, pagesize=A4, title=report.title, author="rotrack", subject=report.subtitle, invariant=1, lang=report.language,
        creator=f"{GENERATOR} {report.version}",
    )  # fmt: skip
    frame = Frame(
        SIDE_MM * mm, BOTTOM_MM * mm, WIDTH, A4[1] - (TOP_MM + BOTTOM_MM) * mm,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    document.addPageTemplates(PageTemplate(frames=[frame]))
    foot, pages = foot_of(report), report.said(PAGES)
    document.build(list(_flowables(report)), canvasmaker=lambda *args, **options: _Pages(foot, pages, *args, **options))
    return buffer.getvalue()


def lacking(report: Report) -> str:
    """Return the letters of the person's name that the fonts of the PDF lack; the page has all."""
    known = fonts()[0].face.charToGlyph
    return "".join(sorted({letter for letter in report.person + report.practice + report.comment if ord(letter) not in known}))


# ---------------------------------------------------------------------- pages
class _Document(BaseDocTemplate):  # type: ignore[misc]
    """Adds the headings to the outline that readers show beside the pages."""

    def afterFlowable(self, flowable: Flowable) -> None:
        """Note where a heading came to stand."""
        level = getattr(flowable, "outline", None)
        if level is not None:
            self._marks += 1
            key = f"part-{self._marks}"
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key, level)

    _marks = 0


class _Pages(Canvas):  # type: ignore[misc]
    """Writes the foot of each page when it is known how many there are."""

    def __init__(self, foot: str, pages: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._foot, self._numbered = foot, pages
        self._states: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page until all are there."""
        self._states.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write all pages with their feet."""
        for number, state in enumerate(self._states, start=1):
            self.__dict__.update(state)
            self.setFillColor(_colour("muted"))
            self.setFont(FONT, 7.5)
            pages = self._numbered.format(n=number, m=len(self._states))
            room = WIDTH - stringWidth(pages, FONT, 7.5) - _GAP
            self.drawString(SIDE_MM * mm, 9 * mm, _cut(self._foot, room, 7.5))
            self.drawRightString(A4[0] - SIDE_MM * mm, 9 * mm, pages)
            super().showPage()
        super().save()


def _cut(text: str, room: float, size: float) -> str:
    while stringWidth(text, FONT, size) > room:
        text = text[:-2].rstrip() + "\u2026"
    return text


# ---------------------------------------------------------------------- contents
def _colour(name: str) -> Color:
    return Color(*(part / 255 for part in CSS_RGB[name][0]))


def _style(size: float, colour: str = "ink", bold: bool = False, after: float = 0, leading: float = 1.4) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}-{colour}-{bold}-{after}", fontName=BOLD if bold else FONT, fontSize=size, leading=leading * size,
        textColor=_colour(colour), spaceAfter=after,
    )  # fmt: skip


def _paragraph(text: str, style: ParagraphStyle, outline: int | None = None) -> Paragraph:
    made = Paragraph(escape(unparted(text), quote=False), style)
    made.outline = outline
    return made


def _flowables(report: Report) -> Iterator[Flowable]:
    yield _paragraph(report.practice or "rotrack", _style(9, "muted", bold=True, after=2))
    yield _paragraph(report.title, _style(20, bold=True, after=3, leading=1.2), outline=0)
    yield _paragraph(f"{report.subtitle} \u00b7 {written_on(report)}", _style(9, "muted", after=5))
    yield _Rule(2, "ink")
    yield Spacer(0, 10)
    if report.banner:
        yield _boxed([_paragraph(report.banner, _style(9.5, bold=True))], "paper", "warning")
        yield Spacer(0, 10)
    said = _style(11, after=5, leading=1.45)
    sentences = [_paragraph(report.said("In three sentences"), _style(13, bold=True, after=5))]
    yield _boxed([*sentences, *(_paragraph(sentence, said) for sentence in report.sentences)], "panel", None)
    yield Spacer(0, 12)
    if report.comment:
        yield _paragraph(report.comment, _style(10, after=8))
    for part in report.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[Flowable]:
    if part.new_page:
        yield PageBreak()
    level = part.level - 2
    heading = _paragraph(part.title, _style((15, 11.5)[level], bold=True, after=5, leading=1.25), outline=level)
    if part.boxed:
        room = WIDTH - 2 * _PADDING
        inner = [flowable for block in part.blocks for together in _block(block, room) for flowable in together]
        yield _boxed([heading, *inner], "panel", "line")
        yield Spacer(0, 10)
        return
    first, *others = [together for block in part.blocks for together in _block(block, WIDTH)]
    yield KeepTogether([heading, *first])
    for together in others:
        yield KeepTogether(together) if len(together) > 1 else together[0]
    yield Spacer(0, 8)


def _block(block: Text | Terms | Table | Charts, room: float) -> Iterator[list[Flowable]]:
    """Yield what a block is made of, each list to be kept on one page."""
    if isinstance(block, Text):
        yield [_paragraph(block.text, _style(9, after=6))]
    elif isinstance(block, Terms):
        for term, text in block.items:
            yield [_paragraph(term, _style(9, bold=True)), _paragraph(text, _style(9, after=5))]
    elif isinstance(block, Charts):
        yield list(_charts(block))
    elif len(block.rows) <= SHORT_TABLE:
        yield list(_table(block, room))
    else:
        yield from ([flowable] for flowable in _table(block, room))


def _charts(charts: Charts) -> Iterator[Flowable]:
    across = 1 if charts.wide else 2
    width = (WIDTH - (across - 1) * _GAP) / across
    drawings = []
    for _, figure in charts.figures:
        drawing = drawing_of(figure, WIDTH_PX[charts.wide])
        scale = width / drawing.width
        drawing.scale(scale, scale)
        drawing.width, drawing.height = width, scale * drawing.height
        drawings.append(drawing)
    rows = [drawings[n : n + across] for n in range(0, len(drawings), across)]
    for row in rows:
        cells = [*row, *[""] * (across - len(row))]
        yield Grid([cells], colWidths=[width + _GAP] * (across - 1) + [width], style=_BARE, hAlign="LEFT")
        yield Spacer(0, 4)
    if charts.caption:
        yield _paragraph(charts.caption, _style(8, "muted", after=8))


def _table(table: Table, room: float) -> Iterator[Flowable]:
    plain, bold = _style(8, leading=1.3), _style(8, bold=True, leading=1.3)
    cells = [[_paragraph(cell, bold) for cell in table.header]]
    for number, row in enumerate(table.rows):
        cells.append([_paragraph(cell, bold if number in table.strong else plain) for cell in row])
    look = [
        ("LINEBELOW", (0, 0), (-1, 0), 1, _colour("ink")),
        ("LINEBELOW", (0, 1), (-1, -1), 0.5, _colour("line")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), _GAP),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    yield _paragraph(table.caption, _style(8, "muted", after=3))
    yield Grid(cells, colWidths=_widths([table.header, *table.rows], room), repeatRows=1, style=look, hAlign="LEFT")
    yield Spacer(0, 10)


def _widths(rows: Sequence[Sequence[str]], room: float) -> list[float]:
    """Return the widths of columns: what their texts need, or if that is too much, taken from where lines can be broken."""
    columns = list(zip(*rows, strict=True))
    natural = [max(stringWidth(cell, BOLD, 8) for cell in column) + _GAP + 1 for column in columns]
    words = [
        max(stringWidth(word, BOLD, 8) for cell in column for word in unparted(cell).split(" ")) + _GAP + 1 for column in columns
    ]
    if sum(natural) <= room:
        spare = (room - sum(natural)) / len(natural)
        return [width + spare for width in natural]
    least = [min(word, room / len(words)) for word in words]
    share = (room - sum(least)) / max(sum(n - w for n, w in zip(natural, least, strict=True)), 1e-9)
    return [w + share * (n - w) for n, w in zip(natural, least, strict=True)]


_BARE = [(f"{edge}PADDING", (0, 0), (-1, -1), 0) for edge in ("LEFT", "RIGHT", "TOP", "BOTTOM")] + [
    ("VALIGN", (0, 0), (-1, -1), "TOP")
]


def _boxed(inner: list[Flowable], ground: str, edge: str | None) -> Flowable:
    look = [
        ("BACKGROUND", (0, 0), (-1, -1), _colour(ground)),
        *([("BOX", (0, 0), (-1, -1), 1, _colour(edge))] if edge else []),
        *((f"{side}PADDING", (0, 0), (-1, -1), _PADDING) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
    ]
    return Grid([[inner]], colWidths=[WIDTH], style=look, hAlign="LEFT")


class _Rule(Flowable):  # type: ignore[misc]
    """A line over the whole width."""

    def __init__(self, thick: float, colour: str) -> None:
        super().__init__()
        self.width, self.height, self._colour = WIDTH, thick, _colour(colour)

    def draw(self) -> None:
        """Draw it."""
        self.canv.setFillColor(self._colour)
        self.canv.rect(0, 0, self.width, self.height, stroke=0, fill=1)
