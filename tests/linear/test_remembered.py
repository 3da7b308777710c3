"""A network that remembers says what it would say, and looks once."""

import numpy as np
import pytest
import torch
from models.face_networks import mobile, photographs

from forget.linear import remembered as module
from forget.linear.backbone import FaceNetwork
from forget.linear.remembered import Remembered
from forget.models.convention import Convention
from forget.models.face_backbone import FaceBackbone


@pytest.fixture(scope="module")
def backbone() -> FaceBackbone:
    return FaceBackbone(mobile(), Convention(width=96), "random")


def test_a_remembered_view_is_not_looked_at_again(
    backbone: FaceBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, remembered, looked = FaceNetwork(backbone), Remembered(backbone), []
    hidden = FaceNetwork.hidden

    def counted(self: FaceNetwork, view: torch.Tensor) -> torch.Tensor:
        looked.append(len(view))
        return hidden(self, view)

    with torch.no_grad():
        view = plain.prepare(photographs(3)[[0, 1, 0, 2]])
        wanted = plain.hidden(view), plain.hidden(view.flip(-1))
        monkeypatch.setattr(FaceNetwork, "hidden", counted)
        found = remembered.hidden(view), remembered.hidden(view.flip(-1))
        assert looked == [3, 3]
        assert torch.equal(remembered.hidden(view.flip(0)), found[0].flip(0))
        assert looked == [3, 3]
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * other.abs().max())
    assert (remembered.config, list(remembered.tensors)) == (plain.config, list(plain.tensors))


def test_what_there_is_no_room_for_is_looked_at_again(
    backbone: FaceBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    some = Remembered(backbone)
    with torch.no_grad():
        view = some.prepare(photographs(3))
        first, second = some.hidden(view[:1]), some.hidden(view)
        again = some.hidden(view)
    assert np.allclose(first, second[:1], rtol=1e-4, atol=1e-4)
    assert torch.equal(second[1:], again[1:])
    assert len(some._known) == 1
