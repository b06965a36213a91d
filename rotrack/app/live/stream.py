"""The live picture and what the gauges show, from the studio to a page, over a web socket.

Every message is a 4-byte length, that much JSON, and the picture as a JPEG (or nothing). The next one is sent when the page says
that it has drawn the last: so nothing queues up, and every page gets the newest picture at the pace that it can keep.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from rotrack.app.live.coach import Say
from rotrack.app.live.studio import START_STILL_S, Phase, Shot, Studio
from rotrack.core.model import Direction, Side
from rotrack.core.rates import ENOUGH_HZ
from rotrack.sensing.landmarker import MODELS
from rotrack.texts import Texts
from rotrack.texts.numbers import is_counted
from rotrack.tracking.neutral import REASON_WAITING

QUIET_S = 0.5
"""Without a new picture a page still hears this often that all is well."""
STALE_S = 1.5
"""A picture this old gives no numbers any more: a camera that hangs must not freeze them."""


async def stream(socket: WebSocket, studio: Studio, t: Texts) -> None:
    """Send pictures and numbers to one page until it leaves; the time is the studio's."""
    await socket.accept()
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(news.set)

    leave = studio.watch(tell)
    seen, said, traced_s, prepared = 0, studio.said[-1][0] if studio.said else 0, -math.inf, studio.prepared
    try:
        while True:
            news.clear()
            if prepared != studio.prepared:  # another session, whose time begins anew
                prepared, traced_s = studio.prepared, -math.inf
            picture = studio.picture
            fresh = picture is not None and picture.number != seen
            state, said, traced_s = _state(studio, picture.shot if picture else None, t, said, traced_s)
            jpeg = b""
            if picture is not None and fresh:
                seen, jpeg = picture.number, picture.jpeg
                state["size_px"] = picture.size_px
                state["age_ms"] = (studio.clock.monotonic_s() - picture.shot.grabbed_s) * 1000
            head = json.dumps(state).encode()
            await socket.send_bytes(len(head).to_bytes(4, "big") + head + jpeg)
            await socket.receive_text()
            await studio.clock.hear(news, QUIET_S)
    except WebSocketDisconnect:
        pass
    finally:
        leave()


def _state(studio: Studio, shot: Shot | None, t: Texts, said: int, traced_s: float) -> tuple[dict[str, Any], int, float]:
    """Return what a page shows now, and up to where it has heard and drawn."""
    plan = studio.plan
    says = [(number, say) for number, say in studio.said.copy() if number > said]
    trace = [row for row in studio.trace.copy() if row[0] > traced_s]
    problem = t.said(studio.lost or studio.problem).replace("`", "") or (t("live.no_picture") if _stale(studio, shot) else "")
    state: dict[str, Any] = {
        "phase": studio.phase,
        "prepared": studio.prepared,
        "session": studio.session_id,
        "problem": problem,
        "sent_ms": studio.clock.now().timestamp() * 1000,
        "rate": round(studio.rate_hz, 1),
        "slow": _slow(studio, t),
        "say": [{"text": _words(say, t), "beep": say.beep} for _, say in says],
        "trace": [
            [round(time_s, 3), *(_json(legs.get(side)) for side in (plan.sides if plan else ()))] for time_s, legs in trace
        ],
    }
    if shot is not None:
        state["findings"] = [{"check": f.check, "state": f.state, "text": t.said(f.text), "move": f.move} for f in shot.findings]
        state["legs"] = {side: _leg(leg, t, plan.drill.tier if plan else "A") for side, leg in (shot.legs or {}).items()}
        state["cue"] = t.said(shot.cue)
        state["turn"] = shot.turn or ""
        state["turn_words"] = _turn(shot, plan.sides if plan else (), t)
        state["hold"] = _hold(shot)
        state["hold_words"] = _in_the_way(shot, t) or t("live.hold")
    return state, says[-1][0] if says else said, trace[-1][0] if trace else traced_s


def _unready(shot: Shot) -> list[dict[str, Any]]:
    """Return the legs that wait for their neutral pose; none while the other one is at work."""
    legs = shot.legs or {}
    waiting = {side: leg for side, leg in legs.items() if math.isfinite(leg["still_s"])}
    at_work = shot.ready or any(leg["moving"] or leg["count"] for leg in legs.values())
    return [] if at_work and len(waiting) < len(legs) and shot.turn not in waiting else list(waiting.values())


def _hold(shot: Shot) -> float | None:
    """Return how much of the stillness for the neutral pose is done, 0 to 1; None once all legs have it."""
    still = [leg["still_s"] for leg in _unready(shot)]
    return max(still) / START_STILL_S if still else None


def _in_the_way(shot: Shot, t: Texts) -> str:
    """Return what keeps legs from the neutral pose besides movement, in words; empty if nothing does."""
    reasons = [leg["reason"] for leg in _unready(shot)]
    return t.sentence(reasons[0]) if reasons and "" not in reasons and REASON_WAITING not in reasons else ""


def _turn(shot: Shot, sides: Sequence[Side], t: Texts) -> str:
    if shot.legs is None or _hold(shot) is not None:
        return ""
    return t("live.turn_done") if shot.turn is None else t(f"live.turn_{shot.turn}") if len(sides) > 1 else ""


def _stale(studio: Studio, shot: Shot | None) -> bool:
    live = studio.phase in (Phase.CHECK, Phase.MEASURE)
    return live and shot is not None and studio.clock.monotonic_s() - shot.grabbed_s > STALE_S


def _slow(studio: Studio, t: Texts) -> str:
    """Return what to do when too few pictures are measured; empty when there are enough."""
    live = studio.plan is not None and studio.phase in (Phase.CHECK, Phase.MEASURE)
    if not live or not 0 < studio.rate_hz < ENOUGH_HZ:
        return ""
    fastest = studio.plan is not None and studio.plan.model == MODELS[-1]
    return t("live.slow_even_so" if fastest else "live.slow", rate=t.times(round(studio.rate_hz), "rate"))


def _words(say: Say, t: Texts) -> str:
    return t.said(say.sentence) if say.sentence else t(say.key, **say.values)


def _leg(leg: dict[str, Any], t: Texts, tier: str) -> dict[str, Any]:
    last = leg["last"]
    words = ""
    if last is not None:
        words = (t.seconds(last["hold_s"]) if is_counted(tier) else t.amount(last["peak_deg"], last["error_deg"], tier, 0)) + (
            f" \u00b7 {t('live.fault')} {' '.join(last['faults'])}" if last["faults"] else ""
        )
    return {
        "angle": _json(leg["angle_deg"]),
        "error": _json(leg["error_deg"]),
        "reason": t.said(leg["reason"]),
        "still": _json(leg["still_s"]),
        "moving": leg["moving"],
        "count": leg["count"],
        "best": {direction: _json(leg["best_deg"][direction]) for direction in Direction},
        "held": t.seconds(leg["held_s"]),
        "last": words,
        "lastDirection": last["direction"] if last else "",
    }


def _json(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 2)
