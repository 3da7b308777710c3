"""The frozen network that a study begins with."""

from pathlib import Path

from forget.errors import CheckpointError
from forget.linear.face_features import FaceFeatures
from forget.linearizations import LastLayer
from forget.models.backbone_file import load_backbone
from forget.models.face_backbone import FaceBackbone
from forget.pretrained import demo_feature_map, load_feature_map
from forget.recognition.settings import ModelSettings

__all__ = ["PACKS", "ZOO", "study_network"]

ZOO = Path("~/.insightface/models")  # where the package insightface unpacks what it downloads
# The file of each pack that embeds faces.
PACKS = {
    "buffalo_l": "w600k_r50.onnx",
    "buffalo_m": "w600k_r50.onnx",
    "buffalo_s": "w600k_mbf.onnx",
    "antelopev2": "glintr100.onnx",
}


def study_network(model: ModelSettings) -> LastLayer:
    """Loads the network and reads its last layer.

    Nobody knows on whose photographs a network from elsewhere was trained, so what is forgotten
    is forgotten by the linear part.

    Raises:
        CheckpointError: No weights are named, the file is missing or broken, or it holds another
            network than the settings say.
    """
    if model.backbone == "embedder" and not model.use_insightface:
        own = model.pretrained_path
        last: LastLayer = load_feature_map(own) if own else demo_feature_map()  # type: ignore[assignment]
        _check_size(last.space.dimension, model)
        return last
    path = _pack(model) if model.use_insightface else _weights(model)
    depth = model.backbone.removeprefix("iresnet")
    known = int(depth) if depth.isdecimal() and not model.use_insightface else None
    backbone = load_backbone(path, depth=known)
    if not model.use_insightface:
        _check_kind(backbone, model)
    _check_size(backbone.dimension, model)
    return FaceFeatures(backbone)


def _weights(model: ModelSettings) -> Path:
    if not model.pretrained_path:
        raise CheckpointError(
            f"weights of {model.backbone}",
            "no model.pretrained_path",
            "Give the path of a .pth, .ckpt, .safetensors or .onnx file with "
            "--model.pretrained_path.",
        )
    return Path(model.pretrained_path).expanduser()


def _pack(model: ModelSettings) -> Path:
    pack = model.insightface_model
    path = (ZOO / pack / PACKS[pack]).expanduser()
    if not path.is_file():
        raise CheckpointError(
            f"the pack {pack} of the model zoo",
            f"nothing at {path}",
            f"Download {pack}.zip from the releases of github.com/deepinsight/insightface and "
            f"unpack it into {path.parent}, or name its file with --model.pretrained_path.",
        )
    return path


def _check_kind(backbone: FaceBackbone, model: ModelSettings) -> None:
    is_iresnet = model.backbone.startswith("iresnet")
    if (backbone.kind == "iresnet") != is_iresnet:
        raise CheckpointError(
            f"a network of the kind {model.backbone}",
            f"{backbone.kind} in {model.pretrained_path}",
            "Set model.backbone to what the file holds.",
        )


def _check_size(found: int, model: ModelSettings) -> None:
    wanted = model.embedding_size
    if wanted is not None and wanted != found:
        raise CheckpointError(
            f"model.embedding_size: {wanted}", f"{found} numbers", "Correct the key, or leave it."
        )
