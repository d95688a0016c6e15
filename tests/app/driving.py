"""The App driven as people drive it: the menu, the forms, Execute."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


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


def choose_strategies(form: Locator, *names: str) -> None:
    strategies = field(form, "Strategies")
    strategies.hover()
    form.get_by_label("Clear").first.click()
    for name in names:
        strategies.fill(name)
        form.page.get_by_role("option", name=re.compile(rf"^{name}\b")).click()
    expect(form.locator("[data-tag-index]")).to_have_text(list(names))


def type_into(form: Locator, label: str, text: str) -> None:
    field(form, label).fill(text)
    field(form, label).press("Tab")


def choose_bundled_models(form: Locator) -> None:
    form.get_by_text("Bundled, small, offline", exact=True).click()


def execute(form: Locator) -> Locator:
    """Press Execute; where progress and output appear."""
    button = form.get_by_role("button", name="Execute")
    expect(button).to_be_enabled()
    button.click()
    return form.page.get_by_test_id("operators-prompt-view-modal")
