"""The values of a session and the repetitions behind them, as the result page shows them: per direction, left beside right."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from rotrack.app.pages.layout import tag
from rotrack.core.drills import Drill, load_table
from rotrack.core.model import Direction, Rep, Side
from rotrack.core.reasons import Reason, kind_of, parts_of
from rotrack.progress.change import Change
from rotrack.progress.compare import Earlier, Standing, earlier_values, standing
from rotrack.progress.wording import arc_message, change_words, last_time_words, none_before_words, sides_words, turnout_message
from rotrack.records.compare import Held, held, legs_of
from rotrack.records.session import Session, SessionValue, best_of
from rotrack.texts import Texts
from rotrack.texts.numbers import speed, unparted

EARLIER_SHOWN = 8
DOTS_WIDTH, DOTS_HEIGHT, DOT = 280, 96, 6.0

Key = tuple[Side, Direction]


def blank(name: str, classes: str = "", **attributes: object) -> TextElement:
    """Add an element whose text is to be set later."""
    element = tag(name, "\u2013", classes, **attributes)
    assert isinstance(element, TextElement)
    element.set_text("")
    return element


def amounts(session: Session, t: Texts) -> None:
    """Add the values of a session in short: a line per leg and direction, and per leg with both of its total arc."""
    lines = [(v.side, t.direction(v.direction), v.value_deg, v.uncertainty_deg, bool(v.reps_used)) for v in session.values]
    lines += [(arc.side, t("course.arc"), arc.total_deg, arc.total_error_deg, True) for arc in session.arcs]
    for side, what, value_deg, error_deg, is_there in lines:
        with tag("p", classes="amounts"):
            tag("span", t.leg(side), f"side {side}")
            tag("span", what)
            tag("strong", t.amount(value_deg, error_deg, session.record.tier, 0) if is_there else t("result.none_valid"))
    if turnout := session.turnout:
        with tag("p", classes="amounts"):
            tag("span", t("result.turnout_heading"))
            tag("strong", t.amount(turnout.total_deg, turnout.error_deg, session.record.tier, 0))


@dataclass(slots=True)
class _Row:
    """What changes about a repetition."""

    item: Element
    amount: TextElement
    used: Element
    why: TextElement
    button: TextElement


@dataclass(slots=True)
class _Leg:
    """What changes about a leg in one direction."""

    number: TextElement
    error: TextElement
    origin: TextElement
    reps: Element
    rows: dict[int, _Row] = field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()
    change: TextElement | None = None
    dots: ui.html | None = None


class Values:
    """Shows values and repetitions where it is made; `show` shows them anew after a change.

    Parameters
    ----------
    session : Session
        The session.
    others : sequence of Session
        All sessions, oldest first, for the comparison.
    drill : Drill or None
        Its drill; None if this version does not know it.
    t : Texts
        The words.
    toggle : callable
        Called with a repetition that the person wants to leave out or to count again.
    """

    def __init__(
        self, session: Session, others: Sequence[Session], drill: Drill | None, t: Texts, toggle: Callable[[Rep], Awaitable[None]]
    ) -> None:
        self._session, self._others, self._drill, self._t, self._toggle = session, others, drill, t, toggle
        self._tier = session.record.tier
        self._counted = self._tier.is_counted
        self._legs: dict[Key, _Leg] = {}
        self._against: dict[Direction, TextElement] = {}
        self._full = max((far for far in map(self._reaches, session.rep_list) if math.isfinite(far)), default=0.0) or 1.0
        keys = legs_of(session, drill.directions if drill else ())
        for direction in [d for d in Direction if any(key[1] is d for key in keys)]:
            self._build_direction(direction, [side for side in Side if (side, direction) in keys])
        self._arcs = self._build_arcs([side for side in Side if {(side, direction) for direction in Direction} <= keys])
        self._turnout = self._build_turnout()
        if session.rep_list:
            self._build_key([d for d in Direction if any(rep.direction is d for rep in session.rep_list)])
        self.show(session)

    def _reaches(self, rep: Rep) -> float:
        """Return how far a bar reaches with its error."""
        return rep.hold_s if self._counted else abs(rep.peak_deg) + _or_zero(rep.uncertainty_deg)

    def _reps(self, side: Side, direction: Direction) -> list[Rep]:
        return [rep for rep in self._session.rep_list if (rep.side, rep.direction) == (side, direction)]

    # ------------------------------------------------------------------ once
    def _build_direction(self, direction: Direction, sides: list[Side]) -> None:
        t = self._t
        with tag("section", classes="direction", aria_labelledby=f"{direction}-values"):
            with tag("h2", id=f"{direction}-values"):
                tag("span", t.direction(direction), "name")
                if self._drill:
                    tag("span", t.way(self._drill, direction), "way")
            with tag("div", classes=f"legs legs-{len(sides)}"):
                for side in sides:
                    self._build_leg(side, direction)
            if len(sides) == len(Side) and not self._counted:
                with tag("p", classes="against"):
                    tag("strong", t("result.sides_heading"))
                    self._against[direction] = blank("span")

    def _build_arcs(self, sides: list[Side]) -> dict[Side, TextElement]:
        """Add a line for each leg that is measured in both directions."""
        if not sides or not self._tier.in_degrees:
            return {}
        with tag("section", classes="both-ways", aria_labelledby="both-ways"):
            tag("h2", self._t("result.arc_heading"), id="both-ways")
            return {side: blank("p", role="status") for side in sides}

    def _build_turnout(self) -> TextElement | None:
        """Add a line for what both legs come to, of a drill that turns both out at once."""
        if self._drill is None or not self._drill.total_turnout:
            return None
        with tag("section", classes="both-ways", aria_labelledby="turnout"):
            tag("h2", self._t("result.turnout_heading"), id="turnout")
            return blank("p", role="status")

    def _build_leg(self, side: Side, direction: Direction) -> None:
        t, reps = self._t, self._reps(side, direction)
        with tag("section", classes=f"leg-result {side} {direction}", aria_labelledby=f"{side}-{direction} {direction}-values"):
            tag("h3", t.leg(side), id=f"{side}-{direction}")
            with tag("p", classes="value", role="status"):
                number, error = blank("span", "number"), blank("span", "error")
            leg = _Leg(number, error, blank("p", "hint"), tag("ol", classes="reps"))
            self._legs[side, direction] = leg
            with leg.reps:
                leg.rows = {rep.rep: self._build_rep(rep) for rep in reps}
            if not self._counted and reps:
                leg.earlier = earlier_values(self._session, self._others, side, direction, EARLIER_SHOWN)
                with tag("div", classes="before"):
                    tag("h4", t("result.before"))
                    if leg.earlier:
                        last = leg.earlier[-1]
                        with tag("p"):
                            tag("a", last_time_words(last, self._tier, t), href=f"/session/{last.session_id}")
                        leg.change = blank("p")
                        leg.dots = ui.html("", sanitize=False)
                    else:
                        tag("p", none_before_words(self._session, self._others, t), "hint")

    def _build_rep(self, rep: Rep) -> _Row:
        with tag("li", classes="rep") as item:
            with tag("span", classes="count"):
                tag("span", self.name_of(rep), "unseen")
                tag("span", str(rep.rep), aria_hidden="true")
            with tag("span", classes="track", aria_hidden="true"):
                tag("span", classes="beam")
                if not self._counted and math.isfinite(rep.uncertainty_deg):
                    tag("span", classes="whisker")
            amount = blank("span", "amount")
            with tag("span", classes="used") as used:
                tag("span", "\u25cf", aria_hidden="true")
                tag("span", self._t("result.in_value"), "unseen")
            button = blank("button", "quiet")
            row = _Row(item, amount, used, blank("span", "why"), button)
        size = rep.hold_s if self._counted else abs(rep.peak_deg)
        item.style(f"--size: {self._share(size)}; --off: {self._share(_or_zero(rep.uncertainty_deg))}")
        key, number = (rep.side, rep.direction), rep.rep

        async def pressed() -> None:
            await self._toggle(next(rep for rep in self._reps(*key) if rep.rep == number))

        row.button.on("click", pressed)
        return row

    def _share(self, size: float) -> str:
        """Return the length of a bar, or a part of it, as CSS has it."""
        return f"{100 * size / self._full:.2f}%" if math.isfinite(size) else "0%"

    def _build_key(self, directions: list[Direction]) -> None:
        """Say what the signs mean."""
        t = self._t
        with tag("div", classes="key"):
            if not self._counted:
                for direction in directions:
                    _sign("beam", t(f"result.key_{direction}"), str(direction))
                _sign("beam", t("result.key_not_valid"), "invalid")
                _sign("whisker", t("result.key_error"))
                _sign("used", t("result.key_used"))
                _sign("band", t("result.key_value"))
            tag("p", t("result.counted" if self._counted else "result.index" if self._tier.is_index else "result.error"))

    # ------------------------------------------------------------------ after every change
    def name_of(self, rep: Rep) -> str:
        """Return what a repetition is called."""
        return self._t("result.cycle" if self._counted else "result.repetition", number=rep.rep)

    def show(self, session: Session) -> None:
        """Show the values and repetitions as they are now."""
        self._session = session
        values = {(value.side, value.direction): value for value in session.values}
        holds = {found.side: found for found in held(session.rep_list)}
        found = Standing({}, {}) if self._counted else standing(session, self._others)
        for key, leg in self._legs.items():
            reps, value = self._reps(*key), values.get(key)
            if self._counted:
                self._show_held(leg, holds.get(key[0]))
            else:
                self._show_value(leg, value)
            used = [] if self._counted else best_of(reps, self._session.record.rule)
            for rep in reps:
                self._show_rep(leg.rows[rep.rep], rep, rep in used)
            if value:
                self._show_change(leg, value, found.changes.get(key))
        for side, text in self._arcs.items():
            arc = next((arc for arc in session.arcs if arc.side is side), None)
            said = self._t.said(arc_message(arc, self._tier)) if arc else self._t("result.arc_none", leg=self._t.leg(side))
            text.set_text(unparted(said))
        if self._turnout:
            self._turnout.set_text(unparted(self._t.said(turnout_message(session.turnout, self._tier))))
        for direction, text in self._against.items():
            text.set_text(unparted(sides_words(found.sides.get(direction), self._t)))

    def _show_value(self, leg: _Leg, value: SessionValue | None) -> None:
        t = self._t
        if value is None or not value.reps_used:
            leg.number.set_text("\u2013")
            leg.error.set_text("")
            leg.origin.set_text(t("result.none_valid" if value else "result.none"))
            leg.reps.style("--value: -10%; --band: 0%")
            return
        number, _, error = t.amount(value.value_deg, value.uncertainty_deg, self._tier).partition(" \u00b1 ")
        leg.number.set_text(number)
        leg.error.set_text(f"\u00b1 {error}" if error else "")
        rule = self._session.record.rule
        said = "result.from" if rule.best < rule.first else "result.from_first" if rule.best > 1 else "result.from_single"
        leg.origin.set_text(t(said, count=value.reps_used, first=rule.first, valid=value.reps_valid, total=value.reps_total))
        leg.reps.style(f"--value: {self._share(abs(value.value_deg))}; --band: {self._share(_or_zero(value.uncertainty_deg))}")

    def _show_held(self, leg: _Leg, found: Held | None) -> None:
        t = self._t
        leg.number.set_text(t.times(found.cycles if found else 0, "cycle"))
        if found and found.cycles:
            leg.origin.set_text(t("result.longest", longest=t.seconds(found.longest_s), total=t.seconds(found.total_s)))
        else:
            leg.origin.set_text("")

    def _show_rep(self, row: _Row, rep: Rep, used: bool) -> None:
        t = self._t
        row.item.classes(
            add=" ".join(name for name, on in _states(rep).items() if on),
            remove=" ".join(name for name, on in _states(rep).items() if not on),
        )
        row.amount.set_text(t.seconds(rep.hold_s) if self._counted else t.amount(rep.peak_deg, rep.uncertainty_deg, self._tier))
        row.used.classes(add="" if used else "no", remove="no" if used else "")
        row.why.set_text(" \u00b7 ".join(self._why(rep)))
        row.button.set_text(t("button.restore" if rep.dropped else "button.drop"))
        label = "result.restore_it" if rep.dropped else "result.drop_it"
        row.button.props["aria-label"] = t(
            label, what=self.name_of(rep), leg=t.leg(rep.side), direction=t.direction(rep.direction)
        )

    def _why(self, rep: Rep) -> list[str]:
        """Return what is to be known about a repetition: the faults with their letters, and the rest."""
        t, faults = self._t, load_table().faults
        titles = {letter: faults[letter].title if letter in faults else "" for letter in rep.faults}
        rest = [reason for reason in parts_of(rep.reason) if kind_of(reason) is not Reason.FAULT]
        state = ["result.left_out"] if rep.dropped else [] if rep.valid else ["result.not_valid"]
        faulty = [f"{letter} {t.said(title)}".strip() for letter, title in titles.items()]
        return [*map(t, state), *faulty, *map(t.reason, rest), *([] if self._counted else self._pace(rep))]

    def _pace(self, rep: Rep) -> list[str]:
        """Return how fast a repetition was and how long it was held, as far as that is known."""
        fast, held_s = speed(rep.speed_deg_s, self._tier), rep.hold_s
        return [fast] * bool(fast) + [self._t("result.held", hold=self._t.seconds(held_s))] * math.isfinite(held_s)

    def _show_change(self, leg: _Leg, value: SessionValue, change: Change | None) -> None:
        if leg.change is None or leg.dots is None:
            return
        if change is None:
            leg.change.set_text("")
            leg.dots.set_content("")
            return
        leg.change.set_text(unparted(change_words(change, self._t)))
        leg.dots.set_content(self._dots([earlier.value for earlier in leg.earlier], value))

    # ------------------------------------------------------------------ the last sessions as dots
    def _dots(self, earlier: list[SessionValue], now: SessionValue) -> str:
        """Return a drawing of the last values with their errors; the last one is now."""
        t, points = self._t, [*earlier, now]
        sizes = [t.amount(v.value_deg, v.uncertainty_deg, self._tier) for v in points]
        label = t("result.dots", amounts=", ".join(sizes[:-1]), now=sizes[-1])
        top = max(abs(v.value_deg) + _or_zero(v.uncertainty_deg) for v in points) or 1.0

        def y(size: float) -> float:
            return DOTS_HEIGHT - 4 - (DOTS_HEIGHT - 8) * max(size, 0.0) / top

        parts = [f'<path class="ground" d="M0 {y(0):.1f}H{DOTS_WIDTH}"/>']
        step = DOTS_WIDTH / (EARLIER_SHOWN + 1)
        for place, value in enumerate(points, start=EARLIER_SHOWN + 1 - len(points)):
            x, size, off = (place + 0.5) * step, abs(value.value_deg), _or_zero(value.uncertainty_deg)
            up = -1 if value.direction is Direction.INTERNAL else 1
            radius = DOT * (1.5 if value is now else 1.0)
            corners = f"M{x:.1f} {y(size) + up * radius:.1f}l{radius:.1f} {-up * 1.8 * radius:.1f}h{-2 * radius:.1f}z"
            parts.append(
                f'<g class="{value.direction}{" now" if value is now else ""}">'
                f'<path class="off" d="M{x:.1f} {y(size - off):.1f}V{y(size + off):.1f}"/><path class="mark" d="{corners}"/></g>'
            )
        return (
            f'<svg class="dots" viewBox="0 0 {DOTS_WIDTH} {DOTS_HEIGHT}" role="img" aria-label="{escape(label)}">'
            f"{''.join(parts)}</svg>"
        )


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _states(rep: Rep) -> dict[str, bool]:
    return {"dropped": rep.dropped, "invalid": not rep.valid}


def _sign(sign: str, meaning: str, classes: str = "") -> None:
    with tag("span", classes=f"sign {classes}"):
        tag("span", "\u25cf" if sign == "used" else "", sign, aria_hidden="true")
        tag("span", meaning)
