"""Which camera measures: a choice among those that the system lists, where there is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui.events import GenericEventArguments

from rotrack.app.live.studio import Studio
from rotrack.app.pages.layout import tag
from rotrack.sensing.sources import list_cameras
from rotrack.system.inputs import masked
from rotrack.texts import Texts


def known_cameras(studio: Studio) -> dict[str, str]:
    """Return the cameras by what opens them, with their names; the one in use is among them. To ask the system takes a moment."""
    found = {str(camera.index): f"{camera.name} ({camera.index})" for camera in list_cameras()}
    return found if studio.camera in found else {studio.camera: masked(studio.camera), **found}


def camera_choice(studio: Studio, cameras: dict[str, str], t: Texts, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Add the choice of a camera if there is one.

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
    if len(cameras) < 2:
        return

    async def choose(event: GenericEventArguments) -> None:
        chosen = dict(enumerate(cameras)).get(event.args, studio.camera)
        if chosen != studio.camera:
            studio.camera = chosen
            if then is not None:
                await then()

    with tag("label", classes="field"):
        tag("span", t("choose.camera"))
        with tag("select", id="camera").on("change", choose, js_handler="(e) => emit(e.target.selectedIndex)"):
            for spec, name in cameras.items():
                tag("option", name, selected=spec == studio.camera)  # what opens it may hold a password, and stays here
