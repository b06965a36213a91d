"""Renders people who turn their hips, with exact truth; see README.md. It needs nothing of rotrack, nor rotrack of it."""
