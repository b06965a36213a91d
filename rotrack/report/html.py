"""The report as one HTML file: everything inside, nothing fetched, figures to point at on screen and drawn as lines on paper."""

from __future__ import annotations

from html import escape
from importlib import resources
from itertools import count
from typing import TYPE_CHECKING

from rotrack.core.messages import Sentence
from rotrack.draw.theme import CSS_RGB, css, css_variables
from rotrack.report.chart_drawing import drawing_of, svg_of
from rotrack.report.document import GENERATOR, Charts, Part, Report, Table, Terms, Text
from rotrack.report.wording import day
from rotrack.system.imports import when_used
from rotrack.texts.numbers import unparted

if TYPE_CHECKING:
    from plotly import offline
else:
    offline = when_used("plotly.offline")

WIDTH_PX = {False: 352, True: 720}
"""How wide a figure is drawn for paper: two beside each other, or one over the whole width."""
NO_DEVICE = "no medical device, no diagnosis"
SHORT_TABLE = 20
"""A table of so many rows is kept on one page."""
_SCRIPT = """
document.documentElement.classList.add("drawn");
for (const place of document.querySelectorAll(".screen")) {
  const figure = JSON.parse(place.nextElementSibling.textContent);
  Plotly.newPlot(place, figure.data, figure.layout, {displayModeBar: false, responsive: true, doubleClick: false});
}
"""
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def html_of(report: Report) -> str:
    """Return the report as a page that needs no network, and asks for none."""
    numbers = count(1)
    parts = "\n".join(_part(part, numbers) for part in report.parts)
    banner = f'<p class="banner">{escape(report.banner)}</p>' if report.banner else ""
    comment = f'<p class="comment">{escape(report.comment)}</p>' if report.comment else ""
    sentences = "\n".join(f"<p>{escape(unparted(sentence))}</p>" for sentence in report.sentences)
    return f"""<!DOCTYPE html>
<html lang="{report.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{GENERATOR} {escape(report.version)}">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(report.title)}</title>
<style>
{_colours()}
@page {{ @bottom-left {{ content: "{_css_text(foot_of(report))}"; }} }}
{resources.files("rotrack.report").joinpath("report.css").read_text("utf-8")}
</style>
</head>
<body>
<header>
<p class="brand">{escape(report.practice or "rotrack")}</p>
<h1>{escape(report.title)}</h1>
<p class="when">{escape(report.subtitle)} \u00b7 {written_on(report)}</p>
</header>
<main>
{banner}
<section class="summary" aria-labelledby="summary"><h2 id="summary">{report.said("In three sentences")}</h2>
{sentences}
</section>
{comment}
{parts}
</main>
<footer><p>rotrack {escape(report.version)} \u00b7 {report.said(NO_DEVICE)}</p></footer>
<script>{offline.get_plotlyjs()}</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _colours() -> str:
    """Return the colours as CSS; on a dark screen those that plotly writes into its pictures are exchanged, too."""
    light = f":root {{ {css_variables(False)} }}"
    swapped = [
        f'.screen [style*="{part}: {css(pair[0]).replace(",", ", ")}"] {{ {part}: {css(pair[1])} !important; }}'
        for pair in CSS_RGB.values()
        for part in ("fill", "stroke")
    ]
    dark = "\n".join([f":root {{ {css_variables(True)} }}", *swapped])
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def written_on(report: Report) -> str:
    """Return when a report was written, in words."""
    return report.said(Sentence("written on {day}", day=day(report.made_on)))


def foot_of(report: Report) -> str:
    """Return what stands at the foot of every page of paper."""
    made_on = report.said(day(report.made_on))
    return f"{report.title} \u00b7 {made_on} \u00b7 rotrack {report.version} \u00b7 {report.said(NO_DEVICE)}"


def _css_text(text: str) -> str:
    """Return a text for between quotation marks in CSS, whatever signs are in it."""
    return "".join(sign if (sign.isalnum() and sign.isascii()) or sign == " " else f"\\{ord(sign):x} " for sign in text)


def _part(part: Part, numbers: count[int]) -> str:
    name = f"part-{next(numbers)}"
    kind = " ".join(["page"] * part.new_page + ["boxed"] * part.boxed)
    blocks = "\n".join(_block(block) for block in part.blocks)
    heading = f'<h{part.level} id="{name}">{escape(part.title)}</h{part.level}>'
    return f'<section class="{kind}" aria-labelledby="{name}">{heading}\n{blocks}\n</section>'


def _block(block: Text | Terms | Table | Charts) -> str:
    if isinstance(block, Text):
        return f"<p>{escape(unparted(block.text))}</p>"
    if isinstance(block, Terms):
        return f"<dl>{''.join(f'<div><dt>{escape(a)}</dt><dd>{escape(unparted(b))}</dd></div>' for a, b in block.items)}</dl>"
    return _table(block) if isinstance(block, Table) else _charts(block)


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    rows = []
    for number, (first, *others) in enumerate(table.rows):
        strong = ' class="strong"' if number in table.strong else ""
        named = zip(table.header[1:], others, strict=True)
        cells = "".join(f'<td data-name="{escape(name)}">{escape(unparted(cell))}</td>' for name, cell in named)
        rows.append(f'<tr{strong}><th scope="row">{escape(first)}</th>{cells}</tr>')
    kinds = " ".join(["short"] * (len(rows) <= SHORT_TABLE) + ["wordy"] * table.wordy)
    return (
        f'<div class="scroll" role="region" aria-label="{escape(table.caption)}" tabindex="0"><table class="{kinds}">'
        f"<caption><span>{escape(table.caption)}</span></caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


def _charts(charts: Charts) -> str:
    found = []
    for alt, figure in charts.figures:
        paper = svg_of(drawing_of(figure, WIDTH_PX[charts.wide]), alt)
        numbers = (figure.to_json() or "").replace("<", "\\u003c")
        found.append(
            f'<div class="chart"><div class="screen" role="img" aria-label="{escape(alt)}" '
            f'style="height: {figure.layout.height}px"></div><script type="application/json">{numbers}</script>'
            f'<div class="paper">{paper}</div></div>'
        )
    caption = f"<figcaption>{escape(charts.caption)}</figcaption>" if charts.caption else ""
    return f'<figure class="charts{" wide" if charts.wide else ""}"><div class="grid">{"".join(found)}</div>{caption}</figure>'
