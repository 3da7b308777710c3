"""What all tests share: the faces, the demo model, and the word about browser tests."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from forget.data.dataset import FaceDataset
from forget.data.load import load_faces
from forget.linear.feature_map import Penultimate
from forget.linear.model import LinearModel
from forget.pretrained import load_feature_map, load_model

# How fast a machine is says nothing about a law.
settings.register_profile("forget", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("forget")


@pytest.fixture(scope="session")
def orl() -> FaceDataset:
    """Returns the 400 ORL photographs."""
    return load_faces("orl")


@pytest.fixture(scope="session")
def feature_map() -> Penultimate:
    """Returns the demo embedder as a feature map."""
    return load_feature_map()


@pytest.fixture(scope="session")
def model() -> LinearModel:
    """Returns the demo model of all 40 people."""
    return load_model("orl")


@pytest.fixture(scope="session")
def rows(feature_map: Penultimate, orl: FaceDataset) -> np.ndarray:
    """Returns the features of all ORL photographs on the grid."""
    return feature_map.rows(orl.images)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says in one line how many browser tests did not run, and how to get them."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "no Chromium found" in str(report.longrepr)
    ]
    if skipped and os.environ.get("CI") != "true":
        terminalreporter.write_line(
            f"{len(skipped)} browser tests did not run: no Chromium found. "
            "Get one with: apt-get install chromium (Debian, Ubuntu) or brew install chromium",
            yellow=True,
        )
