"""A face network that looks at each view once, for maps that are trained on few crops, often."""

from hashlib import blake2b

import torch
from torch import Tensor

from forget.linear.backbone import FaceNetwork
from forget.models.face_backbone import FaceBackbone

__all__ = ["MOST", "Remembered"]

MOST = 2**27  # numbers that are remembered, 512 MB; later views are looked at every time


class Remembered(FaceNetwork):
    """A frozen face network that keeps what it said of a view.

    Aligned crops bear no change but mirroring, so a training sees the same two views of a crop in
    every epoch, and the network is nearly all of its cost. Not for what needs gradients of the
    network.

    Arguments:
        backbone: The network, frozen, and its convention.
    """

    def __init__(self, backbone: FaceBackbone) -> None:
        super().__init__(backbone)
        self._known: dict[bytes, Tensor] = {}

    def hidden(self, view: Tensor) -> Tensor:
        """Raw embeddings (n, m) of one view."""
        keys = [blake2b(one.cpu().contiguous().numpy().tobytes()).digest() for one in view]
        place = dict(zip(keys, range(len(keys)), strict=True))  # of equal views the last
        new = [i for key, i in place.items() if key not in self._known]
        rows = dict(zip(new, super().hidden(view[new]), strict=True)) if new else {}
        found = [self._known[key] if key in self._known else rows[place[key]] for key in keys]
        if len(self._known) * self.dimension < MOST:
            self._known |= {keys[i]: row.detach().clone() for i, row in rows.items()}
        return torch.stack(found).to(view.device)
