"""Words about a session that several commands print."""

from __future__ import annotations

from math import isfinite

from rotrack.records.record import SessionRecord
from rotrack.records.session import Session, SessionValue
from rotrack.texts.numbers import times


def counts(session: Session, value: SessionValue, valid: str = "valid ") -> str:
    """Return how many repetitions of a value are valid, of how many, and how many were dropped, in words."""
    dropped = sum((rep.side, rep.direction, rep.dropped) == (value.side, value.direction, True) for rep in session.rep_list)
    return f"{value.reps_valid} {valid}of {value.reps_total}" + (f", {dropped} dropped" if dropped else "")


def noted_words(record: SessionRecord) -> str:
    """Return note, band and load in words; empty without any."""
    load = f"{record.load_kg:g} kg" if isfinite(record.load_kg) else ""
    return ", ".join(filter(None, [record.note, record.band and f"band {record.band}", load]))


def noted_of(session: Session) -> str:
    """Return what was noted of a session, and how many of its repetitions were dropped; empty without any."""
    dropped = sum(rep.dropped for rep in session.rep_list)
    return ", ".join(filter(None, [noted_words(session.record), f"{times(dropped, 'repetition')} dropped" if dropped else ""]))
