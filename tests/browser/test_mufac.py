"""MUFAC in a real browser: prepared by a click, searched, turned by page, forgotten from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import harness
from playwright.sync_api import Locator, Page, expect
from sample_mufac_app import FAMILIES, sample

Visit = Callable[..., Page]
Shot = Callable[[Page, str], object]
PEOPLE = 2 * FAMILIES - 1


@pytest.fixture
def with_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[harness.Server]:
    """A server of its own that finds a made-up MUFAC, and no network."""
    (tmp_path / "app_data").mkdir()
    sample().zip(tmp_path / "app_data" / "mufac.zip")
    monkeypatch.setenv("FORGET_APP_DATA", str(tmp_path / "app_data"))
    with harness.serving(harness.ROOT / "app.py", tmp_path / "server.log") as server:
        yield server


def check(page: Page, shot: Shot, name: str) -> None:
    for part in ("html", "[data-testid=stMain]"):
        width = page.locator(part).evaluate("part => part.scrollWidth")
        assert width <= page.viewport_size["width"]
    assert page.locator("[data-testid=stException]").count() == 0
    shot(page, name)
    assert harness.violations(page) == []


def faces(page: Page) -> Locator:
    return page.locator("fieldset").get_by_role("img")


def search(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Search")
    box.fill(text)
    box.press("Enter")
    harness.settled(page)


@pytest.mark.slow
def test_from_the_data_to_the_proof(visit: Visit, shot: Shot, with_data: harness.Server) -> None:
    page = visit("/forget_people", server=with_data)
    page.get_by_text("MUFAC families").click()
    harness.settled(page)
    expect(page.get_by_text("10 to 20 minutes on two cores, once")).to_be_visible()
    check(page, shot, "mufac-offer")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_text(f"1 to 40 of {PEOPLE}")).to_be_visible(timeout=harness.PATIENCE)
    expect(page.get_by_text("held-out photographs of added people")).to_be_visible()
    harness.settled(page)
    expect(faces(page)).to_have_count(40)
    check(page, shot, "mufac-people")

    first = faces(page).first.get_attribute("alt").removeprefix("Portrait of ")
    faces(page).first.click()
    harness.settled(page)
    page.get_by_role("button", name="Next page").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"41 to {PEOPLE} of {PEOPLE}")).to_be_visible()
    harness.settled(page)
    expect(faces(page)).to_have_count(PEOPLE - 40)
    expect(page.get_by_role("status").filter(has_text="chosen")).to_have_text("1 person chosen")

    search(page, "f0060")
    expect(faces(page)).to_have_count(2)
    page.get_by_role("checkbox", name="F0060/S", exact=True).check()
    harness.settled(page)
    search(page, "nobody")
    expect(page.get_by_text("has nobody in their name")).to_be_visible()
    search(page, "")
    expect(page.get_by_text(f"41 to {PEOPLE} of {PEOPLE}")).to_be_visible()
    tags = page.get_by_test_id("stMultiSelect").locator("[aria-label^=Remove]")
    expect(tags).to_have_count(2)

    page.get_by_role("button", name="Forget", exact=True).click()
    expect(page.get_by_role("heading", name="Proof")).to_be_in_viewport(timeout=harness.PATIENCE)
    expect(page.get_by_text(f"{first}").first).to_be_visible()
    harness.settled(page)
    check(page, shot, "mufac-result")
    page.get_by_role("link", name="What it remembers").click()
    harness.settled(page)
    expect(page.get_by_text("Shown a photograph")).to_be_visible()
    check(page, shot, "mufac-remembers")
