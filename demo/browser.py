"""The FiftyOne App in a headless Chromium, as the screenshots and the browser tests need it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Playwright, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # fonts and statistics that the App asks others for would only make it wait
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
)
TIMEOUT_MS = 180_000
STILL = """document.addEventListener('DOMContentLoaded', () => {
    const still = document.createElement('style');
    still.textContent = '*, *::before, *::after { animation: none !important; transition: none !important }';
    document.head.append(still);
})"""
"""Nothing turns or fades: without a GPU each of sixty pictures a second is painted by the processor, which a run that
is waited for has better use for."""


class NoBrowser(RuntimeError):
    """There is no Chromium on this machine."""


@contextmanager
def served_app() -> Iterator[int]:
    """The App on a free port of this machine, which is returned.

    The server alone: a session, as ``fo.launch_app`` makes one, would push its own state to the pages.
    """
    import fiftyone as fo
    from fiftyone.core.service import ServerService

    fo.list_datasets()  # starts the database, which the server would else start for itself
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    server = ServerService(port, address="localhost", do_not_track=True)
    yield port
    server.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; the App's ``data-cy`` attributes are its test ids.

    Raises:
        NoBrowser: there is none
    """
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-cy")
        browser = playwright.chromium.launch(executable_path=_executable(playwright), args=list(FLAGS))
        yield browser
        browser.close()


def open_dataset(browser: Browser, port: int, name: str, width: int = 1600, height: int = 1000) -> Page:
    """A page of its own that shows a dataset's grid, served by the App on a port of this machine."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script("localStorage.setItem('fiftyone-enterprise-tooltip-seen', 'true')")
    context.add_init_script(STILL)
    page = context.new_page()
    page.goto(f"http://localhost:{port}/datasets/{name}")
    page.get_by_test_id("looker").first.wait_for()
    return page


def open_evaluation(page: Page, key: str, other: str) -> None:
    """Compare two evaluations in the Model Evaluation panel."""
    page.get_by_test_id("new-panel-btn").first.click()
    page.get_by_test_id("new-panel-option-model_evaluation_panel_builtin").click()
    panel = page.get_by_test_id("panel-content-model_evaluation_panel_builtin")
    comparison = panel.get_by_role("combobox").filter(has_text="Select a comparison")
    for patience_ms in (10_000, 20_000, TIMEOUT_MS):
        panel.get_by_text(key, exact=True).first.click()
        try:
            comparison.wait_for(timeout=patience_ms)
            break
        except PlaywrightTimeout:
            continue  # a list that still loads shows its rows and forgets a click on them
    comparison.click()
    page.get_by_role("option").filter(has=page.get_by_text(other, exact=True)).click()
    panel.get_by_role("columnheader", name=other).wait_for()


def open_strategies(page: Page) -> Locator:
    """The panel that compares the strategies, with its tables and plots drawn."""
    panel = page.get_by_test_id("panel-content-strategies_panel")
    option = page.get_by_test_id("new-panel-option-strategies_panel")
    others = page.get_by_test_id("new-panel-option-model_evaluation_panel_builtin")
    page.get_by_test_id("new-panel-btn").first.click()
    others.wait_for()
    option.or_(panel).first.wait_for()  # a page that was opened just now hears of a plugin's panels one by one
    if option.is_visible():
        option.click()
    else:  # the App's server remembers what an earlier page had open
        page.mouse.click(5, 5)  # beside the menu
        others.wait_for(state="hidden")
    panel.get_by_role("button", name="Refresh").wait_for()
    return panel


def turn_to(panel: Locator, section: str) -> None:
    """To one of the sections of a comparison."""
    button = panel.get_by_role("button", name=section, exact=True)
    button.click()
    panel.locator(".MuiButton-outlined").filter(has_text=section).wait_for()


def _executable(playwright: Playwright) -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    path = found or playwright.chromium.executable_path
    if not Path(path).is_file():
        raise NoBrowser(f"No browser: install Chromium or name one in the variable CHROMIUM ({path} is not there).")
    return path
