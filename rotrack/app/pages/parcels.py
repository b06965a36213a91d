"""Results as one file, and such a file taken in as those of a person: between a practice and a home."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from nicegui import app
from starlette.requests import ClientDisconnect

from rotrack.app.pages.layout import Site, tag, texts_of
from rotrack.core.errors import RecordError, RotrackError
from rotrack.exchange.merge import merge_sessions
from rotrack.exchange.parcel import ENDING, packed, unpacked
from rotrack.people.names import meant
from rotrack.records.history import newest, only
from rotrack.records.readings import Merged
from rotrack.records.store import read_sessions
from rotrack.system.files import explained
from rotrack.texts import Texts

PATH = "/results/"
"""Below this a page puts a file with results; what follows is the name of the person."""
SEND = """async (e) => {
  const file = e.target.files[0];
  const answer = await fetch(%s, { method: "PUT", body: file }).catch(() => null);
  emit(answer ? await answer.text() : "");
}"""


def register(site: Site) -> None:
    """Declare what the pages ask for."""

    @app.get("/history.zip")
    def results(request: Request, person: str | None = None, drill: str | None = None) -> Response:
        try:
            name = None if person is None else meant(site.data, person).name
            content = packed(site.data, only(newest(read_sessions(site.data)[0]), name, drill or None))
        except RotrackError as error:
            return PlainTextResponse(texts_of(request).said(str(error)), 404)
        head = {"Content-Disposition": f'attachment; filename="rotrack{ENDING}"', "Cache-Control": "no-store"}
        return Response(content, media_type="application/zip", headers=head)

    @app.put(PATH + "{person}")
    async def taken(request: Request, person: str) -> Response:
        t = texts_of(request)
        try:
            found = await _taken(site, request.stream(), person)
        except ClientDisconnect:
            return Response(status_code=400)
        except RotrackError as error:
            return PlainTextResponse(t.said(str(error)), 409)
        told = t("people.results_in", count=found.added, there=found.already_there)
        return PlainTextResponse(" ".join([told, *map(t.said, (*found.problems, *found.notes))]))


async def _taken(site: Site, pieces: AsyncIterator[bytes], person: str) -> Merged:
    """Take in the sessions of a file that is being sent, as this person's."""
    with tempfile.TemporaryDirectory(prefix="rotrack-") as place:
        path = Path(place) / f"results{ENDING}"
        with explained(path, RecordError), path.open("xb") as file:
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
        return await asyncio.to_thread(_merged, site.data, path, person)


def _merged(data: Path, path: Path, person: str) -> Merged:
    with unpacked(path) as other:
        return merge_sessions(data, other, person=meant(data, person).name)


def take_in(person: str, t: Texts) -> None:
    """Add a way to take in a file with results of a person from elsewhere."""
    with tag("label", classes="read-in"):
        tag("span", t("people.results"), "button quiet")
        field = tag("input", type="file", id="results", accept=ENDING, classes="unseen")
    told = tag("p", classes="hint", role="status", id="results-told")

    def tell(words: str) -> None:
        told.clear()
        with told:
            tag("span", words or t("people.results_not_sent"))

    field.on("change", lambda e: tell(str(e.args)), js_handler=SEND % json.dumps(PATH + quote(person, safe="")))
