"""Steps two to four: the set-up check, the hands-free start, and measuring, all live."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import Query, Request
from nicegui import app, run, ui

from rotrack.app.live.studio import Phase, Plan, Studio
from rotrack.app.live.wishes import Wishes
from rotrack.app.pages.cameras import camera_choice, known_cameras
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, svg, tag
from rotrack.core.errors import RotrackError
from rotrack.core.model import CONVENTION_VERSION, Direction, Side
from rotrack.core.rates import ENOUGH_HZ
from rotrack.draw.overlay import GAUGE_TO_DEG, on_screen
from rotrack.measure.run import measure_version
from rotrack.placement.check import CHECKS
from rotrack.records.history import newest, only
from rotrack.records.record import Status
from rotrack.records.session import Session
from rotrack.records.store import read_sessions
from rotrack.texts import Texts
from rotrack.texts.numbers import is_counted, is_index

MIRROR_COOKIE = "rotrack_mirror"
Earlier = dict[tuple[Side, Direction], float]
Share = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]
CENTRE = (100, 104)
RADIUS = 84


def register(site: Site) -> None:
    """Declare the page."""

    @ui.page("/live", response_timeout=PATIENCE_S)
    async def live(request: Request) -> None:
        sessions: list[Session] = []
        with suppress(RotrackError):  # the history page says it
            sessions, _ = await asyncio.to_thread(read_sessions, site.data)
        with frame(site, request, "live.title", "live") as t:
            plan = site.studio.plan
            if plan is None or site.studio.phase is Phase.IDLE:
                tag("h1", t("live.nothing"))
                if site.studio.problem:
                    tag("p", t.said(site.studio.problem), "problem")
                if sessions and sessions[-1].record.status is Status.INTERRUPTED:
                    with tag("p"):
                        tag("span", t("live.interrupted") + " ")
                        tag("a", t("live.interrupted_open"), href=f"/session/{sessions[-1].id}")
                with tag("p"):
                    tag("a", t("choose.all"), "button", href="/")
                return
            earlier, cameras = _earlier(sessions, plan, site.studio.legnet), await asyncio.to_thread(known_cameras, site.studio)
            _page(site.studio, plan, earlier, cameras, request.cookies.get(MIRROR_COOKIE) != "no", t)

    @app.post("/live/person")
    def person(x: Share, y: Share) -> dict[str, bool]:
        site.studio.choose_person((x, y))
        return {"ok": True}


def _earlier(sessions: Sequence[Session], plan: Plan, legnet: bool) -> Earlier:
    """Return the values of the person's last session like this one, deg, per side and direction."""
    values: Earlier = {}
    if not plan.person:  # whose the sessions without a name are is not known
        return values
    version = (CONVENTION_VERSION, measure_version(legnet=legnet))
    for session in reversed(newest(only(sessions, plan.person, plan.drill.id))):
        for value in session.values:
            if value.reps_used and (session.record.convention_version, session.record.measure_version) == version:
                values.setdefault((value.side, value.direction), value.value_deg)
    return values


