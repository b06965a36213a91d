"""Plotly figures of sessions and of progress, drawn from tables and computing nothing."""
