"""Words about a session that several commands print."""

from __future__ import annotations

from rotrack.records.options import Noted, options_of
from rotrack.records.record import SessionRecord
from rotrack.records.rules import USUAL
from rotrack.records.session import Session, SessionValue
from rotrack.texts.numbers import times


def counts(session: Session, value: SessionValue, valid: str = "valid ") -> str:
    """Return how many repetitions of a value are valid, of how many, and how many were dropped, in words."""
    dropped = sum((rep.side, rep.direction, rep.dropped) == (value.side, value.direction, True) for rep in session.rep_list)
    return f"{value.reps_valid} {valid}of {value.reps_total}" + (f", {dropped} dropped" if dropped else "")


def noted_words(record: SessionRecord) -> str:
    """Return what was noted in words; empty without any."""
    said = {name: option.written(getattr(record, name)) for name, option in options_of(Noted).items()}
    said |= {"value_rule": "" if record.value_rule == USUAL else record.value_rule}
    shown = {
        "note": "{}", "variant": "variant {}",
        "band": "band {}", "load_kg": "{} kg", "performed": "{}", "assisted_by": "assisted by {}",
        "pain_before": "pain before {}", "pain_end": "pain at the end {}", "end_feel": "end feel {}", "warm_up": "warm-up {}",
        "position": "position {}", "value_rule": "value {}",
    }  # fmt: skip
    return ", ".join(shown.get(name, name + " {}").format(words) for name, words in said.items() if words)


def noted_of(session: Session) -> str:
    """Return what was noted of a session, and how many of its repetitions were dropped; empty without any."""
    dropped = sum(rep.dropped for rep in session.rep_list)
    return ", ".join(filter(None, [noted_words(session.record), f"{times(dropped, 'repetition')} dropped" if dropped else ""]))
