"""Fixtures that start the app and look at it through Chromium."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from browser import harness
from playwright.sync_api import Browser, Page, expect, sync_playwright

__all__ = ["browser", "console", "serve", "server", "shot", "shots", "visit"]

collect_ignore = ["gallery_app.py"]  # a script for `streamlit run`, not a module

Serve = Callable[[Path], harness.Server]
Visit = Callable[..., Page]

expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks everything in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Returns Chromium; without one, tests are skipped, but fail where CI is true."""
    path = harness.find_chromium()
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("no Chromium found")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=list(harness.CHROMIUM_ARGS)
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Returns a function that starts a script once and gives its server."""
    logs = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:

        @cache
        def start(script: Path) -> harness.Server:
            log = logs / f"{script.parent.name}-{script.stem}.log"
            return stack.enter_context(harness.serving(script, log))

        yield start


@pytest.fixture(scope="session")
def server(browser: Browser, serve: Serve) -> harness.Server:
    """Returns the server of the app; asks for Chromium first, so as not to start in vain."""
    return serve(harness.ROOT / "app.py")


@pytest.fixture
def console() -> list[harness.Console]:
    """Returns the consoles of the pages that the test visited."""
    return []


@pytest.fixture
def visit(
    browser: Browser,
    request: pytest.FixtureRequest,
    console: list[harness.Console],
) -> Iterator[Visit]:
    """Returns a function that opens a page: `visit("/forget", width=390, dark=True)`.

    Every visit has its own browser context and so its own session. The app follows the colour
    scheme of the browser. `server=` names another server than that of the app. At the end the
    test fails if a page complained in its console.
    """
    with ExitStack() as stack:

        def open_page(
            path: str = "/",
            width: int = 1280,
            dark: bool = False,
            server: harness.Server | None = None,
        ) -> Page:
            at = server or request.getfixturevalue("server")
            context = browser.new_context(
                viewport={"width": width, "height": 844 if width < 600 else 800},
                color_scheme="dark" if dark else "light",
                has_touch=width < 600,
            )
            at.visitors.append(context)
            stack.callback(at.leave, context)
            page = context.new_page()
            page.set_default_timeout(60_000)
            console.append(harness.Console(page))
            page.goto(at.url + path)
            page.wait_for_load_state("networkidle")  # charts and components load on demand
            harness.settled(page)
            return page

        yield open_page
    problems = [problem for one in console for problem in one.problems]
    assert not problems, problems


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of the pictures: FORGET_SHOTS or a temporary one."""
    folder = os.environ.get("FORGET_SHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("shots")
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def shot(shots: Path) -> Callable[[Page, str], Path]:
    """Returns a function that saves a picture of a whole page under a name."""
    return lambda page, name: harness.shot(page, name, shots)
