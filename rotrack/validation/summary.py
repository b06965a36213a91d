"""Sums up what was found of clips: per posture and in all, as text, as a table for the docs, or as a document for programs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rotrack.core.errors import InputError
from rotrack.core.messages import Sentence
from rotrack.core.reasons import kind_of, values_of
from rotrack.system.files import write_for_person
from rotrack.system.imports import when_used
from rotrack.system.inputs import UnreadableError, read_table
from rotrack.texts import words
from rotrack.texts.numbers import times
from rotrack.validation.compare import BETWEEN, COLUMNS

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = when_used("pandas")

ALL = "all"


@dataclass(frozen=True, slots=True)
class Summary:
    """The errors of a group of clips; NaN where there is nothing to tell.

    Parameters
    ----------
    name : str
        Of the group.
    clips, clips_counted_right : int
        Clips, and those in which every true repetition was found and none invented.
    legs, legs_read : int
        Legs that moved, and those that had an angle.
    mae_deg, median_deg, worst_deg : float
        Mean absolute error of the curve after rotrack's own zero: mean, median and worst leg.
    with_zero_deg : float
        The same from the true zero: mean over legs.
    picture_deg : float
        Error of the plain angle in the picture: mean over legs.
    slope, slope_low, slope_high : float
        Degrees read per true degree: median, least and most of the legs that turn far enough.
    peak_deg : float
        Error of the peaks: mean over legs.
    true, found, missed, invented : int
        Repetitions.
    covered, covered_with_zero, covered_of : int
        Repetitions found whose 95 % interval holds the true peak, counted from rotrack's zero and from the true one; of how many.
    neutral_deg, neutral_worst_deg : float
        How far from the true zero legs were when their neutral poses were taken: mean and worst.
    zero_deg, zero_worst_deg : float
        What is read at the true zero: mean and worst size.
    zero_covered, zero_of : int
        Legs whose stated 95 % error at the true zero holds what is read there; of how many.
    still_invented : int
        Of `invented`, those of legs that rested.
    """

    name: str
    clips: int
    clips_counted_right: int
    legs: int
    legs_read: int
    mae_deg: float
    median_deg: float
    worst_deg: float
    with_zero_deg: float
    picture_deg: float
    slope: float
    slope_low: float
    slope_high: float
    peak_deg: float
    true: int
    found: int
    missed: int
    invented: int
    covered: int
    covered_with_zero: int
    covered_of: int
    neutral_deg: float
    neutral_worst_deg: float
    zero_deg: float
    zero_worst_deg: float
    zero_covered: int
    zero_of: int
    still_invented: int


def summarize(table: pd.DataFrame, name: str = ALL) -> Summary:
    """Return the errors of all clips of a table together."""
    moving, counts = table[table.moves == "yes"], table.apply(pd.to_numeric, errors="coerce")
    read = counts.loc[moving.index[_there(moving.mae_deg)]]
    true, found, invented, covered, covered_zero = (
        int(counts[c].sum()) for c in ("reps_true", "reps_found", "reps_invented", "reps_covered", "reps_covered_with_zero")
    )
    right = (counts.reps_found == counts.reps_true) & (counts.reps_invented == 0)
    neutrals = np.abs([float(value) for cell in moving.neutrals_deg for value in str(cell).split() if value != "nan"])
    known = read[read.zero_deg.notna() & read.zero_stated_deg.notna()]
    slopes = read.slope.dropna()
    return Summary(
        name=name,
        clips=table["clip"].nunique(),
        clips_counted_right=int(right.groupby(table["clip"]).all().sum()),
        legs=len(moving),
        legs_read=len(read),
        mae_deg=read.mae_deg.mean(),
        median_deg=read.mae_deg.median(),
        worst_deg=read.mae_deg.max(),
        with_zero_deg=read.mae_with_zero_deg.mean(),
        picture_deg=read.picture_mae_deg.mean(),
        slope=slopes.median(),
        slope_low=slopes.min(),
        slope_high=slopes.max(),
        peak_deg=read.peak_mae_deg.mean(),
        true=true,
        found=found,
        missed=true - found,
        invented=invented,
        covered=covered,
        covered_with_zero=covered_zero,
        covered_of=int(counts.reps_found[_there(table.reps_covered)].sum()),
        neutral_deg=float(neutrals.mean()) if len(neutrals) else float("nan"),
        neutral_worst_deg=float(neutrals.max()) if len(neutrals) else float("nan"),
        zero_deg=read.zero_deg.abs().mean(),
        zero_worst_deg=read.zero_deg.abs().max(),
        zero_covered=int((known.zero_deg.abs() <= known.zero_stated_deg).sum()),
        zero_of=len(known),
        still_invented=int(counts.reps_invented[table.moves != "yes"].sum()),
    )


def _there(column: pd.Series) -> pd.Series:
    return column.notna() & (column != "")


def summaries(table: pd.DataFrame, by: str = "posture") -> list[Summary]:
    """Return the errors per posture, or per body, and of all together at the end."""
    groups = [summarize(group, str(name)) for name, group in table.groupby(by, sort=False)]
    return [*groups, summarize(table)] if len(groups) > 1 else groups


# ---------------------------------------------------------------------- why there is nothing
@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason for missing angles: the clips and moving legs that it struck, and the frames without an angle for it."""

    reason: str
    clips: int
    legs: int
    frames: int


