"""Steps two to four: the set-up check, the hands-free start, and measuring, all live."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse
from nicegui import app, run, ui

from rotrack.app.live.courses import take_camera, under_way
from rotrack.app.live.stream import then_of
from rotrack.app.live.studio import Phase, Plan, Studio
from rotrack.app.pages.cameras import camera_choice, known_cameras
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, is_owner, pressed_once, private, svg, tag
from rotrack.app.pages.phone import code
from rotrack.app.pages.programmes import going_on, on
from rotrack.core.errors import RotrackError
from rotrack.core.model import CONVENTION_VERSION, Direction, Side
from rotrack.core.rates import ENOUGH_HZ
from rotrack.draw.drill_figures import moving_picture
from rotrack.draw.outline import outline_svg
from rotrack.draw.overlay import GAUGE_TO_DEG, on_screen
from rotrack.measure.before import Before
from rotrack.measure.request import measure_version
from rotrack.placement.again import CHECK as AGAIN
from rotrack.placement.check import CHECKS
from rotrack.records.history import newest, only, wrongly_dated
from rotrack.records.people import Care, Goal, aims_of, care_of, goals
from rotrack.records.record import Status
from rotrack.records.session import Session
from rotrack.records.store import read_sessions
from rotrack.records.text import load_words
from rotrack.sensing.sent import BROWSER, PHONE
from rotrack.texts import Texts

MIRROR_COOKIE = "rotrack_mirror"
Earlier = dict[tuple[Side, Direction], float]
Share = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]
CENTRE = (100, 104)
RADIUS = 84


def register(site: Site) -> None:
    """Declare the page."""

    @ui.page("/live", response_timeout=PATIENCE_S)
    async def live(request: Request) -> RedirectResponse | None:
        if site.studio.phase is Phase.DONE and site.studio.session_id:
            return RedirectResponse(then_of(site.studio))
        sessions: list[Session] = []
        with suppress(RotrackError):  # the history page says it
            sessions, _ = await asyncio.to_thread(read_sessions, site.data)
        plan, prepared = site.studio.plan, site.studio.prepared  # together: another drill may begin while this page is built
        if site.studio.phase is Phase.IDLE:  # the plan of what is over says nothing, not even in which language
            plan = None
        with frame(site, request, "live.title", "live", language=plan.language if plan else "") as t:
            if plan is None:
                await _nothing(site, sessions, private(request), t)
                return None
            wanted: tuple[Goal, ...] = ()
            care = Care()
            with suppress(RotrackError):  # the page of people says it
                wanted = await asyncio.to_thread(goals, site.data, plan.person)
                care = await asyncio.to_thread(care_of, site.data, plan.person, plan.drill)
            earlier, cameras = _earlier(sessions, plan, site.studio.legnet), await asyncio.to_thread(known_cameras, site.studio)
            _page(site, plan, prepared, earlier, wanted, care, cameras, request, t)
        return None

    @app.post("/live/person")
    def person(x: Share, y: Share) -> dict[str, bool]:
        site.studio.choose_person((x, y))
        return {"ok": True}


async def _nothing(site: Site, sessions: Sequence[Session], nameless: bool, t: Texts) -> None:
    """Say that no session is running, and lead to where it was: the program may have been started anew."""
    tag("h1", t("live.nothing"))
    problem = tag("p", t.said(site.studio.problem), "problem", role="alert")
    if sessions and sessions[-1].record.status is Status.INTERRUPTED:
        with tag("p"):
            tag("span", t("live.interrupted") + " ")
            tag("a", t("live.interrupted_open"), href=f"/session/{sessions[-1].id}")
    courses = await asyncio.to_thread(under_way, site.studio)
    with tag("div", classes="buttons"):
        for course, person in courses[:1]:
            said = going_on(course, t)
            button = tag("button", said if nameless or not person else f"{said} ({person})", "primary", id="go-on")
            button.on("click", pressed_once(partial(on, site, course, problem, t)))
        tag("a", t("choose.all"), "button", href="/")


def _earlier(sessions: Sequence[Session], plan: Plan, legnet: bool) -> Earlier:
    """Return the values of the person's last session like this one, deg, per side and direction."""
    values: Earlier = {}
    if not plan.person:  # whose the sessions without a name are is not known
        return values
    wanted, wrong = _known_of(plan, legnet), wrongly_dated(sessions)
    for session in reversed(newest(only(sessions, plan.person, plan.drill.id))):
        if session.id not in wrong and wanted.items() <= session.likeness.items():
            for value in session.values:
                if value.reps_used:
                    values.setdefault((value.side, value.direction), value.value_deg)
    return values


