"""The App on a port of its own, in a real browser: once for the folder. Playwright's event loop ends with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from demo import browser as app_browser
from tests.copies import copy_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def forms_begin_anew(nobody_asked_before):
    """Each test is a person of its own."""


@pytest.fixture(scope="package")
def browser():
    """A headless Chromium. Without one the tests are skipped, except in CI, where they fail."""
    try:
        with app_browser.chromium() as running:
            yield running
    except app_browser.NoBrowser as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="package")
def reports(tmp_path_factory):
    """A folder into which the App may write reports."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="package")
def app_port(reports):
    """The port at which the App shows this run's database."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SAM2_PROMPTING_REPORTS", str(reports))
        desk = reports / "annotation.json"  # an annotation backend that the App's server can import
        desk.write_text(json.dumps({"backends": {"desk": {"config_cls": "tests.runs.desk.DeskBackendConfig"}}}))
        environment.setenv("FIFTYONE_ANNOTATION_CONFIG_PATH", str(desk))
        environment.setenv("PYTHONPATH", str(ROOT))
        environment.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody answers: no internet, wherever this runs
        with app_browser.served_app() as port:
            yield port


@pytest.fixture
def open_dataset(browser, app_port):
    """Open a dataset in a page of its own."""
    pages = []

    def open_it(dataset, **size):
        pages.append(app_browser.open_dataset(browser, app_port, dataset.name, **size))
        return pages[-1]

    open_it.pages = pages
    yield open_it
    for page in pages:
        page.context.close()


@pytest.fixture(scope="module")
def applied(applied_once):
    """The demo's dataset with the results of two strategies."""
    dataset = copy_of(applied_once)
    yield dataset
    dataset.delete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep what a failed test saw, and say where."""
    report = yield
    pages = [*getattr(item.funcargs.get("open_dataset"), "pages", ()), *filter(None, [item.funcargs.get("page")])]
    if report.when == "call" and report.failed and pages:
        folder = item.funcargs["tmp_path"]
        for i, page in enumerate(pages):
            page.screenshot(path=folder / f"page{i}.png")
            (folder / f"page{i}.html").write_text(page.content())
        report.sections.append(("The App", f"Screenshots and HTML of its pages: {folder}"))
    return report
