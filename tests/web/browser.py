"""A real browser for the web app: problems to watch for, login, accessibility checks, screenshots."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Response,
    ViewportSize,
    sync_playwright,
)

from tests.web.people import Person

ROOT = Path(__file__).parents[2]
AXE = ROOT / "var/assets/node_modules/axe-core/axe.min.js"
SCREENSHOTS = ROOT / "var/screenshots"

# Debian's Chromium first, then the names of other distributions.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # Tests run as root in containers and open only the app.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds.
TIMEOUT = 90_000

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

# Report a violation of the Content Security Policy as an error in the console.
LOG_CSP_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample} at ${event.sourceFile}`));
"""
FIND_VIOLATIONS = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}\\n` +
      nodes.map(({ html, failureSummary }) => `  ${html}\\n    ${failureSummary}`).join("\\n"));
}
"""
IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser. Each test opens its own context in it."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, "no Chromium is installed: run scripts/setup test on Debian, or install Chromium or Chrome"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


class Watch:
    """The problems in a page: script errors, requests to other hosts, responses with an error status.

    A test that provokes an error declares it: ``watch.expected_statuses.add(503)``.
    """

    def __init__(self, page: Page, host: str) -> None:
        self.problems: list[str] = []
        self.expected_statuses: set[int] = set()
        self._host = host
        self._refused: set[str] = set()
        page.add_init_script(LOG_CSP_VIOLATIONS)
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # Chromium reports a page with a 4xx status, such as after a wrong password, as a resource that failed to load.
        if message.text.startswith("Failed to load resource") and message.location["url"] in self._refused:
            return
        self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _page_error(self, error: Error) -> None:
        self.problems.append(f"script: {error}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != self._host:
            self.problems.append(f"request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        is_page = response.request.is_navigation_request()
        if response.status in self.expected_statuses or (is_page and 400 <= response.status < 500):
            self._refused.add(response.url)
        elif response.status >= 400:
            self.problems.append(f"{response.status} from {response.request.method} {response.url}")


@contextlib.contextmanager
def watched_page(browser: Browser, address: str) -> Iterator[tuple[Page, Watch]]:
    """Open a page in its own browser context. At the end, assert that the watch has seen no problem.

    :param address: the app's URL, so that ``page.goto("/login")`` works
    """
    context = browser.new_context(
        base_url=address, viewport=DESKTOP, locale="pt-BR", color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    watch = Watch(page, urlsplit(address).netloc)
    yield page, watch
    context.close()
    assert not watch.problems, "\n".join(watch.problems)


def log_in(page: Page, person: Person) -> None:
    """Log in through the form and wait for the next page."""
    page.goto("/login")
    page.get_by_label("Usuário").fill(person.login)
    page.get_by_label("Senha", exact=True).fill(person.password)
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url(lambda address: urlsplit(address).path != "/login")


def check_accessibility(page: Page) -> None:
    """Assert that axe finds no serious or critical violation in either theme."""
    for theme in THEMES:
        use_theme(page, theme)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        violations = page.evaluate(FIND_VIOLATIONS)
        assert not violations, f"in the {theme} theme, at {page.url}:\n" + "\n".join(violations)
    use_theme(page, "light")


def screenshot(page: Page, name: str) -> None:
    """Save pictures of the whole page: ``var/screenshots/<name>-<desktop|phone>-<light|dark>.png``.

    Assert that the page is not wider than the screen. Afterwards the page has the desktop's size and the light theme.
    """
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for device, size in (("phone", PHONE), ("desktop", DESKTOP)):
        page.set_viewport_size(size)
        for theme in reversed(THEMES):
            use_theme(page, theme)
            page.screenshot(path=SCREENSHOTS / f"{name}-{device}-{theme}.png", full_page=True, animations="disabled")
        assert not page.evaluate(IS_TOO_WIDE), f"{name} is wider than a {device}"


def use_theme(page: Page, theme: Theme) -> None:
    """Set the system's preferred theme and wait until the page has it."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("theme => document.documentElement.dataset.bsTheme === theme", arg=theme)


def has_path(path: str) -> re.Pattern[str]:
    """Return a pattern of addresses with this path and any query, for ``expect(page).to_have_url``."""
    return re.compile(rf"^http://[^/]+{re.escape(path)}(\?.*)?$")