def _known_of(plan: Plan, legnet: bool) -> dict[str, str]:
    """Return in what sessions must be alike, as far as it is known before measuring; see `records.session.ALIKE`."""
    request = plan.request
    noted = {"load": load_words(request.band, request.load_kg), "motion": request.motion, "variant": request.variant}
    versions = {"convention_version": CONVENTION_VERSION, "measure_version": measure_version(legnet=legnet)}
    return {**noted, "value_rule": request.value_rule, **versions}


def _page(
    site: Site,
    plan: Plan,
    prepared: int,
    earlier: Earlier,
    wanted: Sequence[Goal],
    care: Care,
    cameras: dict[str, str],
    request: Request,
    t: Texts,
) -> None:
    """Lay out one screen: a bar for who sits at the desk, and below it, large, what is for who stands three metres away."""
    studio, mirror = site.studio, request.cookies.get(MIRROR_COOKIE) != "no"
    with tag("div", classes="live", id="live", data_phase=studio.phase, data_drill=plan.drill.id, data_speech=t("app.speech"),
             data_legs=" ".join(plan.sides), data_gone=t("live.no_picture"), data_tired=t("live.tired"),
             data_counted=plan.drill.tier.is_counted, data_prepared=prepared, data_mirror=mirror,
             data_enough=ENOUGH_HZ):  # fmt: skip
        _desk(studio, plan, cameras, mirror, t)
        order = sorted(plan.sides, key=lambda side: not on_screen(plan.drill, side, mirror)[0])
        with tag("div", classes=f"stage legs-{len(order)}"):
            for side in order:
                _gauge(plan, side, earlier, wanted, care, mirror, t)
            with tag("div", classes="view", id="view", tabindex=0, role="group", aria_label=t("live.choose_person")):
                tag("canvas", id="picture", role="img", aria_label=t("live.picture"), width=1280, height=720)
                if studio.before:
                    drawing = outline_svg(studio.before.placed.outline, studio.before.placed.size_px)
                    svg(drawing, f"then checking{' mirrored' if mirror else ''}")
                svg(ARROW, "arrow")
                if studio.camera == PHONE:
                    code(site, request, t)
            with tag("div", classes="beside checking"):
                svg(moving_picture(plan.drill.id, plan.sides[0]), "moving")
                if studio.before:
                    _against(studio.before, t)
        tag("canvas", classes="measuring", id="trace", role="img", aria_label=t("live.trace"), width=1200, height=220)
        with tag("div", classes="message", id="message", data_kind=""):
            tag("div", classes="held", id="held")
            tag("p", classes="far", id="words", role="status", aria_live="polite")
    if studio.camera == BROWSER and is_owner(request):
        ui.add_body_html('<script src="/static/feed.js"></script><script src="/static/browser.js"></script>')
    ui.add_body_html('<script src="/static/voice.js"></script><script src="/static/live.js"></script>')


