"""The live picture and what the gauges show, from the studio to a page, over a web socket.

Every message is a 4-byte length, that much JSON, and the picture as a JPEG (or nothing). The next one is sent when the page says
that it has drawn the last: so nothing queues up, and every page gets the newest picture at the pace that it can keep.
"""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from rotrack.app.live.coach import Say, next_step
from rotrack.app.live.studio import START_STILL_S, Phase, Plan, Shot, Studio
from rotrack.core.messages import Message
from rotrack.core.model import Direction
from rotrack.core.rates import ENOUGH_HZ
from rotrack.core.reasons import Reason, because
from rotrack.placement.again import NEAR_DEG, NEAR_HEIGHT_M, NEAR_M, Against
from rotrack.progress.wording import signed
from rotrack.sensing.landmarker import MODELS
from rotrack.sensing.sent import NAMES
from rotrack.texts import Texts

QUIET_S = 0.5
"""Without a new picture a page still hears this often that all is well."""
HOLD_SHOWN_S = 1.0
"""A hold is shown from this length on; a turn stays for less."""
AGAINST_STEP = 5
"""How the camera stands against last time is shown in steps of so many centimetres or degrees."""
STALE_S = 1.5
"""A picture this old gives no numbers any more: a camera that hangs must not freeze them."""


async def stream(socket: WebSocket, studio: Studio, t: Texts) -> None:
    """Send pictures and numbers to one page until it leaves; the time is the studio's.

    During the set-up check a page also hears what was said before it was there, unless another page has heard it. What a person
    is to take care of is said once, with the first picture, and a page may still be loading then.
    """
    await socket.accept()
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(news.set)

    leave = studio.watch(tell)
    seen, said, traced_s, prepared = 0, studio.heard if studio.phase is Phase.CHECK else _last(studio), -math.inf, studio.prepared
    try:
        while True:
            news.clear()
            if prepared != studio.prepared:  # another session, whose time begins anew
                prepared, traced_s = studio.prepared, -math.inf
            picture = studio.picture
            fresh = picture is not None and picture.number != seen
            state, said, traced_s = _state(studio, picture.shot if picture else None, t, said, traced_s)
            studio.heard = max(studio.heard, said)
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


def _last(studio: Studio) -> int:
    """Return the number of what was said last; 0 before anything is said."""
    return studio.said[-1][0] if studio.said else 0


def _state(studio: Studio, shot: Shot | None, t: Texts, said: int, traced_s: float) -> tuple[dict[str, Any], int, float]:
    """Return what a page shows now, and up to where it has heard and drawn."""
    plan = studio.plan
    says = [(number, say) for number, say in studio.said.copy() if number > said]
    trace = [row for row in studio.trace.copy() if row[0] > traced_s]
    state = shown(studio, shot, t) | {
        "say": [{"text": _words(say, t), "beep": say.beep, "cut": say.cut} for _, say in says],
        "trace": [
            [round(time_s, 3), *(_json(legs.get(side)) for side in (plan.sides if plan else ()))] for time_s, legs in trace
        ],
    }
    return state, says[-1][0] if says else said, trace[-1][0] if trace else traced_s


def shown(studio: Studio, shot: Shot | None, t: Texts) -> dict[str, Any]:
    """Return what stands on a page now: on the live page, and on the phone that is the camera."""
    problem = _problem(studio, shot, t)
    state: dict[str, Any] = {
        "phase": studio.phase,
        "prepared": studio.prepared,
        "session": studio.session_id,
        "then": then_of(studio),
        "problem": problem,
        "sent_ms": studio.clock.now().timestamp() * 1000,
        "rate": round(studio.rate_hz, 1),
        "slow": _slow(studio, t),
        "message": _message(studio, shot, problem, t),
        "nobody_sends": studio.camera in NAMES and not studio.post.taken,
    }
    if shot is not None:
        state["findings"] = [{"check": f.check, "state": f.state, "text": t.said(f.text), "move": f.move} for f in shot.findings]
        state["legs"] = {side: {"name": t.side(side)} | _leg(leg, t) for side, leg in (shot.legs or {}).items()}
        state["turn"] = shot.turn or ""
        state["against"] = _against(shot.against, t)
        state["hold"] = None if problem else _hold(shot)
    return state


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
    return t.sentence(in_words(because(reasons[0]), t)) if reasons and "" not in reasons and Reason.WAITING not in reasons else ""


def then_of(studio: Studio) -> str:
    """Return the address that follows when the session is over; empty while there is none."""
    if not studio.session_id or studio.plan is None:
        return ""
    return f"/course/{studio.plan.course}?on=yes" if studio.plan.course else f"/session/{studio.session_id}"


