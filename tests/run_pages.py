"""Runs for the tests of the pages that show them, and how those pages are opened."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from forget.data.load import load_images
from forget.runs import run as runs
from forget.runs.run import Run

__all__ = ["opened", "with_digits", "words"]

ROOT = Path(__file__).parents[1]


def opened(page: str, logs: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Opens a page that finds its runs below a folder."""
    monkeypatch.setattr(runs, "LOGS", logs)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    return at.switch_page(page).run()


def words(at: AppTest) -> str:
    """All text of the page; fails if it ended in an exception."""
    assert not at.exception
    kinds = (at.markdown, at.caption, at.header, at.subheader, at.error, at.warning, at.code)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def with_digits(run: Run) -> Run:
    """Replaces the predictions of a sample run by some about real images of handwritten digits.

    The original model is right, the unlearned one takes everything for a 1, the retrained one for
    the digit after the true one.
    """
    data = load_images("digits")
    for seed in run.params["seeds"]:
        for method in ("original", "retrain", *run.params["methods"]):
            label = data.labels[data.test]
            taken = {"original": label, "retrain": (label + 1) % 10}.get(
                method, np.ones_like(label)
            )
            probability = np.full((len(label), 10), 0.02, np.float16)
            probability[np.arange(len(label)), taken] = 0.82
            arrays = run.predictions(method, seed) or {}
            ours = {"test": data.test, "test_label": label, "test_probability": probability}
            run.save_predictions(method, seed, {**arrays, **ours})
    return run