def _desk(studio: Studio, plan: Plan, cameras: dict[str, str], mirror: bool, t: Texts) -> None:
    with tag("div", classes="desk"):
        with tag("div", classes="what"):
            tag("h1", t.said(plan.drill.title))
            tag("p", plan.person or t("choose.no_name"), "hint")
        with tag("ul", classes="checks checking", aria_label=t("live.checks")):
            for check in (*CHECKS, AGAIN) if studio.before else CHECKS:
                with tag("li", id=f"check-{check}", data_state="waiting", title=t(f"live.check_{check}")):
                    tag("span", classes="mark", aria_hidden="true")
                    with tag("div", classes="unseen"):
                        tag("strong", t(f"live.check_{check}"))
                        tag("span", t("live.looking"), "text")
        with tag("div", classes="hints"):
            tag("p", classes="hint", id="slow", role="status")
            tag("p", t("live.tap"), "hint", id="tap", hidden=True)
            tag("p", t("live.no_voice"), "hint", id="no-voice", hidden=True)
            named = {"begin": t("live.key_begin"), "neutral": "N", "end": t("live.key_end"), "sound": "M", "full": "F"}
            tag("p", t("live.keys", **named), "hint keys")
        with tag("div", classes="buttons"):
            camera_choice(studio, cameras, t, partial(run.io_bound, _with_another_camera, studio, plan))
            tag("button", t("live.sound"), "quiet", id="sound", aria_pressed="true", aria_keyshortcuts="M")
            tag("button", t("live.mirror"), "quiet", id="mirror", aria_pressed=str(mirror).lower())
            tag("button", t("live.full"), "quiet", id="full", aria_keyshortcuts="F")
            retake = tag("button", t("live.retake"), "quiet measuring", id="retake", aria_keyshortcuts="N PageUp")
            retake.on("click", studio.retake)
            anyway = tag("button", t("live.anyway"), "checking", id="anyway", aria_keyshortcuts="Space PageDown")
            anyway.on("click", studio.begin)
            end = tag("button", t("live.end"), "measuring", id="end", aria_keyshortcuts="Escape PageDown")
            end.on("click", lambda: run.io_bound(studio.end))
            tag("button", t("button.back"), "quiet checking", id="back").on("click", lambda: _back(studio, plan))
            with tag("p", classes="after", id="after", hidden=True):
                tag("a", t("live.try_again"), "button", href=_before(plan))


def _against(before: Before, t: Texts) -> None:
    """Add how the camera stands against last time."""
    with tag("div", classes="as-then far", id="as-then", hidden=True):
        tag("span", t("live.against", date=t.date(before.at)), "unseen")
        for what, icon in AGAINST.items():
            with tag("span", classes="one"):
                tag("span", t(f"live.against_{what}"), "unseen")
                svg(icon)
                tag("span", "", "amount")


def _with_another_camera(studio: Studio, plan: Plan) -> None:
    if plan.course:
        take_camera(studio, plan.course)
    studio.prepare(plan)


async def _back(studio: Studio, plan: Plan) -> None:
    await run.io_bound(studio.end)
    await run.io_bound(studio.join)
    ui.navigate.to(_before(plan))


def _before(plan: Plan) -> str:
    """Return the address of what a plan is of."""
    return f"/course/{plan.course}" if plan.course else "/"


# ---------------------------------------------------------------------- the gauge
def _gauge(plan: Plan, side: Side, earlier: Earlier, wanted: Sequence[Goal], care: Care, mirror: bool, t: Texts) -> None:
    """Add what a leg shows: count, moving drawing and later the goniometer in its place, angle with its error or held seconds."""
    _, internal_left = on_screen(plan.drill, side, mirror)
    with tag("section", classes=f"gauge measuring {side}", id=f"gauge-{side}", aria_label=t.leg(side), data_leg=side,
             data_turn=-1 if internal_left else 1, data_to=GAUGE_TO_DEG):  # fmt: skip
        tag("strong", t.side(side), "leg far")
        with tag("div", classes="count"):
            tag("span", "0", "number far")
        with tag("div", classes="dial"):
            svg(moving_picture(plan.drill.id, side), "moving")
            if not plan.drill.tier.is_counted:
                aims = {way: aim_deg for (_, way), aim_deg in aims_of(wanted, plan.drill, (side,)).items()}
                if plan.target_deg and plan.drill.tier.in_degrees:
                    aims = dict.fromkeys(plan.drill.directions, plan.target_deg)
                last = {d: earlier.get((side, d), math.nan) for d in plan.drill.directions}
                most = {d: care.most_deg[side, d] for d in plan.drill.directions if (side, d) in care.most_deg}
                svg(_dial(internal_left, last, aims, most), "scale")
                for direction, aim_deg in aims.items():
                    tag("span", t("live.goal", direction=t.direction(direction), amount=t.number(aim_deg, 0)), "unseen")
        with tag("div", classes="angle"):
            if not plan.drill.tier.is_counted:
                tag("span", "\u2013", "number far")
                tag("span", plan.drill.tier.unit, "unit far")
                tag("span", "", "error far")
            tag("span", "", "held far")


