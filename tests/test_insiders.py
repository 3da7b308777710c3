"""What a model says of its own people, against all scores at once."""

import numpy as np
import pytest

from forget import insiders as module
from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.insiders import insiders
from forget.linear.model import LinearModel


@pytest.mark.parametrize("scores", [1, 40 * 7, 2**23])
def test_batches_change_nothing(
    model: LinearModel,
    orl: FaceDataset,
    rows: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    scores: int,
) -> None:
    monkeypatch.setattr(module, "SCORES", scores)
    indices = split_by_identity(orl).test_of(orl.identities)
    labels = [orl.labels[i] for i in indices]
    found = insiders(model, rows[indices], labels)
    dense = model.score(rows[indices])
    column = [model.classes.index(person) for person in labels]
    own = dense[np.arange(len(labels)), column]
    np.testing.assert_allclose(found.own, own, atol=1e-12)
    first = (dense.argmax(1) == column) & (own >= model.threshold)
    assert np.array_equal(found.recognised, first)
    assert 0 < first.sum() < len(first)


def test_nobody_is_asked_about(model: LinearModel, rows: np.ndarray) -> None:
    found = insiders(model, rows[:0], [])
    assert len(found.own) == len(found.recognised) == 0
