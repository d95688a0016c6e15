"""The report as people open it: from a file, in Chromium, without a network."""

import os
from pathlib import Path

import pytest

from demo.browser import NoBrowser, chromium
from prompting.dataset.findings import load_findings
from prompting.report import export

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium. Without one the tests are skipped, except in CI, where they fail."""
    try:
        with chromium() as running:
            yield running
    except NoBrowser as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def opened(browser, dataset, folder: Path):
    """A dataset's report, in a page that keeps what it asked for and what went wrong."""
    path, *_ = export(load_findings(dataset), dataset, folder / "report")
    page = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True).new_page()
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: (page.wrong.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    page.locator(".drawn svg.main-svg").first.wait_for()
    return page


@pytest.fixture(scope="module")
def page(browser, explained_once, tmp_path_factory):
    """The report of a dataset with everything that it shows."""
    page = opened(browser, explained_once, tmp_path_factory.mktemp("exported"))
    yield page
    page.context.close()


def test_every_figure_is_drawn_and_nothing_is_asked_of_a_network(page):
    plots = page.locator(".drawn")
    assert plots.count() == 8
    for i in range(plots.count()):
        plots.nth(i).locator("svg.main-svg").first.wait_for()
        assert plots.nth(i).locator(".trace").count() > 0
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.wrong == []


def test_pictures_are_shown(page):
    widths = page.locator("figure img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert widths and min(widths) > 100


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_is_no_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    page.locator(".drawn svg.main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_no_figure_is_cut(page):
    page.set_viewport_size({"width": 680, "height": 900})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(500)
    widths = page.locator(".drawn .main-svg").evaluate_all("all => all.map(svg => svg.getBoundingClientRect().width)")
    assert widths and max(widths) <= 680


def test_names_that_are_html_do_nothing(browser, hostile, tmp_path):
    page = opened(browser, hostile, tmp_path)
    assert "<script>alert(1)</script>" in page.locator("h1 + dl").inner_text()
    assert "<svg onload=alert(3)>" in page.locator(".colours").inner_text()
    assert page.locator(".strip h3", has_text="<img src=x onerror=alert(2)>.jpg").count() == 1
    assert page.wrong == []
    page.context.close()