def _page(studio: Studio, plan: Plan, earlier: Earlier, cameras: dict[str, str], mirror: bool, t: Texts) -> None:
    with tag("div", classes="live", id="live", data_phase=studio.phase, data_drill=plan.drill.id, data_speech=t("app.speech"),
             data_legs=" ".join(plan.sides), data_gone=t("live.no_picture"), data_tired=t("live.tired"),
             data_counted=is_counted(plan.drill.tier), data_prepared=studio.prepared, data_mirror=mirror,
             data_enough=ENOUGH_HZ):  # fmt: skip
        with tag("div", classes="head"):
            with tag("div"):
                tag("h1", t.said(plan.drill.title))
                tag("p", plan.person or t("choose.no_name"), "hint")
            with tag("div", classes="buttons"):
                tag("button", t("live.sound"), "quiet", id="sound", aria_pressed="true", aria_keyshortcuts="M")
                tag("button", t("live.mirror"), "quiet", id="mirror", aria_pressed=str(mirror).lower())
                retake = tag("button", t("live.retake"), "quiet measuring", id="retake", aria_keyshortcuts="N PageUp")
                retake.on("click", studio.retake)
                end = tag("button", t("live.end"), "measuring", id="end", aria_keyshortcuts="Escape PageDown")
                end.on("click", lambda: run.io_bound(studio.end))
                tag("button", t("button.back"), "quiet checking", id="back").on("click", lambda: _back(studio, plan))
            tag("p", classes="problem", id="problem", role="alert")
            with tag("p", classes="after", id="after", hidden=True):
                tag("a", t("live.try_again"), "button", href=Wishes.of(plan).address(plan.drill))
        order = sorted(plan.sides, key=lambda side: not on_screen(plan.drill, side, mirror)[0])
        with tag("div", classes=f"stage legs-{len(order)}"):
            for side in order:
                _gauge(plan, side, earlier, mirror, t)
            with tag("div", classes="view", id="view", tabindex=0, role="group", aria_label=t("live.choose_person")):
                tag("canvas", id="picture", role="img", aria_label=t("live.picture"), width=1280, height=720)
                with tag("div", classes="hold", id="hold", hidden=True):
                    tag("strong", t("live.hold"))
                    with tag("div", classes="progress"):
                        tag("div", id="held")
                tag("p", classes="cue", id="cue", role="status", aria_live="polite")
                tag("p", classes="turn", id="turn")
        with tag("section", classes="checks checking", aria_labelledby="checks"):
            with tag("div", classes="begin"):  # first, so that it never moves and is always in sight
                tag("h2", t("live.checks"), id="checks")
                anyway = tag("button", t("live.anyway"), "primary", id="anyway", aria_keyshortcuts="Space PageDown")
                anyway.on("click", studio.begin)
            with tag("ul"):
                for check in CHECKS:
                    with tag("li", id=f"check-{check}", data_state="waiting"):
                        tag("span", classes="mark", aria_hidden="true")
                        with tag("div"):
                            tag("strong", t(f"live.check_{check}"))
                            tag("span", t("live.looking"), "text")
                        svg(ARROW, "arrow")
            tag("p", t("live.auto"), "hint")
            camera_choice(studio, cameras, t, partial(run.io_bound, studio.prepare, plan))
        with tag("section", classes="trace measuring", aria_labelledby="trace-title"):
            tag("h2", t("live.trace"), id="trace-title")
            tag("canvas", id="trace", role="img", aria_label=t("live.trace"), width=1200, height=220)
        tag("p", t("live.tap"), "hint", id="tap", hidden=True)
        tag("p", t("live.no_voice"), "hint checking", id="no-voice", hidden=True)
        tag("p", classes="hint", id="slow", role="status")
        named = {"begin": t("live.key_begin"), "neutral": "N", "end": t("live.key_end"), "sound": "M"}
        tag("p", t("live.keys", **named), "hint keys checking")
    ui.add_body_html('<script src="/static/live.js"></script>')


async def _back(studio: Studio, plan: Plan) -> None:
    await run.io_bound(studio.end)
    await run.io_bound(studio.join)
    ui.navigate.to(Wishes.of(plan).address(plan.drill))


