"""Figures in the page: without a ground of their own, as large as the page's type; `results.js` and `results.css` do the rest."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from nicegui import ui

from rotrack.charts.sessions import for_page
from rotrack.texts import Texts

ROOT_PX = 16
"""Size of type that the figures are made for; where the page's is larger, they grow with it."""

HEADING_PX = 90
"""How much of a figure's height belongs to title and legend, which the page writes itself."""


def plot(figure: go.Figure, t: Texts) -> ui.plotly:
    """Add a figure to the page."""
    height_px = figure.layout.height - HEADING_PX
    return ui.plotly(drawn(figure, t)).style(f"height: {height_px / ROOT_PX:.2f}rem")


def drawn(figure: go.Figure, t: Texts) -> dict[str, Any]:
    """Return what is drawn of a figure, also for an update of one that is in the page."""
    fitting = for_page(figure, t("number.decimal")).to_plotly_json()
    return {**fitting, "config": {"displayModeBar": False, "responsive": False}}
