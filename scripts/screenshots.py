"""The README's pictures of the running demo. scripts/screenshots runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.web.browser import PHONE, Theme, chromium, log_in, use_theme, watched_page
from tests.web.people import Person

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "var/demo/state.json"
IMAGES = ROOT / "docs/images"


def main() -> int:
    """Take all pictures. Return the exit status."""
    web = json.loads(STATE.read_text())["web"]
    IMAGES.mkdir(exist_ok=True)
    with chromium() as browser, watched_page(browser, f"http://127.0.0.1:{web['port']}") as (page, _):
        known = web["administrator"]
        log_in(page, Person(0, known["user"], known["user"], known["password"]))
        take(page, "/", "dashboard")
        take(page, "/backups", "backups")
        page.locator("tbody a").first.click()
        page.wait_for_url("**/backups/*")
        take(page, page.url, "details")
        page.set_viewport_size(PHONE)
        take(page, "/", "dashboard-phone", "dark")
    print(f"screenshots: saved in {IMAGES.relative_to(ROOT)}/")
    return 0


def take(page: Page, address: str, name: str, theme: Theme = "light") -> None:
    """Take one picture of the window."""
    page.goto(address)
    use_theme(page, theme)
    # Charts are drawn after the page has loaded.
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