def _dial(
    internal_left: bool, earlier: dict[Direction, float], aims: dict[Direction, float], most: dict[Direction, float]
) -> str:
    """Return the protractor with its two arms, goals and what lies beyond a limit; the script turns what has a class."""
    cx, cy = CENTRE

    def at(angle_deg: float, reach: float) -> str:
        turn = math.radians(90 * max(-1.0, min(1.0, angle_deg / GAUGE_TO_DEG))) * (-1 if internal_left else 1)
        return f"{cx + reach * RADIUS * math.sin(turn):.1f} {cy - reach * RADIUS * math.cos(turn):.1f}"

    ticks = "".join(f'<path d="M{at(a, 0.82 if a % 30 == 0 else 0.92)} L{at(a, 1)}"/>' for a in range(-60, 61, 10))
    marks = "".join(
        f'<path class="earlier" d="M{at(v, 1.03)} L{at(v - 3, 1.13)} L{at(v + 3, 1.13)}Z"/>'
        for v in earlier.values()
        if math.isfinite(v)
    )
    marks += "".join(
        f'<path class="goal" d="M{at(direction.sign * aim_deg, 0.86)} L{at(direction.sign * aim_deg, 1.14)}"/>'
        for direction, aim_deg in aims.items()
        if aim_deg <= GAUGE_TO_DEG
    )
    marks += "".join(
        f'<path class="beyond" d="M{at(direction.sign * most_deg, 1)} A{RADIUS} {RADIUS} 0 0 '
        f'{int((direction.sign > 0) != internal_left)} {at(direction.sign * GAUGE_TO_DEG, 1)}"/>'
        for direction, most_deg in most.items()
        if most_deg < GAUGE_TO_DEG
    )
    return (
        f'<svg viewBox="0 0 200 116" aria-hidden="true"><path class="arc" d="M{cx - RADIUS} {cy} A{RADIUS} {RADIUS} 0 0 1 '
        f'{cx + RADIUS} {cy}"/><g class="ticks">{ticks}</g>'
        f'<path class="reached" d=""/>{marks}'
        f'<path class="best internal" d="M{cx} {cy - RADIUS - 1} l-4.5 -8.5 h9z" visibility="hidden"/>'
        f'<path class="best external" d="M{cx} {cy - RADIUS - 1} l-4.5 -8.5 h9z" visibility="hidden"/>'
        f'<path class="fixed" d="M{cx} {cy} V{cy - RADIUS + 15}"/>'
        f'<g class="arm"><path d="M{cx} {cy} V{cy - RADIUS - 3}"/></g><circle class="hub" cx="{cx}" cy="{cy}" r="6"/></svg>'
    )


_ICON = '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" \
stroke-linejoin="round"><path d="{}"/></svg>'
AGAINST = {
    "distance": _ICON.format("M2 5v14M22 5v14M6 12h12M9 9l-3 3 3 3M15 9l3 3-3 3"),
    "height": _ICON.format("M4 22h16M12 3v15M9 6l3-3 3 3M9 15l3 3 3-3"),
    "turn": _ICON.format("M4 17a9 9 0 0 1 16 0M20 11v6h-6"),
}
"""What is compared with last time, with its sign."""
ARROW = (
    '<svg viewBox="0 0 48 48" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="4" '
    'stroke-linecap="round" stroke-linejoin="round"><path d="M24 40V8M10 22 24 8l14 14"/></svg>'
)
