"""Lets a translator use the tools of gettext: the texts of a language as a PO file, and a PO file as the texts of a language.

    python tests/translations.py po de de.po      # write de.po: every English text with its German one, empty where there is none
    python tests/translations.py toml de de.po    # write rotrack/texts/de*.toml from it

A language that is new begins with a PO file in which nothing is translated. The context of an entry is the file, the section and,
for the texts of the page, the key. Comments and the order of the lines come from `en.toml`, and for the sentences of the core
from the German files, which list them.
"""

from __future__ import annotations

import argparse
import json
import re
import string
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

TEXTS = Path(__file__).resolve().parents[1] / "rotrack" / "texts"
SENTENCES = ("core", "drills", "report")
FORMS = (".one", ".other")
_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
_ENTRY = re.compile(r"(?P<key>\"(?:[^\"\\]|\\.)*\"|[\w.-]+) = (?P<value>\"(?:[^\"\\]|\\.)*\")(?P<rest>\s*(?:#.*)?)")


@dataclass(frozen=True)
class Line:
    """A line of a file of texts.

    Parameters
    ----------
    text : str
        The line itself.
    context : str
        File, section and, of a text of the page, key; empty if the line holds no text.
    key, english, rest : str
        What stands before the value, the English text, and the comment after the value.
    """

    text: str
    context: str = ""
    key: str = ""
    english: str = ""
    rest: str = ""


def lines_of(name: str, keyed: bool) -> Iterator[Line]:
    """Yield the lines of a file of texts; `keyed` if its values are the English texts, else its keys are."""
    section = ""
    for text in (TEXTS / f"{name}.toml").read_text("utf-8").splitlines():
        if found := _SECTION.match(text):
            section = found["name"]
        entry = _ENTRY.fullmatch(text)
        if entry is None:
            yield Line(text)
            continue
        english = json.loads(entry["value"] if keyed else entry["key"])
        place = name.partition("_")[2] or "page"
        context = f"{place}:{section}.{entry['key']}" if keyed else f"{place}:{section}"
        yield Line(text, context, entry["key"], english, entry["rest"])


def template() -> Iterator[tuple[str, list[Line]]]:
    """Yield what a language needs: the ending of each file, and its lines."""
    yield "", list(lines_of("en", keyed=True))
    for part in SENTENCES:
        yield f"_{part}", list(lines_of(f"de_{part}", keyed=False))


def known(language: str) -> dict[tuple[str, str], str]:
    """Return the texts that a language has, by context and English text."""
    texts = {}
    for ending, lines in template():
        path = TEXTS / f"{language}{ending}.toml"
        table = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
        own = leaves(table)
        for line in lines:
            if line.context:
                place = line.context.partition(":")[2]
                text = own.get(place if not ending else f"{place}.{line.english}")
                if text is not None:
                    texts[line.context, line.english] = text
    return texts


def leaves(table: dict, before: str = "") -> dict[str, str]:
    """Return the texts of nested tables by their dotted keys."""
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= leaves(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return found


def catalog_of(language: str) -> Catalog:
    """Return the texts of a language as a catalogue of gettext.

    Raises
    ------
    SystemExit
        If nobody knows the language, or it has other forms than one and several.
    """
    try:
        forms = Locale.parse(language).plural_form.tags
    except (UnknownLocaleError, ValueError):
        sys.exit(f"'{language}' is no code of a language. Use one like de, fr or pt_BR.")
    if forms & {"zero", "two", "few"}:
        sys.exit(f"'{language}' has other forms besides one and several, and rotrack does not know them yet.")
    catalog = Catalog(project="rotrack", version=version("rotrack"), header_comment="# The texts of rotrack.")
    texts = known(language)
    for _, lines in template():
        english = {line.context: line.english for line in lines}
        for line in lines:
            stem = line.context.removesuffix(FORMS[0])
            if stem != line.context and stem + FORMS[1] in english:
                both = (line.english, english[stem + FORMS[1]])
                own = tuple(texts.get((stem + form, text), "") for form, text in zip(FORMS, both, strict=True))
                catalog.add(both, own, context=stem, auto_comments=_comments(line))
            elif line.context and not (line.context.endswith(FORMS[1]) and line.context[: -len(FORMS[1])] + FORMS[0] in english):
                own = texts.get((line.context, line.english), "")
                catalog.add(line.english, own, context=line.context, auto_comments=_comments(line))
    return catalog


def _comments(line: Line) -> list[str]:
    return [line.rest.strip("# ")] if line.rest else []


def files_of(language: str, catalog: Catalog) -> dict[str, str]:
    """Return the files of a language, by name, with what a catalogue translates.

    Raises
    ------
    SystemExit
        If a translation has lost or made up a placeholder.
    """
    said = {}
    for message in catalog:
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        own = message.string if isinstance(message.string, tuple) else (message.string,)
        plural = len(english) > 1
        if message.fuzzy:  # a guess of a tool, which nobody has confirmed
            continue
        for index, text in enumerate(english):
            said[f"{message.context}{FORMS[index] if plural else ''}", text] = own[index]
    files = {}
    for ending, lines in template():
        made = []
        for line in lines:
            own = said.get((line.context, line.english), "")
            if own and _places(own) != _places(line.english):
                sys.exit(f"The translation of '{line.english}' must hold the same placeholders, but is '{own}'.")
            if own:
                made.append(f"{line.key} = {json.dumps(own, ensure_ascii=False)}{line.rest}")
            elif not line.context:
                made.append(line.text)
        files[f"{language}{ending}.toml"] = "\n".join(made) + "\n"
    return files


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def main() -> None:
    """Write the PO file, or the files of texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("to", choices=("po", "toml"), help="what to write")
    parser.add_argument("language", help="its code: de, fr, pt_BR")
    parser.add_argument("file", type=Path, help="the PO file")
    asked = parser.parse_args()
    if asked.to == "po":
        with asked.file.open("wb") as file:
            write_po(file, catalog_of(asked.language), width=120)
        return
    with asked.file.open("rb") as file:
        catalog = read_po(file)
    for name, text in files_of(asked.language, catalog).items():
        (TEXTS / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
