"""What a report is made of: headings, texts, tables and figures, which the page and the PDF show each in its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rotrack.core.messages import Sentence
from rotrack.system.imports import when_used
from rotrack.texts import Texts

if TYPE_CHECKING:
    import plotly.graph_objects as go
else:
    go = when_used("plotly.graph_objects")


GENERATOR = "rotrack report"
"""What a file of a report says it was written by; only such a file is overwritten."""
NONE = "\u2013"
"""What stands where there is no value."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Words with their explanations."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Parameters
    ----------
    caption : str
        What it shows.
    header : tuple of str
        One heading per column; the first column names the rows.
    rows : tuple of tuple of str
        Cells.
    strong : frozenset of int
        Numbers of the rows that are to be seen first.
    wordy : bool
        Whether it holds words rather than columns of numbers; where the screen is narrow it then stands as a list.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    wordy: bool = False


@dataclass(frozen=True, slots=True)
class Charts:
    """Figures that stand beside each other, two in a row or, if `wide`, one.

    Parameters
    ----------
    caption : str
        How they are to be read.
    figures : tuple of (str, plotly.graph_objects.Figure)
        Each with what it shows, in words, for those who do not see it; the numbers are in the table that follows.
    """

    caption: str
    figures: tuple[tuple[str, go.Figure], ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with what belongs to it; `boxed` sets it apart, `new_page` begins a page on paper."""

    title: str
    blocks: tuple[Text | Terms | Table | Charts, ...]
    boxed: bool = False
    new_page: bool = False
    level: int = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one person.

    Parameters
    ----------
    person : str
        Whose.
    subtitle : str
        From when to when, how many sessions.
    banner : str
        What must be known before anything else; empty if nothing.
    sentences : tuple of str
        The three sentences.
    parts : tuple of Part
        In their order, method and limits last.
    made_on : date
        When it was written.
    version : str
        Of rotrack.
    language : str
        A code of `rotrack.texts.LANGUAGES`.
    practice, comment : str
        Who gives the report, and what they add to it; empty if nothing.
    """

    person: str
    subtitle: str
    banner: str
    sentences: tuple[str, str, str]
    parts: tuple[Part, ...]
    made_on: date
    version: str
    language: str = "en"
    practice: str = ""
    comment: str = ""

    @property
    def title(self) -> str:
        """Its heading."""
        return self.said(Sentence("Hip rotation of {person}", person=self.person))

    def said(self, text: str) -> str:
        """Return one of the few texts that are not in its parts, in its language."""
        return Texts(self.language).said(text)
