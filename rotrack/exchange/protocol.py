"""The recipe for comparing rotrack with a phone or another instrument, on one sheet of paper, with the table to fill in."""

from __future__ import annotations

import io
from collections.abc import Callable

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from rotrack.core.messages import Sentence
from rotrack.progress.agreement import limit_precision
from rotrack.texts import Texts

_NAME = "rotrack against a phone: the recipe"
REPS = 5
PEOPLE = (10, 20, 30, 50)
SPREADS_DEG = (3.0, 5.0)
_TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=9.2, leading=11.6)
_STEP = ParagraphStyle("step", parent=_TEXT, leftIndent=5 * mm, bulletIndent=0, spaceAfter=1.4 * mm)
_HEAD = ParagraphStyle("head", parent=_TEXT, fontName="Helvetica-Bold", fontSize=10.5, leading=14, spaceBefore=2.5 * mm)
_TITLE = ParagraphStyle("title", parent=_HEAD, fontSize=15, leading=19)
_CODE = '<font face="Courier" size="8.4">{}</font>'

STEPS = (
    "<b>Seat the person</b> for <i>seated-combined</i>: thigh on the seat up to the knee, lower leg hanging free, the camera in "
    "front, at knee height, on a tripod.",
    "<b>Strap the phone to the front of the shin</b>, midway between knee and ankle, its long edge along the shinbone, screen "
    "straight forward, as the thigh points. The shinbone slants: pad one side with a folded cloth until the screen faces "
    "forward. Turned aside by 20 degrees it reads 28 where 30 is true. It must not slip: draw its outline on the skin or sock.",
    "<b>Set the app to 0 against a door frame</b>, not on the leg: both instruments count from the plumb line. Then let the leg "
    "hang still. A free shank hangs plumb: straighten the phone until it shows 0, give or take one degree. Write it down.",
    "<b>Start rotrack</b>: {live}. The person holds still until rotrack says go.",
    "<b>Foot outwards</b> (internal rotation) as far as it goes, <b>hold for two seconds</b>. The helper reads the phone aloud, "
    "without looking at rotrack's number. Back to rest. <b>Foot inwards</b> (external rotation), hold, read. Five times each.",
    "<b>Look at the phone at rest once more.</b> If it is off by more than 2 degrees, it has slipped: measure the leg again.",
    "Strap it to the <b>other leg</b>, and do the same with <i>-s right</i>.",
    "<b>Put the camera away and up again</b>, half a metre aside, and repeat one leg: where the camera stands is the part of the "
    "error that no number of repetitions averages away.",
    "<b>Type the table</b> into a spreadsheet, a row per session, with the columns <i>date, time, person, IR left 1, IR left 2, "
    "... ER right 5</i>. Then {take} and {compare}.",
)
Say = Callable[[str], str]
_COMMANDS = {
    "live": "rotrack live -d seated-combined -s left -p NAME",
    "take": "rotrack import visits.xlsx --same drill=seated-combined --same instrument=phone",
    "compare": "rotrack agreement --pair repetition",
}


def protocol_pdf(language: str = "en") -> bytes:
    """Return the sheet as a PDF of one page, in a language of `rotrack.texts`.

    Raises
    ------
    InputError
        If there are no texts in that language.
    """
    say = Texts(language).said
    commands = {name: _CODE.format(text) for name, text in _COMMANDS.items()}
    steps = [
        Paragraph(say(text).format(**commands), _STEP, bulletText=f"{number}.") for number, text in enumerate(STEPS, start=1)
    ]
    beside = Table(
        [[steps, _drawing(say)]], colWidths=[130 * mm, 48 * mm], style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *_NO_PADDING]
    )
    parts: list[Flowable] = [
        Paragraph(say(_NAME), _TITLE),
        Paragraph(
            say(
                "Ten minutes per person. You need a phone with an inclinometer app (or a digital inclinometer), an elastic "
                "strap, a cloth, a chair on which the feet do not touch the floor, and a helper who reads and writes."
            ),
            _TEXT,
        ),
        Spacer(1, 2 * mm),
        beside,
        Paragraph(say("How many people?"), _HEAD),
        Paragraph(
            say(
                "Between the limits of agreement lie 95 of 100 differences. The table shows how well they are known: half "
                "the width of their 95 % interval, with one value per person. More repetitions help little here, more people do."
            ),
            _TEXT,
        ),
        Spacer(1, 1 * mm),
        _precision_table(say),
        Paragraph(say("To fill in"), _HEAD),
        _table_to_fill(say),
    ]
    content = io.BytesIO()
    page = SimpleDocTemplate(
        content, pagesize=A4, leftMargin=16 * mm, rightMargin=16 * mm, topMargin=12 * mm, bottomMargin=10 * mm,
        title=say(_NAME), author="rotrack", invariant=True,
    )  # fmt: skip
    page.build(parts)
    return content.getvalue()


