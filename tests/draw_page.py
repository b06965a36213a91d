"""Draws the icons of the page from `icon.svg`, and the browser's warning for the docs: `python tests/draw_page.py`."""

from __future__ import annotations

from page_helpers import CHROMIUM
from playwright.sync_api import sync_playwright
from repository import ROOT

from rotrack.app.pages.warning import warning_picture
from rotrack.texts import Texts

STATIC = ROOT / "rotrack" / "app" / "static"
ICONS = {"icon-180": (180, 1.0), "icon-192": (192, 1.0), "icon-512": (512, 1.0), "icon-maskable-512": (512, 0.72)}
"""Pixels, and how much of it the drawing takes: where the system cuts a shape out, only the middle is sure to be seen."""
GROUND = "#1c2126"
WARNING = ROOT / "docs" / "images" / "phone-warning.svg"


def main() -> None:
    """Write them."""
    drawing = (STATIC / "icon.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for name, (size, share) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            ground = "none" if name in ("icon-192", "icon-512") else GROUND  # elsewhere the system rounds the corners itself
            page.set_content(
                f"<style>body{{margin:0;background:{ground};height:100vh;display:grid;place-items:center}}"
                f"svg{{width:{100 * share}vw;height:{100 * share}vw}}</style>{drawing}"
            )
            page.screenshot(path=STATIC / f"{name}.png", omit_background=True)
        browser.close()
    WARNING.write_text(warning_picture(Texts()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
