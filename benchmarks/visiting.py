"""How long a visitor of the app waits, in a real Chromium.

    make bench      after the other table; writes benchmarks/visiting.csv

Cold: a new server, until forty portraits can be clicked. Warm: the same for a later visitor.
Forget: from the click on Forget to the faces marked and the line that names who is gone.
"""

import re
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import pandas as pd
from browser import harness
from playwright.sync_api import Browser, Page, sync_playwright

from forget.runtime import machine

VISITS = 5
FORGOTTEN = (34, 25, 21, 30, 38)
TABLE = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Measures, prints and writes the table."""
    chromium = harness.find_chromium()
    if chromium is None:
        sys.exit("No Chromium found: get one with apt-get install chromium")
    log = Path(tempfile.mkdtemp()) / "server.log"
    with harness.serving(harness.ROOT / "app.py", log) as server, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(harness.CHROMIUM_ARGS))
        times = {"first page, cold server": [first_page(browser, server.url)]}
        warm = [first_page(browser, server.url) for _ in range(VISITS)]
        times["first page, warm server"] = warm
        times["click on Forget to result"] = forgetting(browser, server.url)
    rows = [(name, median(all_), min(all_), max(all_)) for name, all_ in times.items()]
    table = pd.DataFrame(rows, columns=["wait", "median s", "least s", "most s"])
    table["machine"] = machine()
    table.to_csv(TABLE, index=False, float_format="%.2f")
    sys.stdout.write(table.drop(columns="machine").to_string(index=False) + f"\n{machine()}\n")


def first_page(browser: Browser, url: str) -> float:
    """Seconds until a new visitor sees the last of forty portraits."""
    context = browser.new_context()
    page = context.new_page()
    start = perf_counter()
    page.goto(url)
    page.get_by_role("img", name=re.compile("^Portrait of")).nth(39).wait_for(timeout=90_000)
    spent = perf_counter() - start
    context.close()
    return spent


def forgetting(browser: Browser, url: str) -> list[float]:
    """Seconds from click to result, for several people one after the other."""
    page = browser.new_page()
    page.goto(f"{url}/forget_people")
    return [forget(page, number) for number in FORGOTTEN]


def forget(page: Page, number: int) -> float:
    """Chooses a person by the picture, forgets them, and waits for the result."""
    page.get_by_role("checkbox", name=re.compile(f"Person {number}$")).click(timeout=60_000)
    harness.settled(page)
    start = perf_counter()
    page.get_by_role("button", name="Forget", exact=True).click()
    page.get_by_role("checkbox", name=f"Person {number} forgotten").wait_for()
    page.get_by_role("heading", name="Everyone else").wait_for()
    page.get_by_text(re.compile(rf"^Forgotten:.*Person {number}\b")).wait_for()
    spent = perf_counter() - start
    harness.settled(page)
    return spent


if __name__ == "__main__":
    main()
