"""Comparing methods in a browser: from nothing to the table, with a cancel and a look away."""

import re
from collections.abc import Callable

import pytest
from browser import harness
from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
Shot = Callable[[Page, str], object]


@pytest.mark.slow
def test_from_nothing_to_the_table(visit: Visit, shot: Shot) -> None:
    page = visit("/compare")
    compare = page.get_by_role("button", name="Compare", exact=True)
    compare.click()
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    expect(page.get_by_text(re.compile("training the network on everything"))).to_be_visible()
    shot(page, "compare-running")
    cancel.click()
    expect(page.get_by_text("Cancelled")).to_be_visible(timeout=harness.PATIENCE)
    compare.click()
    expect(cancel).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="Who is in it")).to_be_visible(
        timeout=harness.PATIENCE
    )
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Two models")).to_be_visible(timeout=harness.PATIENCE)
    expect(page.get_by_text("Subtraction differs from its own refit by 0")).to_be_visible()
    expect(page.get_by_role("heading", name="Likeness to the reference")).to_be_visible()
    harness.settled(page)
    assert page.locator("[data-testid=stException]").count() == 0
    shot(page, "compare-result")
    assert harness.violations(page) == []
