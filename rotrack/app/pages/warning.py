"""A drawing of what browsers say of a certificate that nobody has signed, and of what to press."""

from __future__ import annotations

from html import escape

from rotrack.texts import Texts

EXAMPLE = "192.168.1.20"
_WIDTH, _HEIGHT, _GAP = 150, 270, 26
_INK, _QUIET, _LINE, _PRESS = "#1c2126", "#6b747c", "#c9cfd4", "#b3261e"


def warning_picture(t: Texts) -> str:
    """Return the drawing as SVG: Chrome on Android in two steps, and Safari on an iPhone in two; numbers say where to press."""
    chrome, safari = (_title(t(f"warning.{browser}_title")) + _lines(86, 3) for browser in ("chrome", "safari"))
    back = _button(t("warning.back"), 190, "#1a56c4", "#fff")
    phones = (
        (t("warning.chrome"), chrome + back + _button(t("warning.advanced"), 230, "#eceff2", _INK, press="1")),
        ("", _lines(50, 4) + _link(t("warning.proceed", address=EXAMPLE), 122, "2") + back
         + _button(t("warning.hide"), 230, "#eceff2", _INK)),
        (t("warning.safari"), safari + _link(t("warning.details"), 142, "1") + _link(t("warning.go_back"), 176)),
        ("", _lines(50, 6) + _link(t("warning.visit"), 142, "2")),
    )  # fmt: skip
    drawn = "".join(
        f'<g transform="translate({number * (_WIDTH + _GAP) + 10} 30)">'
        + (f'<text x="0" y="-12" font-size="13" font-weight="700" fill="{_INK}">{escape(name)}</text>' if name else "")
        + f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="16" fill="#fff" stroke="{_INK}" stroke-width="3"/>{inside}</g>'
        for number, (name, inside) in enumerate(phones)
    )
    width, height = 4 * _WIDTH + 3 * _GAP + 20, _HEIGHT + 42
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(t("warning.picture"))}" '
        f'font-family="system-ui, sans-serif"><rect width="{width}" height="{height}" rx="12" fill="#f4f5f7"/>{drawn}</svg>'
    )


def _title(said: str) -> str:
    return _text(_wrapped(said, 18), 60, 12, _INK, bold=True)


def _wrapped(said: str, most: int) -> list[str]:
    """Return words in lines of at most so many letters."""
    lines = [""]
    for word in said.split():
        if len(lines[-1]) + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _text(lines: list[str], y: float, size: float, colour: str, bold: bool = False) -> str:
    """Return lines in the middle of a phone, with the last one at a height."""
    weight = ' font-weight="700"' if bold else ""
    return "".join(
        f'<text x="{_WIDTH / 2}" y="{y - (len(lines) - 1 - number) * (size + 2):g}" font-size="{size:g}" text-anchor="middle" '
        f'fill="{colour}"{weight}>{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


def _lines(y: float, count: int) -> str:
    """Return lines that stand for words that do not matter."""
    return "".join(
        f'<path d="M16 {y + 10 * number:g}H{_WIDTH - (40 if number == count - 1 else 16)}" stroke="{_LINE}" stroke-width="4"/>'
        for number in range(count)
    )


def _button(said: str, y: float, ground: str, colour: str, press: str = "") -> str:
    return (
        f'<rect x="14" y="{y}" width="{_WIDTH - 28}" height="26" rx="13" fill="{ground}"/>'
        + _text([said], y + 17, 10.5, colour)
        + (_press(press, y + 13, 18) if press else "")
    )


def _link(said: str, y: float, press: str = "") -> str:
    lines = _wrapped(said, 22)
    more = 6 * (len(lines) - 1)
    return _text(lines, y, 10.5, "#1a56c4" if press else _QUIET) + (_press(press, y - 4 - more, 14 + more) if press else "")


def _press(number: str, y: float, reach: float) -> str:
    """Return what says that a place is to be pressed, and when."""
    return (
        f'<rect x="6" y="{y - reach:g}" width="{_WIDTH - 12}" height="{2 * reach:g}" rx="{reach:g}" fill="none" '
        f'stroke="{_PRESS}" stroke-width="3"/><circle cx="{_WIDTH - 4}" cy="{y - reach + 2:g}" r="10" fill="{_PRESS}"/>'
        f'<text x="{_WIDTH - 4}" y="{y - reach + 6:g}" font-size="12" font-weight="700" text-anchor="middle" fill="#fff">'
        f"{number}</text>"
    )
