"""Settings: voice and sounds, the camera, privacy, where the data are."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse
from nicegui import app, run, ui
from starlette.background import BackgroundTask

from rotrack.app.live.studio import Phase
from rotrack.app.pages.cameras import camera_choice, known_cameras
from rotrack.app.pages.dialogs import Questions, ask_twice
from rotrack.app.pages.layout import PATIENCE_S, Site, frame, private, tag
from rotrack.app.pages.session import videos_of
from rotrack.core.errors import RecordError, RotrackError
from rotrack.people.everything import delete_everything, export_everything
from rotrack.records.folders import session_folders
from rotrack.texts.units import Units


def register(site: Site) -> None:
    """Declare the page."""

    @ui.page("/settings", response_timeout=PATIENCE_S)
    async def settings(request: Request) -> None:
        _settings(site, request, await asyncio.to_thread(known_cameras, site.studio))

    @app.get("/everything.zip")
    def everything() -> FileResponse:
        return _zip(site)


def _delete(site: Site) -> None:
    """Delete all that there is; the videos that were looked at are closed first."""
    if site.studio.phase in (Phase.CHECK, Phase.MEASURE):
        raise RecordError("A session is running; end it first. Nothing was deleted.")
    videos_of(site.data).forget(*(folder.name for folder in session_folders(site.data)))
    delete_everything(site.data)


def _zip(site: Site) -> FileResponse:
    """Return all that there is as one file, which is gone from this computer's own place once it was sent."""
    with tempfile.NamedTemporaryFile(prefix="rotrack-", suffix=".zip", delete=False) as file:
        export_everything(site.data, file)
    path = Path(file.name)
    name = f"rotrack-{site.studio.clock.now():%Y-%m-%d}.zip"
    return FileResponse(path, media_type="application/zip", filename=name, headers={"Cache-Control": "no-store"},
                        background=BackgroundTask(path.unlink, missing_ok=True))  # fmt: skip


def _settings(site: Site, request: Request, cameras: dict[str, str]) -> None:
    """Lay out the page; what belongs to the browser, its voice above all, is kept there by the script."""
    with (
        frame(site, request, "settings.title", "settings", narrow=True) as t,
        tag("div", classes="form chosen", id="settings", data_speech=t("app.speech")),
    ):
        tag("h1", t("settings.title"))
        tag("h2", t("settings.voice"))
        with tag("label", classes="radio"):
            tag("input", type="checkbox", id="sound")
            tag("span", t("settings.sound"))
        with tag("label", classes="field"):
            tag("span", t("settings.which"))
            tag("select", id="voice")
        tag("p", t("live.no_voice"), "hint", id="no-voice", hidden=True)
        for name, least, most in (("volume", 0, 1), ("pace", 0.6, 1.4)):
            with tag("label", classes="field"):
                tag("span", t(f"settings.{name}"))
                tag("input", type="range", id=name, min=least, max=most, step=0.1)
        tag("button", t("settings.test"), "quiet", id="test", data_say=t("settings.test_said"))
        tag("h2", t("choose.camera"))
        camera_choice(site.studio, cameras, t)
        tag("h2", t("settings.units"))
        with tag("label", classes="field"):
            tag("span", t("settings.which_units"))
            with tag("select", id="units"):
                for units in Units:
                    tag("option", t(f"settings.units_{units}"), value=units, selected=units is t.units)
        tag("small", t("settings.units_hint"))
        tag("h2", t("settings.privacy"))
        with tag("label", classes="radio"):
            tag("input", type="checkbox", id="private", checked=private(request))
            tag("span", t("settings.private"))
        tag("small", t("settings.private_hint"))
        tag("h2", t("settings.data"))
        tag("p", str(site.data), "path")
        tag("small", t("settings.data_hint"))
        with tag("div", classes="buttons"):
            tag("a", t("settings.export"), "button", id="export", href="/everything.zip", download=True)
            button = tag("button", t("settings.delete"), "danger", id="delete-all")
        tag("small", t("settings.export_hint"))
        problem = tag("p", classes="problem", role="alert")
        word = t("settings.delete_word")
        questions = Questions(
            t("settings.delete_ask"), t("settings.delete_what"), t("history.delete_go"), t("history.delete_sure"),
            t("history.delete_yes"), t("result.keep"), word, t("history.delete_type", person=word),
        )  # fmt: skip

        async def delete() -> None:
            try:
                await run.io_bound(_delete, site)
            except RotrackError as error:
                problem.clear()
                with problem:
                    tag("span", t.said(str(error)))
                return
            ui.navigate.to("/")

        ask_twice(button, "all", questions, delete)
    ui.add_body_html('<script src="/static/voice.js"></script><script src="/static/settings.js"></script>')
