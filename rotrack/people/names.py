"""Whom a typed name means: the same person in every spelling that means the same, or else somebody with a similar name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rotrack.records.history import people
from rotrack.records.people import find_person, read_people, similar, tidy
from rotrack.system.inputs import name_key


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a typed name means.

    Parameters
    ----------
    name : str
        The name of that person as it is kept; the typed one, without odd blanks, if nobody is called so.
    known : bool
        Whether somebody is called so, or nobody was asked for.
    similar : str
        If not: the known name that is most like it, if one is.
    """

    name: str
    known: bool
    similar: str = ""


def meant(data: Path, typed: str) -> Meant:
    """Return whom a name means in a data folder.

    Parameters
    ----------
    data : Path
        The data folder; it need not exist.
    typed : str
        What somebody typed: a name in any spelling that means the same, the id of a person, or nothing.

    Raises
    ------
    RecordError
        If people or sessions cannot be listed.
    """
    key = name_key(typed)
    if not key:
        return Meant("", True)
    known, _ = read_people(data)
    person = find_person(known, typed.strip())
    if person:
        return Meant(person.name, True)
    for name in people(data):  # sessions of earlier versions in a folder that cannot be written
        if name_key(name) == key:
            return Meant(name, True)
    like = similar(known, typed)
    return Meant(tidy(typed), False, like.name if like else "")
