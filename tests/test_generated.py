"""What in the docs follows from the data is as the data are; otherwise: python tests/generated.py."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from draw_page import WARNING
from examples import DATA, NOT_MADE
from generated import BLOCKS, PAGES, english, mark, renewed
from helpers import ROOT

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


def test_every_output_in_the_docs_is_made_by_a_script_or_says_why_not() -> None:
    made, others = Counter[str](), []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        for before, block in re.findall(r"^([^\n]*)\n```text\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            if printed := re.match(r"<!-- printed (.+): written by", before):
                made[printed[1]] += page in PAGES
            elif not re.match(r"(rotrack|python) \S", block):
                others.append(block)
    assert set(made) == set(DATA) and all(made.values())
    assert [block for block in others if not block.startswith(tuple(NOT_MADE))] == []
    assert [start for start in NOT_MADE if not any(block.startswith(start) for block in others)] == []


def test_what_the_page_about_trouble_quotes_is_what_rotrack_says() -> None:
    texts = [*english().values()]
    for path in (ROOT / "rotrack" / "texts").glob("de_*.toml"):
        texts += [key for section in tomllib.loads(path.read_text("utf-8")).values() for key in section]
    said = "\n".join(re.sub(r"\{.*?\}", "#", text) for text in texts).lower()
    rows = re.findall(r"^\| (.*?) \|", (ROOT / "docs" / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    quoted = [quote for row in rows for quote in re.findall(r'"(.*?)"', row)]
    assert len(quoted) > 10
    assert [quote for quote in quoted if re.sub(r"[\w.]*\d[\w.]*", "#", quote).lower() not in said] == []
