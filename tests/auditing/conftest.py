"""Audits of two people, made once for all tests."""

from collections.abc import Callable

import pytest
from known_fates import PEOPLE, audited

from forget.auditing.evidence import Evidence
from forget.auditing.outcome import Audit
from forget.auditing.subject import from_linear
from forget.data.dataset import FaceDataset
from forget.linear.model import LinearModel


@pytest.fixture(scope="session")
def known_rows(model: LinearModel) -> Callable:
    """All rows of the demo's feature map, each computed once."""
    return from_linear(model, "all").rows  # type: ignore[return-value]


@pytest.fixture(scope="session")
def evidence(orl: FaceDataset) -> Evidence:
    return Evidence.of(orl, PEOPLE)


@pytest.fixture(scope="session")
def removed(model: LinearModel, evidence: Evidence, known_rows: Callable) -> Audit:
    return audited(model, evidence, known_rows, "subtract")


@pytest.fixture(scope="session")
def hidden(model: LinearModel, evidence: Evidence, known_rows: Callable) -> Audit:
    return audited(model, evidence, known_rows, "project", suppression=True)