def in_words(text: Message | str, t: Texts) -> str:
    """Return a text of the core for whoever stands before the camera, and has no terminal there."""
    return replace(t, on_page=True).said(text)


def _problem(studio: Studio, shot: Shot | None, t: Texts) -> str:
    """Return why there is no picture, in words; empty while there is one."""
    told = in_words(studio.lost or studio.problem, t).replace("`", "")
    return told or (t("live.no_picture") if _stale(studio, shot) else "")


def _message(studio: Studio, shot: Shot | None, problem: str, t: Texts) -> dict[str, str]:
    """Return the one thing that the person is to read now, of which kind it is, and which way to move if there is one."""
    kind, words, move = ("problem", problem, "") if problem else ("", "", "")
    if not problem and shot is not None and studio.plan is not None:
        step = next_step(shot.findings)
        if shot.legs is not None:
            kind, words = _measuring(shot, studio.plan, t)
        elif step is None:
            kind, words = "good", t("live.ready_again" if shot.against else "live.ready")
        else:
            kind, words, move = step.state, in_words(step.text, t), step.move
    return {"kind": kind, "text": words[:1].upper() + words[1:], "move": move}


def _measuring(shot: Shot, plan: Plan, t: Texts) -> tuple[str, str]:
    """Return what the person is to read while measuring, the most urgent that there is."""
    legs = shot.legs or {}
    leg = legs[shot.turn] if shot.turn is not None else None
    if leg is None or shot.turn is None:
        following = t("live.turn_done")
    elif not any(found["count"] for found in legs.values()):
        following = t.said(plan.drill.cue)
    else:
        following = t("live.more", leg=t.leg(shot.turn), count=plan.reps - leg["valid"]) if plan.reps else t.leg(shot.turn)
    told = (
        ("limit", t("say.too_far", degrees=round(shot.too_far_deg)) if math.isfinite(shot.too_far_deg) else ""),
        ("hold", (_in_the_way(shot, t) or t("live.hold")) if _hold(shot) is not None else ""),
        ("refused", t("say.not_counted", sentence=in_words(because(shot.refusal), t)) if shot.refusal else ""),
        ("reason", in_words(because(leg["reason"]), t) if leg else ""),
        ("cue", t.said(shot.cue) if leg else ""),
        ("next", following),
    )
    return next((kind, words) for kind, words in told if words)


def _stale(studio: Studio, shot: Shot | None) -> bool:
    live = studio.phase in (Phase.CHECK, Phase.MEASURE)
    return live and shot is not None and studio.clock.monotonic_s() - shot.grabbed_s > STALE_S


def _against(against: Against | None, t: Texts) -> list[dict[str, Any]] | None:
    """Return distance, height and turn against last time in words, and whether each is near enough; None if none is known."""
    if against is None:
        return None
    amounts = (
        (100 * against.distance_m, 100 * NEAR_M, "cm"),
        (100 * against.height_m, 100 * NEAR_HEIGHT_M, "cm"),
        (against.turn_deg, NEAR_DEG, "degrees"),
    )
    found = []
    for amount, near, unit in amounts:
        known = math.isfinite(amount)
        step = AGAINST_STEP * round(amount / AGAINST_STEP) if known else 0
        words = t(f"live.against_{unit}", amount=signed(step, t, 0) if step else "0") if known else "\u2013"
        found.append({"text": words, "near": abs(amount) <= near if known else None})
    return found


def _slow(studio: Studio, t: Texts) -> str:
    """Return what to do when too few pictures are measured; empty when there are enough."""
    live = studio.plan is not None and studio.phase in (Phase.CHECK, Phase.MEASURE)
    if not live or not 0 < studio.rate_hz < ENOUGH_HZ:
        return ""
    fastest = studio.plan is not None and studio.plan.request.model == MODELS[-1]
    return t("live.slow_even_so" if fastest else "live.slow", rate=t.times(round(studio.rate_hz), "rate"))


def _words(say: Say, t: Texts) -> str:
    said = in_words(say.sentence, t)
    return t(say.key, sentence=said, **say.values) if say.key else said


def _leg(leg: dict[str, Any], t: Texts) -> dict[str, Any]:
    return {
        "angle": _json(leg["angle_deg"]),
        "error": _json(leg["error_deg"]),
        "reason": in_words(because(leg["reason"]), t),
        "still": _json(leg["still_s"]),
        "moving": leg["moving"],
        "count": leg["count"],
        "begun": leg["begun"],
        "best": {direction: _json(leg["best_deg"][direction]) for direction in Direction},
        "held": t("live.seconds", count=int(leg["hold_s"])) if leg["hold_s"] >= HOLD_SHOWN_S else "",
    }


def _json(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 2)
