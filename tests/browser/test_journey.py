"""The main journey by clicking pictures, as a visitor does, and what it looks like."""

import re
from collections.abc import Callable

import pytest
from browser import harness
from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
Shot = Callable[[Page, str], object]


def face(page: Page, number: int) -> object:
    return page.get_by_role("checkbox", name=re.compile(rf"Person {number}( forgotten)?$"))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    harness.settled(page)


def fits(page: Page) -> bool:
    return page.evaluate(
        "() => document.documentElement.scrollWidth <= window.innerWidth &&"
        " document.querySelector('[data-testid=stMain]').scrollWidth <= window.innerWidth"
    )


def check(page: Page, shot: Shot, name: str) -> None:
    assert fits(page)
    assert page.locator("[data-testid=stException]").count() == 0
    shot(page, name)
    assert harness.violations(page) == []


@harness.looks
def test_home(visit: Visit, shot: Shot, width: int, dark: bool) -> None:
    page = visit("/", width=width, dark=dark)
    expect(page.get_by_text("40 people, nobody forgotten yet")).to_be_visible()
    check(page, shot, f"home-{width}-{'dark' if dark else 'light'}")


@harness.looks
def test_forgetting_by_clicking_pictures(visit: Visit, shot: Shot, width: int, dark: bool) -> None:
    look = f"{width}-{'dark' if dark else 'light'}"
    page = visit("/forget_people", width=width, dark=dark)
    expect(page.get_by_role("img", name=re.compile("^Portrait of"))).to_have_count(40)
    check(page, shot, f"empty-{look}")
    face(page, 34).click()
    face(page, 25).click()
    harness.settled(page)
    expect(page.get_by_text("exact, for the whole model")).to_be_visible()
    check(page, shot, f"chosen-{look}")
    press(page, "Forget")
    expect(page.get_by_text("Same as never seen")).to_be_visible()
    expect(page.get_by_text("Exact, whole model.")).to_be_visible()
    expect(page.get_by_role("heading", name="Proof")).to_be_in_viewport()
    expect(face(page, 34)).to_be_disabled()
    check(page, shot, f"result-{look}")


@pytest.mark.slow
def test_a_core_person(visit: Visit, shot: Shot) -> None:
    page = visit("/forget_people")
    face(page, 7).click()
    harness.settled(page)
    press(page, "Forget")
    expect(page.get_by_text("Exact, readout only.")).to_be_visible()
    expect(page.get_by_role("button", name="Run training everything")).to_be_visible()
    check(page, shot, "core-1280-light")


@pytest.mark.slow
@harness.looks
def test_suppression_shows_whom_it_hides(visit: Visit, shot: Shot, width: int, dark: bool) -> None:
    look = f"{width}-{'dark' if dark else 'light'}"
    page = visit("/forget_people", width=width, dark=dark)
    page.get_by_text("Stop recognising them").click()
    face(page, 34).click()
    harness.settled(page)
    press(page, "Suppress")
    expect(page.get_by_text("Hidden, not forgotten")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Person 34 suppressed")).to_be_disabled()
    check(page, shot, f"suppressed-{look}")


@pytest.mark.slow
def test_two_visitors_do_not_disturb_each_other(visit: Visit) -> None:
    one, other = visit("/forget_people"), visit("/forget_people")
    face(one, 34).click()
    harness.settled(one)
    press(one, "Forget")
    expect(face(one, 34)).to_be_disabled()
    other.reload()
    harness.settled(other)
    expect(face(other, 34)).to_be_enabled()
    face(other, 21).click()
    harness.settled(other)
    press(other, "Forget")
    expect(other.get_by_text("Forgotten: Person 21")).to_be_visible()
    expect(face(one, 21)).to_be_enabled()


@pytest.mark.slow
def test_the_model_survives_a_walk_through_the_pages(visit: Visit) -> None:
    page = visit("/forget_people")
    face(page, 34).click()
    harness.settled(page)
    press(page, "Forget")
    page.get_by_role("link", name="Home").click()
    harness.settled(page)
    expect(page.get_by_text("39 people, 1 forgotten, proof holds")).to_be_visible()
    page.get_by_role("link", name="Forget people").click()
    harness.settled(page)
    expect(page.get_by_text("Same as never seen")).to_be_visible()
    press(page, "Start over")
    expect(face(page, 34)).to_be_enabled()


@pytest.mark.slow
def test_the_downloaded_model_verifies(visit: Visit, tmp_path) -> None:  # noqa: ANN001
    from forget.__main__ import main

    page = visit("/forget_people")
    face(page, 34).click()
    harness.settled(page)
    press(page, "Forget")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download model with feature store").click()
    path = tmp_path / "model.safetensors"
    download.value.save_as(path)
    assert main(["verify", str(path)]) == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Download report").click()
    download.value.save_as(tmp_path / "report.json")
    assert '"holds": true' in (tmp_path / "report.json").read_text()


@pytest.mark.slow
def test_own_photographs(visit: Visit, shot: Shot, tmp_path) -> None:  # noqa: ANN001
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for person in range(24):
        (tmp_path / f"Visitor {person}").mkdir()
        face = random.integers(0, 256, (14, 12, 3))
        for k in range(4):
            noisy = np.clip(face + random.normal(0, 12, face.shape), 0, 255).astype(np.uint8)
            picture = Image.fromarray(noisy).resize((160, 180))
            picture.save(tmp_path / f"Visitor {person}" / f"{k}.png")
    (tmp_path / "Visitor 3" / "broken.jpg").write_bytes(b"no photograph")
    page = visit("/forget_people")
    page.get_by_text("My own photographs").click()
    harness.settled(page)
    check(page, shot, "own-empty")
    page.get_by_text("A folder", exact=True).click()
    harness.settled(page)
    page.locator("input[type=file]").set_input_files(tmp_path)
    expect(page.get_by_text("24 people, 96 photographs")).to_be_visible(timeout=harness.PATIENCE)
    expect(page.get_by_text("1 left out")).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("^Visitor 7")).click()
    harness.settled(page)
    press(page, "Forget")
    expect(page.get_by_text("Same as never seen")).to_be_visible()
    check(page, shot, "own-result")


@pytest.mark.slow
def test_a_bad_upload_is_told(visit: Visit, shot: Shot, tmp_path) -> None:  # noqa: ANN001
    (tmp_path / "bad.zip").write_bytes(b"no zip at all")
    page = visit("/forget_people", width=390)
    page.get_by_text("My own photographs").click()
    harness.settled(page)
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.zip")
    expect(page.get_by_text("Pack the folder again")).to_be_visible()
    check(page, shot, "own-refused")
