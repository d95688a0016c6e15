"""The App driven as people drive it: the menu, the forms, Execute."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from demo.browser import TIMEOUT_MS

AGAIN_MS = 4000
"""After which a press that showed nothing is made again."""


def open_form(page: Page, operator: str) -> Locator:
    """An operator's form, out of the operators' menu, filled with its defaults."""
    page.keyboard.press("`")
    page.get_by_test_id("operators-browser-search").fill("SAM 2")
    page.get_by_text(operator, exact=True).click()
    form = page.get_by_test_id("operators-prompt-modal")
    expect(form.locator("[data-tag-index]").first).to_be_visible()
    return form


def field(form: Locator, label: str) -> Locator:
    """The input below a label."""
    page = form.page
    both = form.locator("div").filter(has=page.get_by_text(label, exact=True)).filter(has=page.locator("input"))
    return both.last.locator("input").last


def settle(form: Locator) -> None:
    """Wait until the form is what the server answered to what it says."""
    expect(form.get_by_role("progressbar")).to_have_count(0)


@contextmanager
def answered(form: Locator, told: str = "") -> Iterator[None]:
    """Change the form, once it has settled, and until it has again.

    Of two answers on their way the App shows the one that comes last, be it to what was said before, and lets a form
    turn its wheel for good (FiftyOne 1.22: a server that was busy answers in any order).

    Args:
        form: to be changed
        told: what the request that is waited for must hold, a regular expression
    """
    settle(form)
    with form.page.expect_response(lambda r: "resolve-type" in r.url and re.search(told, r.request.post_data or "")):
        yield
    settle(form)


def choose_strategies(form: Locator, *names: str) -> None:
    """These alone."""
    strategies = field(form, "Strategies")
    strategies.focus()
    with answered(form):
        form.get_by_label("Clear").first.click()
    chosen = form.locator("[data-tag-index]")
    expect(chosen).to_have_count(0)
    for count, name in enumerate(names, start=1):
        strategies.fill(name)
        with answered(form):
            form.page.get_by_role("option", name=re.compile(rf"^{name}\b")).click()
        expect(chosen).to_have_text(list(names[:count]))


def type_into(form: Locator, label: str, text: str) -> None:
    """Another text than is there."""
    with answered(form, rf':"?{re.escape(json.dumps(text)[1:-1])}"?[,}}]'):
        field(form, label).fill(text)
        field(form, label).press("Tab")


def press(form: Locator, text: str) -> None:
    """A switch or a choice that isn't chosen already."""
    with answered(form):
        form.get_by_text(text, exact=True).click()


def choose_bundled_models(form: Locator) -> None:
    bundled = form.locator("input[value=bundled]")
    settle(form)
    if not bundled.is_checked():
        press(form, "Bundled, small, offline")
    expect(bundled).to_be_checked()


def execute(form: Locator) -> Locator:
    """Press Execute; where progress and output appear."""
    button = form.get_by_role("button", name="Execute")
    settle(form)
    expect(button).to_be_enabled()
    button.click()
    for _ in range(5):  # a form that is being drawn anew forgets a click
        try:
            expect(button).to_be_hidden(timeout=AGAIN_MS)
            break
        except AssertionError:
            with suppress(PlaywrightTimeout):  # it may go just now
                button.click(timeout=AGAIN_MS)
    return form.page.get_by_test_id("operators-prompt-view-modal")


def form_of(panel: Locator, button: str) -> Locator:
    """The form that a button of the panel opens."""
    panel.get_by_role("button", name=button, exact=True).click()
    return panel.page.get_by_test_id("operators-prompt-modal")


def carry_out(form: Locator, outcome: Locator) -> None:
    """Execute, wait for what only the finished run can show, and close the dialog, which tells of no error."""
    run = execute(form)
    alert = run.get_by_role("alert")
    expect(outcome.or_(alert).first).to_be_visible()
    assert not alert.all_inner_texts()
    run.get_by_role("button", name="Done").click()
    expect(run).to_have_count(0)


def expect_samples(page: Page, count: int) -> None:
    """The grid shows so many."""
    expect(page.get_by_test_id("entry-counts")).to_have_text(re.compile(rf"\b{count} samples?"))


def seen(locator: Locator) -> bool:
    """Whether people see it without scrolling."""
    inside = locator.page.get_by_test_id("operators-prompt-modal").get_by_role("button", name="Execute").bounding_box()
    box = locator.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= inside["y"]


DRAWN = """() => JSON.stringify([
    [...document.querySelectorAll('.js-plotly-plot')].map(p => p.data.map(t => [t.name, t.x, t.y, t.z, t.text, t.ids])),
    [...document.querySelectorAll('[data-cy=panel-content-strategies_panel] table')].map(t => t.innerText)])"""


def choose(panel: Locator, which: int, value: str) -> None:
    """In one of the panel's drop-downs; the first is the baseline, the last says by what to slice."""
    panel.get_by_role("combobox").nth(which).click()
    panel.page.get_by_role("option", name=value, exact=True).click()


def expect_the_same_drawn(used: Page, fresh: Page) -> None:
    """The same data in all plots and tables, once both pages have drawn everything."""
    give_up = time.monotonic() + TIMEOUT_MS / 1000
    while (drawn := used.evaluate(DRAWN)) != (expected := fresh.evaluate(DRAWN)) and time.monotonic() < give_up:
        used.wait_for_timeout(500)
    assert drawn == expected
