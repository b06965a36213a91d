"""What commands print, for the docs: `python tests/generated.py` writes it anew, and test_generated.py says when it is old.

An example stands between `<!-- printed NAME: written by tests/generated.py -->` and `<!-- end -->`. NAME says on which data, as
in `DATA`. The first line of its block is the command after a `$`; what the command prints follows.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from helpers import a_rep
from made_sessions import write

from rotrack import cli, write_sample
from rotrack.cli.terminal import ERR, OUT
from rotrack.core.model import Rep, Side
from rotrack.exchange.typed import import_readings

COLUMNS = 88
PEOPLE, REPS = 12, 5
NOT_MADE = {
    "landmarker alone 12.7 ms a picture": "tests/benchmarks/page.py takes minutes, a browser and a quiet computer",
    "30 clients, at most 4 clicks each": "tests/benchmarks/day.py takes ten minutes and a browser",
    "peak memory: 430 MB for the clip": "tests/benchmarks/pipeline.py takes minutes and a quiet computer",
    "long_sitting      28 legs": "tests/benchmarks/correction.py needs clips that are not in the repository",
    "long_sitting      14 legs": "tests/benchmarks/legnet_errors.py needs clips that are not in the repository",
    "file,person,drill,side,recorded_at": "what a reader writes; test_docs_commands.py measures it",
    "DATA/sessions/ID/": "a list of files, not an output",
    "pointer p: knee bent": "a definition, not an output",
    "default:  s": "formulas, not an output",
    "camera, video file": "a drawing of the package, not an output",
}
"""Blocks of text in the docs that no script makes again, by how they begin, and why."""


def sample(data: Path) -> None:
    """Write the sessions of `rotrack demo --sessions`."""
    write_sample(data)


def phone(data: Path) -> None:
    """Write sessions of twelve people, and what a phone on the shin read in each repetition."""
    chance = random.Random(2)
    rows = ["taken_at,person,drill,side,direction,value_deg,instrument,rater,rep"]
    for day in range(1, PEOPLE + 1):
        person, usual, off = f"P{day:02}", chance.uniform(28, 42), chance.gauss(1, 1)
        reps: list[Rep] = []
        for number in range(1, REPS + 1):
            true = usual + chance.gauss(0, 1.5)
            reps.append(a_rep(number, true, Side.LEFT, gravity_deg=true))
            read = true - off - chance.gauss(0, 1.5)
            rows.append(f"2026-01-{day:02},{person},seated-combined,left,internal,{read:.1f},phone,AB,{number}")
        write(data, day, tuple(reps), drill="seated-combined", person=person, measured="hip rotation")
    table = data.with_suffix(".csv")
    table.write_text("\n".join(rows) + "\n", "utf-8")
    import_readings(data, table)


DATA: dict[str, Callable[[Path], None]] = {
    "without data": lambda _: None,
    "on made-up sessions": sample,
    "on a made-up study": phone,
}


def printed(name: str, line: str) -> str:
    """Return what a command prints on these data, in a terminal of `COLUMNS` columns."""
    said = StringIO()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder) / "data"
        DATA[name](home)
        stack.enter_context(
            patch.dict(os.environ, {"ROTRACK_HOME": str(home), "COLUMNS": str(COLUMNS), "ROTRACK_REMEASURE": "no"})
        )
        stack.enter_context(patch.object(sys, "argv", shlex.split(line)))
        for terminal in (OUT, ERR):
            stack.callback(setattr, terminal, "width", terminal.width)
            terminal.width = COLUMNS
        here = Path.cwd()
        os.chdir(folder)
        stack.callback(os.chdir, here)
        stack.enter_context(redirect_stdout(said))
        stack.enter_context(redirect_stderr(said))
        stack.enter_context(suppress(SystemExit))
        cli.run()
    plain = re.sub(r"\x1b\[[\d;]*m", "", said.getvalue())
    return "\n".join(line for row in plain.splitlines() for line in _folded(row.rstrip())).strip("\n")


def _folded(row: str) -> list[str]:
    """Break a long line as a terminal does, between words."""
    inset = row[: len(row) - len(row.lstrip())]
    return textwrap.wrap(row, COLUMNS, subsequent_indent=inset) if len(row) > COLUMNS else [row]


def renewed(page: str) -> str:
    """Return the text of a page with its examples made anew."""
    example = re.compile(
        r"^(<!-- printed (?P<name>[^\n:]+): written by tests/generated\.py -->\n```text\n"
        r"\$ (?P<line>rotrack [^\n]+)\n).*?(?=^```\n<!-- end -->)",
        re.MULTILINE | re.DOTALL,
    )
    return example.sub(lambda found: f"{found[1]}{printed(found['name'], found['line'])}\n", page)
