"""The audit in a browser: forget somebody, ask, drag the threshold, read the answers."""

import re
from collections.abc import Callable

import pytest
from browser import harness
from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
Shot = Callable[[Page, str], object]


@pytest.mark.slow
def test_an_audit_of_one_person(visit: Visit, shot: Shot) -> None:
    page = visit("/forget_people")
    page.get_by_role("checkbox", name=re.compile("Person 34$")).click()
    harness.settled(page)
    page.get_by_role("button", name="Forget", exact=True).click()
    expect(page.get_by_text("Same as never seen")).to_be_visible(timeout=harness.PATIENCE)
    page.get_by_role("link", name="Audit").click()
    page.get_by_role("button", name="Audit", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("heading", name="Still detectable?")).to_be_visible(
        timeout=harness.PATIENCE
    )
    harness.settled(page)
    expect(page.get_by_text("Above this threshold")).to_be_visible()
    thumb = page.get_by_role("slider", name="Says “learned” above")
    thumb.focus()
    for _ in range(5):
        thumb.press("ArrowRight")
    harness.settled(page)
    assert page.locator("[data-testid=stException]").count() == 0
    shot(page, "audit-1280-light")
    assert harness.violations(page) == []
