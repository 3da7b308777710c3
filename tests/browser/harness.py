"""What the browser tests need: a server, Chromium, patience, pictures and axe."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response

__all__ = [
    "PATIENCE",
    "ROOT",
    "Console",
    "Server",
    "find_chromium",
    "looks",
    "serving",
    "settled",
    "shot",
    "violations",
]

# Width in pixels, and whether it is dark; the other three corners run with the slow tests.
looks = pytest.mark.parametrize(
    ("width", "dark"),
    [
        (1280, False),
        pytest.param(390, True, marks=pytest.mark.slow),
        pytest.param(1280, True, marks=pytest.mark.slow),
        pytest.param(390, False, marks=pytest.mark.slow),
    ],
    ids=str,
)

PATIENCE = 600_000  # ms, for work of a minute on an idle machine: others may be busy
ROOT = Path(__file__).parents[2]
READY = "[data-testid=stApp][data-test-connection-state=CONNECTED]"
IDLE = READY + "[data-test-script-state=notRunning]"
FLAGS = {
    "server.headless": "true",
    "server.address": "127.0.0.1",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
}
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """Returns the path of an installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


class Server:
    """A running Streamlit server: its address and what it has written so far.

    Its visitors end before it does: a page that outlives its server complains in its console.
    """

    def __init__(self, script: Path, log: Path) -> None:
        self.log = log
        self.visitors: list[BrowserContext] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        flags = [f"--{name}={value}" for name, value in FLAGS.items()]
        command = [sys.executable, "-m", "streamlit", "run", str(script), *flags]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, f"--server.port={port}"],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            )

    def wait(self, seconds: float = 60) -> None:
        """Returns when the server says that it is well."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"Expected a healthy server in {seconds} s.\n{self.log.read_text()}")

    def leave(self, context: BrowserContext) -> None:
        """Ends a visit, if it has not ended yet."""
        if context in self.visitors:
            self.visitors.remove(context)
            context.close()

    def stop(self) -> None:
        """Ends its visits, then the server and everything it started."""
        for context in tuple(self.visitors):
            self.leave(context)
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


@contextmanager
def serving(script: Path, log: Path) -> Iterator[Server]:
    """Runs a Streamlit script for as long as the block lasts."""
    server = Server(script, log)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class Console:
    """Collects what a page complains about.

    Left out are the client's probes for its base path: on a page such as `/forget` it asks
    for `/forget/_stcore/...` first, gets 404 and goes on with `/_stcore/...`.
    """

    def __init__(self, page: Page) -> None:
        self.problems: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A failed load is reported by its response, which knows the address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _on_response(self, response: Response) -> None:
        probe = response.status == 404 and "/_stcore/" in response.url
        if response.status >= 400 and not probe:
            self.problems.append(f"{response.status}: {response.url}")


def settled(page: Page, timeout: float = PATIENCE) -> None:
    """Waits until the script is done and the page has stopped changing."""
    page.wait_for_selector(IDLE, state="attached", timeout=timeout)
    page.wait_for_timeout(200)  # a click needs this long to reach the server and come back
    page.wait_for_selector(IDLE, state="attached", timeout=timeout)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stSkeleton]') &&"
        " [...document.querySelectorAll('.js-plotly-plot')]"
        ".every(plot => plot.querySelector('.main-svg'))",
        timeout=timeout,
    )


@contextmanager
def unrolled(page: Page) -> Iterator[None]:
    """Makes the window as high as the page, which scrolls inside its main part."""
    before = page.viewport_size or {"width": 1280, "height": 800}
    tall = "() => Math.ceil(document.querySelector('[data-testid=stMain]').scrollHeight)"
    height = max(before["height"], page.evaluate(tall))
    page.set_viewport_size({"width": before["width"], "height": height})
    page.wait_for_timeout(400)  # charts, lazy pictures and colours in transition settle
    try:
        yield
    finally:
        page.set_viewport_size(before)


def shot(page: Page, name: str, folder: Path) -> Path:
    """Saves a picture of the whole page, not only of what fits the window."""
    path = folder / f"{name}.png"
    with unrolled(page):
        page.screenshot(path=path, animations="disabled")
    return path


def violations(page: Page) -> list[str]:
    """Returns what axe-core finds on the whole page, shadow roots included.

    The window is unrolled first: axe does not judge the contrast of what is scrolled away. Left
    out is Streamlit's own drop zone, which has `role=presentation` but can be focused by script.
    """
    with unrolled(page):
        found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html']} {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
        if rule["id"] != "presentation-role-conflict" or "FileUploader" not in node["html"]
    ]
