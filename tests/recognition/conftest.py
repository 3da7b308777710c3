"""What tests of a study share: small crops of a few people, a small random network in a file."""

from pathlib import Path

import pytest
from recognition.study_files import save_crops, save_weights


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random MobileFaceNet of 8 numbers in a file."""
    return save_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people in seven noisy crops each, as a folder."""
    return save_crops(tmp_path_factory.mktemp("crops"))