def refusals(table: pd.DataFrame) -> list[Refusal]:
    """Return why moving legs have no angle while the person is there, the most frequent first."""
    clips: dict[str, set[str]] = {}
    legs, frames = Counter[str](), Counter[str]()
    for row in table[table.moves == "yes"].itertuples():
        struck = Counter[str]()
        for entry in _entries(row.reasons):
            told, _, reason = entry.partition(" ")
            struck[_general(reason)] += int(told)
        for reason, count in struck.items():
            clips.setdefault(reason, set()).add(row.clip)
            legs[reason] += 1
            frames[reason] += count
    return [Refusal(reason, len(clips[reason]), legs[reason], count) for reason, count in frames.most_common()]


def misses(table: pd.DataFrame) -> Counter[str]:
    """Return why true repetitions were not found, and how often each."""
    return Counter(_general(entry.partition(": ")[2]) for cell in table.missed for entry in _entries(cell))


def _entries(cell: Any) -> list[str]:
    return [entry for entry in str(cell).split(BETWEEN) if entry] if isinstance(cell, str) else []


def _general(reason: str) -> str:
    """Return in words a reason without which leg it is about, and how much: the same for all."""
    kind, values = kind_of(reason), values_of(reason)
    values |= {name: "any" if name == "side" else "N" for name in values if name not in ("letter", "direction", "drill")}
    return words(kind.of(**values) if kind else reason)


# ---------------------------------------------------------------------- two versions side by side
def read_before(path: Path) -> pd.DataFrame:
    """Return the table that an earlier run wrote.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        table = read_table(path)
        lacking = [column for column in ("clip", "side", "posture", "moves", "mae_deg") if column not in table.columns]
        if lacking or table.damaged:
            raise UnreadableError(
                Sentence("it has no column {name}", name=lacking[0]) if lacking else f"line {table.damaged[0]} is damaged"
            )
    except UnreadableError as error:
        raise InputError(f"{path} is no table that `rotrack validate --out` wrote ({error}).") from error
    return pd.DataFrame([dict.fromkeys(COLUMNS, "") | row for _, row in table.rows], columns=COLUMNS, dtype=str)


def side_by_side(before: pd.DataFrame, now: pd.DataFrame, as_markdown: bool = False, width: int | None = None) -> str:
    """Return the errors per posture of an earlier run and of this one, of shared clips, and which legs count differently."""
    shared = sorted(set(before["clip"]) & set(now["clip"]))
    before, now = (table[table["clip"].isin(shared)] for table in (before, now))
    if not shared:
        return "No clip is in both tables."
    told = {when: {s.name: s for s in summaries(table)} for when, table in (("before", before), ("now", now))}
    rows = [replace(found[name], name=f"{name}, {when}") for name in told["now"] for when, found in told.items() if name in found]
    lines = _marked(_COLUMNS, rows) if as_markdown else _aligned(_COLUMNS, rows, width)
    changed = list(_changed(before, now))
    return "\n".join([*lines, *(["", "Counted differently:", "", *changed] if changed else [])])


def _changed(before: pd.DataFrame, now: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each leg with another number of repetitions found or invented."""
    was = {(row.clip, row.side): row for row in before.itertuples()}
    for row in now.itertuples():
        old = was.get((row.clip, row.side))
        if old is None:
            continue
        counts = [tuple(int(float(n or 0)) for n in (r.reps_found, r.reps_true, r.reps_invented)) for r in (old, row)]
        if counts[0] != counts[1]:
            told = [f"{found} of {true}, {invented} invented" for found, true, invented in counts]
            yield f"- {row.clip} {row.side}: {told[0]}; now {told[1]}"


