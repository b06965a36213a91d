"""The way of the texts to a translator's tools and back."""

from __future__ import annotations

import io
import tomllib

import pytest
import translations
from babel.messages.pofile import read_po, write_po

ONE_AND_SEVERAL = "page:app.guests"


def there_and_back(language: str, **translated: str | tuple[str, str]) -> dict[str, str]:
    """Return the files of a language after a PO file was written, translated further by context, and read."""
    file = io.BytesIO()
    catalog = translations.catalog_of(language)
    for message in catalog:
        if message.context in translated:
            message.string = translated[message.context]
    write_po(file, catalog)
    file.seek(0)
    return translations.files_of(language, read_po(file))


def test_a_language_survives_the_way_to_a_po_file_and_back():
    files = there_and_back("de")
    assert len(files) == 1 + len(translations.SENTENCES)
    for name, text in files.items():
        assert tomllib.loads(text) == tomllib.loads((translations.TEXTS / name).read_text("utf-8")), name


def test_a_new_language_holds_what_is_translated_and_nothing_else():
    (page, *others) = there_and_back(
        "fr", **{"page:app.people": "Personnes", ONE_AND_SEVERAL: ("Un autre appareil.", "{count} autres appareils.")}
    ).values()
    wanted = {"people": "Personnes", "guests": {"one": "Un autre appareil.", "other": "{count} autres appareils."}}
    assert translations.leaves(tomllib.loads(page)) == translations.leaves({"app": wanted})
    assert not any(translations.leaves(tomllib.loads(other)) for other in others)


def test_a_lost_placeholder_is_refused():
    with pytest.raises(SystemExit, match="same placeholders"):
        there_and_back("fr", **{ONE_AND_SEVERAL: ("Un autre appareil.", "D'autres appareils.")})


def test_a_guess_of_a_tool_is_not_taken():
    catalog = translations.catalog_of("fr")
    message = next(message for message in catalog if message.context == "page:app.people")
    message.string = "Gens"
    message.flags.add("fuzzy")
    assert "Gens" not in translations.files_of("fr", catalog)["fr.toml"]


@pytest.mark.parametrize(("language", "word"), [("pl", "other forms"), ("no such", "no code")])
def test_what_cannot_be_a_language_of_rotrack_is_refused(language, word):
    with pytest.raises(SystemExit, match=word):
        translations.catalog_of(language)
