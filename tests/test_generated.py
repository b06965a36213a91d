"""What in the docs follows from the data is as the data are; otherwise: python tests/generated.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from draw_page import WARNING
from generated import BLOCKS, PAGES, mark, renewed

from rotrack.app.pages.warning import warning_picture
from rotrack.texts import Texts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_as_the_data_are(page: Path) -> None:
    text = page.read_text("utf-8")
    assert renewed(text) == text, "run python tests/generated.py"


def test_every_block_has_its_place() -> None:
    pages = "".join(page.read_text("utf-8") for page in PAGES)
    assert [name for name in BLOCKS if pages.count(mark(name)) != 1] == []


def test_the_warning_of_browsers_in_the_docs_is_that_of_the_page() -> None:
    assert WARNING.read_text("utf-8") == warning_picture(Texts()) + "\n", "run python tests/draw_page.py"