# ---------------------------------------------------------------------- as text
def describe(table: pd.DataFrame, width: int | None = None) -> str:
    """Return the table as text, one line per clip and moving leg, and a summary; the CSV file holds everything.

    Parameters
    ----------
    table : pandas.DataFrame
        What was found of each clip and leg.
    width : int or None
        Letters in a line of the terminal, over which the tables of postures do not go; None where it is no terminal.
    """
    lines = list(_clip_lines(table, width))
    known = table[_there(table.mae_deg) & (table.moves == "yes")]
    still = table[_there(table.mae_deg) & (table.moves == "no")]
    if len(known):
        whole = summarize(table)
        lines.append(
            f"\n{times(len(known), 'moving leg')}: mean MAE {whole.mae_deg:.2f} deg, worst {whole.worst_deg:.2f}; "
            f"{whole.found} of {times(whole.true, 'repetition')} found, {whole.invented} invented."
        )
    if len(still):
        at_rest = f"{len(still)} {'leg' if len(still) == 1 else 'legs'} at rest"
        lines.append(f"{at_rest}: mean MAE {still.mae_deg.astype(float).mean():.2f} deg.")
    if (table.moves == "yes").any():
        lines += ["", *_aligned(_COLUMNS, summaries(table), width)]
        if table["clip"].nunique() > table.body.nunique() > 1:
            lines += ["", *_aligned(_COLUMNS, summaries(table, "body")[:-1], width)]
        lines += _why_lines(table)
    return "\n".join(lines)


def _clip_lines(table: pd.DataFrame, width: int | None) -> Iterator[str]:
    """Yield a line per leg, below its drill; what is remarkable of it comes below, a name that leaves no room above."""
    told = [row for row in table.itertuples() if row.moves != "no" or row.reps_invented or row.note]
    names = ["clip", *(row.clip for row in told)]
    numbers = _in_columns([("leg", "bias", "MAE", "limits", "peaks", "reps"), *map(_leg_cells, told)])
    wide = max(map(len, names))
    apart = width is not None and wide + 2 + max(map(len, numbers)) > width
    lines = [f"  {number}" if apart else f"{name:{wide}}  {number}" for name, number in zip(names, numbers, strict=True)]
    drill = ""
    for row, line in zip(told, lines[1:], strict=True):
        if row.drill != drill:
            yield from ("", row.drill, lines[0]) if drill else (row.drill, lines[0])
            drill = row.drill
        if apart:
            yield row.clip
        yield line
        remarks = [f"faults {row.faults}"] if row.faults else []
        remarks += [f"{row.reps_invented} invented"] if row.reps_invented else []
        remarks += ["camera place"] if row.camera_advice else []
        remarks += [row.note] if row.note else []
        if remarks:
            yield f"    {'; '.join(remarks)}"


def _leg_cells(row: Any) -> tuple[str, ...]:
    limits = f"{_show(row.loa_low_deg, '+')} to {_show(row.loa_high_deg, '+')}" if row.mae_deg != "" else ""
    reps = f"{row.reps_found} of {row.reps_true}" if row.reps_true != "" else ""
    return (row.side, _show(row.bias_deg, "+"), _show(row.mae_deg), limits, _show(row.peak_mae_deg), reps)


def _in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines: the first cell to the left, the others to the right, in columns as wide as they need."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ([f"{cell:{'>' if k else '<'}{widths[k]}}" for k, cell in enumerate(row)] for row in rows)
    return ["  ".join(cells).rstrip() for cells in aligned]


def _show(value: Any, sign: str = "") -> str:
    return f"{value:{sign}.2f}" if value != "" else ""