# ---------------------------------------------------------------------- the gauge
def _gauge(plan: Plan, side: Side, earlier: Earlier, mirror: bool, t: Texts) -> None:
    _, internal_left = on_screen(plan.drill, side, mirror)
    counted = is_counted(plan.drill.tier)
    with tag("section", classes=f"gauge measuring {side}", id=f"gauge-{side}", aria_label=t.leg(side), data_leg=side,
             data_turn=-1 if internal_left else 1, data_to=GAUGE_TO_DEG):  # fmt: skip
        with tag("div", classes="leg"):
            tag("strong", t.leg(side))
            tag("span", t("live.of", count=plan.reps) if plan.reps else "", "target")
        with tag("div", classes="count"):
            tag("span", "0", "number")
            nouns = [t("live.cycles" if counted else "live.reps", count=count) for count in (0, 1)]
            tag("span", nouns[0], "noun", data_other=nouns[0], data_one=nouns[1])
        if not counted:
            before = {d: earlier.get((side, d), math.nan) for d in plan.drill.directions}
            svg(_dial(internal_left, before, t), "dial")
            with tag("div", classes="angle"):
                tag("span", "\u2013", "number")
                tag("span", "" if is_index(plan.drill.tier) else "\u00b0", "unit")
                tag("span", "", "error")
            with tag("dl", classes="bests"):
                for direction in plan.drill.directions:
                    tag("dt", t("live.best", direction=t.direction(direction, short=True)))
                    tag("dd", "\u2013", f"best-{direction}")
                    if math.isfinite(before[direction]):
                        tag("dt", t("live.last_time"))
                        tag("dd", t.number(abs(before[direction]), 0) + ("" if is_index(plan.drill.tier) else "\u00b0"))
        else:
            with tag("div", classes="angle"):
                tag("span", "\u2013", "held")
        tag("p", classes="reason")
        tag("p", classes="last")


def _dial(internal_left: bool, earlier: dict[Direction, float], t: Texts) -> str:
    """Return the protractor with its two arms; the script turns what has a class."""
    cx, cy = CENTRE

    def at(angle_deg: float, reach: float) -> str:
        turn = math.radians(90 * max(-1.0, min(1.0, angle_deg / GAUGE_TO_DEG))) * (-1 if internal_left else 1)
        return f"{cx + reach * RADIUS * math.sin(turn):.1f} {cy - reach * RADIUS * math.cos(turn):.1f}"

    ticks = "".join(
        f'<path d="M{at(a, 0.84 if a % 30 == 0 else 0.9 if a % 15 == 0 else 0.95)} L{at(a, 1)}"/>' for a in range(-60, 61, 5)
    )
    numbers = "".join(
        f'<text x="{at(a, 0.71).split()[0]}" y="{float(at(a, 0.71).split()[1]) + 3:.1f}">{abs(a)}</text>'
        for a in (-60, -30, 30, 60)
    )
    marks = "".join(
        f'<path class="earlier" d="M{at(v, 1.03)} L{at(v - 3, 1.13)} L{at(v + 3, 1.13)}Z"/>'
        for v in earlier.values()
        if math.isfinite(v)
    )
    ends = "".join(
        f'<text class="end" x="{cx + s * (RADIUS - 4)}" y="{cy + 15}" text-anchor="middle">{t.direction(d, short=True)}</text>'
        for d, s in ((Direction.INTERNAL, -1 if internal_left else 1), (Direction.EXTERNAL, 1 if internal_left else -1))
    )
    return (
        f'<svg viewBox="0 0 200 124" aria-hidden="true"><path class="scale" d="M{cx - RADIUS} {cy} A{RADIUS} {RADIUS} 0 0 1 '
        f'{cx + RADIUS} {cy}"/><g class="ticks">{ticks}</g><g class="numbers">{numbers}</g>{ends}'
        f'<path class="reached" d=""/>{marks}'
        f'<path class="best internal" d="M{cx} {cy - RADIUS - 1} l-4.5 -8.5 h9z" visibility="hidden"/>'
        f'<path class="best external" d="M{cx} {cy - RADIUS - 1} l-4.5 -8.5 h9z" visibility="hidden"/>'
        f'<path class="fixed" d="M{cx} {cy} V{cy - RADIUS + 15}"/>'
        f'<g class="arm"><path d="M{cx} {cy} V{cy - RADIUS - 3}"/></g><circle class="hub" cx="{cx}" cy="{cy}" r="6"/></svg>'
    )


ARROW = (
    '<svg viewBox="0 0 48 48" width="40" height="40" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="4" '
    'stroke-linecap="round" stroke-linejoin="round"><path d="M24 40V8M10 22 24 8l14 14"/></svg>'
)
