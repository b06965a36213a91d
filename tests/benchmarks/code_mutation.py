"""Makes small mistakes in a module, one at a time, and runs its tests: do they notice?

    python tests/benchmarks/code_mutation.py                       # the four modules that decide about numbers
    python tests/benchmarks/code_mutation.py rotrack/progress/rule.py --tests tests/test_progress.py [--mutants 60] [--seed 1]

A mutant has one comparison turned or moved by its edge, one sign or operator exchanged, one number changed, one condition
negated, one `and` for `or`, one `min` for `max`, or one statement left out. It is killed when a test fails, or when the tests
take four times as long. Survivors are printed with their lines; whether one of them changes
anything at all has to be judged by hand. The working tree is not touched: mutants live in a copy.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis  # noqa: F401  loaded once here, not in every process
import numpy as np  # noqa: F401
import pandas as pd  # noqa: F401
import pytest
import scipy.stats  # noqa: F401

ROOT = Path(__file__).parents[2]
MODULES = {
    "rotrack/kinematics/rotation.py": ["rotation", "two_readings", "conventions", "calibration_fit"],
    "rotrack/tracking/reps.py": ["reps", "counting", "tracking", "same_numbers"],
    "rotrack/progress/change.py": ["progress", "session_value"],
    "rotrack/records/table.py": ["table", "writer", "repair"],
}
"""Each module with the tests that are to notice a mistake in it."""
PATIENCE = 4.0
_COMPARED: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn], ast.NotIn: [ast.In],
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_EXCHANGED = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "nanmin": "nanmax",
    "nanmax": "nanmin",
    "minimum": "maximum",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: the line that it is in, what was done, and the text of the module that holds it."""

    line: int
    what: str
    source: str


def mutants(source: str, rng: random.Random, count: int) -> list[Mutant]:
    """Return mutants of a module, each another mistake, drawn at random and in order of their lines."""
    total = sum(1 for _ in _mistakes(ast.parse(source)))
    drawn = sorted(rng.sample(range(total), min(count, total)))
    made = []
    for index in drawn:
        tree = ast.parse(source)
        line, what, do = next(m for i, m in enumerate(_mistakes(tree)) if i == index)
        do()
        made.append(Mutant(line, what, ast.unparse(ast.fix_missing_locations(tree))))
    return made


_Mistake = tuple[int, str, Callable[[], None]]
"""A mistake that can be made: its line, words for it, and what makes it."""


def _mistakes(tree: ast.Module) -> Iterator[_Mistake]:
    """Yield every mistake that can be made in a module, always in the same order."""
    for node in _code(tree):
        yield from _of_logic(node)
        yield from _of_numbers(node)


def _of_logic(node: Any) -> Iterator[_Mistake]:
    match node:
        case ast.Compare():
            for i, old in enumerate(node.ops):
                for new in _COMPARED[type(old)]:
                    yield node.lineno, _words(type(old), new), partial(node.ops.__setitem__, i, new())
        case ast.BoolOp():
            new = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield node.lineno, _words(type(node.op), new), partial(setattr, node, "op", new())
        case ast.If() | ast.IfExp() | ast.While():
            yield node.lineno, "condition negated", partial(setattr, node, "test", ast.UnaryOp(ast.Not(), node.test))
        case ast.Constant(value=bool()):
            yield node.lineno, f"{node.value} -> {not node.value}", partial(setattr, node, "value", not node.value)
        case ast.Expr(value=ast.Call()):
            yield node.lineno, "call left out", partial(setattr, node, "value", ast.Constant(None))


def _of_numbers(node: Any) -> Iterator[_Mistake]:
    match node:
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _COMPUTED:
            new = _COMPUTED[type(node.op)]
            yield node.lineno, _words(type(node.op), new), partial(setattr, node, "op", new())
        case ast.UnaryOp(op=ast.USub()):
            yield node.lineno, "sign", partial(setattr, node, "op", ast.UAdd())
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            changed = node.value + 1 if isinstance(node.value, int) else node.value * 1.5 or 1.0
            yield node.lineno, f"{node.value} -> {changed}", partial(setattr, node, "value", changed)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _EXCHANGED:
            field = "id" if isinstance(node.func, ast.Name) else "attr"
            yield node.lineno, f"{name} -> {_EXCHANGED[name]}", partial(setattr, node.func, field, _EXCHANGED[name])


def _words(old: type[ast.AST], new: type[ast.AST]) -> str:
    return f"{old.__name__} -> {new.__name__}"


def _code(node: ast.AST) -> Iterator[Any]:
    """Yield the nodes that decide something: no annotations, no imports, no texts of errors."""
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(
            node, ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


# ---------------------------------------------------------------------- running
def failed(copy: Path, tests: list[str], limit_s: float) -> bool:
    """Return whether tests fail in a copy of the repository, or take longer than a limit; each run in a process of its own."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.chdir(copy)
        os.environ["PYTHONPATH"] = str(copy)
        sys.path[:0] = [str(copy), str(copy / "tests")]
        sys.dont_write_bytecode = True
        code = 3
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests])
        os._exit(int(code))
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def run(module: str, tests: list[str], count: int, seed: int, copy: Path) -> tuple[int, list[Mutant]]:
    """Return how many mutants of a module were made, and which of them no test noticed."""
    source = (ROOT / module).read_text("utf-8")
    started_s = time.monotonic()
    if failed(copy, tests, 3600.0):
        raise SystemExit(f"The tests of {module} fail as it is: {' '.join(tests)}.")
    limit_s = PATIENCE * (time.monotonic() - started_s) + 20.0
    survivors = []
    made = mutants(source, random.Random(seed), count)
    for mutant in made:
        (copy / module).write_text(mutant.source, "utf-8")
        if not failed(copy, tests, limit_s):
            survivors.append(mutant)
            print(f"  {module}:{mutant.line}  {mutant.what}:  {source.splitlines()[mutant.line - 1].strip()}", flush=True)
    (copy / module).write_text(source, "utf-8")
    print(f"{module}: {len(made) - len(survivors)} of {len(made)} killed", flush=True)
    return len(made), survivors


def main() -> None:
    """Read the command line and mutate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "modules", nargs="*", default=list(MODULES), help="files of the package; default: those of the table above"
    )
    parser.add_argument("--tests", nargs="+", help="test files, for modules that are not in the table")
    parser.add_argument("--mutants", type=int, default=60, help="of each module (default 60)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "rotrack"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", "*.egg-info"))
        for module in args.modules:
            tests = args.tests or [f"tests/test_{name}.py" for name in MODULES[module]]
            run(module, tests, args.mutants, args.seed, copy)


if __name__ == "__main__":
    main()
