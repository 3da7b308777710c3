"""The pages of runs and of single pictures, by mouse and keyboard, and what they look like."""

import os
import re
from collections.abc import Callable, Iterator

import pytest
from browser import harness
from playwright.sync_api import Page, expect
from run_pages import with_digits
from sample_runs import write_sample

Visit = Callable[..., Page]
Shot = Callable[[Page, str], object]


@pytest.fixture(scope="module")
def server(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Server]:
    """Returns a server whose runs are samples; asks for Chromium first, as the others do."""
    logs = tmp_path_factory.mktemp("logs")
    write_sample(logs, "mnist", "unlearning")
    write_sample(logs, "cifar10", seeds=(0, 1), epochs=6)
    write_sample(logs, "mufac", "earlier")
    digits = with_digits(write_sample(logs, "digits", seeds=(0, 1)))
    # The newest, though all were made in the same second.
    digits.folder.rename(digits.folder.with_name("2030-01-31-12-00-00"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "FORGET_LOGS", str(logs))
        with harness.serving(harness.ROOT / "app.py", logs / "server.log") as one:
            yield one


def check(page: Page, shot: Shot, name: str) -> None:
    width = page.evaluate("() => window.innerWidth")
    for part in ("html", "[data-testid=stMain]"):
        assert page.locator(part).evaluate("part => part.scrollWidth") <= width
    assert page.locator("[data-testid=stException]").count() == 0
    shot(page, name)
    assert harness.violations(page) == []


def choose_run(page: Page, label: str) -> None:
    field = page.get_by_role("combobox", name="Show one run, or two side by side")
    field.click()
    page.get_by_role("option", name=re.compile(label)).click()
    field.press("Escape")
    harness.settled(page)


def opened(page: Page, label: str) -> None:
    """Opens what is folded away."""
    page.locator("summary", has_text=label).first.click()
    harness.settled(page)


@pytest.mark.slow
@harness.looks
def test_one_run_and_two(
    visit: Visit, server: harness.Server, shot: Shot, width: int, dark: bool
) -> None:
    look = f"{width}-{'dark' if dark else 'light'}"
    page = visit("/experiments", width=width, dark=dark, server=server)
    expect(page.get_by_role("heading", name="Digits: class 3")).to_be_visible(
        timeout=harness.PATIENCE
    )
    opened(page, "Losses that the attack sees")
    opened(page, "As a table")
    check(page, shot, f"experiments-one-{look}")
    choose_run(page, "^CIFAR-10, classes")
    expect(page.get_by_role("heading", name="Settings that differ")).to_be_visible()
    check(page, shot, f"experiments-two-{look}")


@pytest.mark.slow
@harness.looks
def test_a_picture_is_picked(
    visit: Visit, server: harness.Server, shot: Shot, width: int, dark: bool
) -> None:
    page = visit("/classes", width=width, dark=dark, server=server)
    buttons = page.get_by_role("radio", name=re.compile(r"^Image \d+, "))
    expect(buttons).to_have_count(12, timeout=harness.PATIENCE)
    page.locator("label.tile").nth(4).click()
    harness.settled(page)
    expect(buttons.nth(4)).to_be_checked()
    name = str(buttons.nth(4).get_attribute("aria-label")).replace(",", ":")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.keyboard.press("ArrowRight")
    harness.settled(page)
    expect(buttons.nth(5)).to_be_checked()
    expect(buttons.nth(5)).to_be_focused()
    name = str(buttons.nth(5).get_attribute("aria-label")).replace(",", ":")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    check(page, shot, f"classes-{width}-{'dark' if dark else 'light'}")
    page.get_by_role("button", name="New choices").click()
    harness.settled(page)
    expect(buttons).to_have_count(12)
    expect(buttons.first).to_be_checked()
    assert str(buttons.nth(5).get_attribute("aria-label")).replace(",", ":") != name


@pytest.mark.slow
def test_an_unfinished_run_and_one_without_its_pictures(
    visit: Visit, server: harness.Server, shot: Shot
) -> None:
    page = visit("/experiments", server=server)
    page.get_by_role("button", name=re.compile("^Clear")).first.click()
    harness.settled(page)
    choose_run(page, "^MNIST")
    expect(page.get_by_text("--resume")).to_be_visible()
    check(page, shot, "experiments-unfinished")
