"""Feature maps and rows that take long to make, made once and kept beside their network."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forget.data.dataset import FaceDataset, photograph_hash
from forget.errors import CheckpointError
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.kinds import read_feature_map
from forget.linear.model import all_rows
from forget.linearizations import LastLayer, linearization, make_feature_map
from forget.models.checkpoint import read_tensors, to_bytes, write_bytes
from forget.progress import OnStep, silent

__all__ = ["Shelf"]

FEATURES = "forget feature map 1"  # formats of the files
ROWS = "forget rows 1"


@dataclass(frozen=True)
class Shelf:
    """A folder with what was made of one network.

    Arguments:
        folder: Where files are kept.
        network: Gives the network's last layer.
        core: Gives the photographs of its core that linearizations are chosen on.
    """

    folder: Path
    network: Callable[[], LastLayer]
    core: Callable[[], FaceDataset]

    def find(self, kind: str) -> FeatureMap | None:
        """The feature map of a kind if it need not be made first.

        None if it was never made, if it belongs to another network, or if the file was cut off.

        Raises:
            ForgetError: No such kind, or there is no network.
        """
        linearization(kind)
        base = self.network()
        if kind == "penultimate":
            return base
        known = self._known(kind, base)
        try:
            tensors, about = read_tensors(self._file(kind))
            if {name: about.get(name) for name in known} == known:
                return read_feature_map(about["feature map"], tensors, base.record)
        except (CheckpointError, KeyError):
            pass
        return None

    def get(self, kind: str, on_step: OnStep = silent) -> FeatureMap:
        """The feature map of a kind; made and kept if it is not there.

        Raises:
            ForgetError: No such kind, or there is no network.
        """
        found = self.find(kind)
        if found is None:
            base = self.network()
            found = make_feature_map(kind, base, self.core(), on_step)
            config, tensors = found.parts
            about = {"kind": found.kind, "network": config}
            whole = {**self._known(kind, base), "feature map": about}
            write_bytes(self._file(kind), to_bytes(tensors, whole))
        return found

    def rows(self, feature_map: FeatureMap, faces: FaceDataset, on_step: OnStep = silent) -> Rows:
        """Features on the grid of all photographs, (n, d); computed and kept if not there.

        The file holds biometric data of everybody in the data set, like a model with its store.
        """
        found = self.find_rows(feature_map, faces)
        if found is None:
            found = all_rows(feature_map, faces.images, on_step)
            known = self._known_rows(feature_map, faces)
            write_bytes(self._rows_file(feature_map), to_bytes({"rows": found}, known))
        return found

    def find_rows(self, feature_map: FeatureMap, faces: FaceDataset) -> Rows | None:
        """What `rows` returns if it need not be computed first."""
        try:
            tensors, about = read_tensors(self._rows_file(feature_map))
            known = self._known_rows(feature_map, faces)
            if about == known and len(tensors["rows"]) == len(faces.images):
                return tensors["rows"]
        except (CheckpointError, KeyError):
            pass
        return None

    def _rows_file(self, feature_map: FeatureMap) -> Path:
        return self.folder / f"rows-{feature_map.space.feature_map[:16]}.safetensors"

    def _known_rows(self, feature_map: FeatureMap, faces: FaceDataset) -> dict[str, str]:
        of = feature_map.space.feature_map
        return {"format": ROWS, "of": of, "photographs": _digest(faces)}

    def _file(self, kind: str) -> Path:
        return self.folder / f"{kind}.safetensors"

    def _known(self, kind: str, base: LastLayer) -> dict[str, str]:
        return {"format": FEATURES, "kind": kind, "of": base.space.feature_map}


def _digest(faces: FaceDataset) -> str:
    whole = hashlib.sha256()
    for image in faces.images:
        whole.update(photograph_hash(np.asarray(image)).encode())
    return whole.hexdigest()
