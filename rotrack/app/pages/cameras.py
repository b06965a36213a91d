"""Which camera measures: a choice among those that the system lists, a phone, and the camera of the browser itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui.events import GenericEventArguments

from rotrack.app.live.studio import Studio
from rotrack.app.pages.layout import tag
from rotrack.sensing.sent import BROWSER, PHONE
from rotrack.sensing.sources import list_cameras
from rotrack.system.inputs import masked
from rotrack.texts import Texts

SENDERS = {PHONE: "choose.camera_phone", BROWSER: "choose.camera_browser"}
"""Cameras that send their pictures, with the keys of their names."""


def known_cameras(studio: Studio) -> dict[str, str]:
    """Return the cameras by what opens them, with their names; the one in use is among them. To ask the system takes a moment.

    A phone and the browser, which can always be chosen, have the keys of their names.
    """
    found = {str(camera.index): f"{camera.name} ({camera.index})" for camera in list_cameras()} | SENDERS
    return found if studio.camera in found else {studio.camera: masked(studio.camera), **found}


def camera_choice(studio: Studio, cameras: dict[str, str], t: Texts, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Add the choice of a camera.

    Parameters
    ----------
    studio : Studio
        What is told of the choice; a session that is prepared later uses that camera.
    cameras : dict of str to str
        As `known_cameras` has them.
    t : Texts
        The words.
    then : callable, optional
        Called after another one was chosen.
    """

    async def choose(event: GenericEventArguments) -> None:
        chosen = dict(enumerate(cameras)).get(event.args, studio.camera)
        if chosen != studio.camera:
            studio.choose_camera(chosen)
            if then is not None:
                await then()

    with tag("label", classes="field checking"):
        tag("span", t("choose.camera"))
        select = tag("select", id="camera", aria_label=t("choose.camera"))
        with select.on("change", choose, js_handler="(e) => emit(e.target.selectedIndex)"):
            for spec, name in cameras.items():  # what opens it may hold a password, and stays here
                tag("option", t(name) if spec in SENDERS else name, selected=spec == studio.camera)
