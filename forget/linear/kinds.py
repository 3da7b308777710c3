"""All feature maps that a file can hold, by kind."""

from typing import Any

from forget.errors import CheckpointError
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.erasing.features import Erased
from forget.linear.face_features import FaceFeatures
from forget.linear.feature_map import FeatureMap, Penultimate
from forget.linear.linearizer.features import LinearizerFeatures
from forget.linear.tangent.features import Tangent
from forget.models.checkpoint import Tensors, TrainingRecord

__all__ = ["FEATURE_MAPS", "read_feature_map"]

FEATURE_MAPS: dict[str, type] = {
    one.kind: one
    for one in (Penultimate, ClassifierFeatures, FaceFeatures, Tangent, LinearizerFeatures, Erased)
}


def read_feature_map(
    about: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
) -> FeatureMap:
    """Builds a feature map again.

    Arguments:
        about: Its kind, and under "network" the settings that its `parts` gave.
        tensors: The parameters that its `parts` gave.
        record: Whose photographs made it.

    Raises:
        CheckpointError: No such kind, or parts that do not belong together.
    """
    if about.get("kind") not in FEATURE_MAPS:
        known = ", ".join(FEATURE_MAPS)
        raise CheckpointError(
            f"a feature map of {known}", repr(about.get("kind")), "Save the model again."
        )
    return FEATURE_MAPS[about["kind"]].from_parts(about["network"], tensors, record)
