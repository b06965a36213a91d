"""README and docs: the site can be built, its links lead somewhere, and its commands are those that rotrack has."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ROOT

from rotrack.cli.completion import FILE

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
COMMANDS = json.loads(FILE.read_text("utf-8"))
USUAL = {"--help", "--version", "-v", "--install-completion", "--show-completion"}


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the commands of rotrack in code, each as its words; what it prints stands in blocks, too."""
    blocks = [*re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL), *re.findall(r"(?<=\n\n)(?: {4}.*\n)+", text)]
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    typed = [line for line in lines if re.match(rf"rotrack ({'|'.join(COMMANDS)}|-)", line)]
    for code in [*re.findall(r"`(rotrack[^`\n]*)`", text), *typed]:
        words = shlex.split(code.partition(" | ")[0], comments=True)
        if len(words) > 1 and words[0] == "rotrack" and re.fullmatch(r"[-a-z]+", words[1].rstrip(",")):
            yield [word.rstrip(",") for word in words[1:]]


def wrong_of(words: list[str]) -> str:
    """Return what rotrack would not understand of a command; empty if there is nothing."""
    options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    if words[0].startswith("-"):
        return " ".join(sorted(options - USUAL))
    if words[0] not in COMMANDS:
        return words[0]
    group = COMMANDS[words[0]]
    takes = group[words[1]] if len(words) > 1 and words[1] in group else group[""]
    known = {name for one in takes["takes"] for names in one.get("names", ()) for name in names.split("/")}
    return " ".join(sorted(options - USUAL - known))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_their_options_are_those_of_rotrack(page: Path) -> None:
    wrong = [(" ".join(words), found) for words in commands_of(page.read_text("utf-8")) if (found := wrong_of(words))]
    assert wrong == []


def test_a_wrong_command_in_the_docs_would_be_found() -> None:
    told = "`rotrack analyse a.mp4`, `rotrack history --person Ana`, `rotrack people merge A B --fast`"
    assert [wrong_of(words) for words in commands_of(told)] == ["analyse", "", "--fast"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    files = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in files if not (page.parent / link).exists()] == []


@pytest.mark.slow
def test_the_site_can_be_built_and_every_reference_in_it_is_found(tmp_path: Path) -> None:
    from sphinx.application import Sphinx

    site = Sphinx(ROOT / "docs", ROOT / "docs", tmp_path / "site", tmp_path / "cache", "html", warningiserror=True, status=None)
    site.build()
    assert site.statuscode == 0
    assert "rotrack.analyze" in (tmp_path / "site" / "api.html").read_text("utf-8")