def _deg(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "-"


def _held(covered: int, of: int) -> str:
    return f"{covered / of:.0%} of {of}" if of else "-"


def _slopes(summary: Summary) -> str:
    return f"{summary.slope:.2f} ({summary.slope_low:.2f} to {summary.slope_high:.2f})" if np.isfinite(summary.slope) else "-"


_COLUMNS: dict[str, Callable[[Summary], str]] = {
    "": lambda s: s.name.replace("_", " "),
    "clips": lambda s: str(s.clips),
    "legs read": lambda s: f"{s.legs_read} of {s.legs}",
    "mean error": lambda s: _deg(s.mae_deg),
    "median": lambda s: _deg(s.median_deg),
    "worst": lambda s: _deg(s.worst_deg),
    "with its zero": lambda s: _deg(s.with_zero_deg),
    "slope": _slopes,
    "peak error": lambda s: _deg(s.peak_deg),
    "found": lambda s: f"{s.found} of {s.true}",
    "missed": lambda s: str(s.missed),
    "invented": lambda s: str(s.invented),
    "clips right": lambda s: f"{s.clips_counted_right} of {s.clips}",
    "95 % holds": lambda s: _held(s.covered, s.covered_of),
    "and with its zero": lambda s: _held(s.covered_with_zero, s.covered_of),
    "neutral off": lambda s: f"{_deg(s.neutral_deg)}, {_deg(s.neutral_worst_deg)}",
    "zero read": lambda s: f"{_deg(s.zero_deg)}, {_deg(s.zero_worst_deg)}",
    "its 95 % holds": lambda s: _held(s.zero_covered, s.zero_of),
}
"""What is told of a group, in the order of the columns."""
_FEW = ("", "clips", "legs read", "mean error", "worst", "found", "invented", "95 % holds")


def _aligned(columns: dict[str, Callable[[Summary], str]], told: list[Summary], width: int | None = None) -> list[str]:
    """Return a line per group; where that would be too long, several such tables, each beginning with the groups."""
    rows = [list(columns), *([of(summary) for of in columns.values()] for summary in told)]
    first, *others = zip(*rows, strict=True)
    parts = [[first]]
    for column in others:
        longer = _in_columns(list(zip(*parts[-1], column, strict=True)))
        if width is not None and max(map(len, longer)) > width and len(parts[-1]) > 1:
            parts.append([first])
        parts[-1].append(column)
    tables = [_in_columns(list(zip(*part, strict=True))) for part in parts]
    return [line for table in tables for line in ("", *table)][1:]


def _why_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    if found := refusals(table):
        lines += ["", "Why moving legs have no angle (clips, legs, frames):"]
        lines += [f"  {r.clips:4} {r.legs:4} {r.frames:6}  {r.reason}" for r in found]
    if missed := misses(table):
        lines += ["", "Why repetitions were missed:", *(f"  {n:4}  {reason}" for reason, n in missed.most_common())]
    return lines


def markdown(table: pd.DataFrame, short: bool = False) -> str:
    """Return the errors per posture and the refusals as tables for the docs; only the former, with fewer columns, if `short`."""
    columns = {name: of for name, of in _COLUMNS.items() if not short or name in _FEW}
    lines = _marked(columns, summaries(table))
    if not short and (found := refusals(table)):
        lines += ["", "| no angle because | clips | legs | frames |", "|---|---|---|---|"]
        lines += [f"| {r.reason} | {r.clips} | {r.legs} | {r.frames} |" for r in found]
    if not short and (missed := misses(table)):
        lines += ["", "| repetition missed because | times |", "|---|---|"]
        lines += [f"| {reason} | {n} |" for reason, n in missed.most_common()]
    return "\n".join(lines)


def _marked(columns: dict[str, Callable[[Summary], str]], told: list[Summary]) -> list[str]:
    lines = [_cells(list(columns)), "|" + "---|" * len(columns)]
    return lines + [_cells([of(summary) for of in columns.values()]) for summary in told]


def _cells(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def report(table: pd.DataFrame) -> dict[str, Any]:
    """Return all that was found as one document: the rows, the summaries, the refusals and why repetitions were missed."""
    rows = table.astype(object).where(table != "", None)
    return {
        "rows": rows.to_dict("records"),
        "summaries": [asdict(summary) for summary in summaries(table)],
        "refusals": [asdict(refusal) for refusal in refusals(table)],
        "missed": dict(misses(table).most_common()),
    }


def write_table(table: pd.DataFrame, path: Path, overwrite: bool = False) -> None:
    """Write the table as CSV.

    Raises
    ------
    InputError
        If there is such a file and it may not be replaced.
    RecordError
        If it cannot be written.
    """
    text = table.to_csv(index=False, float_format="%.3f", lineterminator=os.linesep)
    write_for_person(path, text.encode("utf-8", "replace"), overwrite)