_NO_PADDING = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
_GRID = [
    ("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("FONT", (0, 0), (-1, -1), "Helvetica", 9),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]  # fmt: skip


def _precision_table(say: Say) -> Table:
    rows = [[say("people"), *map(str, PEOPLE)]]
    for sd_deg in SPREADS_DEG:
        known = [f"\u00b1 {limit_precision(people, sd_deg):.1f}\u00b0" for people in PEOPLE]
        rows.append([say(Sentence("if the differences scatter by {n:.0f}\u00b0 (standard deviation)", n=sd_deg)), *known])
    return Table(rows, colWidths=[90 * mm, *[22 * mm] * len(PEOPLE)], style=_GRID)


def _table_to_fill(say: Say) -> Table:
    rows = [["person", "", "", "day, time", "", "read by"], ["instrument", "", "", "at rest: before", "", "after"]]
    rows.append(["", *(f"{number}" for number in range(1, REPS + 1))])
    measured = ("IR left (foot outwards)", "ER left (foot inwards)", "IR right (foot outwards)", "ER right (foot inwards)")
    rows += [[what, *[""] * REPS] for what in (*measured, "camera aside: IR", "camera aside: ER")]
    rows = [[say(cell) if cell else "" for cell in row] for row in rows]
    style = [*_GRID, ("SPAN", (1, 0), (2, 0)), ("SPAN", (3, 0), (4, 0)), ("SPAN", (1, 1), (2, 1)), ("SPAN", (3, 1), (4, 1))]
    style += [("BACKGROUND", (0, 2), (-1, 2), colors.whitesmoke)]
    return Table(rows, colWidths=[47 * mm, *[26.2 * mm] * REPS], rowHeights=[7.6 * mm] * len(rows), style=style)


def _drawing(say: Say) -> Drawing:
    """Return the leg with the phone from the front, and from above."""
    ink, skin, phone = colors.black, colors.HexColor("#e8d8c8"), colors.HexColor("#3b6ea5")
    drawing = Drawing(44 * mm, 96 * mm)
    knee, ankle, foot = (22 * mm, 84 * mm), (22 * mm, 47 * mm), 43 * mm
    drawing.add(Line(*knee, *ankle, strokeColor=skin, strokeWidth=30))
    drawing.add(Circle(*knee, 7 * mm, fillColor=skin, strokeColor=ink))
    drawing.add(Rect(17 * mm, foot - 3 * mm, 10 * mm, 7 * mm, rx=6, fillColor=skin, strokeColor=ink))
    drawing.add(Rect(17.5 * mm, 56 * mm, 9 * mm, 18 * mm, rx=3, fillColor=phone, strokeColor=ink))
    drawing.add(Line(22 * mm, 92 * mm, 22 * mm, 38 * mm, strokeColor=colors.grey, strokeDashArray=[3, 3]))
    for place, text in ((96 * mm - 9, "from the front"), (63 * mm, "phone")):
        drawing.add(String(4 * mm, place, say(text), fontName="Helvetica", fontSize=7.5))
    drawing.add(String(4 * mm, 31 * mm, say("from above"), fontName="Helvetica", fontSize=7.5))
    drawing.add(Rect(17 * mm, 17 * mm, 10 * mm, 14 * mm, fillColor=skin, strokeColor=None))
    drawing.add(Polygon([16 * mm, 18 * mm, 22 * mm, 11 * mm, 28 * mm, 18 * mm], fillColor=skin, strokeColor=ink))
    drawing.add(Rect(16 * mm, 8.5 * mm, 12 * mm, 2 * mm, fillColor=phone, strokeColor=ink))
    drawing.add(Line(22 * mm, 8 * mm, 22 * mm, 2 * mm, strokeColor=ink))
    drawing.add(Polygon([20.5 * mm, 3.5 * mm, 22 * mm, 0.5 * mm, 23.5 * mm, 3.5 * mm], fillColor=ink))
    drawing.add(String(30 * mm, 8.5 * mm, say("screen"), fontName="Helvetica", fontSize=7.5))
    drawing.add(String(25 * mm, 1.5 * mm, say("as the thigh points"), fontName="Helvetica", fontSize=7))
    drawing.add(String(29.5 * mm, 13 * mm, say("pad"), fontName="Helvetica", fontSize=7.5))
    return drawing
