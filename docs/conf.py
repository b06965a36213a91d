"""Builds the documentation site: `sphinx-build -W docs build/docs`."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "rotrack"
author = "The rotrack founders"
version = release = version_of("rotrack")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
exclude_patterns = ["conf.py"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
default_role = "code"
html_theme = "furo"
html_title = "rotrack"
html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": []}


def setup(app: Sphinx) -> None:
    """Let links to files outside these pages, which a site does not have, be read as their paths."""
    app.connect("source-read", _with_paths)


def _with_paths(app: Sphinx, name: str, source: list[str]) -> None:
    page = (Path(app.srcdir) / name).parent

    def path_of(link: re.Match[str]) -> str:
        target = (page / link[2].partition("#")[0]).resolve()
        outside = not target.is_relative_to(app.srcdir)
        return f"{link[1]} (`{target.relative_to(Path(app.srcdir).parent)}`)" if outside else link[0]

    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\((\.\.[^)]+)\)", path_of, source[0])
