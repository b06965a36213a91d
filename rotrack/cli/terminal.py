"""The terminal: where results go, and where everything else that is said goes."""

from __future__ import annotations

import re
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text


class Terminal(Console):
    """A console on which sentences are broken between words at the edge of a terminal, and nowhere where they go into a file."""

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """Print as `rich.console.Console.print` does, but for what `soft_wrap` says of a text.

        Parameters
        ----------
        *objects : object
            What to print.
        soft_wrap : bool or None
            Whether this is running text. A file gets it in one line. In a terminal its lines begin as far in as the first one,
            and end between words: a path is never cut, so that it can be copied.
        **options : object
            As of `rich.console.Console.print`.
        """
        if soft_wrap and self.is_terminal:
            markup = options.get("markup", True)
            said = Text(" ").join(self.render_str(str(each), markup=markup, highlight=False) for each in objects)
            super().print(self._folded(said, options.pop("style", "")), soft_wrap=True, **options)
        else:
            super().print(*objects, soft_wrap=soft_wrap, **options)

    def on_broken_pipe(self) -> None:
        """Leave it to the end of the program, as for every output that is lost."""
        raise BrokenPipeError

    def _folded(self, said: Text, style: str) -> Text:
        said.stylize(style)
        lines: list[Text] = []
        for line in said.split("\n", allow_blank=True):
            inset = " " * (len(line.plain) - len(line.plain.lstrip(" ")))
            first, *others = line.divide(_breaks(line.plain, self.width, len(inset)))
            lines += [first, *(Text(inset) + other for other in others)]
        for line in lines:
            line.rstrip()
        return Text("\n").join(lines)


def _breaks(line: str, width: int, inset: int) -> list[int]:
    """Return where the lines begin that a line is broken into, after the first: each with a word."""
    breaks: list[int] = []
    room, begin = width, 0
    for word in re.finditer(r"\S+", line):
        if word.start() > max(begin, inset) and cell_len(line[begin : word.end()]) > room:
            begin = word.start()
            breaks.append(begin)
            room = width - inset
    return breaks


OUT = Terminal(highlight=False)
"""For what was asked for."""
ERR = Terminal(stderr=True, highlight=False)
"""For notes, progress and problems."""
